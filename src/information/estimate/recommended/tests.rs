use std::ops::ControlFlow;

use super::*;
use crate::inference::independent_blocks;
use crate::information::estimate::{Method, features, up_spins};
use crate::physics::{CurieWeiss, SamplingMethod, System};
use crate::random::{stream, uniform};

/// Temperature and exact mutual information of the halves of 100 spins: sums over the
/// numbers of up spins of both halves, computed for this project by other code.
const CURIE_WEISS: [(f64, f64); 3] = [(0.8, 0.887_360), (1.0, 0.636_456), (1.5, 0.135_059)];

fn halves(temperature: f64, rows: usize, seed: usize) -> [Collective; 2] {
    let model = CurieWeiss::new(100, temperature, 0.0).unwrap();
    let streams = |name: &str| stream(&seed.to_string(), &["recommended", name]);
    let go_on = |_: f64| ControlFlow::Continue(());
    let drawn = model
        .sample(SamplingMethod::Exact, rows, &streams, &go_on)
        .unwrap();
    let spins = drawn.samples.as_spins().unwrap();
    let sites: Vec<usize> = (0..100).collect();
    [&sites[..50], &sites[50..]].map(|half| Collective::counts(&up_spins(spins, half)).unwrap())
}

#[test]
fn intervals_cover_the_exact_information_of_curie_weiss_halves() {
    let rows = 10_000;
    let blocks = independent_blocks(rows, rows as f64);
    let (mut covered, mut pulls) = (0, 0.0);
    for (temperature, exact) in CURIE_WEISS {
        for seed in 0..12 {
            let [a, b] = halves(temperature, rows, seed);
            let mut generator = stream(&seed.to_string(), &["estimate"]);
            let found = recommended(&a, &b, &blocks, &mut generator).unwrap();
            assert_eq!(
                found.method,
                Method::NearestNeighbours {
                    neighbours: NEIGHBOURS
                }
            );
            let error = found.value - exact;
            // Its spread is 0.006 to 0.008: four of these.
            assert!(error.abs() < 0.03, "{temperature}: error {error}");
            let half = 0.5 * (found.interval[1] - found.interval[0]);
            assert!(half < 0.025, "{temperature}: interval of ± {half}");
            covered += usize::from(error.abs() < half);
            pulls += error / found.standard_error / 36.0;
        }
    }
    // 34.2 of 36 expected, standard deviation 1.3: less than 30 has the probability 0.2 %.
    assert!(covered >= 30, "{covered} of 36");
    // The mean of 36 pulls has the error 1/6; a bias of half an error is allowed for.
    assert!(pulls.abs() < 0.5 + 3.0 / 6.0, "mean pull {pulls}");
}

#[test]
fn small_alphabets_are_counted() {
    // b is a, or the next of four with the probability 1/4: ln 4 - h(1/4).
    let exact = 4.0_f64.ln() + 0.25 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln();
    let blocks = independent_blocks(2000, 2000.0);
    let mut generator = stream("1", &["alphabet"]);
    let mut covered = 0;
    for _ in 0..200 {
        let draw = |_| {
            let a = (4.0 * uniform(&mut generator)) as u32;
            (a, (a + u32::from(uniform(&mut generator) < 0.25)) % 4)
        };
        let (a, b): (Vec<u32>, Vec<u32>) = (0..2000).map(draw).unzip();
        let [a, b] = [a, b].map(|counts| Collective::counts(&counts).unwrap());
        let found = recommended(&a, &b, &blocks, &mut generator).unwrap();
        assert_eq!(found.method, Method::MillerMadow);
        covered += i32::from(found.interval[0] < exact && exact < found.interval[1]);
    }
    // 190 expected, standard deviation 3.1.
    assert!(covered >= 178, "{covered} of 200");
}

#[test]
fn permutations_give_the_distribution_at_independence() {
    // The plug-in estimate of 3 by 3 independent outcomes is χ² of 4 degrees over 2n.
    let rows = 500;
    let mut generator = stream("2", &["independence"]);
    let mut draw = || (3.0 * uniform(&mut generator)) as u32;
    let a: Vec<u32> = (0..rows).map(|_| draw()).collect();
    let pair = [a.clone(), a].map(|counts| Collective::counts(&counts).unwrap());
    let blocks = independent_blocks(rows, rows as f64);
    let mut generator = stream("3", &["independence"]);
    let found = independence(&pair[0], &pair[1], 400, &mut generator, |a, b, _| {
        let [a, b] = [a, b].map(|x| x.integers().unwrap());
        Ok(from_counts(&a, &b, &blocks, EntropyEstimator::PlugIn)?.value)
    });
    let found = found.unwrap();
    let scale = 0.5 / rows as f64;
    let spread = 8.0_f64.sqrt() * scale;
    assert!(
        (found.value - 4.0 * scale).abs() < 4.0 * spread / 20.0,
        "{found:?}"
    );
    // χ² of 4 degrees has the kurtosis 6: the spread of 400 is known to 5.6 %.
    assert!(
        (found.standard_error / spread - 1.0).abs() < 4.0 * 0.056,
        "{found:?}"
    );
    let few = independence(&pair[0], &pair[1], 19, &mut generator, |_, _, _| Ok(0.0));
    assert!(matches!(
        few,
        Err(InferenceError::TooFewRows { found: 19, .. })
    ));
}

#[test]
fn features_of_unknown_spins_are_not_counted() {
    let model = CurieWeiss::new(6, 1.5, 0.0).unwrap();
    let streams = |name: &str| stream("4", &[name]);
    let go_on = |_: f64| ControlFlow::Continue(());
    let drawn = model
        .sample(SamplingMethod::Exact, 2000, &streams, &go_on)
        .unwrap();
    let signs = features(&drawn.samples, &[0]);
    let signs = Collective::continuous(signs, 1).unwrap();
    let blocks = independent_blocks(2000, 2000.0);
    // Signs without a spacing have no distances: the error says what to do.
    let refused = recommended(&signs, &signs, &blocks, &mut stream("5", &[])).unwrap_err();
    assert!(refused.to_string().contains("spacing"), "{refused}");
}
