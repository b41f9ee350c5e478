//! Figures of how many latents and collective variables the data ask for.

use std::collections::{BTreeMap, BTreeSet};

use super::input::{Measured, Sweep, axis_values, measured, optional_numbers};
use super::models::is_latent;
use super::sweeps::{joined, replicate_series, spread};
use super::{
    Axis, Chart, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series, label,
};
use crate::tables::Table;

/// A further latent counts if it gains at least so many standard errors …
const ERRORS: f64 = 3.0;

/// … and at least so many nats per configuration.
const LEAST: f64 = 0.005;

/// Log-likelihood, agreement of correlations and gain against the number of latents.
pub(super) fn latents(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(latent) = input.axes.iter().find(|name| is_latent(name)) else {
        return Ok(None);
    };
    let further = input.axes.iter().filter(|name| *name != latent);
    let axes: Vec<String> = std::iter::once(latent).chain(further).cloned().collect();
    let input = &FigureInput {
        axes: &axes,
        ..*input
    };
    let mut panels = Vec::new();
    if let Some(table) = input.table("likelihood") {
        panels.push(Panel::Chart(likelihood(input, table)?));
    }
    if let Some(table) = input.table("statistics") {
        panels.push(Panel::Chart(agreement(input, table)?));
    }
    if let Some(table) = input.table("likelihood_blocks") {
        panels.push(Panel::Chart(gain_chart(input, table)?));
    }
    let subtitle = format!(
        "test data; bars: one standard error; open: from bounds; a further latent counts if it \
         gains at least {ERRORS} standard errors and {LEAST} nats"
    );
    Ok(input.drawn("number of latents", subtitle, Layout::Row, panels))
}

/// The swept number of latents, under either name of its column.
fn sweep(input: &FigureInput, table: &Table) -> Result<Sweep, PlotError> {
    let name = input.axes.first().map_or("latent", String::as_str);
    let name = if table.has(name) { name } else { "latent" };
    axis_values(table, name)
}

/// Quadrature where there is one of all configurations, else the importance-weighted bound,
/// as open marks: a quadrature of some of them has a larger error.
fn likelihood(input: &FigureInput, table: &Table) -> Result<Chart, PlotError> {
    let sweep = sweep(input, table)?;
    let exact = measured(table, "quadrature_nats", "quadrature_nats_se")?;
    let bound = measured(
        table,
        "importance_weighted_nats",
        "importance_weighted_nats_se",
    )?;
    let point = |row: usize| {
        let of_all = exact[row].filter(|(_, error)| {
            let other = bound[row].and_then(|(_, other)| other);
            error.is_none_or(|error| other.is_none_or(|other| error < 1.5 * other))
        });
        let filled = of_all.is_some();
        let (value, error) = of_all.or(bound[row])?;
        Some(Point {
            filled,
            ..Point::with_error(sweep.values[row], value, error)
        })
    };
    let series = replicate_series(input, table, point)?;
    Ok(chart(&sweep, label("log_likelihood_nats"), series))
}

/// Correlations of samples of the network against those of the data.
fn agreement(input: &FigureInput, table: &Table) -> Result<Chart, PlotError> {
    let sources = table.texts("source")?;
    let table = &table.filter(|row| sources[row] == "vae");
    let sweep = sweep(input, table)?;
    let values = measured(table, "correlation_r", "correlation_r_se")?;
    let point = |row: usize| {
        let (value, error) = values[row]?;
        Some(Point::with_error(sweep.values[row], value, error))
    };
    let series = replicate_series(input, table, point)?;
    Ok(chart(&sweep, label("correlation_r"), series))
}

fn chart(sweep: &Sweep, label: String, series: Vec<Series>) -> Chart {
    let drawn = series.iter().flat_map(|one| &one.points);
    let y = Axis::covering(label, drawn.flat_map(Point::heights));
    let x = Axis::counting(sweep.label.clone(), sweep.values.iter().copied());
    Chart::new(x, y, series)
}

/// Gain of each number of latents over the next smaller one, and how many are enough.
fn gain_chart(input: &FigureInput, table: &Table) -> Result<Chart, PlotError> {
    let sweep = sweep(input, table)?;
    let others = input.others(table);
    let settings: BTreeSet<&String> = others.iter().collect();
    let mut series = Vec::new();
    let mut notes = Vec::new();
    for (index, other) in settings.into_iter().enumerate() {
        let blocks = blocks(table, &sweep, |row| others[row] == *other)?;
        let gains = gains(&blocks);
        if let Some(note) = enough(&gains) {
            notes.push(joined(other, &note));
        }
        let points = gains.iter().map(|gain| Point {
            filled: !gain.is_bound,
            ..Point::with_error(gain.latents, gain.mean, gain.standard_error)
        });
        series.push(Series::marks(other, index, points.collect()));
    }
    let drawn = series.iter().flat_map(|one| &one.points);
    let heights = drawn.flat_map(Point::heights).chain([0.0, LEAST]);
    let y = Axis::covering(label("gain_nats"), heights);
    let x = Axis::counting(sweep.label.clone(), sweep.values.iter().copied());
    Ok(Chart {
        guides: vec![Guide::Horizontal(0.0), Guide::Horizontal(LEAST)],
        notes,
        ..Chart::new(x, y, spread(series))
    })
}

/// Log-likelihood of a block of test data under one network.
struct Block {
    configurations: f64,
    nats: f64,
    is_bound: bool,
}

/// The blocks of one number of latents, by replicate and number of the block.
type Network = BTreeMap<(i64, i64), Block>;

fn blocks(
    table: &Table,
    sweep: &Sweep,
    keep: impl Fn(usize) -> bool,
) -> Result<BTreeMap<i64, Network>, PlotError> {
    let (numbers, sizes) = (table.integers("block")?, table.integers("configurations")?);
    let (values, methods) = (
        table.numbers("log_likelihood_nats")?,
        table.texts("method")?,
    );
    let replicates = optional_numbers(table, "replicate")?;
    let mut blocks = BTreeMap::<i64, Network>::new();
    for row in (0..table.rows()).filter(|&row| keep(row)) {
        if let Some(nats) = values[row] {
            let replicate = replicates[row].unwrap_or(0.0) as i64;
            let of_network = blocks.entry(sweep.values[row] as i64).or_default();
            let block = Block {
                configurations: sizes[row] as f64,
                nats,
                is_bound: methods[row] != "quadrature",
            };
            of_network.insert((replicate, numbers[row]), block);
        }
    }
    Ok(blocks)
}

/// What a number of latents gains over the next smaller one.
struct Gain {
    fewer: f64,
    latents: f64,
    mean: f64,
    standard_error: Option<f64>,
    is_bound: bool,
}

fn gains(blocks: &BTreeMap<i64, Network>) -> Vec<Gain> {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let gain = |((&fewer, before), (&latents, after)): ((&i64, &Network), (&i64, &Network))| {
        let (mean, standard_error) = paired(before, after)?;
        Some(Gain {
            fewer: fewer as f64,
            latents: latents as f64,
            mean,
            standard_error,
            is_bound: before
                .values()
                .chain(after.values())
                .any(|block| block.is_bound),
        })
    };
    pairs.filter_map(gain).collect()
}

/// Mean difference over the configurations of all blocks and its standard error from
/// block to block. Differences are taken within a replicate and averaged over
/// replicates, block by block.
fn paired(fewer: &Network, more: &Network) -> Option<Measured> {
    let mut by_block: BTreeMap<i64, (f64, f64, f64)> = BTreeMap::new();
    for (key, block) in more {
        if let Some(other) = fewer.get(key) {
            let (size, sum, count) = by_block.entry(key.1).or_default();
            *size += block.configurations;
            *sum += block.nats - other.nats;
            *count += 1.0;
        }
    }
    let differences: Vec<(f64, f64)> = by_block
        .values()
        .map(|(size, sum, count)| (size / count, sum / count))
        .collect();
    let total: f64 = differences.iter().map(|(size, _)| size).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = differences.iter().map(|(n, d)| n * d).sum::<f64>() / total;
    let squares = differences
        .iter()
        .map(|(n, d)| (n / total * (d - mean)).powi(2));
    let count = differences.len() as f64;
    let error = (squares.sum::<f64>() * count / (count - 1.0)).sqrt();
    Some((mean, (count > 1.0).then_some(error)))
}

/// The smallest number of latents beyond which a further one does not count.
fn enough(gains: &[Gain]) -> Option<String> {
    let counts = |gain: &&Gain| {
        let error = gain.standard_error.unwrap_or(f64::INFINITY);
        gain.mean >= LEAST && gain.mean >= ERRORS * error
    };
    let last = gains.last()?;
    Some(match gains.iter().find(|gain| !counts(gain)) {
        Some(gain) => format!("{} are enough", gain.fewer),
        None => format!("{} still gain", last.latents),
    })
}

/// Singular values and what is lost with fewer collective variables.
pub(super) fn collective_variables(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("collective_variables") else {
        return Ok(None);
    };
    let (mut values, mut losses) = (Vec::new(), Vec::new());
    for (index, part) in input.ends(table)?.into_iter().enumerate() {
        let (singular, lost) = component_points(&part.table)?;
        values.push(Series {
            line: true,
            ..Series::marks(&part.heading, index + 1, singular)
        });
        losses.push(Series {
            line: true,
            ..Series::marks(&part.heading, index + 1, lost)
        });
    }
    let numbers = || table.numeric("component");
    let x =
        |label: &str| Ok::<_, PlotError>(Axis::counting(label, numbers()?.into_iter().flatten()));
    let heights = |series: &[Series]| -> Vec<f64> {
        let points = series.iter().flat_map(|one| &one.points);
        points.flat_map(Point::heights).collect()
    };
    let y = Axis::covering_logarithm(label("singular_value"), heights(&values));
    let left = Chart::new(x("collective variable")?, y, values);
    let zero = heights(&losses).into_iter().chain([0.0]);
    let y = Axis::covering(label("loss_nats"), zero);
    let right = Chart {
        guides: vec![Guide::Horizontal(0.0)],
        ..Chart::new(x("collective variables kept")?, y, spread(losses))
    };
    let panels = [left, right].map(Panel::Chart).to_vec();
    let subtitle = "filled: counts towards the effective rank; bars: one standard error; \
                    first replicate";
    Ok(input.drawn("collective variables", subtitle, Layout::Row, panels))
}

/// Singular values and losses against the number of the component.
fn component_points(table: &Table) -> Result<(Vec<Point>, Vec<Point>), PlotError> {
    let numbers = table.integers("component")?;
    let effective = table.flags("effective")?;
    let singular = table.numbers("singular_value")?;
    let losses = measured(table, "loss_nats", "loss_nats_se")?;
    let rows = || 0..table.rows();
    let values = rows().filter_map(|row| {
        Some(Point {
            filled: effective[row],
            ..Point::new(
                numbers[row] as f64,
                singular[row].filter(|value| *value > 0.0)?,
            )
        })
    });
    let lost = rows().filter_map(|row| {
        let (loss, error) = losses[row]?;
        Some(Point {
            filled: effective[row],
            ..Point::with_error(numbers[row] as f64, loss, error)
        })
    });
    Ok((values.collect(), lost.collect()))
}
