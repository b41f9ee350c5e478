//! The head of directors in space: the Bingham distribution.
//!
//! `y_a = sqrt(3/2) u^T E_a u` of a unit vector `u`, with the basis of symmetric
//! traceless matrices `E_1 = diag(1, -1, 0) / sqrt 2`,
//! `E_2 = diag(-1, -1, 2) / sqrt 6`, and `E_3`, `E_4`, `E_5` with `1 / sqrt 2` at
//! (0, 1), (0, 2), (1, 2) and their transposes. Then `|y| = 1`, and with
//! `B = sqrt(3/2) sum_a eta_a E_a` the normaliser with respect to the uniform
//! measure is `c = 1/(4 pi) int exp(u^T B u) du` (Bingham, Ann. Statist. 2, 1201
//! (1974)).
//!
//! `ln c` depends on `rho = |eta|` and on the cubic invariant
//! `4 det B = rho^3 x` alone, so no eigenvalues are needed: the gradient is
//! `alpha eta + beta q` with `q_a = sqrt 6 Tr(M^2 E_a)`, `M = sum_a eta_a E_a`, a third
//! of the cubic's gradient. A table holds `ln c`.
//!
//! Tested against `f64` for `rho <= 60`: `ln c` within `1e-6 + 1e-6 rho`, each
//! component of the mean within 1e-5. The table ends at `rho = 120`; beyond,
//! `ln c` grows in proportion to `rho` along each ray, so its slope steps down
//! there, by up to 0.04. Finite for `rho` up to 1e12.

use super::directional::{self, Block, Head, SITES};

mod table;
#[cfg(test)]
mod tests;

use table::{
    CORE, Cell, RADIAL_BITS, RADIUS, RADIUS_MAX, SCALE, SHAPE_BITS, SPREAD, locate, place_of, table,
};

/// Numbers a site.
const WIDTH: usize = 5;
/// Numbers a block.
const VALUES: usize = WIDTH * SITES;

/// `q`, with `eta . q = rho^3 x` and `|q| = rho^2`.
#[inline(always)]
fn quadratic([a, b, c, d, e]: [f32; WIDTH]) -> [f32; WIDTH] {
    const SQRT_3: f32 = 1.732_050_8;
    [
        0.5 * SQRT_3 * (d * d - e * e) - 2.0 * a * b,
        b * b - a * a - c * c + 0.5 * (d * d + e * e),
        SQRT_3 * d * e - 2.0 * b * c,
        SQRT_3 * (a * d + c * e) + b * d,
        SQRT_3 * (c * d - a * e) + b * e,
    ]
}

/// Where in the table a site lies.
struct Place {
    cell: [u32; SITES],
    /// Fraction of the cell along `u`.
    radial: [f32; SITES],
    /// Fraction of the cell along `v`.
    shape: [f32; SITES],
}

/// `rho`, at least 1e-15, and `x`, from `eta` and `q`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn radius_and_shape([a, b, c, d, e]: [f32; WIDTH], q: [f32; WIDTH]) -> [f32; 2] {
    let square = a * a + b * b + c * c + d * d + e * e + 1e-30;
    let cubic = a * q[0] + b * q[1] + c * q[2] + d * q[3] + e * q[4];
    let rho = square.sqrt();
    let inverse = 1.0 / rho;
    let x = cubic * inverse * inverse * inverse;
    #[expect(clippy::manual_clamp, reason = "a NaN must lie in the table too")]
    let x = x.max(-1.0).min(1.0);
    [rho, x]
}

/// A cell's cubic at one place along `v`: coefficients along `u` of the value and
/// of the derivative to `v`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn along_shape(cell: &Cell, shape: f32) -> ([f32; 4], [f32; 4]) {
    let mut value = cell[3];
    let mut slope = [0.0; 4];
    for row in [&cell[2], &cell[1], &cell[0]] {
        for i in 0..4 {
            slope[i] = slope[i] * shape + value[i];
            value[i] = value[i] * shape + row[i];
        }
    }
    (value, slope)
}

/// Invariants of the sites of a block.
struct Invariants {
    /// `q`.
    quadratic: [[f32; SITES]; WIDTH],
    /// `rho`, at least 1e-15.
    rho: [f32; SITES],
    /// `1 / rho`.
    inverse: [f32; SITES],
    /// `cos(3 phi)`.
    x: [f32; SITES],
    /// `w` of the table.
    bend: [f32; SITES],
    /// One over the width of the cell along `u`.
    per_radial: [f32; SITES],
    /// One over the width of the cell along `v`.
    per_shape: [f32; SITES],
}

const NONE: [f32; SITES] = [0.0; SITES];

impl Invariants {
    const EMPTY: Self = Self {
        quadratic: [NONE; WIDTH],
        rho: NONE,
        inverse: NONE,
        x: NONE,
        bend: NONE,
        per_radial: NONE,
        per_shape: NONE,
    };
}

impl Place {
    const EMPTY: Self = Self {
        cell: [0; SITES],
        radial: NONE,
        shape: NONE,
    };
}

/// Invariants of a block's sites and their places in the table.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn invariants(eta: &[[f32; SITES]; WIDTH]) -> (Invariants, Place) {
    let mut at = Invariants::EMPTY;
    let mut place = Place::EMPTY;
    for lane in 0..SITES {
        // Written out: `eta.map` keeps the loop from being vectorised.
        let site = [
            eta[0][lane],
            eta[1][lane],
            eta[2][lane],
            eta[3][lane],
            eta[4][lane],
        ];
        let q = quadratic(site);
        for (all, q) in at.quadratic.iter_mut().zip(q) {
            all[lane] = q;
        }
        let [rho, x] = radius_and_shape(site, q);
        at.rho[lane] = rho;
        at.inverse[lane] = 1.0 / rho;
        at.x[lane] = x;
        let inside = rho.min(RADIUS_MAX);
        at.bend[lane] = SPREAD / (inside * inside + CORE);
        let (radial_cell, shape_cell);
        (radial_cell, place.radial[lane], at.per_radial[lane]) =
            locate::<RADIAL_BITS>(1.0 + inside * (1.0 / RADIUS));
        (shape_cell, place.shape[lane], at.per_shape[lane]) =
            locate::<SHAPE_BITS>(SCALE * (0.5 + 0.5 * x + at.bend[lane]));
        place.cell[lane] = place_of(radial_cell, shape_cell);
    }
    (at, place)
}

/// `F` and its derivatives to the fractions along `u` and `v`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn along_radius(value: [f32; 4], slope: [f32; 4], t: f32) -> [f32; 3] {
    let cubic = |[a, b, c, d]: [f32; 4]| ((d * t + c) * t + b) * t + a;
    let [_, b, c, d] = value;
    [cubic(value), (3.0 * d * t + 2.0 * c) * t + b, cubic(slope)]
}

/// `alpha` and `beta` of the gradient, from `F` and its derivatives.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn factors(at: &Invariants, lane: usize, [f, f_radial, f_shape]: [f32; 3]) -> [f32; 2] {
    let (rho, inverse, bend) = (at.rho[lane], at.inverse[lane], at.bend[lane]);
    // Derivatives to v / SCALE, then to rho at fixed x, then along x over rho.
    let f_v = f_shape * at.per_shape[lane] * SCALE;
    let radial =
        f_radial * at.per_radial[lane] * (1.0 / RADIUS) - f_v * (2.0 / SPREAD) * rho * bend * bend;
    let radial = if rho < RADIUS_MAX { radial } else { 0.0 };
    let turn = 1.5 * f_v * inverse;
    [f * inverse + radial - turn * at.x[lane], turn * inverse]
}

/// The head of directors in space.
struct Bingham {
    table: &'static [Cell],
}

impl Head<VALUES> for Bingham {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    fn evaluate(&self, flat: &[f32; VALUES]) -> Block<VALUES> {
        let mut eta = [[0.0; SITES]; WIDTH];
        for lane in 0..SITES {
            for a in 0..WIDTH {
                eta[a][lane] = flat[WIDTH * lane + a];
            }
        }
        let (at, place) = invariants(&eta);
        let mut values = [[0.0; 4]; SITES];
        let mut slopes = [[0.0; 4]; SITES];
        for lane in 0..SITES {
            let cell = &self.table[place.cell[lane] as usize];
            (values[lane], slopes[lane]) = along_shape(cell, place.shape[lane]);
        }
        let mut log_normaliser = [0.0; SITES];
        for lane in 0..SITES {
            let local = along_radius(values[lane], slopes[lane], place.radial[lane]);
            log_normaliser[lane] = at.rho[lane] * local[0];
            let [alpha, beta] = factors(&at, lane, local);
            for (eta, q) in eta.iter_mut().zip(&at.quadratic) {
                eta[lane] = alpha * eta[lane] + beta * q[lane];
            }
        }
        let mut mean = [0.0; VALUES];
        for (lane, site) in mean.chunks_exact_mut(WIDTH).enumerate() {
            for a in 0..WIDTH {
                site[a] = eta[a][lane];
            }
        }
        (log_normaliser, mean)
    }
}

vectorised! {
    /// `-ln p(features | eta)` of one configuration, nats: the sum over sites of
    /// `ln c - eta . y`. Both are sites x 5.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn bingham_cost(eta: &[f32], features: &[f32]) -> f32 {
        directional::cost(&Bingham { table: table() }, eta, features)
    }
}

vectorised! {
    /// Sum of [`bingham_cost`] over a batch, nats; replaces `eta` by
    /// `weight (E[y | eta] - y)`, the sum's derivative times `weight`.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn bingham_cost_and_gradient(
        eta: &mut [f32],
        features: &[f32],
        weight: f32,
    ) -> f64 {
        directional::cost_and_gradient(&Bingham { table: table() }, eta, features, weight)
    }
}

vectorised! {
    /// Sum over sites of `ln c`, nats.
    pub(in crate::vae) fn bingham_log_normaliser_sum(eta: &[f32]) -> f32 {
        directional::log_normaliser_sum(&Bingham { table: table() }, eta)
    }
}

vectorised! {
    #[cfg(test)]
    /// Writes `E[y | eta]` of each site.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    pub(in crate::vae) fn bingham_mean(eta: &[f32], mean: &mut [f32]) {
        directional::mean(&Bingham { table: table() }, eta, mean);
    }
}
