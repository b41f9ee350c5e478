//! Typed reading of one table.
//!
//! Every reader notes its problems and then returns `None`; so does one that
//! finds nothing. A section takes its default in both cases, since a manifest
//! with problems is refused anyway.

use std::ops::RangeInclusive;

use super::catalogue;
use super::node::{Entry, Node, Place, Value, quoted};
use super::parse::join;
use super::report::{Message, Report};

/// Wrong elements of one array that are reported one by one.
const REPORTED_ELEMENTS: usize = 10;

/// A table of the manifest, with its path.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) entries: &'a [Entry],
}

/// Numbers above one bound, up to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberRule {
    pub(super) above: f64,
    pub(super) at_most: f64,
}

impl NumberRule {
    /// Any finite number.
    pub(super) const FINITE: Self = Self {
        above: f64::NEG_INFINITY,
        at_most: f64::MAX,
    };

    /// Any finite number above zero.
    pub(super) const POSITIVE: Self = Self {
        above: 0.0,
        at_most: f64::MAX,
    };

    fn describe(self) -> String {
        if self.above.is_infinite() {
            "a finite number".to_owned()
        } else if self.at_most < f64::MAX {
            format!("a number above {} and at most {}", self.above, self.at_most)
        } else {
            format!("a finite number above {}", self.above)
        }
    }
}

impl<'a> Section<'a> {
    /// The whole manifest as a section.
    pub(super) fn root(report: &'a Report<'a>, root: &'a Node) -> Self {
        Self {
            report,
            path: String::new(),
            place: root.place,
            entries: root.entries(),
        }
    }

    /// A table inside this one, if it is there.
    pub(super) fn table(&self, key: &str) -> Option<Self> {
        let entry = self.find(key)?;
        match &entry.node.value {
            Value::Table(entries) => Some(Self {
                report: self.report,
                path: self.key(key),
                place: entry.node.place,
                entries,
            }),
            _ => self.wrong_type(&entry.node, &self.key(key), "a table"),
        }
    }

    /// The same, empty if it is not there.
    pub(super) fn table_or_empty(&self, key: &str) -> Self {
        self.table(key).unwrap_or(Self {
            report: self.report,
            path: self.key(key),
            place: self.place,
            entries: &[],
        })
    }

    /// The entry of a key.
    pub(super) fn find(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The dotted path of a key.
    pub(super) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Reports keys that are not in `known`.
    pub(super) fn allow_only(&self, known: &[&str]) {
        for entry in self.entries {
            if !known.contains(&entry.key.as_str()) && !self.report.is_full() {
                let help = catalogue::help_for_key(&self.path, &entry.key, known);
                self.report.push(
                    entry.key_place,
                    Message {
                        code: "manifest::unknown_key",
                        key: self.key(&entry.key),
                        found: format!("the unknown key {}", quoted(&entry.key)),
                        expected: format!("a key of {}", self.title()),
                        help: Some(help),
                    },
                );
            }
        }
    }

    /// Reports keys that are missing.
    pub(super) fn require(&self, keys: &[&str]) {
        for key in keys {
            let path = self.key(key);
            if self.find(key).is_none() && !self.report.is_swept(&path) {
                self.report.push(
                    self.place,
                    Message {
                        code: "manifest::missing_key",
                        help: Some(format!("add `{key} = …` to {}", self.title())),
                        key: path,
                        found: "nothing".to_owned(),
                        expected: "a value, since there is no default".to_owned(),
                    },
                );
            }
        }
    }

    fn title(&self) -> String {
        if self.path.is_empty() {
            "the manifest".to_owned()
        } else {
            format!("`[{}]`", self.path)
        }
    }

    /// An integer within a range.
    pub(super) fn integer(&self, key: &str, range: &RangeInclusive<i64>) -> Option<i64> {
        self.integer_of(&self.find(key)?.node, &self.key(key), range)
    }

    fn integer_of(&self, node: &Node, key: &str, range: &RangeInclusive<i64>) -> Option<i64> {
        let (low, high) = (range.start(), range.end());
        let expected = if *high == i64::MAX {
            format!("an integer, at least {low}")
        } else {
            format!("an integer from {low} to {high}")
        };
        match node.value {
            Value::Integer(value) if range.contains(&value) => Some(value),
            Value::Integer(_) => self.out_of_range(node, key, expected),
            _ => self.wrong_type(node, key, &expected),
        }
    }

    /// A count within a range.
    pub(super) fn count(&self, key: &str, range: RangeInclusive<u32>) -> Option<usize> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        usize::try_from(self.integer(key, &range)?).ok()
    }

    /// An array of counts, each within a range.
    pub(super) fn counts(
        &self,
        key: &str,
        length: &RangeInclusive<usize>,
        range: RangeInclusive<u32>,
    ) -> Option<Vec<usize>> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        self.array(key, length, "integers", |section, node, path| {
            usize::try_from(section.integer_of(node, path, &range)?).ok()
        })
    }

    /// An array, its elements read by `read`.
    pub(super) fn array<T>(
        &self,
        key: &str,
        length: &RangeInclusive<usize>,
        noun: &str,
        read: impl Fn(&Self, &'a Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.array_of(&self.find(key)?.node, &self.key(key), length, noun, read)
    }

    /// The elements of an array node; reading stops after ten wrong ones.
    pub(super) fn array_of<'n, T>(
        &self,
        node: &'n Node,
        key: &str,
        length: &RangeInclusive<usize>,
        noun: &str,
        read: impl Fn(&Self, &'n Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let expected = match (length.start(), length.end()) {
            (0, _) => format!("an array of at most {} {noun}", length.end()),
            (low, high) if low == high => format!("an array of {low} {noun}"),
            (low, high) => format!("an array of {low} to {high} {noun}"),
        };
        let Value::Array(items) = &node.value else {
            return self.wrong_type(node, key, &expected);
        };
        if !length.contains(&items.len()) {
            return self.out_of_range(node, key, expected);
        }
        let mut values = Vec::with_capacity(items.len());
        let mut wrong = 0;
        for (index, item) in items.iter().enumerate() {
            match read(self, item, &format!("{key}[{index}]")) {
                Some(value) => values.push(value),
                None => wrong += 1,
            }
            if wrong == REPORTED_ELEMENTS {
                break;
            }
        }
        (wrong == 0).then_some(values)
    }

    /// A finite number; an integer counts as one.
    pub(super) fn number(&self, key: &str, rule: NumberRule) -> Option<f64> {
        let node = &self.find(key)?.node;
        let path = self.key(key);
        match node.real() {
            None => self.wrong_type(node, &path, &rule.describe()),
            Some(value) if value > rule.above && value <= rule.at_most => Some(value),
            Some(_) => self.out_of_range(node, &path, rule.describe()),
        }
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let node = &self.find(key)?.node;
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => self.wrong_type(node, &self.key(key), "a text"),
        }
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let node = &self.find(key)?.node;
        match node.value {
            Value::Flag(value) => Some(value),
            _ => self.wrong_type(node, &self.key(key), "true or false"),
        }
    }

    /// A word out of a list.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.word_of(&self.find(key)?.node, &self.key(key), words)
    }

    /// A word out of a list, as an element of an array.
    pub(super) fn word_of<T: Copy>(
        &self,
        node: &Node,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let expected = catalogue::list(&names);
        let Value::Text(text) = &node.value else {
            return self.wrong_type(node, key, &expected);
        };
        if let Some((_, value)) = words.iter().find(|(name, _)| name == text) {
            return Some(*value);
        }
        let message = Message {
            code: "manifest::unknown_word",
            key: key.to_owned(),
            found: quoted(text),
            expected,
            help: catalogue::nearest(text, &names).map(|near| format!("did you mean `{near}`?")),
        };
        self.report.push(node.place, message);
        None
    }

    /// Reports a value of the wrong type; a value reported before is passed over.
    pub(super) fn wrong_type<T>(&self, node: &Node, key: &str, expected: &str) -> Option<T> {
        self.refuse("manifest::wrong_type", node, key, expected.to_owned(), None)
    }

    /// Reports a value outside its range.
    pub(super) fn out_of_range<T>(&self, node: &Node, key: &str, expected: String) -> Option<T> {
        self.refuse("manifest::out_of_range", node, key, expected, None)
    }

    /// Reports a value, with a way out.
    pub(super) fn refuse<T>(
        &self,
        code: &'static str,
        node: &Node,
        key: &str,
        expected: String,
        help: Option<String>,
    ) -> Option<T> {
        if !matches!(node.value, Value::Unusable) {
            let message = Message {
                code,
                key: key.to_owned(),
                found: node.describe(),
                expected,
                help,
            };
            self.report.push(node.place, message);
        }
        None
    }

    /// Reports a key that may not stand beside another.
    pub(super) fn conflict(&self, key: &str, expected: &str, help: Option<&str>) {
        if let Some(entry) = self.find(key) {
            let message = Message {
                code: "manifest::conflict",
                key: self.key(key),
                found: entry.node.describe(),
                expected: expected.to_owned(),
                help: help.map(str::to_owned),
            };
            self.report.push(entry.node.place, message);
        }
    }
}
