//! The reference gradient: the same loss on burn's tape.
//!
//! Slower than [`FusedEngine`](super::FusedEngine), and independent of it: burn
//! differentiates the forward pass, nothing here is derived by hand.

use burn::tensor::{self, Tensor, TensorData, activation};

use super::architecture::{Activation, Architecture, Layer, Layout, MixtureLayout, Piece};
use super::device::Device;
use super::error::VaeError;
use super::gradient::{Batch, GradientEngine, Terms};

const LN_TWO_PI: f32 = 1.837_877_1;

/// Differentiates the loss with burn, on any of its devices.
#[derive(Debug)]
pub struct AutodiffEngine {
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
        let sites = batch.signs.len() / rows;
        let leaves = self.leaves(parameters);
        let signs = self.tensor(batch.signs, [rows, sites]);
        let noise = self.tensor(batch.noise, [rows, d]);

        let encoder = self.layout.encoder.len();
        let decoder = encoder + self.layout.decoder.len();
        let code = forward(&self.layout.encoder, &leaves[..2 * encoder], signs.clone());
        let mean = code.clone().slice([0..rows, 0..d]);
        let log_scale = code.slice([0..rows, d..2 * d]);
        let z = mean.clone() + log_scale.clone().exp() * noise.clone();
        let logits = forward(
            &self.layout.decoder,
            &leaves[2 * encoder..2 * decoder],
            z.clone(),
        );
        // Summed over units, averaged over configurations.
        let distortion = softplus(-(signs * logits)).sum() / rows as f32;
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
