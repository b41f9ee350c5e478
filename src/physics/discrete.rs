//! Draws from a finite list of weights.

use rand::Rng;

use crate::random::Generator;

/// Most intervals of the guide.
const GUIDE: usize = 1 << 16;
/// Intervals of the guide for each entry.
const INTERVALS_PER_ENTRY: usize = 64;
/// Entries that are compared one by one rather than by halving.
const SHORT_SEARCH: usize = 4;

/// Draws an index with a probability proportional to its weight.
///
/// Inversion of the cumulative weights, resolved to `2^-53` of their sum. A guide
/// divides `[0, 1)` evenly and knows where the search of each interval starts and
/// ends, so that few entries have to be compared.
#[derive(Debug, Clone)]
pub(super) struct DiscreteTable {
    /// Sums of the weights of all entries up to each.
    cumulative: Vec<f64>,
    /// The sum of all weights.
    total: f64,
    /// First entry that an interval can reach, and that of the next.
    guide: Vec<u32>,
}

impl DiscreteTable {
    /// Adds up `weights`, at most 2^32 of them, in their order; at least one is
    /// positive and none is negative.
    pub(super) fn new(weights: Vec<f64>) -> Self {
        let mut total = 0.0;
        let mut cumulative = weights;
        for weight in &mut cumulative {
            total += *weight;
            *weight = total;
        }
        let intervals = (cumulative.len() * INTERVALS_PER_ENTRY).clamp(1, GUIDE);
        let mut entry = 0;
        let mut guide = Vec::with_capacity(intervals + 1);
        for interval in 0..=intervals {
            let start = interval as f64 / intervals as f64 * total;
            while entry + 1 < cumulative.len() && cumulative[entry] <= start {
                entry += 1;
            }
            guide.push(entry as u32);
        }
        Self {
            cumulative,
            total,
            guide,
        }
    }

    /// Draws an index.
    pub(super) fn draw(&self, generator: &mut Generator) -> usize {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        let word = generator.next_u64();
        let intervals = self.guide.len() as u128 - 1;
        let interval = ((u128::from(word) * intervals) >> 64) as usize;
        let (mut first, mut last) = (
            self.guide[interval] as usize,
            self.guide[interval + 1] as usize,
        );
        if first == last {
            return first;
        }
        let target = (word >> 11) as f64 * UNIT * self.total;
        while last - first > SHORT_SEARCH {
            let middle = usize::midpoint(first, last);
            if self.cumulative[middle] <= target {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        while first < last && self.cumulative[first] <= target {
            first += 1;
        }
        first
    }
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
}
