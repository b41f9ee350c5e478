//! Figures of what a repeated movie does to the collective variables.

use super::drawing::extent;
use super::heat::spacing;
use super::input::{Part, distinct};
use super::{
    Axis, Chart, ColourBar, Drawing, FigureInput, HeatMap, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Collective variables that are followed, those of the longest patterns: more curves in one
/// panel cannot be told apart.
const VARIABLES: usize = 4;

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// How far from the place of its name a mark stands that shares it with another.
const BESIDE: f64 = 0.12;

/// Basins, collective variables and active count along the movie.
pub(super) fn movie(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("movie") else {
        return Ok(None);
    };
    let quantities = table.texts("quantity")?;
    let means = table.numbers("mean")?;
    let of_basins = (0..table.rows()).filter(|&row| quantities[row].starts_with("basin_"));
    let highest = extent(of_basins.filter_map(|row| means[row])).map_or(1.0, |(_, high)| high);
    let bar = ColourBar {
        axis: Axis::linear("probability", 0.0, highest),
        diverging: false,
    };
    let mut columns = Vec::new();
    for part in input.ends(table)? {
        columns.push(column(&part, &bar)?);
    }
    let count = columns.len();
    let rows = columns.first().map_or(0, Vec::len);
    let panels = (0..rows).flat_map(|row| columns.iter().filter_map(move |one| one.get(row)));
    let panels: Vec<Panel> = panels.cloned().collect();
    let coloured = panels.iter().any(|one| matches!(one, Panel::HeatMap(_)));
    let subtitle = "mean over the repeats, bands: one standard error; longest patterns";
    let drawing = input.drawn("along the movie", subtitle, Layout::Columns(count), panels);
    Ok(drawing.map(|drawing| Drawing {
        colour_bar: coloured.then_some(bar),
        ..drawing
    }))
}

/// The panels of one point, one above the other, the time below the last.
fn column(part: &Part, bar: &ColourBar) -> Result<Vec<Panel>, PlotError> {
    let (time, x) = time(&part.table)?;
    let quantities = part.table.texts("quantity")?;
    let known = distinct(quantities);
    let starting = |start: &str| -> Vec<String> {
        let names = known.iter().filter(|name| name.starts_with(start));
        names.cloned().collect()
    };
    let mut panels = Vec::new();
    let basins = starting("basin_");
    if !basins.is_empty() {
        panels.push(Panel::HeatMap(occupation(
            &part.table,
            &basins,
            (&time, &x),
            bar,
        )?));
    }
    let mut collective = starting("collective_");
    collective.truncate(VARIABLES);
    for (names, text) in [
        (collective, "mean"),
        (starting("active_count"), "active sites"),
    ] {
        if !names.is_empty() {
            panels.push(Panel::Chart(means(&part.table, &names, (&time, &x), text)?));
        }
    }
    match panels.first_mut() {
        Some(Panel::Chart(chart)) => chart.heading.clone_from(&part.heading),
        Some(Panel::HeatMap(map)) => map.heading.clone_from(&part.heading),
        _ => {}
    }
    Ok(panels)
}

/// The time of each row, seconds or else bins, and its axis.
fn time(table: &Table) -> Result<(Vec<f64>, Axis), PlotError> {
    let (bins, times) = (table.integers("bin")?, table.numbers("time_ms")?);
    let known: Option<Vec<f64>> = times.iter().map(|time| Some((*time)? / SECOND)).collect();
    let (values, label) = match known {
        Some(seconds) => (seconds, "time within the movie (s)"),
        None => (
            bins.iter().map(|&bin| bin as f64).collect(),
            "time bin within the movie",
        ),
    };
    let half = 0.5 * spacing(&values);
    let (low, high) = extent(values.iter().copied()).unwrap_or((0.0, 1.0));
    Ok((values, Axis::linear(label, low - half, high + half)))
}

/// The probability of each basin as a row of colours.
fn occupation(
    table: &Table,
    basins: &[String],
    (time, x): (&[f64], &Axis),
    bar: &ColourBar,
) -> Result<HeatMap, PlotError> {
    let (quantities, means) = (table.texts("quantity")?, table.numbers("mean")?);
    let places = basins.iter().rev();
    let cell = |row: usize| {
        let place = { places.clone() }.position(|name| *name == quantities[row])?;
        Some((time[row], place as f64, bar.colour(means[row]?)))
    };
    let names = places.clone().map(|name| name.replace('_', " "));
    Ok(HeatMap {
        heading: String::new(),
        x: x.clone(),
        y: Axis::named("", names.collect()),
        cell: (spacing(time), 1.0),
        cells: (0..table.rows()).filter_map(cell).collect(),
        marks: Vec::new(),
    })
}

/// Means with bands of one standard error; black if there is only one.
fn means(
    table: &Table,
    names: &[String],
    (time, x): (&[f64], &Axis),
    text: &str,
) -> Result<Chart, PlotError> {
    let quantities = table.texts("quantity")?;
    let (values, errors) = (table.numbers("mean")?, table.numbers("standard_error")?);
    let is_count = names == ["active_count"];
    let curve = |(index, name): (usize, &String)| {
        let rows = (0..table.rows()).filter(|&row| quantities[row] == *name);
        let point = |row: usize| Some(Point::with_error(time[row], values[row]?, errors[row]));
        let mut points: Vec<Point> = rows.filter_map(point).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        if is_count {
            Series::curve("", 0, points)
        } else {
            Series::curve(name.replace('_', " "), index + 1, points)
        }
    };
    let series: Vec<Series> = names.iter().enumerate().map(curve).collect();
    let drawn = series.iter().flat_map(|one| &one.points);
    let y = Axis::covering(text, drawn.flat_map(Point::heights));
    Ok(Chart::new(x.clone(), y, series))
}

/// The part of each variable's variance that the stimulus explains.
pub(super) fn stimulus(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("stimulus") else {
        return Ok(None);
    };
    let known = distinct(table.texts("quantity")?);
    let parts = input.ends(table)?;
    // Two marks of one quantity stand a little above and below its place.
    let lift = if parts.len() > 1 { BESIDE } else { 0.0 };
    let mut series = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let quantities = part.table.texts("quantity")?;
        let explained = part.table.numbers("explained")?;
        let errors = part.table.numbers("explained_se")?;
        let point = |row: usize| {
            let place = known
                .iter()
                .rev()
                .position(|name| *name == quantities[row])?;
            Some(Point::with_error_across(
                explained[row]?,
                place as f64 + lift * (1.0 - 2.0 * index as f64),
                errors[row],
            ))
        };
        let points = (0..part.table.rows()).filter_map(point).collect();
        series.push(Series::marks(&part.heading, index + 1, points));
    }
    let drawn = series.iter().flat_map(|one| &one.points);
    let x = Axis::covering(
        label("explained"),
        drawn.flat_map(Point::widths).chain([0.0, 1.0]),
    );
    let names = known.iter().rev().map(|name| name.replace('_', " "));
    let chart = Chart::new(x, Axis::named("", names.collect()), series);
    let panels = vec![Panel::Chart(chart)];
    let subtitle = "signal over total variance; bars: one standard error; first replicate";
    let title = "what the stimulus explains";
    Ok(input.drawn(title, subtitle, Layout::Row, panels))
}
