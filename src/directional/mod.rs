//! Distributions of directors in a field: normalisers, means, exact samplers.
//!
//! A headless direction has a feature `y` of length 1 (`u` and `-u` share it), and
//! a field `η` of as many numbers gives it the density `exp(η·y) / c(η)` with
//! respect to the uniform distribution. In the plane this is von Mises in twice
//! the angle ([`von_mises`]), in space it is the Bingham distribution
//! ([`bingham`]). Both give `ln c`, the mean feature (the gradient of `ln c`) and
//! samples that are exact for any field.
//!
//! Nothing here knows of sites that interact. Random generators are passed in.

mod bessel;
pub mod bingham;
mod eigen;
mod gauss_legendre;
pub mod von_mises;

pub use eigen::{SymmetricEigen, symmetric_eigen};
pub use gauss_legendre::GaussLegendre;
