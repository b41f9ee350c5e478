//! Every step on files is refused, cut short or killed once: it is said with
//! its path, no finished work is lost, and the next run, which is told nothing
//! of it, leaves what an undisturbed run leaves.
//!
//! The steps are the fault points of `engine/store/fault.rs`; this build of the
//! program writes those that it passes to its diagnostics, and
//! [`the_table_names_every_step_that_a_run_takes`] holds [`STEPS`] against them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Experiment, Files, assert_same, files, names, paths};

/// An experiment that takes every kind of step and hardly any time.
pub(crate) const TINY: &str = r#"
[experiment]
name = "trial"
seed = 3

[model]
kind = "hopfield"
sites = 8
patterns = 1
temperature = 0.6

[sampling]
samples = 200
test_samples = 100

[vae]
latent = 1
hidden = [4]

[vae.training]
epochs = 3
batch = 100
checkpoint_epochs = 1

[analysis]
likelihood = { importance_samples = 4, quadrature_samples = 10 }
"#;

/// What a run finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Nothing.
    Fresh,
    /// All that it asks for.
    Finished,
    /// Much that has to be put right: see [`disorder`].
    Disordered,
}
use State::{Disordered, Finished, Fresh};

/// How a run takes it that a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It cannot go on, or not end as it should: exit code 3.
    Run,
    /// A task fails: exit code 1.
    Task,
    /// It goes on and says so.
    Said,
    /// It finds another way, and there is nothing to say.
    Silent,
    /// As in a first run; only SIGKILL strikes here.
    Killed,
}

/// What can be done to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It makes or changes a name.
    Change,
    /// It writes bytes.
    Write,
    /// It syncs.
    Hold,
    /// It reads.
    Read,
}

impl Kind {
    fn of(step: &str) -> Self {
        match step.split_once("::").expect("place::action").1 {
            "create" | "create_folder" | "rename" | "remove" | "open_log" => Self::Change,
            "write" => Self::Write,
            "sync" | "sync_folder" => Self::Hold,
            "read" | "list" | "digest" => Self::Read,
            other => panic!("what can be done to `{other}`?"),
        }
    }

    /// Faults beside SIGKILL, each with what the system says of it.
    fn faults(self) -> &'static [(&'static str, &'static str)] {
        const FULL: (&str, &str) = ("enospc", "No space left on device");
        const ERROR: (&str, &str) = ("eio", "Input/output error");
        const DENIED: (&str, &str) = ("eacces", "Permission denied");
        match self {
            Self::Change => &[FULL, ("erofs", "Read-only file system"), DENIED],
            Self::Write => &[FULL, ("short", "No space left on device"), ERROR],
            Self::Hold => &[ERROR],
            Self::Read => &[DENIED],
        }
    }
}

/// A step of a run, how it is taken if it is refused, and what is named then.
type Step = (&'static str, State, Taken, &'static str);

#[rustfmt::skip]
const STEPS: &[Step] = &[
    ("folder::create_folder", Fresh, Taken::Run, ".store"),
    ("folder::list", Fresh, Taken::Said, ".store"),
    ("folder::sync_folder", Fresh, Taken::Run, "results/trial"),
    ("format::read", Fresh, Taken::Run, "FORMAT"),
    ("format::create", Fresh, Taken::Run, "FORMAT"),
    ("format::write", Fresh, Taken::Run, "FORMAT"),
    ("format::sync", Fresh, Taken::Run, "FORMAT"),
    ("format::rename", Fresh, Taken::Run, "FORMAT"),
    ("tag::create", Fresh, Taken::Run, "CACHEDIR.TAG"),
    ("tag::write", Fresh, Taken::Run, "CACHEDIR.TAG"),
    ("tag::sync", Fresh, Taken::Run, "CACHEDIR.TAG"),
    ("tag::rename", Fresh, Taken::Run, "CACHEDIR.TAG"),
    ("area::create_folder", Fresh, Taken::Run, "/_"),
    ("owner::create", Fresh, Taken::Run, "_owners/"),
    ("owner::write", Fresh, Taken::Run, "_owners/"),
    ("owner::rename", Fresh, Taken::Run, "_owners/"),
    ("owner::remove", Fresh, Taken::Silent, ""),
    ("collecting_claim::read", Fresh, Taken::Silent, ""),
    ("store_claim::create", Fresh, Taken::Run, "_claims/store"),
    ("store_claim::read", Fresh, Taken::Silent, ""),
    ("store_claim::remove", Fresh, Taken::Silent, ""),
    ("area::list", Fresh, Taken::Said, "/_"),
    ("versioned::list", Fresh, Taken::Said, "/v1"),
    ("published::list", Fresh, Taken::Run, "/v1/"),
    ("stage::list", Fresh, Taken::Run, "/v1/"),
    ("claim::create", Fresh, Taken::Task, "_claims/"),
    ("claim::read", Fresh, Taken::Silent, ""),
    ("claim::remove", Fresh, Taken::Silent, ""),
    ("private::create_folder", Fresh, Taken::Task, "_tmp/"),
    ("output::create", Fresh, Taken::Task, "_tmp/"),
    ("output::write", Fresh, Taken::Task, "_tmp/"),
    ("output::sync", Fresh, Taken::Task, "_tmp/"),
    ("private::sync_folder", Fresh, Taken::Task, "_tmp/"),
    ("entry::create", Fresh, Taken::Task, "entry.json"),
    ("entry::write", Fresh, Taken::Task, "entry.json"),
    ("entry::sync", Fresh, Taken::Task, "entry.json"),
    ("entry::read", Fresh, Taken::Task, "entry.json"),
    ("stage::create_folder", Fresh, Taken::Task, "/v1/"),
    ("published::create_folder", Fresh, Taken::Task, "/v1/"),
    ("published::remove", Fresh, Taken::Silent, ""),
    ("published::rename", Fresh, Taken::Task, "/v1/"),
    ("stage::sync_folder", Fresh, Taken::Task, "/v1/"),
    ("stored::read", Fresh, Taken::Task, "/v1/"),
    ("checkpoint::read", Fresh, Taken::Said, "state.safetensors"),
    ("checkpoint::create", Fresh, Taken::Said, "state.safetensors"),
    ("checkpoint::write", Fresh, Taken::Said, "state.safetensors"),
    ("checkpoint::sync", Fresh, Taken::Said, "state.safetensors"),
    ("checkpoint::rename", Fresh, Taken::Said, "state.safetensors"),
    ("work::create_folder", Fresh, Taken::Said, "_work/"),
    ("work::sync_folder", Fresh, Taken::Said, "_work/"),
    ("work::remove", Fresh, Taken::Said, "_work/"),
    ("log::open_log", Fresh, Taken::Said, "log.jsonl"),
    ("log::write", Fresh, Taken::Said, "log.jsonl"),
    ("results_claim::create", Fresh, Taken::Run, "trial/.claim"),
    ("results_claim::read", Fresh, Taken::Silent, ""),
    ("results_claim::remove", Fresh, Taken::Silent, ""),
    ("results_part::list", Fresh, Taken::Run, "trial/plots"),
    ("results_part::create_folder", Fresh, Taken::Run, "trial/tables"),
    ("results_part::sync_folder", Fresh, Taken::Run, "trial/tables"),
    ("table::create", Fresh, Taken::Run, "tables/"),
    ("table::write", Fresh, Taken::Run, "tables/"),
    ("table::sync", Fresh, Taken::Run, "tables/"),
    ("table::rename", Fresh, Taken::Run, "tables/"),
    ("figure::create", Fresh, Taken::Run, "plots/"),
    ("figure::write", Fresh, Taken::Run, "plots/"),
    ("figure::sync", Fresh, Taken::Run, "plots/"),
    ("figure::rename", Fresh, Taken::Run, "plots/"),
    ("manifest::create", Fresh, Taken::Run, "manifest.toml"),
    ("manifest::write", Fresh, Taken::Run, "manifest.toml"),
    ("manifest::sync", Fresh, Taken::Run, "manifest.toml"),
    ("manifest::rename", Fresh, Taken::Run, "manifest.toml"),
    ("index::create", Fresh, Taken::Run, "index.md"),
    ("index::write", Fresh, Taken::Run, "index.md"),
    ("index::sync", Fresh, Taken::Run, "index.md"),
    ("index::rename", Fresh, Taken::Run, "index.md"),
    ("run::read", Fresh, Taken::Run, "run.json"),
    ("run::create", Fresh, Taken::Run, "run.json"),
    ("run::write", Fresh, Taken::Run, "run.json"),
    ("run::sync", Fresh, Taken::Run, "run.json"),
    ("run::rename", Fresh, Taken::Run, "run.json"),
    ("table::read", Fresh, Taken::Run, "tables/"),
    ("figure::read", Fresh, Taken::Run, "plots/"),
    ("manifest::read", Fresh, Taken::Silent, ""),
    ("index::read", Fresh, Taken::Silent, ""),
    ("crate::read", Fresh, Taken::Silent, ""),
    ("crate::create", Fresh, Taken::Run, "ro-crate-metadata.json"),
    ("crate::write", Fresh, Taken::Run, "ro-crate-metadata.json"),
    ("crate::sync", Fresh, Taken::Run, "ro-crate-metadata.json"),
    ("crate::rename", Fresh, Taken::Run, "ro-crate-metadata.json"),
    ("root::read", Fresh, Taken::Run, "_roots/"),
    ("root::create", Fresh, Taken::Run, "_roots/"),
    ("root::write", Fresh, Taken::Run, "_roots/"),
    ("root::sync", Fresh, Taken::Run, "_roots/"),
    ("root::rename", Fresh, Taken::Run, "_roots/"),
    ("area::sync_folder", Fresh, Taken::Run, "_roots"),
    ("published::list", Finished, Taken::Run, "/v1/"),
    ("stored::digest", Finished, Taken::Run, "/v1/"),
    ("figure::digest", Finished, Taken::Run, "plots/"),
    ("table::digest", Finished, Taken::Run, "tables/"),
    ("entry::read", Finished, Taken::Killed, ""),
    ("log::write", Finished, Taken::Killed, ""),
    ("crate::rename", Finished, Taken::Killed, ""),
    ("index::rename", Finished, Taken::Killed, ""),
    ("run::rename", Finished, Taken::Killed, ""),
    ("private::remove", Disordered, Taken::Said, "_tmp/"),
    ("owner::read", Disordered, Taken::Said, "_owners/"),
    ("claim::rename", Disordered, Taken::Said, "_claims/"),
    ("format::remove", Disordered, Taken::Said, ".FORMAT.1-0.partial"),
    ("work::remove", Disordered, Taken::Said, "_work/"),
    ("damaged::rename", Disordered, Taken::Task, "_damaged"),
    ("area::sync_folder", Disordered, Taken::Task, "_damaged"),
    ("table::remove", Disordered, Taken::Run, "tables/"),
    ("stored::digest", Disordered, Taken::Killed, ""),
    ("entry::write", Disordered, Taken::Killed, ""),
    ("published::rename", Disordered, Taken::Killed, ""),
    ("table::write", Disordered, Taken::Killed, ""),
    ("table::rename", Disordered, Taken::Killed, ""),
    ("run::rename", Disordered, Taken::Killed, ""),
];

fn experiment() -> Experiment {
    Experiment::new(TINY)
}

/// On one thread tasks come one after the other, so that steps can be counted.
fn command(experiment: &Experiment, results: &str) -> Command {
    experiment.command(&["run", "manifest.toml", "-j", "1", "--results", results])
}

fn run(experiment: &Experiment, results: &str) -> Ended {
    Ended::of(
        command(experiment, results)
            .output()
            .expect("the program starts"),
    )
}

fn run_with(experiment: &Experiment, results: &str, faults: &str) -> Ended {
    let mut command = command(experiment, results);
    Ended::of(
        command
            .env("FAILPOINTS", faults)
            .output()
            .expect("the program starts"),
    )
}

/// Copies a folder with all that is in it.
fn copy(experiment: &Experiment, from: &str, to: &str) {
    let mut command = Command::new("cp");
    command
        .arg("-r")
        .args([experiment.path(from), experiment.path(to)]);
    assert!(command.status().expect("cp").success(), "{from} to {to}");
}

/// How often a run passes each step.
fn steps(experiment: &Experiment, results: &str) -> BTreeMap<String, usize> {
    let mut command = command(experiment, results);
    command
        .env("RUST_LOG", "fault_point=trace")
        .env("NO_COLOR", "1");
    let ended = Ended::of(command.output().expect("the program starts")).with_code(0);
    let mut steps = BTreeMap::new();
    for line in ended.stderr.lines() {
        if let Some((_, step)) = line.split_once("fault_point: ") {
            let name = step.split(' ').next().unwrap_or_default();
            *steps.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    steps
}

/// A run in the folder `whole` that nothing disturbs, and what it leaves.
struct Undisturbed {
    tables: Files,
    entries: BTreeMap<PathBuf, Files>,
    tasks: usize,
}

impl Undisturbed {
    fn new(experiment: &Experiment) -> Self {
        run(experiment, "whole").with_code(0);
        let entries = entries(experiment, "whole");
        Self {
            tables: experiment.tables("whole"),
            tasks: experiment.plan(&[]).len(),
            entries,
        }
    }

    /// Number of entries below `results` that are what they should be.
    fn finished(&self, experiment: &Experiment, results: &str) -> usize {
        let found = entries(experiment, results);
        let whole =
            |(folder, files): &(&PathBuf, &Files)| self.entries.get(*folder) == Some(*files);
        found.iter().filter(whole).count()
    }

    /// Runs without faults and asserts that nothing is seen of those before.
    #[track_caller]
    fn assert_heals(&self, experiment: &Experiment, results: &str, case: &str) -> Ended {
        let finished = self.finished(experiment, results);
        let ended = run(experiment, results);
        assert_eq!(
            ended.status.code(),
            Some(0),
            "after {case}:\n{}",
            ended.stderr
        );
        let done = format!("{} done, ", self.tasks - finished);
        assert!(
            ended.summary().starts_with(&done),
            "after {case}, with {finished} entries: {}",
            ended.summary()
        );
        assert_same(&experiment.tables(results), &self.tables);
        experiment.assert_clean(results);
        assert_eq!(
            self.finished(experiment, results),
            self.tasks,
            "after {case}"
        );
        let again = run(experiment, results).with_code(0);
        assert!(
            again.summary().starts_with("0 done") && again.summary().ends_with(" 0 files changed"),
            "after {case}: {}",
            again.summary()
        );
        assert!(
            !again.stderr.contains("mended"),
            "after {case}: {}",
            again.stderr
        );
        ended
    }
}

/// The files of each entry below `results` but what it says of itself, which
/// holds times.
fn entries(experiment: &Experiment, results: &str) -> BTreeMap<PathBuf, Files> {
    let store = experiment.path(results).join(".store/v1");
    let stages = names(&store)
        .into_iter()
        .filter(|name| !name.starts_with('_'));
    let mut entries = BTreeMap::new();
    for stage in stages {
        for key in names(&store.join(&stage)) {
            let mut found = files(&store.join(&stage).join(&key));
            if found.remove(Path::new("entry.json")).is_some() {
                entries.insert(Path::new(&stage).join(key), found);
            }
        }
    }
    entries
}

/// Leaves in the finished folder `results` what a process that died, a bad medium
/// and an earlier manifest may have left.
fn disorder(experiment: &Experiment, results: &str) {
    let path = |name: &str| experiment.path(results).join(name);
    let write = |name: &str, bytes: &[u8]| {
        let path = path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    };
    // Unfinished outputs, spent checkpoints, claims and half-written files of processes
    // that died.
    write(
        &format!(".store/v1/_tmp/{}-1-0/half", "0f".repeat(32)),
        b"half",
    );
    let [trained] = &experiment.entries(results, "train")[..] else {
        panic!("more than one training")
    };
    write(&format!(".store/v1/_work/{trained}/state"), b"spent");
    let claim = path(&format!(".store/v1/_claims/{}", "0f".repeat(32)));
    std::os::unix::fs::symlink("0f".repeat(16), claim).expect("a claim");
    write(".store/.FORMAT.1-0.partial", b"1");
    write("trial/tables/.training.parquet.1-0.partial", b"half");
    // A finished entry with a flipped bit.
    let [entry] = &entries_of(experiment, results, "training.parquet")[..] else {
        panic!("more than one table of the training")
    };
    let mut bytes = std::fs::read(entry).expect("a table");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(entry, bytes).expect("a table");
    // A result cut off, and one of an earlier manifest.
    let table = std::fs::read(path("trial/tables/sampling.parquet")).expect("a table");
    write("trial/tables/sampling.parquet", &table[..table.len() / 2]);
    write("trial/tables/earlier.parquet", b"earlier");
    let text = std::fs::read_to_string(path("trial/run.json")).expect("run.json");
    let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let digest = blake3::hash(b"earlier").to_hex().to_string();
    record["published"]["tables/earlier.parquet"] = digest.into();
    write("trial/run.json", record.to_string().as_bytes());
}

/// The files called `name` in the entries of tables.
fn entries_of(experiment: &Experiment, results: &str, name: &str) -> Vec<PathBuf> {
    let folder = experiment.path(results).join(".store/v1/table");
    paths(&folder)
        .into_iter()
        .filter(|path| path.ends_with(name))
        .map(|path| folder.join(path))
        .collect()
}

/// An experiment with a folder of results for each state, and what its runs pass there.
struct Bench {
    experiment: Experiment,
    undisturbed: Undisturbed,
    passed: BTreeMap<State, BTreeMap<String, usize>>,
}

impl Bench {
    fn new() -> Self {
        let experiment = experiment();
        let undisturbed = Undisturbed::new(&experiment);
        copy(&experiment, "whole", "disordered");
        disorder(&experiment, "disordered");
        let mut bench = Self {
            experiment,
            undisturbed,
            passed: BTreeMap::new(),
        };
        for state in [Fresh, Finished, Disordered] {
            bench.prepare(state, "traced");
            let steps = steps(&bench.experiment, "traced");
            bench.passed.insert(state, steps);
        }
        bench
    }

    /// Makes the folder `results` one in this state.
    fn prepare(&self, state: State, results: &str) {
        // The folder of another case; the first has none before it.
        let _ = std::fs::remove_dir_all(self.experiment.path(results));
        match state {
            Fresh => {}
            Finished => copy(&self.experiment, "whole", results),
            Disordered => copy(&self.experiment, "disordered", results),
        }
    }

    /// Lets `fault` strike once at the step, half-way among the times that it is
    /// taken. Says how the run ended.
    fn strike(&self, &(step, state, ..): &Step, fault: &str) -> Ended {
        self.prepare(state, "results");
        let times = self.passed[&state].get(step).copied().unwrap_or_default();
        assert!(times > 0, "{step}: no run of {state:?} takes it");
        let before = (times - 1) / 2;
        run_with(
            &self.experiment,
            "results",
            &format!("{step}={before}*off->1*return({fault})"),
        )
    }

    fn assert_heals(&self, case: &str) {
        self.undisturbed
            .assert_heals(&self.experiment, "results", case);
    }
}

#[test]
fn the_table_names_every_step_that_a_run_takes() {
    let bench = Bench::new();
    let passed: BTreeSet<&str> = bench
        .passed
        .values()
        .flat_map(|steps| steps.keys())
        .map(String::as_str)
        .collect();
    let named: BTreeSet<&str> = STEPS.iter().map(|(step, ..)| *step).collect();
    let missing: Vec<_> = passed.difference(&named).collect();
    let idle: Vec<_> = named.difference(&passed).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "not in the table: {missing:?}; never taken: {idle:?}; all: {:#?}",
        bench.passed
    );
}

fn kill_at(states: &[State]) {
    let bench = Bench::new();
    for step in STEPS.iter().filter(|step| states.contains(&step.1)) {
        let case = format!("a kill at {} ({:?})", step.0, step.1);
        let ended = bench.strike(step, "kill");
        assert_eq!(ended.status.signal(), Some(9), "{case}:\n{}", ended.stderr);
        bench.assert_heals(&case);
    }
}

#[test]
fn a_kill_at_any_step_of_a_first_run_is_not_seen_afterwards() {
    kill_at(&[Fresh]);
}

#[test]
fn a_kill_at_any_step_of_a_later_run_is_not_seen_afterwards() {
    kill_at(&[Finished, Disordered]);
}

fn refuse(states: &[State]) {
    let bench = Bench::new();
    for step in STEPS.iter().filter(|step| states.contains(&step.1)) {
        let faults: &[_] = match step.2 {
            Taken::Killed => &[],
            _ => Kind::of(step.0).faults(),
        };
        for (fault, said) in faults {
            let case = format!("{fault} at {} ({:?})", step.0, step.1);
            let ended = bench.strike(step, fault);
            assert_taken(step, said, &ended, &case);
            bench.assert_heals(&case);
        }
    }
}

/// Asserts that a refused step is taken as the table says, and told once.
#[track_caller]
fn assert_taken(&(.., taken, named): &Step, said: &str, ended: &Ended, case: &str) {
    let code = match taken {
        Taken::Run => 3,
        Taken::Task => 1,
        Taken::Said | Taken::Silent | Taken::Killed => 0,
    };
    let text = &ended.stderr;
    assert_eq!(ended.status.code(), Some(code), "{case}:\n{text}");
    assert!(!text.contains("panicked"), "{case}:\n{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(said)).collect();
    // A failed task is told when it fails, and at the end.
    let times = match taken {
        Taken::Run | Taken::Said => 1,
        Taken::Task => 2,
        Taken::Silent | Taken::Killed => 0,
    };
    assert_eq!(lines.len(), times, "{case}:\n{text}");
    for line in lines {
        assert!(line.contains(named), "{case}: no `{named}` in {line}");
    }
}

#[test]
fn a_step_of_a_first_run_that_is_refused_is_told_and_loses_nothing() {
    refuse(&[Fresh]);
}

#[test]
fn a_step_of_a_later_run_that_is_refused_is_told_and_loses_nothing() {
    refuse(&[Finished, Disordered]);
}
