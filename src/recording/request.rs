//! What to read, and how to understand it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{RecordingError, SpikeTimes};

/// What an axis of the stored array runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Repeats of the same stimulus.
    Repeat,
    /// Cells.
    Cell,
    /// Time bins, within a repeat where there is a repeat axis.
    Bin,
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeat => "repeat",
            Self::Cell => "cell",
            Self::Bin => "bin",
        })
    }
}

impl FromStr for Axis {
    type Err = RecordingError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "repeat" => Ok(Self::Repeat),
            "cell" => Ok(Self::Cell),
            "bin" => Ok(Self::Bin),
            _ => Err(RecordingError::UnknownAxis {
                found: name.to_owned(),
            }),
        }
    }
}

/// What the stored numbers mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coding {
    /// 1 for an active cell, 0 for a silent one.
    #[default]
    Activity,
    /// 1 for a spin up, -1 or 0 for one down.
    Spins,
}

/// What to read, and how to understand it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadRequest {
    /// The file; its extension decides the format.
    pub path: PathBuf,
    /// The variable of a MATLAB file; may be left out if there is only one.
    pub variable: Option<String>,
    /// The axes of the stored array, in its own order; none means bin, cell.
    ///
    /// MATLAB drops axes of length one at the end, so there may be more axes
    /// than dimensions.
    pub axes: Vec<Axis>,
    /// Number of repeats in a two-dimensional array, whose bins are then
    /// repeat after repeat; one if left out. Spike times without a column of
    /// repeats are cut into so many stretches.
    pub repeats: Option<usize>,
    /// The file is a table of spikes, and this says how it is binned; an array
    /// of bins if left out.
    pub spikes: Option<SpikeTimes>,
    /// What the stored numbers mean.
    pub coding: Coding,
    /// Where the data can be had, for the message about a missing file.
    pub cite: Option<String>,
}

impl ReadRequest {
    /// Refuses a variable that was named for a format without variables.
    pub(super) fn refuse_variable(&self, format: &'static str) -> Result<(), RecordingError> {
        match &self.variable {
            None => Ok(()),
            Some(name) => Err(RecordingError::VariableNotApplicable {
                name: name.clone(),
                format,
            }),
        }
    }
}

/// Writes axes as a comma-separated list.
pub(super) fn axis_list(axes: &[Axis]) -> String {
    let names: Vec<String> = axes.iter().map(ToString::to_string).collect();
    names.join(", ")
}
