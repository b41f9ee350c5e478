//! Chooses and orders the rows of a table.

use std::cmp::Ordering;

use super::{Column, Table, TableError, number_key};

/// A condition on one column, as `temperature=0.6` or `value>=1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    column: String,
    relation: Relation,
    value: String,
}

/// How a value stands to that of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The signs, those of two characters first.
const SIGNS: &[(&str, Relation)] = &[
    ("!=", Relation::Unequal),
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("=", Relation::Equal),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

impl Relation {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

impl Condition {
    /// Reads a condition: a column, a sign and a value.
    ///
    /// # Errors
    ///
    /// [`TableError::Condition`] if there is no sign or no column.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let at = text.find(['=', '<', '>', '!']);
        let found = at.and_then(|at| {
            let signs = SIGNS.iter();
            let (sign, relation) = signs
                .into_iter()
                .find(|(sign, _)| text[at..].starts_with(sign))?;
            Some((text[..at].trim(), *relation, text[at + sign.len()..].trim()))
        });
        match found {
            Some((column, relation, value)) if !column.is_empty() => Ok(Self {
                column: column.to_owned(),
                relation,
                value: value.to_owned(),
            }),
            _ => Err(TableError::Condition {
                text: text.to_owned(),
            }),
        }
    }

    /// The column that it is about.
    #[must_use]
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Whether each row satisfies it. A missing number satisfies none.
    ///
    /// Numbers are equal if they differ by rounding only.
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`], or [`TableError::ConditionValue`] if the column
    /// holds numbers or flags and the value is none.
    pub fn of(&self, table: &Table) -> Result<Vec<bool>, TableError> {
        let column = table.column(&self.column)?;
        let holds = |ordering: Ordering| self.relation.holds(ordering);
        let number = || self.value.parse::<f64>().map_err(|_| self.wrong(column));
        Ok(match column {
            Column::Integer(values) => {
                let wanted = number()?;
                values
                    .iter()
                    .map(|&v| holds(compare(v as f64, wanted)))
                    .collect()
            }
            Column::Number(values) => {
                let wanted = number()?;
                let known = |value: &Option<f64>| value.is_some_and(|v| holds(compare(v, wanted)));
                values.iter().map(known).collect()
            }
            Column::Text(values) => {
                let wanted = self.value.as_str();
                values
                    .iter()
                    .map(|text| holds(text.as_str().cmp(wanted)))
                    .collect()
            }
            Column::Flag(values) => {
                let wanted: bool = self.value.parse().map_err(|_| self.wrong(column))?;
                values.iter().map(|flag| holds(flag.cmp(&wanted))).collect()
            }
        })
    }

    fn wrong(&self, column: &Column) -> TableError {
        TableError::ConditionValue {
            column: self.column.clone(),
            found: self.value.clone(),
            expected: column.kind(),
        }
    }
}

/// Orders numbers; those that agree but for rounding are equal.
fn compare(a: f64, b: f64) -> Ordering {
    if number_key(a) == number_key(b) {
        Ordering::Equal
    } else {
        a.total_cmp(&b)
    }
}

impl Table {
    /// The columns of these names, in this order.
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`] or [`TableError::DuplicateColumn`].
    pub fn with_columns(&self, names: &[String]) -> Result<Self, TableError> {
        let columns = names
            .iter()
            .map(|name| Ok((name.clone(), self.column(name)?.clone())));
        let columns: Result<Vec<_>, TableError> = columns.collect();
        Self::from_columns(self.name(), columns?)
    }

    /// The numbers of the rows by ascending values of a column, missing numbers last;
    /// rows with the same value keep their order.
    ///
    /// # Errors
    ///
    /// [`TableError::NoColumn`].
    pub fn order_by(&self, column: &str, descending: bool) -> Result<Vec<usize>, TableError> {
        let column = self.column(column)?;
        let turned = |ordering: Ordering| {
            if descending {
                ordering.reverse()
            } else {
                ordering
            }
        };
        let missing =
            |row: usize| matches!(column, Column::Number(values) if values[row].is_none());
        let mut rows: Vec<usize> = (0..self.rows()).collect();
        rows.sort_by(|&a, &b| {
            let known = missing(a).cmp(&missing(b));
            known.then_with(|| turned(order(column, a, b)))
        });
        Ok(rows)
    }

    /// These rows, in this order.
    #[must_use]
    pub fn rows_at(&self, rows: &[usize]) -> Self {
        let columns = self.columns().iter();
        let columns = columns.map(|(name, column)| (name.clone(), column.select(rows)));
        self.with_same_rows(columns.collect())
    }
}

fn order(column: &Column, a: usize, b: usize) -> Ordering {
    match column {
        Column::Integer(values) => values[a].cmp(&values[b]),
        Column::Number(values) => {
            let number = |row: usize| values[row].unwrap_or(f64::NAN);
            number(a).total_cmp(&number(b))
        }
        Column::Text(values) => values[a].cmp(&values[b]),
        Column::Flag(values) => values[a].cmp(&values[b]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = vec![
            (
                "t".to_owned(),
                Column::Number(vec![Some(0.1 * 6.0), None, Some(2.0), Some(-1.0)]),
            ),
            ("k".to_owned(), Column::Integer(vec![3, 1, 2, 2])),
            (
                "source".to_owned(),
                Column::Text(["vae", "data", "vae", "a=b"].map(str::to_owned).to_vec()),
            ),
            (
                "best".to_owned(),
                Column::Flag(vec![true, false, false, true]),
            ),
        ];
        Table::from_columns("x", columns).unwrap()
    }

    fn chosen(text: &str) -> Vec<usize> {
        let found = Condition::parse(text).unwrap().of(&table()).unwrap();
        (0..4).filter(|&row| found[row]).collect()
    }

    #[test]
    fn conditions_choose_rows_by_kind() {
        for (text, rows) in [
            ("t=0.6", &[0][..]),
            ("t >= 0.6", &[0, 2]),
            ("t<0.6", &[3]),
            ("t!=0.6", &[2, 3]),
            ("k==2", &[2, 3]),
            ("k>1.5", &[0, 2, 3]),
            ("source=vae", &[0, 2]),
            ("source=a=b", &[3]),
            ("source!=vae", &[1, 3]),
            ("best=true", &[0, 3]),
        ] {
            assert_eq!(chosen(text), rows, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "t", "=1", "!t", "  <3"] {
            let refused = Condition::parse(text);
            assert!(
                matches!(refused, Err(TableError::Condition { .. })),
                "{text}: {refused:?}"
            );
        }
        let of = |text: &str| {
            Condition::parse(text)
                .unwrap()
                .of(&table())
                .unwrap_err()
                .to_string()
        };
        assert!(of("t=warm").contains("`warm`") && of("t=warm").contains("number"));
        assert!(of("best=1").contains("flag"));
        assert!(of("temp=1").contains("no column `temp`"));
    }

    #[test]
    fn rows_are_ordered_with_missing_numbers_last() {
        assert_eq!(table().order_by("t", false).unwrap(), [3, 0, 2, 1]);
        assert_eq!(table().order_by("t", true).unwrap(), [2, 0, 3, 1]);
        assert_eq!(table().order_by("k", false).unwrap(), [1, 2, 3, 0]);
        let ordered = table().rows_at(&[3, 1]);
        assert_eq!(ordered.integers("k").unwrap(), [2, 1]);
        let narrow = table().with_columns(&["k".to_owned()]).unwrap();
        assert_eq!(narrow.columns().len(), 1);
    }
}
