//! The test data that models stand against, and the rows that come of it.

use crate::bits::BitMatrix;
use crate::engine::{StageError, TaskContext};
use crate::fields::{SiteMixture, Words};
use crate::inference::{
    BlockedPopulation, Estimate, IndependentModel, PopulationStatistics, compare,
    mixture_statistics,
};
use crate::stages::data::{self, DataSet};
use crate::stages::{statistics, write_fragment};
use crate::tables::{Cell, Table, schema};

/// So many active sites are many: the tail of P(K) that simple models miss.
const MANY: usize = 10;

/// A model of the data.
pub(super) struct Candidate {
    /// Its name in the tables.
    pub(super) name: String,
    /// Number of its latents or fields; 0 if it has none.
    pub(super) fields: usize,
    /// Who made it.
    pub(super) origin: Origin,
    /// Number of its free parameters, if it is known.
    pub(super) parameters: Option<usize>,
    /// `ln p` of each test configuration, nats, if the model knows it.
    pub(super) log_likelihood: Option<Vec<f64>>,
    /// Standard error of `ln Z`, common to all configurations, nats.
    pub(super) normaliser_error: f64,
    /// Rate of its latents on the test data, nats a configuration, if it has any.
    pub(super) rate: Option<Estimate>,
    /// Its rates, correlations and counts.
    pub(super) population: Population,
    /// What the reader of the row should know.
    pub(super) warning: String,
}

impl Candidate {
    /// A model of which nothing is known but its statistics.
    pub(super) fn named(name: String, origin: Origin, population: Population) -> Self {
        Self {
            name,
            fields: 0,
            origin,
            parameters: None,
            log_likelihood: None,
            normaliser_error: 0.0,
            rate: None,
            population,
            warning: String::new(),
        }
    }
}

/// Who made a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Fitted to the training data by this program.
    FittedHere,
    /// Samples that others drew from their model.
    SamplesRead,
    /// The data themselves.
    Data,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::FittedHere => "fitted here",
            Self::SamplesRead => "samples read",
            Self::Data => "data",
        }
    }
}

/// The statistics of a model.
pub(super) enum Population {
    /// Known without samples.
    Exact(PopulationStatistics),
    /// Counted in samples, with the block of each for the errors.
    Sampled(Box<BlockedPopulation>),
}

impl Population {
    fn statistics(&self) -> &PopulationStatistics {
        match self {
            Self::Exact(statistics) => statistics,
            Self::Sampled(population) => population.statistics(),
        }
    }

    /// P(K) with its standard errors, and P(K >= [`MANY`]).
    fn counts(&self) -> Result<(Vec<(f64, f64)>, Estimate), StageError> {
        let probabilities = &self.statistics().active_count;
        let (errors, many) = match self {
            Self::Exact(_) => {
                let exact = Estimate {
                    value: probabilities.iter().skip(MANY).sum(),
                    standard_error: 0.0,
                    count: 0,
                };
                (vec![0.0; probabilities.len()], exact)
            }
            Self::Sampled(population) => {
                let errors = population.errors()?.active_count;
                (errors, population.at_least(MANY)?)
            }
        };
        let pairs = probabilities.iter().copied().zip(errors);
        Ok((pairs.collect(), many))
    }
}

/// The test data.
pub(super) struct Yardstick {
    pub(super) test: DataSet,
    data: BlockedPopulation,
    correlation_errors: Vec<f64>,
    /// `ln p` of each test configuration under the independent model, nats.
    pub(super) independent: Vec<f64>,
    /// Sites whose triplets are counted.
    pub(super) sites: Vec<usize>,
}

impl Yardstick {
    pub(super) fn read(
        task: &TaskContext<'_>,
        train: &BitMatrix,
        triplet_sites: usize,
    ) -> Result<Self, StageError> {
        let test = DataSet::read(task, data::TEST)?;
        let bits = test.spins()?;
        let sites = statistics::chosen_sites(bits, triplet_sites);
        let data = BlockedPopulation::new(bits, &test.block_labels(), &sites)?;
        let correlation_errors = data.errors()?.correlations;
        let independent = IndependentModel::fit(train)?.log_likelihood(bits)?;
        Ok(Self {
            test,
            data,
            correlation_errors,
            independent,
            sites,
        })
    }

    /// Samples of a model, counted in blocks of neighbours for their errors.
    pub(super) fn sampled(&self, bits: &BitMatrix) -> Result<Population, StageError> {
        let samples = DataSet {
            configurations: bits.clone().into(),
            blocks: None,
        };
        self.blocked(&samples)
    }

    /// Configurations, counted in their blocks.
    pub(super) fn blocked(&self, set: &DataSet) -> Result<Population, StageError> {
        let labels = set.block_labels();
        let counted = BlockedPopulation::new(set.spins()?, &labels, &self.sites)?;
        Ok(Population::Sampled(Box::new(counted)))
    }

    /// A model that is a mixture of independent sites, of which everything is known exactly;
    /// `named` makes the rest of it.
    pub(super) fn mixture(
        &self,
        mixture: &SiteMixture,
        named: impl FnOnce(Population) -> Candidate,
    ) -> Result<Candidate, StageError> {
        let words = Words::new(self.test.spins()?, &self.test.block_labels())?;
        let rates = words.spread(&mixture.rates(&words));
        let statistics = mixture_statistics(mixture, &self.sites)?;
        Ok(Candidate {
            log_likelihood: Some(words.spread(&mixture.log_likelihood(&words))),
            rate: Some(self.test.mean(&rates)?),
            ..named(Population::Exact(statistics))
        })
    }

    /// Writes the rows of all three tables; `with_data` adds the test data's own P(K).
    pub(super) fn write(
        &self,
        task: &TaskContext<'_>,
        candidates: &[Candidate],
        with_data: bool,
    ) -> Result<(), StageError> {
        let mut models = Table::new(&schema::MODELS);
        let mut counts = Table::new(&schema::MODEL_COUNTS);
        let mut correlations = Table::new(&schema::MODEL_CORRELATIONS);
        if with_data {
            let data = Population::Sampled(Box::new(self.data.clone()));
            push_counts(&mut counts, "data", 0, &data.counts()?.0)?;
        }
        for candidate in candidates {
            models.push(self.row(candidate)?)?;
            let (name, fields) = (candidate.name.as_str(), candidate.fields);
            push_counts(&mut counts, name, fields, &candidate.population.counts()?.0)?;
            self.push_correlations(&mut correlations, candidate)?;
            if !candidate.warning.is_empty() {
                task.warn(format!("{name}: {}", candidate.warning));
            }
        }
        for table in [&models, &counts, &correlations] {
            write_fragment(task, table)?;
        }
        Ok(())
    }

    fn row(&self, candidate: &Candidate) -> Result<Vec<Cell>, StageError> {
        let (likelihood, gain) = self.likelihood(candidate)?;
        let compared = compare(candidate.population.statistics(), &self.data)?;
        let (_, many) = candidate.population.counts()?;
        let estimates = [
            likelihood,
            gain,
            candidate.rate,
            Some(compared.correlation_r),
            Some(compared.correlation_rmse),
            Some(compared.triplet_r),
            Some(compared.active_count_kl),
            Some(many),
        ];
        let mut row: Vec<Cell> = vec![
            candidate.name.as_str().into(),
            candidate.fields.into(),
            candidate.origin.name().into(),
            candidate.parameters.map(|count| count as f64).into(),
        ];
        for estimate in estimates {
            row.push(estimate.map(|e| e.value).into());
            row.push(estimate.map(|e| e.standard_error).into());
        }
        row.push(candidate.warning.as_str().into());
        Ok(row)
    }

    /// Mean log-likelihood, and what it gains over the independent model, configuration
    /// by configuration.
    fn likelihood(
        &self,
        candidate: &Candidate,
    ) -> Result<(Option<Estimate>, Option<Estimate>), StageError> {
        let Some(values) = &candidate.log_likelihood else {
            return Ok((None, None));
        };
        let pairs = values.iter().zip(&self.independent);
        let gains: Vec<f64> = pairs.map(|(own, other)| own - other).collect();
        let mean = |values: &[f64]| -> Result<Option<Estimate>, StageError> {
            let mut estimate = self.test.mean(values)?;
            estimate.standard_error = estimate.standard_error.hypot(candidate.normaliser_error);
            Ok(Some(estimate))
        };
        Ok((mean(values)?, mean(&gains)?))
    }

    fn push_correlations(
        &self,
        table: &mut Table,
        candidate: &Candidate,
    ) -> Result<(), StageError> {
        let sites = self.test.configurations.sites();
        let data = &self.data.statistics().correlations;
        let model = &candidate.population.statistics().correlations;
        let pairs = (0..sites).flat_map(|i| (i + 1..sites).map(move |j| (i, j)));
        for (index, (i, j)) in pairs.enumerate() {
            table.push([
                candidate.name.as_str().into(),
                candidate.fields.into(),
                i.into(),
                j.into(),
                data[index].into(),
                self.correlation_errors[index].into(),
                model[index].into(),
            ])?;
        }
        Ok(())
    }
}

fn push_counts(
    table: &mut Table,
    name: &str,
    fields: usize,
    counts: &[(f64, f64)],
) -> Result<(), StageError> {
    for (k, &(probability, error)) in counts.iter().enumerate() {
        table.push([
            name.into(),
            fields.into(),
            k.into(),
            probability.into(),
            error.into(),
        ])?;
    }
    Ok(())
}
