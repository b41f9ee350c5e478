//! Two small integers: entropies of counts, `I = H_A + H_B - H_AB`.

use std::collections::BTreeMap;

use statrs::function::gamma::digamma;

use super::blocks::{Blocks, MIN_BLOCKS};
use super::result::{Bias, Method, MutualInformation, interval};
use crate::inference::check_count;
use crate::inference::{InferenceError, mean};

/// Degrees of freedom of the jackknife's error.
pub(super) const DEGREES: f64 = (MIN_BLOCKS - 1) as f64;

/// How an entropy is estimated from counts `n_i` with the sum `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntropyEstimator {
    /// `-Σ p_i ln p_i` with `p_i = n_i / n`. An entropy comes out too small by
    /// about `(m - 1)/2n` for `m` outcomes, so that a mutual information comes out
    /// too large by about `(m_AB - m_A - m_B + 1)/2n`.
    PlugIn,
    /// The same plus `(m - 1)/2n`, with `m` the number of outcomes seen.
    ///
    /// Source: Miller 1955, as in the R package `entropy`,
    /// <https://rdrr.io/cran/entropy/man/entropy.MillerMadow.html>.
    MillerMadow,
    /// `-Σ C p_i ln(C p_i) / (1 - (1 - C p_i)^n)` with the coverage `C = 1 - f_1/n`, where
    /// `f_1` outcomes were seen once.
    ///
    /// Source: Chao and Shen 2003, Environ. Ecol. Stat. 10:429, as in the R package
    /// `entropy`, <https://rdrr.io/cran/entropy/man/entropy.ChaoShen.html>; there, too, a
    /// sample of single outcomes only is given `f_1 = n - 1`.
    ChaoShen,
    /// `ln n - (1/n) Σ n_i G(n_i)` with
    /// `G(k) = ψ(k) + (-1)^k [ψ((k+1)/2) - ψ(k/2)] / 2`.
    ///
    /// An entropy comes out too large by about `1/2n`: derived for counts that
    /// fluctuate one by one, it keeps `ln n` where a fixed sum asks for `ψ(n)`.
    ///
    /// Source: Grassberger 2003, revised 2008, <https://arxiv.org/abs/physics/0307138>.
    Grassberger,
}

impl EntropyEstimator {
    /// The method and the bias of a mutual information from such entropies.
    fn named(self) -> (Method, Bias) {
        match self {
            Self::PlugIn => (Method::PlugIn, Bias::Upward),
            Self::MillerMadow => (Method::MillerMadow, Bias::LeadingOrderRemoved),
            Self::ChaoShen => (Method::ChaoShen, Bias::EitherSign),
            Self::Grassberger => (Method::Grassberger, Bias::LeadingOrderRemoved),
        }
    }

    /// What an outcome seen `count` times adds to `n (ln n - H)`, if that does not
    /// depend on the other outcomes.
    fn term(self, count: u32) -> f64 {
        let k = f64::from(count);
        match self {
            Self::PlugIn | Self::ChaoShen => k * k.ln(),
            Self::MillerMadow => k * k.ln() - 0.5,
            Self::Grassberger => k * grassberger(count),
        }
    }
}

/// Grassberger's `G(k)`, which replaces `ln k`; `k` is at least 1.
fn grassberger(count: u32) -> f64 {
    let k = f64::from(count);
    let half = 0.5 * (digamma(0.5 * (k + 1.0)) - digamma(0.5 * k));
    if count.is_multiple_of(2) {
        digamma(k) + half
    } else {
        digamma(k) - half
    }
}

/// The entropy, in nats, of the distribution that `counts` are drawn from.
///
/// Outcomes that were not seen may be left out or stand as zeros; without
/// any count the entropy is 0.
#[must_use]
pub fn entropy(counts: &[u32], estimator: EntropyEstimator) -> f64 {
    let largest = counts.iter().copied().max().unwrap_or(0);
    Terms::new(estimator, largest).entropy(counts)
}

/// The terms of all counts up to a largest one.
struct Terms {
    estimator: EntropyEstimator,
    of_count: Vec<f64>,
}

impl Terms {
    fn new(estimator: EntropyEstimator, largest: u32) -> Self {
        let mut of_count = vec![0.0];
        of_count.extend((1..=largest).map(|count| estimator.term(count)));
        Self {
            estimator,
            of_count,
        }
    }

    fn entropy(&self, counts: &[u32]) -> f64 {
        let total: u64 = counts.iter().copied().map(u64::from).sum();
        if total == 0 {
            return 0.0;
        }
        let n = total as f64;
        if self.estimator == EntropyEstimator::ChaoShen {
            return chao_shen(counts, n);
        }
        let sum: f64 = counts.iter().map(|&k| self.of_count[k as usize]).sum();
        // Miller and Madow add (m - 1)/2n, of which the terms hold m/2n.
        let correction = if self.estimator == EntropyEstimator::MillerMadow {
            0.5 / n
        } else {
            0.0
        };
        n.ln() - sum / n - correction
    }
}

fn chao_shen(counts: &[u32], n: f64) -> f64 {
    let single = counts.iter().filter(|&&k| k == 1).count() as f64;
    let coverage = 1.0 - single.min(n - 1.0) / n;
    let seen = counts.iter().filter(|&&k| k > 0);
    seen.map(|&k| {
        let p = coverage * f64::from(k) / n;
        // Of a single outcome, p is 1 and ln(1 - p) is minus infinity: 1 - exp(..) is 1.
        let inclusion = -(n * (-p).ln_1p()).exp_m1();
        -p * p.ln() / inclusion
    })
    .sum()
}

/// Mutual information of two integers, from their joint counts.
///
/// `a` and `b` hold one number a sample, such as the numbers of up spins of two parts;
/// only which of them are equal matters. `blocks` names the block of each
/// sample ([`crate::inference::independent_blocks`]). The standard error is the
/// jackknife's, leaving out every twentieth block, 20 times: large parts, because
/// Grassberger's `G` is a staircase, of which single samples would see the steps. The
/// interval covers this spread and no bias: see [`EntropyEstimator`] for the latter, and
/// [`recommended`](super::recommended()) for an interval that holds both.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no sample.
/// - [`InferenceError::Count`] if the lists differ in length.
/// - [`InferenceError::TooFewRows`] if there are fewer than
///   [`MIN_BLOCKS`](super::MIN_BLOCKS) blocks.
///
/// # Cost
///
/// Two passes over the samples, and 21 over the occupied joint outcomes.
pub fn from_counts(
    a: &[u32],
    b: &[u32],
    blocks: &[u32],
    estimator: EntropyEstimator,
) -> Result<MutualInformation, InferenceError> {
    if a.is_empty() {
        return Err(InferenceError::Empty { what: "sample" });
    }
    check_count("values of the second variable", b.len(), a.len())?;
    let blocks = Blocks::new(a.len(), blocks)?;
    let part = |part| blocks.rows_of_part(part, MIN_BLOCKS);
    let parts: Vec<Vec<usize>> = (0..MIN_BLOCKS).map(part).collect();
    let pairs: Vec<(u32, u32)> = a.iter().copied().zip(b.iter().copied()).collect();
    let tables = [Table::new(&pairs), Table::new(a), Table::new(b)];
    let largest = tables.iter().flat_map(|table| &table.counts).max();
    let terms = Terms::new(estimator, largest.copied().unwrap_or(0));
    let [joint, first, second] = tables.map(|table| table.entropies(&parts, &terms));
    let information = |i: usize| first[i] + second[i] - joint[i];
    let without: Vec<f64> = (1..=MIN_BLOCKS).map(information).collect();
    // The jackknife's error is B - 1 times that of the mean of its B values.
    let degrees = DEGREES;
    let standard_error = degrees * mean(&without)?.standard_error;
    let value = information(0);
    let (method, bias) = estimator.named();
    Ok(MutualInformation {
        value,
        standard_error,
        systematic_error: 0.0,
        interval: interval(value, standard_error, degrees, 0.0),
        samples: a.len(),
        method,
        bias,
    })
}

/// Number of different values in a list.
pub(super) fn outcomes<T: Ord + Copy>(values: &[T]) -> usize {
    Table::new(values).counts.len()
}

/// Counts of outcomes, and the outcome of each row.
struct Table {
    counts: Vec<u32>,
    of_row: Vec<usize>,
}

impl Table {
    fn new<T: Ord + Copy>(values: &[T]) -> Self {
        let mut numbers: BTreeMap<T, usize> = BTreeMap::new();
        let mut counts = Vec::new();
        let number = |value: &T| {
            let next = numbers.len();
            let number = *numbers.entry(*value).or_insert(next);
            if number == counts.len() {
                counts.push(0);
            }
            counts[number] += 1;
            number
        };
        let of_row = values.iter().map(number).collect();
        Self { counts, of_row }
    }

    /// The entropy of all rows, then of all rows but those of each part.
    fn entropies(&self, parts: &[Vec<usize>], terms: &Terms) -> Vec<f64> {
        let mut counts = self.counts.clone();
        let mut entropies = vec![terms.entropy(&counts)];
        for rows in parts {
            for &row in rows {
                counts[self.of_row[row]] -= 1;
            }
            entropies.push(terms.entropy(&counts));
            for &row in rows {
                counts[self.of_row[row]] += 1;
            }
        }
        entropies
    }
}

#[cfg(test)]
mod tests;
