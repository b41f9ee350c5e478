//! The reference gradient: the same loss on burn's tape.
//!
//! Slower than [`FusedEngine`](super::FusedEngine), and independent of it: burn
//! differentiates the forward pass, nothing here is derived by hand.

use std::f64::consts::TAU;

use burn::tensor::{self, Tensor, TensorData, activation};

use super::architecture::{Activation, Architecture, Layer, Layout, MixtureLayout, Piece};
use super::device::Device;
use super::error::VaeError;
use super::gradient::{Batch, GradientEngine, Terms};
use crate::configurations::Unit;
use crate::directional::{GaussLegendre, bingham};

const LN_TWO_PI: f32 = 1.837_877_1;
/// Largest `|η|` of a director at which this engine is exact in single precision.
///
/// In space the exponent runs along a circle of latitude as
/// `a cos 2φ`, with `a` up to `sqrt(3) |η| / 2`, and [`ANGLES`] points alias order 32
/// of its series: `I_32(a) / I_0(a)`, about `exp(-32² / 2a)`, is 4e-7 at 40.
#[cfg(test)]
pub(super) const REFERENCE_RANGE: f32 = 40.0;
/// Angles of the rule by which a director is normalised: enough for `|η|` up to 40;
/// at 60 the normaliser is wrong by 5e-5 of itself.
const ANGLES: usize = 64;
/// Polar nodes of the same rule in space, over a half-sphere.
const POLAR: usize = 32;

/// Differentiates the loss with burn, on any of its devices.
#[derive(Debug)]
pub struct AutodiffEngine {
    head: Head,
    layout: Layout,
    latent: usize,
    device: tensor::Device,
}

impl AutodiffEngine {
    /// An engine for networks of this architecture; parameters, batches and
    /// gradients travel to the device and back with every call.
    ///
    /// # Errors
    ///
    /// [`VaeError::DeviceNotBuiltIn`] if the program was built without the device,
    /// [`VaeError::DeviceUnavailable`] if the device does not compute here.
    pub fn new(architecture: &Architecture, device: Device) -> Result<Self, VaeError> {
        Ok(Self {
            head: Head::new(architecture.unit),
            layout: architecture.layout(),
            latent: architecture.latent,
            device: device.open()?.autodiff(),
        })
    }

    fn tensor(&self, values: &[f32], shape: [usize; 2]) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), shape);
        Tensor::from_data(data, &self.device)
    }

    /// All pieces as leaves of the tape; vectors become one row.
    fn leaves(&self, parameters: &[f32]) -> Vec<Tensor<2>> {
        let shape = |piece: &Piece| match piece.shape[..] {
            [rows, columns] => [rows, columns],
            _ => [1, piece.range.len()],
        };
        self.layout
            .pieces
            .iter()
            .map(|piece| {
                self.tensor(&parameters[piece.range.clone()], shape(piece))
                    .require_grad()
            })
            .collect()
    }
}

impl GradientEngine for AutodiffEngine {
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: Batch<'_>,
        kl_weight: f32,
        gradient: &mut [f32],
    ) -> Terms {
        let (rows, d) = (batch.rows, self.latent);
        let width = batch.features.len() / rows;
        let leaves = self.leaves(parameters);
        let features = self.tensor(batch.features, [rows, width]);
        let noise = self.tensor(batch.noise, [rows, d]);

        let encoder = self.layout.encoder.len();
        let decoder = encoder + self.layout.decoder.len();
        let code = forward(
            &self.layout.encoder,
            &leaves[..2 * encoder],
            features.clone(),
        );
        let mean = code.clone().slice([0..rows, 0..d]);
        let log_scale = code.slice([0..rows, d..2 * d]);
        let z = mean.clone() + log_scale.clone().exp() * noise.clone();
        let outputs = forward(
            &self.layout.decoder,
            &leaves[2 * encoder..2 * decoder],
            z.clone(),
        );
        // Summed over units, averaged over configurations.
        let distortion = self.head.cost(outputs, features, &self.device) / rows as f32;
        let rate = match &self.layout.mixture {
            None => normal_rate(mean, log_scale),
            Some(mixture) => {
                let posterior = -(noise.powi_scalar(2) * 0.5 + log_scale).sum_dim(1)
                    - 0.5 * LN_TWO_PI * d as f32;
                posterior - mixture_log_density(mixture, &leaves[2 * decoder..], &z)
            }
        };
        let rate = rate.sum() / rows as f32;
        let mut tape = (distortion.clone() + rate.clone() * kl_weight).backward();
        for (piece, leaf) in self.layout.pieces.iter().zip(&leaves) {
            let target = &mut gradient[piece.range.clone()];
            match leaf.grad_remove(&mut tape) {
                Some(values) => copy_into(&values, target),
                None => target.fill(0.0),
            }
        }
        Terms {
            distortion: scalar(&distortion),
            rate: scalar(&rate),
        }
    }
}

/// How the decoder's outputs make a distribution of the units.
#[derive(Debug)]
enum Head {
    Spins,
    /// `c(η) = Σ_k w_k exp(η·y_k)` over a rule on the circle or the sphere.
    Directors {
        width: usize,
        /// Features of the nodes: `nodes x width`.
        nodes: Vec<f32>,
        /// `ln w_k`.
        log_weights: Vec<f32>,
    },
}

impl Head {
    fn new(unit: Unit) -> Self {
        let (nodes, weights) = match unit {
            Unit::Spin => return Self::Spins,
            Unit::PlanarDirector => circle(),
            Unit::Director => half_sphere(),
        };
        Self::Directors {
            width: unit.width(),
            nodes,
            log_weights: weights.iter().map(|weight| weight.ln() as f32).collect(),
        }
    }

    /// `-ln p(features | outputs)`, summed over batch and units.
    fn cost(&self, outputs: Tensor<2>, features: Tensor<2>, device: &tensor::Device) -> Tensor<1> {
        let Self::Directors {
            width,
            nodes,
            log_weights,
        } = self
        else {
            return softplus(-(features * outputs)).sum();
        };
        let [rows, columns] = outputs.dims();
        let count = log_weights.len();
        let nodes = TensorData::new(nodes.clone(), [count, *width]);
        let nodes = Tensor::<2>::from_data(nodes, device);
        let log_weights = TensorData::new(log_weights.clone(), [1, count]);
        let log_weights = Tensor::<2>::from_data(log_weights, device);
        let aligned = (outputs.clone() * features).sum();
        let units = outputs.reshape([rows * columns / width, *width]);
        let terms = units.matmul(nodes.transpose()) + log_weights;
        let largest = terms.clone().detach().max_dim(1);
        let log_sum = (terms - largest.clone()).exp().sum_dim(1).log() + largest;
        log_sum.sum() - aligned
    }
}

/// Equally spaced angles `2θ`: features and weights.
fn circle() -> (Vec<f32>, Vec<f64>) {
    let angles = (0..ANGLES).map(|k| TAU * k as f64 / ANGLES as f64);
    let nodes = angles.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]);
    (nodes.collect(), vec![1.0 / ANGLES as f64; ANGLES])
}

/// A product rule on the half-sphere `u_3 > 0`: features and weights.
fn half_sphere() -> (Vec<f32>, Vec<f64>) {
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    for (height, weight) in GaussLegendre::<POLAR>::computed().on(0.0, 1.0) {
        let radius = (1.0 - height * height).sqrt();
        for k in 0..ANGLES {
            let (sin, cos) = (TAU * k as f64 / ANGLES as f64).sin_cos();
            let feature = bingham::feature([radius * cos, radius * sin, height]);
            nodes.extend(feature.map(|y| y as f32));
            weights.push(weight / ANGLES as f64);
        }
    }
    (nodes, weights)
}

fn copy_into(values: &Tensor<2>, target: &mut [f32]) {
    for (target, value) in target.iter_mut().zip(values.to_data().iter::<f32>()) {
        *target = value;
    }
}

fn scalar(value: &Tensor<1>) -> f64 {
    value.to_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

/// `ln(1 + exp(x))` that neither overflows nor loses small values.
fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x.clone()) + (x.abs().neg().exp() + 1.0).log()
}

fn forward(layers: &[Layer], leaves: &[Tensor<2>], input: Tensor<2>) -> Tensor<2> {
    let mut values = input;
    for (layer, leaves) in layers.iter().zip(leaves.chunks_exact(2)) {
        values = values.matmul(leaves[0].clone()) + leaves[1].clone();
        values = match layer.activation {
            Activation::Tanh => values.tanh(),
            Activation::Relu => activation::relu(values),
            Activation::Softplus => softplus(values),
            Activation::Identity => values,
        };
    }
    values
}

/// `KL(q || N(0, 1))` of each row: `rows x 1`.
fn normal_rate(mean: Tensor<2>, log_scale: Tensor<2>) -> Tensor<2> {
    let variance = (log_scale.clone() * 2.0).exp();
    ((mean.powi_scalar(2) + variance - 1.0) * 0.5 - log_scale).sum_dim(1)
}

/// `ln p(z)` of each row under the mixture: `rows x 1`.
fn mixture_log_density(layout: &MixtureLayout, leaves: &[Tensor<2>], z: &Tensor<2>) -> Tensor<2> {
    let [rows, d] = z.dims();
    let log_weights = activation::log_softmax(leaves[0].clone(), 1);
    let terms: Vec<Tensor<2>> = (0..layout.components)
        .map(|k| {
            let mean = leaves[1].clone().slice([k..=k, 0..=d - 1]);
            let log_scale = leaves[2].clone().slice([k..=k, 0..=d - 1]);
            let scaled = (z.clone() - mean) * log_scale.clone().neg().exp();
            let log_weight = log_weights.clone().slice([0..1, k..k + 1]);
            let normaliser = log_scale.sum_dim(1) - log_weight + 0.5 * LN_TWO_PI * d as f32;
            scaled.powi_scalar(2).sum_dim(1) * -0.5 - normaliser
        })
        .collect();
    let terms = Tensor::cat(terms, 1);
    let largest = terms.clone().detach().max_dim(1);
    let sum = (terms - largest.clone()).exp().sum_dim(1);
    sum.log().reshape([rows, 1]) + largest
}
