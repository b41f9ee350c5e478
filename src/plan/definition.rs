//! What a plan asks of a stage, and what it hands to the gathering stages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::Point;

/// Name of the stage that joins the fragments of a table over all points.
pub const TABLE_STAGE: &str = "table";

/// Name of the stage that draws a figure from finished tables.
pub const FIGURE_STAGE: &str = "figure";

/// Digests of the code on which a stage's result depends, each behind the module that
/// it is of.
pub type Code = &'static [(&'static str, &'static str)];

/// A stage as the plan sees it: what it reads of a point and what it needs.
pub trait StageDefinition: Sync {
    /// Name of the stage; a part of every key.
    fn name(&self) -> &'static str;

    /// Version of the stage's meaning, raised by hand when that changes.
    fn version(&self) -> u32;

    /// The code on which the result depends; a part of every key. None by default.
    fn code(&self) -> Code {
        &[]
    }

    /// What the stage reads of `point`, or `None` if the point does not ask for it.
    ///
    /// The gathering stages ([`TABLE_STAGE`], [`FIGURE_STAGE`]) answer `None`.
    fn request(&self, point: &Point) -> Option<Request>;

    /// Names of the tables of which each task of this stage writes a fragment.
    fn tables(&self) -> &'static [&'static str];

    /// Under which keys of the manifest the parameters stand, so that a reader sees the
    /// names that were written; a parameter without one keeps its path.
    fn manifest_keys(&self) -> &'static [ManifestKey] {
        &[]
    }
}

/// Where a parameter of a stage, or a group of them, stands in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestKey {
    path: &'static str,
    key: &'static str,
    default: Option<&'static str>,
}

impl ManifestKey {
    /// The parameters at and below the dotted `path` stand at and below `key`. An empty
    /// path means all parameters; of several that fit the longest counts.
    #[must_use]
    pub const fn new(path: &'static str, key: &'static str) -> Self {
        Self {
            path,
            key,
            default: None,
        }
    }

    /// The key takes the value of `default` unless it is set.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The name of the parameter at `path`, and the key whose value it takes unless it is set.
    pub(super) fn name(keys: &[Self], path: &str) -> (String, Option<&'static str>) {
        let fitting = keys.iter().filter_map(|key| Some((key, key.rest(path)?)));
        match fitting.max_by_key(|(key, _)| key.path.len()) {
            Some((key, rest)) => (format!("{}{rest}", key.key), key.default),
            None => (path.to_owned(), None),
        }
    }

    /// What follows the own path in `path`, with its dot; `None` if it lies elsewhere.
    fn rest(&self, path: &str) -> Option<String> {
        if self.path.is_empty() {
            return Some(format!(".{path}"));
        }
        let rest = path.strip_prefix(self.path)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then(|| rest.to_owned())
    }
}

/// A stage whose keys hold no code: its version alone says what it means.
///
/// For people who keep results across a change of the program.
pub struct ByVersion<'a>(pub &'a dyn StageDefinition);

impl StageDefinition for ByVersion<'_> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> u32 {
        self.0.version()
    }

    fn request(&self, point: &Point) -> Option<Request> {
        self.0.request(point)
    }

    fn tables(&self) -> &'static [&'static str] {
        self.0.tables()
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        self.0.manifest_keys()
    }
}

/// What a stage reads of one point, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Everything that decides the stage's result; a part of the key.
    pub parameters: Value,
    /// Results of earlier stages, each under a role.
    pub needs: Vec<Need>,
    /// Where things lie, such as the path of a recording. Handed to the stage
    /// but not a part of the key: what is found there must be pinned by a
    /// digest in `parameters`.
    pub places: Value,
}

impl Request {
    /// A request for `parameters` that needs nothing yet.
    #[must_use]
    pub fn new(parameters: Value) -> Self {
        Self {
            parameters,
            needs: Vec::new(),
            places: Value::Null,
        }
    }

    /// Adds the result of `stage` for the same point, to be read as `role`.
    #[must_use]
    pub fn needing(mut self, role: &'static str, stage: &'static str) -> Self {
        self.needs.push(Need { role, stage });
        self
    }

    /// Sets where things lie; not a part of the key.
    #[must_use]
    pub fn with_places(mut self, places: Value) -> Self {
        self.places = places;
        self
    }
}

/// A result of an earlier stage for the same point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Name under which the stage reads it.
    pub role: &'static str,
    /// Stage that makes it; earlier in the list of stages.
    pub stage: &'static str,
}

/// A figure drawn from finished tables.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRequest {
    /// Name of the figure, and of its file.
    pub name: String,
    /// Tables it is drawn from. The figure is left out if one of them is not made.
    pub tables: Vec<String>,
    /// What is drawn, as the figure stage understands it.
    pub parameters: Value,
}

/// Parameters of a task of the stage [`TABLE_STAGE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableParameters {
    /// Name of the table.
    pub table: String,
    /// Which fragment holds the rows of which point, in the order of the table.
    pub rows: Vec<TableRow>,
}

/// One point of a table, and the role under which its fragment is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// Index of the point.
    pub point: usize,
    /// Replicate of the point, from 0.
    pub replicate: u32,
    /// Seed of the experiment.
    pub seed: u64,
    /// Swept parameters, as name and value, in the order of the axes.
    pub coordinates: Vec<(String, Value)>,
    /// Role of the task that made the fragment `<table>.parquet`.
    pub source: String,
}
