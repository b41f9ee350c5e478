//! A Parquet file of a user's own, as plain columns of numbers.

use polars::prelude::{DataType, PolarsError};

use super::TableError;
use super::parquet::{complete, read};

/// Most values (rows times columns) that are read from one file.
pub const MAX_CELLS: usize = 1 << 28;

/// One column of a user's file.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseColumn {
    /// Name of the column.
    pub name: String,
    /// Its values, row by row.
    pub values: DenseValues,
}

/// The values of a [`DenseColumn`].
#[derive(Debug, Clone, PartialEq)]
pub enum DenseValues {
    /// Flags as 0 and 1, or whole numbers that all lie between 0 and 255.
    Bytes(Vec<u8>),
    /// Any other numbers.
    Numbers(Vec<f64>),
}

/// Decodes every column of a Parquet file as numbers.
///
/// Flags become 0 and 1. Whole numbers that fit a byte stay bytes; beyond
/// 2^53 they are rounded to double precision.
///
/// # Errors
///
/// [`TableError::Unreadable`] if the bytes are no Parquet file or a damaged
/// one, [`TableError::TooLarge`] if it claims more than [`MAX_CELLS`] values,
/// [`TableError::ColumnType`] if a column is neither numeric nor flags,
/// [`TableError::MissingValues`] if a value is missing.
pub fn dense_from_bytes(bytes: &[u8]) -> Result<Vec<DenseColumn>, TableError> {
    let (frame, _) = read(bytes)?;
    frame.columns().iter().map(dense).collect()
}

fn dense(column: &polars::prelude::Column) -> Result<DenseColumn, TableError> {
    let name = column.name().to_string();
    let unreadable = |error: PolarsError| TableError::Unreadable(error.to_string());
    let values = match column.dtype() {
        DataType::Boolean => {
            let flags = column.bool().map_err(unreadable)?.iter();
            DenseValues::Bytes(complete(column, flags.map(|flag| flag.map(u8::from)))?)
        }
        found if found.is_primitive_numeric() => {
            let whole = found.is_integer();
            let numbers = column.cast(&DataType::Float64).map_err(unreadable)?;
            let numbers = complete(column, numbers.f64().map_err(unreadable)?.iter())?;
            narrowed(numbers, whole)
        }
        other => {
            return Err(TableError::ColumnType {
                column: name,
                found: other.to_string(),
                expected: "numbers or flags",
            });
        }
    };
    Ok(DenseColumn { name, values })
}

/// Bytes if the numbers are whole and fit, else the numbers.
#[expect(clippy::cast_sign_loss, reason = "the range is checked before")]
fn narrowed(numbers: Vec<f64>, whole: bool) -> DenseValues {
    if whole && numbers.iter().all(|number| (0.0..=255.0).contains(number)) {
        DenseValues::Bytes(numbers.into_iter().map(|number| number as u8).collect())
    } else {
        DenseValues::Numbers(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parquet::write;
    use super::*;
    use polars::prelude::{NamedFrom, Series};
    use std::collections::BTreeMap;

    fn read_back(series: Series) -> Result<DenseValues, TableError> {
        let bytes = write(vec![series], BTreeMap::new()).unwrap();
        dense_from_bytes(&bytes).map(|mut columns| columns.remove(0).values)
    }

    #[test]
    fn flags_and_small_whole_numbers_are_bytes() {
        let bytes = DenseValues::Bytes(vec![0, 1, 1]);
        assert_eq!(
            read_back(Series::new("a".into(), [false, true, true])),
            Ok(bytes.clone())
        );
        assert_eq!(
            read_back(Series::new("a".into(), [0_i64, 1, 1])),
            Ok(bytes.clone())
        );
        assert_eq!(read_back(Series::new("a".into(), [0_u32, 1, 1])), Ok(bytes));
    }

    #[test]
    fn other_numbers_stay_numbers() {
        let signed = read_back(Series::new("a".into(), [-1_i64, 256]));
        assert_eq!(signed, Ok(DenseValues::Numbers(vec![-1.0, 256.0])));
        let real = read_back(Series::new("a".into(), [0.5_f32, 1.0]));
        assert_eq!(real, Ok(DenseValues::Numbers(vec![0.5, 1.0])));
    }

    #[test]
    fn columns_keep_names_and_order() {
        let columns = vec![
            Series::new("b".into(), [1_i64]),
            Series::new("a".into(), [2.0]),
        ];
        let bytes = write(columns, BTreeMap::new()).unwrap();
        let names: Vec<String> = dense_from_bytes(&bytes)
            .unwrap()
            .into_iter()
            .map(|column| column.name)
            .collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn text_and_missing_values_are_errors_that_name_the_column() {
        let text = read_back(Series::new("cell".into(), ["x"]))
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "column `cell` is of type `str`, expected numbers or flags"
        );
        let gap = read_back(Series::new("cell".into(), [Some(1.0), None])).unwrap_err();
        assert_eq!(
            gap,
            TableError::MissingValues {
                column: "cell".to_owned(),
                missing: 1
            }
        );
    }
}
