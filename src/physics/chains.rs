//! Independent Markov chains of replica exchange, run side by side.

use rayon::prelude::*;

use super::tempering::{Exchanges, Meter, Tempering, step_work};
use super::{MeanField, PhysicsError, Progress, Streams};

/// How long chains run and how often they keep a sample.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// Rising `β`; samples are kept at the last.
    pub(super) betas: Vec<f64>,
    pub(super) chains: usize,
    /// Sweeps thrown away at the start of each chain.
    pub(super) burn_in: usize,
    pub(super) samples_per_chain: usize,
    pub(super) sweeps_per_sample: usize,
}

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

/// Runs all chains; chain `i` draws from the stream `{name} {i}`.
///
/// The result is the same for any number of threads.
pub(super) fn run_chains<M: MeanField>(
    model: &M,
    schedule: &Schedule,
    name: &str,
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Vec<Chain<M::Record>>, PhysicsError> {
    let steps = schedule.burn_in + schedule.samples_per_chain * schedule.sweeps_per_sample;
    let work = step_work(model, schedule.betas.len());
    let meter = Meter::new(progress, schedule.chains * steps, work);
    (0..schedule.chains)
        .into_par_iter()
        .map(|chain| {
            let generator = streams(&format!("{name} {chain}"));
            let tempering = Tempering::new(model, &schedule.betas, generator);
            run_chain(model, schedule, tempering, &meter)
        })
        .collect()
}

fn run_chain<M: MeanField>(
    model: &M,
    schedule: &Schedule,
    mut tempering: Tempering<'_, M>,
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
        chain.keep(model, &tempering);
    }
    chain.exchanges = tempering.exchanges().to_vec();
    Ok(chain)
}
