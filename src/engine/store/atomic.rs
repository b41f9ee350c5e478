//! The only code that creates, renames or deletes files below the results.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::StoreError;
use super::layout::PARTIAL;

/// A text that no other call in any living process of this machine gives.
pub(crate) fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", process::id())
}

/// Makes `folder` and those above it; nothing happens if it is there.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(StoreError::io("create folder", folder))
}

/// Writes a new file and syncs it. For folders that nobody else reads yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(StoreError::io("write", path))
}

/// Puts `bytes` at `path`: whoever reads sees the old file or the new one, whole.
///
/// The bytes are written beside the target, synced and renamed; then the
/// folder is synced.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}{PARTIAL}", unique()));
    write_new(&partial, bytes)?;
    rename(&partial, path)
}

/// As [`replace`], unless the file holds `bytes` already.
pub(crate) fn update(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if read_if_there(path).is_ok_and(|found| found.as_deref() == Some(bytes)) {
        return Ok(());
    }
    replace(path, bytes)
}

/// Renames a file or folder and syncs the folder it went to.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io("rename into place", to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Renames a folder unless something is at `to`; says whether it did.
pub(crate) fn rename_if_free(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fs::rename(from, to) {
        Ok(()) => to.parent().map_or(Ok(()), sync_folder).map(|()| true),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(StoreError::io("rename into place", to)(error)),
    }
}

/// Syncs a folder, so that the names in it survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(StoreError::io("sync folder", folder))
}

/// Removes a folder and all in it; nothing happens if there is none.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), StoreError> {
    absent_is_fine(fs::remove_dir_all(folder)).map_err(StoreError::io("remove", folder))
}

/// Removes a file; nothing happens if there is none.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    absent_is_fine(fs::remove_file(path)).map_err(StoreError::io("remove", path))
}

fn absent_is_fine(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes the files that a killed process left half-written in `folder`.
pub(crate) fn remove_partial_files(folder: &Path) -> Result<(), StoreError> {
    for name in names(folder)? {
        if name.starts_with('.') && name.ends_with(PARTIAL) {
            remove_file(&folder.join(name))?;
        }
    }
    Ok(())
}

/// Opens a log to append to it. A line that a killed process left torn is ended.
pub(crate) fn open_log(path: &Path) -> Result<File, StoreError> {
    let open = || -> std::io::Result<File> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(file)
    };
    open().map_err(StoreError::io("open log", path))
}

/// Opens a file whose only use is to be locked.
pub(crate) fn open_lock(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(StoreError::io("open lock", path))
}

/// Reads a whole file, or `None` if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Names in a folder, sorted; none if there is no such folder. Names that are
/// not Unicode are written with replacement characters.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(StoreError::io("list", folder))?,
    };
    let mut names = listing
        .map(|item| item.map(|item| item.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<String>>>()
        .map_err(StoreError::io("list", folder))?;
    names.sort_unstable();
    Ok(names)
}

/// Size and BLAKE3 digest of a file, or `None` if there is none.
pub(crate) fn digest(path: &Path) -> Result<Option<(u64, String)>, StoreError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(StoreError::io("read", path))?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(file)
        .map_err(StoreError::io("read", path))?;
    Ok(Some((
        hasher.count(),
        hasher.finalize().to_hex().to_string(),
    )))
}

/// The path `folder/relative`, with the folders that lead to it made.
pub(crate) fn prepared(folder: &Path, relative: &str) -> Result<PathBuf, StoreError> {
    let path = folder.join(relative);
    path.parent().map_or(Ok(()), create_folder)?;
    Ok(path)
}
