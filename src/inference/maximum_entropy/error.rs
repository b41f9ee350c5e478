//! What can be wrong with a maximum-entropy fit.

use thiserror::Error;

use crate::inference::{InferenceError, PopulationError};

/// Why a maximum-entropy model is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MaximumEntropyError {
    /// The data or the options do not allow a fit.
    #[error(transparent)]
    Input(#[from] InferenceError),
    /// The blocks do not fit the data.
    #[error(transparent)]
    Blocks(#[from] PopulationError),
    /// The caller asked to stop.
    #[error("the fit of a maximum-entropy model was cancelled before its end")]
    Cancelled,
}
