//! Figures of models side by side: likelihoods, active counts and correlations.

use super::drawing::extent;
use super::input::{Measured, distinct, optional_numbers};
use super::population::{count_points, counts_chart};
use super::sweeps::joined;
use super::{
    Axis, Chart, Colour, Drawing, FigureInput, Guide, Layout, Panel, PlotError, Point, Series,
};
use crate::tables::Table;

/// Where a model comes from, and the number of its colour and mark.
const ORIGINS: [(&str, usize); 3] = [("fitted here", 1), ("samples read", 6), ("data", 0)];

/// Models whose correlations are drawn before those of others.
const PREFERRED: [&str; 4] = ["pairwise", "hopfield", "generalised_hopfield", "vae"];

/// Panels of correlations.
const PANELS: usize = 4;

/// A number to compare models by: column, heading of its panel, unit, whether its axis
/// is logarithmic.
struct Measure(&'static str, &'static str, &'static str, bool);

const MEASURES: [Measure; 5] = [
    Measure("log_likelihood_nats", "log-likelihood", "nats", false),
    Measure("correlation_r", "pair correlations", "r", false),
    Measure("correlation_rmse", "pair correlations", "rmse", true),
    Measure("triplet_r", "third moments", "r", false),
    Measure("kl_active_count_nats", "KL of P(K)", "nats", true),
];

/// A model as the tables name it.
type Model = (String, i64);

/// The rows of one setting of the swept parameters other than the number of latents:
/// each model once, from the first point that has it.
struct Setting {
    heading: String,
    table: Table,
}

/// The first and the last setting of a table of models, first replicate.
fn settings(input: &FigureInput, table: &Table) -> Result<Vec<Setting>, PlotError> {
    let further = input.axes.iter().filter(|name| !is_latent(name));
    let axes: Vec<String> = further.cloned().collect();
    let turned = FigureInput {
        axes: &axes,
        ..*input
    };
    let mut settings: Vec<Setting> = Vec::new();
    for part in turned.parts(table)? {
        match settings.iter_mut().find(|one| one.heading == part.heading) {
            Some(known) => {
                let (seen, models) = (models(&known.table)?, models(&part.table)?);
                let fresh = part.table.filter(|row| !seen.contains(&models[row]));
                known.table.append(&fresh)?;
            }
            None => settings.push(Setting {
                heading: part.heading,
                table: part.table,
            }),
        }
    }
    if settings.len() > 2 {
        settings.drain(1..settings.len() - 1);
    }
    Ok(settings)
}

/// Whether a swept parameter is the number of latents.
pub(super) fn is_latent(axis: &str) -> bool {
    axis.rsplit('.').next() == Some("latent")
}

/// The model of each row.
fn models(table: &Table) -> Result<Vec<Model>, PlotError> {
    let names = table.texts("model")?.iter().cloned();
    let fields = table.integers("fields")?.iter().copied();
    Ok(names.zip(fields).collect())
}

/// `vae, 2` for a network of two latents.
fn name((model, fields): &Model) -> String {
    let fields = if *fields > 0 {
        fields.to_string()
    } else {
        String::new()
    };
    joined(&model.replace('_', " "), &fields)
}

/// A line of the figure: one model and its numbers.
#[derive(PartialEq)]
struct Line {
    model: Model,
    origin: String,
    is_doubted: bool,
    values: [Option<Measured>; MEASURES.len()],
}

/// Models side by side, a line each, a panel for each number to compare them by.
pub(super) fn models_figure(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("models") else {
        return Ok(None);
    };
    let lines = lines(input, table)?;
    let has = |index: usize| lines.iter().any(|(_, line)| line.values[index].is_some());
    // Third moments tell more than a second measure of the pair correlations.
    let beside = if has(3) { 3 } else { 2 };
    let names = lines.iter().rev().map(|(name, _)| name.clone());
    let names: Vec<String> = names.collect();
    let mut panels = Vec::new();
    for index in [0, 1, beside, 4].into_iter().filter(|&index| has(index)) {
        let names = if panels.is_empty() {
            names.clone()
        } else {
            vec![String::new(); names.len()]
        };
        panels.push(Panel::Chart(measure_chart(&lines, index, names)));
    }
    let doubted = lines.iter().any(|(_, line)| line.is_doubted);
    let doubt = if doubted { "; *: has a warning" } else { "" };
    let subtitle = format!(
        "test data, nats per configuration; circles: fitted here, open squares: samples read, \
         triangles: data; bars: one standard error{doubt}"
    );
    Ok(input.drawn("models side by side", subtitle, Layout::Row, panels))
}

/// The lines with their names; a model that is the same in all settings once.
fn lines(input: &FigureInput, table: &Table) -> Result<Vec<(String, Line)>, PlotError> {
    let mut all: Vec<(String, Line)> = Vec::new();
    for setting in settings(input, table)? {
        for line in read(&setting.table)? {
            if all.iter().all(|(_, known)| *known != line) {
                all.push((setting.heading.clone(), line));
            }
        }
    }
    let models: Vec<Model> = all.iter().map(|(_, line)| line.model.clone()).collect();
    let named = all.into_iter().map(|(heading, line)| {
        let repeated = models.iter().filter(|model| **model == line.model).count() > 1;
        let place = if repeated { heading.as_str() } else { "" };
        let star = if line.is_doubted { " *" } else { "" };
        (joined(&name(&line.model), place) + star, line)
    });
    Ok(named.collect())
}

fn read(table: &Table) -> Result<Vec<Line>, PlotError> {
    let (origins, warnings) = (table.texts("origin")?, table.texts("warning")?);
    let mut lines: Vec<Line> = Vec::new();
    for (row, model) in models(table)?.into_iter().enumerate() {
        let mut values = [None; MEASURES.len()];
        for (value, Measure(column, ..)) in values.iter_mut().zip(&MEASURES) {
            let error = table.numbers(&format!("{column}_se"))?[row];
            *value = table.numbers(column)?[row].map(|value| (value, error));
        }
        lines.push(Line {
            model,
            origin: origins[row].clone(),
            is_doubted: !warnings[row].is_empty(),
            values,
        });
    }
    Ok(lines)
}

/// One number of all models, the first at the top.
fn measure_chart(lines: &[(String, Line)], index: usize, names: Vec<String>) -> Chart {
    let Measure(_, heading, unit, logarithmic) = MEASURES[index];
    let series = ORIGINS.map(|(origin, number)| {
        let places = lines.iter().rev().enumerate();
        let points = places.filter_map(|(place, (_, line))| {
            let (value, error) = line.values[index].filter(|_| line.origin == origin)?;
            let filled = origin != "samples read";
            Some(Point {
                filled,
                ..Point::with_error_across(value, place as f64, error)
            })
        });
        Series {
            marker: ORIGINS.iter().position(|(known, _)| *known == origin),
            ..Series::marks("", number, points.collect())
        }
    });
    let drawn = || series.iter().flat_map(|one| &one.points);
    let x = if logarithmic {
        Axis::covering_logarithm(unit, drawn().flat_map(Point::widths))
    } else {
        Axis::covering(unit, drawn().flat_map(Point::widths))
    };
    let y = Axis::named("", names);
    let series = series.into_iter().filter(|one| !one.points.is_empty());
    Chart {
        heading: heading.to_owned(),
        ..Chart::new(x, y, series.collect())
    }
}

/// Probability of the number of active sites in the data and in all models.
pub(super) fn model_counts(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("model_counts") else {
        return Ok(None);
    };
    let settings = settings(input, table)?;
    let mut known: Vec<Model> = Vec::new();
    for setting in &settings {
        known.extend(models(&setting.table)?);
    }
    let known = with_most_fields(&distinct(&known));
    let mut panels = Vec::new();
    for Setting { heading, table } in settings {
        let models = models(&table)?;
        let mut series = Vec::new();
        // The data come last, on top of the models.
        let is_data = |model: &Model| model.0 == "data";
        let others = known.iter().filter(|one| !is_data(one)).cloned();
        let data = known.iter().filter(|one| is_data(one)).cloned();
        for model in others.chain(data) {
            let points = count_points(&table, |row| models[row] == model)?;
            series.push(count_series(&model, &known, points));
        }
        panels.push(Panel::Chart(counts_chart(heading, series, |label| {
            label == "data"
        })));
    }
    let title = "number of active sites, models and data";
    let subtitle =
        "of each kind the model with most fields; bars: one standard error; first replicate";
    Ok(input.drawn(title, subtitle, Layout::Row, panels))
}

/// Of each kind the model with most fields: more curves cannot be told apart.
fn with_most_fields(known: &[Model]) -> Vec<Model> {
    let fewer = |model: &&Model| known.iter().any(|it| it.0 == model.0 && it.1 > model.1);
    known
        .iter()
        .filter(|model| !fewer(model))
        .cloned()
        .collect()
}

/// A curve in black for the data, in a colour and with a mark of its own for a model.
fn count_series(model: &Model, known: &[Model], points: Vec<Point>) -> Series {
    const COLOURS: usize = 6;
    let others = known.iter().filter(|known| known.0 != "data");
    let number = others.take_while(|known| *known != model).count();
    let series = Series {
        line: true,
        ..Series::marks(name(model), number + 1, points)
    };
    let number = if model.0 == "data" {
        0
    } else {
        1 + number % COLOURS
    };
    Series {
        colour: Colour::Category(number),
        ..series
    }
}

/// Pair correlations of some models against those of the data, a panel a model.
pub(super) fn model_correlations(input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
    let Some(table) = input.table("model_correlations") else {
        return Ok(None);
    };
    let settings = settings(input, table)?;
    let room = PANELS / settings.len().max(1);
    let mut scatters = Vec::new();
    for setting in &settings {
        let known = models(&setting.table)?;
        for model in chosen(&distinct(&known), room) {
            let part = setting.table.filter(|row| known[row] == model);
            let note = agreement(input, &setting.heading, &model)?;
            let heading = joined(&name(&model), &setting.heading);
            scatters.push((heading, note, correlation_points(&part)?));
        }
    }
    let points = scatters.iter().flat_map(|(_, _, points)| points);
    let both = points.flat_map(|point| [point.x, point.y]);
    let x = Axis::covering("correlation, data", both);
    let y = Axis {
        label: "model".to_owned(),
        ..x.clone()
    };
    let panels = scatters.into_iter().enumerate();
    let panel = |(index, (heading, note, points))| {
        Panel::Chart(Chart {
            heading,
            guides: vec![Guide::Diagonal],
            notes: Option::into_iter(note).collect(),
            ..Chart::new(
                x.clone(),
                y.clone(),
                vec![Series::marks("", index + 1, points)],
            )
        })
    };
    let panels: Vec<Panel> = panels.map(panel).collect();
    let columns = if panels.len() > 3 { 2 } else { 3 };
    let title = "correlation of a pair of sites, models against data";
    let layout = Layout::Columns(columns);
    Ok(input.drawn(title, errors_of_data(table)?, layout, panels))
}

/// The models to draw: of each preferred kind the one with most fields, then others.
fn chosen(known: &[Model], most: usize) -> Vec<Model> {
    let largest = |kind: &&str| {
        let of_kind = known.iter().filter(|model| model.0 == **kind);
        of_kind.max_by_key(|model| model.1)
    };
    let preferred = PREFERRED.iter().filter_map(largest);
    let others = known
        .iter()
        .filter(|model| !PREFERRED.contains(&model.0.as_str()));
    preferred.chain(others).take(most).cloned().collect()
}

fn correlation_points(table: &Table) -> Result<Vec<Point>, PlotError> {
    let pairs = table.numbers("data")?.iter().zip(table.numbers("value")?);
    let points = pairs.filter_map(|(x, y)| Some(Point::new((*x)?, (*y)?)));
    Ok(points.collect())
}

/// `r = 0.93, rmse = 0.012`, out of the table of models.
fn agreement(
    input: &FigureInput,
    heading: &str,
    model: &Model,
) -> Result<Option<String>, PlotError> {
    let Some(table) = input.table("models") else {
        return Ok(None);
    };
    let settings = settings(input, table)?;
    let Some(setting) = settings.iter().find(|one| one.heading == heading) else {
        return Ok(None);
    };
    let table = &setting.table;
    let Some(row) = models(table)?.iter().position(|known| known == model) else {
        return Ok(None);
    };
    let (r, rmse) = (
        table.numbers("correlation_r")?[row],
        table.numbers("correlation_rmse")?[row],
    );
    let both = r.zip(rmse);
    Ok(both.map(|(r, rmse)| format!("r = {r:.3}, rmse = {rmse:.4}")))
}

/// How far the data's own correlations are to be trusted.
fn errors_of_data(table: &Table) -> Result<String, PlotError> {
    let errors = optional_numbers(table, "data_se")?;
    let errors = errors.into_iter().flatten();
    let Some((low, high)) = extent(errors) else {
        return Ok(String::new());
    };
    Ok(format!(
        "line: model equals data; standard errors of the data: {low:.4} to {high:.4}"
    ))
}
