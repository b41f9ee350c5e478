//! Delimited text: comma, semicolon, tab or spaces; a header line is skipped.

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::array::{Layout, Order};
use super::numbers::{Numbers, check_columns, empty_columns};
use super::{ReadRequest, Recording, RecordingError};

/// Reads delimited text: in a first pass the shape, in a second the values.
pub(super) fn read(bytes: &[u8], request: &ReadRequest) -> Result<Recording, RecordingError> {
    request.refuse_variable("text")?;
    let (bytes, delimiter) = opened(bytes);
    let (rows, columns) = shape(reader(bytes, delimiter))?;
    let layout = Layout::new(request, &[rows, columns as u64], Order::RowMajor)?;
    let mut bits = layout.zeros();
    let mut index = 0;
    let mut lines = Lines::new(reader(bytes, delimiter));
    while lines.next()? {
        for (position, field) in lines.fields().enumerate() {
            let value = number(field)
                .ok_or_else(|| not_a_number(field, lines.number(), position, "0 or 1"))?;
            layout.put(&mut bits, index, value)?;
            index += 1;
        }
    }
    Ok(layout.finish(bits))
}

/// Reads the columns of delimited text, with the names of its header.
pub(super) fn numbers(bytes: &[u8], request: &ReadRequest) -> Result<Numbers, RecordingError> {
    request.refuse_variable("text")?;
    let (bytes, delimiter) = opened(bytes);
    let (rows, count) = shape(reader(bytes, delimiter))?;
    check_columns(request, count)?;
    let mut columns = empty_columns(rows as usize, count);
    let mut lines = Lines::new(reader(bytes, delimiter));
    while lines.next()? {
        for (position, field) in lines.fields().enumerate() {
            let value = number(field)
                .ok_or_else(|| not_a_number(field, lines.number(), position, "a number"))?;
            columns[position].push(value);
        }
    }
    if let Some(names) = &lines.header {
        // A header alone says how many columns there would be.
        columns.resize_with(columns.len().max(names.len()), Vec::new);
        if rows > 0 && names.len() != count {
            return Err(RecordingError::SpikeColumns {
                path: request.path.clone(),
                found: format!("a header of {} names", names.len()),
                expected: format!("{count}, one a column"),
                way_out: "name every column, and write no blank inside of a name",
            });
        }
    }
    Ok(Numbers {
        names: lines.header,
        columns,
    })
}

fn not_a_number(
    field: &[u8],
    line: u64,
    position: usize,
    expected: &'static str,
) -> RecordingError {
    RecordingError::Field {
        found: String::from_utf8_lossy(field).chars().take(40).collect(),
        line,
        field: position + 1,
        expected,
    }
}

/// The text without a byte-order mark, and its delimiter.
fn opened(bytes: &[u8]) -> (&[u8], u8) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    (bytes, delimiter(bytes))
}

/// The delimiter of the first line that has one; a space if none has.
fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes
        .split(|&byte| byte == b'\n' || byte == b'\r')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    [b',', b';', b'\t']
        .into_iter()
        .find(|delimiter| first.contains(delimiter))
        .unwrap_or(b' ')
}

fn reader(bytes: &[u8], delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

fn number(field: &[u8]) -> Option<f64> {
    str::from_utf8(field).ok()?.parse().ok()
}

/// Counts the lines of values and the values of each.
fn shape(reader: Reader<&[u8]>) -> Result<(u64, usize), RecordingError> {
    let mut lines = Lines::new(reader);
    let (mut rows, mut columns) = (0, 0);
    while lines.next()? {
        let found = lines.fields().count();
        if rows == 0 {
            columns = found;
        }
        if found != columns {
            return Err(RecordingError::Ragged {
                what: "line",
                index: lines.number(),
                found,
                expected: columns,
            });
        }
        rows += 1;
    }
    Ok((rows, columns))
}

/// The lines of a text that hold values, one at a time.
struct Lines<'a> {
    reader: Reader<&'a [u8]>,
    record: ByteRecord,
    first: bool,
    /// The names in the first line, if it holds no number.
    header: Option<Vec<String>>,
}

impl<'a> Lines<'a> {
    fn new(reader: Reader<&'a [u8]>) -> Self {
        Self {
            reader,
            record: ByteRecord::new(),
            first: true,
            header: None,
        }
    }

    /// Goes to the next line with fields; a first line without any number is a header.
    fn next(&mut self) -> Result<bool, RecordingError> {
        while self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(RecordingError::Text)?
        {
            if self.fields().next().is_none() {
                continue;
            }
            let header = self.first && self.fields().all(|field| number(field).is_none());
            self.first = false;
            if !header {
                return Ok(true);
            }
            let names = self.fields().map(String::from_utf8_lossy);
            self.header = Some(names.map(std::borrow::Cow::into_owned).collect());
        }
        Ok(false)
    }

    /// The fields of the line that are not empty, without the blanks around them.
    ///
    /// Several blanks in a row, or a delimiter at the end of a line, leave
    /// empty fields; a value that is missing makes the line too short.
    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.record
            .iter()
            .map(<[u8]>::trim_ascii)
            .filter(|field| !field.is_empty())
    }

    /// Number of the line, counted from 1.
    fn number(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Axis::{Bin, Cell, Repeat};
    use super::super::fixtures::*;

    /// Bins as lines and cells as fields, with this delimiter and line end.
    fn lines(delimiter: &str, end: &str) -> String {
        let values = stored([(Repeat, 1), (Bin, 9), (Cell, 6)]);
        let line = |bin: &[u8]| {
            let fields: Vec<String> = bin.iter().map(u8::to_string).collect();
            fields.join(delimiter) + end
        };
        values.chunks(6).map(line).collect()
    }

    #[test]
    fn every_delimiter_line_end_and_header_is_read() {
        for delimiter in [",", ";", "\t", " ", "   ", " , "] {
            for end in ["\n", "\r\n"] {
                let body = lines(delimiter, end);
                let header = ["a", "b", "c", "d", "e", "f"].join(delimiter) + end;
                for text in [header + &body, body.clone(), body.trim_end().to_owned()] {
                    assert_active(&read_as("a.csv", text.as_bytes(), &[]).unwrap(), 1, 6, 9);
                }
            }
        }
    }

    #[test]
    fn cells_may_be_the_lines() {
        let recording = read_as("a.txt", b"1 0 1\n0 0 1\n", &[Cell, Bin]).unwrap();
        assert_eq!((recording.cells(), recording.bins()), (2, 3));
        let active: Vec<bool> = (0..3).map(|bin| recording.data.get(bin, 1)).collect();
        assert_eq!(active, [false, false, true]);
    }

    #[test]
    fn numbers_may_be_written_as_floats() {
        let recording = read_as("a.txt", b"1.0 0e0\n0.000 1.00E+00\n", &[]).unwrap();
        assert!(recording.data.get(0, 0) && recording.data.get(1, 1));
        assert_eq!(recording.active_bins(), [1, 1]);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let cases = [
            ("1,0\n0,x\n", "`x` in line 2, field 2, expected 0 or 1"),
            (
                "1,0\n0\n",
                "line 2 has 1 values, the first has 2: is the file complete?",
            ),
            (
                "1,0\n0,2\n",
                "value 2 at bin 1, cell 1 (counted from 0), expected 0 or 1: threshold the counts first",
            ),
            (
                "",
                "the array is [0, 0], expected at least one entry along each axis",
            ),
        ];
        for (text, message) in cases {
            let error = read_as("a.csv", text.as_bytes(), &[]).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(recording) = read_as("a.csv", &bytes, &[]) {
                // Each value takes a byte at least.
                prop_assert!(recording.bins() * recording.cells() <= bytes.len());
            }
        }

        #[test]
        fn random_texts_never_panic(text in "[01 ,;\t\n\r\".e]{0,200}") {
            if let Ok(recording) = read_as("a.txt", text.as_bytes(), &[]) {
                prop_assert!(recording.bins() * recording.cells() <= text.len());
            }
        }
    }
}
