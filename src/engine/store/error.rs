//! What can go wrong with files.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file or an entry cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{path}`: {cause}{}", way_out(.cause))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not; a part of the message, and so no source of it.
        cause: io::Error,
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
    /// Somebody uses the store, and what was asked for needs it alone.
    #[error("store `{path}` is in use by {holders}; try again when that has ended")]
    Busy {
        /// The store.
        path: PathBuf,
        /// Who uses it, in words.
        holders: String,
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
        move |cause| Self::Io {
            action,
            path,
            cause,
        }
    }

    /// Whether the file system lets this process read, but not write.
    #[must_use]
    pub fn refuses_writing(&self) -> bool {
        let Self::Io { action, cause, .. } = self else {
            return false;
        };
        let refused = matches!(
            cause.kind(),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
        );
        refused && !matches!(*action, "read" | "list")
    }

    /// The message without the way out.
    pub(super) fn in_short(&self) -> String {
        match self {
            Self::Io { path, cause, .. } => format!("`{}`: {cause}", path.display()),
            other => other.to_string(),
        }
    }

    /// Whether what is at the path can never be read, by whatever process.
    ///
    /// No descriptors left, no memory or no permission say nothing about what
    /// lies there; a folder in the place of a file, or a medium that cannot be
    /// read, do.
    pub(crate) fn tells_of_damage(&self) -> bool {
        let Self::Io { cause, .. } = self else {
            return true;
        };
        let kind = matches!(
            cause.kind(),
            ErrorKind::IsADirectory
                | ErrorKind::NotADirectory
                | ErrorKind::InvalidData
                | ErrorKind::UnexpectedEof
        );
        kind || cause
            .raw_os_error()
            .is_some_and(|code| UNREADABLE.contains(&code))
    }
}

/// EIO, EBADMSG and EUCLEAN of Linux: the medium gives back something else
/// than was written.
const UNREADABLE: [i32; 3] = [5, 74, 117];

/// What a user can do about an error of the operating system.
fn way_out(cause: &io::Error) -> &'static str {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space and run again, finished tasks are kept"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "; make it writable, or choose another folder by `--results` or `store.path`"
        }
        ErrorKind::PermissionDenied => {
            "; allow it, or choose another folder by `--results` or `store.path`"
        }
        ErrorKind::NotFound => "; if its folder was removed meanwhile, run again",
        ErrorKind::InvalidData => "",
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => "; move it away and run again",
        _ => "; run again, finished tasks are kept",
    }
}
