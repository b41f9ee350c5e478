//! Axes, marks and grid of a panel.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::{BitMapBackend, Cartesian2d};
use plotters::style::Color;

use super::super::style::{INK, LINE, MARGIN, MIDDLE, PALE, SMALL};
use super::super::ticks::{Tick, ticks};
use super::super::{Axis, PlotError};
use super::{Anchor, BASELINE, Canvas, LABEL, fitting, font, px, refused, text_width, write};

/// An axis as plotters sees it: places from low to high, with marks.
pub(super) struct Coordinate {
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Coordinate {
    fn new(axis: &Axis, ticks: &[Tick]) -> Self {
        let low = axis.place(axis.low).unwrap_or(0.0);
        let high = axis.place(axis.high).filter(|high| *high > low);
        Self {
            low,
            high: high.unwrap_or(low + 1.0),
            marks: ticks.iter().map(|tick| tick.place).collect(),
        }
    }
}

impl Ranged for Coordinate {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let along = (value - self.low) / (self.high - self.low);
        first + (f64::from(last - first) * along).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.marks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// A panel with its axes, in places: logarithms where an axis is logarithmic.
pub(super) type Frame<'a, 'b> =
    ChartContext<'a, BitMapBackend<'b>, Cartesian2d<Coordinate, Coordinate>>;

/// Space between name, texts and line of a vertical axis.
const BESIDE: u32 = 26;

/// Marks that fit along a length of the canvas, `each` pixels apart.
fn wanted(length: u32, each: u32) -> usize {
    (length / px(each).unsigned_abs()).clamp(3, 8) as usize
}

/// Room for the name of a vertical axis of that height and for the widest text at its
/// marks, in pixels of the picture.
pub(super) fn label_width(area: &Canvas, y: &Axis, height: u32) -> Result<u32, PlotError> {
    let mut widest = 0;
    for tick in ticks(y, wanted(height, 70)) {
        widest = widest.max(text_width(area, &tick.text, SMALL)?);
    }
    let name = if y.label.is_empty() { 0 } else { LABEL };
    Ok(widest + name)
}

/// Draws heading, notes, axes, marks and major grid, and returns the panel's inside.
/// Name and texts of the vertical axis get the width `labels`.
pub(super) fn draw<'a, 'b>(
    area: &'a Canvas<'b>,
    labels: u32,
    (heading, notes): (&str, &[String]),
    (x, y): (&Axis, &Axis),
) -> Result<Frame<'a, 'b>, PlotError> {
    let (width, height) = area.dim_in_pixel();
    let y_ticks = ticks(y, wanted(height, 70));
    let beside = labels + BESIDE + MARGIN + 8;
    let inside = width.saturating_sub(px(beside).unsigned_abs());
    let mut x_ticks = ticks(x, wanted(inside, 50));
    thin(area, &mut x_ticks, inside)?;
    let above = if heading.is_empty() { 8 } else { LABEL + 14 };
    let line = SMALL + 6;
    let head = above + notes.len() as u32 * line;
    let centre = i32::midpoint(width.cast_signed(), px(labels));
    let room = (width / px(1).unsigned_abs()).saturating_sub(labels);
    let size = fitting(area, heading, LABEL, room)?;
    write(area, heading, (centre, 0), (size, INK, Anchor::TopCentre))?;
    for (index, note) in (0_u32..).zip(notes) {
        let size = fitting(area, note, SMALL, room)?;
        let position = (centre, px(above - 6 + index * line));
        write(area, note, position, (size, INK, Anchor::TopCentre))?;
    }
    let mut frame = ChartBuilder::on(area)
        .margin_top(px(head))
        .margin_right(px(MARGIN + 8))
        .x_label_area_size(px(SMALL + 18 + if x.label.is_empty() { 0 } else { LABEL }))
        .y_label_area_size(px(labels + BESIDE))
        .build_cartesian_2d(Coordinate::new(x, &x_ticks), Coordinate::new(y, &y_ticks))
        .map_err(refused)?;
    mesh(&mut frame, (x, &x_ticks), (y, &y_ticks))?;
    Ok(frame)
}

fn mesh(
    frame: &mut Frame,
    (x, x_ticks): (&Axis, &[Tick]),
    (y, y_ticks): (&Axis, &[Tick]),
) -> Result<(), PlotError> {
    let text = |ticks: &[Tick], place: f64| {
        let tick = ticks
            .iter()
            .find(|tick| tick.place.total_cmp(&place).is_eq());
        tick.map_or(String::new(), |tick| tick.text.clone())
    };
    frame
        .configure_mesh()
        .max_light_lines(0)
        .light_line_style(PALE.mix(0.0))
        .bold_line_style(PALE.stroke_width(px(1).unsigned_abs()))
        .axis_style(MIDDLE.stroke_width(px(LINE).unsigned_abs()))
        .label_style(font(SMALL, INK))
        .axis_desc_style(font(LABEL, INK))
        .y_label_offset(px(BASELINE))
        .set_all_tick_mark_size(px(5))
        .x_desc(x.label.as_str())
        .y_desc(y.label.as_str())
        .x_label_formatter(&|place| text(x_ticks, *place))
        .y_label_formatter(&|place| text(y_ticks, *place))
        .draw()
        .map_err(refused)
}

/// Leaves out texts that would run into their neighbours.
fn thin(area: &Canvas, ticks: &mut [Tick], width: u32) -> Result<(), PlotError> {
    let mut total = 0;
    for tick in ticks.iter() {
        total += text_width(area, &tick.text, SMALL)? + SMALL;
    }
    // The first and the last text may reach beyond the ends by a half.
    let room = width / px(1).unsigned_abs() + SMALL;
    let every = total.div_ceil(room).max(1) as usize;
    for (index, tick) in ticks.iter_mut().enumerate() {
        if index % every != 0 {
            tick.text.clear();
        }
    }
    Ok(())
}
