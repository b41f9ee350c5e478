use super::*;
use crate::bits::BitMatrix;
use crate::physics::tempering::Start;
use crate::physics::{
    ExactSolution, LogPartition, LogPartitionMethod, Replica, SpinField, draw_patterns,
    fields_along,
};
use crate::physics::{Hopfield, SiteClasses, System};
use crate::random::{Generator, stream, uniform};
use std::ops::ControlFlow;

fn named(name: &str) -> Generator {
    stream("sampling tests", &[name])
}

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn draw(model: &Hopfield, method: SamplingMethod, samples: usize) -> Ensemble {
    model.sample(method, samples, &named, &go_on).unwrap()
}

fn spins(ensemble: &Ensemble) -> &BitMatrix {
    ensemble.samples.as_spins().unwrap()
}

fn automatic(model: &Hopfield) -> SamplingMethod {
    model.methods()[0]
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
        (0..40_000).for_each(|row| counts[spins(&ensemble).row(row)[0] as usize] += 1.0);
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
            let square = |row| model.overlaps(spins(&ensemble).row(row))[pattern].powi(2);
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

/// Deviations of the energy, and of the size and the square of every overlap, from the
/// exact means in standard errors, which take the slowest autocorrelation time of all.
fn pulls(model: &Hopfield, ensemble: &Ensemble) -> Vec<f64> {
    let solution = exact(model);
    let bits = spins(ensemble);
    let time = 0.5 * bits.rows() as f64 / ensemble.effective_samples;
    let rows = (0..bits.rows()).map(|row| model.overlaps(bits.row(row)));
    let overlaps: Vec<Vec<f64>> = rows.collect();
    let energy = (ensemble.mean_energy - solution.mean_energy) / ensemble.mean_energy_error;
    let mut pulls = vec![energy];
    let mut compare = |values: Vec<f64>, expected: f64| {
        let (mean, error) = mean_with_error(&[values], time);
        pulls.push((mean - expected) / error);
    };
    for pattern in 0..model.patterns().rows() {
        let of_pattern = || overlaps.iter().map(|overlaps| overlaps[pattern]);
        let sizes = of_pattern().map(f64::abs).collect();
        compare(sizes, solution.absolute_overlaps[pattern]);
        let squares = of_pattern().map(|overlap| overlap * overlap).collect();
        compare(squares, solution.squared_overlaps[pattern]);
    }
    pulls
}

#[test]
fn every_sampler_has_the_exact_means_at_every_temperature_with_three_seeds() {
    use SamplingMethod::{Exact, Gibbs, Tempering};
    for (method, temperature, samples) in [
        (Exact, 0.5, 20_000),
        (Exact, 1.0, 20_000),
        (Exact, 1.5, 20_000),
        (Gibbs, 1.0, 4000),
        (Gibbs, 1.5, 4000),
        (Tempering, 0.5, 4000),
        (Tempering, 1.0, 4000),
        (Tempering, 1.5, 4000),
    ] {
        for seed in ["1", "2", "3"] {
            // The patterns belong to the seed too.
            let streams = |name: &str| stream(seed, &["hopfield", name]);
            let patterns = draw_patterns(3, 100, &mut streams("patterns"));
            let model = Hopfield::new(patterns, temperature).unwrap();
            let ensemble = model.sample(method, samples, &streams, &go_on).unwrap();
            assert_eq!(ensemble.warnings, [""; 0], "{method:?}, seed {seed}");
            let pulls = pulls(&model, &ensemble);
            assert!(
                pulls.iter().all(|pull| pull.abs() < 4.0),
                "{method:?} at T = {temperature}, seed {seed}: {pulls:?}"
            );
        }
    }
}

/// Three patterns in external fields: along the second, or different on every site.
fn in_fields(sites: usize, temperature: f64, along: bool) -> Hopfield {
    let stored = draw_patterns(3, sites, &mut named("patterns"));
    let mut generator = named("fields");
    let fields = if along {
        fields_along(&stored, 1, 0.1)
    } else {
        (0..sites)
            .map(|_| 0.6 * uniform(&mut generator) - 0.3)
            .collect()
    };
    Hopfield::with_fields(stored, fields, temperature).unwrap()
}

#[test]
fn every_method_draws_each_word_in_external_fields_with_its_probability() {
    use SamplingMethod::{Exact, Gibbs, Tempering};
    for (method, temperature, along) in [
        (Exact, 0.6, true),
        (Exact, 0.9, false),
        (Gibbs, 1.2, true),
        (Gibbs, 1.2, false),
        (Tempering, 0.5, true),
        (Tempering, 0.5, false),
    ] {
        let model = in_fields(8, temperature, along);
        let weights: Vec<f64> = (0..256)
            .map(|word| (-model.energy(&[word]) / temperature).exp())
            .collect();
        let z: f64 = weights.iter().sum();
        let ensemble = draw(&model, method, 40_000);
        let mut counts = [0.0; 256];
        (0..40_000).for_each(|row| counts[spins(&ensemble).row(row)[0] as usize] += 1.0);
        let scale = ensemble.effective_samples / 40_000.0;
        let (mut chi_square, mut words) = (0.0, 0.0);
        for (count, weight) in counts.iter().zip(&weights) {
            let expected = 40_000.0 * weight / z;
            if expected > 5.0 {
                chi_square += scale * (count - expected).powi(2) / expected;
                words += 1.0;
            }
        }
        let pull = (chi_square - words) / (2.0_f64 * words).sqrt();
        assert!(
            pull.abs() < 4.0,
            "{method:?} at {temperature}, {along}: {pull}"
        );
    }
}

#[test]
fn energies_and_overlaps_in_a_field_agree_with_the_exact_means() {
    for (method, temperature) in [
        (SamplingMethod::Exact, 0.5),
        (SamplingMethod::Gibbs, 1.4),
        (SamplingMethod::Tempering, 0.5),
    ] {
        let model = in_fields(100, temperature, true);
        let solution = exact(&model);
        let ensemble = draw(&model, method, 8000);
        assert_eq!(ensemble.warnings, [""; 0], "{method:?}");
        let pull = (ensemble.mean_energy - solution.mean_energy) / ensemble.mean_energy_error;
        assert!(pull.abs() < 4.0, "{method:?}: energy pull {pull}");
        for pattern in 0..3 {
            let overlap = |row| model.overlaps(spins(&ensemble).row(row))[pattern];
            let overlaps: Vec<f64> = (0..8000).map(overlap).collect();
            let time = 4000.0 / ensemble.effective_samples;
            let (mean, error) = mean_with_error(&[overlaps], time);
            let pull = (mean - solution.mean_overlaps[pattern]) / error;
            assert!(pull.abs() < 4.0, "{method:?}, {pattern}: pull {pull}");
        }
    }
}

#[test]
fn a_load_of_a_fifth_is_sampled_by_tempering() {
    let model = model(20, 100, 0.5);
    let ensemble = draw(&model, SamplingMethod::Tempering, 2000);
    assert_eq!(ensemble.warnings, [""; 0]);
    assert!(ensemble.split_r_hat.unwrap() < 1.01);
    assert!(ensemble.autocorrelation_error_sweeps < 0.3 * ensemble.autocorrelation_sweeps);
}

#[test]
fn chains_that_are_too_short_are_run_again_over_a_longer_stretch() {
    // The pilot is told that nothing is correlated, at a temperature where much is.
    let model = model(1, 400, 1.0);
    let field = SpinField::new(&model);
    let betas = [1.0];
    let plan = plan(step_work(&field, 1), 160);
    let run = |first| {
        let walkers = Walkers::start(&field, &betas, CHAINS, "chain", &named);
        run_chains(walkers, &plan, first, SlowestTime::INDEPENDENT, &go_on).unwrap()
    };
    let short = run(plan.first(0.5));
    assert!(short.lengthened > 0);
    assert!(short.schedule.sweeps_per_sample > 2 * plan.first(0.5).sweeps_per_sample);
    let long = run(plan.first(200.0));
    assert_eq!(long.lengthened, 0);
    assert!(long.quality.suffices(&long.schedule));
}

#[test]
fn stuck_chains_are_given_up_with_a_split_r_hat_far_from_one() {
    let ensemble = draw(&orthogonal(30, 0.3), SamplingMethod::Gibbs, 160);
    assert!(
        ensemble.split_r_hat.unwrap() > 2.0,
        "{:?}",
        ensemble.split_r_hat
    );
    let said = ensemble.warnings.join(" ");
    assert!(said.contains("split R-hat"), "{said}");
    assert!(said.contains("lengthened 0 times"), "{said}");
}

#[test]
fn half_of_the_chains_start_aligned() {
    let model = model(3, 200, 0.5);
    let field = SpinField::new(&model);
    for chain in 0..8 {
        let start = Start::of_chain(&field, chain);
        let replica = match start {
            Start::Disordered => Replica::random(&field, &mut named("start")),
            Start::Ordered(component) => Replica::ordered(&field, component, &mut named("start")),
        };
        let aligned: Vec<bool> = replica.total().iter().map(|x| *x > 199.0).collect();
        let expected: Vec<bool> = (0..3).map(|p| start == Start::Ordered(p)).collect();
        assert_eq!(aligned, expected, "chain {chain}");
        assert_eq!(chain % 2 == 1, start != Start::Disordered);
    }
}

#[test]
fn tempering_visits_all_six_pure_states_equally() {
    let model = orthogonal(12, 0.4);
    let ensemble = draw(&model, SamplingMethod::Tempering, 20_000);
    let mut visits = [0.0_f64; 6];
    for row in 0..20_000 {
        let overlaps = model.overlaps(spins(&ensemble).row(row));
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
    assert_eq!(automatic(&model(3, 100, 0.4)), SamplingMethod::Exact);
    assert_eq!(automatic(&model(8, 300, 2.0)), SamplingMethod::Gibbs);
    assert_eq!(automatic(&model(8, 300, 0.6)), SamplingMethod::Tempering);
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
        let error = model
            .sample(SamplingMethod::Exact, samples, &named, &go_on)
            .unwrap_err();
        assert!(error.to_string().contains("expected 1 to"), "{error}");
    }
    let large = self::model(8, 300, 0.6);
    let error = large
        .sample(SamplingMethod::Exact, 10, &named, &go_on)
        .unwrap_err();
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
    let error = model
        .sample(SamplingMethod::Tempering, 50_000, &named, &late)
        .unwrap_err();
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
