//! The models at a number of molecules and a temperature.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::field_sampler::FieldSampler;
use super::theory::Theory;
use super::{FieldQuadrature, OrientationSpace};
use crate::configurations::{Configurations, DirectorMatrix, Unit};
use crate::physics::error::check_temperature;
use crate::physics::partition::LogPartitionMethod;
use crate::physics::sampling::{chained, check_samples, independent_ensemble};
use crate::physics::{
    Ensemble, IndependentSampler, LogPartition, MeanField, MeanFieldTheory, PhysicsError, Progress,
    SamplingMethod, Streams, System, report,
};
use crate::random::Generator;

const MAX_SITES: usize = 1 << 16;
/// Keeps `βN` within the digits of a double.
const TEMPERATURES: (f64, f64) = (1e-3, 1e3);
/// `<|Y|²>` is known to ten digits: fluctuations of `|Y|` below this part of it are known
/// to fewer than four.
const KNOWN_FLUCTUATION: f64 = 1e-6;
/// Samples between two calls of the progress callback.
const SAMPLES_PER_REPORT: usize = 256;

/// A nematic in equilibrium, every molecule coupled to every other.
///
/// ```text
/// H(u) = -(1/2N) |Y|²,   Y = Σ_i y(u_i),   p(u) = exp(-βH(u)) / Z
/// ```
///
/// Self terms are included. Energies are in units of `J`, temperatures in units of
/// `J / k_B`, entropies and `ln Z` in nats. `p` is a density and `Z` an integral with
/// respect to the uniform distribution of every director, so that `ln Z = 0` at
/// `β = 0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Nematic<S> {
    sites: usize,
    temperature: f64,
    space: PhantomData<S>,
}

impl<S: OrientationSpace> Nematic<S> {
    /// Makes the model of `sites` molecules.
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::SiteCount`] if there is no molecule, or more than 65,536.
    /// - [`PhysicsError::Temperature`] if `temperature` is not from 0.001 to 1000.
    pub fn new(sites: usize, temperature: f64) -> Result<Self, PhysicsError> {
        if !(1..=MAX_SITES).contains(&sites) {
            return Err(PhysicsError::SiteCount {
                found: sites,
                limit: MAX_SITES,
            });
        }
        check_temperature(temperature, TEMPERATURES)?;
        Ok(Self {
            sites,
            temperature,
            space: PhantomData,
        })
    }

    /// The number of molecules, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.sites
    }

    /// The temperature, in units of `J / k_B`.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The distribution of the field, and the thermodynamics that follow.
    #[must_use]
    pub fn quadrature(&self) -> FieldQuadrature {
        FieldQuadrature::new::<S>(self.sites, self.temperature.recip())
    }

    /// The mean feature `Y / N` of one configuration, K numbers.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row, or if units or sites are not those of the model.
    #[must_use]
    #[track_caller]
    pub fn mean_feature(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        assert_eq!(configurations.unit(), S::UNIT, "units of the model");
        assert_eq!(configurations.sites(), self.sites, "sites of the model");
        let mut mean = vec![0.0; S::UNIT.width()];
        if let Some(directors) = configurations.as_directors() {
            add_features(directors.row(row), &mut mean);
        }
        mean.into_iter().map(|y| y / self.sites as f64).collect()
    }

    fn sampler(&self) -> FieldSampler<S> {
        FieldSampler::new(self.sites, self.temperature.recip())
    }

    /// Draws independent samples, and reports on the way.
    fn draw_exact(
        &self,
        samples: usize,
        generator: &mut Generator,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        report(progress, 0.0)?;
        let sampler = self.sampler();
        let mut values = vec![0.0; samples * sampler.features()];
        for (row, features) in values.chunks_exact_mut(sampler.features()).enumerate() {
            if row % SAMPLES_PER_REPORT == 0 {
                report(progress, row as f64 / samples as f64)?;
            }
            sampler.draw_row(features, generator);
        }
        let drawn = DirectorMatrix::new(S::UNIT, self.sites, values).into();
        let energies = (0..samples).map(|row| self.energy(&drawn, row)).collect();
        report(progress, 1.0)?;
        Ok(independent_ensemble(drawn, energies))
    }
}

/// Adds the features of all sites to `total`.
fn add_features(features: &[f32], total: &mut [f64]) {
    for feature in features.chunks_exact(total.len()) {
        let numbers = total.iter_mut().zip(feature);
        numbers.for_each(|(total, y)| *total += f64::from(*y));
    }
}

impl<S: OrientationSpace> MeanField for Nematic<S> {
    /// Features: sites x K.
    type Sites = Vec<f32>;
    type Record = Vec<f32>;

    fn sites(&self) -> usize {
        self.sites
    }

    fn dimension(&self) -> usize {
        S::UNIT.width()
    }

    fn log_measure(&self) -> f64 {
        0.0
    }

    /// Below this the infinite system has no ordered phase, not even a metastable
    /// one, so that a ladder from here crosses the transition.
    fn ordering_beta(&self) -> f64 {
        S::ORDERED_BELOW.recip()
    }

    fn blank(&self) -> Vec<f32> {
        vec![0.0; self.sites * S::UNIT.width()]
    }

    fn draw_sites(
        &self,
        _beta: f64,
        field: &[f32],
        sites: &mut Vec<f32>,
        total: &mut [f64],
        generator: &mut Generator,
    ) {
        // `total` holds the field in double precision until the sum is known.
        for (total, field) in total.iter_mut().zip(field) {
            *total = f64::from(*field);
        }
        S::draw(total, sites, generator);
        total.fill(0.0);
        add_features(sites, total);
    }

    fn record(&self, sites: &Vec<f32>) -> Vec<f32> {
        sites.clone()
    }

    fn collect(&self, records: Vec<Vec<f32>>) -> Configurations {
        DirectorMatrix::new(S::UNIT, self.sites, records.concat()).into()
    }
}

impl<S: OrientationSpace> System for Nematic<S> {
    fn unit(&self) -> Unit {
        S::UNIT
    }

    fn sites(&self) -> usize {
        self.sites
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Exact, then Gibbs in the disordered phase and tempering below it.
    fn methods(&self) -> Vec<SamplingMethod> {
        let chain = SamplingMethod::of_chain(self, self.beta());
        let mut chains = [SamplingMethod::Gibbs, SamplingMethod::Tempering];
        chains.sort_by_key(|&method| method != chain);
        vec![SamplingMethod::Exact, chains[0], chains[1]]
    }

    fn sample(
        &self,
        method: SamplingMethod,
        samples: usize,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        check_samples(S::UNIT, self.sites, samples)?;
        match method {
            SamplingMethod::Exact => self.draw_exact(samples, &mut streams("exact"), progress),
            SamplingMethod::Gibbs | SamplingMethod::Tempering => {
                chained(self, self.beta(), method, samples, streams, progress)
            }
            other => Err(PhysicsError::MethodMissing {
                method: other.name(),
                model: S::MODEL,
                known: "`exact`, `gibbs`, `tempering`",
            }),
        }
    }

    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError> {
        Ok(Some(Box::new(self.sampler())))
    }

    fn log_partition(
        &self,
        _streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError> {
        report(progress, 0.0)?;
        let value = self.quadrature().log_partition;
        report(progress, 1.0)?;
        Ok(Some(LogPartition {
            value,
            standard_error: 0.0,
            method: LogPartitionMethod::Quadrature,
        }))
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        let mean = self.mean_feature(configurations, row);
        -0.5 * self.sites as f64 * mean.iter().map(|y| y * y).sum::<f64>()
    }

    fn mean_field_theory(&self) -> Result<Option<Box<dyn MeanFieldTheory>>, PhysicsError> {
        Ok(Some(Box::new(Theory::new(self))))
    }

    fn order_parameters(&self) -> Vec<String> {
        S::ORDER_PARAMETERS
            .iter()
            .map(|&name| name.to_owned())
            .collect()
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        S::order_values(&self.mean_feature(configurations, row))
    }

    /// `abs_order_norm` and `susceptibility` in the plane alone, from 16 molecules on: odd
    /// moments of `|Y|` are not moments of the field. The susceptibility is left out where
    /// the fluctuations of `|Y|` are lost in the digits of its square.
    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        let field = self.quadrature();
        let sites = self.sites as f64;
        let energy = -0.5 * field.squared_order;
        let variance = 0.25 * sites * field.squared_order_variance;
        let entropy = field.log_partition / sites + self.beta() * energy;
        let binder = 1.0 - field.fourth_order() / (3.0 * field.squared_order.powi(2));
        let length = S::mean_order(self.sites, self.beta());
        let variance_of_length = length
            .map(|length| field.squared_order - length * length)
            .filter(|&variance| variance > KNOWN_FLUCTUATION * field.squared_order);
        let lengths = [
            ("abs_order_norm", length),
            (
                "susceptibility",
                variance_of_length.map(|variance| self.beta() * sites * variance),
            ),
        ];
        let lengths = lengths
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Ok([
            ("log_partition", field.log_partition),
            ("energy_per_site", energy),
            ("energy_variance_per_site", variance),
            ("specific_heat", self.beta().powi(2) * variance),
            ("entropy_per_site", entropy),
            ("squared_order_norm", field.squared_order),
            ("binder_cumulant", binder),
        ]
        .into_iter()
        .chain(lengths)
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
    }
}
