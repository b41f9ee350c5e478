//! Statistics of a population of two-valued units: rates, correlations of
//! pairs, triplets, and P(K), where K counts the active units.
//!
//! A unit is 1 when active and 0 when silent.

use super::blocks::{Estimate, Jackknife};
use super::population_counts::{BitColumns, Counts, pair_index, pairs, triplets};
use super::population_error::PopulationError;
use crate::bits::BitMatrix;

/// Statistics of a population of N units; no number in it is ever NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationStatistics {
    /// Configurations counted; none if the statistics are exact.
    pub configurations: Option<usize>,
    /// Probability that each unit is active, N numbers.
    pub rates: Vec<f64>,
    /// Pearson correlation of units i < j, N (N - 1) / 2 numbers, j running
    /// faster; 0 if one of the two never changes.
    pub correlations: Vec<f64>,
    /// Pairs of which one unit never changes.
    pub constant_pairs: usize,
    /// P(K) for K from 0 to N.
    pub active_count: Vec<f64>,
    /// Connected triplets `<(x_i - m_i) (x_j - m_j) (x_k - m_k)>`, not divided
    /// by standard deviations, of all triplets of the chosen units in their
    /// order, the last running fastest.
    pub triplets: Vec<f64>,
}

impl PopulationStatistics {
    /// Counts configurations; `triplet_sites` are the units whose triplets are taken.
    ///
    /// # Errors
    ///
    /// - [`PopulationError::Empty`] if there is no configuration or no unit.
    /// - [`PopulationError::TripletUnit`] if the triplet units are not distinct units.
    pub fn of(bits: &BitMatrix, triplet_sites: &[usize]) -> Result<Self, PopulationError> {
        let one_block = vec![0; bits.rows()];
        Ok(BlockedPopulation::new(bits, &one_block, triplet_sites)?.statistics)
    }

    /// Mean of the rates.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    fn from_counts(counts: &Counts, triplet_sites: &[usize]) -> Self {
        let rows = counts.rows as f64;
        let share = |counts: &[u64]| counts.iter().map(|&c| c as f64 / rows).collect();
        let (correlations, constant_pairs) = correlations(counts);
        Self {
            configurations: Some(counts.rows as usize),
            rates: share(&counts.ones),
            correlations,
            constant_pairs,
            active_count: share(&counts.active),
            triplets: connected_triplets(counts, triplet_sites),
        }
    }
}

/// Pearson correlations, and the number of pairs that have none.
fn correlations(counts: &Counts) -> (Vec<f64>, usize) {
    let rows = counts.rows as f64;
    let rates: Vec<f64> = counts.ones.iter().map(|&c| c as f64 / rows).collect();
    let deviations: Vec<f64> = rates.iter().map(|p| (p * (1.0 - p)).sqrt()).collect();
    let varies = |unit: usize| (1..counts.rows).contains(&counts.ones[unit]);
    let mut constant = 0;
    let correlation = |((i, j), &both): ((usize, usize), &u64)| {
        if !(varies(i) && varies(j)) {
            constant += 1;
            return 0.0;
        }
        (both as f64 / rows - rates[i] * rates[j]) / (deviations[i] * deviations[j])
    };
    let all = pairs(rates.len()).zip(&counts.pairs);
    (all.map(correlation).collect(), constant)
}

fn connected_triplets(counts: &Counts, sites: &[usize]) -> Vec<f64> {
    let rows = counts.rows as f64;
    let rate = |i: usize| counts.ones[i] as f64 / rows;
    let pair = |i: usize, j: usize| {
        let index = pair_index(i.min(j), i.max(j), counts.ones.len());
        counts.pairs[index] as f64 / rows
    };
    let connected = |((a, b, c), &all): ((usize, usize, usize), &u64)| {
        let (i, j, k) = (sites[a], sites[b], sites[c]);
        let (x, y, z) = (rate(i), rate(j), rate(k));
        all as f64 / rows - x * pair(j, k) - y * pair(i, k) - z * pair(i, j) + 2.0 * x * y * z
    };
    let chosen = triplets(sites.len()).zip(&counts.triplets);
    chosen.map(connected).collect()
}

/// Standard errors of [`PopulationStatistics`], entry by entry.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationErrors {
    /// Of the rates.
    pub rates: Vec<f64>,
    /// Of the correlations.
    pub correlations: Vec<f64>,
    /// Of P(K).
    pub active_count: Vec<f64>,
    /// Of the triplets.
    pub triplets: Vec<f64>,
}

/// Statistics of a population together with those without each block.
///
/// Blocks are taken to be independent and of about equal size: whole repeats
/// of a recording, or [consecutive](super::consecutive_blocks) independent samples.
#[derive(Debug, Clone)]
pub struct BlockedPopulation {
    total: Counts,
    blocks: Vec<Counts>,
    triplet_sites: Vec<usize>,
    statistics: PopulationStatistics,
}

impl BlockedPopulation {
    /// Counts configurations block by block, in one pass.
    ///
    /// # Shapes
    ///
    /// - `bits`: a configuration a row.
    /// - `blocks`: the block of each row; rows of a block need not be neighbours.
    /// - `triplet_sites`: the units whose triplets are taken.
    ///
    /// # Errors
    ///
    /// - [`PopulationError::Empty`] if there is no configuration or no unit.
    /// - [`PopulationError::LabelCount`] if there is not one label a row.
    /// - [`PopulationError::TripletUnit`] if the triplet units are not distinct units.
    pub fn new(
        bits: &BitMatrix,
        blocks: &[u32],
        triplet_sites: &[usize],
    ) -> Result<Self, PopulationError> {
        let blocks = BitColumns::new(bits, blocks)?.counts(triplet_sites)?;
        let (first, rest) = blocks.split_first().ok_or(PopulationError::Empty {
            rows: bits.rows(),
            units: bits.columns(),
        })?;
        let total = rest
            .iter()
            .fold(first.clone(), |sum, block| sum.plus(block));
        Ok(Self {
            statistics: PopulationStatistics::from_counts(&total, triplet_sites),
            total,
            triplet_sites: triplet_sites.to_vec(),
            blocks,
        })
    }

    /// Statistics of all blocks together.
    #[must_use]
    pub fn statistics(&self) -> &PopulationStatistics {
        &self.statistics
    }

    /// Statistics without each block in turn.
    ///
    /// # Errors
    ///
    /// [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
    pub(super) fn without_each(
        &self,
    ) -> Result<impl Iterator<Item = PopulationStatistics>, PopulationError> {
        let found = self.blocks.len();
        if found < 2 {
            return Err(PopulationError::TooFewBlocks { found });
        }
        let without = |block| self.total.without(block);
        Ok(self.blocks.iter().map(move |block| {
            PopulationStatistics::from_counts(&without(block), &self.triplet_sites)
        }))
    }

    /// Jackknife errors over blocks of all statistics.
    ///
    /// # Errors
    ///
    /// [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
    pub fn errors(&self) -> Result<PopulationErrors, PopulationError> {
        let begin = |values: &[f64]| -> Vec<Jackknife> {
            values.iter().map(|&value| Jackknife::new(value)).collect()
        };
        let all = &self.statistics;
        let mut rates = begin(&all.rates);
        let mut correlations = begin(&all.correlations);
        let mut active_count = begin(&all.active_count);
        let mut triplets = begin(&all.triplets);
        for part in self.without_each()? {
            add_all(&mut rates, &part.rates);
            add_all(&mut correlations, &part.correlations);
            add_all(&mut active_count, &part.active_count);
            add_all(&mut triplets, &part.triplets);
        }
        let errors =
            |all: &[Jackknife]| -> Vec<f64> { all.iter().map(Jackknife::standard_error).collect() };
        Ok(PopulationErrors {
            rates: errors(&rates),
            correlations: errors(&correlations),
            active_count: errors(&active_count),
            triplets: errors(&triplets),
        })
    }

    /// Mean of the rates, with its jackknife error over blocks.
    ///
    /// # Errors
    ///
    /// [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
    pub fn mean_rate(&self) -> Result<Estimate, PopulationError> {
        self.estimate(PopulationStatistics::mean_rate)
    }

    /// Probability of at least so many active units, with its jackknife error over
    /// blocks.
    ///
    /// # Errors
    ///
    /// [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
    pub fn at_least(&self, active: usize) -> Result<Estimate, PopulationError> {
        self.estimate(|statistics| statistics.active_count.iter().skip(active).sum())
    }

    fn estimate(
        &self,
        of: impl Fn(&PopulationStatistics) -> f64,
    ) -> Result<Estimate, PopulationError> {
        let value = of(&self.statistics);
        let mut jackknife = Jackknife::new(value);
        for part in self.without_each()? {
            jackknife.add(of(&part));
        }
        Ok(Estimate {
            value,
            standard_error: jackknife.standard_error(),
            count: self.total.rows as usize,
        })
    }
}

fn add_all(jackknives: &mut [Jackknife], values: &[f64]) {
    for (jackknife, &value) in jackknives.iter_mut().zip(values) {
        jackknife.add(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{block_mean, consecutive_blocks};
    use crate::random::{stream, uniform};

    fn bits_of(rows: &[&[u8]]) -> BitMatrix {
        let mut bits = BitMatrix::zeros(rows.len(), rows[0].len());
        for (row, values) in rows.iter().enumerate() {
            for (unit, &value) in values.iter().enumerate() {
                bits.set(row, unit, value == 1);
            }
        }
        bits
    }

    /// Three units that share a common cause, so that pairs and triplets are correlated.
    fn correlated(rows: usize, seed: &str) -> BitMatrix {
        let mut generator = stream(seed, &["population"]);
        let mut bits = BitMatrix::zeros(rows, 4);
        for row in 0..rows {
            let rate = if uniform(&mut generator) < 0.3 {
                0.8
            } else {
                0.1
            };
            for unit in 0..3 {
                bits.set(row, unit, uniform(&mut generator) < rate);
            }
            bits.set(row, 3, uniform(&mut generator) < 0.5);
        }
        bits
    }

    fn assert_close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found}, expected {expected}"
        );
    }

    #[test]
    fn statistics_agree_with_sums_over_configurations() {
        let (rows, sites) = (97, [3, 0, 2]);
        let bits = correlated(rows, "31");
        let found = PopulationStatistics::of(&bits, &sites).unwrap();
        let x = |row, unit| f64::from(u8::from(bits.get(row, unit)));
        let average = |f: &dyn Fn(usize) -> f64| (0..rows).map(f).sum::<f64>() / rows as f64;
        let rate: Vec<f64> = (0..4).map(|unit| average(&|row| x(row, unit))).collect();
        let centred = |row, unit: usize| x(row, unit) - rate[unit];
        for ((i, j), &correlation) in pairs(4).zip(&found.correlations) {
            let covariance = average(&|row| centred(row, i) * centred(row, j));
            let variance = |unit| average(&|row| centred(row, unit).powi(2));
            assert_close(correlation, covariance / (variance(i) * variance(j)).sqrt());
        }
        let triplet = average(&|row| sites.iter().map(|&unit| centred(row, unit)).product());
        assert_eq!(found.triplets.len(), 1);
        assert_close(found.triplets[0], triplet);
        assert_close(found.active_count.iter().sum(), 1.0);
        let two = average(&|row| f64::from(u8::from(bits.count_ones(row) == 2)));
        assert_close(found.active_count[2], two);
        assert_close(found.mean_rate(), rate.iter().sum::<f64>() / 4.0);
        assert_eq!(
            (found.configurations, found.constant_pairs),
            (Some(rows), 0)
        );
    }

    #[test]
    fn units_that_never_change_have_correlation_zero_and_are_counted() {
        // Unit 1 is silent, unit 2 always active, units 0 and 3 opposite.
        let bits = bits_of(&[&[0, 0, 1, 1], &[1, 0, 1, 0], &[0, 0, 1, 1]]);
        let found = PopulationStatistics::of(&bits, &[]).unwrap();
        assert_eq!(found.constant_pairs, 5);
        for ((i, j), &correlation) in pairs(4).zip(&found.correlations) {
            assert_close(correlation, if (i, j) == (0, 3) { -1.0 } else { 0.0 });
        }
    }

    #[test]
    fn errors_of_rates_are_those_of_means_over_blocks() {
        let bits = correlated(600, "32");
        let blocks = consecutive_blocks(600, 7);
        let population = BlockedPopulation::new(&bits, &blocks, &[0, 1, 2]).unwrap();
        let errors = population.errors().unwrap();
        for unit in 0..4 {
            let values: Vec<f64> = (0..600)
                .map(|row| f64::from(u8::from(bits.get(row, unit))))
                .collect();
            let expected = block_mean(&values, &blocks).unwrap();
            assert_close(population.statistics().rates[unit], expected.value);
            assert_close(errors.rates[unit], expected.standard_error);
        }
        let values: Vec<f64> = (0..600)
            .map(|row| bits.count_ones(row) as f64 / 4.0)
            .collect();
        let expected = block_mean(&values, &blocks).unwrap();
        let mean_rate = population.mean_rate().unwrap();
        assert_close(mean_rate.value, expected.value);
        assert_close(mean_rate.standard_error, expected.standard_error);
        assert_eq!(mean_rate.count, 600);
    }

    #[test]
    fn the_jackknife_leaves_out_one_block_at_a_time() {
        let bits = correlated(90, "33");
        let blocks: Vec<u32> = (0..90).map(|row| row % 3).collect();
        let population = BlockedPopulation::new(&bits, &blocks, &[0, 1, 3]).unwrap();
        let parts: Vec<PopulationStatistics> = population.without_each().unwrap().collect();
        assert_eq!(parts.len(), 3);
        for (block, part) in (0..3).zip(&parts) {
            let kept: Vec<usize> = (0..90).filter(|row| row % 3 != block).collect();
            let expected = PopulationStatistics::of(&bits.select_rows(&kept), &[0, 1, 3]);
            assert_eq!(part, &expected.unwrap());
        }
        let errors = population.errors().unwrap();
        let values: Vec<f64> = parts.iter().map(|part| part.triplets[0]).collect();
        let centre = values.iter().sum::<f64>() / 3.0;
        let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
        assert_close(errors.triplets[0], (squares * 2.0 / 3.0).sqrt());
    }

    #[test]
    fn correlations_and_triplets_lie_within_their_errors_of_the_truth() {
        // With the rate r being 0.8 (probability 0.3) or 0.1, moments of r give all.
        let moment = |power| 0.3 * 0.8_f64.powi(power) + 0.7 * 0.1_f64.powi(power);
        let (m1, m2, m3) = (moment(1), moment(2), moment(3));
        let correlation = (m2 - m1 * m1) / (m1 * (1.0 - m1));
        let triplet = m3 - 3.0 * m1 * m2 + 2.0 * m1.powi(3);
        let bits = correlated(20_000, "34");
        let blocks = consecutive_blocks(20_000, 100);
        let population = BlockedPopulation::new(&bits, &blocks, &[0, 1, 2, 3]).unwrap();
        let (found, errors) = (population.statistics(), population.errors().unwrap());
        let expected = [correlation, correlation, 0.0, correlation, 0.0, 0.0];
        for (pair, truth) in expected.into_iter().enumerate() {
            let pull = (found.correlations[pair] - truth) / errors.correlations[pair];
            assert!(pull.abs() < 4.0, "pair {pair}, pull {pull}");
        }
        for (index, truth) in [triplet, 0.0, 0.0, 0.0].into_iter().enumerate() {
            let pull = (found.triplets[index] - truth) / errors.triplets[index];
            assert!(pull.abs() < 4.0, "triplet {index}, pull {pull}");
        }
        // Independent configurations: the error of a rate is sqrt(p (1 - p) / n),
        // known from 200 blocks to 1 / sqrt(400) = 5 %.
        let exact = (m1 * (1.0 - m1) / 20_000.0).sqrt();
        assert!((errors.rates[0] / exact - 1.0).abs() < 4.0 * 0.05);
    }

    #[test]
    fn too_little_data_are_errors() {
        let none = PopulationStatistics::of(&BitMatrix::zeros(0, 3), &[]);
        assert_eq!(none, Err(PopulationError::Empty { rows: 0, units: 3 }));
        let bits = BitMatrix::zeros(2, 3);
        let single = BlockedPopulation::new(&bits, &[0, 0], &[]).unwrap();
        let few = PopulationError::TooFewBlocks { found: 1 };
        assert_eq!(single.errors(), Err(few.clone()));
        assert_eq!(single.mean_rate(), Err(few));
        let labels = BlockedPopulation::new(&bits, &[0], &[]).unwrap_err();
        let expected = PopulationError::LabelCount {
            values: 2,
            blocks: 1,
        };
        assert_eq!(labels, expected);
    }
}
