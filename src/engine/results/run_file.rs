//! `run.json`: how, when and where results were made.

use serde::Serialize;

use super::super::store::host;
use super::super::store::layout::MANIFEST;
use super::super::summary::RunSummary;
use super::Published;
use super::build;
use super::costs::StageCost;
use super::files::FileInfo;
use super::provenance::{Machine, PointRecord, Provenance, RecordingUse};
use super::time::rfc_3339;

/// Version of what `run.json` holds; raised when a field changes its meaning or goes.
pub(super) const FORMAT: u32 = 2;

/// Most points that are listed one by one.
const MOST_POINTS: usize = 10_000;

/// What `run.json` holds.
#[derive(Serialize)]
struct RunFile<'a> {
    format: u32,
    program: &'static str,
    program_version: &'static str,
    program_commit: Option<&'static str>,
    program_dirty: Option<bool>,
    features: Vec<&'static str>,
    host: String,
    machine: NamedMachine<'a>,
    threads: usize,
    experiment: &'a str,
    title: &'a str,
    seed: u64,
    manifest_path: String,
    manifest_blake3: &'a str,
    /// The manifest with every default, in the same folder.
    expanded_manifest: Option<&'a FileInfo>,
    command_line: &'a [String],
    started: String,
    finished: String,
    finished_unix: f64,
    point_count: usize,
    points: Option<&'a [PointRecord]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points_listed_by: Option<String>,
    recordings: &'a [RecordingUse],
    tasks: usize,
    #[serde(flatten)]
    summary: &'a RunSummary,
    stages: &'a [StageCost],
    published: &'a std::collections::BTreeMap<String, String>,
    files: &'a [FileInfo],
    missing: &'a [String],
}

#[derive(Serialize)]
struct NamedMachine<'a> {
    host: String,
    #[serde(flatten)]
    machine: &'a Machine,
}

/// The text of `run.json`.
///
/// # Errors
///
/// Those of JSON; there are none as long as all paths are written as text.
pub(super) fn text(
    provenance: &Provenance,
    summary: &RunSummary,
    published: &Published,
    stages: &[StageCost],
    files: &[FileInfo],
) -> serde_json::Result<String> {
    let finished_unix = summary.started_unix + summary.seconds;
    let listed = provenance.points.len() <= MOST_POINTS;
    let manifest_path = provenance.manifest_path.to_string_lossy().into_owned();
    let run = RunFile {
        format: FORMAT,
        program: env!("CARGO_PKG_NAME"),
        program_version: env!("CARGO_PKG_VERSION"),
        program_commit: build::commit(),
        program_dirty: build::dirty(),
        features: build::features(),
        host: host(),
        machine: NamedMachine {
            host: host(),
            machine: &provenance.machine,
        },
        threads: provenance.threads,
        experiment: &provenance.experiment,
        title: &provenance.title,
        seed: provenance.seed,
        manifest_blake3: &provenance.manifest_blake3,
        expanded_manifest: files.iter().find(|file| file.path == MANIFEST),
        command_line: &provenance.command_line,
        started: rfc_3339(summary.started_unix),
        finished: rfc_3339(finished_unix),
        finished_unix,
        point_count: provenance.points.len(),
        points: listed.then_some(&provenance.points),
        points_listed_by: (!listed)
            .then(|| format!("latentfield plan {manifest_path} --format json")),
        manifest_path,
        recordings: &provenance.recordings,
        tasks: stages.iter().map(|stage| stage.tasks).sum(),
        summary,
        stages,
        published: &published.files,
        files,
        missing: &published.missing,
    };
    serde_json::to_string_pretty(&run).map(|text| text + "\n")
}
