//! One task, on threads of its own.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::plan::{Plan, Task};

use super::context::{Message, Speak, TaskContext};
use super::error::EngineError;
use super::pools::Pools;
use super::results::unix_now;
use super::stage::{Stage, StageError};
use super::store::{Claim, Lookup, Publication, Record, Store, StoreError, StoredEntry};

/// A task that may run now, with all that it takes.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Plan,
    pub(super) task: &'a Task,
    pub(super) stage: &'a dyn Stage,
    pub(super) store: &'a Store,
    pub(super) cancel: &'a AtomicBool,
    /// Held until the task has ended.
    pub(super) claim: Claim,
    /// Whether checkpoints of an earlier attempt may be used.
    pub(super) resume: bool,
    /// Threads that the stage may keep busy.
    pub(super) threads: usize,
    /// Where they come from.
    pub(super) pools: Arc<Pools>,
}

/// How a task ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its entry is published.
    Finished {
        seconds: f64,
        /// Files in which an entry that was there before differed.
        differed: Vec<String>,
    },
    /// It failed, with the chain of causes.
    Failed { message: String },
    /// It stopped because it was asked to.
    Cancelled,
}

impl Job<'_> {
    /// Runs the task and publishes what it wrote. A panic becomes a failure.
    pub(super) fn execute(self, speak: Speak<'_>) -> Outcome {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.attempt(speak)));
        // Only now may another worker have the task.
        drop(self.claim);
        match outcome {
            Ok(Ok(finished)) => finished,
            Ok(Err(StageError::Cancelled)) => Outcome::Cancelled,
            Ok(Err(failed)) => Outcome::Failed {
                message: failed.to_string(),
            },
            Err(panic) => Outcome::Failed {
                message: format!("the stage panicked: {}", panic_text(panic.as_ref())),
            },
        }
    }

    fn attempt(&self, speak: Speak<'_>) -> Result<Outcome, StageError> {
        let key = &self.task.key;
        let work = self.store.work_folder(key);
        if !self.resume {
            work.clear()?;
        }
        let outputs = self.store.private_folder(key)?;
        let (started_unix, clock) = (unix_now(), Instant::now());
        let inputs = self.inputs()?;
        let context = TaskContext::new(self.task, inputs, &outputs, &work, self.cancel, speak);
        self.pools
            .run(self.threads, || self.stage.run(&context))??;
        let seconds = clock.elapsed().as_secs_f64();
        context.inputs_are_unchanged()?;
        let record = Record {
            key,
            key_parts: &self.task.key_parts(),
            label: &self.task.label,
            warnings: context.warnings(),
            started_unix,
            finished_unix: unix_now(),
            seconds,
            threads: self.threads,
        };
        let publication = self.store.publish(&outputs, record)?;
        // The result is there. What stays here is removed when the store is opened next.
        if let Err(error) = work.clear() {
            speak(Message::Note(error.to_string()));
        }
        let differed = match publication {
            Publication::New | Publication::Same => Vec::new(),
            Publication::Differed(files) => files,
        };
        Ok(Outcome::Finished { seconds, differed })
    }

    fn inputs(&self) -> Result<BTreeMap<&str, StoredEntry>, StageError> {
        let mut inputs = BTreeMap::new();
        for input in &self.task.needs {
            let needed = &self.plan.tasks[input.task];
            let problem = match self.store.lookup(&needed.stage, &needed.key)? {
                Lookup::Present(stored) => {
                    inputs.insert(input.role.as_str(), stored);
                    continue;
                }
                Lookup::Missing => "it is missing".to_owned(),
                Lookup::Damaged(problem) => problem,
            };
            return Err(StageError::from(EngineError::InputGone {
                role: input.role.clone(),
                problem,
            }));
        }
        Ok(inputs)
    }
}

/// What a worker has found before a task is started.
pub(super) enum Readiness {
    /// It may run; the claim is held.
    Free(Claim),
    /// Another worker has it.
    Taken,
    /// Another worker has finished it.
    There,
}

/// Claims `task` and looks again, now that nobody else can publish it.
///
/// A damaged entry is set aside. A task that `must_run` is never there.
pub(super) fn claim(store: &Store, task: &Task, must_run: bool) -> Result<Readiness, StoreError> {
    let Some(claim) = store.claim(&task.key)? else {
        return Ok(Readiness::Taken);
    };
    match store.look_afresh(&task.stage, &task.key)? {
        Lookup::Present(_) if !must_run => return Ok(Readiness::There),
        Lookup::Present(_) | Lookup::Missing => {}
        Lookup::Damaged(problem) => store.set_aside(&task.stage, &task.key, &problem)?,
    }
    Ok(Readiness::Free(claim))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
