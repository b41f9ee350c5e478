//! All that is recorded of an experiment's jobs, with one look at the queue.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::blame::lost_in;
use super::error::ClusterError;
use super::slurm::{JobId, QueuedTask};
use super::state::{self, Attempts, Loss, PointState, Queue, Recorded};
use super::submission::{Persistence, Scheduler, SendError, SentPack, Submission, resolve};
use super::trace::Trace;
use crate::engine::store::{Claim, Store, StoreError, atomic};

/// Bytes at the end of a job's output in which Slurm's last words are looked for.
const LAST_WORDS: u64 = 8192;

/// Submissions of an experiment with what their jobs have left, the oldest first.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    records: Vec<Recorded>,
    /// Name of the cluster, and what its scheduler has of them; `None` if it was not asked or
    /// gave no answer.
    queue: Option<(String, Vec<QueuedTask>)>,
}

impl Ledger {
    /// Reads the records in the folder of an experiment's jobs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if one cannot be read.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let mut records = Vec::new();
        for submission in Submission::all(folder)? {
            let place = folder.join(&submission.name);
            let traces = Trace::all(&place)?;
            let mut record = Recorded::new(submission, traces);
            record.losses = losses(&record, &place);
            records.push(record);
        }
        Ok(Self {
            folder: folder.to_owned(),
            records,
            queue: None,
        })
    }

    /// The folder of the records.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The submissions, the oldest first.
    pub fn submissions(&self) -> impl Iterator<Item = &Submission> {
        self.records.iter().map(|record| &record.submission)
    }

    /// The number of the submission that comes next.
    #[must_use]
    pub fn next(&self) -> u64 {
        let last = self.submissions().map(|one| one.sequence).max();
        last.unwrap_or(0) + 1
    }

    /// Looks at the queue of the cluster that calls itself so: one call, for all jobs there of
    /// which something is to be expected.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if the scheduler does not answer; what was sent then counts as queued.
    pub fn ask(&mut self, cluster: &str, scheduler: &dyn Scheduler) -> Result<(), ClusterError> {
        let open = self.records.iter().filter(|it| !it.is_settled());
        let here = open.filter(|it| it.submission.cluster == cluster);
        let jobs = here.flat_map(|record| &record.submission.jobs);
        let names: Vec<String> = jobs
            .filter(|job| job.tried)
            .map(|job| job.name.clone())
            .collect();
        self.queue = Some((cluster.to_owned(), scheduler.queue(&names)?));
        Ok(())
    }

    fn queue(&self) -> Option<Queue<'_>> {
        let (cluster, tasks) = self.queue.as_ref()?;
        Some(Queue::of(cluster, tasks))
    }

    /// Tasks in the queue that wait or run.
    fn queued(&self) -> impl Iterator<Item = &QueuedTask> {
        let tasks = self.queue.iter().flat_map(|(_, tasks)| tasks);
        tasks.filter(|task| task.is_active())
    }

    /// Finds out what became of jobs of which no answer is recorded.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the scheduler cannot be asked.
    pub fn resolve(
        &mut self,
        scheduler: &dyn Scheduler,
        persistence: Persistence,
    ) -> Result<(), SendError> {
        let here = self.queue.as_ref().map(|(cluster, _)| cluster.clone());
        let ours = |record: &&mut Recorded| Some(&record.submission.cluster) == here.as_ref();
        for record in self.records.iter_mut().filter(ours) {
            let traces = record.traces().to_owned();
            let begun = |name: &str| Trace::job_of(&traces, name);
            for position in 0..record.submission.jobs.len() {
                let places = (scheduler, self.folder.as_path());
                resolve(
                    &mut record.submission,
                    position,
                    places,
                    &begun,
                    persistence,
                )?;
            }
        }
        Ok(())
    }

    /// What each point is at: those of `keys`, `done` saying of which all results are there.
    #[must_use]
    pub fn states(&self, keys: &[String], done: &[bool]) -> Vec<PointState> {
        let queue = self.queue();
        let points = keys.iter().zip(done);
        points
            .map(|(key, &done)| state::point_state(key, done, &self.records, queue.as_ref()))
            .collect()
    }

    /// Earlier attempts at the points of `keys`.
    #[must_use]
    pub fn attempts(&self, keys: &[String]) -> Vec<Attempts> {
        let queue = self.queue();
        let of = |key: &String| state::attempts(key, &self.records, queue.as_ref());
        keys.iter().map(of).collect()
    }

    /// Earlier attempts to make the tables of the plan.
    #[must_use]
    pub fn gathering_attempts(&self, plan_blake3: &str) -> Attempts {
        state::gathering_attempts(plan_blake3, &self.records, self.queue().as_ref())
    }

    /// Whether a later manifest of the experiment was submitted than that of `submission`.
    #[must_use]
    pub fn is_superseded(&self, submission: &Submission) -> bool {
        let sent = |one: &&Submission| !one.cancelled && one.jobs.iter().any(|job| job.tried);
        let kept = self.submissions().filter(sent);
        let latest = kept.max_by_key(|one| one.asked);
        latest.is_some_and(|latest| {
            latest.asked > submission.asked && latest.plan_blake3 != submission.plan_blake3
        })
    }

    /// Nodes on which jobs are lost.
    #[must_use]
    pub fn bad_nodes(&self, limit: usize) -> Vec<String> {
        state::bad_nodes(&self.records, self.queue().as_ref(), limit)
    }

    /// Jobs, by number, that are queued or run.
    #[must_use]
    pub fn active(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.queued().map(|task| task.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The jobs that will make the tables of the plan, if they are queued or run.
    pub fn gathering(&self, plan_blake3: &str) -> impl Iterator<Item = &QueuedTask> {
        let of_plan = |one: &&Submission| {
            one.plan_blake3 == plan_blake3 && !one.cancelled && !self.is_superseded(one)
        };
        let jobs = self.submissions().filter(of_plan).flat_map(|one| &one.jobs);
        let names: HashSet<&str> = jobs
            .filter(|job| job.gathers())
            .map(|job| job.name.as_str())
            .collect();
        self.queued()
            .filter(move |task| names.contains(task.name.as_str()))
    }

    /// How the job ended that was to make the tables, if it said so.
    #[must_use]
    pub fn gathered(&self, plan_blake3: &str) -> Option<&Trace> {
        let mut records = self.records.iter().rev();
        records.find_map(|record| {
            let ours = record.submission.plan_blake3 == plan_blake3;
            record.last(None).filter(|_| ours)
        })
    }

    /// Notes in packs how often jobs were lost before while they worked on one of their tasks.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a log cannot be read.
    pub fn note_lost_tasks(&self, packs: &mut [SentPack]) -> Result<(), StoreError> {
        let mut known: HashMap<(usize, usize), BTreeMap<String, usize>> = HashMap::new();
        for pack in packs {
            let mut earlier: Vec<(usize, usize)> = Vec::new();
            for (at, record) in self.records.iter().enumerate() {
                let kept = pack.keys.iter().filter(|_| !record.submission.cancelled);
                earlier.extend(kept.filter_map(|key| Some((at, record.pack_of(key)?))));
            }
            earlier.sort_unstable();
            earlier.dedup();
            for place in earlier {
                let lost = match known.entry(place) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => unknown.insert(self.lost_tasks(place)?),
                };
                for (label, count) in lost {
                    *pack.lost.entry(label.clone()).or_default() += *count;
                }
            }
        }
        Ok(())
    }

    /// Whether a task is to blame for the loss of the latest job that had the point of that key,
    /// `limit` losses being enough, that was not to blame when the job was sent. Sent once more,
    /// the point does without that task, so that its neighbours go on: as often as there are
    /// such tasks, and no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a log cannot be read.
    pub fn blames_anew(&self, key: &str, limit: usize) -> Result<bool, StoreError> {
        let mut records = self.records.iter().enumerate().rev();
        let latest = records.find_map(|(at, record)| Some((at, record.pack_of(key)?)));
        let Some((at, pack)) = latest.filter(|&(at, _)| !self.records[at].submission.cancelled)
        else {
            return Ok(false);
        };
        let before = &self.records[at].submission.packs[pack].lost;
        let since = self.lost_tasks((at, pack))?;
        Ok(since.iter().any(|(label, count)| {
            let known = before.get(label).copied().unwrap_or(0);
            known < limit && known + count >= limit
        }))
    }

    fn lost_tasks(
        &self,
        (at, pack): (usize, usize),
    ) -> Result<BTreeMap<String, usize>, StoreError> {
        let record = &self.records[at];
        let mut lives = record.traces().iter().filter(|it| it.pack == Some(pack));
        // A life that said how it ended said so of its tasks.
        if lives.all(|trace| trace.end.is_some()) {
            return Ok(BTreeMap::new());
        }
        lost_in(&event_log(
            &self.folder.join(&record.submission.name),
            Some(pack),
        ))
    }

    /// Records that all that was sent to the cluster that was asked is to end, to all clusters if
    /// none was; and returns the names of the jobs that wait or run, as far as that is known.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if that cannot be recorded.
    pub fn cancel(&mut self) -> Result<Vec<String>, StoreError> {
        let here = self.queue.as_ref().map(|(cluster, _)| cluster.clone());
        let mut names = Vec::new();
        for record in &mut self.records {
            let settled = record.is_settled();
            let submission = &mut record.submission;
            if here
                .as_ref()
                .is_some_and(|here| *here != submission.cluster)
            {
                continue;
            }
            // Recorded first, so that no job asks to be put back.
            if !submission.cancelled {
                submission.cancelled = true;
                submission.write(&self.folder)?;
            }
            let sent = submission.jobs.iter().filter(|job| job.tried && !settled);
            names.extend(sent.map(|job| job.name.clone()));
        }
        if here.is_some() {
            let active: HashSet<&str> = self.queued().map(|task| task.name.as_str()).collect();
            names.retain(|name| active.contains(name.as_str()));
        }
        Ok(names)
    }
}

/// What the outputs say of jobs that ended, or run, without a word of their own.
fn losses(record: &Recorded, place: &Path) -> BTreeMap<usize, Loss> {
    let loss = |pack: usize| {
        let last = record.last(Some(pack));
        let job = record.submission.job_of(pack)?;
        let number = match last {
            Some(trace) if trace.end.is_some() => return None,
            Some(trace) => trace.number?,
            None => job.job.as_ref()?.number,
        };
        let tail = atomic::tail(&output(place, number, pack - job.first), LAST_WORDS).ok()??;
        Some((pack, Loss::of_output(&String::from_utf8_lossy(&tail))))
    };
    (0..record.submission.packs.len())
        .filter_map(loss)
        .collect()
}

/// What a task of an array writes to its terminal, as Slurm is told in [`super::options`].
fn output(place: &Path, number: u64, index: usize) -> PathBuf {
    place.join("logs").join(format!("{number}_{index}.log"))
}

/// The log of a pack, of all its lives; that of the job that gathers for `None`.
#[must_use]
pub fn event_log(place: &Path, pack: Option<usize>) -> PathBuf {
    let name = pack.map_or("gather".to_owned(), |pack| pack.to_string());
    place.join("logs").join(format!("{name}.jsonl"))
}

/// The right to send or cancel jobs of an experiment. While another process has it, it is
/// waited for, and `waiting` called once.
///
/// # Errors
///
/// [`StoreError::Io`] if the claim cannot be made.
pub fn claim(store: &Store, folder: &Path, waiting: impl FnOnce()) -> Result<Claim, StoreError> {
    atomic::create_folder(folder)?;
    let path = folder.join(".claim");
    if let Some(claim) = store.try_for(&path)? {
        return Ok(claim);
    }
    waiting();
    store.wait_for(&path)
}

/// What the cluster calls the job `name`, if one of its tasks has left a trace.
#[must_use]
pub(super) fn begun(place: &Path, name: &str) -> Option<JobId> {
    Trace::job_of(&Trace::all(place).unwrap_or_default(), name)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tempfile::TempDir;

    use super::super::state::PointState;
    use super::super::tests::{record, waiting};
    use super::super::trace::{End, OpenTrace};
    use super::*;

    /// A queue in which these jobs wait; it remembers for which names it was asked.
    struct Waiting {
        jobs: Vec<&'static str>,
        asked: RefCell<Vec<String>>,
    }

    impl Waiting {
        fn of(jobs: &[&'static str]) -> Self {
            Self {
                jobs: jobs.to_vec(),
                asked: RefCell::default(),
            }
        }
    }

    impl Scheduler for Waiting {
        fn submit(&self, _: &[String], _: &str, _: &[String]) -> Result<JobId, ClusterError> {
            panic!("nothing is sent here")
        }

        fn queue(&self, names: &[String]) -> Result<Vec<QueuedTask>, ClusterError> {
            self.asked.borrow_mut().extend(names.iter().cloned());
            Ok(self.jobs.iter().map(|job| waiting(job)).collect())
        }
    }

    /// Records submissions that were sent, each of one pack with the point `0`.
    fn recorded(folder: &TempDir, submissions: Vec<Submission>) -> Ledger {
        for (mut submission, sequence) in submissions.into_iter().zip(1..) {
            submission.sequence = sequence;
            submission.jobs[0].tried = true;
            submission.write(folder.path()).unwrap();
        }
        Ledger::read(folder.path()).unwrap()
    }

    fn of_cluster(name: &str, cluster: &str) -> Submission {
        Submission {
            cluster: cluster.to_owned(),
            ..record(name, 1)
        }
    }

    #[test]
    fn a_cluster_is_asked_for_its_own_jobs_and_those_of_another_count_as_queued() {
        let folder = TempDir::new().unwrap();
        let all = vec![of_cluster("a", "far"), of_cluster("b", "hpc")];
        let mut ledger = recorded(&folder, all);
        let queue = Waiting::of(&[]);
        ledger.ask("hpc", &queue).unwrap();
        assert_eq!(*queue.asked.borrow(), ["b-0"]);
        // The latest submission of the point was sent here, and is not there any more.
        let states = ledger.states(&["0".to_owned()], &[false]);
        assert!(matches!(states[0], PointState::Lost { .. }), "{states:?}");
        let folder = TempDir::new().unwrap();
        let mut ledger = recorded(&folder, vec![of_cluster("a", "far")]);
        ledger.ask("hpc", &queue).unwrap();
        let states = ledger.states(&["0".to_owned()], &[false]);
        assert!(matches!(states[0], PointState::Queued { .. }), "{states:?}");
    }

    #[test]
    fn what_is_cancelled_is_recorded_and_named_again_as_long_as_it_is_there() {
        let folder = TempDir::new().unwrap();
        let all = vec![
            of_cluster("a", "hpc"),
            of_cluster("b", "hpc"),
            of_cluster("c", "far"),
        ];
        let mut ledger = recorded(&folder, all);
        // The first time the scheduler does not answer, and all are named.
        assert_eq!(ledger.cancel().unwrap(), ["a-0", "b-0", "c-0"]);
        let mut ledger = Ledger::read(folder.path()).unwrap();
        assert!(ledger.submissions().all(|one| one.cancelled));
        ledger.ask("hpc", &Waiting::of(&["b-0"])).unwrap();
        assert_eq!(ledger.cancel().unwrap(), ["b-0"]);
        assert_eq!(ledger.active(), [7]);
    }

    #[test]
    fn a_submission_is_superseded_by_a_later_one_of_another_plan_that_somebody_asked_for() {
        let folder = TempDir::new().unwrap();
        let of_plan = |name: &str, asked: u64, plan: &str| Submission {
            asked,
            plan_blake3: plan.to_owned(),
            ..record(name, 1)
        };
        // The third sends points of the first again.
        let all = vec![
            of_plan("a", 1, "old"),
            of_plan("b", 2, "new"),
            of_plan("c", 1, "old"),
        ];
        let ledger = recorded(&folder, all);
        let superseded = |ledger: &Ledger| -> Vec<bool> {
            let all = ledger.submissions();
            all.map(|one| ledger.is_superseded(one)).collect()
        };
        assert_eq!(superseded(&ledger), [true, false, true]);
        assert_eq!(ledger.next(), 4);
        // One of which nothing was accepted supersedes nothing.
        let mut refused = ledger.submissions().nth(1).unwrap().clone();
        refused.jobs[0].tried = false;
        refused.write(folder.path()).unwrap();
        let ledger = Ledger::read(folder.path()).unwrap();
        assert_eq!(superseded(&ledger), [false; 3]);
    }

    #[test]
    fn losses_are_noted_once_a_log_and_only_of_lives_that_said_nothing() {
        let folder = TempDir::new().unwrap();
        let line = |event: &str| format!("{{\"event\":\"{event}\",\"label\":\"train\"}}\n");
        let all = vec![record("a", 1), record("b", 1)];
        recorded(&folder, all);
        for (name, end) in [("a", None), ("b", Some(End::Done))] {
            let place = folder.path().join(name);
            let trace = Trace::new(&format!("{name}-0"), Some(7), Some(0), 0);
            let mut open = OpenTrace::begin(&place, trace).unwrap();
            end.map_or(Ok(()), |end| open.end(end)).unwrap();
            std::fs::create_dir(place.join("logs")).unwrap();
            std::fs::write(event_log(&place, Some(0)), line("started")).unwrap();
        }
        let ledger = Ledger::read(folder.path()).unwrap();
        // Two packs with the same point: each has all that is known of it.
        let mut packs = [record("c", 1).packs, record("d", 1).packs].concat();
        ledger.note_lost_tasks(&mut packs).unwrap();
        for pack in &packs {
            assert_eq!(pack.lost, BTreeMap::from([("train".to_owned(), 1)]));
        }
    }
}
