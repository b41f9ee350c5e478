//! Small files for the tests of the readers, written from scratch.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use super::array::{ByteOrder, Number};
use super::{Axis, ReadRequest, Recording, RecordingError, read_bytes};

/// Every kind of number with its MATLAB element type and NumPy type.
pub(super) const NUMBERS: [(Number, u32, &str); 10] = [
    (Number::Int8, 1, "i1"),
    (Number::UInt8, 2, "u1"),
    (Number::Int16, 3, "i2"),
    (Number::UInt16, 4, "u2"),
    (Number::Int32, 5, "i4"),
    (Number::UInt32, 6, "u4"),
    (Number::Float32, 7, "f4"),
    (Number::Float64, 9, "f8"),
    (Number::Int64, 12, "i8"),
    (Number::UInt64, 13, "u8"),
];

/// Bytes of small numbers, stored as `number`.
pub(super) fn encode(values: &[u8], number: Number, order: ByteOrder) -> Vec<u8> {
    let one = |&value: &u8| {
        let mut bytes = match number {
            Number::Float32 => f32::from(value).to_le_bytes().to_vec(),
            Number::Float64 => f64::from(value).to_le_bytes().to_vec(),
            _ => u64::from(value).to_le_bytes()[..number.size()].to_vec(),
        };
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    };
    values.iter().flat_map(one).collect()
}

/// A variable to be written to a MATLAB file.
pub(super) struct MatVariable {
    pub(super) name: &'static str,
    pub(super) flags: u32,
    pub(super) shape: Vec<u32>,
    pub(super) kind: u32,
    pub(super) values: Vec<u8>,
}

fn word(value: u32, order: ByteOrder) -> [u8; 4] {
    match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    }
}

/// An element in its small form where it fits, as MATLAB writes it.
fn mat_element(kind: u32, data: &[u8], order: ByteOrder) -> Vec<u8> {
    let size = data.len() as u32;
    let mut bytes = Vec::new();
    if (1..=4).contains(&size) {
        bytes.extend(word(size << 16 | kind, order));
    } else {
        bytes.extend(word(kind, order));
        bytes.extend(word(size, order));
    }
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// The header of a MATLAB v5 file.
pub(super) fn mat_header(order: ByteOrder) -> Vec<u8> {
    let mut bytes = b"MATLAB 5.0 MAT-file".to_vec();
    bytes.resize(124, b' ');
    bytes.extend(match order {
        ByteOrder::Little => [0x00, 0x01, b'I', b'M'],
        ByteOrder::Big => [0x01, 0x00, b'M', b'I'],
    });
    bytes
}

/// One variable as a top-level element.
pub(super) fn mat_matrix(variable: &MatVariable, order: ByteOrder, compressed: bool) -> Vec<u8> {
    let shape = variable.shape.iter();
    let dimensions: Vec<u8> = shape.flat_map(|&n| word(n, order)).collect();
    let flags = [word(variable.flags, order), word(0, order)].concat();
    let content = [
        mat_element(6, &flags, order),
        mat_element(5, &dimensions, order),
        mat_element(1, variable.name.as_bytes(), order),
        mat_element(variable.kind, &variable.values, order),
    ]
    .concat();
    let mut matrix = [word(14, order), word(content.len() as u32, order)].concat();
    matrix.extend(content);
    if !compressed {
        return matrix;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&matrix).unwrap();
    let packed = encoder.finish().unwrap();
    let mut bytes = [word(15, order), word(packed.len() as u32, order)].concat();
    bytes.extend(packed);
    bytes
}

/// A `.npy` file of format version 1.
pub(super) fn npy_file(descr: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values);
    bytes
}

/// A rule without symmetry: is this cell active?
pub(super) fn active(repeat: usize, cell: usize, bin: usize) -> bool {
    (7 * repeat + 3 * cell + 5 * bin + repeat * cell * bin) % 4 == 1
}

/// The values of [`active`] in the order of an array with these axes, the first
/// axis running slowest.
pub(super) fn stored(axes: [(Axis, usize); 3]) -> Vec<u8> {
    let [(first, a), (second, b), (_, c)] = axes;
    let mut values = Vec::new();
    for (i, j, k) in (0..a).flat_map(|i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k)))) {
        let index = |wanted| match wanted {
            _ if wanted == first => i,
            _ if wanted == second => j,
            _ => k,
        };
        let value = active(index(Axis::Repeat), index(Axis::Cell), index(Axis::Bin));
        values.push(u8::from(value));
    }
    values
}

/// Asserts that a recording follows [`active`].
pub(super) fn assert_active(recording: &Recording, repeats: usize, cells: usize, bins: usize) {
    assert_eq!(recording.repeats, repeats);
    assert_eq!(recording.bins_per_repeat, bins);
    assert_eq!(recording.cells(), cells);
    assert_eq!(recording.bins(), repeats * bins);
    for repeat in 0..repeats {
        for bin in 0..bins {
            for cell in 0..cells {
                let found = recording.data.get(repeat * bins + bin, cell);
                assert_eq!(found, active(repeat, cell, bin), "{repeat} {cell} {bin}");
            }
        }
    }
}

/// Reads `bytes` as the file `name` with these axes.
pub(super) fn read_as(
    name: &str,
    bytes: &[u8],
    axes: &[Axis],
) -> Result<Recording, RecordingError> {
    let request = ReadRequest {
        path: name.into(),
        axes: axes.to_vec(),
        ..ReadRequest::default()
    };
    read_with(bytes, &request)
}

/// Reads `bytes` for a request, where no Parquet file is expected.
pub(super) fn read_with(bytes: &[u8], request: &ReadRequest) -> Result<Recording, RecordingError> {
    read_bytes(bytes, request, &|_| Err("no Parquet here".to_owned()))
}
