//! `[recording]`: real data from a file.

use std::path::PathBuf;

use serde::Serialize;

use super::node::{Node, Value};
use super::report::Report;
use super::section::{NumberRule, Section};

/// A recording of cells that are active or silent in each time bin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordingSection {
    /// Path of the file, absolute whenever the current folder is.
    pub path: PathBuf,
    /// Variable inside the file; `None` takes the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// What each dimension of the stored array counts.
    pub axes: Vec<RecordingAxis>,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits, if it is to be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Number of repeats that the bins fall into; `None` if an axis counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<usize>,
    /// Width of a time bin in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin_ms: Option<f64>,
    /// Which repeats are kept for testing.
    pub split: RepeatSplit,
    /// The cells to use, by index from 0; `None` takes all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<usize>>,
    /// Where the data can be had and what to cite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cite: Option<String>,
}

/// What a dimension of the stored array counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingAxis {
    /// Repeats of the same stimulus.
    Repeat,
    /// Cells.
    Cell,
    /// Time bins.
    Bin,
}

/// Repeats `r` with `r % every == offset` are the test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RepeatSplit {
    /// What is split.
    pub by: SplitBy,
    /// Period of the test repeats, at least 2.
    pub every: usize,
    /// The first test repeat, less than `every`.
    pub offset: usize,
}

/// What a split goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Whole repeats.
    Repeat,
}

pub(super) const KEYS: &[&str] = &[
    "path", "variable", "axes", "sha256", "repeats", "bin_ms", "split", "sites", "cite",
];
pub(super) const SPLIT_KEYS: &[&str] = &["by", "every", "offset"];

/// Most cells that may be named.
const MOST_SITES: usize = 100_000;

// Defaults.
const AXES: [RecordingAxis; 2] = [RecordingAxis::Bin, RecordingAxis::Cell];
const SPLIT: RepeatSplit = RepeatSplit {
    by: SplitBy::Repeat,
    every: 3,
    offset: 2,
};

const AXIS_NAMES: &[(&str, RecordingAxis)] = &[
    ("repeat", RecordingAxis::Repeat),
    ("cell", RecordingAxis::Cell),
    ("bin", RecordingAxis::Bin),
];

/// Reads `[recording]`.
pub(super) fn read(section: &Section<'_>) -> Option<RecordingSection> {
    section.allow_only(KEYS);
    section.require(&["path"]);
    let path = path(section);
    let variable = section.text("variable");
    let axes = axes(section);
    let sha256 = sha256(section);
    let bin_ms = section.number("bin_ms", NumberRule::POSITIVE);
    let split = split(&section.table_or_empty("split"));
    let repeats = repeats(section, &axes, split);
    let sites = sites(section);
    let cite = section.text("cite");
    Some(RecordingSection {
        path: path?,
        variable,
        axes,
        sha256,
        repeats,
        bin_ms,
        split,
        sites,
        cite,
    })
}

/// The text of a path, counted from the folder that its layer counts from.
pub(super) fn resolved(report: &Report<'_>, node: &Node, text: &str) -> PathBuf {
    report.folder(node.place).join(text)
}

/// The file that the key `path` of a table names.
pub(super) fn path(section: &Section<'_>) -> Option<PathBuf> {
    let text = section.text("path")?;
    let node = &section.find("path")?.node;
    if text.is_empty() || text.contains('\0') {
        return section.out_of_range(node, &section.key("path"), "the path of a file".to_owned());
    }
    Some(resolved(section.report, node, &text))
}

fn axes(section: &Section<'_>) -> Vec<RecordingAxis> {
    let names = section.array("axes", &(2..=3), "axis names", |section, node, key| {
        section.word_of(node, key, AXIS_NAMES)
    });
    let Some(axes) = names else {
        return AXES.to_vec();
    };
    let times = |axis| axes.iter().filter(|&&other| other == axis).count();
    let repeat = times(RecordingAxis::Repeat);
    if times(RecordingAxis::Bin) == 1 && times(RecordingAxis::Cell) == 1 && repeat <= 1 {
        return axes;
    }
    let expected = "`bin` and `cell` once each, `repeat` at most once";
    section.conflict("axes", expected, None);
    AXES.to_vec()
}

fn sha256(section: &Section<'_>) -> Option<String> {
    let text = section.text("sha256")?;
    if text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    let node = &section.find("sha256")?.node;
    section.out_of_range(
        node,
        &section.key("sha256"),
        "64 hexadecimal digits".to_owned(),
    )
}

fn split(section: &Section<'_>) -> RepeatSplit {
    section.allow_only(SPLIT_KEYS);
    let by = section.word("by", &[("repeat", SplitBy::Repeat)]);
    let every = section.count("every", 2..=1_000_000);
    let every = every.unwrap_or(SPLIT.every);
    let given = section.count("offset", 0..=999_999);
    // The default is the last repeat of each period, which for 3 is 2.
    let offset = given.unwrap_or(every - 1);
    if offset >= every {
        section.conflict(
            "offset",
            &format!("less than `every`, which is {every}"),
            None,
        );
    }
    RepeatSplit {
        by: by.unwrap_or(SPLIT.by),
        every,
        offset,
    }
}

fn repeats(section: &Section<'_>, axes: &[RecordingAxis], split: RepeatSplit) -> Option<usize> {
    if axes.contains(&RecordingAxis::Repeat) {
        let help = "leave it out: the axis counts the repeats";
        section.conflict(
            "repeats",
            "no such key beside the axis `repeat`",
            Some(help),
        );
        return None;
    }
    section.require(&["repeats"]);
    let repeats = section.count("repeats", 2..=10_000_000)?;
    if repeats <= split.offset {
        let expected = format!(
            "more repeats than the split's offset {}, or no repeat is a test repeat",
            split.offset
        );
        section.conflict("repeats", &expected, None);
    }
    Some(repeats)
}

fn sites(section: &Section<'_>) -> Option<Vec<usize>> {
    let sites = section.counts("sites", &(1..=MOST_SITES), 0..=10_000_000)?;
    let Value::Array(items) = &section.find("sites")?.node.value else {
        return None;
    };
    let mut seen = std::collections::HashSet::new();
    let twice = sites.iter().position(|site| !seen.insert(site));
    let Some(position) = twice else {
        return Some(sites);
    };
    let key = format!("{}[{position}]", section.key("sites"));
    let expected = "each cell once".to_owned();
    section.refuse(
        "manifest::duplicate",
        &items[position],
        &key,
        expected,
        None,
    )
}
