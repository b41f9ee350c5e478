//! Counts from which all population statistics follow, block by block.

use super::blocks::grouped;
use super::population_error::PopulationError;
use crate::bits::BitMatrix;

/// How often units, pairs and triplets are active together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    /// Configurations.
    pub(super) rows: u64,
    /// Configurations in which unit i is active.
    pub(super) ones: Vec<u64>,
    /// Configurations in which units i < j are, pair by pair.
    pub(super) pairs: Vec<u64>,
    /// Configurations with K active units, for K from 0.
    pub(super) active: Vec<u64>,
    /// Configurations in which a triplet of the subset is active.
    pub(super) triplets: Vec<u64>,
}

impl Counts {
    fn combined(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
        let each = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(&a, &b)| combine(a, b)).collect();
        Self {
            rows: combine(self.rows, other.rows),
            ones: each(&self.ones, &other.ones),
            pairs: each(&self.pairs, &other.pairs),
            active: each(&self.active, &other.active),
            triplets: each(&self.triplets, &other.triplets),
        }
    }

    /// Counts of both together.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a + b)
    }

    /// Counts without those of a block that they contain.
    pub(super) fn without(&self, block: &Self) -> Self {
        self.combined(block, |a, b| a - b)
    }
}

/// Columns of bits, one a unit, with the configurations of a block side by side.
///
/// Each block begins a new word, so that counts within a block are counts of
/// whole words.
pub(super) struct BitColumns {
    columns: Vec<Vec<u64>>,
    /// Words of each block.
    blocks: Vec<std::ops::Range<usize>>,
    /// Configurations with K active units, block by block.
    active: Vec<Vec<u64>>,
    rows: Vec<u64>,
}

impl BitColumns {
    /// Transposes configurations, gathered by their block.
    pub(super) fn new(bits: &BitMatrix, labels: &[u32]) -> Result<Self, PopulationError> {
        let units = bits.columns();
        if bits.rows() == 0 || units == 0 {
            return Err(PopulationError::Empty {
                rows: bits.rows(),
                units,
            });
        }
        let groups = grouped(bits.rows(), labels)?;
        let words = groups.iter().map(|group| group.len().div_ceil(64)).sum();
        let mut transposed = Self {
            columns: vec![vec![0; words]; units],
            blocks: Vec::with_capacity(groups.len()),
            active: Vec::with_capacity(groups.len()),
            rows: Vec::with_capacity(groups.len()),
        };
        let mut start = 0;
        for group in &groups {
            let end = start + group.len().div_ceil(64);
            transposed.add_block(bits, group, start);
            transposed.blocks.push(start..end);
            start = end;
        }
        Ok(transposed)
    }

    fn add_block(&mut self, bits: &BitMatrix, group: &[usize], start: usize) {
        let mut active = vec![0; bits.columns() + 1];
        for (position, &row) in group.iter().enumerate() {
            active[bits.count_ones(row)] += 1;
            let (target, bit) = (start + position / 64, 1 << (position % 64));
            for unit in bits.up(row) {
                self.columns[unit][target] |= bit;
            }
        }
        self.active.push(active);
        self.rows.push(group.len() as u64);
    }

    /// Counts each block. Cost: `N^2 / 2` passes over a column, and one for
    /// each triplet of `triplet_units`.
    pub(super) fn counts(&self, triplet_units: &[usize]) -> Result<Vec<Counts>, PopulationError> {
        let units = self.columns.len();
        check_triplet_units(triplet_units, units)?;
        let block_counts =
            |(range, (active, &rows)): (&std::ops::Range<usize>, (&Vec<u64>, &u64))| {
                let words: Vec<&[u64]> = self.columns.iter().map(|c| &c[range.clone()]).collect();
                Counts {
                    rows,
                    ones: words.iter().map(|column| ones(column)).collect(),
                    pairs: pair_counts(&words),
                    active: active.clone(),
                    triplets: triplet_counts(&words, triplet_units),
                }
            };
        let blocks = self.blocks.iter();
        let known = self.active.iter().zip(&self.rows);
        Ok(blocks.zip(known).map(block_counts).collect())
    }
}

fn ones(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

fn ones_in_both(a: &[u64], b: &[u64]) -> u64 {
    let words = a.iter().zip(b);
    words.map(|(a, b)| u64::from((a & b).count_ones())).sum()
}

fn pair_counts(columns: &[&[u64]]) -> Vec<u64> {
    pairs(columns.len())
        .map(|(i, j)| ones_in_both(columns[i], columns[j]))
        .collect()
}

fn triplet_counts(columns: &[&[u64]], units: &[usize]) -> Vec<u64> {
    let mut counts = Vec::new();
    for (a, b) in pairs(units.len()) {
        let first = columns[units[a]].iter().zip(columns[units[b]]);
        let both: Vec<u64> = first.map(|(x, y)| x & y).collect();
        for &third in &units[b + 1..] {
            counts.push(ones_in_both(&both, columns[third]));
        }
    }
    counts
}

/// All pairs i < j below `count`, j running faster.
pub(super) fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (i + 1..count).map(move |j| (i, j)))
}

/// All triplets a < b < c below `count`, c running fastest.
pub(super) fn triplets(count: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    pairs(count).flat_map(move |(a, b)| (b + 1..count).map(move |c| (a, b, c)))
}

/// Position of pair i < j among the pairs of `count` units.
pub(super) fn pair_index(i: usize, j: usize, count: usize) -> usize {
    i * (2 * count - i - 1) / 2 + j - i - 1
}

pub(super) fn check_triplet_units(chosen: &[usize], units: usize) -> Result<(), PopulationError> {
    let mut seen = vec![false; units];
    for &unit in chosen {
        match seen.get_mut(unit) {
            Some(known) if !*known => *known = true,
            _ => return Err(PopulationError::TripletUnit { unit, units }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    #[test]
    fn pairs_and_their_positions_agree() {
        for count in 0..7 {
            for (position, (i, j)) in pairs(count).enumerate() {
                assert_eq!(pair_index(i, j, count), position);
            }
        }
        let all: Vec<_> = triplets(4).collect();
        assert_eq!(all, [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]);
    }

    #[test]
    fn counts_of_scattered_blocks_agree_with_brute_force() {
        let (rows, units) = (300, 67);
        let mut generator = stream("21", &["counts"]);
        let mut bits = BitMatrix::zeros(rows, units);
        for (row, unit) in (0..rows).flat_map(|r| (0..units).map(move |u| (r, u))) {
            bits.set(row, unit, uniform(&mut generator) < 0.4);
        }
        let labels: Vec<u32> = (0..rows).map(|row| (row * row % 5) as u32).collect();
        let chosen = [66, 3, 0, 64];
        let found = BitColumns::new(&bits, &labels)
            .unwrap()
            .counts(&chosen)
            .unwrap();
        // Squares modulo 5 are 0, 1 and 4.
        assert_eq!(found.len(), 3);
        for (label, counts) in [0, 1, 4].into_iter().zip(&found) {
            let block: Vec<usize> = (0..rows).filter(|&row| labels[row] == label).collect();
            let together = |wanted: &[usize]| {
                let all = |row: &&usize| wanted.iter().all(|&unit| bits.get(**row, unit));
                block.iter().filter(all).count() as u64
            };
            assert_eq!(counts.rows, block.len() as u64);
            let ones: Vec<u64> = (0..units).map(|i| together(&[i])).collect();
            assert_eq!(counts.ones, ones);
            let expected: Vec<u64> = pairs(units).map(|(i, j)| together(&[i, j])).collect();
            assert_eq!(counts.pairs, expected);
            let expected: Vec<u64> = triplets(4)
                .map(|(a, b, c)| together(&[chosen[a], chosen[b], chosen[c]]))
                .collect();
            assert_eq!(counts.triplets, expected);
            let with = |k| {
                block
                    .iter()
                    .filter(|&&row| bits.count_ones(row) == k)
                    .count() as u64
            };
            assert_eq!(counts.active, (0..=units).map(with).collect::<Vec<_>>());
        }
        let total = found[0].plus(&found[1]).plus(&found[2]);
        assert_eq!(total.rows, rows as u64);
        assert_eq!(total.without(&found[1]), found[0].plus(&found[2]));
    }

    #[test]
    fn triplet_units_must_be_distinct_units() {
        let bits = BitMatrix::zeros(2, 3);
        let columns = BitColumns::new(&bits, &[0, 1]).unwrap();
        for (chosen, unit) in [([0, 3], 3), ([1, 1], 1)] {
            let error = columns.counts(&chosen).unwrap_err();
            assert_eq!(error, PopulationError::TripletUnit { unit, units: 3 });
        }
    }
}
