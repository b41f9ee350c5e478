//! The columns of a table and their values.

use super::Kind;

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Numbers, `None` where one is missing.
    Number(Vec<Option<f64>>),
    /// Text.
    Text(Vec<String>),
    /// True or false.
    Flag(Vec<bool>),
}

impl Column {
    /// An empty column of the given kind.
    #[must_use]
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integer(Vec::new()),
            Kind::Number => Self::Number(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
        }
    }

    /// What the column holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Flag(_) => Kind::Flag,
        }
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in `row`, if the column is that long.
    #[must_use]
    pub fn cell(&self, row: usize) -> Option<Cell> {
        match self {
            Self::Integer(values) => values.get(row).map(|&value| Cell::Integer(value)),
            Self::Number(values) => values.get(row).map(|&value| Cell::Number(value)),
            Self::Text(values) => values.get(row).map(|value| Cell::Text(value.clone())),
            Self::Flag(values) => values.get(row).map(|&value| Cell::Flag(value)),
        }
    }

    /// Whether a cell may be pushed: of the same kind, or a whole number for a number.
    pub(super) fn takes(&self, cell: &Cell) -> bool {
        self.kind() == cell.kind() || (self.kind(), cell.kind()) == (Kind::Number, Kind::Integer)
    }

    /// Appends a cell that [`Column::takes`] allows; any other is left out.
    pub(super) fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Integer(values), Cell::Integer(value)) => values.push(value),
            (Self::Number(values), Cell::Number(value)) => values.push(value),
            (Self::Number(values), Cell::Integer(value)) => values.push(Some(value as f64)),
            (Self::Text(values), Cell::Text(value)) => values.push(value),
            (Self::Flag(values), Cell::Flag(value)) => values.push(value),
            _ => debug_assert!(false, "checked by `takes`"),
        }
    }

    /// Appends the values of a column of the same kind.
    pub(super) fn extend(&mut self, other: &Self) {
        match (self, other) {
            (Self::Integer(values), Self::Integer(more)) => values.extend(more),
            (Self::Number(values), Self::Number(more)) => values.extend(more),
            (Self::Text(values), Self::Text(more)) => values.extend_from_slice(more),
            (Self::Flag(values), Self::Flag(more)) => values.extend(more),
            _ => debug_assert!(false, "checked by `Table::append`"),
        }
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Integer(values) => Self::Integer(rows.iter().map(|&row| values[row]).collect()),
            Self::Number(values) => Self::Number(rows.iter().map(|&row| values[row]).collect()),
            Self::Text(values) => Self::Text(rows.iter().map(|&row| values[row].clone()).collect()),
            Self::Flag(values) => Self::Flag(rows.iter().map(|&row| values[row]).collect()),
        }
    }
}

/// A number for looking up: values that agree but for rounding, in the last ten
/// of their 52 binary digits, have the same key, as 0.6 and 0.1 * 6 have; so have both
/// zeros.
#[must_use]
pub fn number_key(value: f64) -> u64 {
    const ROUNDED: u32 = 10;
    let bits = (value + 0.0).to_bits();
    bits.wrapping_add(1 << (ROUNDED - 1)) >> ROUNDED
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A whole number.
    Integer(i64),
    /// A number, or none.
    Number(Option<f64>),
    /// Text.
    Text(String),
    /// True or false.
    Flag(bool),
}

impl Cell {
    /// What the cell holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Flag(_) => Kind::Flag,
        }
    }

    pub(super) fn repeated(self, rows: usize) -> Column {
        match self {
            Self::Integer(value) => Column::Integer(vec![value; rows]),
            Self::Number(value) => Column::Number(vec![value; rows]),
            Self::Text(value) => Column::Text(vec![value; rows]),
            Self::Flag(value) => Column::Flag(vec![value; rows]),
        }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<usize> for Cell {
    /// Counts beyond `i64::MAX` do not occur in memory; they would saturate.
    fn from(value: usize) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Cell {
    /// NaN becomes a missing number.
    fn from(value: f64) -> Self {
        Self::from(Some(value))
    }
}

impl From<Option<f64>> for Cell {
    /// NaN becomes a missing number.
    fn from(value: Option<f64>) -> Self {
        Self::Number(value.filter(|number| !number.is_nan()))
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

#[cfg(test)]
mod tests {
    use super::number_key;

    #[test]
    fn numbers_that_differ_by_rounding_have_one_key() {
        for (a, b) in [
            (0.6, 0.1 * 6.0),
            (1.1, 0.4 + 7.0 * 0.1),
            (0.0, -0.0),
            (3.0, 3.0 - 1e-15),
        ] {
            assert_eq!(number_key(a), number_key(b), "{a} {b}");
        }
        for (a, b) in [
            (0.6, 0.600_000_1),
            (1.0, -1.0),
            (0.0, 1e-300),
            (2.0, 2.000_000_001),
        ] {
            assert_ne!(number_key(a), number_key(b), "{a} {b}");
        }
    }
}
