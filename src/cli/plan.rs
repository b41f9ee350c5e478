//! `plan`: what `run` would do, why, and how long it would take.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::args::{PlanArguments, PlanFormat};
use super::diagnostic::{self, put};
use super::explaining::{Paragraph, together};
use super::prepare::{self, Prepared};
use super::quantity;
use crate::engine::{self, Assessment, Estimate, Explanation, Forecast, Status, Store};
use crate::plan::Input;
use crate::stages;

/// Version of the JSON form; raised when a name in it changes its meaning or goes.
const JSON_FORMAT: u32 = 1;

/// Cached tasks that are listed one by one beside explanations; of more, each stage is counted.
const LISTED: usize = 20;

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
    let forecast =
        Forecast::of(&prepared.plan, &assessment, &store).map_err(|e| diagnostic::store(&e))?;
    let mut outlook = Outlook {
        prepared: &prepared,
        estimate: forecast.estimate(&prepared.plan, &assessment, prepared.threads(None)),
        assessment,
        forecast,
        explanations: Vec::new(),
    };
    if arguments.explain || arguments.format == PlanFormat::Json {
        outlook.explanations = explain(&prepared, &outlook.assessment, &store)?;
    }
    match arguments.format {
        PlanFormat::Json => outlook.json(),
        _ if arguments.explain => outlook.explained(selection.only.is_empty()),
        _ => outlook.text(),
    }
    // The process ends here: the system takes a plan of many tasks back faster than they
    // are given back one by one.
    std::mem::forget(outlook);
    std::mem::forget(prepared);
    Ok(())
}

/// Why each task that runs does; an error is written.
pub(super) fn explain(
    prepared: &Prepared,
    assessment: &Assessment,
    store: &Store,
) -> Result<Vec<Explanation>, Outcome> {
    let stages = stages::definitions(&prepared.stages);
    engine::explain(&prepared.plan, assessment, store, &stages).map_err(|e| diagnostic::store(&e))
}

/// All that is known of a run before it begins.
struct Outlook<'a> {
    prepared: &'a Prepared,
    assessment: Assessment,
    forecast: Forecast,
    estimate: Estimate,
    explanations: Vec<Explanation>,
}

/// One task as programs read it.
#[derive(Serialize)]
struct PlannedTask<'a> {
    id: usize,
    label: &'a str,
    stage: &'a str,
    key: &'a str,
    #[serde(flatten)]
    status: &'a Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
    needs: &'a [Input],
    points: &'a [usize],
    estimate_core_seconds: Option<f64>,
}

impl Outlook<'_> {
    fn counts(&self) -> [(&'static str, usize); 4] {
        let (all, run, cached) = (
            self.prepared.plan.tasks.len(),
            self.assessment.running(),
            self.assessment.cached(),
        );
        [
            ("tasks", all),
            ("to_run", run),
            ("cached", cached),
            ("not_needed", all - run - cached),
        ]
    }

    fn json(&self) {
        let explained: HashMap<usize, &Explanation> =
            self.explanations.iter().map(|e| (e.task, e)).collect();
        let tasks = self.prepared.plan.tasks.iter();
        let tasks: Vec<PlannedTask<'_>> = tasks
            .map(|task| PlannedTask {
                id: task.id,
                label: &task.label,
                stage: &task.stage,
                key: task.key.as_str(),
                status: &self.assessment.statuses[task.id],
                explanation: explained.get(&task.id).copied(),
                needs: &task.needs,
                points: &task.points,
                estimate_core_seconds: self.forecast.core_seconds(task.id),
            })
            .collect();
        let counts = self.counts().into_iter();
        let counts: Map<String, Value> = counts
            .map(|(name, count)| (name.to_owned(), Value::from(count)))
            .collect();
        put(&format!(
            "{:#}",
            json!({
                "format": JSON_FORMAT,
                "experiment": self.prepared.loaded.manifest.experiment.name,
                "points": self.points(),
                "tasks": tasks,
                "counts": counts,
                "estimate": self.estimate,
            })
        ));
    }

    fn points(&self) -> Vec<Value> {
        let points = self.prepared.loaded.manifest.points.iter();
        let point = |point: &crate::manifest::Point| {
            let coordinates = point.coordinates.iter();
            let coordinates: Map<String, Value> = coordinates
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({
                "index": point.index,
                "replicate": point.replicate,
                "seed": point.seed,
                "coordinates": coordinates,
            })
        };
        points.map(point).collect()
    }

    /// A line a task.
    fn text(&self) {
        for task in &self.prepared.plan.tasks {
            match &self.assessment.statuses[task.id] {
                Status::Cached => put(&format!("cached   {}", task.label)),
                Status::NotNeeded => {}
                Status::WillRun(reason) => put(&format!("run      {}: {reason}", task.label)),
            }
        }
        self.summary();
    }

    /// A paragraph a cause, or a task.
    fn explained(&self, grouped: bool) {
        self.put_cached();
        let plan = &self.prepared.plan;
        let paragraphs = if grouped {
            together(plan, &self.explanations)
        } else {
            self.explanations.iter().map(Paragraph::of).collect()
        };
        for paragraph in paragraphs {
            put(&format!("run      {}", paragraph.head(plan)));
            for line in paragraph.lines() {
                put(&format!("           {line}"));
            }
        }
        self.summary();
    }

    fn put_cached(&self) {
        let cached = |id: usize| self.assessment.statuses[id] == Status::Cached;
        let tasks = self.prepared.plan.tasks.iter();
        let tasks: Vec<_> = tasks.filter(|task| cached(task.id)).collect();
        if tasks.len() <= LISTED {
            for task in tasks {
                put(&format!("cached   {}", task.label));
            }
            return;
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for task in tasks {
            *counts.entry(&task.stage).or_default() += 1;
        }
        for (stage, count) in counts {
            put(&format!("cached   {count} of {stage}"));
        }
    }

    fn summary(&self) {
        let [(_, all), (_, run), (_, cached), (_, unread)] = self.counts();
        put(&format!(
            "{} points, {all} tasks: {run} to run, {cached} cached, {unread} not needed",
            self.prepared.loaded.manifest.points.len(),
        ));
        if run > 0 {
            put(&format!(
                "to run: {}",
                quantity::estimate(run, &self.estimate)
            ));
        }
    }
}
