//! What the latents say about the configurations: the rate against the aggregate
//! posterior `q(z) = E_x q(z|x)`.
//!
//! `R = E KL(q(z|x) || p(z)) = I_q(x; z) + KL(q(z) || p(z))` (Hoffman and Johnson,
//! "ELBO surgery", 2016): a prior that does not fit makes the rate larger than the
//! information that the latents carry.

use rayon::prelude::*;

use super::gradient::encoder_log_density;
use super::kernel;
use super::model::{Codes, Vae};
use crate::random::Generator;

const LN_TWO_PI: f32 = 1.837_877_1;

/// Terms whose means over the rows are rate and information, nats.
///
/// With `M` rows, `q(z)` is the mean of their posteriors. Taken with the row's own
/// posterior among them the information comes out too low, at most `ln M`; without it,
/// too high (Poole, Ozair, van den Oord, Alemi, Tucker, arXiv:1905.06922). Errors
/// of the means that treat the rows as independent leave out that all share `q(z)`.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentInformation {
    /// `ln q(z|x) - ln p(z)` at a drawn `z`; the mean is the rate.
    pub rate: Vec<f64>,
    /// `ln q(z|x) - ln q(z)`, own posterior included: a lower bound of `I_q(x; z)`.
    pub lower: Vec<f64>,
    /// The same without the own posterior: an upper bound.
    pub upper: Vec<f64>,
    /// Variance over the rows of each latent's posterior mean.
    pub mean_variances: Vec<f64>,
}

impl LatentInformation {
    /// Whether each latent is active: whether its posterior mean varies by more than
    /// 0.01 (Burda, Grosse and Salakhutdinov, arXiv:1509.00519).
    #[must_use]
    pub fn active(&self) -> Vec<bool> {
        let variances = self.mean_variances.iter();
        variances.map(|&variance| variance > 0.01).collect()
    }
}

/// The posteriors of all rows, latent by latent.
struct Posteriors {
    means: Vec<f32>,
    inverse_scales: Vec<f32>,
    log_peaks: Vec<f32>,
}

impl Posteriors {
    fn of(codes: &Codes) -> Self {
        let d = codes.latent;
        let rows = codes.means.len() / d;
        let transposed = |values: &[f32]| -> Vec<f32> {
            let column = |j: usize| values.iter().skip(j).step_by(d).copied();
            (0..d).flat_map(column).collect()
        };
        let log_scales = codes.log_scales.chunks_exact(d);
        let constant = 0.5 * LN_TWO_PI * d as f32;
        let inverse_scales = transposed(&codes.log_scales);
        debug_assert_eq!(inverse_scales.len(), rows * d);
        Self {
            means: transposed(&codes.means),
            inverse_scales: inverse_scales.iter().map(|s| (-s).exp()).collect(),
            log_peaks: log_scales
                .map(|scales| -scales.iter().sum::<f32>() - constant)
                .collect(),
        }
    }

    /// `ln` of the mean of all posteriors at `z`, with and without that of `row`.
    fn log_density(&self, z: &[f32], row: usize, terms: &mut [f32]) -> [f64; 2] {
        kernel::log_gaussians(z, &self.means, &self.inverse_scales, &self.log_peaks, terms);
        let count = terms.len() as f64;
        let with = kernel::log_sum_of_exponentials(terms) - count.ln();
        terms[row] = f32::NEG_INFINITY;
        let without = kernel::log_sum_of_exponentials(terms) - (count - 1.0).ln();
        [with, without]
    }
}

impl Vae {
    /// Rate and information of the latents of encoded configurations, one draw of `z`
    /// each.
    ///
    /// Takes a time quadratic in the number of rows.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer than two rows.
    #[must_use]
    pub fn latent_information(
        &self,
        codes: &Codes,
        generator: &mut Generator,
    ) -> LatentInformation {
        let d = codes.latent;
        let rows = codes.means.len() / d;
        assert!(rows >= 2, "rows >= 2");
        let posteriors = Posteriors::of(codes);
        let z = codes.draw(0..rows, 1, generator);
        let prior = self.prior_log_density(&z);
        let own = |row: usize| {
            let range = row * d..(row + 1) * d;
            let (means, log_scales) = (
                &codes.means[range.clone()],
                &codes.log_scales[range.clone()],
            );
            let offsets = z[range].iter().zip(means).zip(log_scales);
            let noise: Vec<f32> = offsets
                .map(|((z, mean), log_scale)| (z - mean) * (-log_scale).exp())
                .collect();
            encoder_log_density(&[means, log_scales].concat(), &noise)
        };
        let densities: Vec<[f64; 2]> = (0..rows)
            .into_par_iter()
            .map_init(
                || vec![0.0; rows],
                |terms, row| posteriors.log_density(&z[row * d..(row + 1) * d], row, terms),
            )
            .collect();
        let own: Vec<f64> = (0..rows).map(own).collect();
        let less = |of: &dyn Fn(usize) -> f64| (0..rows).map(|row| own[row] - of(row)).collect();
        LatentInformation {
            rate: less(&|row| prior[row]),
            lower: less(&|row| densities[row][0]),
            upper: less(&|row| densities[row][1]),
            mean_variances: (0..d).map(|j| variance(codes, j)).collect(),
        }
    }
}

/// Variance over the rows of the posterior mean of one latent.
fn variance(codes: &Codes, latent: usize) -> f64 {
    let means = codes.means.iter().skip(latent).step_by(codes.latent);
    let values: Vec<f64> = means.map(|&mean| f64::from(mean)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    squares.sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::super::{Activation, Architecture, Prior};
    use super::*;
    use crate::configurations::Unit;
    use crate::random::stream;

    fn network(latent: usize) -> Vae {
        let architecture = Architecture {
            unit: Unit::Spin,
            sites: 3,
            latent,
            encoder_hidden: vec![2],
            decoder_hidden: vec![2],
            fields: None,
            activation: Activation::Tanh,
            prior: Prior::Normal,
        };
        let parameters = vec![0.0; architecture.layout().length];
        Vae::new(architecture, parameters)
    }

    /// Means of variance `1 - scale²`, so that `q(z)` is the prior.
    fn gaussian_channel(latent: usize, scale: f32, rows: usize) -> Codes {
        let mut generator = stream("codes", &[]);
        let spread = (1.0 - scale * scale).sqrt();
        let draw = |_| {
            let normal: f32 = StandardNormal.sample(&mut generator);
            spread * normal
        };
        Codes {
            latent,
            means: (0..rows * latent).map(draw).collect(),
            log_scales: vec![scale.ln(); rows * latent],
        }
    }

    fn mean_and_error(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (mean, (squares.sum::<f64>()).sqrt() / count)
    }

    #[test]
    fn a_gaussian_channel_carries_what_its_closed_form_says() {
        for (latent, scale) in [(1, 0.5_f32), (2, 0.3), (3, 0.6)] {
            let codes = gaussian_channel(latent, scale, 4000);
            let found = network(latent).latent_information(&codes, &mut stream("z", &[]));
            // I(x; z) = -d ln(scale), and the rate is the same since q(z) = p(z).
            let exact = -(latent as f64) * f64::from(scale.ln());
            let (lower, error) = mean_and_error(&found.lower);
            let (upper, _) = mean_and_error(&found.upper);
            let (rate, rate_error) = mean_and_error(&found.rate);
            // All rows share q(z): twice the error of independent rows.
            assert!(lower < exact + 6.0 * error, "{lower} {exact}");
            assert!(upper > exact - 6.0 * error, "{upper} {exact}");
            assert!(upper >= lower && upper - lower < 0.1, "{lower} {upper}");
            assert!((rate - exact).abs() < 6.0 * rate_error, "{rate} {exact}");
            assert_eq!(found.active(), vec![true; latent]);
        }
    }

    #[test]
    fn separate_codes_of_a_few_rows_tell_which_row_it_is() {
        let codes = Codes {
            latent: 1,
            means: vec![-30.0, -10.0, 10.0, 30.0],
            log_scales: vec![0.0; 4],
        };
        let found = network(1).latent_information(&codes, &mut stream("z", &["separate"]));
        // Posteriors 20 standard deviations apart: ln 4 each, whatever the draw.
        for value in &found.lower {
            assert!((value - 4.0_f64.ln()).abs() < 1e-5, "{value}");
        }
    }

    #[test]
    fn codes_that_do_not_depend_on_the_row_say_nothing() {
        let codes = Codes {
            latent: 2,
            means: vec![0.3; 40],
            log_scales: vec![-0.2; 40],
        };
        let found = network(2).latent_information(&codes, &mut stream("z", &["equal"]));
        for value in found.lower.iter().chain(&found.upper) {
            assert!(value.abs() < 1e-5, "{value}");
        }
        assert_eq!(found.active(), [false; 2]);
    }
}
