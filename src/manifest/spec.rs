//! The checked manifest: what later steps see.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{
    AnalysisSection, ClusterProfile, ExperimentSection, ModelSection, PlotRequest, RecordedSites,
    RecordingSection, SamplingSection, VaeSection,
};

/// An experiment that is known to make sense.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Path of the manifest, as it was given.
    pub path: PathBuf,
    /// Name, title, seed and number of replicates.
    pub experiment: ExperimentSection,
    /// The swept parameters, in file order.
    pub axes: Vec<Axis>,
    /// One point a combination of swept values and replicate; replicates vary
    /// fastest, then the last axis.
    pub points: Vec<Point>,
    /// Figures asked for beyond those that each analysis draws by itself.
    pub plots: Vec<PlotRequest>,
    /// What belongs to this machine and not to the experiment.
    pub machine: Machine,
    /// The manifest as TOML text with every default written out; it loads to
    /// the same points.
    pub expanded: String,
}

/// One swept parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Axis {
    /// Dotted path of the parameter, such as `model.temperature`.
    pub path: String,
    /// Name of its column: the last key, or the full path where two clash.
    pub name: String,
    /// The values that occur, in the order of the sweep; those of its own table and of
    /// defaults come last.
    pub values: Vec<Scalar>,
}

/// All parameters of one combination of swept values and one replicate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Position among the points, from 0.
    pub index: usize,
    /// Replicate, from 0.
    pub replicate: u32,
    /// Seed of the experiment, the same for all points.
    pub seed: u64,
    /// Column name and value of each swept parameter, in axis order.
    pub coordinates: Vec<(String, Scalar)>,
    /// Where configurations come from.
    pub system: System,
    /// The network and its training.
    pub vae: VaeSection,
    /// The read-outs to run.
    pub analysis: AnalysisSection,
}

/// Where configurations come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// A model of statistical physics, sampled.
    Model {
        /// The model and its parameters.
        model: ModelSection,
        /// How many configurations are drawn, and how.
        sampling: SamplingSection,
    },
    /// A recording, read from a file.
    Recording(RecordingSection),
}

impl System {
    /// Sites of a configuration, if the manifest says how many there are.
    pub(super) fn known_sites(&self) -> Option<usize> {
        match self {
            Self::Model { model, .. } => Some(model.sites()),
            Self::Recording(recording) => recording.sites.as_ref().map(RecordedSites::count),
        }
    }
}

/// What belongs to this machine and not to the experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Threads to use; `None` leaves it to the program.
    pub threads: Option<usize>,
    /// Folder of the store; `None` leaves it to the program.
    pub store_path: Option<PathBuf>,
    /// What of the program's code decides which stored results are used.
    pub code: CodeInKeys,
    /// The clusters that jobs may be sent to.
    pub clusters: Vec<ClusterProfile>,
}

/// What of the program's code is a part of every key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeInKeys {
    /// Digests of the code that a stage depends on: other code, other results.
    #[default]
    Digest,
    /// The stage's version alone, which the program's authors raise by hand.
    Version,
}

/// The value of a swept parameter.
///
/// A value of a real-valued parameter is always [`Scalar::Number`], however it
/// was typed. An array, such as `hidden`, is written as text: `64x64`. All values of one
/// parameter are of one kind: if some are texts, all are; numbers may be [`Scalar::Missing`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A whole number.
    Integer(i64),
    /// A real number, always finite.
    Number(f64),
    /// A word or an array.
    Text(String),
    /// True or false.
    Flag(bool),
    /// Nothing: the combination has no such parameter, and there is no default.
    Missing,
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value}"),
            Self::Flag(value) => write!(f, "{value}"),
            Self::Missing => f.write_str("none"),
        }
    }
}
