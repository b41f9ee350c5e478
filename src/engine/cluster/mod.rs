//! Runs the missing tasks of a plan as jobs of a Slurm cluster.
//!
//! Comes in: a plan with what of it is missing, and the user's profile of the
//! cluster. Goes out: job arrays in the cluster's queue, with records of them
//! below the results, from which `status` and a later `submit` know what was
//! sent. What a job does is `work`: an ordinary run of a share of the points
//! against the shared store.
//!
//! - [`packs`] and [`arrays`] decide which points go into which job, as pure
//!   steps; [`options`] and [`script`] write a job, every word quoted.
//! - [`slurm`] is the only file that asks Slurm, one call a question, each with
//!   a time limit.
//! - A [`Submission`] is recorded before anything is sent; each life of a job leaves a
//!   [`Trace`]; the [`Ledger`] reads both and says what each point is at.
//! - `blame` finds in the logs of lost jobs which tasks were running.
//!
//! Nothing here schedules: the cluster does. Nothing here trusts a clock of
//! another machine, a modification time, or a lock across nodes.

mod blame;
mod command;
mod dispatch;
mod error;
mod ledger;
mod packing;
mod quote;
mod script;
pub mod slurm;
mod state;
mod submission;
#[cfg(test)]
mod tests;
mod trace;

pub use blame::finished_in_last_life;
pub use dispatch::{
    OpenPoint, Places, done_after_all, plan_blake3, point_goals, point_keys, points_done, work_of,
};
pub use error::ClusterError;
pub use ledger::{Ledger, claim, event_log};
pub use packing::{ArraySlice, Pack, PackingRule, PointWork, arrays, packs};
pub use quote::quoted;
pub use script::{INDEX, JobRequest, Resources, command_line, options, script};
pub use state::{Attempts, FIRST_WORDS, Loss, PointState, may_go_on, to_send, was_lost};
pub use submission::{
    FROZEN_MANIFEST, Persistence, SUBMISSION_FORMAT, Scheduler, SendError, SentJob, SentPack,
    Submission, jobs_folder, resolve, send, unique_name,
};
pub use trace::{End, OpenTrace, Reason, Then, Trace};
