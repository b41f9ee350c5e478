//! A dense network with tanh layers, and its gradient.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rand_distr::{Distribution, StandardNormal};

use crate::random::Generator;

/// Layers `x -> tanh(x W + b)`, the first and the last without tanh: directions in the
/// space of the inputs come first, and few of them keep noise from being learned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    /// Numbers of inputs, hidden units and outputs.
    widths: Vec<usize>,
    /// Weights, inputs by outputs, then biases, layer by layer.
    pub(super) parameters: Vec<f64>,
}

impl Network {
    /// Draws weights with the variance `1 / inputs`; biases are 0.
    pub(super) fn new(widths: Vec<usize>, generator: &mut Generator) -> Self {
        let mut parameters = Vec::new();
        for pair in widths.windows(2) {
            let scale = (pair[0] as f64).sqrt().recip();
            for _ in 0..pair[0] * pair[1] {
                let draw: f64 = StandardNormal.sample(generator);
                parameters.push(scale * draw);
            }
            parameters.resize(parameters.len() + pair[1], 0.0);
        }
        Self { widths, parameters }
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.widths.last().copied().unwrap_or(0)
    }

    /// The values of all layers, rows by units each, from the inputs to the outputs.
    pub(super) fn forward(&self, inputs: Vec<f64>) -> Vec<Vec<f64>> {
        let rows = inputs.len() / self.widths[0];
        let mut layers = vec![inputs];
        let mut rest = self.parameters.as_slice();
        for (index, pair) in self.widths.windows(2).enumerate() {
            let (weights, tail) = rest.split_at(pair[0] * pair[1]);
            let (biases, tail) = tail.split_at(pair[1]);
            rest = tail;
            let mut next = biases.repeat(rows);
            let values = view(&layers[index], rows);
            add_product(&mut next, rows, values, view(weights, pair[0]));
            if index > 0 && index + 2 < self.widths.len() {
                for x in &mut next {
                    *x = x.tanh();
                }
            }
            layers.push(next);
        }
        layers
    }

    /// The gradient with respect to the parameters, from the values of all layers and
    /// the gradient with respect to the outputs.
    pub(super) fn backward(&self, layers: &[Vec<f64>], mut outer: Vec<f64>) -> Vec<f64> {
        let rows = outer.len() / self.outputs();
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut end = gradient.len();
        for (index, pair) in self.widths.windows(2).enumerate().rev() {
            let begin = end - (pair[0] + 1) * pair[1];
            let (weights, biases) = gradient[begin..end].split_at_mut(pair[0] * pair[1]);
            let values = view(&layers[index], rows);
            add_product(weights, pair[0], values.transpose(), view(&outer, rows));
            for row in outer.chunks_exact(pair[1]) {
                biases.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            if index > 0 {
                let known = &self.parameters[begin..begin + pair[0] * pair[1]];
                let mut inner = vec![0.0; rows * pair[0]];
                let back = view(known, pair[0]).transpose();
                add_product(&mut inner, rows, view(&outer, rows), back);
                if index > 1 {
                    for (slope, value) in inner.iter_mut().zip(&layers[index]) {
                        *slope *= 1.0 - value * value;
                    }
                }
                outer = inner;
            }
            end = begin;
        }
        gradient
    }
}

/// A row-major matrix of so many rows.
pub(super) fn view(values: &[f64], rows: usize) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(values, rows, values.len() / rows)
}

/// Adds the product of two matrices to a row-major one of so many rows.
pub(super) fn add_product(
    sum: &mut [f64],
    rows: usize,
    left: MatRef<'_, f64>,
    right: MatRef<'_, f64>,
) {
    let columns = sum.len() / rows;
    let sum = MatMut::from_row_major_slice_mut(sum, rows, columns);
    matmul(sum, Accum::Add, left, right, 1.0, Par::Seq);
}

/// Adam: steps along the mean gradient over its root mean square.
///
/// Source: Kingma and Ba, <https://arxiv.org/abs/1412.6980>, with its constants.
#[derive(Debug)]
pub(super) struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    pub(super) fn new(parameters: usize) -> Self {
        Self {
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
            steps: 0,
        }
    }

    /// One step uphill.
    pub(super) fn ascend(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64) {
        self.steps += 1;
        let unbiased = |beta: f64| 1.0 - beta.powi(self.steps);
        let (first_scale, second_scale) = (unbiased(0.9), unbiased(0.999));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, slope), (first, second)) in
            parameters.iter_mut().zip(gradient).zip(moments)
        {
            *first += 0.1 * (slope - *first);
            *second += 0.001 * (slope * slope - *second);
            let size = (*second / second_scale).sqrt() + 1e-8;
            *parameter += rate * *first / first_scale / size;
        }
    }
}
