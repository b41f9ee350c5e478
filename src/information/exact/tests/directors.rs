//! Nematics against tables, closed forms of few molecules, and direct integrals.

use super::*;
use crate::directional::{GaussLegendre, bingham, von_mises};
use crate::physics::{MaierSaupe, PlanarNematic, Plane, Space};
use side_field::SideField;

const RULE: GaussLegendre<32> = GaussLegendre::computed();

/// The mean of a function of a director over the sphere.
fn sphere_mean(function: impl Fn([f64; 3]) -> f64) -> f64 {
    let turns = 64;
    let ring = |z: f64| {
        let radius = (1.0 - z * z).sqrt();
        let angles = (0..turns).map(|k| std::f64::consts::TAU * f64::from(k) / f64::from(turns));
        let sum: f64 = angles
            .map(|angle| function([radius * angle.cos(), radius * angle.sin(), z]))
            .sum();
        sum / f64::from(turns)
    };
    // u and -u are alike.
    RULE.on(0.0, 1.0).map(|(z, weight)| weight * ring(z)).sum()
}

fn circle_mean(function: impl Fn([f64; 2]) -> f64) -> f64 {
    let turns = 200;
    let angles = (0..turns).map(|k| std::f64::consts::TAU * f64::from(k) / f64::from(turns));
    angles
        .map(|angle| function([angle.cos(), angle.sin()]))
        .sum::<f64>()
        / f64::from(turns)
}

fn sum_of<const K: usize>(a: [f64; K], b: [f64; K], scale: f64) -> [f64; K] {
    std::array::from_fn(|k| scale * (a[k] + b[k]))
}

fn product<const K: usize>(a: [f64; K], b: [f64; K]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm<const K: usize>(a: [f64; K]) -> f64 {
    product(a, a).sqrt()
}

/// Total features of several lengths and shapes.
const TOTALS: [[f64; 5]; 5] = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [0.3, -0.2, 0.1, 0.4, 0.0],
    [0.0, 2.0, 0.0, 0.0, 0.0],
    [0.0, -2.0, 0.0, 0.0, 0.0],
    [1.5, 1.0, -2.0, 0.3, 0.7],
];

/// `ln S` of two molecules in space of four: the second in closed form.
fn log_pair(spread: f64, total: [f64; 5]) -> f64 {
    let square = spread * spread;
    let sum = sphere_mean(|u| {
        let y = bingham::feature(u);
        // |Y_B|²/2 = 1 + y·y', and both meet the other side.
        let field = sum_of(total, y, square);
        (square * (1.0 + product(total, y)) + bingham::log_normaliser(field)).exp()
    });
    sum.ln()
}

#[test]
fn one_molecule_has_the_normaliser_of_the_field_it_meets() {
    for beta in [0.5, 4.0, 20.0] {
        let side = SideField::new::<Space>(1, 4, beta);
        let plane = SideField::new::<Plane>(1, 4, beta);
        let square = beta / 4.0;
        for total in TOTALS {
            // |y|² is 1, so S = exp(a²/2) c(a²Y).
            let field = total.map(|y| square * y);
            let expected = 0.5 * square + bingham::log_normaliser(field);
            let found = side.log_sum(norm(total), bingham::shape(total));
            assert!(
                (found - expected).abs() < 1e-10,
                "{beta}: {found}, {expected}"
            );
            let length = norm(total);
            let expected = 0.5 * square + von_mises::log_normaliser_at(square * length);
            let found = plane.log_sum(length, 0.0);
            assert!(
                (found - expected).abs() < 1e-10,
                "{beta}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn two_molecules_are_the_integral_over_one_of_them() {
    for beta in [1.0, 5.0, 15.0] {
        let spread = (beta / 4.0_f64).sqrt();
        let side = SideField::new::<Space>(2, 4, beta);
        for total in TOTALS {
            let expected = log_pair(spread, total);
            let found = side.log_sum(norm(total), bingham::shape(total));
            // The direct integral has 32 nodes and 64 turns.
            assert!(
                (found - expected).abs() < 1e-8,
                "{beta}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn many_molecules_are_a_direct_sum_over_five_dimensions() {
    // 10 of 20 molecules at T = 0.5. By the trapezoidal rule in five dimensions, whose
    // step of 1.2 leaves exp(-2π²/1.44) = 1.1e-6.
    let (beta, molecules, sites) = (2.0, 10, 20);
    let spread = (beta / f64::from(sites)).sqrt();
    let side = SideField::new::<Space>(10, 20, beta);
    for total in [[0.0, 3.0, 0.0, 0.0, 0.0], [-2.0, -3.0, 0.0, 0.0, 0.0]] {
        let (step, half) = (1.2_f64, 5);
        let width = 2 * half + 1;
        let mut sum = 0.0;
        for index in 0..width * width * width * width * width {
            let mut rest = index;
            let noise: [f64; 5] = std::array::from_fn(|_| {
                let place = rest % width;
                rest /= width;
                step * f64::from(place - half)
            });
            let square = product(noise, noise);
            let field: [f64; 5] = std::array::from_fn(|k| spread * (noise[k] + spread * total[k]));
            let log = f64::from(molecules) * bingham::log_normaliser(field) - 0.5 * square;
            sum += log.exp();
        }
        let cell = step / std::f64::consts::TAU.sqrt();
        let expected = sum.ln() + 5.0 * cell.ln();
        let found = side.log_sum(norm(total), bingham::shape(total));
        // The box of ±6 leaves out a few 1e-6: the integrand is wider than a normal
        // distribution by 1/√0.8, and off its middle by 0.6 or so.
        assert!((found - expected).abs() < 2e-5, "{found}, {expected}");
    }
}

#[test]
fn all_molecules_have_the_partition_function() {
    for (sites, temperature, expected) in [
        (100, 0.15, 58.02421),
        (100, 0.20, 13.93437),
        (100, 0.22, 7.13267),
        (100, 0.25, 4.10498),
        (100, 0.30, 2.73834),
        (200, 0.15, 109.32347),
        (200, 0.22, 7.98653),
        (200, 0.25, 4.09087),
    ] {
        let found = SideField::new::<Space>(sites, sites, 1.0 / temperature).log_sum(0.0, 0.0);
        // Half a unit of the last digit.
        assert!(
            (found - expected).abs() < 6e-6,
            "{sites} {temperature}: {found}"
        );
    }
    for (temperature, expected) in [(0.3, 29.166_854), (0.5, 2.924_363), (0.7, 1.224_431)] {
        let found = SideField::new::<Plane>(100, 100, 1.0 / temperature).log_sum(0.0, 0.0);
        assert!((found - expected).abs() < 6e-7, "{temperature}: {found}");
    }
}

#[test]
fn rates_are_those_of_the_table() {
    for (sites, temperature, expected) in [
        (100, 0.15, 6.4185),
        (100, 0.20, 6.1333),
        (100, 0.22, 5.9004),
        (100, 0.25, 4.0920),
        (100, 0.30, 2.7250),
        (200, 0.15, 7.1108),
        (200, 0.22, 6.7595),
        (200, 0.25, 4.1300),
    ] {
        let found = rate(&MaierSaupe::new(sites, temperature).unwrap());
        assert!(
            (found - expected).abs() < 6e-5,
            "{sites} {temperature}: {found}"
        );
    }
}

#[test]
fn entropy_is_the_slope_of_the_free_energy() {
    // S = -d(-T ln Z)/dT, by a central difference.
    let (temperature, step) = (0.3, 1e-4);
    let free = |t: f64| {
        let field = MaierSaupe::new(50, t).unwrap().quadrature();
        t * field.log_partition
    };
    let expected = (free(temperature + step) - free(temperature - step)) / (2.0 * step);
    let model = MaierSaupe::new(50, temperature).unwrap();
    let found = model.entropy(None).unwrap().unwrap().nats;
    assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
    assert!(found < 0.0, "below that of free molecules");
}

/// From samples, which these are.
fn estimated(model: &(impl ExactInformation + System), samples: usize) -> InformationValue {
    let ensemble = ensemble(model, samples);
    let found = model.mutual_information(&halves(model.sites()), Some(&sampled(&ensemble)));
    found.unwrap().unwrap()
}

#[test]
fn two_molecules_are_one_pair() {
    // p ∝ exp(κ y·y') with κ = β/2, so I = κ E[y·y'] - ln c(κ).
    for temperature in [0.1, 0.3, 1.0] {
        let kappa: f64 = 0.5 / temperature;
        let space = kappa * bingham::mean_at(kappa) - bingham::log_normaliser_at(kappa, 0.0);
        let found = estimated(&MaierSaupe::new(2, temperature).unwrap(), 4);
        // Features have single precision, and one molecule no spread.
        assert!(
            (found.nats - space).abs() < 1e-6,
            "{temperature}: {found:?}, {space}"
        );
        assert!(found.standard_error < 1e-6, "{found:?}");
        let plane = kappa * von_mises::mean_at(kappa) - von_mises::log_normaliser_at(kappa);
        let found = estimated(&PlanarNematic::new(2, temperature).unwrap(), 4);
        assert!(
            (found.nats - plane).abs() < 1e-6,
            "{temperature}: {found:?}, {plane}"
        );
    }
}

/// `I(A; B)` of two against two molecules from the weight of each value of `Y_A`, a
/// mean over the second of its molecules with the first held fast.
fn of_pairs(square: f64, means: impl Fn(&dyn Fn(f64, f64) -> f64) -> f64) -> f64 {
    // `means` averages a function of |Y_A|² and ln S(Y_A).
    let weight = |length: f64, log_sum: f64| (0.5 * square * length + log_sum).exp();
    let total = means(&|length, log_sum| weight(length, log_sum));
    let mean = |function: &dyn Fn(f64, f64) -> f64| {
        means(&|length, log_sum| weight(length, log_sum) * function(length, log_sum)) / total
    };
    let (length, log_sum) = (mean(&|length, _| length), mean(&|_, log_sum| log_sum));
    // E|Y_A|² = 2 + 2e, and Y_A·Y_B has four pairs.
    let pair = 0.5 * length - 1.0;
    4.0 * square * pair + total.ln() - 2.0 * log_sum
}

#[test]
fn four_molecules_in_the_plane_are_a_double_integral() {
    for temperature in [0.2, 0.5] {
        let square = 0.25 / temperature;
        let first = [1.0, 0.0];
        let log_sum = |total: [f64; 2]| {
            circle_mean(|y| {
                let field = sum_of(total, y, square);
                (square * (1.0 + product(total, y)) + von_mises::log_normaliser(field)).exp()
            })
            .ln()
        };
        let expected = of_pairs(square, |function| {
            circle_mean(|y| {
                let total = sum_of(first, y, 1.0);
                function(product(total, total), log_sum(total))
            })
        });
        let found = estimated(&PlanarNematic::new(4, temperature).unwrap(), 4000);
        let pull = (found.nats - expected) / found.standard_error;
        assert!(pull.abs() < 4.0, "{temperature}: {found:?}, {expected}");
        assert!(found.standard_error < 0.01, "{found:?}");
    }
}

#[test]
fn four_molecules_in_space_are_a_triple_integral() {
    for temperature in [0.1, 0.25] {
        let square = 0.25_f64 / temperature;
        let first = bingham::feature([0.0, 0.0, 1.0]);
        let expected = of_pairs(square, |function| {
            // Only the angle to the first molecule matters.
            let of_angle = |z: f64| {
                let y = bingham::feature([(1.0 - z * z).sqrt(), 0.0, z]);
                let total = sum_of(first, y, 1.0);
                function(product(total, total), log_pair(square.sqrt(), total))
            };
            RULE.on(0.0, 1.0)
                .map(|(z, weight)| weight * of_angle(z))
                .sum()
        });
        let found = estimated(&MaierSaupe::new(4, temperature).unwrap(), 4000);
        let pull = (found.nats - expected) / found.standard_error;
        assert!(pull.abs() < 4.0, "{temperature}: {found:?}, {expected}");
        assert!(found.standard_error < 0.01, "{found:?}");
    }
}

#[test]
fn information_is_below_the_rate_and_near_that_of_normal_modes() {
    for temperature in [0.15, 0.22, 0.3] {
        let model = MaierSaupe::new(100, temperature).unwrap();
        let found = estimated(&model, 1000);
        assert!(
            found.nats + 4.0 * found.standard_error < rate(&model),
            "{found:?}"
        );
        assert!(found.standard_error < 0.05, "{found:?}");
    }
    // In a large isotropic system five modes of stiffness 1 - b, b = β/5, are normal:
    // five times the information of the Curie-Weiss model at β = b.
    let model = MaierSaupe::new(4000, 0.4).unwrap();
    let (expected, expected_rate) = curie_weiss_limit(2.0, 0.5);
    let found = estimated(&model, 1000);
    let tolerance = 4.0 * found.standard_error + 0.01;
    // Corrections of order 1/N of five modes.
    assert!(
        (found.nats - 5.0 * expected).abs() < tolerance,
        "{found:?}, {expected}"
    );
    let rate = rate(&model);
    assert!(
        (rate - 5.0 * expected_rate).abs() < 0.01,
        "{rate}, {expected_rate}"
    );
}

/// The mean over samples of `Y_A·Y_B - Y_A·∇ ln S_B(Y_A) / a²`, in standard errors, and
/// that error with respect to the mean of `Y_A·Y_B`.
///
/// The gradient is `a² E[Y_B | Y_A]`, so the mean is 0.
fn pull_of_the_gradient<S: crate::physics::OrientationSpace>(
    model: &crate::physics::Nematic<S>,
    samples: usize,
) -> (f64, f64) {
    let (sites, width) = (model.sites(), S::UNIT.width());
    let half = sites / 2;
    let other = SideField::new::<S>(sites - half, sites, model.beta());
    let ensemble = ensemble(model, samples);
    let directors = ensemble.samples.as_directors().unwrap();
    let (mut differences, mut products) = (Vec::new(), Vec::new());
    for row in 0..samples {
        let side = |from: usize, to: usize| {
            let mut total = [0.0; 5];
            for feature in directors.row(row)[from * width..to * width].chunks_exact(width) {
                let pairs = total.iter_mut().zip(feature);
                pairs.for_each(|(total, y)| *total += f64::from(*y));
            }
            total
        };
        let (first, second) = (side(0, half), side(half, sites));
        let (length, shape) = (norm(first), bingham::shape(first));
        // A central difference along Y_A.
        let step = 1e-4 * length;
        let rise = other.log_sum(length + step, shape) - other.log_sum(length - step, shape);
        let slope = rise / (2.0 * step) * sites as f64 / model.beta();
        products.push(product(first, second));
        differences.push(product(first, second) - length * slope);
    }
    let samples = sampled(&ensemble);
    let (mean, error) = samples.mean(&differences);
    (mean / error, error / samples.mean(&products).0)
}

#[test]
fn the_gradient_of_one_side_is_the_mean_of_the_other() {
    for (sites, temperature) in [(100, 0.15), (100, 0.22), (400, 0.1), (1000, 0.12)] {
        let model = MaierSaupe::new(sites, temperature).unwrap();
        let (pull, relative) = pull_of_the_gradient(&model, 300);
        assert!(
            pull.abs() < 4.0 && relative < 0.03,
            "{sites}: {pull} {relative}"
        );
        let model = PlanarNematic::new(sites, temperature).unwrap();
        let (pull, relative) = pull_of_the_gradient(&model, 300);
        assert!(
            pull.abs() < 4.0 && relative < 0.03,
            "{sites}: {pull} {relative}"
        );
    }
}

#[test]
fn a_broken_symmetry_adds_half_its_dimension_times_ln_n() {
    // A nematic axis in space has two angles, one in the plane: ln N and (ln N)/2.
    let grown = |values: [InformationValue; 2]| {
        let [small, large] = values;
        let error = small.standard_error.hypot(large.standard_error);
        (
            (large.nats - small.nats) / 4.0_f64.ln(),
            error / 4.0_f64.ln(),
        )
    };
    let space = [100, 400].map(|n| estimated(&MaierSaupe::new(n, 0.15).unwrap(), 500));
    let plane = [100, 400].map(|n| estimated(&PlanarNematic::new(n, 0.2).unwrap(), 500));
    for (values, expected) in [(space, 1.0), (plane, 0.5)] {
        let (slope, error) = grown(values);
        // Corrections of order 1/N, of which the smaller system has one percent or so.
        let tolerance = 0.02 + 4.0 * error;
        assert!((slope - expected).abs() < tolerance, "{slope} +- {error}");
        assert!(error < 0.01, "{error}");
    }
}

#[test]
fn without_samples_nothing_is_said() {
    let model = PlanarNematic::new(10, 0.4).unwrap();
    assert_eq!(model.mutual_information(&halves(10), None).unwrap(), None);
}
