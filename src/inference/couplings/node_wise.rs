//! Pseudo-likelihood of a pairwise magnet: one logistic regression a site.

use faer::prelude::Solve;
use faer::{Mat, MatRef, Side};
use rayon::prelude::*;

use super::comparison::{EstimatedAgreement, Truth};
use crate::bits::BitMatrix;
use crate::inference::InferenceError;

/// Largest number of sites; the cost grows with its third power.
pub const MAX_NODE_WISE_SITES: usize = 128;

const WHAT: &str = "the pseudo-likelihood of a site";
const MAX_STEPS: usize = 60;
/// Expected gain, nats a configuration, at which the maximum is reached.
const NEGLIGIBLE_GAIN: f64 = 1e-12;
const MAX_HALVINGS: usize = 40;

/// Couplings `βJ_ij` from `p(s_i | others) ∝ exp{s_i (Σ_j βJ_ij s_j + βh_i)}`.
///
/// For each site the penalised mean log-likelihood
///
/// ```text
/// (1/n) Σ_k ln p(s_i^k | others) - λ Σ_{j≠i} (βJ_ij)²
/// ```
///
/// is maximised by Newton's method (iteratively reweighted least squares); the two
/// estimates of a coupling are averaged. The penalty keeps couplings finite where
/// the data would not, and pulls all of them towards 0: to a first approximation by
/// the factor `1 / (1 + 2λ)` for weak couplings. `λ` of the order of `1/n` hardly
/// matters where n is much larger than N. A site that never changes gets couplings of
/// 0: its field explains it.
///
/// # Shapes
///
/// - `samples`: spins, one configuration a row, bit 1 for +1.
/// - `penalty`: `λ`, above 0.
/// - result: sites by sites, row-major, symmetric, with zeros on the diagonal.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no configuration or no site.
/// - [`InferenceError::TooManySites`] above [`MAX_NODE_WISE_SITES`].
/// - [`InferenceError::OutOfRange`] if `penalty` is not a positive number.
/// - [`InferenceError::Unconverged`] if a fit does not end.
///
/// # Cost
///
/// About ten passes of `rows * sites³` multiplications; sites run in parallel, each by
/// itself, so that the number of threads decides no number.
pub fn node_wise_pseudo_likelihood(
    samples: &BitMatrix,
    penalty: f64,
) -> Result<Vec<f64>, InferenceError> {
    check(samples, penalty)?;
    Ok(symmetric(&fit_all(&signs(samples), penalty)?))
}

/// The spins, rows by sites.
fn signs(samples: &BitMatrix) -> Mat<f64> {
    Mat::from_fn(samples.rows(), samples.columns(), |row, site| {
        if samples.get(row, site) { 1.0 } else { -1.0 }
    })
}

/// The couplings to each site as its own regression has them.
fn fit_all(spins: &Mat<f64>, penalty: f64) -> Result<Vec<Vec<f64>>, InferenceError> {
    (0..spins.ncols())
        .into_par_iter()
        .map(|site| Node::new(spins.as_ref(), site, penalty).fit())
        .collect()
}

/// Means of both estimates of each coupling, sites by sites, without a diagonal.
fn symmetric(fitted: &[Vec<f64>]) -> Vec<f64> {
    let sites = fitted.len();
    let mut couplings = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in (0..sites).filter(|&j| j != i) {
            couplings[i * sites + j] = 0.5 * (fitted[i][j] + fitted[j][i]);
        }
    }
    couplings
}

/// How well [`node_wise_pseudo_likelihood`] agrees with true couplings, with errors.
///
/// Errors are those of the sandwich formula, over all regressions together: what a block of
/// configurations adds to the gradients, times the inverse Hessians; the blocks are put
/// together by a jackknife. They tell nothing of the pull of the penalty.
///
/// # Shapes
///
/// - `samples`, `penalty`: as in [`node_wise_pseudo_likelihood`]; `blocks`: the block of
///   each configuration.
/// - `truth`: sites by sites, row-major.
///
/// # Errors
///
/// - Those of [`node_wise_pseudo_likelihood`], and of
///   [`compare_couplings`](super::compare_couplings) about the truth.
/// - [`InferenceError::Count`] if labels do not fit.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
///
/// # Cost
///
/// That of the fit, and a tenth more; three numbers are kept of each row and site.
pub fn node_wise_agreement(
    samples: &BitMatrix,
    penalty: f64,
    truth: &[f64],
    blocks: &[u32],
) -> Result<EstimatedAgreement, InferenceError> {
    check(samples, penalty)?;
    let truth = Truth::new(truth, samples.columns())?;
    let spins = signs(samples);
    let fitted = fit_all(&spins, penalty)?;
    let found = symmetric(&fitted);
    let by_site: Vec<Vec<[f64; 3]>> = fitted
        .par_iter()
        .enumerate()
        .map(|(site, couplings)| {
            let node = Node::new(spins.as_ref(), site, penalty);
            node.responses(couplings, &directions(site, &found, &truth))
        })
        .collect::<Result<_, _>>()?;
    let mut responses = vec![[0.0; 3]; samples.rows()];
    for site in &by_site {
        for (sum, response) in responses.iter_mut().zip(site) {
            sum.iter_mut().zip(response).for_each(|(s, r)| *s += r);
        }
    }
    EstimatedAgreement::by_responses(&found, &truth, &responses, blocks)
}

/// How `Σ W`, `Σ W²` and `Σ W J` change with the couplings to one site as its own
/// regression has them: sites by 3.
fn directions(site: usize, found: &[f64], truth: &Truth<'_>) -> Mat<f64> {
    let sites = truth.sites;
    Mat::from_fn(sites, 3, |other, sum| {
        let (forth, back) = (site * sites + other, other * sites + site);
        match sum {
            _ if other == site => 0.0,
            0 => 1.0,
            1 => 2.0 * found[forth],
            _ => 0.5 * (truth.entries[forth] + truth.entries[back]),
        }
    })
}

fn check(samples: &BitMatrix, penalty: f64) -> Result<(), InferenceError> {
    let (rows, sites) = (samples.rows(), samples.columns());
    if rows == 0 || sites == 0 {
        return Err(InferenceError::Empty {
            what: if rows == 0 { "configuration" } else { "site" },
        });
    }
    if sites > MAX_NODE_WISE_SITES {
        return Err(InferenceError::TooManySites {
            found: sites,
            limit: MAX_NODE_WISE_SITES,
        });
    }
    if !(penalty > 0.0 && penalty.is_finite()) {
        return Err(InferenceError::OutOfRange {
            what: "the penalty",
            value: penalty,
            expected: "a positive finite number",
        });
    }
    Ok(())
}

/// The regression of one spin on the others. Its own place among the couplings
/// holds the field.
struct Node {
    /// Rows by sites: `s_i s_j`, and `s_i` in place i.
    regressors: Mat<f64>,
    site: usize,
    penalty: f64,
}

/// Value, gradient and how certain each spin is, at some couplings.
struct Local {
    value: f64,
    gradient: Vec<f64>,
    /// Probability of the opposite of each spin found.
    wrong: Vec<f64>,
}

impl Node {
    fn new(spins: MatRef<'_, f64>, site: usize, penalty: f64) -> Self {
        let regressors = Mat::from_fn(spins.nrows(), spins.ncols(), |row, other| {
            let own = spins[(row, site)];
            if other == site {
                own
            } else {
                own * spins[(row, other)]
            }
        });
        Self {
            regressors,
            site,
            penalty,
        }
    }

    /// Penalty of a place, which is none for the field.
    fn penalty(&self, place: usize) -> f64 {
        if place == self.site {
            0.0
        } else {
            self.penalty
        }
    }

    fn fit(&self) -> Result<Vec<f64>, InferenceError> {
        let mut couplings = vec![0.0; self.regressors.ncols()];
        let mut here = self.local(&couplings);
        for steps in 0..MAX_STEPS {
            let unconverged = InferenceError::Unconverged { what: WHAT, steps };
            let Some(mut step) = self.newton_step(&here) else {
                return Err(unconverged);
            };
            let terms = step.iter().zip(&here.gradient);
            let gain: f64 = terms.map(|(s, g)| 0.5 * s * g).sum();
            if gain.abs() < NEGLIGIBLE_GAIN {
                return Ok(couplings);
            }
            let mut halvings = 0;
            loop {
                let trial: Vec<f64> = couplings.iter().zip(&step).map(|(a, b)| a + b).collect();
                let there = self.local(&trial);
                if there.value >= here.value - 1e-14 {
                    (couplings, here) = (trial, there);
                    break;
                }
                halvings += 1;
                if halvings > MAX_HALVINGS {
                    return Err(unconverged);
                }
                for part in &mut step {
                    *part *= 0.5;
                }
            }
        }
        Err(InferenceError::Unconverged {
            what: WHAT,
            steps: MAX_STEPS,
        })
    }

    fn local(&self, couplings: &[f64]) -> Local {
        let rows = self.regressors.nrows() as f64;
        let vector = MatRef::from_column_major_slice(couplings, couplings.len(), 1);
        let fields = &self.regressors * vector;
        let mut wrong = Vec::with_capacity(self.regressors.nrows());
        let mut value = 0.0;
        for &field in fields.col(0).iter() {
            let argument: f64 = 2.0 * field;
            value -= (-argument.abs()).exp().ln_1p() + (-argument).max(0.0);
            wrong.push(1.0 / (1.0 + argument.exp()));
        }
        value /= rows;
        let weights = MatRef::from_column_major_slice(&wrong, wrong.len(), 1);
        let sums = self.regressors.transpose() * weights;
        let mut gradient = Vec::with_capacity(couplings.len());
        for (place, &coupling) in couplings.iter().enumerate() {
            let penalty = self.penalty(place);
            value -= penalty * coupling * coupling;
            gradient.push(2.0 * sums[(place, 0)] / rows - 2.0 * penalty * coupling);
        }
        Local {
            value,
            gradient,
            wrong,
        }
    }

    /// Minus the inverse Hessian times the gradient; nothing if it is singular.
    fn newton_step(&self, here: &Local) -> Option<Vec<f64>> {
        let gradient = MatRef::from_column_major_slice(&here.gradient, here.gradient.len(), 1);
        let step = self.solve(here, gradient)?;
        Some(step.col(0).iter().copied().collect())
    }

    /// How each row moves sums over the couplings, up to a constant: `directions` are
    /// the derivatives of three sums, places by 3.
    fn responses(
        &self,
        couplings: &[f64],
        directions: &Mat<f64>,
    ) -> Result<Vec<[f64; 3]>, InferenceError> {
        let here = self.local(couplings);
        let solved = self.solve(&here, directions.as_ref());
        let solved = solved.ok_or(InferenceError::Unconverged {
            what: WHAT,
            steps: 0,
        })?;
        let along = &self.regressors * solved;
        let response =
            |(row, wrong): (usize, &f64)| [0, 1, 2].map(|k| 2.0 * wrong * along[(row, k)]);
        Ok(here.wrong.iter().enumerate().map(response).collect())
    }

    /// Minus the inverse Hessian times some vectors; nothing if it is singular.
    fn solve(&self, here: &Local, vectors: MatRef<'_, f64>) -> Option<Mat<f64>> {
        let (rows, places) = (self.regressors.nrows(), self.regressors.ncols());
        let scaled = Mat::from_fn(rows, places, |row, place| {
            let wrong = here.wrong[row];
            let weight = 4.0 * wrong * (1.0 - wrong) / rows as f64;
            weight * self.regressors[(row, place)]
        });
        let mut hessian = self.regressors.transpose() * scaled;
        for place in 0..places {
            hessian[(place, place)] += 2.0 * self.penalty(place);
        }
        Some(hessian.llt(Side::Lower).ok()?.solve(vectors))
    }
}
