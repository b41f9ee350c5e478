//! References: small copies of results that other machines compare theirs with.
//!
//! A reference holds the small tables of a finished run, its manifest and `run.json`,
//! and nothing that names the machine or the folders it was made in.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;

use super::super::store::layout::{MANIFEST, PARTIAL, RUN_FILE};
use super::super::store::{StoreError, atomic};
use super::files::FileInfo;

/// A table above this is left out, in bytes.
const LARGEST_TABLE: u64 = 128 * 1024;

/// All tables of a reference together have this many bytes at most; with its three other
/// files it stays below a mebibyte.
const ALL_TABLES: u64 = 896 * 1024;

/// The rule, as it stands in the reference.
const RULE: &str = "tables of at most 128 KiB, smallest first, until they are 896 KiB together";

/// Name of the file with the tolerances.
const TOLERANCES: &str = "tolerances.toml";

/// Why no reference could be made.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// The folder of results or of the reference cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no results that could be kept.
    #[error("results `{}`: {found}, expected those of a complete run of this program: run the experiment again", folder.display())]
    NotResults {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// A text would tell where the reference was made.
    #[error("{file} of results `{}` names the path `{found}`, expected none outside of the current folder: run the experiment with the file below it", folder.display())]
    NamesPath {
        /// The folder.
        folder: PathBuf,
        /// The file that names it.
        file: &'static str,
        /// The path.
        found: String,
    },
}

/// What a reference came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Names of the tables that are kept, with their sizes in bytes.
    pub kept: BTreeMap<String, u64>,
    /// Names of the tables that are left out, with their sizes in bytes.
    pub left_out: BTreeMap<String, u64>,
}

/// Makes the reference `target` from the folder `results`, as seen from the folder `here`.
///
/// All three paths are absolute. Tables that an earlier reference kept and this one does
/// not are removed. Tolerances that are there stay; else what `tolerances` makes of the
/// names of the kept tables is written.
///
/// # Errors
///
/// [`ReferenceError`] if the results are not those of a complete run or were changed, or
/// name a path outside of `here`, and if a file cannot be read or written.
pub fn write_reference(
    results: &Path,
    target: &Path,
    here: &Path,
    tolerances: &dyn Fn(&[&str]) -> String,
) -> Result<Reference, ReferenceError> {
    let source = Source { folder: results };
    let mut run = source.run()?;
    let tables = source.tables(&run)?;
    let reference = choose(&tables);
    let place = Place { target, here };
    let manifest = source.manifest(&run, &place)?;
    place.make_anonymous(&mut run);
    run["reference"] = json!({ "rule": RULE, "left_out": &reference.left_out });
    let text = format!("{run:#}\n");
    source.refuse_paths(RUN_FILE, &text)?;
    atomic::create_folder(&target.join("tables"))?;
    for name in atomic::names(&target.join("tables"))? {
        let kept = reference
            .kept
            .contains_key(name.trim_end_matches(".parquet"));
        if !kept && (name.ends_with(".parquet") || name.ends_with(PARTIAL)) {
            atomic::remove_file(&target.join("tables").join(name))?;
        }
    }
    for name in reference.kept.keys() {
        let file = format!("tables/{name}.parquet");
        atomic::replace(&target.join(&file), &tables[name])?;
    }
    atomic::replace(&target.join(MANIFEST), manifest.as_bytes())?;
    atomic::replace(&target.join(RUN_FILE), text.as_bytes())?;
    if atomic::read_if_there(&target.join(TOLERANCES))?.is_none() {
        let names: Vec<&str> = reference.kept.keys().map(String::as_str).collect();
        atomic::replace(&target.join(TOLERANCES), tolerances(&names).as_bytes())?;
    }
    Ok(reference)
}

/// Which tables are kept: the small ones, as long as there is room.
fn choose(tables: &BTreeMap<String, Vec<u8>>) -> Reference {
    let mut sizes: Vec<(u64, &String)> = tables
        .iter()
        .map(|(name, bytes)| (bytes.len() as u64, name))
        .collect();
    sizes.sort();
    let mut reference = Reference::default();
    let mut total = 0;
    for (size, name) in sizes {
        let fits = size <= LARGEST_TABLE && total + size <= ALL_TABLES;
        if fits {
            total += size;
            reference.kept.insert(name.clone(), size);
        } else {
            reference.left_out.insert(name.clone(), size);
        }
    }
    reference
}

/// The folder that a reference is made from.
struct Source<'a> {
    folder: &'a Path,
}

impl Source<'_> {
    fn wrong(&self, found: String) -> ReferenceError {
        let folder = self.folder.to_owned();
        ReferenceError::NotResults { folder, found }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ReferenceError> {
        let bytes = atomic::read_if_there(&self.folder.join(name))?;
        bytes.ok_or_else(|| self.wrong(format!("`{name}` is missing")))
    }

    /// `run.json` of a complete run.
    fn run(&self) -> Result<Value, ReferenceError> {
        let run: Value = serde_json::from_slice(&self.read(RUN_FILE)?)
            .map_err(|error| self.wrong(format!("`{RUN_FILE}` is no JSON: {error}")))?;
        let none = |field: &str| run[field].as_array().is_some_and(Vec::is_empty);
        if run["format"] != super::run_file::FORMAT {
            let found = format!("`{RUN_FILE}` has the format {}", run["format"]);
            return Err(self.wrong(found));
        }
        if !(none("failed") && none("blocked") && none("missing") && run["left"] == 0) {
            return Err(self.wrong("not all of it was made".to_owned()));
        }
        Ok(run)
    }

    /// The tables by name, each as `run.json` describes it.
    fn tables(&self, run: &Value) -> Result<BTreeMap<String, Vec<u8>>, ReferenceError> {
        let mut tables = BTreeMap::new();
        for (path, blake3) in run["published"].as_object().into_iter().flatten() {
            let name = path.strip_prefix("tables/");
            let Some(name) = name.and_then(|name| name.strip_suffix(".parquet")) else {
                continue;
            };
            let bytes = self.read(path)?;
            if *blake3 != FileInfo::of(path, &bytes).blake3 {
                return Err(self.wrong(format!("`{path}` is not what `{RUN_FILE}` says")));
            }
            tables.insert(name.to_owned(), bytes);
        }
        if tables.is_empty() {
            return Err(self.wrong("it has no tables".to_owned()));
        }
        Ok(tables)
    }

    /// The manifest, with recordings where they lie as seen from the reference.
    fn manifest(&self, run: &Value, place: &Place<'_>) -> Result<String, ReferenceError> {
        let bytes = self.read(MANIFEST)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for recording in run["recordings"].as_array().into_iter().flatten() {
            let path = recording["path"].as_str().unwrap_or_default();
            text = text.replace(&format!("\"{path}\""), &format!("\"{}\"", place.seen(path)));
        }
        self.refuse_paths(MANIFEST, &text)?;
        Ok(text)
    }

    /// Refuses a text in which a quoted word is an absolute path.
    fn refuse_paths(&self, file: &'static str, text: &str) -> Result<(), ReferenceError> {
        let Some((_, rest)) = text.split_once("\"/") else {
            return Ok(());
        };
        Err(ReferenceError::NamesPath {
            folder: self.folder.to_owned(),
            file,
            found: format!("/{}", rest.split('"').next().unwrap_or_default()),
        })
    }
}

/// Where a reference goes, and the folder that it was asked for in.
struct Place<'a> {
    target: &'a Path,
    here: &'a Path,
}

impl Place<'_> {
    /// A path as the manifest of the reference names it: relative if it lies below the
    /// current folder, else the name of the file alone.
    fn seen(&self, path: &str) -> String {
        let path = Path::new(path);
        let below = path.strip_prefix(self.here);
        let up = self.target.strip_prefix(self.here);
        match (below, up) {
            (Ok(below), Ok(up)) => {
                let steps = up
                    .components()
                    .filter(|c| matches!(c, Component::Normal(_)));
                format!("{}{}", "../".repeat(steps.count()), below.display())
            }
            _ => file_name(path),
        }
    }

    /// Takes out of `run.json` what names the machine and its folders.
    fn make_anonymous(&self, run: &mut Value) {
        run["host"] = "reference".into();
        if let Some(machine) = run["machine"].as_object_mut() {
            machine.insert("host".to_owned(), "reference".into());
        }
        self.shorten(run);
    }

    /// Absolute paths become those from the current folder, or the name of the file.
    fn shorten(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.shorten(item)),
            Value::Object(members) => members.values_mut().for_each(|item| self.shorten(item)),
            Value::String(text) => {
                // As in `--set recording.path=/data/cells.mat`.
                let start = text.rfind('=').map_or(0, |at| at + 1);
                let path = Path::new(&text[start..]);
                if path.is_absolute() {
                    let short = match path.strip_prefix(self.here) {
                        Ok(below) => below.display().to_string(),
                        Err(_) => file_name(path),
                    };
                    *text = format!("{}{short}", &text[..start]);
                }
            }
            _ => {}
        }
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(sizes: &[(&str, usize)]) -> BTreeMap<String, Vec<u8>> {
        let tables = sizes.iter();
        tables
            .map(|&(name, size)| (name.to_owned(), vec![0; size]))
            .collect()
    }

    #[test]
    fn small_tables_are_kept_as_long_as_there_is_room() {
        let kib = 1024;
        let few = choose(&tables(&[
            ("a", 10),
            ("b", 128 * kib),
            ("c", 128 * kib + 1),
        ]));
        assert!(few.kept.keys().eq(["a", "b"]));
        assert_eq!(
            few.left_out,
            BTreeMap::from([("c".to_owned(), 128 * 1024 + 1)])
        );
        let names: Vec<String> = (0..9).map(|number| format!("t{number}")).collect();
        let many: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 128 * kib)).collect();
        let many = choose(&tables(&many));
        assert_eq!((many.kept.len(), many.left_out.len()), (7, 2));
    }

    #[test]
    fn what_names_the_machine_is_taken_out() {
        let place = Place {
            target: Path::new("/w/project/results/reference/x"),
            here: Path::new("/w/project"),
        };
        let mut run = json!({
            "host": "nameofmachine",
            "machine": { "host": "nameofmachine", "cpu": "Some CPU" },
            "command_line": ["/w/project/target/release/latentfield", "run", "experiments/x.toml",
                "--set", "recording.path=/data/me/cells.mat", "--results=/tmp/me/out"],
            "recordings": [{ "path": "/w/project/experiments/cells.csv", "cite": "a/b" }],
        });
        place.make_anonymous(&mut run);
        let words = [
            "target/release/latentfield",
            "run",
            "experiments/x.toml",
            "--set",
            "recording.path=cells.mat",
            "--results=out",
        ];
        assert_eq!(run["command_line"], json!(words));
        assert_eq!(
            run["recordings"][0],
            json!({ "path": "experiments/cells.csv", "cite": "a/b" })
        );
        assert_eq!(run["machine"]["cpu"], "Some CPU");
        assert!(!run.to_string().contains("nameofmachine"));
        assert_eq!(place.seen("/w/project/data/a.mat"), "../../../data/a.mat");
        assert_eq!(place.seen("/elsewhere/a.mat"), "a.mat");
    }
}
