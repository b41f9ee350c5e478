use super::*;
use crate::inference::independent_blocks;
use crate::random::{Generator, stream, uniform};

const ALL: [EntropyEstimator; 4] = [
    EntropyEstimator::PlugIn,
    EntropyEstimator::MillerMadow,
    EntropyEstimator::ChaoShen,
    EntropyEstimator::Grassberger,
];

/// Euler's constant, `-ψ(1)`.
const EULER: f64 = 0.577_215_664_901_532_9;

#[test]
fn grassbergers_numbers_have_their_closed_form() {
    // From ψ(1) = -γ and ψ(1/2) = -γ - 2 ln 2 follows G(1) = -γ - ln 2; from
    // ψ(x + 1) = ψ(x) + 1/x follows that G(2j + 1) = G(2j), but for j = 0, where the
    // step is 2, and that an even number adds 2 / (2j + 1).
    let start = -EULER - std::f64::consts::LN_2;
    assert!((grassberger(1) - start).abs() < 1e-12);
    let mut expected = start;
    for k in 2..200_u32 {
        if k.is_multiple_of(2) {
            expected += 2.0 / f64::from(k - 1);
        }
        assert!((grassberger(k) - expected).abs() < 1e-11, "G({k})");
    }
}

#[test]
fn entropies_of_two_outcomes_are_those_worked_out_by_hand() {
    // Counts 3 and 1: frequencies 3/4 and 1/4; f_1 = 1, so the coverage is 3/4 and the
    // corrected frequencies are 9/16 and 3/16.
    let (p, q) = (9.0_f64 / 16.0, 3.0_f64 / 16.0);
    let seen = |p: f64| 1.0 - (1.0 - p).powi(4);
    let plug_in = 4.0_f64.ln() - 0.75 * 3.0_f64.ln();
    let expected = [
        plug_in,
        plug_in + 1.0 / 8.0,
        -p * p.ln() / seen(p) - q * q.ln() / seen(q),
        // G(3) = G(2) = 2 - γ - ln 2 and G(1) = -γ - ln 2.
        4.0_f64.ln() - (3.0 * 2.0) / 4.0 + EULER + std::f64::consts::LN_2,
    ];
    for (estimator, expected) in ALL.into_iter().zip(expected) {
        let found = entropy(&[3, 0, 1], estimator);
        assert!((found - expected).abs() < 1e-12, "{estimator:?}: {found}");
    }
}

#[test]
fn one_outcome_has_no_entropy() {
    for estimator in [
        EntropyEstimator::PlugIn,
        EntropyEstimator::MillerMadow,
        EntropyEstimator::ChaoShen,
    ] {
        assert!(entropy(&[1000], estimator).abs() < 1e-12, "{estimator:?}");
        assert!(entropy(&[], estimator).abs() < 1e-12, "{estimator:?}");
    }
    // G(k) differs from ln k by less than 1/k².
    assert!(entropy(&[1000], EntropyEstimator::Grassberger).abs() < 1e-6);
}

/// The probability of each sample of `n` from `p`, with its counts.
fn enumerate(p: &[f64], n: u32) -> Vec<(f64, Vec<u32>)> {
    let Some((&last, rest)) = p.split_last() else {
        return if n == 0 {
            vec![(1.0, Vec::new())]
        } else {
            Vec::new()
        };
    };
    let mut all = Vec::new();
    for k in 0..=n {
        let choose: f64 = (0..k)
            .map(|i| f64::from(n - i) / f64::from(i + 1))
            .product();
        for (weight, mut counts) in enumerate(rest, n - k) {
            counts.push(k);
            all.push((weight * choose * last.powi(k as i32), counts));
        }
    }
    all
}

#[test]
fn expectations_over_all_samples_are_ordered_as_stated() {
    let p = [0.5_f64, 0.3, 0.15, 0.05];
    let exact: f64 = -p.iter().map(|&p: &f64| p * p.ln()).sum::<f64>();
    let n = 24;
    let samples = enumerate(&p, n);
    let total: f64 = samples.iter().map(|(weight, _)| weight).sum();
    assert!((total - 1.0).abs() < 1e-12);
    let bias = |estimator| {
        let terms = samples
            .iter()
            .map(|(w, counts)| w * entropy(counts, estimator));
        terms.sum::<f64>() - exact
    };
    let plug_in = bias(EntropyEstimator::PlugIn);
    // The leading order is -(m - 1)/2n; the next is (1 - Σ 1/p) / 12 n² (Harris).
    let leading = -3.0 / (2.0 * f64::from(n));
    let inverse: f64 = p.iter().map(|p| 1.0 / p).sum();
    let next = (1.0 - inverse) / (12.0 * f64::from(n * n));
    assert!(
        plug_in < 0.0 && (plug_in - leading).abs() < 2.0 * next.abs(),
        "{plug_in}"
    );
    let miller_madow = bias(EntropyEstimator::MillerMadow);
    assert!(miller_madow.abs() < 0.2 * plug_in.abs(), "{miller_madow}");
    // What is left is ln n in place of ψ(n).
    let left = bias(EntropyEstimator::Grassberger) - (f64::from(n).ln() - digamma(24.0));
    assert!(left.abs() < 0.1 * plug_in.abs(), "{left}");
    // Coverage does not know of the leading order, yet moves the right way.
    let found = bias(EntropyEstimator::ChaoShen);
    assert!(found > plug_in && found.abs() < plug_in.abs(), "{found}");
}

/// Pairs of an alphabet of 3 by 3 with a known mutual information.
fn draw(generator: &mut Generator) -> (u32, u32) {
    let a = (3.0 * uniform(generator)) as u32;
    let shift = if uniform(generator) < 0.6 {
        0
    } else {
        (3.0 * uniform(generator)) as u32
    };
    (a, (a + shift) % 3)
}

/// `b - a` is 0 with the probability 0.6 + 0.4/3, and 1 or 2 with 0.4/3: both are
/// uniform, so `I = ln 3 - H(b - a)`.
fn exact() -> f64 {
    let (same, other) = (0.6 + 0.4 / 3.0, 0.4_f64 / 3.0);
    3.0_f64.ln() + f64::ln(same) * same + 2.0 * other * other.ln()
}

#[test]
fn means_over_many_draws_are_near_the_exact_information() {
    let (rows, repeats) = (400, 400);
    let mut means = [0.0; 4];
    let mut spread = [0.0; 4];
    let mut errors = [0.0; 4];
    let blocks = independent_blocks(rows, rows as f64);
    let mut generator = stream("1", &["counts"]);
    for _ in 0..repeats {
        let (a, b): (Vec<u32>, Vec<u32>) = (0..rows).map(|_| draw(&mut generator)).unzip();
        for (i, estimator) in ALL.into_iter().enumerate() {
            let found = from_counts(&a, &b, &blocks, estimator).unwrap();
            means[i] += found.value / f64::from(repeats);
            spread[i] += (found.value - exact()).powi(2) / f64::from(repeats);
            errors[i] += found.standard_error / f64::from(repeats);
        }
    }
    // Plug-in: (9 - 3 - 3 + 1)/2n too much. The error of a mean over the repeats is
    // that of one over 20.
    let leading = 4.0 / (2.0 * rows as f64);
    for (i, estimator) in ALL.into_iter().enumerate() {
        let expected = match estimator {
            EntropyEstimator::PlugIn => exact() + leading,
            _ => exact(),
        };
        let allowed = match estimator {
            // No outcome is rare: hardly any is seen once, and nothing is corrected.
            EntropyEstimator::ChaoShen => leading,
            _ => 0.0,
        };
        let tolerance = 4.0 * errors[i] / 20.0 + allowed;
        assert!(
            (means[i] - expected).abs() < tolerance,
            "{estimator:?}: {}",
            means[i]
        );
        // The root mean square of 400 deviations is known to 3.5 %.
        let ratio = errors[i] / spread[i].sqrt();
        assert!(
            (ratio - 1.0).abs() < 0.15,
            "{estimator:?}: error ratio {ratio}"
        );
    }
}

#[test]
fn samples_without_blocks_or_partners_are_refused() {
    let few = from_counts(&[1; 40], &[1; 40], &[0; 40], EntropyEstimator::PlugIn);
    assert!(matches!(
        few,
        Err(InferenceError::TooFewRows { found: 1, .. })
    ));
    let blocks = independent_blocks(40, 40.0);
    let uneven = from_counts(&[1; 40], &[1; 39], &blocks, EntropyEstimator::PlugIn);
    assert!(matches!(
        uneven,
        Err(InferenceError::Count { found: 39, .. })
    ));
    let empty = from_counts(&[], &[], &[], EntropyEstimator::PlugIn);
    assert!(matches!(empty, Err(InferenceError::Empty { .. })));
}
