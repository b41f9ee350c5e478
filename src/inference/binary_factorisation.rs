//! The ±1 vectors that span a given space.

use std::collections::BTreeSet;

use super::basis::{dot, norm, project_out};
use super::sign_enumeration::AnchoredBasis;
use super::{Basis, InferenceError};

/// Largest dimension whose sign vectors are enumerated.
pub const MAX_PATTERNS: usize = 20;

/// Candidates refined for each dimension and choice of sites.
const KEPT_PER_DIMENSION: usize = 32;

/// Choices of anchor sites, at most.
const MAX_CHOICES: usize = 8;

/// Steps of rounding and projecting, at most. Each raises the projected length,
/// so the iteration ends; in practice after fewer than ten steps.
const MAX_STEPS: usize = 200;

/// Residual below which a pattern lies in the space, up to rounding.
const EXACT: f64 = 1e-10;

/// Sine that must separate a pattern from the span of the chosen ones, however
/// good it is.
const INDEPENDENCE: f64 = 1e-6;

/// ±1 patterns that span a space, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryFactors {
    /// Linearly independent patterns, each over the sites. The first site of
    /// each is +1, since a pattern and its negative are the same.
    pub patterns: Vec<Vec<i8>>,
    /// For each pattern the part of its squared length outside the space, from
    /// 0 (in the space) to 1. A mixture of three patterns has 1/4, a sign
    /// vector of a Gaussian space about `1 - 2 / pi`.
    pub residuals: Vec<f64>,
    /// For each pattern its coordinates in the basis: their combination of the
    /// basis vectors is the pattern's projection on the space.
    pub coefficients: Vec<Vec<f64>>,
    /// Whether the patterns are exact or the last choice of anchor sites found
    /// none that is better. If not, other choices might.
    pub stable: bool,
}

/// One sign vector at which rounding and projecting rest.
struct Candidate {
    pattern: Vec<i8>,
    coefficients: Vec<f64>,
    residual: f64,
}

/// Finds the ±1 vectors that span a space, exactly or nearly.
///
/// A vector of the space is fixed by its values on as many sites as the space
/// has dimensions. All sign vectors on such anchor sites are enumerated; those
/// whose vectors come nearest to constant modulus are rounded and projected in
/// turn until they rest. That raises the projected length in each step, and at
/// rest the residual
///
/// ```text
/// r = 1 - |U^T x|^2 / N = min_c mean_i (|c t_i| - 1)^2,   t = U U^T x
/// ```
///
/// is both the distance of the pattern from the space and that of its
/// projection from constant modulus. Independent patterns are chosen by
/// increasing residual. Unless they are exact, this is repeated on other
/// sites until nothing changes, so that a few sites on which noise has the
/// wrong sign do no harm. No random numbers are needed.
///
/// A space may hold further ±1 vectors besides those it was made of, such as
/// `(a + b + c - abc) / 2` where `abc` lies in the space too. Nothing in the
/// space tells them apart.
///
/// # Errors
///
/// [`InferenceError::TooManyPatterns`] if the dimension is above
/// [`MAX_PATTERNS`].
///
/// # Cost
///
/// `O(2^(P-1) N)` time for each of up to 8 choices of sites.
pub fn binary_factorisation(basis: &Basis) -> Result<BinaryFactors, InferenceError> {
    let dimension = basis.dimension();
    if dimension > MAX_PATTERNS {
        return Err(InferenceError::TooManyPatterns {
            found: dimension,
            limit: MAX_PATTERNS,
        });
    }
    let mut spent = vec![false; basis.sites()];
    let mut known = BTreeSet::new();
    let mut chosen: Vec<Candidate> = Vec::new();
    let mut stable = false;
    for _ in 0..MAX_CHOICES {
        let Some(anchored) = AnchoredBasis::new(basis, &spent) else {
            break;
        };
        for site in anchored.anchors() {
            spent[site] = true;
        }
        let before: Vec<Vec<i8>> = chosen.iter().map(|c| c.pattern.clone()).collect();
        for code in anchored.best_codes(KEPT_PER_DIMENSION * dimension) {
            let candidate = refine(basis, &anchored.vector(code));
            if known.insert(candidate.pattern.clone()) {
                chosen.push(candidate);
            }
        }
        chosen = independent(chosen, dimension);
        let exact = chosen.len() == dimension && chosen.iter().all(|c| c.residual < EXACT);
        stable = exact || chosen.iter().map(|c| &c.pattern).eq(&before);
        if stable {
            break;
        }
    }
    Ok(collect(chosen, stable))
}

/// Rounds and projects in turn until the signs rest.
fn refine(basis: &Basis, start: &[f64]) -> Candidate {
    let mut signs = vec![1.0; start.len()];
    round(&mut signs, start);
    let mut coefficients = basis.coordinates(&signs);
    for _ in 0..MAX_STEPS {
        if !round(&mut signs, &basis.combine(&coefficients)) {
            break;
        }
        coefficients = basis.coordinates(&signs);
    }
    let sites = signs.len() as f64;
    let residual = (1.0 - dot(&coefficients, &coefficients) / sites).max(0.0);
    let first = signs[0];
    for coefficient in &mut coefficients {
        *coefficient *= first;
    }
    Candidate {
        pattern: signs.iter().map(|s| (s * first) as i8).collect(),
        coefficients,
        residual,
    }
}

/// Takes over the signs of `values`, except where they are zero; whether any
/// sign changed.
fn round(signs: &mut [f64], values: &[f64]) -> bool {
    let mut changed = false;
    for (sign, value) in signs.iter_mut().zip(values) {
        if *sign * value < 0.0 {
            *sign = -*sign;
            changed = true;
        }
    }
    changed
}

/// Chooses independent candidates by increasing residual.
///
/// Noise splits one pattern into several that differ on few sites, so in the
/// first pass a candidate must stand out from the span of the chosen ones by
/// twice its own distance from the space. The second pass fills up.
fn independent(mut candidates: Vec<Candidate>, dimension: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        let by_residual = a.residual.total_cmp(&b.residual);
        by_residual.then_with(|| a.pattern.cmp(&b.pattern))
    });
    let mut span: Vec<Vec<f64>> = Vec::new();
    let mut keep = vec![false; candidates.len()];
    let separated = |residual: f64| (2.0 * residual.sqrt()).clamp(0.05, 0.6);
    let passes: [&dyn Fn(f64) -> f64; 2] = [&separated, &|_| INDEPENDENCE];
    for separation in passes {
        for (candidate, kept) in candidates.iter().zip(&mut keep) {
            if *kept || span.len() == dimension {
                continue;
            }
            let mut rest = candidate.coefficients.clone();
            let length = norm(&rest);
            for known in &span {
                project_out(&mut rest, known);
            }
            let remaining = norm(&rest);
            if remaining > separation(candidate.residual) * length {
                span.push(rest.iter().map(|x| x / remaining).collect());
                *kept = true;
            }
        }
    }
    let mut keep = keep.into_iter();
    candidates.retain(|_| keep.next().unwrap_or(false));
    candidates
}

fn collect(chosen: Vec<Candidate>, stable: bool) -> BinaryFactors {
    let mut factors = BinaryFactors {
        patterns: Vec::new(),
        residuals: Vec::new(),
        coefficients: Vec::new(),
        stable,
    };
    for candidate in chosen {
        factors.patterns.push(candidate.pattern);
        factors.residuals.push(candidate.residual);
        factors.coefficients.push(candidate.coefficients);
    }
    factors
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    reason = "overlaps of ±1 patterns are whole numbers over the sites, and rounded once"
)]
mod tests;
