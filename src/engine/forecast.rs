//! How long a run will take, from what earlier ones took.

use serde::Serialize;

use crate::plan::Plan;

use super::assess::{Assessment, Status};
use super::nearest::{Records, nearest_entries};
use super::store::{Store, StoreError};

/// Entries of a stage that are read for it at most.
const READ: usize = 256;

/// What one task will take, as far as the entry nearest to it says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost {
    /// Wall-clock time, in seconds.
    seconds: f64,
    /// Time on one core, in seconds.
    core_seconds: f64,
}

/// What a run will take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Time on one core, in seconds, of the tasks whose length is known.
    pub core_seconds: f64,
    /// Wall-clock time, in seconds: the work shared among the threads, or the longest chain
    /// of tasks that wait for one another if that is more.
    pub seconds: f64,
    /// Threads among which the work is shared.
    pub threads: usize,
    /// Tasks to run of a stage of which nothing was made before.
    pub unknown: usize,
}

/// What each task that runs will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    costs: Vec<Option<Cost>>,
}

impl Forecast {
    /// Reads what the entries nearest to the tasks that run took.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be listed.
    pub fn of(plan: &Plan, assessment: &Assessment, store: &Store) -> Result<Self, StoreError> {
        let records = Records::at_most(store, READ);
        let nearest = nearest_entries(plan, assessment, &records)?;
        let cost = |entry: &Option<std::sync::Arc<super::store::Entry>>| {
            entry.as_ref().map(|entry| Cost {
                seconds: entry.seconds,
                core_seconds: entry.core_seconds(),
            })
        };
        Ok(Self {
            costs: nearest.iter().map(cost).collect(),
        })
    }

    /// Says nothing of any task.
    #[must_use]
    pub fn unknown(plan: &Plan) -> Self {
        Self {
            costs: vec![None; plan.tasks.len()],
        }
    }

    /// Time of a task on one core, in seconds; `None` if it does not run or nothing like it
    /// was made before.
    #[must_use]
    pub fn core_seconds(&self, task: crate::plan::TaskId) -> Option<f64> {
        self.costs[task].map(|cost| cost.core_seconds)
    }

    /// What the run takes on `threads` threads.
    #[must_use]
    pub fn estimate(&self, plan: &Plan, assessment: &Assessment, threads: usize) -> Estimate {
        let mut estimate = Estimate {
            threads,
            ..Estimate::default()
        };
        let mut ends = vec![0.0; plan.tasks.len()];
        let mut longest: f64 = 0.0;
        for task in &plan.tasks {
            if !matches!(assessment.statuses[task.id], Status::WillRun(_)) {
                continue;
            }
            let starts = task.needs.iter().map(|input| ends[input.task]);
            let start = starts.fold(0.0, f64::max);
            let Some(cost) = self.costs[task.id] else {
                estimate.unknown += 1;
                ends[task.id] = start;
                continue;
            };
            estimate.core_seconds += cost.core_seconds;
            ends[task.id] = start + cost.seconds;
            longest = longest.max(ends[task.id]);
        }
        estimate.seconds = longest.max(estimate.core_seconds / threads.max(1) as f64);
        estimate
    }
}
