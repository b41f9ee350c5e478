//! Configurations of two-valued units, one bit each.
//!
//! A [`BitMatrix`] holds one configuration a row: bit 1 is a spin up (+1) or an
//! active cell, bit 0 a spin down (-1) or a silent cell. 50,000 configurations
//! of 100 spins take 800 kB.

use std::collections::HashMap;

use thiserror::Error;

/// What can be wrong with words handed to [`BitMatrix::from_words`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BitsError {
    /// The number of words is not `rows * ceil(columns / 64)`.
    #[error("{found} words for {rows} rows of {columns} units, expected {expected}")]
    WordCount {
        /// Rows asked for.
        rows: usize,
        /// Units a row.
        columns: usize,
        /// Words expected.
        expected: usize,
        /// Words found.
        found: usize,
    },
    /// A bit beyond the last unit is set.
    #[error("row {row} has a bit beyond unit {columns}")]
    StrayBit {
        /// The first such row.
        row: usize,
        /// Units a row.
        columns: usize,
    },
}

/// Rows of bits, packed into 64-bit words, least significant bit first.
///
/// Bits beyond the last unit of a row are always zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitMatrix {
    rows: usize,
    columns: usize,
    words_per_row: usize,
    words: Vec<u64>,
}

impl BitMatrix {
    /// A matrix of `rows` configurations of `columns` units, all bits zero.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let words_per_row = columns.div_ceil(64);
        Self {
            rows,
            columns,
            words_per_row,
            words: vec![0; rows * words_per_row],
        }
    }

    /// A matrix from its words, row by row.
    ///
    /// # Errors
    ///
    /// [`BitsError::WordCount`] if the number of words does not fit,
    /// [`BitsError::StrayBit`] if a bit beyond the last unit is set.
    pub fn from_words(rows: usize, columns: usize, words: Vec<u64>) -> Result<Self, BitsError> {
        let words_per_row = columns.div_ceil(64);
        let expected = rows.saturating_mul(words_per_row);
        if words.len() != expected {
            return Err(BitsError::WordCount {
                rows,
                columns,
                expected,
                found: words.len(),
            });
        }
        let matrix = Self {
            rows,
            columns,
            words_per_row,
            words,
        };
        let mask = matrix.last_word_mask();
        let stray = (0..rows).find(|&row| matrix.row(row).last().is_some_and(|w| w & !mask != 0));
        match stray {
            Some(row) => Err(BitsError::StrayBit { row, columns }),
            None => Ok(matrix),
        }
    }

    /// A matrix from words that have been cut to `columns` units; the bits beyond are
    /// zero already.
    pub(crate) fn from_cut_words(rows: usize, columns: usize, words: Vec<u64>) -> Self {
        let words_per_row = columns.div_ceil(64);
        assert_eq!(words.len(), rows * words_per_row, "words of all rows");
        Self {
            rows,
            columns,
            words_per_row,
            words,
        }
    }

    fn last_word_mask(&self) -> u64 {
        match self.columns % 64 {
            0 => u64::MAX,
            used => (1 << used) - 1,
        }
    }

    /// Number of configurations.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of units in a configuration.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Words that a row takes: `ceil(columns / 64)`.
    #[must_use]
    pub fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// All words, row by row.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The words of one configuration.
    #[must_use]
    #[track_caller]
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.words_per_row..(row + 1) * self.words_per_row]
    }

    /// Whether unit `column` of configuration `row` is up, or active.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row or unit.
    #[must_use]
    #[track_caller]
    pub fn get(&self, row: usize, column: usize) -> bool {
        assert!(column < self.columns, "unit {column} of {}", self.columns);
        self.row(row)[column / 64] >> (column % 64) & 1 == 1
    }

    /// Sets unit `column` of configuration `row`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row or unit.
    #[track_caller]
    pub fn set(&mut self, row: usize, column: usize, value: bool) {
        assert!(column < self.columns, "unit {column} of {}", self.columns);
        let word = &mut self.words[row * self.words_per_row + column / 64];
        let bit = 1 << (column % 64);
        if value {
            *word |= bit;
        } else {
            *word &= !bit;
        }
    }

    /// Copies the words of one configuration into row `row`.
    #[track_caller]
    pub fn set_row(&mut self, row: usize, words: &[u64]) {
        let mask = self.last_word_mask();
        let target = &mut self.words[row * self.words_per_row..(row + 1) * self.words_per_row];
        target.copy_from_slice(words);
        if let Some(last) = target.last_mut() {
            *last &= mask;
        }
    }

    /// Number of units that are up, or active, in configuration `row`.
    #[must_use]
    pub fn count_ones(&self, row: usize) -> usize {
        self.row(row).iter().map(|w| w.count_ones() as usize).sum()
    }

    /// The units that are up, or active, in configuration `row`, in ascending order.
    pub fn up(&self, row: usize) -> impl Iterator<Item = usize> {
        let words = self.row(row).iter().enumerate();
        words.flat_map(|(place, &word)| {
            let unit = move |rest: u64| 64 * place + rest.trailing_zeros() as usize;
            let further = |rest: &u64| Some(rest & (rest - 1)).filter(|&rest| rest != 0);
            std::iter::successors(Some(word).filter(|&word| word != 0), further).map(unit)
        })
    }

    /// The configurations named by `rows`, in that order.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let mut selected = Self::zeros(rows.len(), self.columns);
        for (target, &row) in rows.iter().enumerate() {
            selected.set_row(target, self.row(row));
        }
        selected
    }

    /// All configurations, restricted to the units named by `columns`, in that order.
    #[must_use]
    pub fn select_columns(&self, columns: &[usize]) -> Self {
        let mut selected = Self::zeros(self.rows, columns.len());
        for row in 0..self.rows {
            for (target, &column) in columns.iter().enumerate() {
                if self.get(row, column) {
                    selected.set(row, target, true);
                }
            }
        }
        selected
    }

    /// The first row of each distinct configuration, in order, and for every row the
    /// place of its own in that list.
    #[must_use]
    pub fn distinct_rows(&self) -> (Vec<usize>, Vec<usize>) {
        let mut seen = HashMap::new();
        let mut firsts = Vec::new();
        let places = (0..self.rows)
            .map(|row| {
                *seen.entry(self.row(row)).or_insert_with(|| {
                    firsts.push(row);
                    firsts.len() - 1
                })
            })
            .collect();
        (firsts, places)
    }

    /// Writes configuration `row` as `zero` and `one`, unit by unit.
    ///
    /// # Panics
    ///
    /// Panics if `values` is not one row long.
    #[track_caller]
    pub fn write_row(&self, row: usize, zero: f32, one: f32, values: &mut [f32]) {
        assert_eq!(values.len(), self.columns, "one value a unit");
        let words = self.row(row);
        for (chunk, &word) in values.chunks_mut(64).zip(words) {
            for (offset, value) in chunk.iter_mut().enumerate() {
                *value = if word >> offset & 1 == 1 { one } else { zero };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BitMatrix {
        let mut bits = BitMatrix::zeros(3, 70);
        bits.set(0, 0, true);
        bits.set(1, 69, true);
        bits.set(2, 63, true);
        bits.set(2, 64, true);
        bits
    }

    #[test]
    fn bits_come_back_where_they_were_put() {
        let bits = sample();
        let ones: Vec<(usize, usize)> = (0..3)
            .flat_map(|r| (0..70).map(move |c| (r, c)))
            .filter(|&(r, c)| bits.get(r, c))
            .collect();
        assert_eq!(ones, [(0, 0), (1, 69), (2, 63), (2, 64)]);
        assert_eq!(bits.count_ones(2), 2);
    }

    #[test]
    fn equal_rows_are_found_in_the_order_of_the_first() {
        let words = [0, 1, 7, 0, 0, 1, 7, 0, 1, 1].to_vec();
        let bits = BitMatrix::from_words(5, 70, words).unwrap();
        let (firsts, places) = bits.distinct_rows();
        assert_eq!(firsts, [0, 1, 4]);
        assert_eq!(places, [0, 1, 0, 1, 2]);
    }

    #[test]
    fn words_round_trip_and_stray_bits_are_refused() {
        let bits = sample();
        let again = BitMatrix::from_words(3, 70, bits.words().to_vec()).unwrap();
        assert_eq!(bits, again);
        let mut words = bits.words().to_vec();
        words[3] |= 1 << 60;
        assert_eq!(
            BitMatrix::from_words(3, 70, words),
            Err(BitsError::StrayBit {
                row: 1,
                columns: 70
            })
        );
    }

    #[test]
    fn selections_keep_order() {
        let bits = sample();
        let picked = bits.select_rows(&[2, 0]).select_columns(&[64, 0]);
        assert!(picked.get(0, 0) && !picked.get(0, 1));
        assert!(!picked.get(1, 0) && picked.get(1, 1));
    }

    #[test]
    fn a_row_is_written_as_two_values() {
        let mut values = vec![0.0; 70];
        sample().write_row(2, -1.0, 1.0, &mut values);
        let up: Vec<usize> = (0..70).filter(|&i| values[i] > 0.0).collect();
        assert_eq!(up, [63, 64]);
    }
}
