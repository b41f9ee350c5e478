//! From spikes to bits: a cell is active in a bin with at least one spike.

use super::super::array::{LARGEST_BITS, bits_fit};
use super::super::{ReadRequest, Recording, RecordingError, Warning};
use super::{SpikeTimes, SpikeValue, Spikes, TimeUnit};
use crate::bits::BitMatrix;

/// Largest number of a cell or a repeat; whole numbers up to here are exact.
const LARGEST_LABEL: f64 = (1_u64 << 53) as f64;

/// Milliseconds in a second.
const MILLISECONDS: f64 = 1000.0;

/// Where one spike of so many shares its bin, that is worth a word.
const NOTED_SHARE: usize = 10;

/// Times and bins, all in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Grid {
    unit: f64,
    start: f64,
    width: f64,
    /// Whole bins of the duration, if there is one.
    bins: Option<f64>,
    /// Whether spikes may lie before the start.
    cut: bool,
}

impl Grid {
    fn new(how: &SpikeTimes) -> Result<Self, RecordingError> {
        let positive = [("bin_ms", Some(how.bin_ms)), ("duration_s", how.duration_s)];
        for (key, value) in positive {
            if let Some(found) = value.filter(|value| !(value.is_finite() && *value > 0.0)) {
                let expected = "a number above 0";
                return Err(RecordingError::SpikeGrid {
                    key,
                    found,
                    expected,
                });
            }
        }
        if let Some(found) = how.start_s.filter(|start| !start.is_finite()) {
            let (key, expected) = ("start_s", "a finite number");
            return Err(RecordingError::SpikeGrid {
                key,
                found,
                expected,
            });
        }
        let grid = Self {
            unit: match how.time_unit {
                TimeUnit::Seconds => MILLISECONDS,
                TimeUnit::Milliseconds => 1.0,
            },
            start: how.start_s.unwrap_or(0.0) * MILLISECONDS,
            width: how.bin_ms,
            bins: None,
            cut: how.start_s.is_some(),
        };
        let whole = |seconds: f64| grid.steps(grid.start + seconds * MILLISECONDS);
        let bins = how.duration_s.map(whole);
        if let Some(found) = how
            .duration_s
            .filter(|_| bins.is_some_and(|bins| bins < 1.0))
        {
            let (key, expected) = ("duration_s", "at least one bin of `bin_ms` milliseconds");
            return Err(RecordingError::SpikeGrid {
                key,
                found,
                expected,
            });
        }
        Ok(Self { bins, ..grid })
    }

    /// Whole bins from the start to a time in milliseconds.
    ///
    /// Time, start and width are rounded to double precision, and so are their
    /// conversions, difference and quotient; together that moves the quotient by
    /// at most 2.5 epsilon (|time| + |start|) / width. A quotient that near a
    /// whole number is that number: 0.3 s lie three bins of 100 ms from 0.
    fn steps(&self, time: f64) -> f64 {
        let steps = (time - self.start) / self.width;
        let slack = 3.0 * f64::EPSILON * (time.abs() + self.start.abs()) / self.width;
        let nearest = steps.round();
        if (steps - nearest).abs() <= slack {
            nearest
        } else {
            steps.floor()
        }
    }

    /// The bin of a stored time; below 0 before the start.
    fn bin(&self, time: f64) -> f64 {
        self.steps(time * self.unit)
    }

    /// Whether a bin, counted from the start, belongs to the duration.
    fn holds(&self, bin: f64) -> bool {
        bin >= 0.0 && self.bins.is_none_or(|bins| bin < bins)
    }
}

/// How the bins of all repeats follow one another.
#[derive(Debug, Clone, Copy)]
struct Shape {
    repeats: usize,
    bins_per_repeat: usize,
    /// Bins at the end of the table's time that are not used.
    left_over: usize,
}

/// Bins spikes.
pub(super) fn recording(
    spikes: Spikes<'_>,
    request: &ReadRequest,
    how: &SpikeTimes,
) -> Result<Recording, RecordingError> {
    let grid = Grid::new(how)?;
    let cells = labels(spikes.cells, SpikeValue::Cell, request)?;
    let repeats = spikes.repeats;
    let repeats = repeats.map(|repeats| labels(repeats, SpikeValue::Repeat, request));
    let repeats = repeats.transpose()?;
    let (bins, outside) = count_bins(&spikes, request, &grid, cells.len(), repeats.as_deref())?;
    let shape = shape(request, bins, repeats.as_ref().map(Vec::len))?;
    let mut notes: Vec<Warning> = outside.into_iter().collect();
    if let Some([first, .., last]) = repeats.as_deref() {
        let missing = last - first + 1 - shape.repeats as u64;
        notes.extend((missing > 0).then_some(Warning::RepeatsMissing {
            missing,
            first: *first,
            last: *last,
        }));
    }
    let (data, counted) = fill(&spikes, &grid, shape, &cells, repeats.as_deref());
    notes.extend(counted.warnings(shape));
    Ok(Recording {
        data,
        repeats: shape.repeats,
        bins_per_repeat: shape.bins_per_repeat,
        labels: cells,
        notes,
    })
}

/// The different numbers of a column of whole numbers, ascending.
fn labels(
    column: &[f64],
    what: SpikeValue,
    request: &ReadRequest,
) -> Result<Vec<u64>, RecordingError> {
    let whole = |value: f64| (0.0..=LARGEST_LABEL).contains(&value) && value.fract() == 0.0;
    if let Some(row) = column.iter().position(|&value| !whole(value)) {
        return Err(RecordingError::SpikeValue {
            path: request.path.clone(),
            row: row + 1,
            what: what.word(),
            found: column[row],
            expected: "a whole number from 0 to 2^53: are `columns` in the order of the file?",
        });
    }
    let mut labels: Vec<u64> = column.iter().map(|&value| value as u64).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.shrink_to_fit();
    Ok(labels)
}

/// Bins that the table fills, or the duration, and what lies outside of them.
fn count_bins(
    spikes: &Spikes<'_>,
    request: &ReadRequest,
    grid: &Grid,
    cells: usize,
    repeats: Option<&[u64]>,
) -> Result<(usize, Option<Warning>), RecordingError> {
    let (mut before, mut after) = (0, 0);
    let mut last: Option<(f64, usize)> = None;
    for (row, &time) in spikes.times.iter().enumerate() {
        let bin = grid.bin(time);
        check_time(request, grid, row, time)?;
        if grid.holds(bin) {
            last = last.filter(|&(other, _)| other >= bin).or(Some((bin, row)));
        } else if bin < 0.0 {
            before += 1;
        } else {
            after += 1;
        }
    }
    let Some((last, row)) = last else {
        return Err(none_inside(request, spikes.times.len()));
    };
    let bins = grid.bins.unwrap_or(last + 1.0);
    let counted = repeats.map_or(1, <[u64]>::len);
    // Compared as numbers first: the bins may be more than any count holds.
    if bins >= LARGEST_LABEL || !bits_fit(counted, bins as usize, cells) {
        let cause = match grid.bins {
            Some(_) => "`duration_s`".to_owned(),
            None => format!("time {} of spike {}", spikes.times[row], row + 1),
        };
        return Err(RecordingError::TooManyBins {
            path: request.path.clone(),
            cause,
            bins,
            cells,
            repeats: counted,
            limit: LARGEST_BITS,
        });
    }
    let outside = before + after > 0;
    let outside = outside.then_some(Warning::SpikesOutside { before, after });
    Ok((bins as usize, outside))
}

fn check_time(
    request: &ReadRequest,
    grid: &Grid,
    row: usize,
    time: f64,
) -> Result<(), RecordingError> {
    let expected = if !time.is_finite() {
        "a finite number: leave out rows that are no spikes"
    } else if !grid.cut && grid.bin(time) < 0.0 {
        "no time before 0: say by `start_s` where the first bin begins"
    } else {
        return Ok(());
    };
    Err(RecordingError::SpikeValue {
        path: request.path.clone(),
        row: row + 1,
        what: SpikeValue::Time.word(),
        found: time,
        expected,
    })
}

fn none_inside(request: &ReadRequest, spikes: usize) -> RecordingError {
    let (found, expected) = if spikes == 0 {
        ("no spike".to_owned(), "a row a spike")
    } else {
        (
            format!("{spikes} spikes, but none in the time asked for"),
            "spikes from `start_s` on, for `duration_s`: is `time_unit` right?",
        )
    };
    RecordingError::NoSpikes {
        path: request.path.clone(),
        found,
        expected,
    }
}

/// Repeats that a column counts, or equal stretches of one recording.
fn shape(
    request: &ReadRequest,
    bins: usize,
    counted: Option<usize>,
) -> Result<Shape, RecordingError> {
    if let Some(found) = counted {
        return match request.repeats.filter(|&asked| asked != found) {
            Some(asked) => Err(RecordingError::RepeatsDiffer { found, asked }),
            None => Ok(Shape {
                repeats: found,
                bins_per_repeat: bins,
                left_over: 0,
            }),
        };
    }
    let repeats = request.repeats.unwrap_or(1);
    match bins.checked_div(repeats) {
        Some(bins_per_repeat) if bins_per_repeat > 0 => Ok(Shape {
            repeats,
            bins_per_repeat,
            left_over: bins % repeats,
        }),
        _ => Err(RecordingError::TooFewBins {
            path: request.path.clone(),
            bins,
            repeats,
        }),
    }
}

/// Spikes that set no bit.
#[derive(Debug, Default)]
struct Counted {
    binned: usize,
    shared: usize,
    left_over: usize,
}

impl Counted {
    fn warnings(&self, shape: Shape) -> impl Iterator<Item = Warning> {
        let left_over = (shape.left_over > 0).then_some(Warning::BinsLeftOver {
            bins: shape.left_over,
            spikes: self.left_over,
            repeats: shape.repeats,
        });
        let many = self.shared > 0 && self.shared * NOTED_SHARE >= self.binned;
        let shared = many.then_some(Warning::SpikesShareBins {
            spikes: self.shared,
            of: self.binned,
        });
        left_over.into_iter().chain(shared)
    }
}

fn fill(
    spikes: &Spikes<'_>,
    grid: &Grid,
    shape: Shape,
    cells: &[u64],
    repeats: Option<&[u64]>,
) -> (BitMatrix, Counted) {
    let rank = |labels: &[u64], label: f64| labels.partition_point(|&other| other < label as u64);
    let mut bits = BitMatrix::zeros(shape.repeats * shape.bins_per_repeat, cells.len());
    let mut counted = Counted::default();
    for (spike, (&cell, &time)) in spikes.cells.iter().zip(spikes.times).enumerate() {
        let bin = grid.bin(time);
        if !grid.holds(bin) {
            continue;
        }
        let first = match (repeats, spikes.repeats) {
            (Some(labels), Some(column)) => rank(labels, column[spike]) * shape.bins_per_repeat,
            _ => 0,
        };
        let (row, cell) = (first + bin as usize, rank(cells, cell));
        if row >= bits.rows() {
            counted.left_over += 1;
            continue;
        }
        counted.binned += 1;
        counted.shared += usize::from(bits.get(row, cell));
        bits.set(row, cell, true);
    }
    (bits, counted)
}
