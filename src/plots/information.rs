//! Figures of rate, mutual information and verdict.

use super::input::{Sweep, axis_values, distinct, optional_numbers};
use super::sweeps::{joined, spread};
use super::{
    Axis, Chart, Colour, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Panels of one figure, at most; more would be too small to read.
const PANELS: usize = 3;
/// Missing parts of the correlations below this are drawn here.
const SMALLEST_PART: f64 = 1e-4;

/// A curve: column, name, whether it is one of every partition.
struct Curve {
    column: &'static str,
    name: &'static str,
    of_partition: bool,
}

const CURVES: [Curve; 4] = [
    Curve {
        column: "hubbard_stratonovich_rate_nats",
        name: "field of the theory",
        of_partition: false,
    },
    Curve {
        column: "rate_nats",
        name: "rate R",
        of_partition: false,
    },
    Curve {
        column: "latent_information_nats",
        name: "carried I(x; z)",
        of_partition: false,
    },
    Curve {
        column: "mutual_information_nats",
        name: "I(A; B)",
        of_partition: true,
    },
];

/// Rate, information of the latents, rate of the theory's field and mutual information
/// against the first swept parameter, a panel for each set of the others.
pub(super) fn information(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("information") else {
        return Ok(None);
    };
    let others = input.others(table);
    let known = distinct(&estimates(table)?);
    let mut panels = Vec::new();
    for chosen in evenly(&distinct(&others)) {
        let part = table.filter(|row| others[row] == chosen);
        let sweep = input.sweep(&part)?;
        let x = sweep.axis();
        panels.push(Panel::Chart(curves(&part, &known, &sweep, x, chosen)?));
    }
    Ok(drawn(input, "what latents carry and parts share", panels))
}

/// The same against the number of sites on a logarithmic axis, if that was swept.
pub(super) fn information_size(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("information") else {
        return Ok(None);
    };
    let is_size = |name: &&String| name.ends_with("sites") || name.ends_with("side");
    let Some(size) = input.axes.iter().find(is_size) else {
        return Ok(None);
    };
    let further: Vec<String> = std::iter::once(size)
        .chain(input.axes.iter().filter(|name| *name != size))
        .cloned()
        .collect();
    let turned = FigureInput {
        axes: &further,
        ..*input
    };
    let others = turned.others(table);
    let known = distinct(&estimates(table)?);
    let mut panels = Vec::new();
    for chosen in evenly(&distinct(&others)) {
        let part = table.filter(|row| others[row] == chosen);
        let column = size.rsplit('.').next().unwrap_or(size);
        let name = if part.has(column) {
            column
        } else {
            size.as_str()
        };
        let sweep = axis_values(&part, name)?;
        let x = Axis::covering_logarithm(sweep.label.clone(), sweep.values.iter().copied());
        panels.push(Panel::Chart(curves(&part, &known, &sweep, x, chosen)?));
    }
    Ok(drawn(input, "information against size", panels))
}

/// Up to [`PANELS`] of the values, first and last among them.
fn evenly(values: &[String]) -> Vec<String> {
    if values.len() <= PANELS {
        return values.to_vec();
    }
    let pick = |panel: usize| values[(panel * (values.len() - 1)).div_ceil(PANELS - 1)].clone();
    (0..PANELS).map(pick).collect()
}

fn drawn(input: &FigureInput, title: &str, panels: Vec<Panel>) -> Option<Drawing> {
    (!panels.is_empty()).then(|| Drawing {
        title: input.titled(title),
        subtitle: "bars: one standard error".to_owned(),
        panels,
        layout: Layout::Row,
        colour_bar: None,
    })
}

/// The partition of each row, with the method where it is an estimate.
fn estimates(table: &Table) -> Result<Vec<String>, PlotError> {
    let partitions = table.texts("partition")?;
    let methods = table.texts("mutual_information_method")?;
    let names = partitions
        .iter()
        .zip(methods)
        .map(|(partition, method)| match method.as_str() {
            "info_nce" | "active_counts" => format!("{partition}, {method}").replace('_', " "),
            _ => partition.replace('_', " "),
        });
    Ok(names.collect())
}

/// All curves of one panel; `known` are the estimates of all panels, so that each has
/// one colour.
fn curves(
    table: &Table,
    known: &[String],
    sweep: &Sweep,
    x: Axis,
    heading: String,
) -> Result<Chart, PlotError> {
    let keys = estimates(table)?;
    let mut series: Vec<Series> = Vec::new();
    for curve in &CURVES {
        let groups = if curve.of_partition {
            known
        } else {
            &keys[..1]
        };
        for group in groups {
            let points = points(table, sweep, curve.column, |row| keys[row] == *group)?;
            let name = if curve.of_partition {
                joined(curve.name, group)
            } else {
                curve.name.to_owned()
            };
            let number = series.len();
            // The theory's own field is a line behind the marks, all else marks.
            let theory = curve.column.starts_with("hubbard");
            series.push(Series {
                label: name,
                colour: Colour::Category(number),
                marker: (!theory).then_some(number),
                line: theory || curve.of_partition,
                shift: 0,
                points,
            });
        }
    }
    series.retain(|one| !one.points.is_empty());
    let heights = series.iter().flat_map(|one| &one.points);
    let heights = heights.flat_map(Point::heights).chain([0.0]);
    Ok(Chart {
        heading,
        x,
        y: Axis::covering("nats per configuration", heights),
        series,
        guides: Vec::new(),
        notes: Vec::new(),
    })
}

/// The points of a column with its errors, by ascending place.
fn points(
    table: &Table,
    sweep: &Sweep,
    column: &str,
    keep: impl Fn(usize) -> bool,
) -> Result<Vec<Point>, PlotError> {
    let values = table.numbers(column)?;
    let errors = table.numbers(&format!("{column}_se"))?;
    let rows = (0..table.rows()).filter(|&row| keep(row));
    let mut points: Vec<Point> = rows
        .filter_map(|row| {
            let error = errors[row].filter(|error| *error > 0.0);
            Some(Point::with_error(sweep.values[row], values[row]?, error))
        })
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Ok(points)
}

/// Slack of the certified inequality, a series a partition.
pub(super) fn bound_slack(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("information") else {
        return Ok(None);
    };
    let sweep = input.sweep(table)?;
    let partitions = table.texts("partition")?;
    let mut series = Vec::new();
    for (number, partition) in distinct(partitions).iter().enumerate() {
        series.push(Series {
            label: partition.replace('_', " "),
            colour: Colour::Category(number + 1),
            marker: Some(number),
            line: false,
            shift: 0,
            points: points(table, &sweep, "bound_slack_nats", |row| {
                partitions[row] == *partition
            })?,
        });
    }
    series.retain(|one| !one.points.is_empty());
    if series.is_empty() {
        return Ok(None);
    }
    let heights = series.iter().flat_map(|one| &one.points);
    let heights = heights.flat_map(Point::heights).chain([0.0]);
    let chart = Chart {
        heading: String::new(),
        x: sweep.axis(),
        y: Axis::covering(label("bound_slack_nats"), heights),
        series: spread(series),
        guides: vec![Guide::Horizontal(0.0)],
        notes: Vec::new(),
    };
    Ok(Some(Drawing {
        title: input.titled("slack of the certified inequality"),
        subtitle: "all points of the sweep; never below 0 but for errors (one standard error)"
            .to_owned(),
        panels: vec![Panel::Chart(chart)],
        layout: Layout::Row,
        colour_bar: None,
    }))
}

/// The part of the correlations that is missing, a series a verdict.
pub(super) fn verdict(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("verdict") else {
        return Ok(None);
    };
    let sweep = input.sweep(table)?;
    let verdicts = table.texts("verdict")?;
    let (parts, errors) = (
        optional_numbers(table, "missing_fraction")?,
        optional_numbers(table, "missing_fraction_se")?,
    );
    let series = ["mean_field", "undecided", "not_mean_field"];
    let series: Vec<Series> = series
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let rows = (0..table.rows()).filter(|&row| verdicts[row] == *name);
            let point = |row: usize| {
                let part = parts[row]?.max(SMALLEST_PART);
                let ends = errors[row].map(|error| {
                    let low = (part - error).max(SMALLEST_PART);
                    (low, part + error)
                });
                Some(Point {
                    bar: ends,
                    ..Point::new(sweep.values[row], part)
                })
            };
            Series {
                label: name.replace('_', " "),
                colour: Colour::Category(number + 1),
                marker: Some(number),
                line: false,
                shift: 0,
                points: rows.filter_map(point).collect(),
            }
        })
        .filter(|one| !one.points.is_empty())
        .collect();
    let allowed = table
        .numbers("allowed_fraction")?
        .first()
        .copied()
        .flatten();
    let heights = series.iter().flat_map(|one| &one.points);
    let heights = heights.flat_map(Point::heights).chain(allowed);
    let chart = Chart {
        heading: String::new(),
        x: sweep.axis(),
        y: Axis::covering_logarithm(label("missing_fraction"), heights),
        series: spread(series),
        guides: allowed.map(Guide::Horizontal).into_iter().collect(),
        notes: Vec::new(),
    };
    Ok(Some(Drawing {
        title: input.titled("verdict"),
        subtitle: format!(
            "all points of the sweep; line: what a theory may miss; parts below {SMALLEST_PART} \
             at {SMALLEST_PART}; bars: one standard error"
        ),
        panels: vec![Panel::Chart(chart)],
        layout: Layout::Row,
        colour_bar: None,
    }))
}
