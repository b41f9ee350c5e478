//! A table as a plain value: named columns of equal length.

use super::{Cell, Column, Kind, TableError, TableSchema};

/// Named columns of equal length, under the name of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    name: String,
    columns: Vec<(String, Column)>,
}

impl Table {
    /// An empty table with the columns of `schema`.
    #[must_use]
    pub fn new(schema: &'static TableSchema) -> Self {
        let empty =
            |column: &super::ColumnSchema| (column.name.to_owned(), Column::empty(column.kind));
        Self {
            name: schema.name.to_owned(),
            columns: schema.columns.iter().map(empty).collect(),
        }
    }

    /// A table from its columns.
    ///
    /// # Errors
    ///
    /// [`TableError::DuplicateColumn`] if a name occurs twice,
    /// [`TableError::RowCount`] if the columns differ in length.
    pub fn from_columns(
        name: impl Into<String>,
        columns: Vec<(String, Column)>,
    ) -> Result<Self, TableError> {
        let name = name.into();
        let expected = columns.first().map_or(0, |(_, column)| column.len());
        for (index, (column, values)) in columns.iter().enumerate() {
            let (table, column) = (name.clone(), column.clone());
            if columns[..index]
                .iter()
                .any(|(earlier, _)| *earlier == column)
            {
                return Err(TableError::DuplicateColumn { table, column });
            }
            let found = values.len();
            if found != expected {
                return Err(TableError::RowCount {
                    table,
                    column,
                    found,
                    expected,
                });
            }
        }
        Ok(Self { name, columns })
    }

    /// Name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Columns with their names, in order.
    #[must_use]
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Whether there is a column of that name.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// Appends a row, one cell a column. A whole number may fill a number's place.
    ///
    /// # Errors
    ///
    /// [`TableError::CellCount`] or [`TableError::WrongKind`] if the row does
    /// not fit; the table is then unchanged.
    pub fn push(&mut self, row: impl Into<Vec<Cell>>) -> Result<(), TableError> {
        let row = row.into();
        if row.len() != self.columns.len() {
            return Err(TableError::CellCount {
                table: self.name.clone(),
                found: row.len(),
                expected: self.columns.len(),
            });
        }
        let misfit = self
            .columns
            .iter()
            .zip(&row)
            .find(|((_, column), cell)| !column.takes(cell));
        if let Some(((name, column), cell)) = misfit {
            return Err(self.wrong_kind(name, cell.kind().name(), column.kind()));
        }
        for ((_, column), cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        Ok(())
    }

    /// The column of that name.
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] if there is none.
    pub fn column(&self, column: &str) -> Result<&Column, TableError> {
        let found = self.columns.iter().find(|(name, _)| name == column);
        found
            .map(|(_, values)| values)
            .ok_or_else(|| TableError::NoColumn {
                table: self.name.clone(),
                column: column.to_owned(),
                known: self.column_names(),
            })
    }

    /// The numbers of a column of kind [`Kind::Number`].
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::WrongKind`].
    pub fn numbers(&self, column: &str) -> Result<&[Option<f64>], TableError> {
        match self.column(column)? {
            Column::Number(values) => Ok(values),
            other => Err(self.wrong_kind(column, other.kind().name(), Kind::Number)),
        }
    }

    /// The values of a column of kind [`Kind::Integer`].
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::WrongKind`].
    pub fn integers(&self, column: &str) -> Result<&[i64], TableError> {
        match self.column(column)? {
            Column::Integer(values) => Ok(values),
            other => Err(self.wrong_kind(column, other.kind().name(), Kind::Integer)),
        }
    }

    /// The values of a column of kind [`Kind::Text`].
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::WrongKind`].
    pub fn texts(&self, column: &str) -> Result<&[String], TableError> {
        match self.column(column)? {
            Column::Text(values) => Ok(values),
            other => Err(self.wrong_kind(column, other.kind().name(), Kind::Text)),
        }
    }

    /// The values of a column of kind [`Kind::Flag`].
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::WrongKind`].
    pub fn flags(&self, column: &str) -> Result<&[bool], TableError> {
        match self.column(column)? {
            Column::Flag(values) => Ok(values),
            other => Err(self.wrong_kind(column, other.kind().name(), Kind::Flag)),
        }
    }

    /// The values of a column of whole numbers or of numbers, as numbers.
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::WrongKind`].
    pub fn numeric(&self, column: &str) -> Result<Vec<Option<f64>>, TableError> {
        match self.column(column)? {
            Column::Number(values) => Ok(values.clone()),
            Column::Integer(values) => Ok(values.iter().map(|&value| Some(value as f64)).collect()),
            other => Err(self.wrong_kind(column, other.kind().name(), Kind::Number)),
        }
    }

    /// The rows whose number satisfies `keep`, in their order.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.rows()).filter(|&row| keep(row)).collect();
        self.rows_at(&rows)
    }

    /// A table of the same name with other columns, all of one length.
    pub(super) fn with_same_rows(&self, columns: Vec<(String, Column)>) -> Self {
        Self {
            name: self.name.clone(),
            columns,
        }
    }

    /// Appends the rows of a table with the same columns.
    ///
    /// # Errors
    ///
    /// [`TableError::Mismatch`] if names, order or kinds of the columns differ;
    /// the table is then unchanged.
    pub fn append(&mut self, other: &Self) -> Result<(), TableError> {
        let kinds = |table: &Self| -> Vec<(String, Kind)> {
            let pair = |(name, column): &(String, Column)| (name.clone(), column.kind());
            table.columns.iter().map(pair).collect()
        };
        if kinds(self) != kinds(other) {
            return Err(TableError::Mismatch {
                table: self.name.clone(),
                found: other.column_names(),
                expected: self.column_names(),
            });
        }
        for ((_, column), (_, more)) in self.columns.iter_mut().zip(&other.columns) {
            column.extend(more);
        }
        Ok(())
    }

    /// The same table with constant columns before its own: point, replicate,
    /// seed and the swept parameters.
    ///
    /// # Errors
    ///
    /// [`TableError::DuplicateColumn`] if a name is there already.
    pub fn with_leading(&self, leading: Vec<(String, Cell)>) -> Result<Self, TableError> {
        let rows = self.rows();
        let constant = leading
            .into_iter()
            .map(|(name, cell)| (name, cell.repeated(rows)));
        let columns = constant.chain(self.columns.iter().cloned()).collect();
        Self::from_columns(self.name.clone(), columns)
    }

    fn column_names(&self) -> String {
        let quote = |(name, column): &(String, Column)| format!("`{name}` ({})", column.kind());
        self.columns
            .iter()
            .map(quote)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn wrong_kind(&self, column: &str, found: &str, expected: Kind) -> TableError {
        TableError::WrongKind {
            table: self.name.clone(),
            column: column.to_owned(),
            found: found.to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::PATTERNS;
    use super::*;

    fn patterns() -> Table {
        let mut table = Table::new(&PATTERNS);
        table
            .push([
                0_usize.into(),
                "vae".into(),
                1.0.into(),
                0.0.into(),
                0.1.into(),
                "".into(),
            ])
            .unwrap();
        table
            .push([
                1_usize.into(),
                "vae".into(),
                f64::NAN.into(),
                None.into(),
                0.2.into(),
                "".into(),
            ])
            .unwrap();
        table
    }

    #[test]
    fn rows_come_back_by_column() {
        let table = patterns();
        assert_eq!(table.rows(), 2);
        assert_eq!(table.integers("pattern").unwrap(), [0, 1]);
        assert_eq!(table.numbers("overlap").unwrap(), [Some(1.0), None]);
        assert_eq!(table.numeric("pattern").unwrap(), [Some(0.0), Some(1.0)]);
        assert_eq!(table.texts("method").unwrap(), ["vae", "vae"]);
    }

    #[test]
    fn a_row_that_does_not_fit_changes_nothing() {
        let mut table = patterns();
        let before = table.clone();
        let short = table.push([Cell::from(1.0)]);
        assert!(matches!(
            short,
            Err(TableError::CellCount {
                found: 1,
                expected: 6,
                ..
            })
        ));
        let wrong = table.push([
            0_i64.into(),
            "vae".into(),
            "x".into(),
            0.0.into(),
            0.0.into(),
            "".into(),
        ]);
        let error = wrong.unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `overlap` of table `patterns` holds text, expected number"
        );
        assert_eq!(table, before);
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let message = patterns().numbers("overlaps").unwrap_err().to_string();
        assert!(
            message.contains("`overlaps`") && message.contains("`overlap` (number)"),
            "{message}"
        );
    }

    #[test]
    fn leading_columns_come_first_and_tables_join_end_to_end() {
        let lead = |point: i64, temperature: f64| {
            vec![
                ("point".to_owned(), point.into()),
                ("temperature".to_owned(), temperature.into()),
            ]
        };
        let mut all = patterns().with_leading(lead(0, 0.4)).unwrap();
        all.append(&patterns().with_leading(lead(1, 0.5)).unwrap())
            .unwrap();
        assert_eq!(all.integers("point").unwrap(), [0, 0, 1, 1]);
        assert_eq!(all.columns()[1].0, "temperature");
        let second = all.filter(|row| row >= 2);
        assert_eq!(
            second.numbers("temperature").unwrap(),
            [Some(0.5), Some(0.5)]
        );
        assert!(matches!(
            all.append(&patterns()),
            Err(TableError::Mismatch { .. })
        ));
        assert_eq!(all.rows(), 4);
    }

    #[test]
    fn a_leading_column_may_not_hide_one_of_the_table() {
        let clash = patterns().with_leading(vec![("overlap".to_owned(), 1.0.into())]);
        assert!(matches!(clash, Err(TableError::DuplicateColumn { .. })));
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let columns = vec![
            ("a".to_owned(), Column::Integer(vec![1, 2])),
            ("b".to_owned(), Column::Flag(vec![true])),
        ];
        let refused = Table::from_columns("t", columns);
        assert!(matches!(
            refused,
            Err(TableError::RowCount {
                found: 1,
                expected: 2,
                ..
            })
        ));
    }
}
