//! Keys: what decides a task's result, printed and digested.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the way in which keys are made.
pub const FORMAT: u32 = 2;

/// BLAKE3 digest of a task's [`KeyParts`], as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits, enough to tell the tasks of a plan apart by eye.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }

    /// The key written as `text`, or `None` if that is not 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 64 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Digests of the code that a result depends on, by module. A clone costs nothing, since
/// all tasks of a stage share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct CodeDigests(Arc<CodeInner>);

#[derive(Debug, Default, PartialEq, Eq)]
struct CodeInner {
    by_module: BTreeMap<String, String>,
    /// Over all of them.
    digest: String,
}

impl CodeDigests {
    /// The digests, by module.
    #[must_use]
    pub fn by_module(&self) -> &BTreeMap<String, String> {
        &self.0.by_module
    }

    /// Whether no code counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.by_module.is_empty()
    }
}

impl From<BTreeMap<String, String>> for CodeDigests {
    fn from(by_module: BTreeMap<String, String>) -> Self {
        let members = by_module.iter().map(|(module, digest)| {
            let digest = Value::from(digest.as_str());
            (module.clone(), digest)
        });
        let text = canonical_json(&Value::Object(members.collect()));
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        Self(Arc::new(CodeInner { by_module, digest }))
    }
}

impl From<CodeDigests> for BTreeMap<String, String> {
    fn from(code: CodeDigests) -> Self {
        code.by_module().clone()
    }
}

/// Everything that decides a task's result, and nothing else.
///
/// Each part has a name and a type, and none can run into the next: the key is made
/// from JSON, which puts texts between quotes and lists between brackets. Not among the
/// parts: paths, times, thread counts, the order of a file's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyParts {
    /// Version of the way in which keys are made, [`FORMAT`].
    pub format: u32,
    /// Name of the stage.
    pub stage: String,
    /// Version of the stage's meaning.
    pub stage_version: u32,
    /// The code on which the stage depends; empty if it does not count.
    #[serde(default, skip_serializing_if = "CodeDigests::is_empty")]
    pub code: CodeDigests,
    /// What the stage reads of a point.
    pub parameters: Value,
    /// Keys of the needed tasks, by role. The same keys under other roles make
    /// another task.
    pub needs: BTreeMap<String, Key>,
}

impl KeyParts {
    /// The key: BLAKE3 over the canonical JSON of the parts.
    #[must_use]
    pub fn key(&self) -> Key {
        let needs: serde_json::Map<String, Value> = self
            .needs
            .iter()
            .map(|(role, key)| (role.clone(), Value::from(key.as_str())))
            .collect();
        let mut parts = serde_json::json!({
            "format": self.format,
            "stage": self.stage,
            "stage_version": self.stage_version,
            "parameters": self.parameters,
            "needs": needs,
        });
        if !self.code.is_empty() {
            parts["code"] = Value::from(self.code.0.digest.as_str());
        }
        Key(blake3::hash(canonical_json(&parts).as_bytes())
            .to_hex()
            .to_string())
    }
}

/// Writes `value` in the one form that keys are made from.
///
/// Members of an object are sorted by the bytes of their names, there is no
/// white space, floats are the shortest text that reads back as the same
/// number, and `-0.0` is written `0.0`. An integer and a float of the same
/// value differ (`1`, `1.0`): whoever makes the value decides which it is.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                text.push_str(if position == 0 { "" } else { "," });
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by_key(|&(name, _)| name);
            text.push('{');
            for (position, (name, member)) in sorted.into_iter().enumerate() {
                text.push_str(if position == 0 { "" } else { "," });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => {
            text.push_str("0.0");
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}
