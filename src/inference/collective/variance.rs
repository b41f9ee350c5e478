//! How much of a collective variable the stimulus drives, and how it drifts.

use super::repeats::Repeats;
use crate::inference::blocks::Jackknife;
use crate::inference::{Estimate, InferenceError};

mod sums;
#[cfg(test)]
mod tests;

use sums::{Moments, PairSums, Variables};

/// Fewest repeats from which variances can be told apart with an error: the jackknife
/// leaves one out, and each half must keep one.
pub const FEWEST_REPEATS: usize = 4;

/// The variance of one variable, taken apart.
///
/// The variable is `x_rt = μ + s_t + d_r + e_rt` in bin `t` of repeat `r`: what the
/// stimulus does, `s`, the level of the repeat, `d`, and the rest, `e`, which may last
/// longer than a bin. Repeats are taken to be independent but for a slow drift of `d`.
/// Variances are unbiased and in squares of the variable's unit; an estimate of a small
/// variance may be negative.
///
/// The errors are those of other repeats of the same stimulus. For a variance that is 0
/// they are too large, by up to `√2`. Those of `between_repeats` and `drift` are errors of
/// a variance of `R` numbers: with ten repeats they are rough.
#[derive(Debug, Clone, PartialEq)]
pub struct VarianceComponents {
    /// Mean, `μ`.
    pub mean: Estimate,
    /// `signal + noise`.
    pub total: Estimate,
    /// Variance of `s` over bins: the mean covariance of two repeats, over all pairs of
    /// repeats. Equal to the variance over bins of the average of the repeats, less the
    /// residual variance of a two-way analysis of variance over `R`, and to the signal
    /// power of M. Sahani and J. Linden (Adv. Neural Inf. Process. Syst. 15, 2003). A
    /// one-way analysis, which counts `d` as residual, would give too little by the
    /// variance of `d` over `R`.
    pub signal: Estimate,
    /// Variance over repeats at a fixed bin, of `d + e`, averaged over bins.
    pub noise: Estimate,
    /// `signal / total`, the part that the stimulus explains; 0 if the variable never
    /// changes. A ratio of unbiased estimates: it errs by the order `1/R` itself.
    pub explained: Estimate,
    /// Covariance over bins of the averages over the first and the second half of the
    /// repeats. It is `signal` if the response to the stimulus stays what it is, and less if
    /// the response changes in the course of the recording.
    pub split_half: Estimate,
    /// Variance of the means of the repeats: of `d`, and of what is left of `e` in a mean
    /// over bins.
    pub between_repeats: Estimate,
    /// What successive repeats share of it: the variance of the repeats' means less half
    /// their mean squared successive difference (J. von Neumann, Ann. Math. Stat. 12, 367
    /// (1941)). 0 on average if the repeats are independent, however strongly the bins
    /// within a repeat are correlated; near `between_repeats` if the level drifts slowly.
    pub drift: Estimate,
}

/// Takes the variance of each variable apart by bins of the stimulus.
///
/// `values` is `rows x V`, the variables of a row side by side; one entry a variable comes
/// out. Errors are jackknives over repeats.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than [`FEWEST_REPEATS`] repeats or
///   fewer than two bins.
/// - [`InferenceError::Empty`], [`InferenceError::Count`] or
///   [`InferenceError::NotFinite`] if the values do not fill the rows with numbers.
pub fn variance_components(
    values: &[f64],
    repeats: &Repeats,
) -> Result<Vec<VarianceComponents>, InferenceError> {
    let variables = checked(values, repeats)?;
    let count = values.len() / variables.count();
    let each = 0..variables.count();
    Ok(each
        .map(|index| components(&variables, index, count))
        .collect())
}

/// How two variables vary together at a fixed bin of the stimulus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseCorrelation {
    /// Pearson correlation over repeats at fixed bins, variances and covariance averaged
    /// over bins; 0 if the noise of one variable is 0.
    pub all: Estimate,
    /// The same after the mean of each repeat is taken off, and with it what a drift from
    /// repeat to repeat adds.
    pub within_repeats: Estimate,
}

/// Noise correlations of all pairs of variables `i < j`, `j` running faster, with
/// jackknife errors over repeats.
///
/// `values` is as for [`variance_components`].
///
/// # Errors
///
/// Those of [`variance_components`].
pub fn noise_correlations(
    values: &[f64],
    repeats: &Repeats,
) -> Result<Vec<NoiseCorrelation>, InferenceError> {
    let variables = checked(values, repeats)?;
    let rows = values.len() / variables.count();
    let count = variables.count();
    let own: Vec<PairSums> = (0..count).map(|i| variables.pair(i, i)).collect();
    let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
    Ok(pairs
        .map(|(i, j)| {
            let sums = [&own[i], &own[j], &variables.pair(i, j)];
            let correlation = |part: fn(&Moments) -> f64| jackknifed(rows, sums, part);
            NoiseCorrelation {
                all: correlation(Moments::noise),
                within_repeats: correlation(Moments::residual),
            }
        })
        .collect())
}

fn checked(values: &[f64], repeats: &Repeats) -> Result<Variables, InferenceError> {
    let count = repeats.variables(values)?;
    let enough = [
        ("repeats", repeats.repeats().len(), FEWEST_REPEATS),
        ("bins", repeats.bins().len(), 2),
    ];
    for (what, found, needed) in enough {
        if found < needed {
            return Err(InferenceError::TooFewRows {
                what,
                found,
                needed,
            });
        }
    }
    Ok(Variables::new(values, count, repeats))
}

fn components(variables: &Variables, index: usize, count: usize) -> VarianceComponents {
    let sums = variables.pair(index, index);
    let all = sums.moments(None);
    let estimate = |statistic: &dyn Fn(&Moments) -> f64| {
        let without = (0..sums.repeats()).map(|repeat| statistic(&sums.moments(Some(repeat))));
        estimate(statistic(&all), without, count)
    };
    let scale = all.signal() + all.noise();
    let (means, shift) = (sums.means(), variables.shift(index));
    let by_means = |statistic: fn(&[f64]) -> f64| {
        let without = (0..means.len()).map(|left| statistic(&without(&means, left)));
        self::estimate(statistic(&means), without, count)
    };
    let mut mean = by_means(average);
    mean.value += shift;
    let split = variables.halves(index);
    VarianceComponents {
        mean,
        total: estimate(&|moments| moments.signal() + moments.noise()),
        signal: estimate(&Moments::signal),
        noise: estimate(&Moments::noise),
        explained: estimate(&|moments| moments.explained(scale)),
        split_half: self::estimate(split.covariance(None), split.without_each(), count),
        between_repeats: by_means(variance),
        drift: by_means(drift),
    }
}

/// A correlation from the sums of two variables and of both together.
fn jackknifed(rows: usize, sums: [&PairSums; 3], part: fn(&Moments) -> f64) -> Estimate {
    let parts = |left| sums.map(|sums| part(&sums.moments(left)));
    let all = parts(None);
    let correlation = |[first, second, both]: [f64; 3]| {
        let vary = first > NEGLIGIBLE * all[0] && second > NEGLIGIBLE * all[1];
        if vary {
            both / (first * second).sqrt()
        } else {
            0.0
        }
    };
    let without = (0..sums[0].repeats()).map(|repeat| correlation(parts(Some(repeat))));
    estimate(correlation(all), without, rows)
}

/// A variance below this part of that of all repeats is rounding.
const NEGLIGIBLE: f64 = 1e-12;

fn estimate(value: f64, without: impl Iterator<Item = f64>, count: usize) -> Estimate {
    let mut jackknife = Jackknife::new(value);
    without.for_each(|estimate| jackknife.add(estimate));
    Estimate {
        value,
        standard_error: jackknife.standard_error(),
        count,
    }
}

fn without(values: &[f64], left: usize) -> Vec<f64> {
    [&values[..left], &values[left + 1..]].concat()
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = average(values);
    let squares: f64 = values.iter().map(|x| (x - centre).powi(2)).sum();
    squares / (values.len() as f64 - 1.0)
}

fn drift(values: &[f64]) -> f64 {
    let differences: Vec<f64> = values.windows(2).map(|w| (w[1] - w[0]).powi(2)).collect();
    variance(values) - 0.5 * average(&differences)
}
