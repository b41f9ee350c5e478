//! Claims: one worker a task, by a lock that dies with its process.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::atomic;
use super::error::StoreError;
use super::fault;

/// The right to work on a task, or to publish results. Dropping it gives it back.
///
/// The file of a lock is never deleted: deleting it would let two processes
/// hold the lock of one name.
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
}
