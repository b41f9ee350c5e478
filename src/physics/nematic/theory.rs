//! The mean field of a nematic, for comparison with a learned one.

use std::marker::PhantomData;

use super::{FieldQuadrature, Nematic, OrientationSpace};
use crate::physics::MeanFieldTheory;

/// The distribution of the field, and the order at other temperatures.
pub(super) struct Theory<S> {
    sites: usize,
    quadrature: FieldQuadrature,
    space: PhantomData<S>,
}

impl<S: OrientationSpace> Theory<S> {
    pub(super) fn new(model: &Nematic<S>) -> Self {
        Self {
            sites: model.sites(),
            quadrature: model.quadrature(),
            space: PhantomData,
        }
    }
}

impl<S: OrientationSpace> MeanFieldTheory for Theory<S> {
    fn density(&self, field: f64) -> f64 {
        self.quadrature.magnitude_density(field)
    }

    fn cumulative(&self, field: f64) -> f64 {
        self.quadrature.magnitude_cumulative(field)
    }

    fn log_weight(&self, field: f64) -> f64 {
        self.quadrature.log_weight(field)
    }

    fn squared_order(&self, beta: f64) -> f64 {
        FieldQuadrature::new::<S>(self.sites, beta).squared_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directional::{bingham, von_mises};
    use crate::physics::{MaierSaupe, PlanarNematic};

    #[test]
    fn in_the_plane_all_directions_weigh_alike() {
        let theory = Theory::new(&PlanarNematic::new(40, 0.5).unwrap());
        for length in [0.0, 0.3, 2.0] {
            let expected = 40.0 * von_mises::log_normaliser_at(length);
            let found = theory.log_weight(length);
            assert!(
                (found - expected).abs() < 1e-9,
                "{length}: {found}, {expected}"
            );
        }
    }

    #[test]
    fn in_space_the_weight_is_the_mean_over_shapes() {
        // Over directions in five dimensions the shape is uniform; by the midpoint rule.
        let theory = Theory::new(&MaierSaupe::new(3, 0.25).unwrap());
        let length = 2.5;
        let points = 4000;
        let mean: f64 = (0..points)
            .map(|k| (f64::from(k) + 0.5) / f64::from(points))
            .map(|shape| (3.0 * bingham::log_normaliser_at(length, shape)).exp())
            .sum::<f64>()
            / f64::from(points);
        let found = theory.log_weight(length);
        // The midpoint rule is good to the square of its step, 2.5e-7.
        assert!((found - mean.ln()).abs() < 1e-6, "{found}, {}", mean.ln());
    }

    #[test]
    fn the_order_at_the_own_temperature_is_that_of_the_model() {
        let model = MaierSaupe::new(100, 0.22).unwrap();
        let own = model.quadrature().squared_order;
        let found = Theory::new(&model).squared_order(1.0 / 0.22);
        assert!((found - own).abs() < 1e-12);
    }
}
