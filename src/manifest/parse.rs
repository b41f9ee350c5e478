//! TOML text to values with places.

use toml::de::{DeTable, DeValue};

use super::node::{Entry, Node, Place, Value};
use super::report::{Message, Report};

/// Most keys of one table; the largest table of a manifest has some dozen, the widest point
/// of a sweep 100. Keys are looked up one after the other.
const MOST_KEYS: usize = 1000;

/// Parses a document; syntax errors are reported, all of them at once.
pub(super) fn document(text: &str, layer: usize, report: &Report<'_>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let place = Place {
            layer,
            start: span.start,
            end: span.end,
        };
        report.push(place, syntax(String::new(), error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    let place = Place {
        layer,
        start: 0,
        end: 0,
    };
    let walk = Walk {
        layer,
        report,
        whole: None,
    };
    let table = table.into_inner();
    if table.len() > MOST_KEYS {
        walk.too_many_keys(place, "", table.len());
        return None;
    }
    Some(Node {
        place,
        value: Value::Table(walk.entries(table, "")),
    })
}

/// Parses the value of an environment variable or of `--set`.
///
/// A text that is no TOML value and does not begin like one is taken as it stands.
pub(super) fn override_value(
    text: &str,
    key: &str,
    place: Place,
    report: &Report<'_>,
) -> Option<Node> {
    let bare = || Node {
        place,
        value: Value::Text(text.to_owned()),
    };
    match DeValue::parse(text.trim()) {
        Ok(value) if value.get_ref().is_datetime() => Some(bare()),
        Ok(value) => {
            let walk = Walk {
                layer: place.layer,
                report,
                whole: Some(place),
            };
            Some(walk.node(value, key))
        }
        Err(error) if text.trim_start().starts_with(['[', '{', '"', '\'']) => {
            report.push(place, syntax(key.to_owned(), error.message()));
            None
        }
        Err(_) => Some(bare()),
    }
}

fn syntax(key: String, message: &str) -> Message {
    Message {
        code: "manifest::syntax",
        key,
        found: format!("text that is not TOML ({})", message.replace('\n', ", ")),
        expected: "valid TOML".to_owned(),
        help: None,
    }
}

struct Walk<'a> {
    layer: usize,
    report: &'a Report<'a>,
    /// The place of every value, where values have no span of their own.
    whole: Option<Place>,
}

impl Walk<'_> {
    fn place(&self, span: std::ops::Range<usize>) -> Place {
        self.whole.unwrap_or(Place {
            layer: self.layer,
            start: span.start,
            end: span.end,
        })
    }

    fn entries(&self, table: DeTable<'_>, path: &str) -> Vec<Entry> {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| {
                let key_place = self.place(key.span());
                let key = key.into_inner().into_owned();
                let child = join(path, &key);
                Entry {
                    order: key_place.start,
                    key_place,
                    node: self.node(value, &child),
                    key,
                }
            })
            .collect();
        entries.sort_by_key(|entry| entry.order);
        entries
    }

    fn node(&self, value: toml::Spanned<DeValue<'_>>, path: &str) -> Node {
        let place = self.place(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_or_else(
                    |_| {
                        let found = format!("`{integer}`");
                        self.unusable(place, path, found, "an integer that fits into 64 bits")
                    },
                    Value::Integer,
                ),
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(value) => Value::Number(value),
                Err(_) => self.unusable(place, path, format!("`{number}`"), "a number"),
            },
            DeValue::Datetime(date) => {
                let found = format!("the date `{date}`");
                self.unusable(place, path, found, "a text, number, flag, array or table")
            }
            DeValue::Array(items) => Value::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &format!("{path}[{index}]")))
                    .collect(),
            ),
            DeValue::Table(table) if table.len() > MOST_KEYS => {
                self.too_many_keys(place, path, table.len())
            }
            DeValue::Table(table) => Value::Table(self.entries(table, path)),
        };
        Node { place, value }
    }

    fn too_many_keys(&self, place: Place, path: &str, found: usize) -> Value {
        let message = Message {
            code: "manifest::out_of_range",
            key: path.to_owned(),
            found: format!("a table of {found} keys"),
            expected: format!("a table of at most {MOST_KEYS} keys"),
            help: None,
        };
        self.report.push(place, message);
        Value::Unusable
    }

    fn unusable(&self, place: Place, path: &str, found: String, expected: &str) -> Value {
        let message = Message {
            code: "manifest::wrong_type",
            key: path.to_owned(),
            found,
            expected: expected.to_owned(),
            help: None,
        };
        self.report.push(place, message);
        Value::Unusable
    }
}

/// A dotted path and one more key.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
