//! Spins in a list of fields: against enumeration, Hopfield networks, and samples.

use super::*;
use crate::bits::BitMatrix;
use crate::fields;
use crate::information::InformationMethod;
use crate::physics::{FieldLaw, GeneralisedHopfield, Hopfield, ModelRecipe, draw_patterns};

fn drawn(sites: usize, fields: usize, law: FieldLaw) -> GeneralisedHopfield {
    let recipe = ModelRecipe {
        sites,
        fields,
        rate: 0.3,
        strength: 0.8,
        law,
        sparseness: 0.7,
    };
    let model = recipe.draw(&mut stream("recipe", &["information"]));
    GeneralisedHopfield::new(model.unwrap()).unwrap()
}

/// Joint probabilities of all configurations and values of the field, from the definition:
/// a product over the sites in each field.
fn joint(model: &fields::GeneralisedHopfield) -> Vec<Vec<f64>> {
    let words = 0..1_u64 << model.sites();
    let nodes = model.nodes().chunks_exact(model.fields());
    let fields: Vec<(Vec<f64>, f64)> = nodes
        .zip(model.weights())
        .map(|(node, weight)| (model.half_logits_at(node).collect(), *weight))
        .collect();
    let of_word = |word: u64| {
        let in_field = |(half_logits, weight): &(Vec<f64>, f64)| {
            let sites = half_logits.iter().enumerate();
            let factors = sites.map(|(site, phi)| {
                let sign = if word >> site & 1 == 1 { 1.0 } else { -1.0 };
                1.0 / (1.0 + (-2.0 * sign * phi).exp())
            });
            weight * factors.product::<f64>()
        };
        fields.iter().map(in_field).collect()
    };
    words.map(of_word).collect()
}

#[test]
fn few_sites_are_summed_over_by_the_definition() {
    for (fields, law) in [(1, FieldLaw::States), (2, FieldLaw::Skewed)] {
        let model = drawn(8, fields, law);
        let joint = joint(model.model());
        let totals: Vec<f64> = joint.iter().map(|row| row.iter().sum()).collect();
        let entropy: f64 = -totals.iter().map(|p| p * p.ln()).sum::<f64>();
        let found = model.entropy(None).unwrap().unwrap();
        assert_eq!(found.method, InformationMethod::Enumeration);
        assert!((found.nats - entropy).abs() < 1e-12, "{found:?}, {entropy}");

        // I(x; h) = Σ p(x, h) ln p(x, h) / p(x) p(h).
        let weights = model.model().weights();
        let terms = joint.iter().zip(&totals).flat_map(|(row, total)| {
            let pairs = row.iter().zip(weights);
            pairs.map(move |(p, w)| {
                if *p > 0.0 {
                    p * (p / (total * w)).ln()
                } else {
                    0.0
                }
            })
        });
        let expected: f64 = terms.sum();
        let found = rate(&model);
        assert!((found - expected).abs() < 1e-11, "{found}, {expected}");

        for rule in [PartitionRule::Halves, PartitionRule::Sites(vec![1, 2, 7])] {
            let partition = cut(&rule, 8);
            let expected = enumerated(&partition, |word| totals[word as usize].ln());
            let expected = expected.unwrap().nats;
            let found = information(&model, &partition);
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
            assert!(found <= rate(&model));
        }
    }
}

/// A model of `sites` spins, of which all beyond the first 10 are fair coins that nothing
/// touches: too many sites to be summed over, with all that the first 10 have.
fn with_coins(few: &GeneralisedHopfield, sites: usize) -> GeneralisedHopfield {
    let few = few.model();
    let mut biases = few.biases().to_vec();
    biases.resize(sites, 0.0);
    let mut patterns = few.patterns().to_vec();
    patterns.resize(sites * few.fields(), 0.0);
    let model = fields::GeneralisedHopfield::new(
        biases,
        patterns,
        few.nodes().to_vec(),
        few.weights().to_vec(),
        few.fields(),
    );
    GeneralisedHopfield::new(model.unwrap()).unwrap()
}

#[test]
fn means_over_samples_are_those_of_all_configurations() {
    let few = drawn(10, 2, FieldLaw::Normal);
    let many = with_coins(&few, 70);
    assert!(many.entropy(None).unwrap().is_none());
    assert!(many.field_rate(None).unwrap().is_none());
    let ensemble = ensemble(&many, 20_000);
    let samples = sampled(&ensemble);
    let coins = 60.0 * std::f64::consts::LN_2;
    let inside = cut(&PartitionRule::Sites(vec![0, 3, 4, 6]), 10);
    let partition = cut(&PartitionRule::Sites(vec![0, 3, 4, 6, 20, 65]), 70);
    assert!(many.mutual_information(&partition, None).unwrap().is_none());
    let pairs = [
        (
            many.entropy(Some(&samples)),
            few.entropy(None).unwrap().unwrap().nats + coins,
        ),
        (many.field_rate(Some(&samples)), rate(&few)),
        (
            many.mutual_information(&partition, Some(&samples)),
            information(&few, &inside),
        ),
    ];
    for (found, expected) in pairs {
        let found = found.unwrap().unwrap();
        assert_eq!(found.method, InformationMethod::Samples);
        let pull = (found.nats - expected) / found.standard_error;
        // Four standard errors.
        assert!(pull.abs() < 4.0, "{found:?}, {expected}");
        assert!(found.standard_error < 0.02, "{found:?}");
    }
}

#[test]
fn a_field_of_hopfields_law_has_the_information_of_a_hopfield_network() {
    // Hubbard and Stratonovich at T = 1: z on a grid, with the weight
    // exp(-z²/2) Π 2cosh(z / √N); the trapezoidal rule is exact to 1e-15 or so.
    let sites = 40;
    let patterns = draw_patterns(1, sites, &mut stream("patterns", &[]));
    let hopfield = Hopfield::new(patterns.clone(), 1.0).unwrap();
    let scale = (sites as f64).sqrt().recip();
    let sign = |site| if patterns.get(0, site) { scale } else { -scale };
    let nodes: Vec<f64> = (-80..=80).map(|j| 0.25 * f64::from(j)).collect();
    let log = |z: &f64| -0.5 * z * z + sites as f64 * (2.0 * (scale * z).cosh()).ln();
    let weights = nodes.iter().map(|z| (log(z) - 30.0).exp()).collect();
    let model = fields::GeneralisedHopfield::new(
        vec![0.0; sites],
        (0..sites).map(sign).collect(),
        nodes,
        weights,
        1,
    );
    let model = GeneralisedHopfield::new(model.unwrap()).unwrap();
    let ensemble = ensemble(&model, 20_000);
    let samples = sampled(&ensemble);
    let pairs = [
        (model.entropy(Some(&samples)), hopfield.entropy(None)),
        (model.field_rate(Some(&samples)), hopfield.field_rate(None)),
        (
            model.mutual_information(&halves(sites), Some(&samples)),
            hopfield.mutual_information(&halves(sites), None),
        ),
    ];
    for (found, expected) in pairs {
        let (found, expected) = (found.unwrap().unwrap(), expected.unwrap().unwrap());
        // Four standard errors.
        let pull = (found.nats - expected.nats) / found.standard_error;
        assert!(pull.abs() < 4.0, "{found:?}, {expected:?}");
    }
}

#[test]
fn equal_samples_count_each_time() {
    let model = drawn(20, 1, FieldLaw::Normal);
    let words: Vec<u64> = vec![0, 5, 0, 0, 9, 5];
    let rows = BitMatrix::from_words(6, 20, words).unwrap();
    let logs: Vec<f64> = (0..6)
        .map(|row| model.potential().log_probability(&rows, row))
        .collect();
    let configurations = rows.into();
    let samples = EquilibriumSamples {
        configurations: &configurations,
        effective: 6.0,
        log_partition: None,
    };
    let found = model.entropy(Some(&samples)).unwrap().unwrap();
    let expected = -logs.iter().sum::<f64>() / 6.0;
    assert!(
        (found.nats - expected).abs() < 1e-12,
        "{found:?}, {expected}"
    );
}
