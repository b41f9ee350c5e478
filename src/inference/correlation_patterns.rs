//! Patterns from correlations alone: the baseline that uses no network.

use faer::MatRef;

use super::spectrum::leading_eigenvectors;
use super::{BinaryFactors, InferenceError, MAX_PATTERNS, binary_factorisation};
use crate::bits::BitMatrix;

/// Largest number of sites; their pairs take half a gigabyte.
pub const MAX_SITES: usize = 8192;

/// What is subtracted from a product of two spins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centring {
    /// Nothing: `mean(s_i s_j)`. Right where a configuration and its negative
    /// have the same probability, as in the Hopfield model without fields: true
    /// means are zero, and subtracting those of the sample would remove
    /// part of a pattern in whose valley most samples lie.
    Symmetric,
    /// The product of the means: the covariance. Right where single spins are
    /// biased, as in recordings of rarely active cells.
    Means,
}

/// Patterns read off the correlations of configurations.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationPatterns {
    /// Eigenvalues of the matrix of [`second_moments`], largest first.
    pub eigenvalues: Vec<f64>,
    /// The patterns that span the leading eigenvectors.
    pub factors: BinaryFactors,
}

/// Finds ±1 patterns in the span of the leading eigenvectors of the correlations.
///
/// # Shapes
///
/// - `samples`: one configuration a row, bit 1 for a spin of +1.
/// - `patterns`: number of eigenvectors taken, and of patterns found.
///
/// # Errors
///
/// - Those of [`second_moments`].
/// - [`InferenceError::Components`] if `patterns` is zero or above the number
///   of sites.
/// - [`InferenceError::TooManyPatterns`] if it is above [`MAX_PATTERNS`].
/// - [`InferenceError::NoConvergence`] if the eigenvalues are not found.
pub fn correlation_patterns(
    samples: &BitMatrix,
    patterns: usize,
    centring: Centring,
) -> Result<CorrelationPatterns, InferenceError> {
    let sites = samples.columns();
    if patterns == 0 || patterns > sites {
        return Err(InferenceError::Components {
            asked: patterns,
            available: sites,
        });
    }
    // Before the work, not after it.
    if patterns > MAX_PATTERNS {
        return Err(InferenceError::TooManyPatterns {
            found: patterns,
            limit: MAX_PATTERNS,
        });
    }
    let moments = second_moments(samples, centring)?;
    let matrix = MatRef::from_row_major_slice(&moments, sites, sites);
    let (eigenvalues, basis) = leading_eigenvectors(matrix, patterns)?;
    Ok(CorrelationPatterns {
        eigenvalues,
        factors: binary_factorisation(&basis)?,
    })
}

/// Means over the configurations of products of two ±1 spins.
///
/// # Shapes
///
/// - `samples`: one configuration a row, bit 1 for a spin of +1.
/// - result: row-major and symmetric, sites by sites, from -1 to 1.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no configuration or no site.
/// - [`InferenceError::TooManySites`] if there are more than [`MAX_SITES`].
///
/// # Cost
///
/// One copy of the bits, site by site, and one pass over the words of each
/// pair of sites.
pub fn second_moments(samples: &BitMatrix, centring: Centring) -> Result<Vec<f64>, InferenceError> {
    let (rows, sites) = (samples.rows(), samples.columns());
    if rows == 0 || sites == 0 {
        return Err(InferenceError::Empty {
            what: if rows == 0 { "configuration" } else { "site" },
        });
    }
    if sites > MAX_SITES {
        return Err(InferenceError::TooManySites {
            found: sites,
            limit: MAX_SITES,
        });
    }
    let words = rows.div_ceil(64);
    let columns = words_by_site(samples, words);
    let column = |site: usize| &columns[site * words..(site + 1) * words];
    let mean_product = |differing: u64| 1.0 - 2.0 * differing as f64 / rows as f64;
    let all_down = vec![0; words];
    let means: Vec<f64> = (0..sites)
        .map(|site| match centring {
            Centring::Symmetric => 0.0,
            // The product with a spin that is always down is minus the spin.
            Centring::Means => -mean_product(differing(column(site), &all_down)),
        })
        .collect();
    let mut moments = vec![0.0; sites * sites];
    for i in 0..sites {
        for j in 0..=i {
            let value = mean_product(differing(column(i), column(j))) - means[i] * means[j];
            moments[i * sites + j] = value;
            moments[j * sites + i] = value;
        }
    }
    Ok(moments)
}

/// The bits of each site over all configurations, `words` words a site.
fn words_by_site(samples: &BitMatrix, words: usize) -> Vec<u64> {
    let mut columns = vec![0_u64; samples.columns() * words];
    for row in 0..samples.rows() {
        for site in samples.up(row) {
            columns[site * words + row / 64] |= 1 << (row % 64);
        }
    }
    columns
}

/// Number of configurations in which two sites differ.
fn differing(a: &[u64], b: &[u64]) -> u64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| u64::from((x ^ y).count_ones()))
        .sum()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact recovery is meant")]
mod tests {
    use super::*;
    use crate::inference::match_patterns;
    use crate::random::{Generator, stream, uniform};

    fn random_bits(generator: &mut Generator, rows: usize, columns: usize) -> BitMatrix {
        let mut bits = BitMatrix::zeros(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                bits.set(row, column, uniform(generator) < 0.3);
            }
        }
        bits
    }

    #[test]
    fn moments_are_the_sums_over_configurations() {
        let bits = random_bits(&mut stream("1", &["moments"]), 131, 70);
        let spin = |row, site| if bits.get(row, site) { 1.0 } else { -1.0 };
        let mean = |site| (0..131).map(|row| spin(row, site)).sum::<f64>() / 131.0;
        let raw = second_moments(&bits, Centring::Symmetric).unwrap();
        let central = second_moments(&bits, Centring::Means).unwrap();
        for i in 0..70 {
            for j in 0..70 {
                let product: f64 = (0..131).map(|row| spin(row, i) * spin(row, j)).sum();
                let expected = product / 131.0;
                assert!((raw[i * 70 + j] - expected).abs() < 1e-12);
                let covariance = expected - mean(i) * mean(j);
                assert!((central[i * 70 + j] - covariance).abs() < 1e-12);
            }
        }
    }

    /// Configurations near the patterns in turn, or near their negatives: each
    /// spin is flipped with the given probability.
    fn near_patterns(
        generator: &mut Generator,
        truth: &BitMatrix,
        rows: usize,
        flip: f64,
    ) -> BitMatrix {
        let mut bits = BitMatrix::zeros(rows, truth.columns());
        for row in 0..rows {
            let pattern = row % truth.rows();
            let negative = uniform(generator) < 0.5;
            for site in 0..truth.columns() {
                let flipped = negative ^ (uniform(generator) < flip);
                bits.set(row, site, truth.get(pattern, site) ^ flipped);
            }
        }
        bits
    }

    #[test]
    fn planted_patterns_are_recovered() {
        let mut generator = stream("1", &["planted"]);
        let truth = random_bits(&mut generator, 3, 100);
        let samples = near_patterns(&mut generator, &truth, 5000, 0.2);
        let result = correlation_patterns(&samples, 3, Centring::Symmetric).unwrap();
        for matched in match_patterns(&result.factors.patterns, &truth).unwrap() {
            assert_eq!(matched.wrong_fraction, 0.0, "{matched:?}");
        }
        // The trace is the number of sites.
        let trace: f64 = result.eigenvalues.iter().sum();
        assert!((trace - 100.0).abs() < 1e-9);
        assert!(result.eigenvalues.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn impossible_requests_are_refused() {
        let bits = BitMatrix::zeros(10, 30);
        let ask = |patterns| correlation_patterns(&bits, patterns, Centring::Symmetric);
        for asked in [0, 31] {
            assert_eq!(
                ask(asked),
                Err(InferenceError::Components {
                    asked,
                    available: 30
                })
            );
        }
        assert!(matches!(
            ask(21),
            Err(InferenceError::TooManyPatterns { found: 21, .. })
        ));
        for (rows, columns) in [(0, 3), (3, 0)] {
            let empty = BitMatrix::zeros(rows, columns);
            assert!(matches!(
                second_moments(&empty, Centring::Means),
                Err(InferenceError::Empty { .. })
            ));
        }
        let wide = BitMatrix::zeros(1, MAX_SITES + 1);
        assert!(matches!(
            second_moments(&wide, Centring::Means),
            Err(InferenceError::TooManySites { .. })
        ));
    }
}
