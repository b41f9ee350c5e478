//! What a variable does on average while the stimulus runs.

use super::repeats::Repeats;
use crate::inference::{Estimate, InferenceError, mean};

/// Mean over repeats of each variable in each bin, with its standard error `s / √R`.
///
/// `values` is `rows x V`, the variables of a row side by side; an indicator, such as
/// the probability to be in a basin, is a variable too. One list a variable comes out,
/// one estimate a bin, in the order of [`Repeats::bins`]. Noise that lasts longer than a
/// bin makes the errors of neighbouring bins alike.
///
/// # Errors
///
/// - [`InferenceError::Blocks`] if there is only one repeat.
/// - [`InferenceError::Empty`], [`InferenceError::Count`] or
///   [`InferenceError::NotFinite`] if the values do not fill the rows with numbers.
pub fn time_course(
    values: &[f64],
    repeats: &Repeats,
) -> Result<Vec<Vec<Estimate>>, InferenceError> {
    let variables = repeats.variables(values)?;
    let estimate = |variable, bin| {
        let rows = repeats.of_bin(bin);
        let numbers: Vec<f64> = rows.map(|row| values[row * variables + variable]).collect();
        Ok(mean(&numbers)?)
    };
    let course = |variable| {
        let bins = 0..repeats.bins().len();
        bins.map(|bin| estimate(variable, bin)).collect()
    };
    (0..variables).map(course).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_errors_can_be_counted() {
        // Bin 5: variable 0 is 1, 2, 6 (mean 3, s² = 7), variable 1 is always 4.
        // Bin 8: variable 0 is 0, 0, 3 (mean 1, s² = 3), variable 1 is -1, 0, 1.
        let repeats = Repeats::new(&[0, 0, 1, 1, 2, 2], &[5, 8, 8, 5, 5, 8]).unwrap();
        let values = [1.0, 4.0, 0.0, -1.0, 0.0, 0.0, 2.0, 4.0, 6.0, 4.0, 3.0, 1.0];
        let found = time_course(&values, &repeats).unwrap();
        let expected = [[(3.0, 7.0_f64), (1.0, 3.0)], [(4.0, 0.0), (0.0, 1.0)]];
        for (course, expected) in found.iter().zip(&expected) {
            assert_eq!(course.len(), 2);
            for (estimate, &(mean, variance)) in course.iter().zip(expected) {
                assert!((estimate.value - mean).abs() < 1e-14);
                assert!((estimate.standard_error - (variance / 3.0).sqrt()).abs() < 1e-14);
                assert_eq!(estimate.count, 3);
            }
        }
    }

    #[test]
    fn one_repeat_has_no_error() {
        let repeats = Repeats::new(&[0, 0], &[0, 1]).unwrap();
        assert!(matches!(
            time_course(&[1.0, 2.0], &repeats),
            Err(InferenceError::Blocks(_))
        ));
        assert!(time_course(&[1.0; 3], &repeats).is_err());
    }
}
