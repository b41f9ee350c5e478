//! A network that tells two sets of configurations apart.
//!
//! It learns on one part of both sets and is judged on the rest, so that what it
//! finds there is a difference between the distributions and not between the samples.

use rand_distr::{Distribution, StandardNormal};

use super::architecture::{Activation, Layer};
use super::head;
use super::kernel;
use super::model::Streams;
use super::network::{self, Deltas, InputGradient, Intake, Outputs};
use super::optimiser::Adam;
use super::training::shuffle;
use crate::configurations::Configurations;
use crate::random::Generator;

/// How a classifier is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierSettings {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Passes over the training part; the best one on a tenth of it is kept.
    pub epochs: usize,
    /// Configurations of each set in a batch.
    pub batch: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
}

/// What the classifier says of configurations that it has not seen.
///
/// Trained without limit, the logit of `x` is `ln p_first(x) - ln p_second(x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Discrimination {
    /// Logits of the first set's configurations.
    pub first: Vec<f64>,
    /// Logits of the second set's.
    pub second: Vec<f64>,
}

/// Trains a classifier on the first half of both sets and applies it to the rest.
///
/// # Panics
///
/// Panics if the sets have other units or numbers of sites, or fewer than 40 rows.
#[must_use]
pub fn discriminate(
    first: &Configurations,
    second: &Configurations,
    settings: &ClassifierSettings,
    streams: Streams<'_>,
) -> Discrimination {
    let shape = |set: &Configurations| (set.unit(), set.sites());
    assert_eq!(shape(first), shape(second), "units and sites of both sets");
    let rows = first.rows().min(second.rows());
    assert!(rows >= 40, "rows >= 40");
    let (validation, training) = (rows / 20, rows / 2);
    let sets = [first, second];
    let mut classifier = Classifier::new(first, settings, &mut streams("start"));
    let mut order = streams("order");
    let mut best = (f64::INFINITY, classifier.parameters.clone());
    let mut numbers: [Vec<usize>; 2] = [(); 2].map(|()| (validation..training).collect());
    for _ in 0..settings.epochs {
        for numbers in &mut numbers {
            shuffle(numbers, &mut order);
        }
        let [a, b] = &numbers;
        for (a, b) in a.chunks(settings.batch).zip(b.chunks(settings.batch)) {
            classifier.learn(sets, [a, b], settings.learning_rate);
        }
        let cost = classifier.cost(sets, validation);
        if cost < best.0 {
            best = (cost, classifier.parameters.clone());
        }
    }
    classifier.parameters = best.1;
    let unseen = |set: &Configurations, classifier: &mut Classifier| {
        let rows: Vec<usize> = (training..set.rows()).collect();
        classifier.logits(set, &rows)
    };
    Discrimination {
        first: unseen(first, &mut classifier),
        second: unseen(second, &mut classifier),
    }
}

/// The chain of layers with its parameters and buffers.
struct Classifier {
    layers: Vec<Layer>,
    intake: Intake,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    outputs: Outputs,
    deltas: Deltas,
    adam: Adam,
    /// Rows that the buffers hold.
    capacity: usize,
}

impl Classifier {
    fn new(set: &Configurations, settings: &ClassifierSettings, generator: &mut Generator) -> Self {
        let layers = layers(set.features(), &settings.hidden);
        let length = layers.last().map_or(0, |layer| layer.bias.end);
        let mut parameters = vec![0.0_f32; length];
        for layer in &layers {
            let scale = (layer.inputs as f32).sqrt().recip();
            for value in &mut parameters[layer.weight.clone()] {
                let draw: f32 = StandardNormal.sample(generator);
                *value = scale * draw;
            }
        }
        let capacity = 2 * settings.batch;
        Self {
            intake: Intake::new(set.unit(), capacity, set.features()),
            outputs: Outputs::new(&layers, capacity),
            deltas: Deltas::new(&[&layers], capacity),
            adam: Adam::new(length),
            gradient: vec![0.0; length],
            parameters,
            layers,
            capacity,
        }
    }

    fn forward(&mut self, features: &[f32], rows: usize) {
        let (layers, parameters) = (&self.layers, &self.parameters);
        self.intake.load(rows, features);
        let input = self.intake.input(features);
        network::forward(layers, parameters, rows, input, &mut self.outputs);
    }

    /// One step of Adam on a batch of both sets.
    fn learn(&mut self, sets: [&Configurations; 2], numbers: [&[usize]; 2], rate: f64) {
        /// Steps of longer gradients are shortened.
        const LONGEST_GRADIENT: f64 = 10.0;
        let [a, b] = numbers;
        let rows = a.len() + b.len();
        let mut features = features_of(sets[0], a);
        features.extend(features_of(sets[1], b));
        let signs = [vec![1.0; a.len()], vec![-1.0; b.len()]].concat();
        self.forward(&features, rows);
        let logits = self.outputs.last(rows);
        kernel::bernoulli_cost_and_gradient(logits, &signs, 1.0 / rows as f32);
        network::backward(
            &self.layers,
            &self.parameters,
            (rows, self.intake.input(&features)),
            &mut self.outputs,
            &mut self.deltas,
            &mut self.gradient,
            InputGradient::Skip,
        );
        self.adam
            .step(&mut self.parameters, &self.gradient, rate, LONGEST_GRADIENT);
    }

    /// Mean cost of the first rows of both sets, nats.
    fn cost(&mut self, sets: [&Configurations; 2], rows: usize) -> f64 {
        let rows: Vec<usize> = (0..rows).collect();
        let mut cost = |set: &Configurations, sign: f64| -> f64 {
            let logits = self.logits(set, &rows);
            let costs = logits.iter().map(|logit| softplus(-sign * logit));
            costs.sum::<f64>() / rows.len() as f64
        };
        cost(sets[0], 1.0) + cost(sets[1], -1.0)
    }

    fn logits(&mut self, set: &Configurations, rows: &[usize]) -> Vec<f64> {
        let mut logits = Vec::with_capacity(rows.len());
        for rows in rows.chunks(self.capacity) {
            self.forward(&features_of(set, rows), rows.len());
            let found = self.outputs.last(rows.len());
            logits.extend(found.iter().map(|&logit| f64::from(logit)));
        }
        logits
    }
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn features_of(set: &Configurations, rows: &[usize]) -> Vec<f32> {
    head::features_of(&set.select_rows(rows), 0..rows.len())
}

/// Hidden layers of tanh and one logit.
fn layers(features: usize, hidden: &[usize]) -> Vec<Layer> {
    let hidden = hidden.iter().map(|&width| (width, Activation::Tanh));
    let mut layers = Vec::new();
    let (mut inputs, mut start) = (features, 0);
    for (outputs, activation) in hidden.chain([(1, Activation::Identity)]) {
        let weight = start..start + inputs * outputs;
        let bias = weight.end..weight.end + outputs;
        (inputs, start) = (outputs, bias.end);
        layers.push(Layer {
            inputs: weight.len() / outputs,
            outputs,
            weight,
            bias,
            activation,
        });
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::random::{stream, uniform};

    fn settings() -> ClassifierSettings {
        ClassifierSettings {
            hidden: vec![16],
            epochs: 10,
            batch: 100,
            learning_rate: 3e-3,
        }
    }

    /// Independent spins, up with the given probability.
    fn spins(rows: usize, probability: f64, seed: &str) -> Configurations {
        let mut generator = stream(seed, &["spins"]);
        let mut bits = BitMatrix::zeros(rows, 10);
        for (row, site) in (0..rows).flat_map(|row| (0..10).map(move |site| (row, site))) {
            bits.set(row, site, uniform(&mut generator) < probability);
        }
        bits.into()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn logits_approach_the_ratio_of_the_probabilities() {
        let (a, b) = (spins(8000, 0.6, "1"), spins(8000, 0.4, "2"));
        let streams = |name: &str| stream("classifier", &[name]);
        let found = discriminate(&a, &b, &settings(), &streams);
        assert_eq!((found.first.len(), found.second.len()), (4000, 4000));
        // ln p_a/p_b is ln 1.5 times the sum of the spins: its mean is
        // 10 * 0.2 * ln 1.5 in the first set. A network of 200 parameters learns it
        // from 8000 configurations to about sqrt(200 / 8000) of its spread, 1.3.
        let exact = 10.0 * 0.2 * 1.5_f64.ln();
        assert!(
            (mean(&found.first) - exact).abs() < 0.2,
            "{}",
            mean(&found.first)
        );
        assert!((mean(&found.second) + exact).abs() < 0.2);
    }

    #[test]
    fn equal_distributions_are_not_told_apart() {
        let (a, b) = (spins(4000, 0.5, "3"), spins(4000, 0.5, "4"));
        let streams = |name: &str| stream("classifier", &["equal", name]);
        let found = discriminate(&a, &b, &settings(), &streams);
        let spread = |values: &[f64]| {
            let square = |x: &f64| (x - mean(values)).powi(2);
            (values.iter().map(square).sum::<f64>()).sqrt() / values.len() as f64
        };
        let error = spread(&found.first).hypot(spread(&found.second));
        let difference = mean(&found.first) - mean(&found.second);
        assert!(difference.abs() < 4.0 * error, "{difference} {error}");
    }
}
