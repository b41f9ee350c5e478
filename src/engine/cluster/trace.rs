//! What a job leaves of itself: one small file when it begins, replaced when it ends.
//!
//! Each job has a file of its own, so that nothing is locked and nothing is
//! lost; who looks reads them all.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::slurm::JobId;
use crate::engine::store::{StoreError, atomic};

/// Format of a trace.
const TRACE_FORMAT: u32 = 2;

/// How a job ended, as far as it could say so itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum End {
    /// All its points are done.
    Done,
    /// It failed.
    Failed {
        /// Why; one for each task that failed.
        reasons: Vec<Reason>,
    },
    /// It was told to stop, and did.
    Stopped {
        /// What becomes of it.
        then: Then,
    },
    /// Some of its points were lost, or are on their way: another submission follows.
    SentAgain {
        /// Name of that submission.
        submission: String,
    },
    /// A later manifest of the experiment was submitted, whose tables are made instead.
    Superseded,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In words; of a task that failed its label and its message.
    pub message: String,
    /// The points that it concerns, by their positions in the frozen manifest; none if it
    /// concerns all of the job.
    pub points: Vec<usize>,
}

impl Reason {
    /// A reason that concerns all of the job.
    #[must_use]
    pub fn of_job(message: String) -> Self {
        Self {
            message,
            points: Vec::new(),
        }
    }

    /// Whether it concerns that point.
    fn concerns(&self, point: usize) -> bool {
        self.points.is_empty() || self.points.contains(&point)
    }

    /// Reasons in one line.
    #[must_use]
    pub fn in_words<'r>(reasons: impl IntoIterator<Item = &'r Self>) -> String {
        let messages = reasons.into_iter().map(|reason| reason.message.as_str());
        messages.collect::<Vec<&str>>().join("; ")
    }

    /// Those that concern a point, in one line; `None` if there is none.
    pub(super) fn of_point(reasons: &[Self], point: usize) -> Option<String> {
        let own: Vec<&Self> = reasons.iter().filter(|it| it.concerns(point)).collect();
        (!own.is_empty()).then(|| Self::in_words(own))
    }
}

/// What becomes of a job that was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It asked to be put back into the queue, and goes on there.
    Requeued,
    /// It had neither finished a task nor got further in one: it needs more time.
    NeedsTime,
    /// It was cancelled.
    Cancelled,
    /// The cluster did not put it back.
    Refused,
}

/// One attempt at a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Format of the file.
    pub format: u32,
    /// Name of the job that it was sent as.
    pub job: String,
    /// What the cluster calls that job, if the cluster is Slurm.
    pub number: Option<u64>,
    /// The pack; `None` for the job that gathers.
    pub pack: Option<usize>,
    /// Machine that it ran on.
    pub node: String,
    /// Times that the cluster had put it back before.
    pub restarts: u32,
    /// When it began, in seconds since 1970 by that machine's clock.
    pub begun_unix: f64,
    /// How it ended; `None` as long as it has not said so.
    pub end: Option<End>,
}

/// The trace of a running job.
#[derive(Debug)]
pub struct OpenTrace {
    path: PathBuf,
    trace: Trace,
}

impl OpenTrace {
    /// Writes that a job has begun, below the folder of its submission.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written.
    pub fn begin(folder: &Path, trace: Trace) -> Result<Self, StoreError> {
        let area = area(folder);
        atomic::create_folder(&area)?;
        let pack = trace
            .pack
            .map_or("gather".to_owned(), |pack| pack.to_string());
        let host = blake3::hash(trace.node.as_bytes()).to_hex();
        let name = format!(
            "{pack}-{}-{}-{}.json",
            trace.restarts,
            &host.as_str()[..8],
            atomic::unique()
        );
        let open = Self {
            path: area.join(name),
            trace,
        };
        open.write()?;
        Ok(open)
    }

    /// Writes how it ended; the last word counts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written.
    pub fn end(&mut self, end: End) -> Result<(), StoreError> {
        self.trace.end = Some(end);
        self.write()
    }

    fn write(&self) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(&self.trace)
            .map_err(|error| StoreError::io("write", &self.path)(std::io::Error::other(error)))?;
        atomic::replace(&self.path, format!("{text}\n").as_bytes())
    }
}

impl Trace {
    /// A job that begins now on this machine.
    #[must_use]
    pub fn new(job: &str, number: Option<u64>, pack: Option<usize>, restarts: u32) -> Self {
        Self {
            format: TRACE_FORMAT,
            job: job.to_owned(),
            number,
            pack,
            node: crate::engine::store::host(),
            restarts,
            begun_unix: crate::engine::results::unix_now(),
            end: None,
        }
    }

    /// All traces below the folder of a submission. One that cannot be read is
    /// left out: it says nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder cannot be listed.
    pub fn all(folder: &Path) -> Result<Vec<Self>, StoreError> {
        let area = area(folder);
        let mut traces = Vec::new();
        for name in atomic::names(&area)? {
            let bytes = atomic::read_if_there(&area.join(&name))?.unwrap_or_default();
            let read: Option<Self> = serde_json::from_slice(&bytes).ok();
            traces.extend(read.filter(|trace| trace.format == TRACE_FORMAT));
        }
        Ok(traces)
    }

    /// What the cluster calls the job `name`, if one of its tasks has left a trace.
    #[must_use]
    pub fn job_of(traces: &[Self], name: &str) -> Option<JobId> {
        let trace = traces.iter().find(|trace| trace.job == name)?;
        Some(JobId {
            cluster: String::new(),
            number: trace.number?,
            submitted: String::new(),
        })
    }
}

fn area(folder: &Path) -> PathBuf {
    folder.join("traces")
}
