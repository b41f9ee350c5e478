//! Markov chains of lattice models: burn-in, spacing and quality of what is kept.
//!
//! A model brings a [`Walker`]: one configuration, or several independent ones side
//! by side, that a sweep moves. Half of all configurations start ordered, half
//! disordered, so that a phase which keeps one of both apart is noticed.

use rayon::prelude::*;

use super::diagnostics::{ChainQuality, ObservableSeries, SlowestTime, mean_with_error};
use super::sampling::time_at_spacing;
use super::tempering::Meter;
use super::{Ensemble, PhysicsError, Progress, SamplingMethod, Streams};
use crate::configurations::Configurations;
use crate::random::Generator;

/// Independent chains; the number never depends on the machine.
const CHAINS: usize = 8;
/// A further chain is worth its burn-in if every configuration gives so many samples.
const SAMPLES_PER_LANE: usize = 16;
const PILOT_BURN_IN: usize = 500;
/// Sweeps of the first pilot and of the last: it doubles while its time is not resolved.
const PILOT_SWEEPS: (usize, usize) = (2000, 8000);
/// Configurations of a walker that a pilot observes.
const PILOT_LANES: usize = 4;
/// Shortest burn-in in sweeps, and in autocorrelation times.
const BURN_IN: (usize, f64) = (500, 20.0);
/// A configuration moves for at least this many autocorrelation times where work allows.
const CHAIN_TIMES: f64 = 100.0;
/// Below this many autocorrelation times there is a warning.
const SHORT_CHAIN_TIMES: f64 = 50.0;
/// Updates of single sites that a pilot and a run may take, minutes on one core.
const MAX_WORK: (f64, f64) = (1e9, 2e10);
/// Means disagree if they are this many standard errors apart.
const DISAGREEMENT: f64 = 6.0;

/// How the two halves of all configurations start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A ground state.
    Ordered,
    /// Infinite temperature.
    Disordered,
}

impl Start {
    /// Alternates, beginning with an ordered start.
    pub(super) fn of(number: usize) -> Self {
        if number.is_multiple_of(2) {
            Self::Ordered
        } else {
            Self::Disordered
        }
    }
}

/// What is measured in a configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observation {
    /// In units of `J`.
    pub(super) energy: f64,
    /// Magnitude of the order parameter, in any unit.
    pub(super) order: f64,
}

/// Configurations that move together, each on its own way through phase space.
pub(super) trait Walker: Send {
    /// One configuration as it is kept.
    type Record: Send;

    /// How each configuration started; there are as many as this is long.
    fn starts(&self) -> Vec<Start>;

    /// One sweep that leaves the equilibrium invariant.
    fn sweep(&mut self);

    /// One sweep that may change the step; nothing is measured before it is fixed.
    fn adapt(&mut self) {
        self.sweep();
    }

    /// The step that adaptation found, for other walkers of the same model.
    fn step(&self) -> f64 {
        1.0
    }

    /// Energy and order of each configuration.
    fn observe(&self) -> Vec<Observation>;

    /// Each configuration after a random global symmetry.
    fn record(&mut self) -> Vec<Self::Record>;
}

/// Makes the walker of a chain: its number, its stream, its step if that is known.
pub(super) type Starter<'a, W> = &'a (dyn Fn(usize, Generator, Option<f64>) -> W + Sync);

/// What a chain kept.
struct Chain<R> {
    starts: Vec<Start>,
    /// Samples in turn, and in each the configurations in turn.
    records: Vec<Vec<R>>,
    observations: Vec<Vec<Observation>>,
}

/// How chains run.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    chains: usize,
    burn_in: usize,
    samples: usize,
    sweeps_per_sample: usize,
}

/// What a pilot found.
struct Pilot {
    time: SlowestTime,
    step: f64,
    /// Configurations that a chain moves at once.
    lanes: usize,
}

/// What is asked for.
pub(super) struct Run<'a> {
    pub(super) method: SamplingMethod,
    pub(super) samples: usize,
    /// What a sweep of a chain costs, in updates of single sites by a cluster.
    pub(super) work: f64,
    pub(super) streams: Streams<'a>,
    pub(super) progress: Progress<'a>,
}

/// Draws configurations.
///
/// A pilot measures the slowest integrated autocorrelation time `τ` of energy, order
/// and squared order. Each chain then throws away `max(500, 20 τ)` sweeps and keeps
/// every `ceil(2 τ)`-th, more rarely if a configuration would move for less than
/// `100 τ`, more often if the work would exceed its limit.
pub(super) fn sample<W: Walker>(
    starter: Starter<'_, W>,
    run: &Run<'_>,
    collect: impl Fn(Vec<W::Record>) -> Configurations,
) -> Result<Ensemble, PhysicsError> {
    let pilot = run_pilot(starter, run)?;
    let schedule = schedule(&pilot, run.work, run.samples);
    let chains = run_chains(starter, run, &schedule, pilot.step)?;
    let quality = Quality::new(&chains, &schedule, pilot.time);
    let (mean_energy, mean_energy_error) =
        mean_with_error(&series(&chains, energy), quality.energy_time);
    Ok(Ensemble {
        method: run.method,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: quality.sweeps,
        autocorrelation_error_sweeps: quality.error_sweeps,
        split_r_hat: quality.chains.split_r_hat,
        sweeps_per_sample: schedule.sweeps_per_sample,
        effective_samples: run.samples as f64 / (2.0 * quality.samples),
        temperatures: 1,
        lowest_exchange_rate: None,
        warnings: warnings(&chains, &schedule, &quality),
        samples: collect(interleave(chains, run.samples)),
    })
}

/// Measures the slowest time, in sweeps, on chains of their own.
fn run_pilot<W: Walker>(starter: Starter<'_, W>, run: &Run<'_>) -> Result<Pilot, PhysicsError> {
    let &Run {
        work,
        streams,
        progress,
        ..
    } = run;
    // The fraction done counts the samples that are kept, so it stays at 0 here.
    let waiting = |_: f64| progress(0.0);
    let meter = Meter::new(&waiting, 1, work);
    let mut walkers = (0..CHAINS)
        .into_par_iter()
        .map(|chain| {
            let mut walker = starter(chain, streams(&format!("pilot {chain}")), None);
            for _ in 0..PILOT_BURN_IN {
                meter.step()?;
                walker.adapt();
            }
            Ok(walker)
        })
        .collect::<Result<Vec<_>, PhysicsError>>()?;
    let mut sweeps = PILOT_SWEEPS.0;
    let time = loop {
        let chains = observe(&mut walkers, sweeps, &meter)?;
        let time = judge(&chains).slowest.unwrap_or(SlowestTime {
            resolved: false,
            ..SlowestTime::INDEPENDENT
        });
        sweeps *= 2;
        let affordable = (CHAINS * sweeps) as f64 * work <= MAX_WORK.0;
        if time.resolved || sweeps > PILOT_SWEEPS.1 || !affordable {
            break time;
        }
    };
    Ok(Pilot {
        time,
        step: walkers.iter().map(Walker::step).sum::<f64>() / CHAINS as f64,
        lanes: walkers[0].starts().len(),
    })
}

/// Observes the first configurations of every walker after every sweep; keeps no
/// record.
fn observe<W: Walker>(
    walkers: &mut [W],
    sweeps: usize,
    meter: &Meter<'_>,
) -> Result<Vec<Chain<W::Record>>, PhysicsError> {
    let run = |walker: &mut W| {
        let mut observations = Vec::with_capacity(sweeps);
        for _ in 0..sweeps {
            meter.step()?;
            walker.sweep();
            let mut observed = walker.observe();
            observed.truncate(PILOT_LANES);
            observations.push(observed);
        }
        let mut starts = walker.starts();
        starts.truncate(PILOT_LANES);
        Ok(Chain {
            starts,
            records: Vec::new(),
            observations,
        })
    };
    walkers.par_iter_mut().map(run).collect()
}

/// Runs all chains; chain `i` draws from the stream `chain {i}`.
fn run_chains<W: Walker>(
    starter: Starter<'_, W>,
    run: &Run<'_>,
    schedule: &Schedule,
    step: f64,
) -> Result<Vec<Chain<W::Record>>, PhysicsError> {
    let steps =
        schedule.chains * (schedule.burn_in + schedule.samples * schedule.sweeps_per_sample);
    let meter = Meter::new(run.progress, steps, run.work);
    let chain = |number: usize| {
        let generator = (run.streams)(&format!("chain {number}"));
        let mut walker = starter(number, generator, Some(step));
        for _ in 0..schedule.burn_in {
            meter.step()?;
            walker.sweep();
        }
        walk(&mut walker, schedule, &meter)
    };
    (0..schedule.chains).into_par_iter().map(chain).collect()
}

/// Runs one chain in equilibrium.
fn walk<W: Walker>(
    walker: &mut W,
    schedule: &Schedule,
    meter: &Meter<'_>,
) -> Result<Chain<W::Record>, PhysicsError> {
    let mut chain = Chain {
        starts: walker.starts(),
        records: Vec::with_capacity(schedule.samples),
        observations: Vec::with_capacity(schedule.samples),
    };
    for _ in 0..schedule.samples {
        for _ in 0..schedule.sweeps_per_sample {
            meter.step()?;
            walker.sweep();
        }
        chain.observations.push(walker.observe());
        chain.records.push(walker.record());
    }
    Ok(chain)
}

/// Lays out chains for `samples` samples.
fn schedule(pilot: &Pilot, work: f64, samples: usize) -> Schedule {
    let time = pilot.time.samples;
    let chains = match pilot.lanes {
        1 => CHAINS.min(samples),
        lanes => (samples / (lanes * SAMPLES_PER_LANE)).clamp(1, CHAINS),
    };
    let samples = samples.div_ceil(chains * pilot.lanes);
    let long_enough = CHAIN_TIMES * time / samples as f64;
    let wanted = (2.0 * time).max(long_enough).ceil();
    let affordable = MAX_WORK.1 / (work * (chains * samples) as f64);
    Schedule {
        chains,
        burn_in: BURN_IN.0.max((BURN_IN.1 * time) as usize),
        samples,
        sweeps_per_sample: (wanted.min(affordable) as usize).max(1),
    }
}

fn energy(observation: &Observation) -> f64 {
    observation.energy
}

fn order(observation: &Observation) -> f64 {
    observation.order
}

fn squared_order(observation: &Observation) -> f64 {
    observation.order.powi(2)
}

/// One series for each configuration of each chain.
fn series<R>(chains: &[Chain<R>], value: impl Fn(&Observation) -> f64) -> Vec<Vec<f64>> {
    let lanes = chains
        .iter()
        .flat_map(|chain| (0..chain.starts.len()).map(move |lane| (chain, lane)));
    lanes
        .map(|(chain, lane)| {
            let observations = chain.observations.iter();
            observations.map(|all| value(&all[lane])).collect()
        })
        .collect()
}

/// Judges chains by energy, order and squared order.
fn judge<R>(chains: &[Chain<R>]) -> ChainQuality {
    let observables = [energy, order, squared_order];
    ChainQuality::new(&observables.map(|value| ObservableSeries::even(series(chains, value))))
}

/// Times that describe the kept samples.
struct Quality {
    /// Slowest time, in samples.
    samples: f64,
    /// Slowest time, in sweeps, and its standard error.
    sweeps: f64,
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
        let borrowed = time_at_spacing(pilot.samples, spacing);
        let judged = judge(chains);
        let kept = judged.slowest.unwrap_or(SlowestTime {
            samples: borrowed,
            ..pilot
        });
        // Samples that are still correlated tell more than the shorter pilot.
        let (sweeps, error_sweeps) = if kept.samples > 1.0 {
            (kept.samples * spacing, kept.standard_error * spacing)
        } else {
            (pilot.samples, pilot.standard_error)
        };
        Self {
            samples: kept.samples,
            sweeps,
            error_sweeps,
            energy_time: judged.first.map_or(borrowed, |time| time.samples),
            resolved: kept.resolved,
            chains: judged,
        }
    }
}

fn warnings<R>(chains: &[Chain<R>], schedule: &Schedule, quality: &Quality) -> Vec<String> {
    let mut warnings = Vec::new();
    let sweeps = schedule.samples * schedule.sweeps_per_sample;
    let times = sweeps as f64 / quality.sweeps;
    if !quality.resolved || times < SHORT_CHAIN_TIMES {
        warnings.push(format!(
            "chains of {sweeps} sweeps are {times:.0} autocorrelation times long, \
             expected at least {SHORT_CHAIN_TIMES}: samples may miss pure states"
        ));
    }
    let disagree = |value: fn(&Observation) -> f64| starts_disagree(chains, value, quality.samples);
    if disagree(energy) || disagree(squared_order) {
        warnings.push(
            "chains from an ordered and from a disordered start disagree on the energy \
             or the squared order: the samples are not in equilibrium"
                .to_owned(),
        );
    }
    warnings.extend(quality.chains.warnings());
    warnings
}

/// Whether the means of both starts differ by more than their errors.
fn starts_disagree<R>(chains: &[Chain<R>], value: impl Fn(&Observation) -> f64, time: f64) -> bool {
    let starts = chains.iter().flat_map(|chain| &chain.starts);
    let (ordered, disordered): (Vec<_>, Vec<_>) = series(chains, value)
        .into_iter()
        .zip(starts)
        .partition(|&(_, &start)| start == Start::Ordered);
    if ordered.is_empty() || disordered.is_empty() {
        return false;
    }
    let estimate = |half: Vec<(Vec<f64>, &Start)>| {
        let values: Vec<Vec<f64>> = half.into_iter().map(|(values, _)| values).collect();
        mean_with_error(&values, time)
    };
    let ((a, a_error), (b, b_error)) = (estimate(ordered), estimate(disordered));
    // Rounding alone may part the means of chains that never move.
    let rounding = 1e-10 * a.abs();
    (a - b).abs() > rounding + DISAGREEMENT * a_error.hypot(b_error)
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
        let turn: Vec<R> = sources
            .iter_mut()
            .filter_map(Iterator::next)
            .flatten()
            .collect();
        collected.extend(turn.into_iter().take(samples - before));
        if collected.len() == before {
            break;
        }
    }
    collected
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::bits::BitMatrix;
    use crate::random::stream;

    /// A stationary Gaussian energy whose `ρ(t)` is `r^t`; nothing is frozen for `r < 1`.
    struct Gaussian {
        start: Start,
        memory: f64,
        energy: f64,
        generator: Generator,
    }

    impl Walker for Gaussian {
        type Record = f64;

        fn starts(&self) -> Vec<Start> {
            vec![self.start]
        }

        fn sweep(&mut self) {
            let noise: f64 = StandardNormal.sample(&mut self.generator);
            let spread = (1.0 - self.memory.powi(2)).sqrt();
            self.energy = self.memory * self.energy + spread * noise;
        }

        fn observe(&self) -> Vec<Observation> {
            vec![Observation {
                energy: self.energy,
                order: self.energy.abs(),
            }]
        }

        fn record(&mut self) -> Vec<f64> {
            vec![self.energy]
        }
    }

    fn run(memory: f64, samples: usize) -> Ensemble {
        let starter = move |chain: usize, generator: Generator, _: Option<f64>| Gaussian {
            start: Start::of(chain),
            memory,
            energy: if chain.is_multiple_of(2) { 0.0 } else { 1.0 },
            generator,
        };
        let run = Run {
            method: SamplingMethod::Metropolis,
            samples,
            work: 1.0,
            streams: &|name| stream("gaussian", &[name]),
            progress: &|_| ControlFlow::Continue(()),
        };
        let collect = |records: Vec<f64>| BitMatrix::zeros(records.len(), 1).into();
        sample(&starter, &run, collect).unwrap()
    }

    #[test]
    fn the_spacing_is_twice_the_slowest_time_of_the_process() {
        for memory in [0.5, 0.9, 0.97] {
            let ensemble = run(memory, 8000);
            let time = 0.5 * (1.0 + memory) / (1.0 - memory);
            let spacing = ensemble.sweeps_per_sample as f64;
            // The pilot has 16,000 sweeps: the time is known to a sixth or better.
            let (shortest, longest) = (2.0 * time / 1.3, 2.0 * time * 1.3 + 1.0);
            assert!(
                (shortest..longest).contains(&spacing),
                "{memory}: {spacing}"
            );
            assert_eq!(ensemble.samples.rows(), 8000);
            assert!(ensemble.effective_samples > 6000.0, "{ensemble:?}");
            // Unit variance: the mean of independent samples, six standard errors.
            assert!(ensemble.mean_energy.abs() < 6.0 / 8000.0_f64.sqrt());
            assert!(ensemble.warnings.is_empty(), "{:?}", ensemble.warnings);
        }
    }

    #[test]
    fn chains_that_never_leave_their_start_are_warned_of() {
        let warnings = run(1.0, 800).warnings;
        let told = |part: &str| warnings.iter().any(|warning| warning.contains(part));
        assert!(told("disagree on the energy"), "{warnings:?}");
        assert!(told("may miss pure states"), "{warnings:?}");
    }
}
