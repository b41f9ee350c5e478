use std::ops::ControlFlow;

use super::*;
use crate::physics::diagnostics::SlowestTime;
use crate::physics::integrated_time;
use crate::random::stream;

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const METHODS: [SamplingMethod; 3] = [
    SamplingMethod::Wolff,
    SamplingMethod::SwendsenWang,
    SamplingMethod::Metropolis,
];

fn draw(model: &Ising2d, method: SamplingMethod, samples: usize, seed: &str) -> Ensemble {
    let streams = |name: &str| stream(seed, &[name]);
    model.sample(method, samples, &streams, &go_on).unwrap()
}

/// Energies and magnetisations of all samples.
fn values(model: &Ising2d, ensemble: &Ensemble) -> (Vec<f64>, Vec<f64>) {
    let rows = 0..ensemble.samples.rows();
    rows.map(|row| {
        let energy = System::energy(model, &ensemble.samples, row);
        (energy, model.order_values(&ensemble.samples, row)[0])
    })
    .unzip()
}

/// Energy of a word by the definition: a double sum over sites that are neighbours.
fn energy_by_definition(side: usize, word: u64) -> f64 {
    let spin = |row: usize, column: usize| {
        let bit = word >> (row % side * side + column % side) & 1;
        if bit == 1 { 1.0 } else { -1.0 }
    };
    let sites = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
    sites
        .map(|(row, column)| -spin(row, column) * (spin(row, column + 1) + spin(row + 1, column)))
        .sum()
}

#[test]
fn energies_and_magnetisations_are_those_of_the_definition() {
    for side in [2, 3, 4, 7, 8] {
        let model = Ising2d::new(side, 2.0).unwrap();
        let sites = side * side;
        let words = super::super::draw_patterns(50, sites, &mut stream("states", &[]));
        let samples = Configurations::from(words.clone());
        for row in 0..50 {
            let word = words.row(row)[0];
            let expected = energy_by_definition(side, word);
            assert!((System::energy(&model, &samples, row) - expected).abs() < 1e-12);
            let up = f64::from(word.count_ones());
            let magnetisation = (2.0 * up - sites as f64) / sites as f64;
            assert!((model.order_values(&samples, row)[0] - magnetisation).abs() < 1e-12);
        }
    }
}

/// Chi square of samples against the exact probabilities of the pairs of energy and
/// magnetisation of a small lattice; in standard deviations above its mean.
fn excess_chi_square(side: usize, method: SamplingMethod, temperature: f64) -> f64 {
    let model = Ising2d::new(side, temperature).unwrap();
    let ensemble = draw(&model, method, 40_000, "chi square");
    let key = |energy: f64, magnetisation: f64| {
        (
            energy as i64,
            (magnetisation * (side * side) as f64).round() as i64,
        )
    };
    let mut expected: BTreeMap<(i64, i64), f64> = BTreeMap::new();
    let log_partition = model.solution().log_partition;
    for word in 0..1_u64 << (side * side) {
        let energy = energy_by_definition(side, word);
        let up = f64::from(word.count_ones());
        let magnetisation = 2.0 * up / (side * side) as f64 - 1.0;
        let probability = (-model.beta() * energy - log_partition).exp();
        *expected.entry(key(energy, magnetisation)).or_default() += probability;
    }
    let mut counts: BTreeMap<(i64, i64), f64> = BTreeMap::new();
    let (energies, magnetisations) = values(&model, &ensemble);
    for (&energy, &magnetisation) in energies.iter().zip(&magnetisations) {
        *counts.entry(key(energy, magnetisation)).or_default() += 1.0;
    }
    // Rare classes are pooled; the excess is diluted by what correlation is left.
    let (mut chi_square, mut classes) = (0.0, 0.0);
    let (mut rare, mut rare_count) = (0.0, 0.0);
    for (class, probability) in expected {
        let mean = probability * energies.len() as f64;
        let count = counts.remove(&class).unwrap_or(0.0);
        if mean < 10.0 {
            (rare, rare_count) = (rare + mean, rare_count + count);
        } else {
            chi_square += (count - mean).powi(2) / mean;
            classes += 1.0;
        }
    }
    assert!(counts.is_empty(), "{counts:?} cannot be");
    if rare > 10.0 {
        chi_square += (rare_count - rare).powi(2) / rare;
        classes += 1.0;
    }
    let inflation = energies.len() as f64 / ensemble.effective_samples;
    let freedom: f64 = classes - 1.0;
    (chi_square / inflation - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn every_sampler_meets_the_exact_distribution_of_small_lattices() {
    for side in [2, 3, 4] {
        for method in METHODS {
            for temperature in [2.0, 2.27, 4.0] {
                let excess = excess_chi_square(side, method, temperature);
                assert!(excess < 4.0, "{side} {method:?} {temperature}: {excess}");
            }
        }
    }
}

#[test]
fn every_sampler_meets_kaufmans_energy_and_specific_heat() {
    for temperature in [2.0, Ising2d::critical_temperature(), 2.8] {
        let model = Ising2d::new(16, temperature).unwrap();
        let exact = model.solution();
        for (method, seed) in METHODS
            .into_iter()
            .flat_map(|m| ["1", "2", "3"].map(|s| (m, s)))
        {
            let ensemble = draw(&model, method, 4000, seed);
            let (energies, _) = values(&model, &ensemble);
            let squares = energies.iter().map(|e| (e - exact.mean_energy).powi(2));
            let cases = [
                (energies.clone(), exact.mean_energy),
                (squares.collect(), exact.energy_variance),
            ];
            for (series, mean) in cases {
                let count = series.len() as f64;
                let found = series.iter().sum::<f64>() / count;
                let variance = series.iter().map(|x| (x - found).powi(2)).sum::<f64>() / count;
                let error = (variance / ensemble.effective_samples.min(count)).sqrt();
                assert!(
                    (found - mean).abs() < 4.0 * error,
                    "{method:?} at {temperature}: {found} ± {error}, exact {mean}"
                );
            }
            assert!(ensemble.warnings.is_empty(), "{:?}", ensemble.warnings);
        }
    }
}

#[test]
fn lengthened_chains_meet_kaufmans_energy() {
    // A pilot that found no correlations where there are some, of several sweeps: at
    // first a sample is kept after every sweep.
    let model = Ising2d::new(16, Ising2d::critical_temperature()).unwrap();
    let exact = model.solution();
    let pilot = lattice_chains::Pilot {
        time: SlowestTime::INDEPENDENT,
        step: 1.0,
    };
    for seed in ["1", "2", "3"] {
        let streams = |name: &str| stream(seed, &["lengthened", name]);
        let run = lattice_chains::Run {
            method: SamplingMethod::SwendsenWang,
            samples: 4000,
            work: 256.0,
            streams: &streams,
            progress: &go_on,
        };
        let start = |chain, generator, _| {
            SwendsenWang::new(model.clusters(chain, generator), Start::of(chain))
        };
        let rows = |rows: Vec<_>| collect(256, &rows);
        let ensemble = lattice_chains::sample_after(&pilot, &start, &run, rows).unwrap();
        assert!(ensemble.sweeps_per_sample > 1, "{seed}");
        assert!(ensemble.split_r_hat.unwrap() <= 1.01, "{seed}");
        assert!(ensemble.effective_samples >= 2000.0, "{seed}");
        assert!(ensemble.warnings.is_empty(), "{:?}", ensemble.warnings);
        let pull = (ensemble.mean_energy - exact.mean_energy) / ensemble.mean_energy_error;
        assert!(pull.abs() < 4.0, "{seed}: {pull}");
    }
}

#[test]
fn signs_of_the_magnetisation_are_even_in_the_ordered_phase() {
    let model = Ising2d::new(8, 1.2).unwrap();
    for method in METHODS {
        let (_, magnetisations) = values(&model, &draw(&model, method, 2000, "signs"));
        let up = magnetisations.iter().filter(|&&m| m > 0.0).count();
        let pull = (up as f64 - 1000.0) / (2000.0_f64 / 4.0).sqrt();
        assert!(pull.abs() < 4.0, "{method:?}: {up} of 2000");
    }
}

#[test]
fn lattices_of_one_word_are_independent_of_each_other() {
    let temperature = 2.5;
    let mut lattices = MultiSpin::new(8, 1.0 / temperature, &mut stream("lattices", &[]));
    (0..200).for_each(|_| lattices.sweep());
    // Energies of all 64 lattices: a sum of independent ones has the sum of variances.
    let (mut sums, mut singles) = (Vec::new(), vec![Vec::new(); 64]);
    for _ in 0..20_000 {
        lattices.sweep();
        let energies = lattices.energies_and_sums().map(|(energy, _)| energy);
        sums.push(energies.iter().sum::<f64>());
        for (series, energy) in singles.iter_mut().zip(energies) {
            series.push(energy);
        }
    }
    let slices: Vec<&[f64]> = singles.iter().map(Vec::as_slice).collect();
    let time = integrated_time(&slices).unwrap().time;
    let exact = Kaufman::new(8, 1.0 / temperature);
    let mean = 64.0 * exact.mean_energy;
    let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / sums.len() as f64;
    // A nearly normal sum: the variance has the relative error √(2 / effective count).
    let error = (2.0 * 2.0 * time / sums.len() as f64).sqrt();
    let ratio = variance / (64.0 * exact.energy_variance);
    assert!((ratio - 1.0).abs() < 4.0 * error, "{ratio} ± {error}");
}

#[test]
fn multi_spin_rows_energies_and_sites_tell_the_same() {
    for side in [2, 3, 5, 8, 16, 19] {
        let mut lattices = MultiSpin::new(side, 0.4, &mut stream("rows", &[]));
        (0..5).for_each(|_| lattices.sweep());
        let model = Ising2d::new(side, 2.5).unwrap();
        let found = lattices.energies_and_sums();
        let rows = lattices.rows();
        for (lattice, row) in rows.iter().enumerate() {
            let spins = model.unpack(row);
            for (site, &spin) in spins.iter().enumerate() {
                assert_eq!(lattices.at(site) >> lattice & 1, u64::from(spin));
            }
            assert_eq!(found[lattice], energy_and_sum(&spins, side));
        }
        // Unused bits stay zero, as a bit matrix has it.
        let bits = BitMatrix::from_words(64, side * side, rows.concat());
        assert!(bits.is_ok(), "{bits:?}");
    }
}

#[test]
fn the_number_of_threads_decides_nothing() {
    let model = Ising2d::new(6, 2.3).unwrap();
    for method in METHODS {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build()
                .unwrap()
                .install(|| draw(&model, method, 300, "threads"))
        };
        assert_eq!(with(1), with(3));
    }
}

#[test]
fn mutual_information_of_sublattices_has_its_published_value() {
    // Exact on the 4 x 4 torus: I(even; odd) = 1.084479 nats at the critical point.
    let model = Ising2d::new(4, Ising2d::critical_temperature()).unwrap();
    let solution = model.solution();
    let conditional: f64 = (0..1_u64 << 16)
        .map(|word| {
            let log_weight = -model.beta() * energy_by_definition(4, word);
            let probability = (log_weight - solution.log_partition).exp();
            probability * model.sublattice_entropy(&[word]).unwrap()
        })
        .sum();
    let information = solution.entropy - 2.0 * conditional;
    assert!((information - 1.084_479).abs() < 6e-7, "{information}");
}

#[test]
fn sublattice_entropy_is_the_sum_of_binary_entropies() {
    let model = Ising2d::new(6, 1.7).unwrap();
    let word = 0x9_1e3b_7a5c;
    let spin = |row: usize, column: usize| {
        if word >> (row % 6 * 6 + column % 6) & 1 == 1 {
            1.0
        } else {
            -1.0_f64
        }
    };
    let mut expected = 0.0;
    for (row, column) in (0..6).flat_map(|row| (0..6).map(move |column| (row, column))) {
        if (row + column) % 2 == 1 {
            let sum = spin(row, column + 1)
                + spin(row, column + 5)
                + spin(row + 1, column)
                + spin(row + 5, column);
            let up = 1.0 / (1.0 + (-2.0 * sum / 1.7).exp());
            expected -= up * up.ln() + (1.0 - up) * (1.0 - up).ln();
        }
    }
    let found = model.sublattice_entropy(&[word]).unwrap();
    assert!((found - expected).abs() < 1e-10, "{found}, {expected}");
}

#[test]
fn what_cannot_be_computed_is_refused_with_the_range() {
    for side in [0, 1, 1025] {
        let error = Ising2d::new(side, 2.0).unwrap_err();
        assert!(error.to_string().contains("expected 2 to 1024"), "{error}");
    }
    for temperature in [0.0, -1.0, f64::NAN, 0.01, f64::INFINITY] {
        let error = Ising2d::new(8, temperature).unwrap_err();
        assert!(matches!(error, PhysicsError::Temperature { .. }), "{error}");
    }
    let odd = Ising2d::new(5, 2.0).unwrap().sublattice_entropy(&[0]);
    assert_eq!(odd, Err(PhysicsError::SublatticesMissing { side: 5 }));
    let streams = |name: &str| stream("refused", &[name]);
    let model = Ising2d::new(4, 2.0).unwrap();
    let error = model
        .sample(SamplingMethod::Gibbs, 10, &streams, &go_on)
        .unwrap_err();
    assert!(
        matches!(error, PhysicsError::MethodMissing { .. }),
        "{error}"
    );
    let stop = |_: f64| ControlFlow::Break(());
    for method in METHODS {
        let error = model.sample(method, 10, &streams, &stop).unwrap_err();
        assert_eq!(error, PhysicsError::Cancelled);
    }
}
