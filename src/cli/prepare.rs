//! From a path to a plan: what `run`, `plan` and `check` have in common.

use std::path::PathBuf;

use super::args::{ManifestArguments, SelectionArguments};
use super::{Outcome, diagnostic, memory};
use crate::engine::{Stage, Wanted};
use crate::manifest::{self, Manifest, Sources};
use crate::plan::{self, Plan};
use crate::stages;
use crate::tables;

/// A manifest that makes sense, with the digest of its files.
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    pub(super) blake3: String,
}

/// Reads and checks a manifest; problems are written.
pub(super) fn load(arguments: &ManifestArguments) -> Result<Loaded, Outcome> {
    let user_dir = user_dir();
    let sources = Sources::read(
        &arguments.manifest,
        user_dir.as_deref(),
        arguments.sets.clone(),
        &stages::parquet_points,
    );
    let mut sources = sources.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    sources.memory_limit = memory::limit();
    let columns: Vec<(&str, Vec<&str>)> = tables::catalogue()
        .iter()
        .map(|schema| (schema.name, schema.columns.iter().map(|c| c.name).collect()))
        .collect();
    let catalogue: Vec<(&str, &[&str])> = columns
        .iter()
        .map(|(name, c)| (*name, c.as_slice()))
        .collect();
    match manifest::load(&sources, &catalogue) {
        Ok(manifest) => Ok(Loaded {
            manifest,
            blake3: sources.blake3(),
        }),
        Err(problems) => Err(diagnostic::problems(&problems, &sources.texts())),
    }
}

/// A plan with the stages that can run it.
pub(super) struct Prepared {
    pub(super) loaded: Loaded,
    pub(super) stages: Vec<Box<dyn Stage>>,
    pub(super) plan: Plan,
}

/// Reads the patterns and models that are named by a file, looks at the recordings and
/// makes the plan.
pub(super) fn prepare(arguments: &ManifestArguments) -> Result<Prepared, Outcome> {
    let mut loaded = load(arguments)?;
    stages::read_named_files(&mut loaded.manifest.points).map_err(|errors| {
        for error in &errors {
            diagnostic::error(error);
        }
        Outcome::Wrong
    })?;
    let digests = stages::recording_digests(&loaded.manifest.points).map_err(|errors| {
        for error in &errors {
            diagnostic::error(error);
        }
        Outcome::Wrong
    })?;
    let stages = stages::registry(digests);
    let plan = plan::build(
        &loaded.manifest.points,
        &stages::definitions(&stages),
        &stages::figure_requests(&loaded.manifest),
    )
    .map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    Ok(Prepared {
        loaded,
        stages,
        plan,
    })
}

impl Prepared {
    /// What `--only` and `--force` ask for; a wrong selector is written.
    pub(super) fn wanted(&self, selection: &SelectionArguments) -> Result<Wanted, Outcome> {
        Wanted::parse(&self.plan, &selection.only, &selection.force).map_err(|error| {
            diagnostic::error(&error);
            Outcome::Wrong
        })
    }

    /// The store: beside the results, unless the user's settings name another.
    pub(super) fn store_path(&self, selection: &SelectionArguments) -> PathBuf {
        match &self.loaded.manifest.machine.store_path {
            Some(path) => path.clone(),
            None => selection.results.join(".store"),
        }
    }
}

/// The folder of `latentfield.toml`, after the XDG base directory specification.
fn user_dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("latentfield"))
}
