//! Naive mean-field inversion: couplings from the inverse of the correlations.

use faer::linalg::cholesky::llt::factor::LltError;
use faer::prelude::Solve;
use faer::{Mat, MatRef, Side};

use crate::bits::BitMatrix;
use crate::inference::block_sums::{BlockSums, Bootstrap, check_count};
use crate::inference::{Centring, Estimate, InferenceError, second_moments};

/// Largest number of sites whose correlations are inverted.
pub const MAX_INVERSION_SITES: usize = 2048;

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
    let inverse = factor.solve(Mat::<f64>::identity(sites, sites));
    let mut couplings = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in (0..sites).filter(|&j| j != i) {
            couplings[i * sites + j] = -0.5 * (inverse[(i, j)] + inverse[(j, i)]);
        }
    }
    Ok(couplings)
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
