//! Independent spins of given probabilities, 64 sites in a word, many words at once.
//!
//! A site whose probability of being up is `p = Σ_j 2^(-j) p_j` in binary draws the
//! place `j` of the first head of a fair coin, which is `j` with probability
//! `2^(-j)`, and takes the digit `p_j`. One random word tosses the coin of 64 sites.
//! Coins are tossed from the last of [`PLACES`] places to the first, a head taking
//! the digit of its place whatever was drawn before, so that nothing has to be
//! looked at in between; the few sites without any head are drawn one by one.

use multiversion::multiversion;
use rand::Rng;

use crate::random::Generator;

/// Words that are drawn side by side.
pub(super) const LANES: usize = 16;
/// Words that are drawn between two looks at the probabilities.
pub(super) const BATCH: usize = 256;
/// Binary places of a probability that are tossed for all sites: a site in 4096 has
/// no head by then. At most 16, which fit into a word for [`TOGETHER`] groups.
pub(super) const PLACES: usize = 12;
/// Groups of sites whose digits are kept together in a word, four bits a place.
const TOGETHER: usize = 4;
/// Digits that as many groups can have at one place.
const PATTERNS: usize = 1 << TOGETHER;

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

    /// Fills `words` with random words.
    pub(super) fn fill(&mut self, words: &mut [u64]) {
        fill_random(self, words);
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
    (probability * SCALE) as u64
}

/// Fills `words` with random words.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
fn fill_random(tosses: &mut Tosses, words: &mut [u64]) {
    let (whole, rest) = words.as_chunks_mut::<LANES>();
    for words in whole {
        *words = tosses.next();
    }
    let last = tosses.next();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Tosses the coins of all sites, from the last place to the first.
///
/// `digits` holds for each of the `words` its digit at every place, site by site, the
/// last place first. Sites without a head are set in `undecided` and down.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
pub(super) fn toss_words(
    tosses: &mut Tosses,
    digits: &[[u64; LANES]],
    words: &mut [[u64; LANES]],
    undecided: &mut [[u64; LANES]],
) {
    let places = digits.len() / words.len();
    let results = words.iter_mut().zip(undecided);
    for (digits, (words, undecided)) in digits.chunks_exact(places).zip(results) {
        let (mut up, mut left) = ([0; LANES], [u64::MAX; LANES]);
        for digits in digits {
            let heads = tosses.next();
            for lane in 0..LANES {
                up[lane] = (heads[lane] & digits[lane]) | (!heads[lane] & up[lane]);
                left[lane] &= !heads[lane];
            }
        }
        *words = up;
        *undecided = left;
    }
}

/// The same for a single group, whose digits end at the last of `places`: there is nothing
/// to decide later. For each word it is told the digits as [`SpinGroups::join`] has them.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
fn toss_whole_words(
    tosses: &mut Tosses,
    digits: &[[u64; LANES]],
    places: usize,
    words: &mut [[u64; LANES]],
) {
    for (digits, words) in digits.iter().zip(words) {
        let mut up = [0; LANES];
        for place in 0..places {
            let heads = tosses.next();
            for lane in 0..LANES {
                let digit = 0_u64.wrapping_sub(digits[lane] >> (TOGETHER * place) & 1);
                up[lane] = (heads[lane] & digit) | (!heads[lane] & up[lane]);
            }
        }
        *words = up;
    }
}

/// Leaves of the `words` the `sites`, and turns those that are `flipped`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
fn cut_and_flip(words: &mut [u64], sites: &[u64], flipped: &[u64]) {
    let masks = sites.iter().zip(flipped);
    for (word, (sites, flipped)) in words.iter_mut().zip(masks) {
        *word = *word & sites ^ flipped;
    }
}

/// Where the spins of a row get their probabilities from.
pub(super) trait SpinFields {
    /// Draws the fields of some rows and writes their digits, as [`SpinGroups::join`]
    /// does: the first words of all rows, then the second ones and so on,
    /// [`SpinGroups::words_of_digits`] for each row.
    fn draw(&mut self, joined: &mut [u64], tosses: &mut Tosses);

    /// The [`binary_digits`] of a group in one of the rows that were drawn last.
    fn digits(&self, row: usize, group: usize) -> u64;

    /// A random word for a site that is drawn by itself.
    fn word(&mut self) -> u64;
}

/// Sites in groups; all sites of a group have the same probability of being up.
#[derive(Debug, Clone)]
pub(super) struct SpinGroups {
    /// The group of every site; no sites are without one.
    group_of: Vec<u16>,
    groups: usize,
    words_per_row: usize,
    /// Words that are next to each other in `masks`, 1 or 2.
    width: usize,
    /// The sites that have a digit of 1 if their groups have those of a pattern: for
    /// each word of digits, each `width` words of a row and each pattern, `width` words.
    masks: Vec<u64>,
    /// All sites, one bit each.
    sites: Vec<u64>,
    /// Sites that are drawn upside down, one bit each.
    flipped: Vec<u64>,
    /// Binary places of all probabilities.
    places: usize,
    /// Whether no probability has further places.
    whole: bool,
}

impl SpinGroups {
    /// Groups `sites` sites; each group lists its sites and whether they are drawn
    /// upside down. Every site is in one group.
    pub(super) fn new<'a>(sites: usize, groups: impl Iterator<Item = &'a [(usize, bool)]>) -> Self {
        let words_per_row = sites.div_ceil(64);
        let (mut all, mut flipped) = (vec![0; words_per_row], vec![0; words_per_row]);
        let mut group_of = vec![0; sites];
        let mut count = 0;
        for (group, members) in groups.enumerate() {
            for &(site, is_flipped) in members {
                group_of[site] = group as u16;
                all[site / 64] |= 1 << (site % 64);
                flipped[site / 64] |= u64::from(is_flipped) << (site % 64);
            }
            count = group + 1;
        }
        let width = if words_per_row.is_multiple_of(2) {
            2
        } else {
            1
        };
        Self {
            masks: masks(&group_of, count, width),
            group_of,
            groups: count,
            words_per_row,
            width,
            sites: all,
            flipped,
            places: PLACES,
            whole: false,
        }
    }

    /// Promises that the probabilities, of a single group, end after `places` binary
    /// places, at most 16.
    pub(super) fn with_places(self, places: usize) -> Self {
        Self {
            places,
            whole: true,
            ..self
        }
    }

    /// Binary places that are tossed for all sites.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Words that hold the digits of all groups.
    pub(super) fn words_of_digits(&self) -> usize {
        self.groups.div_ceil(TOGETHER)
    }

    /// Puts the first places of the digits of all groups together: every word holds those
    /// of [`TOGETHER`] groups, four bits a place, the last place lowest.
    pub(super) fn join(&self, digits: &[u64]) -> impl Iterator<Item = u64> {
        let first = u64::BITS as usize - self.places;
        digits.chunks(TOGETHER).map(move |digits| {
            let digits = digits.iter().rev();
            digits.fold(0, |joined, digits| joined << 1 | spread(digits >> first))
        })
    }

    /// Draws the spins of as many `rows` and adds their words to `words`; bits beyond the
    /// last site are zero.
    pub(super) fn draw(
        &self,
        rows: usize,
        words: &mut Vec<u64>,
        tosses: &mut Tosses,
        fields: &mut impl SpinFields,
    ) {
        let rows_per_batch = (BATCH / self.words_per_row).max(1).min(rows);
        let blocks = (rows_per_batch * self.words_per_row).div_ceil(LANES);
        let mut joined = vec![0; rows_per_batch * self.words_of_digits()];
        let mut digits = vec![[0; LANES]; blocks * self.places];
        let (mut drawn, mut undecided) = (vec![[0; LANES]; blocks], vec![[0; LANES]; blocks]);
        let sites = self.sites.repeat(rows_per_batch);
        let flipped = self.flipped.repeat(rows_per_batch);
        for from in (0..rows).step_by(rows_per_batch) {
            let rows = rows_per_batch.min(rows - from);
            let joined = &mut joined[..rows * self.words_of_digits()];
            fields.draw(joined, tosses);
            if self.whole {
                repeat_words(joined, self.words_per_row, undecided.as_flattened_mut());
                toss_whole_words(tosses, &undecided, self.places, &mut drawn);
            } else {
                self.separate(joined, &mut digits);
                toss_words(tosses, &digits, &mut drawn, &mut undecided);
                let words = rows * self.words_per_row;
                decide(words, &self.sites, &mut drawn, &undecided, |row, site| {
                    let group = usize::from(self.group_of[site]);
                    let further = fields.digits(row, group) << self.places;
                    fields.word() < further
                });
            }
            let drawn = &mut drawn.as_flattened_mut()[..rows * self.words_per_row];
            cut_and_flip(drawn, &sites, &flipped);
            words.extend_from_slice(drawn);
        }
    }

    /// Gives every site the digits of its group, in the order of [`toss_words`].
    fn separate(&self, joined: &[u64], digits: &mut [[u64; LANES]]) {
        if self.groups == 1 {
            let mut words = vec![[0; LANES]; digits.len() / self.places];
            repeat_words(joined, self.words_per_row, words.as_flattened_mut());
            return separate_words(&words, digits);
        }
        let rows = joined.len() / self.words_of_digits();
        for (set, joined) in joined.chunks_exact(rows).enumerate() {
            if self.width == 2 {
                self.separate_set::<2, { LANES / 2 }>(set, joined, digits);
            } else {
                self.separate_set::<1, LANES>(set, joined, digits);
            }
        }
    }

    /// The same for one of the words of joined digits, and a known width of masks; a
    /// block has `UNITS` of `WIDTH` words.
    fn separate_set<const WIDTH: usize, const UNITS: usize>(
        &self,
        set: usize,
        joined: &[u64],
        digits: &mut [[u64; LANES]],
    ) {
        let units = self.words_per_row / WIDTH;
        let (masks, _) = self.masks.as_chunks::<WIDTH>();
        let (masks, _) = masks.as_chunks::<PATTERNS>();
        let masks = &masks[set * units..(set + 1) * units];
        let add = set > 0;
        let blocks = digits.chunks_exact_mut(self.places);
        if let [masks] = masks {
            for (digits, rows) in blocks.zip(joined.chunks(UNITS)) {
                let mut left = [0; UNITS];
                left[..rows.len()].copy_from_slice(rows);
                separate_block::<WIDTH, UNITS>(left, |_| masks, add, digits);
            }
            return;
        }
        let places = joined
            .iter()
            .flat_map(|row| masks.iter().map(move |mask| (*row, mask)));
        let mut places = places.chain(std::iter::repeat((0, &masks[0])));
        for digits in blocks {
            let (mut left, mut of_units) = ([0; UNITS], [&masks[0]; UNITS]);
            for (left, mask) in left.iter_mut().zip(&mut of_units) {
                (*left, *mask) = places.next().unwrap_or((0, &masks[0]));
            }
            separate_block::<WIDTH, UNITS>(left, |unit| of_units[unit], add, digits);
        }
    }
}

/// Draws the sites of the first `words` that had no head: those up of which `is_up` says
/// so, told their row and site. `sites` are all sites of a row, one bit each.
pub(super) fn decide(
    words: usize,
    sites: &[u64],
    drawn: &mut [[u64; LANES]],
    undecided: &[[u64; LANES]],
    mut is_up: impl FnMut(usize, usize) -> bool,
) {
    for (block, (drawn, undecided)) in drawn.iter_mut().zip(undecided).enumerate() {
        if undecided.iter().fold(0, |any, word| any | word) == 0 {
            continue;
        }
        let numbers = block * LANES..words;
        for (number, (word, &undecided)) in numbers.zip(drawn.iter_mut().zip(undecided)) {
            if undecided == 0 {
                continue;
            }
            let (row, place) = (number / sites.len(), number % sites.len());
            let mut left = undecided & sites[place];
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                *word |= u64::from(is_up(row, place * 64 + bit as usize)) << bit;
            }
        }
    }
}

/// Gives the rows of one block their digits: what they have `left`, place by place, is the
/// pattern in which they take their masks.
#[inline]
fn separate_block<'a, const WIDTH: usize, const UNITS: usize>(
    mut left: [u64; UNITS],
    masks: impl Fn(usize) -> &'a [[u64; WIDTH]; PATTERNS],
    add: bool,
    digits: &mut [[u64; LANES]],
) {
    for digits in digits {
        let (digits, _) = digits.as_chunks_mut::<WIDTH>();
        for (unit, (digits, left)) in digits.iter_mut().zip(&mut left).enumerate() {
            let mask = masks(unit)[*left as usize % PATTERNS];
            *left >>= TOGETHER;
            if add {
                (0..WIDTH).for_each(|word| digits[word] |= mask[word]);
            } else {
                *digits = mask;
            }
        }
    }
}

/// Writes each of the `rows` as many times as a row has words.
fn repeat_words(rows: &[u64], words_per_row: usize, words: &mut [u64]) {
    if words_per_row == 2 {
        let (words, _) = words.as_chunks_mut();
        words
            .iter_mut()
            .zip(rows)
            .for_each(|(words, row)| *words = [*row; 2]);
        return;
    }
    let words = words.chunks_exact_mut(words_per_row);
    words.zip(rows).for_each(|(words, row)| words.fill(*row));
}

/// Gives all sites of a word the digits of a single group.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2", "x86_64+avx2"))]
fn separate_words(words: &[[u64; LANES]], digits: &mut [[u64; LANES]]) {
    let places = digits.len() / words.len();
    for (words, digits) in words.iter().zip(digits.chunks_exact_mut(places)) {
        for (place, digits) in digits.iter_mut().enumerate() {
            for (digits, word) in digits.iter_mut().zip(words) {
                *digits = 0_u64.wrapping_sub(word >> (TOGETHER * place) & 1);
            }
        }
    }
}

/// The masks of [`SpinGroups`].
fn masks(group_of: &[u16], groups: usize, width: usize) -> Vec<u64> {
    let units = group_of.len().div_ceil(64) / width;
    let mut masks = vec![0; groups.div_ceil(TOGETHER) * units * PATTERNS * width];
    for (site, &group) in group_of.iter().enumerate() {
        let (group, word) = (usize::from(group), site / 64);
        let table = group / TOGETHER * units + word / width;
        for pattern in (0..PATTERNS).filter(|pattern| pattern >> (group % TOGETHER) & 1 == 1) {
            masks[(table * PATTERNS + pattern) * width + word % width] |= 1 << (site % 64);
        }
    }
    masks
}

/// Moves the 16 lowest bits apart, to every fourth place.
fn spread(bits: u64) -> u64 {
    let bits = (bits | bits << 24) & 0x0000_00FF_0000_00FF;
    let bits = (bits | bits << 12) & 0x000F_000F_000F_000F;
    let bits = (bits | bits << 6) & 0x0303_0303_0303_0303;
    (bits | bits << 3) & 0x1111_1111_1111_1111
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::random::stream;

    /// The same probability for every row, one a group.
    struct Constant {
        digits: Vec<u64>,
        joined: Vec<u64>,
        generator: Generator,
    }

    impl Constant {
        fn new(groups: &SpinGroups, p: &[f64], name: &str) -> Self {
            let digits: Vec<u64> = p.iter().map(|&p| binary_digits(p)).collect();
            Self {
                joined: groups.join(&digits).collect(),
                digits,
                generator: stream("constant", &[name]),
            }
        }
    }

    impl SpinFields for Constant {
        fn draw(&mut self, joined: &mut [u64], _: &mut Tosses) {
            let rows = joined.len() / self.joined.len();
            for (rows, word) in joined.chunks_exact_mut(rows).zip(&self.joined) {
                rows.fill(*word);
            }
        }

        fn digits(&self, _: usize, group: usize) -> u64 {
            self.digits[group]
        }

        fn word(&mut self) -> u64 {
            self.generator.next_u64()
        }
    }

    /// How often each site is up in `rows` rows.
    fn counts(groups: &SpinGroups, sites: usize, rows: usize, p: &[f64]) -> Vec<f64> {
        let mut words = Vec::new();
        let mut tosses = Tosses::new(&mut stream("bernoulli", &[]));
        let mut fields = Constant::new(groups, p, "counts");
        groups.draw(rows, &mut words, &mut tosses, &mut fields);
        // Bits beyond the last site would be refused here.
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
        let mut words = Vec::new();
        let mut tosses = Tosses::new(&mut stream("bernoulli", &["pairs"]));
        let mut fields = Constant::new(&groups, &[p], "pairs");
        groups.draw(rows, &mut words, &mut tosses, &mut fields);
        let bits = BitMatrix::from_words(rows, 128, words).unwrap();
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
