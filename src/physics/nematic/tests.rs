use std::ops::ControlFlow;

use super::*;
use crate::configurations::{Configurations, DirectorMatrix, Unit};
use crate::directional::bingham;
use crate::physics::{MeanField, PhysicsError, Replica, SamplingMethod, System};
use crate::random::{Generator, stream};

fn solve<S: OrientationSpace>(sites: usize, temperature: f64) -> FieldQuadrature {
    Nematic::<S>::new(sites, temperature).unwrap().quadrature()
}

/// Whether a value agrees with one that was rounded to `digits` decimals.
#[track_caller]
fn agrees(found: f64, published: f64, digits: i32) {
    let tolerance = 0.500_1 * 10.0_f64.powi(-digits);
    let difference = (found - published).abs();
    assert!(difference < tolerance, "{found}, published {published}");
}

#[test]
fn finite_systems_in_space_have_the_published_values() {
    // N, T, ln Z, <|Y|²>/N², rate.
    for (sites, temperature, log_partition, order, rate) in [
        (100, 0.15, 58.02421, 0.627_689, 6.4185),
        (100, 0.20, 13.93437, 0.380_369, 6.1333),
        (100, 0.22, 7.13267, 0.201_600, 5.9004),
        (100, 0.25, 4.10498, 0.058_745, 4.0920),
        (100, 0.30, 2.73834, 0.030_324, 2.7250),
        (200, 0.15, 109.323_47, 0.626_004, 7.1108),
        (200, 0.22, 7.98653, 0.180_306, 6.7595),
        (200, 0.25, 4.09087, 0.028_655, 4.1300),
    ] {
        let field = solve::<Space>(sites, temperature);
        agrees(field.log_partition, log_partition, 5);
        agrees(field.squared_order, order, 6);
        agrees(field.rate, rate, 4);
    }
}

#[test]
fn finite_systems_in_the_plane_have_the_published_values() {
    for (temperature, log_partition, order) in [
        (0.3, 29.166_854, 0.600_551),
        (0.5, 2.924_363, 0.110_667),
        (0.7, 1.224_431, 0.032_429),
    ] {
        let field = solve::<Plane>(100, temperature);
        agrees(field.log_partition, log_partition, 6);
        agrees(field.squared_order, order, 6);
    }
}

#[test]
fn the_infinite_system_in_space_has_the_published_transition() {
    let transition = MaierSaupe::transition();
    agrees(transition.temperature, 0.220_193_6, 7);
    agrees(transition.temperature.recip(), 4.541_459, 6);
    agrees(transition.order, 0.429_029_0, 7);
    agrees(transition.superheating_temperature, 0.222_833_4, 7);
    agrees(transition.superheating_order, 0.323_597, 6);
    agrees(transition.entropy_jump, 0.417_96, 5);
    agrees(transition.latent_heat, 0.092_033, 6);
    assert!(transition.superheating_temperature < Space::ORDERED_BELOW);
}

#[test]
fn the_infinite_system_in_space_has_the_published_order() {
    for (temperature, order) in [
        (0.10, 0.880_988),
        (0.12, 0.849_340),
        (0.14, 0.811_953),
        (0.16, 0.765_488),
        (0.18, 0.704_108),
        (0.20, 0.614_801),
        (0.21, 0.547_902),
        (0.22, 0.432_726),
    ] {
        agrees(MaierSaupe::infinite_order(temperature), order, 6);
    }
    assert!(MaierSaupe::infinite_order(0.221).abs() < 1e-15);
    assert!(MaierSaupe::infinite_order(-1.0).is_nan());
}

#[test]
fn the_infinite_system_in_the_plane_orders_continuously_at_one_half() {
    for (temperature, order) in [
        (0.1, 0.945_542),
        (0.2, 0.876_823),
        (0.3, 0.773_130),
        (0.4, 0.589_708),
    ] {
        agrees(PlanarNematic::infinite_order(temperature), order, 6);
    }
    // S² = 4 (1/2 - T) to leading order: I1/I0 = x/2 - x³/16 + ….
    let near = PlanarNematic::infinite_order(0.5 - 1e-6);
    assert!((near / 4e-6_f64.sqrt() - 1.0).abs() < 1e-4, "{near}");
    let transition = PlanarNematic::transition();
    assert!((transition.temperature - 0.5).abs() < 1e-12);
    assert!(transition.order.abs() + transition.latent_heat.abs() < 1e-15);
}

#[test]
fn disorder_becomes_unstable_where_the_response_to_a_field_says() {
    // m(h)/h at small h is the temperature below which disorder feeds on itself.
    let response = Space::mean_feature(1e-6) / 1e-6;
    assert!((response - Space::DISORDERED_ABOVE).abs() < 1e-6);
    let response = Plane::mean_feature(1e-6) / 1e-6;
    assert!((response - Plane::DISORDERED_ABOVE).abs() < 1e-6);
}

#[test]
fn one_molecule_knows_its_own_length_alone() {
    for temperature in [0.01, 0.2, 1.0, 50.0] {
        for field in [
            solve::<Space>(1, temperature),
            solve::<Plane>(1, temperature),
        ] {
            let expected = 0.5 / temperature;
            assert!((field.log_partition / expected - 1.0).abs() < 1e-11);
            assert!((field.squared_order - 1.0).abs() < 1e-11 * (1.0 + temperature));
            assert!(field.squared_order_variance.abs() < 1e-11 * (1.0 + temperature.powi(2)));
        }
    }
}

/// `∫_0^1 f(t) dt` by the rule of Simpson.
fn simpson(f: impl Fn(f64) -> f64) -> f64 {
    let steps = 20_000;
    let weight = |k: i32| match k {
        0 => 1.0,
        k if k == steps => 1.0,
        k if k % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let value = |k: i32| weight(k) * f(f64::from(k) / f64::from(steps));
    (0..=steps).map(value).sum::<f64>() / f64::from(3 * steps)
}

#[test]
fn two_molecules_are_the_integral_over_their_angle() {
    for temperature in [0.05, 0.2, 0.7, 5.0] {
        let beta = f64::recip(temperature);
        // |Y|² = 2 + 2 P_2(t) with t uniform, or 2 + 2 cos of a uniform angle.
        let in_space = |t: f64| 2.0 + (3.0 * t * t - 1.0);
        let in_plane = |t: f64| 2.0 + 2.0 * (std::f64::consts::PI * t).cos();
        let space = solve::<Space>(2, temperature);
        let plane = solve::<Plane>(2, temperature);
        for (field, square) in [
            (space, &in_space as &dyn Fn(f64) -> f64),
            (plane, &in_plane),
        ] {
            let weight = |t: f64| (0.25 * beta * (square(t) - 4.0)).exp();
            let z = simpson(weight);
            let second = simpson(|t| weight(t) * square(t)) / z / 4.0;
            let fourth = simpson(|t| weight(t) * square(t).powi(2)) / z / 16.0;
            assert!(
                (field.log_partition - beta - z.ln()).abs() < 1e-10,
                "{temperature}"
            );
            assert!(
                (field.squared_order - second).abs() < 1e-10,
                "{temperature}"
            );
            assert!(
                (field.fourth_order() - fourth).abs() < 1e-9,
                "{temperature}"
            );
        }
    }
}

#[test]
fn energy_and_its_variance_are_derivatives_of_the_log_partition() {
    fn check<S: OrientationSpace>(sites: usize, temperature: f64) {
        let beta = temperature.recip();
        let step = 1e-4 * beta;
        let at = |k: f64| FieldQuadrature::new::<S>(sites, beta + k * step).log_partition;
        let values = [-2.0, -1.0, 0.0, 1.0, 2.0].map(at);
        let slope = (8.0 * (values[3] - values[1]) - values[4] + values[0]) / (12.0 * step);
        let curvature = (16.0 * (values[3] + values[1]) - 30.0 * values[2] - values[4] - values[0])
            / (12.0 * step * step);
        let exact = Nematic::<S>::new(sites, temperature)
            .unwrap()
            .exact()
            .unwrap();
        let n = sites as f64;
        let energy = exact["energy_per_site"];
        let variance = exact["energy_variance_per_site"];
        assert!((slope / n + energy).abs() < 1e-7 * (1.0 + energy.abs()));
        assert!(
            (curvature / n / variance - 1.0).abs() < 2e-3,
            "{sites} {temperature}"
        );
        let entropy = values[2] / n - beta * slope / n;
        assert!((exact["entropy_per_site"] - entropy).abs() < 1e-6);
    }
    for (sites, temperature) in [(3, 0.1), (20, 0.21), (100, 0.22), (50, 0.6)] {
        check::<Space>(sites, temperature);
        check::<Plane>(sites, temperature);
    }
}

#[test]
fn large_systems_come_close_to_the_infinite_one() {
    let field = solve::<Space>(20_000, 0.18);
    let order = MaierSaupe::infinite_order(0.18);
    // Fluctuations add terms of order 1/N.
    assert!((field.squared_order - order * order).abs() < 1e-3);
    let beta = 0.18_f64.recip();
    let free = bingham::log_normaliser_at(beta * order, 0.0) - 0.5 * beta * order * order;
    assert!((field.log_partition / 20_000.0 - free).abs() < 1e-3);
}

#[test]
fn disordered_systems_have_the_gaussian_limit() {
    // The field has variance 1/(1 - β/5) in each of five components, which makes
    // ln Z = -(5/2) ln(1 - β/5) and the rate the same.
    let field = solve::<Space>(50_000, 0.5);
    let expected = -2.5 * (1.0_f64 - 0.4).ln();
    assert!(
        (field.log_partition - expected).abs() < 1e-3,
        "{}",
        field.log_partition
    );
    assert!((field.rate - expected).abs() < 1e-3, "{}", field.rate);
}

#[test]
fn extremes_of_size_and_temperature_stay_finite() {
    for sites in [1, 2, 65_536] {
        for temperature in [0.001, 1000.0] {
            let field = solve::<Plane>(sites, temperature);
            assert!(field.log_partition.is_finite() && field.rate.is_finite());
            assert!(
                (0.0..=1.0 + 1e-6).contains(&field.squared_order),
                "{sites} {temperature}"
            );
        }
    }
    let field = solve::<Space>(300, 0.001);
    assert!((field.squared_order - 1.0).abs() < 0.01 && field.rate > 5.0);
}

#[test]
fn density_of_the_field_adds_up_to_its_cumulative() {
    for (sites, temperature) in [(5, 0.2), (100, 0.22), (400, 0.3)] {
        let field = solve::<Space>(sites, temperature);
        let end = 4.0;
        for fraction in [0.1, 0.35, 0.8] {
            let length = fraction * end;
            let integral = length * simpson_coarsely(|t| field.magnitude_density(t * length));
            assert!((integral - field.magnitude_cumulative(length)).abs() < 1e-6);
        }
        assert!((field.magnitude_cumulative(1e3) - 1.0).abs() < 1e-12);
        assert!(field.magnitude_cumulative(0.0).abs() < 1e-15);
        assert!(field.magnitude_density(-1.0).abs() + field.magnitude_density(1e9) < 1e-15);
    }
}

fn simpson_coarsely(f: impl Fn(f64) -> f64) -> f64 {
    let steps = 400;
    let weight = |k: i32| {
        if k == 0 || k == steps {
            1.0
        } else {
            2.0 + 2.0 * f64::from(k % 2)
        }
    };
    let value = |k: i32| weight(k) * f(f64::from(k) / f64::from(steps));
    (0..=steps).map(value).sum::<f64>() / f64::from(3 * steps)
}

/// Mean of `|Y|²/N²` in samples and its standard error, independent samples.
fn squared_order<S: OrientationSpace>(model: &Nematic<S>, samples: &Configurations) -> (f64, f64) {
    let values: Vec<f64> = (0..samples.rows())
        .map(|row| model.order_values(samples, row)[0].powi(2))
        .collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn independent<S: OrientationSpace>(
    model: &Nematic<S>,
    samples: usize,
    generator: &mut Generator,
) -> Configurations {
    let sampler = model.independent().unwrap().unwrap();
    sampler.draw(samples, generator)
}

#[test]
fn independent_samples_have_the_exact_second_and_fourth_moments() {
    fn check<S: OrientationSpace>(temperature: f64, seed: &str) {
        let model = Nematic::<S>::new(100, temperature).unwrap();
        let field = model.quadrature();
        let mut generator = stream(seed, &[S::MODEL, &temperature.to_string()]);
        let drawn = independent(&model, 4000, &mut generator);
        let (mean, error) = squared_order(&model, &drawn);
        let deviation = (mean - field.squared_order) / error;
        assert!(deviation.abs() < 4.0, "{temperature}: {deviation}");
        // The variance over 4000 samples, with the error of a variance.
        let squares: Vec<f64> = (0..4000)
            .map(|row| (model.order_values(&drawn, row)[0].powi(2) - field.squared_order).powi(2))
            .collect();
        let spread = squares.iter().sum::<f64>() / 4000.0;
        let fourth = squares.iter().map(|x| (x - spread).powi(2)).sum::<f64>() / 3999.0;
        let deviation = (spread - field.squared_order_variance) / (fourth / 4000.0).sqrt();
        assert!(deviation.abs() < 4.0, "{temperature}: {deviation}");
    }
    for seed in ["1", "2", "3"] {
        for temperature in [0.15, 0.20, 0.22, 0.25, 0.30] {
            check::<Space>(temperature, seed);
        }
        for temperature in [0.3, 0.5, 0.7] {
            check::<Plane>(temperature, seed);
        }
    }
}

#[test]
fn two_molecules_drawn_independently_have_their_exact_correlation() {
    // Small systems feel any error of the envelope and of the rotation most.
    let model = MaierSaupe::new(2, 0.3).unwrap();
    let drawn = independent(&model, 40_000, &mut stream("two", &[]));
    let (mean, error) = squared_order(&model, &drawn);
    let exact = model.quadrature().squared_order;
    assert!((mean - exact).abs() < 4.0 * error, "{mean} {exact} {error}");
}

/// Mean of `|Y|²/N²` over a chain of Gibbs sweeps and its standard error, from batches
/// of 500 sweeps: at least 30 autocorrelation times.
fn gibbs(model: &MaierSaupe, generator: &mut Generator) -> (f64, f64) {
    let (batches, sweeps) = (40, 500);
    let mut replica = Replica::random(model, generator);
    let mut batch = || {
        let sweep = |_| {
            replica.sweep(model, model.beta(), generator);
            -2.0 * replica.energy(model) / model.sites() as f64
        };
        (0..sweeps).map(sweep).sum::<f64>() / f64::from(sweeps)
    };
    batch();
    let means: Vec<f64> = (0..batches).map(|_| batch()).collect();
    let mean = means.iter().sum::<f64>() / f64::from(batches);
    let variance = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let error = (variance / f64::from(batches * (batches - 1))).sqrt();
    (mean, error)
}

#[test]
fn gibbs_sampling_independent_samples_and_quadrature_agree() {
    for seed in ["1", "2", "3"] {
        for temperature in [0.15, 0.20, 0.22, 0.25, 0.30] {
            let model = MaierSaupe::new(100, temperature).unwrap();
            let mut generator = stream(seed, &["gibbs", &temperature.to_string()]);
            let (chained, chained_error) = gibbs(&model, &mut generator);
            let drawn = independent(&model, 2000, &mut generator);
            let (mean, error) = squared_order(&model, &drawn);
            let deviation = (chained - mean) / chained_error.hypot(error);
            assert!(deviation.abs() < 3.0, "{seed} {temperature}: {deviation}");
            let exact = model.quadrature().squared_order;
            let deviation = (chained - exact) / chained_error;
            assert!(deviation.abs() < 3.5, "{seed} {temperature}: {deviation}");
        }
    }
}

#[test]
fn tempering_across_the_transition_gives_the_exact_energy() {
    let go_on = |_: f64| ControlFlow::Continue(());
    let streams = |name: &str| stream("tempering", &[name]);
    let model = MaierSaupe::new(50, 0.2).unwrap();
    let ensemble = model
        .sample(SamplingMethod::Tempering, 800, &streams, &go_on)
        .unwrap();
    let exact = 50.0 * model.exact().unwrap()["energy_per_site"];
    let deviation = (ensemble.mean_energy - exact) / ensemble.mean_energy_error;
    assert!(deviation.abs() < 4.0, "{deviation}");
    assert!(ensemble.temperatures > 1 && ensemble.warnings.is_empty());
}

#[test]
fn samples_have_no_preferred_direction() {
    let model = MaierSaupe::new(50, 0.15).unwrap();
    let n = 4000;
    let drawn = independent(&model, n, &mut stream("rotations", &[]));
    for a in 0..5 {
        let values: Vec<f64> = (0..n)
            .map(|row| model.mean_feature(&drawn, row)[a])
            .collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let square = values.iter().map(|x| x * x).sum::<f64>() / n as f64;
        assert!(mean.abs() < 4.0 * (square / n as f64).sqrt(), "{a}: {mean}");
        // Each component holds a fifth of |Y|²; its kurtosis is below that of a normal.
        let expected = model.quadrature().squared_order / 5.0;
        let tolerance = 4.0 * expected * (2.0 / n as f64).sqrt();
        assert!((square - expected).abs() < tolerance, "{a}: {square}");
    }
}

/// One configuration from vectors along its directors.
fn configuration(vectors: &[[f64; 3]]) -> Configurations {
    let features = vectors.iter().flat_map(|&u| bingham::feature(u));
    let features = features.map(|y| y as f32).collect();
    DirectorMatrix::new(Unit::Director, vectors.len(), features).into()
}

#[test]
fn energy_is_the_double_sum_over_second_legendre_polynomials() {
    let mut generator = stream("vectors", &[]);
    let model = MaierSaupe::new(7, 1.0).unwrap();
    let vectors: Vec<[f64; 3]> = (0..7)
        .map(|_| std::array::from_fn(|_| crate::random::uniform(&mut generator) - 0.5))
        .collect();
    let dot = |u: &[f64; 3], v: &[f64; 3]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
    let mut energy = 0.0;
    for u in &vectors {
        for v in &vectors {
            let cosine = dot(u, v) / (dot(u, u) * dot(v, v)).sqrt();
            energy -= (1.5 * cosine * cosine - 0.5) / 14.0;
        }
    }
    let found = model.energy(&configuration(&vectors), 0);
    // Features are kept in single precision.
    assert!((found - energy).abs() < 1e-6, "{found} {energy}");
}

#[test]
fn order_parameters_tell_the_simple_configurations_apart() {
    let values = |vectors: &[[f64; 3]]| {
        let model = MaierSaupe::new(vectors.len(), 1.0).unwrap();
        model.order_values(&configuration(vectors), 0)
    };
    let (x, y, z) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -2.0]);
    let expect = |found: Vec<f64>, expected: [f64; 3]| {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    };
    // Aligned; a plane; three of x and one of y: Q = diag(5/8, -1/8, -1/2); no order.
    expect(values(&[z, z]), [1.0, 1.0, 0.0]);
    expect(values(&[x, y]), [0.5, -0.5, 0.0]);
    let q = [0.625_f64, -0.125, -0.5];
    let power = |k: i32| q.map(|x| x.powi(k)).iter().sum::<f64>();
    let biaxiality = 1.0 - 6.0 * power(3).powi(2) / power(2).powi(3);
    expect(
        values(&[x, x, x, y]),
        [(power(2) / 1.5).sqrt(), 0.625, biaxiality],
    );
    assert!(
        (values(&[x, x, y])[2] - 1.0).abs() < 1e-6,
        "Q = diag(1/2, 0, -1/2)"
    );
    let none = values(&[x, y, z]);
    assert!(none[0] < 1e-7 && none[1].abs() < 1e-7);
    let model = PlanarNematic::new(2, 1.0).unwrap();
    let features = vec![1.0, 0.0, 0.0, 1.0];
    let drawn = DirectorMatrix::new(Unit::PlanarDirector, 2, features).into();
    for value in model.order_values(&drawn, 0) {
        assert!((value - 0.5_f64.sqrt()).abs() < 1e-12);
    }
}

#[test]
fn auto_is_exact_and_chains_temper_where_an_ordered_phase_exists() {
    use SamplingMethod::{Exact, Gibbs, Tempering};
    let methods = |t| MaierSaupe::new(10, t).unwrap().methods();
    assert_eq!(methods(0.3), [Exact, Gibbs, Tempering]);
    assert_eq!(methods(0.215), [Exact, Tempering, Gibbs]);
    let model = MaierSaupe::new(10, 0.1).unwrap();
    assert!(model.ordering_beta() < MaierSaupe::transition().temperature.recip());
    let error = model.sample(SamplingMethod::Wolff, 1, &|name| stream(name, &[]), &|_| {
        ControlFlow::Continue(())
    });
    assert!(error.unwrap_err().to_string().contains("maier_saupe"));
}

#[test]
fn what_cannot_be_computed_is_refused_with_the_range() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        let error = MaierSaupe::new(10, temperature).unwrap_err();
        assert!(error.to_string().contains("from 0.001 to 1000"), "{error}");
    }
    for sites in [0, 1 << 20] {
        let error = PlanarNematic::new(sites, 1.0).unwrap_err();
        assert_eq!(
            error,
            PhysicsError::SiteCount {
                found: sites,
                limit: 65_536
            }
        );
    }
    let stop = |_: f64| ControlFlow::Break(());
    let model = MaierSaupe::new(10, 0.3).unwrap();
    let cancelled = model.sample(SamplingMethod::Exact, 10, &|name| stream(name, &[]), &stop);
    assert_eq!(cancelled.unwrap_err(), PhysicsError::Cancelled);
}
