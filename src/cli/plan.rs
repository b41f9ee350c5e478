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
    // A plan changes nothing, and so can be made where nothing can be changed.
    let store =
        Store::open_existing(&prepared.store_path(selection)).map_err(|e| diagnostic::store(&e))?;
    let assessment =
        engine::assess(&prepared.plan, &store, &wanted).map_err(|e| diagnostic::store(&e))?;
    let explanations = engine::explain_missing(&prepared.plan, &assessment, &store)
        .map_err(|e| diagnostic::store(&e))?;
    match arguments.format {
        PlanFormat::Json => json(&prepared.plan, &assessment, &explanations),
        _ => text(&prepared, &assessment, &explanations, arguments.explain),
    }
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

fn json(plan: &Plan, assessment: &Assessment, explanations: &[Explanation]) {
    let tasks: Vec<PlannedTask<'_>> = plan
        .tasks
        .iter()
        .map(|task| PlannedTask {
            label: &task.label,
            stage: &task.stage,
            key: task.key.to_string(),
            status: &assessment.statuses[task.id],
            explanation: explanations.iter().find(|e| e.task == task.id),
        })
        .collect();
    match serde_json::to_string_pretty(&tasks) {
        Ok(text) => put(&text),
        Err(error) => diagnostic::error(&error),
    }
}

fn text(prepared: &Prepared, assessment: &Assessment, explanations: &[Explanation], explain: bool) {
    for task in &prepared.plan.tasks {
        let line = match &assessment.statuses[task.id] {
            Status::Cached => format!("cached   {}", task.label),
            Status::NotNeeded => continue,
            Status::WillRun(reason) => format!("run      {}: {reason}", task.label),
        };
        put(&line);
        let explanation = explanations.iter().find(|e| e.task == task.id);
        if let (true, Some(explanation)) = (explain, explanation) {
            let nearest = match &explanation.nearest {
                Some(label) => format!("nearest result: {label}"),
                None => "no result of this stage yet".to_owned(),
            };
            put(&format!("           {nearest}"));
            for difference in &explanation.differences {
                put(&format!("           {difference}"));
            }
        }
    }
    let (run, cached) = (assessment.running(), assessment.cached());
    let unread = prepared.plan.tasks.len() - run - cached;
    put(&format!(
        "{} points, {} tasks: {run} to run, {cached} cached, {unread} not needed",
        prepared.loaded.manifest.points.len(),
        prepared.plan.tasks.len(),
    ));
}
