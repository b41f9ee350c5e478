//! Figures that set what was read off beside what is known exactly.

use std::collections::BTreeMap;

use super::input::{Measured, Part, Sweep, distinct, measured, optional_numbers};
use super::style::source;
use super::sweeps::{joined, spread};
use super::{
    Axis, Chart, Colour, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Estimates of a coupling farther than this from the truth, as a part of it, are left
/// out of the figure: they would leave no room for the others.
const FARTHEST: f64 = 0.25;

/// Observables that get a panel, after the first order parameter.
const OBSERVABLES: [&str; 2] = ["energy_per_site", "specific_heat"];

/// Averages of data and network against the swept parameter, the exact ones as lines.
pub(super) fn thermodynamics(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("thermodynamics") else {
        return Ok(None);
    };
    let names = table.texts("observable")?;
    let order = order_observable(table)?;
    let chosen = order.as_deref().into_iter().chain(OBSERVABLES);
    let mut panels = Vec::new();
    for observable in chosen {
        let part = table.filter(|row| names[row] == observable);
        if !part.is_empty() {
            panels.push(Panel::Chart(observable_chart(input, &part, observable)?));
        }
    }
    Ok((!panels.is_empty()).then(|| Drawing {
        title: input.titled("averages of data and network"),
        subtitle: "bars: one standard error".to_owned(),
        panels,
        layout: Layout::Row,
        colour_bar: None,
    }))
}

/// The mean size of the first order parameter; its square, if that alone is known
/// exactly.
fn order_observable(table: &Table) -> Result<Option<String>, PlotError> {
    let (names, exact) = (table.texts("observable")?, table.numbers("exact")?);
    let Some(size) = names.iter().find(|name| name.starts_with("abs_")) else {
        return Ok(None);
    };
    let square = size.replacen("abs_", "squared_", 1);
    let is_known =
        |name: &str| (0..names.len()).any(|row| names[row] == name && exact[row].is_some());
    let chosen = if !is_known(size) && is_known(&square) {
        square
    } else {
        size.clone()
    };
    Ok(Some(chosen))
}

fn observable_chart(
    input: &FigureInput,
    table: &Table,
    observable: &str,
) -> Result<Chart, PlotError> {
    let sweep = input.sweep(table)?;
    let mut series = exact_lines(input, table, &sweep)?;
    let values = measured(table, "value", "standard_error")?;
    let sources = table.texts("source")?;
    series.extend(estimates(input, table, &sweep, sources, &values));
    // Open marks for the data, so that those of the network can be seen on them.
    for one in series
        .iter_mut()
        .filter(|one| one.label.starts_with("data"))
    {
        for point in &mut one.points {
            point.filled = false;
        }
    }
    Ok(chart(
        String::new(),
        &sweep,
        label(observable),
        series,
        Vec::new(),
    ))
}

/// Points of one name (a source, a method) that one or more sets of further parameters
/// share.
struct Shared {
    name: usize,
    others: Vec<String>,
    points: Vec<Point>,
}

/// Adds points to the sets, or their parameters to a set that has the same ones.
fn share(sets: &mut Vec<Shared>, name: usize, other: String, points: Vec<Point>) {
    let known = sets
        .iter_mut()
        .find(|set| set.name == name && set.points == points);
    match known {
        Some(set) => set.others.push(other),
        None => sets.push(Shared {
            name,
            others: vec![other],
            points,
        }),
    }
}

impl Shared {
    /// The parameters that all of them have in common.
    fn common(&self) -> String {
        let parts = self.others[0].split(", ");
        let in_all = |part: &&str| {
            let has = |other: &String| other.split(", ").any(|own| own == *part);
            self.others.iter().all(has)
        };
        parts.filter(in_all).collect::<Vec<_>>().join(", ")
    }
}

/// A line through the exact values for each replicate and set of further parameters;
/// equal lines once.
fn exact_lines(
    input: &FigureInput,
    table: &Table,
    sweep: &Sweep,
) -> Result<Vec<Series>, PlotError> {
    let (exact, others) = (table.numbers("exact")?, input.others(table));
    let replicates = optional_numbers(table, "replicate")?;
    let mut lines: Vec<Shared> = Vec::new();
    let keys: Vec<_> = others.iter().cloned().zip(replicates).collect();
    for key in distinct(&keys) {
        let rows = (0..table.rows()).filter(|&row| keys[row] == key);
        let mut points: Vec<Point> = rows
            .filter_map(|row| Some(Point::new(sweep.values[row], exact[row]?)))
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points.dedup_by(|a, b| a.x.total_cmp(&b.x).is_eq());
        if !points.is_empty() {
            share(&mut lines, 0, key.0, points);
        }
    }
    let single = lines.len() == 1;
    let line = |(index, set): (usize, Shared)| Series {
        label: joined("exact", &set.common()),
        colour: Colour::Category(if single { source("exact") } else { index + 1 }),
        marker: None,
        line: true,
        shift: 0,
        points: set.points,
    };
    Ok(lines.into_iter().enumerate().map(line).collect())
}

/// Marks with error bars for each name (source or method) and further parameters.
fn estimates(
    input: &FigureInput,
    table: &Table,
    sweep: &Sweep,
    names: &[String],
    values: &[Option<Measured>],
) -> Vec<Series> {
    let others = input.others(table);
    let single = others.iter().all(String::is_empty);
    let known = distinct(names);
    let of_sources = known.contains(&"vae".to_owned());
    let mut groups: BTreeMap<(usize, &str), Vec<Point>> = BTreeMap::new();
    for (row, measured) in values.iter().enumerate() {
        let name = known.iter().position(|name| *name == names[row]);
        if let (Some((value, error)), Some(name)) = (*measured, name) {
            let point = Point::with_error(sweep.values[row], value, error);
            let key = (name, others[row].as_str());
            groups.entry(key).or_default().push(point);
        }
    }
    let mut sets = Vec::new();
    for ((name, other), points) in groups {
        share(&mut sets, name, other.to_owned(), points);
    }
    let series = sets.into_iter().enumerate().map(|(index, set)| {
        let name = known[set.name].as_str();
        let number = if of_sources {
            source(name)
        } else {
            set.name + 1
        };
        Series {
            label: joined(&words(name), &set.common()),
            colour: Colour::Category(if single { number } else { index + 1 }),
            marker: Some(if single { number } else { index }),
            line: false,
            shift: 0,
            points: set.points,
        }
    });
    series.collect()
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Estimates of the coupling over the true one against the swept parameter.
pub(super) fn couplings(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("couplings") else {
        return Ok(None);
    };
    let quantities = table.texts("quantity")?;
    let table = &table.filter(|row| quantities[row] == "coupling");
    let (exact, methods) = (table.numbers("exact")?.to_vec(), table.texts("method")?);
    if table.is_empty() {
        return Ok(None);
    }
    let sweep = input.sweep(table)?;
    let ratios: Vec<Option<Measured>> = measured(table, "value", "standard_error")?
        .into_iter()
        .zip(exact)
        .map(|(measured, exact)| relative(measured?, exact))
        .collect();
    let series = estimates(input, table, &sweep, methods, &ratios);
    let panel = chart(
        String::new(),
        &sweep,
        "coupling read off / true coupling".to_owned(),
        spread(series),
        vec![Guide::Horizontal(1.0)],
    );
    Ok(Some(Drawing {
        title: input.titled("couplings"),
        subtitle: format!(
            "bars: one standard error; estimates off by more than {:.0} % are left out",
            100.0 * FARTHEST
        ),
        panels: vec![Panel::Chart(panel)],
        layout: Layout::Row,
        colour_bar: None,
    }))
}

/// A value with its error over the truth; nothing if that is not known or far away.
fn relative(measured: Measured, exact: Option<f64>) -> Option<Measured> {
    let exact = exact.filter(|exact| *exact > 0.0)?;
    let ratio = measured.0 / exact;
    let near = (ratio - 1.0).abs() <= FARTHEST;
    near.then(|| (ratio, measured.1.map(|error| error / exact)))
}

/// Density of the mean field, learned and exact, at the lowest and the highest
/// swept value.
pub(super) fn field(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("field") else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for part in input.ends(table)? {
        panels.push(Panel::Chart(field_chart(part)?));
    }
    Ok((!panels.is_empty()).then(|| Drawing {
        title: input.titled("distribution of the mean field"),
        subtitle: "bars: one standard error".to_owned(),
        panels,
        layout: Layout::Row,
        colour_bar: None,
    }))
}

fn field_chart(part: Part) -> Result<Chart, PlotError> {
    let table = &part.table;
    let (sources, fields) = (table.texts("source")?, table.numbers("field")?);
    let densities = table.numbers("density")?;
    let errors = optional_numbers(table, "standard_error")?;
    let series = ["exact", "vae"].map(|name| {
        let rows = (0..table.rows()).filter(|&row| sources[row] == name);
        let point = |row: usize| {
            let error = errors[row].filter(|_| name == "vae");
            Some(Point::with_error(fields[row]?, densities[row]?, error))
        };
        Series {
            label: name.to_owned(),
            colour: Colour::Category(source(name)),
            marker: (name == "vae").then_some(source(name)),
            line: name == "exact",
            shift: 0,
            points: rows.filter_map(point).collect(),
        }
    });
    let drawn = || series.iter().flat_map(|one| &one.points);
    let x = Axis::covering(label("field"), drawn().map(|point| point.x));
    let heights = drawn().flat_map(Point::heights).chain([0.0]);
    let y = Axis::covering(label("density"), heights);
    Ok(Chart {
        heading: part.heading,
        x,
        y,
        series: series
            .into_iter()
            .filter(|one| !one.points.is_empty())
            .collect(),
        guides: Vec::new(),
        notes: Vec::new(),
    })
}

/// A chart against the swept parameter that shows all of its points.
fn chart(
    heading: String,
    sweep: &Sweep,
    label: String,
    series: Vec<Series>,
    guides: Vec<Guide>,
) -> Chart {
    let points = series.iter().flat_map(|one| &one.points);
    let lines = guides.iter().filter_map(|guide| match guide {
        Guide::Horizontal(value) => Some(*value),
        Guide::Diagonal => None,
    });
    let y = Axis::covering(label, points.flat_map(Point::heights).chain(lines));
    Chart {
        heading,
        x: sweep.axis(),
        y,
        series,
        guides,
        notes: Vec::new(),
    }
}
