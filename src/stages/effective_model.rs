//! `effective_model`: the generalised Hopfield model behind the decoder.
//!
//! The half-logits of the decoder span a space whose dimension is the number of
//! collective variables. Projected on it, the decoder is a generalised Hopfield model:
//! biases, patterns, and a field that takes a list of values. That model is fitted once
//! more to the training data by maximum likelihood, put in a gauge, and written as
//! `model.json`, so that it stands without the network; its errors come from resampled
//! blocks, and patterns that do not come back are called unstable.

mod decoder;
mod ladder;
mod rows;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::report;
use super::{model_file, train};
use crate::engine::{Stage, StageError, TaskContext};
use crate::fields::GeneralisedHopfield;
use crate::inference::Estimate;
use crate::inference::fields::{
    self, FieldLaw, FitOptions, MAX_FIELDS, NumberOfFields, Rotation, Stability, StabilityOptions,
};
use crate::manifest::{PatternRotation, Point};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};

use decoder::Decoder;
use ladder::{Rung, Split};

pub(super) use decoder::{half_logits, product};

pub(super) const NAME: &str = "effective_model";
/// The model, in the format of `model_file`.
pub(super) const MODEL: &str = "model.json";

/// The stage.
pub(super) struct EffectiveModel;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    most_variables: usize,
    rotation: PatternRotation,
    bootstrap: usize,
    starts: usize,
    iterations: usize,
}

/// Gain of eight passes at which the model's fit has converged, nats a configuration.
const TOLERANCE: f64 = 1e-4;
/// A pattern is stable if it comes back in so many resamplings and starts.
const STABLE: f64 = 0.8;

/// What was read off and fitted.
struct Findings<'a> {
    decoder: &'a Decoder,
    /// Number of collective variables.
    variables: usize,
    /// The refitted model in its gauge, and its errors.
    stability: Stability,
    /// The true model in the same gauge, where there is one.
    truth: Option<Truth>,
    network: Estimate,
    truncated: Estimate,
    refitted: Estimate,
    /// Of the refitted model over the network.
    gain: Estimate,
    warning: String,
}

impl Findings<'_> {
    fn model(&self) -> &GeneralisedHopfield {
        &self.stability.model
    }

    /// Fraction of the random starts that lead back to a pattern, if there were any.
    fn returned_from_seeds(&self, pattern: usize) -> Option<f64> {
        let any = !self.stability.seeds.is_empty();
        any.then(|| self.stability.returned_from_seeds[pattern])
    }

    fn is_stable(&self, pattern: usize) -> bool {
        let often = |fraction: f64| fraction >= STABLE;
        let seeds = self.returned_from_seeds(pattern);
        often(self.stability.returned[pattern]) && seeds.is_none_or(often)
    }
}

/// The true model beside the one that was found.
struct Truth {
    biases: Vec<f64>,
    /// Its patterns in the order and with the signs of those found: `sites x patterns`.
    patterns: Vec<f64>,
    /// `|cos|` between each pattern found and its true partner.
    cosines: Vec<f64>,
    /// Smallest cosine between both spaces.
    plane_cosine: f64,
    /// Missing where the numbers of fields differ: no gauge is common to both.
    bias_rmse: Option<f64>,
}

impl StageDefinition for EffectiveModel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.effective_model.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            most_variables: section.most_variables,
            rotation: section.rotation,
            bootstrap: section.bootstrap,
            starts: section.starts,
            iterations: section.iterations,
        }));
        let request = data::needing_data(request, point).needing(train::ROLE, train::NAME);
        Some(data::needing_likelihood(request))
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "effective_model",
            "collective_variables",
            "effective_patterns",
            "effective_sites",
            "collective_potential",
            "fields_found",
        ]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.effective_model")] }
    }
}

impl Stage for EffectiveModel {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        report(task, 0.0, "half-logits of the decoder");
        let vae = train::read_best(task)?;
        let decoder = Decoder::of(&vae, task)?;
        let train = DataSet::read(task, data::TRAIN)?;
        let test = DataSet::read(task, data::TEST)?;
        let split = Split::new(&train, &test)?;
        let network = data::read_network_log_probability(task)?;
        let most = parameters.most_variables;
        let rungs = ladder::climb(task, &decoder, &split, &network, most)?;
        let losses = ladder::losses(&rungs, &network, &test)?;
        let variables = ladder::sufficient(&losses);
        if variables == 0 {
            return Err(StageError::failed(
                "the half-logits of the network do not vary: there is no collective variable, \
                 and no model to read off; train longer, or with other data",
            ));
        }
        let rung = &rungs[variables - 1];
        let found = findings(task, &parameters, &decoder, &split, &network, rung)?;
        if !found.warning.is_empty() {
            task.warn(found.warning.clone());
        }
        report(task, 0.95, "tables");
        let departure = rows::write_potential(task, found.model(), &split)?;
        rows::write_variables(task, &found, &rungs, &losses)?;
        rows::write_model(task, &found, departure)?;
        rows::write_patterns(task, &found)?;
        rows::write_sites(task, &found)?;
        rows::write_fields(task, &number_of_fields(task, &split)?)?;
        task.write(MODEL, &model_file::to_bytes(found.model()))
    }
}

/// The model in its gauge, its errors, and how it stands against network and truth.
fn findings<'a>(
    task: &TaskContext<'_>,
    parameters: &Parameters,
    decoder: &'a Decoder,
    split: &Split<'_>,
    network: &[f64],
    rung: &Rung,
) -> Result<Findings<'a>, StageError> {
    let rotation = match parameters.rotation {
        PatternRotation::Sparse => Rotation::Sparse,
        PatternRotation::Contrast => Rotation::Contrast,
    };
    let options = FitOptions {
        most_iterations: parameters.iterations,
        tolerance: TOLERANCE,
    };
    let fitted = ladder::refit(task, &rung.model, &split.train, options, 0.6)?;
    let stability = stability(task, parameters, &fitted, rotation, split)?;
    let own = split.log_likelihood(&stability.model);
    let gains: Vec<f64> = own.iter().zip(network).map(|(a, b)| a - b).collect();
    let truth = truth(task, &stability.model, rotation)?;
    Ok(Findings {
        decoder,
        variables: rung.model.fields(),
        truth,
        network: split.test.mean(network)?,
        truncated: rung.truncated,
        refitted: split.test.mean(&own)?,
        gain: split.test.mean(&gains)?,
        warning: warning(decoder, rung.model.fields()),
        stability,
    })
}

/// Passes of the fit to resampled data, which begins at the model, and of one from a random
/// start.
const REFIT: FitOptions = FitOptions {
    most_iterations: 10,
    tolerance: 1e-4,
};
const RESTART: FitOptions = FitOptions {
    most_iterations: 60,
    tolerance: 1e-3,
};

fn stability(
    task: &TaskContext<'_>,
    parameters: &Parameters,
    model: &GeneralisedHopfield,
    rotation: Rotation,
    split: &Split<'_>,
) -> Result<Stability, StageError> {
    let seeds = match model.fields() {
        fields if fields <= MAX_FIELDS => parameters.starts,
        _ => 0,
    };
    let options = StabilityOptions {
        law: FieldLaw::Free,
        rotation,
        resamplings: parameters.bootstrap,
        warm: REFIT,
        seeds,
        cold: RESTART,
    };
    let streams = |name: &str| task.stream(name);
    let proceed = going(task, 0.65, "resampled blocks and random starts");
    let found = fields::stability(model, &split.train, &options, &streams, &proceed);
    task.check_cancelled()?;
    Ok(found?)
}

/// Says what is going on at each pass of a fit, and stops it when asked to.
fn going<'a>(
    task: &'a TaskContext<'_>,
    done: f64,
    message: &'a str,
) -> impl Fn(f64) -> ControlFlow<()> + 'a {
    move |_| {
        report(task, done, message);
        if task.cancelled() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// How many fields the data ask for, without the network.
fn number_of_fields(
    task: &TaskContext<'_>,
    split: &Split<'_>,
) -> Result<NumberOfFields, StageError> {
    let proceed = going(task, 0.85, "models of one field after the other");
    let (train, test) = (split.comparing(), &split.test_words);
    let most = MAX_FIELDS.min(train.sites());
    let found = fields::number_of_fields(train, test, most, FieldLaw::Free, &RESTART, &proceed);
    task.check_cancelled()?;
    Ok(found?)
}

/// Free parameters of a model with a free law of the field at given values: weights sum to
/// 1. The gauge is no reduction here, since the values stay where they are.
pub(super) fn parameters(model: &GeneralisedHopfield) -> usize {
    model.sites() * (1 + model.fields()) + model.weights().len() - 1
}

/// What the reader should know of the number of collective variables, which is what the
/// likelihood says: a network may bend the sheet of its latents into further directions
/// that no data ask for.
fn warning(decoder: &Decoder, variables: usize) -> String {
    let spectrum = &decoder.spectrum;
    if spectrum.gap_is_clear() && spectrum.effective == variables {
        return String::new();
    }
    let gap = if spectrum.gap_is_clear() {
        format!("has its gap after {}", spectrum.effective)
    } else {
        "has no clear gap".to_owned()
    };
    format!(
        "{variables} collective variables lose no likelihood that counts, while the spectrum \
         {gap} (margin {:.2})",
        spectrum.margin
    )
}

/// The true model beside the one that was found, if the data come from one.
fn truth(
    task: &TaskContext<'_>,
    model: &GeneralisedHopfield,
    rotation: Rotation,
) -> Result<Option<Truth>, StageError> {
    let Some(exact) = data::read_true_model(task)? else {
        return Ok(None);
    };
    let exact = fields::in_gauge(&exact, rotation)?.model;
    let aligned = fields::align(model, &exact)?;
    let cosines = fields::principal_cosines(model.patterns(), exact.patterns(), model.sites())?;
    let squares = model.biases().iter().zip(exact.biases());
    let squares: f64 = squares.map(|(a, b)| (a - b).powi(2)).sum();
    let comparable = exact.fields() == model.fields();
    Ok(Some(Truth {
        biases: exact.biases().to_vec(),
        patterns: aligned.patterns,
        cosines: aligned.cosines,
        plane_cosine: cosines.iter().copied().fold(1.0, f64::min),
        bias_rmse: comparable.then(|| (squares / model.sites() as f64).sqrt()),
    }))
}
