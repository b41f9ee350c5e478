//! Running a plan.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::plan::{Plan, TaskId};

use super::assess::{Assessment, Wanted, assess};
use super::coordinator::Coordinator;
use super::error::EngineError;
use super::event::Event;
use super::forecast::Forecast;
use super::results::{Results, unix_now};
use super::stage::Stage;
use super::store::{Root, Store, StoreError};
use super::summary::RunSummary;

/// How a plan is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Threads that work at the same time at most; every running task has one or more.
    pub threads: usize,
    /// Whether tasks are started after another one failed.
    pub keep_going: bool,
    /// Tasks that fail at once, each with the reason.
    pub refused: BTreeMap<TaskId, String>,
    /// What is asked for.
    pub wanted: Wanted,
}

/// Runs what `assess` says has to run.
///
/// Tasks run side by side and share [`RunOptions::threads`] threads among them; this
/// thread starts them and hands every event to `events`. Setting `cancel` ends
/// the run: nothing more is started, running tasks are asked to stop, and
/// nothing half-done is published. A task on which another process works is
/// waited for. A failure is no error of this function: see [`RunSummary`].
///
/// # Errors
///
/// - [`EngineError::Store`] if the store cannot be read.
/// - [`EngineError::UnknownStage`] if no stage of `stages` can run a task.
pub fn run(
    plan: &Plan,
    stages: &[&dyn Stage],
    store: &Store,
    results: &Results,
    options: &RunOptions,
    cancel: &AtomicBool,
    events: &mut dyn FnMut(Event),
) -> Result<RunSummary, EngineError> {
    let root = Root::of(plan, results.folder())?;
    store.begin_root(&root)?;
    let look = |assessment: &Assessment| Forecast::of(plan, assessment, store);
    let places = (plan, store, results);
    let summary = drive(
        places,
        (stages, &look),
        options,
        cancel,
        events,
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is of one lifetime, the closure of all"
        )]
        |coordinator| coordinator.stored_warnings(),
    )?;
    if summary.complete() && options.wanted.only.is_none() {
        // If it cannot be written, what the folder needed before is kept as well.
        let _ = store.complete_root(&root);
    }
    Ok(summary)
}

/// As [`run`], for one of many processes that each make a share of a plan: it looks at what
/// its share needs and at nothing else. Whoever has divided the work has recorded that the
/// results need it ([`keep`]). How long it will take is not said, and warnings are those of
/// this run alone.
///
/// # Errors
///
/// Those of [`run`].
pub fn run_share(
    plan: &Plan,
    stages: &[&dyn Stage],
    store: &Store,
    results: &Results,
    options: &RunOptions,
    cancel: &AtomicBool,
    events: &mut dyn FnMut(Event),
) -> Result<RunSummary, EngineError> {
    let look = |_: &Assessment| Ok(Forecast::unknown(plan));
    let places = (plan, store, results);
    drive(places, (stages, &look), options, cancel, events, |_| {
        BTreeMap::new()
    })
}

/// Records that the results folder needs all tasks of the plan, so that none is collected.
///
/// # Errors
///
/// [`StoreError::Io`] if that cannot be recorded.
pub fn keep(plan: &Plan, store: &Store, results: &Results) -> Result<(), StoreError> {
    store.begin_root(&Root::of(plan, results.folder())?)
}

/// Warnings that are kept with entries, by task.
type Warnings = BTreeMap<TaskId, Vec<String>>;

/// How the length of a run is forecast.
type Look<'a> = &'a dyn Fn(&Assessment) -> Result<Forecast, StoreError>;

fn drive(
    (plan, store, results): (&Plan, &Store, &Results),
    (stages, look): (&[&dyn Stage], Look<'_>),
    options: &RunOptions,
    cancel: &AtomicBool,
    events: &mut dyn FnMut(Event),
    warnings: impl FnOnce(&Coordinator<'_, '_>) -> Warnings,
) -> Result<RunSummary, EngineError> {
    let (started_unix, clock) = (unix_now(), Instant::now());
    let assessment = assess(plan, store, &options.wanted)?;
    let by_task = stages_by_task(plan, &assessment, stages)?;
    let forecast = look(&assessment)?;
    let threads = options.threads.max(1);
    let places = (plan, store, results);
    let mut coordinator = Coordinator::new(places, by_task, options, cancel, assessment, events);
    coordinator.announce(threads, &forecast);
    std::thread::scope(|scope| coordinator.drive(scope, threads));
    let warnings = warnings(&coordinator);
    Ok(coordinator.conclude(started_unix, clock, warnings))
}

/// The stage of each task that runs.
fn stages_by_task<'a>(
    plan: &Plan,
    assessment: &Assessment,
    stages: &[&'a dyn Stage],
) -> Result<HashMap<TaskId, &'a dyn Stage>, EngineError> {
    let mut found = HashMap::new();
    let to_run = assessment.to_run();
    for task in plan.tasks.iter().filter(|task| to_run[task.id]) {
        let Some(stage) = stages.iter().find(|stage| stage.name() == task.stage) else {
            let known: Vec<&str> = stages.iter().map(|stage| stage.name()).collect();
            return Err(EngineError::UnknownStage {
                label: task.label.clone(),
                stage: task.stage.clone(),
                known: known.join(", "),
            });
        };
        found.insert(task.id, *stage);
    }
    Ok(found)
}
