//! Points and stages to tasks.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use crate::manifest::Point;

use super::definition::{
    FIGURE_STAGE, FigureRequest, Request, StageDefinition, TABLE_STAGE, TableRow,
};
use super::error::PlanError;
use super::key::{
    CodeDigests, FORMAT, Key, KeyHead, KeyText, STREAM_FORMAT, canonical_json, write_text,
};
use super::label::{Places, label, place, value};
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
    for point in 0..points.len() {
        builder.add_point(point)?;
    }
    builder.label_tasks();
    let tables = builder.add_tables()?;
    builder.add_figures(figures, &tables)?;
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
    stages: &'a [&'a dyn StageDefinition],
    plan: Plan,
    by_key: HashMap<Key, TaskId>,
    /// Position of each stage among the stages.
    positions: HashMap<&'static str, usize>,
    /// The task that each point uses for each stage: a row a point, a column a stage.
    used: Vec<Option<TaskId>>,
    /// The code of each stage.
    code: HashMap<&'static str, CodeDigests>,
}

impl<'a> Builder<'a> {
    fn new(points: &'a [Point], stages: &'a [&'a dyn StageDefinition]) -> Self {
        let names = stages.iter().map(|stage| stage.name());
        let code = |stage: &&dyn StageDefinition| {
            let parts = stage.code().iter();
            let parts = parts.map(|&(module, digest)| (module.to_owned(), digest.to_owned()));
            let digests: BTreeMap<String, String> = parts.collect();
            (stage.name(), CodeDigests::from(digests))
        };
        Self {
            points,
            stages,
            plan: Plan {
                points: points.iter().map(place).collect(),
                tasks: Vec::new(),
            },
            by_key: HashMap::new(),
            positions: names.zip(0..).collect(),
            used: vec![None; points.len() * stages.len()],
            code: stages.iter().map(code).collect(),
        }
    }

    /// The tasks that a point uses, by stage.
    fn used(&self, point: usize) -> &[Option<TaskId>] {
        let stages = self.stages.len();
        &self.used[point * stages..(point + 1) * stages]
    }

    fn add_point(&mut self, point: usize) -> Result<(), PlanError> {
        for (position, stage) in self.stages.iter().enumerate() {
            if let Some(request) = stage.request(&self.points[point]) {
                let needs = self.inputs(*stage, &request, point)?;
                let parameters = canonical_json(&request.parameters);
                let id = self.add_task(*stage, &parameters, needs);
                if self.plan.tasks[id].points.is_empty() {
                    let stream = self.stream(*stage, &parameters, id);
                    let task = &mut self.plan.tasks[id];
                    task.stream = stream;
                    task.places = request.places;
                }
                let task = &mut self.plan.tasks[id];
                task.points.push(point);
                self.used[point * self.stages.len() + position] = Some(id);
            }
        }
        Ok(())
    }

    fn inputs(
        &self,
        stage: &dyn StageDefinition,
        request: &Request,
        point: usize,
    ) -> Result<Vec<Input>, PlanError> {
        let used = self.used(point);
        let mut inputs: Vec<Input> = Vec::with_capacity(request.needs.len());
        for need in &request.needs {
            if inputs.iter().any(|input| input.role == need.role) {
                return Err(PlanError::DuplicateRole {
                    stage: stage.name().to_owned(),
                    role: need.role.to_owned(),
                });
            }
            let position = self.positions.get(need.stage);
            let Some(task) = position.and_then(|&position| used[position]) else {
                return Err(PlanError::NeedNotRequested {
                    stage: stage.name().to_owned(),
                    need: need.stage.to_owned(),
                    point,
                    known: self.requested(point).join(", "),
                });
            };
            let role = need.role.to_owned();
            inputs.push(Input { role, task });
        }
        Ok(inputs)
    }

    /// Names of the stages that a point asked for so far, sorted.
    fn requested(&self, point: usize) -> Vec<&'static str> {
        let asked = self.stages.iter().zip(self.used(point));
        let mut names: Vec<&str> = asked
            .filter_map(|(stage, task)| task.map(|_| stage.name()))
            .collect();
        names.sort_unstable();
        names
    }

    /// The task with these parts: the one that is there, or a new one.
    ///
    /// `parameters` is canonical JSON.
    fn add_task(
        &mut self,
        stage: &dyn StageDefinition,
        parameters: &str,
        needs: Vec<Input>,
    ) -> TaskId {
        let code = self.code.get(stage.name()).cloned().unwrap_or_default();
        let head = KeyHead {
            format: FORMAT,
            stage: stage.name(),
            stage_version: stage.version(),
            code: code.digest(),
        };
        let mut keys: Vec<(&str, &Key)> = needs
            .iter()
            .map(|input| (input.role.as_str(), &self.plan.tasks[input.task].key))
            .collect();
        keys.sort_unstable_by_key(|&(role, _)| role);
        let text = KeyText::new(head.text(parameters, keys.into_iter()));
        let key = text.key();
        let next = self.plan.tasks.len();
        let id = *self.by_key.entry(key.clone()).or_insert(next);
        if id == next {
            self.plan.tasks.push(Task {
                id,
                stage: stage.name().to_owned(),
                stage_version: stage.version(),
                key_text: text,
                code,
                stream: key.clone(),
                key,
                places: Value::Null,
                needs,
                label: String::new(),
                coordinates: Vec::new(),
                points: Vec::new(),
            });
        }
        id
    }

    /// The name of a task's random streams; `parameters` is canonical JSON. Tasks that
    /// gather draw nothing.
    fn stream(&self, stage: &dyn StageDefinition, parameters: &str, task: TaskId) -> Key {
        let head = KeyHead {
            format: STREAM_FORMAT,
            stage: stage.name(),
            stage_version: stage.version(),
            code: None,
        };
        let mut names: Vec<(&str, &Key)> = self.plan.tasks[task]
            .needs
            .iter()
            .map(|input| (input.role.as_str(), &self.plan.tasks[input.task].stream))
            .collect();
        names.sort_unstable_by_key(|&(role, _)| role);
        KeyText::new(head.text(parameters, names.into_iter())).key()
    }

    fn label_tasks(&mut self) {
        let places = Places::new(&self.plan.points);
        for task in &mut self.plan.tasks {
            task.coordinates = places.common_coordinates(&task.points);
            task.label = label(&task.stage, &task.coordinates);
        }
    }

    /// Adds a task that gathers, with its name as its only coordinate.
    fn add_gathering(
        &mut self,
        stage: &dyn StageDefinition,
        name: &str,
        parameters: &str,
        needs: Vec<Input>,
    ) -> TaskId {
        let id = self.add_task(stage, parameters, needs);
        let task = &mut self.plan.tasks[id];
        task.coordinates = vec![("name".to_owned(), name.to_owned())];
        task.label = label(&task.stage, &task.coordinates);
        id
    }

    /// Adds a task for every table that some point has rows of.
    fn add_tables(&mut self) -> Result<BTreeMap<&'static str, TaskId>, PlanError> {
        let mut tables = BTreeMap::new();
        let starts: Vec<String> = self.points.iter().map(row_start).collect();
        for name in table_names(self.stages) {
            let (parameters, needs) = self.table(name, &starts);
            if needs.is_empty() {
                continue;
            }
            let gatherer = gatherer(self.stages, TABLE_STAGE)?;
            let id = self.add_gathering(gatherer, name, &parameters, needs);
            tables.insert(name, id);
        }
        Ok(tables)
    }

    /// The [`TableParameters`](super::TableParameters) of a table as canonical JSON, and the tasks that hold its rows.
    ///
    /// The rows go point by point; `starts` are the texts with which they begin.
    fn table(&self, table: &str, starts: &[String]) -> (String, Vec<Input>) {
        let makers: Vec<usize> = (0..self.stages.len())
            .filter(|&stage| self.stages[stage].tables().contains(&table))
            .collect();
        let mut needs: Vec<Input> = Vec::new();
        let mut fragments: HashMap<TaskId, usize> = HashMap::new();
        let mut text = String::from("{\"rows\":[");
        for (point, start) in starts.iter().enumerate() {
            let used = self.used(point);
            for task in makers.iter().filter_map(|&stage| used[stage]) {
                let fragment = *fragments.entry(task).or_insert(needs.len());
                if fragment == needs.len() {
                    let role = role(fragment);
                    needs.push(Input { role, task });
                }
                text.push_str(if text.ends_with('[') { "" } else { "," });
                text.push_str(start);
                write_text(&needs[fragment].role, &mut text);
                text.push('}');
            }
        }
        text.push_str("],\"table\":");
        write_text(table, &mut text);
        text.push('}');
        (text, needs)
    }

    /// Adds a task for every figure whose tables are all made.
    fn add_figures(
        &mut self,
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
            let gatherer = gatherer(self.stages, FIGURE_STAGE)?;
            let parameters = json!({ "figure": figure.name, "drawing": figure.parameters });
            self.add_gathering(gatherer, &figure.name, &canonical_json(&parameters), needs);
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

/// Role of a fragment of a table.
fn role(fragment: usize) -> String {
    format!("fragment_{fragment:06}")
}

/// The canonical JSON of a [`TableRow`] up to the text of its `source`, its last member.
///
/// All tables have the rows of a point in common, but for that.
fn row_start(point: &Point) -> String {
    let row = TableRow {
        point: point.index,
        replicate: point.replicate,
        seed: point.seed,
        coordinates: point
            .coordinates
            .iter()
            .map(|(name, scalar)| (name.clone(), value(scalar)))
            .collect(),
        source: String::new(),
    };
    let mut text = canonical_json(&json!(row));
    text.truncate(text.len() - "\"\"}".len());
    text
}
