//! Means with standard errors over blocks.
//!
//! Time bins of a recording are strongly correlated, so errors go by whole
//! repeats: each is a block, and blocks are taken to be independent and of
//! about equal size. Independent samples are cut into blocks of neighbours.

use std::collections::BTreeMap;

use super::population_error::PopulationError;

/// A number with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard error, in the same unit.
    pub standard_error: f64,
    /// How many values, or configurations, it is made from.
    pub count: usize,
}

/// Labels for independent samples: consecutive blocks of `size`.
///
/// What is left at the end joins the last block. A `size` of 0 counts as 1.
#[must_use]
pub fn consecutive_blocks(count: usize, size: usize) -> Vec<u32> {
    let size = size.max(1);
    let last = (count / size).max(1) - 1;
    (0..count)
        .map(|index| (index / size).min(last) as u32)
        .collect()
}

/// Positions of the values of each block, in the order of the labels.
///
/// # Errors
///
/// [`PopulationError::LabelCount`] if there is not one label a value.
pub(super) fn grouped(values: usize, blocks: &[u32]) -> Result<Vec<Vec<usize>>, PopulationError> {
    if blocks.len() != values {
        return Err(PopulationError::LabelCount {
            values,
            blocks: blocks.len(),
        });
    }
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, &block) in blocks.iter().enumerate() {
        groups.entry(block).or_default().push(index);
    }
    Ok(groups.into_values().collect())
}

/// Gathers estimates made without one block each, into the jackknife's error:
///
/// ```text
/// se^2 = (B - 1) / B * sum_b (t_b - mean of t)^2
/// ```
///
/// where `t_b` is the estimate from all blocks but `b`.
#[derive(Debug, Clone)]
pub(super) struct Jackknife {
    centre: f64,
    count: usize,
    sum: f64,
    squares: f64,
}

impl Jackknife {
    /// Begins; `centre`, the estimate from all blocks, keeps the sums small.
    pub(super) fn new(centre: f64) -> Self {
        Self {
            centre,
            count: 0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    /// Adds the estimate without one block.
    pub(super) fn add(&mut self, estimate: f64) {
        let difference = estimate - self.centre;
        self.count += 1;
        self.sum += difference;
        self.squares += difference * difference;
    }

    /// The standard error; 0 before two estimates are there.
    pub(super) fn standard_error(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let blocks = self.count as f64;
        let spread = self.squares - self.sum * self.sum / blocks;
        (spread.max(0.0) * (blocks - 1.0) / blocks).sqrt()
    }
}

/// Mean of all values, with a jackknife error over blocks.
///
/// # Errors
///
/// - [`PopulationError::LabelCount`] if there is not one label a value.
/// - [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
/// - [`PopulationError::NotFinite`] if a value is NaN or infinite.
pub fn block_mean(values: &[f64], blocks: &[u32]) -> Result<Estimate, PopulationError> {
    let groups = grouped(values.len(), blocks)?;
    if groups.len() < 2 {
        return Err(PopulationError::TooFewBlocks {
            found: groups.len(),
        });
    }
    check_finite(values)?;
    let count = values.len();
    let total: f64 = values.iter().sum();
    let value = total / count as f64;
    let mut jackknife = Jackknife::new(value);
    for group in &groups {
        let block: f64 = group.iter().map(|&index| values[index]).sum();
        jackknife.add((total - block) / (count - group.len()) as f64);
    }
    Ok(Estimate {
        value,
        standard_error: jackknife.standard_error(),
        count,
    })
}

/// Mean of independent values, with the error `s / sqrt(n)`.
///
/// # Errors
///
/// - [`PopulationError::TooFewBlocks`] if there are fewer than two values.
/// - [`PopulationError::NotFinite`] if a value is NaN or infinite.
pub fn mean(values: &[f64]) -> Result<Estimate, PopulationError> {
    let count = values.len();
    if count < 2 {
        return Err(PopulationError::TooFewBlocks { found: count });
    }
    check_finite(values)?;
    let value = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    Ok(Estimate {
        value,
        standard_error: (squares / (count - 1) as f64 / count as f64).sqrt(),
        count,
    })
}

fn check_finite(values: &[f64]) -> Result<(), PopulationError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(PopulationError::NotFinite {
            index,
            value: values[index],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    #[test]
    fn the_error_over_equal_blocks_is_that_of_the_block_means() {
        // Block means 1, 3, 8: variance 13, so the error is sqrt(13 / 3).
        let values = [0.0, 4.0, 9.0, 2.0, 2.0, 7.0];
        let blocks = [5, 7, 9, 5, 7, 9];
        let estimate = block_mean(&values, &blocks).unwrap();
        assert!((estimate.value - 4.0).abs() < 1e-12);
        assert!((estimate.standard_error - (13.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(estimate.count, 6);
    }

    #[test]
    fn blocks_of_one_give_the_error_of_independent_values() {
        let mut generator = stream("11", &["blocks"]);
        let values: Vec<f64> = (0..500).map(|_| uniform(&mut generator)).collect();
        let by_blocks = block_mean(&values, &consecutive_blocks(500, 1)).unwrap();
        let plain = mean(&values).unwrap();
        assert!((by_blocks.value - plain.value).abs() < 1e-12);
        assert!((by_blocks.standard_error - plain.standard_error).abs() < 1e-12);
        // A uniform number has variance 1 / 12 and kurtosis 1.8, so that the estimate
        // of its sd from n = 500 has the relative error sqrt(0.8 / 4 n) = 2 %.
        let exact = (1.0_f64 / 12.0 / 500.0).sqrt();
        assert!((plain.standard_error / exact - 1.0).abs() < 4.0 * 0.02);
    }

    #[test]
    fn errors_over_blocks_see_correlations_within_blocks() {
        // Each value stands ten times: ten times as many values, the same error.
        let mut generator = stream("12", &["blocks"]);
        let values: Vec<f64> = (0..200).map(|_| uniform(&mut generator)).collect();
        let tenfold: Vec<f64> = values.iter().flat_map(|&v| [v; 10]).collect();
        let honest = block_mean(&tenfold, &consecutive_blocks(2000, 10)).unwrap();
        let expected = mean(&values).unwrap().standard_error;
        assert!((honest.standard_error - expected).abs() < 1e-12);
    }

    #[test]
    fn the_last_block_takes_what_is_left() {
        assert_eq!(consecutive_blocks(7, 3), [0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(consecutive_blocks(2, 3), [0, 0]);
        assert_eq!(consecutive_blocks(0, 3), [0_u32; 0]);
    }

    #[test]
    fn what_has_no_error_is_refused() {
        let label = PopulationError::LabelCount {
            values: 2,
            blocks: 1,
        };
        assert_eq!(block_mean(&[1.0, 2.0], &[0]), Err(label));
        let few = |found| Err(PopulationError::TooFewBlocks { found });
        assert_eq!(block_mean(&[1.0, 2.0], &[3, 3]), few(1));
        assert_eq!(mean(&[1.0]), few(1));
        let error = mean(&[1.0, f64::INFINITY]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "value 1 is inf, expected a finite number"
        );
    }
}
