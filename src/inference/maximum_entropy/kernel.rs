//! The loops that take the time, in operations that vectorise.
//!
//! Everything is single precision and rounds after each operation, so that all
//! instruction sets give the same numbers.

use std::ops::Range;

use multiversion::multiversion;

use super::landscape::Landscape;
use crate::elementary::{exp, ln};

/// Rows of couplings are padded to a multiple of this.
pub(super) const LANES: usize = 16;
/// Cells that are looked at together.
const BLOCK: usize = 64;

/// A configuration with what its cells feel.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// 1 for an active cell, 0 for a silent one and for padding.
    pub(super) activity: Vec<f32>,
    /// Field of the path and couplings to active cells, without the base.
    pub(super) local: Vec<f32>,
    /// Number of active cells.
    pub(super) active: usize,
    /// Logarithm of the weight relative to the base, at full strength, nats.
    pub(super) log_weight: f64,
}

/// Turns uniform words into noise with a logistic distribution: a cell whose
/// log-odds exceed it is active.
///
/// The word `w` stands for `u = (w / 2 | 1) / 2^31`, and the noise is `ln u / (1 - u)`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn logistic_noise(words: &[u32], noise: &mut [f32]) {
    for (noise, &word) in noise.iter_mut().zip(words) {
        // Signed halves convert in one instruction; odd, their sum is always 2^31.
        let (low, high) = (word >> 1 | 1, !word >> 1 | 1);
        *noise = ln(low as i32 as f32 / high as i32 as f32);
    }
}

/// Draws each cell anew, in order, from its probability given the others.
///
/// `strength` is the place on the path from the base to the model. All cells of a
/// block are looked at together with the fields as they are; those before the first that
/// changes are done, and the rest are looked at again with the same noise.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn sweep(landscape: &Landscape, strength: f32, noise: &[f32], state: &mut State) {
    let mut changes = [0_u8; BLOCK];
    for from in (0..noise.len()).step_by(BLOCK) {
        let cells = from..noise.len().min(from + BLOCK);
        let changes = &mut changes[..cells.len()];
        let mut open = 0;
        loop {
            let odds = Odds::new(landscape, strength, state.active);
            let inputs = Odds::inputs(landscape, state, cells.clone());
            for ((change, noise), input) in
                changes.iter_mut().zip(&noise[cells.clone()]).zip(inputs)
            {
                let now = *noise < odds.of(input);
                *change = u8::from(now != (*input.1 != 0.0));
            }
            let Some(place) = first_set(changes, open) else {
                break;
            };
            flip(landscape, from + place, state);
            open = place + 1;
        }
    }
}

/// The first byte from `open` on that is not 0, of some multiple of eight.
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
#[inline(always)]
fn first_set(bytes: &[u8], open: usize) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let mut mask = u64::MAX << (8 * (open % 8));
    for (index, word) in words.iter().enumerate().skip(open / 8) {
        let word = u64::from_le_bytes(*word) & mask;
        if word != 0 {
            return Some(8 * index + word.trailing_zeros() as usize / 8);
        }
        mask = u64::MAX;
    }
    None
}

/// What turns the field of a cell into its log-odds of being active given the others.
#[derive(Clone, Copy)]
struct Odds {
    strength: f32,
    /// What V adds for a silent cell.
    silent: f32,
    /// What it adds more for an active one, one fewer of whose others are active.
    difference: f32,
}

/// Base, activity and local field of a cell.
type Input<'a> = (&'a f32, &'a f32, &'a f32);

impl Odds {
    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    #[inline(always)]
    fn new(landscape: &Landscape, strength: f32, active: usize) -> Self {
        let silent = landscape.count_steps[active];
        Self {
            strength,
            silent,
            difference: landscape.count_steps[active.saturating_sub(1)] - silent,
        }
    }

    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    #[inline(always)]
    fn inputs<'a>(
        landscape: &'a Landscape,
        state: &'a State,
        cells: Range<usize>,
    ) -> impl Iterator<Item = Input<'a>> {
        let base = &landscape.base[cells.clone()];
        let activity = &state.activity[cells.clone()];
        let local = &state.local[cells];
        let inputs = base.iter().zip(activity).zip(local);
        inputs.map(|((base, activity), local)| (base, activity, local))
    }

    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    #[inline(always)]
    fn of(self, (base, activity, local): Input<'_>) -> f32 {
        let count = self.silent + activity * self.difference;
        base + self.strength * (local + count)
    }
}

/// Adds the probability of each cell to be active given the others to `sums`, and for
/// each active cell to the row of `pairs` that belongs to it.
///
/// Returns the sum of the probabilities of all cells and that of the active ones.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn add_probabilities(
    landscape: &Landscape,
    state: &State,
    active: &[u16],
    probabilities: &mut [f32],
    sums: &mut [f64],
    pairs: &mut [f64],
) -> [f64; 2] {
    let width = probabilities.len();
    let odds = Odds::new(landscape, 1.0, state.active);
    let inputs = Odds::inputs(landscape, state, 0..width);
    for (value, input) in probabilities.iter_mut().zip(inputs) {
        *value = 1.0 / (1.0 + exp::<false>(-odds.of(input)));
    }
    let mut totals = [[0.0_f32; LANES]; 2];
    let (values, _) = probabilities.as_chunks::<LANES>();
    let (activity, _) = state.activity.as_chunks::<LANES>();
    for (values, activity) in values.iter().zip(activity) {
        for lane in 0..LANES {
            totals[0][lane] += values[lane];
            totals[1][lane] += values[lane] * activity[lane];
        }
    }
    add(probabilities, sums);
    for &cell in active {
        let row = usize::from(cell) * width;
        add(probabilities, &mut pairs[row..row + width]);
    }
    totals.map(|lanes| f64::from(lanes.iter().sum::<f32>()))
}

#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
#[inline(always)]
fn add(values: &[f32], sums: &mut [f64]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += f64::from(value);
    }
}

#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
#[inline(always)]
fn flip(landscape: &Landscape, cell: usize, state: &mut State) {
    let local = f64::from(state.local[cell]);
    let couplings = landscape.row(cell);
    if state.activity[cell] == 0.0 {
        state.log_weight += local + f64::from(landscape.count_steps[state.active]);
        state.activity[cell] = 1.0;
        state.active += 1;
        for (field, coupling) in state.local.iter_mut().zip(couplings) {
            *field += coupling;
        }
    } else {
        state.active -= 1;
        state.log_weight -= local + f64::from(landscape.count_steps[state.active]);
        state.activity[cell] = 0.0;
        for (field, coupling) in state.local.iter_mut().zip(couplings) {
            *field -= coupling;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_noise_is_the_log_odds_of_its_word() {
        let words = [0, 1, 7, 1 << 20, 1 << 31, u32::MAX - 9, u32::MAX];
        let mut noise = [0.0; 7];
        logistic_noise(&words, &mut noise);
        for (&word, &noise) in words.iter().zip(&noise) {
            let u = f64::from((word / 2) | 1) / 2.0_f64.powi(31);
            let expected = (u / (1.0 - u)).ln();
            let error = f64::from(noise) - expected;
            // Rounded to single precision, of numbers up to 21.5.
            assert!(error.abs() < 4e-6, "{word}: {noise}, {expected}");
        }
    }
}
