//! Hopfield's model with a few patterns: exact maximum likelihood.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::field_integral::{FieldLattice, SUFFICIENT, THOROUGH};
use super::moments::SpinMoments;
use super::quasi_newton::{Minimum, Value, minimise};
use super::start::{bias_of, check_fields, correlation_loadings, random_patterns};
use crate::fields::GeneralisedHopfield;
use crate::inference::InferenceError;
use crate::inference::basis::{dot, norm};
use crate::random::Generator;

/// Strength of the prior, nats per configuration: `½ PRIOR (b_i² + |ξ_i|²)`.
///
/// It keeps the bias of a silent cell finite, at a rate of `|b| PRIOR / 2` or about 1e-8 per
/// configuration, and shifts the mean of other cells by less than 1e-7.
const PRIOR: f64 = 1e-8;
/// Length of the gradient at which the maximum is reached, in units in which a spin has
/// variance 1, nats per configuration.
const GRADIENT: f64 = 1e-6;
/// Smallest variance of a spin by which parameters are scaled.
const LEAST_SCALE: f64 = 1e-3;
/// Factors of the patterns that correlations suggest, one a start.
const SCALES: [f64; 2] = [1.0, 0.4];
/// Sum of all changes of parameters at which the lattice of the field is made anew. It bounds
/// the change of the exponents `b·s` and, for each pattern, the shift of `ξᵀs`.
const STALE: f64 = 1.0;

/// How hard to look for the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopfieldOptions {
    /// Starts with random patterns, beside two from the correlations.
    pub random_starts: usize,
    /// Steps of each start, at most.
    pub most_iterations: usize,
}

/// The plain Hopfield model of largest likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct HopfieldFit {
    /// The model on a lattice of the field: its potential `G(u)` is `½|u|² - ln Z` to 1e-12
    /// wherever configurations are likelier than about 1e-9.
    pub model: GeneralisedHopfield,
    /// `ln Z = ln Σ_s exp(b·s + ½|ξᵀs|²)`, nats.
    pub log_partition: f64,
    /// Mean log-likelihood of the data, nats per configuration.
    pub log_likelihood: f64,
    /// Length of the gradient, nats per configuration, with each parameter in units of the
    /// inverse standard deviation of its spin.
    pub gradient_norm: f64,
    /// Steps of the best start.
    pub iterations: usize,
    /// Whether the gradient of the best start vanished.
    pub converged: bool,
    /// The log-likelihoods that all starts ended at: two from the correlations, then the
    /// random ones.
    pub starts: Vec<f64>,
}

/// Fits `p(s) = exp(b·s + ½|ξᵀs|²) / Z` with 1 to 3 patterns to the moments of data.
///
/// ```text
/// ln Z = ln ∫ N(h; 0, 1) Π_i 2cosh(b_i + ξ_i·h) dh        (Hubbard and Stratonovich)
/// ∂/∂b_i = m_i - <tanh φ_i>,    ∂/∂ξ_i = Σ_j C_ij ξ_j - <h tanh φ_i>
/// ```
///
/// The integral is exact to twelve digits and the parameters are those of the largest of
/// several maxima, since the likelihood of a coupling matrix of low rank may have more than
/// one. Temperature is in the patterns: there they are `√(β/N)` times ±1.
///
/// `proceed` is asked after each step of each start, from several threads, and may end
/// them all where they are.
///
/// # Errors
///
/// - [`InferenceError::Components`] if `patterns` is not from 1 to
///   [`MAX_FIELDS`](super::MAX_FIELDS) or above the number of sites.
/// - [`InferenceError::NoConvergence`] if the correlation matrix has no decomposition.
/// - [`InferenceError::Unconverged`] if no start gives a finite likelihood.
pub fn hopfield_maximum_likelihood(
    moments: &SpinMoments,
    patterns: usize,
    options: HopfieldOptions,
    generator: &mut Generator,
    proceed: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> Result<HopfieldFit, InferenceError> {
    check_fields(patterns, moments.sites())?;
    let loadings = correlation_loadings(moments, patterns)?;
    let scaled = |scale: &f64| loadings.iter().map(|entry| scale * entry).collect();
    let mut starts: Vec<Vec<f64>> = SCALES.iter().map(scaled).collect();
    for _ in 0..options.random_starts {
        // As long as those of the correlations, since far too strong ones freeze.
        let mut random = random_patterns(loadings.len(), generator);
        let scale = norm(&loadings) / norm(&random);
        for entry in &mut random {
            *entry *= scale;
        }
        starts.push(random);
    }
    let problem = Problem::new(moments, patterns);
    let ends: Vec<Minimum> = starts
        .par_iter()
        .map(|start| problem.descend(start, options.most_iterations, proceed))
        .collect();
    problem.best(&ends)
}

/// Minus the likelihood, of parameters in which it is well conditioned.
///
/// A point holds `c_i = b_i + ξ_i·Σ_j ξ_j m_j`, the half-logits in the mean of the field to
/// first order, in place of the biases, and all in units of the deviations of the spins.
/// Biases alone would have to follow every change of the patterns.
struct Problem<'a> {
    moments: &'a SpinMoments,
    fields: usize,
    /// Of each parameter, `[c_i, ξ_i^1, ...]` site after site.
    scales: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(moments: &'a SpinMoments, fields: usize) -> Self {
        let variances = moments.variances(LEAST_SCALE);
        let scales = variances
            .iter()
            .flat_map(|variance| std::iter::repeat_n(variance.sqrt(), fields + 1));
        Self {
            moments,
            fields,
            scales: scales.collect(),
        }
    }

    /// The maximum that is uphill of these patterns with biases of mean-field theory.
    fn descend(
        &self,
        patterns: &[f64],
        most_iterations: usize,
        proceed: &dyn Fn() -> ControlFlow<()>,
    ) -> Minimum {
        let mut start = Vec::with_capacity(self.scales.len());
        for (site, &mean) in patterns.chunks_exact(self.fields).zip(self.moments.means()) {
            start.push(bias_of(mean));
            start.extend_from_slice(site);
        }
        for (parameter, scale) in start.iter_mut().zip(&self.scales) {
            *parameter *= scale;
        }
        let mut lattice = CurrentLattice::default();
        let value = |point: &[f64]| self.value(point, &mut lattice);
        minimise(start, most_iterations, GRADIENT, value, |_| proceed())
    }

    /// `[b_i, ξ_i^1, ...]` site after site, and `Σ_j ξ_j m_j`.
    fn parameters(&self, point: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let width = self.fields + 1;
        let mut parameters: Vec<f64> = point.iter().zip(&self.scales).map(|(x, s)| x / s).collect();
        let mut order = vec![0.0; self.fields];
        for (site, mean) in parameters.chunks_exact(width).zip(self.moments.means()) {
            for (sum, entry) in order.iter_mut().zip(&site[1..]) {
                *sum += entry * mean;
            }
        }
        for site in parameters.chunks_exact_mut(width) {
            site[0] -= dot(&site[1..], &order);
        }
        (parameters, order)
    }

    /// `ln Z - b·m - ½ Σ_ij C_ij ξ_i·ξ_j` and the prior, with the gradient.
    fn value(&self, point: &[f64], lattice: &mut CurrentLattice) -> Value {
        let (parameters, order) = self.parameters(point);
        let Some(lattice) = lattice.at(&parameters, self.fields) else {
            return Value {
                value: f64::INFINITY,
                gradient: vec![0.0; point.len()],
            };
        };
        let sums = lattice.sums(&parameters, self.fields);
        let (data, sides) = self.data_terms(&parameters);
        let slopes = (0..point.len()).map(|k| sums.means[k] - sides[k] + PRIOR * parameters[k]);
        let mut gradient: Vec<f64> = slopes.collect();
        self.follow_biases(&parameters, &order, &mut gradient);
        for (slope, scale) in gradient.iter_mut().zip(&self.scales) {
            *slope /= scale;
        }
        let prior = 0.5 * PRIOR * dot(&parameters, &parameters);
        Value {
            value: sums.log_partition - data + prior,
            gradient,
        }
    }

    /// Adds to the derivatives by the patterns what they do through
    /// `b_i = c_i - ξ_i·Σ_j ξ_j m_j`.
    fn follow_biases(&self, parameters: &[f64], order: &[f64], gradient: &mut [f64]) {
        let width = self.fields + 1;
        let mut pulled = vec![0.0; self.fields];
        for (site, slopes) in parameters
            .chunks_exact(width)
            .zip(gradient.chunks_exact(width))
        {
            for (sum, entry) in pulled.iter_mut().zip(&site[1..]) {
                *sum += slopes[0] * entry;
            }
        }
        for (slopes, mean) in gradient.chunks_exact_mut(width).zip(self.moments.means()) {
            let own = slopes[0];
            for (slope, (v, pull)) in slopes[1..].iter_mut().zip(order.iter().zip(&pulled)) {
                *slope -= own * v + mean * pull;
            }
        }
    }

    /// `b·m + ½ Σ_ij C_ij ξ_i·ξ_j` and its derivatives `m_i` and `Σ_j C_ij ξ_j`.
    fn data_terms(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        let width = self.fields + 1;
        let sites = self.moments.sites();
        let mut derivatives = vec![0.0; parameters.len()];
        let mut value = 0.0;
        for i in 0..sites {
            let own = &mut derivatives[i * width..(i + 1) * width];
            own[0] = self.moments.means()[i];
            let products = &self.moments.products()[i * sites..(i + 1) * sites];
            for (product, other) in products.iter().zip(parameters.chunks_exact(width)) {
                for (sum, entry) in own[1..].iter_mut().zip(&other[1..]) {
                    *sum += product * entry;
                }
            }
            let site = &parameters[i * width..(i + 1) * width];
            value += site[0] * own[0] + 0.5 * dot(&site[1..], &own[1..]);
        }
        (value, derivatives)
    }

    fn best(&self, ends: &[Minimum]) -> Result<HopfieldFit, InferenceError> {
        let unconverged = InferenceError::Unconverged {
            what: "Hopfield's model",
            steps: ends.iter().map(|end| end.iterations).sum(),
        };
        let finite = ends.iter().filter(|end| end.there.value.is_finite());
        let Some(end) = finite.min_by(|a, b| a.there.value.total_cmp(&b.there.value)) else {
            return Err(unconverged);
        };
        let (parameters, _) = self.parameters(&end.point);
        let lattice = FieldLattice::new(&parameters, self.fields, THOROUGH).ok_or(unconverged)?;
        let log_partition = lattice.sums(&parameters, self.fields).log_partition;
        let sites = parameters.chunks_exact(self.fields + 1);
        let biases = sites.clone().map(|site| site[0]).collect();
        let patterns = sites.flat_map(|site| &site[1..]).copied().collect();
        Ok(HopfieldFit {
            model: GeneralisedHopfield::new(
                biases,
                patterns,
                lattice.nodes,
                lattice.weights,
                self.fields,
            )?,
            log_partition,
            log_likelihood: self.data_terms(&parameters).0 - log_partition,
            gradient_norm: norm(&end.there.gradient),
            iterations: end.iterations,
            converged: end.converged,
            starts: ends.iter().map(|end| -end.there.value).collect(),
        })
    }
}

/// The lattice of the last parameters, good until these have moved far.
#[derive(Default)]
struct CurrentLattice {
    made: Option<(Vec<f64>, FieldLattice)>,
}

impl CurrentLattice {
    fn at(&mut self, parameters: &[f64], fields: usize) -> Option<&FieldLattice> {
        let distance = |from: &[f64]| -> f64 {
            let changes = from.iter().zip(parameters).map(|(x, y)| (x - y).abs());
            changes.sum()
        };
        let fits = |made: &(Vec<f64>, FieldLattice)| distance(&made.0) <= STALE;
        if !self.made.as_ref().is_some_and(fits) {
            let lattice = FieldLattice::new(parameters, fields, SUFFICIENT)?;
            self.made = Some((parameters.to_vec(), lattice));
        }
        self.made.as_ref().map(|(_, lattice)| lattice)
    }
}

#[cfg(test)]
mod tests;
