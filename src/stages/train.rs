//! `train`: fits the autoencoder to the training configurations.
//!
//! Writes `best.safetensors` (best held-out ELBO), `last.safetensors`, and
//! fragments of the tables `training` and `latent_rate`. Goes on from its last
//! checkpoint after a kill.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::model::Model;
use crate::configurations::Configurations;
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::manifest::{self, DecoderKind, Engine, Point, System, TrainingSection, VaeSection};
use crate::physics::IndependentSampler;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::random::Generator;
use crate::tables::{Table, schema};
use crate::vae::{
    self, Activation, Architecture, AutodiffEngine, Device, EpochRecord, FusedEngine,
    GradientEngine, Prior, TrainingData, TrainingListener, TrainingSettings, TrainingSource,
    TrainingState, Vae, VaeError,
};

pub(super) const NAME: &str = "train";
/// The same training with further latents, for comparison.
pub(super) const FURTHER_NAME: &str = "train_further";
/// Role under which the analyses read a trained network.
pub(super) const ROLE: &str = "vae";
const BEST: &str = "best.safetensors";
const LAST: &str = "last.safetensors";
const CHECKPOINT: &str = "state.safetensors";

/// Where the parameters stand in the manifest.
const MANIFEST_KEYS: &[ManifestKey] = &[
    ManifestKey::new("network", "vae"),
    ManifestKey::new("network.decoder_hidden", "vae.hidden"),
    ManifestKey::new("network.encoder_hidden", "vae.encoder_hidden").or("vae.hidden"),
    ManifestKey::new("training", "vae.training"),
    ManifestKey::new("validation_fraction", "vae.training.validation_fraction"),
    ManifestKey::new("fresh", "model"),
    ManifestKey::new("engine", "vae.training.engine and device"),
    ManifestKey::new("seed", "experiment.seed"),
];

/// The stage.
pub(super) struct Train;

/// The stage that trains once more, with the further latents of the verdict.
pub(super) struct TrainFurther;

/// Everything that decides a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    network: Network,
    training: TrainingSettings,
    validation_fraction: f64,
    /// The model from which every batch is drawn anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh: Option<Model>,
    /// Which code computes the gradient; their roundings differ.
    engine: EngineClass,
    seed: u64,
    replicate: u32,
}

/// The shape of the network but for unit and number of sites, which the data decide.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Network {
    latent: usize,
    encoder_hidden: Vec<usize>,
    decoder_hidden: Vec<usize>,
    fields: Option<usize>,
    activation: Activation,
    prior: Prior,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EngineClass {
    CpuFused,
    CpuAutodiff,
    Cuda,
    Wgpu,
    Libtorch,
}

/// What does not decide the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Places {
    checkpoint_epochs: usize,
}

impl Network {
    fn of(section: &VaeSection) -> Self {
        Self {
            latent: section.latent,
            encoder_hidden: section.encoder_hidden.clone(),
            decoder_hidden: match section.decoder {
                DecoderKind::Linear => Vec::new(),
                DecoderKind::Mlp | DecoderKind::Bottleneck => section.hidden.clone(),
            },
            fields: section.fields,
            activation: match section.activation {
                manifest::Activation::Tanh => Activation::Tanh,
                manifest::Activation::Relu => Activation::Relu,
                manifest::Activation::Softplus => Activation::Softplus,
            },
            prior: match section.mixture_components() {
                None => Prior::Normal,
                Some(components) => Prior::Mixture { components },
            },
        }
    }

    fn architecture(self, configurations: &Configurations) -> Architecture {
        Architecture {
            unit: configurations.unit(),
            sites: configurations.sites(),
            latent: self.latent,
            encoder_hidden: self.encoder_hidden,
            decoder_hidden: self.decoder_hidden,
            fields: self.fields,
            activation: self.activation,
            prior: self.prior,
        }
    }
}

impl EngineClass {
    /// The hand-derived gradient knows the CPU alone; burn serves all else.
    fn of(training: &TrainingSection) -> Self {
        match (training.device, training.engine) {
            (manifest::Device::Cpu, Engine::Auto) => Self::CpuFused,
            (manifest::Device::Cpu, Engine::Autodiff) => Self::CpuAutodiff,
            (manifest::Device::Cuda, _) => Self::Cuda,
            (manifest::Device::Wgpu, _) => Self::Wgpu,
            (manifest::Device::Libtorch, _) => Self::Libtorch,
        }
    }

    fn engine(
        self,
        architecture: &Architecture,
        batch: usize,
    ) -> Result<Box<dyn GradientEngine>, VaeError> {
        let device = match self {
            Self::CpuFused => return Ok(Box::new(FusedEngine::new(architecture, batch))),
            Self::CpuAutodiff => Device::Cpu,
            Self::Cuda => Device::Cuda,
            Self::Wgpu => Device::Wgpu,
            Self::Libtorch => Device::Libtorch,
        };
        Ok(Box::new(AutodiffEngine::new(architecture, device)?))
    }
}

impl StageDefinition for Train {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        Some(request(point, &point.vae))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["training", "latent_rate"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        MANIFEST_KEYS
    }
}

impl StageDefinition for TrainFurther {
    fn name(&self) -> &'static str {
        FURTHER_NAME
    }

    fn version(&self) -> u32 {
        Train.version()
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let verdict = point.analysis.verdict.as_ref()?;
        if super::model::probability_is_known(&point.system) {
            return None;
        }
        let mut section = point.vae.clone();
        section.latent += verdict.further_latents;
        Some(request(point, &section))
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        MANIFEST_KEYS
    }
}

/// What decides the training of a network of this shape.
fn request(point: &Point, section: &VaeSection) -> Request {
    let training = &section.training;
    let parameters = Parameters {
        network: Network::of(section),
        training: TrainingSettings {
            epochs: training.epochs,
            batch: training.batch,
            learning_rate: training.learning_rate,
            final_learning_rate_fraction: training.final_learning_rate_fraction,
            kl_warmup_epochs: training.kl_warmup_epochs,
            gradient_clip: training.gradient_clip,
            patience: training.patience,
        },
        validation_fraction: training.validation_fraction,
        fresh: match &point.system {
            System::Model { model, .. } if training.fresh_samples => Some(Model::of(model)),
            System::Model { .. } | System::Recording(_) => None,
        },
        engine: EngineClass::of(training),
        seed: point.seed,
        replicate: point.replicate,
    };
    let places = Places {
        checkpoint_epochs: training.checkpoint_epochs,
    };
    let request = Request::new(super::json(&parameters)).with_places(super::json(&places));
    data::needing_data(request, point)
}

impl Stage for Train {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        fit(task)
    }
}

impl Stage for TrainFurther {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        fit(task)
    }
}

/// Trains the network of a task.
fn fit(task: &TaskContext<'_>) -> Result<(), StageError> {
    let parameters: Parameters = task.parameters()?;
    let places: Places = task.places()?;
    let data = DataSet::read(task, data::TRAIN)?;
    let (train, validation) = data.hold_out(parameters.validation_fraction);
    let architecture = parameters.network.architecture(&train);
    let sampler = fresh_sampler(task, parameters.fresh.as_ref())?;
    let draw = sampler
        .as_ref()
        .map(|sampler| move |rows: usize, generator: &mut Generator| sampler.draw(rows, generator));
    let mut listener = Listener {
        task,
        architecture: &architecture,
        epochs: parameters.training.epochs,
        checkpoint_epochs: places.checkpoint_epochs,
        latest: String::new(),
        unsaved: None,
    };
    let batch = parameters.training.batch.min(train.rows());
    let mut engine = parameters.engine.engine(&architecture, batch)?;
    let state = vae::train(
        &architecture,
        &parameters.training,
        TrainingData {
            train: match &draw {
                None => TrainingSource::Fixed(&train),
                Some(draw) => TrainingSource::Fresh {
                    rows: train.rows(),
                    draw,
                },
            },
            validation: &validation,
        },
        engine.as_mut(),
        &|name| task.stream(name),
        resume(task, &architecture),
        &mut listener,
    )
    .map_err(cancelled)?;
    warn(task, &state);
    publish(task, &architecture, &state)
}

/// The sampler of independent configurations, if they are asked for.
fn fresh_sampler(
    task: &TaskContext<'_>,
    model: Option<&Model>,
) -> Result<Option<Box<dyn IndependentSampler>>, StageError> {
    let Some(model) = model else {
        return Ok(None);
    };
    let sampler = model.sampled(task)?.independent()?;
    let missing = "`vae.training.fresh_samples` asks for independent configurations, but this \
                   model has too many states for an independent sampler; leave it out, or use \
                   fewer patterns or sites";
    sampler.map_or_else(
        || Err(StageError::failed(missing)),
        |sampler| Ok(Some(sampler)),
    )
}

/// A cancelled training is no failure.
pub(super) fn cancelled(error: VaeError) -> StageError {
    match error {
        VaeError::Cancelled => StageError::Cancelled,
        other => other.into(),
    }
}

/// The state from which an interrupted training goes on, if there is one.
fn resume(task: &TaskContext<'_>, architecture: &Architecture) -> Option<TrainingState> {
    let bytes = task.checkpoint_read(CHECKPOINT)?;
    match vae::state_from_bytes(architecture, &bytes) {
        Ok(state) => Some(state),
        Err(error) => {
            task.note(format!("{error}; the training begins anew"));
            None
        }
    }
}

fn warn(task: &TaskContext<'_>, state: &TrainingState) {
    let Some(best) = state.best_epoch.checked_sub(1).map(|i| &state.history[i]) else {
        return;
    };
    // A latent below this rate carries nothing (a hundredth of a nat).
    let collapsed = best.validation_latent_rates.iter().filter(|&&r| r < 0.01);
    let collapsed = collapsed.count();
    if collapsed > 0 {
        let all = best.validation_latent_rates.len();
        task.warn(format!(
            "{collapsed} of {all} latents carry less than 0.01 nats"
        ));
    }
}

fn publish(
    task: &TaskContext<'_>,
    architecture: &Architecture,
    state: &TrainingState,
) -> Result<(), StageError> {
    task.write(BEST, &vae::model_to_bytes(architecture, &state.best)?)?;
    task.write(LAST, &vae::model_to_bytes(architecture, &state.parameters)?)?;
    let mut training = Table::new(&schema::TRAINING);
    let mut latents = Table::new(&schema::LATENT_RATE);
    for record in &state.history {
        training.push([
            record.epoch.into(),
            (-record.distortion - record.rate).into(),
            record.rate.into(),
            record.distortion.into(),
            record.validation_elbo.into(),
            record.validation_rate.into(),
            record.learning_rate.into(),
            record.kl_weight.into(),
            record.gradient_norm.into(),
            (record.epoch == state.best_epoch).into(),
        ])?;
        for (latent, &rate) in record.validation_latent_rates.iter().enumerate() {
            latents.push([record.epoch.into(), latent.into(), rate.into()])?;
        }
    }
    super::write_fragment(task, &training)?;
    super::write_fragment(task, &latents)
}

/// Reads the best network of the training that this task needs.
pub(super) fn read_best(task: &TaskContext<'_>) -> Result<Vae, StageError> {
    read_best_of(task, ROLE)
}

/// Reads the best network of the training under a role.
pub(super) fn read_best_of(task: &TaskContext<'_>, role: &str) -> Result<Vae, StageError> {
    let (architecture, parameters) = vae::model_from_bytes(&task.read(role, BEST)?)?;
    Ok(Vae::new(architecture, parameters))
}

/// Reports progress, asks for the end, and writes checkpoints.
struct Listener<'a> {
    task: &'a TaskContext<'a>,
    architecture: &'a Architecture,
    epochs: usize,
    checkpoint_epochs: usize,
    latest: String,
    /// The state after the last epoch, unless it is in a checkpoint.
    unsaved: Option<TrainingState>,
}

impl Listener<'_> {
    /// Writes a checkpoint. One that cannot be written is no reason to stop.
    fn save(&self, state: &TrainingState) -> Result<(), VaeError> {
        let bytes = vae::state_to_bytes(self.architecture, state)?;
        if let Err(error) = self.task.checkpoint_write(CHECKPOINT, &bytes) {
            self.task.note(format!("no checkpoint: {error}"));
        }
        Ok(())
    }
}

impl TrainingListener for Listener<'_> {
    fn batch_done(&mut self, fraction: f64) -> ControlFlow<()> {
        self.task.progress(Progress {
            fraction,
            message: self.latest.clone(),
        });
        if self.task.cancelled() {
            // What the last epochs have learnt is kept; a state that cannot be written is not.
            if let Some(state) = self.unsaved.take() {
                let _ = self.save(&state);
            }
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn epoch_done(&mut self, state: &TrainingState) -> Result<(), VaeError> {
        let elbo = state
            .history
            .last()
            .map(|r: &EpochRecord| r.validation_elbo);
        self.latest = format!(
            "epoch {}/{}, ELBO {:.3} nats",
            state.epoch,
            self.epochs,
            elbo.unwrap_or(f64::NAN)
        );
        self.unsaved = None;
        if state.epoch == self.epochs {
            return Ok(());
        }
        if state.epoch.is_multiple_of(self.checkpoint_epochs) {
            return self.save(state);
        }
        self.unsaved = Some(state.clone());
        Ok(())
    }
}
