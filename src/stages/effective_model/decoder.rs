//! The decoder as sites in a field that takes a list of values.

use crate::engine::{StageError, TaskContext};
use crate::fields::GeneralisedHopfield;
use crate::inference::{self, Spectrum};
use crate::vae::Vae;

/// Nodes along the only latent, and along each of two; with more latents, draws from the
/// prior take the place of a lattice.
const NODES_OF_ONE: usize = 201;
const NODES_OF_TWO: usize = 41;
const PRIOR_NODES: usize = 1000;
/// Draws from the prior, for the spectrum and the reach of the lattice.
const DRAWS: usize = 4096;
/// Share of the draws beyond either end of the lattice, before it is widened.
const BEYOND: f64 = 0.001;
/// The lattice is wider than that by this part of its length, at either end.
const MARGIN: f64 = 0.05;
/// Nodes with less than this part of the weight are left out.
const LIGHTEST: f64 = 1e-7;

/// Half-logits of a decoder at values of its latents.
pub(super) struct Decoder {
    sites: usize,
    latent: usize,
    /// `nodes x sites`.
    half_logits: Vec<f64>,
    /// Prior weight of each node.
    weights: Vec<f64>,
    /// Of draws from the prior.
    pub(super) spectrum: Spectrum,
    /// Mean half-logits of those draws: `sites`.
    mean: Vec<f64>,
}

impl Decoder {
    pub(super) fn of(vae: &Vae, task: &TaskContext<'_>) -> Result<Self, StageError> {
        let (sites, latent) = (vae.architecture().sites, vae.architecture().latent);
        let draws = vae.draw_prior(DRAWS, &mut task.stream("prior"));
        let drawn = half_logits(vae, &draws);
        let spectrum = inference::spectrum(&drawn, sites)?;
        let mut mean = vec![0.0; sites];
        for row in drawn.chunks_exact(sites) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += value / DRAWS as f64;
            }
        }
        let (nodes, weights) = match latent {
            1 => lattice(vae, &draws, NODES_OF_ONE),
            2 => lattice(vae, &draws, NODES_OF_TWO),
            _ => {
                let nodes = vae.draw_prior(PRIOR_NODES, &mut task.stream("nodes"));
                (nodes, vec![1.0 / PRIOR_NODES as f64; PRIOR_NODES])
            }
        };
        Ok(Self {
            sites,
            latent,
            half_logits: half_logits(vae, &nodes),
            weights,
            spectrum,
            mean,
        })
    }

    /// Most collective variables that it can have.
    pub(super) fn rank_limit(&self) -> usize {
        let first = self.spectrum.singular_values.first().copied();
        let floor = inference::NEGLIGIBLE * first.unwrap_or(0.0);
        let values = self.spectrum.singular_values.iter();
        values.take_while(|value| **value > floor).count()
    }

    /// The model with the `rank` largest collective variables: half-logits are projected
    /// on the leading vectors of the spectrum.
    pub(super) fn truncated(&self, rank: usize) -> Result<GeneralisedHopfield, StageError> {
        let basis = self.spectrum.basis(rank)?;
        let vectors: Vec<&[f64]> = basis.vectors().collect();
        let mut nodes = Vec::with_capacity(self.weights.len() * rank);
        for row in self.half_logits.chunks_exact(self.sites) {
            for vector in &vectors {
                let centred = row.iter().zip(&self.mean).map(|(phi, mean)| phi - mean);
                nodes.push(centred.zip(*vector).map(|(x, v)| x * v).sum());
            }
        }
        let site = |site: usize| vectors.iter().map(move |vector| vector[site]);
        let patterns = (0..self.sites).flat_map(site).collect();
        let (biases, weights) = (self.mean.clone(), self.weights.clone());
        Ok(GeneralisedHopfield::new(
            biases, patterns, nodes, weights, rank,
        )?)
    }

    /// Dimension of the sheet on which the field of `rank` components moves.
    pub(super) fn dimension(&self, rank: usize) -> usize {
        self.latent.min(rank)
    }
}

/// Half-logits at each `z` (`rows x latent`): `rows x sites`.
pub(in crate::stages) fn half_logits(vae: &Vae, z: &[f32]) -> Vec<f64> {
    let natural = vae.natural_parameters(z);
    natural.into_iter().map(f64::from).collect()
}

/// A lattice over where the prior is, with the prior's weight at each node; the lightest
/// nodes are left out.
fn lattice(vae: &Vae, draws: &[f32], along: usize) -> (Vec<f32>, Vec<f64>) {
    let latent = vae.architecture().latent;
    let reaches: Vec<(f32, f32)> = (0..latent).map(|j| reach(draws, j, latent)).collect();
    let nodes = product(&reaches, along);
    let logs = vae.prior_log_density(&nodes);
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let densities: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
    let total: f64 = densities.iter().sum();
    let rows = nodes.chunks_exact(latent).zip(&densities);
    let kept = rows.filter(|(_, density)| **density > LIGHTEST * total);
    let (nodes, weights): (Vec<&[f32]>, Vec<f64>) = kept.map(|(z, d)| (z, d / total)).unzip();
    (nodes.concat(), weights)
}

/// The interval of latent `j` that the draws fill.
fn reach(draws: &[f32], j: usize, latent: usize) -> (f32, f32) {
    let mut values: Vec<f32> = draws.iter().skip(j).step_by(latent).copied().collect();
    values.sort_unstable_by(f32::total_cmp);
    let tail = (BEYOND * values.len() as f64) as usize;
    let (low, high) = (values[tail], values[values.len() - 1 - tail]);
    let margin = MARGIN as f32 * (high - low).max(f32::MIN_POSITIVE);
    (low - margin, high + margin)
}

/// All nodes of a product lattice, the last latent running fastest: `nodes x latent`.
pub(in crate::stages) fn product(reaches: &[(f32, f32)], along: usize) -> Vec<f32> {
    let latent = reaches.len();
    let count = along.pow(latent as u32);
    let mut nodes = Vec::with_capacity(count * latent);
    for index in 0..count {
        for (j, (low, high)) in reaches.iter().enumerate() {
            let place = index / along.pow((latent - 1 - j) as u32) % along;
            nodes.push(low + (high - low) * place as f32 / (along - 1) as f32);
        }
    }
    nodes
}
