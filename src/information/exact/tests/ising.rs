//! The Ising lattice against tables and enumeration.

use super::*;
use crate::information::{InformationMethod, Lattice};
use crate::physics::{Ising2d, LebwohlLasher};

fn checkerboard(side: usize) -> Partition {
    let rule = PartitionRule::EvenOdd;
    let lattice = Lattice { side, dimension: 2 };
    let mut generator = stream("none", &[]);
    let all = rule.partitions(side * side, Some(lattice), &mut generator);
    all.unwrap().remove(0)
}

fn torus(side: usize, temperature: f64) -> Ising2d {
    Ising2d::new(side, temperature).unwrap()
}

fn cylinder(side: usize, temperature: f64) -> f64 {
    let model = IsingCylinder::new(side, temperature).unwrap();
    model.half_information().nats
}

#[test]
fn entropies_of_the_torus_are_those_of_the_table() {
    for (side, expected) in [
        (4, 0.280_170),
        (8, 0.282_392),
        (16, 0.291_850),
        (32, 0.298_526),
        (64, 0.302_341),
    ] {
        let model = torus(side, Ising2d::critical_temperature());
        let found = model.entropy(None).unwrap().unwrap().nats;
        let per_site = found / (side * side) as f64;
        assert!((per_site - expected).abs() < 6e-7, "{side}: {per_site}");
    }
}

#[test]
fn halves_of_the_cylinder_are_those_of_the_table() {
    let critical = Ising2d::critical_temperature();
    for (side, temperature, expected) in [
        (4, critical, 0.44954),
        (6, critical, 0.62687),
        (8, critical, 0.79066),
        (10, critical, 0.94865),
        (12, critical, 1.10332),
        (14, critical, 1.25577),
        (16, critical, 1.40662),
        (16, 1.5, 0.71071),
        (16, 2.0, 0.92712),
        (16, 2.5, 1.42214),
        (16, 3.0, 1.00951),
        (16, 4.0, 0.54366),
    ] {
        let found = cylinder(side, temperature);
        // Half a unit of the last digit.
        assert!(
            (found - expected).abs() < 6e-6,
            "{side} {temperature}: {found}"
        );
    }
}

#[test]
fn the_information_of_the_cylinder_peaks_above_the_transition() {
    // Of temperatures in steps of 0.05 the largest is at 2.35, above T_c = 2.269.
    let temperatures: Vec<f64> = (0..9).map(|k| 2.2 + 0.05 * f64::from(k)).collect();
    let values = temperatures.iter().map(|&t| (cylinder(12, t), t));
    let (value, at) = values.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!((value - 1.1156).abs() < 6e-5, "{value}");
    assert!((at - 2.35).abs() < 1e-9, "{at}");
}

#[test]
fn a_small_cylinder_is_the_sum_over_all_configurations() {
    for side in [2, 4] {
        let spin = |state: u64, row: usize, column: usize| {
            if state >> (row * side + column % side) & 1 == 1 {
                1.0
            } else {
                -1.0
            }
        };
        for temperature in [0.6, 2.3, 5.0] {
            let expected = enumerated(&halves(side * side), |state| {
                let mut aligned = 0.0;
                for (row, column) in (0..side).flat_map(|r| (0..side).map(move |c| (r, c))) {
                    let here = spin(state, row, column);
                    aligned += here * spin(state, row, column + 1);
                    if row + 1 < side {
                        aligned += here * spin(state, row + 1, column);
                    }
                }
                aligned / temperature
            });
            let expected = expected.unwrap().nats;
            let found = cylinder(side, temperature);
            // Entropies of ten nats, sums of 65,536 terms.
            assert!(
                (found - expected).abs() < 1e-11,
                "{side}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn cylinders_reach_the_ends_of_the_temperature_scale() {
    // Cold: both halves share one sign. Hot: one bond at a time, tanh²K/2 each.
    let cold = cylinder(16, 0.05);
    assert!((cold - std::f64::consts::LN_2).abs() < 1e-9, "{cold}");
    let hot = cylinder(8, 100.0);
    assert!((hot / (8.0 * 0.5e-4) - 1.0).abs() < 1e-3, "{hot}");
    for side in [0, 3, 22] {
        let refused = IsingCylinder::new(side, 2.0).unwrap_err().to_string();
        assert!(refused.contains("an even side from 2 to 20"), "{refused}");
    }
}

#[test]
fn the_small_torus_is_the_sum_over_all_configurations() {
    let critical = Ising2d::critical_temperature();
    for (temperature, expected) in [(1.5, 0.70156), (critical, 0.72873), (3.0, 0.54353)] {
        let found = information(&torus(4, temperature), &halves(16));
        assert!((found - expected).abs() < 6e-6, "{temperature}: {found}");
    }
    let found = information(&torus(4, critical), &checkerboard(4));
    assert!((found - 1.084_479).abs() < 6e-7, "{found}");
}

#[test]
fn sublattices_of_larger_lattices_share_what_samples_say() {
    let critical = Ising2d::critical_temperature();
    for (side, temperature, expected) in [
        (8, critical, 3.2),
        (16, critical, 12.5),
        (16, 3.0, 19.5),
        (16, 1.5, 1.2),
    ] {
        let model = torus(side, temperature);
        let ensemble = ensemble(&model, 2000);
        let samples = sampled(&ensemble);
        let found = model.mutual_information(&checkerboard(side), Some(&samples));
        let found = found.unwrap().unwrap();
        assert_eq!(found.method, InformationMethod::Samples);
        // Half a unit of the last digit, and four standard errors.
        let tolerance = 0.05 + 4.0 * found.standard_error;
        assert!(
            (found.nats - expected).abs() < tolerance,
            "{side} {temperature}: {found:?}"
        );
        assert!(found.standard_error < 0.5, "{found:?}");
        let odd_first = exchanged(&checkerboard(side));
        let other = model
            .mutual_information(&odd_first, Some(&samples))
            .unwrap();
        assert_eq!(other, Some(found));
        let halves = model.mutual_information(&halves(side * side), Some(&samples));
        assert_eq!(halves.unwrap(), None, "no other partition is solved");
    }
}

#[test]
fn lattices_have_no_field_and_lattices_of_directors_no_solution() {
    assert_eq!(torus(8, 2.0).field_rate(None).unwrap(), None);
    let model = LebwohlLasher::new(2, 1.0).unwrap();
    assert_eq!(model.entropy(None).unwrap(), None);
    assert_eq!(model.mutual_information(&halves(8), None).unwrap(), None);
}

#[test]
fn sums_over_all_configurations_end_at_sixteen_spins() {
    let refused = enumerated(&halves(17), |_| 0.0).unwrap_err().to_string();
    assert!(
        refused.contains("17 spins, expected 16 at most"),
        "{refused}"
    );
    // Independent spins share nothing.
    let nothing = enumerated(&halves(5), |state| 0.3 * f64::from(state.count_ones()));
    assert!(nothing.unwrap().nats.abs() < 1e-12);
}
