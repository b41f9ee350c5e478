//! `[model] kind = "ising_2d"` and `"lebwohl_lasher"`.

use schemars::JsonSchema;
use serde::Serialize;

use super::section::{NumberRule, Section};

/// A lattice with periodic boundaries, on which neighbours couple.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct LatticeSection {
    /// Sites along an edge, `L`.
    #[schemars(range(min = 2, max = 1024))]
    pub side: usize,
    /// Temperature in units of `J / k_B`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: f64,
}

pub(super) const KEYS: &[&str] = &["side", "temperature"];

/// Reads the keys of a lattice of at most `largest` sites along an edge.
pub(super) fn read(section: &Section<'_>, largest: u32) -> Option<LatticeSection> {
    section.require(KEYS);
    let side = section.count("side", 2..=largest);
    let temperature = section.number("temperature", NumberRule::POSITIVE);
    Some(LatticeSection {
        side: side?,
        temperature: temperature?,
    })
}
