//! Holds JSON against a schema, as far as the schema of manifests goes.
//!
//! It knows the keywords that the schema uses and no others: an unknown one is a panic, so
//! that nothing in the schema goes unchecked.

use serde_json::{Map, Value};

/// What is wrong with `value`, each with its place; nothing if it is valid.
pub(crate) fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn valid(schema: &Value, value: &Value) -> bool {
    errors(schema, value).is_empty()
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = schema.as_object().expect("a schema is an object");
    for (keyword, rule) in schema {
        let holds = match keyword.as_str() {
            "$schema" | "title" | "description" | "default" => true,
            "type" => is_of_type(rule.as_str().expect("one type"), value),
            "enum" => rule
                .as_array()
                .expect("words")
                .iter()
                .any(|it| same(it, value)),
            "const" => same(rule, value),
            "minimum" => value.as_f64().is_none_or(|it| it >= number(rule)),
            "maximum" => value.as_f64().is_none_or(|it| it <= number(rule)),
            "exclusiveMinimum" => value.as_f64().is_none_or(|it| it > number(rule)),
            "minLength" => value
                .as_str()
                .is_none_or(|it| it.len() as f64 >= number(rule)),
            "minItems" => length(value).is_none_or(|it| it >= number(rule)),
            "maxItems" => length(value).is_none_or(|it| it <= number(rule)),
            "minProperties" => {
                let size = value.as_object().map(|it| it.len() as f64);
                size.is_none_or(|it| it >= number(rule))
            }
            "uniqueItems" => value.as_array().is_none_or(|items| {
                let before = |index: usize| items[..index].iter();
                (1..items.len()).all(|index| before(index).all(|it| !same(it, &items[index])))
            }),
            "pattern" => {
                let pattern = regex_lite::Regex::new(rule.as_str().expect("a text"));
                let pattern = pattern.expect("a pattern");
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "required" => {
                let keys = rule.as_array().expect("keys");
                let has = |key: &Value| value.get(key.as_str().expect("a key")).is_some();
                !value.is_object() || keys.iter().all(has)
            }
            "anyOf" => rule
                .as_array()
                .expect("schemas")
                .iter()
                .any(|it| valid(it, value)),
            "oneOf" => {
                let fitting = rule.as_array().expect("schemas").iter();
                fitting.filter(|it| valid(it, value)).count() == 1
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                for (index, item) in items.enumerate() {
                    check(rule, item, &format!("{at}[{index}]"), found);
                }
                true
            }
            "properties" => {
                let rules = rule.as_object().expect("keys");
                properties(schema, rules, value, at, found);
                true
            }
            "additionalProperties" => {
                assert_eq!(*rule, Value::Bool(false), "at {at}");
                true
            }
            other => panic!("unknown keyword `{other}` at {at}"),
        };
        if !holds {
            found.push(format!("{at}: {value} against {keyword} {rule}"));
        }
    }
}

fn properties(
    schema: &Map<String, Value>,
    rules: &Map<String, Value>,
    value: &Value,
    at: &str,
    found: &mut Vec<String>,
) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match rules.get(key) {
            Some(rule) => check(rule, value, &at, found),
            None if schema.contains_key("additionalProperties") => {
                found.push(format!("{at}: an unknown key"));
            }
            None => {}
        }
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        // Stricter than JSON Schema, which takes 2.0 for an integer: TOML does not.
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("unknown type `{other}`"),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

fn number(rule: &Value) -> f64 {
    rule.as_f64().expect("a number")
}

fn length(value: &Value) -> Option<f64> {
    value.as_array().map(|items| items.len() as f64)
}
