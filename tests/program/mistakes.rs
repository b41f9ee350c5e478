//! What a user can get wrong, and what the program says to it.

use crate::support::{Experiment, POINT, names};

/// Five mistakes, at lines 2, 5, 8, 11 and 12.
const MISTAKEN: &str = r#"[experiment]
name = "two words"

[model]
kind = "hopfeld"
sites = 24
patterns = 2
temperature = -1.0

[vae]
latent = "two"
hiden = [16]
"#;

#[test]
fn check_tells_all_five_mistakes_with_their_lines() {
    let experiment = Experiment::new(MISTAKEN);
    let expected = [
        "manifest.toml:2:8: `experiment.name`: ",
        "manifest.toml:5:8: `model.kind`: ",
        "manifest.toml:8:15: `model.temperature`: ",
        "manifest.toml:11:10: `vae.latent`: ",
        "manifest.toml:12:1: `vae.hiden`: ",
        "did you mean `hopfield`",
        "did you mean `hidden`",
        "5 problems; nothing was run",
    ];
    for command in ["check", "run", "plan"] {
        let ended = experiment.call(&[command, "manifest.toml"]).with_code(2);
        let told = ended.stderr.matches(": found ").count();
        assert_eq!(told, 5, "{}", ended.stderr);
        ended.saying(&expected);
    }
    assert!(!experiment.path("results").exists());
}

#[test]
fn a_results_folder_that_is_not_there_is_a_mistake_and_none_is_made() {
    let experiment = Experiment::new(POINT);
    for words in [
        &["cache", "ls"][..],
        &["cache", "ls", "--by", "size"],
        &["cache", "verify"],
        &["cache", "verify", "--repair"],
        &["cache", "gc"],
        &["cache", "gc", "--delete"],
    ] {
        let words = [words, &["--results", "gone"]].concat();
        let ended = experiment.call(&words).with_code(2);
        ended.saying(&["gone: there is no such folder", "expected the one"]);
    }
    // What would run is known without a store.
    for words in [
        &["plan", "manifest.toml"][..],
        &["cache", "why", "train", "manifest.toml"],
    ] {
        let words = [words, &["--results", "gone"]].concat();
        experiment.call(&words).with_code(0);
    }
    assert_eq!(names(&experiment.path(".")), ["manifest.toml"]);
}

/// A disk without space, as Linux has one.
#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_are_no_success() {
    let experiment = Experiment::new(POINT);
    for words in [
        &["show-config", "manifest.toml"][..],
        &["plan", "manifest.toml"],
        &["plan", "manifest.toml", "--format", "json"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = experiment.command(words);
        let output = command.stdout(full.unwrap()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        let told = said.matches("standard output cannot be written").count();
        assert_eq!(told, 1, "{words:?}: {said}");
        experiment.call(words).with_code(0);
    }
}

#[test]
fn check_lets_a_sound_manifest_pass() {
    let experiment = Experiment::new(POINT);
    experiment.call(&["check", "manifest.toml"]).with_code(0);
    assert!(!experiment.path("results").exists());
}

#[test]
fn a_wrong_value_names_the_variable_or_the_argument_that_it_came_from() {
    let experiment = Experiment::new(POINT);
    let arguments = ["check", "manifest.toml", "--set", "vae.training.batch=none"];
    let ended = experiment.call(&arguments).with_code(2);
    ended.saying(&[
        "--set `vae.training.batch=none`: `vae.training.batch`: ",
        "1 problem;",
    ]);
    let mut command = experiment.command(&["check", "manifest.toml"]);
    let output = command
        .env("LATENTFIELD_VAE__LATENT", "none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = "environment variable `LATENTFIELD_VAE__LATENT`: `vae.latent`: ";
    assert!(stderr.contains(expected), "{stderr}");
}

#[test]
fn a_missing_manifest_is_named() {
    let experiment = Experiment::new(POINT);
    for command in ["check", "run", "plan"] {
        let ended = experiment.call(&[command, "absent.toml"]).with_code(2);
        ended.saying(&["cannot read `absent.toml`"]);
    }
}

#[test]
fn a_wrong_selector_is_told_what_it_may_mean() {
    let experiment = Experiment::new(POINT);
    for (selector, meant) in [("trian", "`train`"), ("train[replicat=0]", "`replicate`")] {
        let ended = experiment.run(&["--only", selector]).with_code(2);
        ended.saying(&[selector, &format!("did you mean {meant}")]);
    }
    assert!(experiment.entries("results", "sample").is_empty());
}

#[test]
fn a_wrong_word_on_the_command_line_is_no_run() {
    let experiment = Experiment::new(POINT);
    experiment
        .call(&["rum", "manifest.toml"])
        .with_code(2)
        .saying(&["rum"]);
    experiment.run(&["-j", "0"]).with_code(2);
    assert!(!experiment.path("results").exists());
}
