//! Information and verdict, from manifest to tables.

use latentfield::tables::Table;

use crate::support::Experiment;

fn manifest(model: &str, epochs: usize, partitions: &str) -> String {
    format!(
        r#"
[experiment]
name = "trial"
seed = 5

[model]
{model}

[sampling]
samples = 1000
test_samples = 600

[vae]
latent = 1
hidden = [8]

[vae.training]
epochs = {epochs}
batch = 100

[analysis]
likelihood = {{ importance_samples = 8, quadrature_samples = 100 }}
information = {{ partitions = {partitions}, encoded = 300 }}
verdict = {{}}
"#
    )
}

fn numbers(table: &Table, column: &str) -> Vec<f64> {
    let values = table.numbers(column).expect("numbers").iter();
    values.map(|value| value.expect("a number")).collect()
}

/// Models whose entropy and mutual information are exact, for every cut named here.
const SOLVED: [(&str, &str); 4] = [
    (
        "kind = \"curie_weiss\"\nsites = 12\ntemperature = 0.8",
        "[\"halves\", \"random:3\"]",
    ),
    (
        "kind = \"hopfield\"\nsites = 12\npatterns = 2\ntemperature = 0.6",
        "[\"even_odd\", \"sites:[0, 1, 5]\"]",
    ),
    (
        "kind = \"planar_nematic\"\nsites = 12\ntemperature = 0.4",
        "[\"halves\"]",
    ),
    (
        "kind = \"ising_2d\"\nside = 4\ntemperature = 2.269185",
        "[\"even_odd\", \"halves\"]",
    ),
];

#[test]
fn the_certified_inequality_holds_however_badly_the_network_is_trained() {
    for (model, partitions) in SOLVED {
        for epochs in [1, 8] {
            let experiment = Experiment::new(&manifest(model, epochs, partitions));
            experiment.run(&[]).with_code(0);
            let table = experiment.table("information");
            let slack = numbers(&table, "bound_slack_nats");
            let errors = numbers(&table, "bound_slack_nats_se");
            for (slack, error) in slack.iter().zip(&errors) {
                assert!(
                    *error > 0.0 && *slack > -3.0 * error,
                    "{model}: {slack} {error}"
                );
            }
            let bias = table.texts("mutual_information_bias").expect("texts");
            assert!(bias.iter().all(|bias| bias == "exact"), "{model}: {bias:?}");
        }
    }
}

/// `I(A; B)` of both halves of a Curie-Weiss model, by the sum over the spins up in them.
fn halves_of_curie_weiss(sites: usize, temperature: f64) -> f64 {
    let half = sites / 2;
    let ways = |up: usize| -> f64 {
        (0..up).fold(1.0, |ways, k| ways * (half - k) as f64 / (k + 1) as f64)
    };
    let weight = |a: usize, b: usize| {
        let magnetisation = 2.0 * (a + b) as f64 - sites as f64;
        let energy = -magnetisation.powi(2) / (2.0 * sites as f64);
        ways(a) * ways(b) * (-energy / temperature).exp()
    };
    let counts = || 0..=half;
    let total: f64 = counts()
        .flat_map(|a| counts().map(move |b| weight(a, b)))
        .sum();
    let side = |a: usize| counts().map(|b| weight(a, b)).sum::<f64>() / total;
    let pair = |a: usize, b: usize| {
        let p = weight(a, b) / total;
        p * (p / (side(a) * side(b))).ln()
    };
    counts()
        .flat_map(|a| counts().map(move |b| pair(a, b)))
        .sum()
}

#[test]
fn the_table_has_the_mutual_information_of_the_closed_form() {
    let model = "kind = \"curie_weiss\"\nsites = 12\ntemperature = 0.8";
    let experiment = Experiment::new(&manifest(model, 1, "[\"halves\"]"));
    experiment.run(&[]).with_code(0);
    let table = experiment.table("information");
    let found = numbers(&table, "mutual_information_nats")[0];
    let exact = halves_of_curie_weiss(12, 0.8);
    assert!((found - exact).abs() < 1e-10, "{found} {exact}");
    // What latents carry is bounded by their number of latents' rows and by the rate.
    let carried = numbers(&table, "latent_information_nats")[0];
    let upper = numbers(&table, "latent_information_upper_nats")[0];
    assert!(
        carried <= upper && carried < 300.0_f64.ln(),
        "{carried} {upper}"
    );
}

#[test]
fn estimates_of_what_is_not_solved_say_which_way_they_err() {
    let model = "kind = \"ising_2d\"\nside = 6\ntemperature = 2.0";
    let experiment = Experiment::new(&manifest(model, 1, "[\"halves\"]"));
    let more = ["--set", "sampling.test_samples=4000"];
    experiment.run(&more).with_code(0);
    let table = experiment.table("information");
    let methods = table.texts("mutual_information_method").expect("texts");
    assert_eq!(methods, ["active_counts", "info_nce"]);
    let bias = table.texts("mutual_information_bias").expect("texts");
    assert_eq!(bias[1], "lower_bound");
    assert!(bias.iter().all(|bias| bias != "exact"));
    // Too few for the second: it is left out, and said.
    let few = Experiment::new(&manifest(model, 1, "[\"halves\"]"));
    let ended = few.run(&[]).with_code(0);
    ended.saying(&["no estimate `info_nce`", "draw more"]);
    assert_eq!(few.table("information").rows(), 1);
}

#[test]
fn a_verdict_has_its_evidence_and_its_reason() {
    let model = "kind = \"ising_2d\"\nside = 8\ntemperature = 2.269185";
    let experiment = Experiment::new(&manifest(model, 1, "[\"even_odd\"]"));
    experiment.run(&[]).with_code(0);
    let table = experiment.table("verdict");
    // Barely trained, one latent, a lattice: whatever it is, it is no theory.
    assert_ne!(table.texts("verdict").expect("texts")[0], "mean_field");
    assert!(!table.texts("reason").expect("texts")[0].is_empty());
    assert_eq!(table.texts("gap_method").expect("texts")[0], "exact");
    let tests = experiment.table("two_sample_tests");
    let names = tests.texts("test").expect("texts");
    assert_eq!(
        names,
        ["energy", "magnetisation", "pair_correlations", "classifier"]
    );
    let single = numbers(&tests, "p_value");
    let corrected = numbers(&tests, "corrected_p_value");
    assert!(single.iter().zip(&corrected).all(|(p, q)| p <= q));
}

#[test]
fn without_a_probability_further_latents_are_trained() {
    let model = "kind = \"lebwohl_lasher\"\nside = 2\ntemperature = 1.2";
    let experiment = Experiment::new(&manifest(model, 1, "[\"even_odd\"]"));
    let more = ["--set", "sampling.test_samples=4000"];
    experiment.run(&more).with_code(0);
    let table = experiment.table("verdict");
    assert_eq!(table.texts("gap_method").expect("texts")[0], "classifier");
    assert!(numbers(&table, "further_gain_nats")[0].is_finite());
}

#[test]
fn too_few_samples_for_a_verdict_are_an_error_with_the_way_out() {
    let model = "kind = \"curie_weiss\"\nsites = 12\ntemperature = 0.8";
    let experiment = Experiment::new(&manifest(model, 1, "[\"halves\"]"));
    let few = ["--set", "analysis.verdict.vae_samples=10"];
    let ended = experiment.run(&few).with_code(1);
    ended.saying(&["found 10", "expected at least 40", "raise"]);
}
