//! What a run came to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::plan::TaskId;

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

/// What a finished task cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskCost {
    /// When it started, in seconds since the run began; negative in an earlier run.
    pub started: f64,
    /// Wall-clock time it took, in seconds.
    pub seconds: f64,
    /// Threads it was given; `None` if its entry does not say.
    pub threads: Option<usize>,
}

impl TaskCost {
    /// Seconds times threads; one thread where their number is not known.
    #[must_use]
    pub fn core_seconds(&self) -> f64 {
        self.seconds * self.threads.unwrap_or(1) as f64
    }
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
    /// What the tasks cost that ran to their end, by task.
    #[serde(skip)]
    pub ran: BTreeMap<TaskId, TaskCost>,
}

impl RunSummary {
    /// Whether everything that was asked for is there.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.blocked.is_empty() && self.left == 0
    }
}
