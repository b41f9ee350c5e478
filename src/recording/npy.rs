//! NumPy's `.npy` files: booleans, integers and floats, in either index order.
//!
//! The header is parsed here, strictly: a general parser of Python literals
//! would recurse as deep as the file says.

use super::array::{ByteOrder, Layout, Number, Order};
use super::numbers::{Numbers, Stored};
use super::{ReadRequest, Recording, RecordingError};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Dimensions that NumPy allows.
const MOST_DIMENSIONS: usize = 64;

/// What the header of a file declares.
struct Header {
    number: Number,
    byte_order: ByteOrder,
    order: Order,
    shape: Vec<u64>,
}

/// Reads a `.npy` file.
pub(super) fn read(bytes: &[u8], request: &ReadRequest) -> Result<Recording, RecordingError> {
    request.refuse_variable("npy")?;
    let (text, mut values) = split_header(bytes)?;
    let header = parse_header(text)?;
    let layout = Layout::new(request, &header.shape, header.order)?;
    header.check_length(layout.len() as u64, values.len() as u64)?;
    let bits = layout.fill(&mut values, header.number, header.byte_order)?;
    Ok(layout.finish(bits))
}

/// Reads the columns of a `.npy` file with two axes, which have no names.
pub(super) fn numbers(bytes: &[u8], request: &ReadRequest) -> Result<Numbers, RecordingError> {
    request.refuse_variable("npy")?;
    let (text, mut values) = split_header(bytes)?;
    let header = parse_header(text)?;
    let stored = Stored::matrix(request, &header.shape, header.order)?;
    header.check_length(stored.len() as u64, values.len() as u64)?;
    stored.read(&mut values, header.number, header.byte_order)
}

impl Header {
    /// Checks the bytes of the values against their number, before anything is
    /// allocated.
    fn check_length(&self, values: u64, found: u64) -> Result<(), RecordingError> {
        let expected = values * self.number.size() as u64;
        if found == expected {
            return Ok(());
        }
        Err(RecordingError::Unexpected {
            element: "the part after the header",
            found: format!("{found} bytes long"),
            expected: format!("{expected}, from shape and type"),
        })
    }
}

/// Splits a file into the text of its header and its values.
fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), RecordingError> {
    let truncated = |needed: usize, left: usize| RecordingError::Truncated {
        element: "the header of the npy file",
        needed: needed as u64,
        left: left as u64,
    };
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let start = &bytes[..bytes.len().min(MAGIC.len())];
        return Err(RecordingError::Header {
            format: "npy",
            found: format!("bytes {start:02x?}"),
        });
    };
    let (length, rest) = match *rest {
        [1, _, a, b, ref rest @ ..] => (usize::from(u16::from_le_bytes([a, b])), rest),
        [2 | 3, _, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]) as usize, rest),
        [version @ (0 | 4..), ..] => {
            return Err(RecordingError::Unexpected {
                element: "the version of the npy file",
                found: version.to_string(),
                expected: "1, 2 or 3".to_owned(),
            });
        }
        _ => return Err(truncated(12, bytes.len())),
    };
    let (text, values) = rest
        .split_at_checked(length)
        .ok_or_else(|| truncated(length, rest.len()))?;
    let text = str::from_utf8(text).map_err(|_| unexpected("not text", "a Python dictionary"))?;
    Ok((text, values))
}

fn unexpected(found: &str, expected: &str) -> RecordingError {
    RecordingError::Unexpected {
        element: "the header of the npy file",
        found: found.chars().take(40).collect(),
        expected: expected.to_owned(),
    }
}

/// Parses `{'descr': '|u1', 'fortran_order': False, 'shape': (7, 4), }`.
fn parse_header(text: &str) -> Result<Header, RecordingError> {
    let mut literal = Literal { rest: text };
    let (mut kind, mut order, mut shape) = (None, None, None);
    literal.expect("{")?;
    while !literal.accept("}") {
        let key = literal.string()?;
        literal.expect(":")?;
        match key {
            "descr" => kind = Some(stored_number(literal.string()?)?),
            "fortran_order" => order = Some(literal.order()?),
            "shape" => shape = Some(literal.shape()?),
            other => return Err(unexpected(other, "`descr`, `fortran_order` or `shape`")),
        }
        if !literal.accept(",") {
            literal.expect("}")?;
            break;
        }
    }
    match (kind, order, shape) {
        (Some((number, byte_order)), Some(order), Some(shape)) => Ok(Header {
            number,
            byte_order,
            order,
            shape,
        }),
        _ => Err(unexpected(
            "incomplete",
            "`descr`, `fortran_order` and `shape`",
        )),
    }
}

/// The number behind a type such as `<f8`, `|b1` or `>i4`.
fn stored_number(descr: &str) -> Result<(Number, ByteOrder), RecordingError> {
    let wrong = || {
        unexpected(
            descr,
            "a type of booleans, integers or floats, such as `|u1`",
        )
    };
    let (byte_order, name) = match descr.split_at_checked(1) {
        Some(("<" | "|", name)) => (ByteOrder::Little, name),
        Some((">", name)) => (ByteOrder::Big, name),
        _ => return Err(wrong()),
    };
    let number = match name {
        "b1" | "u1" => Number::UInt8,
        "i1" => Number::Int8,
        "i2" => Number::Int16,
        "u2" => Number::UInt16,
        "i4" => Number::Int32,
        "u4" => Number::UInt32,
        "i8" => Number::Int64,
        "u8" => Number::UInt64,
        "f4" => Number::Float32,
        "f8" => Number::Float64,
        _ => return Err(wrong()),
    };
    Ok((number, byte_order))
}

/// The rest of a Python literal, read token by token.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn accept(&mut self, token: &str) -> bool {
        let trimmed = self.rest.trim_start();
        let after = trimmed.strip_prefix(token);
        self.rest = after.unwrap_or(trimmed);
        after.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), RecordingError> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(unexpected(self.rest, &format!("`{token}`")))
        }
    }

    fn string(&mut self) -> Result<&'a str, RecordingError> {
        let quote = if self.accept("\"") { '"' } else { '\'' };
        if quote == '\'' {
            self.expect("'")?;
        }
        let (string, rest) = self
            .rest
            .split_once(quote)
            .ok_or_else(|| unexpected(self.rest, "a closed string"))?;
        self.rest = rest;
        Ok(string)
    }

    fn order(&mut self) -> Result<Order, RecordingError> {
        if self.accept("True") {
            return Ok(Order::ColumnMajor);
        }
        self.expect("False")?;
        Ok(Order::RowMajor)
    }

    fn shape(&mut self) -> Result<Vec<u64>, RecordingError> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.accept(")") {
            let digits = self.rest.len()
                - self
                    .rest
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .len();
            let (number, rest) = self.rest.split_at(digits);
            let wrong = || unexpected(self.rest, "a list of lengths");
            shape.push(number.parse().map_err(|_| wrong())?);
            if shape.len() > MOST_DIMENSIONS {
                return Err(wrong());
            }
            self.rest = rest;
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use npyz::WriterBuilder;
    use proptest::prelude::*;

    use super::super::Axis::{Bin, Cell, Repeat};
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn every_type_byte_order_and_index_order_is_read() {
        for (number, _, name) in NUMBERS {
            for (mark, byte_order) in [("<", ByteOrder::Little), (">", ByteOrder::Big)] {
                let c = encode(
                    &stored([(Repeat, 1), (Bin, 9), (Cell, 6)]),
                    number,
                    byte_order,
                );
                let fortran = encode(
                    &stored([(Cell, 6), (Bin, 9), (Repeat, 1)]),
                    number,
                    byte_order,
                );
                for (values, order) in [(c, "False"), (fortran, "True")] {
                    let bytes = npy_file(&format!("{mark}{name}"), order, "(9, 6)", &values);
                    assert_active(&read_as("a.npy", &bytes, &[]).unwrap(), 1, 6, 9);
                }
            }
        }
    }

    #[test]
    fn a_file_of_another_writer_is_read() {
        let values = stored([(Repeat, 5), (Cell, 4), (Bin, 7)]);
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(&[5, 4, 7]);
        let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
        writer
            .extend(values.iter().map(|&value| value == 1))
            .unwrap();
        writer.finish().unwrap();
        let recording = read_as("a.npy", &bytes, &[Repeat, Cell, Bin]).unwrap();
        assert_active(&recording, 5, 4, 7);
    }

    #[test]
    fn other_types_and_headers_are_refused() {
        let odd = [
            npy_file("<c16", "False", "(2, 2)", &[0; 64]),
            npy_file("|O", "False", "(2, 2)", &[0; 4]),
            npy_file("é", "False", "(2, 2)", &[0; 4]),
            npy_file("|u1", "Maybe", "(2, 2)", &[0; 4]),
            npy_file("|u1", "False", &"(".repeat(60_000), &[0; 4]),
            npy_file("|u1", "False", "(2, -2)", &[0; 4]),
            npy_file("|u1", "False", "(99999999999999999999, 2)", &[0; 4]),
            npy_file("|u1", "False", "(2, 2)", &[0; 5]),
        ];
        for bytes in odd {
            let error = read_as("a.npy", &bytes, &[]).unwrap_err();
            assert!(
                matches!(error, RecordingError::Unexpected { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn huge_declared_shapes_are_refused_before_anything_is_allocated() {
        for shape in ["(18446744073709551615, 2)", "(4294967296, 4294967296)"] {
            let bytes = npy_file("|u1", "False", shape, &[0; 8]);
            let error = read_as("a.npy", &bytes, &[]).unwrap_err();
            assert!(matches!(error, RecordingError::TooLarge { .. }), "{error}");
        }
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend([0xff; 4]);
        let error = read_as("a.npy", &bytes, &[]).unwrap_err();
        assert!(matches!(error, RecordingError::Truncated { .. }), "{error}");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = npy_file("|b1", "False", "(9, 6)", &[1; 54]);
        for length in 0..bytes.len() {
            assert!(read_as("a.npy", &bytes[..length], &[]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn flipped_bits_never_panic(flips in prop::collection::vec((0_usize..4000, 0_u8..8), 1..6)) {
            let mut bytes = npy_file("<i2", "True", "(9, 6)", &[0; 108]);
            let length = bytes.len();
            for (at, bit) in flips {
                bytes[at % length] ^= 1 << bit;
            }
            if let Ok(recording) = read_as("a.npy", &bytes, &[]) {
                prop_assert!(recording.bins() * recording.cells() <= 108);
            }
        }

        #[test]
        fn random_headers_never_panic(text in "[ {}(),:'\"a-z0-9<>|]{0,80}", version in 0_u8..5) {
            let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            prop_assert!(read_as("a.npy", &bytes, &[]).is_err());
        }
    }
}
