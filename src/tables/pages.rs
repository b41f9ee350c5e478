//! Checks the pages of a Parquet file before the decoder sees them.
//!
//! The decoder reserves memory for as many values as a page's header claims,
//! and a failed reservation ends the process. So every header is read here
//! first: a page may claim no more values than its column chunk still has, no
//! more bytes than there are, and only encodings whose lengths the decoder
//! bounds by the number of values. Headers are Thrift structures in the
//! compact protocol; only fields of the format's own definition, of their own
//! types, are let through.

use std::collections::BTreeMap;

/// Most bytes that the pages of one file may unpack to: 2 GiB.
const MAX_UNPACKED: u64 = 1 << 31;

/// `PLAIN`, `PLAIN_DICTIONARY`, `RLE` and `RLE_DICTIONARY` by their numbers.
const ENCODINGS: [u32; 4] = [0, 2, 3, 8];

/// Identifiers of the structures in a page header: that of the field of
/// `PageHeader` which holds them, zero for the header itself.
const HEADER: u8 = 0;
const DATA: u8 = 5;
const DICTIONARY: u8 = 7;
const DATA_V2: u8 = 8;
/// Stands for the statistics inside a data header, of any version.
const STATISTICS: u8 = u8::MAX;

/// The 32-bit numbers of a header by structure and field.
type Numbers = BTreeMap<(u8, u8), u32>;

/// Adds up what pages unpack to, over all column chunks of a file.
#[derive(Debug, Default)]
pub(super) struct PageCheck {
    unpacked: u64,
}

impl PageCheck {
    /// Reads all page headers of a column chunk that claims `values` values.
    ///
    /// # Errors
    ///
    /// What is wrong, if a header cannot be read, claims more than there is, or
    /// names an encoding that is not read.
    pub(super) fn chunk(&mut self, bytes: &[u8], values: usize) -> Result<(), String> {
        let mut cursor = Cursor { bytes };
        let mut seen = 0;
        while seen < values && !cursor.bytes.is_empty() {
            let mut numbers = Numbers::new();
            cursor
                .structure(HEADER, &mut numbers)
                .ok_or("a page header is damaged")?;
            seen += self.page(&numbers, values - seen)?;
            let packed = number(&numbers, HEADER, 3)? as usize;
            cursor
                .take(packed)
                .ok_or("a page is longer than its column")?;
        }
        Ok(())
    }

    /// Checks one page; returns how many of the chunk's values it holds.
    fn page(&mut self, numbers: &Numbers, left: usize) -> Result<usize, String> {
        let unpacked = number(numbers, HEADER, 2)?;
        self.unpacked += u64::from(unpacked);
        if self.unpacked > MAX_UNPACKED {
            return Err(format!(
                "its pages unpack to more than {MAX_UNPACKED} bytes"
            ));
        }
        let (kind, limit, encoding) = match number(numbers, HEADER, 1)? {
            0 => (DATA, left, 2),
            2 => (DICTIONARY, unpacked as usize, 2),
            3 => (DATA_V2, left, 4),
            other => return Err(format!("a page is of type {other}, expected 0, 2 or 3")),
        };
        let values = number(numbers, kind, 1)? as usize;
        if values > limit {
            return Err(format!(
                "a page claims {values} values, at most {limit} are left"
            ));
        }
        let encoding = number(numbers, kind, encoding)?;
        if !ENCODINGS.contains(&encoding) {
            return Err(format!(
                "a page has encoding {encoding}, expected plain, dictionary or run-length encoding"
            ));
        }
        if kind == DATA_V2 && number(numbers, kind, 2)? as usize > values {
            return Err("a page has more missing values than values".to_owned());
        }
        Ok(if kind == DICTIONARY { 0 } else { values })
    }
}

fn number(numbers: &Numbers, structure: u8, field: u8) -> Result<u32, String> {
    let found = numbers.get(&(structure, field)).copied();
    found.ok_or_else(|| {
        format!("field {field} of structure {structure} is missing from a page header")
    })
}

/// The types of the compact protocol that occur in a page header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Flag,
    Number,
    Long,
    Binary,
    Structure,
}

/// What the format says of a field.
fn expected(structure: u8, field: u8) -> Option<Type> {
    match (structure, field) {
        (HEADER | DATA, 1..=4) | (DICTIONARY, 1..=2) | (DATA_V2, 1..=6) => Some(Type::Number),
        (DICTIONARY, 3) | (DATA_V2, 7) | (STATISTICS, 7 | 8) => Some(Type::Flag),
        (HEADER, DATA | DICTIONARY | DATA_V2) | (DATA, 5) | (DATA_V2, 8) => Some(Type::Structure),
        (STATISTICS, 1 | 2 | 5 | 6) => Some(Type::Binary),
        (STATISTICS, 3 | 4) => Some(Type::Long),
        _ => None,
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(length)?;
        self.bytes = tail;
        Some(head)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number in zigzag form that is not negative and fits 31 bits.
    fn number(&mut self) -> Option<u32> {
        let zigzag = self.varint()?;
        let value = zigzag.is_multiple_of(2).then_some(zigzag / 2)?;
        i32::try_from(value).ok().map(i32::cast_unsigned)
    }

    /// Reads a structure and keeps its numbers. `None` if a field is unknown,
    /// repeated, of another type, negative or cut short.
    fn structure(&mut self, structure: u8, numbers: &mut Numbers) -> Option<()> {
        let mut field = 0_u8;
        loop {
            let byte = self.take(1)?[0];
            if byte == 0 {
                return Some(());
            }
            // A step of zero would spell the field out; no writer needs that, and
            // steps upwards leave no room for a field to occur twice.
            let step = (byte >> 4 != 0).then_some(byte >> 4)?;
            field = field.checked_add(step)?;
            let kind = expected(structure, field)?;
            match (kind, byte & 0x0f) {
                (Type::Flag, 1 | 2) => {}
                (Type::Number, 5) if (structure, field) == (HEADER, 4) => {
                    self.varint()?; // a checksum, of any sign
                }
                (Type::Number, 5) => {
                    numbers.insert((structure, field), self.number()?);
                }
                (Type::Long, 6) => {
                    self.varint()?;
                }
                (Type::Binary, 8) => {
                    let length = usize::try_from(self.varint()?).ok()?;
                    self.take(length)?;
                }
                (Type::Structure, 12) if structure == HEADER => self.structure(field, numbers)?,
                (Type::Structure, 12) => self.structure(STATISTICS, numbers)?,
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number as the compact protocol writes it.
    fn zigzag(value: i32) -> Vec<u8> {
        let mut rest = ((i64::from(value) << 1) ^ (i64::from(value) >> 63)).cast_unsigned();
        let mut bytes = Vec::new();
        while rest >= 0x80 {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    /// A data page of version 1: `values` values in `encoding`, `length` zero bytes.
    fn page(values: i32, encoding: i32, length: u8) -> Vec<u8> {
        let mut bytes = vec![0x15];
        bytes.extend(zigzag(0));
        for _ in 0..2 {
            bytes.push(0x15);
            bytes.extend(zigzag(length.into()));
        }
        bytes.push(0x2c); // field 5, past the checksum
        for value in [values, encoding, 3, 3] {
            bytes.push(0x15);
            bytes.extend(zigzag(value));
        }
        bytes.extend([0, 0]);
        bytes.extend(vec![0; length.into()]);
        bytes
    }

    fn check(bytes: &[u8], values: usize) -> Result<(), String> {
        PageCheck::default().chunk(bytes, values)
    }

    #[test]
    fn pages_that_add_up_pass() {
        let bytes = [page(3, 0, 24), page(2, 8, 5)].concat();
        assert_eq!(check(&bytes, 5), Ok(()));
    }

    #[test]
    fn a_page_may_not_claim_more_values_than_are_left() {
        let bytes = [page(3, 0, 24), page(3, 8, 5)].concat();
        let message = check(&bytes, 5).unwrap_err();
        assert_eq!(message, "a page claims 3 values, at most 2 are left");
        assert!(check(&page(i32::MAX, 0, 1), 5).is_err());
        assert!(check(&page(-1, 0, 1), 5).is_err());
    }

    #[test]
    fn a_page_may_not_be_longer_than_its_column() {
        let mut bytes = page(3, 0, 24);
        bytes.pop();
        assert_eq!(
            check(&bytes, 3).unwrap_err(),
            "a page is longer than its column"
        );
    }

    #[test]
    fn delta_encodings_are_refused() {
        assert!(
            check(&page(3, 5, 24), 3)
                .unwrap_err()
                .contains("encoding 5")
        );
    }

    #[test]
    fn every_cut_header_is_an_error() {
        let bytes = page(3, 0, 0);
        for length in 1..bytes.len() {
            assert!(check(&bytes[..length], 3).is_err(), "{length} bytes");
        }
    }
}
