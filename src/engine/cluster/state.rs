//! What each point is at, from records alone: pure.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::slurm::QueuedTask;
use super::submission::{SentJob, Submission};
use super::trace::{End, Reason, Then, Trace};

/// How a life of a job begins what it writes to its output.
pub const FIRST_WORDS: &str = "this job of latentfield begins";

/// Why a job ended without a word of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Its time was over.
    Time,
    /// It used more memory than it was given.
    Memory,
    /// Its node failed.
    Node,
    /// Somebody cancelled it.
    Cancelled,
    /// It was told to stop, and not put back.
    Stopped,
    /// Nothing says why.
    Unknown,
}

impl Loss {
    /// In words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Time => "its time was over",
            Self::Memory => "it ran out of memory",
            Self::Node => "its node failed",
            Self::Cancelled => "it was cancelled",
            Self::Stopped => "it was told to stop and not put back",
            Self::Unknown => "it ended without a word",
        }
    }

    /// What Slurm's state of a job that is over says; `None` if it is not over, or ended well.
    fn of_state(state: &str) -> Option<Self> {
        match state {
            "TIMEOUT" | "DEADLINE" => Some(Self::Time),
            "PREEMPTED" => Some(Self::Stopped),
            "OUT_OF_MEMORY" => Some(Self::Memory),
            "NODE_FAIL" | "BOOT_FAIL" => Some(Self::Node),
            "CANCELLED" => Some(Self::Cancelled),
            "FAILED" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// What Slurm has written last at the end of a job's output.
    #[must_use]
    pub fn of_output(text: &str) -> Self {
        let kinds = [
            ("oom_kill", Self::Memory),
            ("oom-kill", Self::Memory),
            ("DUE TO TIME LIMIT", Self::Time),
            ("DUE TO NODE FAILURE", Self::Node),
            ("DUE TO PREEMPTION", Self::Stopped),
            ("DUE TO JOB REQUEUE", Self::Stopped),
            ("CANCELLED AT", Self::Cancelled),
        ];
        let of_line = |line: &str| {
            let ours = line.starts_with("slurmstepd:") || line.starts_with("slurmd");
            let kinds = kinds.iter().filter(|(word, _)| ours && line.contains(word));
            kinds.map(|&(_, kind)| kind).next()
        };
        // What was written before is of an earlier life of the job.
        let last_life = text.lines().rev();
        let mut last_life = last_life.take_while(|line| !line.starts_with(FIRST_WORDS));
        let said = last_life.find_map(of_line);
        said.unwrap_or(Self::Unknown)
    }
}

/// How jobs of a point ended before that did not finish it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempts {
    /// Those that ran out of time.
    pub time: u32,
    /// Those that ran out of memory.
    pub memory: u32,
    /// Those of which nothing is known.
    pub unknown: u32,
}

impl Attempts {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u32 {
        self.time + self.memory + self.unknown
    }

    fn add(&mut self, loss: Loss) {
        match loss {
            Loss::Time => self.time += 1,
            Loss::Memory => self.memory += 1,
            Loss::Unknown => self.unknown += 1,
            // Neither is the point's doing.
            Loss::Node | Loss::Cancelled | Loss::Stopped => {}
        }
    }
}

/// What a point is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PointState {
    /// All its results are there.
    Done,
    /// A job that has it runs.
    Running {
        /// Where.
        node: String,
    },
    /// A job that has it waits.
    Queued {
        /// Why, in the scheduler's words; empty if it does not say.
        reason: String,
    },
    /// A job that had it said why it failed there.
    Failed {
        /// In words.
        reason: String,
    },
    /// A job that had it ended before it was done.
    Lost {
        /// Why, as far as it is known.
        loss: Loss,
        /// Where it ran last; empty if it never said.
        node: String,
    },
    /// No job has it.
    NotSent,
}

/// A submission and what its jobs have left.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// The record.
    pub(super) submission: Submission,
    /// Traces of its jobs.
    traces: Vec<Trace>,
    /// What the output of jobs says that ended without a word, by pack.
    pub(super) losses: BTreeMap<usize, Loss>,
    /// The pack of each point, by key.
    packs: HashMap<String, usize>,
    /// The last life of each pack, and of the job that gathers, as a position among the traces.
    last: HashMap<Option<usize>, usize>,
}

impl Recorded {
    pub(super) fn new(submission: Submission, traces: Vec<Trace>) -> Self {
        let packs = submission.packs.iter().enumerate();
        let packs = packs.flat_map(|(at, pack)| pack.keys.iter().map(move |key| (key.clone(), at)));
        let mut last: HashMap<Option<usize>, usize> = HashMap::new();
        let order = |at: usize| (traces[at].restarts, traces[at].begun_unix);
        for (at, trace) in traces.iter().enumerate() {
            let known = last.entry(trace.pack).or_insert(at);
            if order(*known) < order(at) {
                *known = at;
            }
        }
        Self {
            packs: packs.collect(),
            losses: BTreeMap::new(),
            last,
            submission,
            traces,
        }
    }

    /// Traces of its jobs.
    pub(super) fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// The pack that has the point of that key.
    pub(super) fn pack_of(&self, key: &str) -> Option<usize> {
        self.packs.get(key).copied()
    }

    /// The last life of a pack; of the job that gathers for `None`.
    pub(super) fn last(&self, pack: Option<usize>) -> Option<&Trace> {
        self.last.get(&pack).map(|&at| &self.traces[at])
    }

    /// The state of the point of that key, whose pack failed.
    fn failure_of(&self, key: &str, pack: usize) -> PointState {
        let sent = &self.submission.packs[pack];
        let place = sent.keys.iter().position(|it| it == key);
        let point = place.and_then(|place| sent.points.get(place).copied());
        let end = self.last(Some(pack)).and_then(|trace| trace.end.as_ref());
        let reason = match (end, point) {
            (Some(End::Failed { reasons }), Some(point)) => Reason::of_point(reasons, point),
            _ => None,
        };
        // Others of its pack failed; its results were there, and someone removed them.
        reason.map_or(PointState::NotSent, |reason| PointState::Failed { reason })
    }

    /// Whether nothing more is to be expected of it: the scheduler need not be asked.
    pub(super) fn is_settled(&self) -> bool {
        // A job that was told to stop may have been put back, by whomever.
        let over = |pack| {
            let end = self.last(pack).and_then(|trace| trace.end.as_ref());
            end.is_some_and(|end| !matches!(end, End::Stopped { .. }))
        };
        let packs = self.submission.packs.len();
        over(None) && (0..packs).all(|pack| over(Some(pack)))
    }
}

/// The queue of one cluster, by the name of a job and the index in its array.
#[derive(Debug)]
pub(super) struct Queue<'q> {
    cluster: &'q str,
    tasks: HashMap<(&'q str, Option<usize>), &'q QueuedTask>,
}

impl<'q> Queue<'q> {
    /// `cluster` is what the cluster calls itself.
    pub(super) fn of(cluster: &'q str, tasks: &'q [QueuedTask]) -> Self {
        let named = tasks.iter();
        let named = named.map(|task| ((task.name.as_str(), task.index), task));
        Self {
            cluster,
            tasks: named.collect(),
        }
    }

    /// Whether it knows the jobs of that submission: those of another cluster it does not.
    fn knows(&self, submission: &Submission) -> bool {
        submission.cluster == self.cluster
    }

    /// The task of a job, by name and, once that is known, by number.
    fn find(&self, job: &SentJob, index: Option<usize>) -> Option<&'q QueuedTask> {
        let task = self.tasks.get(&(job.name.as_str(), index)).copied()?;
        let ours = job.job.as_ref().is_none_or(|id| id.number == task.number);
        ours.then_some(task)
    }
}

/// The state of the point of that key.
///
/// `queue` is what the scheduler has under the names of all submissions; `None`
/// if it could not be asked, so that what was sent counts as queued.
#[must_use]
pub(super) fn point_state(
    key: &str,
    done: bool,
    records: &[Recorded],
    queue: Option<&Queue<'_>>,
) -> PointState {
    if done {
        return PointState::Done;
    }
    // The latest submission that has the point knows most.
    let latest = records.iter().rev().find_map(|record| {
        let pack = record.pack_of(key)?;
        let job = record.submission.job_of(pack).filter(|job| job.tried)?;
        Some((record, pack, job))
    });
    let Some((record, pack, job)) = latest else {
        return PointState::NotSent;
    };
    match pack_state(record, (pack, job), queue) {
        PointState::Failed { .. } => record.failure_of(key, pack),
        state => state,
    }
}

fn pack_state(
    record: &Recorded,
    (pack, job): (usize, &SentJob),
    queue: Option<&Queue<'_>>,
) -> PointState {
    let queue = queue.filter(|queue| queue.knows(&record.submission));
    let index = Some(pack - job.first);
    let queued = queue.and_then(|queue| queue.find(job, index));
    if let Some(state) = queued.and_then(queued_state) {
        // What is cancelled does nothing more, even if it is still there.
        return if record.submission.cancelled {
            PointState::Lost {
                loss: Loss::Cancelled,
                node: String::new(),
            }
        } else {
            state
        };
    }
    if record.submission.cancelled && queue.is_none() {
        // Whatever its jobs are at: they end, and nobody waits for them.
        return PointState::Lost {
            loss: Loss::Cancelled,
            node: String::new(),
        };
    }
    let over = queued.and_then(|task| Loss::of_state(&task.state));
    let noted = record.losses.get(&pack).copied();
    let Some(trace) = record.last(Some(pack)) else {
        if queue.is_none() {
            // It was accepted, and nobody knows what became of it.
            return PointState::Queued {
                reason: "the scheduler was not asked".to_owned(),
            };
        }
        // Without an output it never began.
        return PointState::Lost {
            loss: over.or(noted).unwrap_or(Loss::Cancelled),
            node: queued.map_or_else(String::new, |task| task.node.clone()),
        };
    };
    let node = trace.node.clone();
    match &trace.end {
        Some(End::Failed { reasons }) => PointState::Failed {
            reason: Reason::in_words(reasons),
        },
        Some(End::Stopped { then }) => stopped(*then, over, queue.is_some(), node),
        // Said to be done, and yet its results are not there: someone removed them.
        Some(End::Done | End::SentAgain { .. } | End::Superseded) => PointState::NotSent,
        None if queue.is_some() => PointState::Lost {
            loss: over.or(noted).unwrap_or(Loss::Unknown),
            node,
        },
        None => PointState::Running { node },
    }
}

/// The state of a point whose job was told to stop and is not in the queue; `over` is how the
/// queue says that it ended, if it was `asked` and remembers.
fn stopped(then: Then, over: Option<Loss>, asked: bool, node: String) -> PointState {
    let loss = match then {
        _ if over == Some(Loss::Cancelled) => Loss::Cancelled,
        Then::Requeued if !asked => {
            return PointState::Queued {
                reason: "put back".to_owned(),
            };
        }
        Then::Requeued | Then::Cancelled => over.unwrap_or(Loss::Cancelled),
        Then::NeedsTime => Loss::Time,
        Then::Refused => Loss::Stopped,
    };
    PointState::Lost { loss, node }
}

/// The state of a task that the scheduler still has; `None` if it is over.
fn queued_state(task: &QueuedTask) -> Option<PointState> {
    if task.runs() {
        let node = task.node.clone();
        return Some(PointState::Running { node });
    }
    let reason = task.reason.clone();
    task.waits().then_some(PointState::Queued { reason })
}

/// Points that a new submission has to send: not done, and not on their way.
#[must_use]
pub fn to_send(states: &[PointState]) -> Vec<usize> {
    let open = |state: &PointState| {
        !matches!(
            state,
            PointState::Done | PointState::Running { .. } | PointState::Queued { .. }
        )
    };
    (0..states.len())
        .filter(|&point| open(&states[point]))
        .collect()
}

/// Whether the jobs of a point in this state ended neither by its own word nor by somebody's
/// will.
#[must_use]
pub fn was_lost(state: &PointState) -> bool {
    matches!(
        state,
        PointState::Lost {
            loss: Loss::Time | Loss::Memory | Loss::Node | Loss::Stopped | Loss::Unknown,
            ..
        }
    )
}

/// Whether a point in this state may be sent again without being asked to: its jobs
/// have not ended by its own doing, or may end well with more time or memory.
#[must_use]
pub fn may_go_on(state: &PointState, attempts: Attempts, retries: usize) -> bool {
    was_lost(state) && attempts.total() as usize <= retries
}

/// Earlier attempts at the point of that key: those that were known when it was sent last, and
/// what became of that.
#[must_use]
pub(super) fn attempts(key: &str, records: &[Recorded], queue: Option<&Queue<'_>>) -> Attempts {
    let kept = records.iter().filter(|it| !it.submission.cancelled);
    let latest = kept.rev().find_map(|record| {
        let pack = record.pack_of(key)?;
        let job = record.submission.job_of(pack).filter(|job| job.tried)?;
        Some((record, pack, job))
    });
    let Some((record, pack, job)) = latest else {
        return Attempts::default();
    };
    let mut attempts = job.attempts;
    if let PointState::Lost { loss, .. } = pack_state(record, (pack, job), queue) {
        attempts.add(loss);
    }
    attempts
}

/// Earlier attempts to make the tables of the plan; one that is made now is none.
#[must_use]
pub(super) fn gathering_attempts(
    plan_blake3: &str,
    records: &[Recorded],
    queue: Option<&Queue<'_>>,
) -> Attempts {
    let mut attempts = Attempts::default();
    let is_active = |record: &Recorded| {
        let mut jobs = record.submission.jobs.iter();
        let job = jobs.find(|job| job.gathers());
        let task = job.and_then(|job| queue?.find(job, None));
        task.is_some_and(QueuedTask::is_active)
    };
    let ours = |record: &&Recorded| {
        record.submission.plan_blake3 == plan_blake3
            && !record.submission.cancelled
            && !is_active(record)
    };
    for record in records.iter().filter(ours) {
        match record.last(None).map(|trace| &trace.end) {
            Some(None) => attempts.add(Loss::Unknown),
            Some(Some(End::Stopped {
                then: Then::NeedsTime,
            })) => attempts.add(Loss::Time),
            _ => {}
        }
    }
    attempts
}

/// Nodes on which jobs were lost at least `limit` times, neither for want of time or memory nor
/// by somebody's will, and none ever ended well; none if the scheduler could not be asked which
/// jobs still run.
#[must_use]
pub(super) fn bad_nodes(
    records: &[Recorded],
    queue: Option<&Queue<'_>>,
    limit: usize,
) -> Vec<String> {
    let Some(queue) = queue else {
        return Vec::new();
    };
    let mut lives: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let kept = |record: &&Recorded| !record.submission.cancelled && queue.knows(&record.submission);
    for record in records.iter().filter(kept) {
        for trace in record.traces() {
            let (lost, well) = lives.entry(trace.node.clone()).or_default();
            let is_last = record.last(trace.pack) == Some(trace);
            match trace.end {
                Some(_) => *well += 1,
                // An earlier life that said nothing was lost with its node.
                None if !is_last => *lost += 1,
                None => *lost += usize::from(last_was_lost(record, trace, queue)),
            }
        }
        // What dies before it can leave a trace is told by the queue alone.
        for (pack, job) in without_trace(record) {
            let state = pack_state(record, (pack, job), Some(queue));
            if let PointState::Lost { loss, node } = state
                && loss == Loss::Unknown
                && !node.is_empty()
            {
                lives.entry(node).or_default().0 += 1;
            }
        }
    }
    let bad = lives
        .into_iter()
        .filter(|(_, it)| it.0 >= limit && it.1 == 0);
    bad.map(|(node, _)| node).collect()
}

/// Whether the last life of a pack, which has not said how it ended, was lost by its node's doing.
fn last_was_lost(record: &Recorded, trace: &Trace, queue: &Queue<'_>) -> bool {
    let Some(pack) = trace.pack else {
        // The job that gathers may be the one that asks.
        return false;
    };
    let job = record.submission.job_of(pack);
    let state = job.map(|job| pack_state(record, (pack, job), Some(queue)));
    matches!(
        state,
        Some(PointState::Lost {
            loss: Loss::Node | Loss::Unknown,
            ..
        })
    )
}

/// Packs that were sent and have left no trace.
fn without_trace(record: &Recorded) -> impl Iterator<Item = (usize, &SentJob)> {
    let packs = 0..record.submission.packs.len();
    let silent = packs.filter(|&pack| record.last(Some(pack)).is_none());
    silent.filter_map(|pack| {
        let job = record.submission.job_of(pack).filter(|job| job.tried)?;
        Some((pack, job))
    })
}

#[cfg(test)]
mod tests;
