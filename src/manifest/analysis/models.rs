//! `[analysis.models]`: other models of the same data, side by side.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::manifest::experiment::file_name;
use crate::manifest::node::{Node, Value};
use crate::manifest::recording;
use crate::manifest::section::Section;

/// Other models of the same data, side by side with the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelsSection {
    /// The models that are fitted.
    #[schemars(length(max = 7))]
    #[schemars(extend("uniqueItems" = true))]
    pub rivals: Vec<Rival>,
    /// Numbers of fields of those that have fields.
    #[schemars(length(min = 1, max = 3))]
    #[schemars(inner(range(min = 1, max = 3)))]
    #[schemars(extend("uniqueItems" = true))]
    pub fields: Vec<usize>,
    /// Samples of models that others fitted to the same cells.
    #[schemars(length(max = 100))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<ModelSamples>,
    /// Sites whose triplets are counted.
    #[schemars(range(min = 3, max = 200))]
    pub triplet_sites: usize,
}

/// A model of a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rival {
    /// Every site for itself.
    Independent,
    /// Maximum entropy with given rates and pair correlations.
    Pairwise,
    /// The same with the given distribution of the number of active sites.
    KPairwise,
    /// Sites in a field that is normally distributed.
    LatentTrait,
    /// Hopfield's model: a collective potential that is quadratic.
    Hopfield,
    /// Sites in a field with any distribution.
    GeneralisedHopfield,
    /// Sites that are independent at each moment of the stimulus; for recordings.
    Stimulus,
}

/// A file with samples of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelSamples {
    /// Name of the model in the tables.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,100}$"))]
    pub name: String,
    /// Path of the file, a row a configuration; a relative path counts from the manifest's
    /// folder.
    #[schemars(with = "String", length(min = 1))]
    pub path: PathBuf,
    /// Variable inside the file; the only one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// Who made them, and what to cite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cite: Option<String>,
}

pub(in crate::manifest) const KEYS: &[&str] = &["rivals", "fields", "samples", "triplet_sites"];
const SAMPLES_KEYS: &[&str] = &["name", "path", "variable", "cite"];

/// Names in the tables that are not those of rivals.
const OTHER_MODELS: [&str; 4] = ["data", "train", "vae", "effective_model"];
/// Most fields: the lattice of their values grows with a power of them.
const MOST_FIELDS: u32 = 3;
/// Most files of samples.
const MOST_SAMPLES: usize = 100;

// Defaults.
const FIELDS: [usize; 3] = [1, 2, 3];
const TRIPLET_SITES: usize = 10;

const RIVALS: &[(&str, Rival)] = &[
    ("independent", Rival::Independent),
    ("pairwise", Rival::Pairwise),
    ("k_pairwise", Rival::KPairwise),
    ("latent_trait", Rival::LatentTrait),
    ("hopfield", Rival::Hopfield),
    ("generalised_hopfield", Rival::GeneralisedHopfield),
    ("stimulus", Rival::Stimulus),
];

impl Rival {
    /// The name that manifests and tables have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = RIVALS.iter().find(|(_, rival)| *rival == self);
        named.map_or("", |(name, _)| name)
    }
}

pub(super) fn read(section: &Section<'_>) -> ModelsSection {
    section.allow_only(KEYS);
    let rivals = section.array(
        "rivals",
        &(0..=RIVALS.len()),
        "models",
        |section, node, key| section.word_of(node, key, RIVALS),
    );
    let fields = section.counts("fields", &(1..=MOST_FIELDS as usize), 1..=MOST_FIELDS);
    let samples = section.array("samples", &(0..=MOST_SAMPLES), "tables", samples);
    let triplet_sites = section.count("triplet_sites", 3..=200);
    refuse_repetition(section, "rivals", rivals.as_deref());
    refuse_repetition(section, "fields", fields.as_deref());
    refuse_names(section, samples.as_deref().unwrap_or_default());
    ModelsSection {
        rivals: rivals.unwrap_or_else(fitted_anywhere),
        fields: fields.unwrap_or_else(|| FIELDS.to_vec()),
        samples: samples.unwrap_or_default(),
        triplet_sites: triplet_sites.unwrap_or(TRIPLET_SITES),
    }
}

/// All models that need no stimulus.
fn fitted_anywhere() -> Vec<Rival> {
    let all = RIVALS.iter().map(|(_, rival)| *rival);
    all.filter(|rival| *rival != Rival::Stimulus).collect()
}

fn refuse_repetition<T: PartialEq>(section: &Section<'_>, key: &str, found: Option<&[T]>) {
    let found = found.unwrap_or_default();
    if (1..found.len()).any(|index| found[..index].contains(&found[index])) {
        section.conflict(key, "each once", None);
    }
}

/// Refuses names that would make two models one in the tables.
fn refuse_names(section: &Section<'_>, samples: &[ModelSamples]) {
    let names: Vec<&str> = samples.iter().map(|samples| &*samples.name).collect();
    for (index, name) in names.iter().enumerate() {
        let rival = RIVALS.iter().any(|(rival, _)| rival == name);
        if rival || OTHER_MODELS.contains(name) || names[..index].contains(name) {
            let expected = format!("a name that no other model has, not `{name}`");
            section.conflict("samples", &expected, None);
        }
    }
}

fn samples(section: &Section<'_>, node: &Node, key: &str) -> Option<ModelSamples> {
    let Value::Table(entries) = &node.value else {
        let expected = "a table, as `{ name = \"…\", path = \"…\" }`";
        return section.wrong_type(node, key, expected);
    };
    let inner = Section {
        report: section.report,
        path: key.to_owned(),
        place: node.place,
        entries,
    };
    inner.allow_only(SAMPLES_KEYS);
    inner.require(&["name", "path"]);
    let name = file_name(&inner, "name");
    let path = recording::path(&inner, "path");
    let (variable, cite) = (inner.text("variable"), inner.text("cite"));
    Some(ModelSamples {
        name: name?,
        path: path?,
        variable,
        cite,
    })
}
