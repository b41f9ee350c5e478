//! Reads the tables that a point is made of, for each combination of swept values.

use std::collections::HashMap;

use serde::Serialize;

use super::node::{Node, Value};
use super::report::Report;
use super::section::Section;
use super::spec::{Scalar, System};
use super::sweep::{Choice, Sweep};
use super::vae::VaeSection;
use super::{model, recording, sampling, vae};

/// What one set of tables says for one choice of swept values.
#[derive(Debug, Clone)]
pub(super) struct Part<T> {
    pub(super) value: T,
    /// Position of each axis that sweeps one of the tables, and its value.
    pub(super) scalars: Vec<(usize, Scalar)>,
}

/// A set of tables that are read together.
pub(super) struct Group<'a, T> {
    /// Those tables without any swept value.
    base: Node,
    sweep: &'a Sweep,
    /// Positions of the axes that sweep one of the tables.
    axes: Vec<usize>,
    read: fn(&Section<'_>) -> Option<(T, toml::Table)>,
    /// What was read, by the positions of those axes' values.
    known: HashMap<Vec<Choice>, Option<Part<T>>>,
}

impl<'a, T: Clone> Group<'a, T> {
    pub(super) fn new(
        tables: &[&str],
        root: &Section<'_>,
        sweep: &'a Sweep,
        read: fn(&Section<'_>) -> Option<(T, toml::Table)>,
    ) -> Self {
        let in_group = |path: &str| {
            let table = path.split('.').next().unwrap_or_default();
            tables.contains(&table)
        };
        let entries = root.entries.iter().filter(|entry| in_group(&entry.key));
        Self {
            base: Node {
                place: root.place,
                value: Value::Table(entries.cloned().collect()),
            },
            sweep,
            axes: (0..sweep.axes.len())
                .filter(|&axis| in_group(&sweep.axes[axis].path))
                .collect(),
            read,
            known: HashMap::new(),
        }
    }

    /// What the tables say with the swept values of one combination.
    pub(super) fn at(&mut self, report: &Report<'_>, combination: &[Choice]) -> Option<Part<T>> {
        let chosen: Vec<Choice> = self.axes.iter().map(|&axis| combination[axis]).collect();
        if let Some(known) = self.known.get(&chosen) {
            return known.clone();
        }
        let part = self.read_at(report, &chosen);
        self.known.insert(chosen, part.clone());
        part
    }

    fn read_at(&self, report: &Report<'_>, chosen: &[Choice]) -> Option<Part<T>> {
        let mut tables = self.base.clone();
        for (&axis, &value) in self.axes.iter().zip(chosen) {
            let swept = &self.sweep.axes[axis];
            if let Some(value) = value {
                tables.put(&swept.path, &swept.values[value as usize]);
            }
        }
        let (value, written) = (self.read)(&Section::root(report, &tables))?;
        let mut scalars = Vec::with_capacity(chosen.len());
        for (&axis, &value) in self.axes.iter().zip(chosen) {
            let swept = &self.sweep.axes[axis];
            let typed = value.map(|value| &swept.values[value as usize]);
            scalars.push((axis, scalar(typed, &written, &swept.path)));
        }
        Some(Part { value, scalars })
    }

    /// Checks values that a sweep replaces, one at a time.
    ///
    /// Only problems of such a value itself count: it need not fit the others.
    pub(super) fn check_replaced(&self, report: &Report<'_>) {
        for &replaced in &self.axes {
            let path = &self.sweep.axes[replaced].path;
            if self.base.at(path).is_none() {
                continue;
            }
            let mut tables = self.base.clone();
            for &axis in self.axes.iter().filter(|&&axis| axis != replaced) {
                let swept = &self.sweep.axes[axis];
                // A list without values was reported where it stands.
                if let Some(first) = swept.values.first() {
                    tables.put(&swept.path, first);
                }
            }
            let before = report.len();
            (self.read)(&Section::root(report, &tables));
            report.retain_after(before, |problem| {
                problem.key.starts_with(path.as_str()) && problem.code != "manifest::conflict"
            });
        }
    }
}

/// Reads `[model]` and `[sampling]`.
pub(super) fn read_model(root: &Section<'_>) -> Option<(System, toml::Table)> {
    let sampling = sampling::read(&root.table_or_empty("sampling"));
    let model = model::read(&root.table_or_empty("model"))?;
    let system = System::Model { model, sampling };
    let written = written_system(&system);
    Some((system, written))
}

/// Reads `[recording]`.
pub(super) fn read_recording(root: &Section<'_>) -> Option<(System, toml::Table)> {
    let system = recording::read(&root.table_or_empty("recording")).map(System::Recording)?;
    let written = written_system(&system);
    Some((system, written))
}

/// Reads `[vae]`.
pub(super) fn read_vae(root: &Section<'_>) -> Option<(VaeSection, toml::Table)> {
    let vae = vae::read(&root.table_or_empty("vae"))?;
    let mut tables = toml::Table::new();
    write_section(&mut tables, "vae", &vae);
    // A default that follows other keys is not written, but has a value.
    let components = vae
        .mixture_components()
        .and_then(|it| i64::try_from(it).ok());
    let written = tables.get_mut("vae").and_then(toml::Value::as_table_mut);
    if let (Some(components), Some(written)) = (components, written) {
        written.insert("components".to_owned(), components.into());
    }
    Some((vae, tables))
}

/// The tables of a system as TOML.
pub(super) fn written_system(system: &System) -> toml::Table {
    let mut tables = toml::Table::new();
    match system {
        System::Model { model, sampling } => {
            write_section(&mut tables, "model", model);
            write_section(&mut tables, "sampling", sampling);
        }
        System::Recording(recording) => write_section(&mut tables, "recording", recording),
    }
    tables
}

/// Adds a section to TOML tables.
pub(super) fn write_section<T: Serialize>(tables: &mut toml::Table, name: &str, section: &T) {
    // Sections hold string keys and plain values only, which TOML can always write.
    if let Ok(value) = toml::Value::try_from(section) {
        tables.insert(name.to_owned(), value);
    }
}

/// The value of one parameter, in canonical form: a text as it was typed, any
/// other value as its section holds it, if it has one.
fn scalar(typed: Option<&Node>, tables: &toml::Table, path: &str) -> Scalar {
    if let Some(Value::Text(text)) = typed.map(|node| &node.value) {
        return Scalar::Text(text.clone());
    }
    let mut keys = path.split('.');
    let first = keys.next().and_then(|key| tables.get(key));
    match keys
        .try_fold(first, |value, key| Some(value?.get(key)))
        .flatten()
    {
        None => Scalar::Missing,
        Some(toml::Value::Integer(value)) => Scalar::Integer(*value),
        Some(toml::Value::Float(value)) => Scalar::Number(*value),
        Some(toml::Value::Boolean(value)) => Scalar::Flag(*value),
        Some(other) => Scalar::Text(joined(other)),
    }
}

/// Elements with `x` between them, arrays of arrays with `;`.
fn joined(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) => {
            let nested = items.iter().any(toml::Value::is_array);
            let items: Vec<String> = items.iter().map(joined).collect();
            items.join(if nested { ";" } else { "x" })
        }
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
