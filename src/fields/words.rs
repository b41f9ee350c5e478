//! The distinct configurations of a data set, as lists of the sites that are up.

use super::error::{FieldsError, check_length};
use crate::bits::BitMatrix;
use crate::random::{Generator, uniform};

/// The distinct configurations, or words, of a data set, counted block by block.
///
/// Words stand in the order in which they first appear. What a model says of a row it says
/// of its word, so that the cost of a likelihood is that of the distinct words. Rows come
/// in blocks that are taken to be independent, as the repeats of a recording are; counts
/// with other multiplicities of the blocks are those of a jackknife or a bootstrap.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    sites: usize,
    /// The sites that are up, word after word, ascending in each.
    up: Vec<u32>,
    /// Where the sites of each word end in `up`.
    ends: Vec<usize>,
    word_of_row: Vec<usize>,
    counts: Vec<f64>,
    /// The words of each block and how often each occurs there, by ascending word.
    blocks: Vec<Vec<(usize, f64)>>,
}

impl Words {
    /// The words of `bits`, a configuration a row; `labels` names the block of each row.
    ///
    /// Labels are any numbers, and the rows of a block need not be neighbours. Blocks are
    /// numbered by ascending label.
    ///
    /// # Errors
    ///
    /// - [`FieldsError::Empty`] without a row or without a site.
    /// - [`FieldsError::Length`] if there is not one label a row.
    pub fn new(bits: &BitMatrix, labels: &[u32]) -> Result<Self, FieldsError> {
        for (what, count) in [("rows", bits.rows()), ("sites", bits.columns())] {
            if count == 0 {
                return Err(FieldsError::Empty { what });
            }
        }
        check_length("block labels", labels.len(), bits.rows())?;
        let (first_rows, word_of_row) = bits.distinct_rows();
        let (mut up, mut ends) = (Vec::new(), Vec::with_capacity(first_rows.len()));
        for row in first_rows {
            up.extend(bits.up(row).map(|site| site as u32));
            ends.push(up.len());
        }
        let mut counts = vec![0.0; ends.len()];
        for &word in &word_of_row {
            counts[word] += 1.0;
        }
        Ok(Self {
            sites: bits.columns(),
            up,
            ends,
            blocks: occurrences(&word_of_row, labels),
            word_of_row,
            counts,
        })
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.sites
    }

    /// The number of rows of the data.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.word_of_row.len()
    }

    /// The number of distinct words.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.ends.len()
    }

    /// The number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The sites that are up in a word, ascending.
    ///
    /// # Panics
    ///
    /// Panics if there is no such word.
    #[must_use]
    #[track_caller]
    pub fn up(&self, word: usize) -> &[u32] {
        let start = if word == 0 { 0 } else { self.ends[word - 1] };
        &self.up[start..self.ends[word]]
    }

    /// How often each word occurs, in all blocks: one number a distinct word, at least 1.
    #[must_use]
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The word of each row.
    #[must_use]
    pub fn word_of_row(&self) -> &[usize] {
        &self.word_of_row
    }

    /// How often each word occurs if block `b` is taken `multiplicities[b]` times: one
    /// number a distinct word.
    ///
    /// # Panics
    ///
    /// Panics if there is not one multiplicity a block.
    #[must_use]
    #[track_caller]
    pub fn weighted_counts(&self, multiplicities: &[f64]) -> Vec<f64> {
        assert_eq!(
            multiplicities.len(),
            self.blocks.len(),
            "one multiplicity a block"
        );
        let mut counts = vec![0.0; self.distinct()];
        for (block, multiplicity) in self.blocks.iter().zip(multiplicities) {
            for &(word, count) in block {
                counts[word] += multiplicity * count;
            }
        }
        counts
    }

    /// How often each word occurs in as many blocks as there are, drawn with replacement.
    #[must_use]
    pub fn resampled(&self, generator: &mut Generator) -> Vec<f64> {
        let blocks = self.blocks.len();
        let mut multiplicities = vec![0.0; blocks];
        for _ in 0..blocks {
            let block = (uniform(generator) * blocks as f64) as usize;
            multiplicities[block.min(blocks - 1)] += 1.0;
        }
        self.weighted_counts(&multiplicities)
    }

    /// The value of each row, from one value a distinct word.
    ///
    /// # Panics
    ///
    /// Panics if there is not one value a distinct word.
    #[must_use]
    #[track_caller]
    pub fn spread(&self, values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), self.distinct(), "one value a distinct word");
        self.word_of_row.iter().map(|&word| values[word]).collect()
    }

    /// The mean of one value a distinct word, each word weighted by its count; counts are
    /// [`counts`](Self::counts) or other multiplicities of the blocks, not all 0.
    ///
    /// # Panics
    ///
    /// Panics if there is not one value and one count a distinct word.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, values: &[f64], counts: &[f64]) -> f64 {
        assert_eq!(values.len(), self.distinct(), "one value a distinct word");
        assert_eq!(counts.len(), self.distinct(), "one count a distinct word");
        let weighted: f64 = values.iter().zip(counts).map(|(v, c)| v * c).sum();
        weighted / counts.iter().sum::<f64>()
    }
}

/// The words of each block and their counts there: blocks by ascending label, words
/// ascending.
fn occurrences(word_of_row: &[usize], labels: &[u32]) -> Vec<Vec<(usize, f64)>> {
    let mut sorted: Vec<(u32, usize)> = labels
        .iter()
        .copied()
        .zip(word_of_row.iter().copied())
        .collect();
    sorted.sort_unstable();
    let blocks = sorted.chunk_by(|a, b| a.0 == b.0);
    blocks
        .map(|block| {
            let words = block.chunk_by(|a, b| a.1 == b.1);
            words.map(|same| (same[0].1, same.len() as f64)).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    /// Rows of 70 sites, of which few are up, so that rows repeat; labels in no order.
    fn data() -> (BitMatrix, Vec<u32>) {
        let mut generator = stream("5", &["words"]);
        let mut bits = BitMatrix::zeros(200, 70);
        for row in 0..200 {
            for site in [0, 63, 64, 69] {
                bits.set(row, site, uniform(&mut generator) < 0.4);
            }
        }
        let labels = (0..200).map(|row| [1_000_000, 7][row * row % 3]);
        (bits, labels.collect())
    }

    #[test]
    fn words_stand_in_order_of_appearance_with_their_sites_and_counts() {
        let mut bits = BitMatrix::zeros(5, 66);
        for (row, site) in [(0, 65), (0, 2), (2, 65), (2, 2), (3, 0), (4, 65), (4, 2)] {
            bits.set(row, site, true);
        }
        let words = Words::new(&bits, &[4, 4, 2, 2, 2]).unwrap();
        assert_eq!((words.sites(), words.rows()), (66, 5));
        assert_eq!((words.distinct(), words.blocks()), (3, 2));
        assert_eq!(words.word_of_row(), [0, 1, 0, 2, 0]);
        let up: Vec<&[u32]> = (0..3).map(|word| words.up(word)).collect();
        assert_eq!(up, [&[2, 65][..], &[], &[0]]);
        assert_eq!(words.counts(), [3.0, 1.0, 1.0]);
        assert_eq!(words.spread(&[1.0, 2.0, 3.0]), [1.0, 2.0, 1.0, 3.0, 1.0]);
        // (1 + 2 + 1 + 3 + 1) / 5, exact in binary but for the division.
        let mean = words.mean(&[1.0, 2.0, 3.0], words.counts());
        assert!((mean - 8.0 / 5.0).abs() < 1e-15);
        // Block 0 has label 2 (words 0, 2, 0), block 1 label 4 (words 0, 1).
        assert_eq!(words.weighted_counts(&[0.0, 1.0]), [1.0, 1.0, 0.0]);
        assert_eq!(words.weighted_counts(&[2.0, 0.5]), [4.5, 0.5, 2.0]);
    }

    #[test]
    fn counts_of_blocks_agree_with_counts_of_their_rows() {
        let (bits, labels) = data();
        let words = Words::new(&bits, &labels).unwrap();
        assert_eq!(words.weighted_counts(&[1.0; 2]), words.counts());
        for (block, label) in [7, 1_000_000].into_iter().enumerate() {
            let mut multiplicities = [0.0; 2];
            multiplicities[block] = 1.0;
            let found = words.weighted_counts(&multiplicities);
            let mut expected = vec![0.0; words.distinct()];
            for row in (0..200).filter(|&row| labels[row] == label) {
                expected[words.word_of_row()[row]] += 1.0;
            }
            assert_eq!(found, expected);
        }
        for row in 0..200 {
            let up = words.up(words.word_of_row()[row]);
            let expected: Vec<u32> = (0..70).filter(|&i| bits.get(row, i as usize)).collect();
            assert_eq!(up, expected);
        }
    }

    #[test]
    fn blocks_are_drawn_whole_and_uniformly() {
        // Block b has its own word b, b + 1 rows of it: counts tell the multiplicities.
        let rows: Vec<u64> = (0..4_u64).flat_map(|b| vec![b; b as usize + 1]).collect();
        let labels: Vec<u32> = rows.iter().map(|&b| b as u32).collect();
        let bits = BitMatrix::from_words(rows.len(), 2, rows).unwrap();
        let words = Words::new(&bits, &labels).unwrap();
        let mut generator = stream("6", &["words"]);
        let draws = 4000;
        let mut taken = [0.0; 4];
        for _ in 0..draws {
            let counts = words.resampled(&mut generator);
            let multiplicities = (1..).zip(&counts).map(|(size, &count)| {
                assert_eq!(count as u32 % size, 0, "part of a block was drawn");
                count as u32 / size
            });
            let multiplicities: Vec<u32> = multiplicities.collect();
            assert_eq!(multiplicities.iter().sum::<u32>(), 4);
            for (sum, &multiplicity) in taken.iter_mut().zip(&multiplicities) {
                *sum += f64::from(multiplicity);
            }
        }
        // Of 16,000 blocks drawn a quarter is each, with the standard error
        // sqrt(16,000 * 1/4 * 3/4) = 55; four of them.
        for sum in taken {
            assert!((sum - 4000.0).abs() < 4.0 * 55.0, "{taken:?}");
        }
    }

    #[test]
    fn no_data_and_missing_labels_are_refused() {
        let empty = |what| Err(FieldsError::Empty { what });
        assert_eq!(Words::new(&BitMatrix::zeros(0, 3), &[]), empty("rows"));
        assert_eq!(Words::new(&BitMatrix::zeros(1, 0), &[0]), empty("sites"));
        let error = Words::new(&BitMatrix::zeros(2, 3), &[1]).unwrap_err();
        assert_eq!(error.to_string(), "1 block labels, expected 2");
    }
}
