//! `submit`: the missing work of a manifest, as jobs of a cluster.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::args::ManifestArguments;
use super::super::diagnostic::{self, put, say};
use super::super::prepare::{self, Prepared};
use super::super::{Outcome, completions, quantity};
use super::jobs::{self, Jobs, absolute, counted, failed};
use crate::engine::cluster::slurm::{self, Partition, Slurm, Terms};
use crate::engine::cluster::{self, Persistence, Places, PointState, Submission};
use crate::engine::{self, Results, Store, Wanted};
use crate::manifest::ClusterProfile;

#[derive(Debug, Args)]
pub(in crate::cli) struct SubmitArguments {
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestArguments,
    /// The cluster: a `[cluster.NAME]` of your `latentfield.toml`
    #[arg(long, value_name = "NAME", add = completions::clusters())]
    pub(in crate::cli) cluster: String,
    /// Points of a job, whatever the profile says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) points_per_job: Option<u32>,
    /// Print scripts and cost; send nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(in crate::cli) results: PathBuf,
}

pub(in crate::cli) fn submit(arguments: &SubmitArguments) -> Outcome {
    match send(arguments) {
        Ok(()) => Outcome::Done,
        Err(outcome) => outcome,
    }
}

fn send(arguments: &SubmitArguments) -> Result<(), Outcome> {
    let prepared = prepare::prepare(&arguments.manifest)?;
    let mut profile = profile(arguments, &prepared)?;
    if let Some(points) = arguments.points_per_job {
        profile.points_per_job = Some(points as usize);
    }
    let results = absolute(&arguments.results)?;
    let places = Places {
        program: program(&profile)?,
        store: absolute(&prepared.store_below(&arguments.results))?,
        results,
    };
    check_path(&places.results)?;
    let terms = Terms::ask().map_err(|error| failed(&error))?;
    check(&profile, &terms.partitions);
    if arguments.dry_run {
        let store = Store::open_existing(&places.store).map_err(|e| diagnostic::store(&e))?;
        let jobs = Jobs::read(&prepared, &store, &places.results)?;
        let draft = next(jobs, (&profile, &terms), &places, None)?;
        if let Some((jobs, draft)) = draft {
            show(&draft, &jobs);
        }
        return Ok(());
    }
    let store = Store::open(&places.store).map_err(|error| diagnostic::store(&error))?;
    let folder = jobs::folder(&prepared, &places.results);
    // Of two who submit at once the second sees what the first has sent.
    let _claim = jobs::claim(&store, &folder)?;
    let jobs = Jobs::read(&prepared, &store, &places.results)?;
    let persistence = Some(Persistence::USUAL);
    if let Some((jobs, mut draft)) = next(jobs, (&profile, &terms), &places, persistence)? {
        // Jobs look at their share alone; what all of them make is needed from now on.
        let results = Results::open(&places.results, &draft.experiment);
        let kept = results.and_then(|results| engine::keep(&prepared.plan, &store, &results));
        kept.map_err(|error| diagnostic::store(&error))?;
        jobs.send(&mut draft)?;
    }
    Ok(())
}

/// What is to be sent now; nothing if all is done or on its way. `persistence` is how jobs are
/// looked for of which no answer is recorded, if that is to be recorded.
fn next<'a>(
    mut jobs: Jobs<'a>,
    how: (&ClusterProfile, &Terms),
    places: &Places,
    persistence: Option<Persistence>,
) -> Result<Option<(Jobs<'a>, Submission)>, Outcome> {
    // Without an answer nothing is sent: it may be there already.
    let asked = jobs.ledger.ask(&how.1.limits.cluster, &Slurm);
    asked.map_err(|error| failed(&error))?;
    if let Some(persistence) = persistence {
        let resolved = jobs.ledger.resolve(&Slurm, persistence);
        resolved.map_err(|error| {
            diagnostic::error(&error);
            Outcome::Failed
        })?;
    }
    let states = jobs.states()?;
    let open = cluster::to_send(&states);
    let gathers = jobs.ledger.gathering(&jobs.plan_blake3).next().is_some();
    if open.is_empty() && (gathers || !anything_missing(&jobs)?) {
        say(&format!("nothing to send: {}", jobs::counts(&states)));
        return Ok(None);
    }
    let draft = jobs.draft(&open, how, places);
    let draft = draft.map_err(|error| diagnostic::store(&error))?;
    let verb = if persistence.is_some() {
        "sending"
    } else {
        "would send"
    };
    tell(verb, &draft, &states);
    if draft.packs.len() > how.1.limits.max_jobs {
        let (found, most) = (draft.packs.len(), how.1.limits.max_jobs);
        say(&format!(
            "warning: {found} jobs, and the cluster holds {most} at most; raise `points_per_job`"
        ));
    }
    Ok(Some((jobs, draft)))
}

/// The named profile; what there is otherwise is said.
fn profile(arguments: &SubmitArguments, prepared: &Prepared) -> Result<ClusterProfile, Outcome> {
    let known = &prepared.loaded.manifest.machine.clusters;
    if let Some(profile) = known
        .iter()
        .find(|profile| profile.name == arguments.cluster)
    {
        return Ok(profile.clone());
    }
    let names: Vec<&str> = known.iter().map(|profile| profile.name.as_str()).collect();
    let names = if names.is_empty() {
        "none is described".to_owned()
    } else {
        format!("there are: {}", names.join(", "))
    };
    say(&format!(
        "error: no cluster `{}`; {names}; describe it as `[cluster.{}]` in `latentfield.toml` of your configuration folder",
        arguments.cluster, arguments.cluster
    ));
    Err(Outcome::Wrong)
}

/// Refuses folders in which Slurm would not find its way.
fn check_path(results: &Path) -> Result<(), Outcome> {
    let text = results.to_string_lossy();
    if !text.contains(['\\', '\n']) {
        return Ok(());
    }
    say(&format!(
        "error: {}: Slurm cannot write to a folder with a backslash or a new line in its name; expected `--results` without",
        results.display()
    ));
    Err(Outcome::Wrong)
}

/// The program on the nodes.
fn program(profile: &ClusterProfile) -> Result<String, Outcome> {
    if let Some(program) = &profile.program {
        return Ok(program.clone());
    }
    let own = std::env::current_exe().map_err(|error| {
        diagnostic::error(&error);
        Outcome::Failed
    })?;
    Ok(own.display().to_string())
}

/// Says what of the profile the cluster does not have; Slurm has the last word.
fn check(profile: &ClusterProfile, partitions: &[Partition]) {
    for misfit in slurm::misfits(profile, partitions) {
        say(&format!("warning: {misfit}"));
    }
}

/// Whether a table or figure is not in the store.
fn anything_missing(jobs: &Jobs<'_>) -> Result<bool, Outcome> {
    let assessed = engine::assess(&jobs.prepared.plan, jobs.store, &Wanted::default());
    let assessment = assessed.map_err(|error| diagnostic::store(&error))?;
    Ok(assessment.running() > 0)
}

fn tell(verb: &str, draft: &Submission, states: &[PointState]) {
    let points: usize = draft.packs.iter().map(|pack| pack.points.len()).sum();
    let arrays = draft.jobs.len() - 1;
    let estimate = estimate(draft);
    let most = draft.most_core_seconds().filter(|&seconds| seconds > 0.0);
    let most = most.map_or(String::new(), |seconds| {
        format!(", at most {:.1} core-hours", seconds / 3600.0)
    });
    let excluded = match draft.excluded_nodes.as_slice() {
        [] => String::new(),
        nodes => format!("; without {}, where jobs are lost", nodes.join(", ")),
    };
    say(&format!(
        "{verb} {} in {}, {}, {estimate}{most}{excluded}; before: {}",
        counted(points, "point"),
        counted(draft.packs.len(), "job"),
        counted(arrays, "array"),
        jobs::counts(states),
    ));
}

/// What the jobs take, as far as it is known.
fn estimate(draft: &Submission) -> String {
    let known: Vec<f64> = draft
        .packs
        .iter()
        .filter_map(|it| it.core_seconds)
        .collect();
    match (known.len(), draft.packs.len() - known.len()) {
        (0, 0) => "for tables and plots".to_owned(),
        (0, _) => "of unknown length".to_owned(),
        (_, 0) => quantity::core_hours(known.iter().sum()),
        (_, unknown) => format!(
            "{}, and {} of unknown length",
            quantity::core_hours(known.iter().sum()),
            counted(unknown, "job")
        ),
    }
}

fn show(draft: &Submission, jobs: &Jobs<'_>) {
    for position in 0..draft.jobs.len() {
        let (options, script) = draft.job(position, jobs.ledger.folder());
        put(&format!("# {}\n{script}", cluster::command_line(&options)));
    }
}
