//! The partition function: exact where affordable, else by acceptance ratios.

use rayon::prelude::*;

use super::tempering::{Meter, Start, Tempering, step_work};
use super::{
    ExactSolution, Hopfield, MeanField, PhysicsError, Progress, SiteClasses, SpinField, Streams,
    ladder, report,
};

/// Independent chains, from which the standard error comes.
const CHAINS: usize = 16;
const BURN_IN: usize = 1000;
/// Sweeps a chain: as many as the work allows, within these limits.
const SWEEPS: (f64, f64) = (500.0, 10_000.0);
/// Site-feature products that all chains may take: a minute or two on one core.
const MAX_WORK: f64 = 1e12;
/// Iterations of the root search; bisection alone would end within 60.
const MAX_ITERATIONS: usize = 100;

/// `ln Z` of a model at its temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogPartition {
    /// `ln Z`, in nats.
    pub value: f64,
    /// Standard error, in nats; 0 if exact.
    pub standard_error: f64,
    /// Where it comes from.
    pub method: LogPartitionMethod,
}

/// Where a value of `ln Z` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPartitionMethod {
    /// The exact sum over the states of the site classes.
    SiteClasses,
    /// Numerical integration over the field, exact to about twelve digits.
    Quadrature,
    /// Acceptance ratios between neighbouring temperatures, from `β = 0` on.
    AcceptanceRatio,
    /// Kaufman's solution of the Ising model on a torus.
    Kaufman,
    /// A sum over the field of normalised probabilities: 0, whatever the parameters.
    Normalised,
}

impl LogPartitionMethod {
    const ALL: [Self; 5] = [
        Self::SiteClasses,
        Self::Quadrature,
        Self::AcceptanceRatio,
        Self::Kaufman,
        Self::Normalised,
    ];

    /// The method of this name in tables, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SiteClasses => "site_classes",
            Self::Quadrature => "quadrature",
            Self::AcceptanceRatio => "acceptance_ratio",
            Self::Kaufman => "kaufman",
            Self::Normalised => "normalised",
        }
    }
}

/// Computes `ln Z`, exactly if the site classes are affordable.
///
/// Otherwise as [`estimate_log_partition`] does.
///
/// # Errors
///
/// [`PhysicsError::Cancelled`] if `progress` says so.
pub fn log_partition(
    model: &Hopfield,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<LogPartition, PhysicsError> {
    let classes = SiteClasses::new(model);
    if !classes.affordable() {
        return estimate_log_partition(&SpinField::new(model), model.beta(), streams, progress);
    }
    report(progress, 0.0)?;
    let value = ExactSolution::new(&classes)?.log_partition;
    report(progress, 1.0)?;
    Ok(LogPartition {
        value,
        standard_error: 0.0,
        method: LogPartitionMethod::SiteClasses,
    })
}

/// Estimates `ln Z` at `beta` from replica exchange between `β = 0` and `beta`.
///
/// `ln Z` is known at `β = 0`. For neighbours `β < β'` of the ladder Bennett's
/// acceptance ratio gives `Δ = ln Z' - ln Z` as the root of
///
/// ```text
/// Σ_{x at β} f(w(x) - Δ) = Σ_{x at β'} f(Δ - w(x)),   w = -(β' - β) H,   f(u) = 1 / (1 + exp(-u))
/// ```
///
/// with as many samples on both sides. Nothing is discretised: the root is
/// consistent for any ladder, and a coarse one only makes it noisier. 16
/// independent chains of up to 10,000 sweeps, half of them started from order, are
/// pooled. The standard error is the
/// spread of their contributions to the sum of all `Δ`, so it knows the
/// correlations in time and those between neighbours of the ladder; the difference
/// to the estimate from the later half of all chains is added in quadrature, for
/// chains that have not yet forgotten their start.
///
/// # Errors
///
/// [`PhysicsError::Cancelled`] if `progress` says so.
pub fn estimate_log_partition<M: MeanField>(
    model: &M,
    beta: f64,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<LogPartition, PhysicsError> {
    let betas = ladder::choose(model, (0.0, beta), streams, progress)?;
    let chains = energy_chains(model, &betas, streams, progress)?;
    let pooled = log_ratio(&chains, &betas, 0);
    let later = log_ratio(&chains, &betas, chains[0][0].len() / 2);
    let drift = later.value - pooled.value;
    Ok(LogPartition {
        value: model.log_measure() + pooled.value,
        standard_error: pooled.standard_error.hypot(drift),
        method: LogPartitionMethod::AcceptanceRatio,
    })
}

/// `ln Z` at the end of a ladder less that at its start.
struct LogRatio {
    value: f64,
    /// From the spread over chains.
    standard_error: f64,
}

/// Adds up the ratios of all neighbours, without the sweeps before `first`.
fn log_ratio(chains: &[EnergyChain], betas: &[f64], first: usize) -> LogRatio {
    let mut value = 0.0;
    let mut deviations = [0.0; CHAINS];
    for (level, pair) in betas.windows(2).enumerate() {
        let series: Vec<[&[f64]; 2]> = chains
            .iter()
            .map(|chain| [&chain[level][first..], &chain[level + 1][first..]])
            .collect();
        let ratio = AcceptanceRatio::new(&series, pair[1] - pair[0]);
        value += ratio.root;
        for (deviation, change) in deviations.iter_mut().zip(ratio.deviations) {
            *deviation += change;
        }
    }
    let squares: f64 = deviations.iter().map(|x| x * x).sum();
    let chains = CHAINS as f64;
    LogRatio {
        value,
        standard_error: (squares * chains / (chains - 1.0)).sqrt(),
    }
}

/// Energies of one chain: a series for each temperature.
type EnergyChain = Vec<Vec<f64>>;

fn energy_chains<M: MeanField>(
    model: &M,
    betas: &[f64],
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Vec<EnergyChain>, PhysicsError> {
    let work = step_work(model, betas.len());
    #[expect(clippy::cast_sign_loss, reason = "clamped to positive numbers")]
    let sweeps = (MAX_WORK / (work * CHAINS as f64)).clamp(SWEEPS.0, SWEEPS.1) as usize;
    let meter = Meter::new(progress, CHAINS * (BURN_IN + sweeps), work);
    let run = |chain: usize| {
        let generator = streams(&format!("partition {chain}"));
        let start = Start::of_chain(model, chain);
        let mut tempering = Tempering::new(model, betas, start, generator);
        let mut energies = vec![Vec::with_capacity(sweeps); betas.len()];
        for sweep in 0..BURN_IN + sweeps {
            meter.step()?;
            tempering.step();
            if sweep >= BURN_IN {
                let levels = energies.iter_mut().zip(tempering.energies());
                levels.for_each(|(series, energy)| series.push(energy));
            }
        }
        Ok(energies)
    };
    (0..CHAINS).into_par_iter().map(run).collect()
}

/// The log ratio of two neighbouring partition functions.
struct AcceptanceRatio {
    /// `ln Z' - ln Z`, in nats.
    root: f64,
    /// How far each chain pulls the root from where the others would have it.
    deviations: Vec<f64>,
}

impl AcceptanceRatio {
    /// Compares the energies at two temperatures, `step` apart in `β`, chain by chain.
    fn new(chains: &[[&[f64]; 2]], step: f64) -> Self {
        let balances = |root: f64| {
            let chains = chains.iter();
            chains.map(move |[at, next]| Balance::new(at, next, step, root))
        };
        let pooled = |root: f64| balances(root).fold(Balance::default(), Balance::add);
        let works = chains.iter().flatten().copied().flatten();
        let (low, high) = works.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), energy| {
            (low.min(-step * energy), high.max(-step * energy))
        });
        let root = falling_root(pooled, low, high);
        let slope = pooled(root).slope;
        let deviations = balances(root).map(|b| b.excess / slope).collect();
        Self { root, deviations }
    }
}

/// Both sides of the equation for the root, and how fast they part.
#[derive(Debug, Clone, Copy, Default)]
struct Balance {
    /// Left side minus right side; falls with the root.
    excess: f64,
    /// Its derivative, with the sign turned: positive.
    slope: f64,
}

impl Balance {
    fn new(at: &[f64], next: &[f64], step: f64, root: f64) -> Self {
        let mut balance = Self::default();
        let logistic = |u: f64| 1.0 / (1.0 + (-u).exp());
        for energy in at {
            let accepted = logistic(-step * energy - root);
            balance.excess += accepted;
            balance.slope += accepted * (1.0 - accepted);
        }
        for energy in next {
            let accepted = logistic(root + step * energy);
            balance.excess -= accepted;
            balance.slope += accepted * (1.0 - accepted);
        }
        balance
    }

    fn add(self, other: Self) -> Self {
        Self {
            excess: self.excess + other.excess,
            slope: self.slope + other.slope,
        }
    }
}

/// The root of a falling function in `[low, high]`: Newton steps, else halving.
fn falling_root(balance: impl Fn(f64) -> Balance, mut low: f64, mut high: f64) -> f64 {
    let mut root = f64::midpoint(low, high);
    for _ in 0..MAX_ITERATIONS {
        let here = balance(root);
        if here.excess > 0.0 {
            low = root;
        } else {
            high = root;
        }
        let newton = root + here.excess / here.slope;
        let inside = newton > low && newton < high;
        let next = if inside {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - root).abs() <= 1e-12 * (1.0 + root.abs()) {
            return next;
        }
        root = next;
    }
    root
}

#[cfg(test)]
mod tests;
