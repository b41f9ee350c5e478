//! Nematics in which every molecule meets every other.

use rayon::prelude::*;

use super::side_field::SideField;
use super::{EquilibriumSamples, ExactInformation, remove_control};
use crate::configurations::DirectorMatrix;
use crate::directional::bingham;
use crate::information::{InformationError, InformationMethod, InformationValue, Partition};
use crate::physics::{FieldQuadrature, Nematic, OrientationSpace, System};

impl<S: OrientationSpace> ExactInformation for Nematic<S> {
    /// `ln Z + β<H>` by quadrature over the field.
    fn entropy(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        let field = self.quadrature();
        let energy = -0.5 * self.sites() as f64 * field.squared_order;
        let entropy = field.log_partition + self.beta() * energy;
        let method = InformationMethod::Quadrature;
        Ok(Some(InformationValue::exact(entropy, method)))
    }

    /// By quadrature over the field.
    fn field_rate(
        &self,
        _samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        let rate = self.quadrature().rate;
        let method = InformationMethod::Quadrature;
        Ok(Some(InformationValue::exact(rate, method)))
    }

    /// The mean over samples of `ln p(x) - ln p(x_A) - ln p(x_B)`, integrals over the
    /// length of the field.
    ///
    /// `E[Y_A·Y_B]` and `E|Y_A|²` are known exactly, as all molecules are alike; the
    /// first replaces its mean over samples, the second takes out most of the spread.
    fn mutual_information(
        &self,
        partition: &Partition,
        samples: Option<&EquilibriumSamples<'_>>,
    ) -> Result<Option<InformationValue>, InformationError> {
        partition.require_sites(self.sites())?;
        let Some(samples) = samples else {
            return Ok(None);
        };
        samples.check(self)?;
        let Some(directors) = samples.configurations.as_directors() else {
            return Ok(None);
        };
        let field = self.quadrature();
        let alike = PairMean::new(self.sites(), &field);
        let sizes = partition.sides().map(<[usize]>::len);
        let [mut values, others] = [0, 1].map(|side| {
            let other = SideField::new::<S>(sizes[1 - side], self.sites(), self.beta());
            let sites = partition.sides()[side];
            let (mut values, squares): (Vec<f64>, Vec<f64>) = (0..samples.configurations.rows())
                .into_par_iter()
                .map(|row| log_weight::<S>(&other, directors, row, sites))
                .unzip();
            remove_control(&mut values, &squares, alike.square_of(sizes[side]));
            values
        });
        let sums = values.iter_mut().zip(others);
        sums.for_each(|(value, other)| *value = -*value - other);
        let cross = self.beta() * sizes[0] as f64 * sizes[1] as f64 * alike.product;
        let offset = cross / self.sites() as f64 + field.log_partition;
        Ok(Some(samples.information(&values, offset)))
    }
}

/// `E[y_i·y_j]` of two molecules, the same for all.
struct PairMean {
    product: f64,
}

impl PairMean {
    /// From `E|Y|² = N + N(N - 1) E[y_i·y_j]`.
    fn new(sites: usize, field: &FieldQuadrature) -> Self {
        let sites = sites as f64;
        Self {
            product: (sites * field.squared_order - 1.0) / (sites - 1.0),
        }
    }

    /// `E|Y_A|²` of a side of so many molecules.
    fn square_of(&self, molecules: usize) -> f64 {
        let n = molecules as f64;
        n + n * (n - 1.0) * self.product
    }
}

/// `ln S_B(Y_A)` and `|Y_A|²` of one sample, with `other` that of side B.
fn log_weight<S: OrientationSpace>(
    other: &SideField,
    directors: &DirectorMatrix,
    row: usize,
    sites: &[usize],
) -> (f64, f64) {
    let total = total_feature(directors.row(row), S::UNIT.width(), sites);
    let square: f64 = total.iter().map(|y| y * y).sum();
    let shape = match total[..] {
        [a, b, c, d, e] => bingham::shape([a, b, c, d, e]),
        _ => 0.0,
    };
    (other.log_sum(square.sqrt(), shape), square)
}

/// `Y` of some sites of one sample, whose `features` are `sites x width`.
fn total_feature(features: &[f32], width: usize, sites: &[usize]) -> Vec<f64> {
    let mut total = vec![0.0; width];
    for &site in sites {
        let feature = &features[site * width..(site + 1) * width];
        let numbers = total.iter_mut().zip(feature);
        numbers.for_each(|(total, y)| *total += f64::from(*y));
    }
    total
}
