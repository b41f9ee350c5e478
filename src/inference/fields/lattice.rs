//! Product lattices for the values of a field.

/// Nodes along each side of a lattice of 1, 2 and 3 dimensions, and its reach.
const SIDES: [(usize, f64); 3] = [(61, 4.0), (31, 4.0), (13, 4.0)];

/// A product lattice for a standard normal field of 1 to 3 components: its nodes (`M x K`)
/// and the normal density there, scaled to a sum of 1 (`M`).
///
/// Equal steps make the trapezoid rule, which for smooth functions of a normal variable
/// converges as fast as Gauss's rule and has its nodes where a law of the field that is not
/// normal may want them.
///
/// # Panics
///
/// Panics unless there are 1 to 3 components.
#[must_use]
pub fn normal_lattice(fields: usize) -> (Vec<f64>, Vec<f64>) {
    let (side, reach) = SIDES[fields - 1];
    product_lattice(fields, side, reach)
}

/// The same with `side` nodes from `-reach` to `reach` in each component.
pub(super) fn product_lattice(fields: usize, side: usize, reach: f64) -> (Vec<f64>, Vec<f64>) {
    let places: Vec<f64> = (0..side)
        .map(|k| reach * (2.0 * k as f64 / (side - 1) as f64 - 1.0))
        .collect();
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    for index in 0..side.pow(fields as u32) {
        let node = (0..fields).map(|component| places[index / side.pow(component as u32) % side]);
        let start = nodes.len();
        nodes.extend(node);
        let square: f64 = nodes[start..].iter().map(|h| h * h).sum();
        weights.push((-0.5 * square).exp());
    }
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    (nodes, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_standard_normal_numbers() {
        for fields in 1..=3 {
            let (nodes, weights) = normal_lattice(fields);
            assert_eq!(nodes.len(), fields * weights.len());
            let mean = |f: &dyn Fn(&[f64]) -> f64| -> f64 {
                let pairs = nodes.chunks_exact(fields).zip(&weights);
                pairs.map(|(node, weight)| weight * f(node)).sum()
            };
            let last = fields - 1;
            assert!(mean(&|h| h[last]).abs() < 1e-14);
            // Cut off at 4 the variance lacks 2 (4 n(4) + 1 - N(4)) = 1.1e-3, and the half
            // of the end nodes that the trapezoid rule leaves out gives some of it back.
            assert!((mean(&|h| h[last] * h[last]) - 1.0).abs() < 1.5e-3);
            assert!(mean(&|h| h[0] * h[last]).abs() < 1e-14 || fields == 1);
        }
    }
}
