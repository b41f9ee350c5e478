//! `[sweep]`: which parameters take several values, and in which combinations.
//!
//! A sweep is a grid: factors that are crossed (axes, axes zipped together, a table
//! of points, a union of further grids), then axes that exist only where a condition
//! holds, then combinations that are left out. Nothing is expanded here.

use std::collections::{HashMap, HashSet};

use super::condition::{Condition, Exclusion};
use super::grid::{Builder, Kind};
use super::node::{Entry, Node, Place};
use super::point_table::Tables;
use super::report::Message;
use super::section::Section;

/// Most `zip` groups, `exclude` rules, or members of a union.
pub(super) const MOST_RULES: usize = 10_000;

/// Most `when` rules; each is held against every combination.
pub(super) const MOST_CONDITIONS: usize = 1000;

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
    pub(super) positions: HashMap<String, u32>,
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
    pub(super) fn always(&self) -> HashSet<usize> {
        self.factors.iter().flat_map(Factor::always).collect()
    }
}

impl Factor {
    pub(super) fn spots(&self) -> Vec<&Spot> {
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
    let mut builder = Builder::new(root, &section, tables);
    let grid = builder.grid(&section, Kind::Whole);
    finished(builder, grid)
}

/// Says which axes every combination has, and what the others have without a sweep.
fn finished(builder: Builder<'_, '_>, grid: Grid) -> Sweep {
    let Builder {
        mut axes, written, ..
    } = builder;
    for axis in grid.always() {
        axes.all[axis].always = true;
    }
    for axis in 0..axes.all.len() {
        let base = base_value(axes.root, &axes.all[axis].path);
        match (axes.all[axis].always, base) {
            (true, Some(base)) => refuse_shadowed(axes.root, &axes.all[axis], base),
            (false, Some(base)) => {
                axes.all[axis].base = Some(axes.intern(axis, base.node.clone()));
            }
            (_, None) => {}
        }
    }
    Sweep {
        axes: axes.all,
        grid,
        tables: written,
    }
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
