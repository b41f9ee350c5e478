//! The store's care, as a user does it.

use serde_json::Value;

use crate::support::{Experiment, POINT, SWEEP, assert_same, files, flip, text};

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().expect("a list")
}

#[test]
fn a_listing_counts_what_is_on_the_disk() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let before = files(&experiment.path("results"));
    let plan = experiment.plan(&[]);
    let listed = experiment.json(&["cache", "ls"]);
    let groups = list(&listed, "groups");
    assert!(
        groups
            .iter()
            .any(|group| group["name"] == "train" && group["entries"] == 1)
    );
    let sizes = before.iter().filter(|(path, _)| {
        let stage = path.strip_prefix(".store/v1").ok();
        stage.is_some_and(|stage| !stage.starts_with("_") && !path.to_string_lossy().contains("/_"))
    });
    let bytes: usize = sizes.map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(listed["total"]["bytes"], bytes);
    assert_eq!(listed["total"]["entries"], plan.len());
    for by in ["stage", "experiment", "age"] {
        let listed = experiment.json(&["cache", "ls", "--by", by]);
        let entries = list(&listed, "groups")
            .iter()
            .map(|g| g["entries"].as_u64().unwrap());
        assert_eq!(entries.sum::<u64>(), plan.len() as u64, "{by}");
        experiment.call(&["cache", "ls", "--by", by]).with_code(0);
    }
    let entries = experiment.json(&["cache", "ls", "--by", "size"]);
    let sizes: Vec<u64> = list(&entries, "entries")
        .iter()
        .map(|e| e["bytes"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes.len() == plan.len());
    assert_same(&files(&experiment.path("results")), &before);
}

#[test]
fn experiments_that_share_a_store_are_told_apart() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let other = ["--set", "experiment.name=other", "--set", "vae.latent=3"];
    experiment.run(&other).with_code(0);
    let listed = experiment.json(&["cache", "ls", "--by", "experiment"]);
    let names: Vec<&str> = list(&listed, "groups")
        .iter()
        .map(|g| g["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["other", "trial"]);
    std::fs::remove_dir_all(experiment.path("results/other")).unwrap();
    let found = experiment.json(&["cache", "gc"]);
    let removed: Vec<&Value> = list(&found, "removals")
        .iter()
        .filter(|r| r["kind"] == "entry")
        .collect();
    assert!(!removed.is_empty());
    // The samples are those of both.
    assert!(
        removed.iter().all(|removal| removal["stage"] != "sample"),
        "{found}"
    );
    assert_eq!(found["deleted"], false);
}

#[test]
fn a_changed_byte_is_found_set_aside_and_healed() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let clean = experiment.call(&["cache", "verify"]).with_code(0);
    assert!(
        clean.stdout.contains("0 damaged, 0 without an input"),
        "{}",
        clean.stdout
    );
    flip(&experiment.stored("train", "best.safetensors"));
    std::fs::write(experiment.path("results/.store/v1/notes.txt"), b"mine").unwrap();
    let before = files(&experiment.path("results"));
    let found = experiment.call(&["cache", "verify"]).with_code(1);
    let lines: Vec<&str> = found.stdout.lines().collect();
    assert!(
        lines[0].starts_with("damaged   train (") && lines[0].contains("`best.safetensors`"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("stranger  ") && lines[1].ends_with("notes.txt"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
    assert_same(&files(&experiment.path("results")), &before);
    // What was made from it names it; what was not does not.
    experiment
        .call(&["cache", "verify", "likelihood"])
        .with_code(1);
    experiment.call(&["cache", "verify", "sample"]).with_code(0);
    let unknown = experiment.call(&["cache", "verify", "tarin"]).with_code(2);
    unknown.saying(&["no entry is called `tarin`", "cache ls --by size"]);
    let repaired = experiment
        .call(&["cache", "verify", "--repair"])
        .with_code(1);
    assert!(
        repaired.stdout.contains("; set aside"),
        "{}",
        repaired.stdout
    );
    let why = experiment
        .call(&["cache", "why", "train", "manifest.toml"])
        .with_code(0);
    assert!(
        why.stdout
            .contains("artefact missing: it was damaged and set aside"),
        "{}",
        why.stdout
    );
    experiment.run(&["--only", "train"]).with_code(0);
    experiment.call(&["cache", "verify"]).with_code(0);
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_same(&experiment.tables("results"), &tables);
}

#[test]
fn an_entry_without_its_input_is_an_orphan_until_that_is_made_again() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let sample = experiment.stored("sample", "entry.json");
    std::fs::remove_dir_all(sample.parent().unwrap()).unwrap();
    let found = experiment.call(&["cache", "verify"]).with_code(1);
    let first = found.stdout.lines().next().unwrap();
    assert!(first.starts_with("orphan    "), "{first}");
    experiment.run(&["--only", "sample"]).with_code(0);
    experiment.call(&["cache", "verify"]).with_code(0);
}

#[test]
fn what_nobody_needs_is_told_first_and_removed_if_asked() {
    let experiment = Experiment::new(POINT);
    experiment.run(&["--set", "vae.latent=3"]).with_code(0);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let before = files(&experiment.path("results"));
    let dry = experiment.call(&["cache", "gc"]).with_code(0);
    assert!(dry.stdout.contains("entry      train, "), "{}", dry.stdout);
    assert!(
        dry.stdout
            .contains("no manifest and no results folder needs it"),
        "{}",
        dry.stdout
    );
    assert!(
        dry.stdout.contains("with --delete they are"),
        "{}",
        dry.stdout
    );
    assert_same(&files(&experiment.path("results")), &before);
    let expected = experiment.json(&["cache", "gc"]);
    let kept = experiment.json(&["cache", "gc", "--keep-days", "1"]);
    let entries = |found: &Value| {
        let removals = list(found, "removals")
            .iter()
            .filter(|r| r["kind"] == "entry");
        removals.map(|r| text(&r["key"])).collect::<Vec<_>>()
    };
    assert_eq!(entries(&kept), [""; 0]);
    experiment.write(
        "three.toml",
        POINT.replace("latent = 2", "latent = 3").as_bytes(),
    );
    let both = experiment.json(&["cache", "gc", "three.toml"]);
    assert_eq!(entries(&both), [""; 0]);
    let wrong = experiment
        .call(&["cache", "gc", "absent.toml"])
        .with_code(2);
    wrong.saying(&["absent.toml"]);
    let deleted = experiment.json(&["cache", "gc", "--delete"]);
    assert_eq!(entries(&deleted), entries(&expected));
    let left = experiment.json(&["cache", "ls"]);
    assert_eq!(left["total"]["entries"], deleted["kept"]["entries"]);
    assert_eq!(left["total"]["bytes"], deleted["kept"]["bytes"]);
    experiment.assert_clean("results");
    experiment.call(&["cache", "verify"]).with_code(0);
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_same(&experiment.tables("results"), &tables);
    let why = ["cache", "why", "train", "three.toml"];
    let why = experiment.call(&why).with_code(0);
    assert!(
        why.stdout
            .contains("artefact missing: it was removed by `cache gc`"),
        "{}",
        why.stdout
    );
}

#[test]
fn nothing_is_removed_under_a_run() {
    let experiment = Experiment::new(POINT);
    let mut running = experiment.start(&[&SWEEP[..], &["-j", "1"]].concat());
    running.wait_for_task(1);
    let refused = experiment.call(&["cache", "gc", "--delete"]);
    assert!(
        running.lives(),
        "the run ended before it could be disturbed"
    );
    let refused = refused.with_code(3);
    let refused = refused.saying(&[
        "results/.store",
        "is in use by process",
        "try again when that has ended",
    ]);
    assert!(
        refused.stderr.contains("run manifest.toml"),
        "{}",
        refused.stderr
    );
    // To look is allowed.
    experiment.call(&["cache", "ls"]).with_code(0);
    experiment.call(&["cache", "gc"]).with_code(0);
    running.end().with_code(0);
    experiment.call(&["cache", "gc", "--delete"]).with_code(0);
    experiment
        .run(&[&SWEEP[..], &["--expect-cached"]].concat())
        .with_code(0);
}

#[test]
fn a_killed_run_loses_nothing_to_a_collection() {
    let experiment = Experiment::new(POINT);
    let mut running = experiment.start(&[&SWEEP[..], &["-j", "1"]].concat());
    running.wait_for_task(3);
    assert!(running.kill());
    let finished = experiment.json(&["cache", "ls"])["total"]["entries"]
        .as_u64()
        .unwrap();
    assert!(finished >= 3);
    experiment.call(&["cache", "gc", "--delete"]).with_code(0);
    let left = experiment.json(&["cache", "ls"])["total"]["entries"]
        .as_u64()
        .unwrap();
    assert_eq!(left, finished);
}

#[test]
fn a_task_is_asked_for_by_label_selector_and_key() {
    let experiment = Experiment::new(POINT);
    experiment
        .run(&[&SWEEP[..], &["-j", "2"]].concat())
        .with_code(0);
    let why = |task: &str, more: &[&str]| {
        let words = [&["cache", "why", task, "manifest.toml"], &SWEEP[..], more].concat();
        experiment.call(&words).with_code(0).stdout
    };
    let label = "train[temperature=1.2, replicate=1]";
    let cached = why(label, &[]);
    assert!(
        cached.starts_with(&format!("cached   {label} (")),
        "{cached}"
    );
    assert!(
        cached.contains("in ") && cached.contains(" thread"),
        "{cached}"
    );
    let key = text(
        &experiment
            .plan(&SWEEP)
            .iter()
            .find(|t| t["label"] == label)
            .unwrap()["key"],
    );
    assert_eq!(
        why(&key[..10], &[]).split(" (").next(),
        cached.split(" (").next()
    );
    assert_eq!(why("train[temperature=1.2]", &[]).lines().count(), 2);
    let changed = why(label, &["--set", "vae.training.epochs=5"]);
    assert!(
        changed.starts_with(&format!("run      {label}: changed here (")),
        "{changed}"
    );
    assert!(changed.contains("vae.training.epochs: 4 → 5"), "{changed}");
    let unknown = experiment
        .call(&["cache", "why", "tarin", "manifest.toml"])
        .with_code(2);
    unknown.saying(&["names stage `tarin`", "did you mean `train`"]);
}

#[test]
fn the_store_of_the_settings_is_cared_for() {
    let experiment = Experiment::new(POINT);
    std::fs::create_dir_all(experiment.path("config/latentfield")).unwrap();
    experiment.write(
        "config/latentfield/latentfield.toml",
        b"store.path = \"../../shared\"\n",
    );
    experiment.run(&["--only", "sample"]).with_code(0);
    let listed = experiment.json(&["cache", "ls"]);
    assert_eq!(listed["total"]["entries"], 1);
    assert!(text(&listed["store"]).ends_with("shared"), "{listed}");
    experiment.write("config/latentfield/latentfield.toml", b"store.path = 3\n");
    experiment
        .call(&["cache", "ls"])
        .with_code(2)
        .saying(&["store.path"]);
}
