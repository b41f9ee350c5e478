//! Single clusters (Wolff) of any lattice, as a walker of [`lattice_chains`].
//!
//! [`lattice_chains`]: super::lattice_chains

use super::lattice_chains::{Observation, Start, Walker};

/// How fast the mean number of clusters a sweep follows during adaptation.
const FORGETTING: f64 = 0.02;

/// A configuration that single clusters move.
pub(super) trait Clustered: Send {
    /// One configuration as it is kept.
    type Record: Send;

    fn sites(&self) -> usize;

    /// Flips one cluster; returns its number of sites.
    fn flip_cluster(&mut self) -> usize;

    fn observation(&self) -> Observation;

    /// The configuration after a random global symmetry.
    fn record(&mut self) -> Self::Record;
}

/// A sweep flips as many clusters as have one lattice of sites on average.
#[derive(Debug, Clone)]
pub(super) struct SingleClusters<L> {
    lattice: L,
    start: Start,
    clusters_per_sweep: f64,
}

impl<L> SingleClusters<L> {
    /// A walker from its start, with the number of clusters that adaptation found.
    pub(super) fn new(lattice: L, start: Start, clusters_per_sweep: Option<f64>) -> Self {
        Self {
            lattice,
            start,
            clusters_per_sweep: clusters_per_sweep.unwrap_or(1.0),
        }
    }
}

impl<L: Clustered> Walker for SingleClusters<L> {
    type Record = L::Record;

    fn starts(&self) -> Vec<Start> {
        vec![self.start]
    }

    fn sweep(&mut self) {
        // The number is fixed: ending with the cluster that fills a quota of sites
        // would prefer configurations with large clusters.
        for _ in 0..self.clusters_per_sweep.round().max(1.0) as usize {
            self.lattice.flip_cluster();
        }
    }

    fn adapt(&mut self) {
        let (mut clusters, mut flipped) = (0, 0);
        while flipped < self.lattice.sites() {
            flipped += self.lattice.flip_cluster();
            clusters += 1;
        }
        self.clusters_per_sweep += FORGETTING * (f64::from(clusters) - self.clusters_per_sweep);
    }

    fn step(&self) -> f64 {
        self.clusters_per_sweep
    }

    fn observe(&self) -> Vec<Observation> {
        vec![self.lattice.observation()]
    }

    fn record(&mut self) -> Vec<L::Record> {
        vec![self.lattice.record()]
    }
}
