//! The generalised Hopfield model: its parameters, its potential, its probabilities.

use std::borrow::Cow;

use super::error::{FieldsError, check_finite, check_length};
use crate::bits::BitMatrix;

/// A generalised Hopfield model of `N` spins in a field of `K` components that takes `M`
/// values.
///
/// Half-logits throughout: in a field, a spin is up with the log odds `2φ_i`. The model
/// has no temperature of its own; `-E(s)` is `ln p(s)` in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralisedHopfield {
    biases: Vec<f64>,
    patterns: Vec<f64>,
    nodes: Vec<f64>,
    weights: Vec<f64>,
    fields: usize,
}

impl GeneralisedHopfield {
    /// A model with the biases `b` (`N`, half-logits), the patterns `ξ` (`N x K`, the
    /// patterns of one site side by side), the values `h_k` of the field (`M x K`) and their
    /// weights (`M`), which are scaled to a sum of 1 unless they have it up to rounding.
    ///
    /// # Errors
    ///
    /// - [`FieldsError::Empty`] without a site, a field or a value of the field.
    /// - [`FieldsError::Length`] if the lists do not fit each other.
    /// - [`FieldsError::Number`] if a number is not finite, a weight is negative, or all
    ///   weights are 0.
    pub fn new(
        biases: Vec<f64>,
        patterns: Vec<f64>,
        nodes: Vec<f64>,
        weights: Vec<f64>,
        fields: usize,
    ) -> Result<Self, FieldsError> {
        let counts = [
            ("sites", biases.len()),
            ("components of the field", fields),
            ("values of the field", weights.len()),
        ];
        if let Some((what, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(FieldsError::Empty { what });
        }
        check_length("pattern entries", patterns.len(), biases.len() * fields)?;
        check_length("field components", nodes.len(), weights.len() * fields)?;
        check_finite("bias", &biases)?;
        check_finite("pattern entry", &patterns)?;
        check_finite("field component", &nodes)?;
        let weights = normalised(weights)?;
        Ok(Self {
            biases,
            patterns,
            nodes,
            weights,
            fields,
        })
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.biases.len()
    }

    /// The number of components of the field, K, which is the number of patterns.
    #[must_use]
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The biases `b_i`, half-logits: `N`.
    #[must_use]
    pub fn biases(&self) -> &[f64] {
        &self.biases
    }

    /// The patterns `ξ_i^μ`, those of one site side by side: `N x K`.
    #[must_use]
    pub fn patterns(&self) -> &[f64] {
        &self.patterns
    }

    /// The values `h_k` of the field: `M x K`.
    #[must_use]
    pub fn nodes(&self) -> &[f64] {
        &self.nodes
    }

    /// The probabilities `w_k` of the values of the field: `M`, with sum 1.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Half-logits `φ_i(h_k)` of all sites at every value of the field: `M x N`.
    #[must_use]
    pub fn half_logits(&self) -> Vec<f64> {
        let mut half_logits = Vec::with_capacity(self.weights.len() * self.sites());
        for node in self.nodes.chunks_exact(self.fields) {
            half_logits.extend(self.half_logits_at(node));
        }
        half_logits
    }

    /// Half-logits `φ_i(h)` of all sites at one value of the field: `N`.
    ///
    /// # Panics
    ///
    /// Panics if `field` has another number of components.
    pub fn half_logits_at(&self, field: &[f64]) -> impl Iterator<Item = f64> {
        (0..self.sites()).map(move |site| self.half_logit(site, field))
    }

    /// The half-logit `φ_i(h)` of one site at one value of the field.
    ///
    /// # Panics
    ///
    /// Panics if there is no such site, or if `field` has another number of components.
    #[must_use]
    pub fn half_logit(&self, site: usize, field: &[f64]) -> f64 {
        assert_eq!(field.len(), self.fields, "components of the field");
        let patterns = &self.patterns[site * self.fields..][..self.fields];
        self.biases[site] + dot(patterns, field)
    }

    /// The distribution of some of the sites, in the order of `sites`, whatever the others
    /// do: in a field they are independent, so that the others are left out.
    ///
    /// # Panics
    ///
    /// Panics if there is no such site, or none at all.
    #[must_use]
    pub fn of_sites(&self, sites: &[usize]) -> Self {
        assert!(!sites.is_empty(), "at least one site");
        let patterns = |&site: &usize| &self.patterns[site * self.fields..][..self.fields];
        Self {
            biases: sites.iter().map(|&site| self.biases[site]).collect(),
            patterns: sites.iter().flat_map(patterns).copied().collect(),
            nodes: self.nodes.clone(),
            weights: self.weights.clone(),
            fields: self.fields,
        }
    }

    /// The collective potential, ready to be evaluated.
    #[must_use]
    pub fn potential(&self) -> CollectivePotential<'_> {
        CollectivePotential::new(Cow::Borrowed(self))
    }

    /// The same, with the model in it.
    #[must_use]
    pub fn into_potential(self) -> CollectivePotential<'static> {
        CollectivePotential::new(Cow::Owned(self))
    }
}

/// The collective potential `G(u)` of a model, nats.
#[derive(Debug, Clone)]
pub struct CollectivePotential<'a> {
    model: Cow<'a, GeneralisedHopfield>,
    /// `ln w_k - Σ_i ln 2cosh φ_i(h_k)`.
    log_weights: Vec<f64>,
    /// `b·s` and `ξᵀs` with all spins down.
    down: (f64, Vec<f64>),
}

impl<'a> CollectivePotential<'a> {
    fn new(model: Cow<'a, GeneralisedHopfield>) -> Self {
        let nodes = model.nodes.chunks_exact(model.fields).zip(&model.weights);
        let log_weight = |(node, weight): (&[f64], &f64)| {
            weight.ln() - model.half_logits_at(node).map(log_two_cosh).sum::<f64>()
        };
        let log_weights = nodes.map(log_weight).collect();
        let mut down = vec![0.0; model.fields];
        for patterns in model.patterns.chunks_exact(model.fields) {
            add_times(&mut down, patterns, -1.0);
        }
        Self {
            down: (-model.biases.iter().sum::<f64>(), down),
            log_weights,
            model,
        }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &GeneralisedHopfield {
        &self.model
    }

    /// `G(u) = ln Σ_k w_k exp(h_k·u) / Π_i 2cosh φ_i(h_k)`, nats.
    ///
    /// # Panics
    ///
    /// Panics if `u` has another number of components than the field.
    #[must_use]
    pub fn value(&self, u: &[f64]) -> f64 {
        log_sum_exp(&self.terms(u))
    }

    /// What a configuration with the collective variables `u` says of the field: the
    /// Kullback-Leibler divergence of `p(h_k | u)` from `w_k`, nats.
    ///
    /// # Panics
    ///
    /// As [`CollectivePotential::value`].
    #[must_use]
    pub fn divergence(&self, u: &[f64]) -> f64 {
        let terms = self.terms(u);
        let value = log_sum_exp(&terms);
        let parts = terms.iter().zip(&self.model.weights).map(|(term, weight)| {
            let posterior = (term - value).exp();
            // A field that is never there tells nothing.
            if posterior > 0.0 {
                posterior * (term - value - weight.ln())
            } else {
                0.0
            }
        });
        parts.sum()
    }

    /// The logarithm of each term of the sum over the field: `M`.
    fn terms(&self, u: &[f64]) -> Vec<f64> {
        assert_eq!(u.len(), self.model.fields, "collective variables");
        let nodes = self.model.nodes.chunks_exact(self.model.fields);
        let terms = nodes.zip(&self.log_weights);
        terms.map(|(node, log)| log + dot(node, u)).collect()
    }

    /// `b·s` and the collective variables `u = ξᵀs` (`K`) of the configuration in which the
    /// listed sites are up: few, where most cells are silent.
    ///
    /// # Panics
    ///
    /// Panics if there is no such site.
    #[must_use]
    pub fn sums(&self, up: impl IntoIterator<Item = usize>) -> (f64, Vec<f64>) {
        let model = &self.model;
        let (mut biases, mut collective) = self.down.clone();
        for site in up {
            biases += 2.0 * model.biases[site];
            let patterns = &model.patterns[site * model.fields..][..model.fields];
            add_times(&mut collective, patterns, 2.0);
        }
        (biases, collective)
    }

    /// `ln p(s) = b·s + G(ξᵀs)` of one configuration, nats.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row, or if it has another number of sites.
    #[must_use]
    pub fn log_probability(&self, configurations: &BitMatrix, row: usize) -> f64 {
        assert_eq!(configurations.columns(), self.model.sites(), "sites");
        let (biases, collective) = self.sums(configurations.up(row));
        biases + self.value(&collective)
    }
}

/// `ln 2cosh x`, without overflow.
pub(super) fn log_two_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `ln Σ exp t`, without overflow.
fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
}

/// Adds `scale` times the patterns of a site.
fn add_times(sums: &mut [f64], patterns: &[f64], scale: f64) {
    let pairs = sums.iter_mut().zip(patterns);
    pairs.for_each(|(sum, pattern)| *sum += scale * pattern);
}

/// Weights with a sum of 1. Those that have it up to rounding are left as they are, so
/// that a model that was written down and read again is the same to the last digit.
pub(super) fn normalised(mut weights: Vec<f64>) -> Result<Vec<f64>, FieldsError> {
    let sum: f64 = weights.iter().sum();
    let wrong = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0));
    if wrong.is_some() || !(sum > 0.0 && sum.is_finite()) {
        let index = wrong.unwrap_or(0);
        return Err(FieldsError::Number {
            what: "weight",
            index,
            found: weights[index],
            expected: "weights of at least 0, not all 0",
        });
    }
    if (sum - 1.0).abs() > f64::EPSILON * weights.len() as f64 {
        for weight in &mut weights {
            *weight /= sum;
        }
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sites in a field of one component that takes the values ±1.
    fn pair(strength: f64) -> GeneralisedHopfield {
        GeneralisedHopfield::new(
            vec![0.0; 2],
            vec![strength; 2],
            vec![1.0, -1.0],
            vec![3.0, 3.0],
            1,
        )
        .unwrap()
    }

    #[test]
    fn two_sites_in_a_random_sign_have_their_closed_form() {
        // <s_1 s_2> = tanh² ξ, so p(↑↑) = (1 + tanh² ξ) / 4.
        let model = pair(0.7);
        let all = BitMatrix::from_words(4, 2, vec![0, 1, 2, 3]).unwrap();
        let product = 0.7_f64.tanh().powi(2);
        for (row, sign) in [1.0, -1.0, -1.0, 1.0].into_iter().enumerate() {
            let found = model.potential().log_probability(&all, row).exp();
            assert!((found - (1.0 + sign * product) / 4.0).abs() < 1e-14);
        }
    }

    #[test]
    fn probabilities_of_all_configurations_sum_to_one() {
        let model = GeneralisedHopfield::new(
            vec![-0.4, 0.2, -1.0, 0.0, 2.0],
            vec![0.5, -0.1, 1.0, 0.3, 0.0, 0.0, -2.0, 0.7, 0.1, 0.1],
            vec![0.0, 0.0, 1.5, -1.0, -3.0, 0.2],
            vec![0.2, 0.5, 0.1],
            2,
        )
        .unwrap();
        let all = BitMatrix::from_words(32, 5, (0..32).collect()).unwrap();
        let potential = model.potential();
        let total: f64 = (0..32)
            .map(|row| potential.log_probability(&all, row).exp())
            .sum();
        assert!((total - 1.0).abs() < 1e-13, "{total}");
    }

    #[test]
    fn some_of_the_sites_are_what_is_left_when_the_others_are_summed_over() {
        let model = GeneralisedHopfield::new(
            vec![-0.4, 0.2, -1.0, 0.3],
            vec![0.5, -0.1, 1.0, 0.3, 0.0, 0.6, -2.0, 0.7],
            vec![0.0, 0.4, 1.5, -1.0, -3.0, 0.2],
            vec![0.2, 0.5, 0.3],
            2,
        )
        .unwrap();
        let all = BitMatrix::from_words(16, 4, (0..16).collect()).unwrap();
        let kept = [2, 0];
        let part = model.of_sites(&kept);
        let parts = all.select_columns(&kept);
        for row in 0..16 {
            let alike = (0..16).filter(|&other| parts.row(other) == parts.row(row));
            let whole = model.potential();
            let expected: f64 = alike
                .map(|other| whole.log_probability(&all, other).exp())
                .sum();
            let found = part.potential().log_probability(&parts, row).exp();
            assert!((found - expected).abs() < 1e-14, "{found} and {expected}");
        }
    }

    #[test]
    fn what_a_configuration_says_of_the_field_follows_from_the_rule_of_bayes() {
        // One site: p(h | ↑) = w p(↑ | h) / p(↑), with p(↑ | h) = 1 / (1 + exp(-2h)).
        let model =
            GeneralisedHopfield::new(vec![0.0], vec![1.0], vec![1.0, -0.3], vec![0.25, 0.75], 1);
        let up = [1.0_f64, -0.3].map(|h| 1.0 / (1.0 + (-2.0 * h).exp()));
        let total = 0.25 * up[0] + 0.75 * up[1];
        let expected: f64 = [(0.25, up[0]), (0.75, up[1])]
            .map(|(weight, up)| weight * up / total * (up / total).ln())
            .iter()
            .sum();
        let found = model.unwrap().potential().divergence(&[1.0]);
        assert!((found - expected).abs() < 1e-14, "{found} and {expected}");
    }

    #[test]
    fn the_sums_over_spins_that_are_up_are_those_over_all() {
        let model = pair(0.7).of_sites(&[0, 1, 0]);
        let rows = BitMatrix::from_words(2, 3, vec![0b101, 0b010]).unwrap();
        for row in 0..2 {
            let (_, found) = model.potential().sums(rows.up(row));
            let spins = (0..3).map(|site| if rows.get(row, site) { 1.0 } else { -1.0 });
            let terms = spins
                .zip(model.patterns())
                .map(|(spin, pattern)| spin * pattern);
            assert!((found[0] - terms.sum::<f64>()).abs() < 1e-14, "{found:?}");
        }
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let model = |biases: usize, patterns: usize, nodes: usize, weights: Vec<f64>| {
            GeneralisedHopfield::new(
                vec![0.0; biases],
                vec![0.0; patterns],
                vec![0.0; nodes],
                weights,
                2,
            )
        };
        let length = |what, found, expected| FieldsError::Length {
            what,
            found,
            expected,
        };
        assert_eq!(
            model(3, 5, 2, vec![1.0]),
            Err(length("pattern entries", 5, 6))
        );
        assert_eq!(
            model(3, 6, 3, vec![1.0]),
            Err(length("field components", 3, 2))
        );
        assert!(matches!(
            model(0, 0, 2, vec![1.0]),
            Err(FieldsError::Empty { .. })
        ));
        for weights in [vec![0.0], vec![-1.0], vec![f64::NAN]] {
            assert!(matches!(
                model(3, 6, 2, weights),
                Err(FieldsError::Number { .. })
            ));
        }
    }
}
