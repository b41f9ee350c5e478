//! Where a job runs, as Slurm tells it in the environment.

use super::super::diagnostic;
use crate::engine::cluster::{Submission, Then, Trace, slurm};

/// A job as its own process sees it.
pub(super) struct JobPlace {
    number: Option<u64>,
    /// What `scontrol` calls the job.
    task: Option<String>,
    name: Option<String>,
    /// What the cluster calls this machine.
    node: Option<String>,
    restarts: u32,
}

impl JobPlace {
    pub(super) fn of_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let single = variable("SLURM_JOB_ID");
        let array = variable("SLURM_ARRAY_JOB_ID");
        let index = variable("SLURM_ARRAY_TASK_ID");
        let number = array.as_ref().or(single.as_ref());
        Self {
            number: number.and_then(|number| number.parse().ok()),
            task: match (array, index) {
                (Some(array), Some(index)) => Some(format!("{array}_{index}")),
                _ => single,
            },
            name: variable("SLURM_JOB_NAME"),
            node: variable("SLURMD_NODENAME"),
            restarts: variable("SLURM_RESTART_COUNT")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
        }
    }

    /// Number of the job, or of its array.
    pub(super) fn number(&self) -> Option<u64> {
        self.number
    }

    /// A trace of the job that begins now.
    pub(super) fn trace(&self, record: &Submission, pack: Option<usize>) -> Trace {
        let sent = record.jobs.iter().find(|job| match pack {
            Some(pack) => job.has(pack),
            None => job.gathers(),
        });
        let sent = sent.map(|job| job.name.clone());
        let name = self.name.clone().or(sent).unwrap_or_default();
        let trace = Trace::new(&name, self.number, pack, self.restarts);
        Trace {
            node: self.node.clone().unwrap_or(trace.node),
            ..trace
        }
    }

    /// Whether the job is to go on, as far as the cluster is concerned: one that is cancelled,
    /// or has been put back already, does not run any more.
    pub(super) fn is_wanted(&self) -> bool {
        let is_over = |task: &String| slurm::state(task).is_ok_and(|state| state != "RUNNING");
        !self.task.as_ref().is_some_and(is_over)
    }

    /// Asks to be put back into the queue; says what becomes of it.
    pub(super) fn put_back(&self) -> Then {
        let Some(task) = &self.task else {
            return Then::Refused;
        };
        let requeued = slurm::requeue(task);
        match requeued {
            Ok(()) => Then::Requeued,
            Err(error) => {
                diagnostic::error(&error);
                Then::Refused
            }
        }
    }
}
