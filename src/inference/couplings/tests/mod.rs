//! Every estimator on samples of models whose couplings are known.

mod directors;
mod exchangeable;
mod hopfield;
mod pairwise;
mod refusals;

use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::bits::BitMatrix;
use crate::inference::{Bootstrap, consecutive_blocks};
use crate::random::{Generator, stream, uniform};

fn normal(generator: &mut Generator) -> f64 {
    StandardNormal.sample(generator)
}

/// Probabilities of the number of spins up in the Curie-Weiss model, by its own sum:
/// `P(M) ∝ C(N, up) exp(βJ M²/2N + βh M)`.
pub(super) fn curie_weiss(sites: usize, coupling: f64, field: f64) -> Vec<f64> {
    let n = sites as f64;
    let mut log_binomial = 0.0_f64;
    let mut logs = Vec::new();
    for up in 0..=sites {
        let m = 2.0 * up as f64 - n;
        logs.push(log_binomial + coupling * m * m / (2.0 * n) + field * m);
        log_binomial += ((sites - up) as f64 / (up + 1) as f64).ln();
    }
    let largest = logs.iter().fold(f64::MIN, |a, &b| a.max(b));
    let weights: Vec<f64> = logs.iter().map(|l| (l - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn mean_square(sites: usize, coupling: f64) -> f64 {
    let terms = curie_weiss(sites, coupling, 0.0);
    let n = sites as f64;
    let square = |up: usize| (2.0 * up as f64 / n - 1.0).powi(2);
    terms.iter().enumerate().map(|(up, p)| p * square(up)).sum()
}

/// Samples of the Curie-Weiss model with its exact posterior.
struct Magnet {
    sites: usize,
    coupling: f64,
    field: f64,
    magnetisations: Vec<f64>,
    spins: BitMatrix,
    blocks: Vec<u32>,
}

impl Magnet {
    fn new(sites: usize, [coupling, field]: [f64; 2], rows: usize, seed: &str) -> Self {
        let mut generator = stream(seed, &["magnet"]);
        let probabilities = curie_weiss(sites, coupling, field);
        let mut spins = BitMatrix::zeros(rows, sites);
        let mut magnetisations = Vec::new();
        for row in 0..rows {
            let mut left = uniform(&mut generator);
            let up = probabilities.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let up = up.unwrap_or(sites);
            magnetisations.push(2.0 * up as f64 / sites as f64 - 1.0);
            // Knuth's selection sampling: `up` sites, all choices alike.
            let mut needed = up;
            for site in 0..sites {
                let chosen = uniform(&mut generator) * ((sites - site) as f64) < needed as f64;
                spins.set(row, site, chosen);
                needed -= usize::from(chosen);
            }
        }
        Self {
            sites,
            coupling,
            field,
            magnetisations,
            spins,
            blocks: consecutive_blocks(rows, rows.div_ceil(100)),
        }
    }

    /// `E[φ|s]`.
    fn posterior_means(&self) -> Vec<f64> {
        let mean = |m: &f64| self.coupling * m + self.field;
        self.magnetisations.iter().map(mean).collect()
    }

    /// Draws of `φ` given the spins, so many a row.
    fn draws(&self, count: usize, generator: &mut Generator) -> Vec<f64> {
        let spread = (self.coupling / self.sites as f64).sqrt();
        let mut draws = Vec::new();
        for mean in self.posterior_means() {
            draws.extend((0..count).map(|_| mean + spread * normal(generator)));
        }
        draws
    }
}

fn assert_within(found: Estimate, expected: f64, what: &str) {
    let pull = (found.value - expected) / found.standard_error;
    assert!(
        pull.abs() < 4.0 && found.standard_error > 0.0,
        "{what}: {found:?}, expected {expected}"
    );
}

fn covers(estimate: Estimate, truth: f64) -> bool {
    (estimate.value - truth).abs() < 1.96 * estimate.standard_error
}

/// Of how many of 100 seeds the intervals of slope, correlation and relative error
/// cover the values that infinitely many configurations have.
fn coverage(mut estimate: impl FnMut(u32) -> (EstimatedAgreement, MatrixAgreement)) -> [u32; 3] {
    let mut covered = [0; 3];
    for seed in 0..100 {
        let (found, limit) = estimate(seed);
        let pairs = [
            (found.slope, limit.slope),
            (found.correlation, limit.correlation),
            (found.relative_error, limit.relative_error),
        ];
        for (hits, (estimate, truth)) in covered.iter_mut().zip(pairs) {
            *hits += u32::from(covers(estimate, truth));
        }
    }
    covered
}

#[track_caller]
fn assert_covered(hits: [u32; 3]) {
    let as_said = hits.iter().all(|hits| (90..=99).contains(hits));
    assert!(as_said, "slope, correlation, relative error: {hits:?}");
}

/// Calls with two resamples.
fn with_bootstrap<T>(call: impl FnOnce(&mut Bootstrap<'_>) -> T) -> T {
    let mut generator = stream("refused", &[]);
    call(&mut Bootstrap {
        resamples: 2,
        generator: &mut generator,
    })
}
