//! What is there is used, what is not there is made, and every way gives the same bytes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Experiment, POINT, SWEEP, assert_same, files, names};

/// First bytes of every PNG file, after its specification.
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

#[test]
fn a_smoke_experiment_gives_tables_and_figures_and_is_not_run_twice() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/smoke");
    let manifests: Vec<String> = names(&folder)
        .into_iter()
        .filter(|name| Path::new(name).extension().is_some_and(|e| e == "toml"))
        .collect();
    assert!(manifests.len() >= 2, "{manifests:?}");
    for manifest in manifests {
        let experiment = Experiment::new("");
        let path = folder.join(&manifest).display().to_string();
        experiment.call(&["run", &path]).with_code(0);
        let results = experiment
            .path("results")
            .join(format!("smoke_{}", manifest.trim_end_matches(".toml")));
        let tables = files(&results.join("tables"));
        let figures = files(&results.join("plots"));
        assert!(!tables.is_empty() && !figures.is_empty(), "{manifest}");
        for (name, bytes) in &figures {
            assert!(bytes.starts_with(PNG_SIGNATURE), "{}", name.display());
        }
        let again = experiment
            .call(&["run", &path, "--expect-cached"])
            .with_code(0);
        assert!(again.summary().starts_with("0 done"), "{}", again.summary());
        assert!(
            again.summary().ends_with("0 files changed"),
            "{}",
            again.summary()
        );
        assert_same(&files(&results.join("tables")), &tables);
        assert_same(&files(&results.join("plots")), &figures);
    }
}

#[test]
fn a_run_that_expects_all_to_be_there_does_nothing_if_it_is_not() {
    let experiment = Experiment::new(POINT);
    let ended = experiment.run(&["--expect-cached"]).with_code(1);
    let ended = ended.saying(&["would run, expected none", "plan --explain"]);
    assert!(!ended.stderr.contains("done"), "{}", ended.stderr);
    assert!(experiment.entries("results", "sample").is_empty());
}

#[test]
fn one_thread_and_two_give_the_same_tables() {
    let experiment = Experiment::new(POINT);
    for threads in ["1", "2"] {
        let options = [&SWEEP[..], &["-j", threads, "--results", threads]].concat();
        experiment.run(&options).with_code(0);
    }
    assert_same(&experiment.tables("2"), &experiment.tables("1"));
}

#[test]
fn another_seed_gives_other_tables() {
    let experiment = Experiment::new(POINT);
    let only = ["--only", "table[name=sampling]"];
    experiment
        .run(&[&only[..], &["--results", "3"]].concat())
        .with_code(0);
    let other = ["--results", "4", "--set", "experiment.seed=4"];
    experiment.run(&[&only[..], &other].concat()).with_code(0);
    let read =
        |seed: &str| std::fs::read(experiment.path(seed).join("trial/tables/sampling.parquet"));
    assert_ne!(read("3").unwrap(), read("4").unwrap());
}

#[test]
fn a_damaged_entry_is_set_aside_and_made_again() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let finished = experiment.finished("results").len();
    // Only what is asked for, or needed for it, is looked at.
    let cases: [(&str, &str, &[&str]); 2] = [
        ("table", "likelihood.parquet", &[]),
        ("train", "best.safetensors", &["--only", "train"]),
    ];
    for (stage, file, options) in cases {
        let path = experiment.stored(stage, file);
        let original = std::fs::read(&path).unwrap();
        let mut bytes = original.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let arguments = [&["plan", "manifest.toml"], options].concat();
        let plan = experiment.call(&arguments).with_code(0);
        let planned = plan.stdout.lines().filter(|line| line.starts_with("run"));
        let planned: Vec<&str> = planned.collect();
        assert_eq!(planned.len(), 1, "{}", plan.stdout);
        assert!(
            planned[0].contains(stage) && planned[0].contains("damaged"),
            "{planned:?}"
        );
        experiment.run(options).with_code(0);
        assert_eq!(std::fs::read(&path).unwrap(), original);
    }
    assert_eq!(experiment.finished("results").len(), finished + 2);
    assert_eq!(experiment.entries("results", "_damaged").len(), 2);
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_same(&experiment.tables("results"), &tables);
}

#[test]
fn deleted_results_are_restored_from_the_store() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    std::fs::remove_dir_all(experiment.path("results/trial")).unwrap();
    let again = experiment.run(&["--expect-cached"]).with_code(0);
    assert!(again.summary().starts_with("0 done"), "{}", again.summary());
    assert_same(&experiment.tables("results"), &tables);
    assert!(experiment.path("results/trial/plots/overlap.png").is_file());
}

#[test]
fn two_processes_share_the_work_of_one_experiment() {
    let experiment = Experiment::new(POINT);
    experiment
        .run(&[&SWEEP[..], &["--results", "alone"]].concat())
        .with_code(0);
    let both = [experiment.start(&SWEEP), experiment.start(&SWEEP)];
    for running in both {
        running.end().with_code(0);
    }
    let starts = experiment.events("results", "run_started");
    let ends = experiment.events("results", "run_finished");
    assert_eq!((starts.len(), ends.len()), (2, 2));
    let time = |event: &serde_json::Value| event["time_unix"].as_f64().unwrap();
    assert!(
        time(&starts[1]) < time(&ends[0]),
        "they did not run at the same time"
    );
    let finished = experiment.finished("results");
    let distinct: BTreeSet<&String> = finished.iter().collect();
    assert_eq!(
        distinct.len(),
        finished.len(),
        "a task ran twice: {finished:?}"
    );
    assert_eq!(finished.len(), experiment.plan(&SWEEP).len());
    assert_same(&experiment.tables("results"), &experiment.tables("alone"));
    experiment.assert_clean("results");
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let experiment = Experiment::new(POINT);
    experiment.run(&["--only", "sample"]).with_code(0);
    let format = experiment.path("results/.store/FORMAT");
    let current: u32 = std::fs::read_to_string(&format)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let newer = current + 1;
    std::fs::write(&format, format!("{newer}\n")).unwrap();
    let before = files(&experiment.path("results"));
    for command in ["run", "plan"] {
        let ended = experiment.call(&[command, "manifest.toml"]).with_code(3);
        ended.saying(&[
            "results/.store",
            &format!("has format {newer}"),
            "use a newer program",
        ]);
    }
    assert_same(&files(&experiment.path("results")), &before);
}
