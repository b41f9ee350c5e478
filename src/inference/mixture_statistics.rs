//! Exact population statistics of a mixture of independent sites.

use super::independent_model::poisson_binomial;
use super::population::PopulationStatistics;
use super::population_counts::{check_triplet_units, pairs, triplets};
use super::population_error::PopulationError;
use crate::fields::SiteMixture;

/// The exact statistics of a mixture, in the conventions of [`PopulationStatistics`];
/// `triplet_sites` are the sites whose triplets are taken.
///
/// Within a node sites are independent, so that what is connected is so by the
/// probabilities `p_ki = 1 / (1 + exp(-2 φ_ki))` of the nodes, with the means
/// `m_i = Σ_k w_k p_ki`:
///
/// ```text
/// <(x_i - m_i) (x_j - m_j)> = Σ_k w_k (p_ki - m_i) (p_kj - m_j),   i ≠ j
/// ```
///
/// and likewise for three sites. P(K) is a mixture of Poisson-binomial distributions.
///
/// Cost: `M (N^2 + T^3 / 6)` for `M` nodes, `N` sites and `T` triplet sites.
///
/// # Errors
///
/// [`PopulationError::TripletUnit`] if the triplet sites are not distinct sites.
pub fn mixture_statistics(
    mixture: &SiteMixture,
    triplet_sites: &[usize],
) -> Result<PopulationStatistics, PopulationError> {
    check_triplet_units(triplet_sites, mixture.sites())?;
    let up = probabilities(mixture, 1.0);
    let down = probabilities(mixture, -1.0);
    let rates = mean_over_nodes(mixture, &up);
    let silent = mean_over_nodes(mixture, &down);
    let variances: Vec<f64> = rates.iter().zip(&silent).map(|(m, q)| m * q).collect();
    // Of a site that is almost always up, the probability of being down has the digits.
    let deviations = up.iter().zip(&down).enumerate().map(|(index, (p, q))| {
        let (rate, silent) = (rates[index % rates.len()], silent[index % rates.len()]);
        if rate < silent { p - rate } else { silent - q }
    });
    let deviations: Vec<f64> = deviations.collect();
    let (covariances, triplets) = connected(mixture, &deviations, triplet_sites);
    let mut constant_pairs = 0;
    let correlation = |((i, j), covariance): ((usize, usize), f64)| {
        if variances[i] > 0.0 && variances[j] > 0.0 {
            return covariance / (variances[i].sqrt() * variances[j].sqrt());
        }
        constant_pairs += 1;
        0.0
    };
    let all = pairs(rates.len()).zip(covariances);
    Ok(PopulationStatistics {
        configurations: None,
        correlations: all.map(correlation).collect(),
        constant_pairs,
        active_count: active_count(mixture, &up),
        triplets,
        rates,
    })
}

/// The probabilities that sites are up (`sign` 1) or down (`sign` -1): `M x N`.
fn probabilities(mixture: &SiteMixture, sign: f64) -> Vec<f64> {
    let half_logits = mixture.half_logits().iter();
    half_logits
        .map(|phi| 1.0 / (1.0 + (-2.0 * sign * phi).exp()))
        .collect()
}

/// The weights of the nodes, each with its numbers, one a site.
fn by_node<'a>(
    mixture: &'a SiteMixture,
    numbers: &'a [f64],
) -> impl Iterator<Item = (f64, &'a [f64])> {
    let nodes = numbers.chunks_exact(mixture.sites());
    mixture.weights().iter().copied().zip(nodes)
}

fn mean_over_nodes(mixture: &SiteMixture, numbers: &[f64]) -> Vec<f64> {
    let mut means = vec![0.0; mixture.sites()];
    for (weight, numbers) in by_node(mixture, numbers) {
        add_scaled(&mut means, numbers, weight);
    }
    means
}

/// Covariances of all pairs of sites and connected triplets of the chosen ones, from the
/// deviations of the nodes' probabilities from their means (`M x N`).
fn connected(
    mixture: &SiteMixture,
    deviations: &[f64],
    triplet_sites: &[usize],
) -> (Vec<f64>, Vec<f64>) {
    let mut covariances = vec![0.0; pairs(mixture.sites()).count()];
    let mut triplets = vec![0.0; triplets(triplet_sites.len()).count()];
    for (weight, deviations) in by_node(mixture, deviations) {
        add_products(&mut covariances, deviations, weight);
        let chosen: Vec<f64> = triplet_sites.iter().map(|&i| deviations[i]).collect();
        let mut rest = triplets.as_mut_slice();
        for (a, first) in chosen.iter().enumerate() {
            let later = &chosen[a + 1..];
            let (those, after) = rest.split_at_mut(pairs(later.len()).count());
            add_products(those, later, weight * first);
            rest = after;
        }
    }
    (covariances, triplets)
}

/// `totals += factor * x_i x_j` for all i < j, j running faster.
fn add_products(totals: &mut [f64], x: &[f64], factor: f64) {
    let mut rest = totals;
    for (i, first) in x.iter().enumerate() {
        let later = &x[i + 1..];
        let (those, after) = rest.split_at_mut(later.len());
        add_scaled(those, later, factor * first);
        rest = after;
    }
}

fn add_scaled(totals: &mut [f64], numbers: &[f64], factor: f64) {
    for (total, number) in totals.iter_mut().zip(numbers) {
        *total += factor * number;
    }
}

/// P(K): that of independent sites in each node, mixed.
fn active_count(mixture: &SiteMixture, up: &[f64]) -> Vec<f64> {
    let mut mixed = vec![0.0; mixture.sites() + 1];
    for (weight, up) in by_node(mixture, up) {
        add_scaled(&mut mixed, &poisson_binomial(up), weight);
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::fields::Words;
    use crate::random::{stream, uniform};

    /// Nine sites, 13 nodes, one of them of weight 0.
    fn mixture() -> SiteMixture {
        let mut generator = stream("51", &["mixture statistics"]);
        let half_logits: Vec<f64> = (0..13 * 9)
            .map(|_| 3.0 * uniform(&mut generator) - 2.0)
            .collect();
        let mut weights: Vec<f64> = (0..13).map(|_| uniform(&mut generator)).collect();
        weights[4] = 0.0;
        SiteMixture::new(9, &half_logits, &weights).unwrap()
    }

    fn assert_all_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            // Sums of 512 probabilities, divided by variances above 1/30.
            let difference = (found - expected).abs();
            assert!(difference < 1e-12, "{index}: {found}, expected {expected}");
        }
    }

    #[test]
    fn statistics_agree_with_enumeration() {
        let mixture = mixture();
        let bits = BitMatrix::from_words(512, 9, (0..512).collect()).unwrap();
        let words = Words::new(&bits, &[0; 512]).unwrap();
        let p: Vec<f64> = mixture
            .log_likelihood(&words)
            .iter()
            .map(|log| log.exp())
            .collect();
        let average = |f: &dyn Fn(usize) -> f64| (0..512).map(|row| p[row] * f(row)).sum::<f64>();
        let x = |row, site| f64::from(u8::from(bits.get(row, site)));
        let chosen = [8, 0, 3, 5];
        let found = mixture_statistics(&mixture, &chosen).unwrap();
        let rates: Vec<f64> = (0..9).map(|site| average(&|row| x(row, site))).collect();
        assert_all_close(&found.rates, &rates);
        let centred = |row, site: usize| x(row, site) - rates[site];
        let variance = |site| average(&|row| centred(row, site).powi(2));
        let correlation = |(i, j)| {
            let covariance = average(&|row| centred(row, i) * centred(row, j));
            covariance / (variance(i) * variance(j)).sqrt()
        };
        let expected: Vec<f64> = pairs(9).map(correlation).collect();
        assert_all_close(&found.correlations, &expected);
        let triplet = |(a, b, c): (usize, usize, usize)| {
            let sites = [a, b, c].map(|index| chosen[index]);
            average(&|row| sites.iter().map(|&site| centred(row, site)).product())
        };
        let expected: Vec<f64> = triplets(4).map(triplet).collect();
        assert_all_close(&found.triplets, &expected);
        let with = |k| average(&|row| f64::from(u8::from(bits.count_ones(row) == k)));
        let expected: Vec<f64> = (0..10).map(with).collect();
        assert_all_close(&found.active_count, &expected);
        assert_eq!((found.configurations, found.constant_pairs), (None, 0));
    }

    #[test]
    fn sites_that_never_change_have_correlation_zero_and_are_counted() {
        // Site 0 is up and site 1 down with odds of e^2000; sites 2 and 3 are ±tanh 1
        // together: their correlation is tanh² 1.
        let half_logits = [1e3, -1e3, 1.0, 1.0, 1e3, -1e3, -1.0, -1.0];
        let mixture = SiteMixture::new(4, &half_logits, &[1.0, 1.0]).unwrap();
        let found = mixture_statistics(&mixture, &[]).unwrap();
        let expected = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0_f64.tanh().powi(2)];
        assert_all_close(&found.correlations, &expected);
        assert_eq!(found.constant_pairs, 5);
        assert!(found.triplets.is_empty());
    }

    #[test]
    fn sites_that_are_almost_always_up_have_their_correlation() {
        // Turning all spins changes no correlation; 1 - rate is 2e-18 here.
        let of = |sign: f64| {
            let half_logits = [-20.0, -20.0, -21.0, -22.0].map(|phi| sign * phi);
            let mixture = SiteMixture::new(2, &half_logits, &[0.5, 0.5]).unwrap();
            mixture_statistics(&mixture, &[]).unwrap().correlations[0]
        };
        assert!(of(1.0) > 0.0);
        assert!(
            (of(-1.0) / of(1.0) - 1.0).abs() < 1e-12,
            "{} {}",
            of(-1.0),
            of(1.0)
        );
    }

    #[test]
    fn triplet_sites_must_be_distinct_sites() {
        for (chosen, unit) in [([0, 9], 9), ([1, 1], 1)] {
            let error = mixture_statistics(&mixture(), &chosen).unwrap_err();
            assert_eq!(error, PopulationError::TripletUnit { unit, units: 9 });
        }
    }
}
