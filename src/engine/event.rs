//! Events: the only way in which the engine speaks.

use std::path::PathBuf;

use serde::Serialize;

use crate::plan::TaskId;

use super::forecast::Estimate;
use super::store::Mended;

/// How far a task has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// Share of the work that is done, from 0 to 1.
    pub fraction: f64,
    /// What it is at, such as `epoch 3/30, ELBO -41.2 nats`.
    pub message: String,
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "`task` and `label` name the task in every variant"
)]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Tasks of the plan.
        total: usize,
        /// Tasks that will run.
        to_run: usize,
        /// Tasks whose stored result is used.
        cached: usize,
        /// Tasks that run side by side at most.
        threads: usize,
        /// What the run will take.
        estimate: Estimate,
    },
    /// The task will run once what it needs is there.
    Queued { task: TaskId, label: String },
    /// Another process works on the task; its result will be used.
    Waiting { task: TaskId, label: String },
    /// The task runs.
    Started { task: TaskId, label: String },
    /// The task has come further.
    Progress {
        task: TaskId,
        label: String,
        /// How far.
        progress: Progress,
    },
    /// The stored result of the task is used.
    Cached { task: TaskId, label: String },
    /// The task ran and its result is published.
    Finished {
        task: TaskId,
        label: String,
        /// Wall-clock time it took, in seconds.
        seconds: f64,
    },
    /// The task failed.
    Failed {
        task: TaskId,
        label: String,
        /// The chain of causes.
        message: String,
        /// File with the chain, the parameters and the warnings, if it could be written.
        log: Option<PathBuf>,
    },
    /// The task cannot run because a task that it needs failed.
    Blocked { task: TaskId, label: String },
    /// The task was stopped half-way; nothing of it is published.
    Cancelled { task: TaskId, label: String },
    /// The task has something to say that its reader should know.
    Warning {
        task: TaskId,
        label: String,
        /// The warning.
        message: String,
    },
    /// Something that a process that died, or the file system, had left in
    /// disorder was put right.
    Mended(Mended),
    /// The run ends.
    RunFinished {
        /// Tasks that ran to their end.
        done: usize,
        /// Tasks whose stored result was used.
        cached: usize,
        /// Tasks that failed.
        failed: usize,
        /// Tasks that could not run because another failed.
        blocked: usize,
        /// Whether the run was asked to stop.
        cancelled: bool,
        /// Wall-clock time of the run, in seconds.
        seconds: f64,
    },
}
