//! A process that is killed leaves nothing that the next one has to care for.

use std::time::Duration;

use crate::support::{Experiment, POINT, assert_same, names, wait_until};

#[test]
fn a_kill_while_sampling_is_not_seen_in_the_tables() {
    let experiment = Experiment::new(POINT);
    let options = [
        "--only",
        "table[name=sampling]",
        "--set",
        "sampling.method=tempering",
        "--set",
        "sampling.samples=150_000",
    ];
    experiment
        .run(&[&options[..], &["--results", "whole"]].concat())
        .with_code(0);
    let running = experiment.start(&options);
    wait_until("the sampler to start", || {
        !experiment.events("results", "started").is_empty()
    });
    std::thread::sleep(Duration::from_millis(50));
    assert!(running.kill(), "it ended before it was killed");
    assert!(
        experiment.entries("results", "sample").is_empty(),
        "the sampler had ended"
    );
    experiment.run(&options).with_code(0);
    experiment.assert_clean("results");
    let sampling = |results: &str| {
        let path = experiment
            .path(results)
            .join("trial/tables/sampling.parquet");
        std::fs::read(path).unwrap()
    };
    assert_eq!(sampling("results"), sampling("whole"));
}

/// All tables and no figures, on one thread.
fn options(results: &str) -> [&str; 6] {
    ["-j", "1", "--only", "table", "--results", results]
}

/// On one thread tasks run one after the other, so that the line of one says
/// which comes next. Each kill waits until that one has begun to write.
#[test]
fn a_kill_at_any_stage_or_table_is_not_seen_in_the_tables() {
    let experiment = Experiment::new(POINT);
    experiment.run(&options("whole")).with_code(0);
    let tables = experiment.tables("whole");
    let order = experiment.finished("whole");
    assert!(order.len() >= 12, "{order:?}");
    let mut halfway = 0;
    for place in 0..order.len() {
        let results = format!("killed{place}");
        let mut running = experiment.start(&options(&results));
        running.wait_for_task(place);
        let private = experiment.path(&results).join(".store/v1/_tmp");
        wait_until("a task that writes", || {
            !names(&private).is_empty() || !running.lives()
        });
        let killed = running.kill();
        halfway += usize::from(killed && !names(&private).is_empty());
        experiment.run(&options(&results)).with_code(0);
        assert_same(&experiment.tables(&results), &tables);
        experiment.assert_clean(&results);
    }
    // A task may end between the look and the kill, but not often.
    let tried = order.len();
    assert!(
        2 * halfway >= tried,
        "{halfway} of {tried} kills hit a task"
    );
}

#[test]
fn a_kill_while_results_are_copied_leaves_whole_tables_only() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let folder = experiment.path("results/trial/tables");
    let complete = |names: &[String]| names.iter().filter(|name| !name.starts_with('.')).count();
    let mut halfway = 0;
    for _ in 0..100 {
        std::fs::remove_dir_all(&folder).unwrap();
        let mut running = experiment.start(&[]);
        wait_until("a copy", || {
            complete(&names(&folder)) > 0 || !running.lives()
        });
        running.kill();
        let left = names(&folder);
        halfway += usize::from(complete(&left) < tables.len());
        for name in left.iter().filter(|name| !name.starts_with('.')) {
            let whole = &tables[std::path::Path::new(name)];
            assert!(
                std::fs::read(folder.join(name)).unwrap() == *whole,
                "{name} is torn"
            );
        }
        let next = experiment.run(&["--expect-cached"]).with_code(0);
        assert!(next.summary().starts_with("0 done"), "{}", next.summary());
        assert_same(&experiment.tables("results"), &tables);
        experiment.assert_clean("results");
        if halfway >= 3 {
            break;
        }
    }
    assert!(halfway >= 3, "only {halfway} kills hit the copying");
}
