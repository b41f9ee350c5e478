//! Spikes to bits: by hand, there and back, and what is refused.

use proptest::prelude::*;

use super::super::array::ByteOrder;
use super::super::fixtures::{MatVariable, mat_header, mat_matrix, npy_file, read_with};
use super::super::{Column, DenseColumns, Warning, read_bytes};
use super::*;

fn spike_times(bin_ms: f64) -> SpikeTimes {
    SpikeTimes {
        columns: Vec::new(),
        time_unit: TimeUnit::Seconds,
        bin_ms,
        start_s: None,
        duration_s: None,
    }
}

fn columns(words: &[&str]) -> Vec<SpikeColumn> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn request(name: &str, how: SpikeTimes) -> ReadRequest {
    ReadRequest {
        path: name.into(),
        spikes: Some(how),
        ..ReadRequest::default()
    }
}

fn read(text: &str, how: SpikeTimes) -> Result<Recording, RecordingError> {
    read_with(text.as_bytes(), &request("a.csv", how))
}

/// The active cells, each as its row and the number of its cell.
fn active(recording: &Recording) -> Vec<(usize, u64)> {
    let cells = recording.labels.iter().enumerate();
    let cells: Vec<(usize, u64)> = cells.map(|(column, &label)| (column, label)).collect();
    let rows = 0..recording.bins();
    rows.flat_map(|row| {
        cells
            .iter()
            .map(move |&(column, label)| (row, column, label))
    })
    .filter(|&(row, column, _)| recording.data.get(row, column))
    .map(|(row, _, label)| (row, label))
    .collect()
}

#[test]
fn a_bin_holds_its_beginning_and_not_its_end() {
    let text = "cell,time\n7,0.0\n3,0.0199\n3,0.02\n3,0.039999\n7,0.06\n";
    let recording = read(text, spike_times(20.0)).unwrap();
    assert_eq!(recording.labels, [3, 7]);
    assert_eq!((recording.repeats, recording.bins_per_repeat), (1, 4));
    assert_eq!(active(&recording), [(0, 3), (0, 7), (1, 3), (3, 7)]);
    // Two spikes of cell 3 lie in bin 1: one of five does not count.
    let shared = Warning::SpikesShareBins { spikes: 1, of: 5 };
    assert_eq!(recording.notes, [shared]);
}

/// The bin of a spike at this time, written out in full.
fn bin_of(time: f64, how: SpikeTimes) -> usize {
    let recording = read(&format!("1,{time:?}\n"), how).unwrap();
    recording.bins() - 1
}

#[test]
fn an_edge_belongs_to_the_bin_that_it_begins() {
    let (time, width): (f64, f64) = (0.3, 0.1);
    assert!(time / width < 3.0, "the quotient is rounded to below 3");
    assert_eq!(bin_of(time, spike_times(100.0)), 3);
    assert_eq!(bin_of(0.06, spike_times(20.0)), 3);
    for bin_ms in [20.0, 10.0, 1.0, 0.1, 16.7, 33.333, 1000.0 / 60.0] {
        for edge in (0..400).chain([9_999, 100_000]) {
            let steps = f64::from(edge);
            let seconds = bin_ms / 1000.0;
            // The edge as it may have been computed, in three ways and with another start.
            for time in [
                steps * bin_ms / 1000.0,
                steps * seconds,
                steps / (1.0 / seconds),
            ] {
                let found = bin_of(time, spike_times(bin_ms));
                assert_eq!(found, edge as usize, "{time} in bins of {bin_ms} ms");
            }
            let later = SpikeTimes {
                start_s: Some(7.3),
                ..spike_times(bin_ms)
            };
            assert_eq!(bin_of(7.3 + steps * seconds, later), edge as usize);
            // A thousandth of a bin off an edge is off the edge.
            let before = (steps + 0.999) * seconds;
            assert_eq!(bin_of(before, spike_times(bin_ms)), edge as usize);
        }
    }
}

#[test]
fn milliseconds_are_milliseconds() {
    let milliseconds = SpikeTimes {
        time_unit: TimeUnit::Milliseconds,
        ..spike_times(20.0)
    };
    let text = "1,0\n2,19.5\n1,20\n1,60\n";
    let recording = read(text, milliseconds).unwrap();
    assert_eq!(active(&recording), [(0, 1), (0, 2), (1, 1), (3, 1)]);
    let seconds = read("1,0\n2,0.0195\n1,0.02\n1,0.06\n", spike_times(20.0));
    assert_eq!(recording, seconds.unwrap());
}

#[test]
fn what_lies_outside_of_the_time_asked_for_is_counted() {
    let how = SpikeTimes {
        start_s: Some(1.0),
        // Four and a half bins: the last half is no bin.
        duration_s: Some(0.45),
        ..spike_times(100.0)
    };
    let text = "1,-3\n1,0.99\n1,1.0\n2,1.39\n1,1.4\n2,1.44\n5,9\n";
    let recording = read(text, how.clone()).unwrap();
    assert_eq!(recording.bins(), 4);
    // Cell 5 has no spike inside, but it is there.
    assert_eq!(recording.labels, [1, 2, 5]);
    assert_eq!(active(&recording), [(0, 1), (3, 2)]);
    let outside = Warning::SpikesOutside {
        before: 2,
        after: 3,
    };
    assert_eq!(recording.notes, [outside]);
    assert!(
        recording
            .warnings()
            .contains(&Warning::SilentCells { cells: vec![2] })
    );
    // A duration that no spike reaches adds silence.
    let long = SpikeTimes {
        start_s: None,
        duration_s: Some(0.3),
        ..how
    };
    let recording = read("1,0.05\n", long).unwrap();
    assert_eq!((recording.bins(), active(&recording)), (3, vec![(0, 1)]));
}

#[test]
fn a_column_of_repeats_is_followed() {
    let how = SpikeTimes {
        columns: columns(&["repeat", "time", "cell"]),
        ..spike_times(100.0)
    };
    // Repeat 4 is the longest, with three bins; there is no repeat 3.
    let text = "4,0.25,1\n2,0.0,1\n5,0.15,8\n2,0.1,8\n";
    let recording = read(text, how.clone()).unwrap();
    assert_eq!((recording.repeats, recording.bins_per_repeat), (3, 3));
    assert_eq!(active(&recording), [(0, 1), (1, 8), (5, 1), (7, 8)]);
    let missing = Warning::RepeatsMissing {
        missing: 1,
        first: 2,
        last: 5,
    };
    assert_eq!(recording.notes, [missing]);
    let mut asked = request("a.csv", how);
    asked.repeats = Some(4);
    let error = read_with(text.as_bytes(), &asked).unwrap_err();
    assert!(matches!(
        error,
        RecordingError::RepeatsDiffer { found: 3, asked: 4 }
    ));
}

#[test]
fn one_long_recording_is_cut_into_equal_stretches() {
    let mut request = request("a.csv", spike_times(100.0));
    request.repeats = Some(3);
    // Eight bins: two for each stretch, two are left over.
    let text = "1,0.0\n1,0.1\n2,0.25\n1,0.55\n2,0.6\n1,0.75\n";
    let recording = read_with(text.as_bytes(), &request).unwrap();
    assert_eq!((recording.repeats, recording.bins_per_repeat), (3, 2));
    assert_eq!(active(&recording), [(0, 1), (1, 1), (2, 2), (5, 1)]);
    let left = Warning::BinsLeftOver {
        bins: 2,
        spikes: 2,
        repeats: 3,
    };
    assert_eq!(recording.notes, [left]);
    for repeats in [0, 9] {
        request.repeats = Some(repeats);
        let error = read_with(text.as_bytes(), &request).unwrap_err();
        assert!(
            matches!(error, RecordingError::TooFewBins { bins: 8, .. }),
            "{error}"
        );
    }
}

/// Three spikes, column by column: cell, time, repeat.
const TABLE: [[f64; 3]; 3] = [[5.0, 2.0, 5.0], [0.5, 0.25, 0.0], [1.0, 0.0, 0.0]];

fn assert_table(found: Result<Recording, RecordingError>) {
    let recording = found.unwrap();
    assert_eq!((recording.repeats, recording.bins_per_repeat), (2, 3));
    assert_eq!(active(&recording), [(0, 5), (1, 2), (5, 5)]);
}

fn with_columns(words: &[&str]) -> SpikeTimes {
    SpikeTimes {
        columns: columns(words),
        ..spike_times(250.0)
    }
}

#[test]
fn every_format_gives_the_same_recording() {
    let [cells, times, repeats] = TABLE;
    let bytes = |values: &[f64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let in_order = with_columns(&["cell", "time", "repeat"]);
    assert_table(read("5 0.5 1\n2 0.25 0\n5 0 0\n", in_order.clone()));
    // By name: in any order, with others between.
    let named = "x;repeat;cell;time\n9;1;5;0.5\n9;0;2;0.25\n9;0;5;0\n";
    assert_table(read(named, in_order.clone()));
    let called = with_columns(&["time:t", "repeat:trial no", "cell:unit"]);
    assert_table(read(
        "unit,trial no,t\n5,1,0.5\n2,0,0.25\n5,0,0\n",
        called.clone(),
    ));
    // A column that is passed over.
    let over = with_columns(&["cell", "-", "time", "repeat"]);
    assert_table(read("5,8,0.5,1\n2,8,0.25,0\n5,8,0,0\n", over));

    let by_column = bytes(&[cells, times, repeats].concat());
    let fortran = npy_file("<f8", "True", "(3, 3)", &by_column);
    assert_table(read_with(&fortran, &request("a.npy", in_order.clone())));
    let by_row: Vec<f64> = (0..3)
        .flat_map(|row| [cells[row], times[row], repeats[row]])
        .collect();
    let c = npy_file("<f8", "False", "(3, 3)", &bytes(&by_row));
    assert_table(read_with(&c, &request("a.npy", in_order.clone())));

    let matrix = |name, shape: &[u32], values: Vec<u8>| {
        let variable = MatVariable {
            name,
            flags: 6,
            shape: shape.to_vec(),
            kind: 9,
            values,
        };
        mat_matrix(&variable, ByteOrder::Little, true)
    };
    let header = || mat_header(ByteOrder::Little);
    let one = [header(), matrix("spikes", &[3, 3], by_column)].concat();
    assert_table(read_with(&one, &request("a.mat", in_order)));
    let several = [
        header(),
        matrix("unit", &[1, 3], bytes(&cells)),
        matrix("other", &[2, 2], bytes(&[0.0; 4])),
        matrix("t", &[3, 1], bytes(&times)),
        matrix("trial no", &[3, 1], bytes(&repeats)),
    ]
    .concat();
    assert_table(read_with(&several, &request("a.mat", called.clone())));

    let table = || {
        let named = [("trial no", repeats), ("unit", cells), ("t", times)];
        let column = |(name, values): (&str, [f64; 3])| Column {
            name: name.to_owned(),
            values: values.to_vec(),
        };
        DenseColumns {
            columns: named.into_iter().map(column).collect(),
        }
    };
    let request = request("a.parquet", called);
    assert_table(read_bytes(b"", &request, &|_| Ok(table())));
}

#[track_caller]
fn assert_refused(text: &str, how: SpikeTimes, start: &str) {
    let error = read(text, how).unwrap_err().to_string();
    assert!(error.starts_with(start), "{error}\n{start}");
}

#[test]
fn spikes_that_make_no_sense_are_named_with_file_and_row() {
    let good = || spike_times(20.0);
    for (text, start) in [
        (
            "1,0.5\n1,nan\n",
            "file `a.csv`, spike 2: time is NaN, expected a finite number",
        ),
        (
            "1,inf\n",
            "file `a.csv`, spike 1: time is inf, expected a finite number",
        ),
        (
            "1,0.5\n2,-0.1\n",
            "file `a.csv`, spike 2: time is -0.1, expected no time before 0: say by `start_s`",
        ),
        (
            "1,1\n1.5,1\n",
            "file `a.csv`, spike 2: cell is 1.5, expected a whole number from 0",
        ),
        (
            "-1,1\n",
            "file `a.csv`, spike 1: cell is -1, expected a whole number",
        ),
        (
            "nan,1\n",
            "file `a.csv`, spike 1: cell is NaN, expected a whole number",
        ),
        ("1e300,1\n", "file `a.csv`, spike 1: cell is 1"),
        (
            "",
            "file `a.csv` has 0 columns, expected 2 as in `columns`, [cell, time]",
        ),
        (
            "cell,time\n",
            "file `a.csv` has no spike, expected a row a spike",
        ),
        ("1,2\n1,x\n", "`x` in line 2, field 2, expected a number"),
        ("1,2\n1\n", "line 2 has 1 values, the first has 2"),
    ] {
        assert_refused(text, good(), start);
    }
    let start = "file `a.csv` has a header of 2 names, expected 3, one a column";
    assert_refused("cell,time\n1,2,3\n", good(), start);
    let repeats = with_columns(&["cell", "time", "repeat"]);
    let start = "file `a.csv`, spike 1: repeat is -2, expected a whole number";
    assert_refused("1,1,-2\n", repeats, start);
    let later = SpikeTimes {
        start_s: Some(100.0),
        ..good()
    };
    let start = "file `a.csv` has 2 spikes, but none in the time asked for, expected spikes";
    assert_refused("1,2\n1,3\n", later, start);
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let two = || spike_times(20.0);
    let unit = || with_columns(&["cell:unit", "time"]);
    for (text, how, start) in [
        (
            "1,2,3\n",
            two(),
            "file `a.csv` has 3 columns, expected 2 as in `columns`, [cell, time]: say in",
        ),
        (
            "unit,time\n1,2\n",
            two(),
            "file `a.csv` has the columns `unit`, `time` but no `cell`, expected a column `cell`: say in",
        ),
        (
            "1,2\n",
            unit(),
            "file `a.csv` has no names of columns, expected the names of [cell:unit, time]",
        ),
        (
            "cell,time,repeat\n1,2,0\n",
            two(),
            "file `a.csv` has the columns `cell`, `time`, `repeat`, expected `repeat` among",
        ),
        (
            "1,2\n",
            with_columns(&["cell", "cell"]),
            "columns are [cell, cell], expected `cell` and `time` once each",
        ),
    ] {
        assert_refused(text, how, start);
    }
    for word in ["", "cells", "cell:", "-:x", "x:cell"] {
        assert!(word.parse::<SpikeColumn>().is_err(), "{word}");
    }
    let flat = npy_file("<f8", "False", "(4,)", &[0; 32]);
    let error = read_with(&flat, &request("a.npy", two())).unwrap_err();
    let expected = "file `a.npy` has an array of shape [4], expected two axes";
    assert!(error.to_string().starts_with(expected), "{error}");
    // A table that lies on its side is not read into so many columns.
    let side = npy_file("|u1", "False", "(2, 100000)", &vec![0; 200_000]);
    let error = read_with(&side, &request("a.npy", two())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("100000 columns, expected at most"),
        "{error}"
    );
}

#[test]
fn bins_beyond_all_bounds_are_refused_before_anything_is_allocated() {
    for (text, bin_ms) in [
        ("1,0\n1,1e12\n", 1.0),
        ("1,1e308\n", 20.0),
        ("1,1\n", 1e-300),
        ("1,1e300\n", 1e-300),
    ] {
        let error = read(text, spike_times(bin_ms)).unwrap_err();
        assert!(
            matches!(error, RecordingError::TooManyBins { .. }),
            "{error}"
        );
    }
    // 10^9 bins of one cell take 8 GB; the same file in milliseconds is small.
    let error = read("1,0\n1,1e6\n", spike_times(1.0))
        .unwrap_err()
        .to_string();
    let start = "file `a.csv`: time 1000000 of spike 2 makes 1.000000001e9 bins, of 1 cells";
    assert!(error.starts_with(start), "{error}");
    let repeats = SpikeTimes {
        duration_s: Some(1e5),
        ..with_columns(&["cell", "time", "repeat"])
    };
    let rows: Vec<String> = (0..1000).map(|n| format!("1,1,{n}\n")).collect();
    let text = rows.concat();
    let error = read(&text, repeats).unwrap_err();
    assert!(
        matches!(error, RecordingError::TooManyBins { repeats: 1000, .. }),
        "{error}"
    );
    for huge in ["(4294967296, 4)", "(18446744073709551615, 2)"] {
        let bytes = npy_file("|u1", "False", huge, &[0; 8]);
        let error = read_with(&bytes, &request("a.npy", spike_times(1.0))).unwrap_err();
        assert!(
            matches!(error, RecordingError::TooManyValues { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_grid_that_makes_no_sense_is_refused() {
    let grid = |bin_ms, start_s, duration_s| SpikeTimes {
        start_s,
        duration_s,
        ..spike_times(bin_ms)
    };
    for (how, start) in [
        (
            grid(0.0, None, None),
            "`bin_ms` is 0, expected a number above 0",
        ),
        (grid(f64::NAN, None, None), "`bin_ms` is NaN"),
        (grid(1.0, Some(f64::INFINITY), None), "`start_s` is inf"),
        (grid(1.0, None, Some(-1.0)), "`duration_s` is -1"),
        (
            grid(20.0, None, Some(0.019)),
            "`duration_s` is 0.019, expected at least one bin",
        ),
    ] {
        assert_refused("1,0\n", how, start);
    }
}

/// Bits of repeats x bins x cells, of which every cell and every repeat has one.
fn bits() -> impl Strategy<Value = (usize, usize, usize, Vec<bool>)> {
    (1_usize..5, 1_usize..30, 1_usize..70).prop_flat_map(|(repeats, bins, cells)| {
        let rows = repeats * bins;
        let all = prop::collection::vec(any::<bool>(), rows * cells);
        let all = all.prop_map(move |mut all| {
            (0..cells).for_each(|cell| all[(7 * cell % rows) * cells + cell] = true);
            (0..repeats).for_each(|repeat| all[repeat * bins * cells + repeat % cells] = true);
            all
        });
        (Just(repeats), Just(bins), Just(cells), all)
    })
}

proptest! {
    #[test]
    fn bits_come_back_from_their_spikes(
        (repeats, bins, cells, bits) in bits(),
        bin_ms in prop::sample::select(vec![20.0, 1.0, 16.7, 0.3]),
        phase in prop::sample::select(vec![0.0, 0.5, 0.99]),
    ) {
        use std::fmt::Write as _;
        let mut text = String::new();
        for (index, _) in bits.iter().enumerate().filter(|(_, bit)| **bit).rev() {
            let (row, cell) = (index / cells, index % cells);
            let time = ((row % bins) as f64 + phase) * (bin_ms / 1000.0);
            writeln!(text, "{},{time:?},{}", 3 * cell + 1, row / bins + 10).unwrap();
        }
        let how = SpikeTimes {
            columns: columns(&["cell", "time", "repeat"]),
            duration_s: Some(bins as f64 * bin_ms / 1000.0),
            ..spike_times(bin_ms)
        };
        let recording = read(&text, how).unwrap();
        prop_assert_eq!((recording.repeats, recording.bins_per_repeat), (repeats, bins));
        prop_assert_eq!(recording.cells(), cells);
        for (index, &bit) in bits.iter().enumerate() {
            prop_assert_eq!(recording.data.get(index / cells, index % cells), bit);
        }
        prop_assert_eq!(recording.notes, []);
    }

    #[test]
    fn no_table_of_numbers_panics(
        rows in prop::collection::vec((odd_number(), odd_number(), odd_number()), 0..20),
        bin_ms in odd_number(),
        start_s in prop::option::of(odd_number()),
        duration_s in prop::option::of(odd_number()),
        repeats in prop::option::of(0_usize..30),
        with_repeats: bool,
    ) {
        let lines = rows.iter();
        let lines = lines.map(|(cell, time, repeat)| format!("{cell:?},{time:?},{repeat:?}\n"));
        let text = lines.collect::<Vec<String>>().concat();
        let third = if with_repeats { "repeat" } else { "-" };
        let how = SpikeTimes {
            columns: columns(&["cell", "time", third]),
            start_s,
            duration_s,
            ..spike_times(bin_ms)
        };
        let mut request = request("a.csv", how);
        request.repeats = repeats;
        if let Ok(recording) = read_with(text.as_bytes(), &request) {
            prop_assert!(recording.bins() > 0 && recording.cells() > 0);
            let ones: usize = recording.active_bins().iter().sum();
            prop_assert!(ones <= rows.len());
        }
    }

    #[test]
    fn no_text_panics(text in "[0-9.,;\n\r\"eE cnt-]{0,200}", name in prop::sample::select(vec!["a.csv", "a.npy", "a.mat"])) {
        // A few bytes can ask for 2 GiB of bits, so the time is bounded here.
        let how = SpikeTimes {
            start_s: Some(0.0),
            duration_s: Some(10.0),
            ..spike_times(20.0)
        };
        if let Ok(recording) = read_with(text.as_bytes(), &request(name, how)) {
            prop_assert!(recording.bins() == 500 && recording.cells() <= text.len());
        }
    }
}

/// Numbers of all sizes, among them those that are none.
fn odd_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0_u8..6).prop_map(f64::from),
        (0_u16..2000).prop_map(|n| f64::from(n) / 100.0),
        any::<f64>(),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, -0.0, -1.0, 1e15, 1e-9]),
    ]
}
