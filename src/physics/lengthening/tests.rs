use std::cell::RefCell;
use std::sync::Mutex;

use super::super::diagnostics::ObservableSeries;
use super::*;
use crate::random::{stream, uniform};

const PLAN: Plan = Plan {
    chains: 2,
    samples_per_chain: 100,
    chain_times: 60.0,
    sweep_work: 1.0,
    most_work: 1e6,
    unit: "updates",
};

const PILOT: SlowestTime = SlowestTime::INDEPENDENT;

/// Two chains of uniform numbers, `apart` from each other.
fn independent(apart: f64) -> ChainQuality {
    let mut generator = stream("lengthening", &[]);
    let mut chain =
        |shift: f64| -> Vec<f64> { (0..100).map(|_| shift + uniform(&mut generator)).collect() };
    ChainQuality::new(&[ObservableSeries::even(vec![chain(0.0), chain(apart)])])
}

/// Chains that become good once a sample is kept every `enough` sweeps.
fn run_with(plan: &Plan, enough: usize, apart: f64) -> (Judged<()>, Vec<Schedule>) {
    let seen = RefCell::new(Vec::new());
    let run = |schedule: &Schedule, _: Progress<'_>| {
        seen.borrow_mut().push(*schedule);
        Ok(())
    };
    let go_on: Progress<'_> = &|_| ControlFlow::Continue(());
    let judged = run_until_good(plan, plan.first(0.5), go_on, run, |&(), schedule| {
        let good = schedule.sweeps_per_sample >= enough;
        let found = independent(if good { 0.0 } else { apart });
        Quality::new(found, schedule, PILOT)
    });
    (judged.unwrap(), seen.into_inner())
}

#[test]
fn good_chains_are_not_run_on() {
    let (judged, seen) = run_with(&PLAN, 1, 0.0);
    assert_eq!((judged.lengthened, judged.stop), (0, Stop::Good));
    assert_eq!(seen, [PLAN.first(0.5)]);
    assert!(judged.warnings().is_empty());
}

#[test]
fn chains_run_on_from_where_they_stand_until_they_are_good() {
    // Means 0.25 apart, of spread 1/√12: R-hat is √(1 + B/W) with B = 0.25² / 3 of the
    // four halves, 1.12.
    let (judged, seen) = run_with(&PLAN, 2, 0.25);
    assert_eq!((judged.lengthened, judged.stop), (1, Stop::Good));
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].burn_in, 0);
    assert!((2..=4).contains(&seen[1].sweeps_per_sample), "{seen:?}");
    assert!(judged.warnings().is_empty());
}

#[test]
fn the_limit_that_stopped_the_chains_is_said() {
    let said = |plan: &Plan, apart: f64| {
        let (judged, seen) = run_with(plan, usize::MAX, apart);
        (judged.stop, seen.len(), judged.warnings().join("; "))
    };
    let (stop, stretches, warnings) = said(&PLAN, 0.25);
    assert_eq!((stop, stretches), (Stop::Lengthenings, 3));
    assert!(warnings.contains("split R-hat"), "{warnings}");
    assert!(
        warnings.contains("lengthened 2 times, which is the limit"),
        "{warnings}"
    );
    // The first stretch takes 200 of 390: twice as long is too long.
    let tight = Plan {
        most_work: 390.0,
        ..PLAN
    };
    let (stop, stretches, warnings) = said(&tight, 0.25);
    assert_eq!((stop, stretches), (Stop::Work, 1));
    assert!(warnings.contains("the limit of 4e2 updates"), "{warnings}");
    let (stop, stretches, warnings) = said(&PLAN, 50.0);
    assert_eq!((stop, stretches), (Stop::Hopeless, 1));
    assert!(warnings.contains("states of their own"), "{warnings}");
}

#[test]
fn progress_counts_the_sweeps_that_are_planned_by_then() {
    let heard = Mutex::new(Vec::new());
    let progress = |fraction: f64| {
        heard.lock().unwrap().push(fraction);
        ControlFlow::Continue(())
    };
    let mut sweeps = Vec::new();
    let run = |schedule: &Schedule, progress: Progress<'_>| {
        sweeps.push(schedule.sweeps() as f64);
        for part in [0.0, 0.5, 1.0] {
            let _ = progress(part);
        }
        Ok(())
    };
    let judge = |&(): &(), schedule: &Schedule| {
        let good = schedule.sweeps_per_sample > 1;
        Quality::new(independent(if good { 0.0 } else { 0.25 }), schedule, PILOT)
    };
    run_until_good(&PLAN, PLAN.first(0.5), &progress, run, judge).unwrap();
    let (first, second) = (sweeps[0], sweeps[1]);
    let all = first + second;
    let expected = [
        0.0,
        0.5,
        1.0,
        first / all,
        (first + 0.5 * second) / all,
        1.0,
    ];
    for (heard, expected) in heard.into_inner().unwrap().iter().zip(expected) {
        assert!((heard - expected).abs() < 1e-12, "{heard}, {expected}");
    }
}

#[test]
fn keeping_fewer_samples_makes_them_independent() {
    // ρ(t) = r^t with time (1 + r) / 2(1 - r); every second sample has r².
    let time = |r: f64| 0.5 * (1.0 + r) / (1.0 - r);
    assert!((time_at_spacing(time(0.8), 1.0) - time(0.8)).abs() < 1e-12);
    assert!((time_at_spacing(time(0.8), 2.0) - time(0.64)).abs() < 1e-12);
    assert!((time_at_spacing(0.5, 7.0) - 0.5).abs() < 1e-12);
}

#[test]
fn chains_take_turns_and_the_longest_goes_on_alone() {
    let chains = [vec![[1, 2], [3, 4], [9, 9]], vec![[5, 6], [7, 8]]];
    let sources = || chains.iter().map(|chain| chain.iter().copied()).collect();
    assert_eq!(interleave(sources(), 7), [1, 2, 5, 6, 3, 4, 7]);
    assert_eq!(interleave(sources(), 100).len(), 10);
}
