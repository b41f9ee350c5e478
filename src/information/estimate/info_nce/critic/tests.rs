use super::*;
use crate::random::{stream, uniform};

fn settings() -> CriticSettings {
    CriticSettings {
        batch: 6,
        directions: 2,
        hidden: vec![4, 3],
        features: 2,
        steps: 0,
        learning_rate: 0.01,
    }
}

fn pair() -> [Collective; 2] {
    let mut generator = stream("1", &["pair"]);
    let mut draw = |count| {
        (0..count)
            .map(|_| 4.0 * uniform(&mut generator) - 2.0)
            .collect()
    };
    [
        Collective::continuous(draw(18), 3),
        Collective::continuous(draw(12), 2),
    ]
    .map(Result::unwrap)
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let pair = pair();
    let mut critic = Critic::untrained(&pair, &settings(), &mut stream("2", &[]));
    let rows: Vec<usize> = (0..6).collect();
    let gradients = critic.gradients(&pair, &rows);
    let step = 1e-5;
    for (side, gradient) in gradients.iter().enumerate() {
        for (index, &slope) in gradient.iter().enumerate() {
            let mut at = |shift: f64| {
                critic.networks[side].parameters[index] += shift;
                let value = critic.information(&pair, &rows, 6);
                critic.networks[side].parameters[index] -= shift;
                value
            };
            let expected = (at(step) - at(-step)) / (2.0 * step);
            // Differences of numbers near 1 have 1e-16 / 1e-5 of rounding, and an error of
            // the order of the squared step.
            assert!(
                (slope - expected).abs() < 1e-8,
                "{side} {index}: {slope}, {expected}"
            );
        }
    }
}

#[test]
fn a_batch_told_apart_reaches_the_ceiling_and_never_passes_it() {
    let perfect: Vec<f64> = (0..16)
        .map(|i| if i % 5 == 0 { 900.0 } else { -900.0 })
        .collect();
    let found = log_ratios(&perfect, 4);
    assert!(
        found.iter().all(|x| (x - 4.0_f64.ln()).abs() < 1e-12),
        "{found:?}"
    );
    let blind = log_ratios(&[0.3; 16], 4);
    assert!(blind.iter().all(|x| x.abs() < 1e-12), "{blind:?}");
}

#[test]
fn settings_out_of_range_are_named() {
    let right = settings();
    for (wrong, what) in [
        (
            CriticSettings {
                batch: 1,
                ..right.clone()
            },
            "the batch is 1",
        ),
        (
            CriticSettings {
                hidden: vec![4, 0],
                ..right.clone()
            },
            "the width of a layer is 0",
        ),
        (
            CriticSettings {
                learning_rate: f64::NAN,
                ..right
            },
            "the learning rate is NaN",
        ),
    ] {
        let [a, b] = pair();
        let refused = Critic::train(&a, &b, &wrong, &mut stream("3", &[])).unwrap_err();
        assert!(refused.to_string().starts_with(what), "{refused}");
    }
}
