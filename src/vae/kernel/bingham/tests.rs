//! The head of directors in space against `f64` and against definitions.

use std::f64::consts::{PI, TAU};

use super::*;
use crate::random::{self, Generator};

type Matrix = [[f64; 3]; 3];

/// `M = sum_a eta_a E_a`, from the definition of the basis.
fn matrix(eta: &[f64; 5]) -> Matrix {
    let (two, six) = (2.0_f64.sqrt(), 6.0_f64.sqrt());
    let [a, b, c, d, e] = *eta;
    let [c, d, e] = [c / two, d / two, e / two];
    [
        [a / two - b / six, c, d],
        [c, -a / two - b / six, e],
        [d, e, 2.0 * b / six],
    ]
}

/// `Tr(M E_a)`.
fn components(m: &Matrix) -> [f64; 5] {
    let (two, six) = (2.0_f64.sqrt(), 6.0_f64.sqrt());
    [
        (m[0][0] - m[1][1]) / two,
        (2.0 * m[2][2] - m[0][0] - m[1][1]) / six,
        m[0][1] * two,
        m[0][2] * two,
        m[1][2] * two,
    ]
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let entry = |i: usize, j: usize| (0..3).map(|k| a[i][k] * b[k][j]).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

fn transpose(a: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

/// A rotation about each axis in turn, by random angles.
fn rotation(generator: &mut Generator) -> Matrix {
    let mut product = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for axis in [2, 0, 2, 1] {
        let (sin, cos) = (TAU * random::uniform(generator)).sin_cos();
        let (i, j) = ((axis + 1) % 3, (axis + 2) % 3);
        let mut turn = [[0.0; 3]; 3];
        turn[axis][axis] = 1.0;
        turn[i][i] = cos;
        turn[j][j] = cos;
        turn[i][j] = -sin;
        turn[j][i] = sin;
        product = multiply(&product, &turn);
    }
    product
}

/// `eta` of `rotation diag(b) rotation^T` with `|eta| = rho` and
/// `b_k = rho cos(phi - 2 pi k / 3)`.
fn field(rho: f64, phi: f64, rotation: &Matrix) -> [f64; 5] {
    let mut diagonal = [[0.0; 3]; 3];
    for (k, row) in diagonal.iter_mut().enumerate() {
        row[k] = rho * (phi - TAU * k as f64 / 3.0).cos() / 1.5_f64.sqrt();
    }
    components(&multiply(
        &multiply(rotation, &diagonal),
        &transpose(rotation),
    ))
}

/// `ln c` and `E[u_k^2]` for a diagonal `B`: Simpson's rule in the height along
/// the axis of the smallest of `b_0 >= b_1 >= b_2` and equal steps around it.
fn diagonal_reference(b: [f64; 3]) -> (f64, [f64; 3]) {
    let (heights, steps) = (800_u32, 96_u32);
    let (mut total, mut squares) = (0.0, [0.0; 3]);
    for k in 0..=heights {
        let t = f64::from(k) / f64::from(heights);
        let simpson = if k == 0 || k == heights {
            1.0
        } else {
            2.0 + 2.0 * f64::from(k % 2)
        };
        for l in 0..steps {
            let cos = (PI * (f64::from(l) + 0.5) / f64::from(steps)).cos();
            let ring = 1.0 - t * t;
            let u = [ring * cos * cos, ring * (1.0 - cos * cos), t * t];
            let exponent = b[0] * (u[0] - 1.0) + b[1] * u[1] + b[2] * u[2];
            let weight = simpson * exponent.exp();
            total += weight;
            for (square, u) in squares.iter_mut().zip(u) {
                *square += weight * u;
            }
        }
    }
    let value = b[0] + (total / f64::from(3 * heights * steps)).ln();
    (value, squares.map(|square| square / total))
}

/// `ln c` and `E[y]` of [`field`].
fn reference(rho: f64, phi: f64, rotation: &Matrix) -> (f64, [f64; 5]) {
    // For 0 <= phi <= pi / 3 these fall: 0, 1, 2 are largest, middle, smallest.
    let b = [0.0, 1.0, 2.0].map(|k| rho * (phi - TAU * k / 3.0).cos());
    assert!(b[0] >= b[1] - 1e-10 && b[1] >= b[2] - 1e-10);
    let (value, squares) = diagonal_reference(b);
    let mut second = [[0.0; 3]; 3];
    for k in 0..3 {
        second[k][k] = squares[k] * 1.5_f64.sqrt();
    }
    let mean = components(&multiply(
        &multiply(rotation, &second),
        &transpose(rotation),
    ));
    (value, mean)
}

fn single(eta: &[f64; 5]) -> [f32; 5] {
    eta.map(|value| value as f32)
}

#[test]
fn normaliser_and_mean_keep_their_stated_accuracy() {
    let mut generator = random::stream("bingham kernel", &[]);
    let (mut worst_value, mut worst_mean) = (0.0_f64, 0.0_f64);
    let small = [1e-6, 1e-3, 0.01, 0.1, 0.3];
    let magnitudes = small
        .into_iter()
        .chain((1..=120).map(|k| f64::from(k) * 0.5));
    for rho in magnitudes {
        for step in 0..=8 {
            // Both shapes of revolution, and shapes close to the oblate one.
            let phi = PI / 3.0 * (1.0 - (f64::from(step) / 8.0).powi(2));
            let rotation = rotation(&mut generator);
            let eta = single(&field(rho, phi, &rotation));
            let (value, exact) = reference(rho, phi, &rotation);
            let error = (f64::from(bingham_log_normaliser_sum(&eta)) - value).abs();
            worst_value = worst_value.max(error / (1e-6 + 1e-6 * rho));
            let mut mean = [0.0; 5];
            bingham_mean(&eta, &mut mean);
            for (mean, exact) in mean.iter().zip(exact) {
                worst_mean = worst_mean.max((f64::from(*mean) - exact).abs());
            }
        }
    }
    assert!(worst_value < 1.0, "{worst_value} of the stated error");
    assert!(worst_mean < 1e-5, "{worst_mean:e}");
}

fn value(eta: &[f64; 5]) -> f64 {
    f64::from(bingham_log_normaliser_sum(&single(eta)))
}

fn mean_of(eta: &[f64; 5]) -> [f64; 5] {
    let mut mean = [0.0; 5];
    bingham_mean(&single(eta), &mut mean);
    mean.map(f64::from)
}

#[test]
fn the_reference_agrees_with_the_uniaxial_closed_form() {
    // Prolate: c = exp(-rho / 2) int_0^1 exp(3/2 rho t^2) dt, as a power series.
    for rho in [0.5, 3.0, 12.0] {
        let (mut term, mut sum) = (1.0_f64, 0.0_f64);
        for k in 0..200 {
            sum += term / f64::from(2 * k + 1);
            term *= 1.5 * rho / f64::from(k + 1);
        }
        let exact = sum.ln() - 0.5 * rho;
        let (value, _) = diagonal_reference([rho, -0.5 * rho, -0.5 * rho]);
        assert!((value - exact).abs() < 1e-8, "{value}, {exact}");
    }
}

#[test]
fn the_mean_is_the_slope_of_the_reference_normaliser() {
    let mut generator = random::stream("bingham slopes", &[]);
    let step = 1e-3;
    for (rho, phi) in [
        (0.2, 0.4),
        (3.0, 0.0),
        (6.0, 1.0),
        (20.0, PI / 3.0),
        (50.0, 0.7),
    ] {
        let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let at = |rho: f64, phi: f64| {
            diagonal_reference([0.0, 1.0, 2.0].map(|k| rho * (phi - TAU * k / 3.0).cos())).0
        };
        let turn = rotation(&mut generator);
        let mean = mean_of(&field(rho, phi, &turn));
        // Along eta, and across it towards other shapes.
        let radial = (at(rho + step, phi) - at(rho - step, phi)) / (2.0 * step);
        let across = (at(rho, phi + step) - at(rho, phi - step)) / (2.0 * step * rho);
        let along =
            |direction: [f64; 5]| -> f64 { direction.iter().zip(mean).map(|(d, m)| d * m).sum() };
        assert!(
            (along(field(1.0, phi, &turn)) - radial).abs() < 1e-5,
            "{rho} {phi}"
        );
        let sideways = along(field(1.0, phi + PI / 2.0, &turn));
        assert!(
            (sideways - across).abs() < 1e-5,
            "{rho} {phi}: {sideways}, {across}"
        );
        assert!((value(&field(rho, phi, &identity)) - at(rho, phi)).abs() < 1e-4);
    }
}

#[test]
fn rotations_leave_the_normaliser_and_turn_the_mean() {
    let mut generator = random::stream("bingham rotations", &[]);
    for rho in [0.1, 2.0, 7.0, 40.0, 300.0] {
        for phi in [0.0, 0.3, 0.8, PI / 3.0] {
            let (first, turn) = (rotation(&mut generator), rotation(&mut generator));
            let both = multiply(&turn, &first);
            let (eta, turned) = (field(rho, phi, &first), field(rho, phi, &both));
            let difference = (value(&eta) - value(&turned)).abs();
            assert!(
                difference < 1e-6 + 2e-6 * rho,
                "{rho} {phi}: {difference:e}"
            );
            let mean = matrix(&mean_of(&eta));
            let exact = components(&multiply(&multiply(&turn, &mean), &transpose(&turn)));
            for (found, exact) in mean_of(&turned).iter().zip(exact) {
                assert!(
                    (found - exact).abs() < 2e-5,
                    "{rho} {phi}: {found}, {exact}"
                );
            }
        }
    }
}

#[test]
fn a_weak_field_gives_a_fifth_of_itself_as_the_mean() {
    for scale in [1e-12, 1e-6, 1e-3] {
        let eta = [0.3, -0.5, 0.2, 0.7, -0.4].map(|value| value * scale);
        for (mean, eta) in mean_of(&eta).iter().zip(eta) {
            assert!((mean - 0.2 * eta).abs() < 1e-7 + 0.1 * scale * scale);
        }
    }
    assert!(mean_of(&[0.0; 5]).iter().all(|mean| mean.abs() < 1e-30));
    assert!(value(&[0.0; 5]).abs() < 1e-30);
}

#[test]
fn strong_fields_stay_finite_and_the_normaliser_grows_along_each_ray() {
    let mut generator = random::stream("bingham strong", &[]);
    for phi in [0.0, 0.2, 0.9, PI / 3.0] {
        let turn = rotation(&mut generator);
        let mut last = 0.0;
        for k in 1..=600 {
            let rho = 1.04_f64.powi(k - 250);
            let eta = field(rho, phi, &turn);
            let value = value(&eta);
            assert!(value > last && value < rho, "{rho} {phi}: {last}, {value}");
            last = value;
            let length: f64 = mean_of(&eta).iter().map(|mean| mean * mean).sum();
            assert!(length < 1.0 + 1e-4, "{rho} {phi}: {length}");
        }
        assert!(value(&field(1e12, phi, &turn)).is_finite());
    }
}

#[test]
fn numbers_that_are_not_finite_do_not_panic() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        let mut mean = [0.0; 5];
        bingham_mean(&[1.0, bad, 0.0, 0.5, 0.0], &mut mean);
    }
    assert!(bingham_log_normaliser_sum(&[f32::NAN; 5]).is_nan());
}

#[test]
fn costs_and_gradients_agree_with_the_sums_of_single_sites_at_every_length() {
    let mut generator = random::stream("bingham lengths", &[]);
    for sites in [1, 31, 32, 33, 100, 1500] {
        let mut draw = |scale: f64| -> Vec<f32> {
            let values = (0..5 * sites).map(|_| scale * (random::uniform(&mut generator) - 0.5));
            values.map(|value| value as f32).collect()
        };
        let (eta, features) = (draw(10.0), draw(1.0));
        let (mut exact, mut normaliser, mut slopes) = (0.0, 0.0, Vec::new());
        for (eta, y) in eta.chunks_exact(5).zip(features.chunks_exact(5)) {
            let eta = std::array::from_fn(|a| f64::from(eta[a]));
            normaliser += value(&eta);
            exact += value(&eta);
            for ((eta, mean), &y) in eta.iter().zip(mean_of(&eta)).zip(y) {
                exact -= eta * f64::from(y);
                slopes.push(0.5 * (mean - f64::from(y)));
            }
        }
        let mut gradient = eta.clone();
        let cost = bingham_cost_and_gradient(&mut gradient, &features, 0.5);
        let tolerance = 3e-6 * f64::from(sites);
        assert!((cost - exact).abs() < tolerance, "{sites}: {cost}, {exact}");
        let again = f64::from(bingham_cost(&eta, &features));
        assert!(
            (again - exact).abs() < tolerance,
            "{sites}: {again}, {exact}"
        );
        let sum = f64::from(bingham_log_normaliser_sum(&eta));
        assert!((sum - normaliser).abs() < tolerance, "{sites}: {sum}");
        for (found, exact) in gradient.iter().zip(slopes) {
            assert!((f64::from(*found) - exact).abs() < 1e-6);
        }
    }
}
