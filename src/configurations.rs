//! Configurations of any kind of unit: spins as bits, directors as features.
//!
//! All that a network or an observable needs of a unit is its feature `y`: the
//! sign of a spin, `(cos 2θ, sin 2θ)` of a planar director, five numbers for a
//! director in space. A spin is one bit; features of directors are kept in single
//! precision. Every feature has length 1, and `u` and `-u` share theirs.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bits::BitMatrix;

/// What sits on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A spin up or down, or a cell active or silent: `y = ±1`.
    Spin,
    /// A headless direction in the plane: `y = (cos 2θ, sin 2θ)`.
    PlanarDirector,
    /// A headless direction in space: `y_a = √(3/2) u·E_a u`, with `E_a` orthonormal,
    /// symmetric and traceless, so that `y(u)·y(v) = P_2(u·v)`.
    Director,
}

impl Unit {
    /// Numbers in the feature of one unit.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::Spin => 1,
            Self::PlanarDirector => 2,
            Self::Director => 5,
        }
    }

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::PlanarDirector => "planar_director",
            Self::Director => "director",
        }
    }
}

/// Configurations of directors, as features: `rows x sites x width`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectorMatrix {
    unit: Unit,
    sites: usize,
    values: Vec<f32>,
}

impl DirectorMatrix {
    /// Configurations from their features.
    ///
    /// # Panics
    ///
    /// Panics if `unit` is a spin, there are no sites, or the number of values is
    /// no multiple of `sites * unit.width()`.
    #[must_use]
    #[track_caller]
    pub fn new(unit: Unit, sites: usize, values: Vec<f32>) -> Self {
        assert!(unit != Unit::Spin, "spins are kept as bits");
        assert!(sites > 0, "at least one site");
        let width = sites * unit.width();
        assert_eq!(values.len() % width, 0, "whole configurations");
        Self {
            unit,
            sites,
            values,
        }
    }

    /// All features, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The features of one configuration: `sites x width`.
    #[must_use]
    #[track_caller]
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.sites * self.unit.width();
        &self.values[row * width..(row + 1) * width]
    }

    fn rows(&self) -> usize {
        self.values.len() / (self.sites * self.unit.width())
    }
}

/// Configurations, one a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Configurations {
    /// Spins or cells.
    Spins(BitMatrix),
    /// Directors, in the plane or in space.
    Directors(DirectorMatrix),
}

impl From<BitMatrix> for Configurations {
    fn from(bits: BitMatrix) -> Self {
        Self::Spins(bits)
    }
}

impl From<DirectorMatrix> for Configurations {
    fn from(directors: DirectorMatrix) -> Self {
        Self::Directors(directors)
    }
}

impl Configurations {
    /// What sits on the sites.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Spins(_) => Unit::Spin,
            Self::Directors(directors) => directors.unit,
        }
    }

    /// Number of configurations.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Spins(bits) => bits.rows(),
            Self::Directors(directors) => directors.rows(),
        }
    }

    /// Number of sites of a configuration.
    #[must_use]
    pub fn sites(&self) -> usize {
        match self {
            Self::Spins(bits) => bits.columns(),
            Self::Directors(directors) => directors.sites,
        }
    }

    /// Numbers in the features of one configuration: sites times width.
    #[must_use]
    pub fn features(&self) -> usize {
        self.sites() * self.unit().width()
    }

    /// The bits, if these are spins.
    #[must_use]
    pub fn as_spins(&self) -> Option<&BitMatrix> {
        match self {
            Self::Spins(bits) => Some(bits),
            Self::Directors(_) => None,
        }
    }

    /// The directors, if these are directors.
    #[must_use]
    pub fn as_directors(&self) -> Option<&DirectorMatrix> {
        match self {
            Self::Spins(_) => None,
            Self::Directors(directors) => Some(directors),
        }
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        match self {
            Self::Spins(bits) => Self::Spins(bits.select_rows(rows)),
            Self::Directors(directors) => {
                let values = rows.iter().flat_map(|&row| directors.row(row)).copied();
                Self::Directors(DirectorMatrix {
                    values: values.collect(),
                    ..*directors
                })
            }
        }
    }

    /// All rows of the parts, one part after the other.
    ///
    /// # Panics
    ///
    /// Panics if there is no part, or if units or sites differ.
    #[must_use]
    #[track_caller]
    pub fn concat(parts: &[Self]) -> Self {
        let shape = |part: &Self| (part.unit(), part.sites());
        let (unit, sites) = shape(&parts[0]);
        for part in parts {
            assert_eq!(shape(part), (unit, sites), "units and sites of all parts");
        }
        let spins: Vec<&BitMatrix> = parts.iter().filter_map(Self::as_spins).collect();
        if !spins.is_empty() {
            let words = spins.iter().flat_map(|bits| bits.words()).copied();
            let rows = spins.iter().map(|bits| bits.rows()).sum();
            let all = BitMatrix::from_cut_words(rows, sites, words.collect());
            return Self::Spins(all);
        }
        let directors = parts.iter().filter_map(Self::as_directors);
        let values = directors.flat_map(DirectorMatrix::values).copied();
        DirectorMatrix::new(unit, sites, values.collect()).into()
    }

    /// The first rows, or all if there are fewer.
    #[must_use]
    pub fn first_rows(&self, rows: usize) -> Self {
        self.range(0..rows.min(self.rows()))
    }

    /// The rows of a range.
    ///
    /// # Panics
    ///
    /// Panics if the range ends beyond the last row.
    #[must_use]
    pub fn range(&self, rows: Range<usize>) -> Self {
        self.select_rows(&rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_directors_are_selected_whole() {
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        let directors = DirectorMatrix::new(Unit::PlanarDirector, 3, values);
        let all = Configurations::from(directors);
        assert_eq!((all.rows(), all.sites(), all.features()), (4, 3, 6));
        let some = all.select_rows(&[2, 0]);
        let some = some.as_directors().unwrap();
        assert_eq!(some.row(0), [12.0, 13.0, 14.0, 15.0, 16.0, 17.0]);
        assert_eq!(some.row(1), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(all.first_rows(9), all);
        let parts = [all.range(0..1), all.range(1..4)];
        assert_eq!(Configurations::concat(&parts), all);
    }

    #[test]
    fn parts_of_spins_are_put_together_in_order() {
        let words: Vec<u64> = (0..10).collect();
        let all = Configurations::from(BitMatrix::from_words(5, 70, words).unwrap());
        let parts = [all.range(0..2), all.range(2..2), all.range(2..5)];
        assert_eq!(Configurations::concat(&parts), all);
    }
}
