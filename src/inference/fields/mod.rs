//! Generalised Hopfield models from data.
//!
//! Comes in: the distinct words of a recording with their counts, or only the moments of
//! its spins, and a model to begin with. Goes out: the model of largest likelihood, brought
//! into a gauge in which it can be compared, with errors over blocks of the data.
//!
//! | function | finds |
//! | --- | --- |
//! | [`hopfield_maximum_likelihood`] | the plain model, `G(u) = ½|u|²`, from moments |
//! | [`fit`], from a [`start`] | the model with any law of the field, from words |
//! | [`in_gauge`] | the form of a model in which the field has mean 0 and covariance 1 |
//! | [`align`], [`principal_cosines`] | which patterns and which spaces are the same |
//! | [`stability`] | errors of all parameters over blocks, and which patterns come back |
//! | [`number_of_fields`] | how many components the field has, by held-out words |
//!
//! Never: files, clocks, networks, half-logits that are not linear in the field.

mod alignment;
mod coordinates;
mod field_integral;
mod gauge;
mod hopfield;
mod lattice;
mod logistic;
mod maximisation;
mod moments;
mod quasi_newton;
mod selection;
mod stability;
mod start;
#[cfg(test)]
mod world;

pub use alignment::{Alignment, align, principal_cosines};
pub use gauge::{Gauged, Rotation, in_gauge};
pub use hopfield::{HopfieldFit, HopfieldOptions, hopfield_maximum_likelihood};
pub use lattice::normal_lattice;
pub use maximisation::{FieldLaw, Fit, FitOptions, fit};
pub use moments::SpinMoments;
pub use selection::{FieldsRow, LEAST_GAIN, NumberOfFields, SIGNIFICANT, number_of_fields};
pub use stability::{RETURNED, SeedFit, Stability, StabilityOptions, stability};
pub use start::{MAX_FIELDS, start};
