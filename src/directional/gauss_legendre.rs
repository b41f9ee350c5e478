//! Nodes and weights of Gauss and Legendre, computed by the compiler.

/// The rule of `N` points, `N` even: exact for polynomials up to degree `2N - 1`.
///
/// ```text
/// ∫_a^b f(x) dx ≈ Σ_k w_k f(x_k)
/// ```
///
/// Nodes are the roots of the Legendre polynomial `P_N`, found by Newton's method;
/// weights are `2 / ((1 - x²) P_N'(x)²)`.
#[derive(Debug, Clone, Copy)]
pub struct GaussLegendre<const N: usize> {
    /// Nodes between -1 and 1, in falling order.
    nodes: [f64; N],
    weights: [f64; N],
}

/// Newton's method doubles the digits; the first guess has three.
const ITERATIONS: usize = 6;

impl<const N: usize> GaussLegendre<N> {
    /// Finds the nodes and the weights.
    ///
    /// # Panics
    ///
    /// Panics if `N` is 0 or odd.
    #[must_use]
    pub const fn computed() -> Self {
        assert!(N > 0 && N.is_multiple_of(2), "an even number of nodes");
        let mut rule = Self {
            nodes: [0.0; N],
            weights: [0.0; N],
        };
        let mut index = 0;
        while index < N / 2 {
            let angle = std::f64::consts::PI * (index as f64 + 0.75) / (N as f64 + 0.5);
            let mut node = cosine(angle);
            let mut iteration = 0;
            while iteration < ITERATIONS {
                let (value, slope) = legendre::<N>(node);
                node -= value / slope;
                iteration += 1;
            }
            let (_, slope) = legendre::<N>(node);
            let weight = 2.0 / ((1.0 - node * node) * slope * slope);
            rule.nodes[index] = node;
            rule.nodes[N - 1 - index] = -node;
            rule.weights[index] = weight;
            rule.weights[N - 1 - index] = weight;
            index += 1;
        }
        rule
    }

    /// Nodes and weights for the interval from `from` to `to`.
    pub fn on(&self, from: f64, to: f64) -> impl Iterator<Item = (f64, f64)> {
        let (centre, half) = (f64::midpoint(from, to), 0.5 * (to - from));
        let pairs = self.nodes.iter().zip(&self.weights);
        pairs.map(move |(node, weight)| (centre + half * node, half * weight))
    }
}

/// `P_N(x)` and its derivative, by the recurrence in the degree.
const fn legendre<const N: usize>(x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    let mut degree = 1.0;
    let mut done = 1;
    while done < N {
        let next = ((2.0 * degree + 1.0) * x * value - degree * before) / (degree + 1.0);
        before = value;
        value = next;
        degree += 1.0;
        done += 1;
    }
    (value, degree * (x * value - before) / (x * x - 1.0))
}

/// The Taylor series of the cosine, good to ten digits up to `π/2`.
const fn cosine(x: f64) -> f64 {
    let square = x * x;
    let (mut term, mut sum) = (1.0, 1.0);
    let mut order = 1.0;
    while order < 16.0 {
        term *= -square / (order * (order + 1.0));
        sum += term;
        order += 2.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_up_to_the_promised_degree_are_integrated_exactly() {
        const RULE: GaussLegendre<8> = GaussLegendre::computed();
        for power in 0..16 {
            let sum: f64 = RULE.on(1.0, 3.0).map(|(x, w)| w * x.powi(power)).sum();
            let exact = (3.0_f64.powi(power + 1) - 1.0) / f64::from(power + 1);
            assert!((sum / exact - 1.0).abs() < 1e-14, "power {power}: {sum}");
        }
    }

    #[test]
    fn one_degree_more_is_not_integrated_exactly() {
        const RULE: GaussLegendre<8> = GaussLegendre::computed();
        let sum: f64 = RULE.on(1.0, 3.0).map(|(x, w)| w * x.powi(16)).sum();
        let exact = (3.0_f64.powi(17) - 1.0) / 17.0;
        assert!((sum / exact - 1.0).abs() > 1e-12, "{sum}");
    }

    #[test]
    fn an_oscillation_is_integrated_to_the_last_digits() {
        const RULE: GaussLegendre<32> = GaussLegendre::computed();
        let sum: f64 = RULE.on(0.0, 10.0).map(|(x, w)| w * x.cos()).sum();
        assert!((sum - 10.0_f64.sin()).abs() < 1e-14, "{sum}");
    }
}
