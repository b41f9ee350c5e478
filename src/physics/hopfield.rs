//! The Hopfield model: patterns, energy, overlaps, probabilities.

use rand::Rng;

use super::{LogPartition, PhysicsError};
use crate::bits::BitMatrix;
use crate::random::Generator;

const MAX_PATTERNS: usize = 256;
/// Far below 2^24, up to which sums of ±1 are exact in single precision.
const MAX_SITES: usize = 1 << 16;
/// Keeps `βN` far from the ends of single precision.
const TEMPERATURES: (f64, f64) = (1e-3, 1e6);

/// A Hopfield network in equilibrium.
///
/// ```text
/// H(s) = -(1/2N) Σ_μ (ξ^μ·s)²,   p(s) = exp(-βH(s)) / Z,   s_i = ±1
/// ```
///
/// Self terms are included. Energies are in units of `J`, temperatures in units
/// of `J / k_B`, entropies and `ln Z` in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct Hopfield {
    patterns: BitMatrix,
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
        let (min, max) = TEMPERATURES;
        if !(min..=max).contains(&temperature) {
            let found = temperature;
            return Err(PhysicsError::Temperature { found, min, max });
        }
        Ok(Self {
            patterns,
            temperature,
        })
    }

    /// The stored patterns, one a row.
    #[must_use]
    pub fn patterns(&self) -> &BitMatrix {
        &self.patterns
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
        -(squares as f64) / (2.0 * self.sites() as f64)
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
