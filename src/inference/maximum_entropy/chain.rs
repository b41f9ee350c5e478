//! A Markov chain of the heat bath, and what is gathered along it.

use rand::Rng;

use super::kernel::{self, State};
use super::landscape::Landscape;
use crate::random::Generator;

/// A configuration and the stream that moves it.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    generator: Generator,
    state: State,
    words: Vec<u32>,
    noise: Vec<f32>,
    active: Vec<u16>,
}

impl Chain {
    /// Begins at a configuration given by its active cells.
    pub(super) fn new(landscape: &Landscape, active: Vec<u16>, generator: Generator) -> Self {
        Self {
            generator,
            state: landscape.state(&active),
            words: vec![0; landscape.width()],
            noise: vec![0.0; landscape.width()],
            active,
        }
    }

    /// Computes all fields anew: for another landscape, or to undo roundings.
    pub(super) fn refresh(&mut self, landscape: &Landscape) {
        self.list_active();
        self.state = landscape.state(&self.active);
    }

    /// Draws each cell anew, `sweeps` times.
    pub(super) fn sweep(&mut self, landscape: &Landscape, strength: f32, sweeps: usize) {
        for _ in 0..sweeps {
            for pair in self.words.chunks_exact_mut(2) {
                let word = self.generator.next_u64();
                pair[0] = word as u32;
                pair[1] = (word >> 32) as u32;
            }
            kernel::logistic_noise(&self.words, &mut self.noise);
            kernel::sweep(landscape, strength, &self.noise, &mut self.state);
        }
    }

    /// Draws an independent configuration from the base of the landscape.
    pub(super) fn draw_base(&mut self, landscape: &Landscape) {
        self.sweep(landscape, 0.0, 1);
        self.refresh(landscape);
    }

    /// Logarithm of the weight relative to the base, at full strength, nats.
    pub(super) fn log_weight(&self) -> f64 {
        self.state.log_weight
    }

    /// The active cells, in order.
    pub(super) fn active(&mut self) -> &[u16] {
        self.list_active();
        &self.active
    }

    fn list_active(&mut self) {
        self.active.clear();
        for (cell, &activity) in self.state.activity.iter().enumerate() {
            if activity != 0.0 {
                self.active.push(cell as u16);
            }
        }
    }

    /// Adds the present configuration to `sums`.
    pub(super) fn add_to(&mut self, landscape: &Landscape, sums: &mut Sums) {
        self.list_active();
        let [all, active] = kernel::add_probabilities(
            landscape,
            &self.state,
            &self.active,
            &mut sums.probabilities,
            &mut sums.cells,
            &mut sums.pairs,
        );
        sums.add_count(self.state.active, all, active);
    }
}

/// Sums over configurations of a chain, of conditional probabilities where they are
/// less noisy than what they are the probabilities of (Rao-Blackwell).
#[derive(Debug, Clone)]
pub(super) struct Sums {
    number: usize,
    width: usize,
    /// Number of configurations without an active cell.
    silent: usize,
    /// Of `p_i`, the probability of cell i given the others; padded.
    cells: Vec<f64>,
    /// Of `x_j p_i`, row j.
    pairs: Vec<f64>,
    /// Of the number of active cells, one cell being drawn anew.
    counts: Vec<f64>,
    probabilities: Vec<f32>,
}

impl Sums {
    pub(super) fn new(landscape: &Landscape) -> Self {
        let width = landscape.width();
        Self {
            number: 0,
            width,
            silent: 0,
            cells: vec![0.0; width],
            pairs: vec![0.0; landscape.cells * width],
            counts: vec![0.0; landscape.cells + 1],
            probabilities: vec![0.0; width],
        }
    }

    /// Probabilities of the count after one cell, any of all, is drawn anew; `all` and
    /// `on` are the sums of probabilities over all cells and over the active ones.
    fn add_count(&mut self, active: usize, all: f64, on: f64) {
        let cells = (self.counts.len() - 1) as f64;
        let k = active as f64;
        let (up, down) = (all - on, k - on);
        self.number += 1;
        self.silent += usize::from(active == 0);
        self.counts[active] += 1.0 - (up + down) / cells;
        if active + 1 < self.counts.len() {
            self.counts[active + 1] += up / cells;
        }
        if active > 0 {
            self.counts[active - 1] += down / cells;
        }
    }

    /// Adds the sums of another chain.
    pub(super) fn add(&mut self, other: &Self) {
        self.number += other.number;
        self.silent += other.silent;
        let all = self.cells.iter_mut().chain(&mut self.pairs);
        let all = all.chain(&mut self.counts);
        let others = other.cells.iter().chain(&other.pairs).chain(&other.counts);
        all.zip(others).for_each(|(sum, value)| *sum += value);
    }

    /// Rate of each cell.
    pub(super) fn rates(&self) -> impl Iterator<Item = f64> {
        let cells = self.counts.len() - 1;
        self.cells[..cells]
            .iter()
            .map(|sum| sum / self.number as f64)
    }

    /// Probability that two cells are active together.
    pub(super) fn pair(&self, i: usize, j: usize) -> f64 {
        let both = self.pairs[i * self.width + j] + self.pairs[j * self.width + i];
        0.5 * both / self.number as f64
    }

    /// Distribution of the number of active cells.
    pub(super) fn counts(&self) -> Vec<f64> {
        let share = |sum: &f64| sum.max(0.0) / self.number as f64;
        self.counts.iter().map(share).collect()
    }

    /// Share of configurations without an active cell.
    pub(super) fn silent(&self) -> f64 {
        self.silent as f64 / self.number as f64
    }
}
