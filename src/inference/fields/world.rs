//! Populations with a known model, for the tests.

use crate::bits::BitMatrix;
use crate::fields::{GeneralisedHopfield, Words};
use crate::random::{Generator, stream, uniform};

/// A normal number (Box and Muller).
pub(super) fn normal(generator: &mut Generator) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt();
    radius * (2.0 * std::f64::consts::PI * uniform(generator)).cos()
}

/// A model whose field has `1 + K` states about which it spreads: 1000 values of equal
/// weight. Sites load on one component each, mostly, and differ in strength.
pub(super) fn truth(sites: usize, fields: usize, bias: f64, strength: f64) -> GeneralisedHopfield {
    let mut generator = stream("truth", &[&sites.to_string(), &fields.to_string()]);
    let biases = (0..sites).map(|_| bias + 0.3 * normal(&mut generator));
    let biases = biases.collect();
    let entry = |k: usize, generator: &mut Generator| {
        let own = if k / fields % fields == k % fields {
            1.0
        } else {
            0.1
        };
        strength * own * (1.0 + 0.3 * normal(generator))
    };
    let patterns = (0..sites * fields).map(|k| entry(k, &mut generator));
    let patterns = patterns.collect();
    let mut nodes = Vec::new();
    for value in 0..1000 {
        // State 0 is at rest; in state c the component c - 1 is high.
        let state = value % (fields + 1);
        for component in 0..fields {
            let centre = if state == component + 1 { 2.0 } else { -0.6 };
            nodes.push(centre + 0.4 * normal(&mut generator));
        }
    }
    GeneralisedHopfield::new(biases, patterns, nodes, vec![1.0; 1000], fields).unwrap()
}

/// Independent configurations of a model.
pub(super) fn draw(
    model: &GeneralisedHopfield,
    rows: usize,
    generator: &mut Generator,
) -> BitMatrix {
    let half_logits = model.half_logits();
    let rates: Vec<f64> = half_logits
        .iter()
        .map(|phi| 1.0 / (1.0 + (-2.0 * phi).exp()))
        .collect();
    let (sites, values) = (model.sites(), model.weights().len());
    let mut bits = BitMatrix::zeros(rows, sites);
    for row in 0..rows {
        let value = (uniform(generator) * values as f64) as usize;
        for (site, rate) in rates[value * sites..][..sites].iter().enumerate() {
            if uniform(generator) < *rate {
                bits.set(row, site, true);
            }
        }
    }
    bits
}

/// Words of independent configurations, in blocks of `block` rows.
pub(super) fn words(
    model: &GeneralisedHopfield,
    rows: usize,
    block: usize,
    generator: &mut Generator,
) -> Words {
    let labels: Vec<u32> = (0..rows).map(|row| (row / block) as u32).collect();
    Words::new(&draw(model, rows, generator), &labels).unwrap()
}
