//! What the caller knows of a run: the experiment, the machine, what was read.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// Where results come from, as the caller knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// Name of the experiment.
    pub experiment: String,
    /// Title of the experiment.
    pub title: String,
    /// Seed of the experiment.
    pub seed: u64,
    /// Licence of the results, if the manifest names one.
    pub license: Option<String>,
    /// Who made the results, as the manifest says: `Name` or `Name <address>`.
    pub authors: Vec<String>,
    /// Path of the manifest, as it was given.
    pub manifest_path: PathBuf,
    /// BLAKE3 digest of the manifest file, as 64 hexadecimal digits.
    pub manifest_blake3: String,
    /// The command line, word by word.
    pub command_line: Vec<String>,
    /// Tasks that ran side by side at most.
    pub threads: usize,
    /// The machine.
    pub machine: Machine,
    /// Files that the points read.
    pub recordings: Vec<RecordingUse>,
    /// The points, in the order of the manifest.
    pub points: Vec<PointRecord>,
    /// The manifest with every default written out.
    pub expanded_manifest: String,
}

/// The machine that a run was on; its name is added when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Operating system, such as `linux`.
    pub os: String,
    /// Instruction set, such as `x86_64`.
    pub arch: String,
    /// Name of the processor, where the system says.
    pub cpu: Option<String>,
    /// Vector instructions of the processor that the program looks for.
    ///
    /// Machines that agree on these and on `arch` round alike.
    pub vector_instructions: Vec<String>,
    /// Threads that the machine runs at the same time.
    pub cores: usize,
    /// Memory that a run may count on, in bytes, where the system says.
    pub memory_bytes: Option<u64>,
}

/// A file with data that a run has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingUse {
    /// Where it lay.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 digest, as 64 hexadecimal digits.
    pub blake3: String,
    /// SHA-256 digest, as 64 hexadecimal digits.
    pub sha256: String,
    /// What to cite, as the manifest says.
    pub cite: Option<String>,
}

/// One combination of swept values and one replicate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointRecord {
    /// Position among the points, from 0; the column `point` of every table.
    pub index: usize,
    /// Replicate, from 0.
    pub replicate: u32,
    /// Swept parameters by the names of their columns.
    pub coordinates: serde_json::Map<String, Value>,
}
