use proptest::prelude::*;

use super::*;
use crate::bits::BitMatrix;
use crate::inference::basis::subtract_multiple;
use crate::inference::{match_patterns, spectrum};
use crate::random::{Generator, stream, uniform};

/// Uniform random patterns, bit 1 for +1.
fn random_patterns(generator: &mut Generator, patterns: usize, sites: usize) -> BitMatrix {
    let mut bits = BitMatrix::zeros(patterns, sites);
    for pattern in 0..patterns {
        for site in 0..sites {
            bits.set(pattern, site, uniform(generator) < 0.5);
        }
    }
    bits
}

fn values(truth: &BitMatrix) -> Vec<Vec<f64>> {
    let sign = |up: bool| if up { 1.0 } else { -1.0 };
    let row = |p: usize| {
        (0..truth.columns())
            .map(|i| sign(truth.get(p, i)))
            .collect()
    };
    (0..truth.rows()).map(row).collect()
}

/// As many random combinations of the vectors as there are vectors.
fn mixed(generator: &mut Generator, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut combination = || {
        let mut sum = vec![0.0; vectors[0].len()];
        for vector in vectors {
            subtract_multiple(&mut sum, uniform(generator) - 0.5, vector);
        }
        sum
    };
    (0..vectors.len()).map(|_| combination()).collect()
}

fn random_vector(generator: &mut Generator, sites: usize) -> Vec<f64> {
    (0..sites).map(|_| uniform(generator) - 0.5).collect()
}

/// Turns each basis vector by `angle` towards a random direction outside.
fn tilted(generator: &mut Generator, basis: &Basis, angle: f64) -> Basis {
    let mut vectors: Vec<Vec<f64>> = basis.vectors().map(<[f64]>::to_vec).collect();
    let dimension = vectors.len();
    vectors.extend((0..dimension).map(|_| random_vector(generator, basis.sites())));
    let both = Basis::spanning(&vectors).unwrap();
    let both: Vec<&[f64]> = both.vectors().collect();
    let turned = |k: usize| {
        let pair = both[k].iter().zip(both[k + dimension]);
        pair.map(|(inside, outside)| angle.cos() * inside + angle.sin() * outside)
            .collect()
    };
    Basis::spanning(&(0..dimension).map(turned).collect::<Vec<_>>()).unwrap()
}

#[test]
fn exact_spaces_give_their_patterns_back() {
    for patterns in 1..=12 {
        let sites = if patterns < 8 { 100 } else { 300 };
        let mut generator = stream("1", &["exact", &patterns.to_string()]);
        let truth = random_patterns(&mut generator, patterns, sites);
        let basis = Basis::spanning(&mixed(&mut generator, &values(&truth))).unwrap();
        let factors = binary_factorisation(&basis).unwrap();
        assert!(factors.stable);
        assert!(factors.residuals.iter().all(|&r| r < 1e-12));
        for matched in match_patterns(&factors.patterns, &truth).unwrap() {
            assert_eq!(matched.wrong_fraction, 0.0, "P = {patterns}, {matched:?}");
        }
        for (pattern, weights) in factors.patterns.iter().zip(&factors.coefficients) {
            let again = basis.combine(weights);
            let near = |(x, t): (&i8, &f64)| (f64::from(*x) - t).abs() < 1e-9;
            assert!(pattern.iter().zip(&again).all(near));
        }
    }
}

#[test]
fn twenty_patterns_of_an_exact_space_are_found() {
    let mut generator = stream("1", &["twenty"]);
    let truth = random_patterns(&mut generator, 20, 200);
    let basis = Basis::spanning(&mixed(&mut generator, &values(&truth))).unwrap();
    let factors = binary_factorisation(&basis).unwrap();
    for matched in match_patterns(&factors.patterns, &truth).unwrap() {
        assert_eq!(matched.wrong_fraction, 0.0, "{matched:?}");
    }
}

#[test]
fn patterns_survive_a_space_tilted_by_a_quarter_radian() {
    // A pattern's projection is off by noise of standard deviation tan(0.25) = 0.26
    // at each site, so a site is wrong with probability 5e-5: no pattern should lose
    // more than one site of 100, or three of 300.
    const ANGLE: f64 = 0.25;
    for (patterns, sites) in [(3, 100), (8, 300), (12, 300)] {
        for seed in ["1", "2", "3"] {
            let mut generator = stream(seed, &["tilted", &patterns.to_string()]);
            let truth = random_patterns(&mut generator, patterns, sites);
            let exact = Basis::spanning(&mixed(&mut generator, &values(&truth))).unwrap();
            let basis = tilted(&mut generator, &exact, ANGLE);
            let factors = binary_factorisation(&basis).unwrap();
            for matched in match_patterns(&factors.patterns, &truth).unwrap() {
                assert!(matched.overlap >= 0.98, "seed {seed}: {matched:?}");
            }
            // A pattern keeps cos^2 of its squared length, up to the few wrong sites
            // and the spread of the tilt over the patterns.
            let expected = ANGLE.sin().powi(2);
            for residual in &factors.residuals {
                assert!((residual - expected).abs() < 0.5 * expected, "{residual}");
            }
        }
    }
}

#[test]
fn patterns_are_read_off_half_logits_of_a_warped_latent() {
    // Three different functions of one latent: the rank is 3 all the same.
    let mut generator = stream("6", &["half-logits"]);
    let truth = random_patterns(&mut generator, 3, 100);
    let patterns = values(&truth);
    let mut half_logits = Vec::new();
    for _ in 0..500 {
        let angle = std::f64::consts::TAU * uniform(&mut generator);
        let strengths = [angle.cos(), angle.sin(), (2.0 * angle).cos()];
        half_logits.extend((0..100).map(|site| {
            let terms = strengths.iter().zip(&patterns);
            let signal: f64 = terms.map(|(strength, p)| strength * p[site]).sum();
            0.7 + signal + 0.2 * (uniform(&mut generator) - 0.5)
        }));
    }
    let read = spectrum(&half_logits, 100).unwrap();
    assert_eq!(read.effective, 3);
    assert!(read.gap_is_clear());
    let factors = binary_factorisation(&read.basis(3).unwrap()).unwrap();
    for matched in match_patterns(&factors.patterns, &truth).unwrap() {
        assert_eq!(matched.wrong_fraction, 0.0, "{matched:?}");
    }
}

#[test]
fn correlated_patterns_are_told_apart_under_noise() {
    // The second pattern differs from the first on 10 of 200 sites: overlap 0.9.
    let mut generator = stream("4", &["correlated"]);
    let mut truth = random_patterns(&mut generator, 3, 200);
    for site in 0..200 {
        truth.set(1, site, truth.get(0, site) ^ (site % 20 == 0));
    }
    let exact = Basis::spanning(&mixed(&mut generator, &values(&truth))).unwrap();
    let basis = tilted(&mut generator, &exact, 0.05);
    let factors = binary_factorisation(&basis).unwrap();
    for matched in match_patterns(&factors.patterns, &truth).unwrap() {
        assert_eq!(matched.wrong_fraction, 0.0, "{matched:?}");
    }
}

#[test]
fn a_space_without_binary_vectors_shows_in_the_residuals() {
    // For Gaussian vectors, mean |t_i| over unit directions is at most
    // sqrt(2/pi) + 2 sqrt(P/N) = 0.875 on average, so residuals are above 0.23.
    let mut generator = stream("1", &["gaussian"]);
    let mut gaussian = || {
        let sum_of_twelve = |_| (0..12).map(|_| uniform(&mut generator)).sum::<f64>() - 6.0;
        (0..2000).map(sum_of_twelve).collect::<Vec<f64>>()
    };
    let basis = Basis::spanning(&[gaussian(), gaussian(), gaussian()]).unwrap();
    let factors = binary_factorisation(&basis).unwrap();
    assert_eq!(factors.patterns.len(), 3);
    assert!(
        factors.residuals.iter().all(|&r| r > 0.2),
        "{:?}",
        factors.residuals
    );
}

#[test]
fn the_whole_space_of_few_sites_has_exact_patterns() {
    let unit = |k: usize| (0..4).map(|i| f64::from(u8::from(i == k))).collect();
    let basis = Basis::spanning(&(0..4).map(unit).collect::<Vec<_>>()).unwrap();
    let factors = binary_factorisation(&basis).unwrap();
    assert_eq!(factors.patterns.len(), 4);
    assert!(factors.residuals.iter().all(|&r| r < 1e-12));
}

#[test]
fn too_many_dimensions_are_refused() {
    let mut generator = stream("1", &["many"]);
    let vectors: Vec<Vec<f64>> = (0..21).map(|_| random_vector(&mut generator, 30)).collect();
    let basis = Basis::spanning(&vectors).unwrap();
    assert_eq!(
        binary_factorisation(&basis),
        Err(InferenceError::TooManyPatterns {
            found: 21,
            limit: MAX_PATTERNS
        })
    );
}

/// Patterns in an order of their own, with the first site of each +1.
fn sorted(mut patterns: Vec<Vec<i8>>) -> Vec<Vec<i8>> {
    for pattern in &mut patterns {
        let first = pattern[0];
        for x in pattern.iter_mut() {
            *x *= first;
        }
    }
    patterns.sort();
    patterns
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Another basis of the same space gives the same patterns; relabelled and
    /// flipped sites give the relabelled and flipped patterns.
    #[test]
    fn patterns_follow_rotations_permutations_and_flips(seed in any::<u64>(), count in 1..7_usize) {
        const SITES: usize = 64;
        let mut generator = stream(&seed.to_string(), &["equivariance"]);
        let truth = random_patterns(&mut generator, count, SITES);
        let space = mixed(&mut generator, &values(&truth));
        let found = binary_factorisation(&Basis::spanning(&space).unwrap()).unwrap();

        let mut sites: Vec<(f64, usize)> = (0..SITES).map(|i| (uniform(&mut generator), i)).collect();
        sites.sort_by(|a, b| a.0.total_cmp(&b.0));
        let flips: Vec<i8> = (0..SITES)
            .map(|_| if uniform(&mut generator) < 0.5 { 1 } else { -1 })
            .collect();
        let moved = |vector: &Vec<f64>| -> Vec<f64> {
            sites.iter().map(|&(_, i)| f64::from(flips[i]) * vector[i]).collect()
        };
        let other: Vec<Vec<f64>> = mixed(&mut generator, &space).iter().map(moved).collect();
        let again = binary_factorisation(&Basis::spanning(&other).unwrap()).unwrap();

        let carried = found.patterns.iter()
            .map(|pattern| sites.iter().map(|&(_, i)| flips[i] * pattern[i]).collect())
            .collect();
        prop_assert_eq!(sorted(carried), sorted(again.patterns));
    }
}
