//! `latentfield` answers, from one TOML manifest: is there a mean-field theory
//! behind these samples, and which one?
//!
//! It draws equilibrium samples of a model or reads a recording, trains a
//! variational autoencoder at each point of a sweep, compares what the network
//! says with what is known exactly, reads the microscopic theory off the decoder,
//! and writes Parquet tables and PNG plots. The library exists so that tests and
//! benchmarks can call everything without a process; it promises no stable
//! interface.
//!
//! # The flow
//!
//! ```text
//! text --manifest--> Manifest --plan--> Plan (tasks, keys) --engine--> entries, Events
//!                                                              | Stage::run
//!                       stages --> physics, recording, inference, vae, tables, plots
//! cli: reads the text, wires the above together, listens to Events, prints
//! ```
//!
//! # The modules, in the order of the data
//!
//! | module | does | knows nothing of |
//! | --- | --- | --- |
//! | [`bits`], [`configurations`], [`random`] | spins as bits, directors as features; random streams from names | everything else |
//! | `elementary` | exponentials and logarithms that vectorise | everything else |
//! | [`directional`] | directors in a field: normalisers, mean features, exact samplers | models, networks |
//! | [`fields`] | sites in a field that takes a list of values: the generalised Hopfield model | files, networks |
//! | [`manifest`] | text to checked manifest: layers, sweeps, diagnostics | stages' insides |
//! | [`plan`] | manifest to points to tasks with keys; explains differences | files, threads |
//! | [`engine`] | runs a plan, here or by jobs of a cluster; its `store` alone writes files | physics, networks |
//! | [`physics`] | models, samplers, exact finite-size results | files, clocks |
//! | [`inference`] | what is read off: spectra, binary factors, statistics | networks, files |
//! | [`information`] | mutual information of parts of the data, exact and estimated | networks, files |
//! | [`vae`] | network, training, evaluation; the only one that names burn | files |
//! | [`recording`] | readers of real data | models |
//! | [`tables`] | schemas, Parquet; the only one that names polars | plots |
//! | [`comparison`] | what differs between tables of several results folders | files |
//! | [`plots`] | figures from tables; the only one that names plotters | all but tables |
//! | [`stages`] | one file a stage: inputs, pure modules, outputs | the command line |
//! | [`cli`] | arguments, progress, reports; the only one that prints | |
//!
//! # What always holds
//!
//! - Dependencies point down the flow and never back (`tests/architecture.rs`).
//! - A result is found by the digest of everything that decides it, never by a
//!   time stamp; what is not completely there is not there.
//! - Parallelism never decides a number: every random stream comes from names,
//!   every sum has a fixed order.
//! - `f64` for physics and statistics, `f32` inside the network.

pub mod bits;
pub mod configurations;
pub mod directional;
mod elementary;
pub mod fields;
pub mod random;

pub mod manifest;

pub mod plan;

pub mod engine;

pub mod inference;
pub mod information;
pub mod physics;
pub mod recording;
pub mod vae;

pub mod comparison;
pub mod plots;
pub mod tables;

pub mod stages;

pub mod cli;
