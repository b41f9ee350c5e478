//! How many components the field has.

use std::ops::ControlFlow;

use super::maximisation::{FieldLaw, FitOptions, fit};
use super::start::{check_fields, start};
use crate::fields::{GeneralisedHopfield, SiteMixture, Words};
use crate::inference::blocks::Jackknife;
use crate::inference::{Estimate, InferenceError};

/// Gain of the held-out log-likelihood that counts, in standard errors.
pub const SIGNIFICANT: f64 = 3.0;
/// Smallest gain of the held-out log-likelihood that counts, nats per configuration. With
/// much data any misfit is significant; dozens of sites have some nats of entropy, of which
/// this is a thousandth.
pub const LEAST_GAIN: f64 = 0.005;

/// A field of some components, fitted and tested.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldsRow {
    /// Components of the field; 0 for independent sites.
    pub fields: usize,
    /// Mean log-likelihood of the training data, nats per configuration.
    pub train: f64,
    /// Mean log-likelihood of the held-out data with its error over blocks, nats per
    /// configuration.
    pub test: Estimate,
    /// What this component adds to the held-out log-likelihood, with the error of the paired
    /// difference over blocks; nothing for independent sites.
    pub gain: Option<Estimate>,
    /// Whether the fit converged.
    pub converged: bool,
    /// The model; for independent sites its field takes the value 0 only.
    pub model: GeneralisedHopfield,
}

/// How many components a field needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberOfFields {
    /// The smallest number that the next one does not beat.
    pub chosen: usize,
    /// Whether that is the largest number tried, so that more might be better still.
    pub at_limit: bool,
    /// From 0 components on.
    pub rows: Vec<FieldsRow>,
}

/// Fits fields of 0 to `most` components to `train` and compares what they say of `test`.
///
/// A component counts if it raises the log-likelihood of the held-out words by more than
/// [`SIGNIFICANT`] standard errors over their blocks, and by more than [`LEAST_GAIN`]. All
/// fits begin at the correlations; `proceed` is that of [`fit`].
///
/// # Errors
///
/// - [`InferenceError::Components`] if `most` is not from 1 to
///   [`MAX_FIELDS`](super::MAX_FIELDS): lattices of four dimensions are too large.
/// - [`InferenceError::TooFewRows`] if there are fewer than two held-out blocks.
/// - [`InferenceError::Count`] if the words differ in their number of sites.
/// - As [`start`] and [`fit`].
pub fn number_of_fields(
    train: &Words,
    test: &Words,
    most: usize,
    law: FieldLaw,
    stop: &FitOptions,
    proceed: &dyn Fn(f64) -> ControlFlow<()>,
) -> Result<NumberOfFields, InferenceError> {
    check_fields(most, train.sites())?;
    if test.sites() != train.sites() {
        return Err(InferenceError::Count {
            what: "sites of the held-out words",
            found: test.sites(),
            expected: train.sites(),
        });
    }
    let blocks = Blocks::new(test)?;
    let mut rows: Vec<FieldsRow> = Vec::with_capacity(most + 1);
    let mut before: Option<Vec<f64>> = None;
    for fields in 0..=most {
        let (begin, law) = match fields {
            0 => (independent(train.sites())?, FieldLaw::Fixed),
            _ => (start(train, train.counts(), fields, None)?, law),
        };
        let fitted = fit(&begin, train, train.counts(), law, stop, proceed)?;
        let sums = blocks.sums(&SiteMixture::from(&fitted.model).log_likelihood(test));
        let gains = before.map(|before| -> Vec<f64> {
            sums.iter()
                .zip(before)
                .map(|(now, then)| now - then)
                .collect()
        });
        rows.push(FieldsRow {
            fields,
            train: fitted.log_likelihood,
            test: blocks.mean(&sums),
            gain: gains.map(|gains| blocks.mean(&gains)),
            converged: fitted.converged,
            model: fitted.model,
        });
        before = Some(sums);
    }
    let counts = |row: &FieldsRow| {
        row.gain.is_some_and(|gain| {
            gain.value > LEAST_GAIN && gain.value > SIGNIFICANT * gain.standard_error
        })
    };
    let chosen = rows[1..].iter().take_while(|row| counts(row)).count();
    Ok(NumberOfFields {
        chosen,
        at_limit: chosen == most,
        rows,
    })
}

/// A field that does not vary: sites are independent.
fn independent(sites: usize) -> Result<GeneralisedHopfield, InferenceError> {
    let (biases, patterns) = (vec![0.0; sites], vec![0.0; sites]);
    Ok(GeneralisedHopfield::new(
        biases,
        patterns,
        vec![0.0],
        vec![1.0],
        1,
    )?)
}

/// How often each word occurs in each block.
struct Blocks {
    counts: Vec<Vec<f64>>,
    rows: Vec<f64>,
}

impl Blocks {
    fn new(words: &Words) -> Result<Self, InferenceError> {
        let blocks = words.blocks();
        if blocks < 2 {
            return Err(InferenceError::TooFewRows {
                what: "held-out blocks",
                found: blocks,
                needed: 2,
            });
        }
        let counts: Vec<Vec<f64>> = (0..blocks)
            .map(|block| {
                let mut alone = vec![0.0; blocks];
                alone[block] = 1.0;
                words.weighted_counts(&alone)
            })
            .collect();
        let rows = counts.iter().map(|counts| counts.iter().sum()).collect();
        Ok(Self { counts, rows })
    }

    /// Sums over each block of one value a distinct word.
    fn sums(&self, values: &[f64]) -> Vec<f64> {
        let sum = |counts: &Vec<f64>| counts.iter().zip(values).map(|(c, v)| c * v).sum();
        self.counts.iter().map(sum).collect()
    }

    /// The mean per row with the jackknife's error over blocks.
    fn mean(&self, sums: &[f64]) -> Estimate {
        let (total, rows) = (sums.iter().sum::<f64>(), self.rows.iter().sum::<f64>());
        let mut jackknife = Jackknife::new(total / rows);
        for (sum, own) in sums.iter().zip(&self.rows) {
            jackknife.add((total - sum) / (rows - own));
        }
        Estimate {
            value: total / rows,
            standard_error: jackknife.standard_error(),
            count: rows as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::fields::world;
    use crate::random::stream;

    const STOP: FitOptions = FitOptions {
        most_iterations: 25,
        tolerance: 1e-4,
    };

    fn chosen(fields: usize, strength: f64, most: usize) -> NumberOfFields {
        let truth = world::truth(24, fields.max(1), -0.6, strength);
        let mut generator = stream("1", &["selection", &fields.to_string()]);
        let train = world::words(&truth, 3000, 20, &mut generator);
        let test = world::words(&truth, 3000, 20, &mut generator);
        let proceed = |_| ControlFlow::Continue(());
        number_of_fields(&train, &test, most, FieldLaw::Free, &STOP, &proceed).unwrap()
    }

    #[test]
    fn independent_sites_need_no_field() {
        let found = chosen(0, 0.0, 1);
        assert_eq!((found.chosen, found.at_limit), (0, false));
        // The entropy of the true rates is the best that can be said, up to the noise of 3000
        // rows and 24 rates that cost 24 / 2 / 3000 = 0.004 nats.
        let row = &found.rows[0];
        assert!(row.converged && row.gain.is_none());
        let entropy: f64 = world::truth(24, 1, -0.6, 0.0)
            .biases()
            .iter()
            .map(|b| (2.0 * b.cosh()).ln() - b * b.tanh())
            .sum();
        assert!((row.test.value + entropy).abs() < 0.004 + 4.0 * row.test.standard_error);
    }

    #[test]
    fn one_field_is_one() {
        let found = chosen(1, 0.8, 2);
        assert_eq!(
            (found.chosen, found.at_limit),
            (1, false),
            "{:?}",
            found.rows[2].gain
        );
    }

    #[test]
    fn two_fields_are_two() {
        let found = chosen(2, 0.8, 3);
        assert_eq!(
            (found.chosen, found.at_limit),
            (2, false),
            "{:?}",
            found.rows[3].gain
        );
    }

    #[test]
    fn three_fields_are_at_least_three() {
        let found = chosen(3, 0.9, 3);
        assert_eq!((found.chosen, found.at_limit), (3, true));
        let gains: Vec<f64> = found.rows[1..]
            .iter()
            .map(|row| row.gain.unwrap().value)
            .collect();
        let sum: f64 = gains.iter().sum();
        let tests = found.rows[3].test.value - found.rows[0].test.value;
        assert!((sum - tests).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let mut generator = stream("2", &["selection"]);
        let data = |sites: usize, block: usize, generator: &mut _| {
            world::words(&world::truth(sites, 1, -0.5, 0.5), 50, block, generator)
        };
        let train = data(6, 5, &mut generator);
        let try_with = |test: &Words, most: usize| {
            let proceed = |_| ControlFlow::Continue(());
            number_of_fields(&train, test, most, FieldLaw::Fixed, &STOP, &proceed).unwrap_err()
        };
        assert!(matches!(
            try_with(&train, 4),
            InferenceError::Components {
                asked: 4,
                available: 3
            }
        ));
        let other = data(7, 5, &mut generator);
        assert!(matches!(
            try_with(&other, 1),
            InferenceError::Count { found: 7, .. }
        ));
        let one = data(6, 50, &mut generator);
        assert!(matches!(
            try_with(&one, 1),
            InferenceError::TooFewRows { found: 1, .. }
        ));
    }
}
