//! How good the chains are: correlations, agreement, exchange rates.

use super::chains::Chain;
use super::tempering::Exchanges;
use super::{PhysicsError, integrated_time};

/// Chains disagree if their chi square is this many standard deviations too high.
const DISAGREEMENT: f64 = 6.0;

/// The slowest autocorrelation time found in a set of chains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SlowestTime {
    /// In samples of the chains; 0.5 for independent samples.
    pub(super) samples: f64,
    /// Whether the chains are long enough to tell; if not, it is a lower bound.
    pub(super) resolved: bool,
}

/// Finds the slowest of energy, each total and each squared total.
///
/// Returns nothing if the chains are too short for any time.
pub(super) fn slowest_time<R>(chains: &[Chain<R>]) -> Option<SlowestTime> {
    let mut slowest = SlowestTime {
        samples: 0.5,
        resolved: true,
    };
    for series in observables(chains) {
        let time = series_time(&series)?;
        slowest.samples = slowest.samples.max(time.samples);
        slowest.resolved &= time.resolved;
    }
    Some(slowest)
}

/// The time of one observable, at least that of independent samples.
pub(super) fn series_time(chains: &[Vec<f64>]) -> Option<SlowestTime> {
    let slices: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    let (samples, resolved) = match integrated_time(&slices) {
        Ok(time) => (time.time.max(0.5), true),
        // A frozen observable has nothing that could be correlated.
        Err(PhysicsError::SeriesConstant) => (0.5, true),
        Err(PhysicsError::WindowNotFound { max_window }) => (max_window as f64, false),
        Err(_) => return None,
    };
    Some(SlowestTime { samples, resolved })
}

/// The energies, then the totals, then the squared totals, one series a chain.
fn observables<R>(chains: &[Chain<R>]) -> impl Iterator<Item = Vec<Vec<f64>>> + '_ {
    let totals = (0..dimension(chains))
        .map(|component| chains.iter().map(|c| c.totals[component].clone()).collect());
    std::iter::once(energies(chains))
        .chain(totals)
        .chain(squared_totals(chains))
}

fn dimension<R>(chains: &[Chain<R>]) -> usize {
    chains.first().map_or(0, |chain| chain.totals.len())
}

/// The energies of every chain.
pub(super) fn energies<R>(chains: &[Chain<R>]) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.energies.clone()).collect()
}

fn squared_totals<R>(chains: &[Chain<R>]) -> impl Iterator<Item = Vec<Vec<f64>>> + '_ {
    let squares = |series: &Vec<f64>| series.iter().map(|x| x * x).collect();
    (0..dimension(chains)).map(move |component| {
        chains
            .iter()
            .map(|c| squares(&c.totals[component]))
            .collect()
    })
}

/// Whether the means of energy or squared totals differ by more than their errors.
///
/// Signed totals are left out: a global flip of all spins is no disagreement. The
/// errors come from the correlations within each chain and are averaged over the
/// chains, since a chain that never met a rare state knows nothing of its error.
pub(super) fn chains_disagree<R>(chains: &[Chain<R>]) -> bool {
    std::iter::once(energies(chains))
        .chain(squared_totals(chains))
        .any(|series| means_differ(&series))
}

fn means_differ(chains: &[Vec<f64>]) -> bool {
    let means: Option<Vec<(f64, f64)>> = chains.iter().map(|c| mean_and_variance(c)).collect();
    let Some(means) = means else {
        return false;
    };
    let count = means.len() as f64;
    let variance = means.iter().map(|m| m.1).sum::<f64>() / count;
    let centre = means.iter().map(|m| m.0).sum::<f64>() / count;
    let spread: f64 = means.iter().map(|m| (m.0 - centre).powi(2)).sum();
    // Rounding alone may part the means of chains that never move.
    let rounding = 1e-20 * centre.powi(2);
    let freedom = count - 1.0;
    spread > rounding + variance * (freedom + DISAGREEMENT * (2.0 * freedom).sqrt())
}

/// The mean of a chain and the variance of that mean; nothing if it is too short.
fn mean_and_variance(chain: &[f64]) -> Option<(f64, f64)> {
    let time = series_time(&[chain.to_vec()])?;
    let estimate = mean_with_error(&[chain.to_vec()], time.samples);
    Some((estimate.0, estimate.1.powi(2)))
}

/// The mean over all chains and its standard error, given the time in samples.
pub(super) fn mean_with_error(chains: &[Vec<f64>], time: f64) -> (f64, f64) {
    let samples: usize = chains.iter().map(Vec::len).sum();
    let samples = samples as f64;
    let mean = chains.iter().flatten().sum::<f64>() / samples;
    let squares: f64 = chains.iter().flatten().map(|x| (x - mean).powi(2)).sum();
    let variance = squares / (samples - 1.0).max(1.0);
    (mean, (variance * 2.0 * time / samples).sqrt())
}

/// The lowest exchange rate between neighbouring temperatures, over all chains.
pub(super) fn lowest_exchange_rate<R>(chains: &[Chain<R>]) -> Option<f64> {
    let gaps = chains.first()?.exchanges.len();
    let rate = |gap: usize| {
        let mut sum = Exchanges::default();
        for chain in chains {
            sum.add(chain.exchanges[gap]);
        }
        sum.rate()
    };
    (0..gaps).map(rate).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand_distr::{Distribution, StandardNormal};

    fn noise(shift: f64, name: &str) -> Vec<f64> {
        let mut generator = stream("noise", &[name]);
        let draw = |_| -> f64 { StandardNormal.sample(&mut generator) };
        (0..500).map(draw).map(|x: f64| x + shift).collect()
    }

    fn chain(energies: Vec<f64>) -> Chain<()> {
        Chain {
            records: Vec::new(),
            totals: vec![energies.clone()],
            energies,
            exchanges: Vec::new(),
        }
    }

    #[test]
    fn chains_of_one_distribution_agree_and_of_two_do_not() {
        let same = ["a", "b", "c", "d"].map(|name| chain(noise(0.0, name)));
        assert!(!chains_disagree(&same));
        let shifted = [0.0, 0.0, 0.0, 1.0].map(|shift| chain(noise(shift, &shift.to_string())));
        assert!(chains_disagree(&shifted));
    }

    #[test]
    fn chains_frozen_at_two_energies_disagree() {
        let frozen = [1.0, 1.0, 2.0].map(|energy| chain(vec![energy; 100]));
        assert!(chains_disagree(&frozen));
        let alike = [1.0; 3].map(|energy| chain(vec![energy; 100]));
        assert!(!chains_disagree(&alike));
    }

    #[test]
    fn opposite_signs_alone_are_no_disagreement_but_are_slow() {
        let mirrored = [1.0, -1.0].map(|sign| {
            let mut mirrored = chain(noise(0.0, &sign.to_string()));
            mirrored.totals = vec![noise(20.0, "t").iter().map(|x| sign * x).collect()];
            mirrored
        });
        assert!(!chains_disagree(&mirrored));
        let slowest = slowest_time(&mirrored).unwrap();
        assert!(!slowest.resolved, "{slowest:?}");
    }

    #[test]
    fn the_error_of_a_mean_grows_with_the_autocorrelation_time() {
        let series = [noise(3.0, "a"), noise(3.0, "b")];
        let (mean, error) = mean_with_error(&series, 0.5);
        // 1000 independent normal values: four standard errors.
        assert!((mean - 3.0).abs() < 4.0 / 1000.0_f64.sqrt());
        let (_, slower) = mean_with_error(&series, 2.0);
        assert!((slower / error - 2.0).abs() < 1e-12);
    }
}
