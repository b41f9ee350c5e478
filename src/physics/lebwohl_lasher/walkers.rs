//! The samplers of directors as walkers of [`lattice_chains`].
//!
//! [`lattice_chains`]: crate::physics::lattice_chains

use super::WIDTH;
use super::directors::Directors;
use crate::directional::bingham::feature;
use crate::physics::lattice_chains::{Observation, Start, Walker};
use crate::physics::single_clusters::Clustered;

/// The step of Metropolis moves is adapted until this share is accepted.
const ACCEPTANCE: f64 = 0.45;
/// Shortest and longest step; the longest takes a director nearly anywhere.
const STEPS: (f64, f64) = (1e-3, 4.0);
/// How fast the step follows during adaptation.
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

impl Clustered for Directors {
    type Record = Vec<f32>;

    fn sites(&self) -> usize {
        self.units().len()
    }

    fn flip_cluster(&mut self) -> usize {
        self.reflect_one()
    }

    fn observation(&self) -> Observation {
        observation(self)
    }

    fn record(&mut self) -> Vec<f32> {
        features(self)
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
