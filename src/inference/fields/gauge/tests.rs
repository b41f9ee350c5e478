//! Gauges change how a model is written, and nothing else.

use super::*;
use crate::bits::BitMatrix;
use crate::random::{Generator, stream, uniform};

const BOTH: [Rotation; 2] = [Rotation::Sparse, Rotation::Contrast];

fn numbers(count: usize, scale: f64, generator: &mut Generator) -> Vec<f64> {
    (0..count)
        .map(|_| scale * (2.0 * uniform(generator) - 1.0))
        .collect()
}

fn random_model(sites: usize, fields: usize, generator: &mut Generator) -> GeneralisedHopfield {
    let nodes: Vec<f64> = numbers(30 * fields, 2.0, generator)
        .iter()
        .map(|h| h + 0.7)
        .collect();
    let weights = (0..30).map(|_| uniform(generator)).collect();
    GeneralisedHopfield::new(
        numbers(sites, 1.0, generator),
        numbers(sites * fields, 1.0, generator),
        nodes,
        weights,
        fields,
    )
    .unwrap()
}

fn assert_same_distribution(a: &GeneralisedHopfield, b: &GeneralisedHopfield) {
    let sites = a.sites();
    let words = 1_usize << sites;
    let all = BitMatrix::from_words(words, sites, (0..words as u64).collect()).unwrap();
    let (left, right) = (a.potential(), b.potential());
    for word in 0..words {
        let difference = left.log_probability(&all, word) - right.log_probability(&all, word);
        assert!(difference.abs() < 1e-11, "{word}: {difference:e}");
    }
}

#[test]
fn probabilities_stay_and_the_field_is_standard() {
    let mut generator = stream("1", &["gauge"]);
    for fields in 1..=4 {
        for rotation in BOTH {
            let model = random_model(7, fields, &mut generator);
            let gauged = in_gauge(&model, rotation).unwrap().model;
            assert_same_distribution(&model, &gauged);
            assert_eq!(gauged.fields(), fields);
            for mean in field_mean(&gauged) {
                assert!(mean.abs() < 1e-13);
            }
            for i in 0..fields {
                for j in 0..fields {
                    let nodes = gauged.nodes().chunks_exact(fields);
                    let products = nodes.zip(gauged.weights()).map(|(h, w)| w * h[i] * h[j]);
                    let expected = f64::from(u8::from(i == j));
                    assert!((products.sum::<f64>() - expected).abs() < 1e-12);
                }
            }
            let column = |mu: usize| gauged.patterns().iter().skip(mu).step_by(fields);
            let lengths: Vec<f64> = (0..fields)
                .map(|mu| column(mu).map(|x| x * x).sum())
                .collect();
            assert!(lengths.is_sorted_by(|a, b| a >= b), "{lengths:?}");
            assert!((0..fields).all(|mu| column(mu).map(|x| x.powi(3)).sum::<f64>() > 0.0));
        }
    }
}

#[test]
fn the_transformation_leads_back() {
    let model = random_model(6, 3, &mut stream("2", &["gauge"]));
    let gauged = in_gauge(&model, Rotation::Sparse).unwrap();
    let back = product(
        gauged.model.nodes(),
        3,
        &transposed(&gauged.transformation, 3),
        3,
    );
    for (node, original) in back.chunks_exact(3).zip(model.nodes().chunks_exact(3)) {
        for ((h, mean), expected) in node.iter().zip(&gauged.mean).zip(original) {
            assert!((h + mean - expected).abs() < 1e-12);
        }
    }
}

fn transposed(matrix: &[f64], size: usize) -> Vec<f64> {
    (0..size * size)
        .map(|k| matrix[k % size * size + k / size])
        .collect()
}

/// A model in an affine disguise: its field is mapped by `h -> A h + c`.
fn disguised(model: &GeneralisedHopfield, generator: &mut Generator) -> GeneralisedHopfield {
    let fields = model.fields();
    // Shears and stretches of one component after the other have known inverses.
    let mut nodes = model.nodes().to_vec();
    let mut patterns = model.patterns().to_vec();
    let mut biases = model.biases().to_vec();
    for i in 0..fields {
        let (stretch, shift) = (0.5 + uniform(generator), uniform(generator));
        let shear: Vec<f64> = numbers(fields, 0.7, generator);
        for node in nodes.chunks_exact_mut(fields) {
            let others: f64 = (0..fields)
                .filter(|&j| j != i)
                .map(|j| shear[j] * node[j])
                .sum();
            node[i] = stretch * node[i] + others + shift;
        }
        // h_i = (h'_i - others - shift) / stretch.
        for (site, bias) in patterns.chunks_exact_mut(fields).zip(&mut biases) {
            site[i] /= stretch;
            *bias -= site[i] * shift;
            for j in (0..fields).filter(|&j| j != i) {
                site[j] -= site[i] * shear[j];
            }
        }
    }
    GeneralisedHopfield::new(biases, patterns, nodes, model.weights().to_vec(), fields).unwrap()
}

#[test]
fn models_that_differ_by_an_affine_map_have_the_same_gauge() {
    let mut generator = stream("3", &["gauge"]);
    for fields in 1..=3 {
        for rotation in BOTH {
            // Sites with one strong entry each, or entries of equal size: in both cases the
            // rotation is well determined.
            let plain = random_model(8, fields, &mut generator);
            let entry = |k: usize| {
                let (site, mu) = (k / fields, k % fields);
                match rotation {
                    Rotation::Sparse if site % fields == mu => 1.0 + 0.1 * (site + 3 * mu) as f64,
                    Rotation::Sparse => 0.02 * site as f64,
                    Rotation::Contrast if site >> mu & 1 == 1 => 0.7 + 0.1 * mu as f64,
                    Rotation::Contrast => -0.6 - 0.1 * mu as f64,
                }
            };
            let white = in_gauge(&plain, rotation).unwrap().model;
            let model = GeneralisedHopfield::new(
                plain.biases().to_vec(),
                (0..8 * fields).map(entry).collect(),
                white.nodes().to_vec(),
                plain.weights().to_vec(),
                fields,
            )
            .unwrap();
            let other = disguised(&model, &mut generator);
            assert_same_distribution(&model, &other);
            let a = in_gauge(&model, rotation).unwrap().model;
            let b = in_gauge(&other, rotation).unwrap().model;
            for (x, y) in a.patterns().iter().zip(b.patterns()) {
                assert!((x - y).abs() < 1e-7, "{fields} {rotation:?}: {x} {y}");
            }
            for (x, y) in a.biases().iter().zip(b.biases()) {
                assert!((x - y).abs() < 1e-10);
            }
        }
    }
}

#[test]
fn sparse_and_binary_patterns_are_found_under_any_rotation() {
    // Each plane turned by an arbitrary angle; the best rotation undoes it, up to order and
    // sign.
    for fields in 2..=4 {
        for rotation in BOTH {
            let sites = 16;
            let entry = |k: usize| {
                let (site, mu) = (k / fields, k % fields);
                match rotation {
                    Rotation::Sparse => f64::from(u8::from(site % fields == mu)),
                    Rotation::Contrast => f64::from(site as u32 >> mu & 1) * 2.0 - 1.0,
                }
            };
            let mut patterns: Vec<f64> = (0..sites * fields).map(entry).collect();
            for i in 0..fields {
                for j in i + 1..fields {
                    rotate(&mut patterns, fields, (i, j), 0.4 + (i + 2 * j) as f64);
                }
            }
            let turn = best_rotation(&patterns, fields, rotation);
            for x in product(&patterns, fields, &turn, fields) {
                let distance = match rotation {
                    Rotation::Sparse => x.abs().min((x.abs() - 1.0).abs()),
                    Rotation::Contrast => (x.abs() - 1.0).abs(),
                };
                assert!(distance < 1e-8, "{fields} {rotation:?}: {x}");
            }
        }
    }
}

#[test]
fn directions_without_variation_are_dropped() {
    // The second component is 3 always, the third twice the first.
    let nodes = vec![-1.0, 3.0, -2.0, 0.5, 3.0, 1.0, 2.0, 3.0, 4.0];
    let mut generator = stream("4", &["gauge"]);
    let patterns = numbers(15, 1.0, &mut generator);
    let biases = numbers(5, 1.0, &mut generator);
    let model = GeneralisedHopfield::new(biases, patterns, nodes, vec![1.0, 2.0, 1.0], 3).unwrap();
    let gauged = in_gauge(&model, Rotation::Sparse).unwrap().model;
    assert_eq!(gauged.fields(), 1);
    assert_same_distribution(&model, &gauged);
    let still = GeneralisedHopfield::new(vec![0.0], vec![1.0], vec![0.1, 0.1], vec![0.3, 0.4], 1);
    assert!(matches!(
        in_gauge(&still.unwrap(), Rotation::Sparse),
        Err(InferenceError::Constant { .. })
    ));
}
