//! The estimator of Kraskov, Stögbauer and Grassberger, from nearest neighbours.

use rayon::prelude::*;
use statrs::function::gamma::digamma;

use super::Collective;
use super::blocks::Blocks;
use super::neighbours::{Counter, Tree};
use super::result::{Bias, Method, MutualInformation, interval};
use crate::inference::InferenceError;
use crate::inference::check_count;
use crate::random::Generator;

/// The neighbour that is taken where nothing speaks for another.
pub const NEIGHBOURS: usize = 4;
/// Dithers over which an estimate for integers is averaged: one alone would add its
/// own noise, which is a good part of the spread.
const DITHERS: usize = 4;
/// Largest number of subsets that the samples are cut into for the error.
const MOST_PARTS: usize = 10;
/// Largest part of the samples that may lie on top of their neighbours.
const MOST_TIES: f64 = 0.01;

/// Mutual information of two sets of variables, from distances to neighbours.
///
/// ```text
/// I = ψ(k) + ψ(n) - <ψ(n_a + 1) + ψ(n_b + 1)>
/// ```
///
/// Here `n_a` counts the samples whose `a` is strictly closer than the `k`-th
/// neighbour in the joint space, in the maximum norm, and `n_b` likewise. Every
/// coordinate is divided by its standard deviation first, which leaves the mutual
/// information as it is. Integers are dithered: noise that is uniform over one spacing
/// makes them continuous and leaves the mutual information as it is, too; the estimate
/// is the mean over four dithers drawn from `generator`.
///
/// Source: algorithm 1 of <https://arxiv.org/abs/cond-mat/0305641>.
///
/// # Bias
///
/// None, as far as is known, for independent variables; otherwise a function of `k/n` of
/// either sign, that vanishes as samples are added (same source). Where the dependence
/// is strong beside the distances of neighbours, it is downward
/// (<https://arxiv.org/abs/1411.2003>). `systematic_error` takes it to grow as the
/// squared distance of the neighbours, `(k/n)^(2/D)` in `D` joint dimensions: it is
///
/// ```text
/// |I(2k) - I(k)| / (2^(2/D) - 1)
/// ```
///
/// # Error
///
/// Resampling with repetition does not work here, as a sample would be its own
/// neighbour. The samples are cut into 2, 3, ..., 10 subsets instead, which gives the
/// variance `s_j²` of estimates from `n/j` samples; as the variance goes as `1/n`,
///
/// ```text
/// s² = Σ_j (j - 1)/j s_j² / Σ_j (j - 1),   45 degrees of freedom
/// ```
///
/// Source: Holmes and Nemenman 2019, <https://arxiv.org/abs/1903.09280>, with this sum in
/// their published program. `blocks` names the block of each sample; a subset takes whole
/// blocks, so that samples correlated within blocks give the right error. But where
/// samples follow one another so closely that neighbours in time are neighbours in
/// space, the value itself comes out too large: take fewer of them.
///
/// # Errors
///
/// - [`InferenceError::Count`] if the variables differ in rows.
/// - [`InferenceError::TooFewRows`] if there are fewer than
///   [`MIN_BLOCKS`](super::MIN_BLOCKS) blocks, or a tenth of the samples is not more
///   than `2 * neighbours`.
/// - [`InferenceError::OutOfRange`] if `neighbours` is zero, or over 1 % of the samples
///   lie on top of so many others that no distance is left.
/// - [`InferenceError::Constant`] if a coordinate does not vary.
///
/// # Cost
///
/// `O(n ln n)` in few dimensions, eleven times in all, and four times that for integers.
pub fn ksg(
    a: &Collective,
    b: &Collective,
    blocks: &[u32],
    neighbours: usize,
    generator: &mut Generator,
) -> Result<MutualInformation, InferenceError> {
    let rows = a.rows();
    check_count("rows of the second variable", b.rows(), rows)?;
    if neighbours == 0 {
        return Err(InferenceError::OutOfRange {
            what: "the number of neighbours",
            value: 0.0,
            expected: "at least 1",
        });
    }
    let blocks = Blocks::new(rows, blocks)?;
    let subsets: Vec<(usize, Vec<usize>)> = (1..=MOST_PARTS)
        .flat_map(|parts| (0..parts).map(move |part| (parts, part)))
        .map(|(parts, part)| (parts, blocks.rows_of_part(part, parts)))
        .collect();
    let smallest = subsets.iter().map(|(_, rows)| rows.len()).min();
    if smallest.unwrap_or(0) <= 2 * neighbours {
        return Err(InferenceError::TooFewRows {
            what: "samples in a tenth of the blocks",
            found: smallest.unwrap_or(0),
            needed: 2 * neighbours + 1,
        });
    }
    let pairs = dithered_pairs(a, b, generator)?;
    // All samples first, with twice as many neighbours and then with as many as asked for.
    let first = &subsets[0].1;
    let mut jobs: Vec<_> = pairs
        .iter()
        .map(|pair| (pair, first, 2 * neighbours))
        .collect();
    for (_, rows) in &subsets {
        jobs.extend(pairs.iter().map(|pair| (pair, rows, neighbours)));
    }
    let found: Result<Vec<f64>, _> = jobs
        .par_iter()
        .map(|(pair, rows, neighbours)| pair.select(rows).information(*neighbours))
        .collect();
    let averages: Vec<f64> = found?
        .chunks_exact(pairs.len())
        .map(|all| all.iter().sum::<f64>() / pairs.len() as f64)
        .collect();
    let value = averages[1];
    let (standard_error, degrees) = subset_error(&subsets, &averages[1..]);
    // 1 in two dimensions.
    let growth = 4_f64.powf(1.0 / (a.dimension() + b.dimension()) as f64) - 1.0;
    let systematic_error = (averages[0] - value).abs() / growth;
    Ok(MutualInformation {
        value,
        standard_error,
        systematic_error,
        interval: interval(value, standard_error, degrees, systematic_error),
        samples: rows,
        method: Method::NearestNeighbours { neighbours },
        bias: Bias::EitherSign,
    })
}

/// Scaled variables, as often as they are dithered.
fn dithered_pairs(
    a: &Collective,
    b: &Collective,
    generator: &mut Generator,
) -> Result<Vec<Pair>, InferenceError> {
    let draws = if a.is_lattice() || b.is_lattice() {
        DITHERS
    } else {
        1
    };
    let pair = |_| {
        Ok(Pair {
            a: a.dithered(generator).scaled()?,
            b: b.dithered(generator).scaled()?,
        })
    };
    (0..draws).map(pair).collect()
}

/// The error at all samples from the spread of the estimates of subsets, and its
/// degrees of freedom.
fn subset_error(subsets: &[(usize, Vec<usize>)], averages: &[f64]) -> (f64, f64) {
    let (mut sum, mut degrees) = (0.0, 0.0);
    for parts in 2..=MOST_PARTS {
        let same = subsets
            .iter()
            .zip(averages)
            .filter(|((p, _), _)| *p == parts);
        let values: Vec<f64> = same.map(|(_, &average)| average).collect();
        let count = parts as f64;
        let centre = values.iter().sum::<f64>() / count;
        // (j - 1)/j of the variance, whose sum of squares is over j - 1.
        sum += values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / count;
        degrees += count - 1.0;
    }
    ((sum / degrees).sqrt(), degrees)
}

/// Two variables of the same samples.
struct Pair {
    a: Collective,
    b: Collective,
}

impl Pair {
    fn select(&self, rows: &[usize]) -> Self {
        Self {
            a: self.a.select(rows),
            b: self.b.select(rows),
        }
    }

    /// The estimate with so many neighbours.
    fn information(&self, neighbours: usize) -> Result<f64, InferenceError> {
        let rows = self.a.rows();
        let joint: Vec<f64> = (0..rows)
            .flat_map(|row| self.a.row(row).iter().chain(self.b.row(row)).copied())
            .collect();
        let dimension = self.a.dimension() + self.b.dimension();
        let tree = Tree::new(&joint, dimension);
        let parts = [&self.a, &self.b].map(|x| (x, Counter::new(x.values(), x.dimension())));
        let digammas: Vec<f64> = (0..=rows).map(|n| digamma(n.max(1) as f64)).collect();
        // A sample is its own neighbour number 0.
        let mut nearest = vec![0.0; neighbours + 1];
        let (mut sum, mut ties) = (0.0, 0_usize);
        for (row, centre) in joint.chunks_exact(dimension).enumerate() {
            tree.nearest(centre, &mut nearest);
            let distance = nearest[neighbours];
            ties += usize::from(distance <= 0.0);
            for (x, counter) in &parts {
                // The sample itself is counted: n_a + 1.
                sum += digammas[counter.closer(x.row(row), distance)];
            }
        }
        let n = rows as f64;
        if ties as f64 > MOST_TIES * n {
            return Err(InferenceError::OutOfRange {
                what: "the part of the samples that lie on top of their neighbours",
                value: ties as f64 / n,
                expected: "at most 0.01; give the spacing of values that lie on a lattice",
            });
        }
        Ok(digammas[neighbours] + digammas[rows] - sum / n)
    }
}

#[cfg(test)]
mod tests;
