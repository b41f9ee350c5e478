//! Joins the rows of two folders, and judges each of their values.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::decision::{correct, judge_numbers, judge_words};
use super::estimate::{Estimate, Prior, Spread};
use super::layout::own_columns;
use super::pair::{Content, Pair};
use super::runs::{check_pairs, runs, runs_agree};
use super::{Comparison, ComparisonError, Coordinates, Options, Row, Side, Verdict};
use crate::tables::catalogue;

/// Compares each of the other sides with the baseline.
///
/// # Errors
///
/// [`ComparisonError`] if there are fewer than two sides, if a column or tolerance of the
/// options is nowhere, if pairs are asked for that do not exist, or if a table lacks a
/// column that its schema has.
pub fn compare(
    sides: &[Side],
    baseline: usize,
    options: &Options,
) -> Result<Comparison, ComparisonError> {
    let Some(reference) = sides.get(baseline).filter(|_| sides.len() > 1) else {
        return Err(ComparisonError::TooFew { found: sides.len() });
    };
    check_columns(sides, options)?;
    let mut joined = Joined::default();
    for (number, other) in sides.iter().enumerate() {
        if number != baseline {
            if options.paired {
                check_pairs(reference, other)?;
            }
            joined.side((baseline, reference), (number, other), options);
        }
    }
    if options.all_tables {
        check_tolerances(sides, &joined.names, options)?;
    }
    let tests = correct(&mut joined.rows, options.level);
    joined.note_seeds(reference, sides, options);
    Ok(Comparison {
        sides: sides.iter().map(|side| side.name.clone()).collect(),
        baseline,
        rows: joined.rows,
        tests,
        missing_tables: joined.missing_tables,
        notes: joined.notes,
    })
}

/// Points that were seen.
type Points = HashSet<u32>;

/// What has been joined so far.
#[derive(Default)]
struct Joined {
    rows: Vec<Row>,
    /// Names that a tolerance may have.
    names: BTreeSet<String>,
    missing_tables: Vec<(String, usize)>,
    notes: Vec<String>,
}

impl Joined {
    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn side(
        &mut self,
        (first, baseline): (usize, &Side),
        (number, other): (usize, &Side),
        options: &Options,
    ) {
        let names: BTreeSet<&String> = baseline.tables.keys().chain(other.tables.keys()).collect();
        let mut names: Vec<&String> = names.into_iter().collect();
        let place = |name: &str| catalogue().iter().position(|schema| schema.name == name);
        names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
        for name in names {
            match (baseline.tables.get(name), other.tables.get(name)) {
                (Some(one), Some(two)) => {
                    let pair = Pair::new([baseline, other], [one, two], options);
                    self.table(&pair, number, options);
                }
                (Some(_), None) => self.missing_tables.push((name.clone(), number)),
                _ => self.missing_tables.push((name.clone(), first)),
            }
        }
    }

    fn table(&mut self, pair: &Pair<'_>, number: usize, options: &Options) {
        for note in pair.notes() {
            self.note(note);
        }
        let table: Arc<str> = pair.table().into();
        let mut spreads: HashMap<Arc<str>, (Spread, Points)> = HashMap::new();
        let drafts = self.drafts(pair, &table, options);
        for draft in &drafts {
            let (spread, points) = spreads.entry(draft.quantity.clone()).or_default();
            if let (Content::Numbers([a, b]), Some(point)) = (&draft.content, draft.point)
                && spread.add(a, b, !points.contains(&point))
            {
                points.insert(point);
            }
        }
        let priors: HashMap<Arc<str>, Prior> = spreads
            .into_iter()
            .map(|(quantity, (spread, _))| (quantity, spread.prior()))
            .collect();
        for draft in drafts {
            let prior = priors[&draft.quantity];
            self.rows.push(draft.row(&table, number, &prior, options));
        }
    }

    /// All that is compared of a table, row by row; nothing is judged yet.
    fn drafts<'p>(
        &mut self,
        pair: &'p Pair<'_>,
        table: &Arc<str>,
        options: &Options,
    ) -> Vec<Draft<'p>> {
        let mut drafts = Vec::new();
        let mut known: HashMap<(u64, usize), Option<Arc<str>>> = HashMap::new();
        for groups in pair.joined() {
            let at = pair.coordinates(groups);
            let word = pair.quantity(groups);
            for (index, (column, error)) in pair.layout.values.iter().enumerate() {
                let word_key = word.as_ref().map_or(0, |(key, _)| *key);
                let quantity = known.entry((word_key, index)).or_insert_with(|| {
                    let quantity = quantity_name(word.as_ref().map(|(_, text)| text), column);
                    for name in [&*quantity, &**column] {
                        self.names.insert(name.to_owned());
                        self.names.insert(format!("{table}.{name}"));
                    }
                    let compared = options.compares(table, &quantity);
                    compared.then(|| quantity.into())
                });
                let content = pair.content(groups, column, error.as_deref());
                if let (Some(quantity), Some(content)) = (quantity.clone(), content) {
                    drafts.push(Draft {
                        quantity,
                        column,
                        content,
                        at: at.clone(),
                        point: pair.point(groups),
                    });
                }
            }
        }
        drafts
    }

    /// Says what could be paired and is not.
    fn note_seeds(&mut self, baseline: &Side, sides: &[Side], options: &Options) {
        if options.paired {
            self.note(
                "replicates are compared pair by pair; that is right only if both sides of a \
                 pair have the same data"
                    .to_owned(),
            );
            return;
        }
        let runs = runs(baseline);
        for side in sides {
            let same = side.name != baseline.name && runs_agree(&runs, side);
            if same && runs.len() > 1 {
                self.note(format!(
                    "`{}` and `{}` have the same seeds and replicates; if nothing that decides \
                     the data differs, `--paired` compares pair by pair, which is sharper",
                    baseline.name, side.name
                ));
            }
        }
    }
}

/// A row before it is judged.
struct Draft<'p> {
    quantity: Arc<str>,
    column: &'p Arc<str>,
    content: Content,
    at: Coordinates,
    /// Point of the baseline; `None` if only the other side has the row.
    point: Option<u32>,
}

impl Draft<'_> {
    fn row(self, table: &Arc<str>, side: usize, prior: &Prior, options: &Options) -> Row {
        let tolerances = &options.tolerances;
        let tolerance = tolerances.of(table, &self.quantity, self.column);
        let named = tolerances.named(table, &self.quantity, self.column);
        let mut row = Row {
            table: table.clone(),
            quantity: self.quantity,
            column: self.column.clone(),
            side,
            at: self.at,
            baseline: None,
            other: None,
            difference: None,
            standard_error: None,
            error_source: String::new(),
            z: None,
            degrees_of_freedom: None,
            p_value: None,
            corrected_p_value: None,
            tolerance: None,
            verdict: Verdict::NoErrorBar,
        };
        match self.content {
            Content::Numbers(samples) => {
                let baseline = Estimate::of(&samples[0]).map_or(f64::NAN, |found| found.mean);
                row.tolerance = tolerance.map(|tolerance| tolerance.at(baseline));
                judge_numbers(&mut row, &samples, prior, options.paired);
            }
            Content::Words(words) => judge_words(&mut row, words, named.is_some()),
        }
        row
    }
}

/// The name of what is compared: the column, or what the row says.
fn quantity_name(word: Option<&String>, column: &str) -> String {
    match word {
        None => column.to_owned(),
        Some(word) if column == "value" || column == "mean" => word.clone(),
        Some(word) => format!("{word}/{column}"),
    }
}

fn check_columns(sides: &[Side], options: &Options) -> Result<(), ComparisonError> {
    let tables = || sides.iter().flat_map(|side| side.tables.values());
    let known: BTreeSet<&str> = tables().flat_map(own_columns).collect();
    for column in options.on.iter().flatten() {
        if !known.contains(column.as_str()) {
            return Err(ComparisonError::NoColumn {
                column: column.clone(),
                known: known.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    Ok(())
}

/// Each tolerance has to be of something; those of tables that are not there wait.
fn check_tolerances(
    sides: &[Side],
    names: &BTreeSet<String>,
    options: &Options,
) -> Result<(), ComparisonError> {
    let there = |table: &str| sides.iter().any(|side| side.tables.contains_key(table));
    for name in options.tolerances.names() {
        let elsewhere = name.split_once('.').is_some_and(|(table, _)| {
            catalogue().iter().any(|schema| schema.name == table) && !there(table)
        });
        if !names.contains(name) && !elsewhere {
            return Err(ComparisonError::NoQuantity {
                name: name.to_owned(),
                known: names.iter().cloned().collect(),
            });
        }
    }
    Ok(())
}
