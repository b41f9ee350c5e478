//! Flooding of a lattice from below: which minimum each node belongs to.

use super::Criterion;
use crate::inference::collective::lattice::Lattice;

/// Stands for the infinite energy of nodes without density, above all finite ones: the
/// logarithm of no ratio of two numbers exceeds 1455.
const CEILING: f64 = 2000.0;

/// What is known of each minimum. Other nodes are none and have no meaning here.
#[derive(Debug, Clone, Copy)]
struct Minimum {
    /// Towards the deepest minimum of the same lake; itself if it is that.
    lake: usize,
    /// The minimum whose basin it joined; itself if it is a basin.
    joined: usize,
    /// Where its basin first met another.
    saddle: Option<usize>,
    /// Probability of its lake, if it is the deepest.
    probability: f64,
}

/// A flooded lattice.
pub(super) struct Flooding {
    /// Where the steepest descent from each node ends.
    descent: Vec<usize>,
    minima: Vec<Minimum>,
}

impl Flooding {
    pub(super) fn new(
        lattice: &Lattice,
        density: &[f64],
        energies: &[f64],
        criterion: &Criterion<'_>,
    ) -> Self {
        let heights: Vec<f64> = energies.iter().map(|e| e.min(CEILING)).collect();
        let (order, rank) = rising(&heights);
        let mut flooding = Self::dry(heights.len());
        for &node in &order {
            let neighbours = lattice.neighbours(node);
            let mut under: Vec<(usize, f64)> = neighbours
                .filter(|&(neighbour, _)| rank[neighbour] < rank[node])
                .map(|(below, distance)| (below, (heights[node] - heights[below]) / distance))
                .collect();
            under.sort_by_key(|&(below, _)| rank[below]);
            flooding.descend(node, &under);
            flooding.meet(node, &under, &rank, |minimum, probability| {
                let barrier = heights[node] - heights[minimum];
                criterion.is_basin(density[minimum], density[node], barrier, probability)
            });
            let lake = flooding.lake(node);
            flooding.minima[lake].probability += density[node];
        }
        flooding
    }

    /// Every node by itself.
    fn dry(nodes: usize) -> Self {
        let minimum = |node| Minimum {
            lake: node,
            joined: node,
            saddle: None,
            probability: 0.0,
        };
        Self {
            descent: (0..nodes).collect(),
            minima: (0..nodes).map(minimum).collect(),
        }
    }

    /// The minimum of the basin that a node belongs to.
    pub(super) fn basin(&self, node: usize) -> usize {
        let mut minimum = self.descent[node];
        while self.minima[minimum].joined != minimum {
            minimum = self.minima[minimum].joined;
        }
        minimum
    }

    /// The node at which a basin is lowest towards another, by its minimum.
    pub(super) fn saddle(&self, minimum: usize) -> Option<usize> {
        self.minima[minimum].saddle
    }

    /// The deepest minimum of the lake that a node lies in.
    fn lake(&mut self, node: usize) -> usize {
        let mut minimum = self.descent[node];
        while self.minima[minimum].lake != minimum {
            let next = self.minima[minimum].lake;
            self.minima[minimum].lake = self.minima[next].lake;
            minimum = next;
        }
        minimum
    }

    /// Sends a node down the steepest slope; `under` holds its lower neighbours, the lowest
    /// first, with their slopes.
    fn descend(&mut self, node: usize, under: &[(usize, f64)]) {
        let mut steepest = None;
        for &(below, slope) in under {
            if steepest.is_none_or(|(_, most)| slope > most) {
                steepest = Some((below, slope));
            }
        }
        self.descent[node] = steepest.map_or(node, |(below, _)| self.descent[below]);
    }

    /// Unites the lakes that meet at a node, the shallowest first. `is_basin` says of the
    /// deepest minimum of a lake and of the lake's probability whether it stays a basin.
    fn meet(
        &mut self,
        node: usize,
        under: &[(usize, f64)],
        rank: &[usize],
        is_basin: impl Fn(usize, f64) -> bool,
    ) {
        let mut lakes: Vec<usize> = under.iter().map(|&(below, _)| self.lake(below)).collect();
        lakes.sort_unstable_by_key(|&minimum| rank[minimum]);
        lakes.dedup();
        while let Some(shallow) = lakes.pop().filter(|_| !lakes.is_empty()) {
            // The lowest neighbour on the other side.
            let Some(&(across, _)) = under.iter().find(|(below, _)| self.lake(*below) != shallow)
            else {
                return;
            };
            let (across, other) = (self.descent[across], self.lake(across));
            let probability = self.minima[shallow].probability;
            if is_basin(shallow, probability) {
                for minimum in [shallow, other] {
                    self.minima[minimum].saddle.get_or_insert(node);
                }
            } else {
                self.minima[shallow].joined = across;
            }
            self.minima[shallow].lake = other;
            self.minima[other].probability += probability;
        }
    }
}

/// Nodes from the lowest up, equal heights in the order of the nodes, and the place of each.
fn rising(heights: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    // A stable sort.
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let mut rank = vec![0; order.len()];
    for (place, &node) in order.iter().enumerate() {
        rank[node] = place;
    }
    (order, rank)
}
