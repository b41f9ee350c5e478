//! The committed schema is that of the program, and says what the program says of manifests.

#[path = "../src/manifest/tests/validator.rs"]
mod validator;

use std::path::{Path, PathBuf};

use latentfield::manifest;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A manifest as JSON; TOML and JSON differ in dates alone, which no key takes.
fn json(text: &str) -> Value {
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    serde_json::to_value(table).expect("a table has a JSON form")
}

fn errors(text: &str) -> Vec<String> {
    validator::errors(&manifest::schema(), &json(text))
}

fn experiments() -> Vec<PathBuf> {
    let folders = ["experiments", "experiments/smoke"];
    let entries = folders.into_iter().flat_map(|folder| {
        let folder = root().join(folder);
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    });
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect()
}

#[test]
fn the_committed_schema_is_fresh() {
    let committed: Value = serde_json::from_str(&read("latentfield.schema.json")).expect("JSON");
    assert!(
        committed == manifest::schema(),
        "out of date: `cargo run --release -- schema > latentfield.schema.json`"
    );
}

#[test]
fn every_experiment_is_valid_and_names_the_schema() {
    let paths = experiments();
    assert!(paths.len() > 20, "{}", paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a manifest");
        assert_eq!(errors(&text), [""; 0], "{}", path.display());
        let first = text.lines().next().unwrap_or_default();
        let named = first
            .strip_prefix("#:schema ")
            .map(|named| path.parent().expect("a folder").join(named));
        let found = named.and_then(|named| named.canonicalize().ok());
        let schema = root()
            .join("latentfield.schema.json")
            .canonicalize()
            .expect("the schema");
        assert_eq!(found, Some(schema), "{}: {first}", path.display());
    }
}

#[test]
fn every_manifest_of_the_pages_is_valid() {
    let mut seen = 0;
    for page in ["README.md", "docs/manifest.md", "docs/recordings.md"] {
        for rest in read(page).split("```toml\n").skip(1) {
            let text = rest.split("```").next().unwrap_or_default();
            assert_eq!(errors(text), [""; 0], "{page}:\n{text}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

const GOOD: &str = r#"
[experiment]
name = "good"
[model]
kind = "hopfield"
sites = 6
patterns = 2
temperature = 0.9
[vae]
latent = 3
[sweep]
sampling.samples = [100, 200]
"#;

#[test]
fn mistakes_are_not_valid() {
    assert_eq!(errors(GOOD), [""; 0]);
    for (good, bad) in [
        // Unknown keys.
        ("temperature =", "temprature ="),
        ("latent = 3", "latnet = 2"),
        ("latent = 3", "epochs = 3"),
        ("[vae]", "[vea]"),
        ("name = \"good\"", "name = \"good\"\nthreads = 3"),
        ("[vae]", "[vae]\ntraining = { epoch = 3 }"),
        ("[vae]", "[analysis.likelihod]\n[vae]"),
        // Wrong types.
        ("sites = 6", "sites = \"six\""),
        ("sites = 6", "sites = 6.0"),
        ("latent = 3", "hidden = [64, \"wide\"]"),
        ("latent = 3", "hidden = 64"),
        ("name = \"good\"", "name = 3"),
        ("[vae]", "[vae.training]\nfresh_samples = 1\n[vae]"),
        // Wrong words.
        ("\"hopfield\"", "\"hopfeild\""),
        ("latent = 3", "activation = \"than\""),
        ("latent = 3", "prior = \"normall\""),
        // Outside the range.
        ("latent = 3", "latent = 300"),
        ("sites = 6", "sites = 0"),
        ("temperature = 0.9", "temperature = 0"),
        ("name = \"good\"", "name = \"../good\""),
        ("name = \"good\"", "name = \"good\"\nreplicates = 0"),
        // Keys of another kind.
        ("temperature = 0.9", "temperature = 0.9\nside = 3"),
        ("\"hopfield\"", "\"ising_2d\""),
        // Sweeps.
        ("[100, 200]", "100"),
        ("[100, 200]", "[100, \"two\"]"),
        ("[100, 200]", "[100, 100]"),
        ("[100, 200]", "[]"),
        ("[100, 200]", "{ start = 100, stop = 200 }"),
        (
            "[100, 200]",
            "{ start = 100, stop = 200, step = 1, count = 3 }",
        ),
        ("[100, 200]", "{ start = 100, stop = 200, count = 1 }"),
        (
            "[100, 200]",
            "{ start = 100, stop = 200, count = 3, scale = \"lin\" }",
        ),
        ("sampling.samples", "experiment.replicates"),
        ("sampling.samples", "sampling.sample"),
        (
            "sampling.samples =",
            "zip = [[\"model.sites\"]]\nsampling.samples =",
        ),
        ("sampling.samples =", "union = []\nsampling.samples ="),
        (
            "sampling.samples =",
            "when = [{ vae.latent = [1] }]\nsampling.samples =",
        ),
        ("[experiment]", "extend = []\n[experiment]"),
    ] {
        let text = GOOD.replacen(good, bad, 1);
        assert_ne!(text, GOOD, "{good}");
        assert_ne!(errors(&text), [""; 0], "valid:\n{text}");
    }
}

#[test]
fn a_figure_without_its_columns_is_not_valid() {
    let plot = "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"point\"\n";
    let found = errors(&format!("{GOOD}{plot}"));
    assert!(
        found.len() == 1 && found[0].contains("required"),
        "{found:?}"
    );
    assert_eq!(errors(&format!("{GOOD}{plot}y = \"overlap\"\n")), [""; 0]);
}
