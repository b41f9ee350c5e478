//! `compare` and `show`: what people and programs read of finished tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use latentfield::tables::{self, Column, Table};
use serde_json::Value;

use crate::support::{Ended, Experiment, POINT, SWEEP, files, text};

/// The results of [`POINT`] in `results`, and of a narrower network in `other`.
fn two_folders() -> Experiment {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let narrow = ["--results", "other", "--set", "vae.hidden=[8]"];
    experiment.run(&narrow).with_code(0);
    experiment
}

const FOLDERS: [&str; 3] = ["compare", "results/trial", "other/trial"];

fn compare(experiment: &Experiment, options: &[&str]) -> Ended {
    experiment.call(&[&FOLDERS, options].concat())
}

/// The comparison as JSON.
fn json(experiment: &Experiment, options: &[&str]) -> Value {
    let ended = compare(experiment, &[&["--format", "json"], options].concat()).with_code(0);
    serde_json::from_str(&ended.stdout).expect("JSON")
}

fn rows(comparison: &Value) -> &Vec<Value> {
    comparison["rows"].as_array().expect("rows")
}

fn table(path: &Path) -> Table {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    tables::from_bytes(&bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .0
}

#[test]
fn a_narrower_network_is_named_and_exactly_what_exceeds_the_tolerance_is_flagged() {
    let experiment = two_folders();
    let before = (
        files(&experiment.path("results/trial")),
        files(&experiment.path("other/trial")),
    );
    let all = json(&experiment, &["--tolerance", "training.elbo_nats=0.05"]);
    let manifest = &all["differences"][0]["manifest"];
    let paths: Vec<String> = manifest
        .as_array()
        .unwrap()
        .iter()
        .map(|d| text(&d["path"]))
        .collect();
    assert!(paths.contains(&"vae.hidden".to_owned()), "{manifest}");
    assert!(
        paths.iter().all(|path| path.starts_with("vae.")),
        "{manifest}"
    );
    // The truth, from the tables: the ELBO of each epoch has no error bar.
    let elbo = |folder: &str| {
        let table = table(
            &experiment
                .path(folder)
                .join("trial/tables/training.parquet"),
        );
        table.numbers("elbo_nats").unwrap().to_vec()
    };
    let (wide, narrow) = (elbo("results"), elbo("other"));
    let pairs = wide.iter().zip(&narrow).enumerate();
    let expected: BTreeMap<usize, bool> = pairs
        .map(|(row, (wide, narrow))| (row + 1, (wide.unwrap() - narrow.unwrap()).abs() > 0.05))
        .collect();
    let of_training = rows(&all).iter().filter(|row| row["table"] == "training");
    let found: BTreeMap<usize, bool> = of_training
        .filter(|row| row["quantity"] == "elbo_nats")
        .map(|row| {
            (
                row["at"]["epoch"].as_u64().unwrap() as usize,
                row["verdict"] == "differs",
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert!(found.values().any(|differs| *differs), "{found:?}");
    // What the network has no part in is the same, bit for bit.
    for row in rows(&all).iter().filter(|row| row["table"] == "sampling") {
        assert_eq!(row["verdict"], "same", "{row}");
    }
    let said = compare(&experiment, &[]).with_code(0).stdout;
    assert!(said.contains("manifest: vae.hidden: [16] → [8]"), "{said}");
    let after = (
        files(&experiment.path("results/trial")),
        files(&experiment.path("other/trial")),
    );
    assert!(before == after, "a folder that is compared is changed");
}

#[test]
fn a_folder_is_the_same_as_another_run_of_it() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    experiment.run(&["--results", "other"]).with_code(0);
    let all = compare(&experiment, &["--fail-on", "changed,missing"]).with_code(0);
    assert!(
        all.stdout.contains("manifest: no difference"),
        "{}",
        all.stdout
    );
    let changed = json(&experiment, &["--changed"]);
    assert!(rows(&changed).is_empty(), "{changed}");
    assert!(
        changed["verdicts"]["same"].as_u64().unwrap() > 100,
        "{changed}"
    );
    assert_eq!(changed["tests"], 0);
}

#[test]
fn exit_codes_follow_what_was_asked_for() {
    let experiment = two_folders();
    let strict = ["--relative", "0", "--tables", "training"];
    let fail = |on: &str, code: i32| {
        let options = [&strict[..], &["--fail-on", on]].concat();
        compare(&experiment, &options).with_code(code)
    };
    fail("never", 0);
    fail("differs", 1).saying(&["values differ, expected none"]);
    fail("changed", 1);
    fail("missing", 0);
    std::fs::remove_file(experiment.path("other/trial/tables/spectrum.parquet")).unwrap();
    compare(&experiment, &["--fail-on", "missing"])
        .with_code(1)
        .saying(&["1 tables are missing"]);
}

#[test]
fn points_and_replicates_are_joined_on_the_swept_parameter() {
    let experiment = Experiment::new(POINT);
    experiment.run(&SWEEP).with_code(0);
    let one = ["--results", "other", "--set", "model.temperature=1.2"];
    experiment.run(&one).with_code(0);
    let all = json(
        &experiment,
        &["--tables", "likelihood", "--keep", "elbo_nats"],
    );
    let verdicts: Vec<String> = rows(&all).iter().map(|row| text(&row["verdict"])).collect();
    assert_eq!(verdicts.len(), 2, "{all}");
    for row in rows(&all) {
        let at = row["at"]["temperature"].as_f64().unwrap();
        let expected = if at > 1.0 { 2.0 } else { 1.0 };
        assert_eq!(
            row["verdict"] == "only in baseline",
            expected < 2.0,
            "{row}"
        );
        assert_eq!(row["baseline"]["replicates"], 2, "{row}");
    }
    let notes = all["notes"].to_string();
    assert!(notes.contains("`temperature` is swept in"), "{notes}");
}

#[test]
fn every_format_holds_the_same_rows() {
    let experiment = two_folders();
    let count = rows(&json(&experiment, &[])).len();
    let options = ["--format", "parquet", "--output", "out/comparison.parquet"];
    compare(&experiment, &options).with_code(0);
    let comparison = table(&experiment.path("out/comparison.parquet"));
    assert_eq!(
        (comparison.name(), comparison.rows()),
        ("comparison", count)
    );
    let markdown = compare(&experiment, &["--format", "markdown", "--rows", "0"]).with_code(0);
    let lines = markdown.stdout.lines();
    let grid = lines.filter(|line| {
        line.starts_with("| ") && !line.contains("| verdict |") && !line.contains("| --- |")
    });
    assert_eq!(grid.count(), count, "{}", markdown.stdout);
    let text = compare(&experiment, &["--output", "out/comparison.txt"]).with_code(0);
    assert!(text.stdout.is_empty(), "{}", text.stdout);
    assert!(experiment.path("out/comparison.txt").is_file());
    compare(&experiment, &["--format", "parquet"])
        .with_code(2)
        .saying(&["--output"]);
}

#[test]
fn rows_are_sorted_by_the_column_that_was_asked_for() {
    let experiment = two_folders();
    let epochs = |sort: &str| -> Vec<u64> {
        let options = ["--keep", r"^training\.elbo_nats$", "--sort", sort];
        let all = json(&experiment, &options);
        rows(&all)
            .iter()
            .map(|row| row["at"]["epoch"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(epochs("epoch"), [1, 2, 3, 4]);
    assert_eq!(epochs("-epoch"), [4, 3, 2, 1]);
    compare(&experiment, &["--sort", "epok"])
        .with_code(2)
        .saying(&["`epok`", "`epoch`"]);
}

#[test]
fn a_figure_is_drawn_of_each_quantity() {
    let experiment = two_folders();
    compare(
        &experiment,
        &["--tables", "training,likelihood", "--plots", "figures"],
    )
    .with_code(0)
    .saying(&["figures in figures"]);
    for name in ["training.elbo_nats", "likelihood.rate_nats"] {
        let image = std::fs::read(experiment.path(&format!("figures/{name}.png")));
        assert!(image.unwrap().starts_with(b"\x89PNG"), "{name}");
    }
}

#[test]
fn tolerances_of_the_baseline_count_unless_the_command_line_says_otherwise() {
    let experiment = two_folders();
    let path = "results/trial/tolerances.toml";
    experiment.write(
        path,
        b"level = 0.02\n[tolerances]\ntraining.elbo_nats = 1000\n\"rate_nats\" = \"500%\"\n",
    );
    let only = [
        "--keep",
        r"^training\.(elbo|rate)_nats$",
        "--fail-on",
        "differs",
    ];
    let all = json(&experiment, &only);
    assert_eq!(all["level"], 0.02);
    assert!(
        rows(&all).iter().all(|row| row["verdict"] == "same"),
        "{all}"
    );
    let strict = [&only[..], &["--tolerance", "training.elbo_nats=0"]].concat();
    compare(&experiment, &strict).with_code(1);
    for (text, words) in [
        ("[tolerance]\na = 1\n", "found key `tolerance`"),
        ("[tolerances]\na = true\n", "`a` is true"),
        ("[tolerances]\nelbo_nat = 1\n", "did you mean `elbo_nats`"),
        ("[tolerances]\nelbo_nats = -1\n", "-1"),
        ("relative = \"x\"\n", "`relative`"),
        ("level = 2\n", "`level` is 2"),
        ("=\n", "tolerances.toml"),
    ] {
        experiment.write(path, text.as_bytes());
        compare(&experiment, &[]).with_code(2).saying(&[words]);
    }
}

#[test]
fn wrong_words_end_with_code_2_and_a_way_out() {
    let experiment = two_folders();
    for (options, words) in [
        (
            &["--baseline", "third"][..],
            "expected one of: results/trial, other/trial",
        ),
        (&["--tables", "likelyhood"], "did you mean `likelihood`"),
        (&["--keep", "("], "--keep"),
        (&["--keep", "nothing"], "nothing can be compared"),
        (&["--on", "epok"], "did you mean `epoch`"),
        (&["--tolerance", "elbo_nats"], "expected NAME=VALUE"),
        (&["--tolerance", "elbo_nats=-1"], "expected NAME=VALUE"),
        (&["--tolerance", "elbow_nats=1"], "did you mean `elbo_nats`"),
        (&["--relative", "-1"], "relative"),
        (&["--level", "0"], "`level` is 0"),
        (&["--rows", "x"], "--rows"),
    ] {
        compare(&experiment, options).with_code(2).saying(&[words]);
    }
    experiment.call(&["compare", "results/trial"]).with_code(2);
    let none = experiment
        .call(&["compare", "results/trial", "results"])
        .with_code(2);
    none.saying(&["`results` has no tables", "results/<experiment>"]);
    experiment.write("other/trial/tables/spectrum.parquet", b"PAR1 no more");
    compare(&experiment, &[])
        .with_code(2)
        .saying(&["spectrum.parquet"]);
}

#[test]
fn folders_of_the_same_name_go_by_their_paths_and_either_can_be_the_baseline() {
    let experiment = two_folders();
    for (baseline, other) in [
        ("results/trial", "other/trial"),
        ("other/trial", "results/trial"),
    ] {
        let all = json(&experiment, &["--baseline", baseline]);
        assert_eq!(all["baseline"], baseline);
        assert_eq!(rows(&all)[0]["folder"], other);
    }
}

/// A table `rates` of so many rows, a little apart by `shift`.
fn rates(rows: usize, shift: f64) -> Table {
    let text = |word: &str| Column::Text(vec![word.to_owned(); rows]);
    let integers =
        |of: fn(usize) -> usize| Column::Integer((0..rows).map(|row| of(row) as i64).collect());
    let columns = vec![
        ("point", integers(|row| row / 1000)),
        ("replicate", Column::Integer(vec![0; rows])),
        ("seed", text("1")),
        (
            "temperature",
            Column::Number((0..rows).map(|row| Some((row / 1000) as f64)).collect()),
        ),
        ("source", text("data")),
        ("site", integers(|row| row % 1000)),
        (
            "rate",
            Column::Number(
                (0..rows)
                    .map(|row| Some((row as f64).sin() + shift))
                    .collect(),
            ),
        ),
        ("standard_error", Column::Number(vec![Some(0.25); rows])),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name.to_owned(), column));
    Table::from_columns("rates", columns.collect()).expect("a table")
}

/// `docs/compare.md` has the time that it takes; here only that it is not quadratic: a
/// hundred million pairs of rows would take longer than this on any machine.
#[test]
fn ten_thousand_rows_are_compared_in_a_moment() {
    let experiment = Experiment::new(POINT);
    for (name, shift) in [("a", 0.0), ("b", 0.5)] {
        let folder = experiment.path(name).join("tables");
        std::fs::create_dir_all(&folder).unwrap();
        let bytes = tables::to_bytes(&rates(10_000, shift), &BTreeMap::new()).unwrap();
        std::fs::write(folder.join("rates.parquet"), bytes).unwrap();
    }
    let start = Instant::now();
    let ended = experiment.call(&["compare", "a", "b"]).with_code(0);
    let seconds = start.elapsed();
    assert!(
        ended
            .stdout
            .contains("10000 values in 1 tables: 10000 undecided"),
        "{}",
        ended.stdout
    );
    assert!(seconds < Duration::from_secs(10), "{seconds:?}");
}

fn show(experiment: &Experiment, options: &[&str]) -> Ended {
    experiment.call(&[&["show"], options].concat())
}

#[test]
fn show_chooses_rows_and_columns_in_every_format() {
    let experiment = Experiment::new(POINT);
    experiment.run(&SWEEP).with_code(0);
    let path = "results/trial/tables/likelihood.parquet";
    let cold = [
        "--where",
        "temperature=0.6",
        "--columns",
        "temperature,replicate,elbo_nats",
    ];
    let csv = show(
        &experiment,
        &[&[path], &cold[..], &["--format", "csv"]].concat(),
    )
    .with_code(0);
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(lines[0], "temperature,replicate,elbo_nats");
    assert_eq!(lines.len(), 3, "{lines:?}");
    // Numbers in full, as they stand in the table.
    let elbo = experiment.table("likelihood").numbers("elbo_nats").unwrap()[0].unwrap();
    assert_eq!(lines[1], format!("0.6,0,{elbo}"));
    // Short forms mean the same table.
    for short in [
        "results/trial/likelihood",
        "trial/likelihood",
        "results/trial/likelihood.parquet",
    ] {
        let same = show(
            &experiment,
            &[&[short], &cold[..], &["--format", "csv"]].concat(),
        );
        assert_eq!(same.with_code(0).stdout, csv.stdout, "{short}");
    }
    let sorted = [
        "--sort",
        "-elbo_nats",
        "--where",
        "replicate=1",
        "--format",
        "json",
    ];
    let json = show(&experiment, &[&[path], &sorted[..]].concat()).with_code(0);
    let rows: Vec<Value> = serde_json::from_str(&json.stdout).unwrap();
    let values: Vec<f64> = rows
        .iter()
        .map(|row| row["elbo_nats"].as_f64().unwrap())
        .collect();
    assert!(values.len() == 2 && values[0] > values[1], "{values:?}");
    let markdown = [
        "--format",
        "markdown",
        "--rows",
        "1",
        "--precision",
        "3",
        "--columns",
        "temperature",
    ];
    let markdown = show(&experiment, &[&[path], &markdown[..]].concat()).with_code(0);
    assert_eq!(
        markdown.stdout,
        "| temperature |\n| --- |\n| 0.6 |\n1 of 4 rows\n"
    );
}

#[test]
fn show_says_what_there_is_instead() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    for (options, words) in [
        (&["trial/likelyhood"][..], "did you mean"),
        (&["results/trial/tables/likelyhood.parquet"], "did you mean"),
        (&["results/trial"], "results/trial"),
        (&["nowhere/x"], "expected results/<experiment>/<name>"),
        (
            &["trial/training", "--where", "epok=1"],
            "did you mean `epoch`",
        ),
        (&["trial/training", "--where", "epoch"], "is no condition"),
        (&["trial/training", "--where", "epoch=x"], "`x`"),
        (&["trial/training", "--columns", "elbo"], "no column `elbo`"),
        (&["trial/training", "--sort", "elbo"], "no column `elbo`"),
        (&["manifest.toml"], "manifest.toml"),
    ] {
        show(&experiment, options).with_code(2).saying(&[words]);
    }
}
