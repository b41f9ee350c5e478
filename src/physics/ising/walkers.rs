//! The samplers of the Ising torus as walkers of [`lattice_chains`].
//!
//! [`lattice_chains`]: crate::physics::lattice_chains

use super::clusters::Clusters;
use super::multi_spin::MultiSpin;
use crate::physics::lattice_chains::{Observation, Start, Walker};

/// How fast the mean number of clusters a sweep follows during adaptation.
const FORGETTING: f64 = 0.02;

/// Single clusters: a sweep flips as many as have one lattice of sites on average.
#[derive(Debug, Clone)]
pub(super) struct Wolff {
    lattice: Clusters,
    start: Start,
    clusters_per_sweep: f64,
}

impl Wolff {
    pub(super) fn new(lattice: Clusters, start: Start, clusters_per_sweep: Option<f64>) -> Self {
        Self {
            lattice,
            start,
            clusters_per_sweep: clusters_per_sweep.unwrap_or(1.0),
        }
    }
}

impl Walker for Wolff {
    type Record = Vec<u64>;

    fn starts(&self) -> Vec<Start> {
        vec![self.start]
    }

    fn sweep(&mut self) {
        // The number is fixed: ending with the cluster that fills a quota of sites
        // would prefer configurations with large clusters.
        for _ in 0..self.clusters_per_sweep.round().max(1.0) as usize {
            self.lattice.flip_one();
        }
    }

    fn adapt(&mut self) {
        let (mut clusters, mut flipped) = (0, 0);
        while flipped < self.lattice.sites() {
            flipped += self.lattice.flip_one();
            clusters += 1;
        }
        self.clusters_per_sweep += FORGETTING * (f64::from(clusters) - self.clusters_per_sweep);
    }

    fn step(&self) -> f64 {
        self.clusters_per_sweep
    }

    fn observe(&self) -> Vec<Observation> {
        vec![observation(self.lattice.energy_and_sum())]
    }

    fn record(&mut self) -> Vec<Vec<u64>> {
        self.lattice.turn_over();
        vec![self.lattice.row()]
    }
}

/// All clusters at once.
#[derive(Debug, Clone)]
pub(super) struct SwendsenWang {
    lattice: Clusters,
    start: Start,
}

impl SwendsenWang {
    pub(super) fn new(lattice: Clusters, start: Start) -> Self {
        Self { lattice, start }
    }
}

impl Walker for SwendsenWang {
    type Record = Vec<u64>;

    fn starts(&self) -> Vec<Start> {
        vec![self.start]
    }

    fn sweep(&mut self) {
        self.lattice.flip_all();
    }

    fn observe(&self) -> Vec<Observation> {
        vec![observation(self.lattice.energy_and_sum())]
    }

    fn record(&mut self) -> Vec<Vec<u64>> {
        vec![self.lattice.row()]
    }
}

impl Walker for MultiSpin {
    type Record = Vec<u64>;

    fn starts(&self) -> Vec<Start> {
        (0..super::multi_spin::LATTICES).map(Start::of).collect()
    }

    fn sweep(&mut self) {
        Self::sweep(self);
    }

    fn observe(&self) -> Vec<Observation> {
        self.energies_and_sums().map(observation).to_vec()
    }

    fn record(&mut self) -> Vec<Vec<u64>> {
        self.turn_over();
        self.rows()
    }
}

fn observation((energy, sum): (f64, f64)) -> Observation {
    Observation {
        energy,
        order: sum.abs(),
    }
}
