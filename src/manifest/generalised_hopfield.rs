//! `[model] kind = "generalised_hopfield"`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recording;
use super::section::{NumberRule, Section};

/// Spins that are independent in a field of a few components.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GeneralisedHopfieldSection {
    /// Number of spins `N`.
    #[schemars(range(min = 1, max = 10_000))]
    pub sites: usize,
    /// Biases, patterns and field.
    #[serde(flatten)]
    #[schemars(with = "WrittenSource")]
    pub source: FieldModelSource,
}

/// Where biases, patterns and field come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FieldModelSource {
    /// Drawn from the seed.
    Drawn(DrawnFieldModel),
    /// A saved model.
    File {
        /// Its path, absolute whenever the current folder is.
        file: PathBuf,
    },
    /// A saved model that has been read: its text in canonical form.
    Given {
        /// The text.
        text: String,
    },
}

/// The keys of both sources, as a manifest writes them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes the keys and is never made")]
struct WrittenSource {
    #[serde(flatten)]
    drawn: DrawnFieldModel,
    /// The path of a saved model, beside which only `sites` stands; a relative path counts
    /// from the manifest's folder.
    #[schemars(length(min = 1))]
    file: Option<String>,
}

/// How a model is drawn from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrawnFieldModel {
    /// Components of the field `K`, as many as patterns.
    #[schemars(range(min = 1, max = 3))]
    pub fields: usize,
    /// Mean probability of a site to be up.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.99))]
    pub rate: f64,
    /// Root mean square of the entries of a pattern at the sites that it touches,
    /// half-logits for a field of unit variance.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 10))]
    pub strength: f64,
    /// The distribution of the field.
    pub law: FieldLaw,
    /// Fraction of the sites that a pattern touches.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub sparseness: f64,
}

/// How the field is distributed before it is scaled to mean 0 and covariance 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldLaw {
    /// Standard normal.
    Normal,
    /// Gumbel, with a long tail of large fields.
    Skewed,
    /// A few separated states.
    States,
}

pub(super) const KEYS: &[&str] = &[
    "sites",
    "fields",
    "rate",
    "strength",
    "law",
    "sparseness",
    "file",
];

/// Keys of a model that is drawn.
const DRAWN_KEYS: &[&str] = &["fields", "rate", "strength", "law", "sparseness"];

const LAWS: &[(&str, FieldLaw)] = &[
    ("normal", FieldLaw::Normal),
    ("skewed", FieldLaw::Skewed),
    ("states", FieldLaw::States),
];

// Defaults.
const RATE: f64 = 0.1;
const STRENGTH: f64 = 0.7;
const LAW: FieldLaw = FieldLaw::Normal;
const SPARSENESS: f64 = 0.5;

const RATES: NumberRule = NumberRule {
    above: 0.0,
    at_most: 0.99,
};
const STRENGTHS: NumberRule = NumberRule {
    above: 0.0,
    at_most: 10.0,
};
const FRACTIONS: NumberRule = NumberRule {
    above: 0.0,
    at_most: 1.0,
};

/// Reads the keys of a generalised Hopfield model.
pub(super) fn read(section: &Section<'_>) -> Option<GeneralisedHopfieldSection> {
    section.require(&["sites"]);
    let sites = section.count("sites", 1..=10_000);
    let source = if section.find("file").is_some() {
        file(section)
    } else {
        drawn(section)
    };
    Some(GeneralisedHopfieldSection {
        sites: sites?,
        source: source?,
    })
}

fn file(section: &Section<'_>) -> Option<FieldModelSource> {
    for key in DRAWN_KEYS {
        let expected = "no such key beside `file`, whose model is drawn already";
        section.conflict(key, expected, Some("leave out either"));
    }
    let file = recording::path(section, "file")?;
    Some(FieldModelSource::File { file })
}

fn drawn(section: &Section<'_>) -> Option<FieldModelSource> {
    section.require(&["fields"]);
    let fields = section.count("fields", 1..=3);
    let rate = section.number("rate", RATES);
    let strength = section.number("strength", STRENGTHS);
    let law = section.word("law", LAWS);
    let sparseness = section.number("sparseness", FRACTIONS);
    Some(FieldModelSource::Drawn(DrawnFieldModel {
        fields: fields?,
        rate: rate.unwrap_or(RATE),
        strength: strength.unwrap_or(STRENGTH),
        law: law.unwrap_or(LAW),
        sparseness: sparseness.unwrap_or(SPARSENESS),
    }))
}
