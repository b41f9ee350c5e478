//! Site updates a second of the samplers of the Ising torus, one thread.
//!
//! 32 x 32 sites at the critical temperature. Metropolis visits sites and moves 64
//! lattices at once, Swendsen and Wang visit the sites of one, Wolff flips clusters of
//! one: an update is a site visited, or with Wolff a site flipped.
//!
//! ```text
//! cargo bench --bench lattice                        # a table
//! cargo bench --bench lattice -- METHOD SWEEPS SEED  # updates,seconds,energy a site
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

mod timing;

use std::error::Error;
use std::time::Instant;

use latentfield::physics::{Ising2d, SamplingMethod, Updates};
use latentfield::random::stream;
use timing::{arguments, median, single_thread};

const ROUNDS: usize = 7;
const SIDE: usize = 32;
/// Sweeps, or clusters with Wolff, that take some tenths of a second.
const SAMPLERS: [(SamplingMethod, usize); 3] = [
    (SamplingMethod::Metropolis, 50_000),
    (SamplingMethod::Wolff, 50_000),
    (SamplingMethod::SwendsenWang, 20_000),
];

struct Timed {
    run: Updates,
    seconds: f64,
}

fn time(method: SamplingMethod, sweeps: usize, seed: &str) -> Result<Timed, Box<dyn Error>> {
    let model = Ising2d::new(SIDE, Ising2d::critical_temperature())?;
    let generator = stream(seed, &["bench", method.name()]);
    let start = Instant::now();
    let run = model.run(method, sweeps, generator)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Timed { run, seconds })
}

/// One run as a line of numbers, for other programs.
fn report(method: &str, sweeps: &str, seed: &str) -> Result<(), Box<dyn Error>> {
    let known = SAMPLERS.iter().find(|(known, _)| known.name() == method);
    let (method, _) = known.ok_or_else(|| format!("no sampler `{method}`"))?;
    let Timed { run, seconds } = time(*method, sweeps.parse()?, seed)?;
    println!("{},{seconds},{}", run.updates, run.energy_per_site);
    Ok(())
}

fn table() -> Result<(), Box<dyn Error>> {
    println!("{SIDE} x {SIDE} sites at the critical temperature, {ROUNDS} rounds");
    println!("{:<14} {:>20}", "method", "million updates /s");
    let mut rates = [const { Vec::new() }; SAMPLERS.len()];
    for round in 0..ROUNDS {
        for ((method, sweeps), rates) in SAMPLERS.into_iter().zip(&mut rates) {
            let Timed { run, seconds } = time(method, sweeps, &round.to_string())?;
            rates.push(1e-6 * run.updates as f64 / seconds);
        }
    }
    for ((method, _), rates) in SAMPLERS.into_iter().zip(rates) {
        println!("{:<14} {:>20.1}", method.name(), median(rates));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    single_thread()?;
    match &arguments()[..] {
        [] => table(),
        [method, sweeps, seed] => report(method, sweeps, seed),
        _ => Err("expected no arguments, or METHOD SWEEPS SEED".into()),
    }
}
