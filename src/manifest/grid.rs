//! The grids of a sweep while they are read: what is crossed, and under which conditions.

use std::collections::{HashMap, HashSet};

use super::axes::{Axes, Single, collect};
use super::catalogue::{SWEEPABLE, list, nearest};
use super::node::{Entry, Node, Value, quoted};
use super::point_table::{self, Tables};
use super::report::{Message, Report};
use super::section::Section;
use super::sweep::{Factor, Grid, MOST_CONDITIONS, MOST_RULES, Spot, When};
use super::{condition, zip};

/// Which of the tables that hold axes is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[sweep]`.
    Whole,
    /// `[[sweep.union]]`.
    Member,
    /// `[[sweep.when]]`.
    Conditional,
}

impl Kind {
    /// The keys that are no tables of parameters.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Whole => &["zip", "exclude", "table", "union", "when"],
            Self::Member => &["zip", "exclude", "table", "when"],
            Self::Conditional => &["if", "zip", "exclude", "table"],
        }
    }
}

/// Collects the grids of a sweep and their axes.
pub(super) struct Builder<'a, 'b> {
    pub(super) axes: Axes<'a, 'b>,
    tables: &'b Tables<'b>,
    /// Paths of the axes that stand in `[sweep]` itself.
    pub(super) outer: HashSet<String>,
    /// The rows of tables that are files, written out as TOML.
    pub(super) written: HashMap<String, String>,
}

/// A piece of a grid, in file order.
enum Piece {
    Single(Single),
    Factor(Factor),
}

impl<'a, 'b> Builder<'a, 'b> {
    /// For the grids below `[sweep]`, which is `section` of `root`.
    pub(super) fn new(
        root: &'b Section<'a>,
        section: &Section<'a>,
        tables: &'b Tables<'b>,
    ) -> Self {
        Self {
            axes: Axes::new(root),
            tables,
            outer: outer_paths(section),
            written: HashMap::new(),
        }
    }

    /// Reads a grid.
    pub(super) fn grid(&mut self, section: &Section<'a>, kind: Kind) -> Grid {
        let pieces = self.pieces(section, kind);
        let singles: Vec<&Single> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Single(single) => Some(single),
                Piece::Factor(_) => None,
            })
            .collect();
        let groups = zip::groups(section, &self.axes.all, &singles);
        let mut grid = Grid {
            factors: factors(pieces, groups),
            ..Grid::default()
        };
        if kind != Kind::Conditional {
            grid.whens = self.whens(section, kind, &grid);
        }
        grid.exclusions = condition::exclusions(&mut self.axes, section, &grid);
        refuse_second_spots(section.report, &grid);
        grid
    }

    /// Axes, tables of points and unions in file order.
    fn pieces(&mut self, section: &Section<'a>, kind: Kind) -> Vec<Piece> {
        let mut leaves = Vec::new();
        for entry in section.entries {
            match entry.key.as_str() {
                word if kind.words().contains(&word) => {
                    if ["table", "union"].contains(&word) {
                        leaves.push((String::new(), entry));
                    }
                }
                table if SWEEPABLE.contains(&table) => collect(entry, table, &mut leaves),
                _ => not_sweepable(section, entry, kind),
            }
        }
        leaves.sort_by_key(|(_, entry)| entry.order);
        let mut pieces = Vec::new();
        for (path, entry) in leaves {
            pieces.extend(match (path.as_str(), entry.key.as_str()) {
                ("", "table") => {
                    point_table::read(self, section, entry, self.tables).map(Piece::Factor)
                }
                ("", _) => self.union(section).map(Piece::Factor),
                _ => self.axes.single(section, &path, entry).map(Piece::Single),
            });
        }
        pieces
    }

    fn union(&mut self, section: &Section<'a>) -> Option<Factor> {
        let members = tables_of(section, "union", 1..=MOST_RULES)?;
        let grid = |member: &Section<'a>| self.grid(member, Kind::Member);
        Some(Factor::Union(members.iter().map(grid).collect()))
    }

    /// The rules in order; a condition may name the axes of rules before it.
    fn whens(&mut self, section: &Section<'a>, kind: Kind, grid: &Grid) -> Vec<When> {
        let tables = tables_of(section, "when", 0..=MOST_CONDITIONS).unwrap_or_default();
        let mut scope: HashSet<usize> = grid.spots().iter().map(|spot| spot.axis).collect();
        let mut whens = Vec::new();
        for table in &tables {
            let conditions = condition::of_rule(self, table, kind, &scope);
            let grid = self.grid(table, Kind::Conditional);
            scope.extend(grid.spots().iter().map(|spot| spot.axis));
            whens.push(When { conditions, grid });
        }
        whens
    }
}

/// The axes that stand in `[sweep]` itself.
fn outer_paths(section: &Section<'_>) -> HashSet<String> {
    let mut leaves = Vec::new();
    let tables = section.entries.iter();
    for entry in tables.filter(|entry| SWEEPABLE.contains(&entry.key.as_str())) {
        collect(entry, &entry.key, &mut leaves);
    }
    leaves.into_iter().map(|(path, _)| path).collect()
}

/// The tables of an array of tables.
fn tables_of<'a>(
    section: &Section<'a>,
    key: &str,
    length: std::ops::RangeInclusive<usize>,
) -> Option<Vec<Section<'a>>> {
    let read = |section: &Section<'a>, node: &'a Node, key: &str| match &node.value {
        Value::Table(entries) => Some(Section {
            report: section.report,
            path: key.to_owned(),
            place: node.place,
            entries,
        }),
        _ => section.wrong_type(node, key, "a table of axes"),
    };
    section.array(key, &length, "tables", read)
}

/// Factors in file order; zipped axes stand where the first of them does.
fn factors(pieces: Vec<Piece>, groups: Vec<Vec<usize>>) -> Vec<Factor> {
    let mut singles = Vec::new();
    let mut factors: Vec<Option<Factor>> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Single(single) => {
                singles.push((factors.len(), single));
                factors.push(None);
            }
            Piece::Factor(factor) => factors.push(Some(factor)),
        }
    }
    for group in groups {
        let length = singles[group[0]].1.values.len();
        let mut values = Vec::with_capacity(length * group.len());
        for row in 0..length {
            values.extend(group.iter().map(|&single| singles[single].1.values[row]));
        }
        let spots = group.iter().map(|&single| singles[single].1.spot.clone());
        factors[singles[group[0]].0] = Some(Factor::Rows {
            spots: spots.collect(),
            values,
        });
    }
    factors.into_iter().flatten().collect()
}

/// Reports axes that two factors, or a factor and a `when` rule, would both set.
fn refuse_second_spots(report: &Report<'_>, grid: &Grid) {
    let mut first: HashMap<usize, &Spot> = HashMap::new();
    for factor in &grid.factors {
        let spots = factor.spots();
        for spot in &spots {
            if let Some(other) = first.get(&spot.axis) {
                refuse_second(report, spot, other);
            }
        }
        for spot in spots {
            first.entry(spot.axis).or_insert(spot);
        }
    }
    let always = grid.always();
    let whens = grid.whens.iter().flat_map(|when| when.grid.spots());
    for spot in whens.filter(|spot| always.contains(&spot.axis)) {
        if let Some(other) = first.get(&spot.axis) {
            refuse_second(report, spot, other);
        }
    }
}

/// Reports an axis that gets values twice in the same combination.
pub(super) fn refuse_second(report: &Report<'_>, spot: &Spot, other: &Spot) {
    let message = Message {
        code: "manifest::conflict",
        key: spot.key.clone(),
        found: "values for an axis that the same combinations have already".to_owned(),
        expected: format!("it in one place, and `{}` stands there", other.key),
        help: Some("leave one of them out".to_owned()),
    };
    report.push(spot.place, message);
}

fn not_sweepable(section: &Section<'_>, entry: &Entry, kind: Kind) {
    if section.report.is_full() {
        return;
    }
    let misspelt = nearest(&entry.key, kind.words());
    let help = match (entry.key.as_str(), misspelt) {
        ("experiment", _) => {
            "`experiment.replicates` repeats every point with other random numbers".to_owned()
        }
        ("analysis" | "plot", _) => "analyses and plots are the same for all points".to_owned(),
        ("union" | "when" | "if", _) => format!(
            "`{}` is no part of `{}`: unions stand in `[sweep]`, `when` in `[sweep]` and in a \
             union, `if` in `when`",
            entry.key, section.path
        ),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        _ => "write `sweep.model.temperature = [0.5, 1.0]`, with the table of the parameter"
            .to_owned(),
    };
    let known: Vec<&str> = SWEEPABLE.iter().chain(kind.words()).copied().collect();
    section.report.push(
        entry.key_place,
        Message {
            code: "manifest::not_sweepable",
            key: section.key(&entry.key),
            found: format!("the key {}", quoted(&entry.key)),
            expected: list(&known),
            help: Some(help),
        },
    );
}
