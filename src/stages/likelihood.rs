//! `likelihood`: how probable the test configurations are under the network.
//!
//! ELBO, rate, distortion, importance-weighted bound, for up to three latents the
//! marginal likelihood on a grid, and for a model that knows ln p(x) the paired
//! gap mean[ln `p_exact`(x) - ln `p_VAE`(x)] on the same configurations. The best
//! estimate of ln p(x) of each test configuration is kept for later stages.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet, Distinct};
use super::report;
use super::train;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::Estimate;
use crate::manifest::Point;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
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
        2
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
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
        &["likelihood", "likelihood_blocks"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.likelihood")] }
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
                let all = || (0..test.configurations.rows()).collect();
                let (method, rows, own) = match &grid {
                    Some(grid) => ("quadrature", grid.rows.clone(), &grid.values),
                    None => ("importance_weighted", all(), &weighted),
                };
                let gap = paired_gap(&test, &rows, exact, *standard_error, own)?;
                Some((method, gap))
            }
        };
        let complete = grid
            .as_ref()
            .filter(|grid| grid.rows.len() == weighted.len());
        let (method, own) = match complete {
            Some(grid) => ("quadrature", &grid.values),
            None => ("importance_weighted", &weighted),
        };
        data::write_network_log_probability(task, own)?;
        write_blocks(task, &test, own, method)?;
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

/// Log-likelihoods on a grid.
struct Grid {
    /// The test configurations that they are those of.
    rows: Vec<usize>,
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
    // configurations must do. They come from all over it: a recording drifts.
    let all = test.configurations.rows();
    let few = latent == quadrature::LARGEST_LATENT && samples > 0 && samples < all;
    let rows = test.thinned_rows(if few { samples } else { all });
    let result = if few {
        let part = test.configurations.select_rows(&rows);
        quadrature::log_likelihood(vae, &part, &proceed)
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
        rows,
        values: if few {
            result.log_likelihood
        } else {
            distinct.spread(&result.log_likelihood)
        },
        nodes: result.nodes,
        error: result.discretisation_error,
    }))
}

/// Mean log-likelihood of each block of the test configurations, so that two networks
/// can be compared block by block.
fn write_blocks(
    task: &TaskContext<'_>,
    test: &DataSet,
    values: &[f64],
    method: &str,
) -> Result<(), StageError> {
    let mut blocks: BTreeMap<u32, (usize, f64)> = BTreeMap::new();
    for (label, value) in test.block_labels().into_iter().zip(values) {
        let (count, sum) = blocks.entry(label).or_default();
        *count += 1;
        *sum += value;
    }
    let mut table = Table::new(&schema::LIKELIHOOD_BLOCKS);
    for (label, (count, sum)) in blocks {
        let mean = sum / count as f64;
        let label = i64::from(label);
        table.push([label.into(), count.into(), mean.into(), method.into()])?;
    }
    super::write_fragment(task, &table)
}

/// Mean of ln `p_exact` - ln `p_VAE` over `rows`, of which `own` has one value each. The
/// error of ln Z, common to all rows, is added in quadrature.
fn paired_gap(
    test: &DataSet,
    rows: &[usize],
    exact: &[f64],
    exact_error: f64,
    own: &[f64],
) -> Result<Estimate, StageError> {
    let pairs = rows.iter().zip(own);
    let gaps: Vec<f64> = pairs.map(|(&row, own)| exact[row] - own).collect();
    let estimate = test.mean_of_rows(rows, &gaps)?;
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
            Some(grid) => Some(test.mean_of_rows(&grid.rows, &grid.values)?),
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
