//! Models: what they are, their samples, their exact finite-size results.
//!
//! Whoever uses a model sees a [`System`]. Most models are one formula,
//! `p(x) ∝ exp(β |Y(x)|² / 2N)` with the total feature `Y(x) = Σ_i y_i(x_i)` in `K`
//! dimensions (`J = 1`, `k_B = 1`). A Gaussian field in `K` dimensions makes the sites
//! independent, so such a model is its feature, its single-site measure and how a site
//! is drawn in a field ([`MeanField`]); the field, the energy, replica exchange, the
//! free energy and all diagnostics are shared. [`GeneralisedHopfield`] has any list of
//! fields in place of the Gaussian one, and so needs no chain. The two lattices, on
//! which neighbours alone couple, are the negative controls; they share their chains.
//!
//! In come a model and its temperature, named random streams and a progress
//! callback. Out go configurations with the quality of the sampling
//! ([`System::sample`], [`Ensemble`]), independent configurations without a chain
//! ([`IndependentSampler`]), `ln Z` with a standard error, exact means, and what theory
//! says of the mean field ([`MeanFieldTheory`]).
//!
//! Nothing here touches a file, a clock, the environment or a log, makes a
//! generator but from one that is passed in, or lets the number of threads decide a
//! number.

mod autocorrelation;
mod bernoulli;
mod chains;
mod classes;
mod curie_weiss;
mod diagnostics;
mod discrete;
mod error;
mod exact;
mod generalised_hopfield;
mod hopfield;
mod ising;
mod ladder;
mod lattice_chains;
mod lebwohl_lasher;
mod lengthening;
mod mean_field;
mod mixture;
mod nematic;
mod partition;
mod sampling;
mod single_clusters;
mod spins;
mod system;
mod tempering;

pub use autocorrelation::{AutocorrelationTime, integrated_time};
pub use classes::{ENUMERATION_LIMIT, SiteClasses};
pub(crate) use curie_weiss::log_two_cosh;
pub use curie_weiss::{CurieWeiss, FieldDistribution};
pub use error::PhysicsError;
pub use exact::ExactSolution;
pub use generalised_hopfield::{FieldLaw, GeneralisedHopfield, ModelRecipe};
pub use hopfield::{Hopfield, draw_correlated_patterns, draw_patterns, fields_along};
pub use ising::{Ising2d, Kaufman, Updates};
pub use lebwohl_lasher::LebwohlLasher;
pub use mean_field::{MeanField, Replica};
pub use nematic::{
    FieldQuadrature, MaierSaupe, Nematic, NematicTransition, OrientationSpace, PlanarNematic,
    Plane, Space,
};
pub use partition::{LogPartition, LogPartitionMethod, estimate_log_partition, log_partition};
pub use sampling::{Ensemble, SamplingMethod};
pub use spins::{SpinField, Spins};
pub use system::{IndependentSampler, MeanFieldTheory, System};

use std::ops::ControlFlow;

/// Makes the random stream that belongs to a name such as `chain 3`.
pub type Streams<'a> = &'a (dyn Fn(&str) -> crate::random::Generator + Sync);

/// Hears the fraction done, from 0 to 1, and may ask to stop.
///
/// The fraction falls back where more turns out to be needed than was planned.
/// It is called from several threads, a few times a second or more often.
pub type Progress<'a> = &'a (dyn Fn(f64) -> ControlFlow<()> + Sync);

/// Reports a fraction done and turns a wish to stop into an error.
fn report(progress: Progress<'_>, fraction: f64) -> Result<(), PhysicsError> {
    match progress(fraction) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PhysicsError::Cancelled),
    }
}
