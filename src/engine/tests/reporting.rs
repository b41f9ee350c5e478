//! What a run says, and what it leaves for readers.

use std::fs;

use serde_json::{Value, json};

use super::super::world::World;
use super::super::*;

#[test]
fn warnings_are_told_again_by_a_run_that_computes_nothing() {
    let world = World::new().before("train", |task| {
        task.warn("not converged");
        Ok(())
    });
    let first = world.run().summary.warnings;
    assert_eq!(first.len(), 4);
    let second = world.run();
    assert_eq!(second.summary.done, 0);
    assert_eq!(second.summary.warnings, first);
    let index = fs::read_to_string(world.root.join("toy/index.md")).unwrap();
    assert_eq!(index.matches("not converged").count(), 4);
}

#[test]
fn warnings_are_told_again_also_from_a_store_that_keeps_no_list_of_them() {
    let world = World::new().before("train", |task| {
        task.warn("not converged");
        Ok(())
    });
    let first = world.run().summary.warnings;
    let listed = world.store().warned().unwrap();
    assert_eq!(listed.len(), 4, "an entry with warnings each");
    fs::remove_dir_all(world.root.join(".store/v1/_warned")).unwrap();
    assert_eq!(world.run().summary.warnings, first);
    assert!(
        world.store().warned().is_none(),
        "a list begun late lacks entries"
    );
}

#[test]
fn a_run_that_computes_nothing_reads_the_entries_it_hands_out_and_no_others() {
    let mut world = World::new();
    world.temperatures = (1..=50).map(|step| 0.1 * f64::from(step)).collect();
    world.run();
    // What is not read cannot be missed.
    for stage in ["sample", "train", "likelihood"] {
        fs::rename(
            world.root.join(".store/v1").join(stage),
            world.root.join(stage),
        )
        .unwrap();
    }
    let second = world.run();
    assert_eq!(
        (second.summary.done, second.summary.cached),
        (0, 2),
        "a table and its figure"
    );
    assert!(second.summary.complete());
}

#[test]
fn provenance_tells_what_was_run_and_how_it_went() {
    let world = World::new();
    world.run();
    let bytes = fs::read(world.root.join("toy/run.json")).unwrap();
    let run: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(run["experiment"], "toy");
    assert_eq!(run["seed"], 7);
    assert_eq!(run["done"], 12);
    assert_eq!(run["tasks"], 12);
    assert_eq!(run["command_line"], json!(["latentfield", "run"]));
    let digest = blake3::hash(&world.table()).to_hex().to_string();
    assert_eq!(run["published"]["tables/likelihood.parquet"], digest);
}

#[test]
fn the_log_has_a_line_an_event_even_after_a_torn_one() {
    let world = World::new();
    let done = world.run();
    let results = world.results();
    let path = results.folder().join("log.jsonl");
    fs::write(&path, b"{\"torn\":").unwrap();
    let mut log = JsonLog::open(&results).unwrap();
    for event in &done.events {
        log.record(event).unwrap();
    }
    let progress = done.count(|e| matches!(e, Event::Progress { .. }));
    assert_eq!(progress, 2, "one report a sample");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + done.events.len() - progress);
    for line in &lines[1..] {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["event"].is_string() && line["time_unix"].as_f64() > Some(1.7e9));
    }
}
