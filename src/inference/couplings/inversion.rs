//! Naive mean-field inversion: couplings from the inverse of the correlations.

use faer::linalg::cholesky::llt::factor::LltError;
use faer::prelude::Solve;
use faer::{Mat, MatRef, Side};

use super::comparison::{EstimatedAgreement, Truth};
use crate::bits::BitMatrix;
use crate::inference::block_sums::{BlockSums, Bootstrap, check_count};
use crate::inference::{Centring, Estimate, InferenceError, second_moments};

/// Largest number of sites whose correlations are inverted.
pub const MAX_INVERSION_SITES: usize = 2048;
/// Rows that are multiplied at once.
const CHUNK: usize = 512;

/// Couplings `βJ_ij = -(C⁻¹)_ij`, off the diagonal, from the correlations `C`.
///
/// This is the response of naive mean field, `(C⁻¹)_ij = δ_ij / (1 - m_i²) - βJ_ij`,
/// solved for the couplings. It is biased even with infinitely many configurations:
/// in second order of the couplings where spins have means, in third order where they
/// have none; two spins give `sinh βJ cosh βJ`. With n configurations, noise raises
/// the inverse by about `n / (n - N - 1)`, so that n must be much larger than N.
///
/// # Shapes
///
/// - `samples`: spins, one configuration a row, bit 1 for +1.
/// - `centring`: [`Centring::Symmetric`] where means are known to be zero.
/// - result: sites by sites, row-major, symmetric, with zeros on the diagonal.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no configuration or no site.
/// - [`InferenceError::TooManySites`] above [`MAX_INVERSION_SITES`].
/// - [`InferenceError::Dependent`] if the correlations have no inverse: a site never
///   changes or goes with those before it, or there are too few configurations.
pub fn naive_mean_field(
    samples: &BitMatrix,
    centring: Centring,
) -> Result<Vec<f64>, InferenceError> {
    Ok(couplings(&inverse_correlations(samples, centring)?))
}

/// The couplings of an inverse of the correlations: `-(C⁻¹)_ij` off the diagonal.
fn couplings(inverse: &Mat<f64>) -> Vec<f64> {
    let sites = inverse.nrows();
    let mut couplings = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in (0..sites).filter(|&j| j != i) {
            couplings[i * sites + j] = -0.5 * (inverse[(i, j)] + inverse[(j, i)]);
        }
    }
    couplings
}

fn inverse_correlations(
    samples: &BitMatrix,
    centring: Centring,
) -> Result<Mat<f64>, InferenceError> {
    let sites = samples.columns();
    if sites > MAX_INVERSION_SITES {
        return Err(InferenceError::TooManySites {
            found: sites,
            limit: MAX_INVERSION_SITES,
        });
    }
    let correlations = second_moments(samples, centring)?;
    let matrix = MatRef::from_row_major_slice(&correlations, sites, sites);
    let factor = matrix
        .llt(Side::Lower)
        .map_err(
            |LltError::NonPositivePivot { index }| InferenceError::Dependent { vector: index },
        )?;
    Ok(factor.solve(Mat::<f64>::identity(sites, sites)))
}

/// How well [`naive_mean_field`] agrees with true couplings, with errors.
///
/// Errors are those of the first order, `δ(βJ) = C⁻¹ δC C⁻¹` off the diagonal, where `δC`
/// is what a block of configurations adds to the correlations; the blocks are put
/// together by a jackknife. They tell nothing of the bias of the method.
///
/// # Shapes
///
/// - `samples`, `centring`: as in [`naive_mean_field`]; `blocks`: the block of each
///   configuration.
/// - `truth`: sites by sites, row-major.
///
/// # Errors
///
/// - Those of [`naive_mean_field`], and of
///   [`compare_couplings`](super::compare_couplings) about the truth.
/// - [`InferenceError::Count`] if labels do not fit.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
///
/// # Cost
///
/// About `3 rows * sites²` multiplications.
pub fn naive_mean_field_agreement(
    samples: &BitMatrix,
    centring: Centring,
    truth: &[f64],
    blocks: &[u32],
) -> Result<EstimatedAgreement, InferenceError> {
    let (rows, sites) = (samples.rows(), samples.columns());
    let truth = Truth::new(truth, sites)?;
    let inverse = inverse_correlations(samples, centring)?;
    let found = couplings(&inverse);
    let means = match centring {
        Centring::Symmetric => vec![0.0; sites],
        Centring::Means => site_means(samples),
    };
    let mut responses = Vec::with_capacity(rows);
    for start in (0..rows).step_by(CHUNK) {
        let count = CHUNK.min(rows - start);
        let centred = Mat::from_fn(count, sites, |row, site| {
            let up = samples.get(start + row, site);
            let spin = if up { 1.0 } else { -1.0 };
            spin - means[site]
        });
        // Of each row, what it adds to -βJ but for a constant is the square of this.
        let weighted = &centred * &inverse;
        let along = |matrix: &[f64]| &weighted * MatRef::from_row_major_slice(matrix, sites, sites);
        let (with_found, with_truth) = (along(&found), along(truth.entries));
        for row in 0..count {
            let mut response = [0.0; 3];
            let (mut total, mut own) = (0.0, 0.0);
            for site in 0..sites {
                let u = weighted[(row, site)];
                total += u;
                own += u * u;
                response[1] += 2.0 * u * with_found[(row, site)];
                response[2] += u * (with_truth[(row, site)] - truth.diagonal(site) * u);
            }
            response[0] = total * total - own;
            responses.push(response);
        }
    }
    EstimatedAgreement::by_responses(&found, &truth, &responses, blocks)
}

fn site_means(samples: &BitMatrix) -> Vec<f64> {
    let rows = samples.rows();
    let ups = |site| (0..rows).filter(|&row| samples.get(row, site)).count();
    let mean = |site| 2.0 * ups(site) as f64 / rows as f64 - 1.0;
    (0..samples.columns()).map(mean).collect()
}

/// `βJ` by naive mean-field inversion where all pairs are alike: N times the coupling
/// of a pair.
///
/// With the variance `A` of a spin and the mean covariance `B` of a pair,
/// `C = (A - B) 1 + B 11ᵀ`, which has the inverse
///
/// ```text
/// βJ = N · B / [(A - B) (A + (N - 1) B)]
/// ```
///
/// It holds to first order in `βJ/N` in the disordered phase; in the ordered phase
/// spins fluctuate about two means, and it does not hold. Errors are by drawing
/// blocks anew.
///
/// # Shapes
///
/// - `samples`: spins, one configuration a row; `blocks`: the block of each.
/// - `centring`: [`Centring::Symmetric`] where means are known to be zero.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than two sites or resamples.
/// - [`InferenceError::Count`] if labels do not fit.
/// - [`InferenceError::Constant`] if the spins do not vary, or vary as one.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
pub fn exchangeable_inversion(
    samples: &BitMatrix,
    centring: Centring,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<Estimate, InferenceError> {
    if samples.columns() < 2 {
        return Err(InferenceError::TooFewRows {
            what: "sites",
            found: samples.columns(),
            needed: 2,
        });
    }
    check_count("block labels", blocks.len(), samples.rows())?;
    let sites = samples.columns() as f64;
    let sums = BlockSums::new(blocks, 2, |row, out| {
        let m = 2.0 * samples.count_ones(row) as f64 / sites - 1.0;
        out.copy_from_slice(&[m, m * m]);
    })?;
    let [coupling] = sums.bootstrap(bootstrap, |means| {
        let mean = match centring {
            Centring::Symmetric => 0.0,
            Centring::Means => means[0],
        };
        let own = 1.0 - mean * mean;
        // N² <m²> counts each spin with itself, N times 1.
        let pair = (sites * means[1] - 1.0) / (sites - 1.0) - mean * mean;
        let (apart, together) = (own - pair, own + (sites - 1.0) * pair);
        if !(apart > 1e-12 && together > 1e-12) {
            return Err(InferenceError::Constant { what: "spins" });
        }
        Ok([sites * pair / (apart * together)])
    })?;
    Ok(coupling)
}
