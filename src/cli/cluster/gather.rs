//! The job that gathers: it makes tables and plots, or sends lost points again.

use std::path::Path;

use super::super::Outcome;
use super::super::diagnostic::{self, say};
use super::super::run;
use super::job::{Job, read_record};
use super::jobs::{self, Jobs, failed};
use crate::engine::Store;
use crate::engine::cluster::slurm::{Slurm, Terms};
use crate::engine::cluster::{self, End, Persistence, Places, PointState, Reason, Then};

/// Makes tables and plots if all points are done; else sends lost ones again.
pub(super) fn gather(threads: Option<u16>, folder: &Path) -> Result<Outcome, Outcome> {
    let Some(job) = Job::begin(folder, None)? else {
        return Ok(Outcome::Interrupted);
    };
    let instead = send_again(&job).map_err(|outcome| {
        let message = "it could not look at the points, or send lost ones again, from its node; `submit` does; see its output";
        job.give_up(message, outcome)
    })?;
    if let Some(end) = instead {
        let outcome = match &end {
            End::Failed { .. } => Outcome::Failed,
            End::Stopped { .. } => Outcome::Interrupted,
            _ => Outcome::Done,
        };
        job.end(end)?;
        return Ok(outcome);
    }
    let log = cluster::event_log(folder, None);
    let summary = job.share(threads).gather(&job.stop, Some(&log));
    let summary = summary
        .map_err(|outcome| job.give_up("it could not make the tables; see its output", outcome))?;
    job.conclude(&[], &summary, summary.done > 0)?;
    Ok(run::outcome(&summary))
}

/// Sends points again that were lost, within the limit of retries. `None` if all are done, so
/// that tables can be made.
fn send_again(job: &Job<'_>) -> Result<Option<End>, Outcome> {
    let store = Store::open(&job.record.store).map_err(|error| diagnostic::store(&error))?;
    let jobs_folder = job.folder.parent().unwrap_or(Path::new("."));
    let _claim = jobs::claim(&store, jobs_folder)?;
    // It may have been cancelled meanwhile.
    let record = read_record(job.folder)?;
    if record.cancelled {
        let then = Then::Cancelled;
        return Ok(Some(End::Stopped { then }));
    }
    let mut jobs = Jobs::read(&job.prepared, &store, &record.results)?;
    if jobs.ledger.is_superseded(&record) {
        say("a later manifest of the experiment was submitted, whose tables are made instead");
        return Ok(Some(End::Superseded));
    }
    let terms = Terms::ask().map_err(|error| failed(&error))?;
    let asked = jobs.ledger.ask(&terms.limits.cluster, &Slurm);
    asked.map_err(|error| failed(&error))?;
    // Whoever sent before, this job included, may have died before an answer came.
    let resolved = jobs.ledger.resolve(&Slurm, Persistence::USUAL);
    resolved.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Failed
    })?;
    let states = jobs.states_afresh()?;
    if states.iter().all(|state| *state == PointState::Done) {
        return Ok(None);
    }
    say(&format!("not all is done: {}", jobs::counts(&states)));
    let open = cluster::to_send(&states);
    let again = jobs.that_may_go_on(&open, &states, &record.profile);
    let again = again.map_err(|error| diagnostic::store(&error))?;
    if again.is_empty()
        && let Some(end) = wait_again(job, &jobs, &states)
    {
        return Ok(Some(end));
    }
    let places = Places {
        program: record.program.clone(),
        results: record.results.clone(),
        store: record.store.clone(),
    };
    let draft = jobs.draft(&again, (&record.profile, &terms), &places);
    let mut draft = draft.map_err(|error| diagnostic::store(&error))?;
    draft.asked = record.asked;
    draft.variables = record.variables;
    // It would wait for itself.
    draft.waits_for.retain(|&it| Some(it) != job.place.number());
    // Without points to send or on their way, and without jobs to wait for, the next one would
    // find what this one does.
    let waits = !draft.waits_for.is_empty() && states.iter().any(is_on_its_way);
    if again.is_empty() && !waits {
        let reasons = why_not(&states);
        for reason in &reasons {
            say(reason);
        }
        let reasons = reasons.into_iter().map(Reason::of_job).collect();
        return Ok(Some(End::Failed { reasons }));
    }
    jobs.send(&mut draft)?;
    Ok(Some(End::SentAgain {
        submission: draft.name,
    }))
}

fn is_on_its_way(state: &PointState) -> bool {
    matches!(
        state,
        PointState::Queued { .. } | PointState::Running { .. }
    )
}

/// Leaves the tables to another job that gathers for the same plan, if points are on their way
/// and one waits for them.
fn wait_again(job: &Job<'_>, jobs: &Jobs<'_>, states: &[PointState]) -> Option<End> {
    let mut others = jobs.ledger.gathering(&jobs.plan_blake3);
    let other = others.find(|task| task.waits() && Some(task.number) != job.place.number())?;
    let submission = other.name.trim_end_matches("-gather").to_owned();
    let waits = states.iter().any(is_on_its_way);
    waits.then_some(End::SentAgain { submission })
}

/// Reasons that are told of points that are not done; the rest is counted.
const TOLD: usize = 10;

fn why_not(states: &[PointState]) -> Vec<String> {
    let open = states.iter().enumerate();
    let mut reasons: Vec<String> = open
        .filter_map(|(point, state)| match state {
            PointState::Done => None,
            PointState::Failed { reason } => Some(format!("point {point} failed: {reason}")),
            PointState::Lost { loss, .. } => Some(format!("point {point}: {}", loss.in_words())),
            PointState::NotSent => Some(format!(
                "point {point} was not sent, or its results are not in the store any more"
            )),
            PointState::Running { .. } | PointState::Queued { .. } => {
                Some(format!("point {point} is with a later submission"))
            }
        })
        .collect();
    if reasons.len() > TOLD {
        let more = reasons.len() - TOLD;
        reasons.truncate(TOLD);
        reasons.push(format!("and {more} more"));
    }
    reasons
}
