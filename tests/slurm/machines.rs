//! Machines that are lost: a process in a space of process numbers of its own is to all others
//! one of another machine.

use std::process::Command;
use std::time::{Duration, Instant};

use super::cluster::{asked_for, say};
use crate::support::{Experiment, POINT, Running, text, wait_until};

/// After this long without a sign of life a process elsewhere counts as dead; see docs/store.md.
const PATIENCE: Duration = Duration::from_secs(90);

/// Longest time between a sign of life and the look that sees it.
const BEAT: Duration = Duration::from_secs(10);

fn elsewhere(experiment: &Experiment, words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    experiment.at_home(&mut command).args([
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    command.args(words);
    command
}

#[test]
fn the_task_of_a_machine_that_was_lost_is_taken_over_and_not_before_its_time() {
    if !asked_for() {
        return;
    }
    let experiment = Experiment::new(POINT);
    let able = elsewhere(&experiment, &["true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        say("skipped: this machine lets nobody have process numbers of their own");
        return;
    }
    experiment.run(&["--results", "whole"]).with_code(0);
    let program = env!("CARGO_BIN_EXE_latentfield");
    let mut stuck = elsewhere(&experiment, &[program, "run", "manifest.toml", "-j", "1"]);
    stuck.env("FAILPOINTS", "checkpoint::create=sleep(600000)");
    let lost = Running::start(stuck);
    wait_until("the training", || {
        let started = experiment.events("results", "started");
        let label = |event: &serde_json::Value| text(&event["label"]);
        started
            .iter()
            .any(|event| label(event).starts_with("train"))
    });
    // As long as it gives signs of life its task is its own.
    let mut waiting = experiment.start(&["-j", "1"]);
    std::thread::sleep(PATIENCE + 2 * BEAT);
    assert!(waiting.lives(), "a living machine was taken for dead");
    assert_eq!(experiment.entries("results", "train").len(), 0);
    assert!(lost.kill());
    let start = Instant::now();
    waiting.end().with_code(0);
    let took = start.elapsed();
    say(&format!(
        "the task was taken over {took:?} after its machine was lost"
    ));
    assert!(took + BEAT >= PATIENCE, "{took:?}");
    assert_eq!(experiment.tables("results"), experiment.tables("whole"));
    experiment.run(&["--expect-cached"]).with_code(0);
}
