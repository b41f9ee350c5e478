//! `[vae]`: the network.

use schemars::JsonSchema;
use serde::Serialize;

use super::section::Section;
use super::training::{self, TrainingSection};

/// A variational autoencoder and its training.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VaeSection {
    /// Number of latent variables.
    #[schemars(range(min = 1, max = 64))]
    pub latent: usize,
    /// Widths of the decoder's hidden layers, from the latents outwards.
    #[schemars(length(max = 32))]
    #[schemars(inner(range(min = 1, max = 4096)))]
    pub hidden: Vec<usize>,
    /// Widths of the encoder's hidden layers, from the sites inwards; `hidden` by default.
    #[schemars(length(max = 32))]
    #[schemars(inner(range(min = 1, max = 4096)))]
    pub encoder_hidden: Vec<usize>,
    /// Activation of all hidden layers.
    pub activation: Activation,
    /// Form of the decoder.
    pub decoder: DecoderKind,
    /// Width of the field layer, with `decoder = "bottleneck"` only; `latent` by default.
    #[schemars(range(min = 1, max = 4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<usize>,
    /// Distribution of the latents before data.
    pub prior: PriorKind,
    /// Components of the mixture prior, with `prior = "mixture"` only; the larger of 8 and
    /// 3 × `latent` by default.
    #[schemars(range(min = 2, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
    /// How the network is trained.
    pub training: TrainingSection,
}

/// Activation of a hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// Rectified linear unit.
    Relu,
    /// `ln(1 + exp(x))`.
    Softplus,
}

/// Form of the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecoderKind {
    /// Hidden layers, then one linear layer to the sites.
    Mlp,
    /// Hidden layers to a few fields, then one linear layer to the sites.
    Bottleneck,
    /// One linear layer from the latents to the sites.
    Linear,
}

/// Distribution of the latents before data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriorKind {
    /// Independent standard normals.
    Normal,
    /// A mixture of diagonal Gaussians, learned with the rest.
    Mixture,
}

pub(super) const KEYS: &[&str] = &[
    "latent",
    "hidden",
    "encoder_hidden",
    "activation",
    "decoder",
    "fields",
    "prior",
    "components",
    "training",
];

/// Most hidden layers of one network.
const MOST_LAYERS: usize = 32;

// Defaults; `encoder_hidden` is `hidden`, `fields` is `latent`.
const LATENT: usize = 2;
const HIDDEN: [usize; 2] = [64, 64];
const ACTIVATION: Activation = Activation::Tanh;
const DECODER: DecoderKind = DecoderKind::Mlp;
const PRIOR: PriorKind = PriorKind::Normal;

const ACTIVATIONS: &[(&str, Activation)] = &[
    ("tanh", Activation::Tanh),
    ("relu", Activation::Relu),
    ("softplus", Activation::Softplus),
];
const DECODERS: &[(&str, DecoderKind)] = &[
    ("mlp", DecoderKind::Mlp),
    ("bottleneck", DecoderKind::Bottleneck),
    ("linear", DecoderKind::Linear),
];
const PRIORS: &[(&str, PriorKind)] = &[
    ("normal", PriorKind::Normal),
    ("mixture", PriorKind::Mixture),
];

impl VaeSection {
    /// Components of the mixture prior: those given, else the larger of 8 and
    /// three a latent; `None` for the normal prior.
    #[must_use]
    pub fn mixture_components(&self) -> Option<usize> {
        match self.prior {
            PriorKind::Normal => None,
            PriorKind::Mixture => Some(self.components.unwrap_or((3 * self.latent).max(8))),
        }
    }
}

/// Reads `[vae]`.
pub(super) fn read(section: &Section<'_>) -> Option<VaeSection> {
    section.allow_only(KEYS);
    let latent = section.count("latent", 1..=64).unwrap_or(LATENT);
    let hidden = layers(section, "hidden").unwrap_or(HIDDEN.to_vec());
    let encoder_hidden = layers(section, "encoder_hidden");
    let activation = section.word("activation", ACTIVATIONS);
    let decoder = section.word("decoder", DECODERS).unwrap_or(DECODER);
    let prior = section.word("prior", PRIORS).unwrap_or(PRIOR);
    Some(VaeSection {
        latent,
        encoder_hidden: encoder_hidden.unwrap_or_else(|| hidden.clone()),
        hidden,
        activation: activation.unwrap_or(ACTIVATION),
        decoder,
        fields: fields(section, decoder, latent),
        prior,
        components: components(section, prior),
        training: training::read(&section.table_or_empty("training"))?,
    })
}

fn layers(section: &Section<'_>, key: &str) -> Option<Vec<usize>> {
    section.counts(key, &(0..=MOST_LAYERS), 1..=4096)
}

fn fields(section: &Section<'_>, decoder: DecoderKind, latent: usize) -> Option<usize> {
    let given = section.count("fields", 1..=4096);
    if decoder == DecoderKind::Bottleneck {
        return Some(given.unwrap_or(latent));
    }
    let expected = "no such key without `decoder = \"bottleneck\"`";
    section.conflict("fields", expected, None);
    None
}

fn components(section: &Section<'_>, prior: PriorKind) -> Option<usize> {
    let given = section.count("components", 2..=1024);
    if prior == PriorKind::Mixture {
        return given;
    }
    let expected = "no such key without `prior = \"mixture\"`";
    section.conflict("components", expected, None);
    None
}
