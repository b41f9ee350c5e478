//! Entries: what a finished task left, described by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::{Key, KeyParts, canonical_json};

use super::atomic;
use super::error::StoreError;
use super::layout::ENTRY_FILE;

/// Size and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 digest, as 64 hexadecimal digits.
    pub blake3: String,
}

impl FileRecord {
    /// The record of a file that holds `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
        }
    }

    /// What is wrong with the file at `path`; `None` if nothing. One of another
    /// length is not read: it may be of any length.
    pub(crate) fn problem_at(&self, path: &Path) -> Result<Option<String>, StoreError> {
        let missing = || Some("it is missing".to_owned());
        match atomic::length(path)? {
            None => return Ok(missing()),
            Some(bytes) if bytes != self.bytes => return Ok(self.problem(bytes, "")),
            Some(_) => {}
        }
        let found = atomic::digest(path)?;
        Ok(found.map_or_else(missing, |(bytes, digest)| self.problem(bytes, &digest)))
    }

    /// What is wrong with a file of this size and digest; `None` if nothing.
    fn problem(&self, bytes: u64, digest: &str) -> Option<String> {
        if bytes != self.bytes {
            Some(format!("found {bytes} bytes, expected {}", self.bytes))
        } else if digest != self.blake3 {
            let expected = &self.blake3;
            Some(format!("found digest {digest}, expected {expected}"))
        } else {
            None
        }
    }
}

/// Name of this machine, or `unknown`.
pub(crate) fn host() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match text.trim() {
        "" => "unknown".to_owned(),
        name => name.to_owned(),
    }
}

/// What an entry says of itself, in its `entry.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Format of the store.
    pub format: u32,
    /// Key of the task.
    pub key: Key,
    /// What the key was made from.
    pub key_parts: KeyParts,
    /// The files, by name.
    pub files: BTreeMap<String, FileRecord>,
    /// Name of the task in the run that made it.
    pub label: String,
    /// Warnings of the stage.
    pub warnings: Vec<String>,
    /// Machine that made it.
    pub host: String,
    /// Version of the program that made it.
    pub program_version: String,
    /// When the task started, in seconds since 1970.
    pub started_unix: f64,
    /// When it ended, in seconds since 1970.
    pub finished_unix: f64,
    /// Wall-clock time it took, in seconds.
    pub seconds: f64,
    /// Threads that it was given; not known of entries that were made before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// BLAKE3 over the canonical JSON of all other fields, so that damage to
    /// this file is noticed as well.
    #[serde(default)]
    pub digest: String,
}

impl Entry {
    /// The file that holds the entry: JSON with the digest filled in.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (mut value, digest) = self.unsealed();
        value["digest"] = digest.into();
        format!("{value:#}\n").into_bytes()
    }

    /// Reads the file of an entry.
    ///
    /// # Errors
    ///
    /// In words, if it is not an entry or not what was once written.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let entry: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("`{ENTRY_FILE}` is not an entry: {error}"))?;
        if entry.digest != entry.unsealed().1 {
            return Err(format!("`{ENTRY_FILE}` does not fit its own digest"));
        }
        Ok(entry)
    }

    /// Time that it took, in seconds on one core; where the threads are not known, one is meant.
    #[must_use]
    pub fn core_seconds(&self) -> f64 {
        self.seconds * f64::from(self.threads.unwrap_or(1))
    }

    /// The entry as JSON without its digest, and the digest of that.
    fn unsealed(&self) -> (Value, String) {
        // A struct of strings, numbers and maps with text keys always has a JSON form.
        let mut value = json!(self);
        value["digest"] = Value::from("");
        let text = canonical_json(&value);
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        (value, digest)
    }
}

/// An entry and the folder it lies in.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// Folder of the entry.
    pub folder: PathBuf,
    /// What it says of itself.
    pub entry: Arc<Entry>,
}

impl StoredEntry {
    /// Reads `file` and checks it against its digest.
    ///
    /// # Errors
    ///
    /// - [`StoreError::NoSuchFile`] if the entry has no such file.
    /// - [`StoreError::Damaged`] if it is not what was once written.
    /// - [`StoreError::Io`] if it cannot be read.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, StoreError> {
        let Some(record) = self.entry.files.get(file) else {
            let known: Vec<&str> = self.entry.files.keys().map(String::as_str).collect();
            return Err(StoreError::NoSuchFile {
                entry: self.folder.clone(),
                file: file.to_owned(),
                known: known.join(", "),
            });
        };
        let path = self.folder.join(file);
        // A file that is longer than it was is not read to its end.
        let bytes = match atomic::read_at_most(&path, record.bytes) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let problem = "it is missing".to_owned();
                return Err(StoreError::Damaged { path, problem });
            }
            Err(error) if error.tells_of_damage() => {
                let problem = error.in_short();
                return Err(StoreError::Damaged { path, problem });
            }
            Err(error) => return Err(error),
        };
        let digest = blake3::hash(&bytes).to_hex();
        match record.problem(bytes.len() as u64, &digest) {
            Some(problem) => Err(StoreError::Damaged { path, problem }),
            None => Ok(bytes),
        }
    }

    /// In what the entry that lies there now differs from this one in `files`, in words;
    /// `None` if in nothing, or if it is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a file cannot be read.
    pub(crate) fn change(&self, files: &BTreeSet<String>) -> Result<Option<String>, StoreError> {
        let Some(bytes) = atomic::read_if_there(&self.folder.join(ENTRY_FILE))? else {
            return Ok(None);
        };
        let there = match Entry::from_bytes(&bytes) {
            Ok(there) => there,
            Err(problem) => return Ok(Some(problem)),
        };
        for name in files {
            if there.files.get(name) != self.entry.files.get(name) {
                return Ok(Some(format!("`{name}`: another result took its place")));
            }
            let found = atomic::digest(&self.folder.join(name))?;
            let record = there.files.get(name).zip(found);
            let problem =
                record.and_then(|(record, (bytes, digest))| record.problem(bytes, &digest));
            if let Some(problem) = problem {
                return Ok(Some(format!("`{name}`: {problem}")));
            }
        }
        Ok(None)
    }

    /// What is wrong with the files of the entry, in words; `None` if nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder or a file cannot be read.
    pub(crate) fn problem(&self) -> Result<Option<String>, StoreError> {
        let known = |name: &String| name == ENTRY_FILE || self.entry.files.contains_key(name);
        if let Some(stray) = atomic::names(&self.folder)?
            .iter()
            .find(|name| !known(name))
        {
            return Ok(Some(format!("`{stray}` does not belong there")));
        }
        for (name, record) in &self.entry.files {
            if let Some(problem) = record.problem_at(&self.folder.join(name))? {
                return Ok(Some(format!("`{name}`: {problem}")));
            }
        }
        Ok(None)
    }
}
