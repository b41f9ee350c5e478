//! Joins the rows of two folders, and judges each of their values.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::estimate::{Estimate, Prior, Sample, Source, Spread, Uncertainty};
use super::holm::holm;
use super::judge::Difference;
use super::layout::{JoinColumn, JoinSource, Layout, Words, own_columns};
use super::{
    Comparison, ComparisonError, Coordinates, Measured, Options, Row, Side, Verdict, cell_text,
};
use crate::tables::{Cell, Column, Table, catalogue};

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

/// Corrects the probabilities of all rows for their number, and decides.
fn correct(rows: &mut [Row], level: f64) -> usize {
    let tested: Vec<usize> = (0..rows.len())
        .filter(|&row| rows[row].p_value.is_some())
        .collect();
    let values: Vec<f64> = tested.iter().filter_map(|&row| rows[row].p_value).collect();
    for (&row, corrected) in tested.iter().zip(holm(&values)) {
        let row = &mut rows[row];
        row.corrected_p_value = Some(corrected);
        // That all rows are the same is said only if each is: no correction is needed for
        // that (R. L. Berger, Technometrics 24, 295 (1982)).
        if corrected <= level {
            row.verdict = Verdict::Differs;
        } else if row.within().is_some_and(|probability| probability <= level) {
            row.verdict = Verdict::Same;
        }
    }
    tested.len()
}

impl Row {
    fn tested(&self) -> Option<Difference> {
        Some(Difference {
            value: self.difference?,
            standard_error: self.standard_error?,
            degrees: self.degrees_of_freedom?,
        })
    }

    fn within(&self) -> Option<f64> {
        Some(self.tested()?.within(self.tolerance.unwrap_or(0.0)))
    }
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
        let table: Arc<str> = pair.tables[0].name().into();
        let mut drafts = Vec::new();
        let mut spreads: HashMap<Arc<str>, (Spread, Points)> = HashMap::new();
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
                    let compared = options.compares(&table, &quantity);
                    compared.then(|| quantity.into())
                });
                let Some(quantity) = quantity.clone() else {
                    continue;
                };
                let Some(content) = pair.content(groups, column, error.as_deref()) else {
                    continue;
                };
                let (spread, points) = spreads.entry(quantity.clone()).or_default();
                if let (Content::Numbers([a, b]), Some(group)) = (&content, groups[0]) {
                    let point = pair.sides[0].points[group];
                    if spread.add(a, b, !points.contains(&point)) {
                        points.insert(point);
                    }
                }
                drafts.push((quantity, column, content, at.clone()));
            }
        }
        let priors: HashMap<Arc<str>, Prior> = spreads
            .into_iter()
            .map(|(quantity, (spread, _))| (quantity, spread.prior()))
            .collect();
        for (quantity, column, content, at) in drafts {
            let prior = &priors[&quantity];
            let tolerance = options.tolerances.of(&table, &quantity, column);
            let mut row = Row {
                table: table.clone(),
                quantity,
                column: column.clone(),
                side: number,
                at,
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
            match content {
                Content::Numbers(samples) => {
                    let baseline = Estimate::of(&samples[0]).map_or(f64::NAN, |found| found.mean);
                    row.tolerance = tolerance.map(|tolerance| tolerance.at(baseline));
                    judge_numbers(&mut row, &samples, prior, options.paired);
                }
                Content::Words(words) => {
                    let named = options.tolerances.named(&table, &row.quantity, column);
                    judge_words(&mut row, words, named.is_some());
                }
            }
            self.rows.push(row);
        }
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

/// The name of what is compared: the column, or what the row says.
fn quantity_name(word: Option<&String>, column: &str) -> String {
    match word {
        None => column.to_owned(),
        Some(word) if column == "value" || column == "mean" => word.clone(),
        Some(word) => format!("{word}/{column}"),
    }
}

fn judge_words(row: &mut Row, words: [Vec<String>; 2], strict: bool) {
    let identical = words[0] == words[1];
    let [baseline, other] = words.map(|words| {
        let found = (!words.is_empty()).then(|| counted(&words));
        found.map(Measured::Words)
    });
    row.verdict = match (&baseline, &other) {
        (None, _) => Verdict::OnlyOther,
        (_, None) => Verdict::OnlyBaseline,
        _ if identical => Verdict::Same,
        _ if strict => Verdict::Differs,
        _ => Verdict::NoErrorBar,
    };
    (row.baseline, row.other) = (baseline, other);
}

/// Each word once; with its number if there are several.
fn counted(words: &[String]) -> String {
    let mut distinct: Vec<(&String, usize)> = Vec::new();
    for word in words {
        match distinct.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => distinct.push((word, 1)),
        }
    }
    match distinct.as_slice() {
        [(word, _)] => (*word).clone(),
        several => {
            let parts = several
                .iter()
                .map(|(word, count)| format!("{word} ×{count}"));
            parts.collect::<Vec<_>>().join(", ")
        }
    }
}

fn judge_numbers(row: &mut Row, samples: &[Vec<Sample>; 2], prior: &Prior, paired: bool) {
    let estimates = [Estimate::of(&samples[0]), Estimate::of(&samples[1])];
    let measured = |side: usize| {
        let estimate: Estimate = estimates[side]?;
        Some(Measured::Number {
            mean: estimate.mean,
            standard_error: Uncertainty::of_mean(&estimate),
            replicates: estimate.replicates,
        })
    };
    (row.baseline, row.other) = (measured(0), measured(1));
    let [Some(first), Some(second)] = estimates else {
        row.verdict = match estimates {
            [None, _] => Verdict::OnlyOther,
            _ => Verdict::OnlyBaseline,
        };
        return;
    };
    row.difference = Some(second.mean - first.mean);
    if identical(samples) {
        row.difference = Some(0.0);
        row.verdict = Verdict::Same;
        return;
    }
    let test = if paired {
        pairs(samples)
    } else {
        independent(&first, &second, prior)
    };
    let known = test.filter(|(variance, ..)| *variance > 0.0 && variance.is_finite());
    if let Some((variance, degrees, source)) = known {
        row.standard_error = Some(variance.sqrt());
        row.degrees_of_freedom = Some(degrees);
        row.error_source = source;
        row.z = row
            .difference
            .map(|difference| difference / variance.sqrt());
        let tolerance = row.tolerance.unwrap_or(0.0);
        row.p_value = row.tested().map(|difference| difference.beyond(tolerance));
        row.verdict = Verdict::Undecided;
    } else if let (Some(tolerance), Some(difference)) = (row.tolerance, row.difference) {
        // No error bar: the numbers as they are.
        row.verdict = if difference.abs() <= tolerance {
            Verdict::Same
        } else {
            Verdict::Differs
        };
    }
}

/// Whether all replicates agree bit for bit.
fn identical([a, b]: &[Vec<Sample>; 2]) -> bool {
    let bits = |samples: &[Sample]| -> Vec<u64> {
        samples
            .iter()
            .map(|sample| sample.value.to_bits())
            .collect()
    };
    a.len() == b.len() && bits(a) == bits(b)
}

/// Variance and degrees of freedom of the difference of two means, and their source.
fn independent(a: &Estimate, b: &Estimate, prior: &Prior) -> Option<(f64, f64, String)> {
    let found = Uncertainty::of_difference(a, b, prior)?;
    let source = match found.source {
        Source::Between => "between replicates".to_owned(),
        Source::Within(1.0) => "within runs".to_owned(),
        Source::Within(factor) => format!("within runs × {factor:.2}"),
    };
    Some((found.variance, found.degrees, source))
}

/// The same of the differences, pair by pair.
fn pairs([a, b]: &[Vec<Sample>; 2]) -> Option<(f64, f64, String)> {
    let differences: Option<Vec<Sample>> = a
        .iter()
        .map(|first| {
            let second = b.iter().find(|second| second.run == first.run)?;
            Some(Sample {
                value: second.value - first.value,
                error: None,
                ..*first
            })
        })
        .collect();
    let differences = differences.filter(|_| a.len() == b.len())?;
    let error = Estimate::of(&differences)?.between?;
    let degrees = differences.len() as f64 - 1.0;
    Some((error * error, degrees, "between pairs".to_owned()))
}

/// What stands in one column of one row, replicate by replicate.
enum Content {
    Numbers([Vec<Sample>; 2]),
    Words([Vec<String>; 2]),
}

/// Groups of rows of both sides, as numbers.
type Groups = [Option<usize>; 2];

/// One table of two sides.
struct Pair<'t> {
    names: [&'t str; 2],
    tables: [&'t Table; 2],
    layout: Layout,
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
    fn new(sides: [&'t Side; 2], tables: [&'t Table; 2], options: &Options) -> Self {
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
    fn joined(&self) -> impl Iterator<Item = Groups> {
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

    fn coordinates(&self, groups: Groups) -> Coordinates {
        let columns = (0..self.layout.joined.len()).filter(|&c| Some(c) != self.layout.quantity);
        columns
            .filter_map(|c| Some((self.layout.joined[c].clone(), self.cell(groups, c)?)))
            .collect()
    }

    /// The quantity that the row names, with the number of that word.
    fn quantity(&self, groups: Groups) -> Option<(u64, String)> {
        let column = self.layout.quantity?;
        let key = |side: usize| {
            let row = *self.sides[side].rows[groups[side]?].first()?;
            self.sides[side].columns[column].keys.get(row).copied()
        };
        let key = key(0).or_else(|| key(1))?;
        Some((key, cell_text(&self.cell(groups, column)?)))
    }

    /// What stands in `column` on both sides; `None` if nothing does.
    fn content(&self, groups: Groups, column: &str, error: Option<&str>) -> Option<Content> {
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
    fn notes(&self) -> Vec<String> {
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

/// A number for the seed and replicate of each row, the same on both sides.
fn run_numbers(table: &Table, known: &mut HashMap<(String, i64), u64>) -> Vec<u64> {
    let seeds = table.texts("seed").ok();
    let replicates = table.integers("replicate").ok();
    let mut numbers = Vec::with_capacity(table.rows());
    let mut last: Option<(&str, i64, u64)> = None;
    for row in 0..table.rows() {
        let seed = seeds.map_or("", |seeds| seeds[row].as_str());
        let replicate = replicates.map_or(0, |replicates| replicates[row]);
        let number = match last {
            Some((earlier, same, number)) if earlier == seed && same == replicate => number,
            _ => {
                let next = known.len() as u64;
                *known.entry((seed.to_owned(), replicate)).or_insert(next)
            }
        };
        last = Some((seed, replicate, number));
        numbers.push(number);
    }
    numbers
}

/// All seeds and replicates of a side.
fn runs(side: &Side) -> BTreeSet<(String, i64)> {
    let mut all = HashMap::new();
    for table in side.tables.values() {
        run_numbers(table, &mut all);
    }
    all.into_keys().collect()
}

fn runs_agree(expected: &BTreeSet<(String, i64)>, side: &Side) -> bool {
    runs(side) == *expected
}

fn check_pairs(baseline: &Side, other: &Side) -> Result<(), ComparisonError> {
    let (expected, found) = (runs(baseline), runs(other));
    let text = |runs: &BTreeSet<(String, i64)>| {
        let seeds: BTreeSet<&str> = runs.iter().map(|(seed, _)| seed.as_str()).collect();
        let seeds: Vec<&str> = seeds.into_iter().collect();
        format!("seed {} in {} replicates", seeds.join(", "), runs.len())
    };
    if found == expected {
        return Ok(());
    }
    Err(ComparisonError::NoPairs {
        side: other.name.clone(),
        found: text(&found),
        expected: text(&expected),
    })
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
