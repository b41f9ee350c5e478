//! A Parquet file of a user's own, as columns of the kinds that tables have.

use polars::prelude::{DataType, PolarsError};

use super::parquet::{column, read_at_most};
use super::{Column, TableError};

/// Decodes every column of a Parquet file with so many values at most.
///
/// Whole numbers of 32 or 64 bits become those of 64 bits with a sign, floating point numbers
/// those of double precision. Narrower ones are refused.
///
/// # Errors
///
/// [`TableError::Unreadable`] if the bytes are no Parquet file or a damaged one,
/// [`TableError::TooLarge`] if it claims more than `most_cells` values (rows times
/// columns), [`TableError::ColumnType`] if a column is neither numbers, text nor flags,
/// [`TableError::MissingValues`] if a value other than a floating point number is missing.
pub fn plain_from_bytes(
    bytes: &[u8],
    most_cells: usize,
) -> Result<Vec<(String, Column)>, TableError> {
    let (frame, _) = read_at_most(bytes, most_cells)?;
    frame.columns().iter().map(plain).collect()
}

fn plain(found: &polars::prelude::Column) -> Result<(String, Column), TableError> {
    let unreadable = |error: PolarsError| TableError::Unreadable(error.to_string());
    let wide = match found.dtype() {
        kind if kind.is_integer() => found.strict_cast(&DataType::Int64),
        kind if kind.is_float() => found.cast(&DataType::Float64),
        _ => return column(found),
    };
    column(&wide.map_err(unreadable)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use polars::prelude::{NamedFrom, Series};

    use super::super::parquet::write;
    use super::*;

    #[test]
    fn columns_keep_their_kinds_and_become_wide() {
        let columns = vec![
            Series::new("small".into(), [1_i32, -2]),
            Series::new("single".into(), [0.5_f32, 2.0]),
            Series::new("word".into(), ["a", "b"]),
            Series::new("flag".into(), [true, false]),
        ];
        let bytes = write(columns, BTreeMap::new()).unwrap();
        let expected = [
            ("small", Column::Integer(vec![1, -2])),
            ("single", Column::Number(vec![Some(0.5), Some(2.0)])),
            ("word", Column::Text(vec!["a".to_owned(), "b".to_owned()])),
            ("flag", Column::Flag(vec![true, false])),
        ];
        let expected = expected.map(|(name, column)| (name.to_owned(), column));
        assert_eq!(plain_from_bytes(&bytes, 8).unwrap(), expected);
    }

    /// The writer here has no narrow types: its footer is told that the numbers have 16 bits.
    #[test]
    fn narrow_whole_numbers_are_refused_by_name() {
        let mut bytes = write(vec![Series::new("n".into(), [1_u32, 2])], BTreeMap::new()).unwrap();
        // Thrift's compact form of a whole number's width and that it has no sign.
        let wide = [0x13, 32, 0x12, 0];
        let mut places = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(&wide));
        let place = places.next().unwrap();
        assert_eq!(places.next(), None);
        assert_eq!(
            plain_from_bytes(&bytes, 9).unwrap(),
            [("n".to_owned(), Column::Integer(vec![1, 2]))]
        );
        bytes[place + 1] = 16;
        // The writer's own record of the types, which other programs do not leave.
        let own = b"ARROW:schema";
        let mut places = (0..bytes.len() - own.len()).filter(|&at| bytes[at..].starts_with(own));
        let place = places.next().unwrap();
        bytes[place] = b'a';
        let refused = plain_from_bytes(&bytes, 9);
        let Err(TableError::ColumnType { column, found, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((column.as_str(), found.as_str()), ("n", "UInt16"));
    }

    #[test]
    fn what_is_too_large_or_missing_is_refused() {
        let bytes = write(
            vec![Series::new("a".into(), [1_i64, 2, 3])],
            BTreeMap::new(),
        )
        .unwrap();
        assert!(matches!(
            plain_from_bytes(&bytes, 2),
            Err(TableError::TooLarge {
                rows: 3,
                columns: 1,
                limit: 2
            })
        ));
        let absent = Series::new("a".into(), [Some(1_i32), None]);
        let bytes = write(vec![absent], BTreeMap::new()).unwrap();
        assert!(matches!(
            plain_from_bytes(&bytes, 9),
            Err(TableError::MissingValues { missing: 1, .. })
        ));
        assert!(plain_from_bytes(b"no Parquet", 9).is_err());
        // Whole numbers beyond 64 bits with a sign are refused, not wrapped.
        let huge = Series::new("a".into(), [u64::MAX]);
        let bytes = write(vec![huge], BTreeMap::new()).unwrap();
        assert!(plain_from_bytes(&bytes, 9).is_err());
    }
}
