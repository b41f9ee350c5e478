//! Tests whether two sets of samples are alike, and what a classifier says of it.

use statrs::distribution::{ContinuousCDF, Normal};

use super::block_sums::check_values;
use super::distributions::{Merged, kolmogorov_tail};
use super::{Estimate, InferenceError, KolmogorovTest};

/// Compares two samples of one number (Kolmogorov and Smirnov).
///
/// Values are taken to be independent. The probability is that of a continuous
/// distribution; where values repeat it is too large, and the test too mild.
///
/// # Errors
///
/// Those of [`super::kolmogorov_smirnov`].
pub fn two_sample_test(a: &[f64], b: &[f64]) -> Result<KolmogorovTest, InferenceError> {
    let merged = Merged::new(a, b)?;
    let distance = merged.distances(&merged.all_once()).0;
    let (n, m) = (a.len() as f64, b.len() as f64);
    Ok(KolmogorovTest {
        distance,
        p_value: kolmogorov_tail(distance, n * m / (n + m)),
    })
}

/// How far apart the means of many numbers are in two sets of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeansTest {
    /// Largest difference of two means, in its standard errors.
    pub largest: f64,
    /// Probability of at least this one, if all means agree.
    pub p_value: f64,
}

/// Sums of several numbers a sample, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    rows: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Nothing yet, of `columns` numbers a row.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            rows: 0,
            sums: vec![0.0; columns],
            squares: vec![0.0; columns],
        }
    }

    /// Adds a row. Its numbers should not be large against their spread.
    ///
    /// # Panics
    ///
    /// Panics if the row has another number of columns.
    pub fn add(&mut self, row: &[f64]) {
        assert_eq!(row.len(), self.sums.len(), "numbers of a row");
        self.rows += 1;
        for ((sum, square), x) in self.sums.iter_mut().zip(&mut self.squares).zip(row) {
            *sum += x;
            *square += x * x;
        }
    }

    /// Mean of a column and its squared standard error.
    fn mean(&self, column: usize) -> (f64, f64) {
        let count = self.rows as f64;
        let mean = self.sums[column] / count;
        let variance = (self.squares[column] / count - mean * mean).max(0.0);
        (mean, variance / (count - 1.0))
    }
}

/// Compares the means of several numbers between two sets.
///
/// The largest standardised difference `z` of `m` comparisons has the probability
/// `1 - (1 - 2Q(z))^m` if they are independent (Šidák, J. Am. Stat. Assoc. 62, 626
/// (1967), who shows that correlations only make it smaller). Columns that do not
/// vary in either set are left out.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if a set has fewer than two rows.
/// - [`InferenceError::Shape`] if both have not as many columns.
pub fn means_test(a: &Moments, b: &Moments) -> Result<MeansTest, InferenceError> {
    let (found, columns) = (b.sums.len(), a.sums.len());
    if found != columns {
        return Err(InferenceError::Shape { found, columns });
    }
    let rows = a.rows.min(b.rows);
    if rows < 2 {
        return Err(InferenceError::TooFewRows {
            what: "rows of a sample",
            found: rows,
            needed: 2,
        });
    }
    let mut largest = 0.0_f64;
    let mut compared = 0.0;
    for column in 0..columns {
        let (first, second) = (a.mean(column), b.mean(column));
        let error = (first.1 + second.1).sqrt();
        if error > 0.0 {
            compared += 1.0;
            largest = largest.max((first.0 - second.0).abs() / error);
        }
    }
    let tail = 2.0 * Normal::standard().sf(largest);
    Ok(MeansTest {
        largest,
        // 1 - (1 - tail)^m without loss of digits.
        p_value: -(compared * (-tail).ln_1p()).exp_m1(),
    })
}

/// How well a score tells two sets of samples apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Probability that a score of the first set is above one of the second, ties
    /// counting half: the area under the receiver's operating curve.
    pub area: f64,
    /// Standard deviation of the area, if both sets are alike.
    pub null_deviation: f64,
    /// Probability of an area at least as large, if both sets are alike.
    pub p_value: f64,
}

/// The test of Mann and Whitney (Ann. Math. Stat. 18, 50 (1947)) whether scores of
/// the first set are the larger ones; normal approximation, ties in the variance.
///
/// # Errors
///
/// Those of [`super::kolmogorov_smirnov`].
pub fn rank_test(first: &[f64], second: &[f64]) -> Result<RankTest, InferenceError> {
    let merged = Merged::new(first, second)?;
    let (n, m) = (first.len() as f64, second.len() as f64);
    let total = n + m;
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in merged.order.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let size = group.len() as f64;
        let inside = group.iter().filter(|(_, place)| *place < first.len());
        rank_sum += inside.count() as f64 * (before + 0.5 * (size + 1.0));
        ties += size.powi(3) - size;
        before += size;
    }
    let area = (rank_sum - 0.5 * n * (n + 1.0)) / (n * m);
    let variance = (total + 1.0 - ties / (total * (total - 1.0)).max(1.0)) / (12.0 * n * m);
    let null_deviation = variance.max(0.0).sqrt();
    let p_value = if null_deviation > 0.0 {
        Normal::standard().sf((area - 0.5) / null_deviation)
    } else {
        1.0
    };
    Ok(RankTest {
        area,
        null_deviation,
        p_value,
    })
}

/// A lower bound of the divergence of the first set's distribution from the second's,
/// nats, from scores that approach `ln p_first - ln p_second`:
/// `E_first[T] - ln E_second[exp T]` (Donsker and Varadhan, Comm. Pure Appl. Math. 36,
/// 183 (1983)).
///
/// The scores must come from samples that taught them nothing. The logarithm of a mean
/// errs upwards by half its relative variance; the error bar is by the delta method.
///
/// # Errors
///
/// [`InferenceError::Population`] if a set has fewer than two scores,
/// [`InferenceError::NotFinite`] if one is not finite.
pub fn divergence_bound(first: &[f64], second: &[f64]) -> Result<Estimate, InferenceError> {
    check_values("score", first)?;
    check_values("score", second)?;
    let score = super::mean(first)?;
    let largest = second.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = second.iter().map(|t| (t - largest).exp()).collect();
    let weight = super::mean(&weights)?;
    Ok(Estimate {
        value: score.value - largest - weight.value.ln(),
        standard_error: score
            .standard_error
            .hypot(weight.standard_error / weight.value),
        count: first.len() + second.len(),
    })
}

/// Probabilities of several tests corrected for their number, so that the chance of
/// any false alarm stays below a level (Holm, Scand. J. Stat. 6, 65 (1979)).
#[must_use]
pub fn corrected(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut so_far = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        so_far = so_far.max(factor * p_values[index]).min(1.0);
        corrected[index] = so_far;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::random::{Generator, stream};

    fn normals(count: usize, shift: f64, generator: &mut Generator) -> Vec<f64> {
        let draw = |_| {
            let normal: f64 = StandardNormal.sample(generator);
            shift + normal
        };
        (0..count).map(draw).collect()
    }

    /// How many of 400 tests of equal distributions fall below 5 %: 20 ± 4.4.
    fn false_alarms(test: impl Fn(&[f64], &[f64]) -> f64) -> usize {
        let mut generator = stream("null", &[]);
        let below = |_: &usize| {
            let a = normals(400, 0.0, &mut generator);
            let b = normals(600, 0.0, &mut generator);
            test(&a, &b) < 0.05
        };
        (0..400).filter(below).count()
    }

    #[test]
    fn tests_of_equal_distributions_alarm_as_often_as_they_say() {
        let rank = false_alarms(|a, b| rank_test(a, b).unwrap().p_value);
        let moments = |x: &[f64]| {
            let mut moments = Moments::new(10);
            x.chunks(10).for_each(|row| moments.add(row));
            moments
        };
        let means = false_alarms(|a, b| means_test(&moments(a), &moments(b)).unwrap().p_value);
        let kolmogorov = false_alarms(|a, b| two_sample_test(a, b).unwrap().p_value);
        for alarms in [rank, means, kolmogorov] {
            // Four standard deviations of the binomial.
            assert!((3..=37).contains(&alarms), "{rank} {means} {kolmogorov}");
        }
    }

    #[test]
    fn the_area_of_shifted_normals_is_that_of_their_difference() {
        let mut generator = stream("area", &[]);
        let (a, b) = (
            normals(4000, 1.0, &mut generator),
            normals(4000, 0.0, &mut generator),
        );
        let found = rank_test(&a, &b).unwrap();
        // P(a > b) = Φ(1/√2); its error is at most that of the null, 0.0065.
        let exact = Normal::standard().cdf(0.5_f64.sqrt());
        assert!((found.area - exact).abs() < 4.0 * found.null_deviation);
        assert!(found.p_value < 1e-100);
    }

    #[test]
    fn the_area_can_be_counted() {
        // Pairs: 2 > 1 twice over, 2 = 2 half, 3 above all: (1 + 0.5 + 1 + 1) / 4.
        let found = rank_test(&[2.0, 3.0], &[1.0, 2.0]).unwrap();
        assert!((found.area - 0.875).abs() < 1e-15);
        let all_equal = rank_test(&[1.0; 5], &[1.0; 7]).unwrap();
        assert!((all_equal.area - 0.5).abs() < 1e-15 && all_equal.p_value >= 0.5);
    }

    #[test]
    fn the_divergence_of_shifted_normals_is_bounded_by_its_closed_form() {
        let mut generator = stream("divergence", &[]);
        let (a, b) = (
            normals(20_000, 0.5, &mut generator),
            normals(20_000, 0.0, &mut generator),
        );
        // ln p_a/p_b = x/2 - 1/8, and the divergence is 1/8.
        let score = |x: &[f64]| x.iter().map(|x| 0.5 * x - 0.125).collect::<Vec<_>>();
        let found = divergence_bound(&score(&a), &score(&b)).unwrap();
        assert!((found.value - 0.125).abs() < 4.0 * found.standard_error);
        // A worse score gives less.
        let worse = |x: &[f64]| x.iter().map(|x| 0.2 * x).collect::<Vec<_>>();
        assert!(divergence_bound(&worse(&a), &worse(&b)).unwrap().value < found.value);
    }

    #[test]
    fn the_correction_is_holms() {
        // By hand: 4 * 0.01, 3 * 0.02 = 0.06, 2 * 0.04 = 0.08, then 0.08 again.
        let found = corrected(&[0.04, 0.01, 0.05, 0.02]);
        for (found, expected) in found.iter().zip([0.08, 0.04, 0.08, 0.06]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(corrected(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let mut one_row = Moments::new(2);
        one_row.add(&[1.0, 2.0]);
        assert!(means_test(&one_row, &one_row).is_err());
        assert!(means_test(&one_row, &Moments::new(3)).is_err());
        assert!(two_sample_test(&[], &[1.0]).is_err());
        assert!(divergence_bound(&[1.0, 2.0], &[f64::NAN, 0.0]).is_err());
    }
}
