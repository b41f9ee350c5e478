//! `plan`: what `run` would do, and why.

use serde::Serialize;

use super::Outcome;
use super::args::{PlanArguments, PlanFormat};
use super::diagnostic::{self, put};
use super::prepare::{self, Prepared};
use crate::engine::{self, Assessment, Explanation, Status, Store};
use crate::plan::Plan;

pub(super) fn main(arguments: &PlanArguments) -> Outcome {
    match plan(arguments) {
        Ok(()) => Outcome::Done,
        Err(outcome) => outcome,
    }
}

fn plan(arguments: &PlanArguments) -> Result<(), Outcome> {
    let prepared = prepare::prepare(&arguments.manifest)?;
    if arguments.format == PlanFormat::Dot {
        put(&prepared.plan.to_dot());
        return Ok(());
    }
    let selection = &arguments.selection;
    let wanted = prepared.wanted(selection)?;
    let store = Store::open(&prepared.store_path(selection)).map_err(|e| diagnostic::store(&e))?;
    let assessment =
        engine::assess(&prepared.plan, &store, &wanted).map_err(|e| diagnostic::store(&e))?;
    // Only who asks why pays for reading the entries that are there.
    let explained = arguments.explain || arguments.format == PlanFormat::Json;
    let explanations = if explained {
        engine::explain_missing(&prepared.plan, &assessment, &store)
            .map_err(|e| diagnostic::store(&e))?
    } else {
        Vec::new()
    };
    match arguments.format {
        PlanFormat::Json => json(&prepared.plan, &assessment, &explanations),
        _ => text(&prepared, &assessment, &explanations),
    }
    // The process ends here: the system takes a plan of many tasks back faster than they
    // are given back one by one.
    std::mem::forget((prepared, assessment));
    Ok(())
}

/// One task as programs read it.
#[derive(Serialize)]
struct PlannedTask<'a> {
    label: &'a str,
    stage: &'a str,
    key: String,
    #[serde(flatten)]
    status: &'a Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
}

/// The explanation of each task that has one, by task.
fn by_task<'a>(plan: &Plan, explanations: &'a [Explanation]) -> Vec<Option<&'a Explanation>> {
    let mut found = vec![None; plan.tasks.len()];
    for explanation in explanations {
        found[explanation.task] = Some(explanation);
    }
    found
}

fn json(plan: &Plan, assessment: &Assessment, explanations: &[Explanation]) {
    let explanations = by_task(plan, explanations);
    let tasks: Vec<PlannedTask<'_>> = plan
        .tasks
        .iter()
        .map(|task| PlannedTask {
            label: &task.label,
            stage: &task.stage,
            key: task.key.to_string(),
            status: &assessment.statuses[task.id],
            explanation: explanations[task.id],
        })
        .collect();
    match serde_json::to_string_pretty(&tasks) {
        Ok(text) => put(&text),
        Err(error) => diagnostic::error(&error),
    }
}

fn text(prepared: &Prepared, assessment: &Assessment, explanations: &[Explanation]) {
    let explanations = by_task(&prepared.plan, explanations);
    let mut lines = Vec::with_capacity(prepared.plan.tasks.len() + 1);
    for task in &prepared.plan.tasks {
        lines.push(match &assessment.statuses[task.id] {
            Status::Cached => format!("cached   {}", task.label),
            Status::NotNeeded => continue,
            Status::WillRun(reason) => format!("run      {}: {reason}", task.label),
        });
        if let Some(explanation) = explanations[task.id] {
            let nearest = match &explanation.nearest {
                Some(label) => format!("nearest result: {label}"),
                None => "no result of this stage yet".to_owned(),
            };
            let told = [&nearest].into_iter().chain(&explanation.differences);
            lines.extend(told.map(|line| format!("           {line}")));
        }
    }
    let (run, cached) = (assessment.running(), assessment.cached());
    let unread = prepared.plan.tasks.len() - run - cached;
    lines.push(format!(
        "{} points, {} tasks: {run} to run, {cached} cached, {unread} not needed",
        prepared.loaded.manifest.points.len(),
        prepared.plan.tasks.len(),
    ));
    // One write for all lines.
    put(&lines.join("\n"));
}
