//! Rows of the tables `couplings` and `field`.

use crate::bits::BitMatrix;
use crate::engine::StageError;
use crate::inference::Estimate;
use crate::tables::{Table, schema};

/// The rows of the table `couplings`, with the truth they are held against.
pub(super) struct Rows {
    coupling: f64,
    field: f64,
    found: Vec<Row>,
}

struct Row {
    quantity: &'static str,
    method: &'static str,
    value: f64,
    standard_error: f64,
}

impl Rows {
    /// No rows yet, for a model with `βJ = coupling` and `βh = field`.
    pub(super) fn new(coupling: f64, field: f64) -> Self {
        Self {
            coupling,
            field,
            found: Vec::new(),
        }
    }

    /// `βh`.
    pub(super) fn field(&self) -> f64 {
        self.field
    }

    /// Whether the model has an external field.
    pub(super) fn has_field(&self) -> bool {
        self.field != 0.0
    }

    pub(super) fn push(
        &mut self,
        quantity: &'static str,
        method: &'static str,
        estimate: Estimate,
    ) {
        self.found.push(Row {
            quantity,
            method,
            value: estimate.value,
            standard_error: estimate.standard_error,
        });
    }

    fn exact(&self, quantity: &str) -> Option<f64> {
        match quantity {
            "coupling" => Some(self.coupling),
            "field" => Some(self.field),
            "matrix_slope" | "matrix_correlation" => Some(1.0),
            "matrix_error" => Some(0.0),
            _ => None,
        }
    }

    pub(super) fn table(&self) -> Result<Table, StageError> {
        let mut table = Table::new(&schema::COUPLINGS);
        for row in &self.found {
            table.push([
                row.quantity.into(),
                row.method.into(),
                row.value.into(),
                row.standard_error.into(),
                self.exact(row.quantity).into(),
            ])?;
        }
        Ok(table)
    }
}

/// Bins of the histogram of the field.
const BINS: usize = 40;
/// Points of the exact curve in each bin.
const POINTS: usize = 4;

/// Adds the histogram of the `learned` fields, and points of the exact density over
/// the range of these and of `exact` draws.
pub(super) fn push_histogram(
    table: &mut Table,
    learned: &[f64],
    exact: &[f64],
    density: &dyn Fn(f64) -> f64,
) -> Result<(), StageError> {
    let all = || learned.iter().chain(exact).copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    let width = ((high - low) / BINS as f64).max(f64::MIN_POSITIVE);
    let mut counts = vec![0_usize; BINS];
    for value in learned {
        counts[(((value - low) / width) as usize).min(BINS - 1)] += 1;
    }
    let total = learned.len() as f64;
    let centre = |bin: usize| low + (bin as f64 + 0.5) * width;
    for (bin, &count) in counts.iter().enumerate() {
        let fraction = count as f64 / total;
        let error = (fraction * (1.0 - fraction) / total).sqrt();
        table.push([
            centre(bin).into(),
            "vae".into(),
            (fraction / width).into(),
            (error / width).into(),
        ])?;
    }
    for point in 0..=BINS * POINTS {
        let field = low + point as f64 * width / POINTS as f64;
        table.push([
            field.into(),
            "exact".into(),
            density(field).into(),
            0.0.into(),
        ])?;
    }
    Ok(())
}

/// `βJ_ij = β Σ_μ ξ_i^μ ξ_j^μ / N`, sites by sites.
pub(super) fn pattern_couplings(patterns: &BitMatrix, beta: f64) -> Vec<f64> {
    let sites = patterns.columns();
    let mut couplings = vec![0.0; sites * sites];
    let mut signs = vec![0.0_f32; sites];
    for pattern in 0..patterns.rows() {
        patterns.write_row(pattern, -1.0, 1.0, &mut signs);
        for (row, &a) in couplings.chunks_exact_mut(sites).zip(&signs) {
            for (entry, &b) in row.iter_mut().zip(&signs) {
                *entry += beta * f64::from(a * b) / sites as f64;
            }
        }
    }
    couplings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn couplings_of_two_patterns_are_their_outer_products() {
        let mut patterns = BitMatrix::zeros(2, 3);
        patterns.set(0, 0, true);
        patterns.set(1, 2, true);
        // + - - and - - +, times 2/3.
        let expected = [2.0, 0.0, -2.0, 0.0, 2.0, 0.0, -2.0, 0.0, 2.0];
        let found = pattern_couplings(&patterns, 2.0);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected * 2.0 / 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_histogram_holds_all_values() {
        let mut table = Table::new(&schema::FIELD);
        let learned = [0.0, 0.1, 0.2, 1.0];
        push_histogram(&mut table, &learned, &[-1.0, 3.0], &|_| 1.0).unwrap();
        let densities = table.numbers("density").unwrap();
        let total: f64 = densities[..BINS].iter().flatten().sum();
        // 40 bins from -1 to 3.
        assert!((total * 0.1 - 1.0).abs() < 1e-12);
    }
}
