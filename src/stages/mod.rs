//! One file a stage: inputs to pure modules to outputs.
//!
//! ```text
//! sample | recording -> train -> thermodynamics, likelihood, couplings,
//!                                patterns, statistics, information
//!                                    | likelihood, information -> verdict
//!                                    | likelihood -> model_vae, beside model_<rival>
//!                                    | likelihood -> effective_model -> collective_states
//!                                    | all points
//!                               table -> figure
//! ```
//!
//! What comes in: the parameters of one task and the files of the tasks that it
//! needs, through a [`TaskContext`]. What goes out:
//! files, among them the fragment `<table>.parquet` of each of its tables. The
//! mathematics lies in `physics`, `inference` and `vae`; a stage reads, calls and
//! writes, and never prints.
//!
//! A new analysis is one file here, one line in [`registry`], a schema in
//! `tables` and a section in `manifest`.
//!
//! # Versions
//!
//! A stage's version is raised by hand when its meaning changes. `sample` and `train`
//! were raised to 2 for several models and units, and stand at 3 since exact spins
//! come from other random numbers; `likelihood`, `statistics` and `verdict` stand at 2
//! since a part of a recording is taken from all over it, `figure` at 2 for its new frames, `couplings` at 2;
//! all others stand at 1.

mod collective_states;
mod couplings;
mod data;
mod effective_model;
mod figure;
mod information;
mod likelihood;
mod model;
mod model_file;
mod models;
mod named_files;
mod patterns;
mod point_table;
mod recording;
mod sample;
mod statistics;
mod table;
mod thermodynamics;
mod train;
mod verdict;

use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::plan::StageDefinition;
use crate::tables::{self, Table};

pub use figure::figure_requests;
pub use model_file::ModelFileError;
pub use named_files::{NamedFileError, read_named_files};
pub use point_table::parquet_points;
pub use recording::{RecordingDigest, parquet_recording, recording_digests};

/// All stages, in the order of the data's flow.
///
/// `digests` pins the content of each recording that the points name.
#[must_use]
pub fn registry(digests: Vec<RecordingDigest>) -> Vec<Box<dyn Stage>> {
    let mut stages: Vec<Box<dyn Stage>> = vec![
        Box::new(sample::Sample),
        Box::new(recording::Recording::new(digests.clone())),
        Box::new(train::Train),
        Box::new(train::TrainFurther),
        Box::new(thermodynamics::Thermodynamics),
        Box::new(likelihood::Likelihood),
        Box::new(couplings::Couplings),
        Box::new(patterns::Patterns),
        Box::new(statistics::Statistics),
        Box::new(information::Information),
        Box::new(verdict::Verdict),
        Box::new(effective_model::EffectiveModel),
        Box::new(collective_states::CollectiveStates),
    ];
    stages.extend(models::stages(digests));
    stages.push(Box::new(table::Join));
    stages.push(Box::new(figure::Draw));
    stages
}

/// The same stages as the plan sees them.
#[must_use]
pub fn definitions(stages: &[Box<dyn Stage>]) -> Vec<&dyn StageDefinition> {
    stages
        .iter()
        .map(|stage| stage.as_ref() as &dyn StageDefinition)
        .collect()
}

/// A stage's parameters as JSON.
///
/// They are plain structs of numbers, texts and lists, which JSON can always say.
fn json<T: serde::Serialize>(parameters: &T) -> serde_json::Value {
    serde_json::to_value(parameters).unwrap_or(serde_json::Value::Null)
}

/// Says how far a task has come and what it does.
fn report(task: &TaskContext<'_>, fraction: f64, message: &str) {
    task.progress(Progress {
        fraction,
        message: message.to_owned(),
    });
}

/// Writes a table as `<table>.parquet`, with its provenance.
fn write_fragment(task: &TaskContext<'_>, table: &Table) -> Result<(), StageError> {
    let bytes = tables::to_bytes(table, &task.metadata())?;
    task.write(&format!("{}.parquet", table.name()), &bytes)
}
