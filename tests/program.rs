//! The whole program, as a user has it: the real binary in a folder of its own.

mod support;

#[path = "program/caching.rs"]
mod caching;
#[path = "program/comfort.rs"]
mod comfort;
#[path = "program/failures.rs"]
mod failures;
#[path = "program/gap.rs"]
mod gap;
#[path = "program/information.rs"]
mod information;
#[path = "program/kills.rs"]
mod kills;
#[path = "program/mistakes.rs"]
mod mistakes;
#[path = "program/models.rs"]
mod models;
#[path = "program/plans.rs"]
mod plans;
#[path = "program/populations.rs"]
mod populations;
#[path = "program/recordings.rs"]
mod recordings;
#[path = "program/training.rs"]
mod training;
