//! What every model answers, whatever its units and its solution.

use std::collections::BTreeMap;

use super::{Ensemble, LogPartition, PhysicsError, Progress, SamplingMethod, Streams};
use crate::configurations::{Configurations, Unit};
use crate::random::Generator;

/// A model at its temperature, as the stages see it.
///
/// Energies are in units of `J`, temperatures in units of `J / k_B`, `ln Z` and
/// probabilities in nats. Probabilities of directors are densities with respect to
/// the uniform distribution of every director.
pub trait System: Send + Sync {
    /// What sits on the sites.
    fn unit(&self) -> Unit;

    /// The number of sites, N.
    fn sites(&self) -> usize;

    /// The temperature, in units of `J / k_B`.
    fn temperature(&self) -> f64;

    /// The inverse temperature `β = 1/T`, in units of `1/J`.
    fn beta(&self) -> f64 {
        self.temperature().recip()
    }

    /// The samplers that it has; the first is the one chosen by `auto`.
    fn methods(&self) -> Vec<SamplingMethod>;

    /// The sampler that `auto` chooses.
    fn automatic(&self) -> SamplingMethod {
        let first = self.methods().into_iter().next();
        first.unwrap_or(SamplingMethod::Metropolis)
    }

    /// Draws configurations in equilibrium, and judges the chains if there are any.
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::SampleCount`] if there are no samples or too many to hold.
    /// - [`PhysicsError::MethodMissing`] if `method` is not one of
    ///   [`System::methods`], or another error that says why it is not.
    /// - [`PhysicsError::Cancelled`] if `progress` says so.
    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError>;

    /// A source of independent configurations, if there is one: no chain, any number.
    ///
    /// # Errors
    ///
    /// Whatever keeps a sampler that exists from being set up.
    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError>;

    /// `ln Z`, exact or estimated; nothing where neither can be had.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::Cancelled`] if `progress` says so.
    fn log_partition(
        &self,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError>;

    /// The energy `H(x)` of one configuration, in units of `J`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row, or if units or sites are not those of the model.
    fn energy(&self, configurations: &Configurations, row: usize) -> f64;

    /// Computes `ln p(x) = -βH(x) - ln Z`, in nats.
    ///
    /// Its error is that of `ln Z`, the same for all configurations.
    ///
    /// # Panics
    ///
    /// As [`System::energy`] does.
    fn log_probability(
        &self,
        configurations: &Configurations,
        row: usize,
        log_partition: &LogPartition,
    ) -> f64 {
        -self.beta() * self.energy(configurations, row) - log_partition.value
    }

    /// Names of the order parameters, all per site: `magnetisation`, `overlap_1`, ….
    ///
    /// The first is the one whose fluctuations make the susceptibility
    /// `βN(<m²> - <|m|>²)` and the Binder cumulant `1 - <m⁴> / 3<m²>²`.
    fn order_parameters(&self) -> Vec<String>;

    /// Values of the order parameters in one configuration, in the order of their
    /// names.
    ///
    /// # Panics
    ///
    /// As [`System::energy`] does.
    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64>;

    /// What is known of the mean field, if there is one and all sites are alike.
    ///
    /// # Errors
    ///
    /// Whatever keeps a theory that exists from being set up.
    fn mean_field_theory(&self) -> Result<Option<Box<dyn MeanFieldTheory>>, PhysicsError> {
        Ok(None)
    }

    /// Exact means at this size and temperature, as far as they are known.
    ///
    /// Keys: `log_partition`, `energy_per_site`, `energy_variance_per_site`,
    /// `specific_heat` (per site, in units of `k_B`), `entropy_per_site` (nats),
    /// `abs_<order parameter>`, `squared_<order parameter>`, `susceptibility`,
    /// `binder_cumulant`.
    ///
    /// # Errors
    ///
    /// Whatever keeps a solution that exists from being computed.
    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError>;
}

/// What theory says of the mean field of a model whose sites are all alike.
///
/// The field `h` is that of the Hubbard-Stratonovich form: given it, the sites are
/// independent with natural parameter `h`. It is one number `φ` for spins (half the
/// log odds of a spin up) and counted by its length `|h|` for directors.
pub trait MeanFieldTheory: Send + Sync {
    /// The exact probability density of the field, in every direction together.
    fn density(&self, field: f64) -> f64;

    /// The exact probability of a field of at most `field`.
    fn cumulative(&self, field: f64) -> f64;

    /// `ln` of the mean over all directions of `c(h)^N`, nats, with `c` the normaliser
    /// of a site in the field `h`.
    fn log_weight(&self, field: f64) -> f64;

    /// The exact mean square of the first order parameter at another inverse
    /// temperature, all else equal; NaN where there is none.
    fn squared_order(&self, beta: f64) -> f64;
}

/// Draws independent configurations from the equilibrium of one model.
pub trait IndependentSampler: Send + Sync {
    /// Draws `samples` configurations.
    fn draw(&self, samples: usize, generator: &mut Generator) -> Configurations;
}
