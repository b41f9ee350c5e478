//! `[model]`: the registry of model kinds.

use schemars::JsonSchema;
use serde::Serialize;

use super::catalogue::nearest;
use super::curie_weiss::{self, CurieWeissSection};
use super::generalised_hopfield::{self, GeneralisedHopfieldSection};
use super::hopfield::{self, HopfieldSection};
use super::lattice::{self, LatticeSection};
use super::nematic::{self, NematicSection};
use super::node::Value;
use super::section::Section;
use crate::configurations::Unit;

/// A model of statistical physics and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSection {
    /// A Curie-Weiss ferromagnet.
    CurieWeiss(CurieWeissSection),
    /// A Hopfield network.
    Hopfield(HopfieldSection),
    /// Directors in space, all coupled to all.
    MaierSaupe(NematicSection),
    /// Directors in the plane, all coupled to all.
    PlanarNematic(NematicSection),
    /// Spins on a square lattice.
    #[serde(rename = "ising_2d")]
    Ising2d(LatticeSection),
    /// Directors in space on a cubic lattice.
    LebwohlLasher(LatticeSection),
    /// Spins that are independent in a field of a few components.
    GeneralisedHopfield(GeneralisedHopfieldSection),
}

impl ModelSection {
    /// Number of sites of a configuration.
    #[must_use]
    pub fn sites(&self) -> usize {
        match self {
            Self::CurieWeiss(section) => section.sites,
            Self::Hopfield(section) => section.sites,
            Self::MaierSaupe(section) | Self::PlanarNematic(section) => section.sites,
            Self::Ising2d(section) => section.side.pow(2),
            Self::LebwohlLasher(section) => section.side.pow(3),
            Self::GeneralisedHopfield(section) => section.sites,
        }
    }

    /// What sits on the sites.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::CurieWeiss(_)
            | Self::Hopfield(_)
            | Self::Ising2d(_)
            | Self::GeneralisedHopfield(_) => Unit::Spin,
            Self::PlanarNematic(_) => Unit::PlanarDirector,
            Self::MaierSaupe(_) | Self::LebwohlLasher(_) => Unit::Director,
        }
    }

    /// Whether a field that all units share makes them independent, so that a mean field is
    /// exact.
    #[must_use]
    pub fn is_mean_field(&self) -> bool {
        !matches!(self, Self::Ising2d(_) | Self::LebwohlLasher(_))
    }
}

/// How the keys of one kind of model are read.
struct Kind {
    name: &'static str,
    keys: &'static [&'static str],
    read: fn(&Section<'_>) -> Option<ModelSection>,
}

/// The registry: one line a kind.
const KINDS: &[Kind] = &[
    Kind {
        name: "curie_weiss",
        keys: curie_weiss::KEYS,
        read: |section| curie_weiss::read(section).map(ModelSection::CurieWeiss),
    },
    Kind {
        name: "hopfield",
        keys: hopfield::KEYS,
        read: |section| hopfield::read(section).map(ModelSection::Hopfield),
    },
    Kind {
        name: "maier_saupe",
        keys: nematic::KEYS,
        read: |section| nematic::read(section).map(ModelSection::MaierSaupe),
    },
    Kind {
        name: "planar_nematic",
        keys: nematic::KEYS,
        read: |section| nematic::read(section).map(ModelSection::PlanarNematic),
    },
    Kind {
        name: "ising_2d",
        keys: lattice::KEYS,
        read: |section| lattice::read(section, 1024).map(ModelSection::Ising2d),
    },
    Kind {
        name: "lebwohl_lasher",
        keys: lattice::KEYS,
        read: |section| lattice::read(section, 32).map(ModelSection::LebwohlLasher),
    },
    Kind {
        name: "generalised_hopfield",
        keys: generalised_hopfield::KEYS,
        read: |section| generalised_hopfield::read(section).map(ModelSection::GeneralisedHopfield),
    },
];

/// The keys of all kinds.
pub(super) fn keys() -> Vec<&'static str> {
    let mut keys = vec!["kind"];
    for kind in KINDS {
        for key in kind.keys {
            if !keys.contains(key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// Reads `[model]`.
pub(super) fn read(section: &Section<'_>) -> Option<ModelSection> {
    section.require(&["kind"]);
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let words: Vec<(&str, &Kind)> = KINDS.iter().map(|kind| (kind.name, kind)).collect();
    let kind = section.word("kind", &words);
    // A misspelt kind is read as the one that was meant, so that its keys are checked too.
    let meant = kind.or_else(|| {
        let Value::Text(text) = &section.find("kind")?.node.value else {
            return None;
        };
        let near = nearest(text, &names)?;
        KINDS.iter().find(|kind| kind.name == near)
    })?;
    let mut known = vec!["kind"];
    known.extend(meant.keys);
    section.allow_only(&known);
    let model = (meant.read)(section);
    kind.and(model)
}
