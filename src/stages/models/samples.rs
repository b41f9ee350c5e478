//! Samples as models: the training data, and what others drew from theirs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::yardstick::{Candidate, Origin, Yardstick};
use super::{DataSet, TABLES, data, of_data, report};
use crate::engine::{Stage, StageError, TaskContext};
use crate::manifest::{ModelSamples, Point};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::recording::{self as reader, Axis, Coding, ReadRequest};
use crate::stages::recording::{RecordingDigest, parquet_recording};

/// The stage `model_data`.
pub(super) struct Ceiling;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CeilingParameters {
    triplet_sites: usize,
}

impl StageDefinition for Ceiling {
    fn name(&self) -> &'static str {
        "model_data"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        crate::stages::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let triplet_sites = point.analysis.models.as_ref()?.triplet_sites;
        Some(of_data(point, &CeilingParameters { triplet_sites }))
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.models")] }
    }
}

impl Stage for Ceiling {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: CeilingParameters = task.parameters()?;
        let train = DataSet::read(task, data::TRAIN)?;
        let yardstick = Yardstick::read(task, train.spins()?, parameters.triplet_sites)?;
        let population = yardstick.blocked(&train)?;
        let ceiling = Candidate::named("train".to_owned(), Origin::Data, population);
        yardstick.write(task, &[ceiling], true)
    }
}

/// The stage `model_samples`, with the digests of the files that it may be asked for.
pub(super) struct Samples {
    digests: Vec<RecordingDigest>,
}

impl Samples {
    pub(super) fn new(digests: Vec<RecordingDigest>) -> Self {
        Self { digests }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    files: Vec<File>,
    triplet_sites: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct File {
    name: String,
    /// BLAKE3 of the file; `None` if it was not looked at.
    blake3: Option<String>,
    variable: Option<String>,
}

/// Where a file lies, and whose it is: not a part of the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    path: PathBuf,
    cite: Option<String>,
}

/// How a file of samples is read: a row a configuration, a column a site.
pub(in crate::stages) fn read_request(samples: &ModelSamples) -> ReadRequest {
    let (variable, cite) = (samples.variable.clone(), samples.cite.clone());
    request(samples.path.clone(), variable, cite)
}

fn request(path: PathBuf, variable: Option<String>, cite: Option<String>) -> ReadRequest {
    ReadRequest {
        path,
        variable,
        axes: vec![Axis::Bin, Axis::Cell],
        repeats: None,
        spikes: None,
        coding: Coding::Activity,
        cite,
    }
}

impl StageDefinition for Samples {
    fn name(&self) -> &'static str {
        "model_samples"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        crate::stages::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.models.as_ref()?;
        if section.samples.is_empty() {
            return None;
        }
        let file = |samples: &ModelSamples| {
            let digest = self.digests.iter().find(|d| d.path == samples.path);
            File {
                name: samples.name.clone(),
                blake3: digest.map(|digest| digest.blake3.clone()),
                variable: samples.variable.clone(),
            }
        };
        let place = |samples: &ModelSamples| Place {
            path: samples.path.clone(),
            cite: samples.cite.clone(),
        };
        let parameters = Parameters {
            files: section.samples.iter().map(file).collect(),
            triplet_sites: section.triplet_sites,
        };
        let places: Vec<Place> = section.samples.iter().map(place).collect();
        Some(of_data(point, &parameters).with_places(crate::stages::json(&places)))
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.models"),
                ManifestKey::new("files", "analysis.models.samples"),
            ]
        }
    }
}

impl Stage for Samples {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let places: Vec<Place> = task.places()?;
        let train = DataSet::read(task, data::TRAIN)?;
        let yardstick = Yardstick::read(task, train.spins()?, parameters.triplet_sites)?;
        let mut candidates = Vec::new();
        for (index, (file, place)) in parameters.files.iter().zip(places).enumerate() {
            task.check_cancelled()?;
            let done = index as f64 / parameters.files.len() as f64;
            report(task, done, &format!("reading {}", place.path.display()));
            let bits = read(task, file, place, train.configurations.sites())?;
            let population = yardstick.sampled(&bits)?;
            let name = file.name.clone();
            candidates.push(Candidate::named(name, Origin::SamplesRead, population));
        }
        yardstick.write(task, &candidates, false)
    }
}

/// The samples of a file, checked against its digest and the sites of the data.
fn read(
    task: &TaskContext<'_>,
    file: &File,
    place: Place,
    sites: usize,
) -> Result<crate::bits::BitMatrix, StageError> {
    let request = request(place.path, file.variable.clone(), place.cite);
    let bytes = reader::load(&request)?;
    let found = blake3::hash(&bytes).to_hex().to_string();
    let path = request.path.display();
    if Some(&found) != file.blake3.as_ref() {
        return Err(StageError::failed(format!(
            "`{path}` changed since the run began; run again to use its new content"
        )));
    }
    task.has_read(&request.path, &found);
    let samples = reader::read_bytes(&bytes, &request, &parquet_recording)?;
    if samples.cells() != sites {
        return Err(StageError::failed(format!(
            "`{path}`, samples of `{}`: found {} sites, expected {sites} as the data have; \
             samples must be those of a model of the same cells",
            file.name,
            samples.cells()
        )));
    }
    Ok(samples.data)
}
