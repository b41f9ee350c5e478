//! Legendre polynomials and modified Bessel functions, all orders at once.

/// Writes `P_0(x), P_1(x), …` for `x` from -1 to 1.
pub(super) fn legendre(x: f64, values: &mut [f64]) {
    let (mut before, mut here) = (0.0, 1.0);
    for (k, value) in values.iter_mut().enumerate() {
        *value = here;
        let k = k as f64;
        (before, here) = (here, ((2.0 * k + 1.0) * x * here - k * before) / (k + 1.0));
    }
}

/// Writes the ratios `I_{ν+1}(x) / I_ν(x)` for `ν = order, order + 1, …` and `x ≥ 0`.
///
/// By the recurrence from above, `I_{ν-1} = I_{ν+1} + (2ν/x) I_ν`, which forgets where
/// it started: from `ν'` on the error falls by `exp((ν² - ν'²)/x)` or faster.
///
/// Source of the start: D. E. Amos, Mathematics of Computation 28, 239 (1974), whose
/// bounds it lies between.
pub(super) fn bessel_ratios(order: f64, x: f64, ratios: &mut [f64]) {
    const FORGOTTEN: f64 = 36.0;
    let count = ratios.len() as f64;
    let top = ((order + count).powi(2) + FORGOTTEN * x).sqrt();
    let extra = (top - order - count).ceil() + 4.0;
    let mut nu = order + count + extra;
    let mut ratio = x / (nu + 0.5 + ((nu + 1.0).powi(2) + x * x).sqrt());
    for _ in 0..extra as usize {
        ratio = x / (2.0 * nu + x * ratio);
        nu -= 1.0;
    }
    for place in ratios.iter_mut().rev() {
        ratio = x / (2.0 * nu + x * ratio);
        nu -= 1.0;
        *place = ratio;
    }
}

/// `exp(-x) I_{3/2}(x) / x^{3/2}`.
pub(super) fn scaled_half_integer(x: f64) -> f64 {
    const SERIES_LIMIT: f64 = 0.5;
    let front = (2.0 / std::f64::consts::PI).sqrt();
    if x < SERIES_LIMIT {
        // (x cosh x - sinh x) / x³ = Σ_k x^2k 2(k + 1) / (2k + 3)!.
        let mut term = 1.0 / 3.0;
        let mut sum = 0.0;
        for k in 1..12 {
            sum += term;
            let k = f64::from(k);
            term *= x * x / (2.0 * k * (2.0 * k + 3.0));
        }
        return front * (-x).exp() * sum;
    }
    let decay = (-2.0 * x).exp();
    front * 0.5 * (x * (1.0 + decay) - (1.0 - decay)) / x.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legendre_polynomials_are_the_first_four() {
        let mut found = [0.0; 4];
        for x in [-1.0, -0.3, 0.0, 0.7, 1.0] {
            legendre(x, &mut found);
            let expected = [
                1.0,
                x,
                0.5 * (3.0 * x * x - 1.0),
                0.5 * (5.0 * x * x * x - 3.0 * x),
            ];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-15, "{x}: {found}, {expected}");
            }
        }
    }

    /// `I_ν(x) exp(-x) / x^ν` from `∫_{-1}^{1} (1 - t²)^(ν - 1/2) exp(x(t - 1)) dt`, which
    /// for half-integer `ν` is smooth inside; by a fine midpoint rule.
    fn by_integral(nu: f64, x: f64) -> f64 {
        let points = 200_000;
        let sum: f64 = (0..points)
            .map(|k| (f64::from(k) + 0.5) / f64::from(points) * 2.0 - 1.0)
            .map(|t| (1.0 - t * t).powf(nu - 0.5) * (x * (t - 1.0)).exp())
            .sum();
        let gamma = statrs::function::gamma::gamma(nu + 0.5);
        sum * 2.0 / f64::from(points) / (std::f64::consts::PI.sqrt() * gamma * 2.0_f64.powf(nu))
    }

    #[test]
    fn bessel_functions_of_half_integer_order_are_their_integrals() {
        for x in [0.0, 1e-3, 0.3, 0.7, 5.0, 40.0] {
            let mut ratios = [0.0; 9];
            bessel_ratios(1.5, x, &mut ratios);
            let mut value = scaled_half_integer(x);
            for (l, ratio) in ratios.iter().enumerate() {
                let expected = by_integral(l as f64 + 1.5, x) * x.powi(l as i32);
                // The midpoint rule of step h = 1e-5 is good to (xh)²/24, 7e-9.
                let tolerance = 1e-8 * expected + 1e-300;
                assert!(
                    (value - expected).abs() <= tolerance,
                    "x = {x}, l = {l}: {value}, {expected}"
                );
                value *= ratio;
            }
        }
    }

    #[test]
    fn high_ratios_obey_the_recurrence_to_which_the_first_is_closed_form() {
        // I_{5/2}/I_{3/2} from sinh and cosh: (3/x² + 1 - (3/x) coth x)… by hand.
        for x in [2.0, 30.0, 3000.0_f64] {
            let mut ratios = [0.0; 300];
            bessel_ratios(1.5, x, &mut ratios);
            let tanh = x.tanh();
            let first = 1.0 - tanh / x;
            let second = (1.0 + 3.0 / (x * x)) * tanh - 3.0 / x;
            assert!((ratios[0] - second / first).abs() < 1e-13, "{x}");
            assert!(ratios.windows(2).all(|pair| pair[1] < pair[0]), "{x}");
        }
    }
}
