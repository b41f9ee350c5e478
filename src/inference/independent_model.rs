//! The model in which every unit is active by itself: the baseline.

use super::population::PopulationStatistics;
use super::population_counts::{check_triplet_units, pairs, triplets};
use super::population_error::PopulationError;
use crate::bits::BitMatrix;

/// Independent units, each with the rate it had in training.
///
/// Rates are smoothed by Laplace's rule, `(active + 1) / (n + 2)`, so that no
/// configuration has probability zero; all that the model says uses them.
#[derive(Debug, Clone, PartialEq)]
pub struct IndependentModel {
    rates: Vec<f64>,
}

impl IndependentModel {
    /// Takes the rates of training configurations.
    ///
    /// # Errors
    ///
    /// [`PopulationError::Empty`] if there is no configuration or no unit.
    pub fn fit(train: &BitMatrix) -> Result<Self, PopulationError> {
        let counted = PopulationStatistics::of(train, &[])?;
        let n = train.rows() as f64;
        let smoothed = counted
            .rates
            .iter()
            .map(|rate| (rate * n + 1.0) / (n + 2.0));
        Ok(Self {
            rates: smoothed.collect(),
        })
    }

    /// Probability that each unit is active.
    #[must_use]
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The model's exact statistics.
    ///
    /// Correlations and connected triplets are 0. P(K) is the
    /// Poisson-binomial distribution, built unit by unit:
    ///
    /// ```text
    /// P_i(K) = (1 - p_i) P_{i-1}(K) + p_i P_{i-1}(K - 1)
    /// ```
    ///
    /// # Errors
    ///
    /// [`PopulationError::TripletUnit`] if the triplet units are not distinct units.
    pub fn statistics(
        &self,
        triplet_sites: &[usize],
    ) -> Result<PopulationStatistics, PopulationError> {
        let units = self.rates.len();
        check_triplet_units(triplet_sites, units)?;
        Ok(PopulationStatistics {
            configurations: None,
            rates: self.rates.clone(),
            correlations: vec![0.0; pairs(units).count()],
            constant_pairs: 0,
            active_count: poisson_binomial(&self.rates),
            triplets: vec![0.0; triplets(triplet_sites.len()).count()],
        })
    }

    /// Log-likelihood of each configuration, nats.
    ///
    /// # Errors
    ///
    /// [`PopulationError::Mismatch`] if the configurations are of other units.
    pub fn log_likelihood(&self, bits: &BitMatrix) -> Result<Vec<f64>, PopulationError> {
        let (model, data) = (self.rates.len(), bits.columns());
        if model != data {
            return Err(PopulationError::Mismatch {
                what: "units",
                model,
                data,
            });
        }
        let silent: f64 = self.rates.iter().map(|&p| (-p).ln_1p()).sum();
        let logits: Vec<f64> = self.rates.iter().map(|&p| (p / (1.0 - p)).ln()).collect();
        let one = |row| {
            let active = logits.iter().enumerate().filter(|&(i, _)| bits.get(row, i));
            silent + active.map(|(_, logit)| logit).sum::<f64>()
        };
        Ok((0..bits.rows()).map(one).collect())
    }
}

/// Distribution of the number of successes in independent trials.
pub(super) fn poisson_binomial(rates: &[f64]) -> Vec<f64> {
    let mut distribution = vec![0.0; rates.len() + 1];
    distribution[0] = 1.0;
    for (unit, &rate) in rates.iter().enumerate() {
        for k in (1..=unit + 1).rev() {
            distribution[k] = (1.0 - rate) * distribution[k] + rate * distribution[k - 1];
        }
        distribution[0] *= 1.0 - rate;
    }
    distribution
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every configuration of `units`, once each, as rows.
    fn all_configurations(units: usize) -> BitMatrix {
        let words = (0..1 << units).collect();
        BitMatrix::from_words(1 << units, units, words).unwrap()
    }

    fn model() -> IndependentModel {
        IndependentModel {
            rates: vec![0.1, 0.7, 0.25, 0.5, 0.9, 0.03],
        }
    }

    #[test]
    fn likelihood_and_active_count_agree_with_enumeration() {
        let bits = all_configurations(6);
        let logs = model().log_likelihood(&bits).unwrap();
        let mut active_count = vec![0.0; 7];
        for (row, log) in logs.iter().enumerate() {
            let factor = |(i, &p): (usize, &f64)| if bits.get(row, i) { p } else { 1.0 - p };
            let product: f64 = model().rates.iter().enumerate().map(factor).product();
            assert!((log.exp() - product).abs() < 1e-14);
            active_count[bits.count_ones(row)] += product;
        }
        let found = model().statistics(&[0, 1, 2, 5]).unwrap();
        for (found, expected) in found.active_count.iter().zip(&active_count) {
            assert!((found - expected).abs() < 1e-14);
        }
        assert_eq!((found.correlations.len(), found.triplets.len()), (15, 4));
        assert!(
            found
                .correlations
                .iter()
                .chain(&found.triplets)
                .all(|&c| c == 0.0)
        );
    }

    #[test]
    fn equal_rates_give_the_binomial_distribution() {
        let found = poisson_binomial(&[0.5; 4]);
        for (found, expected) in found.iter().zip([1.0, 4.0, 6.0, 4.0, 1.0]) {
            assert!((found - expected / 16.0).abs() < 1e-15);
        }
    }

    #[test]
    fn rates_follow_laplaces_rule_and_the_unseen_is_possible() {
        let mut train = BitMatrix::zeros(8, 2);
        for row in 0..8 {
            train.set(row, 0, true);
        }
        let model = IndependentModel::fit(&train).unwrap();
        assert!((model.rates()[0] - 0.9).abs() < 1e-12);
        assert!((model.rates()[1] - 0.1).abs() < 1e-12);
        let mut test = BitMatrix::zeros(1, 2);
        test.set(0, 1, true);
        let logs = model.log_likelihood(&test).unwrap();
        assert!((logs[0] - 0.01_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn configurations_of_other_units_are_refused() {
        let error = model().log_likelihood(&BitMatrix::zeros(1, 5)).unwrap_err();
        let expected = PopulationError::Mismatch {
            what: "units",
            model: 6,
            data: 5,
        };
        assert_eq!(error, expected);
    }
}
