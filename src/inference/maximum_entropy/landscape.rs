//! What chains see of a model: tables in single precision, and a path that leads to it.

use super::kernel::{LANES, State};
use super::model::MaximumEntropy;

/// Log-odds of padding, which is never active.
const NEVER: f32 = -1e30;

/// The path `p(x) ∝ exp{b·x + s [(a - b)·x + Σ_{i<j} J_ij x_i x_j + V(K)]}` from
/// independent cells with log-odds `b`, the base, at strength `s = 0` to the model at
/// `s = 1`.
#[derive(Debug, Clone)]
pub(super) struct Landscape {
    pub(super) cells: usize,
    /// Log-odds of the base, padded.
    pub(super) base: Vec<f32>,
    /// `V(K + 1) - V(K)` for K below the number of cells, and a zero.
    pub(super) count_steps: Vec<f32>,
    /// `a - b`, padded.
    fields: Vec<f32>,
    /// Couplings, a padded row for each cell.
    couplings: Vec<f32>,
    width: usize,
}

impl Landscape {
    /// The model itself, with nothing to begin from.
    pub(super) fn of(model: &MaximumEntropy) -> Self {
        Self::from_base(model, &vec![0.0; model.cells()])
    }

    /// The path from independent cells with log-odds `base` to the model.
    pub(super) fn from_base(model: &MaximumEntropy, base: &[f64]) -> Self {
        let cells = model.cells();
        let width = cells.next_multiple_of(LANES);
        let padded = |values: &mut dyn Iterator<Item = f64>, padding: f32| -> Vec<f32> {
            let mut padded: Vec<f32> = values.map(|value| value as f32).collect();
            padded.resize(width, padding);
            padded
        };
        let mut differences = model.fields().iter().zip(base).map(|(a, b)| a - b);
        let potential = model.count_potential();
        let steps = potential.windows(2).map(|pair| (pair[1] - pair[0]) as f32);
        let rows = model.couplings().chunks_exact(cells);
        Self {
            cells,
            width,
            base: padded(&mut base.iter().copied(), NEVER),
            fields: padded(&mut differences, 0.0),
            count_steps: steps.chain([0.0]).collect(),
            couplings: rows
                .flat_map(|row| padded(&mut row.iter().copied(), 0.0))
                .collect(),
        }
    }

    /// Cells with their padding.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Couplings of a cell to all, padded.
    pub(super) fn row(&self, cell: usize) -> &[f32] {
        &self.couplings[cell * self.width..(cell + 1) * self.width]
    }

    /// The state of a configuration that is given by its active cells.
    pub(super) fn state(&self, active: &[u16]) -> State {
        let mut state = State {
            activity: vec![0.0; self.width],
            local: self.fields.clone(),
            active: active.len(),
            log_weight: 0.0,
        };
        for (count, &cell) in active.iter().enumerate() {
            let cell = usize::from(cell);
            state.log_weight += f64::from(state.local[cell] + self.count_steps[count]);
            state.activity[cell] = 1.0;
            for (field, coupling) in state.local.iter_mut().zip(self.row(cell)) {
                *field += coupling;
            }
        }
        state
    }
}
