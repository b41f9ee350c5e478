//! Points and stages to tasks.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::manifest::Point;

use super::definition::{
    FIGURE_STAGE, FigureRequest, Request, StageDefinition, TABLE_STAGE, TableParameters, TableRow,
};
use super::error::PlanError;
use super::key::{CodeDigests, FORMAT, Key, KeyParts};
use super::label::{common_coordinates, label, place, value};
use super::task::{Input, Plan, Task, TaskId};

/// Makes the plan for `points`.
///
/// Each point asks each of `stages`, in the given order; a stage may need
/// earlier ones only. Points that agree on a stage's version, parameters and
/// needed keys share one task. Each table of a stage that was asked for becomes
/// a task over all points, and each of `figures` whose tables are all made
/// becomes a task after them.
///
/// # Errors
///
/// - [`PlanError::NeedNotRequested`] if a stage needs one that its point did
///   not ask for before.
/// - [`PlanError::DuplicateRole`], [`PlanError::DuplicateStage`],
///   [`PlanError::DuplicateFigure`] if two things have one name.
/// - [`PlanError::NoGatherer`] if there are tables or figures to make and no
///   stage of that name.
pub fn build(
    points: &[Point],
    stages: &[&dyn StageDefinition],
    figures: &[FigureRequest],
) -> Result<Plan, PlanError> {
    check_names(stages, figures)?;
    let mut builder = Builder::new(points, stages);
    for position in 0..points.len() {
        builder.add_point(position, stages)?;
    }
    builder.label_tasks();
    let tables = builder.add_tables(stages)?;
    builder.add_figures(stages, figures, &tables)?;
    Ok(builder.plan)
}

fn check_names(
    stages: &[&dyn StageDefinition],
    figures: &[FigureRequest],
) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    if let Some(twice) = stages.iter().find(|stage| !seen.insert(stage.name())) {
        let stage = twice.name().to_owned();
        return Err(PlanError::DuplicateStage { stage });
    }
    let mut seen = HashSet::new();
    match figures.iter().find(|figure| !seen.insert(&figure.name)) {
        Some(twice) => Err(PlanError::DuplicateFigure {
            figure: twice.name.clone(),
        }),
        None => Ok(()),
    }
}

/// The plan under construction, and how to find tasks in it.
struct Builder<'a> {
    points: &'a [Point],
    plan: Plan,
    by_key: HashMap<Key, TaskId>,
    /// The task that each point uses for each stage.
    by_stage: Vec<BTreeMap<&'static str, TaskId>>,
    /// The code of each stage.
    code: HashMap<&'static str, CodeDigests>,
}

impl<'a> Builder<'a> {
    fn new(points: &'a [Point], stages: &[&dyn StageDefinition]) -> Self {
        let code = |stage: &&dyn StageDefinition| {
            let parts = stage.code().iter();
            let parts = parts.map(|&(module, digest)| (module.to_owned(), digest.to_owned()));
            let digests: BTreeMap<String, String> = parts.collect();
            (stage.name(), CodeDigests::from(digests))
        };
        Self {
            points,
            plan: Plan {
                points: points.iter().map(place).collect(),
                tasks: Vec::new(),
            },
            by_key: HashMap::new(),
            by_stage: vec![BTreeMap::new(); points.len()],
            code: stages.iter().map(code).collect(),
        }
    }

    fn add_point(
        &mut self,
        position: usize,
        stages: &[&dyn StageDefinition],
    ) -> Result<(), PlanError> {
        for stage in stages {
            if let Some(request) = stage.request(&self.points[position]) {
                let needs = self.inputs(*stage, &request, position)?;
                let id = self.add_task(*stage, request.parameters, needs);
                let task = &mut self.plan.tasks[id];
                if task.points.is_empty() {
                    task.places = request.places;
                }
                task.points.push(position);
                self.by_stage[position].insert(stage.name(), id);
            }
        }
        Ok(())
    }

    fn inputs(
        &self,
        stage: &dyn StageDefinition,
        request: &Request,
        position: usize,
    ) -> Result<Vec<Input>, PlanError> {
        let requested = &self.by_stage[position];
        let mut roles = HashSet::new();
        let input = |need: &super::definition::Need| {
            if !roles.insert(need.role) {
                return Err(PlanError::DuplicateRole {
                    stage: stage.name().to_owned(),
                    role: need.role.to_owned(),
                });
            }
            match requested.get(need.stage) {
                Some(&task) => Ok(Input {
                    role: need.role.to_owned(),
                    task,
                }),
                None => Err(PlanError::NeedNotRequested {
                    stage: stage.name().to_owned(),
                    need: need.stage.to_owned(),
                    point: position,
                    known: requested.keys().copied().collect::<Vec<_>>().join(", "),
                }),
            }
        };
        request.needs.iter().map(input).collect()
    }

    /// The task with these parts: the one that is there, or a new one.
    fn add_task(
        &mut self,
        stage: &dyn StageDefinition,
        parameters: Value,
        needs: Vec<Input>,
    ) -> TaskId {
        let key_of = |input: &Input| (input.role.clone(), self.plan.tasks[input.task].key.clone());
        let key_parts = KeyParts {
            format: FORMAT,
            stage: stage.name().to_owned(),
            stage_version: stage.version(),
            code: self.code.get(stage.name()).cloned().unwrap_or_default(),
            parameters,
            needs: needs.iter().map(key_of).collect(),
        };
        let key = key_parts.key();
        let id = *self
            .by_key
            .entry(key.clone())
            .or_insert(self.plan.tasks.len());
        if id == self.plan.tasks.len() {
            self.plan.tasks.push(Task {
                id,
                stage: stage.name().to_owned(),
                key_parts,
                key,
                places: Value::Null,
                needs,
                label: stage.name().to_owned(),
                coordinates: Vec::new(),
                points: Vec::new(),
            });
        }
        id
    }

    fn label_tasks(&mut self) {
        for task in &mut self.plan.tasks {
            task.coordinates = common_coordinates(&self.plan.points, &task.points);
            task.label = label(&task.stage, &task.coordinates);
        }
    }

    /// Adds a task that gathers, with its name as its only coordinate.
    fn add_gathering(
        &mut self,
        stage: &dyn StageDefinition,
        name: &str,
        parameters: Value,
        needs: Vec<Input>,
    ) -> TaskId {
        let id = self.add_task(stage, parameters, needs);
        let task = &mut self.plan.tasks[id];
        task.coordinates = vec![("name".to_owned(), name.to_owned())];
        task.label = label(&task.stage, &task.coordinates);
        id
    }

    /// Adds a task for every table that some point has rows of.
    fn add_tables(
        &mut self,
        stages: &[&dyn StageDefinition],
    ) -> Result<BTreeMap<&'static str, TaskId>, PlanError> {
        let mut tables = BTreeMap::new();
        for name in table_names(stages) {
            let (rows, needs) = self.rows(name, stages);
            if rows.is_empty() {
                continue;
            }
            let parameters = TableParameters {
                table: name.to_owned(),
                rows,
            };
            let gatherer = gatherer(stages, TABLE_STAGE)?;
            let id = self.add_gathering(gatherer, name, json!(parameters), needs);
            tables.insert(name, id);
        }
        Ok(tables)
    }

    /// The rows of a table, point by point, and the tasks that hold them.
    fn rows(&self, table: &str, stages: &[&dyn StageDefinition]) -> (Vec<TableRow>, Vec<Input>) {
        let mut needs: Vec<Input> = Vec::new();
        let mut roles: HashMap<TaskId, String> = HashMap::new();
        let mut rows = Vec::new();
        for (point, by_stage) in self.points.iter().zip(&self.by_stage) {
            let makers = stages
                .iter()
                .filter(|stage| stage.tables().contains(&table));
            for &task in makers.filter_map(|stage| by_stage.get(stage.name())) {
                let next = format!("fragment_{:06}", needs.len());
                let source = roles.entry(task).or_insert_with(|| {
                    let role = next.clone();
                    needs.push(Input { role, task });
                    next
                });
                rows.push(row(point, source));
            }
        }
        (rows, needs)
    }

    /// Adds a task for every figure whose tables are all made.
    fn add_figures(
        &mut self,
        stages: &[&dyn StageDefinition],
        figures: &[FigureRequest],
        tables: &BTreeMap<&'static str, TaskId>,
    ) -> Result<(), PlanError> {
        for figure in figures {
            let input = |name: &String| {
                let task = *tables.get(name.as_str())?;
                let role = name.clone();
                Some(Input { role, task })
            };
            let Some(needs) = figure.tables.iter().map(input).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let gatherer = gatherer(stages, FIGURE_STAGE)?;
            let parameters = json!({ "figure": figure.name, "drawing": figure.parameters });
            self.add_gathering(gatherer, &figure.name, parameters, needs);
        }
        Ok(())
    }
}

/// Names of all tables, in the order of the stages.
fn table_names(stages: &[&dyn StageDefinition]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in stages.iter().flat_map(|stage| stage.tables()) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    names
}

fn gatherer<'s>(
    stages: &[&'s dyn StageDefinition],
    name: &'static str,
) -> Result<&'s dyn StageDefinition, PlanError> {
    let found = stages.iter().find(|stage| stage.name() == name);
    found.copied().ok_or(PlanError::NoGatherer { stage: name })
}

fn row(point: &Point, source: &str) -> TableRow {
    TableRow {
        point: point.index,
        replicate: point.replicate,
        seed: point.seed,
        coordinates: point
            .coordinates
            .iter()
            .map(|(name, scalar)| (name.clone(), value(scalar)))
            .collect(),
        source: source.to_owned(),
    }
}
