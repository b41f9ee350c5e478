//! Coupling and field by maximum likelihood, from the field's own distribution.

use super::field_density::FieldDensity;
use super::newton::{Expansion, Free, inverse, maximise};
use super::{CouplingAndField, ExternalField};
use crate::inference::block_sums::{BlockSums, Bootstrap, check_count, check_values};
use crate::inference::{Estimate, InferenceError};

const WHAT: &str = "the distribution of the field";

/// The distribution of a mean-field model's field, fitted to draws of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldFit {
    /// With errors by the observed information, for independent draws.
    pub information: CouplingAndField,
    /// With errors by drawing blocks anew; the values are the same. Much larger errors
    /// than those of the information say that the draws do not follow the model.
    pub bootstrap: CouplingAndField,
}

/// Fits the density of the site-averaged half-logit `φ` of a mean-field magnet:
///
/// ```text
/// p(φ) ∝ exp{-N [(φ - βh)² / 2βJ - ln 2cosh φ]}
/// ```
///
/// In `a = N / 2βJ` and `c = N βh / βJ` this is an exponential family, so that the
/// likelihood has one maximum, found by Newton's method; `βh` is 0 for
/// [`ExternalField::Absent`].
///
/// # Shapes
///
/// - `draws`: `φ(z)` averaged over the sites, nats, for `z` from the network's prior.
/// - `blocks`: the block of each draw, of which new sets are drawn for the errors.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no site.
/// - [`InferenceError::Blocks`] and [`InferenceError::TooFewRows`] if there are fewer
///   than two blocks or resamples, or labels do not fit.
/// - [`InferenceError::NotFinite`] if a draw is NaN, infinite or above `1e70`.
/// - [`InferenceError::Constant`] if the draws do not vary, or are all 0.
/// - [`InferenceError::Unconverged`] if no parameters fit.
pub fn fit_field(
    draws: &[f64],
    sites: usize,
    field: ExternalField,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<FieldFit, InferenceError> {
    let log_weight = |t: f64| sites as f64 * (t.abs() + (-2.0 * t.abs()).exp().ln_1p());
    fit(
        draws,
        FieldDensity::new(sites, 1, &log_weight),
        field,
        blocks,
        bootstrap,
    )
}

/// Fits the density of the magnitude of the site-averaged natural parameter of
/// directors:
///
/// ```text
/// p(r) ∝ r^(w-1) exp{-N r² / 2βJ} ∫ dΩ c(r Ω)^N
/// ```
///
/// # Shapes
///
/// - `magnitudes`: `|η(z)|` after averaging over the sites, for `z` from the network's
///   prior.
/// - `width`: components of `η`, at least 2.
/// - `log_weight`: `ln ∫ dΩ c(r Ω)^N` at `r`, up to a constant: of the whole system and
///   averaged over the directions. It is called a few thousand times.
///
/// # Errors
///
/// Those of [`fit_field`], and [`InferenceError::OutOfRange`] if `width` is below 2, a
/// magnitude is negative, or `log_weight` is NaN or +∞ somewhere.
pub fn fit_radial_field(
    magnitudes: &[f64],
    sites: usize,
    width: usize,
    log_weight: &dyn Fn(f64) -> f64,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<FieldFit, InferenceError> {
    if width < 2 {
        return Err(InferenceError::OutOfRange {
            what: "the width of the field",
            value: width as f64,
            expected: "at least 2; the field of spins has a sign",
        });
    }
    if let Some(&value) = magnitudes.iter().find(|&&r| r < 0.0) {
        return Err(InferenceError::OutOfRange {
            what: "a magnitude of the field",
            value,
            expected: "a number that is not negative",
        });
    }
    let density = FieldDensity::new(sites, width, log_weight);
    fit(
        magnitudes,
        density,
        ExternalField::Absent,
        blocks,
        bootstrap,
    )
}

fn fit(
    draws: &[f64],
    mut density: FieldDensity<'_>,
    field: ExternalField,
    blocks: &[u32],
    bootstrap: &mut Bootstrap<'_>,
) -> Result<FieldFit, InferenceError> {
    if density.sites < 1.0 {
        return Err(InferenceError::Empty { what: "site" });
    }
    check_values("field", draws)?;
    check_count("block labels", blocks.len(), draws.len())?;
    let sums = BlockSums::new(blocks, 2, |row, out| {
        out.copy_from_slice(&[draws[row] * draws[row], draws[row]]);
    })?;
    let free = match field {
        ExternalField::Absent => Free::First,
        ExternalField::Fitted => Free::Both,
    };
    let means = pair(&sums.means());
    check_variation(means, free)?;
    let start = [first_guess(means[0], &density), 0.0];
    let (best, there) = climb(&mut density, means, start, free)?;
    let errors = information_errors(best, density.sites, there.curvature, free, sums.rows())
        .ok_or(InferenceError::Constant {
            what: "draws of the field",
        })?;
    let resampled = sums.bootstrap(bootstrap, |means| {
        let (best, _) = climb(&mut density, pair(means), best, free)?;
        Ok(physical(best, density.sites))
    })?;
    let informed = [0, 1].map(|index| Estimate {
        standard_error: errors[index],
        ..resampled[index]
    });
    Ok(FieldFit {
        information: CouplingAndField::new(informed, field),
        bootstrap: CouplingAndField::new(resampled, field),
    })
}

fn pair(means: &[f64]) -> [f64; 2] {
    [means[0], means[1]]
}

fn check_variation([square, mean]: [f64; 2], free: Free) -> Result<(), InferenceError> {
    let spread = match free {
        Free::First => square,
        Free::Both => square - mean * mean,
    };
    if spread > 1e-12 * square {
        return Ok(());
    }
    Err(InferenceError::Constant {
        what: "draws of the field",
    })
}

/// A value of `a` that is of the right order.
///
/// `<|η|²> = w K/N + K² <|m|²>` with `K = βJ` and `0 ≤ <|m|²> ≤ 1` bounds `K` from both
/// sides; the guess is the geometric mean of the bounds.
fn first_guess(square: f64, density: &FieldDensity<'_>) -> f64 {
    let noise = density.width as f64 / density.sites;
    let lowest = 2.0 * square / (noise + (noise * noise + 4.0 * square).sqrt());
    let highest = square / noise;
    density.sites / (2.0 * (lowest * highest).sqrt())
}

fn climb(
    density: &mut FieldDensity<'_>,
    means: [f64; 2],
    start: [f64; 2],
    free: Free,
) -> Result<([f64; 2], Expansion), InferenceError> {
    let sites = density.sites;
    // The coupling is at most doubled at once.
    let limit = |[a, c]: [f64; 2], step: [f64; 2]| {
        let longest = (2.0 * step[0].abs() / a).max(step[1].abs() / (c.abs() + sites));
        step.map(|x| x / longest.max(1.0))
    };
    maximise(
        WHAT,
        start,
        free,
        |point| density.expansion(point, means),
        limit,
    )
}

/// `βJ` and `βh` from `a` and `c`.
fn physical([a, c]: [f64; 2], sites: f64) -> [f64; 2] {
    [sites / (2.0 * a), c / (2.0 * a)]
}

/// Standard errors of `βJ` and `βh` by the information.
///
/// With `K = N / 2a` and `b = c / 2a`: `dK = -K da / a`, `db = (dc / 2 - b da) / a`.
fn information_errors(
    point: [f64; 2],
    sites: f64,
    curvature: [f64; 3],
    free: Free,
    draws: usize,
) -> Option<[f64; 2]> {
    let [aa, ac, cc] = inverse(curvature, free)?;
    let [coupling, b] = physical(point, sites);
    let scale = point[0] * point[0] * draws as f64;
    let field = cc / 4.0 - b * ac + b * b * aa;
    Some([coupling * (aa / scale).sqrt(), (field / scale).sqrt()])
}

#[cfg(test)]
mod tests {
    use super::super::tests::curie_weiss;
    use super::*;

    #[test]
    fn exact_moments_give_back_their_coupling_and_field() {
        // φ = βJ m + βh plus a normal number of variance βJ/N.
        for sites in [5, 100, 2000] {
            let n = sites as f64;
            for coupling in [0.1, 1.0, 3.0] {
                for field in [0.0, -0.01, 0.3, 2.0] {
                    let probabilities = curie_weiss(sites, coupling, field);
                    let mut means = [coupling / n, 0.0];
                    for (up, p) in probabilities.iter().enumerate() {
                        let t = coupling * (2.0 * up as f64 / n - 1.0) + field;
                        means[0] += p * t * t;
                        means[1] += p * t;
                    }
                    let log_weight = |t: f64| n * (t.abs() + (-2.0 * t.abs()).exp().ln_1p());
                    let mut density = FieldDensity::new(sites, 1, &log_weight);
                    let start = [first_guess(means[0], &density), 0.0];
                    let (best, _) = climb(&mut density, means, start, Free::Both).unwrap();
                    let found = physical(best, n);
                    let what = format!("{sites} {coupling} {field} {found:?}");
                    assert!((found[0] / coupling - 1.0).abs() < 1e-4, "{what}");
                    assert!((found[1] - field).abs() < 1e-4 * (1.0 + coupling), "{what}");
                }
            }
        }
    }
}
