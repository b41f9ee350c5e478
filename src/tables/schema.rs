//! The schema of each table, as constants.
//!
//! Column names end in their unit or meaning; a column `…_se` is the standard
//! error of the one before it. A schema's version is raised by hand when the
//! meaning of a column changes. `docs/tables.md` describes the same columns
//! for readers, and a test holds the two together.

mod effective;
mod information;
mod network;
mod population;
mod read_off;

use std::fmt;
use std::sync::LazyLock;

pub use effective::{
    BASIN_SITES, BASINS, COLLECTIVE_POTENTIAL, COLLECTIVE_VARIABLES, EFFECTIVE_MODEL,
    EFFECTIVE_PATTERNS, EFFECTIVE_SITES, FIELDS_FOUND, LANDSCAPE, LIKELIHOOD_BLOCKS,
    MODEL_CORRELATIONS, MODEL_COUNTS, MODELS, MOVIE, STIMULUS,
};
pub use information::{INFORMATION, LATENTS, TWO_SAMPLE_TESTS, VERDICT};
pub use network::{LATENT_RATE, LIKELIHOOD, TRAINING};
pub use population::{ACTIVE_COUNT, CORRELATIONS, LATENT_MAP, RATES, STATISTICS, TRIPLETS};
pub use read_off::{COUPLINGS, FIELD, PATTERN_SITES, PATTERNS, SPECTRUM};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// Numbers in double precision, of which some may be missing.
    Number,
    /// Text.
    Text,
    /// True or false.
    Flag,
}

impl Kind {
    /// The word for this kind in the metadata of a Parquet file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One column of a [`TableSchema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSchema {
    /// Name of the column.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Meaning and unit, for a reader.
    pub description: &'static str,
}

/// The columns of one table, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSchema {
    /// Name of the table, and of its file.
    pub name: &'static str,
    /// Raised by hand when a column's meaning changes.
    pub version: u32,
    /// What one row stands for.
    pub row: &'static str,
    /// Columns that name a row: no two rows of a point and replicate agree on all.
    pub keys: &'static [&'static str],
    /// The columns, without the leading ones that every table gets.
    pub columns: &'static [ColumnSchema],
}

/// What a column is for when tables are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Names the row, together with the other keys.
    Key,
    /// Names the row, and says which quantity its values are of.
    Quantity,
    /// A result.
    Value,
    /// The standard error of the nearest value before it.
    StandardError,
    /// Words for readers, which are not compared.
    Remark,
}

/// Keys that say which quantity a row is of.
const QUANTITIES: &[&str] = &["quantity", "observable", "parameter"];

/// Columns of words for readers.
const REMARKS: &[&str] = &["warning", "reason"];

impl TableSchema {
    /// What one of its columns is for.
    #[must_use]
    pub fn role(&self, column: &str) -> Role {
        if self.keys.contains(&column) {
            if QUANTITIES.contains(&column) {
                return Role::Quantity;
            }
            return Role::Key;
        }
        value_role(column)
    }
}

/// What a column that is no key is for, by its name.
fn value_role(column: &str) -> Role {
    if column == "standard_error" || column.ends_with("_se") {
        Role::StandardError
    } else if REMARKS.contains(&column) {
        Role::Remark
    } else {
        Role::Value
    }
}

/// What a column of the table `table` is for. In a table that is not of the
/// catalogue, whole numbers and text name the row.
#[must_use]
pub fn role(table: &str, column: &str, kind: Kind) -> Role {
    match (find(table), kind) {
        (Some(schema), _) => schema.role(column),
        (None, Kind::Integer | Kind::Text) => Role::Key,
        (None, Kind::Number | Kind::Flag) => value_role(column),
    }
}

const fn integer(name: &'static str, description: &'static str) -> ColumnSchema {
    let kind = Kind::Integer;
    ColumnSchema {
        name,
        kind,
        description,
    }
}

const fn number(name: &'static str, description: &'static str) -> ColumnSchema {
    let kind = Kind::Number;
    ColumnSchema {
        name,
        kind,
        description,
    }
}

const fn text(name: &'static str, description: &'static str) -> ColumnSchema {
    let kind = Kind::Text;
    ColumnSchema {
        name,
        kind,
        description,
    }
}

const fn flag(name: &'static str, description: &'static str) -> ColumnSchema {
    let kind = Kind::Flag;
    ColumnSchema {
        name,
        kind,
        description,
    }
}

const STANDARD_ERROR: &str = "standard error of the column before it, in its unit";

/// Columns that every table of a results folder begins with. One column per
/// swept parameter follows them.
pub const LEADING: &[ColumnSchema] = &[
    integer(
        "point",
        "number of the point (sweep combination and replicate), from 0",
    ),
    integer("replicate", "number of the independent repeat, from 0"),
    text(
        "seed",
        "seed of the experiment, from which all random streams derive",
    ),
];

/// How well the sampler did, and its averages beside exact ones.
pub const SAMPLING: TableSchema = TableSchema {
    name: "sampling",
    version: 2,
    row: "one row per quantity",
    keys: &["quantity"],
    columns: &[
        text(
            "quantity",
            "energy_per_site, energy_variance_per_site, log_partition, \
             autocorrelation_time_sweeps, effective_samples, split_r_hat, \
             lowest_swap_acceptance",
        ),
        text("method", "sampler, or method of the exact computation"),
        number(
            "value",
            "value of the quantity, in the unit that its name implies",
        ),
        number("standard_error", "standard error of the value"),
        number("exact", "exact value where there is one"),
    ],
};

/// Averages of the data and of samples of the network, beside exact ones.
pub const THERMODYNAMICS: TableSchema = TableSchema {
    name: "thermodynamics",
    version: 1,
    row: "one row per observable and source",
    keys: &["observable", "source"],
    columns: &[
        text(
            "observable",
            "energy_per_site (J), energy_variance_per_site (J^2), specific_heat (k_B per site), \
             abs_ and squared_ of each order parameter, susceptibility, binder_cumulant",
        ),
        text(
            "source",
            "data (all samples of the model) or vae (samples of the network)",
        ),
        number(
            "value",
            "estimate of the observable, in the unit that its name implies",
        ),
        number(
            "standard_error",
            "standard error of the value, by jackknife over blocks",
        ),
        number(
            "exact",
            "exact value at this size and temperature, where it is known",
        ),
    ],
};

/// All table schemas, in the order of the flow.
#[must_use]
pub fn catalogue() -> &'static [&'static TableSchema] {
    &[
        &SAMPLING,
        &THERMODYNAMICS,
        &TRAINING,
        &LATENT_RATE,
        &LIKELIHOOD,
        &LIKELIHOOD_BLOCKS,
        &COUPLINGS,
        &FIELD,
        &INFORMATION,
        &LATENTS,
        &VERDICT,
        &TWO_SAMPLE_TESTS,
        &PATTERNS,
        &PATTERN_SITES,
        &SPECTRUM,
        &STATISTICS,
        &ACTIVE_COUNT,
        &RATES,
        &CORRELATIONS,
        &TRIPLETS,
        &LATENT_MAP,
        &MODELS,
        &MODEL_COUNTS,
        &MODEL_CORRELATIONS,
        &COLLECTIVE_VARIABLES,
        &EFFECTIVE_MODEL,
        &EFFECTIVE_SITES,
        &EFFECTIVE_PATTERNS,
        &COLLECTIVE_POTENTIAL,
        &FIELDS_FOUND,
        &LANDSCAPE,
        &BASINS,
        &BASIN_SITES,
        &MOVIE,
        &STIMULUS,
    ]
}

/// The names of all tables, each with those of its columns, as a manifest is checked
/// against them.
#[must_use]
pub fn column_names() -> &'static [(&'static str, &'static [&'static str])] {
    static NAMES: LazyLock<Vec<(&str, &[&str])>> = LazyLock::new(|| {
        let names = |schema: &TableSchema| -> &'static [&'static str] {
            // Once in the life of the process.
            Vec::leak(schema.columns.iter().map(|column| column.name).collect())
        };
        let schemas = catalogue().iter();
        schemas.map(|schema| (schema.name, names(schema))).collect()
    });
    &NAMES
}

/// The schema of the table `name`, if there is one.
#[must_use]
pub fn find(name: &str) -> Option<&'static TableSchema> {
    catalogue()
        .iter()
        .copied()
        .find(|schema| schema.name == name)
}

/// Meaning and unit of column `column` of table `table`: of its schema, of the
/// leading columns, or else of a swept parameter.
#[must_use]
pub fn describe(table: &str, column: &str) -> &'static str {
    let own = find(table).map_or(&[][..], |schema| schema.columns);
    own.iter()
        .chain(LEADING)
        .find(|known| known.name == column)
        .map_or("swept parameter", |known| known.description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_within_a_table_and_in_the_catalogue() {
        let tables: BTreeSet<_> = catalogue().iter().map(|schema| schema.name).collect();
        assert_eq!(tables.len(), catalogue().len());
        for schema in catalogue() {
            let all = || {
                LEADING
                    .iter()
                    .chain(schema.columns)
                    .map(|column| column.name)
            };
            let unique: BTreeSet<_> = all().collect();
            assert_eq!(unique.len(), all().count(), "table `{}`", schema.name);
        }
    }

    #[test]
    fn a_standard_error_follows_its_value() {
        for schema in catalogue() {
            for (index, column) in schema.columns.iter().enumerate() {
                if let Some(value) = column.name.strip_suffix("_se") {
                    assert_eq!(
                        schema.columns[index - 1].name,
                        value,
                        "table `{}`",
                        schema.name
                    );
                }
            }
        }
    }

    #[test]
    fn keys_are_columns_and_every_value_that_they_name_is_told_apart() {
        for schema in catalogue() {
            for key in schema.keys {
                let column = schema.columns.iter().find(|column| column.name == *key);
                let column = column.unwrap_or_else(|| panic!("`{}`: no `{key}`", schema.name));
                assert_ne!(column.kind, Kind::Flag, "`{}`: `{key}`", schema.name);
            }
            let roles = || schema.columns.iter().map(|column| schema.role(column.name));
            assert!(roles().any(|role| role == Role::Value), "`{}`", schema.name);
            let quantities = roles().filter(|role| *role == Role::Quantity).count();
            assert!(quantities <= 1, "`{}`", schema.name);
        }
    }

    #[test]
    fn a_table_without_keys_has_one_row_a_point_and_no_other_has() {
        for schema in catalogue() {
            let single = schema.row == "one row per point and replicate";
            assert_eq!(single, schema.keys.is_empty(), "`{}`", schema.name);
        }
    }

    #[test]
    fn a_standard_error_has_a_value_before_it() {
        for schema in catalogue() {
            let mut value = false;
            for column in schema.columns {
                match schema.role(column.name) {
                    Role::Value => value = column.kind == Kind::Number,
                    Role::StandardError => assert!(value, "`{}`: `{}`", schema.name, column.name),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn every_column_has_a_line_in_the_documentation() {
        let text = include_str!("../../docs/tables.md");
        for schema in catalogue() {
            let heading = format!("## `{}`", schema.name);
            let section = text
                .split("\n## ")
                .find(|part| heading.ends_with(part.lines().next().unwrap_or("?")))
                .unwrap_or_else(|| panic!("no section {heading}"));
            for column in schema.columns {
                let line = format!("| `{}` | {} |", column.name, column.kind);
                assert!(section.contains(&line), "{heading} lacks: {line}");
            }
        }
        for column in LEADING {
            let line = format!("| `{}` | {} |", column.name, column.kind);
            assert!(text.contains(&line), "no line: {line}");
        }
    }

    #[test]
    fn the_documentation_names_no_column_that_is_not_there() {
        let text = include_str!("../../docs/tables.md");
        let known: BTreeSet<&str> = catalogue()
            .iter()
            .flat_map(|schema| schema.columns)
            .chain(LEADING)
            .map(|column| column.name)
            .collect();
        for line in text.lines() {
            if let Some(name) = line
                .strip_prefix("| `")
                .and_then(|rest| rest.split('`').next())
            {
                assert!(known.contains(name), "`{name}` is in no schema");
            }
        }
    }
}
