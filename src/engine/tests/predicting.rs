//! What is predicted is what runs, whatever happened before.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::super::world::{Done, World};
use super::super::*;

/// What happens to a world between two runs.
#[derive(Debug, Clone)]
enum Change {
    Temperatures(Vec<f64>),
    Latents(Vec<i64>),
    /// A stage gets another version.
    Version(usize, u32),
    /// An entry is removed.
    Lose(prop::sample::Index),
    /// A byte of a file of an entry is changed.
    Damage(prop::sample::Index, prop::sample::Index),
    /// A file of an entry is removed.
    Tear(prop::sample::Index, prop::sample::Index),
    /// A file is put into an entry.
    Stray(prop::sample::Index),
    Only(Option<prop::sample::Index>),
    Force(Option<prop::sample::Index>),
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = all.len();
    prop::sample::subsequence(all, 1..=most)
}

fn change() -> impl Strategy<Value = Change> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        some_of(vec![0.4, 0.5, 0.6, 0.7]).prop_map(Change::Temperatures),
        some_of(vec![2, 3, 4]).prop_map(Change::Latents),
        (0..5usize, 1..3u32).prop_map(|(stage, version)| Change::Version(stage, version)),
        index().prop_map(Change::Lose),
        (index(), index()).prop_map(|(entry, file)| Change::Damage(entry, file)),
        (index(), index()).prop_map(|(entry, file)| Change::Tear(entry, file)),
        index().prop_map(Change::Stray),
        prop::option::of(index()).prop_map(Change::Only),
        prop::option::of(index()).prop_map(Change::Force),
    ]
}

/// Folders of all entries, in a fixed order.
fn entries(world: &World) -> Vec<PathBuf> {
    let inventory = world.store().inventory().unwrap();
    let folder = |item: &store::Item| {
        let stage = world.root.join(".store/v1").join(&item.stage);
        stage.join(item.key.as_str())
    };
    inventory.items.iter().map(folder).collect()
}

/// A file of some entry, if there is one.
fn pick(world: &World, entry: prop::sample::Index, file: prop::sample::Index) -> Option<PathBuf> {
    let entries = entries(world);
    let folder = (!entries.is_empty()).then(|| entry.get(&entries))?;
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path())
        .collect();
    files.sort();
    (!files.is_empty()).then(|| file.get(&files).clone())
}

fn apply(world: &mut World, change: &Change) {
    match change {
        Change::Temperatures(values) => world.temperatures.clone_from(values),
        Change::Latents(values) => world.latents.clone_from(values),
        Change::Version(stage, version) => world.stages[*stage].definition.version = *version,
        Change::Lose(entry) => {
            let entries = entries(world);
            if !entries.is_empty() {
                fs::remove_dir_all(entry.get(&entries)).unwrap();
            }
        }
        Change::Damage(entry, file) => {
            if let Some(path) = pick(world, *entry, *file) {
                let mut bytes = fs::read(&path).unwrap();
                match bytes.first_mut() {
                    Some(first) => *first ^= 64,
                    None => bytes.push(0),
                }
                fs::write(path, bytes).unwrap();
            }
        }
        Change::Tear(entry, file) => {
            if let Some(path) = pick(world, *entry, *file) {
                fs::remove_file(path).unwrap();
            }
        }
        Change::Stray(entry) => {
            let entries = entries(world);
            if !entries.is_empty() {
                fs::write(entry.get(&entries).join("stray"), b"?").unwrap();
            }
        }
        Change::Only(task) => world.only = selector(world, *task),
        Change::Force(task) => world.force = selector(world, *task),
    }
}

/// The label of some task of the plan as it is now.
fn selector(world: &World, task: Option<prop::sample::Index>) -> Vec<String> {
    let plan = world.plan();
    task.map(|task| task.get(&plan.tasks).label.clone())
        .into_iter()
        .collect()
}

fn predicted(world: &World) -> BTreeSet<String> {
    let (plan, to_run) = (world.plan(), world.assess().to_run());
    let runs = plan.tasks.iter().filter(|task| to_run[task.id]);
    runs.map(|task| task.label.clone()).collect()
}

fn finished(done: &Done) -> Vec<String> {
    let finished = done.events.iter().filter_map(|event| match event {
        Event::Finished { label, .. } => Some(label.clone()),
        _ => None,
    });
    finished.collect()
}

/// A selector of a task that the plan no longer has means nothing.
fn forget_unknown(world: &mut World) {
    let plan = world.plan();
    let known = |text: &String| plan.tasks.iter().any(|task| task.label == *text);
    world.only.retain(known);
    world.force.retain(known);
}

/// The table that the same stages make of the same points in an empty folder.
fn undisturbed(world: &World) -> Vec<u8> {
    let mut fresh = World::new();
    fresh.temperatures.clone_from(&world.temperatures);
    fresh.latents.clone_from(&world.latents);
    for (stage, same) in fresh.stages.iter_mut().zip(&world.stages) {
        stage.definition.version = same.definition.version;
    }
    fresh.run();
    fresh.table()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_does_what_is_predicted_and_explained(
        rounds in prop::collection::vec(prop::collection::vec(change(), 0..4), 1..5)
    ) {
        let mut world = World::new();
        world.run();
        for changes in &rounds {
            for change in changes {
                apply(&mut world, change);
                forget_unknown(&mut world);
            }
            let predicted = predicted(&world);
            let explained: BTreeSet<String> = world.explain().into_keys().collect();
            prop_assert_eq!(&explained, &predicted);
            let done = world.run();
            prop_assert!(done.summary.complete(), "{:?}", done.summary);
            let finished = finished(&done);
            prop_assert_eq!(finished.len(), predicted.len(), "a task ran twice");
            prop_assert_eq!(finished.into_iter().collect::<BTreeSet<_>>(), predicted);
            world.force.clear();
            let left = self::predicted(&world);
            prop_assert!(left.is_empty(), "{:?} would run again", left);
        }
        world.only.clear();
        world.run();
        prop_assert!(world.table() == undisturbed(&world), "another table");
    }

    #[test]
    fn a_new_point_runs_its_own_tasks_and_what_gathers(
        start in some_of(vec![0.1, 0.2, 0.3, 0.5, 0.6]),
        new in prop_oneof![Just(0.05), Just(0.15), Just(0.25), Just(0.4), Just(0.7)],
    ) {
        let mut world = World::new();
        world.temperatures = start.clone();
        world.run();
        let place = start.partition_point(|&value| value < new);
        world.temperatures.insert(place, new);
        let own = format!("temperature={new}");
        let done = finished(&world.run());
        // A sample, two trainings, two likelihoods; table and figure.
        prop_assert_eq!(done.len(), 7);
        let gathers = |label: &String| label.starts_with("table") || label.starts_with("figure");
        prop_assert_eq!(done.iter().filter(|label| label.contains(&own)).count(), 5);
        prop_assert_eq!(done.iter().filter(|label| gathers(label)).count(), 2);
        // Taken away again, all is there, even the table of before.
        world.temperatures = start;
        prop_assert_eq!(finished(&world.run()), Vec::<String>::new());
    }
}
