//! Loops over the nodes of a mixture in operations that vectorise.
//!
//! Lists are whole numbers of [`LANES`] long. No multiplication is fused with an addition
//! and sums have that many fixed parts, so the numbers are the same whatever instructions
//! the machine has.

use multiversion::multiversion;

/// Parts of a sum, and what the length of a list is a multiple of.
pub(super) const LANES: usize = 8;

/// Exponents below this give 0: nothing that small counts beside a term of 1, and what
/// it is multiplied with stays a normal number.
const LOWEST: f64 = -600.0;

/// `exp(x)` for `x <= 0`, to a relative error of `1e-14`; 0 below [`LOWEST`].
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, the Taylor series of `exp(r)` to eleventh
/// order (remainder below `7e-15`), and `2^n` put into the exponent bits. Inlined, so that
/// it takes the vector width of the loop around it.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // The high part has few enough digits for its products with n to be exact.
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding and subtracting 1.5 * 2^52 rounds to the nearest integer.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let clamped = if x < LOWEST { LOWEST } else { x };
    let shifted = clamped * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut series = 1.0 / 39_916_800.0;
    series = series * r + 1.0 / 3_628_800.0;
    series = series * r + 1.0 / 362_880.0;
    series = series * r + 1.0 / 40_320.0;
    series = series * r + 1.0 / 5_040.0;
    series = series * r + 1.0 / 720.0;
    series = series * r + 1.0 / 120.0;
    series = series * r + 1.0 / 24.0;
    series = series * r + 1.0 / 6.0;
    series = series * r + 0.5;
    series = series * r + 1.0;
    series = series * r + 1.0;
    // The low bits of `shifted` hold n in two's complement.
    let power = (shifted.to_bits() << 52).wrapping_add(0x3ff0_0000_0000_0000);
    let value = series * f64::from_bits(power);
    if x < LOWEST { 0.0 } else { value }
}

/// `total += part`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn add(total: &mut [f64], part: &[f64]) {
    for (sum, value) in total.iter_mut().zip(part) {
        *sum += value;
    }
}

/// `total += factor * part`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn add_scaled(total: &mut [f64], part: &[f64], factor: f64) {
    for (sum, value) in total.iter_mut().zip(part) {
        *sum += factor * value;
    }
}

/// `Σ_k a_k b_k`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(b.as_chunks::<LANES>().0)
    {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// Writes `terms_k = exp(x_k - largest)`; returns the largest and the sum of the terms.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn exponentials(x: &[f64], terms: &mut [f64]) -> (f64, f64) {
    let mut largest = [f64::NEG_INFINITY; LANES];
    for x in x.as_chunks::<LANES>().0 {
        for (largest, &x) in largest.iter_mut().zip(x) {
            *largest = if x > *largest { x } else { *largest };
        }
    }
    let largest = largest.into_iter().fold(f64::NEG_INFINITY, f64::max);
    for (term, x) in terms.iter_mut().zip(x) {
        *term = exp(x - largest);
    }
    let mut sums = [0.0; LANES];
    for terms in terms.as_chunks::<LANES>().0 {
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum += term;
        }
    }
    (largest, sums.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        // The series' remainder of 7e-15 and a few roundings of 1.1e-16.
        for step in 0..600_000 {
            let x = -1e-3 * f64::from(step);
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "{x}");
        }
        assert_eq!(vec![exp(0.0), exp(-600.1), exp(f64::MIN)], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn sums_go_over_all_lanes() {
        let x: Vec<f64> = (0..24).map(|k| -f64::from(k)).collect();
        let mut terms = vec![0.0; 24];
        let (largest, sum) = exponentials(&x, &mut terms);
        // A geometric series of 24 terms.
        let ratio = (-1.0_f64).exp();
        let expected = (1.0 - ratio.powi(24)) / (1.0 - ratio);
        assert!((sum - expected).abs() < 1e-13 && largest.abs() < 1e-300);
        // Σ k for k below 24, and its negative.
        assert!((dot(&x, &[1.0; 24]) + 276.0).abs() < 1e-12);
        let mut total = x.clone();
        add(&mut total, &x);
        add_scaled(&mut total, &x, -2.0);
        assert_eq!(total, [0.0; 24]);
    }
}
