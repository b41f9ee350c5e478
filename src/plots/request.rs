//! Figures that a manifest asks for by naming columns.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::input::{Sweep, axis_values, optional_numbers};
use super::{
    Axis, Chart, Colour, ColourBar, Drawing, FigureInput, Layout, Panel, PlotError, Point, Series,
    label, render,
};
use crate::tables::Table;

/// More values of a series column than this get a colour bar, not a legend.
const LEGEND: usize = 7;

/// A figure of one column against another.
///
/// Where the table has a column `method` or `source` that the request does not
/// name, its values are kept apart as series with marks of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlotRequest {
    /// Name of the figure, and of its file.
    pub name: String,
    /// Title of the figure; its name if there is none.
    pub title: Option<String>,
    /// Table it reads.
    pub table: String,
    /// Column along the horizontal axis.
    pub x: String,
    /// Column along the vertical axis.
    pub y: String,
    /// Column whose values tell the series apart.
    pub series: Option<String>,
    /// Column of standard errors of `y`; `<y>_se` if that is there.
    pub error: Option<String>,
}

impl PlotRequest {
    /// Builds the figure as plain data. `None` if the table has no row with
    /// both numbers.
    ///
    /// # Errors
    ///
    /// [`PlotError::NoTable`] if the experiment has no such table,
    /// [`PlotError::Table`] if it lacks a column or has one of another kind.
    pub fn build(&self, input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
        let table = input
            .tables
            .get(&self.table)
            .ok_or_else(|| self.no_table(input))?;
        let x = axis_values(table, &self.x)?;
        let groups = Groups::new(self, table)?;
        let points = self.points(table, &x)?;
        if points.is_empty() {
            return Ok(None);
        }
        let heights = points.iter().flat_map(|(_, point)| point.heights());
        let y = Axis::covering(label(&self.y), heights);
        let colour_bar = groups.colour_bar(&points);
        let series = groups.series(&points, colour_bar.as_ref());
        let (heading, guides, notes) = (String::new(), Vec::new(), Vec::new());
        let chart = Chart {
            heading,
            x: x.axis(),
            y,
            series,
            guides,
            notes,
        };
        let title = self.title.clone();
        let title = title.unwrap_or_else(|| self.name.replace('_', " "));
        Ok(Some(Drawing {
            title: input.titled(&title),
            subtitle: String::new(),
            panels: vec![Panel::Chart(chart)],
            layout: Layout::Row,
            colour_bar,
        }))
    }

    /// Draws the figure as PNG bytes. `None` if there is nothing to draw.
    ///
    /// # Errors
    ///
    /// As [`PlotRequest::build`] and [`render`].
    pub fn draw(&self, input: &FigureInput) -> Result<Option<Vec<u8>>, PlotError> {
        self.build(input)?.as_ref().map(render).transpose()
    }

    /// The points with the numbers of their rows.
    fn points(&self, table: &Table, x: &Sweep) -> Result<Vec<(usize, Point)>, PlotError> {
        let values = table.numeric(&self.y)?;
        let errors = match &self.error {
            Some(name) => table.numeric(name)?,
            None => optional_numbers(table, &format!("{}_se", self.y))?,
        };
        let point = |row: usize| {
            let place = x.values[row].is_finite().then_some(x.values[row])?;
            Some((row, Point::with_error(place, values[row]?, errors[row])))
        };
        Ok((0..table.rows()).filter_map(point).collect())
    }

    fn no_table(&self, input: &FigureInput) -> PlotError {
        let known: Vec<String> = input
            .tables
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        PlotError::NoTable {
            plot: self.name.clone(),
            table: self.table.clone(),
            known: known.join(", "),
        }
    }
}

/// What tells the series of a request apart.
struct Groups {
    /// The column asked for.
    series: Option<Sweep>,
    /// Method or source, if the request names neither.
    method: Option<Sweep>,
}

impl Groups {
    fn new(request: &PlotRequest, table: &Table) -> Result<Self, PlotError> {
        let series = request.series.as_deref();
        let named = |name: &str| request.x == name || series == Some(name);
        let method = ["method", "source"]
            .into_iter()
            .find(|name| table.has(name) && !named(name));
        Ok(Self {
            series: series.map(|name| axis_values(table, name)).transpose()?,
            method: method.map(|name| axis_values(table, name)).transpose()?,
        })
    }

    /// A colour bar, if the series column has many numbers.
    fn colour_bar(&self, points: &[(usize, Point)]) -> Option<ColourBar> {
        let column = self
            .series
            .as_ref()
            .filter(|column| column.categories.is_empty())?;
        let mut values: Vec<f64> = points.iter().map(|(row, _)| column.values[*row]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (low, high) = extent(values.iter().copied())?;
        let axis = Axis::linear(column.label.clone(), low, high);
        (values.len() > LEGEND).then_some(ColourBar {
            axis,
            diverging: false,
        })
    }

    fn series(&self, points: &[(usize, Point)], bar: Option<&ColourBar>) -> Vec<Series> {
        let mut groups: BTreeMap<(Key, Key), Vec<Point>> = BTreeMap::new();
        for (row, point) in points {
            let key = |column: &Option<Sweep>| Key(column.as_ref().map_or(0.0, |c| c.values[*row]));
            let group = groups.entry((key(&self.series), key(&self.method)));
            group.or_default().push(*point);
        }
        let mut values: Vec<Key> = groups.keys().map(|(value, _)| *value).collect();
        values.dedup();
        let series = groups.into_iter().map(|((value, method), mut points)| {
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            let number = values.iter().position(|known| *known == value).unwrap_or(0);
            let category = if self.series.is_some() {
                number
            } else {
                method.number()
            };
            let shape = if self.method.is_some() {
                method.number()
            } else {
                category
            };
            Series {
                label: self.label(value, method, bar),
                colour: bar.map_or(Colour::Category(category + 1), |bar| bar.colour(value.0)),
                marker: Some(shape),
                line: points.windows(2).all(|pair| pair[0].x < pair[1].x),
                shift: 0,
                points,
            }
        });
        series.collect()
    }

    /// The names of both values; a colour bar stands for the first.
    fn label(&self, value: Key, method: Key, bar: Option<&ColourBar>) -> String {
        let series = self.series.as_ref().filter(|_| bar.is_none());
        let names = [(series, value), (self.method.as_ref(), method)];
        let known = names
            .into_iter()
            .filter_map(|(column, key)| Some(named(column?, key.0)));
        known.collect::<Vec<_>>().join(", ")
    }
}

/// A value of a column, ordered as numbers are.
#[derive(Debug, Clone, Copy)]
struct Key(f64);

impl Key {
    /// The number of a category.
    #[expect(clippy::cast_sign_loss, reason = "categories are numbered from 0")]
    fn number(self) -> usize {
        self.0.max(0.0) as usize
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// The name of a category, or the quantity with its value.
fn named(column: &Sweep, value: f64) -> String {
    let category = column.categories.get(Key(value).number());
    category
        .cloned()
        .unwrap_or_else(|| format!("{} {value}", column.label))
}
