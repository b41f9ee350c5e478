//! Pixels as PNG bytes: eight bits a channel, no alpha, one compressed stream.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::PlotError;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Encodes rows of red, green and blue bytes, `3 * width` bytes a row.
///
/// # Errors
///
/// [`PlotError::Encode`] if the pixels are not whole rows of that width.
pub(super) fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let row = 3 * width as usize;
    if row == 0 || pixels.len() != row * height as usize {
        let text = format!("{} bytes for {width} x {height} pixels", pixels.len());
        return Err(PlotError::Encode(text));
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    for line in pixels.chunks(row) {
        // Each row starts with its filter: 0, none.
        let written = packed.write_all(&[0]).and_then(|()| packed.write_all(line));
        written.map_err(|error| PlotError::Encode(error.to_string()))?;
    }
    let packed = packed
        .finish()
        .map_err(|error| PlotError::Encode(error.to_string()))?;
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = SIGNATURE.to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", Vec::new())] {
        chunk(&mut bytes, *kind, &data);
    }
    Ok(bytes)
}

fn chunk(bytes: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut check = Crc::new();
    check.update(&kind);
    check.update(data);
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(kind);
    bytes.extend(data);
    bytes.extend(check.sum().to_be_bytes());
}

/// Width, height and pixels of what [`encode`] made.
#[cfg(test)]
pub(super) fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    use std::io::Read;
    assert_eq!(bytes[..8], SIGNATURE);
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (width, height) = (number(16), number(20));
    let data = 33; // after the signature and the header chunk
    assert_eq!(&bytes[data + 4..data + 8], b"IDAT");
    let packed = &bytes[data + 8..data + 8 + number(data) as usize];
    let mut rows = Vec::new();
    flate2::read::ZlibDecoder::new(packed)
        .read_to_end(&mut rows)
        .unwrap();
    let lines = rows.chunks(3 * width as usize + 1);
    (
        width,
        height,
        lines.flat_map(|line| line[1..].to_vec()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back() {
        let pixels: Vec<u8> = (0..2 * 3 * 3).collect();
        assert_eq!(decode(&encode(&pixels, 2, 3).unwrap()), (2, 3, pixels));
    }

    #[test]
    fn the_check_sum_is_that_of_the_format() {
        // The last chunk is empty and the same in every PNG file.
        let bytes = encode(&[0; 3], 1, 1).unwrap();
        assert_eq!(bytes[bytes.len() - 12..], *b"\0\0\0\0IEND\xae\x42\x60\x82");
    }

    #[test]
    fn a_wrong_number_of_pixels_is_an_error() {
        assert!(encode(&[0; 5], 1, 1).is_err());
        assert!(encode(&[], 0, 0).is_err());
    }
}
