//! Failures, panics, requests to stop and kills.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::plan::TABLE_STAGE;

use super::super::world::{Plain, World};
use super::super::*;

#[test]
fn what_a_killed_process_left_is_cleaned_up_and_never_believed() {
    let world = World::new();
    let plan = world.plan();
    let private = world.root.join(".store/v1/_tmp");
    fs::create_dir_all(&private).unwrap();
    let half = private.join(format!("{}-1-0-1", plan.tasks[0].key));
    fs::create_dir(&half).unwrap();
    fs::write(half.join("samples"), b"half a sam").unwrap();
    fs::create_dir_all(world.root.join("toy/tables")).unwrap();
    let partial = world
        .root
        .join("toy/tables/.likelihood.parquet.1-0.partial");
    fs::write(&partial, b"half").unwrap();
    assert_eq!(world.run().summary.done, 12);
    assert_eq!(fs::read_dir(&private).unwrap().count(), 0);
    assert!(!partial.exists());
    assert_eq!(world.table(), world.fresh_table());
}

fn at(task: &TaskContext<'_>, name: &str, wanted: &Value) -> bool {
    let parameters: Value = task.parameters().unwrap();
    parameters[name] == *wanted
}

#[test]
fn a_failure_stops_only_what_depends_on_it_if_asked_to_keep_going() {
    let mut world = World::new().before("sample", |task| {
        if at(task, "temperature", &json!(0.4)) {
            task.warn("it looks bad");
            let cause = std::io::Error::other("no ice");
            return Err(StageError::from(cause));
        }
        Ok(())
    });
    world.keep_going = true;
    let done = world.run();
    // One sample, two trainings, two likelihoods of the other temperature.
    assert_eq!(done.summary.done, 5);
    assert_eq!(done.summary.blocked.len(), 6);
    assert_eq!(done.count(|e| matches!(e, Event::Blocked { .. })), 6);
    let [failure] = &done.summary.failed[..] else {
        panic!("{:?}", done.summary.failed)
    };
    assert_eq!(failure.label, "sample[temperature=0.4]");
    assert_eq!(failure.message, "no ice");
    let log = fs::read_to_string(failure.log.as_ref().unwrap()).unwrap();
    for part in [
        "no ice",
        "it looks bad",
        "\"temperature\": 0.4",
        "sample[temperature=0.4]",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert_eq!(done.published.missing.len(), 2);
    assert!(!done.summary.complete() && !done.summary.cancelled);
}

#[test]
fn a_task_that_is_refused_fails_without_running_and_its_neighbours_go_on() {
    let mut world = World::new();
    world.keep_going = true;
    let label = "sample[temperature=0.4]";
    world.refused = BTreeMap::from([(label.to_owned(), "it took its jobs down".to_owned())]);
    let done = world.run();
    assert_eq!(world.runs("sample"), 1);
    // One sample, two trainings, two likelihoods of the other temperature.
    assert_eq!(done.summary.done, 5);
    let [failure] = &done.summary.failed[..] else {
        panic!("{:?}", done.summary.failed)
    };
    assert_eq!(
        (failure.label.as_str(), failure.message.as_str()),
        (label, "it took its jobs down")
    );
}

#[test]
fn without_keep_going_nothing_starts_after_a_failure() {
    let mut world = World::new().acting("train", |_| Err(StageError::failed("it failed")));
    world.threads = 1;
    let done = world.run();
    assert_eq!((world.runs("sample"), world.runs("train")), (1, 1));
    assert_eq!(done.summary.failed.len(), 1);
    // Its likelihood, the table, the figure.
    assert_eq!(done.summary.blocked.len(), 3);
    // One sample and a training and likelihood more than blocked of each point.
    assert_eq!(done.summary.left, 12 - 1 - 1 - 3);
}

#[test]
fn a_panic_is_a_failure_that_names_the_task() {
    let mut world = World::new().before("train", |task| {
        assert!(!at(task, "latent", &json!(3)), "latent is three");
        Ok(())
    });
    world.keep_going = true;
    let done = world.run();
    assert_eq!(done.summary.failed.len(), 2);
    for failure in &done.summary.failed {
        assert!(failure.label.contains("latent=3"), "{failure:?}");
        assert!(failure.message.contains("latent is three"), "{failure:?}");
    }
    assert_eq!(done.summary.done, 2 + 2 + 2);
}

#[test]
fn a_stage_that_reads_or_writes_what_it_should_not_fails() {
    let wrong: [(Plain, &str); 5] = [
        (
            |t| t.read("data", "x").map(drop),
            "no input has the role `data`, expected one of: samples",
        ),
        (
            |t| t.read("samples", "x").map(drop),
            "has no file `x`, expected one of: samples",
        ),
        (|t| t.write("../x", b""), "`../x` cannot name an output"),
        (
            |t| t.write("entry.json", b""),
            "`entry.json` cannot name an output",
        ),
        (
            |t| t.write("x", b"").and_then(|()| t.write("x", b"")),
            "`x` was written before",
        ),
    ];
    for (act, message) in wrong {
        let world = World::new().acting("train", act);
        let done = world.run();
        let found = &done.summary.failed[0].message;
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn stopping_publishes_nothing_half_done_and_the_next_run_resumes() {
    let begun = Arc::new(AtomicBool::new(false));
    let resumed = Arc::new(AtomicUsize::new(0));
    let (begin, resume) = (Arc::clone(&begun), Arc::clone(&resumed));
    let mut world = World::new().before("train", move |task| {
        if task
            .checkpoint_read("state")
            .is_some_and(|state| state == b"half-way")
        {
            resume.fetch_add(1, Ordering::Relaxed);
        }
        if begin.load(Ordering::Relaxed) {
            return Ok(());
        }
        task.checkpoint_write("state", b"half-way")?;
        task.write("draft", b"of no use")?;
        begin.store(true, Ordering::Relaxed);
        while !task.cancelled() {
            thread::sleep(Duration::from_millis(1));
        }
        task.check_cancelled()
    });
    world.threads = 1;
    let stopped = thread::scope(|scope| {
        let run = scope.spawn(|| world.run());
        while !begun.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
        world.stop();
        run.join().unwrap()
    });
    assert!(stopped.summary.cancelled && stopped.summary.failed.is_empty());
    assert_eq!(stopped.count(|e| matches!(e, Event::Cancelled { .. })), 1);
    assert_eq!((stopped.summary.done, stopped.summary.left), (1, 12 - 1));
    assert_eq!(stopped.summary.blocked, Vec::<String>::new());
    let store = world.root.join(".store/v1");
    assert!(!store.join("train").exists());
    assert_eq!(fs::read_dir(store.join("_tmp")).unwrap().count(), 0);

    world.cancel.store(false, Ordering::Relaxed);
    assert!(world.run().summary.complete());
    assert_eq!(resumed.load(Ordering::Relaxed), 1);
    assert_eq!(fs::read_dir(store.join("_work")).unwrap().count(), 0);
    assert_eq!(world.table(), world.fresh_table());
}

#[test]
fn a_stage_that_stops_unasked_has_failed() {
    let world = World::new().acting("sample", |_| Err(StageError::Cancelled));
    let done = world.run();
    assert!(!done.summary.cancelled);
    assert!(
        done.summary.failed[0]
            .message
            .contains("without being asked")
    );
}

#[test]
fn a_damaged_checkpoint_is_not_believed_and_warned_about() {
    let world = World::new().before("train", |task| {
        assert_eq!(task.checkpoint_read("state"), None);
        task.checkpoint_write("state", b"good")?;
        assert_eq!(task.checkpoint_read("state").as_deref(), Some(&b"good"[..]));
        Ok(())
    });
    let plan = world.plan();
    let train = plan.tasks.iter().find(|t| t.stage == "train").unwrap();
    let work = world.store().work_folder(&train.key);
    work.write("state", b"from an earlier attempt").unwrap();
    let path = world.root.join(".store/v1/_work").join(train.key.as_str());
    let mut bytes = fs::read(path.join("state")).unwrap();
    for damage in [bytes.len() - 3, 20] {
        bytes.truncate(damage);
        fs::write(path.join("state"), &bytes).unwrap();
        assert!(matches!(
            work.read("state"),
            Err(StoreError::Checkpoint { .. })
        ));
    }
    let done = world.run();
    assert!(done.summary.complete(), "{:?}", done.summary.failed);
    let [warning] = &done.summary.warnings[..] else {
        panic!("{:?}", done.summary.warnings)
    };
    assert!(warning.message.contains("damaged"), "{warning:?}");
    assert!(!path.exists(), "checkpoints go once the task is published");
}

#[test]
fn a_stage_that_nobody_runs_is_an_error_before_anything_starts() {
    let world = World::new();
    let stages: Vec<&dyn Stage> = world.stages[..4].iter().map(|s| s as &dyn Stage).collect();
    let options = RunOptions {
        threads: 1,
        keep_going: false,
        refused: BTreeMap::new(),
        wanted: world.wanted(),
    };
    let error = run(
        &world.plan(),
        &stages,
        &world.store(),
        &world.results(),
        &options,
        &world.cancel,
        &mut |_| {},
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "task `figure[name=gap]` is of stage `figure`, expected one of: sample, train, likelihood, table"
    );
    assert_eq!(world.runs("sample"), 0);
}

/// Tells the process that is to be killed where, as `stage` and folder.
const VICTIM: &str = "LATENTFIELD_TEST_VICTIM";

#[test]
fn after_a_kill_in_any_stage_the_next_run_just_works() {
    if let Ok(order) = std::env::var(VICTIM) {
        let (stage, root) = order.split_once(' ').unwrap();
        return run_until_killed(stage, Path::new(root));
    }
    let world = World::new();
    for stage in ["sample", "train", TABLE_STAGE] {
        kill_in(stage, &world.root);
        assert!(!world.table_path().exists());
    }
    let done = world.run();
    assert_eq!(
        done.summary.done, 2,
        "the table and the figure were left to do"
    );
    assert_eq!(world.table(), world.fresh_table());
    for area in ["_tmp", "_work", "_damaged"] {
        let left = fs::read_dir(world.root.join(".store/v1").join(area)).unwrap();
        assert_eq!(left.count(), 0, "{area}");
    }
}

/// Runs until a task of `stage` has written half of what it writes, and stays there.
fn run_until_killed(stage: &str, root: &Path) {
    let marker = root.join("half-way");
    let mut world = World::new().before(stage, move |task| {
        task.checkpoint_write("state", b"half-way")?;
        task.write("half", b"half of the out")?;
        fs::write(&marker, b"")?;
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    });
    root.clone_into(&mut world.root);
    world.run();
}

/// Starts another process that runs until it is in `stage`, and kills it there.
fn kill_in(stage: &str, root: &Path) {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "engine::tests::failing::after_a_kill_in_any_stage_the_next_run_just_works",
        ])
        .env(VICTIM, format!("{stage} {}", root.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let marker = root.join("half-way");
    let begun = Instant::now();
    while !marker.exists() {
        assert!(victim.try_wait().unwrap().is_none(), "it ended by itself");
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it never came to {stage}"
        );
        thread::sleep(Duration::from_millis(5));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    fs::remove_file(marker).unwrap();
}
