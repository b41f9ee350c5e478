//! Products with a matrix of signs: sums that are looked up instead of multiplied.
//!
//! `sum_k s_k v_k` with `s_k = ±1` goes in groups of four terms. A group has 16
//! possible sums; a table holds them for [`LANES`] columns of `v` at once, and four
//! bits of the sign matrix say which one to add. A table costs 24 additions and saves
//! three of four for every row that reads it (Arlazarov, Dinic, Kronrod and
//! Faradzhev, Dokl. Akad. Nauk SSSR 194, 487 (1970)).
//!
//! Every sum is added in the same order on every instruction set, so its result is
//! the same to the last bit.

use super::LANES;

/// Signs that one look-up takes in, and rows that are summed side by side.
const GROUP: usize = 4;
/// Tables that are made at once: 22 kB, so that they stay in the first-level cache.
const TABLES: usize = 22;
/// Columns that are packed at once.
const STRIP: usize = 64;

/// A row of one table; aligned, so that no load crosses a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Lanes([f32; LANES]);

/// The sums `±v_0 ±v_1 ±v_2 ±v_3`; bit `i` of the place is set for `+v_i`.
type Table = [Lanes; 1 << GROUP];

/// Signs of a matrix, four by four, from both sides; made once, loaded often.
///
/// A code holds the signs of four rows in a group of four columns: bit
/// `4 * row + column` is set for a `+1`. Beyond the edges all bits are zero.
#[derive(Debug, Clone)]
pub(in crate::vae) struct SignMatrix {
    rows: usize,
    columns: usize,
    /// `ceil(rows / 4) x ceil(columns / 4)`.
    plain: Vec<u16>,
    /// The same of the transpose: `ceil(columns / 4) x ceil(rows / 4)`.
    transposed: Vec<u16>,
}

impl SignMatrix {
    /// Room for up to `capacity` rows of `columns` signs; holds no rows yet.
    #[must_use]
    pub(in crate::vae) fn new(capacity: usize, columns: usize) -> Self {
        let codes = capacity.div_ceil(GROUP) * columns.div_ceil(GROUP);
        Self {
            rows: 0,
            columns,
            plain: vec![0; codes],
            transposed: vec![0; codes],
        }
    }

    /// Takes in whole rows of values, each +1 or -1 (only their signs are looked at):
    /// `rows x columns`, row-major.
    ///
    /// # Panics
    ///
    /// Panics if there are more rows than the capacity.
    pub(in crate::vae) fn load(&mut self, rows: usize, signs: &[f32]) {
        assert_eq!(signs.len(), rows * self.columns, "rows * columns");
        let codes = rows.div_ceil(GROUP) * self.columns.div_ceil(GROUP);
        assert!(codes <= self.plain.len(), "rows <= capacity");
        self.rows = rows;
        pack(
            self.columns,
            signs,
            &mut self.plain[..codes],
            &mut self.transposed[..codes],
        );
    }

    /// `target (rows x width) = signs (rows x columns) * right (columns x width)`.
    ///
    /// The error of an element is at most that of `columns / 4 + 2` additions in
    /// sequence.
    ///
    /// # Panics
    ///
    /// Panics if a slice does not have the length of its shape.
    pub(in crate::vae) fn product(&self, right: &[f32], width: usize, target: &mut [f32]) {
        let shape = [self.rows, self.columns, width];
        sums(&self.plain, shape, right, target);
    }

    /// `target (columns x width) = signs^T (columns x rows) * right (rows x width)`.
    ///
    /// The error of an element is at most that of `rows / 4 + 2` additions in sequence.
    ///
    /// # Panics
    ///
    /// Panics if a slice does not have the length of its shape.
    pub(in crate::vae) fn transposed_product(
        &self,
        right: &[f32],
        width: usize,
        target: &mut [f32],
    ) {
        let shape = [self.columns, self.rows, width];
        sums(&self.transposed, shape, right, target);
    }
}

/// Turns the four-by-four block of a code over.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn transpose(code: u16) -> u16 {
    let swap = |code: u16, shift: u32, mask: u16| {
        let differing = (code ^ code >> shift) & mask;
        code ^ differing ^ differing << shift
    };
    // First inside the quarters of two by two, then the quarters.
    swap(swap(code, 3, 0x0a0a), 6, 0x00cc)
}

/// Sets the bit at `place` of each column whose sign is not negative.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add_bits(nibbles: &mut [u32; STRIP], signs: &[f32], place: usize) {
    for (nibble, sign) in nibbles.iter_mut().zip(signs) {
        *nibble |= (!sign.to_bits() >> 31) << place;
    }
}

vectorised! {
    /// Packs signs into codes, from both sides.
    fn pack(columns: usize, signs: &[f32], plain: &mut [u16], transposed: &mut [u16]) {
        let groups = columns.div_ceil(GROUP);
        let tiles = plain.len() / groups.max(1);
        for (tile, rows) in signs.chunks((GROUP * columns).max(1)).enumerate() {
            for start in (0..columns).step_by(STRIP) {
                // Four bits a column, one a row.
                let mut nibbles = [0_u32; STRIP];
                for (place, row) in rows.chunks_exact(columns).enumerate() {
                    match row[start..].first_chunk::<STRIP>() {
                        Some(signs) => add_bits(&mut nibbles, signs, place),
                        None => add_bits(&mut nibbles, &row[start..], place),
                    }
                }
                let mut codes = [0_u16; STRIP / GROUP];
                let (quads, _) = nibbles.as_chunks::<GROUP>();
                for (code, [a, b, c, d]) in codes.iter_mut().zip(quads) {
                    *code = (a | b << 4 | c << 8 | d << 12) as u16;
                }
                let first = start / GROUP;
                let plain = &mut plain[tile * groups + first..(tile + 1) * groups];
                for (plain, &code) in plain.iter_mut().zip(&codes) {
                    *plain = transpose(code);
                }
                let transposed = transposed[first * tiles + tile..].iter_mut().step_by(tiles);
                for (transposed, &code) in transposed.zip(&codes) {
                    *transposed = code;
                }
            }
        }
    }
}

/// Makes the table of four rows of `v`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
#[expect(
    clippy::needless_range_loop,
    reason = "sixteen sums a lane, side by side"
)]
fn fill(table: &mut Table, v: &[[f32; LANES]; GROUP]) {
    for lane in 0..LANES {
        let (sum, difference) = (v[0][lane] + v[1][lane], v[0][lane] - v[1][lane]);
        let low = [(0, -sum), (1, difference), (2, -difference), (3, sum)];
        let (sum, difference) = (v[2][lane] + v[3][lane], v[2][lane] - v[3][lane]);
        let high = [(0, -sum), (4, difference), (8, -difference), (12, sum)];
        for (bits, low) in low {
            for (more, high) in high {
                table[bits | more].0[lane] = low + high;
            }
        }
    }
}

/// Rows of `v` from the `first` on, columns from `start` on; zero beyond the edges.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn cut(v: &[f32], width: usize, first: usize, start: usize) -> [[f32; LANES]; GROUP] {
    let mut rows = [[0.0; LANES]; GROUP];
    let lines = v.chunks_exact(width).skip(first);
    for (row, line) in rows.iter_mut().zip(lines) {
        let line = &line[start..];
        match line.first_chunk::<LANES>() {
            Some(line) => *row = *line,
            None => row[..line.len()].copy_from_slice(line),
        }
    }
    rows
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add(sum: &mut [f32; LANES], term: &[f32; LANES]) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}

/// Sums of four rows over a stretch of tables.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn look_up(tables: &[Table], codes: &[u16]) -> [[f32; LANES]; GROUP] {
    let zero = [0.0; LANES];
    let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
    for (table, &code) in tables.iter().zip(codes) {
        let code = usize::from(code);
        add(&mut a, &table[code & 15].0);
        add(&mut b, &table[code >> 4 & 15].0);
        add(&mut c, &table[code >> 8 & 15].0);
        add(&mut d, &table[code >> 12 & 15].0);
    }
    [a, b, c, d]
}

/// Writes sums, or adds them, to the columns of `target`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn put(target: &mut [f32], sums: &[f32; LANES], first: bool) {
    if let Some(target) = target.first_chunk_mut::<LANES>() {
        if first {
            *target = *sums;
        } else {
            add(target, sums);
        }
        return;
    }
    for (target, sum) in target.iter_mut().zip(sums) {
        *target = if first { *sum } else { *target + sum };
    }
}

/// `target (rows x width) = signs (rows x inner) * right (inner x width)`.
fn sums(codes: &[u16], [rows, inner, width]: [usize; 3], right: &[f32], target: &mut [f32]) {
    assert_eq!(right.len(), inner * width, "right.len() == inner * width");
    assert_eq!(target.len(), rows * width, "target.len() == rows * width");
    let groups = inner.div_ceil(GROUP);
    if target.is_empty() || groups == 0 {
        target.fill(0.0);
        return;
    }
    sums_in_stretches(
        &codes[..rows.div_ceil(GROUP) * groups],
        groups,
        width,
        right,
        target,
    );
}

vectorised! {
    /// [`sums`] of a product that is not empty.
    fn sums_in_stretches(
        codes: &[u16],
        groups: usize,
        width: usize,
        right: &[f32],
        target: &mut [f32],
    ) {
        #[expect(clippy::large_stack_arrays, reason = "the cache that they fill is half as large again")]
        let mut tables = [[Lanes([0.0; LANES]); 1 << GROUP]; TABLES];
        for start in (0..width).step_by(LANES) {
            for first in (0..groups).step_by(TABLES) {
                let tables = &mut tables[..TABLES.min(groups - first)];
                for (group, table) in (first..).zip(tables.iter_mut()) {
                    fill(table, &cut(right, width, GROUP * group, start));
                }
                let tiles = codes.chunks_exact(groups).zip(target.chunks_mut(GROUP * width));
                for (codes, rows) in tiles {
                    let sums = look_up(tables, &codes[first..]);
                    for (row, sums) in rows.chunks_exact_mut(width).zip(&sums) {
                        put(&mut row[start..], sums, first == 0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
