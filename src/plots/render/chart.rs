//! Series and guides of a chart.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon};
use plotters::prelude::{BitMapBackend, DrawingArea};
use plotters::style::{Color, RGBColor, WHITE};

use super::super::style::{CAP, LINE, MARKER, MIDDLE, colour};
use super::super::{Axis, Chart, Guide, PlotError, Point, Series};
use super::frame::Frame;
use super::{Canvas, frame, px, refused};

/// Draws a chart into its part of the figure.
pub(super) fn draw(area: &Canvas, labels: u32, chart: &Chart) -> Result<(), PlotError> {
    let head = (chart.heading.as_str(), chart.notes.as_slice());
    let frame = frame::draw(area, labels, head, (&chart.x, &chart.y))?;
    let plot = Plot::new(&frame, (&chart.x, &chart.y));
    for guide in &chart.guides {
        plot.guide(*guide)?;
    }
    for series in &chart.series {
        plot.series(series)?;
    }
    Ok(())
}

/// The inside of a panel, in pixels, and the way from values to them.
struct Plot<'f, 'a, 'b> {
    inside: DrawingArea<BitMapBackend<'b>, Shift>,
    frame: &'f Frame<'a, 'b>,
    axes: (&'f Axis, &'f Axis),
}

impl<'f, 'a, 'b> Plot<'f, 'a, 'b> {
    fn new(frame: &'f Frame<'a, 'b>, axes: (&'f Axis, &'f Axis)) -> Self {
        let inside = frame.plotting_area().strip_coord_spec();
        Self {
            inside,
            frame,
            axes,
        }
    }

    /// Where a point lies inside the panel. Values below the start of an axis are
    /// drawn there; `None` if a value has no place.
    fn pixel(&self, x: f64, y: f64) -> Option<(i32, i32)> {
        let within = |axis: &Axis, value: f64| {
            let low = axis.place(axis.low)?;
            match axis.place(value) {
                Some(place) => Some(place.max(low)),
                None => (value <= 0.0).then_some(low),
            }
        };
        let place = (within(self.axes.0, x)?, within(self.axes.1, y)?);
        let (x, y) = self.frame.plotting_area().map_coordinate(&place);
        let (left, top) = self.inside.get_base_pixel();
        Some((x - left, y - top))
    }

    fn path(&self, pixels: Vec<(i32, i32)>, colour: RGBColor, width: u32) -> Result<(), PlotError> {
        let style = colour.stroke_width(px(width).unsigned_abs());
        self.inside
            .draw(&PathElement::new(pixels, style))
            .map_err(refused)
    }

    fn guide(&self, guide: Guide) -> Result<(), PlotError> {
        let (x, y) = self.axes;
        let ends = match guide {
            Guide::Horizontal(value) => [(x.low, value), (x.high, value)],
            Guide::Diagonal => {
                let (low, high) = (x.low.max(y.low), x.high.min(y.high));
                [(low, low), (high, high)]
            }
        };
        let pixels = ends.iter().filter_map(|&(x, y)| self.pixel(x, y)).collect();
        self.path(pixels, MIDDLE, LINE)
    }

    fn series(&self, series: &Series) -> Result<(), PlotError> {
        let colour = colour(series.colour);
        let shift = series.shift * px(1);
        let located = series.points.iter().filter_map(|point| {
            let (x, y) = self.pixel(point.x, point.y)?;
            Some((point, (x + shift, y)))
        });
        let located: Vec<(&Point, (i32, i32))> = located.collect();
        let banded = series.line && series.marker.is_none();
        if banded {
            self.band(&series.points, colour)?;
        }
        if series.line {
            self.path(
                located.iter().map(|(_, pixel)| *pixel).collect(),
                colour,
                LINE,
            )?;
        }
        for (point, pixel) in located.iter().filter(|_| !banded) {
            self.bar(point, pixel.0, colour)?;
            self.across(point, pixel.1, colour)?;
        }
        // Many marks are drawn smaller, so that they do not become one blot.
        let size = if located.len() > 300 && !series.line {
            MARKER / 2
        } else {
            MARKER
        };
        for (point, pixel) in &located {
            if let Some(shape) = series.marker {
                mark(
                    &self.inside,
                    *pixel,
                    (shape, px(size)),
                    (colour, point.filled),
                )?;
            }
        }
        Ok(())
    }

    /// A pale band between the ends of the bars.
    fn band(&self, points: &[Point], colour: RGBColor) -> Result<(), PlotError> {
        let ends = points
            .iter()
            .filter_map(|point| Some((point.x, point.bar?)));
        let ends: Vec<_> = ends.collect();
        let upper = ends.iter().map(|&(x, (_, high))| (x, high));
        let lower = ends.iter().rev().map(|&(x, (low, _))| (x, low));
        let outline = upper.chain(lower).filter_map(|(x, y)| self.pixel(x, y));
        let band = Polygon::new(outline.collect::<Vec<_>>(), colour.mix(0.25));
        self.inside.draw(&band).map_err(refused)
    }

    /// The horizontal error bar of a point, with caps.
    fn across(&self, point: &Point, y: i32, colour: RGBColor) -> Result<(), PlotError> {
        let Some((low, high)) = point.across else {
            return Ok(());
        };
        let ends = (self.pixel(low, point.y), self.pixel(high, point.y));
        let (Some((low, _)), Some((high, _))) = ends else {
            return Ok(());
        };
        self.path(vec![(low, y), (high, y)], colour, LINE)?;
        for x in [low, high] {
            self.path(vec![(x, y - px(CAP)), (x, y + px(CAP))], colour, LINE)?;
        }
        Ok(())
    }

    /// The vertical error bar of a point, with caps.
    fn bar(&self, point: &Point, x: i32, colour: RGBColor) -> Result<(), PlotError> {
        let Some((low, high)) = point.bar else {
            return Ok(());
        };
        let ends = (self.pixel(point.x, low), self.pixel(point.x, high));
        let (Some((_, low)), Some((_, high))) = ends else {
            return Ok(());
        };
        self.path(vec![(x, low), (x, high)], colour, LINE)?;
        for y in [low, high] {
            self.path(vec![(x - px(CAP), y), (x + px(CAP), y)], colour, LINE)?;
        }
        Ok(())
    }
}

/// Draws one marker: circle, square, triangle, diamond or triangle on its tip.
pub(super) fn mark(
    area: &Canvas,
    (x, y): (i32, i32),
    (shape, size): (usize, i32),
    (colour, filled): (RGBColor, bool),
) -> Result<(), PlotError> {
    let corners = match shape % 5 {
        0 => {
            let circle = |size, style| Circle::new((x, y), size, style);
            area.draw(&circle(size, colour.filled())).map_err(refused)?;
            if !filled {
                area.draw(&circle(size - px(LINE), WHITE.filled()))
                    .map_err(refused)?;
            }
            return Ok(());
        }
        1 => vec![(-9, -9), (9, -9), (9, 9), (-9, 9)],
        2 => vec![(-12, 9), (12, 9), (0, -12)],
        3 => vec![(0, -13), (13, 0), (0, 13), (-13, 0)],
        _ => vec![(-12, -9), (12, -9), (0, 12)],
    };
    let scaled = |size: i32| -> Vec<(i32, i32)> {
        corners
            .iter()
            .map(|(dx, dy)| (x + dx * size / 10, y + dy * size / 10))
            .collect()
    };
    area.draw(&Polygon::new(scaled(size), colour.filled()))
        .map_err(refused)?;
    if !filled {
        let inner = Polygon::new(scaled(size - px(LINE) * 5 / 4), WHITE.filled());
        area.draw(&inner).map_err(refused)?;
    }
    Ok(())
}
