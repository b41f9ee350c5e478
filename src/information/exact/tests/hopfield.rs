//! Hopfield networks against tables, two Curie-Weiss models, and enumeration.

use super::*;
use crate::bits::BitMatrix;
use crate::information::InformationMethod;
use crate::physics::{Hopfield, SiteClasses, draw_patterns, fields_along};
use classes::SpinClass;
use field_grid::FieldGrid;

/// Patterns of which number `p > 0` differs from the first where bit `p - 1` of the
/// site's number is set: classes of equal size, equally many in both halves.
fn balanced(patterns: usize, sites: usize) -> BitMatrix {
    let mut bits = BitMatrix::zeros(patterns, sites);
    for (pattern, site) in (0..patterns).flat_map(|p| (0..sites).map(move |site| (p, site))) {
        let up = pattern == 0 || site >> (pattern - 1) & 1 == 0;
        bits.set(pattern, site, up);
    }
    bits
}

fn drawn(patterns: usize, sites: usize) -> BitMatrix {
    draw_patterns(patterns, sites, &mut stream("patterns", &[]))
}

#[test]
fn two_balanced_patterns_are_those_of_the_table() {
    for (temperature, expected, expected_rate) in [
        (0.3, 1.38641, 1.40629),
        (0.5, 1.39883, 1.59415),
        (0.7, 1.56627, 2.17914),
        (1.0, 1.01751, 2.14716),
        (1.5, 0.25606, 1.03263),
    ] {
        let model = Hopfield::new(balanced(2, 100), temperature).unwrap();
        let found = information(&model, &halves(100));
        // Half a unit of the last digit.
        assert!((found - expected).abs() < 6e-6, "{temperature}: {found}");
        let rate = rate(&model);
        assert!((rate - expected_rate).abs() < 6e-6, "{temperature}: {rate}");
    }
}

#[test]
fn three_balanced_patterns_are_those_of_the_table() {
    for (temperature, log_partition, expected) in [
        (0.3, 81.886_118, 1.79222),
        (0.5, 51.081_614, 1.84892),
        (0.7, 40.638_446, 1.90119),
        (1.0, 36.394_509, 0.96244),
        (1.5, 34.783_400, 0.32217),
    ] {
        let model = Hopfield::new(balanced(3, 48), temperature).unwrap();
        let found = information(&model, &halves(48));
        assert!((found - expected).abs() < 6e-6, "{temperature}: {found}");
        let grid = FieldGrid::new(&model).unwrap();
        let log = grid.log_partition;
        assert!((log - log_partition).abs() < 6e-7, "{temperature}: {log}");
        assert!(found <= grid.rate, "{temperature}: {}", grid.rate);
    }
    // Three patterns and their negatives; at T = 0.15 nothing else is left.
    let cold = Hopfield::new(balanced(3, 48), 0.15).unwrap();
    let found = information(&cold, &halves(48));
    assert!((found - 6.0_f64.ln()).abs() < 1e-4, "{found}");
}

#[test]
fn two_patterns_are_two_curie_weiss_models() {
    let (sites, temperature) = (40, 0.6);
    let patterns = drawn(2, sites);
    let model = Hopfield::new(patterns.clone(), temperature).unwrap();
    let partition = cut(&PartitionRule::Random { count: 1 }, sites);
    let (mut expected, mut expected_rate) = (0.0, 0.0);
    for same in [true, false] {
        let belongs = |site: usize| (patterns.get(0, site) == patterns.get(1, site)) == same;
        let members: Vec<usize> = (0..sites).filter(|&site| belongs(site)).collect();
        let inside = |&place: &usize| partition.first().contains(&members[place]);
        let first: Vec<usize> = (0..members.len()).filter(inside).collect();
        // J_eff = 2 n / N on n spins.
        let size = members.len() as f64;
        let scaled = temperature * sites as f64 / (2.0 * size);
        let part = CurieWeiss::new(members.len(), scaled, 0.0).unwrap();
        let split = Partition::new("part", members.len(), &first).unwrap();
        expected += information(&part, &split);
        expected_rate += rate(&part);
    }
    let found = information(&model, &partition);
    assert!((found - expected).abs() < 1e-11, "{found}, {expected}");
    let found = rate(&model);
    assert!(
        (found - expected_rate).abs() < 1e-11,
        "{found}, {expected_rate}"
    );
}

/// Small models: 1 to 3 patterns, without and with fields along the last.
fn small_models() -> Vec<Hopfield> {
    let mut models = Vec::new();
    for patterns in 1..=3 {
        for (strength, temperature) in [(0.0, 0.5), (0.2, 0.5), (0.0, 1.2), (-0.4, 2.0)] {
            let bits = drawn(patterns, 11);
            let fields = fields_along(&bits, patterns - 1, strength);
            models.push(Hopfield::with_fields(bits, fields, temperature).unwrap());
        }
    }
    models
}

#[test]
fn any_partition_of_a_small_network_is_that_of_all_configurations() {
    for model in small_models() {
        let three_sites = PartitionRule::Sites(vec![0, 4, 7]);
        let random = PartitionRule::Random { count: 1 };
        for rule in [PartitionRule::Halves, random, three_sites] {
            let partition = cut(&rule, 11);
            let found = information(&model, &partition);
            let expected = enumerated(&partition, |state| -model.beta() * model.energy(&[state]));
            let expected = expected.unwrap().nats;
            assert!(
                (found - expected).abs() < 1e-12,
                "{rule:?}: {found}, {expected}"
            );
            let other = information(&model, &exchanged(&partition));
            assert!((found - other).abs() < 1e-12, "{rule:?}: {found}, {other}");
            assert!(found <= rate(&model) + 1e-12);
        }
    }
}

#[test]
fn the_integral_over_the_field_is_the_sum_over_all_configurations() {
    for model in small_models() {
        let grid = FieldGrid::new(&model).unwrap();
        let whole = SiteClasses::new(&model);
        let solution = crate::physics::ExactSolution::new(&whole).unwrap();
        let log = grid.log_partition;
        assert!((log - solution.log_partition).abs() < 1e-10, "{log}");
        let squared = 121.0 * solution.squared_overlaps.iter().sum::<f64>();
        assert!(
            (grid.squared_sum - squared).abs() < 1e-8,
            "{}",
            grid.squared_sum
        );
    }
}

#[test]
fn the_rate_is_the_mean_divergence_over_all_configurations() {
    // The same rate by two ways: an integral over the field, and one normal number for
    // each site of each configuration.
    for model in small_models() {
        let mut all = BitMatrix::zeros(1 << 11, 11);
        (0..1 << 11).for_each(|state| all.set_row(state, &[state as u64]));
        let all = Configurations::from(all);
        let samples = EquilibriumSamples {
            configurations: &all,
            effective: 1.0,
            log_partition: None,
        };
        let grid = FieldGrid::new(&model).unwrap();
        let divergences = spins::divergences(&model, &samples);
        let mean: f64 = divergences
            .iter()
            .enumerate()
            .map(|(state, divergence)| {
                let log_weight = -model.beta() * model.energy(&[state as u64]);
                (log_weight - grid.log_partition).exp() * divergence
            })
            .sum();
        let expected = mean + grid.log_partition;
        // ln 2cosh has branch points at ±iπ/2: a narrow strip at the lowest temperature
        // of three patterns on 11 sites.
        assert!(
            (grid.rate - expected).abs() < 1e-7,
            "{}, {expected}",
            grid.rate
        );
    }
}

#[test]
fn one_side_in_the_field_is_the_sum_over_its_counts() {
    let model = Hopfield::new(drawn(3, 30), 0.8).unwrap();
    let partition = cut(&PartitionRule::Random { count: 1 }, 30);
    let grid = FieldGrid::new(&model).unwrap();
    let side = grid.side(&model, partition.second());
    let coupling = model.beta() / 30.0;
    let classes = SpinClass::group(&model, partition.second());
    for sums in [[0.0, 0.0, 0.0], [5.0, -3.0, 1.0], [-9.0, 13.0, 7.0]] {
        // Spin by spin given a field of the class sums: by enumeration of the counts.
        let mut logs = Vec::new();
        let states: usize = classes.iter().map(|class| class.size + 1).product();
        for state in 0..states {
            let mut rest = state;
            let (mut log_weight, mut total) = (0.0, [0.0; 3]);
            for class in &classes {
                let up = rest % (class.size + 1);
                rest /= class.size + 1;
                let magnetisation = 2.0 * up as f64 - class.size as f64;
                let size = class.size as u64;
                log_weight += statrs::function::factorial::ln_binomial(size, up as u64);
                let pairs = total.iter_mut().zip(&class.signs);
                pairs.for_each(|(total, xi)| *total += xi * magnetisation);
            }
            let square: f64 = total.iter().map(|y| y * y).sum();
            let product: f64 = total.iter().zip(sums).map(|(y, z)| y * z).sum();
            logs.push(log_weight + coupling * (0.5 * square + product));
        }
        let expected = log_sum_exp(logs.iter().copied());
        let found = side.log_sum(&sums);
        assert!(
            (found - expected).abs() < 1e-9,
            "{sums:?}: {found}, {expected}"
        );
    }
}

#[test]
fn the_mean_over_samples_is_the_sum_over_counts() {
    for temperature in [0.5, 1.0] {
        let model = Hopfield::new(drawn(3, 30), temperature).unwrap();
        let partition = cut(&PartitionRule::Random { count: 1 }, 30);
        let exact = information(&model, &partition);
        let ensemble = ensemble(&model, 400);
        let grid = FieldGrid::new(&model).unwrap();
        let found = spins::sampled_information(&model, &grid, &partition, &sampled(&ensemble));
        let pull = (found.nats - exact) / found.standard_error;
        assert!(pull.abs() < 4.0, "{found:?}, {exact}");
        // A spread of order 1 over 400 samples.
        assert!(found.standard_error < 0.06, "{found:?}");
    }
}

#[test]
fn beyond_the_sums_samples_are_needed_and_then_used() {
    let model = Hopfield::new(drawn(3, 200), 0.9).unwrap();
    let partition = halves(200);
    assert_eq!(model.mutual_information(&partition, None).unwrap(), None);
    let ensemble = ensemble(&model, 100);
    let samples = sampled(&ensemble);
    let found = model
        .mutual_information(&partition, Some(&samples))
        .unwrap()
        .unwrap();
    assert_eq!(found.method, InformationMethod::Samples);
    assert!(found.nats > 0.0 && found.nats < rate(&model), "{found:?}");
}

#[test]
fn many_patterns_have_their_rate_from_samples() {
    // Classes of 8 patterns on 8 sites are affordable, their field is not.
    let model = Hopfield::new(drawn(8, 8), 1.5).unwrap();
    assert_eq!(model.field_rate(None).unwrap(), None);
    let solution = crate::physics::ExactSolution::new(&SiteClasses::new(&model)).unwrap();
    let ensemble = ensemble(&model, 4000);
    let known = LogPartition {
        value: solution.log_partition,
        standard_error: 0.0,
        method: crate::physics::LogPartitionMethod::SiteClasses,
    };
    let samples = EquilibriumSamples {
        log_partition: Some(known),
        ..sampled(&ensemble)
    };
    let found = model.field_rate(Some(&samples)).unwrap().unwrap();
    // The mean divergence over all 256 configurations.
    let mut all = BitMatrix::zeros(256, 8);
    (0..256).for_each(|state| all.set_row(state, &[state as u64]));
    let all = Configurations::from(all);
    let every = EquilibriumSamples {
        configurations: &all,
        ..samples
    };
    let divergences = spins::divergences(&model, &every);
    let weights = (0..256)
        .map(|state| (-model.beta() * model.energy(&[state]) - solution.log_partition).exp());
    let mean: f64 = weights.zip(divergences).map(|(p, d)| p * d).sum();
    let expected = solution.log_partition + mean;
    let pull = (found.nats - expected) / found.standard_error;
    assert!(pull.abs() < 4.0, "{found:?}, {expected}");
}

#[test]
fn the_entropy_of_many_classes_comes_from_samples() {
    // Some sixty classes of one site. At high temperature ln Z = N ln 2 + βP/2 and
    // <H> = -P/2 but for β² P, so that S = N ln 2.
    let (patterns, sites, temperature) = (8, 60, 1000.0);
    let model = Hopfield::new(drawn(patterns, sites), temperature).unwrap();
    assert_eq!(model.entropy(None).unwrap(), None);
    let ensemble = ensemble(&model, 500);
    let log_partition = sites as f64 * std::f64::consts::LN_2;
    let known = LogPartition {
        value: log_partition + 0.5 * patterns as f64 / temperature,
        standard_error: 1e-4,
        method: crate::physics::LogPartitionMethod::AcceptanceRatio,
    };
    let samples = EquilibriumSamples {
        log_partition: Some(known),
        ..sampled(&ensemble)
    };
    let found = model.entropy(Some(&samples)).unwrap().unwrap();
    assert_eq!(found.method, InformationMethod::Samples);
    assert!(
        (found.nats - log_partition).abs() < 4.0 * found.standard_error + 1e-5,
        "{found:?}"
    );
    assert!(
        found.standard_error > 1e-4,
        "the error of ln Z is part of it"
    );
    assert!(found.standard_error < 1e-3, "{found:?}");
}
