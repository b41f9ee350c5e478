//! The numbers that the verdict rests on, gathered from other stages.

use super::tests_of_samples::SampleTests;
use super::{FURTHER, INFORMATION, LIKELIHOOD};
use crate::configurations::Configurations;
use crate::engine::{StageError, TaskContext};
use crate::inference::{self, Estimate, Evidence, IndependentModel, Measured, Missing};
use crate::stages::data::{self, DataSet};
use crate::stages::train;
use crate::tables::{self, Table};
use crate::vae::Vae;

/// Draws from the prior, for the number of collective variables.
const PRIOR_DRAWS: usize = 4096;
/// Draws of the importance-weighted bound by which two networks are compared.
const IMPORTANCE_DRAWS: usize = 64;
/// Test configurations by which they are compared.
const COMPARED: usize = 4000;

/// The evidence, and what is told of it besides.
pub(super) struct Gathered {
    pub(super) evidence: Evidence,
    pub(super) certified_partition: String,
    pub(super) effective_variables: usize,
    pub(super) effective_margin: f64,
}

impl Gathered {
    /// The gap, where it comes from, and the gain by further latents if there is one.
    pub(super) fn gap(&self) -> (Measured, &'static str, Option<Measured>) {
        match self.evidence.missing {
            Missing::Exact(gap) => (gap, "exact", None),
            Missing::Bounded {
                by_classifier,
                further_gain,
            } => (by_classifier, "classifier", Some(further_gain)),
        }
    }

    /// The part of the correlations that is missing.
    pub(super) fn missing_fraction(&self) -> Measured {
        let (gap, _, _) = self.gap();
        let captured = self.evidence.captured;
        let all = gap.value + captured.value;
        // d(g / (g + c)) = (c dg - g dc) / (g + c)^2.
        let spread =
            (captured.value * gap.standard_error).hypot(gap.value * captured.standard_error);
        Measured {
            value: gap.value / all,
            standard_error: spread / (all * all),
        }
    }
}

pub(super) fn gather(
    task: &TaskContext<'_>,
    vae: &Vae,
    test: &DataSet,
    tests: &SampleTests,
) -> Result<Gathered, StageError> {
    let likelihood = fragment(task, LIKELIHOOD, "likelihood")?;
    let information = fragment(task, INFORMATION, "information")?;
    let missing = match number(&likelihood, "paired_gap_nats")? {
        Some(gap) => Missing::Exact(gap),
        None => Missing::Bounded {
            by_classifier: measured(tests.divergence),
            further_gain: further_gain(task, vae, test)?,
        },
    };
    let (certified_excess, certified_partition) = largest_excess(&information)?;
    let latents = fragment(task, INFORMATION, "latents")?;
    let active = latents.flags("active")?.iter().filter(|&&active| active);
    let draws = vae.draw_prior(PRIOR_DRAWS, &mut task.stream("prior"));
    let natural = vae.natural_parameters(&draws);
    let natural: Vec<f64> = natural.iter().map(|&field| f64::from(field)).collect();
    let spectrum = inference::spectrum(&natural, vae.architecture().features())?;
    Ok(Gathered {
        evidence: Evidence {
            missing,
            captured: captured(task, test, missing)?,
            certified_excess,
            smallest_p_value: tests.smallest_p_value(),
            sites: vae.architecture().sites,
            latents: vae.architecture().latent,
            active_units: active.count(),
        },
        certified_partition,
        effective_variables: spectrum.effective,
        effective_margin: spectrum.margin,
    })
}

fn fragment(task: &TaskContext<'_>, role: &str, table: &str) -> Result<Table, StageError> {
    let bytes = task.read(role, &format!("{table}.parquet"))?;
    Ok(tables::from_bytes(&bytes)?.0)
}

/// A number of the first row with its standard error, if it is there.
fn number(table: &Table, column: &str) -> Result<Option<Measured>, StageError> {
    let first = |name: &str| -> Result<Option<f64>, StageError> {
        Ok(table.numbers(name)?.first().copied().flatten())
    };
    let error = first(&format!("{column}_se"))?;
    Ok(first(column)?.map(|value| Measured {
        value,
        standard_error: error.unwrap_or(0.0),
    }))
}

fn measured(estimate: Estimate) -> Measured {
    Measured {
        value: estimate.value,
        standard_error: estimate.standard_error,
    }
}

/// Log-likelihood of the network above that of independent sites.
///
/// Both are paired on the same configurations. Where the probability is known it is taken
/// as the gain of the exact model, less the gap. A director by itself is uniform.
fn captured(
    task: &TaskContext<'_>,
    test: &DataSet,
    missing: Missing,
) -> Result<Measured, StageError> {
    let independent = match &test.configurations {
        Configurations::Spins(bits) => {
            let train = DataSet::read(task, data::TRAIN)?;
            IndependentModel::fit(train.spins()?)?.log_likelihood(bits)?
        }
        Configurations::Directors(_) => vec![0.0; test.configurations.rows()],
    };
    let exact = data::read_log_probability(task)?;
    if let (Some((exact, _)), Missing::Exact(gap)) = (&exact, missing) {
        let gains: Vec<f64> = exact.iter().zip(&independent).map(|(p, q)| p - q).collect();
        let gain = test.mean(&gains)?;
        return Ok(Measured {
            value: gain.value - gap.value,
            standard_error: gain.standard_error.hypot(gap.standard_error),
        });
    }
    let own = data::read_network_log_probability(task)?;
    let gains: Vec<f64> = own.iter().zip(&independent).map(|(p, q)| p - q).collect();
    Ok(measured(test.mean(&gains)?))
}

/// What the network with further latents gains, configuration by configuration.
fn further_gain(task: &TaskContext<'_>, vae: &Vae, test: &DataSet) -> Result<Measured, StageError> {
    let further = train::read_best_of(task, FURTHER)?;
    let compared = test.thinned(COMPARED);
    let bound = |vae: &Vae, name: &str| {
        let streams = |label: &str| task.stream(&format!("{name} {label}"));
        vae.importance_weighted(&compared.configurations, IMPORTANCE_DRAWS, &streams)
    };
    let (own, other) = (bound(vae, "own"), bound(&further, "further"));
    let gains: Vec<f64> = other
        .iter()
        .zip(&own)
        .map(|(other, own)| other - own)
        .collect();
    Ok(measured(compared.mean(&gains)?))
}

/// The largest mutual information less rate that is a lower bound, and its partition.
fn largest_excess(information: &Table) -> Result<(Option<Measured>, String), StageError> {
    let values = information.numbers("certified_excess_nats")?;
    let errors = information.numbers("certified_excess_nats_se")?;
    let names = information.texts("partition")?;
    let bias = information.texts("mutual_information_bias")?;
    let mut largest: (Option<Measured>, String) = (None, String::new());
    for row in 0..information.rows() {
        let certain = ["exact", "lower_bound"].contains(&bias[row].as_str());
        let (Some(value), true) = (values[row], certain) else {
            continue;
        };
        let found = Measured {
            value,
            standard_error: errors[row].unwrap_or(0.0),
        };
        if largest.0.is_none_or(|best| found.value > best.value) {
            largest = (Some(found), names[row].clone());
        }
    }
    Ok(largest)
}
