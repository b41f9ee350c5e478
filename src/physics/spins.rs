//! Spins in a field: the Hopfield model as a [`MeanField`].
//!
//! The feature of site `i` is `y_i(s_i) = s_i (ξ_i^1, …, ξ_i^P)`. Spins and patterns
//! are single-precision ±1 here, so that the loops vectorise; sums of spins are
//! exact, and no loop adds in an order that depends on the machine.

use multiversion::multiversion;
use rand::Rng;

use super::{Hopfield, MeanField};
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::random::{Generator, uniform};

/// Lanes that a sum of ±1 is kept in; any order of adding is exact.
const LANES: usize = 16;
/// Squarings of the pattern correlations: a bound within a factor `P^(1/64)`.
const SQUARINGS: i32 = 6;

/// The patterns of a Hopfield model, laid out for sampling.
///
/// A configuration draws all spins independently with
/// `P(s_i = 1) = 1 / (1 + exp(-2φ_i))`, `φ_i = Σ_μ h_μ ξ_i^μ + β h_i`; probabilities are
/// resolved to about `5e-10`. Its jump relabels patterns: `s_i -> ± s_i ξ_i^μ ξ_i^ν`
/// turns a state condensed on pattern `μ`, the one of largest overlap, into one on
/// `ν`, drawn uniformly with the sign. It is proposed only if `ν` then has the
/// largest overlap, which makes the reverse equally probable.
#[derive(Debug, Clone)]
pub struct SpinField {
    sites: usize,
    patterns: usize,
    /// Patterns row by row, ±1.
    rows: Vec<f32>,
    /// External fields, one a site; empty if there are none.
    fields: Vec<f64>,
    ordering_beta: f64,
}

/// A configuration of ±1 spins.
#[derive(Debug, Clone)]
pub struct Spins {
    values: Vec<f32>,
    proposal: Vec<f32>,
    /// External energy of the values and of the proposal, in units of `J`.
    external: f64,
    proposed_external: f64,
    half_logits: Vec<f32>,
    uniforms: Vec<f32>,
}

impl SpinField {
    /// Lays out the patterns of `model`; the temperature is not part of it.
    #[must_use]
    pub fn new(model: &Hopfield) -> Self {
        let (sites, patterns) = (model.sites(), model.patterns().rows());
        let mut rows = vec![0.0; sites * patterns];
        for (pattern, row) in rows.chunks_exact_mut(sites).enumerate() {
            model.patterns().write_row(pattern, -1.0, 1.0, row);
        }
        Self {
            sites,
            patterns,
            rows,
            fields: model.fields().to_vec(),
            ordering_beta: 1.0 / largest_eigenvalue(model),
        }
    }

    fn row(&self, pattern: usize) -> &[f32] {
        &self.rows[pattern * self.sites..(pattern + 1) * self.sites]
    }
}

impl MeanField for SpinField {
    type Sites = Spins;
    type Record = Vec<u64>;

    fn sites(&self) -> usize {
        self.sites
    }

    fn dimension(&self) -> usize {
        self.patterns
    }

    fn log_measure(&self) -> f64 {
        self.sites as f64 * std::f64::consts::LN_2
    }

    /// The inverse of a close upper bound of the largest eigenvalue of `ξξ'/N`.
    fn ordering_beta(&self) -> f64 {
        self.ordering_beta
    }

    fn blank(&self) -> Spins {
        Spins {
            values: vec![1.0; self.sites],
            proposal: vec![1.0; self.sites],
            external: 0.0,
            proposed_external: 0.0,
            half_logits: vec![0.0; self.sites],
            // Drawn in pairs, so one more where the number of sites is odd.
            uniforms: vec![0.0; self.sites.next_multiple_of(2)],
        }
    }

    fn draw_sites(
        &self,
        beta: f64,
        field: &[f32],
        sites: &mut Spins,
        total: &mut [f64],
        generator: &mut Generator,
    ) {
        fill_uniform(&mut sites.uniforms, generator);
        external_half_logits(&self.fields, beta, &mut sites.half_logits);
        add_half_logits(&self.rows, field, &mut sites.half_logits);
        draw_spins(&sites.half_logits, &sites.uniforms, &mut sites.values);
        sums(&self.rows, &sites.values, total);
        sites.external = external_energy(&self.fields, &sites.values);
    }

    fn external_energy(&self, sites: &Spins) -> f64 {
        sites.external
    }

    fn proposed_external_energy(&self, sites: &Spins) -> f64 {
        sites.proposed_external
    }

    fn propose_jump(
        &self,
        sites: &mut Spins,
        total: &[f64],
        proposed: &mut [f64],
        generator: &mut Generator,
    ) -> bool {
        let source = largest(total);
        #[expect(clippy::cast_sign_loss, reason = "neither factor is negative")]
        let target = (uniform(generator) * self.patterns as f64) as usize;
        let sign = if uniform(generator) < 0.5 { -1.0 } else { 1.0 };
        let labels = self.row(source).iter().zip(self.row(target));
        let spins = sites.values.iter().zip(labels);
        for (proposal, (spin, (from, to))) in sites.proposal.iter_mut().zip(spins) {
            *proposal = sign * spin * from * to;
        }
        sums(&self.rows, &sites.proposal, proposed);
        sites.proposed_external = external_energy(&self.fields, &sites.proposal);
        largest(proposed) == target
    }

    fn accept_jump(&self, sites: &mut Spins) {
        std::mem::swap(&mut sites.values, &mut sites.proposal);
        std::mem::swap(&mut sites.external, &mut sites.proposed_external);
    }

    fn record(&self, sites: &Spins) -> Vec<u64> {
        let pack = |chunk: &[f32]| {
            let up = chunk.iter().rev().map(|&spin| u64::from(spin > 0.0));
            up.fold(0, |word, bit| word << 1 | bit)
        };
        sites.values.chunks(64).map(pack).collect()
    }

    fn collect(&self, records: Vec<Vec<u64>>) -> Configurations {
        let mut collected = BitMatrix::zeros(records.len(), self.sites);
        for (row, words) in records.iter().enumerate() {
            collected.set_row(row, words);
        }
        collected.into()
    }
}

/// Index of the total of largest size, the first of equals.
fn largest(total: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in total.iter().enumerate() {
        if value.abs() > total[best].abs() {
            best = index;
        }
    }
    best
}

/// Bounds the largest eigenvalue of `C = ξξ'/N` by `(tr C^64)^(1/64)`.
fn largest_eigenvalue(model: &Hopfield) -> f64 {
    let patterns = model.patterns();
    let count = patterns.rows();
    let mut matrix: Vec<f64> = (0..count)
        .flat_map(|p| model.overlaps(patterns.row(p)))
        .collect();
    let mut log_scale = 0.0;
    for squaring in 0..SQUARINGS {
        let trace: f64 = matrix.iter().step_by(count + 1).sum();
        // `C^(2^squaring)` is `matrix` times `exp(2^squaring * log_scale)`.
        for x in &mut matrix {
            *x /= trace;
        }
        log_scale += trace.ln() / f64::from(1 << squaring);
        matrix = squared(&matrix, count);
    }
    let trace: f64 = matrix.iter().step_by(count + 1).sum();
    (log_scale + trace.ln() / f64::from(1 << SQUARINGS)).exp()
}

/// The square of a symmetric matrix of `count` rows.
fn squared(matrix: &[f64], count: usize) -> Vec<f64> {
    let rows = || matrix.chunks_exact(count);
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum();
    rows()
        .flat_map(|x| rows().map(move |y| product(x, y)))
        .collect()
}

/// Fills with uniform numbers from `[0, 1]`, two from each 64-bit word.
fn fill_uniform(uniforms: &mut [f32], generator: &mut Generator) {
    const UNIT: f32 = 1.0 / (1_u32 << 31) as f32;
    for pair in uniforms.chunks_exact_mut(2) {
        let word = generator.next_u64();
        pair[0] = ((word >> 33) as u32).cast_signed() as f32 * UNIT;
        pair[1] = (word as u32 >> 1).cast_signed() as f32 * UNIT;
    }
}

/// `φ_i = β h_i`, and 0 without external fields.
fn external_half_logits(fields: &[f64], beta: f64, phi: &mut [f32]) {
    if fields.is_empty() {
        phi.fill(0.0);
    }
    for (phi, field) in phi.iter_mut().zip(fields) {
        *phi = (beta * field) as f32;
    }
}

/// `-Σ_i h_i s_i` in double precision, lane by lane: the order of the sum is fixed.
fn external_energy(fields: &[f64], spins: &[f32]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (fields, spins) in fields.chunks(LANES).zip(spins.chunks(LANES)) {
        for (lane, (field, spin)) in lanes.iter_mut().zip(fields.iter().zip(spins)) {
            *lane -= field * f64::from(*spin);
        }
    }
    lanes.iter().sum()
}

/// Adds `Σ_μ h_μ ξ_i^μ` to `φ_i`, in the order of the patterns.
#[multiversion(targets("x86_64+avx2"))]
fn add_half_logits(rows: &[f32], field: &[f32], phi: &mut [f32]) {
    for (row, h) in rows.chunks_exact(phi.len()).zip(field) {
        for (phi, xi) in phi.iter_mut().zip(row) {
            *phi += h * xi;
        }
    }
}

/// Draws `s_i = sign(φ_i)` with probability `1 / (1 + exp(-2|φ_i|))`, else the other.
#[multiversion(targets("x86_64+avx2"))]
fn draw_spins(phi: &[f32], uniforms: &[f32], spins: &mut [f32]) {
    for (spin, (phi, u)) in spins.iter_mut().zip(phi.iter().zip(uniforms)) {
        let weight = exp_of_negative(-2.0 * phi.abs());
        let aligned = if u * (1.0 + weight) < weight {
            -1.0_f32
        } else {
            1.0
        };
        *spin = aligned * 1.0_f32.copysign(*phi);
    }
}

/// `Σ_i ξ_i^μ s_i` for every pattern.
#[multiversion(targets("x86_64+avx2"))]
fn sums(rows: &[f32], spins: &[f32], total: &mut [f64]) {
    for (row, total) in rows.chunks_exact(spins.len()).zip(total) {
        let mut lanes = [0.0_f32; LANES];
        let (xi, s) = (row.chunks_exact(LANES), spins.chunks_exact(LANES));
        let rest = xi.remainder().iter().zip(s.remainder());
        let rest: f32 = rest.map(|(xi, s)| xi * s).sum();
        for (xi, s) in xi.zip(s) {
            for (lane, (xi, s)) in lanes.iter_mut().zip(xi.iter().zip(s)) {
                *lane += xi * s;
            }
        }
        *total = f64::from(lanes.iter().sum::<f32>() + rest);
    }
}

/// `exp(x)` for `x ≤ 0` to a few parts in 10^7, in operations that vectorise.
///
/// `x log2(e) = n + f` with `|f| ≤ 1/2`; `2^n` is written into the exponent and
/// `2^f` is its Taylor series to sixth order. Below `exp(-80)` it stays there.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    /// Adding and taking away `1.5 * 2^23` rounds to the nearest integer.
    const ROUNDING: f32 = 12_582_912.0;
    const EXPONENT_BIAS: i32 = 127;
    let scaled = x.max(-80.0) * std::f32::consts::LOG2_E;
    let shifted = scaled + ROUNDING;
    let y = (scaled - (shifted - ROUNDING)) * std::f32::consts::LN_2;
    let series = 1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0));
    let fraction = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * series)));
    // The low bits of `shifted` hold the integer.
    let integer = shifted
        .to_bits()
        .wrapping_sub(ROUNDING.to_bits())
        .cast_signed();
    fraction * f32::from_bits(((integer + EXPONENT_BIAS) << 23).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{Replica, draw_patterns};
    use crate::random::stream;

    fn field(count: usize, sites: usize) -> (Hopfield, SpinField) {
        let stored = draw_patterns(count, sites, &mut stream("patterns", &[]));
        let model = Hopfield::new(stored, 0.8).unwrap();
        let field = SpinField::new(&model);
        (model, field)
    }

    #[test]
    fn the_fast_exponential_agrees_with_the_library() {
        for i in 0..8000 {
            let x = -0.01 * i as f32;
            let exact = f64::from(x).exp();
            let relative = f64::from(exp_of_negative(x)) / exact - 1.0;
            // Rounding of x log2(e): up to 116 units of 2^-24, times ln 2.
            assert!(
                relative.abs() < 8e-7 + 6e-8 * f64::from(x.abs()),
                "{x}: {relative}"
            );
        }
        assert!(exp_of_negative(f32::NEG_INFINITY) < 1e-34);
    }

    #[test]
    fn spins_in_a_fixed_field_have_logistic_means() {
        let (model, spin_field) = field(3, 37);
        let field = [0.4, -0.7, 0.2];
        let mut generator = stream("spins", &[]);
        let mut sites = spin_field.blank();
        let mut total = [0.0; 3];
        let (draws, mut sums) = (20_000, [0.0; 37]);
        for _ in 0..draws {
            spin_field.draw_sites(1.0, &field, &mut sites, &mut total, &mut generator);
            sums.iter_mut()
                .zip(&sites.values)
                .for_each(|(sum, s)| *sum += f64::from(*s));
        }
        for (site, sum) in sums.iter().enumerate() {
            let sign = |p| {
                if model.patterns().get(p, site) {
                    1.0
                } else {
                    -1.0
                }
            };
            let phi: f64 = (0..3).map(|p| sign(p) * f64::from(field[p])).sum();
            let expected = phi.tanh();
            let error = ((1.0 - expected.powi(2)) / f64::from(draws)).sqrt();
            let pull = (sum / f64::from(draws) - expected) / error;
            assert!(pull.abs() < 4.5, "site {site}: pull {pull}");
        }
    }

    #[test]
    fn totals_and_records_follow_the_spins_through_sweeps_and_jumps() {
        let (model, spin_field) = field(4, 101);
        let mut generator = stream("walk", &[]);
        let mut replica = Replica::random(&spin_field, &mut generator);
        for _ in 0..200 {
            replica.sweep(&spin_field, 2.0, &mut generator);
            replica.jump(&spin_field, 2.0, &mut generator);
            let words = spin_field.record(replica.sites());
            let sums: Vec<f64> = model.pattern_sums(&words).map(|x| x as f64).collect();
            assert_eq!(replica.total(), sums);
            let energy = replica.energy(&spin_field);
            assert!((energy - model.energy(&words)).abs() < 1e-9);
        }
    }

    #[test]
    fn energies_follow_the_spins_in_external_fields_too() {
        let stored = draw_patterns(3, 67, &mut stream("patterns", &[]));
        let mut generator = stream("walk", &["fields"]);
        let fields = (0..67).map(|_| uniform(&mut generator) - 0.5).collect();
        let model = Hopfield::with_fields(stored, fields, 0.7).unwrap();
        let spin_field = SpinField::new(&model);
        let mut replica = Replica::random(&spin_field, &mut generator);
        let mut jumps = 0;
        for _ in 0..300 {
            replica.sweep(&spin_field, 0.5, &mut generator);
            let before = spin_field.record(replica.sites());
            replica.jump(&spin_field, 0.5, &mut generator);
            let words = spin_field.record(replica.sites());
            jumps += usize::from(before != words);
            let energy = replica.energy(&spin_field);
            assert!((energy - model.energy(&words)).abs() < 1e-9);
        }
        assert!(jumps > 10, "{jumps}");
    }

    #[test]
    fn a_jump_undone_by_its_reverse_is_the_same_configuration() {
        let (model, spin_field) = field(4, 60);
        let mut generator = stream("jump", &[]);
        let mut sites = spin_field.blank();
        model.patterns().write_row(1, -1.0, 1.0, &mut sites.values);
        let mut total = [0.0; 4];
        sums(&spin_field.rows, &sites.values, &mut total);
        let start = sites.values.clone();
        let mut visited = [false; 4];
        let (mut proposed, mut back) = ([0.0; 4], [0.0; 4]);
        for _ in 0..200 {
            assert!(spin_field.propose_jump(&mut sites, &total, &mut proposed, &mut generator));
            let target = largest(&proposed);
            visited[target] = true;
            assert!(
                (proposed[target].abs() - 60.0).abs() < 1e-12,
                "a pattern again"
            );
            spin_field.accept_jump(&mut sites);
            // Redraw the reverse until it names the first pattern and sign again.
            while !(spin_field.propose_jump(&mut sites, &proposed, &mut back, &mut generator)
                && largest(&back) == 1
                && back[1] > 0.0)
            {}
            spin_field.accept_jump(&mut sites);
            assert_eq!(sites.values, start);
        }
        assert_eq!(visited, [true; 4]);
    }

    #[test]
    fn the_disordered_phase_ends_where_the_largest_eigenvalue_says() {
        // Orthogonal patterns: all eigenvalues are 1; equal ones: one is P.
        let mut orthogonal = BitMatrix::zeros(2, 8);
        let mut equal = BitMatrix::zeros(2, 8);
        for site in 0..8 {
            orthogonal.set(0, site, true);
            orthogonal.set(1, site, site % 2 == 0);
            equal.set(0, site, site % 3 == 0);
            equal.set(1, site, site % 3 == 0);
        }
        // The bound is high by at most the factor 2^(1/64).
        for (patterns, eigenvalue) in [(orthogonal, 1.0), (equal, 2.0)] {
            let bound = largest_eigenvalue(&Hopfield::new(patterns, 1.0).unwrap());
            assert!(bound >= eigenvalue - 1e-12, "{bound}");
            assert!(
                bound <= eigenvalue * 2.0_f64.powf(1.0 / 64.0) + 1e-12,
                "{bound}"
            );
        }
    }
}
