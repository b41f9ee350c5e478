//! `[model] kind = "hopfield"`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::node::{Node, Value};
use super::recording;
use super::schema;
use super::section::{NumberRule, Section};

/// A Hopfield network: patterns stored in the couplings of spins.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HopfieldSection {
    /// Number of spins `N`.
    #[schemars(range(min = 1, max = 100_000))]
    pub sites: usize,
    /// The stored patterns: so many drawn from the seed; or each given as an array of signs,
    /// one a site; or the path of a file with a row a pattern, or of a folder of images.
    #[schemars(schema_with = "schema::patterns")]
    pub patterns: PatternSource,
    /// Temperature in units of `J / k_B`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: f64,
    /// External field along the first pattern, in units of `J`.
    pub field: f64,
    /// Expected correlation of every two drawn patterns; 0 for given ones.
    #[schemars(range(min = 0, max = 0.99))]
    pub correlation: f64,
}

/// Where the stored patterns come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PatternSource {
    /// So many patterns of independent fair signs, drawn from the seed.
    Drawn(usize),
    /// Patterns given one by one, each of `sites` signs.
    Given(Vec<Vec<i8>>),
    /// A file with a row a pattern, or a folder of images.
    File(PathBuf),
}

pub(super) const KEYS: &[&str] = &["sites", "patterns", "temperature", "field", "correlation"];

/// Most patterns; samplers are built for so many.
const MOST_PATTERNS: usize = 256;

// Defaults.
const FIELD: f64 = 0.0;
const CORRELATION: f64 = 0.0;

/// Reads the keys of a Hopfield network.
pub(super) fn read(section: &Section<'_>) -> Option<HopfieldSection> {
    section.require(&["sites", "patterns", "temperature"]);
    let sites = section.count("sites", 1..=100_000);
    let patterns = patterns(section, sites);
    let temperature = section.number("temperature", NumberRule::POSITIVE);
    let field = section.number("field", NumberRule::FINITE);
    let correlation = correlation(section, patterns.as_ref());
    Some(HopfieldSection {
        sites: sites?,
        patterns: patterns?,
        temperature: temperature?,
        field: field.unwrap_or(FIELD),
        correlation,
    })
}

/// The correlation of drawn patterns; those that are given have their own.
fn correlation(section: &Section<'_>, patterns: Option<&PatternSource>) -> f64 {
    let rule = NumberRule {
        above: -f64::MIN_POSITIVE,
        at_most: 0.99,
    };
    let given = section.number("correlation", rule);
    let drawn = matches!(patterns, None | Some(PatternSource::Drawn(_)));
    if !drawn && given.is_some_and(|it| it > 0.0) {
        let expected = "no such key beside patterns that are given";
        section.conflict("correlation", expected, None);
    }
    given.unwrap_or(CORRELATION)
}

fn patterns(section: &Section<'_>, sites: Option<usize>) -> Option<PatternSource> {
    let node = &section.find("patterns")?.node;
    match node.value {
        Value::Integer(_) => {
            let count = section.count("patterns", 1..=MOST_PATTERNS as u32)?;
            Some(PatternSource::Drawn(count))
        }
        Value::Array(_) => {
            let noun = "patterns";
            let read = |section: &Section<'_>, node, key: &str| signs(section, node, key, sites);
            section
                .array("patterns", &(1..=MOST_PATTERNS), noun, read)
                .map(PatternSource::Given)
        }
        Value::Text(ref text) if !text.is_empty() && !text.contains('\0') => {
            let path = recording::resolved(section.report, node, text);
            Some(PatternSource::File(path))
        }
        _ => section.wrong_type(
            node,
            &section.key("patterns"),
            "an integer from 1 to 256, an array of patterns, or the path of a file or folder",
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
