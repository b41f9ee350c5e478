//! The stored entry that is most like a task.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::plan::{Difference, Key, Plan, Task, TaskId, differences};

use super::assess::{Assessment, Reason, Status};
use super::store::{Entry, Store, StoreError};

/// Entries of a stage that a task is compared with if none has its name, the latest first.
const COMPARED: usize = 256;

/// What the entries of a store say of themselves, read when first asked for.
pub(super) struct Records<'a> {
    store: &'a Store,
    /// Entries of a stage that are read at most.
    most: usize,
    by_key: RefCell<HashMap<Key, Option<Arc<Entry>>>>,
    by_stage: RefCell<HashMap<String, Arc<StageRecords>>>,
}

/// The entries of a stage.
struct StageRecords {
    /// The latest first.
    latest: Vec<Arc<Entry>>,
    by_label: HashMap<String, Vec<Arc<Entry>>>,
}

impl StageRecords {
    fn of(mut latest: Vec<Arc<Entry>>) -> Self {
        latest.sort_by(|a, b| {
            let time = b.finished_unix.total_cmp(&a.finished_unix);
            time.then_with(|| a.key.cmp(&b.key))
        });
        let mut by_label: HashMap<String, Vec<Arc<Entry>>> = HashMap::new();
        for entry in &latest {
            let same = by_label.entry(entry.label.clone()).or_default();
            same.push(Arc::clone(entry));
        }
        Self { latest, by_label }
    }

    /// The entries that a task of this name is compared with.
    fn candidates(&self, label: &str) -> &[Arc<Entry>] {
        match self.by_label.get(label) {
            Some(same) => same,
            None => &self.latest[..self.latest.len().min(COMPARED)],
        }
    }
}

impl<'a> Records<'a> {
    /// All entries of `store`.
    pub(super) fn of(store: &'a Store) -> Self {
        Self::at_most(store, usize::MAX)
    }

    /// At most `most` entries of each stage. Keys are digests, so that the first by name
    /// are as good as any drawn at random.
    pub(super) fn at_most(store: &'a Store, most: usize) -> Self {
        Self {
            store,
            most,
            by_key: RefCell::default(),
            by_stage: RefCell::default(),
        }
    }

    /// The record of one entry, whether or not its files are whole.
    pub(super) fn get(&self, stage: &str, key: &Key) -> Option<Arc<Entry>> {
        if let Some(known) = self.by_key.borrow().get(key) {
            return known.clone();
        }
        let found = self.store.glance(stage, key).map(Arc::new);
        self.by_key.borrow_mut().insert(key.clone(), found.clone());
        found
    }

    fn stage(&self, stage: &str) -> Result<Arc<StageRecords>, StoreError> {
        if let Some(known) = self.by_stage.borrow().get(stage) {
            return Ok(Arc::clone(known));
        }
        let entries = self.store.some_entries(stage, self.most)?;
        let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
        let mut by_key = self.by_key.borrow_mut();
        for entry in &entries {
            by_key.insert(entry.key.clone(), Some(Arc::clone(entry)));
        }
        let records = Arc::new(StageRecords::of(entries));
        let mut by_stage = self.by_stage.borrow_mut();
        by_stage.insert(stage.to_owned(), Arc::clone(&records));
        Ok(records)
    }
}

/// The entry nearest to each task that runs, by task; `None` for one that does not run, or
/// whose stage has no entry.
///
/// The task's own entry is the nearest, if it can be read. Else it is one of the same name,
/// then the one with the fewest differences, then the latest. An input that was made by
/// the nearest entry of the task that makes it is no difference, so that a chain of tasks is
/// compared with one chain of entries.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be listed.
pub(super) fn nearest_entries(
    plan: &Plan,
    assessment: &Assessment,
    records: &Records<'_>,
) -> Result<Vec<Option<Arc<Entry>>>, StoreError> {
    let mut nearest: Vec<Option<Arc<Entry>>> = vec![None; plan.tasks.len()];
    for task in &plan.tasks {
        let Status::WillRun(reason) = &assessment.statuses[task.id] else {
            continue;
        };
        let stage = records.stage(&task.stage)?;
        if stage.latest.is_empty() {
            continue;
        }
        let own = match reason {
            Reason::NoEntry => None,
            _ => records.get(&task.stage, &task.key),
        };
        nearest[task.id] = own.or_else(|| search(plan, task, &nearest, &stage));
    }
    Ok(nearest)
}

fn search(
    plan: &Plan,
    task: &Task,
    nearest: &[Option<Arc<Entry>>],
    stage: &StageRecords,
) -> Option<Arc<Entry>> {
    let expected: HashMap<&str, &Key> = task
        .needs
        .iter()
        .map(|input| {
            let own = &plan.tasks[input.task].key;
            let key = nearest[input.task].as_ref().map_or(own, |entry| &entry.key);
            (input.role.as_str(), key)
        })
        .collect();
    let parts = task.key_parts();
    let distance = |entry: &Arc<Entry>| {
        let found = differences(&entry.key_parts, &parts);
        let unexpected = |difference: &&Difference| match difference {
            Difference::Input { role, before, .. } => {
                before.as_ref() != expected.get(role.as_str()).copied()
            }
            _ => true,
        };
        found.iter().filter(unexpected).count()
    };
    // The first of several at the same distance, which is the latest.
    let candidates = stage.candidates(&task.label).iter();
    candidates.min_by_key(|entry| distance(entry)).cloned()
}

/// The task of `plan` that reads as `role` for `task`.
pub(super) fn input_task(task: &Task, role: &str) -> Option<TaskId> {
    let input = task.needs.iter().find(|input| input.role == role)?;
    Some(input.task)
}
