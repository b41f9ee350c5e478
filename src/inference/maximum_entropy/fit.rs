//! The fit: Newton steps on the moments that persistent chains show.

use std::ops::ControlFlow;

use super::annealing::{LogPartition, log_partition};
use super::chain::Sums;
use super::ensemble::{CHAINS, Ensemble};
use super::features::Target;
use super::fisher::Fisher;
use super::landscape::Landscape;
use super::model::{MaximumEntropy, check_cells};
use super::start::start;
use super::{Interaction, MaximumEntropyError, Streams};
use crate::bits::BitMatrix;
use crate::inference::{Estimate, InferenceError, PopulationError};

/// Sweeps after a step before samples are taken; chains go on where they were.
const REST: usize = 30;
/// Sweeps between two samples.
const SPACING: usize = 2;
/// Samples of a chain after which its fields are computed anew.
const REFRESH: usize = 512;
/// Samples of the first step; each step has twice those of the one before.
const FIRST_SAMPLES: usize = 16_384;
/// Samples from which the curvature is taken.
const CURVATURE_SAMPLES: usize = 16_384;
/// Divergence from the model before that a step may lead to, nats.
const LARGEST_GAIN: f64 = 0.5;
/// Change of one parameter in a step at most.
const LARGEST_STEP: f64 = 1.0;
/// Growth of the [distance](Target::distance), or of 1, that takes a step back.
const ASTRAY: f64 = 4.0;
const MAX_RETREATS: usize = 5;
/// Part of the work that is over before ln Z is computed.
const FITTING: f64 = 0.8;
/// Share of silent configurations from which they tell ln Z.
const FREQUENT: f64 = 0.01;

/// When a fit ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// The fit has converged when no moment deviates more than this from that of the data,
    /// in units of the data's own standard error.
    pub largest_deviation: f64,
    /// Steps at most.
    pub iterations: usize,
    /// Samples of a step at most, all chains together.
    pub samples: usize,
    /// Standard error of ln Z to be reached, nats.
    pub log_partition_error: f64,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            largest_deviation: 1.0,
            iterations: 60,
            samples: 1 << 20,
            log_partition_error: 0.001,
        }
    }
}

/// A model with what the fit knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMaximumEntropy {
    /// The model.
    pub model: MaximumEntropy,
    /// Steps taken.
    pub iterations: usize,
    /// Largest deviation of a moment from that of the data, in units of the data's own
    /// standard error, as the last samples show it, their own noise included.
    pub largest_deviation: f64,
    /// Whether that is below what was asked for.
    pub converged: bool,
    /// `ln Z`, by annealed importance sampling.
    pub log_partition: LogPartition,
    /// `ln Z` once more, as `-ln` of the share of silent configurations in the last
    /// samples, with an error over chains; nothing if fewer than one in a hundred is silent.
    /// If the two disagree, the model has states between which chains do not move.
    pub log_partition_by_silence: Option<Estimate>,
}

impl FittedMaximumEntropy {
    /// Log-likelihood of each configuration, nats; the error of all of them is that of ln Z.
    ///
    /// # Errors
    ///
    /// [`PopulationError::Mismatch`] if the configurations are of other cells.
    pub fn log_likelihood(&self, bits: &BitMatrix) -> Result<Vec<f64>, PopulationError> {
        let mut logs = self.model.log_weights(bits)?;
        for log in &mut logs {
            *log -= self.log_partition.estimate.value;
        }
        Ok(logs)
    }
}

/// Fits a maximum-entropy model to configurations.
///
/// The moments to be matched are those of the data as if each cell of each configuration were
/// drawn anew by a fair coin with the probability `2 / (n + 2)`: rates follow Laplace's rule
/// `(active + 1) / (n + 2)`, as in [`IndependentModel`](crate::inference::IndependentModel),
/// and a cell that never or always fires has a finite field and hardly any coupling.
/// V is in the gauge `V(0) = V(1) = V(2) = 0`, so that `J_ij` is the logarithm of the
/// odds ratio of two cells while all others are silent. V is free up to the largest
/// count that ten configurations reach; beyond, it only keeps the mean excess.
///
/// # Shapes
///
/// - `data`: a configuration a row; `blocks`: the block of each row, at least two. Counts are
///   kept for each block, so that blocks of less than about twenty rows cost memory.
/// - `streams` is asked for `"chain 0"`, `"annealing 0"` and so on; `proceed` is told how
///   much is done, from 0 to 1, and may stop the fit.
///
/// # Errors
///
/// - [`InferenceError::Empty`] without configurations or cells,
///   [`InferenceError::TooManySites`] above [`MAX_CELLS`](super::MAX_CELLS).
/// - [`InferenceError::OutOfRange`] if an option is not positive.
/// - [`PopulationError::LabelCount`] or [`PopulationError::TooFewBlocks`] about the blocks.
/// - [`MaximumEntropyError::Cancelled`] if `proceed` breaks.
///
/// # Cost
///
/// A sweep of a chain of 50 cells, two of them active, takes about a quarter of a microsecond
/// on one x86-64 core with AVX-512, a step on a million samples 0.6 s. Sums of pairs are kept
/// for 64 chains: 0.5 kB for each pair of cells, 134 MB at most.
pub fn fit(
    data: &BitMatrix,
    blocks: &[u32],
    interaction: Interaction,
    options: &FitOptions,
    streams: Streams<'_>,
    proceed: &dyn Fn(f64) -> ControlFlow<()>,
) -> Result<FittedMaximumEntropy, MaximumEntropyError> {
    check(data, options)?;
    let target = Target::new(data, blocks, interaction)?;
    let parameters = start(data, target.layout, &target.means);
    let matched = Matching::new(data, &target, parameters, streams)?.run(options, proceed)?;
    let model = in_gauge(&target.layout.model(&matched.parameters)?)?;
    let rates = &target.means[..target.layout.cells];
    let rest = |part: f64| proceed(FITTING + (1.0 - FITTING) * part);
    let log_partition = log_partition(&model, rates, options.log_partition_error, streams, &rest)?;
    Ok(FittedMaximumEntropy {
        model,
        iterations: matched.iterations,
        largest_deviation: matched.largest_deviation,
        converged: matched.largest_deviation <= options.largest_deviation,
        log_partition,
        log_partition_by_silence: matched.silence.and_then(|silence| by_silence(&silence)),
    })
}

fn check(data: &BitMatrix, options: &FitOptions) -> Result<(), InferenceError> {
    if data.rows() == 0 {
        let what = "configuration";
        return Err(InferenceError::Empty { what });
    }
    check_cells(data.columns())?;
    let numbers = [
        ("the largest deviation", options.largest_deviation),
        ("the number of steps", options.iterations as f64),
        ("the number of samples", options.samples as f64),
        ("the error of ln Z", options.log_partition_error),
    ];
    for (what, value) in numbers {
        if !(value > 0.0 && value.is_finite()) {
            return Err(InferenceError::OutOfRange {
                what,
                value,
                expected: "a positive finite number",
            });
        }
    }
    Ok(())
}

/// A fit on its way.
struct Matching<'a> {
    target: &'a Target,
    parameters: Vec<f64>,
    chains: Ensemble,
    iterations: usize,
    largest_deviation: f64,
    /// Share of silent configurations of each chain.
    silence: Option<Vec<f64>>,
    last: Option<Step>,
}

impl<'a> Matching<'a> {
    fn new(
        data: &BitMatrix,
        target: &'a Target,
        parameters: Vec<f64>,
        streams: Streams<'_>,
    ) -> Result<Self, InferenceError> {
        let landscape = Landscape::of(&target.layout.model(&parameters)?);
        Ok(Self {
            chains: Ensemble::of_data(&landscape, data, "chain", streams),
            target,
            parameters,
            iterations: 0,
            largest_deviation: f64::INFINITY,
            silence: None,
            last: None,
        })
    }

    fn run(
        mut self,
        options: &FitOptions,
        proceed: &dyn Fn(f64) -> ControlFlow<()>,
    ) -> Result<Self, MaximumEntropyError> {
        let most = options.samples.div_ceil(CHAINS);
        let mut each = most.min(FIRST_SAMPLES / CHAINS);
        loop {
            let drawn = self.draw(each)?;
            let (gradient, deviation) = self.target.compare(&drawn.means);
            self.largest_deviation = deviation;
            self.silence = Some(drawn.silence);
            if deviation <= options.largest_deviation || self.iterations >= options.iterations {
                return Ok(self);
            }
            let done = self.iterations as f64 / options.iterations as f64;
            if proceed(FITTING * done).is_break() {
                return Err(MaximumEntropyError::Cancelled);
            }
            self.iterations += 1;
            let distance = self.target.distance(&gradient);
            if self.retreat(distance) {
                continue;
            }
            // Once samples grow no more, half steps average their noise.
            let share = if each == most { 0.5 } else { 1.0 };
            self.step(&gradient, distance, &drawn.configurations, share);
            each = (2 * each).min(most);
        }
    }

    /// Goes back behind a step that led far away, and takes a quarter of it.
    ///
    /// Where a small change of the parameters makes another state of the population the most
    /// probable one, the curvature before the step knows nothing of it.
    fn retreat(&mut self, distance: f64) -> bool {
        let Some(mut last) = self.last.take() else {
            return false;
        };
        if distance <= ASTRAY * last.distance.max(1.0) || last.retreats == MAX_RETREATS {
            return false;
        }
        last.changes.iter_mut().for_each(|change| *change *= 0.25);
        let moved = last
            .parameters
            .iter()
            .zip(&last.changes)
            .map(|(p, change)| p + change);
        self.parameters = moved.collect();
        self.chains = last.chains.clone();
        last.retreats += 1;
        self.last = Some(last);
        true
    }

    fn draw(&mut self, each: usize) -> Result<Drawn, InferenceError> {
        let landscape = Landscape::of(&self.target.layout.model(&self.parameters)?);
        let kept = each.div_ceil(CURVATURE_SAMPLES / CHAINS);
        let by_chain = self.chains.map(|_, chain| {
            let mut sums = Sums::new(&landscape);
            let mut configurations = Vec::with_capacity(each / kept + 1);
            for sample in 0..each {
                if sample % REFRESH == 0 {
                    chain.refresh(&landscape);
                }
                let rest = if sample == 0 { REST } else { SPACING };
                chain.sweep(&landscape, 1.0, rest);
                chain.add_to(&landscape, &mut sums);
                if sample % kept == 0 {
                    configurations.push(chain.active().to_vec());
                }
            }
            (sums, configurations)
        });
        let mut total = Sums::new(&landscape);
        for (sums, _) in &by_chain {
            total.add(sums);
        }
        Ok(Drawn {
            means: self.target.layout.means(&total),
            silence: by_chain.iter().map(|(sums, _)| sums.silent()).collect(),
            configurations: by_chain.into_iter().map(|(_, list)| list).collect(),
        })
    }

    fn step(
        &mut self,
        gradient: &[f64],
        distance: f64,
        configurations: &[Vec<Vec<u16>>],
        share: f64,
    ) {
        let layout = self.target.layout;
        let means = self.target.means.iter().zip(gradient);
        let model: Vec<f64> = means.map(|(mean, difference)| mean - difference).collect();
        // The larger ones of data and model.
        let variances = layout.variances(&model);
        let pairs = variances.iter().zip(layout.variances(&self.target.means));
        let variances: Vec<f64> = pairs.map(|(model, data)| model.max(data)).collect();
        let fisher = Fisher::new(layout, configurations, &variances);
        let step = fisher.solve(gradient);
        let terms = step.iter().zip(gradient);
        let gain: f64 = terms.map(|(step, gradient)| 0.5 * step * gradient).sum();
        let factor = share * (LARGEST_GAIN / gain.max(LARGEST_GAIN)).sqrt();
        let before = self.parameters.clone();
        for (parameter, step) in self.parameters.iter_mut().zip(&step) {
            *parameter += (factor * step).clamp(-LARGEST_STEP, LARGEST_STEP);
        }
        layout.limit(&mut self.parameters);
        let moved = self.parameters.iter().zip(&before);
        self.last = Some(Step {
            changes: moved.map(|(after, before)| after - before).collect(),
            parameters: before,
            chains: self.chains.clone(),
            distance,
            retreats: 0,
        });
    }
}

/// The last step, and what was before it.
struct Step {
    parameters: Vec<f64>,
    chains: Ensemble,
    changes: Vec<f64>,
    distance: f64,
    retreats: usize,
}

/// What the chains showed between two steps.
struct Drawn {
    means: Vec<f64>,
    silence: Vec<f64>,
    configurations: Vec<Vec<Vec<u16>>>,
}

/// The same distribution with `V(0) = V(1) = V(2) = 0`: what is linear in K goes into the
/// fields, what is quadratic into the couplings.
pub(super) fn in_gauge(model: &MaximumEntropy) -> Result<MaximumEntropy, InferenceError> {
    let cells = model.cells();
    let value = |k: usize| model.count_potential().get(k).copied().unwrap_or(0.0);
    let slope = value(1) - value(0);
    let bend = if cells < 2 {
        0.0
    } else {
        value(2) - value(1) - slope
    };
    let moved = |(index, &coupling): (usize, &f64)| {
        let diagonal = index % cells == index / cells;
        if diagonal { 0.0 } else { coupling + bend }
    };
    let left = |k: usize| {
        let pairs = (k * k.saturating_sub(1) / 2) as f64;
        value(k) - value(0) - slope * k as f64 - bend * pairs
    };
    MaximumEntropy::new(
        model.fields().iter().map(|field| field + slope).collect(),
        model.couplings().iter().enumerate().map(moved).collect(),
        (0..=cells).map(left).collect(),
    )
}

/// ln Z from the share of silent configurations of each chain.
fn by_silence(shares: &[f64]) -> Option<Estimate> {
    let share = crate::inference::mean(shares).ok()?;
    (share.value >= FREQUENT).then(|| Estimate {
        value: -share.value.ln(),
        standard_error: share.standard_error / share.value,
        count: share.count,
    })
}
