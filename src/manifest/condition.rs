//! Conditions on combinations: the rules of `exclude` and the `if` of `when`.

use std::collections::HashSet;

use super::axes::{Axes, collect};
use super::catalogue;
use super::grid::{Builder, Kind};
use super::node::{Entry, Node, Place, Value};
use super::report::Message;
use super::section::Section;
use super::sweep::{Choice, Grid, MOST_RULES, SweptKey, base_value};
use super::zip;

/// A swept key has one of these values.
#[derive(Debug)]
pub(super) struct Condition {
    /// Position of the axis.
    axis: usize,
    /// Positions of values, ascending.
    any_of: Vec<u32>,
}

impl Condition {
    /// Whether a combination meets it; without a value of the sweep that of the key's
    /// own table counts.
    pub(super) fn holds(&self, axes: &[SweptKey], combination: &[Choice]) -> bool {
        let choice = combination[self.axis].or(axes[self.axis].base);
        choice.is_some_and(|choice| self.any_of.binary_search(&choice).is_ok())
    }
}

/// A combination rule: keys and the values that are left out together.
#[derive(Debug)]
pub(super) struct Exclusion {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) conditions: Vec<Condition>,
}

/// Reads `exclude` of a grid.
pub(super) fn exclusions(
    axes: &mut Axes<'_, '_>,
    section: &Section<'_>,
    grid: &Grid,
) -> Vec<Exclusion> {
    let keep = |_: &Section<'_>, node: &Node, key: &str| Some((node.clone(), key.to_owned()));
    let rules = section.array("exclude", &(0..=MOST_RULES), "tables", keep);
    let scope: HashSet<usize> = grid.spots().iter().map(|spot| spot.axis).collect();
    let rules = rules.unwrap_or_default().into_iter();
    rules
        .filter_map(|(node, key)| exclusion(axes, section, &node, key, &scope))
        .collect()
}

fn exclusion(
    axes: &mut Axes<'_, '_>,
    section: &Section<'_>,
    node: &Node,
    key: String,
    scope: &HashSet<usize>,
) -> Option<Exclusion> {
    let leaves = leaves(section, node, &key)?;
    let conditions: Vec<Option<Condition>> = leaves
        .into_iter()
        .map(|(path, entry)| {
            let key = format!("{key}.\"{path}\"");
            let (path, written) = (path.as_str(), key.as_str());
            let key = Key {
                path,
                written,
                scope,
            };
            key.condition(axes, section, entry, "manifest::bad_exclude")
        })
        .collect();
    Some(Exclusion {
        place: node.place,
        key,
        conditions: conditions.into_iter().collect::<Option<_>>()?,
    })
}

/// The keys of a rule; there must be some.
fn leaves<'n>(
    section: &Section<'_>,
    node: &'n Node,
    key: &str,
) -> Option<Vec<(String, &'n Entry)>> {
    let mut leaves = Vec::new();
    for entry in node.entries() {
        collect(entry, &entry.key, &mut leaves);
    }
    if leaves.is_empty() {
        let expected = "a table of swept keys, such as `{ \"model.sites\" = 400 }`";
        return section.wrong_type(node, key, expected);
    }
    Some(leaves)
}

/// The values that a condition names: one, or any of a list where the key takes none.
fn alternatives<'n>(path: &str, node: &'n Node) -> Vec<&'n Node> {
    match &node.value {
        Value::Array(items) if catalogue::list_form(path).is_none() => items.iter().collect(),
        _ => vec![node],
    }
}

/// A key of a rule.
struct Key<'k> {
    /// Dotted path of the axis that it names.
    path: &'k str,
    /// Its own path in the manifest.
    written: &'k str,
    /// Axes that the rule may name.
    scope: &'k HashSet<usize>,
}

impl Key<'_> {
    /// The condition on an axis; `code` is that of a value which the axis has not.
    fn condition(
        &self,
        axes: &mut Axes<'_, '_>,
        section: &Section<'_>,
        entry: &Entry,
        code: &'static str,
    ) -> Option<Condition> {
        let known = axes.known.get(self.path).copied();
        let axis = known
            .filter(|axis| self.scope.contains(axis))
            .or_else(|| self.misnamed(axes, section, entry))?;
        let mut any_of = Vec::new();
        let values = alternatives(self.path, &entry.node);
        if values.is_empty() {
            return section.wrong_type(&entry.node, self.written, "a value or a list of values");
        }
        for value in values {
            let Some(position) = axes.find(axis, value) else {
                let expected = format!("one of the values of `sweep.{}`", self.path);
                return section.refuse(code, value, self.written, expected, None);
            };
            any_of.push(position);
        }
        any_of.sort_unstable();
        Some(Condition { axis, any_of })
    }

    /// Reports a key that is no axis in scope.
    fn misnamed(&self, axes: &Axes<'_, '_>, section: &Section<'_>, entry: &Entry) -> Option<usize> {
        let mut scope: Vec<usize> = self.scope.iter().copied().collect();
        scope.sort_unstable();
        let names = scope.iter().map(|&axis| axes.all[axis].path.as_str());
        let names: Vec<&str> = names.collect();
        let position = zip::named(section, self.path, &entry.node, self.written, &names);
        position.map(|position| scope[position])
    }
}

/// Reads `if` of a `when` rule; `None` if it does not hold for any combination.
pub(super) fn of_rule(
    builder: &mut Builder<'_, '_>,
    rule: &Section<'_>,
    kind: Kind,
    scope: &HashSet<usize>,
) -> Option<Vec<Condition>> {
    rule.require(&["if"]);
    let node = &rule.find("if")?.node;
    let key = rule.key("if");
    let mut conditions = Vec::new();
    let mut met = true;
    for (path, entry) in leaves(rule, node, &key)? {
        let key = format!("{key}.\"{path}\"");
        let swept = builder.axes.known.get(&path);
        if swept.is_some_and(|axis| scope.contains(axis)) {
            let (path, written) = (path.as_str(), key.as_str());
            let key = Key {
                path,
                written,
                scope,
            };
            let condition = key.condition(&mut builder.axes, rule, entry, "manifest::bad_when");
            conditions.extend(condition);
        } else if kind == Kind::Member && builder.outer.contains(&path) {
            refuse_outer(rule, &path, entry, &key);
        } else if let Some(base) = base_value(builder.axes.root, &path) {
            met &= meets(rule, &base.node, &path, entry, &key)?;
        } else if !rule.report.is_swept(&path) {
            refuse_unknown(&builder.axes, rule, &path, entry, &key);
        }
    }
    met.then_some(conditions)
}

/// Whether a key that is not swept has the value that is asked for.
fn meets(rule: &Section<'_>, base: &Node, path: &str, entry: &Entry, key: &str) -> Option<bool> {
    let values = alternatives(path, &entry.node);
    let kind = |node: &Node| match node.value {
        Value::Integer(_) | Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Flag(_) => "true or false",
        _ => "a list",
    };
    let mixed = catalogue::list_form(path).is_some();
    if let Some(other) = values.iter().find(|it| !mixed && kind(it) != kind(base)) {
        let expected = format!("{}, as `{path}` is", kind(base));
        return rule.wrong_type(other, key, &expected);
    }
    Some(values.iter().any(|value| value.same(base)))
}

fn refuse_outer(rule: &Section<'_>, path: &str, entry: &Entry, key: &str) {
    let message = Message {
        code: "manifest::bad_when",
        key: key.to_owned(),
        found: format!("`{path}`, which `[sweep]` itself sweeps"),
        expected: "a key that this member of the union sweeps, or that is not swept".to_owned(),
        help: Some("write the rule as `[[sweep.when]]`, which sees all axes".to_owned()),
    };
    rule.report.push(entry.key_place, message);
}

fn refuse_unknown(axes: &Axes<'_, '_>, rule: &Section<'_>, path: &str, entry: &Entry, key: &str) {
    let names: Vec<&str> = axes.sweepable.iter().map(String::as_str).collect();
    let help = match path.split_once('.') {
        Some((table, name)) if names.contains(&path) => {
            format!("write its value out: `{name} = …` in `[{table}]`")
        }
        _ => match catalogue::nearest(path, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a parameter with its table, such as `vae.prior`".to_owned(),
        },
    };
    let message = Message {
        code: "manifest::bad_when",
        key: key.to_owned(),
        found: format!("`{path}`, which is neither swept nor given"),
        expected: "a swept key, or one that stands in its own table".to_owned(),
        help: Some(help),
    };
    rule.report.push(entry.key_place, message);
}
