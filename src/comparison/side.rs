//! What is compared, and how.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::Tolerances;
use crate::tables::Table;

/// One results folder.
#[derive(Debug, Clone)]
pub struct Side {
    /// Its name in reports.
    pub name: String,
    /// Its tables by name.
    pub tables: BTreeMap<String, Table>,
    /// Its expanded manifest; null if there is none.
    pub manifest: Value,
}

/// What is compared, and what counts as equal.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns to join on instead of swept parameters and keys.
    pub on: Option<Vec<String>>,
    /// Compare only quantities that match, written `table.quantity`.
    pub keep: Option<Regex>,
    /// Leave out quantities that match.
    pub drop: Option<Regex>,
    /// Differences that do not matter.
    pub tolerances: Tolerances,
    /// Probability of even one wrong `differs` among all rows.
    pub level: f64,
    /// Whether the sides have all their tables, so that each tolerance has to name
    /// something in them.
    pub all_tables: bool,
    /// Whether replicates of the same seed and number are compared pair by pair.
    pub paired: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            on: None,
            keep: None,
            drop: None,
            tolerances: Tolerances::default(),
            level: 0.01,
            all_tables: true,
            paired: false,
        }
    }
}

impl Options {
    /// Whether a quantity is compared.
    pub(super) fn compares(&self, table: &str, quantity: &str) -> bool {
        let name = format!("{table}.{quantity}");
        let kept = self.keep.as_ref().is_none_or(|kept| kept.is_match(&name));
        let dropped = self.drop.as_ref();
        kept && !dropped.is_some_and(|dropped| dropped.is_match(&name))
    }
}
