//! Mean and standard error of a value over the replicates of one side.

use statrs::function::gamma::digamma;

/// What one replicate says of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// Which seed and replicate.
    pub(super) run: u64,
    /// The value.
    pub(super) value: f64,
    /// Its standard error within the run, if the table has one.
    pub(super) error: Option<f64>,
}

/// A mean with both kinds of error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// Mean over the replicates.
    pub(super) mean: f64,
    /// How many there are.
    pub(super) replicates: usize,
    /// Standard error of the mean by the spread between replicates; none for one.
    pub(super) between: Option<f64>,
    /// Standard error of the mean by the errors within the runs, if all have one.
    pub(super) within: Option<f64>,
}

impl Estimate {
    /// Of one or more samples; `None` without any.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let replicates = samples.len();
        if replicates == 0 {
            return None;
        }
        let count = replicates as f64;
        let mean = samples.iter().map(|sample| sample.value).sum::<f64>() / count;
        let within = samples.iter().try_fold(0.0, |sum, sample| {
            let error = sample.error.filter(|error| error.is_finite())?;
            Some(sum + error * error)
        });
        Some(Self {
            mean,
            replicates,
            between: (replicates > 1).then(|| (variance(samples, mean) / count).sqrt()),
            within: within.map(|sum| sum.sqrt() / count),
        })
    }
}

/// Variance of the values around their mean, of two or more samples.
fn variance(samples: &[Sample], mean: f64) -> f64 {
    let square = |sample: &Sample| (sample.value - mean).powi(2);
    samples.iter().map(square).sum::<f64>() / (samples.len() as f64 - 1.0)
}

/// Which errors a comparison rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// The spread between replicates.
    Between,
    /// The errors within the runs, times what replicates scatter beyond them.
    Within(f64),
}

/// A squared standard error and the degrees of freedom behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Uncertainty {
    pub(super) variance: f64,
    pub(super) degrees: f64,
    pub(super) source: Source,
}

/// Two means before it is known how far other rows scatter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pair {
    /// Variance of the difference by the spread between replicates, with Welch's degrees
    /// of freedom; none without replicates on both sides.
    own: Option<(f64, f64)>,
    /// The same by the errors within the runs.
    within: Option<f64>,
    /// The variance of the difference if each replicate had this variance: that of the
    /// errors within the runs, or 1.
    unit: f64,
}

impl Pair {
    fn of(a: &Estimate, b: &Estimate) -> Self {
        let square = |error: Option<f64>| error.filter(|e| e.is_finite()).map(|e| e * e);
        let within = square(a.within).zip(square(b.within)).map(|(a, b)| a + b);
        let within = within.filter(|within| *within > 0.0);
        let own = square(a.between).zip(square(b.between));
        let own = own.map(|(first, second)| welch((first, a), (second, b)));
        let counts = 1.0 / a.replicates as f64 + 1.0 / b.replicates as f64;
        Self {
            own: own.filter(|(variance, _)| *variance > 0.0),
            within,
            unit: within.unwrap_or(counts),
        }
    }
}

/// The variance of a difference of two means, and its degrees of freedom.
///
/// # Source
///
/// B. L. Welch, Biometrika 34, 28 (1947).
fn welch(a: (f64, &Estimate), b: (f64, &Estimate)) -> (f64, f64) {
    let variance = a.0 + b.0;
    let part =
        |(variance, of): (f64, &Estimate)| variance * variance / (of.replicates as f64 - 1.0);
    (variance, variance * variance / (part(a) + part(b)))
}

/// How replicates scatter, over all rows of a quantity: the variances of the differences,
/// in units of what the errors within the runs say, or of one where there are none.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread {
    quoted: Scatter,
    bare: Scatter,
}

impl Spread {
    /// Takes in a row; `new_point` if none of its point came before. Says whether it
    /// tells anything.
    pub(super) fn add(&mut self, a: &[Sample], b: &[Sample], new_point: bool) -> bool {
        let (Some(a), Some(b)) = (Estimate::of(a), Estimate::of(b)) else {
            return false;
        };
        let pair = Pair::of(&a, &b);
        let Some((variance, degrees)) = pair.own else {
            return false;
        };
        let scatter = match pair.within {
            Some(_) => &mut self.quoted,
            None => &mut self.bare,
        };
        scatter.ratios.push((variance / pair.unit, degrees));
        if new_point {
            scatter.independent += degrees;
        }
        true
    }

    /// What all rows together say of the variance of each.
    pub(super) fn prior(&self) -> Prior {
        Prior {
            quoted: self.quoted.fit(),
            bare: self.bare.fit(),
        }
    }
}

/// Ratios of variances, each with its degrees of freedom.
#[derive(Debug, Clone, Default)]
struct Scatter {
    ratios: Vec<(f64, f64)>,
    /// Degrees of freedom that do not share a network: one set a point, not a row.
    independent: f64,
}

/// What is known of a variance before its own replicates are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Known {
    /// The variance, in its unit.
    ratio: f64,
    /// Degrees of freedom that this knowledge is worth; 0 for none.
    degrees: f64,
}

/// Standard errors by which the variances of the rows are taken to differ more than was
/// found. Without it one in some families of equal rows would be taken for homogeneous by
/// chance, and the spread of others trusted too much; `tests/rates.rs` holds the level.
const CAUTION: f64 = 1.0;

/// Rows from which on they are said to tell something of each other.
const ENOUGH: usize = 3;

impl Scatter {
    /// The distribution of the true variances that explains the ones found: the moments
    /// of their logarithms against those of χ².
    ///
    /// # Source
    ///
    /// G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3, 3
    /// (2004), section 6.2.
    fn fit(&self) -> Known {
        if self.ratios.len() < ENOUGH {
            return Known::default();
        }
        let count = self.ratios.len() as f64;
        let logarithm = |&(ratio, degrees): &(f64, f64)| {
            ratio.ln() - digamma(degrees / 2.0) + (degrees / 2.0).ln()
        };
        let logarithms: Vec<f64> = self.ratios.iter().map(logarithm).collect();
        let mean = logarithms.iter().sum::<f64>() / count;
        let power = |n: i32| logarithms.iter().map(|v| (v - mean).powi(n)).sum::<f64>();
        let found = power(2) / (count - 1.0);
        let expected = self
            .ratios
            .iter()
            .map(|(_, d)| trigamma(d / 2.0))
            .sum::<f64>()
            / count;
        // Standard error of a variance, by the fourth moment.
        let error = ((power(4) / count - found * found).max(0.0) / count).sqrt();
        let error = error.max(found * (2.0 / (count - 1.0)).sqrt());
        let beyond = (found - expected).max(0.0) + CAUTION * error;
        let degrees = 2.0 * inverse_trigamma(beyond);
        Known {
            ratio: (mean + digamma(degrees / 2.0) - (degrees / 2.0).ln()).exp(),
            degrees: degrees.min(self.independent),
        }
    }
}

/// What is known of the variances of a quantity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    quoted: Known,
    bare: Known,
}

impl Uncertainty {
    /// Of the difference of two means.
    ///
    /// The variance by the spread between replicates and what the other rows of the
    /// quantity say of it, as one: their mean, weighted by degrees of freedom (moderated
    /// t). Where there are errors within the runs the result is never below these; without
    /// replicates these are all there is, taken as exact. `None` without either.
    pub(super) fn of_difference(a: &Estimate, b: &Estimate, prior: &Prior) -> Option<Self> {
        let pair = Pair::of(a, b);
        let (known, own) = match (pair.within, pair.own) {
            (None, None) => return None,
            (Some(_), own) => (prior.quoted, own),
            (None, own) => (prior.bare, own),
        };
        let (variance, degrees) = own.map_or((0.0, 0.0), |(v, d)| (v / pair.unit, d));
        let sum = known.degrees + degrees;
        let Some(within) = pair.within else {
            let ratio = (known.degrees * known.ratio + degrees * variance) / sum;
            return Some(Self {
                variance: ratio * pair.unit,
                degrees: sum,
                source: Source::Between,
            });
        };
        if sum <= 0.0 {
            return Some(Self {
                variance: within,
                degrees: f64::INFINITY,
                source: Source::Within(1.0),
            });
        }
        let ratio = ((known.degrees * known.ratio + degrees * variance) / sum).max(1.0);
        Some(Self {
            variance: within * ratio,
            degrees: sum,
            source: Source::Within(ratio.sqrt()),
        })
    }

    /// The standard error of one mean, for its error bar: the larger of the two.
    pub(super) fn of_mean(estimate: &Estimate) -> Option<f64> {
        match (estimate.between, estimate.within) {
            (Some(between), Some(within)) => Some(between.max(within)),
            (between, within) => between.or(within),
        }
    }
}

/// Second derivative of the logarithm of the gamma function, for positive `x`:
/// its series for large `x`, reached by recurrence.
fn trigamma(x: f64) -> f64 {
    const LARGE: f64 = 20.0;
    let (mut x, mut sum) = (x, 0.0);
    while x < LARGE {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    // Bernoulli numbers 1/6, -1/30, 1/42, -1/30.
    let series = 1.0 / 6.0 - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square / 30.0));
    sum + 1.0 / x + square / 2.0 + series * square / x
}

/// The `x` whose trigamma is `y > 0`, by bisection of its logarithm: trigamma falls.
fn inverse_trigamma(y: f64) -> f64 {
    let (mut low, mut high) = (-30.0_f64, 30.0_f64);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if trigamma(middle.exp()) > y {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[(f64, Option<f64>)]) -> Vec<Sample> {
        let sample = |(run, &(value, error)): (usize, &(f64, Option<f64>))| Sample {
            run: run as u64,
            value,
            error,
        };
        values.iter().enumerate().map(sample).collect()
    }

    fn bare(values: &[f64]) -> Vec<Sample> {
        samples(
            &values
                .iter()
                .map(|&value| (value, None))
                .collect::<Vec<_>>(),
        )
    }

    /// The uncertainty of the first of some rows.
    fn uncertainty(rows: &[[Vec<Sample>; 2]]) -> Option<Uncertainty> {
        let mut spread = Spread::default();
        for [a, b] in rows {
            spread.add(a, b, true);
        }
        let [a, b] = &rows[0];
        let (a, b) = (Estimate::of(a)?, Estimate::of(b)?);
        Uncertainty::of_difference(&a, &b, &spread.prior())
    }

    /// Values 1, 2, 3: variance 1, standard error 1/√3; errors 3, 4, 0: root of 25 over 3.
    #[test]
    fn both_kinds_of_error_follow_their_definitions() {
        let all = samples(&[(1.0, Some(3.0)), (2.0, Some(4.0)), (3.0, Some(0.0))]);
        let found = Estimate::of(&all).unwrap();
        assert!((found.mean - 2.0).abs() < 1e-15);
        assert!((found.between.unwrap() - 1.0 / 3.0_f64.sqrt()).abs() < 1e-15);
        assert!((found.within.unwrap() - 5.0 / 3.0).abs() < 1e-15);
        let one_without = samples(&[(1.0, Some(3.0)), (2.0, None)]);
        assert_eq!(Estimate::of(&one_without).unwrap().within, None);
        assert_eq!(Estimate::of(&bare(&[1.0])).unwrap().between, None);
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn single_runs_have_their_own_errors_or_none() {
        let with = || samples(&[(1.0, Some(0.5))]);
        let found = uncertainty(&[[with(), with()]]).unwrap();
        assert_eq!((found.variance, found.source), (0.5, Source::Within(1.0)));
        assert!(found.degrees.is_infinite());
        assert_eq!(uncertainty(&[[bare(&[1.0]), bare(&[2.0])]]), None);
        assert_eq!(uncertainty(&[[bare(&[1.0]), bare(&[2.0, 3.0])]]), None);
        assert_eq!(
            uncertainty(&[[bare(&[1.0, 1.0]), bare(&[2.0, 2.0])]]),
            None,
            "no spread"
        );
    }

    /// Alone: variances 1 of three values on both sides, four degrees of freedom together.
    /// A side that does not scatter adds none.
    #[test]
    fn a_single_row_of_replicates_has_the_degrees_of_welch() {
        let found = uncertainty(&[[bare(&[1.0, 2.0, 3.0]), bare(&[5.0, 6.0, 7.0])]]).unwrap();
        assert!((found.variance - 2.0 / 3.0).abs() < 1e-12);
        assert!((found.degrees - 4.0).abs() < 1e-12 && found.source == Source::Between);
        let found = uncertainty(&[[bare(&[1.0, 2.0, 3.0]), bare(&[5.0, 5.0])]]).unwrap();
        assert!((found.degrees - 2.0).abs() < 1e-12);
    }

    /// Two replicates at distance 4 with errors 1 on both sides: variance 4 of each mean,
    /// eight of the difference, where the errors say one.
    #[test]
    fn errors_within_runs_grow_with_what_replicates_scatter_beyond_them() {
        let at = |distance| samples(&[(0.0, Some(1.0)), (distance, Some(1.0))]);
        let found = uncertainty(&[[at(4.0), at(4.0)]]).unwrap();
        assert!((found.variance - 8.0).abs() < 1e-12 && (found.degrees - 2.0).abs() < 1e-12);
        let Source::Within(factor) = found.source else {
            panic!("{found:?}");
        };
        assert!((factor - 8.0_f64.sqrt()).abs() < 1e-12);
        let found = uncertainty(&[[at(0.1), at(0.1)]]).unwrap();
        assert!(
            (found.variance - 1.0).abs() < 1e-12,
            "never below the errors within runs"
        );
    }

    /// Rows that scatter alike lend each other degrees of freedom, never more than there are;
    /// rows that scatter quite differently lend next to none.
    #[test]
    fn rows_share_what_they_have_in_common() {
        let rows = |of: fn(i32) -> f64| -> Vec<[Vec<Sample>; 2]> {
            let row = |k| {
                [
                    bare(&[0.0, of(k), 2.0 * of(k)]),
                    bare(&[0.0, of(k), 2.0 * of(k)]),
                ]
            };
            (0..50).map(row).collect()
        };
        let alike = uncertainty(&rows(|_| 1.0)).unwrap();
        assert!(alike.degrees > 8.0 && alike.degrees <= 204.0, "{alike:?}");
        let unlike = uncertainty(&rows(|k| 10.0_f64.powi(k - 25))).unwrap();
        assert!((4.0..4.2).contains(&unlike.degrees), "{unlike:?}");
    }

    /// ψ'(1) = π²/6, ψ'(1/2) = π²/2, ψ'(10) = π²/6 less 1/k² of the first nine k.
    #[test]
    fn trigamma_is_that_of_the_tables_and_its_inverse_undoes_it() {
        let sixth = std::f64::consts::PI.powi(2) / 6.0;
        let nine: f64 = (1..10).map(|k| 1.0 / f64::from(k * k)).sum();
        for (x, expected) in [(1.0, sixth), (0.5, 3.0 * sixth), (10.0, sixth - nine)] {
            assert!((trigamma(x) - expected).abs() < 1e-12, "{x}");
        }
        for x in [1e-3, 0.3, 1.0, 7.0, 500.0] {
            assert!(
                (inverse_trigamma(trigamma(x)) / x - 1.0).abs() < 1e-8,
                "{x}"
            );
        }
    }
}
