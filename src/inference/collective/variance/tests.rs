use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::random::{Generator, stream};

fn normal(generator: &mut Generator) -> f64 {
    StandardNormal.sample(generator)
}

/// Repeat after repeat, bin after bin.
fn layout(repeats: usize, bins: usize) -> Repeats {
    let labels = (0..repeats as u32).flat_map(|r| (0..bins as u32).map(move |b| (r, b)));
    let (repeat, bin): (Vec<u32>, Vec<u32>) = labels.unzip();
    Repeats::new(&repeat, &bin).unwrap()
}

fn close(found: f64, expected: f64) {
    let scale = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() < 1e-12 * scale,
        "{found}, expected {expected}"
    );
}

/// Mean of a few numbers and its standard error.
fn summary(values: &[f64]) -> (f64, f64) {
    let found = crate::inference::mean(values).unwrap();
    (found.value, found.standard_error)
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (x, y) = (average(a), average(b));
    let products = a.iter().zip(b).map(|(a, b)| (a - x) * (b - y));
    products.sum::<f64>() / (a.len() as f64 - 1.0)
}

/// Signal and noise by their definitions: a covariance of every two repeats, a variance in
/// every bin.
fn by_definition(repeats: &[Vec<f64>]) -> (f64, f64) {
    let count = repeats.len();
    let pairs = (0..count).flat_map(|r| (r + 1..count).map(move |q| (r, q)));
    let signal: Vec<f64> = pairs
        .map(|(r, q)| covariance(&repeats[r], &repeats[q]))
        .collect();
    let bin = |t: usize| variance(&repeats.iter().map(|repeat| repeat[t]).collect::<Vec<_>>());
    let noise: Vec<f64> = (0..repeats[0].len()).map(bin).collect();
    (average(&signal), average(&noise))
}

type Statistic<'a> = &'a dyn Fn(&[Vec<f64>]) -> f64;

/// The jackknife's error by leaving repeats out of the data themselves.
fn error_of(repeats: &[Vec<f64>], statistic: impl Fn(&[Vec<f64>]) -> f64) -> f64 {
    let parts = (0..repeats.len())
        .map(|left| statistic(&[&repeats[..left], &repeats[left + 1..]].concat()));
    let parts: Vec<f64> = parts.collect();
    let count = parts.len() as f64;
    (variance(&parts) * (count - 1.0) * (count - 1.0) / count).sqrt()
}

#[test]
fn components_and_errors_are_those_of_their_definitions() {
    let mut generator = stream("1", &["variance"]);
    // Six repeats of five bins with an offset a thousand times the spread.
    let repeats: Vec<Vec<f64>> = (0..6)
        .map(|_| {
            (0..5_i32)
                .map(|t| 1000.0 + f64::from(t) + normal(&mut generator))
                .collect()
        })
        .collect();
    let found = &variance_components(&repeats.concat(), &layout(6, 5)).unwrap()[0];
    // Values of 1000 are exact to 1e-13, variances of them near 1 to 1e-12.
    let near = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() < 1e-10,
            "{found}, expected {expected}"
        );
    };
    let signal = |repeats: &[Vec<f64>]| by_definition(repeats).0;
    let noise = |repeats: &[Vec<f64>]| by_definition(repeats).1;
    let total = |repeats: &[Vec<f64>]| signal(repeats) + noise(repeats);
    let explained = |repeats: &[Vec<f64>]| signal(repeats) / total(repeats);
    let means = |repeats: &[Vec<f64>]| repeats.iter().map(|r| average(r)).collect::<Vec<_>>();
    let cases: [(Estimate, Statistic); 6] = [
        (found.signal, &signal),
        (found.noise, &noise),
        (found.total, &total),
        (found.explained, &explained),
        (found.mean, &|repeats| average(&means(repeats))),
        (found.between_repeats, &|repeats| variance(&means(repeats))),
    ];
    for (estimate, definition) in cases {
        near(estimate.value, definition(&repeats));
        near(estimate.standard_error, error_of(&repeats, definition));
        assert_eq!(estimate.count, 30);
    }
    let half = |repeats: &[Vec<f64>]| -> Vec<f64> {
        (0..5)
            .map(|t| average(&repeats.iter().map(|r| r[t]).collect::<Vec<_>>()))
            .collect()
    };
    near(
        found.split_half.value,
        covariance(&half(&repeats[..3]), &half(&repeats[3..])),
    );
}

#[test]
fn four_repeats_of_two_bins_can_be_counted() {
    // Repeats (0, 2), (1, 3), (0, 4), (3, 3): half differences ±1, ±1, ±2, 0 about means
    // 1, 2, 2, 3. A covariance over two bins is half the product of the differences: the six
    // pairs give 2, 4, 0, 4, 0, 0, so the signal is 10/6. Bin 0 holds 0, 1, 0, 3 with variance
    // 2, bin 1 holds 2, 3, 4, 3 with 2/3: noise 4/3. The means vary by 2/3, and their
    // successive differences 1, 0, 1 give a drift of 2/3 - 1/3.
    let values = [0.0, 2.0, 1.0, 3.0, 0.0, 4.0, 3.0, 3.0];
    let found = &variance_components(&values, &layout(4, 2)).unwrap()[0];
    close(found.mean.value, 2.0);
    close(found.signal.value, 10.0 / 6.0);
    close(found.noise.value, 4.0 / 3.0);
    close(found.total.value, 3.0);
    close(found.explained.value, 5.0 / 9.0);
    close(found.between_repeats.value, 2.0 / 3.0);
    close(found.drift.value, 1.0 / 3.0);
    // Halves (0.5, 2.5) and (1.5, 3.5): differences 2 and 2.
    close(found.split_half.value, 2.0);
}

/// Values of a stimulus, and the variance of them.
fn stimulus(bins: usize, deviation: f64, generator: &mut Generator) -> (Vec<f64>, f64) {
    let signal: Vec<f64> = (0..bins).map(|_| deviation * normal(generator)).collect();
    let power = variance(&signal);
    (signal, power)
}

/// Pulls of signal, noise, explained fraction and split-half signal over 200 recordings of
/// 20 repeats of 40 bins with noise of variance 4 that is independent from bin to bin.
fn pulls(deviation: f64) -> Vec<[f64; 4]> {
    let layout = layout(20, 40);
    let one = |seed: usize| {
        let mut generator = stream("200", &["variance", &seed.to_string()]);
        let (signal, power) = stimulus(40, deviation, &mut generator);
        let mut values = Vec::new();
        for _ in 0..20 {
            values.extend(signal.iter().map(|s| s + 2.0 * normal(&mut generator)));
        }
        let found = &variance_components(&values, &layout).unwrap()[0];
        let pull = |found: Estimate, truth| (found.value - truth) / found.standard_error;
        [
            pull(found.signal, power),
            pull(found.noise, 4.0),
            pull(found.explained, power / (power + 4.0)),
            pull(found.split_half, power),
        ]
    };
    (0..200).map(one).collect()
}

#[test]
fn errors_cover_the_truth() {
    let pulls = pulls(1.0);
    for component in 0..4 {
        let pulls: Vec<f64> = pulls.iter().map(|pull| pull[component]).collect();
        // A jackknife of 20 blocks has about 19 degrees of freedom: a pull has variance
        // 19/17 and kurtosis 3.4, its square over 200 seeds the error 0.12; four of them.
        let spread = variance(&pulls);
        assert!((spread - 19.0 / 17.0).abs() < 0.5, "{component}: {spread}");
        // Beyond 4: 1 in 1300; at most 2 of 200.
        let far = pulls.iter().filter(|pull| pull.abs() > 4.0).count();
        assert!(far <= 2, "{component}: {far} beyond 4");
        // Within 1: 67 % of 200, which errs by 3.3 %.
        let near = pulls.iter().filter(|pull| pull.abs() < 1.0).count() as f64 / 200.0;
        assert!((near - 0.67).abs() < 4.0 * 0.033, "{component}: {near}");
        let (mean, error) = summary(&pulls);
        assert!(mean.abs() < 4.0 * error, "{component}: {mean} {error}");
    }
}

#[test]
fn without_a_signal_the_fraction_is_zero_on_average() {
    let pulls = pulls(0.0);
    let fraction: Vec<f64> = pulls.iter().map(|pull| pull[2]).collect();
    let (mean, error) = summary(&fraction);
    assert!(mean.abs() < 4.0 * error, "{mean} {error}");
    let negative = fraction.iter().filter(|&&pull| pull < 0.0).count();
    // Like a variance with 39 degrees of freedom, the estimate is below its mean with
    // probability 0.53: 106 of 200, with the error 7.1.
    assert!((78..=134).contains(&negative), "{negative}");
    // An error that is √2 too large halves the variance of a pull, times 19/17 for the
    // jackknife's own; known to 10 %.
    let spread = variance(&fraction);
    assert!((spread / 0.56 - 1.0).abs() < 4.0 * 0.1, "{spread}");
}

#[test]
fn slow_noise_and_levels_of_repeats_are_no_signal() {
    // Ten repeats of 30 bins, signal 1, level of a repeat with variance 4, noise with
    // variance 1 whose correlation is 0.9 from bin to bin. A one-way analysis would give a
    // signal of 1 - (4 + 0.4) / 10.
    let layout = layout(10, 30);
    let mut generator = stream("slow", &["variance"]);
    let (mut signal, mut noise, mut drift) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        let (course, power) = stimulus(30, 1.0, &mut generator);
        let mut values = Vec::new();
        for _ in 0..10 {
            let level = 2.0 * normal(&mut generator);
            let mut rest = normal(&mut generator);
            for s in &course {
                values.push(s + level + rest);
                rest = 0.9 * rest + (1.0 - 0.81_f64).sqrt() * normal(&mut generator);
            }
        }
        let found = variance_components(&values, &layout).unwrap().remove(0);
        signal.push(found.signal.value - power);
        noise.push(found.noise.value - 5.0);
        drift.push(found.drift.value);
    }
    for (what, values) in [("signal", signal), ("noise", noise), ("drift", drift)] {
        let (mean, error) = summary(&values);
        assert!(mean.abs() < 4.0 * error, "{what}: {mean} {error}");
        // The means are known well enough to see the bias of 0.44.
        assert!(error < 0.2, "{what}: {error}");
    }
}

#[test]
fn a_slow_drift_is_seen_and_a_changing_response_lowers_the_split_half() {
    let (repeats, bins) = (60, 50);
    let mut generator = stream("drift", &["variance"]);
    let (course, power) = stimulus(bins, 1.0, &mut generator);
    let mut values = Vec::new();
    for repeat in 0..repeats {
        let level = 0.05 * f64::from(repeat);
        // The response of the second half is half as large.
        let gain = if repeat < 30 { 1.0 } else { 0.5 };
        let noise = (0..bins).map(|_| normal(&mut generator));
        values.extend(course.iter().zip(noise).map(|(s, e)| gain * s + level + e));
    }
    let found = &variance_components(&values, &layout(repeats as usize, bins)).unwrap()[0];
    // A ramp of 60 steps of 0.05 has the variance 0.0025 · 60 · 61 / 12; noise within
    // repeats adds 1/50 to the variance of means, and neither half of it to the drift.
    let ramp = 0.0025 * 60.0 * 61.0 / 12.0;
    // The ramp is fixed, noise of the means (variance v = 1/50) moves the variance by
    // 2 √(ramp · v / 59).
    let error = 2.0 * (ramp / 50.0 / 59.0_f64).sqrt();
    assert!((found.between_repeats.value - ramp - 0.02).abs() < 4.0 * error);
    // Successive differences take 0.00125 + v off, and err by about v / √30.
    let error = error + 0.02 / 30.0_f64.sqrt();
    assert!((found.drift.value - ramp + 0.00125).abs() < 4.0 * error);
    // Pairs of repeats: half of them within a half ((1 + 1/4) / 2), half between (1/2).
    let within = found.split_half;
    assert!((within.value - 0.5 * power).abs() < 4.0 * within.standard_error);
    assert!(found.signal.value - within.value > 0.04 * power);
}

#[test]
fn noise_correlations_are_those_that_were_planted() {
    // Signals opposite, noise with correlation 0.6, a third variable independent of both.
    let (repeats, bins) = (40, 60);
    let mut generator = stream("pairs", &["variance"]);
    let (course, _) = stimulus(bins, 2.0, &mut generator);
    let mut values = Vec::new();
    for s in course.iter().cycle().take(repeats * bins) {
        let (a, b, c) = (
            normal(&mut generator),
            normal(&mut generator),
            normal(&mut generator),
        );
        values.extend([s + a, -s + 0.6 * a + 0.8 * b, c]);
    }
    let found = noise_correlations(&values, &layout(repeats, bins)).unwrap();
    assert_eq!(found.len(), 3);
    for (pair, truth) in found.iter().zip([0.6, 0.0, 0.0]) {
        for estimate in [pair.all, pair.within_repeats] {
            let pull = (estimate.value - truth) / estimate.standard_error;
            assert!(pull.abs() < 4.0, "{pair:?}");
            // (1 - ρ²) / √n with n = 2340 degrees of freedom; an error from 40 blocks is
            // known to 1 / √78 = 11 %.
            let exact = (1.0 - truth * truth) / 2340.0_f64.sqrt();
            assert!((estimate.standard_error / exact - 1.0).abs() < 4.0 * 0.113);
        }
    }
}

#[test]
fn a_shared_level_of_repeats_correlates_all_noise_but_not_that_within_repeats() {
    let (repeats, bins) = (200, 20);
    let mut generator = stream("levels", &["variance"]);
    let mut values = Vec::new();
    for _ in 0..repeats {
        let level = normal(&mut generator);
        for _ in 0..bins {
            values.extend([
                level + normal(&mut generator),
                level + normal(&mut generator),
            ]);
        }
    }
    let found = noise_correlations(&values, &layout(repeats, bins)).unwrap()[0];
    for (estimate, truth) in [(found.all, 0.5), (found.within_repeats, 0.0)] {
        assert!(
            (estimate.value - truth).abs() < 4.0 * estimate.standard_error,
            "{found:?}"
        );
    }
    // The first is known from 200 levels: far from 0.
    assert!(found.all.value > 4.0 * found.all.standard_error);
}

#[test]
fn what_never_changes_has_no_variance_and_no_fraction() {
    // Variable 0 is constant, variable 1 differs in one row only.
    let mut values: Vec<f64> = [0.1, 0.3].repeat(12);
    values[9] = 0.7;
    let layout = layout(4, 3);
    let found = variance_components(&values, &layout).unwrap();
    let constant = &found[0];
    close(constant.mean.value, 0.1);
    for estimate in [
        constant.total,
        constant.signal,
        constant.explained,
        constant.drift,
    ] {
        assert_eq!((estimate.value, estimate.standard_error), (0.0, 0.0));
    }
    let once = &found[1];
    // One repeat of four deviates in one bin of three by δ = 0.4: no two repeats share it,
    // so no signal, and the bin's variance is δ²/4.
    close(once.signal.value, 0.0);
    close(once.noise.value, 0.16 / 12.0);
    assert!(once.explained.standard_error.is_finite());
    let pair = noise_correlations(&values, &layout).unwrap()[0];
    assert_eq!((pair.all.value, pair.all.standard_error), (0.0, 0.0));
}

#[test]
fn too_little_to_tell_variances_apart_is_refused() {
    for (repeats, bins, what) in [(3, 5, "repeats"), (8, 1, "bins")] {
        let values = vec![1.0; repeats * bins];
        let error = variance_components(&values, &layout(repeats, bins)).unwrap_err();
        assert!(matches!(error, InferenceError::TooFewRows { what: found, .. } if found == what));
        assert!(noise_correlations(&values, &layout(repeats, bins)).is_err());
    }
    assert!(variance_components(&[1.0; 7], &layout(4, 2)).is_err());
}
