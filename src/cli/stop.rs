//! The request to stop: a signal, a grace time, an end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Outcome;
use super::diagnostic::{self, say};
use crate::engine::Event;
use crate::plan::TaskId;

/// Labels of the tasks that run.
type Running = Arc<Mutex<BTreeMap<TaskId, String>>>;

/// What SIGINT, SIGTERM and SIGHUP do to a run.
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    running: Running,
}

impl Stop {
    /// Listens to the signals. The first one asks running tasks to stop; `grace`
    /// later, or with a second one, the process ends. Nothing half-done is ever
    /// published, so that it may end anywhere.
    pub(super) fn on_signals(grace: Duration) -> Result<Self, Outcome> {
        Self::with_last_act(grace, |_| {})
    }

    /// The same; `last_act` is done, with the tasks that still run, before the process ends
    /// because the grace time is over.
    pub(super) fn with_last_act(
        grace: Duration,
        last_act: impl Fn(&BTreeMap<TaskId, String>) + Send + Sync + 'static,
    ) -> Result<Self, Outcome> {
        let last_act = Arc::new(last_act);
        let stop = Self {
            flag: Arc::default(),
            running: Arc::default(),
        };
        let (flag, running) = (Arc::clone(&stop.flag), Arc::clone(&stop.running));
        let installed = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                end();
            }
            say(&format!(
                "stopping: running tasks write their checkpoints and end, within {} s; once more to end at once",
                grace.as_secs()
            ));
            let (running, last_act) = (Arc::clone(&running), Arc::clone(&last_act));
            thread::spawn(move || {
                thread::sleep(grace);
                say(&late(&running, grace));
                last_act(&running.lock().unwrap_or_else(PoisonError::into_inner));
                end();
            });
        });
        installed.map_err(|error| {
            diagnostic::error(&error);
            Outcome::Failed
        })?;
        Ok(stop)
    }

    /// Set once the run is asked to stop.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Keeps an account of what runs.
    pub(super) fn watch(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { task, label } => {
                running.insert(*task, label.clone());
            }
            Event::Finished { task, .. }
            | Event::Failed { task, .. }
            | Event::Cancelled { task, .. } => {
                running.remove(task);
            }
            _ => {}
        }
    }
}

/// What is said when the grace time is over.
fn late(running: &Running, grace: Duration) -> String {
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let labels: Vec<&str> = running.values().map(String::as_str).collect();
    format!(
        "stopped after {} s of grace (`--grace`, or `stop_seconds` of a cluster); what these tasks did since their last checkpoint is lost: {}",
        grace.as_secs(),
        if labels.is_empty() {
            "none".to_owned()
        } else {
            labels.join(", ")
        }
    )
}

fn end() -> ! {
    std::process::exit(i32::from(Outcome::Interrupted as u8))
}
