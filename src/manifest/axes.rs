//! The axes of a sweep while it is read: their paths, and their values, each once.

use std::collections::{HashMap, HashSet};

use super::catalogue::{self, PATHS, nearest};
use super::node::{Entry, Node, Place, Value};
use super::parse::join;
use super::report::{Message, Report};
use super::section::Section;
use super::sweep::{Spot, SweptKey, base_value};
use super::{range, recording};

/// Most values of all lists, ranges and tables together, equal ones included.
pub const MOST_CELLS: usize = 1_000_000;

/// The axes of all grids of a sweep.
pub(super) struct Axes<'a, 'b> {
    pub(super) root: &'b Section<'a>,
    /// Paths of the parameters that may be swept.
    pub(super) sweepable: Vec<String>,
    /// In file order.
    pub(super) all: Vec<SweptKey>,
    /// Positions of the axes by path.
    pub(super) known: HashMap<String, usize>,
    /// Values read so far.
    cells: usize,
}

/// One axis of a grid, before axes are zipped.
pub(super) struct Single {
    pub(super) spot: Spot,
    pub(super) values: Vec<u32>,
}

impl<'a, 'b> Axes<'a, 'b> {
    /// No axes yet; `root` is the whole manifest.
    pub(super) fn new(root: &'b Section<'a>) -> Self {
        Self {
            root,
            sweepable: catalogue::sweepable_paths(),
            all: Vec::new(),
            known: HashMap::new(),
            cells: 0,
        }
    }

    /// An axis of its own in a grid.
    pub(super) fn single(
        &mut self,
        section: &Section<'_>,
        path: &str,
        entry: &Entry,
    ) -> Option<Single> {
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
        self.all.push(SweptKey {
            path: path.to_owned(),
            place,
            values: Vec::new(),
            always: false,
            base: None,
            positions: HashMap::new(),
        });
        self.known.insert(path.to_owned(), self.all.len() - 1);
        Some(self.all.len() - 1)
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
                let value = &self.all[spot.axis].values[position as usize];
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
        let axis = &mut self.all[axis];
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
        let swept = &self.all[axis];
        let wanted = identity(self.root.report, &swept.path, value);
        if let Some(&position) = swept.positions.get(&wanted) {
            return Some(position);
        }
        let base = base_value(self.root, &swept.path)?;
        let same = identity(self.root.report, &swept.path, &base.node) == wanted;
        same.then(|| self.intern(axis, base.node.clone()))
    }
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
            section.array_of(
                node,
                key,
                &(1..=range::MOST_VALUES as usize),
                "values",
                keep,
            )
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
