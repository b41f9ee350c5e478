//! How two keys differ, in words.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::key::{Key, KeyParts};

/// Longest text of a value; longer ones are cut.
const VALUE_WIDTH: usize = 60;

/// One difference between two [`KeyParts`].
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Keys are made in another way.
    Format {
        /// Format of the first.
        before: u32,
        /// Format of the second.
        after: u32,
    },
    /// The stage is another.
    Stage {
        /// Stage of the first.
        before: String,
        /// Stage of the second.
        after: String,
    },
    /// The stage means something else.
    StageVersion {
        /// Version of the first.
        before: u32,
        /// Version of the second.
        after: u32,
    },
    /// Code that the stage depends on changed, or it depends on other code.
    Code {
        /// The module.
        module: String,
        /// Digest in the first, if it depends on the module.
        before: Option<String>,
        /// Digest in the second, if it depends on the module.
        after: Option<String>,
    },
    /// One of the keys holds digests of the code and the other does not.
    CodeCounts {
        /// Whether the second does.
        after: bool,
    },
    /// A parameter changed, appeared or vanished.
    Parameter {
        /// Dotted path within the parameters.
        path: String,
        /// Value in the first, if it has one.
        before: Option<Value>,
        /// Value in the second, if it has one.
        after: Option<Value>,
    },
    /// An input changed, appeared or vanished.
    Input {
        /// Role of the input.
        role: String,
        /// Key in the first, if it has one.
        before: Option<Key>,
        /// Key in the second, if it has one.
        after: Option<Key>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { before, after } => write!(f, "key format {before} → {after}"),
            Self::Stage { before, after } => write!(f, "stage `{before}` → `{after}`"),
            Self::StageVersion { before, after } => {
                write!(f, "stage version {before} → {after}")
            }
            Self::Code {
                module,
                before,
                after,
            } => write_change(
                f,
                &format!("code of `{module}`"),
                before.as_ref(),
                after.as_ref(),
            ),
            Self::CodeCounts { after: true } => f.write_str("the program's code counts now"),
            Self::CodeCounts { after: false } => {
                f.write_str("the program's code counts no more, as `store.code` says")
            }
            Self::Parameter {
                path,
                before,
                after,
            } => {
                write!(
                    f,
                    "{path}: {} → {}",
                    shown(before.as_ref()),
                    shown(after.as_ref())
                )
            }
            Self::Input {
                role,
                before,
                after,
            } => write_change(
                f,
                &format!("input `{role}`"),
                before.as_ref(),
                after.as_ref(),
            ),
        }
    }
}

fn write_change<T>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    before: Option<&T>,
    after: Option<&T>,
) -> fmt::Result {
    let change = match (before, after) {
        (None, _) => "is new",
        (_, None) => "is gone",
        _ => "changed",
    };
    write!(f, "{what} {change}")
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "(absent)".to_owned();
    };
    let text = value.to_string();
    if text.chars().count() <= VALUE_WIDTH {
        return text;
    }
    let start: String = text.chars().take(VALUE_WIDTH - 1).collect();
    format!("{start}…")
}

/// All differences from `before` to `after`; empty if and only if their keys agree.
#[must_use]
pub fn differences(before: &KeyParts, after: &KeyParts) -> Vec<Difference> {
    let mut found = Vec::new();
    if before.format != after.format {
        found.push(Difference::Format {
            before: before.format,
            after: after.format,
        });
    }
    if before.stage != after.stage {
        found.push(Difference::Stage {
            before: before.stage.clone(),
            after: after.stage.clone(),
        });
    }
    if before.stage_version != after.stage_version {
        found.push(Difference::StageVersion {
            before: before.stage_version,
            after: after.stage_version,
        });
    }
    compare_code(before, after, &mut found);
    let (old, new) = (Some(&before.parameters), Some(&after.parameters));
    compare_values("", old, new, &mut found);
    compare_needs(before, after, &mut found);
    found
}

fn compare_code(before: &KeyParts, after: &KeyParts, found: &mut Vec<Difference>) {
    if before.code.is_empty() != after.code.is_empty() {
        let after = !after.code.is_empty();
        found.push(Difference::CodeCounts { after });
        return;
    }
    let (old, new) = (before.code.by_module(), after.code.by_module());
    let modules: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for module in modules {
        let (before, after) = (old.get(module), new.get(module));
        if before != after {
            found.push(Difference::Code {
                module: module.clone(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
}

fn compare_needs(before: &KeyParts, after: &KeyParts, found: &mut Vec<Difference>) {
    let roles: BTreeSet<&String> = before.needs.keys().chain(after.needs.keys()).collect();
    for role in roles {
        let (old, new) = (before.needs.get(role), after.needs.get(role));
        if old != new {
            found.push(Difference::Input {
                role: role.clone(),
                before: old.cloned(),
                after: new.cloned(),
            });
        }
    }
}

fn compare_values(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let dot = if path.is_empty() { "" } else { "." };
                let inner = format!("{path}{dot}{name}");
                compare_values(&inner, old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if nested(old) && nested(new) => {
            for position in 0..old.len().max(new.len()) {
                let inner = format!("{path}[{position}]");
                compare_values(&inner, old.get(position), new.get(position), found);
            }
        }
        _ if same(before, after) => {}
        _ => found.push(Difference::Parameter {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// Whether an array holds objects, which are compared one by one.
fn nested(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

/// Whether two values are the same in a key.
fn same(before: Option<&Value>, after: Option<&Value>) -> bool {
    before.map(super::key::canonical_json) == after.map(super::key::canonical_json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use std::collections::BTreeMap;

    use super::super::key::{CodeDigests, FORMAT};
    use super::*;

    fn parts(parameters: Value) -> KeyParts {
        let input = Key::parse(&"0123456789abcdef".repeat(4)).unwrap();
        KeyParts {
            format: FORMAT,
            stage: "train".to_owned(),
            stage_version: 1,
            code: CodeDigests::default(),
            parameters,
            needs: [("samples".to_owned(), input)].into(),
        }
    }

    fn words(before: &KeyParts, after: &KeyParts) -> Vec<String> {
        differences(before, after)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn changes_of_parameters_are_named_by_their_path() {
        let before = parts(json!({"vae": {"hidden": [64, 64], "latent": 2}, "old": true}));
        let after = parts(json!({"vae": {"hidden": [128, 128], "latent": 2}, "new": "x"}));
        assert_eq!(
            words(&before, &after),
            [
                "new: (absent) → \"x\"",
                "old: true → (absent)",
                "vae.hidden: [64,64] → [128,128]",
            ]
        );
    }

    #[test]
    fn objects_in_arrays_are_compared_one_by_one() {
        let before = parts(json!({"rows": [{"point": 0}, {"point": 1}]}));
        let after = parts(json!({"rows": [{"point": 0}, {"point": 2}, {"point": 3}]}));
        assert_eq!(
            words(&before, &after),
            ["rows[1].point: 1 → 2", "rows[2]: (absent) → {\"point\":3}"]
        );
    }

    #[test]
    fn version_and_inputs_are_named() {
        let before = parts(json!({}));
        let mut after = before.clone();
        after.stage_version = 2;
        after.needs = [("samples".to_owned(), before.key())].into();
        assert_eq!(
            words(&before, &after),
            ["stage version 1 → 2", "input `samples` changed"]
        );
        after.needs = [("data".to_owned(), before.key())].into();
        after.stage_version = 1;
        assert_eq!(
            words(&before, &after),
            ["input `data` is new", "input `samples` is gone"]
        );
    }

    #[test]
    fn changed_code_is_named_by_its_module() {
        let with = |modules: &[(&str, &str)]| {
            let modules = modules.iter();
            let modules = modules.map(|&(module, digest)| (module.to_owned(), digest.to_owned()));
            let mut parts = parts(json!({}));
            parts.code = CodeDigests::from(modules.collect::<BTreeMap<_, _>>());
            parts
        };
        let before = with(&[("physics", "aa"), ("vae", "bb"), ("bits", "cc")]);
        let after = with(&[("physics", "aa"), ("vae", "dd"), ("random", "cc")]);
        assert_eq!(
            words(&before, &after),
            [
                "code of `bits` is gone",
                "code of `random` is new",
                "code of `vae` changed"
            ]
        );
        assert_eq!(words(&before, &before.clone()), Vec::<String>::new());
        assert_eq!(words(&with(&[]), &after), ["the program's code counts now"]);
        let gone = "the program's code counts no more, as `store.code` says";
        assert_eq!(words(&after, &with(&[])), [gone]);
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = "é".repeat(500);
        let text = &words(&parts(json!({})), &parts(json!({ "a": long })))[0];
        assert!(text.ends_with('…') && text.chars().count() < 90, "{text}");
    }

    #[test]
    fn negative_zero_is_no_difference() {
        let (before, after) = (parts(json!({"a": 0.0})), parts(json!({"a": -0.0})));
        assert_eq!(before.key(), after.key());
        assert!(differences(&before, &after).is_empty());
    }
}
