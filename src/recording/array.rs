//! From an array of stored numbers to the bits of a recording.

use std::io::{self, Read};

use super::request::axis_list;
use super::{Axis, Coding, ReadRequest, Recording, RecordingError};
use crate::bits::BitMatrix;

/// Bytes that the bits of a recording may take: 2 GiB.
pub(super) const LARGEST_BITS: usize = 1 << 31;

/// Bytes read from a file at a time; a multiple of every number's size.
const CHUNK: usize = 1 << 16;

/// How a number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
}

impl Number {
    /// Bytes a number takes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
        }
    }

    /// The number whose bytes, least significant first, begin `raw`; further
    /// bytes of `raw` are zero.
    fn value(self, raw: [u8; 8]) -> f64 {
        let [a, b, c, d, ..] = raw;
        match self {
            Self::Int8 => f64::from(i8::from_le_bytes([a])),
            Self::UInt8 => f64::from(a),
            Self::Int16 => f64::from(i16::from_le_bytes([a, b])),
            Self::UInt16 => f64::from(u16::from_le_bytes([a, b])),
            Self::Int32 => f64::from(i32::from_le_bytes([a, b, c, d])),
            Self::UInt32 => f64::from(u32::from_le_bytes([a, b, c, d])),
            Self::Float32 => f64::from(f32::from_le_bytes([a, b, c, d])),
            Self::Int64 => i64::from_le_bytes(raw) as f64,
            Self::UInt64 => u64::from_le_bytes(raw) as f64,
            Self::Float64 => f64::from_le_bytes(raw),
        }
    }
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The 32-bit number in `bytes`.
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The bytes of one number, least significant first, filled up with zeros.
    fn little(self, bytes: &[u8]) -> [u8; 8] {
        let mut raw = [0; 8];
        let raw_part = &mut raw[..bytes.len()];
        raw_part.copy_from_slice(bytes);
        if self == Self::Big {
            raw_part.reverse();
        }
        raw
    }
}

/// Which index of an array runs fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The last, as in C and NumPy.
    RowMajor,
    /// The first, as in MATLAB and Fortran.
    ColumnMajor,
}

/// How the stored array maps to repeats, bins and cells.
#[derive(Debug)]
pub(super) struct Layout {
    axes: Vec<Axis>,
    shape: Vec<usize>,
    order: Order,
    coding: Coding,
    repeats: usize,
    bins_per_repeat: usize,
    cells: usize,
}

impl Layout {
    /// Checks a declared shape against the request; allocates nothing large.
    pub(super) fn new(
        request: &ReadRequest,
        declared: &[u64],
        order: Order,
    ) -> Result<Self, RecordingError> {
        let axes = checked_axes(&request.axes)?;
        let shape = padded_shape(declared, &axes)?;
        let length = |wanted| {
            let at = axes.iter().position(|&axis| axis == wanted);
            at.map_or(1, |at| shape[at])
        };
        let (cells, bins) = (length(Axis::Cell), length(Axis::Bin));
        let (repeats, bins_per_repeat) = match request.repeats {
            None => (length(Axis::Repeat), bins),
            Some(asked) if axes.contains(&Axis::Repeat) => {
                let found = length(Axis::Repeat);
                if asked != found {
                    return Err(RecordingError::RepeatsDiffer { found, asked });
                }
                (found, bins)
            }
            Some(repeats) if repeats == 0 || !bins.is_multiple_of(repeats) => {
                return Err(RecordingError::RepeatsDoNotDivide { bins, repeats });
            }
            Some(repeats) => (repeats, bins / repeats),
        };
        if !bits_fit(repeats, bins_per_repeat, cells) {
            return Err(too_large(declared));
        }
        Ok(Self {
            axes,
            shape,
            order,
            coding: request.coding,
            repeats,
            bins_per_repeat,
            cells,
        })
    }

    /// Number of values in the array.
    pub(super) fn len(&self) -> usize {
        self.repeats * self.bins_per_repeat * self.cells
    }

    /// A recording's bits, all zero.
    pub(super) fn zeros(&self) -> BitMatrix {
        BitMatrix::zeros(self.repeats * self.bins_per_repeat, self.cells)
    }

    /// Indices of the stored value number `index`, axis by axis.
    fn indices(&self, index: usize) -> Vec<usize> {
        let mut indices = vec![0; self.shape.len()];
        let mut rest = index;
        let mut divide = |axis: usize| {
            indices[axis] = rest % self.shape[axis];
            rest /= self.shape[axis];
        };
        match self.order {
            Order::ColumnMajor => (0..self.shape.len()).for_each(&mut divide),
            Order::RowMajor => (0..self.shape.len()).rev().for_each(&mut divide),
        }
        indices
    }

    /// Row (time bin, repeat-major) and column (cell) of stored value number `index`.
    fn place(&self, index: usize) -> (usize, usize) {
        let (mut repeat, mut bin, mut cell) = (0, 0, 0);
        for (axis, index) in self.axes.iter().zip(self.indices(index)) {
            match axis {
                Axis::Repeat => repeat = index,
                Axis::Bin => bin = index,
                Axis::Cell => cell = index,
            }
        }
        (repeat * self.bins_per_repeat + bin, cell)
    }

    /// Sets the bit of stored value number `index` if `value` is 1.
    pub(super) fn put(
        &self,
        bits: &mut BitMatrix,
        index: usize,
        value: f64,
    ) -> Result<(), RecordingError> {
        #[expect(clippy::float_cmp, reason = "the value must be exactly one of these")]
        let (down, up) = match self.coding {
            Coding::Activity => (value == 0.0, value == 1.0),
            Coding::Spins => (value == 0.0 || value == -1.0, value == 1.0),
        };
        if down {
            return Ok(());
        }
        if up {
            let (row, cell) = self.place(index);
            bits.set(row, cell, true);
            return Ok(());
        }
        let parts = self.axes.iter().zip(self.indices(index));
        let parts: Vec<String> = parts.map(|(axis, i)| format!("{axis} {i}")).collect();
        let position = parts.join(", ");
        Err(RecordingError::Value { value, position })
    }

    /// Reads the whole array, chunk by chunk, into bits.
    pub(super) fn fill(
        &self,
        source: &mut dyn Read,
        number: Number,
        byte_order: ByteOrder,
    ) -> Result<BitMatrix, RecordingError> {
        let mut bits = self.zeros();
        each_number(source, self.len(), number, byte_order, |index, value| {
            self.put(&mut bits, index, value)
        })?;
        Ok(bits)
    }

    /// The recording of these bits.
    pub(super) fn finish(self, bits: BitMatrix) -> Recording {
        Recording {
            labels: (0..self.cells as u64).collect(),
            data: bits,
            repeats: self.repeats,
            bins_per_repeat: self.bins_per_repeat,
            notes: Vec::new(),
        }
    }
}

/// Reads `count` numbers, chunk by chunk, and hands each on with its index.
pub(super) fn each_number(
    source: &mut dyn Read,
    count: usize,
    number: Number,
    byte_order: ByteOrder,
    mut take: impl FnMut(usize, f64) -> Result<(), RecordingError>,
) -> Result<(), RecordingError> {
    let mut buffer = vec![0; CHUNK.min(count * number.size())];
    let mut index = 0;
    while index < count {
        let left = (count - index) * number.size();
        let chunk_len = buffer.len().min(left);
        let chunk = &mut buffer[..chunk_len];
        source.read_exact(chunk).map_err(inflate_error)?;
        for bytes in chunk.chunks_exact(number.size()) {
            // Most of what recordings hold is zero, which needs no conversion.
            let silent = bytes.iter().all(|&byte| byte == 0);
            let value = if silent {
                0.0
            } else {
                number.value(byte_order.little(bytes))
            };
            take(index, value)?;
            index += 1;
        }
    }
    Ok(())
}

/// Names the cause of a read that failed although the bytes were counted before:
/// only compressed data can do that.
pub(super) fn inflate_error(error: io::Error) -> RecordingError {
    RecordingError::Inflate(error)
}

fn checked_axes(axes: &[Axis]) -> Result<Vec<Axis>, RecordingError> {
    if axes.is_empty() {
        return Ok(vec![Axis::Bin, Axis::Cell]);
    }
    let count = |wanted| axes.iter().filter(|&&axis| axis == wanted).count();
    if count(Axis::Bin) == 1 && count(Axis::Cell) == 1 && count(Axis::Repeat) <= 1 {
        return Ok(axes.to_vec());
    }
    Err(RecordingError::Axes {
        found: axis_list(axes),
    })
}

/// The shape with one entry an axis; axes missing at the end have length one.
fn padded_shape(declared: &[u64], axes: &[Axis]) -> Result<Vec<usize>, RecordingError> {
    if declared.len() > axes.len() || declared.len() < 2 {
        return Err(RecordingError::Dimensions {
            shape: declared.to_vec(),
            axes: axis_list(axes),
        });
    }
    if declared.contains(&0) {
        return Err(RecordingError::Empty {
            shape: declared.to_vec(),
        });
    }
    let lengths: Result<Vec<usize>, _> = declared.iter().map(|&n| usize::try_from(n)).collect();
    let mut shape = lengths.map_err(|_| too_large(declared))?;
    shape.resize(axes.len(), 1);
    Ok(shape)
}

fn too_large(declared: &[u64]) -> RecordingError {
    RecordingError::TooLarge {
        shape: declared.to_vec(),
        limit: LARGEST_BITS,
    }
}

/// Whether the bits fit, which also keeps every product of lengths in range.
pub(super) fn bits_fit(repeats: usize, bins: usize, cells: usize) -> bool {
    let bytes = repeats
        .checked_mul(bins)
        .and_then(|rows| rows.checked_mul(cells.div_ceil(64)))
        .and_then(|words| words.checked_mul(8));
    bytes.is_some_and(|bytes| bytes <= LARGEST_BITS)
}
#[cfg(test)]
mod tests {
    use super::super::Axis::{Bin, Cell, Repeat};
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn all_orders_of_three_axes_are_understood() {
        let length = |axis| match axis {
            Repeat => 5,
            Cell => 4,
            Bin => 7,
        };
        for (a, b, c) in [
            (Repeat, Cell, Bin),
            (Repeat, Bin, Cell),
            (Cell, Repeat, Bin),
            (Cell, Bin, Repeat),
            (Bin, Repeat, Cell),
            (Bin, Cell, Repeat),
        ] {
            let values = stored([(a, length(a)), (b, length(b)), (c, length(c))]);
            let shape = format!("({}, {}, {})", length(a), length(b), length(c));
            let bytes = npy_file("|u1", "False", &shape, &values);
            assert_active(&read_as("a.npy", &bytes, &[a, b, c]).unwrap(), 5, 4, 7);
        }
    }

    #[test]
    fn requests_that_do_not_fit_are_errors() {
        let base = ReadRequest {
            path: "a.csv".into(),
            ..ReadRequest::default()
        };
        let with = |change: &dyn Fn(&mut ReadRequest)| {
            let mut request = base.clone();
            change(&mut request);
            read_with(b"1,0,0\n0,1,1\n0,0,1\n", &request)
                .unwrap_err()
                .to_string()
        };
        let cases = [
            (
                with(&|r| r.repeats = Some(2)),
                "3 bins are not a multiple of `repeats` = 2",
            ),
            (with(&|r| r.repeats = Some(0)), "3 bins are not a multiple"),
            (
                with(&|r| r.axes = vec![Cell, Cell]),
                "axes are [cell, cell], expected",
            ),
            (
                with(&|r| r.variable = Some("x".to_owned())),
                "`variable` is `x`, but a text file holds one table",
            ),
            (
                with(&|r| r.path = "a.xls".into()),
                "file `a.xls` is of no known format",
            ),
        ];
        for (message, start) in cases {
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn dimensions_and_axes_must_agree() {
        let three = npy_file("|u1", "False", "(2, 2, 2)", &[0; 8]);
        let error = read_as("a.npy", &three, &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the array is [2, 2, 2], but axes are [bin, cell]")
        );
        let one = npy_file("|u1", "False", "(8,)", &[0; 8]);
        let error = read_as("a.npy", &one, &[]).unwrap_err();
        assert!(
            matches!(error, RecordingError::Dimensions { .. }),
            "{error}"
        );
        let request = ReadRequest {
            path: "a.npy".into(),
            axes: vec![Repeat, Cell, Bin],
            repeats: Some(3),
            ..ReadRequest::default()
        };
        let error = read_with(&three, &request).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the repeat axis has 2 entries, `repeats` = 3")
        );
    }
}
