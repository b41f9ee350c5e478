//! A recording in memory, its warnings, and its split by repeats.

use std::fmt;
use std::ops::Range;

use super::RecordingError;
use crate::bits::BitMatrix;

/// Which cell was active in which time bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// One row a time bin, repeat after repeat (bin `b` of repeat `r` is row
    /// `r * bins_per_repeat + b`), one column a cell.
    pub data: BitMatrix,
    /// Number of repeats of the stimulus; 1 if it was shown once.
    pub repeats: usize,
    /// Time bins in a repeat.
    pub bins_per_repeat: usize,
    /// What the file calls each cell: its index from 0, or its number in a table
    /// of spike times.
    pub labels: Vec<u64>,
    /// What was noticed while the file was read; a part of the
    /// [warnings](Recording::warnings).
    pub notes: Vec<Warning>,
}

/// The two sides of a split; the label of a row is its repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Bins to train on.
    pub train: BitMatrix,
    /// Repeat of each training row.
    pub train_blocks: Vec<u32>,
    /// Bins to test on.
    pub test: BitMatrix,
    /// Repeat of each test row.
    pub test_blocks: Vec<u32>,
}

/// Something odd about a recording that does not forbid its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// There are more cells than time bins; the axes may be swapped.
    MoreCellsThanBins {
        /// Number of cells.
        cells: usize,
        /// Number of time bins, all repeats together.
        bins: usize,
    },
    /// Cells that are never active.
    SilentCells {
        /// The cells, as columns of the recording.
        cells: Vec<usize>,
    },
    /// Cells that are active in every bin.
    AlwaysActiveCells {
        /// The cells, as columns of the recording.
        cells: Vec<usize>,
    },
    /// Spikes outside of the time that was asked for.
    SpikesOutside {
        /// Spikes before the start.
        before: usize,
        /// Spikes after the last whole bin of the duration.
        after: usize,
    },
    /// Bins at the end that fill no stretch.
    BinsLeftOver {
        /// Number of bins.
        bins: usize,
        /// Spikes in them.
        spikes: usize,
        /// Stretches that the recording is cut into.
        repeats: usize,
    },
    /// Repeats without a spike, which a table of spikes cannot hold.
    RepeatsMissing {
        /// Number of repeats that are not there.
        missing: u64,
        /// The first repeat that is there.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// Many spikes share their bin with another spike of their cell.
    SpikesShareBins {
        /// Spikes beyond the first of their cell and bin.
        spikes: usize,
        /// All spikes that were binned.
        of: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoreCellsThanBins { cells, bins } => write!(
                f,
                "{cells} cells but only {bins} bins: are `axes` in the order of the file?"
            ),
            Self::SilentCells { cells } => write!(f, "never active: {}", cell_list(cells)),
            Self::AlwaysActiveCells { cells } => {
                write!(f, "active in every bin: {}", cell_list(cells))
            }
            Self::SpikesOutside { before, after } => write!(
                f,
                "left out: {before} spikes before the start, {after} after the last whole bin of the duration"
            ),
            Self::BinsLeftOver {
                bins,
                spikes,
                repeats,
            } => write!(
                f,
                "left out: the last {bins} bins with {spikes} spikes, which fill none of {repeats} equal stretches"
            ),
            Self::RepeatsMissing {
                missing,
                first,
                last,
            } => write!(
                f,
                "{missing} of the repeats {first} to {last} have no spike and are not there"
            ),
            Self::SpikesShareBins { spikes, of } => write!(
                f,
                "{spikes} of {of} spikes share a bin with an earlier one of their cell and do not count: \
                 is the unit of time right, and are the bins narrow enough?"
            ),
        }
    }
}

fn cell_list(cells: &[usize]) -> String {
    let shown: Vec<String> = cells.iter().take(10).map(ToString::to_string).collect();
    let more = cells.len() - shown.len();
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("cells {}{tail}", shown.join(", "))
}

impl Recording {
    /// Number of time bins, all repeats together.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.data.rows()
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.data.columns()
    }

    /// Counts the active bins of each cell.
    #[must_use]
    pub fn active_bins(&self) -> Vec<usize> {
        let mut counts = vec![0; self.cells()];
        for row in 0..self.bins() {
            for cell in self.data.up(row) {
                counts[cell] += 1;
            }
        }
        counts
    }

    /// Lists what is odd about the recording.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let counts = self.active_bins();
        let with = |count| -> Vec<usize> {
            let cells = counts.iter().enumerate();
            cells
                .filter(|&(_, &c)| c == count)
                .map(|(i, _)| i)
                .collect()
        };
        let mut warnings = self.notes.clone();
        if self.cells() > self.bins() {
            warnings.push(Warning::MoreCellsThanBins {
                cells: self.cells(),
                bins: self.bins(),
            });
        }
        let silent = with(0);
        if !silent.is_empty() {
            warnings.push(Warning::SilentCells { cells: silent });
        }
        let active = with(self.bins());
        if !active.is_empty() {
            warnings.push(Warning::AlwaysActiveCells { cells: active });
        }
        warnings
    }

    /// Takes these cells, in this order, counted from 0.
    ///
    /// # Errors
    ///
    /// - [`RecordingError::NoCells`] if there is none.
    /// - [`RecordingError::Cell`] if one is not there, or named twice.
    pub fn select_cells(self, cells: &[usize]) -> Result<Self, RecordingError> {
        if cells.is_empty() {
            return Err(RecordingError::NoCells);
        }
        let mut seen = vec![false; self.cells()];
        for &cell in cells {
            let problem = match seen.get_mut(cell) {
                None => "out of range",
                Some(true) => "named twice",
                Some(unseen) => {
                    *unseen = true;
                    continue;
                }
            };
            return Err(RecordingError::Cell {
                cell,
                problem,
                last: self.cells() - 1,
            });
        }
        Ok(Self {
            data: self.data.select_columns(cells),
            labels: cells.iter().map(|&cell| self.labels[cell]).collect(),
            ..self
        })
    }

    /// Takes these bins of every repeat, counted from 0.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Bins`] if there is none, or if one is not there.
    pub fn select_bins(self, bins: Range<usize>) -> Result<Self, RecordingError> {
        if bins.is_empty() || bins.end > self.bins_per_repeat {
            return Err(RecordingError::Bins {
                start: bins.start,
                stop: bins.end,
                found: self.bins_per_repeat,
            });
        }
        let repeats = (0..self.repeats).map(|repeat| repeat * self.bins_per_repeat);
        let rows: Vec<usize> = repeats
            .flat_map(|first| bins.clone().map(move |bin| first + bin))
            .collect();
        Ok(Self {
            data: self.data.select_rows(&rows),
            bins_per_repeat: bins.len(),
            ..self
        })
    }

    /// Splits by interleaved repeats: repeat `r` is for testing if
    /// `r % every == offset`.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Split`] if one side would be empty.
    pub fn split(&self, every: usize, offset: usize) -> Result<Split, RecordingError> {
        let is_test = |repeat: &usize| every != 0 && repeat % every == offset;
        let (test, train): (Vec<usize>, Vec<usize>) = (0..self.repeats).partition(is_test);
        if test.is_empty() || train.is_empty() {
            return Err(RecordingError::Split {
                repeats: self.repeats,
                every,
                offset,
            });
        }
        let (train, train_blocks) = self.take_repeats(&train);
        let (test, test_blocks) = self.take_repeats(&test);
        Ok(Split {
            train,
            train_blocks,
            test,
            test_blocks,
        })
    }

    fn take_repeats(&self, repeats: &[usize]) -> (BitMatrix, Vec<u32>) {
        let bins = self.bins_per_repeat;
        let rows: Vec<usize> = repeats
            .iter()
            .flat_map(|&repeat| repeat * bins..(repeat + 1) * bins)
            .collect();
        let blocks = rows.iter().map(|row| (row / bins) as u32).collect();
        (self.data.select_rows(&rows), blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven repeats of two bins of two cells: cell 0 is active in bin 0 of odd
    /// repeats, cell 1 in bin 1 of repeat 5.
    fn sample() -> Recording {
        let mut data = BitMatrix::zeros(14, 2);
        for repeat in [1, 3, 5] {
            data.set(2 * repeat, 0, true);
        }
        data.set(11, 1, true);
        Recording {
            data,
            repeats: 7,
            bins_per_repeat: 2,
            labels: vec![4, 9],
            notes: Vec::new(),
        }
    }

    /// The active cells, each as its row and column.
    fn ones(bits: &BitMatrix) -> Vec<(usize, usize)> {
        let all = (0..bits.rows()).flat_map(|row| (0..bits.columns()).map(move |c| (row, c)));
        all.filter(|&(row, cell)| bits.get(row, cell)).collect()
    }

    #[test]
    fn chosen_cells_keep_their_order_and_their_labels() {
        let swapped = sample().select_cells(&[1, 0]).unwrap();
        assert_eq!(ones(&swapped.data), [(2, 1), (6, 1), (10, 1), (11, 0)]);
        assert_eq!(swapped.labels, [9, 4]);
        let one = sample().select_cells(&[1]).unwrap();
        assert_eq!((ones(&one.data), one.labels), (vec![(11, 0)], vec![9]));
        for (cells, start) in [
            (
                &[2][..],
                "cell 2 of the subset is out of range, expected distinct cells from 0 to 1",
            ),
            (&[1, 1], "cell 1 of the subset is named twice"),
            (&[], "the subset names no cell"),
        ] {
            let error = sample().select_cells(cells).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
        }
    }

    #[test]
    fn chosen_bins_are_taken_of_every_repeat() {
        let second = sample().select_bins(1..2).unwrap();
        assert_eq!((second.repeats, second.bins_per_repeat), (7, 1));
        // Of repeat 5 alone, bin 1 holds an active cell.
        assert_eq!(ones(&second.data), [(5, 1)]);
        assert_eq!(sample().select_bins(0..2).unwrap(), sample());
        #[expect(clippy::reversed_empty_ranges, reason = "refused for that")]
        for bins in [0..3, 2..3, 1..1, 2..1] {
            let error = sample().select_bins(bins).unwrap_err();
            assert!(error.to_string().contains("a repeat has 2 bins"), "{error}");
        }
    }

    #[test]
    fn repeats_are_split_whole_and_interleaved() {
        let split = sample().split(3, 2).unwrap();
        assert_eq!(split.test_blocks, [2, 2, 5, 5]);
        assert_eq!(split.train_blocks, [0, 0, 1, 1, 3, 3, 4, 4, 6, 6]);
        // Repeat 5 is the second of the test side; 1 and 3 the second and third of the other.
        assert_eq!(ones(&split.test), [(2, 0), (3, 1)]);
        assert_eq!(ones(&split.train), [(2, 0), (4, 0)]);
    }

    #[test]
    fn a_split_with_an_empty_side_is_an_error() {
        for (every, offset) in [(0, 0), (1, 0), (3, 3), (9, 8)] {
            let error = sample().split(every, offset).unwrap_err();
            assert!(matches!(error, RecordingError::Split { .. }), "{error}");
        }
        let once = Recording {
            repeats: 1,
            bins_per_repeat: 14,
            ..sample()
        };
        assert!(once.split(2, 0).is_err() && once.split(2, 1).is_err());
    }

    #[test]
    fn odd_recordings_are_warned_about() {
        assert_eq!(sample().warnings(), []);
        let mut data = BitMatrix::zeros(2, 70);
        for cell in 2..70 {
            data.set(0, cell, true);
        }
        data.set(1, 69, true);
        let odd = Recording {
            data,
            repeats: 1,
            bins_per_repeat: 2,
            labels: (0..70).collect(),
            notes: Vec::new(),
        };
        let shown: Vec<String> = odd.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "70 cells but only 2 bins: are `axes` in the order of the file?",
                "never active: cells 0, 1",
                "active in every bin: cells 69"
            ]
        );
    }
}
