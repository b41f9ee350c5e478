//! Exact means: sums over all configurations of few sites, sums over the field of many.

use std::collections::BTreeMap;

use super::GeneralisedHopfield;
use crate::configurations::Configurations;
use crate::physics::System;

/// Exact means by the keys of [`System::exact`].
pub(super) fn means(system: &GeneralisedHopfield) -> BTreeMap<String, f64> {
    let mut means = match system.all_configurations() {
        Some(configurations) => enumerated(system, &configurations),
        None => of_field(system),
    };
    // p is normalised, whatever the parameters.
    means.insert("log_partition".to_owned(), 0.0);
    means
}

fn enumerated(system: &GeneralisedHopfield, all: &Configurations) -> BTreeMap<String, f64> {
    let names = system.order_parameters();
    let (mut first, mut second) = (0.0, 0.0);
    let mut moments = vec![[0.0; 3]; names.len()];
    for row in 0..all.rows() {
        let energy = system.energy(all, row);
        let probability = (-energy).exp();
        first += probability * energy;
        second += probability * energy * energy;
        let values = system.order_values(all, row);
        for (moments, value) in moments.iter_mut().zip(values) {
            let powers = [value.abs(), value.powi(2), value.powi(4)];
            let sums = moments.iter_mut().zip(powers);
            sums.for_each(|(sum, power)| *sum += probability * power);
        }
    }
    let sites = system.sites() as f64;
    let variance = (second - first * first) / sites;
    let [absolute, square, fourth] = moments[0];
    let susceptibility = sites * (square - absolute * absolute);
    let mut means = BTreeMap::from([
        ("energy_per_site".to_owned(), first / sites),
        ("energy_variance_per_site".to_owned(), variance),
        // At T = 1 they are the same.
        ("specific_heat".to_owned(), variance),
        ("entropy_per_site".to_owned(), first / sites),
        ("susceptibility".to_owned(), susceptibility),
    ]);
    for (name, [absolute, square, _]) in names.iter().zip(&moments) {
        means.insert(format!("abs_{name}"), *absolute);
        means.insert(format!("squared_{name}"), *square);
    }
    means.extend(binder_cumulant(square, fourth));
    means
}

/// `1 - <m⁴> / 3<m²>²`, where anything fluctuates.
fn binder_cumulant(square: f64, fourth: f64) -> Option<(String, f64)> {
    let cumulant = 1.0 - fourth / (3.0 * square * square);
    (square > 0.0).then(|| ("binder_cumulant".to_owned(), cumulant))
}

/// Moments of the collective variables. In a field they are sums of independent numbers
/// `ξ_i s_i`, whose cumulants add up.
pub(super) fn of_field(system: &GeneralisedHopfield) -> BTreeMap<String, f64> {
    let model = system.model();
    let sites = model.sites() as f64;
    let mut moments = vec![[0.0; 2]; model.fields()];
    let nodes = model.nodes().chunks_exact(model.fields());
    for (node, weight) in nodes.zip(model.weights()) {
        let mut cumulants = vec![[0.0; 4]; model.fields()];
        let patterns = model.patterns().chunks_exact(model.fields());
        for (half_logit, patterns) in model.half_logits_at(node).zip(patterns) {
            let of_spin = spin_cumulants(half_logit);
            for (cumulants, pattern) in cumulants.iter_mut().zip(patterns) {
                let mut power = 1.0;
                for (cumulant, of_spin) in cumulants.iter_mut().zip(of_spin) {
                    power *= pattern;
                    *cumulant += power * of_spin;
                }
            }
        }
        for (moments, cumulants) in moments.iter_mut().zip(cumulants) {
            let raw = raw_moments(cumulants);
            let sums = moments.iter_mut().zip(raw);
            sums.for_each(|(sum, moment)| *sum += weight * moment);
        }
    }
    let mut means = BTreeMap::new();
    for (name, [square, _]) in system.order_parameters().iter().zip(&moments) {
        means.insert(format!("squared_{name}"), square / sites.powi(2));
    }
    let [square, fourth] = moments[0];
    means.extend(binder_cumulant(square, fourth));
    means
}

/// The first four cumulants of a spin, `<s> = t = tanh φ`: derivatives of `ln 2cosh φ`.
fn spin_cumulants(half_logit: f64) -> [f64; 4] {
    let t = half_logit.tanh();
    let variance = 1.0 - t * t;
    [
        t,
        variance,
        -2.0 * t * variance,
        -2.0 * variance * (1.0 - 3.0 * t * t),
    ]
}

/// `<u²>` and `<u⁴>` from the first four cumulants.
fn raw_moments([first, second, third, fourth]: [f64; 4]) -> [f64; 2] {
    let square = first * first;
    [
        second + square,
        fourth
            + 4.0 * third * first
            + 3.0 * second * second
            + 6.0 * second * square
            + square * square,
    ]
}
