//! Replica exchange: one replica at each temperature of a ladder.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{MeanField, PhysicsError, Progress, Replica, report};
use crate::random::{Generator, uniform};

/// Site-feature products between two reports: some milliseconds of work.
const WORK_PER_REPORT: f64 = 2e7;

/// Replicas of one model at rising `β`, which trade places.
///
/// With a single `β` a step is a plain sweep, the block Gibbs sampler. With more
/// it is a sweep and a jump of every replica, then a Metropolis exchange of every
/// other neighbouring pair, even and odd pairs in turn.
pub(super) struct Tempering<'a, M: MeanField> {
    model: &'a M,
    betas: &'a [f64],
    /// `replicas[i]` is at `betas[i]`.
    replicas: Vec<Replica<M::Sites>>,
    exchanges: Vec<Exchanges>,
    first_pair: usize,
    generator: Generator,
}

/// How often two neighbouring temperatures tried to exchange, and did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exchanges {
    tried: u64,
    done: u64,
}

impl Exchanges {
    /// Fraction of exchanges done; 1 before the first was tried.
    pub(super) fn rate(self) -> f64 {
        if self.tried == 0 {
            1.0
        } else {
            self.done as f64 / self.tried as f64
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.done += other.done;
    }
}

/// Where a chain starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Every replica at infinite temperature.
    Disordered,
    /// Every replica aligned along this component of the total feature.
    Ordered(usize),
}

impl Start {
    /// Chains 0, 2, … start from disorder, the others from order along one component
    /// after the other, so that chains that agree have forgotten where they began.
    pub(super) fn of_chain<M: MeanField>(model: &M, chain: usize) -> Self {
        if chain.is_multiple_of(2) {
            Self::Disordered
        } else {
            Self::Ordered(chain / 2 % model.dimension())
        }
    }
}

impl<'a, M: MeanField> Tempering<'a, M> {
    /// Starts every replica at a configuration of its own.
    pub(super) fn new(
        model: &'a M,
        betas: &'a [f64],
        start: Start,
        mut generator: Generator,
    ) -> Self {
        let replica = |generator: &mut Generator| match start {
            Start::Disordered => Replica::random(model, generator),
            Start::Ordered(component) => Replica::ordered(model, component, generator),
        };
        let replicas = betas.iter().map(|_| replica(&mut generator)).collect();
        Self {
            model,
            betas,
            replicas,
            exchanges: vec![Exchanges::default(); betas.len().saturating_sub(1)],
            first_pair: 0,
            generator,
        }
    }

    /// Moves all replicas on by one sweep.
    pub(super) fn step(&mut self) {
        for (replica, &beta) in self.replicas.iter_mut().zip(self.betas) {
            replica.sweep(self.model, beta, &mut self.generator);
            if self.betas.len() > 1 {
                replica.jump(self.model, beta, &mut self.generator);
            }
        }
        for pair in (self.first_pair..self.exchanges.len()).step_by(2) {
            self.exchange(pair);
        }
        self.first_pair = 1 - self.first_pair;
    }

    fn exchange(&mut self, pair: usize) {
        let energy = |level: usize| self.replicas[level].energy(self.model);
        let step = self.betas[pair + 1] - self.betas[pair];
        let log_ratio = step * (energy(pair + 1) - energy(pair));
        let accepted = uniform(&mut self.generator) < log_ratio.exp();
        if accepted {
            self.replicas.swap(pair, pair + 1);
        }
        self.exchanges[pair].add(Exchanges {
            tried: 1,
            done: u64::from(accepted),
        });
    }

    /// Forgets the exchanges counted so far.
    pub(super) fn reset_exchanges(&mut self) {
        self.exchanges.fill(Exchanges::default());
    }

    /// Exchanges of each pair of neighbours.
    pub(super) fn exchanges(&self) -> &[Exchanges] {
        &self.exchanges
    }

    /// The replica at each `β`, in the order of the ladder.
    pub(super) fn replicas(&self) -> &[Replica<M::Sites>] {
        &self.replicas
    }

    /// The energy at each `β`, in units of `J`.
    pub(super) fn energies(&self) -> impl Iterator<Item = f64> + '_ {
        self.replicas
            .iter()
            .map(|replica| replica.energy(self.model))
    }
}

/// Site-feature products that one step costs, roughly.
pub(super) fn step_work<M: MeanField>(model: &M, levels: usize) -> f64 {
    // Field, totals and the totals of a jump; random numbers and exponentials.
    levels as f64 * model.sites() as f64 * (3.0 * model.dimension() as f64 + 10.0)
}

/// Counts steps of several chains and reports the fraction done.
pub(super) struct Meter<'a> {
    progress: Progress<'a>,
    done: AtomicUsize,
    total: usize,
    every: usize,
}

impl<'a> Meter<'a> {
    /// A meter for `total` steps of `step_work` products each.
    pub(super) fn new(progress: Progress<'a>, total: usize, step_work: f64) -> Self {
        #[expect(clippy::cast_sign_loss, reason = "work is positive")]
        let every = (WORK_PER_REPORT / step_work) as usize;
        Self {
            progress,
            done: AtomicUsize::new(0),
            total: total.max(1),
            every: every.max(1),
        }
    }

    /// Counts one step; says `Cancelled` if the callback wants to stop.
    pub(super) fn step(&self) -> Result<(), PhysicsError> {
        let done = self.done.fetch_add(1, Ordering::Relaxed);
        if done.is_multiple_of(self.every) {
            report(self.progress, done as f64 / self.total as f64)?;
        }
        Ok(())
    }
}
