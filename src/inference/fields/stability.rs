//! Errors of a fitted model: over blocks of the data, and over starts.

use std::ops::ControlFlow;

use super::alignment::align;
use super::gauge::{Rotation, in_gauge};
use super::maximisation::{FieldLaw, FitOptions, fit};
use super::start::start;
use crate::fields::{GeneralisedHopfield, Words};
use crate::inference::InferenceError;
use crate::random::Generator;

/// Cosine with the pattern of the reference from which on a pattern has come back.
pub const RETURNED: f64 = 0.9;

/// What is fitted again, and how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StabilityOptions {
    /// What is known of the field.
    pub law: FieldLaw,
    /// The gauge in which parameters are compared.
    pub rotation: Rotation,
    /// Fits to resampled blocks, each begun at the model.
    pub resamplings: usize,
    /// When these end; few passes do, as they begin near their maximum.
    pub warm: FitOptions,
    /// Fits to all data from independent random starts.
    pub seeds: usize,
    /// When these end.
    pub cold: FitOptions,
}

/// A fit from a random start, beside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedFit {
    /// Mean log-likelihood, nats per configuration.
    pub log_likelihood: f64,
    /// `|cos|` with each pattern of the model, 0 for one that is missing: `K`.
    pub cosines: Vec<f64>,
}

/// How far a model would differ had other blocks been recorded, or other starts been taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// The model in its gauge: what the numbers below belong to.
    pub model: GeneralisedHopfield,
    /// Standard errors of the biases, half-logits: `N`.
    pub bias_errors: Vec<f64>,
    /// Standard errors of the patterns, half-logits: `N x K`. They include that of the
    /// gauge's rotation.
    pub pattern_errors: Vec<f64>,
    /// For each pattern the fraction of resamplings in which it comes back with `|cos|` of
    /// at least [`RETURNED`]: `K`.
    pub returned: Vec<f64>,
    /// The fits from random starts.
    pub seeds: Vec<SeedFit>,
    /// For each pattern the fraction of random starts that lead back to it: `K`; 0 without
    /// any.
    pub returned_from_seeds: Vec<f64>,
}

/// Refits a model to resampled blocks, and from random starts.
///
/// Each resampling draws as many blocks as there are, with replacement, begins at the model,
/// and is brought into the same gauge and order; the standard errors are the standard
/// deviations over the resamplings. `streams` makes the generator of a name; the names are
/// `resampling 0`, ..., `seed 0`, ... `proceed` is that of [`fit`]: a caller who ends it
/// gets numbers of unfinished fits and should discard them.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than two resamplings or blocks.
/// - As [`fit`], [`in_gauge`] and [`start`].
pub fn stability(
    model: &GeneralisedHopfield,
    words: &Words,
    options: &StabilityOptions,
    streams: &dyn Fn(&str) -> Generator,
    proceed: &dyn Fn(f64) -> ControlFlow<()>,
) -> Result<Stability, InferenceError> {
    for (what, found) in [
        ("resamplings", options.resamplings),
        ("blocks", words.blocks()),
    ] {
        if found < 2 {
            let needed = 2;
            return Err(InferenceError::TooFewRows {
                what,
                found,
                needed,
            });
        }
    }
    let reference = in_gauge(model, options.rotation)?.model;
    let mut spread = Spread::new(&reference);
    for resampling in 0..options.resamplings {
        let mut generator = streams(&format!("resampling {resampling}"));
        let counts = words.resampled(&mut generator);
        let refit = fit(model, words, &counts, options.law, &options.warm, proceed)?;
        spread.add(&in_gauge(&refit.model, options.rotation)?.model)?;
    }
    let mut seeds = Vec::with_capacity(options.seeds);
    for seed in 0..options.seeds {
        let mut generator = streams(&format!("seed {seed}"));
        let counts = words.counts();
        let begin = start(words, counts, model.fields(), Some(&mut generator))?;
        let found = fit(&begin, words, counts, options.law, &options.cold, proceed)?;
        let gauged = in_gauge(&found.model, options.rotation)?.model;
        seeds.push(SeedFit {
            log_likelihood: found.log_likelihood,
            cosines: align(&reference, &gauged)?.cosines,
        });
    }
    let cosines: Vec<&[f64]> = seeds.iter().map(|seed| &seed.cosines[..]).collect();
    Ok(Stability {
        bias_errors: spread.biases.iter().map(Moments::deviation).collect(),
        pattern_errors: spread.patterns.iter().map(Moments::deviation).collect(),
        returned: returned(&spread.cosines, reference.fields()),
        returned_from_seeds: returned(&cosines, reference.fields()),
        seeds,
        model: reference,
    })
}

/// The fraction of the rows in which each cosine is large.
fn returned(rows: &[impl AsRef<[f64]>], fields: usize) -> Vec<f64> {
    let count = |mu: usize| {
        rows.iter()
            .filter(|row| row.as_ref()[mu] >= RETURNED)
            .count()
    };
    (0..fields)
        .map(|mu| count(mu) as f64 / rows.len().max(1) as f64)
        .collect()
}

/// All parameters over the resamplings.
struct Spread<'a> {
    reference: &'a GeneralisedHopfield,
    biases: Vec<Moments>,
    patterns: Vec<Moments>,
    cosines: Vec<Vec<f64>>,
}

impl<'a> Spread<'a> {
    fn new(reference: &'a GeneralisedHopfield) -> Self {
        let about = |values: &[f64]| values.iter().map(|&v| Moments::about(v)).collect();
        Self {
            reference,
            biases: about(reference.biases()),
            patterns: about(reference.patterns()),
            cosines: Vec::new(),
        }
    }

    fn add(&mut self, gauged: &GeneralisedHopfield) -> Result<(), InferenceError> {
        let alignment = align(self.reference, gauged)?;
        for (moments, &bias) in self.biases.iter_mut().zip(gauged.biases()) {
            moments.add(bias);
        }
        let fields = self.reference.fields();
        let entries = self.patterns.iter_mut().zip(&alignment.patterns);
        for (index, (moments, &entry)) in entries.enumerate() {
            // A pattern without a partner says nothing of its entries.
            if alignment.partners[index % fields].is_some() {
                moments.add(entry);
            }
        }
        self.cosines.push(alignment.cosines);
        Ok(())
    }
}

/// Sums of a number about a centre.
struct Moments {
    centre: f64,
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn about(centre: f64) -> Self {
        Self {
            centre,
            count: 0.0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    fn add(&mut self, value: f64) {
        let difference = value - self.centre;
        self.count += 1.0;
        self.sum += difference;
        self.squares += difference * difference;
    }

    /// The standard deviation about the mean; NaN of fewer than two numbers.
    fn deviation(&self) -> f64 {
        let about_mean = self.squares - self.sum * self.sum / self.count;
        (about_mean.max(0.0) / (self.count - 1.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::fields::world;
    use crate::random::stream;

    const STOP: FitOptions = FitOptions {
        most_iterations: 40,
        tolerance: 1e-5,
    };

    fn proceed(_: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn options(resamplings: usize, seeds: usize) -> StabilityOptions {
        StabilityOptions {
            law: FieldLaw::Fixed,
            rotation: Rotation::Sparse,
            resamplings,
            warm: STOP,
            seeds,
            cold: STOP,
        }
    }

    fn fitted(words: &Words) -> GeneralisedHopfield {
        let begin = start(words, words.counts(), 1, None).unwrap();
        fit(
            &begin,
            words,
            words.counts(),
            FieldLaw::Fixed,
            &STOP,
            &proceed,
        )
        .unwrap()
        .model
    }

    #[test]
    fn errors_are_those_of_fresh_data() {
        let truth = world::truth(20, 1, -0.7, 0.7);
        let mut generator = stream("1", &["stability"]);
        let data = world::words(&truth, 3000, 1, &mut generator);
        let streams = |name: &str| stream("2", &[name]);
        let found = stability(&fitted(&data), &data, &options(25, 3), &streams, &proceed).unwrap();
        let reference = &found.model;
        let mut spread = Spread::new(reference);
        for _ in 0..25 {
            let fresh = fitted(&world::words(&truth, 3000, 1, &mut generator));
            let gauged = in_gauge(&fresh, Rotation::Sparse).unwrap().model;
            spread.add(&gauged).unwrap();
        }
        let mean = |errors: Vec<f64>| errors.iter().sum::<f64>() / errors.len() as f64;
        let fresh = |moments: &[Moments]| mean(moments.iter().map(Moments::deviation).collect());
        // A deviation of 25 numbers is known to 1 / √48 = 14 %, its mean over 20 sites that
        // share the field to less; the quotient of two to 10 % or so, and three of those.
        let biases = mean(found.bias_errors.clone()) / fresh(&spread.biases);
        let patterns = mean(found.pattern_errors.clone()) / fresh(&spread.patterns);
        assert!((biases - 1.0).abs() < 0.3, "{biases}");
        assert!((patterns - 1.0).abs() < 0.3, "{patterns}");
        // A strong pattern comes back always.
        assert_eq!(found.returned, [1.0]);
        assert_eq!(found.returned_from_seeds, [1.0]);
        // And from anywhere to the same height.
        for seed in &found.seeds {
            assert!((seed.log_likelihood - found.seeds[0].log_likelihood).abs() < 1e-4);
        }
    }

    #[test]
    fn what_is_not_there_does_not_come_back() {
        // Independent sites: the direction of a pattern is noise.
        let truth = world::truth(20, 1, -0.7, 0.0);
        let data = world::words(&truth, 3000, 1, &mut stream("3", &["stability"]));
        let streams = |name: &str| stream("4", &[name]);
        let found = stability(&fitted(&data), &data, &options(20, 0), &streams, &proceed).unwrap();
        assert!(found.returned[0] < 0.5, "{:?}", found.returned);
        assert_eq!(found.returned_from_seeds, [0.0]);
    }

    #[test]
    fn one_block_or_one_resampling_has_no_error() {
        let truth = world::truth(5, 1, -0.7, 0.5);
        let streams = |name: &str| stream("5", &[name]);
        for (block, resamplings) in [(100, 5), (1, 1)] {
            let data = world::words(&truth, 100, block, &mut streams("data"));
            let model = fitted(&data);
            let found = stability(&model, &data, &options(resamplings, 0), &streams, &proceed);
            assert!(matches!(
                found,
                Err(InferenceError::TooFewRows { found: 1, .. })
            ));
        }
    }
}
