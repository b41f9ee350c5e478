//! The rows of the tables of the effective model.

use super::Findings;
use super::ladder::{Rung, Split};
use crate::engine::{StageError, TaskContext};
use crate::fields::GeneralisedHopfield;
use crate::inference::fields::NumberOfFields;
use crate::inference::{Estimate, quadratic_fit};
use crate::stages::write_fragment;
use crate::tables::{Cell, Table, schema};

/// Points of the curve of the collective potential along each pattern.
const POINTS: usize = 61;

fn pair(estimate: Option<Estimate>) -> [Cell; 2] {
    [
        estimate.map(|e| e.value).into(),
        estimate.map(|e| e.standard_error).into(),
    ]
}

/// The table `collective_variables`: what each further variable is worth.
pub(super) fn write_variables(
    task: &TaskContext<'_>,
    found: &Findings<'_>,
    rungs: &[Rung],
    losses: &[Estimate],
) -> Result<(), StageError> {
    let values = &found.decoder.spectrum.singular_values;
    let total: f64 = values.iter().map(|value| value * value).sum();
    let mut table = Table::new(&schema::COLLECTIVE_VARIABLES);
    for (index, value) in values.iter().enumerate() {
        let mut row: Vec<Cell> = vec![
            (index + 1).into(),
            (*value).into(),
            (value * value / total.max(f64::MIN_POSITIVE)).into(),
            (index < found.variables).into(),
        ];
        row.extend(pair(rungs.get(index).map(|rung| rung.refitted)));
        row.extend(pair(losses.get(index).copied()));
        table.push(row)?;
    }
    write_fragment(task, &table)
}

/// The table `effective_sites`: biases and patterns with their errors.
pub(super) fn write_sites(task: &TaskContext<'_>, found: &Findings<'_>) -> Result<(), StageError> {
    let model = found.model();
    let mut table = Table::new(&schema::EFFECTIVE_SITES);
    let exact = found.truth.as_ref();
    for site in 0..model.sites() {
        table.push([
            "bias".into(),
            site.into(),
            model.biases()[site].into(),
            found.stability.bias_errors[site].into(),
            exact.map(|truth| truth.biases[site]).into(),
        ])?;
    }
    for pattern in 0..model.fields() {
        for site in 0..model.sites() {
            let entry = site * model.fields() + pattern;
            table.push([
                format!("pattern_{}", pattern + 1).into(),
                site.into(),
                model.patterns()[entry].into(),
                found.stability.pattern_errors[entry].into(),
                exact.map(|truth| truth.patterns[entry]).into(),
            ])?;
        }
    }
    write_fragment(task, &table)
}

/// The table `effective_patterns`: how firmly each pattern stands.
pub(super) fn write_patterns(
    task: &TaskContext<'_>,
    found: &Findings<'_>,
) -> Result<(), StageError> {
    let mut table = Table::new(&schema::EFFECTIVE_PATTERNS);
    for pattern in 0..found.model().fields() {
        let entries = found.model().patterns().iter().skip(pattern);
        let squares = entries.step_by(found.model().fields()).map(|x| x * x);
        table.push([
            (pattern + 1).into(),
            squares.sum::<f64>().sqrt().into(),
            found.stability.returned[pattern].into(),
            found.returned_from_seeds(pattern).into(),
            found.is_stable(pattern).into(),
            found
                .truth
                .as_ref()
                .map(|truth| truth.cosines[pattern])
                .into(),
        ])?;
    }
    write_fragment(task, &table)
}

/// The table `fields_found`: how many fields the data ask for, without a network.
pub(super) fn write_fields(
    task: &TaskContext<'_>,
    fields: &NumberOfFields,
) -> Result<(), StageError> {
    let mut table = Table::new(&schema::FIELDS_FOUND);
    for found in &fields.rows {
        let mut row: Vec<Cell> = vec![found.fields.into()];
        row.extend(pair(Some(found.test)));
        row.extend(pair(found.gain));
        row.push((found.fields == fields.chosen).into());
        table.push(row)?;
    }
    write_fragment(task, &table)
}

/// The table `effective_model`: the model as a whole.
pub(super) fn write_model(
    task: &TaskContext<'_>,
    found: &Findings<'_>,
    departure: f64,
) -> Result<(), StageError> {
    let model = found.model();
    let nodes = model.weights().len();
    let parameters = super::parameters(model);
    let mut row: Vec<Cell> = vec![
        model.fields().into(),
        found.decoder.dimension(model.fields()).into(),
        found.decoder.spectrum.margin.into(),
        found.decoder.spectrum.gap_is_clear().into(),
        nodes.into(),
        parameters.into(),
    ];
    for estimate in [found.network, found.truncated, found.refitted, found.gain] {
        row.extend(pair(Some(estimate)));
    }
    row.push(departure.into());
    row.push(found.truth.as_ref().map(|it| it.plane_cosine).into());
    row.push(found.truth.as_ref().and_then(|it| it.bias_rmse).into());
    row.push(found.warning.as_str().into());
    let mut table = Table::new(&schema::EFFECTIVE_MODEL);
    table.push(row)?;
    write_fragment(task, &table)
}

/// The table `collective_potential`, and the root mean square departure of the potential
/// from a quadratic one over the training data, nats.
pub(super) fn write_potential(
    task: &TaskContext<'_>,
    model: &GeneralisedHopfield,
    split: &Split<'_>,
) -> Result<f64, StageError> {
    let fields = model.fields();
    let (words, counts) = (&split.train, split.train.counts());
    let potential = model.potential();
    let total: Vec<f64> = (0..words.distinct())
        .flat_map(|word| {
            potential
                .sums(words.up(word).iter().map(|&site| site as usize))
                .1
        })
        .collect();
    let values: Vec<f64> = total
        .chunks_exact(fields)
        .map(|u| potential.value(u))
        .collect();
    let quadratic = quadratic_fit(&total, fields, &values, counts)?;
    let all: f64 = counts.iter().sum();
    let mean = |j: usize| {
        let along = total.iter().skip(j).step_by(fields).zip(counts);
        along.map(|(u, count)| u * count).sum::<f64>() / all
    };
    let means: Vec<f64> = (0..fields).map(mean).collect();
    let mut table = Table::new(&schema::COLLECTIVE_POTENTIAL);
    for j in 0..fields {
        let along: Vec<f64> = total.iter().skip(j).step_by(fields).copied().collect();
        let low = along.iter().copied().fold(f64::INFINITY, f64::min);
        let high = along.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let step = ((high - low) / (POINTS - 1) as f64).max(f64::MIN_POSITIVE);
        let mut density = [0.0; POINTS];
        for (u, count) in along.iter().zip(counts) {
            let place = ((u - low) / step).round() as usize;
            density[place.min(POINTS - 1)] += count / (all * step);
        }
        let mut point = means.clone();
        for (index, density) in density.into_iter().enumerate() {
            point[j] = low + index as f64 * step;
            table.push([
                (j + 1).into(),
                point[j].into(),
                potential.value(&point).into(),
                quadratic.value(&point).into(),
                density.into(),
            ])?;
        }
    }
    write_fragment(task, &table)?;
    Ok(quadratic.departure)
}
