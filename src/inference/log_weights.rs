//! Sums of weights that are known by their logarithms.

/// Logarithm of a sum of exponentials: `ln sum_k exp(l_k)`, in nats.
///
/// The largest term is taken out first, so nothing overflows. No terms, or
/// terms that are all minus infinity, give minus infinity; a term of plus
/// infinity gives plus infinity; a NaN gives NaN.
#[must_use]
pub fn log_sum_exp(logarithms: &[f64]) -> f64 {
    if logarithms.iter().any(|l| l.is_nan()) {
        return f64::NAN;
    }
    let largest = logarithms.iter().fold(f64::NEG_INFINITY, |m, &l| m.max(l));
    if largest.is_infinite() {
        return largest;
    }
    let sum: f64 = logarithms.iter().map(|l| (l - largest).exp()).sum();
    largest + sum.ln()
}

/// Logarithm of a mean of exponentials: `ln (1/K) sum_k exp(l_k)`, in nats.
///
/// With `l_k = ln p(x, z_k) - ln q(z_k | x)` for `K` draws `z_k` from `q` this
/// is the importance-weighted bound on `ln p(x)`. No terms give NaN.
#[must_use]
pub fn log_mean_exp(logarithms: &[f64]) -> f64 {
    if logarithms.is_empty() {
        return f64::NAN;
    }
    log_sum_exp(logarithms) - (logarithms.len() as f64).ln()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    #[test]
    fn huge_and_tiny_terms_sum_as_their_ratios_do() {
        for shift in [-2000.0, 0.0, 2000.0] {
            let terms = [1.0_f64, 2.0, 5.0].map(|w| w.ln() + shift);
            assert!((log_sum_exp(&terms) - shift - 8.0_f64.ln()).abs() < 1e-12);
            assert!((log_mean_exp(&terms) - shift - (8.0_f64 / 3.0).ln()).abs() < 1e-12);
        }
    }

    #[test]
    fn infinite_missing_and_bad_terms_are_what_the_formula_says() {
        const NONE: f64 = f64::NEG_INFINITY;
        assert_eq!(log_sum_exp(&[]), NONE);
        assert_eq!(log_sum_exp(&[NONE, NONE]), NONE);
        assert_eq!(log_sum_exp(&[NONE, 3.0]), 3.0);
        assert_eq!(log_sum_exp(&[f64::INFINITY, 3.0]), f64::INFINITY);
        assert!(log_sum_exp(&[f64::NAN, 3.0]).is_nan());
        assert!(log_sum_exp(&[NONE, f64::NAN]).is_nan());
        assert!(log_mean_exp(&[]).is_nan());
        // One of two draws without weight halves the mean.
        assert!((log_mean_exp(&[NONE, 3.0]) - (3.0 - 2.0_f64.ln())).abs() < 1e-12);
    }
}
