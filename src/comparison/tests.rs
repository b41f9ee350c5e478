//! Folders with known truth: how rows are joined, and how often a verdict is wrong.

mod joining;
mod rates;

use serde_json::Value;

use super::{Comparison, Options, Row, Side, Verdict, compare};
use crate::tables::{Cell, Column, Table};

/// A table `couplings` with one swept parameter: replicate, temperature, value, error.
fn couplings(rows: &[(i64, f64, f64, Option<f64>)]) -> Table {
    let count = rows.len();
    let text = |text: &str| Column::Text(vec![text.to_owned(); count]);
    let columns = vec![
        ("point", Column::Integer((0..count as i64).collect())),
        (
            "replicate",
            Column::Integer(rows.iter().map(|row| row.0).collect()),
        ),
        ("seed", text("7")),
        (
            "temperature",
            Column::Number(rows.iter().map(|row| Some(row.1)).collect()),
        ),
        ("quantity", text("coupling")),
        ("method", text("moments")),
        (
            "value",
            Column::Number(rows.iter().map(|row| Some(row.2)).collect()),
        ),
        (
            "standard_error",
            Column::Number(rows.iter().map(|row| row.3).collect()),
        ),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name.to_owned(), column));
    Table::from_columns("couplings", columns.collect()).unwrap()
}

fn side(name: &str, tables: Vec<Table>) -> Side {
    Side {
        name: name.to_owned(),
        tables: tables
            .into_iter()
            .map(|table| (table.name().to_owned(), table))
            .collect(),
        manifest: Value::Null,
    }
}

/// Compares two tables of couplings.
fn compared(a: Table, b: Table, options: &Options) -> Comparison {
    compare(&[side("a", vec![a]), side("b", vec![b])], 0, options).unwrap()
}

fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    comparison.rows.iter().map(|row| row.verdict).collect()
}

fn tolerating(texts: &[&str]) -> Options {
    let mut options = Options::default();
    for text in texts {
        options.tolerances.add_text(text).unwrap();
    }
    options
}

/// A cell of text.
fn word(text: &str) -> Cell {
    Cell::from(text)
}
