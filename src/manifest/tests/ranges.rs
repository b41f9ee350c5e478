//! Each key takes its range and refuses the rest; manifests for every section.

use super::*;

/// A manifest, a key, values that it takes, values that it refuses.
type Rule = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// A good manifest of a lattice.
const LATTICE: &str = r#"
[experiment]
name = "lattice"

[model]
kind = "ising_2d"
side = 6
temperature = 2.0
"#;

/// A good manifest of a model with fields of its own.
pub(super) const FIELDS: &str = r#"
[experiment]
name = "fields"

[model]
kind = "generalised_hopfield"
sites = 20
fields = 2
"#;

/// A good manifest of a saved model.
pub(super) const SAVED: &str = r#"
[experiment]
name = "saved"

[model]
kind = "generalised_hopfield"
sites = 20
file = "fits/cells.json"
"#;

/// A good manifest with the evidence of a verdict.
const JUDGED: &str = r#"
[experiment]
name = "judged"

[model]
kind = "curie_weiss"
sites = 10
temperature = 2.0

[analysis]
likelihood = {}
information = {}
"#;

/// A good manifest with the evidence of collective states and of models.
const EFFECTIVE: &str = r#"
[experiment]
name = "effective"

[model]
kind = "curie_weiss"
sites = 10
temperature = 2.0

[analysis]
likelihood = {}
effective_model = {}
"#;

/// A good manifest of spike times.
pub(super) const SPIKES: &str = r#"
[experiment]
name = "spikes"

[recording]
path = "spikes.csv"
format = "spike_times"
bin_ms = 20
repeats = 12
"#;

const TEXTS: [&str; 3] = ["3", "true", "[\"a\"]"];

const RULES: &[Rule] = &[
    (
        MODEL,
        "experiment.name",
        &["a", "A-b_9"],
        &["\"\"", "a/b", "..", "\"a b\"", "é", "3"],
    ),
    (MODEL, "experiment.title", &["\"any: text/1\""], &TEXTS),
    (MODEL, "experiment.license", &["\"CC-BY-4.0\""], &TEXTS),
    (
        MODEL,
        "experiment.authors",
        &["[]", "[\"Ada\", \"Bo <https://orcid.org/0>\"]"],
        &["\"Ada\"", "[1]"],
    ),
    (
        MODEL,
        "experiment.seed",
        &["0", "9223372036854775807"],
        &["-1", "1.0", "9223372036854775808", "x"],
    ),
    (
        MODEL,
        "experiment.replicates",
        &["1", "10_000"],
        &["0", "10_001", "2.0"],
    ),
    (MODEL, "model.kind", &["hopfield"], &["potts", "1"]),
    (FIELDS, "model.sites", &["1", "10_000"], &["0", "10_001"]),
    (FIELDS, "model.fields", &["1", "3"], &["0", "4", "2.0"]),
    (
        FIELDS,
        "model.rate",
        &["0.001", "0.99"],
        &["0", "1", "-0.1", "nan"],
    ),
    (
        FIELDS,
        "model.strength",
        &["0.001", "10"],
        &["0", "10.5", "-1"],
    ),
    (
        FIELDS,
        "model.law",
        &["normal", "skewed", "states"],
        &["gumbel", "1"],
    ),
    (FIELDS, "model.sparseness", &["0.01", "1"], &["0", "1.1"]),
    (SAVED, "model.file", &["a.json"], &["\"\"", "3"]),
    (LATTICE, "model.side", &["2", "1024"], &["1", "1025", "4.0"]),
    (MODEL, "model.field", &["0", "-0.5"], &["inf", "up"]),
    (MODEL, "model.correlation", &["0", "0.99"], &["-0.1", "1"]),
    (
        MODEL,
        "model.sites",
        &["1", "100_000"],
        &["0", "100_001", "6.0"],
    ),
    (
        MODEL,
        "model.patterns",
        &["1", "256", "[[1, -1, 1, -1, 1, 1]]"],
        &[
            "0",
            "257",
            "true",
            "[]",
            "[[1, -1]]",
            "[[1, 1, 1, 1, 1, 0]]",
            "[[1, 1, 1, 1, 1, 1.0]]",
        ],
    ),
    (
        MODEL,
        "model.temperature",
        &["1", "1e-3", "250.5"],
        &["0", "-0.0", "-1", "inf", "nan", "hot"],
    ),
    (
        MODEL,
        "sampling.samples",
        &["100", "1_000_000_000"],
        &["99", "1_000_000_001", "1e4"],
    ),
    (MODEL, "sampling.test_samples", &["10"], &["9", "-5"]),
    (
        MODEL,
        "sampling.method",
        &[
            "auto",
            "exact",
            "gibbs",
            "tempering",
            "wolff",
            "swendsen_wang",
            "metropolis",
        ],
        &["Gibbs", "cluster", "0"],
    ),
    (MODEL, "vae.latent", &["1", "64"], &["0", "65", "\"3\""]),
    (
        MODEL,
        "vae.hidden",
        &["[]", "[1, 4096]"],
        &["[0]", "[4097]", "[1.5]", "64"],
    ),
    (MODEL, "vae.encoder_hidden", &["[]", "[8]"], &["[0]", "8"]),
    (
        MODEL,
        "vae.activation",
        &["tanh", "relu", "softplus"],
        &["gelu", "1"],
    ),
    (
        MODEL,
        "vae.decoder",
        &["mlp", "bottleneck", "linear"],
        &["mpl"],
    ),
    (MODEL, "vae.prior", &["normal", "mixture"], &["vampprior"]),
    (
        MODEL,
        "vae.training.epochs",
        &["1", "1_000_000"],
        &["0", "1.5"],
    ),
    (MODEL, "vae.training.batch", &["1"], &["0"]),
    (
        MODEL,
        "vae.training.learning_rate",
        &["1", "1e-5"],
        &["0", "1.1", "-1e-3"],
    ),
    (
        MODEL,
        "vae.training.final_learning_rate_fraction",
        &["1.0"],
        &["0", "2"],
    ),
    (
        MODEL,
        "vae.training.kl_warmup_epochs",
        &["0", "29"],
        &["30", "-1"],
    ),
    (MODEL, "vae.training.gradient_clip", &["0.1"], &["0", "inf"]),
    (MODEL, "vae.training.patience", &["0", "5"], &["-1"]),
    (
        MODEL,
        "vae.training.validation_fraction",
        &["0.5", "0.01"],
        &["0", "0.51"],
    ),
    (
        MODEL,
        "vae.training.fresh_samples",
        &["true", "false"],
        &["1", "yes"],
    ),
    (MODEL, "vae.training.checkpoint_epochs", &["1"], &["0"]),
    (
        MODEL,
        "vae.training.engine",
        &["auto", "autodiff"],
        &["manual"],
    ),
    (MODEL, "vae.training.device", &["cpu"], &["gpu", "CPU"]),
    (
        MODEL,
        "analysis.likelihood.importance_samples",
        &["1", "100_000"],
        &["0", "100_001"],
    ),
    (
        MODEL,
        "analysis.likelihood.quadrature_samples",
        &["0"],
        &["-1"],
    ),
    (
        MODEL,
        "analysis.thermodynamics.vae_samples",
        &["0"],
        &["-1"],
    ),
    (MODEL, "analysis.couplings.bootstrap", &["10"], &["9"]),
    (MODEL, "analysis.couplings.draws", &["2"], &["1"]),
    (MODEL, "analysis.couplings.prior_draws", &["100"], &["99"]),
    (MODEL, "analysis.patterns.prior_draws", &["16"], &["15"]),
    (MODEL, "analysis.patterns.encoded", &["16"], &["15"]),
    (
        MODEL,
        "analysis.statistics.triplet_sites",
        &["3", "200"],
        &["2", "201"],
    ),
    (MODEL, "analysis.statistics.vae_samples", &["0"], &["-1"]),
    (
        MODEL,
        "analysis.information.partitions",
        &[r#"["halves", "even_odd"]"#, r#"["random:1000"]"#],
        &[r#"["quarters"]"#, "[]", "halves"],
    ),
    (JUDGED, "analysis.verdict.vae_samples", &["0"], &["-1"]),
    (
        JUDGED,
        "analysis.verdict.further_latents",
        &["1", "64"],
        &["0"],
    ),
    (
        JUDGED,
        "analysis.effective_model.most_variables",
        &["1", "32"],
        &["0", "33"],
    ),
    (
        JUDGED,
        "analysis.effective_model.rotation",
        &["sparse", "contrast"],
        &["varimax", "1"],
    ),
    (JUDGED, "analysis.effective_model.bootstrap", &["2"], &["1"]),
    (JUDGED, "analysis.effective_model.starts", &["0"], &["-1"]),
    (
        JUDGED,
        "analysis.effective_model.iterations",
        &["1"],
        &["0"],
    ),
    (
        EFFECTIVE,
        "analysis.collective_states.barrier_nats",
        &["0.1", "100"],
        &["0", "-1"],
    ),
    (
        EFFECTIVE,
        "analysis.collective_states.nodes",
        &["11", "201"],
        &["10"],
    ),
    (
        JUDGED,
        "analysis.models.rivals",
        &["[]", r#"["pairwise", "hopfield"]"#],
        &[r#"["ising"]"#, r#"["hopfield", "hopfield"]"#, "hopfield"],
    ),
    (
        JUDGED,
        "analysis.models.fields",
        &["[1]", "[3, 1, 2]"],
        &["[0]", "[4]", "[1, 1]", "[]"],
    ),
    (
        JUDGED,
        "analysis.models.samples",
        &[r#"[{ name = "a", path = "a.csv", variable = "x", cite = "them" }]"#],
        &[
            r#"[{ name = "a" }]"#,
            r#"[{ name = "vae", path = "a.csv" }]"#,
            r#"[{ name = "a", path = "a.csv" }, { name = "a", path = "b.csv" }]"#,
            r#"[{ name = "a/b", path = "a.csv" }]"#,
            r#"[{ name = "a", path = "" }]"#,
            r#"["a.csv"]"#,
        ],
    ),
    (JUDGED, "analysis.models.triplet_sites", &["3"], &["2"]),
    (MODEL, "analysis.information.samples", &["0"], &["-1"]),
    (MODEL, "analysis.information.encoded", &["2"], &["1"]),
    (
        RECORDING,
        "recording.path",
        &["/a/b.mat", "x.csv"],
        &["\"\"", "3"],
    ),
    (RECORDING, "recording.variable", &["bint"], &TEXTS),
    (
        RECORDING,
        "recording.axes",
        &["[\"cell\", \"bin\"]"],
        &[
            "[\"bin\"]",
            "[\"bin\", \"bin\"]",
            "[\"cell\", \"bin\", \"cell\"]",
            "[\"cell\", \"time\"]",
            "bin",
        ],
    ),
    (
        RECORDING,
        "recording.sha256",
        &["0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a"],
        &[
            "0af6",
            "gaf6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a0af6b78a",
        ],
    ),
    (
        RECORDING,
        "recording.repeats",
        &["3", "297"],
        &["1", "2", "x"],
    ),
    (RECORDING, "recording.bin_ms", &["20", "0.5"], &["0", "-20"]),
    (RECORDING, "recording.format", &["binned"], &["spikes", "3"]),
    (
        SPIKES,
        "recording.columns",
        &[
            r#"["time", "cell"]"#,
            r#"["-", "cell:unit id", "time:t"]"#,
            r#"["time", "-", "cell", "-"]"#,
        ],
        &[
            r#"["cell"]"#,
            r#"["cell", "cell"]"#,
            r#"["cell", "-"]"#,
            r#"["cell", "times"]"#,
            r#"["cell:", "time"]"#,
            r#"["cell", "time", "-:x"]"#,
            r#"["cell", 3]"#,
            "cell",
            // The key `repeats` is there.
            r#"["cell", "time", "repeat"]"#,
        ],
    ),
    (SPIKES, "recording.time_unit", &["s", "ms"], &["us", "1"]),
    (SPIKES, "recording.start_s", &["0", "-0.5"], &["inf", "x"]),
    (
        SPIKES,
        "recording.duration_s",
        &["19.06"],
        &["0", "-1", "nan"],
    ),
    (
        RECORDING,
        "recording.bins",
        &["0:476", "100:101"],
        &["476", "5:5", "9:2", "-1:3", "[0, 476]", "{ start = 0 }"],
    ),
    (RECORDING, "recording.split.by", &["repeat"], &["bin"]),
    (
        RECORDING,
        "recording.split.every",
        &["2", "5"],
        &["1", "13"],
    ),
    (
        RECORDING,
        "recording.split.offset",
        &["0", "2"],
        &["3", "-1"],
    ),
    (
        RECORDING,
        "recording.sites",
        &["[0, 5, 2]", "first:25", "random:25", "random:25:3"],
        &[
            "[]",
            "[1, 1]",
            "[-1]",
            "[0.5]",
            "25",
            "all",
            "random:0",
            "first:2:1",
        ],
    ),
    (
        RECORDING,
        "recording.cite",
        &["\"doi 10.15479/AT:ISTA:61\""],
        &TEXTS,
    ),
];

#[test]
fn every_key_takes_its_range_and_refuses_the_rest() {
    for (text, key, takes, refuses) in RULES {
        for value in *takes {
            good(&with_sets(text, &[&format!("{key}={value}")]));
        }
        for value in *refuses {
            // From the environment: a list in `--set` is an axis where the key takes none.
            let name = format!("LATENTFIELD_{}", key.to_uppercase().replace('.', "__"));
            let mut sources = sources(text);
            sources.environment = vec![(name, (*value).to_owned())];
            let problems = bad(&sources);
            assert_eq!(problems.len(), 1, "{key}={value}: {problems:#?}");
        }
    }
}

#[test]
fn every_key_of_the_catalogue_has_a_rule() {
    let ruled = |path: &str| {
        RULES.iter().any(|(_, key, ..)| *key == path)
            || path == "vae.fields"
            || path == "vae.components"
    };
    let tables = catalogue::tables();
    let is_table = |path: &str| tables.iter().any(|(table, _)| *table == path);
    for (table, keys) in &tables {
        for key in keys {
            let path = format!("{table}.{key}");
            let elsewhere =
                ["sweep", "sweep.when", "plot", "store"].contains(table) || is_table(&path);
            assert!(elsewhere || ruled(&path), "no rule for {path}");
        }
    }
}
