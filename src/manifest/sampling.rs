//! `[sampling]`: how many configurations are drawn from a model, and how.

use schemars::JsonSchema;
use serde::Serialize;

use super::section::Section;

/// How many configurations are drawn, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SamplingSection {
    /// Configurations to train on.
    #[schemars(range(min = 100, max = 1_000_000_000))]
    pub samples: usize,
    /// Further configurations, used for read-outs only.
    #[schemars(range(min = 10, max = 1_000_000_000))]
    pub test_samples: usize,
    /// The sampler.
    pub method: SamplingMethod,
}

/// A way to draw configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SamplingMethod {
    /// The program chooses.
    Auto,
    /// Independent draws, without a chain.
    Exact,
    /// Gibbs sampling of field and sites in turn.
    Gibbs,
    /// Replica exchange of the same over temperatures.
    Tempering,
    /// Single clusters.
    Wolff,
    /// All clusters at once.
    SwendsenWang,
    /// Single sites.
    Metropolis,
}

pub(super) const KEYS: &[&str] = &["samples", "test_samples", "method"];

// Defaults.
const SAMPLES: usize = 50_000;
const TEST_SAMPLES: usize = 10_000;
const METHOD: SamplingMethod = SamplingMethod::Auto;

const METHODS: &[(&str, SamplingMethod)] = &[
    ("auto", SamplingMethod::Auto),
    ("exact", SamplingMethod::Exact),
    ("gibbs", SamplingMethod::Gibbs),
    ("tempering", SamplingMethod::Tempering),
    ("wolff", SamplingMethod::Wolff),
    ("swendsen_wang", SamplingMethod::SwendsenWang),
    ("metropolis", SamplingMethod::Metropolis),
];

/// Reads `[sampling]`.
pub(super) fn read(section: &Section<'_>) -> SamplingSection {
    section.allow_only(KEYS);
    let samples = section.count("samples", 100..=1_000_000_000);
    let test_samples = section.count("test_samples", 10..=1_000_000_000);
    let method = section.word("method", METHODS);
    SamplingSection {
        samples: samples.unwrap_or(SAMPLES),
        test_samples: test_samples.unwrap_or(TEST_SAMPLES),
        method: method.unwrap_or(METHOD),
    }
}
