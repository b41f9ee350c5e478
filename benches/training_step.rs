//! Milliseconds of one training step, one thread.
//!
//! What is timed is [`train`] itself, between the ends of two batches: the signs
//! unpacked from bits, the normal draws, the ELBO and its gradient, the norm for
//! clipping and Adam. Shuffling and the judgement after an epoch are left out.
//!
//! Each round measures, in turn, the rate of a 512^3 matrix product in `f32` by
//! the crate that the fused engine uses, the fused engine and burn's tape on the
//! same configurations, parameters and noise.
//!
//! ```text
//! cargo bench --bench training_step                     all networks, both engines
//! cargo bench --bench training_step -- fused NETWORK    one round, one line of CSV
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

mod timing;

use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

use latentfield::bits::BitMatrix;
use latentfield::configurations::{Configurations, Unit};
use latentfield::random::{stream, uniform};
use latentfield::vae::{
    Activation, Architecture, AutodiffEngine, Device, FusedEngine, GradientEngine, Prior,
    TrainingData, TrainingListener, TrainingSettings, TrainingSource, TrainingState, VaeError,
    train,
};
use timing::{arguments, median, single_thread};

const ROUNDS: usize = 15;
/// Steps that a round times; one more goes before them.
const STEPS: usize = 100;
/// Edge of the matrix product that measures the machine.
const EDGE: usize = 512;
const PRODUCTS: usize = 15;

struct Network {
    name: &'static str,
    batch: usize,
    architecture: Architecture,
}

impl Network {
    fn new(name: &'static str, sites: usize, hidden: &[usize], latent: usize) -> Self {
        Self {
            name,
            batch: 256,
            architecture: Architecture {
                unit: Unit::Spin,
                sites,
                latent,
                encoder_hidden: hidden.to_vec(),
                decoder_hidden: hidden.to_vec(),
                fields: None,
                activation: Activation::Tanh,
                prior: Prior::Normal,
            },
        }
    }

    fn all() -> [Self; 3] {
        let mut mixture = Self::new("mixture", 100, &[64, 64], 3);
        mixture.batch = 512;
        mixture.architecture.prior = Prior::Mixture { components: 9 };
        [
            Self::new("wide", 160, &[128, 128], 2),
            Self::new("narrow", 100, &[64, 64], 1),
            mixture,
        ]
    }

    /// Floating-point operations of a step's matrix products. Each layer has three
    /// of them (forward, weight, input), the encoder's first no input gradient.
    fn product_flops(&self) -> f64 {
        let layout = self.architecture.layout();
        let layers = layout.encoder.iter().chain(&layout.decoder);
        let weights: usize = layers.map(|layer| layer.inputs * layer.outputs).sum();
        let first = layout.encoder.first();
        let not_needed = first.map_or(0, |layer| layer.inputs * layer.outputs);
        (2 * self.batch * (3 * weights - not_needed)) as f64
    }

    /// Configurations of a ferromagnet: all sites follow one sign, one in five not.
    fn configurations(&self, rows: usize) -> Configurations {
        let mut generator = stream("bench", &[self.name]);
        let mut bits = BitMatrix::zeros(rows, self.architecture.sites);
        for row in 0..rows {
            let rate = if uniform(&mut generator) < 0.5 {
                0.2
            } else {
                0.8
            };
            for site in 0..bits.columns() {
                bits.set(row, site, uniform(&mut generator) < rate);
            }
        }
        bits.into()
    }
}

/// Keeps the time of the first and of the last batch, and the epoch's ELBO.
#[derive(Default)]
struct Stopwatch {
    first: Option<Instant>,
    last: Option<Instant>,
    elbo: f64,
}

impl TrainingListener for Stopwatch {
    fn batch_done(&mut self, _fraction: f64) -> ControlFlow<()> {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        ControlFlow::Continue(())
    }

    fn epoch_done(&mut self, state: &TrainingState) -> Result<(), VaeError> {
        if let Some(epoch) = state.history.last() {
            self.elbo = -(epoch.distortion + epoch.rate);
        }
        Ok(())
    }
}

/// What a round of one engine gives.
struct Timed {
    /// Milliseconds a step.
    milliseconds: f64,
    /// Mean over the steps, nats per configuration: tells whether the contenders
    /// do the same work.
    elbo: f64,
}

/// A network with the configurations that every round trains on, from scratch.
struct Workload<'a> {
    network: &'a Network,
    train: Configurations,
    validation: Configurations,
}

impl<'a> Workload<'a> {
    fn new(network: &'a Network) -> Self {
        let train = network.configurations(network.batch * (STEPS + 1));
        Self {
            network,
            validation: train.select_rows(&[0, 1]),
            train,
        }
    }

    fn time(&self, engine: &mut dyn GradientEngine) -> Result<Timed, VaeError> {
        let settings = TrainingSettings {
            epochs: 1,
            batch: self.network.batch,
            learning_rate: 1e-3,
            final_learning_rate_fraction: 1.0,
            kl_warmup_epochs: 0,
            gradient_clip: 1e9,
            patience: 0,
        };
        let data = TrainingData {
            train: TrainingSource::Fixed(&self.train),
            validation: &self.validation,
        };
        let mut watch = Stopwatch::default();
        let streams = |name: &str| stream("bench", &[name]);
        let network = &self.network.architecture;
        train(network, &settings, data, engine, &streams, None, &mut watch)?;
        let span = watch.last.zip(watch.first);
        Ok(Timed {
            milliseconds: span.map_or(f64::NAN, |(last, first)| {
                1e3 * (last - first).as_secs_f64() / STEPS as f64
            }),
            elbo: watch.elbo,
        })
    }
}

/// The machine's `f32` matrix-product rate in GFLOP/s: one thread, 512^3.
fn product_rate() -> f64 {
    let operand = vec![1.0_f32; EDGE * EDGE];
    let mut target = vec![0.0_f32; EDGE * EDGE];
    let seconds = (0..PRODUCTS).map(|_| {
        let start = Instant::now();
        square(&operand, &mut target);
        start.elapsed().as_secs_f64()
    });
    2e-9 * (EDGE as f64).powi(3) / median(seconds.collect())
}

/// `target = operand * operand`, with the arguments that the network's products use.
fn square(operand: &[f32], target: &mut [f32]) {
    assert!(operand.len() == EDGE * EDGE && target.len() == EDGE * EDGE);
    let row = EDGE as isize;
    // SAFETY: both slices hold the EDGE x EDGE elements that these strides reach,
    // and `target` is borrowed mutably, so it does not overlap `operand`.
    #[expect(unsafe_code, reason = "the matrix product takes raw pointers")]
    unsafe {
        gemm::gemm(
            EDGE,
            EDGE,
            EDGE,
            target.as_mut_ptr(),
            1,
            row,
            false,
            operand.as_ptr(),
            1,
            row,
            operand.as_ptr(),
            1,
            row,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Prints one round of the fused engine: `rate of 512^3, milliseconds, ELBO`.
fn print_round(network: &Network) -> Result<(), VaeError> {
    let workload = Workload::new(network);
    let mut engine = FusedEngine::new(&network.architecture, network.batch);
    workload.time(&mut engine)?; // warms caches and clock
    let rate = product_rate();
    let timed = workload.time(&mut engine)?;
    println!("{rate:.1},{:.5},{:.3}", timed.milliseconds, timed.elbo);
    Ok(())
}

/// Prints the network's line of the table.
fn print_comparison(network: &Network) -> Result<(), VaeError> {
    let workload = Workload::new(network);
    let mut fused = FusedEngine::new(&network.architecture, network.batch);
    let mut autodiff = AutodiffEngine::new(&network.architecture, Device::Cpu)?;
    let (mut times, mut others) = (Vec::new(), Vec::new());
    let (mut ratios, mut rates, mut fractions) = (Vec::new(), Vec::new(), Vec::new());
    workload.time(&mut fused)?;
    for _ in 0..ROUNDS {
        let rate = product_rate();
        let ours = workload.time(&mut fused)?.milliseconds;
        let other = workload.time(&mut autodiff)?.milliseconds;
        times.push(ours);
        others.push(other);
        ratios.push(other / ours);
        rates.push(rate);
        fractions.push(network.product_flops() * 1e-6 / ours / rate);
    }
    println!(
        "{:<8} {:>10.3} {:>12.3} {:>8.2} {:>10.1} {:>12.1} {:>10.2}",
        network.name,
        median(times),
        median(others),
        median(ratios),
        network.product_flops() * 1e-6,
        median(rates),
        median(fractions),
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    single_thread()?;
    let networks = Network::all();
    let arguments = arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            println!(
                "{:<8} {:>10} {:>12} {:>8} {:>10} {:>12} {:>10}",
                "network", "fused ms", "autodiff ms", "ratio", "MFLOP", "GFLOP/s", "fraction"
            );
            for network in &networks {
                print_comparison(network)?;
            }
        }
        ["fused", name] => {
            let known = networks.iter().find(|network| network.name == name);
            print_round(known.ok_or("expected a network: `wide`, `narrow` or `mixture`")?)?;
        }
        _ => return Err("expected no arguments, or `fused NETWORK`".into()),
    }
    Ok(())
}
