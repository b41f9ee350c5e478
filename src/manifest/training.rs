//! `[vae.training]`: how the network is trained.

use schemars::JsonSchema;
use serde::Serialize;

use super::catalogue;
use super::section::{NumberRule, Section};

/// How the network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TrainingSection {
    /// Passes over the training samples.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: usize,
    /// Samples a step.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch: usize,
    /// Learning rate of Adam at the start.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub learning_rate: f64,
    /// Fraction of it that the cosine decay ends at.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub final_learning_rate_fraction: f64,
    /// Epochs over which the weight of the KL term rises to 1, fewer than `epochs`; by default 5,
    /// or `epochs` - 1 if that is less.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub kl_warmup_epochs: usize,
    /// Largest global norm of a gradient; longer ones are scaled down to it.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub gradient_clip: f64,
    /// Epochs after warm-up without a better held-out ELBO before training stops; 0 never stops.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub patience: usize,
    /// Fraction of the training samples held out for the ELBO.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.5))]
    pub validation_fraction: f64,
    /// Whether every batch is drawn anew from the model.
    pub fresh_samples: bool,
    /// Epochs between checkpoints.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub checkpoint_epochs: usize,
    /// What computes the gradients.
    pub engine: Engine,
    /// Where the network is trained.
    pub device: Device,
}

/// What computes the gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The program chooses.
    Auto,
    /// Automatic differentiation.
    Autodiff,
}

/// Where the network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// A GPU, through Vulkan, Metal or `DirectX`.
    Wgpu,
    /// The processor, with `LibTorch`.
    Libtorch,
}

impl Device {
    /// Whether the program was built with it.
    fn is_built_in(self) -> bool {
        match self {
            Self::Cpu => true,
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Libtorch => cfg!(feature = "libtorch"),
        }
    }
}

pub(super) const KEYS: &[&str] = &[
    "epochs",
    "batch",
    "learning_rate",
    "final_learning_rate_fraction",
    "kl_warmup_epochs",
    "gradient_clip",
    "patience",
    "validation_fraction",
    "fresh_samples",
    "checkpoint_epochs",
    "engine",
    "device",
];

// Defaults; the warm-up is shorter where there are not so many epochs.
const EPOCHS: usize = 30;
const BATCH: usize = 512;
const LEARNING_RATE: f64 = 2e-3;
const FINAL_LEARNING_RATE_FRACTION: f64 = 0.01;
const KL_WARMUP_EPOCHS: usize = 5;
const GRADIENT_CLIP: f64 = 10.0;
const PATIENCE: usize = 0;
const VALIDATION_FRACTION: f64 = 0.05;
const FRESH_SAMPLES: bool = false;
const CHECKPOINT_EPOCHS: usize = 1;
const ENGINE: Engine = Engine::Auto;

/// Devices that a manifest may name; all but the first have the name of the cargo
/// feature that builds them in.
const DEVICES: &[(&str, Device)] = &[
    ("cpu", Device::Cpu),
    ("cuda", Device::Cuda),
    ("wgpu", Device::Wgpu),
    ("libtorch", Device::Libtorch),
];

/// Reads `[vae.training]`.
pub(super) fn read(section: &Section<'_>) -> Option<TrainingSection> {
    section.allow_only(KEYS);
    let epochs = section.count("epochs", 1..=1_000_000).unwrap_or(EPOCHS);
    let batch = section.count("batch", 1..=1_000_000);
    let learning_rate = section.number("learning_rate", at_most(1.0));
    let final_fraction = section.number("final_learning_rate_fraction", at_most(1.0));
    let kl_warmup_epochs = kl_warmup_epochs(section, epochs);
    let gradient_clip = section.number("gradient_clip", NumberRule::POSITIVE);
    let patience = section.count("patience", 0..=1_000_000);
    let validation_fraction = section.number("validation_fraction", at_most(0.5));
    let fresh_samples = section.flag("fresh_samples");
    let checkpoint_epochs = section.count("checkpoint_epochs", 1..=1_000_000);
    let engines = &[("auto", Engine::Auto), ("autodiff", Engine::Autodiff)];
    let engine = section.word("engine", engines);
    Some(TrainingSection {
        epochs,
        batch: batch.unwrap_or(BATCH),
        learning_rate: learning_rate.unwrap_or(LEARNING_RATE),
        final_learning_rate_fraction: final_fraction.unwrap_or(FINAL_LEARNING_RATE_FRACTION),
        kl_warmup_epochs,
        gradient_clip: gradient_clip.unwrap_or(GRADIENT_CLIP),
        patience: patience.unwrap_or(PATIENCE),
        validation_fraction: validation_fraction.unwrap_or(VALIDATION_FRACTION),
        fresh_samples: fresh_samples.unwrap_or(FRESH_SAMPLES),
        checkpoint_epochs: checkpoint_epochs.unwrap_or(CHECKPOINT_EPOCHS),
        engine: engine.unwrap_or(ENGINE),
        device: device(section)?,
    })
}

fn at_most(bound: f64) -> NumberRule {
    NumberRule {
        above: 0.0,
        at_most: bound,
    }
}

fn kl_warmup_epochs(section: &Section<'_>, epochs: usize) -> usize {
    let given = section.count("kl_warmup_epochs", 0..=1_000_000);
    let Some(warmup) = given else {
        return KL_WARMUP_EPOCHS.min(epochs - 1);
    };
    if warmup >= epochs {
        let expected = format!("fewer than `epochs`, which is {epochs}");
        section.conflict("kl_warmup_epochs", &expected, None);
    }
    warmup
}

fn device(section: &Section<'_>) -> Option<Device> {
    let Some(entry) = section.find("device") else {
        return Some(Device::Cpu);
    };
    let device = section.word("device", DEVICES)?;
    if device.is_built_in() {
        return Some(device);
    }
    let built_in = DEVICES.iter().filter(|(_, device)| device.is_built_in());
    let built_in: Vec<&str> = built_in.map(|(name, _)| *name).collect();
    let expected = format!("a device that is built in: {}", catalogue::list(&built_in));
    let feature = DEVICES.iter().find(|(_, named)| *named == device)?.0;
    let help = format!("build it in: `cargo run --release --features {feature} -- run …`");
    let (node, key) = (&entry.node, section.key("device"));
    section.refuse("manifest::not_built_in", node, &key, expected, Some(help))
}
