//! What `plan` says is what `run` does, and `run` says it plainly.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Experiment, POINT, SWEEP, text};

/// Labels of the tasks with this status.
fn labels(plan: &[Value], status: &str) -> BTreeSet<String> {
    let tasks = plan.iter().filter(|task| task["status"] == status);
    tasks.map(|task| text(&task["label"])).collect()
}

#[test]
fn a_plan_says_what_the_next_run_does() {
    let experiment = Experiment::new(POINT);
    let changed = ["--set", "vae.hidden=[17]"];
    let mut before = 0;
    for options in [&[][..], &changed[..], &["--force", "likelihood"]] {
        let predicted = labels(&experiment.plan(options), "will_run");
        assert!(!predicted.is_empty());
        experiment.run(options).with_code(0);
        let finished = experiment.finished("results").split_off(before);
        assert_eq!(finished.iter().cloned().collect::<BTreeSet<_>>(), predicted);
        assert_eq!(finished.len(), predicted.len());
        before += finished.len();
        let settings = if options == changed { options } else { &[] };
        let after = experiment.plan(settings);
        assert!(labels(&after, "will_run").is_empty(), "{after:?}");
        let wanted = after.iter().filter(|task| task["stage"] == "table");
        assert!(wanted.clone().count() > 0);
        assert!(
            wanted.into_iter().all(|task| task["status"] == "cached"),
            "{after:?}"
        );
    }
}

#[test]
fn a_plan_makes_nothing() {
    let experiment = Experiment::new(POINT);
    let plan = experiment.call(&["plan", "manifest.toml"]).with_code(0);
    for line in [
        "run      sample: no entry yet",
        "run      train: no entry yet",
    ] {
        assert!(plan.stdout.contains(line), "{}", plan.stdout);
    }
    assert!(!plan.stdout.contains("cached   "), "{}", plan.stdout);
    assert!(experiment.entries("results", "sample").is_empty());
    assert!(!experiment.path("results/trial").exists());
}

#[test]
fn a_plan_explains_what_changed() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let all = experiment.call(&["plan", "manifest.toml"]).with_code(0);
    assert!(
        all.stdout.lines().all(|line| !line.starts_with("run")),
        "{}",
        all.stdout
    );
    assert!(
        all.stdout.contains("cached   table[name=likelihood]"),
        "{}",
        all.stdout
    );
    let arguments = [
        "plan",
        "manifest.toml",
        "--explain",
        "--set",
        "vae.hidden=[17]",
    ];
    let changed = experiment.call(&arguments).with_code(0);
    assert!(
        changed.stdout.contains("cached   sample\n"),
        "{}",
        changed.stdout
    );
    let (_, train) = changed
        .stdout
        .split_once("run      train: ")
        .expect("a training");
    let (train, _) = train.split_once("\nrun ").expect("a task that follows");
    assert!(train.contains("nearest result: train"), "{train}");
    for side in ["encoder", "decoder"] {
        let line = format!("{side}_hidden: [16] → [17]");
        assert!(train.contains(&line), "no `{line}` in:\n{train}");
    }
    assert!(
        changed.stdout.contains("input `vae` changed"),
        "{}",
        changed.stdout
    );
}

#[test]
fn only_what_is_asked_for_runs_and_what_it_needs() {
    let experiment = Experiment::new(POINT);
    let sweep = &SWEEP[..2];
    let options = [sweep, &["--only", "train[temperature=1.2]"]].concat();
    experiment.run(&options).with_code(0);
    let expected = ["sample[temperature=1.2]", "train[temperature=1.2]"];
    assert_eq!(experiment.finished("results"), expected);
}

#[test]
fn without_a_terminal_the_output_is_plain_lines() {
    let experiment = Experiment::new(POINT);
    let ended = experiment.run(&[]).with_code(0);
    let plan = experiment.plan(&[]);
    for text in [&ended.stderr, &ended.stdout] {
        let control = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{text}");
    }
    let done = ended
        .stderr
        .lines()
        .filter(|line| line.contains("] done      "));
    assert_eq!(done.count(), experiment.finished("results").len());
    assert!(
        plan.iter().all(|task| task["status"] != "will_run"),
        "{plan:?}"
    );
    assert_eq!(ended.stdout, "results/trial\n");
    let mistaken = experiment.call(&["check", "manifest.toml", "--set", "vae.latent=0"]);
    assert!(!mistaken.with_code(2).stderr.contains('\x1b'));
}
