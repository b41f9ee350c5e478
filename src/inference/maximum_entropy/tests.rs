use std::ops::ControlFlow;

use super::annealing::log_partition;
use super::features::Target;
use super::fisher::Fisher;
use super::fit::in_gauge;
use super::*;
use crate::bits::BitMatrix;
use crate::inference::{
    IndependentModel, InferenceError, PopulationError, consecutive_blocks, log_sum_exp,
};
use crate::random::{stream, uniform};

/// Couplings of a few tenths, fields that make cells active one time in four or so.
fn random_model(cells: usize, potential: impl Fn(usize) -> f64, seed: &str) -> MaximumEntropy {
    let mut generator = stream(seed, &["model"]);
    let mut draw = |low: f64, high: f64| low + (high - low) * uniform(&mut generator);
    let fields = (0..cells).map(|_| draw(-2.0, -0.5)).collect();
    let mut couplings = vec![0.0; cells * cells];
    for i in 0..cells {
        for j in 0..i {
            let coupling = draw(-0.6, 0.9);
            couplings[i * cells + j] = coupling;
            couplings[j * cells + i] = coupling;
        }
    }
    MaximumEntropy::new(fields, couplings, (0..=cells).map(potential).collect()).unwrap()
}

fn no_potential(_: usize) -> f64 {
    0.0
}

/// Every configuration once, in the order of binary numbers.
fn all_configurations(cells: usize) -> BitMatrix {
    BitMatrix::from_words(1 << cells, cells, (0..1 << cells).collect()).unwrap()
}

/// ln Z and all probabilities, by the definition of the model.
fn enumerate(model: &MaximumEntropy) -> (f64, Vec<f64>) {
    let n = model.cells();
    let weight = |word: usize| {
        let active = |i: usize| word >> i & 1 == 1;
        let mut sum = model.count_potential()[word.count_ones() as usize];
        for i in (0..n).filter(|&i| active(i)) {
            sum += model.fields()[i];
            let others = (0..i).filter(|&j| active(j));
            sum += others.map(|j| model.couplings()[i * n + j]).sum::<f64>();
        }
        sum
    };
    let weights: Vec<f64> = (0..1 << n).map(weight).collect();
    let log_partition = log_sum_exp(&weights);
    let probabilities = weights.iter().map(|w| (w - log_partition).exp());
    (log_partition, probabilities.collect())
}

/// Independent configurations of a model.
fn exact_samples(model: &MaximumEntropy, rows: usize, seed: &str) -> BitMatrix {
    let (_, probabilities) = enumerate(model);
    let mut generator = stream(seed, &["samples"]);
    let draw = |_| {
        let mut left = uniform(&mut generator);
        let found = probabilities.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        found.unwrap_or(0) as u64
    };
    BitMatrix::from_words(rows, model.cells(), (0..rows).map(draw).collect()).unwrap()
}

/// Means of all features under a model, by enumeration.
fn exact_means(target: &Target, model: &MaximumEntropy) -> Vec<f64> {
    let (_, probabilities) = enumerate(model);
    let mut means = vec![0.0; target.layout.len()];
    for (word, p) in probabilities.iter().enumerate() {
        let active: Vec<u16> = (0..16).filter(|&i| word >> i & 1 == 1).collect();
        let add = |index: usize, value: f64| means[index] += p * value;
        target.layout.visit(&active, add);
    }
    means
}

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const ROWS: usize = 20_000;
const OPTIONS: FitOptions = FitOptions {
    largest_deviation: 0.3,
    iterations: 60,
    samples: 1 << 18,
    log_partition_error: 0.002,
};

fn fitted(data: &BitMatrix, interaction: Interaction, seed: &str) -> FittedMaximumEntropy {
    let blocks = consecutive_blocks(data.rows(), 100);
    let streams = |name: &str| stream(seed, &[name]);
    fit(data, &blocks, interaction, &OPTIONS, &streams, &go_on).unwrap()
}

/// How far moments may be off that deviated by less than 0.3 of the data's errors over
/// 262,144 samples: the Monte Carlo error of these is that of the data times
/// `sqrt(2 tau n / 262,144)`, here with an autocorrelation time `tau` of at most 1 sample
/// (two sweeps), and four of them are allowed.
fn bound() -> f64 {
    0.3 + 4.0 * (2.0 * ROWS as f64 / OPTIONS.samples as f64).sqrt()
}

#[test]
fn the_heat_bath_draws_configurations_with_their_probabilities() {
    let model = random_model(4, |k| [0.0, 0.4, -0.7, 0.9, -0.2][k], "1");
    let (_, probabilities) = enumerate(&model);
    let count = 40_000;
    let bits = model.sample(count, &|name| stream("1", &[name]));
    let mut found = [0.0; 16];
    (0..count).for_each(|row| found[bits.row(row)[0] as usize] += 1.0);
    let terms = found.iter().zip(&probabilities).map(|(found, p)| {
        let expected = p * count as f64;
        (found - expected).powi(2) / expected
    });
    let chi_squared: f64 = terms.sum();
    // 15 degrees of freedom: mean 15, standard deviation sqrt(30).
    assert!(chi_squared < 15.0 + 4.0 * 30.0_f64.sqrt(), "{chi_squared}");
}

#[test]
fn cells_of_different_blocks_are_coupled_as_those_of_one() {
    // 70 cells in pairs (i, i + 35), each pair by itself.
    let (cells, field, coupling) = (70, -1.0, 1.5);
    let mut couplings = vec![0.0; cells * cells];
    for i in 0..cells {
        couplings[i * cells + (i + 35) % cells] = coupling;
    }
    let model = MaximumEntropy::new(vec![field; cells], couplings, vec![0.0; cells + 1]).unwrap();
    let count = 10_000;
    let bits = model.sample(count, &|name| stream("2", &[name]));
    let one = f64::exp(field);
    let both =
        f64::exp(2.0 * field + coupling) / (1.0 + 2.0 * one + f64::exp(2.0 * field + coupling));
    let together = |row| {
        (0..35)
            .filter(|&i| bits.get(row, i) && bits.get(row, i + 35))
            .count()
    };
    let mean = (0..count).map(together).sum::<usize>() as f64 / (35 * count) as f64;
    let error = (both * (1.0 - both) / (35 * count) as f64).sqrt();
    assert!(
        (mean - both).abs() < 4.0 * error,
        "{mean}, expected {both} +- {error}"
    );
}

#[test]
fn a_pairwise_fit_has_the_moments_of_the_data_and_the_exact_partition_sum() {
    let truth = random_model(9, no_potential, "3");
    let data = exact_samples(&truth, ROWS, "3");
    let found = fitted(&data, Interaction::Pairwise, "3");
    assert!(found.converged, "{found:?}");
    let blocks = consecutive_blocks(ROWS, 100);
    let target = Target::new(&data, &blocks, Interaction::Pairwise).unwrap();
    let (_, deviation) = target.compare(&exact_means(&target, &found.model));
    assert!(deviation < bound(), "{deviation}");
    let (exact, probabilities) = enumerate(&found.model);
    for estimate in [
        Some(found.log_partition.estimate),
        found.log_partition_by_silence,
    ] {
        let estimate = estimate.unwrap();
        let pull = (estimate.value - exact) / estimate.standard_error;
        assert!(pull.abs() < 4.0, "{estimate:?}, exact {exact}");
    }
    assert!(found.log_partition.estimate.standard_error <= OPTIONS.log_partition_error);
    // Likelihoods differ from the exact ones by the error of ln Z alone.
    let logs = found.log_likelihood(&all_configurations(9)).unwrap();
    let shift = exact - found.log_partition.estimate.value;
    for (log, p) in logs.iter().zip(&probabilities) {
        assert!((log - p.ln() - shift).abs() < 1e-9);
    }
    // Maximum likelihood leaves 2 n KL(truth || fit) with a chi-squared distribution of 45
    // degrees of freedom; half of it is allowed on top for the chains' own noise.
    let (_, true_probabilities) = enumerate(&truth);
    let terms = true_probabilities.iter().zip(&probabilities);
    let divergence: f64 = terms.map(|(p, q)| p * (p / q).ln()).sum();
    let allowed = 1.5 * (45.0 + 4.0 * 90.0_f64.sqrt());
    assert!(2.0 * ROWS as f64 * divergence < allowed, "{divergence}");
}

#[test]
fn a_k_pairwise_fit_has_the_distribution_of_counts_and_a_pairwise_one_has_not() {
    let truth = random_model(9, |k| if k >= 4 { -1.5 } else { 0.0 }, "4");
    let data = exact_samples(&truth, ROWS, "4");
    let blocks = consecutive_blocks(ROWS, 100);
    let target = Target::new(&data, &blocks, Interaction::KPairwise).unwrap();
    let deviation = |interaction| {
        let found = fitted(&data, interaction, "4");
        assert!(found.converged, "{found:?}");
        let (exact, _) = enumerate(&found.model);
        let estimate = found.log_partition.estimate;
        let pull = (estimate.value - exact) / estimate.standard_error;
        assert!(pull.abs() < 4.0, "{estimate:?}, exact {exact}");
        target.compare(&exact_means(&target, &found.model)).1
    };
    let with = deviation(Interaction::KPairwise);
    assert!(with < bound(), "{with}");
    let without = deviation(Interaction::Pairwise);
    assert!(without > 5.0, "{without}");
}

#[test]
fn the_gauge_of_the_potential_does_not_change_the_distribution() {
    let model = random_model(
        7,
        |k| 0.3 * (k as f64).sin() - if k > 1 { 1.1 } else { 0.0 },
        "5",
    );
    let (log_partition, before) = enumerate(&model);
    let moved = in_gauge(&model).unwrap();
    assert!(moved.count_potential()[..3].iter().all(|v| v.abs() < 1e-12));
    let (again, after) = enumerate(&moved);
    assert!((log_partition - model.count_potential()[0] - again).abs() < 1e-12);
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() < 1e-12);
    }
}

#[test]
fn without_couplings_the_model_is_the_independent_one_and_its_partition_sum_is_exact() {
    let fields: Vec<f64> = (0..20).map(|i| -3.0 + 0.2 * f64::from(i)).collect();
    let expected: f64 = fields.iter().map(|a| a.exp().ln_1p()).sum();
    let rates: Vec<f64> = fields.iter().map(|a| 1.0 / (1.0 + (-a).exp())).collect();
    let model = MaximumEntropy::new(fields, vec![0.0; 400], vec![0.0; 21]).unwrap();
    let streams = |name: &str| stream("6", &[name]);
    let found = log_partition(&model, &rates, 0.01, &streams, &go_on).unwrap();
    // All weights are 1, up to the rounding of the fields to single precision.
    assert!((found.estimate.value - expected).abs() < 1e-5, "{found:?}");
    assert!(found.estimate.standard_error < 1e-6, "{found:?}");
    // A single cell has no one to be coupled to.
    let data = exact_samples(&random_model(1, no_potential, "6"), 2000, "6");
    let found = fitted(&data, Interaction::KPairwise, "6");
    let independent = IndependentModel::fit(&data).unwrap();
    let (all, blocks) = (all_configurations(1), consecutive_blocks(2000, 100));
    let error = Target::new(&data, &blocks, Interaction::Pairwise)
        .unwrap()
        .errors[0];
    let logs = found.log_likelihood(&all).unwrap();
    let expected = independent.log_likelihood(&all).unwrap();
    for (found, expected) in logs.iter().zip(&expected) {
        // 0.3 of the data's error is what the fit promises, and the chains have their own.
        let difference = (found.exp() - expected.exp()).abs();
        assert!(difference < bound() * error, "{found}, {expected}");
    }
}

#[test]
fn cells_that_never_or_always_fire_have_finite_parameters_and_laplaces_rates() {
    let rest = exact_samples(&random_model(4, no_potential, "7"), 4000, "7");
    let mut data = BitMatrix::zeros(4000, 6);
    for row in 0..4000 {
        (0..4).for_each(|cell| data.set(row, cell, rest.get(row, cell)));
        data.set(row, 5, true);
    }
    for interaction in [Interaction::Pairwise, Interaction::KPairwise] {
        let found = fitted(&data, interaction, "7");
        assert!(found.converged, "{found:?}");
        let (fields, couplings) = (found.model.fields(), found.model.couplings());
        assert!(fields.iter().all(|a| a.abs() <= LARGEST_FIELD));
        assert!(couplings.iter().all(|j| j.abs() <= 2.0 * LARGEST_COUPLING));
        let (_, probabilities) = enumerate(&found.model);
        let rate = |cell: usize| -> f64 {
            let active = probabilities.iter().enumerate();
            active
                .filter(|(word, _)| word >> cell & 1 == 1)
                .map(|(_, p)| p)
                .sum()
        };
        // Laplace's rule gives 1 / 4002; one configuration in n is the error of the data.
        for odd in [rate(4), 1.0 - rate(5)] {
            assert!(odd > 0.0 && odd < 3.0 / 4000.0, "{odd}");
        }
        let logs = found.log_likelihood(&all_configurations(6)).unwrap();
        assert!(logs.iter().all(|log| log.is_finite()));
    }
}

#[test]
fn smoothed_means_are_those_of_configurations_whose_cells_are_drawn_anew() {
    let words = [
        0b011, 0b000, 0b111, 0b001, 0b010, 0b011, 0b011, 0b110, 0b111, 0b101,
    ];
    let rows = 40;
    let words: Vec<u64> = words.iter().copied().cycle().take(rows).collect();
    let data = BitMatrix::from_words(rows, 3, words.clone()).unwrap();
    let blocks = consecutive_blocks(rows, 4);
    let target = Target::new(&data, &blocks, Interaction::KPairwise).unwrap();
    // Probability that a cell ends up other than it was.
    let changed = 1.0 / (rows as f64 + 2.0);
    let mut expected = vec![0.0; target.layout.len()];
    for word in &words {
        for other in 0..8_u64 {
            let flips = (word ^ other).count_ones() as i32;
            let p = changed.powi(flips) * (1.0 - changed).powi(3 - flips) / rows as f64;
            let active: Vec<u16> = (0..3).filter(|&i| other >> i & 1 == 1).collect();
            let add = |index: usize, value: f64| expected[index] += p * value;
            target.layout.visit(&active, add);
        }
    }
    // Fewer than all cells are active at the last count of which V is free, 2.
    assert_eq!(target.layout.len(), 3 + 3 + 2);
    for (found, expected) in target.means.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
    }
}

#[test]
fn a_newton_step_solves_for_the_covariance_of_the_configurations() {
    let data = exact_samples(&random_model(5, no_potential, "8"), 600, "8");
    let blocks = consecutive_blocks(600, 20);
    let layout = Target::new(&data, &blocks, Interaction::KPairwise)
        .unwrap()
        .layout;
    let mut configurations = vec![Vec::new()];
    for row in 0..600 {
        let mut active = Vec::new();
        model::list_active(&data, row, &mut active);
        configurations[0].push(active);
    }
    let rows: Vec<Vec<f64>> = configurations[0]
        .iter()
        .map(|active| {
            let mut features = vec![0.0; layout.len()];
            layout.visit(active, |index, value| features[index] = value);
            features
        })
        .collect();
    let average = |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|row| f(row)).sum::<f64>() / 600.0;
    let covariance = |a: usize, b: usize| {
        average(&|row| row[a] * row[b]) - average(&|row| row[a]) * average(&|row| row[b])
    };
    let gradient: Vec<f64> = (0..layout.len()).map(|k| (k as f64).cos() * 0.01).collect();
    let step = Fisher::new(layout, &configurations, &vec![0.0; layout.len()]).solve(&gradient);
    let mut worst = 0.0_f64;
    for a in 0..layout.len() {
        let variance = covariance(a, a);
        let ridge = variance * (0.02 + 4.0 / (4.0 + 600.0 * variance));
        let product: f64 = (0..layout.len()).map(|b| covariance(a, b) * step[b]).sum();
        let residual = product + ridge * step[a] - gradient[a];
        worst = worst.max(residual.abs() / gradient[a].abs().max(0.01));
    }
    // Conjugate gradients end at a hundredth of the first residual in their own norm.
    assert!(worst < 0.05, "{worst}");
}

#[test]
fn the_number_of_threads_decides_no_number() {
    let data = exact_samples(&random_model(6, no_potential, "9"), 3000, "9");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| {
            let found = fitted(&data, Interaction::KPairwise, "9");
            let samples = found.model.sample(500, &|name| stream("9", &[name]));
            (found, samples)
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_fit_that_may_not_go_on_says_so() {
    let data = exact_samples(&random_model(6, no_potential, "10"), 3000, "10");
    let blocks = consecutive_blocks(3000, 100);
    let streams = |name: &str| stream("10", &[name]);
    let options = FitOptions {
        largest_deviation: 1e-6,
        iterations: 2,
        samples: 1 << 14,
        ..OPTIONS
    };
    let kind = Interaction::Pairwise;
    let found = fit(&data, &blocks, kind, &options, &streams, &go_on).unwrap();
    assert!(!found.converged && found.iterations == 2);
    assert!(found.largest_deviation > 1e-6);
    let stop = |_: f64| ControlFlow::Break(());
    let error = fit(&data, &blocks, kind, &options, &streams, &stop).unwrap_err();
    assert_eq!(error, MaximumEntropyError::Cancelled);
}

#[test]
fn data_and_options_that_make_no_sense_are_refused() {
    let attempt = |data: &BitMatrix, blocks: &[u32], options: &FitOptions| {
        let streams = |name: &str| stream("11", &[name]);
        fit(
            data,
            blocks,
            Interaction::Pairwise,
            options,
            &streams,
            &go_on,
        )
        .unwrap_err()
    };
    let empty = |what| MaximumEntropyError::Input(InferenceError::Empty { what });
    let none = BitMatrix::zeros(0, 3);
    assert_eq!(attempt(&none, &[], &OPTIONS), empty("configuration"));
    let none = BitMatrix::zeros(3, 0);
    assert_eq!(attempt(&none, &[0, 1, 2], &OPTIONS), empty("cell"));
    let many = InferenceError::TooManySites {
        found: MAX_CELLS + 1,
        limit: MAX_CELLS,
    };
    let data = BitMatrix::zeros(2, MAX_CELLS + 1);
    assert_eq!(attempt(&data, &[0, 1], &OPTIONS), many.into());
    let data = BitMatrix::zeros(2, 3);
    let few = PopulationError::TooFewBlocks { found: 1 };
    assert_eq!(attempt(&data, &[4, 4], &OPTIONS), few.into());
    let labels = PopulationError::LabelCount {
        values: 2,
        blocks: 1,
    };
    assert_eq!(attempt(&data, &[4], &OPTIONS), labels.into());
    let options = FitOptions {
        largest_deviation: f64::NAN,
        ..OPTIONS
    };
    let message = attempt(&data, &[0, 1], &options).to_string();
    let expected = "the largest deviation is NaN, expected a positive finite number";
    assert_eq!(message, expected);
}

#[test]
fn models_that_do_not_fit_together_are_refused() {
    let new = |fields: &[f64], couplings: &[f64], potential: &[f64]| {
        MaximumEntropy::new(fields.to_vec(), couplings.to_vec(), potential.to_vec()).unwrap_err()
    };
    let count = |what, found, expected| InferenceError::Count {
        what,
        found,
        expected,
    };
    let (fields, potential) = ([0.0; 2], [0.0; 3]);
    assert_eq!(
        new(&fields, &[0.0; 3], &potential),
        count("couplings", 3, 4)
    );
    assert_eq!(new(&fields, &[0.0; 4], &fields), count("values of V", 2, 3));
    let asymmetric = new(&fields, &[0.0, 0.5, 0.4, 0.0], &potential);
    assert!(matches!(asymmetric, InferenceError::OutOfRange { .. }));
    let diagonal = new(&fields, &[0.0, 0.5, 0.5, 0.1], &potential);
    assert!(matches!(diagonal, InferenceError::OutOfRange { .. }));
    let infinite = new(&[0.0, f64::INFINITY], &[0.0; 4], &potential);
    assert!(matches!(
        infinite,
        InferenceError::NotFinite { index: 1, .. }
    ));
    let model = random_model(3, no_potential, "12");
    let mismatch = PopulationError::Mismatch {
        what: "units",
        model: 3,
        data: 4,
    };
    assert_eq!(model.log_weights(&BitMatrix::zeros(1, 4)), Err(mismatch));
}
