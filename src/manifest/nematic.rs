//! `[model] kind = "maier_saupe"` and `"planar_nematic"`.

use schemars::JsonSchema;
use serde::Serialize;

use super::section::{NumberRule, Section};

/// A nematic in which every director couples to every other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct NematicSection {
    /// Number of directors `N`.
    #[schemars(range(min = 1, max = 100_000))]
    pub sites: usize,
    /// Temperature in units of `J / k_B`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: f64,
}

pub(super) const KEYS: &[&str] = &["sites", "temperature"];

/// Reads the keys of a nematic; none has a default.
pub(super) fn read(section: &Section<'_>) -> Option<NematicSection> {
    section.require(KEYS);
    let sites = section.count("sites", 1..=100_000);
    let temperature = section.number("temperature", NumberRule::POSITIVE);
    Some(NematicSection {
        sites: sites?,
        temperature: temperature?,
    })
}
