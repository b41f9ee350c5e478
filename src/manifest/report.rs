//! Collects problems and turns places into origins.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::node::{Node, Place};
use super::problem::{Origin, Problem, Problems};

/// Most problems that are kept; a file with more is wrong as a whole.
const MOST_PROBLEMS: usize = 500;

/// Where a layer of values came from.
#[derive(Debug, Clone)]
pub(super) enum Layer<'a> {
    File {
        path: &'a Path,
        text: &'a str,
    },
    /// A file of rows without text; a place's start is the row, from 1.
    Rows(&'a Path),
    Environment(&'a str),
    Set(&'a str),
}

/// The layers by number, the problems so far, and the paths whose sweep is not usable.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) layers: Vec<Layer<'a>>,
    current_dir: &'a Path,
    swept: RefCell<HashSet<String>>,
    /// Whether there are axes of which not even the paths are known.
    unknown_axes: Cell<bool>,
    problems: RefCell<Vec<Problem>>,
}

/// What a problem says, without its place.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) code: &'static str,
    pub(super) key: String,
    pub(super) found: String,
    pub(super) expected: String,
    pub(super) help: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(current_dir: &'a Path) -> Self {
        Self {
            layers: Vec::new(),
            current_dir,
            swept: RefCell::default(),
            unknown_axes: Cell::default(),
            problems: RefCell::default(),
        }
    }

    /// Adds a layer and returns its number.
    pub(super) fn add_layer(&mut self, layer: Layer<'a>) -> usize {
        self.layers.push(layer);
        self.layers.len() - 1
    }

    /// Notes a problem at a place; the same problem twice is noted once.
    pub(super) fn push(&self, place: Place, message: Message) {
        if self.is_full() {
            return;
        }
        let problem = Problem {
            code: message.code,
            origin: self.origin(place),
            key: message.key,
            found: message.found,
            expected: message.expected,
            help: message.help,
        };
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
        if problems.len() == MOST_PROBLEMS {
            problems.push(Problem {
                code: "manifest::too_many_problems",
                origin: Origin::Default,
                key: String::new(),
                found: format!("more than {MOST_PROBLEMS} problems"),
                expected: "fewer".to_owned(),
                help: Some("mend those above first".to_owned()),
            });
        }
    }

    /// Whether no more problems are kept, so that none need be described.
    pub(super) fn is_full(&self) -> bool {
        self.len() > MOST_PROBLEMS
    }

    /// Notes that `path` is swept by values that are not usable, so that its absence is
    /// no further problem.
    pub(super) fn note_swept(&self, path: &str) {
        self.swept.borrow_mut().insert(path.to_owned());
    }

    /// Notes that a table of points is not usable, whose columns are not known.
    pub(super) fn note_unknown_axes(&self) {
        self.unknown_axes.set(true);
    }

    /// Whether `path` is, or may be, swept by values that are not usable.
    pub(super) fn is_swept(&self, path: &str) -> bool {
        self.unknown_axes.get() || self.swept.borrow().contains(path)
    }

    /// Number of problems so far.
    pub(super) fn len(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Keeps the first `length` problems, and later ones that `keep` accepts.
    pub(super) fn retain_after(&self, length: usize, keep: impl Fn(&Problem) -> bool) {
        let mut position = 0;
        self.problems.borrow_mut().retain(|problem| {
            position += 1;
            position <= length || keep(problem)
        });
    }

    /// The folder that a relative path at `place` counts from.
    pub(super) fn folder(&self, place: Place) -> PathBuf {
        match self.layers[place.layer] {
            Layer::File { path, .. } | Layer::Rows(path) => match path.parent() {
                Some(parent) => self.current_dir.join(parent),
                None => self.current_dir.to_owned(),
            },
            Layer::Environment(_) | Layer::Set(_) => self.current_dir.to_owned(),
        }
    }

    /// Whether a value came from the environment or from `--set`.
    pub(super) fn is_override(&self, node: &Node) -> bool {
        matches!(
            self.layers[node.place.layer],
            Layer::Environment(_) | Layer::Set(_)
        )
    }

    /// Whether a value came from `--set`.
    pub(super) fn is_set(&self, node: &Node) -> bool {
        matches!(self.layers[node.place.layer], Layer::Set(_))
    }

    /// The place of a value, as people read it.
    pub(super) fn origin(&self, place: Place) -> Origin {
        match self.layers[place.layer] {
            Layer::File { path, text } => {
                let start = floor_boundary(text, place.start);
                let end = floor_boundary(text, place.end).max(start);
                let before = &text[..start];
                let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                Origin::File {
                    path: path.to_owned(),
                    line: before.matches('\n').count() + 1,
                    column: before[line_start..].chars().count() + 1,
                    span: start..end,
                }
            }
            Layer::Rows(path) => Origin::Row {
                path: path.to_owned(),
                row: place.start,
            },
            Layer::Environment(name) => Origin::Environment(name.to_owned()),
            Layer::Set(text) => Origin::Set(text.to_owned()),
        }
    }

    /// All problems, those of the files first, file by file, by position.
    pub(super) fn finish(self) -> Problems {
        let mut problems = self.problems.into_inner();
        let layer = |path: &Path| {
            let known = |layer: &Layer<'_>| match layer {
                Layer::File { path: other, .. } | Layer::Rows(other) => *other == path,
                Layer::Environment(_) | Layer::Set(_) => false,
            };
            self.layers.iter().position(known).unwrap_or(usize::MAX)
        };
        // The sort is stable: problems without a line stay in the order found.
        problems.sort_by_cached_key(|problem| match &problem.origin {
            Origin::File { path, span, .. } => (0, layer(path), span.start),
            Origin::Row { path, row } => (0, layer(path), *row),
            _ => (1, 0, 0),
        });
        Problems(problems)
    }
}

/// The last character boundary at or before byte `position`.
fn floor_boundary(text: &str, position: usize) -> usize {
    let position = position.min(text.len());
    (0..=position)
        .rev()
        .find(|&byte| text.is_char_boundary(byte))
        .unwrap_or(0)
}
