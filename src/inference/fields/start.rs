//! Where fits begin: patterns from correlations or at random, fields on a lattice.

use faer::MatRef;

use super::lattice::normal_lattice;
use super::moments::SpinMoments;
use crate::fields::{GeneralisedHopfield, Words};
use crate::inference::InferenceError;
use crate::inference::spectrum::leading_eigenvectors;
use crate::random::{Generator, uniform};

/// Most components of a field that is fitted on a lattice.
pub const MAX_FIELDS: usize = 3;

/// Largest magnitude of a pattern entry that a fit begins with.
const LARGEST_ENTRY: f64 = 1.5;
/// Standard deviation of random pattern entries, half-logits.
const RANDOM_ENTRY: f64 = 0.5;
/// Smallest variance of a spin that is divided by, and smallest rate that a bias is made of.
pub(super) const LEAST_VARIANCE: f64 = 1e-6;

/// A model from which [`fit`](super::fit) may begin: no network has a part in it.
///
/// The field is standard normal on a lattice ([`normal_lattice`]), and the biases are those
/// of independent sites. Patterns come from the leading eigenvectors of the correlation
/// matrix, as in factor analysis, or are normal numbers if a generator is given: starts
/// that know nothing of each other.
///
/// # Errors
///
/// - [`InferenceError::Components`] if `fields` is not from 1 to [`MAX_FIELDS`] or above the
///   number of sites.
/// - As [`SpinMoments::of`].
/// - [`InferenceError::NoConvergence`] if the correlation matrix has no decomposition.
pub fn start(
    words: &Words,
    counts: &[f64],
    fields: usize,
    generator: Option<&mut Generator>,
) -> Result<GeneralisedHopfield, InferenceError> {
    check_fields(fields, words.sites())?;
    let moments = SpinMoments::of(words, counts)?;
    let patterns = match generator {
        Some(generator) => random_patterns(words.sites() * fields, generator),
        None => correlation_loadings(&moments, fields)?,
    };
    let (nodes, weights) = normal_lattice(fields);
    let biases = moments.means().iter().map(|&mean| bias_of(mean));
    let model = GeneralisedHopfield::new(biases.collect(), patterns, nodes, weights, fields)?;
    Ok(model)
}

pub(super) fn check_fields(fields: usize, sites: usize) -> Result<(), InferenceError> {
    let available = MAX_FIELDS.min(sites);
    if (1..=available).contains(&fields) {
        return Ok(());
    }
    Err(InferenceError::Components {
        asked: fields,
        available,
    })
}

/// The half-logit of a spin with this mean; silent spins get a small rate.
pub(super) fn bias_of(mean: f64) -> f64 {
    let bound = 1.0 - LEAST_VARIANCE;
    mean.clamp(-bound, bound).atanh()
}

/// Normal pattern entries.
pub(super) fn random_patterns(count: usize, generator: &mut Generator) -> Vec<f64> {
    (0..count)
        .map(|_| RANDOM_ENTRY * normal(generator))
        .collect()
}

/// A standard normal number (Box and Muller).
fn normal(generator: &mut Generator) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform(generator)).cos()
}

/// Patterns from the eigenpairs `(λ, v)` of the correlation matrix of the spins.
///
/// To the lowest order in ξ a normal field gives the correlations `δ_ij + σ_i σ_j ξ_i·ξ_j`
/// with the standard deviations `σ_i² = 1 - m_i²`: `ξ_i = √(λ - 1) v_i / σ_i`.
pub(super) fn correlation_loadings(
    moments: &SpinMoments,
    fields: usize,
) -> Result<Vec<f64>, InferenceError> {
    let sites = moments.sites();
    let deviations: Vec<f64> = moments
        .variances(LEAST_VARIANCE)
        .iter()
        .map(|variance| variance.sqrt())
        .collect();
    let mut correlations = vec![0.0; sites * sites];
    for i in 0..sites {
        correlations[i * sites + i] = 1.0;
        for j in 0..i {
            let means = moments.means()[i] * moments.means()[j];
            let covariance = moments.products()[i * sites + j] - means;
            correlations[i * sites + j] = covariance / (deviations[i] * deviations[j]);
        }
    }
    let matrix = MatRef::from_row_major_slice(&correlations, sites, sites);
    let (eigenvalues, vectors) = leading_eigenvectors(matrix, fields)?;
    let mut patterns = vec![0.0; sites * fields];
    for (pattern, (vector, eigenvalue)) in vectors.vectors().zip(&eigenvalues).enumerate() {
        // Patterns of length 0 are a saddle from which no fit moves away.
        let scale = (eigenvalue - 1.0).max(0.01).sqrt();
        for (site, entry) in vector.iter().enumerate() {
            let loading = scale * entry / deviations[site];
            patterns[site * fields + pattern] = loading.clamp(-LARGEST_ENTRY, LARGEST_ENTRY);
        }
    }
    Ok(patterns)
}
