use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;

fn summary() -> RunSummary {
    RunSummary {
        done: 1,
        cached: 0,
        failed: Vec::new(),
        blocked: Vec::new(),
        left: 0,
        cancelled: false,
        warnings: Vec::new(),
        // 2001-09-09T01:46:40Z, from the definition of the epoch.
        started_unix: 1_000_000_000.0,
        seconds: 20.0,
        ran: BTreeMap::new(),
    }
}

fn provenance() -> Provenance {
    Provenance {
        experiment: "toy".to_owned(),
        title: "A toy".to_owned(),
        ..Provenance::default()
    }
}

fn files() -> Vec<FileInfo> {
    [
        "tables/a b.parquet",
        "plots/ä.png",
        MANIFEST,
        INDEX,
        RUN_FILE,
    ]
    .map(|path| FileInfo::of(path, path.as_bytes()))
    .to_vec()
}

fn graph(provenance: &Provenance) -> Vec<Value> {
    let text = text(provenance, &summary(), &files(), &["log.jsonl".to_owned()]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        metadata["@context"][0],
        "https://w3id.org/ro/crate/1.1/context"
    );
    metadata["@graph"].as_array().unwrap().clone()
}

fn entity<'g>(graph: &'g [Value], id: &str) -> &'g Value {
    let mut found = graph.iter().filter(|entity| entity["@id"] == id);
    let first = found.next().unwrap_or_else(|| panic!("no entity `{id}`"));
    assert!(found.next().is_none(), "`{id}` twice");
    first
}

/// Every `@id` by which an entity names another one.
fn named(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named(item, ids)),
        Value::Object(members) if members.len() == 1 && members.contains_key("@id") => {
            ids.insert(members["@id"].as_str().unwrap().to_owned());
        }
        Value::Object(members) => members.values().for_each(|item| named(item, ids)),
        _ => {}
    }
}

#[test]
fn the_descriptor_says_which_specification_and_which_folder() {
    let graph = graph(&provenance());
    let descriptor = entity(&graph, "ro-crate-metadata.json");
    assert_eq!(descriptor["@type"], "CreativeWork");
    assert_eq!(descriptor["about"], json!({ "@id": "./" }));
    let specification = json!({ "@id": "https://w3id.org/ro/crate/1.1" });
    assert_eq!(descriptor["conformsTo"], specification);
    let root = entity(&graph, "./");
    assert_eq!(root["@type"], "Dataset");
    assert_eq!(root["datePublished"], "2001-09-09T01:47:00Z");
    let run = entity(&graph, "#run");
    assert_eq!(run["startTime"], "2001-09-09T01:46:40Z");
    assert_eq!(run["endTime"], "2001-09-09T01:47:00Z");
}

#[test]
fn identifiers_are_relative_and_encoded_and_parts_are_the_files() {
    let graph = graph(&provenance());
    let parts = entity(&graph, "./")["hasPart"].as_array().unwrap().clone();
    let parts: Vec<&str> = parts.iter().map(|p| p["@id"].as_str().unwrap()).collect();
    // RFC 3986, section 2.1: `ä` is the two bytes C3 A4 in UTF-8.
    let expected = [
        "tables/a%20b.parquet",
        "plots/%C3%A4.png",
        "manifest.toml",
        "index.md",
        "run.json",
        "log.jsonl",
    ];
    assert_eq!(parts, expected);
    for part in parts {
        assert_eq!(entity(&graph, part)["@type"], "File", "{part}");
    }
    let made = entity(&graph, "#run")["result"].as_array().unwrap().len();
    assert_eq!(made, 2, "tables and figures");
}

#[test]
fn every_entity_has_a_type_and_every_one_that_is_named_is_there() {
    let mut provenance = provenance();
    provenance.license = Some("all rights reserved".to_owned());
    provenance.authors = vec![
        "Ada".to_owned(),
        "Bo <https://orcid.org/0000-0002-1825-0097>".to_owned(),
    ];
    provenance.recordings = vec![RecordingUse {
        path: PathBuf::from("/somewhere/private/cells.mat"),
        bytes: 3,
        blake3: "00".repeat(32),
        sha256: "11".repeat(32),
        cite: Some("Marre et al. 2017".to_owned()),
    }];
    let graph = graph(&provenance);
    let mut ids = BTreeSet::new();
    for item in &graph {
        assert!(item["@type"].is_string(), "{item}");
        item.as_object()
            .unwrap()
            .values()
            .for_each(|v| named(v, &mut ids));
    }
    for id in ids
        .iter()
        .filter(|id| *id != "https://w3id.org/ro/crate/1.1")
    {
        entity(&graph, id);
    }
    let run = entity(&graph, "#run");
    let recording = run["object"][1]["@id"].as_str().unwrap();
    assert_eq!(entity(&graph, recording)["name"], "cells.mat");
    assert_eq!(entity(&graph, recording)["citation"], "Marre et al. 2017");
    let person = entity(&graph, "https://orcid.org/0000-0002-1825-0097");
    assert_eq!(person["name"], "Bo");
    let text = serde_json::to_string(&graph).unwrap();
    assert!(
        !text.contains("somewhere"),
        "where it lay is nobody's business"
    );
}

#[test]
fn a_licence_is_told_as_it_was_given_and_none_is_made_up() {
    let none = graph(&provenance());
    assert_eq!(entity(&none, "#license")["name"], "no licence stated");
    let cases = [
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0"),
        ("https://example.org/l", "https://example.org/l"),
        ("ask me", "#license"),
        ("https://x y", "#license"),
    ];
    for (written, id) in cases {
        let mut provenance = provenance();
        provenance.license = Some(written.to_owned());
        let graph = graph(&provenance);
        assert_eq!(entity(&graph, "./")["license"], json!({ "@id": id }));
        assert_eq!(entity(&graph, id)["name"], written);
    }
}

#[test]
fn a_run_with_a_failure_is_not_called_complete() {
    let mut summary = summary();
    summary.left = 1;
    let text = text(&provenance(), &summary, &files(), &[]);
    assert!(text.contains("FailedActionStatus") && !text.contains("CompletedActionStatus"));
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    let write = || text(&provenance(), &summary(), &files(), &[]);
    assert_eq!(write(), write());
}
