//! Collective variables of one part of a configuration, for unknown data.

use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::inference::{Basis, InferenceError, check_values, spectrum};
use crate::random::{Generator, uniform};

/// Collective variables of one part: a row a sample, a column a variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Collective {
    values: Vec<f64>,
    dimension: usize,
    /// Distance of neighbouring values, if all values lie on a lattice.
    spacing: Option<f64>,
}

impl Collective {
    /// Variables that take any value, such as codes of an encoder.
    ///
    /// `values` are row-major, rows by `dimension`.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] if there is no value or no variable.
    /// - [`InferenceError::Shape`] if the values do not fill whole rows.
    /// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
    pub fn continuous(values: Vec<f64>, dimension: usize) -> Result<Self, InferenceError> {
        if values.is_empty() || dimension == 0 {
            return Err(InferenceError::Empty {
                what: "value of a collective variable",
            });
        }
        if !values.len().is_multiple_of(dimension) {
            return Err(InferenceError::Shape {
                found: values.len(),
                columns: dimension,
            });
        }
        check_values("value of a collective variable", &values)?;
        Ok(Self {
            values,
            dimension,
            spacing: None,
        })
    }

    /// The same variables, known to lie on a lattice with this `spacing`: they are
    /// dithered before distances are taken.
    ///
    /// # Errors
    ///
    /// [`InferenceError::OutOfRange`] if `spacing` is not above 0 and finite.
    pub fn on_lattice(self, spacing: f64) -> Result<Self, InferenceError> {
        if !(spacing > 0.0 && spacing.is_finite()) {
            return Err(InferenceError::OutOfRange {
                what: "the spacing of a lattice",
                value: spacing,
                expected: "a finite number above 0",
            });
        }
        Ok(Self {
            spacing: Some(spacing),
            ..self
        })
    }

    /// One integer a sample, such as [`up_spins`].
    ///
    /// # Errors
    ///
    /// [`InferenceError::Empty`] if there is no sample.
    pub fn counts(counts: &[u32]) -> Result<Self, InferenceError> {
        let values = counts.iter().copied().map(f64::from).collect();
        Self::continuous(values, 1)?.on_lattice(1.0)
    }

    /// Number of samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Number of variables.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The variables of one sample.
    ///
    /// # Panics
    ///
    /// Panics if there is no such sample.
    #[must_use]
    #[track_caller]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.dimension..(row + 1) * self.dimension]
    }

    /// The given samples, in the given order.
    ///
    /// # Panics
    ///
    /// Panics if there is no such sample.
    #[must_use]
    #[track_caller]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            values: rows
                .iter()
                .flat_map(|&row| self.row(row))
                .copied()
                .collect(),
            ..*self
        }
    }

    pub(super) fn is_lattice(&self) -> bool {
        self.spacing.is_some()
    }

    /// The numbers, if this is one variable of integers from 0 to `u32::MAX` with the
    /// spacing 1.
    pub(super) fn integers(&self) -> Option<Vec<u32>> {
        let number = |x: &f64| {
            let whole = x.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(x);
            whole.then_some(*x as u32)
        };
        if self.dimension != 1 || self.spacing != Some(1.0) {
            return None;
        }
        self.values.iter().map(number).collect()
    }

    /// Adds uniform noise over one spacing to values on a lattice.
    pub(super) fn dithered(&self, generator: &mut Generator) -> Self {
        let Some(spacing) = self.spacing else {
            return self.clone();
        };
        let values = self.values.iter();
        Self {
            values: values
                .map(|x| x + spacing * (uniform(generator) - 0.5))
                .collect(),
            dimension: self.dimension,
            spacing: None,
        }
    }

    /// Every coordinate less its mean and over its standard deviation.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Constant`] if a coordinate does not vary.
    pub(super) fn scaled(mut self) -> Result<Self, InferenceError> {
        let constant = |axis| {
            self.column(axis)
                .all(|x| (x - self.values[axis]).abs() <= 0.0)
        };
        if (0..self.dimension).any(constant) {
            return Err(InferenceError::Constant {
                what: "values of a collective variable",
            });
        }
        let scales = self.scales();
        for row in self.values.chunks_exact_mut(self.dimension) {
            for (x, (centre, scale)) in row.iter_mut().zip(&scales) {
                *x = (*x - centre) / scale;
            }
        }
        Ok(self)
    }

    /// Mean and standard deviation of every coordinate; 1 in place of a deviation of 0.
    pub(super) fn scales(&self) -> Vec<(f64, f64)> {
        let rows = self.rows() as f64;
        let scale = |axis: usize| {
            let centre = self.column(axis).sum::<f64>() / rows;
            let squares: f64 = self.column(axis).map(|x| (x - centre).powi(2)).sum();
            let deviation = (squares / rows).sqrt();
            (centre, if deviation > 0.0 { deviation } else { 1.0 })
        };
        (0..self.dimension).map(scale).collect()
    }

    fn column(&self, axis: usize) -> impl Iterator<Item = f64> {
        self.values[axis..].iter().step_by(self.dimension).copied()
    }
}

/// The number of up spins among `sites` in every configuration, from 0 to `sites.len()`.
///
/// # Panics
///
/// Panics if there is no such site.
#[must_use]
pub fn up_spins(spins: &BitMatrix, sites: &[usize]) -> Vec<u32> {
    let mut mask = BitMatrix::zeros(1, spins.columns());
    for &site in sites {
        mask.set(0, site, true);
    }
    let up = |row: usize| {
        let words = spins.row(row).iter().zip(mask.row(0));
        words.map(|(word, mask)| (word & mask).count_ones()).sum()
    };
    (0..spins.rows()).map(up).collect()
}

/// Directions over the features of some sites, on which configurations are projected.
///
/// # Shapes
///
/// A feature is the sign of a spin, or one of the two or five numbers of a director
/// ([`crate::configurations`]); a direction holds one number for each feature of each
/// of the `sites`.
///
/// Directions that were found in the same samples that are then projected fit
/// their noise a little: find them in samples that are not used again, where there are
/// enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    sites: Vec<usize>,
    /// Directions by features.
    directions: Vec<Vec<f64>>,
}

impl Projection {
    /// The leading principal components of the features of `sites`.
    ///
    /// # Errors
    ///
    /// Those of [`spectrum`] and of [`crate::inference::Spectrum::basis`]: too few
    /// samples or sites, or more components than there are.
    ///
    /// # Panics
    ///
    /// Panics if there is no such site.
    pub fn principal(
        configurations: &Configurations,
        sites: &[usize],
        components: usize,
    ) -> Result<Self, InferenceError> {
        let basis = principal_directions(configurations, sites, components)?;
        Ok(Self {
            sites: sites.to_vec(),
            directions: basis.vectors().map(<[f64]>::to_vec).collect(),
        })
    }

    /// The leading principal components of both parts together, each cut into its share
    /// of part `a` and its share of part `b`.
    ///
    /// Where a collective variable of the whole acts on both parts, this is the
    /// projection that sees it best, and the same number of directions serves both.
    ///
    /// # Errors
    ///
    /// Those of [`Projection::principal`].
    ///
    /// # Panics
    ///
    /// Panics if there is no such site.
    pub fn joint(
        configurations: &Configurations,
        [a, b]: [&[usize]; 2],
        components: usize,
    ) -> Result<[Self; 2], InferenceError> {
        let sites = [a, b].concat();
        let basis = principal_directions(configurations, &sites, components)?;
        let cut = a.len() * configurations.unit().width();
        let share = |sites: &[usize], from: usize, to: usize| Self {
            sites: sites.to_vec(),
            directions: basis.vectors().map(|v| v[from..to].to_vec()).collect(),
        };
        let all = sites.len() * configurations.unit().width();
        Ok([share(a, 0, cut), share(b, cut, all)])
    }

    /// The projections of all configurations: a row a configuration, a column a
    /// direction.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Empty`] if there is no configuration.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer sites, or units of another kind, than in those that
    /// the directions were found in.
    pub fn of(&self, configurations: &Configurations) -> Result<Collective, InferenceError> {
        let features = features(configurations, &self.sites);
        let width = self.sites.len() * configurations.unit().width();
        let values = features.chunks_exact(width.max(1)).flat_map(|row| {
            self.directions.iter().map(move |direction| {
                assert_eq!(direction.len(), row.len(), "features of a direction");
                row.iter().zip(direction).map(|(x, d)| x * d).sum()
            })
        });
        Collective::continuous(values.collect(), self.directions.len())
    }
}

fn principal_directions(
    configurations: &Configurations,
    sites: &[usize],
    components: usize,
) -> Result<Basis, InferenceError> {
    let columns = sites.len() * configurations.unit().width();
    spectrum(&features(configurations, sites), columns)?.basis(components)
}

/// The features of the given sites: configurations by features.
#[must_use]
pub fn features(configurations: &Configurations, sites: &[usize]) -> Vec<f64> {
    match configurations {
        Configurations::Spins(bits) => {
            let sign = |row: usize, site: usize| if bits.get(row, site) { 1.0 } else { -1.0 };
            let rows = 0..bits.rows();
            rows.flat_map(|row| sites.iter().map(move |&site| sign(row, site)))
                .collect()
        }
        Configurations::Directors(directors) => {
            let width = configurations.unit().width();
            let row = |row: usize| {
                let values = directors.row(row);
                sites
                    .iter()
                    .flat_map(move |&site| &values[site * width..(site + 1) * width])
                    .map(|&x| f64::from(x))
            };
            (0..configurations.rows()).flat_map(row).collect()
        }
    }
}

#[cfg(test)]
mod tests;
