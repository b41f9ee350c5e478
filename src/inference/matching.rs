//! Which found pattern is which true one.

use super::InferenceError;
use crate::bits::BitMatrix;

/// A true pattern and the found pattern that was assigned to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Index of the true pattern.
    pub truth: usize,
    /// Index of the found pattern; none if fewer were found than exist.
    pub found: Option<usize>,
    /// +1, or -1 if the found pattern is the negative of the true one.
    pub sign: i8,
    /// Mean over the sites of the product of both, after the sign: 0 to 1.
    /// It is 0 if no pattern was assigned.
    pub overlap: f64,
    /// Fraction of sites that differ after the sign: `(1 - overlap) / 2`.
    pub wrong_fraction: f64,
}

/// Assigns found patterns to true ones so that the sum of `|overlap|` is largest.
///
/// # Shapes
///
/// - `found`: any number of patterns of ±1, each over the sites.
/// - `truth`: one row a pattern, bit 1 for +1.
/// - result: one match a true pattern, in the order of `truth`.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if `truth` has no site.
/// - [`InferenceError::Length`] if a found pattern has another number of sites.
/// - [`InferenceError::NotBinary`] if an entry is neither +1 nor -1.
pub fn match_patterns(found: &[Vec<i8>], truth: &BitMatrix) -> Result<Vec<Match>, InferenceError> {
    check(found, truth.columns())?;
    let mut overlaps = Vec::with_capacity(truth.rows() * found.len());
    for row in 0..truth.rows() {
        overlaps.extend(found.iter().map(|pattern| overlap(pattern, truth, row)));
    }
    let costs: Vec<f64> = overlaps.iter().map(|q| -q.abs()).collect();
    let assigned = minimum_cost_assignment(&costs, truth.rows(), found.len())?;
    let matches = assigned.iter().enumerate().map(|(row, &column)| {
        let signed = column.map_or(0.0, |column| overlaps[row * found.len() + column]);
        Match {
            truth: row,
            found: column,
            sign: if signed < 0.0 { -1 } else { 1 },
            overlap: signed.abs(),
            wrong_fraction: f64::midpoint(1.0, -signed.abs()),
        }
    });
    Ok(matches.collect())
}

fn check(found: &[Vec<i8>], sites: usize) -> Result<(), InferenceError> {
    if sites == 0 {
        return Err(InferenceError::Empty {
            what: "site of a true pattern",
        });
    }
    for (index, pattern) in found.iter().enumerate() {
        if pattern.len() != sites {
            return Err(InferenceError::Length {
                what: "pattern",
                index,
                found: pattern.len(),
                expected: sites,
            });
        }
        if let Some(site) = pattern.iter().position(|x| x.abs_diff(0) != 1) {
            return Err(InferenceError::NotBinary {
                pattern: index,
                site,
                value: pattern[site],
            });
        }
    }
    Ok(())
}

fn overlap(pattern: &[i8], truth: &BitMatrix, row: usize) -> f64 {
    let agree = |(site, &sign): (usize, &i8)| truth.get(row, site) == (sign > 0);
    let agreeing = pattern
        .iter()
        .enumerate()
        .filter(|&pair| agree(pair))
        .count();
    let sites = pattern.len() as f64;
    (2.0 * agreeing as f64 - sites) / sites
}

/// Assigns rows to columns, each at most once, at the smallest total cost.
///
/// As many pairs are made as the shorter side allows. This is the Hungarian
/// method with potentials, `O(rows * columns * min(rows, columns))`.
///
/// # Shapes
///
/// - `costs`: row-major, `rows` by `columns`, in any unit.
/// - result: for each row its column, or none.
///
/// # Errors
///
/// - [`InferenceError::Shape`] if there are not `rows * columns` costs.
/// - [`InferenceError::NotFinite`] if a cost is NaN, infinite, or so large that
///   sums overflow.
pub fn minimum_cost_assignment(
    costs: &[f64],
    rows: usize,
    columns: usize,
) -> Result<Vec<Option<usize>>, InferenceError> {
    if rows.checked_mul(columns) != Some(costs.len()) {
        return Err(InferenceError::Shape {
            found: costs.len(),
            columns,
        });
    }
    // Path lengths are sums of fewer costs than there are.
    let bound = f64::MAX / (4.0 * costs.len() as f64);
    let bad = |cost: &f64| !cost.is_finite() || cost.abs() > bound;
    if let Some(index) = costs.iter().position(bad) {
        return Err(InferenceError::NotFinite {
            what: "cost",
            index,
            value: costs[index],
        });
    }
    let mut assigned = vec![None; rows];
    if rows <= columns {
        let owners = owners_of_columns(rows, columns, |i, j| costs[i * columns + j]);
        for (column, owner) in owners.into_iter().enumerate() {
            if let Some(row) = owner {
                assigned[row] = Some(column);
            }
        }
    } else {
        assigned = owners_of_columns(columns, rows, |i, j| costs[j * columns + i]);
    }
    Ok(assigned)
}

/// The row that owns each column, for at least as many columns as rows.
fn owners_of_columns(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<Option<usize>> {
    let mut assignment = Assignment {
        row_potential: vec![0.0; rows],
        column_potential: vec![0.0; columns],
        owner: vec![None; columns],
    };
    for entering in 0..rows {
        if let Some(path) = assignment.cheapest_path(entering, &cost) {
            assignment.extend_along(&path, entering);
        }
    }
    assignment.owner
}

/// An assignment of the rows that entered so far, at the smallest cost.
///
/// No cost less the potentials of its row and column is negative, and for
/// assigned pairs it is zero.
struct Assignment {
    row_potential: Vec<f64>,
    column_potential: Vec<f64>,
    owner: Vec<Option<usize>>,
}

/// An alternating path from an entering row to a free column.
struct Path {
    /// Cost from the entering row to each column, less the potentials.
    distance: Vec<f64>,
    /// The column before each column on its path; none for the first.
    previous: Vec<Option<usize>>,
    /// Owned columns that are nearer than the end.
    settled: Vec<usize>,
    /// The free column.
    end: usize,
}

impl Assignment {
    /// Dijkstra's search from a row that enters; nothing if no column is free.
    fn cheapest_path(&self, entering: usize, cost: impl Fn(usize, usize) -> f64) -> Option<Path> {
        let columns = self.owner.len();
        let mut path = Path {
            distance: vec![f64::INFINITY; columns],
            previous: vec![None; columns],
            settled: Vec::new(),
            end: 0,
        };
        let mut open: Vec<usize> = (0..columns).collect();
        let (mut row, mut column) = (entering, None);
        loop {
            let reached = column.map_or(0.0, |j: usize| path.distance[j]);
            for &j in &open {
                let reduced = cost(row, j) - self.row_potential[row] - self.column_potential[j];
                if reached + reduced < path.distance[j] {
                    path.distance[j] = reached + reduced;
                    path.previous[j] = column;
                }
            }
            let by_distance =
                |&a: &usize, &b: &usize| path.distance[open[a]].total_cmp(&path.distance[open[b]]);
            let nearest = open.swap_remove((0..open.len()).min_by(by_distance)?);
            let Some(owner) = self.owner[nearest] else {
                path.end = nearest;
                return Some(path);
            };
            path.settled.push(nearest);
            (row, column) = (owner, Some(nearest));
        }
    }

    /// Lets the row enter: adapts the potentials and shifts the owners.
    fn extend_along(&mut self, path: &Path, entering: usize) {
        let length = path.distance[path.end];
        self.row_potential[entering] += length;
        for &column in &path.settled {
            let slack = length - path.distance[column];
            self.column_potential[column] -= slack;
            if let Some(row) = self.owner[column] {
                self.row_potential[row] += slack;
            }
        }
        let mut column = path.end;
        while let Some(before) = path.previous[column] {
            self.owner[column] = self.owner[before];
            column = before;
        }
        self.owner[column] = Some(entering);
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "overlaps over eight sites are exact")]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    /// The smallest total cost, by trying every assignment of the rows from
    /// `row` on to columns that are not `used`. Rows may stay out `skips` times.
    fn brute_force(costs: &[f64], rows: usize, columns: usize, row: usize, used: u32) -> f64 {
        if row == rows {
            let pairs = used.count_ones() as usize;
            let full = pairs == rows.min(columns);
            return if full { 0.0 } else { f64::INFINITY };
        }
        let mut best = brute_force(costs, rows, columns, row + 1, used);
        for column in (0..columns).filter(|c| used >> c & 1 == 0) {
            let rest = brute_force(costs, rows, columns, row + 1, used | 1 << column);
            best = best.min(costs[row * columns + column] + rest);
        }
        best
    }

    #[test]
    fn assignments_cost_as_little_as_the_best_of_all() {
        let mut generator = stream("3", &["assignment"]);
        for case in 0..400 {
            let rows = 1 + case % 6;
            let columns = 1 + case / 6 % 6;
            // Few distinct values make ties; others are generic.
            let levels = if case % 2 == 0 { 3.0 } else { 1e6 };
            let costs: Vec<f64> = (0..rows * columns)
                .map(|_| (levels * uniform(&mut generator)).floor() - levels / 2.0)
                .collect();
            let assigned = minimum_cost_assignment(&costs, rows, columns).unwrap();
            let pairs: Vec<(usize, usize)> = (0..rows)
                .filter_map(|row| assigned[row].map(|column| (row, column)))
                .collect();
            assert_eq!(pairs.len(), rows.min(columns));
            let mut taken: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
            taken.sort_unstable();
            taken.dedup();
            assert_eq!(taken.len(), pairs.len(), "a column is used twice");
            let total: f64 = pairs.iter().map(|&(i, j)| costs[i * columns + j]).sum();
            let best = brute_force(&costs, rows, columns, 0, 0);
            assert!(
                (total - best).abs() < 1e-6,
                "{rows} x {columns}: {total}, {best}"
            );
        }
    }

    #[test]
    fn a_greedy_choice_is_given_up_for_a_better_total() {
        // Greedy takes 0.9 and is left with 0.0; the other diagonal has 1.6.
        let costs = [-0.9, -0.8, -0.8, 0.0];
        let assigned = minimum_cost_assignment(&costs, 2, 2).unwrap();
        assert_eq!(assigned, [Some(1), Some(0)]);
    }

    #[test]
    fn bad_costs_are_refused() {
        assert!(matches!(
            minimum_cost_assignment(&[1.0; 5], 2, 3),
            Err(InferenceError::Shape { found: 5, .. })
        ));
        assert!(minimum_cost_assignment(&[], usize::MAX, 2).is_err());
        for bad in [f64::NAN, f64::NEG_INFINITY, 1e308] {
            assert!(matches!(
                minimum_cost_assignment(&[1.0, bad], 1, 2),
                Err(InferenceError::NotFinite { index: 1, .. })
            ));
        }
    }

    /// Three orthogonal patterns over eight sites.
    fn truth() -> BitMatrix {
        let mut bits = BitMatrix::zeros(3, 8);
        for pattern in 0..3 {
            for site in 0..8 {
                bits.set(pattern, site, site >> pattern & 1 == 1);
            }
        }
        bits
    }

    fn signs(truth: &BitMatrix, row: usize, sign: i8) -> Vec<i8> {
        let value = |site| if truth.get(row, site) { sign } else { -sign };
        (0..truth.columns()).map(value).collect()
    }

    #[test]
    fn permuted_negated_and_damaged_patterns_are_recognised() {
        let truth = truth();
        let mut damaged = signs(&truth, 0, -1);
        damaged[5] = -damaged[5];
        let found = [signs(&truth, 2, 1), damaged, signs(&truth, 1, -1)];
        let matches = match_patterns(&found, &truth).unwrap();
        let pairs: Vec<_> = matches.iter().map(|m| (m.truth, m.found, m.sign)).collect();
        assert_eq!(pairs, [(0, Some(1), -1), (1, Some(2), -1), (2, Some(0), 1)]);
        let overlaps: Vec<f64> = matches.iter().map(|m| m.overlap).collect();
        assert_eq!(overlaps, [0.75, 1.0, 1.0]);
        assert_eq!(matches[0].wrong_fraction, 1.0 / 8.0);
    }

    #[test]
    fn missing_and_surplus_patterns_are_left_out() {
        let truth = truth();
        let few = match_patterns(&[signs(&truth, 1, 1)], &truth).unwrap();
        let found: Vec<_> = few.iter().map(|m| m.found).collect();
        assert_eq!(found, [None, Some(0), None]);
        assert_eq!((few[0].overlap, few[0].wrong_fraction), (0.0, 0.5));
        let many: Vec<Vec<i8>> = [2, 0, 1, 2].map(|row| signs(&truth, row, 1)).into();
        let matches = match_patterns(&many, &truth).unwrap();
        assert!(matches.iter().all(|m| m.overlap == 1.0));
        assert_eq!(match_patterns(&[], &truth).unwrap().len(), 3);
    }

    #[test]
    fn bad_patterns_are_named() {
        let truth = truth();
        assert!(matches!(
            match_patterns(&[vec![1; 7]], &truth),
            Err(InferenceError::Length { found: 7, .. })
        ));
        let mut bad = vec![1; 8];
        bad[3] = 0;
        assert_eq!(
            match_patterns(&[vec![1; 8], bad], &truth),
            Err(InferenceError::NotBinary {
                pattern: 1,
                site: 3,
                value: 0
            })
        );
        assert!(match_patterns(&[], &BitMatrix::zeros(2, 0)).is_err());
    }
}
