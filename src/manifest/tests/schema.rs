//! The schema and the readers know the same keys and accept the same values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::validator;
use super::*;

/// Manifests in which every table and key may stand, with the kind of model if there is one.
const STAGES: &[(&str, &str)] = &[
    ("curie_weiss", "sites = 6\ntemperature = 1"),
    ("hopfield", "sites = 6\npatterns = 2\ntemperature = 1"),
    ("maier_saupe", "sites = 6\ntemperature = 1"),
    ("planar_nematic", "sites = 6\ntemperature = 1"),
    ("ising_2d", "side = 6\ntemperature = 1"),
    ("lebwohl_lasher", "side = 6\ntemperature = 1"),
    ("generalised_hopfield", "sites = 6\nfields = 1"),
];

/// Values that are tried at every key, as TOML.
const VALUES: &[&str] = &[
    "true",
    "\"nonsense\"",
    "\"\"",
    "[]",
    "[true]",
    "[\"nonsense\"]",
    "[1]",
    "[1, 2]",
    "[0.5]",
    "[[1, -1, 1, 1, 1, -1]]",
    "{ nonsense = 1 }",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "17",
    "0.0",
    "0.5",
    "1.0",
    "1.5",
    "-0.5",
    "1e300",
    "\"first:3\"",
    "\"random:3:1\"",
    "\"0:10\"",
    "\"last:3\"",
    "[\"halves\", \"random:3\"]",
    "[\"sites:[0, 1]\"]",
    "[\"bin\", \"cell\"]",
    "[\"time\", \"cell:u\"]",
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    "\"a b\"",
    "[\"pairwise\"]",
];

fn model(kind: &str, keys: &str) -> String {
    format!("[experiment]\nname = \"x\"\n[model]\nkind = \"{kind}\"\n{keys}\n")
}

/// Every key of a table with its path; of a model, those of one kind.
fn leaves(path: &str, table: &Value, found: &mut Vec<(String, Value)>) {
    for (key, schema) in table["properties"].as_object().expect("keys") {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if schema["properties"].is_object() {
            leaves(&path, schema, found);
        } else {
            found.push((path, schema.clone()));
        }
    }
}

fn leaves_of(path: &str, table: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    leaves(path, table, &mut found);
    found
}

/// The values to try: those at hand, those at the bounds and beyond, and all words.
fn candidates(schema: &Value) -> Vec<String> {
    let mut texts: Vec<String> = VALUES.iter().map(|text| (*text).to_owned()).collect();
    let is_integer = schema["type"] == "integer";
    for bound in ["minimum", "maximum", "exclusiveMinimum"] {
        if let (true, Some(bound)) = (is_integer, schema[bound].as_i64()) {
            let around = [bound.checked_sub(1), Some(bound), bound.checked_add(1)];
            texts.extend(around.into_iter().flatten().map(|it| it.to_string()));
        } else if let Some(bound) = schema[bound].as_f64() {
            let around = [bound - 1e-9, bound, bound + 1e-9];
            texts.extend(around.map(|it| format!("{it:?}")));
        }
    }
    for word in schema["enum"].as_array().into_iter().flatten() {
        texts.push(word.to_string());
    }
    if let Some(items) = schema["items"].as_object() {
        let elements = candidates(&Value::Object(items.clone()));
        texts.extend(elements.iter().map(|it| format!("[{it}]")));
        texts.extend(
            elements
                .iter()
                .map(|it| format!("[{it}, {it}, {it}, {it}]")),
        );
    }
    texts
}

/// Puts a value at a dotted path.
fn put(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| toml::Table::new().into());
            put(inner.as_table_mut().expect("a table"), rest, value);
        }
    }
}

/// Whether the readers take a value for what it is, whatever they say of its neighbours.
fn is_read(text: &str, path: &str, value: &toml::Value) -> bool {
    let mut table: toml::Table = text.parse().expect("TOML");
    put(&mut table, path, value.clone());
    let Err(problems) = load(&sources(&table.to_string()), CATALOGUE) else {
        return true;
    };
    let codes = [
        "manifest::out_of_range",
        "manifest::wrong_type",
        "manifest::unknown_word",
        "manifest::unknown_key",
    ];
    let own = |key: &str| {
        let rest = key.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    let mut problems = problems.0.iter();
    !problems.any(|problem| codes.contains(&problem.code) && own(&problem.key))
}

fn compare(text: &str, path: &str, schema: &Value) -> usize {
    let candidates = candidates(schema);
    for written in &candidates {
        let table: toml::Table = format!("x = {written}").parse().expect("TOML");
        let value = serde_json::to_value(&table["x"]).expect("JSON");
        let found = validator::errors(schema, &value);
        // A list with a repeated element is one thing to the schema, and another code here.
        let found: Vec<&String> = found
            .iter()
            .filter(|error| !error.contains("against uniqueItems"))
            .collect();
        assert_eq!(
            found.is_empty(),
            is_read(text, path, &table["x"]),
            "`{path} = {written}`: the schema says {found:?}, the reader otherwise\n{text}"
        );
    }
    candidates.len()
}

#[test]
fn the_schema_and_the_readers_accept_the_same_values() {
    let schema = schema();
    let tables = &schema["properties"];
    let mut compared = 0;
    for kind in tables["model"]["oneOf"].as_array().expect("kinds") {
        let Some(name) = kind["properties"]["kind"]["const"].as_str() else {
            continue;
        };
        let (_, keys) = STAGES.iter().find(|(known, _)| *known == name).expect(name);
        let saved = format!("sites = 6\nfile = \"x.json\"\nkind = \"{name}\"\n");
        for (path, schema) in leaves_of("model", kind) {
            let text = match path.as_str() {
                "model.kind" => continue,
                "model.file" => format!("[experiment]\nname = \"x\"\n[model]\n{saved}"),
                _ => model(name, keys),
            };
            compared += compare(&text, &path, &schema);
        }
    }
    let vae = "[vae]\ndecoder = \"bottleneck\"\nprior = \"mixture\"\n";
    let text = format!("{}{vae}", model(STAGES[1].0, STAGES[1].1));
    for name in ["experiment", "sampling", "vae", "analysis"] {
        for (path, schema) in leaves_of(name, &tables[name]) {
            if path != "analysis.models.samples" {
                compared += compare(&text, &path, &schema);
            }
        }
    }
    let spikes = ["columns", "time_unit", "start_s", "duration_s"];
    let spikes = spikes.map(|key| format!("recording.{key}"));
    for (path, schema) in leaves_of("recording", &tables["recording"]) {
        let format = "format = \"spike_times\"\nbin_ms = 20\n";
        let more = if spikes.contains(&path) { format } else { "" };
        compared += compare(&format!("{RECORDING}{more}"), &path, &schema);
    }
    assert!(compared > 3000, "{compared}");
}

/// The keys of the machine are given from outside.
#[test]
fn the_schema_of_the_machine_is_that_of_its_readers() {
    let schema = machine_schema();
    let keys: BTreeSet<String> = leaves_of("", &schema).into_iter().map(|it| it.0).collect();
    let store = load::STORE_KEYS.iter().map(|key| format!("store.{key}"));
    let known: BTreeSet<String> = store.chain(["threads".to_owned()]).collect();
    assert_eq!(keys, known);
    for key in FILE_KEYS {
        let refused = only(&with_sets(MODEL, &[&format!("{key}=x")]));
        assert_eq!((refused.code, &*refused.key), ("manifest::conflict", key));
    }
    let mut compared = 0;
    for (path, schema) in leaves_of("", &schema) {
        for written in candidates(&schema) {
            let table: toml::Table = format!("x = {written}").parse().expect("TOML");
            let value = serde_json::to_value(&table["x"]).expect("JSON");
            let user = format!("{path} = {written}\n");
            let sources = Sources {
                user_file: Some(("/etc/user.toml".into(), user)),
                ..sources(MODEL)
            };
            assert_eq!(
                validator::errors(&schema, &value).is_empty(),
                load(&sources, CATALOGUE).is_ok(),
                "`{path} = {written}`"
            );
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn the_words_of_the_schema_are_all_words() {
    let schema = schema();
    let text = model(STAGES[1].0, STAGES[1].1);
    let mut words = 0;
    for table in ["sampling", "vae", "analysis", "recording"] {
        for (path, schema) in leaves_of(table, &schema["properties"][table]) {
            let Some(known) = schema["enum"].as_array() else {
                continue;
            };
            let spikes = if path == "recording.time_unit" {
                "format = \"spike_times\"\nbin_ms = 20\n"
            } else {
                ""
            };
            let recording = format!("{RECORDING}{spikes}");
            let text = if table == "recording" {
                &recording
            } else {
                &text
            };
            let problems = bad(&with_sets(text, &[&format!("{path}=zzzzzz")]));
            let problem = problems
                .iter()
                .find(|problem| problem.key == path)
                .expect("refused");
            let listed: BTreeSet<&str> = problem.expected.split('`').skip(1).step_by(2).collect();
            let known: BTreeSet<&str> = known.iter().filter_map(Value::as_str).collect();
            assert_eq!(listed, known, "{path}");
            words += known.len();
        }
    }
    assert!(words > 15, "{words}");
    let kinds = &schema["properties"]["model"]["properties"]["kind"]["enum"];
    let problem = only(&with_sets(&text, &["model.kind=zzzzzz"]));
    let listed: Vec<&str> = problem.expected.split('`').skip(1).step_by(2).collect();
    assert_eq!(*kinds, serde_json::json!(listed));
}

/// The keys of a table of the schema; those of all kinds of model, of elements of an array.
fn keys(table: &Value) -> BTreeSet<String> {
    let own = table["properties"].as_object().into_iter().flatten();
    let own = own.map(|(key, _)| key.clone());
    let choices = table["oneOf"].as_array().into_iter().flatten();
    let nested = choices.chain(table["items"].is_object().then_some(&table["items"]));
    own.chain(nested.flat_map(keys)).collect()
}

#[test]
fn the_schema_has_every_key_of_the_catalogue_and_no_other() {
    let schema = schema();
    let top: BTreeSet<String> = catalogue::TOP_KEYS
        .iter()
        .map(|it| (*it).to_owned())
        .collect();
    assert_eq!(keys(&schema), top);
    let mut tables = 0;
    for (name, known) in catalogue::tables() {
        // What belongs to the machine is a problem in a manifest.
        if name == "store" {
            continue;
        }
        let path = format!("/properties/{}", name.replace('.', "/properties/"));
        let table = schema
            .pointer(&path)
            .unwrap_or_else(|| panic!("no `{name}`"));
        let mut known: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
        if name.starts_with("sweep") {
            known.extend(catalogue::SWEEPABLE.iter().map(|it| (*it).to_owned()));
        }
        if name == "sweep.when" {
            known.extend(["zip", "exclude", "table"].map(str::to_owned));
        }
        assert_eq!(keys(table), known, "{name}");
        tables += 1;
    }
    assert!(tables > 15, "{tables}");
    let swept = leaves_of("sweep", &schema["properties"]["sweep"]);
    let swept: BTreeSet<&str> = swept
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("sweep."))
        .filter(|path| path.contains('.'))
        .collect();
    let sweepable = catalogue::sweepable_paths();
    assert_eq!(swept, sweepable.iter().map(String::as_str).collect());
}

#[test]
fn every_key_says_what_it_means() {
    let schema = schema();
    let mut found = Vec::new();
    leaves("", &schema, &mut found);
    for kind in schema["properties"]["model"]["oneOf"]
        .as_array()
        .expect("kinds")
    {
        leaves("model", kind, &mut found);
    }
    for (path, schema) in found {
        let description = schema["description"].as_str().unwrap_or_default();
        let description = if path == "model.kind" {
            "of every kind"
        } else {
            description
        };
        assert!(description.len() > 5, "{path}: {description:?}");
        assert!(
            !description.contains("`None`") && !description.contains("`Some`"),
            "{path}"
        );
    }
}

#[test]
fn defaults_are_valid_and_complete() {
    let schema = schema();
    let mut with = BTreeSet::new();
    for table in ["experiment", "sampling", "vae", "analysis", "recording"] {
        for (path, schema) in leaves_of(table, &schema["properties"][table]) {
            if let Some(default) = schema.get("default") {
                let errors = validator::errors(&schema, default);
                assert!(errors.is_empty(), "{path}: {errors:?}");
                with.insert(path);
            }
        }
    }
    for (path, value) in [
        ("sampling.samples", "50000"),
        ("vae.latent", "2"),
        ("vae.training.learning_rate", "0.002"),
        ("analysis.collective_states.nodes", "61"),
        ("recording.split.every", "3"),
    ] {
        let pointer = format!("/properties/{}/default", path.replace('.', "/properties/"));
        let default = schema.pointer(&pointer).map(ToString::to_string);
        assert_eq!(default.as_deref(), Some(value), "{path}");
    }
    for path in [
        "experiment.title",
        "vae.encoder_hidden",
        "recording.split.offset",
    ] {
        assert!(!with.contains(path), "`{path}` follows another key");
    }
}
