//! The moments of spins of which Hopfield's model is made.

use crate::fields::Words;
use crate::inference::InferenceError;

/// Means and products of ±1 spins, averaged over configurations.
#[derive(Debug, Clone, PartialEq)]
pub struct SpinMoments {
    means: Vec<f64>,
    products: Vec<f64>,
}

impl SpinMoments {
    /// Means `m_i = <s_i>` (`N`) and products `C_ij = <s_i s_j>` (`N x N`, not centred).
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] without a site.
    /// - [`InferenceError::Count`] if there are not `N x N` products.
    /// - [`InferenceError::OutOfRange`] if a number is not between -1 and 1, or the product
    ///   of a spin with itself is not 1.
    pub fn new(means: Vec<f64>, products: Vec<f64>) -> Result<Self, InferenceError> {
        let sites = means.len();
        if sites == 0 {
            return Err(InferenceError::Empty {
                what: "site with a mean",
            });
        }
        if products.len() != sites * sites {
            return Err(InferenceError::Count {
                what: "products of spins",
                found: products.len(),
                expected: sites * sites,
            });
        }
        // Sums of many counts leave rounding at the ends of the range.
        let outside = |value: &&f64| value.is_nan() || value.abs() > 1.0 + 1e-9;
        let own = products.iter().step_by(sites + 1);
        let wrong = means.iter().chain(&products).find(outside);
        if let Some(&value) = wrong.or(own.clone().find(|own| (*own - 1.0).abs() > 1e-9)) {
            return Err(InferenceError::OutOfRange {
                what: "a moment of spins",
                value,
                expected: "-1 to 1, and 1 for a spin with itself",
            });
        }
        Ok(Self { means, products })
    }

    /// The moments of words that occur as often as `counts` says.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Count`] if there is not one count a distinct word, and
    /// [`InferenceError::OutOfRange`] if the counts have no positive sum.
    pub fn of(words: &Words, counts: &[f64]) -> Result<Self, InferenceError> {
        let total = checked_total(words, counts)?;
        let sites = words.sites();
        let mut both = vec![0.0; sites * sites];
        for (word, count) in counts.iter().enumerate() {
            let up = words.up(word);
            for (place, &i) in up.iter().enumerate() {
                for &j in &up[..=place] {
                    both[i as usize * sites + j as usize] += count / total;
                }
            }
        }
        let rates: Vec<f64> = both.iter().step_by(sites + 1).copied().collect();
        let mut products = vec![1.0; sites * sites];
        for i in 0..sites {
            for j in 0..i {
                let product = 1.0 - 2.0 * (rates[i] + rates[j]) + 4.0 * both[i * sites + j];
                products[i * sites + j] = product;
                products[j * sites + i] = product;
            }
        }
        let means = rates.iter().map(|rate| 2.0 * rate - 1.0).collect();
        Self::new(means, products)
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.means.len()
    }

    /// Means `<s_i>`: `N`.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Products `<s_i s_j>`: `N x N`.
    #[must_use]
    pub fn products(&self) -> &[f64] {
        &self.products
    }

    /// Variances `1 - m_i²`, at least `floor`.
    pub(super) fn variances(&self, floor: f64) -> Vec<f64> {
        let variance = |mean: &f64| (1.0 - mean * mean).max(floor);
        self.means.iter().map(variance).collect()
    }
}

/// The sum of counts that fit the words.
pub(super) fn checked_total(words: &Words, counts: &[f64]) -> Result<f64, InferenceError> {
    if counts.len() != words.distinct() {
        return Err(InferenceError::Count {
            what: "counts of words",
            found: counts.len(),
            expected: words.distinct(),
        });
    }
    let total: f64 = counts.iter().sum();
    if total > 0.0 && total.is_finite() {
        return Ok(total);
    }
    Err(InferenceError::OutOfRange {
        what: "the sum of the counts of words",
        value: total,
        expected: "a positive number",
    })
}
