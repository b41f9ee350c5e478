//! Exact mutual information, rates and entropies of the solved models.
//!
//! Where sites couple to every other, the two sides of a partition are independent
//! given the Hubbard-Stratonovich field. With `a = √(β/N)`, the total features `Y_A`
//! and `Y_B` of both sides, and the normaliser `c_i(h)` of site `i` in a field,
//!
//! ```text
//! p(x_A) ∝ exp(a²|Y_A|²/2) S_B(Y_A),   S_B(Y) = E_{w ~ N(aY, I)} Π_{i in B} c_i(a w)
//! I(A; B) = E[a² Y_A·Y_B] + ln Z - E ln S_B(Y_A) - E ln S_A(Y_B)
//! ```
//!
//! `S_B` is the sum over all that side B may do at given `Y_A`. For spins it is a sum
//! over the counts of spins up in classes of like sites ([`classes`]) or, beyond, an
//! integral over the field ([`field_grid`]); for directors an integral over the length
//! of the field, direction by direction in closed form ([`side_field`]). The average
//! over `Y_A` and `Y_B` is a sum over counts, or a mean over equilibrium samples with
//! its standard error. In the generalised Hopfield model the field takes a list of
//! values, all integrals are sums over it, and the same average is taken
//! ([`generalised_hopfield`]). The Ising lattices have solutions of their own.
//!
//! In comes a model, a partition and perhaps equilibrium samples; out go nats. Nothing
//! here draws a random number.

mod classes;
mod cylinder;
mod enumeration;
mod field_grid;
mod generalised_hopfield;
mod ising;
mod legendre;
mod limits;
mod nematic;
mod side_field;
mod spins;

pub use cylinder::IsingCylinder;
pub use enumeration::enumerated;
pub use limits::{curie_weiss_limit, gaussian_common_information, gaussian_mutual_information};

use super::{InformationError, InformationMethod, InformationValue, Partition};
use crate::configurations::Configurations;
use crate::physics::{LogPartition, System};

/// What is exactly known of a model's information, in nats.
///
/// Every answer is `None` where none can be had: neither exactly nor, without
/// samples, as the mean of an exact logarithm.
pub trait ExactInformation {
    /// The entropy `H(x)` of a configuration. That of directors is differential, with
    /// respect to the uniform distribution: 0 at `β = 0`, else negative.
    ///
    /// # Errors
    ///
    /// [`InformationError::Samples`] or [`InformationError::EffectiveSamples`] if
    /// samples are needed and do not fit, [`InformationError::Physics`] if the model
    /// refuses.
    fn entropy(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError>;

    /// The rate `I(x; z)` of the Hubbard-Stratonovich field `z`.
    ///
    /// # Errors
    ///
    /// As [`ExactInformation::entropy`].
    fn field_rate(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError>;

    /// The mutual information `I(A; B)` of both sides of a partition.
    ///
    /// # Errors
    ///
    /// As [`ExactInformation::entropy`], and [`InformationError::PartitionSites`] if
    /// the partition is one of another number of sites.
    fn mutual_information(
        &self,
        partition: &Partition,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError>;
}

/// Samples of a model in equilibrium, for what is a mean over them.
#[derive(Debug, Clone, Copy)]
pub struct EquilibriumSamples<'a> {
    /// The samples, two at least.
    pub configurations: &'a Configurations,
    /// As how many independent ones they count: all of them if drawn independently,
    /// else as the autocorrelation of the chains says.
    pub effective: f64,
    /// `ln Z` of the model, for where it is not known exactly.
    pub log_partition: Option<LogPartition>,
}

impl EquilibriumSamples<'_> {
    /// Refuses samples that are not of `model`, or allow no standard error.
    fn check(&self, model: &dyn System) -> Result<(), InformationError> {
        let samples = self.configurations;
        let fits = samples.unit() == model.unit() && samples.sites() == model.sites();
        if !fits || samples.rows() < 2 {
            return Err(InformationError::Samples {
                rows: samples.rows(),
                sites: samples.sites(),
                unit: samples.unit().name(),
                expected_sites: model.sites(),
                expected_unit: model.unit().name(),
            });
        }
        if !(self.effective >= 1.0 && self.effective.is_finite()) {
            return Err(InformationError::EffectiveSamples {
                found: self.effective,
            });
        }
        Ok(())
    }

    /// Mean and standard error of one number a sample.
    fn mean(&self, values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        (mean, (squares / (count - 1.0) / self.effective).sqrt())
    }

    /// `mean + offset` as an amount of information.
    fn information(&self, values: &[f64], offset: f64) -> InformationValue {
        let (mean, standard_error) = self.mean(values);
        InformationValue {
            nats: offset + mean,
            standard_error,
            method: InformationMethod::Samples,
        }
    }
}

/// Takes from `values` what a straight line through `control` explains, where the mean
/// of `control` is known: the mean stays (but for the `1/n` bias of a fitted slope),
/// the spread falls.
fn remove_control(values: &mut [f64], control: &[f64], known_mean: f64) {
    let count = values.len() as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / count;
    let (value_mean, control_mean) = (mean(values), mean(control));
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (value, control) in values.iter().zip(control) {
        covariance += (value - value_mean) * (control - control_mean);
        variance += (control - control_mean).powi(2);
    }
    // Rounded features of one director have a spread of single precision, no more.
    if variance / count <= 1e-12 * control_mean.powi(2) {
        return;
    }
    let slope = covariance / variance;
    let pairs = values.iter_mut().zip(control);
    pairs.for_each(|(value, control)| *value -= slope * (control - known_mean));
}

#[cfg(test)]
mod tests;
