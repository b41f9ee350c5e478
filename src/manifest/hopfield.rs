//! `[model] kind = "hopfield"`.

use serde::Serialize;

use super::node::{Node, Value};
use super::section::{NumberRule, Section};

/// A Hopfield network: patterns stored in the couplings of spins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HopfieldSection {
    /// Number of spins `N`.
    pub sites: usize,
    /// The stored patterns.
    pub patterns: PatternSource,
    /// Temperature in units of `J / k_B`.
    pub temperature: f64,
}

/// Where the stored patterns come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PatternSource {
    /// So many patterns of independent fair signs, drawn from the seed.
    Drawn(usize),
    /// Patterns given one by one, each of `sites` signs.
    Given(Vec<Vec<i8>>),
}

impl PatternSource {
    /// Number of patterns `P`.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Drawn(count) => *count,
            Self::Given(patterns) => patterns.len(),
        }
    }
}

pub(super) const KEYS: &[&str] = &["sites", "patterns", "temperature"];

/// Most patterns; samplers and read-outs are built for so many.
const MOST_PATTERNS: usize = 20;

/// Reads the keys of a Hopfield network; none has a default.
pub(super) fn read(section: &Section<'_>) -> Option<HopfieldSection> {
    section.require(KEYS);
    let sites = section.count("sites", 1..=100_000);
    let patterns = patterns(section, sites);
    let temperature = section.number("temperature", NumberRule::POSITIVE);
    Some(HopfieldSection {
        sites: sites?,
        patterns: patterns?,
        temperature: temperature?,
    })
}

fn patterns(section: &Section<'_>, sites: Option<usize>) -> Option<PatternSource> {
    let node = &section.find("patterns")?.node;
    match node.value {
        Value::Integer(_) => {
            let count = section.count("patterns", 1..=20)?;
            Some(PatternSource::Drawn(count))
        }
        Value::Array(_) => {
            let noun = "patterns";
            let read = |section: &Section<'_>, node, key: &str| signs(section, node, key, sites);
            section
                .array("patterns", &(1..=MOST_PATTERNS), noun, read)
                .map(PatternSource::Given)
        }
        _ => section.wrong_type(
            node,
            &section.key("patterns"),
            "an integer from 1 to 20, or an array of patterns",
        ),
    }
}

fn signs(section: &Section<'_>, node: &Node, key: &str, sites: Option<usize>) -> Option<Vec<i8>> {
    let length = sites.map_or(1..=100_000, |sites| sites..=sites);
    section.array_of(
        node,
        key,
        &length,
        "signs, one a site",
        |section, sign, key| match sign.value {
            Value::Integer(1) => Some(1),
            Value::Integer(-1) => Some(-1),
            Value::Integer(_) => section.out_of_range(sign, key, "1 or -1".to_owned()),
            _ => section.wrong_type(sign, key, "1 or -1"),
        },
    )
}
