//! How well a matrix of couplings agrees with the true one.

use crate::inference::InferenceError;
use crate::inference::block_sums::{check_count, check_values};

/// Agreement of two matrices of couplings off the diagonal, where alone couplings are
/// defined: `s_i² = 1` for spins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatrixAgreement {
    /// Slope of the line through the origin of found over true entries,
    /// `Σ W_ij J_ij / Σ J_ij²`: the inverse temperature if the truth is without it.
    pub slope: f64,
    /// Pearson correlation of the entries; 0 if either are all equal.
    pub correlation: f64,
    /// `|W - J| / |J|` in the Frobenius norm: 0 for equal matrices.
    pub relative_error: f64,
}

/// Compares couplings with true ones, entry by entry off the diagonal.
///
/// # Shapes
///
/// - `found`, `truth`: sites by sites, row-major, in the same unit.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than two sites.
/// - [`InferenceError::Count`] if a matrix is not sites by sites.
/// - [`InferenceError::NotFinite`] if an entry is NaN, infinite or above `1e70`.
/// - [`InferenceError::Constant`] if all true couplings are 0.
pub fn compare_couplings(
    found: &[f64],
    truth: &[f64],
    sites: usize,
) -> Result<MatrixAgreement, InferenceError> {
    let squares = check_truth(truth, sites)?;
    check_count("couplings", found.len(), sites * sites)?;
    check_values("coupling", found)?;
    let entries = || off_diagonal(sites).map(|index| (found[index], truth[index]));
    let count = (sites * (sites - 1)) as f64;
    let joint: f64 = entries().map(|(w, j)| w * j).sum();
    let (sum_w, sum_j) = entries().fold((0.0, 0.0), |(a, b), (w, j)| (a + w, b + j));
    let (mean_w, mean_j) = (sum_w / count, sum_j / count);
    let mut spread = [0.0; 3];
    for (w, j) in entries() {
        let (x, y) = (w - mean_w, j - mean_j);
        spread[0] += x * x;
        spread[1] += x * y;
        spread[2] += y * y;
    }
    // Equal entries may leave rounding errors of their mean behind.
    let varies = |spread: f64, mean: f64| spread > 1e-24 * count * mean * mean;
    let correlation = if varies(spread[0], mean_w) && varies(spread[2], mean_j) {
        spread[1] / (spread[0] * spread[2]).sqrt()
    } else {
        0.0
    };
    let difference: f64 = entries().map(|(w, j)| (w - j).powi(2)).sum();
    Ok(MatrixAgreement {
        slope: joint / squares,
        correlation,
        relative_error: (difference / squares).sqrt(),
    })
}

/// Places of the entries off the diagonal of a row-major matrix.
pub(super) fn off_diagonal(sites: usize) -> impl Iterator<Item = usize> {
    (0..sites * sites).filter(move |index| index / sites != index % sites)
}

/// Checks a true matrix; gives the sum of its squares off the diagonal.
pub(super) fn check_truth(truth: &[f64], sites: usize) -> Result<f64, InferenceError> {
    if sites < 2 {
        return Err(InferenceError::TooFewRows {
            what: "sites",
            found: sites,
            needed: 2,
        });
    }
    check_count("true couplings", truth.len(), sites * sites)?;
    check_values("true coupling", truth)?;
    let squares: f64 = off_diagonal(sites).map(|index| truth[index].powi(2)).sum();
    if squares > 0.0 {
        return Ok(squares);
    }
    Err(InferenceError::Constant {
        what: "true couplings",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_counted_off_the_diagonal() {
        let truth = [9.0, 1.0, 2.0, 1.0, -7.0, 3.0, 2.0, 3.0, 5.0];
        let found = truth.map(|entry| 2.0 * entry);
        let same = compare_couplings(&found, &truth, 3).unwrap();
        assert!((same.slope - 2.0).abs() < 1e-15);
        assert!((same.correlation - 1.0).abs() < 1e-15);
        assert!((same.relative_error - 1.0).abs() < 1e-15);
        // Entries 1, 2, 3 against 1, 3, 2, each twice: covariance 1, variances 2 and 2.
        let other = [0.0, 1.0, 3.0, 1.0, 0.0, 2.0, 3.0, 2.0, 0.0];
        let swapped = compare_couplings(&other, &truth, 3).unwrap();
        assert!((swapped.slope - 13.0 / 14.0).abs() < 1e-15);
        assert!((swapped.correlation - 0.5).abs() < 1e-15);
        assert!((swapped.relative_error - (2.0_f64 / 14.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn equal_couplings_have_a_slope_and_no_correlation() {
        let found = compare_couplings(&[0.3; 16], &[0.1; 16], 4).unwrap();
        assert!((found.slope - 3.0).abs() < 1e-12);
        assert!(found.correlation.abs() < 1e-15);
    }

    #[test]
    fn matrices_that_cannot_be_compared_are_named() {
        assert!(matches!(
            compare_couplings(&[1.0], &[1.0], 1),
            Err(InferenceError::TooFewRows { .. })
        ));
        assert!(matches!(
            compare_couplings(&[1.0; 3], &[1.0; 4], 2),
            Err(InferenceError::Count { found: 3, .. })
        ));
        let diagonal = [1.0, 0.0, 0.0, 1.0];
        assert!(matches!(
            compare_couplings(&[1.0; 4], &diagonal, 2),
            Err(InferenceError::Constant { .. })
        ));
    }
}
