//! The Hopfield model: patterns, energy, overlaps, probabilities.

use std::collections::BTreeMap;

use rand::Rng;

use super::error::check_temperature;
use super::exact::{ExactSampler, draw_exact};
use super::sampling::{chained, check_samples, independent_ensemble};
use super::{
    Ensemble, ExactSolution, IndependentSampler, LogPartition, PhysicsError, Progress,
    SamplingMethod, SiteClasses, SpinField, Streams, System, log_partition,
};
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, Unit};
use crate::random::{Generator, uniform};

const MAX_PATTERNS: usize = 256;
/// Far below 2^24, up to which sums of ±1 are exact in single precision.
pub(super) const MAX_SITES: usize = 1 << 16;
/// Keeps `βN` far from the ends of single precision.
const TEMPERATURES: (f64, f64) = (1e-3, 1e6);
/// Largest size of an external field, in units of `J`.
const MAX_FIELD: f64 = 1e3;

/// A Hopfield network in equilibrium.
///
/// ```text
/// H(s) = -(1/2N) Σ_μ (ξ^μ·s)² - Σ_i h_i s_i,   p(s) = exp(-βH(s)) / Z,   s_i = ±1
/// ```
///
/// Self terms are included. Energies and external fields are in units of `J`,
/// temperatures in units of `J / k_B`, entropies and `ln Z` in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct Hopfield {
    patterns: BitMatrix,
    /// One a site; empty if all are zero.
    fields: Vec<f64>,
    temperature: f64,
}

impl Hopfield {
    /// Makes the model that stores `patterns` (P rows, N columns, bit 1 is +1).
    ///
    /// # Errors
    ///
    /// - [`PhysicsError::PatternShape`] if there is no pattern, no site, or more
    ///   than 256 patterns or 65,536 sites.
    /// - [`PhysicsError::Temperature`] if `temperature` is not from 0.001 to 10^6.
    pub fn new(patterns: BitMatrix, temperature: f64) -> Result<Self, PhysicsError> {
        Self::with_fields(patterns, Vec::new(), temperature)
    }

    /// Makes the model that stores `patterns` in the external `fields` `h_i`.
    ///
    /// `fields` are N numbers in units of `J`, or none for no field;
    /// [`fields_along`] makes a uniform field along a pattern.
    ///
    /// # Errors
    ///
    /// As [`Hopfield::new`] does, and
    ///
    /// - [`PhysicsError::FieldCount`] if there are fields, but not one a site.
    /// - [`PhysicsError::ExternalField`] if a field is not a number from -1000 to 1000.
    pub fn with_fields(
        patterns: BitMatrix,
        mut fields: Vec<f64>,
        temperature: f64,
    ) -> Result<Self, PhysicsError> {
        let shape_fits = (1..=MAX_PATTERNS).contains(&patterns.rows())
            && (1..=MAX_SITES).contains(&patterns.columns());
        if !shape_fits {
            return Err(PhysicsError::PatternShape {
                patterns: patterns.rows(),
                sites: patterns.columns(),
                max_patterns: MAX_PATTERNS,
                max_sites: MAX_SITES,
            });
        }
        check_temperature(temperature, TEMPERATURES)?;
        if !fields.is_empty() && fields.len() != patterns.columns() {
            return Err(PhysicsError::FieldCount {
                found: fields.len(),
                sites: patterns.columns(),
            });
        }
        fields.iter().try_for_each(|&field| check_field(field))?;
        if fields.iter().all(|&field| field == 0.0) {
            fields.clear();
        }
        Ok(Self {
            patterns,
            fields,
            temperature,
        })
    }

    /// The stored patterns, one a row.
    #[must_use]
    pub fn patterns(&self) -> &BitMatrix {
        &self.patterns
    }

    /// The external fields `h_i`, one a site, in units of `J`; empty if all are zero.
    #[must_use]
    pub fn fields(&self) -> &[f64] {
        &self.fields
    }

    /// The external field of one site.
    pub(super) fn field(&self, site: usize) -> f64 {
        self.fields.get(site).copied().unwrap_or_default()
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.patterns.columns()
    }

    /// The temperature, in units of `J / k_B`.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The inverse temperature `β = 1/T`, in units of `1/J`.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.temperature.recip()
    }

    /// Computes `ξ^μ·s` for every pattern: P whole numbers from -N to N.
    ///
    /// `row` holds the words of one configuration of N spins.
    ///
    /// # Panics
    ///
    /// Panics if `row` does not have the number of words of a pattern.
    #[track_caller]
    pub fn pattern_sums<'a>(&'a self, row: &'a [u64]) -> impl Iterator<Item = i64> + 'a {
        assert_eq!(row.len(), self.patterns.words_per_row(), "words a row");
        (0..self.patterns.rows()).map(move |pattern| {
            let words = self.patterns.row(pattern).iter().zip(row);
            let differing: u32 = words.map(|(x, s)| (x ^ s).count_ones()).sum();
            self.sites().cast_signed() as i64 - 2 * i64::from(differing)
        })
    }

    /// Computes the overlaps `m^μ = ξ^μ·s / N`, one a pattern, from -1 to 1.
    ///
    /// # Panics
    ///
    /// Panics if `row` does not have the number of words of a pattern.
    #[must_use]
    #[track_caller]
    pub fn overlaps(&self, row: &[u64]) -> Vec<f64> {
        let sites = self.sites() as f64;
        self.pattern_sums(row).map(|x| x as f64 / sites).collect()
    }

    /// Computes the energy `H(s)` of one configuration, in units of `J`.
    ///
    /// # Panics
    ///
    /// Panics if `row` does not have the number of words of a pattern.
    #[must_use]
    #[track_caller]
    pub fn energy(&self, row: &[u64]) -> f64 {
        let squares: i64 = self.pattern_sums(row).map(|x| x * x).sum();
        let spin = |site: usize| {
            if row[site / 64] >> (site % 64) & 1 == 1 {
                1.0
            } else {
                -1.0
            }
        };
        let fields = self.fields.iter().enumerate();
        let aligned: f64 = fields.map(|(site, field)| field * spin(site)).sum();
        -(squares as f64) / (2.0 * self.sites() as f64) - aligned
    }

    /// Computes `ln p(s) = -βH(s) - ln Z`, in nats.
    ///
    /// Its error is that of `log_partition`, the same for all configurations.
    ///
    /// # Panics
    ///
    /// Panics if `row` does not have the number of words of a pattern.
    #[must_use]
    #[track_caller]
    pub fn log_probability(&self, row: &[u64], log_partition: &LogPartition) -> f64 {
        -self.beta() * self.energy(row) - log_partition.value
    }
}

impl System for Hopfield {
    fn unit(&self) -> Unit {
        Unit::Spin
    }

    fn sites(&self) -> usize {
        self.patterns.columns()
    }

    fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Exact if the site classes are affordable, else Gibbs in the disordered
    /// phase and tempering below it.
    fn methods(&self) -> Vec<SamplingMethod> {
        let chain = SamplingMethod::of_chain(&SpinField::new(self), self.beta());
        let mut methods = vec![SamplingMethod::Gibbs, SamplingMethod::Tempering];
        methods.sort_by_key(|&method| method != chain);
        if SiteClasses::new(self).affordable() {
            methods.insert(0, SamplingMethod::Exact);
        }
        methods
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
                let classes = SiteClasses::new(self);
                let drawn = draw_exact(&classes, samples, &mut streams("exact"), progress)?;
                let energies = (0..samples).map(|row| self.energy(drawn.row(row)));
                let energies = energies.collect();
                Ok(independent_ensemble(drawn.into(), energies))
            }
            SamplingMethod::Gibbs | SamplingMethod::Tempering => {
                let field = SpinField::new(self);
                chained(&field, self.beta(), method, samples, streams, progress)
            }
            other => Err(PhysicsError::MethodMissing {
                method: other.name(),
                model: "hopfield",
                known: "`exact`, `gibbs`, `tempering`",
            }),
        }
    }

    fn independent(&self) -> Result<Option<Box<dyn IndependentSampler>>, PhysicsError> {
        let classes = SiteClasses::new(self);
        if !classes.affordable() {
            return Ok(None);
        }
        Ok(Some(Box::new(ExactSampler::new(classes)?)))
    }

    fn log_partition(
        &self,
        streams: Streams<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<LogPartition>, PhysicsError> {
        log_partition(self, streams, progress).map(Some)
    }

    fn energy(&self, configurations: &Configurations, row: usize) -> f64 {
        Hopfield::energy(self, spins(configurations).row(row))
    }

    fn order_parameters(&self) -> Vec<String> {
        let numbers = 1..=self.patterns.rows();
        numbers.map(|number| format!("overlap_{number}")).collect()
    }

    fn order_values(&self, configurations: &Configurations, row: usize) -> Vec<f64> {
        self.overlaps(spins(configurations).row(row))
    }

    fn exact(&self) -> Result<BTreeMap<String, f64>, PhysicsError> {
        let classes = SiteClasses::new(self);
        if !classes.affordable() {
            return Ok(BTreeMap::new());
        }
        let solution = ExactSolution::new(&classes)?;
        Ok(solution.by_name(self.sites(), self.beta(), &self.order_parameters()))
    }
}

/// The spins of a configuration of spins.
#[track_caller]
pub(super) fn spins(configurations: &Configurations) -> &BitMatrix {
    match configurations {
        Configurations::Spins(bits) => bits,
        Configurations::Directors(_) => panic!("found directors, expected spins"),
    }
}

/// Refuses a field that is not a number within the range that can be computed.
fn check_field(field: f64) -> Result<(), PhysicsError> {
    if field.abs() <= MAX_FIELD {
        return Ok(());
    }
    Err(PhysicsError::ExternalField {
        found: field,
        limit: MAX_FIELD,
    })
}

/// The external fields `h_i = strength ξ_i` along pattern number `pattern`, from 0.
///
/// # Panics
///
/// Panics if there is no such pattern.
#[must_use]
#[track_caller]
pub fn fields_along(patterns: &BitMatrix, pattern: usize, strength: f64) -> Vec<f64> {
    (0..patterns.columns())
        .map(|site| {
            if patterns.get(pattern, site) {
                strength
            } else {
                -strength
            }
        })
        .collect()
}

/// Draws `count` patterns of `sites` independent, unbiased spins.
#[must_use]
pub fn draw_patterns(count: usize, sites: usize, generator: &mut Generator) -> BitMatrix {
    let mut patterns = BitMatrix::zeros(count, sites);
    let mut words = vec![0; patterns.words_per_row()];
    for pattern in 0..count {
        words.fill_with(|| generator.next_u64());
        patterns.set_row(pattern, &words);
    }
    patterns
}

/// Draws `count` unbiased patterns of `sites` spins with `<ξ_i^μ ξ_i^ν> = correlation`
/// for every two of them.
///
/// Every site has a parent spin, up or down with probability 1/2. Each pattern takes
/// the parent with probability `√correlation`, and an independent unbiased spin
/// otherwise; two patterns are both children of it with probability `correlation`.
/// Sites are independent. The overlap `ξ^μ·ξ^ν / N` has that mean and the variance
/// `(1 - correlation²) / N`.
///
/// # Errors
///
/// [`PhysicsError::PatternCorrelation`] if `correlation` is not in `[0, 1)`.
pub fn draw_correlated_patterns(
    count: usize,
    sites: usize,
    correlation: f64,
    generator: &mut Generator,
) -> Result<BitMatrix, PhysicsError> {
    if !(0.0..1.0).contains(&correlation) {
        return Err(PhysicsError::PatternCorrelation { found: correlation });
    }
    let parent = draw_patterns(1, sites, generator);
    let mut patterns = draw_patterns(count, sites, generator);
    for (pattern, site) in (0..count).flat_map(|p| (0..sites).map(move |site| (p, site))) {
        if uniform(generator) < correlation.sqrt() {
            patterns.set(pattern, site, parent.get(0, site));
        }
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn energy_is_the_double_sum_over_couplings() {
        let patterns = draw_patterns(3, 70, &mut stream("patterns", &[]));
        let model = Hopfield::new(patterns.clone(), 0.7).unwrap();
        let states = draw_patterns(20, 70, &mut stream("states", &[]));
        let sign = |bits: &BitMatrix, row, i| if bits.get(row, i) { 1.0 } else { -1.0 };
        for row in 0..20 {
            let mut energy = 0.0;
            for (i, j) in (0..70).flat_map(|i| (0..70).map(move |j| (i, j))) {
                let coupling: f64 = (0..3)
                    .map(|p| sign(&patterns, p, i) * sign(&patterns, p, j) / 70.0)
                    .sum();
                energy -= 0.5 * coupling * sign(&states, row, i) * sign(&states, row, j);
            }
            let found = model.energy(states.row(row));
            assert!((found - energy).abs() < 1e-10, "{found} and {energy}");
        }
    }

    #[test]
    fn a_pattern_overlaps_itself_completely_and_its_negative_too() {
        let patterns = draw_patterns(2, 65, &mut stream("patterns", &[]));
        let mut negative = BitMatrix::zeros(1, 65);
        (0..65).for_each(|i| negative.set(0, i, !patterns.get(1, i)));
        let model = Hopfield::new(patterns.clone(), 1.0).unwrap();
        assert!((model.overlaps(patterns.row(1))[1] - 1.0).abs() < 1e-15);
        assert!((model.overlaps(negative.row(0))[1] + 1.0).abs() < 1e-15);
    }

    #[test]
    fn drawn_patterns_are_unbiased() {
        let patterns = draw_patterns(100, 130, &mut stream("patterns", &[]));
        let ones: usize = (0..100).map(|row| patterns.count_ones(row)).sum();
        // Binomial with 13,000 fair trials: four standard deviations.
        let deviation = (ones as f64 - 6500.0) / (13_000.0_f64 / 4.0).sqrt();
        assert!(deviation.abs() < 4.0, "{deviation}");
    }

    #[test]
    fn patterns_drawn_with_a_correlation_have_it_and_stay_unbiased() {
        for correlation in [0.0, 0.2, 0.7] {
            let (count, sites) = (30, 5000);
            let mut generator = stream("patterns", &["correlated"]);
            let patterns =
                draw_correlated_patterns(count, sites, correlation, &mut generator).unwrap();
            let model = Hopfield::new(patterns.clone(), 1.0).unwrap();
            let ones: usize = (0..count).map(|row| patterns.count_ones(row)).sum();
            // Patterns share their parents: the mean of a site has the variance
            // correlation + (1 - correlation) / count.
            let bias = 2.0 * ones as f64 / (count * sites) as f64 - 1.0;
            let shared = correlation + (1.0 - correlation) / count as f64;
            assert!(bias.abs() < 4.0 * (shared / sites as f64).sqrt(), "{bias}");
            let error = ((1.0 - correlation.powi(2)) / sites as f64).sqrt();
            for row in 1..count {
                let overlap = model.overlaps(patterns.row(row))[row - 1];
                assert!(
                    (overlap - correlation).abs() < 4.0 * error,
                    "{row}: {overlap}"
                );
            }
        }
        let mut generator = stream("patterns", &[]);
        for correlation in [-0.1, 1.0, f64::NAN] {
            let error = draw_correlated_patterns(2, 8, correlation, &mut generator).unwrap_err();
            assert!(error.to_string().contains("from 0 to below 1"), "{error}");
        }
    }

    #[test]
    fn fields_that_do_not_fit_are_refused() {
        let patterns = draw_patterns(2, 8, &mut stream("patterns", &[]));
        let message = |fields: Vec<f64>| {
            let refused = Hopfield::with_fields(patterns.clone(), fields, 1.0);
            refused.unwrap_err().to_string()
        };
        assert!(message(vec![0.1; 7]).contains("7 external fields for 8 sites"));
        let mut fields = vec![0.1; 8];
        fields[3] = f64::NAN;
        assert!(message(fields.clone()).contains("an external field of NaN"));
        fields[3] = 1e4;
        assert!(message(fields).contains("from -1000 to 1000"));
    }

    #[test]
    fn what_cannot_be_computed_is_refused_with_the_range() {
        let patterns = draw_patterns(2, 8, &mut stream("patterns", &[]));
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
            let error = Hopfield::new(patterns.clone(), temperature).unwrap_err();
            assert!(
                error.to_string().contains("from 0.001 to 1000000"),
                "{error}"
            );
        }
        for (rows, columns) in [(0, 8), (2, 0)] {
            let error = Hopfield::new(BitMatrix::zeros(rows, columns), 1.0).unwrap_err();
            assert!(
                matches!(error, PhysicsError::PatternShape { .. }),
                "{error}"
            );
        }
    }
}
