//! The rival reading of correlations: common input, cells independent given the stimulus.

use super::repeats::Repeats;
use crate::bits::BitMatrix;
use crate::inference::InferenceError;
use crate::inference::block_sums::check_count;

/// Pseudo-count of [`StimulusModel::fit`] that weighs as Jeffreys' prior of a rate does:
/// one observation in all.
pub const PSEUDO_COUNT: f64 = 1.0;

/// Cells that are independent given the bin of the stimulus.
///
/// ```text
/// p(x|t) = Π_i p_i(t)^x_i (1 - p_i(t))^(1 - x_i),    p(x) = (1/T) Σ_t p(x|t)
/// ```
///
/// Without the stimulus it is a mixture of independent sites over `T` nodes, with half-logits
/// [`StimulusModel::half_logits`] and weights [`StimulusModel::weights`].
#[derive(Debug, Clone, PartialEq)]
pub struct StimulusModel {
    cells: usize,
    bins: Vec<u32>,
    half_logits: Vec<f64>,
}

impl StimulusModel {
    /// Takes the rate of each cell in each bin from training repeats:
    ///
    /// ```text
    /// p_i(t) = (k_i(t) + a m_i) / (R + a),    m_i = (Σ_t k_i(t) + 1/2) / (R T + 1)
    /// ```
    ///
    /// where `k_i(t)` of `R` repeats have cell `i` active in bin `t`, and the pseudo-count
    /// `a` draws rates towards the cell's mean, so that nothing has probability 0.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] if there is no cell.
    /// - [`InferenceError::Count`] if `bits` has not the rows of `repeats`.
    /// - [`InferenceError::OutOfRange`] if the pseudo-count is not positive and finite.
    pub fn fit(
        bits: &BitMatrix,
        repeats: &Repeats,
        pseudo_count: f64,
    ) -> Result<Self, InferenceError> {
        repeats.check_rows(bits.rows())?;
        if bits.columns() == 0 {
            return Err(InferenceError::Empty { what: "cells" });
        }
        if !(pseudo_count > 0.0 && pseudo_count.is_finite()) {
            return Err(InferenceError::OutOfRange {
                what: "the pseudo-count",
                value: pseudo_count,
                expected: "a positive number",
            });
        }
        let counts = active_counts(bits, repeats);
        let total = bits.rows() as f64 + 1.0;
        let mean = |cell| {
            let active = counts.iter().skip(cell).step_by(bits.columns());
            (active.sum::<f64>() + 0.5) / total
        };
        let means: Vec<f64> = (0..bits.columns()).map(mean).collect();
        let shown = repeats.repeats().len() as f64;
        let half_logit = |(active, mean): (&f64, &f64)| {
            let silent = shown - active + pseudo_count * (1.0 - mean);
            0.5 * ((active + pseudo_count * mean) / silent).ln()
        };
        let cells = counts.iter().zip(means.iter().cycle());
        Ok(Self {
            cells: bits.columns(),
            bins: repeats.bins().to_vec(),
            half_logits: cells.map(half_logit).collect(),
        })
    }

    /// The labels of the bins: `T`, rising.
    #[must_use]
    pub fn bins(&self) -> &[u32] {
        &self.bins
    }

    /// Half of the log odds of each cell to be active in each bin: `T x N`.
    #[must_use]
    pub fn half_logits(&self) -> &[f64] {
        &self.half_logits
    }

    /// The probability of each bin, `1/T`: `T`.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        vec![1.0 / self.bins.len() as f64; self.bins.len()]
    }

    /// Log-likelihood of each configuration given its own bin, nats.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Count`] if there is not one bin a configuration, or if the
    ///   configurations are of another number of cells.
    /// - [`InferenceError::OutOfRange`] if a bin is not among those of the training repeats.
    pub fn log_likelihood(
        &self,
        bits: &BitMatrix,
        bin: &[u32],
    ) -> Result<Vec<f64>, InferenceError> {
        check_count("cells", bits.columns(), self.cells)?;
        check_count("labels of bins", bin.len(), bits.rows())?;
        let nodes = self.half_logits.chunks_exact(self.cells);
        // ln(1 - p) = -ln(1 + e^{2φ}).
        let silent: Vec<f64> = nodes
            .map(|cells| cells.iter().map(|&phi| -log_one_plus_exp(2.0 * phi)).sum())
            .collect();
        let one = |(row, label): (usize, &u32)| {
            let place = self.bins.binary_search(label);
            let place = place.map_err(|_| InferenceError::OutOfRange {
                what: "the bin of a configuration",
                value: f64::from(*label),
                expected: "a bin of the training repeats",
            })?;
            let cells = &self.half_logits[place * self.cells..(place + 1) * self.cells];
            let active = cells.iter().enumerate().filter(|&(i, _)| bits.get(row, i));
            Ok(silent[place] + active.map(|(_, phi)| 2.0 * phi).sum::<f64>())
        };
        bin.iter().enumerate().map(one).collect()
    }
}

/// How many repeats have each cell active in each bin: `T x N`.
fn active_counts(bits: &BitMatrix, repeats: &Repeats) -> Vec<f64> {
    let cells = bits.columns();
    let mut counts = vec![0.0; repeats.bins().len() * cells];
    for rows in repeats.each() {
        for (count, &row) in counts.chunks_exact_mut(cells).zip(rows) {
            for (cell, count) in count.iter_mut().enumerate() {
                *count += f64::from(u8::from(bits.get(row, cell)));
            }
        }
    }
    counts
}

/// `ln(1 + e^x)`, without overflow.
fn log_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three repeats of bins 4 and 6 and two cells: cell 0 is active in bin 4 of all
    /// repeats, cell 1 in bin 6 of repeat 1.
    fn model(pseudo_count: f64) -> StimulusModel {
        let repeats = Repeats::new(&[0, 0, 1, 1, 2, 2], &[4, 6, 4, 6, 6, 4]).unwrap();
        let mut bits = BitMatrix::zeros(6, 2);
        for (row, cell) in [(0, 0), (2, 0), (5, 0), (3, 1)] {
            bits.set(row, cell, true);
        }
        StimulusModel::fit(&bits, &repeats, pseudo_count).unwrap()
    }

    #[test]
    fn rates_and_likelihood_are_those_by_hand() {
        // Means (3 + 1/2) / 7 = 1/2 and (1 + 1/2) / 7 = 3/14; with a = 2 the rates are
        // (3 + 1)/5, (0 + 3/7)/5 in bin 4 and (0 + 1)/5, (1 + 3/7)/5 in bin 6.
        let model = model(2.0);
        let rates = [0.8, 3.0 / 35.0, 0.2, 10.0 / 35.0];
        for (phi, rate) in model.half_logits().iter().zip(rates) {
            assert!(((2.0 * phi).exp() / (1.0 + (2.0 * phi).exp()) - rate).abs() < 1e-14);
        }
        assert_eq!(model.bins(), [4, 6]);
        assert_eq!(model.weights(), [0.5, 0.5]);
        let mut held_out = BitMatrix::zeros(2, 2);
        held_out.set(0, 0, true);
        held_out.set(1, 1, true);
        let found = model.log_likelihood(&held_out, &[6, 4]).unwrap();
        let expected = [0.2 * 25.0 / 35.0, 0.2 * 3.0 / 35.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - f64::ln(expected)).abs() < 1e-14);
        }
    }

    #[test]
    fn probabilities_of_all_configurations_sum_to_one_in_each_bin() {
        let all = BitMatrix::from_words(4, 2, vec![0, 1, 2, 3]).unwrap();
        for bin in [4, 6] {
            let logs = model(PSEUDO_COUNT).log_likelihood(&all, &[bin; 4]).unwrap();
            let total: f64 = logs.iter().map(|log| log.exp()).sum();
            assert!((total - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bits = BitMatrix::zeros(2, 2);
        let repeats = Repeats::new(&[0, 1], &[0, 0]).unwrap();
        for pseudo_count in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                StimulusModel::fit(&bits, &repeats, pseudo_count),
                Err(InferenceError::OutOfRange { .. })
            ));
        }
        let count = |found| matches!(found, Err(InferenceError::Count { .. }));
        assert!(StimulusModel::fit(&BitMatrix::zeros(2, 0), &repeats, 1.0).is_err());
        assert!(StimulusModel::fit(&BitMatrix::zeros(3, 2), &repeats, 1.0).is_err());
        let model = model(1.0);
        assert!(count(
            model.log_likelihood(&BitMatrix::zeros(2, 3), &[4, 6])
        ));
        assert!(count(model.log_likelihood(&bits, &[4])));
        let error = model.log_likelihood(&bits, &[4, 5]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the bin of a configuration is 5, expected a bin of the training repeats"
        );
    }
}
