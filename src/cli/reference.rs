//! `reference`: keeps the small tables of a run for others to compare with.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Outcome;
use super::diagnostic::{self, put, say};
use crate::engine::{self, ReferenceError};
use crate::tables;

/// Name of a column with values that no sample and no network is needed for.
const EXACT: &str = "exact";

#[derive(Debug, Args)]
pub(super) struct ReferenceArguments {
    /// The results of an experiment, as in results/<experiment>
    results: PathBuf,
    /// Folder of the reference; its `tolerances.toml` stays if it has one
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(super) fn main(arguments: &ReferenceArguments) -> Outcome {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            diagnostic::error(&error);
            Outcome::Wrong
        })
    };
    let paths = [&arguments.results, &arguments.to].map(|path| absolute(path));
    let (Ok(results), Ok(target), Ok(here)) = (&paths[0], &paths[1], &absolute(Path::new(".")))
    else {
        return Outcome::Wrong;
    };
    match engine::write_reference(results, target, here, &tolerances) {
        Ok(reference) => {
            for (name, bytes) in &reference.left_out {
                say(&format!("left out: table `{name}`, {bytes} bytes"));
            }
            let bytes: u64 = reference.kept.values().sum();
            say(&format!("{} tables, {bytes} bytes", reference.kept.len()));
            put(&arguments.to.display().to_string());
            Outcome::Done
        }
        Err(ReferenceError::Store(error)) => diagnostic::store(&error),
        Err(error) => {
            diagnostic::error(&error);
            Outcome::Wrong
        }
    }
}

/// The tolerances that a new reference begins with.
fn tolerances(kept: &[&str]) -> String {
    let mut text = include_str!("reference/tolerances.toml").to_owned();
    for schema in tables::catalogue() {
        let exact = schema.columns.iter().any(|column| column.name == EXACT);
        if exact && kept.contains(&schema.name) {
            let _ = writeln!(text, "\"{}.{EXACT}\" = 1e-6", schema.name);
        }
    }
    text
}
