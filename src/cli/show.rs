//! `show`: a table in the terminal.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::Outcome;
use super::compare::{grid, significant};
use super::diagnostic::{put, say};
use crate::engine::{FinishedResults, read_input};
use crate::manifest::nearest;
use crate::tables::{self, Cell, Condition, Table, TableError};

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// A table: results/<experiment>/tables/<name>.parquet, or short results/<experiment>/<name>
    /// or <experiment>/<name>
    pub(super) table: PathBuf,
    /// Only rows that satisfy this, as `temperature=0.6` or `value>1`; may be given several times
    #[arg(long = "where", value_name = "CONDITION")]
    pub(super) conditions: Vec<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) columns: Vec<String>,
    /// Column to sort by, `-COLUMN` for descending
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub(super) sort: Option<String>,
    /// Rows that are shown; 0 for all [default: 40 in text and Markdown, else all]
    #[arg(long, value_name = "N")]
    pub(super) rows: Option<usize>,
    /// Significant digits of numbers in text and Markdown [default: six decimals]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=17))]
    pub(super) precision: Option<u8>,
    /// How to write the table
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: ShowFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowFormat {
    /// For people
    Text,
    /// For pages
    Markdown,
    /// For spreadsheets; numbers in full
    Csv,
    /// For programs: an object a row, numbers in full
    Json,
}

/// Rows of a table for people, if nothing else is asked for.
const ROWS: usize = 40;

pub(super) fn main(arguments: &ShowArguments) -> Outcome {
    match show(arguments) {
        Ok(()) => Outcome::Done,
        Err(text) => {
            say(&format!("error: {text}"));
            Outcome::Wrong
        }
    }
}

fn show(arguments: &ShowArguments) -> Result<(), String> {
    let (path, bytes) = read(&arguments.table)?;
    let of_file = |error: TableError| format!("`{}`: {error}", path.display());
    let (table, _) = tables::from_bytes(&bytes).map_err(of_file)?;
    let hinted = |error: TableError| with_hint(&of_file(error.clone()), &error, &table);
    let mut keep = vec![true; table.rows()];
    for text in &arguments.conditions {
        let condition = Condition::parse(text).map_err(|error| format!("`--where`: {error}"))?;
        for (kept, holds) in keep.iter_mut().zip(condition.of(&table).map_err(hinted)?) {
            *kept &= holds;
        }
    }
    let mut rows: Vec<usize> = (0..table.rows()).collect();
    if let Some(column) = &arguments.sort {
        let (name, descending) = match column.strip_prefix('-') {
            Some(name) => (name, true),
            None => (column.as_str(), false),
        };
        rows = table.order_by(name, descending).map_err(hinted)?;
    }
    rows.retain(|&row| keep[row]);
    let mut chosen = table.rows_at(&rows);
    if !arguments.columns.is_empty() {
        chosen = chosen.with_columns(&arguments.columns).map_err(hinted)?;
    }
    print(&chosen, arguments);
    Ok(())
}

/// The bytes of the table, and where they lie.
fn read(asked: &Path) -> Result<(PathBuf, Vec<u8>), String> {
    let unreadable = |error: &dyn std::error::Error| {
        let cause = error
            .source()
            .map_or(String::new(), |cause| format!(": {cause}"));
        format!("{error}{cause}")
    };
    for path in meant(asked) {
        if path.is_file() {
            let bytes = read_input(&path).map_err(|error| unreadable(&error))?;
            return Ok((path, bytes.unwrap_or_default()));
        }
    }
    Err(not_there(asked))
}

/// The files that a path may mean, in this order.
fn meant(asked: &Path) -> Vec<PathBuf> {
    let mut paths = vec![asked.to_owned()];
    if let (Some(folder), Some(name)) = (asked.parent(), asked.file_name()) {
        let name = name.to_string_lossy();
        let name = name.strip_suffix(".parquet").unwrap_or(&name);
        let places = [folder.to_owned(), Path::new("results").join(folder)];
        paths.extend(places.map(|folder| FinishedResults::at(&folder).table_path(name)));
    }
    paths
}

/// What is said of a table that is nowhere: the nearest name, or the names that are there.
fn not_there(asked: &Path) -> String {
    let mut text = format!(
        "`{}` cannot be read: there is no such table",
        asked.display()
    );
    let name = asked
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let name = name.strip_suffix(".parquet").unwrap_or(&name);
    let parent = asked.parent().unwrap_or(Path::new(""));
    let above = parent.parent().filter(|_| parent.ends_with("tables"));
    let folders = [
        asked.to_owned(),
        above.unwrap_or(parent).to_owned(),
        Path::new("results").join(parent),
    ];
    for folder in folders {
        let names = FinishedResults::at(&folder)
            .table_names()
            .unwrap_or_default();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        if known.is_empty() {
            continue;
        }
        let folder = folder.display();
        let hint = match nearest(name, &known) {
            Some(near) => format!("; did you mean `{folder}/{near}`?"),
            None => format!("; `{folder}` has {}", known.join(", ")),
        };
        return format!("{text}{hint}");
    }
    text.push_str(", expected results/<experiment>/<name>");
    text
}

/// An error with the column that was meant, if one is near.
fn with_hint(text: &str, error: &TableError, table: &Table) -> String {
    let TableError::NoColumn { column, .. } = error else {
        return text.to_owned();
    };
    let known: Vec<&str> = table
        .columns()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    match nearest(column, &known) {
        Some(near) => format!("{text}; did you mean `{near}`?"),
        None => text.to_owned(),
    }
}

fn print(table: &Table, arguments: &ShowArguments) {
    let people = matches!(arguments.format, ShowFormat::Text | ShowFormat::Markdown);
    let limit = arguments.rows.unwrap_or(if people { ROWS } else { 0 });
    let shown = if limit == 0 {
        table.rows()
    } else {
        limit.min(table.rows())
    };
    let header: Vec<String> = table
        .columns()
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    match arguments.format {
        ShowFormat::Text | ShowFormat::Markdown => {
            let cell = |cell| text(cell, arguments.precision);
            let rows: Vec<Vec<String>> = (0..shown).map(|row| cells(table, row, cell)).collect();
            put(&grid(
                &header,
                &rows,
                arguments.format == ShowFormat::Markdown,
            ));
            if shown < table.rows() {
                put(&format!("{} of {} rows", shown, table.rows()));
            }
        }
        ShowFormat::Csv => csv(table, &header, shown),
        ShowFormat::Json => {
            let rows: Vec<Value> = (0..shown).map(|row| object(table, row)).collect();
            put(&format!("{:#}", Value::Array(rows)));
        }
    }
}

fn cells(table: &Table, row: usize, text: impl Fn(Cell) -> String) -> Vec<String> {
    let cells = table.columns().iter().map(|(_, column)| column.cell(row));
    cells
        .map(|cell| cell.map_or(String::new(), &text))
        .collect()
}

fn csv(table: &Table, header: &[String], shown: usize) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(header);
    for row in 0..shown {
        let _ = writer.write_record(cells(table, row, full));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    put(String::from_utf8_lossy(&bytes).trim_end_matches('\n'));
}

fn object(table: &Table, row: usize) -> Value {
    let cells = table.columns().iter();
    let cells =
        cells.map(|(name, column)| (name.clone(), column.cell(row).map_or(Value::Null, value)));
    Value::Object(cells.collect::<Map<_, _>>())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Integer(value) => json!(value),
        Cell::Number(value) => json!(value),
        Cell::Text(value) => json!(value),
        Cell::Flag(value) => json!(value),
    }
}

/// A cell with all digits of its number.
fn full(cell: Cell) -> String {
    match cell {
        Cell::Number(Some(value)) => value.to_string(),
        other => text(other, None),
    }
}

fn text(cell: Cell, digits: Option<u8>) -> String {
    match (cell, digits) {
        (Cell::Integer(value), _) => value.to_string(),
        (Cell::Number(Some(value)), None) => format!("{value:.6}"),
        (Cell::Number(Some(value)), Some(digits)) => significant(value, digits.into()),
        (Cell::Number(None), _) => String::new(),
        (Cell::Text(value), _) => value,
        (Cell::Flag(value), _) => value.to_string(),
    }
}
