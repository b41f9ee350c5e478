//! What can go wrong with files.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file or an entry cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder of the results is a link that leads somewhere else.
    #[error(
        "`{path}` leads to `{found}`, expected a folder inside `{expected}`; remove the link, or \
         link the results folder as a whole"
    )]
    Outside {
        /// The folder.
        path: PathBuf,
        /// Where it leads.
        found: PathBuf,
        /// The results folder.
        expected: PathBuf,
    },
    /// The store was made by a newer program.
    #[error(
        "store `{path}` has format {found}, this program knows formats up to {expected}; use a newer program, or another store"
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format of this program.
        expected: u32,
    },
    /// The file that tells the format of a store is not understood.
    #[error(
        "`{path}` holds `{found}`, expected the number of the store's format; if the folder is no store, choose another one, else delete the file"
    )]
    FormatFile {
        /// The file.
        path: PathBuf,
        /// The start of what it holds.
        found: String,
    },
    /// A name cannot be that of an output or a checkpoint.
    #[error(
        "`{name}` cannot name an output, expected letters, digits, `_`, `-` and `.`, not `.` first, not `entry.json`"
    )]
    FileName {
        /// The name.
        name: String,
    },
    /// An output was written twice.
    #[error("output `{name}` was written before, expected one output a name")]
    FileTaken {
        /// The name.
        name: String,
    },
    /// An entry has no such file.
    #[error("entry `{entry}` has no file `{file}`, expected one of: {known}")]
    NoSuchFile {
        /// Folder of the entry.
        entry: PathBuf,
        /// The file that was asked for.
        file: String,
        /// The files that it has.
        known: String,
    },
    /// A file of an entry is not what was once written.
    #[error("`{path}` is damaged: {problem}; run again to have it made anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found and expected.
        problem: String,
    },
    /// A checkpoint is torn or damaged.
    #[error("checkpoint `{path}` is damaged: {problem}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What was found and expected.
        problem: &'static str,
    },
}

impl StoreError {
    /// Makes an [`StoreError::Io`] of an error of the operating system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
