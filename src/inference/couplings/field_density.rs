//! The density of the mean field of a mean-field model, tabulated for quadrature.

use super::newton::Expansion;
use crate::inference::InferenceError;

/// Nodes of Gauss and Legendre on (-1, 1) and their weights, one half of eight.
const NODES: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];

/// Standard deviations of the field beyond which nothing is left.
const TAIL: f64 = 12.0;

/// Most panels of a table; more are needed for absurd parameters only.
const MAX_PANELS: f64 = 1e5;

/// The densities `p(t) ∝ exp(-a t² + c t + g(t))`.
///
/// With `a = N / 2βJ` and `c = N βh / βJ` they are those of the mean field: of all
/// numbers with `g = N ln 2cosh t` for spins, of its magnitude, with `c = 0` and
/// `g = (w - 1) ln t + ln ⟨c(η)^N⟩`, in w dimensions. Each is a mixture of normal
/// distributions of variance `βJ/N` about `βJ m + βh` with `|m| ≤ 1`, so that it is as
/// smooth as these and ends where these end.
pub(super) struct FieldDensity<'a> {
    pub(super) sites: f64,
    /// Components of the field; a field of one has a sign.
    pub(super) width: usize,
    /// `g` without `(w - 1) ln t`.
    pub(super) log_weight: &'a dyn Fn(f64) -> f64,
    table: Option<Table>,
}

/// Places, and logarithms of weight times `exp g`, good for a range of parameters.
struct Table {
    coupling: f64,
    field: f64,
    points: Vec<(f64, f64)>,
}

impl<'a> FieldDensity<'a> {
    pub(super) fn new(sites: usize, width: usize, log_weight: &'a dyn Fn(f64) -> f64) -> Self {
        Self {
            sites: sites as f64,
            width,
            log_weight,
            table: None,
        }
    }

    /// The mean log-density of draws with the given means of `t²` and `t`, with its
    /// first and second derivatives by `a` and `c`.
    ///
    /// # Errors
    ///
    /// [`InferenceError::OutOfRange`] if the log-weight is NaN or +∞ somewhere.
    pub(super) fn expansion(
        &mut self,
        [a, c]: [f64; 2],
        [square, mean]: [f64; 2],
    ) -> Result<Expansion, InferenceError> {
        let points = self.points(a, c)?;
        let exponent = |&(t, log_weight): &(f64, f64)| log_weight - a * t * t + c * t;
        let largest = points.iter().map(exponent).fold(f64::MIN, f64::max);
        let mut sums = [0.0; 5];
        for point in points {
            let mut term = (exponent(point) - largest).exp();
            for sum in &mut sums {
                *sum += term;
                term *= point.0;
            }
        }
        let [norm, first, second, third, fourth] = sums;
        let [first, second, third, fourth] = [first, second, third, fourth].map(|sum| sum / norm);
        Ok(Expansion {
            value: c * mean - a * square - norm.ln() - largest,
            gradient: [second - square, mean - first],
            curvature: [
                fourth - second * second,
                first * second - third,
                second - first * first,
            ],
        })
    }

    /// The table for these parameters; it is made anew when they have moved far.
    fn points(&mut self, a: f64, c: f64) -> Result<&[(f64, f64)], InferenceError> {
        let coupling = self.sites / (2.0 * a);
        let field = (c / (2.0 * a)).abs();
        let table = match self.table.take() {
            Some(table) if table.fits(coupling, field) => table,
            _ => self.tabulate(coupling, field)?,
        };
        Ok(&self.table.insert(table).points)
    }

    fn tabulate(&self, coupling: f64, field: f64) -> Result<Table, InferenceError> {
        let table = Table {
            coupling,
            field: 2.0 * field + coupling,
            points: Vec::new(),
        };
        let widest = (2.0 * coupling / self.sites).sqrt();
        let reach = table.field + 2.0 * coupling + (TAIL + (self.width as f64).sqrt()) * widest;
        // Panels of two standard deviations of the narrowest normal distribution.
        let half = (0.5 * coupling / self.sites).sqrt();
        let start = if self.width == 1 { -reach } else { 0.0 };
        let panels = ((reach - start) / (2.0 * half))
            .ceil()
            .clamp(1.0, MAX_PANELS);
        let half = (reach - start) / (2.0 * panels);
        let mut points = Vec::with_capacity(8 * panels as usize);
        for panel in 0..panels as usize {
            let centre = start + half * (2 * panel + 1) as f64;
            for (node, weight) in NODES {
                for t in [centre - half * node, centre + half * node] {
                    points.push((t, (half * weight).ln() + self.log_base(t)?));
                }
            }
        }
        Ok(Table { points, ..table })
    }

    fn log_base(&self, t: f64) -> Result<f64, InferenceError> {
        let log_weight = (self.log_weight)(t);
        if log_weight.is_nan() || log_weight == f64::INFINITY {
            return Err(InferenceError::OutOfRange {
                what: "the log-weight of the field",
                value: log_weight,
                expected: "a number below infinity",
            });
        }
        let shell = if self.width == 1 {
            0.0
        } else {
            (self.width as f64 - 1.0) * t.ln()
        };
        Ok(log_weight + shell)
    }
}

impl Table {
    fn fits(&self, coupling: f64, field: f64) -> bool {
        (0.5 * self.coupling..=2.0 * self.coupling).contains(&coupling) && field <= self.field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_normal_distributions_are_their_closed_forms() {
        // g = 0: in w dimensions <t²> = w / 2a, <t⁴> = w (w + 2) / 4a².
        for width in [1, 2, 5] {
            let mut density = FieldDensity::new(50, width, &|_| 0.0);
            let w = width as f64;
            for a in [3.0, 40.0, 17.0] {
                let found = density.expansion([a, 0.0], [0.0, 0.0]).unwrap();
                let second = w / (2.0 * a);
                let variance = w * (w + 2.0) / (4.0 * a * a) - second * second;
                let ratio = found.gradient[0] / second;
                assert!((ratio - 1.0).abs() < 1e-10, "{width} {a} {ratio}");
                assert!((found.curvature[0] / variance - 1.0).abs() < 1e-9);
            }
        }
        let mut density = FieldDensity::new(50, 1, &|_| 0.0);
        // Mean c / 2a, log-normaliser ½ ln(π/a) + c²/4a.
        let found = density.expansion([8.0, 4.0], [0.0, 0.0]).unwrap();
        assert!((found.gradient[1] + 0.25).abs() < 1e-13);
        let log_norm = 0.5 * (std::f64::consts::PI / 8.0).ln() + 0.5;
        assert!((found.value + log_norm).abs() < 1e-12);
        assert!((found.curvature[2] - 1.0 / 16.0).abs() < 1e-13);
    }

    #[test]
    fn the_normaliser_of_spins_is_the_partition_sum() {
        // ∫ dφ exp(-N φ²/2K) (2 cosh φ)^N = sqrt(2πK/N) Σ_s exp(K M²/2N), summed over
        // the magnetisations of N = 12 spins.
        let (sites, coupling) = (12_usize, 1.3);
        let n = sites as f64;
        let log_weight = |t: f64| n * (t.abs() + (-2.0 * t.abs()).exp().ln_1p());
        let mut density = FieldDensity::new(sites, 1, &log_weight);
        let found = density.expansion([n / (2.0 * coupling), 0.0], [0.0, 0.0]);
        let (mut binomial, mut sum) = (1.0, 0.0);
        for up in 0..=sites {
            let m = 2.0 * up as f64 - n;
            sum += binomial * (coupling * m * m / (2.0 * n)).exp();
            binomial *= (sites - up) as f64 / (up + 1) as f64;
        }
        let expected = 0.5 * (std::f64::consts::TAU * coupling / n).ln() + sum.ln();
        assert!((found.unwrap().value + expected).abs() < 1e-11);
    }

    #[test]
    fn a_weight_that_is_no_number_is_refused() {
        let mut density = FieldDensity::new(5, 2, &|_| f64::NAN);
        let found = density.expansion([1.0, 0.0], [1.0, 0.0]);
        assert!(matches!(found, Err(InferenceError::OutOfRange { .. })));
    }
}
