//! The distribution of the latents: standard normal, or a learned mixture.

use rand_distr::{Distribution, StandardNormal};

use super::architecture::MixtureLayout;
use super::kernel::{self, Gaussians, MixtureRoom};
use crate::random::{Generator, uniform};

const LN_TWO_PI: f64 = 1.837_877_066_409_345_3;

/// `ln N(z; 0, 1)` summed over the latents, nats.
#[must_use]
pub(super) fn standard_normal_log_density(z: &[f32]) -> f64 {
    let squares: f64 = z.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    -0.5 * (squares + LN_TWO_PI * z.len() as f64)
}

/// One Gaussian of a prior.
#[derive(Debug, Clone)]
pub(super) struct PriorGaussian {
    /// Mean of each latent.
    pub(super) mean: Vec<f32>,
    /// Standard deviation of each latent.
    pub(super) scale: Vec<f32>,
}

impl PriorGaussian {
    /// Whether `z` lies within `reach` standard deviations of the mean.
    pub(super) fn reaches(&self, z: &[f32], reach: f32) -> bool {
        let scaled = z.iter().zip(&self.mean).zip(&self.scale);
        let square: f32 = scaled.map(|((z, m), s)| ((z - m) / s).powi(2)).sum();
        square <= reach * reach
    }
}

/// A mixture of diagonal Gaussians, ready for evaluation.
///
/// `p(z) = sum_k w_k prod_j N(z_j; m_kj, s_kj^2)`, with `w` the softmax of the
/// logits and `s` the exponential of the logarithmic scales.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    latent: usize,
    /// `ln w_k - sum_j ln s_kj - (d / 2) ln 2 pi`: `components`.
    log_weight: Vec<f32>,
    /// `w_k`: `components`.
    weight: Vec<f32>,
    /// `m_kj`: `components x latent`.
    mean: Vec<f32>,
    /// `1 / s_kj`: `components x latent`.
    inverse_scale: Vec<f32>,
    room: MixtureRoom,
}

impl Mixture {
    /// Room for a mixture of `components` Gaussians over `latent` latents.
    #[must_use]
    pub(super) fn new(components: usize, latent: usize) -> Self {
        Self {
            latent,
            log_weight: vec![0.0; components],
            weight: vec![0.0; components],
            mean: vec![0.0; components * latent],
            inverse_scale: vec![0.0; components * latent],
            room: MixtureRoom::new(components, latent),
        }
    }

    /// Takes the mixture's parameters out of the parameter vector.
    pub(super) fn load(&mut self, layout: &MixtureLayout, parameters: &[f32]) {
        let logits = &parameters[layout.logits.clone()];
        let log_scales = &parameters[layout.log_scales.clone()];
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|l| (l - largest).exp()).sum();
        let normaliser = largest + total.ln();
        self.mean.copy_from_slice(&parameters[layout.means.clone()]);
        for (inverse, log_scale) in self.inverse_scale.iter_mut().zip(log_scales) {
            *inverse = (-log_scale).exp();
        }
        let constant = 0.5 * LN_TWO_PI as f32 * self.latent as f32;
        for (k, scales) in log_scales.chunks_exact(self.latent).enumerate() {
            let log_weight = logits[k] - normaliser;
            self.weight[k] = log_weight.exp();
            self.log_weight[k] = log_weight - scales.iter().sum::<f32>() - constant;
        }
    }

    /// What the kernel evaluates, and its room.
    fn parts(&mut self) -> (Gaussians<'_>, &mut MixtureRoom) {
        let gaussians = Gaussians {
            log_weight: &self.log_weight,
            mean: &self.mean,
            inverse_scale: &self.inverse_scale,
        };
        (gaussians, &mut self.room)
    }

    /// `ln p(z)`, nats.
    pub(super) fn log_density(&mut self, z: &[f32]) -> f64 {
        let mut density = [0.0];
        self.log_densities(z, &mut density);
        f64::from(density[0])
    }

    /// `ln p(z)` of each `z` (`points x latent`), nats.
    pub(super) fn log_densities(&mut self, z: &[f32], densities: &mut [f32]) {
        let (gaussians, room) = self.parts();
        kernel::mixture_log_density(gaussians, z, room, densities);
    }

    /// Sum of `ln p(z)` over the points `z` (`points x latent`), nats; adds `weight`
    /// times the derivatives of `-ln p(z)`, to `z` into `to_z` and to the mixture's
    /// parameters into `gradient`, at their places.
    pub(super) fn density_and_gradient(
        &mut self,
        layout: &MixtureLayout,
        z: &[f32],
        weight: f32,
        to_z: &mut [f32],
        gradient: &mut [f32],
    ) -> f64 {
        self.room.clear();
        let (gaussians, room) = self.parts();
        let total = kernel::mixture_density_and_gradient(gaussians, z, weight, to_z, room);
        let points = (z.len() / self.latent) as f32;
        let logits = gradient[layout.logits.clone()].iter_mut();
        for ((g, responsibility), w) in logits.zip(self.room.weights()).zip(&self.weight) {
            *g -= weight * (responsibility - points * w);
        }
        let moments = self.room.moments().zip(&self.inverse_scale).enumerate();
        for (at, ((first, second), inverse)) in moments {
            gradient[layout.means.start + at] -= weight * first * inverse;
            gradient[layout.log_scales.start + at] -= weight * second;
        }
        total
    }

    /// The Gaussians that carry at least `weight` of the mixture.
    pub(super) fn gaussians(&self, weight: f32) -> Vec<PriorGaussian> {
        let d = self.latent;
        let heavy = (0..self.weight.len()).filter(|&k| self.weight[k] >= weight);
        heavy
            .map(|k| PriorGaussian {
                mean: self.mean[k * d..(k + 1) * d].to_vec(),
                scale: self.inverse_scale[k * d..(k + 1) * d]
                    .iter()
                    .map(|inverse| 1.0 / inverse)
                    .collect(),
            })
            .collect()
    }

    /// Draws one `z`.
    pub(super) fn sample(&self, generator: &mut Generator, z: &mut [f32]) {
        let target = uniform(generator) as f32;
        let mut cumulative = 0.0;
        let last = self.weight.len() - 1;
        let component = self.weight[..last]
            .iter()
            .position(|w| {
                cumulative += w;
                target < cumulative
            })
            .unwrap_or(last);
        let at = component * self.latent;
        for (j, z) in z.iter_mut().enumerate() {
            let draw: f32 = StandardNormal.sample(generator);
            *z = self.mean[at + j] + draw / self.inverse_scale[at + j];
        }
    }

    /// `ln p_j(z_j)` of the marginal of latent `j`, nats.
    #[must_use]
    pub(super) fn marginal_log_density(&self, j: usize, z: f32) -> f64 {
        let density: f64 = (0..self.weight.len())
            .map(|k| {
                let at = k * self.latent + j;
                let inverse = f64::from(self.inverse_scale[at]);
                let u = (f64::from(z) - f64::from(self.mean[at])) * inverse;
                f64::from(self.weight[k]) * inverse * (-0.5 * u * u).exp()
            })
            .sum();
        density.max(f64::MIN_POSITIVE).ln() - 0.5 * LN_TWO_PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> MixtureLayout {
        MixtureLayout {
            components: 2,
            logits: 0..2,
            means: 2..4,
            log_scales: 4..6,
        }
    }

    fn loaded(parameters: &[f32]) -> Mixture {
        let mut mixture = Mixture::new(2, 1);
        mixture.load(&layout(), parameters);
        mixture
    }

    #[test]
    fn the_density_is_the_formula_and_integrates_to_one() {
        let parameters = [0.3, -0.4, -1.0, 1.5, -0.5, 0.2];
        let mut mixture = loaded(&parameters);
        let w = 1.0 / (1.0 + f64::from(parameters[1] - parameters[0]).exp());
        let normal = |z: f64, m: f64, ln_s: f64| {
            let u = (z - m) / ln_s.exp();
            (-0.5 * u * u - ln_s).exp() / (2.0 * std::f64::consts::PI).sqrt()
        };
        let exact = |z: f64| w * normal(z, -1.0, -0.5) + (1.0 - w) * normal(z, 1.5, 0.2);
        let step = 0.01;
        let mut total = 0.0;
        for i in -1000..=1000 {
            let z = f64::from(i) * step;
            let density = mixture.log_density(&[z as f32]).exp();
            assert!((density - exact(z)).abs() < 1e-5, "z = {z}");
            total += density * step;
        }
        assert!((total - 1.0).abs() < 1e-4);
        let marginal = mixture.marginal_log_density(0, 0.4);
        assert!((marginal - exact(0.4).ln()).abs() < 1e-5);
    }

    #[test]
    fn the_gradient_is_the_derivative_of_the_log_density() {
        let parameters = [0.3_f32, -0.4, -1.0, 1.5, -0.5, 0.2];
        let z = 0.3_f32;
        let mut mixture = loaded(&parameters);
        let mut gradient = vec![0.0; 6];
        let mut to_z = [0.0];
        let density = mixture.density_and_gradient(&layout(), &[z], 1.0, &mut to_z, &mut gradient);
        assert!((density - mixture.log_density(&[z])).abs() < 1e-6);
        let h = 1e-2_f32;
        for i in 0..6 {
            let shifted = |by: f32| {
                let mut moved = parameters;
                moved[i] += by;
                loaded(&moved).log_density(&[z])
            };
            let difference = -(shifted(h) - shifted(-h)) / (2.0 * f64::from(h));
            assert!(
                (difference - f64::from(gradient[i])).abs() < 1e-3,
                "parameter {i}"
            );
        }
        let along = (loaded(&parameters).log_density(&[z + h])
            - loaded(&parameters).log_density(&[z - h]))
            / (2.0 * f64::from(h));
        assert!((along + f64::from(to_z[0])).abs() < 1e-3);
    }

    #[test]
    fn a_batch_adds_up_to_its_points() {
        // Three components of two latents; every remainder of a block.
        let layout = MixtureLayout {
            components: 3,
            logits: 1..4,
            means: 4..10,
            log_scales: 10..16,
        };
        let parameters: Vec<f32> = (0..16).map(|i| (i as f32 * 1.7).sin()).collect();
        let mut mixture = Mixture::new(3, 2);
        mixture.load(&layout, &parameters);
        for points in 1..=40 {
            let z: Vec<f32> = (0..2 * points)
                .map(|i| (i as f32 * 0.9).cos() * 2.0)
                .collect();
            let (mut gradient, mut sums) = (vec![0.5; 16], vec![0.5; 16]);
            let (mut to_z, mut single) = (vec![1.0; 2 * points], vec![1.0; 2 * points]);
            let total = mixture.density_and_gradient(&layout, &z, 0.3, &mut to_z, &mut gradient);
            let mut densities = vec![0.0; points];
            mixture.log_densities(&z, &mut densities);
            let mut expected = 0.0;
            for (point, single) in z.chunks_exact(2).zip(single.chunks_exact_mut(2)) {
                expected += mixture.density_and_gradient(&layout, point, 0.3, single, &mut sums);
            }
            assert!((total - expected).abs() < 1e-9 * points as f64);
            let again: f64 = densities.iter().map(|&d| f64::from(d)).sum();
            assert!((total - again).abs() < 1e-9 * points as f64);
            assert_eq!(to_z, single);
            for (g, sum) in gradient.iter().zip(&sums) {
                // Sums of up to 40 terms of order one, in another order.
                assert!((g - sum).abs() < 40.0 * 40.0 * f32::EPSILON, "{g}, {sum}");
            }
        }
    }

    #[test]
    fn a_parameter_that_is_no_number_is_seen_in_the_density() {
        for parameter in 0..6 {
            let mut parameters = [0.3, -0.4, -1.0, 1.5, -0.5, 0.2];
            parameters[parameter] = f32::NAN;
            assert!(loaded(&parameters).log_density(&[0.3]).is_nan());
        }
    }

    #[test]
    fn draws_have_the_mean_of_the_mixture() {
        let mixture = loaded(&[0.3, -0.4, -1.0, 1.5, -0.5, 0.2]);
        let mut generator = crate::random::stream("5", &[]);
        let n = 50_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let mut z = [0.0];
            mixture.sample(&mut generator, &mut z);
            sum += f64::from(z[0]);
            squares += f64::from(z[0]).powi(2);
        }
        let mean = sum / f64::from(n);
        let w = 1.0 / (1.0 + (-0.7_f64).exp());
        let exact = -w + 1.5 * (1.0 - w);
        let standard_error = ((squares / f64::from(n) - mean * mean) / f64::from(n)).sqrt();
        assert!((mean - exact).abs() < 4.0 * standard_error);
    }
}
