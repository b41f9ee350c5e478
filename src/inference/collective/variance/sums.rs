//! Sums over bins from which the components of the variance follow, also without any one
//! repeat.

use super::NEGLIGIBLE;
use crate::inference::collective::repeats::Repeats;

/// Variables, each as deviations from its repeats' means.
pub(super) struct Variables {
    bins: usize,
    all: Vec<Variable>,
}

struct Variable {
    /// Taken off all values, so that a variable that never changes is exactly 0.
    shift: f64,
    /// Mean of each repeat: `R`.
    means: Vec<f64>,
    /// Deviations from the mean of the repeat: `R x T`.
    deviations: Vec<f64>,
    /// Their sums over repeats: `T`.
    totals: Vec<f64>,
}

impl Variables {
    /// `values` is `rows x count`.
    pub(super) fn new(values: &[f64], count: usize, repeats: &Repeats) -> Self {
        let bins = repeats.bins().len();
        let one = |index| {
            let shift = values[index];
            let (mut means, mut deviations) = (Vec::new(), Vec::new());
            let mut totals = vec![0.0; bins];
            for rows in repeats.each() {
                let numbers = rows.iter().map(|row| values[row * count + index] - shift);
                let numbers: Vec<f64> = numbers.collect();
                let mean = super::average(&numbers);
                means.push(mean);
                for (total, number) in totals.iter_mut().zip(&numbers) {
                    *total += number - mean;
                    deviations.push(number - mean);
                }
            }
            Variable {
                shift,
                means,
                deviations,
                totals,
            }
        };
        Self {
            bins,
            all: (0..count).map(one).collect(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// What was taken off the means of a variable's repeats.
    pub(super) fn shift(&self, index: usize) -> f64 {
        self.all[index].shift
    }

    /// Sums of products of two variables, or of one with itself.
    pub(super) fn pair(&self, first: usize, second: usize) -> PairSums {
        let (a, b) = (&self.all[first], &self.all[second]);
        let with_total = |x: &Variable, y: &Variable| -> Vec<f64> {
            let repeats = x.deviations.chunks_exact(self.bins);
            repeats.map(|repeat| dot(repeat, &y.totals)).collect()
        };
        let own = a.deviations.chunks_exact(self.bins);
        let other = b.deviations.chunks_exact(self.bins);
        let with_totals = with_total(a, b).into_iter().zip(with_total(b, a));
        PairSums {
            bins: self.bins as f64,
            products: own.zip(other).map(|(x, y)| dot(x, y)).collect(),
            with_totals: with_totals.map(|(x, y)| x + y).collect(),
            of_totals: dot(&a.totals, &b.totals),
            means: a
                .means
                .iter()
                .copied()
                .zip(b.means.iter().copied())
                .collect(),
        }
    }

    /// Products of the deviations in the first and in the second half of the repeats.
    pub(super) fn halves(&self, index: usize) -> Halves {
        let repeats: Vec<&[f64]> = self.all[index].deviations.chunks_exact(self.bins).collect();
        let (first, second) = repeats.split_at(repeats.len() / 2);
        let sums = [first, second].map(|half| {
            let mut sum = vec![0.0; self.bins];
            for repeat in half {
                sum.iter_mut().zip(*repeat).for_each(|(s, x)| *s += x);
            }
            sum
        });
        let with = |half: &[&[f64]], sum: &[f64]| half.iter().map(|x| dot(x, sum)).collect();
        Halves {
            bins: self.bins as f64,
            product: dot(&sums[0], &sums[1]),
            with_other: [with(first, &sums[1]), with(second, &sums[0])],
        }
    }
}

/// Sums over bins of products of two variables' deviations `a_rt` and `b_rt`.
pub(super) struct PairSums {
    bins: f64,
    /// `Σ_t a_rt b_rt`.
    products: Vec<f64>,
    /// `Σ_t a_rt B_t + A_t b_rt`, with the sums `A` and `B` over repeats.
    with_totals: Vec<f64>,
    /// `Σ_t A_t B_t`.
    of_totals: f64,
    means: Vec<(f64, f64)>,
}

impl PairSums {
    pub(super) fn repeats(&self) -> usize {
        self.means.len()
    }

    /// Means of the repeats of the first variable.
    pub(super) fn means(&self) -> Vec<f64> {
        self.means.iter().map(|pair| pair.0).collect()
    }

    /// The sums of all repeats but one, or of all.
    pub(super) fn moments(&self, left: Option<usize>) -> Moments {
        let kept = |repeat: &usize| Some(*repeat) != left;
        let repeats = || (0..self.repeats()).filter(kept);
        let count = repeats().count() as f64;
        let (mut first, mut second) = (0.0, 0.0);
        for repeat in repeats() {
            first += self.means[repeat].0 / count;
            second += self.means[repeat].1 / count;
        }
        let product = |(a, b): (f64, f64)| (a - first) * (b - second);
        Moments {
            repeats: count,
            bins: self.bins,
            products: repeats().map(|repeat| self.products[repeat]).sum(),
            of_totals: self.of_totals
                + left.map_or(0.0, |r| self.products[r] - self.with_totals[r]),
            of_means: repeats().map(|repeat| product(self.means[repeat])).sum(),
        }
    }
}

/// Sums over bins and repeats, from which components of the (co)variance follow.
pub(super) struct Moments {
    repeats: f64,
    bins: f64,
    products: f64,
    of_totals: f64,
    /// Of the repeats' means about their own mean.
    of_means: f64,
}

impl Moments {
    /// Sum of products of what is left after means of bins and of repeats are taken off.
    fn residuals(&self) -> f64 {
        self.products - self.of_totals / self.repeats
    }

    /// Mean covariance over bins of two repeats, over all ordered pairs of repeats.
    pub(super) fn signal(&self) -> f64 {
        let pairs = self.repeats * (self.repeats - 1.0);
        (self.of_totals - self.products) / (pairs * (self.bins - 1.0))
    }

    /// Covariance over repeats at a fixed bin, averaged over bins.
    pub(super) fn noise(&self) -> f64 {
        let within = self.residuals() + self.bins * self.of_means;
        within / (self.bins * (self.repeats - 1.0))
    }

    /// The same of the deviations from the repeats' means.
    pub(super) fn residual(&self) -> f64 {
        self.residuals() / ((self.bins - 1.0) * (self.repeats - 1.0))
    }

    /// Part of the variance that is signal; 0 if there is none against `scale`.
    pub(super) fn explained(&self, scale: f64) -> f64 {
        let total = self.signal() + self.noise();
        if total > NEGLIGIBLE * scale {
            self.signal() / total
        } else {
            0.0
        }
    }
}

/// Products over bins of two halves of the repeats.
pub(super) struct Halves {
    bins: f64,
    product: f64,
    /// Of each repeat of a half with the sum of the other half.
    with_other: [Vec<f64>; 2],
}

impl Halves {
    /// Covariance over bins of the halves' averages, without one repeat of a half or with all.
    pub(super) fn covariance(&self, left: Option<(usize, usize)>) -> f64 {
        let mut counts = [0, 1].map(|half: usize| self.with_other[half].len() as f64);
        let mut product = self.product;
        if let Some((half, repeat)) = left {
            counts[half] -= 1.0;
            product -= self.with_other[half][repeat];
        }
        product / (counts[0] * counts[1] * (self.bins - 1.0))
    }

    /// The covariance without each repeat in turn.
    pub(super) fn without_each(&self) -> impl Iterator<Item = f64> {
        let halves = self.with_other.iter().enumerate();
        let each = halves.flat_map(|(half, repeats)| (0..repeats.len()).map(move |r| (half, r)));
        each.map(|left| self.covariance(Some(left)))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
