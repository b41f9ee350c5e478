//! The JSON Schema of a manifest, for editors.
//!
//! What comes in: the section structs, whose `JsonSchema` is derived, so that what a
//! person reads in the editor is the comment beside the field. What goes out: one schema
//! of draft 07 without references. Where more than one form is accepted (a list or a rule
//! as text), the form is written here; the axes of `[sweep]` are made from the keys that
//! they sweep. Defaults are those of a manifest that leaves everything out. Tests hold
//! keys, words and ranges against the readers.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::catalogue::SWEEPABLE;
use super::points::MOST_POINTS;
use super::range::MOST_VALUES;
use super::sources::Sources;
use super::sweep::{MOST_CONDITIONS, MOST_RULES};
use super::{
    AnalysisSection, ExperimentSection, ModelSection, PlotRequest, RecordingSection,
    SamplingSection, VaeSection, load, plot, recording,
};

/// Least manifests, from which the defaults are read.
const LEAST: [&str; 3] = [
    "[model]\nkind = \"hopfield\"\nsites = 3\npatterns = 1\ntemperature = 1\n\
     [analysis]\nthermodynamics = {}\ncouplings = {}\npatterns = {}\nverdict = {}\n\
     likelihood = {}\ninformation = {}\n",
    "[model]\nkind = \"generalised_hopfield\"\nsites = 3\nfields = 1\n",
    "[recording]\npath = \"x\"\nrepeats = 3\n[analysis]\nlikelihood = {}\nstatistics = {}\n\
     effective_model = {}\ncollective_states = {}\nmodels = {}\n",
];

/// Keys that have no default of their own: required ones, and those that follow another.
const WITHOUT_DEFAULT: &[&str] = &[
    "experiment.name",
    "experiment.title",
    "model.kind",
    "model.sites",
    "model.patterns",
    "model.fields",
    "model.temperature",
    "recording.path",
    "recording.repeats",
    "recording.split.offset",
    "vae.encoder_hidden",
    "vae.training.kl_warmup_epochs",
];

/// The schema of a manifest, as JSON of draft 07.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings.into_generator();
    let generator = &mut generator;
    let mut tables = Map::new();
    add(
        &mut tables,
        "experiment",
        ExperimentSection::json_schema(generator),
    );
    add(&mut tables, "model", ModelSection::json_schema(generator));
    add(
        &mut tables,
        "sampling",
        SamplingSection::json_schema(generator),
    );
    add(
        &mut tables,
        "recording",
        RecordingSection::json_schema(generator),
    );
    add(&mut tables, "vae", VaeSection::json_schema(generator));
    add(
        &mut tables,
        "analysis",
        AnalysisSection::json_schema(generator),
    );
    if let Some(model) = tables.get_mut("model") {
        allow_any_kind(model);
    }
    for (path, default) in defaults() {
        put_default(&mut tables, &path, &default);
    }
    let description = "Parameters that take several values: `model.temperature = [0.5, 1.0]`, or a \
                       range `{ start, stop, step }` or `{ start, stop, count }`. Axes are crossed \
                       in file order, the last fastest.";
    let rules = ["zip", "exclude", "table", "union", "when"];
    let sweep = grid(&tables, description, &rules);
    tables.insert("sweep".to_owned(), sweep);
    tables.extend(file_keys().map(|(key, schema)| (key.to_owned(), schema)));
    let figure = tidy(PlotRequest::json_schema(generator).to_value(), true);
    let description = "Figures beyond those that each analysis draws by itself.";
    let plots = json!({
        "description": description, "type": "array", "maxItems": plot::MOST_PLOTS, "items": figure,
    });
    tables.insert("plot".to_owned(), plots);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Manifest of latentfield",
        "description": "One experiment: where configurations come from, the network that is \
                        trained on them, what is swept, and what is read off.",
        "type": "object",
        "additionalProperties": false,
        "properties": tables,
    })
}

/// The schema of the keys that belong to the machine, as JSON of draft 07: those of the user
/// file, which a manifest may not have and `--set` may.
#[must_use]
pub fn machine_schema() -> Value {
    let code: Vec<&str> = load::CODE_WORDS.iter().map(|(word, _)| *word).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "User file of latentfield",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "threads": {
                "description": "Tasks that run side by side at most; else as many as the machine \
                                has cores.",
                "type": "integer", "minimum": 1, "maximum": load::MOST_THREADS,
            },
            "store": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "path": {
                        "description": "Folder of the store; else `.store` in the folder of the \
                                        results.",
                        "type": "string",
                    },
                    "code": {
                        "description": "What of the program's code decides which stored results \
                                        are used.",
                        "type": "string", "enum": code, "default": code[0],
                    },
                },
            },
        },
    })
}

fn add(tables: &mut Map<String, Value>, name: &str, schema: Schema) {
    tables.insert(name.to_owned(), tidy(schema.to_value(), false));
}

/// A derived schema as editors like it: no name of a type, no `null`, which TOML has not, no
/// other keys than those that are known.
///
/// A key that may be swept, or set from outside, is missed by the program and not by the
/// editor; elements of arrays are `complete`.
fn tidy(schema: Value, complete: bool) -> Value {
    match schema {
        Value::Array(items) => items.into_iter().map(|it| tidy(it, complete)).collect(),
        Value::Object(mut object) => {
            for name in ["$schema", "title", "format"] {
                object.remove(name);
            }
            if !complete && !object.contains_key("oneOf") {
                object.remove("required");
            }
            without_null(&mut object);
            words(&mut object);
            join_lines(&mut object);
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                for property in properties.values_mut() {
                    *property = tidy(property.take(), complete);
                }
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
                object.remove("unevaluatedProperties");
            }
            for name in ["oneOf", "anyOf", "items"] {
                if let Some(inner) = object.get_mut(name) {
                    *inner = tidy(inner.take(), complete || name == "items");
                }
            }
            Value::Object(object)
        }
        other => other,
    }
}

/// Takes `null` out of what is accepted.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|it| it != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice["type"] != "null");
    if let [Value::Object(only)] = &choices[..] {
        let only = only.clone();
        object.remove("anyOf");
        for (name, value) in only {
            object.entry(name).or_insert(value);
        }
    }
}

/// Writes the words of an enumeration as `enum`, what they mean into the description.
fn words(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else {
        return;
    };
    let words: Vec<(Value, String)> = choices
        .iter()
        .flat_map(|choice| match (&choice["const"], &choice["enum"]) {
            (Value::Null, Value::Array(words)) => words
                .iter()
                .map(|word| (word.clone(), String::new()))
                .collect(),
            (Value::Null, _) => Vec::new(),
            (word, _) => vec![(word.clone(), text(choice, "description"))],
        })
        .collect();
    if words.len() < choices.len() {
        return;
    }
    let meanings = words.iter().filter(|(_, meaning)| !meaning.is_empty());
    let meanings: Vec<String> = meanings
        .map(|(word, meaning)| format!("{word}: {}", meaning.replace('\n', " ")))
        .collect();
    let description = object.get("description").and_then(Value::as_str);
    let description = format!(
        "{}\n\n{}",
        description.unwrap_or_default(),
        meanings.join("\n")
    );
    let words: Vec<Value> = words.into_iter().map(|(word, _)| word).collect();
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("string"));
    object.insert("enum".to_owned(), Value::Array(words));
    object.insert("description".to_owned(), json!(description.trim()));
}

/// Joins the lines of a paragraph of a comment.
fn join_lines(object: &mut Map<String, Value>) {
    if object.contains_key("enum") {
        return;
    }
    if let Some(Value::String(description)) = object.get_mut("description") {
        let paragraphs: Vec<String> = description
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "))
            .collect();
        *description = paragraphs.join("\n\n");
    }
}

fn text(schema: &Value, name: &str) -> String {
    schema[name].as_str().unwrap_or_default().to_owned()
}

/// Adds the case that the kind stands elsewhere: swept, or set from outside.
fn allow_any_kind(model: &mut Value) {
    let keys = properties(model);
    let Some(Value::Array(kinds)) = model.get_mut("oneOf") else {
        return;
    };
    let names: Vec<Value> = kinds
        .iter()
        .map(|kind| kind["properties"]["kind"]["const"].clone())
        .collect();
    for kind in kinds.iter_mut() {
        kind["required"] = json!(["kind"]);
        kind["properties"]["kind"]["description"] = json!(text(kind, "description"));
        // One section serves both lattices.
        if kind["properties"]["kind"]["const"] == "lebwohl_lasher" {
            kind["properties"]["side"]["maximum"] = json!(32);
        }
    }
    let mut any: Map<String, Value> = keys.into_iter().collect();
    any.remove("kind");
    kinds.push(json!({
        "description": "A model whose kind is swept or set from outside.",
        "type": "object",
        "additionalProperties": false,
        "properties": any,
    }));
    // What an editor offers before it knows the kind.
    model["properties"] = json!({ "kind": { "type": "string", "enum": names } });
    model["type"] = json!("object");
}

/// The keys of a table with their schemas; of kinds that differ, the widest range.
fn properties(table: &Value) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    let choices = table["oneOf"].as_array();
    let choices = choices.map_or_else(|| vec![table], |choices| choices.iter().collect());
    let keys = choices
        .iter()
        .filter_map(|choice| choice["properties"].as_object());
    for (key, schema) in keys.flatten() {
        match found.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => widen(known, schema),
            None => found.push((key.clone(), schema.clone())),
        }
    }
    found
}

fn widen(known: &mut Value, other: &Value) {
    for (bound, wider) in [
        ("minimum", f64::min as fn(f64, f64) -> f64),
        ("maximum", f64::max),
    ] {
        let (Some(a), Some(b)) = (known[bound].as_f64(), other[bound].as_f64()) else {
            continue;
        };
        if wider(a, b).total_cmp(&b).is_eq() {
            known[bound] = other[bound].clone();
        }
    }
}

/// Paths and values of all defaults, from manifests that leave them out.
fn defaults() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for text in LEAST {
        let sources = Sources {
            text: format!("[experiment]\nname = \"x\"\n{text}"),
            ..Sources::default()
        };
        let expanded = load(&sources, &[]).map(|manifest| manifest.expanded);
        let table = expanded
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok());
        let table = table.and_then(|table| serde_json::to_value(table).ok());
        leaves("", &table.unwrap_or_default(), &mut found);
    }
    found.retain(|(path, _)| !WITHOUT_DEFAULT.contains(&path.as_str()));
    found
}

fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let Value::Object(table) = value else {
        found.push((path.to_owned(), value.clone()));
        return;
    };
    for (key, value) in table {
        leaves(&super::parse::join(path, key), value, found);
    }
}

/// Notes a default, wherever the key stands.
fn put_default(properties: &mut Map<String, Value>, path: &str, default: &Value) {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(a, b)| (a, Some(b)));
    let Some(schema) = properties.get_mut(first) else {
        return;
    };
    let Some(rest) = rest else {
        schema["default"] = default.clone();
        return;
    };
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
        for choice in choices {
            if let Some(Value::Object(inner)) = choice.get_mut("properties") {
                put_default(inner, rest, default);
            }
        }
    }
    if let Some(Value::Object(inner)) = schema.get_mut("properties") {
        put_default(inner, rest, default);
    }
}

/// `[sweep]` and the grids inside it, which have axes too.
fn grid(tables: &Map<String, Value>, description: &str, rules: &[&str]) -> Value {
    let mut keys: Map<String, Value> = SWEEPABLE
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), axes(name, tables.get(*name)?))))
        .collect();
    for rule in rules {
        keys.insert((*rule).to_owned(), sweep_rule(tables, rule));
    }
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "properties": keys,
    })
}

/// A key of a sweep that is no table of parameters.
fn sweep_rule(tables: &Map<String, Value>, rule: &str) -> Value {
    let rows = json!({ "type": "object", "minProperties": 1 });
    match rule {
        "zip" => json!({
            "description": "Swept keys that advance together, as lists of their paths: \
                            `[[\"model.sites\", \"sampling.samples\"]]`.",
            "type": "array",
            "maxItems": MOST_RULES,
            "items": {
                "type": "array", "minItems": 2, "maxItems": MOST_RULES, "uniqueItems": true,
                "items": { "type": "string" },
            },
        }),
        "exclude" => json!({
            "description": "Combinations that are left out: \
                            `[{ \"model.sites\" = 400, \"model.temperature\" = 0.4 }]`.",
            "type": "array",
            "maxItems": MOST_RULES,
            "items": rows,
        }),
        "table" => json!({
            "description": "Points from a file, CSV with dotted paths in its header or Parquet, or \
                            written out as tables of keys and values.",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "minItems": 1, "maxItems": MOST_POINTS, "items": rows },
            ],
        }),
        "if" => json!({
            "description": "Keys and values that must all be met.",
            "type": "object",
            "minProperties": 1,
        }),
        "union" => json!({
            "description": "Grids that stand side by side: their points come one grid after the \
                            other, crossed with the axes of `[sweep]`.",
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_RULES,
            "items": grid(tables, "One grid.", &["zip", "exclude", "table", "when"]),
        }),
        _ => {
            let words = ["if", "zip", "exclude", "table"];
            let mut items = grid(tables, "A condition and axes.", &words);
            items["required"] = json!(["if"]);
            json!({
                "description": "Axes that exist where the condition `if` holds.",
                "type": "array",
                "maxItems": MOST_CONDITIONS,
                "items": items,
            })
        }
    }
}

/// The keys that say something of the file that they stand in.
fn file_keys() -> [(&'static str, Value); 2] {
    let version = json!({
        "description": "Versions of the program that the manifest is meant for: `>=0.1, <0.3`.",
        "type": "string",
    });
    let path = json!({ "type": "string", "minLength": 1 });
    let extend = json!({
        "description": "Manifests that lie below this one; a relative path counts from the \
                        manifest's folder.",
        "anyOf": [path, { "type": "array", "minItems": 1, "items": path }],
    });
    [("required-version", version), ("extend", extend)]
}

/// A table whose leaves are axes.
fn axes(path: &str, table: &Value) -> Value {
    let keys: Map<String, Value> = properties(table)
        .into_iter()
        .map(|(key, schema)| {
            let path = format!("{path}.{key}");
            let is_table = schema["type"] == "object";
            let axis = if is_table {
                axes(&path, &schema)
            } else {
                axis(&path, schema)
            };
            (key, axis)
        })
        .collect();
    json!({
        "description": format!("Swept keys of `[{path}]`."),
        "type": "object",
        "additionalProperties": false,
        "properties": keys,
    })
}

/// A list of values of one key, or a range if they are numbers.
fn axis(path: &str, mut value: Value) -> Value {
    let description = format!("Values of `{path}`. {}", text(&value, "description"));
    if let Some(value) = value.as_object_mut() {
        value.remove("description");
        value.remove("default");
    }
    if let Some(word) = value
        .as_object_mut()
        .and_then(|value| value.remove("const"))
    {
        value["enum"] = json!([word]);
    }
    let is_number = |schema: &Value| schema["type"] == "number" || schema["type"] == "integer";
    let numeric = is_number(&value)
        || value["anyOf"]
            .as_array()
            .is_some_and(|choices| choices.iter().any(is_number));
    let list = json!({
        "type": "array", "minItems": 1, "maxItems": MOST_VALUES, "uniqueItems": true,
        "items": value,
    });
    let forms = if numeric {
        vec![list, range()]
    } else {
        vec![list]
    };
    json!({ "description": description, "anyOf": forms })
}

fn range() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["start", "stop"],
        "properties": {
            "start": { "description": "The first value.", "type": "number" },
            "stop": {
                "description": "The last value; with `step`, if a step reaches it.",
                "type": "number",
            },
            "step": { "description": "From one value to the next.", "type": "number" },
            "count": {
                "description": "Number of values.",
                "type": "integer", "minimum": 2, "maximum": MOST_VALUES,
            },
            "scale": {
                "description": "\"linear\": equal steps\n\"log\": equal ratios, with `count`",
                "type": "string", "enum": ["linear", "log"],
            },
        },
        "oneOf": [{ "required": ["step"] }, { "required": ["count"] }],
    })
}

/// `model.patterns`: a number, patterns one by one, or a path.
pub(super) fn patterns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 256 },
            {
                "type": "array", "minItems": 1, "maxItems": 256,
                "items": { "type": "array", "minItems": 1, "items": { "enum": [1, -1] } },
            },
            { "type": "string", "minLength": 1 },
        ],
    })
}

/// `analysis.information.partitions`: rules as text.
pub(super) fn partitions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "minItems": 1, "maxItems": 100,
        "items": {
            "type": "string",
            "pattern": "^(halves|even_odd|random: *[0-9]+ *|sites: *\\[ *[0-9]+ *(, *[0-9]+ *)*\\] *)$",
        },
    })
}

/// `recording.sites`: a list of indices, or a rule as text.
pub(super) fn recorded_sites(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            {
                "type": "array", "minItems": 1, "maxItems": 100_000, "uniqueItems": true,
                "items": { "type": "integer", "minimum": 0, "maximum": 10_000_000 },
            },
            { "type": "string", "pattern": "^(first:[0-9]+|random:[0-9]+(:[0-9]+)?)$" },
        ],
    })
}

/// `recording.bins`: a range as text.
pub(super) fn bin_range(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]+:[0-9]+$" })
}

/// `recording.columns`: a word a column, perhaps with its name in the file.
pub(super) fn columns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "minItems": 2, "maxItems": recording::MOST_COLUMNS,
        "items": { "type": "string", "pattern": "^(-|(cell|time|repeat)(:.*[^:])?)$" },
    })
}
