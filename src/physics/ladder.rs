//! The ladder of temperatures, chosen from measured energies.

use super::tempering::{Meter, Start, Tempering, step_work};
use super::{MeanField, PhysicsError, Progress, Replica, Streams};
use crate::random::Generator;

/// Step in `β` times the standard deviation of the energy. For Gaussian energies
/// neighbours then exchange at a rate of `erfc(0.6)`, about 0.4.
const STEP: f64 = 1.2;
/// A gap whose exchange rate is below this is halved.
const LOWEST_RATE: f64 = 0.2;
const HALVINGS: usize = 8;
/// Sweeps that settle one rung on the way down, and that measure its energy.
const COOLING: (usize, usize) = (60, 240);
/// Sweeps that settle a whole ladder, and that count its exchanges.
const EXCHANGING: (usize, usize) = (500, 1000);

/// Chooses rising values of `β` from `from` to `to`, both included.
///
/// One replica is cooled from `from`. At each rung the standard deviation of its
/// energy is measured over 240 sweeps, and the next `β` is `1.2` of its inverses
/// further on. Then replicas on the ladder are run as often as needed, at most
/// eight times, and gaps whose exchange rate is below 0.2 are halved.
pub(super) fn choose<M: MeanField>(
    model: &M,
    (from, to): (f64, f64),
    streams: Streams<'_>,
    progress: Progress<'_>,
) -> Result<Vec<f64>, PhysicsError> {
    if from >= to {
        return Ok(vec![to]);
    }
    let mut betas = cool(model, (from, to), &mut streams("ladder"), progress)?;
    for round in 0..HALVINGS {
        let rates = exchange_rates(model, &betas, streams(&format!("ladder {round}")), progress)?;
        if rates.iter().all(|&rate| rate >= LOWEST_RATE) {
            break;
        }
        betas = halve_gaps(&betas, &rates);
    }
    Ok(betas)
}

fn cool<M: MeanField>(
    model: &M,
    (from, to): (f64, f64),
    generator: &mut Generator,
    progress: Progress<'_>,
) -> Result<Vec<f64>, PhysicsError> {
    let (settling, measuring) = COOLING;
    let mut betas = vec![from];
    let mut beta = from;
    let mut replica = Replica::random(model, generator);
    // Nobody knows yet how many rungs there will be, so the fraction stays at 0.
    let meter = Meter::new(progress, usize::MAX, step_work(model, 1));
    while beta < to {
        let mut energies = Vec::with_capacity(measuring);
        for sweep in 0..settling + measuring {
            meter.step()?;
            replica.sweep(model, beta, generator);
            replica.jump(model, beta, generator);
            if sweep >= settling {
                energies.push(replica.energy(model));
            }
        }
        beta = (beta + STEP / deviation(&energies)).min(to);
        betas.push(beta);
    }
    Ok(betas)
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / values.len() as f64).sqrt()
}

fn exchange_rates<M: MeanField>(
    model: &M,
    betas: &[f64],
    generator: Generator,
    progress: Progress<'_>,
) -> Result<Vec<f64>, PhysicsError> {
    let meter = Meter::new(progress, usize::MAX, step_work(model, betas.len()));
    let mut tempering = Tempering::new(model, betas, Start::Disordered, generator);
    let (settling, measuring) = EXCHANGING;
    for sweep in 0..settling + measuring {
        meter.step()?;
        if sweep == settling {
            tempering.reset_exchanges();
        }
        tempering.step();
    }
    Ok(tempering
        .exchanges()
        .iter()
        .map(|pair| pair.rate())
        .collect())
}

fn halve_gaps(betas: &[f64], rates: &[f64]) -> Vec<f64> {
    let mut finer = vec![betas[0]];
    for (pair, &rate) in betas.windows(2).zip(rates) {
        if rate < LOWEST_RATE {
            finer.push(f64::midpoint(pair[0], pair[1]));
        }
        finer.push(pair[1]);
    }
    finer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Hopfield, SpinField, draw_patterns};
    use crate::random::stream;
    use std::ops::ControlFlow;

    #[test]
    fn the_ladder_rises_from_end_to_end_and_its_neighbours_exchange() {
        let stored = draw_patterns(5, 200, &mut stream("patterns", &[]));
        let field = SpinField::new(&Hopfield::new(stored, 0.5).unwrap());
        let streams = |name: &str| stream("ladder", &[name]);
        let go_on = |_: f64| ControlFlow::Continue(());
        let betas = choose(&field, (0.5, 2.0), &streams, &go_on).unwrap();
        assert!((betas[0] - 0.5).abs() < 1e-15 && (betas[betas.len() - 1] - 2.0).abs() < 1e-15);
        assert!(betas.windows(2).all(|pair| pair[0] < pair[1]));
        let rates = exchange_rates(&field, &betas, stream("check", &[]), &go_on).unwrap();
        // 500 tries a pair: 0.2 less four standard errors of correlated tries.
        assert!(rates.iter().all(|&rate| rate > 0.1), "{rates:?}");
    }

    #[test]
    fn gaps_that_rarely_exchange_are_halved() {
        let finer = halve_gaps(&[0.0, 1.0, 3.0], &[0.9, 0.01]);
        assert_eq!(finer, [0.0, 1.0, 2.0, 3.0]);
    }
}
