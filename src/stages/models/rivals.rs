//! Models that are fitted to the training data.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::yardstick::{Candidate, Origin, Population, Yardstick};
use super::{DataSet, TABLES, data, of_data, report};
use crate::engine::{Stage, StageError, TaskContext};
use crate::fields::{GeneralisedHopfield, SiteMixture, Words};
use crate::inference::IndependentModel;
use crate::inference::collective::{PSEUDO_COUNT, Repeats, StimulusModel};
use crate::inference::fields::{
    FieldLaw, FitOptions, HopfieldOptions, SpinMoments, fit, hopfield_maximum_likelihood, start,
};
use crate::inference::maximum_entropy::{self, FittedMaximumEntropy, Interaction};
use crate::manifest::{Point, Rival};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};

/// Passes of a maximum likelihood fit, at most.
const MOST_PASSES: usize = 150;
/// Gain of eight passes at which such a fit has converged, nats a configuration.
const TOLERANCE: f64 = 5e-4;
/// How the maximum of Hopfield's likelihood is looked for.
const HOPFIELD: HopfieldOptions = HopfieldOptions {
    random_starts: 1,
    most_iterations: 500,
};
/// Standard errors between two estimates of `ln Z` that are worth a word.
const DISAGREEMENT: f64 = 4.0;
/// Samples of a maximum-entropy model for each test configuration.
const SAMPLES: usize = 4;
/// Most samples of such a model.
const MOST_SAMPLES: usize = 1_000_000;

/// The stage `model_<rival>` of one rival.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    rival: Rival,
    stage: &'static str,
}

/// All of them.
pub(super) const ALL: [Fit; 7] = [
    Fit::new(Rival::Independent, "model_independent"),
    Fit::new(Rival::Pairwise, "model_pairwise"),
    Fit::new(Rival::KPairwise, "model_k_pairwise"),
    Fit::new(Rival::LatentTrait, "model_latent_trait"),
    Fit::new(Rival::Hopfield, "model_hopfield"),
    Fit::new(Rival::GeneralisedHopfield, "model_generalised_hopfield"),
    Fit::new(Rival::Stimulus, "model_stimulus"),
];

impl Fit {
    const fn new(rival: Rival, stage: &'static str) -> Self {
        Self { rival, stage }
    }

    /// Whether the model is one for each number of fields.
    fn has_fields(self) -> bool {
        use Rival::{GeneralisedHopfield, Hopfield, LatentTrait};
        matches!(self.rival, GeneralisedHopfield | Hopfield | LatentTrait)
    }

    /// Whether the fit draws random numbers.
    fn is_random(self) -> bool {
        matches!(self.rival, Rival::Pairwise | Rival::KPairwise)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    triplet_sites: usize,
    /// Numbers of fields, for models that have fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<usize>,
    /// Seed and replicate, for fits that draw random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<(u64, u32)>,
}

impl StageDefinition for Fit {
    fn name(&self) -> &'static str {
        self.stage
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        crate::stages::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.models.as_ref()?;
        if !section.rivals.contains(&self.rival) {
            return None;
        }
        let parameters = Parameters {
            triplet_sites: section.triplet_sites,
            fields: if self.has_fields() {
                section.fields.clone()
            } else {
                Vec::new()
            },
            seed: self.is_random().then_some((point.seed, point.replicate)),
        };
        Some(of_data(point, &parameters))
    }

    fn tables(&self) -> &'static [&'static str] {
        TABLES
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.models"),
                ManifestKey::new("seed", "experiment.seed and replicate"),
            ]
        }
    }
}

impl Stage for Fit {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        report(task, 0.0, "reading");
        let train = DataSet::read(task, data::TRAIN)?;
        let yardstick = Yardstick::read(task, train.spins()?, parameters.triplet_sites)?;
        let fitting = Fitting {
            task,
            rival: self.rival,
            train: &train,
            yardstick: &yardstick,
        };
        let candidates = match self.rival {
            Rival::Independent => vec![fitting.independent()?],
            Rival::Pairwise => vec![fitting.maximum_entropy(Interaction::Pairwise)?],
            Rival::KPairwise => vec![fitting.maximum_entropy(Interaction::KPairwise)?],
            Rival::Stimulus => vec![fitting.stimulus()?],
            Rival::LatentTrait | Rival::Hopfield | Rival::GeneralisedHopfield => {
                fitting.with_fields(&parameters.fields)?
            }
        };
        yardstick.write(task, &candidates, false)
    }
}

/// One fit: the training data, and what the model is held against.
struct Fitting<'a> {
    task: &'a TaskContext<'a>,
    rival: Rival,
    train: &'a DataSet,
    yardstick: &'a Yardstick,
}

impl Fitting<'_> {
    fn independent(&self) -> Result<Candidate, StageError> {
        let model = IndependentModel::fit(self.train.spins()?)?;
        Ok(Candidate {
            parameters: Some(model.rates().len()),
            log_likelihood: Some(self.yardstick.independent.clone()),
            ..self.candidate(Population::Exact(model.statistics(&self.yardstick.sites)?))
        })
    }

    fn maximum_entropy(&self, interaction: Interaction) -> Result<Candidate, StageError> {
        let bits = self.train.spins()?;
        let proceed = |fraction| self.proceed(fraction, "moments of Monte Carlo samples");
        let streams = |name: &str| self.task.stream(name);
        let fitted = maximum_entropy::fit(
            bits,
            &self.train.block_labels(),
            interaction,
            &maximum_entropy::FitOptions::default(),
            &streams,
            &proceed,
        );
        self.task.check_cancelled()?;
        let fitted = fitted?;
        let test = self.yardstick.test.spins()?;
        let count = (SAMPLES * test.rows()).min(MOST_SAMPLES);
        let samples = fitted.model.sample(count, &streams);
        let cells = bits.columns();
        let counts = match interaction {
            Interaction::Pairwise => 0,
            // V(K) up to a straight line, which fields and couplings take in.
            Interaction::KPairwise => cells - 1,
        };
        let warning = doubts(&fitted);
        Ok(Candidate {
            parameters: Some(cells * (cells + 1) / 2 + counts),
            log_likelihood: Some(fitted.log_likelihood(test)?),
            normaliser_error: fitted.log_partition.estimate.standard_error,
            warning,
            ..self.candidate(self.yardstick.sampled(&samples)?)
        })
    }

    /// Cells that are independent at each moment of the stimulus, which is not known.
    fn stimulus(&self) -> Result<Candidate, StageError> {
        let labels = self.train.block_labels();
        let repeats = Repeats::new(&labels, &data::bins_of_repeats(&labels))?;
        let model = StimulusModel::fit(self.train.spins()?, &repeats, PSEUDO_COUNT)?;
        let sites = self.train.configurations.sites();
        let weights = model.weights();
        let mixture = SiteMixture::new(sites, model.half_logits(), &weights)?;
        self.mixture(&mixture, 0, model.half_logits().len(), String::new())
    }

    fn with_fields(&self, fields: &[usize]) -> Result<Vec<Candidate>, StageError> {
        let words = Words::new(self.train.spins()?, &self.train.block_labels())?;
        let sites = words.sites();
        let (usable, beyond): (Vec<usize>, Vec<usize>) =
            fields.iter().partition(|&&count| count <= sites);
        if !beyond.is_empty() {
            self.task.warn(format!(
                "{}: no model of {beyond:?} fields, since there are {sites} sites",
                self.rival.name()
            ));
        }
        let one = |count: usize| {
            let fitted = match self.rival {
                Rival::Hopfield => self.hopfield(&words, count)?,
                Rival::LatentTrait => self.maximised(&words, count, FieldLaw::Fixed)?,
                _ => self.maximised(&words, count, FieldLaw::Free)?,
            };
            // Patterns may be rotated at no cost; a free law may be shifted and scaled too.
            let linear = sites * (1 + count) - count * (count - 1) / 2;
            let parameters = match self.rival {
                Rival::GeneralisedHopfield => {
                    let gauge = count * (count + 1) / 2 + count;
                    linear + fitted.model.weights().len() - 1 - gauge
                }
                _ => linear,
            };
            let mixture = SiteMixture::from(&fitted.model);
            let warning = if fitted.converged {
                ""
            } else {
                "not converged"
            };
            self.mixture(&mixture, count, parameters, warning.to_owned())
        };
        usable.into_iter().map(one).collect()
    }

    fn hopfield(&self, words: &Words, patterns: usize) -> Result<Fitted, StageError> {
        let moments = SpinMoments::of(words, words.counts())?;
        let name = format!("{patterns} patterns");
        let mut generator = self.task.stream(&name);
        let message = format!("maximum likelihood with {name}");
        let proceed = || self.proceed(0.5, &message);
        let fitted =
            hopfield_maximum_likelihood(&moments, patterns, HOPFIELD, &mut generator, &proceed);
        self.task.check_cancelled()?;
        let fitted = fitted?;
        Ok(Fitted {
            model: fitted.model,
            converged: fitted.converged,
        })
    }

    fn maximised(&self, words: &Words, fields: usize, law: FieldLaw) -> Result<Fitted, StageError> {
        let begin = start(words, words.counts(), fields, None)?;
        let options = FitOptions {
            most_iterations: MOST_PASSES,
            tolerance: TOLERANCE,
        };
        let proceed = |_| {
            let message = format!("maximum likelihood with {fields} fields");
            self.proceed(0.5, &message)
        };
        let fitted = fit(&begin, words, words.counts(), law, &options, &proceed);
        self.task.check_cancelled()?;
        let fitted = fitted?;
        Ok(Fitted {
            model: fitted.model,
            converged: fitted.converged,
        })
    }

    /// A model that is a mixture of independent sites: everything of it is exact.
    fn mixture(
        &self,
        mixture: &SiteMixture,
        fields: usize,
        parameters: usize,
        warning: String,
    ) -> Result<Candidate, StageError> {
        let candidate = self
            .yardstick
            .mixture(mixture, |population| self.candidate(population))?;
        Ok(Candidate {
            fields,
            parameters: Some(parameters),
            warning,
            ..candidate
        })
    }

    /// A model with the rival's name and nothing but its statistics.
    fn candidate(&self, population: Population) -> Candidate {
        Candidate::named(self.rival.name().to_owned(), Origin::FittedHere, population)
    }

    fn proceed(&self, fraction: f64, message: &str) -> ControlFlow<()> {
        report(self.task, fraction, message);
        if self.task.cancelled() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// What speaks against a maximum-entropy fit: moments that are not met, and two ways to
/// `ln Z` that do not agree, as they do not where chains stay in one of several states.
fn doubts(fitted: &FittedMaximumEntropy) -> String {
    let mut doubts = Vec::new();
    if !fitted.converged {
        let deviation = fitted.largest_deviation;
        doubts.push(format!(
            "not converged: a moment is {deviation:.1} standard errors from that of the data"
        ));
    }
    if let Some(other) = fitted.log_partition_by_silence {
        let own = fitted.log_partition.estimate;
        let error = own.standard_error.hypot(other.standard_error);
        if (own.value - other.value).abs() > DISAGREEMENT * error {
            doubts.push(format!(
                "ln Z is {:.4} by annealing and {:.4} by silent configurations",
                own.value, other.value
            ));
        }
    }
    doubts.join("; ")
}

/// A model with fields after its fit.
struct Fitted {
    model: GeneralisedHopfield,
    converged: bool,
}
