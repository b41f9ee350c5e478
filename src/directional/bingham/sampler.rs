//! Exact samples of the Bingham distribution.
//!
//! Rejection from an angular central Gaussian distribution: J. T. Kent,
//! A. M. Ganeiber and K. V. Mardia, A New Unified Approach for the Simulation of a
//! Wide Class of Directional Distributions, JCGS 27, 291 (2018).

use rand_distr::{Distribution, StandardNormal};

use super::{eigenvalues_at, feature, length, shape, tensor};
use crate::random::{Generator, uniform};

/// Numbers in a feature.
const WIDTH: usize = 5;
/// Steps of Newton's method from below; only the acceptance depends on them.
const NEWTON_STEPS: usize = 5;

/// Draws a feature for each field: `eta` and `features` are `sites x 5`.
///
/// A field that is not finite gives features that are not numbers.
///
/// # Panics
///
/// Panics if `eta` and `features` differ in length, or it is no multiple of 5.
#[track_caller]
pub fn draw_features(eta: &[f32], features: &mut [f32], generator: &mut Generator) {
    assert_eq!(eta.len(), features.len(), "a field for every feature");
    assert_eq!(eta.len() % WIDTH, 0, "five numbers a field");
    let fields = eta.chunks_exact(WIDTH);
    for (eta, feature) in fields.zip(features.chunks_exact_mut(WIDTH)) {
        let eta = std::array::from_fn(|a| f64::from(eta[a]));
        let drawn = Sampler::new(eta).draw(generator);
        feature.copy_from_slice(&drawn.map(|y| y as f32));
    }
}

/// Draws independent features in one field: `features` is `sites x 5`.
///
/// A field that is not finite gives features that are not numbers.
///
/// # Panics
///
/// Panics if the number of values is no multiple of 5.
#[track_caller]
pub fn draw_shared(eta: [f64; 5], features: &mut [f32], generator: &mut Generator) {
    assert_eq!(features.len() % WIDTH, 0, "five numbers a feature");
    let sampler = Sampler::new(eta);
    for feature in features.chunks_exact_mut(WIDTH) {
        let drawn = sampler.draw(generator);
        feature.copy_from_slice(&drawn.map(|y| y as f32));
    }
}

/// Draws directors in one field.
///
/// With `A = b_max - B`, whose smallest eigenvalue is 0, `Ω = 1 + 2A/b` and `b` the
/// root of `Σ_k 1 / (b + 2a_k) = 1` the proposal is `u = v / |v|`, `v ~ N(0, Ω^-1)`. It
/// is accepted with probability
///
/// ```text
/// (w exp(1 - w))^(3/2),   w = (b/3) u·Ω u
/// ```
///
/// which is at most 1 for any positive `b` and any positive definite `Ω`, so that
/// rounding costs acceptance at most, never exactness. In three dimensions at
/// least half of the proposals are accepted.
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    /// Upper triangle, row by row, of the `T` with `T T' = Ω^-1`.
    transform: [f64; 6],
    /// `b/3`.
    scale: f64,
}

impl Sampler {
    /// Prepares the sampler of the field `η`.
    #[must_use]
    pub fn new(eta: [f64; 5]) -> Self {
        let b = eigenvalues_at(length(eta), shape(eta));
        let concentrations = b.map(|x| 2.0 * (b[0] - x));
        let root = tangent_root(concentrations);
        let scale = 2.0 / root;
        let matrix = tensor(eta).map(|row| row.map(|x| scale * super::SQRT_3_HALVES * x));
        let shift = 1.0 + scale * b[0];
        // Ω = L L' with L lower triangular; T is the inverse of L'.
        let l00 = (shift - matrix[0][0]).sqrt().recip();
        let l10 = -matrix[0][1] * l00;
        let l20 = -matrix[0][2] * l00;
        let l11 = (shift - matrix[1][1] - l10 * l10).sqrt().recip();
        let l21 = (-matrix[1][2] - l20 * l10) * l11;
        let l22 = (shift - matrix[2][2] - l20 * l20 - l21 * l21)
            .sqrt()
            .recip();
        let t01 = -l10 * l00 * l11;
        let t12 = -l21 * l11 * l22;
        let t02 = -(l20 * l00 + l21 * t01) * l22;
        Self {
            transform: [l00, t01, t02, l11, t12, l22],
            scale: root / 3.0,
        }
    }

    /// Draws a vector along the director, of any length, and its squared length.
    #[inline]
    fn direction(&self, generator: &mut Generator) -> [f64; 3] {
        let [t00, t01, t02, t11, t12, t22] = self.transform;
        loop {
            let mut normal = || -> f64 { StandardNormal.sample(generator) };
            let [a, b, c] = [normal(), normal(), normal()];
            let v = [t00 * a + t01 * b + t02 * c, t11 * b + t12 * c, t22 * c];
            let square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
            let w = self.scale * (a * a + b * b + c * c) / square;
            let bound = w * (1.0 - w).exp();
            let u = uniform(generator);
            if u * u <= bound * bound * bound {
                return v;
            }
        }
    }

    /// Draws one feature.
    #[must_use]
    pub fn draw(&self, generator: &mut Generator) -> [f64; 5] {
        if !self.transform.iter().all(|x| x.is_finite()) {
            return [f64::NAN; 5];
        }
        feature(self.direction(generator))
    }
}

/// The root `b` from 1 to 3 of `Σ_k 1 / (b + concentrations_k) = 1`.
///
/// The sum is convex and falls, and exceeds 1 at the start, so that Newton's method
/// rises towards the root.
fn tangent_root(concentrations: [f64; 3]) -> f64 {
    let mut root = 1.0;
    for _ in 0..NEWTON_STEPS {
        let (mut value, mut slope) = (-1.0, 0.0);
        for concentration in concentrations {
            let term = (root + concentration).recip();
            value += term;
            slope += term * term;
        }
        root += value / slope;
    }
    root
}

#[cfg(test)]
mod tests;
