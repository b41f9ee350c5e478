//! Curie-Weiss models against tables, closed forms and enumeration.

use super::*;
use crate::information::InformationMethod;
use crate::physics::Hopfield;

fn model(sites: usize, temperature: f64) -> CurieWeiss {
    CurieWeiss::new(sites, temperature, 0.0).unwrap()
}

/// T, N, ln Z, I(A;B) of halves, I(x;z): computed independently to six digits.
const TABLE: [(f64, usize, f64, f64, f64); 7] = [
    (0.5, 100, 102.754_182, 0.698_188, 0.790_148),
    (0.8, 100, 74.139_928, 0.887_360, 1.310_090),
    (1.0, 20, 14.959_815, 0.360_152, 0.871_454),
    (1.0, 100, 70.786_277, 0.636_456, 1.232_951),
    (1.0, 400, 279.065_532, 0.921_995, 1.562_436),
    (1.5, 100, 69.854_723, 0.135_059, 0.531_318),
    (2.0, 100, 69.658_855, 0.057_306, 0.341_761),
];

#[test]
fn information_and_rate_of_halves_are_those_of_the_table() {
    for (temperature, sites, log_partition, expected, expected_rate) in TABLE {
        let model = model(sites, temperature);
        let found = information(&model, &halves(sites));
        // Half a unit of the last digit.
        assert!(
            (found - expected).abs() < 6e-7,
            "{temperature} {sites}: {found}"
        );
        let rate = rate(&model);
        assert!(
            (rate - expected_rate).abs() < 6e-7,
            "{temperature} {sites}: {rate}"
        );
        let grid = field_grid::FieldGrid::new(model.network()).unwrap();
        let found = grid.log_partition;
        assert!(
            (found - log_partition).abs() < 6e-7,
            "{temperature} {sites}: {found}"
        );
        assert!(expected <= rate);
    }
}

#[test]
fn at_the_critical_point_information_grows_by_a_quarter_of_ln_n() {
    let sizes = [64, 128, 256, 512, 1024, 2048, 4096];
    let values = sizes.map(|sites| information(&model(sites, 1.0), &halves(sites)));
    let rates = sizes.map(|sites| rate(&model(sites, 1.0)));
    assert!((values[0] - 0.5529).abs() < 6e-5, "{values:?}");
    assert!((values[6] - 1.4566).abs() < 6e-5, "{values:?}");
    assert!((rates[6] - 2.1321).abs() < 6e-5, "{rates:?}");
    let slopes = |values: [f64; 7]| {
        let steps = values
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) / 2.0_f64.ln());
        steps.collect::<Vec<f64>>()
    };
    let expected = [0.190, 0.205, 0.216, 0.225, 0.232, 0.237];
    for (slope, expected) in slopes(values).iter().zip(expected) {
        assert!((slope - expected).abs() < 6e-4, "{slope}, {expected}");
    }
    let rates = slopes(rates);
    assert!(
        (rates[0] - 0.232).abs() < 6e-4 && (rates[5] - 0.247).abs() < 6e-4,
        "{rates:?}"
    );
}

#[test]
fn any_partition_of_a_small_model_is_that_of_all_configurations() {
    for (sites, field) in [(2, 0.0), (7, 0.0), (7, 0.3), (12, -0.1), (12, 0.0)] {
        for temperature in [0.4, 1.0, 2.5] {
            let model = CurieWeiss::new(sites, temperature, field).unwrap();
            let one_site = PartitionRule::Sites(vec![1]);
            for rule in [PartitionRule::Halves, PartitionRule::EvenOdd, one_site] {
                let partition = cut(&rule, sites);
                let found = information(&model, &partition);
                let expected = enumerated(&partition, |state| {
                    -model.network().energy(&[state]) / temperature
                });
                let expected = expected.unwrap().nats;
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{sites} {rule:?}: {found}, {expected}"
                );
            }
        }
    }
}

#[test]
fn sides_may_be_exchanged_and_equal_sizes_are_alike() {
    for field in [0.0, 0.05] {
        let model = CurieWeiss::new(60, 0.9, field).unwrap();
        let third = cut(&PartitionRule::Sites(vec![3, 9, 12, 20, 41]), 60);
        let found = information(&model, &third);
        let other = information(&model, &exchanged(&third));
        assert!((found - other).abs() < 1e-12, "{found}, {other}");
        let halves = information(&model, &halves(60));
        let checkered = information(&model, &cut(&PartitionRule::EvenOdd, 60));
        assert!((halves - checkered).abs() < 1e-12);
        // Taking spins from the smaller side loses information.
        assert!(found < halves && halves < rate(&model));
    }
}

#[test]
fn below_the_transition_information_goes_to_ln_2_without_overflow() {
    let ln_2 = std::f64::consts::LN_2;
    for (sites, temperature) in [(100, 0.1), (1000, 0.02), (3000, 0.001)] {
        let model = model(sites, temperature);
        let found = information(&model, &halves(sites));
        // What is left is b = β(1 - m²) = β / cosh²(βm), below 1e-7 from T = 0.1 down.
        assert!(
            (found - ln_2).abs() < 1e-7,
            "{sites} {temperature}: {found}"
        );
    }
    // Above ln 2 on the way down: at T = 0.8 and N = 100 by a quarter.
    assert!(information(&model(100, 0.8), &halves(100)) > ln_2 + 0.19);
}

#[test]
fn large_models_approach_the_gaussian_limit_by_one_over_n() {
    for temperature in [0.5, 1.5, 3.0] {
        for share in [0.5, 0.25] {
            let errors = [1000, 2000].map(|sites| {
                let model = model(sites, temperature);
                let first: Vec<usize> = (0..(share * sites as f64) as usize).collect();
                let partition = Partition::new("share", sites, &first).unwrap();
                let (expected, expected_rate) = curie_weiss_limit(temperature, share);
                [
                    information(&model, &partition) - expected,
                    rate(&model) - expected_rate,
                ]
            });
            for (small, large) in errors[0].iter().zip(errors[1]) {
                assert!(small.abs() < 0.01, "{errors:?}");
                // Twice as many spins, half the distance, but for the next order.
                assert!(
                    (large / small - 0.5).abs() < 0.05,
                    "{temperature}: {errors:?}"
                );
            }
        }
    }
    let (information, rate) = curie_weiss_limit(1.0, 0.5);
    assert!(information.is_infinite() && rate.is_infinite());
}

#[test]
fn above_the_transition_the_rate_is_the_common_information_of_both_halves() {
    for temperature in [1.1_f64, 2.0, 10.0] {
        let b = temperature.recip();
        let correlation = b / (2.0 - b);
        let common = gaussian_common_information(correlation);
        assert!((common - 0.5 * ((1.0 + correlation) / (1.0 - correlation)).ln()).abs() < 1e-14);
        let (information, rate) = curie_weiss_limit(temperature, 0.5);
        assert!((rate - common).abs() < 1e-14, "{temperature}");
        let pair = gaussian_mutual_information(correlation);
        assert!((information - pair).abs() < 1e-14 && pair < common);
    }
}

#[test]
fn the_rate_is_the_mean_divergence_over_all_counts() {
    // I(x; z) = Σ_M P(M) KL(N(aM, 1) || p(z)), each by a midpoint rule over z.
    for (sites, temperature, field) in [(5, 0.7, 0.0), (20, 1.0, 0.2), (30, 3.0, 0.0)] {
        let model = CurieWeiss::new(sites, temperature, field).unwrap();
        let distribution = model.field_distribution().unwrap();
        let beta = temperature.recip();
        let spread = (beta / sites as f64).sqrt();
        let mut expected = 0.0;
        for (up, probability) in model.count_distribution().iter().enumerate() {
            let mean = spread * (2.0 * up as f64 - sites as f64);
            for step in -1000..1000 {
                let noise = 0.01 * (f64::from(step) + 0.5);
                let normal = (-0.5 * noise * noise).exp() / std::f64::consts::TAU.sqrt();
                let phi = spread * (mean + noise) + beta * field;
                // The density of φ is that of z over the spread.
                let log_density = distribution.log_density(phi) + spread.ln();
                expected += 0.01 * probability * normal * (normal.ln() - log_density);
            }
        }
        let found = rate(&model);
        assert!(
            (found - expected).abs() < 1e-9,
            "{sites}: {found}, {expected}"
        );
    }
}

#[test]
fn the_entropy_is_that_of_the_counts() {
    let model = model(30, 0.9);
    let counts = model.count_distribution();
    let entropy: f64 = counts
        .iter()
        .enumerate()
        .map(|(up, p)| {
            let words = statrs::function::factorial::ln_binomial(30, up as u64);
            p * (words - p.ln())
        })
        .sum();
    let found = model.entropy(None).unwrap().unwrap();
    assert!((found.nats - entropy).abs() < 1e-10, "{found:?}");
    assert_eq!(found.method, InformationMethod::Classes);
    let one_pattern: &Hopfield = model.network();
    assert_eq!(one_pattern.entropy(None).unwrap(), Some(found));
}
