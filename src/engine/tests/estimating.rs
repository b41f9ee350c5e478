//! How long a run will take, from what earlier ones took.

use std::thread;
use std::time::Duration;

use super::super::world::World;
use super::super::*;

/// Time that a training takes at least, in seconds.
const TRAINING: f64 = 0.05;

fn slow() -> World {
    World::new().before("train", |_| {
        thread::sleep(Duration::from_secs_f64(TRAINING));
        Ok(())
    })
}

fn estimate(world: &World, threads: usize) -> (Forecast, Estimate) {
    let (plan, assessment, store) = (world.plan(), world.assess(), world.store());
    let forecast = Forecast::of(&plan, &assessment, &store).unwrap();
    let estimate = forecast.estimate(&plan, &assessment, threads);
    (forecast, estimate)
}

#[test]
fn nothing_is_known_before_anything_ran() {
    let (forecast, found) = estimate(&slow(), 2);
    assert_eq!((found.core_seconds, found.seconds), (0.0, 0.0));
    assert_eq!((found.unknown, found.threads), (12, 2));
    assert!((0..12).all(|task| forecast.core_seconds(task).is_none()));
}

#[test]
fn tasks_take_what_their_nearest_entries_took_on_their_threads() {
    let mut world = slow();
    world.threads = 1;
    world.run();
    world.latents = vec![4, 5];
    let (_, one) = estimate(&world, 1);
    // Four trainings, four likelihoods, table and figure.
    assert_eq!(one.unknown, 0);
    assert!(one.core_seconds >= 4.0 * TRAINING, "{one:?}");
    assert!((one.seconds - one.core_seconds).abs() < 1e-12, "{one:?}");
    let (_, many) = estimate(&world, 1000);
    assert!((many.core_seconds - one.core_seconds).abs() < 1e-12);
    // One training after the other is the longest chain however many threads there are.
    assert!(
        many.seconds >= TRAINING && many.seconds < one.seconds,
        "{many:?}"
    );
    let done = world.run();
    let told = done.events.iter().find_map(|event| match event {
        Event::RunStarted { estimate, .. } => Some(*estimate),
        _ => None,
    });
    assert_eq!(told, Some(one));
    assert!(estimate(&world, 1).1.core_seconds <= 0.0, "nothing is left");
}

#[test]
fn threads_are_kept_with_an_entry_and_count() {
    let mut world = slow();
    world.threads = 4;
    world.only = vec!["train[temperature=0.4, latent=2]".to_owned()];
    world.run();
    let entries = world.store().entries("train").unwrap();
    let [entry] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!(entry.threads, Some(4), "one task has all threads");
    assert!((entry.core_seconds() - 4.0 * entry.seconds).abs() < 1e-12);
    world.force = world.only.clone();
    let (forecast, _) = estimate(&world, 4);
    let plan = world.plan();
    let task = plan
        .tasks
        .iter()
        .find(|t| t.label == world.only[0])
        .unwrap();
    assert_eq!(forecast.core_seconds(task.id), Some(entry.core_seconds()));
}
