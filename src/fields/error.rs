//! What can go wrong in this folder.

use thiserror::Error;

/// Why a model of sites in a field was refused.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum FieldsError {
    /// A list has not the length that the others ask for.
    #[error("{found} {what}, expected {expected}")]
    Length {
        /// What is listed.
        what: &'static str,
        /// Length found.
        found: usize,
        /// Length expected.
        expected: usize,
    },
    /// There is nothing to make a model of.
    #[error("no {what}, expected at least one")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A number cannot be computed with.
    #[error("{what} {index} is {found}, expected {expected}")]
    Number {
        /// What it is the number of.
        what: &'static str,
        /// Its place in the list.
        index: usize,
        /// The number.
        found: f64,
        /// What numbers are allowed.
        expected: &'static str,
    },
}

/// Refuses a list of another length.
pub(super) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), FieldsError> {
    if found == expected {
        return Ok(());
    }
    Err(FieldsError::Length {
        what,
        found,
        expected,
    })
}

/// Refuses numbers of which one is not finite.
pub(super) fn check_finite(what: &'static str, values: &[f64]) -> Result<(), FieldsError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(FieldsError::Number {
            what,
            index,
            found: values[index],
            expected: "a finite number",
        }),
    }
}
