//! Curie-Weiss models and Hopfield networks.

use rayon::prelude::*;

use super::classes::{self, SpinClass};
use super::field_grid::FieldGrid;
use super::{EquilibriumSamples, ExactInformation, remove_control};
use crate::information::{InformationError, InformationMethod, InformationValue, Partition};
use crate::physics::{
    CurieWeiss, ExactSolution, Hopfield, LogPartition, SiteClasses, System, log_two_cosh,
};

/// Steps and reach of the trapezoidal rule for a mean over a normal distribution.
const NORMAL_STEP: f64 = 0.25;
const NORMAL_STEPS: i32 = 36;

impl ExactInformation for CurieWeiss {
    fn entropy(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        self.network().entropy(samples)
    }

    fn field_rate(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        self.network().field_rate(samples)
    }

    fn mutual_information(
        &self,
        partition: &Partition,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        self.network().mutual_information(partition, samples)
    }
}

impl ExactInformation for Hopfield {
    /// Sums over the site classes; beyond, `ln Z + β<H>` with the given `ln Z` and the
    /// mean energy of the samples.
    fn entropy(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        let classes = SiteClasses::new(self);
        if classes.affordable() {
            let entropy = ExactSolution::new(&classes)?.entropy;
            let method = InformationMethod::Classes;
            return Ok(Some(InformationValue::exact(entropy, method)));
        }
        let Some((samples, log_partition)) = with_log_partition(self, samples)? else {
            return Ok(None);
        };
        let rows = 0..samples.configurations.rows();
        let energies =
            rows.map(|row| self.beta() * System::energy(self, samples.configurations, row));
        let energies: Vec<f64> = energies.collect();
        Ok(Some(estimate(samples, &energies, log_partition)))
    }

    /// An integral over the field, up to three patterns or so; beyond, the mean over
    /// samples of the exact `KL(p(z|x) || p(z))` with the given `ln Z`.
    fn field_rate(
        &self,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        if let Some(grid) = FieldGrid::new(self) {
            let method = InformationMethod::Quadrature;
            return Ok(Some(InformationValue::exact(grid.rate, method)));
        }
        let Some((samples, log_partition)) = with_log_partition(self, samples)? else {
            return Ok(None);
        };
        let rates = divergences(self, samples);
        Ok(Some(estimate(samples, &rates, log_partition)))
    }

    /// Sums over the counts of both sides if affordable; beyond, the mean over samples
    /// of the logarithm of exact probabilities, integrals over the field.
    ///
    /// Sums take ten seconds on one core at the limit, below a second for three
    /// patterns on up to 90 sites. A sample takes about 2 ms of integrals for three
    /// patterns and 40 ms for four; a thousand are plenty.
    fn mutual_information(
        &self,
        partition: &Partition,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        partition.require_sites(self.sites())?;
        if let Some(nats) = classes::mutual_information(self, partition.sides())? {
            let method = InformationMethod::Classes;
            return Ok(Some(InformationValue::exact(nats, method)));
        }
        let Some(samples) = samples else {
            return Ok(None);
        };
        samples.check(self)?;
        Ok(FieldGrid::new(self).map(|grid| sampled_information(self, &grid, partition, samples)))
    }
}

/// The samples and `ln Z`, if both are given.
fn with_log_partition<'a>(
    model: &Hopfield,
    samples: Option<&'a EquilibriumSamples<'a>>,
) -> Result<Option<(&'a EquilibriumSamples<'a>, LogPartition)>, InformationError> {
    let Some(samples) = samples else {
        return Ok(None);
    };
    samples.check(model)?;
    Ok(samples.log_partition.map(|known| (samples, known)))
}

/// `ln Z` plus the mean of `values`, with the errors of both.
fn estimate(
    samples: &EquilibriumSamples<'_>,
    values: &[f64],
    log_partition: LogPartition,
) -> InformationValue {
    let value = samples.information(values, log_partition.value);
    InformationValue {
        standard_error: value.standard_error.hypot(log_partition.standard_error),
        ..value
    }
}

/// `KL(p(z|x) || p(z)) - ln Z` of every sample.
///
/// `z` is normal with mean `aY` and spread 1, so that `ln 2cosh` of each site is
/// averaged over one normal number:
///
/// ```text
/// KL = ln Z + a²|Y|²/2 - Σ_i E_g ln 2cosh(a² ξ_i·Y + βh_i + a √P g)
/// ```
pub(super) fn divergences(model: &Hopfield, samples: &EquilibriumSamples<'_>) -> Vec<f64> {
    let sites: Vec<usize> = (0..model.sites()).collect();
    let classes = SpinClass::group(model, &sites);
    let coupling = model.beta() / model.sites() as f64;
    let deviation = (coupling * model.patterns().rows() as f64).sqrt();
    let of_sample = |row: usize| {
        let sums = pattern_sums(model, samples, row, &sites);
        let square: f64 = sums.iter().map(|y| y * y).sum();
        let sites = classes.iter().map(|class| {
            let mean = coupling * class.project(&sums) + class.field;
            class.size as f64 * smoothed_log_two_cosh(mean, deviation)
        });
        0.5 * coupling * square - sites.sum::<f64>()
    };
    let rows = (0..samples.configurations.rows()).into_par_iter();
    rows.map(of_sample).collect()
}

/// The mean of `ln 2cosh(mean + deviation g)` over normal `g`.
fn smoothed_log_two_cosh(mean: f64, deviation: f64) -> f64 {
    let scale = NORMAL_STEP / std::f64::consts::TAU.sqrt();
    let points = (-NORMAL_STEPS..=NORMAL_STEPS).map(|step| {
        let g = NORMAL_STEP * f64::from(step);
        scale * (-0.5 * g * g).exp() * log_two_cosh(mean + deviation * g)
    });
    points.sum()
}

/// The mean of `ln p(x) - ln p(x_A) - ln p(x_B)` over samples.
///
/// What `|Y|²` explains of its spread is taken out, as the mean of `|Y|²` is known.
pub(super) fn sampled_information(
    model: &Hopfield,
    grid: &FieldGrid,
    partition: &Partition,
    samples: &EquilibriumSamples<'_>,
) -> InformationValue {
    let coupling = model.beta() / model.sites() as f64;
    let [first, second] = partition.sides();
    let sides = [first, second].map(|sites| grid.side(model, sites));
    let rows = (0..samples.configurations.rows()).into_par_iter();
    let (mut values, squares): (Vec<f64>, Vec<f64>) = rows
        .map(|row| {
            let sums = [first, second].map(|sites| pattern_sums(model, samples, row, sites));
            let pairs = || sums[0].iter().zip(&sums[1]);
            let cross: f64 = pairs().map(|(a, b)| a * b).sum();
            let square: f64 = pairs().map(|(a, b)| (a + b).powi(2)).sum();
            let log_sums = sides[1].log_sum(&sums[0]) + sides[0].log_sum(&sums[1]);
            (coupling * cross - log_sums, square)
        })
        .unzip();
    remove_control(&mut values, &squares, grid.squared_sum);
    samples.information(&values, grid.log_partition)
}

/// `Σ ξ_i s_i` over some sites of one sample, one number a pattern.
fn pattern_sums(
    model: &Hopfield,
    samples: &EquilibriumSamples<'_>,
    row: usize,
    sites: &[usize],
) -> Vec<f64> {
    let Some(spins) = samples.configurations.as_spins() else {
        return vec![0.0; model.patterns().rows()];
    };
    let patterns = model.patterns();
    let sum = |pattern: usize| {
        let agree = |&&site: &&usize| patterns.get(pattern, site) == spins.get(row, site);
        2.0 * sites.iter().filter(agree).count() as f64 - sites.len() as f64
    };
    (0..patterns.rows()).map(sum).collect()
}
