//! What `plan` says is what `run` does, and `run` says it plainly.

use std::collections::BTreeSet;

use serde_json::{Value, json};

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
    let line = "vae.hidden: [16] → [17]";
    let paragraphs = [
        format!(
            "run      train: changed here\n           {line}\n           nearest result: train,"
        ),
        format!("run      likelihood: follows from `train`\n           {line}\n"),
    ];
    for paragraph in paragraphs {
        assert!(
            changed.stdout.contains(&paragraph),
            "no `{paragraph}` in:\n{}",
            changed.stdout
        );
    }
    let tables = " tasks of table, such as table[name=training]: follow from `train`";
    assert!(changed.stdout.contains(tables), "{}", changed.stdout);
    assert!(
        !changed.stdout.contains("encoder_hidden"),
        "{}",
        changed.stdout
    );
    let encoder = [
        "plan",
        "manifest.toml",
        "--explain",
        "--set",
        "vae.encoder_hidden=[8]",
    ];
    let changed = experiment.call(&encoder).with_code(0);
    assert!(
        changed.stdout.contains("vae.encoder_hidden: [16] → [8]"),
        "{}",
        changed.stdout
    );
}

#[test]
fn names_in_explanations_are_those_of_the_manifest() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let cases = [
        ("model.temperature=0.7", "model.temperature: 0.6 → 0.7"),
        ("experiment.seed=4", "experiment.seed: 3 → 4"),
        (
            "sampling.test_samples=600",
            "sampling.test_samples: 500 → 600",
        ),
        ("vae.training.epochs=5", "vae.training.epochs: 4 → 5"),
        ("vae.latent=3", "vae.latent: 2 → 3"),
        (
            "analysis.likelihood.importance_samples=8",
            "analysis.likelihood.importance_samples: 16 → 8",
        ),
        (
            "analysis.statistics.triplet_sites=6",
            "analysis.statistics.triplet_sites: 5 → 6",
        ),
    ];
    for (set, line) in cases {
        let plan = ["plan", "manifest.toml", "--explain", "--set", set];
        let plan = experiment.call(&plan).with_code(0);
        let found = plan.stdout.lines().any(|found| found.trim() == line);
        assert!(found, "no `{line}` in:\n{}", plan.stdout);
    }
}

#[test]
fn many_tasks_with_one_cause_are_one_paragraph() {
    let experiment = Experiment::new(POINT);
    experiment.run(&SWEEP).with_code(0);
    let changed = [
        &[
            "plan",
            "manifest.toml",
            "--explain",
            "--set",
            "vae.latent=3",
        ],
        &SWEEP[..],
    ];
    let plan = experiment.call(&changed.concat()).with_code(0).stdout;
    let heads: Vec<&str> = plan
        .lines()
        .filter(|line| line.starts_with("run "))
        .collect();
    let train =
        "run      4 tasks of train, such as train[temperature=0.6, replicate=0]: changed here";
    assert!(heads.contains(&train), "{plan}");
    let likelihood = heads
        .iter()
        .find(|head| head.contains(" 4 tasks of likelihood,"));
    assert!(
        likelihood
            .unwrap()
            .ends_with("follow from 4 tasks, such as `train[temperature=0.6, replicate=0]`"),
        "{plan}"
    );
    let only = [&changed.concat()[..], &["--only", "likelihood"]].concat();
    let each = experiment.call(&only).with_code(0).stdout;
    assert!(!each.contains(" tasks of "), "{each}");
    for temperature in ["0.6", "1.2"] {
        for replicate in [0, 1] {
            let place = format!("[temperature={temperature}, replicate={replicate}]");
            let line = format!(
                "run      likelihood{place}: follows from `train{place}`\n           vae.latent: 2 → 3\n"
            );
            assert!(each.contains(&line), "{each}");
        }
    }
}

#[test]
fn a_plan_for_programs_has_points_counts_and_estimates() {
    let experiment = Experiment::new(POINT);
    let before = experiment.json(&[&["plan", "manifest.toml"], &SWEEP[..]].concat());
    assert_eq!(
        (&before["format"], &before["experiment"]),
        (&json!(1), &json!("trial"))
    );
    let points = before["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    let third = json!({"index": 2, "replicate": 0, "seed": 3, "coordinates": {"temperature": 1.2}});
    assert_eq!(points[2], third);
    let tasks = before["tasks"].as_array().unwrap();
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    for (id, task) in tasks.iter().enumerate() {
        assert_eq!(number(&task["id"]), id);
        assert_eq!(task["explanation"]["cause"], "new");
        assert_eq!(task["estimate_core_seconds"], Value::Null);
        let needs = task["needs"].as_array().unwrap();
        assert!(
            needs
                .iter()
                .all(|need| number(&need["task"]) < id && need["role"].is_string())
        );
        let points = task["points"].as_array().unwrap();
        let gathers = ["table", "figure"].contains(&task["stage"].as_str().unwrap());
        assert_eq!(points.is_empty(), gathers, "{task}");
    }
    let counts = &before["counts"];
    assert_eq!(number(&counts["tasks"]), tasks.len());
    assert_eq!(number(&counts["to_run"]), tasks.len());
    assert_eq!(number(&before["estimate"]["unknown"]), tasks.len());
    let run = experiment.run(&SWEEP).with_code(0);
    assert!(
        run.stderr.contains(&format!(
            "{} tasks to run, 0 cached, of unknown length\n",
            tasks.len()
        )),
        "{}",
        run.stderr
    );
    let more = [&SWEEP[..2], &["--set", "experiment.replicates=3"]].concat();
    let after = experiment.json(&[&["plan", "manifest.toml"], &more[..]].concat());
    assert_eq!(after["estimate"]["unknown"], 0);
    assert!(
        after["estimate"]["core_seconds"].as_f64() > Some(0.0),
        "{}",
        after["estimate"]
    );
    let sum = after["tasks"].as_array().unwrap().iter();
    let sum: f64 = sum
        .filter_map(|task| task["estimate_core_seconds"].as_f64())
        .sum();
    let total = after["estimate"]["core_seconds"].as_f64().unwrap();
    assert!((sum - total).abs() <= 1e-9 * total, "{sum} {total}");
    let text = experiment
        .call(&[&["plan", "manifest.toml"], &more[..]].concat())
        .with_code(0);
    let last = text.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("to run: ") && last.contains("core-hours, "),
        "{last}"
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
