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
//! # Code and versions
//!
//! A key holds digests of the code that its stage depends on (`code`, made by the
//! build script): a result of other code is another result. So that a stage depends on
//! little, what many share lies in files of its own (`data`, `model`, `outputs`).
//!
//! A stage's version is raised by hand when its meaning changes; it alone decides where
//! a user's settings say `store.code = "version"`. `sample` and `train`
//! were raised to 2 for several models and units, and stand at 3 since exact spins
//! come from other random numbers; `likelihood`, `statistics` and `verdict` stand at 2
//! since a part of a recording is taken from all over it, `figure` at 2 for its new frames, `couplings` at 2;
//! all others stand at 1.

mod code;
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
mod outputs;
mod patterns;
mod point_table;
mod recording;
mod sample;
mod statistics;
mod table;
mod thermodynamics;
mod train;
mod verdict;

use crate::engine::Stage;
use crate::plan::StageDefinition;

use code::code_of;
use outputs::{json, report, write_fragment};

pub use figure::figure_requests;
pub use model_file::ModelFileError;
pub use named_files::{NamedFileError, read_named_files, recording_digests};
pub use point_table::parquet_points;
pub use recording::{RecordingDigest, parquet_recording};

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
