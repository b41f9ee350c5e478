//! Configurations as Parquet: 64 spins a column, or one number of a feature.
//!
//! Directors have a column of single-precision numbers for each number of each
//! site's feature: `site_0_0` is the first of site 0. For spins, column `sites_0_63` holds sites 0 to 63 as an unsigned 64-bit number, site
//! 0 in the lowest bit, and so on; the last column is named by its last site.
//! The number of sites stands in the footer under [`SITES_KEY`], the unit of
//! directors under [`UNIT_KEY`].

use std::collections::BTreeMap;

use polars::prelude::{Column, NamedFrom, PolarsError, Series};

use super::TableError;
use super::parquet::{complete, read, write};
use crate::bits::BitMatrix;
use crate::configurations::{Configurations, DirectorMatrix, Unit};

/// Metadata key under which the number of sites is kept.
pub const SITES_KEY: &str = "latentfield.sites";
/// Metadata key under which the unit of directors is kept.
pub const UNIT_KEY: &str = "latentfield.unit";

const BLOCK: &str = "block";

/// Encodes configurations, and the block that each belongs to, as Parquet.
///
/// - `blocks`: one number a configuration (a repeat of a recording, a chain);
///   kept as column `block`.
/// - `metadata`: provenance for the footer. Pairs under [`SITES_KEY`] and
///   [`UNIT_KEY`] are replaced.
///
/// Equal arguments give equal bytes.
///
/// # Errors
///
/// [`TableError::Configurations`] if there are no sites or if `blocks` is not
/// one number a configuration, [`TableError::Encode`] if the encoder refuses.
pub fn configurations_to_bytes(
    configurations: &Configurations,
    blocks: Option<&[u32]>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, TableError> {
    let misfit = |text: String| Err(TableError::Configurations(text));
    let (rows, sites) = (configurations.rows(), configurations.sites());
    if sites == 0 {
        return misfit("found 0 sites, expected at least 1".to_owned());
    }
    if let Some(found) = blocks.map(<[u32]>::len).filter(|&len| len != rows) {
        return misfit(format!("found {found} blocks, expected {rows}: one a row"));
    }
    let mut pairs = metadata.clone();
    pairs.insert(SITES_KEY.to_owned(), sites.to_string());
    pairs.remove(UNIT_KEY);
    let mut columns: Vec<Series> = blocks
        .map(|blocks| Series::new(BLOCK.into(), blocks))
        .into_iter()
        .collect();
    match configurations {
        Configurations::Spins(bits) => columns.extend(words(bits)),
        Configurations::Directors(directors) => {
            let unit = configurations.unit();
            pairs.insert(UNIT_KEY.to_owned(), unit.name().to_owned());
            columns.extend(features(directors, sites, unit));
        }
    }
    write(columns, pairs).map_err(|error| TableError::Encode {
        table: "samples".to_owned(),
        reason: error.to_string(),
    })
}

fn words(bits: &BitMatrix) -> impl Iterator<Item = Series> + '_ {
    (0..bits.words_per_row()).map(|index| {
        let values: Vec<u64> = (0..bits.rows()).map(|row| bits.row(row)[index]).collect();
        Series::new(word_name(index, bits.columns()).into(), values)
    })
}

fn features(
    directors: &DirectorMatrix,
    sites: usize,
    unit: Unit,
) -> impl Iterator<Item = Series> + '_ {
    let width = sites * unit.width();
    (0..width).map(move |index| {
        let values = directors.values().iter().skip(index).step_by(width);
        let values: Vec<f32> = values.copied().collect();
        Series::new(feature_name(index, unit).into(), values)
    })
}

/// Configurations, their blocks if they have any, and the provenance.
pub type StoredConfigurations = (Configurations, Option<Vec<u32>>, BTreeMap<String, String>);

/// Decodes what [`configurations_to_bytes`] made.
///
/// # Errors
///
/// [`TableError::Unreadable`] or [`TableError::TooLarge`] if the bytes are no
/// Parquet file or a damaged one, [`TableError::Metadata`],
/// [`TableError::MissingValues`] or [`TableError::Configurations`] if they are
/// one but hold no configurations.
pub fn configurations_from_bytes(bytes: &[u8]) -> Result<StoredConfigurations, TableError> {
    let (frame, mut metadata) = read(bytes)?;
    let sites = sites(metadata.remove(SITES_KEY))?;
    let unit = unit(metadata.remove(UNIT_KEY))?;
    let first = frame.columns().first();
    let with_blocks = first.is_some_and(|column| column.name() == BLOCK);
    let (block, columns) = frame.columns().split_at(usize::from(with_blocks));
    let configurations = match unit {
        Unit::Spin => packed(columns, frame.height(), sites)?.into(),
        Unit::PlanarDirector | Unit::Director => {
            directors(columns, frame.height(), sites, unit)?.into()
        }
    };
    let blocks = block.first().map(|column| {
        let numbers = column.u32().map_err(unreadable)?;
        complete(column, numbers.iter())
    });
    Ok((configurations, blocks.transpose()?, metadata))
}

fn sites(found: Option<String>) -> Result<usize, TableError> {
    let found = found.unwrap_or_else(|| "missing".to_owned());
    let sites = found.parse().ok().filter(|&sites| sites > 0);
    sites.ok_or(TableError::Metadata {
        key: SITES_KEY,
        found,
        expected: "the number of sites",
    })
}

/// The unit; spins are not marked.
fn unit(found: Option<String>) -> Result<Unit, TableError> {
    let Some(found) = found else {
        return Ok(Unit::Spin);
    };
    let known = [Unit::PlanarDirector, Unit::Director];
    let unit = known.into_iter().find(|unit| unit.name() == found);
    unit.ok_or(TableError::Metadata {
        key: UNIT_KEY,
        found,
        expected: "`planar_director`, `director` or nothing",
    })
}

/// Directors out of the columns that hold the numbers of their features.
fn directors(
    columns: &[Column],
    rows: usize,
    sites: usize,
    unit: Unit,
) -> Result<DirectorMatrix, TableError> {
    let width = sites.saturating_mul(unit.width());
    let named =
        |(index, column): (usize, &Column)| column.name().as_str() == feature_name(index, unit);
    if columns.len() != width || !columns.iter().enumerate().all(named) {
        let found = columns.len();
        let text = format!("found {found} columns, expected {width} for {sites} sites, in order");
        return Err(TableError::Configurations(text));
    }
    let mut values = vec![0.0; rows * width];
    for (index, column) in columns.iter().enumerate() {
        let numbers = complete(column, column.f32().map_err(unreadable)?.iter())?;
        for (target, number) in values.iter_mut().skip(index).step_by(width).zip(numbers) {
            *target = number;
        }
    }
    if let Some(wrong) = values.iter().find(|value| !value.is_finite()) {
        let text = format!("found {wrong} in a feature, expected finite numbers");
        return Err(TableError::Configurations(text));
    }
    Ok(DirectorMatrix::new(unit, sites, values))
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

/// Name of the column that holds number `index` of a row of features.
fn feature_name(index: usize, unit: Unit) -> String {
    format!("site_{}_{}", index / unit.width(), index % unit.width())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};
    use proptest::prelude::*;

    fn configurations(rows: usize, sites: usize) -> Configurations {
        let mut generator = stream("samples", &[]);
        let mut bits = BitMatrix::zeros(rows, sites);
        for row in 0..rows {
            for site in 0..sites {
                bits.set(row, site, uniform(&mut generator) < 0.3);
            }
        }
        bits.into()
    }

    #[test]
    fn configurations_come_back_for_every_last_word() {
        for sites in [1, 63, 64, 65, 128, 160] {
            let bits = configurations(17, sites);
            let bytes = configurations_to_bytes(&bits, None, &BTreeMap::new()).unwrap();
            assert_eq!(
                configurations_from_bytes(&bytes).unwrap(),
                (bits, None, BTreeMap::new())
            );
        }
    }

    #[test]
    fn directors_come_back() {
        let mut generator = stream("directors", &[]);
        for unit in [Unit::PlanarDirector, Unit::Director] {
            let values = (0..4 * 3 * unit.width()).map(|_| uniform(&mut generator) as f32);
            let directors = DirectorMatrix::new(unit, 3, values.collect()).into();
            let bytes = configurations_to_bytes(&directors, None, &BTreeMap::new()).unwrap();
            let (again, blocks, _) = configurations_from_bytes(&bytes).unwrap();
            assert_eq!((again, blocks), (directors, None));
        }
    }

    #[test]
    fn directors_with_a_column_too_few_or_of_an_unknown_unit_are_errors() {
        let pairs = |unit: &str| {
            BTreeMap::from([
                (SITES_KEY.to_owned(), "1".to_owned()),
                (UNIT_KEY.to_owned(), unit.to_owned()),
            ])
        };
        for unit in ["director", "compass"] {
            let number = Series::new("site_0_0".into(), [0.5_f32]);
            let bytes = write(vec![number], pairs(unit)).unwrap();
            assert!(configurations_from_bytes(&bytes).is_err(), "{unit}");
        }
    }

    #[test]
    fn blocks_and_provenance_come_back() {
        let bits = configurations(5, 100);
        let blocks = [0, 0, 1, 1, 7];
        let provenance = BTreeMap::from([("commit".to_owned(), "abc".to_owned())]);
        let bytes = configurations_to_bytes(&bits, Some(&blocks), &provenance).unwrap();
        assert_eq!(
            configurations_from_bytes(&bytes).unwrap(),
            (bits, Some(blocks.to_vec()), provenance)
        );
    }

    #[test]
    fn blocks_must_be_one_a_configuration() {
        let refused =
            configurations_to_bytes(&configurations(3, 4), Some(&[0, 1]), &BTreeMap::new());
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
            configurations_from_bytes(&bytes),
            Err(TableError::Configurations(_))
        ));
    }

    #[test]
    fn a_number_of_sites_that_the_columns_do_not_hold_is_an_error() {
        for sites in ["0", "-1", "many", "65", "18446744073709551615"] {
            let pair = (SITES_KEY.to_owned(), sites.to_owned());
            let word = Series::new("sites_0_63".into(), [1_u64]);
            let bytes = write(vec![word], BTreeMap::from([pair])).unwrap();
            assert!(configurations_from_bytes(&bytes).is_err(), "{sites} sites");
        }
    }

    proptest! {
        /// Damage gives configurations or an error, never a panic.
        #[test]
        fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..6)) {
            let mut bytes = configurations_to_bytes(&configurations(40, 100), None, &BTreeMap::new()).unwrap();
            for (index, bit) in flips {
                let at = index.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            if let Ok((bits, _, _)) = configurations_from_bytes(&bytes) {
                prop_assert_eq!(bits.sites(), 100);
            }
        }
    }
}
