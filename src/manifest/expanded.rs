//! Writes a checked manifest as TOML, with every default.

use std::fmt::Write as _;

use super::axes::collect;
use super::catalogue::{PATHS, SWEEPABLE};
use super::group::{write_section, written_system};
use super::node::{Entry, Node, Value, written_key};
use super::parse::join;
use super::report::Report;
use super::section::Section;
use super::spec::Manifest;
use super::sweep::{Sweep, base_value};
use super::{model, recording};

/// Defaults that follow another key: left out where that key is swept.
pub(super) const FOLLOWERS: &[(&str, &[&str])] = &[
    ("vae.encoder_hidden", &["vae.hidden"]),
    ("vae.fields", &["vae.latent", "vae.decoder"]),
    ("vae.training.kl_warmup_epochs", &["vae.training.epochs"]),
    ("recording.split.offset", &["recording.split.every"]),
    ("recording.axes", &["recording.format"]),
    ("recording.columns", &["recording.format"]),
    ("recording.time_unit", &["recording.format"]),
];

/// Defaults that are there without a saved model only.
const OF_DRAWN_MODELS: &[&str] = &["rate", "strength", "law", "sparseness"];

/// The manifest as TOML text; it loads to the same points.
pub(super) fn text(manifest: &Manifest, root: &Section<'_>, sweep: &Sweep) -> String {
    let mut tables = toml::Table::new();
    write_section(&mut tables, "experiment", &manifest.experiment);
    let mut names = vec!["experiment"];
    if let Some(point) = manifest.points.first() {
        let mut parts = written_system(&point.system);
        write_section(&mut parts, "vae", &point.vae);
        for path in left_out(root, sweep) {
            remove(&mut parts, &path);
        }
        for axis in sweep.axes.iter().filter(|axis| !axis.always) {
            restore(&mut parts, root, &axis.path);
        }
        tables.extend(parts);
        write_section(&mut tables, "analysis", &point.analysis);
    }
    write_section(&mut tables, "plot", &manifest.plots);
    names.extend(["model", "sampling", "recording", "vae"]);
    let mut text = String::from("# Written by latentfield: every default is filled in.\n");
    for name in names {
        append(&mut text, &mut tables, name);
    }
    sweep_text(&mut text, root, sweep);
    append(&mut text, &mut tables, "analysis");
    if !manifest.plots.is_empty() {
        append(&mut text, &mut tables, "plot");
    }
    text
}

fn append(text: &mut String, tables: &mut toml::Table, name: &str) {
    if let Some(value) = tables.remove(name) {
        let table = toml::Table::from_iter([(name.to_owned(), value)]);
        let _ = write!(text, "\n{table}");
    }
}

/// Swept keys, and defaults that follow one and were not given.
fn left_out(root: &Section<'_>, sweep: &Sweep) -> Vec<String> {
    let swept = |path: &str| sweep.axes.iter().any(|axis| axis.path == path);
    let given = |path: &str| base_value(root, path).is_some();
    let mut paths: Vec<String> = sweep.axes.iter().map(|axis| axis.path.clone()).collect();
    let followers = FOLLOWERS
        .iter()
        .filter(|(_, leaders)| leaders.iter().any(|leader| swept(leader)))
        .map(|(path, _)| (*path).to_owned());
    let of_model: Vec<&str> = match (swept("model.kind"), swept("model.file")) {
        (true, _) => model::keys(),
        (false, true) => OF_DRAWN_MODELS.to_vec(),
        (false, false) => Vec::new(),
    };
    let of_model = of_model.iter().map(|key| join("model", key));
    paths.extend(followers.chain(of_model).filter(|path| !given(path)));
    paths
}

fn remove(table: &mut toml::Table, path: &str) {
    match path.split_once('.') {
        None => drop(table.remove(path)),
        Some((first, rest)) => {
            if let Some(toml::Value::Table(inner)) = table.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}

/// Puts back what stands in a key's own table, for combinations that do not sweep it.
fn restore(tables: &mut toml::Table, root: &Section<'_>, path: &str) {
    let Some(base) = base_value(root, path) else {
        return;
    };
    let text = format!("value = {}", portable(root.report, path, &base.node));
    let parsed: Option<toml::Table> = toml::from_str(&text).ok();
    let Some(value) = parsed.and_then(|mut table| table.remove("value")) else {
        return;
    };
    let (tables_of, key) = path.rsplit_once('.').unwrap_or(("", path));
    let inner = tables_of.split('.').try_fold(tables, |table, name| {
        let empty = || toml::Value::Table(toml::Table::new());
        table.entry(name).or_insert_with(empty).as_table_mut()
    });
    if let Some(inner) = inner {
        inner.insert(key.to_owned(), value);
    }
}

fn sweep_text(text: &mut String, root: &Section<'_>, sweep: &Sweep) {
    let Some(section) = root.find("sweep").filter(|_| !sweep.axes.is_empty()) else {
        return;
    };
    text.push_str("\n[sweep]\n");
    for (key, value) in assignments(root.report, sweep, &section.node, "sweep") {
        let _ = writeln!(text, "{key} = {value}");
    }
}

/// The keys of a table of axes with their values, in file order, which says how axes are
/// crossed.
fn assignments(
    report: &Report<'_>,
    sweep: &Sweep,
    grid: &Node,
    path: &str,
) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    for entry in grid.entries() {
        if SWEEPABLE.contains(&entry.key.as_str()) {
            collect(entry, &entry.key, &mut leaves);
        } else {
            leaves.push((entry.key.clone(), entry));
        }
    }
    leaves.sort_by_key(|(_, entry)| entry.order);
    let value = |key: &str, entry: &Entry| {
        let path = join(path, key);
        match (key, &entry.node.value) {
            ("zip", _) => entry.node.inline(),
            ("table", Value::Text(_)) => sweep.tables.get(&path).cloned().unwrap_or_default(),
            ("if", _) => rule_text(report, &entry.node),
            ("exclude" | "table", Value::Array(rules)) => {
                array(rules.iter().map(|rule| rule_text(report, rule)))
            }
            ("union" | "when", Value::Array(members)) => {
                let members = members.iter().enumerate();
                array(members.map(|(index, member)| {
                    let path = format!("{path}[{index}]");
                    braced(assignments(report, sweep, member, &path).into_iter())
                }))
            }
            _ => portable(report, key, &entry.node),
        }
    };
    leaves
        .iter()
        .map(|(key, entry)| (key.clone(), value(key, entry)))
        .collect()
}

/// A table of dotted paths and values: a rule, or a point.
fn rule_text(report: &Report<'_>, rule: &Node) -> String {
    let mut leaves = Vec::new();
    for entry in rule.entries() {
        collect(entry, &entry.key, &mut leaves);
    }
    leaves.sort_by_key(|(_, entry)| entry.order);
    let leaves = leaves.iter();
    braced(leaves.map(|(path, entry)| (written_key(path), portable(report, path, &entry.node))))
}

/// One row of a table of points.
pub(super) fn row_text<'n>(
    report: &Report<'_>,
    cells: impl Iterator<Item = (&'n str, &'n Node)>,
) -> String {
    braced(cells.map(|(path, node)| (written_key(path), portable(report, path, node))))
}

fn braced(pairs: impl Iterator<Item = (String, String)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A value as it was written; paths in full, since the text may be kept elsewhere.
fn portable(report: &Report<'_>, path: &str, node: &Node) -> String {
    match &node.value {
        Value::Text(text) if PATHS.contains(&path) => {
            let path = recording::resolved(report, node, text);
            toml::Value::String(path.to_string_lossy().into_owned()).to_string()
        }
        Value::Array(items) if PATHS.contains(&path) => {
            array(items.iter().map(|item| portable(report, path, item)))
        }
        _ => node.inline(),
    }
}
