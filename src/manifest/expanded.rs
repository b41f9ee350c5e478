//! Writes a checked manifest as TOML, with every default.

use std::fmt::Write as _;

use super::group::{write_section, written_system};
use super::node::{Node, Value, written_key};
use super::recording;
use super::section::Section;
use super::spec::Manifest;
use super::sweep::{Sweep, SweptKey};

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

/// Keys whose texts are paths.
const PATHS: &[&str] = &["recording.path", "model.file", "model.patterns"];

/// The manifest as TOML text; it loads to the same points.
pub(super) fn text(manifest: &Manifest, root: &Section<'_>, sweep: &Sweep<'_>) -> String {
    let mut tables = toml::Table::new();
    write_section(&mut tables, "experiment", &manifest.experiment);
    let mut names = vec!["experiment"];
    if let Some(point) = manifest.points.first() {
        let mut parts = written_system(&point.system);
        write_section(&mut parts, "vae", &point.vae);
        for path in left_out(root, sweep) {
            remove(&mut parts, &path);
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
fn left_out(root: &Section<'_>, sweep: &Sweep<'_>) -> Vec<String> {
    let swept = |path: &str| sweep.axes.iter().any(|axis| axis.path == path);
    let given = |path: &str| {
        let (table, rest) = path.split_once('.').unwrap_or((path, ""));
        root.find(table)
            .is_some_and(|table| table.node.at(rest).is_some())
    };
    let followers = FOLLOWERS
        .iter()
        .filter(|(path, leaders)| leaders.iter().any(|leader| swept(leader)) && !given(path))
        .map(|(path, _)| (*path).to_owned());
    let axes = sweep.axes.iter().map(|axis| axis.path.clone());
    axes.chain(followers).collect()
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

fn sweep_text(text: &mut String, root: &Section<'_>, sweep: &Sweep<'_>) {
    if sweep.axes.is_empty() {
        return;
    }
    text.push_str("\n[sweep]\n");
    for axis in &sweep.axes {
        let _ = writeln!(text, "{} = {}", axis.path, values_text(root, axis));
    }
    let rules = root.find("sweep").map(|entry| &entry.node);
    for key in ["zip", "exclude"] {
        if let Some(rule) = rules.and_then(|rules| rules.at(key)) {
            let _ = writeln!(text, "{} = {}", written_key(key), rule.node.inline());
        }
    }
}

/// The values as they were written; paths in full, since the text may be kept elsewhere.
fn values_text(root: &Section<'_>, axis: &SweptKey<'_>) -> String {
    if !PATHS.contains(&axis.path.as_str()) {
        return axis.written.inline();
    }
    let full = |node: &Node| match &node.value {
        Value::Text(text) => {
            let path = recording::resolved(root.report, node, text);
            toml::Value::String(path.to_string_lossy().into_owned()).to_string()
        }
        _ => node.inline(),
    };
    let values: Vec<String> = axis.values.iter().map(full).collect();
    format!("[{}]", values.join(", "))
}
