//! What every stage does alike: it puts its parameters into a key, says how far it is
//! and writes tables.

use crate::engine::{Progress, StageError, TaskContext};
use crate::tables::{self, Table};

/// A stage's parameters as JSON.
///
/// They are plain structs of numbers, texts and lists, which JSON can always say.
pub(super) fn json<T: serde::Serialize>(parameters: &T) -> serde_json::Value {
    serde_json::to_value(parameters).unwrap_or(serde_json::Value::Null)
}

/// Says how far a task has come and what it does.
pub(super) fn report(task: &TaskContext<'_>, fraction: f64, message: &str) {
    task.progress(Progress {
        fraction,
        message: message.to_owned(),
    });
}

/// Writes a table as `<table>.parquet`, with its provenance.
pub(super) fn write_fragment(task: &TaskContext<'_>, table: &Table) -> Result<(), StageError> {
    let bytes = tables::to_bytes(table, &task.metadata())?;
    task.write(&format!("{}.parquet", table.name()), &bytes)
}
