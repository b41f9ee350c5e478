//! The models as the stages keep them in their keys, and as physics knows them.

use serde::{Deserialize, Serialize};

use super::data;
use crate::bits::BitMatrix;
use crate::engine::{StageError, TaskContext};
use crate::information::{ExactInformation, Lattice};
use crate::manifest::{ModelSection, PatternSource};
use crate::physics::{self, PhysicsError, System};
use crate::random;

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
}

/// Where the stored patterns of a Hopfield network come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Patterns {
    Drawn { count: usize, correlation: f64 },
    Given(Vec<Vec<i8>>),
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
        }
    }

    /// The stored patterns, if the model has any, for the stage that keeps them.
    ///
    /// Drawn patterns depend on seed, replicate, sites and their number only, so
    /// that a sweep over temperature cools one and the same network.
    pub(super) fn patterns(
        &self,
        seed: u64,
        replicate: u32,
    ) -> Result<Option<BitMatrix>, PhysicsError> {
        let Self::Hopfield {
            sites, patterns, ..
        } = self
        else {
            return Ok(None);
        };
        let patterns = match patterns {
            Patterns::Drawn { count, correlation } => {
                let names = [
                    "patterns",
                    &replicate.to_string(),
                    &sites.to_string(),
                    &count.to_string(),
                ];
                let mut generator = random::stream(&seed.to_string(), &names);
                if *correlation > 0.0 {
                    physics::draw_correlated_patterns(*count, *sites, *correlation, &mut generator)?
                } else {
                    physics::draw_patterns(*count, *sites, &mut generator)
                }
            }
            Patterns::Given(rows) => given(rows, *sites),
        };
        Ok(Some(patterns))
    }

    /// The model with its stored patterns, if it has any.
    pub(super) fn system(
        &self,
        patterns: Option<BitMatrix>,
    ) -> Result<Box<dyn Subject>, StageError> {
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
                let patterns = patterns.unwrap_or_else(|| BitMatrix::zeros(0, sites));
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

    /// The model, with the patterns that the stage `sample` has kept.
    pub(super) fn sampled(&self, task: &TaskContext<'_>) -> Result<Box<dyn Subject>, StageError> {
        self.system(self.stored_patterns(task)?)
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

fn given(rows: &[Vec<i8>], sites: usize) -> BitMatrix {
    let mut patterns = BitMatrix::zeros(rows.len(), sites);
    for (row, values) in rows.iter().enumerate() {
        for (site, &value) in values.iter().enumerate() {
            patterns.set(row, site, value > 0);
        }
    }
    patterns
}
