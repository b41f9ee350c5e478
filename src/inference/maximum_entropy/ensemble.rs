//! Chains side by side: a fixed number of them, whatever the number of threads.

use rayon::prelude::*;

use super::Streams;
use super::chain::Chain;
use super::landscape::Landscape;
use super::model::list_active;
use crate::bits::BitMatrix;

/// Number of chains; each has a stream of its own.
pub(super) const CHAINS: usize = 64;

/// Chains in a fixed order.
#[derive(Debug, Clone)]
pub(super) struct Ensemble {
    chains: Vec<Chain>,
}

impl Ensemble {
    /// Chains that begin at configurations of the data, evenly spread; `streams` is asked
    /// for `"<name> <chain>"`.
    pub(super) fn of_data(
        landscape: &Landscape,
        data: &BitMatrix,
        name: &str,
        streams: Streams<'_>,
    ) -> Self {
        let start = |chain| {
            let mut active = Vec::new();
            list_active(data, chain * data.rows() / CHAINS, &mut active);
            Chain::new(landscape, active, streams(&format!("{name} {chain}")))
        };
        Self {
            chains: (0..CHAINS).map(start).collect(),
        }
    }

    /// Chains that begin at independent draws from the base.
    pub(super) fn of_base(landscape: &Landscape, name: &str, streams: Streams<'_>) -> Self {
        let start = |chain| {
            let generator = streams(&format!("{name} {chain}"));
            let mut chain = Chain::new(landscape, Vec::new(), generator);
            chain.draw_base(landscape);
            chain
        };
        Self {
            chains: (0..CHAINS).map(start).collect(),
        }
    }

    /// Does the same with each chain, in parallel; results are in the order of the chains.
    pub(super) fn map<T: Send>(&mut self, work: impl Fn(usize, &mut Chain) -> T + Sync) -> Vec<T> {
        let chains = self.chains.par_iter_mut().enumerate();
        chains.map(|(index, chain)| work(index, chain)).collect()
    }
}
