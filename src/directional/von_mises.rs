//! Directors in the plane: the von Mises distribution of twice the angle.
//!
//! The feature of a director at the angle `θ` is `y = (cos 2θ, sin 2θ)`. In a field
//! `η` its density with respect to the uniform distribution of the angle is
//!
//! ```text
//! p(y) = exp(η·y) / c(η),   c = I0(|η|),   E[y] = I1(|η|) / I0(|η|)  η / |η|
//! ```
//!
//! Source: N. I. Fisher, Statistical Analysis of Circular Data (1993); the sampler
//! is that of D. J. Best and N. I. Fisher, Applied Statistics 28, 152 (1979).

use super::bessel;
use crate::random::{Generator, uniform};

/// Numbers in a feature.
const WIDTH: usize = 2;

/// The feature `(cos 2θ, sin 2θ)` of the director along `u`, a vector of any length
/// but 0.
#[must_use]
pub fn feature(u: [f64; 2]) -> [f64; 2] {
    let square = u[0] * u[0] + u[1] * u[1];
    let cosine = (u[0] - u[1]) * (u[0] + u[1]);
    [cosine / square, 2.0 * u[0] * u[1] / square]
}

/// `ln c(η) = ln I0(|η|)`, in nats; the relative error is below `1e-13`.
#[must_use]
pub fn log_normaliser(eta: [f64; 2]) -> f64 {
    log_normaliser_at(eta[0].hypot(eta[1]))
}

/// `ln c` in a field of length `length ≥ 0`.
#[must_use]
pub fn log_normaliser_at(length: f64) -> f64 {
    bessel::ln_i0(length)
}

/// `exp(-length) c` in a field of length `length ≥ 0`, which neither overflows nor loses
/// digits.
#[must_use]
pub fn scaled_normaliser_at(length: f64) -> f64 {
    bessel::scaled_i0(length)
}

/// The mean feature `E[y]`, the gradient of `ln c`; the relative error is below
/// `1e-13`.
#[must_use]
pub fn mean(eta: [f64; 2]) -> [f64; 2] {
    let length = eta[0].hypot(eta[1]);
    if length == 0.0 {
        return [0.0; 2];
    }
    eta.map(|x| mean_at(length) * x / length)
}

/// The length `I1(x) / I0(x)` of the mean feature in a field of length `x ≥ 0`.
#[must_use]
pub fn mean_at(length: f64) -> f64 {
    bessel::ratio(length)
}

/// Draws a feature for each field: `eta` and `features` are `sites x 2`.
///
/// A field that is not finite gives features that are not numbers.
///
/// # Panics
///
/// Panics if `eta` and `features` differ in length, or it is odd.
#[track_caller]
pub fn draw_features(eta: &[f32], features: &mut [f32], generator: &mut Generator) {
    assert_eq!(eta.len(), features.len(), "a field for every feature");
    assert_eq!(eta.len() % WIDTH, 0, "two numbers a field");
    let fields = eta.chunks_exact(WIDTH);
    for (eta, feature) in fields.zip(features.chunks_exact_mut(WIDTH)) {
        let sampler = Sampler::new([f64::from(eta[0]), f64::from(eta[1])]);
        let drawn = sampler.draw(generator);
        feature.copy_from_slice(&drawn.map(|y| y as f32));
    }
}

/// Draws independent features in one field: `features` is `sites x 2`.
///
/// A field that is not finite gives features that are not numbers.
///
/// # Panics
///
/// Panics if the number of values is odd.
#[track_caller]
pub fn draw_shared(eta: [f64; 2], features: &mut [f32], generator: &mut Generator) {
    assert_eq!(features.len() % WIDTH, 0, "two numbers a feature");
    let sampler = Sampler::new(eta);
    for feature in features.chunks_exact_mut(WIDTH) {
        let drawn = sampler.draw(generator);
        feature.copy_from_slice(&drawn.map(|y| y as f32));
    }
}

/// Draws features in one field, by rejection from a wrapped Cauchy distribution.
///
/// Best and Fisher's `r` is `(1 + √(1 + 4κ²)) / 2κ` with `κ = |η|`. What is kept is
/// finite for every `κ` and loses no digits to differences.
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    /// Unit vector along the field.
    axis: [f64; 2],
    /// `κ`.
    length: f64,
    /// `κr - κ`, from 1 down to 1/2.
    margin: f64,
    /// `1/r`, from 0 to 1.
    inverse: f64,
    /// `1 - 1/r`.
    rest: f64,
}

impl Sampler {
    /// Prepares the sampler of the field `η`.
    #[must_use]
    pub fn new(eta: [f64; 2]) -> Self {
        let length = eta[0].hypot(eta[1]);
        let root = (2.0 * length).hypot(1.0);
        let axis = if length == 0.0 {
            [1.0, 0.0]
        } else {
            eta.map(|x| x / length)
        };
        let margin = 0.5 * (1.0 + (root + 2.0 * length).recip());
        Self {
            axis,
            length,
            margin,
            inverse: 2.0 * length / (1.0 + root),
            rest: 2.0 * margin / (1.0 + root),
        }
    }

    /// Draws one feature.
    #[must_use]
    pub fn draw(&self, generator: &mut Generator) -> [f64; 2] {
        if !self.length.is_finite() {
            return [f64::NAN; 2];
        }
        loop {
            let angle = std::f64::consts::PI * (uniform(generator) - 0.5);
            // 1 ± the cosine of twice the angle, which is uniform on the circle.
            let (sine, cosine) = angle.sin_cos();
            let (above, below) = (2.0 * cosine * cosine, 2.0 * sine * sine);
            let scale = (self.rest + self.inverse * above).recip();
            // 1 ± the cosine between field and feature.
            let plus = (1.0 + self.inverse) * above * scale;
            let minus = self.rest * below * scale;
            let excess = self.margin + self.length * minus;
            if accepts(excess, uniform(generator)) {
                let across = (plus * minus).sqrt().copysign(angle);
                let along = 0.5 * (plus - minus);
                let [x, y] = self.axis;
                return [along * x - across * y, along * y + across * x];
            }
        }
    }
}

/// Whether `y exp(1 - y)` exceeds a uniform number; the first bound spares logarithms.
fn accepts(y: f64, uniform: f64) -> bool {
    y * (2.0 - y) > uniform || y.ln() + 1.0 - y >= uniform.ln()
}

#[cfg(test)]
mod tests;
