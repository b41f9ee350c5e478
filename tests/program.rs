//! The whole program, as a user has it: the real binary in a folder of its own.

mod support;

#[path = "program/caching.rs"]
mod caching;
#[path = "program/comfort.rs"]
mod comfort;
#[path = "program/compare.rs"]
mod compare;
#[path = "program/failures.rs"]
mod failures;
#[path = "program/faults.rs"]
mod faults;
#[path = "program/gap.rs"]
mod gap;
#[path = "program/healing.rs"]
mod healing;
#[path = "program/information.rs"]
mod information;
#[path = "program/kills.rs"]
mod kills;
#[path = "program/layers.rs"]
mod layers;
#[path = "program/metadata.rs"]
mod metadata;
#[path = "program/mistakes.rs"]
mod mistakes;
#[path = "program/models.rs"]
mod models;
#[path = "program/plans.rs"]
mod plans;
#[path = "program/populations.rs"]
mod populations;
#[path = "program/provenance.rs"]
mod provenance;
#[path = "program/recordings.rs"]
mod recordings;
#[path = "slurm/mod.rs"]
mod slurm;
#[path = "program/stopping.rs"]
mod stopping;
#[path = "program/store.rs"]
mod store;
#[path = "program/training.rs"]
mod training;
#[path = "program/trust.rs"]
mod trust;
