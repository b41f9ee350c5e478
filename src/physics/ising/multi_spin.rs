//! 64 lattices at once by the Metropolis rule, one bit of a word each.
#![expect(
    clippy::inline_always,
    reason = "functions that are not inlined lose the vectors of their caller"
)]

use multiversion::multiversion;
use rand::Rng;

use super::wide::{WIDTH, Wide, WideGenerator, in_units};
use crate::random::Generator;

/// Lattices in a word.
pub(super) const LATTICES: usize = 64;

/// 64 independent lattices of one size at one temperature, multi-spin coded.
///
/// Bit `b` of a word is a spin of lattice `b`. A move that raises the energy by 4 is
/// accepted with probability `p` and one that raises it by 8 with `p²`, as two
/// independent trials with `p`; `p` is `e^{-4β}` rounded down to a multiple of 2⁻⁶⁴.
/// Detailed balance is therefore exact at an inverse temperature that differs from
/// `β` by less than `2⁻⁶⁶ e^{4β}`. Moves that leave the energy as it is are accepted
/// with probability 1/2: were they certain, as Metropolis has it, a sweep in fixed
/// order would go round in circles on a small or hot lattice.
///
/// A sweep goes row by row and updates in each the even columns, then the odd ones,
/// then, on an odd side, the last column. No two sites of such a group are
/// neighbours, so its order does not matter and vectors of 8 sites move together.
#[derive(Debug, Clone)]
pub(super) struct MultiSpin {
    side: usize,
    /// Words from one row to the next.
    stride: usize,
    /// First the rows of even columns: 0, 2, …, then 0 again on an even side. Then
    /// the rows of odd columns: the last column, 1, 3, …, then 0 on an odd side.
    columns: [Vec<u64>; 2],
    probability: u64,
    generator: WideGenerator,
}

impl MultiSpin {
    /// Lattices 0, 2, … start ordered, the others at random.
    pub(super) fn new(side: usize, beta: f64, generator: &mut Generator) -> Self {
        const ORDERED: u64 = 0x5555_5555_5555_5555;
        let stride = side / 2 + 2;
        let words = side * stride + WIDTH;
        let mut lattices = Self {
            side,
            stride,
            columns: [vec![0; words], vec![0; words]],
            probability: in_units((-4.0 * beta).exp()),
            generator: WideGenerator::new(generator),
        };
        for site in 0..side * side {
            lattices.put(site, generator.next_u64() | ORDERED);
        }
        lattices
    }

    /// One update of every site of all lattices.
    pub(super) fn sweep(&mut self) {
        sweep(self);
    }

    /// Turns all spins of each lattice over with probability 1/2, an exact symmetry.
    pub(super) fn turn_over(&mut self) {
        let turned = self.generator.next_wide()[0];
        let words = self.columns.iter_mut().flatten();
        words.for_each(|word| *word ^= turned);
    }

    /// The spins at a site, one bit a lattice.
    pub(super) fn at(&self, site: usize) -> u64 {
        let (parity, place) = self.place(site);
        self.columns[parity][place]
    }

    fn put(&mut self, site: usize, word: u64) {
        let (parity, place) = self.place(site);
        self.columns[parity][place] = word;
        self.copy_ends(site / self.side);
    }

    /// The parity of a site's column, and its place among those columns.
    fn place(&self, site: usize) -> (usize, usize) {
        let (row, column) = (site / self.side, site % self.side);
        let parity = column % 2;
        (parity, row * self.stride + column / 2 + parity)
    }

    /// Renews the copies that stand for the neighbours around the torus.
    #[inline(always)]
    fn copy_ends(&mut self, row: usize) {
        let (start, half) = (row * self.stride, self.side / 2);
        let [even, odd] = &mut self.columns;
        if self.side.is_multiple_of(2) {
            even[start + half] = even[start];
            odd[start] = odd[start + half];
        } else {
            odd[start] = even[start + half];
            odd[start + half + 1] = even[start];
        }
    }

    /// Energy of each lattice in units of `J`, and its sum over all spins.
    pub(super) fn energies_and_sums(&self) -> [(f64, f64); LATTICES] {
        let (side, sites) = (self.side, self.side * self.side);
        let (mut aligned, mut up) = (Counters::default(), Counters::default());
        for site in 0..sites {
            let (row, column) = (site / side, site % side);
            let right = if column + 1 == side {
                site + 1 - side
            } else {
                site + 1
            };
            let below = if row + 1 == side { column } else { site + side };
            let spin = self.at(site);
            aligned.add(!(spin ^ self.at(right)));
            aligned.add(!(spin ^ self.at(below)));
            up.add(spin);
        }
        let (aligned, up) = (aligned.totals(), up.totals());
        let sites = sites as f64;
        std::array::from_fn(|b| {
            let energy = 2.0 * sites - 2.0 * f64::from(aligned[b]);
            (energy, 2.0 * f64::from(up[b]) - sites)
        })
    }

    /// All lattices, each as the words of one row of a bit matrix.
    pub(super) fn rows(&self) -> Vec<Vec<u64>> {
        let sites = self.side * self.side;
        let mut rows = vec![vec![0; sites.div_ceil(64)]; LATTICES];
        for (place, first) in (0..sites).step_by(64).enumerate() {
            let mut block = [0; 64];
            let filled = 64.min(sites - first);
            for (offset, word) in block[..filled].iter_mut().enumerate() {
                *word = self.at(first + offset);
            }
            transpose(&mut block);
            for (row, word) in rows.iter_mut().zip(block) {
                row[place] = word;
            }
        }
        rows
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512bw+avx512vl", "x86_64+avx2"))]
fn sweep(lattices: &mut MultiSpin) {
    let half = lattices.side / 2;
    for row in 0..lattices.side {
        for parity in 0..2 {
            for place in (0..half).step_by(WIDTH) {
                update(lattices, row, parity, place, half - place);
            }
            lattices.copy_ends(row);
        }
        if lattices.side % 2 == 1 {
            update(lattices, row, 0, half, 1);
            lattices.copy_ends(row);
        }
    }
}

/// Updates the first `count` sites of a vector, or all 8 if there are more.
#[inline(always)]
fn update(lattices: &mut MultiSpin, row: usize, parity: usize, place: usize, count: usize) {
    let (side, stride) = (lattices.side, lattices.stride);
    let here = row * stride + place;
    let above = (row + side - 1) % side * stride + place;
    let below = (row + 1) % side * stride + place;
    let (own, other) = (&lattices.columns[parity], &lattices.columns[1 - parity]);
    let spins = wide(own, here + parity);
    let neighbours = [
        wide(own, above + parity),
        wide(own, below + parity),
        wide(other, here),
        wide(other, here + 1),
    ];
    let mut asked = [u64::MAX; WIDTH];
    for word in asked.iter_mut().skip(count) {
        *word = 0;
    }
    let flips = flips(
        spins,
        neighbours,
        asked,
        lattices.probability,
        &mut lattices.generator,
    );
    let target = &mut lattices.columns[parity][here + parity..][..WIDTH];
    for (word, flip) in target.iter_mut().zip(flips) {
        *word ^= flip;
    }
}

#[inline(always)]
fn wide(words: &[u64], at: usize) -> Wide {
    let mut vector = [0; WIDTH];
    vector.copy_from_slice(&words[at..at + WIDTH]);
    vector
}

/// Which of the spins that are `asked` are turned over.
#[inline(always)]
fn flips(
    spins: Wide,
    neighbours: [Wide; 4],
    asked: Wide,
    probability: u64,
    generator: &mut WideGenerator,
) -> Wide {
    let (mut all, mut uphill, mut level) = ([0; WIDTH], [0; WIDTH], [0; WIDTH]);
    for lane in 0..WIDTH {
        let [a, b, c, d] = neighbours.map(|word| !(spins[lane] ^ word[lane]));
        all[lane] = a & b & c & d & asked[lane];
        uphill[lane] = (a & b & (c | d) | c & d & (a | b)) & asked[lane];
        level[lane] = (a | b | c | d) & !(a ^ b ^ c ^ d) & !all[lane];
    }
    let coin = generator.next_wide();
    let once = generator.trials(uphill, probability);
    let mut again = [0; WIDTH];
    for lane in 0..WIDTH {
        again[lane] = once[lane] & all[lane];
    }
    let twice = generator.trials(again, probability);
    let mut flips = [0; WIDTH];
    for lane in 0..WIDTH {
        let free = !uphill[lane] & (!level[lane] | coin[lane]);
        let accepted = free | once[lane] & !all[lane] | twice[lane];
        flips[lane] = accepted & asked[lane];
    }
    flips
}

/// 64 counters, one digit of all of them a word.
#[derive(Debug, Clone, Default)]
struct Counters {
    digits: [u64; 24],
}

impl Counters {
    /// Adds 1 to the counters whose bits are set.
    fn add(&mut self, bits: u64) {
        let mut carry = bits;
        for digit in &mut self.digits {
            if carry == 0 {
                return;
            }
            (*digit, carry) = (*digit ^ carry, *digit & carry);
        }
    }

    fn totals(&self) -> [u32; LATTICES] {
        std::array::from_fn(|counter| {
            let digits = self.digits.iter().rev();
            digits.fold(0, |total, digit| 2 * total + (digit >> counter & 1) as u32)
        })
    }
}

/// Bit `b` of word `i` becomes bit `i` of word `b`.
fn transpose(block: &mut [u64; 64]) {
    let (mut width, mut mask) = (32, u64::MAX >> 32);
    while width > 0 {
        for low in (0..64).filter(|low| low & width == 0) {
            let high = low | width;
            let swapped = (block[low] >> width ^ block[high]) & mask;
            block[low] ^= swapped << width;
            block[high] ^= swapped;
        }
        width /= 2;
        mask ^= mask << width;
    }
}
