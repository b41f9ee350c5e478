//! The folder in which a task writes before it is published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::atomic;
use super::entry::FileRecord;
use super::error::StoreError;
use super::layout::is_plain_name;

/// Outputs of a running task. Dropped before it is published, it is removed.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    path: PathBuf,
    files: Mutex<BTreeMap<String, FileRecord>>,
}

impl PrivateFolder {
    pub(crate) fn create(path: PathBuf) -> Result<Self, StoreError> {
        atomic::create_folder(&path)?;
        Ok(Self {
            path,
            files: Mutex::default(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the output `name` and remembers its digest.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if !is_plain_name(name) {
            let name = name.to_owned();
            return Err(StoreError::FileName { name });
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.contains_key(name) {
            let name = name.to_owned();
            return Err(StoreError::FileTaken { name });
        }
        atomic::write_new(&self.path.join(name), bytes)?;
        files.insert(name.to_owned(), FileRecord::of(bytes));
        Ok(())
    }

    /// The outputs so far.
    pub(crate) fn files(&self) -> BTreeMap<String, FileRecord> {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What stays behind is removed when the store is opened next.
        let _ = atomic::remove_folder(&self.path);
    }
}
