//! 512 random bits at once, and 512 trials with them.
#![expect(
    clippy::inline_always,
    reason = "functions that are not inlined lose the vectors of their caller"
)]

use multiversion::multiversion;
use rand::Rng;

use crate::random::Generator;

/// Words that are handled side by side: one vector of AVX-512.
pub(super) const WIDTH: usize = 8;

/// One vector of words.
pub(super) type Wide = [u64; WIDTH];

/// Generators that run side by side.
const STREAMS: usize = 32;
/// Words that the longest trial takes: one vector for each of 64 digits.
const LONGEST: usize = 64 * WIDTH;
/// Random words that are drawn at once; a rest shorter than a trial is left.
const BLOCK: usize = 4 * LONGEST;

/// 32 xoshiro256++ side by side, whose states are words of one generator.
#[derive(Debug, Clone)]
pub(super) struct WideGenerator {
    state: [[u64; STREAMS]; 4],
    /// One word of each generator, then the next of each, and so on.
    block: Box<[u64; BLOCK]>,
    next: usize,
}

impl WideGenerator {
    /// Takes its state from `generator`; equal generators give equal numbers.
    pub(super) fn new(generator: &mut Generator) -> Self {
        let mut state = [[0; STREAMS]; 4];
        for word in state.as_flattened_mut() {
            *word = generator.next_u64();
        }
        Self {
            state,
            block: Box::new([0; BLOCK]),
            next: BLOCK,
        }
    }

    /// 512 random bits.
    #[inline(always)]
    pub(super) fn next_wide(&mut self) -> Wide {
        self.reserve();
        let mut words = [0; WIDTH];
        words.copy_from_slice(&self.block[self.next..][..WIDTH]);
        self.next += WIDTH;
        words
    }

    /// Makes sure that the words of the longest trial are there.
    #[inline(always)]
    fn reserve(&mut self) {
        if self.next + LONGEST > BLOCK {
            fill(&mut self.state, &mut self.block);
            self.next = 0;
        }
    }

    /// One independent trial for every bit of `asked`: a bit of the result is 1 with
    /// `probability`, in units of 2⁻⁶⁴, and 0 where nothing was asked.
    ///
    /// Each bit compares a binary fraction, drawn digit by digit, with the
    /// probability; digits are drawn until all comparisons are decided, which takes
    /// about `log2` of their number.
    #[inline(always)]
    pub(super) fn trials(&mut self, asked: Wide, probability: u64) -> Wide {
        self.reserve();
        let mut undecided = asked;
        let mut successes = [0; WIDTH];
        let mut digits = probability;
        let mut used = 0;
        for drawn in self.block[self.next..].chunks_exact(WIDTH) {
            if digits == 0 || undecided.iter().fold(0, |any, word| any | word) == 0 {
                break;
            }
            let digit = if digits >> 63 == 1 { u64::MAX } else { 0 };
            for lane in 0..WIDTH {
                successes[lane] |= undecided[lane] & !drawn[lane] & digit;
                undecided[lane] &= !(drawn[lane] ^ digit);
            }
            digits <<= 1;
            used += WIDTH;
        }
        self.next += used;
        successes
    }
}

/// Draws a word of each generator in turn.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512bw+avx512vl", "x86_64+avx2"))]
fn fill(state: &mut [[u64; STREAMS]; 4], block: &mut [u64; BLOCK]) {
    let [a, b, c, d] = state;
    for words in block.chunks_exact_mut(STREAMS) {
        for stream in 0..STREAMS {
            words[stream] = a[stream]
                .wrapping_add(d[stream])
                .rotate_left(23)
                .wrapping_add(a[stream]);
            let shifted = b[stream] << 17;
            c[stream] ^= a[stream];
            d[stream] ^= b[stream];
            b[stream] ^= c[stream];
            a[stream] ^= d[stream];
            c[stream] ^= shifted;
            d[stream] = d[stream].rotate_left(45);
        }
    }
}

/// A probability below 1 in units of 2⁻⁶⁴, rounded down.
pub(super) fn in_units(probability: f64) -> u64 {
    // The cast saturates: 1 becomes 1 - 2^-64.
    (probability * 2.0_f64.powi(64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand::SeedableRng;

    #[test]
    fn every_lane_is_the_named_generator() {
        let mut source = stream("wide", &[]);
        let words: Vec<u64> = {
            let mut copy = source.clone();
            (0..4 * STREAMS).map(|_| copy.next_u64()).collect()
        };
        let mut wide = WideGenerator::new(&mut source);
        let mut lanes: Vec<Generator> = (0..STREAMS)
            .map(|lane| {
                let state = (0..4).flat_map(|part| words[part * STREAMS + lane].to_le_bytes());
                let bytes: Vec<u8> = state.collect();
                Generator::from_seed(bytes.try_into().unwrap())
            })
            .collect();
        // Until the first rest is left.
        for _ in 0..(BLOCK - LONGEST) / STREAMS {
            let expected: Vec<u64> = lanes.iter_mut().map(Rng::next_u64).collect();
            for words in expected.chunks(WIDTH) {
                assert_eq!(wide.next_wide().to_vec(), words);
            }
        }
    }

    #[test]
    fn trials_succeed_with_their_probability_where_they_are_asked() {
        let mut wide = WideGenerator::new(&mut stream("trials", &[]));
        for probability in [1e-3, 0.171_572_875, 0.5, 0.9] {
            let mut asked = [u64::MAX; WIDTH];
            asked[3] = 0xffff_0000_ffff_0000;
            let (mut successes, rounds) = (0, 2000);
            for _ in 0..rounds {
                let found = wide.trials(asked, in_units(probability));
                assert_eq!(found[3] & !asked[3], 0);
                successes += found.iter().map(|word| word.count_ones()).sum::<u32>();
            }
            let trials = f64::from(rounds * (7 * 64 + 32));
            let spread = (trials * probability * (1.0 - probability)).sqrt();
            let pull = (f64::from(successes) - trials * probability) / spread;
            assert!(pull.abs() < 4.0, "{probability}: {pull}");
        }
    }

    #[test]
    fn neighbouring_bits_of_trials_are_uncorrelated() {
        let mut wide = WideGenerator::new(&mut stream("neighbours", &[]));
        let (mut both, rounds) = (0, 4000);
        for _ in 0..rounds {
            let found = wide.trials([u64::MAX; WIDTH], in_units(0.3));
            both += found
                .iter()
                .map(|w| (w & (w >> 1)).count_ones())
                .sum::<u32>();
        }
        // Pairs share bits: var = n(q - q²) + 2n(p³ - q²), q = p².
        let pairs = f64::from(rounds) * 63.0 * WIDTH as f64;
        let variance = pairs * (0.09 - 0.0081 + 2.0 * (0.027 - 0.0081));
        let pull = (f64::from(both) - 0.09 * pairs) / variance.sqrt();
        assert!(pull.abs() < 4.0, "{pull}");
    }
}
