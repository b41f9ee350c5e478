//! Recordings from file to tables, and what is said when there is none.

use std::io::Write;
use std::ops::Range;

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
    rate_in(cell, repeats, 0..BINS)
}

/// Rate of a cell over some bins of some repeats.
fn rate_in(cell: usize, repeats: &[usize], bins: Range<usize>) -> f64 {
    let length = repeats.len() * bins.len();
    let active = |&repeat: &usize| bins.clone().filter(move |&bin| active(repeat, cell, bin));
    repeats.iter().flat_map(active).count() as f64 / length as f64
}

/// The rule as a row a spike, at the beginning of its bin of 20 ms; cell `c` is
/// called `10 c + 7`, repeat `r` is trial `r + 1`. Each cell has a spike after the
/// last bin, so that the silent ones are in the table as well.
fn spikes() -> String {
    let mut text = "trial,time,unit\n".to_owned();
    for (cell, repeat) in (0..CELLS).flat_map(|c| (0..REPEATS).map(move |r| (c, r))) {
        for bin in (0..BINS).filter(|&bin| active(repeat, cell, bin)) {
            let time = bin as f64 * 0.02;
            let row = format!("{},{time:?},{}\n", repeat + 1, 10 * cell + 7);
            text.push_str(&row);
        }
    }
    for cell in 0..CELLS {
        let row = format!("1,{:?},{}\n", BINS as f64 * 0.02, 10 * cell + 7);
        text.push_str(&row);
    }
    text
}

/// The manifest for those spikes.
fn spike_manifest() -> String {
    let binned =
        "path = \"data/small.mat\"\nvariable = \"bint\"\naxes = [\"repeat\", \"cell\", \"bin\"]\n";
    assert!(MANIFEST.contains(binned), "{MANIFEST}");
    let spikes = "path = \"spikes.csv\"\nformat = \"spike_times\"\nduration_s = 0.4\n\
                  columns = [\"cell:unit\", \"time\", \"repeat:trial\"]\n";
    MANIFEST.replace(binned, spikes)
}

/// Site and rate in the data, row by row, of the points that have these swept values.
fn data_rates(experiment: &Experiment, point: &[(&str, &str)]) -> Vec<(usize, f64)> {
    let rates = experiment.table("rates");
    let (sources, sites) = (
        rates.texts("source").expect("a column of the table"),
        rates.integers("site").expect("a column of the table"),
    );
    let values = rates.numbers("rate").expect("a column of the table");
    let is_of_point = |row: usize| {
        let mut swept = point.iter();
        swept.all(|&(name, value)| rates.texts(name).expect("a column of the table")[row] == value)
    };
    let rows = (0..rates.rows()).filter(|&row| sources[row] == "data" && is_of_point(row));
    rows.map(|row| {
        (
            sites[row] as usize,
            values[row].expect("a column of the table"),
        )
    })
    .collect()
}

#[track_caller]
fn assert_rates(found: &[(usize, f64)], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for &(site, rate) in found {
        // Both are a count over a number of bins.
        let difference = (rate - expected[site]).abs();
        assert!(difference < 1e-12, "site {site}: {rate}, {expected:?}");
    }
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
    // Repeats 2 and 5 of six are the test set.
    let expected: Vec<f64> = (0..CELLS).map(|cell| rate(cell, &[2, 5])).collect();
    assert_rates(&data_rates(&experiment, &[]), &expected);
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
fn spikes_become_the_bins_that_they_lie_in() {
    let experiment = Experiment::new(&spike_manifest());
    experiment.write("spikes.csv", spikes().as_bytes());
    let left_out = format!("left out: 0 spikes before the start, {CELLS} after");
    experiment.run(&[]).with_code(0).saying(&[&left_out]);
    let expected: Vec<f64> = (0..CELLS).map(|cell| rate(cell, &[2, 5])).collect();
    assert_rates(&data_rates(&experiment, &[]), &expected);
    let cells = std::fs::read_to_string(experiment.stored("recording", "cells.csv")).unwrap();
    assert_eq!(cells, "site,cell\n0,7\n1,17\n2,27\n3,37\n4,47\n");
}

#[test]
fn data_shows_spikes_as_it_shows_their_bins() {
    let experiment = recorded();
    experiment.write("spikes.csv", spikes().as_bytes());
    let json = ["--format", "json"];
    let binned = experiment.call(&[&DATA[..], &json].concat()).with_code(0);
    let flags = [
        "data",
        "spikes.csv",
        "--spike-times",
        "--bin-ms",
        "20",
        "--duration-s",
        "0.4",
        "--columns",
        "cell:unit,time,repeat:trial",
    ];
    let spiking = experiment.call(&[&flags[..], &json].concat()).with_code(0);
    assert_eq!(spiking.stdout, binned.stdout);
    // All spikes share a few bins if their times are taken for milliseconds.
    let wrong = [&flags[..4], &["80", "--time-unit", "ms"], &flags[7..]].concat();
    experiment
        .call(&wrong)
        .with_code(0)
        .saying(&["share a bin", "is the unit of time right"]);
    let unnamed = [&flags[..7], &["--columns", "cell,time"]].concat();
    experiment.call(&unnamed).with_code(2).saying(&[
        "`spikes.csv`",
        "no `cell`",
        "as in `cell:unit`",
    ]);
    for missing in [&["--spike-times"][..], &["--bin-ms", "20"]] {
        let ended = experiment.call(&[&["data", "spikes.csv"], missing].concat());
        ended.with_code(2).saying(&["required"]);
    }
}

#[test]
fn numbers_of_cells_and_parts_of_the_movie_are_swept() {
    let experiment = recorded();
    let sweep = [
        "--set",
        "sweep.recording.sites=[\"random:3\", \"random:4\", \"first:3\"]",
        "--set",
        "sweep.recording.bins=[\"0:5\", \"5:20\"]",
        "--set",
        "analysis.statistics.triplet_sites=3",
    ];
    experiment.run(&sweep).with_code(0);
    for (bins, range) in [("0:5", 0..5), ("5:20", 5..20)] {
        let found = data_rates(&experiment, &[("sites", "first:3"), ("bins", bins)]);
        let expected = |cells: &[usize]| -> Vec<f64> {
            let rate = |&cell: &usize| rate_in(cell, &[2, 5], range.clone());
            cells.iter().map(rate).collect()
        };
        assert_rates(&found, &expected(&[0, 1, 2]));
        // Which cells were drawn is in the entries, the same for both parts.
        for sites in ["random:3", "random:4"] {
            let cells = drawn(&experiment, sites);
            let found = data_rates(&experiment, &[("sites", sites), ("bins", bins)]);
            assert_rates(&found, &expected(&cells));
        }
    }
    let (three, four) = (
        drawn(&experiment, "random:3"),
        drawn(&experiment, "random:4"),
    );
    assert!(
        three.iter().all(|cell| four.contains(cell)),
        "{three:?} {four:?}"
    );
    let again = [&sweep[..], &["--expect-cached"]].concat();
    experiment.run(&again).with_code(0);
}

/// The cells that a rule drew, from `cells.csv` of all entries with that rule.
#[track_caller]
fn drawn(experiment: &Experiment, sites: &str) -> Vec<usize> {
    let folder = experiment.path("results/.store/v1/recording");
    let all = files(&folder);
    let mut lists: Vec<Vec<usize>> = all
        .iter()
        .filter(|(path, bytes)| {
            let rule = format!("\"{sites}\"");
            path.ends_with("entry.json") && String::from_utf8_lossy(bytes).contains(&rule)
        })
        .map(|(path, _)| {
            let text = String::from_utf8_lossy(&all[&path.with_file_name("cells.csv")]);
            let rows = text.lines().skip(1).filter_map(|row| row.split_once(','));
            rows.map(|(_, cell)| cell.parse().expect("a number"))
                .collect()
        })
        .collect();
    assert_eq!(lists.len(), 2, "one entry for each part of the movie");
    lists.dedup();
    assert_eq!(lists.len(), 1, "{lists:?}");
    lists.remove(0)
}

#[test]
fn cells_and_bins_that_are_not_there_are_errors() {
    let experiment = recorded();
    for (set, saying) in [
        (
            "recording.sites=random:6",
            "`sites` is `random:6`, but the recording has 5 cells",
        ),
        (
            "recording.sites=[4, 5]",
            "cell 5 of the subset is out of range",
        ),
        (
            "recording.bins=10:21",
            "bins 10:21 were asked for, but a repeat has 20 bins",
        ),
    ] {
        let ended = experiment.run(&["--set", set]).with_code(1);
        ended.saying(&["task `recording` failed: ", saying]);
    }
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
