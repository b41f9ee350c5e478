//! A lattice of one to three dimensions: its neighbours, and a Gaussian on it.

use crate::inference::InferenceError;
use crate::inference::block_sums::check_count;

/// The widest Gaussian that is taken, in lattice steps.
const WIDEST: f64 = 1000.0;

/// Standard deviations at which the Gaussian ends: there it is 1.5e-8 of its peak.
const REACH: f64 = 6.0;

/// Nodes in rows, planes or a block with open ends, the last dimension running fastest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lattice {
    /// Missing dimensions have one node and come first.
    shape: [usize; 3],
}

impl Lattice {
    /// A lattice of `shape` for a list of `nodes`.
    ///
    /// # Errors
    ///
    /// - [`InferenceError::OutOfRange`] if there are not one to three dimensions.
    /// - [`InferenceError::Empty`] if one of them has no node.
    /// - [`InferenceError::Count`] if there are not as many nodes.
    pub(super) fn new(shape: &[usize], nodes: usize) -> Result<Self, InferenceError> {
        if !(1..=3).contains(&shape.len()) {
            return Err(InferenceError::OutOfRange {
                what: "the number of a lattice's dimensions",
                value: shape.len() as f64,
                expected: "1 to 3",
            });
        }
        if shape.contains(&0) {
            return Err(InferenceError::Empty {
                what: "nodes along a dimension",
            });
        }
        let expected = shape.iter().fold(1_usize, |all, &n| all.saturating_mul(n));
        check_count("nodes", nodes, expected)?;
        let mut padded = [1; 3];
        padded[3 - shape.len()..].copy_from_slice(shape);
        Ok(Self { shape: padded })
    }

    /// The neighbours of a node, diagonal ones among them (2, 8 or 26 inside), each with its
    /// distance in lattice steps.
    pub(super) fn neighbours(&self, node: usize) -> impl Iterator<Item = (usize, f64)> {
        let [_, rows, columns] = self.shape;
        let place = [
            node / (rows * columns),
            node / columns % rows,
            node % columns,
        ];
        (0..27).filter(|&code| code != 13).filter_map(move |code| {
            let steps = [code / 9, code / 3 % 3, code % 3];
            let mut neighbour = 0;
            for axis in 0..3 {
                let moved = (place[axis] + steps[axis]).checked_sub(1)?;
                if moved >= self.shape[axis] {
                    return None;
                }
                neighbour = neighbour * self.shape[axis] + moved;
            }
            let moves = steps.iter().filter(|&&step| step != 1).count();
            Some((neighbour, (moves as f64).sqrt()))
        })
    }

    /// A density folded with a Gaussian, which the ends reflect: the sum stays, and so does
    /// a constant.
    pub(super) fn smoothed(&self, density: &[f64], kernel: &Kernel) -> Vec<f64> {
        let mut density = density.to_vec();
        let mut stride = 1;
        for axis in (0..3).rev() {
            let length = self.shape[axis];
            if length > 1 && kernel.weights.len() > 1 {
                let starts = (0..density.len()).filter(|node| node / stride % length == 0);
                for start in starts.collect::<Vec<_>>() {
                    let places = || (0..length).map(move |step| start + step * stride);
                    let line: Vec<f64> = places().map(|node| density[node]).collect();
                    for (step, node) in places().enumerate() {
                        density[node] = kernel.fold(&line, step);
                    }
                }
            }
            stride *= length;
        }
        density
    }

    /// Number of nodes over which a Gaussian averages: by so much is the relative variance
    /// of a count smaller after it than before.
    pub(super) fn averaged_nodes(&self, kernel: &Kernel) -> f64 {
        let axes = self.shape.iter().filter(|&&length| length > 1).count();
        (0..axes).map(|_| kernel.averaged).product()
    }
}

/// A Gaussian along one axis, at whole lattice steps from its centre, with sum 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernel {
    /// From the centre outwards.
    weights: Vec<f64>,
    averaged: f64,
}

impl Kernel {
    /// A Gaussian of this standard deviation in lattice steps; 0 is none.
    ///
    /// # Errors
    ///
    /// [`InferenceError::OutOfRange`] if it is negative, wider than 1000 or not a number.
    pub(super) fn new(width: f64) -> Result<Self, InferenceError> {
        if !(0.0..=WIDEST).contains(&width) {
            return Err(InferenceError::OutOfRange {
                what: "the width of the smoothing",
                value: width,
                expected: "0 to 1000 lattice steps",
            });
        }
        let last = (REACH * width) as usize;
        let gaussian = |step: usize| (-0.5 * (step as f64 / width).powi(2)).exp();
        let mut weights = vec![1.0];
        weights.extend((1..=last).map(gaussian));
        let sum = 2.0 * weights.iter().sum::<f64>() - 1.0;
        for weight in &mut weights {
            *weight /= sum;
        }
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        Ok(Self {
            averaged: 1.0 / (2.0 * squares - weights[0] * weights[0]),
            weights,
        })
    }

    /// The weighted sum over a line around one of its places, the line mirrored at its ends.
    fn fold(&self, line: &[f64], centre: usize) -> f64 {
        let period = 2 * line.len() as isize;
        let mirrored = |place: isize| {
            let place = place.rem_euclid(period);
            line[place.min(period - 1 - place) as usize]
        };
        let centre = centre as isize;
        let sides = self.weights.iter().enumerate().skip(1);
        let sides = sides.map(|(step, weight)| {
            let step = step as isize;
            weight * (mirrored(centre - step) + mirrored(centre + step))
        });
        self.weights[0] * line[centre as usize] + sides.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{stream, uniform};

    #[test]
    fn neighbours_are_all_nodes_one_step_away() {
        let shape = [3, 4, 5];
        let lattice = Lattice::new(&shape, 60).unwrap();
        let place = |node: usize| [node / 20, node / 5 % 4, node % 5];
        for node in 0..60 {
            let apart = |other: usize, axis: usize| place(node)[axis].abs_diff(place(other)[axis]);
            let near = |&other: &usize| other != node && (0..3).all(|axis| apart(other, axis) < 2);
            let expected: Vec<usize> = (0..60).filter(near).collect();
            let found: Vec<(usize, f64)> = lattice.neighbours(node).collect();
            assert_eq!(found.iter().map(|n| n.0).collect::<Vec<_>>(), expected);
            for (other, distance) in found {
                let squares: usize = (0..3).map(|axis| apart(other, axis).pow(2)).sum();
                assert!((distance - (squares as f64).sqrt()).abs() < 1e-15);
            }
        }
        let count = |shape: &[usize], nodes, node| {
            Lattice::new(shape, nodes).unwrap().neighbours(node).count()
        };
        assert_eq!((count(&[5], 5, 2), count(&[5], 5, 0)), (2, 1));
        assert_eq!((count(&[3, 3], 9, 4), count(&[3, 3, 3], 27, 13)), (8, 26));
    }

    #[test]
    fn a_point_far_from_the_ends_becomes_the_gaussian() {
        let lattice = Lattice::new(&[41, 41], 41 * 41).unwrap();
        let mut density = vec![0.0; 41 * 41];
        density[20 * 41 + 20] = 1.0;
        let kernel = Kernel::new(2.5).unwrap();
        let found = lattice.smoothed(&density, &kernel);
        // A Gaussian at whole steps sums to its integral but for 2 exp(-2π² 2.5²) < 1e-50,
        // and its cut at 6 standard deviations leaves 2e-9.
        let peak = 1.0 / (2.0 * std::f64::consts::PI * 6.25);
        for (x, y) in [(0_i32, 0_i32), (1, 0), (3, -4), (-5, 5)] {
            let node = (20 + x) * 41 + 20 + y;
            let expected = peak * (-f64::from(x * x + y * y) / 12.5).exp();
            assert!((found[node as usize] / expected - 1.0).abs() < 1e-8);
        }
        // The sum of its squares is 1 / (4π 2.5²).
        let averaged = lattice.averaged_nodes(&kernel);
        assert!((averaged / (25.0 * std::f64::consts::PI) - 1.0).abs() < 1e-8);
    }

    #[test]
    fn smoothing_keeps_the_sum_and_a_constant() {
        let mut generator = stream("lattice", &[]);
        let density: Vec<f64> = (0..3 * 5 * 4).map(|_| uniform(&mut generator)).collect();
        let lattice = Lattice::new(&[3, 5, 4], 60).unwrap();
        // Wider than the lattice too.
        for width in [0.4, 1.0, 7.0] {
            let kernel = Kernel::new(width).unwrap();
            let found = lattice.smoothed(&density, &kernel);
            let sums = [&density, &found].map(|all| all.iter().sum::<f64>());
            assert!((sums[0] - sums[1]).abs() < 1e-12);
            let constant = lattice.smoothed(&[0.3; 60], &kernel);
            assert!(constant.iter().all(|p| (p - 0.3).abs() < 1e-14));
        }
        assert_eq!(
            lattice.smoothed(&density, &Kernel::new(0.0).unwrap()),
            density
        );
    }

    #[test]
    fn what_is_no_lattice_is_refused() {
        assert!(matches!(
            Lattice::new(&[], 1),
            Err(InferenceError::OutOfRange { .. })
        ));
        assert!(Lattice::new(&[1; 4], 1).is_err());
        assert!(matches!(
            Lattice::new(&[2, 0], 0),
            Err(InferenceError::Empty { .. })
        ));
        assert!(matches!(
            Lattice::new(&[2, 3], 5),
            Err(InferenceError::Count {
                found: 5,
                expected: 6,
                ..
            })
        ));
        for width in [-1.0, 1001.0, f64::NAN] {
            assert!(Kernel::new(width).is_err());
        }
    }
}
