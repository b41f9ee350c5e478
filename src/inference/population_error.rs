//! What can be wrong with blocks and population statistics.

use thiserror::Error;

/// What can be wrong with blocks and population statistics.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PopulationError {
    /// Not one block label a value.
    #[error("{blocks} block labels for {values} values, expected one a value")]
    LabelCount {
        /// Number of values, or configurations.
        values: usize,
        /// Number of labels.
        blocks: usize,
    },
    /// Too few blocks for a standard error.
    #[error("{found} blocks, expected at least 2 for a standard error: give more data")]
    TooFewBlocks {
        /// Blocks found.
        found: usize,
    },
    /// A value that is NaN or infinite.
    #[error("value {index} is {value}, expected a finite number")]
    NotFinite {
        /// Position of the value.
        index: usize,
        /// The value.
        value: f64,
    },
    /// No configuration, or configurations without units.
    #[error("{rows} configurations of {units} units, expected at least one of each")]
    Empty {
        /// Number of configurations.
        rows: usize,
        /// Number of units.
        units: usize,
    },
    /// The triplet units are not distinct units of the population.
    #[error(
        "triplet unit {unit} is out of range or named twice, expected distinct units below {units}"
    )]
    TripletUnit {
        /// The unit.
        unit: usize,
        /// Number of units.
        units: usize,
    },
    /// Two populations that cannot be compared.
    #[error("the model has {model} {what}, the data have {data}: both must be of the same units")]
    Mismatch {
        /// `units` or `triplets`.
        what: &'static str,
        /// Their number in the model.
        model: usize,
        /// Their number in the data.
        data: usize,
    },
}
