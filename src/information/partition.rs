//! Partitions of the sites in two sides, and the rules that make them.

use super::InformationError;
use crate::random::{self, Generator};

/// A partition of `N` sites in a side `A` and its complement `B`, neither empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    name: String,
    first: Vec<usize>,
    second: Vec<usize>,
}

impl Partition {
    /// The partition of `sites` sites with those of `first`, counted from 0, on side `A`.
    ///
    /// # Errors
    ///
    /// - [`InformationError::UnknownSite`] if there is no such site.
    /// - [`InformationError::RepeatedSite`] if one is named twice.
    /// - [`InformationError::EmptySide`] if one side is left without a site.
    pub fn new(name: &str, sites: usize, first: &[usize]) -> Result<Self, InformationError> {
        let partition = || name.to_owned();
        let mut inside = vec![false; sites];
        for &site in first {
            match inside.get_mut(site) {
                None => {
                    return Err(InformationError::UnknownSite {
                        partition: partition(),
                        site,
                        last: sites.saturating_sub(1),
                    });
                }
                Some(true) => {
                    return Err(InformationError::RepeatedSite {
                        partition: partition(),
                        site,
                    });
                }
                Some(inside) => *inside = true,
            }
        }
        Self::from_sides(name, &inside)
    }

    /// The partition with side `A` where `inside` is true.
    fn from_sides(name: &str, inside: &[bool]) -> Result<Self, InformationError> {
        let (first, second): (Vec<usize>, Vec<usize>) =
            (0..inside.len()).partition(|&site| inside[site]);
        if first.is_empty() || second.is_empty() {
            return Err(InformationError::EmptySide {
                partition: name.to_owned(),
                sites: inside.len(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            first,
            second,
        })
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sites of side `A`, from 0, in rising order.
    #[must_use]
    pub fn first(&self) -> &[usize] {
        &self.first
    }

    /// The sites of side `B`, all others, in rising order.
    #[must_use]
    pub fn second(&self) -> &[usize] {
        &self.second
    }

    /// Both sides: `A`, then `B`.
    #[must_use]
    pub fn sides(&self) -> [&[usize]; 2] {
        [&self.first, &self.second]
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// Refuses a partition of another number of sites.
    pub(super) fn require_sites(&self, expected: usize) -> Result<(), InformationError> {
        if self.sites() == expected {
            return Ok(());
        }
        Err(InformationError::PartitionSites {
            partition: self.name.clone(),
            found: self.sites(),
            expected,
        })
    }
}

/// A square, cubic or higher lattice whose sites are counted along its last axis first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lattice {
    /// Sites along a side, L.
    pub side: usize,
    /// Number of axes, d; there are `L^d` sites.
    pub dimension: u32,
}

impl Lattice {
    /// Whether the coordinates of a site add up to an odd number.
    fn is_odd(self, site: usize) -> bool {
        let mut rest = site;
        let mut sum = 0;
        for _ in 0..self.dimension {
            sum += rest % self.side;
            rest /= self.side;
        }
        sum % 2 == 1
    }
}

/// How partitions are made.
///
/// | rule | partitions |
/// | --- | --- |
/// | `halves` | the first `⌊N/2⌋` sites against the others |
/// | `even_odd` | sites of even number against odd; on a lattice, the checkerboard |
/// | `random:10` | 10 random halves, `⌊N/2⌋` sites against the others: `random_1`, … |
/// | `sites:[0,1,2]` | the given sites, counted from 0, against the others: `sites` |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionRule {
    /// The first half of the sites against the second.
    Halves,
    /// Even sites against odd ones.
    EvenOdd,
    /// Random halves.
    Random {
        /// How many.
        count: usize,
    },
    /// These sites, counted from 0, against the others.
    Sites(Vec<usize>),
}

impl PartitionRule {
    /// Makes the partitions of `sites` sites; `lattice` where they lie on one.
    ///
    /// `generator` is used by random halves alone.
    ///
    /// # Errors
    ///
    /// As [`Partition::new`] does, and for `even_odd` on a lattice
    ///
    /// - [`InformationError::OddSide`] if its side is odd.
    /// - [`InformationError::LatticeSites`] if it has not as many sites.
    pub fn partitions(
        &self,
        sites: usize,
        lattice: Option<Lattice>,
        generator: &mut Generator,
    ) -> Result<Vec<Partition>, InformationError> {
        match self {
            Self::Halves => {
                let first: Vec<usize> = (0..sites / 2).collect();
                Ok(vec![Partition::new("halves", sites, &first)?])
            }
            Self::EvenOdd => Ok(vec![even_odd(sites, lattice)?]),
            Self::Random { count } => (1..=*count)
                .map(|number| {
                    let first = random::distinct(sites / 2, sites, generator);
                    Partition::new(&format!("random_{number}"), sites, &first)
                })
                .collect(),
            Self::Sites(first) => Ok(vec![Partition::new("sites", sites, first)?]),
        }
    }
}

fn even_odd(sites: usize, lattice: Option<Lattice>) -> Result<Partition, InformationError> {
    let is_even = |site: usize| match lattice {
        Some(lattice) => !lattice.is_odd(site),
        None => site.is_multiple_of(2),
    };
    if let Some(Lattice { side, dimension }) = lattice {
        let found = side.saturating_pow(dimension);
        if found != sites {
            return Err(InformationError::LatticeSites { found, sites });
        }
        if !side.is_multiple_of(2) {
            return Err(InformationError::OddSide { side });
        }
    }
    let inside: Vec<bool> = (0..sites).map(is_even).collect();
    Partition::from_sides("even_odd", &inside)
}

#[cfg(test)]
mod tests;
