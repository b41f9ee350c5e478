//! One magnet, every estimator.

use super::*;
use crate::inference::Centring;

/// Everything that is estimated of one magnet, with the name of how.
fn all_estimates(magnet: &Magnet, resamples: usize, seed: &str) -> Vec<(&'static str, Estimate)> {
    let mut generator = stream(seed, &["estimates"]);
    let mut noise = stream(seed, &["noise"]);
    // A network's posterior means are not perfect: a little noise stands for it.
    let parameters = magnet.posterior_means();
    let parameters: Vec<f64> = parameters
        .iter()
        .map(|x| x + 0.05 * normal(&mut noise))
        .collect();
    let draws = magnet.draws(4, &mut generator);
    let prior = magnet.draws(1, &mut generator);
    let bootstrap = &mut Bootstrap {
        resamples,
        generator: &mut generator,
    };
    let (sites, blocks) = (magnet.sites, magnet.blocks.as_slice());
    let data = MeanFieldData {
        width: 1,
        parameters: &parameters,
        features: &magnet.magnetisations,
        blocks,
    };
    let draws = FieldDraws {
        sites,
        width: 1,
        draws: 4,
        values: &draws,
        blocks,
    };
    let external = if magnet.field == 0.0 {
        ExternalField::Absent
    } else {
        ExternalField::Fitted
    };
    let line = mean_field_regression(&data, bootstrap).unwrap();
    let variance = conditional_variance(&draws, bootstrap).unwrap();
    let field = fit_field(&prior, sites, external, blocks, bootstrap).unwrap();
    let pseudo = pseudo_likelihood(&magnet.spins, external, blocks, bootstrap).unwrap();
    let mut estimates = vec![
        ("slope", line.coupling),
        ("variance", variance),
        ("field, information", field.information.coupling),
        ("field, bootstrap", field.bootstrap.coupling),
        ("pseudo-likelihood, sandwich", pseudo.sandwich.coupling),
        ("pseudo-likelihood, bootstrap", pseudo.bootstrap.coupling),
    ];
    if magnet.field == 0.0 {
        let squares: Vec<f64> = magnet.magnetisations.iter().map(|m| m * m).collect();
        let exact = |coupling| mean_square(sites, coupling);
        let matched = moment_matching(&squares, blocks, exact, (0.0, 4.0)).unwrap();
        estimates.push(("moment matching", matched));
        assert!(field.information.field.is_none() && pseudo.sandwich.field.is_none());
    }
    estimates
}

#[test]
fn every_estimator_returns_the_coupling_in_every_phase() {
    for coupling in [0.5, 1.0, 1.25, 1.6] {
        let magnet = Magnet::new(100, [coupling, 0.0], 5000, "phases");
        for (what, estimate) in all_estimates(&magnet, 100, "phases") {
            assert_within(estimate, coupling, &format!("{what} at {coupling}"));
        }
    }
}

#[test]
fn external_fields_are_returned_with_the_coupling() {
    let truth = [0.8, 0.15];
    let magnet = Magnet::new(60, truth, 8000, "external");
    let mut generator = stream("external", &["estimates"]);
    let prior = magnet.draws(1, &mut generator);
    let bootstrap = &mut Bootstrap {
        resamples: 100,
        generator: &mut generator,
    };
    let blocks = magnet.blocks.as_slice();
    let field = fit_field(&prior, 60, ExternalField::Fitted, blocks, bootstrap).unwrap();
    let pseudo =
        pseudo_likelihood(&magnet.spins, ExternalField::Fitted, blocks, bootstrap).unwrap();
    for (what, found) in [
        ("field, information", field.information),
        ("field, bootstrap", field.bootstrap),
        ("pseudo-likelihood, sandwich", pseudo.sandwich),
        ("pseudo-likelihood, bootstrap", pseudo.bootstrap),
    ] {
        assert_within(found.coupling, truth[0], what);
        assert_within(found.field.unwrap(), truth[1], what);
    }
    // Two ways to the same error; each is known to 7 %.
    for (a, b) in [
        (field.information, field.bootstrap),
        (pseudo.sandwich, pseudo.bootstrap),
    ] {
        let ratio = a.field.unwrap().standard_error / b.field.unwrap().standard_error;
        assert!((ratio - 1.0).abs() < 0.4, "ratio {ratio}");
    }
    let data = MeanFieldData {
        width: 1,
        parameters: &magnet.posterior_means(),
        features: &magnet.magnetisations,
        blocks,
    };
    let line = mean_field_regression(&data, bootstrap).unwrap();
    // Without noise the line is exact.
    assert!((line.coupling.value - truth[0]).abs() < 1e-12);
    assert!((line.field.unwrap().value - truth[1]).abs() < 1e-12);
    assert!((line.explained - 1.0).abs() < 1e-12);
}

#[test]
fn intervals_cover_the_coupling_as_often_as_they_say() {
    for (coupling, field) in [(0.8, 0.0), (0.7, 0.2)] {
        let mut covered: Vec<(&str, u32)> = Vec::new();
        for seed in 0..100 {
            let seed = format!("{field} {seed}");
            let magnet = Magnet::new(40, [coupling, field], 600, &seed);
            let estimates = all_estimates(&magnet, 60, &seed);
            covered.resize(estimates.len(), ("", 0));
            for (hits, (what, estimate)) in covered.iter_mut().zip(estimates) {
                *hits = (what, hits.1 + u32::from(covers(estimate, coupling)));
            }
        }
        for (what, hits) in &covered {
            assert!((90..=99).contains(hits), "{what}: {covered:?}");
        }
    }
}

#[test]
fn the_exchangeable_inverse_is_that_of_the_averaged_matrix() {
    // All pairs alike: ±1 patterns of three spins in all orders, with their negatives.
    let samples = BitMatrix::from_words(10, 3, vec![7, 0, 7, 0, 1, 2, 4, 6, 5, 3]).unwrap();
    let blocks: Vec<u32> = (0..10).collect();
    let mut generator = stream("1", &[]);
    let bootstrap = &mut Bootstrap {
        resamples: 2,
        generator: &mut generator,
    };
    for centring in [Centring::Symmetric, Centring::Means] {
        let found = exchangeable_inversion(&samples, centring, &blocks, bootstrap).unwrap();
        let matrix = naive_mean_field(&samples, centring).unwrap();
        assert!((found.value - 3.0 * matrix[1]).abs() < 1e-12);
    }
}

#[test]
fn estimates_of_the_disordered_phase_agree_to_first_order_in_one_over_n() {
    let magnet = Magnet::new(400, [0.5, 0.0], 20_000, "disordered");
    let mut generator = stream("disordered", &["estimates"]);
    let bootstrap = &mut Bootstrap {
        resamples: 100,
        generator: &mut generator,
    };
    let squares: Vec<f64> = magnet.magnetisations.iter().map(|m| m * m).collect();
    let blocks = magnet.blocks.as_slice();
    let response = linear_response(&squares, 400, 1, blocks, bootstrap).unwrap();
    let centring = Centring::Symmetric;
    let inverse = exchangeable_inversion(&magnet.spins, centring, blocks, bootstrap).unwrap();
    for estimate in [response, inverse] {
        // Errors of sqrt(2 / 20,000) / 2 = 0.005; corrections of a few 1/N.
        let difference = (estimate.value - 0.5).abs();
        assert!(
            difference < 4.0 * estimate.standard_error + 4.0 / 400.0,
            "{estimate:?}"
        );
        assert!((0.003..0.008).contains(&estimate.standard_error));
    }
}

#[test]
fn variances_are_averaged_over_rows_and_components() {
    // Row 0: components vary by 2 and 8 between two draws; row 1 by 0 and 2.
    let values = [0.0, 0.0, 2.0, 4.0, 1.0, 1.0, 1.0, 3.0];
    let data = FieldDraws {
        sites: 10,
        width: 2,
        draws: 2,
        values: &values,
        blocks: &[0, 1],
    };
    let mut generator = stream("1", &[]);
    let bootstrap = &mut Bootstrap {
        resamples: 2,
        generator: &mut generator,
    };
    let found = conditional_variance(&data, bootstrap).unwrap();
    assert!((found.value - 10.0 * (2.0 + 8.0 + 0.0 + 2.0) / 4.0).abs() < 1e-12);
}
