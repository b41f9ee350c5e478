//! A run that is asked to stop: checkpoints, a grace time, an end.

use std::time::{Duration, Instant};

use crate::faults::TINY;
use crate::support::{Ended, Experiment, POINT, Running, assert_same, names, wait_until};
use crate::training::{assert_resumed, mark};

/// A run whose first task writes for a minute, and cannot be asked to stop.
fn deaf(experiment: &Experiment, options: &[&str]) -> Running {
    let mut command = experiment.command(&[&["run", "manifest.toml"], options].concat());
    command.env("FAILPOINTS", "output::write=sleep(60000)");
    let running = Running::start(command);
    let private = experiment.path("results/.store/v1/_tmp");
    wait_until("a task that writes", || {
        names(&private)
            .iter()
            .any(|folder| !names(&private.join(folder)).is_empty())
    });
    running
}

/// Asserts that the run ended soon, and that nothing of it is seen later.
#[track_caller]
fn assert_stopped(experiment: &Experiment, begun: Instant, ended: Ended) -> Ended {
    let ended = ended.with_code(130);
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "it took {:?}",
        begun.elapsed()
    );
    assert!(
        experiment.entries("results", "sample").is_empty(),
        "half a task is published"
    );
    let next = experiment.run(&[]).with_code(0);
    assert!(
        next.stderr
            .contains("unfinished outputs of a process that died removed"),
        "{}",
        next.stderr
    );
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
    experiment.assert_clean("results");
    ended
}

#[test]
fn a_task_that_does_not_stop_is_ended_after_the_grace_time_and_named() {
    let experiment = Experiment::new(TINY);
    experiment.run(&["--results", "whole"]).with_code(0);
    let running = deaf(&experiment, &["--grace", "1"]);
    let begun = Instant::now();
    running.signal("TERM");
    let ended = assert_stopped(&experiment, begun, running.end());
    assert!(begun.elapsed() >= Duration::from_secs(1));
    ended.saying(&[
        "within 1 s",
        "stopped after 1 s of grace",
        "is lost: sample",
    ]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let experiment = Experiment::new(TINY);
    experiment.run(&["--results", "whole"]).with_code(0);
    let running = deaf(&experiment, &[]);
    let begun = Instant::now();
    running.signal("TERM");
    // Two signals of one kind may become one if the first is not yet heard.
    std::thread::sleep(Duration::from_millis(300));
    running.signal("INT");
    let ended = assert_stopped(&experiment, begun, running.end());
    ended.saying(&["within 30 s"]);
}

#[test]
fn a_training_that_is_asked_to_stop_keeps_its_last_epoch() {
    let experiment = Experiment::new(POINT);
    let never = [
        "--set",
        "vae.training.epochs=400",
        "--set",
        "vae.training.checkpoint_epochs=100_000",
        "--only",
        "table[name=training]",
    ];
    experiment
        .run(&[&never[..], &["--results", "whole"]].concat())
        .with_code(0);
    let running = experiment.start(&never);
    running_training(&experiment);
    running.signal("TERM");
    let ended = running.end().with_code(130).saying(&["stopped   train"]);
    assert!(!ended.stderr.contains("grace"), "{}", ended.stderr);
    let work = experiment.path("results/.store/v1/_work");
    let folders = names(&work);
    let [key] = &folders[..] else {
        panic!("no checkpoint: {folders:?}")
    };
    assert_eq!(names(&work.join(key)), ["state.safetensors"]);
    let epochs = mark(&work.join(key).join("state.safetensors"));
    assert!((1..400).contains(&epochs), "stopped at epoch {epochs}");
    experiment.run(&never).with_code(0);
    // It goes on where it was; what it comes to is what it would have been.
    assert_resumed(&experiment, 400);
    let trained = |results: &str| {
        let folder = experiment.path(results).join(".store/v1/train").join(key);
        std::fs::read(folder.join("last.safetensors")).unwrap()
    };
    assert!(
        trained("results") == trained("whole"),
        "the networks differ"
    );
    experiment.assert_clean("results");
}

/// Waits until the training has had the time for some epochs.
fn running_training(experiment: &Experiment) {
    wait_until("the training", || {
        let started = experiment.events("results", "started");
        started.iter().any(|event| event["label"] == "train")
    });
    std::thread::sleep(Duration::from_millis(150));
}
