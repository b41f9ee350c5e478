//! Figures of population statistics: models beside the data.

use std::collections::BTreeMap;

use super::input::{Part, distinct, optional_numbers};
use super::style::source;
use super::{
    Axis, Chart, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series, label,
};
use crate::tables::Table;

/// The models that stand against the data, the one drawn first at the bottom.
const MODELS: [&str; 2] = ["independent", "vae"];

/// Probability of the number of active sites, a series a source.
pub(super) fn active_count(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("active_count") else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for part in input.ends(table)? {
        panels.push(Panel::Chart(active_count_chart(part)?));
    }
    let subtitle = "bars: one standard error";
    Ok(input.drawn("number of active sites", subtitle, Layout::Row, panels))
}

fn active_count_chart(part: Part) -> Result<Chart, PlotError> {
    let sources = part.table.texts("source")?;
    let series = distinct(sources).into_iter().map(|name| {
        let points = count_points(&part.table, |row| sources[row] == name)?;
        Ok(Series {
            line: true,
            ..marks(&name, points)
        })
    });
    let series = series.collect::<Result<Vec<_>, PlotError>>()?;
    Ok(counts_chart(part.heading, series, |one| {
        one != "independent"
    }))
}

/// The probabilities of the rows that are kept, against K.
pub(super) fn count_points(
    table: &Table,
    keep: impl Fn(usize) -> bool,
) -> Result<Vec<Point>, PlotError> {
    let counts = table.integers("k")?;
    let (values, errors) = (
        table.numbers("probability")?,
        table.numbers("standard_error")?,
    );
    let rows = (0..table.rows()).filter(|&row| keep(row));
    let point = |row: usize| {
        let value = values[row].filter(|value| *value > 0.0)?;
        Some(Point::with_error(counts[row] as f64, value, errors[row]))
    };
    Ok(rows.filter_map(point).collect())
}

/// Probabilities of K on a logarithmic axis, as far as the series that `is_sampled`
/// names reach.
pub(super) fn counts_chart(
    heading: String,
    mut series: Vec<Series>,
    is_sampled: impl Fn(&str) -> bool,
) -> Chart {
    clip_tail(&mut series, is_sampled);
    let drawn = || series.iter().flat_map(|one| &one.points);
    let x = Axis::covering(label("k"), drawn().map(|point| point.x));
    // Bars may reach down to zero, which has no place on the axis.
    let y = Axis::covering_logarithm(label("probability"), drawn().map(|point| point.y));
    Chart {
        heading,
        ..Chart::new(x, y, series)
    }
}

/// Takes away what exact models say of counts that no sample shows: their tails
/// would leave no room for the rest.
fn clip_tail(series: &mut [Series], is_sampled: impl Fn(&str) -> bool) {
    let sampled = series.iter().filter(|one| is_sampled(&one.label));
    let points: Vec<Point> = sampled.flat_map(|one| one.points.iter().copied()).collect();
    let largest = points.iter().map(|point| point.x).fold(0.0, f64::max);
    let smallest = points.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
    if points.is_empty() {
        return;
    }
    for one in series {
        one.points
            .retain(|point| point.x <= largest && point.y >= 0.1 * smallest);
    }
}

/// Pair correlations of the models against those of the data.
pub(super) fn correlations(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let title = "correlation of a pair of sites";
    let measures = [("correlation_r", "r"), ("correlation_rmse", "rmse")];
    moments(input, "correlations", title, &measures)
}

/// Third central moments of the models against those of the data.
pub(super) fn triplets(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    moments(
        input,
        "triplets",
        "third central moment",
        &[("triplet_r", "r")],
    )
}

fn moments(
    input: &FigureInput,
    name: &str,
    quantity: &str,
    measures: &[(&str, &str)],
) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table(name) else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for part in input.ends(table)? {
        let data = part.table.numbers("data")?;
        let mut series = Vec::new();
        for model in MODELS {
            let values = optional_numbers(&part.table, model)?;
            let pairs = data.iter().zip(&values);
            let points = pairs
                .filter_map(|(x, y)| Some(Point::new((*x)?, (*y)?)))
                .collect();
            series.push(marks(model, points));
        }
        let notes = agreement(input, part.point, measures)?;
        panels.push(against_data(part.heading, quantity, series, notes));
    }
    let title = format!("{quantity}, models against data");
    Ok(input.drawn(&title, "", Layout::Row, panels))
}

/// Lines such as `vae: r = 0.93, rmse = 0.012`, out of the table of statistics.
fn agreement(
    input: &FigureInput,
    point: Option<f64>,
    measures: &[(&str, &str)],
) -> Result<Vec<String>, PlotError> {
    let Some(table) = input.part_at("statistics", point)? else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    for (row, source) in table.texts("source")?.iter().enumerate() {
        let mut found = Vec::new();
        for (column, symbol) in measures {
            if let Some(value) = table.numbers(column)?[row] {
                found.push(format!("{symbol} = {value:.3}"));
            }
        }
        if MODELS.contains(&source.as_str()) && !found.is_empty() {
            lines.push(format!("{source}: {}", found.join(", ")));
        }
    }
    Ok(lines)
}

/// Rates of the sites in the models against those in the data.
pub(super) fn rates(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("rates") else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for part in input.ends(table)? {
        let (sources, sites) = (part.table.texts("source")?, part.table.integers("site")?);
        let values = part.table.numbers("rate")?;
        let errors = part.table.numbers("standard_error")?;
        let of_data = (0..sites.len()).filter(|&row| sources[row] == "data");
        let data: BTreeMap<i64, Option<f64>> =
            of_data.map(|row| (sites[row], values[row])).collect();
        let mut series = Vec::new();
        for model in MODELS {
            let rows = (0..sites.len()).filter(|&row| sources[row] == model);
            let point = |row: usize| {
                let x = (*data.get(&sites[row])?)?;
                Some(Point::with_error(x, values[row]?, errors[row]))
            };
            series.push(marks(model, rows.filter_map(point).collect()));
        }
        panels.push(against_data(
            part.heading,
            &label("rate"),
            series,
            Vec::new(),
        ));
    }
    let title = "rates of the sites, models against data";
    Ok(input.drawn(title, "", Layout::Row, panels))
}

/// A scatter of model against data with equal axes and the line of equality.
fn against_data(heading: String, quantity: &str, series: Vec<Series>, notes: Vec<String>) -> Panel {
    let points = || series.iter().flat_map(|one| &one.points);
    let values = points().flat_map(|point| std::iter::once(point.x).chain(point.heights()));
    let x = Axis::covering(format!("{quantity}, data"), values);
    let y = Axis {
        label: format!("{quantity}, model"),
        ..x.clone()
    };
    let guides = vec![Guide::Diagonal];
    Panel::Chart(Chart {
        heading,
        x,
        y,
        series,
        guides,
        notes,
    })
}

fn marks(name: &str, points: Vec<Point>) -> Series {
    Series::marks(name, source(name), points)
}
