//! Records of what was sent to a cluster.
//!
//! A record is written before anything is sent, and again after each answer,
//! so that whoever comes next knows what may be queued although no answer came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::blame::lost_in;
use super::error::ClusterError;
use super::script::Resources;
use super::slurm::{JobId, QueuedTask};
use super::state::Attempts;
use crate::engine::store::{StoreError, atomic};
use crate::manifest::ClusterProfile;

/// Format of a record.
pub const SUBMISSION_FORMAT: u32 = 1;

/// Name of the manifest as it was when it was sent, beside the record.
pub const FROZEN_MANIFEST: &str = "manifest.toml";

/// Folder of the records, below the results of an experiment.
#[must_use]
pub fn jobs_folder(results: &Path) -> PathBuf {
    results.join("jobs")
}

/// Largest record that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// What a scheduler is asked for; Slurm is one.
pub trait Scheduler {
    /// Sends a job with these options and this script, which inherits these variables.
    ///
    /// # Errors
    ///
    /// [`ClusterError`]; see [`ClusterError::leaves_open`].
    fn submit(
        &self,
        options: &[String],
        script: &str,
        variables: &[String],
    ) -> Result<JobId, ClusterError>;

    /// All that is in the queue under these names.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if it does not answer.
    fn queue(&self, names: &[String]) -> Result<Vec<QueuedTask>, ClusterError>;
}

/// The points of one job, as they were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentPack {
    /// Positions in the points of the frozen manifest.
    pub points: Vec<usize>,
    /// Their keys, by which they are found again when the manifest has changed
    /// ([`super::point_keys`]).
    pub keys: Vec<String>,
    /// Estimated core-seconds, if there is an estimate.
    pub core_seconds: Option<f64>,
    /// How often jobs before were lost while they worked on a task of it, by label.
    #[serde(default)]
    pub lost: BTreeMap<String, usize>,
}

impl SentPack {
    /// How often jobs were lost while they worked on a task of it, by label: before it was
    /// sent, and in the earlier lives of its own job, whose log is at `log`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the log is there and cannot be read.
    pub fn lost_tasks(&self, log: &Path) -> Result<BTreeMap<String, usize>, StoreError> {
        let mut lost = self.lost.clone();
        for (label, count) in lost_in(log)? {
            *lost.entry(label).or_default() += count;
        }
        Ok(lost)
    }
}

/// One call of `sbatch`: an array, or the job that gathers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentJob {
    /// Unique name, by which the queue is asked.
    pub name: String,
    /// First pack of the array.
    pub first: usize,
    /// Packs of the array; 0 for the job that gathers.
    pub count: usize,
    /// Packs of the array that run at the same time at most.
    pub limit: Option<usize>,
    /// Job, by position, that must have ended before this one begins. The one
    /// that gathers waits for all others.
    pub after: Option<usize>,
    /// Attempts at its points before.
    pub attempts: Attempts,
    /// Whether `sbatch` was called, or was about to be.
    pub tried: bool,
    /// What the cluster calls it, once that is known.
    pub job: Option<JobId>,
}

impl SentJob {
    /// Whether it makes the tables once all others have ended.
    #[must_use]
    pub fn gathers(&self) -> bool {
        self.count == 0
    }

    /// Whether the pack is one of its array.
    #[must_use]
    pub fn has(&self, pack: usize) -> bool {
        (self.first..self.first + self.count).contains(&pack)
    }
}

/// What was sent at once. It holds all that is needed to send its jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// [`SUBMISSION_FORMAT`].
    pub format: u32,
    /// Unique name; begins the names of its jobs and of its files.
    pub name: String,
    /// Counts the submissions of the experiment, from 1: clocks of two machines may differ.
    pub sequence: u64,
    /// The submission, by its sequence, that somebody asked for: this one, or the one of which
    /// this one sends points again.
    pub asked: u64,
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the cluster, as it calls itself.
    pub cluster: String,
    /// Profile that it was sent with.
    pub profile: ClusterProfile,
    /// The program that its jobs run.
    pub program: String,
    /// What its jobs set beside the frozen manifest, as in `--set`.
    pub sets: Vec<String>,
    /// The most that a job may ask for there.
    pub ceiling: Resources,
    /// Names of the environment variables that its jobs inherit.
    pub variables: Vec<String>,
    /// Nodes that its jobs must not run on.
    pub excluded_nodes: Vec<String>,
    /// Jobs of earlier submissions, by number, that the one that gathers waits for as well.
    pub waits_for: Vec<u64>,
    /// BLAKE3 over the keys of the plan: a job whose program makes another plan refuses.
    pub plan_blake3: String,
    /// Folder of the results, the experiment's folder in it; absolute.
    pub results: PathBuf,
    /// Folder of the store, absolute.
    pub store: PathBuf,
    /// When, in seconds since 1970, by the clock of the machine that sent it.
    pub submitted_unix: f64,
    /// What each job does.
    pub packs: Vec<SentPack>,
    /// The calls of `sbatch`, in order.
    pub jobs: Vec<SentJob>,
    /// Whether it was cancelled: its jobs then stop and are not put back, and its attempts
    /// are forgotten.
    pub cancelled: bool,
}

impl Submission {
    /// File of the record below the folder of jobs.
    #[must_use]
    pub fn path(folder: &Path, name: &str) -> PathBuf {
        folder.join(name).join("submission.json")
    }

    /// Writes the record in the place of the one before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = Self::path(folder, &self.name);
        let text = serde_json::to_string(self)
            .map_err(|error| StoreError::io("write", &path)(std::io::Error::other(error)))?;
        path.parent().map_or(Ok(()), atomic::create_folder)?;
        atomic::replace(&path, format!("{text}\n").as_bytes())
    }

    /// Keeps the manifest as it is now, for the jobs to read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written.
    pub fn freeze(&self, folder: &Path, manifest: &str) -> Result<(), StoreError> {
        let path = folder.join(&self.name).join(FROZEN_MANIFEST);
        path.parent().map_or(Ok(()), atomic::create_folder)?;
        atomic::replace(&path, manifest.as_bytes())
    }

    /// Reads the record of that name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read or is no record.
    pub fn read(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let path = Self::path(folder, name);
        let wrong = |problem: String| {
            StoreError::io("use the record", &path)(std::io::Error::other(problem))
        };
        let bytes = atomic::read_at_most(&path, LARGEST)?;
        let bytes = bytes.ok_or_else(|| wrong("it is not there".to_owned()))?;
        let read: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if read.format != SUBMISSION_FORMAT {
            let found = read.format;
            return Err(wrong(format!(
                "it has format {found}, expected {SUBMISSION_FORMAT}"
            )));
        }
        Ok(read)
    }

    /// All records below the folder of jobs, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if one cannot be read.
    pub fn all(folder: &Path) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::new();
        for name in atomic::names(folder)? {
            // A folder without a record is one that was never begun to be sent.
            if !name.starts_with('.') && atomic::length(&Self::path(folder, &name))?.is_some() {
                all.push(Self::read(folder, &name)?);
            }
        }
        all.sort_by(|a: &Self, b| (a.sequence, &a.name).cmp(&(b.sequence, &b.name)));
        Ok(all)
    }

    /// The array that has the pack.
    #[must_use]
    pub fn job_of(&self, pack: usize) -> Option<&SentJob> {
        self.jobs.iter().find(|job| job.has(pack))
    }
}

/// A name that no other submission has.
#[must_use]
pub fn unique_name(experiment: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |since| since.as_nanos());
    let host = crate::engine::store::host();
    let text = format!("{host} {} {nanos}", atomic::unique());
    let digest = blake3::hash(text.as_bytes()).to_hex();
    format!("lf-{experiment}-{}", &digest.as_str()[..10])
}

/// How often, and with which pause, the queue is asked for a job whose answer was lost.
#[derive(Debug, Clone, Copy)]
pub struct Persistence {
    /// Looks at the queue before a job counts as not accepted.
    pub looks: u32,
    /// Pause before the first look; each is twice as long as the one before.
    pub pause: Duration,
    /// Times that a job is sent.
    pub sends: u32,
}

impl Persistence {
    /// Of a real cluster, whose controller may be busy for a while: a minute in all.
    pub const USUAL: Self = Self {
        looks: 6,
        pause: Duration::from_secs(1),
        sends: 3,
    };
}

/// Sends the job at `position` of `submission`, unless it is known to be sent.
///
/// `begun` says whether a job of that name has left a trace of its own, which
/// is so if it was accepted and has run.
///
/// # Errors
///
/// [`SendError`]; the record says then whether it may have been accepted.
pub fn send(
    submission: &mut Submission,
    position: usize,
    (options, script): (&[String], &str),
    (scheduler, folder): (&dyn Scheduler, &Path),
    begun: &dyn Fn(&str) -> Option<JobId>,
    persistence: Persistence,
) -> Result<(), SendError> {
    let name = submission.jobs[position].name.clone();
    resolve(
        submission,
        position,
        (scheduler, folder),
        begun,
        persistence,
    )?;
    let mut sent = 0;
    while submission.jobs[position].job.is_none() {
        submission.jobs[position].tried = true;
        submission.write(folder)?;
        sent += 1;
        match scheduler.submit(options, script, &submission.variables) {
            Ok(job) => submission.jobs[position].job = Some(job),
            Err(error) if error.leaves_open() => {
                let found = accepted(scheduler, &name, begun, persistence)?;
                if found.is_none() && sent >= persistence.sends {
                    return Err(SendError::Cluster(error));
                }
                submission.jobs[position].job = found;
            }
            Err(error) => {
                // A refusal is certain: nothing is queued under this name.
                submission.jobs[position].tried = false;
                submission.write(folder)?;
                return Err(SendError::Cluster(error));
            }
        }
    }
    Ok(submission.write(folder)?)
}

/// Finds out what became of a job that was tried and of which no answer is recorded.
///
/// # Errors
///
/// [`SendError`] if the scheduler cannot be asked: it may be queued, and stays open.
pub fn resolve(
    submission: &mut Submission,
    position: usize,
    (scheduler, folder): (&dyn Scheduler, &Path),
    begun: &dyn Fn(&str) -> Option<JobId>,
    persistence: Persistence,
) -> Result<(), SendError> {
    let job = &submission.jobs[position];
    if !job.tried || job.job.is_some() {
        return Ok(());
    }
    let found = accepted(scheduler, &job.name, begun, persistence)?;
    submission.jobs[position].tried = found.is_some();
    submission.jobs[position].job = found;
    Ok(submission.write(folder)?)
}

/// What a job of that name is called, if it was accepted.
fn accepted(
    scheduler: &dyn Scheduler,
    name: &str,
    begun: &dyn Fn(&str) -> Option<JobId>,
    persistence: Persistence,
) -> Result<Option<JobId>, ClusterError> {
    for look in 0..persistence.looks {
        thread::sleep(persistence.pause * 2_u32.pow(look));
        let queued = scheduler.queue(std::slice::from_ref(&name.to_owned()))?;
        let ours = queued.iter().find(|task| task.name == name);
        let job = ours.map(|task| JobId {
            cluster: String::new(),
            number: task.number,
            submitted: task.submitted.clone(),
        });
        if let Some(job) = job.or_else(|| begun(name)) {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

/// Why a job was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The scheduler refused or did not answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The record could not be written: nothing is sent without one.
    #[error(transparent)]
    Record(#[from] StoreError),
}
