//! A figure as plain data: what is drawn, before any pixel.

/// A figure: panels under one title.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Title of the experiment and of the figure.
    pub title: String,
    /// What the marks and bars mean; empty if that is plain.
    pub subtitle: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// How they are arranged.
    pub layout: Layout,
    /// Scale of the colours that stand for numbers.
    pub colour_bar: Option<ColourBar>,
}

/// How the panels of a figure are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All side by side.
    Row,
    /// Rows of so many panels.
    Columns(usize),
}

impl Layout {
    /// Panels in a row, of `panels` in all.
    pub(super) fn columns(self, panels: usize) -> usize {
        match self {
            Self::Row => panels.max(1),
            Self::Columns(columns) => columns.clamp(1, panels.max(1)),
        }
    }
}

/// One panel of a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Panel {
    /// Series against two axes.
    Chart(Chart),
    /// A field of coloured cells.
    HeatMap(HeatMap),
    /// Rows of two-valued sites.
    Stripes(Stripes),
}

impl Panel {
    /// The horizontal axis; stripes have none.
    pub(super) fn x_mut(&mut self) -> Option<&mut Axis> {
        match self {
            Self::Chart(chart) => Some(&mut chart.x),
            Self::HeatMap(map) => Some(&mut map.x),
            Self::Stripes(_) => None,
        }
    }
}

/// Series against two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Over the panel; empty if there is only one.
    pub heading: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, first at the bottom.
    pub series: Vec<Series>,
    /// Lines that guide the eye.
    pub guides: Vec<Guide>,
    /// Lines of text in the upper left corner.
    pub notes: Vec<String>,
}

impl Chart {
    /// Series against two axes, without heading, guides and notes.
    pub(super) fn new(x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            heading: String::new(),
            x,
            y,
            series,
            guides: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios.
    Logarithmic,
}

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// How values are laid out.
    pub scale: Scale,
    /// The first value shown.
    pub low: f64,
    /// The last value shown.
    pub high: f64,
    /// Names at 0, 1, 2, … for an axis that is not one of numbers.
    pub categories: Vec<String>,
    /// Whether only whole numbers are marked.
    pub whole: bool,
}

impl Axis {
    /// A linear axis from `low` to `high`.
    #[must_use]
    pub fn linear(label: impl Into<String>, low: f64, high: f64) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear,
            low,
            high,
            categories: Vec::new(),
            whole: false,
        }
    }

    /// An axis of names, in their order.
    #[must_use]
    pub fn named(label: impl Into<String>, names: Vec<String>) -> Self {
        let high = names.len() as f64 - 0.5;
        Self {
            categories: names,
            ..Self::linear(label, -0.5, high)
        }
    }

    /// A linear axis that shows all finite `values` with a margin.
    #[must_use]
    pub fn covering(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let margin = if high > low {
            0.05 * (high - low)
        } else {
            (0.1 * high.abs()).max(0.5)
        };
        Self::linear(label, low - margin, high + margin)
    }

    /// The same for whole numbers, half a step beyond the first and the last.
    pub(super) fn counting(
        label: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        Self {
            whole: true,
            ..Self::linear(label, low - 0.5, high + 0.5)
        }
    }

    /// A logarithmic axis that shows all positive finite `values` with a margin.
    #[must_use]
    pub fn covering_logarithm(
        label: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let (low, high) = extent(positive).unwrap_or((0.1, 1.0));
        let margin = (high / low).powf(0.05).max(1.2);
        Self {
            scale: Scale::Logarithmic,
            ..Self::linear(label, low / margin, high * margin)
        }
    }

    /// Where a value lies on the axis: itself, or its decimal logarithm.
    /// `None` if it has no place.
    #[must_use]
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        };
        place.is_finite().then_some(place)
    }
}

/// The smallest and the largest of the finite values.
pub(super) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |seen, value| match seen {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// One set of marks of one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Entry of the legend; empty for none.
    pub label: String,
    /// Colour of marks and line.
    pub colour: Colour,
    /// Number of the marker's shape; `None` for a line only.
    pub marker: Option<usize>,
    /// Whether the points are joined.
    pub line: bool,
    /// Marks shifted to the right by this many pixels, so that series do not hide each other.
    pub shift: i32,
    /// The points, in order of the line.
    pub points: Vec<Point>,
}

impl Series {
    /// Marks with the colour and the shape of that number.
    pub(super) fn marks(label: impl Into<String>, number: usize, points: Vec<Point>) -> Self {
        Self {
            label: label.into(),
            colour: Colour::Category(number),
            marker: Some(number),
            line: false,
            shift: 0,
            points,
        }
    }

    /// A line without marks, in the colour of that number.
    pub(super) fn curve(label: impl Into<String>, number: usize, points: Vec<Point>) -> Self {
        Self {
            marker: None,
            line: true,
            ..Self::marks(label, number, points)
        }
    }
}

/// A point, with the ends of its error bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// Ends of the vertical bar; bars of a line without marks become a band.
    pub bar: Option<(f64, f64)>,
    /// Ends of the horizontal bar.
    pub across: Option<(f64, f64)>,
    /// Whether the marker is filled.
    pub filled: bool,
}

impl Point {
    /// A filled point without a bar.
    #[must_use]
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            bar: None,
            across: None,
            filled: true,
        }
    }

    /// A filled point with one standard error to both sides, if it has one.
    #[must_use]
    pub fn with_error(x: f64, y: f64, standard_error: Option<f64>) -> Self {
        let bar = standard_error.map(|error| (y - error, y + error));
        Self {
            bar,
            ..Self::new(x, y)
        }
    }

    /// A filled point with one standard error to the left and the right, if it has one.
    pub(super) fn with_error_across(x: f64, y: f64, standard_error: Option<f64>) -> Self {
        let across = standard_error.map(|error| (x - error, x + error));
        Self {
            across,
            ..Self::new(x, y)
        }
    }

    /// The horizontal value and the ends of the horizontal bar.
    pub(super) fn widths(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = self.across.unwrap_or((self.x, self.x));
        [self.x, low, high].into_iter()
    }

    /// The vertical value and the ends of the bar.
    pub(super) fn heights(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = self.bar.unwrap_or((self.y, self.y));
        [self.y, low, high].into_iter()
    }
}

/// The colour of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Colour {
    /// A colour of its own, by number; they start anew after seven.
    Category(usize),
    /// A place on the colour bar, 0 to 1.
    Place(f64),
    /// A place on a diverging colour bar, -1 to 1; white at 0.
    Balance(f64),
}

/// A line that guides the eye.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Guide {
    /// At this vertical value.
    Horizontal(f64),
    /// Where both values are equal.
    Diagonal,
}

/// Scale of the colours that stand for numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourBar {
    /// The axis drawn along the bar.
    pub axis: Axis,
    /// Whether the colours diverge from white in the middle of the axis.
    pub diverging: bool,
}

impl ColourBar {
    /// The colour of a value.
    #[must_use]
    pub fn colour(&self, value: f64) -> Colour {
        let ends = (
            self.axis.place(self.axis.low),
            self.axis.place(self.axis.high),
        );
        let place = match (ends, self.axis.place(value)) {
            ((Some(low), Some(high)), Some(place)) if high > low => (place - low) / (high - low),
            _ => 0.0,
        };
        self.shade(place)
    }

    /// The colour at a place along the bar, 0 to 1.
    pub(super) fn shade(&self, place: f64) -> Colour {
        let place = place.clamp(0.0, 1.0);
        if self.diverging {
            Colour::Balance(2.0 * place - 1.0)
        } else {
            Colour::Place(place)
        }
    }
}

/// A field of coloured cells.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Over the panel; empty if there is only one.
    pub heading: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Width and height of a cell, in the units of the axes.
    pub cell: (f64, f64),
    /// Centre of each cell, and its colour.
    pub cells: Vec<(f64, f64, Colour)>,
    /// Where numbers stand on the cells, and which.
    pub marks: Vec<(f64, f64, i64)>,
}

/// Rows of two-valued sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Stripes {
    /// Over the rows.
    pub heading: String,
    /// The rows, first at the top.
    pub rows: Vec<StripeRow>,
}

/// One row of two-valued sites.
#[derive(Debug, Clone, PartialEq)]
pub struct StripeRow {
    /// Name at the left.
    pub label: String,
    /// Whether the row begins a new group, a little apart from the one above.
    pub apart: bool,
    /// Whether each site is up; `None` where nothing is known.
    pub sites: Vec<Option<bool>>,
    /// Sites that differ from the truth.
    pub wrong: Vec<usize>,
}
