//! What can be wrong with a table or with the bytes of one.

use thiserror::Error;

use super::Kind;

/// What can be wrong with a table, with a cell, or with Parquet bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    /// A row has the wrong number of cells.
    #[error("a row of table `{table}` has {found} cells, expected {expected}: one a column")]
    CellCount {
        /// Name of the table.
        table: String,
        /// Cells in the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// A cell or a column is of the wrong kind.
    #[error("column `{column}` of table `{table}` holds {found}, expected {expected}")]
    WrongKind {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
        /// What is there.
        found: String,
        /// What is wanted.
        expected: Kind,
    },
    /// A column is asked for that the table lacks.
    #[error("table `{table}` has no column `{column}`; its columns are: {known}")]
    NoColumn {
        /// Name of the table.
        table: String,
        /// Name asked for.
        column: String,
        /// Names there are.
        known: String,
    },
    /// A text is no condition on a column.
    #[error(
        "`{text}` is no condition, expected a column, one of = != < <= > >=, and a value, as \
         `temperature=0.6`"
    )]
    Condition {
        /// The text.
        text: String,
    },
    /// The value of a condition is of another kind than the column.
    #[error("column `{column}` holds a {expected}, which `{found}` is not")]
    ConditionValue {
        /// Name of the column.
        column: String,
        /// The value.
        found: String,
        /// What the column holds.
        expected: Kind,
    },
    /// Two columns would have the same name.
    #[error("table `{table}` has column `{column}` twice; rename one")]
    DuplicateColumn {
        /// Name of the table.
        table: String,
        /// The name in question.
        column: String,
    },
    /// Two columns differ in length.
    #[error("column `{column}` of table `{table}` has {found} rows, expected {expected}")]
    RowCount {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
        /// Rows of the column.
        found: usize,
        /// Rows of the table.
        expected: usize,
    },
    /// Two tables with different columns cannot be joined end to end.
    #[error("cannot append to table `{table}`: found columns {found}, expected {expected}")]
    Mismatch {
        /// Name of the table appended to.
        table: String,
        /// Columns of the other table.
        found: String,
        /// Columns of this table.
        expected: String,
    },
    /// The table was written with another version of its schema.
    #[error(
        "table `{table}` has schema version {found}, this program knows {expected}; \
         make the table again or use the program that wrote it"
    )]
    Version {
        /// Name of the table.
        table: String,
        /// Version in the file.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// A key of the Parquet metadata is missing or has no meaning.
    #[error("metadata key `{key}` is {found}, expected {expected}: was it written by latentfield?")]
    Metadata {
        /// The key.
        key: &'static str,
        /// What is there.
        found: String,
        /// What is wanted.
        expected: &'static str,
    },
    /// A column of a Parquet file is of a type that is not read here.
    #[error("column `{column}` is of type `{found}`, expected {expected}")]
    ColumnType {
        /// Name of the column.
        column: String,
        /// The type there.
        found: String,
        /// The types that are read.
        expected: &'static str,
    },
    /// A column of a Parquet file has missing values where none may be.
    #[error("column `{column}` has {missing} missing values, expected none")]
    MissingValues {
        /// Name of the column.
        column: String,
        /// How many.
        missing: usize,
    },
    /// A Parquet file claims more values than are read at once.
    #[error(
        "the file claims {rows} rows of {columns} columns, more than {limit} values; \
         split it or select columns first"
    )]
    TooLarge {
        /// Rows claimed.
        rows: usize,
        /// Columns claimed.
        columns: usize,
        /// Most values read at once.
        limit: usize,
    },
    /// The packed configurations do not fit together.
    #[error("configurations do not fit: {0}")]
    Configurations(String),
    /// The bytes are no Parquet file, or a damaged one.
    #[error("not a readable Parquet file: {0}")]
    Unreadable(String),
    /// A table could not be encoded.
    #[error("cannot encode table `{table}` as Parquet: {reason}")]
    Encode {
        /// Name of the table.
        table: String,
        /// What the encoder says.
        reason: String,
    },
}
