//! `[[plot]]`: figures asked for by name.

use schemars::JsonSchema;
use serde::Serialize;

use super::catalogue::{list, nearest};
use super::experiment::file_name;
use super::node::{Node, Value};
use super::parse::join;
use super::section::Section;

/// Known tables and their columns, without the columns of swept parameters.
pub type Catalogue<'a> = &'a [(&'a str, &'a [&'a str])];

/// A figure: one column of a table against another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlotRequest {
    /// Name of the file, without its extension.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,100}$"))]
    pub name: String,
    /// Table that is drawn.
    pub table: String,
    /// Column of the horizontal axis.
    pub x: String,
    /// Column of the vertical axis.
    pub y: String,
    /// Column whose values make the series, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Column of the error bars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Title; the name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

pub(super) const KEYS: &[&str] = &["name", "table", "x", "y", "series", "error", "title"];

/// Columns that every table begins with.
pub(super) const LEADING_COLUMNS: [&str; 3] = ["point", "replicate", "seed"];

/// Most figures of one manifest.
pub(super) const MOST_PLOTS: usize = 1000;

/// Reads all `[[plot]]` tables; `axes` are the columns of swept parameters.
pub(super) fn read(
    root: &Section<'_>,
    catalogue: Catalogue<'_>,
    axes: &[String],
) -> Vec<PlotRequest> {
    let read = |root: &Section<'_>, node: &Node, key: &str| match &node.value {
        Value::Table(entries) => {
            let section = Section {
                report: root.report,
                path: key.to_owned(),
                place: node.place,
                entries,
            };
            request(&section, catalogue, axes)
        }
        _ => root.wrong_type(node, key, "a table, written `[[plot]]`"),
    };
    let plots = root.array("plot", &(0..=MOST_PLOTS), "tables", read);
    let plots = plots.unwrap_or_default();
    for (index, plot) in plots.iter().enumerate() {
        if plots[..index].iter().any(|other| other.name == plot.name) {
            twice(root, index);
        }
    }
    plots
}

fn twice(root: &Section<'_>, index: usize) -> Option<()> {
    let Value::Array(items) = &root.find("plot")?.node.value else {
        return None;
    };
    let name = &items[index].at("name")?.node;
    let key = join(&format!("plot[{index}]"), "name");
    let expected = "a name that no other plot has".to_owned();
    root.refuse("manifest::duplicate", name, &key, expected, None)
}

fn request(
    section: &Section<'_>,
    catalogue: Catalogue<'_>,
    axes: &[String],
) -> Option<PlotRequest> {
    section.allow_only(KEYS);
    section.require(&["name", "table", "x", "y"]);
    let name = file_name(section, "name");
    let tables: Vec<(&str, &[&str])> = catalogue.to_vec();
    let columns = section.word("table", &tables);
    let column = |key: &str| column(section, key, columns?, axes);
    let (x, y) = (column("x"), column("y"));
    let (series, error) = (column("series"), column("error"));
    let title = section.text("title");
    Some(PlotRequest {
        name: name?,
        table: section.text("table")?,
        x: x?,
        y: y?,
        series,
        error,
        title,
    })
}

fn column(section: &Section<'_>, key: &str, columns: &[&str], axes: &[String]) -> Option<String> {
    let text = section.text(key)?;
    let mut known = LEADING_COLUMNS.to_vec();
    known.extend(axes.iter().map(String::as_str));
    known.extend(columns);
    if known.contains(&text.as_str()) {
        return Some(text);
    }
    let help = match nearest(&text, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the columns are {}", list(&known)),
    };
    section.refuse(
        "manifest::unknown_column",
        &section.find(key)?.node,
        &section.key(key),
        "a column of that table or a swept parameter".to_owned(),
        Some(help),
    )
}
