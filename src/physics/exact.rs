//! Exact results and independent samples by enumeration of the site classes.

use super::{PhysicsError, Progress, SiteClasses, report};
use crate::bits::BitMatrix;
use crate::random::{Generator, uniform};

/// Samples between two calls of the progress callback.
const SAMPLES_PER_REPORT: usize = 1024;

/// Exact thermodynamics of a finite system.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactSolution {
    /// `ln Z`, in nats.
    pub log_partition: f64,
    /// Mean energy `<H>` of the whole system, in units of `J`.
    pub mean_energy: f64,
    /// Variance of the energy, in units of `J²`; the heat capacity is `β²` times it.
    pub energy_variance: f64,
    /// Entropy `ln Z + β<H>` of the whole system, in nats.
    pub entropy: f64,
    /// Mean squared overlap `<(m^μ)²>` of every pattern.
    pub squared_overlaps: Vec<f64>,
}

impl ExactSolution {
    /// Sums over all states of `classes`.
    ///
    /// The largest log weight is found in a first pass and taken out of the
    /// second, so nothing overflows; sums run in the order of the states.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::EnumerationTooLarge`] if there are more states than
    /// [`super::ENUMERATION_LIMIT`].
    pub fn new(classes: &SiteClasses) -> Result<Self, PhysicsError> {
        classes.require_affordable()?;
        let (peak, reference) = heaviest(classes);
        let mut total = 0.0;
        let (mut first, mut second) = (0.0, 0.0);
        let mut squares = vec![0.0; classes.patterns()];
        classes.visit(|state| {
            let weight = (state.log_weight - peak).exp();
            // Measured from the heaviest state, so that the variance keeps its digits.
            let energy = state.energy - reference;
            total += weight;
            first += weight * energy;
            second += weight * energy * energy;
            for (square, sum) in squares.iter_mut().zip(state.sums) {
                *square += weight * sum * sum;
            }
        });
        let log_partition = peak + total.ln();
        let mean_energy = reference + first / total;
        let scale = total * (classes.sites() as f64).powi(2);
        Ok(Self {
            log_partition,
            mean_energy,
            energy_variance: second / total - (first / total).powi(2),
            entropy: log_partition + classes.beta() * mean_energy,
            squared_overlaps: squares.iter().map(|x| x / scale).collect(),
        })
    }
}

/// Log weight and energy of the heaviest state.
fn heaviest(classes: &SiteClasses) -> (f64, f64) {
    let mut heaviest = (f64::NEG_INFINITY, 0.0);
    classes.visit(|state| {
        if state.log_weight > heaviest.0 {
            heaviest = (state.log_weight, state.energy);
        }
    });
    heaviest
}

/// Draws `samples` independent configurations.
///
/// A state is drawn from the cumulative weights, then its spins are placed
/// uniformly within each class.
pub(super) fn draw_exact(
    classes: &SiteClasses,
    samples: usize,
    generator: &mut Generator,
    progress: Progress<'_>,
) -> Result<BitMatrix, PhysicsError> {
    classes.require_affordable()?;
    report(progress, 0.0)?;
    let cumulative = cumulative_weights(classes);
    let total = cumulative.last().copied().unwrap_or_default();
    let mut drawn = BitMatrix::zeros(samples, classes.sites());
    for row in 0..samples {
        if row % SAMPLES_PER_REPORT == 0 {
            report(progress, row as f64 / samples as f64)?;
        }
        let target = uniform(generator) * total;
        let state = cumulative.partition_point(|&weight| weight <= target);
        place(
            classes,
            state.min(cumulative.len() - 1),
            generator,
            &mut drawn,
            row,
        );
    }
    report(progress, 1.0)?;
    Ok(drawn)
}

fn cumulative_weights(classes: &SiteClasses) -> Vec<f64> {
    let (peak, _) = heaviest(classes);
    #[expect(clippy::cast_sign_loss, reason = "a count below the limit")]
    let mut cumulative = Vec::with_capacity(classes.states() as usize);
    let mut total = 0.0;
    classes.visit(|state| {
        total += (state.log_weight - peak).exp();
        cumulative.push(total);
    });
    cumulative
}

/// Writes a uniform configuration with the counts of `state` into `row`.
fn place(
    classes: &SiteClasses,
    state: usize,
    generator: &mut Generator,
    drawn: &mut BitMatrix,
    row: usize,
) {
    for (class, count) in classes.classes().iter().zip(classes.counts_of(state)) {
        let mut missing = count;
        for (placed, &(site, flipped)) in class.members.iter().enumerate() {
            // Selection sampling: up with probability missing / remaining.
            let remaining = class.members.len() - placed;
            let up = uniform(generator) * (remaining as f64) < missing as f64;
            missing -= usize::from(up);
            drawn.set(row, site, up != flipped);
        }
    }
}

#[cfg(test)]
mod tests;
