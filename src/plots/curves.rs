//! Figures of curves, one a sweep point, coloured by the swept value.

use super::drawing::extent;
use super::input::{Part, optional_numbers, part_colour};
use super::{
    Axis, Chart, Colour, ColourBar, Drawing, FigureInput, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Components of a spectrum that are drawn.
const COMPONENTS: f64 = 16.0;

/// Singular values below this fraction of the largest are rounding errors.
const NOISE: f64 = 1e-8;

/// Singular values against their number, a panel a source.
pub(super) fn spectrum(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let title = "spectrum of the half-logits";
    let subtitle =
        "first replicate; filled marks: components that count towards the effective rank";
    let Some(table) = input.table("spectrum") else {
        return Ok(None);
    };
    let sources = table.texts("source")?;
    let x = Axis::linear("component", -0.5, COMPONENTS - 0.5);
    let mut charts = Vec::new();
    for source in ["encoded", "prior"] {
        let of_source = table.filter(|row| sources[row] == source);
        if !of_source.is_empty() {
            let y = label("singular_value");
            let curves = curves(input, &of_source, singular_values)?;
            charts.push((heading(source), curves, x.clone(), y));
        }
    }
    finish(
        input,
        table,
        (title, subtitle),
        charts,
        Axis::covering_logarithm,
    )
}

fn heading(source: &str) -> &'static str {
    if source == "prior" {
        "latents drawn from the prior"
    } else {
        "latents of the test data"
    }
}

fn singular_values(table: &Table) -> Result<Vec<Point>, PlotError> {
    let (components, values) = (
        table.numeric("component")?,
        table.numbers("singular_value")?,
    );
    let largest = extent(values.iter().flatten().copied()).map_or(0.0, |(_, high)| high);
    let rows = components.iter().zip(values).zip(table.flags("effective")?);
    Ok(rows
        .filter_map(|((component, value), &filled)| Some((((*component)?), ((*value)?), filled)))
        .filter(|(component, value, _)| *component < COMPONENTS && *value > NOISE * largest)
        .map(|(component, value, filled)| Point {
            filled,
            ..Point::new(component, value)
        })
        .collect())
}

/// Training and held-out ELBO against the epoch.
pub(super) fn learning_curves(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("training") else {
        return Ok(None);
    };
    let epochs = table.numeric("epoch")?.into_iter().flatten();
    let x = Axis::covering("epoch", epochs);
    let mut charts = Vec::new();
    for (heading, column) in [
        ("training", "elbo_nats"),
        ("held out", "validation_elbo_nats"),
    ] {
        let curves = curves(input, table, |part| against_epoch(part, column))?;
        charts.push((heading, best_marked(curves), x.clone(), label(column)));
    }
    let subtitle = "first replicate; marks: the epoch that the read-outs use";
    finish(
        input,
        table,
        ("learning curves", subtitle),
        charts,
        Axis::covering,
    )
}

/// Lines without marks, and a mark where a point is filled.
fn best_marked(curves: Vec<Series>) -> Vec<Series> {
    let mut series = Vec::new();
    for mut curve in curves {
        let best = curve
            .points
            .iter()
            .filter(|point| point.filled)
            .copied()
            .collect();
        let marks = Series {
            label: String::new(),
            line: false,
            points: best,
            ..curve.clone()
        };
        curve.marker = None;
        series.extend([curve, marks]);
    }
    series
}

fn against_epoch(table: &Table, column: &str) -> Result<Vec<Point>, PlotError> {
    let (epochs, values) = (table.numeric("epoch")?, optional_numbers(table, column)?);
    let rows = epochs.iter().zip(&values).zip(table.flags("best")?);
    let point = |((epoch, value), &filled): ((&Option<f64>, &Option<f64>), &bool)| {
        Some(Point {
            filled,
            ..Point::new((*epoch)?, (*value)?)
        })
    };
    Ok(rows.filter_map(point).collect())
}

/// One series a point of the sweep, first replicate.
fn curves(
    input: &FigureInput,
    table: &Table,
    points: impl Fn(&Table) -> Result<Vec<Point>, PlotError>,
) -> Result<Vec<Series>, PlotError> {
    let parts = input.parts(table)?;
    let bar = bar(input, table, &parts)?;
    let mut series = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let points = points(&part.table)?;
        if points.is_empty() {
            continue;
        }
        let label = if bar.is_some() {
            String::new()
        } else {
            part.heading.clone()
        };
        let colour = match part_colour(bar.as_ref(), part, index) {
            Colour::Category(_) if bar.is_none() => Colour::Category(index + 1),
            place => place,
        };
        series.push(Series {
            label,
            colour,
            marker: Some(0),
            line: true,
            shift: 0,
            points,
        });
    }
    Ok(series)
}

fn bar(input: &FigureInput, table: &Table, parts: &[Part]) -> Result<Option<ColourBar>, PlotError> {
    // Points that differ in more than one parameter need a legend of words.
    let single = input.axes.len() == 1;
    let bar = input.colour_bar(parts, &input.sweep(table)?);
    Ok(bar.filter(|_| single))
}

type Curves = (&'static str, Vec<Series>, Axis, String);

/// Charts side by side that share the range of their vertical axis.
fn finish(
    input: &FigureInput,
    table: &Table,
    (title, subtitle): (&str, &str),
    charts: Vec<Curves>,
    axis: impl Fn(String, Vec<f64>) -> Axis,
) -> Result<Option<Drawing>, PlotError> {
    let series = charts.iter().flat_map(|(_, series, _, _)| series);
    let heights: Vec<f64> = series
        .flat_map(|series| &series.points)
        .flat_map(Point::heights)
        .collect();
    if heights.is_empty() {
        return Ok(None);
    }
    let colour_bar = bar(input, table, &input.parts(table)?)?;
    let panel = |(heading, series, x, y): Curves| {
        let y = axis(y, heights.clone());
        let (guides, notes) = (Vec::new(), Vec::new());
        Panel::Chart(Chart {
            heading: heading.to_owned(),
            x,
            y,
            series,
            guides,
            notes,
        })
    };
    let filled = charts
        .into_iter()
        .filter(|(_, series, _, _)| !series.is_empty());
    Ok(Some(Drawing {
        title: input.titled(title),
        subtitle: subtitle.to_owned(),
        panels: filled.map(panel).collect(),
        layout: Layout::Row,
        colour_bar,
    }))
}
