//! Runs a plan.
//!
//! Comes in: a [`crate::plan::Plan`], the stages, a [`Store`] of finished
//! entries and the [`Results`] folder of the experiment. Goes out: published
//! entries, [`Event`]s while it runs, and a [`RunSummary`].
//!
//! - [`assess`] says what is cached and what has to run, and why; `plan` prints
//!   it and [`run`] does it, so that the two agree.
//! - `scheduler` decides what starts next, as a pure step.
//! - [`run`] is the loop around it, on pools of threads.
//! - [`explain`] says why a task runs, and [`Forecast`] how long it will take, from the record
//!   of the entries alone.
//! - [`cluster`] sends what is missing to Slurm, whose jobs call [`run_share`].
//! - [`store`] is the only code that creates, renames or deletes files.
//!
//! The engine knows tasks and files. It never knows what a stage computes, and
//! never prints: all reporting hangs on the events.

mod assess;
pub mod cluster;
mod context;
mod coordinator;
mod error;
mod event;
mod finished;
mod forecast;
mod log;
mod nearest;
mod pools;
mod results;
mod run;
mod scheduler;
mod stage;
pub mod store;
mod summary;
#[cfg(test)]
mod tests;
mod why;
mod worker;
#[cfg(test)]
mod world;

pub use assess::{Assessment, Reason, Status, Wanted, assess};
pub use context::TaskContext;
pub use error::EngineError;
pub use event::{Event, Progress};
pub use finished::{FinishedResults, read_input, write_output};
pub use forecast::{Estimate, Forecast};
pub use log::JsonLog;
pub use results::{
    Machine, PointRecord, Provenance, Published, RecordingUse, Reference, ReferenceError, Results,
    sha256, write_reference,
};
pub use run::{RunOptions, keep, run, run_share};
pub use stage::{Stage, StageError};
pub use store::{Mended, Store, StoreError};
pub use summary::{Failure, RunSummary, TaskCost, TaskWarning};
pub use why::{Cause, Explanation, Nearest, Root, Told, explain};
