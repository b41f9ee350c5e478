//! Case T2 of docs/trust.md: inputs that change while a task runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::manifest::Point;
use crate::plan::world::{Toy, points};
use crate::plan::{Plan, Request, StageDefinition, build};

use super::super::store::{Lookup, Record};
use super::super::world::{Done, ToyStage, World};
use super::super::*;

/// Flips a bit of `file` in the first entry of `stage`.
fn flip(root: &Path, stage: &str, file: &str) {
    let entries = root.join(".store/v1").join(stage);
    let entry = fs::read_dir(entries).unwrap().next().unwrap().unwrap();
    let path = entry.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// One point, whose `likelihood` reads its network, lets `change` happen once, and
/// writes what it has read.
fn changing(change: impl Fn(&Path, &Plan) + Send + Sync + 'static) -> World {
    let mut world = World::new();
    world.temperatures = vec![0.4];
    world.latents = vec![2];
    let (root, plan) = (world.root.clone(), world.plan());
    let changed = AtomicBool::new(false);
    world.acting("likelihood", move |task| {
        let network = task.read("network", "network")?;
        if !changed.swap(true, Ordering::Relaxed) {
            change(&root, &plan);
        }
        task.write("likelihood.parquet", &network)
    })
}

/// Asserts that the only failure is of `likelihood` and says `text`, and that nothing
/// of it is stored.
#[track_caller]
fn assert_refused(world: &World, done: &Done, text: &str) {
    let [failure] = &done.summary.failed[..] else {
        panic!("{:?}", done.summary.failed)
    };
    assert!(failure.label.starts_with("likelihood"), "{failure:?}");
    let expected = ["changed while the task ran", "run again", text];
    for part in expected {
        assert!(failure.message.contains(part), "no `{part}` in {failure:?}");
    }
    assert!(!world.entry("likelihood").exists());
}

#[test]
fn nothing_is_published_beside_an_input_that_was_damaged_after_it_was_read() {
    let world = changing(|root, _| flip(root, "train", "network"));
    let refused = world.run();
    assert_refused(&world, &refused, "`network`: found digest");
    assert!(world.run().summary.complete());
    assert_eq!(world.runs("train"), 2, "the damaged input is made again");
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn nothing_is_published_beside_an_input_whose_place_another_result_took() {
    let world = changing(|root, plan| {
        let task = plan
            .tasks
            .iter()
            .find(|task| task.stage == "train")
            .unwrap();
        let store = Store::open(&root.join(".store")).unwrap();
        let private = store.private_folder(&task.key).unwrap();
        private
            .write("network", b"of a stage that is not repeatable")
            .unwrap();
        let record = Record {
            key: &task.key,
            key_parts: &task.key_parts(),
            label: &task.label,
            warnings: Vec::new(),
            started_unix: 0.0,
            finished_unix: 0.0,
            seconds: 0.0,
            threads: 1,
        };
        store.publish(&private, record).unwrap();
    });
    let refused = world.run();
    assert_refused(&world, &refused, "`network`: another result took its place");
    // What is made next is made from what lies there now.
    assert!(world.run().summary.complete());
    let Lookup::Present(entry) = look(&world, "likelihood") else {
        panic!("no likelihood")
    };
    let read = entry.read("likelihood.parquet").unwrap();
    assert_eq!(read, b"of a stage that is not repeatable");
}

fn look(world: &World, stage: &str) -> Lookup {
    let plan = world.plan();
    let task = plan.tasks.iter().find(|task| task.stage == stage).unwrap();
    world.store().lookup(stage, &task.key).unwrap()
}

#[test]
fn an_input_that_is_equal_again_or_gone_contradicts_nothing() {
    let remade = changing(|root, plan| {
        // Damaged, set aside and made again by another process: other times, same files.
        let task = plan
            .tasks
            .iter()
            .find(|task| task.stage == "train")
            .unwrap();
        let store = Store::open(&root.join(".store")).unwrap();
        let Lookup::Present(entry) = store.lookup("train", &task.key).unwrap() else {
            panic!("no training")
        };
        let network = entry.read("network").unwrap();
        store.set_aside("train", &task.key, "damaged").unwrap();
        let private = store.private_folder(&task.key).unwrap();
        private.write("network", &network).unwrap();
        let record = Record {
            key: &task.key,
            key_parts: &task.key_parts(),
            label: &task.label,
            warnings: Vec::new(),
            started_unix: 7.0,
            finished_unix: 8.0,
            seconds: 1.0,
            threads: 1,
        };
        store.publish(&private, record).unwrap();
    });
    assert!(remade.run().summary.complete());
    let gone = changing(|root, _| fs::remove_dir_all(root.join(".store/v1/train")).unwrap());
    assert!(gone.run().summary.complete());
    assert_eq!(gone.table(), gone.fresh_table());
}

/// A stage that reads a file outside the store, whose digest is in its key, and lets
/// `change` happen to it once.
fn reader(path: PathBuf, change: impl Fn(&Path) + Send + Sync + 'static) -> ToyStage {
    let place = path.clone();
    let ask = move |_: &Point| {
        let digest = blake3::hash(&fs::read(&place).unwrap())
            .to_hex()
            .to_string();
        Some(Request::new(json!({ "blake3": digest })).with_places(json!(place)))
    };
    let changed = AtomicBool::new(false);
    ToyStage::new(Toy::new("reader", ask), move |task| {
        let bytes = fs::read(&path)?;
        task.has_read(&path, blake3::hash(&bytes).to_hex().as_str());
        if !changed.swap(true, Ordering::Relaxed) {
            change(&path);
        }
        task.write("copy", &bytes)
    })
}

#[test]
fn nothing_is_published_of_a_file_that_was_edited_after_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.csv");
    fs::write(&file, "old").unwrap();
    let stage = reader(file.clone(), |path| fs::write(path, "new").unwrap());
    let store = Store::open(&folder.path().join(".store")).unwrap();
    let results = Results::open(folder.path(), "reader").unwrap();
    let options = RunOptions {
        threads: 1,
        keep_going: false,
        refused: BTreeMap::new(),
        wanted: Wanted::default(),
    };
    let once = || {
        let plan = build(
            &points(&[1.0], &[1], 1),
            &[&stage as &dyn StageDefinition],
            &[],
        )
        .unwrap();
        let cancel = AtomicBool::new(false);
        let stages = [&stage as &dyn Stage];
        let mut deaf = |_| {};
        let summary = run(
            &plan, &stages, &store, &results, &options, &cancel, &mut deaf,
        );
        (
            summary.unwrap(),
            store.look_again("reader", &plan.tasks[0].key).unwrap(),
        )
    };
    let (summary, entry) = once();
    let message = &summary.failed[0].message;
    for part in [
        file.to_str().unwrap(),
        "changed while the task ran",
        "run again",
    ] {
        assert!(message.contains(part), "no `{part}` in {message}");
    }
    assert!(matches!(entry, Lookup::Missing), "{entry:?}");
    let (summary, entry) = once();
    assert!(summary.failed.is_empty(), "{:?}", summary.failed);
    match entry {
        Lookup::Present(entry) => assert_eq!(entry.read("copy").unwrap(), b"new"),
        other => panic!("{other:?}"),
    }
}
