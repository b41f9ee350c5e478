//! Directors: what one side adds to the weight of the other, by an integral over the
//! length of the field.

use super::legendre::{bessel_ratios, legendre, scaled_half_integer};
use crate::directional::{GaussLegendre, von_mises};
use crate::physics::OrientationSpace;

/// Width of a panel, in units of the spread that the field has at given molecules.
const PANEL: f64 = 4.0;
const RULE: GaussLegendre<16> = GaussLegendre::computed();
/// Panels over the shapes of a field.
const SHAPE_PANELS: usize = 8;
const SHAPES: GaussLegendre<32> = GaussLegendre::computed();
/// Lengths are left out where the density of the field is below `exp` of minus this
/// of its peak.
const NEGLECTED: f64 = 60.0;
/// Terms and lengths are left out of a sum where they are below `exp` of minus this.
const FORGOTTEN: f64 = 42.0;
/// Most terms of the expansion in shapes; the rule for shapes integrates them all.
const MOST_TERMS: usize = 128;

/// `S(Y) = E_{w ~ N(aY, I)} c(a w)^n` of the `n` molecules of one side.
///
/// `c^n` at the length `r = |w|` is expanded in the shape `s` of the field,
/// `Σ_k F_k(r) P_k(1 - 2s)`. On a sphere in five dimensions a function of the shape
/// alone that is orthogonal to all others of lower degree is `P_k(1 - 2s)`: the shape is
/// uniform, and `1 - 2s = √6 Tr M³/|M|³` is of degree 3. So it is a harmonic of
/// degree `l = 3k`, and smoothing by a normal distribution leaves it one:
///
/// ```text
/// S(Y) = Σ_k P_k(1 - 2s) ∫ r^(K-1) exp(-(r - ρ)²/2) F_k(r) b_l(rρ) dr,   ρ = a|Y|
/// b_l(x) = exp(-x) x^(1 - K/2) I_{l + K/2 - 1}(x)
/// ```
///
/// In the plane (K = 2) only `k = 0` is there. What is left is an integral over `r`,
/// by Gauss and Legendre where the field has its probability.
#[derive(Debug, Clone)]
pub(super) struct SideField {
    in_space: bool,
    /// `a = √(β/N)`.
    spread: f64,
    nodes: Vec<Node>,
}

/// One length of the field.
#[derive(Debug, Clone)]
struct Node {
    /// `r`.
    length: f64,
    /// Log of the weight of the rule, `r^(K-1)` and the largest `c^n` of the length.
    log_weight: f64,
    /// `F_k` over that largest `c^n`.
    terms: Vec<f64>,
}

impl SideField {
    /// Prepares the integral for `molecules` of all `sites` molecules at `beta`.
    pub(super) fn new<S: OrientationSpace>(molecules: usize, sites: usize, beta: f64) -> Self {
        let spread = (beta / sites as f64).sqrt();
        let dimension = S::UNIT.width() as f64;
        let in_space = S::UNIT.width() == 5;
        let expansion = in_space.then(Expansion::new);
        let mut nodes = Vec::new();
        for (length, weight) in lengths::<S>(sites, spread) {
            let log_normaliser = |shape: f64| S::log_normaliser(spread * length, shape);
            let largest = log_normaliser(0.0);
            let relative =
                |shape: f64| (molecules as f64 * (log_normaliser(shape) - largest)).exp();
            nodes.push(Node {
                length,
                log_weight: weight.ln()
                    + (dimension - 1.0) * length.ln()
                    + molecules as f64 * largest,
                terms: match &expansion {
                    Some(expansion) => expansion.terms(relative),
                    None => vec![1.0],
                },
            });
        }
        Self {
            in_space,
            spread,
            nodes,
        }
    }

    /// `ln S(Y)` for a total feature of this length `|Y|` and this shape, in nats.
    pub(super) fn log_sum(&self, length: f64, shape: f64) -> f64 {
        let rho = self.spread * length;
        let exponent = |node: &Node| node.log_weight - 0.5 * (node.length - rho).powi(2);
        let exponents = self.nodes.iter().map(exponent);
        let peak = exponents.fold(f64::NEG_INFINITY, f64::max);
        let mut polynomials = [1.0; MOST_TERMS];
        legendre(1.0 - 2.0 * shape, &mut polynomials);
        let mut ratios = Vec::new();
        let mut total = 0.0;
        for node in &self.nodes {
            let below = exponent(node) - peak;
            if below > -FORGOTTEN {
                let x = node.length * rho;
                let kernel = if self.in_space {
                    in_space(x, &node.terms, &polynomials, &mut ratios)
                } else {
                    (von_mises::log_normaliser_at(x) - x).exp()
                };
                total += below.exp() * kernel;
            }
        }
        peak + total.ln()
    }
}

/// `Σ_k F_k P_k b_{3k}(x)`.
fn in_space(x: f64, terms: &[f64], polynomials: &[f64], ratios: &mut Vec<f64>) -> f64 {
    // b_l falls at least as exp(-l²/2x) while l is below x, and faster beyond.
    let reach = (2.0 * FORGOTTEN * x).sqrt() + FORGOTTEN;
    let count = terms.len().min(1 + (reach / 3.0) as usize);
    ratios.clear();
    ratios.resize(3 * (count - 1), 0.0);
    bessel_ratios(1.5, x, ratios);
    let mut bessel = scaled_half_integer(x);
    let mut total = terms[0] * bessel;
    let rest = terms[1..].iter().zip(&polynomials[1..]);
    for ((term, polynomial), step) in rest.zip(ratios.chunks_exact(3)) {
        bessel *= step[0] * step[1] * step[2];
        total += term * polynomial * bessel;
    }
    total
}

/// Lengths and weights of the rule where the field has its probability.
fn lengths<S: OrientationSpace>(sites: usize, spread: f64) -> Vec<(f64, f64)> {
    // The mean field is at most aN; beyond, the density falls as a normal one.
    let end = spread * sites as f64 + (2.0 * NEGLECTED).sqrt() + PANEL;
    let panels = (end / PANEL).ceil();
    let edge = |panel: usize| end * panel as f64 / panels;
    let all = (0..panels as usize).flat_map(|panel| RULE.on(edge(panel), edge(panel + 1)));
    let log_density = |length: f64| {
        let power = sites as f64 * S::log_normaliser(spread * length, 0.0);
        (S::UNIT.width() as f64 - 1.0) * length.ln() + power - 0.5 * length * length
    };
    let all: Vec<(f64, f64)> = all.collect();
    let densities = all.iter().map(|&(length, _)| log_density(length));
    let floor = densities.fold(f64::NEG_INFINITY, f64::max) - NEGLECTED;
    all.into_iter()
        .filter(|&(length, _)| log_density(length) > floor)
        .collect()
}

/// The projection of functions of the shape on `P_k(1 - 2s)`.
struct Expansion {
    shapes: Vec<f64>,
    /// `(2k + 1) P_k(1 - 2s)` times the weight of the rule, shape by shape.
    weights: Vec<[f64; MOST_TERMS]>,
}

impl Expansion {
    fn new() -> Self {
        let edge = |panel: usize| panel as f64 / SHAPE_PANELS as f64;
        let rule = (0..SHAPE_PANELS).flat_map(|panel| SHAPES.on(edge(panel), edge(panel + 1)));
        let (shapes, weights) = rule
            .map(|(shape, weight)| {
                let mut row = [0.0; MOST_TERMS];
                legendre(1.0 - 2.0 * shape, &mut row);
                for (k, value) in row.iter_mut().enumerate() {
                    *value *= weight * (2.0 * k as f64 + 1.0);
                }
                (shape, row)
            })
            .unzip();
        Self { shapes, weights }
    }

    /// `F_k`, as many as count.
    fn terms(&self, function: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut terms = vec![0.0; MOST_TERMS];
        for (shape, weights) in self.shapes.iter().zip(&self.weights) {
            let value = function(*shape);
            let sums = terms.iter_mut().zip(weights);
            sums.for_each(|(term, weight)| *term += value * weight);
        }
        let largest = terms.iter().map(|term| term.abs()).fold(0.0, f64::max);
        let counts = |term: &f64| term.abs() > 1e-14 * largest;
        let last = terms.iter().rposition(counts).unwrap_or_default();
        terms.truncate(last + 1);
        terms
    }
}
