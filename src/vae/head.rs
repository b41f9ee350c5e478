//! The head of the decoder: how its outputs make a distribution of the units.
//!
//! Given the latents, the units are independent: `p(y|η) = exp(η·y) / c(η)`, with
//! natural parameters `η`, as many as the feature `y` is wide. For spins the
//! decoder's output is the logit `2η` and `c = 2 cosh η`; for directors it is `η`
//! itself, and densities are with respect to the uniform distribution, so that
//! `c = I₀(|η|)` in the plane and Bingham's normaliser in space.

use std::ops::Range;

use super::kernel;
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, DirectorMatrix, Unit};
use crate::directional::{bingham, von_mises};
use crate::random::{Generator, uniform};

/// Writes the features of one configuration.
pub(super) fn write_features(configurations: &Configurations, row: usize, features: &mut [f32]) {
    match configurations {
        Configurations::Spins(bits) => kernel::signs_of_bits(bits.row(row), features),
        Configurations::Directors(directors) => features.copy_from_slice(directors.row(row)),
    }
}

/// Writes the features of the given rows, in that order: `rows x features`.
///
/// The words of spins are fetched side by side, a block of rows at a time: rows in
/// no order are not in the cache, and one after the other each would be waited for.
pub(super) fn write_rows(configurations: &Configurations, rows: &[usize], features: &mut [f32]) {
    const BLOCK: usize = 64;
    let width = configurations.features();
    let blocks = rows.chunks(BLOCK).zip(features.chunks_mut(BLOCK * width));
    for (rows, features) in blocks {
        let Configurations::Spins(bits) = configurations else {
            for (&row, features) in rows.iter().zip(features.chunks_exact_mut(width)) {
                write_features(configurations, row, features);
            }
            continue;
        };
        let mut words = [0; BLOCK];
        for place in 0..bits.words_per_row() {
            for (word, &row) in words.iter_mut().zip(rows) {
                *word = bits.row(row)[place];
            }
            for (&word, features) in words.iter().zip(features.chunks_exact_mut(width)) {
                let end = width.min(64 * (place + 1));
                kernel::signs_of_bits(&[word], &mut features[64 * place..end]);
            }
        }
    }
}

/// The features of the given rows: `rows x features`.
pub(super) fn features_of(configurations: &Configurations, rows: Range<usize>) -> Vec<f32> {
    let width = configurations.features();
    let mut features = vec![0.0; rows.len() * width];
    for (row, features) in rows.zip(features.chunks_exact_mut(width.max(1))) {
        write_features(configurations, row, features);
    }
    features
}

/// `-ln p(features | outputs)` of one configuration, nats.
pub(super) fn cost(unit: Unit, outputs: &[f32], features: &[f32]) -> f32 {
    match unit {
        Unit::Spin => kernel::bernoulli_cost(outputs, features),
        Unit::PlanarDirector => kernel::von_mises_cost(outputs, features),
        Unit::Director => kernel::bingham_cost(outputs, features),
    }
}

/// Sum of [`cost`] over a batch, nats; replaces each output by the sum's derivative
/// to it, times `weight`.
pub(super) fn cost_and_gradient(
    unit: Unit,
    outputs: &mut [f32],
    features: &[f32],
    weight: f32,
) -> f64 {
    match unit {
        Unit::Spin => kernel::bernoulli_cost_and_gradient(outputs, features, weight),
        Unit::PlanarDirector => kernel::von_mises_cost_and_gradient(outputs, features, weight),
        Unit::Director => kernel::bingham_cost_and_gradient(outputs, features, weight),
    }
}

/// `Σ_i ln c(η_i)` of one configuration, nats.
pub(super) fn log_normaliser(unit: Unit, outputs: &[f32]) -> f32 {
    match unit {
        Unit::Spin => kernel::softplus_sum(outputs) - 0.5 * outputs.iter().sum::<f32>(),
        Unit::PlanarDirector => kernel::von_mises_log_normaliser_sum(outputs),
        Unit::Director => kernel::bingham_log_normaliser_sum(outputs),
    }
}

/// Turns the decoder's outputs into natural parameters.
pub(super) fn to_natural(unit: Unit, outputs: &mut [f32]) {
    if unit == Unit::Spin {
        for output in outputs {
            *output *= 0.5;
        }
    }
}

/// Draws a configuration for each row of outputs (`rows x features`), which are
/// used up.
pub(super) fn draw(
    unit: Unit,
    sites: usize,
    outputs: &mut [f32],
    generator: &mut Generator,
) -> Configurations {
    match unit {
        Unit::Spin => draw_spins(sites, outputs, generator).into(),
        Unit::PlanarDirector => {
            let mut features = vec![0.0; outputs.len()];
            von_mises::draw_features(outputs, &mut features, generator);
            DirectorMatrix::new(unit, sites, features).into()
        }
        Unit::Director => {
            let mut features = vec![0.0; outputs.len()];
            bingham::draw_features(outputs, &mut features, generator);
            DirectorMatrix::new(unit, sites, features).into()
        }
    }
}

fn draw_spins(sites: usize, logits: &mut [f32], generator: &mut Generator) -> BitMatrix {
    kernel::sigmoid_in_place(logits);
    let mut bits = BitMatrix::zeros(logits.len() / sites, sites);
    for (row, probabilities) in logits.chunks_exact(sites).enumerate() {
        for (site, &probability) in probabilities.iter().enumerate() {
            bits.set(row, site, uniform(generator) < f64::from(probability));
        }
    }
    bits
}
