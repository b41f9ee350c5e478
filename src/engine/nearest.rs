//! Why a task has no entry: what changed since the nearest one.

use std::collections::HashMap;

use serde::Serialize;

use crate::plan::{Difference, Plan, Task, TaskId, differences};

use super::assess::{Assessment, Reason, Status};
use super::store::{Entry, Store, StoreError};

/// Entries of a stage that a task is compared with, the latest first.
const COMPARED: usize = 256;

/// Differences that are told; the rest is counted.
const TOLD: usize = 6;

/// What changed between a task and the entry of its stage that is most like it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The task.
    pub task: TaskId,
    /// Label of the nearest entry; `None` if the stage has none.
    pub nearest: Option<String>,
    /// The differences, in words.
    pub differences: Vec<String>,
}

/// Explains every task that runs because there is no entry for it.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be listed.
pub fn explain_missing(
    plan: &Plan,
    assessment: &Assessment,
    store: &Store,
) -> Result<Vec<Explanation>, StoreError> {
    let mut by_stage: HashMap<&str, Vec<Entry>> = HashMap::new();
    let mut explanations = Vec::new();
    for task in &plan.tasks {
        if assessment.statuses[task.id] != Status::WillRun(Reason::NoEntry) {
            continue;
        }
        if !by_stage.contains_key(task.stage.as_str()) {
            by_stage.insert(&task.stage, latest(store, &task.stage)?);
        }
        explanations.push(explain(plan, task, &by_stage[task.stage.as_str()]));
    }
    Ok(explanations)
}

fn latest(store: &Store, stage: &str) -> Result<Vec<Entry>, StoreError> {
    let mut entries = store.entries(stage)?;
    entries.sort_by(|a, b| b.finished_unix.total_cmp(&a.finished_unix));
    entries.truncate(COMPARED);
    Ok(entries)
}

fn explain(plan: &Plan, task: &Task, entries: &[Entry]) -> Explanation {
    let parts = task.key_parts();
    let compared = entries
        .iter()
        .map(|entry| (entry, differences(&entry.key_parts, &parts)));
    let Some((entry, found)) = compared.min_by_key(|(_, found)| found.len()) else {
        return Explanation {
            task: task.id,
            nearest: None,
            differences: Vec::new(),
        };
    };
    let mut words: Vec<String> = found
        .iter()
        .take(TOLD)
        .map(|d| say(plan, task, d))
        .collect();
    if found.len() > TOLD {
        words.push(format!("and {} more", found.len() - TOLD));
    }
    Explanation {
        task: task.id,
        nearest: Some(entry.label.clone()),
        differences: words,
    }
}

/// A difference in words; an input is named by the task that makes it.
fn say(plan: &Plan, task: &Task, difference: &Difference) -> String {
    let Difference::Input { role, .. } = difference else {
        return difference.to_string();
    };
    match task.needs.iter().find(|input| input.role == *role) {
        Some(input) => {
            let label = &plan.tasks[input.task].label;
            format!("{difference}, follows from `{label}`")
        }
        None => difference.to_string(),
    }
}
