//! The comparison as JSON, for programs.

use serde_json::{Map, Value, json};

use super::folders::Folders;
use crate::comparison::{Comparison, Counts, Measured, Options, Row, Verdict};
use crate::plan::Difference;
use crate::tables::Cell;

/// Raised when the meaning of a key changes.
const FORMAT: u32 = 1;

pub(super) fn text(
    folders: &Folders,
    comparison: &Comparison,
    rows: &[&Row],
    options: &Options,
) -> String {
    let counts = Counts::of(&comparison.rows);
    let verdicts =
        Verdict::ALL.map(|verdict| (verdict.word().to_owned(), json!(counts.with(verdict))));
    let missing = comparison.missing_tables.iter();
    let missing =
        missing.map(|(table, side)| json!({"table": table, "missing_in": comparison.sides[*side]}));
    let others = (0..comparison.sides.len()).filter(|&side| side != comparison.baseline);
    let differences = others.map(|side| {
        json!({
            "folder": comparison.sides[side],
            "manifest": changes(&folders.manifest_differences(side)),
            "program_and_machine": changes(&folders.provenance_differences(side)),
        })
    });
    let value = json!({
        "format": FORMAT,
        "baseline": comparison.sides[comparison.baseline],
        "folders": comparison.sides,
        "level": options.level,
        "tests": comparison.tests,
        "verdicts": Map::from_iter(verdicts),
        "largest_z": comparison.largest().and_then(|row| row.z).map(f64::abs),
        "differences": differences.collect::<Vec<Value>>(),
        "missing_tables": missing.collect::<Vec<Value>>(),
        "notes": comparison.notes,
        "rows": rows.iter().map(|row| row_value(row, comparison)).collect::<Vec<Value>>(),
    });
    format!("{value:#}")
}

fn changes(differences: &[Difference]) -> Vec<Value> {
    let change = |difference: &Difference| match difference {
        Difference::Parameter {
            path,
            before,
            after,
        } => {
            json!({"path": path, "baseline": before, "other": after})
        }
        other => json!({"path": other.to_string()}),
    };
    differences.iter().map(change).collect()
}

fn row_value(row: &Row, comparison: &Comparison) -> Value {
    let at = row
        .at
        .iter()
        .map(|(name, cell)| (name.to_string(), cell_value(cell)));
    // Infinite degrees of freedom are null: JSON has no infinity.
    json!({
        "table": &*row.table,
        "quantity": &*row.quantity,
        "column": &*row.column,
        "folder": comparison.sides[row.side],
        "at": at.collect::<Map<_, _>>(),
        "baseline": measured(row.baseline.as_ref()),
        "other": measured(row.other.as_ref()),
        "difference": row.difference,
        "standard_error": row.standard_error,
        "error_source": row.error_source,
        "z": row.z,
        "degrees_of_freedom": row.degrees_of_freedom,
        "p_value": row.p_value,
        "corrected_p_value": row.corrected_p_value,
        "tolerance": row.tolerance,
        "verdict": row.verdict.word(),
    })
}

fn cell_value(cell: &Cell) -> Value {
    match cell {
        Cell::Integer(value) => json!(value),
        Cell::Number(value) => json!(value),
        Cell::Text(value) => json!(value),
        Cell::Flag(value) => json!(value),
    }
}

fn measured(measured: Option<&Measured>) -> Value {
    match measured {
        None => Value::Null,
        Some(Measured::Words(words)) => json!({"words": words}),
        Some(Measured::Number {
            mean,
            standard_error,
            replicates,
        }) => json!({
            "mean": mean,
            "standard_error": standard_error,
            "replicates": replicates,
        }),
    }
}
