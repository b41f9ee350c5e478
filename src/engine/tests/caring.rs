//! The store's care: what lies there, whether it is whole, and what nobody needs.

use std::collections::BTreeSet;
use std::fs;

use super::super::store::{Audit, Collection, Garbage, Inventory, Keep, Problem};
use super::super::world::World;
use super::super::*;

fn read_only(world: &World) -> Store {
    Store::open_existing(&world.root.join(".store")).unwrap()
}

fn inventory(world: &World) -> Inventory {
    read_only(world).inventory().unwrap()
}

fn audit(world: &World, asked: &[&str]) -> Audit {
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    let found = read_only(world).audit(&inventory(world), &asked, false);
    found.unwrap()
}

/// What nobody needs.
fn garbage(world: &World, keep: Keep) -> Collection {
    read_only(world).garbage(keep).unwrap()
}

fn collect(world: &World, keep: Keep) -> Collection {
    let store = Store::open_alone(&world.root.join(".store")).unwrap();
    let collection = store.garbage(keep).unwrap();
    store.collect(&collection, 1.8e9).unwrap();
    collection
}

fn of_plan(world: &World) -> Keep {
    let mut keep = Keep::default();
    keep.add(&world.plan());
    keep
}

/// All files of the store with their content.
fn files(world: &World) -> BTreeSet<(std::path::PathBuf, Vec<u8>)> {
    fn walk(folder: &std::path::Path, found: &mut BTreeSet<(std::path::PathBuf, Vec<u8>)>) {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert((path, bytes));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&world.root.join(".store"), &mut found);
    found
}

#[test]
fn a_store_that_is_not_there_is_empty_and_not_made_by_looking() {
    let world = World::new();
    assert!(inventory(&world).items.is_empty());
    assert_eq!(audit(&world, &[]).entries, 0);
    assert!(!world.root.join(".store").exists());
}

#[test]
fn looking_changes_nothing() {
    let world = World::new();
    world.run();
    fs::write(world.entry("sample").join("samples"), b"x").unwrap();
    let before = files(&world);
    assert_eq!(inventory(&world).items.len(), 12);
    assert_eq!(audit(&world, &[]).findings.len(), 1);
    garbage(&world, Keep::default());
    world.explain();
    // `World::explain` assesses as `plan` does; all of it leaves the store as it was.
    assert!(files(&world) == before);
}

#[test]
fn an_inventory_has_all_that_lies_there_with_its_size() {
    let world = World::new();
    world.run();
    let v1 = world.root.join(".store/v1");
    let private = v1.join(format!("_tmp/{}-9-9", world.key("train")));
    fs::create_dir_all(&private).unwrap();
    fs::write(private.join("half"), [0; 100]).unwrap();
    let work = v1.join("_work").join(world.key("sample").as_str());
    fs::create_dir_all(&work).unwrap();
    fs::write(work.join("state"), [0; 10]).unwrap();
    fs::write(v1.join("notes.txt"), b"mine").unwrap();
    fs::write(v1.join("train/notes.txt"), b"mine").unwrap();
    let found = inventory(&world);
    let sizes = |parts: &[store::Part]| parts.iter().map(|p| (p.bytes, p.held)).collect::<Vec<_>>();
    assert_eq!(sizes(&found.private), [(100, false)]);
    assert_eq!(sizes(&found.checkpoints), [(10, false)]);
    assert_eq!(
        found.strangers,
        [v1.join("notes.txt"), v1.join("train/notes.txt")]
    );
    for item in &found.items {
        let folder = v1.join(&item.stage).join(item.key.as_str());
        let sizes = fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap().len());
        assert_eq!(item.bytes, sizes.sum::<u64>());
        assert_eq!(item.entry.as_ref().unwrap().label, item.name());
    }
}

#[test]
fn an_audit_finds_every_changed_byte_and_every_missing_ancestor() {
    let world = World::new();
    world.run();
    assert_eq!(audit(&world, &[]).findings, []);
    let damaged = world.key("train[temperature=0.5, latent=3]");
    let path = world
        .entry("train[temperature=0.5, latent=3]")
        .join("network");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let lost = world.key("sample[temperature=0.4]");
    fs::remove_dir_all(world.entry("sample[temperature=0.4]")).unwrap();
    let found = audit(&world, &[]);
    assert_eq!(found.entries, 11);
    let is_damage = |f: &&store::Finding| matches!(f.problem, Problem::Damaged { .. });
    let broken: Vec<_> = found.findings.iter().filter(is_damage).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].key, damaged);
    let orphans: BTreeSet<&str> = found
        .findings
        .iter()
        .filter(|f| matches!(&f.problem, Problem::NoAncestor { key, .. } if *key == lost))
        .map(|f| f.name.as_str())
        .collect();
    let expected = ["train", "likelihood"]
        .map(|stage| [2, 3].map(|latent| format!("{stage}[temperature=0.4, latent={latent}]")));
    assert_eq!(
        orphans,
        expected.as_flattened().iter().map(String::as_str).collect()
    );
}

#[test]
fn an_audit_of_one_entry_reads_what_it_was_made_from() {
    let world = World::new();
    world.run();
    fs::write(world.entry("sample[temperature=0.4]").join("samples"), b"").unwrap();
    let label = "likelihood[temperature=0.4, latent=2]";
    let key = world.key(label);
    for asked in [label, &key.as_str()[..12]] {
        let found = audit(&world, &[asked]);
        assert_eq!((found.entries, found.findings.len()), (3, 1), "{asked}");
    }
    assert_eq!(
        audit(&world, &["likelihood[temperature=0.5, latent=2]"]).findings,
        []
    );
    assert_eq!(audit(&world, &["train"]).entries, 6);
    let asked = ["train".to_owned(), "tarin".to_owned()];
    assert_eq!(Audit::unknown(&inventory(&world), &asked), ["tarin"]);
}

#[test]
fn a_repair_sets_damage_aside_and_the_next_run_heals() {
    let world = World::new();
    world.run();
    let table = world.table();
    fs::write(world.entry("table").join("likelihood.parquet"), b"x").unwrap();
    let store = world.store();
    let held = store.claim(&world.key("table")).unwrap().unwrap();
    let repair = || store.audit(&store.inventory().unwrap(), &[], true).unwrap();
    let repaired = |audit: &Audit| match &audit.findings[..] {
        [
            store::Finding {
                problem: Problem::Damaged { repaired, .. },
                ..
            },
        ] => *repaired,
        other => panic!("{other:?}"),
    };
    assert!(!repaired(&repair()), "somebody works on it");
    drop(held);
    assert!(repaired(&repair()));
    // What is left is the figure, which was made from the table.
    let damage = |f: &&store::Finding| matches!(f.problem, Problem::Damaged { .. });
    let left = repair();
    assert_eq!(left.findings.iter().filter(damage).count(), 0);
    assert_eq!(left.findings.len(), 1);
    drop(store);
    assert_eq!(world.run().summary.done, 1);
    assert_eq!(world.table(), table);
}

#[test]
fn what_a_results_folder_needs_is_kept_until_the_folder_is_gone() {
    let mut world = World::new();
    world.run();
    assert_eq!(garbage(&world, Keep::default()).removals.len(), 0);
    world.temperatures = vec![0.4];
    world.run();
    // Of the other temperature: a sample, two trainings, two likelihoods; and the gathered
    // table and figure of both.
    let found = garbage(&world, Keep::default());
    assert_eq!(found.removals.len(), 7);
    assert_eq!((found.kept, found.removals.len() + found.kept), (7, 14));
    world.temperatures = vec![0.4, 0.5];
    assert_eq!(
        garbage(&world, of_plan(&world)).removals.len(),
        0,
        "a manifest needs them"
    );
    fs::remove_dir_all(world.root.join("toy")).unwrap();
    let kinds = |kind| {
        let found = garbage(&world, Keep::default());
        found.removals.iter().filter(|r| r.kind == kind).count()
    };
    assert_eq!((kinds(Garbage::Entry), kinds(Garbage::Root)), (14, 1));
}

#[test]
fn what_is_collected_is_gone_and_the_rest_is_whole() {
    let mut world = World::new();
    world.run();
    world.temperatures = vec![0.4];
    world.run();
    let bytes: u64 = inventory(&world).items.iter().map(|item| item.bytes).sum();
    let expected = garbage(&world, Keep::default());
    assert_eq!(expected.bytes() + expected.kept_bytes, bytes);
    collect(&world, Keep::default());
    assert_eq!(inventory(&world).items.len(), 7);
    assert!(inventory(&world).private.is_empty());
    assert_eq!(audit(&world, &[]).findings, []);
    assert_eq!(world.run().summary.done, 0);
    // The record remembers what was removed.
    world.temperatures = vec![0.4, 0.5];
    let cause = world
        .explain()
        .remove("sample[temperature=0.5]")
        .unwrap()
        .cause;
    let problem = "it was removed by `cache gc`".to_owned();
    assert_eq!(cause, Cause::ArtefactMissing { problem });
    assert_eq!(world.run().summary.done, 7);
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn young_entries_can_be_kept_with_what_they_were_made_from() {
    let mut world = World::new();
    world.run();
    fs::remove_dir_all(world.root.join("toy")).unwrap();
    world.only = vec!["figure".to_owned()];
    let newest = inventory(&world)
        .items
        .into_iter()
        .filter_map(|item| item.entry);
    let newest = newest.map(|entry| entry.finished_unix).fold(0.0, f64::max);
    let keep = |after: f64| {
        let mut keep = Keep::default();
        keep.finished_after = Some(after);
        keep
    };
    let entries = |keep| {
        garbage(&world, keep)
            .removals
            .iter()
            .filter(|r| r.kind == Garbage::Entry)
            .count()
    };
    // The figure is the newest, and was made from everything.
    assert_eq!(entries(keep(newest - 1e-6)), 0);
    assert_eq!(entries(keep(newest + 1.0)), 12);
}

#[test]
fn nothing_is_collected_while_somebody_uses_the_store() {
    let world = World::new();
    world.run();
    let path = world.root.join(".store");
    let user = world.store();
    let Err(StoreError::Busy { holders, .. }) = Store::open_alone(&path) else {
        panic!("the store is in use")
    };
    assert!(
        holders.contains(&format!("process {}", std::process::id())),
        "{holders}"
    );
    drop(user);
    Store::open_alone(&path).unwrap();
}

#[test]
fn a_run_that_was_broken_off_keeps_the_old_results_and_the_new_beginnings() {
    let mut world = World::new();
    world.run();
    world.temperatures = vec![0.8];
    let broken = world.acting("train", |_| Err(StageError::failed("no")));
    assert!(!broken.run().summary.complete());
    // All of the tables that are still in the folder, and the new sample.
    let found = garbage(&broken, Keep::default());
    assert_eq!((found.kept, found.removals.len()), (13, 0));
}

#[test]
fn a_collection_that_died_leaves_whole_entries_and_nothing_else() {
    let world = World::new();
    world.run();
    fs::remove_dir_all(world.root.join("toy")).unwrap();
    // As if killed between renaming an entry away and deleting it.
    let entry = world.entry("train[temperature=0.4, latent=2]");
    let away = format!("_tmp/{}-1-0", world.key("train[temperature=0.4, latent=2]"));
    fs::rename(&entry, world.root.join(".store/v1").join(away)).unwrap();
    drop(world.store());
    assert!(inventory(&world).private.is_empty());
    let damage = |f: &&store::Finding| matches!(f.problem, Problem::Damaged { .. });
    assert_eq!(audit(&world, &[]).findings.iter().filter(damage).count(), 0);
    collect(&world, Keep::default());
    assert!(inventory(&world).items.is_empty());
    assert_eq!(world.run().summary.done, 12);
}

#[test]
fn checkpoints_stay_if_their_task_is_needed() {
    let mut world = World::new();
    world.run();
    let work = world.root.join(".store/v1/_work");
    // Checkpoints of a task that no plan has, then of one that the plan has.
    for temperature in [1.5, 0.9] {
        world.temperatures = vec![temperature];
        let path = work.join(world.key("train").as_str());
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("state"), [0; 10]).unwrap();
    }
    let needed = work.join(world.key("train").as_str());
    let found = garbage(&world, of_plan(&world));
    let kinds: Vec<Garbage> = found.removals.iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [Garbage::Checkpoint]);
    assert_eq!(found.bytes(), 10);
    collect(&world, of_plan(&world));
    assert_eq!(fs::read_dir(&work).unwrap().count(), 1);
    assert!(needed.exists());
}
