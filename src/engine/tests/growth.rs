//! What a plan costs grows with its size, and no faster.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::manifest::{self, Sources};
use crate::plan::world::{definitions, figure, points, toys};
use crate::plan::{Plan, build};

use super::super::scheduler::{Schedule, State};
use super::super::*;

const FEW: usize = 3_000;
const MANY: usize = 4 * FEW;

/// Most that four times the points may cost: half-way between 4, for work in proportion,
/// and 16, for work with a look at everything for everything. Memory that no longer fits
/// a cache, and sorting, cost less than a factor of two at these sizes.
const MOST: f64 = 8.0;

/// Rounds, of which the fastest counts: whatever else a machine does only adds.
const ROUNDS: usize = 3;

/// Processor time of this thread, in seconds; the time of day where the system does not say.
fn seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    let day = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    nanoseconds.map_or_else(
        || day().as_secs_f64(),
        |nanoseconds: f64| 1e-9 * nanoseconds,
    )
}

#[track_caller]
fn grows_in_proportion(work: impl Fn(usize)) {
    let fastest = |size: usize| {
        let once = |_| {
            let start = seconds();
            work(size);
            seconds() - start
        };
        (0..ROUNDS).map(once).fold(f64::INFINITY, f64::min)
    };
    let (few, many) = (fastest(FEW), fastest(MANY));
    let ratio = many / few;
    assert!(
        ratio < MOST,
        "{few:.3} s, then {many:.3} s: {ratio:.1} times as much"
    );
}

fn temperatures(count: usize) -> Vec<f64> {
    (1..=count).map(|step| step as f64 / 1024.0).collect()
}

fn plan(count: usize) -> Plan {
    let points = points(&temperatures(count), &[2], 1);
    build(&points, &definitions(&toys()), &[figure()]).unwrap()
}

#[test]
fn of_loading() {
    grows_in_proportion(|count| {
        let text = format!(
            "[experiment]\nname = \"many\"\nseed = 1\n\
             [model]\nkind = \"curie_weiss\"\nsites = 10\n\
             [sweep]\nmodel.temperature = {{ start = 1.0, stop = 2.0, count = {count} }}\n"
        );
        let sources = Sources {
            text,
            ..Sources::default()
        };
        assert_eq!(manifest::load(&sources, &[]).unwrap().points.len(), count);
    });
}

#[test]
fn of_planning_points_that_share_nothing() {
    grows_in_proportion(|count| assert_eq!(plan(count).tasks.len(), 3 * count + 2));
}

#[test]
fn of_planning_points_that_share_a_task() {
    let latents: Vec<i64> = (1..=MANY as i64).collect();
    grows_in_proportion(|count| {
        let points = points(&[0.5], &latents[..count], 1);
        let plan = build(&points, &definitions(&toys()), &[figure()]).unwrap();
        assert_eq!(plan.tasks.len(), 2 * count + 3);
    });
}

#[test]
fn of_assessing_and_of_choosing_what_starts() {
    let plans = [plan(FEW), plan(MANY)];
    grows_in_proportion(|count| {
        let plan = plans
            .iter()
            .find(|plan| plan.points.len() == count)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let all = (0..plan.tasks.len()).step_by(2).collect();
        let wanted = Wanted {
            only: None,
            force: all,
        };
        let assessment = assess(plan, &store, &wanted).unwrap();
        let mut schedule = Schedule::new(plan, &assessment.to_run());
        let mut started = 0;
        while let Some(&id) = schedule.next(2).first() {
            schedule.set(id, State::Running);
            schedule.set(id, State::Done);
            started += 1;
        }
        assert!(schedule.finished());
        assert_eq!(started, plan.tasks.len());
    });
}
