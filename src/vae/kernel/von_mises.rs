//! The head of planar directors: von Mises in the doubled angle.
//!
//! `y = (cos 2 theta, sin 2 theta)`, `c(eta) = I_0(kappa)` with `kappa = |eta|`, and
//! `E[y | eta] = I_1(kappa) / I_0(kappa) eta / kappa`, from the polynomials 9.8.1 to
//! 9.8.4 of Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
//!
//! Tested against `f64`: `ln c` within `5e-7 + 2e-7 kappa`, each
//! component of the mean within 1e-6, for `kappa` up to 1e4.

use super::directional::{self, Block, Head, SITES};
use crate::elementary::ln;

#[cfg(test)]
mod tests;

/// Numbers a site.
const WIDTH: usize = 2;
/// Numbers a block.
const VALUES: usize = WIDTH * SITES;

/// Where the polynomials change over.
const BOUNDARY: f32 = 3.75;
/// 9.8.1: `I_0`, in `(kappa / BOUNDARY)^2`, lowest power first.
const NEAR_0: [f32; 7] = [
    1.0,
    3.515_622_9,
    3.089_942_4,
    1.206_749_2,
    0.265_973_2,
    0.036_076_8,
    0.004_581_3,
];
/// 9.8.3: `I_1 / kappa`.
const NEAR_1: [f32; 7] = [
    0.5,
    0.878_905_94,
    0.514_988_69,
    0.150_849_34,
    0.026_587_33,
    0.003_015_32,
    0.000_324_11,
];
/// 9.8.2: `sqrt(kappa) exp(-kappa) I_0`, in `BOUNDARY / kappa`.
const FAR_0: [f32; 9] = [
    0.398_942_3,
    0.013_285_92,
    0.002_253_19,
    -0.001_575_65,
    0.009_162_81,
    -0.020_577_06,
    0.026_355_37,
    -0.016_476_33,
    0.003_923_77,
];
/// 9.8.4: `sqrt(kappa) exp(-kappa) I_1`.
const FAR_1: [f32; 9] = [
    0.398_942_3,
    -0.039_880_24,
    -0.003_620_18,
    0.001_638_01,
    -0.010_315_55,
    0.022_829_67,
    -0.028_953_12,
    0.017_876_54,
    -0.004_200_59,
];

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn polynomial<const TERMS: usize>(coefficients: &[f32; TERMS], x: f32) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients.iter().rev() {
        sum = sum * x + coefficient;
    }
    sum
}

/// `ln I_0(kappa)` and `I_1(kappa) / (kappa I_0(kappa))`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn log_normaliser_and_ratio(kappa: f32) -> (f32, f32) {
    let near = kappa < BOUNDARY;
    let t = kappa.min(BOUNDARY) / BOUNDARY;
    let near_0 = polynomial(&NEAR_0, t * t);
    let near_1 = polynomial(&NEAR_1, t * t);
    let large = kappa.max(BOUNDARY);
    let inverse = 1.0 / large;
    let far_0 = polynomial(&FAR_0, BOUNDARY * inverse);
    let far_1 = polynomial(&FAR_1, BOUNDARY * inverse) * inverse;
    let scaled = if near { near_0 } else { far_0 * inverse.sqrt() };
    let grown = if near { 0.0 } else { kappa };
    let (one, zero) = (
        if near { near_1 } else { far_1 },
        if near { near_0 } else { far_0 },
    );
    (grown + ln(scaled), one / zero)
}

/// The head of planar directors.
struct VonMises;

impl Head<VALUES> for VonMises {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    fn evaluate(&self, eta: &[f32; VALUES]) -> Block<VALUES> {
        let mut log_normaliser = [0.0; SITES];
        let mut mean = [0.0; VALUES];
        for lane in 0..SITES {
            let (cos, sin) = (eta[WIDTH * lane], eta[WIDTH * lane + 1]);
            let (value, ratio) = log_normaliser_and_ratio((cos * cos + sin * sin).sqrt());
            log_normaliser[lane] = value;
            mean[WIDTH * lane] = ratio * cos;
            mean[WIDTH * lane + 1] = ratio * sin;
        }
        (log_normaliser, mean)
    }
}

vectorised! {
    /// `-ln p(features | eta)` of one configuration, nats: the sum over sites of
    /// `ln c - eta . y`. Both are sites x 2.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn von_mises_cost(eta: &[f32], features: &[f32]) -> f32 {
        directional::cost(&VonMises, eta, features)
    }
}

vectorised! {
    /// Sum of [`von_mises_cost`] over a batch, nats; replaces `eta` by
    /// `weight (E[y | eta] - y)`, the sum's derivative times `weight`.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn von_mises_cost_and_gradient(
        eta: &mut [f32],
        features: &[f32],
        weight: f32,
    ) -> f64 {
        directional::cost_and_gradient(&VonMises, eta, features, weight)
    }
}

vectorised! {
    /// Sum over sites of `ln c`, nats.
    pub(in crate::vae) fn von_mises_log_normaliser_sum(eta: &[f32]) -> f32 {
        directional::log_normaliser_sum(&VonMises, eta)
    }
}

vectorised! {
    #[cfg(test)]
    /// Writes `E[y | eta]` of each site.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn von_mises_mean(eta: &[f32], mean: &mut [f32]) {
        directional::mean(&VonMises, eta, mean);
    }
}
