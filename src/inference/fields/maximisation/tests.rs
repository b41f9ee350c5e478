//! Fits against the models that drew the data.

use std::cell::RefCell;

use super::*;
use crate::bits::BitMatrix;
use crate::inference::fields::lattice::product_lattice;
use crate::inference::fields::{Rotation, in_gauge, principal_cosines, start, world};
use crate::random::stream;

const STOP: FitOptions = FitOptions {
    most_iterations: 60,
    tolerance: 1e-4,
};

fn on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The usual start on a lattice of fewer nodes, which suits weaker patterns.
fn coarse_start(words: &Words, fields: usize, side: usize) -> GeneralisedHopfield {
    let fine = start(words, words.counts(), fields, None).unwrap();
    let (nodes, weights) = product_lattice(fields, side, 4.0);
    let (biases, patterns) = (fine.biases().to_vec(), fine.patterns().to_vec());
    GeneralisedHopfield::new(biases, patterns, nodes, weights, fields).unwrap()
}

#[test]
fn a_field_that_is_not_normal_gives_back_its_patterns_and_biases() {
    // Rates of about 0.1 and three states of the field with a spread.
    let truth = world::truth(60, 2, -1.3, 0.55);
    let words = world::words(&truth, 100_000, 1000, &mut stream("1", &["fit"]));
    let begin = coarse_start(&words, 2, 13);
    let stop = FitOptions {
        most_iterations: 30,
        ..STOP
    };
    let found = fit(&begin, &words, words.counts(), FieldLaw::Free, &stop, &on).unwrap();
    let planes = principal_cosines(truth.patterns(), found.model.patterns(), 60).unwrap();
    assert!(planes[1] >= 0.98, "{planes:?}");
    let truth = in_gauge(&truth, Rotation::Sparse).unwrap().model;
    let found = in_gauge(&found.model, Rotation::Sparse).unwrap().model;
    let squares = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>() / a.len() as f64
    };
    // A half-logit of rate 0.1 is known to 1 / √(100,000 · 4 · 0.09) = 0.005; the mean of a
    // field that is hidden adds to that.
    let biases = squares(truth.biases(), found.biases()).sqrt();
    assert!(biases < 0.05, "{biases}");
    let patterns = squares(truth.patterns(), found.patterns()).sqrt();
    assert!(patterns < 0.05, "{patterns}");
}

#[test]
fn no_step_that_stays_falls() {
    let truth = world::truth(15, 2, -0.6, 0.8);
    let words = world::words(&truth, 3000, 10, &mut stream("2", &["fit"]));
    for (law, fall) in [(FieldLaw::Fixed, 1e-12), (FieldLaw::Free, 1e-7)] {
        // Rounding; and up to a hundred values of the field given up, 1e-9 nats each.
        let heights = RefCell::new(Vec::new());
        let watch = |height: f64| {
            heights.borrow_mut().push(height);
            ControlFlow::Continue(())
        };
        let begin = coarse_start(&words, 2, 11);
        let found = fit(&begin, &words, words.counts(), law, &STOP, &watch).unwrap();
        let heights = heights.into_inner();
        assert!(heights.len() > 10 && heights.len() <= found.iterations);
        assert!(
            heights.is_sorted_by(|a, b| *b >= a - fall),
            "{law:?} {heights:?}"
        );
        // The last height is the likelihood and a prior of little weight.
        let last = heights[heights.len() - 1];
        assert!((found.log_likelihood - last).abs() < 1e-3, "{last}");
        let each = SiteMixture::from(&found.model).log_likelihood(&words);
        let direct = words.mean(&each, words.counts());
        assert!((found.log_likelihood - direct).abs() < 1e-7);
    }
}

#[test]
fn a_law_that_is_fixed_stays_and_no_change_of_a_parameter_is_better() {
    let truth = world::truth(10, 1, -0.5, 0.8);
    let words = world::words(&truth, 2000, 10, &mut stream("3", &["fit"]));
    let begin = start(&words, words.counts(), 1, None).unwrap();
    let stop = FitOptions {
        most_iterations: 200,
        tolerance: 1e-10,
    };
    let found = fit(&begin, &words, words.counts(), FieldLaw::Fixed, &stop, &on).unwrap();
    assert!(found.converged);
    assert_eq!(found.model.nodes(), begin.nodes());
    let weights = found.model.weights().iter().zip(begin.weights());
    // Scaled to a sum of 1 more than once.
    assert!(weights.into_iter().all(|(a, b)| (a - b).abs() < 1e-15));
    let height = |model: &GeneralisedHopfield| {
        let each = SiteMixture::from(model).log_likelihood(&words);
        words.mean(&each, words.counts()) + prior(model) / 2000.0
    };
    let best = height(&found.model);
    for parameter in 0..20 {
        for change in [-0.01, 0.01] {
            let (mut biases, mut patterns) = (
                found.model.biases().to_vec(),
                found.model.patterns().to_vec(),
            );
            if parameter < 10 {
                biases[parameter] += change;
            } else {
                patterns[parameter - 10] += change;
            }
            let (nodes, weights) = (begin.nodes().to_vec(), begin.weights().to_vec());
            let moved = GeneralisedHopfield::new(biases, patterns, nodes, weights, 1).unwrap();
            assert!(height(&moved) < best, "{parameter} {change}");
        }
    }
}

#[test]
fn accelerated_fits_end_where_plain_passes_end() {
    let truth = world::truth(8, 1, -0.4, 0.9);
    let words = world::words(&truth, 2000, 10, &mut stream("4", &["fit"]));
    let begin = coarse_start(&words, 1, 15);
    let stop = FitOptions {
        most_iterations: 400,
        tolerance: 1e-9,
    };
    let found = fit(&begin, &words, words.counts(), FieldLaw::Fixed, &stop, &on).unwrap();
    let mut plain = begin;
    let mut height = f64::NEG_INFINITY;
    for _ in 0..3000 {
        let expected = SiteMixture::from(&plain).expectations(&words, words.counts());
        let now = (expected.log_likelihood + prior(&plain)) / 2000.0;
        assert!(now >= height - 1e-13, "{now} {height}");
        height = now;
        plain = maximised(&plain, FieldLaw::Fixed, &expected).unwrap();
    }
    assert!((found.log_likelihood - (height - prior(&plain) / 2000.0)).abs() < 1e-7);
    for (a, b) in found.model.patterns().iter().zip(plain.patterns()) {
        assert!((a - b).abs() < 1e-2, "{a} {b}");
    }
}

#[test]
fn a_silent_cell_and_a_cell_that_is_never_silent_stay_finite() {
    let truth = world::truth(6, 1, -0.5, 0.8);
    let mut bits = world::draw(&truth, 1000, &mut stream("5", &["fit"]));
    for row in 0..1000 {
        bits.set(row, 2, false);
        bits.set(row, 4, true);
    }
    let words = Words::new(&bits, &[0; 1000]).unwrap();
    for law in [FieldLaw::Fixed, FieldLaw::Free] {
        let begin = start(&words, words.counts(), 1, None).unwrap();
        let found = fit(&begin, &words, words.counts(), law, &STOP, &on).unwrap();
        let rates = found.model.half_logits();
        let rate = |node: usize, site: usize| 1.0 / (1.0 + (-2.0 * rates[node * 6 + site]).exp());
        let weights = found.model.weights().iter().enumerate();
        let silent: f64 = weights.clone().map(|(node, w)| w * rate(node, 2)).sum();
        let active: f64 = weights.map(|(node, w)| w * rate(node, 4)).sum();
        // The prior leaves 0.03 events in the data, or misses as many.
        assert!(silent < 1e-3 && active > 1.0 - 1e-3, "{silent} {active}");
    }
}

#[test]
fn fits_do_not_depend_on_the_number_of_threads() {
    let truth = world::truth(12, 2, -0.6, 0.8);
    let words = world::words(&truth, 10_000, 10, &mut stream("6", &["fit"]));
    let begin = coarse_start(&words, 2, 9);
    let in_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| fit(&begin, &words, words.counts(), FieldLaw::Free, &STOP, &on).unwrap())
    };
    assert_eq!(in_threads(1), in_threads(3));
}

#[test]
fn the_caller_may_end_a_fit() {
    let truth = world::truth(6, 1, -0.5, 0.8);
    let words = world::words(&truth, 200, 10, &mut stream("7", &["fit"]));
    let begin = start(&words, words.counts(), 1, None).unwrap();
    let end = |_| ControlFlow::Break(());
    let found = fit(&begin, &words, words.counts(), FieldLaw::Free, &STOP, &end).unwrap();
    assert!(!found.converged && found.iterations <= 2);
}

#[test]
fn data_that_do_not_fit_are_refused() {
    let words = Words::new(&BitMatrix::zeros(4, 3), &[0; 4]).unwrap();
    let begin = start(&words, words.counts(), 1, None).unwrap();
    let with =
        |counts: &[f64]| fit(&begin, &words, counts, FieldLaw::Free, &STOP, &on).unwrap_err();
    assert!(matches!(
        with(&[1.0; 2]),
        InferenceError::Count {
            found: 2,
            expected: 1,
            ..
        }
    ));
    assert!(matches!(with(&[0.0]), InferenceError::OutOfRange { .. }));
    let other = Words::new(&BitMatrix::zeros(4, 2), &[0; 4]).unwrap();
    let wrong = fit(&begin, &other, other.counts(), FieldLaw::Free, &STOP, &on);
    assert!(matches!(
        wrong,
        Err(InferenceError::Count {
            found: 3,
            expected: 2,
            ..
        })
    ));
}

#[test]
fn slopes_in_the_coordinates_are_differences_of_the_height() {
    let truth = world::truth(5, 2, -0.4, 0.7);
    let words = world::words(&truth, 300, 10, &mut stream("8", &["fit"]));
    let model = coarse_start(&words, 2, 5);
    for law in [FieldLaw::Fixed, FieldLaw::Free] {
        let coordinates = Coordinates::new(&model, law, 300.0);
        let value = |point: &[f64]| {
            let model = coordinates.model(point).unwrap();
            let expected = SiteMixture::from(&model).expectations(&words, words.counts());
            coordinates.value(point, &model, &expected)
        };
        let start = coordinates.start();
        let gradient = value(&start).gradient;
        assert_eq!(
            gradient.len(),
            15 + if law == FieldLaw::Free { 25 } else { 0 }
        );
        for place in 0..start.len() {
            // A weight of 1e-7 has a root of which a step is no small part.
            let step = if place < 15 {
                1e-5
            } else {
                1e-3 * start[place]
            };
            let moved = |by: f64| {
                let mut point = start.clone();
                point[place] += by;
                value(&point).value
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            // Squares of the step, and rounding over it.
            let tolerance = 1e-6 + 1e-14 / step;
            assert!(
                (gradient[place] - difference).abs() < tolerance,
                "{law:?} {place}"
            );
        }
        let same = coordinates.model(&start).unwrap();
        for (a, b) in same.patterns().iter().zip(model.patterns()) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
