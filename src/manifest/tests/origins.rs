//! What a manifest comes to, and where each value came from.

use super::*;

fn all(sources: &Sources) -> Vec<EffectiveValue> {
    match effective(sources, CATALOGUE) {
        Ok(values) => values,
        Err(problems) => panic!("{problems}"),
    }
}

#[track_caller]
fn at<'v>(values: &'v [EffectiveValue], path: &str) -> &'v EffectiveValue {
    let found = values.iter().find(|value| value.path == path);
    found.unwrap_or_else(|| panic!("no `{path}` in {values:#?}"))
}

#[track_caller]
fn shown(values: &[EffectiveValue], path: &str) -> (String, String) {
    let value = at(values, path);
    (value.written.clone(), value.origin.to_string())
}

fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn every_value_has_the_place_it_came_from() {
    let mut sources = with_sets(MODEL, &["vae.hidden=[8]", "vae.hidden=[9, 9]"]);
    sources.environment = vec![("LATENTFIELD_VAE__TRAINING__EPOCHS".into(), "7".into())];
    sources.user_file = Some(("/etc/user.toml".into(), "threads = 4\n".into()));
    let values = all(&sources);
    for (path, value, origin) in [
        ("experiment.seed", "7", "runs/exp.toml:4:8"),
        ("experiment.title", "\"good\"", "built-in default"),
        ("model.temperature", "0.9", "runs/exp.toml:10:15"),
        ("model.field", "0.0", "built-in default"),
        ("vae.latent", "3", "runs/exp.toml:16:10"),
        ("vae.hidden", "[9, 9]", "--set `vae.hidden=[9, 9]`"),
        ("vae.encoder_hidden", "[9, 9]", "built-in default"),
        (
            "vae.training.epochs",
            "7",
            "environment variable `LATENTFIELD_VAE__TRAINING__EPOCHS`",
        ),
        ("threads", "4", "/etc/user.toml:1:11"),
    ] {
        assert_eq!(shown(&values, path), pair(value, origin), "{path}");
    }
    let store = at(&values, "store.path");
    assert_eq!((&store.value, &store.origin), (&None, &Origin::Default));
    let code = shown(&values, "store.code");
    assert_eq!(code, pair("\"digest\"", "built-in default"));
    sources.user_file = Some(("/etc/user.toml".into(), "store.code = \"version\"\n".into()));
    let code = shown(&all(&sources), "store.code");
    assert_eq!(code, pair("\"version\"", "/etc/user.toml:1:14"));
}

/// Number of values in a table and the tables in it.
fn count(value: &toml::Value) -> usize {
    match value {
        toml::Value::Table(table) => table.values().map(count).sum(),
        _ => 1,
    }
}

#[test]
fn no_key_with_a_default_is_left_out() {
    let values = all(&sources(MODEL));
    let manifest = good(&sources(MODEL));
    let expanded: toml::Table = manifest.expanded.parse().unwrap();
    // Beside them the three keys of the machine.
    assert_eq!(values.len(), count(&toml::Value::Table(expanded)) + 3);
    for value in &values {
        let Some(known) = &value.value else { continue };
        let table: toml::Table = format!("x = {}", value.written).parse().unwrap();
        assert_eq!(table["x"], *known, "{}", value.path);
    }
}

#[test]
fn a_sweep_is_shown_as_it_was_written_and_what_it_replaces_is_not() {
    let sweep = "[sweep]\nmodel.temperature = { start = 1, stop = 2, step = 0.5 }\n\
                 vae.hidden = [[3], [4]]\nzip = []\n";
    let plot = "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"point\"\ny = \"overlap\"\n";
    let values = all(&sources(&format!("{MODEL}{sweep}{plot}")));
    let range = "{ start = 1, stop = 2, step = 0.5 }";
    let temperature = shown(&values, "sweep.model.temperature");
    assert_eq!(temperature, pair(range, "runs/exp.toml:18:21"));
    assert!(values.iter().all(|value| value.path != "model.temperature"));
    let (text, _) = shown(&values, "vae.encoder_hidden");
    assert_eq!(text, "follows `vae.hidden`, which is swept");
    let overlap = shown(&values, "plot[0].y");
    assert_eq!(overlap, pair("\"overlap\"", "runs/exp.toml:25:5"));
}

#[test]
fn a_bad_manifest_has_no_values_but_problems() {
    let problems = effective(&with_sets(MODEL, &["vae.latent=0"]), CATALOGUE).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert_eq!(problems.0[0].key, "vae.latent");
}
