//! The planar head against `f64` and against definitions.

use std::f64::consts::TAU;

use super::*;

/// `ln I_0(kappa)` and `I_1(kappa) / I_0(kappa)`: the trapezoidal rule over the
/// angle, which converges geometrically.
fn reference(kappa: f64) -> (f64, f64) {
    let nodes = 2000;
    let (mut zero, mut one) = (0.0, 0.0);
    for k in 0..nodes {
        let cos = (TAU * f64::from(k) / f64::from(nodes)).cos();
        let weight = (kappa * (cos - 1.0)).exp();
        zero += weight;
        one += weight * cos;
    }
    (kappa + (zero / f64::from(nodes)).ln(), one / zero)
}

/// Magnitudes from zero to 1e4, both sides of the polynomials' boundary.
fn magnitudes() -> impl Iterator<Item = f32> {
    let small = [0.0, 1e-20, 1e-6, 1e-3, 3.749, 3.75, 3.751, 1e3, 1e4];
    small.into_iter().chain((1..=600).map(|k| k as f32 * 0.1))
}

#[test]
fn normaliser_and_mean_keep_their_stated_accuracy() {
    for (k, kappa) in magnitudes().enumerate() {
        let angle = k as f64 * 0.7;
        let eta = [kappa * angle.cos() as f32, kappa * angle.sin() as f32];
        let exact_kappa = f64::from(eta[0]).hypot(f64::from(eta[1]));
        let (value, ratio) = reference(exact_kappa);
        let found = f64::from(von_mises_log_normaliser_sum(&eta));
        let bound = 5e-7 + 2e-7 * exact_kappa;
        assert!(
            (found - value).abs() < bound,
            "ln c({kappa}): {found}, {value}"
        );
        let mut mean = [0.0; 2];
        von_mises_mean(&eta, &mut mean);
        for (mean, eta) in mean.iter().zip(eta) {
            let direction = f64::from(eta) / exact_kappa.max(1e-300);
            let error = f64::from(*mean) - ratio * direction;
            assert!(error.abs() < 1e-6, "mean({kappa}): {error:e}");
        }
    }
}

#[test]
fn a_weak_field_gives_half_of_itself_as_the_mean() {
    let mut mean = [0.0; 2];
    von_mises_mean(&[3e-9, -4e-9], &mut mean);
    assert!((mean[0] / 1.5e-9 - 1.0).abs() < 1e-6);
    assert!((mean[1] / -2e-9 - 1.0).abs() < 1e-6);
}

#[test]
fn costs_and_gradients_agree_with_f64_at_every_length() {
    for sites in [1_u16, 31, 32, 33, 100, 2500] {
        let eta: Vec<f32> = (0..2 * sites)
            .map(|i| (f32::from(i) * 0.61).sin() * 5.0)
            .collect();
        let features: Vec<f32> = (0..sites)
            .flat_map(|i| [(f32::from(i) * 1.7).cos(), (f32::from(i) * 1.7).sin()])
            .collect();
        let mut exact = 0.0;
        let mut slopes = Vec::new();
        for (eta, y) in eta.chunks_exact(2).zip(features.chunks_exact(2)) {
            let (eta, y) = ([eta[0], eta[1]].map(f64::from), [y[0], y[1]].map(f64::from));
            let kappa = eta[0].hypot(eta[1]);
            let (value, ratio) = reference(kappa);
            exact += value - eta[0] * y[0] - eta[1] * y[1];
            slopes.extend((0..2).map(|a| 2.5 * (ratio * eta[a] / kappa - y[a])));
        }
        let mut gradient = eta.clone();
        let cost = von_mises_cost_and_gradient(&mut gradient, &features, 2.5);
        assert!((cost - exact).abs() < 1e-6 * f64::from(sites), "{sites}");
        let again = f64::from(von_mises_cost(&eta, &features));
        assert!((again - exact).abs() < 3e-6 * f64::from(sites), "{sites}");
        for (found, exact) in gradient.iter().zip(slopes) {
            assert!((f64::from(*found) - exact).abs() < 3e-6);
        }
    }
}
