//! Couplings of pairs from samples alone, against enumerated models.

use super::*;
use crate::inference::Centring;

/// All states of a pairwise magnet, each as often as its probability demands.
fn enumerated(couplings: &[f64], fields: &[f64], rows: f64) -> BitMatrix {
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
    let states = weights.iter().enumerate();
    let states = states.flat_map(|(state, weight)| {
        std::iter::repeat_n(state, (rows * weight / norm).round() as usize)
    });
    let words: Vec<u64> = states.map(|state| state as u64).collect();
    BitMatrix::from_words(words.len(), sites, words).unwrap()
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
