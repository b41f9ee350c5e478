//! Which tasks take their jobs down: read from the logs of jobs that were lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::engine::store::{StoreError, atomic};

/// A line of a log, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    event: String,
    label: Option<String>,
}

/// Longest log that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// As [`lost_tasks`], of the log in a file; of a log that is not there nothing.
///
/// # Errors
///
/// [`StoreError::Io`] if it cannot be read.
pub(super) fn lost_in(log: &Path) -> Result<BTreeMap<String, usize>, StoreError> {
    let bytes = atomic::read_at_most(log, LONGEST)?.unwrap_or_default();
    Ok(lost_tasks(&String::from_utf8_lossy(&bytes)))
}

/// Number of tasks that the last life of the job of a log has finished.
///
/// # Errors
///
/// [`StoreError::Io`] if the log cannot be read.
pub fn finished_in_last_life(log: &Path) -> Result<usize, StoreError> {
    let bytes = atomic::read_at_most(log, LONGEST)?.unwrap_or_default();
    Ok(finished(&String::from_utf8_lossy(&bytes)))
}

fn finished(log: &str) -> usize {
    let lines = log.lines().rev();
    let events = lines.filter_map(|line| serde_json::from_str(line).ok());
    let life = events.take_while(|line: &Line| line.event != "run_started");
    life.filter(|line| line.event == "finished").count()
}

/// How often the job of this log was lost while it worked on a task, by label.
///
/// A job that ends by itself says of every task that it started how that ended. What is
/// still open when the next life of the job begins, or at the end of the log, was running
/// when the job was lost.
#[must_use]
fn lost_tasks(log: &str) -> BTreeMap<String, usize> {
    let mut lost = BTreeMap::new();
    let mut running = BTreeSet::new();
    let mut lose = |running: &mut BTreeSet<String>| {
        for label in std::mem::take(running) {
            *lost.entry(label).or_default() += 1;
        }
    };
    // A torn line says nothing.
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    for Line { event, label } in lines {
        match (event.as_str(), label) {
            ("run_started", _) => lose(&mut running),
            ("started", Some(label)) => {
                running.insert(label);
            }
            ("finished" | "failed" | "cancelled", Some(label)) => {
                running.remove(&label);
            }
            ("run_finished", _) => running.clear(),
            _ => {}
        }
    }
    lose(&mut running);
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: &str, label: &str) -> String {
        format!("{{\"time_unix\":1.0,\"event\":\"{event}\",\"task\":1,\"label\":\"{label}\"}}\n")
    }

    #[test]
    fn a_task_that_was_running_when_its_job_was_lost_is_counted_each_time() {
        let run = || line("run_started", "");
        let life = run() + &line("started", "sample") + &line("finished", "sample");
        let lost = life.clone() + &line("started", "train");
        assert_eq!(lost_tasks(&life), BTreeMap::new());
        let once = BTreeMap::from([("train".to_owned(), 1)]);
        assert_eq!(lost_tasks(&lost), once);
        let twice = BTreeMap::from([("train".to_owned(), 2)]);
        assert_eq!(lost_tasks(&(lost.clone() + &lost)), twice);
        // In the end it goes well.
        let well = run() + &line("started", "train") + &line("finished", "train");
        assert_eq!(lost_tasks(&(lost.clone() + &well)), once);
        let torn = lost + "{\"time_unix\":1.0,\"event\":\"fin";
        assert_eq!(lost_tasks(&torn), once);
    }

    #[test]
    fn what_the_last_life_has_finished_is_counted() {
        let run = || line("run_started", "");
        let log = run() + &line("finished", "a") + &run() + &line("finished", "b");
        assert_eq!(finished(&log), 1);
        assert_eq!(finished(&(log.clone() + &line("finished", "c"))), 2);
        assert_eq!(finished(&(log + &run())), 0);
        assert_eq!(finished(""), 0);
    }

    #[test]
    fn a_task_that_failed_or_was_stopped_is_not_blamed() {
        let log = line("started", "a")
            + &line("failed", "a")
            + &line("started", "b")
            + &line("cancelled", "b")
            + &line("run_finished", "");
        assert_eq!(lost_tasks(&log), BTreeMap::new());
        assert_eq!(lost_tasks(""), BTreeMap::new());
    }
}
