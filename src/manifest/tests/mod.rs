//! Tests of whole manifests, by topic.

mod clusters;
mod diagnostics;
mod documents;
mod effective;
mod extend;
mod grids;
mod information;
mod layering;
mod origins;
mod point_tables;
mod ranges;
mod reference_sweeps;
mod robustness;
mod rules;
mod schema;
mod sets;
mod sweeps;
mod unions;
mod validator;

use super::*;

/// A small catalogue of tables for plots.
pub(super) const CATALOGUE: Catalogue<'_> = &[
    ("patterns", &["pattern", "method", "overlap"]),
    (
        "likelihood",
        &["elbo_nats", "paired_gap_nats", "paired_gap_nats_se"],
    ),
];

/// A good manifest of a model; nothing is left to defaults that a test relies on.
pub(super) const MODEL: &str = r#"
[experiment]
name = "good"
seed = 7

[model]
kind = "hopfield"
sites = 6
patterns = 2
temperature = 0.9

[sampling]
samples = 1000

[vae]
latent = 3
"#;

/// A good manifest of a recording.
pub(super) const RECORDING: &str = r#"
[experiment]
name = "cells"

[recording]
path = "data/cells.npy"
repeats = 12
"#;

/// Sources of a manifest `runs/exp.toml`, seen from the folder `/home/someone`.
pub(super) fn sources(text: &str) -> Sources {
    Sources {
        path: "runs/exp.toml".into(),
        text: text.to_owned(),
        current_dir: "/home/someone".into(),
        ..Sources::default()
    }
}

/// The same with `--set` arguments.
pub(super) fn with_sets(text: &str, sets: &[&str]) -> Sources {
    Sources {
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
        ..sources(text)
    }
}

/// Loads a manifest that must be good.
#[track_caller]
pub(super) fn good(sources: &Sources) -> Manifest {
    match load(sources, CATALOGUE) {
        Ok(manifest) => manifest,
        Err(problems) => panic!("{problems}\n{}\n{:?}", sources.text, sources.sets),
    }
}

/// The problems of a manifest that must be bad.
#[track_caller]
pub(super) fn bad(sources: &Sources) -> Vec<Problem> {
    match load(sources, CATALOGUE) {
        Ok(_) => panic!("accepted\n{}\n{:?}", sources.text, sources.sets),
        Err(problems) => problems.0,
    }
}

/// The only problem of a manifest that must have one.
#[track_caller]
pub(super) fn only(sources: &Sources) -> Problem {
    let problems = bad(sources);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

/// Line of a problem in a file.
#[track_caller]
pub(super) fn line(problem: &Problem) -> usize {
    match &problem.origin {
        Origin::File { line, .. } => *line,
        other => panic!("not in a file: {other:?}"),
    }
}
