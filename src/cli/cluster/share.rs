//! Work on a share of a plan, or on what gathers all of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::Outcome;
use super::super::diagnostic;
use super::super::prepare::Prepared;
use super::super::run::{self, Listener};
use super::super::stop::Stop;
use super::job::Headway;
use crate::engine::cluster;
use crate::engine::{JsonLog, Results, RunOptions, RunSummary, Store, StoreError, Wanted};
use crate::plan::{Key, TaskId};

/// Work on a plan, and where it lies.
pub(super) struct Share<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) results: PathBuf,
    pub(super) store: PathBuf,
    pub(super) threads: usize,
}

impl Share<'_> {
    /// Makes these points but for the `refused` tasks, and says whether anything was finished
    /// or got further.
    pub(super) fn work(
        &self,
        points: &[usize],
        refused: &BTreeMap<String, String>,
        stop: &Stop,
        log: Option<&Path>,
        headway: &OnceLock<Headway>,
    ) -> Result<(RunSummary, bool), Outcome> {
        let plan = &self.prepared.plan;
        let store = Store::join(&self.store).map_err(|error| diagnostic::store(&error))?;
        let results = self.results()?;
        let wanted = Wanted {
            only: Some(self.goals(points)),
            force: Vec::new(),
        };
        let refused = plan
            .tasks
            .iter()
            .filter_map(|task| Some((task.id, refused.get(&task.label)?.clone())));
        let options = RunOptions {
            threads: self.threads,
            keep_going: true,
            refused: refused.collect(),
            wanted,
        };
        let own = plan.tasks.iter();
        let own = own.filter(|task| task.points.iter().any(|point| points.contains(point)));
        let keys: Vec<Key> = own.map(|task| task.key.clone()).collect();
        let before = store.checkpoints(&keys);
        let noted = headway.get_or_init(|| Headway {
            store: self.store.clone(),
            keys,
            before,
        });
        let listener = Listener::new(open_log(log, &results), stop);
        let summary = run::share(self.prepared, (&store, &results), &options, listener)?;
        let advanced = summary.done > 0 || store.checkpoints(&noted.keys) != noted.before;
        Ok((summary, advanced))
    }

    /// Makes tables and plots, and whatever else is missing.
    pub(super) fn gather(&self, stop: &Stop, log: Option<&Path>) -> Result<RunSummary, Outcome> {
        let store = Store::open(&self.store).map_err(|error| diagnostic::store(&error))?;
        let results = self.results()?;
        let options = RunOptions {
            threads: self.threads,
            keep_going: true,
            refused: BTreeMap::new(),
            wanted: Wanted::default(),
        };
        let listener = Listener::new(open_log(log, &results), stop);
        run::whole(self.prepared, (&store, &results), &options, listener)
    }

    fn results(&self) -> Result<Results, Outcome> {
        let name = &self.prepared.loaded.manifest.experiment.name;
        Results::open(&self.results, name).map_err(|error| diagnostic::store(&error))
    }

    /// The last tasks of these points.
    fn goals(&self, points: &[usize]) -> Vec<TaskId> {
        let goals = cluster::point_goals(&self.prepared.plan);
        let mut wanted: Vec<TaskId> = points
            .iter()
            .flat_map(|&point| goals[point].iter().copied())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

fn open_log(path: Option<&Path>, results: &Results) -> Result<JsonLog, StoreError> {
    match path {
        Some(path) => JsonLog::open_at(path),
        None => JsonLog::open(results),
    }
}

/// What is `asked` for by `-j`, else the allocation's cores, else what `run` would use.
pub(super) fn threads(asked: Option<u16>, prepared: &Prepared) -> usize {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok().filter(|&it| it > 0);
    let allocated = || number("SLURM_CPUS_PER_TASK").or_else(|| number("SLURM_CPUS_ON_NODE"));
    let asked = asked.map(usize::from).or_else(allocated);
    asked.unwrap_or_else(|| prepared.threads(None))
}
