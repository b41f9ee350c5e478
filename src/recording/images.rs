//! Patterns out of images: a pixel brighter than half is up.

use std::io::Cursor;

use super::RecordingError;
use crate::bits::BitMatrix;

/// Most pixels of an image.
const MOST_PIXELS: usize = 1 << 20;
/// The middle of the brightness of eight bits, twice.
const TWICE_MIDDLE: usize = 255;

/// Makes a pattern of every image, in the given order, its pixels row by row.
///
/// # Errors
///
/// - [`RecordingError::Image`] if an image is no PNG, damaged, or has more than 2^20
///   pixels.
/// - [`RecordingError::ImageSize`] if it has another number of pixels than the first.
pub(super) fn patterns(images: &[(String, Vec<u8>)]) -> Result<BitMatrix, RecordingError> {
    let mut rows: Vec<Vec<bool>> = Vec::with_capacity(images.len());
    for (name, bytes) in images {
        let pixels = pixels(bytes).map_err(|cause| RecordingError::Image {
            name: name.clone(),
            cause,
        })?;
        let expected = rows.first().map_or(pixels.len(), Vec::len);
        if pixels.len() != expected {
            return Err(RecordingError::ImageSize {
                name: name.clone(),
                found: pixels.len(),
                expected,
            });
        }
        rows.push(pixels);
    }
    let mut bits = BitMatrix::zeros(rows.len(), rows.first().map_or(0, Vec::len));
    for (row, pixels) in rows.iter().enumerate() {
        for (site, &up) in pixels.iter().enumerate() {
            bits.set(row, site, up);
        }
    }
    Ok(bits)
}

/// Whether each pixel is brighter than half; transparency does not count.
fn pixels(bytes: &[u8]) -> Result<Vec<bool>, String> {
    let failed = |error: png::DecodingError| error.to_string();
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(failed)?;
    let info = reader.info();
    let count = info.width as usize * info.height as usize;
    if count == 0 || count > MOST_PIXELS {
        return Err(format!("{count} pixels, expected 1 to {MOST_PIXELS}"));
    }
    let mut buffer = vec![0; reader.output_buffer_size()];
    let frame = reader.next_frame(&mut buffer).map_err(failed)?;
    let channels = frame.color_type.samples();
    let colours = match frame.color_type {
        png::ColorType::GrayscaleAlpha | png::ColorType::Rgba => channels - 1,
        _ => channels,
    };
    let bright = |pixel: &[u8]| {
        let sum: usize = pixel[..colours]
            .iter()
            .map(|&value| usize::from(value))
            .sum();
        2 * sum > TWICE_MIDDLE * colours
    };
    let used = &buffer[..frame.buffer_size()];
    Ok(used.chunks_exact(channels).map(bright).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A grey image of eight bits.
    pub(in crate::recording) fn image(width: u32, grey: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, grey.len() as u32 / width);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(grey).unwrap();
        drop(writer);
        bytes
    }

    fn named(bytes: Vec<u8>) -> (String, Vec<u8>) {
        ("a.png".to_owned(), bytes)
    }

    #[test]
    fn bright_pixels_are_up() {
        let images = [
            named(image(2, &[0, 127, 128, 255])),
            named(image(4, &[255; 4])),
        ];
        let bits = patterns(&images).unwrap();
        let row = |row| [0, 1, 2, 3].map(|site| bits.get(row, site));
        assert_eq!(row(0), [false, false, true, true]);
        assert_eq!(row(1), [true; 4]);
    }

    #[test]
    fn images_that_differ_in_size_or_are_damaged_are_errors() {
        let whole = image(2, &[0; 4]);
        let other = [named(whole.clone()), named(image(3, &[0; 6]))];
        let error = patterns(&other).unwrap_err().to_string();
        assert!(error.contains("6 pixels, the first has 4"), "{error}");
        for end in 0..whole.len() - 12 {
            assert!(patterns(&[named(whole[..end].to_vec())]).is_err(), "{end}");
        }
    }
}
