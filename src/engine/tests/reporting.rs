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
