//! What is read off from samples and from trained networks.
//!
//! Comes in: half-logits of a decoder, configurations as bits, logarithms of
//! importance weights. Goes out: the spectrum of the half-logits with its
//! effective rank, the ±1 patterns that span their space, the same patterns
//! from correlations alone, and how well patterns agree with a known truth.
//! Couplings are read off the mean natural parameters in [`couplings`], means of
//! observables with their errors come from [`thermodynamics()`], two samples
//! of one number are compared by [`two_sample_distances`], states of a field and what
//! drives them are found in [`collective`], and [`verdict()`] says whether a mean-field
//! theory is behind the data. Models of a population without a network are fitted in
//! [`fields`] and [`maximum_entropy`]; of a mixture of independent sites
//! [`mixture_statistics()`] knows the rates, correlations and P(K) exactly.
//!
//! The route from half-logits to patterns is [`spectrum`], then
//! [`Spectrum::basis`], then [`binary_factorisation()`], then
//! [`match_patterns`]. The baseline without a network replaces the first two
//! steps by [`second_moments`] and is [`correlation_patterns()`] as a whole.
//!
//! Never: files, clocks, networks, threads of its own. All of it is double
//! precision (faer is built without its thread pool); bootstraps draw from the
//! generator that they are handed, and the only loops that may run in parallel, over
//! the sites of [`couplings::node_wise_pseudo_likelihood`] and of its errors and over the
//! chains of [`maximum_entropy`], share no sum, so equal input gives equal output. Those
//! chains are in single precision.

mod basis;
mod binary_factorisation;
mod block_sums;
mod blocks;
pub mod collective;
mod correlation_patterns;
pub mod couplings;
mod distributions;
mod error;
pub mod fields;
mod independent_model;
mod log_weights;
mod matching;
pub mod maximum_entropy;
mod mixture_statistics;
mod population;
mod population_comparison;
mod population_counts;
mod population_error;
mod quadratic;
mod sign_enumeration;
mod spectrum;
mod thermodynamics;
mod two_sample;
mod verdict;

pub use basis::Basis;
pub use binary_factorisation::{BinaryFactors, MAX_PATTERNS, binary_factorisation};
pub use block_sums::Bootstrap;
pub(crate) use block_sums::{check_count, check_values};
pub use blocks::{Estimate, block_mean, consecutive_blocks, mean};
pub use correlation_patterns::{
    Centring, CorrelationPatterns, MAX_SITES, correlation_patterns, second_moments,
};
pub use distributions::{
    KolmogorovTest, TwoSampleDistances, kolmogorov_smirnov, kolmogorov_test, two_sample_distances,
    wasserstein,
};
pub use error::InferenceError;
pub use independent_model::IndependentModel;
pub use log_weights::{log_mean_exp, log_sum_exp};
pub use matching::{Match, match_patterns, minimum_cost_assignment};
pub use mixture_statistics::mixture_statistics;
pub use population::{BlockedPopulation, PopulationErrors, PopulationStatistics};
pub use population_comparison::{PopulationComparison, active_count_divergence, compare};
pub use population_error::PopulationError;
pub use quadratic::{QuadraticFit, quadratic_fit};
pub use spectrum::{CLEAR_MARGIN, NEGLIGIBLE, Spectrum, spectrum};
pub use thermodynamics::{
    NamedEstimate, Observations, OrderParameter, independent_blocks, thermodynamics,
};
pub use two_sample::{
    MeansTest, Moments, RankTest, corrected, divergence_bound, means_test, rank_test,
    two_sample_test,
};
pub use verdict::{Evidence, FAITHFUL, Measured, Missing, Verdict, verdict};
