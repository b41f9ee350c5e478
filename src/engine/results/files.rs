//! The files of a results folder with their sizes and digests.

use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::store::{StoreError, atomic};

/// SHA-256 digest of `bytes`, as 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// A file below the results folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileInfo {
    /// Path from the results folder, with `/` between its parts.
    pub(super) path: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// BLAKE3 digest, as 64 hexadecimal digits.
    pub(super) blake3: String,
    /// SHA-256 digest, as 64 hexadecimal digits: the one that archives know.
    pub(super) sha256: String,
}

impl FileInfo {
    /// Of a file `path` that holds `bytes`.
    pub(super) fn of(path: &str, bytes: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
            sha256: sha256(bytes),
        }
    }

    /// Of the file `path` below `folder`, which holds what has the digest `blake3`.
    ///
    /// What an `earlier` run found out about the same content is not found out again.
    pub(super) fn below(
        folder: &Path,
        path: &str,
        blake3: &str,
        earlier: Option<&Self>,
    ) -> Result<Option<Self>, StoreError> {
        if let Some(known) = earlier.filter(|file| file.path == path && file.blake3 == blake3) {
            return Ok(Some(known.clone()));
        }
        let bytes = atomic::read_if_there(&folder.join(path))?;
        Ok(bytes.map(|bytes| Self::of(path, &bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // FIPS 180-2, appendix B.1, and the test vectors of BLAKE3 for no input.
        let abc = FileInfo::of("a", b"abc");
        assert_eq!(
            abc.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(abc.bytes, 3);
        assert_eq!(
            FileInfo::of("a", b"").blake3,
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }
}
