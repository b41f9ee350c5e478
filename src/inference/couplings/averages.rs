//! Site averages of natural parameters and of features.

use crate::configurations::Configurations;
use crate::inference::InferenceError;

/// Means over the sites of what each site has: rows by width.
///
/// # Shapes
///
/// - `values`: rows by sites by `width`, row-major, such as the posterior means of the
///   natural parameters of the units.
///
/// # Errors
///
/// - [`InferenceError::Empty`] if there is no site or no component.
/// - [`InferenceError::Shape`] if the values do not fill whole rows.
pub fn site_averages(
    values: &[f32],
    sites: usize,
    width: usize,
) -> Result<Vec<f64>, InferenceError> {
    if sites == 0 || width == 0 {
        return Err(InferenceError::Empty {
            what: if sites == 0 { "site" } else { "component" },
        });
    }
    let columns = sites * width;
    if !values.len().is_multiple_of(columns) {
        return Err(InferenceError::Shape {
            found: values.len(),
            columns,
        });
    }
    let mut averages = Vec::with_capacity(values.len() / sites);
    for row in values.chunks_exact(columns) {
        let begin = averages.len();
        averages.resize(begin + width, 0.0);
        for site in row.chunks_exact(width) {
            for (sum, &value) in averages[begin..].iter_mut().zip(site) {
                *sum += f64::from(value);
            }
        }
        for sum in &mut averages[begin..] {
            *sum /= sites as f64;
        }
    }
    Ok(averages)
}

/// The mean features `Y/N` of configurations, rows by width: the magnetisation of
/// spins, two or five numbers for directors.
#[must_use]
pub fn mean_features(configurations: &Configurations) -> Vec<f64> {
    let sites = configurations.sites();
    match configurations {
        Configurations::Spins(bits) => (0..bits.rows())
            .map(|row| 2.0 * bits.count_ones(row) as f64 / sites as f64 - 1.0)
            .collect(),
        Configurations::Directors(directors) => {
            // A matrix of directors has sites and whole rows.
            site_averages(directors.values(), sites, configurations.unit().width())
                .unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::configurations::{DirectorMatrix, Unit};

    #[test]
    fn components_are_averaged_over_the_sites_of_their_row() {
        let values = [
            1.0, 10.0, 3.0, 20.0, 5.0, 60.0, 0.0, 0.0, 0.0, 1.0, 3.0, 2.0,
        ];
        let found = site_averages(&values, 3, 2).unwrap();
        for (found, expected) in found.iter().zip([3.0, 30.0, 1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
        let directors = DirectorMatrix::new(Unit::PlanarDirector, 3, values.to_vec());
        assert_eq!(mean_features(&directors.into()), found);
    }

    #[test]
    fn the_mean_feature_of_spins_is_their_magnetisation() {
        let mut bits = BitMatrix::zeros(2, 4);
        (0..3).for_each(|site| bits.set(1, site, true));
        let found = mean_features(&bits.into());
        assert!((found[0] + 1.0).abs() < 1e-15 && (found[1] - 0.5).abs() < 1e-15);
    }

    #[test]
    fn values_that_are_no_rows_of_sites_are_refused() {
        assert!(matches!(
            site_averages(&[1.0; 5], 2, 2),
            Err(InferenceError::Shape {
                found: 5,
                columns: 4
            })
        ));
        for (sites, width) in [(0, 1), (1, 0)] {
            assert!(matches!(
                site_averages(&[], sites, width),
                Err(InferenceError::Empty { .. })
            ));
        }
    }
}
