//! What can be wrong with the input of a read-out.

use thiserror::Error;

use super::PopulationError;
use crate::fields::FieldsError;

/// Why a read-out is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum InferenceError {
    /// There is nothing to read off.
    #[error("found no {what}, expected at least one")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A flat matrix whose length is no multiple of its number of columns.
    #[error("{found} values do not fill rows of {columns}, expected a multiple of {columns}")]
    Shape {
        /// Number of values found.
        found: usize,
        /// Values a row.
        columns: usize,
    },
    /// Too few rows for a statement about their fluctuations.
    #[error("found {found} {what}, expected at least {needed}; draw more")]
    TooFewRows {
        /// What the rows are.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Smallest number that will do.
        needed: usize,
    },
    /// A value is NaN, infinite, or so large that sums overflow.
    #[error("{what} {index} is {value:e}, expected a finite number whose sums do not overflow")]
    NotFinite {
        /// What the value is.
        what: &'static str,
        /// Its index in the flat input.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Rows of a list have different lengths.
    #[error("{what} {index} has {found} sites, expected {expected} as in the others")]
    Length {
        /// What the rows are.
        what: &'static str,
        /// Index of the first such row.
        index: usize,
        /// Its length.
        found: usize,
        /// The length of the others.
        expected: usize,
    },
    /// A pattern has an entry other than +1 and -1.
    #[error("pattern {pattern} is {value} at site {site}, expected +1 or -1")]
    NotBinary {
        /// Index of the pattern.
        pattern: usize,
        /// The first such site.
        site: usize,
        /// The entry.
        value: i8,
    },
    /// Vectors that should span a space depend on each other.
    #[error(
        "vector {vector} is a combination of the vectors before it, \
         expected independent vectors; leave it out"
    )]
    Dependent {
        /// Index of the first such vector.
        vector: usize,
    },
    /// More components are asked for than there are.
    #[error("asked for {asked} components, expected 1 to {available}")]
    Components {
        /// Number asked for.
        asked: usize,
        /// Number available.
        available: usize,
    },
    /// The space is too large for the enumeration of its sign vectors.
    #[error("found a space of dimension {found}, expected at most {limit}; keep fewer components")]
    TooManyPatterns {
        /// The dimension.
        found: usize,
        /// The largest dimension that is enumerated.
        limit: usize,
    },
    /// Too many sites for a dense matrix of all pairs.
    #[error("found {found} sites, expected at most {limit}; select a subset of them")]
    TooManySites {
        /// Number of sites.
        found: usize,
        /// The largest number that is accepted.
        limit: usize,
    },
    /// The iteration for eigenvalues or singular values did not end.
    #[error(
        "the decomposition of a {rows} by {columns} matrix did not converge; rescale the values"
    )]
    NoConvergence {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Blocks of configurations give no standard error.
    #[error(transparent)]
    Blocks(#[from] PopulationError),
    /// Numbers that make no model of sites in a field.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// A list whose length does not fit the rest of the input.
    #[error("found {found} {what}, expected {expected}")]
    Count {
        /// What the list holds.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A number outside the range in which the estimate is defined.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// Numbers that must vary are all alike.
    #[error("all {what} are alike, so that nothing can be fitted to them; give more varied data")]
    Constant {
        /// What the numbers are.
        what: &'static str,
    },
    /// No parameter in the range reproduces the measured number.
    #[error(
        "{what} {target} is not reached between {low} and {high}, where it runs from \
         {at_low} to {at_high}; widen the range"
    )]
    NoSolution {
        /// What is to be reproduced.
        what: &'static str,
        /// Its measured value.
        target: f64,
        /// Lowest parameter tried.
        low: f64,
        /// Highest parameter tried.
        high: f64,
        /// The number at the lowest parameter.
        at_low: f64,
        /// The number at the highest parameter.
        at_high: f64,
    },
    /// Repeats of a stimulus that do not all show the same bins once.
    #[error(
        "repeat {repeat} has bin {bin} {found} times, expected once: \
         leave out the repeats that do not show the whole stimulus"
    )]
    Unbalanced {
        /// Label of the first such repeat.
        repeat: u32,
        /// Label of its first such bin.
        bin: u32,
        /// How often it is there.
        found: usize,
    },
    /// A fit did not reach its maximum.
    #[error("the fit of {what} did not converge in {steps} steps; give more varied data")]
    Unconverged {
        /// What was fitted.
        what: &'static str,
        /// Steps taken.
        steps: usize,
    },
}
