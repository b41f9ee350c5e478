//! `[sweep]`: which parameters take several values, and in which combinations.
//!
//! A sweep is a grid: factors that are crossed (axes, axes zipped together, a table
//! of points, a union of further grids), then axes that exist only where a condition
//! holds, then combinations that are left out. Nothing is expanded here.

use std::collections::{HashMap, HashSet};

use super::catalogue::{self, PATHS, SWEEPABLE, list, nearest};
use super::condition::{Condition, Exclusion};
use super::node::{Entry, Node, Place, Value};
use super::parse::join;
use super::point_table::{self, Tables};
use super::report::{Message, Report};
use super::section::Section;
use super::{condition, range, recording, zip};

/// Most values of one list.
const MOST_VALUES: usize = 100_000;

/// Most `zip` groups, `exclude` rules, or members of a union.
pub(super) const MOST_RULES: usize = 10_000;

/// Most values of all lists, ranges and tables together, equal ones included.
const MOST_CELLS: usize = 1_000_000;

/// Most `when` rules; each is held against every combination.
const MOST_CONDITIONS: usize = 1000;

/// Position of a value among those of its axis; `None` where the combination does not
/// have the axis, so that its own table or its default speaks.
pub(super) type Choice = Option<u32>;

/// A swept parameter with all its values as written.
#[derive(Debug)]
pub(super) struct SweptKey {
    pub(super) path: String,
    /// Where it is swept first.
    pub(super) place: Place,
    /// Values with their places; a value of a range has the range's place.
    pub(super) values: Vec<Node>,
    /// Whether every combination has a value of it.
    pub(super) always: bool,
    /// The value of its own table, for combinations without one of the sweep.
    pub(super) base: Choice,
    /// Positions of the values, by what they are.
    positions: HashMap<String, u32>,
}

/// One place in which an axis gets values.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    /// Position of the axis.
    pub(super) axis: usize,
    pub(super) place: Place,
    pub(super) key: String,
}

/// What is crossed.
#[derive(Debug)]
pub(super) enum Factor {
    /// Axes that advance together; one axis alone is the simplest.
    Rows {
        spots: Vec<Spot>,
        /// Positions of values, row by row, a value a spot.
        values: Vec<u32>,
    },
    /// The combinations of all members, one member after the other.
    Union(Vec<Grid>),
}

/// Axes that exist where all conditions hold.
#[derive(Debug)]
pub(super) struct When {
    /// Conditions on swept keys; `None` if one on other keys does not hold.
    pub(super) conditions: Option<Vec<Condition>>,
    pub(super) grid: Grid,
}

/// Combinations by rules.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// In file order.
    pub(super) factors: Vec<Factor>,
    pub(super) whens: Vec<When>,
    pub(super) exclusions: Vec<Exclusion>,
}

/// The sweep of a manifest.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// In file order.
    pub(super) axes: Vec<SweptKey>,
    pub(super) grid: Grid,
    /// The rows of tables that are files, written out as TOML, by the keys that name them.
    pub(super) tables: HashMap<String, String>,
}

impl Grid {
    /// All places in which axes get values, in file order.
    pub(super) fn spots(&self) -> Vec<&Spot> {
        let factors = self.factors.iter().flat_map(Factor::spots);
        let whens = self.whens.iter().flat_map(|when| when.grid.spots());
        factors.chain(whens).collect()
    }

    /// The axes that every combination has.
    fn always(&self) -> HashSet<usize> {
        self.factors.iter().flat_map(Factor::always).collect()
    }
}

impl Factor {
    fn spots(&self) -> Vec<&Spot> {
        match self {
            Self::Rows { spots, .. } => spots.iter().collect(),
            Self::Union(members) => members.iter().flat_map(Grid::spots).collect(),
        }
    }

    fn always(&self) -> HashSet<usize> {
        match self {
            Self::Rows { spots, .. } => spots.iter().map(|spot| spot.axis).collect(),
            Self::Union(members) => {
                let mut sets = members.iter().map(Grid::always);
                let first = sets.next().unwrap_or_default();
                sets.fold(first, |common, set| &common & &set)
            }
        }
    }
}

/// Reads `[sweep]`; `tables` are the tables of points that it may name.
pub(super) fn read(root: &Section<'_>, tables: &Tables<'_>) -> Sweep {
    let Some(section) = root.table("sweep") else {
        return Sweep::default();
    };
    let mut builder = Builder {
        root,
        tables,
        sweepable: catalogue::sweepable_paths(),
        outer: outer_paths(&section),
        axes: Vec::new(),
        known: HashMap::new(),
        written: HashMap::new(),
        cells: 0,
    };
    let grid = builder.grid(&section, Kind::Whole);
    builder.finish(grid)
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

/// Collects the axes of all grids of a sweep.
pub(super) struct Builder<'a, 'b> {
    pub(super) root: &'b Section<'a>,
    tables: &'b Tables<'b>,
    pub(super) sweepable: Vec<String>,
    /// Paths of the axes that stand in `[sweep]` itself.
    pub(super) outer: HashSet<String>,
    pub(super) axes: Vec<SweptKey>,
    /// Positions of the axes by path.
    pub(super) known: HashMap<String, usize>,
    /// The rows of tables that are files, written out as TOML.
    pub(super) written: HashMap<String, String>,
    /// Values read so far.
    cells: usize,
}

/// One axis of a grid, before axes are zipped.
pub(super) struct Single {
    pub(super) spot: Spot,
    pub(super) values: Vec<u32>,
}

/// A piece of a grid, in file order.
enum Piece {
    Single(Single),
    Factor(Factor),
}

impl<'a> Builder<'a, '_> {
    fn grid(&mut self, section: &Section<'a>, kind: Kind) -> Grid {
        let pieces = self.pieces(section, kind);
        let singles: Vec<&Single> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Single(single) => Some(single),
                Piece::Factor(_) => None,
            })
            .collect();
        let groups = zip::groups(section, &self.axes, &singles);
        let mut grid = Grid {
            factors: factors(pieces, groups),
            ..Grid::default()
        };
        if kind != Kind::Conditional {
            grid.whens = self.whens(section, kind, &grid);
        }
        grid.exclusions = condition::exclusions(self, section, &grid);
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
                _ => self.single(section, &path, entry).map(Piece::Single),
            });
        }
        pieces
    }

    fn single(&mut self, section: &Section<'a>, path: &str, entry: &'a Entry) -> Option<Single> {
        let key = section.key(path);
        let axis = self.axis(section, path, &key, entry.key_place, entry.node.place);
        // Ranges are short to write and long to read: beyond the limit none is read.
        let readable = axis.filter(|_| !self.is_full());
        let values = readable.and_then(|_| values(section, &key, &entry.node));
        let positions = axis.zip(values).and_then(|(axis, values)| {
            let (place, key) = (entry.node.place, key);
            let spot = Spot { axis, place, key };
            let values = self.positions(section, &spot, values)?;
            Some(Single { spot, values })
        });
        if positions.is_none() {
            section.report.note_swept(path);
        }
        positions
    }

    /// Position of the axis of a path, which is made if there is none.
    pub(super) fn axis(
        &mut self,
        section: &Section<'_>,
        path: &str,
        key: &str,
        key_place: Place,
        place: Place,
    ) -> Option<usize> {
        if let Some(&axis) = self.known.get(path) {
            return Some(axis);
        }
        if !self.sweepable.iter().any(|known| known == path) {
            if section.report.is_full() {
                return None;
            }
            let names: Vec<&str> = self.sweepable.iter().map(String::as_str).collect();
            // The key as it was written: below `sweep`, or alone in the header of a table.
            let before = key.strip_suffix(path).unwrap_or_default();
            let near = nearest(path, &names);
            let message = Message {
                code: "manifest::unknown_key",
                found: format!("the unknown parameter `{path}`"),
                expected: "a parameter of the manifest".to_owned(),
                help: near.map(|near| format!("did you mean `{before}{near}`?")),
                key: key.to_owned(),
            };
            section.report.push(key_place, message);
            return None;
        }
        self.axes.push(SweptKey {
            path: path.to_owned(),
            place,
            values: Vec::new(),
            always: false,
            base: None,
            positions: HashMap::new(),
        });
        self.known.insert(path.to_owned(), self.axes.len() - 1);
        Some(self.axes.len() - 1)
    }

    /// Positions of the values of one list; a repeated value is refused.
    fn positions(
        &mut self,
        section: &Section<'_>,
        spot: &Spot,
        values: Vec<Node>,
    ) -> Option<Vec<u32>> {
        self.take(section.report, spot.place, values.len())?;
        let mut seen = HashSet::new();
        let mut positions = Vec::with_capacity(values.len());
        let mut repeated = false;
        for (index, value) in values.into_iter().enumerate() {
            let position = self.intern(spot.axis, value);
            positions.push(position);
            if !seen.insert(position) {
                let value = &self.axes[spot.axis].values[position as usize];
                let key = format!("{}[{index}]", spot.key);
                let expected = "each value once".to_owned();
                section.refuse::<()>("manifest::duplicate", value, &key, expected, None);
                repeated = true;
            }
        }
        (!repeated).then_some(positions)
    }

    /// Whether no more values may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.cells > MOST_CELLS
    }

    /// Counts values that are about to be taken; too many are refused.
    pub(super) fn take(&mut self, report: &Report<'_>, place: Place, cells: usize) -> Option<()> {
        self.cells = self.cells.saturating_add(cells);
        if self.cells <= MOST_CELLS {
            return Some(());
        }
        let message = Message {
            code: "manifest::too_many_points",
            key: "sweep".to_owned(),
            found: format!("more than {MOST_CELLS} values in all lists, ranges and tables"),
            expected: format!("at most {MOST_CELLS}"),
            help: None,
        };
        // One such problem is enough: the first of them.
        if self.cells - cells <= MOST_CELLS {
            report.push(place, message);
        }
        None
    }

    /// Position of a value of an axis, which gets it if it has none like it.
    pub(super) fn intern(&mut self, axis: usize, value: Node) -> u32 {
        let axis = &mut self.axes[axis];
        let next = axis.values.len() as u32;
        let identity = identity(self.root.report, &axis.path, &value);
        let position = *axis.positions.entry(identity).or_insert(next);
        if position == next {
            axis.values.push(value);
        }
        position
    }

    /// Position of a value that an axis or its own table has.
    pub(super) fn find(&mut self, axis: usize, value: &Node) -> Option<u32> {
        let swept = &self.axes[axis];
        let wanted = identity(self.root.report, &swept.path, value);
        if let Some(&position) = swept.positions.get(&wanted) {
            return Some(position);
        }
        let base = base_value(self.root, &swept.path)?;
        let same = identity(self.root.report, &swept.path, &base.node) == wanted;
        same.then(|| self.intern(axis, base.node.clone()))
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

    /// Says which axes every combination has, and what the others have without a sweep.
    fn finish(mut self, grid: Grid) -> Sweep {
        for axis in grid.always() {
            self.axes[axis].always = true;
        }
        for axis in 0..self.axes.len() {
            let base = base_value(self.root, &self.axes[axis].path);
            match (self.axes[axis].always, base) {
                (true, Some(base)) => refuse_shadowed(self.root, &self.axes[axis], base),
                (false, Some(base)) => {
                    self.axes[axis].base = Some(self.intern(axis, base.node.clone()));
                }
                (_, None) => {}
            }
        }
        Sweep {
            axes: self.axes,
            grid,
            tables: self.written,
        }
    }
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

/// What stands at a path of the tables themselves.
pub(super) fn base_value<'a>(root: &Section<'a>, path: &str) -> Option<&'a Entry> {
    let (table, rest) = path.split_once('.')?;
    root.find(table)?.node.at(rest)
}

/// Reports a value that was set from outside although the manifest sweeps its key.
fn refuse_shadowed(root: &Section<'_>, swept: &SweptKey, base: &Entry) {
    if !root.report.is_override(&base.node) {
        return;
    }
    let (path, value) = (&swept.path, base.node.inline());
    let message = Message {
        code: "manifest::swept_key_set",
        key: path.clone(),
        found: base.node.describe(),
        expected: format!(
            "no value here, since the sweep gives it {} values",
            swept.values.len()
        ),
        help: Some(format!(
            "give a list, `--set {path}=[{value}]`, which is short for `sweep.{path}=[{value}]`"
        )),
    };
    root.report.push(base.node.place, message);
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
            found: format!("the key {}", super::node::quoted(&entry.key)),
            expected: list(&known),
            help: Some(help),
        },
    );
}

/// The leaves below an entry: everything but tables that are no ranges.
pub(super) fn collect<'a>(entry: &'a Entry, path: &str, leaves: &mut Vec<(String, &'a Entry)>) {
    if matches!(entry.node.value, Value::Table(_)) && !range::is_range(&entry.node) {
        for child in entry.node.entries() {
            collect(child, &join(path, &child.key), leaves);
        }
    } else {
        leaves.push((path.to_owned(), entry));
    }
}

/// The values of a list or range.
fn values(section: &Section<'_>, key: &str, node: &Node) -> Option<Vec<Node>> {
    match &node.value {
        Value::Table(entries) => range::values(&Section {
            report: section.report,
            path: key.to_owned(),
            place: node.place,
            entries,
        }),
        Value::Array(_) => {
            let keep = |_: &Section<'_>, node: &Node, _: &str| Some(node.clone());
            section.array_of(node, key, &(1..=MOST_VALUES), "values", keep)
        }
        _ => {
            let expected = "a list of values or a range `{ start, stop, step }`";
            section.wrong_type(node, key, expected)
        }
    }
}

/// What a value is: equal values give equal texts, an integer that of the number it
/// equals, a path that of the file it leads to.
pub(super) fn identity(report: &Report<'_>, path: &str, value: &Node) -> String {
    match &value.value {
        Value::Text(text) if PATHS.contains(&path) => {
            format!(
                "path {}",
                recording::resolved(report, value, text).display()
            )
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|it| identity(report, "", it)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => match value.real() {
            Some(number) => format!("{number:?}"),
            None => value.inline(),
        },
    }
}
