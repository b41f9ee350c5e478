//! The effective model that was read off a network, as a model among the others.

use serde::{Deserialize, Serialize};

use super::yardstick::{Candidate, Origin, Yardstick};
use super::{DataSet, TABLES, data, of_data};
use crate::engine::{Stage, StageError, TaskContext};
use crate::fields::SiteMixture;
use crate::manifest::Point;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::stages::{effective_model, model_file};

/// The stage `model_effective`, where the manifest asks for the effective model as well.
pub(super) struct Effective;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    triplet_sites: usize,
    /// Latents of the network: the fields of the model.
    latent: usize,
}

impl StageDefinition for Effective {
    fn name(&self) -> &'static str {
        "model_effective"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        crate::stages::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let triplet_sites = point.analysis.models.as_ref()?.triplet_sites;
        point.analysis.effective_model.as_ref()?;
        let parameters = Parameters {
            triplet_sites,
            latent: point.vae.latent,
        };
        let name = effective_model::NAME;
        Some(of_data(point, &parameters).needing(name, name))
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.models"),
                ManifestKey::new("latent", "vae.latent"),
            ]
        }
    }
}

impl Stage for Effective {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let file = effective_model::MODEL;
        let model = model_file::from_bytes(&task.read(effective_model::NAME, file)?, file)?;
        let train = DataSet::read(task, data::TRAIN)?;
        let yardstick = Yardstick::read(task, train.spins()?, parameters.triplet_sites)?;
        let fields = parameters.latent.min(model.fields());
        let count = effective_model::parameters(&model);
        let named = |population| {
            let name = "effective_model".to_owned();
            Candidate::named(name, Origin::FittedHere, population)
        };
        let mixture = SiteMixture::from(&model);
        let candidate = yardstick.mixture(&mixture, named)?;
        let candidate = Candidate {
            fields,
            parameters: Some(count),
            ..candidate
        };
        yardstick.write(task, &[candidate], false)
    }
}
