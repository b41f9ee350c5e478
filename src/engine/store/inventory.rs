//! What is in a store: entries, and all else that lies there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::plan::Key;

use super::atomic;
use super::entry::Entry;
use super::error::StoreError;
use super::layout::StoreLayout;
use super::store::Store;

/// An entry as it is listed; its files were not looked into.
#[derive(Debug, Clone)]
pub struct Item {
    /// Stage, after its folder.
    pub stage: String,
    /// Key, after its folder.
    pub key: Key,
    /// Bytes on the disk.
    pub bytes: u64,
    /// What it says of itself; `None` if that cannot be read.
    pub entry: Option<Arc<Entry>>,
}

impl Item {
    /// Name of the task that made it, or its key if that cannot be read.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.entry {
            Some(entry) => entry.label.clone(),
            None => format!("{} {}", self.stage, self.key.short()),
        }
    }
}

/// Something in a store that is no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub path: PathBuf,
    /// Bytes on the disk.
    pub bytes: u64,
    /// The task it belongs to, if it names one.
    pub key: Option<Key>,
    /// Whether a process works on that task now.
    pub held: bool,
}

/// All that lies in a store.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The entries, by stage and key.
    pub items: Vec<Item>,
    /// Entries that were set aside as damaged.
    pub damaged: Vec<Part>,
    /// Checkpoints of tasks that are not finished.
    pub checkpoints: Vec<Part>,
    /// Folders of tasks on their way into the store.
    pub private: Vec<Part>,
    /// Folders of which programs of an earlier version made use.
    pub outdated: Vec<Part>,
    /// What does not belong there.
    pub strangers: Vec<PathBuf>,
}

impl Store {
    /// Lists the store, without a look into the files of its entries.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a folder cannot be listed.
    pub fn inventory(&self) -> Result<Inventory, StoreError> {
        let layout = self.layout();
        let mut inventory = Inventory {
            damaged: self.parts(&layout.damaged_area(), |name| {
                StoreLayout::set_aside_as(name).map(|(_, key)| key)
            })?,
            checkpoints: self.parts(&layout.work_area(), Key::parse)?,
            private: self.parts(&layout.private_area(), StoreLayout::key_of_private)?,
            ..Inventory::default()
        };
        let mut known = layout.areas().to_vec();
        known.extend([layout.collected(), layout.warned_area()]);
        for name in atomic::names(&layout.versioned())? {
            let path = layout.versioned().join(&name);
            if known.contains(&path) {
                continue;
            }
            if path == layout.old_lock_area() {
                inventory.outdated.push(Part {
                    bytes: atomic::size(&path)?,
                    path,
                    key: None,
                    held: false,
                });
                continue;
            }
            if name.starts_with('_') || !path.is_dir() {
                inventory.strangers.push(path);
            } else {
                self.add_stage(&name, &mut inventory)?;
            }
        }
        Ok(inventory)
    }

    fn add_stage(&self, stage: &str, inventory: &mut Inventory) -> Result<(), StoreError> {
        let folder = self.layout().stage(stage);
        let mut keys = Vec::new();
        for name in atomic::names(&folder)? {
            match Key::parse(&name) {
                Some(key) => keys.push(key),
                None => inventory.strangers.push(folder.join(name)),
            }
        }
        let item = |key: Key| {
            Ok(Item {
                bytes: atomic::size(&self.layout().entry(stage, &key))?,
                entry: self.glance(stage, &key).map(Arc::new),
                stage: stage.to_owned(),
                key,
            })
        };
        let items: Result<Vec<Item>, StoreError> = keys.into_par_iter().map(item).collect();
        inventory.items.extend(items?);
        Ok(())
    }

    /// What lies in an area, with the key that `key_of` reads from a name.
    fn parts(
        &self,
        area: &Path,
        key_of: impl Fn(&str) -> Option<Key>,
    ) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for name in atomic::names(area)? {
            let key = key_of(&name);
            let path = area.join(name);
            parts.push(Part {
                bytes: atomic::size(&path)?,
                held: key.as_ref().is_some_and(|key| self.is_claimed(key)),
                key,
                path,
            });
        }
        Ok(parts)
    }
}
