//! How good the chains are: correlations, agreement, exchange rates.

use super::autocorrelation::SHORTEST_SERIES;
use super::chains::Chain;
use super::tempering::Exchanges;
use super::{PhysicsError, integrated_time};

/// Chains disagree if their chi square is this many standard deviations too high.
const DISAGREEMENT: f64 = 6.0;

/// A split `R̂` of long chains should be at most this far above 1.
const R_HAT_EXCESS: f64 = 0.01;
/// Shortest half of a chain that is compared with others.
const SHORTEST_HALF: usize = SHORTEST_SERIES / 2;

/// One observable in every chain, one value a sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObservableSeries {
    pub(super) chains: Vec<Vec<f64>>,
    pub(super) parity: Parity,
}

/// What a symmetry of the model does to an observable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    /// Nothing: chains that differ in its mean are not in equilibrium.
    Even,
    /// It may turn its sign, as a flip of all spins does: its time counts, but chains
    /// that sit on either side do not disagree.
    Odd,
}

impl ObservableSeries {
    /// An observable that no symmetry changes, such as the energy.
    pub(super) fn even(chains: Vec<Vec<f64>>) -> Self {
        let parity = Parity::Even;
        Self { chains, parity }
    }

    /// An observable that a symmetry turns into its negative, such as a magnetisation.
    pub(super) fn odd(chains: Vec<Vec<f64>>) -> Self {
        let parity = Parity::Odd;
        Self { chains, parity }
    }

    /// The squares of its values: even whatever it is itself.
    pub(super) fn squared(&self) -> Self {
        let squares = |chain: &Vec<f64>| chain.iter().map(|x| x * x).collect();
        Self::even(self.chains.iter().map(squares).collect())
    }
}

/// An autocorrelation time found in a set of chains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SlowestTime {
    /// In samples of the chains; 0.5 for independent samples.
    pub(super) samples: f64,
    /// Its standard error, in samples; as large as the time itself if that is but a
    /// lower bound.
    pub(super) standard_error: f64,
    /// Whether the chains are long enough to tell; if not, it is a lower bound.
    pub(super) resolved: bool,
}

impl SlowestTime {
    /// The time of independent samples.
    pub(super) const INDEPENDENT: Self = Self {
        samples: 0.5,
        standard_error: 0.0,
        resolved: true,
    };

    /// The slower one, unresolved if either is.
    fn or_slower(self, other: Self) -> Self {
        let slower = if other.samples > self.samples {
            other
        } else {
            self
        };
        Self {
            resolved: self.resolved && other.resolved,
            ..slower
        }
    }
}

/// How far a set of chains may be trusted, from what they kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ChainQuality {
    /// Slowest time of all observables; nothing if the chains are too short for any.
    pub(super) slowest: Option<SlowestTime>,
    /// Time of the first observable, which is the energy.
    pub(super) first: Option<SlowestTime>,
    /// Largest split `R̂` of the even observables; nothing if the chains are too short.
    pub(super) split_r_hat: Option<f64>,
    /// What [`ChainQuality::split_r_hat`] should not exceed.
    pub(super) r_hat_limit: f64,
    /// Whether the means of an even observable differ by more than their errors.
    pub(super) disagreement: bool,
}

impl ChainQuality {
    /// Judges chains by `observables`, the energy first.
    ///
    /// The limit of `R̂` is 1.01, and `1 + 1/n` for half chains of fewer than
    /// `n = 100` samples: of independent samples it fluctuates by about `0.2 / n`.
    pub(super) fn new(observables: &[ObservableSeries]) -> Self {
        let times: Vec<Option<SlowestTime>> = observables
            .iter()
            .map(|series| series_time(&series.chains))
            .collect();
        let slowest = times
            .iter()
            .copied()
            .try_fold(SlowestTime::INDEPENDENT, |slowest, time| {
                Some(slowest.or_slower(time?))
            });
        let even = || {
            observables
                .iter()
                .filter(|series| series.parity == Parity::Even)
        };
        let half = observables.iter().flat_map(|series| &series.chains);
        let half = half.map(|chain| chain.len() / 2).min().unwrap_or(0);
        let split_r_hats: Option<Vec<f64>> =
            even().map(|series| split_r_hat(&series.chains)).collect();
        Self {
            slowest,
            first: times.first().copied().flatten(),
            split_r_hat: split_r_hats.and_then(|found| found.into_iter().reduce(f64::max)),
            r_hat_limit: 1.0 + R_HAT_EXCESS.max(1.0 / half.max(1) as f64),
            disagreement: even().any(|series| means_differ(&series.chains)),
        }
    }

    /// Whether the chains agree: by `R̂`, if it is known, and by their means.
    pub(super) fn agrees(&self) -> bool {
        !self.disagreement
            && self
                .split_r_hat
                .is_none_or(|found| found <= self.r_hat_limit)
    }

    /// What is wrong with the agreement of the chains, one sentence each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(found) = self.split_r_hat.filter(|&found| found > self.r_hat_limit) {
            warnings.push(format!(
                "split R-hat of independent chains is {found:.3}, expected at most {:.3}: \
                 they have not forgotten where they started",
                self.r_hat_limit
            ));
        }
        if self.disagreement {
            warnings.push(
                "independent chains disagree on the energy or the squared order: \
                 the samples are not in equilibrium"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// The split `R̂` of one observable; nothing if chains are shorter than 16 or there
/// are none.
///
/// Every chain is cut into two halves of `n` samples, without its first if their
/// number is odd. With `B/n` the variance of the means of all halves and `W` the mean of
/// their variances,
///
/// ```text
/// R̂ = √(((n - 1)/n W + B/n) / W)
/// ```
///
/// (Gelman and Rubin 1992; split as by Gelman et al., Bayesian Data Analysis). It is 1 if
/// nothing moves and all are equal, infinite if nothing moves but some differ.
pub(super) fn split_r_hat(chains: &[Vec<f64>]) -> Option<f64> {
    let half = chains.iter().map(|chain| chain.len() / 2).min()?;
    if half < SHORTEST_HALF {
        return None;
    }
    let halves = chains.iter().flat_map(|chain| {
        let (first, second) = chain[chain.len() - 2 * half..].split_at(half);
        [first, second]
    });
    let moments: Vec<(f64, f64)> = halves.map(moments).collect();
    let means: Vec<f64> = moments.iter().map(|moment| moment.0).collect();
    let (centre, between) = self::moments(&means);
    let within = moments.iter().map(|moment| moment.1).sum::<f64>() / moments.len() as f64;
    // Rounding alone may part the means of chains that never move.
    let rounding = 1e-20 * centre.powi(2);
    if between <= rounding && within <= rounding {
        return Some(1.0);
    }
    let shrunk = (half as f64 - 1.0) / half as f64;
    Some((shrunk + between / within).sqrt())
}

/// Mean and unbiased variance of some values.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, squares / (count - 1.0).max(1.0))
}

/// The time of one observable, at least that of independent samples.
pub(super) fn series_time(chains: &[Vec<f64>]) -> Option<SlowestTime> {
    let slices: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
    match integrated_time(&slices) {
        Ok(time) => Some(SlowestTime {
            samples: time.time.max(0.5),
            standard_error: time.standard_error,
            resolved: true,
        }),
        // A frozen observable has nothing that could be correlated.
        Err(PhysicsError::SeriesConstant) => Some(SlowestTime::INDEPENDENT),
        Err(PhysicsError::WindowNotFound { max_window }) => Some(SlowestTime {
            samples: max_window as f64,
            standard_error: max_window as f64,
            resolved: false,
        }),
        Err(_) => None,
    }
}

/// The energies, then the totals, then the squared totals of mean-field chains.
pub(super) fn observables<R>(chains: &[Chain<R>]) -> Vec<ObservableSeries> {
    let dimension = chains.first().map_or(0, |chain| chain.totals.len());
    let totals: Vec<ObservableSeries> = (0..dimension)
        .map(|component| {
            let series = chains.iter().map(|chain| chain.totals[component].clone());
            ObservableSeries::odd(series.collect())
        })
        .collect();
    let squares: Vec<_> = totals.iter().map(ObservableSeries::squared).collect();
    std::iter::once(ObservableSeries::even(energies(chains)))
        .chain(totals)
        .chain(squares)
        .collect()
}

/// The energies of every chain.
pub(super) fn energies<R>(chains: &[Chain<R>]) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.energies.clone()).collect()
}

/// Whether the means of an observable differ by more than their errors.
///
/// The errors come from the correlations within each chain and are averaged over
/// the chains, since a chain that never met a rare state knows nothing of its error.
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

    fn judge(chains: &[Chain<()>]) -> ChainQuality {
        ChainQuality::new(&observables(chains))
    }

    #[test]
    fn split_r_hat_is_that_of_its_definition() {
        // Halves (1, 3), (5, 7) and (2, 2), (2, 6), repeated to the shortest length:
        // means 2, 6, 2, 4.
        let repeat = |a: [f64; 2], b: [f64; 2]| -> Vec<f64> {
            let half = |pair: [f64; 2]| pair.into_iter().cycle().take(8);
            half(a).chain(half(b)).collect()
        };
        let chains = [
            repeat([1.0, 3.0], [5.0, 7.0]),
            repeat([2.0, 2.0], [2.0, 6.0]),
        ];
        // Of eight values ±d around their mean the variance is 8 d² / 7.
        let within: f64 = (8.0 / 7.0) * (1.0 + 1.0 + 0.0 + 4.0) / 4.0;
        let between = (2.25 + 6.25 + 2.25 + 0.25) / 3.0;
        let expected = ((7.0 / 8.0 * within + between) / within).sqrt();
        let found = split_r_hat(&chains).unwrap();
        assert!((found - expected).abs() < 1e-14, "{found} and {expected}");
        // An odd number of samples loses its first.
        let longer: Vec<Vec<f64>> = chains
            .iter()
            .map(|chain| std::iter::once(&99.0).chain(chain).copied().collect())
            .collect();
        assert_eq!(split_r_hat(&longer), Some(found));
        assert_eq!(split_r_hat(&[vec![1.0; 15]]), None);
        assert_eq!(split_r_hat(&[]), None);
    }

    #[test]
    fn split_r_hat_is_near_one_for_good_chains_and_large_for_stuck_ones() {
        let good = ["a", "b", "c", "d"].map(|name| chain(noise(0.0, name)));
        let found = judge(&good).split_r_hat.unwrap();
        assert!(
            (found - 1.0).abs() < 0.01 && judge(&good).agrees(),
            "{found}"
        );
        // A drift within the chains alone is seen by the halves.
        let drifting = ["a", "b"].map(|name| {
            let noise = noise(0.0, name).into_iter().enumerate();
            chain(noise.map(|(time, x)| x + time as f64 / 250.0).collect())
        });
        assert!(judge(&drifting).split_r_hat.unwrap() > 1.1);
        let stuck = [0.0, 5.0].map(|shift| chain(noise(shift, &shift.to_string())));
        let found = judge(&stuck).split_r_hat.unwrap();
        // Means 5 apart, two halves each: between 25/3, within 1.
        assert!(
            (found - (1.0 + 25.0_f64 / 3.0).sqrt()).abs() < 0.2,
            "{found}"
        );
        assert!(!judge(&stuck).agrees());
        assert!(judge(&stuck).warnings()[0].contains("expected at most 1.010"));
    }

    #[test]
    fn chains_of_one_distribution_agree_and_of_two_do_not() {
        let same = ["a", "b", "c", "d"].map(|name| chain(noise(0.0, name)));
        assert!(!judge(&same).disagreement);
        let shifted = [0.0, 0.0, 0.0, 1.0].map(|shift| chain(noise(shift, &shift.to_string())));
        assert!(judge(&shifted).disagreement);
    }

    #[test]
    fn chains_frozen_at_two_energies_disagree() {
        let frozen = [1.0, 1.0, 2.0].map(|energy| chain(vec![energy; 100]));
        assert!(judge(&frozen).disagreement);
        assert_eq!(judge(&frozen).split_r_hat, Some(f64::INFINITY));
        let alike = [1.0; 3].map(|energy| chain(vec![energy; 100]));
        assert!(!judge(&alike).disagreement && judge(&alike).agrees());
        assert_eq!(judge(&alike).split_r_hat, Some(1.0));
    }

    #[test]
    fn opposite_signs_alone_are_no_disagreement_but_are_slow() {
        let mirrored = [1.0, -1.0].map(|sign| {
            let mut mirrored = chain(noise(0.0, &sign.to_string()));
            mirrored.totals = vec![noise(20.0, "t").iter().map(|x| sign * x).collect()];
            mirrored
        });
        assert!(judge(&mirrored).agrees());
        let slowest = judge(&mirrored).slowest.unwrap();
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
