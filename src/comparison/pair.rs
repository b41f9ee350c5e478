//! The rows of one table on two sides, brought together.

use std::collections::HashMap;
use std::sync::Arc;

use super::estimate::{Estimate, Sample};
use super::layout::{JoinColumn, JoinSource, Layout, Words};
use super::runs::run_numbers;
use super::{Coordinates, Options, Side, cell_text};
use crate::tables::{Cell, Column, Table};

/// What stands in one column of one row, replicate by replicate.
pub(super) enum Content {
    Numbers([Vec<Sample>; 2]),
    Words([Vec<String>; 2]),
}

/// Groups of rows of both sides, as numbers.
pub(super) type Groups = [Option<usize>; 2];

/// One table of two sides.
pub(super) struct Pair<'t> {
    names: [&'t str; 2],
    tables: [&'t Table; 2],
    pub(super) layout: Layout,
    sides: [Grouped<'t>; 2],
}

/// The rows of one side, those of one point and key together.
struct Grouped<'t> {
    columns: Vec<JoinColumn<'t>>,
    /// Which seed and replicate each row is of.
    runs: Vec<u64>,
    /// Number of the group by its keys.
    index: HashMap<Box<[u64]>, usize>,
    /// The rows of each group.
    rows: Vec<Vec<usize>>,
    /// Which point each group belongs to.
    points: Vec<u32>,
}

impl<'t> Pair<'t> {
    pub(super) fn new(sides: [&'t Side; 2], tables: [&'t Table; 2], options: &Options) -> Self {
        let layout = Layout::new(tables[0], tables[1], options);
        let mut words = Words::default();
        let mut runs = HashMap::new();
        let mut grouped = |own: usize| {
            let other = 1 - own;
            let columns = layout.joined.iter().map(|name| {
                JoinColumn::new(name, tables[own], sides[own], sides[other], &mut words)
            });
            let columns = columns.collect();
            Grouped::new(columns, tables[own], layout.swept, &mut runs)
        };
        let sides_grouped = [grouped(0), grouped(1)];
        Self {
            names: [&sides[0].name, &sides[1].name],
            tables,
            layout,
            sides: sides_grouped,
        }
    }

    /// The groups of the baseline with their partners, then those without.
    pub(super) fn joined(&self) -> impl Iterator<Item = Groups> {
        let [first, second] = &self.sides;
        let mut all: Vec<Groups> = vec![[None, None]; first.rows.len()];
        for (key, &group) in &first.index {
            all[group] = [Some(group), second.index.get(key).copied()];
        }
        let mut rest: Vec<usize> = second
            .index
            .iter()
            .filter(|(key, _)| !first.index.contains_key(*key))
            .map(|(_, &group)| group)
            .collect();
        rest.sort_unstable();
        let rest = rest.into_iter().map(|group| [None, Some(group)]);
        all.into_iter().chain(rest)
    }

    /// Value of a joined column in a pair of groups.
    fn cell(&self, groups: Groups, column: usize) -> Option<Cell> {
        let cell = |side: usize| {
            let row = *self.sides[side].rows[groups[side]?].first()?;
            self.sides[side].columns[column].source.cell(row)
        };
        cell(0).or_else(|| cell(1))
    }

    /// Name of the table.
    pub(super) fn table(&self) -> &str {
        self.tables[0].name()
    }

    /// Point of the baseline that the groups are of; `None` if only the other side has them.
    pub(super) fn point(&self, groups: Groups) -> Option<u32> {
        groups[0].map(|group| self.sides[0].points[group])
    }

    /// Values of the joined columns but for the quantity.
    pub(super) fn coordinates(&self, groups: Groups) -> Coordinates {
        let columns = (0..self.layout.joined.len()).filter(|&c| Some(c) != self.layout.quantity);
        columns
            .filter_map(|c| Some((self.layout.joined[c].clone(), self.cell(groups, c)?)))
            .collect()
    }

    /// The quantity that the row names, with the number of that word.
    pub(super) fn quantity(&self, groups: Groups) -> Option<(u64, String)> {
        let column = self.layout.quantity?;
        let key = |side: usize| {
            let row = *self.sides[side].rows[groups[side]?].first()?;
            self.sides[side].columns[column].keys.get(row).copied()
        };
        let key = key(0).or_else(|| key(1))?;
        Some((key, cell_text(&self.cell(groups, column)?)))
    }

    /// What stands in `column` on both sides; `None` if nothing does.
    pub(super) fn content(
        &self,
        groups: Groups,
        column: &str,
        error: Option<&str>,
    ) -> Option<Content> {
        let find = |side: usize| self.tables[side].column(column).ok();
        let columns = [find(0), find(1)];
        let words = |found: &Column| matches!(found, Column::Text(_) | Column::Flag(_));
        if columns.iter().flatten().any(|found| words(found)) {
            let of = |side: usize| self.words(side, groups[side], columns[side]);
            let both = [of(0), of(1)];
            let some = both.iter().any(|words| !words.is_empty());
            return some.then_some(Content::Words(both));
        }
        let of = |side: usize| self.samples(side, groups[side], columns[side], error);
        let both = [of(0), of(1)];
        let some = both.iter().any(|samples| !samples.is_empty());
        some.then_some(Content::Numbers(both))
    }

    fn words(&self, side: usize, group: Option<usize>, column: Option<&Column>) -> Vec<String> {
        let (Some(group), Some(column)) = (group, column) else {
            return Vec::new();
        };
        let rows = self.sides[side].rows[group].iter();
        let cells = rows.filter_map(|&row| column.cell(row));
        cells.map(|cell| cell_text(&cell)).collect()
    }

    /// One sample a run; rows of the same run are averaged.
    fn samples(
        &self,
        side: usize,
        group: Option<usize>,
        column: Option<&Column>,
        error: Option<&str>,
    ) -> Vec<Sample> {
        let (Some(group), Some(column)) = (group, column) else {
            return Vec::new();
        };
        let errors = error.and_then(|error| self.tables[side].numbers(error).ok());
        let grouped = &self.sides[side];
        let sample = |&row: &usize| {
            let value = match column {
                Column::Number(values) => values[row]?,
                Column::Integer(values) => values[row] as f64,
                Column::Text(_) | Column::Flag(_) => return None,
            };
            Some(Sample {
                run: grouped.runs[row],
                value,
                error: errors.and_then(|errors| errors[row]),
            })
        };
        let samples = grouped.rows[group].iter().filter_map(sample).collect();
        one_a_run(samples)
    }

    /// What a reader should know of how the table was joined.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (side, grouped) in self.sides.iter().enumerate() {
            let (own, other) = (self.names[side], self.names[1 - side]);
            for (name, column) in self.layout.joined.iter().zip(&grouped.columns) {
                match &column.source {
                    JoinSource::Table(_) => {}
                    JoinSource::Manifest(cell) => notes.push(format!(
                        "`{name}` is swept in `{other}` only; in `{own}` it is {} throughout",
                        cell_text(cell)
                    )),
                    JoinSource::Unknown => notes.push(format!(
                        "`{name}` is swept in `{other}` only and the manifest of `{own}` does not \
                         give its value, so that no row of `{}` has a partner; `--on` with the \
                         other columns averages over it",
                        self.tables[0].name()
                    )),
                }
            }
            if let Some(rows) = grouped.averaged() {
                notes.push(format!(
                    "`{}` of `{own}`: up to {rows} rows of a replicate agree on {} and are \
                     averaged as if they were independent",
                    self.tables[side].name(),
                    quoted(&self.layout.joined)
                ));
            }
        }
        notes
    }
}

fn quoted(names: &[Arc<str>]) -> String {
    if names.is_empty() {
        return "all columns that are joined on".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Means of the samples of each run, in the order of the runs.
fn one_a_run(mut samples: Vec<Sample>) -> Vec<Sample> {
    if samples.len() < 2 {
        return samples;
    }
    samples.sort_by_key(|sample| sample.run);
    let runs = samples.chunk_by(|a, b| a.run == b.run);
    let mean = |run: &[Sample]| match run {
        [sample] => Some(*sample),
        several => Estimate::of(several).map(|estimate| Sample {
            run: several[0].run,
            value: estimate.mean,
            error: estimate.within,
        }),
    };
    runs.filter_map(mean).collect()
}

impl<'t> Grouped<'t> {
    fn new(
        columns: Vec<JoinColumn<'t>>,
        table: &Table,
        swept: usize,
        runs: &mut HashMap<(String, i64), u64>,
    ) -> Self {
        let mut grouped = Self {
            runs: run_numbers(table, runs),
            columns,
            index: HashMap::new(),
            rows: Vec::new(),
            points: Vec::new(),
        };
        let mut points: HashMap<Box<[u64]>, u32> = HashMap::new();
        let mut key = Vec::with_capacity(grouped.columns.len());
        for row in 0..table.rows() {
            key.clear();
            key.extend(grouped.columns.iter().map(|column| column.keys[row]));
            if let Some(&group) = grouped.index.get(key.as_slice()) {
                grouped.rows[group].push(row);
                continue;
            }
            let point = points.len() as u32;
            let point = *points.entry(key[..swept].into()).or_insert(point);
            grouped
                .index
                .insert(key.as_slice().into(), grouped.rows.len());
            grouped.rows.push(vec![row]);
            grouped.points.push(point);
        }
        grouped
    }

    /// Most rows of a group that are of one run, if more than one.
    fn averaged(&self) -> Option<usize> {
        let mut most = 1;
        let mut seen: Vec<u64> = Vec::new();
        for rows in self.rows.iter().filter(|rows| rows.len() > 1) {
            seen.clear();
            seen.extend(rows.iter().map(|&row| self.runs[row]));
            seen.sort_unstable();
            let longest = seen.chunk_by(|a, b| a == b).map(<[u64]>::len).max();
            most = most.max(longest.unwrap_or(1));
        }
        (most > 1).then_some(most)
    }
}
