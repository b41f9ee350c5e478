//! What is cached, what has to run, and why.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;

use crate::plan::{
    FIGURE_STAGE, Key, Plan, PlanError, Selector, TABLE_STAGE, Task, TaskId, select,
};

use super::store::{Lookup, Store, StoreError};

/// What a run is asked for, beyond its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Tasks to make, with all that they need; `None` for all tables, figures
    /// and tasks that nothing depends on.
    pub only: Option<Vec<TaskId>>,
    /// Tasks to run although their result is there, with all that depends on them.
    pub force: Vec<TaskId>,
}

impl Wanted {
    /// Reads the selectors of `--only` and `--force`; none of the former means everything.
    ///
    /// # Errors
    ///
    /// Those of [`Selector::parse_list`] and [`select`].
    pub fn parse(plan: &Plan, only: &[String], force: &[String]) -> Result<Self, PlanError> {
        let resolve = |texts: &[String]| {
            let lists = texts.iter().map(|text| Selector::parse_list(text));
            let selectors: Vec<Vec<Selector>> = lists.collect::<Result<_, _>>()?;
            select(plan, &selectors.concat())
        };
        Ok(Self {
            only: if only.is_empty() {
                None
            } else {
                Some(resolve(only)?)
            },
            force: resolve(force)?,
        })
    }

    fn goals(&self, plan: &Plan) -> Vec<TaskId> {
        if let Some(only) = &self.only {
            return only.clone();
        }
        let read = plan.read_by_some();
        let gathers = |task: &Task| task.stage == TABLE_STAGE || task.stage == FIGURE_STAGE;
        let goal = |task: &&Task| gathers(task) || !read[task.id];
        plan.tasks.iter().filter(goal).map(|task| task.id).collect()
    }

    /// Which tasks must run whatever is stored, each with what says so.
    fn forced(&self, plan: &Plan) -> Vec<Option<Reason>> {
        let mut reasons: Vec<Option<Reason>> = vec![None; plan.tasks.len()];
        for &id in &self.force {
            reasons[id] = Some(Reason::Forced);
        }
        for task in &plan.tasks {
            if reasons[task.id].is_none() {
                let mut needs = task.needs.iter();
                let first = needs.find(|input| reasons[input.task].is_some());
                reasons[task.id] = first.map(|input| Reason::Follows {
                    task: plan.tasks[input.task].label.clone(),
                });
            }
        }
        reasons
    }
}

/// Why a task has to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The store has nothing for its key.
    NoEntry,
    /// It was asked to.
    Forced,
    /// Its entry is damaged.
    Damaged {
        /// Which file, and what is wrong with it.
        problem: String,
    },
    /// It depends on a task that was asked to run again.
    Follows {
        /// Label of that task.
        task: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => f.write_str("no entry yet"),
            Self::Forced => f.write_str("forced"),
            Self::Damaged { problem } => write!(f, "damaged entry: {problem}"),
            Self::Follows { task } => write!(f, "follows from `{task}`"),
        }
    }
}

/// What happens to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Its stored result is used.
    Cached,
    /// It runs.
    WillRun(Reason),
    /// Nothing that runs or is wanted reads it.
    NotNeeded,
}

/// What happens to each task of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// By task.
    pub statuses: Vec<Status>,
}

impl Assessment {
    /// Whether each task runs, by task.
    #[must_use]
    pub fn to_run(&self) -> Vec<bool> {
        let runs = |status: &Status| matches!(status, Status::WillRun(_));
        self.statuses.iter().map(runs).collect()
    }

    /// Number of tasks that run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.to_run().into_iter().filter(|&runs| runs).count()
    }

    /// Number of tasks whose stored result is used.
    #[must_use]
    pub fn cached(&self) -> usize {
        let cached = |status: &&Status| **status == Status::Cached;
        self.statuses.iter().filter(cached).count()
    }
}

/// Walks back from what is wanted and says what happens to each task.
///
/// A wanted task whose entry is there and whole is cached, and nothing that it
/// needs is looked at. Every entry that a running task will read is verified.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read.
pub fn assess(plan: &Plan, store: &Store, wanted: &Wanted) -> Result<Assessment, StoreError> {
    let forced = wanted.forced(plan);
    let mut needed = vec![false; plan.tasks.len()];
    for goal in wanted.goals(plan) {
        needed[goal] = true;
    }
    let mut stored = Stored::new(plan, store, &needed);
    let mut statuses = vec![Status::NotNeeded; plan.tasks.len()];
    // Backwards, every task comes before what it needs.
    for task in plan.tasks.iter().rev() {
        if !needed[task.id] {
            continue;
        }
        let status = match &forced[task.id] {
            Some(reason) => Status::WillRun(reason.clone()),
            None => stored.status(task)?,
        };
        if matches!(status, Status::WillRun(_)) {
            for input in &task.needs {
                needed[input.task] = true;
            }
        }
        statuses[task.id] = status;
    }
    Ok(Assessment { statuses })
}

/// From this many tasks of a stage on, its folder is listed once instead of looking for
/// the entry of each: a listing costs a call for some hundred names.
const MANY: usize = 100;

/// What the store has for the tasks of a plan.
struct Stored<'a> {
    store: &'a Store,
    /// Keys for which there is something, of the stages with many tasks; filled when one
    /// of the stage is asked for first.
    listed: HashMap<&'a str, Option<HashSet<Key>>>,
}

impl<'a> Stored<'a> {
    /// `goals` are the tasks that are asked for, by task.
    fn new(plan: &'a Plan, store: &'a Store, goals: &[bool]) -> Self {
        let mut tasks: HashMap<&str, usize> = HashMap::new();
        // What the goals need, whether it is there or not: no more can be looked for.
        let mut asked = goals.to_vec();
        for task in plan.tasks.iter().rev() {
            if asked[task.id] {
                *tasks.entry(&task.stage).or_default() += 1;
                for input in &task.needs {
                    asked[input.task] = true;
                }
            }
        }
        tasks.retain(|_, count| *count >= MANY);
        Self {
            store,
            listed: tasks.into_keys().map(|stage| (stage, None)).collect(),
        }
    }

    fn status(&mut self, task: &Task) -> Result<Status, StoreError> {
        if let Some(listed) = self.listed.get_mut(task.stage.as_str()) {
            let keys = match listed {
                Some(keys) => keys,
                None => listed.insert(self.store.listed(&task.stage)?),
            };
            if !keys.contains(&task.key) {
                return Ok(Status::WillRun(Reason::NoEntry));
            }
        }
        Ok(match self.store.lookup(&task.stage, &task.key)? {
            Lookup::Present(_) => Status::Cached,
            Lookup::Missing => Status::WillRun(Reason::NoEntry),
            Lookup::Damaged(problem) => Status::WillRun(Reason::Damaged { problem }),
        })
    }
}
