//! Configurations as Parquet: 64 sites a column.
//!
//! Column `sites_0_63` holds sites 0 to 63 as an unsigned 64-bit number, site
//! 0 in the lowest bit, and so on; the last column is named by its last site.
//! The number of sites stands in the footer under [`SITES_KEY`].

use std::collections::BTreeMap;

use polars::prelude::{Column, NamedFrom, PolarsError, Series};

use super::TableError;
use super::parquet::{complete, read, write};
use crate::bits::BitMatrix;

/// Metadata key under which the number of sites is kept.
pub const SITES_KEY: &str = "latentfield.sites";

const BLOCK: &str = "block";

/// Encodes configurations, and the block that each belongs to, as Parquet.
///
/// - `blocks`: one number a configuration (a repeat of a recording, a chain);
///   kept as column `block`.
/// - `metadata`: provenance for the footer. A pair under [`SITES_KEY`] is
///   replaced by the number of sites.
///
/// Equal arguments give equal bytes.
///
/// # Errors
///
/// [`TableError::Configurations`] if there are no sites or if `blocks` is not
/// one number a configuration, [`TableError::Encode`] if the encoder refuses.
pub fn bits_to_bytes(
    bits: &BitMatrix,
    blocks: Option<&[u32]>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, TableError> {
    let misfit = |text: String| Err(TableError::Configurations(text));
    if bits.columns() == 0 {
        return misfit("found 0 sites, expected at least 1".to_owned());
    }
    if let Some(found) = blocks.map(<[u32]>::len).filter(|&len| len != bits.rows()) {
        return misfit(format!(
            "found {found} blocks, expected {}: one a row",
            bits.rows()
        ));
    }
    let word = |index: usize| {
        let values: Vec<u64> = (0..bits.rows()).map(|row| bits.row(row)[index]).collect();
        Series::new(word_name(index, bits.columns()).into(), values)
    };
    let block = blocks.map(|blocks| Series::new(BLOCK.into(), blocks));
    let columns = block
        .into_iter()
        .chain((0..bits.words_per_row()).map(word))
        .collect();
    let mut pairs = metadata.clone();
    pairs.insert(SITES_KEY.to_owned(), bits.columns().to_string());
    write(columns, pairs).map_err(|error| TableError::Encode {
        table: "samples".to_owned(),
        reason: error.to_string(),
    })
}

/// Configurations, their blocks if they have any, and the provenance.
pub type Configurations = (BitMatrix, Option<Vec<u32>>, BTreeMap<String, String>);

/// Decodes what [`bits_to_bytes`] made.
///
/// # Errors
///
/// [`TableError::Unreadable`] or [`TableError::TooLarge`] if the bytes are no
/// Parquet file or a damaged one, [`TableError::Metadata`],
/// [`TableError::MissingValues`] or [`TableError::Configurations`] if they are
/// one but hold no configurations.
pub fn bits_from_bytes(bytes: &[u8]) -> Result<Configurations, TableError> {
    let (frame, mut metadata) = read(bytes)?;
    let found = metadata
        .remove(SITES_KEY)
        .unwrap_or_else(|| "missing".to_owned());
    let sites: usize =
        found
            .parse()
            .ok()
            .filter(|&sites| sites > 0)
            .ok_or(TableError::Metadata {
                key: SITES_KEY,
                found,
                expected: "the number of sites",
            })?;
    let first = frame.columns().first();
    let with_blocks = first.is_some_and(|column| column.name() == BLOCK);
    let (block, columns) = frame.columns().split_at(usize::from(with_blocks));
    let bits = packed(columns, frame.height(), sites)?;
    let blocks = block.first().map(|column| {
        let numbers = column.u32().map_err(unreadable)?;
        complete(column, numbers.iter())
    });
    Ok((bits, blocks.transpose()?, metadata))
}

/// Configurations out of the columns that hold their words.
fn packed(columns: &[Column], rows: usize, sites: usize) -> Result<BitMatrix, TableError> {
    let expected = sites.div_ceil(64);
    let names: Vec<&str> = columns
        .iter()
        .map(|column| column.name().as_str())
        .collect();
    let named = |(index, name): (usize, &&str)| **name == word_name(index, sites);
    if columns.len() != expected || !names.iter().enumerate().all(named) {
        let text = format!("found columns {names:?}, expected {expected} for {sites} sites");
        return Err(TableError::Configurations(text));
    }
    let mut words = vec![0; rows * expected];
    for (index, column) in columns.iter().enumerate() {
        let values = complete(column, column.u64().map_err(unreadable)?.iter())?;
        for (row, value) in values.into_iter().enumerate() {
            words[row * expected + index] = value;
        }
    }
    BitMatrix::from_words(rows, sites, words)
        .map_err(|error| TableError::Configurations(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "used in `map_err`")]
fn unreadable(error: PolarsError) -> TableError {
    TableError::Unreadable(error.to_string())
}

/// Name of the column that holds word `index` of a row of `sites` sites.
fn word_name(index: usize, sites: usize) -> String {
    let last = sites.min(64 * (index + 1)) - 1;
    format!("sites_{}_{last}", 64 * index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};
    use proptest::prelude::*;

    fn configurations(rows: usize, sites: usize) -> BitMatrix {
        let mut generator = stream("samples", &[]);
        let mut bits = BitMatrix::zeros(rows, sites);
        for row in 0..rows {
            for site in 0..sites {
                bits.set(row, site, uniform(&mut generator) < 0.3);
            }
        }
        bits
    }

    #[test]
    fn configurations_come_back_for_every_last_word() {
        for sites in [1, 63, 64, 65, 128, 160] {
            let bits = configurations(17, sites);
            let bytes = bits_to_bytes(&bits, None, &BTreeMap::new()).unwrap();
            assert_eq!(
                bits_from_bytes(&bytes).unwrap(),
                (bits, None, BTreeMap::new())
            );
        }
    }

    #[test]
    fn blocks_and_provenance_come_back() {
        let bits = configurations(5, 100);
        let blocks = [0, 0, 1, 1, 7];
        let provenance = BTreeMap::from([("commit".to_owned(), "abc".to_owned())]);
        let bytes = bits_to_bytes(&bits, Some(&blocks), &provenance).unwrap();
        assert_eq!(
            bits_from_bytes(&bytes).unwrap(),
            (bits, Some(blocks.to_vec()), provenance)
        );
    }

    #[test]
    fn blocks_must_be_one_a_configuration() {
        let refused = bits_to_bytes(&configurations(3, 4), Some(&[0, 1]), &BTreeMap::new());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "configurations do not fit: found 2 blocks, expected 3: one a row"
        );
    }

    #[test]
    fn a_bit_beyond_the_last_site_is_an_error() {
        let pair = (SITES_KEY.to_owned(), "3".to_owned());
        let stray = Series::new("sites_0_2".into(), [0b1000_u64]);
        let bytes = write(vec![stray], BTreeMap::from([pair])).unwrap();
        assert!(matches!(
            bits_from_bytes(&bytes),
            Err(TableError::Configurations(_))
        ));
    }

    #[test]
    fn a_number_of_sites_that_the_columns_do_not_hold_is_an_error() {
        for sites in ["0", "-1", "many", "65", "18446744073709551615"] {
            let pair = (SITES_KEY.to_owned(), sites.to_owned());
            let word = Series::new("sites_0_63".into(), [1_u64]);
            let bytes = write(vec![word], BTreeMap::from([pair])).unwrap();
            assert!(bits_from_bytes(&bytes).is_err(), "{sites} sites");
        }
    }

    proptest! {
        /// Damage gives configurations or an error, never a panic.
        #[test]
        fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..6)) {
            let mut bytes = bits_to_bytes(&configurations(40, 100), None, &BTreeMap::new()).unwrap();
            for (index, bit) in flips {
                let at = index.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            if let Ok((bits, _, _)) = bits_from_bytes(&bytes) {
                prop_assert_eq!(bits.columns(), 100);
            }
        }
    }
}
