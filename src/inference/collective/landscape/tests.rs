use proptest::prelude::*;
use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::random::{Generator, stream, uniform};

/// Everything that is not flat is a basin.
const EVERY_DIP: LandscapeSettings = LandscapeSettings {
    smoothing: 0.0,
    barrier: 0.0,
    probability: 0.0,
    independent_rows: None,
};

fn with_barrier(barrier: f64) -> LandscapeSettings {
    LandscapeSettings {
        barrier,
        ..EVERY_DIP
    }
}

/// The density with these energies.
fn boltzmann(energies: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> = energies.iter().map(|e| (-e).exp()).collect();
    normalised(&weights)
}

fn normalised(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-12,
        "{found}, expected {expected}"
    );
}

#[test]
fn a_chain_of_wells_is_read_off_by_hand() {
    let energies = [1.0, 0.0, 2.0, 1.4, 3.0, 0.5, 4.0];
    let density = boltzmann(&energies);
    let three = landscape(&[7], &density, &with_barrier(0.5)).unwrap();
    for (found, expected) in three.energies().iter().zip(energies) {
        close(*found, expected);
    }
    // From 2.0 the slope to the left is the steeper one, from 3.0 that to the right.
    assert_eq!(three.labels(), [0, 0, 0, 2, 1, 1, 1]);
    // Barriers: 2 - 0 towards the middle, 3 - 0.5, and 2 - 1.4.
    let expected = [
        (1, 0.0, 2.0, 0..3),
        (5, 0.5, 2.5, 4..7),
        (3, 1.4, 0.6, 3..4),
    ];
    assert_eq!(three.basins().len(), 3);
    for (basin, (minimum, energy, barrier, nodes)) in three.basins().iter().zip(expected) {
        assert_eq!(basin.minimum, minimum);
        close(basin.energy, energy);
        close(basin.barrier.unwrap(), barrier);
        close(basin.probability, density[nodes].iter().sum());
    }
    // The middle one joins over its lowest saddle, to the left; 3 is then the way out.
    let two = landscape(&[7], &density, &with_barrier(0.7)).unwrap();
    assert_eq!(two.labels(), [0, 0, 0, 0, 1, 1, 1]);
    close(two.basins()[0].barrier.unwrap(), 3.0);
    close(two.basins()[1].barrier.unwrap(), 2.5);
    let one = landscape(&[7], &density, &with_barrier(2.6)).unwrap();
    assert_eq!((one.labels(), one.basins().len()), (&[0; 7][..], 1));
    assert_eq!(
        (one.basins()[0].minimum, one.basins()[0].barrier),
        (1, None)
    );
    close(one.basins()[0].probability, 1.0);
}

#[test]
fn a_shallow_well_joins_its_neighbour_and_not_the_deepest_behind() {
    // Wells 0, 1 and 2.8; the last has a barrier of 0.2 towards the second.
    let density = boltzmann(&[0.0, 2.0, 1.0, 3.0, 2.8, 5.0]);
    let found = landscape(&[6], &density, &with_barrier(0.5)).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 1, 1, 1]);
    // The second's way out stays the one towards the first.
    close(found.basins()[1].barrier.unwrap(), 1.0);
}

#[test]
fn what_joined_a_basin_counts_for_its_probability() {
    // Up to the saddle of weight 0.1, the right basin holds 5.4 of 15.5, that is 0.35: 3.5
    // of its deeper well and 1.9 of the one that joined it.
    let density = normalised(&[10.0, 0.1, 2.0, 1.5, 1.9]);
    let at = |probability| {
        let settings = LandscapeSettings {
            probability,
            ..with_barrier(0.5)
        };
        landscape(&[5], &density, &settings).unwrap().basins().len()
    };
    assert_eq!((at(0.3), at(0.4)), (2, 1));
}

#[test]
fn memberships_are_sums_of_the_posterior() {
    let density = boltzmann(&[0.0, 5.0, 1.0]);
    let found = landscape(&[3], &density, &EVERY_DIP).unwrap();
    assert_eq!(found.labels(), [0, 0, 1]);
    let membership = found.membership(&[0.1, 0.2, 0.7, 0.0, 1.0, 0.0]).unwrap();
    for (found, expected) in membership.iter().zip([0.3, 0.7, 1.0, 0.0]) {
        close(*found, expected);
    }
    assert!(matches!(
        found.membership(&[0.5; 4]),
        Err(InferenceError::Shape {
            found: 4,
            columns: 3
        })
    ));
}

#[test]
fn a_double_well_has_the_barrier_of_its_potential() {
    // U = 3 (x² - 1)² at x from -2 to 2 in steps of 0.1: minima at ±1, barrier 3.
    let potential = |step: i32| 3.0 * (f64::from(step * step) / 100.0 - 1.0).powi(2);
    let energies: Vec<f64> = (-20..=20).map(potential).collect();
    let density = boltzmann(&energies);
    let found = landscape(&[41], &density, &with_barrier(0.5)).unwrap();
    let minima: Vec<usize> = found.basins().iter().map(|basin| basin.minimum).collect();
    // The middle node goes left, to the first of equal neighbours.
    assert_eq!(minima, [10, 30]);
    for (basin, sign) in found.basins().iter().zip([1.0, -1.0]) {
        close(basin.barrier.unwrap(), 3.0);
        close(basin.probability, 0.5 + sign * 0.5 * density[20]);
    }
    assert_eq!(
        landscape(&[41], &density, &with_barrier(3.1))
            .unwrap()
            .basins()
            .len(),
        1
    );
}

/// Rows drawn from round Gaussians of unit weight in the plane or in space, counted on a
/// lattice, as a density.
struct Mixture<'a> {
    shape: &'a [usize],
    /// Place in lattice steps and weight of each.
    centres: &'a [(&'a [f64], f64)],
    deviation: f64,
}

impl Mixture<'_> {
    fn sample(&self, rows: usize, generator: &mut Generator) -> Vec<f64> {
        let mut counts = vec![0.0; self.shape.iter().product()];
        for _ in 0..rows {
            let mut left = uniform(generator);
            let chosen = self.centres.iter().find(|(_, weight)| {
                left -= weight;
                left < 0.0
            });
            let (centre, _) = chosen.unwrap_or(&self.centres[0]);
            let mut node = 0;
            for (&length, middle) in self.shape.iter().zip(*centre) {
                let normal: f64 = StandardNormal.sample(generator);
                let place = (middle + self.deviation * normal).round();
                let place = place.clamp(0.0, length as f64 - 1.0);
                node = node * length + place as usize;
            }
            counts[node] += 1.0 / rows as f64;
        }
        counts
    }
}

#[test]
fn two_wells_that_were_sampled_have_the_barrier_of_their_density() {
    let (rows, width, variance) = (50_000, 2.0, 25.0);
    let wells = Mixture {
        shape: &[45, 65],
        centres: &[(&[22.0, 22.0], 0.5), (&[22.0, 42.0], 0.5)],
        deviation: 5.0,
    };
    let density = wells.sample(rows, &mut stream("wells", &[]));
    let settings = LandscapeSettings {
        smoothing: width,
        independent_rows: Some(rows as f64),
        ..LandscapeSettings::default()
    };
    let found = landscape(&[45, 65], &density, &settings).unwrap();
    assert_eq!(found.basins().len(), 2);
    // Rounding adds 1/12 to the variance of a well, smoothing 4.
    let wide = variance + width * width + 1.0 / 12.0;
    let profile = |x: f64| {
        let well = |centre: f64| (-0.5 * (x - centre).powi(2) / wide).exp();
        0.5 * (well(22.0) + well(42.0))
    };
    let top = (10..32).map(|x| profile(f64::from(x))).fold(0.0, f64::max);
    let barrier = (top / profile(32.0)).ln();
    // Counts are averaged over 4π 4 nodes, at densities profile / 2π wide.
    let count = |profile: f64| rows as f64 * 2.0 * width * width / wide * profile;
    let error = (1.0 / count(top) + 1.0 / count(profile(32.0))).sqrt();
    // The error is 0.024, of a barrier of 1.04.
    assert!(barrier > 1.0 && error < 0.03);
    for basin in found.basins() {
        let pull = (basin.barrier.unwrap() - barrier) / error;
        assert!(pull.abs() < 4.0, "{basin:?} {barrier} {error}");
        // Half of the rows, to the error of a binomial, which is larger for the wandering
        // of the watershed: its density is profile(32) / √(2π wide) a step, and it moves by
        // about a step.
        let share = profile(32.0) / (2.0 * std::f64::consts::PI * wide).sqrt();
        let tolerance = 4.0 * (0.25 / rows as f64).sqrt() + 2.0 * share;
        assert!((basin.probability - 0.5).abs() < tolerance, "{basin:?}");
    }
}

#[test]
fn one_gaussian_is_one_basin_however_noisy() {
    let gaussian = Mixture {
        shape: &[41, 41],
        centres: &[(&[20.0, 20.0], 1.0)],
        deviation: 6.0,
    };
    for (seed, rows) in (0..20).zip([300, 1000, 3000, 30_000].into_iter().cycle()) {
        let mut generator = stream("one", &[&seed.to_string()]);
        let density = gaussian.sample(rows, &mut generator);
        let settings = LandscapeSettings {
            smoothing: 2.0,
            independent_rows: Some(f64::from(rows as u32)),
            ..LandscapeSettings::default()
        };
        let found = landscape(&[41, 41], &density, &settings).unwrap();
        assert_eq!(found.basins().len(), 1, "{rows} rows, seed {seed}");
        // The noise is there: without smoothing dips abound.
        let dips = landscape(&[41, 41], &density, &EVERY_DIP).unwrap();
        assert!(dips.basins().len() > 10);
    }
}

#[test]
fn spikes_of_freely_fitted_weights_are_smoothed_into_one_basin() {
    // One node in nine at random carries all weight under a Gaussian.
    let mut generator = stream("spikes", &[]);
    let weight = |node: usize| {
        let (x, y) = ((node / 41) as f64 - 20.0, (node % 41) as f64 - 20.0);
        let spike = uniform(&mut generator) < 1.0 / 9.0;
        f64::from(u8::from(spike)) * (-(x * x + y * y) / 128.0).exp()
    };
    let weights: Vec<f64> = (0..41 * 41).map(weight).collect();
    let density = normalised(&weights);
    let at = |smoothing| {
        let settings = LandscapeSettings {
            smoothing,
            ..LandscapeSettings::default()
        };
        landscape(&[41, 41], &density, &settings)
            .unwrap()
            .basins()
            .len()
    };
    // Spikes are three steps apart.
    assert!(at(0.0) > 30);
    assert_eq!(at(4.0), 1);
}

#[test]
fn basins_in_space_have_the_weights_of_their_wells() {
    let rows = 20_000;
    let wells = Mixture {
        shape: &[24, 24, 36],
        centres: &[(&[12.0, 12.0, 11.0], 0.7), (&[12.0, 12.0, 26.0], 0.3)],
        deviation: 3.0,
    };
    let density = wells.sample(rows, &mut stream("space", &[]));
    let settings = LandscapeSettings {
        smoothing: 1.5,
        independent_rows: Some(rows as f64),
        ..LandscapeSettings::default()
    };
    let found = landscape(&[24, 24, 36], &density, &settings).unwrap();
    assert_eq!(found.basins().len(), 2);
    for (basin, (weight, column)) in found.basins().iter().zip([(0.7, 11), (0.3, 26)]) {
        // Wells five standard deviations apart share Φ(-2.5) = 0.6 % on each side.
        let tolerance = 4.0 * (weight * (1.0 - weight) / rows as f64).sqrt() + 0.0062;
        assert!((basin.probability - weight).abs() < tolerance, "{basin:?}");
        // The top of a well of some 1000 rows a kernel is found within a step or two.
        assert!((basin.minimum % 36).abs_diff(column) <= 2, "{basin:?}");
    }
    assert!((found.labels().iter().filter(|&&label| label == 1).count()) > 1000);
}

#[test]
fn nodes_without_density_belong_to_a_basin_and_make_none() {
    let density = normalised(&[0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let found = landscape(&[9], &density, &EVERY_DIP).unwrap();
    let minima: Vec<usize> = found.basins().iter().map(|basin| basin.minimum).collect();
    assert_eq!(minima, [3, 7]);
    assert_eq!(found.labels()[..5], [0; 5]);
    assert_eq!(found.labels()[6..], [1; 3]);
    assert!(
        found
            .basins()
            .iter()
            .all(|basin| basin.barrier == Some(f64::INFINITY))
    );
    assert!(found.energies()[0].is_infinite());
    close(found.basins()[0].probability, 0.75);
    // Too improbable to be a basin, however high the barrier.
    let strict = LandscapeSettings {
        probability: 0.3,
        ..EVERY_DIP
    };
    assert_eq!(
        landscape(&[9], &density, &strict).unwrap().basins().len(),
        1
    );
    // A flat landscape is one basin.
    let flat = landscape(&[4, 4], &[1.0 / 16.0; 16], &EVERY_DIP).unwrap();
    assert_eq!(flat.basins().len(), 1);
}

#[test]
fn few_rows_make_no_basin() {
    // Nothing between the tops: n - 0 ≥ 3 √n from n = 9 on.
    let at = |top: f64, pass: f64| {
        let density = normalised(&[60.0, pass, top]);
        let settings = LandscapeSettings {
            independent_rows: Some(60.0 + top + pass),
            ..EVERY_DIP
        };
        landscape(&[3], &density, &settings).unwrap().basins().len()
    };
    assert_eq!((at(8.9, 0.0), at(9.1, 0.0)), (1, 2));
    // 40 - 20 against 3 √60 = 23.2, 45 - 20 against 3 √65 = 24.2.
    assert_eq!((at(40.0, 20.0), at(45.0, 20.0)), (1, 2));
}

/// The lowest saddle between every two nodes, by relaxing paths until nothing changes.
fn saddles(lattice: &Lattice, heights: &[f64]) -> Vec<Vec<f64>> {
    let from = |start: usize| {
        let mut highest = vec![f64::INFINITY; heights.len()];
        highest[start] = heights[start];
        loop {
            let mut changed = false;
            for node in 0..heights.len() {
                for (neighbour, _) in lattice.neighbours(node) {
                    let over = highest[neighbour].max(heights[node]);
                    if over < highest[node] {
                        highest[node] = over;
                        changed = true;
                    }
                }
            }
            if !changed {
                return highest;
            }
        }
    };
    (0..heights.len()).map(from).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn basins_are_the_minima_whose_saddle_to_a_deeper_one_is_high_enough(
        seed in 0_u32..10_000,
        shape in prop_oneof![Just(vec![30]), Just(vec![6, 7]), Just(vec![3, 4, 5])],
        barrier in 0.0..2.0_f64,
    ) {
        let mut generator = stream("saddles", &[&seed.to_string()]);
        let nodes: usize = shape.iter().product();
        let heights: Vec<f64> = (0..nodes).map(|_| 4.0 * uniform(&mut generator)).collect();
        let found = landscape(&shape, &boltzmann(&heights), &with_barrier(barrier)).unwrap();
        let lattice = Lattice::new(&shape, nodes).unwrap();
        let saddles = saddles(&lattice, &heights);
        // Distance to any deeper node, over the lowest pass.
        let persistence = |node: usize| {
            let deeper = (0..nodes).filter(|&other| heights[other] < heights[node]);
            let passes = deeper.map(|other| saddles[node][other] - heights[node]);
            passes.fold(f64::INFINITY, f64::min)
        };
        let expected: Vec<usize> = (0..nodes)
            .filter(|&node| persistence(node) > barrier.max(1e-9))
            .collect();
        let mut minima: Vec<usize> = found.basins().iter().map(|basin| basin.minimum).collect();
        minima.sort_unstable();
        prop_assert_eq!(&minima, &expected);
        for basin in found.basins() {
            let others = expected.iter().filter(|&&other| other != basin.minimum);
            let passes = others.map(|&other| saddles[basin.minimum][other]);
            let lowest = passes.fold(f64::INFINITY, f64::min) - heights[basin.minimum];
            prop_assert_eq!(basin.barrier.is_none(), lowest.is_infinite());
            prop_assert!((basin.barrier.unwrap_or(lowest) - lowest).abs() < 1e-9 || lowest.is_infinite());
            prop_assert_eq!(found.labels()[basin.minimum], found.basins().iter().position(|b| b == basin).unwrap());
        }
        // A node goes where the steepest slope goes; the minima that are no basins go elsewhere.
        for node in (0..nodes).filter(|node| !minima.contains(node)) {
            let slope = |(other, distance): (usize, f64)| ((heights[node] - heights[other]) / distance, other);
            let steepest = lattice.neighbours(node).map(slope).max_by(|a, b| a.0.total_cmp(&b.0));
            let (slope, below) = steepest.unwrap();
            prop_assert!(slope < 0.0 || found.labels()[node] == found.labels()[below]);
        }
        let total: f64 = found.basins().iter().map(|basin| basin.probability).sum();
        prop_assert!((total - 1.0).abs() < 1e-12);
        prop_assert!(found.basins().windows(2).all(|w| w[0].probability >= w[1].probability));
    }
}

#[test]
fn what_is_no_landscape_is_refused() {
    let out = |shape: &[usize], density: &[f64], settings: LandscapeSettings| {
        let refused = landscape(shape, density, &settings);
        matches!(refused, Err(InferenceError::OutOfRange { .. }))
    };
    let half = [0.5, 0.5];
    assert!(out(&[2], &[0.5, 0.4], EVERY_DIP));
    assert!(out(&[2], &[1.5, -0.5], EVERY_DIP));
    assert!(out(&[2], &[f64::NAN, 1.0], EVERY_DIP));
    assert!(out(&[1, 1, 1, 2], &half, EVERY_DIP));
    assert!(out(&[2], &half, with_barrier(-0.1)));
    assert!(out(&[2], &half, with_barrier(f64::NAN)));
    let settings = |probability, smoothing, rows| LandscapeSettings {
        smoothing,
        barrier: 0.5,
        probability,
        independent_rows: Some(rows),
    };
    assert!(out(&[2], &half, settings(-1.0, 0.0, 1.0)));
    assert!(out(&[2], &half, settings(0.0, -1.0, 1.0)));
    assert!(out(&[2], &half, settings(0.0, 0.0, f64::NAN)));
    assert!(matches!(
        landscape(&[3], &half, &EVERY_DIP),
        Err(InferenceError::Count { .. })
    ));
}
