//! The minimum of a smooth function of many parameters, by limited memory BFGS.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::inference::basis::{dot, norm};

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 20;
/// Part of the slope by which a step must lower the function (Armijo).
const DECREASE: f64 = 1e-4;
/// Part of the slope that may be left after a step (weak Wolfe condition).
const LEFT: f64 = 0.9;
/// Trials of one line search; each halves or doubles the step.
const MAX_TRIALS: usize = 60;
/// Relative changes of the function that are rounding.
const ROUNDING: f64 = 1e-14;

/// A function at a point.
pub(super) struct Value {
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

/// Where a minimisation ended.
pub(super) struct Minimum {
    pub(super) point: Vec<f64>,
    pub(super) there: Value,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

/// Follows a function downhill from `start` until its gradient is at most `gradient` long.
///
/// Steps satisfy the weak Wolfe conditions, found by bisection (Lewis and Overton 2013), so
/// that every pair keeps the inverse Hessian positive; `proceed` is told the value at each point on the way
/// and may end it. A value of +∞ is a step too far.
pub(super) fn minimise(
    start: Vec<f64>,
    most_iterations: usize,
    gradient: f64,
    mut function: impl FnMut(&[f64]) -> Value,
    mut proceed: impl FnMut(f64) -> ControlFlow<()>,
) -> Minimum {
    let there = function(&start);
    let mut at = Minimum {
        point: start,
        there,
        iterations: 0,
        converged: false,
    };
    let mut memory = Memory::default();
    while at.iterations < most_iterations && proceed(at.there.value).is_continue() {
        at.converged = norm(&at.there.gradient) <= gradient;
        if at.converged {
            break;
        }
        let mut direction = memory.direction(&at.there.gradient);
        if dot(&direction, &at.there.gradient) >= 0.0 {
            memory = Memory::default();
            direction = memory.direction(&at.there.gradient);
        }
        let Some((point, there)) = search(&at, &direction, &mut function) else {
            break;
        };
        memory.remember(&at, &point, &there);
        at.point = point;
        at.there = there;
        at.iterations += 1;
    }
    at.converged = norm(&at.there.gradient) <= gradient;
    at
}

/// A point along `direction` that satisfies the weak Wolfe conditions.
fn search(
    at: &Minimum,
    direction: &[f64],
    function: &mut impl FnMut(&[f64]) -> Value,
) -> Option<(Vec<f64>, Value)> {
    let slope = dot(direction, &at.there.gradient);
    let rounding = ROUNDING * at.there.value.abs();
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..MAX_TRIALS {
        let moved = at.point.iter().zip(direction).map(|(x, d)| x + step * d);
        let point: Vec<f64> = moved.collect();
        let there = function(&point);
        let bound = at.there.value + DECREASE * step * slope + rounding;
        if there.value.is_nan() || there.value > bound {
            high = step;
        } else if dot(direction, &there.gradient) < LEFT * slope {
            low = step;
        } else {
            return Some((point, there));
        }
        step = if high.is_finite() {
            f64::midpoint(low, high)
        } else {
            2.0 * step
        };
    }
    None
}

/// The last steps and changes of the gradient, and the inverses of their products.
#[derive(Default)]
struct Memory {
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Memory {
    fn remember(&mut self, at: &Minimum, point: &[f64], there: &Value) {
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(x, y)| x - y).collect() };
        let step = difference(point, &at.point);
        let change = difference(&there.gradient, &at.there.gradient);
        let product = dot(&step, &change);
        if product > 0.0 {
            self.pairs.push_back((step, change, product.recip()));
        }
        if self.pairs.len() > MEMORY {
            self.pairs.pop_front();
        }
    }

    /// Minus the gradient times the inverse Hessian that the pairs suggest.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut parts = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let part = inverse * dot(step, &direction);
            add(&mut direction, -part, change);
            parts.push(part);
        }
        // Without a pair the first trial is a step of length 1 at most.
        let scale = match self.pairs.back() {
            Some((_, change, inverse)) => (inverse * dot(change, change)).recip(),
            None => norm(gradient).max(1.0).recip(),
        };
        for d in &mut direction {
            *d *= scale;
        }
        for ((step, change, inverse), part) in self.pairs.iter().zip(parts.into_iter().rev()) {
            let other = inverse * dot(change, &direction);
            add(&mut direction, part - other, step);
        }
        direction
    }
}

fn add(vector: &mut [f64], factor: f64, direction: &[f64]) {
    for (x, d) in vector.iter_mut().zip(direction) {
        *x += factor * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curved_valley_of_rosenbrock_is_followed_to_its_end() {
        // Σ 100 (y - x²)² + (1 - x)², minimum 0 at all ones.
        let valley = |p: &[f64]| {
            let mut value = 0.0;
            let mut gradient = vec![0.0; p.len()];
            for k in 0..p.len() - 1 {
                let (rest, left) = (p[k + 1] - p[k] * p[k], 1.0 - p[k]);
                value += 100.0 * rest * rest + left * left;
                gradient[k] += -400.0 * rest * p[k] - 2.0 * left;
                gradient[k + 1] += 200.0 * rest;
            }
            Value { value, gradient }
        };
        let end = minimise(vec![-1.2; 6], 500, 1e-9, valley, |_| {
            ControlFlow::Continue(())
        });
        assert!(end.converged, "{}", end.iterations);
        assert!(end.point.iter().all(|x| (x - 1.0).abs() < 1e-8));
    }

    #[test]
    fn what_is_infinite_is_stepped_back_from() {
        // -ln(1 - x²) - x, which is infinite outside (-1, 1): minimum where 2x = 1 - x².
        let barrier = |p: &[f64]| {
            let rest = 1.0 - p[0] * p[0];
            Value {
                value: if rest > 0.0 {
                    -rest.ln() - p[0]
                } else {
                    f64::INFINITY
                },
                gradient: vec![2.0 * p[0] / rest - 1.0],
            }
        };
        let end = minimise(vec![0.99], 100, 1e-10, barrier, |_| {
            ControlFlow::Continue(())
        });
        assert!(end.converged && (end.point[0] - (2.0_f64.sqrt() - 1.0)).abs() < 1e-9);
    }
}
