//! The only code that creates, renames or deletes files below the results.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use super::error::StoreError;
use super::fault;
use super::layout::PARTIAL;

/// A text that no other call gives, in any living process of any machine.
pub(crate) fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    static PROCESS: LazyLock<String> = LazyLock::new(|| {
        // Two machines have processes of one number, and may share a folder.
        let now = (Instant::now(), SystemTime::now());
        let seed = format!("{} {now:?} {}", super::entry::host(), process::id());
        let digest = blake3::hash(seed.as_bytes()).to_hex();
        format!("{}-{}", process::id(), &digest.as_str()[..8])
    });
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", *PROCESS)
}

/// Makes `folder` and those above it; nothing happens if it is there.
pub(crate) fn create_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    fault::before("create_folder", folder)
        .and_then(|()| fs::create_dir_all(folder))
        .map_err(StoreError::io("create folder", folder))
}

/// Refuses a folder that a link leads out of `root`; one that is not there passes.
pub(crate) fn check_below(root: &Path, folder: &Path) -> Result<(), StoreError> {
    let real = |path: &Path| match fs::canonicalize(path) {
        Ok(real) => Ok(Some(real)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("find", path)(error)),
    };
    let (Some(expected), Some(found)) = (real(root)?, real(folder)?) else {
        return Ok(());
    };
    if found.starts_with(&expected) {
        return Ok(());
    }
    Err(StoreError::Outside {
        path: folder.to_owned(),
        found,
        expected,
    })
}

/// Writes a new file and syncs it. For folders that nobody else reads yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_and_sync(path, bytes).map_err(StoreError::io("write", path))
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fault::before("create", path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let (length, outcome) = fault::before_bytes(path, bytes);
    file.write_all(&bytes[..length])?;
    outcome?;
    fault::before("sync", path)?;
    file.sync_all()
}

/// Puts `bytes` at `path`: whoever reads sees the old file or the new one, whole.
///
/// The bytes are written beside the target, synced and renamed; then the
/// folder is synced.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}{PARTIAL}", unique()));
    let replaced = write_and_sync(&partial, bytes)
        .map_err(StoreError::io("write", path))
        .and_then(|()| rename(&partial, path));
    if replaced.is_err() {
        // What stays all the same is removed by the next process.
        let _ = fs::remove_file(&partial);
    }
    replaced
}

/// Makes an empty file, unless there is one of that name.
pub(crate) fn mark(path: &Path) -> Result<(), StoreError> {
    let make = || {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    fault::before("create", path)
        .and_then(|()| make().map(drop))
        .map_err(StoreError::io("create", path))
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
    fault::before("rename", to)
        .and_then(|()| fs::rename(from, to))
        .map_err(StoreError::io("rename into place", to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Renames a folder unless something is at `to`; says whether it did.
pub(crate) fn rename_if_free(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fault::before("rename", to).and_then(|()| fs::rename(from, to)) {
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

/// Whether something is at `folder` although a look has found nothing: a networked file
/// system may remember for a while that there was nothing. It is found by trying to make the
/// folder, which such a system asks its server for.
pub(crate) fn is_taken_after_all(folder: &Path) -> Result<bool, StoreError> {
    match fault::before("create_folder", folder).and_then(|()| fs::create_dir(folder)) {
        Ok(()) => {
            // One that stays is as good as none.
            let _ = fault::before("remove", folder).and_then(|()| fs::remove_dir(folder));
            Ok(false)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("create folder", folder)(error)),
    }
}

/// Syncs a folder, so that the names in it survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    fault::before("sync_folder", folder)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(StoreError::io("sync folder", folder))
}

/// Removes a folder and all in it; nothing happens if there is none.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), StoreError> {
    if !is_there(folder) {
        return Ok(());
    }
    let removed = fault::before("remove", folder).and_then(|()| fs::remove_dir_all(folder));
    absent_is_fine(removed).map_err(StoreError::io("remove", folder))
}

/// Removes a file; nothing happens if there is none.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    if !is_there(path) {
        return Ok(());
    }
    let removed = fault::before("remove", path).and_then(|()| fs::remove_file(path));
    absent_is_fine(removed).map_err(StoreError::io("remove", path))
}

/// Whether anything has this name, even a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes the files that a killed process left half-written in `folder`, and
/// says which.
pub(crate) fn remove_partial_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut removed = Vec::new();
    for name in names(folder)? {
        if name.starts_with('.') && name.ends_with(PARTIAL) {
            let path = folder.join(name);
            remove_file(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Opens a log to append to it. A line that a killed process left torn is ended.
pub(crate) fn open_log(path: &Path) -> Result<File, StoreError> {
    let open = || -> io::Result<File> {
        fault::before("open_log", path)?;
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

/// Appends bytes to an open log, in one write, so that lines of two processes
/// do not mix.
pub(crate) fn append(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let (length, outcome) = fault::before_bytes(path, bytes);
    file.write_all(&bytes[..length])
        .and(outcome)
        .map_err(StoreError::io("write", path))
}

/// Makes a symbolic link to `text`, whatever that names, unless something is at `path`; says
/// whether it did. On every file system, networked or not, one of many callers succeeds, and
/// whoever sees the link sees its whole text.
pub(crate) fn link_if_free(path: &Path, text: &str) -> Result<bool, StoreError> {
    match fault::before("create", path).and_then(|()| symlink(text, path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io("create", path)(error)),
    }
}

/// The text of a symbolic link, or `None` if there is none.
pub(crate) fn link_text(path: &Path) -> Result<Option<String>, StoreError> {
    match fault::before("read", path).and_then(|()| fs::read_link(path)) {
        Ok(text) => Ok(Some(text.to_string_lossy().into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Writes `bytes` over the start of a file, and makes it if there is none. Neither synced
/// nor renamed: for files whose bytes are always as many and mean nothing after a kill.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let mut file = fault::before("create", path)
        .and_then(|()| options.open(path))
        .map_err(StoreError::io("create", path))?;
    append(&mut file, path, bytes)
}

/// Renames a file and says whether there was one. Not synced.
pub(crate) fn rename_if_there(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fault::before("rename", to).and_then(|()| fs::rename(from, to)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("rename", from)(error)),
    }
}

/// Reads a file, or `None` if there is none. One that is longer than `limit`
/// bytes is not what it should be, and not read.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let read = || -> io::Result<Vec<u8>> {
        fault::before("read", path)?;
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > limit {
            let text = format!("it has {length} bytes, expected at most {limit}");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
        // The file may grow while it is read.
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let mut outcome = read();
    // Another machine has put another file in its place while this one was read.
    if matches!(&outcome, Err(error) if error.kind() == ErrorKind::StaleNetworkFileHandle) {
        outcome = read();
    }
    match outcome {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// The last `most` bytes of a file, or `None` if there is none.
pub(crate) fn tail(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Longest file that is read whole where nothing says how long it should be, in bytes.
const LARGEST: u64 = 4 << 30;

/// Reads a whole file, or `None` if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    read_at_most(path, LARGEST)
}

/// Names in a folder, sorted; none if there is no such folder. Names that are
/// not Unicode are written with replacement characters.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let listing = fault::before("list", folder).and_then(|()| fs::read_dir(folder));
    let listing = match listing {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(StoreError::io("list", folder))?,
    };
    let mut names = listing
        .map(|item| item.map(|item| item.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<String>>>()
        .map_err(StoreError::io("list", folder))?;
    names.sort_unstable();
    Ok(names)
}

/// Length of a file in bytes, or `None` if there is none.
pub(crate) fn length(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Size and BLAKE3 digest of a file, or `None` if there is none.
pub(crate) fn digest(path: &Path) -> Result<Option<(u64, String)>, StoreError> {
    let file = match fault::before("digest", path).and_then(|()| File::open(path)) {
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

/// Bytes of a file, or of all files below a folder; 0 if there is neither.
pub(crate) fn size(path: &Path) -> Result<u64, StoreError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        metadata => metadata.map_err(StoreError::io("read", path))?,
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    names(path)?
        .iter()
        .try_fold(0, |sum, name| Ok(sum + size(&path.join(name))?))
}

/// The path `folder/relative`, with the folders that lead to it made.
pub(crate) fn prepared(folder: &Path, relative: &str) -> Result<PathBuf, StoreError> {
    let path = folder.join(relative);
    path.parent().map_or(Ok(()), create_folder)?;
    Ok(path)
}
