//! What can go wrong in this folder.

use thiserror::Error;

use crate::fields::FieldsError;

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
    /// The side of a lattice is beyond what its samplers hold.
    #[error("a lattice of side {found}, expected {min} to {max}; change `model.side`")]
    LatticeSide {
        /// Sites along a side found.
        found: usize,
        /// Fewest sites allowed.
        min: usize,
        /// Most sites allowed.
        max: usize,
    },
    /// The lattice does not split into two sublattices without bonds of their own.
    #[error("a lattice of odd side {side} has no even and odd sublattice, expected an even side")]
    SublatticesMissing {
        /// Sites along a side.
        side: usize,
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
    /// There are no sites, or more than the samplers hold.
    #[error("{found} sites, expected 1 to {limit}; change `model.sites`")]
    SiteCount {
        /// Sites found.
        found: usize,
        /// Most sites allowed.
        limit: usize,
    },
    /// There are external fields, but not one a site.
    #[error("{found} external fields for {sites} sites, expected one a site, or none")]
    FieldCount {
        /// Fields found.
        found: usize,
        /// Number of sites.
        sites: usize,
    },
    /// An external field is not a number in the range that can be computed.
    #[error(
        "an external field of {found}, expected a number from -{limit} to {limit} in units of `J`"
    )]
    ExternalField {
        /// Field found.
        found: f64,
        /// Largest size allowed.
        limit: f64,
    },
    /// The correlation of patterns to be drawn is out of range.
    #[error("patterns with a correlation of {found}, expected a number from 0 to below 1")]
    PatternCorrelation {
        /// Correlation found.
        found: f64,
    },
    /// A generalised Hopfield model has too many sites and values of its field.
    #[error(
        "{sites} sites in a field of {values} values, expected at most {limit} pairs of \
         both; use fewer sites or a coarser field"
    )]
    FieldSize {
        /// Number of sites.
        sites: usize,
        /// Number of values of the field.
        values: usize,
        /// Most pairs allowed.
        limit: usize,
    },
    /// A number of a model to be drawn at random is out of its range.
    #[error("a model to be drawn with {what} {found}, expected {expected}; change `model.{what}`")]
    Recipe {
        /// The key that it stands under.
        what: &'static str,
        /// Number found.
        found: f64,
        /// Numbers allowed.
        expected: &'static str,
    },
    /// The parameters of a generalised Hopfield model do not fit each other.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// No samples were asked for, or more than memory should hold.
    #[error("{found} samples, expected 1 to {limit} at this number of sites")]
    SampleCount {
        /// Samples asked for.
        found: usize,
        /// Most samples allowed.
        limit: usize,
    },
    /// The model has no such sampler.
    #[error("`{model}` has no sampler `{method}`, expected {known}; change `sampling.method`")]
    MethodMissing {
        /// Sampler asked for.
        method: &'static str,
        /// Kind of the model.
        model: &'static str,
        /// The samplers that it has.
        known: &'static str,
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

/// Refuses a temperature outside of the range of a model.
pub(super) fn check_temperature(found: f64, (min, max): (f64, f64)) -> Result<(), PhysicsError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(PhysicsError::Temperature { found, min, max })
}

/// Refuses a lattice whose side is outside of the range of a model.
pub(super) fn check_side(found: usize, (min, max): (usize, usize)) -> Result<(), PhysicsError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(PhysicsError::LatticeSide { found, min, max })
}
