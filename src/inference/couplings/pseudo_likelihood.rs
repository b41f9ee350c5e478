//! Pseudo-likelihood of an exchangeable magnet: coupling and field from the spins.

use super::newton::{Expansion, Free, inverse, maximise};
use super::{CouplingAndField, ExternalField};
use crate::bits::BitMatrix;
use crate::inference::block_sums::{BlockSums, Bootstrap, check_count};
use crate::inference::{Estimate, InferenceError};

const WHAT: &str = "the pseudo-likelihood";

/// Mean log-probability of a spin above which all spins are predicted for certain.
const CERTAIN: f64 = -1e-9;

/// The maximum of the pseudo-likelihood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PseudoLikelihoodFit {
    /// With errors of the sandwich formula: the gradients of the blocks between two
    /// inverse Hessians. The spins of a configuration are not independent, so that the
    /// inverse Hessian alone would be too small.
    pub sandwich: CouplingAndField,
    /// With errors by drawing blocks anew; the values are the same.
    pub bootstrap: CouplingAndField,
    /// Mean log-probability of a spin given the others, nats.
    pub log_likelihood: f64,
}

/// Fits `p(s_i | others) ∝ exp{s_i [βJ (M - s_i) / N + βh]}` to all spins at once.
///
/// This is exact for the Curie-Weiss model, and logistic regression of each spin on the
/// magnetisation of the others. It depends on a configuration through M alone, has
/// one maximum, and needs no partition sum.
///
/// # Shapes
///
/// - `samples`: spins, one configuration a row, bit 1 for +1.
/// - `blocks`: the block of each configuration; blocks are independent.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than two sites or resamples.
/// - [`InferenceError::Count`] if labels do not fit.
/// - [`InferenceError::Unconverged`] if the maximum lies at infinity, as it does if
///   all spins are alike, or `M` never varies while both parameters are free.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
pub fn pseudo_likelihood(
    samples: &BitMatrix,
    field: ExternalField,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<PseudoLikelihoodFit, InferenceError> {
    let sites = samples.columns();
    if sites < 2 {
        return Err(InferenceError::TooFewRows {
            what: "sites",
            found: sites,
            needed: 2,
        });
    }
    check_count("block labels", blocks.len(), samples.rows())?;
    // How many configurations have how many spins up.
    let sums = BlockSums::new(blocks, sites + 1, |row, out| {
        out[samples.count_ones(row)] = 1.0;
    })?;
    let free = match field {
        ExternalField::Absent => Free::First,
        ExternalField::Fitted => Free::Both,
    };
    let (best, there) = fit(&sums.means(), free)?;
    let bootstrapped = sums.bootstrap(bootstrap, |means| Ok(fit(means, free)?.0))?;
    let errors = sandwich(&sums, best, there.curvature, free)?;
    let informed = [0, 1].map(|index| Estimate {
        standard_error: errors[index],
        ..bootstrapped[index]
    });
    Ok(PseudoLikelihoodFit {
        sandwich: CouplingAndField::new(informed, field),
        bootstrap: CouplingAndField::new(bootstrapped, field),
        log_likelihood: there.value,
    })
}

/// The maximum, given the shares of configurations by their number of spins up.
fn fit(shares: &[f64], free: Free) -> Result<([f64; 2], Expansion), InferenceError> {
    let function = |point| Ok(expansion(shares, point));
    let (best, there) = maximise(WHAT, [0.0, 0.0], free, function, |_, step| step)?;
    if there.value > CERTAIN {
        return Err(InferenceError::Unconverged {
            what: WHAT,
            steps: 0,
        });
    }
    Ok((best, there))
}

/// Mean log-probability of a spin, with its derivatives by `βJ` and `βh`.
fn expansion(shares: &[f64], [coupling, field]: [f64; 2]) -> Expansion {
    let sites = (shares.len() - 1) as f64;
    let mut sum = Expansion {
        value: 0.0,
        gradient: [0.0; 2],
        curvature: [0.0; 3],
    };
    for (up, &share) in shares.iter().enumerate() {
        if share == 0.0 {
            continue;
        }
        let up = up as f64;
        let total = 2.0 * up - sites;
        for (spin, count) in [(1.0, up), (-1.0, sites - up)] {
            let others = (total - spin) / sites;
            let weight = share * count / sites;
            let argument = 2.0 * spin * (coupling * others + field);
            // 1 - p, the probability of the opposite of what was found.
            let wrong = 1.0 / (1.0 + argument.exp());
            sum.value -= weight * ((-argument.abs()).exp().ln_1p() + (-argument).max(0.0));
            let slope = weight * 2.0 * spin * wrong;
            let bend = weight * 4.0 * wrong * (1.0 - wrong);
            sum.gradient[0] += slope * others;
            sum.gradient[1] += slope;
            sum.curvature[0] += bend * others * others;
            sum.curvature[1] += bend * others;
            sum.curvature[2] += bend;
        }
    }
    sum
}

/// Errors by `H⁻¹ G H⁻¹` with `G = B/(B - 1) Σ_b g_b g_bᵀ` over B blocks.
fn sandwich(
    sums: &BlockSums,
    best: [f64; 2],
    curvature: [f64; 3],
    free: Free,
) -> Result<[f64; 2], InferenceError> {
    let [p, q, r] = inverse(curvature, free).ok_or(InferenceError::Unconverged {
        what: WHAT,
        steps: 0,
    })?;
    let rows = sums.rows() as f64;
    let mut squares = [0.0; 2];
    let mut blocks = 0.0;
    for counts in sums.blocks() {
        let [g, h] = expansion(counts, best).gradient;
        squares[0] += (p * g + q * h).powi(2);
        squares[1] += (q * g + r * h).powi(2);
        blocks += 1.0;
    }
    let factor = blocks / (blocks - 1.0);
    Ok(squares.map(|square| (factor * square).sqrt() / rows))
}
