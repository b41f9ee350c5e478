//! Breaks valid input at random, the same way for the same seed.

/// `SplitMix64`: small, and the same on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is above 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// Longest input: long enough for every table, short enough for many executions.
const LONGEST: usize = 1 << 16;

const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "100000",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999",
    "1e9",
    "1e308",
    "1e999",
    "-1e999",
    "1e-320",
    "nan",
    "inf",
    "0.1",
    "0x7fffffffffffffff",
];

const WORDS: &[&str] = &[
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    ":",
    "#",
    "\0",
    "'''",
    "é",
    "\u{1e}",
    "[[plot]]\n",
    "[sweep]\n",
    "start",
    "stop",
    "step",
    "count",
    "true",
    "null",
    "[[",
    "sites:[0]",
    "random:9",
    "{ start = 0, stop = 99999, count = 100000 }",
    "2026-11-23",
    "zip = [[",
    "exclude = [{",
];

const INTEGERS: &[u64] = &[
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// A broken copy of one of `corpus`.
pub(crate) fn mutant(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.of(corpus).clone();
    // One change leaves most of the input valid, so that what comes after it is reached.
    for _ in 0..=random.below(4).saturating_sub(1) {
        bytes = changed(bytes, corpus, random);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn changed(mut bytes: Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let length = bytes.len();
    let at = random.below(length + 1);
    let end = (at + 1 + random.below(64)).min(length);
    match random.below(12) {
        0 => flip(&mut bytes, random),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end.max(at))),
        3 => {
            let piece = bytes[at..end.max(at)].to_vec();
            let times = 1 + random.below(8);
            bytes.splice(at..at, piece.repeat(times));
        }
        4 => {
            let other = random.of(corpus);
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        5 | 6 => number(&mut bytes, at, random),
        7 => drop(bytes.splice(at..at, random.of(WORDS).bytes())),
        8 => {
            // Deep nesting.
            let open = *random.of(b"[{(\"");
            bytes.splice(at..at, vec![open; 1 << random.below(14)]);
        }
        9 | 10 => {
            let value = random.of(INTEGERS).to_le_bytes();
            let width = 1 << random.below(4);
            for (place, byte) in bytes.iter_mut().skip(at).zip(&value[..width]) {
                *place = *byte;
            }
        }
        _ => {
            let value = random.of(INTEGERS).to_be_bytes();
            let width = 1 << random.below(4);
            for (place, byte) in bytes.iter_mut().skip(at).zip(&value[8 - width..]) {
                *place = *byte;
            }
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
}

/// Replaces the next number by another.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let from = bytes[at..].iter().position(u8::is_ascii_digit);
    let start = from.map_or(at, |from| at + from);
    let digits = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let stop = start + digits.count();
    bytes.splice(start..stop, random.of(NUMBERS).bytes());
}
