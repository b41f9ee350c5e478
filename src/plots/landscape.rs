//! Figures of the energy landscape: its basins and what is active in them.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::heat::cell_map;
use super::input::{Part, distinct};
use super::{
    Axis, Chart, ColourBar, Drawing, FigureInput, HeatMap, Layout, Panel, PlotError, Point, Series,
    label,
};
use crate::tables::Table;

/// Rates that differ from the overall one by less than so many standard errors are not
/// shown as different.
const ERRORS: f64 = 2.0;

/// Ratios of rates beyond 2 to this power have the last colour.
const WIDEST: f64 = 4.0;

/// Energy in the latent plane with the minima of the basins; a curve for one latent.
pub(super) fn landscape(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("landscape") else {
        return Ok(None);
    };
    let parts = input.ends(table)?;
    let mut energies = Vec::new();
    for part in &parts {
        energies.extend(part.table.numbers("energy_nats")?.iter().flatten().copied());
    }
    let Some((low, high)) = extent(energies) else {
        return Ok(None);
    };
    let bar = ColourBar {
        axis: Axis::linear(label("energy_nats"), low, high),
        diverging: false,
    };
    let mut panels = Vec::new();
    for part in parts {
        let basins = minima(input, part.point)?;
        let depths = part.table.numbers("y")?;
        let is_curve = depths.iter().all(|y| *y == depths[0]);
        panels.push(if is_curve {
            Panel::Chart(curve(part, &basins)?)
        } else {
            Panel::HeatMap(plane(part, &basins, &bar)?)
        });
    }
    let coloured = panels.iter().any(|one| matches!(one, Panel::HeatMap(_)));
    let subtitle = "−ln p of the data; numbers: minima of the basins; first replicate";
    let drawing = input.drawn("energy landscape", subtitle, Layout::Row, panels);
    Ok(drawing.map(|drawing| Drawing {
        colour_bar: coloured.then_some(bar),
        ..drawing
    }))
}

/// Number, place and energy of a basin's minimum.
struct Minimum {
    basin: i64,
    x: f64,
    y: f64,
    energy: f64,
}

fn minima(input: &FigureInput, point: Option<f64>) -> Result<Vec<Minimum>, PlotError> {
    let Some(table) = input.part_at("basins", point)? else {
        return Ok(Vec::new());
    };
    let basins = table.integers("basin")?;
    let (x, y) = (table.numbers("x")?, table.numbers("y")?);
    let energies = table.numbers("energy_nats")?;
    let minimum = |row: usize| {
        Some(Minimum {
            basin: basins[row],
            x: x[row]?,
            y: y[row]?,
            energy: energies[row]?,
        })
    };
    Ok((0..table.rows()).filter_map(minimum).collect())
}

fn plane(part: Part, basins: &[Minimum], bar: &ColourBar) -> Result<HeatMap, PlotError> {
    let table = &part.table;
    let (x, y) = (table.numbers("x")?, table.numbers("y")?);
    let energies = table.numbers("energy_nats")?;
    let cell = |row: usize| Some((x[row]?, y[row]?, bar.colour(energies[row]?)));
    let cells = (0..table.rows()).filter_map(cell).collect();
    let labels = ["first latent", "second latent"].map(str::to_owned);
    let marks = basins.iter().map(|one| (one.x, one.y, one.basin));
    Ok(HeatMap {
        marks: marks.collect(),
        ..cell_map(part.heading, labels, cells)
    })
}

fn curve(part: Part, basins: &[Minimum]) -> Result<Chart, PlotError> {
    let pairs = part.table.numbers("x")?.iter();
    let pairs = pairs.zip(part.table.numbers("energy_nats")?);
    let mut points: Vec<Point> = pairs
        .filter_map(|(x, energy)| Some(Point::new((*x)?, (*energy)?)))
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    let minimum = |(index, one): (usize, &Minimum)| {
        let place = vec![Point::new(one.x, one.energy)];
        Series::marks(format!("basin {}", one.basin), index + 1, place)
    };
    let minima = basins.iter().enumerate().map(minimum);
    let series = std::iter::once(Series::curve("", 0, points)).chain(minima);
    let series: Vec<Series> = series.collect();
    let drawn = || series.iter().flat_map(|one| &one.points);
    let x = Axis::covering("latent", drawn().map(|point| point.x));
    let y = Axis::covering(label("energy_nats"), drawn().map(|point| point.y));
    Ok(Chart {
        heading: part.heading,
        ..Chart::new(x, y, series)
    })
}

/// Which sites are more and less active in each basin than overall.
pub(super) fn basin_patterns(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("basin_sites") else {
        return Ok(None);
    };
    let mut ratios = Vec::new();
    for part in input.ends(table)? {
        let names = names(input, &part)?;
        ratios.push((part.heading, names, log_ratios(&part.table)?));
    }
    let sizes = ratios.iter().flat_map(|(_, _, rows)| rows.values());
    let sizes = sizes.flat_map(|row| row.values()).map(|ratio| ratio.abs());
    let limit = sizes.fold(1.0, f64::max).min(WIDEST);
    let bar = ColourBar {
        axis: Axis::linear("log₂ of the ratio", -limit, limit),
        diverging: true,
    };
    let panels = ratios
        .into_iter()
        .map(|(heading, names, rows)| Panel::HeatMap(basin_map(heading, names, &rows, &bar)));
    let subtitle = format!(
        "rate in the basin over the overall rate; white: within {ERRORS} standard errors of it"
    );
    let title = "activity of the sites in the basins";
    let drawing = input.drawn(title, subtitle, Layout::Columns(1), panels.collect());
    Ok(drawing.map(|drawing| Drawing {
        colour_bar: Some(bar),
        ..drawing
    }))
}

/// The basins of a part with their probabilities, by number.
fn names(input: &FigureInput, part: &Part) -> Result<BTreeMap<i64, String>, PlotError> {
    let basins = distinct(part.table.integers("basin")?);
    let mut names: BTreeMap<i64, String> = basins
        .into_iter()
        .map(|basin| (basin, format!("basin {basin}")))
        .collect();
    if let Some(table) = input.part_at("basins", part.point)? {
        let probabilities = table.numbers("probability")?;
        for (basin, probability) in table.integers("basin")?.iter().zip(probabilities) {
            if let (Some(name), Some(probability)) = (names.get_mut(basin), probability) {
                *name = format!("basin {basin} ({:.1} %)", 100.0 * probability);
            }
        }
    }
    Ok(names)
}

/// Logarithm to base 2 of the ratio of rates, of each basin and site; 0 where it is
/// within the errors.
fn log_ratios(table: &Table) -> Result<BTreeMap<i64, BTreeMap<i64, f64>>, PlotError> {
    let (basins, sites) = (table.integers("basin")?, table.integers("site")?);
    let (rates, errors) = (table.numbers("rate")?, table.numbers("rate_se")?);
    let overall = table.numbers("overall_rate")?;
    let mut rows: BTreeMap<i64, BTreeMap<i64, f64>> = BTreeMap::new();
    for row in 0..table.rows() {
        let overall = overall[row].filter(|rate| *rate > 0.0);
        if let (Some(rate), Some(overall)) = (rates[row], overall) {
            let error = errors[row].unwrap_or(0.0);
            let is_alike = (rate - overall).abs() <= ERRORS * error;
            // A rate of 0 has the last colour.
            let ratio = (rate / overall).log2().max(-WIDEST);
            let ratio = if is_alike { 0.0 } else { ratio };
            rows.entry(basins[row])
                .or_default()
                .insert(sites[row], ratio);
        }
    }
    Ok(rows)
}

fn basin_map(
    heading: String,
    names: BTreeMap<i64, String>,
    rows: &BTreeMap<i64, BTreeMap<i64, f64>>,
    bar: &ColourBar,
) -> HeatMap {
    let order = site_order(rows);
    let mut cells = Vec::new();
    for (place, basin) in names.keys().rev().enumerate() {
        let row = rows.get(basin);
        for (rank, site) in order.iter().enumerate() {
            if let Some(ratio) = row.and_then(|row| row.get(site)) {
                cells.push((rank as f64, place as f64, bar.colour(*ratio)));
            }
        }
    }
    HeatMap {
        heading,
        x: Axis::counting(
            "rank of the site by the basin in which it is most active",
            [0.0, order.len().saturating_sub(1) as f64],
        ),
        y: Axis::named("", names.into_values().rev().collect()),
        cell: (1.0, 1.0),
        cells,
        marks: Vec::new(),
    }
}

/// The sites by the basin with their largest ratio, the most active ones of it first.
fn site_order(rows: &BTreeMap<i64, BTreeMap<i64, f64>>) -> Vec<i64> {
    let mut best: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
    for (basin, row) in rows {
        for (site, ratio) in row {
            let known = best.entry(*site).or_insert((*basin, *ratio));
            if *ratio > known.1 {
                *known = (*basin, *ratio);
            }
        }
    }
    let mut order: Vec<(i64, (i64, f64))> = best.into_iter().collect();
    order.sort_by(|a, b| a.1.0.cmp(&b.1.0).then(b.1.1.total_cmp(&a.1.1)));
    order.into_iter().map(|(site, _)| site).collect()
}
