//! Figures from tables.
//!
//! What comes in: the tables of an experiment, its title and the names of its
//! swept parameters ([`FigureInput`]). What goes out: PNG bytes. Each
//! [`Figure`] first builds a [`Drawing`], plain data that says which series
//! stand against which axes; [`render`] then draws that.
//!
//! This is the only folder that names plotters. It knows of tables and of
//! nothing else; it computes nothing that belongs into a table, and it writes
//! no file. The font comes with the program, so the same tables give the same
//! pixels on every machine.

mod comparison;
mod curves;
mod dimension;
mod drawing;
mod effective;
mod error;
mod figure;
mod heat;
mod information;
mod input;
mod labels;
mod landscape;
mod models;
mod movie;
mod patterns;
mod png;
mod population;
mod render;
mod request;
mod style;
mod sweeps;
mod theory;
mod ticks;

#[cfg(test)]
mod tests;

pub use comparison::{comparison_drawing, comparison_figure};
pub use drawing::{
    Axis, Chart, Colour, ColourBar, Drawing, Guide, HeatMap, Layout, Panel, Point, Scale, Series,
    StripeRow, Stripes,
};
pub use error::PlotError;
pub use figure::{Figure, figures};
pub use input::FigureInput;
pub use labels::label;
pub use render::{HEIGHT, WIDTH, render};
pub use request::PlotRequest;
