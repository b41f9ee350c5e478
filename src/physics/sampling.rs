//! Samples of a model, with their quality: what all samplers share.

use super::chains::{Chain, Schedule, Walkers};
use super::diagnostics::{
    ChainQuality, SlowestTime, energies, lowest_exchange_rate, mean_with_error, observables,
};
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
/// Shortest burn-in in sweeps, and in autocorrelation times.
const BURN_IN: (usize, f64) = (500, 20.0);
/// A chain runs for at least this many autocorrelation times where work allows.
const CHAIN_TIMES: f64 = 60.0;
/// Below this many autocorrelation times a chain earns a warning.
const SHORT_CHAIN_TIMES: f64 = 50.0;
/// How often chains that are too short or disagree are run again, from where they
/// stand, and how much longer each time.
const EXTENSIONS: usize = 2;
const EXTENSION_FACTORS: (f64, f64) = (2.0, 4.0);
/// Chains that disagree by more than this `R̂` sit in states of their own: no run a few
/// times as long brings them together.
const HOPELESS_R_HAT: f64 = 2.0;
/// Share of the progress that is left for extensions, whose number nobody knows.
const FIRST_RUN_SHARE: f64 = 0.99;
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
/// Then the chains are judged. If they turn out shorter than `50 τ` or disagree (split
/// `R̂` above 1.01), all samples are thrown away and drawn anew from where the chains
/// stand, over stretches 2 to 4 times as long: at most twice, and not beyond the same
/// limit of work; not at all if `R̂` is above 2. What still falls short is said in the warnings.
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
    let work = step_work(field, betas.len());
    let schedule = schedule(work, pilot.samples, samples);
    let walkers = Walkers::start(field, &betas, CHAINS.min(samples), "chain", streams);
    let Judged {
        chains,
        schedule,
        quality,
        extensions,
    } = run_until_good(walkers, schedule, pilot, progress)?;
    let (mean_energy, mean_energy_error) = mean_with_error(&energies(&chains), quality.energy_time);
    Ok(Ensemble {
        method,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: quality.sweeps,
        autocorrelation_error_sweeps: quality.error_sweeps,
        split_r_hat: quality.chains.split_r_hat,
        sweeps_per_sample: schedule.sweeps_per_sample,
        effective_samples: samples as f64 / (2.0 * quality.samples),
        temperatures: betas.len(),
        lowest_exchange_rate: lowest_exchange_rate(&chains),
        warnings: warnings(&chains, &schedule, &quality, extensions),
        samples: field.collect(interleave(chains, samples)),
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

/// Lays out chains for `samples` samples, given the work of a step and the time in
/// sweeps.
#[expect(clippy::cast_sign_loss, reason = "times and work are positive")]
fn schedule(step_work: f64, time: f64, samples: usize) -> Schedule {
    let samples_per_chain = samples.div_ceil(CHAINS.min(samples));
    let long_enough = CHAIN_TIMES * time / samples_per_chain as f64;
    let wanted = (2.0 * time).max(long_enough).ceil();
    let affordable = MAX_WORK / (step_work * samples as f64);
    Schedule {
        burn_in: BURN_IN.0.max((BURN_IN.1 * time) as usize),
        samples_per_chain,
        sweeps_per_sample: (wanted.min(affordable) as usize).max(1),
    }
}

/// Chains as they are kept, and what was found of them.
struct Judged<R> {
    chains: Vec<Chain<R>>,
    schedule: Schedule,
    quality: Quality,
    extensions: usize,
}

/// Runs the chains, and runs them on while they are not good enough and work allows.
fn run_until_good<M: MeanField>(
    mut walkers: Walkers<'_, M>,
    mut schedule: Schedule,
    pilot: SlowestTime,
    progress: Progress<'_>,
) -> Result<Judged<M::Record>, PhysicsError> {
    let mut chains = walkers.run(&schedule, &|done| progress(FIRST_RUN_SHARE * done))?;
    let mut quality = Quality::new(&chains, &schedule, pilot);
    let mut extensions = 0;
    while extensions < EXTENSIONS && !quality.suffices(&schedule) && quality.may_improve() {
        let longer = extended(&schedule, &quality);
        if walkers.work(&longer) > MAX_WORK {
            break;
        }
        schedule = longer;
        extensions += 1;
        chains = walkers.run(&schedule, &|_| progress(FIRST_RUN_SHARE))?;
        quality = Quality::new(&chains, &schedule, pilot);
    }
    Ok(Judged {
        chains,
        schedule,
        quality,
        extensions,
    })
}

/// As many samples over a longer stretch; all sweeps so far are its burn-in.
#[expect(clippy::cast_sign_loss, reason = "clamped to positive numbers")]
fn extended(schedule: &Schedule, quality: &Quality) -> Schedule {
    let (least, most) = EXTENSION_FACTORS;
    let factor = (CHAIN_TIMES / quality.times(schedule)).clamp(least, most);
    let sweeps = factor * schedule.sweeps_per_sample as f64;
    Schedule {
        burn_in: 0,
        sweeps_per_sample: sweeps.ceil() as usize,
        ..*schedule
    }
}

/// Times that describe the kept samples, and how the chains agree.
struct Quality {
    /// Slowest time, in samples.
    samples: f64,
    /// Slowest time, in sweeps.
    sweeps: f64,
    /// Standard error of the slowest time, in sweeps.
    error_sweeps: f64,
    /// Time of the energy, in samples.
    energy_time: f64,
    resolved: bool,
    chains: ChainQuality,
}

impl Quality {
    /// Measures the kept samples; chains too short for that borrow from the pilot.
    fn new<R>(chains: &[Chain<R>], schedule: &Schedule, pilot: SlowestTime) -> Self {
        let spacing = schedule.sweeps_per_sample as f64;
        let chains = ChainQuality::new(&observables(chains));
        let borrowed = SlowestTime {
            samples: time_at_spacing(pilot.samples, spacing),
            ..pilot
        };
        let kept = chains.slowest.unwrap_or(borrowed);
        // Samples that are still correlated tell more than the shorter pilot.
        let (sweeps, error_sweeps) = if kept.samples > 1.0 && chains.slowest.is_some() {
            (kept.samples * spacing, kept.standard_error * spacing)
        } else {
            (pilot.samples, pilot.standard_error)
        };
        Self {
            samples: kept.samples,
            sweeps,
            error_sweeps,
            energy_time: chains.first.unwrap_or(borrowed).samples,
            resolved: kept.resolved,
            chains,
        }
    }

    /// Length of the chains in autocorrelation times.
    fn times(&self, schedule: &Schedule) -> f64 {
        schedule.kept_sweeps() as f64 / self.sweeps
    }

    fn long_enough(&self, schedule: &Schedule) -> bool {
        self.resolved && self.times(schedule) >= SHORT_CHAIN_TIMES
    }

    fn may_improve(&self) -> bool {
        self.chains
            .split_r_hat
            .is_none_or(|found| found < HOPELESS_R_HAT)
    }

    fn suffices(&self, schedule: &Schedule) -> bool {
        self.long_enough(schedule) && self.chains.agrees()
    }
}

/// The time of a series that keeps every `spacing`-th value of one with `time`.
///
/// Takes the correlations to be a single exponential, `ρ(t) = r^t`.
pub(super) fn time_at_spacing(time: f64, spacing: f64) -> f64 {
    let r = (2.0 * time - 1.0) / (2.0 * time + 1.0);
    let kept = r.powf(spacing);
    0.5 * (1.0 + kept) / (1.0 - kept)
}

fn warnings<R>(
    chains: &[Chain<R>],
    schedule: &Schedule,
    quality: &Quality,
    extensions: usize,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let again = match extensions {
        0 => String::new(),
        count => format!(" after {count} of {EXTENSIONS} extensions"),
    };
    if !quality.long_enough(schedule) {
        let (sweeps, times) = (schedule.kept_sweeps(), quality.times(schedule));
        warnings.push(format!(
            "chains of {sweeps} sweeps are {times:.0} autocorrelation times long{again}, \
             expected at least {SHORT_CHAIN_TIMES}: samples may miss pure states"
        ));
    }
    if let Some(rate) = lowest_exchange_rate(chains).filter(|&rate| rate < LOW_EXCHANGE_RATE) {
        warnings.push(format!(
            "neighbouring temperatures exchange at a rate of {rate:.3}, \
             expected at least {LOW_EXCHANGE_RATE}"
        ));
    }
    warnings.extend(quality.chains.warnings());
    warnings
}

/// The records of all chains in turn.
fn interleave<R>(chains: Vec<Chain<R>>, samples: usize) -> Vec<R> {
    let mut sources: Vec<_> = chains
        .into_iter()
        .map(|chain| chain.records.into_iter())
        .collect();
    let mut collected = Vec::with_capacity(samples);
    while collected.len() < samples {
        let before = collected.len();
        let rest = samples - before;
        collected.extend(sources.iter_mut().take(rest).filter_map(Iterator::next));
        if collected.len() == before {
            break;
        }
    }
    collected
}

#[cfg(test)]
mod tests;
