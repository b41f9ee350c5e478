//! Claims: one worker a task, by a lock that dies with its process.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::atomic;
use super::error::StoreError;
use super::fault;

/// The right to work on a task, or to publish results. Dropping it gives it back.
///
/// The file of a lock is never deleted while the store is in use: deleting it would let
/// two processes hold the lock of one name.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
}

impl Claim {
    /// Takes the lock of the file at `path`, or `None` if another process, or
    /// another claim of this one, holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, StoreError> {
        let file = atomic::open_lock(path)?;
        fault::before("lock", path).map_err(StoreError::io("lock", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path)(error)),
        }
    }

    /// Takes the lock of the file at `path`, and waits until it is free.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = atomic::open_lock(path)?;
        fault::before("lock", path)
            .and_then(|()| file.lock())
            .map_err(StoreError::io("lock", path))?;
        Ok(Self { _file: file })
    }

    /// Takes a share in the lock of the file at `path`, beside others that share it, and
    /// waits until nobody has it alone.
    pub(crate) fn share(path: &Path) -> Result<Self, StoreError> {
        let file = atomic::open_lock(path)?;
        file.lock_shared().map_err(StoreError::io("lock", path))?;
        Ok(Self { _file: file })
    }
}

/// Whether somebody holds the lock of the file at `path`. Makes no file.
pub(super) fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Who holds the lock of the file at `path`, as far as the system says.
pub(super) fn holders(path: &Path) -> String {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let inode = fs::metadata(path).map_or(0, |metadata| metadata.ino());
    let named: Vec<String> = holding_processes(&locks, inode)
        .into_iter()
        .map(|process| {
            let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            format!("process {process} (`{}`)", words.trim())
        })
        .collect();
    if named.is_empty() {
        return "a process that this machine does not show".to_owned();
    }
    named.join(", ")
}

/// Numbers of the processes that hold a lock of the file `inode`, from the text of `/proc/locks`:
/// `1: FLOCK  ADVISORY  READ 4711 fd:01:7608392 0 EOF`.
fn holding_processes(locks: &str, inode: u64) -> Vec<u32> {
    let mut found: Vec<u32> = locks
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // A line with an arrow is somebody who waits.
            let place = words.iter().position(|word| *word == "FLOCK")?;
            let file = words.get(place + 4)?.rsplit(':').next()?;
            let holds = !words.contains(&"->") && file.parse() == Ok(inode);
            holds.then(|| words.get(place + 3)?.parse().ok()).flatten()
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holders_of_a_lock_are_read_from_the_list_of_all_locks() {
        let text = "1: FLOCK  ADVISORY  READ 4711 fd:01:77 0 EOF\n\
                    1: -> FLOCK  ADVISORY  WRITE 4712 fd:01:77 0 EOF\n\
                    2: POSIX  ADVISORY  WRITE 4713 fd:01:77 0 EOF\n\
                    3: FLOCK  ADVISORY  READ 12 fd:01:77 0 EOF\n\
                    4: FLOCK  ADVISORY  WRITE 13 fd:01:78 0 EOF\n";
        assert_eq!(holding_processes(text, 77), [12, 4711]);
        assert_eq!(holding_processes("", 77), [0; 0]);
    }

    #[test]
    fn a_shared_lock_keeps_out_who_wants_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        assert!(!is_held(&path) && !path.exists());
        let (one, two) = (Claim::share(&path).unwrap(), Claim::share(&path).unwrap());
        assert!(is_held(&path));
        drop(one);
        assert!(Claim::try_take(&path).unwrap().is_none());
        assert!(holders(&path).contains(&std::process::id().to_string()));
        drop(two);
        assert!(Claim::try_take(&path).unwrap().is_some());
    }
}
