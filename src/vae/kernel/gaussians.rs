//! Many diagonal Gaussians at one place.

use super::{LANES, exp};

vectorised! {
    /// `ln` of each of `M` diagonal Gaussians at `z`, nats:
    /// `terms[k] = log_peaks[k] - 1/2 sum_j ((z_j - means[j, k]) inverse_scales[j, k])^2`.
    ///
    /// `means` and `inverse_scales` are `latent x M`, `log_peaks` and `terms` hold `M`.
    ///
    /// # Panics
    ///
    /// Panics if the slices do not have these lengths.
    pub(in crate::vae) fn log_gaussians(
        z: &[f32],
        means: &[f32],
        inverse_scales: &[f32],
        log_peaks: &[f32],
        terms: &mut [f32],
    ) {
        let count = terms.len();
        assert_eq!(means.len(), z.len() * count, "means.len()");
        assert_eq!(inverse_scales.len(), means.len(), "inverse_scales.len()");
        terms.copy_from_slice(log_peaks);
        let rows = means.chunks_exact(count.max(1));
        let rows = rows.zip(inverse_scales.chunks_exact(count.max(1)));
        for (z, (means, inverse_scales)) in z.iter().zip(rows) {
            let gaussians = means.iter().zip(inverse_scales);
            for (term, (mean, inverse_scale)) in terms.iter_mut().zip(gaussians) {
                let u = (z - mean) * inverse_scale;
                *term -= 0.5 * u * u;
            }
        }
    }
}

vectorised! {
    /// `ln sum_k exp(terms[k])`, nats; minus infinity for no terms.
    pub(in crate::vae) fn log_sum_of_exponentials(terms: &[f32]) -> f64 {
        let (chunks, rest) = terms.as_chunks::<LANES>();
        let mut largest = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            for (largest, &term) in largest.iter_mut().zip(chunk) {
                *largest = largest.max(term);
            }
        }
        let all = largest.iter().chain(rest);
        let largest = all.copied().fold(f32::NEG_INFINITY, f32::max);
        if largest == f32::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        let mut partial = [0.0_f32; LANES];
        for chunk in chunks {
            for (sum, &term) in partial.iter_mut().zip(chunk) {
                *sum += exp::<FUSED>(term - largest);
            }
        }
        for (sum, &term) in partial.iter_mut().zip(rest) {
            *sum += exp::<FUSED>(term - largest);
        }
        f64::from(largest) + f64::from(partial.iter().sum::<f32>()).ln()
    }
}
