//! Which row of a recording is which bin of which repeat of the stimulus.

use crate::inference::InferenceError;
use crate::inference::block_sums::{check_count, check_values};

/// The rows of a recording in which every repeat shows every bin of the stimulus once.
///
/// Repeats and bins are named by labels and kept in the order of the labels, so that
/// the order of the rows does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    repeat_labels: Vec<u32>,
    bin_labels: Vec<u32>,
    /// Row of each bin of each repeat: `R x T`.
    rows: Vec<usize>,
}

impl Repeats {
    /// Takes the labels of the repeat and of the bin of each row.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Count`] if there are not as many labels of both kinds.
    /// - [`InferenceError::Empty`] if there is no row.
    /// - [`InferenceError::Unbalanced`] if a repeat has not every bin once.
    pub fn new(repeat: &[u32], bin: &[u32]) -> Result<Self, InferenceError> {
        check_count("labels of bins", bin.len(), repeat.len())?;
        if repeat.is_empty() {
            return Err(InferenceError::Empty { what: "rows" });
        }
        let (repeats, bins) = (distinct(repeat), distinct(bin));
        let labels = repeat.iter().zip(bin).enumerate();
        let mut order: Vec<(u32, u32, usize)> = labels.map(|(row, (&r, &b))| (r, b, row)).collect();
        order.sort_unstable();
        if let Some(error) = imbalance(&order, &repeats, &bins) {
            return Err(error);
        }
        Ok(Self {
            repeat_labels: repeats,
            bin_labels: bins,
            rows: order.into_iter().map(|(_, _, row)| row).collect(),
        })
    }

    /// The labels of the repeats: `R`, rising.
    #[must_use]
    pub fn repeats(&self) -> &[u32] {
        &self.repeat_labels
    }

    /// The labels of the bins: `T`, rising.
    #[must_use]
    pub fn bins(&self) -> &[u32] {
        &self.bin_labels
    }

    /// Rows of each repeat in the order of the bins.
    pub(super) fn each(&self) -> impl Iterator<Item = &[usize]> {
        self.rows.chunks_exact(self.bin_labels.len())
    }

    /// Rows of one bin in the order of the repeats.
    pub(super) fn of_bin(&self, bin: usize) -> impl Iterator<Item = usize> {
        self.rows[bin..]
            .iter()
            .step_by(self.bin_labels.len())
            .copied()
    }

    /// How many numbers a row of `values` has.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] if there are no values.
    /// - [`InferenceError::Count`] if they do not fill the rows.
    /// - [`InferenceError::NotFinite`] if a value is not finite.
    pub(super) fn variables(&self, values: &[f64]) -> Result<usize, InferenceError> {
        if values.is_empty() {
            return Err(InferenceError::Empty { what: "values" });
        }
        let variables = values.len().div_ceil(self.rows.len());
        check_count("values", values.len(), variables * self.rows.len())?;
        check_values("value", values)?;
        Ok(variables)
    }

    /// Refuses configurations that are not those of these rows.
    pub(super) fn check_rows(&self, rows: usize) -> Result<(), InferenceError> {
        check_count("configurations", rows, self.rows.len())
    }
}

fn distinct(labels: &[u32]) -> Vec<u32> {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// The first bin that a repeat does not have once, given the sorted labels of all rows.
fn imbalance(order: &[(u32, u32, usize)], repeats: &[u32], bins: &[u32]) -> Option<InferenceError> {
    let expected =
        |place: usize| Some((*repeats.get(place / bins.len())?, bins[place % bins.len()]));
    let labels = order.iter().map(|&(repeat, bin, _)| (repeat, bin));
    let matching = labels
        .clone()
        .enumerate()
        .take_while(|&(place, found)| expected(place) == Some(found))
        .count();
    let before = matching.checked_sub(1).and_then(expected);
    let next = labels.clone().nth(matching);
    if next.is_some() && next == before {
        // What follows the matching ones is there again.
        let (repeat, bin) = next?;
        let found = labels.filter(|&label| label == (repeat, bin)).count();
        return Some(InferenceError::Unbalanced { repeat, bin, found });
    }
    let (repeat, bin) = expected(matching)?;
    Some(InferenceError::Unbalanced {
        repeat,
        bin,
        found: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_rows_does_not_matter() {
        let found = Repeats::new(&[9, 2, 2, 9, 2, 9], &[5, 7, 5, 6, 6, 7]).unwrap();
        assert_eq!(
            (found.repeats(), found.bins()),
            (&[2, 9][..], &[5, 6, 7][..])
        );
        let rows: Vec<&[usize]> = found.each().collect();
        assert_eq!(rows, [[2, 4, 1], [0, 3, 5]]);
        assert_eq!(found.of_bin(1).collect::<Vec<_>>(), [4, 3]);
        assert_eq!(found.variables(&[0.0; 12]).unwrap(), 2);
    }

    #[test]
    fn repeats_that_are_not_whole_are_named() {
        let refused = |labels: &[(u32, u32)]| {
            let (repeat, bin): (Vec<u32>, Vec<u32>) = labels.iter().copied().unzip();
            Repeats::new(&repeat, &bin).unwrap_err()
        };
        let unbalanced = |repeat, bin, found| InferenceError::Unbalanced { repeat, bin, found };
        assert_eq!(refused(&[(0, 0), (0, 1), (1, 0)]), unbalanced(1, 1, 0));
        assert_eq!(refused(&[(0, 1), (1, 0), (1, 1)]), unbalanced(0, 0, 0));
        let twice = [(0, 0), (0, 1), (1, 0), (0, 0), (1, 1), (0, 0)];
        assert_eq!(refused(&twice), unbalanced(0, 0, 3));
        let last_twice = [(3, 4), (3, 4)];
        assert_eq!(refused(&last_twice), unbalanced(3, 4, 2));
        // As many rows as repeats times bins, but not the right ones.
        let wrong = [(0, 0), (0, 1), (1, 0), (1, 0)];
        assert_eq!(refused(&wrong), unbalanced(1, 0, 2));
        assert_eq!(refused(&[]), InferenceError::Empty { what: "rows" });
        assert!(matches!(
            Repeats::new(&[0, 1], &[0]),
            Err(InferenceError::Count {
                found: 1,
                expected: 2,
                ..
            })
        ));
    }

    #[test]
    fn values_that_do_not_fill_the_rows_are_refused() {
        let repeats = Repeats::new(&[0, 1], &[0, 0]).unwrap();
        assert!(repeats.variables(&[]).is_err());
        assert!(matches!(
            repeats.variables(&[1.0; 3]),
            Err(InferenceError::Count {
                found: 3,
                expected: 4,
                ..
            })
        ));
        assert!(matches!(
            repeats.variables(&[1.0, f64::NAN]),
            Err(InferenceError::NotFinite { index: 1, .. })
        ));
    }
}
