//! What is in a recording, in a few numbers.

use super::Recording;
use crate::bits::BitMatrix;

/// What is in a recording. K is the number of active cells in a bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Time bins, all repeats together.
    pub bins: usize,
    /// Cells.
    pub cells: usize,
    /// Repeats.
    pub repeats: usize,
    /// Time bins in a repeat.
    pub bins_per_repeat: usize,
    /// Probability that a cell is active in a bin, mean over cells.
    pub mean_rate: f64,
    /// The same of the least active cell.
    pub lowest_rate: f64,
    /// The same, median over cells.
    pub median_rate: f64,
    /// The same of the most active cell.
    pub highest_rate: f64,
    /// P(K) for K from 0 to the number of cells.
    pub active_count: Vec<f64>,
    /// Mean of K.
    pub mean_active: f64,
    /// Standard deviation of K over the bins.
    pub sd_active: f64,
    /// Largest K.
    pub most_active: usize,
    /// Number of different words.
    pub distinct_words: usize,
    /// Autocorrelation of K between neighbouring bins; none if K is constant.
    pub next_bin_correlation: Option<f64>,
    /// Autocorrelation of K between equal bins of neighbouring repeats; none if
    /// K is constant or there is one repeat.
    pub next_repeat_correlation: Option<f64>,
    /// Mean of K over the first and over the second half of the repeats, or of the
    /// bins if there is one repeat; a middle one belongs to neither. None if there
    /// is one bin.
    pub halves: Option<[f64; 2]>,
    /// Standard deviation over the repeats of the mean of K in a repeat; none if
    /// there is one repeat.
    pub sd_of_repeats: Option<f64>,
}

/// Summarises a recording.
///
/// An autocorrelation at lag `l` is the sum of `(K(t) - m) (K(t + l) - m)` over
/// all bins that have such a partner, divided by the sum of `(K(t) - m)^2` over
/// all bins, with `m` the mean of K: the usual estimator, which shrinks by the
/// share of bins without a partner. It runs across the borders of repeats.
///
/// # Panics
///
/// Panics if the recording has no bin or no cell, which no reader returns.
#[must_use]
pub fn summary(recording: &Recording) -> Summary {
    let (bins, cells) = (recording.bins(), recording.cells());
    assert!(bins > 0 && cells > 0, "a recording has bins and cells");
    let mut rates: Vec<f64> = recording
        .active_bins()
        .iter()
        .map(|&count| count as f64 / bins as f64)
        .collect();
    rates.sort_by(f64::total_cmp);
    let counts: Vec<usize> = (0..bins)
        .map(|row| recording.data.count_ones(row))
        .collect();
    let mut active_count = vec![0.0; cells + 1];
    for &k in &counts {
        active_count[k] += 1.0;
    }
    for probability in &mut active_count {
        *probability /= bins as f64;
    }
    let mean_active = counts.iter().sum::<usize>() as f64 / bins as f64;
    let centred: Vec<f64> = counts.iter().map(|&k| k as f64 - mean_active).collect();
    let several = (recording.repeats > 1).then_some(recording.bins_per_repeat);
    Summary {
        bins,
        cells,
        repeats: recording.repeats,
        bins_per_repeat: recording.bins_per_repeat,
        mean_rate: mean_active / cells as f64,
        lowest_rate: rates[0],
        median_rate: f64::midpoint(rates[(cells - 1) / 2], rates[cells / 2]),
        highest_rate: rates[cells - 1],
        active_count,
        mean_active,
        sd_active: (product_sum(&centred, 0) / bins as f64).sqrt(),
        most_active: counts.iter().copied().max().unwrap_or(0),
        distinct_words: distinct_words(&recording.data),
        next_bin_correlation: autocorrelation(&centred, 1),
        next_repeat_correlation: several.and_then(|lag| autocorrelation(&centred, lag)),
        halves: halves(&counts, several.unwrap_or(1)),
        sd_of_repeats: several.map(|length| sd_of_blocks(&centred, length)),
    }
}

/// Means over the first and the second half of the blocks of this length.
fn halves(counts: &[usize], length: usize) -> Option<[f64; 2]> {
    let half = counts.len() / length / 2 * length;
    let mean = |counts: &[usize]| counts.iter().sum::<usize>() as f64 / half as f64;
    (half > 0).then(|| [mean(&counts[..half]), mean(&counts[counts.len() - half..])])
}

/// Standard deviation of the blocks' means; the mean of the series is zero.
fn sd_of_blocks(centred: &[f64], length: usize) -> f64 {
    let blocks = centred.chunks_exact(length);
    let number = blocks.len() as f64;
    let squares = blocks.map(|block| (block.iter().sum::<f64>() / length as f64).powi(2));
    (squares.sum::<f64>() / (number - 1.0)).sqrt()
}

/// Sum of the products of a series with itself, `lag` further on.
fn product_sum(series: &[f64], lag: usize) -> f64 {
    let pairs = series.iter().zip(&series[lag..]);
    pairs.map(|(a, b)| a * b).sum()
}

fn autocorrelation(centred: &[f64], lag: usize) -> Option<f64> {
    if lag >= centred.len() {
        return None;
    }
    let squares = product_sum(centred, 0);
    // A constant integer series may leave rounding errors of its mean behind.
    (squares > 1e-12 * centred.len() as f64).then(|| product_sum(centred, lag) / squares)
}

fn distinct_words(data: &BitMatrix) -> usize {
    let mut words: Vec<&[u64]> = (0..data.rows()).map(|row| data.row(row)).collect();
    words.sort_unstable();
    words.dedup();
    words.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(words: &[u64], cells: usize, repeats: usize) -> Recording {
        Recording {
            data: BitMatrix::from_words(words.len(), cells, words.to_vec()).unwrap(),
            repeats,
            bins_per_repeat: words.len() / repeats,
            labels: (0..cells as u64).collect(),
            notes: Vec::new(),
        }
    }

    fn assert_close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found}, expected {expected}"
        );
    }

    #[test]
    fn a_small_recording_is_counted_by_hand() {
        // K = 0, 1, 1, 2, 2, 0 in two repeats of three bins.
        let summary = summary(&recording(
            &[0b000, 0b001, 0b010, 0b011, 0b011, 0b000],
            3,
            2,
        ));
        assert_eq!((summary.bins, summary.cells), (6, 3));
        assert_eq!((summary.repeats, summary.bins_per_repeat), (2, 3));
        let third = 1.0 / 3.0;
        for (found, expected) in summary.active_count.iter().zip([third, third, third, 0.0]) {
            assert_close(*found, expected);
        }
        assert_close(summary.mean_rate, third);
        assert_close(summary.lowest_rate, 0.0);
        assert_close(summary.median_rate, 0.5);
        assert_close(summary.highest_rate, 0.5);
        assert_close(summary.mean_active, 1.0);
        assert_close(summary.sd_active, (2.0_f64 / 3.0).sqrt());
        assert_eq!((summary.most_active, summary.distinct_words), (2, 4));
        // K - 1 = -1, 0, 0, 1, 1, -1: products at lag 1 are 0, 0, 0, 1, -1; at lag 3 -1, 0, 0.
        assert_close(summary.next_bin_correlation.unwrap(), 0.0);
        assert_close(summary.next_repeat_correlation.unwrap(), -1.0 / 4.0);
        // The repeats hold 2 and 4 active cells in three bins: 2/3 and 4/3.
        assert_eq!(summary.halves, Some([2.0 / 3.0, 4.0 / 3.0]));
        assert_close(summary.sd_of_repeats.unwrap(), (2.0_f64 / 9.0).sqrt());
    }

    #[test]
    fn what_repeats_is_correlated_and_what_is_constant_has_no_correlation() {
        let period = [0b00, 0b01, 0b11];
        let summary_of = |words: &[u64], repeats| summary(&recording(words, 2, repeats));
        let repeated = summary_of(&period.repeat(5), 5);
        // Four of five repeats have a partner.
        assert_close(repeated.next_repeat_correlation.unwrap(), 4.0 / 5.0);
        assert_eq!(summary_of(&period, 1).next_repeat_correlation, None);
        // Equal repeats do not differ; of five, the middle one is in no half.
        assert_close(repeated.sd_of_repeats.unwrap(), 0.0);
        assert_eq!(repeated.halves, Some([1.0, 1.0]));
        // Of three bins, the first and the last.
        assert_eq!(summary_of(&period, 1).halves, Some([0.0, 2.0]));
        assert_eq!(summary_of(&period, 1).sd_of_repeats, None);
        assert_eq!(summary_of(&period[..1], 1).halves, None);
        assert_eq!(
            summary_of(&[0b01, 0b10, 0b01], 1).next_bin_correlation,
            None
        );
    }
}
