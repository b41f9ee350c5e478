//! The loop around the scheduler: starts, waits, collects.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use crate::plan::{Key, Plan, TaskId};

use super::assess::{Assessment, Reason, Status};
use super::context::Message;
use super::event::Event;
use super::forecast::Forecast;
use super::pools::Pools;
use super::results::Results;
use super::run::RunOptions;
use super::scheduler::{Schedule, State};
use super::stage::{Stage, StageError};
use super::store::{Claim, Store};
use super::summary::{Failure, RunSummary, TaskCost, TaskWarning};
use super::worker::{Job, Outcome, Readiness, claim};

/// How long the loop sleeps at most before it looks whether it is asked to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// First and longest time between two looks at a task that another process has.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What workers tell the coordinator.
enum Report {
    Said(TaskId, Message),
    Ended(TaskId, Outcome),
}

/// When to look again at a task that another process has.
struct Wait {
    next: Instant,
    pause: Duration,
}

/// The state of a run, on the thread that called [`run`].
pub(super) struct Coordinator<'a, 'e> {
    plan: &'a Plan,
    stages: HashMap<TaskId, &'a dyn Stage>,
    store: &'a Store,
    results: &'a Results,
    options: &'a RunOptions,
    cancel: &'a AtomicBool,
    schedule: Schedule,
    assessment: Assessment,
    events: &'e mut dyn FnMut(Event),
    sender: Sender<Report>,
    receiver: Receiver<Report>,
    pools: Arc<Pools>,
    waits: BTreeMap<TaskId, Wait>,
    /// Threads of each running task.
    granted: BTreeMap<TaskId, usize>,
    /// When each finished task ended, and what it cost.
    ended: BTreeMap<TaskId, (Instant, TaskCost)>,
    failed: Vec<Failure>,
    /// Warnings of this run, by task.
    spoken: BTreeMap<TaskId, Vec<String>>,
    /// Tasks that were to run and that another process has finished.
    found: usize,
}

impl<'a, 'e> Coordinator<'a, 'e> {
    pub(super) fn new(
        (plan, store, results): (&'a Plan, &'a Store, &'a Results),
        stages: HashMap<TaskId, &'a dyn Stage>,
        options: &'a RunOptions,
        cancel: &'a AtomicBool,
        assessment: Assessment,
        events: &'e mut dyn FnMut(Event),
    ) -> Self {
        let (sender, receiver) = channel();
        Self {
            plan,
            stages,
            store,
            results,
            options,
            cancel,
            schedule: Schedule::new(plan, &assessment.to_run()),
            assessment,
            events,
            sender,
            receiver,
            pools: Arc::default(),
            waits: BTreeMap::new(),
            granted: BTreeMap::new(),
            ended: BTreeMap::new(),
            failed: Vec::new(),
            spoken: BTreeMap::new(),
            found: 0,
        }
    }

    fn label(&self, task: TaskId) -> String {
        self.plan.tasks[task].label.clone()
    }

    pub(super) fn announce(&mut self, threads: usize, forecast: &Forecast) {
        (self.events)(Event::RunStarted {
            total: self.plan.tasks.len(),
            to_run: self.assessment.running(),
            cached: self.assessment.cached(),
            threads,
            estimate: forecast.estimate(self.plan, &self.assessment, threads),
        });
        self.tell_mended();
        for (task, status) in self.assessment.statuses.iter().enumerate() {
            let label = self.label(task);
            match status {
                Status::Cached => (self.events)(Event::Cached { task, label }),
                Status::WillRun(_) => (self.events)(Event::Queued { task, label }),
                Status::NotNeeded => {}
            }
        }
    }

    pub(super) fn drive<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, threads: usize)
    where
        'a: 'scope,
    {
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                self.schedule.halt();
            }
            self.start_ready(scope, threads);
            self.tell_mended();
            if self.schedule.finished() {
                return;
            }
            match self.receiver.recv_timeout(PATIENCE) {
                Ok(Report::Said(task, message)) => self.pass_on(task, message),
                Ok(Report::Ended(task, outcome)) => self.settle(task, outcome),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.wake();
        }
    }

    /// Starts tasks until there is no free thread or nothing is ready.
    ///
    /// A task gets threads of its own: one where enough tasks are ready to fill all
    /// threads, an equal share of the free ones where there are fewer tasks.
    fn start_ready<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, threads: usize)
    where
        'a: 'scope,
    {
        loop {
            let free = threads.saturating_sub(self.granted.values().sum());
            let ready = self.schedule.next(free);
            let Some(&id) = ready.first() else {
                return;
            };
            let share = free / ready.len();
            let task = &self.plan.tasks[id];
            if let Some(reason) = self.options.refused.get(&id) {
                self.fail(id, reason.clone());
                continue;
            }
            let forced = matches!(
                self.assessment.statuses[id],
                Status::WillRun(Reason::Forced | Reason::Follows { .. })
            );
            match claim(self.store, task, forced) {
                Ok(Readiness::Free(claim)) => self.start(scope, (id, share), claim, !forced),
                Ok(Readiness::Taken) => self.wait(id),
                Ok(Readiness::There) => self.find(id),
                Err(error) => {
                    let message = StageError::from(error).to_string();
                    self.fail(id, message);
                }
            }
        }
    }

    /// Tells what was put right since this was called last.
    fn tell_mended(&mut self) {
        for mended in self.store.take_mended() {
            (self.events)(Event::Mended(mended));
        }
    }

    fn start<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        (id, threads): (TaskId, usize),
        claim: Claim,
        resume: bool,
    ) where
        'a: 'scope,
    {
        let job = Job {
            plan: self.plan,
            task: &self.plan.tasks[id],
            stage: self.stages[&id],
            store: self.store,
            cancel: self.cancel,
            claim,
            resume,
            threads,
            pools: Arc::clone(&self.pools),
        };
        self.waits.remove(&id);
        self.granted.insert(id, threads);
        self.schedule.set(id, State::Running);
        let label = job.task.label.clone();
        (self.events)(Event::Started { task: id, label });
        let sender = self.sender.clone();
        scope.spawn(move || {
            // The receiver outlives the scope, so that sending cannot fail.
            let outcome = job.execute(&|message| {
                let _ = sender.send(Report::Said(id, message));
            });
            let _ = sender.send(Report::Ended(id, outcome));
        });
    }

    fn wait(&mut self, task: TaskId) {
        self.schedule.set(task, State::Waiting);
        let pause = if let Some(wait) = self.waits.get(&task) {
            LONGEST_WAIT.min(wait.pause * 2)
        } else {
            let label = self.label(task);
            (self.events)(Event::Waiting { task, label });
            FIRST_WAIT
        };
        let next = Instant::now() + pause;
        self.waits.insert(task, Wait { next, pause });
    }

    /// Makes the tasks pending again whose time to look has come.
    fn wake(&mut self) {
        let now = Instant::now();
        for (&task, wait) in &self.waits {
            if wait.next <= now && self.schedule.state(task) == State::Waiting {
                self.schedule.set(task, State::Pending);
            }
        }
    }

    /// Uses the result of another process.
    fn find(&mut self, task: TaskId) {
        self.waits.remove(&task);
        self.schedule.set(task, State::Settled);
        self.found += 1;
        let label = self.label(task);
        (self.events)(Event::Cached { task, label });
    }

    fn pass_on(&mut self, task: TaskId, message: Message) {
        match message {
            Message::Progress(progress) => {
                let label = self.label(task);
                (self.events)(Event::Progress {
                    task,
                    label,
                    progress,
                });
            }
            Message::Warning(message) | Message::Note(message) => self.warn(task, message),
        }
    }

    fn warn(&mut self, task: TaskId, message: String) {
        let spoken = self.spoken.entry(task).or_default();
        if spoken.contains(&message) {
            return;
        }
        spoken.push(message.clone());
        let label = self.label(task);
        (self.events)(Event::Warning {
            task,
            label,
            message,
        });
    }

    fn settle(&mut self, task: TaskId, outcome: Outcome) {
        let threads = self.granted.remove(&task);
        let label = self.label(task);
        match outcome {
            Outcome::Finished { seconds, differed } => {
                self.schedule.set(task, State::Done);
                let cost = TaskCost {
                    started: 0.0,
                    seconds,
                    threads,
                };
                self.ended.insert(task, (Instant::now(), cost));
                if !differed.is_empty() {
                    self.warn(task, differing(&differed));
                }
                (self.events)(Event::Finished {
                    task,
                    label,
                    seconds,
                });
            }
            Outcome::Failed { message } => self.fail(task, message),
            Outcome::Cancelled if self.cancel.load(Ordering::Relaxed) => {
                self.schedule.set(task, State::Cancelled);
                (self.events)(Event::Cancelled { task, label });
            }
            Outcome::Cancelled => {
                self.fail(task, "the stage stopped without being asked to".to_owned());
            }
        }
    }

    fn fail(&mut self, id: TaskId, message: String) {
        let task = &self.plan.tasks[id];
        let warnings = self.spoken.get(&id).map_or(&[][..], Vec::as_slice);
        // A log that cannot be written must not hide the failure itself.
        let log = self
            .results
            .write_failure_log(task, &message, warnings)
            .ok();
        self.failed.push(Failure {
            label: task.label.clone(),
            message: message.clone(),
            log: log.clone(),
        });
        (self.events)(Event::Failed {
            task: id,
            label: task.label.clone(),
            message,
            log,
        });
        for blocked in self.schedule.break_off(id, State::Failed) {
            let label = self.label(blocked);
            (self.events)(Event::Blocked {
                task: blocked,
                label,
            });
        }
        if !self.options.keep_going {
            self.schedule.halt();
        }
    }

    /// What the run came to; `stored` are warnings that entries of earlier runs hold.
    pub(super) fn conclude(
        self,
        started_unix: f64,
        clock: Instant,
        stored: BTreeMap<TaskId, Vec<String>>,
    ) -> RunSummary {
        let left = [State::Pending, State::Waiting, State::Cancelled]
            .map(|state| self.schedule.count(state))
            .iter()
            .sum();
        let blocked = |id: &TaskId| self.schedule.state(*id) == State::Blocked;
        let blocked = (0..self.plan.tasks.len())
            .filter(blocked)
            .map(|id| self.label(id))
            .collect();
        let ran = self.ended.iter().map(|(&task, &(end, cost))| {
            let started = (end - clock).as_secs_f64() - cost.seconds;
            (task, TaskCost { started, ..cost })
        });
        let summary = RunSummary {
            ran: ran.collect(),
            done: self.schedule.count(State::Done),
            cached: self.assessment.cached() + self.found,
            blocked,
            left,
            cancelled: left > 0 && self.cancel.load(Ordering::Relaxed),
            warnings: self.warnings(stored),
            failed: self.failed,
            started_unix,
            seconds: clock.elapsed().as_secs_f64(),
        };
        (self.events)(Event::RunFinished {
            done: summary.done,
            cached: summary.cached,
            failed: summary.failed.len(),
            blocked: summary.blocked.len(),
            cancelled: summary.cancelled,
            seconds: summary.seconds,
        });
        summary
    }

    /// Warnings kept with the entries of tasks that had nothing to say in this run.
    pub(super) fn stored_warnings(&self) -> BTreeMap<TaskId, Vec<String>> {
        let warned = self.store.warned();
        let may_warn = |key: &Key| warned.as_ref().is_none_or(|warned| warned.contains(key));
        let silent = |id: &TaskId| !self.spoken.contains_key(id);
        let tasks = self.plan.tasks.iter();
        let tasks = tasks.filter(|task| silent(&task.id) && may_warn(&task.key));
        let found = tasks.filter_map(|task| {
            let entry = self.store.glance(&task.stage, &task.key)?;
            Some((task.id, entry.warnings))
        });
        found.collect()
    }

    /// Warnings of all tasks, in the order of the plan.
    fn warnings(&self, mut all: BTreeMap<TaskId, Vec<String>>) -> Vec<TaskWarning> {
        all.extend(self.spoken.clone());
        let of_task = |(task, messages): (TaskId, Vec<String>)| {
            let label = self.label(task);
            let warning = move |message| TaskWarning {
                label: label.clone(),
                message,
            };
            messages.into_iter().map(warning)
        };
        all.into_iter().flat_map(of_task).collect()
    }
}

fn differing(files: &[String]) -> String {
    format!(
        "run again it wrote other bytes than before in `{}`: the stage is not repeatable, or its version should have been raised",
        files.join("`, `")
    )
}
