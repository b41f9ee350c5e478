//! How well a model reproduces the statistics of a population.

use super::blocks::{Estimate, Jackknife};
use super::population::{BlockedPopulation, PopulationStatistics};
use super::population_error::PopulationError;

/// How well a model reproduces data; errors are those of the data alone.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationComparison {
    /// Root of the mean squared difference of the correlations of pairs.
    pub correlation_rmse: Estimate,
    /// Pearson r between the model's and the data's correlations of pairs; 0
    /// if either are all equal, as an independent model's are.
    pub correlation_r: Estimate,
    /// Pearson r between the connected triplets; 0 if either are all equal, or
    /// there is none.
    pub triplet_r: Estimate,
    /// `KL(P_data(K) || P_model(K))`, nats.
    pub active_count_kl: Estimate,
    /// Mean rate of the model less that of the data.
    pub mean_rate_difference: Estimate,
}

/// The numbers of a comparison, without errors.
type Scores = [f64; 5];

fn scores(model: &PopulationStatistics, data: &PopulationStatistics) -> Scores {
    [
        rmse(&model.correlations, &data.correlations),
        pearson(&model.correlations, &data.correlations),
        pearson(&model.triplets, &data.triplets),
        active_count_divergence(data, model),
        model.mean_rate() - data.mean_rate(),
    ]
}

/// Compares a model with data; each error is a jackknife over the blocks of
/// the data, with the model held fixed.
///
/// # Errors
///
/// - [`PopulationError::Mismatch`] if model and data differ in their number of
///   units or triplets.
/// - [`PopulationError::TooFewBlocks`] if the data have fewer than two blocks.
pub fn compare(
    model: &PopulationStatistics,
    data: &BlockedPopulation,
) -> Result<PopulationComparison, PopulationError> {
    let all = data.statistics();
    same("units", model.rates.len(), all.rates.len())?;
    same("triplets", model.triplets.len(), all.triplets.len())?;
    let values = scores(model, all);
    let mut jackknives = values.map(Jackknife::new);
    for part in data.without_each()? {
        for (jackknife, score) in jackknives.iter_mut().zip(scores(model, &part)) {
            jackknife.add(score);
        }
    }
    let count = all.configurations.unwrap_or(0);
    let mut estimates = values.map(|value| Estimate {
        value,
        standard_error: 0.0,
        count,
    });
    for (estimate, jackknife) in estimates.iter_mut().zip(&jackknives) {
        estimate.standard_error = jackknife.standard_error();
    }
    let [
        correlation_rmse,
        correlation_r,
        triplet_r,
        active_count_kl,
        mean_rate_difference,
    ] = estimates;
    Ok(PopulationComparison {
        correlation_rmse,
        correlation_r,
        triplet_r,
        active_count_kl,
        mean_rate_difference,
    })
}

fn same(what: &'static str, model: usize, data: usize) -> Result<(), PopulationError> {
    if model == data {
        return Ok(());
    }
    Err(PopulationError::Mismatch { what, model, data })
}

/// Kullback-Leibler divergence of P(K), nats: data first, model second.
///
/// Where the data have a K that a counted model never showed, the model's
/// probability is that of half a configuration, `1 / (2 n)`; the others stay as
/// they are. An exact model needs no such floor, save for the smallest
/// positive number where its probability underflows.
#[must_use]
pub fn active_count_divergence(data: &PopulationStatistics, model: &PopulationStatistics) -> f64 {
    let floor = match model.configurations {
        Some(n) => 0.5 / n as f64,
        None => f64::MIN_POSITIVE,
    };
    let terms = data.active_count.iter().zip(&model.active_count);
    terms
        .filter(|&(&p, _)| p > 0.0)
        .map(|(&p, &q)| p * (p / if q > 0.0 { q } else { floor }).ln())
        .sum()
}

fn rmse(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / a.len().max(1) as f64).sqrt()
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().max(1) as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    // Equal values may leave rounding errors of their mean behind.
    let varies = |squares: f64, mean: f64| squares > 1e-28 * count * mean * mean;
    if varies(aa, mean_a) && varies(bb, mean_b) {
        ab / (aa * bb).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::inference::consecutive_blocks;
    use crate::random::{stream, uniform};

    fn with_counts(active_count: &[f64], configurations: Option<usize>) -> PopulationStatistics {
        PopulationStatistics {
            configurations,
            rates: vec![0.5; 2],
            correlations: vec![0.0],
            constant_pairs: 0,
            active_count: active_count.to_vec(),
            triplets: Vec::new(),
        }
    }

    /// Units with a common cause of varying strength, or none.
    fn draw(rows: usize, strength: f64, seed: &str) -> BitMatrix {
        let mut generator = stream(seed, &["comparison"]);
        let mut bits = BitMatrix::zeros(rows, 8);
        for row in 0..rows {
            let common = uniform(&mut generator) - 0.5;
            for unit in 0..8 {
                let rate = 0.3 + strength * common * unit as f64 / 14.0;
                bits.set(row, unit, uniform(&mut generator) < rate);
            }
        }
        bits
    }

    fn blocked(bits: &BitMatrix) -> BlockedPopulation {
        let blocks = consecutive_blocks(bits.rows(), 100);
        BlockedPopulation::new(bits, &blocks, &[5, 6, 7, 4]).unwrap()
    }

    #[test]
    fn divergence_of_counts_follows_its_definition_and_its_floor() {
        let data = with_counts(&[0.5, 0.25, 0.25], Some(4));
        let exact = with_counts(&[0.25, 0.5, 0.25], None);
        let expected = 0.5 * 2.0_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((active_count_divergence(&data, &exact) - expected).abs() < 1e-12);
        // K = 2 never shown among 10: its probability counts as 1 / 20.
        let counted = with_counts(&[0.5, 0.5, 0.0], Some(10));
        let expected = 0.25 * 0.5_f64.ln() + 0.25 * 5.0_f64.ln();
        assert!((active_count_divergence(&data, &counted) - expected).abs() < 1e-12);
        assert!(active_count_divergence(&data, &data).abs() < 1e-15);
    }

    #[test]
    fn pearson_and_rmse_agree_with_hand_calculation() {
        let (a, b) = ([1.0, 2.0, 3.0], [2.0, 1.0, 3.0]);
        // Covariances: 2, 2 and 1.
        assert!((pearson(&a, &b) - 0.5).abs() < 1e-12);
        assert!((rmse(&a, &b) - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((pearson(&[0.1; 3], &b), pearson(&[], &[])), (0.0, 0.0));
    }

    #[test]
    fn a_model_equal_to_the_data_has_no_difference() {
        let data = blocked(&draw(4000, 1.0, "41"));
        let found = compare(data.statistics(), &data).unwrap();
        assert!(found.correlation_rmse.value < 1e-12);
        assert!((found.correlation_r.value - 1.0).abs() < 1e-12);
        assert!((found.triplet_r.value - 1.0).abs() < 1e-12);
        assert!(found.active_count_kl.value.abs() < 1e-12);
        assert!(found.mean_rate_difference.value.abs() < 1e-12);
        assert_eq!(found.correlation_r.count, 4000);
    }

    #[test]
    fn two_draws_of_one_model_agree_within_errors_and_independent_units_do_not_correlate() {
        let data = blocked(&draw(20_000, 1.0, "42"));
        let again = blocked(&draw(20_000, 1.0, "43"));
        let found = compare(again.statistics(), &data).unwrap();
        assert!(found.correlation_r.value > 0.8, "{found:?}");
        // Both sides have an equal error, that of one side is known.
        let pull = found.mean_rate_difference.value
            / (found.mean_rate_difference.standard_error * 2.0_f64.sqrt());
        assert!(pull.abs() < 4.0, "pull {pull}");
        let independent = blocked(&draw(20_000, 0.0, "44"));
        let found = compare(independent.statistics(), &data).unwrap();
        // Of 28 pairs without relation, r has the standard error 1 / sqrt(27).
        let pull = found.correlation_r.value * 27.0_f64.sqrt();
        assert!(pull.abs() < 4.0, "pull {pull}");
    }

    #[test]
    fn models_of_other_units_are_refused() {
        let data = blocked(&draw(200, 1.0, "45"));
        let other = with_counts(&[0.5, 0.25, 0.25], None);
        let error = compare(&other, &data).unwrap_err();
        let expected = PopulationError::Mismatch {
            what: "units",
            model: 2,
            data: 8,
        };
        assert_eq!(error, expected);
    }
}
