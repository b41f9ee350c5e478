//! A cluster for one test, and an experiment on it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ended, Experiment, names, text};

/// One cluster at a time: the machine has few cores.
static ALONE: Mutex<()> = Mutex::new(());

/// After this long, what a test waits for will not happen.
const PATIENCE: Duration = Duration::from_mins(8);

/// A manifest of twelve temperatures, each a fraction of a second.
pub(crate) const SWEEP: &str = r#"
[experiment]
name = "trial"
seed = 3

[model]
kind = "hopfield"
sites = 24
patterns = 2

[sampling]
samples = 2000
test_samples = 500

[vae]
latent = 2
hidden = [16]
prior = "mixture"

[vae.training]
epochs = 4
batch = 128

[sweep]
model.temperature = { start = 0.4, stop = 1.5, step = 0.1 }

[analysis]
likelihood = { importance_samples = 16, quadrature_samples = 100 }
"#;

/// A running Slurm; it is stopped when the test ends.
pub(crate) struct Cluster {
    folder: TempDir,
    /// Programs that stand before Slurm's on the PATH.
    stand_ins: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts one, with a largest array of `max_array` tasks; `None` where tests on Slurm were
    /// not asked for.
    pub(crate) fn start(max_array: usize) -> Option<Self> {
        if !asked_for() {
            return None;
        }
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a folder for a cluster");
        let stand_ins = folder.path().join("stand-ins");
        std::fs::create_dir(&stand_ins).expect("a folder");
        let cluster = Self {
            folder,
            stand_ins,
            _alone: alone,
        };
        let mut start = Command::new(script());
        start
            .arg("start")
            .arg(cluster.place())
            .env("SLURM_TEST_MAX_ARRAY", max_array.to_string());
        assert_well(&start.output().expect("bash"));
        Some(cluster)
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("slurm")
    }

    /// Puts a program before Slurm's on the PATH of what is called from now on. In its text
    /// `REAL` stands for Slurm's own.
    pub(crate) fn stand_in(&self, program: &str, text: &str) {
        let find = format!("command -v {program}");
        let found = Command::new("sh").args(["-c", &find]).output();
        let real = assert_well(&found.expect("sh"));
        self.program(program, &text.replace("REAL", real.trim()));
    }

    /// Writes a program, and returns its path.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.stand_ins.join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{text}\n")).expect("a program");
        let permissions = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, permissions).expect("a program");
        path
    }

    pub(crate) fn remove_stand_in(&self, program: &str) {
        std::fs::remove_file(self.stand_ins.join(program)).expect("a program");
    }

    /// Makes `command` speak to this cluster.
    pub(crate) fn on<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("SLURM_CONF", self.place().join("slurm.conf"))
            .env("PATH", format!("{}:{path}", self.stand_ins.display()))
    }

    /// What a program of Slurm says.
    pub(crate) fn ask(&self, program: &str, words: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(words);
        assert_well(&self.on(&mut command).output().expect("Slurm's programs"))
    }

    /// All jobs in the queue, each task of an array on a line: `name|index|state`.
    pub(crate) fn queue(&self) -> Vec<String> {
        let words = ["--noheader", "--array", "--format=%j|%K|%T"];
        self.ask("squeue", &words)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Number of tasks of arrays that run now.
    pub(crate) fn running(&self) -> usize {
        let runs = |line: &&String| line.ends_with("|RUNNING") && !line.contains("-gather");
        self.queue().iter().filter(runs).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A cluster that gives no answer is stopped all the same.
            let mut command = Command::new("squeue");
            let queue = self.on(&mut command).output();
            let queue = queue.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
            say(&format!("the queue at the end: {queue:?}"));
        }
        let stopped = Command::new(script())
            .arg("stop")
            .arg(self.place())
            .output();
        drop(stopped);
    }
}

/// Whether tests on Slurm are wanted; if not, that is said.
pub(crate) fn asked_for() -> bool {
    let asked = std::env::var_os("LATENTFIELD_TEST_SLURM").is_some();
    if !asked {
        say("skipped: LATENTFIELD_TEST_SLURM is not set");
    }
    asked
}

/// Writes a line beside the results of the tests.
#[expect(
    clippy::print_stderr,
    reason = "what was measured, or skipped, is said"
)]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster")
}

/// Standard output of a program that ended well.
#[track_caller]
fn assert_well(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    text
}

/// An experiment whose user has described a cluster.
pub(crate) struct Site<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) experiment: Experiment,
}

impl<'c> Site<'c> {
    /// `profile` are lines of `[cluster.here]`.
    pub(crate) fn new(cluster: &'c Cluster, manifest: &str, profile: &str) -> Self {
        let site = Self {
            cluster,
            experiment: Experiment::new(manifest),
        };
        site.describe(profile);
        site
    }

    /// Describes the cluster anew.
    pub(crate) fn describe(&self, profile: &str) {
        let folder = self.experiment.path("config/latentfield");
        std::fs::create_dir_all(folder).expect("a folder");
        let text = format!("[cluster.here]\n{profile}\n");
        let place = "config/latentfield/latentfield.toml";
        self.experiment.write(place, text.as_bytes());
    }

    pub(crate) fn call(&self, words: &[&str]) -> Ended {
        let mut command = self.experiment.command(words);
        let output = self.cluster.on(&mut command).output();
        Ended::of(output.expect("the program starts"))
    }

    /// Submits the manifest `name`, and returns the numbers of the jobs that were sent.
    #[track_caller]
    pub(crate) fn submit(&self, name: &str, options: &[&str]) -> Vec<u64> {
        let words = ["submit", name, "--cluster", "here"];
        let ended = self.call(&[&words, options].concat()).with_code(0);
        let numbers = ended.stdout.lines().map(|line| {
            let number = line.split(' ').next().unwrap_or_default();
            number.parse().unwrap_or_else(|e| panic!("{e}: {line}"))
        });
        numbers.collect()
    }

    #[track_caller]
    pub(crate) fn status(&self, manifest: &str) -> Value {
        let ended = self.call(&["status", manifest, "--format", "json"]);
        let ended = ended.with_code(0);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stdout))
    }

    /// States of all points, in a word each.
    #[track_caller]
    pub(crate) fn states(&self, manifest: &str) -> Vec<String> {
        let status = self.status(manifest);
        let points = status["points"].as_array().expect("points").iter();
        points.map(|point| text(&point["state"])).collect()
    }

    /// Waits until `is` holds, and calls it often.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, mut is: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is() {
            assert!(
                start.elapsed() < PATIENCE,
                "after {PATIENCE:?} not {what}\n{}",
                self.call(&["status", "manifest.toml"]).stdout
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until tables and plots of the manifest are made.
    #[track_caller]
    pub(crate) fn wait_for_tables(&self, manifest: &str) {
        let mut last = String::new();
        self.wait_until("all tables are made", || {
            last = text(&self.status(manifest)["tables"]);
            // Points that were sent again are another matter.
            assert!(!last.starts_with("not made: point "), "{last}");
            last == "done"
        });
    }

    /// Runs the same manifest here and now, in `local`, and asserts that the jobs have made the
    /// same tables.
    #[track_caller]
    pub(crate) fn assert_as_here(&self) {
        let words = ["--results", "local"];
        self.experiment.run(&words).with_code(0);
        let (there, here) = (
            self.experiment.tables("results"),
            self.experiment.tables("local"),
        );
        assert_eq!(there, here, "tables differ");
    }

    /// The files in this folder of each submission. They come and go while jobs run.
    fn of_submissions(&self, part: &str) -> Vec<(String, String)> {
        let results = self.experiment.path("results");
        let mut found = Vec::new();
        for experiment in names(&results) {
            let jobs = results.join(experiment).join("jobs");
            for submission in names(&jobs) {
                let folder = jobs.join(submission).join(part);
                for name in names(&folder) {
                    let text = std::fs::read_to_string(folder.join(&name));
                    found.push((name, text.unwrap_or_default()));
                }
            }
        }
        found
    }

    /// Labels of all events of this kind in the logs of all jobs.
    pub(crate) fn events(&self, kind: &str) -> Vec<String> {
        let label = |event: &Value| event["label"].as_str().unwrap_or("").to_owned();
        self.logged(kind).iter().map(label).collect()
    }

    /// All events of this kind in the logs of all jobs.
    pub(crate) fn logged(&self, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for (_, text) in self.of_submissions("logs") {
            // What jobs say to people is no JSON, nor is a line that a killed job left torn.
            let lines = text.lines();
            let events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
            found.extend(events.filter(|event| event["event"] == kind));
        }
        found
    }

    /// Asserts that each entry of the store was computed once: as many tasks ended well as
    /// there are entries, and nothing is left of unfinished ones.
    #[track_caller]
    pub(crate) fn assert_computed_once(&self) {
        let store = self.experiment.path("results/.store/v1");
        let stages = names(&store)
            .into_iter()
            .filter(|name| !name.starts_with('_'));
        let entries: usize = stages.map(|stage| names(&store.join(stage)).len()).sum();
        let finished = self.events("finished");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for label in &finished {
            *counts.entry(label).or_default() += 1;
        }
        counts.retain(|_, count| *count > 1);
        assert_eq!(
            finished.len(),
            entries,
            "computed more than once: {counts:?}"
        );
        self.experiment.assert_clean("results");
    }

    /// Traces of all jobs of all submissions.
    pub(crate) fn traces(&self) -> Vec<Value> {
        let traces = self.of_submissions("traces").into_iter();
        let traces = traces.filter(|(name, _)| !name.starts_with('.'));
        let read = traces.map(|(_, text)| serde_json::from_str(&text).expect("a trace"));
        read.collect()
    }
}
