//! A trained network: encoding, decoding, bounds, samples.
//!
//! Work is cut into chunks of rows; each chunk draws from a stream of its own
//! name and results are put together in the order of the chunks, so that the
//! number of threads decides nothing.

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::architecture::{Architecture, Layout};
use super::gradient::encoder_log_density;
use super::head::{self, features_of};
use super::network::{self, Input, Intake, Outputs};
use super::prior::{Mixture, PriorGaussian, standard_normal_log_density};
use crate::configurations::Configurations;
use crate::inference::log_mean_exp;
use crate::random::Generator;

/// Rows that are worked on at once.
const CHUNK: usize = 512;

/// Makes a random stream from a name.
pub type Streams<'a> = &'a (dyn Fn(&str) -> Generator + Sync);

/// Parameters of the encoder's posteriors, one row a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// Number of latents.
    pub latent: usize,
    /// Posterior means: `rows x latent`, row-major.
    pub means: Vec<f32>,
    /// Logarithms of the posterior standard deviations: `rows x latent`.
    pub log_scales: Vec<f32>,
}

impl Codes {
    /// Draws `draws` latents from the posterior of each configuration of `rows`:
    /// `rows x draws x latent`.
    ///
    /// # Panics
    ///
    /// Panics if `rows` ends beyond the last configuration.
    #[must_use]
    pub fn draw(
        &self,
        rows: std::ops::Range<usize>,
        draws: usize,
        generator: &mut Generator,
    ) -> Vec<f32> {
        let d = self.latent;
        let mut z = Vec::with_capacity(rows.len() * draws * d);
        for row in rows {
            let range = row * d..(row + 1) * d;
            let code = || {
                self.means[range.clone()]
                    .iter()
                    .zip(&self.log_scales[range.clone()])
            };
            for _ in 0..draws {
                z.extend(code().map(|(mean, log_scale)| {
                    let noise: f32 = StandardNormal.sample(generator);
                    mean + log_scale.exp() * noise
                }));
            }
        }
        z
    }
}

/// Terms of the ELBO, configuration by configuration, nats.
#[derive(Debug, Clone, PartialEq)]
pub struct ElboRows {
    /// `-ln p(x|z)` at one drawn `z`.
    pub distortion: Vec<f64>,
    /// `KL(q(z|x) || p(z))`: closed form, or at the drawn `z` for a mixture.
    pub rate: Vec<f64>,
    /// Mean rate of each latent against its own marginal prior: `latent`.
    pub latent_rates: Vec<f64>,
}

impl ElboRows {
    /// ELBO of each configuration.
    #[must_use]
    pub fn elbo(&self) -> Vec<f64> {
        let pairs = self.distortion.iter().zip(&self.rate);
        pairs.map(|(distortion, rate)| -distortion - rate).collect()
    }

    /// Mean ELBO, nats per configuration.
    #[must_use]
    pub fn mean_elbo(&self) -> f64 {
        -(mean(&self.distortion) + mean(&self.rate))
    }

    /// Mean rate, nats per configuration.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        mean(&self.rate)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// An architecture with its parameters.
#[derive(Debug, Clone)]
pub struct Vae {
    architecture: Architecture,
    layout: Layout,
    parameters: Vec<f32>,
}

impl Vae {
    /// Puts architecture and parameters together.
    ///
    /// # Panics
    ///
    /// Panics if the parameters do not have the architecture's length.
    #[must_use]
    pub fn new(architecture: Architecture, parameters: Vec<f32>) -> Self {
        let layout = architecture.layout();
        assert_eq!(parameters.len(), layout.length, "length of the parameters");
        Self {
            architecture,
            layout,
            parameters,
        }
    }

    /// The shape of the network.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The prior's mixture, if it is one.
    fn mixture(&self) -> Option<Mixture> {
        self.layout.mixture.as_ref().map(|layout| {
            let mut mixture = Mixture::new(layout.components, self.architecture.latent);
            mixture.load(layout, &self.parameters);
            mixture
        })
    }

    /// The Gaussians of the prior. Those of a mixture with less than 1e-4 of its
    /// weight are left out: nothing was fitted to them.
    pub(super) fn prior_gaussians(&self) -> Vec<PriorGaussian> {
        let d = self.architecture.latent;
        match self.mixture() {
            Some(mixture) => mixture.gaussians(1e-4),
            None => vec![PriorGaussian {
                mean: vec![0.0; d],
                scale: vec![1.0; d],
            }],
        }
    }

    /// Means and logarithms of the standard deviations of `q(z|x)`.
    ///
    /// # Panics
    ///
    /// Panics if the configurations have other units or another number of them.
    #[must_use]
    pub fn encode(&self, configurations: &Configurations) -> Codes {
        let d = self.architecture.latent;
        self.check_units(configurations);
        let chunks: Vec<(Vec<f32>, Vec<f32>)> = chunks(configurations.rows())
            .into_par_iter()
            .map(|rows| {
                let features = features_of(configurations, rows.clone());
                let (mut intake, mut outputs) = self.encoder_room(rows.len());
                self.encode_features(rows.len(), &features, &mut intake, &mut outputs);
                let codes = outputs.last(rows.len()).chunks_exact(2 * d);
                codes.map(|code| (&code[..d], &code[d..])).fold(
                    (Vec::new(), Vec::new()),
                    |(mut means, mut scales), (mean, scale)| {
                        means.extend_from_slice(mean);
                        scales.extend_from_slice(scale);
                        (means, scales)
                    },
                )
            })
            .collect();
        let (means, log_scales): (Vec<_>, Vec<_>) = chunks.into_iter().unzip();
        Codes {
            latent: d,
            means: means.concat(),
            log_scales: log_scales.concat(),
        }
    }

    /// Room for encoding `capacity` rows.
    fn encoder_room(&self, capacity: usize) -> (Intake, Outputs) {
        let Architecture { unit, .. } = self.architecture;
        (
            Intake::new(unit, capacity, self.architecture.features()),
            Outputs::new(&self.layout.encoder, capacity),
        )
    }

    /// Encodes on the calling thread into `outputs`.
    fn encode_features(
        &self,
        rows: usize,
        features: &[f32],
        intake: &mut Intake,
        outputs: &mut Outputs,
    ) {
        intake.load(rows, features);
        let input = intake.input(features);
        network::forward(&self.layout.encoder, &self.parameters, rows, input, outputs);
    }

    fn check_units(&self, configurations: &Configurations) {
        let found = (configurations.unit(), configurations.sites());
        let expected = (self.architecture.unit, self.architecture.sites);
        assert_eq!(found, expected, "units and sites of the network");
    }

    /// Natural parameters of the units for each `z` (`rows x latent`): `rows x
    /// features`.
    ///
    /// `p(y_i | z) ∝ exp(η_i(z)·y_i)`. For a spin this is the field on it, half its
    /// logit.
    #[must_use]
    pub fn natural_parameters(&self, z: &[f32]) -> Vec<f32> {
        let mut outputs = self.outputs(z);
        head::to_natural(self.architecture.unit, &mut outputs);
        outputs
    }

    /// Outputs of the decoder for each `z` (`rows x latent`): `rows x features`.
    pub(super) fn outputs(&self, z: &[f32]) -> Vec<f32> {
        let d = self.architecture.latent;
        let parts: Vec<Vec<f32>> = z
            .par_chunks(CHUNK * d)
            .map(|z| {
                let rows = z.len() / d;
                let mut outputs = Outputs::new(&self.layout.decoder, rows);
                self.decode(z, &mut outputs).to_vec()
            })
            .collect();
        parts.concat()
    }

    /// Decodes on the calling thread into `outputs`.
    pub(super) fn decode<'o>(&self, z: &[f32], outputs: &'o mut Outputs) -> &'o mut [f32] {
        let rows = z.len() / self.architecture.latent;
        let input = Input::Values(z);
        network::forward(&self.layout.decoder, &self.parameters, rows, input, outputs);
        outputs.last(rows)
    }

    /// Room for decoding `capacity` rows.
    pub(super) fn decoder_outputs(&self, capacity: usize) -> Outputs {
        Outputs::new(&self.layout.decoder, capacity)
    }

    /// `ln p(z)` of each `z` (`rows x latent`), nats.
    #[must_use]
    pub fn prior_log_density(&self, z: &[f32]) -> Vec<f64> {
        let points = z.chunks_exact(self.architecture.latent);
        let Some(mut mixture) = self.mixture() else {
            return points.map(standard_normal_log_density).collect();
        };
        let mut densities = vec![0.0; points.len()];
        mixture.log_densities(z, &mut densities);
        densities.into_iter().map(f64::from).collect()
    }

    /// Draws `count` latents from the prior: `count x latent`.
    #[must_use]
    pub fn draw_prior(&self, count: usize, generator: &mut Generator) -> Vec<f32> {
        let d = self.architecture.latent;
        let mixture = self.mixture();
        let mut z = vec![0.0; count * d];
        for z in z.chunks_exact_mut(d) {
            match &mixture {
                Some(mixture) => mixture.sample(generator, z),
                None => z.fill_with(|| StandardNormal.sample(generator)),
            }
        }
        z
    }

    /// Draws `count` configurations: latents from the prior, then every unit.
    ///
    /// # Panics
    ///
    /// Panics if `count` is zero.
    #[must_use]
    pub fn sample(&self, count: usize, streams: Streams<'_>) -> Configurations {
        let Architecture { unit, sites, .. } = self.architecture;
        let parts: Vec<Configurations> = chunks(count)
            .into_par_iter()
            .map(|rows| {
                let mut generator = streams(&format!("samples from {}", rows.start));
                let z = self.draw_prior(rows.len(), &mut generator);
                let mut outputs = self.decoder_outputs(rows.len());
                let outputs = self.decode(&z, &mut outputs);
                head::draw(unit, sites, outputs, &mut generator)
            })
            .collect();
        Configurations::concat(&parts)
    }

    /// Terms of the ELBO of each configuration, with one drawn `z` each.
    ///
    /// Runs on the calling thread: training judges itself with it.
    #[must_use]
    pub fn elbo(&self, configurations: &Configurations, generator: &mut Generator) -> ElboRows {
        let d = self.architecture.latent;
        let mut rows = ElboRows {
            distortion: Vec::with_capacity(configurations.rows()),
            rate: Vec::with_capacity(configurations.rows()),
            latent_rates: vec![0.0; d],
        };
        let mut mixture = self.mixture();
        let (mut intake, mut encoder) = self.encoder_room(CHUNK);
        let mut decoder = self.decoder_outputs(CHUNK);
        for chunk in chunks(configurations.rows()) {
            let features = features_of(configurations, chunk.clone());
            let count = chunk.len();
            self.encode_features(count, &features, &mut intake, &mut encoder);
            let mut z = vec![0.0; count * d];
            for (z, code) in z.chunks_exact_mut(d).zip(encoder.last(count).chunks(2 * d)) {
                rows.push_rate(code, z, generator, mixture.as_mut());
            }
            let (unit, width) = (self.architecture.unit, self.architecture.features());
            let outputs = self.decode(&z, &mut decoder).chunks_exact(width);
            let costs = outputs
                .zip(features.chunks_exact(width))
                .map(|(outputs, features)| f64::from(head::cost(unit, outputs, features)));
            rows.distortion.extend(costs);
        }
        for rate in &mut rows.latent_rates {
            *rate /= configurations.rows() as f64;
        }
        rows
    }

    /// Importance-weighted bound of each configuration, nats:
    /// `ln (1/K) sum_k p(x, z_k) / q(z_k|x)` with `K = draws` draws from `q`
    /// (Burda, Grosse and Salakhutdinov, arXiv:1509.00519, equation 8).
    #[must_use]
    pub fn importance_weighted(
        &self,
        configurations: &Configurations,
        draws: usize,
        streams: Streams<'_>,
    ) -> Vec<f64> {
        let codes = self.encode(configurations);
        let parts: Vec<Vec<f64>> = chunks(configurations.rows())
            .into_par_iter()
            .map(|rows| {
                let mut generator = streams(&format!("importance from {}", rows.start));
                self.importance_chunk(configurations, &codes, rows, draws, &mut generator)
            })
            .collect();
        parts.concat()
    }

    fn importance_chunk(
        &self,
        configurations: &Configurations,
        codes: &Codes,
        rows: std::ops::Range<usize>,
        draws: usize,
        generator: &mut Generator,
    ) -> Vec<f64> {
        let (unit, d) = (self.architecture.unit, self.architecture.latent);
        let width = self.architecture.features();
        let mut mixture = self.mixture();
        let mut outputs = self.decoder_outputs(draws);
        let (mut z, mut noise) = (vec![0.0_f32; draws * d], vec![0.0_f32; d]);
        let (mut weights, mut features) = (vec![0.0_f64; draws], vec![0.0; width]);
        let mut densities = vec![0.0_f32; draws];
        rows.map(|row| {
            let mean = &codes.means[row * d..(row + 1) * d];
            let log_scale = &codes.log_scales[row * d..(row + 1) * d];
            for (z, weight) in z.chunks_exact_mut(d).zip(&mut weights) {
                for j in 0..d {
                    noise[j] = StandardNormal.sample(generator);
                    z[j] = mean[j] + log_scale[j].exp() * noise[j];
                }
                let scales: f64 = log_scale.iter().map(|&s| f64::from(s)).sum();
                *weight = scales - standard_normal_log_density(&noise);
            }
            if let Some(mixture) = &mut mixture {
                mixture.log_densities(&z, &mut densities);
                for (weight, &density) in weights.iter_mut().zip(&densities) {
                    *weight += f64::from(density);
                }
            } else {
                for (weight, z) in weights.iter_mut().zip(z.chunks_exact(d)) {
                    *weight += standard_normal_log_density(z);
                }
            }
            head::write_features(configurations, row, &mut features);
            let outputs = self.decode(&z, &mut outputs).chunks_exact(width);
            for (weight, outputs) in weights.iter_mut().zip(outputs) {
                *weight -= f64::from(head::cost(unit, outputs, &features));
            }
            log_mean_exp(&weights)
        })
        .collect()
    }
}

impl ElboRows {
    /// Draws `z` from the code and adds its rate.
    fn push_rate(
        &mut self,
        code: &[f32],
        z: &mut [f32],
        generator: &mut Generator,
        mixture: Option<&mut Mixture>,
    ) {
        let d = z.len();
        let (means, log_scales) = code.split_at(d);
        let noise: Vec<f32> = (0..d).map(|_| StandardNormal.sample(generator)).collect();
        for j in 0..d {
            z[j] = means[j] + log_scales[j].exp() * noise[j];
        }
        let Some(mixture) = mixture else {
            let mut total = 0.0;
            for j in 0..d {
                let (mean, log_scale) = (f64::from(means[j]), f64::from(log_scales[j]));
                let rate = 0.5 * (mean * mean + (2.0 * log_scale).exp() - 1.0) - log_scale;
                self.latent_rates[j] += rate;
                total += rate;
            }
            self.rate.push(total);
            return;
        };
        self.rate
            .push(encoder_log_density(code, &noise) - mixture.log_density(z));
        for j in 0..d {
            let posterior = standard_normal_log_density(&noise[j..=j]) - f64::from(log_scales[j]);
            self.latent_rates[j] += posterior - mixture.marginal_log_density(j, z[j]);
        }
    }
}

/// Consecutive ranges of at most [`CHUNK`] rows.
fn chunks(rows: usize) -> Vec<std::ops::Range<usize>> {
    (0..rows)
        .step_by(CHUNK)
        .map(|start| start..(start + CHUNK).min(rows))
        .collect()
}
