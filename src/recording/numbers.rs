//! Columns of numbers, as every format of file can give them.

use std::io::Read;

use super::array::{ByteOrder, Number, Order, each_number};
use super::{ReadRequest, RecordingError};

/// Most columns of a table with a row an event; a file that lies on its side has more.
const MOST_COLUMNS: usize = 1000;

/// Values of a table, at most: 8 GiB of them.
const MOST_VALUES: u64 = 1 << 30;

/// Columns of numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The name of each column, if the file has names.
    pub(super) names: Option<Vec<String>>,
    /// The values of each column, row by row.
    pub(super) columns: Vec<Vec<f64>>,
}

impl Numbers {
    /// The same, if all columns are of one length.
    pub(super) fn of_equal_length(self) -> Result<Self, RecordingError> {
        equal_length(self.columns.iter().map(Vec::as_slice))?;
        Ok(self)
    }
}

/// The length that all columns have; 0 if there is none.
pub(super) fn equal_length<'c>(
    mut columns: impl Iterator<Item = &'c [f64]>,
) -> Result<usize, RecordingError> {
    let expected = columns.next().map_or(0, <[f64]>::len);
    let odd = columns.enumerate().find(|(_, c)| c.len() != expected);
    match odd {
        None => Ok(expected),
        Some((index, column)) => Err(RecordingError::Ragged {
            what: "column",
            index: index as u64 + 2,
            found: column.len(),
            expected,
        }),
    }
}

/// Refuses a table that lies on its side.
pub(super) fn check_columns(request: &ReadRequest, columns: usize) -> Result<(), RecordingError> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    Err(wrong_shape(
        request,
        format!("{columns} columns"),
        format!("at most {MOST_COLUMNS}"),
    ))
}

fn wrong_shape(request: &ReadRequest, found: String, expected: String) -> RecordingError {
    RecordingError::SpikeColumns {
        path: request.path.clone(),
        found,
        expected,
        way_out: "store a row a spike, with a column each for its cell and its time",
    }
}

/// So many columns with room for `rows` values each.
pub(super) fn empty_columns(rows: usize, columns: usize) -> Vec<Vec<f64>> {
    (0..columns).map(|_| Vec::with_capacity(rows)).collect()
}

/// How a table lies in a file.
#[derive(Debug)]
pub(super) struct Stored {
    rows: usize,
    columns: usize,
    order: Order,
}

impl Stored {
    /// A table of two axes; checks what the file declares and allocates nothing.
    pub(super) fn matrix(
        request: &ReadRequest,
        declared: &[u64],
        order: Order,
    ) -> Result<Self, RecordingError> {
        let &[rows, columns] = declared else {
            let found = format!("an array of shape {declared:?}");
            return Err(wrong_shape(request, found, "two axes".to_owned()));
        };
        check_columns(request, usize::try_from(columns).unwrap_or(usize::MAX))?;
        Self::sized(declared, rows, columns, order)
    }

    /// One column, as a row or a column of a matrix.
    pub(super) fn vector(
        request: &ReadRequest,
        name: &str,
        declared: &[u64],
    ) -> Result<Self, RecordingError> {
        if declared.iter().filter(|&&length| length != 1).count() > 1 {
            let found = format!("a variable `{name}` of shape {declared:?}");
            return Err(wrong_shape(request, found, "one column".to_owned()));
        }
        let rows = declared.iter().copied().find(|&length| length != 1);
        Self::sized(declared, rows.unwrap_or(1), 1, Order::ColumnMajor)
    }

    fn sized(
        declared: &[u64],
        rows: u64,
        columns: u64,
        order: Order,
    ) -> Result<Self, RecordingError> {
        match rows.checked_mul(columns) {
            Some(values) if values <= MOST_VALUES => Ok(Self {
                rows: rows as usize,
                columns: columns as usize,
                order,
            }),
            _ => Err(RecordingError::TooManyValues {
                shape: declared.to_vec(),
                limit: MOST_VALUES,
            }),
        }
    }

    /// Number of values in the table.
    pub(super) fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Reads the whole table; its columns have no names.
    pub(super) fn read(
        &self,
        source: &mut dyn Read,
        number: Number,
        byte_order: ByteOrder,
    ) -> Result<Numbers, RecordingError> {
        let mut columns = empty_columns(self.rows, self.columns);
        each_number(source, self.len(), number, byte_order, |index, value| {
            let column = match self.order {
                Order::RowMajor => index % self.columns,
                Order::ColumnMajor => index / self.rows,
            };
            columns[column].push(value);
            Ok(())
        })?;
        Ok(Numbers {
            names: None,
            columns,
        })
    }
}
