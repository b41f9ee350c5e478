//! The generalised Hopfield model as a system in equilibrium: energy, collective
//! variables, exact sampling, and models drawn at random.

mod exact;
mod recipe;
mod sampler;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use self::recipe::{FieldLaw, ModelRecipe};

use self::sampler::FieldSampler;
use super::hopfield::spins;
use super::sampling::{check_samples, independent_ensemble};
use super::{
    Ensemble, IndependentSampler, LogPartition, LogPartitionMethod, PhysicsError, Progress,
    SamplingMethod, Streams, System, report,
};
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, Unit};
use crate::fields::{self, CollectivePotential};

/// Most pairs of a site and a value of the field: 200 MB of digits for the sampler.
const MAX_PAIRS: usize = 1 << 27;

/// Most sites whose configurations are all summed over.
const ENUMERATED: usize = 12;

/// Spins in a field that takes a list of values, in equilibrium.
///
/// ```text
/// p(s) = Σ_k w_k Π_i exp(s_i φ_i(h_k)) / 2cosh φ_i(h_k) = exp{b·s + G(ξᵀs)}
/// ```
///
/// The model has no temperature of its own: its energy is `-ln p(s)` at `T = 1`, so that
/// `ln Z = 0`. The formulas and the parameters are those of
/// [`fields::GeneralisedHopfield`].
#[derive(Debug, Clone)]
pub struct GeneralisedHopfield {
    potential: CollectivePotential<'static>,
}

impl GeneralisedHopfield {
    /// Makes `model` ready to be sampled and summed over.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::FieldSize`] if it has more than 2^27 pairs of a site and a value
    /// of the field.
    pub fn new(model: fields::GeneralisedHopfield) -> Result<Self, PhysicsError> {
        let (sites, values) = (model.sites(), model.weights().len());
        if sites.saturating_mul(values) > MAX_PAIRS {
            return Err(PhysicsError::FieldSize {
                sites,
                values,
                limit: MAX_PAIRS,
            });
        }
        Ok(Self {
            potential: model.into_potential(),
        })
    }

    /// The parameters.
    #[must_use]
    pub fn model(&self) -> &fields::GeneralisedHopfield {
        self.potential.model()
    }

    /// The collective potential `G(u)`.
    #[must_use]
    pub fn potential(&self) -> &CollectivePotential<'static> {
        &self.potential
    }

    /// All configurations, if there are so few that sums over them are taken: up to 12
    /// sites. Bit `i` of the number of a row is site `i`.
    #[must_use]
    pub fn all_configurations(&self) -> Option<Configurations> {
        if self.sites() > ENUMERATED {
            return None;
        }
        let words = 0..1_u64 << self.sites();
        let all = BitMatrix::from_cut_words(words.clone().count(), self.sites(), words.collect());
        Some(all.into())
    }
}

impl System for GeneralisedHopfield {
    fn unit(&self) -> Unit {
        Unit::Spin
    }

    fn sites(&self) -> usize {
        self.model().sites()
    }

    fn temperature(&self) -> f64 {
        1.0
    }

    fn methods(&self) -> Vec<SamplingMethod> {
        vec![SamplingMethod::Exact]
    }

    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        check_samples(Unit::Spin, self.sites(), samples)?;
        if method != SamplingMethod::Exact {
            return Err(PhysicsError::MethodMissing {
                method: method.name(),
                model: "generalised_hopfield",
                known: "`exact`",
            });
        }
        report(progress, 0.0)?;
        let sampler = FieldSampler::new(self.model());
        let drawn = sampler.draw(samples, &mut streams("exact"));
        report(progress, 0.5)?;
        let rows = (0..samples).into_par_iter();
        let energies = rows.map(|row| self.energy(&drawn, row)).collect();
        report(progress, 1.0)?;
        Ok(independent_ensemble(drawn, energies))
    }

    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError> {
        Ok(Some(Box::new(FieldSampler::new(self.model()))))
    }

    fn log_partition(
        &self,
        _streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError> {
        report(progress, 0.0)?;
        Ok(Some(LogPartition {
            value: 0.0,
            standard_error: 0.0,
            method: LogPartitionMethod::Normalised,
        }))
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        -self.potential.log_probability(spins(configurations), row)
    }

    /// The collective variables per site, `ξ^μ·s / N`.
    fn order_parameters(&self) -> Vec<String> {
        let numbers = 1..=self.model().fields();
        numbers
            .map(|number| format!("collective_{number}"))
            .collect()
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        let (_, sums) = self.potential.sums(spins(configurations).up(row));
        let sites = self.sites() as f64;
        sums.into_iter().map(|sum| sum / sites).collect()
    }

    /// All of it by enumeration up to 12 sites; beyond, what sums over the field give: the
    /// second moments of the collective variables and the Binder cumulant of the first.
    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        Ok(exact::means(self))
    }
}

#[cfg(test)]
mod tests;
