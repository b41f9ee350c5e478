//! Maximum likelihood by expectation and maximisation, accelerated.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::coordinates::Coordinates;
use super::logistic::{Responses, log_prior};
use super::moments::checked_total;
use super::quasi_newton::{Minimum, minimise};
use crate::fields::{Expectations, GeneralisedHopfield, SiteMixture, Words};
use crate::inference::InferenceError;

/// Plain passes at the beginning, where they climb fastest.
const PLAIN: usize = 6;
/// Accelerated steps from one plain pass to the next, which renews the metric.
const CYCLE: usize = 15;
/// Weight below which a value of the field is given up after such a cycle. What goes costs
/// at most about as many nats per configuration.
const NEGLIGIBLE_WEIGHT: f64 = 1e-9;
/// Steps over which the gain must be small before the maximum counts as reached: single
/// steps may gain little.
const PATIENCE: usize = 8;

/// What is known of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldLaw {
    /// Its weights are fitted, at given values: a law without parameters.
    Free,
    /// Its weights stay as they are. With those of a standard normal field the model is the
    /// latent-trait model, or item response model with two parameters.
    Fixed,
}

/// When a fit ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Passes over the words, at most; the last step may take a few more.
    pub most_iterations: usize,
    /// Gain of eight steps together at which the maximum counts as reached, nats per
    /// configuration.
    pub tolerance: f64,
}

/// A model of largest likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model, without the values of the field that have lost all weight.
    pub model: GeneralisedHopfield,
    /// Mean log-likelihood of the data, nats per configuration.
    pub log_likelihood: f64,
    /// Passes over the words.
    pub iterations: usize,
    /// Whether the gain became small before the iterations or the caller ended the fit.
    pub converged: bool,
}

/// Fits biases, patterns and perhaps the weights of the field by maximum likelihood, from a
/// model whose values of the field stay where they are.
///
/// The first passes are plain expectation and maximisation: for each value `h_k` the
/// expected number of rows, and of rows in which site i is up, then for each site a logistic
/// regression on `(1, h_k)`, and weights as the expected numbers. Where much of the field is
/// hidden such passes crawl. Therefore limited memory BFGS takes over (Jamshidian and
/// Jennrich 1997): the same expectations are the gradient, and the information that the
/// sites would give in a known field is the metric. From time to time a plain pass renews
/// the metric, also if a line search fails. No step that stays lowers what is maximised: the
/// log-likelihood and a normal prior of ten half-logits' width, which keeps silent cells
/// finite.
///
/// Likelihoods of such models have several maxima: begin from several
/// [`start`](super::start)s where it matters. With free weights an affine change of the
/// field costs nothing, so look at the result [`in_gauge`](super::in_gauge); and a cell that
/// is never up in part of the field draws its pattern towards infinity, to which the last
/// gains lead slowly.
///
/// `proceed` gets what is maximised, in nats per configuration, after each step that stays,
/// and may end the fit.
///
/// # Errors
///
/// - [`InferenceError::Count`] if the model has not the words' sites, or there is not one
///   count a distinct word.
/// - [`InferenceError::OutOfRange`] if the counts have no positive sum.
pub fn fit(
    start: &GeneralisedHopfield,
    words: &Words,
    counts: &[f64],
    law: FieldLaw,
    stop: &FitOptions,
    proceed: &dyn Fn(f64) -> ControlFlow<()>,
) -> Result<Fit, InferenceError> {
    let total = checked_total(words, counts)?;
    if start.sites() != words.sites() {
        return Err(InferenceError::Count {
            what: "sites of the model to begin with",
            found: start.sites(),
            expected: words.sites(),
        });
    }
    let data = Data {
        words,
        counts,
        total,
    };
    let mut progress = Progress {
        stop,
        proceed,
        passes: 0,
        heights: Vec::new(),
        ended: false,
    };
    let mut model = start.clone();
    let mut plain = PLAIN;
    loop {
        model = data.plain_passes(model, law, plain, &mut progress)?;
        plain = 1;
        let coordinates = Coordinates::new(&model, law, total);
        let end = data.accelerated(&coordinates, &mut progress);
        model = coordinates.model(&end.point)?;
        if progress.is_over() {
            return Ok(Fit {
                log_likelihood: -end.there.value - prior(&model) / total,
                model: without_light_nodes(&model, law)?,
                iterations: progress.passes,
                converged: progress.is_converged(),
            });
        }
        model = without_light_nodes(&model, law)?;
    }
}

/// The words and how often each counts.
struct Data<'a> {
    words: &'a Words,
    counts: &'a [f64],
    total: f64,
}

/// How far a fit has come.
struct Progress<'a> {
    stop: &'a FitOptions,
    proceed: &'a dyn Fn(f64) -> ControlFlow<()>,
    passes: usize,
    /// After each step that stays, nats per configuration.
    heights: Vec<f64>,
    ended: bool,
}

impl Progress<'_> {
    fn arrive(&mut self, height: f64) {
        self.heights.push(height);
        self.ended |= (self.proceed)(height).is_break();
    }

    fn is_converged(&self) -> bool {
        let last = self.heights.len().checked_sub(PATIENCE + 1);
        last.is_some_and(|k| self.heights[k + PATIENCE] - self.heights[k] < self.stop.tolerance)
    }

    fn is_over(&self) -> bool {
        self.ended || self.passes >= self.stop.most_iterations || self.is_converged()
    }
}

impl Data<'_> {
    fn expectations(
        &self,
        model: &GeneralisedHopfield,
        progress: &mut Progress<'_>,
    ) -> Expectations {
        progress.passes += 1;
        SiteMixture::from(model).expectations(self.words, self.counts)
    }

    fn plain_passes(
        &self,
        mut model: GeneralisedHopfield,
        law: FieldLaw,
        count: usize,
        progress: &mut Progress<'_>,
    ) -> Result<GeneralisedHopfield, InferenceError> {
        for _ in 0..count {
            if progress.is_over() {
                break;
            }
            let expected = self.expectations(&model, progress);
            progress.arrive((expected.log_likelihood + prior(&model)) / self.total);
            model = maximised(&model, law, &expected)?;
        }
        Ok(model)
    }

    /// A cycle of quasi-Newton steps from the origin of the coordinates.
    fn accelerated(&self, coordinates: &Coordinates, progress: &mut Progress<'_>) -> Minimum {
        // Both the function and its observer look at the progress.
        let progress = std::cell::RefCell::new(progress);
        let value = |point: &[f64]| match coordinates.model(point) {
            Err(_) => coordinates.nowhere(),
            Ok(model) => {
                let expected = self.expectations(&model, &mut progress.borrow_mut());
                coordinates.value(point, &model, &expected)
            }
        };
        // The gain that is left is about ½ |gradient|² / (1 - hidden part of information).
        let gradient = (0.01 * progress.borrow().stop.tolerance).sqrt();
        minimise(coordinates.start(), CYCLE, gradient, value, |height| {
            let mut progress = progress.borrow_mut();
            progress.arrive(-height);
            if progress.is_over() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    }
}

/// The maximisation: every site by itself.
fn maximised(
    model: &GeneralisedHopfield,
    law: FieldLaw,
    expected: &Expectations,
) -> Result<GeneralisedHopfield, InferenceError> {
    let (sites, fields) = (model.sites(), model.fields());
    let mut parameters: Vec<Vec<f64>> = model
        .biases()
        .iter()
        .zip(model.patterns().chunks_exact(fields))
        .map(|(bias, patterns)| [&[*bias], patterns].concat())
        .collect();
    parameters
        .par_iter_mut()
        .enumerate()
        .for_each(|(site, own)| {
            let up = expected.up_counts.iter().skip(site).step_by(sites);
            let responses = Responses {
                nodes: model.nodes(),
                totals: &expected.node_counts,
                up: &up.copied().collect::<Vec<f64>>(),
            };
            responses.climb(own);
        });
    let weights = match law {
        FieldLaw::Fixed => model.weights(),
        FieldLaw::Free => &expected.node_counts,
    };
    Ok(GeneralisedHopfield::new(
        parameters.iter().map(|site| site[0]).collect(),
        parameters
            .iter()
            .flat_map(|site| &site[1..])
            .copied()
            .collect(),
        model.nodes().to_vec(),
        weights.to_vec(),
        fields,
    )?)
}

/// The prior's part of the log-likelihood of all data, nats.
fn prior(model: &GeneralisedHopfield) -> f64 {
    log_prior(model.biases()) + log_prior(model.patterns())
}

/// The model without values of the field that a free law has given up.
fn without_light_nodes(
    model: &GeneralisedHopfield,
    law: FieldLaw,
) -> Result<GeneralisedHopfield, InferenceError> {
    let fields = model.fields();
    let kept: Vec<(&f64, &[f64])> = model
        .weights()
        .iter()
        .zip(model.nodes().chunks_exact(fields))
        .filter(|(weight, _)| law == FieldLaw::Fixed || **weight >= NEGLIGIBLE_WEIGHT)
        .collect();
    Ok(GeneralisedHopfield::new(
        model.biases().to_vec(),
        model.patterns().to_vec(),
        kept.iter().flat_map(|(_, node)| *node).copied().collect(),
        kept.iter().map(|(weight, _)| **weight).collect(),
        fields,
    )?)
}

#[cfg(test)]
mod tests;
