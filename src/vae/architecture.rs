//! The shape of a network, and where each of its parameters lies.
//!
//! All parameters live in one flat vector of `f32`. A [`Layout`] names the
//! pieces and their shapes, so that every gradient engine, the optimiser and the
//! checkpoints mean the same thing by the same number.

use std::ops::Range;

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::error::VaeError;
use crate::configurations::{Configurations, Unit};
use crate::random::Generator;

/// Nonlinearity of the hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Hyperbolic tangent: bounded, the default.
    Tanh,
    /// `max(0, x)`.
    Relu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// No nonlinearity: output and field layers.
    Identity,
}

/// Distribution that the latents have before the data are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Prior {
    /// Independent standard normals.
    Normal,
    /// A mixture of diagonal Gaussians, learned with the rest.
    Mixture {
        /// Number of Gaussians.
        components: usize,
    },
}

/// What a network looks like; with a parameter vector it is a VAE.
///
/// Encoder: `features -> encoder_hidden -> 2 * latent` (means, then logarithms of
/// the standard deviations). Decoder: `latent -> decoder_hidden -> features`. The
/// features are those of the units, one number a spin, more for a director. The
/// decoder's outputs are logits for spins (half a logit is the field on a spin) and
/// the natural parameters themselves for directors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// What sits on the sites; decides the head of the decoder.
    pub unit: Unit,
    /// Number of units in a configuration.
    pub sites: usize,
    /// Number of latents.
    pub latent: usize,
    /// Widths of the encoder's hidden layers.
    pub encoder_hidden: Vec<usize>,
    /// Widths of the decoder's hidden layers; empty for a linear decoder.
    pub decoder_hidden: Vec<usize>,
    /// Width of a linear layer of fields before the sites, if there is one.
    pub fields: Option<usize>,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
    /// Distribution of the latents.
    pub prior: Prior,
}

/// One dense layer: `outputs = activation(inputs * weight + bias)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Width of what comes in.
    pub inputs: usize,
    /// Width of what goes out.
    pub outputs: usize,
    /// Where the weight lies: `inputs x outputs`, row-major.
    pub weight: Range<usize>,
    /// Where the bias lies: `outputs`.
    pub bias: Range<usize>,
    /// What is applied to the sums.
    pub activation: Activation,
}

/// Where the parameters of a mixture prior lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixtureLayout {
    /// Number of Gaussians.
    pub components: usize,
    /// Logits of the weights: `components`.
    pub logits: Range<usize>,
    /// Means: `components x latent`, row-major.
    pub means: Range<usize>,
    /// Logarithms of the standard deviations: `components x latent`, row-major.
    pub log_scales: Range<usize>,
}

/// A named piece of the parameter vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// For instance `decoder.0.weight`.
    pub name: String,
    /// One or two dimensions.
    pub shape: Vec<usize>,
    /// Where it lies.
    pub range: Range<usize>,
}

/// Where everything lies in the parameter vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Encoder layers, in the order of the forward pass.
    pub encoder: Vec<Layer>,
    /// Decoder layers, in the order of the forward pass.
    pub decoder: Vec<Layer>,
    /// The mixture prior, if there is one.
    pub mixture: Option<MixtureLayout>,
    /// All pieces by name, in order.
    pub pieces: Vec<Piece>,
    /// Length of the parameter vector.
    pub length: usize,
}

/// Collects pieces one after the other.
#[derive(Default)]
struct Allocator {
    pieces: Vec<Piece>,
    length: usize,
}

impl Allocator {
    fn take(&mut self, name: String, shape: Vec<usize>) -> Range<usize> {
        let range = self.length..self.length + shape.iter().product::<usize>();
        self.length = range.end;
        self.pieces.push(Piece {
            name,
            shape,
            range: range.clone(),
        });
        range
    }

    fn chain(&mut self, name: &str, widths: &[(usize, Activation)], inputs: usize) -> Vec<Layer> {
        let mut inputs = inputs;
        let mut layers = Vec::with_capacity(widths.len());
        for (index, &(outputs, activation)) in widths.iter().enumerate() {
            layers.push(Layer {
                inputs,
                outputs,
                weight: self.take(format!("{name}.{index}.weight"), vec![inputs, outputs]),
                bias: self.take(format!("{name}.{index}.bias"), vec![outputs]),
                activation,
            });
            inputs = outputs;
        }
        layers
    }
}

impl Architecture {
    /// Number of parameters of the distribution `p(x)`: decoder and prior.
    #[must_use]
    pub fn generative_parameters(&self) -> usize {
        let layout = self.layout();
        let encoder = layout.encoder.iter();
        let encoder: usize = encoder.map(|l| l.weight.len() + l.bias.len()).sum();
        layout.length - encoder
    }

    /// Numbers in the features of one configuration: sites times width.
    #[must_use]
    pub fn features(&self) -> usize {
        self.sites * self.unit.width()
    }

    /// Refuses configurations of other units or another number of them.
    ///
    /// # Errors
    ///
    /// [`VaeError::SiteMismatch`].
    pub(super) fn check(&self, configurations: &Configurations) -> Result<(), VaeError> {
        let (unit, sites) = (configurations.unit(), configurations.sites());
        if (unit, sites) == (self.unit, self.sites) {
            return Ok(());
        }
        Err(VaeError::SiteMismatch {
            found: sites,
            found_unit: unit.name(),
            expected: self.sites,
            expected_unit: self.unit.name(),
        })
    }

    /// Where each parameter lies.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let hidden = |widths: &[usize]| -> Vec<(usize, Activation)> {
            widths.iter().map(|&w| (w, self.activation)).collect()
        };
        let mut encoder = hidden(&self.encoder_hidden);
        encoder.push((2 * self.latent, Activation::Identity));
        let mut decoder = hidden(&self.decoder_hidden);
        decoder.extend(self.fields.map(|width| (width, Activation::Identity)));
        decoder.push((self.features(), Activation::Identity));

        let mut allocator = Allocator::default();
        let encoder = allocator.chain("encoder", &encoder, self.features());
        let decoder = allocator.chain("decoder", &decoder, self.latent);
        let mixture = match self.prior {
            Prior::Normal => None,
            Prior::Mixture { components } => Some(MixtureLayout {
                components,
                logits: allocator.take("prior.logits".into(), vec![components]),
                means: allocator.take("prior.means".into(), vec![components, self.latent]),
                log_scales: allocator
                    .take("prior.log_scales".into(), vec![components, self.latent]),
            }),
        };
        Layout {
            encoder,
            decoder,
            mixture,
            pieces: allocator.pieces,
            length: allocator.length,
        }
    }

    /// Draws starting parameters.
    ///
    /// Weights are normal with variance `1 / inputs`, biases zero, except that
    /// the last decoder bias holds `outputs` (the decoder's outputs to start from,
    /// one a feature), that the last encoder layer starts small, and that the
    /// encoder's standard deviations start at `exp(-1)`. The Gaussians of a
    /// mixture prior start with equal weights, unit widths and standard normal
    /// means.
    ///
    /// # Panics
    ///
    /// Panics if `outputs` are not one a feature.
    #[must_use]
    pub fn initial_parameters(&self, outputs: &[f32], generator: &mut Generator) -> Vec<f32> {
        assert_eq!(outputs.len(), self.features(), "one output a feature");
        let layout = self.layout();
        let mut parameters = vec![0.0_f32; layout.length];
        let mut normal = |range: &Range<usize>, scale: f64, parameters: &mut [f32]| {
            for value in &mut parameters[range.clone()] {
                let draw: f64 = StandardNormal.sample(generator);
                *value = (scale * draw) as f32;
            }
        };
        for layer in layout.encoder.iter().chain(&layout.decoder) {
            let scale = 1.0 / (layer.inputs as f64).sqrt();
            normal(&layer.weight, scale, &mut parameters);
        }
        if let Some(mixture) = &layout.mixture {
            normal(&mixture.means, 1.0, &mut parameters);
        }
        if let Some(last) = layout.encoder.last() {
            for value in &mut parameters[last.weight.clone()] {
                *value *= 0.5;
            }
            let log_scales = last.bias.start + self.latent..last.bias.end;
            parameters[log_scales].fill(-1.0);
        }
        if let Some(last) = layout.decoder.last() {
            parameters[last.bias.clone()].copy_from_slice(outputs);
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    fn example() -> Architecture {
        Architecture {
            unit: Unit::Spin,
            sites: 5,
            latent: 2,
            encoder_hidden: vec![4],
            decoder_hidden: vec![3, 4],
            fields: Some(2),
            activation: Activation::Tanh,
            prior: Prior::Mixture { components: 3 },
        }
    }

    #[test]
    fn pieces_tile_the_parameter_vector() {
        let layout = example().layout();
        let mut end = 0;
        for piece in &layout.pieces {
            assert_eq!(piece.range.start, end, "{}", piece.name);
            assert_eq!(piece.range.len(), piece.shape.iter().product::<usize>());
            end = piece.range.end;
        }
        assert_eq!(end, layout.length);
        let encoder = 5 * 4 + 4 + 4 * 4 + 4;
        let decoder = 2 * 3 + 3 + 3 * 4 + 4 + 4 * 2 + 2 + 2 * 5 + 5;
        assert_eq!(layout.length, encoder + decoder + 3 + 6 + 6);
    }

    #[test]
    fn the_last_bias_starts_at_the_given_outputs() {
        let outputs = [0.5, 0.1, 0.9, 0.25, 0.5];
        let parameters = example().initial_parameters(&outputs, &mut stream("1", &[]));
        let layout = example().layout();
        assert_eq!(
            parameters[layout.decoder.last().unwrap().bias.clone()],
            outputs
        );
    }

    #[test]
    fn a_director_has_five_features() {
        let directors = Architecture {
            unit: Unit::Director,
            ..example()
        };
        let layout = directors.layout();
        assert_eq!(layout.encoder[0].inputs, 25);
        assert_eq!(layout.decoder.last().unwrap().outputs, 25);
    }
}
