//! Data in which only the stimulus' effect is left.

use super::repeats::Repeats;
use crate::bits::BitMatrix;
use crate::inference::InferenceError;
use crate::random::{Generator, uniform};

/// The same data with the repeats permuted, for each cell and each bin independently.
///
/// Each cell keeps how often it is active in each bin, and so its rate and all that the
/// stimulus explains of correlations between cells; given the bin, cells are independent.
///
/// # Errors
///
/// [`InferenceError::Count`] if `bits` has not the rows of `repeats`.
pub fn shuffled(
    bits: &BitMatrix,
    repeats: &Repeats,
    generator: &mut Generator,
) -> Result<BitMatrix, InferenceError> {
    repeats.check_rows(bits.rows())?;
    let mut shuffled = BitMatrix::zeros(bits.rows(), bits.columns());
    for bin in 0..repeats.bins().len() {
        let rows: Vec<usize> = repeats.of_bin(bin).collect();
        for cell in 0..bits.columns() {
            let active = rows.iter().filter(|&&row| bits.get(row, cell)).count();
            scatter(&mut shuffled, &rows, cell, active, generator);
        }
    }
    Ok(shuffled)
}

/// Activates a silent cell in `active` of `rows`, all choices alike (Floyd's algorithm:
/// J. Bentley and B. Floyd, Commun. ACM 30, 754 (1987)).
fn scatter(
    bits: &mut BitMatrix,
    rows: &[usize],
    cell: usize,
    active: usize,
    generator: &mut Generator,
) {
    for last in rows.len() - active..rows.len() {
        let drawn = (uniform(generator) * (last + 1) as f64) as usize;
        let drawn = rows[drawn.min(last)];
        let chosen = if bits.get(drawn, cell) {
            rows[last]
        } else {
            drawn
        };
        bits.set(chosen, cell, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::collective::noise_correlations;
    use crate::random::stream;

    /// Cells whose rate in a bin goes up and down together from repeat to repeat.
    fn recording(repeats: u32, bins: u32, cells: usize) -> (BitMatrix, Repeats) {
        let mut generator = stream("shuffle", &["recording"]);
        let labels = (0..repeats).flat_map(|r| (0..bins).map(move |b| (r, b)));
        let (repeat, bin): (Vec<u32>, Vec<u32>) = labels.unzip();
        let mut bits = BitMatrix::zeros(repeat.len(), cells);
        for (row, &bin) in bin.iter().enumerate() {
            let gain = if uniform(&mut generator) < 0.5 {
                1.6
            } else {
                0.4
            };
            let rate = gain * if bin % 2 == 0 { 0.1 } else { 0.5 };
            for cell in 0..cells {
                bits.set(row, cell, uniform(&mut generator) < rate);
            }
        }
        (bits, Repeats::new(&repeat, &bin).unwrap())
    }

    fn numbers(bits: &BitMatrix) -> Vec<f64> {
        let row =
            |row| (0..bits.columns()).map(move |cell| f64::from(u8::from(bits.get(row, cell))));
        (0..bits.rows()).flat_map(row).collect()
    }

    #[test]
    fn counts_of_every_bin_stay_and_noise_correlations_go() {
        let (bits, repeats) = recording(60, 20, 5);
        let after = shuffled(&bits, &repeats, &mut stream("shuffle", &["order"])).unwrap();
        assert_ne!(bits, after);
        for bin in 0..20 {
            for cell in 0..5 {
                let count = |bits: &BitMatrix| {
                    repeats
                        .of_bin(bin)
                        .filter(|&row| bits.get(row, cell))
                        .count()
                };
                assert_eq!(count(&bits), count(&after));
            }
        }
        let mean_of = |bits: &BitMatrix| {
            let pairs = noise_correlations(&numbers(bits), &repeats).unwrap();
            pairs.iter().map(|pair| pair.all.value).sum::<f64>() / pairs.len() as f64
        };
        // Planted: covariance 0.36 m² of means m = 0.1 and 0.5 alike often, 0.0468, over
        // the variance (0.09 + 0.25) / 2 = 0.17, that is 0.275. Afterwards 0; each of 10
        // pairs errs by 1 / √(60 · 20) = 0.029, their mean by 0.009 once independent.
        assert!((mean_of(&bits) - 0.275).abs() < 4.0 * 0.029);
        assert!(mean_of(&after).abs() < 4.0 * 0.0092);
    }

    #[test]
    fn all_choices_of_repeats_are_alike() {
        // Two of four repeats are active: six choices, 6000 draws, χ² with 5 degrees of
        // freedom, whose mean is 5 and standard deviation √10.
        let bins = 6000;
        let labels = (0..4).flat_map(|r| (0..bins).map(move |b| (r, b)));
        let (repeat, bin): (Vec<u32>, Vec<u32>) = labels.unzip();
        let repeats = Repeats::new(&repeat, &bin).unwrap();
        let mut bits = BitMatrix::zeros(repeat.len(), 1);
        (0..2 * bins as usize).for_each(|row| bits.set(row, 0, true));
        let after = shuffled(&bits, &repeats, &mut stream("shuffle", &["choices"])).unwrap();
        let mut counts = [0.0; 16];
        for bin in 0..bins as usize {
            let active = repeats
                .of_bin(bin)
                .map(|row| usize::from(after.get(row, 0)));
            counts[active.fold(0, |code, bit| 2 * code + bit)] += 1.0;
        }
        let seen: Vec<f64> = counts.into_iter().filter(|&count| count > 0.0).collect();
        assert_eq!(seen.len(), 6);
        let statistic: f64 = seen.iter().map(|n| (n - 1000.0_f64).powi(2) / 1000.0).sum();
        assert!(statistic < 5.0 + 4.0 * 10.0_f64.sqrt(), "{statistic}");
    }

    #[test]
    fn other_rows_are_refused() {
        let (bits, _) = recording(4, 2, 1);
        let other = Repeats::new(&[0, 1], &[0, 0]).unwrap();
        assert!(matches!(
            shuffled(&bits, &other, &mut stream("", &[])),
            Err(InferenceError::Count {
                found: 8,
                expected: 2,
                ..
            })
        ));
    }
}
