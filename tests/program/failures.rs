//! A task that fails says so, and stops only what needs it.

use crate::support::{Experiment, POINT, text};

/// With rectified units and no clipping, the larger learning rate diverges.
const DIVERGES: [&str; 10] = [
    "--set",
    "vae.activation=relu",
    "--set",
    "vae.hidden=[64, 64, 64, 64]",
    "--set",
    "vae.training.kl_warmup_epochs=0",
    "--set",
    "vae.training.gradient_clip=1e30",
    "--set",
    "sweep.vae.training.learning_rate=[0.002, 1.0]",
];

/// Whether a task is of the point that diverges.
fn diverging(label: &str) -> bool {
    label.contains("learning_rate=1]")
}

#[test]
fn a_failed_task_names_itself_its_cause_and_its_log() {
    let experiment = Experiment::new(POINT);
    let ended = experiment.run(&DIVERGES).with_code(1);
    let line = ended.stderr.lines().find(|line| line.starts_with("task `"));
    let line = line.unwrap_or_else(|| panic!("no failure in:\n{}", ended.stderr));
    let expected = "task `train[vae.training.learning_rate=1]` failed: \
                    the loss is not finite at step ";
    assert!(line.starts_with(expected), "{line}");
    assert!(
        line.contains("lower `vae.training.learning_rate`"),
        "{line}"
    );
    let (_, log) = line.split_once("; log: ").expect("the name of the log");
    let log = std::fs::read_to_string(experiment.path(log)).unwrap();
    assert!(
        log.starts_with("task `train[vae.training.learning_rate=1]` failed: "),
        "{log}"
    );
    for part in [
        "not finite",
        "parameters:",
        "\"learning_rate\": 1.0",
        "key: ",
    ] {
        assert!(log.contains(part), "no `{part}` in:\n{log}");
    }
}

#[test]
fn with_keep_going_a_failure_stops_only_what_needs_it() {
    let experiment = Experiment::new(POINT);
    let ended = experiment
        .run(&[&DIVERGES[..], &["--keep-going"]].concat())
        .with_code(1);
    assert!(
        ended.summary().contains(" 0 cached, 1 failed, "),
        "{}",
        ended.summary()
    );
    assert!(ended.summary().contains(" 0 left; "), "{}", ended.summary());
    let finished = experiment.finished("results");
    let good = ["train", "likelihood", "patterns", "statistics"];
    for stage in good {
        let label = format!("{stage}[vae.training.learning_rate=0.002]");
        assert!(finished.contains(&label), "{label} did not run");
    }
    assert!(
        !finished.iter().any(|label| diverging(label)),
        "{finished:?}"
    );
    let blocked = experiment.events("results", "blocked");
    let blocked: Vec<String> = blocked.iter().map(|event| text(&event["label"])).collect();
    // The other analyses of the point, and every table and figure but that of the sampler.
    assert_eq!(blocked.iter().filter(|label| diverging(label)).count(), 3);
    assert!(blocked.contains(&"table[name=training]".to_owned()));
    assert!(
        finished.contains(&"table[name=sampling]".to_owned()),
        "{finished:?}"
    );
    let all = experiment.plan(&DIVERGES).len();
    assert_eq!(finished.len() + 1 + blocked.len(), all);

    // Without the point that fails, what was done is used and the rest runs.
    let exclude = "sweep.exclude=[{ \"vae.training.learning_rate\" = 1.0 }]";
    let ended = experiment
        .run(&[&DIVERGES[..], &["--set", exclude]].concat())
        .with_code(0);
    let after = experiment.finished("results").split_off(finished.len());
    // Tables and figures of other points are others; tasks of points stay.
    assert!(
        after.iter().all(|label| label.contains("[name=")),
        "{after:?}"
    );
    assert!(
        !ended.summary().contains(", 0 cached"),
        "{}",
        ended.summary()
    );
    assert!(
        experiment
            .path("results/trial/tables/training.parquet")
            .is_file()
    );
}

#[test]
fn without_keep_going_nothing_is_started_after_a_failure() {
    let experiment = Experiment::new(POINT);
    let first = "sweep.vae.training.learning_rate=[1.0, 0.002]";
    let options = [&DIVERGES[..8], &["--set", first, "-j", "1"]].concat();
    let ended = experiment.run(&options).with_code(1);
    assert_eq!(experiment.finished("results"), ["sample"]);
    assert!(
        ended.summary().starts_with("1 done, 0 cached, 1 failed"),
        "{}",
        ended.summary()
    );
    assert_eq!(experiment.events("results", "started").len(), 2);
}
