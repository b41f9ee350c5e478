//! `[model] kind = "curie_weiss"`.

use schemars::JsonSchema;
use serde::Serialize;

use super::section::{NumberRule, Section};

/// A Curie-Weiss ferromagnet: every spin couples to every other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CurieWeissSection {
    /// Number of spins `N`.
    #[schemars(range(min = 1, max = 100_000))]
    pub sites: usize,
    /// Temperature in units of `J / k_B`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: f64,
    /// External field in units of `J`.
    pub field: f64,
}

pub(super) const KEYS: &[&str] = &["sites", "temperature", "field"];

const FIELD: f64 = 0.0;

/// Reads the keys of a Curie-Weiss ferromagnet.
pub(super) fn read(section: &Section<'_>) -> Option<CurieWeissSection> {
    section.require(&["sites", "temperature"]);
    let sites = section.count("sites", 1..=100_000);
    let temperature = section.number("temperature", NumberRule::POSITIVE);
    let field = section.number("field", NumberRule::FINITE);
    Some(CurieWeissSection {
        sites: sites?,
        temperature: temperature?,
        field: field.unwrap_or(FIELD),
    })
}
