//! `information`: what the latents carry against what parts of the data know of each
//! other.
//!
//! For every partition of the sites in A and B the mutual information I(A; B), exactly
//! where the model is solved, else estimated; the rate R of the latents and the
//! information that they really carry; the exact rate of the theory's own field; and
//! the certified inequality NELBO - H >= I(A; B) - R.

mod latents;
mod partitions;

use serde::{Deserialize, Serialize};

use self::latents::Latents;
use self::partitions::{Between, between};
use super::data::{self, DataSet};
use super::model::{Model, Subject};
use super::report;
use super::train;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::Estimate;
use crate::information::{EquilibriumSamples, InformationValue, Partition};
use crate::manifest::{self, PartitionRule, Point};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Cell, Table, schema};

pub(super) const NAME: &str = "information";

/// The stage.
pub(super) struct Information;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    /// The model, unless the data are a recording.
    model: Option<Model>,
    partitions: Vec<PartitionRule>,
    samples: usize,
    encoded: usize,
}

impl StageDefinition for Information {
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
        let section = point.analysis.information.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            model: match &point.system {
                manifest::System::Model { model, .. } => Some(Model::of(model)),
                manifest::System::Recording(_) => None,
            },
            partitions: section.partitions.clone(),
            samples: section.samples,
            encoded: section.encoded,
        }));
        Some(data::needing_data(request, point).needing(train::ROLE, train::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["information", "latents"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.information"),
                ManifestKey::new("model", "model"),
            ]
        }
    }
}

impl Stage for Information {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?;
        report(task, 0.0, "rate of the latents");
        let latents = Latents::of(task, &vae, &test, parameters.encoded)?;
        super::write_fragment(task, &latents.table()?)?;
        let subject = parameters
            .model
            .as_ref()
            .map(|model| model.sampled(task))
            .transpose()?;
        let reading = Reading {
            task,
            test: &test,
            subject: subject.as_deref(),
            latents: &latents,
            samples: parameters.samples,
        };
        let lattice = parameters.model.as_ref().and_then(Model::lattice);
        let sites = test.configurations.sites();
        let partitions = partitions::expand(task, &parameters.partitions, sites, lattice)?;
        super::write_fragment(task, &reading.table(&partitions)?)
    }
}

/// All that the rows of one point share.
struct Reading<'a> {
    task: &'a TaskContext<'a>,
    test: &'a DataSet,
    subject: Option<&'a dyn Subject>,
    latents: &'a Latents,
    samples: usize,
}

/// A number with its standard error.
type Pair = Option<[f64; 2]>;

impl Reading<'_> {
    fn table(&self, partitions: &[Partition]) -> Result<Table, StageError> {
        let exact = data::read_log_probability(self.task)?;
        let log_partition = data::read_log_partition(self.task)?;
        let equilibrium = EquilibriumSamples {
            configurations: &self.test.configurations,
            effective: data::effective_samples(self.task, self.test)?,
            log_partition,
        };
        report(self.task, 0.3, "exact rate of the field");
        let field_rate = match self.subject {
            Some(subject) => subject.field_rate(Some(&equilibrium))?,
            None => None,
        };
        let mut table = Table::new(&schema::INFORMATION);
        for (index, partition) in partitions.iter().enumerate() {
            self.task.check_cancelled()?;
            let fraction = 0.4 + 0.6 * index as f64 / partitions.len() as f64;
            report(self.task, fraction, partition.name());
            let found = between(self, partition, &equilibrium)?;
            for found in found {
                let row = Row {
                    found,
                    partition,
                    latents: self.latents,
                    field_rate,
                    excess: exact.as_ref(),
                };
                table.push(row.cells(self.test)?)?;
            }
        }
        Ok(table)
    }
}

/// One row of the table `information`.
struct Row<'a> {
    found: Between,
    partition: &'a Partition,
    latents: &'a Latents,
    field_rate: Option<InformationValue>,
    /// ln p(x) of each test configuration, and the error of ln Z.
    excess: Option<&'a (Vec<f64>, f64)>,
}

impl Row<'_> {
    fn cells(&self, test: &DataSet) -> Result<Vec<Cell>, StageError> {
        let (found, latents) = (&self.found, self.latents);
        let rate = latents.rate;
        let certified = [
            found.nats - rate.value,
            found.standard_error.hypot(rate.standard_error),
        ];
        let (excess, slack) = self.excess(test)?;
        let information = latents.information;
        let divergence = latents.divergence;
        let mut cells: Vec<Cell> = vec![
            self.partition.name().into(),
            self.partition.first().len().into(),
        ];
        cells.extend(pair(Some([found.nats, found.standard_error])));
        cells.push(found.method.into());
        cells.push(found.bias.into());
        cells.extend(pair(Some(numbers(rate))));
        cells.extend(pair(Some(numbers(information))));
        cells.push(latents.upper.value.into());
        cells.extend(pair(Some(numbers(divergence))));
        cells.push(latents.active_units().into());
        cells.extend(pair(
            self.field_rate.map(|rate| [rate.nats, rate.standard_error]),
        ));
        cells.extend(pair(excess));
        cells.extend(pair(Some(certified)));
        cells.extend(pair(slack));
        cells.push(self.warning(slack).into());
        Ok(cells)
    }

    /// NELBO - H, and what is left of it beyond I(A; B) - R; paired, so that the error
    /// of the slack knows that rate and ELBO are of the same configurations.
    fn excess(&self, test: &DataSet) -> Result<(Pair, Pair), StageError> {
        let Some((exact, error)) = self.excess else {
            return Ok((None, None));
        };
        let rows = &self.latents.rows;
        let elbo = rows.elbo();
        let lost: Vec<f64> = exact.iter().zip(&elbo).map(|(p, elbo)| p - elbo).collect();
        let with_rate: Vec<f64> = lost.iter().zip(&rows.rate).map(|(l, r)| l + r).collect();
        let excess = test.mean(&lost)?;
        let total = test.mean(&with_rate)?;
        let found = &self.found;
        let errors = total.standard_error.hypot(*error);
        Ok((
            Some([excess.value, excess.standard_error.hypot(*error)]),
            Some([total.value - found.nats, errors.hypot(found.standard_error)]),
        ))
    }

    fn warning(&self, slack: Pair) -> &'static str {
        match slack {
            // The bound is a theorem: beyond three standard errors something is wrong.
            Some([slack, error]) if slack < -3.0 * error && self.found.certifies => {
                "the inequality is violated: too few samples or an error"
            }
            _ => self.found.warning,
        }
    }
}

fn numbers(estimate: Estimate) -> [f64; 2] {
    [estimate.value, estimate.standard_error]
}

fn pair(numbers: Pair) -> [Cell; 2] {
    [
        numbers.map(|numbers| numbers[0]).into(),
        numbers.map(|numbers| numbers[1]).into(),
    ]
}
