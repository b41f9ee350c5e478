//! `sample`: equilibrium samples of a model, with what is known exactly.
//!
//! Writes training and test configurations, the stored patterns, ln p(x) of the
//! test configurations, and a fragment of the table `sampling`.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use crate::bits::BitMatrix;
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::manifest::{HopfieldSection, ModelSection, PatternSource, Point, System};
use crate::physics::{
    self, Ensemble, ExactSolution, Hopfield, LogPartition, PhysicsError, SamplingMethod,
    SiteClasses,
};
use crate::plan::{Request, StageDefinition};
use crate::random;
use crate::tables::{self, Table, schema};

pub(super) const NAME: &str = "sample";

/// The stage.
pub(super) struct Sample;

/// Everything that decides the samples.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    model: Model,
    samples: usize,
    test_samples: usize,
    method: Method,
    seed: u64,
    replicate: u32,
}

/// The model and its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Model {
    Hopfield {
        sites: usize,
        patterns: Patterns,
        temperature: f64,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Patterns {
    Drawn(usize),
    Given(Vec<Vec<i8>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Auto,
    Exact,
    Gibbs,
    Tempering,
}

impl Model {
    fn of(section: &ModelSection) -> Self {
        let ModelSection::Hopfield(HopfieldSection {
            sites,
            patterns,
            temperature,
        }) = section;
        Self::Hopfield {
            sites: *sites,
            patterns: match patterns {
                PatternSource::Drawn(count) => Patterns::Drawn(*count),
                PatternSource::Given(rows) => Patterns::Given(rows.clone()),
            },
            temperature: *temperature,
        }
    }
}

impl Method {
    fn of(method: crate::manifest::SamplingMethod) -> Self {
        use crate::manifest::SamplingMethod;
        match method {
            SamplingMethod::Auto => Self::Auto,
            SamplingMethod::Exact => Self::Exact,
            SamplingMethod::Gibbs => Self::Gibbs,
            SamplingMethod::Tempering => Self::Tempering,
        }
    }

    fn resolve(self, model: &Hopfield) -> SamplingMethod {
        match self {
            Self::Auto => SamplingMethod::automatic(model),
            Self::Exact => SamplingMethod::Exact,
            Self::Gibbs => SamplingMethod::Gibbs,
            Self::Tempering => SamplingMethod::Tempering,
        }
    }
}

impl StageDefinition for Sample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let System::Model { model, sampling } = &point.system else {
            return None;
        };
        Some(Request::new(super::json(&Parameters {
            model: Model::of(model),
            samples: sampling.samples,
            test_samples: sampling.test_samples,
            method: Method::of(sampling.method),
            seed: point.seed,
            replicate: point.replicate,
        })))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["sampling"]
    }
}

impl Stage for Sample {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let model = hopfield(&parameters)?;
        let method = parameters.method.resolve(&model);
        let total = parameters.samples + parameters.test_samples;
        let streams = |name: &str| task.stream(name);
        let ensemble = physics::sample(&model, method, total, &streams, &|fraction| {
            proceed(task, 0.6 * fraction, method.name())
        })
        .map_err(cancelled)?;
        for warning in &ensemble.warnings {
            task.warn(warning.clone());
        }
        let log_partition = physics::log_partition(&model, &streams, &|fraction| {
            proceed(task, 0.6 + 0.4 * fraction, "ln Z")
        })
        .map_err(cancelled)?;

        let part = |rows: std::ops::Range<usize>| DataSet {
            bits: ensemble.samples.select_rows(&rows.collect::<Vec<_>>()),
            blocks: None,
        };
        let test = part(parameters.samples..total);
        part(0..parameters.samples).write(task, data::TRAIN)?;
        test.write(task, data::TEST)?;
        let patterns = tables::bits_to_bytes(model.patterns(), None, &task.metadata())?;
        task.write(data::PATTERNS, &patterns)?;
        let log_probability: Vec<f64> = (0..test.bits.rows())
            .map(|row| model.log_probability(test.bits.row(row), &log_partition))
            .collect();
        data::write_log_probability(task, &log_probability, log_partition.standard_error)?;
        write_table(task, &model, &ensemble, &log_partition)
    }
}

fn proceed(task: &TaskContext<'_>, fraction: f64, message: &str) -> ControlFlow<()> {
    task.progress(Progress {
        fraction,
        message: message.to_owned(),
    });
    if task.cancelled() {
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

fn cancelled(error: PhysicsError) -> StageError {
    match error {
        PhysicsError::Cancelled => StageError::Cancelled,
        other => other.into(),
    }
}

/// The model. Drawn patterns depend on seed, replicate, sites and their number
/// only, so that a sweep over temperature cools one and the same network.
fn hopfield(parameters: &Parameters) -> Result<Hopfield, StageError> {
    let Model::Hopfield {
        sites,
        patterns,
        temperature,
    } = &parameters.model;
    let patterns = match patterns {
        Patterns::Drawn(count) => {
            let names = [
                "patterns",
                &parameters.replicate.to_string(),
                &sites.to_string(),
                &count.to_string(),
            ];
            let mut generator = random::stream(&parameters.seed.to_string(), &names);
            physics::draw_patterns(*count, *sites, &mut generator)
        }
        Patterns::Given(rows) => {
            let mut patterns = BitMatrix::zeros(rows.len(), *sites);
            for (row, values) in rows.iter().enumerate() {
                for (site, &value) in values.iter().enumerate() {
                    patterns.set(row, site, value > 0);
                }
            }
            patterns
        }
    };
    Ok(Hopfield::new(patterns, *temperature)?)
}

/// The table `sampling`: the ensemble's averages beside the exact ones.
fn write_table(
    task: &TaskContext<'_>,
    model: &Hopfield,
    ensemble: &Ensemble,
    log_partition: &LogPartition,
) -> Result<(), StageError> {
    let sites = model.sites() as f64;
    let classes = SiteClasses::new(model);
    let exact = classes
        .affordable()
        .then(|| ExactSolution::new(&classes))
        .transpose()?;
    let method = ensemble.method.name();
    let (variance, variance_error) = energy_variance(model, ensemble);
    let mut table = Table::new(&schema::SAMPLING);
    let mut push = |quantity: &str, method: &str, numbers: [Option<f64>; 3]| {
        let [value, error, exact] = numbers;
        table.push([
            quantity.into(),
            method.into(),
            value.into(),
            error.into(),
            exact.into(),
        ])
    };
    push(
        "energy_per_site",
        method,
        [
            Some(ensemble.mean_energy / sites),
            Some(ensemble.mean_energy_error / sites),
            exact.as_ref().map(|e| e.mean_energy / sites),
        ],
    )?;
    push(
        "energy_variance_per_site",
        method,
        [
            Some(variance / sites),
            Some(variance_error / sites),
            exact.as_ref().map(|e| e.energy_variance / sites),
        ],
    )?;
    push(
        "log_partition",
        log_partition.method.name(),
        [
            Some(log_partition.value),
            Some(log_partition.standard_error),
            exact.as_ref().map(|e| e.log_partition),
        ],
    )?;
    let diagnostics = [
        (
            "autocorrelation_time_sweeps",
            Some(ensemble.autocorrelation_sweeps),
        ),
        ("effective_samples", Some(ensemble.effective_samples)),
        ("lowest_swap_acceptance", ensemble.lowest_exchange_rate),
    ];
    for (quantity, value) in diagnostics {
        push(quantity, method, [value, None, None])?;
    }
    super::write_fragment(task, &table)
}

/// Variance of the energy over the samples, and its standard error from the
/// fourth moment and the effective number of samples.
fn energy_variance(model: &Hopfield, ensemble: &Ensemble) -> (f64, f64) {
    let rows = ensemble.samples.rows();
    let deviations: Vec<f64> = (0..rows)
        .map(|row| model.energy(ensemble.samples.row(row)) - ensemble.mean_energy)
        .collect();
    let moment = |power: i32| deviations.iter().map(|d| d.powi(power)).sum::<f64>() / rows as f64;
    let (second, fourth) = (moment(2), moment(4));
    let error = ((fourth - second * second).max(0.0) / ensemble.effective_samples).sqrt();
    (second, error)
}
