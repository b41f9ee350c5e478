//! Draws from a finite list of weights.

use std::hint::select_unpredictable;

use rand::Rng;

use crate::random::Generator;

/// Draws an index with a probability proportional to its weight.
///
/// Walker's alias method (A. J. Walker, ACM Trans. Math. Softw. 3, 253 (1977)): as
/// many columns of equal probability as entries, each shared by at most two entries.
/// One random word names a column and a height in it, and one read of memory tells the
/// entry. Probabilities are those of the weights up to the rounding of their sum;
/// a weight of zero is never drawn.
#[derive(Debug, Clone)]
pub(super) struct DiscreteTable {
    /// For each column the height of the entry of the same number above, the other
    /// entry in the lowest bits.
    columns: Vec<u64>,
    /// Bits that the number of an entry takes.
    index_bits: u32,
}

impl DiscreteTable {
    /// Divides columns between `weights`, at most 2^32 of them; at least one is
    /// positive and none is negative.
    pub(super) fn new(mut weights: Vec<f64>) -> Self {
        let entries = weights.len();
        let mean = weights.iter().sum::<f64>() / entries as f64;
        let index_bits = u64::BITS - (entries as u64 - 1).leading_zeros();
        let (mut light, mut heavy) = (Vec::new(), Vec::new());
        for (entry, weight) in weights.iter_mut().enumerate() {
            *weight /= mean;
            let side = if *weight < 1.0 {
                &mut light
            } else {
                &mut heavy
            };
            side.push(entry as u32);
        }
        // What is left over at the end fills its column up to rounding.
        let mut columns: Vec<u64> = (0..entries as u64).collect();
        while let (Some(&entry), Some(&other)) = (light.last(), heavy.last()) {
            light.pop();
            let filled = weights[entry as usize];
            columns[entry as usize] = height(filled, index_bits) | u64::from(other);
            let rest = &mut weights[other as usize];
            *rest -= 1.0 - filled;
            if *rest < 1.0 {
                heavy.pop();
                light.push(other);
            }
        }
        Self {
            columns,
            index_bits,
        }
    }

    /// Draws an index.
    pub(super) fn draw(&self, generator: &mut Generator) -> usize {
        self.entry(generator.next_u64())
    }

    /// The index that a random word draws.
    pub(super) fn entry(&self, word: u64) -> usize {
        let place = u128::from(word) * self.columns.len() as u128;
        let column = (place >> u64::BITS) as usize;
        let shared = self.columns[column];
        let other = (shared & ((1 << self.index_bits) - 1)) as usize;
        let own = (place as u64) >> self.index_bits < shared >> self.index_bits;
        // Either is drawn half of the time: a branch would be mispredicted.
        select_unpredictable(own, column, other)
    }

    /// The probability of every entry, as the columns have it.
    #[cfg(test)]
    pub(super) fn probabilities(&self) -> Vec<f64> {
        let columns = self.columns.len();
        let mut found = vec![0.0; columns];
        for (column, shared) in self.columns.iter().enumerate() {
            let parts = f64::from(u64::BITS - self.index_bits).exp2();
            let own = (shared >> self.index_bits) as f64 / parts;
            found[column] += own / columns as f64;
            let other = shared & ((1 << self.index_bits) - 1);
            found[other as usize] += (1.0 - own) / columns as f64;
        }
        found
    }
}

/// A part of a column, from 0 to below 1, in the bits above `index_bits`.
fn height(part: f64, index_bits: u32) -> u64 {
    let scale = f64::from(u64::BITS - index_bits).exp2();
    ((part * scale) as u64) << index_bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn entries_are_drawn_as_often_as_they_weigh() {
        let weights: Vec<f64> = (0..50)
            .map(|entry| {
                if entry % 7 == 3 {
                    0.0
                } else {
                    (0.3 * f64::from(entry)).exp()
                }
            })
            .collect();
        let table = DiscreteTable::new(weights.clone());
        let mut generator = stream("discrete", &[]);
        let draws = 200_000;
        let mut counts = [0.0; 50];
        (0..draws).for_each(|_| counts[table.draw(&mut generator)] += 1.0);
        let total: f64 = weights.iter().sum();
        for (entry, (count, weight)) in counts.iter().zip(&weights).enumerate() {
            let p = weight / total;
            let expected = f64::from(draws) * p;
            let deviation = (expected * (1.0 - p)).sqrt();
            // A weight of zero is never drawn; rare entries are Poisson distributed.
            assert!(
                (count - expected).abs() <= 4.5 * deviation + if *weight > 0.0 { 4.5 } else { 0.0 },
                "entry {entry}: {count} of {expected}"
            );
        }
    }

    #[test]
    fn a_single_entry_and_one_far_above_all_others_are_found() {
        let mut generator = stream("discrete", &["single"]);
        let single = DiscreteTable::new(vec![3.0]);
        assert_eq!(single.draw(&mut generator), 0);
        let mut weights = vec![1e-300; 100_000];
        weights[77_777] = 1.0;
        let table = DiscreteTable::new(weights);
        assert!((0..100).all(|_| table.draw(&mut generator) == 77_777));
    }

    #[test]
    fn columns_have_the_probabilities_of_the_weights() {
        let mut generator = stream("discrete", &["columns"]);
        for entries in [1, 2, 3, 1000, 100_000] {
            // Weights over many orders of magnitude, some of them zero.
            let weights: Vec<f64> = (0..entries)
                .map(|entry| {
                    let size = 40.0 * crate::random::uniform(&mut generator);
                    if entry % 5 == 3 { 0.0 } else { (-size).exp() }
                })
                .collect();
            let total: f64 = weights.iter().sum();
            let found = DiscreteTable::new(weights.clone()).probabilities();
            // The rounding of the sum of all weights ends up in a single entry.
            let tolerance = 4.0 * f64::EPSILON * (1.0 + f64::from(entries).sqrt());
            for (entry, (found, weight)) in found.iter().zip(&weights).enumerate() {
                assert!(
                    (found - weight / total).abs() < tolerance,
                    "{entry} of {entries}"
                );
                assert!(
                    *weight > 0.0 || *found == 0.0,
                    "{entry} of {entries}: {found}"
                );
            }
        }
    }
}
