//! How often a verdict is wrong, and how often a shift is found.
//!
//! Seeds are fixed; bounds are four standard errors of a binomial count, beyond which one
//! test in 16,000 would fall by chance.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// How the numbers of a folder come about.
#[derive(Clone, Copy)]
struct Truth {
    points: usize,
    replicates: usize,
    /// Spread between runs that the errors within runs do not know of.
    between: f64,
    /// Standard error within a run, and whether the table has it.
    within: f64,
    quoted: bool,
}

/// Two folders; the second is shifted at the first `shifted` points.
fn folders(
    truth: Truth,
    (shift, shifted): (f64, usize),
    generator: &mut Xoshiro256PlusPlus,
) -> [Table; 2] {
    [0.0, shift].map(|shift| {
        let mut rows = Vec::new();
        for point in 0..truth.points {
            for replicate in 0..truth.replicates {
                let mut normal = || -> f64 { StandardNormal.sample(generator) };
                let noise = truth.between * normal() + truth.within * normal();
                let moved = if point < shifted { shift } else { 0.0 };
                let error = truth.quoted.then_some(truth.within);
                rows.push((replicate as i64, point as f64, moved + noise, error));
            }
        }
        couplings(&rows)
    })
}

/// In how many of `trials` pairs of folders `found` holds.
fn count(
    trials: usize,
    truth: Truth,
    shift: (f64, usize),
    options: &Options,
    found: impl Fn(&Comparison) -> bool,
) -> usize {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(20_261_125);
    let mut hits = 0;
    for _ in 0..trials {
        let [a, b] = folders(truth, shift, &mut generator);
        hits += usize::from(found(&compared(a, b, options)));
    }
    hits
}

fn some_differ(comparison: &Comparison) -> bool {
    verdicts(comparison).contains(&Verdict::Differs)
}

/// Four standard errors of a count.
fn bound(trials: usize, probability: f64) -> f64 {
    4.0 * (trials as f64 * probability * (1.0 - probability)).sqrt()
}

#[track_caller]
fn assert_at_most(hits: usize, trials: usize, probability: f64) {
    let most = trials as f64 * probability + bound(trials, probability);
    assert!(
        (hits as f64) <= most,
        "{hits} of {trials}, at most {most:.0}"
    );
}

#[track_caller]
fn assert_at_least(hits: usize, trials: usize, probability: f64) {
    let least = trials as f64 * probability - bound(trials, probability);
    assert!(
        (hits as f64) >= least,
        "{hits} of {trials}, at least {least:.0}"
    );
}

fn at(level: f64) -> Options {
    Options {
        level,
        ..Options::default()
    }
}

const EXACT: Truth = Truth {
    points: 1,
    replicates: 1,
    between: 0.0,
    within: 1.0,
    quoted: true,
};

/// Known errors make the test exact: alarms come at the level, not more and not less.
#[test]
fn one_row_with_a_known_error_alarms_at_the_level() {
    let hits = count(4000, EXACT, (0.0, 0), &at(0.05), some_differ);
    assert_at_most(hits, 4000, 0.05);
    assert_at_least(hits, 4000, 0.05);
}

/// Of 20 independent rows Holm lets 1 - (1 - 0.05/20)^20 = 4.9 % of the families alarm.
#[test]
fn twenty_rows_alarm_at_the_level_together() {
    let truth = Truth {
        points: 20,
        ..EXACT
    };
    let hits = count(2000, truth, (0.0, 0), &at(0.05), some_differ);
    assert_at_most(hits, 2000, 0.05);
    assert_at_least(hits, 2000, 0.0488);
}

/// The spread between replicates, without any error in the table; Welch's degrees of
/// freedom make the test a little mild, never sharp.
#[test]
fn a_few_replicates_alarm_at_the_level_at_most() {
    for replicates in [2, 3, 5] {
        let truth = Truth {
            points: 10,
            replicates,
            between: 1.0,
            within: 0.0,
            quoted: false,
        };
        let hits = count(2000, truth, (0.0, 0), &at(0.05), some_differ);
        assert_at_most(hits, 2000, 0.05);
    }
    let single = Truth {
        points: 1,
        replicates: 5,
        between: 1.0,
        within: 0.0,
        quoted: false,
    };
    assert_at_least(
        count(4000, single, (0.0, 0), &at(0.05), some_differ),
        4000,
        0.04,
    );
}

/// Two replicates whose spread is thrice what their errors say: without the factor
/// the errors would be too small by √10, and nearly every family would alarm.
#[test]
fn two_replicates_with_too_small_errors_alarm_at_the_level_at_most() {
    let truth = Truth {
        points: 12,
        replicates: 2,
        between: 3.0,
        within: 1.0,
        quoted: true,
    };
    let hits = count(2000, truth, (0.0, 0), &at(0.05), some_differ);
    assert_at_most(hits, 2000, 0.05);
    let honest = Truth {
        between: 0.0,
        ..truth
    };
    assert_at_most(
        count(2000, honest, (0.0, 0), &at(0.05), some_differ),
        2000,
        0.05,
    );
}

/// Rows whose spreads differ a little, much, and tenfold: however far they are alike, what
/// they lend each other keeps the level.
#[test]
fn rows_of_unlike_spread_alarm_at_the_level_at_most() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    for (replicates, quoted, unlike) in [
        (2, true, 1.0),
        (3, true, 1.0),
        (3, true, 0.5),
        (2, true, 0.25),
        (3, false, 0.5),
        (5, false, 0.5),
    ] {
        let mut hits = 0;
        for _ in 0..2000 {
            // Each row has a spread of its own, the same in both folders.
            let scales: Vec<f64> = (0..20).map(|_| (unlike * normal()).exp()).collect();
            let mut table = || {
                let mut rows = Vec::new();
                for (point, scale) in scales.iter().enumerate() {
                    for replicate in 0..replicates {
                        let error = quoted.then_some(0.1);
                        rows.push((replicate, point as f64, scale * normal(), error));
                    }
                }
                couplings(&rows)
            };
            let (a, b) = (table(), table());
            hits += usize::from(some_differ(&compared(a, b, &at(0.05))));
        }
        assert_at_most(hits, 2000, 0.05);
    }
}

/// Three replicates of each of 12 points, four of them shifted by ten errors of the
/// difference. Alone each row would have four degrees of freedom, of which Holm's first
/// step, 0.01 / 12, asks for 8.8 errors; together they are found, and nothing else is.
#[test]
fn rows_lend_each_other_what_few_replicates_lack() {
    let truth = Truth {
        points: 12,
        replicates: 3,
        between: 2.0,
        within: 1.0,
        quoted: true,
    };
    let shift = 10.0 * (2.0 * 5.0_f64 / 3.0).sqrt();
    let all = |comparison: &Comparison| {
        let rows = comparison.rows.iter().enumerate();
        rows.into_iter()
            .all(|(row, found)| (found.verdict == Verdict::Differs) == (row < 4))
    };
    assert_at_least(count(500, truth, (shift, 4), &at(0.01), all), 500, 0.95);
}

/// A shift of five standard errors of the difference: with known errors, 2.576 are
/// needed at the level 0.01, and 5 + normal noise exceed them with probability 0.992.
#[test]
fn a_shift_of_five_errors_is_found() {
    let shift = (5.0 * 2.0_f64.sqrt(), 1);
    assert_at_least(
        count(1000, EXACT, shift, &at(0.01), some_differ),
        1000,
        0.992,
    );
    // Eight replicates: Student's t with 14 degrees of freedom asks for 2.98 errors.
    let truth = Truth {
        points: 1,
        replicates: 8,
        between: 1.0,
        within: 0.0,
        quoted: false,
    };
    let shift = (5.0 * (2.0_f64 / 8.0).sqrt(), 1);
    assert_at_least(
        count(1000, truth, shift, &at(0.01), some_differ),
        1000,
        0.94,
    );
}

/// Ten errors are found in 3 of 40 rows, and nothing else is.
#[test]
fn exactly_the_shifted_rows_are_flagged() {
    let truth = Truth {
        points: 40,
        ..EXACT
    };
    let exactly = |comparison: &Comparison| {
        let rows = comparison.rows.iter().enumerate();
        rows.into_iter()
            .all(|(row, found)| (found.verdict == Verdict::Differs) == (row < 3))
    };
    let hits = count(500, truth, (10.0 * 2.0_f64.sqrt(), 3), &at(0.01), exactly);
    assert_at_least(hits, 500, 0.99);
}

/// On the boundary of the tolerance either claim is wrong at the level.
#[test]
fn on_the_boundary_of_the_tolerance_either_claim_comes_at_the_level() {
    let mut options = tolerating(&["coupling=20"]);
    options.level = 0.05;
    for claim in [Verdict::Same, Verdict::Differs] {
        let made = |comparison: &Comparison| verdicts(comparison) == [claim];
        let hits = count(4000, EXACT, (20.0, 1), &options, made);
        assert_at_most(hits, 4000, 0.05);
        assert_at_least(hits, 4000, 0.05);
    }
    // Well within it, nearly all is the same; an error beyond it decides nothing.
    let same = |comparison: &Comparison| verdicts(comparison) == [Verdict::Same];
    assert_at_least(count(500, EXACT, (0.0, 0), &options, same), 500, 0.999);
    let wide = Truth {
        within: 100.0,
        ..EXACT
    };
    assert_eq!(count(500, wide, (0.0, 0), &options, same), 0);
}

/// Pairs share a spread of ten that cancels; the rate stays at the level.
#[test]
fn pairs_that_are_alike_alarm_at_the_level() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let options = Options {
        paired: true,
        level: 0.05,
        ..Options::default()
    };
    let mut hits = 0;
    for _ in 0..4000 {
        let shared: Vec<f64> = (0..4).map(|_| 10.0 * normal()).collect();
        let mut table = || {
            let rows = shared.iter().enumerate();
            let rows = rows.map(|(r, s)| (r as i64, 0.6, s + normal(), None));
            let rows: Vec<_> = rows.collect();
            couplings(&rows)
        };
        let (a, b) = (table(), table());
        hits += usize::from(some_differ(&compared(a, b, &options)));
    }
    assert_at_most(hits, 4000, 0.05);
    assert_at_least(hits, 4000, 0.05);
}
