//! Sums block by block: estimates that are functions of means, with their errors.
//!
//! Most estimates are functions of the means of a few numbers of each row. Those
//! numbers are summed once, block by block; leaving a block out (jackknife) or
//! drawing blocks anew (bootstrap) then costs no further pass over the rows.

use super::blocks::{Jackknife, grouped};
use super::{Estimate, InferenceError, PopulationError};
use crate::random::{Generator, uniform};

/// Largest magnitude whose fourth powers can be summed over any number of rows.
const LARGEST: f64 = 1e70;

/// How a bootstrap is done: how often, and with which random numbers.
#[derive(Debug)]
pub struct Bootstrap<'a> {
    /// Number of resamples, at least 2. The standard error has itself the relative
    /// error `1 / sqrt(2 resamples)`: 7 % from 100.
    pub resamples: usize,
    /// Where the random numbers come from.
    pub generator: &'a mut Generator,
}

impl Bootstrap<'_> {
    /// Calls `draw` for each resample with how often each of `items` is taken, and
    /// returns the standard deviations of what it gives.
    ///
    /// They are multiplied by `sqrt(items / (items - 1))`, which makes the variance of
    /// a mean over independent items unbiased.
    pub(super) fn spread<const K: usize>(
        &mut self,
        items: usize,
        mut draw: impl FnMut(&[u32]) -> Result<[f64; K], InferenceError>,
    ) -> Result<[f64; K], InferenceError> {
        if self.resamples < 2 {
            return Err(InferenceError::TooFewRows {
                what: "bootstrap resamples",
                found: self.resamples,
                needed: 2,
            });
        }
        let mut results = Vec::with_capacity(self.resamples);
        let mut taken = vec![0_u32; items];
        for _ in 0..self.resamples {
            taken.fill(0);
            for _ in 0..items {
                let index = (uniform(self.generator) * items as f64) as usize;
                taken[index.min(items - 1)] += 1;
            }
            results.push(draw(&taken)?);
        }
        let factor = (items as f64 / (items as f64 - 1.0)).sqrt();
        Ok(std::array::from_fn(|index| {
            let count = results.len() as f64;
            let centre = results.iter().map(|r| r[index]).sum::<f64>() / count;
            let squares: f64 = results.iter().map(|r| (r[index] - centre).powi(2)).sum();
            factor * (squares / (count - 1.0)).sqrt()
        }))
    }
}

/// Sums of `width` numbers a row over the rows of each block.
#[derive(Debug, Clone)]
pub(super) struct BlockSums {
    width: usize,
    /// Blocks by width.
    sums: Vec<f64>,
    counts: Vec<usize>,
    totals: Vec<f64>,
    rows: usize,
}

impl BlockSums {
    /// Sums what `fill` writes for each row; `blocks` names the block of each row.
    ///
    /// # Errors
    ///
    /// [`PopulationError::TooFewBlocks`] if there are fewer than two blocks.
    pub(super) fn new(
        blocks: &[u32],
        width: usize,
        mut fill: impl FnMut(usize, &mut [f64]),
    ) -> Result<Self, InferenceError> {
        let groups = grouped(blocks.len(), blocks)?;
        if groups.len() < 2 {
            let found = groups.len();
            return Err(PopulationError::TooFewBlocks { found }.into());
        }
        let mut sums = vec![0.0; groups.len() * width];
        let mut numbers = vec![0.0; width];
        for (group, sum) in groups.iter().zip(sums.chunks_exact_mut(width)) {
            for &row in group {
                numbers.fill(0.0);
                fill(row, &mut numbers);
                for (total, number) in sum.iter_mut().zip(&numbers) {
                    *total += number;
                }
            }
        }
        let mut totals = vec![0.0; width];
        for sum in sums.chunks_exact(width) {
            for (total, number) in totals.iter_mut().zip(sum) {
                *total += number;
            }
        }
        Ok(Self {
            width,
            sums,
            counts: groups.iter().map(Vec::len).collect(),
            totals,
            rows: blocks.len(),
        })
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The sums of each block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[f64]> {
        self.sums.chunks_exact(self.width)
    }

    /// Means over all rows.
    pub(super) fn means(&self) -> Vec<f64> {
        let rows = self.rows as f64;
        self.totals.iter().map(|total| total / rows).collect()
    }

    /// A function of the means, with jackknife errors over the blocks.
    pub(super) fn jackknife<const K: usize>(
        &self,
        statistic: impl Fn(&[f64]) -> Result<[f64; K], InferenceError>,
    ) -> Result<[Estimate; K], InferenceError> {
        let values = statistic(&self.means())?;
        let mut jackknives = values.map(Jackknife::new);
        let mut means = vec![0.0; self.width];
        for (sum, &count) in self.blocks().zip(&self.counts) {
            let left = (self.rows - count) as f64;
            for ((mean, total), part) in means.iter_mut().zip(&self.totals).zip(sum) {
                *mean = (total - part) / left;
            }
            for (jackknife, value) in jackknives.iter_mut().zip(statistic(&means)?) {
                jackknife.add(value);
            }
        }
        Ok(std::array::from_fn(|index| {
            self.estimate(values[index], jackknives[index].standard_error())
        }))
    }

    /// A function of the means, with errors by drawing blocks anew.
    pub(super) fn bootstrap<const K: usize>(
        &self,
        bootstrap: &mut Bootstrap<'_>,
        mut statistic: impl FnMut(&[f64]) -> Result<[f64; K], InferenceError>,
    ) -> Result<[Estimate; K], InferenceError> {
        let values = statistic(&self.means())?;
        let mut means = vec![0.0; self.width];
        let errors = bootstrap.spread(self.counts.len(), |taken| {
            means.fill(0.0);
            let mut rows = 0;
            for ((sum, count), &times) in self.blocks().zip(&self.counts).zip(taken) {
                if times == 0 {
                    continue;
                }
                rows += count * times as usize;
                for (mean, part) in means.iter_mut().zip(sum) {
                    *mean += f64::from(times) * part;
                }
            }
            for mean in &mut means {
                *mean /= rows as f64;
            }
            statistic(&means)
        })?;
        Ok(std::array::from_fn(|index| {
            self.estimate(values[index], errors[index])
        }))
    }

    fn estimate(&self, value: f64, standard_error: f64) -> Estimate {
        Estimate {
            value,
            standard_error,
            count: self.rows,
        }
    }
}

/// Refuses values that are not finite or so large that their powers overflow.
pub(crate) fn check_values(what: &'static str, values: &[f64]) -> Result<(), InferenceError> {
    match values.iter().position(|x| x.is_nan() || x.abs() > LARGEST) {
        None => Ok(()),
        Some(index) => Err(InferenceError::NotFinite {
            what,
            index,
            value: values[index],
        }),
    }
}

/// Refuses a list that does not have the length that the rest of the input gives it.
pub(crate) fn check_count(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), InferenceError> {
    if found == expected {
        return Ok(());
    }
    Err(InferenceError::Count {
        what,
        found,
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{block_mean, consecutive_blocks};
    use crate::random::stream;

    fn values(count: usize) -> Vec<f64> {
        let mut generator = stream("1", &["block sums"]);
        (0..count).map(|_| uniform(&mut generator)).collect()
    }

    #[test]
    fn the_jackknife_of_a_mean_is_that_of_the_blocks() {
        let (values, blocks) = (values(700), consecutive_blocks(700, 9));
        let sums = BlockSums::new(&blocks, 1, |row, out| out[0] = values[row]).unwrap();
        let [found] = sums.jackknife(|means| Ok([means[0]])).unwrap();
        let expected = block_mean(&values, &blocks).unwrap();
        assert!((found.value - expected.value).abs() < 1e-12);
        assert!((found.standard_error - expected.standard_error).abs() < 1e-12);
        assert_eq!(found.count, 700);
    }

    #[test]
    fn the_bootstrap_error_of_a_mean_is_that_of_its_blocks() {
        let (values, blocks) = (values(700), consecutive_blocks(700, 70));
        let sums = BlockSums::new(&blocks, 1, |row, out| out[0] = values[row]).unwrap();
        let mut generator = stream("2", &["bootstrap"]);
        let mut bootstrap = Bootstrap {
            resamples: 4000,
            generator: &mut generator,
        };
        let [found] = sums
            .bootstrap(&mut bootstrap, |means| Ok([means[0]]))
            .unwrap();
        let expected = block_mean(&values, &blocks).unwrap();
        // The spread of 4000 resamples has the relative error 1 / sqrt(8000) = 1.1 %.
        let ratio = found.standard_error / expected.standard_error;
        assert!((ratio - 1.0).abs() < 4.0 * 0.0112, "ratio {ratio}");
    }

    #[test]
    fn what_gives_no_error_is_refused() {
        let one_block = BlockSums::new(&[3, 3], 1, |_, _| ());
        assert!(matches!(
            one_block,
            Err(InferenceError::Blocks(PopulationError::TooFewBlocks {
                found: 1
            }))
        ));
        let sums = BlockSums::new(&[1, 2], 1, |row, out| out[0] = row as f64).unwrap();
        let mut generator = stream("3", &[]);
        let mut bootstrap = Bootstrap {
            resamples: 1,
            generator: &mut generator,
        };
        let refused = sums.bootstrap(&mut bootstrap, |means| Ok([means[0]]));
        assert!(matches!(
            refused,
            Err(InferenceError::TooFewRows { found: 1, .. })
        ));
        assert!(check_values("value", &[1.0, f64::NAN]).is_err());
        assert!(check_values("value", &[1.0, 1e71]).is_err());
        assert!(check_count("values", 2, 3).is_err());
    }
}
