//! `likelihood`: how probable the test configurations are under the network.
//!
//! ELBO, rate, distortion, importance-weighted bound, for up to three latents the
//! marginal likelihood on a grid, and for a model that knows ln p(x) the paired
//! gap mean[ln `p_exact`(x) - ln `p_VAE`(x)] on the same configurations.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet, Distinct};
use super::train;
use crate::engine::{Progress, Stage, StageError, TaskContext};
use crate::inference::Estimate;
use crate::manifest::Point;
use crate::plan::{Request, StageDefinition};
use crate::tables::{Cell, Table, schema};
use crate::vae::{Vae, quadrature};

pub(super) const NAME: &str = "likelihood";

/// The stage.
pub(super) struct Likelihood;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    importance_samples: usize,
    quadrature_samples: usize,
}

/// Independent estimates of the importance-weighted bound for a configuration
/// that occurs often; a silent population would else decide all by one estimate.
const MOST_REPEATS: usize = 64;

/// A grid whose spacing costs more than this is worth a warning, nats.
const COARSE_GRID: f64 = 0.01;

impl StageDefinition for Likelihood {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.likelihood.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            importance_samples: section.importance_samples,
            quadrature_samples: section.quadrature_samples,
        }));
        Some(data::needing_data(request, point).needing(train::ROLE, train::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["likelihood"]
    }
}

impl Stage for Likelihood {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?;
        let distinct = Distinct::of(&test.configurations);

        report(task, 0.0, "ELBO");
        let rows = vae.elbo(&test.configurations, &mut task.stream("elbo"));
        task.check_cancelled()?;
        report(task, 0.05, "importance-weighted bound");
        let streams = |name: &str| task.stream(name);
        let (repeated, owner) = distinct.repeated(MOST_REPEATS);
        let weighted = vae.importance_weighted(&repeated, parameters.importance_samples, &streams);
        let weighted = distinct.spread(&distinct.means(&weighted, &owner));
        task.check_cancelled()?;
        let grid = grid(task, &vae, &test, &distinct, parameters.quadrature_samples)?;

        let exact = data::read_log_probability(task)?;
        let gap = match &exact {
            None => None,
            Some((exact, standard_error)) => {
                let (method, own) = match &grid {
                    Some(grid) => ("quadrature", &grid.values),
                    None => ("importance_weighted", &weighted),
                };
                Some((method, paired_gap(&test, exact, *standard_error, own)?))
            }
        };
        let row = Row {
            elbo: test.mean(&rows.elbo())?,
            rate: test.mean(&rows.rate)?,
            distortion: test.mean(&rows.distortion)?,
            weighted: test.mean(&weighted)?,
            exact: exact.map(|(v, _)| test.mean(&v)).transpose()?,
            grid,
            gap,
            test_samples: test.configurations.rows(),
            importance_samples: parameters.importance_samples,
        };
        row.write(task, &test)
    }
}

fn report(task: &TaskContext<'_>, fraction: f64, message: &str) {
    task.progress(Progress {
        fraction,
        message: message.to_owned(),
    });
}

/// Log-likelihoods on a grid, of the first test configurations.
struct Grid {
    values: Vec<f64>,
    nodes: usize,
    error: f64,
}

/// The grid where the network has few enough latents for one.
fn grid(
    task: &TaskContext<'_>,
    vae: &Vae,
    test: &DataSet,
    distinct: &Distinct,
    samples: usize,
) -> Result<Option<Grid>, StageError> {
    let latent = vae.architecture().latent;
    if latent > quadrature::LARGEST_LATENT {
        return Ok(None);
    }
    let proceed = |fraction: f64| {
        report(task, 0.4 + 0.6 * fraction, "marginal likelihood on a grid");
        if task.cancelled() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    // A grid in three dimensions has so many nodes that a part of the test
    // configurations must do; the first are as good as any.
    let few =
        latent == quadrature::LARGEST_LATENT && samples > 0 && samples < test.configurations.rows();
    let result = if few {
        quadrature::log_likelihood(vae, &test.configurations.first_rows(samples), &proceed)
    } else {
        quadrature::log_likelihood(vae, &distinct.configurations, &proceed)
    };
    let result = result.map_err(train::cancelled)?;
    if result.discretisation_error > COARSE_GRID {
        task.warn(format!(
            "the grid of {} nodes is coarse: shifted by half a cell it gives other log-likelihoods, by {:.3} nats",
            result.nodes, result.discretisation_error
        ));
    }
    Ok(Some(Grid {
        values: if few {
            result.log_likelihood
        } else {
            distinct.spread(&result.log_likelihood)
        },
        nodes: result.nodes,
        error: result.discretisation_error,
    }))
}

/// Mean of ln `p_exact` - ln `p_VAE` over the rows that have both. The error of
/// ln Z, common to all rows, is added in quadrature.
fn paired_gap(
    test: &DataSet,
    exact: &[f64],
    exact_error: f64,
    own: &[f64],
) -> Result<Estimate, StageError> {
    let gaps: Vec<f64> = exact.iter().zip(own).map(|(e, o)| e - o).collect();
    let estimate = test.mean(&gaps)?;
    Ok(Estimate {
        standard_error: estimate.standard_error.hypot(exact_error),
        ..estimate
    })
}

/// One row of the table `likelihood`.
struct Row {
    elbo: Estimate,
    rate: Estimate,
    distortion: Estimate,
    weighted: Estimate,
    exact: Option<Estimate>,
    grid: Option<Grid>,
    gap: Option<(&'static str, Estimate)>,
    test_samples: usize,
    importance_samples: usize,
}

impl Row {
    fn write(self, task: &TaskContext<'_>, test: &DataSet) -> Result<(), StageError> {
        let pair = |estimate: Option<Estimate>| -> [Cell; 2] {
            [
                estimate.map(|e| e.value).into(),
                estimate.map(|e| e.standard_error).into(),
            ]
        };
        let marginal = match &self.grid {
            Some(grid) => Some(test.mean(&grid.values)?),
            None => None,
        };
        let mut cells: Vec<Cell> = Vec::new();
        for estimate in [self.elbo, self.rate, self.distortion, self.weighted] {
            cells.extend(pair(Some(estimate)));
        }
        cells.extend(pair(marginal));
        cells.push(self.grid.as_ref().map(|grid| grid.error).into());
        cells.extend(pair(self.exact));
        cells.extend(pair(self.gap.map(|(_, estimate)| estimate)));
        cells.push(self.gap.map_or("", |(method, _)| method).into());
        cells.push(self.test_samples.into());
        cells.push(self.importance_samples.into());
        cells.push(self.grid.as_ref().map_or(0, |grid| grid.nodes).into());
        cells.push(warning(&self).into());
        let mut table = Table::new(&schema::LIKELIHOOD);
        table.push(cells)?;
        super::write_fragment(task, &table)
    }
}

/// What the reader of the row should know.
fn warning(row: &Row) -> String {
    let mut warnings = Vec::new();
    if let Some(grid) = &row.grid
        && grid.error > COARSE_GRID
    {
        warnings.push("coarse grid");
    }
    if let Some((_, gap)) = row.gap
        && gap.value < -5.0 * gap.standard_error
    {
        warnings.push(
            "the network is more probable than the exact model: too few test samples or an error",
        );
    }
    warnings.join("; ")
}
