//! Why tasks run: told from the record alone.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::plan::{
    Difference, Key, ManifestKey, Plan, StageDefinition, Task, TaskId, differences,
    in_manifest_names,
};

use super::assess::{Assessment, Reason, Status};
use super::nearest::{Records, input_task, nearest_entries};
use super::store::{Departures, Entry, Store, StoreError};

/// Why a task runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// It was asked to.
    Forced,
    /// No task of its stage was made before.
    New,
    /// Something of its own is other than in the nearest entry: a parameter, the version of
    /// its stage, which inputs it reads.
    ChangedHere,
    /// Nothing of its own changed, but something that it was made from.
    Follows {
        /// Where the change began.
        roots: Vec<Root>,
    },
    /// It was made before, and what it made cannot be used.
    ArtefactMissing {
        /// What is wrong with it, or what became of it.
        problem: String,
    },
}

/// Where a change began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Root {
    /// The task.
    pub task: TaskId,
    /// Its label.
    pub label: String,
    /// What changed there; empty if it was forced, or if there is no record of what was there.
    pub differences: Vec<Told>,
}

/// A difference, and the same in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// Such as `vae.hidden: [64, 64] → [128, 128]`.
    pub words: String,
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
}

/// The stored entry that a task is compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nearest {
    /// Name of the task that made it.
    pub label: String,
    /// Its key.
    pub key: Key,
    /// When it was finished, in seconds since 1970.
    pub finished_unix: f64,
}

/// Why one task runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The task.
    #[serde(skip)]
    pub task: TaskId,
    /// Why it runs.
    #[serde(flatten)]
    pub cause: Cause,
    /// The entry that is most like it; `None` if its stage has none.
    pub nearest: Option<Nearest>,
    /// How the task differs from that entry. Inputs are left out if they are told as roots.
    pub differences: Vec<Told>,
}

/// Explains every task that runs, in the order of the plan. Nothing is run or written.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be listed.
pub fn explain(
    plan: &Plan,
    assessment: &Assessment,
    store: &Store,
    stages: &[&dyn StageDefinition],
) -> Result<Vec<Explanation>, StoreError> {
    let records = Records::of(store);
    let nearest = nearest_entries(plan, assessment, &records)?;
    let keys = stages.iter().map(|s| (s.name(), s.manifest_keys()));
    let mut teller = Teller {
        plan,
        records: &records,
        keys: keys.collect(),
        departures: store.departures()?,
        roots: HashMap::new(),
    };
    let mut explanations = Vec::new();
    for task in &plan.tasks {
        if let Status::WillRun(reason) = &assessment.statuses[task.id] {
            explanations.push(teller.explain(task, reason, nearest[task.id].as_ref()));
        }
    }
    Ok(explanations)
}

struct Teller<'a> {
    plan: &'a Plan,
    records: &'a Records<'a>,
    keys: HashMap<&'static str, &'static [ManifestKey]>,
    departures: Departures,
    /// Where the change of a task against an earlier key of it began.
    roots: HashMap<(TaskId, Key), Arc<Vec<Root>>>,
}

impl Teller<'_> {
    fn explain(
        &mut self,
        task: &Task,
        reason: &Reason,
        nearest: Option<&Arc<Entry>>,
    ) -> Explanation {
        let found = nearest.map_or_else(Vec::new, |entry| {
            differences(&entry.key_parts, &task.key_parts())
        });
        let own = found.iter().any(|difference| is_own(task, difference));
        let cause = match reason {
            Reason::Forced => Cause::Forced,
            Reason::Follows { task } => Cause::Follows {
                roots: self.forced_root(task),
            },
            Reason::Damaged { problem } => Cause::ArtefactMissing {
                problem: problem.clone(),
            },
            Reason::NoEntry => match (self.departures.of(&task.key), nearest) {
                (Some(problem), _) => Cause::ArtefactMissing {
                    problem: problem.to_owned(),
                },
                (None, None) => Cause::New,
                (None, Some(_)) if own => Cause::ChangedHere,
                (None, Some(_)) => Cause::Follows {
                    roots: self.roots_of_inputs(task, &found),
                },
            },
        };
        let told = match &cause {
            Cause::ChangedHere => self.told(task, found),
            // The nearest entry is the task's own, or has nothing to do with the cause.
            _ => Vec::new(),
        };
        Explanation {
            task: task.id,
            cause,
            nearest: nearest.map(|entry| Nearest {
                label: entry.label.clone(),
                key: entry.key.clone(),
                finished_unix: entry.finished_unix,
            }),
            differences: told,
        }
    }

    fn forced_root(&self, label: &str) -> Vec<Root> {
        let found = self.plan.tasks.iter().find(|task| task.label == label);
        let root = |task: &Task| Root {
            task: task.id,
            label: task.label.clone(),
            differences: Vec::new(),
        };
        found.map(root).into_iter().collect()
    }

    /// Differences in the names of the manifest; an input is named by the task that makes it.
    fn told(&self, task: &Task, found: Vec<Difference>) -> Vec<Told> {
        let keys = self.keys.get(task.stage.as_str()).copied();
        let named = in_manifest_names(found, keys.unwrap_or_default());
        named
            .into_iter()
            .map(|difference| {
                let maker = match &difference {
                    Difference::Input { role, .. } => input_task(task, role),
                    _ => None,
                };
                let words = match maker {
                    Some(id) => {
                        format!("{difference}, follows from `{}`", self.plan.tasks[id].label)
                    }
                    None => difference.to_string(),
                };
                Told { words, difference }
            })
            .collect()
    }

    /// Where the changes of a task's inputs began, each once, in the order of the plan.
    fn roots_of_inputs(&mut self, task: &Task, found: &[Difference]) -> Vec<Root> {
        let mut roots: Vec<Root> = Vec::new();
        for difference in found {
            let Difference::Input {
                role,
                before: Some(before),
                ..
            } = difference
            else {
                continue;
            };
            if let Some(input) = input_task(task, role) {
                let began = self.roots_of(input, before);
                roots.extend(began.iter().cloned());
            }
        }
        roots.sort_by_key(|root| root.task);
        roots.dedup_by_key(|root| root.task);
        roots
    }

    /// Where the change of the task `id` against its earlier key `before` began.
    fn roots_of(&mut self, id: TaskId, before: &Key) -> Arc<Vec<Root>> {
        let place = (id, before.clone());
        if let Some(known) = self.roots.get(&place) {
            return Arc::clone(known);
        }
        let task = &self.plan.tasks[id];
        let root = |differences| Root {
            task: id,
            label: task.label.clone(),
            differences,
        };
        let roots = match self.records.get(&task.stage, before) {
            None => vec![root(Vec::new())],
            Some(earlier) => {
                let found = differences(&earlier.key_parts, &task.key_parts());
                let (own, inputs): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|d| is_own(task, d));
                if own.is_empty() {
                    self.roots_of_inputs(task, &inputs)
                } else {
                    vec![root(self.told(task, own))]
                }
            }
        };
        let roots = Arc::new(roots);
        self.roots.insert(place, Arc::clone(&roots));
        roots
    }
}

/// Whether a difference is the task's own, and not that of an input that it read before too.
fn is_own(task: &Task, difference: &Difference) -> bool {
    match difference {
        Difference::Input { role, before, .. } => {
            before.is_none() || input_task(task, role).is_none()
        }
        _ => true,
    }
}
