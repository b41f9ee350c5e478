//! The Ising lattice, and the lattice of directors, which has no solution.

use super::enumeration::{MOST_SITES, enumerated};
use super::{EquilibriumSamples, ExactInformation};
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::information::{InformationError, InformationMethod, InformationValue, Partition};
use crate::physics::{Ising2d, LebwohlLasher, System};

impl ExactInformation for Ising2d {
    /// Kaufman's solution.
    fn entropy(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        let entropy = self.solution().entropy;
        let method = InformationMethod::Kaufman;
        Ok(Some(InformationValue::exact(entropy, method)))
    }

    /// There is no field of the kind.
    fn field_rate(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        Ok(None)
    }

    /// All configurations up to a side of 4; beyond, the two sublattices from samples.
    ///
    /// Given the even sublattice the sites of the odd one are independent, so that
    /// `I(even; odd) = S - 2 S(odd | even)` with Kaufman's `S`.
    fn mutual_information(
        &self,
        partition: &Partition,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        partition.require_sites(self.sites())?;
        if self.sites() <= MOST_SITES {
            return sum_over_all(self, partition).map(Some);
        }
        let (true, Some(samples)) = (splits_sublattices(self, partition), samples) else {
            return Ok(None);
        };
        samples.check(self)?;
        let Some(spins) = samples.configurations.as_spins() else {
            return Ok(None);
        };
        let entropy = |row| self.sublattice_entropy(spins.row(row)).map(|s| -2.0 * s);
        let entropies: Result<Vec<f64>, _> = (0..spins.rows()).map(entropy).collect();
        Ok(Some(
            samples.information(&entropies?, self.solution().entropy),
        ))
    }
}

/// `I(A; B)` by the sum over all configurations.
fn sum_over_all(
    model: &Ising2d,
    partition: &Partition,
) -> Result<InformationValue, InformationError> {
    let states = 1 << model.sites();
    let mut all = BitMatrix::zeros(states, model.sites());
    for state in 0..states {
        all.set_row(state, &[state as u64]);
    }
    let all = Configurations::from(all);
    enumerated(partition, |state| {
        -model.beta() * model.energy(&all, state as usize)
    })
}

/// Whether one side is the even sublattice, on a lattice that has one.
fn splits_sublattices(model: &Ising2d, partition: &Partition) -> bool {
    let side = model.side();
    let parity = |site: usize| (site / side + site % side) % 2;
    let first = parity(partition.first()[0]);
    side.is_multiple_of(2)
        && partition.first().iter().all(|&site| parity(site) == first)
        && partition.second().iter().all(|&site| parity(site) != first)
}

impl ExactInformation for LebwohlLasher {
    fn entropy(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        Ok(None)
    }

    fn field_rate(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        Ok(None)
    }

    fn mutual_information(
        &self,
        partition: &Partition,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        partition.require_sites(System::sites(self))?;
        Ok(None)
    }
}
