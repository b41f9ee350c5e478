//! The samplers of directors as walkers of [`lattice_chains`].
//!
//! [`lattice_chains`]: crate::physics::lattice_chains

use super::directors::Directors;
use super::feature::{WIDTH, feature};
use crate::physics::lattice_chains::{Observation, Start, Walker};

/// The step of Metropolis moves is adapted until this share is accepted.
const ACCEPTANCE: f64 = 0.45;
/// Shortest and longest step; the longest takes a director nearly anywhere.
const STEPS: (f64, f64) = (1e-3, 4.0);
/// How fast steps and mean numbers of clusters follow during adaptation.
const LEARNING: f64 = 0.1;

/// Single directors by the Metropolis rule.
#[derive(Debug, Clone)]
pub(super) struct Metropolis {
    directors: Directors,
    start: Start,
    step: f64,
}

impl Metropolis {
    pub(super) fn new(directors: Directors, start: Start, step: Option<f64>) -> Self {
        Self {
            directors,
            start,
            step: step.unwrap_or(1.0),
        }
    }
}

impl Walker for Metropolis {
    type Record = Vec<f32>;

    fn starts(&self) -> Vec<Start> {
        vec![self.start]
    }

    fn sweep(&mut self) {
        self.directors.metropolis(self.step);
    }

    fn adapt(&mut self) {
        let accepted = self.directors.metropolis(self.step);
        let wanted = self.step * (LEARNING * (accepted - ACCEPTANCE)).exp();
        self.step = wanted.clamp(STEPS.0, STEPS.1);
    }

    fn step(&self) -> f64 {
        self.step
    }

    fn observe(&self) -> Vec<Observation> {
        vec![observation(&self.directors)]
    }

    fn record(&mut self) -> Vec<Vec<f32>> {
        vec![features(&mut self.directors)]
    }
}

/// Single clusters: a sweep reflects as many as have one lattice of sites on average.
#[derive(Debug, Clone)]
pub(super) struct Wolff {
    directors: Directors,
    start: Start,
    clusters_per_sweep: f64,
}

impl Wolff {
    pub(super) fn new(directors: Directors, start: Start, clusters: Option<f64>) -> Self {
        Self {
            directors,
            start,
            clusters_per_sweep: clusters.unwrap_or(1.0),
        }
    }
}

impl Walker for Wolff {
    type Record = Vec<f32>;

    fn starts(&self) -> Vec<Start> {
        vec![self.start]
    }

    fn sweep(&mut self) {
        // Fixed, since ending with the cluster that fills a quota would be biased.
        for _ in 0..self.clusters_per_sweep.round().max(1.0) as usize {
            self.directors.reflect_one();
        }
    }

    fn adapt(&mut self) {
        let (mut clusters, mut reflected) = (0, 0);
        while reflected < self.directors.units().len() {
            reflected += self.directors.reflect_one();
            clusters += 1;
        }
        self.clusters_per_sweep += LEARNING * (f64::from(clusters) - self.clusters_per_sweep);
    }

    fn step(&self) -> f64 {
        self.clusters_per_sweep
    }

    fn observe(&self) -> Vec<Observation> {
        vec![observation(&self.directors)]
    }

    fn record(&mut self) -> Vec<Vec<f32>> {
        vec![features(&mut self.directors)]
    }
}

/// Energy, and length of the sum of all features.
fn observation(directors: &Directors) -> Observation {
    let mut total = [0.0; WIDTH];
    for &unit in directors.units() {
        let parts = total.iter_mut().zip(feature(unit));
        parts.for_each(|(total, part)| *total += part);
    }
    Observation {
        energy: directors.energy(),
        order: total.iter().map(|y| y * y).sum::<f64>().sqrt(),
    }
}

fn features(directors: &mut Directors) -> Vec<f32> {
    let units = directors.rotated();
    let numbers = units.into_iter().flat_map(feature);
    numbers.map(|y| y as f32).collect()
}
