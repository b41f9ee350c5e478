//! The physics end to end: a mean-field magnet against sums over all its states.

use std::ops::ControlFlow;

use latentfield::bits::BitMatrix;
use latentfield::vae::{self, Vae, quadrature};

use crate::support::Experiment;

const SITES: usize = 12;
const STATES: usize = 1 << SITES;
const TEMPERATURE: f64 = 1.2;

/// One pattern, all +1: the Curie-Weiss magnet.
const MANIFEST: &str = r#"
[experiment]
name = "trial"
seed = 11

[model]
kind = "hopfield"
sites = 12
patterns = [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]
temperature = 1.2

[sampling]
samples = 20_000
test_samples = 4000

[vae]
latent = 1
hidden = [16]
prior = "mixture"

[vae.training]
epochs = 20
batch = 256

[analysis]
likelihood = { importance_samples = 16 }
"#;

/// ln p of every state, by the sum over all of them:
/// `p(s) ∝ exp(M² / 2NT)` with `M = Σ_i s_i`.
fn log_probabilities() -> Vec<f64> {
    let weight = |state: usize| {
        let magnetisation = 2.0 * f64::from(state.count_ones()) - SITES as f64;
        magnetisation * magnetisation / (2.0 * SITES as f64 * TEMPERATURE)
    };
    let partition: f64 = (0..STATES).map(|state| weight(state).exp()).sum();
    (0..STATES)
        .map(|state| weight(state) - partition.ln())
        .collect()
}

/// ln p of every state under the network that the program stored.
fn network_log_probabilities(experiment: &Experiment) -> Vec<f64> {
    let mut states = BitMatrix::zeros(STATES, SITES);
    for state in 0..STATES {
        for site in 0..SITES {
            states.set(state, site, state >> site & 1 == 1);
        }
    }
    let bytes = std::fs::read(experiment.stored("train", "best.safetensors")).expect("a network");
    let (architecture, parameters) = vae::model_from_bytes(&bytes).expect("a network");
    let network = Vae::new(architecture, parameters);
    let grid = quadrature::log_likelihood(&network, &states.into(), &|_| ControlFlow::Continue(()));
    grid.expect("one latent").log_likelihood
}

/// A number of the table `likelihood`.
#[track_caller]
fn likelihood(experiment: &Experiment, column: &str) -> f64 {
    let table = experiment.table("likelihood");
    assert_eq!(table.rows(), 1);
    let numbers = table.numbers(column).expect("a column of numbers");
    numbers[0].expect("a number")
}

#[test]
fn the_paired_gap_is_the_divergence_from_the_magnet() {
    let experiment = Experiment::new(MANIFEST);
    experiment.run(&[]).with_code(0);
    let exact = log_probabilities();
    let network = network_log_probabilities(&experiment);
    let mean = |values: &dyn Fn(usize) -> f64| -> f64 {
        (0..STATES)
            .map(|state| exact[state].exp() * values(state))
            .sum()
    };

    let total: f64 = network.iter().map(|value| value.exp()).sum();
    assert!(
        (total - 1.0).abs() < 1e-3,
        "probabilities of the network sum to {total}"
    );

    // All within 4 standard errors of the average over 4000 test samples.
    let near = |column: &str, expected: f64| {
        let found = likelihood(&experiment, column);
        let error = likelihood(&experiment, &format!("{column}_se"));
        assert!(error > 0.0 && error < 0.1, "{column}: error {error}");
        let pull = (found - expected) / error;
        assert!(
            pull.abs() < 4.0,
            "{column}: {found} ± {error}, expected {expected}"
        );
    };
    near("exact_nats", mean(&|state| exact[state]));
    near("quadrature_nats", mean(&|state| network[state]));
    let divergence = mean(&|state| exact[state] - network[state]);
    near("paired_gap_nats", divergence);

    // Gibbs: never negative. The bar of the sweep: at most 0.1 nats.
    assert!(
        (0.0..0.1).contains(&divergence),
        "divergence of {divergence} nats"
    );
    let (gap, error) = (
        likelihood(&experiment, "paired_gap_nats"),
        likelihood(&experiment, "paired_gap_nats_se"),
    );
    assert!(
        gap > -4.0 * error && gap < 0.1,
        "gap of {gap} ± {error} nats"
    );
    let bound = likelihood(&experiment, "elbo_nats");
    let marginal = likelihood(&experiment, "quadrature_nats");
    assert!(bound < marginal, "a bound of {bound} above {marginal}");
}
