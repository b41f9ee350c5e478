//! Orthonormal bases of small spaces of site vectors.

use super::InferenceError;

/// Part of a vector's length that must stand out from the vectors before it.
const INDEPENDENCE: f64 = 1e-10;

/// Orthonormal vectors over the sites, spanning the space that is read off.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    sites: usize,
    values: Vec<f64>,
}

impl Basis {
    /// Orthonormalises independent vectors, in their order.
    ///
    /// Each inner slice is one vector over the sites, in any unit.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::Empty`] if there is no vector or no site.
    /// - [`InferenceError::Length`] if the vectors differ in length.
    /// - [`InferenceError::NotFinite`] if a value is NaN or infinite.
    /// - [`InferenceError::Dependent`] if a vector lies in the span of those
    ///   before it, to ten digits.
    pub fn spanning(vectors: &[Vec<f64>]) -> Result<Self, InferenceError> {
        let sites = vectors.first().map_or(0, Vec::len);
        if sites == 0 {
            return Err(InferenceError::Empty {
                what: "site of a basis vector",
            });
        }
        let mut basis = Self {
            sites,
            values: Vec::with_capacity(vectors.len() * sites),
        };
        for (index, vector) in vectors.iter().enumerate() {
            if vector.len() != sites {
                return Err(InferenceError::Length {
                    what: "vector",
                    index,
                    found: vector.len(),
                    expected: sites,
                });
            }
            basis.push(index, vector)?;
        }
        Ok(basis)
    }

    /// Takes vectors that are orthonormal already, one after the other.
    pub(super) fn from_orthonormal(sites: usize, values: Vec<f64>) -> Self {
        debug_assert!(sites > 0 && values.len().is_multiple_of(sites));
        Self { sites, values }
    }

    fn push(&mut self, index: usize, vector: &[f64]) -> Result<(), InferenceError> {
        if let Some(site) = vector.iter().position(|x| !x.is_finite()) {
            return Err(InferenceError::NotFinite {
                what: "component of a basis vector at site",
                index: site,
                value: vector[site],
            });
        }
        // Scaled first, so that squares of huge or tiny values stay in range.
        let largest = vector.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        if largest == 0.0 {
            return Err(InferenceError::Dependent { vector: index });
        }
        let mut rest: Vec<f64> = vector.iter().map(|x| x / largest).collect();
        let length = norm(&rest);
        // The second pass removes what rounding left of the first.
        for _ in 0..2 {
            for known in self.values.chunks_exact(self.sites) {
                project_out(&mut rest, known);
            }
        }
        let remaining = norm(&rest);
        if remaining <= INDEPENDENCE * length {
            return Err(InferenceError::Dependent { vector: index });
        }
        self.values.extend(rest.iter().map(|x| x / remaining));
        Ok(())
    }

    /// Number of sites, the length of each vector.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.sites
    }

    /// Number of vectors.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.values.len() / self.sites
    }

    /// The vectors, each over the sites.
    pub fn vectors(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.sites)
    }

    /// Inner products of a site vector with the basis vectors.
    #[must_use]
    pub(super) fn coordinates(&self, vector: &[f64]) -> Vec<f64> {
        self.vectors().map(|known| dot(known, vector)).collect()
    }

    /// The site vector that has the given coordinates.
    #[must_use]
    pub(super) fn combine(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut vector = vec![0.0; self.sites];
        for (known, &coordinate) in self.vectors().zip(coordinates) {
            subtract_multiple(&mut vector, -coordinate, known);
        }
        vector
    }
}

/// Inner product.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Euclidean length.
pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Takes the component along a unit vector out of `vector`.
pub(super) fn project_out(vector: &mut [f64], unit: &[f64]) {
    subtract_multiple(vector, dot(unit, vector), unit);
}

/// Takes `factor * direction` away from `vector`.
pub(super) fn subtract_multiple(vector: &mut [f64], factor: f64, direction: &[f64]) {
    for (x, d) in vector.iter_mut().zip(direction) {
        *x -= factor * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_parallel_vectors_become_orthonormal() {
        let vectors = [
            vec![1.0, 1.0, 0.0, 2.0],
            vec![1.0, 1.0, 1e-7, 2.0],
            vec![1e200, 0.0, 0.0, -1e200],
        ];
        let basis = Basis::spanning(&vectors).unwrap();
        let rows: Vec<&[f64]> = basis.vectors().collect();
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                let expected = f64::from(u8::from(i == j));
                assert!((dot(a, b) - expected).abs() < 1e-12, "{i} {j}");
            }
        }
    }

    #[test]
    fn vectors_of_the_space_are_rebuilt_from_their_coordinates() {
        let vectors = [vec![1.0, 2.0, 3.0], vec![0.0, -1.0, 1.0]];
        let basis = Basis::spanning(&vectors).unwrap();
        let member = [2.0, 1.0, 9.0]; // twice the first, three times the second
        let again = basis.combine(&basis.coordinates(&member));
        for (a, b) in again.iter().zip(member) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn vectors_that_span_no_space_are_refused() {
        let dependent = [vec![1.0, 2.0], vec![1.0, 0.0], vec![5.0, 6.0]];
        assert_eq!(
            Basis::spanning(&dependent),
            Err(InferenceError::Dependent { vector: 2 })
        );
        assert_eq!(
            Basis::spanning(&[vec![0.0, 0.0]]),
            Err(InferenceError::Dependent { vector: 0 })
        );
        assert!(matches!(
            Basis::spanning(&[]),
            Err(InferenceError::Empty { .. })
        ));
        assert!(matches!(
            Basis::spanning(&[vec![1.0, 2.0], vec![1.0]]),
            Err(InferenceError::Length { index: 1, .. })
        ));
        assert!(matches!(
            Basis::spanning(&[vec![1.0, f64::NAN]]),
            Err(InferenceError::NotFinite { index: 1, .. })
        ));
    }
}
