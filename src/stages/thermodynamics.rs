//! `thermodynamics`: averages of the data and of samples of the network.
//!
//! Energy, specific heat and the order parameters of the model, from its own samples
//! and from configurations that the network draws, with errors by jackknife over
//! blocks, and the exact values at this size and temperature beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::model::Model;
use super::report;
use super::train;
use crate::configurations::Configurations;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::{self, Observations, OrderParameter};
use crate::manifest::{self, Point};
use crate::physics::System;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Table, schema};

/// The stage.
pub(super) struct Thermodynamics;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    model: Model,
    vae_samples: usize,
}

impl StageDefinition for Thermodynamics {
    fn name(&self) -> &'static str {
        "thermodynamics"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.thermodynamics.as_ref()?;
        let manifest::System::Model { model, .. } = &point.system else {
            return None;
        };
        let request = Request::new(super::json(&Parameters {
            model: Model::of(model),
            vae_samples: section.vae_samples,
        }));
        Some(data::needing_data(request, point).needing(train::ROLE, train::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["thermodynamics"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.thermodynamics"),
                ManifestKey::new("model", "model"),
            ]
        }
    }
}

impl Stage for Thermodynamics {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let system = parameters.model.sampled(task)?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?;
        let count = match parameters.vae_samples {
            0 => test.configurations.rows(),
            count => count,
        };
        report(task, 0.1, "samples of the network");
        let samples = DataSet {
            configurations: vae.sample(count, &|name| task.stream(name)),
            blocks: None,
        };
        task.check_cancelled()?;
        report(task, 0.4, "averages");
        let train = DataSet::read(task, data::TRAIN)?;
        let all = DataSet {
            configurations: Configurations::concat(&[train.configurations, test.configurations]),
            blocks: None,
        };
        let exact = system.exact()?;
        let mut table = Table::new(&schema::THERMODYNAMICS);
        for (source, data) in [("data", &all), ("vae", &samples)] {
            push_averages(&mut table, source, system.as_ref(), data, &exact)?;
            task.check_cancelled()?;
        }
        super::write_fragment(task, &table)
    }
}

/// Adds a row for each observable of one set of configurations.
fn push_averages(
    table: &mut Table,
    source: &str,
    system: &dyn System,
    data: &DataSet,
    exact: &BTreeMap<String, f64>,
) -> Result<(), StageError> {
    let configurations = &data.configurations;
    let rows = configurations.rows();
    let energies: Vec<f64> = (0..rows)
        .map(|row| system.energy(configurations, row))
        .collect();
    let names = system.order_parameters();
    let mut values = vec![Vec::with_capacity(rows); names.len()];
    for row in 0..rows {
        let found = system.order_values(configurations, row);
        for (values, value) in values.iter_mut().zip(found) {
            values.push(value);
        }
    }
    let order: Vec<OrderParameter<'_>> = names
        .iter()
        .zip(&values)
        .map(|(name, values)| OrderParameter { name, values })
        .collect();
    let observations = Observations {
        sites: system.sites(),
        beta: system.beta(),
        energies: &energies,
        order_parameters: &order,
    };
    for named in inference::thermodynamics(&observations, &data.block_labels())? {
        table.push([
            named.name.as_str().into(),
            source.into(),
            named.estimate.value.into(),
            named.estimate.standard_error.into(),
            exact.get(&named.name).copied().into(),
        ])?;
    }
    Ok(())
}
