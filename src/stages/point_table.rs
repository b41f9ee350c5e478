//! Parquet files of points for `manifest`, which names no format but text.

use crate::manifest::{MOST_CELLS, PointCell, PointTable};
use crate::tables::{self, Column};

/// Decodes a Parquet file of points.
///
/// # Errors
///
/// A message if the bytes are not a Parquet file of numbers, texts and flags, or if it
/// claims more values than any sweep has.
pub fn parquet_points(bytes: &[u8]) -> Result<PointTable, String> {
    let columns = tables::plain_from_bytes(bytes, MOST_CELLS).map_err(|error| error.to_string())?;
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    let cells = |row| {
        columns
            .iter()
            .map(|(_, column)| cell(column, row))
            .collect()
    };
    Ok(PointTable {
        rows: (0..rows).map(cells).collect(),
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
    })
}

fn cell(column: &Column, row: usize) -> PointCell {
    match column {
        Column::Integer(values) => PointCell::Integer(values[row]),
        // A missing number is an empty cell.
        Column::Number(values) => {
            values[row].map_or(PointCell::Text(String::new()), PointCell::Number)
        }
        Column::Text(values) => PointCell::Text(values[row].clone()),
        Column::Flag(values) => PointCell::Flag(values[row]),
    }
}
