//! `work`: a share of a manifest's points, as a job of a cluster runs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;

use super::super::args::ManifestArguments;
use super::super::diagnostic::{self, say};
use super::super::prepare;
use super::super::stop::Stop;
use super::super::{Outcome, completions, run};
use super::gather::gather;
use super::job::Job;
use super::share::{Share, threads};
use crate::engine::cluster;

#[derive(Debug, Args)]
pub(in crate::cli) struct WorkArguments {
    /// The manifest, if no submission is named
    #[arg(
        required_unless_present = "submission",
        conflicts_with = "submission",
        add = completions::manifests()
    )]
    pub(in crate::cli) manifest: Option<PathBuf>,
    /// Points to work on, by their numbers in `plan --format json`: `0,3,8-11`
    #[arg(long, value_name = "LIST", conflicts_with = "submission")]
    pub(in crate::cli) points: Option<String>,
    /// Folder of a submission, as `submit` wrote it
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) submission: Option<PathBuf>,
    /// Which share of the submission
    #[arg(long, value_name = "N", requires = "submission")]
    pub(in crate::cli) pack: Option<usize>,
    /// Make tables and plots; of a submission, once its points are done
    #[arg(long, conflicts_with_all = ["pack", "points"])]
    pub(in crate::cli) gather: bool,
    /// Replace one value, as in `vae.latent=4`; may be given several times
    #[arg(
        long = "set",
        value_name = "KEY=VALUE",
        conflicts_with = "submission",
        add = completions::keys()
    )]
    pub(in crate::cli) sets: Vec<String>,
    /// Folder of the results
    #[arg(
        long,
        value_name = "DIR",
        default_value = "results",
        conflicts_with = "submission"
    )]
    pub(in crate::cli) results: PathBuf,
    /// Threads [default: those of the allocation, else the machine's cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(in crate::cli) threads: Option<u16>,
    /// Seconds that running tasks have to write checkpoints once the job is asked to stop
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        conflicts_with = "submission"
    )]
    pub(in crate::cli) grace: u32,
}

pub(in crate::cli) fn work(arguments: &WorkArguments) -> Outcome {
    let done = match (&arguments.submission, arguments.pack) {
        (None, _) => of_manifest(arguments),
        (Some(folder), Some(pack)) => of_pack(arguments, folder, pack),
        (Some(folder), None) if arguments.gather => gather(arguments.threads, folder),
        (Some(_), None) => {
            say("error: no share of the submission is named, expected `--pack N` or `--gather`");
            Err(Outcome::Wrong)
        }
    };
    match done {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

fn of_manifest(arguments: &WorkArguments) -> Result<Outcome, Outcome> {
    let manifest = ManifestArguments {
        // Required where no submission is named.
        manifest: arguments.manifest.clone().unwrap_or_default(),
        sets: arguments.sets.clone(),
    };
    let prepared = prepare::prepare(&manifest)?;
    let stop = Stop::on_signals(Duration::from_secs(arguments.grace.into()))?;
    let share = Share {
        store: prepared.store_below(&arguments.results),
        results: arguments.results.clone(),
        threads: threads(arguments.threads, &prepared),
        prepared: &prepared,
    };
    match &arguments.points {
        Some(text) => {
            let points = numbers(text, prepared.plan.points.len())?;
            let (summary, _) =
                share.work(&points, &BTreeMap::new(), &stop, None, &OnceLock::new())?;
            Ok(run::outcome(&summary))
        }
        None if arguments.gather => share.gather(&stop, None).map(|it| run::outcome(&it)),
        None => {
            say("error: no share of the work is named, expected `--points LIST` or `--gather`");
            Err(Outcome::Wrong)
        }
    }
}

/// `0,3,8-11`, each below `count`.
fn numbers(text: &str, count: usize) -> Result<Vec<usize>, Outcome> {
    let wrong = |part: &str| {
        say(&format!(
            "error: `{part}` in `--points {text}`, expected numbers of points from 0 to {}, as in `0,3,8-11`",
            count.saturating_sub(1)
        ));
        Outcome::Wrong
    };
    let mut numbers = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
            (Ok(first), Ok(last)) if first <= last && last < count => numbers.extend(first..=last),
            _ => return Err(wrong(part)),
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn of_pack(arguments: &WorkArguments, folder: &Path, pack: usize) -> Result<Outcome, Outcome> {
    let Some(job) = Job::begin(folder, Some(pack))? else {
        return Ok(Outcome::Interrupted);
    };
    let Some(sent) = job.record.packs.get(pack) else {
        let count = job.record.packs.len();
        say(&format!(
            "error: `--pack {pack}`, expected a number below {count}"
        ));
        return Err(Outcome::Wrong);
    };
    let log = cluster::event_log(folder, Some(pack));
    let given_up = |outcome| job.give_up("it could not do its share; see its output", outcome);
    let lost = sent.lost_tasks(&log);
    let lost = lost.map_err(|error| given_up(diagnostic::store(&error)))?;
    let refused = blamed(&lost, job.record.profile.crash_limit);
    let share = job.share(arguments.threads);
    let worked = share.work(&sent.points, &refused, &job.stop, Some(&log), job.headway());
    let (summary, advanced) = worked.map_err(given_up)?;
    job.conclude(&sent.points, &summary, advanced)?;
    Ok(run::outcome(&summary))
}

/// Tasks that are not run any more, by label, with the reason.
fn blamed(lost: &BTreeMap<String, usize>, limit: usize) -> BTreeMap<String, String> {
    let blamed = lost.iter().filter(|(_, times)| **times >= limit);
    let blamed = blamed.map(|(label, times)| {
        let message = format!(
            "its job was lost {times} times while it ran, and it is not run again; give it more memory, raise `crash_limit`, or `cancel` what was sent to forget it"
        );
        (label.clone(), message)
    });
    blamed.collect()
}
