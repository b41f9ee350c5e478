//! What an estimate of mutual information says of itself.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// How a number was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Entropies of the observed frequencies.
    PlugIn,
    /// The same with the correction of Miller and Madow.
    MillerMadow,
    /// Entropies with the coverage correction of Chao and Shen.
    ChaoShen,
    /// Entropies with the digamma correction of Grassberger.
    Grassberger,
    /// Nearest neighbours, Kraskov, Stögbauer and Grassberger.
    NearestNeighbours {
        /// The neighbour whose distance is taken.
        neighbours: usize,
    },
    /// A contrastive bound with trained networks.
    InfoNce {
        /// Pairs that are told apart from each other.
        batch: usize,
    },
}

impl Method {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PlugIn => "plug_in",
            Self::MillerMadow => "miller_madow",
            Self::ChaoShen => "chao_shen",
            Self::Grassberger => "grassberger",
            Self::NearestNeighbours { .. } => "nearest_neighbours",
            Self::InfoNce { .. } => "info_nce",
        }
    }

    /// The largest value that it can give, in nats, if there is one: `ln(batch)` of a
    /// contrastive bound.
    #[must_use]
    pub fn ceiling(self) -> Option<f64> {
        match self {
            Self::InfoNce { batch } => Some((batch as f64).ln()),
            _ => None,
        }
    }
}

/// In which direction an estimate errs on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// Its mean lies above the mutual information of the variables.
    Upward,
    /// The term of order `1/n` is removed; what is left has either sign.
    LeadingOrderRemoved,
    /// Vanishes as samples are added, with either sign; 0 for independent variables.
    EitherSign,
    /// Its mean is at most the mutual information, for any number of samples.
    LowerBound,
}

impl Bias {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upward => "upward",
            Self::LeadingOrderRemoved => "leading_order_removed",
            Self::EitherSign => "either_sign",
            Self::LowerBound => "lower_bound",
        }
    }
}

/// A mutual information estimated from samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MutualInformation {
    /// The estimate, in nats. It may be negative: no estimator here is cut at 0,
    /// which would move its mean.
    pub value: f64,
    /// Its standard error, in nats, from the spread over blocks.
    pub standard_error: f64,
    /// Estimated size of its bias, in nats; 0 where the method gives none.
    pub systematic_error: f64,
    /// The 95 % interval, in nats: `t` standard errors to each side, to which the
    /// systematic error is added in squares.
    pub interval: [f64; 2],
    /// Number of samples that it is made from.
    pub samples: usize,
    /// How it was made.
    pub method: Method,
    /// In which direction it errs, seen as an estimate of the mutual information of the
    /// two variables that were handed in. That of the parts they are functions of is
    /// at least as large.
    pub bias: Bias,
}

/// The 95 % interval around an estimate:
///
/// ```text
/// value ± t √(s² + b²)
/// ```
///
/// with the standard error `s`, the size `b` of the bias, and the 97.5 % quantile `t` of
/// Student's distribution with the degrees of freedom of `s`. A bias that is as large as
/// its estimate, or twice that, is inside even where there is no spread.
pub(super) fn interval(value: f64, error: f64, degrees: f64, systematic: f64) -> [f64; 2] {
    // Not every number is a number of degrees; the normal quantile is the limit.
    let quantile = StudentsT::new(0.0, 1.0, degrees).map_or(1.96, |t| t.inverse_cdf(0.975));
    let half = quantile * error.hypot(systematic);
    [value - half, value + half]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_the_published_quantiles() {
        // Tables of Student's t: 2.0930 at 19 degrees of freedom, 2.0141 at 45.
        let [low, high] = interval(1.0, 0.4, 19.0, 0.3);
        assert!((high - 1.0 - 2.0930 * 0.5).abs() < 1e-4);
        assert!((low + high - 2.0).abs() < 1e-12);
        let [_, high] = interval(0.0, 1.0, 45.0, 0.0);
        assert!((high - 2.0141).abs() < 1e-4);
    }

    #[test]
    fn only_a_contrastive_bound_has_a_ceiling() {
        assert_eq!(Method::Grassberger.ceiling(), None);
        let ceiling = Method::InfoNce { batch: 64 }.ceiling().unwrap();
        assert!((ceiling - 6.0 * std::f64::consts::LN_2).abs() < 1e-12);
    }
}
