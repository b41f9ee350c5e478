//! The loss of a batch and its gradient: what every engine computes.
//!
//! The loss is `mean over rows of (distortion + kl_weight * rate)`, in nats, with
//!
//! ```text
//! z          = mean(x) + exp(log_scale(x)) * noise
//! distortion = -ln p(x | z)
//! rate       = KL(q(z|x) || p(z))              normal prior, in closed form
//!            = ln q(z|x) - ln p(z)             mixture prior, at the drawn z
//! ```
//!
//! The noise comes with the batch, so that two engines see the same loss.

use super::architecture::{Architecture, Layout};
use super::head;
use super::kernel;
use super::network::{self, Deltas, Input, InputGradient, Intake, Outputs};
use super::prior::Mixture;
use crate::configurations::Unit;

/// One batch of configurations with the noise of its latents.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Number of configurations.
    pub rows: usize,
    /// Features of the units, ±1 for spins: `rows x features`, row-major.
    pub features: &'a [f32],
    /// Standard normal draws: `rows x latent`, row-major.
    pub noise: &'a [f32],
}

/// Terms of the ELBO, nats per configuration, averaged over a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Terms {
    /// `E[-ln p(x|z)]`.
    pub distortion: f64,
    /// `E[KL(q(z|x) || p(z))]`.
    pub rate: f64,
}

impl Terms {
    /// `-(distortion + rate)`.
    #[must_use]
    pub fn elbo(self) -> f64 {
        -(self.distortion + self.rate)
    }
}

/// Computes the loss of a batch and its gradient.
pub trait GradientEngine {
    /// Writes the gradient of the loss to all parameters into `gradient` and
    /// returns the terms of the ELBO.
    ///
    /// `parameters` and `gradient` are laid out by [`Architecture::layout`].
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: Batch<'_>,
        kl_weight: f32,
        gradient: &mut [f32],
    ) -> Terms;
}

/// The hand-derived gradient: one forward and one backward pass over buffers
/// that are made once. Runs on the calling thread.
#[derive(Debug)]
pub struct FusedEngine {
    unit: Unit,
    layout: Layout,
    latent: usize,
    intake: Intake,
    encoder: Outputs,
    decoder: Outputs,
    deltas: Deltas,
    /// Scales of the posteriors: `rows x latent`.
    scale: Vec<f32>,
    z: Vec<f32>,
    to_code: Vec<f32>,
    mixture: Option<Mixture>,
}

impl FusedEngine {
    /// Room for batches of up to `capacity` rows.
    #[must_use]
    pub fn new(architecture: &Architecture, capacity: usize) -> Self {
        let layout = architecture.layout();
        let latent = architecture.latent;
        Self {
            unit: architecture.unit,
            latent,
            intake: Intake::new(architecture.unit, capacity, architecture.features()),
            encoder: Outputs::new(&layout.encoder, capacity),
            decoder: Outputs::new(&layout.decoder, capacity),
            deltas: Deltas::new(&[&layout.encoder, &layout.decoder], capacity),
            scale: vec![0.0; capacity * latent],
            z: vec![0.0; capacity * latent],
            to_code: vec![0.0; capacity * 2 * latent],
            mixture: layout
                .mixture
                .as_ref()
                .map(|mixture| Mixture::new(mixture.components, latent)),
            layout,
        }
    }

    /// Encodes the batch and draws `z` from the code and the noise.
    fn encode(&mut self, parameters: &[f32], batch: Batch<'_>) {
        let (rows, d) = (batch.rows, self.latent);
        self.intake.load(rows, batch.features);
        network::forward(
            &self.layout.encoder,
            parameters,
            rows,
            self.intake.input(batch.features),
            &mut self.encoder,
        );
        let code = self.encoder.last(rows);
        let scale = &mut self.scale[..rows * d];
        for (scale, code) in scale.chunks_exact_mut(d).zip(code.chunks_exact(2 * d)) {
            scale.copy_from_slice(&code[d..]);
        }
        kernel::exp_in_place(scale);
        let draws = scale.chunks_exact(d).zip(batch.noise.chunks_exact(d));
        for ((z, code), (scale, noise)) in self
            .z
            .chunks_exact_mut(d)
            .zip(code.chunks_exact(2 * d))
            .zip(draws)
        {
            for j in 0..d {
                z[j] = code[j] + scale[j] * noise[j];
            }
        }
    }

    /// Decodes, and replaces the decoder's outputs by the derivative to them.
    fn distortion(&mut self, parameters: &[f32], batch: Batch<'_>) -> f64 {
        let rows = batch.rows;
        let z = Input::Values(&self.z[..rows * self.latent]);
        network::forward(&self.layout.decoder, parameters, rows, z, &mut self.decoder);
        let outputs = self.decoder.last(rows);
        let weight = 1.0 / rows as f32;
        head::cost_and_gradient(self.unit, outputs, batch.features, weight) / rows as f64
    }

    /// Adds the rate's derivatives: to `z` into `deltas`, to the code into `to_code`.
    fn rate(&mut self, batch: Batch<'_>, kl_weight: f32, gradient: &mut [f32]) -> f64 {
        let (rows, d) = (batch.rows, self.latent);
        let weight = kl_weight / rows as f32;
        let codes = self.encoder.last(rows).chunks_exact(2 * d);
        let to_codes = self.to_code.chunks_exact_mut(2 * d);
        let mut total = 0.0;
        if let (Some(mixture), Some(layout)) = (&mut self.mixture, &self.layout.mixture) {
            let noise = batch.noise.chunks_exact(d);
            for ((code, to_code), noise) in codes.zip(to_codes).zip(noise) {
                total += encoder_log_density(code, noise);
                to_code[..d].fill(0.0);
                to_code[d..].fill(-weight);
            }
            let to_z = self.deltas.current(rows * d);
            let z = &self.z[..rows * d];
            total -= mixture.density_and_gradient(layout, z, weight, to_z, gradient);
        } else {
            for ((code, to_code), scale) in codes.zip(to_codes).zip(self.scale.chunks_exact(d)) {
                total += normal_rate(code, scale, weight, to_code);
            }
        }
        total / rows as f64
    }

    /// Carries the derivative to `z` on to the code, and replaces the code by it.
    fn carry_to_code(&mut self, batch: Batch<'_>) {
        let (rows, d) = (batch.rows, self.latent);
        let code = self.encoder.last(rows);
        let to_z = self.deltas.current(rows * d);
        for row in 0..rows {
            let code = &mut code[row * 2 * d..(row + 1) * 2 * d];
            let to_code = &self.to_code[row * 2 * d..(row + 1) * 2 * d];
            for j in 0..d {
                let slope = to_z[row * d + j];
                let scale = self.scale[row * d + j];
                code[j] = to_code[j] + slope;
                code[d + j] = to_code[d + j] + slope * batch.noise[row * d + j] * scale;
            }
        }
    }
}

impl GradientEngine for FusedEngine {
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: Batch<'_>,
        kl_weight: f32,
        gradient: &mut [f32],
    ) -> Terms {
        if let (Some(mixture), Some(layout)) = (&mut self.mixture, &self.layout.mixture) {
            mixture.load(layout, parameters);
            gradient[layout.logits.start..layout.log_scales.end].fill(0.0);
        }
        self.encode(parameters, batch);
        let distortion = self.distortion(parameters, batch);
        network::backward(
            &self.layout.decoder,
            parameters,
            (
                batch.rows,
                Input::Values(&self.z[..batch.rows * self.latent]),
            ),
            &mut self.decoder,
            &mut self.deltas,
            gradient,
            InputGradient::Compute,
        );
        let rate = self.rate(batch, kl_weight, gradient);
        self.carry_to_code(batch);
        network::backward(
            &self.layout.encoder,
            parameters,
            (batch.rows, self.intake.input(batch.features)),
            &mut self.encoder,
            &mut self.deltas,
            gradient,
            InputGradient::Skip,
        );
        Terms { distortion, rate }
    }
}

/// `ln q(z|x)` at `z = mean + scale * noise`, nats; the code holds means, then
/// logarithms of the scales.
pub(super) fn encoder_log_density(code: &[f32], noise: &[f32]) -> f64 {
    let log_scales = &code[noise.len()..];
    super::prior::standard_normal_log_density(noise)
        - log_scales.iter().map(|&s| f64::from(s)).sum::<f64>()
}

/// `KL(N(mean, scale^2) || N(0, 1))` summed over the latents, nats; writes its
/// derivative times `weight` into `to_code`.
fn normal_rate(code: &[f32], scale: &[f32], weight: f32, to_code: &mut [f32]) -> f64 {
    let d = scale.len();
    let mut total = 0.0;
    for j in 0..d {
        let (mean, log_scale) = (code[j], code[d + j]);
        let variance = scale[j] * scale[j];
        total += f64::from(0.5 * (mean * mean + variance - 1.0) - log_scale);
        to_code[j] = weight * mean;
        to_code[d + j] = weight * (variance - 1.0);
    }
    total
}
