//! `sample`: equilibrium samples of a model, with what is known exactly.
//!
//! Writes training and test configurations, what belongs to the model beside its
//! parameters (stored patterns, biases and fields), ln p(x) of the test configurations
//! where it is known, and a fragment of the table `sampling`.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::model::Model;
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::manifest::{Point, SamplingMethod as Asked, System};
use crate::physics::{self, Ensemble, LogPartition, PhysicsError, SamplingMethod};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Table, schema};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Auto,
    Exact,
    Gibbs,
    Tempering,
    Wolff,
    SwendsenWang,
    Metropolis,
}

impl Method {
    fn of(method: Asked) -> Self {
        match method {
            Asked::Auto => Self::Auto,
            Asked::Exact => Self::Exact,
            Asked::Gibbs => Self::Gibbs,
            Asked::Tempering => Self::Tempering,
            Asked::Wolff => Self::Wolff,
            Asked::SwendsenWang => Self::SwendsenWang,
            Asked::Metropolis => Self::Metropolis,
        }
    }

    fn resolve(self, system: &dyn physics::System) -> SamplingMethod {
        match self {
            Self::Auto => system.automatic(),
            Self::Exact => SamplingMethod::Exact,
            Self::Gibbs => SamplingMethod::Gibbs,
            Self::Tempering => SamplingMethod::Tempering,
            Self::Wolff => SamplingMethod::Wolff,
            Self::SwendsenWang => SamplingMethod::SwendsenWang,
            Self::Metropolis => SamplingMethod::Metropolis,
        }
    }
}

impl StageDefinition for Sample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
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

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("model", "model"),
                ManifestKey::new("samples", "sampling.samples"),
                ManifestKey::new("test_samples", "sampling.test_samples"),
                ManifestKey::new("method", "sampling.method"),
                ManifestKey::new("seed", "experiment.seed"),
            ]
        }
    }
}

impl Stage for Sample {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let model = &parameters.model;
        let stored = model.stored(parameters.seed, parameters.replicate)?;
        stored.write(task)?;
        let system = model.system(stored)?;
        let method = parameters.method.resolve(system.as_ref());
        let total = parameters.samples + parameters.test_samples;
        let streams = |name: &str| task.stream(name);
        let sampling = |fraction| proceed(task, 0.6 * fraction, method.name());
        let ensemble = system
            .sample(method, total, &streams, &sampling)
            .map_err(cancelled)?;
        for warning in &ensemble.warnings {
            task.warn(warning.clone());
        }
        let integrating = |fraction| proceed(task, 0.6 + 0.4 * fraction, "ln Z");
        let log_partition = system
            .log_partition(&streams, &integrating)
            .map_err(cancelled)?;

        let part = |rows: std::ops::Range<usize>| DataSet {
            configurations: ensemble.samples.range(rows),
            blocks: None,
        };
        let test = part(parameters.samples..total);
        part(0..parameters.samples).write(task, data::TRAIN)?;
        test.write(task, data::TEST)?;
        if let Some(log_partition) = &log_partition {
            let probability =
                |row| system.log_probability(&test.configurations, row, log_partition);
            let values: Vec<f64> = (0..parameters.test_samples).map(probability).collect();
            data::write_log_probability(task, &values, log_partition.standard_error)?;
        }
        write_table(task, system.as_ref(), &ensemble, log_partition.as_ref())
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

/// The table `sampling`: the ensemble's averages beside the exact ones.
fn write_table(
    task: &TaskContext<'_>,
    system: &dyn physics::System,
    ensemble: &Ensemble,
    log_partition: Option<&LogPartition>,
) -> Result<(), StageError> {
    let sites = system.sites() as f64;
    let exact = system.exact()?;
    let method = ensemble.method.name();
    let (variance, variance_error) = energy_variance(system, ensemble);
    let mut table = Table::new(&schema::SAMPLING);
    let mut push = |quantity: &str, method: &str, [value, error]: [Option<f64>; 2]| {
        table.push([
            quantity.into(),
            method.into(),
            value.into(),
            error.into(),
            exact.get(quantity).copied().into(),
        ])
    };
    let energy = [ensemble.mean_energy, ensemble.mean_energy_error];
    push(
        "energy_per_site",
        method,
        energy.map(|energy| Some(energy / sites)),
    )?;
    let variance = [variance, variance_error];
    push(
        "energy_variance_per_site",
        method,
        variance.map(|variance| Some(variance / sites)),
    )?;
    if let Some(found) = log_partition {
        push(
            "log_partition",
            found.method.name(),
            [Some(found.value), Some(found.standard_error)],
        )?;
    }
    let time = ensemble.autocorrelation_sweeps;
    let diagnostics = [
        (
            "autocorrelation_time_sweeps",
            Some(time),
            Some(ensemble.autocorrelation_error_sweeps),
        ),
        ("effective_samples", Some(ensemble.effective_samples), None),
        ("split_r_hat", ensemble.split_r_hat, None),
        (
            "lowest_swap_acceptance",
            ensemble.lowest_exchange_rate,
            None,
        ),
    ];
    for (quantity, value, error) in diagnostics {
        push(quantity, method, [value, error])?;
    }
    super::write_fragment(task, &table)
}

/// Variance of the energy over the samples, and its standard error from the
/// fourth moment and the effective number of samples.
fn energy_variance(system: &dyn physics::System, ensemble: &Ensemble) -> (f64, f64) {
    let rows = ensemble.samples.rows();
    let deviations: Vec<f64> = (0..rows)
        .map(|row| system.energy(&ensemble.samples, row) - ensemble.mean_energy)
        .collect();
    let moment = |power: i32| deviations.iter().map(|d| d.powi(power)).sum::<f64>() / rows as f64;
    let (second, fourth) = (moment(2), moment(4));
    let error = ((fourth - second * second).max(0.0) / ensemble.effective_samples).sqrt();
    (second, error)
}
