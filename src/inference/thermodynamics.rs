//! Means and fluctuations of the observables of equilibrium samples, with errors.

use super::block_sums::{BlockSums, check_count, check_values};
use super::{Estimate, InferenceError};

/// Blocks into which rows are cut for errors, at most.
const MOST_BLOCKS: usize = 100;

/// Effective samples that a block of correlated rows should hold.
///
/// A block then is 20 integrated autocorrelation times long, and correlations
/// between neighbouring blocks hide a few per cent of the error.
const EFFECTIVE_PER_BLOCK: f64 = 10.0;

/// A named number with its standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedEstimate {
    /// The observable's name, such as `specific_heat`.
    pub name: String,
    /// The number.
    pub estimate: Estimate,
}

/// One order parameter in all configurations.
#[derive(Debug, Clone, Copy)]
pub struct OrderParameter<'a> {
    /// Its name, such as `magnetisation`.
    pub name: &'a str,
    /// Its value per site in each configuration.
    pub values: &'a [f64],
}

/// What was measured on equilibrium samples.
#[derive(Debug, Clone, Copy)]
pub struct Observations<'a> {
    /// The number of sites, N.
    pub sites: usize,
    /// The inverse temperature, in units of `1/J`.
    pub beta: f64,
    /// The energy of each configuration, whole system, in units of `J`.
    pub energies: &'a [f64],
    /// The order parameters; the first gives the susceptibility and the cumulant.
    pub order_parameters: &'a [OrderParameter<'a>],
}

/// Labels of blocks for samples of which `effective_samples` are worth as much.
///
/// Independent samples are cut into 100 blocks of neighbours. Correlated ones are
/// cut into blocks that are worth 10 independent samples (20 integrated
/// autocorrelation times) each, at most 100 and at least 2 blocks: below 20
/// effective samples, the errors over these blocks are too small.
#[must_use]
pub fn independent_blocks(count: usize, effective_samples: f64) -> Vec<u32> {
    let wanted = if effective_samples >= count as f64 {
        MOST_BLOCKS
    } else {
        // NaN becomes 0.
        (effective_samples / EFFECTIVE_PER_BLOCK) as usize
    };
    let blocks = wanted.clamp(2, MOST_BLOCKS).min(count.max(1));
    (0..count)
        .map(|row| (row * blocks / count) as u32)
        .collect()
}

/// Means and fluctuations, in this order:
///
/// ```text
/// energy_per_site           <E> / N                        units of J
/// energy_variance_per_site  (<E²> - <E>²) / N              units of J²
/// specific_heat             β² (<E²> - <E>²) / N           per site, units of k_B
/// abs_<o>, squared_<o>      <|o|>, <o²>                    for every order parameter o
/// susceptibility            βN (<m²> - <|m|>²)             m is the first of them
/// binder_cumulant           1 - <m⁴> / (3 <m²>²)
/// ```
///
/// Errors are jackknife errors over `blocks`, the block of each configuration;
/// blocks are taken to be independent (see [`independent_blocks`]). The values are
/// functions of the plain means: the jackknife's correction of their bias is not
/// applied. That bias is of the order of the squared relative error, so that it is
/// small beside the error wherever the error is small.
///
/// The cumulant is left out where `m` is zero in all configurations, or in all but
/// those of one block.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no site.
/// - [`InferenceError::OutOfRange`] if `beta` is negative or not finite.
/// - [`InferenceError::Count`] if energies, order parameters and labels differ in
///   number.
/// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
pub fn thermodynamics(
    observations: &Observations<'_>,
    blocks: &[u32],
) -> Result<Vec<NamedEstimate>, InferenceError> {
    check(observations, blocks)?;
    let mut named = Vec::new();
    let mut push = |name: String, estimate: Estimate| named.push(NamedEstimate { name, estimate });
    let [mean, variance, heat] = energy_moments(observations, blocks)?;
    push("energy_per_site".to_owned(), mean);
    push("energy_variance_per_site".to_owned(), variance);
    push("specific_heat".to_owned(), heat);
    for (index, order) in observations.order_parameters.iter().enumerate() {
        let sums = order_sums(order.values, blocks)?;
        let [absolute, squared] = sums.jackknife(|means| Ok([means[0], means[1]]))?;
        push(format!("abs_{}", order.name), absolute);
        push(format!("squared_{}", order.name), squared);
        if index > 0 {
            continue;
        }
        let scale = observations.beta * observations.sites as f64;
        let [susceptibility, cumulant] = sums.jackknife(|means| {
            let [absolute, second, fourth] = [means[0], means[1], means[2]];
            let cumulant = 1.0 - fourth / (3.0 * second * second);
            Ok([scale * (second - absolute * absolute), cumulant])
        })?;
        push("susceptibility".to_owned(), susceptibility);
        if cumulant.value.is_finite() && cumulant.standard_error.is_finite() {
            push("binder_cumulant".to_owned(), cumulant);
        }
    }
    Ok(named)
}

fn check(observations: &Observations<'_>, blocks: &[u32]) -> Result<(), InferenceError> {
    if observations.sites == 0 {
        return Err(InferenceError::Empty { what: "site" });
    }
    if !(observations.beta >= 0.0 && observations.beta.is_finite()) {
        return Err(InferenceError::OutOfRange {
            what: "the inverse temperature",
            value: observations.beta,
            expected: "a finite number that is not negative",
        });
    }
    let rows = observations.energies.len();
    check_count("block labels", blocks.len(), rows)?;
    check_values("energy", observations.energies)?;
    for order in observations.order_parameters {
        check_count("values of an order parameter", order.values.len(), rows)?;
        check_values("value of an order parameter", order.values)?;
    }
    Ok(())
}

/// Mean energy, variance of the energy and specific heat, all per site.
fn energy_moments(
    observations: &Observations<'_>,
    blocks: &[u32],
) -> Result<[Estimate; 3], InferenceError> {
    let energies = observations.energies;
    let sites = observations.sites as f64;
    let beta = observations.beta;
    // Squares are taken about the mean, so that no digits are lost.
    let centre = energies.iter().sum::<f64>() / energies.len().max(1) as f64;
    let sums = BlockSums::new(blocks, 2, |row, out| {
        let difference = energies[row] - centre;
        out.copy_from_slice(&[difference, difference * difference]);
    })?;
    sums.jackknife(|means| {
        let variance = (means[1] - means[0] * means[0]) / sites;
        Ok([
            (centre + means[0]) / sites,
            variance,
            beta * beta * variance,
        ])
    })
}

/// Sums of `|o|`, `o²` and `o⁴`.
fn order_sums(values: &[f64], blocks: &[u32]) -> Result<BlockSums, InferenceError> {
    BlockSums::new(blocks, 3, |row, out| {
        let square = values[row] * values[row];
        out.copy_from_slice(&[values[row].abs(), square, square * square]);
    })
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::random::{Generator, stream, uniform};

    fn named(list: &[NamedEstimate], name: &str) -> Estimate {
        let found = list.iter().find(|entry| entry.name == name);
        found.unwrap_or_else(|| panic!("no {name}")).estimate
    }

    fn normal(generator: &mut Generator) -> f64 {
        StandardNormal.sample(generator)
    }

    fn assert_within(found: Estimate, expected: f64, what: &str) {
        let pull = (found.value - expected) / found.standard_error;
        assert!(pull.abs() < 4.0, "{what}: {found:?}, expected {expected}");
    }

    #[test]
    fn gaussian_energies_and_order_have_their_closed_forms() {
        // E ~ N(-50, 9), m ~ N(0, 0.04), N = 10, β = 0.5: Var E / N = 0.9,
        // <|m|> = 0.2 sqrt(2/π), χ = 5 · 0.04 (1 - 2/π), cumulant 0.
        let mut generator = stream("1", &["thermodynamics"]);
        let energies: Vec<f64> = (0..40_000)
            .map(|_| 3.0 * normal(&mut generator) - 50.0)
            .collect();
        let order: Vec<f64> = (0..40_000).map(|_| 0.2 * normal(&mut generator)).collect();
        let observations = Observations {
            sites: 10,
            beta: 0.5,
            energies: &energies,
            order_parameters: &[OrderParameter {
                name: "m",
                values: &order,
            }],
        };
        let found = thermodynamics(&observations, &independent_blocks(40_000, 4e4)).unwrap();
        let two_over_pi = 2.0 / std::f64::consts::PI;
        for (name, expected) in [
            ("energy_per_site", -5.0),
            ("energy_variance_per_site", 0.9),
            ("specific_heat", 0.225),
            ("abs_m", 0.2 * two_over_pi.sqrt()),
            ("squared_m", 0.04),
            ("susceptibility", 5.0 * 0.04 * (1.0 - two_over_pi)),
            ("binder_cumulant", 0.0),
        ] {
            assert_within(named(&found, name), expected, name);
        }
        // Errors in closed form: 3 / (10 sqrt n), and 0.9 sqrt(2 / n) of the variance.
        // The error over 100 blocks is itself known to 1 / sqrt(200) = 7 %.
        for (name, error) in [
            ("energy_per_site", 0.3 / 200.0),
            ("energy_variance_per_site", 0.9 * 2.0_f64.sqrt() / 200.0),
        ] {
            let ratio = named(&found, name).standard_error / error;
            assert!((ratio - 1.0).abs() < 0.28, "{name}: ratio {ratio}");
        }
    }

    #[test]
    fn two_states_have_their_closed_forms() {
        // E = 0 or 2 with probability 1/4 of 2: mean 0.5, variance 0.75; m = ±1.
        let energies: Vec<f64> = (0..400).map(|k| f64::from(k % 4 / 3 * 2)).collect();
        let order: Vec<f64> = (0..400).map(|k| f64::from(k % 2 * 2 - 1)).collect();
        let observations = Observations {
            sites: 2,
            beta: 2.0,
            energies: &energies,
            order_parameters: &[
                OrderParameter {
                    name: "a",
                    values: &order,
                },
                OrderParameter {
                    name: "b",
                    values: &[0.5; 400],
                },
            ],
        };
        let found = thermodynamics(&observations, &independent_blocks(400, 400.0)).unwrap();
        let names: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "energy_per_site",
                "energy_variance_per_site",
                "specific_heat",
                "abs_a",
                "squared_a",
                "susceptibility",
                "binder_cumulant",
                "abs_b",
                "squared_b"
            ]
        );
        for (entry, expected) in
            found
                .iter()
                .zip([0.25, 0.375, 1.5, 1.0, 1.0, 0.0, 2.0 / 3.0, 0.5, 0.25])
        {
            let difference = (entry.estimate.value - expected).abs();
            assert!(difference < 1e-12, "{entry:?}, expected {expected}");
            // All blocks are alike.
            assert!(entry.estimate.standard_error < 1e-12, "{entry:?}");
        }
    }

    /// Stationary numbers with variance 1 and `<x(t) x(t + k)> = r^k`.
    fn autoregressive(generator: &mut Generator, count: usize, r: f64) -> Vec<f64> {
        let mut x = normal(generator);
        let noise = (1.0 - r * r).sqrt();
        (0..count)
            .map(|_| {
                x = r * x + noise * normal(generator);
                x
            })
            .collect()
    }

    #[test]
    fn intervals_of_correlated_data_cover_the_truth_as_often_as_they_say() {
        // r = 0.8: integrated time (1 + r) / (1 - r) / 2 = 4.5, so 9000 rows are worth 1000.
        let mut covered = [0; 4];
        for seed in 0..1000 {
            let mut generator = stream(&seed.to_string(), &["autoregressive"]);
            let energies = autoregressive(&mut generator, 9000, 0.8);
            let order = autoregressive(&mut generator, 9000, 0.8);
            let observations = Observations {
                sites: 1,
                beta: 1.0,
                energies: &energies,
                order_parameters: &[OrderParameter {
                    name: "m",
                    values: &order,
                }],
            };
            let blocks = independent_blocks(9000, 1000.0);
            let found = thermodynamics(&observations, &blocks).unwrap();
            let truths = [
                ("energy_per_site", 0.0),
                ("specific_heat", 1.0),
                ("susceptibility", 1.0 - 2.0 / std::f64::consts::PI),
                ("binder_cumulant", 0.0),
            ];
            for (hits, (name, truth)) in covered.iter_mut().zip(truths) {
                let estimate = named(&found, name);
                let inside = (estimate.value - truth).abs() < 1.96 * estimate.standard_error;
                *hits += u32::from(inside);
            }
        }
        for hits in covered {
            assert!((900..=990).contains(&hits), "{covered:?}");
        }
    }

    #[test]
    fn blocks_are_as_many_as_the_effective_samples_allow() {
        let blocks_of = |count, effective| {
            let labels = independent_blocks(count, effective);
            assert!(labels.is_sorted() && labels.len() == count);
            labels.last().map_or(0, |&last| last + 1)
        };
        assert_eq!(blocks_of(5000, 5000.0), 100);
        assert_eq!(blocks_of(50, 50.0), 50);
        assert_eq!(blocks_of(5000, 300.0), 30);
        assert_eq!(blocks_of(5000, 3.0), 2);
        assert_eq!(blocks_of(5000, f64::NAN), 2);
        assert_eq!(blocks_of(0, 0.0), 0);
    }

    #[test]
    fn an_order_parameter_that_is_always_zero_has_no_cumulant() {
        let mut generator = stream("9", &[]);
        let energies: Vec<f64> = (0..10).map(|_| uniform(&mut generator)).collect();
        let zero = OrderParameter {
            name: "m",
            values: &[0.0; 10],
        };
        let observations = Observations {
            sites: 1,
            beta: 1.0,
            energies: &energies,
            order_parameters: &[zero],
        };
        let found = thermodynamics(&observations, &independent_blocks(10, 10.0)).unwrap();
        assert!(found.iter().all(|entry| entry.name != "binder_cumulant"));
        assert!(found.iter().all(|entry| entry.estimate.value.is_finite()));
    }

    #[test]
    fn input_that_does_not_fit_is_named() {
        let valid = Observations {
            sites: 1,
            beta: 1.0,
            energies: &[1.0, 2.0],
            order_parameters: &[],
        };
        let refuse = |observations: Observations<'_>, blocks: &[u32]| {
            thermodynamics(&observations, blocks).unwrap_err()
        };
        assert!(matches!(
            refuse(Observations { sites: 0, ..valid }, &[0, 1]),
            InferenceError::Empty { .. }
        ));
        assert!(matches!(
            refuse(
                Observations {
                    beta: -1.0,
                    ..valid
                },
                &[0, 1]
            ),
            InferenceError::OutOfRange { .. }
        ));
        assert!(matches!(
            refuse(valid, &[0]),
            InferenceError::Count { found: 1, .. }
        ));
        assert!(matches!(refuse(valid, &[0, 0]), InferenceError::Blocks(_)));
        let energies = &[1.0, f64::INFINITY];
        assert!(matches!(
            refuse(Observations { energies, ..valid }, &[0, 1]),
            InferenceError::NotFinite { index: 1, .. }
        ));
    }
}
