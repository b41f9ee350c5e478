//! The commands for clusters: `submit`, `status`, `cancel` and `work`.
//!
//! Comes in: a manifest, the user's profile of a cluster, and for a job the folder of its
//! submission. Goes out: jobs in the cluster's queue, a look at them, or a share of the work.
//! What is decided and recorded is decided in [`crate::engine::cluster`]; here it is asked for
//! and told.

mod gather;
mod job;
mod jobs;
mod place;
mod share;
mod status;
mod submit;
mod work;

pub(super) use status::{CancelArguments, StatusArguments, cancel, status};
pub(super) use submit::{SubmitArguments, submit};
pub(super) use work::{WorkArguments, work};
