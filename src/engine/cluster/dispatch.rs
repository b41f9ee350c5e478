//! From points to send to jobs in the queue.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::manifest::ClusterProfile;
use crate::plan::{FIGURE_STAGE, Key, Plan, TABLE_STAGE, Task, TaskId};

use super::ledger::begun;
use super::packing::{ArraySlice, Pack, PackingRule, PointWork, arrays, packs};
use super::script::{INDEX, JobRequest, Resources, options, script};
use super::slurm::Terms;
use super::state::Attempts;
use super::submission::{
    Persistence, SUBMISSION_FORMAT, Scheduler, SendError, SentJob, SentPack, Submission, send,
    unique_name,
};
use crate::engine::assess::{Status, Wanted, assess};
use crate::engine::forecast::Forecast;
use crate::engine::store::{Lookup, Store, StoreError, atomic};

/// Part of a job's time that its points are meant to fill at most.
const FILLED: f64 = 0.5;

/// BLAKE3 over the keys of a plan, in its order: 64 hexadecimal digits.
#[must_use]
pub fn plan_blake3(plan: &Plan) -> String {
    digest(plan.tasks.iter().map(|task| task.id), plan)
}

fn digest(tasks: impl Iterator<Item = TaskId>, plan: &Plan) -> String {
    let mut hasher = blake3::Hasher::new();
    for task in tasks {
        hasher.update(plan.tasks[task].key.as_str().as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// For each point the tasks that have to be there for it to be done: those that
/// no other task of points reads.
#[must_use]
pub fn point_goals(plan: &Plan) -> Vec<Vec<TaskId>> {
    let gathers = |task: &Task| task.stage == TABLE_STAGE || task.stage == FIGURE_STAGE;
    let mut read = vec![false; plan.tasks.len()];
    for task in plan.tasks.iter().filter(|task| !gathers(task)) {
        for input in &task.needs {
            read[input.task] = true;
        }
    }
    let mut goals = vec![Vec::new(); plan.points.len()];
    for task in &plan.tasks {
        if !gathers(task) && !read[task.id] {
            for &point in &task.points {
                goals[point].push(task.id);
            }
        }
    }
    goals
}

/// For each point a BLAKE3 digest over the keys of its goals: what a point is called whatever
/// other points its manifest has.
#[must_use]
pub fn point_keys(plan: &Plan) -> Vec<String> {
    let goals = point_goals(plan).into_iter();
    goals.map(|goals| digest(goals.into_iter(), plan)).collect()
}

/// Of which points all results are in the store. Whether they are whole is for the run to
/// verify that uses them.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be listed.
pub fn points_done(plan: &Plan, store: &Store) -> Result<Vec<bool>, StoreError> {
    let mut listed: HashMap<&str, HashSet<Key>> = HashMap::new();
    let goals = point_goals(plan);
    for &goal in goals.iter().flatten() {
        let stage = plan.tasks[goal].stage.as_str();
        if let Entry::Vacant(unknown) = listed.entry(stage) {
            unknown.insert(store.listed(stage)?);
        }
    }
    let there = |&goal: &TaskId| {
        let task = &plan.tasks[goal];
        listed[task.stage.as_str()].contains(&task.key)
    };
    Ok(goals.iter().map(|goals| goals.iter().all(there)).collect())
}

/// Whether all results of the point are in the store, whatever a networked file system
/// remembers of a look before.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read.
pub fn done_after_all(plan: &Plan, store: &Store, point: usize) -> Result<bool, StoreError> {
    for &goal in &point_goals(plan)[point] {
        let task = &plan.tasks[goal];
        let found = store.look_afresh(&task.stage, &task.key)?;
        if !matches!(found, Lookup::Present(_)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is left to do of these points, by what the tasks nearest to theirs took. A task that
/// several of them need counts for the first.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read.
pub fn work_of(plan: &Plan, store: &Store, points: &[usize]) -> Result<Vec<PointWork>, StoreError> {
    let goals = point_goals(plan);
    let mut only: Vec<TaskId> = points.iter().flat_map(|&it| goals[it].clone()).collect();
    only.sort_unstable();
    only.dedup();
    let wanted = Wanted {
        only: Some(only),
        force: Vec::new(),
    };
    let assessment = assess(plan, store, &wanted)?;
    let forecast = Forecast::of(plan, &assessment, store)?;
    let mut work: HashMap<usize, Option<f64>> = points.iter().map(|&it| (it, Some(0.0))).collect();
    for task in &plan.tasks {
        if !matches!(assessment.statuses[task.id], Status::WillRun(_)) {
            continue;
        }
        let first = task.points.iter().find(|point| work.contains_key(point));
        if let Some(seconds) = first.and_then(|point| work.get_mut(point)) {
            *seconds = seconds
                .zip(forecast.core_seconds(task.id))
                .map(|(a, b)| a + b);
        }
    }
    let of = |&point: &usize| PointWork {
        point,
        core_seconds: work.get(&point).copied().flatten(),
    };
    Ok(points.iter().map(of).collect())
}

/// A point to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenPoint {
    /// What is left to do.
    pub work: PointWork,
    /// Attempts before.
    pub attempts: Attempts,
}

/// Where things lie, and the program on the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The program.
    pub program: String,
    /// Folder of the results, absolute.
    pub results: PathBuf,
    /// Folder of the store, absolute.
    pub store: PathBuf,
}

/// How packs are made for this profile.
fn rule(profile: &ClusterProfile) -> PackingRule {
    let at_least = 60.0 * profile.job_minutes as f64;
    match profile.points_per_job {
        Some(points) => PackingRule::Points(points),
        None => PackingRule::Seconds {
            at_least,
            at_most: profile
                .seconds
                .map_or(f64::INFINITY, |seconds| FILLED * seconds as f64),
            cores: profile.cores,
        },
    }
}

impl Submission {
    /// Packs the points, those with equal attempts together; nothing is sent.
    #[must_use]
    pub fn draft(
        experiment: &str,
        plan: &Plan,
        points: &[OpenPoint],
        (profile, terms): (&ClusterProfile, &Terms),
        places: &Places,
    ) -> Self {
        let name = unique_name(experiment);
        let mut attempts: Vec<Attempts> = points.iter().map(|point| point.attempts).collect();
        attempts.sort_unstable();
        attempts.dedup();
        let group = |&attempts: &Attempts| -> Vec<Pack> {
            let alike = points.iter().filter(|point| point.attempts == attempts);
            let work: Vec<PointWork> = alike.map(|point| point.work).collect();
            packs(&work, rule(profile))
        };
        let groups: Vec<Vec<Pack>> = attempts.iter().map(group).collect();
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let slices = arrays(&sizes, terms.limits.max_array_size, profile.max_running);
        let keys = point_keys(plan);
        let sent = |pack: Pack| SentPack {
            keys: pack
                .points
                .iter()
                .map(|&point| keys[point].clone())
                .collect(),
            points: pack.points,
            core_seconds: pack.core_seconds,
            lost: BTreeMap::new(),
        };
        Self {
            format: SUBMISSION_FORMAT,
            sequence: 1,
            asked: 1,
            experiment: experiment.to_owned(),
            cluster: terms.limits.cluster.clone(),
            profile: profile.clone(),
            program: places.program.clone(),
            sets: Vec::new(),
            ceiling: terms.ceiling(profile),
            variables: variables(),
            excluded_nodes: Vec::new(),
            waits_for: Vec::new(),
            plan_blake3: plan_blake3(plan),
            results: places.results.clone(),
            store: places.store.clone(),
            submitted_unix: crate::engine::results::unix_now(),
            packs: groups.into_iter().flatten().map(sent).collect(),
            jobs: jobs(&name, &slices, &attempts),
            cancelled: false,
            name,
        }
    }

    /// Core-seconds that the arrays may take at most, where their time is limited.
    #[must_use]
    pub fn most_core_seconds(&self) -> Option<f64> {
        let of = |job: &SentJob| {
            let seconds = Resources::after(&self.profile, job.attempts, self.ceiling).seconds?;
            Some((job.count * self.profile.cores) as f64 * seconds as f64)
        };
        self.jobs.iter().map(of).sum()
    }

    /// Options and script of the job at `position`, for a record below `folder`. The number
    /// of a job that is not sent yet is written as 0.
    #[must_use]
    pub fn job(&self, position: usize, folder: &Path) -> (Vec<String>, String) {
        let job = &self.jobs[position];
        let number = |job: &SentJob| job.job.as_ref().map_or(0, |job| job.number);
        let mut after: Vec<u64> = if job.gathers() {
            let own = self.jobs[..position].iter().map(number);
            own.chain(self.waits_for.iter().copied()).collect()
        } else {
            let earlier = job.after.iter();
            earlier.map(|&it| number(&self.jobs[it])).collect()
        };
        // Nothing can wait for what was refused.
        let sending = self.jobs.iter().any(|job| job.tried);
        after.retain(|&number| number > 0 || !sending);
        let place = folder.join(&self.name);
        let words = [
            &self.program,
            "work",
            "--submission",
            &place.to_string_lossy(),
        ];
        let share: &[&str] = if job.gathers() {
            &["--gather"]
        } else {
            &["--pack", INDEX]
        };
        let command = words.iter().chain(share).map(|&word| word.to_owned());
        let command: Vec<String> = command.collect();
        let request = JobRequest {
            profile: &self.profile,
            name: &job.name,
            array: (!job.gathers()).then_some((job.first, job.count, job.limit)),
            after: &after,
            resources: Resources::after(&self.profile, job.attempts, self.ceiling),
            excluded_nodes: &self.excluded_nodes,
            logs: &place.join("logs"),
            folder: &self.results,
            command: &command,
        };
        (options(&request), script(&request))
    }

    /// Sends what is not sent yet, in order, so that later jobs can name earlier ones; then
    /// looks once at what the cluster has of it. An array that is refused does not keep the
    /// others from being sent, but the job that gathers.
    ///
    /// # Errors
    ///
    /// [`SendError`] of the first job that could not be sent.
    pub fn send(
        &mut self,
        folder: &Path,
        scheduler: &dyn Scheduler,
        persistence: Persistence,
    ) -> Result<(), SendError> {
        let place = folder.join(&self.name);
        atomic::create_folder(&place.join("logs"))?;
        let begun = |name: &str| begun(&place, name);
        let mut refused = None;
        for position in 0..self.jobs.len() {
            if self.jobs[position].gathers() && refused.is_some() {
                break;
            }
            let (options, script) = self.job(position, folder);
            let to = (scheduler, folder);
            match send(self, position, (&options, &script), to, &begun, persistence) {
                Err(SendError::Cluster(error)) if !error.leaves_open() => {
                    refused = refused.or(Some(error));
                }
                sent => sent?,
            }
        }
        let names: Vec<String> = self.jobs.iter().map(|job| job.name.clone()).collect();
        // What is sent is sent: without an answer their times are not known, no more.
        let queued = scheduler.queue(&names).unwrap_or_default();
        for job in &mut self.jobs {
            let there = queued.iter().find(|task| task.name == job.name);
            if let (Some(id), Some(task)) = (&mut job.job, there) {
                id.submitted.clone_from(&task.submitted);
            }
        }
        self.write(folder)?;
        refused.map_or(Ok(()), |error| Err(SendError::Cluster(error)))
    }
}

/// Names of the variables of this process: what a prologue sets on a node is not handed on to
/// the jobs that are sent from there.
fn variables() -> Vec<String> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    names.collect()
}

/// A job for each array, and one that gathers.
fn jobs(name: &str, slices: &[ArraySlice], attempts: &[Attempts]) -> Vec<SentJob> {
    let array = |(position, slice): (usize, &ArraySlice)| SentJob {
        name: format!("{name}-{position}"),
        first: slice.first,
        count: slice.count,
        limit: slice.limit,
        after: slice.after,
        attempts: attempts[slice.group],
        tried: false,
        job: None,
    };
    let gathering = SentJob {
        name: format!("{name}-gather"),
        first: 0,
        count: 0,
        limit: None,
        after: None,
        attempts: Attempts::default(),
        tried: false,
        job: None,
    };
    let arrays = slices.iter().enumerate().map(array);
    arrays.chain([gathering]).collect()
}
