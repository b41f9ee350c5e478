//! From a file to a recording.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{
    Coding, ParquetReader, ReadRequest, Recording, RecordingError, SpikeTimes, images, matlab, npy,
    parquet, spikes, text,
};
use crate::bits::BitMatrix;

/// Bytes of the largest file read: 4 GiB.
const LARGEST_FILE: u64 = 1 << 32;

/// Reads the bytes of the file of a request, for a digest and [`read_bytes`].
///
/// # Errors
///
/// - [`RecordingError::Missing`] if the file does not exist.
/// - [`RecordingError::FileTooLarge`] if it has more than 4 GiB.
/// - [`RecordingError::Unreadable`] if it cannot be read.
pub fn load(request: &ReadRequest) -> Result<Vec<u8>, RecordingError> {
    load_at_most(request, LARGEST_FILE)
}

/// The same for a file of which no more than `limit` bytes are expected.
///
/// # Errors
///
/// As [`load`], and [`RecordingError::FileTooLarge`] beyond `limit`.
pub fn load_at_most(request: &ReadRequest, limit: u64) -> Result<Vec<u8>, RecordingError> {
    let path = &request.path;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => missing(request),
        _ => RecordingError::Unreadable {
            path: path.clone(),
            source,
        },
    };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let too_large = |bytes| RecordingError::FileTooLarge {
        path: path.clone(),
        bytes,
        limit,
    };
    if bytes > limit {
        return Err(too_large(bytes));
    }
    // A pipe or a growing file may give more than it said.
    let mut content = Vec::new();
    let mut limited = file.take(limit + 1);
    limited.read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(too_large(content.len() as u64));
    }
    Ok(content)
}

fn missing(request: &ReadRequest) -> RecordingError {
    let name = request.path.file_name().unwrap_or_default();
    let folder = match request.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    RecordingError::Missing {
        name: name.to_string_lossy().into_owned(),
        folder,
        cite: request.cite.clone(),
    }
}

fn extension(path: &Path) -> Option<String> {
    let extension = path.extension().and_then(OsStr::to_str)?;
    Some(extension.to_ascii_lowercase())
}

/// Checks the bytes of the file `path` against a SHA-256, if one is given.
///
/// # Errors
///
/// [`RecordingError::WrongDigest`] if they have another (`expected` is
/// hexadecimal, in lower case).
pub fn check_sha256(
    path: &Path,
    bytes: &[u8],
    expected: Option<&str>,
) -> Result<(), RecordingError> {
    use sha2::{Digest, Sha256};
    let Some(expected) = expected else {
        return Ok(());
    };
    let mut found = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let digits = [byte >> 4, byte & 15].map(u32::from);
        found.extend(
            digits
                .iter()
                .filter_map(|&digit| char::from_digit(digit, 16)),
        );
    }
    if found == expected {
        return Ok(());
    }
    Err(RecordingError::WrongDigest {
        path: path.to_owned(),
        found,
        expected: expected.to_owned(),
    })
}

/// Reads a recording from the bytes of a file.
///
/// The extension of the request's path decides the format. `parquet` decodes
/// Parquet files.
///
/// # Errors
///
/// Every way in which file and request can be wrong is a [`RecordingError`];
/// no file makes this function panic, or allocate more than the folder's
/// documentation says.
pub fn read_bytes(
    bytes: &[u8],
    request: &ReadRequest,
    parquet: &ParquetReader<'_>,
) -> Result<Recording, RecordingError> {
    if let Some(how) = &request.spikes {
        return read_spikes(bytes, request, how, parquet);
    }
    match extension(&request.path).as_deref() {
        Some("mat") => matlab::read(bytes, request),
        Some("npy") => npy::read(bytes, request),
        Some("csv" | "tsv" | "txt") => text::read(bytes, request),
        Some("parquet") => parquet::read(bytes, request, parquet),
        _ => Err(unknown_format(request)),
    }
}

fn unknown_format(request: &ReadRequest) -> RecordingError {
    RecordingError::UnknownFormat {
        path: request.path.clone(),
    }
}

/// Reads a table of spikes and bins them.
fn read_spikes(
    bytes: &[u8],
    request: &ReadRequest,
    how: &SpikeTimes,
    parquet: &ParquetReader<'_>,
) -> Result<Recording, RecordingError> {
    let numbers = match extension(&request.path).as_deref() {
        Some("mat") => matlab::numbers(bytes, request, &how.names()?),
        Some("npy") => npy::numbers(bytes, request),
        Some("csv" | "tsv" | "txt") => text::numbers(bytes, request),
        Some("parquet") => parquet::numbers(bytes, request, parquet),
        _ => Err(unknown_format(request)),
    };
    spikes::recording(&numbers?, request, how)
}

/// Reads a recording from the file of a request.
///
/// # Errors
///
/// Those of [`load`] and [`read_bytes`].
pub fn read(
    request: &ReadRequest,
    parquet: &ParquetReader<'_>,
) -> Result<Recording, RecordingError> {
    read_bytes(&load(request)?, request, parquet)
}

/// Reads stored patterns, one a row: from a file with a row a pattern and a column a
/// site, of 1 and -1 (or 0), or from a folder of PNG images, by their names in order.
///
/// # Errors
///
/// Those of [`read`], and those of images that do not make patterns.
pub fn read_patterns(
    path: &Path,
    parquet: &ParquetReader<'_>,
) -> Result<BitMatrix, RecordingError> {
    let request = ReadRequest {
        path: path.to_owned(),
        coding: Coding::Spins,
        ..ReadRequest::default()
    };
    if path.is_dir() {
        return images::patterns(&images_of(path)?);
    }
    read(&request, parquet).map(|recording| recording.data)
}

/// The PNG images of a folder, by ascending name.
fn images_of(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, RecordingError> {
    let failed = |source| RecordingError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if extension(&path).as_deref() == Some("png") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(RecordingError::NoImages {
            folder: folder.to_owned(),
        });
    }
    let image = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let request = ReadRequest {
            path,
            ..ReadRequest::default()
        };
        Ok((name, load(&request)?))
    };
    paths.into_iter().map(image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_checked() {
        // SHA-256 of the empty message, FIPS 180-4.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let path = Path::new("a.mat");
        assert!(check_sha256(path, b"", Some(empty)).is_ok());
        assert!(check_sha256(path, b"x", None).is_ok());
        let error = check_sha256(path, b"x", Some(empty)).unwrap_err();
        assert!(matches!(error, RecordingError::WrongDigest { .. }));
    }

    #[test]
    fn a_missing_file_says_where_it_was_looked_for_and_where_it_can_be_had() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = ReadRequest {
            path: folder.path().join("record.mat"),
            cite: Some("doi 10.1000/1".to_owned()),
            ..ReadRequest::default()
        };
        let shown = folder.path().display();
        assert_eq!(
            load(&request).unwrap_err().to_string(),
            format!(
                "no file `record.mat` in folder `{shown}`; the data can be had from doi 10.1000/1: download it to this folder"
            )
        );
        request.cite = None;
        let error = load(&request).unwrap_err().to_string();
        assert!(
            error.ends_with("check the path, or copy the file there"),
            "{error}"
        );
    }

    #[test]
    fn a_file_is_read_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let request = ReadRequest {
            path: folder.path().join("record.CSV"),
            repeats: Some(2),
            ..ReadRequest::default()
        };
        std::fs::write(&request.path, "1,0\n0,1\n").unwrap();
        let recording = read(&request, &|_| Err(String::new())).unwrap();
        assert_eq!((recording.repeats, recording.bins_per_repeat), (2, 1));
        assert!(recording.data.get(0, 0) && recording.data.get(1, 1));
    }

    #[test]
    fn patterns_come_from_a_file_of_signs_or_a_folder_of_images() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("patterns.csv");
        std::fs::write(&file, "1,-1,1\n-1,-1,1\n").unwrap();
        let none = |_: &[u8]| Err(String::new());
        let bits = read_patterns(&file, &none).unwrap();
        let row = |bits: &BitMatrix, row| [0, 1, 2].map(|site| bits.get(row, site));
        assert_eq!(row(&bits, 0), [true, false, true]);
        assert_eq!(row(&bits, 1), [false, false, true]);
        assert!(matches!(
            read_patterns(folder.path(), &none),
            Err(RecordingError::NoImages { .. })
        ));
        for (name, grey) in [("b.png", [255, 0, 0]), ("a.png", [0, 0, 255])] {
            let bytes = images::tests::image(3, &grey);
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let bits = read_patterns(folder.path(), &none).unwrap();
        assert_eq!(row(&bits, 0), [false, false, true], "`a.png` comes first");
        assert_eq!(row(&bits, 1), [true, false, false]);
    }

    #[test]
    fn a_folder_is_not_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        let request = ReadRequest {
            path: folder.path().to_owned(),
            ..ReadRequest::default()
        };
        let error = load(&request).unwrap_err();
        assert!(
            matches!(error, RecordingError::Unreadable { .. }),
            "{error}"
        );
    }
}
