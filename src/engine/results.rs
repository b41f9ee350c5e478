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

use costs::StageCost;
use files::FileInfo;

use super::error::EngineError;
use super::store::layout::{EVENT_LOG, INDEX, MANIFEST, RUN_FILE, ResultsLayout};
use super::store::{Lookup, Mended, Store, StoreError, atomic, fault, host};
use super::summary::RunSummary;

/// Longest `run.json` that is read back.
const RUN_FILE_LIMIT: u64 = 256 << 20;

/// Seconds since 1970.
pub(super) fn unix_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64()) + fault::clock_error()
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
    /// What was put right: copies that were gone or changed, and half-written files.
    pub mended: Vec<Mended>,
    /// Why nothing was written, if the folder cannot be: what it holds is what the
    /// store has.
    pub unwritable: Option<String>,
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
    #[serde(default)]
    manifest_blake3: String,
    #[serde(default)]
    tasks: usize,
    #[serde(default)]
    stages: Vec<StageCost>,
}

impl EarlierRun {
    /// What the stages cost, if it was a run of this plan and nothing has run since:
    /// then no entry has to be read for it.
    fn stages_if_unchanged(
        &mut self,
        plan: &Plan,
        provenance: &Provenance,
        summary: &RunSummary,
    ) -> Option<Vec<StageCost>> {
        let same = summary.ran.is_empty()
            && !self.stages.is_empty()
            && self.tasks == plan.tasks.len()
            && self.manifest_blake3 == provenance.manifest_blake3;
        let stages = same.then(|| std::mem::take(&mut self.stages))?;
        Some(stages.into_iter().map(StageCost::of_earlier_run).collect())
    }
}

impl Results {
    /// Opens the folder of `experiment` below `root`, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be made, [`StoreError::Outside`] if it, or a
    /// folder inside it, is a link that leads out of `root`.
    pub fn open(root: &Path, experiment: &str) -> Result<Self, StoreError> {
        let layout = ResultsLayout::new(root.join(experiment));
        atomic::create_folder(layout.folder())?;
        for folder in ["", "tables", "plots", "logs"] {
            atomic::check_below(root, &layout.folder().join(folder))?;
        }
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
    /// A file that cannot be copied does not keep the others from being copied. In a
    /// folder that cannot be written, files that are what the store has are enough.
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
        match self.write_all(plan, store, provenance, summary) {
            Err(error) if error.refuses_writing() => {
                Ok(self.as_it_is(plan, store, summary, error)?)
            }
            written => Ok(written?),
        }
    }

    fn write_all(
        &self,
        plan: &Plan,
        store: &Store,
        provenance: &Provenance,
        summary: &RunSummary,
    ) -> Result<Published, StoreError> {
        atomic::create_folder(self.folder())?;
        let _claim = store.wait_for(&self.layout.claim())?;
        let mut published = Published::default();
        for folder in ["", "tables", "plots", "logs"] {
            for path in atomic::remove_partial_files(&self.folder().join(folder))? {
                let what = "half-written file of a process that died removed";
                published.mended.push(Mended::new(&path, what));
            }
        }
        let mut earlier = self.earlier()?;
        let mut failed = None;
        for task in &plan.tasks {
            if let Some((relative, file)) = published_name(task) {
                let known = earlier.published.get(&relative);
                let copied = self.copy(store, task, (&relative, &file, known), &mut published);
                failed = failed.or(copied.err());
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.remove_stale(&earlier, &mut published)?;
        let mut files = self.describe(&published, &earlier.files)?;
        let stages = earlier
            .stages_if_unchanged(plan, provenance, summary)
            .unwrap_or_else(|| costs::stage_costs(plan, summary, store));
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

    /// What lies in the folder, if that is what the store has for `plan` and nothing
    /// has run that `run.json` should tell of; else the error that kept it from being
    /// written.
    fn as_it_is(
        &self,
        plan: &Plan,
        store: &Store,
        summary: &RunSummary,
        error: StoreError,
    ) -> Result<Published, StoreError> {
        if summary.done > 0 || !atomic::is_there(&self.layout.provenance()) {
            return Err(error);
        }
        let mut published = Published {
            unwritable: Some(error.to_string()),
            ..Published::default()
        };
        for task in &plan.tasks {
            let Some((relative, file)) = published_name(task) else {
                continue;
            };
            let Lookup::Present(stored) = store.lookup(&task.stage, &task.key)? else {
                return Err(error);
            };
            let Some(record) = stored.entry.files.get(&file) else {
                continue;
            };
            if record.problem_at(&self.folder().join(&relative))?.is_some() {
                return Err(error);
            }
            published.files.insert(relative, record.blake3.clone());
        }
        Ok(published)
    }

    /// What an earlier run says it has put here. A `run.json` that is not ours, or
    /// not whole, says nothing.
    fn earlier(&self) -> Result<EarlierRun, StoreError> {
        match atomic::read_at_most(&self.layout.provenance(), RUN_FILE_LIMIT) {
            Err(error) if !error.tells_of_damage() => Err(error),
            read => {
                let bytes = read.ok().flatten().unwrap_or_default();
                Ok(serde_json::from_slice(&bytes).unwrap_or_default())
            }
        }
    }

    /// Puts `bytes` in the place of the file `name`.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<FileInfo, StoreError> {
        atomic::update(&self.folder().join(name), bytes)?;
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

    fn copy(
        &self,
        store: &Store,
        task: &Task,
        (relative, file, known): (&str, &str, Option<&String>),
        published: &mut Published,
    ) -> Result<(), StoreError> {
        let Lookup::Present(stored) = store.lookup(&task.stage, &task.key)? else {
            published.missing.push(relative.to_owned());
            return Ok(());
        };
        let path = atomic::prepared(self.folder(), relative)?;
        // A figure whose tables lack the rows that it needs has no file.
        let Some(record) = stored.entry.files.get(file) else {
            return Ok(());
        };
        if let Some(problem) = record.problem_at(&path)? {
            atomic::replace(&path, &stored.read(file)?)?;
            if known == Some(&record.blake3) {
                let what = format!("copied again from the store ({problem})");
                published.mended.push(Mended::new(&path, what));
            }
            published.written.push(relative.to_owned());
        }
        let digest = record.blake3.clone();
        published.files.insert(relative.to_owned(), digest);
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
