//! The store: look up, set aside, publish.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::plan::{Key, KeyParts};

use super::atomic;
use super::claim::{Claim, Claimant};
use super::entry::{Entry, StoredEntry, host};
use super::error::StoreError;
use super::layout::{ENTRY_FILE, PARTIAL, STORE_FORMAT, StoreLayout};
use super::mended::Mended;
use super::private::PrivateFolder;
use super::work::WorkFolder;

/// What backup programs look for, as <https://bford.info/cachedir/> has it.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Finished tasks of latentfield. Whatever is missing here is computed again.\n";

/// Longest text of a format file that is worth reading.
const FORMAT_FILE_LENGTH: usize = 20;

/// Longest format file that is read at all.
const FORMAT_FILE_LIMIT: u64 = 1 << 20;

/// Longest `entry.json` that is read. That of a table of 100,000 rows has some 40 MB.
const ENTRY_LIMIT: u64 = 256 << 20;

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
    pub(crate) threads: usize,
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
    mended: Mutex<Vec<Mended>>,
    /// Gives signs of life as long as the store is open, so that nobody collects what it uses.
    claimant: Claimant,
    /// Held by who has the store alone.
    alone: Option<Claim>,
}

impl Store {
    /// Opens the store in the folder `path`, and makes it if there is none.
    ///
    /// What processes that died have left behind is removed: private folders, and
    /// checkpoints of tasks that are published. [`Store::take_mended`] tells it.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Newer`] if a newer program has used it.
    /// - [`StoreError::FormatFile`] if its format cannot be read.
    /// - [`StoreError::Io`] if the folder cannot be used.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let store = Self::join(path)?;
        store.put_in_order()?;
        Ok(store)
    }

    /// As [`Store::open`], and leaves what processes that died have left: one of many
    /// processes that each do little would else look at what all others do.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`].
    pub fn join(path: &Path) -> Result<Self, StoreError> {
        let store = Self::begin(path)?;
        // Whoever collects looks for signs of life after it has made its claim.
        let collecting = store.layout.collecting_claim();
        store.claimant.wait_while_held(&collecting);
        Ok(store)
    }

    /// As [`Store::open`], with nobody else using the store, and nobody beginning to.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`], and [`StoreError::Busy`] if a process uses it.
    pub fn open_alone(path: &Path) -> Result<Self, StoreError> {
        let mut store = Self::begin(path)?;
        let busy = |holders: Vec<String>| StoreError::Busy {
            path: path.to_owned(),
            holders: holders.join(", "),
        };
        let claim = store.claimant.try_take(&store.layout.collecting_claim())?;
        let others = store.claimant.others()?;
        if claim.is_none() && others.is_empty() {
            return Err(busy(vec!["a process that collects".to_owned()]));
        }
        if !others.is_empty() {
            return Err(busy(others));
        }
        store.alone = claim;
        store.put_in_order()?;
        Ok(store)
    }

    /// Opens the store in the folder `path` to look at it. Nothing is made, removed or
    /// claimed; a folder that is not there is an empty store.
    ///
    /// # Errors
    ///
    /// Those of [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let layout = StoreLayout::new(path);
        read_format(&layout)?;
        let claimant = Claimant::unseen(&layout.owner_area());
        Ok(Self::of(layout, claimant))
    }

    /// Makes the folders, and begins to give signs of life.
    fn begin(path: &Path) -> Result<Self, StoreError> {
        let layout = StoreLayout::new(path);
        atomic::create_folder(layout.root())?;
        read_format(&layout)?;
        // In a store from before there was the list, it would lack the entries that are there.
        if !layout.versioned().exists() {
            atomic::create_folder(&layout.warned_area())?;
        }
        for area in layout.areas() {
            atomic::create_folder(&area)?;
        }
        let claimant = Claimant::begin(&layout.owner_area())?;
        Ok(Self::of(layout, claimant))
    }

    fn of(layout: StoreLayout, claimant: Claimant) -> Self {
        Self {
            claimant,
            alone: None,
            layout,
            lookups: Mutex::default(),
            mended: Mutex::default(),
        }
    }

    fn put_in_order(&self) -> Result<(), StoreError> {
        self.mark()?;
        // Whatever cannot be removed is no reason not to work.
        if let Err(error) = self.remove_leftovers() {
            let what = format!("leftovers could not be removed: {error}");
            self.mend(self.path(), what);
        }
        Ok(())
    }

    /// What was put right since this was asked last.
    #[must_use]
    pub fn take_mended(&self) -> Vec<Mended> {
        let mut mended = self.mended.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *mended)
    }

    fn mend(&self, path: &Path, what: impl Into<String>) {
        let mut mended = self.mended.lock().unwrap_or_else(PoisonError::into_inner);
        mended.push(Mended::new(path, what));
    }

    /// Whether it was opened to look at alone.
    #[must_use]
    pub fn is_only_read(&self) -> bool {
        self.claimant.is_unseen()
    }

    pub(super) fn layout(&self) -> &StoreLayout {
        &self.layout
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

    /// As [`Store::look_again`], for who has just claimed the task: what another machine
    /// published before it gave the claim back is found, whatever this one remembers.
    pub(crate) fn look_afresh(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        let found = self.look_again(stage, key)?;
        let folder = self.layout.entry(stage, key);
        if matches!(found, Lookup::Missing) && atomic::is_taken_after_all(&folder)? {
            return self.look_again(stage, key);
        }
        Ok(found)
    }

    fn verify(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        match self.examine(stage, key) {
            Err(error) if error.tells_of_damage() => Ok(Lookup::Damaged(error.in_short())),
            found => found,
        }
    }

    fn examine(&self, stage: &str, key: &Key) -> Result<Lookup, StoreError> {
        let folder = self.layout.entry(stage, key);
        if atomic::names(&folder)?.is_empty() {
            return Ok(Lookup::Missing);
        }
        let Some(bytes) = atomic::read_at_most(&folder.join(ENTRY_FILE), ENTRY_LIMIT)? else {
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
        Ok(match stored.problem()? {
            Some(problem) => Lookup::Damaged(problem),
            None => Lookup::Present(stored),
        })
    }

    /// Keys of all entries that have warnings, and perhaps of some that are gone;
    /// `None` if the store keeps no list of them.
    pub(crate) fn warned(&self) -> Option<HashSet<Key>> {
        let area = self.layout.warned_area();
        let names = area.is_dir().then(|| atomic::names(&area).ok())??;
        Some(names.iter().filter_map(|name| Key::parse(name)).collect())
    }

    /// Keys for which there is a folder of `stage`, whatever is in it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder of the stage cannot be listed.
    pub(crate) fn listed(&self, stage: &str) -> Result<HashSet<Key>, StoreError> {
        let names = atomic::names(&self.layout.stage(stage))?;
        Ok(names.iter().filter_map(|name| Key::parse(name)).collect())
    }

    /// What the entry of a task says of itself, without a look at its files;
    /// `None` if there is none that can be read.
    pub(crate) fn glance(&self, stage: &str, key: &Key) -> Option<Entry> {
        let path = self.layout.entry(stage, key).join(ENTRY_FILE);
        let bytes = atomic::read_at_most(&path, ENTRY_LIMIT).ok()??;
        Entry::from_bytes(&bytes).ok()
    }

    /// What all entries of `stage` say of themselves; those that cannot be read are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder of the stage cannot be listed.
    pub fn entries(&self, stage: &str) -> Result<Vec<Entry>, StoreError> {
        self.some_entries(stage, usize::MAX)
    }

    /// As [`Store::entries`], of the first `most` keys by name.
    pub(crate) fn some_entries(&self, stage: &str, most: usize) -> Result<Vec<Entry>, StoreError> {
        let names = atomic::names(&self.layout.stage(stage))?;
        let keys: Vec<Key> = names.iter().filter_map(|name| Key::parse(name)).collect();
        let read = keys.par_iter().take(most);
        Ok(read.filter_map(|key| self.glance(stage, key)).collect())
    }

    /// Moves a damaged entry out of the way; nothing happens if there is none.
    ///
    /// What is wrong with it is `problem`, in words.
    pub(crate) fn set_aside(
        &self,
        stage: &str,
        key: &Key,
        problem: &str,
    ) -> Result<(), StoreError> {
        let folder = self.layout.entry(stage, key);
        if atomic::is_there(&folder) {
            let target = self.layout.damaged(stage, key, &free_name());
            atomic::rename(&folder, &target)?;
            let what = format!("damaged entry of `{stage}` set aside ({problem})");
            self.mend(&target, what);
        }
        self.memory().insert(key.clone(), Lookup::Missing);
        Ok(())
    }

    /// Claims the task `key`, or `None` if another worker has it.
    pub(crate) fn claim(&self, key: &Key) -> Result<Option<Claim>, StoreError> {
        let path = self.layout.claim(key);
        match self.claimant.try_take(&path) {
            // Nobody can make a claim of what is no link.
            Err(_) if path.is_dir() || path.is_file() => {
                let target = self.layout.damaged("claim", key, &free_name());
                atomic::rename(&path, &target)?;
                self.mend(&target, "something else in the place of a claim set aside");
                self.claimant.try_take(&path)
            }
            taken => taken,
        }
    }

    /// Makes the claim at `path`, or gives `None` if another process has it.
    pub(crate) fn try_for(&self, path: &Path) -> Result<Option<Claim>, StoreError> {
        self.claimant.try_take(path)
    }

    /// Makes the claim at `path`, and waits while another process has it.
    pub(crate) fn wait_for(&self, path: &Path) -> Result<Claim, StoreError> {
        self.claimant.take(path)
    }

    /// Whether somebody works on the task `key`.
    pub(super) fn is_claimed(&self, key: &Key) -> bool {
        self.claimant.is_held(&self.layout.claim(key))
    }

    /// A new private folder for the outputs of the task `key`.
    pub(crate) fn private_folder(&self, key: &Key) -> Result<PrivateFolder, StoreError> {
        PrivateFolder::create(self.layout.private(key, &free_name()))
    }

    /// The folder for the checkpoints of the task `key`.
    pub(crate) fn work_folder(&self, key: &Key) -> WorkFolder {
        WorkFolder::new(self.layout.work(key))
    }

    /// BLAKE3 over the checkpoints of tasks; it changes when one of them gets further. What
    /// cannot be read counts as absent.
    #[must_use]
    pub fn checkpoints<'k>(&self, keys: impl IntoIterator<Item = &'k Key>) -> String {
        let mut hasher = blake3::Hasher::new();
        for key in keys {
            let folder = self.layout.work(key);
            for name in atomic::names(&folder).unwrap_or_default() {
                let digest = atomic::digest(&folder.join(&name)).ok().flatten();
                hasher.update(format!("{key} {name} {digest:?}").as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
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
        if !entry.warnings.is_empty() && self.layout.warned_area().is_dir() {
            atomic::mark(&self.layout.warned(&key))?;
        }
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
                Lookup::Damaged(problem) => self.set_aside(&stage, &key, &problem)?,
                Lookup::Missing => self.set_aside(&stage, &key, "it holds nothing")?,
            }
        }
        let stored = StoredEntry {
            folder: place,
            entry: Arc::new(entry),
        };
        self.memory().insert(key, Lookup::Present(stored));
        Ok(publication)
    }

    /// Marks a new or older store as one of this format, and removes what a
    /// process that died while it did so has left.
    fn mark(&self) -> Result<(), StoreError> {
        let half = |name: &String| name.ends_with(PARTIAL);
        let is_marked = read_format(&self.layout)? == STORE_FORMAT;
        let folders = [self.layout.root().to_owned(), self.layout.root_area()];
        let mut halves = Vec::new();
        for folder in folders {
            match atomic::names(&folder) {
                Ok(names) if names.iter().any(half) => halves.push(folder),
                Ok(_) => {}
                Err(error) => {
                    self.mend(&folder, format!("leftovers could not be removed: {error}"));
                }
            }
        }
        if is_marked && halves.is_empty() {
            return Ok(());
        }
        // Who writes there holds this claim: what is half-written now is nobody's.
        let _claim = self.wait_for(&self.layout.store_claim())?;
        for folder in halves {
            self.remove_half_written(&folder);
        }
        if read_format(&self.layout)? < STORE_FORMAT {
            atomic::replace(&self.layout.cache_tag(), CACHE_TAG.as_bytes())?;
            let format = format!("{STORE_FORMAT}\n");
            atomic::replace(&self.layout.format_file(), format.as_bytes())?;
        }
        Ok(())
    }

    /// Removes half-written files; whatever cannot be removed is no reason not to work.
    fn remove_half_written(&self, folder: &Path) {
        match atomic::remove_partial_files(folder) {
            Ok(removed) => {
                for path in removed {
                    self.mend(&path, "half-written file of a process that died removed");
                }
            }
            Err(error) => self.mend(folder, format!("leftovers could not be removed: {error}")),
        }
    }

    /// Removes the claims and signs of life of processes that have ended, and the private
    /// folders of tasks on which nobody works.
    fn remove_leftovers(&self) -> Result<(), StoreError> {
        self.claimant.sweep(&self.layout.claim_area())?;
        let area = self.layout.private_area();
        for name in atomic::names(&area)? {
            let Some(key) = StoreLayout::key_of_private(&name) else {
                continue;
            };
            if let Some(_claim) = self.claim(&key)? {
                let folder = area.join(&name);
                atomic::remove_folder(&folder)?;
                self.mend(&folder, "unfinished outputs of a process that died removed");
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
                let folder = self.layout.work(&key);
                self.mend(&folder, "checkpoints of a finished task removed");
            }
        }
        Ok(())
    }

    /// Forgets what was found for a key.
    pub(super) fn forget(&self, key: &Key) {
        self.memory().remove(key);
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
        threads: u32::try_from(record.threads).ok(),
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

/// The format of a store; 0 if there is none yet. A newer one is refused.
fn read_format(layout: &StoreLayout) -> Result<u32, StoreError> {
    let path = layout.format_file();
    let Some(bytes) = atomic::read_at_most(&path, FORMAT_FILE_LIMIT)? else {
        return Ok(0);
    };
    // An emptied file in a folder that is a store says nothing of its format.
    if bytes.is_empty() && layout.cache_tag().exists() {
        return Ok(0);
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(FORMAT_FILE_LENGTH)]);
    let text = text.trim().to_owned();
    let Ok(found) = text.parse() else {
        return Err(StoreError::FormatFile { path, found: text });
    };
    if found > STORE_FORMAT {
        return Err(StoreError::Newer {
            path: layout.root().to_owned(),
            found,
            expected: STORE_FORMAT,
        });
    }
    Ok(found)
}
