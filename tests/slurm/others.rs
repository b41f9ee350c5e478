//! Other schedulers, as docs/clusters.md shows them: its examples are run word for word.

use std::path::Path;
use std::process::Command;

use super::cluster::{SWEEP, say};
use crate::support::Experiment;

/// The only code block of the page in this language.
fn example(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clusters.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let ours = blocks.iter().filter_map(|block| {
        let (word, text) = block.split_once('\n')?;
        (word == language).then_some(text)
    });
    let [text] = ours.collect::<Vec<_>>()[..] else {
        panic!("one example in {language}")
    };
    text.to_owned()
}

/// Runs the example in the folder of an experiment of four points, and asserts that its tables
/// are those of a run here.
fn assert_works(interpreter: &str, arguments: &[&str]) {
    let four = SWEEP.replace("stop = 1.5", "stop = 0.7");
    let experiment = Experiment::new(&four);
    experiment.write("sweep.toml", four.as_bytes());
    let bin = Path::new(env!("CARGO_BIN_EXE_latentfield")).parent();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(interpreter);
    let ended = experiment
        .at_home(&mut command)
        .args(arguments)
        .env(
            "PATH",
            format!("{}:{path}", bin.expect("a folder").display()),
        )
        .output()
        .unwrap_or_else(|error| panic!("{interpreter}: {error}"));
    let text = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{text}");
    experiment.run(&["--expect-cached"]).with_code(0);
    experiment.run(&["--results", "local"]).with_code(0);
    assert_eq!(experiment.tables("results"), experiment.tables("local"));
    experiment.assert_clean("results");
}

/// The Python that has the package `hyperqueue`; `None` where tests with other schedulers were not asked for.
fn python() -> Option<String> {
    let python = std::env::var("LATENTFIELD_TEST_HYPERQUEUE").ok();
    if python.is_none() {
        say("skipped: LATENTFIELD_TEST_HYPERQUEUE names no Python");
    }
    python
}

#[test]
fn the_example_of_hyperqueue_makes_the_tables_of_a_run() {
    if let Some(python) = python() {
        assert_works(&python, &["-c", &example("python")]);
    }
}

#[test]
fn the_example_of_gnu_parallel_makes_the_tables_of_a_run() {
    if python().is_some() {
        assert_works("bash", &["-euo", "pipefail", "-c", &example("bash")]);
    }
}
