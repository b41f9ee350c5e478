//! Collecting: removes what nobody needs, and says why first.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

use crate::plan::{Key, Plan};

use super::atomic;
use super::error::StoreError;
use super::inventory::{Inventory, Item, Part};
use super::roots::{Collected, Root};
use super::store::Store;

/// What is to be kept.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    keys: HashSet<Key>,
    /// Entries that ended later than this, in seconds since 1970, are kept as well.
    pub finished_after: Option<f64>,
}

impl Keep {
    /// Keeps all tasks of `plan`.
    pub fn add(&mut self, plan: &Plan) {
        self.keys
            .extend(plan.tasks.iter().map(|task| task.key.clone()));
    }

    fn add_root(&mut self, root: &Root) {
        self.keys.extend(root.keys().cloned());
    }
}

/// What kind of thing is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// An entry.
    Entry,
    /// An entry that was set aside as damaged.
    Damaged,
    /// Checkpoints of a task.
    Checkpoint,
    /// The record of a results folder that is gone.
    Root,
    /// What programs of an earlier version needed.
    Outdated,
}

impl Garbage {
    /// The kind in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Damaged => "damaged",
            Self::Checkpoint => "checkpoint",
            Self::Root => "root",
            Self::Outdated => "outdated",
        }
    }
}

/// Something that nobody needs.
#[derive(Debug, Clone)]
pub struct Removal {
    /// What it is.
    pub kind: Garbage,
    /// What it is called: a label, a path, a count.
    pub name: String,
    /// Stage, if it is an entry.
    pub stage: Option<String>,
    /// The task it belongs to, if it names one.
    pub key: Option<Key>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Why it goes.
    pub reason: String,
    paths: Vec<PathBuf>,
}

/// What a collection would remove, and keep.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    /// What goes.
    pub removals: Vec<Removal>,
    /// Number of entries that stay.
    pub kept: usize,
    /// Their bytes on the disk.
    pub kept_bytes: u64,
}

impl Collection {
    /// Bytes that are freed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.removals.iter().map(|removal| removal.bytes).sum()
    }
}

impl Store {
    /// Says what nobody needs: neither `keep` nor a results folder that is still there, nor
    /// anything that was made from it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the store cannot be listed.
    pub fn garbage(&self, mut keep: Keep) -> Result<Collection, StoreError> {
        let inventory = self.inventory()?;
        let mut collection = Collection::default();
        for (path, root) in self.root_files()? {
            match root {
                Some(root) if root.is_alive() => keep.add_root(&root),
                Some(root) => collection.removals.push(dead_root(path, &root)?),
                // Not ours to judge; `cache verify` reports it.
                None => {}
            }
        }
        let kept = closure(&inventory, &keep);
        for item in &inventory.items {
            if kept.contains(&item.key) {
                collection.kept += 1;
                collection.kept_bytes += item.bytes;
            } else {
                collection.removals.push(self.unneeded(item));
            }
        }
        let parts = inventory.damaged.iter();
        let damaged = parts.map(|part| of_part(part, Garbage::Damaged, "set aside as damaged"));
        collection.removals.extend(damaged);
        let spent = |part: &&Part| {
            !part.held && !part.key.as_ref().is_some_and(|key| keep.keys.contains(key))
        };
        let reason = "of a task that no manifest and no results folder needs";
        let parts = inventory.checkpoints.iter().filter(spent);
        let checkpoints = parts.map(|part| of_part(part, Garbage::Checkpoint, reason));
        collection.removals.extend(checkpoints);
        let reason = "this version does not use it";
        let parts = inventory.outdated.iter();
        let outdated = parts.map(|part| of_part(part, Garbage::Outdated, reason));
        collection.removals.extend(outdated);
        Ok(collection)
    }

    fn unneeded(&self, item: &Item) -> Removal {
        Removal {
            kind: Garbage::Entry,
            name: item.name(),
            stage: Some(item.stage.clone()),
            key: Some(item.key.clone()),
            bytes: item.bytes,
            reason: match item.entry {
                Some(_) => "no manifest and no results folder needs it".to_owned(),
                None => "it cannot be read, and nobody needs it".to_owned(),
            },
            paths: vec![self.layout().entry(&item.stage, &item.key)],
        }
    }

    /// Removes what `collection` lists. The store must be open alone, from before the
    /// collection was made ([`Store::open_alone`]).
    ///
    /// An entry is renamed away first and deleted then, so that after a kill it is there
    /// as a whole or not at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if something cannot be removed; what was removed before stays so.
    pub fn collect(&self, collection: &Collection, now_unix: f64) -> Result<(), StoreError> {
        for removal in &collection.removals {
            if removal.kind == Garbage::Entry {
                self.collect_entry(removal, now_unix)?;
                continue;
            }
            for path in &removal.paths {
                if path.is_dir() {
                    atomic::remove_folder(path)?;
                } else {
                    atomic::remove_file(path)?;
                }
            }
        }
        Ok(())
    }

    fn collect_entry(&self, removal: &Removal, now_unix: f64) -> Result<(), StoreError> {
        let (Some(key), Some(stage)) = (&removal.key, &removal.stage) else {
            return Ok(());
        };
        // The store is ours alone, unless another machine took this one for dead.
        let Some(_claim) = self.claim(key)? else {
            return Ok(());
        };
        self.note_collected(&Collected {
            key: key.clone(),
            stage: stage.clone(),
            label: removal.name.clone(),
            bytes: removal.bytes,
            time_unix: now_unix,
        })?;
        for path in &removal.paths {
            // A private folder, so that it is cleaned up if we die here.
            let away = self.private_folder(key)?;
            atomic::rename(path, away.path())?;
        }
        atomic::remove_file(&self.layout().warned(key))?;
        self.forget(key);
        Ok(())
    }

    fn note_collected(&self, line: &Collected) -> Result<(), StoreError> {
        let path = self.layout().collected();
        let mut bytes = serde_json::to_vec(line).unwrap_or_default();
        bytes.push(b'\n');
        let mut file = atomic::open_log(&path)?;
        file.write_all(&bytes)
            .map_err(StoreError::io("write", &path))
    }
}

fn dead_root(path: PathBuf, root: &Root) -> Result<Removal, StoreError> {
    Ok(Removal {
        kind: Garbage::Root,
        name: root.experiment.clone(),
        stage: None,
        key: None,
        bytes: atomic::size(&path)?,
        reason: format!("its results folder `{}` is gone", root.results.display()),
        paths: vec![path],
    })
}

fn of_part(part: &Part, kind: Garbage, reason: &str) -> Removal {
    let name = part.path.file_name().unwrap_or_default();
    Removal {
        kind,
        name: name.to_string_lossy().into_owned(),
        stage: None,
        key: part.key.clone(),
        bytes: part.bytes,
        reason: reason.to_owned(),
        paths: vec![part.path.clone()],
    }
}

/// The entries that stay: those that are wanted, and all that these were made from.
fn closure(inventory: &Inventory, keep: &Keep) -> HashSet<Key> {
    let by_key: HashMap<&Key, &Item> = inventory
        .items
        .iter()
        .map(|item| (&item.key, item))
        .collect();
    let young = |item: &&Item| {
        let finished = item.entry.as_ref().map(|entry| entry.finished_unix);
        finished
            .zip(keep.finished_after)
            .is_some_and(|(at, after)| at > after)
    };
    let wanted = |item: &&Item| keep.keys.contains(&item.key) || young(item);
    let mut open: Vec<&Item> = inventory.items.iter().filter(wanted).collect();
    let mut kept: HashSet<Key> = open.iter().map(|item| item.key.clone()).collect();
    while let Some(item) = open.pop() {
        for key in item
            .entry
            .iter()
            .flat_map(|entry| entry.key_parts.needs.values())
        {
            if let Some(&ancestor) = by_key.get(key)
                && kept.insert(key.clone())
            {
                open.push(ancestor);
            }
        }
    }
    kept
}
