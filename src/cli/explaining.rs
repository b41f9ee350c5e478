//! Explanations as people read them: tasks with one cause are one paragraph.

use std::collections::HashMap;

use super::quantity::{age, now_unix};
use crate::engine::{Cause, Explanation, Told};
use crate::plan::{Difference, Plan, TaskId};

/// Differences that are told of one task; the rest is counted.
const TOLD: usize = 6;

/// Tasks that run for the same reason.
pub(super) struct Paragraph<'a> {
    /// The tasks, in the order of the plan.
    pub(super) tasks: Vec<TaskId>,
    /// Where their changes began, if it was not with them.
    roots: Vec<TaskId>,
    /// The explanation of the first.
    example: &'a Explanation,
}

/// What two tasks must have in common to be told together: stage, cause, and the names
/// of what differs, whatever the values.
type Likeness = (String, &'static str, Vec<String>);

fn likeness(plan: &Plan, explanation: &Explanation) -> Likeness {
    let stage = plan.tasks[explanation.task].stage.clone();
    let (cause, mut details) = match &explanation.cause {
        Cause::Forced => ("forced", Vec::new()),
        Cause::New => ("new", Vec::new()),
        Cause::ChangedHere => ("changed", names(&explanation.differences)),
        Cause::Follows { roots } => {
            let began = roots.iter().flat_map(|root| {
                let stage = plan.tasks[root.task].stage.clone();
                [vec![stage], names(&root.differences)].concat()
            });
            ("follows", began.collect())
        }
        Cause::ArtefactMissing { problem } => ("missing", vec![problem.clone()]),
    };
    details.sort_unstable();
    details.dedup();
    (stage, cause, details)
}

/// What differs, without values and without inputs.
fn names(told: &[Told]) -> Vec<String> {
    let name = |told: &Told| match &told.difference {
        Difference::Parameter { path, .. } => Some(path.clone()),
        Difference::Rows { .. } => Some("rows".to_owned()),
        Difference::Input { .. } => None,
        _ => Some(told.words.clone()),
    };
    told.iter().filter_map(name).collect()
}

/// Tells tasks with the same cause together.
pub(super) fn together<'a>(plan: &Plan, explanations: &'a [Explanation]) -> Vec<Paragraph<'a>> {
    let mut places: HashMap<Likeness, usize> = HashMap::new();
    let mut paragraphs: Vec<Paragraph<'a>> = Vec::new();
    for explanation in explanations {
        let likeness = likeness(plan, explanation);
        let place = *places.entry(likeness).or_insert(paragraphs.len());
        if place == paragraphs.len() {
            paragraphs.push(Paragraph::of(explanation));
        } else {
            let other = Paragraph::of(explanation);
            paragraphs[place].tasks.extend(other.tasks);
            paragraphs[place].roots.extend(other.roots);
        }
    }
    for paragraph in &mut paragraphs {
        paragraph.roots.sort_unstable();
        paragraph.roots.dedup();
    }
    paragraphs
}

impl<'a> Paragraph<'a> {
    /// One task alone.
    pub(super) fn of(explanation: &'a Explanation) -> Self {
        let roots = match &explanation.cause {
            Cause::Follows { roots } => roots.iter().map(|root| root.task).collect(),
            _ => Vec::new(),
        };
        Self {
            tasks: vec![explanation.task],
            roots,
            example: explanation,
        }
    }

    /// `train[latent=2]: changed here`, or `12 tasks of train, such as …: changed here`.
    pub(super) fn head(&self, plan: &Plan) -> String {
        let first = &plan.tasks[self.example.task];
        let many = self.tasks.len() > 1;
        let who = if many {
            let count = self.tasks.len();
            format!("{count} tasks of {}, such as {}", first.stage, first.label)
        } else {
            first.label.clone()
        };
        let follow = if many { "follow" } else { "follows" };
        let cause = match &self.example.cause {
            Cause::Forced => "forced".to_owned(),
            Cause::New => "nothing of this stage was made before".to_owned(),
            Cause::ChangedHere => "changed here".to_owned(),
            Cause::Follows { .. } => match &self.roots[..] {
                [] => format!("{follow} from a task that it needs"),
                [root] => format!("{follow} from `{}`", plan.tasks[*root].label),
                [root, others @ ..] => format!(
                    "{follow} from {} tasks, such as `{}`",
                    others.len() + 1,
                    plan.tasks[*root].label
                ),
            },
            Cause::ArtefactMissing { problem } => format!("artefact missing: {problem}"),
        };
        format!("{who}: {cause}")
    }

    /// What changed, and since when; of many tasks, that of the first.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.example.cause {
            Cause::ChangedHere => tell(&self.example.differences, &mut lines),
            Cause::Follows { roots } => {
                for root in roots.iter().take(1) {
                    tell(&root.differences, &mut lines);
                }
            }
            Cause::Forced | Cause::New | Cause::ArtefactMissing { .. } => {}
        }
        if let (false, Some(nearest)) = (lines.is_empty(), &self.example.nearest) {
            let since = age(now_unix() - nearest.finished_unix);
            lines.push(format!("nearest result: {}, made {since}", nearest.label));
        }
        lines
    }
}

fn tell(told: &[Told], lines: &mut Vec<String>) {
    lines.extend(told.iter().take(TOLD).map(|told| told.words.clone()));
    if told.len() > TOLD {
        lines.push(format!("and {} more", told.len() - TOLD));
    }
}
