//! `run`: makes what a manifest asks for and is not there yet.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Outcome;
use super::args::RunArguments;
use super::diagnostic::{self, put, say};
use super::machine;
use super::prepare::{self, Prepared};
use super::progress::Progress;
use crate::engine::{
    self, JsonLog, PointRecord, Provenance, Published, RecordingUse, Results, RunOptions,
    RunSummary, Stage, Store, Wanted,
};
use crate::manifest::Point;
use crate::stages::RecordingDigest;

pub(super) fn main(arguments: &RunArguments) -> Outcome {
    match run(arguments) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn run(arguments: &RunArguments) -> Result<Outcome, Outcome> {
    let prepared = prepare::prepare(&arguments.manifest)?;
    let cancel = cancel_on_signals()?;
    let selection = &arguments.selection;
    let wanted = prepared.wanted(selection)?;
    let store = Store::open(&prepared.store_path(selection)).map_err(|e| diagnostic::store(&e))?;
    if arguments.expect_cached {
        expect_cached(&prepared, &store, &wanted)?;
    }
    let experiment = &prepared.loaded.manifest.experiment;
    let results = Results::open(&selection.results, &experiment.name);
    let results = results.map_err(|error| diagnostic::store(&error))?;
    let options = RunOptions {
        threads: threads(arguments, &prepared),
        keep_going: arguments.keep_going,
        wanted,
    };
    let summary = execute(&prepared, &store, &results, &options, &cancel)?;
    let provenance = provenance(&prepared, &options);
    let published = results
        .publish(&prepared.plan, &store, &provenance, &summary)
        .map_err(|error| diagnostic::engine(&error))?;
    report(&summary, &published, &results);
    Ok(outcome(&summary))
}

/// Sets a flag on SIGINT, SIGTERM and SIGHUP; a second one ends at once.
fn cancel_on_signals() -> Result<Arc<AtomicBool>, Outcome> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            // Nothing half-done is ever published, so that this is safe.
            std::process::exit(i32::from(Outcome::Interrupted as u8));
        }
        say("stopping: running tasks end at their next checkpoint; once more to end at once");
    });
    installed.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Failed
    })?;
    Ok(cancel)
}

fn expect_cached(prepared: &Prepared, store: &Store, wanted: &Wanted) -> Result<(), Outcome> {
    let assessment = engine::assess(&prepared.plan, store, wanted);
    let assessment = assessment.map_err(|error| diagnostic::store(&error))?;
    match assessment.running() {
        0 => Ok(()),
        running => {
            say(&format!(
                "error: {running} tasks would run, expected none; `plan --explain` says why"
            ));
            Err(Outcome::Failed)
        }
    }
}

/// `-j`, else the user's settings, else the machine's cores.
fn threads(arguments: &RunArguments, prepared: &Prepared) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    arguments
        .threads
        .map(usize::from)
        .or(prepared.loaded.manifest.machine.threads)
        .unwrap_or_else(cores)
}

fn execute(
    prepared: &Prepared,
    store: &Store,
    results: &Results,
    options: &RunOptions,
    cancel: &AtomicBool,
) -> Result<RunSummary, Outcome> {
    let mut log = JsonLog::open(results).map_err(|error| diagnostic::store(&error))?;
    let mut progress = Progress::new();
    let mut log_works = true;
    let stages: Vec<&dyn Stage> = prepared.stages.iter().map(AsRef::as_ref).collect();
    let summary = engine::run(
        &prepared.plan,
        &stages,
        store,
        results,
        options,
        cancel,
        &mut |event| {
            tracing::debug!(?event);
            progress.show(&event);
            // A log that cannot be written must not stop a run; it is said once.
            if log_works && let Err(error) = log.record(&event) {
                log_works = false;
                diagnostic::error(&error);
            }
        },
    );
    summary.map_err(|error| diagnostic::engine(&error))
}

fn provenance(prepared: &Prepared, options: &RunOptions) -> Provenance {
    let manifest = &prepared.loaded.manifest;
    Provenance {
        experiment: manifest.experiment.name.clone(),
        title: manifest.experiment.title.clone(),
        seed: manifest.experiment.seed,
        license: manifest.experiment.license.clone(),
        authors: manifest.experiment.authors.clone(),
        manifest_path: manifest.path.clone(),
        manifest_blake3: prepared.loaded.blake3.clone(),
        command_line: std::env::args().collect(),
        threads: options.threads,
        machine: machine::machine(),
        recordings: prepared.recordings.iter().map(recording_use).collect(),
        points: manifest.points.iter().map(point_record).collect(),
        expanded_manifest: manifest.expanded.clone(),
    }
}

fn recording_use(read: &RecordingDigest) -> RecordingUse {
    RecordingUse {
        path: read.path.clone(),
        bytes: read.bytes,
        blake3: read.blake3.clone(),
        sha256: read.sha256.clone(),
        cite: read.cite.clone(),
    }
}

fn point_record(point: &Point) -> PointRecord {
    let coordinates = point.coordinates.iter();
    PointRecord {
        index: point.index,
        replicate: point.replicate,
        coordinates: coordinates
            .map(|(name, value)| (name.clone(), serde_json::json!(value)))
            .collect(),
    }
}

/// Warnings that are told in full; the rest is counted.
const TOLD: usize = 10;

fn report(summary: &RunSummary, published: &Published, results: &Results) {
    for warning in summary.warnings.iter().take(TOLD) {
        say(&format!("warning: {}: {}", warning.label, warning.message));
    }
    if summary.warnings.len() > TOLD {
        let more = summary.warnings.len() - TOLD;
        say(&format!("and {more} more warnings, in run.json"));
    }
    for failure in &summary.failed {
        let log = failure.log.as_ref();
        let log = log.map_or(String::new(), |path| format!("; log: {}", path.display()));
        say(&format!(
            "task `{}` failed: {}{log}",
            failure.label, failure.message
        ));
    }
    let blocked = match summary.blocked.len() {
        0 => String::new(),
        count => format!(", {count} blocked"),
    };
    say(&format!(
        "{} done, {} cached, {} failed{blocked}, {} left; {:.1} s; {} files changed",
        summary.done,
        summary.cached,
        summary.failed.len(),
        summary.left,
        summary.seconds,
        published.written.len(),
    ));
    put(&results.folder().display().to_string());
}

fn outcome(summary: &RunSummary) -> Outcome {
    if summary.cancelled {
        Outcome::Interrupted
    } else if summary.complete() {
        Outcome::Done
    } else {
        Outcome::Failed
    }
}
