//! `show-config`: every value that a manifest comes to, and where it came from.

use clap::Args;
use serde_json::{Value, json};

use super::args::{ManifestArguments, OutputFormat};
use super::diagnostic::put;
use super::{Outcome, prepare};
use crate::manifest::{EffectiveValue, Origin};

/// Version of the JSON; a key that goes or changes its meaning raises it.
const FORMAT: u32 = 1;

/// Values wider than this do not move the column of the origins.
const WIDEST: usize = 60;

#[derive(Debug, Args)]
pub(super) struct ShowConfigArguments {
    #[command(flatten)]
    manifest: ManifestArguments,
    /// Say beside each value which file and line, variable or option it came from
    #[arg(long)]
    origin: bool,
    /// How to write the values; JSON has the origins in any case
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

pub(super) fn main(arguments: &ShowConfigArguments) -> Outcome {
    let values = match prepare::effective(&arguments.manifest) {
        Ok(values) => values,
        Err(outcome) => return outcome,
    };
    put(&match arguments.format {
        OutputFormat::Text => text(&values, arguments.origin),
        OutputFormat::Json => {
            let path = arguments.manifest.manifest.to_string_lossy();
            let values: Vec<Value> = values.iter().map(value).collect();
            format!(
                "{:#}",
                json!({ "format": FORMAT, "manifest": path, "values": values })
            )
        }
    });
    Outcome::Done
}

/// A line a value: `path = value`, and behind `#` its origin.
fn text(values: &[EffectiveValue], with_origin: bool) -> String {
    let assignments = values.iter().map(|value| match value.value {
        Some(_) => format!("{} = {}", value.path, value.written),
        None => format!("# {}: {}", value.path, value.written),
    });
    if !with_origin {
        return assignments.collect::<Vec<_>>().join("\n");
    }
    let assignments: Vec<String> = assignments.collect();
    let widths = assignments.iter().map(|text| text.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let lines = assignments.iter().zip(values);
    let lines = lines.map(|(assignment, value)| format!("{assignment:width$}  # {}", value.origin));
    lines.collect::<Vec<_>>().join("\n")
}

fn value(value: &EffectiveValue) -> Value {
    let origin = match &value.origin {
        Origin::File {
            path, line, column, ..
        } => json!({
            "kind": "file", "path": path.to_string_lossy(), "line": line, "column": column,
        }),
        Origin::Row { path, row } => json!({
            "kind": "row", "path": path.to_string_lossy(), "row": row,
        }),
        Origin::Environment(name) => json!({ "kind": "environment", "name": name }),
        Origin::Set(text) => json!({ "kind": "set", "text": text }),
        Origin::Default => json!({ "kind": "default" }),
    };
    json!({
        "path": value.path, "value": value.value, "text": value.written, "origin": origin,
    })
}
