//! `[analysis.effective_model]` and `[analysis.collective_states]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::section::{NumberRule, Section};

/// The generalised Hopfield model behind a trained decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EffectiveModelSection {
    /// Most collective variables that are tried.
    #[schemars(range(min = 1, max = 32))]
    pub most_variables: usize,
    /// To what the patterns are rotated.
    pub rotation: PatternRotation,
    /// Resamplings of blocks from which the errors of biases and patterns come.
    #[schemars(range(min = 2, max = 1000))]
    pub bootstrap: usize,
    /// Independent random starts after which a pattern must come back.
    #[schemars(range(min = 0, max = 100))]
    pub starts: usize,
    /// Steps of the maximum likelihood fit, at most.
    #[schemars(range(min = 1, max = 10_000))]
    pub iterations: usize,
}

/// What a rotation of the patterns, which changes no probability, is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatternRotation {
    /// Few sites with large entries each, as groups of cells have.
    Sparse,
    /// Entries of equal size, as stored patterns of signs have.
    Contrast,
}

/// Where the data live in the plane of the latents, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CollectiveStatesSection {
    /// Barrier below which two basins count as one, nats.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 100))]
    pub barrier_nats: f64,
    /// Nodes of the lattice along each latent; fewer are taken for three latents.
    #[schemars(range(min = 11, max = 201))]
    pub nodes: usize,
}

pub(in crate::manifest) const EFFECTIVE_MODEL_KEYS: &[&str] = &[
    "most_variables",
    "rotation",
    "bootstrap",
    "starts",
    "iterations",
];
pub(in crate::manifest) const COLLECTIVE_STATES_KEYS: &[&str] = &["barrier_nats", "nodes"];

// Defaults.
const EFFECTIVE_MODEL: EffectiveModelSection = EffectiveModelSection {
    most_variables: 16,
    rotation: PatternRotation::Sparse,
    bootstrap: 20,
    starts: 5,
    iterations: 100,
};
const COLLECTIVE_STATES: CollectiveStatesSection = CollectiveStatesSection {
    barrier_nats: 0.5,
    nodes: 61,
};
const ROTATIONS: &[(&str, PatternRotation)] = &[
    ("sparse", PatternRotation::Sparse),
    ("contrast", PatternRotation::Contrast),
];

pub(super) fn read_effective_model(section: &Section<'_>) -> EffectiveModelSection {
    section.allow_only(EFFECTIVE_MODEL_KEYS);
    let most_variables = section.count("most_variables", 1..=32);
    let rotation = section.word("rotation", ROTATIONS);
    let bootstrap = section.count("bootstrap", 2..=1000);
    let starts = section.count("starts", 0..=100);
    let iterations = section.count("iterations", 1..=10_000);
    EffectiveModelSection {
        most_variables: most_variables.unwrap_or(EFFECTIVE_MODEL.most_variables),
        rotation: rotation.unwrap_or(EFFECTIVE_MODEL.rotation),
        bootstrap: bootstrap.unwrap_or(EFFECTIVE_MODEL.bootstrap),
        starts: starts.unwrap_or(EFFECTIVE_MODEL.starts),
        iterations: iterations.unwrap_or(EFFECTIVE_MODEL.iterations),
    }
}

pub(super) fn read_collective_states(section: &Section<'_>) -> CollectiveStatesSection {
    section.allow_only(COLLECTIVE_STATES_KEYS);
    let rule = NumberRule {
        above: 0.0,
        at_most: 100.0,
    };
    let barrier = section.number("barrier_nats", rule);
    let nodes = section.count("nodes", 11..=201);
    CollectiveStatesSection {
        barrier_nats: barrier.unwrap_or(COLLECTIVE_STATES.barrier_nats),
        nodes: nodes.unwrap_or(COLLECTIVE_STATES.nodes),
    }
}
