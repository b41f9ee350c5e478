//! Independent configurations through the Hubbard-Stratonovich field.

use super::field::log_two_cosh;
use super::{CurieWeiss, SAMPLES_PER_REPORT};
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::physics::bernoulli::{SpinGroups, Tosses, binary_digits};
use crate::physics::discrete::DiscreteTable;
use crate::physics::{IndependentSampler, PhysicsError, System};
use crate::random::Generator;

/// Distance of the fields, in standard deviations of the Gaussian.
const STEP: f64 = 0.7;
/// Fields beyond the last mean by this many standard deviations are left out: a
/// weight of `1e-18`.
const TAIL: f64 = 9.0;

/// Draws a field from a grid, then all spins in it.
///
/// The Gaussian identity of the field also holds for its sum over a grid of step
/// `δ`: by Poisson summation
///
/// ```text
/// δ/√(2π) Σ_j exp(-z_j²/2 + a z_j) = exp(a²/2) [1 + 2 Σ_k exp(-2π²k²/δ²) cos(2πka/δ)],   z_j = jδ
/// ```
///
/// With `δ = 0.7` the bracket is 1 to `6e-18` for every `a = √(β/N) M`, so spins in a
/// field from the grid, drawn with its weight `exp(-z_j²/2) (2 cosh φ_j)^N`, have the
/// probability of every configuration to the precision of a double.
pub(super) struct FieldSampler {
    sites: usize,
    fields: DiscreteTable,
    /// The probability of a spin up in each field, as binary digits.
    digits: Vec<u64>,
    spins: SpinGroups,
}

impl FieldSampler {
    pub(super) fn new(model: &CurieWeiss) -> Self {
        let sites = model.sites();
        let (beta, external) = (model.beta(), model.beta() * model.field());
        let scale = (beta / sites as f64).sqrt();
        // Means of the field given the spins lie within ±√(βN).
        let last = (((beta * sites as f64).sqrt() + TAIL) / STEP).ceil() as i32;
        let grid: Vec<f64> = (-last..=last).map(|step| STEP * f64::from(step)).collect();
        let half_logit = |z: f64| scale * z + external;
        let log_weights: Vec<f64> = grid
            .iter()
            .map(|&z| sites as f64 * log_two_cosh(half_logit(z)) - 0.5 * z * z)
            .collect();
        let peak = log_weights
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let weights = log_weights.iter().map(|weight| (weight - peak).exp());
        let up = |z: f64| 1.0 / (1.0 + (-2.0 * half_logit(z)).exp());
        let members: Vec<(usize, bool)> = (0..sites).map(|site| (site, false)).collect();
        Self {
            sites,
            fields: DiscreteTable::new(weights.collect()),
            digits: grid.iter().map(|&z| binary_digits(up(z))).collect(),
            spins: SpinGroups::new(sites, std::iter::once(members.as_slice())),
        }
    }

    /// Fills all rows of `drawn`, which are zero; `proceed` hears how many are done.
    pub(super) fn fill(
        &self,
        drawn: &mut BitMatrix,
        generator: &mut Generator,
        proceed: impl Fn(usize) -> Result<(), PhysicsError>,
    ) -> Result<(), PhysicsError> {
        let mut tosses = Tosses::new(generator);
        let samples = drawn.rows();
        for from in (0..samples).step_by(SAMPLES_PER_REPORT) {
            proceed(from)?;
            let to = samples.min(from + SAMPLES_PER_REPORT);
            self.draw_rows((drawn, from, to), &mut tosses, generator);
        }
        proceed(samples)
    }

    fn draw_rows(
        &self,
        drawn: (&mut BitMatrix, usize, usize),
        tosses: &mut Tosses,
        generator: &mut Generator,
    ) {
        self.spins.draw(drawn, tosses, |digits| {
            digits.fill(self.digits[self.fields.draw(generator)]);
        });
    }
}

impl IndependentSampler for FieldSampler {
    fn draw(&self, samples: usize, generator: &mut Generator) -> Configurations {
        let mut drawn = BitMatrix::zeros(samples, self.sites);
        let mut tosses = Tosses::new(generator);
        self.draw_rows((&mut drawn, 0, samples), &mut tosses, generator);
        drawn.into()
    }
}
