//! `table`: points from the rows of a CSV or Parquet file, or written out.
//!
//! The header holds the dotted paths of parameters; each row is a point. The cells of
//! a text file are read as the values of `--set` are.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::axes::{Axes, collect};
use super::expanded;
use super::grid::Builder;
use super::node::{Entry, Node, Place, Value, quoted};
use super::parse::override_value;
use super::points::MOST_POINTS;
use super::report::{Layer, Message, Report};
use super::section::Section;
use super::sources::{PointCell, PointTable, Sources, TableContent, TableFile};
use super::sweep::{Factor, MOST_RULES, Spot};

/// Most columns of a table: more than there are parameters.
const MOST_COLUMNS: usize = 100;

/// Most tables that are files: as many as a union has members.
const MOST_FILES: usize = MOST_RULES;

/// The tables of points that a manifest may name, by path, each with its layer.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    files: HashMap<&'a Path, (usize, &'a TableFile)>,
    sources: &'a Sources,
}

impl<'a> Tables<'a> {
    /// Adds a layer for each table.
    pub(super) fn new(sources: &'a Sources, report: &mut Report<'a>) -> Self {
        let layer = |file: &'a TableFile| {
            let layer = match &file.content {
                Ok(TableContent::Csv(text)) => Layer::File {
                    path: &file.path,
                    text,
                },
                _ => Layer::Rows(&file.path),
            };
            (file.path.as_path(), (report.add_layer(layer), file))
        };
        let files = sources.tables.iter().map(layer).collect();
        Self { files, sources }
    }

    fn find(&self, path: &Path) -> Option<(usize, &'a TableFile)> {
        self.files.get(self.sources.known_as(path)).copied()
    }
}

/// The files that `table` names in a merged manifest, each once.
pub(super) fn paths(report: &Report<'_>, root: &Node) -> Vec<PathBuf> {
    let Some(sweep) = root.at("sweep") else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    gather(report, &sweep.node, &mut paths);
    let mut seen = HashSet::new();
    paths.retain(|path| seen.len() < MOST_FILES && seen.insert(path.clone()));
    paths
}

fn gather(report: &Report<'_>, grid: &Node, paths: &mut Vec<PathBuf>) {
    for entry in grid.entries() {
        match (entry.key.as_str(), &entry.node.value) {
            ("table", Value::Text(text)) => {
                paths.push(report.folder(entry.node.place).join(text));
            }
            ("union" | "when", Value::Array(members)) => {
                for member in members {
                    gather(report, member, paths);
                }
            }
            _ => {}
        }
    }
}

/// Rows of values below paths, each with its place.
struct Rows {
    /// Path of each column, and its place.
    columns: Vec<(String, Place)>,
    rows: Vec<(Place, Vec<Node>)>,
}

/// Reads the entry `table` of a grid.
pub(super) fn read(
    builder: &mut Builder<'_, '_>,
    section: &Section<'_>,
    entry: &Entry,
    tables: &Tables<'_>,
) -> Option<Factor> {
    if builder.axes.is_full() {
        section.report.note_unknown_axes();
        return None;
    }
    let key = section.key("table");
    let rows = match &entry.node.value {
        Value::Text(name) => from_file(section, entry, &key, name, tables),
        Value::Array(_) => written_out(section, &entry.node, &key),
        _ => {
            let expected = "the path of a .csv or .parquet file, or a list of points";
            section.wrong_type(&entry.node, &key, expected)
        }
    };
    let Some(rows) = rows else {
        section.report.note_unknown_axes();
        return None;
    };
    let factor = factor(&mut builder.axes, section, &key, &rows);
    if factor.is_some() && matches!(entry.node.value, Value::Text(_)) {
        let text = rows.rows.iter().map(|(_, row)| {
            let names = rows.columns.iter().map(|(path, _)| path.as_str());
            expanded::row_text(section.report, names.zip(row))
        });
        let text: Vec<String> = text.collect();
        builder
            .written
            .insert(key, format!("[{}]", text.join(", ")));
    }
    if factor.is_none() {
        for (path, _) in &rows.columns {
            section.report.note_swept(path);
        }
    }
    factor
}

fn factor(
    axes: &mut Axes<'_, '_>,
    section: &Section<'_>,
    key: &str,
    rows: &Rows,
) -> Option<Factor> {
    let spots: Vec<Option<Spot>> = rows
        .columns
        .iter()
        .map(|(path, place)| {
            let key = format!("{key}.\"{path}\"");
            let (path, place) = (path.as_str(), *place);
            let axis = axes.axis(section, path, &key, place, place)?;
            Some(Spot { axis, place, key })
        })
        .collect();
    let spots: Vec<Spot> = spots.into_iter().collect::<Option<_>>()?;
    axes.take(
        section.report,
        spots[0].place,
        rows.rows.len() * spots.len(),
    )?;
    let mut values = Vec::with_capacity(rows.rows.len() * spots.len());
    for (_, row) in &rows.rows {
        for (spot, value) in spots.iter().zip(row) {
            values.push(axes.intern(spot.axis, value.clone()));
        }
    }
    refuse_repeats(section, key, rows, &values)?;
    Some(Factor::Rows { spots, values })
}

fn refuse_repeats(section: &Section<'_>, key: &str, rows: &Rows, values: &[u32]) -> Option<()> {
    let mut seen = HashSet::new();
    let mut repeated = 0;
    for ((place, _), row) in rows.rows.iter().zip(values.chunks(rows.columns.len())) {
        if !seen.insert(row) {
            let message = Message {
                code: "manifest::duplicate",
                key: key.to_owned(),
                found: "a point that stands in the table already".to_owned(),
                expected: "each point once".to_owned(),
                help: Some("`experiment.replicates` repeats every point".to_owned()),
            };
            section.report.push(*place, message);
            repeated += 1;
        }
    }
    (repeated == 0).then_some(())
}

/// Points that are written out: a list of tables with the same keys.
fn written_out(section: &Section<'_>, node: &Node, key: &str) -> Option<Rows> {
    let read = |section: &Section<'_>, node: &Node, key: &str| {
        let mut leaves = Vec::new();
        for entry in node.entries() {
            collect(entry, &entry.key, &mut leaves);
        }
        if leaves.is_empty() {
            let expected = "a table of parameters, such as `{ \"model.sites\" = 400 }`";
            return section.wrong_type(node, key, expected);
        }
        leaves.sort_by_key(|(_, entry)| entry.order);
        let leaves = leaves.into_iter();
        let leaves: Vec<(String, Entry)> = leaves.map(|(path, it)| (path, it.clone())).collect();
        Some((key.to_owned(), node.clone(), leaves))
    };
    let points = section.array_of(node, key, &(1..=MOST_POINTS), "points", read)?;
    let (first_key, first, leaves) = &points[0];
    let columns = leaves.iter();
    let columns = columns.map(|(path, entry)| (path.clone(), entry.key_place));
    let columns = header(section, columns.collect(), first.place, first_key)?;
    let names: Vec<&str> = columns.iter().map(|(path, _)| path.as_str()).collect();
    let mut rows = Vec::with_capacity(points.len());
    for (key, node, leaves) in &points {
        let value = |name: &&str| {
            let found = leaves.iter().find(|(path, _)| path == name);
            found.map(|(_, entry)| entry.node.clone())
        };
        let row: Option<Vec<Node>> = names.iter().map(value).collect();
        let Some(row) = row.filter(|row| row.len() == leaves.len()) else {
            let expected = format!("the keys of the first point: {}", names.join(", "));
            return section.refuse("manifest::bad_table", node, key, expected, None);
        };
        rows.push((node.place, row));
    }
    Some(Rows { columns, rows })
}

fn from_file(
    section: &Section<'_>,
    entry: &Entry,
    key: &str,
    name: &str,
    tables: &Tables<'_>,
) -> Option<Rows> {
    let path = section.report.folder(entry.node.place).join(name);
    let refuse = |reason: &str| {
        let message = Message {
            code: "manifest::bad_table",
            key: key.to_owned(),
            found: format!("{}: {reason}", quoted(name)),
            expected: "a .csv or .parquet file whose header holds dotted paths".to_owned(),
            help: Some(format!("it is looked for at `{}`", path.display())),
        };
        section.report.push(entry.node.place, message);
        None
    };
    let Some((layer, file)) = tables.find(&path) else {
        return refuse("a file that was not read");
    };
    match &file.content {
        Err(reason) => refuse(reason),
        Ok(TableContent::Csv(text)) => from_csv(section, text, layer, key),
        Ok(TableContent::Rows(table)) => from_rows(section, table, layer, key),
    }
}

/// Reports what is wrong with a file of points.
fn bad_file(section: &Section<'_>, place: Place, key: &str, found: String, expected: String) {
    let message = Message {
        code: "manifest::bad_table",
        key: key.to_owned(),
        found,
        expected,
        help: None,
    };
    section.report.push(place, message);
}

/// The columns, each with its place, if they are sound; `place` is that of all of them.
fn header(
    section: &Section<'_>,
    columns: Vec<(String, Place)>,
    place: Place,
    key: &str,
) -> Option<Vec<(String, Place)>> {
    if columns.is_empty() || columns.len() > MOST_COLUMNS {
        let found = format!("{} columns", columns.len());
        let expected = format!("1 to {MOST_COLUMNS} columns");
        bad_file(section, place, key, found, expected);
        return None;
    }
    for (index, (name, _)) in columns.iter().enumerate() {
        if columns[..index].iter().any(|(known, _)| known == name) {
            let found = format!("the column {} twice", quoted(name));
            bad_file(section, place, key, found, "each column once".to_owned());
            return None;
        }
    }
    Some(columns)
}

/// Reads all rows of a text file; wrong rows are reported one by one.
fn from_csv(section: &Section<'_>, text: &str, layer: usize, key: &str) -> Option<Rows> {
    let text_start = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(&text.as_bytes()[text_start..]);
    let line = |at: u64| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let start = record_start(text, text_start.saturating_add(at));
        let length = text[start..].find(['\r', '\n']);
        let end = length.map_or(text.len(), |length| start + length);
        Place { layer, start, end }
    };
    let top = line(0);
    let names = match reader.headers() {
        Ok(names) => names.iter().enumerate(),
        Err(error) => {
            bad_file(
                section,
                top,
                key,
                error.to_string(),
                "a CSV file".to_owned(),
            );
            return None;
        }
    };
    let names = names.map(|(index, name)| (name.to_owned(), cell_place(text, index, top)));
    let columns = header(section, names.collect(), top, key)?;
    let mut rows = Vec::new();
    let mut sound = true;
    for record in reader.records() {
        if rows.len() == MOST_POINTS {
            let expected = format!("at most {MOST_POINTS} points");
            bad_file(section, top, key, "more points".to_owned(), expected);
            return None;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let start = error.position().map_or(0, csv::Position::byte);
                bad_file(
                    section,
                    line(start),
                    key,
                    error.to_string(),
                    "a row".to_owned(),
                );
                return None;
            }
        };
        let place = line(record.position().map_or(0, csv::Position::byte));
        match csv_row(section, &record, &columns, place, text, key) {
            Some(row) => rows.push((place, row)),
            None => sound = false,
        }
    }
    finished(section, columns, rows, sound, key, top)
}

/// Where a record begins that is read from byte `at` on: empty lines and comments stand
/// before it.
fn record_start(text: &str, at: usize) -> usize {
    let mut start = at.min(text.len());
    loop {
        let rest = &text[start..];
        let record = rest.trim_start_matches(['\r', '\n']);
        start += rest.len() - record.len();
        if !record.starts_with('#') {
            return start;
        }
        start += record.find('\n').unwrap_or(record.len());
    }
}

fn csv_row(
    section: &Section<'_>,
    record: &csv::StringRecord,
    columns: &[(String, Place)],
    place: Place,
    text: &str,
    key: &str,
) -> Option<Vec<Node>> {
    if record.len() != columns.len() {
        let found = format!("a row of {} cells", record.len());
        let expected = format!(
            "{} cells, as the header has; quotes around a cell that holds a comma have no space \
             before them",
            columns.len()
        );
        bad_file(section, place, key, found, expected);
        return None;
    }
    let cells = record.iter().zip(columns).enumerate();
    let nodes: Vec<Option<Node>> = cells
        .map(|(index, (cell, (name, _)))| {
            text_cell(section, cell, name, cell_place(text, index, place))
        })
        .collect();
    nodes.into_iter().collect()
}

/// Where a cell stands in its line at `place`; the whole line if cells are quoted.
fn cell_place(text: &str, index: usize, place: Place) -> Place {
    let line = &text[place.start..place.end];
    if line.contains('"') {
        return place;
    }
    let before: usize = line.split(',').take(index).map(|cell| cell.len() + 1).sum();
    let cell = line.split(',').nth(index).unwrap_or_default();
    let start = place.start + before + (cell.len() - cell.trim_start().len());
    Place {
        layer: place.layer,
        start,
        end: start + cell.trim().len(),
    }
}

fn text_cell(section: &Section<'_>, cell: &str, name: &str, place: Place) -> Option<Node> {
    if cell.is_empty() {
        let found = "an empty cell".to_owned();
        let expected = "a value; points without the key go into another member of a union";
        bad_file(section, place, name, found, expected.to_owned());
        return None;
    }
    override_value(cell, name, place, section.report)
}

fn from_rows(section: &Section<'_>, table: &PointTable, layer: usize, key: &str) -> Option<Rows> {
    let row_place = |row: usize| Place {
        layer,
        start: row,
        end: row,
    };
    let names = table.columns.iter();
    let names = names.map(|name| (name.clone(), row_place(0)));
    let columns = header(section, names.collect(), row_place(0), key)?;
    let mut rows = Vec::with_capacity(table.rows.len());
    let mut sound = true;
    for (index, row) in table.rows.iter().enumerate() {
        let place = row_place(index + 1);
        let cells = row.iter().zip(&columns);
        let nodes: Vec<Option<Node>> = cells
            .map(|(cell, (name, _))| {
                let value = match cell {
                    PointCell::Flag(value) => Value::Flag(*value),
                    PointCell::Integer(value) => Value::Integer(*value),
                    PointCell::Number(value) => Value::Number(*value),
                    PointCell::Text(text) => return text_cell(section, text, name, place),
                };
                Some(Node { place, value })
            })
            .collect();
        match nodes.into_iter().collect::<Option<Vec<Node>>>() {
            Some(nodes) if nodes.len() == columns.len() => rows.push((place, nodes)),
            _ => sound = false,
        }
    }
    finished(section, columns, rows, sound, key, row_place(0))
}

fn finished(
    section: &Section<'_>,
    columns: Vec<(String, Place)>,
    rows: Vec<(Place, Vec<Node>)>,
    sound: bool,
    key: &str,
    place: Place,
) -> Option<Rows> {
    if rows.is_empty() || rows.len() > MOST_POINTS {
        if sound {
            let found = format!("a table of {} points", rows.len());
            let expected = format!("1 to {MOST_POINTS} points below the header");
            bad_file(section, place, key, found, expected);
        }
        return None;
    }
    sound.then_some(Rows { columns, rows })
}
