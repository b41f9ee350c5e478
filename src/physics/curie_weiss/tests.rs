use super::*;
use crate::random::{Generator, stream};
use std::ops::ControlFlow;

/// (T, N, ln Z, <|m|>, <m²>) without a field.
const PUBLISHED: [(f64, usize, f64, f64, f64); 7] = [
    (0.5, 100, 102.754_182, 0.955_102, 0.913_294),
    (0.8, 100, 74.139_928, 0.664_427, 0.463_905),
    (1.0, 20, 14.959_815, 0.427_316, 0.249_597),
    (1.0, 100, 70.786_277, 0.286_796, 0.114_481),
    (1.0, 400, 279.065_532, 0.203_101, 0.057_874),
    (1.5, 100, 69.854_723, 0.135_235, 0.028_418),
    (2.0, 100, 69.658_855, 0.111_924, 0.019_617),
];

fn model(sites: usize, temperature: f64, field: f64) -> CurieWeiss {
    CurieWeiss::new(sites, temperature, field).unwrap()
}

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// All `2^N` configurations, one a row.
fn all_words(sites: usize) -> Configurations {
    BitMatrix::from_words(1 << sites, sites, (0..1 << sites).collect())
        .unwrap()
        .into()
}

#[test]
fn sums_over_the_magnetisation_have_the_published_values() {
    for (temperature, sites, log_partition, size, square) in PUBLISHED {
        let found = model(sites, temperature, 0.0).solution().unwrap();
        let differences = [
            found.log_partition - log_partition,
            found.absolute_overlaps[0] - size,
            found.squared_overlaps[0] - square,
        ];
        // Half a unit of the last digit given.
        assert!(
            differences.iter().all(|x| x.abs() < 5.1e-7),
            "T = {temperature}, N = {sites}: {differences:?}"
        );
        assert!(found.mean_overlaps[0].abs() < 1e-12);
    }
}

#[test]
fn enumeration_of_all_configurations_gives_the_same_thermodynamics() {
    for (sites, temperature, field) in [(1, 0.7, 0.3), (7, 0.4, -0.2), (12, 1.1, 0.05)] {
        let model = model(sites, temperature, field);
        let words = all_words(sites);
        let rows = 1 << sites;
        // The double sum over spins, written out.
        let sign = |row: usize, i: usize| if row >> i & 1 == 1 { 1.0 } else { -1.0 };
        let energy = |row: usize| {
            let mut energy = 0.0;
            for i in 0..sites {
                energy -= field * sign(row, i);
                for j in 0..sites {
                    energy -= sign(row, i) * sign(row, j) / (2.0 * sites as f64);
                }
            }
            energy
        };
        let weights: Vec<f64> = (0..rows)
            .map(|row| (-energy(row) / temperature).exp())
            .collect();
        let z: f64 = weights.iter().sum();
        let mean = |f: &dyn Fn(usize) -> f64| -> f64 {
            (0..rows).map(|row| weights[row] / z * f(row)).sum()
        };
        let m = |row: usize| (0..sites).map(|i| sign(row, i)).sum::<f64>() / sites as f64;
        let found = model.solution().unwrap();
        let exact = model.exact().unwrap();
        let mean_energy = mean(&energy);
        let variance = mean(&|row| (energy(row) - mean_energy).powi(2));
        let fluctuation = mean(&|row| m(row).powi(2)) - mean(&|row| m(row).abs()).powi(2);
        let size = sites as f64;
        let pairs = [
            (found.log_partition, z.ln()),
            (found.mean_overlaps[0], mean(&m)),
            (found.absolute_overlaps[0], mean(&|row| m(row).abs())),
            (found.squared_overlaps[0], mean(&|row| m(row).powi(2))),
            (found.fourth_overlaps[0], mean(&|row| m(row).powi(4))),
            (exact["energy_per_site"], mean_energy / size),
            (exact["energy_variance_per_site"], variance / size),
            (
                exact["specific_heat"],
                variance / size / temperature.powi(2),
            ),
            (
                exact["entropy_per_site"],
                -mean(&|row| (weights[row] / z).ln()) / size,
            ),
            (exact["susceptibility"], size / temperature * fluctuation),
            (
                exact["binder_cumulant"],
                1.0 - mean(&|row| m(row).powi(4)) / (3.0 * mean(&|row| m(row).powi(2)).powi(2)),
            ),
        ];
        for (index, (found, expected)) in pairs.iter().enumerate() {
            assert!(
                (found - expected).abs() < 1e-11,
                "N = {sites}, {index}: {found} {expected}"
            );
        }
        let log_partition = model
            .log_partition(&|name| stream(name, &[]), &go_on)
            .unwrap()
            .unwrap();
        for (row, weight) in weights.iter().enumerate() {
            let log_probability = model.log_probability(&words, row, &log_partition);
            assert!((log_probability - (weight / z).ln()).abs() < 1e-11);
            assert!((model.order_values(&words, row)[0] - m(row)).abs() < 1e-14);
        }
    }
}

#[test]
fn limits_of_temperature_and_field_are_those_of_free_and_of_frozen_spins() {
    // βJ -> 0 at fixed βh: free spins, <m> = tanh βh, and ln Z = N ln 2cosh βh.
    let (sites, temperature) = (50, 1e4);
    let field = 700.0;
    let found = model(sites, temperature, field).solution().unwrap();
    let x: f64 = field / temperature;
    // Corrections are of order β = 1e-4.
    assert!((found.mean_overlaps[0] - x.tanh()).abs() < 1e-4);
    assert!((found.log_partition - 50.0 * (2.0 * x.cosh()).ln()).abs() < 1e-4);
    // Far below T_c all spins are aligned: E = -N/2, S = ln 2 for both directions.
    let cold = model(40, 0.02, 0.0).solution().unwrap();
    assert!((cold.mean_energy + 20.0).abs() < 1e-12);
    assert!((cold.entropy - std::f64::consts::LN_2).abs() < 1e-9);
    assert!((cold.absolute_overlaps[0] - 1.0).abs() < 1e-12);
    // A field picks one of them: no entropy is left.
    let aligned = model(40, 0.02, 0.1).solution().unwrap();
    assert!(aligned.entropy.abs() < 1e-9 && (aligned.mean_overlaps[0] - 1.0).abs() < 1e-12);
    assert!((aligned.mean_energy + 24.0).abs() < 1e-9);
}

#[test]
fn the_binder_cumulant_runs_from_zero_to_two_thirds() {
    let binder =
        |sites, temperature| model(sites, temperature, 0.0).exact().unwrap()["binder_cumulant"];
    assert!((binder(2000, 0.5) - 2.0 / 3.0).abs() < 1e-3);
    assert!(binder(2000, 4.0).abs() < 1e-3);
    // At T_c it tends to 1 - Γ(5/4)Γ(1/4) / 3Γ(3/4)² for p(m) ∝ exp(-N m⁴/12).
    let critical = 1.0
        - 0.906_402_477_055_477 * 3.625_609_908_221_908 / (3.0 * 1.225_416_702_465_178_f64.powi(2));
    assert!(
        (binder(20_000, 1.0) - critical).abs() < 0.01,
        "{} {critical}",
        binder(20_000, 1.0)
    );
}

#[test]
fn the_field_has_a_normalised_density_with_the_moments_of_the_magnetisation() {
    for (temperature, field) in [(0.6, 0.0), (1.0, 0.0), (1.0, 0.1), (2.0, -0.3)] {
        let model = model(100, temperature, field);
        let distribution = model.field_distribution().unwrap();
        let solution = model.solution().unwrap();
        let beta = model.beta();
        // Simpson's rule over far more than the support.
        let (from, to, steps) = (-8.0, 8.0, 16_000);
        let width = (to - from) / f64::from(steps);
        let mut moments = [0.0; 3];
        for step in 0..=steps {
            let x = from + width * f64::from(step);
            let ends = step == 0 || step == steps;
            let weight = if ends {
                1.0
            } else {
                2.0 + 2.0 * f64::from(step % 2)
            };
            for (power, moment) in moments.iter_mut().enumerate() {
                *moment += weight * width / 3.0 * distribution.density(x) * x.powi(power as i32);
            }
        }
        let external = beta * field;
        let (first, second) = (solution.mean_overlaps[0], solution.squared_overlaps[0]);
        let mean = beta * first + external;
        // φ given s is normal around βm + βh with the variance β/N.
        let square =
            beta.powi(2) * second + 2.0 * beta * first * external + external.powi(2) + beta / 100.0;
        assert!(
            (moments[0] - 1.0).abs() < 1e-9,
            "T = {temperature}: {moments:?}"
        );
        assert!(
            (moments[1] - mean).abs() < 1e-9,
            "T = {temperature}: {moments:?}"
        );
        assert!(
            (moments[2] - square).abs() < 1e-9,
            "T = {temperature}: {moments:?}"
        );
    }
}

#[test]
fn the_cumulative_of_the_field_is_the_integral_of_its_density() {
    let distribution = model(60, 0.9, 0.05).field_distribution().unwrap();
    let (from, steps, width) = (-6.0, 12_000, 0.001);
    let mut integral = 0.0;
    for step in 0..steps {
        let x = from + width * f64::from(step);
        let ends = distribution.density(x) + distribution.density(x + width);
        integral += width / 6.0 * (ends + 4.0 * distribution.density(x + 0.5 * width));
        if step % 500 == 0 {
            // The error function has about 1e-11 of error.
            let found = distribution.cumulative(x + width);
            assert!((found - integral).abs() < 1e-9, "{x}: {found} {integral}");
        }
    }
    assert!((integral - 1.0).abs() < 1e-9);
}

/// How far chi square is above the number of magnetisations that are compared, in
/// standard deviations; rare ones are left out.
fn histogram_pull(model: &CurieWeiss, samples: &Configurations, scale: f64) -> f64 {
    let bits = samples.as_spins().unwrap();
    let mut counts = vec![0.0; bits.columns() + 1];
    (0..bits.rows()).for_each(|row| counts[bits.count_ones(row)] += 1.0);
    let (mut chi_square, mut compared) = (0.0, 0.0);
    for (count, probability) in counts.iter().zip(model.count_distribution()) {
        let expected = bits.rows() as f64 * probability;
        if expected > 10.0 {
            chi_square += scale * (count - expected).powi(2) / expected;
            compared += 1.0;
        }
    }
    (chi_square - compared) / (2.0_f64 * compared).sqrt()
}

#[test]
fn independent_samples_have_the_distribution_of_the_magnetisation() {
    for (index, (sites, temperature, field)) in [
        (100, 0.5, 0.0),
        (100, 0.8, 0.01),
        (100, 1.0, 0.0),
        (100, 2.0, -0.1),
        (64, 1.0, 0.0),
        (3, 0.4, 0.2),
        (1, 1.0, 0.5),
        (1000, 1.0, 0.0),
    ]
    .into_iter()
    .enumerate()
    {
        let model = model(sites, temperature, field);
        let sampler = model.independent().unwrap().unwrap();
        let samples = sampler.draw(100_000, &mut stream("histogram", &[&index.to_string()]));
        let pull = histogram_pull(&model, &samples, 1.0);
        assert!(
            pull.abs() < 4.0,
            "N = {sites}, T = {temperature}, h = {field}: {pull}"
        );
    }
}

#[test]
fn every_word_of_a_small_system_is_drawn_with_its_probability() {
    let model = model(8, 0.9, 0.15);
    let words = all_words(8);
    let log_partition = model
        .log_partition(&|name| stream(name, &[]), &go_on)
        .unwrap()
        .unwrap();
    for method in [
        SamplingMethod::Exact,
        SamplingMethod::Gibbs,
        SamplingMethod::Tempering,
    ] {
        let streams = |name: &str| stream("words", &[name]);
        let ensemble = model.sample(method, 40_000, &streams, &go_on).unwrap();
        let bits = ensemble.samples.as_spins().unwrap();
        let mut counts = [0.0; 256];
        (0..40_000).for_each(|row| counts[bits.row(row)[0] as usize] += 1.0);
        let scale = ensemble.effective_samples / 40_000.0;
        let (mut chi_square, mut compared) = (0.0, 0.0);
        for (word, count) in counts.iter().enumerate() {
            let expected = 40_000.0 * model.log_probability(&words, word, &log_partition).exp();
            if expected > 5.0 {
                chi_square += scale * (count - expected).powi(2) / expected;
                compared += 1.0;
            }
        }
        let pull = (chi_square - compared) / (2.0_f64 * compared).sqrt();
        assert!(pull.abs() < 4.0, "{method:?}: {pull}");
    }
}

/// Deviations of energy, |m|, m² and m⁴ from the exact means, in standard errors.
fn pulls(model: &CurieWeiss, ensemble: &Ensemble) -> [f64; 4] {
    let bits = ensemble.samples.as_spins().unwrap();
    let sites = bits.columns() as f64;
    let solution = model.solution().unwrap();
    let m = |row: usize| (2.0 * bits.count_ones(row) as f64 - sites) / sites;
    let pull = |expected: f64, f: &dyn Fn(f64) -> f64| {
        let values: Vec<f64> = (0..bits.rows()).map(|row| f(m(row))).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean - expected) / (variance / ensemble.effective_samples).sqrt()
    };
    [
        (ensemble.mean_energy - solution.mean_energy) / ensemble.mean_energy_error,
        pull(solution.absolute_overlaps[0], &f64::abs),
        pull(solution.squared_overlaps[0], &|m| m * m),
        pull(solution.fourth_overlaps[0], &|m| m.powi(4)),
    ]
}

#[test]
fn energies_and_moments_of_every_sampler_agree_with_the_exact_means() {
    use SamplingMethod::{Exact, Gibbs, Tempering};
    for temperature in [0.5, 0.8, 1.0, 1.5, 2.0] {
        for field in [0.0, 0.02] {
            let model = model(100, temperature, field);
            let chain = if temperature < 1.0 { Tempering } else { Gibbs };
            for (method, samples, seed) in [Exact, chain]
                .into_iter()
                .zip([40_000, 4000])
                .flat_map(|(method, samples)| (0..3).map(move |seed| (method, samples, seed)))
            {
                let streams =
                    |name: &str| -> Generator { stream(&seed.to_string(), &["cw", name]) };
                let ensemble = model.sample(method, samples, &streams, &go_on).unwrap();
                let pulls = pulls(&model, &ensemble);
                assert!(
                    pulls.iter().all(|pull| pull.abs() < 4.0),
                    "{method:?} at T = {temperature}, h = {field}, seed {seed}: {pulls:?}"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_computed_is_refused_with_the_range() {
    let message = |result: Result<CurieWeiss, PhysicsError>| result.unwrap_err().to_string();
    for sites in [0, 1 << 20] {
        let message = message(CurieWeiss::new(sites, 1.0, 0.0));
        assert!(message.contains("expected 1 to 65536"), "{message}");
    }
    for field in [f64::NAN, 1e9, f64::NEG_INFINITY] {
        let message = message(CurieWeiss::new(10, 1.0, field));
        assert!(message.contains("from -1000 to 1000"), "{message}");
    }
    let message = message(CurieWeiss::new(10, 0.0, 0.0));
    assert!(message.contains("from 0.001"), "{message}");
    let wolff = SamplingMethod::Wolff;
    let streams = |name: &str| stream(name, &[]);
    let error = model(10, 1.0, 0.0)
        .sample(wolff, 10, &streams, &go_on)
        .unwrap_err();
    assert!(
        error.to_string().contains("`exact`, `gibbs`, `tempering`"),
        "{error}"
    );
}

#[test]
fn the_largest_and_coldest_system_can_be_drawn() {
    let model = model(MAX_SITES, 0.001, 0.0);
    let sampler = model.independent().unwrap().unwrap();
    let samples = sampler.draw(20, &mut stream("cold", &[]));
    let bits = samples.as_spins().unwrap();
    // Spins align completely; both directions appear, but for a chance of 2^-19.
    let up: Vec<usize> = (0..20).map(|row| bits.count_ones(row)).collect();
    assert!(up.iter().all(|&up| up == 0 || up == MAX_SITES), "{up:?}");
    assert!(up.contains(&0) && up.contains(&MAX_SITES));
}
