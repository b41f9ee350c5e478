//! The partition sum, by annealed importance sampling.

use std::ops::ControlFlow;

use super::ensemble::Ensemble;
use super::landscape::Landscape;
use super::model::{LARGEST_FIELD, MaximumEntropy};
use super::{MaximumEntropyError, Streams};
use crate::inference::{Estimate, log_mean_exp};

/// Runs of each chain, so that there are 512 weights.
const RUNS: usize = 8;
/// Sweeps of a run at first; each round has four times as many.
const FIRST_SWEEPS: usize = 64;
/// Sweeps of a run at most: beyond, the error is what it is.
pub const MAX_ANNEALING_SWEEPS: usize = 65_536;
/// Sweeps after which the fields of a chain are computed anew.
const REFRESH: usize = 256;
/// Share of the weights that must be effective for their error to be believed.
const EFFECTIVE: f64 = 0.5;

/// `ln Z` of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogPartition {
    /// `ln Z`, nats, with the error that the spread of the weights gives; the count is that of
    /// the runs.
    pub estimate: Estimate,
    /// `(Σ w)² / (n Σ w²)` of the weights of n runs: where it is small, so is the trust in
    /// the error.
    pub effective_share: f64,
    /// Sweeps of a run.
    pub sweeps: usize,
}

/// Goes from independent cells with the given `rates` to the model, along fields,
/// couplings and V that grow linearly, and averages the weights of 512 runs.
///
/// Sweeps are quadrupled until the standard error is at most `error` and half of the
/// weights are effective, or [`MAX_ANNEALING_SWEEPS`] are reached.
///
/// `streams` is asked for `"annealing 0"` and so on; `proceed` is told the sweeps done as a
/// part of the most.
pub(super) fn log_partition(
    model: &MaximumEntropy,
    rates: &[f64],
    error: f64,
    streams: Streams<'_>,
    proceed: &dyn Fn(f64) -> ControlFlow<()>,
) -> Result<LogPartition, MaximumEntropyError> {
    let log_odds = |&rate: &f64| (rate / (1.0 - rate)).ln();
    let limited = |odds: f64| odds.clamp(-LARGEST_FIELD, LARGEST_FIELD);
    let base: Vec<f64> = rates.iter().map(log_odds).map(limited).collect();
    let landscape = Landscape::from_base(model, &base);
    let mut chains = Ensemble::of_base(&landscape, "annealing", streams);
    let base: f64 = base
        .iter()
        .map(|b| b.max(0.0) + (-b.abs()).exp().ln_1p())
        .sum();
    let mut sweeps = FIRST_SWEEPS;
    loop {
        let weights = weights(&landscape, &mut chains, sweeps);
        let mut found = summarise(&weights, sweeps);
        found.estimate.value += base + model.count_potential()[0];
        let good = found.estimate.standard_error <= error && found.effective_share >= EFFECTIVE;
        if good || sweeps >= MAX_ANNEALING_SWEEPS {
            return Ok(found);
        }
        if proceed(sweeps as f64 / MAX_ANNEALING_SWEEPS as f64).is_break() {
            return Err(MaximumEntropyError::Cancelled);
        }
        sweeps *= 4;
    }
}

/// Logarithms of the weights of all runs.
fn weights(landscape: &Landscape, chains: &mut Ensemble, sweeps: usize) -> Vec<f64> {
    let step = 1.0 / sweeps as f64;
    let by_chain = chains.map(|_, chain| {
        let run = |_| {
            chain.draw_base(landscape);
            let mut sum = chain.log_weight();
            for sweep in 1..sweeps {
                chain.sweep(landscape, (sweep as f64 * step) as f32, 1);
                sum += chain.log_weight();
                if sweep % REFRESH == 0 {
                    chain.refresh(landscape);
                }
            }
            sum * step
        };
        (0..RUNS).map(run).collect::<Vec<f64>>()
    });
    by_chain.concat()
}

fn summarise(logarithms: &[f64], sweeps: usize) -> LogPartition {
    let count = logarithms.len() as f64;
    let value = log_mean_exp(logarithms);
    // Weights over their mean.
    let squares: f64 = logarithms.iter().map(|l| (2.0 * (l - value)).exp()).sum();
    let variance = (squares - count) / (count - 1.0);
    LogPartition {
        estimate: Estimate {
            value,
            standard_error: (variance.max(0.0) / count).sqrt(),
            count: logarithms.len(),
        },
        effective_share: count / squares,
        sweeps,
    }
}
