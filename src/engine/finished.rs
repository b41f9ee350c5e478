//! A results folder as somebody finds it: read, never changed.

use std::path::{Path, PathBuf};

use super::store::layout::{MANIFEST, ResultsLayout};
use super::store::{StoreError, atomic};

/// File beside the tables of reference results that says how far others may be from them.
const TOLERANCES: &str = "tolerances.toml";

/// The folder `results/<experiment>` of a run that has ended, also on a file system that
/// cannot be written.
#[derive(Debug, Clone)]
pub struct FinishedResults {
    layout: ResultsLayout,
}

impl FinishedResults {
    /// The folder at `path`; nothing is looked at yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            layout: ResultsLayout::new(path.to_owned()),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.layout.folder()
    }

    /// Names of its tables, sorted; none if it is no results folder.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder cannot be listed.
    pub fn table_names(&self) -> Result<Vec<String>, StoreError> {
        let files = atomic::names(&self.folder().join("tables"))?;
        let tables = files
            .iter()
            .filter_map(|file| file.strip_suffix(".parquet"));
        let shown = tables.filter(|name| !name.starts_with('.'));
        Ok(shown.map(str::to_owned).collect())
    }

    /// Path of the table `name`.
    #[must_use]
    pub fn table_path(&self, name: &str) -> PathBuf {
        self.folder().join(ResultsLayout::table(name))
    }

    /// The bytes of the table `name`, if it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read.
    pub fn table(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        atomic::read_if_there(&self.table_path(name))
    }

    /// The expanded manifest, if it is there, with its path.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read.
    pub fn manifest(&self) -> Result<(PathBuf, Option<Vec<u8>>), StoreError> {
        let path = self.folder().join(MANIFEST);
        let bytes = atomic::read_if_there(&path)?;
        Ok((path, bytes))
    }

    /// `run.json`, if it is there, with its path.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read.
    pub fn provenance(&self) -> Result<(PathBuf, Option<Vec<u8>>), StoreError> {
        let path = self.layout.provenance();
        let bytes = atomic::read_if_there(&path)?;
        Ok((path, bytes))
    }

    /// `tolerances.toml`, if it is there, with its path.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be read.
    pub fn tolerances(&self) -> Result<(PathBuf, Option<Vec<u8>>), StoreError> {
        let path = self.folder().join(TOLERANCES);
        let bytes = atomic::read_if_there(&path)?;
        Ok((path, bytes))
    }
}

/// Reads a file that the user names; `None` if there is none.
///
/// # Errors
///
/// [`StoreError::Io`] if it cannot be read.
pub fn read_input(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    atomic::read_if_there(path)
}

/// Writes a file that the user asked for, whole or not at all; its folder is made.
///
/// # Errors
///
/// [`StoreError::Io`] if it cannot be written.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), atomic::create_folder)?;
    let path = if folder.is_some() {
        path.to_owned()
    } else {
        Path::new(".").join(path)
    };
    atomic::replace(&path, bytes)
}
