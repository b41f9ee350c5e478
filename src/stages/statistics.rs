//! `statistics`: population statistics of test data, network and simpler models.
//!
//! Rates, correlations, P(K) and triplets of the test data beside those of the
//! training data, of samples of the network and of the independent model, with
//! errors by blocks of repeats (or of independent configurations).

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::report;
use super::train;
use crate::bits::BitMatrix;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::{
    BlockedPopulation, Estimate, IndependentModel, PopulationErrors, PopulationStatistics, compare,
};
use crate::manifest::Point;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Cell, Table, schema};
use crate::vae::Vae;

/// The stage.
pub(super) struct Statistics;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    triplet_sites: usize,
    vae_samples: usize,
}

/// Bins of the latent map along each axis.
const MAP_BINS: usize = 60;

impl StageDefinition for Statistics {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn version(&self) -> u32 {
        2
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.statistics.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            triplet_sites: section.triplet_sites,
            vae_samples: section.vae_samples,
        }));
        let request = data::needing_data(request, point).needing(train::ROLE, train::NAME);
        Some(match point.analysis.likelihood {
            Some(_) => data::needing_likelihood(request),
            None => request,
        })
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "statistics",
            "active_count",
            "rates",
            "correlations",
            "triplets",
            "latent_map",
        ]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.statistics")] }
    }
}

impl Stage for Statistics {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let train = DataSet::read(task, data::TRAIN)?;
        let test = DataSet::read(task, data::TEST)?;
        report(task, 0.1, "samples of the network");
        let count = match parameters.vae_samples {
            0 => test.configurations.rows(),
            count => count,
        };
        let samples = DataSet {
            configurations: vae.sample(count, &|name| task.stream(name)),
            blocks: None,
        };
        task.check_cancelled()?;
        report(task, 0.3, "counts");
        let sites = chosen_sites(test.spins()?, parameters.triplet_sites);
        let independent = IndependentModel::fit(train.spins()?)?;
        let populations = Populations {
            data: blocked(&test, &sites)?,
            train: blocked(&train, &sites)?,
            vae: blocked(&samples, &sites)?,
            independent: independent.statistics(&sites)?,
            sites,
        };
        task.check_cancelled()?;
        report(task, 0.7, "errors");
        let likelihoods = Likelihoods {
            independent: test.mean(&independent.log_likelihood(test.spins()?)?)?,
            vae: network_likelihood(task, &test)?,
        };
        populations.write_statistics(task, &likelihoods)?;
        let errors = populations.data.errors()?;
        populations.write_counts(task, &errors)?;
        populations.write_pairs(task, &errors)?;
        populations.write_triplets(task, &errors)?;
        write_map(task, &vae, &test)
    }
}

/// The most active units, in their own order: their triplets are best known.
pub(super) fn chosen_sites(bits: &BitMatrix, count: usize) -> Vec<usize> {
    let mut active = vec![0_usize; bits.columns()];
    for row in 0..bits.rows() {
        for (site, total) in active.iter_mut().enumerate() {
            *total += usize::from(bits.get(row, site));
        }
    }
    let mut order: Vec<usize> = (0..active.len()).collect();
    order.sort_by_key(|&site| std::cmp::Reverse(active[site]));
    order.truncate(count);
    order.sort_unstable();
    order
}

fn blocked(data: &DataSet, sites: &[usize]) -> Result<BlockedPopulation, StageError> {
    Ok(BlockedPopulation::new(
        data.spins()?,
        &data.block_labels(),
        sites,
    )?)
}

/// Log-likelihood of the test data under the network, if `likelihood` was asked for.
fn network_likelihood(
    task: &TaskContext<'_>,
    test: &DataSet,
) -> Result<Option<Estimate>, StageError> {
    if !task.roles().any(|role| role == data::NETWORK_ROLE) {
        return Ok(None);
    }
    let values = data::read_network_log_probability(task)?;
    Ok(Some(test.mean(&values)?))
}

struct Likelihoods {
    independent: Estimate,
    vae: Option<Estimate>,
}

/// The test data and the models that they are compared with.
struct Populations {
    data: BlockedPopulation,
    train: BlockedPopulation,
    vae: BlockedPopulation,
    independent: PopulationStatistics,
    sites: Vec<usize>,
}

impl Populations {
    fn write_statistics(
        &self,
        task: &TaskContext<'_>,
        likelihoods: &Likelihoods,
    ) -> Result<(), StageError> {
        let mut table = Table::new(&schema::STATISTICS);
        let exact_rate = |model: &PopulationStatistics| Estimate {
            value: model.mean_rate(),
            standard_error: 0.0,
            count: 0,
        };
        let rows = [
            (
                "train",
                self.train.statistics(),
                self.train.mean_rate()?,
                None,
            ),
            (
                "vae",
                self.vae.statistics(),
                self.vae.mean_rate()?,
                likelihoods.vae,
            ),
            (
                "independent",
                &self.independent,
                exact_rate(&self.independent),
                Some(likelihoods.independent),
            ),
        ];
        for (source, model, rate, likelihood) in rows {
            let compared = compare(model, &self.data)?;
            let mut row: Vec<Cell> = vec![source.into()];
            let estimates = [
                likelihood,
                Some(compared.correlation_r),
                Some(compared.correlation_rmse),
                Some(compared.triplet_r),
                Some(compared.active_count_kl),
                Some(rate),
            ];
            for estimate in estimates {
                row.push(estimate.map(|e| e.value).into());
                row.push(estimate.map(|e| e.standard_error).into());
            }
            table.push(row)?;
        }
        super::write_fragment(task, &table)
    }

    fn write_counts(
        &self,
        task: &TaskContext<'_>,
        errors: &PopulationErrors,
    ) -> Result<(), StageError> {
        let vae_errors = self.vae.errors()?;
        let exact = PopulationErrors {
            rates: vec![0.0; self.independent.rates.len()],
            active_count: vec![0.0; self.independent.active_count.len()],
            correlations: Vec::new(),
            triplets: Vec::new(),
        };
        let sources = [
            ("data", self.data.statistics(), errors),
            ("vae", self.vae.statistics(), &vae_errors),
            ("independent", &self.independent, &exact),
        ];
        let mut counts = Table::new(&schema::ACTIVE_COUNT);
        let mut rates = Table::new(&schema::RATES);
        for (source, model, errors) in sources {
            for (k, value) in model.active_count.iter().enumerate() {
                let error = errors.active_count[k];
                counts.push([source.into(), k.into(), (*value).into(), error.into()])?;
            }
            for (site, value) in model.rates.iter().enumerate() {
                let error = errors.rates[site];
                rates.push([source.into(), site.into(), (*value).into(), error.into()])?;
            }
        }
        super::write_fragment(task, &counts)?;
        super::write_fragment(task, &rates)
    }

    fn write_pairs(
        &self,
        task: &TaskContext<'_>,
        errors: &PopulationErrors,
    ) -> Result<(), StageError> {
        let mut table = Table::new(&schema::CORRELATIONS);
        let sites = self.independent.rates.len();
        let pairs = (0..sites).flat_map(|i| (i + 1..sites).map(move |j| (i, j)));
        for (index, (i, j)) in pairs.enumerate() {
            table.push([
                i.into(),
                j.into(),
                self.data.statistics().correlations[index].into(),
                errors.correlations[index].into(),
                self.vae.statistics().correlations[index].into(),
                self.independent.correlations[index].into(),
            ])?;
        }
        super::write_fragment(task, &table)
    }

    fn write_triplets(
        &self,
        task: &TaskContext<'_>,
        errors: &PopulationErrors,
    ) -> Result<(), StageError> {
        let mut table = Table::new(&schema::TRIPLETS);
        let sites = &self.sites;
        let triplets = (0..sites.len()).flat_map(|a| {
            (a + 1..sites.len()).flat_map(move |b| (b + 1..sites.len()).map(move |c| [a, b, c]))
        });
        for (index, [a, b, c]) in triplets.enumerate() {
            table.push([
                sites[a].into(),
                sites[b].into(),
                sites[c].into(),
                self.data.statistics().triplets[index].into(),
                errors.triplets[index].into(),
                self.vae.statistics().triplets[index].into(),
                self.independent.triplets[index].into(),
            ])?;
        }
        super::write_fragment(task, &table)
    }
}

/// The table `latent_map`: where the encoder puts the test configurations, for
/// networks of two latents; else it stays empty.
fn write_map(task: &TaskContext<'_>, vae: &Vae, test: &DataSet) -> Result<(), StageError> {
    let mut table = Table::new(&schema::LATENT_MAP);
    if vae.architecture().latent == 2 {
        let codes = vae.encode(&test.configurations);
        let spins = test.spins()?;
        let axis = |j: usize| {
            let values = || codes.means.iter().skip(j).step_by(2).copied();
            let low = f64::from(values().fold(f32::INFINITY, f32::min));
            let high = f64::from(values().fold(f32::NEG_INFINITY, f32::max));
            (low, ((high - low) / MAP_BINS as f64).max(f64::MIN_POSITIVE))
        };
        let (x, y) = (axis(0), axis(1));
        let place = |value: f32, (low, width): (f64, f64)| {
            (((f64::from(value) - low) / width) as usize).min(MAP_BINS - 1)
        };
        let mut bins = vec![(0_usize, 0_usize); MAP_BINS * MAP_BINS];
        for (row, mean) in codes.means.chunks_exact(2).enumerate() {
            let bin = &mut bins[place(mean[0], x) * MAP_BINS + place(mean[1], y)];
            bin.0 += 1;
            bin.1 += spins.count_ones(row);
        }
        let centre = |index: usize, (low, width): (f64, f64)| low + (index as f64 + 0.5) * width;
        for (index, &(count, active)) in bins.iter().enumerate().filter(|(_, bin)| bin.0 > 0) {
            table.push([
                centre(index / MAP_BINS, x).into(),
                centre(index % MAP_BINS, y).into(),
                count.into(),
                (active as f64 / count as f64).into(),
            ])?;
        }
    }
    super::write_fragment(task, &table)
}
