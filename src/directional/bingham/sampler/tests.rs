use super::*;
use crate::directional::bingham::{mean, symmetric_eigen};
use crate::random::stream;

/// Fields of many lengths: prolate, oblate and of other shapes, along no axis.
fn fields() -> Vec<[f64; 5]> {
    let directions = [
        [0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, -1.0, 0.0, 0.0, 0.0],
        [0.5, 0.5, 0.5, 0.5, 0.0],
        [0.1, -0.3, 0.8, -0.5, 0.087],
    ];
    let lengths = [0.0, 0.5, 2.0, 6.0, 15.0, 50.0];
    let scaled = |length: f64| directions.map(|d| d.map(|x| length * x));
    lengths.into_iter().flat_map(scaled).collect()
}

/// The largest deviation of first and second moments from quadrature, in standard
/// errors of the sample.
fn largest_deviation(eta: [f64; 5], features: &[f32]) -> f64 {
    let n = (features.len() / WIDTH) as f64;
    let mut largest = 0.0_f64;
    let mut check = |values: &dyn Fn(&[f32]) -> f64, expected: f64| {
        let rows = || features.chunks_exact(WIDTH).map(values);
        let mean = rows().sum::<f64>() / n;
        let variance = rows().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Single precision hides errors of 1e-7.
        let error = (variance / n).sqrt() + 1e-7;
        largest = largest.max((mean - expected).abs() / error);
    };
    let expected = mean(eta);
    // ∂ mean_a / ∂η_b is the covariance of the features.
    let step = 1e-4;
    for a in 0..WIDTH {
        check(&|y| f64::from(y[a]), expected[a]);
        let at = |sign: f64| {
            let mut moved = eta;
            moved[a] += sign * step;
            mean(moved)
        };
        let (above, below) = (at(1.0), at(-1.0));
        for b in 0..=a {
            let covariance = (above[b] - below[b]) / (2.0 * step);
            let second = covariance + expected[a] * expected[b];
            check(&|y| f64::from(y[a]) * f64::from(y[b]), second);
        }
    }
    largest
}

#[test]
fn moments_of_shared_fields_are_those_of_quadrature() {
    for (index, eta) in fields().into_iter().enumerate() {
        let mut features = vec![0.0; WIDTH * 20_000];
        draw_shared(
            eta,
            &mut features,
            &mut stream("shared", &[&index.to_string()]),
        );
        let deviation = largest_deviation(eta, &features);
        assert!(deviation < 4.0, "{eta:?}: {deviation}");
    }
}

#[test]
fn fields_of_their_own_give_the_same_distribution() {
    let eta = [0.8_f32, -2.5, 3.0, 1.0, -0.3];
    let mut features = vec![0.0; WIDTH * 20_000];
    draw_features(&eta.repeat(20_000), &mut features, &mut stream("own", &[]));
    let deviation = largest_deviation(eta.map(f64::from), &features);
    assert!(deviation < 4.0, "{deviation}");
}

#[test]
fn each_site_follows_its_own_field() {
    let strong = 1e5;
    let eta = [strong, 0.0, 0.0, 0.0, 0.0, 0.0, strong, 0.0, 0.0, 0.0];
    let mut features = vec![0.0; 2 * WIDTH];
    draw_features(&eta, &mut features, &mut stream("two", &[]));
    // The first has E_1 as its field, of which no director aligns completely.
    assert!((features[0] - 0.75_f32.sqrt()).abs() < 1e-2, "{features:?}");
    assert!((features[6] - 1.0).abs() < 1e-3, "{features:?}");
}

#[test]
fn features_have_length_one_in_any_field() {
    for length in [0.0, 1.0, 1e3, 1e6] {
        let eta = [0.3, -0.2, 0.6, 0.7, 0.1].map(|x| x * length);
        let mut features = vec![0.0; WIDTH * 100];
        draw_shared(eta, &mut features, &mut stream("lengths", &[]));
        for y in features.chunks_exact(WIDTH) {
            let square: f32 = y.iter().map(|y| y * y).sum();
            assert!((square - 1.0).abs() < 1e-6, "{square}");
        }
    }
}

#[test]
fn a_field_that_is_not_finite_gives_no_numbers() {
    let mut features = vec![0.0; WIDTH];
    draw_shared(
        [f64::NAN, 0.0, 0.0, 0.0, 0.0],
        &mut features,
        &mut stream("", &[]),
    );
    assert!(features.iter().all(|y| y.is_nan()));
    draw_features(&[f32::INFINITY; 5], &mut features, &mut stream("", &[]));
    assert!(features.iter().all(|y| y.is_nan()));
}

#[test]
fn the_transform_is_a_root_of_the_inverse_of_the_envelope() {
    let eta = [0.4, -2.0, 3.0, 1.0, 0.7];
    let sampler = Sampler::new(eta);
    let [t00, t01, t02, t11, t12, t22] = sampler.transform;
    let t = [[t00, t01, t02], [0.0, t11, t12], [0.0, 0.0, t22]];
    let covariance: [[f64; 3]; 3] =
        std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| t[i][k] * t[j][k]).sum()));
    let root = 3.0 * sampler.scale;
    let b = eigenvalues_at(length(eta), shape(eta));
    let found = symmetric_eigen(covariance).values;
    for (found, b_k) in found.iter().zip(b) {
        assert!((found.recip() - 1.0 - 2.0 * (b[0] - b_k) / root).abs() < 1e-12);
    }
}
