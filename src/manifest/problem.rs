//! What can be wrong with a manifest, and where.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use thiserror::Error;

/// The place that a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file: the manifest or the user file.
    File {
        /// Path of the file, as it was given.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Bytes of the text that the problem is about.
        span: Range<usize>,
    },
    /// A row of a file without lines, such as Parquet.
    Row {
        /// Path of the file, as it was given.
        path: PathBuf,
        /// Row, from 1; 0 is the header.
        row: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A `--set` argument, by its text.
    Set(String),
    /// A built-in default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                path, line, column, ..
            } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Row { path, row: 0 } => write!(f, "{}: header", path.display()),
            Self::Row { path, row } => write!(f, "{}: row {row}", path.display()),
            Self::Environment(name) => write!(f, "environment variable `{name}`"),
            Self::Set(text) => write!(f, "--set `{text}`"),
            Self::Default => write!(f, "built-in default"),
        }
    }
}

/// One mistake: where it is, what was found, what was expected, the way out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Problem {
    /// Stable code, such as `manifest::unknown_key`.
    pub code: &'static str,
    /// Place of the mistake.
    pub origin: Origin,
    /// Dotted path of the key, such as `vae.hidden[1]`; empty if there is none.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// A way out, if there is one to offer.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        write!(f, "found {}, expected {}", self.found, self.expected)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// All problems of a manifest: those of the files first, by position.
///
/// Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}
