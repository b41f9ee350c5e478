//! From TOML text to a manifest that is known to make sense.
//!
//! **What comes in:** [`Sources`]: the text of the manifest, of the files that it
//! extends and of the user file, tables of points, the environment and the `--set`
//! texts. Later places win over earlier ones.
//!
//! **What goes out:** a [`Manifest`] whose sections are typed and checked and
//! whose sweep is expanded into [`Point`]s in a fixed order; or [`Problems`],
//! all of them at once, each with its place.
//!
//! **What it never does:** look into a stage, open a recording, read a file
//! other than those (`sources.rs` alone reads any), or print.
//!
//! A section is one file: a struct, its defaults, its rules and its reader. A
//! kind of model is one file and one line in `model.rs`.

mod analysis;
mod axes;
mod between;
mod catalogue;
mod cluster;
mod condition;
mod curie_weiss;
mod effective;
mod expanded;
mod experiment;
mod extend;
mod generalised_hopfield;
mod grid;
mod group;
mod hopfield;
mod lattice;
mod layers;
mod load;
mod memory;
mod model;
mod nematic;
mod node;
mod overrides;
mod parse;
mod partition;
mod plot;
mod point_table;
mod points;
mod problem;
mod range;
mod recording;
mod report;
mod sampling;
mod schema;
mod section;
mod sources;
mod spec;
mod subset;
mod sweep;
mod training;
mod vae;
mod zip;

#[cfg(test)]
mod tests;

pub use analysis::{
    AnalysisSection, CollectiveStatesSection, CouplingsSection, EffectiveModelSection,
    InformationSection, LikelihoodSection, ModelSamples, ModelsSection, PatternRotation,
    PatternsSection, Rival, StatisticsSection, ThermodynamicsSection, VerdictSection,
};
pub use axes::MOST_CELLS;
pub use catalogue::nearest;
pub use cluster::{ClusterProfile, PROFILE_KEYS};
pub use curie_weiss::CurieWeissSection;
pub use effective::{EffectiveValue, effective};
pub use experiment::ExperimentSection;
pub use generalised_hopfield::{
    DrawnFieldModel, FieldLaw, FieldModelSource, GeneralisedHopfieldSection,
};
pub use hopfield::{HopfieldSection, PatternSource};
pub use lattice::LatticeSection;
pub use load::{FILE_KEYS, load, load_machine};
pub use memory::memory_estimate;
pub use model::ModelSection;
pub use nematic::NematicSection;
pub use partition::PartitionRule;
pub use plot::{Catalogue, PlotRequest};
pub use problem::{Origin, Problem, Problems};
pub use recording::{
    RecordingAxis, RecordingFormat, RecordingSection, RepeatSplit, SplitBy, TimeUnit,
};
pub use sampling::{SamplingMethod, SamplingSection};
pub use schema::{machine_schema, schema};
pub use sources::{
    ExtendedFile, PointCell, PointTable, ReadError, ReadParquet, Sources, TableContent, TableFile,
};
pub use spec::{Axis, CodeInKeys, Machine, Manifest, Point, Scalar, System};
pub use subset::{BinRange, RecordedSites, SiteRule};
pub use training::{Device, Engine, TrainingSection};
pub use vae::{Activation, DecoderKind, PriorKind, VaeSection};
