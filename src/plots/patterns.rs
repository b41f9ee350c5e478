//! The figure of the patterns themselves.

use super::input::Part;
use super::{Drawing, FigureInput, Layout, Panel, PlotError, StripeRow, Stripes};
use crate::tables::Table;

/// Patterns drawn for each point.
const MOST: i64 = 4;

/// Columns of the table and what their rows are called.
const COLUMNS: [(&str, &str); 3] = [
    ("exact", "true"),
    ("vae", "vae"),
    ("correlations", "correlations"),
];

/// True and recovered patterns one below the other, at the lowest and the
/// highest swept value.
pub(super) fn patterns(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("pattern_sites") else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for part in input.ends(table)? {
        let stripes = stripes(part)?;
        if !stripes.rows.is_empty() {
            panels.push(Panel::Stripes(stripes));
        }
    }
    let found = table
        .integers("pattern")?
        .iter()
        .max()
        .map_or(0, |last| last + 1);
    let part = if found > MOST {
        format!("the first {MOST} of {found} patterns; ")
    } else {
        String::new()
    };
    Ok((!panels.is_empty()).then(|| Drawing {
        title: input.titled("true and recovered patterns"),
        subtitle: format!("{part}dark: up, light: down, red: differs from the truth"),
        panels,
        layout: Layout::Columns(1),
        colour_bar: None,
    }))
}

fn stripes(part: Part) -> Result<Stripes, PlotError> {
    let numbers = part.table.integers("pattern")?.to_vec();
    let last = numbers.iter().copied().max().unwrap_or(-1).min(MOST - 1);
    let mut rows = Vec::new();
    for pattern in 0..=last {
        let table = part.table.filter(|row| numbers[row] == pattern);
        let before = rows.len();
        rows.extend(pattern_rows(&table)?);
        if let Some(first) = rows.get_mut(before) {
            first.label = format!("pattern {pattern}: {}", first.label);
            first.apart = before > 0;
        }
    }
    Ok(Stripes {
        heading: part.heading,
        rows,
    })
}

/// The rows of one pattern: the truth, and what each method found.
fn pattern_rows(table: &Table) -> Result<Vec<StripeRow>, PlotError> {
    let truth = table.numbers("exact")?;
    let mut rows = Vec::new();
    for (column, name) in COLUMNS {
        let values = table.numbers(column)?;
        if values.iter().any(Option::is_some) {
            let flags = values
                .iter()
                .zip(truth)
                .map(|pair| differ(*pair.0, *pair.1));
            let wrong = flags
                .enumerate()
                .filter_map(|(site, wrong)| wrong.then_some(site));
            rows.push(StripeRow {
                label: name.to_owned(),
                apart: false,
                sites: values
                    .iter()
                    .map(|value| value.map(|value| value > 0.0))
                    .collect(),
                wrong: wrong.collect(),
            });
        }
    }
    Ok(rows)
}

/// Whether both are known and of opposite sign.
fn differ(found: Option<f64>, truth: Option<f64>) -> bool {
    found
        .zip(truth)
        .is_some_and(|(found, truth)| found * truth < 0.0)
}
