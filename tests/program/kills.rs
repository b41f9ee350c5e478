//! A process that is killed leaves nothing that the next one has to care for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use latentfield::random;

use crate::support::{Experiment, POINT, assert_same, files, names, paths, wait_until};

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
    let hit = |place: usize, results: &str| {
        let mut running = experiment.start(&options(results));
        running.wait_for_task(place);
        let private = experiment.path(results).join(".store/v1/_tmp");
        wait_until("a task that writes", || {
            !names(&private).is_empty() || !running.lives()
        });
        let halfway = running.kill() && !names(&private).is_empty();
        experiment.run(&options(results)).with_code(0);
        assert_same(&experiment.tables(results), &tables);
        experiment.assert_clean(results);
        halfway
    };
    for (place, label) in order.iter().enumerate() {
        // A task may end between the look and the kill.
        let mut attempts = 0..50;
        assert!(
            attempts.any(|attempt| hit(place, &format!("killed{place}_{attempt}"))),
            "no kill hit {label}"
        );
    }
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

/// A small sweep of four points with every analysis that is cheap.
const CHEAP: &str = r#"
[experiment]
name = "trial"
seed = 3

[model]
kind = "hopfield"
sites = 12
patterns = 2

[sampling]
samples = 500
test_samples = 200

[vae]
latent = 2
hidden = [8]
prior = "mixture"

[vae.training]
epochs = 2
batch = 100
checkpoint_epochs = 1

[sweep]
model.temperature = [0.6, 1.2]
vae.latent = [1, 2]

[analysis]
likelihood = { importance_samples = 4, quadrature_samples = 50 }
patterns = { prior_draws = 64, encoded = 64 }
thermodynamics = { vae_samples = 100 }
couplings = { bootstrap = 10, draws = 2, prior_draws = 100 }
statistics = { triplet_sites = 4, vae_samples = 100 }
"#;

/// Where a kill hits that comes before a run says what it will do.
const BEFORE: &str = "before the first task";

/// What a run was at when it was killed, as its log and its files tell.
fn phase(experiment: &Experiment, results: &str, runs_before: usize) -> String {
    let log = experiment.path(results).join("trial/log.jsonl");
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let is_start = |event: &serde_json::Value| event["event"] == "run_started";
    let (mut starts, mut running) = (0, Vec::new());
    let mut ended = false;
    for event in events {
        starts += usize::from(is_start(&event));
        if starts <= runs_before {
            continue;
        }
        let label = event["label"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("started") => running.push(label),
            Some("finished") => running.retain(|other| *other != label),
            Some("run_finished") => ended = true,
            _ => {}
        }
    }
    if starts <= runs_before {
        return BEFORE.to_owned();
    }
    if ended {
        return "while results are copied".to_owned();
    }
    // Of several tasks the one that started last.
    match running.last() {
        Some(label) => format!("in {}", label.split('[').next().unwrap_or_default()),
        None => "between tasks".to_owned(),
    }
}

/// What is left of tasks in the store of a killed run.
fn half_written(experiment: &Experiment, results: &str) -> bool {
    let private = experiment.path(results).join(".store/v1/_tmp");
    !paths(&private).is_empty()
}

/// Every round starts with nothing, and is killed at random times until it comes to its
/// end before the next kill. `LATENTFIELD_TEST_KILLS` says how many kills there are, 20
/// by default.
#[test]
#[expect(clippy::print_stderr, reason = "where the kills hit is for people")]
fn random_kills_are_healed_by_the_same_command() {
    let wanted = std::env::var("LATENTFIELD_TEST_KILLS");
    let wanted: usize = wanted.map_or(20, |text| text.parse().expect("a number of kills"));
    let experiment = Experiment::new(CHEAP);
    let clock = Instant::now();
    experiment.run(&["--results", "whole"]).with_code(0);
    let mut duration = clock.elapsed().as_secs_f64();
    let undisturbed = duration;
    let tables = experiment.tables("whole");
    let figures = files(&experiment.path("whole/trial/plots"));
    let tasks = experiment.finished("whole").len();
    let mut generator = random::stream("random kills", &[]);
    let mut phases: BTreeMap<String, usize> = BTreeMap::new();
    let (mut kills, mut rounds, mut halfway) = (0, 0, 0);
    for round in 0.. {
        let results = format!("round{round}");
        let options = ["--results", results.as_str()];
        let mut in_round = 0;
        loop {
            let runs = experiment.events(&results, "run_started").len();
            let mut running = experiment.start(&options);
            let pause = duration * random::uniform(&mut generator);
            std::thread::sleep(Duration::from_secs_f64(pause));
            if !running.lives() {
                running.end().with_code(0);
                // The machine is less busy than it was: later kills would hit nothing.
                duration = if in_round == 0 { pause } else { duration };
                break;
            }
            if !running.kill_group() {
                break;
            }
            in_round += 1;
            let hit = phase(&experiment, &results, runs);
            // It is busier than it was: kills would hit nothing but the start.
            duration *= if hit == BEFORE { 1.2 } else { 1.0 };
            *phases.entry(hit).or_default() += 1;
            halfway += usize::from(half_written(&experiment, &results));
        }
        // The same command again, whether or not the last one came to its end.
        experiment.run(&options).with_code(0);
        assert_same(&experiment.tables(&results), &tables);
        assert_same(
            &files(&experiment.path(&results).join("trial/plots")),
            &figures,
        );
        experiment.assert_clean(&results);
        assert_eq!(
            experiment.entries(&results, "_damaged"),
            Vec::<String>::new()
        );
        // What was published before a kill was not made again.
        let finished = experiment.finished(&results);
        let distinct: BTreeSet<&String> = finished.iter().collect();
        assert_eq!(distinct.len(), finished.len(), "{finished:?}");
        std::fs::remove_dir_all(experiment.path(&results)).expect("a folder");
        kills += in_round;
        rounds += 1;
        if kills >= wanted {
            break;
        }
    }
    eprintln!(
        "{kills} kills in {rounds} rounds, each compared, of a sweep of {tasks} tasks \
         ({undisturbed:.2} s); {halfway} of them left a half-written output; they hit"
    );
    for (phase, count) in &phases {
        eprintln!("{count:>5} {phase}");
    }
    assert!(phases.len() >= 3, "the kills hit too little: {phases:?}");
}
