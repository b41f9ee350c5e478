//! The logarithmic normaliser of the Bingham head as a table of cubics.
//!
//! `ln c = rho F(u, v)` with `u = 1 + rho / RADIUS` and
//! `v = SCALE ((1 + x) / 2 + w)`, `w = SPREAD / (rho^2 + CORE)`, where
//! `rho = |eta|` and `x = cos(3 phi)` is the shape (+1 prolate, -1 oblate). `F` is
//! analytic in both, at `rho = 0` and at both shapes of revolution, and changes
//! by little where `u` and `v` change by a given factor: near the oblate shape
//! `ln c` bends within `1 + x` of `1 / rho^2`, hence `w`. So cells are equal parts
//! of octaves, and the cell of a number is read off its exponent and leading bits.

use std::f64::consts::FRAC_1_SQRT_2;
use std::sync::LazyLock;

/// `u = 1 + rho / RADIUS`.
pub(super) const RADIUS: f32 = 8.0;
/// Of `w = SPREAD / (rho^2 + CORE)`.
pub(super) const SPREAD: f32 = 8.0;
/// Of `w = SPREAD / (rho^2 + CORE)`.
pub(super) const CORE: f32 = 64.0;
/// `v = SCALE ((1 + x) / 2 + w)`.
pub(super) const SCALE: f32 = 2048.0;
/// Largest `rho` of the table.
pub(super) const RADIUS_MAX: f32 = 120.0;

/// Each octave of `u` has `2^RADIAL_BITS` cells.
pub(super) const RADIAL_BITS: u32 = 5;
/// Each octave of `v` has `2^SHAPE_BITS` cells.
pub(super) const SHAPE_BITS: u32 = 3;
/// Cells along `u`, which ends at `1 + RADIUS_MAX / RADIUS = 2^4`.
const RADIAL_CELLS: usize = (4 << RADIAL_BITS) + 1;
/// Cells along `v`, which lies between 1 and `1.125 SCALE < 2^12`.
const SHAPE_CELLS: usize = 12 << SHAPE_BITS;

/// `coefficients[j][i]` of `fraction_v^j fraction_u^i`.
pub(super) type Cell = [[f32; 4]; 4];

/// The cells, made at first use.
static TABLE: LazyLock<Vec<Cell>> = LazyLock::new(build);

pub(super) fn table() -> &'static [Cell] {
    &TABLE
}

/// Cell of `value >= 1` along one axis, place in it from 0 to 1, and one over
/// the cell's width.
#[inline(always)]
pub(super) fn locate<const BITS: u32>(value: f32) -> (u32, f32, f32) {
    const EXPONENT: u32 = 0x7f80_0000;
    let bits = value.to_bits();
    let cell = (bits - 1.0_f32.to_bits()) >> (23 - BITS);
    let start = f32::from_bits(bits >> (23 - BITS) << (23 - BITS));
    // The width is 2^(exponent - BITS).
    let per_width = f32::from_bits(((254 + BITS) << 23) - (bits & EXPONENT));
    (cell, (value - start) * per_width, per_width)
}

/// Place in [`table`] of a cell along `u` and one along `v`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(super) fn place_of(radial: u32, shape: u32) -> u32 {
    radial * SHAPE_CELLS as u32 + shape
}

/// Where a cell begins, and its width.
fn span(cell: usize, bits: u32) -> (f64, f64) {
    let parts = 1 << bits;
    let octave = f64::from(1 << (cell / parts));
    let width = octave / parts as f64;
    (octave + (cell % parts) as f64 * width, width)
}

fn build() -> Vec<Cell> {
    let quadrature = quadrature();
    let mut cells = vec![Cell::default(); RADIAL_CELLS * SHAPE_CELLS];
    let radius = |u: f64| (u - 1.0) * f64::from(RADIUS);
    for (radial, row) in cells.chunks_exact_mut(SHAPE_CELLS).enumerate() {
        let (u, u_width) = span(radial, RADIAL_BITS);
        // A little more than is reached: single precision rounds there.
        let lowest = 0.9999 * f64::from(SCALE) * width_of_bend(radius(u + u_width));
        let highest = 1.0001 * f64::from(SCALE) * (1.0 + width_of_bend(radius(u)));
        for (shape, cell) in row.iter_mut().enumerate() {
            let (v, v_width) = span(shape, SHAPE_BITS);
            if v + v_width < lowest || v > highest {
                continue;
            }
            *cell = cubic(|fraction_u, fraction_v| {
                let rho = radius(u + fraction_u * u_width);
                let height = (v + fraction_v * v_width) / f64::from(SCALE);
                let x = 2.0 * (height - width_of_bend(rho)) - 1.0;
                if rho > 0.0 {
                    log_normaliser(&quadrature, rho, x) / rho
                } else {
                    0.0
                }
            });
        }
    }
    cells
}

/// `w`.
fn width_of_bend(rho: f64) -> f64 {
    let spread = f64::from(SPREAD);
    spread / (rho * rho + f64::from(CORE))
}

/// Where a cubic is made to agree, as fractions of a cell: with these the largest
/// error of its derivative is the least (`omega' = T_3` for the polynomial `omega`
/// of the nodes), and neighbours agree on their border.
const NODES: [f64; 4] = [
    0.0,
    0.5 - 0.5 * FRAC_1_SQRT_2,
    0.5 + 0.5 * FRAC_1_SQRT_2,
    1.0,
];

/// Coefficients, lowest first, of the cubic that is 1 at one of [`NODES`] and 0 at
/// the others.
fn lagrange(node: usize) -> [f64; 4] {
    let mut coefficients = [1.0, 0.0, 0.0, 0.0];
    for (_, other) in NODES.iter().enumerate().filter(|&(k, _)| k != node) {
        let scale = 1.0 / (NODES[node] - other);
        for i in (0..4).rev() {
            let lower = if i == 0 { 0.0 } else { coefficients[i - 1] };
            coefficients[i] = scale * (lower - other * coefficients[i]);
        }
    }
    coefficients
}

/// The cubic in both fractions that agrees with `exact` at the nodes of each.
fn cubic(exact: impl Fn(f64, f64) -> f64) -> Cell {
    let basis: [[f64; 4]; 4] = std::array::from_fn(lagrange);
    let mut coefficients = [[0.0_f64; 4]; 4];
    for (shape, of_shape) in NODES.iter().zip(&basis) {
        for (radial, of_radial) in NODES.iter().zip(&basis) {
            let value = exact(*radial, *shape);
            for (row, along) in coefficients.iter_mut().zip(of_shape) {
                for (coefficient, across) in row.iter_mut().zip(of_radial) {
                    *coefficient += value * along * across;
                }
            }
        }
    }
    coefficients.map(|row| row.map(|coefficient| coefficient as f32))
}

/// `1 - t^2` and weight of the double exponential rule for `t` from 0 to 1
/// (Takahasi and Mori, Publ. RIMS 9, 721 (1974)).
fn quadrature() -> Vec<[f64; 2]> {
    const STEP: f64 = 1.0 / 8.0;
    (-23..=23)
        .map(|k| {
            let y = f64::from(k) * STEP;
            let scale = std::f64::consts::PI * y.sinh();
            let from_end = 1.0 / (1.0 + scale.exp());
            let from_start = 1.0 / (1.0 + (-scale).exp());
            let slope = std::f64::consts::PI * y.cosh() * from_end * from_start;
            [from_end * (1.0 + from_start), STEP * slope]
        })
        .collect()
}

/// `ln c` for `|eta| = rho` and shape `x`.
///
/// About the axis of an eigenvalue `b` of `B`, with `z^2 = 3/4 (rho^2 - b^2)` the
/// squared half difference of the two others,
/// `c = e^b int_0^1 exp(-3/2 b (1 - t^2)) I_0(z (1 - t^2)) dt`. The axis is that of
/// the largest, so the exponent is not positive. This is analytic in `x` beyond
/// +1 too, where the two others are complex; below -1 the smallest takes its
/// place. Cells that reach across need both.
fn log_normaliser(quadrature: &[[f64; 2]], rho: f64, x: f64) -> f64 {
    /// Exponents whose terms do not count.
    const NOTHING: f64 = -40.0;
    let b = if x < -1.0 {
        -rho * largest_root(-x)
    } else {
        rho * largest_root(x)
    };
    let z_squared = 0.75 * (rho * rho - b * b);
    let z = z_squared.max(0.0).sqrt();
    let terms = quadrature.iter().map(|[height, weight]| {
        let exponent = (z - 1.5 * b) * height;
        if exponent < NOTHING {
            return 0.0;
        }
        weight * exponent.exp() * scaled_bessel(z_squared * height * height)
    });
    b + terms.sum::<f64>().ln()
}

/// Largest real root of `4 y^3 - 3 y = x`, `x >= -1`.
fn largest_root(x: f64) -> f64 {
    if x < 1.0 {
        (x.acos() / 3.0).cos()
    } else {
        (x.acosh() / 3.0).cosh()
    }
}

/// `exp(-z) I_0(z)` of `z^2 > 0`; `J_0(|z|)` of `z^2 < 0`.
fn scaled_bessel(z_squared: f64) -> f64 {
    /// Where the asymptotic series is as good as 1e-12.
    const FAR: f64 = 15.0;
    let z = z_squared.max(0.0).sqrt();
    let mut term = 1.0;
    let mut sum = 1.0;
    if z > FAR {
        for k in 1..=24 {
            let odd = f64::from(2 * k - 1);
            term *= odd * odd / (8.0 * f64::from(k) * z);
            sum += term;
        }
        sum / (std::f64::consts::TAU * z).sqrt()
    } else {
        let quarter = z_squared / 4.0;
        let mut k = 0.0;
        while term.abs() > 1e-17 {
            k += 1.0;
            term *= quarter / (k * k);
            sum += term;
        }
        sum * (-z).exp()
    }
}
