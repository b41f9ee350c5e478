//! `[sweep]`: which parameters take several values, and in which combinations.

use super::catalogue::{self, SWEEPABLE, list, nearest};
use super::node::{Entry, Node, Place, Value, quoted};
use super::parse::join;
use super::range;
use super::report::{Message, Report};
use super::section::Section;

/// Most values of one list.
const MOST_VALUES: usize = 100_000;

/// Most `zip` groups or `exclude` rules.
const MOST_RULES: usize = 10_000;

/// A swept parameter with its values as written.
#[derive(Debug)]
pub(super) struct SweptKey<'a> {
    pub(super) path: String,
    /// The list or range as it stands in the manifest.
    pub(super) written: &'a Node,
    /// Values with their places; a value of a range has the range's place.
    pub(super) values: Vec<Node>,
}

/// A combination rule: keys and the values that are left out together.
#[derive(Debug)]
pub(super) struct Exclusion {
    pub(super) place: Place,
    pub(super) key: String,
    /// Position of the axis and position of its value.
    pub(super) matches: Vec<(usize, usize)>,
}

/// The sweep of a manifest.
#[derive(Debug, Default)]
pub(super) struct Sweep<'a> {
    /// In file order.
    pub(super) axes: Vec<SweptKey<'a>>,
    /// Axes that advance together, by position; every axis is in one group.
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) exclusions: Vec<Exclusion>,
}

/// Reads `[sweep]`.
pub(super) fn read<'a>(root: &Section<'a>) -> Sweep<'a> {
    let Some(section) = root.table("sweep") else {
        return Sweep::default();
    };
    let mut leaves = Vec::new();
    for entry in section.entries {
        match entry.key.as_str() {
            "zip" | "exclude" => {}
            table if SWEEPABLE.contains(&table) => collect(entry, table, &mut leaves),
            _ => not_sweepable(section.report, entry),
        }
    }
    leaves.sort_by_key(|(_, entry)| entry.order);
    for (path, entry) in &leaves {
        section.report.note_swept(path);
        refuse_shadowed(root, path, entry);
    }
    let axes: Vec<SweptKey<'a>> = leaves
        .into_iter()
        .filter_map(|(path, entry)| swept_key(&section, path, entry))
        .collect();
    let groups = groups(&section, &axes);
    let exclusions = exclusions(&section, &axes);
    Sweep {
        axes,
        groups,
        exclusions,
    }
}

/// Reports a value that was set from outside although the manifest sweeps its key.
fn refuse_shadowed(root: &Section<'_>, path: &str, sweep: &Entry) {
    let base = path.split_once('.').and_then(|(table, rest)| {
        let table = root.find(table)?;
        table.node.at(rest)
    });
    let Some(base) = base.filter(|base| root.report.is_override(&base.node)) else {
        return;
    };
    let help = format!(
        "set the sweep instead: `sweep.{path}=[{}]`",
        base.node.inline()
    );
    let message = Message {
        code: "manifest::swept_key_set",
        key: path.to_owned(),
        found: base.node.describe(),
        expected: format!(
            "no value here, since `sweep.{path}` is {}",
            sweep.node.describe()
        ),
        help: Some(help),
    };
    root.report.push(base.node.place, message);
}

fn not_sweepable(report: &Report<'_>, entry: &Entry) {
    let help = match entry.key.as_str() {
        "experiment" => "`experiment.replicates` repeats every point with other random numbers",
        "analysis" | "plot" => "analyses and plots are the same for all points",
        _ => "write `sweep.model.temperature = [0.5, 1.0]`, with the table of the parameter",
    };
    report.push(
        entry.key_place,
        Message {
            code: "manifest::not_sweepable",
            key: join("sweep", &entry.key),
            found: format!("the key {}", quoted(&entry.key)),
            expected: format!(
                "{}, `zip` or `exclude`",
                list(SWEEPABLE).replace(" or ", ", ")
            ),
            help: Some(help.to_owned()),
        },
    );
}

/// The leaves below an entry: everything but tables that are no ranges.
fn collect<'a>(entry: &'a Entry, path: &str, leaves: &mut Vec<(String, &'a Entry)>) {
    if matches!(entry.node.value, Value::Table(_)) && !range::is_range(&entry.node) {
        for child in entry.node.entries() {
            collect(child, &join(path, &child.key), leaves);
        }
    } else {
        leaves.push((path.to_owned(), entry));
    }
}

fn swept_key<'a>(section: &Section<'a>, path: String, entry: &'a Entry) -> Option<SweptKey<'a>> {
    let known = catalogue::sweepable_paths();
    let key = section.key(&path);
    if !known.contains(&path) {
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        section.report.push(
            entry.key_place,
            Message {
                code: "manifest::unknown_key",
                found: format!("the unknown parameter `{path}`"),
                expected: "a parameter of the manifest".to_owned(),
                help: nearest(&path, &names).map(|near| format!("did you mean `sweep.{near}`?")),
                key,
            },
        );
        return None;
    }
    let values = match &entry.node.value {
        Value::Table(entries) => range::values(&Section {
            report: section.report,
            path: key.clone(),
            place: entry.node.place,
            entries,
        })?,
        Value::Array(_) => {
            let keep = |_: &Section<'_>, node: &Node, _: &str| Some(node.clone());
            section.array_of(&entry.node, &key, &(1..=MOST_VALUES), "values", keep)?
        }
        _ => {
            let expected = "a list of values or a range `{ start, stop, step }`";
            return section.wrong_type(&entry.node, &key, expected);
        }
    };
    refuse_repeats(section, &key, &values);
    Some(SweptKey {
        path,
        written: &entry.node,
        values,
    })
}

fn refuse_repeats(section: &Section<'_>, key: &str, values: &[Node]) {
    let mut seen = std::collections::HashSet::new();
    for (index, value) in values.iter().enumerate() {
        // Equal values are written alike; an integer is written as the number it equals.
        let text = match value.real() {
            Some(number) => format!("{number:?}"),
            None => value.inline(),
        };
        if !seen.insert(text) {
            let key = format!("{key}[{index}]");
            let expected = "each value once".to_owned();
            section.refuse::<()>("manifest::duplicate", value, &key, expected, None);
        }
    }
}

fn groups(section: &Section<'_>, axes: &[SweptKey<'_>]) -> Vec<Vec<usize>> {
    let read = |section: &Section<'_>, node: &Node, key: &str| zip(section, node, key, axes);
    let zips = section.array("zip", &(0..=MOST_RULES), "lists of keys", read);
    let zips = zips.unwrap_or_default();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (axis, swept) in axes.iter().enumerate() {
        if groups.iter().any(|group| group.contains(&axis)) {
            continue;
        }
        let mut holders = zips.iter().filter(|zip| zip.contains(&axis));
        groups.push(holders.next().cloned().unwrap_or_else(|| vec![axis]));
        if holders.next().is_some() {
            let expected = format!("`{}` in one list only", swept.path);
            section.conflict("zip", &expected, None);
        }
    }
    groups
}

fn zip(section: &Section<'_>, node: &Node, key: &str, axes: &[SweptKey<'_>]) -> Option<Vec<usize>> {
    let read = |section: &Section<'_>, node: &Node, key: &str| {
        let Value::Text(path) = &node.value else {
            return section.wrong_type(node, key, "the dotted path of a swept key, as text");
        };
        axis_of(section, path, node, key, axes)
    };
    let mut group = section.array_of(node, key, &(2..=MOST_RULES), "swept keys", read)?;
    let lengths: Vec<usize> = group.iter().map(|&axis| axes[axis].values.len()).collect();
    if lengths.iter().any(|length| *length != lengths[0]) {
        let expected = format!("equal numbers of values, not {lengths:?}");
        return section.refuse("manifest::conflict", node, key, expected, None);
    }
    group.sort_unstable();
    let named = group.len();
    group.dedup();
    if group.len() < named {
        let expected = "each swept key once".to_owned();
        return section.refuse("manifest::duplicate", node, key, expected, None);
    }
    Some(group)
}

fn axis_of(
    section: &Section<'_>,
    path: &str,
    node: &Node,
    key: &str,
    axes: &[SweptKey<'_>],
) -> Option<usize> {
    if let Some(position) = axes.iter().position(|axis| axis.path == path) {
        return Some(position);
    }
    // A key whose values are wrong was reported already.
    if section.report.is_swept(path) {
        return None;
    }
    let names: Vec<&str> = axes.iter().map(|axis| axis.path.as_str()).collect();
    let message = Message {
        code: "manifest::unknown_word",
        key: key.to_owned(),
        found: quoted(path),
        expected: format!("a swept key: {}", list(&names)),
        help: nearest(path, &names).map(|near| format!("did you mean `{near}`?")),
    };
    section.report.push(node.place, message);
    None
}

fn exclusions(section: &Section<'_>, axes: &[SweptKey<'_>]) -> Vec<Exclusion> {
    let read = |section: &Section<'_>, node: &Node, key: &str| exclusion(section, node, key, axes);
    let rules = section.array("exclude", &(0..=MOST_RULES), "tables", read);
    rules.unwrap_or_default()
}

fn exclusion(
    section: &Section<'_>,
    node: &Node,
    key: &str,
    axes: &[SweptKey<'_>],
) -> Option<Exclusion> {
    let mut leaves = Vec::new();
    for entry in node.entries() {
        collect(entry, &entry.key, &mut leaves);
    }
    if leaves.is_empty() {
        let expected = "a table of swept keys, such as `{ \"model.sites\" = 400 }`";
        return section.wrong_type(node, key, expected);
    }
    let matches: Vec<Option<(usize, usize)>> = leaves
        .into_iter()
        .map(|(path, entry)| {
            let key = format!("{key}.\"{path}\"");
            let axis = axis_of(section, &path, &entry.node, &key, axes)?;
            let values = &axes[axis].values;
            let value = values.iter().position(|value| value.same(&entry.node));
            if value.is_none() {
                let expected = format!("one of the values of `sweep.{path}`");
                return section.refuse("manifest::bad_exclude", &entry.node, &key, expected, None);
            }
            Some((axis, value?))
        })
        .collect();
    Some(Exclusion {
        place: node.place,
        key: key.to_owned(),
        matches: matches.into_iter().collect::<Option<_>>()?,
    })
}
