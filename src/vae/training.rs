//! The training loop: epochs, schedules, early stopping, resumption.
//!
//! All randomness of epoch `n` comes from the stream named `epoch n`, so a
//! training that goes on from the state after epoch `n - 1` takes the same steps
//! as one that was never interrupted.

use std::ops::ControlFlow;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use super::error::VaeError;
use super::gradient::{Batch, GradientEngine, Terms};
use super::head;
use super::kernel;
use super::model::Vae;
use super::optimiser::{Adam, Schedule};
use crate::configurations::{Configurations, Unit};
use crate::random::{Generator, uniform};

/// How a training goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSettings {
    /// Passes over the training configurations.
    pub epochs: usize,
    /// Configurations a step.
    pub batch: usize,
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Learning rate of the last step, as a fraction of the first.
    pub final_learning_rate_fraction: f64,
    /// Epochs over which the weight of the rate rises from 0 to 1.
    pub kl_warmup_epochs: usize,
    /// Largest norm of the gradient; a longer one is scaled down.
    pub gradient_clip: f64,
    /// Epochs without a better held-out ELBO after which training stops; 0 = never.
    pub patience: usize,
}

/// What happened in one epoch; all in nats per configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean terms of the ELBO over the epoch's batches.
    pub distortion: f64,
    /// Mean rate over the epoch's batches.
    pub rate: f64,
    /// ELBO of the held-out configurations, at full weight of the rate.
    pub validation_elbo: f64,
    /// Rate of the held-out configurations.
    pub validation_rate: f64,
    /// The same, latent by latent (each against its own marginal prior).
    pub validation_latent_rates: Vec<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Weight of the rate in the last step.
    pub kl_weight: f64,
    /// Mean norm of the gradient before clipping.
    pub gradient_norm: f64,
}

/// Everything from which a training goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingState {
    /// Epochs done.
    pub epoch: usize,
    /// Parameters after that epoch.
    pub parameters: Vec<f32>,
    /// Parameters of the best epoch by held-out ELBO.
    pub best: Vec<f32>,
    /// That epoch, counted from 1; 0 before the first.
    pub best_epoch: usize,
    /// Moments of the optimiser.
    pub adam: Adam,
    /// One record an epoch.
    pub history: Vec<EpochRecord>,
}

impl TrainingState {
    fn best_elbo(&self) -> f64 {
        self.best_epoch
            .checked_sub(1)
            .and_then(|index| self.history.get(index))
            .map_or(f64::NEG_INFINITY, |record| record.validation_elbo)
    }
}

/// What a training tells, and asks, while it runs.
pub trait TrainingListener {
    /// Called after every batch with the fraction of the training done; a break
    /// ends it with [`VaeError::Cancelled`].
    fn batch_done(&mut self, fraction: f64) -> ControlFlow<()>;

    /// Called after every epoch with the state from which one can go on.
    ///
    /// # Errors
    ///
    /// Whatever the listener fails with ends the training.
    fn epoch_done(&mut self, state: &TrainingState) -> Result<(), VaeError>;
}

/// Draws so many new configurations from a random stream.
pub type Draw<'a> = &'a (dyn Fn(usize, &mut Generator) -> Configurations + Sync);

/// What the parameters are fitted to.
#[derive(Clone, Copy)]
pub enum TrainingSource<'a> {
    /// The same configurations in every epoch, shuffled.
    Fixed(&'a Configurations),
    /// New configurations for every batch, so that nothing can be learned by heart.
    Fresh {
        /// Configurations an epoch.
        rows: usize,
        /// Where they come from.
        draw: Draw<'a>,
    },
}

impl TrainingSource<'_> {
    /// Configurations an epoch.
    fn rows(&self) -> usize {
        match self {
            Self::Fixed(configurations) => configurations.rows(),
            Self::Fresh { rows, .. } => *rows,
        }
    }
}

/// The configurations of a training.
#[derive(Clone, Copy)]
pub struct TrainingData<'a> {
    /// What the parameters are fitted to.
    pub train: TrainingSource<'a>,
    /// Held-out configurations that choose the best epoch.
    pub validation: &'a Configurations,
}

/// Trains from scratch, or goes on from `resume`.
///
/// # Errors
///
/// [`VaeError::Diverged`] if the loss stops being a number,
/// [`VaeError::TooFewSamples`] without training or held-out configurations,
/// [`VaeError::SiteMismatch`] if data and network disagree,
/// [`VaeError::Cancelled`] if the listener breaks.
pub fn train(
    architecture: &Architecture,
    settings: &TrainingSettings,
    data: TrainingData<'_>,
    engine: &mut dyn GradientEngine,
    stream: &dyn Fn(&str) -> Generator,
    resume: Option<TrainingState>,
    listener: &mut dyn TrainingListener,
) -> Result<TrainingState, VaeError> {
    check(architecture, data)?;
    let batch = settings.batch.min(data.train.rows());
    let batches = data.train.rows() / batch;
    let schedule = Schedule {
        learning_rate: settings.learning_rate,
        final_fraction: settings.final_learning_rate_fraction,
        warmup_steps: (settings.kl_warmup_epochs * batches) as u64,
        total_steps: (settings.epochs * batches) as u64,
    };
    let mut state = resume.unwrap_or_else(|| start(architecture, data, stream));
    let mut epoch = Epoch {
        architecture,
        schedule,
        settings,
        batches,
        buffers: Buffers::new(architecture, batch),
        order: match data.train {
            TrainingSource::Fixed(train) => (0..train.rows()).collect(),
            TrainingSource::Fresh { .. } => Vec::new(),
        },
    };
    while state.epoch < settings.epochs && !stops_early(settings, &state) {
        epoch.run(data, engine, stream, &mut state, listener)?;
        listener.epoch_done(&state)?;
    }
    Ok(state)
}

fn check(architecture: &Architecture, data: TrainingData<'_>) -> Result<(), VaeError> {
    architecture.check(data.validation)?;
    if let TrainingSource::Fixed(train) = data.train {
        architecture.check(train)?;
    }
    let needed = 2;
    match data.train.rows().min(data.validation.rows()) {
        found if found < needed => Err(VaeError::TooFewSamples { found, needed }),
        _ => Ok(()),
    }
}

/// Starting parameters; the decoder's bias starts at the log-odds of spins up, as
/// the fixed or else the held-out configurations show them. Directors start
/// without a preferred direction.
fn start(
    architecture: &Architecture,
    data: TrainingData<'_>,
    stream: &dyn Fn(&str) -> Generator,
) -> TrainingState {
    let shown = match data.train {
        TrainingSource::Fixed(train) => train,
        TrainingSource::Fresh { .. } => data.validation,
    };
    let outputs = match architecture.unit {
        Unit::Spin => log_odds(shown),
        Unit::PlanarDirector | Unit::Director => vec![0.0; architecture.features()],
    };
    let parameters = architecture.initial_parameters(&outputs, &mut stream("parameters"));
    TrainingState {
        epoch: 0,
        best: parameters.clone(),
        best_epoch: 0,
        adam: Adam::new(parameters.len()),
        parameters,
        history: Vec::new(),
    }
}

/// Log-odds of each spin being up; Laplace's rule keeps those of silent units finite.
fn log_odds(configurations: &Configurations) -> Vec<f32> {
    let rows = configurations.rows();
    let mut sums = vec![0.0_f64; configurations.features()];
    let mut signs = vec![0.0; sums.len()];
    for row in 0..rows {
        head::write_features(configurations, row, &mut signs);
        for (sum, &sign) in sums.iter_mut().zip(&signs) {
            *sum += f64::from(sign);
        }
    }
    let odds = |sum: &f64| (rows as f64 + sum + 2.0) / (rows as f64 - sum + 2.0);
    sums.iter().map(|sum| odds(sum).ln() as f32).collect()
}

/// Whether the held-out ELBO has not improved for `patience` epochs since the
/// warm-up ended.
fn stops_early(settings: &TrainingSettings, state: &TrainingState) -> bool {
    let since = state
        .epoch
        .saturating_sub(state.best_epoch.max(settings.kl_warmup_epochs));
    settings.patience > 0 && since >= settings.patience
}

/// Room for one batch.
struct Buffers {
    features: Vec<f32>,
    noise: Noise,
    gradient: Vec<f32>,
}

/// Standard normal draws for the latents of a batch.
struct Noise {
    uniform: Vec<u32>,
    values: Vec<f32>,
    length: usize,
}

impl Noise {
    fn new(length: usize) -> Self {
        let even = length.next_multiple_of(2);
        Self {
            uniform: vec![0; even],
            values: vec![0.0; even],
            length,
        }
    }

    /// Draws all values anew.
    fn draw(&mut self, generator: &mut Generator) {
        for number in &mut self.uniform {
            *number = generator.next_u32();
        }
        let half = self.values.len() / 2;
        let (radius, angle) = self.uniform.split_at(half);
        let (first, second) = self.values.split_at_mut(half);
        kernel::normals(radius, angle, first, second);
    }

    fn values(&self) -> &[f32] {
        &self.values[..self.length]
    }
}

impl Buffers {
    fn new(architecture: &Architecture, batch: usize) -> Self {
        Self {
            features: vec![0.0; batch * architecture.features()],
            noise: Noise::new(batch * architecture.latent),
            gradient: vec![0.0; architecture.layout().length],
        }
    }
}

/// What stays the same from epoch to epoch.
struct Epoch<'a> {
    architecture: &'a Architecture,
    schedule: Schedule,
    settings: &'a TrainingSettings,
    batches: usize,
    buffers: Buffers,
    order: Vec<usize>,
}

impl Epoch<'_> {
    fn run(
        &mut self,
        data: TrainingData<'_>,
        engine: &mut dyn GradientEngine,
        stream: &dyn Fn(&str) -> Generator,
        state: &mut TrainingState,
        listener: &mut dyn TrainingListener,
    ) -> Result<(), VaeError> {
        let epoch = state.epoch + 1;
        let mut generator = stream(&format!("epoch {epoch}"));
        for (index, slot) in self.order.iter_mut().enumerate() {
            *slot = index;
        }
        shuffle(&mut self.order, &mut generator);
        let mut means = EpochRecord::default();
        for batch in 0..self.batches {
            let (terms, norm) = self.step(data.train, batch, engine, &mut generator, state)?;
            means.distortion += terms.distortion / self.batches as f64;
            means.rate += terms.rate / self.batches as f64;
            means.gradient_norm += norm / self.batches as f64;
            let fraction = state.adam.steps as f64 / self.schedule.total_steps as f64;
            if listener.batch_done(fraction).is_break() {
                return Err(VaeError::Cancelled);
            }
        }
        self.validate(data.validation, stream, means, state);
        Ok(())
    }

    /// Takes the batch's configurations from the epoch's order, or draws new ones.
    fn load(&mut self, train: TrainingSource<'_>, batch: usize, generator: &mut Generator) {
        let width = self.architecture.features();
        let features = &mut self.buffers.features;
        let rows = features.len() / width;
        match train {
            TrainingSource::Fixed(train) => {
                let chosen = &self.order[batch * rows..(batch + 1) * rows];
                head::write_rows(train, chosen, features);
            }
            TrainingSource::Fresh { draw, .. } => {
                let drawn = draw(rows, generator);
                for (row, features) in features.chunks_exact_mut(width).enumerate() {
                    head::write_features(&drawn, row, features);
                }
            }
        }
    }

    /// One batch: features, noise, gradient, Adam.
    fn step(
        &mut self,
        train: TrainingSource<'_>,
        batch: usize,
        engine: &mut dyn GradientEngine,
        generator: &mut Generator,
        state: &mut TrainingState,
    ) -> Result<(Terms, f64), VaeError> {
        self.load(train, batch, generator);
        let buffers = &mut self.buffers;
        let rows = buffers.features.len() / self.architecture.features();
        buffers.noise.draw(generator);
        let step = state.adam.steps;
        let terms = engine.gradient(
            &state.parameters,
            Batch {
                rows,
                features: &buffers.features,
                noise: buffers.noise.values(),
            },
            self.schedule.kl_weight(step) as f32,
            &mut buffers.gradient,
        );
        let norm = state.adam.step(
            &mut state.parameters,
            &buffers.gradient,
            self.schedule.learning_rate(step),
            self.settings.gradient_clip,
        );
        if terms.elbo().is_finite() && norm.is_finite() {
            return Ok((terms, norm));
        }
        Err(VaeError::Diverged {
            step: step + 1,
            epoch: state.epoch + 1,
            distortion: terms.distortion,
            rate: terms.rate,
            norm,
        })
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the epoch's means become its record"
    )]
    /// Judges the parameters on the held-out configurations, with the same noise
    /// in every epoch, and keeps the best.
    fn validate(
        &self,
        validation: &Configurations,
        stream: &dyn Fn(&str) -> Generator,
        means: EpochRecord,
        state: &mut TrainingState,
    ) {
        let vae = Vae::new(self.architecture.clone(), state.parameters.clone());
        let judged = vae.elbo(validation, &mut stream("validation"));
        let step = state.adam.steps.saturating_sub(1);
        let best = state.best_elbo();
        state.epoch += 1;
        let record = EpochRecord {
            epoch: state.epoch,
            validation_elbo: judged.mean_elbo(),
            validation_rate: judged.mean_rate(),
            validation_latent_rates: judged.latent_rates,
            learning_rate: self.schedule.learning_rate(step),
            kl_weight: self.schedule.kl_weight(step),
            ..means
        };
        if record.validation_elbo > best {
            state.best.copy_from_slice(&state.parameters);
            state.best_epoch = state.epoch;
        }
        state.history.push(record);
    }
}

/// Fisher-Yates, from the last place down.
pub(super) fn shuffle(order: &mut [usize], generator: &mut Generator) {
    for last in (1..order.len()).rev() {
        let other = (uniform(generator) * (last + 1) as f64) as usize;
        order.swap(last, other.min(last));
    }
}
