//! Tables: what every stage writes and every figure reads.
//!
//! What comes in: rows pushed by the stages, or the bytes of a Parquet file.
//! What goes out: a [`Table`] with typed columns, and Parquet bytes whose
//! footer carries the schema and the provenance. Samples travel the same way,
//! ([`configurations_to_bytes`]). The schema of each table is a constant
//! of [`schema`], documented in `docs/tables.md`.
//!
//! This is the only folder that names polars, and no polars type leaves it.
//! It touches no file and draws nothing: it turns bytes into tables and back.

mod column;
mod error;
mod filter;
mod pages;
mod parquet;
mod plain;
mod recording;
mod samples;
pub mod schema;
mod table;

pub use column::{Cell, Column, number_key};
pub use error::TableError;
pub use filter::Condition;
pub use parquet::{SCHEMA_KEY, from_bytes, to_bytes};
pub use plain::plain_from_bytes;
pub use recording::{DenseColumn, DenseValues, MAX_CELLS, dense_from_bytes};
pub use samples::{
    SITES_KEY, StoredConfigurations, UNIT_KEY, configurations_from_bytes, configurations_to_bytes,
};
pub use schema::{ColumnSchema, Kind, Role, TableSchema, catalogue, column_names};
pub use table::Table;
