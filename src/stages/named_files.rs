//! The files and folders that a manifest names, looked at before the plan is made.
//!
//! Patterns and models take the place of their path, so that keys hold what is in them
//! and no stage needs the file. Of recordings and samples keys hold the digest; the
//! stage that reads one holds it against that.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::model_file::{self, ModelFileError};
use super::models;
use super::recording::{RecordingDigest, parquet_recording};
use crate::bits::BitMatrix;
use crate::engine;
use crate::manifest::{FieldModelSource, ModelSection, PatternSource, Point, System};
use crate::recording::{self as reader, ReadRequest, RecordingError};

/// Why a file that a manifest names cannot be used.
#[derive(Debug, Error)]
pub enum NamedFileError {
    /// It cannot be read.
    #[error("`{key}` from `{path}`")]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<RecordingError>,
    },
    /// It holds no model.
    #[error("`model.file`")]
    Model(#[source] ModelFileError),
    /// It has another number of sites than the model.
    #[error(
        "`{key}` from `{path}`: {what} of {found} sites, expected {expected} as `model.sites` \
         says; change `model.sites`"
    )]
    Sites {
        /// The key that names it.
        key: &'static str,
        /// What is in it.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its sites.
        found: usize,
        /// Sites of the model.
        expected: usize,
    },
}

const PATTERNS: &str = "model.patterns";
const MODEL: &str = "model.file";

/// Reads the patterns and models of all points that name a file, and puts them in its
/// place.
///
/// # Errors
///
/// One [`NamedFileError`] a file that cannot be read, or does not fit a model.
pub fn read_named_files(points: &mut [Point]) -> Result<(), Vec<NamedFileError>> {
    let mut problems = Vec::new();
    let (mut patterns, mut models) = (
        Files::new(PATTERNS, "patterns"),
        Files::new(MODEL, "a model"),
    );
    for point in points {
        let System::Model { model, .. } = &mut point.system else {
            continue;
        };
        match model {
            ModelSection::Hopfield(section) => {
                if let PatternSource::File(path) = &section.patterns {
                    let sites = section.sites;
                    let found = patterns.get(path, sites, read_patterns, &mut problems);
                    if let Some(rows) = found {
                        section.patterns = PatternSource::Given(rows);
                    }
                }
            }
            ModelSection::GeneralisedHopfield(section) => {
                if let FieldModelSource::File { file } = &section.source {
                    let sites = section.sites;
                    let found = models.get(file, sites, read_model, &mut problems);
                    if let Some(text) = found {
                        section.source = FieldModelSource::Given { text };
                    }
                }
            }
            _ => {}
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
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
    let mut seen: Vec<(PathBuf, Option<&str>)> = Vec::new();
    for (request, sha256) in points.iter().flat_map(files) {
        let file = (request.path.clone(), sha256);
        if seen.contains(&file) {
            continue;
        }
        let loaded = reader::load(&request)
            .and_then(|bytes| reader::check_sha256(&file.0, &bytes, sha256).map(|()| bytes));
        match loaded {
            Ok(bytes) => digests.push(RecordingDigest {
                path: file.0.clone(),
                blake3: blake3::hash(&bytes).to_hex().to_string(),
                // If the manifest has it, it was checked just now.
                sha256: sha256.map_or_else(|| engine::sha256(&bytes), str::to_owned),
                bytes: bytes.len() as u64,
                cite: request.cite.clone(),
            }),
            Err(error) => problems.push(error),
        }
        seen.push(file);
    }
    if problems.is_empty() {
        Ok(digests)
    } else {
        Err(problems)
    }
}

/// The files that a point names, with the SHA-256 that the manifest gives for them.
fn files(point: &Point) -> Vec<(ReadRequest, Option<&str>)> {
    let mut files = Vec::new();
    if let System::Recording(section) = &point.system {
        let request = ReadRequest {
            path: section.path.clone(),
            cite: section.cite.clone(),
            ..ReadRequest::default()
        };
        files.push((request, section.sha256.as_deref()));
    }
    let models = point.analysis.models.iter();
    let samples = models.flat_map(|section| &section.samples);
    files.extend(samples.map(|samples| (models::read_request(samples), None)));
    files
}

/// The files that one key names, each read once.
struct Files<T> {
    key: &'static str,
    /// What is in them.
    what: &'static str,
    /// Each with its sites and what is in it; nothing if it cannot be read.
    read: Vec<(PathBuf, Option<(usize, T)>)>,
}

impl<T: Clone> Files<T> {
    fn new(key: &'static str, what: &'static str) -> Self {
        let read = Vec::new();
        Self { key, what, read }
    }

    /// What is in the file, for a model of `sites` sites; nothing, and a problem, if it
    /// cannot be read or does not fit.
    fn get(
        &mut self,
        path: &Path,
        sites: usize,
        read: impl FnOnce(&Path) -> Result<(usize, T), NamedFileError>,
        problems: &mut Vec<NamedFileError>,
    ) -> Option<T> {
        if !self.read.iter().any(|(known, _)| known == path) {
            let found = read(path).map_err(|error| problems.push(error)).ok();
            self.read.push((path.to_owned(), found));
        }
        let (_, found) = self.read.iter().find(|(known, _)| known == path)?;
        let (found, content) = found.as_ref()?;
        if *found != sites {
            problems.push(NamedFileError::Sites {
                key: self.key,
                what: self.what,
                path: path.to_owned(),
                found: *found,
                expected: sites,
            });
            return None;
        }
        Some(content.clone())
    }
}

/// The patterns of a file or folder, as signs. Without a pattern there is no site.
fn read_patterns(path: &Path) -> Result<(usize, Vec<Vec<i8>>), NamedFileError> {
    let bits = reader::read_patterns(path, &parquet_recording);
    let bits: BitMatrix = bits.map_err(|source| unreadable(PATTERNS, path, source))?;
    let sign = |row: usize, site: usize| if bits.get(row, site) { 1 } else { -1 };
    let rows: Vec<Vec<i8>> = (0..bits.rows())
        .map(|row| (0..bits.columns()).map(|site| sign(row, site)).collect())
        .collect();
    Ok((rows.first().map_or(0, Vec::len), rows))
}

/// A saved model in canonical form: white space, order of keys and spelling of numbers
/// decide nothing.
fn read_model(path: &Path) -> Result<(usize, String), NamedFileError> {
    let request = ReadRequest {
        path: path.to_owned(),
        ..ReadRequest::default()
    };
    let name = path.display().to_string();
    let bytes = reader::load_at_most(&request, model_file::MOST_BYTES);
    let bytes = bytes.map_err(|source| match source {
        RecordingError::FileTooLarge { bytes, .. } => {
            NamedFileError::Model(ModelFileError::Bytes {
                name: name.clone(),
                found: bytes as usize,
            })
        }
        source => unreadable(MODEL, path, source),
    })?;
    let model = model_file::from_bytes(&bytes, &name).map_err(NamedFileError::Model)?;
    let text = String::from_utf8_lossy(&model_file::to_bytes(&model)).into_owned();
    Ok((model.sites(), text))
}

fn unreadable(key: &'static str, path: &Path, source: RecordingError) -> NamedFileError {
    NamedFileError::Read {
        key,
        path: path.to_owned(),
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::GeneralisedHopfield;
    use crate::manifest::{self, Sources};

    fn points(folder: &Path, sites: &str) -> Vec<Point> {
        let text = format!(
            "[experiment]\nname = \"named\"\nreplicates = 2\n\
             [model]\nkind = \"generalised_hopfield\"\nfile = \"cells.json\"\nsites = 1\n\
             [sweep]\nmodel.sites = {sites}\n"
        );
        let sources = Sources {
            path: folder.join("named.toml"),
            text,
            current_dir: folder.to_owned(),
            ..Sources::default()
        };
        manifest::load(&sources, &[]).unwrap().points
    }

    fn saved(folder: &Path, text: &str) {
        std::fs::write(folder.join("cells.json"), text).unwrap();
    }

    #[test]
    fn a_saved_model_takes_the_place_of_its_path_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let model = GeneralisedHopfield::new(
            vec![0.5, -1.0],
            vec![1.0, 0.1],
            vec![-1.0, 1.0],
            vec![0.5, 0.5],
            1,
        );
        let canonical = String::from_utf8(model_file::to_bytes(&model.unwrap())).unwrap();
        // The same numbers, spelt and spaced otherwise.
        let spelt = canonical.replace("0.1", "1e-1").replace(',', ",\n ");
        assert_ne!(spelt, canonical);
        for text in [&canonical, &spelt] {
            saved(folder.path(), text);
            let mut points = points(folder.path(), "[2]");
            read_named_files(&mut points).unwrap();
            for point in &points {
                let System::Model {
                    model: ModelSection::GeneralisedHopfield(section),
                    ..
                } = &point.system
                else {
                    panic!("{point:?}");
                };
                let text = canonical.clone();
                assert_eq!(section.source, FieldModelSource::Given { text });
            }
        }
    }

    #[test]
    fn a_file_that_is_missing_wrong_or_of_another_size_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let problems = |sites: &str| {
            let mut points = points(folder.path(), sites);
            read_named_files(&mut points).unwrap_err()
        };
        // Read once, told once, whatever the number of points.
        let found = problems("[2]");
        assert!(
            matches!(&found[..], [NamedFileError::Read { key: MODEL, .. }]),
            "{found:?}"
        );
        saved(folder.path(), "{}");
        let found = problems("[2]");
        assert!(
            matches!(&found[..], [NamedFileError::Model(_)]),
            "{found:?}"
        );
        let model =
            GeneralisedHopfield::new(vec![0.5], vec![1.0], vec![1.0], vec![1.0], 1).unwrap();
        let bytes = model_file::to_bytes(&model);
        saved(folder.path(), std::str::from_utf8(&bytes).unwrap());
        let found = problems("[1, 7]");
        let message = found[0].to_string();
        assert!(
            message.contains("`model.file` from")
                && message.contains("a model of 1 sites, expected 7"),
            "{message}"
        );
    }
}
