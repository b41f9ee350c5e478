//! How the threads of a run are shared among its tasks.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rayon::prelude::*;

use super::super::world::World;

thread_local! {
    /// Whether this thread is inside a task.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Parallel work that gives every thread time to look for more.
fn parts() {
    (0..16)
        .into_par_iter()
        .for_each(|_| thread::sleep(Duration::from_millis(1)));
}

#[test]
fn a_task_that_waits_for_its_parts_begins_no_other_task() {
    let mut world = World::new();
    world.temperatures = (1..=6).map(|step| 0.1 * f64::from(step)).collect();
    for stage in ["sample", "train", "likelihood"] {
        world = world.before(stage, |_| {
            assert!(!INSIDE.get(), "a task inside another one");
            INSIDE.set(true);
            parts();
            INSIDE.set(false);
            Ok(())
        });
    }
    assert!(world.run().summary.complete());
}

#[test]
fn the_threads_of_all_tasks_together_are_those_of_the_run() {
    let mut world = World::new();
    world.threads = 3;
    let busy = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    for stage in ["sample", "train", "likelihood"] {
        let (busy, most) = (Arc::clone(&busy), Arc::clone(&most));
        world = world.before(stage, move |_| {
            let own = rayon::current_num_threads();
            let now = busy.fetch_add(own, Ordering::SeqCst) + own;
            most.fetch_max(now, Ordering::SeqCst);
            parts();
            busy.fetch_sub(own, Ordering::SeqCst);
            Ok(())
        });
    }
    assert!(world.run().summary.complete());
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_task_that_is_alone_has_all_threads() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let mut world = World::new().before("sample", move |_| {
        noted.lock().unwrap().push(rayon::current_num_threads());
        Ok(())
    });
    world.threads = 3;
    world.only = vec!["sample[temperature=0.4]".to_owned()];
    assert!(world.run().summary.complete());
    assert_eq!(*seen.lock().unwrap(), [3]);
}
