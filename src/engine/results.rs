//! The results folder of an experiment: copies that outlive the store.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::plan::{FIGURE_STAGE, Plan, TABLE_STAGE, Task};

use super::error::EngineError;
use super::store::layout::ResultsLayout;
use super::store::{Claim, Lookup, Store, StoreError, atomic, host};
use super::summary::RunSummary;

/// Seconds since 1970.
pub(super) fn unix_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Where results come from, as the caller knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// Name of the experiment.
    pub experiment: String,
    /// Title of the experiment.
    pub title: String,
    /// Seed of the experiment.
    pub seed: u64,
    /// Path of the manifest, as it was given.
    pub manifest_path: PathBuf,
    /// BLAKE3 digest of the manifest file, as 64 hexadecimal digits.
    pub manifest_blake3: String,
    /// The command line, word by word.
    pub command_line: Vec<String>,
    /// Tasks that ran side by side at most.
    pub threads: usize,
    /// The manifest with every default written out.
    #[serde(skip)]
    pub expanded_manifest: String,
}

/// What `publish` did with the tables and figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Files that are there now, below the results folder, with their digests.
    pub files: BTreeMap<String, String>,
    /// Files among them that were absent or different before.
    pub written: Vec<String>,
    /// Files of the plan that are not there, since their task has not run.
    pub missing: Vec<String>,
    /// Files of an earlier run that this plan no longer gives, removed.
    pub removed: Vec<String>,
}

/// The folder `results/<experiment>`.
#[derive(Debug, Clone)]
pub struct Results {
    layout: ResultsLayout,
}

/// What `run.json` holds.
#[derive(Serialize)]
struct RunFile<'a> {
    program: &'static str,
    program_version: &'static str,
    host: String,
    #[serde(flatten)]
    provenance: &'a Provenance,
    tasks: usize,
    #[serde(flatten)]
    summary: &'a RunSummary,
    published: &'a BTreeMap<String, String>,
    missing: &'a [String],
}

/// What of an earlier `run.json` is read back.
#[derive(Default, Deserialize)]
struct EarlierRun {
    published: BTreeMap<String, String>,
}

impl Results {
    /// Opens the folder of `experiment` below `root`, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be made.
    pub fn open(root: &Path, experiment: &str) -> Result<Self, StoreError> {
        let layout = ResultsLayout::new(root.join(experiment));
        atomic::create_folder(layout.folder())?;
        Ok(Self { layout })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.layout.folder()
    }

    pub(super) fn layout(&self) -> &ResultsLayout {
        &self.layout
    }

    /// Brings the folder up to date with the store.
    ///
    /// Tables and figures are copied where they are absent or different;
    /// copies that an earlier run left and this plan does not give are
    /// removed, unless somebody changed them. Then come the expanded manifest,
    /// `index.md` and `run.json`. Each file is replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] if the store cannot be read or the folder not written.
    pub fn publish(
        &self,
        plan: &Plan,
        store: &Store,
        provenance: &Provenance,
        summary: &RunSummary,
    ) -> Result<Published, EngineError> {
        let _claim = Claim::take(&self.layout.lock())?;
        for folder in ["", "tables", "plots", "logs"] {
            atomic::remove_partial_files(&self.folder().join(folder))?;
        }
        let mut published = Published::default();
        for task in &plan.tasks {
            if let Some((relative, file)) = published_name(task) {
                self.copy(store, task, &relative, &file, &mut published)?;
            }
        }
        self.remove_stale(&mut published)?;
        let manifest = provenance.expanded_manifest.as_bytes();
        atomic::update(&self.layout.manifest(), manifest)?;
        let index = index_text(provenance, summary, &published);
        atomic::update(&self.layout.index(), index.as_bytes())?;
        self.write_run_file(plan, provenance, summary, &published)?;
        Ok(published)
    }

    fn copy(
        &self,
        store: &Store,
        task: &Task,
        relative: &str,
        file: &str,
        published: &mut Published,
    ) -> Result<(), StoreError> {
        let Lookup::Present(stored) = store.lookup(&task.stage, &task.key)? else {
            published.missing.push(relative.to_owned());
            return Ok(());
        };
        let path = atomic::prepared(self.folder(), relative)?;
        // A figure whose tables lack the rows that it needs has no file.
        let Some(wanted) = stored.entry.files.get(file).map(|r| r.blake3.clone()) else {
            return Ok(());
        };
        let found = atomic::digest(&path)?.map(|(_, digest)| digest);
        if found.as_ref() != Some(&wanted) {
            atomic::replace(&path, &stored.read(file)?)?;
            published.written.push(relative.to_owned());
        }
        published.files.insert(relative.to_owned(), wanted);
        Ok(())
    }

    /// Removes unchanged copies of an earlier run that this plan does not give.
    fn remove_stale(&self, published: &mut Published) -> Result<(), StoreError> {
        let bytes = atomic::read_if_there(&self.layout.provenance())?.unwrap_or_default();
        // A `run.json` that is not ours says nothing about files.
        let earlier: EarlierRun = serde_json::from_slice(&bytes).unwrap_or_default();
        for (relative, digest) in earlier.published {
            let ours = relative.starts_with("tables/") || relative.starts_with("plots/");
            if published.files.contains_key(&relative) || !ours || relative.contains("..") {
                continue;
            }
            let path = self.folder().join(&relative);
            if atomic::digest(&path)?.is_some_and(|(_, found)| found == digest) {
                atomic::remove_file(&path)?;
                published.removed.push(relative);
            }
        }
        Ok(())
    }

    fn write_run_file(
        &self,
        plan: &Plan,
        provenance: &Provenance,
        summary: &RunSummary,
        published: &Published,
    ) -> Result<(), StoreError> {
        let path = self.layout.provenance();
        let run = RunFile {
            program: env!("CARGO_PKG_NAME"),
            program_version: env!("CARGO_PKG_VERSION"),
            host: host(),
            provenance,
            tasks: plan.tasks.len(),
            summary,
            published: &published.files,
            missing: &published.missing,
        };
        let text = serde_json::to_string_pretty(&run)
            .map_err(|error| StoreError::io("write", &path)(std::io::Error::other(error)))?;
        atomic::replace(&path, format!("{text}\n").as_bytes())
    }

    /// Writes what is known about a failure, and says where.
    pub(super) fn write_failure_log(
        &self,
        task: &Task,
        message: &str,
        warnings: &[String],
    ) -> Result<PathBuf, StoreError> {
        let path = self.layout.failure_log(&task.label, &task.key);
        let mut text = format!(
            "task `{}` failed: {message}\n\nstage: {} (version {})\nkey: {}\nhost: {}\ntime: {:.0} s since 1970\n",
            task.label,
            task.stage,
            task.stage_version,
            task.key,
            host(),
            unix_now(),
        );
        let parts = task.key_parts();
        for (role, key) in &parts.needs {
            let _ = writeln!(text, "input `{role}`: {key}");
        }
        for warning in warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        let _ = writeln!(text, "\nparameters:\n{:#}", parts.parameters);
        path.parent().map_or(Ok(()), atomic::create_folder)?;
        atomic::replace(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// Where a table or figure goes, and its file in the entry of its task.
fn published_name(task: &Task) -> Option<(String, String)> {
    let (_, name) = task.coordinates.first()?;
    match task.stage.as_str() {
        TABLE_STAGE => Some((ResultsLayout::table(name), ResultsLayout::table_file(name))),
        FIGURE_STAGE => Some((ResultsLayout::plot(name), ResultsLayout::plot_file(name))),
        _ => None,
    }
}

/// A page that shows what is in the folder.
fn index_text(provenance: &Provenance, summary: &RunSummary, published: &Published) -> String {
    let mut text = format!(
        "# {}\n\nExperiment `{}`, seed {}. Made by {} {} from [the expanded manifest](manifest.toml); \
         [run.json](run.json) says how and when, [log.jsonl](log.jsonl) what happened.\n",
        provenance.title,
        provenance.experiment,
        provenance.seed,
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
    );
    let with = |start: &str| {
        let names = published
            .files
            .keys()
            .filter(|name| name.starts_with(start));
        names.cloned().collect::<Vec<String>>()
    };
    let lines = |name: &String| format!("- [{name}]({name})");
    section(&mut text, "Tables", with("tables/").iter().map(lines));
    let images = |name: &String| format!("![{name}]({name})\n");
    section(&mut text, "Figures", with("plots/").iter().map(images));
    let missing = published.missing.iter().map(|name| format!("- `{name}`"));
    section(&mut text, "Not made", missing);
    let failed = summary
        .failed
        .iter()
        .map(|f| format!("- `{}`: {}", f.label, f.message));
    section(&mut text, "Failed", failed);
    let warnings = summary
        .warnings
        .iter()
        .map(|w| format!("- `{}`: {}", w.label, w.message));
    section(&mut text, "Warnings", warnings);
    text
}

/// Adds a heading and lines; nothing if there are no lines.
fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n## {heading}\n\n{}\n", lines.join("\n"));
    }
}
