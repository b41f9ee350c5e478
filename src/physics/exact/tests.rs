use super::*;
use crate::physics::{
    Hopfield, LogPartition, LogPartitionMethod, System, draw_patterns, fields_along,
};
use crate::random::{stream, uniform};

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

/// The double sum over spins and patterns, written out.
fn energy_in_fields(patterns: &BitMatrix, fields: &[f64], word: usize) -> f64 {
    let sites = patterns.columns();
    let spin = |site: usize| if word >> site & 1 == 1 { 1.0 } else { -1.0 };
    let mut energy = 0.0;
    for pattern in 0..patterns.rows() {
        let sign = |site| {
            if patterns.get(pattern, site) {
                1.0
            } else {
                -1.0
            }
        };
        let sum: f64 = (0..sites).map(|site| sign(site) * spin(site)).sum();
        energy -= sum * sum / (2.0 * sites as f64);
    }
    energy
        - (0..sites)
            .map(|site| fields[site] * spin(site))
            .sum::<f64>()
}

#[test]
fn enumeration_in_external_fields_gives_the_same_thermodynamics() {
    let stored = draw_patterns(3, 10, &mut stream("patterns", &[]));
    let mut random = stream("fields", &[]);
    let cases = [
        (0.7, fields_along(&stored, 1, 0.3)),
        (0.4, fields_along(&stored, 0, -0.2)),
        (1.3, (0..10).map(|_| uniform(&mut random) - 0.5).collect()),
        (0.5, [vec![0.25; 5], vec![0.0; 5]].concat()),
    ];
    for (temperature, fields) in cases {
        let model = Hopfield::with_fields(stored.clone(), fields.clone(), temperature).unwrap();
        let energy = |word: usize| energy_in_fields(&stored, &fields, word);
        let weights: Vec<f64> = (0..1024)
            .map(|word| (-energy(word) / temperature).exp())
            .collect();
        let z: f64 = weights.iter().sum();
        let mean = |f: &dyn Fn(usize) -> f64| -> f64 {
            (0..1024).map(|word| weights[word] / z * f(word)).sum()
        };
        let found = solve(&model);
        let mean_energy = mean(&energy);
        let variance = mean(&|word| (energy(word) - mean_energy).powi(2));
        assert!((found.log_partition - z.ln()).abs() < 1e-11);
        assert!((found.mean_energy - mean_energy).abs() < 1e-11);
        assert!((found.energy_variance - variance).abs() < 1e-10);
        assert!((found.entropy + mean(&|word| (weights[word] / z).ln())).abs() < 1e-11);
        for pattern in 0..3 {
            let overlap = |word: usize| model.overlaps(&[word as u64])[pattern];
            let pairs = [
                (found.mean_overlaps[pattern], mean(&overlap)),
                (
                    found.absolute_overlaps[pattern],
                    mean(&|w| overlap(w).abs()),
                ),
                (
                    found.squared_overlaps[pattern],
                    mean(&|w| overlap(w).powi(2)),
                ),
                (
                    found.fourth_overlaps[pattern],
                    mean(&|w| overlap(w).powi(4)),
                ),
            ];
            for (found, expected) in pairs {
                assert!(
                    (found - expected).abs() < 1e-11,
                    "{pattern}: {found} {expected}"
                );
            }
        }
        let log_partition = LogPartition {
            value: found.log_partition,
            standard_error: 0.0,
            method: LogPartitionMethod::SiteClasses,
        };
        for (word, weight) in weights.iter().enumerate() {
            let log_probability = model.log_probability(&[word as u64], &log_partition);
            assert!((log_probability - (weight / z).ln()).abs() < 1e-11);
        }
    }
}

#[test]
fn a_field_along_a_pattern_makes_no_further_classes() {
    let stored = draw_patterns(3, 90, &mut stream("patterns", &[]));
    let without = SiteClasses::new(&Hopfield::new(stored.clone(), 0.5).unwrap());
    let along = |pattern| {
        let fields = fields_along(&stored, pattern, 0.2);
        SiteClasses::new(&Hopfield::with_fields(stored.clone(), fields, 0.5).unwrap())
    };
    assert!((0..3).all(|pattern| along(pattern).len() == without.len()));
    let zeros = Hopfield::with_fields(stored.clone(), vec![-0.0; 90], 0.5).unwrap();
    assert_eq!(zeros, Hopfield::new(stored, 0.5).unwrap());
}

#[test]
fn flipping_sites_together_with_their_patterns_and_fields_changes_nothing() {
    let stored = draw_patterns(2, 40, &mut stream("patterns", &[]));
    let fields = fields_along(&stored, 1, 0.15);
    let mut flipped = stored.clone();
    let mut flipped_fields = fields.clone();
    for site in (0..40).step_by(3) {
        (0..2).for_each(|pattern| flipped.set(pattern, site, !stored.get(pattern, site)));
        flipped_fields[site] = -fields[site];
    }
    let a = solve(&Hopfield::with_fields(stored, fields, 0.6).unwrap());
    let b = solve(&Hopfield::with_fields(flipped, flipped_fields, 0.6).unwrap());
    assert!((a.log_partition - b.log_partition).abs() < 1e-11);
    assert!((a.mean_overlaps[1] - b.mean_overlaps[1]).abs() < 1e-12);
    assert!(a.mean_overlaps[1] > 0.5, "{:?}", a.mean_overlaps);
}

#[test]
fn means_by_name_hold_sizes_of_overlaps_and_one_pattern_its_fluctuations() {
    let three = draw_patterns(3, 30, &mut stream("patterns", &[]));
    let model = Hopfield::new(three, 0.7).unwrap();
    let (exact, solution) = (model.exact().unwrap(), solve(&model));
    assert!((exact["abs_overlap_2"] - solution.absolute_overlaps[1]).abs() < 1e-15);
    assert!((exact["squared_overlap_3"] - solution.squared_overlaps[2]).abs() < 1e-15);
    assert!(!exact.contains_key("susceptibility"));
    // One pattern is a Curie-Weiss model: published values at N = 100, T = 1.
    let one = draw_patterns(1, 100, &mut stream("patterns", &[]));
    let exact = Hopfield::new(one, 1.0).unwrap().exact().unwrap();
    let susceptibility = 100.0 * (0.114_481 - 0.286_796_f64.powi(2));
    assert!((exact["susceptibility"] - susceptibility).abs() < 1e-4);
    assert!((exact["abs_overlap_1"] - 0.286_796).abs() < 5.1e-7);
    assert!(exact["binder_cumulant"] > 0.0 && exact["binder_cumulant"] < 2.0 / 3.0);
}

#[test]
fn two_patterns_are_two_independent_curie_weiss_models() {
    // Sites where the patterns agree and where they differ; J = 2n/N for each.
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

/// Number of the state of a configuration, in the order of [`SiteClasses::visit`].
fn state_of(classes: &SiteClasses, bits: &BitMatrix, row: usize) -> usize {
    let classes = classes.classes().iter().rev();
    classes.fold(0, |state, class| {
        let up = class.members.iter();
        let up = up.filter(|&&(site, flipped)| bits.get(row, site) != flipped);
        state * class.counts() + up.count()
    })
}

#[test]
fn states_are_drawn_with_their_exact_probabilities() {
    // Up to three patterns fields come from a list; then states do.
    for (patterns, sites, temperature, strength) in [
        (1, 100, 1.0, 0.0),
        (2, 130, 0.7, 0.05),
        (3, 24, 0.5, 0.0),
        (3, 24, 1.0, 0.1),
        (3, 70, 0.3, 0.0),
        (4, 24, 0.5, 0.0),
    ] {
        let mut generator = stream("states", &[&patterns.to_string()]);
        let stored = draw_patterns(patterns, sites, &mut generator);
        let fields = fields_along(&stored, 0, strength);
        let model = Hopfield::with_fields(stored, fields, temperature).unwrap();
        let classes = SiteClasses::new(&model);
        let sampler = ExactSampler::new(classes.clone()).unwrap();
        let from_list = matches!(sampler.source, Source::Mixture(_));
        assert_eq!(from_list, patterns <= 3);
        let rows = 200_000;
        let drawn = sampler.draw(rows, &mut generator);
        let bits = drawn.as_spins().unwrap();
        let mut counts = vec![0.0; classes.states() as usize];
        (0..rows).for_each(|row| counts[state_of(&classes, bits, row)] += 1.0);
        // States with fewer than 10 expected are one, which is left out if it is rare too.
        let (mut chi_square, mut compared, mut rare) = (0.0, -1.0, (0.0, 0.0));
        for (count, probability) in counts.iter().zip(state_probabilities(&classes)) {
            let expected = rows as f64 * probability;
            if expected > 10.0 {
                chi_square += (count - expected).powi(2) / expected;
                compared += 1.0;
            } else {
                rare = (rare.0 + count, rare.1 + expected);
            }
        }
        if rare.1 > 10.0 {
            chi_square += (rare.0 - rare.1).powi(2) / rare.1;
            compared += 1.0;
        }
        // Chi square has that mean, and twice as much variance.
        let pull = (chi_square - compared) / (2.0_f64 * compared).sqrt();
        assert!(
            pull.abs() < 4.0 && compared > 20.0,
            "P = {patterns}, N = {sites}, T = {temperature}: {chi_square} of {compared}"
        );
    }
}
