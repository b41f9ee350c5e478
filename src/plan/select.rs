//! Selectors: which tasks a user means.

use super::error::PlanError;
use super::label::REPLICATE;
use super::task::{Plan, Task, TaskId};

/// A name that is closer to a known one than this is worth a suggestion.
const SIMILAR: f64 = 0.7;

/// Labels named in an error.
const EXAMPLES: usize = 3;

/// Names tasks: `train`, `train[temperature=0.4, replicate=1]`, `[temperature=0.4]`.
///
/// A task of points matches if one of its points lies there. A table or figure
/// gathers all points and matches by its coordinate `name` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    text: String,
    stage: Option<String>,
    conditions: Vec<(String, String)>,
}

impl Selector {
    /// Reads one selector, or several with `;` between them.
    ///
    /// # Errors
    ///
    /// [`PlanError::SelectorSyntax`] if the text has another form.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, PlanError> {
        text.split(';').map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self, PlanError> {
        let text = text.trim();
        let wrong = |problem| PlanError::SelectorSyntax {
            selector: text.to_owned(),
            problem,
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        let (stage, rest) = match text.split_once('[') {
            None => (text, None),
            Some((stage, rest)) => (stage.trim_end(), Some(rest)),
        };
        let conditions = match rest.map(|rest| rest.strip_suffix(']')) {
            None => Vec::new(),
            Some(None) => return Err(wrong("`[` without a `]` at the end")),
            Some(Some(inner)) => inner
                .split(',')
                .map(|condition| match condition.split_once('=') {
                    Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
                    None => Err(wrong("a condition without `=`")),
                })
                .collect::<Result<_, _>>()?,
        };
        if stage.contains([']', '=', ',']) {
            return Err(wrong("a condition outside `[…]`"));
        }
        Ok(Self {
            text: text.to_owned(),
            stage: (!stage.is_empty()).then(|| stage.to_owned()),
            conditions,
        })
    }

    /// Whether the selector means `task` of `plan`.
    #[must_use]
    pub fn matches(&self, plan: &Plan, task: &Task) -> bool {
        if self
            .stage
            .as_ref()
            .is_some_and(|stage| *stage != task.stage)
        {
            return false;
        }
        if task.points.is_empty() {
            return self.conditions.iter().all(|(name, wanted)| {
                let found = task.coordinates.iter().find(|(known, _)| known == name);
                found.is_some_and(|(_, value)| same(value, wanted))
            });
        }
        task.points.iter().any(|&point| self.holds_at(plan, point))
    }

    fn holds_at(&self, plan: &Plan, point: usize) -> bool {
        let place = &plan.points[point];
        self.conditions.iter().all(|(name, wanted)| {
            if name == REPLICATE {
                return same(&place.replicate.to_string(), wanted);
            }
            let found = place.coordinates.iter().find(|(known, _)| known == name);
            found.is_some_and(|(_, value)| same(value, wanted))
        })
    }

    /// Checks that the plan has the stage and the coordinates that are named.
    fn check(&self, plan: &Plan) -> Result<(), PlanError> {
        let stages = distinct(plan.tasks.iter().map(|task| task.stage.as_str()));
        if let Some(stage) = self
            .stage
            .as_deref()
            .filter(|stage| !stages.contains(stage))
        {
            return Err(PlanError::UnknownStage {
                selector: self.text.clone(),
                stage: stage.to_owned(),
                suggestion: suggestion(stage, &stages),
                known: stages.join(", "),
            });
        }
        let coordinates = coordinate_names(plan);
        let names = self.conditions.iter().map(|(name, _)| name.as_str());
        match names.into_iter().find(|name| !coordinates.contains(name)) {
            None => Ok(()),
            Some(name) => Err(PlanError::UnknownCoordinate {
                selector: self.text.clone(),
                coordinate: name.to_owned(),
                suggestion: suggestion(name, &coordinates),
                known: coordinates.join(", "),
            }),
        }
    }
}

/// The tasks of `plan` that any of `selectors` means, in the order of the plan.
///
/// # Errors
///
/// [`PlanError::UnknownStage`], [`PlanError::UnknownCoordinate`] or
/// [`PlanError::NoMatch`] for the first selector that means no task.
pub fn select(plan: &Plan, selectors: &[Selector]) -> Result<Vec<TaskId>, PlanError> {
    let mut selected = vec![false; plan.tasks.len()];
    for selector in selectors {
        selector.check(plan)?;
        let mut any = false;
        for task in plan
            .tasks
            .iter()
            .filter(|task| selector.matches(plan, task))
        {
            selected[task.id] = true;
            any = true;
        }
        if !any {
            return Err(PlanError::NoMatch {
                selector: selector.text.clone(),
                known: examples(plan, selector.stage.as_deref()),
            });
        }
    }
    Ok((0..selected.len()).filter(|&id| selected[id]).collect())
}

fn examples(plan: &Plan, stage: Option<&str>) -> String {
    let tasks = plan.tasks.iter();
    let fitting = tasks.filter(|task| stage.is_none_or(|stage| task.stage == stage));
    let labels: Vec<&str> = fitting
        .take(EXAMPLES)
        .map(|task| task.label.as_str())
        .collect();
    labels.join("; ")
}

/// Whether two values are the same, as text or as numbers.
fn same(value: &str, wanted: &str) -> bool {
    let number = |text: &str| text.replace('_', "").parse::<f64>().ok();
    value == wanted || number(value).is_some_and(|value| number(wanted) == Some(value))
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn coordinate_names(plan: &Plan) -> Vec<&str> {
    let swept = plan
        .points
        .iter()
        .take(1)
        .flat_map(|place| &place.coordinates);
    let gathered = plan.tasks.iter().filter(|task| task.points.is_empty());
    let named = gathered.flat_map(|task| &task.coordinates);
    distinct(
        swept
            .map(|(name, _)| name.as_str())
            .chain([REPLICATE])
            .chain(named.map(|(name, _)| name.as_str())),
    )
}

fn suggestion(name: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean `{candidate}`")
        })
}
