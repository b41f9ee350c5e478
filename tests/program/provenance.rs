//! What results say of where they come from, and whether they can be had again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use latentfield::manifest::{self, Sources};
use latentfield::tables::{self, Cell};
use serde_json::{Value, json};

use crate::support::{Experiment, POINT, SWEEP, files, names, paths};

/// Experiments that have no reference yet. This list only becomes shorter.
const AWAITED: &[&str] = &[
    "curie_weiss_sweep",
    "hopfield_eight_patterns",
    "hopfield_load",
    "ising_control",
    "maier_saupe_sweep",
    "retina",
    "retina50",
    "retina50_cells",
    "retina50_latents",
    "retina50_models",
    "retina50_movie",
    "synthetic_population",
];

/// Largest size of a reference, in bytes: a mebibyte.
const LARGEST: usize = 1 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn json_file(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The manifests of `experiments` and `experiments/smoke`.
fn manifests() -> Vec<PathBuf> {
    let folders = [root().join("experiments"), root().join("experiments/smoke")];
    let all = folders.iter().flat_map(|folder| {
        let names = names(folder).into_iter();
        names.map(|name| folder.join(name))
    });
    all.filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect()
}

#[track_caller]
fn load(path: &Path) -> manifest::Manifest {
    let sources = Sources::read(path, None, Vec::new(), &latentfield::stages::parquet_points);
    let sources = sources.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    manifest::load(&sources, tables::column_names())
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The points, with files by their names alone.
fn points(path: &Path) -> Value {
    fn shorten(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(shorten),
            Value::Object(members) => members.values_mut().for_each(shorten),
            Value::String(text) if text.starts_with('/') => {
                let name = Path::new(&*text).file_name().unwrap_or_default();
                *text = name.to_string_lossy().into_owned();
            }
            _ => {}
        }
    }
    let mut points = json!(load(path).points);
    shorten(&mut points);
    points
}

type Columns = BTreeMap<String, Vec<Option<Cell>>>;

#[track_caller]
fn columns(path: &Path) -> Columns {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = tables::from_bytes(&bytes);
    let (table, _) = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = table.rows();
    let columns = table.columns().iter();
    columns
        .map(|(name, column)| {
            (
                name.clone(),
                (0..rows).map(|row| column.cell(row)).collect(),
            )
        })
        .collect()
}

/// Asserts that two tables hold the same; `exactly`, or but for rounding in their
/// columns of exact values, with the same rows.
#[track_caller]
fn assert_reproduced(what: &str, found: &Columns, expected: &Columns, exactly: bool) {
    assert!(found.keys().eq(expected.keys()), "{what}: other columns");
    for (name, cells) in expected {
        let column = &found[name];
        assert_eq!(column.len(), cells.len(), "{what}.{name}: rows");
        for (row, (found, expected)) in column.iter().zip(cells).enumerate() {
            let place = format!("{what}.{name}, row {row}: {found:?}, reference {expected:?}");
            if exactly {
                assert!(format!("{found:?}") == format!("{expected:?}"), "{place}");
            } else if name == "exact" {
                let number = |cell: &Option<Cell>| match cell {
                    Some(Cell::Number(value)) => *value,
                    other => panic!("{what}.{name}: {other:?}"),
                };
                let (found, expected) = (number(found), number(expected));
                assert_eq!(found.is_some(), expected.is_some(), "{place}");
                // As in the tolerances of the references.
                let difference = found.unwrap_or(0.0) - expected.unwrap_or(0.0);
                assert!(difference.abs() < 1e-6, "{place}");
            }
        }
    }
}

#[test]
fn the_small_experiments_give_the_tables_of_their_references() {
    for name in names(&root().join("experiments/smoke")) {
        let Some(short) = name.strip_suffix(".toml") else {
            continue;
        };
        let experiment = Experiment::new("");
        let manifest = root().join("experiments/smoke").join(&name);
        experiment
            .call(&["run", &manifest.display().to_string()])
            .with_code(0);
        let results = experiment.path(&format!("results/smoke_{short}"));
        let reference = root().join(format!("results/reference/smoke_{short}"));
        let [ours, theirs] = [&results, &reference].map(|f| json_file(&f.join("run.json")));
        let class = |run: &Value| {
            let machine = &run["machine"];
            ["os", "arch", "vector_instructions"].map(|field| machine[field].clone())
        };
        let exactly = class(&ours) == class(&theirs);
        let kept = names(&reference.join("tables"));
        let left_out = theirs["reference"]["left_out"].as_object().expect("a list");
        let mut all: BTreeSet<String> = left_out.keys().map(|n| format!("{n}.parquet")).collect();
        all.extend(kept.iter().cloned());
        assert!(
            names(&results.join("tables")).iter().eq(&all),
            "{short}: {all:?}"
        );
        for table in kept {
            let [found, expected] =
                [&results, &reference].map(|f| columns(&f.join("tables").join(&table)));
            assert_reproduced(&format!("{short}/{table}"), &found, &expected, exactly);
        }
    }
}

#[test]
fn every_experiment_has_a_reference_of_its_points_that_is_small_and_names_no_machine() {
    let mut without = BTreeSet::new();
    let mut references: BTreeSet<String> = names(&root().join("results/reference"))
        .into_iter()
        .collect();
    for path in manifests() {
        let name = load(&path).experiment.name;
        let folder = root().join("results/reference").join(&name);
        if !references.remove(&name) {
            without.insert(name);
            continue;
        }
        let all = files(&folder);
        let size: usize = all.values().map(Vec::len).sum();
        assert!(size < LARGEST, "{name}: {size} bytes");
        assert_eq!(
            points(&folder.join("manifest.toml")),
            points(&path),
            "{name}"
        );
        let run = json_file(&folder.join("run.json"));
        assert_eq!(run["experiment"], name.as_str());
        assert_eq!(
            (&run["host"], &run["machine"]["host"]),
            (&json!("reference"), &json!("reference"))
        );
        for file in ["run.json", "manifest.toml", "tolerances.toml"] {
            let text = String::from_utf8_lossy(&all[Path::new(file)]);
            assert!(!text.contains("\"/"), "{name}/{file} has an absolute path");
        }
        let tolerances = String::from_utf8_lossy(&all[Path::new("tolerances.toml")]);
        let tolerances: toml::Table = tolerances.parse().expect("TOML");
        assert!(
            tolerances["level"]
                .as_float()
                .is_some_and(|level| level > 0.0 && level < 1.0)
        );
        for (named, value) in tolerances["tolerances"].as_table().expect("a table") {
            let (table, _) = named.split_once('.').expect("`table.quantity`");
            assert!(
                all.contains_key(Path::new(&format!("tables/{table}.parquet"))),
                "{named}"
            );
            assert!(
                value.as_float().is_some_and(|value| value >= 0.0),
                "{named}"
            );
        }
    }
    assert!(references.is_empty(), "of no experiment: {references:?}");
    assert!(
        without.iter().eq(AWAITED),
        "without a reference: {without:?}"
    );
}

#[test]
fn a_run_tells_its_points_machine_and_costs_and_nothing_of_the_environment() {
    let experiment = Experiment::new(POINT);
    let mut command =
        experiment.command(&[&["run", "manifest.toml", "-j", "2"], &SWEEP[..]].concat());
    command.env("SOME_TOKEN", "correct-horse-battery");
    assert!(
        command
            .output()
            .expect("the program starts")
            .status
            .success()
    );
    let run = json_file(&experiment.path("results/trial/run.json"));
    assert_eq!(
        (&run["format"], &run["point_count"]),
        (&json!(2), &json!(4))
    );
    let last = json!({ "index": 3, "replicate": 1, "coordinates": { "temperature": 1.2 } });
    assert_eq!(run["points"][3], last);
    let machine = &run["machine"];
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    assert_eq!(machine["cores"], cores);
    assert_eq!(machine["arch"], std::env::consts::ARCH);
    let stages = run["stages"].as_array().expect("stages");
    let ran = stages
        .iter()
        .map(|stage| stage["ran"].as_u64().expect("a number"))
        .sum::<u64>();
    assert_eq!(ran, run["done"]);
    for (name, bytes) in files(&experiment.path("results")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("correct-horse-battery"),
            "{}",
            name.display()
        );
    }
}

#[test]
fn an_archive_learns_licence_authors_and_every_file() {
    let experiment = Experiment::new(POINT);
    let options = [
        "--set",
        "experiment.license=CC-BY-4.0",
        "--set",
        "experiment.authors=[\"Ada\"]",
    ];
    experiment.run(&options).with_code(0);
    let folder = experiment.path("results/trial");
    let metadata = json_file(&folder.join("ro-crate-metadata.json"));
    let graph = metadata["@graph"].as_array().expect("entities");
    let entity = |id: &str| {
        graph
            .iter()
            .find(|entity| entity["@id"] == id)
            .expect("an entity")
    };
    assert_eq!(
        entity("./")["license"]["@id"],
        "https://spdx.org/licenses/CC-BY-4.0"
    );
    assert_eq!(entity("./")["author"][0]["@id"], "#author-0");
    let parts = entity("./")["hasPart"].as_array().expect("parts").iter();
    let parts: BTreeSet<PathBuf> = parts
        .map(|p| p["@id"].as_str().expect("a path").into())
        .collect();
    let mut there: BTreeSet<PathBuf> = paths(&folder).into_iter().collect();
    assert!(there.remove(Path::new("ro-crate-metadata.json")));
    assert_eq!(parts, there);
    for part in parts {
        let described = entity(part.to_str().expect("text"));
        if part == Path::new("log.jsonl") {
            continue;
        }
        let size = std::fs::metadata(folder.join(&part)).expect("a file").len();
        assert_eq!(
            described["contentSize"],
            size.to_string(),
            "{}",
            part.display()
        );
    }
    assert_eq!(
        entity("#run")["actionStatus"],
        "http://schema.org/CompletedActionStatus"
    );
}

#[test]
fn a_reference_is_made_of_complete_and_unchanged_results_only() {
    let experiment = Experiment::new(POINT);
    let make = || experiment.call(&["reference", "results/trial", "--to", "kept"]);
    make()
        .with_code(2)
        .saying(&["results/trial", "`run.json` is missing"]);
    experiment.run(&["--only", "sample"]).with_code(0);
    make()
        .with_code(2)
        .saying(&["not all of it was made", "run the experiment again"]);
    experiment.run(&[]).with_code(0);
    make().with_code(0);
    let kept = files(&experiment.path("kept"));
    assert_eq!(
        kept.len(),
        names(&experiment.path("results/trial/tables")).len() + 3
    );
    // Tolerances are written by people; what is no longer made goes.
    experiment.write("kept/tolerances.toml", b"level = 0.5\n");
    experiment.write("kept/tables/old.parquet", b"old");
    make().with_code(0);
    assert_eq!(
        std::fs::read(experiment.path("kept/tolerances.toml")).unwrap(),
        b"level = 0.5\n"
    );
    assert!(!experiment.path("kept/tables/old.parquet").exists());
    experiment.write("results/trial/tables/likelihood.parquet", b"something else");
    let ended = make().with_code(2);
    ended.saying(&["`tables/likelihood.parquet` is not what `run.json` says"]);
}
