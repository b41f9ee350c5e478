//! What a figure is drawn from, and the parts of it that belong together.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::{Axis, Colour, ColourBar, Drawing, Layout, Panel, PlotError, label};
use crate::tables::{Column, Table};

/// What a figure is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct FigureInput<'a> {
    /// Tables of the experiment by name, all points and replicates together.
    pub tables: &'a BTreeMap<String, Table>,
    /// Title of the experiment.
    pub title: &'a str,
    /// Columns of the swept parameters, the one for the horizontal axis first.
    pub axes: &'a [String],
}

/// The part of a table that belongs to one point of the first replicate.
pub(super) struct Part {
    /// Which point: the swept values; empty if there is only one.
    pub(super) heading: String,
    /// Value of the first swept parameter.
    pub(super) value: f64,
    /// Number of the point.
    pub(super) point: Option<f64>,
    pub(super) table: Table,
}

/// The first swept parameter in a table, or the number of the point without one.
pub(super) struct Sweep {
    /// Quantity and unit.
    pub(super) label: String,
    /// Its value in each row; the number of the category for text.
    pub(super) values: Vec<f64>,
    /// Names of the categories for text.
    pub(super) categories: Vec<String>,
}

impl<'a> FigureInput<'a> {
    /// The table of that name, if it has rows.
    pub(super) fn table(&self, name: &str) -> Option<&'a Table> {
        self.tables.get(name).filter(|table| !table.is_empty())
    }

    /// Title of a figure of this experiment.
    pub(super) fn titled(&self, title: &str) -> String {
        if self.title.is_empty() {
            title.to_owned()
        } else {
            format!("{}: {title}", self.title)
        }
    }

    /// The first swept parameter, row by row.
    pub(super) fn sweep(&self, table: &Table) -> Result<Sweep, PlotError> {
        let name = self.axes.first().map_or("point", String::as_str);
        axis_values(table, name)
    }

    /// The values of all swept parameters but the first, row by row.
    pub(super) fn others(&self, table: &Table) -> Vec<String> {
        let described = |row: usize| {
            let further = self.axes.iter().skip(1);
            let parts = further.filter_map(|name| named_value(table, name, row));
            parts.collect::<Vec<_>>().join(", ")
        };
        (0..table.rows()).map(described).collect()
    }

    /// One part a point of the first replicate, by ascending swept value.
    pub(super) fn parts(&self, table: &Table) -> Result<Vec<Part>, PlotError> {
        let replicates = optional_numbers(table, "replicate")?;
        let first = replicates.iter().flatten().copied().min_by(f64::total_cmp);
        let table = &table.filter(|row| replicates[row] == first);
        let sweep = self.sweep(table)?;
        let points = optional_numbers(table, "point")?;
        let mut parts: Vec<Part> = Vec::new();
        for &point in &distinct(&points) {
            let of_point = |row: usize| points[row] == point;
            let row = (0..table.rows()).find(|&row| of_point(row)).unwrap_or(0);
            let described = self
                .axes
                .iter()
                .filter_map(|name| named_value(table, name, row));
            parts.push(Part {
                heading: described.collect::<Vec<_>>().join(", "),
                value: sweep.values[row],
                point,
                table: table.filter(of_point),
            });
        }
        parts.sort_by(|a, b| a.value.total_cmp(&b.value));
        Ok(parts)
    }

    /// The parts at the lowest and the highest swept value; one without a sweep.
    pub(super) fn ends(&self, table: &Table) -> Result<Vec<Part>, PlotError> {
        let mut parts = self.parts(table)?;
        if parts.len() > 2 {
            parts.drain(1..parts.len() - 1);
        }
        Ok(parts)
    }

    /// The part of the table `name` that belongs to a point, if there is one.
    pub(super) fn part_at(
        &self,
        name: &str,
        point: Option<f64>,
    ) -> Result<Option<Table>, PlotError> {
        let Some(table) = self.table(name) else {
            return Ok(None);
        };
        let mut parts = self.parts(table)?.into_iter();
        Ok(parts
            .find(|part| part.point == point)
            .map(|part| part.table))
    }

    /// A figure of the panels that show something; `None` if none does.
    pub(super) fn drawn(
        &self,
        title: &str,
        subtitle: impl Into<String>,
        layout: Layout,
        mut panels: Vec<Panel>,
    ) -> Option<Drawing> {
        panels.retain(|panel| match panel {
            Panel::Chart(chart) => chart.series.iter().any(|series| !series.points.is_empty()),
            Panel::HeatMap(map) => !map.cells.is_empty(),
            Panel::Stripes(stripes) => !stripes.rows.is_empty(),
        });
        share_labels(&mut panels, layout);
        (!panels.is_empty()).then(|| Drawing {
            title: self.titled(title),
            subtitle: subtitle.into(),
            panels,
            layout,
            colour_bar: None,
        })
    }

    /// A colour bar over the values of some parts, if a number was swept.
    pub(super) fn colour_bar(&self, parts: &[Part], sweep: &Sweep) -> Option<ColourBar> {
        let (low, high) = extent(parts.iter().map(|part| part.value))?;
        let numeric = sweep.categories.is_empty() && !self.axes.is_empty();
        let axis = Axis::linear(sweep.label.clone(), low, high);
        (numeric && high > low).then_some(ColourBar {
            axis,
            diverging: false,
        })
    }
}

/// Takes the name of a horizontal axis away where the panel below has the same.
fn share_labels(panels: &mut [Panel], layout: Layout) {
    let columns = layout.columns(panels.len());
    for index in columns..panels.len() {
        let (above, below) = panels.split_at_mut(index);
        if let (Some(above), Some(below)) = (above[index - columns].x_mut(), below[0].x_mut())
            && above == below
        {
            above.label.clear();
        }
    }
}

impl Sweep {
    /// The horizontal axis of the sweep.
    pub(super) fn axis(&self) -> Axis {
        if self.categories.is_empty() {
            let values = || self.values.iter().copied();
            return Axis {
                whole: values().all(|value| value.fract() == 0.0),
                ..Axis::covering(self.label.clone(), values())
            };
        }
        Axis::named(self.label.clone(), self.categories.clone())
    }
}

/// The colour of a part: its place on the bar, or one of its own.
pub(super) fn part_colour(bar: Option<&ColourBar>, part: &Part, index: usize) -> Colour {
    bar.map_or(Colour::Category(index + 1), |bar| bar.colour(part.value))
}

/// A column along an axis: numbers as they are, text and flags as categories
/// in the order in which they occur. Rows without a number are NaN.
pub(super) fn axis_values(table: &Table, name: &str) -> Result<Sweep, PlotError> {
    let label = label(name);
    let texts: Vec<String> = match table.column(name)? {
        Column::Text(texts) => texts.clone(),
        Column::Flag(flags) => flags.iter().map(bool::to_string).collect(),
        _ => {
            let values = table
                .numeric(name)?
                .into_iter()
                .map(|value| value.unwrap_or(f64::NAN));
            return Ok(Sweep {
                label,
                values: values.collect(),
                categories: Vec::new(),
            });
        }
    };
    let categories = distinct(&texts);
    let number = |text| {
        categories
            .iter()
            .position(|known| known == text)
            .unwrap_or(0)
    };
    let values = texts.iter().map(|text| number(text) as f64).collect();
    Ok(Sweep {
        label,
        values,
        categories,
    })
}

/// The numbers of a column, none if the table lacks it.
pub(super) fn optional_numbers(table: &Table, name: &str) -> Result<Vec<Option<f64>>, PlotError> {
    if table.has(name) {
        Ok(table.numeric(name)?)
    } else {
        Ok(vec![None; table.rows()])
    }
}

/// A value and its standard error.
pub(super) type Measured = (f64, Option<f64>);

/// The values of a column with the errors of another, row by row.
pub(super) fn measured(
    table: &Table,
    values: &str,
    errors: &str,
) -> Result<Vec<Option<Measured>>, PlotError> {
    let rows = table.numbers(values)?.iter().zip(table.numbers(errors)?);
    Ok(rows
        .map(|(value, error)| Some(((*value)?, *error)))
        .collect())
}

/// Each value once, in the order in which they occur.
pub(super) fn distinct<T: PartialEq + Clone>(values: &[T]) -> Vec<T> {
    let mut seen: Vec<T> = Vec::new();
    for value in values {
        if !seen.contains(value) {
            seen.push(value.clone());
        }
    }
    seen
}

/// `temperature = 0.4`, if the table has that column.
pub(super) fn named_value(table: &Table, name: &str, row: usize) -> Option<String> {
    use crate::tables::Cell;
    let key = name.rsplit('.').next().unwrap_or(name).replace('_', " ");
    let value = match table.column(name).ok()?.cell(row)? {
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => format!("{}", value?),
        Cell::Text(value) => value,
        Cell::Flag(value) => value.to_string(),
    };
    Some(format!("{key} = {value}"))
}
