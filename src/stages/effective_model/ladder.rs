//! Models with one collective variable after the other.

use super::decoder::Decoder;
use crate::engine::{StageError, TaskContext};
use crate::fields::{GeneralisedHopfield, SiteMixture, Words};
use crate::inference::Estimate;
use crate::inference::fields::{FieldLaw, FitOptions, fit};
use crate::stages::data::DataSet;

/// Steps of a fit that only compares numbers of collective variables.
const COMPARING: FitOptions = FitOptions {
    most_iterations: 30,
    tolerance: 1e-3,
};
/// A model is as good as the best if it is not worse by this, nats a configuration, or not
/// by three standard errors.
const NEGLIGIBLE_LOSS: f64 = 0.01;
const STANDARD_ERRORS: f64 = 3.0;

/// Distinct configurations of the training data that fits for comparison go over, at most.
/// The time of a pass grows with them, and what they tell apart does not need more.
const COMPARING_WORDS: usize = 40_000;

/// Training and test data as the fits take them.
pub(super) struct Split<'a> {
    pub(super) train: Words,
    /// A part of the training data, evenly out of all of them, where they have more distinct
    /// configurations than a comparison needs.
    part: Option<Words>,
    pub(super) test: &'a DataSet,
    pub(super) test_words: Words,
}

impl<'a> Split<'a> {
    pub(super) fn new(train: &DataSet, test: &'a DataSet) -> Result<Self, StageError> {
        let words = |set: &DataSet| -> Result<Words, StageError> {
            Ok(Words::new(set.spins()?, &set.block_labels())?)
        };
        let all = words(train)?;
        let many = all.distinct() > COMPARING_WORDS;
        let thinned = many.then(|| words(&train.thinned(COMPARING_WORDS)));
        Ok(Self {
            train: all,
            part: thinned.transpose()?,
            test_words: words(test)?,
            test,
        })
    }

    /// The training data that fits for comparison go over.
    pub(super) fn comparing(&self) -> &Words {
        self.part.as_ref().unwrap_or(&self.train)
    }

    /// `ln p` of each test configuration, nats.
    pub(super) fn log_likelihood(&self, model: &GeneralisedHopfield) -> Vec<f64> {
        let mixture = SiteMixture::from(model);
        let words = mixture.log_likelihood(&self.test_words);
        self.test_words.spread(&words)
    }
}

/// A model with so many collective variables.
pub(super) struct Rung {
    pub(super) model: GeneralisedHopfield,
    /// Of the decoder's own projection, before the fit.
    pub(super) truncated: Estimate,
    /// `ln p` of each test configuration after the fit, nats.
    pub(super) rows: Vec<f64>,
    pub(super) refitted: Estimate,
}

/// Fits models of more and more collective variables, up to `most` or until neither the
/// last one nor the network is better by what counts.
pub(super) fn climb(
    task: &TaskContext<'_>,
    decoder: &Decoder,
    split: &Split<'_>,
    network: &[f64],
    most: usize,
) -> Result<Vec<Rung>, StageError> {
    let most = most.min(decoder.rank_limit());
    let mut rungs: Vec<Rung> = Vec::new();
    for rank in 1..=most {
        let start = decoder.truncated(rank)?;
        let truncated = split.test.mean(&split.log_likelihood(&start))?;
        let done = 0.05 + 0.5 * (rank - 1) as f64 / most as f64;
        let model = refit(task, &start, split.comparing(), COMPARING, done)?;
        let rows = split.log_likelihood(&model);
        let enough = match rungs.last() {
            Some(before) => {
                negligible(&loss(network, &before.rows, split.test)?)
                    && negligible(&loss(&rows, &before.rows, split.test)?)
            }
            None => false,
        };
        rungs.push(Rung {
            refitted: split.test.mean(&rows)?,
            model,
            truncated,
            rows,
        });
        if enough {
            break;
        }
    }
    Ok(rungs)
}

/// What `own` loses against `best`, configuration by configuration.
fn loss(best: &[f64], own: &[f64], test: &DataSet) -> Result<Estimate, StageError> {
    let pairs = best.iter().zip(own);
    let losses: Vec<f64> = pairs.map(|(best, own)| best - own).collect();
    test.mean(&losses)
}

fn negligible(loss: &Estimate) -> bool {
    loss.value <= NEGLIGIBLE_LOSS || loss.value <= STANDARD_ERRORS * loss.standard_error
}

/// Maximum likelihood from `start`, with a free distribution of the field.
pub(super) fn refit(
    task: &TaskContext<'_>,
    start: &GeneralisedHopfield,
    words: &Words,
    options: FitOptions,
    done: f64,
) -> Result<GeneralisedHopfield, StageError> {
    let fields = start.fields();
    let message = format!("maximum likelihood with {fields} collective variables");
    let proceed = super::going(task, done, &message);
    let counts = words.counts();
    let fitted = fit(start, words, counts, FieldLaw::Free, &options, &proceed);
    task.check_cancelled()?;
    Ok(fitted?.model)
}

/// What each rung loses against the best of them and of the network.
pub(super) fn losses(
    rungs: &[Rung],
    network: &[f64],
    test: &DataSet,
) -> Result<Vec<Estimate>, StageError> {
    let mean = |rows: &[f64]| rows.iter().sum::<f64>();
    let rows = rungs.iter().map(|rung| &rung.rows[..]);
    let best = rows.fold(
        network,
        |best, rows| {
            if mean(rows) > mean(best) { rows } else { best }
        },
    );
    rungs
        .iter()
        .map(|rung| loss(best, &rung.rows, test))
        .collect()
}

/// The fewest collective variables with which nothing that counts is lost; all, if each of
/// them counts.
pub(super) fn sufficient(losses: &[Estimate]) -> usize {
    let enough = losses.iter().position(negligible);
    enough.map_or(losses.len(), |index| index + 1)
}
