//! The results folder of an experiment: copies that outlive the store.

mod build;
mod costs;
mod crate_metadata;
mod files;
mod index;
mod provenance;
mod reference;
mod run_file;
mod time;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::plan::{FIGURE_STAGE, Plan, TABLE_STAGE, Task};

pub use files::sha256;
pub use provenance::{Machine, PointRecord, Provenance, RecordingUse};
pub use reference::{Reference, ReferenceError, write_reference};

use files::FileInfo;

use super::error::EngineError;
use super::store::layout::{EVENT_LOG, INDEX, MANIFEST, RUN_FILE, ResultsLayout};
use super::store::{Claim, Lookup, Store, StoreError, atomic, host};
use super::summary::RunSummary;

/// Seconds since 1970.
pub(super) fn unix_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
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

/// What of an earlier `run.json` is read back.
#[derive(Default, Deserialize)]
struct EarlierRun {
    published: BTreeMap<String, String>,
    /// Absent before format 2.
    #[serde(default)]
    files: Vec<FileInfo>,
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
    /// `index.md`, `run.json` and `ro-crate-metadata.json`. Each file is replaced
    /// as a whole.
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
        let earlier = self.earlier_run()?;
        self.remove_stale(&earlier, &mut published)?;
        let mut files = self.describe(&published, &earlier.files)?;
        let stages = costs::stage_costs(plan, summary);
        let manifest = provenance.expanded_manifest.as_bytes();
        files.push(self.write(MANIFEST, manifest)?);
        let index = index::text(provenance, summary, &published, &stages);
        files.push(self.write(INDEX, index.as_bytes())?);
        let run = run_file::text(provenance, summary, &published, &stages, &files);
        let run = run.map_err(|error| {
            let path = self.layout.provenance();
            StoreError::io("write", &path)(std::io::Error::other(error))
        })?;
        files.push(self.write(RUN_FILE, run.as_bytes())?);
        let logs = self.logs()?;
        let metadata = crate_metadata::text(provenance, summary, &files, &logs);
        self.write(crate_metadata::NAME, metadata.as_bytes())?;
        Ok(published)
    }

    /// Puts `bytes` in the place of the file `name`.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<FileInfo, StoreError> {
        atomic::replace(&self.folder().join(name), bytes)?;
        Ok(FileInfo::of(name, bytes))
    }

    /// Sizes and digests of the tables and figures that are there.
    fn describe(
        &self,
        published: &Published,
        earlier: &[FileInfo],
    ) -> Result<Vec<FileInfo>, StoreError> {
        let known: HashMap<&str, &FileInfo> = earlier
            .iter()
            .map(|file| (file.path.as_str(), file))
            .collect();
        let mut files = Vec::new();
        for (path, blake3) in &published.files {
            let known = known.get(path.as_str()).copied();
            files.extend(FileInfo::below(self.folder(), path, blake3, known)?);
        }
        Ok(files)
    }

    /// The logs that are there, as paths from the folder.
    fn logs(&self) -> Result<Vec<String>, StoreError> {
        let event_log = self.layout.event_log();
        let there = event_log.is_file().then(|| EVENT_LOG.to_owned());
        let failures = atomic::names(&self.folder().join("logs"))?;
        let failures = failures.iter().map(|name| format!("logs/{name}"));
        Ok(there.into_iter().chain(failures).collect())
    }

    fn earlier_run(&self) -> Result<EarlierRun, StoreError> {
        let bytes = atomic::read_if_there(&self.layout.provenance())?.unwrap_or_default();
        // A `run.json` that is not ours says nothing about files.
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
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
    fn remove_stale(
        &self,
        earlier: &EarlierRun,
        published: &mut Published,
    ) -> Result<(), StoreError> {
        for (relative, digest) in &earlier.published {
            let ours = relative.starts_with("tables/") || relative.starts_with("plots/");
            if published.files.contains_key(relative) || !ours || relative.contains("..") {
                continue;
            }
            let path = self.folder().join(relative);
            if atomic::digest(&path)?.is_some_and(|(_, found)| found == *digest) {
                atomic::remove_file(&path)?;
                published.removed.push(relative.clone());
            }
        }
        Ok(())
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
            task.key_parts.stage_version,
            task.key,
            host(),
            unix_now(),
        );
        for (role, key) in &task.key_parts.needs {
            let _ = writeln!(text, "input `{role}`: {key}");
        }
        for warning in warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        let _ = writeln!(text, "\nparameters:\n{:#}", task.parameters());
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
