//! What a manifest is loaded from.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{extend, load};

/// What the names of environment variables begin with; `__` separates levels:
/// `LATENTFIELD_VAE__LATENT=4` sets `vae.latent`.
pub(super) const ENVIRONMENT_PREFIX: &str = "LATENTFIELD_";

/// Name of the user file in the user's configuration folder.
const USER_FILE: &str = "latentfield.toml";

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Most bytes of all tables of points together: as many cells as a sweep may have, with
/// 64 bytes each, of which a number takes 25 at most.
const MOST_TABLE_BYTES: u64 = 64 << 20;

/// Everything that a manifest depends on; loading it is a pure function of this.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sources {
    /// Path of the manifest.
    pub path: PathBuf,
    /// Text of the manifest.
    pub text: String,
    /// The files that the manifest extends, directly or through one another.
    pub extended: Vec<ExtendedFile>,
    /// The tables of points that its sweep names.
    pub tables: Vec<TableFile>,
    /// Paths that lead to a file which is here by another path, which is the value: a file
    /// that is named in two ways is read once.
    pub spellings: BTreeMap<PathBuf, PathBuf>,
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

/// A file that a manifest extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedFile {
    /// Path, as the file that names it leads to it.
    pub path: PathBuf,
    /// Its text, or why it cannot be read.
    pub text: Result<String, String>,
}

/// A table of points that a sweep names.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFile {
    /// Path, as the file that names it leads to it.
    pub path: PathBuf,
    /// What is in it, or why it cannot be read.
    pub content: Result<TableContent, String>,
    /// BLAKE3 digest of its bytes; zeros if it cannot be read.
    pub blake3: [u8; 32],
}

/// What is in a table of points.
#[derive(Debug, Clone, PartialEq)]
pub enum TableContent {
    /// Text with a header and a row a line.
    Csv(String),
    /// Rows of a format that is no text.
    Rows(PointTable),
}

/// Points row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PointTable {
    /// Dotted paths of parameters.
    pub columns: Vec<String>,
    /// A cell a column.
    pub rows: Vec<Vec<PointCell>>,
}

/// One value of a [`PointTable`].
#[derive(Debug, Clone, PartialEq)]
pub enum PointCell {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text, read as the value of `--set` is; empty if there is none.
    Text(String),
}

/// Decodes the bytes of a Parquet file of points; an error is a message.
pub type ReadParquet<'a> = &'a dyn Fn(&[u8]) -> Result<PointTable, String>;

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
    /// Reads the manifest at `path`, the files that it extends, the tables of points
    /// that it names, and the user file in `user_dir` if there is one.
    ///
    /// The environment and the current folder are those of the process. There
    /// is no memory limit; the caller sets one. An extended file or a table that
    /// cannot be read is a problem that [`load`](super::load()) tells. The manifest itself
    /// may be a pipe, such as `/dev/stdin`; what it names must be regular files.
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
        parquet: ReadParquet<'_>,
    ) -> Result<Self, ReadError> {
        let mut sources = Self {
            path: path.to_owned(),
            text: read_text(path)?,
            ..Self::of_machine(user_dir, sets)?
        };
        read_extended(&mut sources);
        read_tables(&mut sources, parquet);
        Ok(sources)
    }

    /// The path by which the file is here to which `path` leads.
    pub(super) fn known_as<'p>(&'p self, path: &'p Path) -> &'p Path {
        self.spellings.get(path).map_or(path, PathBuf::as_path)
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

    /// BLAKE3 digest of the manifest, as 64 hexadecimal digits.
    ///
    /// Of one file it is the digest of its bytes; of several the digest of their
    /// digests (32 bytes each): the manifest, the files that it extends in the order
    /// found, its tables of points.
    #[must_use]
    pub fn blake3(&self) -> String {
        let own = blake3::hash(self.text.as_bytes());
        if self.extended.is_empty() && self.tables.is_empty() {
            return own.to_hex().to_string();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(own.as_bytes());
        for file in &self.extended {
            let text = file.text.as_deref().unwrap_or_default();
            hasher.update(blake3::hash(text.as_bytes()).as_bytes());
        }
        for file in &self.tables {
            hasher.update(&file.blake3);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Paths and texts of all files that a problem may point into.
    #[must_use]
    pub fn texts(&self) -> Vec<(&Path, &str)> {
        let mut texts = vec![(self.path.as_path(), self.text.as_str())];
        let user = self.user_file.iter();
        texts.extend(user.map(|(path, text)| (path.as_path(), text.as_str())));
        for file in &self.extended {
            texts.extend(
                file.text
                    .iter()
                    .map(|text| (file.path.as_path(), text.as_str())),
            );
        }
        for file in &self.tables {
            if let Ok(TableContent::Csv(text)) = &file.content {
                texts.push((&file.path, text));
            }
        }
        texts
    }
}

/// Reads the files that a manifest extends, each once.
///
/// It stops behind the file with which there are too many bytes; that there are is told when
/// the manifest is loaded.
fn read_extended(sources: &mut Sources) {
    let mut known = HashMap::from([(identity(&sources.path), sources.path.clone())]);
    let mut bytes = sources.text.len();
    let mut waiting = vec![extend::named_paths(&sources.path, &sources.text)];
    while let Some(paths) = waiting.pop() {
        for path in paths {
            if sources.extended.len() == extend::MOST_FILES || bytes > extend::MOST_BYTES {
                return;
            }
            if !is_new(&mut known, &path, &mut sources.spellings) {
                continue;
            }
            let text = read_regular(&path);
            let text = text.and_then(|it| String::from_utf8(it).map_err(|error| error.to_string()));
            if let Ok(text) = &text {
                bytes = bytes.saturating_add(text.len());
                waiting.push(extend::named_paths(&path, text));
            }
            sources.extended.push(ExtendedFile { path, text });
        }
    }
}

/// Reads the tables of points that a manifest names, each once.
fn read_tables(sources: &mut Sources, parquet: ReadParquet<'_>) {
    let mut known = HashMap::new();
    let mut left = MOST_TABLE_BYTES;
    for path in load::table_paths(sources) {
        if is_new(&mut known, &path, &mut sources.spellings) {
            let bytes = table_bytes(&path, &mut left);
            sources.tables.push(table(path, bytes, parquet));
        }
    }
}

/// Whether a path leads to a file that is not known; another spelling is noted.
fn is_new(
    known: &mut HashMap<PathBuf, PathBuf>,
    path: &Path,
    spellings: &mut BTreeMap<PathBuf, PathBuf>,
) -> bool {
    match known.entry(identity(path)) {
        Entry::Vacant(place) => {
            place.insert(path.to_owned());
            true
        }
        Entry::Occupied(first) => {
            if first.get() != path {
                spellings.insert(path.to_owned(), first.get().clone());
            }
            false
        }
    }
}

/// What is the same for all paths to a file: its path without links, or as it stands if
/// there is no such file.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The bytes of a table, taken off what is `left` for all of them; beyond that none is read.
fn table_bytes(path: &Path, left: &mut u64) -> Result<Vec<u8>, String> {
    let too_many = || {
        let most = MOST_TABLE_BYTES >> 20;
        Err(format!("with it there are more than {most} MiB of tables"))
    };
    if *left == 0 {
        return too_many();
    }
    let bytes = read_regular(path)?;
    let Some(rest) = left.checked_sub(bytes.len() as u64) else {
        *left = 0;
        return too_many();
    };
    *left = rest;
    Ok(bytes)
}

fn table(path: PathBuf, bytes: Result<Vec<u8>, String>, parquet: ReadParquet<'_>) -> TableFile {
    let blake3 = bytes
        .as_ref()
        .map_or([0; 32], |bytes| blake3::hash(bytes).into());
    let content = bytes.and_then(|bytes| match path.extension() {
        Some(extension) if extension == "parquet" => parquet(&bytes).map(TableContent::Rows),
        Some(extension) if extension == "csv" => match String::from_utf8(bytes) {
            Ok(text) => Ok(TableContent::Csv(text)),
            Err(_) => Err("a text that is not UTF-8".to_owned()),
        },
        _ => Err("a name that ends neither in `.csv` nor in `.parquet`".to_owned()),
    });
    TableFile {
        path,
        content,
        blake3,
    }
}

/// Reads a file that a manifest names: a pipe would be waited for, and a device has no end.
fn read_regular(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    // The innermost cause is what the system said.
    read_bytes(path).map_err(|error| match error {
        ReadError::File { source, .. } => source.to_string(),
        other => other.to_string(),
    })
}

fn read_text(path: &Path) -> Result<String, ReadError> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|error| ReadError::File {
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })
}

/// Reads a file of a limited size, whatever size it says it has.
fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let too_large = |found| ReadError::TooLarge {
        path: path.to_owned(),
        found,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let claimed = file.metadata().map_err(failed)?.len();
    if claimed > LARGEST_FILE {
        return Err(too_large(claimed));
    }
    let mut bytes = Vec::new();
    let read = file.take(LARGEST_FILE + 1).read_to_end(&mut bytes);
    let found = read.map_err(failed)? as u64;
    if found > LARGEST_FILE {
        return Err(too_large(found));
    }
    Ok(bytes)
}
