//! Figures of coloured cells: the latent plane, overlaps over two parameters.

use std::collections::BTreeMap;

use super::drawing::extent;
use super::input::{Part, axis_values};
use super::{Axis, Colour, ColourBar, Drawing, FigureInput, HeatMap, Layout, Panel, PlotError};

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
    let bar = ColourBar {
        axis,
        diverging: false,
    };
    let mut panels = Vec::new();
    for part in parts {
        panels.push(Panel::HeatMap(map(part, &bar)?));
    }
    Ok(Some(Drawing {
        title: input.titled("test data in the latent plane"),
        subtitle: String::new(),
        panels,
        layout: Layout::Row,
        colour_bar: Some(bar),
    }))
}

fn map(part: Part, bar: &ColourBar) -> Result<HeatMap, PlotError> {
    let table = &part.table;
    let (x, y) = (table.numeric("x")?, table.numeric("y")?);
    let samples = table.integers("samples")?;
    let located = x.iter().zip(&y).zip(samples);
    let cells: Vec<_> = located
        .filter_map(|((x, y), &samples)| Some(((*x)?, (*y)?, bar.colour(samples as f64))))
        .collect();
    let labels = ["first latent", "second latent"].map(str::to_owned);
    Ok(cell_map(part.heading, labels, cells))
}

/// Cells around their centres, as wide as the centres are apart.
pub(super) fn cell_map(
    heading: String,
    labels: [String; 2],
    cells: Vec<(f64, f64, Colour)>,
) -> HeatMap {
    let x: Vec<f64> = cells.iter().map(|cell| cell.0).collect();
    let y: Vec<f64> = cells.iter().map(|cell| cell.1).collect();
    let cell = (spacing(&x), spacing(&y));
    let axis = |label: String, values: Vec<f64>, width: f64| {
        let (low, high) = extent(values).unwrap_or((0.0, 0.0));
        Axis::linear(label, low - width, high + width)
    };
    let [x_label, y_label] = labels;
    HeatMap {
        heading,
        x: axis(x_label, x, cell.0),
        y: axis(y_label, y, cell.1),
        cell,
        cells,
        marks: Vec::new(),
    }
}

/// Mean overlap of the patterns over the last and the first swept parameter, a panel a
/// method; none where fewer than two are swept, or one of these is no number.
pub(super) fn overlap_map(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let (Some(table), [first, .., last]) = (input.table("patterns"), input.axes) else {
        return Ok(None);
    };
    let (x, y) = (axis_values(table, last)?, axis_values(table, first)?);
    if !x.categories.is_empty() || !y.categories.is_empty() {
        return Ok(None);
    }
    let bar = ColourBar {
        axis: Axis::linear("mean overlap with the true patterns", 0.0, 1.0),
        diverging: false,
    };
    let (methods, overlaps) = (table.texts("method")?, table.numbers("overlap")?);
    let mut panels = Vec::new();
    for method in ["vae", "correlations"] {
        let mut cells: BTreeMap<[u64; 2], (f64, f64, f64, f64)> = BTreeMap::new();
        for row in (0..table.rows()).filter(|&row| methods[row] == method) {
            let (x, y) = (x.values[row], y.values[row]);
            let cell = cells
                .entry([x.to_bits(), y.to_bits()])
                .or_insert((x, y, 0.0, 0.0));
            cell.2 += overlaps[row].unwrap_or(0.0);
            cell.3 += 1.0;
        }
        let cells = cells.into_values();
        let cells = cells.map(|(x, y, sum, count)| (x, y, bar.colour(sum / count)));
        panels.push(Panel::HeatMap(cell_map(
            method.to_owned(),
            [x.label.clone(), y.label.clone()],
            cells.collect(),
        )));
    }
    Ok(Some(Drawing {
        title: input.titled("overlap of the recovered patterns"),
        subtitle: "mean over patterns and replicates; a pattern that was not found counts as 0"
            .to_owned(),
        panels,
        layout: Layout::Row,
        colour_bar: Some(bar),
    }))
}

/// Smallest distance between two of the centres: the width of a bin.
pub(super) fn spacing(centres: &[f64]) -> f64 {
    let mut sorted = centres.to_vec();
    sorted.sort_by(f64::total_cmp);
    let scale = extent(sorted.iter().copied()).map_or(1.0, |(low, high)| high - low);
    let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    let apart = steps.filter(|step| *step > 1e-9 * scale);
    apart.min_by(f64::total_cmp).unwrap_or(1.0)
}
