//! `verdict`: whether a mean-field theory is behind the data, and why.
//!
//! Gathers the evidence: the gap of the log-likelihood, the certified inequality over
//! all partitions, tests of the data against samples of the network, and the number
//! of collective variables. The rule itself is [`inference::verdict`].

mod evidence;
mod tests_of_samples;

use serde::{Deserialize, Serialize};

use self::evidence::{Gathered, gather};
use self::tests_of_samples::{SampleSets, SampleTests};
use super::data::{self, DataSet};
use super::model::{self, Model};
use super::report;
use super::{information, likelihood, train};
use crate::configurations::Configurations;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::{self, Measured};
use crate::manifest::{Point, System};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Cell, Table, schema};

/// The stage.
pub(super) struct Verdict;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    /// The model, unless the data are a recording.
    model: Option<Model>,
    vae_samples: usize,
}

/// Roles under which the evidence of other stages is read.
const LIKELIHOOD: &str = likelihood::NAME;
const INFORMATION: &str = "information";
const FURTHER: &str = "further";

impl StageDefinition for Verdict {
    fn name(&self) -> &'static str {
        "verdict"
    }

    fn version(&self) -> u32 {
        2
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.verdict.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            model: match &point.system {
                System::Model { model, .. } => Some(Model::of(model)),
                System::Recording(_) => None,
            },
            vae_samples: section.vae_samples,
        }));
        let request = data::needing_data(request, point)
            .needing(train::ROLE, train::NAME)
            .needing(LIKELIHOOD, likelihood::NAME)
            .needing(INFORMATION, information::NAME);
        Some(if model::probability_is_known(&point.system) {
            request
        } else {
            request.needing(FURTHER, train::FURTHER_NAME)
        })
    }

    fn tables(&self) -> &'static [&'static str] {
        &["verdict", "two_sample_tests"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.verdict"),
                ManifestKey::new("model", "model"),
            ]
        }
    }
}

impl Stage for Verdict {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?;
        let system = parameters
            .model
            .as_ref()
            .map(|model| model.sampled(task))
            .transpose()?;
        let count = match parameters.vae_samples {
            0 => test.configurations.rows(),
            count => count,
        };
        report(task, 0.0, "samples of the network");
        let samples = vae.sample(count, &|name| task.stream(name));
        task.check_cancelled()?;
        report(task, 0.2, "tests of data against samples");
        let independent = independent(&test);
        require_enough(&independent, &samples)?;
        let sets = SampleSets {
            data: &independent,
            samples: &samples,
            system: system.as_deref().map(|system| system as _),
        };
        let tests = SampleTests::run(task, &sets)?;
        super::write_fragment(task, &tests.table()?)?;
        report(task, 0.8, "evidence");
        let gathered = gather(task, &vae, &test, &tests)?;
        super::write_fragment(task, &table(&gathered, &tests)?)
    }
}

/// Bins of a recording that are taken to be independent lie so far apart. In the record
/// of 50 retinal cells the active count of bins of 20 ms correlates by 0.35 with that ten
/// bins later, by 0.13 twenty and by 0.02 fifty bins later.
const BINS_APART: usize = 50;
/// Fewer configurations than this are not thinned.
const FEW: usize = 1000;
/// The fewest that data and samples can be compared with.
const FEWEST: usize = 40;

/// The configurations that count as independent of each other.
fn independent(test: &DataSet) -> Configurations {
    if test.blocks.is_none() {
        return test.configurations.clone();
    }
    let apart = test.configurations.rows() / BINS_APART;
    test.thinned(apart.max(FEW)).configurations
}

/// Refuses sets that are too small for the tests.
fn require_enough(data: &Configurations, samples: &Configurations) -> Result<(), StageError> {
    let found = data.rows().min(samples.rows());
    if found >= FEWEST {
        return Ok(());
    }
    Err(StageError::failed(format!(
        "found {found} configurations of data or samples, expected at least {FEWEST} to \
         compare them; raise `sampling.test_samples` or `analysis.verdict.vae_samples`, or \
         give a longer recording"
    )))
}

fn pair(measured: Option<Measured>) -> [Cell; 2] {
    [
        measured.map(|measured| measured.value).into(),
        measured.map(|measured| measured.standard_error).into(),
    ]
}

/// The table `verdict`.
fn table(gathered: &Gathered, tests: &SampleTests) -> Result<Table, StageError> {
    let evidence = &gathered.evidence;
    let (verdict, reason) = inference::verdict(evidence);
    let (gap, method, further) = gathered.gap();
    let mut cells = vec![verdict.name().into(), reason.into()];
    cells.extend([gap.value.into(), gap.standard_error.into(), method.into()]);
    cells.extend(pair(Some(evidence.captured)));
    cells.extend(pair(Some(gathered.missing_fraction())));
    cells.push(inference::FAITHFUL.into());
    cells.extend(pair(further));
    cells.extend(pair(evidence.certified_excess));
    cells.extend([
        gathered.certified_partition.as_str().into(),
        tests.classifier.area.into(),
        tests.classifier.null_deviation.into(),
        evidence.smallest_p_value.into(),
        gathered.effective_variables.into(),
        gathered.effective_margin.into(),
        evidence.latents.into(),
        evidence.active_units.into(),
    ]);
    let mut table = Table::new(&schema::VERDICT);
    table.push(cells)?;
    Ok(table)
}
