//! Directors in space: the Bingham distribution.
//!
//! The basis of the symmetric traceless matrices, orthonormal under `Tr E_a E_b`:
//!
//! ```text
//! E_1 = diag(1, -1, 0) / √2        E_2 = diag(-1, -1, 2) / √6
//! E_3: 1/√2 at (0,1) and (1,0)     E_4: 1/√2 at (0,2) and (2,0)
//! E_5: 1/√2 at (1,2) and (2,1)
//! ```
//!
//! The feature of a director along the unit vector `u` is `y_a = √(3/2) u·E_a u`, of
//! length 1 and with `y(u)·y(v) = P_2(u·v)`. In a field `η` of five numbers its
//! density with respect to the uniform distribution on the sphere is
//!
//! ```text
//! p(u) = exp(η·y(u)) / c(η) = exp(u·B u) / c(η),   B = √(3/2) Σ_a η_a E_a
//! ```
//!
//! The eigenvalues of `B` are `|η| cos(φ + 2πk/3)`, so `c` depends on the length
//! `|η|` and on the *shape* `s = sin²(3φ/2) = (1 - √6 Tr(M³) / |η|³) / 2`,
//! `M = Σ_a η_a E_a`, from 0 (uniaxial, prolate) to 1 (uniaxial, oblate). If `η` has
//! a random direction in five dimensions, `s` is uniform on `[0, 1]`.
//!
//! At a given length `c` falls with `s`: with `c_ij = E[u_i² u_j² exp(u·B u)]` and
//! likewise `c_123`, the identity of Euler, Poisson and Darboux
//! `∂c/∂b_i - ∂c/∂b_j = 2 (b_i - b_j) c_ij` gives
//! `c_12 - c_23 = 2 (b_1 - b_3) c_123 ≥ 0`, which is the sign of the derivative.
//! `ln c` is convex in `η`, as every cumulant function.

use super::bessel::{scaled_i0, scaled_i1};
use super::{GaussLegendre, SymmetricEigen, symmetric_eigen};

mod sampler;

pub use sampler::{Sampler, draw_features, draw_shared};

const SQRT_3: f64 = 1.732_050_807_568_877_2;
/// √(3/2).
const SQRT_3_HALVES: f64 = 1.224_744_871_391_589;
/// Below this length of the field the power series is summed.
const SERIES_LIMIT: f64 = 1.0;
/// The rest of the power series is below `1e-17` at the limit.
const SERIES_TERMS: usize = 18;
/// The integrand is left out where it is below `exp(-40)` of its largest value.
const NEGLECTED: f64 = 40.0;
const RULE: GaussLegendre<32> = GaussLegendre::computed();

/// The feature of the director along `u`, a vector of any length but 0.
#[must_use]
pub fn feature(u: [f64; 3]) -> [f64; 5] {
    let [x, y, z] = u.map(|x| x * x);
    let scale = (x + y + z).recip();
    let twice = SQRT_3 * scale;
    [
        0.5 * twice * (x - y),
        scale * (z - 0.5 * (x + y)),
        twice * u[0] * u[1],
        twice * u[0] * u[2],
        twice * u[1] * u[2],
    ]
}

/// The symmetric traceless matrix `Σ_a η_a E_a`.
#[must_use]
pub fn tensor(eta: [f64; 5]) -> [[f64; 3]; 3] {
    let [a, b, c, d, e] = eta.map(|x| x * std::f64::consts::FRAC_1_SQRT_2);
    let b = b / SQRT_3;
    [[a - b, c, d], [c, -a - b, e], [d, e, 2.0 * b]]
}

/// The components `Tr E_a M` of a symmetric matrix: the inverse of [`tensor`].
#[must_use]
pub fn components(matrix: [[f64; 3]; 3]) -> [f64; 5] {
    let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = matrix;
    let half = std::f64::consts::FRAC_1_SQRT_2;
    [
        half * (xx - yy),
        half * (2.0 * zz - xx - yy) / SQRT_3,
        2.0 * half * xy,
        2.0 * half * xz,
        2.0 * half * yz,
    ]
}

/// The length `|η|` of a field.
#[must_use]
pub fn length(eta: [f64; 5]) -> f64 {
    eta.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The shape `s` of a field, from 0 (prolate) to 1 (oblate); 0 without a field.
#[must_use]
pub fn shape(eta: [f64; 5]) -> f64 {
    let length = length(eta);
    if length == 0.0 {
        return 0.0;
    }
    // √6 Tr M³ = 3√6 det M for a traceless matrix.
    let inverse = length.recip();
    let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = tensor(eta.map(|x| x * inverse));
    let minors = [yy * zz - yz * yz, xy * zz - yz * xz, xy * yz - yy * xz];
    let determinant = xx * minors[0] - xy * minors[1] + xz * minors[2];
    (0.5 * (1.0 - 6.0 * SQRT_3_HALVES * determinant)).clamp(0.0, 1.0)
}

/// The eigenvalues of `B` of a field of this length and shape, in falling order.
#[must_use]
pub fn eigenvalues_at(length: f64, shape: f64) -> [f64; 3] {
    let (sine, cosine) = (2.0 / 3.0 * shape.sqrt().min(1.0).asin()).sin_cos();
    let (near, far) = (-0.5 * cosine, 0.5 * SQRT_3 * sine);
    [cosine, near + far, near - far].map(|x| length * x)
}

/// `ln c(η)`, in nats; its relative error is below `1e-12`.
#[must_use]
pub fn log_normaliser(eta: [f64; 5]) -> f64 {
    log_normaliser_at(length(eta), shape(eta))
}

/// `ln c` of a field of length `length ≥ 0` and shape `shape`, from 0 to 1.
///
/// Short fields: the power series in the eigenvalues. Others, with eigenvalues
/// `b_1 ≥ b_2 ≥ b_3`, by Gauss and Legendre from
///
/// ```text
/// c = ∫_0^1 exp(b_3 t² + (b_1 + b_2)(1 - t²)/2) I0((b_1 - b_2)(1 - t²)/2) dt
/// ```
#[must_use]
pub fn log_normaliser_at(length: f64, shape: f64) -> f64 {
    let b = eigenvalues_at(length, shape);
    if length < SERIES_LIMIT {
        return Series::new(b).excess().ln_1p();
    }
    let integral: f64 = integrand(b).map(|point| point.weight).sum();
    b[0] + integral.ln()
}

/// The mean feature `E[y]`, the gradient of `ln c`; its error is below `1e-12` of
/// its length.
#[must_use]
pub fn mean(eta: [f64; 5]) -> [f64; 5] {
    let SymmetricEigen { values, vectors } = symmetric_eigen(tensor(eta));
    let deviations = deviations(values.map(|x| SQRT_3_HALVES * x));
    let mut matrix = [[0.0; 3]; 3];
    for (deviation, vector) in deviations.iter().zip(&vectors) {
        for (row, x) in matrix.iter_mut().zip(vector) {
            for (entry, y) in row.iter_mut().zip(vector) {
                *entry += SQRT_3_HALVES * deviation * x * y;
            }
        }
    }
    components(matrix)
}

/// The order parameter `E[P_2(u·n)]` in a prolate field of this length along `n`.
#[must_use]
pub fn mean_at(length: f64) -> f64 {
    1.5 * deviations([length, -0.5 * length, -0.5 * length])[0]
}

/// `E[u_k²] - 1/3` along the eigenvectors of `B`, from its eigenvalues in falling
/// order.
fn deviations(b: [f64; 3]) -> [f64; 3] {
    if b[0] - b[2] < SERIES_LIMIT {
        return Series::new(b).deviations(b);
    }
    let (mut total, mut square, mut difference) = (0.0, 0.0, 0.0);
    for Point {
        t2,
        x,
        weight,
        scale,
    } in integrand(b)
    {
        total += weight;
        square += weight * t2;
        difference += scale * (1.0 - t2) * scaled_i1(x);
    }
    let (square, difference) = (square / total, difference / total);
    let [first, second] = [0.5, -0.5].map(|sign| 0.5 * (1.0 - square) + sign * difference);
    [first, second, square].map(|mean| mean - 1.0 / 3.0)
}

/// One point of the integral for `c exp(-b_1)`.
struct Point {
    /// `t²`.
    t2: f64,
    /// `(b_1 - b_2)(1 - t²)/2`.
    x: f64,
    /// Weight of the rule times `exp(-(b_1 - b_3) t²)`.
    scale: f64,
    /// The same times `exp(-x) I0(x)`.
    weight: f64,
}

/// The points at which the integrand for `c exp(-b_1)` counts.
fn integrand(b: [f64; 3]) -> impl Iterator<Item = Point> {
    let (spread, half) = (b[0] - b[2], 0.5 * (b[0] - b[1]));
    let end = (NEGLECTED / spread).sqrt().min(1.0);
    RULE.on(0.0, end).map(move |(t, weight)| {
        let t2 = t * t;
        let x = half * (1.0 - t2);
        let scale = weight * (-spread * t2).exp();
        Point {
            t2,
            x,
            scale,
            weight: scale * scaled_i0(x),
        }
    })
}

/// The power series of `c` in traceless eigenvalues.
///
/// `c = Σ_n h_n / (3/2)_n` with `Σ_n h_n t^n = Π_k (1 - b_k t)^(-1/2)` and the rising
/// factorial `(3/2)_n`: the moments of `u_k²`, whose distribution is that of
/// Dirichlet with all parameters 1/2.
struct Series {
    /// `h_0, h_1, …`; `h_1` is 0.
    sums: [f64; SERIES_TERMS],
}

impl Series {
    /// From `n h_n = ½ Σ_{k=1}^n p_k h_{n-k}` with the power sums `p_k = Σ b^k`.
    fn new(b: [f64; 3]) -> Self {
        let mut powers = [0.0; SERIES_TERMS];
        let mut power = [1.0; 3];
        for sum in &mut powers {
            *sum = power.iter().sum();
            power.iter_mut().zip(b).for_each(|(p, b)| *p *= b);
        }
        // Exactly traceless, whatever rounding says.
        powers[1] = 0.0;
        let mut sums = [1.0; SERIES_TERMS];
        for n in 1..SERIES_TERMS {
            let sum: f64 = (1..=n).map(|k| powers[k] * sums[n - k]).sum();
            sums[n] = 0.5 * sum / n as f64;
        }
        Self { sums }
    }

    /// `c - 1`.
    fn excess(&self) -> f64 {
        rising().zip(self.sums).skip(1).map(|(r, h)| h / r).sum()
    }

    /// `∂ ln c / ∂b_k - 1/3`.
    fn deviations(&self, b: [f64; 3]) -> [f64; 3] {
        let normaliser = 1.0 + self.excess();
        b.map(|b| {
            // ∂h_n/∂b = ½ Σ_k b^(k-1) h_(n-k), again by its recurrence in n.
            let mut slope = 0.0;
            let mut sum = 0.0;
            for (n, rising) in rising().enumerate().skip(1) {
                slope = b * slope + 0.5 * self.sums[n - 1];
                // The first term is 1/3; it leaves 1/3 of the rest of c behind.
                let taken = if n == 1 { 0.5 } else { 0.0 };
                sum += (slope - taken - self.sums[n] / 3.0) / rising;
            }
            sum / normaliser
        })
    }
}

/// The rising factorials `(3/2)_n`.
fn rising() -> impl Iterator<Item = f64> {
    let mut factorial = 1.0;
    (0..SERIES_TERMS).map(move |n| {
        let here = factorial;
        factorial *= 1.5 + n as f64;
        here
    })
}

#[cfg(test)]
mod tests;
