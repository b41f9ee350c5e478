//! Small systems of spins: sums over all configurations.

use crate::information::{InformationError, InformationMethod, InformationValue, Partition};

/// Most spins whose configurations are summed over.
pub(super) const MOST_SITES: usize = 16;

/// `I(A; B)` of any distribution of few spins, by the sum over all configurations.
///
/// `log_weight` gives `ln p` up to a constant for the configuration whose spin `i` is
/// up if bit `i` is set. Costs `2^N` calls.
///
/// # Errors
///
/// [`InformationError::TooManySites`] beyond 16 spins.
pub fn enumerated(
    partition: &Partition,
    log_weight: impl Fn(u64) -> f64,
) -> Result<InformationValue, InformationError> {
    let sites = partition.sites();
    if sites > MOST_SITES {
        return Err(InformationError::TooManySites {
            found: sites,
            limit: MOST_SITES,
        });
    }
    let weights: Vec<f64> = (0..1 << sites).map(log_weight).collect();
    let peak = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = weights.iter().map(|w| (w - peak).exp()).sum();
    let joint: Vec<f64> = weights.iter().map(|w| (w - peak).exp() / total).collect();
    let marginals = partition.sides().map(|side| marginal(&joint, side));
    let entropies = marginals.iter().map(|p| entropy(p)).sum::<f64>();
    Ok(InformationValue::exact(
        entropies - entropy(&joint),
        InformationMethod::Enumeration,
    ))
}

/// The distribution of the spins of one side.
fn marginal(joint: &[f64], side: &[usize]) -> Vec<f64> {
    let mut marginal = vec![0.0; 1 << side.len()];
    for (word, probability) in joint.iter().enumerate() {
        let bits = side.iter().enumerate();
        let index: usize = bits.map(|(place, site)| (word >> site & 1) << place).sum();
        marginal[index] += probability;
    }
    marginal
}

/// `-Σ p ln p`, in nats.
fn entropy(probabilities: &[f64]) -> f64 {
    let positive = probabilities.iter().filter(|p| **p > 0.0);
    -positive.map(|p| p * p.ln()).sum::<f64>()
}
