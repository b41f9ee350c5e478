//! What `submit`, `status`, `cancel` and a job that gathers have in common: an
//! experiment's jobs, and what is to be sent next.

use std::path::{Path, PathBuf};

use super::super::Outcome;
use super::super::diagnostic::{self, put, say};
use super::super::prepare::Prepared;
use crate::engine::cluster::slurm::{Slurm, Terms};
use crate::engine::cluster::{
    self, ClusterError, Ledger, OpenPoint, Persistence, Places, PointState, Submission,
};
use crate::engine::store::Claim;
use crate::engine::{Store, StoreError};
use crate::manifest::{ClusterProfile, CodeInKeys};

/// The jobs of an experiment, and what its points are at.
pub(super) struct Jobs<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) store: &'a Store,
    pub(super) ledger: Ledger,
    keys: Vec<String>,
    pub(super) plan_blake3: String,
}

impl<'a> Jobs<'a> {
    /// Reads what is recorded below `results`.
    pub(super) fn read(
        prepared: &'a Prepared,
        store: &'a Store,
        results: &Path,
    ) -> Result<Self, Outcome> {
        let folder = folder(prepared, results);
        Ok(Self {
            ledger: Ledger::read(&folder).map_err(|error| diagnostic::store(&error))?,
            keys: cluster::point_keys(&prepared.plan),
            plan_blake3: cluster::plan_blake3(&prepared.plan),
            prepared,
            store,
        })
    }

    /// What each point is at.
    pub(super) fn states(&self) -> Result<Vec<PointState>, Outcome> {
        let done = cluster::points_done(&self.prepared.plan, self.store);
        let done = done.map_err(|error| diagnostic::store(&error))?;
        Ok(self.ledger.states(&self.keys, &done))
    }

    /// The same; of points whose jobs say that they are done the store is asked anew.
    pub(super) fn states_afresh(&self) -> Result<Vec<PointState>, Outcome> {
        let mut states = self.states()?;
        for (point, state) in states.iter_mut().enumerate() {
            if *state == PointState::NotSent {
                let done = cluster::done_after_all(&self.prepared.plan, self.store, point);
                if done.map_err(|error| diagnostic::store(&error))? {
                    *state = PointState::Done;
                }
            }
        }
        Ok(states)
    }

    /// Of these points those that may be sent again without being asked to: within the limit of
    /// retries, or once more without a task that takes its jobs down.
    pub(super) fn that_may_go_on(
        &self,
        points: &[usize],
        states: &[PointState],
        profile: &ClusterProfile,
    ) -> Result<Vec<usize>, StoreError> {
        let attempts = self.ledger.attempts(&self.keys);
        let mut may = Vec::new();
        for &point in points {
            let state = &states[point];
            if cluster::may_go_on(state, attempts[point], profile.retries)
                || cluster::was_lost(state)
                    && self
                        .ledger
                        .blames_anew(&self.keys[point], profile.crash_limit)?
            {
                may.push(point);
            }
        }
        Ok(may)
    }

    /// A submission of these points, not sent yet.
    pub(super) fn draft(
        &self,
        points: &[usize],
        (profile, terms): (&ClusterProfile, &Terms),
        places: &Places,
    ) -> Result<Submission, StoreError> {
        let plan = &self.prepared.plan;
        let work = cluster::work_of(plan, self.store, points)?;
        let attempts = self.ledger.attempts(&self.keys);
        let open: Vec<OpenPoint> = work
            .into_iter()
            .map(|work| OpenPoint {
                attempts: attempts[work.point],
                work,
            })
            .collect();
        let manifest = &self.prepared.loaded.manifest;
        let name = &manifest.experiment.name;
        let mut draft = Submission::draft(name, plan, &open, (profile, terms), places);
        draft.sequence = self.ledger.next();
        draft.asked = draft.sequence;
        let bad = self.ledger.bad_nodes(profile.crash_limit);
        draft.excluded_nodes = terms.without(profile, bad);
        draft.waits_for = self.ledger.active();
        if manifest.machine.code == CodeInKeys::Version {
            draft.sets = vec!["store.code=version".to_owned()];
        }
        self.ledger.note_lost_tasks(&mut draft.packs)?;
        let attempts = self.ledger.gathering_attempts(&self.plan_blake3);
        for job in draft.jobs.iter_mut().filter(|job| job.gathers()) {
            job.attempts = attempts;
        }
        Ok(draft)
    }

    /// Sends a submission, and writes the number and name of each job that was accepted.
    pub(super) fn send(&self, draft: &mut Submission) -> Result<(), Outcome> {
        let manifest = &self.prepared.loaded.manifest.expanded;
        let folder = self.ledger.folder();
        let frozen = draft.freeze(folder, manifest);
        frozen.map_err(|error| diagnostic::store(&error))?;
        let sent = draft.send(folder, &Slurm, Persistence::USUAL);
        for job in &draft.jobs {
            if let Some(id) = &job.job {
                put(&format!("{} {}", id.number, job.name));
            }
        }
        sent.map_err(|error| {
            diagnostic::error(&error);
            say("what was sent is recorded; `submit` again sends the rest and nothing twice");
            Outcome::Failed
        })
    }
}

/// The right to send or cancel jobs of an experiment; says so if it has to wait.
pub(super) fn claim(store: &Store, folder: &Path) -> Result<Claim, Outcome> {
    let waiting =
        || say("waiting for another process that sends or cancels jobs of this experiment");
    cluster::claim(store, folder, waiting).map_err(|error| diagnostic::store(&error))
}

/// The folder of the experiment's jobs.
pub(super) fn folder(prepared: &Prepared, results: &Path) -> PathBuf {
    let name = &prepared.loaded.manifest.experiment.name;
    cluster::jobs_folder(&results.join(name))
}

/// `path` from the root of the file system.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Outcome> {
    std::path::absolute(path).map_err(|error| {
        diagnostic::error(&error);
        Outcome::Failed
    })
}

/// Writes an error of the scheduler.
pub(super) fn failed(error: &ClusterError) -> Outcome {
    diagnostic::error(error);
    Outcome::Failed
}

/// `3 done, 2 running, 1 queued, 1 failed, 4 not sent of 11 points`.
pub(super) fn counts(states: &[PointState]) -> String {
    let count = |which: fn(&PointState) -> bool| states.iter().filter(|state| which(state)).count();
    let kinds: [(&str, usize); 6] = [
        ("done", count(|s| matches!(s, PointState::Done))),
        (
            "running",
            count(|s| matches!(s, PointState::Running { .. })),
        ),
        ("queued", count(|s| matches!(s, PointState::Queued { .. }))),
        ("failed", count(|s| matches!(s, PointState::Failed { .. }))),
        ("lost", count(|s| matches!(s, PointState::Lost { .. }))),
        ("not sent", count(|s| matches!(s, PointState::NotSent))),
    ];
    let told = kinds.iter().filter(|(_, count)| *count > 0);
    let told: Vec<String> = told
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    format!("{} of {} points", told.join(", "), states.len())
}

/// `1 job`, `2 jobs`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
