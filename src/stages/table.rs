//! `table`: joins the fragments of one table over all points.
//!
//! Writes `<table>.parquet`: each fragment's rows behind the columns `point`,
//! `replicate`, `seed` and one for each swept parameter.

use serde_json::Value;

use crate::engine::{Stage, StageError, TaskContext};
use crate::manifest::Point;
use crate::plan::{
    Code, ManifestKey, Request, StageDefinition, TABLE_STAGE, TableParameters, TableRow,
};
use crate::tables::{self, Cell, Table};

/// The stage.
pub(super) struct Join;

impl StageDefinition for Join {
    fn name(&self) -> &'static str {
        TABLE_STAGE
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, _point: &Point) -> Option<Request> {
        None
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("seed", "experiment.seed")] }
    }
}

impl Stage for Join {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: TableParameters = task.parameters()?;
        let file = format!("{}.parquet", parameters.table);
        let mut joined: Option<Table> = None;
        for row in &parameters.rows {
            task.check_cancelled()?;
            let (fragment, _) = tables::from_bytes(&task.read(&row.source, &file)?)?;
            let fragment = fragment.with_leading(leading(row)?)?;
            match &mut joined {
                None => joined = Some(fragment),
                Some(table) => table.append(&fragment)?,
            }
        }
        let table = joined.ok_or_else(|| {
            StageError::failed(format!("table `{}` has no rows", parameters.table))
        })?;
        super::write_fragment(task, &table)
    }
}

/// The columns that every table begins with.
fn leading(row: &TableRow) -> Result<Vec<(String, Cell)>, StageError> {
    let mut columns = vec![
        ("point".to_owned(), Cell::from(row.point)),
        ("replicate".to_owned(), Cell::from(row.replicate)),
        // Text, since a seed may exceed the integers of a table.
        ("seed".to_owned(), Cell::from(row.seed.to_string())),
    ];
    for (name, value) in &row.coordinates {
        let cell = match value {
            Value::Null => Cell::Number(None),
            Value::Bool(flag) => Cell::from(*flag),
            Value::String(text) => Cell::from(text.as_str()),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Cell::from(integer),
                None => Cell::from(number.as_f64()),
            },
            other => {
                return Err(StageError::failed(format!(
                    "swept parameter `{name}` is {other}, expected a number, a text or a flag"
                )));
            }
        };
        columns.push((name.clone(), cell));
    }
    Ok(columns)
}
