//! `[experiment]`: name, seed, replicates.

use schemars::JsonSchema;
use serde::Serialize;

use super::node::{Node, Value};
use super::section::Section;

/// What the experiment is called and how often it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExperimentSection {
    /// Name of the results folder: letters, digits, `_` and `-`.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,100}$"))]
    pub name: String,
    /// Title of the results page; the name by default.
    pub title: String,
    /// Seed that all random streams are derived from.
    #[schemars(range(min = 0, max = i64::MAX))]
    pub seed: u64,
    /// Independent repeats of every combination of swept values.
    #[schemars(range(min = 1, max = 10_000))]
    pub replicates: u32,
    /// Licence of the results, by its SPDX name, address or in words, if one is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Who made the results: `Name` or `Name <https://orcid.org/…>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
}

pub(super) const KEYS: &[&str] = &["name", "title", "seed", "replicates", "license", "authors"];

/// Longest name; it becomes the name of a folder.
const LONGEST_NAME: usize = 100;

/// Most authors of an experiment.
const MOST_AUTHORS: usize = 10_000;

/// Folder of the results that no experiment may take: reference results lie there.
const RESERVED: &str = "reference";

// Defaults; the title is the name.
const SEED: i64 = 0;
const REPLICATES: usize = 1;

/// Reads `[experiment]`.
pub(super) fn read(section: &Section<'_>) -> Option<ExperimentSection> {
    section.allow_only(KEYS);
    section.require(&["name"]);
    let name = file_name(section, "name").and_then(|name| not_reserved(section, name));
    let title = section.text("title");
    let seed = section.integer("seed", &(0..=i64::MAX)).unwrap_or(SEED);
    let replicates = section.count("replicates", 1..=10_000);
    let license = section.text("license");
    let authors = section.array("authors", &(0..=MOST_AUTHORS), "texts", author);
    let name = name?;
    Some(ExperimentSection {
        title: title.unwrap_or_else(|| name.clone()),
        name,
        seed: u64::try_from(seed).ok()?,
        replicates: u32::try_from(replicates.unwrap_or(REPLICATES)).ok()?,
        license,
        authors: authors.unwrap_or_default(),
    })
}

fn author(section: &Section<'_>, node: &Node, key: &str) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => section.wrong_type(node, key, "a text"),
    }
}

fn not_reserved(section: &Section<'_>, name: String) -> Option<String> {
    // Some file systems do not tell letters of either case apart.
    if !name.eq_ignore_ascii_case(RESERVED) {
        return Some(name);
    }
    let expected = format!("another name than `{RESERVED}`, where reference results lie");
    section.out_of_range(&section.find("name")?.node, &section.key("name"), expected)
}

/// Reads a text that is safe as the name of a file or folder.
pub(super) fn file_name(section: &Section<'_>, key: &str) -> Option<String> {
    let name = section.text(key)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(plain) {
        return Some(name);
    }
    let expected = format!("1 to {LONGEST_NAME} letters, digits, `_` or `-`");
    section.out_of_range(&section.find(key)?.node, &section.key(key), expected)
}
