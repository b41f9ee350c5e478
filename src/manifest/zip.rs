//! `zip`: axes of a grid that advance together.

use super::axes::Single;
use super::catalogue::{list, nearest};
use super::node::{Node, Value, quoted};
use super::report::Message;
use super::section::Section;
use super::sweep::{MOST_RULES, SweptKey};

/// Axes that advance together, by position among `singles`; every axis is in one group.
pub(super) fn groups(
    section: &Section<'_>,
    axes: &[SweptKey],
    singles: &[&Single],
) -> Vec<Vec<usize>> {
    let names: Vec<&str> = singles
        .iter()
        .map(|single| axes[single.spot.axis].path.as_str())
        .collect();
    let read =
        |section: &Section<'_>, node: &Node, key: &str| zip(section, node, key, &names, singles);
    let zips = section.array("zip", &(0..=MOST_RULES), "lists of keys", read);
    let zips = zips.unwrap_or_default();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (single, name) in names.iter().enumerate() {
        if groups.iter().any(|group| group.contains(&single)) {
            continue;
        }
        let mut holders = zips.iter().filter(|zip| zip.contains(&single));
        groups.push(holders.next().cloned().unwrap_or_else(|| vec![single]));
        if holders.next().is_some() {
            let expected = format!("`{name}` in one list only");
            section.conflict("zip", &expected, None);
        }
    }
    groups
}

fn zip(
    section: &Section<'_>,
    node: &Node,
    key: &str,
    names: &[&str],
    singles: &[&Single],
) -> Option<Vec<usize>> {
    let read = |section: &Section<'_>, node: &Node, key: &str| {
        let Value::Text(path) = &node.value else {
            return section.wrong_type(node, key, "the dotted path of a swept key, as text");
        };
        named(section, path, node, key, names)
    };
    let mut group = section.array_of(node, key, &(2..=MOST_RULES), "swept keys", read)?;
    let lengths: Vec<usize> = group.iter().map(|&it| singles[it].values.len()).collect();
    if lengths.iter().any(|length| *length != lengths[0]) {
        let expected = format!("equal numbers of values, not {lengths:?}");
        return section.refuse("manifest::conflict", node, key, expected, None);
    }
    group.sort_unstable();
    let number = group.len();
    group.dedup();
    if group.len() < number {
        let expected = "each swept key once".to_owned();
        return section.refuse("manifest::duplicate", node, key, expected, None);
    }
    Some(group)
}

/// Position of a name; one that is not there is reported.
pub(super) fn named(
    section: &Section<'_>,
    path: &str,
    node: &Node,
    key: &str,
    names: &[&str],
) -> Option<usize> {
    if let Some(position) = names.iter().position(|name| *name == path) {
        return Some(position);
    }
    // A key whose values are wrong was reported already.
    if section.report.is_swept(path) {
        return None;
    }
    let message = Message {
        code: "manifest::unknown_word",
        key: key.to_owned(),
        found: quoted(path),
        expected: format!("a key that `[{}]` sweeps: {}", section.path, list(names)),
        help: nearest(path, names).map(|near| format!("did you mean `{near}`?")),
    };
    section.report.push(node.place, message);
    None
}
