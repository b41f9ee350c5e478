//! Roots: which entries the results folders need, as their runs recorded it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{Key, Plan};

use super::atomic;
use super::error::StoreError;
use super::store::Store;

/// Version of the file of a root.
const ROOT_FORMAT: u32 = 1;

/// Digits of the folder's digest in the name of a root's file.
const FOLDER_DIGITS: usize = 12;

/// The entries that a results folder was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    format: u32,
    /// Name of the experiment.
    pub experiment: String,
    /// The results folder, as a path from the root of the file system.
    pub results: PathBuf,
    /// Whether all tasks are known to have been made.
    pub complete: bool,
    /// Keys of all tasks of the plan, by stage, sorted.
    tasks: BTreeMap<String, Vec<Key>>,
}

impl Root {
    /// What the results folder `results` needs if it is made by `plan`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder cannot be found.
    pub(crate) fn of(plan: &Plan, results: &Path) -> Result<Self, StoreError> {
        let folder = results.canonicalize();
        let folder = folder.map_err(StoreError::io("find", results))?;
        let mut tasks: BTreeMap<String, Vec<Key>> = BTreeMap::new();
        for task in &plan.tasks {
            match tasks.get_mut(&task.stage) {
                Some(keys) => keys.push(task.key.clone()),
                None => {
                    tasks.insert(task.stage.clone(), vec![task.key.clone()]);
                }
            }
        }
        for keys in tasks.values_mut() {
            keys.sort_unstable();
        }
        let name = folder.file_name().unwrap_or_default();
        Ok(Self {
            format: ROOT_FORMAT,
            experiment: name.to_string_lossy().into_owned(),
            results: folder,
            complete: true,
            tasks,
        })
    }

    /// Keys of all tasks.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.tasks.values().flatten()
    }

    /// Whether the results folder is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.results.is_dir()
    }

    /// Name of the file: folders of one name in two places are two roots.
    fn name(&self) -> String {
        let digest = blake3::hash(self.results.as_os_str().as_encoded_bytes()).to_hex();
        format!("{}-{}", self.experiment, &digest.as_str()[..FOLDER_DIGITS])
    }

    fn to_bytes(&self) -> Vec<u8> {
        // A struct of texts and maps with text keys always has a JSON form.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Adds what `earlier` needs; then not all is known to have been made.
    fn with(mut self, earlier: Self) -> Self {
        self.complete = false;
        for (stage, keys) in earlier.tasks {
            let all = self.tasks.entry(stage).or_default();
            all.extend(keys);
            all.sort_unstable();
            all.dedup();
        }
        self
    }
}

impl Store {
    /// Records what a run is about to need, beside what its results folder needed before,
    /// so that neither is collected.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the record cannot be written.
    pub(crate) fn begin_root(&self, root: &Root) -> Result<(), StoreError> {
        if self.is_only_read() {
            return Ok(());
        }
        let path = self.layout().root_file(&root.name());
        let found = atomic::read_if_there(&path)?.unwrap_or_default();
        if found == root.to_bytes() {
            return Ok(());
        }
        let _claim = self.wait_for(&self.layout().store_claim())?;
        // A record that cannot be read says nothing; it is replaced.
        let earlier: Option<Root> = serde_json::from_slice(&found).ok();
        let both = match earlier {
            Some(earlier) => root.clone().with(earlier),
            None => Root {
                complete: false,
                ..root.clone()
            },
        };
        replace_if_other(&path, &found, &both)
    }

    /// Records that a results folder is made, of `root` alone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the record cannot be written.
    pub(crate) fn complete_root(&self, root: &Root) -> Result<(), StoreError> {
        if self.is_only_read() {
            return Ok(());
        }
        let path = self.layout().root_file(&root.name());
        let found = atomic::read_if_there(&path)?.unwrap_or_default();
        let _claim = self.wait_for(&self.layout().store_claim())?;
        replace_if_other(&path, &found, root)
    }

    /// The records of all results folders, by name; files that are none are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if they cannot be listed or read.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        let mut roots = Vec::new();
        for (_, root) in self.root_files()? {
            roots.extend(root);
        }
        Ok(roots)
    }

    /// Each file among the roots, with what it holds; `None` if that is not a root.
    pub(super) fn root_files(&self) -> Result<Vec<(PathBuf, Option<Root>)>, StoreError> {
        let area = self.layout().root_area();
        let mut found = Vec::new();
        for name in atomic::names(&area)? {
            let path = area.join(name);
            let bytes = atomic::read_if_there(&path)?.unwrap_or_default();
            let root: Option<Root> = serde_json::from_slice(&bytes).ok();
            found.push((path, root.filter(|root| root.format == ROOT_FORMAT)));
        }
        Ok(found)
    }

    /// What became of an entry that is no longer there, as far as the record says.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the records cannot be read.
    pub fn departures(&self) -> Result<Departures, StoreError> {
        let mut set_aside = HashSet::new();
        for name in atomic::names(&self.layout().damaged_area())? {
            let found = super::layout::StoreLayout::set_aside_as(&name);
            set_aside.extend(found.map(|(_, key)| key));
        }
        let text = atomic::read_if_there(&self.layout().collected())?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        // A torn line says nothing.
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let collected = lines.map(|line: Collected| line.key).collect();
        let mut made = HashSet::new();
        for root in self.roots()?.iter().filter(|root| root.complete) {
            made.extend(root.keys().cloned());
        }
        Ok(Departures {
            set_aside,
            collected,
            made,
        })
    }
}

fn replace_if_other(path: &Path, found: &[u8], root: &Root) -> Result<(), StoreError> {
    let bytes = root.to_bytes();
    if bytes == found {
        return Ok(());
    }
    path.parent().map_or(Ok(()), atomic::create_folder)?;
    atomic::replace(path, &bytes)
}

/// A line of the record of what was collected.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Collected {
    pub(super) key: Key,
    pub(super) stage: String,
    pub(super) label: String,
    pub(super) bytes: u64,
    pub(super) time_unix: f64,
}

/// Entries that were there once.
#[derive(Debug, Clone, Default)]
pub struct Departures {
    set_aside: HashSet<Key>,
    collected: HashSet<Key>,
    made: HashSet<Key>,
}

impl Departures {
    /// What became of the entry `key`, in words; `None` if it is not known to have been there.
    #[must_use]
    pub fn of(&self, key: &Key) -> Option<&'static str> {
        if self.set_aside.contains(key) {
            Some("it was damaged and set aside")
        } else if self.collected.contains(key) {
            Some("it was removed by `cache gc`")
        } else if self.made.contains(key) {
            Some("it was there and is gone")
        } else {
            None
        }
    }
}
