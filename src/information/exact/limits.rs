//! Closed forms: Gaussian pairs and large Curie-Weiss models.

use std::f64::consts::LN_2;

/// Newton and bisection alike need fewer.
const BISECTIONS: usize = 100;

/// `I = -½ ln(1 - ρ²)` of two normal numbers with correlation `ρ`, in nats.
#[must_use]
pub fn gaussian_mutual_information(correlation: f64) -> f64 {
    -0.5 * (-correlation * correlation).ln_1p()
}

/// Wyner's common information of two normal numbers with correlation `ρ`, in nats:
///
/// ```text
/// C = min I(x, y; z) over all z with x and y independent given z = ½ ln((1 + |ρ|)/(1 - |ρ|))
/// ```
///
/// The minimum is at a normal `z` with `x = √|ρ| z + √(1 - |ρ|) noise` and `±y`
/// likewise, whose `I(x, y; z)` is `½ ln((1 - ρ²)/(1 - |ρ|)²)`.
///
/// Source: G. Xu, W. Liu and B. Chen, arXiv:1301.2237, where the common information of
/// a Gaussian pair is an example.
#[must_use]
pub fn gaussian_common_information(correlation: f64) -> f64 {
    correlation.abs().atanh()
}

/// `I(A; B)` and the rate `I(x; z)` of a Curie-Weiss model without field and with
/// many spins, in nats, for a share `share` of the spins in `A`.
///
/// With `χ = 1 - m²` at the magnetisation `m = tanh(βm)` that minimises the free
/// energy and `b = βχ`, fluctuations are normal:
///
/// ```text
/// I(A; B) = -½ ln(1 - ρ²),  ρ² = b² / ((1/share - b)(1/(1 - share) - b)),
/// I(x; z) = -½ ln(1 - b),   and ln 2 more for both below T_c, for the sign of m
/// ```
///
/// For halves `ρ = b/(2 - b)` and above `T_c` the rate is Wyner's common information
/// of a Gaussian pair with that correlation: no latent that makes both halves
/// independent has a smaller rate. Both are infinite at `T_c`.
#[must_use]
pub fn curie_weiss_limit(temperature: f64, share: f64) -> (f64, f64) {
    let beta = temperature.recip();
    let magnetisation = spontaneous_magnetisation(beta);
    let b = beta * (1.0 - magnetisation * magnetisation);
    let square = b * b / ((share.recip() - b) * ((1.0 - share).recip() - b));
    let states = if magnetisation > 0.0 { LN_2 } else { 0.0 };
    let information = states + gaussian_mutual_information(square.sqrt());
    (information, states - 0.5 * (-b).ln_1p())
}

/// The largest root of `m = tanh(βm)`; 0 above `T_c`.
fn spontaneous_magnetisation(beta: f64) -> f64 {
    if beta <= 1.0 {
        return 0.0;
    }
    // tanh(βm) - m is positive below the root.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if (beta * middle).tanh() > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
