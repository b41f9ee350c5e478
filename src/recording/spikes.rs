//! Tables with a row a spike: what their columns are, and how they are binned.

mod binning;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::numbers::{Numbers, equal_length};
use super::{ReadRequest, Recording, RecordingError};

/// How a table of spikes is to be understood, and how it is binned.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeTimes {
    /// What the columns are: in their order, or, if the file names its columns, by
    /// name. None means cell, time.
    pub columns: Vec<SpikeColumn>,
    /// Unit of the stored times.
    pub time_unit: TimeUnit,
    /// Width of a bin in milliseconds.
    pub bin_ms: f64,
    /// Where the first bin begins, in seconds; 0 if left out, and then no time may
    /// lie before it.
    pub start_s: Option<f64>,
    /// Length of the recording, or of each repeat if a column counts them, in
    /// seconds from the start; up to the last spike's bin if left out.
    pub duration_s: Option<f64>,
}

/// The quantity that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpikeValue {
    /// The number of the cell.
    Cell,
    /// The time of the spike.
    Time,
    /// The repeat of the stimulus, from whose beginning the time counts.
    Repeat,
}

/// What a column of a table of spikes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpikeColumn {
    /// The quantity; none for a column that is passed over.
    pub value: Option<SpikeValue>,
    /// Its name in the file, if that is not the word for the quantity.
    pub name: Option<String>,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

const VALUES: [(&str, SpikeValue); 3] = [
    ("cell", SpikeValue::Cell),
    ("time", SpikeValue::Time),
    ("repeat", SpikeValue::Repeat),
];

/// The word for a column that is passed over.
const PASSED_OVER: &str = "-";

impl SpikeValue {
    fn word(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Time => "time",
            Self::Repeat => "repeat",
        }
    }
}

impl From<SpikeValue> for SpikeColumn {
    fn from(value: SpikeValue) -> Self {
        Self {
            value: Some(value),
            name: None,
        }
    }
}

impl fmt::Display for SpikeColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.value.map_or(PASSED_OVER, SpikeValue::word))?;
        match &self.name {
            Some(name) => write!(f, ":{name}"),
            None => Ok(()),
        }
    }
}

impl FromStr for SpikeColumn {
    type Err = RecordingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, name) = match text.split_once(':') {
            Some((word, name)) => (word, Some(name)),
            None => (text, None),
        };
        let found = VALUES.iter().find(|(known, _)| *known == word);
        let value = found.map(|(_, value)| *value);
        let passed_over = text == PASSED_OVER;
        if name.is_some_and(str::is_empty) || (value.is_none() && !passed_over) {
            return Err(RecordingError::UnknownColumn {
                found: text.to_owned(),
            });
        }
        Ok(Self {
            value,
            name: name.map(str::to_owned),
        })
    }
}

impl FromStr for TimeUnit {
    type Err = RecordingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Milliseconds),
            _ => Err(RecordingError::UnknownTimeUnit {
                found: text.to_owned(),
            }),
        }
    }
}

impl SpikeTimes {
    /// The columns, checked: cell and time once each, repeat at most once.
    fn columns(&self) -> Result<Vec<SpikeColumn>, RecordingError> {
        if self.columns.is_empty() {
            return Ok(vec![SpikeValue::Cell.into(), SpikeValue::Time.into()]);
        }
        let count = |value| {
            self.columns
                .iter()
                .filter(|c| c.value == Some(value))
                .count()
        };
        if count(SpikeValue::Cell) == 1
            && count(SpikeValue::Time) == 1
            && count(SpikeValue::Repeat) <= 1
        {
            return Ok(self.columns.clone());
        }
        Err(RecordingError::SpikeRoles {
            found: list(&self.columns),
        })
    }

    /// Names that the columns have in a file with names.
    pub(super) fn names(&self) -> Result<Vec<String>, RecordingError> {
        let columns = self.columns()?;
        Ok(columns
            .iter()
            .filter_map(SpikeColumn::name_in_file)
            .collect())
    }
}

impl SpikeColumn {
    fn name_in_file(&self) -> Option<String> {
        let value = self.value?;
        let name = self.name.as_deref().unwrap_or(value.word());
        Some(name.to_owned())
    }
}

fn list(columns: &[SpikeColumn]) -> String {
    let words: Vec<String> = columns.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// The columns of a table of spikes, all of one length.
#[derive(Debug, Clone, Copy)]
struct Spikes<'n> {
    cells: &'n [f64],
    times: &'n [f64],
    repeats: Option<&'n [f64]>,
}

/// Bins a table of spikes.
///
/// The cells are the numbers that occur, in ascending order, and so are the
/// repeats: a cell or repeat without any spike is not in the table.
pub(super) fn recording(
    numbers: &Numbers,
    request: &ReadRequest,
    how: &SpikeTimes,
) -> Result<Recording, RecordingError> {
    let spikes = find_columns(numbers, request, &how.columns()?)?;
    binning::recording(spikes, request, how)
}

fn find_columns<'n>(
    numbers: &'n Numbers,
    request: &ReadRequest,
    columns: &[SpikeColumn],
) -> Result<Spikes<'n>, RecordingError> {
    let places = match &numbers.names {
        Some(names) => places_by_name(names, request, columns)?,
        None => places_by_order(numbers.columns.len(), request, columns)?,
    };
    let of = |wanted| {
        let known = columns.iter().zip(&places);
        let mut found = known.filter(|(column, _)| column.value == Some(wanted));
        let place = found.next().and_then(|(_, place)| *place);
        place.map(|place| numbers.columns[place].as_slice())
    };
    let spikes = Spikes {
        cells: of(SpikeValue::Cell).unwrap_or_default(),
        times: of(SpikeValue::Time).unwrap_or_default(),
        repeats: of(SpikeValue::Repeat),
    };
    let all = [spikes.cells, spikes.times]
        .into_iter()
        .chain(spikes.repeats);
    equal_length(all)?;
    Ok(spikes)
}

/// Where each column lies; none for one that is passed over.
fn places_by_name(
    names: &[String],
    request: &ReadRequest,
    columns: &[SpikeColumn],
) -> Result<Vec<Option<usize>>, RecordingError> {
    let shown: Vec<String> = names
        .iter()
        .take(20)
        .map(|name| format!("`{name}`"))
        .collect();
    let wrong = |missing: &str, expected, way_out| RecordingError::SpikeColumns {
        path: request.path.clone(),
        found: format!("the columns {}{missing}", shown.join(", ")),
        expected,
        way_out,
    };
    let repeat = SpikeValue::Repeat;
    let repeats_named = columns.iter().any(|column| column.value == Some(repeat));
    if !repeats_named && names.iter().any(|name| name == repeat.word()) {
        let expected = "`repeat` among `columns`, or no such column".to_owned();
        let way_out = "name it, or all repeats would lie upon each other";
        return Err(wrong("", expected, way_out));
    }
    let place = |column: &SpikeColumn| {
        let Some(name) = column.name_in_file() else {
            return Ok(None);
        };
        let found = names.iter().position(|known| *known == name);
        found.map(Some).ok_or_else(|| {
            let way_out = "say in `columns` how it is called, as in `cell:unit`";
            wrong(
                &format!(" but no `{name}`"),
                format!("a column `{name}`"),
                way_out,
            )
        })
    };
    columns.iter().map(place).collect()
}

fn places_by_order(
    found: usize,
    request: &ReadRequest,
    columns: &[SpikeColumn],
) -> Result<Vec<Option<usize>>, RecordingError> {
    let wrong = |found, expected, way_out| RecordingError::SpikeColumns {
        path: request.path.clone(),
        found,
        expected,
        way_out,
    };
    if columns.iter().any(|column| column.name.is_some()) {
        let expected = format!("the names of [{}]", list(columns));
        let way_out = "say in `columns` what each column is, in the order of the file";
        return Err(wrong("no names of columns".to_owned(), expected, way_out));
    }
    if found != columns.len() {
        let expected = format!("{} as in `columns`, [{}]", columns.len(), list(columns));
        let way_out = "say in `columns` what each column is; `-` passes over one";
        return Err(wrong(format!("{found} columns"), expected, way_out));
    }
    Ok((0..found).map(Some).collect())
}
