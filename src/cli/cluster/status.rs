//! `status` and `cancel`: what was sent to a cluster is at, and an end to it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::Outcome;
use super::super::args::{ManifestArguments, OutputFormat};
use super::super::diagnostic::{self, put, say};
use super::super::prepare;
use super::super::quantity::grid;
use super::jobs::{self, Jobs, absolute, counted, failed};
use crate::engine::cluster::slurm::{self, Slurm};
use crate::engine::cluster::{End, PointState, Reason, Submission};
use crate::engine::{Store, StoreError};
use crate::plan::Place;

#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArguments {
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestArguments,
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(in crate::cli) results: PathBuf,
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    pub(in crate::cli) format: OutputFormat,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CancelArguments {
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestArguments,
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(in crate::cli) results: PathBuf,
}

pub(in crate::cli) fn status(arguments: &StatusArguments) -> Outcome {
    let open: Open = Store::open_existing;
    let looked = with_jobs(&arguments.manifest, &arguments.results, open, |jobs| {
        let states = jobs.states()?;
        match arguments.format {
            OutputFormat::Text => text(jobs, &states),
            OutputFormat::Json => json(jobs, &states),
        }
        Ok(())
    });
    looked.map_or_else(|outcome| outcome, |()| Outcome::Done)
}

pub(in crate::cli) fn cancel(arguments: &CancelArguments) -> Outcome {
    let cancelled = with_jobs(
        &arguments.manifest,
        &arguments.results,
        Store::join,
        |jobs| {
            let names = jobs.ledger.cancel();
            let names = names.map_err(|error| diagnostic::store(&error))?;
            slurm::cancel(&names).map_err(|error| failed(&error))?;
            say(&match names.len() {
                0 => "nothing is queued or runs".to_owned(),
                count => format!("{} cancelled", counted(count, "job")),
            });
            for name in &names {
                put(name);
            }
            Ok(())
        },
    );
    cancelled.map_or_else(|outcome| outcome, |()| Outcome::Done)
}

/// How the store is opened.
type Open = fn(&Path) -> Result<Store, StoreError>;

/// Calls `act` with the jobs as the cluster has them now, as far as it can be asked. Where the
/// store is not only read, nobody sends or cancels jobs meanwhile.
fn with_jobs(
    manifest: &ManifestArguments,
    results: &Path,
    open: Open,
    act: impl FnOnce(&mut Jobs<'_>) -> Result<(), Outcome>,
) -> Result<(), Outcome> {
    let prepared = prepare::prepare(manifest)?;
    let store_path = absolute(&prepared.store_below(results))?;
    let store = open(&store_path).map_err(|error| diagnostic::store(&error))?;
    let results = absolute(results)?;
    let folder = jobs::folder(&prepared, &results);
    let _claim = if store.is_only_read() {
        None
    } else {
        Some(jobs::claim(&store, &folder)?)
    };
    let mut jobs = Jobs::read(&prepared, &store, &results)?;
    let asked = slurm::limits().and_then(|it| jobs.ledger.ask(&it.cluster, &Slurm));
    if let Err(error) = asked {
        diagnostic::error(&error);
        say("the scheduler was not asked: what was sent counts as queued");
    }
    act(&mut jobs)
}

fn name(place: &Place) -> String {
    let swept = place.coordinates.iter();
    let mut words: Vec<String> = swept
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    words.push(format!("replicate={}", place.replicate));
    words.join(", ")
}

/// The state in a word, and what more there is to say.
fn words(state: &PointState) -> (&'static str, String) {
    match state {
        PointState::Done => ("done", String::new()),
        PointState::Running { node } => ("running", format!("on {node}")),
        PointState::Queued { reason } => ("queued", reason.clone()),
        PointState::Failed { reason } => ("failed", reason.clone()),
        PointState::Lost { loss, node } => {
            let place = match node.as_str() {
                "" => String::new(),
                node => format!(" on {node}"),
            };
            ("lost", format!("{}{place}", loss.in_words()))
        }
        PointState::NotSent => ("not sent", String::new()),
    }
}

fn text(jobs: &Jobs<'_>, states: &[PointState]) {
    let points = jobs.prepared.plan.points.iter().zip(states).enumerate();
    let rows = points.map(|(point, (place, state))| {
        let (state, more) = words(state);
        vec![point.to_string(), name(place), state.to_owned(), more]
    });
    put(&grid(&["", "point", "state", ""], rows));
    let outdated = jobs
        .ledger
        .submissions()
        .filter(|one| one.plan_blake3 != jobs.plan_blake3 && !one.cancelled)
        .count();
    if outdated > 0 {
        say(&format!(
            "{} of another manifest or program; points that both have count for both",
            counted(outdated, "submission")
        ));
    }
    say(&jobs::counts(states));
    say(&format!("tables and plots: {}", gathering(jobs)));
}

/// What the job is at that makes tables and plots.
fn gathering(jobs: &Jobs<'_>) -> String {
    if let Some(task) = jobs.ledger.gathering(&jobs.plan_blake3).next() {
        return if task.runs() {
            format!("being made on {}", task.node)
        } else {
            format!("once the points have ended ({})", task.reason)
        };
    }
    match jobs.ledger.gathered(&jobs.plan_blake3) {
        None => "no job makes them".to_owned(),
        Some(trace) => match &trace.end {
            Some(End::Done) => "done".to_owned(),
            Some(End::Failed { reasons }) => format!("not made: {}", Reason::in_words(reasons)),
            Some(End::SentAgain { submission }) => {
                format!("not made: points were sent again as {submission}")
            }
            Some(End::Superseded) => "not made: a later manifest was submitted".to_owned(),
            Some(End::Stopped { .. }) | None => {
                "not made: the job was ended; `submit` sends it again".to_owned()
            }
        },
    }
}

/// Version of the JSON form; raised when a name in it changes its meaning or goes.
const JSON_FORMAT: u32 = 1;

#[derive(Serialize)]
struct PointStatus<'a> {
    point: usize,
    replicate: u32,
    coordinates: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    state: &'a PointState,
}

#[derive(Serialize)]
struct Status<'a> {
    format: u32,
    submissions: Vec<&'a Submission>,
    points: Vec<PointStatus<'a>>,
    tables: String,
}

fn json(jobs: &Jobs<'_>, states: &[PointState]) {
    let points = jobs.prepared.plan.points.iter().zip(states).enumerate();
    let status = Status {
        format: JSON_FORMAT,
        submissions: jobs.ledger.submissions().collect(),
        points: points
            .map(|(point, (place, state))| PointStatus {
                point,
                replicate: place.replicate,
                coordinates: place
                    .coordinates
                    .iter()
                    .map(|(name, value)| (name.clone(), serde_json::json!(value)))
                    .collect(),
                state,
            })
            .collect(),
        tables: gathering(jobs),
    };
    match serde_json::to_string_pretty(&status) {
        Ok(text) => put(&text),
        Err(error) => diagnostic::error(&error),
    }
}
