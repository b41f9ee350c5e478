//! What can be wrong with a recording.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A variable of a MATLAB file, as error messages list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableListing {
    /// Its name.
    pub name: String,
    /// Its MATLAB class, such as `double`.
    pub class: &'static str,
    /// Its dimensions.
    pub shape: Vec<u64>,
}

impl fmt::Display for VariableListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        write!(f, "`{}` ({} {})", self.name, shape.join(" x "), self.class)
    }
}

fn listed(variables: &[VariableListing]) -> String {
    let shown: Vec<String> = variables.iter().take(20).map(ToString::to_string).collect();
    match variables.len() {
        0 => "none".to_owned(),
        n if n > shown.len() => format!("{} and {} more", shown.join(", "), n - shown.len()),
        _ => shown.join(", "),
    }
}

fn available(cite: Option<&String>) -> String {
    match cite {
        Some(cite) => format!("; the data can be had from {cite}: download it to this folder"),
        None => "; check the path, or copy the file there".to_owned(),
    }
}

/// What can be wrong with a recording, its file or the request for it.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file does not exist.
    #[error("no file `{name}` in folder `{}`{}", folder.display(), available(cite.as_ref()))]
    Missing {
        /// Name of the file looked for.
        name: String,
        /// Folder it was looked for in.
        folder: PathBuf,
        /// Where the data can be had, if the request says so.
        cite: Option<String>,
    },
    /// The file exists but cannot be read.
    #[error("file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file is not the one that the manifest means.
    #[error("file `{}` has SHA-256 {found}, expected {expected}: get the file again, or correct `recording.sha256`", path.display())]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// Digest of its bytes, hexadecimal.
        found: String,
        /// Digest in the manifest.
        expected: String,
    },
    /// The file is larger than the readers take.
    #[error("file `{}` has {bytes} bytes, expected at most {limit}: split it, or store bits", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size read.
        limit: u64,
    },
    /// The extension of the file name is of no known format.
    #[error(
        "file `{}` is of no known format, expected a name that ends in .mat, .npy, .csv, .tsv, .txt or .parquet",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A MATLAB v7.3 file, which is HDF5.
    #[error(
        "the file is MATLAB v7.3 (HDF5), expected v5 to v7: in MATLAB, save it again with `save(file, name, '-v7')`"
    )]
    MatlabHdf5,
    /// A MATLAB v4 file.
    #[error(
        "the file looks like MATLAB v4, expected v5 to v7: in MATLAB, save it again with `save(file, name, '-v7')`"
    )]
    MatlabVersion4,
    /// The header of the file is not that of its format.
    #[error("the file has no {format} header (found {found}): is its extension right?")]
    Header {
        /// The format that the extension promises.
        format: &'static str,
        /// What was found instead.
        found: String,
    },
    /// The file ends before an element does.
    #[error("{element} needs {needed} bytes, {left} are left: the file is cut short or damaged")]
    Truncated {
        /// The element.
        element: &'static str,
        /// Bytes it needs.
        needed: u64,
        /// Bytes that are left.
        left: u64,
    },
    /// An element of the file is not what the format says.
    #[error("{element} is {found}, expected {expected}: the file is damaged or unusual")]
    Unexpected {
        /// The element.
        element: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Compressed data that do not inflate.
    #[error("the compressed data are damaged or cut short: fetch the file again")]
    Inflate(#[source] io::Error),
    /// No variable was named, and the file has several, or none.
    #[error("no `variable` named, and the file holds: {}; name one", listed(found))]
    VariableUnnamed {
        /// The variables found.
        found: Vec<VariableListing>,
    },
    /// The variable that was named is not there.
    #[error("no variable `{name}` in the file, which holds: {}", listed(found))]
    VariableMissing {
        /// The variable asked for.
        name: String,
        /// The variables found.
        found: Vec<VariableListing>,
    },
    /// A variable was named for a format without variables.
    #[error("`variable` is `{name}`, but a {format} file holds one table: leave `variable` out")]
    VariableNotApplicable {
        /// The variable asked for.
        name: String,
        /// The format of the file.
        format: &'static str,
    },
    /// The variable does not hold plain real numbers.
    #[error(
        "variable {found} cannot be read, expected a full array of real numbers: convert it with `full` or `double`"
    )]
    VariableKind {
        /// The variable.
        found: VariableListing,
    },
    /// The axes asked for are not a possible set.
    #[error("axes are [{found}], expected `bin` and `cell` once each, and `repeat` at most once")]
    Axes {
        /// The axes asked for, comma separated.
        found: String,
    },
    /// A name that is not one of an axis.
    #[error("no axis `{found}`, expected `repeat`, `cell` or `bin`")]
    UnknownAxis {
        /// The name found.
        found: String,
    },
    /// The array has another number of dimensions than there are axes.
    #[error("the array is {shape:?}, but axes are [{axes}]: name one axis for each dimension")]
    Dimensions {
        /// The shape found.
        shape: Vec<u64>,
        /// The axes asked for, comma separated.
        axes: String,
    },
    /// An axis of length zero.
    #[error("the array is {shape:?}, expected at least one entry along each axis")]
    Empty {
        /// The shape found.
        shape: Vec<u64>,
    },
    /// The array would take more memory than a recording may.
    #[error("the array is {shape:?}, whose bits take more than {limit} bytes: read a part of it")]
    TooLarge {
        /// The shape found.
        shape: Vec<u64>,
        /// Bytes that the bits may take.
        limit: usize,
    },
    /// A table would take more memory than one may.
    #[error("the table is {shape:?}, expected at most {limit} values: split it into several files")]
    TooManyValues {
        /// The shape found.
        shape: Vec<u64>,
        /// The largest number of values.
        limit: u64,
    },
    /// A folder without PNG images.
    #[error("no PNG image in folder `{folder}`, expected one a pattern")]
    NoImages {
        /// The folder.
        folder: PathBuf,
    },
    /// A PNG image that cannot be decoded.
    #[error("image `{name}` cannot be read: {cause}")]
    Image {
        /// Name of the file.
        name: String,
        /// What the decoder says.
        cause: String,
    },
    /// An image of another size than the first.
    #[error("image `{name}` has {found} pixels, the first has {expected}")]
    ImageSize {
        /// Name of the file.
        name: String,
        /// Its pixels.
        found: usize,
        /// Pixels of the first.
        expected: usize,
    },
    /// A value that is neither 0 nor 1.
    #[error(
        "value {value} at {position} (counted from 0), expected 0 or 1: threshold the counts first"
    )]
    Value {
        /// The value found.
        value: f64,
        /// Where, axis by axis.
        position: String,
    },
    /// A field of a text file that is not a number.
    #[error("`{found}` in line {line}, field {field}, expected {expected}")]
    Field {
        /// The text found, cut to 40 characters.
        found: String,
        /// Line, counted from 1.
        line: u64,
        /// Field, counted from 1.
        field: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// A line of a text file, or a column of a table, of another length than the first.
    #[error("{what} {index} has {found} values, the first has {expected}: is the file complete?")]
    Ragged {
        /// `line` or `column`.
        what: &'static str,
        /// Which one, counted from 1.
        index: u64,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// A text file that cannot be taken apart into fields.
    #[error("the text cannot be split into fields")]
    Text(#[source] csv::Error),
    /// A Parquet file that cannot be read.
    #[error("the Parquet file cannot be read: {cause}")]
    Parquet {
        /// What the Parquet reader says.
        cause: String,
    },
    /// The number of repeats does not divide the number of bins.
    #[error(
        "{bins} bins are not a multiple of `repeats` = {repeats}: correct `repeats`, or leave it out"
    )]
    RepeatsDoNotDivide {
        /// Bins in the array.
        bins: usize,
        /// Repeats asked for.
        repeats: usize,
    },
    /// The number of repeats asked for is not that of the repeat axis.
    #[error("the repeat axis has {found} entries, `repeats` = {asked}: leave `repeats` out")]
    RepeatsDiffer {
        /// Length of the repeat axis.
        found: usize,
        /// Repeats asked for.
        asked: usize,
    },
    /// A cell of the subset is not in the recording, or named twice.
    #[error("cell {cell} of the subset is {problem}, expected distinct cells from 0 to {last}")]
    Cell {
        /// The cell.
        cell: usize,
        /// `out of range` or `named twice`.
        problem: &'static str,
        /// The last cell of the recording.
        last: usize,
    },
    /// The subset of cells is empty.
    #[error("the subset names no cell: name at least one, or leave it out")]
    NoCells,
    /// Bins that were asked for are not in a repeat.
    #[error(
        "bins {start}:{stop} were asked for, but a repeat has {found} bins: expected a start before the stop, and a stop of at most {found}"
    )]
    Bins {
        /// The first bin asked for.
        start: usize,
        /// One past the last.
        stop: usize,
        /// Bins in a repeat.
        found: usize,
    },
    /// A word that says what a column of spikes is, and is none.
    #[error(
        "no column `{found}`, expected `cell`, `time`, `repeat`, or one of them with its name in the file, as in `cell:unit`; `-` passes over a column"
    )]
    UnknownColumn {
        /// The word found.
        found: String,
    },
    /// A word that is no unit of time.
    #[error("no unit of time `{found}`, expected `s` or `ms`")]
    UnknownTimeUnit {
        /// The word found.
        found: String,
    },
    /// The columns asked for are not a possible set.
    #[error(
        "columns are [{found}], expected `cell` and `time` once each, and `repeat` at most once"
    )]
    SpikeRoles {
        /// The columns asked for, comma separated.
        found: String,
    },
    /// The columns of the file are not those that were asked for.
    #[error("file `{}` has {found}, expected {expected}: {way_out}", path.display())]
    SpikeColumns {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
        /// What can be done.
        way_out: &'static str,
    },
    /// A number by which spikes are binned makes no sense.
    #[error("`{key}` is {found}, expected {expected}")]
    SpikeGrid {
        /// The number's key.
        key: &'static str,
        /// What was found.
        found: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// A value of a spike that makes no sense.
    #[error("file `{}`, spike {row}: {what} is {found}, expected {expected}", path.display())]
    SpikeValue {
        /// The file.
        path: PathBuf,
        /// Row of the spike, counted from 1, without a header.
        row: usize,
        /// `cell`, `time` or `repeat`.
        what: &'static str,
        /// The value found.
        found: f64,
        /// What was expected, and the way out.
        expected: &'static str,
    },
    /// No spike, or none in the time that was asked for.
    #[error("file `{}` has {found}, expected {expected}", path.display())]
    NoSpikes {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected, and the way out.
        expected: &'static str,
    },
    /// The spikes make more bins than a recording may have.
    #[error(
        "file `{}`: {cause} makes {bins:e} bins, of {cells} cells and {repeats} repeats, which take more than {limit} bytes: \
         is `time_unit` right? take wider bins, or a shorter `duration_s`",
        path.display()
    )]
    TooManyBins {
        /// The file.
        path: PathBuf,
        /// The last spike, or the duration.
        cause: String,
        /// Bins in a repeat.
        bins: f64,
        /// Cells.
        cells: usize,
        /// Repeats that a column counts.
        repeats: usize,
        /// Bytes that the bits may take.
        limit: usize,
    },
    /// There are fewer bins than stretches to cut them into, or none.
    #[error(
        "file `{}`: {bins} whole bins cannot be cut into {repeats} equal stretches: take narrower bins, or fewer `repeats`",
        path.display()
    )]
    TooFewBins {
        /// The file.
        path: PathBuf,
        /// Whole bins.
        bins: usize,
        /// Stretches asked for.
        repeats: usize,
    },
    /// The split leaves one side without repeats.
    #[error(
        "a split by every = {every}, offset = {offset} of {repeats} repeats leaves one side empty: \
         it needs at least 2 repeats, every >= 2, and offset below both"
    )]
    Split {
        /// Repeats in the recording.
        repeats: usize,
        /// One repeat in `every` is for testing.
        every: usize,
        /// The first of them.
        offset: usize,
    },
}
