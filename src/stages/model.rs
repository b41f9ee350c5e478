//! The models as the stages keep them in their keys, and as physics knows them.

use serde::{Deserialize, Serialize};

use super::{data, model_file};
use crate::bits::BitMatrix;
use crate::engine::{StageError, TaskContext};
use crate::fields;
use crate::information::{ExactInformation, Lattice};
use crate::manifest::{
    DrawnFieldModel, FieldLaw, FieldModelSource, ModelSection, PatternSource, System as Given,
};
use crate::physics::{self, ModelRecipe, PhysicsError, System};
use crate::random::{self, Generator};
use crate::tables;

/// A model, and what is exactly known of its information.
pub(super) trait Subject: System + ExactInformation {}

impl<T: System + ExactInformation> Subject for T {}

/// A model and its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Model {
    CurieWeiss {
        sites: usize,
        temperature: f64,
        field: f64,
    },
    Hopfield {
        sites: usize,
        patterns: Patterns,
        temperature: f64,
        field: f64,
    },
    MaierSaupe {
        sites: usize,
        temperature: f64,
    },
    PlanarNematic {
        sites: usize,
        temperature: f64,
    },
    #[serde(rename = "ising_2d")]
    Ising2d {
        side: usize,
        temperature: f64,
    },
    LebwohlLasher {
        side: usize,
        temperature: f64,
    },
    GeneralisedHopfield {
        sites: usize,
        source: FieldModel,
    },
}

/// Whether the probability of each configuration is known, so that no network with
/// further latents is needed for comparison.
pub(super) fn probability_is_known(system: &Given) -> bool {
    match system {
        Given::Model { model, .. } => !matches!(model, ModelSection::LebwohlLasher(_)),
        Given::Recording(_) => false,
    }
}

/// Where the stored patterns of a Hopfield network come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Patterns {
    Drawn { count: usize, correlation: f64 },
    Given(Vec<Vec<i8>>),
}

/// Where biases, patterns and field of a generalised Hopfield model come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldModel {
    Drawn(DrawnFieldModel),
    /// The text of a saved model.
    Given(String),
}

/// What belongs to a model beside its parameters. The stage `sample` draws it, if it is
/// drawn, and keeps it for all others.
pub(super) enum Stored {
    Nothing,
    Patterns(BitMatrix),
    Fields(fields::GeneralisedHopfield),
}

impl Stored {
    /// Keeps it beside the configurations.
    pub(super) fn write(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Patterns(patterns) => {
                let stored = patterns.clone().into();
                let bytes = tables::configurations_to_bytes(&stored, None, &task.metadata())?;
                task.write(data::PATTERNS, &bytes)
            }
            Self::Fields(model) => task.write(data::MODEL, &model_file::to_bytes(model)),
        }
    }
}

impl Model {
    pub(super) fn of(section: &ModelSection) -> Self {
        match section {
            ModelSection::CurieWeiss(section) => Self::CurieWeiss {
                sites: section.sites,
                temperature: section.temperature,
                field: section.field,
            },
            ModelSection::Hopfield(section) => Self::Hopfield {
                sites: section.sites,
                patterns: match &section.patterns {
                    PatternSource::Drawn(count) => Patterns::Drawn {
                        count: *count,
                        correlation: section.correlation,
                    },
                    PatternSource::Given(rows) => Patterns::Given(rows.clone()),
                    // Read before the plan is made; a path that is left names nothing.
                    PatternSource::File(_) => Patterns::Given(Vec::new()),
                },
                temperature: section.temperature,
                field: section.field,
            },
            ModelSection::MaierSaupe(section) => Self::MaierSaupe {
                sites: section.sites,
                temperature: section.temperature,
            },
            ModelSection::PlanarNematic(section) => Self::PlanarNematic {
                sites: section.sites,
                temperature: section.temperature,
            },
            ModelSection::Ising2d(section) => Self::Ising2d {
                side: section.side,
                temperature: section.temperature,
            },
            ModelSection::LebwohlLasher(section) => Self::LebwohlLasher {
                side: section.side,
                temperature: section.temperature,
            },
            ModelSection::GeneralisedHopfield(section) => Self::GeneralisedHopfield {
                sites: section.sites,
                source: match &section.source {
                    FieldModelSource::Drawn(drawn) => FieldModel::Drawn(*drawn),
                    FieldModelSource::Given { text } => FieldModel::Given(text.clone()),
                    // Read before the plan is made; a path that is left names nothing.
                    FieldModelSource::File { .. } => FieldModel::Given(String::new()),
                },
            },
        }
    }

    /// What belongs to the model beside its parameters, for the stage that keeps it.
    ///
    /// Drawn patterns depend on seed, replicate, sites and their number only, so
    /// that a sweep over temperature cools one and the same network; a drawn field model
    /// likewise, so that a sweep over its strength strengthens one and the same.
    pub(super) fn stored(&self, seed: u64, replicate: u32) -> Result<Stored, StageError> {
        let generator = |name: &str, sites: usize, count: usize| {
            let numbers = [replicate.to_string(), sites.to_string(), count.to_string()];
            let names = [name, &numbers[0], &numbers[1], &numbers[2]];
            random::stream(&seed.to_string(), &names)
        };
        Ok(match self {
            Self::Hopfield {
                sites, patterns, ..
            } => Stored::Patterns(match patterns {
                Patterns::Drawn { count, correlation } => {
                    let mut generator = generator("patterns", *sites, *count);
                    drawn(*count, *sites, *correlation, &mut generator)?
                }
                Patterns::Given(rows) => given(rows, *sites),
            }),
            Self::GeneralisedHopfield { sites, source } => Stored::Fields(match source {
                FieldModel::Drawn(drawn) => {
                    let mut generator = generator("field model", *sites, drawn.fields);
                    recipe(*sites, drawn).draw(&mut generator)?
                }
                FieldModel::Given(text) => {
                    model_file::from_bytes(text.as_bytes(), "the model of `model.file`")?
                }
            }),
            _ => Stored::Nothing,
        })
    }

    /// The model with what belongs to it beside its parameters.
    pub(super) fn system(&self, stored: Stored) -> Result<Box<dyn Subject>, StageError> {
        Ok(match *self {
            Self::CurieWeiss {
                sites,
                temperature,
                field,
            } => Box::new(physics::CurieWeiss::new(sites, temperature, field)?),
            Self::Hopfield {
                sites,
                temperature,
                field,
                ..
            } => {
                let patterns = match stored {
                    Stored::Patterns(patterns) => patterns,
                    _ => BitMatrix::zeros(0, sites),
                };
                let fields = match patterns.rows() {
                    0 => Vec::new(),
                    _ => physics::fields_along(&patterns, 0, field),
                };
                Box::new(physics::Hopfield::with_fields(
                    patterns,
                    fields,
                    temperature,
                )?)
            }
            Self::MaierSaupe { sites, temperature } => {
                Box::new(physics::MaierSaupe::new(sites, temperature)?)
            }
            Self::PlanarNematic { sites, temperature } => {
                Box::new(physics::PlanarNematic::new(sites, temperature)?)
            }
            Self::Ising2d { side, temperature } => {
                Box::new(physics::Ising2d::new(side, temperature)?)
            }
            Self::LebwohlLasher { side, temperature } => {
                Box::new(physics::LebwohlLasher::new(side, temperature)?)
            }
            Self::GeneralisedHopfield { .. } => {
                let Stored::Fields(model) = stored else {
                    let missing = "the samples have no `model.json` beside them, expected the \
                                   model that drew them; run `sample` again with `--force`";
                    return Err(StageError::failed(missing));
                };
                Box::new(physics::GeneralisedHopfield::new(model)?)
            }
        })
    }

    /// The patterns that the stage `sample` has kept, if the model has any.
    pub(super) fn stored_patterns(
        &self,
        task: &TaskContext<'_>,
    ) -> Result<Option<BitMatrix>, StageError> {
        match self {
            Self::Hopfield { .. } => data::read_bits(task, data::PATTERNS).map(Some),
            _ => Ok(None),
        }
    }

    /// The model, with what the stage `sample` has kept beside its parameters.
    pub(super) fn sampled(&self, task: &TaskContext<'_>) -> Result<Box<dyn Subject>, StageError> {
        let stored = if let Some(patterns) = self.stored_patterns(task)? {
            Stored::Patterns(patterns)
        } else if let Some(model) = data::read_true_model(task)? {
            Stored::Fields(model)
        } else {
            Stored::Nothing
        };
        self.system(stored)
    }

    /// The lattice on which the sites lie, if they do.
    pub(super) fn lattice(&self) -> Option<Lattice> {
        match *self {
            Self::Ising2d { side, .. } => Some(Lattice { side, dimension: 2 }),
            Self::LebwohlLasher { side, .. } => Some(Lattice { side, dimension: 3 }),
            _ => None,
        }
    }

    /// The external field, in units of `J`.
    pub(super) fn field(&self) -> f64 {
        match self {
            Self::CurieWeiss { field, .. } | Self::Hopfield { field, .. } => *field,
            _ => 0.0,
        }
    }
}

/// Patterns drawn from the seed.
fn drawn(
    count: usize,
    sites: usize,
    correlation: f64,
    generator: &mut Generator,
) -> Result<BitMatrix, PhysicsError> {
    if correlation > 0.0 {
        return physics::draw_correlated_patterns(count, sites, correlation, generator);
    }
    Ok(physics::draw_patterns(count, sites, generator))
}

/// The recipe by which physics draws a field model.
fn recipe(sites: usize, drawn: &DrawnFieldModel) -> ModelRecipe {
    ModelRecipe {
        sites,
        fields: drawn.fields,
        rate: drawn.rate,
        strength: drawn.strength,
        law: match drawn.law {
            FieldLaw::Normal => physics::FieldLaw::Normal,
            FieldLaw::Skewed => physics::FieldLaw::Skewed,
            FieldLaw::States => physics::FieldLaw::States,
        },
        sparseness: drawn.sparseness,
    }
}

fn given(rows: &[Vec<i8>], sites: usize) -> BitMatrix {
    let mut patterns = BitMatrix::zeros(rows.len(), sites);
    for (row, values) in rows.iter().enumerate() {
        for (site, &value) in values.iter().enumerate() {
            patterns.set(row, site, value > 0);
        }
    }
    patterns
}
