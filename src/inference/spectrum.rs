//! Collective variables of a decoder: the spectrum of its half-logits.

use faer::{MatRef, Side};

use super::{Basis, InferenceError};

/// Singular values below this part of the first do not count as collective.
pub const NEGLIGIBLE: f64 = 0.01;

/// Smallest [`Spectrum::margin`] that is called a gap.
///
/// Neighbouring singular values of pure noise over dozens of sites are closer
/// than this.
pub const CLEAR_MARGIN: f64 = 2.0;

/// Singular vectors that are kept, at most.
const KEPT_VECTORS: usize = 64;

/// Spread of all half-logits, relative to their size, that is rounding only.
const ROUNDING: f64 = 1e-12;

/// Singular values and vectors of centred half-logits, and the rank they show.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Singular values divided by the square root of the number of rows, in
    /// nats, largest first. The square of each is the variance of the
    /// half-logits along its vector. Values below `1e-8` of the first are noise.
    pub singular_values: Vec<f64>,
    /// Number of collective variables; 0 if the half-logits do not vary.
    ///
    /// It is the `k` up to half the number of singular values with the largest
    /// ratio `s_k / max(s_{k+1}, NEGLIGIBLE * s_1)`. The lower bound in the
    /// denominator keeps gaps among unused directions out.
    pub effective: usize,
    /// The ratio at [`Self::effective`], at most `1 / NEGLIGIBLE`; 1 if nothing varies.
    pub margin: f64,
    vectors: Basis,
}

impl Spectrum {
    /// Whether the margin is a gap at all, at least [`CLEAR_MARGIN`].
    ///
    /// If not, [`Self::effective`] is a guess and deserves a warning.
    #[must_use]
    pub fn gap_is_clear(&self) -> bool {
        self.margin >= CLEAR_MARGIN
    }

    /// The right singular vectors of the `dimension` largest singular values.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Components`] if `dimension` is zero or larger than the
    /// number of vectors kept: 64, or fewer if there are fewer rows or columns.
    pub fn basis(&self, dimension: usize) -> Result<Basis, InferenceError> {
        let available = self.vectors.dimension();
        if dimension == 0 || dimension > available {
            return Err(InferenceError::Components {
                asked: dimension,
                available,
            });
        }
        let sites = self.vectors.sites();
        let leading = self.vectors.vectors().take(dimension).flatten().copied();
        Ok(Basis::from_orthonormal(sites, leading.collect()))
    }
}

/// Reads the collective variables off half-logits.
///
/// Column means are subtracted first. With at least as many rows as columns
/// the columns' covariance matrix is diagonalised, which costs half of the
/// digits of small singular values; otherwise the matrix itself is decomposed.
///
/// # Shapes and units
///
/// - `half_logits`: row-major, one row a latent point (drawn from the prior, or
///   encoded), one column a site, in nats: the local field over temperature of
///   a ±1 spin, half the logit of its probability to be up.
/// - `columns`: number of sites.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if `columns` is zero.
/// - [`InferenceError::Shape`] if the values do not fill whole rows.
/// - [`InferenceError::TooFewRows`] if there are fewer than two rows.
/// - [`InferenceError::NotFinite`] if a value is NaN or infinite, or so large
///   that the spread overflows.
/// - [`InferenceError::NoConvergence`] if the decomposition fails.
///
/// # Cost
///
/// One centred copy of the values and a square matrix of the shorter side.
pub fn spectrum(half_logits: &[f64], columns: usize) -> Result<Spectrum, InferenceError> {
    let rows = checked_rows(half_logits, columns)?;
    let centred = centred(half_logits, columns);
    let matrix = MatRef::from_row_major_slice(&centred, rows, columns);
    let (singular_values, vectors) = if rows >= columns {
        by_covariance(matrix)?
    } else {
        by_decomposition(matrix)?
    };
    let largest = half_logits.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let (effective, margin) = effective_rank(&singular_values, ROUNDING * largest);
    Ok(Spectrum {
        singular_values,
        effective,
        margin,
        vectors,
    })
}

fn checked_rows(values: &[f64], columns: usize) -> Result<usize, InferenceError> {
    if columns == 0 {
        return Err(InferenceError::Empty {
            what: "column of half-logits",
        });
    }
    if !values.len().is_multiple_of(columns) {
        return Err(InferenceError::Shape {
            found: values.len(),
            columns,
        });
    }
    let rows = values.len() / columns;
    if rows < 2 {
        return Err(InferenceError::TooFewRows {
            what: "rows of half-logits",
            found: rows,
            needed: 2,
        });
    }
    // The bound keeps the sum of all squares in range.
    let bound = f64::MAX.sqrt() / values.len() as f64;
    match values
        .iter()
        .position(|x| !x.is_finite() || x.abs() > bound)
    {
        Some(index) => Err(InferenceError::NotFinite {
            what: "half-logit",
            index,
            value: values[index],
        }),
        None => Ok(rows),
    }
}

fn centred(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = (values.len() / columns) as f64;
    let mut means = vec![0.0; columns];
    for row in values.chunks_exact(columns) {
        for (mean, value) in means.iter_mut().zip(row) {
            *mean += value / rows;
        }
    }
    values
        .chunks_exact(columns)
        .flat_map(|row| row.iter().zip(&means).map(|(value, mean)| value - mean))
        .collect()
}

fn by_covariance(matrix: MatRef<'_, f64>) -> Result<(Vec<f64>, Basis), InferenceError> {
    let covariance = matrix.transpose() * matrix;
    let rows = matrix.nrows() as f64;
    let (eigenvalues, basis) = leading_eigenvectors(covariance.as_ref(), KEPT_VECTORS)?;
    let singular_values = eigenvalues
        .iter()
        .map(|l| (l.max(0.0) / rows).sqrt())
        .collect();
    Ok((singular_values, basis))
}

fn by_decomposition(matrix: MatRef<'_, f64>) -> Result<(Vec<f64>, Basis), InferenceError> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let svd = matrix
        .thin_svd()
        .map_err(|_| InferenceError::NoConvergence { rows, columns })?;
    let scale = (rows as f64).sqrt();
    let values: Vec<f64> = svd.S().column_vector().iter().map(|s| s / scale).collect();
    let kept = values.len().min(KEPT_VECTORS);
    let vectors = (0..kept).flat_map(|k| svd.V().col(k).iter().copied());
    Ok((values, Basis::from_orthonormal(columns, vectors.collect())))
}

/// All eigenvalues of a symmetric matrix, largest first, and up to `kept` of
/// their eigenvectors. Only the lower triangle is read.
pub(super) fn leading_eigenvectors(
    matrix: MatRef<'_, f64>,
    kept: usize,
) -> Result<(Vec<f64>, Basis), InferenceError> {
    let size = matrix.nrows();
    let eigen =
        matrix
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| InferenceError::NoConvergence {
                rows: size,
                columns: size,
            })?;
    let values = eigen.S().column_vector().iter().rev().copied().collect();
    let vectors: MatRef<'_, f64> = eigen.U();
    let leading = (0..size.min(kept)).flat_map(|k| vectors.col(size - 1 - k).iter().copied());
    Ok((values, Basis::from_orthonormal(size, leading.collect())))
}

/// The rank by the largest ratio of neighbours, and that ratio.
fn effective_rank(singular_values: &[f64], rounding: f64) -> (usize, f64) {
    let first = singular_values.first().copied().unwrap_or(0.0);
    if first <= rounding {
        return (0, 1.0);
    }
    let floor = NEGLIGIBLE * first;
    let last = (singular_values.len() / 2).max(1);
    let mut best = (1, 0.0);
    for k in 1..=last {
        let next = singular_values.get(k).copied().unwrap_or(0.0);
        let ratio = singular_values[k - 1] / next.max(floor);
        if ratio > best.1 {
            best = (k, ratio);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    /// Rows `sum_k strength_k walsh_k(row) v_k + offset`, with the orthonormal
    /// vectors `v_k = walsh_k(site) / sqrt(columns)`: the strengths are the
    /// singular values.
    fn walsh(rows: usize, columns: usize, strengths: &[f64]) -> Vec<f64> {
        let sign = |k: usize, i: usize| 1.0 - 2.0 * f64::from((k & i).count_ones() % 2);
        let scale = (columns as f64).sqrt();
        let mut values = Vec::new();
        for row in 0..rows {
            for site in 0..columns {
                let term = |(k, s): (usize, &f64)| s * sign(k + 1, row) * sign(k + 1, site) / scale;
                let offset = 3.0 + site as f64;
                values.push(strengths.iter().enumerate().map(term).sum::<f64>() + offset);
            }
        }
        values
    }

    #[test]
    fn singular_values_and_vectors_of_walsh_functions_are_their_strengths() {
        let strengths = [5.0, 4.0, 2.0, 0.5];
        for (rows, columns) in [(64, 16), (16, 16), (16, 64)] {
            let result = spectrum(&walsh(rows, columns, &strengths), columns).unwrap();
            assert_eq!(result.singular_values.len(), rows.min(columns));
            for (k, &found) in result.singular_values.iter().enumerate() {
                let expected = strengths.get(k).copied().unwrap_or(0.0);
                let tolerance = if expected > 0.0 { 1e-12 } else { 1e-7 };
                assert!((found - expected).abs() < tolerance, "{rows} {columns} {k}");
            }
            let basis = result.basis(4).unwrap();
            for vector in basis.vectors() {
                // Each entry is +-1 over the root of the number of columns.
                let scale = (columns as f64).sqrt();
                assert!(vector.iter().all(|x| (x.abs() * scale - 1.0).abs() < 1e-9));
            }
        }
    }

    #[test]
    fn the_rank_is_where_the_largest_gap_is() {
        let result = spectrum(&walsh(64, 32, &[5.0, 4.0, 3.0, 0.3, 0.2]), 32).unwrap();
        assert_eq!(result.effective, 3);
        assert!((result.margin - 10.0).abs() < 1e-9);
        assert!(result.gap_is_clear());
    }

    #[test]
    fn a_gap_among_unused_directions_is_not_the_rank() {
        // 5 : 1e-3 is cut to 1 / NEGLIGIBLE; 1e-3 : 1e-9 would be the largest ratio.
        let result = spectrum(&walsh(64, 32, &[5.0, 5.0, 1e-3, 1e-3]), 32).unwrap();
        assert_eq!(result.effective, 2);
        assert!((result.margin - 1.0 / NEGLIGIBLE).abs() < 1e-6);
    }

    fn noise(rows: usize, columns: usize) -> Vec<f64> {
        let mut generator = stream("5", &["noise"]);
        (0..rows * columns)
            .map(|_| uniform(&mut generator) - 0.5)
            .collect()
    }

    #[test]
    fn noise_shows_no_clear_gap() {
        for (rows, columns) in [(500, 100), (100, 100), (50, 100)] {
            let result = spectrum(&noise(rows, columns), columns).unwrap();
            assert!(!result.gap_is_clear(), "margin {}", result.margin);
        }
    }

    #[test]
    fn both_routes_agree() {
        let values = centred(&noise(60, 20), 20);
        let matrix = MatRef::from_row_major_slice(&values, 60, 20);
        let (a, u) = by_covariance(matrix).unwrap();
        let (b, v) = by_decomposition(matrix).unwrap();
        for ((x, y), (p, q)) in a.iter().zip(&b).zip(u.vectors().zip(v.vectors())) {
            assert!((x - y).abs() < 1e-10);
            let cosine: f64 = p.iter().zip(q).map(|(x, y)| x * y).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn half_logits_that_do_not_vary_have_rank_zero() {
        let result = spectrum(&[0.1, -7.3, 0.1, -7.3, 0.1, -7.3], 2).unwrap();
        assert_eq!(result.effective, 0);
        assert!(!result.gap_is_clear());
    }

    #[test]
    fn bad_half_logits_are_named() {
        assert!(matches!(
            spectrum(&[], 0),
            Err(InferenceError::Empty { .. })
        ));
        assert_eq!(
            spectrum(&[1.0; 7], 3),
            Err(InferenceError::Shape {
                found: 7,
                columns: 3
            })
        );
        assert!(matches!(
            spectrum(&[1.0; 3], 3),
            Err(InferenceError::TooFewRows { found: 1, .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            assert!(matches!(
                spectrum(&[1.0, 2.0, bad, 4.0], 2),
                Err(InferenceError::NotFinite { index: 2, .. })
            ));
        }
        let result = spectrum(&walsh(8, 4, &[1.0]), 4).unwrap();
        for asked in [0, 5] {
            assert_eq!(
                result.basis(asked),
                Err(InferenceError::Components {
                    asked,
                    available: 4
                })
            );
        }
    }
}
