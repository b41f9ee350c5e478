//! A [`Drawing`] as pixels.

mod chart;
mod field;
mod frame;
mod margin;

use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, IntoFont, RGBColor, TextStyle, WHITE};

use super::style::{FONT, INK, MARGIN, OVERSAMPLING, SMALL, TEXT, TITLE, prepare_font};
use super::{Drawing, Panel, PlotError, png};

/// Width of a figure in pixels.
pub const WIDTH: u32 = 1200;

/// Height of a figure in pixels.
pub const HEIGHT: u32 = 800;

/// Where plotters draws. Its lengths are larger than those of the finished
/// picture by the oversampling; [`px`] converts.
type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Draws a figure as PNG bytes, [`WIDTH`] x [`HEIGHT`] pixels on white.
///
/// # Errors
///
/// [`PlotError::Render`] or [`PlotError::Encode`] if the renderer or the
/// encoder refuses.
pub fn render(drawing: &Drawing) -> Result<Vec<u8>, PlotError> {
    prepare_font()?;
    let (width, height) = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING);
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        panels(&area, drawing)?;
        area.present().map_err(refused)?;
    }
    png::encode(&averaged(&pixels), WIDTH, HEIGHT)
}

/// Title, margin and panels.
fn panels(area: &Canvas, drawing: &Drawing) -> Result<(), PlotError> {
    let area = area.margin(px(MARGIN), px(MARGIN), px(MARGIN), px(MARGIN));
    let below = TITLE + 8;
    let second = if drawing.subtitle.is_empty() {
        0
    } else {
        SMALL
    };
    let (head, body) = area.split_vertically(px(below + second + 14));
    let room = WIDTH - 2 * MARGIN;
    let size = fitting(&head, &drawing.title, TITLE, room)?;
    write(&head, &drawing.title, (0, 0), (size, INK, Anchor::TopLeft))?;
    let size = fitting(&head, &drawing.subtitle, SMALL, room)?;
    let position = (0, px(below));
    write(
        &head,
        &drawing.subtitle,
        position,
        (size, INK, Anchor::TopLeft),
    )?;
    let body = margin::draw(&body, drawing)?;
    for ((area, labels), panel) in arranged(&body, drawing)?.iter().zip(&drawing.panels) {
        match panel {
            Panel::Chart(one) => chart::draw(area, *labels, one)?,
            Panel::HeatMap(map) => field::heat_map(area, *labels, map)?,
            Panel::Stripes(stripes) => field::stripes(area, stripes)?,
        }
    }
    Ok(())
}

/// The area of each panel and the room beside its vertical axis: the insides are equally wide and stand exactly above each other.
fn arranged<'b>(body: &Canvas<'b>, drawing: &Drawing) -> Result<Vec<(Canvas<'b>, u32)>, PlotError> {
    let columns = drawing.layout.columns(drawing.panels.len());
    let rows = drawing.panels.len().div_ceil(columns).max(1);
    let (width, height) = body.dim_in_pixel();
    let mut labels = vec![0; columns];
    for (index, panel) in drawing.panels.iter().enumerate() {
        let wanted = match panel {
            Panel::Chart(chart) => frame::label_width(body, &chart.y, height / rows as u32)?,
            Panel::HeatMap(map) => frame::label_width(body, &map.y, height / rows as u32)?,
            Panel::Stripes(_) => 0,
        };
        labels[index % columns] = wanted.max(labels[index % columns]);
    }
    let taken: i32 = labels.iter().map(|label| px(*label)).sum();
    let inside = (width.cast_signed() - taken) / columns as i32;
    let ends = labels.iter().scan(0, |end, label| {
        *end += inside + px(*label);
        Some(*end)
    });
    let ends: Vec<i32> = ends.take(columns - 1).collect();
    let heights = (1..rows).map(|row| row as i32 * height.cast_signed() / rows as i32);
    let areas = body.split_by_breakpoints(ends, heights.collect::<Vec<_>>());
    let upper = (rows - 1) * columns;
    let apart = |(index, area): (usize, Canvas<'b>)| {
        let below = if index < upper { px(MARGIN) } else { 0 };
        area.margin(0, below, 0, 0)
    };
    let areas = areas.into_iter().enumerate().map(apart);
    Ok(areas.zip(labels.into_iter().cycle()).collect())
}

/// A length of the finished picture, in pixels of the canvas.
fn px(length: u32) -> i32 {
    (length * OVERSAMPLING).cast_signed()
}

/// Which point of a text its position means.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    TopLeft,
    TopCentre,
    Centre,
    CentreLeft,
    CentreRight,
}

fn font<'a>(size: u32, colour: RGBColor) -> TextStyle<'a> {
    let family = FontFamily::Name(FONT);
    let font = (family, f64::from(size * OVERSAMPLING), FontStyle::Normal).into_font();
    font.color(&colour)
}

fn write(
    area: &Canvas,
    text: &str,
    position: (i32, i32),
    (size, colour, anchor): (u32, RGBColor, Anchor),
) -> Result<(), PlotError> {
    if text.is_empty() {
        return Ok(());
    }
    let (anchor, lower) = match anchor {
        Anchor::TopLeft => (Pos::new(HPos::Left, VPos::Top), 0),
        Anchor::TopCentre => (Pos::new(HPos::Center, VPos::Top), 0),
        Anchor::Centre => (Pos::new(HPos::Center, VPos::Center), BASELINE),
        Anchor::CentreLeft => (Pos::new(HPos::Left, VPos::Center), BASELINE),
        Anchor::CentreRight => (Pos::new(HPos::Right, VPos::Center), BASELINE),
    };
    let position = (position.0, position.1 + px(lower));
    area.draw_text(text, &font(size, colour).pos(anchor), position)
        .map_err(refused)
}

/// Width of a text in pixels of the finished picture.
fn text_width(area: &Canvas, text: &str, size: u32) -> Result<u32, PlotError> {
    let (width, _) = area
        .estimate_text_size(text, &font(size, INK))
        .map_err(refused)?;
    Ok(width.div_ceil(OVERSAMPLING))
}

/// The wanted size of letters, or the largest below it at which the text fits
/// into `room` pixels.
fn fitting(area: &Canvas, text: &str, wanted: u32, room: u32) -> Result<u32, PlotError> {
    const SMALLEST: u32 = 10;
    let mut size = wanted;
    while size > SMALLEST && text_width(area, text, size)? > room {
        size -= 1;
    }
    Ok(size)
}

/// Means over squares of pixels.
fn averaged(pixels: &[u8]) -> Vec<u8> {
    let side = OVERSAMPLING as usize;
    let row = 3 * WIDTH as usize * side;
    let mut means = Vec::with_capacity(pixels.len() / (side * side));
    for rows in pixels.chunks_exact(row * side) {
        for column in (0..row).step_by(3 * side) {
            for channel in column..column + 3 {
                let square = (0..side).flat_map(|y| (0..side).map(move |x| y * row + 3 * x));
                let sum: u32 = square.map(|offset| u32::from(rows[channel + offset])).sum();
                means.push((sum / (OVERSAMPLING * OVERSAMPLING)) as u8);
            }
        }
    }
    means
}

fn refused(error: impl std::error::Error) -> PlotError {
    PlotError::Render(error.to_string())
}

/// Text that is centred by its box looks too high by this many pixels.
const BASELINE: u32 = 4;

/// Size of the text at axes and panels.
const LABEL: u32 = TEXT;
