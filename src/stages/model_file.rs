//! Saved generalised Hopfield models: the one place that knows their file format.
//!
//! ```text
//! {"format": "latentfield generalised Hopfield model", "version": 1,
//!  "sites": N, "fields": K, "biases": [N numbers], "patterns": [N rows of K numbers],
//!  "field_values": [M rows of K numbers], "field_weights": [M numbers]}
//! ```
//!
//! Biases and patterns are half-logits, as [`GeneralisedHopfield`] has them. Reading is
//! strict, and looks at every size before it makes room for a number.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fields::{FieldsError, GeneralisedHopfield};

const FORMAT: &str = "latentfield generalised Hopfield model";
const VERSION: u64 = 1;

/// Largest file, in bytes.
pub(super) const MOST_BYTES: u64 = 64 << 20;
/// Most sites, components of the field, and values of the field.
const MOST_SITES: usize = 10_000;
const MOST_FIELDS: usize = 64;
const MOST_VALUES: usize = 1 << 17;

/// Why a saved model cannot be used.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file is larger than any model.
    #[error("`{name}` has {found} bytes, expected a saved model of at most {MOST_BYTES}")]
    Bytes {
        /// Name of the file.
        name: String,
        /// Its size in bytes.
        found: usize,
    },
    /// It is no JSON, has a key too many or too few, or something else than a number.
    #[error(
        "`{name}` is no saved model, expected JSON with the keys `format`, `version`, `sites`, \
         `fields`, `biases`, `patterns`, `field_values` and `field_weights`, and numbers in the \
         last four; docs/models.md shows one"
    )]
    Syntax {
        /// Name of the file.
        name: String,
        /// Where and how it differs.
        source: serde_json::Error,
    },
    /// It is of another format, or another version.
    #[error(
        "`{name}` has format \"{format}\", version {version}, expected \"{FORMAT}\", version \
         {VERSION}; name a `model.json` of this version of the program, or make it anew"
    )]
    Format {
        /// Name of the file.
        name: String,
        /// The format that it says it has.
        format: String,
        /// The version that it says it has.
        version: u64,
    },
    /// There is nothing, or more than is read.
    #[error("`{name}` has {found} {what}, expected 1 to {limit}; save a smaller model")]
    Size {
        /// Name of the file.
        name: String,
        /// What is counted.
        what: &'static str,
        /// The number found.
        found: usize,
        /// Most allowed.
        limit: usize,
    },
    /// A list has not the length that the others ask for.
    #[error(
        "`{name}` has {what} of length {found}, expected {expected}; `sites`, `fields` and \
         all lists must fit each other"
    )]
    Length {
        /// Name of the file.
        name: String,
        /// The list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length expected.
        expected: usize,
    },
    /// The numbers make no model.
    #[error("`{name}` is no model; correct the number")]
    Model {
        /// Name of the file.
        name: String,
        /// What is wrong with them.
        source: FieldsError,
    },
}

/// The keys of a file, with lists of numbers `N` and lists of rows of numbers `R`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<N, R> {
    format: String,
    version: u64,
    sites: usize,
    fields: usize,
    biases: N,
    patterns: R,
    field_values: R,
    field_weights: N,
}

/// What is looked at first: the rest may be another in another version.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u64,
}

/// The file of a model.
pub(super) fn to_bytes(model: &GeneralisedHopfield) -> Vec<u8> {
    let rows =
        |numbers| -> Vec<&[f64]> { <[f64]>::chunks_exact(numbers, model.fields()).collect() };
    let document = Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        sites: model.sites(),
        fields: model.fields(),
        biases: model.biases(),
        patterns: rows(model.patterns()),
        field_values: rows(model.nodes()),
        field_weights: model.weights(),
    };
    // Finite numbers under plain names, which JSON can always say.
    let mut bytes = serde_json::to_vec(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The model in a file; `name` is what errors call it.
///
/// # Errors
///
/// Every way in which the file can be wrong is a [`ModelFileError`].
pub(super) fn from_bytes(bytes: &[u8], name: &str) -> Result<GeneralisedHopfield, ModelFileError> {
    let owned = || name.to_owned();
    if bytes.len() as u64 > MOST_BYTES {
        return Err(ModelFileError::Bytes {
            name: owned(),
            found: bytes.len(),
        });
    }
    let syntax = |source| ModelFileError::Syntax {
        name: owned(),
        source,
    };
    let heading: Heading = serde_json::from_slice(bytes).map_err(syntax)?;
    if heading.format != FORMAT || heading.version != VERSION {
        return Err(ModelFileError::Format {
            name: owned(),
            format: heading.format,
            version: heading.version,
        });
    }
    let outline: Document<Count, Rows> = serde_json::from_slice(bytes).map_err(syntax)?;
    check_sizes(&outline, name)?;
    let document: Document<Vec<f64>, Vec<Vec<f64>>> =
        serde_json::from_slice(bytes).map_err(syntax)?;
    GeneralisedHopfield::new(
        document.biases,
        document.patterns.concat(),
        document.field_values.concat(),
        document.field_weights,
        document.fields,
    )
    .map_err(|source| ModelFileError::Model {
        name: owned(),
        source,
    })
}

/// Refuses sizes beyond the limits, and lists that do not fit each other.
fn check_sizes(outline: &Document<Count, Rows>, name: &str) -> Result<(), ModelFileError> {
    let values = outline.field_weights.0;
    let sizes = [
        ("sites", outline.sites, MOST_SITES),
        ("fields", outline.fields, MOST_FIELDS),
        ("field_weights", values, MOST_VALUES),
    ];
    if let Some((what, found, limit)) = sizes
        .into_iter()
        .find(|(_, found, limit)| !(1..=*limit).contains(found))
    {
        return Err(ModelFileError::Size {
            name: name.to_owned(),
            what,
            found,
            limit,
        });
    }
    let fields = outline.fields;
    let wrong_row = |rows: &Rows| {
        if rows.shortest < fields {
            rows.shortest
        } else {
            rows.longest
        }
    };
    let (patterns, nodes) = (&outline.patterns, &outline.field_values);
    let lengths = [
        ("biases", outline.biases.0, outline.sites),
        ("patterns", patterns.count, outline.sites),
        ("a row of patterns", wrong_row(patterns), fields),
        ("field_values", nodes.count, values),
        ("a row of field_values", wrong_row(nodes), fields),
    ];
    match lengths
        .into_iter()
        .find(|(_, found, expected)| found != expected)
    {
        None => Ok(()),
        Some((what, found, expected)) => Err(ModelFileError::Length {
            name: name.to_owned(),
            what,
            found,
            expected,
        }),
    }
}

/// The length of a list, whatever is in it.
struct Count(usize);

/// How many rows there are, and how long the shortest and the longest.
struct Rows {
    count: usize,
    shortest: usize,
    longest: usize,
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = each::<IgnoredAny, D>(deserializer, |_| {})?;
        Ok(Self(count))
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut shortest, mut longest) = (usize::MAX, 0);
        let count = each::<Count, D>(deserializer, |row| {
            shortest = shortest.min(row.0);
            longest = longest.max(row.0);
        })?;
        Ok(Self {
            count,
            shortest,
            longest,
        })
    }
}

/// Shows every element of a list to `look`, keeps none, and counts them.
fn each<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    look: impl FnMut(T),
) -> Result<usize, D::Error> {
    deserializer.deserialize_seq(Each {
        look,
        element: std::marker::PhantomData,
    })
}

struct Each<T, F> {
    look: F,
    element: std::marker::PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(element) = list.next_element()? {
            (self.look)(element);
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{FieldLaw, ModelRecipe};
    use crate::random::stream;

    /// A model of two sites, two fields and three values of the field.
    const TEXT: &str = r#"{
        "format": "latentfield generalised Hopfield model", "version": 1,
        "sites": 2, "fields": 2, "biases": [-1.5, 0.25],
        "patterns": [[0.5, 0], [-0.125, 2]],
        "field_values": [[0, 1], [1, 0], [-1, -1]],
        "field_weights": [0.5, 0.25, 0.25]
    }"#;

    fn refused(text: &str) -> String {
        let error = from_bytes(text.as_bytes(), "cells.json").unwrap_err();
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        assert!(message.starts_with("`cells.json`"), "{message}");
        message
    }

    #[test]
    fn numbers_stand_where_the_format_says() {
        let model = from_bytes(TEXT.as_bytes(), "cells.json").unwrap();
        let expected = GeneralisedHopfield::new(
            vec![-1.5, 0.25],
            vec![0.5, 0.0, -0.125, 2.0],
            vec![0.0, 1.0, 1.0, 0.0, -1.0, -1.0],
            vec![0.5, 0.25, 0.25],
            2,
        );
        assert_eq!(Ok(model), expected);
    }

    #[test]
    fn the_example_of_the_manual_is_a_model() {
        let manual = include_str!("../../docs/models.md");
        let (_, after) = manual.split_once("```json\n").unwrap();
        let (example, _) = after.split_once("```").unwrap();
        let model = from_bytes(example.as_bytes(), "docs/models.md").unwrap();
        assert_eq!((model.sites(), model.fields()), (2, 1));
        assert_eq!(model.weights(), [0.5, 0.25, 0.25]);
    }

    #[test]
    fn a_model_comes_back_to_the_last_digit() {
        for law in [FieldLaw::Normal, FieldLaw::Skewed, FieldLaw::States] {
            let recipe = ModelRecipe {
                sites: 30,
                fields: 2,
                rate: 0.2,
                strength: 0.7,
                law,
                sparseness: 0.4,
            };
            let model = recipe.draw(&mut stream("model file", &[])).unwrap();
            let bytes = to_bytes(&model);
            assert_eq!(from_bytes(&bytes, "cells.json").unwrap(), model);
            assert_eq!(to_bytes(&from_bytes(&bytes, "").unwrap()), bytes);
        }
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let replaced = |from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from}");
            refused(&TEXT.replace(from, to))
        };
        let cases = [
            ("\"version\": 1", "\"version\": 2", "version 2, expected"),
            ("latentfield gen", "Latentfield gen", "has format \"Latent"),
            ("\"biases\"", "\"bias\"", "unknown field `bias`"),
            (
                "\"fields\": 2, ",
                "\"fields\": 2, \"beta\": 1, ",
                "unknown field `beta`",
            ),
            ("\"fields\": 2, ", "", "missing field `fields`"),
            ("\"sites\": 2", "\"sites\": -2", "line 3"),
            (
                "\"sites\": 2",
                "\"sites\": 3",
                "biases of length 2, expected 3",
            ),
            (
                "\"sites\": 2",
                "\"sites\": 0",
                "0 sites, expected 1 to 10000",
            ),
            (
                "\"sites\": 2",
                "\"sites\": 10001",
                "10001 sites, expected 1 to 10000",
            ),
            (
                "\"fields\": 2",
                "\"fields\": 65",
                "65 fields, expected 1 to 64",
            ),
            (
                "[0.5, 0]",
                "[0.5]",
                "a row of patterns of length 1, expected 2",
            ),
            (
                "[1, 0]",
                "[1, 0, 7]",
                "a row of field_values of length 3, expected 2",
            ),
            ("[1, 0], ", "", "field_values of length 2, expected 3"),
            ("[0.5, 0.25, 0.25]", "[]", "0 field_weights, expected 1 to"),
            ("[0.5, 0.25, 0.25]", "[0, 0, 0]", "not all 0"),
            ("0.25, 0.25]", "-0.25, 0.25]", "weight 1 is -0.25"),
            ("-1.5", "NaN", "line 3"),
            ("-1.5", "null", "expected f64"),
            ("-1.5", "1e999", "number out of range"),
            ("-1.5", "\"-1.5\"", "expected f64"),
            (
                "\"biases\": [-1.5, 0.25]",
                "\"biases\": 3",
                "expected a list",
            ),
        ];
        for (from, to, expected) in cases {
            let message = replaced(from, to);
            assert!(message.contains(expected), "{message}\nexpected {expected}");
        }
        assert!(refused("").contains("EOF"));
        let twice = TEXT.replace("\"fields\": 2, ", "\"fields\": 2, \"fields\": 2, ");
        assert!(refused(&twice).contains("duplicate field"));
    }

    #[test]
    fn a_file_that_claims_more_than_it_has_is_refused_by_its_size() {
        let bytes = vec![b' '; MOST_BYTES as usize + 1];
        let error = from_bytes(&bytes, "cells.json").unwrap_err();
        assert!(matches!(error, ModelFileError::Bytes { .. }), "{error}");
    }
}
