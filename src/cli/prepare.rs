//! From a path to a plan: what `run`, `plan` and `check` have in common.

use std::path::{Path, PathBuf};

use super::args::{ManifestArguments, SelectionArguments};
use super::{Outcome, diagnostic, memory};
use crate::engine::{Stage, Wanted};
use crate::manifest::{self, EffectiveValue, Manifest, Problems, Sources};
use crate::plan::{self, Plan};
use crate::stages;
use crate::tables;

/// A manifest that makes sense, with the digest of its text.
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    pub(super) blake3: String,
}

/// Reads and checks a manifest; problems are written.
pub(super) fn load(arguments: &ManifestArguments) -> Result<Loaded, Outcome> {
    let (manifest, sources) = read(arguments, |sources, catalogue| {
        manifest::load(sources, catalogue)
    })?;
    Ok(Loaded {
        manifest,
        blake3: blake3::hash(sources.text.as_bytes()).to_hex().to_string(),
    })
}

/// Every value that a manifest comes to; problems are written.
pub(super) fn effective(arguments: &ManifestArguments) -> Result<Vec<EffectiveValue>, Outcome> {
    read(arguments, |sources, catalogue| {
        manifest::effective(sources, catalogue)
    })
    .map(|(values, _)| values)
}

/// Reads a manifest without a word, for completions: whatever memory it needs.
pub(super) fn quietly(path: &Path) -> Option<Manifest> {
    let sources = Sources::read(path, user_dir().as_deref(), Vec::new()).ok()?;
    manifest::load(&sources, &catalogue(&columns())).ok()
}

/// The columns of all tables.
fn columns() -> Vec<(&'static str, Vec<&'static str>)> {
    let schemas = tables::catalogue().iter();
    schemas
        .map(|schema| (schema.name, schema.columns.iter().map(|c| c.name).collect()))
        .collect()
}

fn catalogue<'c>(
    columns: &'c [(&'static str, Vec<&'static str>)],
) -> Vec<(&'static str, &'c [&'static str])> {
    columns
        .iter()
        .map(|(name, columns)| (*name, columns.as_slice()))
        .collect()
}

/// Reads the files of a manifest and loads it by `load`; problems are written.
fn read<T>(
    arguments: &ManifestArguments,
    load: impl FnOnce(&Sources, manifest::Catalogue<'_>) -> Result<T, Problems>,
) -> Result<(T, Sources), Outcome> {
    let user_dir = user_dir();
    let sources = Sources::read(
        &arguments.manifest,
        user_dir.as_deref(),
        arguments.sets.clone(),
    );
    let mut sources = sources.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    sources.memory_limit = memory::limit();
    match load(&sources, &catalogue(&columns())) {
        Ok(loaded) => Ok((loaded, sources)),
        Err(problems) => {
            let mut texts = vec![(sources.path.as_path(), sources.text.as_str())];
            if let Some((path, text)) = &sources.user_file {
                texts.push((path, text));
            }
            Err(diagnostic::problems(&problems, &texts))
        }
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
