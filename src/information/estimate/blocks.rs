//! Rows in blocks, and groups of blocks that are left out or taken alone.

use crate::inference::{InferenceError, check_count};

/// Fewest blocks from which an error is estimated: from 20 it has itself a relative
/// error of 16 %.
pub const MIN_BLOCKS: usize = 20;

/// The block of every row, numbered from 0 in the order of their labels.
#[derive(Debug)]
pub(super) struct Blocks {
    of_row: Vec<usize>,
}

impl Blocks {
    /// Takes one label a row.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Count`] if there is not one label a row.
    /// - [`InferenceError::TooFewRows`] if there are fewer than [`MIN_BLOCKS`].
    pub(super) fn new(rows: usize, labels: &[u32]) -> Result<Self, InferenceError> {
        check_count("labels of blocks", labels.len(), rows)?;
        let mut known = labels.to_vec();
        known.sort_unstable();
        known.dedup();
        if known.len() < MIN_BLOCKS {
            return Err(InferenceError::TooFewRows {
                what: "blocks of samples",
                found: known.len(),
                needed: MIN_BLOCKS,
            });
        }
        let place = |label: &u32| known.partition_point(|other| other < label);
        Ok(Self {
            of_row: labels.iter().map(place).collect(),
        })
    }

    /// The rows of every `parts`-th block, from block number `part`.
    pub(super) fn rows_of_part(&self, part: usize, parts: usize) -> Vec<usize> {
        let rows = self.of_row.iter().enumerate();
        rows.filter(|(_, block)| *block % parts == part)
            .map(|(row, _)| row)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_part() {
        let labels: Vec<u32> = (0..300).map(|row| 7 * (row / 10)).collect();
        let blocks = Blocks::new(300, &labels).unwrap();
        let mut all: Vec<usize> = (0..4).flat_map(|p| blocks.rows_of_part(p, 4)).collect();
        // Blocks 1, 5, 9, 13, 17, 21, 25 and 29.
        assert_eq!(blocks.rows_of_part(1, 4).len(), 80);
        all.sort_unstable();
        assert_eq!(all, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn too_few_blocks_are_refused() {
        let labels: Vec<u32> = (0..300).map(|row| row / 16).collect();
        let refused = Blocks::new(300, &labels).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "found 19 blocks of samples, expected at least 20; draw more"
        );
        assert!(Blocks::new(299, &labels).is_err());
    }
}
