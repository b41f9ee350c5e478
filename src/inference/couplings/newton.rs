//! Newton's method for concave functions of two parameters.

use crate::inference::InferenceError;

const MAX_STEPS: usize = 200;
/// Expected gain, per configuration, below which the maximum is reached.
const NEGLIGIBLE_GAIN: f64 = 1e-16;
const MAX_HALVINGS: i32 = 60;
/// Part of the first curvature below which the function has become flat, so that its
/// maximum lies at infinity.
const VANISHED: f64 = 1e-12;

/// A concave function at a point: its value, gradient and negative Hessian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expansion {
    pub(super) value: f64,
    pub(super) gradient: [f64; 2],
    /// Entries 00, 01 and 11 of minus the matrix of second derivatives.
    pub(super) curvature: [f64; 3],
}

/// How many of the two parameters are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Free {
    First,
    Both,
}

/// The inverse of a positive definite 2 x 2 matrix, or of its first entry alone.
pub(super) fn inverse([a, b, d]: [f64; 3], free: Free) -> Option<[f64; 3]> {
    let inverse = match free {
        Free::First => [a.recip(), 0.0, 0.0],
        Free::Both => {
            let determinant = a * d - b * b;
            if determinant <= 1e-14 * a * d {
                return None;
            }
            [d / determinant, -b / determinant, a / determinant]
        }
    };
    (a > 0.0 && inverse.iter().all(|x| x.is_finite())).then_some(inverse)
}

/// Climbs from `start` to the maximum of a concave function.
///
/// `limit` shortens a step that would leave the domain, or lead too far at once.
///
/// # Errors
///
/// [`InferenceError::Unconverged`] if the maximum is not reached, as it is not if
/// it lies at infinity.
pub(super) fn maximise(
    what: &'static str,
    start: [f64; 2],
    free: Free,
    mut function: impl FnMut([f64; 2]) -> Result<Expansion, InferenceError>,
    limit: impl Fn([f64; 2], [f64; 2]) -> [f64; 2],
) -> Result<([f64; 2], Expansion), InferenceError> {
    let mut point = start;
    let mut here = function(point)?;
    let vanished = VANISHED * here.curvature[0];
    for steps in 0..MAX_STEPS {
        let unconverged = InferenceError::Unconverged { what, steps };
        let inverse = inverse(here.curvature, free).filter(|_| here.curvature[0] >= vanished);
        let Some([p, q, r]) = inverse else {
            return Err(unconverged);
        };
        let [g, h] = here.gradient;
        let whole = [p * g + q * h, q * g + r * h];
        let gain = 0.5 * (whole[0] * g + whole[1] * h);
        if gain.abs() < NEGLIGIBLE_GAIN {
            return Ok((point, here));
        }
        // Rounding may hide the last gains.
        let floor = here.value - 1e-14 * here.value.abs();
        let step = limit(point, whole);
        let trials = (0..=MAX_HALVINGS).map(|halvings| moved(point, step, 0.5_f64.powi(halvings)));
        let mut higher = None;
        for trial in trials {
            let there = function(trial)?;
            if there.value >= floor {
                higher = Some((trial, there));
                break;
            }
        }
        (point, here) = higher.ok_or(unconverged)?;
    }
    Err(InferenceError::Unconverged {
        what,
        steps: MAX_STEPS,
    })
}

fn moved(point: [f64; 2], step: [f64; 2], part: f64) -> [f64; 2] {
    [point[0] + part * step[0], point[1] + part * step[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `-ln cosh(x - 1) - (y - 3 x)²`, with its maximum 0 at x = 1, y = 3.
    fn hill([x, y]: [f64; 2]) -> Expansion {
        let (t, rest) = ((x - 1.0).tanh(), y - 3.0 * x);
        let sech = 1.0 - t * t;
        Expansion {
            value: -(x - 1.0).cosh().ln() - rest * rest,
            gradient: [-t + 6.0 * rest, -2.0 * rest],
            curvature: [sech + 18.0, -6.0, 2.0],
        }
    }

    #[test]
    fn the_maximum_is_found_from_afar_with_both_or_one_parameter_free() {
        let all = |_: [f64; 2], step: [f64; 2]| step;
        let climb = |point| Ok(hill(point));
        let (point, there) = maximise("hill", [9.0, -20.0], Free::Both, climb, all).unwrap();
        assert!((point[0] - 1.0).abs() < 1e-6 && (point[1] - 3.0).abs() < 1e-6);
        assert!(there.gradient.iter().all(|g| g.abs() < 1e-6));
        let (point, _) = maximise("hill", [0.0, 3.0], Free::First, climb, all).unwrap();
        assert!((point[0] - 1.0).abs() < 1e-6 && (point[1] - 3.0).abs() < 1e-15);
    }

    #[test]
    fn a_maximum_at_infinity_is_refused() {
        // -ln(1 + exp(-x)) grows for ever.
        let slope = |[x, _]: [f64; 2]| {
            let p = 1.0 / (1.0 + x.exp());
            Ok(Expansion {
                value: -(-x).exp().ln_1p(),
                gradient: [p, 0.0],
                curvature: [p * (1.0 - p), 0.0, 0.0],
            })
        };
        let all = |_: [f64; 2], step: [f64; 2]| step;
        let found = maximise("slope", [0.0, 0.0], Free::First, slope, all);
        assert!(matches!(found, Err(InferenceError::Unconverged { .. })));
    }
}
