//! The Ising model on a cylinder: halves by transfer matrices.

use crate::information::{InformationError, InformationMethod, InformationValue};

/// Widest cylinder: `2^20` states of a row.
const MOST_SIDE: usize = 20;

/// The Ising model on `L x L` sites, periodic around and with free ends, in
/// equilibrium.
///
/// ```text
/// H(s) = -Σ_<ij> s_i s_j,   p(s) = exp(-βH(s)) / Z
/// ```
///
/// On a side of 2 both sites of a row have two bonds, as on the torus of
/// [`crate::physics::Ising2d`]. Rows form a Markov chain, so that the mutual
/// information of both halves is that of the two rows at the cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IsingCylinder {
    side: usize,
    beta: f64,
}

impl IsingCylinder {
    /// Makes the model of `side` times `side` sites at a temperature in units of
    /// `J / k_B`, one that [`crate::physics::Ising2d`] accepts.
    ///
    /// # Errors
    ///
    /// [`InformationError::CylinderSide`] if the side is odd or not from 2 to 20.
    pub fn new(side: usize, temperature: f64) -> Result<Self, InformationError> {
        if !(2..=MOST_SIDE).contains(&side) || !side.is_multiple_of(2) {
            return Err(InformationError::CylinderSide {
                found: side,
                limit: MOST_SIDE,
            });
        }
        Ok(Self {
            side,
            beta: temperature.recip(),
        })
    }

    /// `I(A; B)` of the first `L/2` rows and the others, in nats.
    ///
    /// With the weight `α(x)` of all on one side of the cut that ends in row `x`, and
    /// `V = Π_i exp(K x_i y_i)` across it,
    ///
    /// ```text
    /// p(x, y) = α(x) V(x, y) α(y) / Z
    /// I = K E[Σ_i x_i y_i] + ln Z - E ln (Vα)(x) - E ln (Vα)(y)
    /// ```
    ///
    /// `V` is applied spin by spin, with its derivative by `K` beside it: time
    /// `O(L² 2^L)`, memory `O(2^L)`.
    #[must_use]
    pub fn half_information(&self) -> InformationValue {
        let mut half = self.row_weights();
        for _ in 1..self.side / 2 {
            let [mut grown, _] = self.across(&half);
            let rows = grown.iter_mut().zip(self.row_weights());
            rows.for_each(|(weight, row)| *weight *= row);
            let largest = grown.iter().copied().fold(0.0, f64::max);
            half = grown.iter().map(|weight| weight / largest).collect();
        }
        let [beyond, slope] = self.across(&half);
        // Both rows at the cut are distributed alike.
        let states = half.iter().zip(&beyond).zip(&slope);
        let (mut total, mut far, mut bonds) = (0.0, 0.0, 0.0);
        for ((weight, value), slope) in states {
            total += weight * value;
            bonds += weight * slope;
            if weight * value > 0.0 {
                far += weight * value * value.ln();
            }
        }
        // `V` was divided by its largest entry, exp(KL).
        let cross = self.beta * (bonds / total - self.side as f64);
        InformationValue::exact(
            cross + total.ln() - 2.0 * far / total,
            InformationMethod::TransferMatrix,
        )
    }

    /// `exp(K Σ_i x_i x_{i+1})` of every row, divided by the largest.
    fn row_weights(&self) -> Vec<f64> {
        let weight = |row: usize| {
            let turned = row >> 1 | (row & 1) << (self.side - 1);
            let broken = (row ^ turned).count_ones();
            (-2.0 * self.beta * f64::from(broken)).exp()
        };
        (0..1 << self.side).map(weight).collect()
    }

    /// `V w exp(-KL)` and its derivative by `K`, but for that of `exp(-KL)`.
    fn across(&self, weights: &[f64]) -> [Vec<f64>; 2] {
        let unlike = (-2.0 * self.beta).exp();
        let mut values = weights.to_vec();
        let mut slopes = vec![0.0; weights.len()];
        for site in 0..self.side {
            let bit = 1 << site;
            for down in (0..weights.len()).filter(|row| row & bit == 0) {
                let up = down | bit;
                let (v, w) = (values[down], values[up]);
                let (s, t) = (slopes[down], slopes[up]);
                values[down] = v + unlike * w;
                values[up] = unlike * v + w;
                // The derivative of exp(K) is itself, of exp(-K) its negative.
                slopes[down] = s + unlike * t + v - unlike * w;
                slopes[up] = unlike * s + t + w - unlike * v;
            }
        }
        [values, slopes]
    }
}
