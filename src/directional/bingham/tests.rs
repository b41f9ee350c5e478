use super::*;
use crate::random::{Generator, stream, uniform};

use rand_distr::{Distribution, StandardNormal};

fn random_field(length: f64, generator: &mut Generator) -> [f64; 5] {
    let direction: [f64; 5] = std::array::from_fn(|_| StandardNormal.sample(generator));
    let size = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    direction.map(|x| length * x / size)
}

fn random_vector(generator: &mut Generator) -> [f64; 3] {
    std::array::from_fn(|_| StandardNormal.sample(generator))
}

fn dot<const K: usize>(a: [f64; K], b: [f64; K]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `ln c` and the mean feature by brute force: midpoints in `z` and in azimuth.
fn by_brute_force(eta: [f64; 5]) -> (f64, [f64; 5]) {
    let (heights, azimuths) = (4000, 200);
    let (mut total, mut mean) = (0.0, [0.0; 5]);
    for height in 0..heights {
        let z = (f64::from(height) + 0.5) / f64::from(heights) * 2.0 - 1.0;
        for azimuth in 0..azimuths {
            let angle = std::f64::consts::TAU * f64::from(azimuth) / f64::from(azimuths);
            let radius = (1.0 - z * z).sqrt();
            let y = feature([radius * angle.cos(), radius * angle.sin(), z]);
            let weight = (dot(eta, y) - length(eta)).exp();
            total += weight;
            mean.iter_mut().zip(y).for_each(|(m, y)| *m += weight * y);
        }
    }
    let count = f64::from(heights * azimuths);
    (length(eta) + (total / count).ln(), mean.map(|m| m / total))
}

#[test]
fn features_have_length_one_and_multiply_to_the_second_legendre_polynomial() {
    let mut generator = stream("vectors", &[]);
    for _ in 0..100 {
        let (u, v) = (random_vector(&mut generator), random_vector(&mut generator));
        assert!((dot(feature(u), feature(u)) - 1.0).abs() < 1e-14);
        let cosine = dot(u, v) / (dot(u, u) * dot(v, v)).sqrt();
        let legendre = 1.5 * cosine * cosine - 0.5;
        assert!((dot(feature(u), feature(v)) - legendre).abs() < 1e-14);
        let opposite = feature(u.map(|x| -x)).map(f64::to_bits);
        assert_eq!(opposite, feature(u).map(f64::to_bits));
    }
}

#[test]
fn the_basis_is_orthonormal_and_makes_the_feature() {
    let units: Vec<[f64; 5]> = (0..5)
        .map(|a| std::array::from_fn(|b| f64::from(u8::from(a == b))))
        .collect();
    let u: [f64; 3] = [0.48, -0.6, 0.64];
    for (a, unit) in units.iter().enumerate() {
        let matrix = tensor(*unit);
        let back = components(matrix);
        assert!(back.iter().zip(unit).all(|(x, y)| (x - y).abs() < 1e-15));
        let trace: f64 = (0..3).map(|i| matrix[i][i]).sum();
        let square: f64 = matrix.iter().flatten().map(|x| x * x).sum();
        assert!(trace.abs() < 1e-15 && (square - 1.0).abs() < 1e-15);
        let form: f64 = (0..3).map(|i| u[i] * dot(matrix[i], u)).sum();
        assert!((feature(u)[a] - 1.5_f64.sqrt() * form).abs() < 1e-15);
    }
    // As the documentation lists them.
    let e1 = tensor([1.0, 0.0, 0.0, 0.0, 0.0]);
    assert!((e1[0][0] - 0.5_f64.sqrt()).abs() < 1e-15 && e1[2][2].abs() < 1e-15);
    let e2 = tensor([0.0, 1.0, 0.0, 0.0, 0.0]);
    assert!((e2[2][2] - 2.0 / 6.0_f64.sqrt()).abs() < 1e-15);
}

#[test]
fn closed_eigenvalues_are_those_of_the_matrix() {
    let mut generator = stream("fields", &[]);
    for _ in 0..100 {
        let eta = random_field(7.0, &mut generator);
        let jacobi = symmetric_eigen(tensor(eta)).values;
        let closed = eigenvalues_at(length(eta), shape(eta));
        for (closed, jacobi) in closed.iter().zip(jacobi) {
            assert!((closed - 1.5_f64.sqrt() * jacobi).abs() < 1e-13 / shape(eta).sqrt());
        }
    }
}

#[test]
fn shapes_of_random_directions_are_uniform() {
    let mut generator = stream("shapes", &[]);
    let n = 20_000;
    let shapes: Vec<f64> = (0..n)
        .map(|_| shape(random_field(3.0, &mut generator)))
        .collect();
    for power in [1, 2, 3] {
        let mean = shapes.iter().map(|s| s.powi(power)).sum::<f64>() / f64::from(n);
        let expected = 1.0 / f64::from(power + 1);
        let variance = 1.0 / f64::from(2 * power + 1) - expected * expected;
        assert!((mean - expected).abs() < 4.0 * (variance / f64::from(n)).sqrt());
    }
}

#[test]
fn normaliser_and_mean_are_their_integrals_over_the_sphere() {
    let mut generator = stream("fields", &[]);
    let mut fields = vec![[0.0, 2.0, 0.0, 0.0, 0.0], [0.0, -9.0, 0.0, 0.0, 0.0]];
    for length in [0.3, 0.99, 1.01, 4.0, 12.0, 40.0] {
        fields.push(random_field(length, &mut generator));
    }
    for eta in fields {
        let (log_normaliser_expected, mean_expected) = by_brute_force(eta);
        // Midpoints in z: the error falls with the square of 1/4000.
        let tolerance = 1e-6 * (1.0 + length(eta));
        assert!((log_normaliser(eta) - log_normaliser_expected).abs() < tolerance);
        for (found, expected) in mean(eta).iter().zip(mean_expected) {
            assert!((found - expected).abs() < tolerance, "{found} {expected}");
        }
    }
}

/// `exp(-b_1) c` by midpoints in `t` and in azimuth; the integrand is even in `t` and
/// vanishes at the end, so that both rules converge faster than any power.
fn scaled_normaliser_slowly(b: [f64; 3]) -> f64 {
    let (steps, azimuths) = (1000, 512);
    let mut total = 0.0;
    let spread = b[0] - b[2];
    let end = (60.0 / spread).sqrt().min(1.0);
    for step in 0..steps {
        let t = end * (f64::from(step) + 0.5) / f64::from(steps);
        let x = 0.5 * (b[0] - b[1]) * (1.0 - t * t);
        let bessel: f64 = (0..azimuths)
            .map(|k| {
                let angle = std::f64::consts::TAU * f64::from(k) / f64::from(azimuths);
                (x * (angle.cos() - 1.0)).exp()
            })
            .sum();
        total += (-spread * t * t).exp() * bessel / f64::from(azimuths);
    }
    total * end / f64::from(steps)
}

#[test]
fn normaliser_of_strong_fields_is_the_slow_integral() {
    for (length, shape) in [(45.0, 0.0), (300.0, 0.2), (1000.0, 0.7), (1000.0, 1.0)] {
        let b = eigenvalues_at(length, shape);
        let expected = scaled_normaliser_slowly(b).ln();
        let found = log_normaliser_at(length, shape) - b[0];
        assert!(
            (found - expected).abs() < 1e-12,
            "{length} {shape}: {found}"
        );
    }
}

#[test]
fn the_prolate_normaliser_is_dawsons_integral() {
    // c = ∫_0^1 exp(x (3t² - 1)/2) dt by its power series: all terms are positive.
    for length in [0.5_f64, 0.999, 1.001, 3.0, 10.0, 20.0] {
        let a = 1.5 * length;
        let (mut term, mut sum) = (1.0, 0.0);
        for n in 0..200 {
            sum += term / f64::from(2 * n + 1);
            term *= a / f64::from(n + 1);
        }
        let expected = sum.ln() - 0.5 * length;
        let found = log_normaliser_at(length, 0.0);
        assert!((found / expected - 1.0).abs() < 1e-12, "{length}: {found}");
    }
}

#[test]
fn the_oblate_normaliser_is_the_error_function() {
    // c = exp(x/2) ∫_0^1 exp(-3x t²/2) dt, and the integral is √(π/6x) far out.
    for length in [30.0_f64, 1000.0, 1e6] {
        let expected = 0.5 * length + 0.5 * (std::f64::consts::PI / (6.0 * length)).ln();
        let found = log_normaliser_at(length, 1.0);
        assert!((found / expected - 1.0).abs() < 1e-12, "{length}: {found}");
    }
}

#[test]
fn weak_fields_keep_their_digits() {
    // ln c = |η|²/10 + η³ cos(3φ)/105 + …: the moments of a quadratic form on the sphere.
    for length in [1e-9_f64, 1e-5] {
        for shape in [0.0, 0.4, 1.0] {
            let cubic = length.powi(3) * (1.0 - 2.0 * shape) / 105.0;
            let series = 0.1 * length * length + cubic;
            let found = log_normaliser_at(length, shape);
            assert!((found / series - 1.0).abs() < 1e-9, "{found} {series}");
        }
    }
    let eta = [1e-9, -2e-9, 0.0, 3e-9, 1e-10];
    for (mean, eta) in mean(eta).iter().zip(eta) {
        assert!((mean - 0.2 * eta).abs() < 1e-8 * 1e-9, "{mean} {eta}");
    }
}

#[test]
fn series_and_quadrature_meet() {
    for shape in [0.0, 0.3, 1.0] {
        let b = eigenvalues_at(1.0, shape);
        let series = Series::new(b).excess().ln_1p();
        let integral: f64 = integrand(b).map(|point| point.weight).sum();
        assert!((series - b[0] - integral.ln()).abs() < 1e-14);
    }
}

#[test]
fn the_mean_is_the_gradient_of_the_log_normaliser() {
    let mut generator = stream("fields", &[]);
    for length in [0.0, 0.1, 0.6, 0.9, 2.0, 8.0, 50.0, 900.0] {
        let eta = random_field(length, &mut generator);
        for (a, found) in mean(eta).into_iter().enumerate() {
            let step = 1e-3 * (1.0 + length).min(10.0);
            let at = |shift: f64| {
                let mut moved = eta;
                moved[a] += shift * step;
                log_normaliser(moved)
            };
            // Central differences of sixth order.
            let slope = (45.0 * (at(1.0) - at(-1.0)) - 9.0 * (at(2.0) - at(-2.0)) + at(3.0)
                - at(-3.0))
                / (60.0 * step);
            assert!((found - slope).abs() < 1e-9, "{length}: {found} {slope}");
        }
    }
}

#[test]
fn the_mean_turns_with_the_field() {
    let mut generator = stream("fields", &[]);
    for length in [0.5, 5.0, 200.0] {
        let eta = random_field(length, &mut generator);
        let rotation = symmetric_eigen(tensor(random_field(1.0, &mut generator))).vectors;
        let turn = |y: [f64; 5]| {
            let matrix = tensor(y);
            let turned = std::array::from_fn(|i| {
                std::array::from_fn(|j| {
                    let row = |k: usize| rotation[i][k] * dot(matrix[k], rotation[j]);
                    (0..3).map(row).sum()
                })
            });
            components(turned)
        };
        assert!((log_normaliser(turn(eta)) - log_normaliser(eta)).abs() < 1e-12 * length);
        let (direct, turned) = (mean(turn(eta)), turn(mean(eta)));
        for (x, y) in direct.iter().zip(turned) {
            assert!((x - y).abs() < 1e-12, "{x} {y}");
        }
    }
}

#[test]
fn prolate_fields_have_the_largest_normaliser_of_their_length() {
    let mut generator = stream("shapes", &[]);
    for length in [0.2, 1.5, 6.0, 60.0] {
        let mut shapes: Vec<f64> = (0..50).map(|_| uniform(&mut generator)).collect();
        shapes.sort_by(f64::total_cmp);
        let values: Vec<f64> = shapes
            .iter()
            .map(|&s| log_normaliser_at(length, s))
            .collect();
        assert!(
            values.windows(2).all(|pair| pair[0] > pair[1]),
            "{values:?}"
        );
    }
}

#[test]
fn the_prolate_order_parameter_is_the_length_of_the_mean() {
    for length in [0.0, 0.4, 3.0, 70.0] {
        let mean = mean([0.0, length, 0.0, 0.0, 0.0]);
        assert!((mean[1] - mean_at(length)).abs() < 1e-14);
        assert!(mean[0].abs() + mean[2].abs() + mean[3].abs() + mean[4].abs() < 1e-15);
    }
}
