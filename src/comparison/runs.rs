//! Runs of a side: its seeds and replicates.

use std::collections::{BTreeSet, HashMap};

use super::{ComparisonError, Side};
use crate::tables::Table;

/// A number for the seed and replicate of each row, the same on both sides.
pub(super) fn run_numbers(table: &Table, known: &mut HashMap<(String, i64), u64>) -> Vec<u64> {
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
pub(super) fn runs(side: &Side) -> BTreeSet<(String, i64)> {
    let mut all = HashMap::new();
    for table in side.tables.values() {
        run_numbers(table, &mut all);
    }
    all.into_keys().collect()
}

pub(super) fn runs_agree(expected: &BTreeSet<(String, i64)>, side: &Side) -> bool {
    runs(side) == *expected
}

pub(super) fn check_pairs(baseline: &Side, other: &Side) -> Result<(), ComparisonError> {
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
