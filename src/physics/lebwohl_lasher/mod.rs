//! The Lebwohl-Lasher model: directors on a cubic lattice, no mean field.
//!
//! It is the lattice counterpart of the Maier-Saupe model and a negative control: the
//! same symmetry and nearly the same order, but neighbours alone interact.

mod directors;
mod walkers;

use std::collections::BTreeMap;

use super::error::{check_side, check_temperature};
use super::lattice_chains::{self, Start};
use super::nematic::{OrientationSpace, Space};
use super::sampling::check_samples;
use super::single_clusters::SingleClusters;
use super::{
    Ensemble, IndependentSampler, LogPartition, PhysicsError, Progress, SamplingMethod, Streams,
    System,
};
use crate::configurations::{Configurations, DirectorMatrix, Unit};
use crate::random::Generator;
use directors::{Directors, Graph};
use walkers::Metropolis;

/// Numbers in the feature of a director.
const WIDTH: usize = 5;

const SIDES: (usize, usize) = (2, 32);
/// Keeps steps of directors far from rounding, and weights from underflow.
const TEMPERATURES: (f64, f64) = (0.01, 1e6);
/// A move of a director takes the time of so many sites of an Ising cluster.
const WORK_PER_SITE: f64 = 10.0;

/// Directors on a simple cubic lattice with periodic boundaries, in equilibrium.
///
/// ```text
/// H(u) = -Σ_<ij> P_2(u_i·u_j),   P_2(x) = (3x² - 1)/2,   p(u) = exp(-βH(u)) / Z
/// ```
///
/// The sum runs over one neighbour of each of the `L³` sites in each of three
/// directions, so that on a side of 2 every pair counts twice. Site `(z L + y) L + x`.
/// Energies are in units of `J`, temperatures in units of `J / k_B`. Large lattices
/// order at `1/T = 0.890 ± 0.005`, in a weak transition of first order (published;
/// Lebwohl and Lasher, Phys. Rev. A 6, 426 (1972), gave the model).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LebwohlLasher {
    side: usize,
    temperature: f64,
}

impl LebwohlLasher {
    /// Makes the model of `side³` sites.
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::LatticeSide`] if `side` is not from 2 to 32.
    /// - [`PhysicsError::Temperature`] if `temperature` is not from 0.01 to 10^6.
    pub fn new(side: usize, temperature: f64) -> Result<Self, PhysicsError> {
        check_side(side, SIDES)?;
        check_temperature(temperature, TEMPERATURES)?;
        Ok(Self { side, temperature })
    }

    /// Sites along one side, L.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    fn directors(&self, chain: usize, generator: Generator) -> Directors {
        let graph = Graph::cubic(self.side);
        Directors::new(graph, self.beta(), Start::of(chain), generator)
    }

    #[track_caller]
    fn features<'a>(&self, configurations: &'a Configurations, row: usize) -> &'a [f32] {
        let features = match configurations {
            Configurations::Directors(directors) => directors.row(row),
            Configurations::Spins(_) => panic!("found spins, expected directors"),
        };
        assert_eq!(features.len(), self.sites() * WIDTH, "features a row");
        features
    }
}

impl System for LebwohlLasher {
    fn unit(&self) -> Unit {
        Unit::Director
    }

    fn sites(&self) -> usize {
        self.side.pow(3)
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Clusters first: at the transition they need far fewer sweeps.
    fn methods(&self) -> Vec<SamplingMethod> {
        vec![SamplingMethod::Wolff, SamplingMethod::Metropolis]
    }

    /// Draws configurations; each is turned by a random rotation of all directors, an
    /// exact symmetry.
    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        let sites = self.sites();
        check_samples(Unit::Director, sites, samples)?;
        let run = lattice_chains::Run {
            method,
            samples,
            work: WORK_PER_SITE * sites as f64,
            streams,
            progress,
        };
        let collect =
            |rows: Vec<Vec<f32>>| DirectorMatrix::new(Unit::Director, sites, rows.concat()).into();
        match method {
            SamplingMethod::Wolff => {
                let start = |chain, generator, clusters| {
                    SingleClusters::new(
                        self.directors(chain, generator),
                        Start::of(chain),
                        clusters,
                    )
                };
                lattice_chains::sample(&start, &run, collect)
            }
            SamplingMethod::Metropolis => {
                let start = |chain, generator, step| {
                    Metropolis::new(self.directors(chain, generator), Start::of(chain), step)
                };
                lattice_chains::sample(&start, &run, collect)
            }
            other => Err(PhysicsError::MethodMissing {
                method: other.name(),
                model: "lebwohl_lasher",
                known: "`wolff`, `metropolis`",
            }),
        }
    }

    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError> {
        Ok(None)
    }

    fn log_partition(
        &self,
        _streams: Streams<'_>,
        _progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError> {
        Ok(None)
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        let features = self.features(configurations, row);
        let at = |site: usize| &features[site * WIDTH..][..WIDTH];
        let graph = Graph::cubic(self.side);
        let product = |site: usize, neighbour: u32| -> f64 {
            let pairs = at(site).iter().zip(at(neighbour as usize));
            pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let site_energy = |site: usize| -> f64 {
            let around = graph.around(site).iter();
            -around
                .map(|&neighbour| product(site, neighbour))
                .sum::<f64>()
        };
        0.5 * (0..self.sites()).map(site_energy).sum::<f64>()
    }

    /// Those of [`Space`].
    fn order_parameters(&self) -> Vec<String> {
        let names = Space::ORDER_PARAMETERS.iter();
        names.map(|&name| name.to_owned()).collect()
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        let mut mean = [0.0; WIDTH];
        for feature in self.features(configurations, row).chunks_exact(WIDTH) {
            let parts = mean.iter_mut().zip(feature);
            parts.for_each(|(mean, &part)| *mean += f64::from(part) / self.sites() as f64);
        }
        Space::order_values(&mean)
    }

    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        Ok(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests;
