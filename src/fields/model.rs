//! The generalised Hopfield model: its parameters, its potential, its probabilities.

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
    /// weights (`M`), which are scaled to a sum of 1.
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
            let sites = self
                .biases
                .iter()
                .zip(self.patterns.chunks_exact(self.fields));
            half_logits.extend(sites.map(|(bias, patterns)| bias + dot(patterns, node)));
        }
        half_logits
    }

    /// The collective variables `u = ξᵀs` of one configuration: `K`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row, or if it has another number of sites.
    #[must_use]
    pub fn collective(&self, configurations: &BitMatrix, row: usize) -> Vec<f64> {
        assert_eq!(configurations.columns(), self.sites(), "sites of a row");
        let mut total = vec![0.0; self.fields];
        for (site, patterns) in self.patterns.chunks_exact(self.fields).enumerate() {
            let spin = if configurations.get(row, site) {
                1.0
            } else {
                -1.0
            };
            for (sum, pattern) in total.iter_mut().zip(patterns) {
                *sum += spin * pattern;
            }
        }
        total
    }

    /// The collective potential, ready to be evaluated.
    #[must_use]
    pub fn potential(&self) -> CollectivePotential<'_> {
        let normaliser =
            |half_logits: &[f64]| -> f64 { half_logits.iter().map(|&phi| log_two_cosh(phi)).sum() };
        let half_logits = self.half_logits();
        let rows = half_logits.chunks_exact(self.sites()).zip(&self.weights);
        let log_weights = rows.map(|(row, weight)| weight.ln() - normaliser(row));
        CollectivePotential {
            model: self,
            log_weights: log_weights.collect(),
        }
    }
}

/// The collective potential `G(u)` of a model, nats.
#[derive(Debug, Clone)]
pub struct CollectivePotential<'a> {
    model: &'a GeneralisedHopfield,
    /// `ln w_k - Σ_i ln 2cosh φ_i(h_k)`.
    log_weights: Vec<f64>,
}

impl CollectivePotential<'_> {
    /// `G(u) = ln Σ_k w_k exp(h_k·u) / Π_i 2cosh φ_i(h_k)`, nats.
    ///
    /// # Panics
    ///
    /// Panics if `u` has another number of components than the field.
    #[must_use]
    pub fn value(&self, u: &[f64]) -> f64 {
        assert_eq!(u.len(), self.model.fields, "collective variables");
        let nodes = self.model.nodes.chunks_exact(self.model.fields);
        let terms: Vec<f64> = nodes
            .zip(&self.log_weights)
            .map(|(node, log_weight)| log_weight + dot(node, u))
            .collect();
        let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
    }

    /// `ln p(s) = b·s + G(ξᵀs)` of one configuration, nats.
    ///
    /// # Panics
    ///
    /// As [`GeneralisedHopfield::collective`].
    #[must_use]
    pub fn log_probability(&self, configurations: &BitMatrix, row: usize) -> f64 {
        let biases = self.model.biases.iter().enumerate();
        let signed = biases.map(|(site, b)| {
            if configurations.get(row, site) {
                *b
            } else {
                -b
            }
        });
        signed.sum::<f64>() + self.value(&self.model.collective(configurations, row))
    }
}

/// `ln 2cosh x`, without overflow.
pub(super) fn log_two_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Weights with a sum of 1.
fn normalised(mut weights: Vec<f64>) -> Result<Vec<f64>, FieldsError> {
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
    for weight in &mut weights {
        *weight /= sum;
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
