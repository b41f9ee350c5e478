//! Samples of a Hopfield model by one of three methods, with their quality.

use super::chains::{Chain, Schedule, run_chains};
use super::diagnostics::{
    SlowestTime, chains_disagree, energies, lowest_exchange_rate, mean_with_error, series_time,
    slowest_time,
};
use super::exact::draw_exact;
use super::tempering::step_work;
use super::{Hopfield, MeanField, PhysicsError, Progress, SiteClasses, SpinField, Streams, ladder};
use crate::bits::BitMatrix;

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
/// Below this exchange rate a ladder earns a warning.
const LOW_EXCHANGE_RATE: f64 = 0.1;
/// Site-feature products that a run may take: minutes on one core.
const MAX_WORK: f64 = 3e12;

/// How samples are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplingMethod {
    /// Independent samples through the site classes.
    Exact,
    /// Field and spins in turn, at the temperature of the model.
    Gibbs,
    /// Replica exchange of the same from the disordered phase down.
    Tempering,
}

impl SamplingMethod {
    /// Chooses for `model`: exact if the classes are affordable, Gibbs if the
    /// temperature is at least 1.05 of the highest at which the disordered phase
    /// can become unstable, else tempering.
    #[must_use]
    pub fn automatic(model: &Hopfield) -> Self {
        if SiteClasses::new(model).affordable() {
            Self::Exact
        } else if model.beta() * GIBBS_MARGIN <= SpinField::new(model).ordering_beta() {
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
        }
    }
}

/// Samples of a model in equilibrium, and how far they may be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// One configuration a row. Chains take turns, so that any stretch of rows
    /// holds all of them alike.
    pub samples: BitMatrix,
    /// How they were drawn.
    pub method: SamplingMethod,
    /// Mean energy of the samples, whole system, in units of `J`.
    pub mean_energy: f64,
    /// Standard error of the mean energy, correlations included.
    pub mean_energy_error: f64,
    /// Slowest integrated autocorrelation time, in sweeps; 0.5 for sweeps that
    /// are independent. Over energy, overlaps and squared overlaps.
    pub autocorrelation_sweeps: f64,
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

/// Draws `samples` configurations of `model` in equilibrium.
///
/// Gibbs and tempering run 8 chains from random spins, each with the stream
/// `chain 0` to `chain 7`. A pilot measures the slowest autocorrelation time `τ`;
/// each chain then throws away `max(500, 20 τ)` sweeps and keeps every
/// `ceil(2 τ)`-th, more rarely if chains would be shorter than `60 τ`, more often
/// if the work would exceed about 3·10^12 products.
///
/// # Errors
///
/// - [`PhysicsError::SampleCount`] if there are no samples or more than 2 GiB.
/// - [`PhysicsError::EnumerationTooLarge`] if `method` is exact and the site
///   classes have too many states.
/// - [`PhysicsError::Cancelled`] if `progress` says so.
pub fn sample(
    model: &Hopfield,
    method: SamplingMethod,
    samples: usize,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Ensemble, PhysicsError> {
    let limit = MAX_BITS / model.sites().next_multiple_of(64);
    if !(1..=limit).contains(&samples) {
        return Err(PhysicsError::SampleCount {
            found: samples,
            limit,
        });
    }
    match method {
        SamplingMethod::Exact => independent(model, samples, streams, progress),
        SamplingMethod::Gibbs | SamplingMethod::Tempering => {
            chained(model, method, samples, streams, progress)
        }
    }
}

fn independent(
    model: &Hopfield,
    samples: usize,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Ensemble, PhysicsError> {
    let classes = SiteClasses::new(model);
    let drawn = draw_exact(&classes, samples, &mut streams("exact"), progress)?;
    let energies = (0..samples)
        .map(|row| model.energy(drawn.row(row)))
        .collect();
    let (mean_energy, mean_energy_error) = mean_with_error(&[energies], 0.5);
    Ok(Ensemble {
        samples: drawn,
        method: SamplingMethod::Exact,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: 0.5,
        sweeps_per_sample: 1,
        effective_samples: samples as f64,
        temperatures: 1,
        lowest_exchange_rate: None,
        warnings: Vec::new(),
    })
}

fn chained(
    model: &Hopfield,
    method: SamplingMethod,
    samples: usize,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Ensemble, PhysicsError> {
    let field = SpinField::new(model);
    let betas = match method {
        SamplingMethod::Tempering => {
            let start = field.ordering_beta() / LADDER_MARGIN;
            ladder::choose(&field, (start, model.beta()), streams, progress)?
        }
        SamplingMethod::Exact | SamplingMethod::Gibbs => vec![model.beta()],
    };
    let pilot = pilot_time(&field, &betas, streams, progress)?;
    let schedule = schedule(&field, betas, pilot.samples, samples);
    let chains = run_chains(&field, &schedule, "chain", streams, progress)?;
    let quality = Quality::new(&chains, &schedule, pilot);
    let (mean_energy, mean_energy_error) = mean_with_error(&energies(&chains), quality.energy_time);
    Ok(Ensemble {
        samples: interleave(&chains, samples, model.sites()),
        method,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: quality.sweeps,
        sweeps_per_sample: schedule.sweeps_per_sample,
        effective_samples: samples as f64 / (2.0 * quality.samples),
        temperatures: schedule.betas.len(),
        lowest_exchange_rate: lowest_exchange_rate(&chains),
        warnings: warnings(&chains, &schedule, &quality),
    })
}

/// The slowest time in sweeps, from chains that keep every sweep.
fn pilot_time(
    field: &SpinField,
    betas: &[f64],
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<SlowestTime, PhysicsError> {
    let schedule = Schedule {
        betas: betas.to_vec(),
        chains: CHAINS,
        burn_in: PILOT_BURN_IN,
        samples_per_chain: PILOT_SWEEPS,
        sweeps_per_sample: 1,
    };
    // The fraction done counts the samples that are kept, so it stays at 0 here.
    let waiting = |_: f64| progress(0.0);
    let chains = run_chains(field, &schedule, "pilot", streams, &waiting)?;
    Ok(slowest_time(&chains).unwrap_or(SlowestTime {
        samples: 0.5,
        resolved: false,
    }))
}

/// Lays out chains for `samples` samples, given the time in sweeps.
#[expect(clippy::cast_sign_loss, reason = "times and work are positive")]
fn schedule(field: &SpinField, betas: Vec<f64>, time: f64, samples: usize) -> Schedule {
    let chains = CHAINS.min(samples);
    let samples_per_chain = samples.div_ceil(chains);
    let long_enough = CHAIN_TIMES * time / samples_per_chain as f64;
    let wanted = (2.0 * time).max(long_enough).ceil();
    let affordable = MAX_WORK / (step_work(field, betas.len()) * samples as f64);
    Schedule {
        betas,
        chains,
        burn_in: BURN_IN.0.max((BURN_IN.1 * time) as usize),
        samples_per_chain,
        sweeps_per_sample: (wanted.min(affordable) as usize).max(1),
    }
}

/// Times that describe the kept samples.
struct Quality {
    /// Slowest time, in samples.
    samples: f64,
    /// Slowest time, in sweeps.
    sweeps: f64,
    /// Time of the energy, in samples.
    energy_time: f64,
    resolved: bool,
}

impl Quality {
    /// Measures the kept samples; chains too short for that borrow from the pilot.
    fn new<R>(chains: &[Chain<R>], schedule: &Schedule, pilot: SlowestTime) -> Self {
        let spacing = schedule.sweeps_per_sample as f64;
        let borrowed = time_at_spacing(pilot.samples, spacing);
        let kept = slowest_time(chains).unwrap_or(SlowestTime {
            samples: borrowed,
            resolved: pilot.resolved,
        });
        // Samples that are still correlated tell more than the shorter pilot.
        let sweeps = if kept.samples > 1.0 {
            kept.samples * spacing
        } else {
            pilot.samples
        };
        Self {
            samples: kept.samples,
            sweeps,
            energy_time: series_time(&energies(chains)).map_or(borrowed, |time| time.samples),
            resolved: kept.resolved,
        }
    }
}

/// The time of a series that keeps every `spacing`-th value of one with `time`.
///
/// Takes the correlations to be a single exponential, `ρ(t) = r^t`.
fn time_at_spacing(time: f64, spacing: f64) -> f64 {
    let r = (2.0 * time - 1.0) / (2.0 * time + 1.0);
    let kept = r.powf(spacing);
    0.5 * (1.0 + kept) / (1.0 - kept)
}

fn warnings<R>(chains: &[Chain<R>], schedule: &Schedule, quality: &Quality) -> Vec<String> {
    let mut warnings = Vec::new();
    let sweeps = schedule.samples_per_chain * schedule.sweeps_per_sample;
    let times = sweeps as f64 / quality.sweeps;
    if !quality.resolved || times < SHORT_CHAIN_TIMES {
        warnings.push(format!(
            "chains of {sweeps} sweeps are {times:.0} autocorrelation times long, \
             expected at least {SHORT_CHAIN_TIMES}: samples may miss pure states"
        ));
    }
    if let Some(rate) = lowest_exchange_rate(chains).filter(|&rate| rate < LOW_EXCHANGE_RATE) {
        warnings.push(format!(
            "neighbouring temperatures exchange at a rate of {rate:.3}, \
             expected at least {LOW_EXCHANGE_RATE}"
        ));
    }
    if chains_disagree(chains) {
        warnings.push(
            "independent chains disagree on the energy or the squared overlaps: \
             the samples are not in equilibrium"
                .to_owned(),
        );
    }
    warnings
}

/// Collects the samples of all chains in turn.
fn interleave(chains: &[Chain<Vec<u64>>], samples: usize, sites: usize) -> BitMatrix {
    let mut collected = BitMatrix::zeros(samples, sites);
    for row in 0..samples {
        let words = &chains[row % chains.len()].records[row / chains.len()];
        collected.set_row(row, words);
    }
    collected
}

#[cfg(test)]
mod tests;
