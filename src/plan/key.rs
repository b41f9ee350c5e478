//! Keys: what decides a task's result, printed and digested.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the way in which keys are made.
pub const FORMAT: u32 = 2;

/// Version of the way in which random streams are named. Raising it changes every number
/// that is drawn.
pub(super) const STREAM_FORMAT: u32 = 1;

/// Hexadecimal digits of a key.
const DIGITS: usize = 2 * blake3::OUT_LEN;

/// BLAKE3 digest of a task's [`KeyParts`], as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key([u8; DIGITS]);

impl Key {
    /// The key whose parts have the canonical JSON `text`.
    fn of(text: &str) -> Self {
        let mut digits = [0; DIGITS];
        digits.copy_from_slice(blake3::hash(text.as_bytes()).to_hex().as_bytes());
        Self(digits)
    }

    /// The 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Digits are always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first 8 digits, enough to tell the tasks of a plan apart by eye.
    #[must_use]
    pub fn short(&self) -> &str {
        self.as_str().get(..8).unwrap_or_default()
    }

    /// The key written as `text`, or `None` if that is not 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(digit).then_some(Self(digits))
    }
}

impl Hash for Key {
    /// A few of its digits tell any two keys apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[..16]);
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("found `{text}`, expected a key of 64 hexadecimal digits");
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.as_str().to_owned()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
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

    /// Digest over all of them; `None` if no code counts.
    pub(super) fn digest(&self) -> Option<&str> {
        (!self.is_empty()).then_some(self.0.digest.as_str())
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
    /// The key: BLAKE3 over [`KeyParts::text`].
    #[must_use]
    pub fn key(&self) -> Key {
        Key::of(&self.text())
    }

    /// The canonical JSON of the parts.
    #[must_use]
    pub fn text(&self) -> String {
        let needs = self.needs.iter().map(|(role, key)| (role.as_str(), key));
        let mut parameters = String::new();
        write_canonical(&self.parameters, &mut parameters);
        let head = KeyHead {
            format: self.format,
            stage: &self.stage,
            stage_version: self.stage_version,
            code: self.code.digest(),
        };
        head.text(&parameters, needs)
    }
}

/// The short parts of a key.
pub(super) struct KeyHead<'a> {
    pub(super) format: u32,
    pub(super) stage: &'a str,
    pub(super) stage_version: u32,
    /// Digest over the code, if it counts.
    pub(super) code: Option<&'a str>,
}

impl KeyHead<'_> {
    /// The canonical JSON of [`KeyParts`], from that of its parameters; `needs` sorted by role.
    pub(super) fn text<'k>(
        &self,
        parameters: &str,
        needs: impl Iterator<Item = (&'k str, &'k Key)>,
    ) -> String {
        let mut text = String::with_capacity(parameters.len() + 256);
        text.push('{');
        if let Some(code) = self.code {
            text.push_str("\"code\":");
            write_text(code, &mut text);
            text.push(',');
        }
        let _ = write!(text, "\"format\":{},\"needs\":{{", self.format);
        for (position, (role, key)) in needs.enumerate() {
            text.push_str(if position == 0 { "" } else { "," });
            write_text(role, &mut text);
            text.push_str(":\"");
            text.push_str(key.as_str());
            text.push('"');
        }
        text.push_str("},\"parameters\":");
        text.push_str(parameters);
        text.push_str(",\"stage\":");
        write_text(self.stage, &mut text);
        let _ = write!(text, ",\"stage_version\":{}}}", self.stage_version);
        text
    }
}

/// The text of [`KeyParts`], kept in place of them: it takes a fraction of their memory.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct KeyText(Box<str>);

impl KeyText {
    /// Keeps a text that [`KeyHead::text`] or [`KeyParts::text`] made.
    pub(super) fn new(text: String) -> Self {
        Self(text.into_boxed_str())
    }

    pub(super) fn key(&self) -> Key {
        Key::of(&self.0)
    }

    /// The parts, with the code of which the text holds the digest alone.
    pub(super) fn parts(&self, code: &CodeDigests) -> KeyParts {
        let read: TextParts =
            serde_json::from_str(&self.0).expect("the canonical JSON of key parts");
        KeyParts {
            format: read.format,
            stage: read.stage,
            stage_version: read.stage_version,
            code: code.clone(),
            parameters: read.parameters,
            needs: read.needs,
        }
    }
}

/// What the text of key parts is read into.
#[derive(Deserialize)]
struct TextParts {
    format: u32,
    stage: String,
    stage_version: u32,
    parameters: Value,
    needs: BTreeMap<String, Key>,
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

/// Adds the canonical JSON of `value` to `text`.
pub(super) fn write_canonical(value: &Value, text: &mut String) {
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
                write_text(name, text);
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Number(number) if number.is_f64() && number.as_f64() == Some(0.0) => {
            text.push_str("0.0");
        }
        Value::String(string) => write_text(string, text),
        // Writing to a string cannot fail.
        scalar => drop(write!(text, "{scalar}")),
    }
}

/// Adds `string` as JSON writes it.
pub(super) fn write_text(string: &str, text: &mut String) {
    let plain = |b: u8| b >= b' ' && b != b'"' && b != b'\\';
    if string.bytes().all(plain) {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        text.push_str(&Value::from(string).to_string());
    }
}
