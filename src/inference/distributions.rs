//! Distances between one-dimensional samples, and from a sample to a distribution.

use super::block_sums::{Bootstrap, check_values};
use super::{Estimate, InferenceError};

/// Distances between two samples of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoSampleDistances {
    /// Largest difference of the cumulative distributions, from 0 to 1.
    pub kolmogorov_smirnov: Estimate,
    /// Probability of at least this difference, if both are samples of one
    /// continuous distribution; too large if values repeat.
    pub p_value: f64,
    /// Area between the cumulative distributions, in the unit of the values.
    pub wasserstein: Estimate,
}

/// Distance of a sample from a distribution, and how surprising it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovTest {
    /// Largest difference of the cumulative distributions, from 0 to 1.
    pub distance: f64,
    /// Probability of at least this difference, if the sample is of the distribution.
    pub p_value: f64,
}

/// The Kolmogorov-Smirnov distance of two samples, `sup_x |F_a(x) - F_b(x)|`.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if a sample has no value.
/// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Result<f64, InferenceError> {
    let merged = Merged::new(a, b)?;
    Ok(merged.distances(&merged.all_once()).0)
}

/// The Wasserstein-1 distance of two samples, `∫ |F_a(x) - F_b(x)| dx`.
///
/// # Errors
///
/// Those of [`kolmogorov_smirnov`].
pub fn wasserstein(a: &[f64], b: &[f64]) -> Result<f64, InferenceError> {
    let merged = Merged::new(a, b)?;
    Ok(merged.distances(&merged.all_once()).1)
}

/// Both distances, with errors by drawing each sample anew from itself.
///
/// Values are taken to be independent. Two samples of one distribution have
/// distances of the order of `sqrt(1/n_a + 1/n_b)`, not 0: what lies below is noise,
/// and there the standard error does not make an interval around the true distance.
///
/// # Errors
///
/// - Those of [`kolmogorov_smirnov`].
/// - [`InferenceError::TooFewRows`] if a sample has one value only, or there are
///   fewer than two resamples.
pub fn two_sample_distances(
    a: &[f64],
    b: &[f64],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<TwoSampleDistances, InferenceError> {
    let merged = Merged::new(a, b)?;
    let smaller = a.len().min(b.len());
    if smaller < 2 {
        return Err(InferenceError::TooFewRows {
            what: "values of a sample",
            found: smaller,
            needed: 2,
        });
    }
    let (largest, area) = merged.distances(&merged.all_once());
    let mut first = Vec::with_capacity(bootstrap.resamples);
    bootstrap.spread::<0>(a.len(), |taken| {
        first.push(taken.to_vec());
        Ok([])
    })?;
    let mut first = first.into_iter();
    let errors = bootstrap.spread(b.len(), |taken| {
        let times = [first.next().unwrap_or_default().as_slice(), taken].concat();
        let (largest, area) = merged.distances(&times);
        Ok([largest, area])
    })?;
    let [kolmogorov_smirnov, wasserstein] =
        [(largest, errors[0]), (area, errors[1])].map(|(value, standard_error)| Estimate {
            value,
            standard_error,
            count: a.len() + b.len(),
        });
    let (n, m) = (a.len() as f64, b.len() as f64);
    Ok(TwoSampleDistances {
        kolmogorov_smirnov,
        p_value: kolmogorov_tail(largest, n * m / (n + m)),
        wasserstein,
    })
}

/// Compares a sample with a continuous distribution, given by its cumulative.
///
/// The probability is Kolmogorov's limit with Stephens' correction for small
/// samples, `Q((√n + 0.12 + 0.11/√n) D)`.
///
/// # Errors
///
/// - Those of [`kolmogorov_smirnov`].
/// - [`InferenceError::OutOfRange`] if `cumulative` is not from 0 to 1 at a value.
pub fn kolmogorov_test(
    sample: &[f64],
    cumulative: impl Fn(f64) -> f64,
) -> Result<KolmogorovTest, InferenceError> {
    check_sample(sample)?;
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let mut distance = 0.0_f64;
    for (rank, &value) in sorted.iter().enumerate() {
        let expected = cumulative(value);
        if !(0.0..=1.0).contains(&expected) {
            return Err(InferenceError::OutOfRange {
                what: "the cumulative distribution",
                value: expected,
                expected: "a number from 0 to 1",
            });
        }
        let (below, above) = (rank as f64 / count, (rank + 1) as f64 / count);
        distance = distance.max(expected - below).max(above - expected);
    }
    Ok(KolmogorovTest {
        distance,
        p_value: kolmogorov_tail(distance, count),
    })
}

fn check_sample(sample: &[f64]) -> Result<(), InferenceError> {
    if sample.is_empty() {
        return Err(InferenceError::Empty {
            what: "value of a sample",
        });
    }
    check_values("value of a sample", sample)
}

/// `Q(λ) = 2 Σ_k (-1)^(k-1) exp(-2 k² λ²)` at `λ = (√n + 0.12 + 0.11/√n) D`.
pub(super) fn kolmogorov_tail(distance: f64, count: f64) -> f64 {
    let root = count.sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    if lambda < 0.2 {
        // 1 - Q is below 1e-12 there, and the series would need many terms.
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
        sign * (-2.0 * (f64::from(k) * lambda).powi(2)).exp()
    };
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// The values of two samples in one order.
pub(super) struct Merged {
    /// Value, and its place in the first sample followed by the second.
    pub(super) order: Vec<(f64, usize)>,
    first: usize,
}

impl Merged {
    pub(super) fn new(a: &[f64], b: &[f64]) -> Result<Self, InferenceError> {
        check_sample(a)?;
        check_sample(b)?;
        let values = a.iter().chain(b).copied();
        let mut order: Vec<(f64, usize)> = values.enumerate().map(|(i, x)| (x, i)).collect();
        order.sort_by(|x, y| x.0.total_cmp(&y.0));
        Ok(Self {
            order,
            first: a.len(),
        })
    }

    pub(super) fn all_once(&self) -> Vec<u32> {
        vec![1; self.order.len()]
    }

    /// Kolmogorov-Smirnov and Wasserstein distance, each value taken so many times.
    pub(super) fn distances(&self, times: &[u32]) -> (f64, f64) {
        let (a, b) = (self.first as f64, (self.order.len() - self.first) as f64);
        let (mut largest, mut area) = (0.0_f64, 0.0);
        let (mut below_a, mut below_b) = (0_u64, 0_u64);
        let mut previous = self.order[0].0;
        let difference = |a_count: u64, b_count: u64| {
            let difference = a_count as f64 / a - b_count as f64 / b;
            difference.abs()
        };
        for &(value, place) in &self.order {
            if value > previous {
                let gap = difference(below_a, below_b);
                largest = largest.max(gap);
                area += gap * (value - previous);
                previous = value;
            }
            let count = u64::from(times[place]);
            if place < self.first {
                below_a += count;
            } else {
                below_b += count;
            }
        }
        (largest, area)
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;
    use crate::random::stream;

    fn normals(seed: &str, count: usize, shift: f64) -> Vec<f64> {
        let mut generator = stream(seed, &["distributions"]);
        let mut draw = || -> f64 { StandardNormal.sample(&mut generator) };
        (0..count).map(|_| draw() + shift).collect()
    }

    #[test]
    fn small_samples_have_distances_that_can_be_counted() {
        // F_a: 1/3, 2/3, 1 at 0, 1, 3; F_b: 1/2, 1 at 1, 4.
        let (a, b) = ([3.0, 0.0, 1.0], [4.0, 1.0]);
        let largest = kolmogorov_smirnov(&a, &b).unwrap();
        assert!((largest - 0.5).abs() < 1e-15);
        // 1/3 over 0 to 1, 1/6 over 1 to 3, 1/2 over 3 to 4.
        let area = wasserstein(&a, &b).unwrap();
        assert!((area - (1.0 / 3.0 + 1.0 / 3.0 + 0.5)).abs() < 1e-15);
        assert!(kolmogorov_smirnov(&a, &a).unwrap() < 1e-15);
        assert!(wasserstein(&b, &b).unwrap() < 1e-15);
        assert!((wasserstein(&b, &a).unwrap() - area).abs() < 1e-15);
    }

    #[test]
    fn shifted_normals_are_as_far_apart_as_their_closed_forms() {
        // W = shift, D = 2 Φ(shift / 2) - 1.
        let (a, b) = (normals("1", 20_000, 0.0), normals("2", 15_000, 0.5));
        let mut generator = stream("3", &[]);
        let mut bootstrap = Bootstrap {
            resamples: 100,
            generator: &mut generator,
        };
        let found = two_sample_distances(&a, &b, &mut bootstrap).unwrap();
        let standard = Normal::new(0.0, 1.0).unwrap();
        let expected = 2.0 * standard.cdf(0.25) - 1.0;
        for (estimate, truth) in [
            (found.kolmogorov_smirnov, expected),
            (found.wasserstein, 0.5),
        ] {
            let pull = (estimate.value - truth) / estimate.standard_error;
            assert!(pull.abs() < 4.0, "{estimate:?}, expected {truth}");
        }
        // The area is the difference of the means: its error is sqrt(1/n + 1/m), and
        // the spread of 100 resamples is known to 7 %.
        let error = (1.0_f64 / 20_000.0 + 1.0 / 15_000.0).sqrt();
        let ratio = found.wasserstein.standard_error / error;
        assert!((ratio - 1.0).abs() < 0.28, "ratio {ratio}");
        assert!(found.p_value < 1e-12);
    }

    #[test]
    fn p_values_of_equal_distributions_are_uniform() {
        let standard = Normal::new(0.0, 1.0).unwrap();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for seed in 0..300 {
            let a = normals(&format!("a{seed}"), 200, 0.0);
            let b = normals(&format!("b{seed}"), 150, 0.0);
            one.push(kolmogorov_test(&a, |x| standard.cdf(x)).unwrap().p_value);
            let largest = kolmogorov_smirnov(&a, &b).unwrap();
            two.push(kolmogorov_tail(largest, 200.0 * 150.0 / 350.0));
        }
        // The mean of 300 uniform numbers is 0.5 with the error 1 / sqrt(12 · 300).
        let tolerance = 4.0 / (12.0_f64 * 300.0).sqrt();
        for (p_values, bias) in [(one, 0.0), (two, 0.03)] {
            let mean = p_values.iter().sum::<f64>() / 300.0;
            assert!((mean - 0.5).abs() < tolerance + bias, "mean {mean}");
            let small = p_values.iter().filter(|&&p| p < 0.05).count();
            // 15 expected, standard deviation 3.8.
            assert!((1..=30).contains(&small), "{small} below 0.05");
        }
    }

    #[test]
    fn the_tail_has_its_published_quantiles() {
        // Kolmogorov's limit: 5 % beyond 1.3581, 1 % beyond 1.6276.
        for (lambda, tail) in [(1.3581, 0.05), (1.6276, 0.01)] {
            let found = kolmogorov_tail(lambda / 1e6, 1e12);
            assert!((found - tail).abs() < 2e-5, "{found}");
        }
        assert!((kolmogorov_tail(0.0, 10.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_shifted_sample_is_far_from_the_unshifted_distribution() {
        let standard = Normal::new(0.0, 1.0).unwrap();
        let sample = normals("5", 4000, 0.5);
        let found = kolmogorov_test(&sample, |x| standard.cdf(x)).unwrap();
        // D is at least the difference at the best place; its error is below 1 / sqrt(4 n).
        let expected = 2.0 * standard.cdf(0.25) - 1.0;
        assert!((found.distance - expected).abs() < 4.0 * 0.5 / 4000.0_f64.sqrt());
        assert!(found.p_value < 1e-12);
        let right = kolmogorov_test(&sample, |x| standard.cdf(x - 0.5)).unwrap();
        assert!(right.p_value > 1e-4, "{right:?}");
    }

    #[test]
    fn samples_that_cannot_be_compared_are_named() {
        assert!(matches!(
            wasserstein(&[], &[1.0]),
            Err(InferenceError::Empty { .. })
        ));
        assert!(matches!(
            kolmogorov_smirnov(&[1.0], &[f64::NAN]),
            Err(InferenceError::NotFinite { .. })
        ));
        assert!(matches!(
            kolmogorov_test(&[1.0], |_| 2.0),
            Err(InferenceError::OutOfRange { .. })
        ));
        let mut generator = stream("6", &[]);
        let mut bootstrap = Bootstrap {
            resamples: 10,
            generator: &mut generator,
        };
        assert!(matches!(
            two_sample_distances(&[1.0], &[1.0, 2.0], &mut bootstrap),
            Err(InferenceError::TooFewRows { found: 1, .. })
        ));
    }
}
