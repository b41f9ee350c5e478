//! Pairwise and K-pairwise maximum-entropy models of a population of two-valued cells.
//!
//! Of all distributions with the measured rates and pairs of N cells, `x_i` 1 when
//! active and 0 when silent, the one with the largest entropy is
//!
//! ```text
//! p(x) = exp{Σ_i a_i x_i + Σ_{i<j} J_ij x_i x_j + V(K)} / Z,    K = Σ_i x_i
//! ```
//!
//! with `V = 0`; if it shall have the measured distribution of K as well, with the `V`
//! that does it (Tkačik et al., `PLoS` Comput. Biol. 10(1): e1003408, 2014).
//!
//! Comes in: configurations as bits, one block label each, and random streams by name.
//! Goes out: a [`MaximumEntropy`] model, how far its moments are from those of the data in
//! units of the data's own standard errors, and `ln Z` with its standard error, so that
//! held-out configurations have a likelihood.
//!
//! The way: [`fit`] begins at a pseudo-likelihood fit, runs persistent chains of the heat
//! bath, and takes Newton steps with the covariance of the features that the chains
//! show, on more and more samples. `ln Z` comes from annealed importance sampling.
//!
//! Never: files, clocks, threads of its own. Chains run in parallel, each with its own
//! stream, and their sums are added in order, so that the number of threads decides no
//! number.

mod annealing;
mod chain;
mod ensemble;
mod error;
mod features;
mod fisher;
mod fit;
mod kernel;
mod landscape;
mod model;
mod start;
#[cfg(test)]
mod tests;

pub use annealing::{LogPartition, MAX_ANNEALING_SWEEPS};
pub use error::MaximumEntropyError;
pub use fit::{FitOptions, FittedMaximumEntropy, fit};
pub use model::{LARGEST_COUPLING, LARGEST_FIELD, MAX_CELLS, MaximumEntropy};

use crate::random::Generator;

/// Which statistics a model shares with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// Rates and pairs.
    Pairwise,
    /// Rates, pairs and the distribution of the number of active cells.
    KPairwise,
}

/// Makes the random stream that belongs to a name.
pub type Streams<'a> = &'a (dyn Fn(&str) -> Generator + Sync);
