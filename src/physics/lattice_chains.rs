//! Markov chains of lattice models: burn-in, spacing and quality of what is kept.
//!
//! A model brings a [`Walker`]: one configuration, or several independent ones side
//! by side, that a sweep moves. Half of all configurations start ordered, half
//! disordered, so that a phase which keeps one of both apart is noticed.

use rayon::prelude::*;

use super::diagnostics::{ChainQuality, ObservableSeries, SlowestTime, mean_with_error};
use super::lengthening::{Judged, Plan, Quality, Schedule, interleave, run_until_good};
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
/// A configuration moves for at least this many autocorrelation times where work allows.
const CHAIN_TIMES: f64 = 100.0;
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

/// What a pilot found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pilot {
    /// In sweeps.
    pub(super) time: SlowestTime,
    pub(super) step: f64,
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
///
/// Then the chains are judged. If they turn out shorter than `50 τ`, disagree (split `R̂`
/// above 1.01, or by their starts) or are worth less than half as many independent
/// samples, they run on as [`run_until_good`] has it.
pub(super) fn sample<W: Walker>(
    starter: Starter<'_, W>,
    run: &Run<'_>,
    collect: impl Fn(Vec<W::Record>) -> Configurations,
) -> Result<Ensemble, PhysicsError> {
    let pilot = run_pilot(starter, run)?;
    sample_after(&pilot, starter, run, collect)
}

/// Draws configurations, given what a pilot found.
pub(super) fn sample_after<W: Walker>(
    pilot: &Pilot,
    starter: Starter<'_, W>,
    run: &Run<'_>,
    collect: impl Fn(Vec<W::Record>) -> Configurations,
) -> Result<Ensemble, PhysicsError> {
    let judged = run_chains(pilot, starter, run)?;
    let quality = judged.quality;
    let (mean_energy, mean_energy_error) =
        mean_with_error(&series(&judged.chains, energy), quality.energy_time);
    let warnings = judged.warnings();
    let records = judged.chains.into_iter();
    let records = records.map(|chain| chain.records.into_iter());
    Ok(Ensemble {
        method: run.method,
        mean_energy,
        mean_energy_error,
        autocorrelation_sweeps: quality.sweeps,
        autocorrelation_error_sweeps: quality.error_sweeps,
        split_r_hat: quality.chains.split_r_hat,
        sweeps_per_sample: judged.schedule.sweeps_per_sample,
        effective_samples: quality.effective(run.samples),
        temperatures: 1,
        lowest_exchange_rate: None,
        warnings,
        samples: collect(interleave(records.collect(), run.samples)),
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

/// Starts chains, of which chain `i` draws from the stream `chain {i}`, and runs them
/// until they are good enough.
fn run_chains<W: Walker>(
    pilot: &Pilot,
    starter: Starter<'_, W>,
    run: &Run<'_>,
) -> Result<Judged<Vec<Chain<W::Record>>>, PhysicsError> {
    let start = |number: usize| {
        let generator = (run.streams)(&format!("chain {number}"));
        starter(number, generator, Some(pilot.step))
    };
    let mut walkers = vec![start(0)];
    let plan = plan(walkers[0].starts().len(), run);
    walkers.extend((1..plan.chains).map(start));
    let first = plan.first(pilot.time.samples);
    let on = |schedule: &Schedule, progress: Progress<'_>| {
        let meter = Meter::new(progress, plan.chains * schedule.sweeps(), run.work);
        let chains = walkers.par_iter_mut();
        chains
            .map(|walker| walk(walker, schedule, &meter))
            .collect::<Result<Vec<_>, _>>()
    };
    run_until_good(
        &plan,
        first,
        run.progress,
        on,
        |chains: &Vec<_>, schedule| quality(chains, schedule, pilot.time),
    )
}

/// Runs one chain on.
fn walk<W: Walker>(
    walker: &mut W,
    schedule: &Schedule,
    meter: &Meter<'_>,
) -> Result<Chain<W::Record>, PhysicsError> {
    for _ in 0..schedule.burn_in {
        meter.step()?;
        walker.sweep();
    }
    let samples = schedule.samples_per_chain;
    let mut chain = Chain {
        starts: walker.starts(),
        records: Vec::with_capacity(samples),
        observations: Vec::with_capacity(samples),
    };
    for _ in 0..samples {
        for _ in 0..schedule.sweeps_per_sample {
            meter.step()?;
            walker.sweep();
        }
        chain.observations.push(walker.observe());
        chain.records.push(walker.record());
    }
    Ok(chain)
}

/// Chains for the samples of a run, of walkers that move `lanes` configurations at once.
fn plan(lanes: usize, run: &Run<'_>) -> Plan {
    let chains = match lanes {
        1 => CHAINS.min(run.samples),
        lanes => (run.samples / (lanes * SAMPLES_PER_LANE)).clamp(1, CHAINS),
    };
    Plan {
        chains,
        samples_per_chain: run.samples.div_ceil(chains * lanes),
        chain_times: CHAIN_TIMES,
        sweep_work: run.work,
        most_work: MAX_WORK.1,
        unit: "updates of single sites",
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

/// Judges chains, by their starts as well.
fn quality<R>(chains: &[Chain<R>], schedule: &Schedule, pilot: SlowestTime) -> Quality {
    let mut quality = Quality::new(judge(chains), schedule, pilot);
    let disagree = |value: fn(&Observation) -> f64| starts_disagree(chains, value, quality.samples);
    let disagreement = disagree(energy) || disagree(squared_order);
    quality.chains.disagreement |= disagreement;
    quality
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

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Mutex;

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

    /// Runs a process; every sweep costs `work`.
    fn run_at(
        memory: f64,
        samples: usize,
        work: f64,
        progress: Progress<'_>,
    ) -> Result<Ensemble, PhysicsError> {
        let starter = move |chain: usize, generator: Generator, _: Option<f64>| Gaussian {
            start: Start::of(chain),
            memory,
            energy: if chain.is_multiple_of(2) { 0.0 } else { 1.0 },
            generator,
        };
        let run = Run {
            method: SamplingMethod::Metropolis,
            samples,
            work,
            streams: &|name| stream("gaussian", &[name]),
            progress,
        };
        let collect = |records: Vec<f64>| BitMatrix::zeros(records.len(), 1).into();
        sample(&starter, &run, collect)
    }

    fn go_on(_: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn run(memory: f64, samples: usize) -> Ensemble {
        run_at(memory, samples, 1.0, &go_on).unwrap()
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

    /// `ρ(t) = r^t` with the time `(1 + r) / 2(1 - r)` of 20,000 sweeps. The longest pilot
    /// has 8000, so that it takes the time for 4000 at most.
    const SLOW: f64 = (40_000.0 - 1.0) / (40_000.0 + 1.0);

    #[test]
    fn a_spacing_that_the_pilot_made_too_short_is_lengthened_until_chains_are_good() {
        let ensemble = run(SLOW, 800);
        // The pilot asks for 8000 at most, and what is added at least doubles it.
        assert!(ensemble.sweeps_per_sample >= 2 * 8000, "{ensemble:?}");
        assert!(ensemble.split_r_hat.unwrap() < 1.0 + 1.0 / 50.0);
        assert!(ensemble.effective_samples > 400.0, "{ensemble:?}");
        assert!(ensemble.warnings.is_empty(), "{:?}", ensemble.warnings);
        // Unit variance, four standard errors.
        assert!(ensemble.mean_energy.abs() < 4.0 / ensemble.effective_samples.sqrt());
    }

    #[test]
    fn chains_that_may_not_run_on_say_so() {
        // Spacings up to 2e10 / (800 · 2000) = 12,500 sweeps: more than 8000, less than
        // twice as many.
        let ensemble = run_at(SLOW, 800, 2000.0, &go_on).unwrap();
        assert!((8000..=12_500).contains(&ensemble.sweeps_per_sample));
        let said = ensemble.warnings.join("; ");
        assert!(said.contains("autocorrelation times long"), "{said}");
        assert!(said.contains("of as many independent ones"), "{said}");
        assert!(
            said.contains("limit of 2e10 updates of single sites"),
            "{said}"
        );
    }

    #[test]
    fn a_break_ends_chains_that_run_on() {
        // Only a stretch that is added makes the fraction fall back.
        let highest = Mutex::new(0.0_f64);
        let stop_after_the_first = |done: f64| {
            let mut highest = highest.lock().unwrap();
            if done + 0.3 < *highest {
                return ControlFlow::Break(());
            }
            *highest = highest.max(done);
            ControlFlow::Continue(())
        };
        let stopped = run_at(SLOW, 800, 2000.0 / 4.0, &stop_after_the_first);
        assert_eq!(stopped, Err(PhysicsError::Cancelled));
    }

    #[test]
    fn the_number_of_threads_does_not_change_chains_that_run_on() {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| run(SLOW, 160))
        };
        assert_eq!(with(1), with(3));
    }
}
