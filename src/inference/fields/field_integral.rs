//! The integral over the field of Hopfield's model, on a lattice that follows its weight.

use crate::inference::basis::dot;

/// Step of the lattice. The density of the field is a mixture of normal distributions of
/// variance 1, for which the trapezoid rule has the relative error `2 exp(-2π² / step²)`,
/// here `1e-13`.
const STEP: f64 = 0.8;
/// Steps along one side of a cell.
const PER_CELL: usize = 3;
/// Nats below the largest density at which the density counts as zero for a gradient: what
/// is left out is 1e-12, and 1e-8 or so at parameters that have moved since.
pub(super) const SUFFICIENT: f64 = 28.0;
/// The same for the probabilities of single configurations.
pub(super) const THOROUGH: f64 = 35.0;
/// Most cells of the box that is searched for weight.
const MAX_CELLS: f64 = 4e6;
/// Factors `1 + exp(-2|φ|)`, at most 2 each, whose product stays in range.
const FACTORS: usize = 512;

/// The part of a lattice on which the field has weight.
///
/// The density is `p(h) ∝ exp(-½|h|²) Π_i 2cosh φ_i(h)`. Its logarithm is that of a normal
/// distribution plus a convex function, so that over a distance r from any point there is a
/// direction in every half-space in which it falls by at most `½ r²`: of the corners of the
/// cell around a point one is at most `½ P side²` lower. Cells all of whose corners are
/// lower than that below the depth hold nothing, and all others are kept: no separate
/// maximum is missed.
pub(super) struct FieldLattice {
    /// Nodes by P.
    pub(super) nodes: Vec<f64>,
    /// The density at each, over the largest.
    pub(super) weights: Vec<f64>,
    /// The largest logarithm of the density that was met, nats.
    reference: f64,
}

/// Sums over the field at given parameters.
pub(super) struct FieldSums {
    /// `ln ∫ N(h; 0, 1) Π_i 2cosh φ_i(h) dh`, nats.
    pub(super) log_partition: f64,
    /// For each site the means of `tanh φ_i` and of `h tanh φ_i`: sites by `1 + P`.
    pub(super) means: Vec<f64>,
}

impl FieldLattice {
    /// The lattice for the parameters `[b_i, ξ_i^1, ...]`, one site after the other, down to
    /// `depth` nats below the largest density; none if couplings are so strong that the box
    /// of all fields has too many cells.
    pub(super) fn new(parameters: &[f64], fields: usize, depth: f64) -> Option<Self> {
        let side = STEP * PER_CELL as f64;
        // Given the spins the field is ξᵀs plus a normal variable.
        let halves: Vec<i64> = (1..=fields)
            .map(|component| {
                let entries = parameters.iter().skip(component).step_by(fields + 1);
                let reach = (2.0 * depth).sqrt() + entries.map(|x| x.abs()).sum::<f64>();
                (reach / side).ceil().min(MAX_CELLS) as i64
            })
            .collect();
        let cells: f64 = halves.iter().map(|&half| 2.0 * half as f64).product();
        if cells.is_nan() || cells > MAX_CELLS {
            return None;
        }
        let corners = Corners::new(&halves);
        let mut site_by_site = SiteBySite::new(parameters, fields);
        let heights: Vec<f64> = (0..corners.count)
            .map(|corner| site_by_site.log_density(&corners.place(corner, side)))
            .collect();
        let reference = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = reference - depth - 0.5 * fields as f64 * side * side;
        let mut candidates = Vec::new();
        for corner in 0..corners.count {
            let highest = corners
                .of_cell(corner)
                .map(|at| heights[at])
                .fold(f64::NEG_INFINITY, f64::max);
            if highest >= lowest {
                push_nodes(&corners.place(corner, side), &mut candidates);
            }
        }
        Some(Self::kept(&candidates, &mut site_by_site, fields, depth))
    }

    /// The candidates that are within the depth.
    fn kept(candidates: &[f64], site_by_site: &mut SiteBySite, fields: usize, depth: f64) -> Self {
        let candidates = candidates.chunks_exact(fields);
        let heights: Vec<f64> = candidates
            .clone()
            .map(|node| site_by_site.log_density(node))
            .collect();
        let reference = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let pairs = candidates.zip(&heights);
        let kept = pairs.filter(|(_, height)| **height >= reference - depth);
        let (mut nodes, mut weights) = (Vec::new(), Vec::new());
        for (node, height) in kept {
            nodes.extend_from_slice(node);
            weights.push((height - reference).exp());
        }
        Self {
            nodes,
            weights,
            reference,
        }
    }

    /// Sums at parameters near those of the lattice.
    pub(super) fn sums(&self, parameters: &[f64], fields: usize) -> FieldSums {
        let mut site_by_site = SiteBySite::new(parameters, fields);
        let sites = site_by_site.tangents.len();
        let mut columns = vec![0.0; parameters.len()];
        let mut total = 0.0;
        for node in self.nodes.chunks_exact(fields) {
            let weight = (site_by_site.log_density(node) - self.reference).exp();
            total += weight;
            let factors = std::iter::once(weight).chain(node.iter().map(|h| weight * h));
            for (column, factor) in columns.chunks_exact_mut(sites).zip(factors) {
                for (sum, tangent) in column.iter_mut().zip(&site_by_site.tangents) {
                    *sum += factor * tangent;
                }
            }
        }
        let cell = STEP / (2.0 * std::f64::consts::PI).sqrt();
        let width = fields + 1;
        let mean = |k: usize| columns[k % width * sites + k / width] / total;
        FieldSums {
            log_partition: total.ln() + self.reference + fields as f64 * cell.ln(),
            means: (0..parameters.len()).map(mean).collect(),
        }
    }
}

/// The nodes of the cell with this lowest corner.
fn push_nodes(lowest: &[f64], nodes: &mut Vec<f64>) {
    for index in 0..PER_CELL.pow(lowest.len() as u32) {
        let mut rest = index;
        for corner in lowest {
            nodes.push(corner + STEP * (rest % PER_CELL) as f64);
            rest /= PER_CELL;
        }
    }
}

/// The corners of the cells of a box about 0.
struct Corners {
    /// Cells from 0 to each end of the box.
    halves: Vec<i64>,
    /// Difference of index between neighbours.
    strides: Vec<usize>,
    count: usize,
}

impl Corners {
    fn new(halves: &[i64]) -> Self {
        let mut count = 1;
        let mut strides = Vec::with_capacity(halves.len());
        for &half in halves {
            strides.push(count);
            count *= 2 * half as usize + 1;
        }
        Self {
            halves: halves.to_vec(),
            strides,
            count,
        }
    }

    fn digits(&self, corner: usize) -> impl Iterator<Item = (i64, usize, i64)> {
        let parts = self.halves.iter().zip(&self.strides);
        parts.map(move |(&half, &stride)| {
            let digit = corner / stride % (2 * half as usize + 1);
            (digit as i64, stride, half)
        })
    }

    fn place(&self, corner: usize, side: f64) -> Vec<f64> {
        let digits = self.digits(corner);
        digits
            .map(|(digit, _, half)| side * (digit - half) as f64)
            .collect()
    }

    /// The corners of the cell that has this one as its lowest, as far as there are any.
    fn of_cell(&self, corner: usize) -> impl Iterator<Item = usize> {
        let digits: Vec<_> = self.digits(corner).collect();
        (0..1_usize << digits.len()).filter_map(move |choice| {
            let mut index = corner;
            for (component, &(digit, stride, half)) in digits.iter().enumerate() {
                if choice >> component & 1 == 1 {
                    if digit == 2 * half {
                        return None;
                    }
                    index += stride;
                }
            }
            Some(index)
        })
    }
}

/// The parameters column by column, and room for one number a site.
struct SiteBySite {
    /// Biases, then each pattern.
    columns: Vec<f64>,
    half_logits: Vec<f64>,
    /// `tanh φ_i` of the last node.
    tangents: Vec<f64>,
}

impl SiteBySite {
    fn new(parameters: &[f64], fields: usize) -> Self {
        let width = fields + 1;
        let sites = parameters.len() / width;
        let entry = |k: usize| parameters[k % sites * width + k / sites];
        Self {
            columns: (0..parameters.len()).map(entry).collect(),
            half_logits: vec![0.0; sites],
            tangents: vec![0.0; sites],
        }
    }

    /// `-½|h|² + Σ_i ln 2cosh φ_i(h)`, nats; leaves the hyperbolic tangents.
    fn log_density(&mut self, node: &[f64]) -> f64 {
        let sites = self.half_logits.len();
        let (biases, patterns) = self.columns.split_at(sites);
        self.half_logits.copy_from_slice(biases);
        for (pattern, h) in patterns.chunks_exact(sites).zip(node) {
            for (half_logit, entry) in self.half_logits.iter_mut().zip(pattern) {
                *half_logit += entry * h;
            }
        }
        let mut log = -0.5 * dot(node, node);
        let halves = self.half_logits.chunks(FACTORS);
        for (half_logits, tangents) in halves.zip(self.tangents.chunks_mut(FACTORS)) {
            let mut product = 1.0;
            for (half_logit, tangent) in half_logits.iter().zip(tangents) {
                let small = (-2.0 * half_logit.abs()).exp();
                log += half_logit.abs();
                product *= 1.0 + small;
                *tangent = ((1.0 - small) / (1.0 + small)).copysign(*half_logit);
            }
            log += product.ln();
        }
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_the_sum_over_all_configurations() {
        // ln Σ_s exp(b·s + ½|ξᵀs|²) and its derivatives, by enumeration. The couplings of
        // the second case make separate maxima at ±ξᵀs with 30 nats between them.
        for (fields, scale) in [(1, 0.3), (1, 2.5), (2, 0.7), (3, 0.4)] {
            let width = fields + 1;
            let sites = 7;
            let parameters: Vec<f64> = (0..sites * width)
                .map(|k| {
                    scale * (1.0 + (k * k % 11) as f64 / 11.0) * if k % 3 == 1 { -1.0 } else { 1.0 }
                })
                .collect();
            let (log_partition, means) = enumerated(&parameters, fields);
            let lattice = FieldLattice::new(&parameters, fields, THOROUGH).unwrap();
            let sums = lattice.sums(&parameters, fields);
            // The trapezoid rule is good to 1e-13, times the size of the sums.
            let error = (sums.log_partition - log_partition).abs();
            assert!(
                error < 1e-12 * log_partition.max(1.0),
                "{fields} {scale}: {error:e}"
            );
            for (found, expected) in sums.means.iter().zip(&means) {
                assert!((found - expected).abs() < 1e-11 * expected.abs().max(1.0));
            }
        }
    }

    /// `ln Z`, and `<s_i>` and `<s_i u>` with `u = ξᵀs`, which is the mean of `h tanh φ_i`.
    fn enumerated(parameters: &[f64], fields: usize) -> (f64, Vec<f64>) {
        let width = fields + 1;
        let sites = parameters.len() / width;
        let spin = |word: usize, site: usize| if word >> site & 1 == 1 { 1.0 } else { -1.0 };
        let mut total = 0.0;
        let mut means = vec![0.0; parameters.len()];
        for word in 0..1 << sites {
            let sum = |component: usize| -> f64 {
                (0..sites)
                    .map(|i| spin(word, i) * parameters[i * width + component])
                    .sum()
            };
            let u: Vec<f64> = (1..width).map(sum).collect();
            let weight = (sum(0) + 0.5 * dot(&u, &u)).exp();
            total += weight;
            for site in 0..sites {
                means[site * width] += weight * spin(word, site);
                for (component, u) in u.iter().enumerate() {
                    means[site * width + 1 + component] += weight * spin(word, site) * u;
                }
            }
        }
        (total.ln(), means.iter().map(|mean| mean / total).collect())
    }

    #[test]
    fn couplings_beyond_any_lattice_are_left_alone() {
        assert!(FieldLattice::new(&[0.0, 1e300, 1e300, 1e300], 3, THOROUGH).is_none());
        assert!(FieldLattice::new(&[0.0, f64::NAN], 1, THOROUGH).is_none());
    }
}
