//! Files: the entries of finished tasks, and everything else below the results.
//!
//! Comes in: bytes that a task wrote in its private folder. Goes out: entries,
//! each verified against its digests before first use in a run. What is not
//! completely there is not there: an entry is written beside its place,
//! synced, and renamed into it. A damaged entry is set aside, never used.
//!
//! The store's care: what lies there (`inventory`), whether it is what was once written
//! (`audit`), which results folders need it (`roots`) and what nobody needs (`collect`).
//!
//! This folder holds the only code that creates, renames or deletes files
//! below the results (`atomic`), and every path there (`layout`). Nothing is
//! trusted because of a time stamp, and there is no lock of the operating system: a
//! process gives signs of life (`owner`), in whose name it claims (`claim`), and a claim
//! counts for nothing once its owner has ended, on whatever machine. Whatever
//! was put right is told once, as [`Mended`]. Before each step lies a fault
//! point (`fault`), by which tests let it fail; normal builds have none.

pub(super) mod atomic;
mod audit;
mod claim;
mod collect;
mod entry;
mod error;
pub(super) mod fault;
mod inventory;
pub(super) mod layout;
mod mended;
mod owner;
mod private;
mod roots;
#[expect(
    clippy::module_inception,
    reason = "the folder's main type has its own file"
)]
mod store;
#[cfg(test)]
mod tests;
mod work;

pub use audit::{Audit, Finding, Problem};
pub use claim::Claim;
pub use collect::{Collection, Garbage, Keep, Removal};
pub(super) use entry::host;
pub use entry::{Entry, FileRecord, StoredEntry};
pub use error::StoreError;
pub use inventory::{Inventory, Item, Part};
pub use mended::Mended;
pub(super) use private::PrivateFolder;
pub use roots::{Departures, Root};
pub use store::{Lookup, Store};
pub(super) use store::{Publication, Record};
pub(super) use work::WorkFolder;
