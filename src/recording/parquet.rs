//! Tables of numbers, decoded by a function that is passed in.

use super::array::{Layout, Order};
use super::numbers::Numbers;
use super::{ReadRequest, Recording, RecordingError};

/// A column of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its values, row by row.
    pub values: Vec<f64>,
}

/// A table of numbers without gaps; booleans are 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseColumns {
    /// Its columns, all of the same length.
    pub columns: Vec<Column>,
}

/// Decodes the bytes of a Parquet file, or says why it cannot.
pub type ParquetReader<'a> = dyn Fn(&[u8]) -> Result<DenseColumns, String> + 'a;

/// Reads a table: with the axes bin, cell each row is a bin, each column a cell.
pub(super) fn read(
    bytes: &[u8],
    request: &ReadRequest,
    decode: &ParquetReader<'_>,
) -> Result<Recording, RecordingError> {
    let columns = numbers(bytes, request, decode)?.columns;
    let rows = columns.first().map_or(0, Vec::len);
    let shape = [rows as u64, columns.len() as u64];
    let layout = Layout::new(request, &shape, Order::ColumnMajor)?;
    let mut bits = layout.zeros();
    let values = columns.iter().flatten();
    for (index, &value) in values.enumerate() {
        layout.put(&mut bits, index, value)?;
    }
    Ok(layout.finish(bits))
}

/// Reads the columns of a table, with their names.
pub(super) fn numbers(
    bytes: &[u8],
    request: &ReadRequest,
    decode: &ParquetReader<'_>,
) -> Result<Numbers, RecordingError> {
    request.refuse_variable("Parquet")?;
    let table = decode(bytes).map_err(|cause| RecordingError::Parquet { cause })?;
    let columns = table.columns.into_iter();
    let (names, columns) = columns.map(|column| (column.name, column.values)).unzip();
    Numbers {
        names: Some(names),
        columns,
    }
    .of_equal_length()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{active, assert_active};
    use super::super::{ReadRequest, read_bytes};
    use super::*;

    fn request() -> ReadRequest {
        ReadRequest {
            path: "a.parquet".into(),
            ..ReadRequest::default()
        }
    }

    fn table(lengths: &[usize]) -> DenseColumns {
        let column = |(cell, &bins): (usize, &usize)| Column {
            name: format!("cell_{cell}"),
            values: (0..bins)
                .map(|bin| f64::from(u8::from(active(0, cell, bin))))
                .collect(),
        };
        DenseColumns {
            columns: lengths.iter().enumerate().map(column).collect(),
        }
    }

    #[test]
    fn columns_are_cells() {
        let recording = read_bytes(b"bytes", &request(), &|bytes| {
            assert_eq!(bytes, b"bytes");
            Ok(table(&[9; 6]))
        });
        assert_active(&recording.unwrap(), 1, 6, 9);
    }

    #[test]
    fn unequal_columns_and_the_decoders_words_are_passed_on() {
        let error = read_bytes(b"", &request(), &|_| Ok(table(&[9, 9, 8]))).unwrap_err();
        assert!(
            error.to_string().starts_with("column 3 has 8 values"),
            "{error}"
        );
        let error = read_bytes(b"", &request(), &|_| Err("no footer".to_owned())).unwrap_err();
        assert!(
            error.to_string().ends_with("cannot be read: no footer"),
            "{error}"
        );
    }
}
