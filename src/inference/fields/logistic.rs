//! The M-step of one site: a weighted logistic regression on the values of the field.

use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef, Side};

use crate::inference::basis::dot;

/// Newton steps of one M-step. The step before was near, so that one is nearly enough.
const STEPS: usize = 4;
/// Halvings of one Newton step; the function is concave, so that some part of it climbs.
const HALVINGS: usize = 40;
/// Expected gain at which the regression is done, nats per configuration.
const NEGLIGIBLE_GAIN: f64 = 1e-14;
/// Width of the normal prior of every parameter, half-logits.
///
/// Half-logits are from -4 to 4 in practice and cost less than 0.1 nats of all the data
/// together. The bias of a site that is never up in T configurations ends where
/// `T exp(2b) = |b| / 2 PRIOR_WIDTH²`: at a rate of 0.03 / T, that of one event in 30
/// times the data.
pub(super) const PRIOR_WIDTH: f64 = 10.0;

/// Rows that are up and rows in all, expected at each value of the field.
pub(super) struct Responses<'a> {
    /// The values of the field: `M x K`.
    pub(super) nodes: &'a [f64],
    /// Rows at each: `M`.
    pub(super) totals: &'a [f64],
    /// Rows at each in which the site is up: `M`.
    pub(super) up: &'a [f64],
}

/// The prior's part of the log-likelihood of all data, nats.
pub(super) fn log_prior(parameters: &[f64]) -> f64 {
    -0.5 * dot(parameters, parameters) / (PRIOR_WIDTH * PRIOR_WIDTH)
}

impl Responses<'_> {
    /// Climbs from `[b, ξ^1, ...]` towards the maximum of
    ///
    /// ```text
    /// Σ_k (2u_k - n_k) φ_k - n_k ln 2cosh φ_k  + prior,   φ_k = b + ξ·h_k
    /// ```
    ///
    /// with `n_k` rows and `u_k` up among them: never below the start.
    pub(super) fn climb(&self, parameters: &mut Vec<f64>) {
        let total: f64 = self.totals.iter().sum();
        let mut here = self.expansion(parameters);
        for _ in 0..STEPS {
            let Some(step) = here.newton_step() else {
                return;
            };
            let gain = 0.5 * dot(&step, &here.gradient);
            if gain <= NEGLIGIBLE_GAIN * total {
                return;
            }
            let higher = (0..HALVINGS).find_map(|halvings| {
                let part = 0.5_f64.powi(halvings as i32);
                let moved = parameters.iter().zip(&step).map(|(x, s)| x + part * s);
                let moved: Vec<f64> = moved.collect();
                let there = self.expansion(&moved);
                (there.value >= here.value).then_some((moved, there))
            });
            let Some((moved, there)) = higher else {
                return;
            };
            (*parameters, here) = (moved, there);
        }
    }

    fn expansion(&self, parameters: &[f64]) -> Expansion {
        let width = parameters.len();
        let squared_width = PRIOR_WIDTH * PRIOR_WIDTH;
        let mut value = log_prior(parameters);
        let mut gradient: Vec<f64> = parameters.iter().map(|x| -x / squared_width).collect();
        let mut curvature = vec![0.0; width * width];
        curvature
            .iter_mut()
            .step_by(width + 1)
            .for_each(|entry| *entry = squared_width.recip());
        let mut regressors = vec![1.0; width];
        let counts = self.totals.iter().zip(self.up);
        for (node, (&all, &up)) in self.nodes.chunks_exact(width - 1).zip(counts) {
            if all <= 0.0 {
                continue;
            }
            regressors[1..].copy_from_slice(node);
            let half_logit = dot(parameters, &regressors);
            let small = (-2.0 * half_logit.abs()).exp();
            let tangent = ((1.0 - small) / (1.0 + small)).copysign(half_logit);
            let excess = 2.0 * up - all;
            value += excess * half_logit - all * (half_logit.abs() + small.ln_1p());
            let slope = excess - all * tangent;
            let bend = all * 4.0 * small / ((1.0 + small) * (1.0 + small));
            for (i, x) in regressors.iter().enumerate() {
                gradient[i] += slope * x;
                let row = &mut curvature[i * width..][..=i];
                for (entry, y) in row.iter_mut().zip(&regressors) {
                    *entry += bend * x * y;
                }
            }
        }
        Expansion {
            value,
            gradient,
            curvature,
        }
    }
}

/// The function at a point; of minus its Hessian only the lower triangle is filled.
struct Expansion {
    value: f64,
    gradient: Vec<f64>,
    curvature: Vec<f64>,
}

impl Expansion {
    fn newton_step(&self) -> Option<Vec<f64>> {
        solve_positive(&self.curvature, &self.gradient)
    }
}

/// The solution of equations with a symmetric positive matrix, of which the lower triangle
/// is read; none if it is not positive.
fn solve_positive(matrix: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let matrix = MatRef::from_row_major_slice(matrix, size, size);
    let right = Mat::from_fn(size, 1, |i, _| right[i]);
    let solution = matrix.llt(Side::Lower).ok()?.solve(&right);
    Some(solution.col(0).iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_responses_give_back_their_parameters() {
        let nodes = [-1.5, 0.2, 0.3, 1.0, 2.0, -0.4, 0.0, 0.9];
        let truth = [-1.1, 0.8, -0.5];
        let totals = [3e5, 1e5, 2e5, 4e5];
        let up: Vec<f64> = nodes
            .chunks_exact(2)
            .zip(totals)
            .map(|(h, n)| {
                let phi: f64 = truth[0] + truth[1] * h[0] + truth[2] * h[1];
                n / (1.0 + (-2.0 * phi).exp())
            })
            .collect();
        let responses = Responses {
            nodes: &nodes,
            totals: &totals,
            up: &up,
        };
        let mut found = vec![0.0; 3];
        // A few steps each: the safeguarded start counts too.
        for _ in 0..3 {
            responses.climb(&mut found);
        }
        for (x, expected) in found.iter().zip(truth) {
            // The prior draws by |θ| / (100 n sech²), about 1e-7.
            assert!((x - expected).abs() < 1e-6, "{x} {expected}");
        }
    }

    #[test]
    fn a_site_that_is_never_up_ends_where_the_prior_holds_it() {
        let total = 1e5;
        let responses = Responses {
            nodes: &[-1.0, 1.0],
            totals: &[total / 2.0; 2],
            up: &[0.0; 2],
        };
        let mut found = vec![-1.0, 0.3];
        for _ in 0..20 {
            responses.climb(&mut found);
        }
        // The stationary point of -T ln(1 + exp 2b) - b² / 200, with ξ = 0.
        let rate = 1.0 / (1.0 + (-2.0 * found[0]).exp());
        assert!((2.0 * total * rate + found[0] / 100.0).abs() < 1e-4);
        // Climbing ends 1e-9 nats below the top, where the prior alone curves by 0.01.
        assert!(found[1].abs() < 1e-3, "{}", found[1]);
        assert!(total * rate < 0.05);
    }
}
