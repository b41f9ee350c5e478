use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::inference::independent_blocks;
use crate::random::{stream, uniform};

fn normal(generator: &mut Generator) -> f64 {
    StandardNormal.sample(generator)
}

/// `dimension` independent pairs of normal numbers with the correlation `rho`.
fn gaussian(seed: &str, rows: usize, dimension: usize, rho: f64) -> [Collective; 2] {
    let mut generator = stream(seed, &["gaussian"]);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rows * dimension {
        let x = normal(&mut generator);
        a.push(x);
        b.push(rho * x + (1.0 - rho * rho).sqrt() * normal(&mut generator));
    }
    [a, b].map(|values| Collective::continuous(values, dimension).unwrap())
}

fn estimate(pair: &[Collective; 2], neighbours: usize) -> MutualInformation {
    let blocks = independent_blocks(pair[0].rows(), pair[0].rows() as f64);
    let mut generator = stream("1", &["ksg"]);
    ksg(&pair[0], &pair[1], &blocks, neighbours, &mut generator).unwrap()
}

#[test]
fn gaussian_pairs_have_their_information() {
    for (dimension, rho) in [(1, 0.0), (1, 0.5), (1, 0.9), (2, 0.0), (2, 0.6), (2, 0.8)] {
        let pair = gaussian("2", 4000, dimension, rho);
        let exact = -0.5 * dimension as f64 * f64::ln_1p(-rho * rho);
        let found = estimate(&pair, NEIGHBOURS);
        let tolerance = 4.0 * found.standard_error + found.systematic_error;
        let error = found.value - exact;
        assert!(
            error.abs() < tolerance,
            "{dimension} {rho}: {error} of {tolerance}"
        );
        assert!(tolerance < 0.2, "{dimension} {rho}: {tolerance}");
    }
}

#[test]
fn in_many_dimensions_the_interval_allows_for_the_bias() {
    let exact = -2.0 * f64::ln(0.64);
    let found = estimate(&gaussian("6", 4000, 4, 0.6), NEIGHBOURS);
    // Far beyond the spread, and downward.
    assert!(
        found.value < exact - 4.0 * found.standard_error,
        "{found:?}"
    );
    assert!(exact < found.interval[1], "{found:?}, expected {exact}");
    assert!(found.systematic_error < exact, "{found:?}");
}

#[test]
fn errors_are_the_spread_of_repetitions() {
    let found: Vec<MutualInformation> = (0..60)
        .map(|seed| estimate(&gaussian(&seed.to_string(), 1000, 1, 0.5), NEIGHBOURS))
        .collect();
    let mean = |f: &dyn Fn(&MutualInformation) -> f64| found.iter().map(f).sum::<f64>() / 60.0;
    let centre = mean(&|one| one.value);
    let spread = (60.0 / 59.0 * mean(&|one| (one.value - centre).powi(2))).sqrt();
    let ratio = mean(&|one| one.standard_error) / spread;
    // The spread of 60 is known to 9 %; four of these.
    assert!((ratio - 1.0).abs() < 0.36, "ratio {ratio}");
    let exact = -0.5 * f64::ln(0.75);
    let covered = |one: &&MutualInformation| one.interval[0] < exact && exact < one.interval[1];
    // 57 expected, standard deviation 1.7.
    let covered = found.iter().filter(covered).count();
    assert!(covered >= 51, "{covered} of 60");
}

#[test]
fn units_of_the_variables_do_not_matter() {
    let [a, b] = gaussian("3", 500, 2, 0.7);
    let values = a
        .values()
        .chunks_exact(2)
        .flat_map(|x| [1024.0 * x[0] + 5.0, x[1] / 512.0]);
    let other = Collective::continuous(values.collect(), 2).unwrap();
    let known = estimate(&[a, b.clone()], NEIGHBOURS);
    let found = estimate(&[other, b], NEIGHBOURS);
    // Rounding may move a neighbour across a distance, once or twice in 500 samples.
    assert!((found.value - known.value).abs() < 1e-3);
}

#[test]
fn a_dithered_coin_keeps_its_information() {
    // b is a, or its opposite with the probability 1/10: ln 2 - h(1/10).
    let mut generator = stream("4", &["coin"]);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..4000 {
        let up = u32::from(uniform(&mut generator) < 0.5);
        a.push(up);
        b.push(if uniform(&mut generator) < 0.1 {
            1 - up
        } else {
            up
        });
    }
    let pair = [a, b].map(|counts| Collective::counts(&counts).unwrap());
    let found = estimate(&pair, NEIGHBOURS);
    let exact = 2.0_f64.ln() + 0.1 * 0.1_f64.ln() + 0.9 * 0.9_f64.ln();
    let tolerance = 4.0 * found.standard_error + 2.0 * found.systematic_error;
    assert!(
        (found.value - exact).abs() < tolerance,
        "{found:?}, expected {exact}"
    );
}

#[test]
fn samples_without_distances_are_refused() {
    let blocks = independent_blocks(1000, 1000.0);
    let mut generator = stream("5", &[]);
    let steps: Vec<f64> = (0..1000).map(|row| f64::from(row % 7)).collect();
    let ties = Collective::continuous(steps, 1).unwrap();
    let mut run = |a: &Collective, neighbours| ksg(a, &ties, &blocks, neighbours, &mut generator);
    let refused = run(&ties, 4).unwrap_err().to_string();
    assert!(refused.contains("give the spacing"), "{refused}");
    let constant = Collective::continuous(vec![3.0; 1000], 1).unwrap();
    assert!(matches!(
        run(&constant, 4),
        Err(InferenceError::Constant { .. })
    ));
    assert!(matches!(
        run(&ties, 0),
        Err(InferenceError::OutOfRange { .. })
    ));
    let few = run(&ties, 50).unwrap_err();
    assert!(matches!(
        few,
        InferenceError::TooFewRows {
            found: 100,
            needed: 101,
            ..
        }
    ));
}
