//! Couplings from the mean square of an order parameter: no network.

use crate::inference::block_sums::{BlockSums, Bootstrap, check_count, check_values};
use crate::inference::{Estimate, InferenceError, block_mean};

const MAX_STEPS: usize = 200;

/// The parameter at which a known mean reproduces the measured one.
///
/// ```text
/// f(β) = mean of the values,   standard error = se(mean) / |f'(β)|
/// ```
///
/// For mean-field models the values are `m²`, or `|Y|²/N²`, and `f` the exact mean of
/// it: matching this moment is maximum likelihood in `β`, as the energy is
/// `-|Y|²/2N`. The root is bracketed, by bisection and the secant in turns; the
/// error of the mean is that of [`block_mean`].
///
/// # Shapes
///
/// - `values`, `blocks`: one a configuration.
/// - `range`: lowest and highest parameter tried; `exact` is monotonous between them.
///
/// # Errors
///
/// - [`InferenceError::Blocks`] if labels do not fit, there are fewer than two blocks
///   or a value is not finite.
/// - [`InferenceError::OutOfRange`] if the range is empty or `exact` is not finite.
/// - [`InferenceError::NoSolution`] if the mean is not reached in the range.
/// - [`InferenceError::Constant`] if `exact` does not change at the solution.
pub fn moment_matching(
    values: &[f64],
    blocks: &[u32],
    exact: impl Fn(f64) -> f64,
    range: (f64, f64),
) -> Result<Estimate, InferenceError> {
    let target = block_mean(values, blocks)?;
    let (low, high) = range;
    // The comparison is false for NaN.
    if !(low < high && low.is_finite() && high.is_finite()) {
        return Err(InferenceError::OutOfRange {
            what: "the width of the range of parameters",
            value: high - low,
            expected: "a positive number",
        });
    }
    let exact = |parameter: f64| finite(exact(parameter));
    let value = root(|x| Ok(exact(x)? - target.value), range, target.value)?;
    let step = 1e-4 * (high - low).min(value.abs().max(1e-3));
    let (left, right) = ((value - step).max(low), (value + step).min(high));
    let slope = (exact(right)? - exact(left)?) / (right - left);
    if slope == 0.0 {
        return Err(InferenceError::Constant {
            what: "exact means near the solution",
        });
    }
    Ok(Estimate {
        value,
        standard_error: target.standard_error / slope.abs(),
        count: target.count,
    })
}

fn finite(value: f64) -> Result<f64, InferenceError> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(InferenceError::OutOfRange {
        what: "an exact mean",
        value,
        expected: "a finite number",
    })
}

/// A zero of a monotonous function, to twelve digits of the range.
fn root(
    function: impl Fn(f64) -> Result<f64, InferenceError>,
    (mut low, mut high): (f64, f64),
    target: f64,
) -> Result<f64, InferenceError> {
    let (mut at_low, mut at_high) = (function(low)?, function(high)?);
    if at_low * at_high > 0.0 {
        return Err(InferenceError::NoSolution {
            what: "the measured mean",
            target,
            low,
            high,
            at_low: at_low + target,
            at_high: at_high + target,
        });
    }
    let narrow = 1e-12 * (high - low);
    for step in 0..MAX_STEPS {
        if high - low < narrow || at_low == 0.0 {
            break;
        }
        let secant = low - at_low * (high - low) / (at_high - at_low);
        let middle = if step % 2 == 0 && secant > low && secant < high {
            secant
        } else {
            0.5 * (low + high)
        };
        let value = function(middle)?;
        if value == 0.0 {
            return Ok(middle);
        }
        if value * at_low > 0.0 {
            (low, at_low) = (middle, value);
        } else {
            (high, at_high) = (middle, value);
        }
    }
    let low_is_nearer = at_low.abs() < at_high.abs();
    Ok(if low_is_nearer { low } else { high })
}

/// `βJ` of an exchangeable model from its susceptibility in the disordered phase.
///
/// For unit features of `w` components, spins with `w = 1` or directors, the field has
/// the density `exp{-N |η|² / 2βJ + N ln c(η)}` with `ln c = |η|²/2w + O(|η|⁴)`. Above
/// the transition and for large N it is Gaussian, so that
///
/// ```text
/// <|Y|²> / N = 1 / (1 - βJ/w),   βJ = w (1 - N / <|Y|²>)
/// ```
///
/// What is neglected is of order 1/N; it grows towards the transition, and below it
/// the formula does not hold. Errors are by drawing blocks anew.
///
/// # Shapes
///
/// - `squares`: `|Y|²/N²`, one a configuration, as are `blocks`.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no site or no component.
/// - [`InferenceError::Count`] if labels do not fit.
/// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
/// - [`InferenceError::Constant`] if all values are 0.
/// - [`InferenceError::Blocks`] and [`InferenceError::TooFewRows`] if there are fewer
///   than two blocks or resamples.
pub fn linear_response(
    squares: &[f64],
    sites: usize,
    width: usize,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<Estimate, InferenceError> {
    if sites == 0 || width == 0 {
        return Err(InferenceError::Empty {
            what: if sites == 0 { "site" } else { "component" },
        });
    }
    check_count("block labels", blocks.len(), squares.len())?;
    check_values("square of the mean feature", squares)?;
    let sums = BlockSums::new(blocks, 1, |row, out| out[0] = squares[row])?;
    let [coupling] = sums.bootstrap(bootstrap, |means| {
        if means[0] <= 0.0 {
            return Err(InferenceError::Constant {
                what: "squares of the mean feature",
            });
        }
        Ok([width as f64 * (1.0 - 1.0 / (sites as f64 * means[0]))])
    })?;
    Ok(coupling)
}
