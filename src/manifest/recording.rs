//! `[recording]`: real data from a file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::node::{Node, Value};
use super::report::Report;
use super::schema;
use super::section::{NumberRule, Section};
use super::subset::{self, BinRange, RecordedSites};

/// A recording of cells that are active or silent in each time bin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordingSection {
    /// Path of the file; a relative path counts from the manifest's folder. Absolute here whenever
    /// the current folder is.
    #[schemars(with = "String", length(min = 1))]
    pub path: PathBuf,
    /// Whether the file holds bins or spikes.
    pub format: RecordingFormat,
    /// Variable inside the file; the only one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// What each dimension of the stored array counts; not for spikes.
    #[schemars(length(min = 2, max = 3))]
    #[schemars(extend("uniqueItems" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<RecordingAxis>,
    /// What each column of spikes is: `cell` and `time` once each, `repeat` at most once, each
    /// perhaps with its name in the file (`cell:unit`), and any number of `-`; not for bins.
    #[schemars(schema_with = "schema::columns")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Unit of the times of spikes; not for bins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<TimeUnit>,
    /// Where the first bin of spikes begins, in seconds; 0 by default, before which no spike may
    /// lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_s: Option<f64>,
    /// Length of a repeat of spikes in seconds; to the bin of the last spike by default.
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// SHA-256 of the file, 64 hexadecimal digits, if it is to be checked.
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{64}$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Number of repeats that the bins fall into; left out if an axis or a column counts them.
    #[schemars(range(min = 2, max = 10_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<usize>,
    /// Width of a time bin in milliseconds.
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin_ms: Option<f64>,
    /// Which repeats are kept for testing.
    pub split: RepeatSplit,
    /// The cells to use: a list of indices from 0; or `first:25`; or `random:25`, so many drawn
    /// from the seed, or `random:25:1`, the second such draw. All by default.
    #[schemars(schema_with = "schema::recorded_sites")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<RecordedSites>,
    /// The bins of every repeat to use: `0:476` are bins 0 to 475. All by default.
    #[schemars(schema_with = "schema::bin_range")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bins: Option<BinRange>,
    /// Where the data can be had and what to cite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cite: Option<String>,
}

/// What the file of a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingFormat {
    /// An array with a value a cell and time bin.
    Binned,
    /// A table with a row a spike.
    SpikeTimes,
}

/// The unit of the times of spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum TimeUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
}

/// What a dimension of the stored array counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RepeatSplit {
    /// What is split.
    pub by: SplitBy,
    /// Period of the test repeats, at least 2.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub every: usize,
    /// The first test repeat, less than `every`; the last of each period by default.
    #[schemars(range(min = 0, max = 999_999))]
    pub offset: usize,
}

/// What a split goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// Whole repeats.
    Repeat,
}

pub(super) const KEYS: &[&str] = &[
    "path",
    "format",
    "variable",
    "axes",
    "columns",
    "time_unit",
    "start_s",
    "duration_s",
    "sha256",
    "repeats",
    "bin_ms",
    "split",
    "sites",
    "bins",
    "cite",
];
pub(super) const SPLIT_KEYS: &[&str] = &["by", "every", "offset"];

/// Keys of spike times alone.
const SPIKE_KEYS: &[&str] = &["columns", "time_unit", "start_s", "duration_s"];

/// Most columns of a table of spikes.
pub(super) const MOST_COLUMNS: usize = 1000;

// Defaults.
const FORMAT: RecordingFormat = RecordingFormat::Binned;
const TIME_UNIT: TimeUnit = TimeUnit::Seconds;
const COLUMNS: [&str; 2] = ["cell", "time"];
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

const FORMATS: &[(&str, RecordingFormat)] = &[
    ("binned", RecordingFormat::Binned),
    ("spike_times", RecordingFormat::SpikeTimes),
];

const TIME_UNITS: &[(&str, TimeUnit)] = &[("s", TimeUnit::Seconds), ("ms", TimeUnit::Milliseconds)];

/// Reads `[recording]`.
pub(super) fn read(section: &Section<'_>) -> Option<RecordingSection> {
    section.allow_only(KEYS);
    section.require(&["path"]);
    let path = path(section, "path");
    let variable = section.text("variable");
    let format = section.word("format", FORMATS).unwrap_or(FORMAT);
    let layout = match format {
        RecordingFormat::Binned => binned(section),
        RecordingFormat::SpikeTimes => spike_times(section),
    };
    let sha256 = sha256(section);
    let bin_ms = section.number("bin_ms", NumberRule::POSITIVE);
    let split = split(&section.table_or_empty("split"));
    let repeats = repeats(section, layout.counts_repeats, split);
    let sites = subset::sites(section);
    let bins = subset::bins(section);
    let cite = section.text("cite");
    Some(RecordingSection {
        path: path?,
        format,
        variable,
        axes: layout.axes,
        columns: layout.columns,
        time_unit: layout.time_unit,
        start_s: layout.start_s,
        duration_s: layout.duration_s,
        sha256,
        repeats,
        bin_ms,
        split,
        sites,
        bins,
        cite,
    })
}

/// The text of a path, counted from the folder that its layer counts from.
pub(super) fn resolved(report: &Report<'_>, node: &Node, text: &str) -> PathBuf {
    report.folder(node.place).join(text)
}

/// The path of a file that stands under `key`.
pub(super) fn path(section: &Section<'_>, key: &str) -> Option<PathBuf> {
    let text = section.text(key)?;
    let node = &section.find(key)?.node;
    if text.is_empty() || text.contains('\0') {
        return section.out_of_range(node, &section.key(key), "the path of a file".to_owned());
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

/// How the values lie in the file: keys that one format has and the other has not.
#[derive(Default)]
struct Layout {
    axes: Vec<RecordingAxis>,
    columns: Vec<String>,
    time_unit: Option<TimeUnit>,
    start_s: Option<f64>,
    duration_s: Option<f64>,
    /// What counts the repeats, if the file does.
    counts_repeats: Option<&'static str>,
}

fn binned(section: &Section<'_>) -> Layout {
    for key in SPIKE_KEYS {
        let expected = "no such key without `format = \"spike_times\"`";
        section.conflict(key, expected, None);
    }
    let axes = axes(section);
    let counted = axes.contains(&RecordingAxis::Repeat);
    Layout {
        axes,
        counts_repeats: counted.then_some("axis"),
        ..Layout::default()
    }
}

fn spike_times(section: &Section<'_>) -> Layout {
    section.require(&["bin_ms"]);
    let expected = "no such key beside `format = \"spike_times\"`";
    let help = "leave it out: `columns` says what the columns are";
    section.conflict("axes", expected, Some(help));
    let columns = columns(section);
    let counted = columns.iter().any(|column| quantity(column) == "repeat");
    Layout {
        columns,
        time_unit: Some(section.word("time_unit", TIME_UNITS).unwrap_or(TIME_UNIT)),
        start_s: section.number("start_s", NumberRule::FINITE),
        duration_s: section.number("duration_s", NumberRule::POSITIVE),
        counts_repeats: counted.then_some("column"),
        axes: Vec::new(),
    }
}

/// What a column holds: the word before its name.
fn quantity(column: &str) -> &str {
    column.split(':').next().unwrap_or_default()
}

fn columns(section: &Section<'_>) -> Vec<String> {
    let default = || COLUMNS.map(str::to_owned).to_vec();
    let noun = "columns, each `cell`, `time`, `repeat` or `-`";
    let found = section.array("columns", &(2..=MOST_COLUMNS), noun, column);
    let Some(columns) = found else {
        return default();
    };
    let times = |wanted| columns.iter().filter(|c| quantity(c) == wanted).count();
    if times("cell") == 1 && times("time") == 1 && times("repeat") <= 1 {
        return columns;
    }
    let expected = "`cell` and `time` once each, `repeat` at most once";
    section.conflict("columns", expected, None);
    default()
}

fn column(section: &Section<'_>, node: &Node, key: &str) -> Option<String> {
    let expected = "`cell`, `time`, `repeat`, or one of them with its name in the file, \
                    such as `cell:unit`; `-` for a column that is passed over";
    let Value::Text(text) = &node.value else {
        return section.wrong_type(node, key, expected);
    };
    let known = ["cell", "time", "repeat"].contains(&quantity(text)) && !text.ends_with(':');
    if known || text == "-" {
        return Some(text.clone());
    }
    section.refuse(
        "manifest::unknown_word",
        node,
        key,
        expected.to_owned(),
        None,
    )
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

fn repeats(section: &Section<'_>, counted_by: Option<&str>, split: RepeatSplit) -> Option<usize> {
    if let Some(what) = counted_by {
        let expected = format!("no such key beside the {what} `repeat`");
        let help = format!("leave it out: the {what} counts the repeats");
        section.conflict("repeats", &expected, Some(&help));
        return None;
    }
    section.require(&["repeats"]);
    let node = &section.find("repeats")?.node;
    if matches!(node.value, Value::Integer(0 | 1)) {
        let expected = "an integer from 2 to 10000000".to_owned();
        let help = "whole repeats are kept for testing, so one is not enough; `repeats` cuts a \
                    long recording without repeats into so many equal stretches";
        let (code, help) = ("manifest::out_of_range", Some(help.to_owned()));
        return section.refuse(code, node, &section.key("repeats"), expected, help);
    }
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
