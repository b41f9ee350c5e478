//! What can go wrong when a figure is drawn.

use thiserror::Error;

use crate::tables::TableError;

/// What can go wrong when a figure is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlotError {
    /// A table lacks a column or holds the wrong kind of values.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A plot is asked for of a table that the experiment does not make.
    #[error("plot `{plot}` needs table `{table}`, which is not there; tables: {known}")]
    NoTable {
        /// Name of the plot.
        plot: String,
        /// Table asked for.
        table: String,
        /// Tables there are.
        known: String,
    },
    /// The renderer refused.
    #[error("cannot draw the figure: {0}")]
    Render(String),
    /// The picture could not be compressed.
    #[error("cannot encode the figure as PNG: {0}")]
    Encode(String),
}
