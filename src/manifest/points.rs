//! From a sweep to its combinations.

use super::report::{Message, Report};
use super::section::Section;
use super::sweep::Sweep;

/// Most points of one manifest; each takes about a kilobyte, and at least one task.
pub(super) const MOST_POINTS: usize = 100_000;

/// The positions of the values of all axes, one list a combination.
///
/// Groups are crossed in file order, the last fastest. `None` if there are too
/// many, or if a rule makes no sense.
pub(super) fn combinations(
    root: &Section<'_>,
    sweep: &Sweep<'_>,
    replicates: usize,
) -> Option<Vec<Vec<usize>>> {
    let lengths: Vec<usize> = sweep
        .groups
        .iter()
        .map(|group| sweep.axes[group[0]].values.len())
        .collect();
    let total = lengths
        .iter()
        .try_fold(replicates, |total, &length| total.checked_mul(length));
    if total.is_none_or(|total| total > MOST_POINTS) {
        refuse_size(root, &lengths, replicates);
        return None;
    }
    let mut all = vec![vec![0; sweep.axes.len()]];
    for (group, &length) in sweep.groups.iter().zip(&lengths) {
        all = all
            .into_iter()
            .flat_map(|combination| {
                (0..length).map(move |value| {
                    let mut next = combination.clone();
                    for &axis in group {
                        next[axis] = value;
                    }
                    next
                })
            })
            .collect();
    }
    exclude(root.report, sweep, all)
}

fn refuse_size(root: &Section<'_>, lengths: &[usize], replicates: usize) {
    let mut factors: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    factors.push(format!("{replicates} replicates"));
    let place = root
        .find("sweep")
        .map_or(root.place, |sweep| sweep.key_place);
    let message = Message {
        code: "manifest::too_many_points",
        key: "sweep".to_owned(),
        found: format!("{} points", factors.join(" x ")),
        expected: format!("at most {MOST_POINTS}"),
        help: Some("use fewer values, or `zip` axes that belong together".to_owned()),
    };
    root.report.push(place, message);
}

fn exclude(
    report: &Report<'_>,
    sweep: &Sweep<'_>,
    mut all: Vec<Vec<usize>>,
) -> Option<Vec<Vec<usize>>> {
    let mut idle = false;
    for rule in &sweep.exclusions {
        let excluded = |combination: &Vec<usize>| {
            let mut matches = rule.matches.iter();
            matches.all(|&(axis, value)| combination[axis] == value)
        };
        let before = all.len();
        all.retain(|combination| !excluded(combination));
        if all.len() == before || all.is_empty() {
            let expected = if all.is_empty() {
                "a rule that leaves some combination"
            } else {
                "a rule that leaves out some combination"
            };
            let message = Message {
                code: "manifest::bad_exclude",
                key: rule.key.clone(),
                found: format!(
                    "a rule after which {} combinations remain of {before}",
                    all.len()
                ),
                expected: expected.to_owned(),
                help: None,
            };
            report.push(rule.place, message);
            idle = true;
            break;
        }
    }
    (!idle).then_some(all)
}

/// Values of an axis that are checked where the sweep cannot be expanded.
const MOST_CHECKED: usize = 1000;

/// Combinations in which the values of every axis occur, one axis at a time.
///
/// They serve to check values where the sweep itself cannot be expanded. Of many values the
/// first [`MOST_CHECKED`] do: a few lines can ask for millions, and the rest is checked once
/// the sweep is mended.
pub(super) fn one_at_a_time(sweep: &Sweep<'_>) -> Vec<Vec<usize>> {
    let first = vec![0; sweep.axes.len()];
    let mut all = vec![first.clone()];
    for (axis, swept) in sweep.axes.iter().enumerate() {
        for value in 1..swept.values.len().min(MOST_CHECKED) {
            let mut combination = first.clone();
            combination[axis] = value;
            all.push(combination);
        }
    }
    all
}
