//! Eigenvalues and eigenvectors of a symmetric 3 x 3 matrix.

/// Sweeps after which Jacobi's method has long converged.
const SWEEPS: usize = 30;

/// A symmetric matrix as `Σ_k λ_k v_k v_k'`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetricEigen {
    /// Eigenvalues in falling order.
    pub values: [f64; 3],
    /// `vectors[k]` is the unit eigenvector of `values[k]`.
    pub vectors: [[f64; 3]; 3],
}

/// Diagonalises a symmetric matrix by Jacobi's method (cyclic).
///
/// Only the upper triangle is read. Errors are a few units in the last place of the
/// largest eigenvalue, also where eigenvalues coincide. Entries that are not
/// finite give entries that are not numbers.
#[must_use]
pub fn symmetric_eigen(matrix: [[f64; 3]; 3]) -> SymmetricEigen {
    let mut a = matrix;
    a[1][0] = a[0][1];
    a[2][0] = a[0][2];
    a[2][1] = a[1][2];
    let mut rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..SWEEPS {
        let off = a[0][1].abs() + a[0][2].abs() + a[1][2].abs();
        let diagonal = a[0][0].abs() + a[1][1].abs() + a[2][2].abs();
        if off <= f64::EPSILON * 1e-3 * diagonal {
            break;
        }
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            rotate(&mut a, &mut rows, p, q);
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]));
    SymmetricEigen {
        values: order.map(|k| a[k][k]),
        vectors: order.map(|k| rows[k]),
    }
}

/// Turns the plane of axes `p` and `q` so that `a[p][q]` vanishes.
fn rotate(a: &mut [[f64; 3]; 3], rows: &mut [[f64; 3]; 3], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = 0.5 * (a[q][q] - a[p][p]) / a[p][q];
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = tangent.hypot(1.0).recip();
    let sine = tangent * cosine;
    let r = 3 - p - q;
    let (shift, rp, rq) = (tangent * a[p][q], a[r][p], a[r][q]);
    a[p][p] -= shift;
    a[q][q] += shift;
    a[p][q] = 0.0;
    a[q][p] = 0.0;
    a[r][p] = cosine * rp - sine * rq;
    a[r][q] = sine * rp + cosine * rq;
    a[p][r] = a[r][p];
    a[q][r] = a[r][q];
    let (old_p, old_q) = (rows[p], rows[q]);
    for axis in 0..3 {
        rows[p][axis] = cosine * old_p[axis] - sine * old_q[axis];
        rows[q][axis] = sine * old_p[axis] + cosine * old_q[axis];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    fn largest_error(matrix: [[f64; 3]; 3], eigen: &SymmetricEigen) -> f64 {
        let mut error = 0.0_f64;
        for (value, vector) in eigen.values.iter().zip(&eigen.vectors) {
            for row in 0..3 {
                let product: f64 = (0..3).map(|k| matrix[row][k] * vector[k]).sum();
                error = error.max((product - value * vector[row]).abs());
            }
        }
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
            let product: f64 = (0..3)
                .map(|k| eigen.vectors[i][k] * eigen.vectors[j][k])
                .sum();
            error = error.max((product - f64::from(u8::from(i == j))).abs());
        }
        error
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_stretched_by_their_eigenvalues() {
        let mut generator = stream("matrices", &[]);
        for _ in 0..200 {
            let mut matrix = [[0.0; 3]; 3];
            for (i, j) in (0..3).flat_map(|i| (i..3).map(move |j| (i, j))) {
                matrix[i][j] = 2.0 * uniform(&mut generator) - 1.0;
                matrix[j][i] = matrix[i][j];
            }
            let eigen = symmetric_eigen(matrix);
            assert!(largest_error(matrix, &eigen) < 1e-14, "{matrix:?}");
            assert!(eigen.values[0] >= eigen.values[1] && eigen.values[1] >= eigen.values[2]);
        }
    }

    #[test]
    fn coinciding_eigenvalues_and_the_zero_matrix_are_no_exception() {
        // I + a a' with a = (1, 2, 2): eigenvalues 10, 1, 1.
        let twofold = [[2.0, 2.0, 2.0], [2.0, 5.0, 4.0], [2.0, 4.0, 5.0]];
        let eigen = symmetric_eigen(twofold);
        for (found, expected) in eigen.values.iter().zip([10.0, 1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-14, "{eigen:?}");
        }
        assert!(largest_error(twofold, &eigen) < 1e-14);
        let zero = symmetric_eigen([[0.0; 3]; 3]);
        assert!(largest_error([[0.0; 3]; 3], &zero) < 1e-15);
    }
}
