//! What a manifest is loaded from.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// What the names of environment variables begin with; `__` separates levels:
/// `LATENTFIELD_VAE__LATENT=4` sets `vae.latent`.
pub(super) const ENVIRONMENT_PREFIX: &str = "LATENTFIELD_";

/// Name of the user file in the user's configuration folder.
const USER_FILE: &str = "latentfield.toml";

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Everything that a manifest depends on; loading it is a pure function of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Path of the manifest.
    pub path: PathBuf,
    /// Text of the manifest.
    pub text: String,
    /// Path and text of the user file, if there is one.
    pub user_file: Option<(PathBuf, String)>,
    /// Environment variables; only those that begin with `LATENTFIELD_` count.
    pub environment: Vec<(String, String)>,
    /// The `--set` arguments, each `key=value`.
    pub sets: Vec<String>,
    /// Folder that relative paths outside files count from.
    pub current_dir: PathBuf,
    /// Most memory that one point may need, in bytes; `None` allows any.
    pub memory_limit: Option<u64>,
}

/// Why a file of the manifest could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file could not be opened or read.
    #[error("cannot read `{path}`, expected a manifest in UTF-8")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any manifest.
    #[error("`{path}` has {found} bytes, expected a manifest of at most {LARGEST_FILE}")]
    TooLarge {
        /// Path of the file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
    },
    /// The current folder is not known.
    #[error("the current folder cannot be read, expected one that exists")]
    CurrentFolder(#[source] std::io::Error),
}

impl Sources {
    /// Reads the manifest at `path`, and the user file in `user_dir` if there is one.
    ///
    /// The environment and the current folder are those of the process. There
    /// is no memory limit; the caller sets one.
    ///
    /// # Errors
    ///
    /// - [`ReadError::File`] if a file cannot be read or is not UTF-8.
    /// - [`ReadError::TooLarge`] if a file has more than 16 MiB.
    /// - [`ReadError::CurrentFolder`] if the current folder is gone.
    pub fn read(
        path: &Path,
        user_dir: Option<&Path>,
        sets: Vec<String>,
    ) -> Result<Self, ReadError> {
        Ok(Self {
            path: path.to_owned(),
            text: read_text(path)?,
            ..Self::of_machine(user_dir, sets)?
        })
    }

    /// Reads what there is beside a manifest: the user file, the environment, `--set`.
    ///
    /// # Errors
    ///
    /// As [`Sources::read`].
    pub fn of_machine(user_dir: Option<&Path>, sets: Vec<String>) -> Result<Self, ReadError> {
        let user_path = user_dir.map(|folder| folder.join(USER_FILE));
        let user_file = match user_path.filter(|path| path.exists()) {
            Some(path) => Some((path.clone(), read_text(&path)?)),
            None => None,
        };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
            .collect();
        Ok(Self {
            user_file,
            environment,
            sets,
            current_dir: std::env::current_dir().map_err(ReadError::CurrentFolder)?,
            ..Self::default()
        })
    }
}

fn read_text(path: &Path) -> Result<String, ReadError> {
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let found = std::fs::metadata(path).map_err(failed)?.len();
    if found > LARGEST_FILE {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
            found,
        });
    }
    std::fs::read_to_string(path).map_err(failed)
}
