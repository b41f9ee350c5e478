//! Samples of a model, with their quality: what all samplers share.

use super::chains::{Chain, Walkers};
use super::diagnostics::{
    ChainQuality, SlowestTime, energies, lowest_exchange_rate, mean_with_error, observables,
};
use super::lengthening::{Judged, Plan, Quality, Schedule, interleave, run_until_good};
use super::tempering::step_work;
use super::{MeanField, PhysicsError, Progress, Streams, ladder};
use crate::configurations::{Configurations, Unit};

/// Independent chains; the number never depends on the machine.
const CHAINS: usize = 8;
/// Most bits that the samples may take: 2 GiB.
const MAX_BITS: usize = 1 << 34;
/// Plain Gibbs sampling is chosen down to this multiple of the ordering temperature.
const GIBBS_MARGIN: f64 = 1.05;
/// The ladder starts at this multiple of the ordering temperature.
const LADDER_MARGIN: f64 = 1.25;
const PILOT_BURN_IN: usize = 500;
const PILOT_SWEEPS: usize = 2500;
/// A chain runs for at least this many autocorrelation times where work allows.
const CHAIN_TIMES: f64 = 60.0;
/// Below this exchange rate a ladder earns a warning.
const LOW_EXCHANGE_RATE: f64 = 0.1;
/// Site-feature products that a run may take: minutes on one core.
const MAX_WORK: f64 = 3e12;

/// How samples are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplingMethod {
    /// Independent samples, without a chain.
    Exact,
    /// Field and sites in turn, at the temperature of the model.
    Gibbs,
    /// Replica exchange of the same from the disordered phase down.
    Tempering,
    /// Single clusters of aligned units (Wolff).
    Wolff,
    /// All clusters at once (Swendsen and Wang).
    SwendsenWang,
    /// Single units by the Metropolis rule.
    Metropolis,
}

impl SamplingMethod {
    /// Gibbs if the temperature is at least 1.05 of the highest at which the
    /// disordered phase of `field` can become unstable, else tempering.
    pub(super) fn of_chain<M: MeanField>(field: &M, beta: f64) -> Self {
        if beta * GIBBS_MARGIN <= field.ordering_beta() {
            Self::Gibbs
        } else {
            Self::Tempering
        }
    }

    /// The name in manifests and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Gibbs => "gibbs",
            Self::Tempering => "tempering",
            Self::Wolff => "wolff",
            Self::SwendsenWang => "swendsen_wang",
            Self::Metropolis => "metropolis",
        }
    }
}

/// Samples of a model in equilibrium, and how far they may be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// One configuration a row. Chains take turns, so that any stretch of rows
    /// holds all of them alike.
    pub samples: Configurations,
    /// How they were drawn.
    pub method: SamplingMethod,
    /// Mean energy of the samples, whole system, in units of `J`.
    pub mean_energy: f64,
    /// Standard error of the mean energy, correlations included.
    pub mean_energy_error: f64,
    /// Slowest integrated autocorrelation time, in sweeps; 0.5 for sweeps that
    /// are independent. Over energy, overlaps and squared overlaps.
    pub autocorrelation_sweeps: f64,
    /// Its standard error (Madras and Sokal 1988), in sweeps; as large as the time
    /// itself where that is but a lower bound, 0 without a chain.
    pub autocorrelation_error_sweeps: f64,
    /// Largest split `R̂` of energy and squared totals over the independent chains, half
    /// of which started from order; near 1 in equilibrium. Nothing without chains, or
    /// if they are shorter than 16 samples.
    pub split_r_hat: Option<f64>,
    /// Sweeps between two samples of a chain.
    pub sweeps_per_sample: usize,
    /// Number of independent samples that are worth as much.
    pub effective_samples: f64,
    /// Temperatures of the ladder, 1 without one.
    pub temperatures: usize,
    /// Lowest exchange rate between neighbouring temperatures, if there is a ladder.
    pub lowest_exchange_rate: Option<f64>,
    /// What should be known before the samples are used, one sentence each.
    pub warnings: Vec<String>,
}

/// Refuses no samples, and samples that would take more than 2 GiB.
pub(super) fn check_samples(unit: Unit, sites: usize, samples: usize) -> Result<(), PhysicsError> {
    let bits = match unit {
        Unit::Spin => sites.next_multiple_of(64),
        Unit::PlanarDirector | Unit::Director => sites * unit.width() * 32,
    };
    let limit = MAX_BITS / bits;
    if (1..=limit).contains(&samples) {
        return Ok(());
    }
    Err(PhysicsError::SampleCount {
        found: samples,
        limit,
    })
}

/// Independent samples as an ensemble; `energies` are theirs, in units of `J`.
pub(super) fn independent_ensemble(samples: Configurations, energies: Vec<f64>) -> Ensemble {
    let effective_samples = energies.len() as f64;
    let (mean_energy, mean_energy_error) = mean_with_error(&[energies], 0.5);
    Ensemble {
        samples,
        method: SamplingMethod::Exact,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: 0.5,
        autocorrelation_error_sweeps: 0.0,
        split_r_hat: None,
        sweeps_per_sample: 1,
        effective_samples,
        temperatures: 1,
        lowest_exchange_rate: None,
        warnings: Vec::new(),
    }
}

/// Draws `samples` configurations by Gibbs sampling, or by replica exchange if
/// `method` is [`SamplingMethod::Tempering`].
///
/// 8 chains, every other one started from order and the rest from disorder, each have
/// the stream `chain 0` to `chain 7`. A pilot measures the slowest autocorrelation
/// time `τ`; each chain then throws away `max(500, 20 τ)` sweeps and keeps every
/// `ceil(2 τ)`-th, more rarely if chains would be shorter than `60 τ`, more often
/// if the work would exceed about 3·10^12 products.
///
/// Then the chains are judged. If they turn out shorter than `50 τ`, disagree (split `R̂`
/// above 1.01) or are worth less than half as many independent samples, they run on as
/// [`run_until_good`] has it. What still falls short is said in the warnings.
pub(super) fn chained<M: MeanField>(
    field: &M,
    beta: f64,
    method: SamplingMethod,
    samples: usize,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Ensemble, PhysicsError> {
    let betas = if method == SamplingMethod::Tempering {
        let start = field.ordering_beta() / LADDER_MARGIN;
        ladder::choose(field, (start, beta), streams, progress)?
    } else {
        vec![beta]
    };
    let pilot = pilot_time(field, &betas, streams, progress)?;
    let plan = plan(step_work(field, betas.len()), samples);
    let walkers = Walkers::start(field, &betas, plan.chains, "chain", streams);
    let first = plan.first(pilot.samples);
    let judged = run_chains(walkers, &plan, first, pilot, progress)?;
    let quality = judged.quality;
    let (mean_energy, mean_energy_error) =
        mean_with_error(&energies(&judged.chains), quality.energy_time);
    let lowest_exchange_rate = lowest_exchange_rate(&judged.chains);
    let mut warnings = judged.warnings();
    warnings.extend(exchange_warning(lowest_exchange_rate));
    let records = judged.chains.into_iter();
    let records = records.map(|chain| chain.records.into_iter().map(Some));
    Ok(Ensemble {
        method,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: quality.sweeps,
        autocorrelation_error_sweeps: quality.error_sweeps,
        split_r_hat: quality.chains.split_r_hat,
        sweeps_per_sample: judged.schedule.sweeps_per_sample,
        effective_samples: quality.effective(samples),
        temperatures: betas.len(),
        lowest_exchange_rate,
        warnings,
        samples: field.collect(interleave(records.collect(), samples)),
    })
}

/// The slowest time in sweeps, from chains that keep every sweep.
fn pilot_time<M: MeanField>(
    field: &M,
    betas: &[f64],
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<SlowestTime, PhysicsError> {
    let schedule = Schedule {
        burn_in: PILOT_BURN_IN,
        samples_per_chain: PILOT_SWEEPS,
        sweeps_per_sample: 1,
    };
    // The fraction done counts the samples that are kept, so it stays at 0 here.
    let waiting = |_: f64| progress(0.0);
    let mut walkers = Walkers::start(field, betas, CHAINS, "pilot", streams);
    let quality = ChainQuality::new(&observables(&walkers.run(&schedule, &waiting)?));
    Ok(quality.slowest.unwrap_or(SlowestTime {
        resolved: false,
        ..SlowestTime::INDEPENDENT
    }))
}

/// Chains for `samples` samples, given the work of a step.
fn plan(step_work: f64, samples: usize) -> Plan {
    let chains = CHAINS.min(samples);
    Plan {
        chains,
        samples_per_chain: samples.div_ceil(chains),
        chain_times: CHAIN_TIMES,
        sweep_work: step_work,
        most_work: MAX_WORK,
        unit: "site-feature products",
    }
}

/// Runs chains until they are good enough.
fn run_chains<M: MeanField>(
    mut walkers: Walkers<'_, M>,
    plan: &Plan,
    first: Schedule,
    pilot: SlowestTime,
    progress: Progress<'_>,
) -> Result<Judged<Vec<Chain<M::Record>>>, PhysicsError> {
    run_until_good(
        plan,
        first,
        progress,
        |schedule, progress| walkers.run(schedule, progress),
        |chains, schedule| Quality::new(ChainQuality::new(&observables(chains)), schedule, pilot),
    )
}

fn exchange_warning(lowest: Option<f64>) -> Option<String> {
    let rate = lowest.filter(|&rate| rate < LOW_EXCHANGE_RATE)?;
    Some(format!(
        "neighbouring temperatures exchange at a rate of {rate:.3}, \
         expected at least {LOW_EXCHANGE_RATE}"
    ))
}

#[cfg(test)]
mod tests;
