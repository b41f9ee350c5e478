use super::*;
use crate::configurations::{DirectorMatrix, Unit};
use crate::random::stream;

/// Spins that all follow one sign, each with the probability 0.8.
fn followers(rows: usize, sites: usize) -> BitMatrix {
    let mut generator = stream("1", &["followers"]);
    let mut spins = BitMatrix::zeros(rows, sites);
    for row in 0..rows {
        let sign = uniform(&mut generator) < 0.5;
        for site in 0..sites {
            let follows = uniform(&mut generator) < 0.8;
            spins.set(row, site, sign == follows);
        }
    }
    spins
}

#[test]
fn up_spins_are_those_of_the_sites() {
    let spins = followers(20, 130);
    let sites = [0, 63, 64, 129, 5];
    for (row, found) in up_spins(&spins, &sites).into_iter().enumerate() {
        let expected = sites.iter().filter(|&&site| spins.get(row, site)).count();
        assert_eq!(found as usize, expected);
    }
}

#[test]
fn the_leading_direction_of_followers_is_their_sum() {
    let (sites_a, sites_b): (Vec<usize>, Vec<usize>) = ((0..10).collect(), (10..25).collect());
    let spins = Configurations::from(followers(4000, 25));
    let own = Projection::principal(&spins, &sites_b, 1).unwrap();
    let joint = Projection::joint(&spins, [&sites_a, &sites_b], 1).unwrap();
    for (projection, sites, length) in [
        (&own, &sites_b, 15.0_f64),
        (&joint[0], &sites_a, 25.0),
        (&joint[1], &sites_b, 25.0),
    ] {
        let found = projection.of(&spins).unwrap();
        assert_eq!((found.rows(), found.dimension()), (4000, 1));
        let direction = &projection.directions[0];
        // The eigenvalue 0.36 N + 0.64 stands far above 0.64: entries differ from
        // 1 / sqrt(N) by about sqrt(1 / (4000 · 0.36 N)) · 1/0.6.
        let size = direction[0].signum() / length.sqrt();
        assert!(
            direction.iter().all(|d| (d - size).abs() < 0.05),
            "{direction:?}"
        );
        let bits = spins.as_spins().unwrap();
        let row: f64 = sites
            .iter()
            .zip(direction)
            .map(|(&s, d)| if bits.get(7, s) { *d } else { -d })
            .sum();
        assert!((found.row(7)[0] - row).abs() < 1e-12);
    }
    // One direction of the whole: both shares have the same sign.
    let product = joint[0].directions[0][0] * joint[1].directions[0][0];
    assert!(product > 0.0);
}

#[test]
fn features_of_directors_are_whole() {
    let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
    let directors = DirectorMatrix::new(Unit::PlanarDirector, 3, values);
    let found = features(&directors.into(), &[2, 0]);
    assert_eq!(found, [4.0, 5.0, 0.0, 1.0, 10.0, 11.0, 6.0, 7.0]);
}

#[test]
fn only_integers_on_the_unit_lattice_are_counted() {
    let integers = |values: &[f64], spacing| {
        let found = Collective::continuous(values.to_vec(), 1).unwrap();
        found.on_lattice(spacing).unwrap().integers()
    };
    assert_eq!(integers(&[3.0, 0.0], 1.0), Some(vec![3, 0]));
    assert_eq!(integers(&[3.0, -1.0], 1.0), None);
    assert_eq!(integers(&[3.0, 0.5], 1.0), None);
    assert_eq!(integers(&[3.0, 0.0], 0.5), None);
}

#[test]
fn dithers_stay_within_half_a_spacing() {
    let known = Collective::continuous(vec![0.0, 0.5, 4.5], 1).unwrap();
    let mut generator = stream("2", &[]);
    assert_eq!(known.dithered(&mut generator), known);
    let lattice = known.clone().on_lattice(0.5).unwrap();
    let dithered = lattice.dithered(&mut generator);
    for (x, y) in known.values().iter().zip(dithered.values()) {
        assert!((x - y).abs() <= 0.25 && (x - y).abs() > 0.0);
    }
}

#[test]
fn what_is_no_table_of_numbers_is_refused() {
    let refused = |values: &[f64], dimension| Collective::continuous(values.to_vec(), dimension);
    assert!(matches!(refused(&[], 1), Err(InferenceError::Empty { .. })));
    assert!(matches!(
        refused(&[1.0], 0),
        Err(InferenceError::Empty { .. })
    ));
    assert!(matches!(
        refused(&[1.0; 3], 2),
        Err(InferenceError::Shape { .. })
    ));
    assert!(matches!(
        refused(&[1.0, f64::NAN], 1),
        Err(InferenceError::NotFinite { index: 1, .. })
    ));
    assert!(refused(&[1.0], 1).unwrap().on_lattice(0.0).is_err());
}
