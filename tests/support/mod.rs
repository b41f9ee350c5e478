//! An experiment in a folder of its own, run by the real program.

mod process;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use process::{Ended, Running, wait_until};

/// Name that the manifests of the tests give to their experiment.
const NAME: &str = "trial";

/// A small Hopfield experiment of one point, with all three analyses.
pub(crate) const POINT: &str = r#"
[experiment]
name = "trial"
seed = 3

[model]
kind = "hopfield"
sites = 24
patterns = 2
temperature = 0.6

[sampling]
samples = 2000
test_samples = 500

[vae]
latent = 2
hidden = [16]
prior = "mixture"

[vae.training]
epochs = 4
batch = 128

[analysis]
likelihood = { importance_samples = 16, quadrature_samples = 100 }
patterns = { prior_draws = 512, encoded = 512 }
statistics = { triplet_sites = 5, vae_samples = 500 }
"#;

/// Turns [`POINT`] into two temperatures of two replicates each.
pub(crate) const SWEEP: [&str; 4] = [
    "--set",
    "sweep.model.temperature=[0.6, 1.2]",
    "--set",
    "experiment.replicates=2",
];

/// Files by path below some folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder with a manifest, its results, and no settings of the user.
pub(crate) struct Experiment {
    folder: TempDir,
}

impl Experiment {
    /// An experiment with the manifest `text`, as `manifest.toml`.
    #[track_caller]
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let experiment = Self { folder };
        experiment.write("manifest.toml", text.as_bytes());
        experiment
    }

    /// Writes a file into the folder.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// A path below the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in this folder, with an environment that says nothing to it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latentfield"));
        self.at_home(&mut command).args(arguments);
        command
    }

    /// Makes `command` run in this folder, with an environment that says nothing to it.
    pub(crate) fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let known = std::env::vars_os().map(|(name, _)| name);
        for name in known.filter(|name| name.to_string_lossy().starts_with("LATENTFIELD_")) {
            command.env_remove(name);
        }
        for name in ["RUST_LOG", "FAILPOINTS", "FORCE_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            // A group of its own, so that it can be killed with all that it started.
            .process_group(0)
    }

    /// Gives the program these words and waits for its end.
    #[track_caller]
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        Ended::of(
            self.command(arguments)
                .output()
                .expect("the program starts"),
        )
    }

    /// Runs the manifest, results in `results`.
    #[track_caller]
    pub(crate) fn run(&self, options: &[&str]) -> Ended {
        self.call(&[&["run", "manifest.toml"], options].concat())
    }

    /// Starts to run the manifest.
    #[track_caller]
    pub(crate) fn start(&self, options: &[&str]) -> Running {
        Running::start(self.command(&[&["run", "manifest.toml"], options].concat()))
    }

    /// The plan, task by task.
    #[track_caller]
    pub(crate) fn plan(&self, options: &[&str]) -> Vec<Value> {
        let plan = self.json(&[&["plan", "manifest.toml"], options].concat());
        plan["tasks"].as_array().expect("a list of tasks").clone()
    }

    /// What the command `words` says in JSON.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let ended = self.call(&[words, &["--format", "json"]].concat());
        serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr))
    }

    /// The tables of the experiment below the folder `results`.
    #[track_caller]
    pub(crate) fn tables(&self, results: &str) -> Files {
        let tables = files(&self.path(results).join(NAME).join("tables"));
        assert!(tables.len() >= 2, "{} tables", tables.len());
        for (path, bytes) in &tables {
            assert_keys(path, bytes);
        }
        tables
    }

    /// A table of the experiment.
    #[track_caller]
    pub(crate) fn table(&self, name: &str) -> latentfield::tables::Table {
        let path = self.path(&format!("results/{NAME}/tables/{name}.parquet"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let read = latentfield::tables::from_bytes(&bytes);
        read.unwrap_or_else(|error| panic!("{name}: {error}")).0
    }

    /// Events of `log.jsonl` of this kind, all runs together, in their order.
    #[track_caller]
    pub(crate) fn events(&self, results: &str, kind: &str) -> Vec<Value> {
        let path = self.path(results).join(NAME).join("log.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // A killed process may leave a torn line.
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|event: &Value| event["event"] == kind)
            .collect()
    }

    /// Labels of the tasks that ran to their end, in that order.
    #[track_caller]
    pub(crate) fn finished(&self, results: &str) -> Vec<String> {
        let events = self.events(results, "finished");
        events.iter().map(|event| text(&event["label"])).collect()
    }

    /// Asserts that nothing half-done lies below `results`.
    #[track_caller]
    pub(crate) fn assert_clean(&self, results: &str) {
        for area in ["_tmp", "_work", "_claims", "_owners"] {
            let left = names(&self.path(results).join(".store/v1").join(area));
            assert!(left.is_empty(), "left in {area}: {left:?}");
        }
        let all = paths(&self.path(results));
        let partial = all
            .iter()
            .find(|path| path.to_string_lossy().ends_with(".partial"));
        assert!(partial.is_none(), "{partial:?}");
    }

    /// Names of the entries of `stage` in the store below `results`.
    pub(crate) fn entries(&self, results: &str, stage: &str) -> Vec<String> {
        names(&self.path(results).join(".store/v1").join(stage))
    }

    /// The only file called `name` among the entries of `stage`.
    #[track_caller]
    pub(crate) fn stored(&self, stage: &str, name: &str) -> PathBuf {
        let folder = self.path("results/.store/v1").join(stage);
        let mut found = paths(&folder);
        found.retain(|path| path.ends_with(name));
        assert_eq!(found.len(), 1, "{stage}/{name}: {found:?}");
        folder.join(&found[0])
    }
}

/// A JSON text.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Names in a folder, sorted; none if there is no such folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let listing = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = listing
        .map(|item| item.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Paths of all files below `folder`, relative to it; the program may be at work there.
pub(crate) fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            let below = paths(&path).into_iter();
            found.extend(below.map(|inner| Path::new(&name).join(inner)));
        } else {
            found.push(name.into());
        }
    }
    found
}

/// All files below `folder`, where the program is not at work.
pub(crate) fn files(folder: &Path) -> Files {
    let read = |path: PathBuf| {
        let bytes = std::fs::read(folder.join(&path));
        let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, bytes)
    };
    paths(folder).into_iter().map(read).collect()
}

/// Flips a bit in the middle of a file, in place: a program that reads it meanwhile finds
/// the old byte or the new one, and never a file of another size.
pub(crate) fn flip(path: &Path) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .expect("a file");
    let middle = SeekFrom::Start(file.metadata().expect("a size").len() / 2);
    let mut byte = [0];
    file.seek(middle).expect("a place");
    file.read_exact(&mut byte).expect("a byte");
    byte[0] ^= 1;
    file.seek(middle).expect("a place");
    file.write_all(&byte).expect("a byte written");
}

/// Asserts that the keys of a table tell the rows of each point and replicate apart.
#[track_caller]
pub(crate) fn assert_keys(path: &Path, bytes: &[u8]) {
    let (table, _) = latentfield::tables::from_bytes(bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema = latentfield::tables::schema::find(table.name())
        .unwrap_or_else(|| panic!("{} is not in the catalogue", path.display()));
    let keys = ["point", "replicate", "seed"].iter().chain(schema.keys);
    let columns: Vec<_> = keys.filter_map(|name| table.column(name).ok()).collect();
    assert_eq!(columns.len(), 3 + schema.keys.len(), "{}", path.display());
    let mut seen = std::collections::BTreeSet::new();
    for row in 0..table.rows() {
        let cells: Vec<_> = columns.iter().map(|column| column.cell(row)).collect();
        let key = format!("{cells:?}");
        assert!(seen.insert(key.clone()), "{}: twice {key}", path.display());
    }
}

/// Asserts that two sets of files are the same, byte for byte.
#[track_caller]
pub(crate) fn assert_same(found: &Files, expected: &Files) {
    assert!(
        found.keys().eq(expected.keys()),
        "{:?}\n{:?}",
        found.keys(),
        expected.keys()
    );
    for (path, bytes) in expected {
        assert!(found[path] == *bytes, "{} differs", path.display());
    }
}
