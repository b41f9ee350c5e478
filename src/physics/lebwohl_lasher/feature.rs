//! Features of directors in space, and what a sum of features says of their order.

pub(super) use crate::directional::bingham::feature;

/// Numbers in the feature of a director.
pub(super) const WIDTH: usize = 5;

/// Order of a configuration, from the mean of its features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Order {
    /// Length of the mean feature, from 0 to 1.
    pub(super) norm: f64,
    /// The eigenvalue of largest magnitude of `Q`, from -1/2 to 1.
    pub(super) scalar: f64,
    /// `1 - 6 (Tr Q³)² / (Tr Q²)³`: 0 for uniaxial order, 1 for the most biaxial.
    pub(super) biaxiality: f64,
}

impl Order {
    /// With `Q = (1/N) Σ (3/2 u uᵀ - 1/2) = √(3/2) Σ_a ȳ_a E_a`.
    ///
    /// Without any order all three numbers are 0.
    pub(super) fn new(mean: [f64; WIDTH]) -> Self {
        let q = tensor(mean);
        let square = product(&q, &q);
        let trace = |m: &[[f64; 3]; 3]| m[0][0] + m[1][1] + m[2][2];
        let (second, third) = (trace(&square), trace(&product(&square, &q)));
        if second <= 0.0 {
            let none = 0.0;
            return Self {
                norm: none,
                scalar: none,
                biaxiality: none,
            };
        }
        // The eigenvalues are √(2 Tr Q² / 3) cos((φ + 2πk)/3), cos φ as below.
        let cosine = (6.0_f64.sqrt() * third / second.powf(1.5)).clamp(-1.0, 1.0);
        let largest = (2.0 * second / 3.0).sqrt() * (cosine.abs().acos() / 3.0).cos();
        Self {
            norm: (2.0 * second / 3.0).sqrt(),
            scalar: largest.copysign(cosine),
            biaxiality: 1.0 - cosine * cosine,
        }
    }
}

/// `√(3/2) Σ_a y_a E_a`.
fn tensor([a, b, c, d, e]: [f64; WIDTH]) -> [[f64; 3]; 3] {
    let half = 0.5 * 3.0_f64.sqrt();
    [
        [half * a - 0.5 * b, half * c, half * d],
        [half * c, -half * a - 0.5 * b, half * e],
        [half * d, half * e, b],
    ]
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let entry = |i: usize, j: usize| (0..3).map(|k| a[i][k] * b[k][j]).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
}

#[cfg(test)]
mod tests {
    use super::super::directors::random_director;
    use super::*;
    use crate::random::stream;

    #[test]
    fn the_tensor_of_a_feature_is_that_of_its_director() {
        let mut generator = stream("tensors", &[]);
        for _ in 0..20 {
            let u = random_director(&mut generator);
            let q = tensor(feature(u));
            for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
                let delta = if i == j { 1.0 } else { 0.0 };
                assert!((q[i][j] - (1.5 * u[i] * u[j] - 0.5 * delta)).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn order_tells_rods_from_discs_and_from_biaxial_order() {
        let mean = |directors: &[[f64; 3]]| -> [f64; WIDTH] {
            let count = directors.len() as f64;
            let features: Vec<_> = directors.iter().map(|&u| feature(u)).collect();
            std::array::from_fn(|a| features.iter().map(|y| y[a]).sum::<f64>() / count)
        };
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let close = |found: Order, expected: [f64; 3]| {
            let found = [found.norm, found.scalar, found.biaxiality];
            let far = found
                .iter()
                .zip(expected)
                .any(|(a, b)| (a - b).abs() > 1e-7);
            assert!(!far, "{found:?}, {expected:?}");
        };
        // All along one axis; in a plane alike: Q = diag(1/4, 1/4, -1/2).
        close(Order::new(mean(&axes[2..])), [1.0, 1.0, 0.0]);
        close(Order::new(mean(&axes[..2])), [0.5, -0.5, 0.0]);
        close(Order::new(mean(&axes)), [0.0, 0.0, 0.0]);
        // Q = diag(1/2, 0, -1/2): two along the first axis, one along the second.
        let mixed = mean(&[axes[0], axes[0], axes[1]]);
        close(Order::new(mixed), [(1.0_f64 / 3.0).sqrt(), 0.5, 1.0]);
    }
}
