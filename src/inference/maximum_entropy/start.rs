//! Where a fit begins: at independent cells, or at the pseudo-likelihood's couplings.

use super::features::Layout;
use crate::bits::BitMatrix;
use crate::inference::couplings::{MAX_NODE_WISE_SITES, node_wise_pseudo_likelihood};

/// Configurations that the pseudo-likelihood is fitted to; it only gives the start.
const ROWS: usize = 8_000;
/// Newton steps for the field of a cell among couplings that are given.
const STEPS: usize = 30;

/// Parameters to begin at; `means` are those of the data's features.
///
/// Couplings are the node-wise pseudo-likelihood's of at most 8,000 configurations,
/// evenly spread; fields then give each cell its rate given the others in these. Where
/// that fit fails, or there are more than [`MAX_NODE_WISE_SITES`] cells, the start is
/// independent cells.
pub(super) fn start(data: &BitMatrix, layout: Layout, means: &[f64]) -> Vec<f64> {
    let cells = layout.cells;
    let mut parameters = vec![0.0; layout.len()];
    for (field, &rate) in parameters.iter_mut().zip(&means[..cells]) {
        *field = (rate / (1.0 - rate)).ln();
    }
    let taken = data.rows().min(ROWS);
    if cells > MAX_NODE_WISE_SITES || taken < 10 * cells {
        return parameters;
    }
    let rows: Vec<usize> = (0..taken).map(|row| row * data.rows() / taken).collect();
    let rows = data.select_rows(&rows);
    // Penalty of the order of 1 / n: it hardly matters for pairs that are seen.
    let Ok(spins) = node_wise_pseudo_likelihood(&rows, 1.0 / taken as f64) else {
        return parameters;
    };
    // s = 2 x - 1, so that J_ij of activities is four times that of spins.
    let couplings: Vec<f64> = spins.iter().map(|coupling| 4.0 * coupling).collect();
    for i in 0..cells {
        let row = &couplings[i * cells..(i + 1) * cells];
        parameters[i] = field(&rows, row, parameters[i], means[i]);
        for j in i + 1..cells {
            parameters[layout.pair(i, j)] = row[j];
        }
    }
    layout.limit(&mut parameters);
    parameters
}

/// The field at which a cell has the rate, on average over what the others do.
fn field(rows: &BitMatrix, couplings: &[f64], start: f64, rate: f64) -> f64 {
    let local = |row: usize| {
        let active = (0..couplings.len()).filter(|&j| rows.get(row, j));
        active.map(|j| couplings[j]).sum::<f64>()
    };
    let local: Vec<f64> = (0..rows.rows()).map(local).collect();
    let mut field = start;
    for _ in 0..STEPS {
        let (mut mean, mut slope) = (0.0, 0.0);
        for l in &local {
            let p = 1.0 / (1.0 + (-field - l).exp());
            mean += p;
            slope += p * (1.0 - p);
        }
        let rows = local.len() as f64;
        let step = (rate - mean / rows) / (slope / rows).max(1e-9);
        field += step.clamp(-1.0, 1.0);
    }
    field
}
