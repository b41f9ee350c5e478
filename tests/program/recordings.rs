//! Recordings from file to tables, and what is said when there is none.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use crate::support::{Experiment, files};

const REPEATS: usize = 6;
const CELLS: usize = 5;
const BINS: usize = 20;

const MANIFEST: &str = r#"
[experiment]
name = "trial"

[recording]
path = "data/small.mat"
variable = "bint"
axes = ["repeat", "cell", "bin"]
bin_ms = 20.0
split = { by = "repeat", every = 3, offset = 2 }
cite = "the public archive, doi 10.0000/none"

[vae]
latent = 2
hidden = [8]
prior = "normal"

[vae.training]
epochs = 3
batch = 16

[analysis]
likelihood = { importance_samples = 16 }
statistics = { triplet_sites = 4 }
"#;

/// A rule without symmetry: is this cell active?
fn active(repeat: usize, cell: usize, bin: usize) -> bool {
    (5 * repeat + 3 * cell + 7 * bin + repeat * cell + bin * bin).is_multiple_of(3 + cell)
}

/// Rate of a cell over some repeats.
fn rate(cell: usize, repeats: &[usize]) -> f64 {
    let count = |&repeat: &usize| (0..BINS).filter(|&bin| active(repeat, cell, bin)).count();
    repeats.iter().map(count).sum::<usize>() as f64 / (repeats.len() * BINS) as f64
}

/// An element of a MATLAB v5 file, padded to eight bytes.
fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// The rule as a compressed MATLAB v5 file: an array of class double, repeat x
/// cell x bin, whose numbers are stored as bytes, the first axis fastest.
fn matlab_file() -> Vec<u8> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let cells = (0..BINS).flat_map(|bin| (0..CELLS).map(move |cell| (cell, bin)));
    let values = cells.flat_map(|(cell, bin)| {
        (0..REPEATS).map(move |repeat| u8::from(active(repeat, cell, bin)))
    });
    let content = [
        element(6, &words(&[6, 0])),
        element(5, &words(&[REPEATS as u32, CELLS as u32, BINS as u32])),
        element(1, b"bint"),
        element(2, &values.collect::<Vec<u8>>()),
    ]
    .concat();
    let matrix = element(14, &content);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&matrix).expect("memory");
    let packed = encoder.finish().expect("memory");
    let mut bytes = b"MATLAB 5.0 MAT-file".to_vec();
    bytes.resize(124, b' ');
    bytes.extend([0x00, 0x01, b'I', b'M']);
    bytes.extend(words(&[15, packed.len() as u32]));
    bytes.extend(packed);
    bytes
}

fn recorded() -> Experiment {
    let experiment = Experiment::new(MANIFEST);
    std::fs::create_dir(experiment.path("data")).expect("a folder");
    experiment.write("data/small.mat", &matlab_file());
    experiment
}

const DATA: [&str; 6] = [
    "data",
    "data/small.mat",
    "--variable",
    "bint",
    "--axes",
    "repeat,cell,bin",
];

#[test]
fn a_missing_recording_says_where_it_was_looked_for_and_where_it_can_be_had() {
    let experiment = Experiment::new(MANIFEST);
    for command in ["run", "plan"] {
        let ended = experiment.call(&[command, "manifest.toml"]).with_code(2);
        ended.saying(&[
            "`small.mat`",
            "data`",
            "the public archive, doi 10.0000/none",
        ]);
    }
    assert!(!experiment.path("results").exists());
}

#[test]
fn data_shows_what_is_in_a_recording() {
    let experiment = recorded();
    let shown = experiment.call(&DATA).with_code(0).stdout;
    let first = format!(
        "{} time bins of {CELLS} cells; {REPEATS} repeats of {BINS} bins",
        REPEATS * BINS
    );
    assert!(shown.starts_with(&first), "{shown}");
    let ended = experiment
        .call(&[&DATA[..], &["--format", "json"]].concat())
        .with_code(0);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let repeats: Vec<usize> = (0..REPEATS).collect();
    let rates: Vec<f64> = (0..CELLS).map(|cell| rate(cell, &repeats)).collect();
    let mean = rates.iter().sum::<f64>() / CELLS as f64;
    let extremes = (
        rates.iter().copied().fold(1.0, f64::min),
        rates.iter().copied().fold(0.0, f64::max),
    );
    for (key, expected) in [
        ("mean_rate", mean),
        ("lowest_rate", extremes.0),
        ("highest_rate", extremes.1),
        ("mean_active", mean * CELLS as f64),
    ] {
        let found = summary[key].as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{key}: {found}, expected {expected}"
        );
    }
    assert!(shown.contains(&format!("mean {mean:.6}")), "{shown}");
}

#[test]
fn a_recording_of_repeats_runs_to_its_tables() {
    let experiment = recorded();
    experiment.run(&[]).with_code(0);
    let rates = experiment.table("rates");
    let (sources, sites) = (
        rates.texts("source").unwrap(),
        rates.integers("site").unwrap(),
    );
    let values = rates.numbers("rate").unwrap();
    let mut seen = 0;
    for row in (0..rates.rows()).filter(|&row| sources[row] == "data") {
        // Repeats 2 and 5 of six are the test set.
        let expected = rate(sites[row] as usize, &[2, 5]);
        let found = values[row].unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "cell {}: {found}, {expected}",
            sites[row]
        );
        seen += 1;
    }
    assert_eq!(seen, CELLS);
    for figure in ["active_count", "correlations", "rates", "latent_map"] {
        let name = format!("results/trial/plots/{figure}.png");
        assert!(experiment.path(&name).is_file(), "no {name}");
    }
    // The content of the file decides, not its name or its time.
    std::fs::rename(
        experiment.path("data/small.mat"),
        experiment.path("moved.mat"),
    )
    .unwrap();
    let moved = ["--set", "recording.path=moved.mat", "--expect-cached"];
    experiment.run(&moved).with_code(0);
}

#[test]
fn a_truncated_recording_is_an_error_at_every_length() {
    let experiment = recorded();
    let whole = matlab_file();
    for length in [
        0,
        1,
        100,
        127,
        128,
        132,
        136,
        140,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        experiment.write("data/small.mat", &whole[..length]);
        let ended = experiment.call(&DATA).with_code(2);
        assert!(
            ended.stderr.starts_with("error: "),
            "{length}: {}",
            ended.stderr
        );
        assert!(ended.stdout.is_empty(), "{length}: {}", ended.stdout);
    }
    let ended = experiment.run(&[]).with_code(1);
    ended.saying(&["task `recording` failed: ", "cut short"]);
    assert!(files(&experiment.path("results/trial/tables")).is_empty());
}
