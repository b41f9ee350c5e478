//! `compare`: what differs between the tables of results folders.

mod folders;
mod grid;
mod json;
mod report;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use regex::Regex;

use super::Outcome;
use super::diagnostic::{self, put, say};
use crate::comparison::{
    self, Comparison, ComparisonError, Counts, Options, Row, Tolerances, Verdict,
};
use crate::engine::{StoreError, write_output};
use crate::manifest::nearest;
use crate::{plots, tables};
use folders::Folders;
pub(super) use grid::{grid, significant};
use report::Style;

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// Results folders, as in results/<experiment>; two or more
    #[arg(required = true, num_args = 2.., value_name = "FOLDER")]
    pub(super) folders: Vec<PathBuf>,
    /// Folder that the others are compared with, by path or name [default: the first]
    #[arg(long, value_name = "FOLDER")]
    pub(super) baseline: Option<String>,
    /// Compare these tables only
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) tables: Vec<String>,
    /// Compare only what matches, written `table.quantity`
    #[arg(long, value_name = "REGEX")]
    pub(super) keep: Option<String>,
    /// Leave out what matches
    #[arg(long, value_name = "REGEX")]
    pub(super) drop: Option<String>,
    /// Join on these columns, not on swept parameters and keys; average over the rest
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(super) on: Vec<String>,
    /// A difference that does not matter: `elbo_nats=0.05`, `likelihood.elbo_nats=1%`; may be
    /// given several times, and goes before tolerances.toml in the baseline
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) tolerance: Vec<String>,
    /// The same for all that has no tolerance of its own, as a part of the baseline's value
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    pub(super) relative: Option<f64>,
    /// Probability of even one wrong `differs` among all rows [default: 0.01]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    pub(super) level: Option<f64>,
    /// Compare replicates of the same seed and number pair by pair; right only if they have the same data
    #[arg(long)]
    pub(super) paired: bool,
    /// Show only rows that are not the same
    #[arg(long)]
    pub(super) changed: bool,
    /// Column to sort by, `-COLUMN` for descending [default: difference in standard errors]
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub(super) sort: Option<String>,
    /// Digits of an error bar; numbers without one get four more
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=12))]
    pub(super) precision: u8,
    /// Rows that are shown of each quantity in text and Markdown; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) rows: usize,
    /// How to write the comparison
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: CompareFormat,
    /// File to write to, not stdout; Parquet needs one
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Folder for a figure of each quantity
    #[arg(long, value_name = "DIR")]
    pub(super) plots: Option<PathBuf>,
    /// What makes the exit code 1
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        value_delimiter = ',',
        default_value = "never"
    )]
    pub(super) fail_on: Vec<FailOn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareFormat {
    /// For people
    Text,
    /// For pages
    Markdown,
    /// For programs
    Json,
    /// For programs: a row a value
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Any value beyond its tolerance
    Differs,
    /// Any value that is not the same, or missing
    Changed,
    /// Any row or table that one side lacks
    Missing,
    /// Nothing
    Never,
}

/// Why a comparison cannot be made.
#[derive(Debug)]
enum Refusal {
    /// The command line or a file is wrong.
    Words(String),
    /// The comparison says so itself.
    Comparison(ComparisonError),
    /// A file cannot be read or written.
    File(StoreError),
}

impl From<ComparisonError> for Refusal {
    fn from(error: ComparisonError) -> Self {
        Self::Comparison(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::File(error)
    }
}

impl Refusal {
    fn of(error: impl std::fmt::Display) -> Self {
        Self::Words(error.to_string())
    }
}

pub(super) fn main(arguments: &CompareArguments) -> Outcome {
    match run(arguments) {
        Ok(outcome) => outcome,
        Err(refusal) => {
            refuse(&refusal);
            Outcome::Wrong
        }
    }
}

fn refuse(refusal: &Refusal) {
    match refusal {
        Refusal::Words(text) => say(&format!("error: {text}")),
        Refusal::File(error) => diagnostic::error(error),
        Refusal::Comparison(error) => {
            diagnostic::error(error);
            let (name, known) = match error {
                ComparisonError::NoQuantity { name, known } => (name, known),
                ComparisonError::NoColumn { column, known } => (column, known),
                _ => return,
            };
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            if let Some(near) = nearest(name, &known) {
                say(&format!("did you mean `{near}`?"));
            }
        }
    }
}

fn run(arguments: &CompareArguments) -> Result<Outcome, Refusal> {
    if arguments.format == CompareFormat::Parquet && arguments.output.is_none() {
        return Err(Refusal::of("`--format parquet` needs `--output FILE`"));
    }
    let mut folders = Folders::read(arguments)?;
    let options = options(arguments, &folders)?;
    let mut comparison = comparison::compare(&folders.sides, folders.baseline, &options)?;
    comparison.notes.append(&mut folders.notes);
    let counts = Counts::of(&comparison.rows);
    if counts.all() == counts.missing() {
        return Err(Refusal::of(
            "nothing can be compared: no row of one folder has a partner in another; \
             `--keep`, `--drop`, `--tables` and `--on` choose",
        ));
    }
    let rows = chosen(&comparison, arguments)?;
    write(arguments, &folders, &comparison, &rows, &options)?;
    if let Some(folder) = &arguments.plots {
        draw(folder, &comparison)?;
    }
    Ok(outcome(arguments, &comparison, &counts))
}

/// What the baseline's `tolerances.toml` says, and before it the command line.
fn options(arguments: &CompareArguments, folders: &Folders) -> Result<Options, Refusal> {
    let pattern = |option: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Regex::new(text)
            .map(Some)
            .map_err(|error| Refusal::Words(format!("`--{option} {text}`: {error}"))),
    };
    let stated = &folders.stated;
    let mut tolerances: Tolerances = stated.tolerances.clone();
    for text in &arguments.tolerance {
        tolerances.add_text(text)?;
    }
    if let Some(share) = arguments.relative.or(stated.relative) {
        if !(share.is_finite() && share >= 0.0) {
            return Err(Refusal::Words(format!(
                "`relative` is {share}, expected a part of the baseline, as 0.05"
            )));
        }
        tolerances.set_relative(share);
    }
    let level = arguments
        .level
        .or(stated.level)
        .unwrap_or(Options::default().level);
    if !(level > 0.0 && level < 0.5) {
        return Err(Refusal::Words(format!(
            "`level` is {level}, expected a probability above 0 and below 0.5"
        )));
    }
    Ok(Options {
        on: (!arguments.on.is_empty()).then(|| arguments.on.clone()),
        keep: pattern("keep", &arguments.keep)?,
        drop: pattern("drop", &arguments.drop)?,
        tolerances,
        level,
        all_tables: arguments.tables.is_empty(),
        paired: arguments.paired,
    })
}

/// The rows that are shown, in their order: quantities and their rows by the size of the
/// difference, or as asked for.
fn chosen<'c>(
    comparison: &'c Comparison,
    arguments: &CompareArguments,
) -> Result<Vec<&'c Row>, Refusal> {
    let all = comparison.rows.iter();
    let shown = all.filter(|row| !arguments.changed || row.verdict != Verdict::Same);
    let mut rows: Vec<&Row> = shown.collect();
    if let Some(asked) = &arguments.sort {
        let (column, descending) = match asked.strip_prefix('-') {
            Some(column) => (column, true),
            None => (asked.as_str(), false),
        };
        let table = comparison.table(&rows).map_err(Refusal::of)?;
        let order = table.order_by(column, descending).map_err(Refusal::of)?;
        let sorted: Vec<&Row> = order.into_iter().map(|row| rows[row]).collect();
        rows = in_groups(&sorted, &in_order(&rows));
    } else {
        rows.sort_by(|a, b| Row::by_size(a, b));
        rows = in_groups(&rows, &in_order(&rows));
    }
    Ok(rows)
}

/// What is compared in one block: table, quantity and folder.
type Group<'r> = (&'r str, &'r str, usize);

fn group(row: &Row) -> Group<'_> {
    (&row.table, &row.quantity, row.side)
}

/// Number of each group in the order in which they occur.
fn in_order<'r>(rows: &[&'r Row]) -> std::collections::HashMap<Group<'r>, usize> {
    let mut order = std::collections::HashMap::new();
    for row in rows {
        let next = order.len();
        order.entry(group(row)).or_insert(next);
    }
    order
}

/// Brings the rows of each group together, without changing their order within it.
fn in_groups<'c>(
    rows: &[&'c Row],
    order: &std::collections::HashMap<Group<'c>, usize>,
) -> Vec<&'c Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_cached_key(|row| order.get(&group(row)).copied());
    rows
}

fn write(
    arguments: &CompareArguments,
    folders: &Folders,
    comparison: &Comparison,
    rows: &[&Row],
    options: &Options,
) -> Result<(), Refusal> {
    let bytes = match arguments.format {
        CompareFormat::Text | CompareFormat::Markdown => {
            let style = Style {
                markdown: arguments.format == CompareFormat::Markdown,
                digits: arguments.precision.into(),
                rows: arguments.rows,
            };
            report::text(folders, comparison, rows, options, style).into_bytes()
        }
        CompareFormat::Json => json::text(folders, comparison, rows, options).into_bytes(),
        CompareFormat::Parquet => {
            let table = comparison.table(rows).map_err(Refusal::of)?;
            let metadata = report::metadata(comparison, options);
            tables::to_bytes(&table, &metadata).map_err(Refusal::of)?
        }
    };
    if let Some(path) = &arguments.output {
        write_output(path, &bytes)?;
    } else {
        put(String::from_utf8_lossy(&bytes).trim_end());
    }
    Ok(())
}

/// A figure of each quantity that is a number.
fn draw(folder: &Path, comparison: &Comparison) -> Result<(), Refusal> {
    let all: Vec<&Row> = comparison.rows.iter().collect();
    let mut groups: Vec<(&str, &str)> = all
        .iter()
        .map(|row| (&*row.table, &*row.quantity))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let mut drawn = 0;
    for (table, quantity) in groups {
        let rows: Vec<&Row> = all
            .iter()
            .copied()
            .filter(|row| (&*row.table, &*row.quantity) == (table, quantity))
            .collect();
        let values = comparison.table(&rows).map_err(Refusal::of)?;
        let baseline = &comparison.sides[comparison.baseline];
        if let Some(image) = plots::comparison_figure(&values, baseline).map_err(Refusal::of)? {
            write_output(&folder.join(file_name(table, quantity)), &image)?;
            drawn += 1;
        }
    }
    say(&format!("{drawn} figures in {}", folder.display()));
    Ok(())
}

/// A plain name for the figure of a quantity.
fn file_name(table: &str, quantity: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = format!("{table}.{quantity}").chars().map(plain).collect();
    format!("{name}.png")
}

/// The exit code, and why it is 1.
fn outcome(arguments: &CompareArguments, comparison: &Comparison, counts: &Counts) -> Outcome {
    let tables = comparison.missing_tables.len();
    let missing = counts.missing();
    let changed = counts.all() - counts.with(Verdict::Same);
    let mut failed = false;
    for reason in &arguments.fail_on {
        let found = match reason {
            FailOn::Differs if counts.with(Verdict::Differs) > 0 => {
                format!("{} values differ", counts.with(Verdict::Differs))
            }
            FailOn::Changed if changed + tables > 0 => {
                format!("{changed} values are not the same, {tables} tables are missing")
            }
            FailOn::Missing if missing + tables > 0 => {
                format!("{missing} values and {tables} tables are missing on one side")
            }
            _ => continue,
        };
        say(&format!("error: {found}, expected none"));
        failed = true;
    }
    let unjudged = counts.with(Verdict::NoErrorBar);
    if unjudged > 0 {
        say(&format!(
            "warning: {unjudged} values differ without error bar and tolerance, and are not judged; \
             `--tolerance NAME=VALUE` judges them"
        ));
    }
    if failed {
        Outcome::Failed
    } else {
        Outcome::Done
    }
}
