//! Configurations a second of the three samplers of the Hopfield model, one thread.
//!
//! What is timed is [`System::sample`] itself, so that pilots, ladders, burn-in and the
//! sweeps between two kept configurations are included. 100 sites, 3 patterns.
//! Gibbs runs in the disordered phase, where it is chosen; the others run below
//! the ordering temperature.
//!
//! ```text
//! cargo bench --bench sampling                     # a table
//! cargo bench --bench sampling -- curie_weiss SITES TEMPERATURE SAMPLES SEED
//! cargo bench --bench sampling -- hopfield PATTERNS TEMPERATURE SAMPLES SEED
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

mod timing;

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use latentfield::bits::BitMatrix;
use latentfield::physics::{CurieWeiss, Hopfield, SamplingMethod, System, draw_patterns};
use latentfield::random::stream;
use timing::{arguments, median, single_thread};

const ROUNDS: usize = 5;
/// Draws of a comparison whose median is taken, after a first one.
const DRAWS: usize = 9;
const SAMPLES: usize = 20_000;
const SITES: usize = 100;
const PATTERNS: usize = 3;

/// What a round gives.
struct Timed {
    /// Configurations a second.
    rate: f64,
    /// The same, weighted by how many independent ones they are worth.
    independent_rate: f64,
}

fn time(model: &Hopfield, method: SamplingMethod, round: usize) -> Result<Timed, Box<dyn Error>> {
    let seed = round.to_string();
    let streams = |name: &str| stream(&seed, &["bench", name]);
    let go_on = |_: f64| ControlFlow::Continue(());
    let start = Instant::now();
    let ensemble = model.sample(method, SAMPLES, &streams, &go_on)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Timed {
        rate: ensemble.samples.rows() as f64 / seconds,
        independent_rate: ensemble.effective_samples / seconds,
    })
}

/// Draws independent configurations again and again and prints a line of numbers, for
/// other programs: `configurations,first seconds,median seconds,check`.
///
/// The first draw touches fresh memory and is timed by itself; the check is the mean
/// over one more draw of the sum of all squared order parameters.
fn print_draws(model: &dyn System, [samples, seed]: [&str; 2]) -> Result<(), Box<dyn Error>> {
    let samples: usize = samples.parse()?;
    let mut generator = stream(seed, &["bench", "draws"]);
    let sampler = model.independent()?.ok_or("no independent sampler")?;
    let mut draw = || {
        let start = Instant::now();
        let drawn = sampler.draw(samples, &mut generator);
        (start.elapsed().as_secs_f64(), drawn)
    };
    let (first, _) = draw();
    let timed = (0..DRAWS).map(|_| draw().0).collect();
    let (_, drawn) = draw();
    let squares = (0..samples).flat_map(|row| model.order_values(&drawn, row));
    let check = squares.map(|value| value.powi(2)).sum::<f64>() / samples as f64;
    println!("{samples},{first},{},{check}", median(timed));
    Ok(())
}

/// The Hopfield model of the comparison: its patterns, read from the command line as
/// one string of `+` and `-` a pattern, with commas between.
fn hopfield(patterns: &str, temperature: &str) -> Result<Hopfield, Box<dyn Error>> {
    let rows: Vec<&[u8]> = patterns.split(',').map(str::as_bytes).collect();
    if rows.iter().any(|row| row.len() != rows[0].len()) {
        return Err("expected patterns of the same length".into());
    }
    let mut stored = BitMatrix::zeros(rows.len(), rows[0].len());
    for (pattern, row) in rows.iter().enumerate() {
        for (site, &sign) in row.iter().enumerate() {
            stored.set(pattern, site, sign == b'+');
        }
    }
    Ok(Hopfield::new(stored, temperature.parse()?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    single_thread()?;
    let arguments = arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => print_table(),
        ["curie_weiss", sites, temperature, samples, seed] => {
            let model = CurieWeiss::new(sites.parse()?, temperature.parse()?, 0.0)?;
            print_draws(&model, [samples, seed])
        }
        ["hopfield", patterns, temperature, samples, seed] => {
            print_draws(&hopfield(patterns, temperature)?, [samples, seed])
        }
        _ => Err(
            "expected no arguments, or `curie_weiss SITES TEMPERATURE SAMPLES SEED`, \
                  or `hopfield PATTERNS TEMPERATURE SAMPLES SEED`"
                .into(),
        ),
    }
}

fn print_table() -> Result<(), Box<dyn Error>> {
    println!("{SITES} sites, {PATTERNS} patterns, {SAMPLES} configurations");
    println!(
        "{:<10} {:>12} {:>12} {:>16}",
        "method", "temperature", "per second", "independent /s"
    );
    let cases = [
        (SamplingMethod::Exact, 0.5),
        (SamplingMethod::Gibbs, 1.5),
        (SamplingMethod::Tempering, 0.5),
    ];
    for (method, temperature) in cases {
        let patterns = draw_patterns(PATTERNS, SITES, &mut stream("bench", &["patterns"]));
        let model = Hopfield::new(patterns, temperature)?;
        let rounds: Vec<Timed> = (0..ROUNDS)
            .map(|round| time(&model, method, round))
            .collect::<Result<_, _>>()?;
        println!(
            "{:<10} {:>12} {:>12.0} {:>16.0}",
            method.name(),
            temperature,
            median(rounds.iter().map(|timed| timed.rate).collect()),
            median(rounds.iter().map(|timed| timed.independent_rate).collect()),
        );
    }
    Ok(())
}
