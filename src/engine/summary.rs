//! What a run came to.

use std::path::PathBuf;

use serde::Serialize;

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Name of the task.
    pub label: String,
    /// The chain of causes.
    pub message: String,
    /// File that says more, if it could be written.
    pub log: Option<PathBuf>,
}

/// A warning of a task, of this run or of the one that made its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskWarning {
    /// Name of the task.
    pub label: String,
    /// The warning.
    pub message: String,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    /// Tasks that ran to their end.
    pub done: usize,
    /// Tasks whose stored result was used.
    pub cached: usize,
    /// Tasks that failed.
    pub failed: Vec<Failure>,
    /// Labels of the tasks that could not run because another failed.
    pub blocked: Vec<String>,
    /// Tasks that were stopped or never started, because of a failure or a request.
    pub left: usize,
    /// Whether the run was asked to stop before all was done.
    pub cancelled: bool,
    /// All warnings of the tasks of the plan, in its order.
    pub warnings: Vec<TaskWarning>,
    /// When the run started, in seconds since 1970.
    pub started_unix: f64,
    /// Wall-clock time it took, in seconds.
    pub seconds: f64,
}

impl RunSummary {
    /// Whether everything that was asked for is there.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.blocked.is_empty() && self.left == 0
    }
}
