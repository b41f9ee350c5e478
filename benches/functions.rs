//! What the parts of a training and of its read-outs cost, one thread.
//!
//! ```text
//! cargo bench --bench functions
//! ```
//!
//! Figures of one program alone; ratios to others, in paired rounds, come from the
//! benchmarks beside this one.

#[path = "timing/threads.rs"]
mod threads;

use std::hint::black_box;
use std::ops::ControlFlow;

use divan::Bencher;
use divan::counter::ItemsCount;
use latentfield::configurations::{Configurations, Unit};
use latentfield::random::stream;
use latentfield::vae::{
    Activation, Adam, Architecture, AutodiffEngine, Batch, Device, FusedEngine, GradientEngine,
    Prior, Vae, quadrature,
};
use rand_distr::{Distribution, StandardNormal};

const ROWS: usize = 256;
const UNITS: [Unit; 3] = [Unit::Spin, Unit::PlanarDirector, Unit::Director];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    threads::single_thread()?;
    divan::main();
    Ok(())
}

/// 100 units, two hidden layers of 64, and two latents under a mixture.
fn architecture(unit: Unit) -> Architecture {
    Architecture {
        unit,
        sites: 100,
        latent: 2,
        encoder_hidden: vec![64, 64],
        decoder_hidden: vec![64, 64],
        fields: None,
        activation: Activation::Tanh,
        prior: Prior::Mixture { components: 8 },
    }
}

fn network(unit: Unit) -> Vae {
    let architecture = architecture(unit);
    let outputs = vec![0.0; architecture.features()];
    let parameters =
        architecture.initial_parameters(&outputs, &mut stream("bench", &["parameters"]));
    Vae::new(architecture, parameters)
}

/// Configurations of an untrained network.
fn configurations(unit: Unit) -> Configurations {
    network(unit).sample(ROWS, &|name| stream("bench", &[name]))
}

/// One gradient of a batch and one step of Adam.
fn step(bencher: Bencher, unit: Unit, engine: &mut dyn GradientEngine) {
    let architecture = architecture(unit);
    let mut generator = stream("bench", &["step"]);
    let mut normal = |count: usize| -> Vec<f32> {
        let draw = |_| StandardNormal.sample(&mut generator);
        (0..count).map(draw).collect()
    };
    let mut features = normal(ROWS * architecture.features());
    if unit == Unit::Spin {
        for feature in &mut features {
            *feature = feature.signum();
        }
    }
    let noise = normal(ROWS * architecture.latent);
    let mut parameters = normal(architecture.layout().length);
    for value in &mut parameters {
        *value *= 0.1;
    }
    let mut gradient = vec![0.0; parameters.len()];
    let mut adam = Adam::new(parameters.len());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let batch = Batch {
            rows: ROWS,
            features: &features,
            noise: &noise,
        };
        let terms = engine.gradient(&parameters, batch, 1.0, &mut gradient);
        adam.step(&mut parameters, &gradient, 1e-4, 10.0);
        black_box(terms)
    });
}

#[divan::bench(args = UNITS)]
fn training_step(bencher: Bencher, unit: Unit) {
    step(
        bencher,
        unit,
        &mut FusedEngine::new(&architecture(unit), ROWS),
    );
}

#[divan::bench(args = UNITS, max_time = 1)]
fn training_step_on_the_tape(bencher: Bencher, unit: Unit) {
    match AutodiffEngine::new(&architecture(unit), Device::Cpu) {
        Ok(mut engine) => step(bencher, unit, &mut engine),
        Err(error) => panic!("{error}"),
    }
}

#[divan::bench(args = UNITS)]
fn encoding(bencher: Bencher, unit: Unit) {
    let (network, rows) = (network(unit), configurations(unit));
    let count = ItemsCount::new(ROWS);
    bencher.counter(count).bench_local(|| network.encode(&rows));
}

#[divan::bench(args = UNITS, max_time = 1)]
fn importance_weights(bencher: Bencher, unit: Unit) {
    let (network, rows) = (network(unit), configurations(unit));
    let streams = |name: &str| stream("bench", &[name]);
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| network.importance_weighted(&rows, 64, &streams));
}

#[divan::bench(args = UNITS, max_time = 1)]
fn marginal_on_a_grid(bencher: Bencher, unit: Unit) {
    let (network, rows) = (network(unit), configurations(unit));
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        quadrature::log_likelihood(&network, &rows, &|_| ControlFlow::Continue(()))
    });
}

#[divan::bench(args = UNITS)]
fn sampling_the_network(bencher: Bencher, unit: Unit) {
    let network = network(unit);
    let streams = |name: &str| stream("bench", &[name]);
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| network.sample(ROWS, &streams));
}
