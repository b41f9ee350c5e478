//! From a path to a plan: what `run`, `plan` and `check` have in common.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use super::args::{ManifestArguments, SelectionArguments};
use super::{Outcome, diagnostic, memory};
use crate::engine::{Stage, Wanted};
use crate::manifest::{self, CodeInKeys, EffectiveValue, Machine, Manifest, Problems, Sources};
use crate::plan::{self, ByVersion, Plan, PlanError, StageDefinition};
use crate::stages::{self, RecordingDigest};
use crate::tables;

/// A manifest that makes sense, with the digest of its files.
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
        blake3: sources.blake3(),
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
pub(super) fn quietly(path: &Path, sets: Vec<String>) -> Option<Manifest> {
    let user_dir = user_dir();
    let sources = Sources::read(path, user_dir.as_deref(), sets, &stages::parquet_points);
    let sources = sources.ok()?;
    manifest::load(&sources, tables::column_names()).ok()
}

/// Reads the user's settings without a word, for completions.
pub(super) fn quiet_machine() -> Option<Machine> {
    let sources = Sources::of_machine(user_dir().as_deref(), Vec::new());
    manifest::load_machine(&sources.ok()?).ok()
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
        &stages::parquet_points,
    );
    let mut sources = sources.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    sources.memory_limit = memory::limit();
    match load(&sources, tables::column_names()) {
        Ok(loaded) => Ok((loaded, sources)),
        Err(problems) => Err(diagnostic::problems(&problems, &sources.texts())),
    }
}

/// Reads the user's settings, where there is no manifest; problems are written.
pub(super) fn machine() -> Result<Machine, Outcome> {
    let sources = Sources::of_machine(user_dir().as_deref(), Vec::new());
    let sources = sources.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    manifest::load_machine(&sources).map_err(|problems| {
        let file = sources.user_file.as_ref();
        let texts: Vec<_> = file
            .map(|(path, text)| (path.as_path(), text.as_str()))
            .into_iter()
            .collect();
        diagnostic::problems(&problems, &texts)
    })
}

/// A plan with the stages that can run it.
pub(super) struct Prepared {
    pub(super) loaded: Loaded,
    /// The files that the points read.
    pub(super) recordings: Vec<RecordingDigest>,
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
    let stages = stages::registry(digests.clone());
    let plan = plan_of(&loaded.manifest, &stages::definitions(&stages)).map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })?;
    Ok(Prepared {
        loaded,
        recordings: digests,
        stages,
        plan,
    })
}

/// The plan, with keys that hold what the user's settings say of the program's code.
fn plan_of(manifest: &Manifest, stages: &[&dyn StageDefinition]) -> Result<Plan, PlanError> {
    let figures = stages::figure_requests(manifest);
    let by_version: Vec<ByVersion<'_>> = stages.iter().map(|&stage| ByVersion(stage)).collect();
    let by_version: Vec<&dyn StageDefinition> = by_version.iter().map(|stage| stage as _).collect();
    let stages = match manifest.machine.code {
        CodeInKeys::Digest => stages,
        CodeInKeys::Version => &by_version,
    };
    plan::build(&manifest.points, stages, &figures)
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
        self.store_below(&selection.results)
    }

    /// The store of the results folder `results`.
    pub(super) fn store_below(&self, results: &Path) -> PathBuf {
        match &self.loaded.manifest.machine.store_path {
            Some(path) => path.clone(),
            None => results.join(".store"),
        }
    }

    /// What is `asked` for, else the user's settings, else the machine's cores.
    pub(super) fn threads(&self, asked: Option<u16>) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        asked
            .map(usize::from)
            .or(self.loaded.manifest.machine.threads)
            .unwrap_or_else(cores)
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
