//! Coordinates in which the likelihood of a model has about the same curvature everywhere.

use super::logistic::{PRIOR_WIDTH, log_prior};
use super::maximisation::FieldLaw;
use super::quasi_newton::Value;
use crate::fields::{Expectations, GeneralisedHopfield};
use crate::inference::InferenceError;

/// Smallest pivot of an information matrix, relative to its diagonal.
const LEAST_PIVOT: f64 = 1e-6;

/// Coordinates of the models with the field's values of one of them.
///
/// For each site `Lᵀ θ` with `θ = (b, ξ^1, ...)` and `L Lᵀ` the information that a row would
/// give in a known field, `Σ_k w_k (1, h_k)(1, h_k)ᵀ / cosh² φ_k`; for a free law also
/// `2 √w_k`, for which that information is 1.
pub(super) struct Coordinates {
    origin: GeneralisedHopfield,
    law: FieldLaw,
    /// Rows of the data.
    total: f64,
    /// Lower triangular `L`, one site after the other.
    factors: Vec<f64>,
}

impl Coordinates {
    pub(super) fn new(origin: &GeneralisedHopfield, law: FieldLaw, total: f64) -> Self {
        let width = origin.fields() + 1;
        let sites = origin.sites();
        let mut factors = vec![0.0; sites * width * width];
        let mut regressors = vec![1.0; width];
        let half_logits = origin.half_logits();
        let nodes = origin.nodes().chunks_exact(width - 1).zip(origin.weights());
        for ((node, weight), row) in nodes.zip(half_logits.chunks_exact(sites)) {
            regressors[1..].copy_from_slice(node);
            for (phi, information) in row.iter().zip(factors.chunks_exact_mut(width * width)) {
                let bend = weight / phi.cosh().powi(2);
                for (i, x) in regressors.iter().enumerate() {
                    for (entry, y) in information[i * width..][..=i].iter_mut().zip(&regressors) {
                        *entry += bend * x * y;
                    }
                }
            }
        }
        for information in factors.chunks_exact_mut(width * width) {
            let prior = (total * PRIOR_WIDTH * PRIOR_WIDTH).recip();
            information
                .iter_mut()
                .step_by(width + 1)
                .for_each(|x| *x += prior);
            factorise(information, width);
        }
        Self {
            origin: origin.clone(),
            law,
            total,
            factors,
        }
    }

    fn width(&self) -> usize {
        self.origin.fields() + 1
    }

    /// Where the weights begin.
    fn split(&self) -> usize {
        self.origin.sites() * self.width()
    }

    /// The coordinates of the model that they were made for.
    pub(super) fn start(&self) -> Vec<f64> {
        let width = self.width();
        let patterns = self.origin.patterns().chunks_exact(width - 1);
        let factors = self.factors.chunks_exact(width * width);
        let mut point = Vec::new();
        for ((bias, patterns), factor) in self.origin.biases().iter().zip(patterns).zip(factors) {
            let site = [&[*bias], patterns].concat();
            point.extend((0..width).map(|j| {
                let column = (j..width).map(|i| factor[i * width + j] * site[i]);
                column.sum::<f64>()
            }));
        }
        if self.law == FieldLaw::Free {
            point.extend(
                self.origin
                    .weights()
                    .iter()
                    .map(|weight| 2.0 * weight.sqrt()),
            );
        }
        point
    }

    /// The model at a point; coordinates of weights count by their squares.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Fields`] at a point so far out that its numbers overflow.
    pub(super) fn model(&self, point: &[f64]) -> Result<GeneralisedHopfield, InferenceError> {
        let width = self.width();
        let (mut biases, mut patterns) = (Vec::new(), Vec::new());
        let factors = self.factors.chunks_exact(width * width);
        for (site, factor) in point[..self.split()].chunks_exact(width).zip(factors) {
            let mut solution = site.to_vec();
            for i in (0..width).rev() {
                let known = (i + 1..width).map(|k| factor[k * width + i] * solution[k]);
                solution[i] = (solution[i] - known.sum::<f64>()) / factor[i * width + i];
            }
            biases.push(solution[0]);
            patterns.extend_from_slice(&solution[1..]);
        }
        let weights = match self.law {
            FieldLaw::Fixed => self.origin.weights().to_vec(),
            FieldLaw::Free => point[self.split()..].iter().map(|z| z * z).collect(),
        };
        let nodes = self.origin.nodes().to_vec();
        Ok(GeneralisedHopfield::new(
            biases,
            patterns,
            nodes,
            weights,
            width - 1,
        )?)
    }

    /// The value of a point that is too far out.
    pub(super) fn nowhere(&self) -> Value {
        let weights = match self.law {
            FieldLaw::Fixed => 0,
            FieldLaw::Free => self.origin.weights().len(),
        };
        Value {
            value: f64::INFINITY,
            gradient: vec![0.0; self.split() + weights],
        }
    }

    /// Minus the log-likelihood and the prior of a point, nats per configuration, from the
    /// expectations there; their gradient is that of the complete data (Fisher's identity).
    pub(super) fn value(
        &self,
        point: &[f64],
        model: &GeneralisedHopfield,
        expected: &Expectations,
    ) -> Value {
        let prior = log_prior(model.biases()) + log_prior(model.patterns());
        let mut gradient = self.site_gradient(model, expected);
        if self.law == FieldLaw::Free {
            let roots = &point[self.split()..];
            let squares: f64 = roots.iter().map(|z| z * z).sum();
            for (root, count) in roots.iter().zip(&expected.node_counts) {
                // d/dz of Σ n ln z² - T ln Σ z²; without weight nothing changes to first order.
                let own = if *root == 0.0 {
                    0.0
                } else {
                    count / (self.total * root)
                };
                gradient.push(-2.0 * (own - root / squares));
            }
        }
        Value {
            value: -(expected.log_likelihood + prior) / self.total,
            gradient,
        }
    }

    fn site_gradient(&self, model: &GeneralisedHopfield, expected: &Expectations) -> Vec<f64> {
        let width = self.width();
        let sites = model.sites();
        let mut gradient = Vec::with_capacity(self.split() + model.weights().len());
        let patterns = model.patterns().chunks_exact(width - 1);
        for (bias, patterns) in model.biases().iter().zip(patterns) {
            let squared_width = PRIOR_WIDTH * PRIOR_WIDTH;
            gradient.push(bias / squared_width);
            gradient.extend(patterns.iter().map(|x| x / squared_width));
        }
        let half_logits = model.half_logits();
        let rows = half_logits.chunks_exact(sites);
        let rows = rows.zip(expected.up_counts.chunks_exact(sites));
        let nodes = model
            .nodes()
            .chunks_exact(width - 1)
            .zip(&expected.node_counts);
        for ((node, count), (half_logits, up)) in nodes.zip(rows) {
            let slopes = gradient.chunks_exact_mut(width);
            for ((slope, phi), up) in slopes.zip(half_logits).zip(up) {
                let excess = count * (1.0 + phi.tanh()) - 2.0 * up;
                slope[0] += excess;
                for (slope, h) in slope[1..].iter_mut().zip(node) {
                    *slope += excess * h;
                }
            }
        }
        let factors = self.factors.chunks_exact(width * width);
        for (slope, factor) in gradient.chunks_exact_mut(width).zip(factors) {
            for i in 0..width {
                let known = (0..i).map(|k| factor[i * width + k] * slope[k]);
                slope[i] = (slope[i] - known.sum::<f64>()) / factor[i * width + i];
            }
            for x in slope {
                *x /= self.total;
            }
        }
        gradient
    }
}

/// The Cholesky factor in place of the lower triangle; pivots are kept from vanishing.
fn factorise(matrix: &mut [f64], size: usize) {
    for i in 0..size {
        for j in 0..=i {
            let known = (0..j).map(|k| matrix[i * size + k] * matrix[j * size + k]);
            let rest = matrix[i * size + j] - known.sum::<f64>();
            matrix[i * size + j] = if i == j {
                rest.max(LEAST_PIVOT * matrix[i * size + i]).sqrt()
            } else {
                rest / matrix[j * size + j]
            };
        }
    }
}
