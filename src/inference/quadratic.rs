//! How far a function of a few variables is from a quadratic one, over data.

use faer::prelude::Solve;
use faer::{Mat, Side};

use super::InferenceError;

/// The quadratic function nearest to given values, by weighted least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct QuadraticFit {
    dimension: usize,
    centre: Vec<f64>,
    scale: Vec<f64>,
    coefficients: Vec<f64>,
    /// Root mean square of what is left, weighted, in the unit of the values.
    pub departure: f64,
}

/// Fits a quadratic function to `values` at `points` (`points x dimension`).
///
/// Directions in which the points do not vary get no term. A relative ridge of 1e-12 keeps
/// points on a line or a parabola from making the fit undetermined; what it takes away is
/// below the rounding of the values.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there are no points or no variables.
/// - [`InferenceError::Length`] if the lists do not fit each other.
/// - [`InferenceError::NotFinite`] if a value, point or weight is not finite.
/// - [`InferenceError::NoConvergence`] if the equations cannot be solved.
pub fn quadratic_fit(
    points: &[f64],
    dimension: usize,
    values: &[f64],
    weights: &[f64],
) -> Result<QuadraticFit, InferenceError> {
    check(points, dimension, values, weights)?;
    let total: f64 = weights.iter().sum();
    let rows = || points.chunks_exact(dimension).zip(weights);
    let mean = |of: &dyn Fn(&[f64]) -> f64| rows().map(|(p, w)| w * of(p)).sum::<f64>() / total;
    let centre: Vec<f64> = (0..dimension).map(|j| mean(&|p| p[j])).collect();
    let spread = |j: usize| mean(&|p| (p[j] - centre[j]).powi(2)).sqrt();
    let scale: Vec<f64> = (0..dimension)
        .map(|j| match spread(j) {
            s if s > 1e-12 * (1.0 + centre[j].abs()) => 1.0 / s,
            _ => 0.0,
        })
        .collect();
    let mut fit = QuadraticFit {
        dimension,
        centre,
        scale,
        coefficients: Vec::new(),
        departure: 0.0,
    };
    let terms = fit.terms(&points[..dimension]).len();
    let mut normal = Mat::<f64>::zeros(terms, terms);
    let mut right = Mat::<f64>::zeros(terms, 1);
    for ((point, weight), value) in rows().zip(values) {
        let row = fit.terms(point);
        for (i, a) in row.iter().enumerate() {
            right[(i, 0)] += weight * a * value;
            for (j, b) in row.iter().enumerate().take(i + 1) {
                normal[(i, j)] += weight * a * b;
            }
        }
    }
    for i in 0..terms {
        normal[(i, i)] += 1e-12 * total;
    }
    let solved = normal
        .llt(Side::Lower)
        .map_err(|_| InferenceError::NoConvergence {
            rows: terms,
            columns: terms,
        })?
        .solve(&right);
    fit.coefficients = (0..terms).map(|i| solved[(i, 0)]).collect();
    let left = rows()
        .zip(values)
        .map(|((point, weight), value)| weight * (value - fit.value(point)).powi(2));
    fit.departure = (left.sum::<f64>() / total).sqrt();
    Ok(fit)
}

fn check(
    points: &[f64],
    dimension: usize,
    values: &[f64],
    weights: &[f64],
) -> Result<(), InferenceError> {
    if dimension == 0 || values.is_empty() {
        return Err(InferenceError::Empty {
            what: "point of a quadratic function",
        });
    }
    for (what, found, expected) in [
        (
            "list of coordinates",
            points.len(),
            values.len() * dimension,
        ),
        ("list of weights", weights.len(), values.len()),
    ] {
        if found != expected {
            return Err(InferenceError::Length {
                what,
                index: 0,
                found,
                expected,
            });
        }
    }
    for (what, list) in [
        ("coordinate", points),
        ("value at point", values),
        ("weight of point", weights),
    ] {
        if let Some(index) = list.iter().position(|x| !x.is_finite()) {
            let value = list[index];
            return Err(InferenceError::NotFinite { what, index, value });
        }
    }
    Ok(())
}

impl QuadraticFit {
    /// Value of the quadratic function at a point (`dimension`).
    ///
    /// # Panics
    ///
    /// Panics if the point has another dimension.
    #[must_use]
    pub fn value(&self, point: &[f64]) -> f64 {
        assert_eq!(point.len(), self.dimension, "dimension of a point");
        let terms = self.terms(point);
        terms
            .iter()
            .zip(&self.coefficients)
            .map(|(t, c)| t * c)
            .sum()
    }

    /// `1, x_j, x_j x_k` of the scaled point.
    fn terms(&self, point: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = point
            .iter()
            .zip(self.centre.iter().zip(&self.scale))
            .map(|(x, (centre, scale))| (x - centre) * scale)
            .collect();
        let mut terms = vec![1.0];
        terms.extend(&scaled);
        for (j, a) in scaled.iter().enumerate() {
            terms.extend(scaled[..=j].iter().map(|b| a * b));
        }
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    /// Points of two variables, spread unevenly.
    fn points(count: usize) -> Vec<f64> {
        let mut generator = stream("9", &["quadratic"]);
        (0..2 * count)
            .map(|index| 3.0 * uniform(&mut generator) + (index % 2) as f64)
            .collect()
    }

    #[test]
    fn a_quadratic_function_is_found_again() {
        let points = points(50);
        let function = |p: &[f64]| 2.0 - p[0] + 0.5 * p[0] * p[1] - 3.0 * p[1] * p[1];
        let values: Vec<f64> = points.chunks_exact(2).map(function).collect();
        let fit = quadratic_fit(&points, 2, &values, &[1.0; 50]).unwrap();
        assert!(fit.departure < 1e-9, "{}", fit.departure);
        assert!((fit.value(&[7.0, -2.0]) - function(&[7.0, -2.0])).abs() < 1e-7);
    }

    #[test]
    fn what_a_cube_leaves_is_that_of_the_legendre_polynomial() {
        // Over [-1, 1], x^3 less its best line 3x/5 has mean square 1/7 - 6/25 + 3/25 = 4/175;
        // a midpoint rule comes near it to the square of its spacing of a thousandth.
        let points: Vec<f64> = (0..2000)
            .map(|i| (f64::from(i) + 0.5) / 1000.0 - 1.0)
            .collect();
        let values: Vec<f64> = points.iter().map(|x| x.powi(3)).collect();
        let fit = quadratic_fit(&points, 1, &values, &[1.0; 2000]).unwrap();
        let expected = (4.0_f64 / 175.0).sqrt();
        assert!((fit.departure - expected).abs() < 1e-5 * expected);
    }

    #[test]
    fn weights_count_as_repetitions() {
        let points = points(6);
        let values = [0.0, 1.0, -1.0, 4.0, 2.0, 0.5];
        let weights = [1.0, 2.0, 1.0, 1.0, 3.0, 1.0];
        let fit = quadratic_fit(&points, 2, &values, &weights).unwrap();
        let (mut repeated, mut again) = (Vec::new(), Vec::new());
        for (index, point) in points.chunks_exact(2).enumerate() {
            for _ in 0..weights[index] as usize {
                repeated.extend(point);
                again.push(values[index]);
            }
        }
        let other = quadratic_fit(&repeated, 2, &again, &vec![1.0; again.len()]).unwrap();
        assert!((fit.departure - other.departure).abs() < 1e-7);
    }

    #[test]
    fn points_that_do_not_vary_and_bad_lists_are_met() {
        let flat = quadratic_fit(&[1.0; 8], 2, &[3.0, 5.0, 3.0, 5.0], &[1.0; 4]).unwrap();
        assert!((flat.departure - 1.0).abs() < 1e-9);
        assert!((flat.value(&[9.0, 9.0]) - 4.0).abs() < 1e-9);
        let short = quadratic_fit(&[1.0; 3], 2, &[0.0; 2], &[1.0; 2]);
        assert!(matches!(
            short,
            Err(InferenceError::Length { found: 3, .. })
        ));
        let bad = quadratic_fit(&[1.0, f64::NAN], 1, &[0.0; 2], &[1.0; 2]);
        assert!(matches!(
            bad,
            Err(InferenceError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(
            quadratic_fit(&[], 1, &[], &[]),
            Err(InferenceError::Empty { .. })
        ));
    }
}
