//! Vectors of a space that are ±1 on a few chosen sites, all of them.

use super::Basis;

/// Smallest pivot that a choice of sites may rest on.
const SMALLEST_PIVOT: f64 = 1e-6;

/// Entries of the anchored basis that are not worth another exchange of sites.
const LARGE_ENTRY: f64 = 1.05;

/// Exchanges of sites for each basis vector, at most.
const EXCHANGES: usize = 8;

/// Independent partial sums of [`flip`], so that it can be vectorised.
const LANES: usize = 8;

/// A basis turned so that each vector is 1 on its own anchor site and 0 on the
/// other anchors. A vector of the space is then fixed by its anchor values.
pub(super) struct AnchoredBasis {
    anchors: Vec<Option<usize>>,
    columns: Vec<Vec<f64>>,
}

impl AnchoredBasis {
    /// Chooses anchors among the sites that are not `spent`.
    ///
    /// Greedy pivots first; then anchors are exchanged for sites with larger
    /// entries, which raises the volume of the anchor rows. At the end no
    /// entry of a free site is much above 1, so noise on the anchors is
    /// spread but hardly amplified. Gives nothing if the free sites do not
    /// determine the space.
    pub(super) fn new(basis: &Basis, spent: &[bool]) -> Option<Self> {
        let dimension = basis.dimension();
        let mut anchored = Self {
            anchors: vec![None; dimension],
            columns: basis.vectors().map(<[f64]>::to_vec).collect(),
        };
        for _ in 0..dimension {
            let open: Vec<usize> = (0..dimension)
                .filter(|&column| anchored.anchors[column].is_none())
                .collect();
            let (column, site, entry) = anchored.largest(&open, spent);
            if entry < SMALLEST_PIVOT {
                return None;
            }
            anchored.anchor(column, site);
        }
        let all: Vec<usize> = (0..dimension).collect();
        for _ in 0..EXCHANGES * dimension {
            let (column, site, entry) = anchored.largest(&all, spent);
            if entry < LARGE_ENTRY {
                break;
            }
            anchored.anchor(column, site);
        }
        Some(anchored)
    }

    /// Column, site and size of the largest entry.
    fn largest(&self, columns: &[usize], spent: &[bool]) -> (usize, usize, f64) {
        let mut best = (0, 0, 0.0);
        for &column in columns {
            for (site, entry) in self.columns[column].iter().enumerate() {
                if !spent[site] && entry.abs() > best.2 {
                    best = (column, site, entry.abs());
                }
            }
        }
        best
    }

    /// Makes `site` the anchor of `column`.
    fn anchor(&mut self, column: usize, site: usize) {
        let mut pivot = std::mem::take(&mut self.columns[column]);
        let entry = pivot[site];
        for value in &mut pivot {
            *value /= entry;
        }
        for other in self.columns.iter_mut().filter(|other| !other.is_empty()) {
            let factor = other[site];
            super::basis::subtract_multiple(other, factor, &pivot);
        }
        self.columns[column] = pivot;
        self.anchors[column] = Some(site);
    }

    /// The anchor sites.
    pub(super) fn anchors(&self) -> impl Iterator<Item = usize> {
        self.anchors.iter().flatten().copied()
    }

    /// The `count` sign vectors on the anchors whose vectors are nearest to
    /// constant modulus, best first. Bit `k` of a code is set if anchor `k + 1`
    /// is -1; anchor 0 is always +1, since a sign is free.
    ///
    /// Costs one pass over the sites for each of `2^(dimension - 1)` codes,
    /// because neighbours in the Gray code differ in one anchor.
    pub(super) fn best_codes(&self, count: usize) -> Vec<usize> {
        let codes = 1_usize << (self.columns.len() - 1);
        let mut vector = self.vector(0);
        let mut scores = vec![0.0; codes];
        scores[0] = flip(&mut vector, &self.columns[0], 0.0);
        for step in 1..codes {
            let code = step ^ (step >> 1);
            let bit = step.trailing_zeros() as usize;
            let change = if code >> bit & 1 == 1 { -2.0 } else { 2.0 };
            scores[code] = flip(&mut vector, &self.columns[bit + 1], change);
        }
        let by_score = |a: &usize, b: &usize| scores[*a].total_cmp(&scores[*b]).then(a.cmp(b));
        let mut order: Vec<usize> = (0..codes).collect();
        if count < codes {
            order.select_nth_unstable_by(count, by_score);
            order.truncate(count);
        }
        order.sort_unstable_by(by_score);
        order
    }

    /// The vector of the space with the anchor values of `code`.
    pub(super) fn vector(&self, code: usize) -> Vec<f64> {
        let mut vector = self.columns[0].clone();
        for (bit, column) in self.columns[1..].iter().enumerate() {
            let sign = if code >> bit & 1 == 1 { -1.0 } else { 1.0 };
            super::basis::subtract_multiple(&mut vector, -sign, column);
        }
        vector
    }
}

/// Adds `change * column` to the vector and gives its distance from constant
/// modulus, `min_c mean (|c t_i| - 1)^2 = 1 - (mean |t_i|)^2 / mean t_i^2`.
fn flip(vector: &mut [f64], column: &[f64], change: f64) -> f64 {
    let sites = vector.len() as f64;
    let mut modulus = [0.0; LANES];
    let mut square = [0.0; LANES];
    let (chunks, rest) = vector.as_chunks_mut::<LANES>();
    let (column_chunks, column_rest) = column.as_chunks::<LANES>();
    for (values, entries) in chunks.iter_mut().zip(column_chunks) {
        for lane in 0..LANES {
            values[lane] += change * entries[lane];
            modulus[lane] += values[lane].abs();
            square[lane] += values[lane] * values[lane];
        }
    }
    for (lane, (value, entry)) in rest.iter_mut().zip(column_rest).enumerate() {
        *value += change * entry;
        modulus[lane] += value.abs();
        square[lane] += *value * *value;
    }
    let (modulus, square): (f64, f64) = (modulus.iter().sum(), square.iter().sum());
    1.0 - modulus * modulus / (sites * square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    fn random_basis(dimension: usize, sites: usize) -> Basis {
        let mut generator = stream("2", &["anchors"]);
        let mut vector = || (0..sites).map(|_| uniform(&mut generator) - 0.5).collect();
        let vectors: Vec<Vec<f64>> = (0..dimension).map(|_| vector()).collect();
        Basis::spanning(&vectors).unwrap()
    }

    #[test]
    fn anchors_fix_the_vectors_and_entries_stay_small() {
        let basis = random_basis(5, 40);
        let anchored = AnchoredBasis::new(&basis, &[false; 40]).unwrap();
        for (row, site) in anchored.anchors().enumerate() {
            for (column, values) in anchored.columns.iter().enumerate() {
                let expected = f64::from(u8::from(row == column));
                assert!((values[site] - expected).abs() < 1e-12);
            }
        }
        let entries = anchored.columns.iter().flatten();
        assert!(entries.fold(0.0_f64, |m, x| m.max(x.abs())) < LARGE_ENTRY);
        // The space is the same: projecting changes nothing.
        for column in &anchored.columns {
            let again = basis.combine(&basis.coordinates(column));
            assert!(again.iter().zip(column).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn spent_sites_are_not_chosen_again() {
        let basis = random_basis(4, 12);
        let mut spent = [false; 12];
        for round in 0..3 {
            let anchored = AnchoredBasis::new(&basis, &spent).unwrap();
            for site in anchored.anchors() {
                assert!(!spent[site], "round {round}");
                spent[site] = true;
            }
        }
        assert!(AnchoredBasis::new(&basis, &spent).is_none());
    }

    #[test]
    fn the_gray_code_ranks_as_one_by_one_evaluation_does() {
        let basis = random_basis(6, 37);
        let anchored = AnchoredBasis::new(&basis, &[false; 37]).unwrap();
        let score = |code: usize| {
            let vector = anchored.vector(code);
            let mean = vector.iter().map(|t| t.abs()).sum::<f64>() / 37.0;
            let square = vector.iter().map(|t| t * t).sum::<f64>() / 37.0;
            1.0 - mean * mean / square
        };
        let mut expected: Vec<usize> = (0..32).collect();
        expected.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
        assert_eq!(anchored.best_codes(32), expected);
        assert_eq!(anchored.best_codes(7), expected[..7]);
    }
}
