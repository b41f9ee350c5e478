//! `check`: is the manifest in order?

use super::args::CheckArguments;
use super::{Outcome, diagnostic, prepare};
use crate::manifest;

pub(super) fn main(arguments: &CheckArguments) -> Outcome {
    let loaded = match prepare::load(&arguments.manifest) {
        Ok(loaded) => loaded,
        Err(outcome) => return outcome,
    };
    let manifest = &loaded.manifest;
    let axes: Vec<String> = manifest
        .axes
        .iter()
        .map(|axis| format!("{} ({} values)", axis.path, axis.values.len()))
        .collect();
    let axes = if axes.is_empty() {
        "no sweep".to_owned()
    } else {
        axes.join(", ")
    };
    diagnostic::put(&format!(
        "{}: in order; {} points, {axes}, {} replicates; at most about {} MB for a point",
        arguments.manifest.manifest.display(),
        manifest.points.len(),
        manifest.experiment.replicates,
        manifest::memory_estimate(manifest).div_ceil(1_000_000),
    ));
    Outcome::Done
}
