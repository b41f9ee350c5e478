//! A value together with the place it came from.

use std::fmt::Write as _;

/// A place in one layer: a stretch of its text, or the whole layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Position of the layer in the report's list.
    pub(super) layer: usize,
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value as TOML knows it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
    /// A value that was reported already; readers pass over it in silence.
    Unusable,
}

/// A key of a table and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    /// Where the key stands among all keys: byte of the manifest, later layers after it.
    pub(super) order: usize,
    pub(super) node: Node,
}

impl Node {
    /// The keys of a table; none for any other value.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The entry at a dotted path.
    pub(super) fn at(&self, path: &str) -> Option<&Entry> {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let entry = self.entries().iter().find(|entry| entry.key == first)?;
        match rest {
            Some(rest) => entry.node.at(rest),
            None => Some(entry),
        }
    }

    /// Puts `value` at a dotted path; tables on the way are made, other values replaced.
    pub(super) fn put(&mut self, path: &str, value: &Self) {
        let Value::Table(entries) = &mut self.value else {
            self.value = Value::Table(Vec::new());
            return self.put(path, value);
        };
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let position = entries.iter().position(|entry| entry.key == first);
        let position = position.unwrap_or_else(|| {
            entries.push(Entry {
                key: first.to_owned(),
                key_place: value.place,
                order: value.place.start,
                node: Self {
                    place: value.place,
                    value: Value::Table(Vec::new()),
                },
            });
            entries.len() - 1
        });
        match rest {
            Some(rest) => entries[position].node.put(rest, value),
            None => entries[position].node = value.clone(),
        }
    }

    /// What a message says was found.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Flag(value) => format!("`{value}`"),
            Value::Integer(value) => format!("`{value}`"),
            Value::Number(value) => format!("`{value:?}`"),
            Value::Text(value) => format!("the text {}", quoted(value)),
            Value::Array(items) if items.is_empty() => "an empty array".to_owned(),
            Value::Array(items) => format!("an array of {} values", items.len()),
            Value::Table(_) => "a table".to_owned(),
            Value::Unusable => "an unusable value".to_owned(),
        }
    }

    /// The value as TOML on one line.
    pub(super) fn inline(&self) -> String {
        match &self.value {
            Value::Flag(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Number(value) => toml::Value::Float(*value).to_string(),
            Value::Text(value) => toml::Value::String(value.clone()).to_string(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(entries) => {
                let pairs: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{} = {}", written_key(&entry.key), entry.node.inline()))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
            Value::Unusable => String::new(),
        }
    }

    /// Whether two values are the same; `1` and `1.0` are.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Flag(a), Value::Flag(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            _ => match (self.real(), other.real()) {
                (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
                _ => false,
            },
        }
    }

    /// The value of an integer or a number.
    pub(super) fn real(&self) -> Option<f64> {
        match self.value {
            Value::Integer(value) => Some(value as f64),
            Value::Number(value) => Some(value),
            _ => None,
        }
    }
}

/// A key as TOML writes it: bare if it may be.
pub(super) fn written_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}

/// A text between backticks and quotes, cut after 60 characters.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::from("`\"");
    for character in text.chars().take(LONGEST) {
        let _ = write!(shown, "{}", character.escape_debug());
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown.push_str("\"`");
    shown
}
