//! What was found in disorder and put right, so that it can be said once.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// Something that a process that died, or a file system, left in disorder and
/// that has been put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// Where it lies now, or lay.
    pub path: PathBuf,
    /// What was found and what was done, in words.
    pub what: String,
}

impl Mended {
    pub(crate) fn new(path: &Path, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}
