//! `cache`: the care of the store.

mod garbage;
mod listing;
mod verifying;
mod why;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::args::{ManifestArguments, OutputFormat};
use super::{Outcome, completions, diagnostic, prepare};
use crate::engine::{Store, StoreError};

#[derive(Debug, Args)]
pub(super) struct CacheArguments {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// List what the store holds
    Ls(ListArguments),
    /// Read every byte of the entries, and of what they were made from, against their digests
    Verify(VerifyArguments),
    /// Say why a task would run, or what its stored result is
    Why(WhyArguments),
    /// Say what no manifest and no results folder needs, and with --delete remove it
    Gc(CollectArguments),
}

/// Where the store is.
#[derive(Debug, Args)]
struct StoreArguments {
    /// Folder of the results, which the store lies in
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// What a line is about
    #[arg(long, value_enum, default_value = "stage")]
    by: By,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// A results folder, by what its last runs needed
    Experiment,
    /// A stage
    Stage,
    /// How long ago entries were finished
    Age,
    /// One entry, the largest first
    Size,
}

#[derive(Debug, Args)]
struct VerifyArguments {
    /// Labels, stages or beginnings of keys; all entries if there are none
    tasks: Vec<String>,
    /// Set damaged entries aside, so that the next run makes them again
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
struct WhyArguments {
    /// A task: a selector as of --only, a label, or the beginning of a key
    task: String,
    #[command(flatten)]
    manifest: ManifestArguments,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
struct CollectArguments {
    /// Manifests whose tasks are kept, beside those of the results folders that are there
    manifests: Vec<PathBuf>,
    /// Replace one value in the manifests, as in `vae.latent=4`; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "manifests", add = completions::keys())]
    sets: Vec<String>,
    /// Keep what was finished in the last days, whoever needs it
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Remove it; without this nothing is changed
    #[arg(long)]
    delete: bool,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) fn main(arguments: &CacheArguments) -> Outcome {
    let outcome = match &arguments.command {
        CacheCommand::Ls(arguments) => listing::list(arguments),
        CacheCommand::Verify(arguments) => verifying::verify(arguments),
        CacheCommand::Why(arguments) => why::why(arguments),
        CacheCommand::Gc(arguments) => garbage::collect(arguments),
    };
    match outcome {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

impl StoreArguments {
    /// The store: beside the results, unless the user's settings name another.
    fn path(&self) -> Result<PathBuf, Outcome> {
        let machine = prepare::machine()?;
        Ok(machine
            .store_path
            .unwrap_or_else(|| self.results.join(".store")))
    }

    /// The store, to look at.
    fn open(&self) -> Result<Store, Outcome> {
        self.open_by(Store::open_existing)
    }

    /// The store as `open` opens it. Where none was made yet it is an empty one, and none
    /// is made; a results folder that is not there is somebody's mistake.
    fn open_by(
        &self,
        open: impl FnOnce(&Path) -> Result<Store, StoreError>,
    ) -> Result<Store, Outcome> {
        let path = self.path()?;
        if path.is_dir() {
            return stored(open(&path));
        }
        if self.results.is_dir() {
            return stored(Store::open_existing(&path));
        }
        diagnostic::say(&format!(
            "error: {}: there is no such folder, expected the one that results were written to, \
             `results` or what `run --results` was given",
            self.results.display()
        ));
        Err(Outcome::Wrong)
    }
}

/// Writes an error of the store.
fn stored<T>(result: Result<T, StoreError>) -> Result<T, Outcome> {
    result.map_err(|error| diagnostic::store(&error))
}

/// Writes a value for programs.
fn put_json(value: &serde_json::Value) {
    diagnostic::put(&format!("{value:#}"));
}
