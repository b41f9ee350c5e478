//! `run`: makes what a manifest asks for and is not there yet.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::Outcome;
use super::args::RunArguments;
use super::diagnostic::{self, put, say};
use super::machine;
use super::prepare::{self, Prepared};
use super::progress::Progress;
use super::stop::Stop;
use crate::engine::{
    self, EngineError, Event, JsonLog, PointRecord, Provenance, Published, RecordingUse, Results,
    RunOptions, RunSummary, Stage, Store, StoreError, Wanted,
};
use crate::manifest::Point;
use crate::plan::Plan;
use crate::stages::RecordingDigest;

pub(super) fn main(arguments: &RunArguments) -> Outcome {
    match run(arguments) {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn run(arguments: &RunArguments) -> Result<Outcome, Outcome> {
    let prepared = prepare::prepare(&arguments.manifest)?;
    let stop = Stop::on_signals(Duration::from_secs(arguments.grace.into()))?;
    let selection = &arguments.selection;
    let wanted = prepared.wanted(selection)?;
    let store = open_store(&prepared, arguments, &wanted)?;
    if arguments.expect_cached {
        expect_cached(&prepared, &store, &wanted)?;
    }
    let experiment = &prepared.loaded.manifest.experiment;
    let results = Results::open(&selection.results, &experiment.name);
    let results = results.map_err(|error| diagnostic::store(&error))?;
    let options = RunOptions {
        threads: prepared.threads(arguments.threads),
        keep_going: arguments.keep_going,
        refused: BTreeMap::new(),
        wanted,
    };
    // A log that cannot be written must not stop a run; it is said once.
    let listener = Listener::new(JsonLog::open(&results), &stop);
    let summary = whole(&prepared, (&store, &results), &options, listener)?;
    Ok(outcome(&summary))
}

/// Runs what is wanted, brings the results up to date, and says what it came to.
pub(super) fn whole(
    prepared: &Prepared,
    (store, results): (&Store, &Results),
    options: &RunOptions,
    listener: Listener<'_>,
) -> Result<RunSummary, Outcome> {
    let summary = heard(engine::run, prepared, (store, results), options, listener)?;
    let provenance = provenance(prepared, options);
    let published = results.publish(&prepared.plan, store, &provenance, &summary);
    report(&summary, published.as_ref().ok());
    put(&results.folder().display().to_string());
    published.map_err(|error| diagnostic::engine(&error))?;
    Ok(summary)
}

/// Runs a share of the plan; the results stay as they are.
pub(super) fn share(
    prepared: &Prepared,
    places: (&Store, &Results),
    options: &RunOptions,
    listener: Listener<'_>,
) -> Result<RunSummary, Outcome> {
    let summary = heard(engine::run_share, prepared, places, options, listener)?;
    report(&summary, None);
    Ok(summary)
}

/// [`engine::run`], or [`engine::run_share`].
type Run = fn(
    &Plan,
    &[&dyn Stage],
    &Store,
    &Results,
    &RunOptions,
    &AtomicBool,
    &mut dyn FnMut(Event),
) -> Result<RunSummary, EngineError>;

/// Runs the plan with somebody who listens.
fn heard(
    run: Run,
    prepared: &Prepared,
    (store, results): (&Store, &Results),
    options: &RunOptions,
    mut listener: Listener<'_>,
) -> Result<RunSummary, Outcome> {
    let stages: Vec<&dyn Stage> = prepared.stages.iter().map(AsRef::as_ref).collect();
    let stop = listener.stop.flag();
    let mut hear = |event| listener.hear(&event);
    let plan = &prepared.plan;
    let summary = run(plan, &stages, store, results, options, stop, &mut hear);
    summary.map_err(|error| diagnostic::engine(&error))
}

/// Opens the store to work with it. Where it cannot be written it is only read, which
/// is enough if nothing would run.
fn open_store(
    prepared: &Prepared,
    arguments: &RunArguments,
    wanted: &Wanted,
) -> Result<Store, Outcome> {
    let path = prepared.store_path(&arguments.selection);
    let error = match Store::open(&path) {
        Ok(store) => return Ok(store),
        Err(error) => error,
    };
    if !error.refuses_writing() {
        return Err(diagnostic::store(&error));
    }
    let store = Store::open_existing(&path).map_err(|error| diagnostic::store(&error))?;
    let assessment = engine::assess(&prepared.plan, &store, wanted);
    match assessment
        .map_err(|error| diagnostic::store(&error))?
        .running()
    {
        0 => {
            say(&format!("the store is only read: {error}"));
            Ok(store)
        }
        // That something would run is an answer to this question.
        _ if arguments.expect_cached => Ok(store),
        running => {
            say(&format!("{running} tasks would run, and cannot be stored"));
            Err(diagnostic::store(&error))
        }
    }
}

fn expect_cached(prepared: &Prepared, store: &Store, wanted: &Wanted) -> Result<(), Outcome> {
    let assessment = engine::assess(&prepared.plan, store, wanted);
    let assessment = assessment.map_err(|error| diagnostic::store(&error))?;
    match assessment.running() {
        0 => Ok(()),
        running => {
            for mended in store.take_mended() {
                say(&diagnostic::mended(&mended));
            }
            say(&format!(
                "error: {running} tasks would run, expected none; `plan --explain` says why"
            ));
            Err(Outcome::Failed)
        }
    }
}

/// Hears what happens in a run: shows it, records it, and keeps account of what runs.
pub(super) struct Listener<'a> {
    log: Option<JsonLog>,
    progress: Progress,
    stop: &'a Stop,
}

impl<'a> Listener<'a> {
    /// A log that cannot be opened is said, and done without.
    pub(super) fn new(log: Result<JsonLog, StoreError>, stop: &'a Stop) -> Self {
        Self {
            log: log.map_err(|error| diagnostic::error(&error)).ok(),
            progress: Progress::new(),
            stop,
        }
    }

    fn hear(&mut self, event: &Event) {
        tracing::debug!(?event);
        self.stop.watch(event);
        self.progress.show(event);
        if let Some(log) = &mut self.log
            && let Err(error) = record(log, event, &mut self.progress)
        {
            self.log = None;
            diagnostic::error(&error);
        }
    }
}

/// Writes an event to the log; at the end also into one that was removed meanwhile.
fn record(log: &mut JsonLog, event: &Event, progress: &mut Progress) -> Result<(), StoreError> {
    if matches!(event, Event::RunFinished { .. })
        && let Some(mended) = log.restore()?
    {
        let mended = Event::Mended(mended);
        progress.show(&mended);
        log.record(&mended)?;
    }
    log.record(event)
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

/// Says what the run came to; `published` is missing if it could not be.
fn report(summary: &RunSummary, published: Option<&Published>) {
    for mended in published.iter().flat_map(|published| &published.mended) {
        say(&diagnostic::mended(mended));
    }
    if let Some(error) = published.and_then(|published| published.unwritable.as_ref()) {
        say(&format!(
            "the results are as the store has them, and only read: {error}"
        ));
    }
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
        published.map_or(0, |published| published.written.len()),
    ));
}

pub(super) fn outcome(summary: &RunSummary) -> Outcome {
    if summary.cancelled {
        Outcome::Interrupted
    } else if summary.complete() {
        Outcome::Done
    } else {
        Outcome::Failed
    }
}
