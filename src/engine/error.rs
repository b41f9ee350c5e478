//! What can go wrong around tasks.

use std::path::PathBuf;

use thiserror::Error;

use super::store::StoreError;

/// Why a run cannot begin or end, or a task cannot read.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The store or the results folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task is of a stage that nobody runs.
    #[error("task `{label}` is of stage `{stage}`, expected one of: {known}")]
    UnknownStage {
        /// The task.
        label: String,
        /// Its stage.
        stage: String,
        /// The stages there are.
        known: String,
    },
    /// A stage reads an input that it did not ask for.
    #[error("no input has the role `{role}`, expected one of: {known}")]
    UnknownRole {
        /// The role.
        role: String,
        /// The roles there are.
        known: String,
    },
    /// What a task needs is not in the store.
    #[error("input `{role}` cannot be used: {problem}; run again to have it made anew")]
    InputGone {
        /// Role of the input.
        role: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What a task has read of another is no longer what it has read.
    #[error(
        "input `{role}` changed while the task ran, nothing was published: `{entry}`: {problem}; run again"
    )]
    InputChanged {
        /// Role of the input.
        role: String,
        /// Folder of its entry.
        entry: PathBuf,
        /// What is found there now.
        problem: String,
    },
    /// A file outside the store is no longer what the task has read.
    #[error(
        "`{path}` changed while the task ran, nothing was published; run again to use its new content"
    )]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// The pool of threads could not be made.
    #[error("cannot start {threads} threads; use fewer")]
    Threads {
        /// Threads that were asked for.
        threads: usize,
        /// Why not.
        source: rayon::ThreadPoolBuildError,
    },
}
