//! What a manifest comes to, value by value, each with the place it came from.

use super::expanded::FOLLOWERS;
use super::node::{Entry, Node, Value};
use super::parse::{self, join};
use super::plot::Catalogue;
use super::problem::{Origin, Problems};
use super::report::Report;
use super::sources::Sources;
use super::spec::{Machine, Manifest};
use super::{load, range};

/// A value that a manifest comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveValue {
    /// Dotted path of its key: `vae.latent`, `sweep.model.temperature`, `plot[0].name`.
    pub path: String,
    /// The value; `None` if the program chooses it when it runs.
    pub value: Option<toml::Value>,
    /// The same as TOML on one line, or what the program will choose.
    pub written: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every value that a manifest comes to: the sections with all defaults, the sweep, and the
/// keys that belong to the machine. Of a swept key the axis is there and not what it
/// replaces.
///
/// # Errors
///
/// All [`Problems`] that [`load`](super::load) finds.
pub fn effective(
    sources: &Sources,
    catalogue: Catalogue<'_>,
) -> Result<Vec<EffectiveValue>, Problems> {
    load::load_with(sources, catalogue, |manifest, merged, report| {
        collect(&manifest, merged, report)
    })
}

fn collect(manifest: &Manifest, merged: &Node, report: &Report<'_>) -> Vec<EffectiveValue> {
    let mut found = Vec::new();
    // The expanded text is valid, and lies in no layer of the manifest.
    let own = Report::new(&manifest.path);
    if let Some(expanded) = parse::document(&manifest.expanded, 0, &own) {
        let walk = Walk { report };
        walk.table("", expanded.entries(), Some(merged), &mut found);
    }
    found.extend(following(manifest, &found));
    found.extend(machine(&manifest.machine, merged, report));
    found
}

struct Walk<'a> {
    /// Knows the places of the merged layers.
    report: &'a Report<'a>,
}

impl Walk<'_> {
    fn table(
        &self,
        path: &str,
        entries: &[Entry],
        merged: Option<&Node>,
        found: &mut Vec<EffectiveValue>,
    ) {
        for entry in entries {
            let given = merged.and_then(|table| {
                let mut known = table.entries().iter();
                known.find(|known| known.key == entry.key)
            });
            let given = given.map(|given| &given.node);
            self.value(&join(path, &entry.key), &entry.node, given, found);
        }
    }

    fn value(
        &self,
        path: &str,
        node: &Node,
        given: Option<&Node>,
        found: &mut Vec<EffectiveValue>,
    ) {
        match &node.value {
            Value::Table(entries) if !range::is_range(node) || !path.starts_with("sweep.") => {
                self.table(path, entries, given, found);
            }
            Value::Array(items) if is_list_of_tables(items) && !path.starts_with("sweep.") => {
                for (index, item) in items.iter().enumerate() {
                    let given = given.and_then(|given| match &given.value {
                        Value::Array(items) => items.get(index),
                        _ => None,
                    });
                    self.value(&format!("{path}[{index}]"), item, given, found);
                }
            }
            _ => found.push(EffectiveValue {
                path: path.to_owned(),
                value: Some(plain(node)),
                written: node.inline(),
                origin: given.map_or(Origin::Default, |given| self.report.origin(given.place)),
            }),
        }
    }
}

fn is_list_of_tables(items: &[Node]) -> bool {
    let is_table = |item: &Node| matches!(item.value, Value::Table(_));
    !items.is_empty() && items.iter().all(is_table)
}

/// Defaults that follow a swept key, each point having its own.
fn following(manifest: &Manifest, found: &[EffectiveValue]) -> Vec<EffectiveValue> {
    let swept = |path: &str| manifest.axes.iter().any(|axis| axis.path == path);
    let mut following = Vec::new();
    for (path, leaders) in FOLLOWERS {
        let leader = leaders.iter().find(|leader| swept(leader));
        let known = swept(path) || found.iter().any(|value| value.path == *path);
        if let (Some(leader), false) = (leader, known) {
            following.push(EffectiveValue {
                path: (*path).to_owned(),
                value: None,
                written: format!("follows `{leader}`, which is swept"),
                origin: Origin::Default,
            });
        }
    }
    following
}

fn machine(machine: &Machine, merged: &Node, report: &Report<'_>) -> Vec<EffectiveValue> {
    let origin = |path: &str| {
        let given = merged.at(path);
        given.map_or(Origin::Default, |given| report.origin(given.node.place))
    };
    let threads = machine
        .threads
        .map(|threads| toml::Value::Integer(threads as i64));
    let store = machine.store_path.as_ref();
    let store = store.map(|path| toml::Value::String(path.to_string_lossy().into_owned()));
    let mut words = load::CODE_WORDS.iter();
    let code = words.find(|(_, code)| *code == machine.code);
    let code = code.map(|(word, _)| toml::Value::String((*word).to_owned()));
    let effective = |path: &str, value: Option<toml::Value>, chosen: &str| EffectiveValue {
        path: path.to_owned(),
        written: value
            .as_ref()
            .map_or(chosen.to_owned(), ToString::to_string),
        value,
        origin: origin(path),
    };
    vec![
        effective("threads", threads, "as many as the machine has cores"),
        effective("store.path", store, "`.store` in the folder of the results"),
        effective("store.code", code, "nothing of the code"),
    ]
}

fn plain(node: &Node) -> toml::Value {
    match &node.value {
        Value::Flag(value) => toml::Value::Boolean(*value),
        Value::Integer(value) => toml::Value::Integer(*value),
        Value::Number(value) => toml::Value::Float(*value),
        Value::Text(value) => toml::Value::String(value.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().map(plain).collect()),
        Value::Table(entries) => {
            let entries = entries.iter();
            toml::Value::Table(
                entries
                    .map(|it| (it.key.clone(), plain(&it.node)))
                    .collect(),
            )
        }
        // The expanded text has none: it would have been refused.
        Value::Unusable => toml::Value::String(String::new()),
    }
}
