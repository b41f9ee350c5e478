//! The network of a point as a model among the others.

use serde::{Deserialize, Serialize};

use super::yardstick::{Candidate, Origin, Yardstick};
use super::{DataSet, TABLES, data, of_data};
use crate::configurations::Configurations;
use crate::engine::{Stage, StageError, TaskContext};
use crate::manifest::Point;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::stages::train;

/// The stage `model_vae`.
pub(super) struct Network;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    triplet_sites: usize,
}

/// Samples of the network for each test configuration: their own noise is half of that
/// of the data.
const SAMPLES: usize = 4;
/// Most samples of the network.
const MOST_SAMPLES: usize = 1_000_000;

impl StageDefinition for Network {
    fn name(&self) -> &'static str {
        "model_vae"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        crate::stages::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let triplet_sites = point.analysis.models.as_ref()?.triplet_sites;
        let request = of_data(point, &Parameters { triplet_sites });
        Some(data::needing_likelihood(
            request.needing(train::ROLE, train::NAME),
        ))
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.models")] }
    }
}

impl Stage for Network {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let train = DataSet::read(task, data::TRAIN)?;
        let yardstick = Yardstick::read(task, train.spins()?, parameters.triplet_sites)?;
        let test = &yardstick.test.configurations;
        let count = (SAMPLES * test.rows()).min(MOST_SAMPLES);
        let Configurations::Spins(samples) = vae.sample(count, &|name| task.stream(name)) else {
            return Err(StageError::failed(
                "found directors, expected spins or cells",
            ));
        };
        task.check_cancelled()?;
        let rates = vae.elbo(test, &mut task.stream("elbo")).rate;
        let architecture = vae.architecture();
        let population = yardstick.sampled(&samples)?;
        let candidate = Candidate {
            fields: architecture.latent,
            parameters: Some(architecture.generative_parameters()),
            log_likelihood: Some(data::read_network_log_probability(task)?),
            rate: Some(yardstick.test.mean(&rates)?),
            ..Candidate::named("vae".to_owned(), Origin::FittedHere, population)
        };
        yardstick.write(task, &[candidate], false)
    }
}
