//! Every device that is built in gives the gradients of the hand-derived engine
//! and trains with them; every other one says how to build it in.
//!
//! A device that is built in but missing from the machine fails these tests.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use latentfield::bits::BitMatrix;
use latentfield::configurations::{Configurations, Unit};
use latentfield::random::{Generator, stream, uniform};
use latentfield::vae::{
    Activation, Architecture, AutodiffEngine, Batch, Device, FusedEngine, GradientEngine, Piece,
    Prior, Terms, TrainingData, TrainingListener, TrainingSettings, TrainingSource, TrainingState,
    VaeError, train,
};
use rand_distr::{Distribution, StandardNormal};

fn built_in() -> impl Iterator<Item = Device> {
    Device::ALL
        .into_iter()
        .filter(|device| device.is_built_in())
}

#[track_caller]
fn on(device: Device, architecture: &Architecture) -> AutodiffEngine {
    AutodiffEngine::new(architecture, device).unwrap_or_else(|error| panic!("{error}"))
}

/// Networks of a few kinds: each activation, each prior, each decoder, each unit.
fn kinds() -> [Architecture; 6] {
    let deep = Architecture {
        unit: Unit::Spin,
        sites: 30,
        latent: 2,
        encoder_hidden: vec![24, 16],
        decoder_hidden: vec![16, 24],
        fields: None,
        activation: Activation::Tanh,
        prior: Prior::Normal,
    };
    let mixture = Prior::Mixture { components: 4 };
    [
        deep.clone(),
        Architecture {
            latent: 3,
            activation: Activation::Relu,
            prior: mixture,
            ..deep.clone()
        },
        Architecture {
            decoder_hidden: vec![16],
            fields: Some(3),
            activation: Activation::Softplus,
            prior: mixture,
            ..deep.clone()
        },
        Architecture {
            latent: 1,
            decoder_hidden: Vec::new(),
            ..deep.clone()
        },
        Architecture {
            unit: Unit::PlanarDirector,
            ..deep.clone()
        },
        Architecture {
            unit: Unit::Director,
            ..deep
        },
    ]
}

/// Terms and gradient of the same random batch at the same random parameters.
fn gradient(architecture: &Architecture, engine: &mut dyn GradientEngine) -> (Terms, Vec<f32>) {
    let rows = 50;
    let mut generator = stream("1", &["gradient on a device"]);
    let outputs = vec![-0.4; architecture.features()];
    let mut parameters = architecture.initial_parameters(&outputs, &mut generator);
    for value in &mut parameters {
        *value += 0.3 * normal(&mut generator);
    }
    let features: Vec<f32> = (0..rows * architecture.features())
        .map(|_| {
            if uniform(&mut generator) < 0.4 {
                1.0
            } else {
                -1.0
            }
        })
        .collect();
    let noise: Vec<f32> = (0..rows * architecture.latent)
        .map(|_| normal(&mut generator))
        .collect();
    let batch = Batch {
        rows,
        features: &features,
        noise: &noise,
    };
    let mut gradient = vec![f32::NAN; parameters.len()];
    let terms = engine.gradient(&parameters, batch, 0.7, &mut gradient);
    (terms, gradient)
}

fn normal(generator: &mut Generator) -> f32 {
    StandardNormal.sample(generator)
}

/// `|found - expected| / |expected|` over one weight matrix or one bias.
fn relative_error(piece: &Piece, found: &[f32], expected: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x).powi(2);
    let (found, expected) = (&found[piece.range.clone()], &expected[piece.range.clone()]);
    let error: f64 = found.iter().zip(expected).map(|(f, e)| square(f - e)).sum();
    let length: f64 = expected.iter().map(|&e| square(e)).sum();
    (error / length).sqrt()
}

#[test]
fn gradients_agree_with_the_hand_derived_ones_piece_by_piece() {
    for device in built_in() {
        for (index, architecture) in kinds().iter().enumerate() {
            let mut fused = FusedEngine::new(architecture, 50);
            let (expected_terms, expected) = gradient(architecture, &mut fused);
            let (terms, found) = gradient(architecture, &mut on(device, architecture));
            for piece in &architecture.layout().pieces {
                // Single precision, over sums of up to 1500 terms that partly cancel.
                let error = relative_error(piece, &found, &expected);
                let name = &piece.name;
                assert!(error < 1e-4, "{device:?}, kind {index}, {name}: {error}");
            }
            let error = (terms.elbo() / expected_terms.elbo() - 1.0).abs();
            assert!(error < 1e-5, "{device:?}, kind {index}, ELBO: {error}");
        }
    }
}

const SITES: usize = 16;
const FLIPPED: f64 = 0.1;

/// All ones or all zeros, with equal odds, each unit flipped with odds [`FLIPPED`].
fn two_patterns(rows: usize, name: &str) -> Configurations {
    let mut generator = stream("2", &[name]);
    let mut bits = BitMatrix::zeros(rows, SITES);
    for row in 0..rows {
        let pattern = uniform(&mut generator) < 0.5;
        for site in 0..SITES {
            bits.set(row, site, pattern ^ (uniform(&mut generator) < FLIPPED));
        }
    }
    bits.into()
}

struct Silent;

impl TrainingListener for Silent {
    fn batch_done(&mut self, _fraction: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn epoch_done(&mut self, _state: &TrainingState) -> Result<(), VaeError> {
        Ok(())
    }
}

/// Held-out ELBO of every epoch, nats.
fn elbos(
    engine: &mut dyn GradientEngine,
    architecture: &Architecture,
    held_out: usize,
) -> Vec<f64> {
    let settings = TrainingSettings {
        epochs: 8,
        batch: 100,
        learning_rate: 0.01,
        final_learning_rate_fraction: 0.1,
        kl_warmup_epochs: 2,
        gradient_clip: 10.0,
        patience: 0,
    };
    let data = TrainingData {
        train: TrainingSource::Fixed(&two_patterns(2000, "train")),
        validation: &two_patterns(held_out, "validation"),
    };
    let stream = |name: &str| stream("3", &[name]);
    let state = train(
        architecture,
        &settings,
        data,
        engine,
        &stream,
        None,
        &mut Silent,
    );
    let history = state.unwrap_or_else(|error| panic!("{error}")).history;
    history.iter().map(|epoch| epoch.validation_elbo).collect()
}

#[test]
fn a_short_training_learns_what_the_hand_derived_one_learns() {
    let architecture = Architecture {
        unit: Unit::Spin,
        sites: SITES,
        latent: 1,
        encoder_hidden: vec![16],
        decoder_hidden: vec![16],
        fields: None,
        activation: Activation::Tanh,
        prior: Prior::Normal,
    };
    let held_out = 500;
    let sites = SITES as f64;
    // Best of all models with independent units, and the entropy once the pattern is known.
    let independent = -sites * std::f64::consts::LN_2;
    let entropy = -sites * (FLIPPED * FLIPPED.ln() + (1.0 - FLIPPED) * (1.0 - FLIPPED).ln());
    let truth = -entropy - std::f64::consts::LN_2;
    // ln p varies by ln 9 with every flipped unit: standard error of the held-out mean.
    let deviation = (sites * FLIPPED * (1.0 - FLIPPED)).sqrt() * ((1.0 - FLIPPED) / FLIPPED).ln();
    let standard_error = deviation / (held_out as f64).sqrt();
    let mut fused = FusedEngine::new(&architecture, 100);
    let expected = elbos(&mut fused, &architecture, held_out)[7];
    for device in built_in() {
        let elbos = elbos(&mut on(device, &architecture), &architecture, held_out);
        let (first, last) = (elbos[0], elbos[7]);
        assert!(last > first, "{device:?}: {elbos:?}");
        let learnt = (last - independent) / (truth - independent);
        assert!(learnt > 0.8, "{device:?}: {last} of {truth}");
        // The same noise and the same start: roundings alone differ.
        let error = (last - expected).abs();
        assert!(error < standard_error, "{device:?}: {last}, {expected}");
    }
}

#[test]
fn an_engine_on_a_device_that_is_not_built_in_is_an_error() {
    for device in Device::ALL {
        match AutodiffEngine::new(&kinds()[0], device) {
            Ok(_) => assert!(device.is_built_in(), "{device:?}"),
            Err(error) => {
                assert!(!device.is_built_in(), "{error}");
                let way_out = format!("--features {}", device.name());
                assert!(error.to_string().contains(&way_out), "{error}");
            }
        }
    }
}

const MANIFEST: &str = r#"
[experiment]
name = "devices"
seed = 4

[model]
kind = "hopfield"
sites = 12
patterns = 1
temperature = 0.6

[sampling]
samples = 500
test_samples = 100

[vae]
latent = 1
hidden = [8]

[vae.training]
epochs = 2
batch = 100
"#;

/// Gives the program a command, [`MANIFEST`] and these settings, in `folder`;
/// its exit code and what it says on stderr.
fn program(folder: &Path, command: &str, settings: &[String]) -> (Option<i32>, String) {
    let path = folder.join("manifest.toml");
    std::fs::write(path, MANIFEST).expect("a folder for a test");
    let mut program = Command::new(env!("CARGO_BIN_EXE_latentfield"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LATENTFIELD_")) {
        program.env_remove(name);
    }
    let settings = settings.iter().flat_map(|it| ["--set", it.as_str()]);
    let output = program
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .current_dir(folder)
        .args([command, "manifest.toml"])
        .args(settings)
        .output()
        .expect("the program starts");
    // Long lines of a diagnostic are folded.
    let stderr = String::from_utf8_lossy(&output.stderr).replace("\n  | ", " ");
    (output.status.code(), stderr)
}

#[test]
fn a_manifest_may_name_the_devices_that_are_built_in_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder for a test");
    for device in Device::ALL {
        let name = device.name();
        let settings = [format!("vae.training.device={name}")];
        let (code, stderr) = program(folder.path(), "check", &settings);
        if device.is_built_in() {
            assert_eq!(code, Some(0), "{stderr}");
            continue;
        }
        assert_eq!(code, Some(2), "{stderr}");
        let way_out = format!("`cargo run --release --features {name} -- run …`");
        for part in [
            "`vae.training.device`: ",
            "expected a device that is built in: `cpu`",
            &way_out,
        ] {
            assert!(stderr.contains(part), "no {part}: {stderr}");
        }
    }
}

#[test]
fn each_engine_class_has_trainings_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let trainings = || {
        let entries = std::fs::read_dir(folder.path().join("results/.store/v1/train"));
        entries.expect("entries of `train`").count()
    };
    for (before, device) in built_in().enumerate() {
        let named = format!("vae.training.device={}", device.name());
        let autodiff = "vae.training.engine=autodiff".to_owned();
        for settings in [vec![named.clone()], vec![named, autodiff]] {
            let (code, stderr) = program(folder.path(), "run", &settings);
            assert_eq!(code, Some(0), "{device:?}: {stderr}");
        }
        // On the CPU `autodiff` is a class beside `auto`; elsewhere burn computes anyway.
        assert_eq!(trainings(), before + 2, "{device:?}");
    }
}
