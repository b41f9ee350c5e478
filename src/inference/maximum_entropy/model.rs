//! The model: its parameters, weights of configurations, and samples.

use super::Streams;
use super::ensemble::{CHAINS, Ensemble};
use super::landscape::Landscape;
use crate::bits::BitMatrix;
use crate::inference::{InferenceError, PopulationError};

/// Largest number of cells of a model: tables of pairs grow with its square.
pub const MAX_CELLS: usize = 512;
/// Fields of a fit are within plus and minus this: odds of `e^30` are never seen.
pub const LARGEST_FIELD: f64 = 30.0;
/// Couplings of a fit, and steps of V from one count to the next, are within plus and minus this.
pub const LARGEST_COUPLING: f64 = 15.0;

/// Sweeps on the way from independent cells to the model, before samples are taken.
const RAMP: usize = 200;
/// Sweeps between two samples of a chain.
const SPACING: usize = 20;

/// A distribution `p(x) = exp{Σ_i a_i x_i + Σ_{i<j} J_ij x_i x_j + V(K)} / Z`.
#[derive(Debug, Clone, PartialEq)]
pub struct MaximumEntropy {
    fields: Vec<f64>,
    couplings: Vec<f64>,
    count_potential: Vec<f64>,
}

impl MaximumEntropy {
    /// Puts a model together.
    ///
    /// # Shapes
    ///
    /// - `fields`: `a_i`, one a cell.
    /// - `couplings`: `J_ij`, cells by cells, row-major, symmetric, zeros on the diagonal.
    /// - `count_potential`: `V(K)` for K from 0 to the number of cells; all 0 for a
    ///   pairwise model.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] without cells, [`InferenceError::TooManySites`] above
    ///   [`MAX_CELLS`].
    /// - [`InferenceError::Count`] if the lists do not fit each other.
    /// - [`InferenceError::NotFinite`] if a parameter is NaN or infinite.
    /// - [`InferenceError::OutOfRange`] if the couplings are not symmetric or have a diagonal.
    pub fn new(
        fields: Vec<f64>,
        couplings: Vec<f64>,
        count_potential: Vec<f64>,
    ) -> Result<Self, InferenceError> {
        let cells = fields.len();
        check_cells(cells)?;
        check_list("couplings", &couplings, cells * cells)?;
        check_list("values of V", &count_potential, cells + 1)?;
        check_list("fields", &fields, cells)?;
        for i in 0..cells {
            for j in 0..=i {
                let [value, other] = [couplings[i * cells + j], couplings[j * cells + i]];
                if value.to_bits() != other.to_bits() || (i == j && value != 0.0) {
                    return Err(InferenceError::OutOfRange {
                        what: "a coupling",
                        value,
                        expected: "the same both ways, and 0 of a cell to itself",
                    });
                }
            }
        }
        Ok(Self {
            fields,
            couplings,
            count_potential,
        })
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.fields.len()
    }

    /// `a_i`, one a cell.
    #[must_use]
    pub fn fields(&self) -> &[f64] {
        &self.fields
    }

    /// `J_ij`, cells by cells, row-major, symmetric, with zeros on the diagonal.
    #[must_use]
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// `V(K)` for K from 0 to the number of cells; all 0 for a pairwise model.
    #[must_use]
    pub fn count_potential(&self) -> &[f64] {
        &self.count_potential
    }

    /// Logarithm of the weight of each configuration, `ln p(x) + ln Z`, nats.
    ///
    /// # Errors
    ///
    /// [`PopulationError::Mismatch`] if the configurations are of other cells.
    pub fn log_weights(&self, bits: &BitMatrix) -> Result<Vec<f64>, PopulationError> {
        let (model, data) = (self.cells(), bits.columns());
        if model != data {
            return Err(PopulationError::Mismatch {
                what: "units",
                model,
                data,
            });
        }
        let mut active = Vec::with_capacity(model);
        let mut weigh = |row| {
            list_active(bits, row, &mut active);
            self.log_weight(&active)
        };
        Ok((0..bits.rows()).map(&mut weigh).collect())
    }

    /// The same for one configuration, given by its active cells.
    fn log_weight(&self, active: &[u16]) -> f64 {
        let mut sum = self.count_potential[active.len()];
        for (count, &i) in active.iter().enumerate() {
            let i = usize::from(i);
            sum += self.fields[i];
            for &j in &active[..count] {
                sum += self.couplings[i * self.cells() + usize::from(j)];
            }
        }
        sum
    }

    /// Draws `count` configurations from 64 chains of the heat bath.
    ///
    /// Each chain goes from independent cells to the model in 200 sweeps, rests for as many, and
    /// gives a row every 20 sweeps; chain `c` gives the rows from `c * ceil(count / 64)`.
    /// The rows of a chain are as independent as 20 sweeps make them.
    ///
    /// `streams` is asked for `"sample 0"` and so on.
    #[must_use]
    pub fn sample(&self, count: usize, streams: Streams<'_>) -> BitMatrix {
        let landscape = Landscape::from_base(self, &self.fields);
        let mut chains = Ensemble::of_base(&landscape, "sample", streams);
        let drawn = chains.map(|_, chain| {
            for step in 0..RAMP {
                chain.sweep(&landscape, step as f32 / RAMP as f32, 1);
            }
            chain.sweep(&landscape, 1.0, RAMP);
            let each = count.div_ceil(CHAINS);
            let draw = |_| {
                chain.sweep(&landscape, 1.0, SPACING);
                chain.refresh(&landscape);
                chain.active().to_vec()
            };
            (0..each).map(draw).collect::<Vec<_>>()
        });
        let mut bits = BitMatrix::zeros(count, self.cells());
        for (row, active) in drawn.iter().flatten().take(count).enumerate() {
            for &cell in active {
                bits.set(row, usize::from(cell), true);
            }
        }
        bits
    }
}

/// Writes the active cells of a configuration into `active`.
pub(super) fn list_active(bits: &BitMatrix, row: usize, active: &mut Vec<u16>) {
    active.clear();
    active.extend(bits.up(row).map(|cell| cell as u16));
}

pub(super) fn check_cells(cells: usize) -> Result<(), InferenceError> {
    match cells {
        0 => Err(InferenceError::Empty { what: "cell" }),
        1..=MAX_CELLS => Ok(()),
        found => Err(InferenceError::TooManySites {
            found,
            limit: MAX_CELLS,
        }),
    }
}

fn check_list(what: &'static str, values: &[f64], expected: usize) -> Result<(), InferenceError> {
    crate::inference::check_count(what, values.len(), expected)?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(InferenceError::NotFinite {
            what,
            index,
            value: values[index],
        }),
    }
}
