//! Which columns of a table name its rows, and which are compared.

use std::collections::HashMap;
use std::sync::Arc;

use super::parameters::fixed_value;
use super::{Options, Side};
use crate::tables::schema::{self, Kind, LEADING};
use crate::tables::{Cell, Column, Role, Table, number_key};

/// The columns of one table on two sides.
pub(super) struct Layout {
    /// Swept parameters and other columns that are joined on, in that order.
    pub(super) joined: Vec<Arc<str>>,
    /// How many of them are swept parameters.
    pub(super) swept: usize,
    /// Place among them of the column that names the quantity.
    pub(super) quantity: Option<usize>,
    /// Compared columns, each with the column of its standard error.
    pub(super) values: Vec<(Arc<str>, Option<String>)>,
}

impl Layout {
    pub(super) fn new(baseline: &Table, other: &Table, options: &Options) -> Self {
        let Columns {
            mut swept,
            mut keys,
            mut values,
        } = Columns::of(&[baseline, other]);
        if let Some(on) = &options.on {
            swept.retain(|name| on.iter().any(|wanted| **wanted == **name));
            keys.retain(|(name, _)| on.iter().any(|wanted| **wanted == **name));
            let there = |wanted: &&String| {
                let all = values.iter().map(|(name, _)| name);
                all.into_iter().any(|name| **name == ***wanted)
            };
            let further: Vec<Arc<str>> =
                on.iter().filter(there).map(|n| n.as_str().into()).collect();
            values.retain(|(name, _)| !further.contains(name));
            keys.extend(further.into_iter().map(|name| (name, false)));
        }
        let quantity = keys.iter().position(|(_, quantity)| *quantity);
        Self {
            quantity: quantity.map(|place| place + swept.len()),
            swept: swept.len(),
            joined: swept
                .into_iter()
                .chain(keys.into_iter().map(|(name, _)| name))
                .collect(),
            values,
        }
    }
}

/// What the columns of the two tables are, each named once.
#[derive(Default)]
struct Columns {
    swept: Vec<Arc<str>>,
    /// Columns that name a row, and whether it names the quantity.
    keys: Vec<(Arc<str>, bool)>,
    /// Compared columns, each with the column of its standard error.
    values: Vec<(Arc<str>, Option<String>)>,
}

impl Columns {
    fn of(tables: &[&Table]) -> Self {
        let mut found = Self::default();
        for table in tables {
            // A standard error belongs to the value right before it, and to no other.
            let mut before = None;
            for (column, content) in table.columns() {
                before = found.add(table.name(), column, content.kind(), before);
            }
        }
        found
    }

    /// Notes one column; `before` is the place of the value right before it in its table.
    ///
    /// # Returns
    ///
    /// The place among `values` if this column is one.
    fn add(
        &mut self,
        table: &str,
        column: &str,
        kind: Kind,
        before: Option<usize>,
    ) -> Option<usize> {
        if is_leading(column) {
            return None;
        }
        if is_swept(table, column) {
            if !self.swept.iter().any(|known| **known == *column) {
                self.swept.push(column.into());
            }
            return None;
        }
        match schema::role(table, column, kind) {
            role @ (Role::Key | Role::Quantity) => {
                if !self.keys.iter().any(|(known, _)| **known == *column) {
                    self.keys.push((column.into(), role == Role::Quantity));
                }
            }
            Role::Value => {
                let known = self.values.iter().position(|(known, _)| **known == *column);
                return Some(known.unwrap_or_else(|| {
                    self.values.push((column.into(), None));
                    self.values.len() - 1
                }));
            }
            Role::StandardError => {
                if let Some(value) = before {
                    self.values[value]
                        .1
                        .get_or_insert_with(|| column.to_owned());
                }
            }
            Role::Remark => {}
        }
        None
    }
}

/// Whether a column tells points or repeats apart, over which is averaged.
fn is_leading(column: &str) -> bool {
    LEADING.iter().any(|leading| leading.name == column)
}

/// Whether a column is a swept parameter: it stands behind the leading ones and
/// does not belong to the schema. In a table that is not of the catalogue nothing tells.
fn is_swept(table: &str, column: &str) -> bool {
    let schema = schema::find(table);
    schema.is_some_and(|schema| !schema.columns.iter().any(|known| known.name == column))
}

/// The columns of a table, without those that every table begins with.
pub(super) fn own_columns(table: &Table) -> impl Iterator<Item = &str> {
    let names = table.columns().iter().map(|(name, _)| name.as_str());
    names.filter(|name| !is_leading(name))
}

/// Texts as numbers, the same on all sides.
#[derive(Default)]
pub(super) struct Words {
    numbers: HashMap<String, u64>,
}

impl Words {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // Above all keys of numbers, which have 54 bits.
        let number = (1 << 60) + self.numbers.len() as u64;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The value of each row of a column, as it is looked up.
    fn keys(&mut self, column: &Column) -> Vec<u64> {
        match column {
            Column::Integer(values) => {
                let keys = values.iter().map(|&value| number_key(value as f64));
                keys.collect()
            }
            Column::Number(values) => {
                let missing = f64::NAN;
                let keys = values
                    .iter()
                    .map(|value| number_key(value.unwrap_or(missing)));
                keys.collect()
            }
            Column::Text(values) => values.iter().map(|text| self.number(text)).collect(),
            Column::Flag(values) => values
                .iter()
                .map(|&flag| (1 << 59) + u64::from(flag))
                .collect(),
        }
    }
}

/// The column `name` of one side, or the value that its manifest gives to all rows.
pub(super) struct JoinColumn<'t> {
    pub(super) keys: Vec<u64>,
    pub(super) source: JoinSource<'t>,
}

/// Where the values of a column come from.
pub(super) enum JoinSource<'t> {
    /// The table has it.
    Table(&'t Column),
    /// The manifest says it of the whole folder.
    Manifest(Cell),
    /// It is not known.
    Unknown,
}

impl JoinSource<'_> {
    pub(super) fn cell(&self, row: usize) -> Option<Cell> {
        match self {
            Self::Table(column) => column.cell(row),
            Self::Manifest(cell) => Some(cell.clone()),
            Self::Unknown => None,
        }
    }
}

impl<'t> JoinColumn<'t> {
    pub(super) fn new(
        name: &str,
        table: &'t Table,
        own: &Side,
        sweeping: &Side,
        words: &mut Words,
    ) -> Self {
        if let Ok(column) = table.column(name) {
            let source = JoinSource::Table(column);
            return Self {
                keys: words.keys(column),
                source,
            };
        }
        let rows = table.rows();
        match fixed_value(name, &sweeping.manifest, &own.manifest) {
            Some(cell) => {
                let key = match &cell {
                    Cell::Integer(value) => number_key(*value as f64),
                    Cell::Number(value) => number_key(value.unwrap_or(f64::NAN)),
                    Cell::Text(text) => words.number(text),
                    Cell::Flag(flag) => (1 << 59) + u64::from(*flag),
                };
                Self {
                    keys: vec![key; rows],
                    source: JoinSource::Manifest(cell),
                }
            }
            // No value of the other side is ever this one.
            None => Self {
                keys: vec![u64::MAX; rows],
                source: JoinSource::Unknown,
            },
        }
    }
}
