//! Integrated autocorrelation times.

use super::PhysicsError;

/// Shortest series that has an autocorrelation time.
pub(super) const SHORTEST_SERIES: usize = 16;
/// The window closes at this many autocorrelation times, and at no fewer samples.
const WINDOW_FACTOR: f64 = 6.0;

/// An integrated autocorrelation time with its statistical error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutocorrelationTime {
    /// The time, in samples of the series; 0.5 for independent samples.
    pub time: f64,
    /// Standard error of the time, in samples.
    pub standard_error: f64,
    /// The window that the sum ran to, in samples.
    pub window: usize,
}

/// Estimates the integrated autocorrelation time from one or more chains.
///
/// ```text
/// τ(W) = 1/2 + Σ_{t=1..W} ρ(t),   W = min { W : W ≥ 6 max(τ(W), 1) }
/// ```
///
/// All chains share one mean, and products are averaged over all pairs within a
/// chain. Chains that sit at different values therefore look correlated for
/// ever, as they should. A mean over `n` samples has the variance of one sample
/// times `2τ/n`.
///
/// # Shapes and units
///
/// - `chains`: equally spaced samples of the same quantity, in any unit.
/// - result: samples, not sweeps.
///
/// # Errors
///
/// - [`PhysicsError::SeriesTooShort`] if there is no chain or one is shorter than 16.
/// - [`PhysicsError::SeriesNotFinite`] if a sample is NaN or infinite.
/// - [`PhysicsError::SeriesConstant`] if all samples are equal.
/// - [`PhysicsError::WindowNotFound`] if no window below half of the shortest
///   chain closes the sum.
///
/// # Cost
///
/// Time proportional to the number of samples times the window.
pub fn integrated_time(chains: &[&[f64]]) -> Result<AutocorrelationTime, PhysicsError> {
    let shortest = check(chains)?;
    let samples: usize = chains.iter().map(|chain| chain.len()).sum();
    let mean = chains.iter().copied().flatten().sum::<f64>() / samples as f64;
    let centred: Vec<Vec<f64>> = chains
        .iter()
        .map(|chain| chain.iter().map(|x| x - mean).collect())
        .collect();
    let variance = covariance(&centred, 0);

    let max_window = shortest / 2;
    let mut time = 0.5;
    for window in 1..max_window {
        time += covariance(&centred, window) / variance;
        if WINDOW_FACTOR * time.max(1.0) <= window as f64 {
            // An anticorrelated series has a small time, not a small error.
            let relative = (2.0 * (2 * window + 1) as f64 / samples as f64).sqrt();
            return Ok(AutocorrelationTime {
                time,
                standard_error: time.abs().max(0.5) * relative,
                window,
            });
        }
    }
    Err(PhysicsError::WindowNotFound { max_window })
}

/// Length of the shortest chain, if all chains can be used.
fn check(chains: &[&[f64]]) -> Result<usize, PhysicsError> {
    let shortest = chains.iter().map(|chain| chain.len()).min().unwrap_or(0);
    if shortest < SHORTEST_SERIES {
        return Err(PhysicsError::SeriesTooShort {
            found: shortest,
            needed: SHORTEST_SERIES,
        });
    }
    let values = || chains.iter().copied().flatten().copied();
    if let Some((index, value)) = values().enumerate().find(|(_, x)| !x.is_finite()) {
        return Err(PhysicsError::SeriesNotFinite { index, value });
    }
    // The rounded mean of equal numbers need not equal them, so the samples are
    // compared rather than their variance.
    #[expect(clippy::float_cmp, reason = "exact equality is meant")]
    let constant = values().all(|x| x == chains[0][0]);
    if constant {
        return Err(PhysicsError::SeriesConstant);
    }
    Ok(shortest)
}

/// Mean product of samples `lag` apart, over all chains.
fn covariance(centred: &[Vec<f64>], lag: usize) -> f64 {
    let mut sum = 0.0;
    let mut pairs = 0;
    for chain in centred {
        let count = chain.len() - lag;
        let products = chain[..count].iter().zip(&chain[lag..]);
        sum += products.map(|(x, y)| x * y).sum::<f64>();
        pairs += count;
    }
    sum / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand_distr::{Distribution, StandardNormal};

    /// A stationary Gaussian series whose `ρ(t)` is `r^t`.
    fn autoregressive(r: f64, length: usize, name: &str) -> Vec<f64> {
        let mut generator = stream("autoregressive", &[name]);
        let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
        let mut value = normal();
        (0..length)
            .map(|_| {
                value = r * value + (1.0 - r * r).sqrt() * normal();
                value
            })
            .collect()
    }

    #[test]
    fn time_of_an_autoregressive_series_is_the_geometric_sum() {
        for r in [-0.3, 0.0, 0.5, 0.9, 0.97] {
            let chains: Vec<_> = ["a", "b", "c"].map(|n| autoregressive(r, 60_000, n)).into();
            let slices: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
            let exact = 0.5 * (1.0 + r) / (1.0 - r);
            let found = integrated_time(&slices).unwrap();
            let pull = (found.time - exact) / found.standard_error;
            assert!(
                pull.abs() < 4.0,
                "r = {r}: {found:?}, exact {exact}, pull {pull}"
            );
        }
    }

    #[test]
    fn chains_that_sit_apart_have_no_finite_time() {
        let low = autoregressive(0.0, 4000, "low");
        let high: Vec<f64> = autoregressive(0.0, 4000, "high")
            .iter()
            .map(|x| x + 5.0)
            .collect();
        let error = integrated_time(&[&low, &high]).unwrap_err();
        assert_eq!(error, PhysicsError::WindowNotFound { max_window: 2000 });
    }

    #[test]
    fn scale_and_shift_do_not_matter() {
        let series = autoregressive(0.8, 5000, "series");
        let moved: Vec<f64> = series.iter().map(|x| 100.0 - 0.01 * x).collect();
        let (a, b) = (
            integrated_time(&[&series]).unwrap(),
            integrated_time(&[&moved]).unwrap(),
        );
        assert!((a.time - b.time).abs() < 1e-8 * a.time);
    }

    #[test]
    fn what_has_no_time_is_named() {
        let constant = [0.1; 64];
        assert_eq!(
            integrated_time(&[&constant]),
            Err(PhysicsError::SeriesConstant)
        );
        let short = PhysicsError::SeriesTooShort {
            found: 3,
            needed: 16,
        };
        assert_eq!(integrated_time(&[&constant, &[1.0; 3]]), Err(short));
        let mut broken: Vec<f64> = (0..32).map(f64::from).collect();
        broken[5] = f64::INFINITY;
        let error = integrated_time(&[&broken]).unwrap_err();
        assert!(matches!(
            error,
            PhysicsError::SeriesNotFinite { index: 5, .. }
        ));
    }
}
