//! The distribution of the Hubbard-Stratonovich field.

use statrs::function::erf::erfc;

use super::CurieWeiss;
use crate::physics::{PhysicsError, System};

/// The exact distribution of the field `φ` that a spin feels.
///
/// ```text
/// exp(βM²/2N) = ∫ dz/√(2π) exp(-z²/2 + √(β/N) z M),   φ = √(β/N) z + βh
/// p(s | φ) = Π_i exp(φ s_i) / 2cosh φ
/// p(φ) ∝ exp{-N[(φ - βh)²/2β - ln 2cosh φ]}
/// φ | s ~ Normal(βM/N + βh, β/N)
/// ```
///
/// `2φ` is the log odds of a spin up.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDistribution {
    sites: f64,
    beta: f64,
    /// `βh`.
    external: f64,
    log_partition: f64,
    /// `P(M)`, for `M = -N, -N + 2, …, N`.
    magnetisation: Vec<f64>,
}

impl FieldDistribution {
    pub(super) fn new(model: &CurieWeiss) -> Result<Self, PhysicsError> {
        Ok(Self {
            sites: model.sites() as f64,
            beta: model.beta(),
            external: model.beta() * model.field(),
            log_partition: model.solution()?.log_partition,
            magnetisation: model.count_distribution(),
        })
    }

    /// The logarithm of the density `p(φ)`, normalised by the exact `ln Z`.
    #[must_use]
    pub fn log_density(&self, field: f64) -> f64 {
        let deviation = field - self.external;
        let exponent = deviation * deviation / (2.0 * self.beta) - log_two_cosh(field);
        let width = 2.0 * std::f64::consts::PI * self.beta / self.sites;
        -self.sites * exponent - 0.5 * width.ln() - self.log_partition
    }

    /// The density `p(φ)`.
    #[must_use]
    pub fn density(&self, field: f64) -> f64 {
        self.log_density(field).exp()
    }

    /// The probability of a field of at most `field`: a sum over all `M`.
    ///
    /// ```text
    /// Σ_M P(M) Φ((φ - βM/N - βh) / √(β/N))
    /// ```
    #[must_use]
    pub fn cumulative(&self, field: f64) -> f64 {
        let deviation = (self.beta / self.sites).sqrt();
        let below = |up: usize| {
            let magnetisation = 2.0 * up as f64 - self.sites;
            let mean = self.beta * magnetisation / self.sites + self.external;
            0.5 * erfc((mean - field) / (deviation * std::f64::consts::SQRT_2))
        };
        let weights = self.magnetisation.iter().enumerate();
        weights.map(|(up, weight)| weight * below(up)).sum()
    }
}

/// `ln(2 cosh x)` for any size of `x`.
pub(crate) fn log_two_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p()
}
