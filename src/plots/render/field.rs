//! Coloured cells: heat maps, and stripes of two-valued sites.

use plotters::element::{Circle, Rectangle};
use plotters::style::{Color, RGBColor, WHITE};

use super::super::style::{DOWN, INK, LINE, SMALL, UP, WRONG, colour};
use super::super::{HeatMap, PlotError, StripeRow, Stripes};
use super::{Anchor, Canvas, LABEL, frame, px, refused, text_width, write};

/// Space between groups of stripes.
const APART: u32 = 10;

/// Draws a heat map into its part of the figure.
pub(super) fn heat_map(area: &Canvas, labels: u32, map: &HeatMap) -> Result<(), PlotError> {
    let frame = frame::draw(area, labels, (&map.heading, &[]), (&map.x, &map.y))?;
    // A little more than half, so that rounding to pixels leaves no gaps.
    let (width, height) = (0.54 * map.cell.0, 0.54 * map.cell.1);
    for &(x, y, place) in &map.cells {
        let corners = [(x - width, y - height), (x + width, y + height)];
        let cell = Rectangle::new(corners, colour(place).filled());
        frame.plotting_area().draw(&cell).map_err(refused)?;
    }
    let inside = frame.plotting_area().strip_coord_spec();
    let (left, top) = inside.get_base_pixel();
    for &(x, y, number) in &map.marks {
        let (x, y) = frame.plotting_area().map_coordinate(&(x, y));
        numbered(&inside, (x - left, y - top), number)?;
    }
    Ok(())
}

/// A number in a white disc.
fn numbered(area: &Canvas, centre: (i32, i32), number: i64) -> Result<(), PlotError> {
    for (radius, colour) in [(SMALL * 2 / 3, INK), (SMALL * 2 / 3 - LINE, WHITE)] {
        let disc = Circle::new(centre, px(radius), colour.filled());
        area.draw(&disc).map_err(refused)?;
    }
    let text = number.to_string();
    write(area, &text, centre, (SMALL - 3, INK, Anchor::Centre))
}

/// Draws rows of sites into their part of the figure.
pub(super) fn stripes(area: &Canvas, stripes: &Stripes) -> Result<(), PlotError> {
    let (width, height) = area.dim_in_pixel();
    let mut labels = 0;
    for row in &stripes.rows {
        labels = labels.max(text_width(area, &row.label, SMALL)?);
    }
    let (left, top) = (px(labels + 16), px(LABEL + 12));
    write(
        area,
        &stripes.heading,
        (left, 0),
        (LABEL, INK, Anchor::TopLeft),
    )?;
    let right = width.cast_signed();
    let bottom = height.cast_signed() - px(SMALL + 10);
    let below = rows(area, &stripes.rows, (left, right), (top, bottom))? + px(4);
    let sites = stripes.rows.first().map_or(0, |row| row.sites.len());
    let text = format!("sites 0 to {}", sites.saturating_sub(1));
    let centre = (i32::midpoint(left, right), below);
    write(area, &text, centre, (SMALL, INK, Anchor::TopCentre))
}

/// Draws rows and their names, and returns where the last one ends.
fn rows(
    area: &Canvas,
    rows: &[StripeRow],
    (left, right): (i32, i32),
    (top, bottom): (i32, i32),
) -> Result<i32, PlotError> {
    let count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    let gaps: i32 = rows.iter().filter(|row| row.apart).map(|_| px(APART)).sum();
    let each = ((bottom - top - gaps) / count.max(1)).min(px(46));
    let mut y = top;
    for row in rows {
        y += if row.apart { px(APART) } else { 0 };
        let middle = (left - px(10), y + each / 2);
        let size = SMALL.min((each / px(1)).max(1).unsigned_abs());
        write(area, &row.label, middle, (size, INK, Anchor::CentreRight))?;
        stripe(area, row, (left, right), (y + px(1), y + each - px(1)))?;
        y += each;
    }
    Ok(y)
}

fn stripe(
    area: &Canvas,
    row: &StripeRow,
    (left, right): (i32, i32),
    (top, bottom): (i32, i32),
) -> Result<(), PlotError> {
    let width = f64::from(right - left) / row.sites.len().max(1) as f64;
    let edge = |site: usize| left + (width * site as f64).round() as i32;
    let fill = |site: usize, (top, bottom): (i32, i32), colour: RGBColor| {
        let corners = [(edge(site), top), (edge(site + 1), bottom)];
        area.draw(&Rectangle::new(corners, colour.filled()))
            .map_err(refused)
    };
    for (site, up) in row.sites.iter().enumerate() {
        if let Some(up) = up {
            fill(site, (top, bottom), if *up { UP } else { DOWN })?;
        }
    }
    for &site in &row.wrong {
        fill(site, (top, bottom), WRONG)?;
    }
    Ok(())
}
