//! The pair of networks that scores pairs of samples.

use super::CriticSettings;
use super::network::{Adam, Network, add_product, view};
use crate::inference::InferenceError;
use crate::information::estimate::Collective;
use crate::information::estimate::permutation::{shuffle, shuffled};
use crate::random::Generator;

/// One in so many samples for training decides when training was best.
const VALIDATION: usize = 6;
/// Steps between two looks at the validation samples.
const STEPS_PER_LOOK: usize = 50;

/// Two networks whose features score a pair, `s = f(a)·g(b)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Critic {
    networks: [Network; 2],
    /// Mean and standard deviation of every input.
    scales: [Vec<(f64, f64)>; 2],
}

impl Critic {
    /// Trains the networks to tell pairs `(a_i, b_i)` from pairs `(a_i, b_j)`.
    ///
    /// A sixth of the rows is kept back, drawn at random; the parameters that tell those
    /// apart best are returned. Rows are taken as independent. Inputs are
    /// divided by their standard deviation; one that does not vary counts as 0.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::OutOfRange`] if a setting is.
    /// - [`InferenceError::Count`] if the variables differ in rows.
    /// - [`InferenceError::TooFewRows`] if the sixth does not fill a batch.
    pub fn train(
        a: &Collective,
        b: &Collective,
        settings: &CriticSettings,
        generator: &mut Generator,
    ) -> Result<Self, InferenceError> {
        check(settings)?;
        crate::inference::check_count("rows of the second variable", b.rows(), a.rows())?;
        let order = shuffled(a.rows(), generator);
        let (validation, training) = order.split_at(a.rows() / VALIDATION);
        if validation.len() < settings.batch {
            return Err(InferenceError::TooFewRows {
                what: "samples to train on",
                found: a.rows(),
                needed: VALIDATION * settings.batch,
            });
        }
        let pair = [a.clone(), b.clone()];
        let mut critic = Self::untrained(&pair, settings, generator);
        let mut adam = critic
            .networks
            .each_ref()
            .map(|n| Adam::new(n.parameters.len()));
        let mut batches = Batches::new(training.to_vec(), settings.batch);
        let mut best = (
            critic.information(&pair, validation, settings.batch),
            critic.clone(),
        );
        for step in 1..=settings.steps {
            let progress = step as f64 / settings.steps as f64;
            let rate =
                0.5 * settings.learning_rate * (1.0 + (std::f64::consts::PI * progress).cos());
            let gradients = critic.gradients(&pair, batches.next(generator));
            for ((network, adam), gradient) in
                critic.networks.iter_mut().zip(&mut adam).zip(gradients)
            {
                adam.ascend(&mut network.parameters, &gradient, rate);
            }
            if step % STEPS_PER_LOOK == 0 || step == settings.steps {
                let found = critic.information(&pair, validation, settings.batch);
                if found > best.0 {
                    best = (found, critic.clone());
                }
            }
        }
        Ok(best.1)
    }

    fn untrained(
        pair: &[Collective; 2],
        settings: &CriticSettings,
        generator: &mut Generator,
    ) -> Self {
        let network = |x: &Collective, generator: &mut Generator| {
            let mut widths = vec![x.dimension(), settings.directions];
            widths.extend(&settings.hidden);
            widths.push(settings.features);
            Network::new(widths, generator)
        };
        Self {
            networks: [network(&pair[0], generator), network(&pair[1], generator)],
            scales: pair.each_ref().map(Collective::scales),
        }
    }

    /// The features `f(a)` and `g(b)` of all rows, such as variables for
    /// [`ksg`](crate::information::estimate::ksg()): rows by features.
    ///
    /// # Errors
    ///
    /// [`InferenceError::NotFinite`] if training ran away.
    ///
    /// # Panics
    ///
    /// Panics if the variables are not those of the training in number.
    pub fn codes(&self, pair: &[Collective; 2]) -> Result<[Collective; 2], InferenceError> {
        let code = |side: usize| {
            let rows: Vec<usize> = (0..pair[side].rows()).collect();
            let outputs = self
                .layers(side, &pair[side], &rows)
                .pop()
                .unwrap_or_default();
            Collective::continuous(outputs, self.networks[side].outputs())
        };
        Ok([code(0)?, code(1)?])
    }

    /// The values of all layers of one network.
    fn layers(&self, side: usize, x: &Collective, rows: &[usize]) -> Vec<Vec<f64>> {
        let scales = &self.scales[side];
        assert_eq!(x.dimension(), scales.len(), "variables of the training");
        let inputs = rows.iter().flat_map(|&row| {
            let row = x.row(row).iter().zip(scales);
            row.map(|(x, (centre, scale))| (x - centre) / scale)
        });
        self.networks[side].forward(inputs.collect())
    }

    /// The scores of all pairs of some rows: `a` by `b`.
    pub(super) fn scores(&self, pair: &[Collective; 2], rows: &[usize]) -> Vec<f64> {
        let layers = [0, 1].map(|side| self.layers(side, &pair[side], rows));
        scores(layers.each_ref().map(|all| outputs(all)), rows.len())
    }

    /// The mean bound over whole batches of the given rows.
    fn information(&self, pair: &[Collective; 2], rows: &[usize], batch: usize) -> f64 {
        let batches = rows.chunks_exact(batch);
        let count = (batches.len() * batch) as f64;
        let sums = batches.map(|rows| {
            log_ratios(&self.scores(pair, rows), batch)
                .iter()
                .sum::<f64>()
        });
        sums.sum::<f64>() / count
    }

    /// The gradients of the bound of one batch.
    fn gradients(&self, pair: &[Collective; 2], rows: &[usize]) -> [Vec<f64>; 2] {
        let layers = [0, 1].map(|side| self.layers(side, &pair[side], rows));
        let [f, g] = layers.each_ref().map(|all| outputs(all));
        let size = rows.len();
        let slopes = score_gradient(&scores([f, g], size), size);
        let slopes = view(&slopes, size);
        let (mut of_f, mut of_g) = (vec![0.0; f.len()], vec![0.0; g.len()]);
        add_product(&mut of_f, size, slopes, view(g, size));
        add_product(&mut of_g, size, slopes.transpose(), view(f, size));
        [
            self.networks[0].backward(&layers[0], of_f),
            self.networks[1].backward(&layers[1], of_g),
        ]
    }
}

fn check(settings: &CriticSettings) -> Result<(), InferenceError> {
    let rate = settings.learning_rate;
    let narrowest = settings.hidden.iter().copied().min().unwrap_or(1);
    let found = [
        (
            "the batch",
            settings.batch as f64,
            settings.batch >= 2,
            "at least 2",
        ),
        (
            "the number of directions",
            settings.directions as f64,
            settings.directions >= 1,
            "at least 1",
        ),
        (
            "the width of a layer",
            narrowest as f64,
            narrowest >= 1,
            "at least 1",
        ),
        (
            "the number of features",
            settings.features as f64,
            settings.features >= 1,
            "at least 1",
        ),
        (
            "the learning rate",
            rate,
            rate > 0.0 && rate < 1.0,
            "between 0 and 1",
        ),
    ];
    match found.into_iter().find(|(_, _, right, _)| !right) {
        None => Ok(()),
        Some((what, value, _, expected)) => Err(InferenceError::OutOfRange {
            what,
            value,
            expected,
        }),
    }
}

fn outputs(layers: &[Vec<f64>]) -> &[f64] {
    layers.last().map_or(&[], Vec::as_slice)
}

fn scores([f, g]: [&[f64]; 2], size: usize) -> Vec<f64> {
    let mut scores = vec![0.0; size * size];
    add_product(&mut scores, size, view(f, size), view(g, size).transpose());
    scores
}

/// `e^(s_ij)` over its sum over row `i`, and the logarithms of these sums.
fn softmax(scores: &[f64], size: usize) -> (Vec<f64>, Vec<f64>) {
    let mut parts = scores.to_vec();
    let mut logarithms = Vec::with_capacity(size);
    for row in parts.chunks_exact_mut(size) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for score in row.iter_mut() {
            *score = (*score - largest).exp();
        }
        let sum: f64 = row.iter().sum();
        for part in row.iter_mut() {
            *part /= sum;
        }
        logarithms.push(largest + sum.ln());
    }
    (parts, logarithms)
}

fn transposed(matrix: &[f64], size: usize) -> Vec<f64> {
    let column = |j: usize| matrix[j..].iter().step_by(size).copied();
    (0..size).flat_map(column).collect()
}

/// What each pair of a batch adds to the bound:
/// `s_ii - ln (1/K) Σ_j e^{s_ij}`, averaged with the sum over the other index.
pub(super) fn log_ratios(scores: &[f64], size: usize) -> Vec<f64> {
    let (_, rows) = softmax(scores, size);
    let (_, columns) = softmax(&transposed(scores, size), size);
    let ceiling = (size as f64).ln();
    let pairs = rows.iter().zip(&columns).enumerate();
    pairs
        .map(|(i, (row, column))| ceiling + scores[i * size + i] - 0.5 * (row + column))
        .collect()
}

/// The gradient of the mean of [`log_ratios`] with respect to the scores.
fn score_gradient(scores: &[f64], size: usize) -> Vec<f64> {
    let (mut slopes, _) = softmax(scores, size);
    let (columns, _) = softmax(&transposed(scores, size), size);
    let columns = transposed(&columns, size);
    let scale = 1.0 / size as f64;
    for (slope, column) in slopes.iter_mut().zip(&columns) {
        *slope = -0.5 * scale * (*slope + column);
    }
    slopes
        .iter_mut()
        .step_by(size + 1)
        .for_each(|slope| *slope += scale);
    slopes
}

/// Whole batches of rows, shuffled anew when they are used up.
struct Batches {
    rows: Vec<usize>,
    size: usize,
    used: usize,
}

impl Batches {
    fn new(rows: Vec<usize>, size: usize) -> Self {
        Self {
            used: rows.len(),
            rows,
            size,
        }
    }

    fn next(&mut self, generator: &mut Generator) -> &[usize] {
        if self.used + self.size > self.rows.len() {
            shuffle(&mut self.rows, generator);
            self.used = 0;
        }
        self.used += self.size;
        &self.rows[self.used - self.size..self.used]
    }
}

#[cfg(test)]
mod tests;
