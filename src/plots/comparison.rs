//! One quantity of several folders, and below it their differences.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::input::{Sweep, axis_values, distinct};
use super::{
    Axis, Chart, Colour, Drawing, Guide, Layout, Panel, PlotError, Point, Series, label, render,
};
use crate::tables::{Column, Table};

/// Groups of rows that are drawn; of more, those with the largest differences.
const GROUPS: usize = 3;

/// Pixels by which the marks of the folders stand apart.
const APART: i32 = 5;

/// Draws one quantity of a comparison as PNG bytes: `table` has the columns of a table
/// `comparison` and the rows of one quantity. `None` if no row has numbers.
///
/// # Errors
///
/// [`PlotError::Table`] if a column is missing, and those of [`render`].
pub fn comparison_figure(table: &Table, baseline: &str) -> Result<Option<Vec<u8>>, PlotError> {
    comparison_drawing(table, baseline)?
        .as_ref()
        .map(render)
        .transpose()
}

/// The same as plain data: above the curves of all folders, below the differences from
/// `baseline` with their errors and the tolerance as a band.
///
/// # Errors
///
/// [`PlotError::Table`] if a column is missing.
pub fn comparison_drawing(table: &Table, baseline: &str) -> Result<Option<Drawing>, PlotError> {
    let means = table.numbers("baseline_mean")?;
    let table = &table.filter(|row| means[row].is_some());
    let others = table.numbers("other_mean")?;
    let table = &table.filter(|row| others[row].is_some());
    let (Some(name), Some(of)) = (
        table.texts("quantity")?.first(),
        table.texts("table")?.first(),
    ) else {
        return Ok(None);
    };
    let places = Places::new(table)?;
    let above = curves(table, &places, baseline)?;
    let below = differences(table, &places)?;
    let heights = |series: &[Series]| -> Vec<f64> {
        let points = series.iter().flat_map(|series| &series.points);
        points.flat_map(Point::heights).collect()
    };
    let x = places.sweep.axis();
    let hidden = Axis {
        label: String::new(),
        ..x.clone()
    };
    let values = Axis::covering(short(name), heights(&above));
    let spread = Axis::covering("difference", heights(&below).into_iter().chain([0.0]));
    let mut lower = Chart::new(x, spread, below);
    lower.guides.push(Guide::Horizontal(0.0));
    Ok(Some(Drawing {
        title: format!("{of}: {}", label(name)),
        subtitle: places.subtitle(table)?,
        panels: vec![
            Panel::Chart(Chart::new(hidden, values, above)),
            Panel::Chart(lower),
        ],
        layout: Layout::Columns(1),
        colour_bar: None,
    }))
}

/// A name that fits beside half a figure; the title has the whole one.
fn short(name: &str) -> String {
    const LONGEST: usize = 26;
    let whole = label(name);
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let words = name.rsplit('/').next().unwrap_or(name);
    words.replace("_nats", "").replace('_', " ")
}

/// Where the rows stand along the horizontal axis, and which belong together.
struct Places {
    sweep: Sweep,
    /// What tells the groups apart, row by row.
    groups: Vec<String>,
    /// The groups that are drawn.
    shown: Vec<String>,
    all: usize,
}

impl Places {
    fn new(table: &Table) -> Result<Self, PlotError> {
        let coordinates = coordinates(table);
        let varied = |name: &&String| {
            let values = axis_values(table, name)
                .map(|sweep| sweep.values)
                .unwrap_or_default();
            extent(values).is_some_and(|(low, high)| high > low)
        };
        let numeric = |name: &&String| matches!(table.column(name), Ok(Column::Number(_)));
        let along = coordinates.iter().filter(numeric).find(varied);
        let along = along.or_else(|| coordinates.iter().find(varied));
        let sweep = match along.or(coordinates.first()) {
            Some(name) => axis_values(table, name)?,
            None => Sweep {
                label: String::new(),
                values: vec![0.0; table.rows()],
                categories: vec![String::new()],
            },
        };
        let further: Vec<&String> = coordinates
            .iter()
            .filter(|name| Some(*name) != along)
            .collect();
        let described = |row: usize| {
            let parts = further.iter().filter(|name| varied(name));
            let parts = parts.filter_map(|name| super::input::named_value(table, name, row));
            parts.collect::<Vec<_>>().join(", ")
        };
        let groups: Vec<String> = (0..table.rows()).map(described).collect();
        let mut sizes: BTreeMap<&String, f64> = BTreeMap::new();
        for (group, z) in groups.iter().zip(table.numbers("z")?) {
            let size = sizes.entry(group).or_insert(0.0);
            *size = size.max(z.map_or(0.0, f64::abs));
        }
        let all = sizes.len();
        // Groups by the size of their differences; the first ones of equals.
        let mut order = sorted_groups(&sizes);
        order.truncate(GROUPS);
        let shown = order.into_iter().cloned().collect();
        Ok(Self {
            sweep,
            groups,
            shown,
            all,
        })
    }

    /// Number of the drawn group of a row, and its place along the axis.
    fn of(&self, row: usize) -> Option<(usize, f64)> {
        let group = self
            .shown
            .iter()
            .position(|group| *group == self.groups[row])?;
        let x = self.sweep.values[row];
        x.is_finite().then_some((group, x))
    }

    fn subtitle(&self, table: &Table) -> Result<String, PlotError> {
        let mut parts = vec!["bars: one standard error".to_owned()];
        if table
            .numbers("tolerance")?
            .iter()
            .flatten()
            .any(|tolerance| *tolerance > 0.0)
        {
            parts.push("band: tolerance".to_owned());
        }
        parts.push("filled below: differs".to_owned());
        if self.all > self.shown.len() {
            parts.push(format!(
                "{} of {} groups, the farthest apart",
                self.shown.len(),
                self.all
            ));
        }
        Ok(parts.join("; "))
    }
}

fn sorted_groups<'g>(sizes: &BTreeMap<&'g String, f64>) -> Vec<&'g String> {
    let mut order: Vec<(&String, f64)> =
        sizes.iter().map(|(group, size)| (*group, *size)).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.into_iter().map(|(group, _)| group).collect()
}

/// The columns between the names and the results.
fn coordinates(table: &Table) -> Vec<String> {
    let names = table.columns().iter().map(|(name, _)| name.clone());
    let after = names.skip_while(|name| name != "compared").skip(1);
    after.take_while(|name| name != "baseline_mean").collect()
}

/// A curve for each folder and group.
fn curves(table: &Table, places: &Places, baseline: &str) -> Result<Vec<Series>, PlotError> {
    let sides = table.texts("compared")?;
    let names = distinct(sides);
    let first = |row: usize| sides[row] == names[0];
    let mut series = Vec::new();
    let of_baseline = points(
        table,
        places,
        ["baseline_mean", "baseline_standard_error"],
        first,
    )?;
    series.extend(named(baseline, 0, 0, places, of_baseline));
    for (number, name) in names.iter().enumerate() {
        let own = |row: usize| sides[row] == *name;
        let found = points(table, places, ["other_mean", "other_standard_error"], own)?;
        series.extend(named(name, number + 1, 1 + number as i32, places, found));
    }
    Ok(series)
}

/// The differences of each folder and group, over the bands of their tolerances.
fn differences(table: &Table, places: &Places) -> Result<Vec<Series>, PlotError> {
    let sides = table.texts("compared")?;
    let verdicts = table.texts("verdict")?;
    let mut series = bands(table, places)?;
    for (number, name) in distinct(sides).iter().enumerate() {
        let own = |row: usize| sides[row] == *name;
        let mut found = points(
            table,
            places,
            ["difference", "difference_standard_error"],
            own,
        )?;
        for (row, point) in found.iter_mut().flatten() {
            point.filled = verdicts[*row] == "differs";
        }
        series.extend(named("", number + 1, number as i32, places, found));
    }
    Ok(series)
}

/// The tolerances around zero; groups with the same tolerances share a band.
fn bands(table: &Table, places: &Places) -> Result<Vec<Series>, PlotError> {
    let tolerances = table.numbers("tolerance")?;
    let mut bands: Vec<Vec<Point>> = Vec::new();
    let mut of_group: Vec<Vec<Point>> = vec![Vec::new(); places.shown.len()];
    for (row, tolerance) in tolerances.iter().enumerate() {
        if let (Some((group, x)), Some(tolerance)) = (places.of(row), *tolerance) {
            of_group[group].push(Point::with_error(x, 0.0, Some(tolerance)));
        }
    }
    for mut points in of_group {
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points.dedup_by(|a, b| a.x.total_cmp(&b.x).is_eq());
        if points.len() > 1 && !bands.contains(&points) {
            bands.push(points);
        }
    }
    Ok(bands
        .into_iter()
        .map(|points| Series::curve("", 3, points))
        .collect())
}

/// The points of each group with their rows, of the rows of one folder.
fn points(
    table: &Table,
    places: &Places,
    [values, errors]: [&str; 2],
    own: impl Fn(usize) -> bool,
) -> Result<Vec<Vec<(usize, Point)>>, PlotError> {
    let (values, errors) = (table.numbers(values)?, table.numbers(errors)?);
    let mut found = vec![Vec::new(); places.shown.len()];
    for row in (0..table.rows()).filter(|&row| own(row)) {
        if let (Some((group, x)), Some(y)) = (places.of(row), values[row]) {
            found[group].push((row, Point::with_error(x, y, errors[row])));
        }
    }
    for points in &mut found {
        points.sort_by(|a, b| a.1.x.total_cmp(&b.1.x));
    }
    Ok(found)
}

/// One series a group: the colour says which folder, the mark which group.
fn named(
    side: &str,
    colour: usize,
    shift: i32,
    places: &Places,
    groups: Vec<Vec<(usize, Point)>>,
) -> Vec<Series> {
    let label = |group: usize| match (side, places.shown[group].as_str()) {
        ("", _) => String::new(),
        (side, "") => side.to_owned(),
        (side, group) => format!("{side}, {group}"),
    };
    let groups = groups.into_iter().enumerate();
    let series = groups.map(|(group, points)| Series {
        label: label(group),
        colour: Colour::Category(colour),
        marker: Some(group),
        line: places.sweep.categories.is_empty(),
        shift: shift * APART,
        points: points.into_iter().map(|(_, point)| point).collect(),
    });
    series.filter(|series| !series.points.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two folders over two temperatures, for so many sources each.
    fn table(sources: usize) -> Table {
        let rows = 4 * sources;
        let text = |of: &dyn Fn(usize) -> String| Column::Text((0..rows).map(of).collect());
        let number =
            |of: &dyn Fn(usize) -> Option<f64>| Column::Number((0..rows).map(of).collect());
        let columns = vec![
            ("table", text(&|_| "couplings".to_owned())),
            ("quantity", text(&|_| "coupling".to_owned())),
            (
                "compared",
                text(&|row| if row % 2 == 0 { "b" } else { "c" }.to_owned()),
            ),
            ("temperature", number(&|row| Some((row / 2 % 2) as f64))),
            ("source", text(&|row| format!("s{}", row / 4))),
            ("baseline_mean", number(&|_| Some(1.0))),
            ("baseline_standard_error", number(&|_| Some(0.5))),
            ("other_mean", number(&|row| Some(2.0 + row as f64))),
            ("other_standard_error", number(&|_| None)),
            ("difference", number(&|row| Some(1.0 + row as f64))),
            ("difference_standard_error", number(&|_| Some(0.5))),
            ("z", number(&|row| Some(2.0 + 2.0 * row as f64))),
            ("tolerance", number(&|_| Some(0.25))),
            (
                "verdict",
                text(&|row| if row == 3 { "differs" } else { "undecided" }.to_owned()),
            ),
        ];
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name.to_owned(), column));
        Table::from_columns("comparison", columns.collect()).unwrap()
    }

    fn charts(drawing: &Drawing) -> Vec<&Chart> {
        let panels = drawing.panels.iter();
        panels
            .filter_map(|panel| match panel {
                Panel::Chart(chart) => Some(chart),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn curves_stand_above_their_differences_and_the_tolerance() {
        let drawing = comparison_drawing(&table(1), "a").unwrap().unwrap();
        let charts = charts(&drawing);
        let labels: Vec<&str> = charts[0]
            .series
            .iter()
            .map(|series| series.label.as_str())
            .collect();
        assert_eq!(labels, ["a", "b", "c"]);
        let [band, b, c] = charts[1].series.as_slice() else {
            panic!("{:?}", charts[1].series)
        };
        assert_eq!(
            (band.marker, band.points[0].bar),
            (None, Some((-0.25, 0.25)))
        );
        assert_eq!(b.points[0].bar, Some((0.5, 1.5)));
        // Row 3 is folder c at the second temperature.
        let filled = |series: &Series| -> Vec<bool> {
            series.points.iter().map(|point| point.filled).collect()
        };
        assert_eq!(
            (filled(b), filled(c)),
            (vec![false, false], vec![false, true])
        );
        assert_eq!(b.colour, charts[0].series[1].colour);
    }

    #[test]
    fn of_many_groups_those_farthest_apart_are_drawn() {
        let drawing = comparison_drawing(&table(5), "a").unwrap().unwrap();
        let labels = charts(&drawing)[0]
            .series
            .iter()
            .map(|series| series.label.as_str());
        let of_baseline: Vec<&str> = labels.filter(|label| label.starts_with("a,")).collect();
        assert_eq!(
            of_baseline,
            ["a, source = s4", "a, source = s3", "a, source = s2"]
        );
        assert!(
            drawing.subtitle.contains("3 of 5 groups"),
            "{}",
            drawing.subtitle
        );
    }

    #[test]
    fn words_have_no_figure() {
        let table = table(1).filter(|_| false);
        assert_eq!(comparison_drawing(&table, "a").unwrap(), None);
    }
}
