//! Independent Markov chains of replica exchange, run side by side.

use rayon::prelude::*;

use super::lengthening::Schedule;
use super::tempering::{Exchanges, Meter, Start, Tempering, step_work};
use super::{MeanField, PhysicsError, Progress, Streams};

/// What one chain kept at the lowest temperature.
pub(super) struct Chain<R> {
    pub(super) records: Vec<R>,
    /// Energies of the samples, in units of `J`.
    pub(super) energies: Vec<f64>,
    /// For each component of the total feature its value in every sample.
    pub(super) totals: Vec<Vec<f64>>,
    pub(super) exchanges: Vec<Exchanges>,
}

impl<R> Chain<R> {
    fn new(dimension: usize, samples: usize) -> Self {
        Self {
            records: Vec::with_capacity(samples),
            energies: Vec::with_capacity(samples),
            totals: vec![Vec::with_capacity(samples); dimension],
            exchanges: Vec::new(),
        }
    }

    fn keep<M>(&mut self, model: &M, tempering: &Tempering<'_, M>)
    where
        M: MeanField<Record = R>,
    {
        let Some(coldest) = tempering.replicas().last() else {
            return;
        };
        self.records.push(model.record(coldest.sites()));
        self.energies.push(coldest.energy(model));
        for (series, &total) in self.totals.iter_mut().zip(coldest.total()) {
            series.push(total);
        }
    }
}

/// Chains that can be run on from where they stand.
pub(super) struct Walkers<'a, M: MeanField> {
    model: &'a M,
    chains: Vec<Tempering<'a, M>>,
    step_work: f64,
}

impl<'a, M: MeanField> Walkers<'a, M> {
    /// Starts `count` chains on the ladder `betas`, rising values whose last is that
    /// of the samples; chain `i` draws from the stream `{name} {i}`.
    ///
    /// Half of them start from disorder, half from order ([`Start::of_chain`]).
    pub(super) fn start(
        model: &'a M,
        betas: &'a [f64],
        count: usize,
        name: &str,
        streams: Streams<'_>,
    ) -> Self {
        let walker = |chain: usize| {
            let generator = streams(&format!("{name} {chain}"));
            Tempering::new(model, betas, Start::of_chain(model, chain), generator)
        };
        Self {
            model,
            chains: (0..count).map(walker).collect(),
            step_work: step_work(model, betas.len()),
        }
    }

    /// Runs all chains on by `schedule`.
    ///
    /// The result is the same for any number of threads.
    pub(super) fn run(
        &mut self,
        schedule: &Schedule,
        progress: Progress<'_>,
    ) -> Result<Vec<Chain<M::Record>>, PhysicsError> {
        let steps = self.chains.len() * schedule.sweeps();
        let meter = Meter::new(progress, steps, self.step_work);
        let model = self.model;
        self.chains
            .par_iter_mut()
            .map(|walker| run_chain(model, schedule, walker, &meter))
            .collect()
    }
}

fn run_chain<M: MeanField>(
    model: &M,
    schedule: &Schedule,
    tempering: &mut Tempering<'_, M>,
    meter: &Meter<'_>,
) -> Result<Chain<M::Record>, PhysicsError> {
    for _ in 0..schedule.burn_in {
        meter.step()?;
        tempering.step();
    }
    tempering.reset_exchanges();
    let mut chain = Chain::new(model.dimension(), schedule.samples_per_chain);
    for _ in 0..schedule.samples_per_chain {
        for _ in 0..schedule.sweeps_per_sample {
            meter.step()?;
            tempering.step();
        }
        chain.keep(model, tempering);
    }
    chain.exchanges = tempering.exchanges().to_vec();
    Ok(chain)
}
