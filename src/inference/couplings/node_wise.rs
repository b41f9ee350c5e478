//! Pseudo-likelihood of a pairwise magnet: one logistic regression a site.

use faer::prelude::Solve;
use faer::{Mat, MatRef, Side};
use rayon::prelude::*;

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
    let (rows, sites) = (samples.rows(), samples.columns());
    let spins = Mat::from_fn(
        rows,
        sites,
        |row, site| {
            if samples.get(row, site) { 1.0 } else { -1.0 }
        },
    );
    let fitted: Vec<Vec<f64>> = (0..sites)
        .into_par_iter()
        .map(|site| Node::new(spins.as_ref(), site, penalty).fit())
        .collect::<Result<_, _>>()?;
    let mut couplings = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in (0..sites).filter(|&j| j != i) {
            couplings[i * sites + j] = 0.5 * (fitted[i][j] + fitted[j][i]);
        }
    }
    Ok(couplings)
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
        let factor = hessian.llt(Side::Lower).ok()?;
        let gradient = MatRef::from_column_major_slice(&here.gradient, places, 1);
        let step = factor.solve(gradient);
        Some(step.col(0).iter().copied().collect())
    }
}
