//! The commands for clusters: `submit`, `status`, `cancel` and `work`.
//!
//! Comes in: a manifest, the user's profile of a cluster, and for a job the folder of its
//! submission. Goes out: jobs in the cluster's queue, a look at them, or a share of the work.
//! What a point is at, and what is recorded, is decided in [`crate::engine::cluster`]; here that is
//! put together and told, and `gather` decides what follows when a sweep's jobs have ended.

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
