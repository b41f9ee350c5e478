//! Which keys stand in which table; suggestions for misspelt ones.

use super::node::{Node, Value};
use super::{analysis, experiment, load, model, plot, recording, sampling, training, vae};

/// Keys of the manifest's top level.
pub(super) const TOP_KEYS: &[&str] = &[
    "required-version",
    "extend",
    "experiment",
    "model",
    "sampling",
    "recording",
    "vae",
    "sweep",
    "analysis",
    "plot",
];

/// Tables whose keys may be swept.
pub(super) const SWEEPABLE: &[&str] = &["model", "sampling", "recording", "vae"];

/// Keys whose texts are paths.
pub(super) const PATHS: &[&str] = &["recording.path", "model.file", "model.patterns"];

/// How a key that takes a list writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListForm {
    /// Lists inside one another: 1 for `[64, 64]`, 2 for `[[1, -1], [1, 1]]`.
    depth: usize,
    /// Whether texts may be the elements; else numbers.
    texts: bool,
}

/// The keys whose value is a list, or may be one.
const LISTS: &[(&str, ListForm)] = &[
    (
        "model.patterns",
        ListForm {
            depth: 2,
            texts: false,
        },
    ),
    (
        "recording.axes",
        ListForm {
            depth: 1,
            texts: true,
        },
    ),
    (
        "recording.columns",
        ListForm {
            depth: 1,
            texts: true,
        },
    ),
    (
        "recording.sites",
        ListForm {
            depth: 1,
            texts: false,
        },
    ),
    (
        "vae.hidden",
        ListForm {
            depth: 1,
            texts: false,
        },
    ),
    (
        "vae.encoder_hidden",
        ListForm {
            depth: 1,
            texts: false,
        },
    ),
];

/// How the key at a dotted path writes a list, if it takes one.
pub(super) fn list_form(path: &str) -> Option<ListForm> {
    let found = LISTS.iter().find(|(known, _)| *known == path);
    found.map(|(_, form)| *form)
}

impl ListForm {
    /// Whether a list is a value of the key, not a list of its values.
    pub(super) fn is_value(self, list: &Node) -> bool {
        let Value::Array(items) = &list.value else {
            return true;
        };
        let all_texts =
            !items.is_empty() && items.iter().all(|it| matches!(it.value, Value::Text(_)));
        depth(list) == self.depth && (self.texts || !all_texts)
    }
}

/// How many lists stand inside one another.
fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// All tables with their keys.
pub(super) fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut tables = vec![
        ("experiment", experiment::KEYS.to_vec()),
        ("model", model::keys()),
        ("sampling", sampling::KEYS.to_vec()),
        ("recording", recording::KEYS.to_vec()),
        ("recording.split", recording::SPLIT_KEYS.to_vec()),
        ("vae", vae::KEYS.to_vec()),
        ("vae.training", training::KEYS.to_vec()),
        ("sweep", vec!["zip", "exclude", "table", "union", "when"]),
        ("sweep.when", vec!["if"]),
        ("analysis", analysis::KEYS.to_vec()),
        ("plot", plot::KEYS.to_vec()),
        ("store", load::STORE_KEYS.to_vec()),
    ];
    for (table, keys) in analysis::TABLES {
        tables.push((table, keys.to_vec()));
    }
    tables
}

/// Dotted paths of all parameters that may be swept.
pub(super) fn sweepable_paths() -> Vec<String> {
    let tables = tables();
    let is_table = |path: &str| tables.iter().any(|(table, _)| *table == path);
    let top = |table: &str| table.split('.').next().unwrap_or_default().to_owned();
    tables
        .iter()
        .filter(|(table, _)| SWEEPABLE.contains(&top(table).as_str()))
        .flat_map(|(table, keys)| keys.iter().map(move |key| format!("{table}.{key}")))
        .filter(|path| !is_table(path))
        .collect()
}

/// The way out for an unknown key of a table.
pub(super) fn help_for_key(table: &str, key: &str, known: &[&str]) -> String {
    let mut tables = tables();
    tables.push(("", TOP_KEYS.to_vec()));
    let elsewhere = tables
        .iter()
        .find(|(other, keys)| *other != table && keys.contains(&key));
    match (elsewhere, nearest(key, known)) {
        (Some(("", _)), _) => format!("`[{key}]` stands at the top level"),
        (Some((other, _)), _) => format!("`{key}` belongs to `[{other}]`"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => format!("the keys are {}", list(known)),
    }
}

/// The name nearest to a misspelt one, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    const LONGEST: usize = 100;
    if name.len() > LONGEST {
        return None;
    }
    names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Names between backticks, the last after "or".
pub(super) fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
