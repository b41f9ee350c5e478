//! `recording`: reads a real recording, takes the cells and bins asked for, and
//! splits it by interleaved repeats.
//!
//! The file's content, not its path or its time, decides the key: the digest is
//! taken before the plan is made and checked again when the file is read. Which
//! cells were taken is written to `cells.csv` if a rule or a table of spikes
//! decides it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::manifest::{
    BinRange, Point, RecordedSites, RecordingAxis, RecordingFormat, RecordingSection, SiteRule,
    System, TimeUnit,
};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::random;
use crate::recording::{
    self as reader, Axis, Coding, ReadRequest, RecordingError, SpikeColumn, SpikeTimes,
};
use crate::tables;

pub(super) const NAME: &str = "recording";

/// The file that says what each site of the data is.
const CELLS: &str = "cells.csv";

/// The content of a recording's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingDigest {
    /// The file.
    pub path: PathBuf,
    /// BLAKE3 of its bytes, hexadecimal.
    pub blake3: String,
    /// SHA-256 of its bytes, hexadecimal: what archives state.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What to cite, as the manifest says.
    pub cite: Option<String>,
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
///
/// What is absent from most manifests is absent from their keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    /// BLAKE3 of the file; `None` if it was not looked at.
    blake3: Option<String>,
    /// The file's ending decides how it is read.
    format: String,
    variable: Option<String>,
    axes: Vec<String>,
    repeats: Option<usize>,
    sites: Option<RecordedSites>,
    /// The seed of the experiment, if it draws the sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bins: Option<BinRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spikes: Option<SpikeParameters>,
    split_every: usize,
    split_offset: usize,
}

/// How spikes are binned.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SpikeParameters {
    columns: Vec<String>,
    time_unit: String,
    bin_ms: f64,
    start_s: Option<f64>,
    duration_s: Option<f64>,
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

impl SpikeParameters {
    fn of(section: &RecordingSection) -> Option<Self> {
        if section.format != RecordingFormat::SpikeTimes {
            return None;
        }
        Some(Self {
            columns: section.columns.clone(),
            time_unit: match section.time_unit {
                Some(TimeUnit::Milliseconds) => "ms",
                Some(TimeUnit::Seconds) | None => "s",
            }
            .to_owned(),
            // A manifest of spikes without a width is refused before.
            bin_ms: section.bin_ms?,
            start_s: section.start_s,
            duration_s: section.duration_s,
        })
    }

    fn spike_times(&self) -> Result<SpikeTimes, RecordingError> {
        let columns = self.columns.iter().map(|column| column.parse());
        Ok(SpikeTimes {
            columns: columns.collect::<Result<Vec<SpikeColumn>, _>>()?,
            time_unit: self.time_unit.parse()?,
            bin_ms: self.bin_ms,
            start_s: self.start_s,
            duration_s: self.duration_s,
        })
    }
}

impl Parameters {
    fn of(point: &Point, section: &RecordingSection, blake3: Option<String>) -> Self {
        let extension = section.path.extension().and_then(|e| e.to_str());
        let drawn = matches!(
            section.sites,
            Some(RecordedSites::Counted(SiteRule::Random { .. }))
        );
        Self {
            blake3,
            format: extension.unwrap_or_default().to_ascii_lowercase(),
            variable: section.variable.clone(),
            axes: section.axes.iter().map(|&a| axis(a).to_string()).collect(),
            repeats: section.repeats,
            sites: section.sites.clone(),
            seed: drawn.then_some(point.seed),
            bins: section.bins.clone(),
            spikes: SpikeParameters::of(section),
            split_every: section.split.every,
            split_offset: section.split.offset,
        }
    }

    fn read_request(&self, places: Places) -> Result<ReadRequest, RecordingError> {
        let axes = self.axes.iter().map(|axis| axis.parse());
        let spikes = self.spikes.as_ref().map(SpikeParameters::spike_times);
        Ok(ReadRequest {
            path: places.path,
            variable: self.variable.clone(),
            axes: axes.collect::<Result<Vec<Axis>, _>>()?,
            repeats: self.repeats,
            spikes: spikes.transpose()?,
            coding: Coding::Activity,
            cite: places.cite,
        })
    }

    /// The cells and bins that were asked for.
    fn select(&self, mut recording: reader::Recording) -> Result<reader::Recording, StageError> {
        if let Some(BinRange(bins)) = &self.bins {
            recording = recording.select_bins(bins.clone())?;
        }
        let Some(sites) = &self.sites else {
            return Ok(recording);
        };
        let chosen = chosen(sites, recording.cells(), self.seed)?;
        Ok(recording.select_cells(&chosen)?)
    }

    /// Whether the manifest leaves open which cells the sites are.
    fn leaves_cells_open(&self) -> bool {
        self.spikes.is_some() || matches!(self.sites, Some(RecordedSites::Counted(_)))
    }
}

/// The cells that are meant, by index from 0; those of a rule in ascending order.
fn chosen(
    sites: &RecordedSites,
    cells: usize,
    seed: Option<u64>,
) -> Result<Vec<usize>, StageError> {
    let rule = match sites {
        RecordedSites::Listed(sites) => return Ok(sites.clone()),
        RecordedSites::Counted(rule) => *rule,
    };
    let count = sites.count();
    if count > cells {
        return Err(StageError::failed(format!(
            "`sites` is `{rule}`, but the recording has {cells} cells: ask for no more"
        )));
    }
    Ok(match rule {
        SiteRule::First(count) => (0..count).collect(),
        SiteRule::Random { count, draw } => {
            let names = ["recording", "sites", &draw.to_string()];
            let mut generator = random::stream(&seed.unwrap_or_default().to_string(), &names);
            let mut drawn = random::distinct(count, cells, &mut generator);
            drawn.sort_unstable();
            drawn
        }
    })
}

/// What each site is: its number in the data, and the cell's in the file.
fn cell_list(labels: &[u64]) -> String {
    let rows = labels.iter().enumerate();
    let rows = rows.map(|(site, cell)| format!("{site},{cell}\n"));
    let rows: Vec<String> = rows.collect();
    format!("site,cell\n{}", rows.concat())
}

impl StageDefinition for Recording {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let System::Recording(section) = &point.system else {
            return None;
        };
        let digest = self.digests.iter().find(|d| d.path == section.path);
        let digest = digest.map(|d| d.blake3.clone());
        let places = Places {
            path: section.path.clone(),
            cite: section.cite.clone(),
        };
        let parameters = super::json(&Parameters::of(point, section, digest));
        Some(Request::new(parameters).with_places(super::json(&places)))
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "recording"),
                ManifestKey::new("blake3", "content of the recording"),
                ManifestKey::new("spikes", "recording"),
                ManifestKey::new("split_every", "recording.split.every"),
                ManifestKey::new("split_offset", "recording.split.offset"),
                ManifestKey::new("seed", "experiment.seed"),
            ]
        }
    }
}

impl Stage for Recording {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let request = parameters.read_request(task.places()?)?;
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
        task.has_read(&request.path, &found);
        let recording = reader::read_bytes(&bytes, &request, &parquet_recording)?;
        let recording = parameters.select(recording)?;
        for warning in recording.warnings() {
            task.warn(warning.to_string());
        }
        if parameters.leaves_cells_open() {
            task.write(CELLS, cell_list(&recording.labels).as_bytes())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{self, Sources};

    /// What decides the data of a manifest's first point.
    fn parameters(recording: &str) -> serde_json::Value {
        let text = format!("[experiment]\nname = \"a\"\nseed = 7\n[recording]\n{recording}");
        let sources = Sources {
            text,
            ..Sources::default()
        };
        let manifest = manifest::load(&sources, &[]).unwrap_or_else(|e| panic!("{e}"));
        let request = Recording::new(Vec::new()).request(&manifest.points[0]);
        request.unwrap().parameters
    }

    #[test]
    fn a_recording_of_bins_has_the_key_that_it_always_had() {
        // Written by hand: stored results are found by these names and values.
        let old = serde_json::json!({
            "blake3": null,
            "format": "npy",
            "variable": null,
            "axes": ["bin", "cell"],
            "repeats": 12,
            "sites": [3, 1],
            "split_every": 3,
            "split_offset": 2,
        });
        let manifest = "path = \"a.npy\"\nrepeats = 12\nsites = [3, 1]\nbin_ms = 20\n";
        assert_eq!(parameters(manifest), old);
        let binned = format!("{manifest}format = \"binned\"\n");
        assert_eq!(parameters(&binned), old);
    }

    #[test]
    fn what_decides_the_data_is_in_the_key() {
        let bins = "path = \"a.csv\"\nrepeats = 12\n";
        let spikes = format!("{bins}format = \"spike_times\"\nbin_ms = 20\n");
        let mut keys = vec![parameters(bins), parameters(&spikes)];
        for more in [
            "bins = \"0:4\"",
            "sites = \"first:3\"",
            "sites = \"random:3\"",
        ] {
            keys.push(parameters(&format!("{bins}{more}\n")));
        }
        for more in [
            "time_unit = \"ms\"",
            "start_s = 1",
            "duration_s = 9.5",
            "columns = [\"time\", \"cell\"]",
        ] {
            keys.push(parameters(&format!("{spikes}{more}\n")));
        }
        keys.push(parameters(&spikes.replace("20", "10")));
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{key}");
            let read: Parameters = serde_json::from_value(key.clone()).unwrap();
            assert_eq!(super::super::json(&read), *key);
        }
        // The seed counts only where it draws the cells.
        assert!(keys[3].get("seed").is_none() && keys[4]["seed"] == 7);
    }

    #[test]
    fn random_cells_depend_on_seed_and_draw_and_grow_with_their_number() {
        let drawn = |count, draw, seed| {
            let sites = RecordedSites::Counted(SiteRule::Random { count, draw });
            chosen(&sites, 60, Some(seed)).unwrap()
        };
        let ten = drawn(10, 0, 1);
        assert!(ten.is_sorted_by(|a, b| a < b) && ten[9] < 60, "{ten:?}");
        assert_eq!(ten, drawn(10, 0, 1));
        assert_ne!(ten, drawn(10, 1, 1));
        assert_ne!(ten, drawn(10, 0, 2));
        let twenty = drawn(20, 0, 1);
        assert!(ten.iter().all(|cell| twenty.contains(cell)), "{twenty:?}");
        assert!(drawn(60, 0, 1).into_iter().eq(0..60));
        let first = RecordedSites::Counted(SiteRule::First(3));
        assert_eq!(chosen(&first, 60, None).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn more_cells_than_there_are_is_an_error() {
        let sites = RecordedSites::Counted(SiteRule::Random { count: 7, draw: 2 });
        let error = chosen(&sites, 6, Some(1)).unwrap_err().to_string();
        assert!(
            error.contains("`random:7:2`, but the recording has 6 cells"),
            "{error}"
        );
    }
}
