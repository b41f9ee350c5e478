//! A table as Parquet bytes, and back.
//!
//! The footer carries the schema as JSON under [`SCHEMA_KEY`] and the
//! provenance as the pairs handed in. Equal tables give equal bytes: columns
//! are written one after the other by one thread.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::catch_unwind;

use polars::prelude::{
    ArrowDataType, DataFrame, DataType, FileMetadata, KeyValueMetadata, NamedFrom,
    ParallelStrategy, ParquetReader, ParquetWriter, PolarsResult, SerReader, Series,
};
use serde::{Deserialize, Serialize};

use super::pages::PageCheck;
use super::{Column, MAX_CELLS, Table, TableError, schema};

/// Metadata key under which a table's schema is kept as JSON.
pub const SCHEMA_KEY: &str = "latentfield.schema";

/// Key of polars' own record of the column types.
const ARROW_KEY: &str = "ARROW:schema";

#[derive(Serialize, Deserialize)]
struct StoredSchema {
    name: String,
    version: u32,
    row: String,
    columns: Vec<StoredColumn>,
}

#[derive(Serialize, Deserialize)]
struct StoredColumn {
    name: String,
    kind: String,
    description: String,
}

impl StoredSchema {
    fn of(table: &Table) -> Self {
        let known = schema::find(table.name());
        let column = |(name, values): &(String, Column)| StoredColumn {
            name: name.clone(),
            kind: values.kind().name().to_owned(),
            description: schema::describe(table.name(), name).to_owned(),
        };
        Self {
            name: table.name().to_owned(),
            version: known.map_or(0, |schema| schema.version),
            row: known.map_or("", |schema| schema.row).to_owned(),
            columns: table.columns().iter().map(column).collect(),
        }
    }

    fn check_version(&self) -> Result<(), TableError> {
        match schema::find(&self.name) {
            Some(known) if known.version != self.version => Err(TableError::Version {
                table: self.name.clone(),
                found: self.version,
                expected: known.version,
            }),
            _ => Ok(()),
        }
    }
}

/// Encodes a table and its provenance as Parquet.
///
/// Equal arguments give equal bytes. A pair of `metadata` under [`SCHEMA_KEY`]
/// is replaced by the table's schema.
///
/// # Errors
///
/// [`TableError::Encode`] if the encoder refuses the table.
pub fn to_bytes(table: &Table, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, TableError> {
    let refused = |reason: String| TableError::Encode {
        table: table.name().to_owned(),
        reason,
    };
    let stored = serde_json::to_string(&StoredSchema::of(table));
    let mut pairs = metadata.clone();
    pairs.insert(
        SCHEMA_KEY.to_owned(),
        stored.map_err(|error| refused(error.to_string()))?,
    );
    let columns = table
        .columns()
        .iter()
        .map(|(name, column)| series(name, column))
        .collect();
    write(columns, pairs).map_err(|error| refused(error.to_string()))
}

/// Decodes a table and its provenance.
///
/// # Errors
///
/// [`TableError::Unreadable`] or [`TableError::TooLarge`] if the bytes are no
/// Parquet file or a damaged one, [`TableError::Metadata`] if it was not
/// written by [`to_bytes`], [`TableError::Version`] if it was written under
/// another version of the schema, [`TableError::ColumnType`] or
/// [`TableError::MissingValues`] if a column is not what a table may hold.
pub fn from_bytes(bytes: &[u8]) -> Result<(Table, BTreeMap<String, String>), TableError> {
    let (frame, mut metadata) = read(bytes)?;
    let expected = "the schema of a table as JSON";
    let misfit = |found: &str| TableError::Metadata {
        key: SCHEMA_KEY,
        found: found.to_owned(),
        expected,
    };
    let text = metadata
        .remove(SCHEMA_KEY)
        .ok_or_else(|| misfit("missing"))?;
    let stored: StoredSchema = serde_json::from_str(&text).map_err(|_| misfit("not such JSON"))?;
    stored.check_version()?;
    let columns = frame
        .columns()
        .iter()
        .map(column)
        .collect::<Result<Vec<_>, _>>()?;
    Ok((Table::from_columns(stored.name, columns)?, metadata))
}

/// A decoded file: its columns and the pairs of its footer.
pub(super) type Decoded = (DataFrame, BTreeMap<String, String>);

/// Encodes columns of equal length.
pub(super) fn write(
    columns: Vec<Series>,
    metadata: BTreeMap<String, String>,
) -> PolarsResult<Vec<u8>> {
    let columns = columns.into_iter().map(Into::into).collect();
    let mut frame = DataFrame::new_infer_height(columns)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .set_parallel(false)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(
            metadata.into_iter().collect(),
        )))
        .finish(&mut frame)?;
    Ok(bytes)
}

/// Decodes a file of plain columns: whole numbers, numbers, text and flags.
///
/// Size, types and page headers are checked before any value is decoded. The
/// decoder panics on some damaged files; such a panic is caught here and becomes
/// an error (its message still reaches the process's panic hook).
pub(super) fn read(bytes: &[u8]) -> Result<Decoded, TableError> {
    read_at_most(bytes, MAX_CELLS)
}

/// The same for a file of so many values (rows times columns) at most.
pub(super) fn read_at_most(bytes: &[u8], limit: usize) -> Result<Decoded, TableError> {
    catch_unwind(|| decode(bytes, limit)).unwrap_or_else(|_| {
        Err(TableError::Unreadable(
            "the decoder gave up on damaged data".to_owned(),
        ))
    })
}

fn decode(bytes: &[u8], limit: usize) -> Result<Decoded, TableError> {
    let unreadable =
        |error: polars::prelude::PolarsError| TableError::Unreadable(error.to_string());
    let mut reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None);
    let types = reader.schema().map_err(unreadable)?;
    let footer = reader.get_metadata().map_err(unreadable)?;
    let rows = claimed_rows(footer);
    check_size(rows, types.len(), limit)?;
    for (name, field) in types.iter() {
        if !is_plain(field.dtype()) {
            return Err(TableError::ColumnType {
                column: name.to_string(),
                found: format!("{:?}", field.dtype()),
                expected: "whole numbers of 32 or 64 bits, floating point numbers, text or flags",
            });
        }
    }
    check_pages(bytes, footer)?;
    let pairs = footer.key_value_metadata.iter().flatten();
    let metadata = pairs
        .filter(|pair| pair.key != ARROW_KEY)
        .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
        .collect();
    let frame = reader.finish().map_err(unreadable)?;
    Ok((frame, metadata))
}

/// Rows that the footer claims, as a whole or group by group.
fn claimed_rows(footer: &FileMetadata) -> usize {
    let mut rows = 0_usize;
    for group in &footer.row_groups {
        rows = rows.saturating_add(group.num_rows());
    }
    rows.max(footer.num_rows)
}

/// Reads all page headers, so that none can claim more than its column holds.
fn check_pages(bytes: &[u8], footer: &FileMetadata) -> Result<(), TableError> {
    let unreadable = |text: &str| TableError::Unreadable(text.to_owned());
    let mut pages = PageCheck::default();
    for group in &footer.row_groups {
        for chunk in group.parquet_columns() {
            let range = chunk.byte_range();
            let chunk_bytes = bytes
                .get(range.start as usize..range.end as usize)
                .ok_or_else(|| unreadable("a column lies outside the file"))?;
            let values = usize::try_from(chunk.num_values())
                .ok()
                .filter(|&values| values <= group.num_rows())
                .ok_or_else(|| unreadable("a column claims more values than rows"))?;
            pages
                .chunk(chunk_bytes, values)
                .map_err(|text| unreadable(&text))?;
        }
    }
    Ok(())
}

fn check_size(rows: usize, columns: usize, limit: usize) -> Result<(), TableError> {
    if rows.saturating_mul(columns.max(1)) > limit {
        return Err(TableError::TooLarge {
            rows,
            columns,
            limit,
        });
    }
    Ok(())
}

/// Whether values of this type are read. Whole numbers of 8 and 16 bits need
/// features of polars that are off.
fn is_plain(found: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    let whole = matches!(found, A::Int32 | A::Int64 | A::UInt32 | A::UInt64);
    let text = matches!(found, A::Utf8 | A::LargeUtf8 | A::Utf8View);
    whole || text || matches!(found, A::Float32 | A::Float64 | A::Boolean)
}

fn series(name: &str, column: &Column) -> Series {
    match column {
        Column::Integer(values) => Series::new(name.into(), values),
        Column::Number(values) => Series::new(name.into(), values),
        Column::Text(values) => Series::new(name.into(), values),
        Column::Flag(values) => Series::new(name.into(), values),
    }
}

pub(super) fn column(found: &polars::prelude::Column) -> Result<(String, Column), TableError> {
    let name = found.name().to_string();
    let unreadable =
        |error: polars::prelude::PolarsError| TableError::Unreadable(error.to_string());
    let values = match found.dtype() {
        DataType::Int64 => {
            Column::Integer(complete(found, found.i64().map_err(unreadable)?.iter())?)
        }
        DataType::Float64 => Column::Number(found.f64().map_err(unreadable)?.iter().collect()),
        DataType::String => {
            let texts = found.str().map_err(unreadable)?.iter();
            Column::Text(complete(found, texts.map(|text| text.map(str::to_owned)))?)
        }
        DataType::Boolean => {
            Column::Flag(complete(found, found.bool().map_err(unreadable)?.iter())?)
        }
        other => {
            return Err(TableError::ColumnType {
                column: name,
                found: other.to_string(),
                expected: "int64, float64, string or boolean",
            });
        }
    };
    Ok((name, values))
}

/// The values of a column in which none may be missing.
pub(super) fn complete<T>(
    column: &polars::prelude::Column,
    values: impl Iterator<Item = Option<T>>,
) -> Result<Vec<T>, TableError> {
    values
        .collect::<Option<Vec<T>>>()
        .ok_or_else(|| TableError::MissingValues {
            column: column.name().to_string(),
            missing: column.null_count(),
        })
}

#[cfg(test)]
mod tests {
    use super::super::schema::{SPECTRUM, TRAINING};
    use super::*;
    use proptest::prelude::*;

    fn spectrum() -> Table {
        let mut table = Table::new(&SPECTRUM);
        for component in 0..40_usize {
            let value = 3.0 / (1.0 + component as f64);
            let margin = if component == 0 { None } else { Some(15.0) };
            table
                .push([
                    component.into(),
                    "prior".into(),
                    value.into(),
                    (component < 3).into(),
                    margin.into(),
                ])
                .unwrap();
        }
        table
            .with_leading(vec![
                ("point".to_owned(), 2_i64.into()),
                ("seed".to_owned(), "7".into()),
            ])
            .unwrap()
    }

    fn provenance() -> BTreeMap<String, String> {
        BTreeMap::from([("commit".to_owned(), "abc".to_owned())])
    }

    #[test]
    fn a_table_comes_back_with_its_provenance() {
        let table = spectrum();
        let bytes = to_bytes(&table, &provenance()).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), (table, provenance()));
    }

    #[test]
    fn an_empty_table_keeps_its_columns() {
        let table = Table::new(&TRAINING);
        let bytes = to_bytes(&table, &BTreeMap::new()).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap().0, table);
    }

    #[test]
    fn equal_tables_give_equal_bytes() {
        let encode = || to_bytes(&spectrum(), &provenance()).unwrap();
        assert_eq!(encode(), encode());
    }

    #[test]
    fn the_footer_describes_each_column() {
        let bytes = to_bytes(&spectrum(), &BTreeMap::new()).unwrap();
        let (_, metadata) = read(&bytes).unwrap();
        let stored: StoredSchema = serde_json::from_str(&metadata[SCHEMA_KEY]).unwrap();
        assert_eq!(
            (stored.name.as_str(), stored.version),
            ("spectrum", SPECTRUM.version)
        );
        let seed = stored
            .columns
            .iter()
            .find(|column| column.name == "seed")
            .unwrap();
        assert!(seed.description.contains("random streams"));
        let margin = stored.columns.last().unwrap();
        assert_eq!(
            (margin.name.as_str(), margin.kind.as_str()),
            ("margin", "number")
        );
    }

    #[test]
    fn a_table_of_another_schema_version_is_refused() {
        let mut stored = StoredSchema::of(&spectrum());
        stored.version += 1;
        let pair = (
            SCHEMA_KEY.to_owned(),
            serde_json::to_string(&stored).unwrap(),
        );
        let bytes = write(
            vec![Series::new("point".into(), [1_i64])],
            BTreeMap::from([pair]),
        )
        .unwrap();
        assert!(matches!(
            from_bytes(&bytes),
            Err(TableError::Version {
                found: 2,
                expected: 1,
                ..
            })
        ));
    }

    #[test]
    fn a_file_of_someone_else_is_no_table() {
        let bytes = write(vec![Series::new("a".into(), [1_i64])], BTreeMap::new()).unwrap();
        assert!(matches!(
            from_bytes(&bytes),
            Err(TableError::Metadata {
                key: SCHEMA_KEY,
                ..
            })
        ));
    }

    #[test]
    fn missing_whole_numbers_are_an_error() {
        let pair = (
            SCHEMA_KEY.to_owned(),
            serde_json::to_string(&StoredSchema::of(&spectrum())).unwrap(),
        );
        let gap = Series::new("component".into(), [Some(1_i64), None]);
        let bytes = write(vec![gap], BTreeMap::from([pair])).unwrap();
        assert_eq!(
            from_bytes(&bytes),
            Err(TableError::MissingValues {
                column: "component".to_owned(),
                missing: 1
            })
        );
    }

    #[test]
    fn more_values_than_are_read_at_once_are_refused() {
        assert!(check_size(MAX_CELLS, 1, MAX_CELLS).is_ok());
        assert!(matches!(
            check_size(MAX_CELLS / 2 + 1, 2, MAX_CELLS),
            Err(TableError::TooLarge { .. })
        ));
        assert!(matches!(
            check_size(usize::MAX, 3, MAX_CELLS),
            Err(TableError::TooLarge { .. })
        ));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = to_bytes(&spectrum(), &provenance()).unwrap();
        for length in 0..bytes.len() {
            assert!(
                from_bytes(&bytes[..length]).is_err(),
                "{length} of {} bytes",
                bytes.len()
            );
        }
    }

    proptest! {
        /// Damage gives a table or an error, never a panic.
        #[test]
        fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..6)) {
            let mut bytes = to_bytes(&spectrum(), &provenance()).unwrap();
            for (index, bit) in flips {
                let at = index.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            if let Ok((table, _)) = from_bytes(&bytes) {
                prop_assert!(table.rows() <= MAX_CELLS);
            }
        }

        #[test]
        fn arbitrary_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(from_bytes(&bytes).is_err());
        }

        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(prop::option::of(prop::num::f64::NORMAL | prop::num::f64::INFINITE | prop::num::f64::ZERO), 0..50)) {
            let table = Table::from_columns("free", vec![("x".to_owned(), Column::Number(values))]).unwrap();
            let bytes = to_bytes(&table, &BTreeMap::new()).unwrap();
            prop_assert_eq!(from_bytes(&bytes).unwrap().0, table);
        }
    }
}
