//! What can go wrong in this folder.

use thiserror::Error;

/// Why a model, a sampler or an estimate was refused or stopped.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum PhysicsError {
    /// The matrix of patterns is empty or beyond what the samplers hold.
    #[error(
        "{patterns} patterns of {sites} sites, expected 1 to {max_patterns} patterns \
         of 1 to {max_sites} sites; change `model.patterns` or `model.sites`"
    )]
    PatternShape {
        /// Patterns found.
        patterns: usize,
        /// Sites found.
        sites: usize,
        /// Most patterns allowed.
        max_patterns: usize,
        /// Most sites allowed.
        max_sites: usize,
    },
    /// The temperature is not a number in the range that can be computed.
    #[error("temperature {found}, expected a number from {min} to {max} in units of `J / k_B`")]
    Temperature {
        /// Temperature found.
        found: f64,
        /// Lowest temperature allowed.
        min: f64,
        /// Highest temperature allowed.
        max: f64,
    },
    /// No samples were asked for, or more than memory should hold.
    #[error("{found} samples, expected 1 to {limit} at this number of sites")]
    SampleCount {
        /// Samples asked for.
        found: usize,
        /// Most samples allowed.
        limit: usize,
    },
    /// The site classes have too many states to enumerate.
    #[error(
        "the site classes have {states:.3e} states, expected at most {limit}; \
         use method `gibbs` or `tempering`, or fewer patterns or sites"
    )]
    EnumerationTooLarge {
        /// Number of states, infinite beyond the range of a double.
        states: f64,
        /// Most states that are enumerated.
        limit: usize,
    },
    /// The progress callback asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A series is too short for its autocorrelation time.
    #[error("a series of {found} samples, expected at least {needed}; run longer")]
    SeriesTooShort {
        /// Length of the shortest series.
        found: usize,
        /// Length needed.
        needed: usize,
    },
    /// A series holds a value that is not finite.
    #[error("sample {index} of the series is {value}, expected a finite number")]
    SeriesNotFinite {
        /// Index of the first such sample.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// All samples of a series are equal, so it has no autocorrelation.
    #[error("all samples of the series are equal, expected at least two values")]
    SeriesConstant,
    /// The series is too short for its correlations.
    #[error("correlations last longer than {max_window} samples; run longer or sample less often")]
    WindowNotFound {
        /// The longest window tried, in samples.
        max_window: usize,
    },
}
