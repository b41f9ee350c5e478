//! The network against differences, burn's tape, enumeration and itself.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::autodiff::REFERENCE_RANGE;
use super::*;
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, DirectorMatrix, Unit};
use crate::directional::bingham;
use crate::random::{Generator, stream, uniform};

/// A network of every kind that a manifest offers.
fn kinds() -> Vec<Architecture> {
    let base = Architecture {
        unit: Unit::Spin,
        sites: 7,
        latent: 2,
        encoder_hidden: vec![6, 5],
        decoder_hidden: vec![5, 6],
        fields: None,
        activation: Activation::Tanh,
        prior: Prior::Normal,
    };
    let mut kinds = vec![
        Architecture {
            unit: Unit::PlanarDirector,
            ..base.clone()
        },
        Architecture {
            unit: Unit::Director,
            prior: Prior::Mixture { components: 3 },
            ..base.clone()
        },
    ];
    for activation in [Activation::Tanh, Activation::Relu, Activation::Softplus] {
        for prior in [Prior::Normal, Prior::Mixture { components: 3 }] {
            for (hidden, fields) in [(vec![5, 6], None), (vec![5], Some(3)), (vec![], None)] {
                kinds.push(Architecture {
                    decoder_hidden: hidden,
                    fields,
                    activation,
                    prior,
                    ..base.clone()
                });
            }
        }
    }
    kinds
}

fn random_bits(rows: usize, sites: usize, generator: &mut Generator) -> BitMatrix {
    let mut bits = BitMatrix::zeros(rows, sites);
    for row in 0..rows {
        for site in 0..sites {
            bits.set(row, site, uniform(generator) < 0.4);
        }
    }
    bits
}

/// Random configurations of any unit: spins with a bias, directors without.
fn random_configurations(
    architecture: &Architecture,
    rows: usize,
    generator: &mut Generator,
) -> Configurations {
    let sites = architecture.sites;
    let mut angle = || std::f64::consts::TAU * uniform(generator);
    let values: Vec<f32> = match architecture.unit {
        Unit::Spin => return random_bits(rows, sites, generator).into(),
        Unit::PlanarDirector => (0..rows * sites)
            .map(|_| angle().sin_cos())
            .flat_map(|(sin, cos)| [cos as f32, sin as f32])
            .collect(),
        Unit::Director => (0..rows * sites)
            .flat_map(|_| {
                let height = angle().cos();
                let (sin, cos) = angle().sin_cos();
                let radius = (1.0 - height * height).sqrt();
                bingham::feature([radius * cos, radius * sin, height]).map(|y| y as f32)
            })
            .collect(),
    };
    DirectorMatrix::new(architecture.unit, sites, values).into()
}

#[test]
fn rows_in_any_order_are_written_as_one_by_one() {
    let mut generator = stream("rows in any order", &[]);
    for unit in [Unit::Spin, Unit::PlanarDirector, Unit::Director] {
        for sites in [7, 64, 150] {
            let architecture = Architecture {
                unit,
                sites,
                ..kinds().remove(0)
            };
            let configurations = random_configurations(&architecture, 101, &mut generator);
            // 7 and 101 have no common divisor: every row once, and some again.
            let rows: Vec<usize> = (0..140).map(|place| place * 7 % 101).collect();
            let width = architecture.features();
            let mut found = vec![f32::NAN; rows.len() * width];
            head::write_rows(&configurations, &rows, &mut found);
            for (found, &row) in found.chunks_exact(width).zip(&rows) {
                assert_eq!(found, head::features_of(&configurations, row..row + 1));
            }
        }
    }
}

/// The logits of equal rates.
fn logits(rate: f64, sites: usize) -> Vec<f32> {
    vec![(rate / (1.0 - rate)).ln() as f32; sites]
}

/// Shrinks the decoder's last layer until the natural parameters of all directors
/// lie within the range of the reference.
fn keep_within_reference(
    architecture: &Architecture,
    parameters: &mut [f32],
    configurations: &Configurations,
    noise: &[f32],
) {
    if architecture.unit == Unit::Spin {
        return;
    }
    let vae = Vae::new(architecture.clone(), parameters.to_vec());
    let codes = vae.encode(configurations);
    let scales = codes.log_scales.iter().map(|log_scale| log_scale.exp());
    let steps = scales.zip(noise).map(|(scale, noise)| scale * noise);
    let z: Vec<f32> = codes.means.iter().zip(steps).map(|(m, s)| m + s).collect();
    let natural = vae.natural_parameters(&z);
    let size = |site: &[f32]| site.iter().map(|x| x * x).sum::<f32>().sqrt();
    let sizes = natural.chunks(architecture.unit.width()).map(size);
    let largest = sizes.fold(0.0, f32::max);
    let layout = architecture.layout();
    let last = layout.decoder.last().unwrap();
    for range in [last.weight.clone(), last.bias.clone()] {
        for value in &mut parameters[range] {
            *value *= (REFERENCE_RANGE / largest).min(1.0);
        }
    }
}

/// Parameters, features and noise for one batch.
fn example(architecture: &Architecture, rows: usize, seed: &str) -> [Vec<f32>; 3] {
    use rand_distr::{Distribution, StandardNormal};
    let mut generator = stream(seed, &["gradient test"]);
    let outputs = logits(0.4, architecture.features());
    let mut parameters = architecture.initial_parameters(&outputs, &mut generator);
    for value in &mut parameters {
        let draw: f32 = StandardNormal.sample(&mut generator);
        *value += 0.3 * draw;
    }
    let configurations = random_configurations(architecture, rows, &mut generator);
    let features = head::features_of(&configurations, 0..rows);
    let noise: Vec<f32> = (0..rows * architecture.latent)
        .map(|_| StandardNormal.sample(&mut generator))
        .collect();
    keep_within_reference(architecture, &mut parameters, &configurations, &noise);
    [parameters, features, noise]
}

fn loss_and_gradient(
    engine: &mut dyn GradientEngine,
    [parameters, features, noise]: [&[f32]; 3],
    rows: usize,
) -> (Terms, Vec<f32>) {
    let mut gradient = vec![f32::NAN; parameters.len()];
    let batch = Batch {
        rows,
        features,
        noise,
    };
    let terms = engine.gradient(parameters, batch, 0.7, &mut gradient);
    (terms, gradient)
}

/// Compares both engines on one random batch.
#[track_caller]
fn assert_engines_agree(architecture: &Architecture, rows: usize, seed: &str) {
    let [parameters, features, noise] = example(architecture, rows, seed);
    let given: [&[f32]; 3] = [&parameters, &features, &noise];
    let mut fused = FusedEngine::new(architecture, rows + 3);
    let (terms, gradient) = loss_and_gradient(&mut fused, given, rows);
    let mut tape = AutodiffEngine::new(architecture, Device::Cpu).unwrap();
    let (reference_terms, reference) = loss_and_gradient(&mut tape, given, rows);
    let norm = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let difference: Vec<f32> = gradient
        .iter()
        .zip(&reference)
        .map(|(a, b)| a - b)
        .collect();
    // Single precision over sums of about a hundred terms.
    let relative = norm(&difference) / norm(&reference);
    assert!(relative < 1e-4, "{architecture:?}, seed {seed}: {relative}");
    let scale = 1e-5 * (1.0 + reference_terms.distortion.abs() + reference_terms.rate.abs());
    assert!((terms.elbo() - reference_terms.elbo()).abs() < scale);
    assert!((terms.rate - reference_terms.rate).abs() < scale);
}

#[test]
fn the_hand_derived_gradient_agrees_with_the_tape_for_every_kind() {
    for architecture in kinds() {
        for seed in ["1", "2", "3"] {
            assert_engines_agree(&architecture, 9, seed);
        }
    }
}

#[test]
fn the_engines_agree_where_a_random_network_would_leave_the_range_of_the_reference() {
    // Unscaled, the quadrature of the reference is wrong here by 0.5 %.
    let architecture = Architecture {
        unit: Unit::Director,
        sites: 11,
        latent: 4,
        encoder_hidden: vec![12, 8],
        decoder_hidden: vec![14, 9, 11],
        fields: None,
        activation: Activation::Softplus,
        prior: Prior::Normal,
    };
    assert_engines_agree(&architecture, 14, "931");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_engines_agree_on_random_networks(
        (sites, latent) in (1_usize..40, 1_usize..5),
        unit in prop_oneof![
            2 => Just(Unit::Spin),
            1 => Just(Unit::PlanarDirector),
            1 => Just(Unit::Director),
        ],
        encoder_hidden in proptest::collection::vec(1_usize..20, 0..4),
        decoder_hidden in proptest::collection::vec(1_usize..20, 0..4),
        fields in proptest::option::of(1_usize..5),
        activation in prop_oneof![
            Just(Activation::Tanh),
            Just(Activation::Relu),
            Just(Activation::Softplus),
        ],
        prior in prop_oneof![
            Just(Prior::Normal),
            (2_usize..6).prop_map(|components| Prior::Mixture { components }),
        ],
        (rows, seed) in (1_usize..40, 0_u32..1000),
    ) {
        let architecture = Architecture {
            unit,
            sites,
            latent,
            encoder_hidden,
            decoder_hidden,
            fields,
            activation,
            prior,
        };
        assert_engines_agree(&architecture, rows, &seed.to_string());
    }
}

#[test]
fn the_gradient_agrees_with_central_differences() {
    for (index, architecture) in kinds().iter().enumerate() {
        // A difference across the kink of relu is not its derivative.
        if architecture.activation == Activation::Relu {
            continue;
        }
        let rows = 4;
        let [parameters, features, noise] = example(architecture, rows, "5");
        let mut engine = FusedEngine::new(architecture, rows);
        let (_, gradient) = loss_and_gradient(&mut engine, [&parameters, &features, &noise], rows);
        let h = 1e-2_f32;
        for parameter in (0..parameters.len()).step_by(7) {
            let mut loss = |by: f32| {
                let mut moved = parameters.clone();
                moved[parameter] += by;
                let given: [&[f32]; 3] = [&moved, &features, &noise];
                let (terms, _) = loss_and_gradient(&mut engine, given, rows);
                terms.distortion + 0.7 * terms.rate
            };
            let difference = (loss(h) - loss(-h)) / (2.0 * f64::from(h));
            // Third-order remainder h^2 / 6 times a third derivative of order 10,
            // and rounding 1e-6 / h.
            let error = (difference - f64::from(gradient[parameter])).abs();
            assert!(error < 2e-3, "kind {index}, parameter {parameter}: {error}");
        }
    }
}

/// A network with structure, whose encoder says the same for every configuration:
/// a little narrower than the prior, as the posteriors of so few units are.
fn structured(prior: Prior) -> Vae {
    let architecture = Architecture {
        unit: Unit::Spin,
        sites: 8,
        latent: 2,
        encoder_hidden: vec![12],
        decoder_hidden: vec![12],
        fields: None,
        activation: Activation::Tanh,
        prior,
    };
    let mut parameters =
        architecture.initial_parameters(&logits(0.3, 8), &mut stream("8", &["structured"]));
    let layout = architecture.layout();
    let code = layout.encoder.last().unwrap();
    parameters[code.weight.clone()].fill(0.0);
    parameters[code.bias.clone()].copy_from_slice(&[0.0, 0.0, -0.2, -0.2]);
    if let Some(mixture) = &layout.mixture {
        for mean in &mut parameters[mixture.means.clone()] {
            *mean *= 0.5;
        }
    }
    Vae::new(architecture, parameters)
}

fn all_words(sites: usize) -> Configurations {
    let words = (0..1_u64 << sites).collect();
    BitMatrix::from_words(1 << sites, sites, words)
        .unwrap()
        .into()
}

#[test]
fn probabilities_of_all_words_sum_to_one() {
    for prior in [Prior::Normal, Prior::Mixture { components: 3 }] {
        let vae = structured(prior);
        let words = all_words(8);
        let result = quadrature::log_likelihood(&vae, &words, &|_| ControlFlow::Continue(()));
        let result = result.unwrap();
        let total: f64 = result.log_likelihood.iter().map(|l| l.exp()).sum();
        // The grid reaches 4.9 standard deviations of the normal prior and at least
        // 3.5 of every Gaussian of the mixture, beyond which lie less than 1e-3.
        assert!((total - 1.0).abs() < 1e-3, "total {total}");
        assert!(
            result.discretisation_error < 1e-3,
            "{}",
            result.discretisation_error
        );
    }
}

#[test]
fn samples_have_the_probabilities_of_the_grid() {
    let vae = structured(Prior::Mixture { components: 3 });
    let words = all_words(8);
    let exact = quadrature::log_likelihood(&vae, &words, &|_| ControlFlow::Continue(())).unwrap();
    let n = 200_000;
    let samples = vae.sample(n, &|name| stream("9", &[name]));
    let mut counts = vec![0_usize; 256];
    let samples = samples.as_spins().unwrap();
    for row in 0..n {
        counts[samples.row(row)[0] as usize] += 1;
    }
    for (word, &count) in counts.iter().enumerate() {
        let p = exact.log_likelihood[word].exp();
        let expected = p * n as f64;
        if expected > 50.0 {
            // Five standard errors of a binomial count: 256 words are looked at.
            let tolerance = 5.0 * expected.sqrt();
            assert!((count as f64 - expected).abs() < tolerance, "word {word}");
        }
    }
}

#[test]
fn the_importance_weighted_bound_rises_to_the_marginal() {
    let vae = structured(Prior::Normal);
    let bits = vae.sample(400, &|name| stream("10", &[name]));
    let streams = |name: &str| stream("11", &[name]);
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let elbo = vae.elbo(&bits, &mut stream("12", &[])).mean_elbo();
    let few = mean(&vae.importance_weighted(&bits, 8, &streams));
    let many = mean(&vae.importance_weighted(&bits, 4000, &streams));
    let exact = quadrature::log_likelihood(&vae, &bits, &|_| ControlFlow::Continue(())).unwrap();
    let exact = mean(&exact.log_likelihood);
    assert!(elbo < few && few < many, "{elbo} {few} {many}");
    // 4000 draws: the bound's bias is half the weights' relative variance over
    // 4000, and that variance is about one here.
    assert!((many - exact).abs() < 0.002, "{many} against {exact}");
}

/// Remembers states, and breaks after a number of batches.
struct Recorder {
    states: Vec<TrainingState>,
    batches_left: usize,
}

impl TrainingListener for Recorder {
    fn batch_done(&mut self, _fraction: f64) -> ControlFlow<()> {
        match self.batches_left.checked_sub(1) {
            None => ControlFlow::Break(()),
            Some(left) => {
                self.batches_left = left;
                ControlFlow::Continue(())
            }
        }
    }

    fn epoch_done(&mut self, state: &TrainingState) -> Result<(), VaeError> {
        self.states.push(state.clone());
        Ok(())
    }
}

fn settings() -> TrainingSettings {
    TrainingSettings {
        epochs: 6,
        batch: 50,
        learning_rate: 5e-3,
        final_learning_rate_fraction: 0.1,
        kl_warmup_epochs: 2,
        gradient_clip: 10.0,
        patience: 0,
    }
}

fn run_training(
    settings: &TrainingSettings,
    resume: Option<TrainingState>,
    batches: usize,
) -> (Result<TrainingState, VaeError>, Vec<TrainingState>) {
    let architecture = structured(Prior::Normal).architecture().clone();
    let mut engine = FusedEngine::new(&architecture, settings.batch);
    let mut recorder = Recorder {
        states: Vec::new(),
        batches_left: batches,
    };
    let result = train_with(&mut engine, settings, "training", resume, &mut recorder);
    (result, recorder.states)
}

/// Trains on samples of a network of known structure.
fn train_with(
    engine: &mut dyn GradientEngine,
    settings: &TrainingSettings,
    seed: &str,
    resume: Option<TrainingState>,
    recorder: &mut Recorder,
) -> Result<TrainingState, VaeError> {
    let truth = structured(Prior::Normal);
    let data = TrainingData {
        train: TrainingSource::Fixed(&truth.sample(1000, &|name| stream("train", &[name]))),
        validation: &truth.sample(200, &|name| stream("validation", &[name])),
    };
    // The same noise for judging whatever the seed of the training.
    let streams = |name: &str| match name {
        "validation" => stream("judge", &[]),
        _ => stream(seed, &[name]),
    };
    train(
        truth.architecture(),
        settings,
        data,
        engine,
        &streams,
        resume,
        recorder,
    )
}

#[test]
fn the_trained_elbo_does_not_depend_on_the_engine() {
    let architecture = structured(Prior::Normal).architecture().clone();
    let best_elbo = |engine: &mut dyn GradientEngine, seed: &str| {
        let mut recorder = Recorder {
            states: Vec::new(),
            batches_left: usize::MAX,
        };
        let state = train_with(engine, &settings(), seed, None, &mut recorder).unwrap();
        state.history[state.best_epoch - 1].validation_elbo
    };
    let seeds = ["1", "2", "3", "4"];
    let run = |engine: &mut dyn GradientEngine| seeds.map(|seed| best_elbo(engine, seed));
    let fused = run(&mut FusedEngine::new(&architecture, 50));
    let tape = run(&mut AutodiffEngine::new(&architecture, Device::Cpu).unwrap());
    let mean = fused.iter().sum::<f64>() / 4.0;
    let variance = fused.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / 3.0;
    // Steps, noise and starts are the same, roundings are not: the engines must
    // differ by less than seeds do.
    for (fused, tape) in fused.iter().zip(&tape) {
        let difference = (fused - tape).abs();
        assert!(difference < variance.sqrt(), "{fused} against {tape}");
    }
}

#[test]
fn a_training_goes_on_bit_for_bit_from_any_epoch() {
    let (whole, states) = run_training(&settings(), None, usize::MAX);
    let whole = whole.unwrap();
    // Cut off in the middle of the fourth epoch: 20 batches an epoch.
    let (cut, before) = run_training(&settings(), None, 3 * 20 + 7);
    assert!(matches!(cut, Err(VaeError::Cancelled)));
    assert_eq!(before.last(), states.get(2));
    let (resumed, _) = run_training(&settings(), before.last().cloned(), usize::MAX);
    assert_eq!(resumed.unwrap(), whole);
}

#[test]
fn training_raises_the_held_out_elbo() {
    let (state, _) = run_training(&settings(), None, usize::MAX);
    let history = state.unwrap().history;
    let (first, last) = (&history[0], &history[history.len() - 1]);
    assert!(last.validation_elbo > first.validation_elbo);
    assert!((last.kl_weight - 1.0).abs() < 1e-12);
}

#[test]
fn patience_ends_a_training_that_no_longer_improves() {
    let patient = TrainingSettings {
        epochs: 200,
        patience: 3,
        ..settings()
    };
    let (state, _) = run_training(&patient, None, usize::MAX);
    let state = state.unwrap();
    assert!(state.epoch < 200);
    assert_eq!(state.epoch, state.best_epoch + 3);
}

#[test]
fn a_training_that_diverges_names_its_step() {
    let wild = TrainingSettings {
        learning_rate: 1e30,
        gradient_clip: 1e30,
        ..settings()
    };
    let (result, _) = run_training(&wild, None, usize::MAX);
    match result {
        Err(VaeError::Diverged { step, epoch, .. }) => assert!(step >= 2 && epoch == 1),
        other => panic!("expected a divergence, found {other:?}"),
    }
}
