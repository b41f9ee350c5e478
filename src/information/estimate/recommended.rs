//! The estimate to take where nothing speaks for another, and its value at independence.

use super::Collective;
use super::counts::{DEGREES, EntropyEstimator, from_counts, outcomes};
use super::ksg::{NEIGHBOURS, ksg};
use super::permutation::shuffled;
use super::result::{MutualInformation, interval};
use crate::inference::check_count;
use crate::inference::{Estimate, InferenceError};
use crate::random::Generator;

/// Samples for each occupied joint outcome above which counts are trusted.
const SAMPLES_PER_OUTCOME: usize = 100;
/// Fewest permutations, whose spread is then known to 16 %.
const MIN_PERMUTATIONS: usize = 20;

/// Mutual information of two sets of variables, by the method that suits them.
///
/// - Two integers with over 100 samples for each occupied joint outcome: counts, with
///   Miller and Madow's correction ([`from_counts`]). The interval holds the size
///   of that correction as a bias.
/// - All else: nearest neighbours ([`ksg()`] with [`NEIGHBOURS`]), dithered if on a
///   lattice. The interval holds the difference to twice as many neighbours as a bias.
///
/// The estimate is one of the variables handed in. If they are functions of two parts,
/// such as numbers of up spins, principal components or means of an encoder, their mutual
/// information is at most that of the parts (data processing): the estimate then aims at
/// a lower bound, but may itself lie above what it aims at, by its error.
/// Functions that were fitted should be fitted to other samples.
///
/// # Errors
///
/// Those of [`ksg()`].
pub fn recommended(
    a: &Collective,
    b: &Collective,
    blocks: &[u32],
    generator: &mut Generator,
) -> Result<MutualInformation, InferenceError> {
    let Some((a_numbers, b_numbers)) = a.integers().zip(b.integers()) else {
        return ksg(a, b, blocks, NEIGHBOURS, generator);
    };
    let pairs: Vec<(u32, u32)> = a_numbers
        .iter()
        .copied()
        .zip(b_numbers.iter().copied())
        .collect();
    if pairs.len() < SAMPLES_PER_OUTCOME * outcomes(&pairs) {
        return ksg(a, b, blocks, NEIGHBOURS, generator);
    }
    let count = |estimator| from_counts(&a_numbers, &b_numbers, blocks, estimator);
    let found = count(EntropyEstimator::MillerMadow)?;
    let systematic_error = (found.value - count(EntropyEstimator::PlugIn)?.value).abs();
    Ok(MutualInformation {
        systematic_error,
        interval: interval(found.value, found.standard_error, DEGREES, systematic_error),
        ..found
    })
}

/// What an estimator gives for these samples if the parts are independent.
///
/// The rows of `b` are permuted `permutations` times, which leaves each part as it is
/// and takes the dependence away. Returned are the mean of `estimate`, and as its standard
/// error the spread of a single value: a mutual information within two of them of the
/// mean is not told from zero. Samples must be independent of each other.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than 20 permutations.
/// - [`InferenceError::Count`] if the variables differ in rows.
/// - Those of `estimate`.
pub fn independence(
    a: &Collective,
    b: &Collective,
    permutations: usize,
    generator: &mut Generator,
    mut estimate: impl FnMut(&Collective, &Collective, &mut Generator) -> Result<f64, InferenceError>,
) -> Result<Estimate, InferenceError> {
    check_count("rows of the second variable", b.rows(), a.rows())?;
    if permutations < MIN_PERMUTATIONS {
        return Err(InferenceError::TooFewRows {
            what: "permutations",
            found: permutations,
            needed: MIN_PERMUTATIONS,
        });
    }
    let mut values = Vec::with_capacity(permutations);
    for _ in 0..permutations {
        let permuted = b.select(&shuffled(b.rows(), generator));
        values.push(estimate(a, &permuted, generator)?);
    }
    let mean = crate::inference::mean(&values)?;
    Ok(Estimate {
        standard_error: mean.standard_error * (permutations as f64).sqrt(),
        ..mean
    })
}

#[cfg(test)]
mod tests;
