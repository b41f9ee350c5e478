use super::*;
use crate::physics::{Hopfield, draw_patterns};
use crate::random::stream;

fn solve(model: &Hopfield) -> ExactSolution {
    ExactSolution::new(&SiteClasses::new(model)).unwrap()
}

/// Patterns given as strings of `+` and `-`.
fn patterns(rows: &[String]) -> BitMatrix {
    let mut bits = BitMatrix::zeros(rows.len(), rows[0].len());
    for (row, text) in rows.iter().enumerate() {
        for (site, sign) in text.chars().enumerate() {
            bits.set(row, site, sign == '+');
        }
    }
    bits
}

/// Two patterns that agree on half of the sites.
fn balanced_pair(sites: usize) -> BitMatrix {
    patterns(&["+".repeat(sites), "+-".repeat(sites / 2)])
}

#[test]
fn enumeration_of_all_configurations_gives_the_same_thermodynamics() {
    for (count, sites, temperature) in [(1, 5, 0.3), (2, 9, 0.8), (3, 12, 0.5), (5, 11, 2.0)] {
        let stored = draw_patterns(count, sites, &mut stream("patterns", &[]));
        let model = Hopfield::new(stored, temperature).unwrap();
        let energies: Vec<f64> = (0..1_u64 << sites)
            .map(|word| model.energy(&[word]))
            .collect();
        let weights: Vec<f64> = energies.iter().map(|e| (-e / temperature).exp()).collect();
        let z: f64 = weights.iter().sum();
        let mean = |f: &dyn Fn(usize) -> f64| -> f64 {
            (0..weights.len())
                .map(|word| weights[word] * f(word))
                .sum::<f64>()
                / z
        };
        let found = solve(&model);
        let energy = mean(&|word| energies[word]);
        let variance = mean(&|word| (energies[word] - energy).powi(2));
        let entropy = -mean(&|word| (weights[word] / z).ln());
        assert!((found.log_partition - z.ln()).abs() < 1e-11);
        assert!((found.mean_energy - energy).abs() < 1e-11);
        assert!((found.energy_variance - variance).abs() < 1e-10);
        assert!((found.entropy - entropy).abs() < 1e-11);
        for pattern in 0..count {
            let square = mean(&|word| model.overlaps(&[word as u64])[pattern].powi(2));
            assert!((found.squared_overlaps[pattern] - square).abs() < 1e-11);
        }
    }
}

#[test]
fn two_patterns_are_two_independent_curie_weiss_models() {
    // Sites where the patterns agree and where they differ; SCIENCE: J = 2n/N for each.
    let sites = 60;
    let agreeing = 22;
    let second = "+".repeat(agreeing) + &"-".repeat(sites - agreeing);
    let stored = patterns(&["+".repeat(sites), second]);
    let beta = 1.0 / 0.7;
    let curie_weiss = |n: usize| -> f64 {
        let weight = |up: usize| {
            let choose: f64 = (0..up).map(|i| (n - i) as f64 / (up - i) as f64).product();
            let magnetisation = 2.0 * up as f64 - n as f64;
            choose * (beta * magnetisation.powi(2) / sites as f64).exp()
        };
        (0..=n).map(weight).sum::<f64>().ln()
    };
    let expected = curie_weiss(agreeing) + curie_weiss(sites - agreeing);
    let found = solve(&Hopfield::new(stored, 0.7).unwrap()).log_partition;
    assert!((found - expected).abs() < 1e-10, "{found} and {expected}");
}

#[test]
fn two_balanced_patterns_have_the_published_values() {
    // (T, ln Z, sum of squared overlaps) at P = 2, N = 100.
    let published = [
        (0.3, 168.199_887, 0.994_191),
        (0.5, 103.547_704, 0.909_480),
        (0.7, 80.356_427, 0.648_065),
        (1.0, 71.930_028, 0.160_487),
        (1.5, 70.378_338, 0.054_297),
    ];
    for (temperature, log_partition, squares) in published {
        let found = solve(&Hopfield::new(balanced_pair(100), temperature).unwrap());
        assert!((found.log_partition - log_partition).abs() < 6e-7);
        assert!((found.squared_overlaps.iter().sum::<f64>() - squares).abs() < 6e-7);
    }
}

#[test]
fn three_orthogonal_patterns_have_the_published_values() {
    // Four classes of 12 sites, P = 3, N = 48.
    let rows = ["++++", "++--", "+-+-"].map(|row| row.repeat(12));
    let published = [
        (0.3, 81.886_118, 0.992_523),
        (0.5, 51.081_614, 0.887_641),
        (0.7, 40.638_446, 0.575_492),
        (1.0, 36.394_509, 0.271_926),
        (1.5, 34.783_400, 0.146_477),
    ];
    for (temperature, log_partition, squares) in published {
        let found = solve(&Hopfield::new(patterns(&rows), temperature).unwrap());
        assert!((found.log_partition - log_partition).abs() < 6e-7);
        assert!((found.squared_overlaps.iter().sum::<f64>() - squares).abs() < 6e-7);
    }
}

#[test]
fn energy_and_its_variance_are_derivatives_of_log_partition() {
    let stored = draw_patterns(3, 100, &mut stream("patterns", &[]));
    let at = |beta: f64| solve(&Hopfield::new(stored.clone(), 1.0 / beta).unwrap());
    let (beta, step) = (1.3, 1e-3);
    let (low, middle, high) = (at(beta - step), at(beta), at(beta + step));
    let slope = (high.log_partition - low.log_partition) / (2.0 * step);
    let curvature =
        (high.log_partition - 2.0 * middle.log_partition + low.log_partition) / step.powi(2);
    // Central differences: relative errors of order step².
    assert!((middle.mean_energy + slope).abs() < 1e-4 * slope);
    assert!((middle.energy_variance - curvature).abs() < 1e-4 * curvature);
}

#[test]
fn a_break_ends_the_exact_sampler() {
    let classes = SiteClasses::new(&Hopfield::new(balanced_pair(20), 0.5).unwrap());
    let mut generator = stream("seed", &[]);
    let stop = |_: f64| std::ops::ControlFlow::Break(());
    let error = draw_exact(&classes, 10, &mut generator, &stop).unwrap_err();
    assert_eq!(error, PhysicsError::Cancelled);
}
