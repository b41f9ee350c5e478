//! Figures of the effective model: its patterns and its collective potential.

use super::input::{Part, distinct};
use super::sweeps::joined;
use super::{
    Axis, Chart, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series, label,
};
use crate::tables::Table;

/// Panels of patterns, and columns of potentials.
const MOST: usize = 4;

/// Loadings of the patterns over the sites, sorted by the first one.
pub(super) fn effective_patterns(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("effective_sites") else {
        return Ok(None);
    };
    let parts = input.ends(table)?;
    let room = MOST / parts.len().max(1);
    let mut panels = Vec::new();
    for part in parts {
        let firmness = input.part_at("effective_patterns", part.point)?;
        let order = order(&part.table)?;
        let names = distinct(part.table.texts("parameter")?);
        let patterns = names
            .iter()
            .filter_map(|name| name.strip_prefix("pattern_"));
        for pattern in patterns.take(room) {
            let chart = loadings(&part, pattern, &order, firmness.as_ref())?;
            panels.push(Panel::Chart(chart));
        }
    }
    let subtitle = "filled circles: effective model, open if the pattern is not stable, with one \
                    standard error; orange squares: true";
    let layout = Layout::Columns(1);
    Ok(input.drawn("patterns of the effective model", subtitle, layout, panels))
}

/// The sites by descending loading on the first pattern.
fn order(table: &Table) -> Result<Vec<i64>, PlotError> {
    let (parameters, sites) = (table.texts("parameter")?, table.integers("site")?);
    let values = table.numbers("value")?;
    let first = (0..table.rows()).filter(|&row| parameters[row] == "pattern_1");
    let mut loaded: Vec<(f64, i64)> = first
        .map(|row| (values[row].unwrap_or(0.0), sites[row]))
        .collect();
    loaded.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(loaded.into_iter().map(|(_, site)| site).collect())
}

fn loadings(
    part: &Part,
    pattern: &str,
    order: &[i64],
    firmness: Option<&Table>,
) -> Result<Chart, PlotError> {
    let parameters = part.table.texts("parameter")?;
    let name = format!("pattern_{pattern}");
    let table = &part.table.filter(|row| parameters[row] == name);
    let sites = table.integers("site")?;
    let (values, exact) = (table.numbers("value")?, table.numbers("exact")?);
    let errors = table.numbers("standard_error")?;
    let rank = |row: usize| {
        let rank = order.iter().position(|site| *site == sites[row])?;
        Some(rank as f64)
    };
    let (remark, filled) = remark(pattern, firmness)?;
    let rows = || 0..table.rows();
    let truth = rows().filter_map(|row| Some(Point::new(rank(row)?, exact[row]?)));
    let found = rows().filter_map(|row| {
        Some(Point {
            filled,
            ..Point::with_error(rank(row)?, values[row]?, errors[row])
        })
    });
    let found = Series {
        marker: Some(0),
        ..Series::marks("", 1, found.collect())
    };
    let series = vec![
        Series {
            marker: Some(1),
            ..Series::marks("", 2, truth.collect())
        },
        found,
    ];
    let heights = series.iter().flat_map(|one| &one.points);
    let heights = heights.flat_map(Point::heights).chain([0.0]);
    let y = Axis::covering("loading", heights);
    let x = Axis::counting(
        "rank of the site by its loading on the first pattern",
        rows().filter_map(rank),
    );
    let heading = joined(&format!("pattern {pattern}"), &remark);
    Ok(Chart {
        heading: joined(&part.heading, &heading),
        guides: vec![Guide::Horizontal(0.0)],
        ..Chart::new(x, y, series)
    })
}

/// What is known of how firmly a pattern stands, and whether it is stable.
fn remark(pattern: &str, firmness: Option<&Table>) -> Result<(String, bool), PlotError> {
    let Some(table) = firmness else {
        return Ok((String::new(), true));
    };
    let numbers = table.integers("pattern")?;
    let Some(row) = numbers
        .iter()
        .position(|number| number.to_string() == pattern)
    else {
        return Ok((String::new(), true));
    };
    let is_stable = table.flags("stable")?[row];
    let share = |column: &str, name: &str| -> Result<Option<String>, PlotError> {
        let share = table.numbers(column)?[row];
        Ok(share.map(|share| format!("{:.0} % of {name}", 100.0 * share)))
    };
    let shares = [
        share("bootstrap_returned", "bootstraps")?,
        share("seeds_returned", "starts")?,
    ];
    let shares: Vec<String> = shares.into_iter().flatten().collect();
    let overlap = table.numbers("overlap")?[row];
    let known = [
        (!is_stable).then(|| "not stable".to_owned()),
        (!shares.is_empty()).then(|| format!("returned by {}", shares.join(" and "))),
        overlap.map(|overlap| format!("overlap {overlap:.3} with the true one")),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    Ok((known.join(", "), is_stable))
}

/// The collective potential along each pattern, and where the data are.
pub(super) fn collective_potential(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("collective_potential") else {
        return Ok(None);
    };
    let parts = input.ends(table)?;
    let room = MOST / parts.len().max(1);
    let mut columns = Vec::new();
    for part in parts {
        let patterns = part.table.integers("pattern")?.to_vec();
        for pattern in distinct(&patterns).into_iter().take(room) {
            let table = part.table.filter(|row| patterns[row] == pattern);
            let name = format!("pattern {pattern}");
            let heading = joined(&part.heading, &name);
            columns.push(potential_and_density(heading, &table)?);
        }
    }
    let count = columns.len();
    let (above, below): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let panels = above.into_iter().chain(below).map(Panel::Chart);
    let layout = Layout::Columns(count);
    Ok(input.drawn(
        "collective potential",
        "along each pattern, the other collective variables at their mean over the data",
        layout,
        panels.collect(),
    ))
}

fn potential_and_density(heading: String, table: &Table) -> Result<(Chart, Chart), PlotError> {
    let places = table.numbers("u")?;
    let curve = |column: &str, name: &str, number: usize| -> Result<Series, PlotError> {
        let pairs = places.iter().zip(table.numbers(column)?);
        let points = pairs.filter_map(|(u, value)| Some(Point::new((*u)?, (*value)?)));
        Ok(Series::curve(name, number, points.collect()))
    };
    let series = vec![
        curve("quadratic_nats", "best quadratic", 2)?,
        curve("potential_nats", "G(u)", 1)?,
    ];
    let x = Axis::covering(label("u"), places.iter().flatten().copied());
    let heights = series.iter().flat_map(|one| &one.points).map(|one| one.y);
    let y = Axis::covering(label("potential_nats"), heights);
    let above = Chart {
        heading,
        ..Chart::new(x.clone(), y, series)
    };
    let density = curve("data_density", "data", 0)?;
    let heights = density.points.iter().map(|one| one.y).chain([0.0]);
    let y = Axis::covering(label("data_density"), heights);
    Ok((above, Chart::new(x, y, vec![density])))
}
