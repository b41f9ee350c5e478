//! Why tasks run, told from the record alone.

use std::fs;

use super::super::world::World;
use super::super::*;

fn words(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.words.as_str()).collect()
}

/// Labels of the tasks where a change began, with what changed there.
fn roots(explanation: &Explanation) -> Vec<(&str, Vec<&str>)> {
    let Cause::Follows { roots } = &explanation.cause else {
        panic!("{explanation:?}")
    };
    roots
        .iter()
        .map(|root| (root.label.as_str(), words(&root.differences)))
        .collect()
}

#[test]
fn in_an_empty_store_everything_is_new() {
    let world = World::new();
    let found = world.explain();
    assert_eq!(found.len(), 12);
    let new = |e: &Explanation| e.cause == Cause::New && e.nearest.is_none();
    assert!(found.values().all(new), "{found:?}");
}

#[test]
fn a_changed_parameter_is_named_where_it_changed_and_followed_from_there() {
    let mut world = World::new();
    world.run();
    world.latents = vec![2, 5];
    let found = world.explain();
    // The samples, and what has two latents, are there.
    assert_eq!(found.len(), 6, "{:?}", found.keys());
    let train = &found["train[temperature=0.4, latent=5]"];
    assert_eq!(train.cause, Cause::ChangedHere);
    let nearest = &train.nearest.as_ref().unwrap().label;
    let latent = nearest.trim_end_matches(']').rsplit('=').next().unwrap();
    assert_eq!(
        words(&train.differences),
        [format!("latent: {latent} → 5")],
        "the samples are those of the nearest: {train:?}"
    );
    let follows = &found["likelihood[temperature=0.4, latent=5]"];
    assert_eq!(
        roots(follows),
        [(
            "train[temperature=0.4, latent=5]",
            words(&train.differences)
        )]
    );
    let table = &found["table[name=likelihood]"];
    assert_eq!(table.cause, Cause::ChangedHere);
    assert_eq!(
        words(&table.differences),
        ["rows: 2 new, 2 gone, such as temperature=0.4, latent=5"]
    );
    assert_eq!(
        roots(&found["figure[name=gap]"]),
        [("table[name=likelihood]", words(&table.differences))]
    );
}

#[test]
fn hundreds_that_follow_from_one_change_name_that_one() {
    let mut world = World::new();
    world.latents = (2..52).collect();
    world.temperatures = vec![0.4];
    world.run();
    let sample = world
        .stages
        .iter_mut()
        .find(|s| s.definition.name == "sample");
    sample.unwrap().definition.version = 2;
    let found = world.explain();
    assert_eq!(found.len(), 1 + 2 * 50 + 2);
    for (label, explanation) in &found {
        if label.starts_with("sample") {
            assert_eq!(explanation.cause, Cause::ChangedHere);
            assert_eq!(words(&explanation.differences), ["stage version 1 → 2"]);
        } else {
            let expected = ("sample[temperature=0.4]", vec!["stage version 1 → 2"]);
            assert_eq!(roots(explanation), [expected], "{label}");
        }
    }
}

#[test]
fn the_entry_of_the_same_name_is_the_nearest() {
    let mut world = World::new();
    world.run();
    world.temperatures = vec![0.4, 0.7];
    world.run();
    let train = world
        .stages
        .iter_mut()
        .find(|s| s.definition.name == "train");
    train.unwrap().definition.version = 2;
    for (label, explanation) in world.explain() {
        assert_eq!(explanation.nearest.unwrap().label, label);
    }
}

#[test]
fn what_was_there_and_cannot_be_used_is_told_apart() {
    let mut world = World::new();
    world.run();
    let problem = |world: &World, label: &str| {
        let found = world.explain();
        match &found[label].cause {
            Cause::ArtefactMissing { problem } => problem.clone(),
            other => panic!("{other:?}"),
        }
    };
    let label = "table[name=likelihood]";
    fs::write(world.entry("table").join("likelihood.parquet"), b"x").unwrap();
    assert!(problem(&world, label).contains("expected"), "damaged");
    world
        .store()
        .set_aside("table", &world.key("table"), "damaged")
        .unwrap();
    assert_eq!(problem(&world, label), "it was damaged and set aside");
    world.run();
    fs::remove_dir_all(world.root.join(".store/v1/_damaged")).unwrap();
    fs::remove_dir_all(world.entry("table")).unwrap();
    assert_eq!(problem(&world, label), "it was there and is gone");
    // Nothing says that this one was ever there.
    world.temperatures = vec![0.9];
    let found = world.explain();
    assert_eq!(found["sample[temperature=0.9]"].cause, Cause::ChangedHere);
}

#[test]
fn what_is_forced_is_told_with_all_that_follows() {
    let mut world = World::new();
    world.run();
    world.force = vec!["train[temperature=0.4, latent=2]".to_owned()];
    let found = world.explain();
    assert_eq!(found.len(), 4);
    for (label, explanation) in &found {
        if *label == world.force[0] {
            assert_eq!(explanation.cause, Cause::Forced);
        } else {
            // Each names the one before it, which was forced by the same.
            assert_eq!(roots(explanation).len(), 1, "{label}");
        }
    }
}

#[test]
fn a_lost_record_upstream_hides_what_changed_and_nothing_else() {
    let mut world = World::new();
    world.temperatures = vec![0.4];
    world.run();
    fs::remove_dir_all(world.entry("sample")).unwrap();
    world.temperatures = vec![0.5];
    let found = world.explain();
    let label = "train[temperature=0.5, latent=2]";
    let unknown = ("sample[temperature=0.5]", Vec::new());
    assert_eq!(roots(&found[label]), [unknown]);
    assert_eq!(found["sample[temperature=0.5]"].cause, Cause::New);
}
