//! Neighbours in the maximum norm: a tree over points, and a sorted line in one
//! dimension.
//!
//! Points are rows of `dimension` numbers. Distances are `max_i |x_i - y_i|`, computed
//! in the same way everywhere, so that "closer than the k-th neighbour" means the same
//! number in the joint space and in each of its parts.

use std::ops::Range;

/// Points of a leaf: fewer are searched one by one faster than they are split.
const LEAF: usize = 12;

/// Counts the points of a part of the space that are closer than a distance.
#[derive(Debug)]
pub(super) enum Counter {
    /// One dimension: the values in ascending order.
    Line(Vec<f64>),
    /// More dimensions.
    Tree(Tree),
}

impl Counter {
    /// Takes rows of `dimension` numbers, all finite.
    pub(super) fn new(points: &[f64], dimension: usize) -> Self {
        if dimension > 1 {
            return Self::Tree(Tree::new(points, dimension));
        }
        let mut line = points.to_vec();
        line.sort_unstable_by(f64::total_cmp);
        Self::Line(line)
    }

    /// Number of points closer to `centre` than `distance`; a point at `centre` counts,
    /// unless `distance` is 0.
    pub(super) fn closer(&self, centre: &[f64], distance: f64) -> usize {
        match self {
            Self::Line(line) => {
                let centre = centre[0];
                let from = line.partition_point(|x| centre - x >= distance);
                let to = line.partition_point(|x| x - centre < distance);
                to.saturating_sub(from)
            }
            Self::Tree(tree) => tree.closer(0, centre, distance),
        }
    }
}

/// A tree of boxes over points, split at the median of the widest side.
#[derive(Debug)]
pub(super) struct Tree {
    dimension: usize,
    /// The points, in the order of the leaves.
    points: Vec<f64>,
    nodes: Vec<Node>,
    /// Lower, then upper corner of the box of each node.
    corners: Vec<f64>,
}

#[derive(Debug)]
struct Node {
    points: Range<usize>,
    /// Where the second child is, after the first; 0 for a leaf.
    second: usize,
}

impl Tree {
    /// Builds the tree of rows of `dimension` numbers, all finite.
    pub(super) fn new(points: &[f64], dimension: usize) -> Self {
        let mut order: Vec<usize> = (0..points.len() / dimension).collect();
        let mut tree = Self {
            dimension,
            points: Vec::with_capacity(points.len()),
            nodes: Vec::new(),
            corners: Vec::new(),
        };
        tree.split(points, &mut order);
        tree
    }

    /// Adds the node over the points of `order`, and all below it.
    fn split(&mut self, points: &[f64], order: &mut [usize]) {
        let dimension = self.dimension;
        let begin = self.points.len() / dimension;
        let node = self.nodes.len();
        self.nodes.push(Node {
            points: begin..begin + order.len(),
            second: 0,
        });
        let axis = self.push_box(points, order);
        if order.len() <= LEAF {
            for &row in order.iter() {
                self.points
                    .extend_from_slice(&points[row * dimension..(row + 1) * dimension]);
            }
            return;
        }
        let middle = order.len() / 2;
        let value = |row: &usize| points[row * dimension + axis];
        order.select_nth_unstable_by(middle, |a, b| value(a).total_cmp(&value(b)));
        let (first, second) = order.split_at_mut(middle);
        self.split(points, first);
        self.nodes[node].second = self.nodes.len();
        self.split(points, second);
    }

    /// Adds the box of the points of `order`; returns its longest axis.
    fn push_box(&mut self, points: &[f64], order: &[usize]) -> usize {
        let dimension = self.dimension;
        let at = self.corners.len();
        self.corners.resize(at + dimension, f64::INFINITY);
        self.corners.resize(at + 2 * dimension, f64::NEG_INFINITY);
        let (lower, upper) = self.corners[at..].split_at_mut(dimension);
        for &row in order {
            for (axis, &x) in points[row * dimension..(row + 1) * dimension]
                .iter()
                .enumerate()
            {
                lower[axis] = lower[axis].min(x);
                upper[axis] = upper[axis].max(x);
            }
        }
        let length = |axis: &usize| upper[*axis] - lower[*axis];
        (0..dimension)
            .max_by(|a, b| length(a).total_cmp(&length(b)))
            .unwrap_or(0)
    }

    /// Distances of `centre` to the closest and to the farthest corner of a box.
    fn reach(&self, node: usize, centre: &[f64]) -> (f64, f64) {
        let at = 2 * node * self.dimension;
        let lower = &self.corners[at..at + self.dimension];
        let upper = &self.corners[at + self.dimension..at + 2 * self.dimension];
        let (mut nearest, mut farthest) = (0.0_f64, 0.0_f64);
        for ((&low, &high), &x) in lower.iter().zip(upper).zip(centre) {
            let (below, above) = (x - low, high - x);
            nearest = nearest.max(-below).max(-above);
            farthest = farthest.max(below).max(above);
        }
        (nearest, farthest)
    }

    fn leaf(&self, node: usize) -> impl Iterator<Item = &[f64]> {
        let range = &self.nodes[node].points;
        self.points[range.start * self.dimension..range.end * self.dimension]
            .chunks_exact(self.dimension)
    }

    fn closer(&self, node: usize, centre: &[f64], distance: f64) -> usize {
        let (nearest, farthest) = self.reach(node, centre);
        if nearest >= distance {
            return 0;
        }
        let Node { points, second } = &self.nodes[node];
        if farthest < distance {
            return points.len();
        }
        if *second == 0 {
            let inside = |point: &&[f64]| separation(point, centre) < distance;
            return self.leaf(node).filter(inside).count();
        }
        self.closer(node + 1, centre, distance) + self.closer(*second, centre, distance)
    }

    /// Distances of `centre` to the `nearest.len()` points closest to it, in ascending
    /// order. A point at `centre` counts. There must be that many points.
    pub(super) fn nearest(&self, centre: &[f64], nearest: &mut [f64]) {
        nearest.fill(f64::INFINITY);
        self.search(0, centre, nearest);
    }

    fn search(&self, node: usize, centre: &[f64], nearest: &mut [f64]) {
        let second = self.nodes[node].second;
        let last = nearest.len() - 1;
        if second == 0 {
            for point in self.leaf(node) {
                let distance = separation(point, centre);
                if distance < nearest[last] {
                    insert(nearest, distance);
                }
            }
            return;
        }
        let first = (self.reach(node + 1, centre).0, node + 1);
        let second = (self.reach(second, centre).0, second);
        let order = if first.0 <= second.0 {
            [first, second]
        } else {
            [second, first]
        };
        for (distance, child) in order {
            if distance < nearest[last] {
                self.search(child, centre, nearest);
            }
        }
    }
}

/// Distance in the maximum norm.
fn separation(a: &[f64], b: &[f64]) -> f64 {
    let differences = a.iter().zip(b).map(|(x, y)| (x - y).abs());
    differences.fold(0.0, f64::max)
}

/// Puts a distance into its place; the largest falls out.
fn insert(nearest: &mut [f64], distance: f64) {
    let mut place = nearest.len() - 1;
    while place > 0 && nearest[place - 1] > distance {
        nearest[place] = nearest[place - 1];
        place -= 1;
    }
    nearest[place] = distance;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    fn points(rows: usize, dimension: usize) -> Vec<f64> {
        let mut generator = stream("1", &["neighbours", &dimension.to_string()]);
        // Steps of 1/64 make ties, in which "closer" must stay strict.
        let mut draw = || (uniform(&mut generator) * 64.0).floor() / 64.0;
        (0..rows * dimension).map(|_| draw()).collect()
    }

    #[test]
    fn trees_find_what_a_search_of_all_points_finds() {
        for dimension in [1, 2, 5] {
            let points = points(700, dimension);
            let tree = Tree::new(&points, dimension);
            let counter = Counter::new(&points, dimension);
            for centre in points.chunks_exact(dimension).step_by(13) {
                let all = points.chunks_exact(dimension);
                let mut distances: Vec<f64> = all.map(|p| separation(p, centre)).collect();
                distances.sort_unstable_by(f64::total_cmp);
                let mut nearest = [0.0; 9];
                tree.nearest(centre, &mut nearest);
                assert_eq!(nearest.as_slice(), &distances[..9]);
                for distance in [0.0, nearest[3], nearest[8], 0.25, 3.0] {
                    let expected = distances.iter().filter(|&&d| d < distance).count();
                    assert_eq!(counter.closer(centre, distance), expected);
                }
            }
        }
    }
}
