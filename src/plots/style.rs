//! The look of all figures: sizes, colours, font.
//!
//! Sizes are in pixels of the finished picture.

use std::sync::OnceLock;

use plotters::style::{FontStyle, RGBColor, register_font};

use super::{Colour, PlotError};

/// Figures are drawn this many times larger and averaged down, which smooths
/// lines, marks and letters.
pub(super) const OVERSAMPLING: u32 = 2;

pub(super) const FONT: &str = "DejaVu Sans";
pub(super) const TITLE: u32 = 30;
pub(super) const TEXT: u32 = 24;
pub(super) const SMALL: u32 = 21;
pub(super) const MARGIN: u32 = 20;
pub(super) const LINE: u32 = 2;
pub(super) const MARKER: u32 = 6;
pub(super) const CAP: u32 = 5;

pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const PALE: RGBColor = RGBColor(224, 224, 224);
pub(super) const MIDDLE: RGBColor = RGBColor(130, 130, 130);
/// Sites that are up, in stripes.
pub(super) const UP: RGBColor = RGBColor(60, 60, 60);
/// Sites that are down, in stripes.
pub(super) const DOWN: RGBColor = RGBColor(228, 228, 228);
/// What is wrong: vermilion.
pub(super) const WRONG: RGBColor = RGBColor(213, 94, 0);

/// Colours that colour-blind readers can tell apart, black first; the yellow
/// is left out, which is too light on white.
///
/// # Source
///
/// M. Okabe and K. Ito, Color Universal Design.
const CATEGORIES: [RGBColor; 7] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
];

/// Anchors of the sequential scale, dark to light with growing lightness: blue
/// violet, blue, teal, green, yellow green. It ends before yellow so that its
/// lightest lines can be seen on white.
const ANCHORS: [(f64, f64, f64); 6] = [
    (68.0, 10.0, 92.0),
    (64.0, 67.0, 135.0),
    (44.0, 113.0, 142.0),
    (33.0, 156.0, 135.0),
    (96.0, 195.0, 95.0),
    (190.0, 210.0, 45.0),
];

/// The number of the colour and marker that a source or method always has.
pub(super) fn source(name: &str) -> usize {
    match name {
        "data" | "exact" => 0,
        "vae" => 1,
        "independent" | "correlations" => 2,
        "train" => 3,
        _ => 4,
    }
}

/// The colour to draw with.
pub(super) fn colour(colour: Colour) -> RGBColor {
    match colour {
        Colour::Category(number) => CATEGORIES[number % CATEGORIES.len()],
        Colour::Place(place) => sequential(place),
        Colour::Balance(place) => diverging(place),
    }
}

#[expect(
    clippy::cast_sign_loss,
    reason = "places and channels are not negative"
)]
fn sequential(place: f64) -> RGBColor {
    let steps = (ANCHORS.len() - 1) as f64;
    let along = place.clamp(0.0, 1.0) * steps;
    let below = along.floor().min(steps - 1.0);
    let (from, to) = (ANCHORS[below as usize], ANCHORS[below as usize + 1]);
    let mixed = |low: f64, high: f64| (low + (high - low) * (along - below)).round() as u8;
    RGBColor(
        mixed(from.0, to.0),
        mixed(from.1, to.1),
        mixed(from.2, to.2),
    )
}

/// Blue below, white at 0, vermilion above: two colours of the categories.
fn diverging(place: f64) -> RGBColor {
    let RGBColor(red, green, blue) = if place < 0.0 { CATEGORIES[1] } else { WRONG };
    let share = place.abs().min(1.0);
    let mixed = |channel: u8| (255.0 - share * (255.0 - f64::from(channel))).round() as u8;
    RGBColor(mixed(red), mixed(green), mixed(blue))
}

/// Makes the font known to plotters, once.
///
/// # Errors
///
/// [`PlotError::Render`] if the font that comes with the program is no font.
pub(super) fn prepare_font() -> Result<(), PlotError> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let register = || register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok();
    if *KNOWN.get_or_init(register) {
        Ok(())
    } else {
        Err(PlotError::Render(format!(
            "the font `{FONT}` cannot be read"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequential_scale_grows_lighter() {
        let lightness = |place: f64| {
            let RGBColor(red, green, blue) = sequential(place);
            0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
        };
        for step in 0..50 {
            let (here, next) = (f64::from(step) / 50.0, f64::from(step + 1) / 50.0);
            assert!(lightness(next) > lightness(here), "at {here}");
        }
    }

    #[test]
    fn the_diverging_scale_is_white_in_the_middle_and_its_colours_at_the_ends() {
        assert_eq!(diverging(0.0), RGBColor(255, 255, 255));
        assert_eq!(diverging(-1.0), CATEGORIES[1]);
        assert_eq!(diverging(1.0), WRONG);
        assert_eq!(diverging(-3.0), diverging(-1.0));
    }

    #[test]
    fn the_ends_of_the_scale_are_its_anchors() {
        assert_eq!(sequential(0.0), RGBColor(68, 10, 92));
        assert_eq!(sequential(1.0), RGBColor(190, 210, 45));
        assert_eq!(sequential(7.0), sequential(1.0));
    }
}
