//! Figures of one number against the first swept parameter.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::input::{Sweep, optional_numbers};
use super::style::source;
use super::{
    Axis, Chart, Colour, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Pixels between marks that share a value of the horizontal axis.
const SPREAD: i32 = 14;

/// Pixels that all of them take together at most.
const WIDEST: i32 = 56;

/// Overlap of the patterns: mean and range over patterns and replicates, a
/// series a method.
pub(super) fn overlap(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("patterns") else {
        return Ok(None);
    };
    let sweep = input.sweep(table)?;
    let overlaps = table.numbers("overlap")?;
    let Some((low, _)) = extent(overlaps.iter().flatten().copied()) else {
        return Ok(None);
    };
    let span = (1.0 - low).max(0.02);
    let y = Axis::linear(label("overlap"), low - 0.1 * span, 1.0 + 0.05 * span);
    let series = spread(overlap_series(input, table, &sweep)?);
    Ok(Some(Drawing {
        title: input.titled("patterns read off the network"),
        subtitle: "mean over patterns and replicates; bars from the worst to the best".to_owned(),
        ..against_sweep(&sweep, y, series, Vec::new())
    }))
}

fn overlap_series(
    input: &FigureInput,
    table: &Table,
    sweep: &Sweep,
) -> Result<Vec<Series>, PlotError> {
    let (others, overlaps) = (input.others(table), table.numbers("overlap")?);
    let single = others.iter().all(String::is_empty);
    let mut groups: BTreeMap<(usize, String), Vec<(f64, f64)>> = BTreeMap::new();
    for (row, method) in table.texts("method")?.iter().enumerate() {
        if let Some(overlap) = overlaps[row] {
            let key = (source(method), joined(method, &others[row]));
            groups
                .entry(key)
                .or_default()
                .push((sweep.values[row], overlap));
        }
    }
    let series = groups
        .into_iter()
        .enumerate()
        .map(|(index, ((number, label), values))| Series {
            label,
            colour: Colour::Category(if single { number } else { index + 1 }),
            marker: Some(index),
            line: true,
            shift: 0,
            points: mean_and_range(&values),
        });
    Ok(series.collect())
}

/// Gap to the exact model, one point a replicate.
pub(super) fn gap(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let guides = vec![Guide::Horizontal(0.0)];
    let title = "exact minus learned log-likelihood";
    likelihood(input, "paired_gap_nats", title, guides)
}

/// Rate, one point a replicate.
pub(super) fn rate(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    likelihood(
        input,
        "rate_nats",
        "information through the latents",
        Vec::new(),
    )
}

fn likelihood(
    input: &FigureInput,
    column: &str,
    title: &str,
    guides: Vec<Guide>,
) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("likelihood") else {
        return Ok(None);
    };
    let sweep = input.sweep(table)?;
    let (values, errors) = (
        table.numbers(column)?,
        table.numbers(&format!("{column}_se"))?,
    );
    let point = |row: usize| {
        let place = sweep.values[row];
        Some(Point::with_error(place, values[row]?, errors[row]))
    };
    let series = spread(replicate_series(input, table, point)?);
    if series.is_empty() {
        return Ok(None);
    }
    let zero = guides.contains(&Guide::Horizontal(0.0)).then_some(0.0);
    let heights = series
        .iter()
        .flat_map(|one| &one.points)
        .flat_map(Point::heights);
    let y = Axis::covering(label(column), heights.chain(zero));
    Ok(Some(Drawing {
        title: input.titled(title),
        subtitle: "bars: one standard error".to_owned(),
        ..against_sweep(&sweep, y, series, guides)
    }))
}

/// A series of the points of the rows for each replicate and set of further parameters.
pub(super) fn replicate_series(
    input: &FigureInput,
    table: &Table,
    point: impl Fn(usize) -> Option<Point>,
) -> Result<Vec<Series>, PlotError> {
    let (others, replicates) = (input.others(table), optional_numbers(table, "replicate")?);
    let several = replicates.windows(2).any(|pair| pair[0] != pair[1]);
    let mut groups: BTreeMap<(String, i64), Vec<Point>> = BTreeMap::new();
    for (row, other) in others.iter().enumerate() {
        if let Some(point) = point(row) {
            let key = (other.clone(), replicates[row].unwrap_or(0.0) as i64);
            groups.entry(key).or_default().push(point);
        }
    }
    let series = groups
        .into_iter()
        .enumerate()
        .map(|(index, ((other, replicate), points))| {
            let name = if several {
                format!("replicate {replicate}")
            } else {
                String::new()
            };
            Series {
                label: joined(&name, &other),
                colour: Colour::Category(index + 1),
                marker: Some(index),
                line: false,
                shift: 0,
                points,
            }
        });
    Ok(series.collect())
}

/// One chart against the swept parameter.
fn against_sweep(sweep: &Sweep, y: Axis, series: Vec<Series>, guides: Vec<Guide>) -> Drawing {
    let chart = Chart {
        heading: String::new(),
        x: sweep.axis(),
        y,
        series,
        guides,
        notes: Vec::new(),
    };
    Drawing {
        title: String::new(),
        subtitle: String::new(),
        panels: vec![Panel::Chart(chart)],
        layout: Layout::Row,
        colour_bar: None,
    }
}

/// Both names, or the one that is not empty.
pub(super) fn joined(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (false, false) => format!("{first}, {second}"),
        _ => format!("{first}{second}"),
    }
}

/// Shifts the marks of series to both sides, so that none hides another.
pub(super) fn spread(mut series: Vec<Series>) -> Vec<Series> {
    let count = i32::try_from(series.len()).unwrap_or(i32::MAX).max(1);
    let step = SPREAD.min(WIDEST / count);
    for (index, one) in (0..count).zip(&mut series) {
        one.shift = step * (2 * index + 1 - count) / 2;
    }
    series
}

/// Mean and range of the values at each place, by ascending place.
fn mean_and_range(values: &[(f64, f64)]) -> Vec<Point> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let same = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0).is_eq();
    let point = |group: &[(f64, f64)]| {
        let mean = group.iter().map(|pair| pair.1).sum::<f64>() / group.len() as f64;
        let bar = extent(group.iter().map(|pair| pair.1));
        Point {
            bar,
            ..Point::new(group[0].0, mean)
        }
    };
    sorted.chunk_by(same).map(point).collect()
}
