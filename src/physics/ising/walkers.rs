//! The samplers of the Ising torus as walkers of [`lattice_chains`].
//!
//! [`lattice_chains`]: crate::physics::lattice_chains

use super::clusters::Clusters;
use super::multi_spin::MultiSpin;
use crate::physics::lattice_chains::{Observation, Start, Walker};
use crate::physics::single_clusters::Clustered;

impl Clustered for Clusters {
    type Record = Vec<u64>;

    fn sites(&self) -> usize {
        Self::sites(self)
    }

    fn flip_cluster(&mut self) -> usize {
        self.flip_one()
    }

    fn observation(&self) -> Observation {
        observation(self.energy_and_sum())
    }

    fn record(&mut self) -> Vec<u64> {
        self.turn_over();
        self.row()
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
