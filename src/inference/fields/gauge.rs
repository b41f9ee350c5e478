//! The gauge in which models of a field are compared.

use std::f64::consts::PI;

use faer::MatRef;

use crate::fields::GeneralisedHopfield;
use crate::inference::InferenceError;
use crate::inference::basis::dot;
use crate::inference::spectrum::leading_eigenvectors;

/// Part of the largest variance of the field, times the patterns there, that is rounding.
const ROUNDING: f64 = 1e-12;
/// Sweeps of plane rotations, at most; some ten are needed.
const MAX_SWEEPS: usize = 200;
/// Angle below which a plane rotation changes nothing, radians.
const STILL: f64 = 1e-10;
/// Starting angles of each plane, in steps of a sixth of the period of the criterion.
const STARTS_PER_PLANE: usize = 6;
/// Planes whose starting angles are tried in all combinations.
const STARTED_PLANES: usize = 3;

/// Which of the rotations that leave the distribution alone is chosen.
///
/// Both go by the sum over the patterns of the variance over the sites of `(ξ_i^μ)²`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The largest variance (varimax): few sites with strong entries.
    Sparse,
    /// The smallest: entries of equal size, as in patterns of ±1. Patterns that are ±1 but
    /// whose fields are correlated are not reached by a rotation of the fields; those are in
    /// the span of the columns, where
    /// [`binary_factorisation`](crate::inference::binary_factorisation()) finds them.
    Contrast,
}

/// A model in its gauge, and how it came there.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauged {
    /// The same distribution: its field has mean 0 and covariance 1, and its patterns are
    /// rotated, ordered by decreasing length, and have positive sums of cubes.
    pub model: GeneralisedHopfield,
    /// The mean of the field before: `K`. Biases have absorbed it.
    pub mean: Vec<f64>,
    /// `A` of `h = mean + A h'`, row-major: `K x K'`.
    pub transformation: Vec<f64>,
}

/// Brings a model into the gauge in which its field has mean 0 and covariance 1.
///
/// An affine change of the field, `h = c + A h'`, with `b' = b + ξ c` and `ξ' = ξ A`, changes
/// no half-logit. Mean and covariance leave the rotations, of which `rotation` picks one. A
/// direction in which the field does not vary is dropped: what it does is part of the
/// biases, and the model has one pattern less.
///
/// # Errors
///
/// - [`InferenceError::Constant`] if the field does not vary at all.
/// - [`InferenceError::NoConvergence`] if the covariance has no decomposition.
pub fn in_gauge(model: &GeneralisedHopfield, rotation: Rotation) -> Result<Gauged, InferenceError> {
    let fields = model.fields();
    let mean = field_mean(model);
    let (whitening, kept) = whitening(model, &mean)?;
    let patterns = product(model.patterns(), fields, &whitening.forward, kept);
    let turn = ordered(&patterns, kept, &best_rotation(&patterns, kept, rotation));
    let transformation = product(&whitening.forward, kept, &turn, kept);
    let back = product(&whitening.backward, kept, &turn, kept);
    let centred: Vec<f64> = model
        .nodes()
        .chunks_exact(fields)
        .flat_map(|node| node.iter().zip(&mean).map(|(h, m)| h - m))
        .collect();
    let sites = model.patterns().chunks_exact(fields);
    let biases = model.biases().iter().zip(sites);
    let gauged = GeneralisedHopfield::new(
        biases.map(|(bias, site)| bias + dot(site, &mean)).collect(),
        product(model.patterns(), fields, &transformation, kept),
        product(&centred, fields, &back, kept),
        model.weights().to_vec(),
        kept,
    )?;
    Ok(Gauged {
        model: gauged,
        mean,
        transformation,
    })
}

/// `A` with `A Aᵀ` the covariance of the field, and the pseudo-inverse of its transpose:
/// both `K x K'`.
struct Whitening {
    forward: Vec<f64>,
    backward: Vec<f64>,
}

fn field_mean(model: &GeneralisedHopfield) -> Vec<f64> {
    let mut mean = vec![0.0; model.fields()];
    let nodes = model.nodes().chunks_exact(model.fields());
    for (node, weight) in nodes.zip(model.weights()) {
        for (sum, h) in mean.iter_mut().zip(node) {
            *sum += weight * h;
        }
    }
    mean
}

fn whitening(
    model: &GeneralisedHopfield,
    mean: &[f64],
) -> Result<(Whitening, usize), InferenceError> {
    let fields = model.fields();
    let mut covariance = vec![0.0; fields * fields];
    let nodes = model.nodes().chunks_exact(fields);
    for (node, weight) in nodes.zip(model.weights()) {
        for i in 0..fields {
            for j in 0..=i {
                covariance[i * fields + j] += weight * (node[i] - mean[i]) * (node[j] - mean[j]);
            }
        }
    }
    let matrix = MatRef::from_row_major_slice(&covariance, fields, fields);
    let (values, vectors) = leading_eigenvectors(matrix, fields)?;
    // Relative to the place of the field, so that the rounding of its mean is no variance.
    let size = mean.iter().map(|m| m * m).sum::<f64>() + values[0];
    let kept = values.iter().take_while(|v| **v > ROUNDING * size).count();
    if kept == 0 {
        return Err(InferenceError::Constant {
            what: "values of the field",
        });
    }
    let (mut forward, mut backward) = (vec![0.0; fields * kept], vec![0.0; fields * kept]);
    for (column, (vector, value)) in vectors.vectors().zip(&values).take(kept).enumerate() {
        for (row, entry) in vector.iter().enumerate() {
            forward[row * kept + column] = entry * value.sqrt();
            backward[row * kept + column] = entry / value.sqrt();
        }
    }
    Ok((Whitening { forward, backward }, kept))
}

/// The product of row-major matrices, of which the left one has rows of `inner`.
fn product(left: &[f64], inner: usize, right: &[f64], columns: usize) -> Vec<f64> {
    let mut result = Vec::with_capacity(left.len() / inner * columns);
    for row in left.chunks_exact(inner) {
        for column in 0..columns {
            let entries = row.iter().zip(right.iter().skip(column).step_by(columns));
            result.push(entries.map(|(x, y)| x * y).sum());
        }
    }
    result
}

/// A rotation of columns, found from several starts by turning one plane after the other.
///
/// The criterion has a single maximum in each plane but may have several in all, so that
/// the first [`STARTED_PLANES`] planes are turned beforehand by all combinations of angles.
fn best_rotation(patterns: &[f64], fields: usize, rotation: Rotation) -> Vec<f64> {
    let planes: Vec<(usize, usize)> = (0..fields)
        .flat_map(|i| (i + 1..fields).map(move |j| (i, j)))
        .collect();
    // A plane alone is solved exactly.
    let started = if planes.len() > 1 {
        planes.len().min(STARTED_PLANES)
    } else {
        0
    };
    let mut best = (f64::NEG_INFINITY, identity(fields));
    for start in 0..STARTS_PER_PLANE.pow(started as u32) {
        let mut turn = identity(fields);
        let mut rest = start;
        for &plane in &planes[..started] {
            let angle = (rest % STARTS_PER_PLANE) as f64 * 0.5 * PI / STARTS_PER_PLANE as f64;
            rotate(&mut turn, fields, plane, angle);
            rest /= STARTS_PER_PLANE;
        }
        let mut turned = product(patterns, fields, &turn, fields);
        settle(&mut turned, &mut turn, fields, &planes, rotation);
        let variance = squares_variance(&turned, fields);
        let height = match rotation {
            Rotation::Sparse => variance,
            Rotation::Contrast => -variance,
        };
        // Rounding does not choose between equal maxima: the first one stays.
        if height > best.0 + 1e-9 * best.0.abs() || start == 0 {
            best = (height, turn);
        }
    }
    best.1
}

fn settle(
    turned: &mut [f64],
    turn: &mut [f64],
    fields: usize,
    planes: &[(usize, usize)],
    rotation: Rotation,
) {
    for _ in 0..MAX_SWEEPS {
        let mut largest = 0.0_f64;
        for &plane in planes {
            let angle = best_angle(turned, fields, plane, rotation);
            rotate(turned, fields, plane, angle);
            rotate(turn, fields, plane, angle);
            largest = largest.max(angle.abs());
        }
        if largest < STILL {
            return;
        }
    }
}

/// The angle that makes the criterion of two columns largest or smallest (Kaiser 1958).
///
/// With `z = (x + iy)²` the criterion is a constant plus `¼ Re(e^{-4iα} Q)`,
/// `Q = Σ z² - (Σ z)² / N`.
fn best_angle(
    turned: &[f64],
    fields: usize,
    (first, second): (usize, usize),
    rotation: Rotation,
) -> f64 {
    let (mut sum, mut squares) = ([0.0; 2], [0.0; 2]);
    for row in turned.chunks_exact(fields) {
        let (x, y) = (row[first], row[second]);
        let z = [x * x - y * y, 2.0 * x * y];
        let square = [z[0] * z[0] - z[1] * z[1], 2.0 * z[0] * z[1]];
        for part in 0..2 {
            sum[part] += z[part];
            squares[part] += square[part];
        }
    }
    let sites = (turned.len() / fields) as f64;
    let real = squares[0] - (sum[0] * sum[0] - sum[1] * sum[1]) / sites;
    let imaginary = squares[1] - 2.0 * sum[0] * sum[1] / sites;
    let (real, imaginary) = match rotation {
        Rotation::Sparse => (real, imaginary),
        Rotation::Contrast => (-real, -imaginary),
    };
    if real == 0.0 && imaginary == 0.0 {
        return 0.0;
    }
    0.25 * imaginary.atan2(real)
}

/// Turns two columns: `(x, y)` becomes `(x cos α + y sin α, y cos α - x sin α)`.
fn rotate(matrix: &mut [f64], columns: usize, (first, second): (usize, usize), angle: f64) {
    let (sine, cosine) = angle.sin_cos();
    for row in matrix.chunks_exact_mut(columns) {
        let (x, y) = (row[first], row[second]);
        row[first] = x * cosine + y * sine;
        row[second] = y * cosine - x * sine;
    }
}

/// `Σ_μ [Σ_i ξ⁴ - (Σ_i ξ²)² / N]`.
fn squares_variance(turned: &[f64], fields: usize) -> f64 {
    let sites = (turned.len() / fields) as f64;
    let column = |mu: usize| turned.iter().skip(mu).step_by(fields);
    let variance = |mu: usize| {
        let squares: f64 = column(mu).map(|x| x * x).sum();
        column(mu).map(|x| x.powi(4)).sum::<f64>() - squares * squares / sites
    };
    (0..fields).map(variance).sum()
}

fn identity(size: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; size * size];
    matrix.iter_mut().step_by(size + 1).for_each(|x| *x = 1.0);
    matrix
}

/// The rotation with its columns ordered by the length of their patterns and signed by the
/// sums of their cubes.
fn ordered(patterns: &[f64], fields: usize, turn: &[f64]) -> Vec<f64> {
    let turned = product(patterns, fields, turn, fields);
    let sum = |mu: usize, power: i32| -> f64 {
        turned
            .iter()
            .skip(mu)
            .step_by(fields)
            .map(|x| x.powi(power))
            .sum()
    };
    let mut order: Vec<(f64, usize)> = (0..fields).map(|mu| (sum(mu, 2), mu)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut result = Vec::with_capacity(turn.len());
    for row in turn.chunks_exact(fields) {
        let entries = order
            .iter()
            .map(|&(_, mu)| if sum(mu, 3) < 0.0 { -row[mu] } else { row[mu] });
        result.extend(entries);
    }
    result
}

#[cfg(test)]
mod tests;
