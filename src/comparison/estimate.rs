//! Mean and standard error of a value over the replicates of one side.

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

/// How much larger the spread between replicates is than the errors within runs say,
/// over all rows of a quantity.
///
/// The factor of R. T. Birge, Physical Review 40, 207 (1932), which also the Particle
/// Data Group uses: the root of χ² per degree of freedom, if that is above one.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread {
    chi_squared: f64,
    degrees: f64,
    /// Degrees of freedom that do not share a network: one set a point, not a row.
    independent: f64,
}

impl Spread {
    /// Takes in the replicates of a row; `new_point` if none of its point came before.
    /// Says whether they tell anything.
    pub(super) fn add(&mut self, samples: &[Sample], new_point: bool) -> bool {
        let Some(estimate) = Estimate::of(samples) else {
            return false;
        };
        let (Some(between), Some(within)) = (estimate.between, estimate.within) else {
            return false;
        };
        if !(within > 0.0 && between.is_finite()) {
            return false;
        }
        let degrees = samples.len() as f64 - 1.0;
        self.chi_squared += degrees * (between / within).powi(2);
        self.degrees += degrees;
        if new_point {
            self.independent += degrees;
        }
        true
    }

    /// The factor for errors within runs, and the degrees of freedom that it rests on.
    /// Without replicates nothing is known: 1, as if the errors were exact.
    pub(super) fn factor(&self) -> (f64, f64) {
        if self.degrees > 0.0 {
            let factor = (self.chi_squared / self.degrees).sqrt();
            (factor.max(1.0), self.independent)
        } else {
            (1.0, f64::INFINITY)
        }
    }
}

/// Which errors a comparison rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// The spread between three or more replicates, or two without errors of their own.
    Between,
    /// The errors within the runs, times the factor of [`Spread`].
    Within(f64),
}

/// A squared standard error and the degrees of freedom behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Uncertainty {
    pub(super) variance: f64,
    pub(super) degrees: f64,
    pub(super) source: Source,
}

/// Replicates from which on their spread is used as it is.
const ENOUGH: usize = 3;

impl Uncertainty {
    /// Of a mean: the spread between replicates from three on, else the errors
    /// within runs times the factor of the quantity, else the spread of two.
    pub(super) fn of(estimate: &Estimate, spread: &Spread) -> Option<Self> {
        let between = || {
            let error = estimate.between.filter(|error| error.is_finite())?;
            Some(Self {
                variance: error * error,
                degrees: estimate.replicates as f64 - 1.0,
                source: Source::Between,
            })
        };
        let within = || {
            let (factor, degrees) = spread.factor();
            let error = factor * estimate.within?;
            let (variance, source) = (error * error, Source::Within(factor));
            Some(Self {
                variance,
                degrees,
                source,
            })
        };
        let spread_counts = estimate.replicates >= ENOUGH && estimate.between != Some(0.0);
        if spread_counts {
            between()
        } else {
            within().or_else(between)
        }
    }

    /// The variance of a difference, and its degrees of freedom.
    ///
    /// # Source
    ///
    /// B. L. Welch, Biometrika 34, 28 (1947).
    pub(super) fn of_difference(a: &Self, b: &Self) -> (f64, f64) {
        let variance = a.variance + b.variance;
        let part = |one: &Self| one.variance * one.variance / one.degrees;
        let degrees = variance * variance / (part(a) + part(b));
        (
            variance,
            if degrees.is_nan() {
                f64::INFINITY
            } else {
                degrees
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn samples(values: &[(f64, Option<f64>)]) -> Vec<Sample> {
        let sample = |(run, &(value, error)): (usize, &(f64, Option<f64>))| Sample {
            run: run as u64,
            value,
            error,
        };
        values.iter().enumerate().map(sample).collect()
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
        assert_eq!(
            Estimate::of(&samples(&[(1.0, None)])).unwrap().between,
            None
        );
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn the_rule_takes_the_spread_from_three_replicates_on() {
        let spread = Spread::default();
        let source = |values: &[(f64, Option<f64>)]| {
            let estimate = Estimate::of(&samples(values)).unwrap();
            Uncertainty::of(&estimate, &spread).map(|found| (found.source, found.degrees))
        };
        let with = |value| (value, Some(0.5));
        let without = |value| (value, None);
        let within = Some((Source::Within(1.0), f64::INFINITY));
        assert_eq!(source(&[with(1.0)]), within);
        assert_eq!(source(&[with(1.0), with(2.0)]), within);
        assert_eq!(
            source(&[with(1.0), with(2.0), with(4.0)]),
            Some((Source::Between, 2.0))
        );
        assert_eq!(source(&[with(1.0), with(1.0), with(1.0)]), within);
        assert_eq!(
            source(&[without(1.0), without(2.0)]),
            Some((Source::Between, 1.0))
        );
        assert_eq!(source(&[without(1.0)]), None);
    }

    /// Two replicates at distance 4 with errors 1: χ² = (4/2)² / (1/2) = 8 of one degree.
    #[test]
    fn the_factor_is_the_root_of_chi_squared_a_degree_of_freedom() {
        let mut spread = Spread::default();
        assert_eq!(spread.factor(), (1.0, f64::INFINITY));
        assert!(spread.add(&samples(&[(0.0, Some(1.0)), (4.0, Some(1.0))]), true));
        let (factor, degrees) = spread.factor();
        assert!((factor - 8.0_f64.sqrt()).abs() < 1e-12 && (degrees - 1.0).abs() < 1e-15);
        // Another row of the same networks that agrees: χ² stays, degrees of χ² are two.
        assert!(spread.add(&samples(&[(1.0, Some(1.0)), (1.0, Some(1.0))]), false));
        let (factor, degrees) = spread.factor();
        assert!((factor - 2.0).abs() < 1e-12 && (degrees - 1.0).abs() < 1e-15);
        assert!(
            !spread.add(&samples(&[(1.0, Some(1.0))]), true),
            "one replicate tells nothing"
        );
    }

    /// Equal variances of equal degrees add up; a variance of zero adds none.
    #[test]
    fn welch_degrees_lie_between_the_smaller_and_the_sum() {
        let of = |variance, degrees| Uncertainty {
            variance,
            degrees,
            source: Source::Between,
        };
        let (variance, degrees) = Uncertainty::of_difference(&of(1.0, 4.0), &of(1.0, 4.0));
        assert!((variance - 2.0).abs() < 1e-15 && (degrees - 8.0).abs() < 1e-12);
        let (_, degrees) = Uncertainty::of_difference(&of(0.0, 4.0), &of(1.0, 3.0));
        assert!((degrees - 3.0).abs() < 1e-12);
        let (_, degrees) =
            Uncertainty::of_difference(&of(1.0, f64::INFINITY), &of(1.0, f64::INFINITY));
        assert!(degrees.is_infinite());
    }
}
