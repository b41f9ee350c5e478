//! Independent spins of given probabilities, 64 sites in a word, many words at once.
//!
//! A site whose probability of being up is `p = Σ_j 2^(-j) p_j` in binary draws the
//! place `j` of the first head of a fair coin, which is `j` with probability
//! `2^(-j)`, and takes the digit `p_j`. One random word tosses the coin of 64 sites;
//! a word is done when all of its coins have shown a head, after about eight tosses.

use multiversion::multiversion;
use rand::Rng;

use crate::bits::BitMatrix;
use crate::random::Generator;

/// Words that are drawn side by side.
const LANES: usize = 16;
/// Words that are drawn between two looks at the probabilities.
const BATCH: usize = 1024;

/// Random words, `LANES` at a time: as many xoshiro256++ side by side, whose states
/// are drawn from a generator that is passed in.
///
/// Everything is integers, so the words are the same on every machine.
pub(super) struct Tosses {
    state: [[u64; LANES]; 4],
}

impl Tosses {
    /// Draws the states of all lanes from `generator`.
    pub(super) fn new(generator: &mut Generator) -> Self {
        let mut state = [[0; LANES]; 4];
        for word in state.iter_mut().flatten() {
            *word = generator.next_u64();
        }
        Self { state }
    }

    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    #[inline(always)]
    fn next(&mut self) -> [u64; LANES] {
        let [a, b, c, d] = &mut self.state;
        let mut words = [0; LANES];
        for lane in 0..LANES {
            words[lane] = a[lane]
                .wrapping_add(d[lane])
                .rotate_left(23)
                .wrapping_add(a[lane]);
            let shifted = b[lane] << 17;
            c[lane] ^= a[lane];
            d[lane] ^= b[lane];
            b[lane] ^= c[lane];
            a[lane] ^= d[lane];
            c[lane] ^= shifted;
            d[lane] = d[lane].rotate_left(45);
        }
        words
    }
}

/// A probability as 64 binary digits, the first worth 1/2.
///
/// Of 1 it falls short by `2^-64`; the rounding of `probability` is larger.
pub(super) fn binary_digits(probability: f64) -> u64 {
    const SCALE: f64 = 18_446_744_073_709_551_616.0;
    #[expect(clippy::cast_sign_loss, reason = "a float is cast into the range")]
    let digits = (probability * SCALE) as u64;
    digits
}

/// Draws every bit that is set in `sites` with the probability of its word, into
/// `words`; all others become zero. All three have the same length.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
fn draw_words(tosses: &mut Tosses, digits: &[u64], sites: &[u64], words: &mut [u64]) {
    let whole = words.len() / LANES * LANES;
    let (words, last) = words.split_at_mut(whole);
    let batches = digits.chunks_exact(LANES).zip(sites.chunks_exact(LANES));
    for (words, (digits, sites)) in words.chunks_exact_mut(LANES).zip(batches) {
        let (mut left, mut undecided) = ([0; LANES], [0; LANES]);
        left.copy_from_slice(digits);
        undecided.copy_from_slice(sites);
        words.copy_from_slice(&draw_lanes(tosses, left, undecided));
    }
    let (mut left, mut undecided) = ([0; LANES], [0; LANES]);
    left[..last.len()].copy_from_slice(&digits[whole..]);
    undecided[..last.len()].copy_from_slice(&sites[whole..]);
    let drawn = draw_lanes(tosses, left, undecided);
    last.copy_from_slice(&drawn[..last.len()]);
}

/// Tosses coins until every site of every lane has had its head.
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
#[inline(always)]
fn draw_lanes(
    tosses: &mut Tosses,
    mut digits: [u64; LANES],
    mut undecided: [u64; LANES],
) -> [u64; LANES] {
    let mut up = [0; LANES];
    loop {
        let heads = tosses.next();
        let mut any = 0;
        for lane in 0..LANES {
            let digit = (digits[lane].cast_signed() >> 63).cast_unsigned();
            up[lane] |= undecided[lane] & heads[lane] & digit;
            undecided[lane] &= !heads[lane];
            digits[lane] <<= 1;
            any |= undecided[lane];
        }
        if any == 0 {
            return up;
        }
    }
}

/// Sites in groups; all sites of a group have the same probability of being up.
#[derive(Debug, Clone)]
pub(super) struct SpinGroups {
    groups: usize,
    parts: Vec<Part>,
    /// Sites that are drawn upside down, one bit each.
    flipped: Vec<u64>,
    any_flipped: bool,
}

/// The sites of one group within one word.
#[derive(Debug, Clone, Copy)]
struct Part {
    word: usize,
    group: usize,
    sites: u64,
}

impl SpinGroups {
    /// Groups `sites` sites; each group lists its sites and whether they are drawn
    /// upside down.
    pub(super) fn new<'a>(sites: usize, groups: impl Iterator<Item = &'a [(usize, bool)]>) -> Self {
        let mut made = Self {
            groups: 0,
            parts: Vec::new(),
            flipped: vec![0; sites.div_ceil(64)],
            any_flipped: false,
        };
        for members in groups {
            let mut masks = vec![0_u64; made.flipped.len()];
            for &(site, flipped) in members {
                masks[site / 64] |= 1 << (site % 64);
                made.flipped[site / 64] |= u64::from(flipped) << (site % 64);
                made.any_flipped |= flipped;
            }
            let group = made.groups;
            let parts = masks.into_iter().enumerate().filter(|part| part.1 != 0);
            made.parts
                .extend(parts.map(|(word, sites)| Part { word, group, sites }));
            made.groups += 1;
        }
        made
    }

    /// Fills rows `from..to` of `bits`, which are zero.
    ///
    /// For each row `probabilities` is asked for the [`binary_digits`] of every group.
    pub(super) fn draw(
        &self,
        (bits, from, to): (&mut BitMatrix, usize, usize),
        tosses: &mut Tosses,
        mut probabilities: impl FnMut(&mut [u64]),
    ) {
        let words_per_row = self.flipped.len();
        let rows = &mut bits.words_mut()[from * words_per_row..to * words_per_row];
        let parts = self.parts.len();
        let rows_per_batch = (BATCH / parts).max(1).min(to - from);
        let sites: Vec<u64> = self.parts.iter().map(|part| part.sites).collect();
        let sites = sites.repeat(rows_per_batch);
        let mut digits = vec![0; sites.len()];
        let mut drawn = vec![0; sites.len()];
        let mut of_groups = vec![0; self.groups];
        for rows in rows.chunks_mut(rows_per_batch * words_per_row) {
            let used = rows.len() / words_per_row * parts;
            for digits in digits[..used].chunks_exact_mut(parts) {
                probabilities(&mut of_groups);
                if let [all] = of_groups[..] {
                    digits.fill(all);
                    continue;
                }
                for (digits, part) in digits.iter_mut().zip(&self.parts) {
                    *digits = of_groups[part.group];
                }
            }
            let (digits, sites) = (&digits[..used], &sites[..used]);
            if self.groups == 1 {
                // The parts of a single group are the words of a row, in order.
                draw_words(tosses, digits, sites, rows);
            } else {
                draw_words(tosses, digits, sites, &mut drawn[..used]);
                self.gather(&drawn[..used], rows);
            }
            if self.any_flipped {
                let row = self.flipped.iter().cycle();
                rows.iter_mut()
                    .zip(row)
                    .for_each(|(word, flipped)| *word ^= flipped);
            }
        }
    }

    /// Puts the parts of each row together.
    fn gather(&self, drawn: &[u64], rows: &mut [u64]) {
        let drawn = drawn.chunks_exact(self.parts.len());
        for (row, drawn) in rows.chunks_exact_mut(self.flipped.len()).zip(drawn) {
            for (part, up) in self.parts.iter().zip(drawn) {
                row[part.word] |= up;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    /// How often each site is up in `rows` rows.
    fn counts(groups: &SpinGroups, sites: usize, rows: usize, p: &[f64]) -> Vec<f64> {
        let mut bits = BitMatrix::zeros(rows, sites);
        let mut tosses = Tosses::new(&mut stream("bernoulli", &[]));
        groups.draw((&mut bits, 0, rows), &mut tosses, |digits| {
            for (digits, &p) in digits.iter_mut().zip(p) {
                *digits = binary_digits(p);
            }
        });
        // Bits beyond the last site would be refused here.
        let words = bits.words().to_vec();
        let bits = BitMatrix::from_words(rows, sites, words).unwrap();
        (0..sites)
            .map(|site| (0..rows).filter(|&row| bits.get(row, site)).count() as f64)
            .collect()
    }

    #[test]
    fn every_site_is_up_with_the_probability_of_its_group() {
        let members: Vec<Vec<(usize, bool)>> = (0..3)
            .map(|group| {
                (group..131)
                    .step_by(3)
                    .map(|site| (site, site % 2 == 0))
                    .collect()
            })
            .collect();
        let groups = SpinGroups::new(131, members.iter().map(Vec::as_slice));
        let p = [0.5, 0.01, 0.877];
        let rows = 20_000;
        for (site, up) in counts(&groups, 131, rows, &p).iter().enumerate() {
            let p = if site % 2 == 0 {
                1.0 - p[site % 3]
            } else {
                p[site % 3]
            };
            let deviation = (rows as f64 * p * (1.0 - p)).sqrt();
            let pull = (up - rows as f64 * p) / deviation;
            // The largest of 131 sites: 4.5 standard deviations.
            assert!(pull.abs() < 4.5, "site {site}: pull {pull}");
        }
    }

    #[test]
    fn neighbouring_sites_words_and_rows_are_independent() {
        let members: Vec<(usize, bool)> = (0..128).map(|site| (site, false)).collect();
        let groups = SpinGroups::new(128, std::iter::once(members.as_slice()));
        let (p, rows) = (0.3, 20_000);
        let mut bits = BitMatrix::zeros(rows, 128);
        let mut tosses = Tosses::new(&mut stream("bernoulli", &["pairs"]));
        groups.draw((&mut bits, 0, rows), &mut tosses, |digits| {
            digits[0] = binary_digits(p);
        });
        for (step, site) in [(0, 1), (0, 64), (1, 0), (8, 0), (8, 64)] {
            let pairs = (0..rows - step).flat_map(|row| (0..64).map(move |column| (row, column)));
            let both = pairs
                .filter(|&(row, column)| {
                    bits.get(row, column) && bits.get(row + step, column + site)
                })
                .count() as f64;
            let trials = 64.0 * (rows - step) as f64;
            // Each spin is in two of the pairs at most: variance of the count of pairs.
            let variance = trials * p * p * (1.0 - p) * (1.0 + 3.0 * p);
            let pull = (both - trials * p * p) / variance.sqrt();
            assert!(
                pull.abs() < 4.0,
                "{step} rows and {site} sites: pull {pull}"
            );
        }
    }

    #[test]
    fn certain_spins_are_certain() {
        let members: Vec<(usize, bool)> = (0..70).map(|site| (site, false)).collect();
        let groups = SpinGroups::new(70, std::iter::once(members.as_slice()));
        assert!(counts(&groups, 70, 100, &[1.0]).iter().all(|&up| up > 99.5));
        assert!(counts(&groups, 70, 100, &[0.0]).iter().all(|&up| up < 0.5));
    }
}
