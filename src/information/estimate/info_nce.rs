//! A lower bound that two small networks are trained for, called `InfoNCE`.

use super::Collective;
use super::blocks::Blocks;
use super::permutation::shuffled;
use super::result::{Bias, Method, MutualInformation, interval};
use crate::inference::check_count;
use crate::inference::{InferenceError, block_mean, mean};
use crate::random::Generator;

mod critic;
mod network;

pub use critic::Critic;
use critic::log_ratios;

/// The part of the blocks that is held out: one in three.
const HELD_OUT: usize = 3;
/// Fewest held-out batches: the error is the spread of their values.
const MIN_BATCHES: usize = 8;

/// How the critic of [`info_nce`] is made.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticSettings {
    /// Pairs of a batch, at least 2. The bound cannot exceed `ln(batch)`, and falls
    /// short of what the networks could tell by about half the variance of
    /// `p(a, b) / p(a) p(b)` over the batch.
    pub batch: usize,
    /// Linear combinations of the variables that the networks see, at least 1: guess
    /// the number of collective variables. More of them learn noise by heart.
    pub directions: usize,
    /// Widths of the tanh layers of each network.
    pub hidden: Vec<usize>,
    /// Features of which the score is the inner product, at least 1.
    pub features: usize,
    /// Gradient steps, one batch each.
    pub steps: usize,
    /// Step size of Adam at the start; it falls to 0 as a cosine.
    pub learning_rate: f64,
}

impl Default for CriticSettings {
    /// Enough for a few collective variables of some dozens of units.
    fn default() -> Self {
        Self {
            batch: 128,
            directions: 2,
            hidden: vec![16],
            features: 6,
            steps: 1000,
            learning_rate: 1e-2,
        }
    }
}

/// A lower bound on the mutual information, by telling true pairs from mixed ones.
///
/// ```text
/// I(a; b) >= E [ (1/K) Σ_i ln ( e^{s_ii} / (1/K) Σ_j e^{s_ij} ) ] <= ln K,   s_ij = f(a_i)·g(b_j)
/// ```
///
/// over batches of `K` independent pairs, for any `f` and `g`: here a linear layer
/// and then tanh layers, trained on two thirds of the blocks to make it large. The bound is
/// evaluated on the other third, so that what was learned by heart does not count. The
/// denominator sums over the partners `b_j` of `a_i`, or over the partners `a_j` of
/// `b_i`; the mean of the two bounds is taken. The value may lie far below the
/// mutual information: if it is near [`Method::ceiling`], enlarge the batch; if the
/// networks did not learn enough, give them more samples.
///
/// `blocks` names the block of each sample. The standard error is the larger of that
/// over held-out batches and that over held-out blocks.
///
/// Source: van den Oord et al. 2018, as stated in
/// <https://www.tensorflow.org/probability/api_docs/python/tfp/vi/mutual_information/lower_bound_info_nce>;
/// the ceiling: Poole et al. 2019, <https://arxiv.org/abs/1905.06922>.
///
/// # Errors
///
/// - [`InferenceError::Count`] if the variables differ in rows.
/// - [`InferenceError::TooFewRows`] if there are fewer than
///   [`MIN_BLOCKS`](super::MIN_BLOCKS) blocks, or fewer than eight batches are held out.
/// - [`InferenceError::OutOfRange`] if a setting is.
pub fn info_nce(
    a: &Collective,
    b: &Collective,
    blocks: &[u32],
    settings: &CriticSettings,
    generator: &mut Generator,
) -> Result<MutualInformation, InferenceError> {
    let (critic, held_out) = trained(a, b, blocks, settings, generator)?;
    let labels: Vec<u32> = held_out.iter().map(|&row| blocks[row]).collect();
    let pair = [a.select(&held_out), b.select(&held_out)];
    let batch = settings.batch;
    let mut order = shuffled(held_out.len(), generator);
    order.truncate(held_out.len() / batch * batch);
    let mut values = Vec::with_capacity(order.len());
    for rows in order.chunks_exact(batch) {
        values.extend(log_ratios(&critic.scores(&pair, rows), batch));
    }
    let of_batches = values
        .chunks_exact(batch)
        .map(|all| all.iter().sum::<f64>() / batch as f64);
    let of_batches: Vec<f64> = of_batches.collect();
    let over_batches = mean(&of_batches)?;
    let labels: Vec<u32> = order.iter().map(|&row| labels[row]).collect();
    let over_blocks = block_mean(&values, &labels)?.standard_error;
    let standard_error = over_batches.standard_error.max(over_blocks);
    let degrees = (of_batches.len() - 1) as f64;
    let value = over_batches.value;
    Ok(MutualInformation {
        value,
        standard_error,
        systematic_error: 0.0,
        interval: interval(value, standard_error, degrees, 0.0),
        samples: order.len(),
        method: Method::InfoNce { batch },
        bias: Bias::LowerBound,
    })
}

/// Trains on two blocks of three; returns the rows of the third.
fn trained(
    a: &Collective,
    b: &Collective,
    blocks: &[u32],
    settings: &CriticSettings,
    generator: &mut Generator,
) -> Result<(Critic, Vec<usize>), InferenceError> {
    check_count("rows of the second variable", b.rows(), a.rows())?;
    let blocks = Blocks::new(a.rows(), blocks)?;
    let held_out = blocks.rows_of_part(HELD_OUT - 1, HELD_OUT);
    let needed = MIN_BATCHES * settings.batch;
    if held_out.len() < needed {
        return Err(InferenceError::TooFewRows {
            what: "samples in a third of the blocks",
            found: held_out.len(),
            needed,
        });
    }
    let train: Vec<usize> = (0..HELD_OUT - 1)
        .flat_map(|part| blocks.rows_of_part(part, HELD_OUT))
        .collect();
    let critic = Critic::train(&a.select(&train), &b.select(&train), settings, generator)?;
    Ok((critic, held_out))
}

#[cfg(test)]
mod tests;
