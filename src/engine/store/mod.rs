//! Files: the entries of finished tasks, and everything else below the results.
//!
//! Comes in: bytes that a task wrote in its private folder. Goes out: entries,
//! each verified against its digests before first use in a run. What is not
//! completely there is not there: an entry is written beside its place,
//! synced, and renamed into it. A damaged entry is set aside, never used.
//!
//! This folder holds the only code that creates, renames or deletes files
//! below the results (`atomic`), and every path there (`layout`). Nothing is
//! trusted because of a time stamp, and no lock outlives its process. Whatever
//! was put right is told once, as [`Mended`]. Before each step lies a fault
//! point (`fault`), by which tests let it fail; normal builds have none.

pub(super) mod atomic;
mod claim;
mod entry;
mod error;
pub(super) mod fault;
pub(super) mod layout;
mod mended;
mod private;
#[expect(
    clippy::module_inception,
    reason = "the folder's main type has its own file"
)]
mod store;
#[cfg(test)]
mod tests;
mod work;

pub(super) use claim::Claim;
pub(super) use entry::host;
pub use entry::{Entry, FileRecord, StoredEntry};
pub use error::StoreError;
pub use mended::Mended;
pub(super) use private::PrivateFolder;
pub use store::{Lookup, Store};
pub(super) use store::{Publication, Record};
pub(super) use work::WorkFolder;
