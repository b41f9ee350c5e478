use std::ops::ControlFlow;

use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::inference::independent_blocks;
use crate::information::estimate::{NEIGHBOURS, features, ksg};
use crate::physics::{CurieWeiss, SamplingMethod, System};
use crate::random::stream;

fn halves(temperature: f64, rows: usize) -> [Collective; 2] {
    let model = CurieWeiss::new(100, temperature, 0.0).unwrap();
    let streams = |name: &str| stream("1", &["info_nce", name]);
    let go_on = |_: f64| ControlFlow::Continue(());
    let drawn = model
        .sample(SamplingMethod::Exact, rows, &streams, &go_on)
        .unwrap();
    let sites: Vec<usize> = (0..100).collect();
    [&sites[..50], &sites[50..]]
        .map(|half| Collective::continuous(features(&drawn.samples, half), 50).unwrap())
}

#[test]
fn curie_weiss_halves_are_bounded_from_below_and_nearly_reached() {
    let rows = 20_000;
    let blocks = independent_blocks(rows, rows as f64);
    // The exact values as in the tests of the recommended estimate.
    for (temperature, exact) in [(1.0, 0.636_456), (1.5, 0.135_059)] {
        let [a, b] = halves(temperature, rows);
        let settings = CriticSettings::default();
        let mut generator = stream("2", &["critic"]);
        let found = info_nce(&a, &b, &blocks, &settings, &mut generator).unwrap();
        assert_eq!(found.bias, Bias::LowerBound);
        assert_eq!(found.method.ceiling(), Some(128.0_f64.ln()));
        let error = found.standard_error;
        assert!(
            found.value < exact + 3.0 * error,
            "{temperature}: {found:?}"
        );
        // The spins themselves are seen, 50 a half: weights of the directions are learned
        // from 11,000 samples and cost some of the information, a fifth at most.
        assert!(
            found.value > 0.8 * exact - 3.0 * error,
            "{temperature}: {found:?}"
        );
    }
}

#[test]
fn codes_of_the_critic_are_variables_for_neighbours() {
    let rows = 6000;
    let pair = halves(1.0, rows);
    let train: Vec<usize> = (0..rows / 2).collect();
    let rest: Vec<usize> = (rows / 2..rows).collect();
    let [a, b] = pair.each_ref().map(|x| x.select(&train));
    let settings = CriticSettings {
        features: 2,
        ..CriticSettings::default()
    };
    let critic = Critic::train(&a, &b, &settings, &mut stream("3", &[])).unwrap();
    let [f, g] = critic.codes(&pair.map(|x| x.select(&rest))).unwrap();
    assert_eq!((f.rows(), f.dimension()), (rows / 2, 2));
    let blocks = independent_blocks(rows / 2, rows as f64);
    let found = ksg(&f, &g, &blocks, NEIGHBOURS, &mut stream("4", &[])).unwrap();
    let slack = 3.0 * found.standard_error + found.systematic_error;
    assert!(found.value < 0.636_456 + slack, "{found:?}");
    assert!(found.value > 0.5 * 0.636_456, "{found:?}");
}

#[test]
fn copies_are_bounded_by_the_ceiling() {
    let mut generator = stream("5", &["copies"]);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let values: Vec<f64> = (0..2000).map(|_| normal()).collect();
    let a = Collective::continuous(values, 1).unwrap();
    let blocks = independent_blocks(2000, 2000.0);
    let settings = CriticSettings {
        batch: 4,
        steps: 500,
        ..CriticSettings::default()
    };
    let found = info_nce(&a, &a, &blocks, &settings, &mut stream("6", &[])).unwrap();
    let ceiling = found.method.ceiling().unwrap();
    assert!((ceiling - 4.0_f64.ln()).abs() < 1e-12);
    // The information is infinite; half of the ceiling takes no fine tuning.
    assert!(
        found.value <= ceiling && found.value > 0.5 * ceiling,
        "{found:?}"
    );
}

#[test]
fn independent_variables_give_nothing() {
    let mut generator = stream("7", &["independent"]);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let [a, b] =
        [0, 1].map(|_| Collective::continuous((0..16_000).map(|_| normal()).collect(), 2).unwrap());
    let blocks = independent_blocks(8000, 8000.0);
    let settings = CriticSettings {
        steps: 300,
        ..CriticSettings::default()
    };
    let found = info_nce(&a, &b, &blocks, &settings, &mut stream("8", &[])).unwrap();
    assert!(found.value < 3.0 * found.standard_error + 1e-9, "{found:?}");
}

#[test]
fn too_few_batches_are_refused() {
    let a = Collective::continuous((0..3000).map(f64::from).collect(), 1).unwrap();
    let blocks = independent_blocks(3000, 3000.0);
    let settings = CriticSettings::default();
    let refused = info_nce(&a, &a, &blocks, &settings, &mut stream("9", &[])).unwrap_err();
    assert!(
        matches!(refused, InferenceError::TooFewRows { needed: 1024, .. }),
        "{refused}"
    );
}
