//! Chains that run on until they are good enough, or a stated limit is reached.
//!
//! What moves is no concern of this module: it lays chains out, has their owner run
//! them, judges what they kept, and has them run on over longer stretches. Where nothing
//! more helps or is allowed, the warnings say what falls short and which limit stood.

use std::ops::ControlFlow;

use super::diagnostics::{ChainQuality, SlowestTime};
use super::{PhysicsError, Progress};

/// Shortest burn-in in sweeps, and in autocorrelation times.
const BURN_IN: (usize, f64) = (500, 20.0);
/// Fewer autocorrelation times than this are too few for a chain.
const SHORT_CHAIN_TIMES: f64 = 50.0;
/// The part of the samples that they should be worth in independent ones. A spacing of
/// two autocorrelation times gives three quarters and more.
const EFFECTIVE_PART: f64 = 0.5;
/// How often chains are run on, and how much longer each time.
const LENGTHENINGS: usize = 2;
const FACTORS: (f64, f64) = (2.0, 4.0);
/// Chains that disagree by this `R̂` sit in states of their own: no run a few times as
/// long brings them together.
const HOPELESS_R_HAT: f64 = 2.0;

/// How long chains run and how often they keep a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Sweeps thrown away at the start of each chain.
    pub(super) burn_in: usize,
    pub(super) samples_per_chain: usize,
    pub(super) sweeps_per_sample: usize,
}

impl Schedule {
    /// Sweeps between the first and the last sample that a chain keeps.
    pub(super) fn kept_sweeps(&self) -> usize {
        self.samples_per_chain * self.sweeps_per_sample
    }

    /// All sweeps of a chain.
    pub(super) fn sweeps(&self) -> usize {
        self.burn_in + self.kept_sweeps()
    }
}

/// What chains should reach and may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Chains side by side; the number never depends on the machine.
    pub(super) chains: usize,
    pub(super) samples_per_chain: usize,
    /// A chain runs for at least this many autocorrelation times where work allows.
    pub(super) chain_times: f64,
    /// Work of one sweep of one chain, in `unit`.
    pub(super) sweep_work: f64,
    /// Most work that a stretch may take, without its burn-in.
    pub(super) most_work: f64,
    /// What work is counted in, such as `updates of single sites`.
    pub(super) unit: &'static str,
}

impl Plan {
    /// Lays out the first stretch for an autocorrelation time of `time` sweeps.
    ///
    /// A sample is kept every `ceil(2 τ)` sweeps; more rarely if chains would be too
    /// short, more often if the work would exceed its limit.
    #[expect(clippy::cast_sign_loss, reason = "times and work are positive")]
    pub(super) fn first(&self, time: f64) -> Schedule {
        let long_enough = self.chain_times * time / self.samples_per_chain as f64;
        let wanted = (2.0 * time).max(long_enough).ceil();
        Schedule {
            burn_in: BURN_IN.0.max((BURN_IN.1 * time) as usize),
            samples_per_chain: self.samples_per_chain,
            sweeps_per_sample: (wanted.min(self.longest_spacing()) as usize).max(1),
        }
    }

    /// Sweeps between two samples that the limit of work allows.
    fn longest_spacing(&self) -> f64 {
        self.most_work / (self.sweep_work * (self.chains * self.samples_per_chain) as f64)
    }

    /// As many samples over a longer stretch, if there should and may be one; all sweeps
    /// so far are its burn-in.
    #[expect(clippy::cast_sign_loss, reason = "clamped to positive numbers")]
    fn next(
        &self,
        schedule: &Schedule,
        quality: &Quality,
        lengthened: usize,
    ) -> ControlFlow<Stop, Schedule> {
        if quality.suffices(schedule) {
            return ControlFlow::Break(Stop::Good);
        }
        if !quality.may_improve() {
            return ControlFlow::Break(Stop::Hopeless);
        }
        if lengthened == LENGTHENINGS {
            return ControlFlow::Break(Stop::Lengthenings);
        }
        let (least, most) = FACTORS;
        let spacing = schedule.sweeps_per_sample as f64;
        let too_short = self.chain_times / quality.times(schedule);
        let wanted = too_short.max(2.0 * quality.samples).clamp(least, most);
        let sweeps = (wanted * spacing).ceil().min(self.longest_spacing());
        if sweeps < least * spacing {
            return ControlFlow::Break(Stop::Work);
        }
        ControlFlow::Continue(Schedule {
            burn_in: 0,
            sweeps_per_sample: sweeps as usize,
            ..*schedule
        })
    }
}

/// Why chains do not run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// They are good enough.
    Good,
    /// They ran on as often as they may.
    Lengthenings,
    /// A longer stretch would be too much work.
    Work,
    /// They sit apart for good.
    Hopeless,
}

/// Times that describe the kept samples, and how the chains agree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quality {
    /// Slowest time, in samples.
    pub(super) samples: f64,
    /// Slowest time, in sweeps.
    pub(super) sweeps: f64,
    /// Standard error of the slowest time, in sweeps.
    pub(super) error_sweeps: f64,
    /// Time of the energy, in samples.
    pub(super) energy_time: f64,
    resolved: bool,
    pub(super) chains: ChainQuality,
}

impl Quality {
    /// What was found of the kept samples; chains too short for that borrow from the
    /// pilot, whose time is in sweeps.
    pub(super) fn new(chains: ChainQuality, schedule: &Schedule, pilot: SlowestTime) -> Self {
        let spacing = schedule.sweeps_per_sample as f64;
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

    /// Independent samples that `samples` of them are worth.
    pub(super) fn effective(&self, samples: usize) -> f64 {
        samples as f64 / (2.0 * self.samples)
    }

    /// Length of the chains in autocorrelation times.
    fn times(&self, schedule: &Schedule) -> f64 {
        schedule.kept_sweeps() as f64 / self.sweeps
    }

    fn long_enough(&self, schedule: &Schedule) -> bool {
        self.resolved && self.times(schedule) >= SHORT_CHAIN_TIMES
    }

    fn worth_enough(&self) -> bool {
        self.effective(1) >= EFFECTIVE_PART
    }

    fn may_improve(&self) -> bool {
        self.chains
            .split_r_hat
            .is_none_or(|found| found < HOPELESS_R_HAT)
    }

    /// Whether chains are long enough, agree, and are worth enough samples.
    pub(super) fn suffices(&self, schedule: &Schedule) -> bool {
        self.long_enough(schedule) && self.worth_enough() && self.chains.agrees()
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

/// Chains as they are kept, and what was found of them.
pub(super) struct Judged<C> {
    plan: Plan,
    pub(super) chains: C,
    pub(super) schedule: Schedule,
    pub(super) quality: Quality,
    /// How often the chains ran on after their first stretch.
    pub(super) lengthened: usize,
    pub(super) stop: Stop,
}

/// Runs chains over a first stretch, and on over longer ones while they are not good
/// enough and may still become so.
///
/// `run` moves the same chains on by a schedule and gives what they kept over it; earlier
/// samples are thrown away. A stretch is 2 to 4 times as long as the one before it, there
/// are at most two such, none beyond the limit of work, and none if `R̂` is 2 or more.
/// `progress` hears which part is done of the sweeps that are planned by then: it falls
/// back when a further stretch is added.
pub(super) fn run_until_good<C>(
    plan: &Plan,
    first: Schedule,
    progress: Progress<'_>,
    mut run: impl FnMut(&Schedule, Progress<'_>) -> Result<C, PhysicsError>,
    judge: impl Fn(&C, &Schedule) -> Quality,
) -> Result<Judged<C>, PhysicsError> {
    let mut schedule = first;
    let (mut done, mut lengthened) = (0.0, 0);
    loop {
        let sweeps = schedule.sweeps() as f64;
        let planned = done + sweeps;
        let chains = run(&schedule, &|part| {
            progress((done + part * sweeps) / planned)
        })?;
        done = planned;
        let quality = judge(&chains, &schedule);
        match plan.next(&schedule, &quality, lengthened) {
            ControlFlow::Continue(longer) => schedule = longer,
            ControlFlow::Break(stop) => {
                return Ok(Judged {
                    plan: *plan,
                    chains,
                    schedule,
                    quality,
                    lengthened,
                    stop,
                });
            }
        }
        lengthened += 1;
    }
}

impl<C> Judged<C> {
    /// What falls short, and the limit that kept the chains from running on.
    pub(super) fn warnings(&self) -> Vec<String> {
        let (schedule, quality) = (&self.schedule, &self.quality);
        let mut warnings = Vec::new();
        if !quality.long_enough(schedule) {
            let (sweeps, times) = (schedule.kept_sweeps(), quality.times(schedule));
            warnings.push(format!(
                "chains of {sweeps} sweeps are {times:.0} autocorrelation times long, \
                 expected at least {SHORT_CHAIN_TIMES}: samples may miss pure states"
            ));
        }
        if !quality.worth_enough() {
            warnings.push(format!(
                "samples are worth {:.3} of as many independent ones, expected at least \
                 {EFFECTIVE_PART}",
                quality.effective(1)
            ));
        }
        warnings.extend(quality.chains.warnings());
        warnings.extend(self.limit());
        warnings
    }

    /// Why chains that are not good enough were not run on.
    fn limit(&self) -> Option<String> {
        let times = self.lengthened;
        match self.stop {
            Stop::Good => None,
            Stop::Lengthenings => Some(format!(
                "chains were lengthened {times} times, which is the limit"
            )),
            Stop::Work => Some(format!(
                "chains were lengthened {times} times; more would exceed the limit of \
                 {:.0e} {}",
                self.plan.most_work, self.plan.unit
            )),
            Stop::Hopeless => Some(format!(
                "chains were lengthened {times} times; from a split R-hat of \
                 {HOPELESS_R_HAT} on they are not, as they sit in states of their own"
            )),
        }
    }
}

/// The records of all chains in turn: each gives those of one sample, then the next.
pub(super) fn interleave<I>(
    mut chains: Vec<I>,
    samples: usize,
) -> Vec<<I::Item as IntoIterator>::Item>
where
    I: Iterator,
    I::Item: IntoIterator,
{
    let mut collected = Vec::with_capacity(samples);
    while collected.len() < samples {
        let before = collected.len();
        let turn = chains.iter_mut().filter_map(Iterator::next).flatten();
        collected.extend(turn.take(samples - before));
        if collected.len() == before {
            break;
        }
    }
    collected
}

#[cfg(test)]
mod tests;
