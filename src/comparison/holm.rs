//! Correction of probabilities for the number of comparisons.

/// Probabilities corrected so that the chance of even one below the level, if
/// no difference exceeds its tolerance, is at most the level (Holm).
///
/// Holm's steps need no assumption on how the comparisons depend on each other, and
/// the rows of one network depend strongly. Those of Benjamini and Hochberg bound
/// only the share of wrong findings, which is no use to a check that fails on one.
///
/// # Source
///
/// S. Holm, Scandinavian Journal of Statistics 6, 65 (1979).
pub(super) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let count = probabilities.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut corrected = vec![1.0; count];
    let mut largest = 0.0_f64;
    for (step, &index) in order.iter().enumerate() {
        largest = largest.max((count - step) as f64 * probabilities[index]);
        corrected[index] = largest.min(1.0);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::holm;

    /// The steps of the definition, one by one: 4 · 0.005, 3 · 0.01, 2 · 0.03, 1 · 0.04.
    #[test]
    fn the_steps_multiply_by_what_is_left_and_never_fall() {
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
