//! The right margin: legend and colour bar.

use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;

use super::super::style::{INK, LINE, MARKER, SMALL, colour};
use super::super::ticks::ticks;
use super::super::{ColourBar, Drawing, Panel, PlotError, Series};
use super::{Anchor, Canvas, chart, px, refused, text_width, write};

/// Entries of a legend that fit.
const MOST: usize = 18;
const BAR: u32 = 26;
const SWATCH: u32 = 44;

/// Draws legend and colour bar and returns what they leave of the area.
pub(super) fn draw<'b>(area: &Canvas<'b>, drawing: &Drawing) -> Result<Canvas<'b>, PlotError> {
    let entries = entries(drawing);
    let mut width = 0;
    for series in &entries {
        width = width.max(SWATCH + 8 + text_width(area, &series.label, SMALL)?);
    }
    if let Some(bar) = &drawing.colour_bar {
        for tick in ticks(&bar.axis, 7) {
            width = width.max(BAR + 14 + text_width(area, &tick.text, SMALL)?);
        }
        width = width.max(text_width(area, &bar.axis.label, SMALL)?);
    }
    if width == 0 {
        return Ok(area.clone());
    }
    let (total, _) = area.dim_in_pixel();
    let (body, margin) = area.split_horizontally(total.cast_signed() - px(width));
    for (index, series) in (0_u32..).zip(entries.iter().take(MOST)) {
        entry(&margin, series, px(20 + index * (SMALL + 12)))?;
    }
    if entries.len() > MOST {
        let text = format!("and {} more", entries.len() - MOST);
        let y = px(20 + MOST as u32 * (SMALL + 12));
        write(&margin, &text, (0, y), (SMALL, INK, Anchor::CentreLeft))?;
    }
    if let Some(bar) = &drawing.colour_bar {
        let listed = entries.len().min(MOST + 1) as u32 * (SMALL + 12);
        let above = if listed == 0 { 0 } else { listed + SMALL };
        colour_bar(&margin, px(above), bar)?;
    }
    Ok(body)
}

/// Each labelled series once, though it be in several panels.
fn entries(drawing: &Drawing) -> Vec<&Series> {
    let mut entries: Vec<&Series> = Vec::new();
    for panel in &drawing.panels {
        let Panel::Chart(chart) = panel else { continue };
        for series in &chart.series {
            let fresh = entries.iter().all(|known| known.label != series.label);
            if fresh && !series.label.is_empty() {
                entries.push(series);
            }
        }
    }
    entries
}

fn entry(area: &Canvas, series: &Series, y: i32) -> Result<(), PlotError> {
    let ink = colour(series.colour);
    if series.line {
        let style = ink.stroke_width(px(LINE).unsigned_abs());
        let path = vec![(0, y), (px(SWATCH - 8), y)];
        area.draw(&PathElement::new(path, style)).map_err(refused)?;
    }
    if let Some(shape) = series.marker {
        chart::mark(
            area,
            (px(SWATCH - 8) / 2, y),
            (shape, px(MARKER)),
            (ink, true),
        )?;
    }
    write(
        area,
        &series.label,
        (px(SWATCH), y),
        (SMALL, INK, Anchor::CentreLeft),
    )
}

fn colour_bar(area: &Canvas, above: i32, bar: &ColourBar) -> Result<(), PlotError> {
    const STEPS: i32 = 256;
    let (_, height) = area.dim_in_pixel();
    write(
        area,
        &bar.axis.label,
        (0, above),
        (SMALL, INK, Anchor::TopLeft),
    )?;
    let (top, bottom) = (above + px(SMALL + 18), height.cast_signed() - px(70));
    let level = |place: f64| bottom - (f64::from(bottom - top) * place) as i32;
    for step in 0..STEPS {
        let (low, high) = (
            f64::from(step) / f64::from(STEPS),
            f64::from(step + 1) / f64::from(STEPS),
        );
        let corners = [(0, level(high)), (px(BAR), level(low))];
        let shade = colour(bar.shade(f64::midpoint(low, high))).filled();
        area.draw(&Rectangle::new(corners, shade))
            .map_err(refused)?;
    }
    let (Some(low), Some(high)) = (bar.axis.place(bar.axis.low), bar.axis.place(bar.axis.high))
    else {
        return Ok(());
    };
    for tick in ticks(&bar.axis, 7) {
        let y = level((tick.place - low) / (high - low));
        let style = INK.stroke_width(px(1).unsigned_abs());
        let path = vec![(px(BAR), y), (px(BAR + 6), y)];
        area.draw(&PathElement::new(path, style)).map_err(refused)?;
        write(
            area,
            &tick.text,
            (px(BAR + 12), y),
            (SMALL, INK, Anchor::CentreLeft),
        )?;
    }
    Ok(())
}
