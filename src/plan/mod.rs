//! Points to tasks, each with a printable key.
//!
//! Comes in: the points of a manifest, the stages in the order of the data's
//! flow, and the figures asked for. Goes out: a [`Plan`], that is tasks with
//! their keys and what they need, in an order in which every task comes after
//! what it needs. Points that agree on all that a stage reads share its task.
//!
//! The folder also says how two keys differ ([`differences`]), finds tasks by
//! name and coordinate ([`Selector`]) and draws the graph ([`Plan::to_dot`]).
//! It never touches a file, a thread or a clock, and knows no stage by name
//! but the two that gather: [`TABLE_STAGE`] and [`FIGURE_STAGE`].

mod build;
mod definition;
mod dot;
mod error;
mod explain;
mod gathered;
mod key;
mod label;
mod select;
mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;

pub use build::build;
pub use definition::{
    ByVersion, Code, FIGURE_STAGE, FigureRequest, ManifestKey, Need, Request, StageDefinition,
    TABLE_STAGE, TableParameters, TableRow,
};
pub use error::PlanError;
pub use explain::{Difference, differences, in_manifest_names, value_differences};
pub use key::{CodeDigests, FORMAT, Key, KeyParts, canonical_json};
pub use select::{Selector, select};
pub use task::{Input, Place, Plan, Task, TaskId};
