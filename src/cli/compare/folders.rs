//! Reads the folders that are compared.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{CompareArguments, Refusal};
use crate::comparison::{Side, Tolerance, Tolerances};
use crate::engine::FinishedResults;
use crate::manifest::nearest;
use crate::plan::{Difference, value_differences};
use crate::tables::{self, Table, TableError};

/// The folders, the baseline among them, and what is known of each.
pub(super) struct Folders {
    pub(super) sides: Vec<Side>,
    pub(super) baseline: usize,
    /// Program and machine of each folder, as far as `run.json` tells.
    pub(super) provenance: Vec<Value>,
    pub(super) stated: Stated,
    pub(super) notes: Vec<String>,
}

/// What `tolerances.toml` of the baseline says.
#[derive(Default)]
pub(super) struct Stated {
    pub(super) tolerances: Tolerances,
    pub(super) relative: Option<f64>,
    pub(super) level: Option<f64>,
}

/// Keys of `run.json` that say which program ran on which machine.
const PROVENANCE: &[&str] = &[
    "program_version",
    "program_commit",
    "program_dirty",
    "host",
    "machine",
    "threads",
];

impl Folders {
    pub(super) fn read(arguments: &CompareArguments) -> Result<Self, Refusal> {
        let names = names(&arguments.folders);
        let baseline = baseline(arguments, &names)?;
        let mut notes = Vec::new();
        let (mut sides, mut provenance) = (Vec::new(), Vec::new());
        for (name, path) in names.into_iter().zip(&arguments.folders) {
            let results = FinishedResults::at(path);
            sides.push(side(name, &results, arguments, &mut notes)?);
            provenance.push(run_file(&results)?);
        }
        for table in &arguments.tables {
            if !sides.iter().any(|side| side.tables.contains_key(table)) {
                return Err(no_table(table, arguments)?);
            }
        }
        let stated = stated(&FinishedResults::at(&arguments.folders[baseline]))?;
        Ok(Self {
            sides,
            baseline,
            provenance,
            stated,
            notes,
        })
    }

    /// What differs between the manifests of the baseline and another folder.
    pub(super) fn manifest_differences(&self, other: usize) -> Vec<Difference> {
        value_differences(
            &self.sides[self.baseline].manifest,
            &self.sides[other].manifest,
        )
    }

    /// What differs between the programs and machines.
    pub(super) fn provenance_differences(&self, other: usize) -> Vec<Difference> {
        value_differences(&self.provenance[self.baseline], &self.provenance[other])
    }
}

/// The last part of each path, or the path where two have the same.
fn names(folders: &[std::path::PathBuf]) -> Vec<String> {
    let last = |path: &Path| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| path.display().to_string())
    };
    let short: Vec<String> = folders.iter().map(|path| last(path)).collect();
    let unique = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let names = short.iter().zip(folders);
    let name = |(name, path): (&String, &std::path::PathBuf)| {
        if unique(name) {
            name.clone()
        } else {
            path.display().to_string()
        }
    };
    names.map(name).collect()
}

fn baseline(arguments: &CompareArguments, names: &[String]) -> Result<usize, Refusal> {
    let Some(asked) = &arguments.baseline else {
        return Ok(0);
    };
    let same = |path: &Path| path.components().eq(Path::new(asked).components());
    let by_path = arguments.folders.iter().position(|path| same(path));
    let by_name = || names.iter().position(|name| name == asked);
    by_path.or_else(by_name).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        Refusal::Words(format!(
            "`--baseline {asked}` is none of the folders, expected one of: {}",
            known.join(", ")
        ))
    })
}

fn side(
    name: String,
    results: &FinishedResults,
    arguments: &CompareArguments,
    notes: &mut Vec<String>,
) -> Result<Side, Refusal> {
    let found = results.table_names()?;
    if found.is_empty() {
        return Err(Refusal::Words(format!(
            "`{}` has no tables (tables/*.parquet), expected a results folder as \
             results/<experiment>",
            results.folder().display()
        )));
    }
    let asked = |table: &String| arguments.tables.is_empty() || arguments.tables.contains(table);
    let mut all = BTreeMap::new();
    for table in found.into_iter().filter(asked) {
        if let Some(read) = read_table(results, &table, notes)? {
            all.insert(table, read);
        }
    }
    Ok(Side {
        name,
        tables: all,
        manifest: manifest(results, notes)?,
    })
}

/// A table; `None` with a note if it was written under another version of its schema.
fn read_table(
    results: &FinishedResults,
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Table>, Refusal> {
    let path = results.table_path(name);
    let Some(bytes) = results.table(name)? else {
        return Ok(None);
    };
    match tables::from_bytes(&bytes) {
        Ok((table, _)) => Ok(Some(table)),
        Err(error @ TableError::Version { .. }) => {
            notes.push(format!("`{}` is left out: {error}", path.display()));
            Ok(None)
        }
        Err(error) => Err(Refusal::Words(format!("`{}`: {error}", path.display()))),
    }
}

fn manifest(results: &FinishedResults, notes: &mut Vec<String>) -> Result<Value, Refusal> {
    let (path, bytes) = results.manifest()?;
    let Some(bytes) = bytes else {
        notes.push(format!(
            "`{}` is not there: manifests are not compared",
            path.display()
        ));
        return Ok(Value::Null);
    };
    toml::from_str(&String::from_utf8_lossy(&bytes))
        .map_err(|error| Refusal::Words(format!("`{}`: {error}", path.display())))
}

/// What `run.json` says of program and machine; nothing if there is none.
fn run_file(results: &FinishedResults) -> Result<Value, Refusal> {
    let (path, bytes) = results.provenance()?;
    let Some(bytes) = bytes else {
        return Ok(json!({}));
    };
    let all: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::Words(format!("`{}`: {error}", path.display())))?;
    let known = PROVENANCE
        .iter()
        .filter_map(|&key| Some((key.to_owned(), all.get(key)?.clone())));
    Ok(Value::Object(known.collect::<Map<_, _>>()))
}

fn no_table(name: &str, arguments: &CompareArguments) -> Result<Refusal, Refusal> {
    let mut known = Vec::new();
    for folder in &arguments.folders {
        known.extend(FinishedResults::at(folder).table_names()?);
    }
    known.sort_unstable();
    known.dedup();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = nearest(name, &known).map_or_else(
        || format!("there are: {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Ok(Refusal::Words(format!(
        "no folder has a table `{name}`; {hint}"
    )))
}

/// Reads `tolerances.toml`, if there is one.
fn stated(results: &FinishedResults) -> Result<Stated, Refusal> {
    let (path, bytes) = results.tolerances()?;
    let Some(bytes) = bytes else {
        return Ok(Stated::default());
    };
    let wrong = |text: String| Refusal::Words(format!("`{}`: {text}", path.display()));
    let text = String::from_utf8_lossy(&bytes);
    let file: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut stated = Stated::default();
    for (key, value) in &file {
        let number = || {
            let float = value
                .as_float()
                .or(value.as_integer().map(|number| number as f64));
            float.ok_or_else(|| wrong(format!("`{key}` is {value}, expected a number")))
        };
        match (key.as_str(), value) {
            ("relative", _) => stated.relative = Some(number()?),
            ("level", _) => stated.level = Some(number()?),
            ("tolerances", toml::Value::Table(table)) => {
                add_tolerances("", table, &mut stated.tolerances).map_err(wrong)?;
            }
            _ => {
                return Err(wrong(format!(
                    "found key `{key}`, expected `relative`, `level` or a table `[tolerances]`"
                )));
            }
        }
    }
    Ok(stated)
}

/// Names with numbers or shares; a table within gives the first part of the names.
fn add_tolerances(path: &str, table: &toml::Table, all: &mut Tolerances) -> Result<(), String> {
    for (key, value) in table {
        let name = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let added = match value {
            toml::Value::Table(inner) => {
                add_tolerances(&name, inner, all)?;
                continue;
            }
            toml::Value::Integer(number) => all.add(&name, Tolerance::Absolute(*number as f64)),
            toml::Value::Float(number) => all.add(&name, Tolerance::Absolute(*number)),
            toml::Value::String(text) => all.add_text(&format!("{name}={text}")),
            other => {
                return Err(format!(
                    "tolerance `{name}` is {other}, expected a number or a text as \"5%\""
                ));
            }
        };
        added.map_err(|error| error.to_string())?;
    }
    Ok(())
}
