//! `[model]`: the registry of model kinds.

use serde::Serialize;

use super::catalogue::nearest;
use super::hopfield::{self, HopfieldSection};
use super::node::Value;
use super::section::Section;

/// A model of statistical physics and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSection {
    /// A Hopfield network.
    Hopfield(HopfieldSection),
}

impl ModelSection {
    /// Number of sites of a configuration.
    #[must_use]
    pub fn sites(&self) -> usize {
        match self {
            Self::Hopfield(section) => section.sites,
        }
    }
}

/// How the keys of one kind of model are read.
struct Kind {
    name: &'static str,
    keys: &'static [&'static str],
    read: fn(&Section<'_>) -> Option<ModelSection>,
}

/// The registry: one line a kind.
const KINDS: &[Kind] = &[Kind {
    name: "hopfield",
    keys: hopfield::KEYS,
    read: |section| hopfield::read(section).map(ModelSection::Hopfield),
}];

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
