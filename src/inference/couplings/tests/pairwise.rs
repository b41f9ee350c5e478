//! Couplings of pairs from samples alone, against enumerated models.

use super::*;
use crate::inference::Centring;

/// The probability of each state of a pairwise magnet, bit `i` of a state for spin `i`.
fn probabilities(couplings: &[f64], fields: &[f64]) -> Vec<f64> {
    let sites = fields.len();
    let spin = |state: usize, site: usize| if state >> site & 1 == 1 { 1.0 } else { -1.0 };
    let weight = |state: usize| {
        let mut exponent = 0.0;
        for i in 0..sites {
            exponent += fields[i] * spin(state, i);
            for j in 0..i {
                exponent += couplings[i * sites + j] * spin(state, i) * spin(state, j);
            }
        }
        exponent.exp()
    };
    let weights: Vec<f64> = (0..1 << sites).map(weight).collect();
    let norm: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / norm).collect()
}

/// All states of a pairwise magnet, each as often as its probability demands.
fn enumerated(couplings: &[f64], fields: &[f64], rows: f64) -> BitMatrix {
    let probabilities = probabilities(couplings, fields);
    let states = probabilities.iter().enumerate();
    let states = states.flat_map(|(state, probability)| {
        std::iter::repeat_n(state, (rows * probability).round() as usize)
    });
    let words: Vec<u64> = states.map(|state| state as u64).collect();
    BitMatrix::from_words(words.len(), fields.len(), words).unwrap()
}

/// Symmetric couplings, uniform in ±`strength`.
fn random_couplings(sites: usize, strength: f64) -> Vec<f64> {
    let mut generator = stream("random couplings", &[]);
    let mut couplings = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in 0..i {
            let value = strength * (2.0 * uniform(&mut generator) - 1.0);
            couplings[i * sites + j] = value;
            couplings[j * sites + i] = value;
        }
    }
    couplings
}

#[test]
fn naive_mean_field_is_right_up_to_third_order_where_spins_have_no_means() {
    let error = |strength: f64| {
        let truth = random_couplings(8, strength);
        let samples = enumerated(&truth, &[0.0; 8], 1e6);
        let found = naive_mean_field(&samples, Centring::Symmetric).unwrap();
        compare_couplings(&found, &truth, 8).unwrap().relative_error
    };
    let (weak, strong) = (error(0.1), error(0.2));
    assert!(weak < 0.02, "{weak}");
    // The relative error is of second order: about four times as large at twice the
    // strength, where first order would give two and third order eight.
    assert!((2.8..5.7).contains(&(strong / weak)), "{weak} {strong}");
}

#[test]
fn naive_mean_field_of_two_spins_is_sinh_cosh() {
    // Three of four configurations aligned: C = 1/2, βJ = artanh 1/2.
    let samples = BitMatrix::from_words(8, 2, vec![0, 3, 0, 3, 0, 3, 1, 2]).unwrap();
    let found = naive_mean_field(&samples, Centring::Symmetric).unwrap();
    let coupling = 0.5_f64.atanh();
    let expected = coupling.sinh() * coupling.cosh();
    for (found, expected) in found.iter().zip([0.0, expected, expected, 0.0]) {
        assert!((found - expected).abs() < 1e-12);
    }
}

#[test]
fn node_wise_pseudo_likelihood_returns_couplings_of_any_strength() {
    for strength in [0.1, 0.8] {
        let truth = random_couplings(8, strength);
        let samples = enumerated(&truth, &[0.2; 8], 1e5);
        let found = node_wise_pseudo_likelihood(&samples, 1e-9).unwrap();
        let agreement = compare_couplings(&found, &truth, 8).unwrap();
        // Probabilities are rounded to 1e-5.
        assert!(agreement.relative_error < 2e-3, "{strength}: {agreement:?}");
    }
    // Of two spins with C = 1/2: βJ = artanh 1/2.
    let pair = BitMatrix::from_words(8, 2, vec![0, 3, 0, 3, 0, 3, 1, 2]).unwrap();
    let found = node_wise_pseudo_likelihood(&pair, 1e-9).unwrap();
    assert!((found[1] - 0.5_f64.atanh()).abs() < 1e-6);
    // A penalty keeps what would be infinite finite, and pulls to zero: the maximum
    // of ln p - λ J² is where 2 (1 - p) = 2 λ J, p = 1 / (1 + exp(-2 J)).
    let aligned = BitMatrix::from_words(4, 2, vec![0, 3, 0, 3]).unwrap();
    let found = node_wise_pseudo_likelihood(&aligned, 0.1).unwrap();
    let condition = 1.0 / (1.0 + (2.0 * found[1]).exp()) - 0.1 * found[1];
    assert!(condition.abs() < 1e-6, "{found:?}");
}

/// Independent configurations of an enumerated magnet.
struct Enumerated {
    sites: usize,
    cumulative: Vec<f64>,
}

impl Enumerated {
    fn new(couplings: &[f64], sites: usize) -> Self {
        let mut sum = 0.0;
        let cumulative = probabilities(couplings, &vec![0.0; sites])
            .into_iter()
            .map(|probability| {
                sum += probability;
                sum
            })
            .collect();
        Self { sites, cumulative }
    }

    fn draw(&self, rows: usize, generator: &mut Generator) -> BitMatrix {
        let last = self.cumulative.len() - 1;
        let mut state = |_| {
            let target = uniform(generator);
            let state = self.cumulative.partition_point(|&sum| sum <= target);
            state.min(last) as u64
        };
        let words = (0..rows).map(&mut state).collect();
        BitMatrix::from_words(rows, self.sites, words).unwrap()
    }
}

/// Couplings so strong that naive mean field is wrong by far more than its noise.
///
/// Noise adds its square to that of the error, and takes from the correlation: where the
/// limit is near 0 or 1, that moves both by more than their standard errors.
fn strong_couplings() -> Vec<f64> {
    random_couplings(6, 0.8)
}

#[test]
fn intervals_of_the_naive_mean_field_matrix_cover_what_it_tends_to() {
    let truth = strong_couplings();
    let magnet = Enumerated::new(&truth, 6);
    // With infinitely many configurations: the correlations by enumeration.
    let probabilities = probabilities(&truth, &[0.0; 6]);
    let spin = |state: usize, site: usize| if state >> site & 1 == 1 { 1.0 } else { -1.0 };
    let correlation = |i: usize, j: usize| -> f64 {
        let states = probabilities.iter().enumerate();
        states
            .map(|(state, p)| p * spin(state, i) * spin(state, j))
            .sum()
    };
    let correlations = faer::Mat::from_fn(6, 6, correlation);
    let inverse = faer::linalg::solvers::DenseSolveCore::inverse(&correlations.partial_piv_lu());
    let entry = |k: usize| {
        if k / 6 == k % 6 {
            0.0
        } else {
            -inverse[(k / 6, k % 6)]
        }
    };
    let limit: Vec<f64> = (0..36).map(entry).collect();
    let limit = compare_couplings(&limit, &truth, 6).unwrap();
    assert!(limit.relative_error > 0.2, "{limit:?}");
    for centring in [Centring::Symmetric, Centring::Means] {
        let hits = coverage(|seed| {
            let mut generator = stream(&seed.to_string(), &["naive mean field"]);
            let samples = magnet.draw(20_000, &mut generator);
            let blocks = consecutive_blocks(20_000, 200);
            let found = naive_mean_field_agreement(&samples, centring, &truth, &blocks);
            (found.unwrap(), limit)
        });
        assert_covered(hits);
    }
}

#[test]
fn intervals_of_the_node_wise_matrix_cover_what_it_tends_to() {
    let truth = strong_couplings();
    let magnet = Enumerated::new(&truth, 6);
    // Held against the magnitudes of the couplings of the magnet, so that correlation and
    // error tend to values far from 1 and 0: without a penalty the method is right in the
    // limit of infinitely many configurations.
    let other: Vec<f64> = truth.iter().map(|j| j.abs()).collect();
    let limit = compare_couplings(&truth, &other, 6).unwrap();
    let hits = coverage(|seed| {
        let mut generator = stream(&seed.to_string(), &["node-wise"]);
        let samples = magnet.draw(8000, &mut generator);
        let blocks = consecutive_blocks(8000, 80);
        let found = node_wise_agreement(&samples, 1e-9, &other, &blocks);
        (found.unwrap(), limit)
    });
    assert_covered(hits);
}

#[test]
fn agreements_with_errors_have_the_values_of_the_matrices() {
    let truth = strong_couplings();
    let mut generator = stream("values", &[]);
    let samples = Enumerated::new(&truth, 6).draw(500, &mut generator);
    let blocks = consecutive_blocks(500, 10);
    let plain = |found: &[f64]| compare_couplings(found, &truth, 6).unwrap();
    for centring in [Centring::Symmetric, Centring::Means] {
        let expected = plain(&naive_mean_field(&samples, centring).unwrap());
        let found = naive_mean_field_agreement(&samples, centring, &truth, &blocks).unwrap();
        assert_agree(found, expected);
    }
    let expected = plain(&node_wise_pseudo_likelihood(&samples, 0.01).unwrap());
    let found = node_wise_agreement(&samples, 0.01, &truth, &blocks).unwrap();
    assert_agree(found, expected);
}

#[track_caller]
fn assert_agree(found: EstimatedAgreement, expected: MatrixAgreement) {
    for (found, expected) in [
        (found.slope, expected.slope),
        (found.correlation, expected.correlation),
        (found.relative_error, expected.relative_error),
    ] {
        assert!((found.value - expected).abs() < 1e-12, "{found:?}");
        assert!(
            found.standard_error > 0.0 && found.count == 500,
            "{found:?}"
        );
    }
}

#[test]
fn the_error_of_two_spins_is_that_of_their_correlation() {
    // C = c: βJ = c / (1 - c²), so that the error is (1 + c²) / (1 - c²)² times that of c,
    // √((1 - c²) / (n - 1)) of n independent products with mean c; blocks of one row.
    let samples = BitMatrix::from_words(8, 2, vec![0, 3, 0, 3, 0, 3, 1, 2]).unwrap();
    let blocks: Vec<u32> = (0..8).collect();
    let truth = [0.0, 1.0, 1.0, 0.0];
    let c = 0.5_f64;
    let error = ((1.0 - c * c) / 7.0).sqrt();
    let expected = error * (1.0 + c * c) / (1.0 - c * c).powi(2);
    let centring = Centring::Symmetric;
    let found = naive_mean_field_agreement(&samples, centring, &truth, &blocks).unwrap();
    let slope = found.slope.standard_error;
    assert!((slope - expected).abs() < 1e-12, "{slope}, {expected}");
    // βJ = artanh c of either spin: the error by 1 / (1 - c²).
    let expected = error / (1.0 - c * c);
    let found = node_wise_agreement(&samples, 1e-9, &truth, &blocks).unwrap();
    let slope = found.slope.standard_error;
    assert!((slope / expected - 1.0).abs() < 1e-6, "{slope}, {expected}");
}
