//! Independent configurations: a value of the field, then all spins as coins.

use rand::Rng;

use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::fields;
use crate::physics::IndependentSampler;
use crate::physics::bernoulli::{BATCH, LANES, PLACES, Tosses, binary_digits, decide, toss_words};
use crate::physics::discrete::DiscreteTable;
use crate::random::Generator;

/// Draws values of the field from a table, and the spins in them 64 at a time.
pub(super) struct FieldSampler {
    model: fields::GeneralisedHopfield,
    values: DiscreteTable,
    /// The first [`PLACES`] binary digits of the probabilities of being up: for each value
    /// of the field, each word of a row and each place, the last first, one bit a site.
    digits: Vec<u64>,
    /// All sites, one bit each.
    sites: Vec<u64>,
}

impl FieldSampler {
    pub(super) fn new(model: &fields::GeneralisedHopfield) -> Self {
        let words = model.sites().div_ceil(64);
        let mut digits = vec![0; model.weights().len() * words * PLACES];
        let nodes = model.nodes().chunks_exact(model.fields());
        for (digits, node) in digits.chunks_exact_mut(words * PLACES).zip(nodes) {
            for (site, half_logit) in model.half_logits_at(node).enumerate() {
                let places = &mut digits[site / 64 * PLACES..][..PLACES];
                let first = up_digits(half_logit) >> (64 - PLACES);
                for (place, word) in places.iter_mut().enumerate() {
                    *word |= (first >> place & 1) << (site % 64);
                }
            }
        }
        let mut sites = vec![0; words];
        (0..model.sites()).for_each(|site| sites[site / 64] |= 1 << (site % 64));
        Self {
            values: DiscreteTable::new(model.weights().to_vec()),
            model: model.clone(),
            digits,
            sites,
        }
    }

    /// Fills the words of some rows; `scratch` has room for them.
    fn draw_rows(
        &self,
        words: &mut [u64],
        scratch: &mut Scratch,
        tosses: &mut Tosses,
        generator: &mut Generator,
    ) {
        let words_per_row = self.sites.len();
        let values = &mut scratch.values[..words.len() / words_per_row];
        tosses.fill(values);
        for value in values.iter_mut() {
            *value = self.values.entry(*value) as u64;
        }
        for (number, places) in (0..words.len()).map(|number| (number, self.places(values, number)))
        {
            let block = &mut scratch.digits[number / LANES * PLACES..][..PLACES];
            let lanes = block.iter_mut().zip(places);
            lanes.for_each(|(lanes, digits)| lanes[number % LANES] = *digits);
        }
        let Scratch {
            drawn, undecided, ..
        } = scratch;
        toss_words(tosses, &scratch.digits, drawn, undecided);
        decide(words.len(), &self.sites, drawn, undecided, |row, site| {
            generator.next_u64() < self.further(values[row] as usize, site)
        });
        words.copy_from_slice(&drawn.as_flattened()[..words.len()]);
    }

    /// The first digits of word `number` of rows in fields of these `values`.
    fn places(&self, values: &[u64], number: usize) -> &[u64] {
        let (row, word) = (number / self.sites.len(), number % self.sites.len());
        let entry = values[row] as usize * self.sites.len() + word;
        &self.digits[entry * PLACES..][..PLACES]
    }

    /// The digits of one probability beyond the first [`PLACES`].
    fn further(&self, value: usize, site: usize) -> u64 {
        let fields = self.model.fields();
        let node = &self.model.nodes()[value * fields..][..fields];
        up_digits(self.model.half_logit(site, node)) << PLACES
    }
}

/// Words of one batch of rows.
struct Scratch {
    /// The value of the field of every row.
    values: Vec<u64>,
    digits: Vec<[u64; LANES]>,
    drawn: Vec<[u64; LANES]>,
    undecided: Vec<[u64; LANES]>,
}

impl Scratch {
    fn new(rows: usize, words_per_row: usize) -> Self {
        let blocks = (rows * words_per_row).div_ceil(LANES);
        Self {
            values: vec![0; rows],
            digits: vec![[0; LANES]; blocks * PLACES],
            drawn: vec![[0; LANES]; blocks],
            undecided: vec![[0; LANES]; blocks],
        }
    }
}

impl IndependentSampler for FieldSampler {
    fn draw(&self, samples: usize, generator: &mut Generator) -> Configurations {
        let words_per_row = self.sites.len();
        let rows = (BATCH / words_per_row).max(1);
        let mut scratch = Scratch::new(rows, words_per_row);
        let mut tosses = Tosses::new(generator);
        let mut words = vec![0; samples * words_per_row];
        for words in words.chunks_mut(rows * words_per_row) {
            self.draw_rows(words, &mut scratch, &mut tosses, generator);
        }
        BitMatrix::from_cut_words(samples, self.model.sites(), words).into()
    }
}

/// The probability that a spin of this half-logit is up, as [`binary_digits`].
fn up_digits(half_logit: f64) -> u64 {
    binary_digits(1.0 / (1.0 + (-2.0 * half_logit).exp()))
}
