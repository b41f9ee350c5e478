//! What is given broken input: each takes any bytes and comes back.

use latentfield::manifest::{self, ExtendedFile, Sources, TableContent, TableFile};
use latentfield::recording::{self, Axis, ReadRequest, SpikeTimes, TimeUnit};

/// Between the texts that make one manifest.
pub(crate) const SEPARATOR: char = '\u{1e}';

/// What an execution came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether the input was taken.
    pub(crate) accepted: bool,
    /// Points of a manifest.
    pub(crate) points: usize,
}

const COLUMNS: &[(&str, &[&str])] = &[
    ("patterns", &["pattern", "method", "overlap", "residual"]),
    (
        "likelihood",
        &["elbo_nats", "paired_gap_nats", "paired_gap_nats_se"],
    ),
];

/// A manifest, then lines of `--set`, then lines of the environment, then a manifest
/// `base.toml` that it may extend, then a table `trials.csv` that it may name.
pub(crate) fn manifest(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(SEPARATOR);
    let sources = Sources {
        path: "a/b.toml".into(),
        text: parts.next().unwrap_or_default().to_owned(),
        sets: parts
            .next()
            .into_iter()
            .flat_map(str::lines)
            .map(str::to_owned)
            .collect(),
        environment: parts
            .next()
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (format!("LATENTFIELD_{name}"), value.to_owned()))
            .collect(),
        extended: parts.next().into_iter().map(base).collect(),
        tables: parts.next().into_iter().map(trials).collect(),
        current_dir: "/somewhere".into(),
        ..Sources::default()
    };
    match manifest::load(&sources, COLUMNS) {
        Ok(manifest) => {
            assert!(!manifest.expanded.is_empty());
            Answer {
                accepted: true,
                points: manifest.points.len(),
            }
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a problem");
            // What is said about it must be sayable.
            assert!(!problems.to_string().is_empty());
            Answer::default()
        }
    }
}

fn base(text: &str) -> ExtendedFile {
    ExtendedFile {
        path: "a/base.toml".into(),
        text: Ok(text.to_owned()),
    }
}

fn trials(text: &str) -> TableFile {
    TableFile {
        path: "/somewhere/a/trials.csv".into(),
        content: Ok(TableContent::Csv(text.to_owned())),
        blake3: [0; 32],
    }
}

fn read(bytes: &[u8], request: &ReadRequest, parquet: &recording::ParquetReader<'_>) -> Answer {
    match recording::read_bytes(bytes, request, parquet) {
        Ok(recording) => {
            assert!(recording.bins() > 0 && recording.cells() > 0);
            Answer {
                accepted: true,
                points: 0,
            }
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Answer::default()
        }
    }
}

/// An array of bins and cells, or of repeats, bins and cells if the last byte is odd.
pub(crate) fn binned(
    bytes: &[u8],
    extension: &str,
    parquet: &recording::ParquetReader<'_>,
) -> Answer {
    let cubed = bytes.last().is_some_and(|byte| byte % 2 == 1) && extension != "csv";
    let request = ReadRequest {
        path: format!("a.{extension}").into(),
        axes: if cubed {
            vec![Axis::Repeat, Axis::Cell, Axis::Bin]
        } else {
            Vec::new()
        },
        repeats: (!cubed).then_some(2),
        ..ReadRequest::default()
    };
    read(bytes, &request, parquet)
}

/// A table of spikes, in a recording of a given length or up to the last spike.
pub(crate) fn spikes(
    bytes: &[u8],
    extension: &str,
    duration_s: Option<f64>,
    parquet: &recording::ParquetReader<'_>,
) -> Answer {
    let columns = ["cell", "time"].map(str::parse);
    let request = ReadRequest {
        path: format!("a.{extension}").into(),
        repeats: Some(2),
        spikes: Some(SpikeTimes {
            columns: columns.into_iter().flatten().collect(),
            time_unit: TimeUnit::Seconds,
            bin_ms: 20.0,
            start_s: None,
            duration_s,
        }),
        ..ReadRequest::default()
    };
    read(bytes, &request, parquet)
}

/// Says that there is no Parquet: for formats that need none.
pub(crate) fn no_parquet(_: &[u8]) -> Result<recording::DenseColumns, String> {
    Err("no Parquet here".to_owned())
}
