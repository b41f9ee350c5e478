//! The folder of a task's checkpoints, which survives a kill.

use std::path::PathBuf;

use super::atomic;
use super::error::StoreError;
use super::layout::is_plain_name;

/// First bytes of a checkpoint: its kind and the version of its frame.
const MAGIC: &[u8; 8] = b"lfckpt1\n";

/// Longest checkpoint that is read, in bytes: 500 million parameters and what Adam
/// keeps of them.
const LIMIT: u64 = 8 << 30;

/// Bytes before the payload: magic and BLAKE3 digest.
const HEADER: usize = MAGIC.len() + blake3::OUT_LEN;

/// Checkpoints of one task, kept until it is published.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    path: PathBuf,
}

impl WorkFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads a checkpoint; `None` if there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.checked(name)?;
        let Some(mut bytes) = atomic::read_at_most(&path, LIMIT)? else {
            return Ok(None);
        };
        let damaged = |problem| StoreError::Checkpoint {
            path: path.clone(),
            problem,
        };
        if bytes.len() < HEADER {
            return Err(damaged("it is shorter than its header"));
        }
        let payload = bytes.split_off(HEADER);
        let (magic, digest) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged("it does not begin like a checkpoint"));
        }
        if digest != blake3::hash(&payload).as_bytes() {
            return Err(damaged("it does not fit its digest"));
        }
        Ok(Some(payload))
    }

    /// Writes a checkpoint in the place of the one before.
    pub(crate) fn write(&self, name: &str, payload: &[u8]) -> Result<(), StoreError> {
        let path = self.checked(name)?;
        atomic::create_folder(&self.path)?;
        let mut bytes = Vec::with_capacity(HEADER + payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(blake3::hash(payload).as_bytes());
        bytes.extend_from_slice(payload);
        atomic::replace(&path, &bytes)
    }

    /// Removes all checkpoints.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        atomic::remove_folder(&self.path)
    }

    fn checked(&self, name: &str) -> Result<PathBuf, StoreError> {
        if is_plain_name(name) {
            return Ok(self.path.join(name));
        }
        let name = name.to_owned();
        Err(StoreError::FileName { name })
    }
}
