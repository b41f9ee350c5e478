//! The features that a model shares with the data, and their means in the data.
//!
//! In order: a cell active (N), two cells active together (pairs i < j, j running
//! faster), and for a K-pairwise model K = 2 to `last - 1`, K of at least `last`, and the
//! excess of K over `last`. So V is free up to `last`, the largest count that ten
//! configurations reach, and a straight line beyond, where there is too little to
//! see; `V(0) = V(1) = 0`, because fields and `ln Z` can do the same.

use super::Interaction;
use super::chain::Sums;
use super::model::{LARGEST_COUPLING, LARGEST_FIELD, MaximumEntropy};
use crate::bits::BitMatrix;
use crate::inference::independent_model::poisson_binomial;
use crate::inference::population_counts::{BitColumns, Counts, pairs};
use crate::inference::{InferenceError, PopulationError};

/// Configurations that reach the last count of which V is free.
const TAIL: u64 = 10;

/// Which features there are, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) cells: usize,
    /// The last count of which V is free; below 2 if V is absent.
    last_count: usize,
}

impl Layout {
    fn new(counts: &Counts, interaction: Interaction) -> Self {
        let reached = |&k: &usize| counts.active[k..].iter().sum::<u64>() >= TAIL;
        let cells = counts.ones.len();
        // With all cells active there is no excess left.
        let last = (0..cells).rev().find(reached).unwrap_or(0);
        Self {
            cells,
            last_count: match interaction {
                Interaction::Pairwise => 0,
                Interaction::KPairwise => last,
            },
        }
    }

    /// Number of features.
    pub(super) fn len(&self) -> usize {
        let counts = if self.last_count < 2 {
            0
        } else {
            self.last_count
        };
        self.first_count() + counts
    }

    /// Variances of features with these means; of the excess of K, which is not only 0
    /// and 1, that of a rare count.
    pub(super) fn variances(&self, means: &[f64]) -> Vec<f64> {
        let excess = (self.last_count >= 2).then(|| self.len() - 1);
        let variance = |(index, &mean): (usize, &f64)| {
            let other = if Some(index) == excess { 0.0 } else { mean };
            (mean * (1.0 - other)).max(0.0)
        };
        means.iter().enumerate().map(variance).collect()
    }

    /// Index of the feature K = 2.
    fn first_count(&self) -> usize {
        self.cells + self.cells * (self.cells - 1) / 2
    }

    /// What to add to j for the index of the pair i < j.
    fn pair_base(&self, i: usize) -> usize {
        self.cells + i * (2 * self.cells - i - 1) / 2 - (i + 1)
    }

    pub(super) fn pair(&self, i: usize, j: usize) -> usize {
        self.pair_base(i.min(j)) + i.max(j)
    }

    /// Calls `visit` with the index and value of all features of a configuration that are
    /// not 0; `active` are the active cells in order.
    #[inline]
    pub(super) fn visit(&self, active: &[u16], mut visit: impl FnMut(usize, f64)) {
        for (place, &i) in active.iter().enumerate() {
            let i = usize::from(i);
            visit(i, 1.0);
            let base = self.pair_base(i);
            for &j in &active[place + 1..] {
                visit(base + usize::from(j), 1.0);
            }
        }
        let (k, last) = (active.len(), self.last_count);
        if k < 2 || last < 2 {
            return;
        }
        visit(self.first_count() + k.min(last) - 2, 1.0);
        if k > last {
            visit(self.len() - 1, (k - last) as f64);
        }
    }

    /// Means of the count features under a distribution of K.
    fn count_means(&self, distribution: &[f64]) -> impl Iterator<Item = f64> {
        let last = self.last_count;
        let any = last >= 2;
        let (free, tail) = distribution.split_at(last);
        let excess: f64 = tail.iter().enumerate().map(|(e, p)| e as f64 * p).sum();
        let ends = [tail.iter().sum::<f64>(), excess];
        let free = free.iter().skip(2).copied();
        free.chain(ends).filter(move |_| any)
    }

    /// Means of all features along chains.
    pub(super) fn means(&self, sums: &Sums) -> Vec<f64> {
        let pairs = pairs(self.cells).map(|(i, j)| sums.pair(i, j));
        let counts = sums.counts();
        let means = sums.rates().chain(pairs).chain(self.count_means(&counts));
        means.collect()
    }

    /// Keeps parameters finite: see [`LARGEST_FIELD`] and [`LARGEST_COUPLING`].
    pub(super) fn limit(&self, parameters: &mut [f64]) {
        let (fields, others) = parameters.split_at_mut(self.cells);
        for field in fields {
            *field = field.clamp(-LARGEST_FIELD, LARGEST_FIELD);
        }
        let (couplings, counts) = others.split_at_mut(self.first_count() - self.cells);
        for coupling in couplings {
            *coupling = coupling.clamp(-LARGEST_COUPLING, LARGEST_COUPLING);
        }
        if let Some((slope, values)) = counts.split_last_mut() {
            let mut before = 0.0;
            for value in values {
                let step: f64 = *value - before;
                *value = before + step.clamp(-LARGEST_COUPLING, LARGEST_COUPLING);
                before = *value;
            }
            *slope = slope.clamp(-LARGEST_COUPLING, LARGEST_COUPLING);
        }
    }

    /// The model with these parameters.
    pub(super) fn model(&self, parameters: &[f64]) -> Result<MaximumEntropy, InferenceError> {
        let n = self.cells;
        let mut couplings = vec![0.0; n * n];
        for (i, j) in pairs(n) {
            let coupling = parameters[self.pair(i, j)];
            couplings[i * n + j] = coupling;
            couplings[j * n + i] = coupling;
        }
        MaximumEntropy::new(
            parameters[..n].to_vec(),
            couplings,
            self.potential(&parameters[self.first_count()..]),
        )
    }

    fn potential(&self, counts: &[f64]) -> Vec<f64> {
        let value = |k: usize| match counts.split_last() {
            Some((slope, values)) if k >= 2 => {
                let excess = k.saturating_sub(self.last_count) as f64;
                values[k.min(self.last_count) - 2] + slope * excess
            }
            _ => 0.0,
        };
        (0..=self.cells).map(value).collect()
    }
}

/// Means of the features in the data, and their standard errors.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) layout: Layout,
    /// Means as if each cell of each configuration were drawn anew by a fair coin with the
    /// probability `2 / (n + 2)`. Rates follow Laplace's rule, `(active + 1) / (n + 2)`,
    /// and all means are those of a distribution in which nothing is impossible, so
    /// that parameters that give them exist.
    pub(super) means: Vec<f64>,
    /// Standard errors over blocks, or of independent configurations if larger; at least
    /// one configuration in n.
    pub(super) errors: Vec<f64>,
}

impl Target {
    /// Counts the data.
    pub(super) fn new(
        data: &BitMatrix,
        blocks: &[u32],
        interaction: Interaction,
    ) -> Result<Self, PopulationError> {
        let blocks = BitColumns::new(data, blocks)?.counts(&[])?;
        let found = blocks.len();
        let (Some(first), true) = (blocks.first(), found >= 2) else {
            return Err(PopulationError::TooFewBlocks { found });
        };
        let rest = blocks[1..].iter();
        let total = rest.fold(first.clone(), |sum, block| sum.plus(block));
        let layout = Layout::new(&total, interaction);
        let means = smoothed_means(layout, &total);
        let errors = errors(layout, &total, &blocks, &means);
        Ok(Self {
            layout,
            means,
            errors,
        })
    }

    /// Sum of the squares of differences over the variances of the features.
    pub(super) fn distance(&self, differences: &[f64]) -> f64 {
        let variances = self.layout.variances(&self.means);
        let terms = variances.iter().zip(differences);
        terms.map(|(variance, d)| d * d / variance).sum()
    }

    /// Target less model, and the largest deviation in standard errors.
    pub(super) fn compare(&self, means: &[f64]) -> (Vec<f64>, f64) {
        let pairs = self.means.iter().zip(means);
        let differences: Vec<f64> = pairs.map(|(target, model)| target - model).collect();
        let scaled = differences.iter().zip(&self.errors);
        let largest = scaled.fold(0.0_f64, |worst, (d, error)| worst.max(d.abs() / error));
        (differences, largest)
    }
}

/// Means of the features in a set of configurations, as they are.
fn plain_means(layout: Layout, counts: &Counts) -> Vec<f64> {
    let rows = counts.rows as f64;
    let share = |&count: &u64| count as f64 / rows;
    let distribution: Vec<f64> = counts.active.iter().map(share).collect();
    let cells = counts.ones.iter().chain(&counts.pairs).map(share);
    cells.chain(layout.count_means(&distribution)).collect()
}

fn smoothed_means(layout: Layout, counts: &Counts) -> Vec<f64> {
    let rows = counts.rows as f64;
    let changed = 1.0 / (rows + 2.0);
    let kept = 1.0 - 2.0 * changed;
    let rate = |i: usize| counts.ones[i] as f64 / rows;
    let smoothed = |i: usize| kept * rate(i) + changed;
    let pair = |((i, j), &both): ((usize, usize), &u64)| {
        let covariance = both as f64 / rows - rate(i) * rate(j);
        smoothed(i) * smoothed(j) + kept * kept * covariance
    };
    let mut distribution = vec![0.0; layout.cells + 1];
    for (k, &count) in counts.active.iter().enumerate().filter(|&(_, &c)| c > 0) {
        let active = |cell| if cell < k { 1.0 - changed } else { changed };
        let spread = poisson_binomial(&(0..layout.cells).map(active).collect::<Vec<_>>());
        for (sum, p) in distribution.iter_mut().zip(&spread) {
            *sum += count as f64 / rows * p;
        }
    }
    let cells = (0..layout.cells).map(smoothed);
    let pairs = pairs(layout.cells).zip(&counts.pairs).map(pair);
    let counts = layout.count_means(&distribution);
    cells.chain(pairs).chain(counts).collect()
}

fn errors(layout: Layout, total: &Counts, blocks: &[Counts], means: &[f64]) -> Vec<f64> {
    let rows = total.rows as f64;
    let all = plain_means(layout, total);
    let mut squares = vec![0.0; all.len()];
    for block in blocks {
        let weight = block.rows as f64 / rows;
        let parts = plain_means(layout, block).into_iter().zip(&all);
        for (square, (part, whole)) in squares.iter_mut().zip(parts) {
            *square += (weight * (part - whole)).powi(2);
        }
    }
    let number = blocks.len() as f64;
    let error = |(square, variance): (f64, f64)| {
        let by_blocks = square * number / (number - 1.0);
        by_blocks
            .max((rows * variance + 1.0) / (rows * rows))
            .sqrt()
    };
    let variances = layout.variances(means);
    squares.into_iter().zip(variances).map(error).collect()
}
