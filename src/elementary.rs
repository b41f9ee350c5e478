//! Elementary functions of single precision in operations that vectorise.
//!
//! Each is inlined into the loop that calls it and takes its vector width. None fuses a
//! product with a sum unless told so, so that a loop that may not depend on the machine's
//! instructions asks for `FUSED = false`. Series are Taylor's or that of `artanh`, cut where the remainder no longer
//! counts in single precision.

/// `a * b + c`, rounded once if `FUSED`: if the instructions in use can do that, which
/// the `vectorised!` functions know.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `exp(x)` for `x` clamped to `[-87, 88]`, in operations that vectorise.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, the Taylor series of `exp(r)` to
/// seventh order (remainder below 6e-9), and `2^n` put into the exponent bits.
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FUSED>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FUSED>(n, -LN_2_LOW, r);
    let mut series = 1.0 / 5040.0;
    series = multiply_add::<FUSED>(series, r, 1.0 / 720.0);
    series = multiply_add::<FUSED>(series, r, 1.0 / 120.0);
    series = multiply_add::<FUSED>(series, r, 1.0 / 24.0);
    series = multiply_add::<FUSED>(series, r, 1.0 / 6.0);
    series = multiply_add::<FUSED>(series, r, 0.5);
    series = multiply_add::<FUSED>(series, r, 1.0);
    series = multiply_add::<FUSED>(series, r, 1.0);
    // The low bits of `shifted` hold n in two's complement.
    let power = (shifted.to_bits() << 23).wrapping_add(0x3f80_0000);
    series * f32::from_bits(power)
}

/// `ln(1 + e)` for `e` in `[0, 1]`: `2 artanh(s)` with `s = e / (2 + e) <= 1/3`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn ln_1p(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let t = s * s;
    let mut series = 2.0 / 13.0;
    series = series * t + 2.0 / 11.0;
    series = series * t + 2.0 / 9.0;
    series = series * t + 2.0 / 7.0;
    series = series * t + 2.0 / 5.0;
    series = series * t + 2.0 / 3.0;
    series = series * t + 2.0;
    series * s
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let e = exp::<FUSED>(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn softplus<const FUSED: bool>(x: f32) -> f32 {
    x.max(0.0) + ln_1p(exp::<FUSED>(-x.abs()))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    let e = exp::<FUSED>(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `ln(x)` for normal positive `x`: exponent and mantissa apart, the mantissa by
/// `2 artanh(s)` with `s = (m - 1) / (m + 1)`, `|s| < 0.172`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn ln(x: f32) -> f32 {
    // Subtracting the bits of 1/sqrt(2) puts the mantissa between it and sqrt(2).
    let shifted = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (shifted.cast_signed() >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff) + 0x3f35_04f3);
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let mut series = 2.0 / 9.0;
    series = series * t + 2.0 / 7.0;
    series = series * t + 2.0 / 5.0;
    series = series * t + 2.0 / 3.0;
    series = series * t + 2.0;
    exponent * std::f32::consts::LN_2 + series * s
}

/// [`ln`] of a sum or product, which may not be a number: then neither is this.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(crate) fn ln_or_nan(x: f32) -> f32 {
    if x.is_nan() { x } else { ln(x) }
}

/// `(cos, sin)` of `2 pi turn` for `|turn| <= 1/2`: Taylor series on an eighth of
/// a turn, then the quadrant.
#[inline(always)]
pub(crate) fn cos_sin(turn: f32) -> (f32, f32) {
    const ROUND: f32 = 12_582_912.0;
    let shifted = 4.0 * turn + ROUND;
    let quadrant = shifted.to_bits();
    let x = (turn - 0.25 * (shifted - ROUND)) * std::f32::consts::TAU;
    let t = x * x;
    let mut sin = 1.0 / 362_880.0;
    sin = sin * t - 1.0 / 5040.0;
    sin = sin * t + 1.0 / 120.0;
    sin = sin * t - 1.0 / 6.0;
    sin = (sin * t + 1.0) * x;
    let mut cos = 1.0 / 40320.0;
    cos = cos * t - 1.0 / 720.0;
    cos = cos * t + 1.0 / 24.0;
    cos = cos * t - 0.5;
    cos = cos * t + 1.0;
    let odd = quadrant & 1 == 1;
    let (c, s) = (if odd { sin } else { cos }, if odd { cos } else { sin });
    // cos changes sign in the quadrants 1 and 2, sin in 2 and 3.
    let cos_sign = ((quadrant + 1) & 2) << 30;
    let sin_sign = (quadrant & 2) << 30;
    let flip = |value: f32, sign: u32| f32::from_bits(value.to_bits() ^ sign);
    (flip(c, cos_sign), flip(s, sin_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elementary_functions_agree_with_the_library() {
        for step in -3_000..=3_000 {
            let x = f64::from(step) * 0.01;
            let ratio = f64::from(exp::<false>(x as f32)) / f64::from(x as f32).exp();
            // Single precision rounds r and each step of the series by 6e-8 of it.
            assert!((ratio - 1.0).abs() < 5e-7, "exp({x}) is off by {ratio}");
            let y = x.exp() as f32;
            let error = f64::from(ln(y)) - f64::from(y).ln();
            // The result is rounded by 6e-8 of it, and so is the logarithm of two.
            assert!(error.abs() < 2e-7 * (1.0 + x.abs()), "ln({y}): {error}");
        }
    }
}
