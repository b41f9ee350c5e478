//! Nematics in which every molecule meets every other: Maier and Saupe, and its plane.
//!
//! ```text
//! H = -(1/2N) |Y|²,   Y = Σ_i y(u_i)
//! ```
//!
//! with the feature of a director in space (`y(u)·y(v) = P_2(u·v)`, five numbers) or
//! in the plane (`y = (cos 2θ, sin 2θ)`). Self terms are included. The two models
//! differ in their [`OrientationSpace`] alone: how a director is drawn in a field
//! `h`, and its normaliser `c(h)`. What follows from these is shared: thermodynamics
//! at any number of molecules by quadrature over the field ([`FieldQuadrature`]),
//! independent samples without a chain, the infinite system ([`NematicTransition`]).
//!
//! Source: W. Maier and A. Saupe, Zeitschrift für Naturforschung 14a, 882 (1959).

mod field_sampler;
mod model;
mod planar_order;
mod quadrature;
mod space;
mod theory;
mod transition;

pub use model::Nematic;
pub use quadrature::FieldQuadrature;
pub use space::{OrientationSpace, Plane, Space};
pub use transition::NematicTransition;

/// Molecules in space: the model of Maier and Saupe, of first order at `T = 0.2202`.
pub type MaierSaupe = Nematic<Space>;

/// Molecules in the plane, of second order at `T = 1/2`.
pub type PlanarNematic = Nematic<Plane>;

#[cfg(test)]
mod tests;
