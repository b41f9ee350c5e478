//! The mean activity of the cells in each basin.

use crate::bits::BitMatrix;
use crate::inference::block_sums::check_count;
use crate::inference::blocks::{Jackknife, grouped};
use crate::inference::{Estimate, InferenceError, PopulationError};

/// What the population does in one basin.
#[derive(Debug, Clone, PartialEq)]
pub struct BasinPattern {
    /// Probability of the basin.
    pub probability: Estimate,
    /// Activity of the cells in it; none if one block holds all of its rows, or if there
    /// are none, so that it has no error.
    pub activity: Option<BasinActivity>,
}

/// Activity of the cells in one basin.
#[derive(Debug, Clone, PartialEq)]
pub struct BasinActivity {
    /// Probability of each cell to be active: `N`.
    pub rates: Vec<Estimate>,
    /// Mean number of active cells.
    pub active_count: Estimate,
}

/// A membership whose rows sum to 1 within this is taken as it is.
const TOLERANCE: f64 = 1e-6;

/// One block may hold all but this part of a basin.
const NEGLIGIBLE: f64 = 1e-12;

/// Mean activity in each basin, `Σ_r w_rb x_ri / Σ_r w_rb`, with jackknife errors over blocks.
///
/// `membership` is `rows x B`: the probability of each row to be in each basin, from
/// [`super::Landscape::membership`] or [`hard_membership`]. `blocks` names the block of each
/// row, its repeat.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no row or no basin.
/// - [`InferenceError::Count`] if the memberships do not fill the rows.
/// - [`InferenceError::OutOfRange`] if one is negative or those of a row do not sum to 1.
/// - [`InferenceError::Blocks`] if there is not one label a row, or only one block.
pub fn basin_patterns(
    bits: &BitMatrix,
    membership: &[f64],
    blocks: &[u32],
) -> Result<Vec<BasinPattern>, InferenceError> {
    let rows = bits.rows();
    if rows == 0 || membership.is_empty() {
        return Err(InferenceError::Empty {
            what: "rows in a basin",
        });
    }
    let basins = membership.len().div_ceil(rows);
    check_count("memberships", membership.len(), rows * basins)?;
    membership.chunks_exact(basins).try_for_each(check_row)?;
    let groups = grouped(rows, blocks)?;
    if groups.len() < 2 {
        let found = groups.len();
        return Err(PopulationError::TooFewBlocks { found }.into());
    }
    let pattern = |basin| {
        let sums = groups.iter().map(|group| {
            let mut sums = Sums::new(bits.columns());
            for &row in group {
                sums.add(bits, row, membership[row * basins + basin]);
            }
            sums
        });
        pattern(&sums.collect::<Vec<_>>())
    };
    Ok((0..basins).map(pattern).collect())
}

/// Memberships of rows that are in one basin each, for [`basin_patterns`].
///
/// # Errors
///
/// [`InferenceError::OutOfRange`] if a label is not below `basins`.
pub fn hard_membership(labels: &[usize], basins: usize) -> Result<Vec<f64>, InferenceError> {
    let mut membership = vec![0.0; labels.len() * basins];
    for (row, &label) in labels.iter().enumerate() {
        if label >= basins {
            return Err(InferenceError::OutOfRange {
                what: "the label of a row",
                value: label as f64,
                expected: "a number below that of the basins",
            });
        }
        membership[row * basins + label] = 1.0;
    }
    Ok(membership)
}

fn check_row(row: &[f64]) -> Result<(), InferenceError> {
    let refused = |what, value, expected| InferenceError::OutOfRange {
        what,
        value,
        expected,
    };
    if let Some(&value) = row.iter().find(|p| !(0.0..).contains(*p)) {
        return Err(refused("a membership", value, "a probability"));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() <= TOLERANCE {
        return Ok(());
    }
    Err(refused("the sum of a row's memberships", sum, "1"))
}

/// Weighted sums over rows.
#[derive(Debug, Clone)]
struct Sums {
    rows: f64,
    weight: f64,
    /// Weight of the rows in which each cell is active.
    active: Vec<f64>,
}

impl Sums {
    fn new(cells: usize) -> Self {
        Self {
            rows: 0.0,
            weight: 0.0,
            active: vec![0.0; cells],
        }
    }

    fn add(&mut self, bits: &BitMatrix, row: usize, weight: f64) {
        self.rows += 1.0;
        self.weight += weight;
        for cell in bits.up(row) {
            self.active[cell] += weight;
        }
    }

    /// Adds all of `other` times `factor`.
    fn combine(&mut self, other: &Self, factor: f64) {
        self.rows += factor * other.rows;
        self.weight += factor * other.weight;
        for (sum, active) in self.active.iter_mut().zip(&other.active) {
            *sum += factor * active;
        }
    }

    fn active_count(&self) -> f64 {
        self.active.iter().sum::<f64>() / self.weight
    }
}

/// The pattern of one basin from its sums in each block.
fn pattern(blocks: &[Sums]) -> BasinPattern {
    let mut all = Sums::new(blocks[0].active.len());
    for block in blocks {
        all.combine(block, 1.0);
    }
    let count = all.rows as usize;
    let mut probability = Jackknife::new(all.weight / all.rows);
    for block in blocks {
        probability.add((all.weight - block.weight) / (all.rows - block.rows));
    }
    let scattered = |block: &Sums| all.weight - block.weight > NEGLIGIBLE * all.weight;
    let has_error = all.weight > 0.0 && blocks.iter().all(scattered);
    BasinPattern {
        probability: estimate(all.weight / all.rows, &probability, count),
        activity: has_error.then(|| activity(&all, blocks)),
    }
}

fn activity(all: &Sums, blocks: &[Sums]) -> BasinActivity {
    let rate = |sums: &Sums, cell: usize| sums.active[cell] / sums.weight;
    let cells = all.active.len();
    let values: Vec<f64> = (0..cells).map(|cell| rate(all, cell)).collect();
    let mut rates: Vec<Jackknife> = values.iter().map(|&value| Jackknife::new(value)).collect();
    let mut active_count = Jackknife::new(all.active_count());
    for block in blocks {
        let mut left = all.clone();
        left.combine(block, -1.0);
        for (cell, jackknife) in rates.iter_mut().enumerate() {
            jackknife.add(rate(&left, cell));
        }
        active_count.add(left.active_count());
    }
    let count = all.rows as usize;
    let rates = values.iter().zip(&rates);
    BasinActivity {
        rates: rates
            .map(|(&value, rate)| estimate(value, rate, count))
            .collect(),
        active_count: estimate(all.active_count(), &active_count, count),
    }
}

fn estimate(value: f64, jackknife: &Jackknife, count: usize) -> Estimate {
    Estimate {
        value,
        standard_error: jackknife.standard_error(),
        count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{block_mean, consecutive_blocks};
    use crate::random::{stream, uniform};

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found}, expected {expected}"
        );
    }

    fn random_bits(rows: usize, cells: usize) -> BitMatrix {
        let mut generator = stream("basins", &["bits"]);
        let mut bits = BitMatrix::zeros(rows, cells);
        for (row, cell) in (0..rows).flat_map(|r| (0..cells).map(move |c| (r, c))) {
            bits.set(row, cell, uniform(&mut generator) < 0.3);
        }
        bits
    }

    #[test]
    fn one_basin_holds_the_means_over_blocks() {
        let (bits, blocks) = (random_bits(200, 70), consecutive_blocks(200, 20));
        let membership = hard_membership(&[0; 200], 1).unwrap();
        let found = basin_patterns(&bits, &membership, &blocks)
            .unwrap()
            .remove(0);
        close(found.probability.value, 1.0);
        close(found.probability.standard_error, 0.0);
        let activity = found.activity.unwrap();
        assert_eq!(activity.rates.len(), 70);
        for (cell, rate) in activity.rates.iter().enumerate() {
            let values = (0..200).map(|row| f64::from(u8::from(bits.get(row, cell))));
            let expected = block_mean(&values.collect::<Vec<_>>(), &blocks).unwrap();
            close(rate.value, expected.value);
            close(rate.standard_error, expected.standard_error);
        }
        let counts: Vec<f64> = (0..200).map(|row| bits.count_ones(row) as f64).collect();
        let expected = block_mean(&counts, &blocks).unwrap();
        close(activity.active_count.value, expected.value);
        close(
            activity.active_count.standard_error,
            expected.standard_error,
        );
    }

    #[test]
    fn soft_memberships_weigh_rows_and_blocks_are_left_out() {
        let bits = random_bits(60, 3);
        let mut generator = stream("basins", &["membership"]);
        let first: Vec<f64> = (0..60).map(|_| uniform(&mut generator)).collect();
        let membership: Vec<f64> = first.iter().flat_map(|&p| [p, 1.0 - p]).collect();
        let blocks: Vec<u32> = (0..60).map(|row| row % 4).collect();
        let found = basin_patterns(&bits, &membership, &blocks).unwrap();
        let rate = |kept: &dyn Fn(usize) -> bool, basin: usize, cell: usize| {
            let rows: Vec<usize> = (0..60).filter(|&row| kept(row)).collect();
            let weight = |row: usize| membership[2 * row + basin];
            let active = rows.iter().filter(|&&row| bits.get(row, cell));
            let active: f64 = active.map(|&row| weight(row)).sum();
            active / rows.iter().map(|&row| weight(row)).sum::<f64>()
        };
        for (basin, pattern) in found.iter().enumerate() {
            let rates = &pattern.activity.as_ref().unwrap().rates;
            for (cell, estimate) in rates.iter().enumerate() {
                close(estimate.value, rate(&|_| true, basin, cell));
                let parts = [0, 1, 2, 3].map(|left| rate(&|row| row % 4 != left, basin, cell));
                let centre = parts.iter().sum::<f64>() / 4.0;
                let squares: f64 = parts.iter().map(|part| (part - centre).powi(2)).sum();
                close(estimate.standard_error, (squares * 3.0 / 4.0).sqrt());
            }
        }
        close(found[0].probability.value + found[1].probability.value, 1.0);
        close(found[0].probability.value, first.iter().sum::<f64>() / 60.0);
    }

    #[test]
    fn planted_patterns_come_back() {
        // Basin 1 in a third of the rows has cells 0 and 1 at 0.9, else 0.1.
        let mut generator = stream("basins", &["planted"]);
        let labels: Vec<usize> = (0..3000).map(|row| usize::from(row % 3 == 0)).collect();
        let mut bits = BitMatrix::zeros(3000, 2);
        for (row, &label) in labels.iter().enumerate() {
            for cell in 0..2 {
                bits.set(row, cell, uniform(&mut generator) < [0.1, 0.9][label]);
            }
        }
        let membership = hard_membership(&labels, 2).unwrap();
        let found = basin_patterns(&bits, &membership, &consecutive_blocks(3000, 60)).unwrap();
        for (pattern, rate) in found.iter().zip([0.1, 0.9]) {
            let activity = pattern.activity.as_ref().unwrap();
            let truths = [
                (activity.rates[0], rate),
                (activity.active_count, 2.0 * rate),
            ];
            for (estimate, truth) in truths {
                assert!((estimate.value - truth).abs() < 4.0 * estimate.standard_error);
            }
        }
        close(found[1].probability.value, 1.0 / 3.0);
    }

    #[test]
    fn a_basin_of_one_block_has_no_error_and_so_no_pattern() {
        let bits = random_bits(6, 2);
        let blocks = [0, 0, 1, 1, 2, 2];
        let membership = hard_membership(&[0, 0, 0, 1, 0, 0], 3).unwrap();
        let found = basin_patterns(&bits, &membership, &blocks).unwrap();
        assert!(found[0].activity.is_some());
        assert!(found[1].activity.is_none() && found[2].activity.is_none());
        close(found[1].probability.value, 1.0 / 6.0);
        close(found[2].probability.value, 0.0);
    }

    #[test]
    fn what_is_no_membership_is_refused() {
        let bits = random_bits(2, 2);
        let refused = |membership: &[f64], blocks: &[u32]| {
            basin_patterns(&bits, membership, blocks).unwrap_err()
        };
        let out = |membership: &[f64]| {
            matches!(
                refused(membership, &[0, 1]),
                InferenceError::OutOfRange { .. }
            )
        };
        assert!(out(&[0.5, 0.4, 1.0, 0.0]));
        assert!(out(&[1.5, -0.5, 1.0, 0.0]));
        assert!(out(&[f64::NAN, 1.0, 1.0, 0.0]));
        let count = refused(&[1.0, 0.0, 1.0], &[0, 1]);
        assert!(matches!(
            count,
            InferenceError::Count {
                found: 3,
                expected: 4,
                ..
            }
        ));
        assert!(matches!(
            refused(&[], &[0, 1]),
            InferenceError::Empty { .. }
        ));
        let one_block = refused(&[1.0, 1.0], &[0, 0]);
        assert!(matches!(one_block, InferenceError::Blocks(_)));
        assert!(matches!(
            refused(&[1.0, 1.0], &[0]),
            InferenceError::Blocks(_)
        ));
        assert!(hard_membership(&[0, 2], 2).is_err());
    }
}
