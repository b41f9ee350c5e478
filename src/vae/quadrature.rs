//! The marginal likelihood of a network with up to three latents, on a grid.
//!
//! `p(x) = integral p(z) p(x|z) dz` by the trapezoidal rule. The grid covers
//! every encoded configuration out to six posterior standard deviations, and
//! every Gaussian of the prior out to five of its own, with a spacing of one
//! small posterior standard deviation `s`; for a Gaussian of that width the
//! rule's relative error is `2 exp(-2 pi^2 s^2 / h^2)`, 5e-9 at `h = s`. What
//! lies outside the grid is left out and can only lower the result. The error of
//! the spacing is measured on the model at hand, by a second grid that is shifted
//! by half a cell.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::error::VaeError;
use super::head::{self, features_of};
use super::kernel::{self, Operand, Target};
use super::model::{Codes, Vae};
use super::prior::PriorGaussian;
use crate::configurations::Configurations;

/// Most latents that a grid takes.
pub const LARGEST_LATENT: usize = 3;
/// Most nodes of the full rectangle; beyond it the spacing grows.
const NODE_LIMIT: f64 = 2_000_000.0;
/// Standard deviations of the prior's Gaussians that the grid covers: less than
/// 2e-5 of a Gaussian in three dimensions lies beyond.
const PRIOR_REACH: f32 = 5.0;
/// Standard deviations around an encoded mean that the grid covers.
const REACH: f32 = 6.0;
/// Spacing in units of the posterior standard deviation at [`WIDTH_QUANTILE`].
const SPACING: f32 = 1.0;
/// Quantile of the posterior standard deviations that sets the spacing.
const WIDTH_QUANTILE: f64 = 0.01;
/// Nodes, and rows, that are worked on at once.
const NODE_TILE: usize = 1024;
const ROW_TILE: usize = 256;
/// Configurations on which the shifted grid is tried.
const TRIAL_ROWS: usize = 256;

/// Log-likelihoods from a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadrature {
    /// `ln p(x)` of each configuration, nats.
    pub log_likelihood: Vec<f64>,
    /// Nodes of the grid that were used.
    pub nodes: usize,
    /// Mean absolute difference to the shifted grid, nats per configuration.
    pub discretisation_error: f64,
}

/// `ln p(x)` of each configuration.
///
/// `proceed` is called between tiles with the fraction done; a break ends the
/// work.
///
/// # Errors
///
/// [`VaeError::TooManyLatents`] above [`LARGEST_LATENT`],
/// [`VaeError::SiteMismatch`] if data and network disagree,
/// [`VaeError::Cancelled`] if `proceed` breaks.
pub fn log_likelihood(
    vae: &Vae,
    configurations: &Configurations,
    proceed: &(dyn Fn(f64) -> ControlFlow<()> + Sync),
) -> Result<Quadrature, VaeError> {
    let architecture = vae.architecture();
    if architecture.latent > LARGEST_LATENT {
        return Err(VaeError::TooManyLatents {
            latent: architecture.latent,
            largest: LARGEST_LATENT,
        });
    }
    architecture.check(configurations)?;
    let codes = vae.encode(configurations);
    let grid = Grid::around(&codes, vae.prior_gaussians());
    let (values, nodes) = grid.integrate(vae, configurations, &codes, 0.0, proceed)?;
    let trial = configurations.first_rows(TRIAL_ROWS);
    let (shifted, _) = grid.integrate(vae, &trial, &codes, 0.5, &|_| proceed(1.0))?;
    let differences = shifted.iter().zip(&values).map(|(a, b)| (a - b).abs());
    Ok(Quadrature {
        nodes,
        discretisation_error: differences.sum::<f64>() / shifted.len().max(1) as f64,
        log_likelihood: values,
    })
}

/// A rectangular grid in latent space.
struct Grid {
    start: Vec<f32>,
    spacing: Vec<f32>,
    count: Vec<usize>,
    prior: Vec<PriorGaussian>,
}

impl Grid {
    /// The grid that covers the codes and the prior.
    fn around(codes: &Codes, prior: Vec<PriorGaussian>) -> Self {
        let d = codes.latent;
        let column = |values: &[f32], j: usize| -> Vec<f32> {
            values.iter().skip(j).step_by(d).copied().collect()
        };
        let (mut start, mut spacing, mut extent) = (Vec::new(), Vec::new(), Vec::new());
        for j in 0..d {
            let means = column(&codes.means, j);
            let mut widths = column(&codes.log_scales, j);
            for width in &mut widths {
                *width = width.exp();
            }
            let reach = means.iter().zip(&widths);
            let low = reach.clone().map(|(m, w)| m - REACH * w);
            let high = reach.map(|(m, w)| m + REACH * w);
            let ends = |sign: f32| {
                prior
                    .iter()
                    .map(move |g| g.mean[j] + sign * PRIOR_REACH * g.scale[j])
            };
            let low = low.chain(ends(-1.0)).fold(f32::INFINITY, f32::min);
            let high = high.chain(ends(1.0)).fold(f32::NEG_INFINITY, f32::max);
            widths.sort_unstable_by(f32::total_cmp);
            let quantile = (WIDTH_QUANTILE * widths.len() as f64) as usize;
            start.push(low);
            extent.push((high - low).max(f32::MIN_POSITIVE));
            spacing.push(SPACING * widths.get(quantile).copied().unwrap_or(1.0));
        }
        let wanted: f64 = extent
            .iter()
            .zip(&spacing)
            .map(|(e, s)| f64::from(e / s) + 1.0)
            .product();
        if wanted > NODE_LIMIT {
            let factor = (wanted / NODE_LIMIT).powf(1.0 / d as f64) as f32;
            for spacing in &mut spacing {
                *spacing *= factor;
            }
        }
        let count = extent
            .iter()
            .zip(&spacing)
            .map(|(e, s)| (e / s).ceil() as usize + 1)
            .collect();
        Self {
            start,
            spacing,
            count,
            prior,
        }
    }

    /// Latents of a node, shifted by a fraction of a cell.
    fn place(&self, index: usize, shift: f32, z: &mut [f32]) {
        let mut rest = index;
        for j in (0..z.len()).rev() {
            let place = (rest % self.count[j]) as f32 + shift;
            z[j] = self.start[j] + place * self.spacing[j];
            rest /= self.count[j];
        }
    }

    /// Index range along latent `j` that reaches `REACH` widths around a mean.
    fn reach(&self, j: usize, mean: f32, log_scale: f32) -> std::ops::RangeInclusive<usize> {
        let width = REACH * log_scale.exp();
        let place = |z: f32| (z - self.start[j]) / self.spacing[j];
        let last = self.count[j] - 1;
        let low = place(mean - width).floor().max(0.0) as usize;
        let high = place(mean + width).ceil().max(0.0) as usize;
        low.min(last)..=high.min(last)
    }

    /// How many codes reach each node. Every code adds and subtracts one at the
    /// corners of its box; sums along each latent then fill the boxes, however
    /// large they are.
    fn covered(&self, codes: &Codes) -> Vec<i32> {
        let d = codes.latent;
        let mut counts = vec![0_i32; self.count.iter().product()];
        let rows = codes.means.chunks_exact(d);
        for (mean, log_scale) in rows.zip(codes.log_scales.chunks_exact(d)) {
            let ranges: Vec<_> = (0..d)
                .map(|j| self.reach(j, mean[j], log_scale[j]))
                .collect();
            for corner in 0..1_usize << d {
                let (mut index, mut sign, mut inside) = (0, 1, true);
                for (j, range) in ranges.iter().enumerate() {
                    let beyond = corner >> j & 1 == 1;
                    let place = if beyond {
                        range.end() + 1
                    } else {
                        *range.start()
                    };
                    // A corner beyond the grid has nothing to end.
                    inside &= place < self.count[j];
                    index = index * self.count[j] + place;
                    sign = if beyond { -sign } else { sign };
                }
                if inside {
                    counts[index] += sign;
                }
            }
        }
        let mut stride = 1;
        for &count in self.count.iter().rev() {
            for index in 0..counts.len() {
                if index / stride % count > 0 {
                    counts[index] += counts[index - stride];
                }
            }
            stride *= count;
        }
        counts
    }

    /// The nodes within reach of any code or of the prior, shifted by a fraction
    /// of a cell: `nodes x latent`.
    fn nodes(&self, codes: &Codes, shift: f32) -> Vec<f32> {
        let d = codes.latent;
        let covered = self.covered(codes);
        let mut nodes = Vec::new();
        let mut z = vec![0.0; d];
        for (index, boxes) in covered.into_iter().enumerate() {
            self.place(index, shift, &mut z);
            if boxes > 0 || self.prior.iter().any(|g| g.reaches(&z, PRIOR_REACH)) {
                nodes.extend_from_slice(&z);
            }
        }
        nodes
    }

    /// Sums over the nodes, tile by tile: `ln p(x)` of each row, and the nodes.
    fn integrate(
        &self,
        vae: &Vae,
        configurations: &Configurations,
        codes: &Codes,
        shift: f32,
        proceed: &(dyn Fn(f64) -> ControlFlow<()> + Sync),
    ) -> Result<(Vec<f64>, usize), VaeError> {
        let (unit, d) = (vae.architecture().unit, codes.latent);
        let width = vae.architecture().features();
        let nodes = self.nodes(codes, shift);
        let cell: f64 = self.spacing.iter().map(|&s| f64::from(s).ln()).sum();
        let mut sums = vec![LogSum::default(); configurations.rows()];
        for (tile, z) in nodes.chunks(NODE_TILE * d).enumerate() {
            let mut outputs = vae.outputs(z);
            let offsets: Vec<f32> = vae
                .prior_log_density(z)
                .iter()
                .zip(outputs.chunks_exact(width))
                .map(|(prior, outputs)| (prior + cell) as f32 - head::log_normaliser(unit, outputs))
                .collect();
            head::to_natural(unit, &mut outputs);
            sums.par_chunks_mut(ROW_TILE)
                .enumerate()
                .for_each(|(index, sums)| {
                    let first = index * ROW_TILE;
                    let features = features_of(configurations, first..first + sums.len());
                    add_tile(&features, &outputs, &offsets, sums);
                });
            let done = ((tile + 1) * NODE_TILE * d) as f64 / nodes.len().max(1) as f64;
            if proceed(done.min(1.0)).is_break() {
                return Err(VaeError::Cancelled);
            }
        }
        let values = sums.iter().map(|sum| sum.value()).collect();
        Ok((values, nodes.len() / d.max(1)))
    }
}

/// Adds one tile of nodes to the rows' sums.
fn add_tile(features: &[f32], natural: &[f32], offsets: &[f32], sums: &mut [LogSum]) {
    let width = natural.len() / offsets.len();
    let mut scores = vec![0.0; sums.len() * offsets.len()];
    kernel::product(
        [sums.len(), width, offsets.len()],
        (features, Operand::Plain),
        (natural, Operand::Transposed),
        (&mut scores, Target::Set),
    );
    kernel::add_bias(&mut scores, offsets);
    for (scores, sum) in scores.chunks_exact(offsets.len()).zip(sums) {
        let (largest, total) = kernel::max_and_exp_sum(scores);
        sum.add(f64::from(largest), f64::from(total));
    }
}

/// A running `ln sum exp`.
#[derive(Debug, Clone, Copy)]
struct LogSum {
    largest: f64,
    total: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self {
            largest: f64::NEG_INFINITY,
            total: 0.0,
        }
    }
}

impl LogSum {
    /// Adds `total * exp(largest)`.
    fn add(&mut self, largest: f64, total: f64) {
        if largest > self.largest {
            self.total *= (self.largest - largest).exp();
            self.largest = largest;
        }
        self.total += total * (largest - self.largest).exp();
    }

    fn value(self) -> f64 {
        self.largest + self.total.ln()
    }
}
