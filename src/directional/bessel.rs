//! Modified Bessel functions of orders 0 and 1, scaled so that they never overflow.

/// Below this the power series is summed, above it the asymptotic one.
const SERIES_LIMIT: f64 = 20.0;
/// Terms of the power series that count at the limit.
const SERIES_TERMS: usize = 40;
/// Terms of the asymptotic series; the rest is below `1e-16` from the limit on.
const ASYMPTOTIC_TERMS: usize = 26;

/// Coefficients of `x^2k / 4^k` in `I0(x)` and in `2 I1(x) / x`:
/// `1 / k!²` and `1 / (k! (k + 1)!)`.
const SERIES: [[f64; SERIES_TERMS]; 2] = {
    let mut series = [[1.0; SERIES_TERMS]; 2];
    let mut k = 1;
    while k < SERIES_TERMS {
        let order = k as f64;
        series[0][k] = series[0][k - 1] / (order * order);
        series[1][k] = series[1][k - 1] / (order * (order + 1.0));
        k += 1;
    }
    series
};

/// Coefficients of `x^-k` in `√(2πx) exp(-x) I_ν(x)`, for `ν` of 0 and 1:
/// `(-1)^k Π_{j=1}^k (4ν² - (2j - 1)²) / (8j)`.
const ASYMPTOTIC: [[f64; ASYMPTOTIC_TERMS]; 2] = {
    let mut series = [[1.0; ASYMPTOTIC_TERMS]; 2];
    let mut k = 1;
    while k < ASYMPTOTIC_TERMS {
        let order = k as f64;
        let odd = (2.0 * order - 1.0) * (2.0 * order - 1.0);
        series[0][k] = series[0][k - 1] * odd / (8.0 * order);
        series[1][k] = series[1][k - 1] * (odd - 4.0) / (8.0 * order);
        k += 1;
    }
    series
};

/// `exp(-x) I0(x)` for `x ≥ 0`.
pub(super) fn scaled_i0(x: f64) -> f64 {
    if x < SERIES_LIMIT {
        return (-x).exp() * horner(&SERIES[0][..terms(x)], 0.25 * x * x);
    }
    horner(&ASYMPTOTIC[0], x.recip()) / (std::f64::consts::TAU * x).sqrt()
}

/// `exp(-x) I1(x)` for `x ≥ 0`.
pub(super) fn scaled_i1(x: f64) -> f64 {
    if x < SERIES_LIMIT {
        return (-x).exp() * 0.5 * x * horner(&SERIES[1][..terms(x)], 0.25 * x * x);
    }
    horner(&ASYMPTOTIC[1], x.recip()) / (std::f64::consts::TAU * x).sqrt()
}

/// `ln I0(x)` for `x ≥ 0`, with all digits also where it is small.
pub(super) fn ln_i0(x: f64) -> f64 {
    if x < 1.0 {
        let quarter = 0.25 * x * x;
        return (quarter * horner(&SERIES[0][1..terms(x)], quarter)).ln_1p();
    }
    x + scaled_i0(x).ln()
}

/// `I1(x) / I0(x)` for `x ≥ 0`.
pub(super) fn ratio(x: f64) -> f64 {
    if x < SERIES_LIMIT {
        let quarter = 0.25 * x * x;
        let terms = terms(x);
        return 0.5 * x * horner(&SERIES[1][..terms], quarter)
            / horner(&SERIES[0][..terms], quarter);
    }
    let inverse = x.recip();
    horner(&ASYMPTOTIC[1], inverse) / horner(&ASYMPTOTIC[0], inverse)
}

/// Terms of the power series that count at `x`, which is below the limit.
fn terms(x: f64) -> usize {
    16 + (1.2 * x) as usize
}

/// `Σ_k coefficients[k] x^k`.
fn horner(coefficients: &[f64], x: f64) -> f64 {
    let terms = coefficients.iter().rev();
    terms.fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(1/π) ∫_0^π exp(x (cos t - 1)) cos(νt) dt`: the trapezoidal rule converges
    /// faster than any power, as the integrand is periodic.
    fn by_quadrature(order: f64, x: f64) -> f64 {
        let steps = 4000;
        let value = |k: i32| {
            let t = std::f64::consts::PI * f64::from(k) / f64::from(steps);
            (-2.0 * x * (0.5 * t).sin().powi(2)).exp() * (order * t).cos()
        };
        let inner: f64 = (1..steps).map(value).sum();
        (inner + 0.5 * (value(0) + value(steps))) / f64::from(steps)
    }

    #[test]
    fn both_orders_are_their_integrals_on_both_sides_of_the_limit() {
        for x in [
            0.0, 0.1, 1.0, 5.0, 12.0, 19.99, 20.01, 25.0, 60.0, 1000.0, 1e5,
        ] {
            let (zero, one) = (by_quadrature(0.0, x), by_quadrature(1.0, x));
            assert!((scaled_i0(x) / zero - 1.0).abs() < 2e-14, "I0 at {x}");
            assert!((scaled_i1(x) - one).abs() < 2e-14 * zero, "I1 at {x}");
            assert!((ratio(x) - one / zero).abs() < 4e-14, "I1 / I0 at {x}");
            assert!((ln_i0(x) - x - zero.ln()).abs() < 2e-14 * (1.0 + x), "{x}");
        }
    }

    #[test]
    fn the_logarithm_keeps_its_digits_near_zero_and_far_out() {
        // ln I0 = x²/4 - x⁴/64 + ….
        for x in [1e-8_f64, 1e-4] {
            let series = 0.25 * x * x - x.powi(4) / 64.0;
            assert!((ln_i0(x) / series - 1.0).abs() < 1e-14, "{x}");
        }
        // ln I0 = x - ln(2πx)/2 + 1/8x + ….
        let x: f64 = 1e6;
        let far = x - 0.5 * (std::f64::consts::TAU * x).ln() + 0.125 / x;
        assert!((ln_i0(x) - far).abs() < 1e-9, "{}", ln_i0(x) - far);
        assert!((1.0 - ratio(x) - (0.5 / x + 0.125 / (x * x))).abs() < 1e-15);
    }
}
