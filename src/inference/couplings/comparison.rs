//! How well a matrix of couplings agrees with the true one.

use crate::inference::block_sums::{BlockSums, check_count, check_values};
use crate::inference::{Estimate, InferenceError};

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

/// A [`MatrixAgreement`] with standard errors.
///
/// The errors tell how much each number would change with other configurations. A
/// relative error is never negative and a correlation never above 1: where noise alone
/// keeps them from 0 and 1, they do not come closer than noise lets them, and their
/// intervals do not reach these ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimatedAgreement {
    /// [`MatrixAgreement::slope`].
    pub slope: Estimate,
    /// [`MatrixAgreement::correlation`].
    pub correlation: Estimate,
    /// [`MatrixAgreement::relative_error`].
    pub relative_error: Estimate,
}

impl EstimatedAgreement {
    /// Values of `agreement` with the errors of `[slope, correlation, relative error]`.
    pub(super) fn new(agreement: MatrixAgreement, errors: [Estimate; 3]) -> Self {
        let values = agreement.values();
        let [slope, correlation, relative_error] = std::array::from_fn(|index| Estimate {
            value: values[index],
            ..errors[index]
        });
        Self {
            slope,
            correlation,
            relative_error,
        }
    }

    /// Errors by the response of the agreement to the rows, in first order, with a
    /// jackknife over their blocks.
    ///
    /// `responses` are, row by row, how the sums over the found entries `W` change if
    /// the row counts more, each up to a constant: those of `Σ W`, `Σ W²` and `Σ W J`.
    pub(super) fn by_responses(
        found: &[f64],
        truth: &Truth<'_>,
        responses: &[[f64; 3]],
        blocks: &[u32],
    ) -> Result<Self, InferenceError> {
        check_count("block labels", blocks.len(), responses.len())?;
        let agreement = compare_couplings(found, truth.entries, truth.sites)?;
        let derivatives = truth.derivatives(truth.sums(found));
        let sums = BlockSums::new(blocks, 3, |row, out| out.copy_from_slice(&responses[row]))?;
        let centre = sums.means();
        let errors = sums.jackknife(|means| {
            Ok(derivatives.map(|by| {
                let moved = means.iter().zip(&centre).map(|(mean, at)| mean - at);
                moved.zip(by).map(|(moved, by)| moved * by).sum()
            }))
        })?;
        Ok(Self::new(agreement, errors))
    }
}

impl MatrixAgreement {
    fn values(&self) -> [f64; 3] {
        [self.slope, self.correlation, self.relative_error]
    }
}

/// A true matrix, and sums over it off the diagonal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth<'a> {
    pub(super) entries: &'a [f64],
    pub(super) sites: usize,
    total: f64,
    squares: f64,
}

/// Sums `Σ W`, `Σ W²` and `Σ W J` over found and true entries off the diagonal.
pub(super) type EntrySums = [f64; 3];

impl<'a> Truth<'a> {
    /// Checks a true matrix.
    ///
    /// # Errors
    ///
    /// Those of [`compare_couplings`] about the truth.
    pub(super) fn new(entries: &'a [f64], sites: usize) -> Result<Self, InferenceError> {
        let squares = check_truth(entries, sites)?;
        Ok(Self {
            entries,
            sites,
            total: off_diagonal(sites).map(|index| entries[index]).sum(),
            squares,
        })
    }

    /// An entry of the diagonal, which is no coupling.
    pub(super) fn diagonal(&self, site: usize) -> f64 {
        self.entries[site * self.sites + site]
    }

    pub(super) fn sums(&self, found: &[f64]) -> EntrySums {
        let mut sums = [0.0; 3];
        for index in off_diagonal(self.sites) {
            let (w, j) = (found[index], self.entries[index]);
            sums[0] += w;
            sums[1] += w * w;
            sums[2] += w * j;
        }
        sums
    }

    /// Slope, correlation and relative error as functions of the sums.
    ///
    /// They lose digits where found entries all but equal the true ones: enough is left
    /// for standard errors, not for the values.
    pub(super) fn summaries(&self, sums: EntrySums) -> [f64; 3] {
        let [_, squares, joint] = sums;
        let excess = (squares - 2.0 * joint + self.squares).max(0.0);
        let correlation = self.spreads(sums).map_or(0.0, |spread| {
            spread.joint / (spread.found * spread.truth).sqrt()
        });
        [
            joint / self.squares,
            correlation,
            (excess / self.squares).sqrt(),
        ]
    }

    /// Derivatives of each of the [summaries](Self::summaries) by each of the sums; 0
    /// where there are none.
    fn derivatives(&self, sums: EntrySums) -> [[f64; 3]; 3] {
        let slope = [0.0, 0.0, self.squares.recip()];
        let error = self.summaries(sums)[2];
        let by_square = if error > 0.0 {
            0.5 / (self.squares * error)
        } else {
            0.0
        };
        let correlation = self.spreads(sums).map_or([0.0; 3], |spread| {
            let scale = (spread.found * spread.truth).sqrt().recip();
            let own = spread.joint * scale / spread.found;
            let count = spread.count;
            [
                own * sums[0] / count - scale * self.total / count,
                -0.5 * own,
                scale,
            ]
        });
        [slope, correlation, [0.0, by_square, -2.0 * by_square]]
    }

    /// Sums of squared and joint deviations from the means, if both matrices vary.
    fn spreads(&self, [total, squares, joint]: EntrySums) -> Option<Spreads> {
        let count = (self.sites * (self.sites - 1)) as f64;
        let spread = Spreads {
            count,
            found: squares - total * total / count,
            truth: self.squares - self.total * self.total / count,
            joint: joint - total * self.total / count,
        };
        let varies = |spread: f64, squares: f64| spread > 1e-12 * squares;
        (varies(spread.found, squares) && varies(spread.truth, self.squares)).then_some(spread)
    }
}

/// Sums of products of deviations from the means.
struct Spreads {
    count: f64,
    found: f64,
    truth: f64,
    joint: f64,
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
fn off_diagonal(sites: usize) -> impl Iterator<Item = usize> {
    (0..sites * sites).filter(move |index| index / sites != index % sites)
}

/// Checks a true matrix; gives the sum of its squares off the diagonal.
fn check_truth(truth: &[f64], sites: usize) -> Result<f64, InferenceError> {
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
    fn summaries_of_sums_are_those_of_the_entries_and_have_their_derivatives() {
        let truth = [9.0, 1.0, 2.0, 1.5, -7.0, 3.0, 2.0, -3.0, 5.0];
        let found = [0.0, 1.2, 3.0, 1.1, 0.0, 2.0, 3.0, -2.0, 0.0];
        let checked = Truth::new(&truth, 3).unwrap();
        let sums = checked.sums(&found);
        let expected = compare_couplings(&found, &truth, 3).unwrap().values();
        for (found, expected) in checked.summaries(sums).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
        // Central differences are good to the square of their step.
        for (by, step) in [(0, 1e-5), (1, 1e-5), (2, 1e-5)] {
            let moved = |sign: f64| {
                let mut sums = sums;
                sums[by] += sign * step;
                checked.summaries(sums)
            };
            let (above, below) = (moved(1.0), moved(-1.0));
            for (index, derivatives) in checked.derivatives(sums).iter().enumerate() {
                let expected = (above[index] - below[index]) / (2.0 * step);
                assert!(
                    (derivatives[by] - expected).abs() < 1e-8,
                    "{index} by {by}: {}, {expected}",
                    derivatives[by]
                );
            }
        }
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
