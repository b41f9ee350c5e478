//! The comparison as text or Markdown: what matters first.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::folders::Folders;
use super::grid::{grid, significant, with_error};
use crate::comparison::{Comparison, Counts, Measured, Options, Row, Verdict, cell_text};
use crate::plan::Difference;

/// How the report is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) markdown: bool,
    /// Digits of an error.
    pub(super) digits: usize,
    /// Rows of each quantity; 0 for all.
    pub(super) rows: usize,
}

pub(super) fn text(
    folders: &Folders,
    comparison: &Comparison,
    rows: &[&Row],
    options: &Options,
    style: Style,
) -> String {
    let mut text = String::new();
    for (number, side) in comparison.sides.iter().enumerate() {
        if number != comparison.baseline {
            let names = (
                comparison.sides[comparison.baseline].as_str(),
                side.as_str(),
            );
            differences(&mut text, folders, number, names, style);
        }
    }
    summary(&mut text, comparison, options, style);
    let quantities = rows.chunk_by(|a, b| super::group(a) == super::group(b));
    for quantity in quantities {
        block(&mut text, comparison, quantity, style);
    }
    text
}

fn heading(text: &mut String, words: &str, style: Style) {
    let mark = if style.markdown { "## " } else { "" };
    let _ = writeln!(text, "{mark}{words}");
    if style.markdown {
        text.push('\n');
    }
}

fn line(text: &mut String, words: &str, style: Style) {
    let mark = if style.markdown { "- " } else { "  " };
    let _ = writeln!(text, "{mark}{words}");
}

fn differences(
    text: &mut String,
    folders: &Folders,
    other: usize,
    (baseline, name): (&str, &str),
    style: Style,
) {
    heading(text, &format!("{baseline} (baseline) → {name}"), style);
    let manifest = folders.manifest_differences(other);
    let run = folders.provenance_differences(other);
    let parts = [("manifest", manifest), ("program and machine", run)];
    for (what, found) in parts {
        if found.is_empty() {
            line(text, &format!("{what}: no difference"), style);
        }
        for difference in &found {
            line(text, &words(what, difference), style);
        }
    }
    text.push('\n');
}

fn words(what: &str, difference: &Difference) -> String {
    format!("{what}: {difference}")
}

fn summary(text: &mut String, comparison: &Comparison, options: &Options, style: Style) {
    let counts = Counts::of(&comparison.rows);
    heading(text, &counted(comparison, &counts), style);
    if let Some(row) = comparison.largest() {
        let z = row.z.unwrap_or(0.0);
        let side = &comparison.sides[row.side];
        let place = row.place();
        let at = if place.is_empty() {
            String::new()
        } else {
            format!(" at {place}")
        };
        line(
            text,
            &format!(
                "largest difference: {} errors, {} of {side}{at}",
                significant(z.abs(), 3),
                row.name()
            ),
            style,
        );
    }
    line(
        text,
        &format!(
            "{} differences tested, level {} for all together (Holm)",
            comparison.tests, options.level
        ),
        style,
    );
    for (table, without) in &comparison.missing_tables {
        line(
            text,
            &format!(
                "table `{table}` is missing in {}",
                comparison.sides[*without]
            ),
            style,
        );
    }
    for note in &comparison.notes {
        line(text, &format!("note: {note}"), style);
    }
}

/// `120 values compared: 100 same, 3 differ, 17 undecided`.
fn counted(comparison: &Comparison, counts: &Counts) -> String {
    let part = |verdict: Verdict, words: &str| {
        let count = counts.with(verdict);
        (count > 0).then(|| format!("{count} {words}"))
    };
    let parts: Vec<String> = [
        part(Verdict::Differs, "differ"),
        part(Verdict::Undecided, "undecided"),
        part(Verdict::NoErrorBar, "without error bar"),
        part(Verdict::OnlyBaseline, "only in the baseline"),
        part(Verdict::OnlyOther, "not in the baseline"),
        part(Verdict::Same, "same"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut tables: Vec<&str> = comparison.rows.iter().map(|row| &*row.table).collect();
    tables.dedup();
    tables.sort_unstable();
    tables.dedup();
    format!(
        "{} values in {} tables: {}",
        counts.all(),
        tables.len(),
        parts.join(", ")
    )
}

/// The rows of one quantity.
fn block(text: &mut String, comparison: &Comparison, rows: &[&Row], style: Style) {
    let Some(first) = rows.first() else {
        return;
    };
    let counts = Counts::of(rows.iter().copied());
    let parts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| counts.with(**verdict) > 0)
        .map(|verdict| format!("{} {}", counts.with(*verdict), verdict.word()))
        .collect();
    text.push('\n');
    let other = &comparison.sides[first.side];
    let words = format!("{} of {other}: {}", first.name(), parts.join(", "));
    heading(text, &words, style);
    let shown = if style.rows == 0 {
        rows.len()
    } else {
        style.rows.min(rows.len())
    };
    let shown = &rows[..shown];
    let coordinates = coordinates(shown);
    let with_error = shown.iter().any(|row| row.z.is_some());
    let with_tolerance = shown.iter().any(|row| row.tolerance.is_some());
    let mut header: Vec<String> = coordinates.iter().map(ToString::to_string).collect();
    header.extend(["baseline", "other", "difference"].map(str::to_owned));
    if with_error {
        header.extend(["z", "p", "error from"].map(str::to_owned));
    }
    if with_tolerance {
        header.push("tolerance".to_owned());
    }
    header.push("verdict".to_owned());
    let cells = shown.iter().map(|row| {
        let mut cells: Vec<String> = coordinates
            .iter()
            .map(|name| coordinate(row, name))
            .collect();
        cells.push(measured(row.baseline.as_ref(), style));
        cells.push(measured(row.other.as_ref(), style));
        let difference = row.difference;
        let shown = difference
            .map(|value| super::grid::with_error(value, row.standard_error, style.digits));
        cells.push(shown.unwrap_or_default());
        if with_error {
            let number =
                |value: Option<f64>| value.map(|value| significant(value, 3)).unwrap_or_default();
            cells.push(number(row.z));
            cells.push(p_value(row.corrected_p_value));
            cells.push(row.error_source.clone());
        }
        if with_tolerance {
            let tolerance = row.tolerance.map(|value| significant(value, 3));
            cells.push(tolerance.unwrap_or_default());
        }
        cells.push(row.verdict.word().to_owned());
        cells
    });
    let cells: Vec<Vec<String>> = cells.collect();
    text.push_str(&grid(&header, &cells, style.markdown));
    text.push('\n');
    let left = rows.len() - shown.len();
    if left > 0 {
        let _ = writeln!(text, "{left} more; `--rows 0` shows all");
    }
}

/// Names of the coordinates of some rows.
fn coordinates(rows: &[&Row]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| row.at.iter()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// A p-value below this is shown as below it.
const SMALLEST_P: f64 = 1e-99;

/// A p-value as it is shown; below what matters only its bound.
fn p_value(p: Option<f64>) -> String {
    match p {
        None => String::new(),
        Some(p) if p < SMALLEST_P => format!("<{SMALLEST_P:e}"),
        Some(p) => significant(p, 3),
    }
}

fn coordinate(row: &Row, name: &str) -> String {
    let found = row.at.iter().find(|(known, _)| **known == *name);
    found.map(|(_, cell)| cell_text(cell)).unwrap_or_default()
}

fn measured(measured: Option<&Measured>, style: Style) -> String {
    match measured {
        None => String::new(),
        Some(Measured::Words(words)) => words.clone(),
        Some(Measured::Number {
            mean,
            standard_error,
            ..
        }) => with_error(*mean, *standard_error, style.digits),
    }
}

/// What a Parquet file says of the comparison as a whole.
pub(super) fn metadata(comparison: &Comparison, options: &Options) -> BTreeMap<String, String> {
    let pairs = [
        (
            "latentfield.baseline",
            comparison.sides[comparison.baseline].clone(),
        ),
        ("latentfield.folders", comparison.sides.join("\n")),
        ("latentfield.level", options.level.to_string()),
        ("latentfield.tests", comparison.tests.to_string()),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}
