//! Every kind of model from manifest to tables.

use crate::support::{Experiment, POINT};

/// A small experiment of another kind of model.
fn manifest(kind: &str, keys: &str, latent: usize, analyses: &str) -> String {
    format!(
        r#"
[experiment]
name = "trial"
seed = 5

[model]
kind = "{kind}"
{keys}

[sampling]
samples = 1000
test_samples = 300

[vae]
latent = {latent}
hidden = [8]

[vae.training]
epochs = 2
batch = 100

[analysis]
likelihood = {{ importance_samples = 8, quadrature_samples = 100 }}
thermodynamics = {{}}
{analyses}
"#
    )
}

const COUPLINGS: &str = "couplings = { bootstrap = 20, draws = 2, prior_draws = 200 }";

/// The value of the only row with these words in two columns.
#[track_caller]
fn value(experiment: &Experiment, table: &str, key: [&str; 2], words: [&str; 2]) -> [f64; 2] {
    let table = experiment.table(table);
    let (first, second) = (
        table.texts(key[0]).expect("a text"),
        table.texts(key[1]).expect("a text"),
    );
    let rows: Vec<usize> = (0..table.rows())
        .filter(|&row| first[row] == words[0] && second[row] == words[1])
        .collect();
    assert_eq!(rows.len(), 1, "{words:?}");
    let number =
        |column: &str| table.numbers(column).expect("numbers")[rows[0]].unwrap_or(f64::NAN);
    [number("value"), number("exact")]
}

#[test]
fn mean_field_models_have_couplings_and_exact_averages() {
    let cases = [
        ("curie_weiss", "sites = 20\ntemperature = 1.25", 1, 0.8),
        ("planar_nematic", "sites = 20\ntemperature = 0.5", 2, 2.0),
        ("maier_saupe", "sites = 20\ntemperature = 0.25", 5, 4.0),
    ];
    for (kind, keys, latent, coupling) in cases {
        let experiment = Experiment::new(&manifest(kind, keys, latent, COUPLINGS));
        experiment.run(&[]).with_code(0);
        let columns = ["quantity", "method"];
        let words = ["coupling", "moments"];
        let [found, exact] = value(&experiment, "couplings", columns, words);
        assert!((exact - coupling).abs() < 1e-12, "{kind}: {exact}");
        // 1000 independent samples: the moment alone fixes it to a few percent.
        assert!((found / coupling - 1.0).abs() < 0.2, "{kind}: {found}");
        let columns = ["observable", "source"];
        let words = ["energy_per_site", "data"];
        let [energy, exact] = value(&experiment, "thermodynamics", columns, words);
        assert!(
            (energy / exact - 1.0).abs() < 0.2,
            "{kind}: {energy}, {exact}"
        );
    }
}

#[test]
fn lattices_have_averages_and_the_square_one_a_gap() {
    let ising = manifest("ising_2d", "side = 4\ntemperature = 2.5", 2, "");
    let experiment = Experiment::new(&ising);
    experiment.run(&[]).with_code(0);
    let gap = experiment.table("likelihood");
    assert!(gap.numbers("paired_gap_nats").unwrap()[0].is_some());

    let lasher = manifest("lebwohl_lasher", "side = 2\ntemperature = 1.2", 2, "");
    let experiment = Experiment::new(&lasher);
    experiment.run(&[]).with_code(0);
    let gap = experiment.table("likelihood");
    assert!(gap.numbers("paired_gap_nats").unwrap()[0].is_none());
    let averages = experiment.table("thermodynamics");
    let names = averages.texts("observable").unwrap();
    assert!(names.iter().any(|name| name == "abs_scalar_order"));
}

#[test]
fn a_model_without_the_sampler_that_is_asked_for_says_which_it_has() {
    let text = manifest("curie_weiss", "sites = 8\ntemperature = 1.0", 1, "");
    let experiment = Experiment::new(&text);
    let ended = experiment
        .run(&["--set", "sampling.method=wolff"])
        .with_code(1);
    ended.saying(&["has no sampler `wolff`", "expected `exact`"]);
}

#[test]
fn fresh_samples_are_drawn_from_the_model() {
    let text = manifest("curie_weiss", "sites = 20\ntemperature = 0.8", 1, "");
    let experiment = Experiment::new(&text);
    let fresh = ["--set", "vae.training.fresh_samples=true"];
    experiment.run(&fresh).with_code(0);
    let first = experiment.table("training");
    experiment.run(&[]).with_code(0);
    let fixed = experiment.table("training");
    assert_ne!(
        first.numbers("elbo_nats").unwrap(),
        fixed.numbers("elbo_nats").unwrap()
    );
}

#[test]
fn patterns_come_from_a_file_beside_the_manifest() {
    let text = POINT.replace("patterns = 2\n", "patterns = \"stored.csv\"\n");
    let experiment = Experiment::new(&text);
    let missing = experiment.call(&["plan", "manifest.toml"]).with_code(2);
    missing.saying(&["`model.patterns` from", "no file `stored.csv`"]);
    let row = |sign: &str| format!("{}{}\n", "1,".repeat(23), sign);
    let stored = experiment.path("stored.csv");
    std::fs::write(&stored, row("1") + &row("-1")).unwrap();
    experiment.run(&[]).with_code(0);
    let sites = experiment.table("pattern_sites");
    let exact = sites.numbers("exact").unwrap();
    let down: Vec<usize> = (0..48).filter(|&row| exact[row] == Some(-1.0)).collect();
    assert_eq!(down, [47], "the last site of the second pattern");
    std::fs::write(&stored, "1,1\n").unwrap();
    let wrong = experiment.call(&["plan", "manifest.toml"]).with_code(2);
    wrong.saying(&["patterns of 2 sites, expected 24"]);
}

#[test]
fn a_population_keeps_its_true_model_and_is_drawn_from_it_again() {
    let keys = "sites = 20\nfields = 2\nrate = 0.3\nlaw = \"skewed\"";
    let analyses = "information = { partitions = [\"halves\"], samples = 200, encoded = 100 }";
    let text = manifest("generalised_hopfield", keys, 2, analyses);
    let drawn = Experiment::new(&text);
    drawn.run(&[]).with_code(0);
    let columns = ["quantity", "method"];
    let words = ["log_partition", "normalised"];
    let zero = |number: f64| number.abs() <= 0.0;
    assert!(value(&drawn, "sampling", columns, words).map(zero) == [true; 2]);
    let columns = ["observable", "source"];
    let words = ["squared_collective_1", "data"];
    let [found, exact] = value(&drawn, "thermodynamics", columns, words);
    // 1300 independent samples: a mean square is known to 2^(1/2) 1300^(-1/2) = 4 % if
    // normal, to twice that with a long tail; three of those.
    assert!((found / exact - 1.0).abs() < 0.24, "{found}, {exact}");
    let information = drawn.table("information");
    let method = information.texts("mutual_information_method").unwrap();
    assert_eq!(method, ["samples"]);

    let saved = std::fs::read(drawn.stored("sample", "model.json")).unwrap();
    let named = manifest(
        "generalised_hopfield",
        "sites = 20\nfile = \"cells.json\"",
        2,
        analyses,
    );
    let again = Experiment::new(&named);
    let missing = again.call(&["plan", "manifest.toml"]).with_code(2);
    missing.saying(&["`model.file` from", "no file `cells.json`"]);
    again.write("cells.json", &saved);
    again.run(&[]).with_code(0);
    let kept = std::fs::read(again.stored("sample", "model.json")).unwrap();
    assert!(kept == saved, "the same model to the last digit");
    // The content is in the keys: another place changes nothing, another number does.
    std::fs::rename(again.path("cells.json"), again.path("moved.json")).unwrap();
    let moved = ["--set", "model.file=moved.json"];
    let cached = again.run(&[&["--expect-cached"], &moved[..]].concat());
    assert!(cached.with_code(0).summary().starts_with("0 done"));
    let text = String::from_utf8(saved).unwrap();
    let (before, after) = text.split_once("\"biases\":[").unwrap();
    let other = format!(
        "{before}\"biases\":[0.5,{}",
        after.split_once(',').unwrap().1
    );
    again.write("moved.json", other.as_bytes());
    again
        .run(&[&["--expect-cached"], &moved[..]].concat())
        .with_code(1);
    again.write("moved.json", b"{}");
    let wrong = again.run(&moved).with_code(2);
    wrong.saying(&["`model.file`", "missing field `format`"]);
}
