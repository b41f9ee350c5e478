//! The Curie-Weiss model in a field: exact results, samplers.

use std::collections::BTreeMap;

use multiversion::multiversion;

use super::exact::{draw_exact, state_probabilities};
use super::hopfield::{MAX_SITES, spins};
use super::sampling::{chained, check_samples, independent_ensemble};
use super::{
    Ensemble, ExactSolution, Hopfield, IndependentSampler, LogPartition, LogPartitionMethod,
    MeanFieldTheory, PhysicsError, Progress, SamplingMethod, SiteClasses, SpinField, Streams,
    System, report,
};
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, Unit};

mod field;

pub use field::FieldDistribution;
pub(crate) use field::log_two_cosh;

/// Spins that all feel each other alike, in equilibrium.
///
/// ```text
/// H(s) = -M²/2N - hM,   M = Σ_i s_i,   p(s) = exp(-βH(s)) / Z,   s_i = ±1
/// P(M) ∝ C(N, (N + M)/2) exp(βM²/2N + βhM)
/// ```
///
/// The self term `-1/2` is included. It is the Hopfield model of one pattern that is +1
/// everywhere, with a field along it, and shares its enumeration and its Markov
/// chains. Energies and the field `h` are in units of `J`, temperatures in units
/// of `J / k_B`, entropies and `ln Z` in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct CurieWeiss {
    network: Hopfield,
    field: f64,
}

impl CurieWeiss {
    /// Makes the model of `sites` spins in a uniform external `field` `h`.
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::SiteCount`] if `sites` is not from 1 to 65,536.
    /// - [`PhysicsError::Temperature`] if `temperature` is not from 0.001 to 10^6.
    /// - [`PhysicsError::ExternalField`] if `field` is not from -1000 to 1000.
    pub fn new(sites: usize, temperature: f64, field: f64) -> Result<Self, PhysicsError> {
        if !(1..=MAX_SITES).contains(&sites) {
            return Err(PhysicsError::SiteCount {
                found: sites,
                limit: MAX_SITES,
            });
        }
        let mut pattern = BitMatrix::zeros(1, sites);
        pattern.set_row(0, &vec![u64::MAX; pattern.words_per_row()]);
        Ok(Self {
            network: Hopfield::with_fields(pattern, vec![field; sites], temperature)?,
            field,
        })
    }

    /// The external field `h`, in units of `J`.
    #[must_use]
    pub fn field(&self) -> f64 {
        self.field
    }

    /// The model as a Hopfield network of one pattern.
    #[must_use]
    pub fn network(&self) -> &Hopfield {
        &self.network
    }

    /// Sums over the `N + 1` values of the magnetisation; its overlap is `m = M/N`.
    ///
    /// # Errors
    ///
    /// None at a number of sites that [`CurieWeiss::new`] accepts.
    pub fn solution(&self) -> Result<ExactSolution, PhysicsError> {
        ExactSolution::new(&SiteClasses::new(&self.network))
    }

    /// The probability of each number `k` of spins up, `k = 0..=N`; `M = 2k - N`.
    #[must_use]
    pub fn count_distribution(&self) -> Vec<f64> {
        state_probabilities(&SiteClasses::new(&self.network))
    }

    /// The distribution of the Hubbard-Stratonovich field, in which spins are
    /// independent.
    ///
    /// # Errors
    ///
    /// As [`CurieWeiss::solution`] does.
    pub fn field_distribution(&self) -> Result<FieldDistribution, PhysicsError> {
        FieldDistribution::new(self)
    }
}

impl System for CurieWeiss {
    fn unit(&self) -> Unit {
        Unit::Spin
    }

    fn sites(&self) -> usize {
        self.network.sites()
    }

    fn temperature(&self) -> f64 {
        self.network.temperature()
    }

    fn methods(&self) -> Vec<SamplingMethod> {
        let chain = SamplingMethod::of_chain(&SpinField::new(&self.network), self.beta());
        let mut chains = vec![SamplingMethod::Gibbs, SamplingMethod::Tempering];
        chains.sort_by_key(|&method| method != chain);
        chains.insert(0, SamplingMethod::Exact);
        chains
    }

    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        check_samples(Unit::Spin, self.sites(), samples)?;
        match method {
            SamplingMethod::Exact => {
                let classes = SiteClasses::new(&self.network);
                let drawn = draw_exact(&classes, samples, &mut streams("exact"), progress)?;
                let mut up = vec![0; samples];
                count_up(drawn.words(), drawn.words_per_row(), &mut up);
                let energies = up.into_iter().map(|up| self.energy_of(up)).collect();
                Ok(independent_ensemble(drawn.into(), energies))
            }
            SamplingMethod::Gibbs | SamplingMethod::Tempering => {
                let field = SpinField::new(&self.network);
                chained(&field, self.beta(), method, samples, streams, progress)
            }
            other => Err(PhysicsError::MethodMissing {
                method: other.name(),
                model: "curie_weiss",
                known: "`exact`, `gibbs`, `tempering`",
            }),
        }
    }

    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError> {
        self.network.independent()
    }

    fn log_partition(
        &self,
        _streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError> {
        report(progress, 0.0)?;
        Ok(Some(LogPartition {
            value: self.solution()?.log_partition,
            standard_error: 0.0,
            method: LogPartitionMethod::SiteClasses,
        }))
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        let spins = spins(configurations);
        assert_eq!(spins.columns(), self.sites(), "sites");
        self.energy_of(spins.count_ones(row))
    }

    fn order_parameters(&self) -> Vec<String> {
        vec!["magnetisation".to_owned()]
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        let spins = spins(configurations);
        assert_eq!(spins.columns(), self.sites(), "sites");
        vec![self.magnetisation(spins.count_ones(row)) / self.sites() as f64]
    }

    fn mean_field_theory(&self) -> Result<Option<Box<dyn MeanFieldTheory>>, PhysicsError> {
        Ok(Some(Box::new(Theory {
            distribution: self.field_distribution()?,
            sites: self.sites(),
            field: self.field,
        })))
    }

    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        let names = self.order_parameters();
        Ok(self.solution()?.by_name(self.sites(), self.beta(), &names))
    }
}

/// The mean field of a Curie-Weiss model.
struct Theory {
    distribution: FieldDistribution,
    sites: usize,
    field: f64,
}

impl MeanFieldTheory for Theory {
    fn density(&self, field: f64) -> f64 {
        self.distribution.density(field)
    }

    fn cumulative(&self, field: f64) -> f64 {
        self.distribution.cumulative(field)
    }

    fn log_weight(&self, field: f64) -> f64 {
        self.sites as f64 * log_two_cosh(field)
    }

    fn squared_order(&self, beta: f64) -> f64 {
        let solution = CurieWeiss::new(self.sites, beta.recip(), self.field)
            .and_then(|model| model.solution());
        solution.map_or(f64::NAN, |solution| solution.squared_overlaps[0])
    }
}

impl CurieWeiss {
    /// `M` of a configuration with `up` spins up.
    fn magnetisation(&self, up: usize) -> f64 {
        2.0 * up as f64 - self.sites() as f64
    }

    /// The energy of a configuration with `up` spins up.
    fn energy_of(&self, up: usize) -> f64 {
        let magnetisation = self.magnetisation(up);
        -magnetisation * (magnetisation / (2.0 * self.sites() as f64) + self.field)
    }
}

/// Counts the spins that are up in every row.
#[multiversion(targets("x86_64+popcnt"))]
fn count_up(words: &[u64], words_per_row: usize, up: &mut [usize]) {
    for (row, up) in words.chunks_exact(words_per_row).zip(up) {
        *up = row.iter().map(|word| word.count_ones() as usize).sum();
    }
}

#[cfg(test)]
mod tests;
