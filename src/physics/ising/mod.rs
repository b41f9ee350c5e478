//! The Ising model on a square torus: no mean field, but an exact solution.
//!
//! It is a negative control. Its free energy is known at every size (Kaufman), its
//! phase transition is not one of mean-field theory, and one sublattice given the
//! other is independent, so that their mutual information can be had from samples.

mod clusters;
mod jet;
mod kaufman;
mod multi_spin;
mod walkers;
mod wide;

use std::collections::BTreeMap;

pub use kaufman::Kaufman;

use super::error::{check_side, check_temperature};
use super::hopfield::spins;
use super::lattice_chains::{self, Start};
use super::sampling::check_samples;
use super::single_clusters::SingleClusters;
use super::{
    Ensemble, IndependentSampler, LogPartition, LogPartitionMethod, PhysicsError, Progress,
    SamplingMethod, Streams, System,
};
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, Unit};
use crate::random::Generator;
use clusters::{Clusters, energy_and_sum};
use multi_spin::{LATTICES, MultiSpin};
use walkers::SwendsenWang;

/// Up to here sides and energies are far within the counters of all samplers.
const SIDES: (usize, usize) = (2, 1024);
/// Below, a spin turns over once in 10^34 trials; above, spins are independent.
const TEMPERATURES: (f64, f64) = (0.05, 1e6);
/// The Ising model on a square lattice with periodic boundaries, in equilibrium.
///
/// ```text
/// H(s) = -Σ_<ij> s_i s_j,   p(s) = exp(-βH(s)) / Z,   s_i = ±1
/// ```
///
/// The sum runs over the right and the lower neighbour of each of the `L²` sites, so
/// that on a side of 2 every pair counts twice. Site `row L + column`. Energies are in
/// units of `J`, temperatures in units of `J / k_B`, entropies and `ln Z` in nats. The
/// infinite lattice orders at `T_c = 2 / ln(1 + √2)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ising2d {
    side: usize,
    temperature: f64,
}

impl Ising2d {
    /// Makes the model of `side` times `side` sites.
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::LatticeSide`] if `side` is not from 2 to 1024.
    /// - [`PhysicsError::Temperature`] if `temperature` is not from 0.05 to 10^6.
    pub fn new(side: usize, temperature: f64) -> Result<Self, PhysicsError> {
        check_side(side, SIDES)?;
        check_temperature(temperature, TEMPERATURES)?;
        Ok(Self { side, temperature })
    }

    /// The temperature at which the infinite lattice orders, `2 / ln(1 + √2)`, in
    /// units of `J / k_B`.
    #[must_use]
    pub fn critical_temperature() -> f64 {
        2.0 / std::f64::consts::SQRT_2.ln_1p()
    }

    /// Sites along one side, L.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// The exact thermodynamics at this size and temperature.
    #[must_use]
    pub fn solution(&self) -> Kaufman {
        Kaufman::new(self.side, self.beta())
    }

    /// Entropy of the odd sublattice given the even one in this configuration, in nats.
    ///
    /// A site is odd if its row and column add up to an odd number. All neighbours of
    /// an odd site are even, so that given them it is independent of everything else:
    ///
    /// ```text
    /// S(odd | even) = <Σ_{i odd} h(σ(2β Σ_{j next to i} s_j))>
    /// h(p) = -p ln p - (1 - p) ln(1 - p),   σ(x) = 1 / (1 + e^{-x})
    /// ```
    ///
    /// The mean over samples, with the entropy `S` of [`Ising2d::solution`] and the
    /// symmetry of both sublattices, gives their mutual information
    /// `I(even; odd) = S - 2 S(odd | even)`.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::SublatticesMissing`] if the side is odd.
    ///
    /// # Panics
    ///
    /// Panics if `row` does not have the words of one configuration.
    #[track_caller]
    pub fn sublattice_entropy(&self, row: &[u64]) -> Result<f64, PhysicsError> {
        let side = self.side;
        if !side.is_multiple_of(2) {
            return Err(PhysicsError::SublatticesMissing { side });
        }
        let spins = self.unpack(row);
        // By the number of neighbours that are up: 0 to 4.
        let entropies = [-4.0, -2.0, 0.0, 2.0, 4.0].map(|sum| entropy_in_field(self.beta() * sum));
        let mut counts = [0_u32; 5];
        for row in 0..side {
            let above = &spins[(row + side - 1) % side * side..][..side];
            let here = &spins[row * side..][..side];
            let below = &spins[(row + 1) % side * side..][..side];
            for column in ((row + 1) % 2..side).step_by(2) {
                let (left, right) = ((column + side - 1) % side, (column + 1) % side);
                let up = above[column] + below[column] + here[left] + here[right];
                counts[usize::from(up)] += 1;
            }
        }
        let parts = counts.iter().zip(entropies);
        Ok(parts
            .map(|(&count, entropy)| f64::from(count) * entropy)
            .sum())
    }

    /// Runs one chain from its start and says how much was updated: for measuring
    /// speed. Metropolis moves 64 lattices at once, the others move one.
    ///
    /// A sweep is one cluster with [`SamplingMethod::Wolff`].
    ///
    /// # Errors
    ///
    /// [`PhysicsError::MethodMissing`] if `method` is not one of [`System::methods`].
    pub fn run(
        &self,
        method: SamplingMethod,
        sweeps: usize,
        mut generator: Generator,
    ) -> Result<Updates, PhysicsError> {
        let sites = self.sites() as u64;
        let (updates, energy) = match method {
            SamplingMethod::Wolff => {
                let mut lattice = self.clusters(0, generator);
                let flipped: usize = (0..sweeps).map(|_| lattice.flip_one()).sum();
                (flipped as u64, lattice.energy_and_sum().0)
            }
            SamplingMethod::SwendsenWang => {
                let mut lattice = self.clusters(0, generator);
                (0..sweeps).for_each(|_| lattice.flip_all());
                (sites * sweeps as u64, lattice.energy_and_sum().0)
            }
            SamplingMethod::Metropolis => {
                let mut lattices = MultiSpin::new(self.side, self.beta(), &mut generator);
                (0..sweeps).for_each(|_| lattices.sweep());
                let energies = lattices.energies_and_sums().map(|(energy, _)| energy);
                let energy = energies.iter().sum::<f64>() / LATTICES as f64;
                (sites * sweeps as u64 * LATTICES as u64, energy)
            }
            other => return Err(missing(other)),
        };
        Ok(Updates {
            updates,
            energy_per_site: energy / sites as f64,
        })
    }

    /// One configuration, a byte a spin: 1 is up.
    #[track_caller]
    fn unpack(&self, row: &[u64]) -> Vec<u8> {
        let sites = self.side * self.side;
        assert_eq!(row.len(), sites.div_ceil(64), "words a row");
        (0..sites)
            .map(|site| (row[site / 64] >> (site % 64) & 1) as u8)
            .collect()
    }

    fn clusters(&self, chain: usize, generator: Generator) -> Clusters {
        Clusters::new(self.side, self.beta(), Start::of(chain), generator)
    }
}

/// What a run of [`Ising2d::run`] did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Updates {
    /// Sites that were updated: visited by Metropolis or by Swendsen and Wang, flipped
    /// by Wolff.
    pub updates: u64,
    /// Energy at the end, a site, mean over lattices, in units of `J`.
    pub energy_per_site: f64,
}

fn missing(method: SamplingMethod) -> PhysicsError {
    PhysicsError::MethodMissing {
        method: method.name(),
        model: "ising_2d",
        known: "`wolff`, `swendsen_wang`, `metropolis`",
    }
}

/// Entropy of a spin in a field `h`, in nats: `ln 2cosh h - h tanh h`.
fn entropy_in_field(h: f64) -> f64 {
    let h = h.abs();
    let decay = (-2.0 * h).exp();
    decay.ln_1p() + 2.0 * h * decay / (1.0 + decay)
}

impl System for Ising2d {
    fn unit(&self) -> Unit {
        Unit::Spin
    }

    fn sites(&self) -> usize {
        self.side * self.side
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Wolff first: it is slow at no temperature, and around `T_c` an independent
    /// configuration costs it the least.
    ///
    /// An update costs Metropolis far less, but near `T_c` its correlations last long,
    /// and in the ordered phase walls that a disordered start left may never go away.
    fn methods(&self) -> Vec<SamplingMethod> {
        vec![
            SamplingMethod::Wolff,
            SamplingMethod::SwendsenWang,
            SamplingMethod::Metropolis,
        ]
    }

    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        check_samples(Unit::Spin, self.sites(), samples)?;
        let work = self.sites() as f64;
        let collect = |rows: Vec<_>| collect(self.sites(), &rows);
        let run = lattice_chains::Run {
            method,
            samples,
            work,
            streams,
            progress,
        };
        match method {
            SamplingMethod::Wolff => {
                let start = |chain, generator, step| {
                    SingleClusters::new(self.clusters(chain, generator), Start::of(chain), step)
                };
                lattice_chains::sample(&start, &run, collect)
            }
            SamplingMethod::SwendsenWang => {
                let start = |chain, generator, _| {
                    SwendsenWang::new(self.clusters(chain, generator), Start::of(chain))
                };
                lattice_chains::sample(&start, &run, collect)
            }
            SamplingMethod::Metropolis => {
                let start =
                    |_, mut generator, _| MultiSpin::new(self.side, self.beta(), &mut generator);
                lattice_chains::sample(&start, &run, collect)
            }
            other => Err(missing(other)),
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
        Ok(Some(LogPartition {
            value: self.solution().log_partition,
            standard_error: 0.0,
            method: LogPartitionMethod::Kaufman,
        }))
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        energy_and_sum(&self.unpack(spins(configurations).row(row)), self.side).0
    }

    fn order_parameters(&self) -> Vec<String> {
        vec!["magnetisation".to_owned()]
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        let sites = self.sites() as f64;
        let up = spins(configurations).count_ones(row) as f64;
        vec![2.0 * up / sites - 1.0]
    }

    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        let (solution, sites) = (self.solution(), self.sites() as f64);
        let variance = solution.energy_variance / sites;
        Ok(BTreeMap::from([
            ("log_partition".to_owned(), solution.log_partition),
            ("energy_per_site".to_owned(), solution.mean_energy / sites),
            ("energy_variance_per_site".to_owned(), variance),
            ("specific_heat".to_owned(), self.beta().powi(2) * variance),
            ("entropy_per_site".to_owned(), solution.entropy / sites),
        ]))
    }
}

fn collect(sites: usize, rows: &[Vec<u64>]) -> Configurations {
    let mut bits = BitMatrix::zeros(rows.len(), sites);
    for (row, words) in rows.iter().enumerate() {
        bits.set_row(row, words);
    }
    bits.into()
}

#[cfg(test)]
mod tests;
