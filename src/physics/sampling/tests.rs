use super::*;
use crate::physics::{ExactSolution, LogPartition, LogPartitionMethod, draw_patterns};
use crate::random::{Generator, stream};
use std::ops::ControlFlow;

fn named(name: &str) -> Generator {
    stream("sampling tests", &[name])
}

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn draw(model: &Hopfield, method: SamplingMethod, samples: usize) -> Ensemble {
    sample(model, method, samples, &named, &go_on).unwrap()
}

fn model(count: usize, sites: usize, temperature: f64) -> Hopfield {
    Hopfield::new(
        draw_patterns(count, sites, &mut named("patterns")),
        temperature,
    )
    .unwrap()
}

/// Three orthogonal patterns on `4 n` sites, equivalent by symmetry.
fn orthogonal(n: usize, temperature: f64) -> Hopfield {
    let mut patterns = BitMatrix::zeros(3, 4 * n);
    for site in 0..4 * n {
        patterns.set(0, site, true);
        patterns.set(1, site, site % 4 < 2);
        patterns.set(2, site, site % 2 == 0);
    }
    Hopfield::new(patterns, temperature).unwrap()
}

fn exact(model: &Hopfield) -> ExactSolution {
    ExactSolution::new(&SiteClasses::new(model)).unwrap()
}

#[test]
fn every_method_draws_each_word_with_its_probability() {
    let cases = [
        (SamplingMethod::Exact, 0.6),
        (SamplingMethod::Gibbs, 1.1),
        (SamplingMethod::Tempering, 0.6),
        (SamplingMethod::Tempering, 0.35),
    ];
    for (method, temperature) in cases {
        let model = model(3, 8, temperature);
        let weights: Vec<f64> = (0..256)
            .map(|word| (-model.energy(&[word]) / temperature).exp())
            .collect();
        let z: f64 = weights.iter().sum();
        let ensemble = draw(&model, method, 40_000);
        let mut counts = [0.0; 256];
        (0..40_000).for_each(|row| counts[ensemble.samples.row(row)[0] as usize] += 1.0);
        // Correlated samples count as fewer; rare words are left out.
        let scale = ensemble.effective_samples / 40_000.0;
        let mut chi_square = 0.0;
        let mut words = 0.0;
        for (count, weight) in counts.iter().zip(&weights) {
            let expected = 40_000.0 * weight / z;
            if expected > 5.0 {
                chi_square += scale * (count - expected).powi(2) / expected;
                words += 1.0;
            }
        }
        assert!(scale > 0.5, "{method:?}: {scale}");
        let pull = (chi_square - words) / (2.0_f64 * words).sqrt();
        assert!(
            pull < 4.0,
            "{method:?} at {temperature}: chi square {chi_square} of {words}"
        );
    }
}

#[test]
fn energies_and_overlaps_agree_with_the_exact_means() {
    let cases = [
        (SamplingMethod::Exact, 0.5),
        (SamplingMethod::Gibbs, 1.4),
        (SamplingMethod::Tempering, 0.9),
        (SamplingMethod::Tempering, 0.4),
    ];
    for (method, temperature) in cases {
        let model = model(3, 100, temperature);
        let solution = exact(&model);
        let ensemble = draw(&model, method, 20_000);
        assert_eq!(ensemble.warnings, [""; 0], "{method:?}");
        let pull = (ensemble.mean_energy - solution.mean_energy) / ensemble.mean_energy_error;
        assert!(
            pull.abs() < 4.0,
            "{method:?} at {temperature}: energy pull {pull}"
        );
        for pattern in 0..3 {
            let square = |row| model.overlaps(ensemble.samples.row(row))[pattern].powi(2);
            let squares: Vec<f64> = (0..20_000).map(square).collect();
            let time = 10_000.0 / ensemble.effective_samples;
            let (mean, error) = mean_with_error(&[squares], time);
            let pull = (mean - solution.squared_overlaps[pattern]) / error;
            assert!(
                pull.abs() < 4.0,
                "{method:?} at {temperature}, {pattern}: pull {pull}"
            );
        }
    }
}

#[test]
fn tempering_visits_all_six_pure_states_equally() {
    let model = orthogonal(12, 0.4);
    let ensemble = draw(&model, SamplingMethod::Tempering, 20_000);
    let mut visits = [0.0_f64; 6];
    for row in 0..20_000 {
        let overlaps = model.overlaps(ensemble.samples.row(row));
        let largest = (0..3).max_by(|&a, &b| overlaps[a].abs().total_cmp(&overlaps[b].abs()));
        let pattern = largest.unwrap();
        visits[2 * pattern + usize::from(overlaps[pattern] < 0.0)] += 1.0 / 20_000.0;
    }
    let error = (1.0 / 6.0 * 5.0 / 6.0 / ensemble.effective_samples).sqrt();
    for visited in visits {
        // Ties of |m| go to the last pattern; they are rarer than 1 in 10^4 here.
        assert!(
            (visited - 1.0 / 6.0).abs() < 4.0 * error + 1e-4,
            "{visits:?} ± {error}"
        );
    }
}

#[test]
fn gibbs_below_the_transition_says_that_it_is_stuck() {
    let ensemble = draw(&orthogonal(30, 0.3), SamplingMethod::Gibbs, 800);
    assert!(!ensemble.warnings.is_empty());
}

#[test]
fn the_automatic_choice_follows_the_classes_and_the_transition() {
    assert_eq!(
        SamplingMethod::automatic(&model(3, 100, 0.4)),
        SamplingMethod::Exact
    );
    assert_eq!(
        SamplingMethod::automatic(&model(8, 300, 2.0)),
        SamplingMethod::Gibbs
    );
    assert_eq!(
        SamplingMethod::automatic(&model(8, 300, 0.6)),
        SamplingMethod::Tempering
    );
}

#[test]
fn the_number_of_threads_does_not_change_a_sample() {
    let model = model(3, 40, 0.6);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| draw(&model, SamplingMethod::Tempering, 500))
    };
    assert_eq!(with_threads(1), with_threads(3));
}

#[test]
fn samples_refused_are_refused_before_memory_is_taken() {
    let model = model(2, 100, 0.6);
    for samples in [0, usize::MAX] {
        let error = sample(&model, SamplingMethod::Exact, samples, &named, &go_on).unwrap_err();
        assert!(error.to_string().contains("expected 1 to"), "{error}");
    }
    let large = self::model(8, 300, 0.6);
    let error = sample(&large, SamplingMethod::Exact, 10, &named, &go_on).unwrap_err();
    assert!(
        matches!(error, PhysicsError::EnumerationTooLarge { .. }),
        "{error}"
    );
}

#[test]
fn a_break_ends_the_chains() {
    let model = model(3, 40, 0.6);
    let late = |done: f64| {
        if done > 0.3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = sample(&model, SamplingMethod::Tempering, 50_000, &named, &late).unwrap_err();
    assert_eq!(error, PhysicsError::Cancelled);
}

#[test]
fn log_probabilities_of_all_words_add_up_to_one() {
    let model = model(3, 10, 0.7);
    let log_partition = LogPartition {
        value: exact(&model).log_partition,
        standard_error: 0.0,
        method: LogPartitionMethod::SiteClasses,
    };
    let total: f64 = (0..1 << 10)
        .map(|w| model.log_probability(&[w], &log_partition).exp())
        .sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
}

#[test]
fn keeping_fewer_samples_makes_them_independent() {
    // ρ(t) = r^t with time (1 + r) / 2(1 - r); every second sample has r².
    let time = |r: f64| 0.5 * (1.0 + r) / (1.0 - r);
    assert!((time_at_spacing(time(0.8), 1.0) - time(0.8)).abs() < 1e-12);
    assert!((time_at_spacing(time(0.8), 2.0) - time(0.64)).abs() < 1e-12);
    assert!((time_at_spacing(0.5, 7.0) - 0.5).abs() < 1e-12);
}
