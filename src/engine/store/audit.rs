//! The audit of a store: every byte of every entry, and what it was made from.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::plan::Key;

use super::error::StoreError;
use super::inventory::{Inventory, Item, Part};
use super::store::{Lookup, Store};

/// Something that is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stage of the entry.
    pub stage: String,
    /// Key of the entry.
    pub key: Key,
    /// Name of the task that made it, or its key.
    pub name: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not what was once written.
    Damaged {
        /// Which file, what was found and expected.
        what: String,
        /// Whether it was set aside.
        repaired: bool,
    },
    /// What it was made from is not there, so that it cannot be followed back.
    NoAncestor {
        /// Role in which it was read.
        role: String,
        /// Its key.
        key: Key,
    },
}

/// What an audit came to.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Entries that were read.
    pub entries: usize,
    /// Bytes that were read, or would have been.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Private folders of tasks on which nobody works; removed when the store is opened next.
    pub abandoned: Vec<Part>,
    /// Checkpoints of tasks on which nobody works; used when such a task runs next.
    pub checkpoints: Vec<Part>,
    /// What does not belong there.
    pub strangers: Vec<PathBuf>,
}

impl Audit {
    /// Names of `asked` that mean no entry of `inventory`: a label, a stage, or the start
    /// of a key.
    #[must_use]
    pub fn unknown<'t>(inventory: &Inventory, asked: &'t [String]) -> Vec<&'t str> {
        let unknown = |text: &&String| !inventory.items.iter().any(|item| means(text, item));
        asked.iter().filter(unknown).map(String::as_str).collect()
    }
}

/// Fewest digits by which a key is meant.
const KEY_DIGITS: usize = 6;

fn means(text: &str, item: &Item) -> bool {
    let label = item.entry.as_ref().map(|entry| entry.label.as_str());
    item.stage == text
        || label == Some(text)
        || text.len() >= KEY_DIGITS && item.key.as_str().starts_with(text)
}

impl Store {
    /// Reads all files of the entries that `asked` means, and of all that these were made
    /// from; of all entries if nothing is asked for.
    ///
    /// With `repair` damaged entries are set aside, unless somebody works on them, so that
    /// the next run makes them again. Else nothing is written.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the store cannot be listed, or a damaged entry not be moved.
    pub fn audit(
        &self,
        inventory: &Inventory,
        asked: &[String],
        repair: bool,
    ) -> Result<Audit, StoreError> {
        let by_key: HashMap<&Key, &Item> = inventory
            .items
            .iter()
            .map(|item| (&item.key, item))
            .collect();
        let items = with_ancestors(inventory, &by_key, asked);
        let found: Vec<Vec<Finding>> = items
            .par_iter()
            .map(|item| self.audit_entry(item, &by_key, repair))
            .collect::<Result<_, StoreError>>()?;
        let nobodys = |parts: &[Part]| parts.iter().filter(|part| !part.held).cloned().collect();
        Ok(Audit {
            entries: items.len(),
            bytes: items.iter().map(|item| item.bytes).sum(),
            findings: found.concat(),
            abandoned: nobodys(&inventory.private),
            checkpoints: nobodys(&inventory.checkpoints),
            strangers: inventory.strangers.clone(),
        })
    }

    fn audit_entry(
        &self,
        item: &Item,
        by_key: &HashMap<&Key, &Item>,
        repair: bool,
    ) -> Result<Vec<Finding>, StoreError> {
        let finding = |problem| Finding {
            stage: item.stage.clone(),
            key: item.key.clone(),
            name: item.name(),
            problem,
        };
        let stored = match self.look_again(&item.stage, &item.key)? {
            Lookup::Present(stored) => stored,
            // Removed or replaced since it was listed.
            Lookup::Missing if item.entry.is_some() => return Ok(Vec::new()),
            Lookup::Missing => {
                let what = "its folder is empty".to_owned();
                return Ok(vec![finding(Problem::Damaged {
                    what,
                    repaired: false,
                })]);
            }
            Lookup::Damaged(what) => {
                let repaired = repair && self.repair(item)?;
                return Ok(vec![finding(Problem::Damaged { what, repaired })]);
            }
        };
        let needs = stored.entry.key_parts.needs.iter();
        let absent = needs.filter(|(_, key)| !by_key.contains_key(key));
        Ok(absent
            .map(|(role, key)| {
                finding(Problem::NoAncestor {
                    role: role.clone(),
                    key: key.clone(),
                })
            })
            .collect())
    }

    /// Sets a damaged entry aside; says whether it did.
    fn repair(&self, item: &Item) -> Result<bool, StoreError> {
        let Some(_claim) = self.claim(&item.key)? else {
            return Ok(false);
        };
        // Whoever had the claim may have made it again.
        let Lookup::Damaged(problem) = self.look_again(&item.stage, &item.key)? else {
            return Ok(false);
        };
        self.set_aside(&item.stage, &item.key, &problem)?;
        Ok(true)
    }
}

/// The entries that `asked` means and all that they were made from, in the order of the store.
fn with_ancestors<'i>(
    inventory: &'i Inventory,
    by_key: &HashMap<&Key, &'i Item>,
    asked: &[String],
) -> Vec<&'i Item> {
    if asked.is_empty() {
        return inventory.items.iter().collect();
    }
    let meant = |item: &&Item| asked.iter().any(|text| means(text, item));
    let mut open: VecDeque<&Item> = inventory.items.iter().filter(meant).collect();
    let mut seen: HashSet<&Key> = open.iter().map(|item| &item.key).collect();
    let mut found = Vec::new();
    while let Some(item) = open.pop_front() {
        found.push(item);
        for key in item
            .entry
            .iter()
            .flat_map(|entry| entry.key_parts.needs.values())
        {
            if let Some(&ancestor) = by_key.get(key)
                && seen.insert(&ancestor.key)
            {
                open.push_back(ancestor);
            }
        }
    }
    found.sort_by(|a, b| (&a.stage, &a.key).cmp(&(&b.stage, &b.key)));
    found
}
