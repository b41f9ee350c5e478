//! Couplings and fields: read off a network's posterior, its prior, or the samples.
//!
//! The models behind are `p(x) ∝ exp(βJ |Y|² / 2N + βh Y)` with the total feature
//! `Y = Σ_i y_i`, or, for spins, `p(s) ∝ exp(½ Σ_ij βJ_ij s_i s_j)`. In the field of
//! their latent variables the sites are independent,
//! `p(x|z) = Π_i exp(η_i(z)·y_i) / c(η_i)`, where `η_i` is the natural parameter of
//! site i: for spins half of the logit of its probability to be up, for directors a
//! vector as wide as the feature. The field `z` itself is defined up to any
//! one-to-one map, so that what a network says of `z` means nothing; `η_i`, however,
//! is what the units feel. Given the units, it is exactly
//!
//! ```text
//! η | x ~ Normal(βJ Y/N + βh, βJ/N)      in each component
//! ```
//!
//! | function | reads | gives |
//! | --- | --- | --- |
//! | [`mean_field_regression`] | posterior means of `η`, `Y/N` | `βJ` (slope), `βh` |
//! | [`conditional_variance`] | draws of `η` from the posterior | `βJ` |
//! | [`fit_field`], [`fit_radial_field`] | draws of `η` from the prior | `βJ`, `βh` |
//! | [`coupling_matrix`] | posterior means of `η_i`, spins | `βJ_ij` |
//! | [`pattern_regression`] | the same, and true patterns | `β` |
//! | [`moment_matching`], [`linear_response`] | order parameters | `β`, `βJ` |
//! | [`exchangeable_inversion`], [`naive_mean_field`] | spins | `βJ`, `βJ_ij` |
//! | [`pseudo_likelihood`], [`node_wise_pseudo_likelihood`] | spins | `βJ`, `βh`, `βJ_ij` |
//! | [`compare_couplings`] | a matrix and the true one | slope, correlation, error |
//! | [`CouplingMatrix::agreement`], [`naive_mean_field_agreement`], [`node_wise_agreement`] | the same, and blocks | these with errors |
//!
//! Errors tell how far an estimate may be off because there are finitely many
//! configurations, or draws. They do not tell how far the network is off.

mod averages;
mod comparison;
mod field_density;
mod field_likelihood;
mod inversion;
mod matrix;
mod mean_field;
mod moments;
mod newton;
mod node_wise;
mod pseudo_likelihood;
#[cfg(test)]
mod tests;

pub use averages::{mean_features, site_averages};
pub use comparison::{EstimatedAgreement, MatrixAgreement, compare_couplings};
pub use field_likelihood::{FieldFit, fit_field, fit_radial_field};
pub use inversion::{
    MAX_INVERSION_SITES, exchangeable_inversion, naive_mean_field, naive_mean_field_agreement,
};
pub use matrix::{CouplingMatrix, MAX_RANK, coupling_matrix, pattern_regression};
pub use mean_field::{
    FieldDraws, MeanFieldData, MeanFieldRegression, conditional_variance, mean_field_regression,
};
pub use moments::{linear_response, moment_matching};
pub use node_wise::{MAX_NODE_WISE_SITES, node_wise_agreement, node_wise_pseudo_likelihood};
pub use pseudo_likelihood::{PseudoLikelihoodFit, pseudo_likelihood};

use super::Estimate;

/// Whether there may be an external field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalField {
    /// It is known to be zero.
    Absent,
    /// It is fitted.
    Fitted,
}

/// A coupling and an external field, both times the inverse temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CouplingAndField {
    /// `βJ`, no unit.
    pub coupling: Estimate,
    /// `βh`, no unit; nothing if it was not fitted.
    pub field: Option<Estimate>,
}

impl CouplingAndField {
    fn new([coupling, fitted]: [Estimate; 2], field: ExternalField) -> Self {
        Self {
            coupling,
            field: (field == ExternalField::Fitted).then_some(fitted),
        }
    }
}
