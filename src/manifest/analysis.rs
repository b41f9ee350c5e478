//! `[analysis]`: the read-outs to run.

mod effective;
mod models;

use schemars::JsonSchema;
use serde::Serialize;

pub use effective::{CollectiveStatesSection, EffectiveModelSection, PatternRotation};
pub use models::{ModelSamples, ModelsSection, Rival};

use super::partition::{self, PartitionRule};
use super::schema;
use super::section::Section;

/// The read-outs to run; an absent one is not run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct AnalysisSection {
    /// Averages of data and samples, beside exact ones; for models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thermodynamics: Option<ThermodynamicsSection>,
    /// How probable the network makes held-out data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LikelihoodSection>,
    /// Couplings read off the network; for mean-field models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub couplings: Option<CouplingsSection>,
    /// Patterns read off the network; for a Hopfield network only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns: Option<PatternsSection>,
    /// Rates, correlations, active counts of data and samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticsSection>,
    /// Rate of the latents against mutual information between parts of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub information: Option<InformationSection>,
    /// Whether there is a mean-field theory behind the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictSection>,
    /// The generalised Hopfield model behind the decoder; for spins and cells only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_model: Option<EffectiveModelSection>,
    /// Where the data live in the plane of the latents, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collective_states: Option<CollectiveStatesSection>,
    /// Other models of the same data; for spins and cells only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<ModelsSection>,
}

/// Averages of data and samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ThermodynamicsSection {
    /// Samples drawn from the network; 0 draws as many as there are test samples.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub vae_samples: usize,
}

/// Couplings read off the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CouplingsSection {
    /// Resamplings from which the standard errors come.
    #[schemars(range(min = 10, max = 100_000))]
    pub bootstrap: usize,
    /// Draws from the encoder for each test sample.
    #[schemars(range(min = 2, max = 10_000))]
    pub draws: usize,
    /// Draws from the prior, for the distribution of the field.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub prior_draws: usize,
}

/// How probable the network makes held-out data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LikelihoodSection {
    /// Draws a sample of the importance-weighted bound.
    #[schemars(range(min = 1, max = 100_000))]
    pub importance_samples: usize,
    /// Test samples used for quadrature in networks with 3 latents; 0 uses all.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub quadrature_samples: usize,
}

/// Patterns read off the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PatternsSection {
    /// Draws from the prior.
    #[schemars(range(min = 16, max = 10_000_000))]
    pub prior_draws: usize,
    /// Training samples that are encoded.
    #[schemars(range(min = 16, max = 10_000_000))]
    pub encoded: usize,
}

/// Rates, correlations, active counts of data and samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsSection {
    /// Sites whose triplets are counted.
    #[schemars(range(min = 3, max = 200))]
    pub triplet_sites: usize,
    /// Samples drawn from the network; 0 draws as many as the data's test set has.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub vae_samples: usize,
}

/// Rate of the latents against mutual information between parts of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InformationSection {
    /// How the sites are cut in two: `halves` (the first half of the sites), `even_odd` (by number;
    /// on a lattice the checkerboard), `random:10` (so many random halves), `sites:[0, 1, 2]`
    /// (these, numbered from 0).
    #[schemars(schema_with = "schema::partitions")]
    pub partitions: Vec<PartitionRule>,
    /// Test samples from which mutual information is estimated where no exact value
    /// is known; 0 uses all.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub samples: usize,
    /// Test samples, at most, whose posteriors make up the aggregate posterior.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub encoded: usize,
}

/// Whether there is a mean-field theory behind the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerdictSection {
    /// Samples drawn from the network; 0 draws as many as there are test samples.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub vae_samples: usize,
    /// Latents that are added for the comparison where the probability of the data is
    /// not known.
    #[schemars(range(min = 1, max = 64))]
    pub further_latents: usize,
}

pub(super) const KEYS: &[&str] = &[
    "thermodynamics",
    "likelihood",
    "couplings",
    "patterns",
    "statistics",
    "information",
    "verdict",
    "effective_model",
    "collective_states",
    "models",
];

/// The table of each analysis, with its keys.
pub(super) const TABLES: [(&str, &[&str]); 10] = [
    ("analysis.thermodynamics", THERMODYNAMICS_KEYS),
    ("analysis.likelihood", LIKELIHOOD_KEYS),
    ("analysis.couplings", COUPLINGS_KEYS),
    ("analysis.patterns", PATTERNS_KEYS),
    ("analysis.statistics", STATISTICS_KEYS),
    ("analysis.information", INFORMATION_KEYS),
    ("analysis.verdict", VERDICT_KEYS),
    ("analysis.effective_model", effective::EFFECTIVE_MODEL_KEYS),
    (
        "analysis.collective_states",
        effective::COLLECTIVE_STATES_KEYS,
    ),
    ("analysis.models", models::KEYS),
];
const THERMODYNAMICS_KEYS: &[&str] = &["vae_samples"];
const COUPLINGS_KEYS: &[&str] = &["bootstrap", "draws", "prior_draws"];
const LIKELIHOOD_KEYS: &[&str] = &["importance_samples", "quadrature_samples"];
const PATTERNS_KEYS: &[&str] = &["prior_draws", "encoded"];
const STATISTICS_KEYS: &[&str] = &["triplet_sites", "vae_samples"];
const INFORMATION_KEYS: &[&str] = &["partitions", "samples", "encoded"];
const VERDICT_KEYS: &[&str] = &["vae_samples", "further_latents"];
/// Partitions that one point may ask for.
const MOST_PARTITIONS: usize = 100;

// Defaults.
const THERMODYNAMICS: ThermodynamicsSection = ThermodynamicsSection { vae_samples: 0 };
const COUPLINGS: CouplingsSection = CouplingsSection {
    bootstrap: 100,
    draws: 8,
    prior_draws: 10_000,
};
const LIKELIHOOD: LikelihoodSection = LikelihoodSection {
    importance_samples: 256,
    quadrature_samples: 2000,
};
const PATTERNS: PatternsSection = PatternsSection {
    prior_draws: 4096,
    encoded: 4096,
};
const STATISTICS: StatisticsSection = StatisticsSection {
    triplet_sites: 10,
    vae_samples: 0,
};
const INFORMATION_PARTITIONS: [PartitionRule; 2] = [PartitionRule::Halves, PartitionRule::EvenOdd];
const INFORMATION_SAMPLES: usize = 10_000;
const INFORMATION_ENCODED: usize = 4096;
const VERDICT: VerdictSection = VerdictSection {
    vae_samples: 0,
    further_latents: 2,
};

/// Reads `[analysis]`.
pub(super) fn read(section: &Section<'_>) -> AnalysisSection {
    section.allow_only(KEYS);
    AnalysisSection {
        thermodynamics: section
            .table("thermodynamics")
            .map(|table| thermodynamics(&table)),
        couplings: section.table("couplings").map(|table| couplings(&table)),
        likelihood: section.table("likelihood").map(|table| likelihood(&table)),
        patterns: section.table("patterns").map(|table| patterns(&table)),
        statistics: section.table("statistics").map(|table| statistics(&table)),
        information: section
            .table("information")
            .map(|table| information(&table)),
        verdict: section.table("verdict").map(|table| verdict(&table)),
        effective_model: section
            .table("effective_model")
            .map(|table| effective::read_effective_model(&table)),
        collective_states: section
            .table("collective_states")
            .map(|table| effective::read_collective_states(&table)),
        models: section.table("models").map(|table| models::read(&table)),
    }
}

fn thermodynamics(section: &Section<'_>) -> ThermodynamicsSection {
    section.allow_only(THERMODYNAMICS_KEYS);
    let vae_samples = section.count("vae_samples", 0..=1_000_000_000);
    ThermodynamicsSection {
        vae_samples: vae_samples.unwrap_or(THERMODYNAMICS.vae_samples),
    }
}

fn couplings(section: &Section<'_>) -> CouplingsSection {
    section.allow_only(COUPLINGS_KEYS);
    let bootstrap = section.count("bootstrap", 10..=100_000);
    let draws = section.count("draws", 2..=10_000);
    let prior_draws = section.count("prior_draws", 100..=10_000_000);
    CouplingsSection {
        bootstrap: bootstrap.unwrap_or(COUPLINGS.bootstrap),
        draws: draws.unwrap_or(COUPLINGS.draws),
        prior_draws: prior_draws.unwrap_or(COUPLINGS.prior_draws),
    }
}

fn likelihood(section: &Section<'_>) -> LikelihoodSection {
    section.allow_only(LIKELIHOOD_KEYS);
    let importance = section.count("importance_samples", 1..=100_000);
    let quadrature = section.count("quadrature_samples", 0..=1_000_000_000);
    LikelihoodSection {
        importance_samples: importance.unwrap_or(LIKELIHOOD.importance_samples),
        quadrature_samples: quadrature.unwrap_or(LIKELIHOOD.quadrature_samples),
    }
}

fn patterns(section: &Section<'_>) -> PatternsSection {
    section.allow_only(PATTERNS_KEYS);
    let prior_draws = section.count("prior_draws", 16..=10_000_000);
    let encoded = section.count("encoded", 16..=10_000_000);
    PatternsSection {
        prior_draws: prior_draws.unwrap_or(PATTERNS.prior_draws),
        encoded: encoded.unwrap_or(PATTERNS.encoded),
    }
}

fn statistics(section: &Section<'_>) -> StatisticsSection {
    section.allow_only(STATISTICS_KEYS);
    let triplet_sites = section.count("triplet_sites", 3..=200);
    let vae_samples = section.count("vae_samples", 0..=1_000_000_000);
    StatisticsSection {
        triplet_sites: triplet_sites.unwrap_or(STATISTICS.triplet_sites),
        vae_samples: vae_samples.unwrap_or(STATISTICS.vae_samples),
    }
}

fn information(section: &Section<'_>) -> InformationSection {
    section.allow_only(INFORMATION_KEYS);
    let rules = section.array(
        "partitions",
        &(1..=MOST_PARTITIONS),
        "partitions",
        partition::read,
    );
    let samples = section.count("samples", 0..=1_000_000_000);
    let encoded = section.count("encoded", 2..=1_000_000);
    InformationSection {
        partitions: rules.unwrap_or_else(|| INFORMATION_PARTITIONS.to_vec()),
        samples: samples.unwrap_or(INFORMATION_SAMPLES),
        encoded: encoded.unwrap_or(INFORMATION_ENCODED),
    }
}

fn verdict(section: &Section<'_>) -> VerdictSection {
    section.allow_only(VERDICT_KEYS);
    let vae_samples = section.count("vae_samples", 0..=1_000_000_000);
    let further = section.count("further_latents", 1..=64);
    VerdictSection {
        vae_samples: vae_samples.unwrap_or(VERDICT.vae_samples),
        further_latents: further.unwrap_or(VERDICT.further_latents),
    }
}
