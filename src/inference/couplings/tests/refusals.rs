//! Input from which nothing can be estimated.

use super::*;
use crate::inference::{Centring, InferenceError};

#[test]
fn samples_that_decide_nothing_are_refused() {
    let alike = BitMatrix::zeros(4, 3);
    let blocks = [0, 1, 2, 3];
    let fitted = with_bootstrap(|b| pseudo_likelihood(&alike, ExternalField::Absent, &blocks, b));
    assert!(matches!(fitted, Err(InferenceError::Unconverged { .. })));
    let fitted = with_bootstrap(|b| pseudo_likelihood(&alike, ExternalField::Fitted, &blocks, b));
    assert!(matches!(fitted, Err(InferenceError::Unconverged { .. })));
    let inverted =
        with_bootstrap(|b| exchangeable_inversion(&alike, Centring::Symmetric, &blocks, b));
    assert!(matches!(inverted, Err(InferenceError::Constant { .. })));
    let matrix = naive_mean_field(&alike, Centring::Means);
    assert_eq!(matrix, Err(InferenceError::Dependent { vector: 0 }));
    let node_wise = node_wise_pseudo_likelihood(&alike, 1e-3).unwrap();
    assert!(node_wise.iter().all(|coupling| coupling.abs() < 1e-6));
    let draws = with_bootstrap(|b| fit_field(&[0.5; 4], 10, ExternalField::Fitted, &blocks, b));
    assert!(matches!(draws, Err(InferenceError::Constant { .. })));
    let response = with_bootstrap(|b| linear_response(&[0.0; 4], 10, 1, &blocks, b));
    assert!(matches!(response, Err(InferenceError::Constant { .. })));
    let data = MeanFieldData {
        width: 1,
        parameters: &[1.0, 2.0, 3.0, 4.0],
        features: &[0.3; 4],
        blocks: &blocks,
    };
    let line = with_bootstrap(|b| mean_field_regression(&data, b));
    assert!(matches!(line, Err(InferenceError::Constant { .. })));
}

#[test]
fn moments_out_of_reach_are_refused() {
    let blocks = [0, 1];
    let unreached = moment_matching(&[2.0, 3.0], &blocks, |x| x, (0.0, 1.0));
    assert!(matches!(
        unreached,
        Err(InferenceError::NoSolution { target, .. }) if (target - 2.5).abs() < 1e-15
    ));
    let empty = moment_matching(&[2.0, 3.0], &blocks, |x| x, (1.0, 1.0));
    assert!(matches!(empty, Err(InferenceError::OutOfRange { .. })));
    let undefined = moment_matching(&[2.0, 3.0], &blocks, |_| f64::NAN, (0.0, 1.0));
    assert!(matches!(undefined, Err(InferenceError::OutOfRange { .. })));
    // A root of a known function, with the error by the slope: x³ = 8 at 2, slope 12.
    let found = moment_matching(&[7.0, 9.0], &blocks, |x| x.powi(3), (0.0, 50.0)).unwrap();
    assert!((found.value - 2.0).abs() < 1e-9);
    assert!((found.standard_error - 1.0 / 12.0).abs() < 1e-6);
}

#[test]
fn input_that_does_not_fit_is_named() {
    let spins = BitMatrix::zeros(2, 3);
    let blocks = [0, 1];
    let logits = [0.0_f32; 6];
    let count = |result: Result<CouplingMatrix, InferenceError>| result.unwrap_err();
    assert!(matches!(
        count(coupling_matrix(&logits[..5], &spins, 1, &blocks)),
        InferenceError::Count { found: 5, .. }
    ));
    assert!(matches!(
        count(coupling_matrix(&logits, &spins, 4, &blocks)),
        InferenceError::Components {
            asked: 4,
            available: 3
        }
    ));
    let bad = [0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0];
    assert!(matches!(
        count(coupling_matrix(&bad, &spins, 1, &blocks)),
        InferenceError::NotFinite { index: 1, .. }
    ));
    let patterns = BitMatrix::zeros(1, 2);
    let regression = with_bootstrap(|b| pattern_regression(&logits, &spins, &patterns, &blocks, b));
    assert!(matches!(
        regression,
        Err(InferenceError::Count { found: 2, .. })
    ));
    let negative = with_bootstrap(|b| fit_radial_field(&[-1.0, 1.0], 5, 2, &|_| 0.0, &blocks, b));
    assert!(matches!(negative, Err(InferenceError::OutOfRange { .. })));
    let narrow = with_bootstrap(|b| fit_radial_field(&[1.0, 2.0], 5, 1, &|_| 0.0, &blocks, b));
    assert!(matches!(narrow, Err(InferenceError::OutOfRange { .. })));
    let penalty = node_wise_pseudo_likelihood(&spins, 0.0);
    assert!(matches!(penalty, Err(InferenceError::OutOfRange { .. })));
    let wide = BitMatrix::zeros(1, MAX_NODE_WISE_SITES + 1);
    let wide = node_wise_pseudo_likelihood(&wide, 1.0);
    assert!(matches!(wide, Err(InferenceError::TooManySites { .. })));
    let one_draw = FieldDraws {
        sites: 1,
        width: 1,
        draws: 1,
        values: &[0.0; 2],
        blocks: &blocks,
    };
    let one_draw = with_bootstrap(|b| conditional_variance(&one_draw, b));
    assert!(matches!(
        one_draw,
        Err(InferenceError::TooFewRows { found: 1, .. })
    ));
}
