//! Patterns that a manifest names by a file or a folder.
//!
//! They are read before the plan is made and take the place of the path, so that keys
//! hold the patterns themselves and no stage needs the file.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::recording::parquet_recording;
use crate::bits::BitMatrix;
use crate::manifest::{ModelSection, PatternSource, Point, System};
use crate::recording::{self as reader, RecordingError};

/// Why the patterns of a manifest cannot be used.
#[derive(Debug, Error)]
pub enum PatternFileError {
    /// The file cannot be read.
    #[error("`model.patterns` from `{path}`")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordingError,
    },
    /// It has another number of sites than the model.
    #[error(
        "`model.patterns` from `{path}`: patterns of {found} sites, expected {expected} as \
         `model.sites` says; change `model.sites`"
    )]
    Sites {
        /// The file or folder.
        path: PathBuf,
        /// Sites of its patterns.
        found: usize,
        /// Sites of the model.
        expected: usize,
    },
}

/// Reads the patterns of all points that name a file, and puts them in its place.
///
/// # Errors
///
/// One [`PatternFileError`] a file that cannot be read, or does not fit a model.
pub fn read_pattern_files(points: &mut [Point]) -> Result<(), Vec<PatternFileError>> {
    let mut read: Vec<(PathBuf, Option<Vec<Vec<i8>>>)> = Vec::new();
    let mut problems = Vec::new();
    for point in points {
        let System::Model {
            model: ModelSection::Hopfield(section),
            ..
        } = &mut point.system
        else {
            continue;
        };
        let PatternSource::File(path) = &section.patterns else {
            continue;
        };
        let path = path.clone();
        if !read.iter().any(|(known, _)| *known == path) {
            let found = patterns(&path, section.sites);
            read.push((
                path.clone(),
                found.map_err(|error| problems.push(error)).ok(),
            ));
        }
        let known = read.iter().find(|(known, _)| *known == path);
        match known.and_then(|(_, rows)| rows.clone()) {
            Some(rows) if rows[0].len() == section.sites => {
                section.patterns = PatternSource::Given(rows);
            }
            Some(rows) => problems.push(PatternFileError::Sites {
                path,
                found: rows[0].len(),
                expected: section.sites,
            }),
            None => {}
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// The patterns of a file or folder, as signs; at least one.
fn patterns(path: &Path, sites: usize) -> Result<Vec<Vec<i8>>, PatternFileError> {
    let bits = reader::read_patterns(path, &parquet_recording);
    let bits: BitMatrix = bits.map_err(|source| PatternFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bits.rows() == 0 {
        return Err(PatternFileError::Sites {
            path: path.to_owned(),
            found: 0,
            expected: sites,
        });
    }
    let sign = |row: usize, site: usize| if bits.get(row, site) { 1 } else { -1 };
    Ok((0..bits.rows())
        .map(|row| (0..bits.columns()).map(|site| sign(row, site)).collect())
        .collect())
}
