//! A job of a submission, as its own process sees it: its record, its trace, its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::super::Outcome;
use super::super::args::ManifestArguments;
use super::super::diagnostic::{self, say};
use super::super::prepare::{self, Prepared};
use super::super::stop::Stop;
use super::place::JobPlace;
use super::share::{Share, threads};
use crate::engine::cluster::{self, End, OpenTrace, Reason, Submission, Then};
use crate::engine::{Event, Failure, JsonLog, RunSummary, Store, StoreError};
use crate::plan::{Key, TaskId};

/// A job of a submission, on the machine that runs it.
pub(super) struct Job<'a> {
    pub(super) folder: &'a Path,
    pub(super) record: Submission,
    pub(super) prepared: Prepared,
    pub(super) place: Arc<JobPlace>,
    trace: Arc<Mutex<OpenTrace>>,
    /// What its share was at when it began.
    headway: Arc<OnceLock<Headway>>,
    pub(super) stop: Stop,
}

/// The checkpoints of a share as they were when a life began, by which it is seen later whether
/// it got further.
pub(super) struct Headway {
    pub(super) store: PathBuf,
    pub(super) keys: Vec<Key>,
    pub(super) before: String,
}

impl Headway {
    /// Whether there are other checkpoints now.
    fn is_made(&self) -> bool {
        let store = Store::open_existing(&self.store);
        store.is_ok_and(|store| store.checkpoints(&self.keys) != self.before)
    }
}

impl<'a> Job<'a> {
    /// Reads the record, leaves a trace that the job has begun, and plans; `None` if the
    /// submission was cancelled.
    pub(super) fn begin(folder: &'a Path, pack: Option<usize>) -> Result<Option<Self>, Outcome> {
        let record = read_record(folder)?;
        if record.cancelled {
            say("the submission was cancelled: nothing is done");
            return Ok(None);
        }
        let place = Arc::new(JobPlace::of_environment());
        say(cluster::FIRST_WORDS);
        let trace = OpenTrace::begin(folder, place.trace(&record, pack));
        let mut trace = trace.map_err(|error| diagnostic::store(&error))?;
        let prepared = ready(folder, &record).map_err(|(outcome, message)| {
            let reasons = vec![Reason::of_job(message.to_owned())];
            // What cannot be written leaves the job without a word.
            let _ = trace.end(End::Failed { reasons });
            outcome
        })?;
        let trace = Arc::new(Mutex::new(trace));
        let headway: Arc<OnceLock<Headway>> = Arc::default();
        let last = LastAct {
            place: Arc::clone(&place),
            trace: Arc::clone(&trace),
            headway: Arc::clone(&headway),
            folder: folder.to_owned(),
            pack,
        };
        let grace = Duration::from_secs(grace(record.profile.stop_seconds));
        let stop = Stop::with_last_act(grace, move |running| last.act(running))?;
        Ok(Some(Self {
            folder,
            record,
            prepared,
            place,
            trace,
            headway,
            stop,
        }))
    }

    /// Where the job notes what its share is at when it begins.
    pub(super) fn headway(&self) -> &OnceLock<Headway> {
        &self.headway
    }

    pub(super) fn share(&self, asked: Option<u16>) -> Share<'_> {
        Share {
            prepared: &self.prepared,
            results: self.record.results.clone(),
            store: self.record.store.clone(),
            threads: threads(asked, &self.prepared),
        }
    }

    pub(super) fn end(&self, end: End) -> Result<(), Outcome> {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.end(end).map_err(|error| diagnostic::store(&error))
    }

    /// Writes that the job failed as a whole, by what was told already, and returns that.
    pub(super) fn give_up(&self, message: &str, outcome: Outcome) -> Outcome {
        let reasons = vec![Reason::of_job(message.to_owned())];
        // What cannot be written leaves the job without a word.
        let _ = self.end(End::Failed { reasons });
        outcome
    }

    /// Writes how the run of these points ended; of none for the job that gathers. One that was
    /// told to stop is put back, if it got further.
    pub(super) fn conclude(
        &self,
        points: &[usize],
        summary: &RunSummary,
        advanced: bool,
    ) -> Result<(), Outcome> {
        if summary.complete() {
            return self.end(End::Done);
        }
        if !summary.cancelled {
            let reasons = summary.failed.iter().map(|it| self.reason(points, it));
            return self.end(End::Failed {
                reasons: reasons.collect(),
            });
        }
        let stopped = stop(&self.place, self.folder, advanced, &self.trace);
        stopped.map_err(|error| diagnostic::store(&error))
    }

    /// What a failed task is for these points of a share.
    fn reason(&self, points: &[usize], failure: &Failure) -> Reason {
        let mut tasks = self.prepared.plan.tasks.iter();
        let task = tasks.find(|task| task.label == failure.label);
        let own = task.map_or(&[][..], |task| &task.points);
        Reason {
            message: format!("`{}`: {}", failure.label, failure.message),
            points: own
                .iter()
                .filter(|it| points.contains(it))
                .copied()
                .collect(),
        }
    }
}

/// Says of a job what becomes of it now that it is told to stop, and puts it back if it got
/// further and is still wanted.
fn stop(
    place: &JobPlace,
    folder: &Path,
    advanced: bool,
    trace: &Mutex<OpenTrace>,
) -> Result<(), StoreError> {
    let then = if is_cancelled(folder) || !place.is_wanted() {
        Then::Cancelled
    } else if advanced {
        Then::Requeued
    } else {
        Then::NeedsTime
    };
    let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
    // Written first: putting a job back ends it.
    trace.end(End::Stopped { then })?;
    if then == Then::Requeued {
        let then = place.put_back();
        if then != Then::Requeued {
            trace.end(End::Stopped { then })?;
        }
    }
    Ok(())
}

/// What is done for a job whose tasks did not stop in time, before its process ends.
struct LastAct {
    place: Arc<JobPlace>,
    trace: Arc<Mutex<OpenTrace>>,
    headway: Arc<OnceLock<Headway>>,
    folder: PathBuf,
    pack: Option<usize>,
}

impl LastAct {
    /// Says of the tasks that still run that they were stopped: they are slow, and did not take
    /// their job down. Then the job is put back, if it got further.
    fn act(&self, running: &BTreeMap<TaskId, String>) {
        let path = cluster::event_log(&self.folder, self.pack);
        // What cannot be written is missing from the log, and the job ends all the same.
        if let Ok(mut log) = JsonLog::open_at(&path) {
            for (&task, label) in running {
                let label = label.clone();
                let _ = log.record(&Event::Cancelled { task, label });
            }
        }
        let finished = cluster::finished_in_last_life(&path).unwrap_or(0);
        let advanced = finished > 0 || self.headway.get().is_some_and(Headway::is_made);
        // A trace that cannot be written leaves the job without a word.
        let _ = stop(&self.place, &self.folder, advanced, &self.trace);
    }
}

/// Seconds for tasks to stop, of those before the end of the job's time.
fn grace(stop_seconds: u64) -> u64 {
    // Some are left to put the job back.
    stop_seconds - (stop_seconds / 4).min(15)
}

fn is_cancelled(folder: &Path) -> bool {
    read_record(folder).is_ok_and(|record| record.cancelled)
}

pub(super) fn read_record(folder: &Path) -> Result<Submission, Outcome> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let jobs = folder.parent().unwrap_or(Path::new("."));
    Submission::read(jobs, &name).map_err(|error| diagnostic::store(&error))
}

/// The plan of the submission, if the job can work on it here; else what its trace says.
fn ready(folder: &Path, record: &Submission) -> Result<Prepared, (Outcome, &'static str)> {
    if !record.store.is_dir() {
        say(&format!(
            "error: the store `{}` is not on this machine, expected where all nodes see it; set `store.path` and submit again",
            record.store.display()
        ));
        return Err((
            Outcome::Wrong,
            "its store is not on its node; see its output",
        ));
    }
    frozen(folder, record).map_err(|outcome| {
        (
            outcome,
            "its manifest makes another plan here; see its output",
        )
    })
}

/// The plan of the submission, from the manifest as it was when it was sent.
fn frozen(folder: &Path, record: &Submission) -> Result<Prepared, Outcome> {
    let manifest = ManifestArguments {
        manifest: folder.join(cluster::FROZEN_MANIFEST),
        sets: record.sets.clone(),
    };
    let prepared = prepare::prepare(&manifest)?;
    if cluster::plan_blake3(&prepared.plan) != record.plan_blake3 {
        say(&format!(
            "error: this program makes another plan of `{}` than the one that submitted it (another version, or a file that the manifest names has changed); submit again",
            manifest.manifest.display()
        ));
        return Err(Outcome::Wrong);
    }
    Ok(prepared)
}
