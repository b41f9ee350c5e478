//! Directors: fields of several components.

use super::*;

#[test]
fn linear_response_of_directors_is_near_the_published_moments() {
    // Exact <|Y|²>/N² of N = 100 directors: in space at T = 0.3, in the plane at T = 0.7.
    for (width, square, temperature) in [(5, 0.030_324, 0.3), (2, 0.032_429, 0.7)] {
        let mut generator = stream("1", &[]);
        let bootstrap = &mut Bootstrap {
            resamples: 2,
            generator: &mut generator,
        };
        let found = linear_response(&[square; 4], 100, width, &[0, 1, 2, 3], bootstrap);
        let ratio = found.unwrap().value * temperature;
        // Corrections of order 1/N.
        assert!((ratio - 1.0).abs() < 0.05, "{width}: {ratio}");
    }
}

/// Draws from a density on a grid, by its own cumulative sum.
fn draw_from(log_density: impl Fn(f64) -> f64, end: f64, count: usize, seed: &str) -> Vec<f64> {
    let step = end / 20_000.0;
    let logs: Vec<f64> = (0..20_000)
        .map(|k| log_density((f64::from(k) + 0.5) * step))
        .collect();
    let largest = logs.iter().fold(f64::MIN, |a, &b| a.max(b));
    let mut sum = 0.0;
    let cumulative: Vec<f64> = logs
        .iter()
        .map(|log| {
            sum += (log - largest).exp();
            sum
        })
        .collect();
    let mut generator = stream(seed, &["density"]);
    (0..count)
        .map(|_| {
            let target = uniform(&mut generator) * sum;
            let cell = cumulative.partition_point(|&c| c < target);
            (cell as f64 + uniform(&mut generator)) * step
        })
        .collect()
}

/// `ln I_0(x)` by its power series.
fn log_bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..200 {
        term *= (0.5 * x / f64::from(k)).powi(2);
        sum += term;
    }
    f64::ln(sum)
}

#[test]
fn the_field_of_planar_directors_gives_their_coupling_in_both_phases() {
    // Of N = 100 planar directors, c(r)^N = I_0(r)^N in every direction.
    let log_weight = |r: f64| 100.0 * log_bessel(r);
    for coupling in [1.0 / 0.7, 1.0 / 0.3] {
        let log_density = |r: f64| r.ln() - 50.0 * r * r / coupling + log_weight(r);
        let mut covered = [0; 2];
        for seed in 0..100 {
            let seed = format!("planar {seed}");
            let magnitudes = draw_from(log_density, 6.0, 400, &seed);
            let mut generator = stream(&seed, &["bootstrap"]);
            let bootstrap = &mut Bootstrap {
                resamples: 60,
                generator: &mut generator,
            };
            let blocks: Vec<u32> = (0..400).collect();
            let fit = fit_radial_field(&magnitudes, 100, 2, &log_weight, &blocks, bootstrap);
            let fit = fit.unwrap();
            for (hits, found) in covered.iter_mut().zip([fit.information, fit.bootstrap]) {
                *hits += u32::from(covers(found.coupling, coupling));
                assert_within(found.coupling, coupling, "planar");
            }
        }
        for hits in covered {
            assert!((90..=99).contains(&hits), "{coupling}: {covered:?}");
        }
    }
}

#[test]
fn a_gaussian_field_in_five_dimensions_gives_its_coupling() {
    // With c(η)^N = exp(N |η|²/10), η is normal with variance K/N / (1 - K/5).
    let (sites, coupling) = (200.0, 2.5);
    let spread: f64 = f64::sqrt(coupling / sites / (1.0 - coupling / 5.0));
    let mut generator = stream("five", &[]);
    let mut magnitude = || {
        let squares = (0..5).map(|_| normal(&mut generator).powi(2));
        spread * squares.sum::<f64>().sqrt()
    };
    let magnitudes: Vec<f64> = (0..4000).map(|_| magnitude()).collect();
    let mut generator = stream("five", &["bootstrap"]);
    let bootstrap = &mut Bootstrap {
        resamples: 100,
        generator: &mut generator,
    };
    let blocks = consecutive_blocks(4000, 40);
    let log_weight = |r: f64| sites * r * r / 10.0;
    let fit = fit_radial_field(&magnitudes, 200, 5, &log_weight, &blocks, bootstrap).unwrap();
    assert_within(fit.information.coupling, coupling, "information");
    assert_within(fit.bootstrap.coupling, coupling, "bootstrap");
    // In closed form: v = <|η|²>/5, 1/K = 1/(N v) + 1/5.
    let mean = magnitudes.iter().map(|r| r * r).sum::<f64>() / 4000.0;
    let expected = 1.0 / (5.0 / (sites * mean) + 0.2);
    assert!((fit.information.coupling.value / expected - 1.0).abs() < 1e-6);
    // Var v / v² = 2/(5 n), so the error is K²/(N v) sqrt(2 / 5n).
    let error = coupling * coupling * (1.0 / coupling - 0.2) * (2.0 / 20_000.0_f64).sqrt();
    let ratio = fit.information.coupling.standard_error / error;
    assert!((ratio - 1.0).abs() < 0.1, "ratio {ratio}");
}

#[test]
fn directors_have_one_slope_in_all_components_and_intercepts_of_their_own() {
    let mut generator = stream("directors", &[]);
    let features: Vec<f64> = (0..5 * 300).map(|_| normal(&mut generator)).collect();
    let offset = |k: usize| (k % 5) as f64;
    let noise = |generator: &mut Generator| 0.3 * normal(generator);
    let parameters: Vec<f64> = (0..features.len())
        .map(|k| 4.5 * features[k] + offset(k) + noise(&mut generator))
        .collect();
    let blocks: Vec<u32> = (0..300).collect();
    let data = MeanFieldData {
        width: 5,
        parameters: &parameters,
        features: &features,
        blocks: &blocks,
    };
    let bootstrap = &mut Bootstrap {
        resamples: 200,
        generator: &mut generator,
    };
    let found = mean_field_regression(&data, bootstrap).unwrap();
    assert_within(found.coupling, 4.5, "slope");
    // sd of the noise over the root of the sum of squares; known to 5 %, and to 4 %
    // from the number of rows.
    let ratio = found.coupling.standard_error / (0.3 / 1500.0_f64.sqrt());
    assert!((ratio - 1.0).abs() < 0.26, "ratio {ratio}");
    assert!(found.field.is_none());
    // 4.5² against 0.3².
    let explained = 20.25 / 20.34;
    assert!((found.explained - explained).abs() < 1e-3, "{found:?}");
}
