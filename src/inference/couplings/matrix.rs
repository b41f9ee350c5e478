//! The full matrix of couplings of spins, from a network's posterior.

use faer::{MatRef, Side};

use super::comparison::{EntrySums, EstimatedAgreement, Truth, compare_couplings};
use super::mean_field::{MeanFieldData, MeanFieldRegression, mean_field_regression};
use crate::bits::BitMatrix;
use crate::inference::block_sums::{BlockSums, Bootstrap, check_count};
use crate::inference::spectrum::leading_eigenvectors;
use crate::inference::{Basis, InferenceError};

/// Largest rank that is fitted; a block keeps about `2 rank²` numbers.
pub const MAX_RANK: usize = 64;

/// Part of the largest eigenvalue below which a direction of the predictors is empty.
const EMPTY_DIRECTION: f64 = 1e-10;

/// A matrix `W` of low rank with `E[φ_i|s] ≈ Σ_j W_ij s_j + b_i`.
///
/// In the field of its latent variables a pairwise model, with the self terms that
/// make `βJ` positive semidefinite, has `E[φ_i|s] = Σ_j βJ_ij s_j + βh_i`, so that `W`
/// is `βJ`, whatever coordinates the latent variables have.
///
/// # How it is found
///
/// The half-logits `φ` of a decoder with few latent variables stay near a space of few
/// dimensions. `V` (sites by rank, orthonormal) spans the principal directions of the
/// predictions. As `βJ` is symmetric, its rows lie in the same space as its columns,
/// hence `βJ = V A Vᵀ`, and
///
/// ```text
/// Vᵀφ = A Vᵀs + b   with   A = Cov(Vᵀφ, Vᵀs) Cov(Vᵀs, Vᵀs)⁻¹
/// ```
///
/// is least squares with `rank²` coefficients in place of `sites²`: noise enters
/// through these alone, and the covariance to be inverted is that of the collective
/// variables, which is large in every phase. Directions in which the spins do not
/// vary get no coupling. `A` is symmetrised in the end.
#[derive(Debug, Clone)]
pub struct CouplingMatrix {
    sites: usize,
    basis: Basis,
    /// Rank by rank, row-major, before symmetrising.
    coefficients: Vec<f64>,
    sums: BlockSums,
}

/// Regresses the posterior means of the half-logits on the spins.
///
/// # Shapes
///
/// - `half_logits`: `E[φ_i|s]`, rows by sites, nats.
/// - `samples`: the spins, one configuration a row, bit 1 for +1.
/// - `rank`: number of collective variables, such as
///   [`Spectrum::effective`](crate::inference::Spectrum::effective).
/// - `blocks`: the block of each row, of which new sets are drawn for errors.
///
/// # Errors
///
/// - [`InferenceError::Count`] if half-logits, spins and labels do not fit.
/// - [`InferenceError::Components`] if `rank` is zero, above the number of sites or
///   above [`MAX_RANK`].
/// - [`InferenceError::NotFinite`] if a half-logit is not finite.
/// - [`InferenceError::Constant`] if the spins do not vary in the space.
/// - [`InferenceError::NoConvergence`] if a decomposition fails.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
///
/// # Cost
///
/// One copy of the half-logits in double precision and `rows * sites²` multiplications.
pub fn coupling_matrix(
    half_logits: &[f32],
    samples: &BitMatrix,
    rank: usize,
    blocks: &[u32],
) -> Result<CouplingMatrix, InferenceError> {
    let (rows, sites) = (samples.rows(), samples.columns());
    check_half_logits(half_logits, samples)?;
    check_count("block labels", blocks.len(), rows)?;
    let available = sites.min(MAX_RANK);
    if rank == 0 || rank > available {
        return Err(InferenceError::Components {
            asked: rank,
            available,
        });
    }
    let basis = principal_directions(half_logits, rows, sites, rank)?;
    let mut signs = vec![0.0_f32; sites];
    let width = 2 * rank + 2 * rank * rank;
    let sums = BlockSums::new(blocks, width, |row, out| {
        samples.write_row(row, -1.0, 1.0, &mut signs);
        let x = coordinates(&basis, &signs);
        let y = coordinates(&basis, &half_logits[row * sites..(row + 1) * sites]);
        let products = x.iter().chain(&y);
        let products = products.flat_map(|&left| x.iter().map(move |&right| left * right));
        let numbers = x.iter().chain(&y).copied().chain(products);
        out.iter_mut().zip(numbers).for_each(|(o, n)| *o = n);
    })?;
    Ok(CouplingMatrix {
        sites,
        coefficients: coefficients(&sums.means(), rank)?,
        basis,
        sums,
    })
}

fn check_half_logits(half_logits: &[f32], samples: &BitMatrix) -> Result<(), InferenceError> {
    let expected = samples.rows() * samples.columns();
    check_count("half-logits", half_logits.len(), expected)?;
    match half_logits.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => Err(InferenceError::NotFinite {
            what: "half-logit",
            index,
            value: f64::from(half_logits[index]),
        }),
    }
}

/// Leading eigenvectors of the covariance of the predictions.
fn principal_directions(
    half_logits: &[f32],
    rows: usize,
    sites: usize,
    rank: usize,
) -> Result<Basis, InferenceError> {
    let mut means = vec![0.0; sites];
    for row in half_logits.chunks_exact(sites) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += f64::from(value) / rows as f64;
        }
    }
    let centred: Vec<f64> = half_logits
        .chunks_exact(sites)
        .flat_map(|row| row.iter().zip(&means))
        .map(|(&value, mean)| f64::from(value) - mean)
        .collect();
    let matrix = MatRef::from_row_major_slice(&centred, rows, sites);
    let covariance = matrix.transpose() * matrix;
    Ok(leading_eigenvectors(covariance.as_ref(), rank)?.1)
}

fn coordinates(basis: &Basis, vector: &[f32]) -> Vec<f64> {
    let along = |direction: &[f64]| {
        let terms = direction.iter().zip(vector);
        terms.map(|(d, &v)| d * f64::from(v)).sum()
    };
    basis.vectors().map(along).collect()
}

/// `A = Cov(y, x) Cov(x, x)⁺` from the means of `x`, `y`, `x xᵀ` and `y xᵀ`.
fn coefficients(means: &[f64], rank: usize) -> Result<Vec<f64>, InferenceError> {
    let (firsts, products) = means.split_at(2 * rank);
    let (x, y) = firsts.split_at(rank);
    let (xx, yx) = products.split_at(rank * rank);
    let covariance = |products: &[f64], left: &[f64]| -> Vec<f64> {
        (0..rank * rank)
            .map(|index| products[index] - left[index / rank] * x[index % rank])
            .collect()
    };
    let (spread, joint) = (covariance(xx, x), covariance(yx, y));
    let spread = MatRef::from_row_major_slice(&spread, rank, rank);
    let joint = MatRef::from_row_major_slice(&joint, rank, rank);
    let eigen =
        spread
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| InferenceError::NoConvergence {
                rows: rank,
                columns: rank,
            })?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let largest = values.iter().fold(0.0, |a: f64, &b| a.max(b));
    if largest <= 0.0 {
        return Err(InferenceError::Constant {
            what: "collective variables of the spins",
        });
    }
    let vectors = eigen.U();
    let mut scaled = joint * vectors;
    for (column, &value) in values.iter().enumerate() {
        let kept = value > EMPTY_DIRECTION * largest;
        let factor = if kept { value.recip() } else { 0.0 };
        (0..rank).for_each(|row| scaled[(row, column)] *= factor);
    }
    let solved = scaled * vectors.transpose();
    Ok((0..rank * rank)
        .map(|index| solved[(index / rank, index % rank)])
        .collect())
}

impl CouplingMatrix {
    /// The couplings `βJ_ij`, sites by sites, row-major and symmetric. The diagonal
    /// holds the self terms that the latent variables bring.
    #[must_use]
    pub fn entries(&self) -> Vec<f64> {
        let rank = self.basis.dimension();
        let directions: Vec<&[f64]> = self.basis.vectors().collect();
        let mut entries = vec![0.0; self.sites * self.sites];
        for (k, left) in directions.iter().enumerate() {
            for (l, right) in directions.iter().enumerate() {
                let forward = self.coefficients[k * rank + l];
                let both = 0.5 * (forward + self.coefficients[l * rank + k]);
                for (row, a) in entries.chunks_exact_mut(self.sites).zip(*left) {
                    for (entry, b) in row.iter_mut().zip(*right) {
                        *entry += both * a * b;
                    }
                }
            }
        }
        entries
    }

    /// How far the matrix was from symmetric, `|A - Aᵀ| / |A + Aᵀ|`: near 0 for a
    /// pairwise model in equilibrium.
    #[must_use]
    pub fn asymmetry(&self) -> f64 {
        let rank = self.basis.dimension();
        let (mut difference, mut sum) = (0.0, 0.0);
        for index in 0..rank * rank {
            let transposed = self.coefficients[index % rank * rank + index / rank];
            difference += (self.coefficients[index] - transposed).powi(2);
            sum += (self.coefficients[index] + transposed).powi(2);
        }
        if sum > 0.0 {
            (difference / sum).sqrt()
        } else {
            0.0
        }
    }

    /// How well the couplings agree with true ones, off the diagonal. The slope is `β`, if
    /// the true ones are without it.
    ///
    /// Errors are by drawing blocks of rows anew, with the directions held fixed.
    ///
    /// # Errors
    ///
    /// - Those of [`compare_couplings`] about the truth.
    /// - [`InferenceError::TooFewRows`] if there are fewer than two resamples.
    /// - [`InferenceError::Constant`] or [`InferenceError::NoConvergence`] if the
    ///   regression fails on a resample.
    pub fn agreement(
        &self,
        truth: &[f64],
        bootstrap: &mut Bootstrap<'_>,
    ) -> Result<EstimatedAgreement, InferenceError> {
        let agreement = compare_couplings(&self.entries(), truth, self.sites)?;
        let truth = Truth::new(truth, self.sites)?;
        let rank = self.basis.dimension();
        let projected = self.projected(truth.entries);
        let errors = self.sums.bootstrap(bootstrap, |means| {
            let coefficients = coefficients(means, rank)?;
            Ok(truth.summaries(self.sums_of_entries(&coefficients, &projected)))
        })?;
        Ok(EstimatedAgreement::new(agreement, errors))
    }

    #[cfg(test)]
    pub(super) fn entry_sums(&self, truth: &[f64]) -> EntrySums {
        self.sums_of_entries(&self.coefficients, &self.projected(truth))
    }

    /// Sums over the entries `V A Vᵀ` off the diagonal, of any coefficients `A`, given
    /// the projection of the truth.
    fn sums_of_entries(&self, coefficients: &[f64], projected: &[f64]) -> EntrySums {
        let rank = self.basis.dimension();
        let directions: Vec<&[f64]> = self.basis.vectors().collect();
        let symmetric =
            |k: usize, l: usize| 0.5 * (coefficients[k * rank + l] + coefficients[l * rank + k]);
        let totals: Vec<f64> = directions.iter().map(|v| v.iter().sum()).collect();
        let mut diagonal = vec![0.0; self.sites];
        let mut sums = [0.0; 3];
        for k in 0..rank {
            for l in 0..rank {
                let entry = symmetric(k, l);
                sums[0] += entry * totals[k] * totals[l];
                sums[1] += entry * entry;
                sums[2] += entry * projected[k * rank + l];
                let products = directions[k].iter().zip(directions[l]);
                for (sum, (a, b)) in diagonal.iter_mut().zip(products) {
                    *sum += entry * a * b;
                }
            }
        }
        // The directions are orthonormal, so that A and V A Vᵀ have the same norm.
        for own in diagonal {
            sums[0] -= own;
            sums[1] -= own * own;
        }
        sums
    }

    /// `Vᵀ J V` of a matrix without its diagonal, symmetrised.
    fn projected(&self, truth: &[f64]) -> Vec<f64> {
        let sites = self.sites;
        let directions: Vec<&[f64]> = self.basis.vectors().collect();
        let rank = directions.len();
        let mut projected = vec![0.0; rank * rank];
        for i in 0..sites {
            for j in (0..sites).filter(|&j| j != i) {
                let coupling = 0.5 * (truth[i * sites + j] + truth[j * sites + i]);
                for (k, left) in directions.iter().enumerate() {
                    for (l, right) in directions.iter().enumerate() {
                        projected[k * rank + l] += coupling * left[i] * right[j];
                    }
                }
            }
        }
        projected
    }
}

/// Regresses the half-logits on true patterns: the slope is the inverse temperature.
///
/// In the Hopfield model `E[φ_i|s] = β Σ_ν ξ_i^ν m^ν` with the overlaps
/// `m^ν = ξ^ν·s / N`. Hence
///
/// ```text
/// ξ^μ·E[φ|s] / N = β Σ_ν C_μν m^ν,   C_μν = ξ^μ·ξ^ν / N
/// ```
///
/// for every pattern with the same slope, orthogonal or not.
///
/// # Shapes
///
/// - `half_logits`, `samples`, `blocks`: as in [`coupling_matrix`].
/// - `patterns`: the true patterns, one a row, bit 1 for +1.
///
/// # Errors
///
/// - [`InferenceError::Count`] if half-logits, spins, patterns and labels do not fit.
/// - [`InferenceError::Empty`] if there is no pattern.
/// - Those of [`mean_field_regression`].
pub fn pattern_regression(
    half_logits: &[f32],
    samples: &BitMatrix,
    patterns: &BitMatrix,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<MeanFieldRegression, InferenceError> {
    check_half_logits(half_logits, samples)?;
    let sites = samples.columns();
    check_count("sites of a pattern", patterns.columns(), sites)?;
    if patterns.rows() == 0 || sites == 0 {
        let what = if sites == 0 { "site" } else { "pattern" };
        return Err(InferenceError::Empty { what });
    }
    let truth = signs(patterns);
    let truth: Vec<&[f32]> = truth.chunks_exact(sites).collect();
    let mutual: Vec<Vec<f64>> = truth
        .iter()
        .map(|xi| truth.iter().map(|other| overlap(xi, other)).collect())
        .collect();
    let mut row_signs = vec![0.0; sites];
    let (mut parameters, mut features) = (Vec::new(), Vec::new());
    for (row, logits) in half_logits.chunks_exact(sites).enumerate() {
        samples.write_row(row, -1.0, 1.0, &mut row_signs);
        let overlaps: Vec<f64> = truth.iter().map(|xi| overlap(xi, &row_signs)).collect();
        for (xi, mutual) in truth.iter().zip(&mutual) {
            parameters.push(overlap(xi, logits));
            features.push(mutual.iter().zip(&overlaps).map(|(c, m)| c * m).sum());
        }
    }
    let data = MeanFieldData {
        width: truth.len(),
        parameters: &parameters,
        features: &features,
        blocks,
    };
    mean_field_regression(&data, bootstrap)
}

/// Mean over the sites of a product.
fn overlap(a: &[f32], b: &[f32]) -> f64 {
    let terms = a.iter().zip(b).map(|(&x, &y)| f64::from(x * y));
    terms.sum::<f64>() / a.len() as f64
}

fn signs(bits: &BitMatrix) -> Vec<f32> {
    let mut signs = vec![0.0; bits.rows() * bits.columns()];
    for (row, values) in signs.chunks_exact_mut(bits.columns()).enumerate() {
        bits.write_row(row, -1.0, 1.0, values);
    }
    signs
}
