//! `couplings`: what the decoder says of the couplings.
//!
//! The natural parameters of the units, as the network has them after it has seen a
//! configuration, follow the mean field of the theory whatever coordinates the
//! latents have. Their slope against the features, their spread and their
//! distribution give the coupling; methods without a network stand beside them.

mod reading;
mod rows;

use serde::{Deserialize, Serialize};

use self::reading::{FieldDraws, Reading};
use self::rows::Rows;
use super::data::{self, DataSet};
use super::model::Model;
use super::report;
use super::train;
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::couplings::{
    self, CouplingAndField, EstimatedAgreement, ExternalField, FieldFit, MeanFieldData,
};
use crate::inference::{self, Bootstrap, Centring};
use crate::manifest::{self, Point};
use crate::physics::{MeanFieldTheory, System};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Table, schema};

/// The stage.
pub(super) struct Couplings;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    model: Model,
    bootstrap: usize,
    draws: usize,
    prior_draws: usize,
}

/// Test configurations that are looked at: errors are far below a percent then.
const MOST_ROWS: usize = 5000;
/// Configurations for the pseudo-likelihood of all couplings, whose cost grows with
/// the cube of the sites.
const NODE_WISE_ROWS: usize = 2000;
/// Range of `βJ` in which moments are matched, over the true value.
const MATCHING_RANGE: (f64, f64) = (0.2, 3.0);

impl StageDefinition for Couplings {
    fn name(&self) -> &'static str {
        "couplings"
    }

    fn version(&self) -> u32 {
        2
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.couplings.as_ref()?;
        let manifest::System::Model { model, .. } = &point.system else {
            return None;
        };
        let request = Request::new(super::json(&Parameters {
            model: Model::of(model),
            bootstrap: section.bootstrap,
            draws: section.draws,
            prior_draws: section.prior_draws,
        }));
        Some(data::needing_data(request, point).needing(train::ROLE, train::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["couplings", "field"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.couplings"),
                ManifestKey::new("model", "model"),
            ]
        }
    }
}

impl Stage for Couplings {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let system = parameters.model.sampled(task)?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?.configurations;
        report(task, 0.0, "natural parameters");
        let test = test.first_rows(MOST_ROWS);
        let streams = |name: &str| task.stream(name);
        let reading = Reading::new(&vae, &test, parameters.draws, &streams)?;
        task.check_cancelled()?;
        let prior = FieldDraws::of_prior(&vae, parameters.prior_draws, &streams)?;
        let mut analysis = Analysis {
            task,
            system: system.as_ref(),
            resamples: parameters.bootstrap,
            rows: Rows::new(system.beta(), parameters.model.field() * system.beta()),
        };
        report(task, 0.3, "couplings read off the network");
        let mut field = Table::new(&schema::FIELD);
        if let Some(patterns) = parameters.model.stored_patterns(task)? {
            analysis.read_matrix(&reading, &test, &patterns)?;
        } else if let Some(theory) = system.mean_field_theory()? {
            analysis.read_mean_field(&reading)?;
            analysis.read_distribution(&prior, &test, theory.as_ref(), &mut field)?;
            report(task, 0.6, "couplings without a network");
            let train = DataSet::read(task, data::TRAIN)?.configurations;
            analysis.without_network(&train, theory.as_ref())?;
        }
        super::write_fragment(task, &analysis.rows.table()?)?;
        super::write_fragment(task, &field)
    }
}

/// One reading of the couplings of one model.
struct Analysis<'a> {
    task: &'a TaskContext<'a>,
    system: &'a dyn System,
    resamples: usize,
    rows: Rows,
}

impl Analysis<'_> {
    /// Calls `estimate` with a bootstrap whose random numbers belong to `name`.
    fn resampled<T, E>(
        &self,
        name: &str,
        estimate: impl FnOnce(&mut Bootstrap<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut generator = self.task.stream(&format!("bootstrap of {name}"));
        estimate(&mut Bootstrap {
            resamples: self.resamples,
            generator: &mut generator,
        })
    }

    fn external_field(&self) -> ExternalField {
        if self.rows.has_field() {
            ExternalField::Fitted
        } else {
            ExternalField::Absent
        }
    }

    fn push(&mut self, method: &'static str, found: CouplingAndField) {
        self.rows.push("coupling", method, found.coupling);
        if let Some(field) = found.field {
            self.rows.push("field", method, field);
        }
    }

    /// Slope and spread of the site average, for models whose sites are all alike.
    fn read_mean_field(&mut self, reading: &Reading) -> Result<(), StageError> {
        let data = MeanFieldData {
            width: reading.width,
            parameters: &reading.averages,
            features: &reading.features,
            blocks: &reading.blocks,
        };
        let slope = self.resampled("slope", |bootstrap| {
            couplings::mean_field_regression(&data, bootstrap)
        })?;
        let field = slope.field.filter(|_| self.rows.has_field());
        let coupling = slope.coupling;
        self.push("vae_slope", CouplingAndField { coupling, field });
        let draws = reading.field_draws();
        let variance = self.resampled("variance", |bootstrap| {
            couplings::conditional_variance(&draws, bootstrap)
        })?;
        self.rows.push("coupling", "vae_variance", variance);
        Ok(())
    }

    /// The distribution of the field: its fit, its distance from the exact one, and
    /// both as histogram and curve.
    fn read_distribution(
        &mut self,
        prior: &FieldDraws,
        test: &Configurations,
        theory: &dyn MeanFieldTheory,
        table: &mut Table,
    ) -> Result<(), StageError> {
        let learned = prior.collective();
        let blocks = independent(learned.len());
        let sites = self.system.sites();
        let fit: Result<FieldFit, _> = self.resampled("field", |bootstrap| match prior.width {
            1 => couplings::fit_field(&learned, sites, self.external_field(), &blocks, bootstrap),
            width => {
                let weight = |magnitude: f64| theory.log_weight(magnitude);
                couplings::fit_radial_field(&learned, sites, width, &weight, &blocks, bootstrap)
            }
        });
        match fit {
            Ok(fit) => self.push("vae_field", fit.bootstrap),
            // A network that failed has a field that no theory fits; the row stays out.
            Err(error) => self.task.warn(format!("no fit of the field: {error}")),
        }
        let mut generator = self.task.stream("exact field");
        let external = self.rows.field();
        let exact = FieldDraws::of_theory(self.system.beta(), external, test, &mut generator);
        let exact = exact.collective();
        let distances = self.resampled("distance", |bootstrap| {
            inference::two_sample_distances(&learned, &exact, bootstrap)
        })?;
        let kolmogorov = distances.kolmogorov_smirnov;
        self.rows
            .push("field_distance_kolmogorov", "vae_field", kolmogorov);
        let wasserstein = distances.wasserstein;
        self.rows
            .push("field_distance_wasserstein", "vae_field", wasserstein);
        rows::push_histogram(table, &learned, &exact, &|field| theory.density(field))
    }

    /// Estimates from the training configurations alone.
    fn without_network(
        &mut self,
        train: &Configurations,
        theory: &dyn MeanFieldTheory,
    ) -> Result<(), StageError> {
        let features = couplings::mean_features(train);
        let width = train.unit().width();
        let squares: Vec<f64> = features
            .chunks_exact(width)
            .map(|feature| feature.iter().map(|x| x * x).sum())
            .collect();
        let blocks = independent(train.rows());
        let beta = self.system.beta();
        let range = (MATCHING_RANGE.0 * beta, MATCHING_RANGE.1 * beta);
        let exact = |beta: f64| theory.squared_order(beta);
        match couplings::moment_matching(&squares, &blocks, exact, range) {
            Ok(coupling) => self.rows.push("coupling", "moments", coupling),
            Err(error) => self.task.warn(format!("no match of the moments: {error}")),
        }
        let Some(spins) = train.as_spins() else {
            return Ok(());
        };
        let centring = match self.external_field() {
            ExternalField::Absent => Centring::Symmetric,
            ExternalField::Fitted => Centring::Means,
        };
        let inverted = self.resampled("inversion", |bootstrap| {
            couplings::exchangeable_inversion(spins, centring, &blocks, bootstrap)
        })?;
        self.rows.push("coupling", "naive_mean_field", inverted);
        let field = self.external_field();
        let fit = self.resampled("pseudo-likelihood", |bootstrap| {
            couplings::pseudo_likelihood(spins, field, &blocks, bootstrap)
        })?;
        self.push("pseudo_likelihood", fit.sandwich);
        Ok(())
    }

    /// The couplings of all pairs of spins, against those that the patterns make.
    fn read_matrix(
        &mut self,
        reading: &Reading,
        test: &Configurations,
        patterns: &BitMatrix,
    ) -> Result<(), StageError> {
        let Some(spins) = test.as_spins() else {
            return Ok(());
        };
        let (natural, blocks) = (&reading.natural, &reading.blocks);
        let slope = self.resampled("slope", |bootstrap| {
            couplings::pattern_regression(natural, spins, patterns, blocks, bootstrap)
        })?;
        self.rows.push("coupling", "vae_slope", slope.coupling);
        let truth = rows::pattern_couplings(patterns, self.system.beta());
        let sites = patterns.columns();
        let rank = patterns.rows().min(sites).min(couplings::MAX_RANK);
        let matrix = couplings::coupling_matrix(natural, spins, rank, blocks)?;
        let agreement =
            self.resampled("matrix", |bootstrap| matrix.agreement(&truth, bootstrap))?;
        self.push_agreement("vae_slope", agreement);
        report(self.task, 0.6, "couplings without a network");
        let train = DataSet::read(self.task, data::TRAIN)?;
        let spins = train.spins()?;
        if sites <= couplings::MAX_INVERSION_SITES {
            let blocks = independent(spins.rows());
            let centring = Centring::Symmetric;
            match couplings::naive_mean_field_agreement(spins, centring, &truth, &blocks) {
                Ok(agreement) => self.push_agreement("naive_mean_field", agreement),
                Err(error) => self.task.warn(format!("no inversion: {error}")),
            }
        }
        self.task.check_cancelled()?;
        if sites <= couplings::MAX_NODE_WISE_SITES {
            let first: Vec<usize> = (0..spins.rows().min(NODE_WISE_ROWS)).collect();
            let penalty = 1.0 / first.len() as f64;
            let blocks = independent(first.len());
            let spins = spins.select_rows(&first);
            match couplings::node_wise_agreement(&spins, penalty, &truth, &blocks) {
                Ok(agreement) => self.push_agreement("pseudo_likelihood", agreement),
                Err(error) => self.task.warn(format!("no pseudo-likelihood: {error}")),
            }
        }
        Ok(())
    }

    fn push_agreement(&mut self, method: &'static str, agreement: EstimatedAgreement) {
        self.rows.push("matrix_slope", method, agreement.slope);
        self.rows
            .push("matrix_error", method, agreement.relative_error);
        self.rows
            .push("matrix_correlation", method, agreement.correlation);
    }
}

/// Blocks of configurations that are independent.
fn independent(rows: usize) -> Vec<u32> {
    inference::independent_blocks(rows, rows as f64)
}
