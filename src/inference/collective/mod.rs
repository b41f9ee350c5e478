//! What collective variables do: the states they form, the stimulus they follow.
//!
//! A model with a latent field gives, for each bin of a recording, a posterior over the
//! values of the field, which lie on a regular lattice. Comes in: the density of the
//! field on its lattice, numbers of each row (a collective variable, the probability to
//! be in a basin), bits, and which row is which bin of which repeat of the stimulus
//! ([`Repeats`]). Goes out:
//!
//! | function | gives |
//! | --- | --- |
//! | [`landscape()`] | basins of the effective energy `-ln density`, with their barriers |
//! | [`basin_patterns`] | the mean activity of the cells in each basin |
//! | [`variance_components`] | how much of a variable the stimulus explains, and how it drifts |
//! | [`noise_correlations`] | what two variables share that the stimulus does not explain |
//! | [`time_course()`] | mean and error of a variable in each bin of the stimulus |
//! | [`StimulusModel`] | the rival reading, common input: cells independent given the bin |
//! | [`shuffled`] | the same data with everything but the stimulus' effect destroyed |
//!
//! Errors are jackknives over whole repeats. They tell how far a number would move with
//! other repeats of the same stimulus, not with another stimulus.
//!
//! Never: networks, fits of the field, files; which basin is a memory and which a
//! response is for the reader to say.

mod basin_patterns;
mod landscape;
mod lattice;
mod repeats;
mod shuffle;
mod stimulus_model;
mod time_course;
mod variance;

pub use basin_patterns::{BasinActivity, BasinPattern, basin_patterns, hard_membership};
pub use landscape::{Basin, Landscape, LandscapeSettings, SIGNIFICANT, landscape};
pub use repeats::Repeats;
pub use shuffle::shuffled;
pub use stimulus_model::{PSEUDO_COUNT, StimulusModel};
pub use time_course::time_course;
pub use variance::{
    FEWEST_REPEATS, NoiseCorrelation, VarianceComponents, noise_correlations, variance_components,
};
