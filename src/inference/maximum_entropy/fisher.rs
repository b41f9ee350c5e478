//! Newton's step with the covariance of the features, which is the curvature of the
//! log-likelihood, without ever writing that matrix down.

use rayon::prelude::*;

use super::features::Layout;

/// Parts that samples are cut into; their sums are added in order.
const PARTS: usize = 32;
/// Steps of the conjugate gradient, and the part of the residual that ends them.
const MAX_STEPS: usize = 60;
const RESIDUAL: f64 = 0.01;
/// Ridge in units of the variances of the features.
const RIDGE: f64 = 0.02;
/// Expected number of configurations with a feature below which its variance is hardly
/// known, and the ridge as large as it.
const RARE: f64 = 4.0;

/// Covariance of the features over some configurations, with a ridge.
#[derive(Debug, Clone)]
pub(super) struct Fisher {
    layout: Layout,
    /// Active cells of the configurations, one list a part, and where each ends.
    parts: Vec<(Vec<u16>, Vec<usize>)>,
    count: usize,
    means: Vec<f64>,
    /// What is added to the covariance on its diagonal.
    ridge: Vec<f64>,
    /// The diagonal of both together.
    diagonal: Vec<f64>,
}

impl Fisher {
    /// Gathers configurations, given by their active cells; no variance of a feature is
    /// taken to be below that in `variances`.
    pub(super) fn new(layout: Layout, configurations: &[Vec<Vec<u16>>], variances: &[f64]) -> Self {
        let all: Vec<&Vec<u16>> = configurations.iter().flatten().collect();
        let each = all.len().div_ceil(PARTS).max(1);
        let gather = |part: &[&Vec<u16>]| {
            let ends = part.iter().scan(0, |end, active| {
                *end += active.len();
                Some(*end)
            });
            let ends = ends.collect();
            (
                part.iter()
                    .flat_map(|active| active.iter().copied())
                    .collect(),
                ends,
            )
        };
        let mut fisher = Self {
            layout,
            parts: all.chunks(each).map(gather).collect(),
            count: all.len(),
            means: vec![0.0; layout.len()],
            ridge: Vec::new(),
            diagonal: Vec::new(),
        };
        fisher.means = fisher.sum(|active, sums| {
            layout.visit(active, |index, value| sums[index] += value);
        });
        let squares = fisher.sum(|active, sums| {
            layout.visit(active, |index, value| sums[index] += value * value);
        });
        for ((square, mean), &least) in squares.iter().zip(&fisher.means).zip(variances) {
            let variance = (square - mean * mean).max(0.0);
            let scale = variance.max(least);
            let ridge = scale * (RIDGE + RARE / (RARE + fisher.count as f64 * scale));
            fisher.ridge.push(ridge);
            fisher.diagonal.push(variance + ridge);
        }
        fisher
    }

    /// Means over all configurations of what `add` adds for each.
    fn sum(&self, add: impl Fn(&[u16], &mut [f64]) + Sync) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = self
            .parts
            .par_iter()
            .map(|(cells, ends)| {
                let mut sums = vec![0.0; self.layout.len()];
                let mut start = 0;
                for &end in ends {
                    add(&cells[start..end], &mut sums);
                    start = end;
                }
                sums
            })
            .collect();
        let mut total = vec![0.0; self.layout.len()];
        for part in &parts {
            for (sum, value) in total.iter_mut().zip(part) {
                *sum += value;
            }
        }
        for sum in &mut total {
            *sum /= self.count as f64;
        }
        total
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let layout = self.layout;
        let shift = dot(&self.means, vector);
        let mut product = self.sum(|active, sums| {
            let mut along = -shift;
            layout.visit(active, |index, value| along += value * vector[index]);
            layout.visit(active, |index, value| sums[index] += value * along);
        });
        for ((product, ridge), value) in product.iter_mut().zip(&self.ridge).zip(vector) {
            *product += ridge * value;
        }
        product
    }

    /// Solves (covariance + ridge) * step = gradient by conjugate gradients.
    pub(super) fn solve(&self, gradient: &[f64]) -> Vec<f64> {
        let scaled = |vector: &[f64]| -> Vec<f64> {
            vector
                .iter()
                .zip(&self.diagonal)
                .map(|(v, d)| v / d)
                .collect()
        };
        let mut step = vec![0.0; gradient.len()];
        let mut residual = gradient.to_vec();
        let mut direction = scaled(&residual);
        let mut size = dot(&residual, &direction);
        let enough = size * RESIDUAL * RESIDUAL;
        for _ in 0..MAX_STEPS {
            if size <= enough {
                break;
            }
            let image = self.times(&direction);
            let curvature = dot(&direction, &image);
            if curvature <= 0.0 {
                break;
            }
            let length = size / curvature;
            axpy(length, &direction, &mut step);
            axpy(-length, &image, &mut residual);
            let next = scaled(&residual);
            let after = dot(&residual, &next);
            for (direction, next) in direction.iter_mut().zip(&next) {
                *direction = next + after / size * *direction;
            }
            size = after;
        }
        step
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}
