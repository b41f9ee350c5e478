//! What a results folder says of where it comes from.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::super::world::{World, provenance};
use super::super::*;

fn run_file(world: &World) -> Value {
    let bytes = fs::read(world.root.join("toy/run.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn stage<'r>(run: &'r Value, name: &str) -> &'r Value {
    let stages = run["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["stage"] == name).unwrap()
}

#[test]
fn each_stage_has_its_costs_and_a_later_run_remembers_them() {
    let mut world = World::new();
    world.threads = 1;
    world.latents = vec![2];
    let done = world.run();
    let first = run_file(&world);
    assert_eq!(first["format"], 2);
    assert_eq!(stage(&first, "train")["ran"], 2);
    let seconds = |wanted: &str| -> f64 {
        let finished = done.events.iter().filter_map(|event| match event {
            Event::Finished { label, seconds, .. } if label.starts_with(wanted) => Some(*seconds),
            _ => None,
        });
        finished.sum()
    };
    // On one thread, tasks follow one another: wall-clock time is core time.
    for name in ["sample", "train", "likelihood", "table", "figure"] {
        let cost = stage(&first, name);
        for field in ["wall_seconds", "core_seconds"] {
            let difference = cost[field].as_f64().unwrap() - seconds(name);
            assert!(difference.abs() < 1e-9, "{name} {field}: {cost}");
        }
        assert_eq!(cost["of_earlier_runs_core_seconds"], 0.0);
    }
    world.latents = vec![2, 3];
    world.run();
    let second = run_file(&world);
    let train = stage(&second, "train");
    assert_eq!(
        (&train["tasks"], &train["ran"], &train["cached"]),
        (&json!(4), &json!(2), &json!(2))
    );
    let earlier = train["of_earlier_runs_core_seconds"].as_f64().unwrap();
    assert!((earlier - seconds("train")).abs() < 1e-9, "{train}");
    let tasks = |run: &Value, field: &str| -> u64 {
        let stages = run["stages"].as_array().unwrap().iter();
        stages.map(|stage| stage[field].as_u64().unwrap()).sum()
    };
    assert_eq!(tasks(&second, "tasks"), 12);
    assert_eq!(tasks(&second, "ran"), second["done"].as_u64().unwrap());
    let index = fs::read_to_string(world.root.join("toy/index.md")).unwrap();
    assert!(index.contains("\n| `train` | 4 | 2 | 2 | "), "{index}");
    assert!(!index.contains("-0.0"), "{index}");
}

#[test]
fn files_are_listed_with_size_and_digests_and_times_are_told_twice() {
    let world = World::new();
    world.run();
    let run = run_file(&world);
    let files = run["files"].as_array().unwrap();
    let paths: BTreeSet<&str> = files.iter().map(|f| f["path"].as_str().unwrap()).collect();
    let expected = [
        "index.md",
        "manifest.toml",
        "plots/gap.png",
        "tables/likelihood.parquet",
    ];
    assert_eq!(paths, BTreeSet::from(expected));
    for file in files {
        let bytes = fs::read(world.root.join("toy").join(file["path"].as_str().unwrap())).unwrap();
        assert_eq!(file["bytes"], bytes.len());
        assert_eq!(file["blake3"], blake3::hash(&bytes).to_hex().as_str());
        assert_eq!(file["sha256"], sha256(&bytes));
    }
    assert_eq!(run["expanded_manifest"]["path"], "manifest.toml");
    let started = run["started"].as_str().unwrap();
    assert!(started.starts_with("20") && started.ends_with('Z') && started.len() == 20);
    let (from, to) = (run["started_unix"].as_f64(), run["finished_unix"].as_f64());
    let seconds = to.unwrap() - from.unwrap();
    assert!((seconds - run["seconds"].as_f64().unwrap()).abs() < 1e-3);
}

#[test]
fn a_copy_that_somebody_changed_is_described_as_it_is_published() {
    let mut world = World::new();
    world.run();
    let table = |run: &Value| {
        let mut files = run["files"].as_array().unwrap().iter();
        let found = files.find(|file| file["path"] == "tables/likelihood.parquet");
        found.unwrap().clone()
    };
    let original = world.table();
    let described = table(&run_file(&world));
    fs::write(world.table_path(), b"something else").unwrap();
    world.run();
    assert_eq!(world.table(), original);
    assert_eq!(table(&run_file(&world)), described);
    // The digest of an earlier run is believed for the same content only.
    world.latents.pop();
    world.run();
    let less = table(&run_file(&world));
    assert_ne!(less["sha256"], described["sha256"]);
    assert_eq!(less["sha256"], sha256(&world.table()));
}

#[test]
fn too_many_points_are_counted_and_it_is_said_what_lists_them() {
    let world = World::new();
    let (plan, store) = (world.plan(), world.store());
    let summary = world.run().summary;
    let publish = |count: usize| {
        let point = |index| PointRecord {
            index,
            replicate: 0,
            coordinates: serde_json::Map::from_iter([("temperature".to_owned(), json!(0.5))]),
        };
        let provenance = Provenance {
            points: (0..count).map(point).collect(),
            ..provenance()
        };
        world
            .results()
            .publish(&plan, &store, &provenance, &summary)
            .unwrap();
        run_file(&world)
    };
    let few = publish(10_000);
    assert_eq!(few["points"].as_array().unwrap().len(), 10_000);
    let expected = json!({ "index": 3, "replicate": 0, "coordinates": { "temperature": 0.5 } });
    assert_eq!(few["points"][3], expected);
    assert!(few.get("points_listed_by").is_none());
    let many = publish(10_001);
    assert_eq!(many["points"], Value::Null);
    assert_eq!(many["point_count"], 10_001);
    assert_eq!(
        many["points_listed_by"],
        "latentfield plan toy.toml --format json"
    );
}

#[test]
fn the_parts_of_the_crate_are_the_files_that_are_there() {
    let world = World::new().before("figure", |_| Err(StageError::failed("no ink")));
    let mut log = JsonLog::open(&world.results()).unwrap();
    for event in &world.run().events {
        log.record(event).unwrap();
    }
    world.run();
    let folder = world.root.join("toy");
    let metadata = fs::read(folder.join("ro-crate-metadata.json")).unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let graph = metadata["@graph"].as_array().unwrap();
    let root = graph.iter().find(|entity| entity["@id"] == "./").unwrap();
    let parts = root["hasPart"].as_array().unwrap().iter();
    let parts: BTreeSet<String> = parts
        .map(|p| p["@id"].as_str().unwrap().to_owned())
        .collect();
    let mut there = BTreeSet::new();
    for place in ["", "tables/", "plots/", "logs/"] {
        for item in fs::read_dir(folder.join(place))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = item.file_name().into_string().unwrap();
            let ours = name != "ro-crate-metadata.json";
            if item.file_type().unwrap().is_file() && ours {
                there.insert(format!("{place}{name}"));
            }
        }
    }
    assert!(
        there.iter().any(|path| path.starts_with("logs/")),
        "{there:?}"
    );
    assert!(there.contains("log.jsonl") && !there.contains("plots/gap.png"));
    assert_eq!(parts, there);
}
