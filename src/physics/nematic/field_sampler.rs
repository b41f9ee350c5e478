//! Independent samples: first the field, then the molecules in it.

use super::OrientationSpace;
use super::quadrature::Radial;
use crate::configurations::{Configurations, DirectorMatrix};
use crate::physics::IndependentSampler;
use crate::random::{Generator, uniform};

/// Width of a cell in `ρ`, in units of the spread that the field has at given
/// molecules: the density changes by some ten percent across it.
const WIDTH: f64 = 0.2;
/// Cells in shape end where `N ln c` has dropped by these, up to [`LAST_DROP`].
const DROP: f64 = 0.2;
/// Drops grow by this factor, so that few cells cover the improbable shapes.
const GROWTH: f64 = 1.1;
const LAST_DROP: f64 = 30.0;

/// Draws the field from its exact density by rejection, then all molecules in it.
///
/// `ρ` and the shape are drawn from an envelope that is constant in cells with
/// respect to the measure `ρ^(K-1) dρ ds`. In a cell `N ln c` is at most the chord
/// between the values at its ends in `ρ` and its lowest shape, as it is convex in `ρ`
/// and falls with the shape; so the envelope is above the density everywhere, and
/// accepted fields have it exactly. Only `ρ` where the density is below `exp(-40)` of
/// its peak are never proposed.
pub(super) struct FieldSampler<S> {
    system: Radial,
    sites: usize,
    cells: Vec<Cell>,
    /// Sums of the masses of all cells up to each.
    cumulative: Vec<f64>,
    space: std::marker::PhantomData<S>,
}

/// Where the log density is at most `bound`.
struct Cell {
    rho: (f64, f64),
    shape: (f64, f64),
    bound: f64,
}

impl Cell {
    /// `∫ρ^(K-1) dρ ds`.
    fn measure(&self, dimension: f64) -> f64 {
        let (low, high) = self.rho;
        (high.powf(dimension) - low.powf(dimension)) * (self.shape.1 - self.shape.0) / dimension
    }
}

impl<S: OrientationSpace> FieldSampler<S> {
    /// Lays out the cells for `sites` molecules at `beta`, in units of `1/J`.
    pub(super) fn new(sites: usize, beta: f64) -> Self {
        let system = Radial::new::<S>(sites, beta);
        let mut cells = Vec::new();
        for (from, to) in system.support() {
            let rows = ((to - from) / WIDTH).ceil();
            let edge = |row: f64| from + (to - from) * row / rows;
            for row in 0..rows as usize {
                add_row(
                    &system,
                    (edge(row as f64), edge(row as f64 + 1.0)),
                    &mut cells,
                );
            }
        }
        let bounds = cells.iter().map(|cell| cell.bound);
        let peak = bounds.fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        let mut cumulative = Vec::with_capacity(cells.len());
        for cell in &cells {
            total += cell.measure(system.dimension) * (cell.bound - peak).exp();
            cumulative.push(total);
        }
        Self {
            system,
            sites,
            cells,
            cumulative,
            space: std::marker::PhantomData,
        }
    }

    /// Draws `ρ` and the shape from the envelope, with the bound of their cell.
    fn propose(&self, generator: &mut Generator) -> (f64, f64, f64) {
        let dimension = self.system.dimension;
        let total = self.cumulative.last().copied().unwrap_or_default();
        let target = uniform(generator) * total;
        let index = self.cumulative.partition_point(|&mass| mass <= target);
        let cell = &self.cells[index.min(self.cells.len() - 1)];
        let (low, high) = (cell.rho.0.powf(dimension), cell.rho.1.powf(dimension));
        let rho = (low + uniform(generator) * (high - low)).powf(dimension.recip());
        let (first, last) = cell.shape;
        let shape = first + uniform(generator) * (last - first);
        (rho, shape, cell.bound)
    }

    /// Draws the length and the shape of a field `h`.
    fn draw_invariants(&self, generator: &mut Generator) -> (f64, f64) {
        loop {
            let (rho, shape, bound) = self.propose(generator);
            let log_density = self.system.exponent(rho, shape);
            if uniform(generator) < (log_density - bound).exp() {
                return (self.system.spread * rho, shape);
            }
        }
    }

    /// Draws the features of one configuration.
    pub(super) fn draw_row(&self, features: &mut [f32], generator: &mut Generator) {
        let (length, shape) = self.draw_invariants(generator);
        let field = S::random_field(length, shape, generator);
        S::draw(&field, features, generator);
    }

    /// Numbers in the features of one configuration.
    pub(super) fn features(&self) -> usize {
        self.sites * S::UNIT.width()
    }
}

/// Adds the cells of all shapes between two values of `ρ`.
fn add_row(system: &Radial, rho: (f64, f64), cells: &mut Vec<Cell>) {
    let last = system.shape_range(rho.1, LAST_DROP);
    let mut shape = 0.0;
    let mut drop = DROP;
    while shape < 1.0 {
        // `N ln c` falls about linearly with the shape; the bound needs no more.
        let mut next = shape + last * drop / LAST_DROP;
        if next >= last {
            next = if last < 1.0 && shape < last {
                last
            } else {
                1.0
            };
        }
        let ends = (
            system.log_power(rho.0, shape),
            system.log_power(rho.1, shape),
        );
        cells.push(Cell {
            rho,
            shape: (shape, next),
            bound: largest_below_chord(rho, ends),
        });
        shape = next;
        drop *= GROWTH;
    }
}

/// The maximum of the chord through `values` at both ends of `rho`, less `ρ²/2`.
fn largest_below_chord((low, high): (f64, f64), values: (f64, f64)) -> f64 {
    let slope = (values.1 - values.0) / (high - low);
    let rho = slope.clamp(low, high);
    values.0 + slope * (rho - low) - 0.5 * rho * rho
}

impl<S: OrientationSpace> IndependentSampler for FieldSampler<S> {
    fn draw(&self, samples: usize, generator: &mut Generator) -> Configurations {
        let mut values = vec![0.0; samples * self.features()];
        for row in values.chunks_exact_mut(self.features()) {
            self.draw_row(row, generator);
        }
        DirectorMatrix::new(S::UNIT, self.sites, values).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Plane, Space};
    use super::*;
    use crate::random::stream;

    /// The share of proposals that are accepted, and the most by which the density
    /// exceeds its envelope, in nats.
    fn judge<S: OrientationSpace>(sites: usize, temperature: f64) -> (f64, f64) {
        let sampler = FieldSampler::<S>::new(sites, temperature.recip());
        let mut generator = stream("judge", &[]);
        let (mut accepted, mut excess) = (0.0, f64::NEG_INFINITY);
        let proposals = 2000;
        for _ in 0..proposals {
            let (rho, shape, bound) = sampler.propose(&mut generator);
            let difference = sampler.system.exponent(rho, shape) - bound;
            accepted += difference.exp() / f64::from(proposals);
            excess = excess.max(difference);
        }
        (accepted, excess)
    }

    #[test]
    fn the_envelope_is_above_the_density_and_close_to_it() {
        for sites in [1, 7, 100, 5000] {
            for temperature in [0.01, 0.15, 0.22, 0.4, 2.0] {
                for (acceptance, excess) in [
                    judge::<Space>(sites, temperature),
                    judge::<Plane>(sites, temperature),
                ] {
                    // Rounding of N ln c, which is up to βN.
                    let rounding = 1e-14 * sites as f64 / temperature;
                    assert!(excess < rounding + 1e-12, "{sites} {temperature}: {excess}");
                    assert!(acceptance > 0.7, "{sites} {temperature}: {acceptance}");
                }
            }
        }
    }
}
