//! How two gatherings of points differ: by their rows, not by their positions.

use std::collections::{HashMap, HashSet};

use super::definition::{TableParameters, TableRow};
use super::explain::Difference;
use super::key::{KeyParts, canonical_json};

/// What tells a row from the others of its table: where its point lies.
type Place = (String, u32);

fn place(row: &TableRow) -> Place {
    (
        canonical_json(&serde_json::json!(row.coordinates)),
        row.replicate,
    )
}

/// Adds the differences of two tasks that gather a table; a row is compared with the row of
/// the same point, wherever it stands.
///
/// Says whether it could: `false`, and nothing added, if the parameters are not those of tables.
pub(super) fn compare_tables(
    before: &KeyParts,
    after: &KeyParts,
    found: &mut Vec<Difference>,
) -> bool {
    let read =
        |parts: &KeyParts| serde_json::from_value::<TableParameters>(parts.parameters.clone()).ok();
    let (Some(old), Some(new)) = (read(before), read(after)) else {
        return false;
    };
    if old.table != new.table {
        found.push(parameter("table", &old.table, &new.table));
    }
    let earlier: HashMap<Place, &TableRow> = old.rows.iter().map(|row| (place(row), row)).collect();
    let mut added: Vec<&TableRow> = Vec::new();
    let mut matched: Vec<(&TableRow, &TableRow)> = Vec::new();
    for row in &new.rows {
        match earlier.get(&place(row)) {
            Some(there) => matched.push((there, row)),
            None => added.push(row),
        }
    }
    let removed = old.rows.len() - matched.len();
    let seeds = matched.iter().find(|(old, new)| old.seed != new.seed);
    if let Some((old, new)) = seeds {
        found.push(parameter("seed", &old.seed, &new.seed));
    }
    if !added.is_empty() || removed > 0 {
        let stay: HashSet<Place> = matched.iter().map(|(old, _)| place(old)).collect();
        let gone = || old.rows.iter().find(|row| !stay.contains(&place(row)));
        let example = added.first().copied().or_else(gone).map(words);
        found.push(Difference::Rows {
            added: added.len(),
            removed,
            example,
        });
    }
    compare_fragments(before, after, &matched, found);
    if found.is_empty() && before.key() != after.key() {
        found.push(Difference::Rows {
            added: 0,
            removed: 0,
            example: None,
        });
    }
    true
}

fn parameter<T: serde::Serialize>(path: &str, before: &T, after: &T) -> Difference {
    Difference::Parameter {
        path: path.to_owned(),
        before: serde_json::to_value(before).ok(),
        after: serde_json::to_value(after).ok(),
    }
}

/// The fragments that hold the rows of one point before and after.
fn compare_fragments(
    before: &KeyParts,
    after: &KeyParts,
    matched: &[(&TableRow, &TableRow)],
    found: &mut Vec<Difference>,
) {
    let mut told: Vec<&str> = Vec::new();
    for (old, new) in matched {
        let (old, key) = (before.needs.get(&old.source), after.needs.get(&new.source));
        // Points that share a task have one role.
        if old != key && told.last() != Some(&new.source.as_str()) {
            told.push(&new.source);
            found.push(Difference::Input {
                role: new.source.clone(),
                before: old.cloned(),
                after: key.cloned(),
            });
        }
    }
}

/// The coordinates of a row, as `name=value, …`.
fn words(row: &TableRow) -> String {
    let parts: Vec<String> = row
        .coordinates
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        })
        .collect();
    if parts.is_empty() {
        format!("replicate={}", row.replicate)
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{definitions, figure, points, toys};
    use super::super::{Plan, build, differences};

    fn plan(temperatures: &[f64]) -> Plan {
        let toys = toys();
        build(
            &points(temperatures, &[2], 1),
            &definitions(&toys),
            &[figure()],
        )
        .unwrap()
    }

    fn table_words(before: &[f64], after: &[f64]) -> Vec<String> {
        let (old, new) = (plan(before), plan(after));
        let table = |plan: &Plan| {
            let found = plan.tasks.iter().find(|task| task.stage == "table");
            found.unwrap().key_parts()
        };
        let found = differences(&table(&old), &table(&new));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_point_in_the_middle_moves_no_other_row() {
        assert_eq!(
            table_words(&[0.4, 0.6], &[0.4, 0.5, 0.6]),
            ["rows: 1 new, such as temperature=0.5, latent=2"]
        );
        assert_eq!(
            table_words(&[0.4, 0.5, 0.6], &[0.4, 0.6]),
            ["rows: 1 gone, such as temperature=0.5, latent=2"]
        );
    }

    #[test]
    fn another_order_is_a_difference() {
        assert_eq!(
            table_words(&[0.4, 0.5], &[0.5, 0.4]),
            ["rows in another order"]
        );
        assert_eq!(table_words(&[0.4, 0.5], &[0.4, 0.5]), [""; 0]);
    }
}
