//! What the engine asks of a stage.

use std::error::Error;
use std::fmt;

use crate::plan::StageDefinition;

use super::context::TaskContext;

/// A stage that can be run.
pub trait Stage: StageDefinition {
    /// Reads the inputs of `task`, computes, and writes the outputs.
    ///
    /// The outcome depends on the parameters, the inputs and the streams of
    /// `task` only, never on the number of threads. Long work asks
    /// [`TaskContext::cancelled`] or [`TaskContext::check_cancelled`] now and then.
    ///
    /// # Errors
    ///
    /// [`StageError::Cancelled`] if it stopped because it was asked to, else
    /// [`StageError::Failed`] with the cause.
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError>;
}

/// Why a stage did not finish.
///
/// Any standard error becomes [`StageError::Failed`] by `?`. For that reason
/// the type is no standard error itself.
#[derive(Debug)]
pub enum StageError {
    /// It was asked to stop.
    Cancelled,
    /// It failed, with the cause.
    Failed(Box<dyn Error + Send + Sync>),
}

impl StageError {
    /// A failure described by `message` alone.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into().into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for StageError {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl fmt::Display for StageError {
    /// Writes the whole chain of causes, `: ` between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Failed(error) => {
                write!(f, "{error}")?;
                let mut source = error.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}
