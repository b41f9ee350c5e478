//! What each stage of a run cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, Task, TaskId};

use super::super::store::{Entry, Store};
use super::super::summary::{RunSummary, TaskCost};

/// What the tasks of one stage cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StageCost {
    /// Name of the stage.
    pub(super) stage: String,
    /// Tasks of the plan.
    pub(super) tasks: usize,
    /// Tasks that this run took to their end.
    pub(super) ran: usize,
    /// Tasks whose result of an earlier run is there.
    pub(super) cached: usize,
    /// How long one or more tasks of the stage ran in this run, in seconds.
    pub(super) wall_seconds: f64,
    /// Seconds of this run's tasks, each times its threads.
    pub(super) core_seconds: f64,
    /// The same of the tasks of earlier runs.
    pub(super) of_earlier_runs_core_seconds: f64,
    /// Tasks of earlier runs of which it is not known how many threads they had;
    /// one is counted.
    pub(super) of_earlier_runs_threads_unknown: usize,
}

impl StageCost {
    /// As a later run tells it in which no task of the stage runs.
    pub(super) fn of_earlier_run(self) -> Self {
        Self {
            ran: 0,
            cached: self.cached + self.ran,
            wall_seconds: 0.0,
            core_seconds: 0.0,
            of_earlier_runs_core_seconds: self.of_earlier_runs_core_seconds + self.core_seconds,
            ..self
        }
    }
}

/// The stages in the order of the plan, each with what its tasks cost: those of this run,
/// and those of earlier ones as their entries say.
pub(super) fn stage_costs(plan: &Plan, summary: &RunSummary, store: &Store) -> Vec<StageCost> {
    let others = plan
        .tasks
        .iter()
        .filter(|task| !summary.ran.contains_key(&task.id));
    let recalled = others.filter_map(|task| {
        let entry = store.glance(&task.stage, &task.key)?;
        Some((task.id, earlier_cost(&entry, summary.started_unix)))
    });
    let recalled: Costs = recalled.collect();
    let mut order: Vec<&str> = Vec::new();
    for task in &plan.tasks {
        if !order.contains(&task.stage.as_str()) {
            order.push(&task.stage);
        }
    }
    order
        .into_iter()
        .map(|stage| {
            let tasks = plan.tasks.iter().filter(|task| task.stage == stage);
            of_stage(stage, &tasks.collect::<Vec<_>>(), (&summary.ran, &recalled))
        })
        .collect()
}

fn earlier_cost(entry: &Entry, started_unix: f64) -> TaskCost {
    TaskCost {
        started: entry.started_unix - started_unix,
        seconds: entry.seconds,
        threads: entry.threads.map(|threads| threads as usize),
    }
}

/// Costs of tasks, by task.
type Costs = BTreeMap<TaskId, TaskCost>;

fn of_stage(stage: &str, tasks: &[&Task], (ran, recalled): (&Costs, &Costs)) -> StageCost {
    let costs = |of: &Costs| -> Vec<TaskCost> {
        let found = tasks.iter().filter_map(|task| of.get(&task.id));
        found.copied().collect()
    };
    let (ran, earlier) = (costs(ran), costs(recalled));
    StageCost {
        stage: stage.to_owned(),
        tasks: tasks.len(),
        ran: ran.len(),
        cached: earlier.len(),
        wall_seconds: covered(ran.iter().map(|cost| (cost.started, cost.seconds))),
        core_seconds: total(&ran),
        of_earlier_runs_core_seconds: total(&earlier),
        of_earlier_runs_threads_unknown: earlier.iter().filter(|c| c.threads.is_none()).count(),
    }
}

/// Core-seconds of some tasks; a sum of nothing would be `-0.0`.
fn total(costs: &[TaskCost]) -> f64 {
    costs
        .iter()
        .fold(0.0, |sum, cost| sum + cost.core_seconds())
}

/// Length of the union of intervals, each given by its start and its length.
fn covered(intervals: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut intervals: Vec<(f64, f64)> = intervals.collect();
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut total, mut end) = (0.0, f64::NEG_INFINITY);
    for (start, length) in intervals {
        let stop = start + length;
        if stop > end {
            total += stop - f64::max(start, end);
            end = stop;
        }
    }
    total
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole and half seconds are added exactly")]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_two_tasks_run_counts_once() {
        assert_eq!(covered([].into_iter()), 0.0);
        assert_eq!(covered([(1.0, 2.0)].into_iter()), 2.0);
        // Apart, overlapping, one within the other, given in any order.
        assert_eq!(covered([(5.0, 1.0), (1.0, 2.0)].into_iter()), 3.0);
        assert_eq!(covered([(2.0, 2.0), (1.0, 2.0)].into_iter()), 3.0);
        assert_eq!(covered([(1.0, 4.0), (2.0, 1.0)].into_iter()), 4.0);
    }

    #[test]
    fn a_second_on_four_threads_is_four_core_seconds() {
        let cost = |threads| TaskCost {
            started: 0.0,
            seconds: 1.5,
            threads,
        };
        assert_eq!(cost(Some(4)).core_seconds(), 6.0);
        assert_eq!(cost(None).core_seconds(), 1.5);
    }
}
