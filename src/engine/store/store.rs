//! The store: look up, set aside, publish.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plan::{Key, KeyParts};

use super::atomic;
use super::claim::Claim;
use super::entry::{Entry, StoredEntry, host};
use super::error::StoreError;
use super::layout::{ENTRY_FILE, PARTIAL, STORE_FORMAT, StoreLayout};
use super::private::PrivateFolder;
use super::work::WorkFolder;

/// What backup programs look for, as <https://bford.info/cachedir/> has it.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Finished tasks of latentfield. Whatever is missing here is computed again.\n";

/// Longest text of a format file that is worth reading.
const FORMAT_FILE_LENGTH: usize = 20;

/// What the store has for a task.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// Nothing.
    Missing,
    /// An entry whose every file fits its digest.
    Present(StoredEntry),
    /// Something that cannot be used, with the reason in words.
    Damaged(String),
}

/// What a task has to say of itself when it is published.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    pub(crate) key: &'a Key,
    pub(crate) key_parts: &'a KeyParts,
    pub(crate) label: &'a str,
    pub(crate) warnings: Vec<String>,
    pub(crate) started_unix: f64,
    pub(crate) finished_unix: f64,
    pub(crate) seconds: f64,
}

/// What became of a task's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Publication {
    /// They are the entry now.
    New,
    /// An equal entry was there and stays.
    Same,
    /// Another entry was there. These files of it were different.
    Differed(Vec<String>),
}

/// Finished tasks by stage and key, shared by many experiments and processes.
#[derive(Debug)]
pub struct Store {
    layout: StoreLayout,
    lookups: Mutex<HashMap<Key, Lookup>>,
}

impl Store {
    /// Opens the store in the folder `path`, and makes it if there is none.
    ///
    /// What processes that died have left behind is removed: private folders, and
    /// checkpoints of tasks that are published.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Newer`] if a newer program has used it.
    /// - [`StoreError::FormatFile`] if its format cannot be read.
    /// - [`StoreError::Io`] if the folder cannot be used.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let layout = StoreLayout::new(path);
        atomic::create_folder(layout.root())?;
        check_format(&layout)?;
        remove_half_written(&layout)?;
        for area in layout.areas() {
            atomic::create_folder(&area)?;
        }
        let store = Self {
            layout,
            lookups: Mutex::default(),
        };
        store.remove_leftovers()?;
        Ok(store)
    }

    /// The folder of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.layout.root()
    }

    /// What the store has for the task `key` of `stage`.
    ///
    /// An entry is verified in full when it is asked for first; later calls
    /// give the same answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read.
    pub fn lookup(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        if let Some(known) = self.memory().get(key) {
            return Ok(known.clone());
        }
        self.look_again(stage, key)
    }

    /// As [`Store::lookup`], whatever was found before.
    pub(crate) fn look_again(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        let found = self.verify(stage, key)?;
        self.memory().insert(key.clone(), found.clone());
        Ok(found)
    }

    fn verify(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        let folder = self.layout.entry(stage, key);
        if atomic::names(&folder)?.is_empty() {
            return Ok(Lookup::Missing);
        }
        let Some(bytes) = atomic::read_if_there(&folder.join(ENTRY_FILE))? else {
            return Ok(Lookup::Damaged(format!("`{ENTRY_FILE}` is missing")));
        };
        let entry = match Entry::from_bytes(&bytes) {
            Ok(entry) => Arc::new(entry),
            Err(problem) => return Ok(Lookup::Damaged(problem)),
        };
        if entry.key != *key || entry.key_parts.key() != *key {
            let problem = format!("`{ENTRY_FILE}` is that of task {}", entry.key);
            return Ok(Lookup::Damaged(problem));
        }
        let stored = StoredEntry { folder, entry };
        // A file that cannot be read is as bad as one that holds something else.
        Ok(match stored.problem() {
            Err(error) => Lookup::Damaged(error.to_string()),
            Ok(Some(problem)) => Lookup::Damaged(problem),
            Ok(None) => Lookup::Present(stored),
        })
    }

    /// What the entry of a task says of itself, without a look at its files;
    /// `None` if there is none that can be read.
    pub(crate) fn glance(&self, stage: &str, key: &Key) -> Option<Entry> {
        let path = self.layout.entry(stage, key).join(ENTRY_FILE);
        let bytes = atomic::read_if_there(&path).ok()??;
        Entry::from_bytes(&bytes).ok()
    }

    /// What all entries of `stage` say of themselves; those that cannot be read are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder of the stage cannot be listed.
    pub fn entries(&self, stage: &str) -> Result<Vec<Entry>, StoreError> {
        let names = atomic::names(&self.layout.stage(stage))?;
        let keys = names.iter().filter_map(|name| Key::parse(name));
        Ok(keys.filter_map(|key| self.glance(stage, &key)).collect())
    }

    /// Moves a damaged entry out of the way; nothing happens if there is none.
    pub(crate) fn set_aside(&self, stage: &str, key: &Key) -> Result<(), StoreError> {
        let folder = self.layout.entry(stage, key);
        if !atomic::names(&folder)?.is_empty() {
            let target = self.layout.damaged(stage, key, &free_name());
            atomic::rename(&folder, &target)?;
        }
        self.memory().insert(key.clone(), Lookup::Missing);
        Ok(())
    }

    /// Claims the task `key`, or `None` if another worker has it.
    pub(crate) fn claim(&self, key: &Key) -> Result<Option<Claim>, StoreError> {
        Claim::try_take(&self.layout.lock(key))
    }

    /// A new private folder for the outputs of the task `key`.
    pub(crate) fn private_folder(&self, key: &Key) -> Result<PrivateFolder, StoreError> {
        PrivateFolder::create(self.layout.private(key, &free_name()))
    }

    /// The folder for the checkpoints of the task `key`.
    pub(crate) fn work_folder(&self, key: &Key) -> WorkFolder {
        WorkFolder::new(self.layout.work(key))
    }

    /// Makes what is in `private` the entry of its task.
    ///
    /// If there is an entry with equal files it stays. If its files differ it
    /// is replaced, and the names of those files are returned.
    pub(crate) fn publish(
        &self,
        private: &PrivateFolder,
        record: Record<'_>,
    ) -> Result<Publication, StoreError> {
        let (stage, key) = (record.key_parts.stage.clone(), record.key.clone());
        let entry = seal(private, record);
        atomic::write_new(&private.path().join(ENTRY_FILE), &entry.to_bytes())?;
        atomic::sync_folder(private.path())?;
        let place = self.layout.entry(&stage, &key);
        atomic::create_folder(&self.layout.stage(&stage))?;
        let mut publication = Publication::New;
        while !atomic::rename_if_free(private.path(), &place)? {
            match self.look_again(&stage, &key)? {
                Lookup::Present(there) if there.entry.files == entry.files => {
                    return Ok(Publication::Same);
                }
                Lookup::Present(there) => {
                    publication = Publication::Differed(different(&there.entry, &entry));
                    // A private folder, so that it is cleaned up if we die here.
                    let old = PrivateFolder::create(self.layout.private(&key, &free_name()))?;
                    atomic::rename(&place, old.path())?;
                }
                Lookup::Damaged(_) | Lookup::Missing => self.set_aside(&stage, &key)?,
            }
        }
        let stored = StoredEntry {
            folder: place,
            entry: Arc::new(entry),
        };
        self.memory().insert(key, Lookup::Present(stored));
        Ok(publication)
    }

    /// Removes the private folders of tasks on which nobody works.
    fn remove_leftovers(&self) -> Result<(), StoreError> {
        let area = self.layout.private_area();
        for name in atomic::names(&area)? {
            let Some(key) = StoreLayout::key_of_private(&name) else {
                continue;
            };
            if let Some(_claim) = self.claim(&key)? {
                atomic::remove_folder(&area.join(&name))?;
            }
        }
        self.remove_spent_checkpoints()
    }

    /// Removes the checkpoints of tasks that were published by a process that
    /// died before it could.
    fn remove_spent_checkpoints(&self) -> Result<(), StoreError> {
        let folders = atomic::names(&self.layout.versioned())?;
        for name in atomic::names(&self.layout.work_area())? {
            let Some(key) = Key::parse(&name) else {
                continue;
            };
            let published = folders
                .iter()
                .any(|stage| self.layout.entry(stage, &key).join(ENTRY_FILE).exists());
            if published && let Some(_claim) = self.claim(&key)? {
                self.work_folder(&key).clear()?;
            }
        }
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<Key, Lookup>> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that no earlier process has left behind either.
fn free_name() -> String {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("{}-{nanos}", atomic::unique())
}

fn seal(private: &PrivateFolder, record: Record<'_>) -> Entry {
    Entry {
        format: STORE_FORMAT,
        key: record.key.clone(),
        key_parts: record.key_parts.clone(),
        files: private.files(),
        label: record.label.to_owned(),
        warnings: record.warnings,
        host: host(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_unix: record.started_unix,
        finished_unix: record.finished_unix,
        seconds: record.seconds,
        digest: String::new(),
    }
}

/// Names of the files in which two entries differ.
fn different(there: &Entry, new: &Entry) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> =
        there.files.keys().chain(new.files.keys()).collect();
    names
        .into_iter()
        .filter(|name| there.files.get(*name) != new.files.get(*name))
        .cloned()
        .collect()
}

/// Removes what a process left in the store's own folder that was killed as it marked
/// the store as ours. One that still writes has the lock.
fn remove_half_written(layout: &StoreLayout) -> Result<(), StoreError> {
    if atomic::names(layout.root())?
        .iter()
        .any(|name| name.ends_with(PARTIAL))
    {
        let _claim = Claim::take(&layout.own_lock())?;
        atomic::remove_partial_files(layout.root())?;
    }
    Ok(())
}

/// Refuses a store of a newer format, and marks a new or older one as ours.
fn check_format(layout: &StoreLayout) -> Result<(), StoreError> {
    let path = layout.format_file();
    let found = match atomic::read_if_there(&path)? {
        None => 0,
        Some(bytes) => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(FORMAT_FILE_LENGTH)]);
            let found = text.trim().to_owned();
            found.parse::<u32>().map_err(|_| StoreError::FormatFile {
                path: path.clone(),
                found,
            })?
        }
    };
    if found > STORE_FORMAT {
        return Err(StoreError::Newer {
            path: layout.root().to_owned(),
            found,
            expected: STORE_FORMAT,
        });
    }
    if found < STORE_FORMAT {
        let _claim = Claim::take(&layout.own_lock())?;
        atomic::replace(&layout.cache_tag(), CACHE_TAG.as_bytes())?;
        atomic::replace(&path, format!("{STORE_FORMAT}\n").as_bytes())?;
    }
    Ok(())
}
