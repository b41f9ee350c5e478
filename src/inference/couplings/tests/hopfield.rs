//! Matrices of couplings, read off posteriors of the Hopfield model.

use super::*;

/// The Hopfield model by Gibbs sampling of its field, a sweep between two rows.
struct Memory {
    beta: f64,
    patterns: BitMatrix,
    spins: BitMatrix,
    blocks: Vec<u32>,
}

fn sign(bits: &BitMatrix, row: usize, site: usize) -> f64 {
    if bits.get(row, site) { 1.0 } else { -1.0 }
}

impl Memory {
    fn new([sites, patterns]: [usize; 2], beta: f64, rows: usize, seed: &str) -> Self {
        let mut generator = stream(seed, &["memory"]);
        let mut truth = BitMatrix::zeros(patterns, sites);
        let mut spins = BitMatrix::zeros(rows, sites);
        for site in 0..sites {
            (0..patterns).for_each(|p| truth.set(p, site, uniform(&mut generator) < 0.5));
        }
        let mut sums = vec![0.0; patterns];
        let coupling = beta / sites as f64;
        for sweep in 0..rows + 50 {
            let mut draw = |sum: &f64| coupling * sum + coupling.sqrt() * normal(&mut generator);
            let field: Vec<f64> = sums.iter().map(&mut draw).collect();
            sums.fill(0.0);
            for site in 0..sites {
                let terms = field.iter().enumerate();
                let half: f64 = terms.map(|(p, h)| h * sign(&truth, p, site)).sum();
                let up = uniform(&mut generator) < 1.0 / (1.0 + (-2.0 * half).exp());
                for (p, sum) in sums.iter_mut().enumerate() {
                    *sum += if up { 1.0 } else { -1.0 } * sign(&truth, p, site);
                }
                if sweep >= 50 {
                    spins.set(sweep - 50, site, up);
                }
            }
        }
        Self {
            beta,
            patterns: truth,
            spins,
            blocks: consecutive_blocks(rows, rows.div_ceil(100)),
        }
    }

    /// `Σ_μ ξ_i^μ ξ_j^μ / N`, the couplings without the inverse temperature.
    fn couplings(&self) -> Vec<f64> {
        self.weighted(vec![1.0; self.patterns.rows()])
    }

    /// `Σ_μ w_μ ξ_i^μ ξ_j^μ / N`.
    fn weighted(&self, weights: impl AsRef<[f64]>) -> Vec<f64> {
        let sites = self.spins.columns();
        let entry = |i, j| {
            let patterns = weights.as_ref().iter().enumerate();
            let products =
                patterns.map(|(p, w)| w * sign(&self.patterns, p, i) * sign(&self.patterns, p, j));
            products.sum::<f64>() / sites as f64
        };
        (0..sites * sites)
            .map(|k| entry(k / sites, k % sites))
            .collect()
    }

    /// `E[φ_i|s]` by its definition, with noise of the given size.
    fn half_logits(&self, noise: f64, seed: &str) -> Vec<f32> {
        let couplings: Vec<f64> = self.couplings().iter().map(|j| self.beta * j).collect();
        self.responses(&couplings, noise, seed)
    }

    /// `Σ_j W_ij s_j` with noise of the given size.
    fn responses(&self, couplings: &[f64], noise: f64, seed: &str) -> Vec<f32> {
        let mut generator = stream(seed, &["half-logits"]);
        let sites = self.spins.columns();
        let mut values = Vec::new();
        for row in 0..self.spins.rows() {
            for i in 0..sites {
                let terms =
                    (0..sites).map(|j| couplings[i * sites + j] * sign(&self.spins, row, j));
                let exact = terms.sum::<f64>();
                values.push((exact + noise * normal(&mut generator)) as f32);
            }
        }
        values
    }
}

#[test]
fn the_coupling_matrix_of_a_hopfield_model_is_recovered_in_both_phases() {
    for beta in [0.6, 1.5] {
        let memory = Memory::new([60, 3], beta, 1500, "recovered");
        let truth: Vec<f64> = memory.couplings().iter().map(|j| beta * j).collect();
        // Half-logits in single precision; a rank that is too large does no harm.
        let exact = memory.half_logits(0.0, "recovered");
        for rank in [3, 6] {
            let matrix = coupling_matrix(&exact, &memory.spins, rank, &memory.blocks).unwrap();
            let found = compare_couplings(&matrix.entries(), &truth, 60).unwrap();
            assert!(found.relative_error < 1e-5, "{rank} {found:?}");
            assert!(matrix.asymmetry() < 1e-5);
        }
        let noisy = memory.half_logits(0.1, "recovered");
        let matrix = coupling_matrix(&noisy, &memory.spins, 3, &memory.blocks).unwrap();
        let found = compare_couplings(&matrix.entries(), &truth, 60).unwrap();
        assert!(found.correlation > 0.995, "{found:?}");
        assert!(found.relative_error < 0.1, "{found:?}");
        let mut generator = stream("slope", &[]);
        let bootstrap = &mut Bootstrap {
            resamples: 100,
            generator: &mut generator,
        };
        let couplings = memory.couplings();
        let agreement = matrix.agreement(&couplings, bootstrap).unwrap();
        assert_within(agreement.slope, beta, "slope");
        let (spins, patterns) = (&memory.spins, &memory.patterns);
        let known = pattern_regression(&noisy, spins, patterns, &memory.blocks, bootstrap);
        assert_within(known.unwrap().coupling, beta, "patterns");
        let known = pattern_regression(&exact, spins, patterns, &memory.blocks, bootstrap);
        assert!((known.unwrap().coupling.value / beta - 1.0).abs() < 1e-6);
    }
}

#[test]
fn fewer_rows_than_sites_are_enough_for_a_matrix_of_low_rank() {
    let memory = Memory::new([80, 2], 1.2, 40, "few");
    let half_logits = memory.half_logits(0.0, "few");
    let matrix = coupling_matrix(&half_logits, &memory.spins, 2, &memory.blocks).unwrap();
    let truth: Vec<f64> = memory.couplings().iter().map(|j| 1.2 * j).collect();
    let found = compare_couplings(&matrix.entries(), &truth, 80).unwrap();
    assert!(found.relative_error < 1e-5, "{found:?}");
}

#[test]
fn slopes_of_noisy_matrices_cover_the_inverse_temperature_as_often_as_they_say() {
    let mut covered = [0; 2];
    for seed in 0..100 {
        let seed = format!("covered {seed}");
        let memory = Memory::new([30, 2], 0.7, 400, &seed);
        let noisy = memory.half_logits(0.2, &seed);
        let mut generator = stream(&seed, &["bootstrap"]);
        let bootstrap = &mut Bootstrap {
            resamples: 60,
            generator: &mut generator,
        };
        let (spins, blocks) = (&memory.spins, memory.blocks.as_slice());
        let matrix = coupling_matrix(&noisy, spins, 2, blocks).unwrap();
        let agreement = matrix.agreement(&memory.couplings(), bootstrap).unwrap();
        let slope = agreement.slope;
        let known = pattern_regression(&noisy, spins, &memory.patterns, blocks, bootstrap);
        for (hits, estimate) in covered.iter_mut().zip([slope, known.unwrap().coupling]) {
            *hits += u32::from(covers(estimate, 0.7));
        }
    }
    for hits in covered {
        assert!((90..=99).contains(&hits), "{covered:?}");
    }
}

#[test]
fn intervals_of_the_matrix_of_a_network_that_is_wrong_cover_how_wrong_it_is() {
    // A network that takes the first of two patterns for 0.6 of its strength and the
    // second for 1.2 of it, with a little noise of its own: more noise would add to the
    // error, since directions have noise as well.
    let hits = coverage(|seed| {
        let seed = format!("wrong {seed}");
        let memory = Memory::new([30, 2], 0.7, 400, &seed);
        let learned = memory.weighted([0.6 * 0.7, 1.2 * 0.7]);
        let noisy = memory.responses(&learned, 0.03, &seed);
        let mut generator = stream(&seed, &["bootstrap"]);
        let bootstrap = &mut Bootstrap {
            resamples: 60,
            generator: &mut generator,
        };
        let truth = memory.weighted([0.7, 0.7]);
        let limit = compare_couplings(&learned, &truth, 30).unwrap();
        let matrix = coupling_matrix(&noisy, &memory.spins, 2, &memory.blocks).unwrap();
        (matrix.agreement(&truth, bootstrap).unwrap(), limit)
    });
    assert_covered(hits);
}

#[test]
fn sums_of_a_matrix_of_low_rank_are_those_of_its_entries() {
    let memory = Memory::new([20, 3], 0.9, 200, "sums");
    let noisy = memory.half_logits(0.3, "sums");
    let matrix = coupling_matrix(&noisy, &memory.spins, 3, &memory.blocks).unwrap();
    let truth = memory.couplings();
    let found = matrix.entry_sums(&truth);
    let (mut expected, entries) = ([0.0; 3], matrix.entries());
    for index in (0..400).filter(|index| index / 20 != index % 20) {
        let (w, j) = (entries[index], truth[index]);
        let terms = [w, w * w, w * j];
        expected.iter_mut().zip(terms).for_each(|(e, t)| *e += t);
    }
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-10, "{found}, {expected}");
    }
}
