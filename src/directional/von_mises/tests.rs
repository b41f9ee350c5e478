use super::*;
use crate::random::stream;

/// Midpoints of the circle: the rule converges faster than any power.
fn by_brute_force(eta: [f64; 2]) -> (f64, [f64; 2]) {
    let steps = 20_000;
    let length = eta[0].hypot(eta[1]);
    let (mut total, mut mean) = (0.0, [0.0; 2]);
    for step in 0..steps {
        let angle = std::f64::consts::PI * f64::from(step) / f64::from(steps);
        let y = feature([angle.cos(), angle.sin()]);
        let weight = (eta[0] * y[0] + eta[1] * y[1] - length).exp();
        total += weight;
        mean[0] += weight * y[0];
        mean[1] += weight * y[1];
    }
    let log_normaliser = length + (total / f64::from(steps)).ln();
    (log_normaliser, mean.map(|m| m / total))
}

#[test]
fn normaliser_and_mean_are_their_integrals_over_the_circle() {
    for length in [0.0, 0.3, 1.0, 7.0, 19.9, 20.1, 500.0, 1e6] {
        let eta = [0.6 * length, -0.8 * length];
        let (log_normaliser_expected, mean_expected) = by_brute_force(eta);
        let tolerance = 1e-12 * (1.0 + length);
        assert!((log_normaliser(eta) - log_normaliser_expected).abs() < tolerance);
        for (found, expected) in mean(eta).iter().zip(mean_expected) {
            assert!((found - expected).abs() < 1e-12, "{length}: {found}");
        }
    }
}

#[test]
fn features_have_length_one_and_are_those_of_twice_the_angle() {
    for angle in [0.0_f64, 0.3, 1.7, 3.0, -2.2] {
        let u = [2.5 * angle.cos(), 2.5 * angle.sin()];
        let [cosine, sine] = feature(u);
        assert!((cosine - (2.0 * angle).cos()).abs() < 1e-15);
        assert!((sine - (2.0 * angle).sin()).abs() < 1e-15);
        let opposite = feature(u.map(|x| -x));
        assert!(
            opposite
                .iter()
                .zip([cosine, sine])
                .all(|(x, y)| (x - y).abs() < 1e-16)
        );
    }
}

type Statistic<'a> = &'a dyn Fn(&[f32]) -> f64;

/// The deviation of the moments along and across the field, in standard errors.
fn largest_deviation(eta: [f64; 2], features: &[f32]) -> f64 {
    let length = eta[0].hypot(eta[1]);
    let n = (features.len() / WIDTH) as f64;
    let axis = if length == 0.0 {
        [1.0, 0.0]
    } else {
        eta.map(|x| x / length)
    };
    let along = |y: &[f32]| f64::from(y[0]) * axis[0] + f64::from(y[1]) * axis[1];
    let across = |y: &[f32]| f64::from(y[1]) * axis[0] - f64::from(y[0]) * axis[1];
    let order = mean_at(length);
    // E cos² = 1 - (I1/I0)/κ, as the second derivative of I0 says.
    let square = if length == 0.0 {
        0.5
    } else {
        1.0 - order / length
    };
    let moments: [(Statistic<'_>, f64); 4] = [
        (&along, order),
        (&across, 0.0),
        (&|y| along(y).powi(2), square),
        (&|y| along(y) * across(y), 0.0),
    ];
    let mut largest = 0.0_f64;
    for (value, expected) in moments {
        let rows = || features.chunks_exact(WIDTH).map(value);
        let mean = rows().sum::<f64>() / n;
        let variance = rows().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = (variance / n).sqrt() + 1e-7;
        largest = largest.max((mean - expected).abs() / error);
    }
    largest
}

#[test]
fn moments_of_samples_are_those_of_the_density() {
    for length in [0.0, 1e-9, 0.2, 1.0, 5.0, 50.0, 1e4, 1e6] {
        let eta = [-0.28 * length, 0.96 * length];
        let mut features = vec![0.0; WIDTH * 20_000];
        draw_shared(
            eta,
            &mut features,
            &mut stream("shared", &[&length.to_string()]),
        );
        let deviation = largest_deviation(eta, &features);
        assert!(deviation < 4.0, "{length}: {deviation}");
    }
}

#[test]
fn fields_of_their_own_give_the_same_distribution() {
    let eta = [1.5_f32, -0.7];
    let mut features = vec![0.0; WIDTH * 20_000];
    draw_features(&eta.repeat(20_000), &mut features, &mut stream("own", &[]));
    let deviation = largest_deviation(eta.map(f64::from), &features);
    assert!(deviation < 4.0, "{deviation}");
}

#[test]
fn samples_have_length_one_and_finite_fields_only_give_numbers() {
    for length in [0.0, 3.0, 1e6, 1e30] {
        let mut features = vec![0.0; WIDTH * 100];
        draw_shared([length, length], &mut features, &mut stream("lengths", &[]));
        for y in features.chunks_exact(WIDTH) {
            assert!((y[0].hypot(y[1]) - 1.0).abs() < 1e-6, "{y:?}");
        }
    }
    let mut features = vec![0.0; WIDTH];
    draw_features(&[f32::NAN, 1.0], &mut features, &mut stream("", &[]));
    assert!(features.iter().all(|y| y.is_nan()));
}
