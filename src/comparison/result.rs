//! What a comparison found, and the same as a table.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Verdict;
use crate::tables::{Cell, Column, Table, TableError};

/// Where a row stands: swept parameters first, then the keys of its table.
pub type Coordinates = Arc<[(Arc<str>, Cell)]>;

/// A value on one side.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// A mean over replicates.
    Number {
        /// The mean.
        mean: f64,
        /// Its standard error, if there is one.
        standard_error: Option<f64>,
        /// Replicates that it is a mean of.
        replicates: usize,
    },
    /// Words or flags, each once, with their numbers if they differ.
    Words(String),
}

/// One value of one row, on two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Table of the row.
    pub table: Arc<str>,
    /// What is compared: the column, or the quantity that the row names.
    pub quantity: Arc<str>,
    /// Column of the value.
    pub column: Arc<str>,
    /// Number of the folder that is compared with the baseline.
    pub side: usize,
    /// Where the row stands.
    pub at: Coordinates,
    /// The baseline's value.
    pub baseline: Option<Measured>,
    /// The other folder's value.
    pub other: Option<Measured>,
    /// The other less the baseline.
    pub difference: Option<f64>,
    /// Standard error of the difference.
    pub standard_error: Option<f64>,
    /// Which errors it comes from; empty without an error bar.
    pub error_source: String,
    /// The difference in its standard errors.
    pub z: Option<f64>,
    /// Degrees of freedom of Student's t; infinite for a normal distribution.
    pub degrees_of_freedom: Option<f64>,
    /// Probability of such a difference if the true one is within the tolerance.
    pub p_value: Option<f64>,
    /// The same, corrected for the number of comparisons.
    pub corrected_p_value: Option<f64>,
    /// Largest difference that does not matter, if one is stated.
    pub tolerance: Option<f64>,
    /// What is said of it.
    pub verdict: Verdict,
}

impl Row {
    /// The name that patterns and tolerances know.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.quantity)
    }

    /// The coordinates in words: `temperature = 0.4, source = vae`.
    #[must_use]
    pub fn place(&self) -> String {
        let parts = self
            .at
            .iter()
            .map(|(name, cell)| format!("{name} = {}", cell_text(cell)));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// What matters first: beyond the tolerance, undecided, not judged, the same; in
    /// each of them the largest difference in standard errors.
    fn rank(&self) -> (u8, f64) {
        let kind = match self.verdict {
            Verdict::Differs => 3,
            Verdict::Undecided => 2,
            Verdict::NoErrorBar | Verdict::OnlyBaseline | Verdict::OnlyOther => 1,
            Verdict::Same => 0,
        };
        (kind, self.z.map_or(0.0, f64::abs))
    }

    /// Orders by what matters: verdicts, then the difference in standard errors, largest
    /// first.
    #[must_use]
    pub fn by_size(a: &Self, b: &Self) -> Ordering {
        let ((kind_a, size_a), (kind_b, size_b)) = (a.rank(), b.rank());
        kind_b.cmp(&kind_a).then(size_b.total_cmp(&size_a))
    }
}

/// A cell as people read it.
#[must_use]
pub fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Integer(value) => value.to_string(),
        Cell::Number(None) => "missing".to_owned(),
        // Twelve digits, without the noise of 0.1 * 3.
        Cell::Number(Some(value)) => {
            let rounded: Result<f64, _> = format!("{value:.11e}").parse();
            rounded.unwrap_or(*value).to_string()
        }
        Cell::Text(value) => value.clone(),
        Cell::Flag(value) => value.to_string(),
    }
}

/// How many rows have which verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    by_verdict: BTreeMap<Verdict, usize>,
}

impl Counts {
    /// Counts rows.
    #[must_use]
    pub fn of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            *counts.by_verdict.entry(row.verdict).or_default() += 1;
        }
        counts
    }

    /// Rows with this verdict.
    #[must_use]
    pub fn with(&self, verdict: Verdict) -> usize {
        self.by_verdict.get(&verdict).copied().unwrap_or(0)
    }

    /// All rows.
    #[must_use]
    pub fn all(&self) -> usize {
        self.by_verdict.values().sum()
    }

    /// Rows that one side lacks.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.with(Verdict::OnlyBaseline) + self.with(Verdict::OnlyOther)
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Names of the folders.
    pub sides: Vec<String>,
    /// Number of the baseline among them.
    pub baseline: usize,
    /// The rows, table by table, in the order of the baseline.
    pub rows: Vec<Row>,
    /// Rows whose difference was tested, for which probabilities are corrected.
    pub tests: usize,
    /// Tables that only one of two folders has: the table, and the folder without it.
    pub missing_tables: Vec<(String, usize)>,
    /// What a reader should know: joined over, averaged over, left out.
    pub notes: Vec<String>,
}

impl Comparison {
    /// The row with the largest difference in standard errors, of those beyond their
    /// tolerance if there are any.
    #[must_use]
    pub fn largest(&self) -> Option<&Row> {
        let with_error = self.rows.iter().filter(|row| row.z.is_some());
        with_error.min_by(|a, b| Row::by_size(a, b))
    }

    /// Some rows as a table, one row each, under the name `comparison`.
    ///
    /// Coordinates become columns in front of the results: numbers where all rows have
    /// numbers there, else text.
    ///
    /// # Errors
    ///
    /// [`TableError::DuplicateColumn`] if a swept parameter is called like one of the
    /// columns of a comparison.
    pub fn table(&self, rows: &[&Row]) -> Result<Table, TableError> {
        let text = |of: fn(&Row) -> &str| {
            Column::Text(rows.iter().map(|row| of(row).to_owned()).collect())
        };
        let number = |of: fn(&Row) -> Option<f64>| {
            let values = rows
                .iter()
                .map(|row| of(row).filter(|value| !value.is_nan()));
            Column::Number(values.collect())
        };
        let sides = rows
            .iter()
            .map(|row| self.sides[row.side].clone())
            .collect();
        let mut columns = vec![
            ("table", text(|row| &row.table)),
            ("quantity", text(|row| &row.quantity)),
            ("compared", Column::Text(sides)),
        ];
        let places = coordinates(rows);
        columns.extend(
            places
                .iter()
                .map(|(name, column)| (&**name, column.clone())),
        );
        columns.extend([
            ("baseline_mean", number(|row| mean(row.baseline.as_ref()))),
            (
                "baseline_standard_error",
                number(|row| error(row.baseline.as_ref())),
            ),
            (
                "baseline_replicates",
                number(|row| replicates(row.baseline.as_ref())),
            ),
            ("baseline_words", text(|row| words(row.baseline.as_ref()))),
            ("other_mean", number(|row| mean(row.other.as_ref()))),
            (
                "other_standard_error",
                number(|row| error(row.other.as_ref())),
            ),
            (
                "other_replicates",
                number(|row| replicates(row.other.as_ref())),
            ),
            ("other_words", text(|row| words(row.other.as_ref()))),
            ("difference", number(|row| row.difference)),
            (
                "difference_standard_error",
                number(|row| row.standard_error),
            ),
            ("error_source", text(|row| &row.error_source)),
            ("z", number(|row| row.z)),
            ("degrees_of_freedom", number(|row| row.degrees_of_freedom)),
            ("p_value", number(|row| row.p_value)),
            ("corrected_p_value", number(|row| row.corrected_p_value)),
            ("tolerance", number(|row| row.tolerance)),
            ("verdict", text(|row| row.verdict.word())),
        ]);
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name.to_owned(), column));
        Table::from_columns("comparison", columns.collect())
    }
}

/// One column for each coordinate that any of the rows has, in the order of appearance.
fn coordinates(rows: &[&Row]) -> Vec<(Arc<str>, Column)> {
    let mut names: Vec<(Arc<str>, bool)> = Vec::new();
    let mut last: Option<&Coordinates> = None;
    for row in rows {
        // Values of one row of a table share their coordinates.
        if last.is_some_and(|last| Arc::ptr_eq(last, &row.at)) {
            continue;
        }
        last = Some(&row.at);
        for (name, cell) in row.at.iter() {
            let numeric = matches!(cell, Cell::Number(_) | Cell::Integer(_));
            match names.iter_mut().find(|(known, _)| known == name) {
                Some((_, all)) => *all &= numeric,
                None => names.push((name.clone(), numeric)),
            }
        }
    }
    let column = |(name, numeric): (Arc<str>, bool)| {
        let cells = rows.iter().map(|row| {
            let found = row.at.iter().find(|(known, _)| *known == name);
            found.map(|(_, cell)| cell)
        });
        let column = if numeric {
            Column::Number(cells.map(|cell| cell.and_then(cell_number)).collect())
        } else {
            Column::Text(
                cells
                    .map(|cell| cell.map_or(String::new(), cell_text))
                    .collect(),
            )
        };
        (name, column)
    };
    names.into_iter().map(column).collect()
}

fn cell_number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Integer(value) => Some(*value as f64),
        Cell::Number(value) => *value,
        Cell::Text(_) | Cell::Flag(_) => None,
    }
}

fn mean(measured: Option<&Measured>) -> Option<f64> {
    match measured {
        Some(Measured::Number { mean, .. }) => Some(*mean),
        _ => None,
    }
}

fn error(measured: Option<&Measured>) -> Option<f64> {
    match measured {
        Some(Measured::Number { standard_error, .. }) => *standard_error,
        _ => None,
    }
}

fn replicates(measured: Option<&Measured>) -> Option<f64> {
    match measured {
        Some(Measured::Number { replicates, .. }) => Some(*replicates as f64),
        _ => None,
    }
}

fn words(measured: Option<&Measured>) -> &str {
    match measured {
        Some(Measured::Words(words)) => words,
        _ => "",
    }
}
