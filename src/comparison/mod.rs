//! Compares the tables of results folders, row by row.
//!
//! What comes in: the tables and expanded manifests of two or more folders
//! ([`Side`]), and what counts as equal ([`Options`]). What goes out: a
//! [`Comparison`]: for each row of each table and each of its values the mean on
//! both sides, the difference, its standard error, and a [`Verdict`].
//!
//! Rows are joined on the swept parameters and on the keys of their table
//! ([`crate::tables::TableSchema::keys`]), and averaged over seeds and
//! replicates. `docs/compare.md` states the rules.
//!
//! It is a function of its arguments: it touches no file, prints nothing and
//! draws nothing.

mod decision;
mod error;
mod estimate;
mod holm;
mod join;
mod judge;
mod layout;
mod pair;
mod parameters;
mod result;
mod runs;
mod side;
#[cfg(test)]
mod tests;
mod tolerance;

pub use error::ComparisonError;
pub use join::compare;
pub use judge::Verdict;
pub use result::{Comparison, Coordinates, Counts, Measured, Row, cell_text};
pub use side::{Options, Side};
pub use tolerance::{Tolerance, Tolerances};
