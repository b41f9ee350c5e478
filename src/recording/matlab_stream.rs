//! Elements of a MATLAB v5 file, plain or compressed, with their sizes checked.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::RecordingError;
use super::array::{ByteOrder, inflate_error};

/// Element type of a matrix.
const MATRIX: u32 = 14;
/// Element type of a compressed element.
const COMPRESSED: u32 = 15;
/// Bytes of a full tag.
const TAG: u64 = 8;
/// Deflate cannot shrink data more than this.
const LARGEST_RATIO: u64 = 1032;

/// A matrix element at the top level of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    payload: &'a [u8],
    compressed: bool,
}

/// Type and size of an element whose data come next in the stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    /// Type of the data.
    pub(super) kind: u32,
    /// Bytes of data.
    pub(super) size: u64,
    /// Bytes that fill up the element after its data.
    padding: u64,
}

/// Takes the part of a file after its header apart into top-level elements.
pub(super) fn elements(
    mut rest: &[u8],
    order: ByteOrder,
) -> Result<Vec<Element<'_>>, RecordingError> {
    let mut found = Vec::new();
    while let Some((tag, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, e, f, g, h] = *tag;
        let kind = order.u32([a, b, c, d]);
        let size = u64::from(order.u32([e, f, g, h]));
        if kind != MATRIX && kind != COMPRESSED {
            return Err(RecordingError::Unexpected {
                element: "an element of the file",
                found: format!("of type {kind}"),
                expected: format!("a matrix ({MATRIX}) or compressed ({COMPRESSED})"),
            });
        }
        let left = body.len() as u64;
        if size > left {
            return Err(truncated("an element of the file", size, left));
        }
        let (payload, after) = body.split_at(size as usize);
        found.push(Element {
            payload,
            compressed: kind == COMPRESSED,
        });
        rest = after;
    }
    if rest.is_empty() {
        Ok(found)
    } else {
        Err(truncated("the tag of an element", TAG, rest.len() as u64))
    }
}

fn truncated(element: &'static str, needed: u64, left: u64) -> RecordingError {
    RecordingError::Truncated {
        element,
        needed,
        left,
    }
}

/// The content of one matrix element, read in order.
pub(super) struct Stream<'a> {
    reader: Box<dyn Read + 'a>,
    left: u64,
    order: ByteOrder,
}

impl<'a> Stream<'a> {
    /// Opens a matrix element; what a compressed one claims to hold is checked
    /// against what its bytes can inflate to.
    pub(super) fn open(element: &Element<'a>, order: ByteOrder) -> Result<Self, RecordingError> {
        let payload = element.payload;
        if !element.compressed {
            return Ok(Self {
                reader: Box::new(payload),
                left: payload.len() as u64,
                order,
            });
        }
        let mut stream = Self {
            reader: Box::new(ZlibDecoder::new(payload)),
            left: (payload.len() as u64).saturating_mul(LARGEST_RATIO),
            order,
        };
        let tag = stream.tag("a compressed element")?;
        if tag.kind != MATRIX {
            return Err(RecordingError::Unexpected {
                element: "a compressed element",
                found: format!("of type {}", tag.kind),
                expected: format!("a matrix ({MATRIX})"),
            });
        }
        stream.left = tag.size;
        Ok(stream)
    }

    fn take<const N: usize>(&mut self, element: &'static str) -> Result<[u8; N], RecordingError> {
        let mut bytes = [0; N];
        self.take_into(&mut bytes, element)?;
        Ok(bytes)
    }

    fn take_into(&mut self, bytes: &mut [u8], element: &'static str) -> Result<(), RecordingError> {
        let needed = bytes.len() as u64;
        if needed > self.left {
            return Err(truncated(element, needed, self.left));
        }
        self.reader.read_exact(bytes).map_err(inflate_error)?;
        self.left -= needed;
        Ok(())
    }

    /// Reads a tag and checks its size against what is left.
    pub(super) fn tag(&mut self, element: &'static str) -> Result<Tag, RecordingError> {
        let first = self.order.u32(self.take(element)?);
        let tag = match first >> 16 {
            0 => {
                let size = u64::from(self.order.u32(self.take(element)?));
                Tag {
                    kind: first,
                    size,
                    padding: (TAG - size % TAG) % TAG,
                }
            }
            // The small form: type and size share four bytes, the data take the next four.
            size @ 1..=4 => Tag {
                kind: first & 0xffff,
                size: u64::from(size),
                padding: 4 - u64::from(size),
            },
            size => {
                return Err(RecordingError::Unexpected {
                    element,
                    found: format!("a small element of {size} bytes"),
                    expected: "at most 4".to_owned(),
                });
            }
        };
        if tag.size > self.left {
            return Err(truncated(element, tag.size, self.left));
        }
        Ok(tag)
    }

    /// Reads a short element whole: its type and its data.
    pub(super) fn short(
        &mut self,
        element: &'static str,
        limit: u64,
    ) -> Result<(u32, Vec<u8>), RecordingError> {
        let tag = self.tag(element)?;
        if tag.size > limit {
            return Err(RecordingError::Unexpected {
                element,
                found: format!("{} bytes long", tag.size),
                expected: format!("at most {limit}"),
            });
        }
        let mut bytes = vec![0; tag.size as usize];
        self.take_into(&mut bytes, element)?;
        let mut padding = [0; TAG as usize];
        let skipped = tag.padding.min(self.left) as usize;
        self.take_into(&mut padding[..skipped], element)?;
        Ok((tag.kind, bytes))
    }

    /// The data that follow a tag.
    pub(super) fn data(&mut self) -> &mut dyn Read {
        &mut *self.reader
    }

    /// Reads what is left after the last data, so that the checksum of
    /// compressed data is compared.
    pub(super) fn finish(mut self, last: Tag) -> Result<(), RecordingError> {
        let mut rest = self.reader.by_ref().take(last.padding + 1);
        let after = io::copy(&mut rest, &mut io::sink()).map_err(inflate_error)?;
        if after > last.padding {
            return Err(RecordingError::Unexpected {
                element: "the end of a matrix",
                found: "followed by more data".to_owned(),
                expected: "the end of the element".to_owned(),
            });
        }
        Ok(())
    }
}
