//! What the network says of the natural parameters.

use rand_distr::{Distribution, StandardNormal};

use crate::configurations::Configurations;
use crate::engine::StageError;
use crate::inference::{self, couplings};
use crate::random::Generator;
use crate::vae::{Streams, Vae};

/// Configurations that are decoded at once.
const CHUNK: usize = 128;

/// Natural parameters after a configuration was seen.
pub(super) struct Reading {
    sites: usize,
    draws: usize,
    pub(super) width: usize,
    /// Means over the draws: `rows x features`.
    pub(super) natural: Vec<f32>,
    /// The same, averaged over the sites: `rows x width`.
    pub(super) averages: Vec<f64>,
    /// Averages over the sites draw by draw: `rows x draws x width`.
    by_draw: Vec<f64>,
    /// `Y/N` of each configuration: `rows x width`.
    pub(super) features: Vec<f64>,
    /// A block a configuration; configurations are independent.
    pub(super) blocks: Vec<u32>,
}

impl Reading {
    /// Decodes `draws` latents from the posterior of each configuration.
    pub(super) fn new(
        vae: &Vae,
        configurations: &Configurations,
        draws: usize,
        streams: Streams<'_>,
    ) -> Result<Self, StageError> {
        let (rows, sites) = (configurations.rows(), configurations.sites());
        let width = configurations.unit().width();
        let features = configurations.features();
        let codes = vae.encode(configurations);
        let mut natural = Vec::with_capacity(rows * features);
        let mut by_draw = Vec::with_capacity(rows * draws * width);
        for start in (0..rows).step_by(CHUNK) {
            let chunk = start..(start + CHUNK).min(rows);
            let mut generator = streams(&format!("posterior from {start}"));
            let z = codes.draw(chunk, draws, &mut generator);
            let decoded = vae.natural_parameters(&z);
            by_draw.extend(couplings::site_averages(&decoded, sites, width)?);
            for one in decoded.chunks_exact(draws * features) {
                let mean = |feature: usize| {
                    let values = one.iter().skip(feature).step_by(features);
                    values.sum::<f32>() / draws as f32
                };
                natural.extend((0..features).map(mean));
            }
        }
        Ok(Self {
            sites,
            draws,
            width,
            averages: couplings::site_averages(&natural, sites, width)?,
            natural,
            by_draw,
            features: couplings::mean_features(configurations),
            blocks: inference::independent_blocks(rows, rows as f64),
        })
    }

    pub(super) fn field_draws(&self) -> couplings::FieldDraws<'_> {
        couplings::FieldDraws {
            sites: self.sites,
            width: self.width,
            draws: self.draws,
            values: &self.by_draw,
            blocks: &self.blocks,
        }
    }
}

/// Independent draws of the mean field: `rows x width`.
pub(super) struct FieldDraws {
    pub(super) width: usize,
    values: Vec<f64>,
}

impl FieldDraws {
    /// Site averages of the natural parameters at latents drawn from the prior.
    pub(super) fn of_prior(
        vae: &Vae,
        count: usize,
        streams: Streams<'_>,
    ) -> Result<Self, StageError> {
        let architecture = vae.architecture();
        let width = architecture.unit.width();
        let mut values = Vec::with_capacity(count * width);
        for start in (0..count).step_by(CHUNK) {
            let mut generator = streams(&format!("prior from {start}"));
            let z = vae.draw_prior(CHUNK.min(count - start), &mut generator);
            let decoded = vae.natural_parameters(&z);
            values.extend(couplings::site_averages(
                &decoded,
                architecture.sites,
                width,
            )?);
        }
        Ok(Self { width, values })
    }

    /// `h | x ~ Normal(βY/N + external, β/N)` for each configuration of a model in
    /// equilibrium: its Hubbard-Stratonovich field.
    pub(super) fn of_theory(
        beta: f64,
        external: f64,
        configurations: &Configurations,
        generator: &mut Generator,
    ) -> Self {
        let deviation = (beta / configurations.sites() as f64).sqrt();
        let features = couplings::mean_features(configurations);
        let mut field = |mean: f64| {
            let noise: f64 = StandardNormal.sample(generator);
            beta * mean + external + deviation * noise
        };
        Self {
            width: configurations.unit().width(),
            values: features.into_iter().map(&mut field).collect(),
        }
    }

    /// One number a draw: the field itself for spins, its length for directors.
    pub(super) fn collective(&self) -> Vec<f64> {
        if self.width == 1 {
            return self.values.clone();
        }
        let draws = self.values.chunks_exact(self.width);
        let square = |draw: &[f64]| draw.iter().map(|x| x * x).sum::<f64>();
        draws.map(|draw| square(draw).sqrt()).collect()
    }
}
