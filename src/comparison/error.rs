//! What can be wrong with what is to be compared.

use thiserror::Error;

use crate::tables::TableError;

/// What can be wrong with a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ComparisonError {
    /// Fewer than two folders.
    #[error("{found} results folder, expected two or more")]
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// A column to join on is in no table.
    #[error("no table has a column `{column}` to join on; there are: {}", .known.join(", "))]
    NoColumn {
        /// Name asked for.
        column: String,
        /// Names there are.
        known: Vec<String>,
    },
    /// A tolerance names nothing that is compared.
    #[error("tolerance `{name}` names no quantity that is compared")]
    NoQuantity {
        /// Name asked for.
        name: String,
        /// Names there are.
        known: Vec<String>,
    },
    /// A tolerance has no meaning.
    #[error(
        "tolerance `{text}`: found {found}, expected NAME=VALUE with a number that is not \
         negative, as `elbo_nats=0.05`, or a share of the baseline, as `elbo_nats=5%`"
    )]
    BadTolerance {
        /// What was given.
        text: String,
        /// What is wrong in it.
        found: String,
    },
    /// Rows cannot be paired.
    #[error(
        "`{side}` has {found}, the baseline has {expected}: pairs need the same seeds and \
         replicates; leave `--paired` out"
    )]
    NoPairs {
        /// Name of the folder.
        side: String,
        /// Its seeds and replicates.
        found: String,
        /// Those of the baseline.
        expected: String,
    },
    /// A column of a table is missing or of the wrong kind.
    #[error(transparent)]
    Table(#[from] TableError),
}
