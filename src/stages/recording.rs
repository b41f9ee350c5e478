//! `recording`: reads a real recording and splits it by interleaved repeats.
//!
//! The file's content, not its path or its time, decides the key: the digest is
//! taken before the plan is made and checked again when the file is read.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::manifest::{Point, RecordingAxis, RecordingSection, System};
use crate::plan::{Request, StageDefinition};
use crate::recording::{self as reader, Axis, Coding, ReadRequest, RecordingError};
use crate::tables;

pub(super) const NAME: &str = "recording";

/// The content of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingDigest {
    /// The file.
    pub path: PathBuf,
    /// BLAKE3 of its bytes, hexadecimal.
    pub blake3: String,
}

/// Takes the digest of each file that the points name, and checks the SHA-256
/// that a manifest gives for it.
///
/// # Errors
///
/// One [`RecordingError`] a file that is missing, unreadable or of another
/// content than the manifest says.
pub fn recording_digests(points: &[Point]) -> Result<Vec<RecordingDigest>, Vec<RecordingError>> {
    let mut digests: Vec<RecordingDigest> = Vec::new();
    let mut problems = Vec::new();
    let mut seen: Vec<(&Path, Option<&str>)> = Vec::new();
    for point in points {
        let System::Recording(section) = &point.system else {
            continue;
        };
        let file = (section.path.as_path(), section.sha256.as_deref());
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let loaded = reader::load(&read_request(section))
            .and_then(|bytes| reader::check_sha256(&section.path, &bytes, file.1).map(|()| bytes));
        match loaded {
            Ok(bytes) => digests.push(RecordingDigest {
                path: section.path.clone(),
                blake3: blake3::hash(&bytes).to_hex().to_string(),
            }),
            Err(error) => problems.push(error),
        }
    }
    if problems.is_empty() {
        Ok(digests)
    } else {
        Err(problems)
    }
}

/// The stage, with the digests of the files that it may be asked for.
pub(super) struct Recording {
    digests: Vec<RecordingDigest>,
}

impl Recording {
    pub(super) fn new(digests: Vec<RecordingDigest>) -> Self {
        Self { digests }
    }
}

/// Everything that decides the configurations.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    /// BLAKE3 of the file; `None` if it was not looked at.
    blake3: Option<String>,
    /// The file's ending decides how it is read.
    format: String,
    variable: Option<String>,
    axes: Vec<String>,
    repeats: Option<usize>,
    sites: Option<Vec<usize>>,
    split_every: usize,
    split_offset: usize,
}

/// Where the file lies: not a part of the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Places {
    path: PathBuf,
    cite: Option<String>,
}

fn axis(axis: RecordingAxis) -> Axis {
    match axis {
        RecordingAxis::Repeat => Axis::Repeat,
        RecordingAxis::Cell => Axis::Cell,
        RecordingAxis::Bin => Axis::Bin,
    }
}

fn read_request(section: &RecordingSection) -> ReadRequest {
    ReadRequest {
        path: section.path.clone(),
        variable: section.variable.clone(),
        axes: section.axes.iter().copied().map(axis).collect(),
        repeats: section.repeats,
        cells: section.sites.clone(),
        coding: Coding::Activity,
        cite: section.cite.clone(),
    }
}

impl StageDefinition for Recording {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let System::Recording(section) = &point.system else {
            return None;
        };
        let digest = self.digests.iter().find(|d| d.path == section.path);
        let extension = section.path.extension().and_then(|e| e.to_str());
        let parameters = Parameters {
            blake3: digest.map(|d| d.blake3.clone()),
            format: extension.unwrap_or_default().to_ascii_lowercase(),
            variable: section.variable.clone(),
            axes: section.axes.iter().map(|&a| axis(a).to_string()).collect(),
            repeats: section.repeats,
            sites: section.sites.clone(),
            split_every: section.split.every,
            split_offset: section.split.offset,
        };
        let places = Places {
            path: section.path.clone(),
            cite: section.cite.clone(),
        };
        Some(Request::new(super::json(&parameters)).with_places(super::json(&places)))
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }
}

impl Stage for Recording {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let places: Places = task.places()?;
        let axes: Result<Vec<Axis>, _> = parameters.axes.iter().map(|a| a.parse()).collect();
        let request = ReadRequest {
            path: places.path,
            variable: parameters.variable,
            axes: axes?,
            repeats: parameters.repeats,
            cells: parameters.sites,
            coding: Coding::Activity,
            cite: places.cite,
        };
        task.progress(Progress {
            fraction: 0.0,
            message: format!("reading {}", request.path.display()),
        });
        let bytes = reader::load(&request)?;
        let found = blake3::hash(&bytes).to_hex().to_string();
        if Some(&found) != parameters.blake3.as_ref() {
            return Err(StageError::failed(format!(
                "`{}` changed since the run began; run again to use its new content",
                request.path.display()
            )));
        }
        let recording = reader::read_bytes(&bytes, &request, &parquet_recording)?;
        for warning in recording.warnings() {
            task.warn(warning.to_string());
        }
        let split = recording.split(parameters.split_every, parameters.split_offset)?;
        let train = DataSet {
            configurations: split.train.into(),
            blocks: Some(split.train_blocks),
        };
        train.write(task, data::TRAIN)?;
        let test = DataSet {
            configurations: split.test.into(),
            blocks: Some(split.test_blocks),
        };
        test.write(task, data::TEST)
    }
}

/// Decodes a Parquet recording: the one format that `tables` reads.
///
/// # Errors
///
/// A message if the bytes are not a Parquet file of numbers.
pub fn parquet_recording(bytes: &[u8]) -> Result<reader::DenseColumns, String> {
    let columns = tables::dense_from_bytes(bytes).map_err(|error| error.to_string())?;
    Ok(reader::DenseColumns {
        columns: columns
            .into_iter()
            .map(|column| reader::Column {
                name: column.name,
                values: match column.values {
                    tables::DenseValues::Bytes(values) => {
                        values.into_iter().map(f64::from).collect()
                    }
                    tables::DenseValues::Numbers(values) => values,
                },
            })
            .collect(),
    })
}
