//! Spins: integrals over the Hubbard-Stratonovich field by the trapezoidal rule.

use rayon::prelude::*;

use super::classes::SpinClass;
use crate::physics::{Hopfield, log_two_cosh};

/// Steps of the rule, in units of the spread that the field has at given spins.
///
/// As `|cosh(x + iy)| ≤ cosh x`, the rule of step `δ` is off by `exp(-2π²/δ²)` of the
/// integral and no more: `exp(-40)` at the largest step.
const STEPS: (f64, f64) = (0.1, 0.7);
/// The step is made as small as about so many points allow.
const POINTS: f64 = 262_144.0;
/// Most points at the largest step.
const MOST_POINTS: f64 = 16_777_216.0;
/// Half the box beyond the largest mean field, in the same units.
const MARGIN: f64 = 9.0;
/// Points are left out where the density is below `exp` of minus this of its peak.
const NEGLECTED: f64 = 38.0;
/// Points are left out of the sum for one side where they are below `exp` of minus this.
const FORGOTTEN: f64 = 40.0;

/// The points of the field `z` that hold its probability, on a cubic lattice.
///
/// ```text
/// p(z) = (2π)^(-P/2) exp(-|z|²/2) Π_i 2cosh(a ξ_i·z + βh_i) / Z,   a = √(β/N)
/// ```
#[derive(Debug, Clone)]
pub(super) struct FieldGrid {
    patterns: usize,
    /// `a`.
    spread: f64,
    /// `z`, P numbers a point.
    points: Vec<f64>,
    /// `ln (2π)^(-P/2) δ^P`.
    log_cell: f64,
    /// `ln Z`, in nats.
    pub(super) log_partition: f64,
    /// The rate `I(x; z)`, in nats.
    pub(super) rate: f64,
    /// `<|Y|²>` with the pattern sums `Y`.
    pub(super) squared_sum: f64,
}

impl FieldGrid {
    /// Lays out the points; nothing if they are too many.
    pub(super) fn new(model: &Hopfield) -> Option<Self> {
        let patterns = model.patterns().rows();
        let spread = (model.beta() / model.sites() as f64).sqrt();
        let reach = spread * model.sites() as f64 + MARGIN;
        let root = |points: f64| points.powf((patterns as f64).recip());
        let step = (2.0 * reach / root(POINTS)).clamp(STEPS.0, STEPS.1);
        let half = (reach / step).ceil();
        if (2.0 * half + 1.0).powi(patterns as i32) > MOST_POINTS {
            return None;
        }
        let sites: Vec<usize> = (0..model.sites()).collect();
        let lattice = SearchBox {
            patterns,
            half: half as usize,
            step,
            spread,
            classes: SpinClass::group(model, &sites),
        };
        Some(lattice.integrate())
    }

    /// `ln Π_i c_i(a z)` of the sites of one side, at every point.
    pub(super) fn side(&self, model: &Hopfield, sites: &[usize]) -> Side<'_> {
        let classes = SpinClass::group(model, sites);
        let exponents = self.points.par_chunks_exact(self.patterns).map(|z| {
            let square: f64 = z.iter().map(|z| z * z).sum();
            log_factor(&classes, self.spread, z) - 0.5 * square
        });
        Side {
            grid: self,
            exponents: exponents.collect(),
        }
    }
}

/// The weights of one side's sites in the field.
pub(super) struct Side<'a> {
    grid: &'a FieldGrid,
    /// `ln Π_i c_i(a z) - |z|²/2`.
    exponents: Vec<f64>,
}

impl Side<'_> {
    /// `ln S(Y)` of this side at the pattern sums `Y` of the other.
    pub(super) fn log_sum(&self, sums: &[f64]) -> f64 {
        let grid = self.grid;
        let shift: Vec<f64> = sums.iter().map(|y| grid.spread * y).collect();
        let square: f64 = shift.iter().map(|y| y * y).sum();
        let points = grid.points.chunks_exact(grid.patterns);
        let values = points
            .zip(&self.exponents)
            .map(|(z, exponent)| exponent + z.iter().zip(&shift).map(|(z, y)| z * y).sum::<f64>());
        let values: Vec<f64> = values.collect();
        let peak = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let near = values.iter().filter(|&&value| value > peak - FORGOTTEN);
        let total: f64 = near.map(|value| (value - peak).exp()).sum();
        grid.log_cell - 0.5 * square + peak + total.ln()
    }
}

/// The box that is searched for points.
struct SearchBox {
    patterns: usize,
    half: usize,
    step: f64,
    spread: f64,
    classes: Vec<SpinClass>,
}

impl SearchBox {
    fn integrate(&self) -> FieldGrid {
        let slabs = || (0..=2 * self.half).into_par_iter();
        let peaks: Vec<f64> = slabs()
            .map(|slab| {
                let mut peak = f64::NEG_INFINITY;
                self.visit(slab, |_, log_density| peak = peak.max(log_density));
                peak
            })
            .collect();
        let peak = peaks.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<Part> = slabs().map(|slab| self.part(slab, peak)).collect();
        let sum = |number: fn(&Part) -> f64| parts.iter().map(number).sum::<f64>();
        let total = sum(|part| part.total);
        let dimension = self.patterns as f64;
        let log_cell = dimension * (self.step.ln() - 0.5 * std::f64::consts::TAU.ln());
        let log_partition = log_cell + peak + total.ln();
        // -ln p = (P/2) ln 2π + ln Z - exponent; h(z) - (P/2) ln 2πe is the rate.
        let exponent = peak + sum(|part| part.exponent) / total;
        let square = sum(|part| part.square) / total;
        FieldGrid {
            patterns: self.patterns,
            spread: self.spread,
            points: parts.into_iter().flat_map(|part| part.points).collect(),
            log_cell,
            log_partition,
            rate: log_partition - exponent - 0.5 * dimension,
            squared_sum: (square - dimension) / self.spread.powi(2),
        }
    }

    /// What counts in one slab, with respect to the peak.
    fn part(&self, slab: usize, peak: f64) -> Part {
        let mut part = Part::default();
        self.visit(slab, |z, log_density| {
            let below = log_density - peak;
            if below < -NEGLECTED {
                return;
            }
            let weight = below.exp();
            part.total += weight;
            part.exponent += weight * below;
            part.square += weight * z.iter().map(|z| z * z).sum::<f64>();
            part.points.extend_from_slice(z);
        });
        part
    }

    /// Shows all points with this first coordinate, and their log density but for
    /// `-ln Z` and powers of 2π.
    fn visit(&self, slab: usize, mut show: impl FnMut(&[f64], f64)) {
        let place = |index: usize| self.step * (index as f64 - self.half as f64);
        let mut indices = vec![0; self.patterns - 1];
        let mut z = vec![place(0); self.patterns];
        z[0] = place(slab);
        loop {
            let square: f64 = z.iter().map(|z| z * z).sum();
            let log_density = log_factor(&self.classes, self.spread, &z) - 0.5 * square;
            show(&z, log_density);
            let places = indices.iter_mut().zip(&mut z[1..]);
            let mut moved = false;
            for (index, z) in places {
                *index = if *index == 2 * self.half {
                    0
                } else {
                    *index + 1
                };
                *z = place(*index);
                moved = *index > 0;
                if moved {
                    break;
                }
            }
            if !moved {
                return;
            }
        }
    }
}

/// Sums over one slab.
#[derive(Default)]
struct Part {
    points: Vec<f64>,
    total: f64,
    exponent: f64,
    square: f64,
}

/// `Σ_i ln 2cosh(a ξ_i·z + βh_i)`.
fn log_factor(classes: &[SpinClass], spread: f64, z: &[f64]) -> f64 {
    let parts = classes
        .iter()
        .map(|class| class.size as f64 * log_two_cosh(spread * class.project(z) + class.field));
    parts.sum()
}
