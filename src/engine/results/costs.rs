//! What each stage of a run cost.

use serde::Serialize;

use crate::plan::{Plan, Task};

use super::super::summary::{RunSummary, TaskCost};

/// What the tasks of one stage cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

/// The stages in the order of the plan, each with what its tasks cost.
pub(super) fn stage_costs(plan: &Plan, summary: &RunSummary) -> Vec<StageCost> {
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
            of_stage(stage, &tasks.collect::<Vec<_>>(), summary)
        })
        .collect()
}

fn of_stage(stage: &str, tasks: &[&Task], summary: &RunSummary) -> StageCost {
    let costs = |of: &std::collections::BTreeMap<usize, TaskCost>| -> Vec<TaskCost> {
        let found = tasks.iter().filter_map(|task| of.get(&task.id));
        found.copied().collect()
    };
    let (ran, earlier) = (costs(&summary.ran), costs(&summary.recalled));
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
