//! MATLAB v5 files (`save` with `-v6` or `-v7`), plain or compressed.

use std::io::Read;

use super::array::{ByteOrder, Layout, Number, Order};
use super::matlab_stream::{Element, Stream, elements};
use super::numbers::{Numbers, Stored};
use super::{ReadRequest, Recording, RecordingError, VariableListing};

const HEADER: usize = 128;
const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Bytes of the name of a variable, and of its list of dimensions, at most.
const LONGEST_NAME: u64 = 4096;
const LONGEST_DIMENSIONS: u64 = 4 * 32;

const FLAG_COMPLEX: u32 = 0x0800;
const FLAG_LOGICAL: u32 = 0x0200;

/// A variable of the file: what it is, and where.
struct Variable<'a> {
    listing: VariableListing,
    element: Element<'a>,
    readable: bool,
}

/// Reads a variable of a MATLAB v5 file.
pub(super) fn read(bytes: &[u8], request: &ReadRequest) -> Result<Recording, RecordingError> {
    let (order, variables) = variables(bytes)?;
    let variable = choose(&variables, request)?;
    let layout = Layout::new(request, &variable.listing.shape, Order::ColumnMajor)?;
    let fill = |source: &mut dyn Read, number| layout.fill(source, number, order);
    let bits = read_values(variable, order, layout.len(), fill)?;
    Ok(layout.finish(bits))
}

/// Reads columns: of the variable of the request, or the only one, which have no
/// names; else a variable a column, of which those called `wanted` are read.
pub(super) fn numbers(
    bytes: &[u8],
    request: &ReadRequest,
    wanted: &[String],
) -> Result<Numbers, RecordingError> {
    let (order, variables) = variables(bytes)?;
    let read = |variable: &Variable<'_>, stored: &Stored| {
        let read = |source: &mut dyn Read, number| stored.read(source, number, order);
        read_values(variable, order, stored.len(), read)
    };
    if request.variable.is_some() || variables.len() == 1 {
        let variable = choose(&variables, request)?;
        let shape = &variable.listing.shape;
        return read(
            variable,
            &Stored::matrix(request, shape, Order::ColumnMajor)?,
        );
    }
    let mut names = Vec::new();
    let mut columns = Vec::new();
    for variable in &variables {
        let VariableListing { name, shape, .. } = &variable.listing;
        names.push(name.clone());
        columns.push(if wanted.contains(name) {
            let stored = Stored::vector(request, name, shape)?;
            read(variable.checked()?, &stored)?.columns.concat()
        } else {
            Vec::new()
        });
    }
    Ok(Numbers {
        names: Some(names),
        columns,
    })
}

/// All variables of a file, and its byte order.
fn variables(bytes: &[u8]) -> Result<(ByteOrder, Vec<Variable<'_>>), RecordingError> {
    let (order, body) = header(bytes)?;
    let mut variables = Vec::new();
    for element in elements(body, order)? {
        let variable = describe(&mut Stream::open(&element, order)?, element, order)?;
        // An unnamed matrix holds the insides of objects, not a variable.
        if !variable.listing.name.is_empty() {
            variables.push(variable);
        }
    }
    Ok((order, variables))
}

/// Checks the header; gives the byte order and what follows.
fn header(bytes: &[u8]) -> Result<(ByteOrder, &[u8]), RecordingError> {
    let hdf5 = |at: usize| {
        bytes
            .get(at..)
            .is_some_and(|b| b.starts_with(HDF5_SIGNATURE))
    };
    if hdf5(0) || hdf5(512) || bytes.starts_with(b"MATLAB 7.3") {
        return Err(RecordingError::MatlabHdf5);
    }
    let Some((head, body)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(RecordingError::Truncated {
            element: "the header of a MATLAB file",
            needed: HEADER as u64,
            left: bytes.len() as u64,
        });
    };
    // Version 5 begins with text, version 4 with a small 32-bit number.
    if head[..4].contains(&0) {
        return Err(RecordingError::MatlabVersion4);
    }
    match &head[124..] {
        [0x00, 0x01, b'I', b'M'] => Ok((ByteOrder::Little, body)),
        [0x01, 0x00, b'M', b'I'] => Ok((ByteOrder::Big, body)),
        found => Err(RecordingError::Header {
            format: "MATLAB v5",
            found: format!("bytes {found:02x?} at 124"),
        }),
    }
}

/// Reads flags, dimensions and name of a matrix.
fn describe<'a>(
    stream: &mut Stream<'a>,
    element: Element<'a>,
    order: ByteOrder,
) -> Result<Variable<'a>, RecordingError> {
    let (_, flags) = stream.short("the flags of a matrix", 8)?;
    let Some((&flags, _)) = flags.split_first_chunk::<4>() else {
        return Err(RecordingError::Truncated {
            element: "the flags of a matrix",
            needed: 8,
            left: flags.len() as u64,
        });
    };
    let flags = order.u32(flags);
    let class = flags & 0xff;
    let mut listing = VariableListing {
        name: "(object)".to_owned(),
        class: class_name(flags),
        shape: Vec::new(),
    };
    // Functions and opaque objects are laid out in other ways.
    if class <= 15 {
        let (_, dimensions) = stream.short("the dimensions of a matrix", LONGEST_DIMENSIONS)?;
        let (sizes, _) = dimensions.as_chunks::<4>();
        listing.shape = sizes.iter().map(|&n| u64::from(order.u32(n))).collect();
        let (_, name) = stream.short("the name of a matrix", LONGEST_NAME)?;
        listing.name = String::from_utf8_lossy(&name).into_owned();
    }
    Ok(Variable {
        listing,
        element,
        readable: (6..=15).contains(&class) && flags & FLAG_COMPLEX == 0,
    })
}

fn class_name(flags: u32) -> &'static str {
    let class = match flags & 0xff {
        _ if flags & FLAG_LOGICAL != 0 => "logical",
        _ if flags & FLAG_COMPLEX != 0 => "complex",
        1 => "cell",
        2 => "struct",
        4 => "char",
        5 => "sparse",
        6 => "double",
        7 => "single",
        8 => "int8",
        9 => "uint8",
        10 => "int16",
        11 => "uint16",
        12 => "int32",
        13 => "uint32",
        14 => "int64",
        15 => "uint64",
        _ => "object",
    };
    if flags & 0xff == 5 { "sparse" } else { class }
}

fn choose<'v, 'a>(
    variables: &'v [Variable<'a>],
    request: &ReadRequest,
) -> Result<&'v Variable<'a>, RecordingError> {
    let found = || variables.iter().map(|v| v.listing.clone()).collect();
    let variable = match (&request.variable, variables) {
        (None, [only]) => Ok(only),
        (None, _) => Err(RecordingError::VariableUnnamed { found: found() }),
        (Some(name), _) => variables
            .iter()
            .find(|v| v.listing.name == *name)
            .ok_or_else(|| RecordingError::VariableMissing {
                name: name.clone(),
                found: found(),
            }),
    };
    variable?.checked()
}

impl Variable<'_> {
    /// The variable, if it holds plain real numbers.
    fn checked(&self) -> Result<&Self, RecordingError> {
        if self.readable {
            return Ok(self);
        }
        Err(RecordingError::VariableKind {
            found: self.listing.clone(),
        })
    }
}

/// Has `take` read the values of a variable that must have so many.
fn read_values<T>(
    variable: &Variable<'_>,
    order: ByteOrder,
    values: usize,
    take: impl FnOnce(&mut dyn Read, Number) -> Result<T, RecordingError>,
) -> Result<T, RecordingError> {
    let mut stream = Stream::open(&variable.element, order)?;
    describe(&mut stream, variable.element, order)?;
    let tag = stream.tag("the values of the array")?;
    let number = number(tag.kind)?;
    let expected = values as u64 * number.size() as u64;
    if tag.size != expected {
        return Err(RecordingError::Unexpected {
            element: "the values of the array",
            found: format!("{} bytes long", tag.size),
            expected: format!("{expected}, from its dimensions"),
        });
    }
    let taken = take(stream.data(), number)?;
    stream.finish(tag)?;
    Ok(taken)
}

/// How values are stored, which need not be as their class says.
fn number(kind: u32) -> Result<Number, RecordingError> {
    Ok(match kind {
        1 => Number::Int8,
        2 => Number::UInt8,
        3 => Number::Int16,
        4 => Number::UInt16,
        5 => Number::Int32,
        6 => Number::UInt32,
        7 => Number::Float32,
        9 => Number::Float64,
        12 => Number::Int64,
        13 => Number::UInt64,
        _ => {
            return Err(RecordingError::Unexpected {
                element: "the type of the values",
                found: format!("{kind}"),
                expected: "a type of numbers".to_owned(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Axis::{Bin, Cell, Repeat};
    use super::super::fixtures::*;
    use super::*;

    const DOUBLE: u32 = 6;
    const LITTLE: ByteOrder = ByteOrder::Little;

    /// Cell x bin values of repeat 0, cell running fastest as MATLAB stores them.
    fn plane(cells: usize, bins: usize) -> Vec<u8> {
        stored([(Bin, bins), (Cell, cells), (Repeat, 1)])
    }

    fn variable(name: &'static str, shape: &[u32], values: Vec<u8>) -> MatVariable {
        MatVariable {
            name,
            flags: DOUBLE,
            shape: shape.to_vec(),
            kind: 2,
            values,
        }
    }

    fn file(variable: &MatVariable, order: ByteOrder, compressed: bool) -> Vec<u8> {
        let matrix = mat_matrix(variable, order, compressed);
        [mat_header(order), matrix].concat()
    }

    /// Like the public record of 160 cells: repeat x cell x bin, class double,
    /// stored as bytes, compressed.
    fn three_dimensional() -> Vec<u8> {
        let values = stored([(Bin, 7), (Cell, 4), (Repeat, 5)]);
        file(&variable("bint", &[5, 4, 7], values), LITTLE, true)
    }

    #[test]
    fn a_repeat_cell_bin_array_is_read_repeat_after_repeat() {
        let axes = [Repeat, Cell, Bin];
        let recording = read_as("bint.mat", &three_dimensional(), &axes).unwrap();
        assert_active(&recording, 5, 4, 7);
    }

    #[test]
    fn every_number_type_byte_order_and_compression_is_read() {
        for (number, kind, _) in NUMBERS {
            for order in [LITTLE, ByteOrder::Big] {
                for compressed in [false, true] {
                    let mut plain = variable("data", &[6, 9], Vec::new());
                    plain.kind = kind;
                    plain.values = encode(&plane(6, 9), number, order);
                    let bytes = file(&plain, order, compressed);
                    let recording = read_as("a.mat", &bytes, &[Cell, Bin]).unwrap();
                    assert_active(&recording, 1, 6, 9);
                }
            }
        }
    }

    #[test]
    fn a_logical_array_and_one_of_four_bytes_are_read() {
        let mut logical = variable("x", &[2, 2], vec![1, 0, 0, 1]);
        logical.flags = 9 | FLAG_LOGICAL;
        let recording = read_as("a.mat", &file(&logical, LITTLE, false), &[]).unwrap();
        let set = |row, cell| recording.data.get(row, cell);
        assert_eq!(
            [set(0, 0), set(0, 1), set(1, 0), set(1, 1)],
            [true, false, false, true]
        );
    }

    #[test]
    fn axes_of_length_one_at_the_end_may_be_missing() {
        let bytes = file(
            &variable("x", &[3, 2], vec![1, 0, 0, 0, 1, 1]),
            LITTLE,
            true,
        );
        let recording = read_as("a.mat", &bytes, &[Cell, Bin, Repeat]).unwrap();
        assert_eq!((recording.cells(), recording.bins()), (3, 2));
        assert!(recording.data.get(1, 1) && recording.data.get(1, 2));
    }

    #[test]
    fn several_variables_are_listed_and_one_is_taken_by_name() {
        let one = mat_matrix(&variable("one", &[1, 8], vec![0; 8]), LITTLE, false);
        let two = mat_matrix(&variable("two", &[6, 9], plane(6, 9)), LITTLE, true);
        let bytes = [mat_header(LITTLE), one, two].concat();
        let error = read_as("a.mat", &bytes, &[Cell, Bin]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no `variable` named, and the file holds: `one` (1 x 8 double), `two` (6 x 9 double); name one"
        );
        let mut request = ReadRequest {
            path: "a.mat".into(),
            axes: vec![Cell, Bin],
            variable: Some("two".to_owned()),
            ..ReadRequest::default()
        };
        assert_active(&read_with(&bytes, &request).unwrap(), 1, 6, 9);
        request.variable = Some("three".to_owned());
        let error = read_with(&bytes, &request).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no variable `three` in the file")
        );
    }

    #[test]
    fn a_value_that_is_not_a_bit_is_named_with_its_place() {
        let mut values = plane(6, 9);
        values[6 * 8 + 5] = 3;
        let bytes = file(&variable("x", &[6, 9], values), LITTLE, true);
        let error = read_as("a.mat", &bytes, &[Cell, Bin]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "value 3 at cell 5, bin 8 (counted from 0), expected 0 or 1: threshold the counts first"
        );
    }

    #[test]
    fn a_fraction_and_a_nan_are_not_bits() {
        for odd in [0.5, f64::NAN, -1.0, 1.0 + f64::EPSILON] {
            let mut plain = variable("x", &[1, 2], [0.0, odd].map(f64::to_le_bytes).concat());
            plain.kind = 9;
            let error = read_as("a.mat", &file(&plain, LITTLE, false), &[]).unwrap_err();
            assert!(
                matches!(error, RecordingError::Value { .. }),
                "{odd}: {error}"
            );
        }
    }

    #[test]
    fn other_versions_are_recognised_and_refused() {
        let mut hdf5 = b"MATLAB 7.3 MAT-file".to_vec();
        hdf5.resize(512, b' ');
        hdf5.extend(HDF5_SIGNATURE);
        let error = read_as("a.mat", &hdf5, &[]).unwrap_err();
        assert!(matches!(error, RecordingError::MatlabHdf5), "{error}");
        let mut version_4 = vec![0, 0, 0, 0, 2, 0, 0, 0];
        version_4.resize(200, 0);
        let error = read_as("a.mat", &version_4, &[]).unwrap_err();
        assert!(matches!(error, RecordingError::MatlabVersion4), "{error}");
    }

    #[test]
    fn complex_and_sparse_arrays_are_refused_by_name() {
        for (flags, class) in [
            (DOUBLE | FLAG_COMPLEX, "complex"),
            (5, "sparse"),
            (2, "struct"),
        ] {
            let mut odd = variable("x", &[6, 9], plane(6, 9));
            odd.flags = flags;
            let error = read_as("a.mat", &file(&odd, LITTLE, false), &[]).unwrap_err();
            let expected = format!("variable `x` (6 x 9 {class}) cannot be read");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn huge_declared_sizes_are_refused_before_anything_is_allocated() {
        // 2^60 values declared, 8 bytes stored.
        let huge = variable("x", &[1 << 30, 1 << 30], vec![0; 8]);
        let error = read_as("a.mat", &file(&huge, LITTLE, true), &[]).unwrap_err();
        assert!(matches!(error, RecordingError::TooLarge { .. }), "{error}");
        // 2^30 values would fit in memory, but are not in the file.
        let large = variable("x", &[1 << 24, 1 << 6], vec![0; 8]);
        let error = read_as("a.mat", &file(&large, LITTLE, true), &[]).unwrap_err();
        assert!(
            matches!(error, RecordingError::Unexpected { .. }),
            "{error}"
        );
        // A compressed element that claims more than its bytes can inflate to.
        let mut claim = [14_u32, 1 << 31].map(u32::to_le_bytes).concat();
        claim.extend([0; 64]);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &claim).unwrap();
        let packed = encoder.finish().unwrap();
        let tag = [15_u32, packed.len() as u32].map(u32::to_le_bytes).concat();
        let bytes = [mat_header(LITTLE), tag, packed].concat();
        let error = read_as("a.mat", &bytes, &[]).unwrap_err();
        assert!(matches!(error, RecordingError::Truncated { .. }), "{error}");
    }

    #[test]
    fn a_wrong_checksum_is_noticed() {
        let mut bytes = three_dimensional();
        *bytes.last_mut().unwrap() ^= 1;
        let error = read_as("a.mat", &bytes, &[Repeat, Cell, Bin]).unwrap_err();
        assert!(matches!(error, RecordingError::Inflate(_)), "{error}");
    }

    #[test]
    fn more_data_than_the_dimensions_ask_for_are_an_error() {
        let plain = mat_matrix(&variable("x", &[6, 9], plane(6, 9)), LITTLE, false);
        let mut longer = plain[8..].to_vec();
        longer.extend([0; 16]);
        let tag = [14_u32, longer.len() as u32].map(u32::to_le_bytes).concat();
        let bytes = [mat_header(LITTLE), tag, longer].concat();
        let error = read_as("a.mat", &bytes, &[Cell, Bin]).unwrap_err();
        let start = "the end of a matrix is followed by more data";
        assert!(error.to_string().starts_with(start), "{error}");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let axes = [Repeat, Cell, Bin];
        let bytes = three_dimensional();
        // Up to the end of the header the file is empty, not cut short.
        for length in 0..bytes.len() {
            assert!(
                read_as("a.mat", &bytes[..length], &axes).is_err(),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn flipped_bits_never_panic(flips in prop::collection::vec((0_usize..4000, 0_u8..8), 1..6), compressed: bool) {
            let values = stored([(Bin, 7), (Cell, 4), (Repeat, 5)]);
            let mut bytes = file(&variable("bint", &[5, 4, 7], values), LITTLE, compressed);
            let length = bytes.len();
            for (at, bit) in flips {
                bytes[at % length] ^= 1 << bit;
            }
            if let Ok(recording) = read_as("a.mat", &bytes, &[Repeat, Cell, Bin]) {
                prop_assert_eq!(recording.bins() * recording.cells(), 140);
            }
        }

        #[test]
        fn random_bytes_after_a_valid_header_never_panic(
            rest in prop::collection::vec(any::<u8>(), 0..400),
            kind in prop::sample::select(vec![0_u8, 14, 15]),
        ) {
            let size = (rest.len() as u32).to_le_bytes();
            let tag = [[kind, 0, 0, 0], size].concat();
            let bytes = [mat_header(LITTLE), tag, rest].concat();
            prop_assert!(read_as("a.mat", &bytes, &[]).is_err());
        }
    }
}
