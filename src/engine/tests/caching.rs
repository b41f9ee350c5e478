//! What is stored is used, what is missing or damaged is made again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::manifest::Point;
use crate::plan::world::{Toy, points};
use crate::plan::{Request, StageDefinition, build};

use super::super::store::Lookup;
use super::super::world::{ToyStage, World, constant, provenance};
use super::super::*;

#[test]
fn the_first_run_does_everything_and_the_second_nothing() {
    let world = World::new();
    let first = world.run();
    assert_eq!((first.summary.done, first.summary.cached), (12, 0));
    assert!(first.summary.complete() && !first.summary.cancelled);
    assert_eq!(first.count(|e| matches!(e, Event::Finished { .. })), 12);
    assert_eq!(first.published.files.len(), 2);
    assert!(matches!(
        first.events[0],
        Event::RunStarted {
            total: 12,
            to_run: 12,
            ..
        }
    ));
    let table = world.table();

    let second = world.run();
    assert_eq!((second.summary.done, second.summary.cached), (0, 2));
    assert_eq!(second.count(|e| matches!(e, Event::Started { .. })), 0);
    assert_eq!(second.published.written, Vec::<String>::new());
    assert_eq!(world.table(), table);
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let world = World::new();
    world.run();
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn what_is_predicted_is_what_runs() {
    let mut world = World::new();
    world.run();
    fs::remove_dir_all(world.entry("train[temperature=0.5, latent=3]")).unwrap();
    world.temperatures.push(0.6);
    world.force = vec!["likelihood[temperature=0.4]".to_owned()];
    let predicted = world.assess();
    let done = world.run();
    // 1 sample, 2 trainings and 2 likelihoods of the new temperature, 2 forced
    // likelihoods, the table and the figure. Nobody asks for the lost training.
    assert_eq!(predicted.running(), 9);
    assert_eq!(done.summary.done, 9);
    assert_eq!(done.summary.cached, predicted.cached());
    assert_eq!(world.table(), world.fresh_table());
}

/// `difference` is `a - b`; which of two stages is which role can be swapped.
fn difference(a: &'static str, b: &'static str) -> Vec<ToyStage> {
    let ask = move |_: &Point| Some(Request::new(json!({})).needing("a", a).needing("b", b));
    let subtract = |task: &TaskContext<'_>| {
        let number = |role: &str| -> Result<i64, StageError> {
            Ok(String::from_utf8(task.read(role, "value")?)?.parse()?)
        };
        task.write(
            "value",
            (number("a")? - number("b")?).to_string().as_bytes(),
        )
    };
    vec![
        constant("ten", 10),
        constant("three", 3),
        ToyStage::new(Toy::new("difference", ask), subtract),
    ]
}

#[test]
fn inputs_in_swapped_roles_are_another_task() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let results = Results::open(folder.path(), "roles").unwrap();
    let value = |a, b| {
        let stages = difference(a, b);
        let definitions: Vec<&dyn StageDefinition> =
            stages.iter().map(|s| s as &dyn StageDefinition).collect();
        let plan = build(&points(&[1.0], &[1], 1), &definitions, &[]).unwrap();
        let stages: Vec<&dyn Stage> = stages.iter().map(|s| s as &dyn Stage).collect();
        let options = RunOptions {
            threads: 1,
            keep_going: false,
            refused: BTreeMap::new(),
            wanted: Wanted::default(),
        };
        let cancel = AtomicBool::new(false);
        run(
            &plan,
            &stages,
            &store,
            &results,
            &options,
            &cancel,
            &mut |_| {},
        )
        .unwrap();
        match store.lookup("difference", &plan.tasks[2].key).unwrap() {
            Lookup::Present(entry) => String::from_utf8(entry.read("value").unwrap()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(value("ten", "three"), "7");
    assert_eq!(value("three", "ten"), "-7");
}

#[test]
fn a_table_damaged_in_the_store_is_made_again_from_what_is_there() {
    let world = World::new();
    world.run();
    let good = world.table();
    let path = world.entry("table").join("likelihood.parquet");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5] ^= 1;
    fs::write(&path, bytes).unwrap();

    let assessment = world.assess();
    let table = world.plan().tasks.len() - 2;
    assert!(matches!(
        &assessment.statuses[table],
        Status::WillRun(Reason::Damaged { problem }) if problem.contains("likelihood.parquet")
    ));
    let again = world.run();
    assert_eq!(again.summary.done, 1);
    assert_eq!(world.table(), good);
    let aside = world.root.join(".store/v1/_damaged");
    assert_eq!(
        fs::read_dir(aside).unwrap().count(),
        1,
        "the damaged entry is kept aside"
    );
}

#[test]
fn damage_upstream_does_not_flow_on() {
    let mut world = World::new();
    world.run();
    let path = world.entry("sample[temperature=0.4]").join("samples");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 128;
    fs::write(&path, bytes).unwrap();
    world.latents = vec![4];
    let done = world.run();
    // The damaged samples, 2 trainings, 2 likelihoods, table and figure.
    assert_eq!(done.summary.done, 7);
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn copies_are_restored_without_running_anything() {
    let world = World::new();
    world.run();
    let good = world.table();
    fs::remove_file(world.table_path()).unwrap();
    let restored = world.run();
    assert_eq!(restored.summary.done, 0);
    assert_eq!(restored.published.written, ["tables/likelihood.parquet"]);
    assert_eq!(world.table(), good);
    fs::write(world.table_path(), b"edited").unwrap();
    assert_eq!(world.run().summary.done, 0);
    assert_eq!(world.table(), good);
}

#[test]
fn a_lost_entry_is_made_again_and_a_changed_parameter_runs_what_reads_it() {
    let mut world = World::new();
    world.run();
    fs::remove_dir_all(world.entry("figure")).unwrap();
    assert_eq!(world.run().summary.done, 1);
    world.latents = vec![2, 5];
    // 2 trainings, 2 likelihoods, table and figure; the samples are shared.
    assert_eq!(world.run().summary.done, 6);
    assert_eq!(world.runs("sample"), 2);
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn forcing_runs_the_task_and_all_that_follows_and_changes_nothing() {
    let mut world = World::new();
    world.run();
    let table = world.table();
    world.force = vec!["sample[temperature=0.4]".to_owned()];
    let done = world.run();
    // 1 sample, 2 trainings, 2 likelihoods, table and figure.
    assert_eq!(done.summary.done, 7);
    assert_eq!(done.summary.warnings, []);
    assert_eq!(world.table(), table);
}

#[test]
fn a_forced_stage_that_is_not_repeatable_is_found_out() {
    let counter = AtomicUsize::new(0);
    let mut world = World::new().before("train", move |task| {
        let count = counter.fetch_add(1, Ordering::Relaxed);
        task.write("count", count.to_string().as_bytes())
    });
    world.run();
    world.force = vec!["train[temperature=0.4,latent=2]".to_owned()];
    let done = world.run();
    let [warning] = &done.summary.warnings[..] else {
        panic!("{:?}", done.summary.warnings)
    };
    assert_eq!(warning.label, "train[temperature=0.4, latent=2]");
    assert!(warning.message.contains("`count`"), "{warning:?}");
    let kept = fs::read(
        world
            .entry("train[temperature=0.4, latent=2]")
            .join("count"),
    )
    .unwrap();
    assert_eq!(kept, b"4", "the new result stands");
}

#[test]
fn only_makes_what_is_named_and_what_it_needs() {
    let mut world = World::new();
    world.only = vec!["train[temperature=0.5,latent=2]".to_owned()];
    let done = world.run();
    assert_eq!((world.runs("sample"), world.runs("train")), (1, 1));
    assert_eq!(done.summary.done, 2);
    assert!(done.summary.complete());
}

#[test]
fn copies_that_the_plan_no_longer_gives_are_removed_unless_edited() {
    let world = World::new();
    let first = world.run();
    assert!(first.published.files.contains_key("plots/gap.png"));
    let plots = world.root.join("toy/plots");
    let mut less = world.plan();
    less.tasks.pop();
    let publish = || {
        let summary = first.summary.clone();
        let store = world.store();
        world
            .results()
            .publish(&less, &store, &provenance(), &summary)
            .unwrap()
    };
    assert_eq!(publish().removed, ["plots/gap.png"]);
    assert!(!plots.join("gap.png").exists());
    world.run();
    fs::write(plots.join("gap.png"), b"annotated by hand").unwrap();
    assert_eq!(publish().removed, Vec::<String>::new());
    assert!(plots.join("gap.png").exists());
}
