//! The figure of the latent plane.

use super::drawing::extent;
use super::input::Part;
use super::{Axis, ColourBar, Drawing, FigureInput, HeatMap, Panel, PlotError};

/// Density of the encoder means, at the lowest and the highest swept value.
pub(super) fn latent_map(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("latent_map") else {
        return Ok(None);
    };
    let parts = input.ends(table)?;
    let mut most = 1.0_f64;
    for part in &parts {
        let samples = part.table.integers("samples")?;
        most = most.max(samples.iter().copied().max().unwrap_or(0) as f64);
    }
    let label = "configurations per bin";
    let axis = Axis {
        low: 1.0,
        high: most.max(2.0),
        ..Axis::covering_logarithm(label, [1.0])
    };
    let bar = ColourBar { axis };
    let mut panels = Vec::new();
    for part in parts {
        panels.push(Panel::HeatMap(map(part, &bar)?));
    }
    Ok(Some(Drawing {
        title: input.titled("test data in the latent plane"),
        subtitle: String::new(),
        panels,
        colour_bar: Some(bar),
    }))
}

fn map(part: Part, bar: &ColourBar) -> Result<HeatMap, PlotError> {
    let table = &part.table;
    let (x, y) = (table.numeric("x")?, table.numeric("y")?);
    let samples = table.integers("samples")?;
    let cell = (spacing(&x), spacing(&y));
    let located = x.iter().zip(&y).zip(samples);
    let cells: Vec<_> = located
        .filter_map(|((x, y), &samples)| Some(((*x)?, (*y)?, bar.colour(samples as f64))))
        .collect();
    let axis = |label: &str, values: Vec<f64>, width: f64| {
        let (low, high) = extent(values).unwrap_or((0.0, 0.0));
        Axis::linear(label, low - width, high + width)
    };
    let x_axis = axis(
        "first latent",
        cells.iter().map(|cell| cell.0).collect(),
        cell.0,
    );
    let y_axis = axis(
        "second latent",
        cells.iter().map(|cell| cell.1).collect(),
        cell.1,
    );
    Ok(HeatMap {
        heading: part.heading,
        x: x_axis,
        y: y_axis,
        cell,
        cells,
    })
}

/// Smallest distance between two of the centres: the width of a bin.
fn spacing(centres: &[Option<f64>]) -> f64 {
    let mut sorted: Vec<f64> = centres.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let scale = extent(sorted.iter().copied()).map_or(1.0, |(low, high)| high - low);
    let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    let apart = steps.filter(|step| *step > 1e-9 * scale);
    apart.min_by(f64::total_cmp).unwrap_or(1.0)
}
