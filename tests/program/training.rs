//! A training that is interrupted goes on where it was.

use std::path::{Path, PathBuf};

use latentfield::configurations::Unit;
use latentfield::vae::{self, Activation, Architecture, Prior};

use crate::support::{Experiment, POINT, Running, assert_same, names, wait_until};

/// So long that the first checkpoint is far from the end.
const LONG: [&str; 2] = ["--set", "vae.training.epochs=200"];

/// What comes before the payload of a checkpoint, and how long its digest is.
const MAGIC: &[u8] = b"lfckpt1\n";
const DIGEST: usize = 32;

/// The network of [`POINT`].
fn architecture() -> Architecture {
    Architecture {
        unit: Unit::Spin,
        sites: 24,
        latent: 2,
        encoder_hidden: vec![16],
        decoder_hidden: vec![16],
        fields: None,
        activation: Activation::Tanh,
        prior: Prior::Mixture { components: 8 },
    }
}

/// The checkpoint of the only training below `results`, if there is one.
fn checkpoint(experiment: &Experiment) -> Option<PathBuf> {
    let work = experiment.path("results/.store/v1/_work");
    let path = work.join(names(&work).first()?).join("state.safetensors");
    path.is_file().then_some(path)
}

/// A training that has written its first checkpoint.
fn started(experiment: &Experiment) -> Running {
    let running = experiment.start(&LONG);
    wait_until("a checkpoint", || checkpoint(experiment).is_some());
    running
}

/// A training that was killed when it had a checkpoint.
#[track_caller]
fn killed(experiment: &Experiment) -> PathBuf {
    assert!(started(experiment).kill(), "it ended before it was killed");
    assert!(experiment.entries("results", "train").is_empty());
    checkpoint(experiment).expect("a checkpoint that survives")
}

#[test]
fn a_kill_while_training_is_not_seen_in_the_tables() {
    let experiment = Experiment::new(POINT);
    experiment
        .run(&[&LONG[..], &["--results", "whole"]].concat())
        .with_code(0);
    killed(&experiment);
    let next = experiment.run(&LONG).with_code(0);
    assert!(!next.stderr.contains("checkpoint"), "{}", next.stderr);
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
    experiment.assert_clean("results");
}

/// A mark in the past of a training, which only a resumed one can know.
const MARK: f64 = 1234.5;

/// Puts the mark into the first epoch of a checkpoint; gives the epochs that it knows.
#[track_caller]
pub(crate) fn mark(path: &Path) -> usize {
    let bytes = std::fs::read(path).expect("a checkpoint");
    let (header, payload) = bytes.split_at(MAGIC.len() + DIGEST);
    assert!(header.starts_with(MAGIC) && header.ends_with(blake3::hash(payload).as_bytes()));
    let mut state = vae::state_from_bytes(&architecture(), payload).expect("a state");
    state.history[0].gradient_norm = MARK;
    let payload = vae::state_to_bytes(&architecture(), &state).expect("a payload");
    let digest = blake3::hash(&payload);
    let marked = [MAGIC, digest.as_bytes(), &payload].concat();
    std::fs::write(path, marked).expect("a file");
    state.epoch
}

/// Asserts that the training of so many epochs went on from the marked checkpoint.
#[track_caller]
pub(crate) fn assert_resumed(experiment: &Experiment, epochs: usize) {
    let table = experiment.table("training");
    assert_eq!(table.rows(), epochs);
    let norms = table.numbers("gradient_norm").expect("a column");
    assert_eq!(norms.iter().position(|&norm| norm == Some(MARK)), Some(0));
}

#[test]
fn a_killed_training_goes_on_from_its_checkpoint() {
    let experiment = Experiment::new(POINT);
    let path = killed(&experiment);
    let epochs = mark(&path);
    assert!((1..200).contains(&epochs), "killed at epoch {epochs}");
    experiment.run(&LONG).with_code(0);
    assert_resumed(&experiment, 200);
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_training_begins_anew() {
    let experiment = Experiment::new(POINT);
    experiment
        .run(&[&LONG[..], &["--results", "whole"]].concat())
        .with_code(0);
    let path = killed(&experiment);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let next = experiment.run(&LONG).with_code(0);
    next.saying(&["state.safetensors", "does not fit its digest"]);
    let (found, expected) = (experiment.tables("results"), experiment.tables("whole"));
    assert_same(&found, &expected);
}

#[test]
fn a_signal_ends_a_training_cleanly_and_the_next_run_finishes_it() {
    let experiment = Experiment::new(POINT);
    experiment
        .run(&[&LONG[..], &["--results", "whole"]].concat())
        .with_code(0);
    for signal in ["TERM", "INT"] {
        let running = started(&experiment);
        running.signal(signal);
        let ended = running.end().with_code(130);
        let ended = ended.saying(&["stopping: ", "stopped   train", " left"]);
        assert!(!ended.stderr.contains("FAILED"), "{}", ended.stderr);
        assert!(experiment.entries("results", "train").is_empty());
        let private = names(&experiment.path("results/.store/v1/_tmp"));
        assert!(private.is_empty(), "{private:?}");
        experiment.run(&LONG).with_code(0);
        assert_same(&experiment.tables("results"), &experiment.tables("whole"));
        experiment.assert_clean("results");
        std::fs::remove_dir_all(experiment.path("results")).unwrap();
    }
}
