//! Several processes on one store.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::plan::{KeyParts, Task};

use super::super::store::Record;
use super::super::world::World;
use super::super::*;

#[test]
fn the_private_folder_of_a_living_process_is_left_alone() {
    let world = World::new();
    let plan = world.plan();
    let alive = world.store();
    let _claim = alive.claim(&plan.tasks[0].key).unwrap().unwrap();
    let private = alive.private_folder(&plan.tasks[0].key).unwrap();
    let _other = world.store();
    assert!(private.path().exists());
}

#[test]
fn two_runs_at_once_share_the_work() {
    let world = World::new().before("sample", |_| {
        thread::sleep(Duration::from_millis(30));
        Ok(())
    });
    let start = Barrier::new(2);
    let run = || {
        start.wait();
        world.run().summary
    };
    let (a, b) = thread::scope(|scope| {
        let other = scope.spawn(run);
        (run(), other.join().unwrap())
    });
    assert!(a.complete() && b.complete(), "{a:?} {b:?}");
    assert_eq!(a.done + b.done, 12, "every task ran once");
    assert_eq!(world.runs("sample"), 2);
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn a_task_that_another_process_has_is_waited_for_and_its_result_used() {
    let mut world = World::new();
    world.only = vec!["sample[temperature=0.4]".to_owned()];
    let plan = world.plan();
    let task = &plan.tasks[0];
    let other = world.store();
    let claim = other.claim(&task.key).unwrap().unwrap();
    let done = thread::scope(|scope| {
        let run = scope.spawn(|| world.run());
        thread::sleep(Duration::from_millis(120));
        let private = other.private_folder(&task.key).unwrap();
        private.write("samples", b"of the other").unwrap();
        other
            .publish(&private, record(task, &task.key_parts()))
            .unwrap();
        drop(claim);
        run.join().unwrap()
    });
    assert_eq!(done.count(|e| matches!(e, Event::Waiting { .. })), 1);
    assert_eq!(done.count(|e| matches!(e, Event::Cached { .. })), 1);
    assert_eq!((done.summary.done, done.summary.cached), (0, 1));
    assert_eq!(world.runs("sample"), 0);
}

#[test]
fn a_task_whose_worker_dies_is_taken_over() {
    let mut world = World::new();
    world.only = vec!["sample[temperature=0.4]".to_owned()];
    let claim = world
        .store()
        .claim(&world.plan().tasks[0].key)
        .unwrap()
        .unwrap();
    let done = thread::scope(|scope| {
        let run = scope.spawn(|| world.run());
        thread::sleep(Duration::from_millis(120));
        drop(claim);
        run.join().unwrap()
    });
    assert_eq!(done.count(|e| matches!(e, Event::Waiting { .. })), 1);
    assert_eq!(done.summary.done, 1);
}

fn record<'a>(task: &'a Task, key_parts: &'a KeyParts) -> Record<'a> {
    Record {
        key: &task.key,
        key_parts,
        label: &task.label,
        warnings: Vec::new(),
        started_unix: 0.0,
        finished_unix: 1.0,
        seconds: 1.0,
        threads: 1,
    }
}
