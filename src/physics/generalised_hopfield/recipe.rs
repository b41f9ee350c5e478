//! Generalised Hopfield models drawn at random, with chosen rate, strength and field.

use rand_distr::{Distribution, StandardNormal};

use crate::fields::{self, FieldsError};
use crate::physics::PhysicsError;
use crate::random::{Generator, uniform};

/// Most components of a field on a lattice.
const MOST_FIELDS: usize = 3;
/// Points of the lattice along each side, for one, two and three components.
const POINTS: [usize; MOST_FIELDS] = [61, 31, 15];
/// Points of the lattice whose weight, of that of the heaviest, is less are left out.
const LIGHTEST: f64 = 1e-12;
/// Standard deviation of the biases, half-logits: rates of most sites within a factor of
/// two of the mean.
const BIAS_SCATTER: f64 = 0.3;
/// Standard deviation of each of the states in every direction, before the whole is
/// scaled to a variance of 1; they lie six of these apart or more.
const STATE_WIDTH: f64 = 0.3;
/// Steps of the search for the common bias; a bisection alone needs about sixty.
const STEPS: usize = 100;
/// Half-logits between which the common bias lies.
const BIAS_LIMIT: f64 = 50.0;

/// How the field is distributed before it is scaled to mean 0 and covariance 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldLaw {
    /// Standard normal: Hopfield's own law, in which the collective potential of weak
    /// patterns is quadratic.
    Normal,
    /// Gumbel, `p(h) = exp(-h - exp(-h))`, in each component: a long tail of large
    /// fields, skewness 1.14.
    Skewed,
    /// As many states as components and one more, at the corners of a regular simplex,
    /// all equally probable, each a narrow normal distribution.
    States,
}

/// A model to be drawn at random.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelRecipe {
    /// Number of sites, N.
    pub sites: usize,
    /// Components of the field, K: 1 to 3.
    pub fields: usize,
    /// Mean probability of a site to be up, over all sites and fields.
    pub rate: f64,
    /// Root mean square of the entries of a pattern at the sites that it touches,
    /// half-logits for a field of unit variance.
    pub strength: f64,
    /// The distribution of the field.
    pub law: FieldLaw,
    /// Fraction of the sites that a pattern touches; one at least.
    pub sparseness: f64,
}

impl ModelRecipe {
    /// Draws a model.
    ///
    /// The field takes the points of a lattice with 61, 31² or 15³ of them as its values
    /// but for those of negligible weight, and has mean 0 and covariance 1. Each pattern
    /// touches sites chosen at random, with normal entries whose mean square is exactly
    /// that of the recipe. Biases are normal with a standard deviation of 0.3 half-logits
    /// around the value that gives the rate, which the model has up to rounding. The
    /// random numbers do not depend on rate, strength, law and sparseness: a sweep over
    /// these changes one and the same model.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::Recipe`] if a number of the recipe is out of its range.
    pub fn draw(
        &self,
        generator: &mut Generator,
    ) -> Result<fields::GeneralisedHopfield, PhysicsError> {
        self.check()?;
        let patterns = self.patterns(generator);
        let scatter = normals(self.sites, generator);
        let scatter: Vec<f64> = scatter.into_iter().map(|x| BIAS_SCATTER * x).collect();
        let (nodes, weights) = lattice(self.law, self.fields);
        let shape = |biases: Vec<f64>| {
            fields::GeneralisedHopfield::new(
                biases,
                patterns.clone(),
                nodes.clone(),
                weights.clone(),
                self.fields,
            )
        };
        Ok(self.with_rate(&scatter, shape)?)
    }

    fn check(&self) -> Result<(), PhysicsError> {
        let (sites, fields) = (self.sites as f64, self.fields as f64);
        let numbers = [
            ("sites", sites, self.sites >= 1, "at least 1"),
            (
                "fields",
                fields,
                (1..=MOST_FIELDS).contains(&self.fields),
                "1 to 3",
            ),
            (
                "rate",
                self.rate,
                self.rate > 0.0 && self.rate < 1.0,
                "a number between 0 and 1",
            ),
            (
                "strength",
                self.strength,
                self.strength > 0.0 && self.strength.is_finite(),
                "a finite number above 0",
            ),
            (
                "sparseness",
                self.sparseness,
                self.sparseness > 0.0 && self.sparseness <= 1.0,
                "a number above 0 and at most 1",
            ),
        ];
        match numbers.into_iter().find(|(_, _, fits, _)| !fits) {
            None => Ok(()),
            Some((what, found, _, expected)) => Err(PhysicsError::Recipe {
                what,
                found,
                expected,
            }),
        }
    }

    /// The patterns, those of one site side by side: `N x K`.
    fn patterns(&self, generator: &mut Generator) -> Vec<f64> {
        let touched = (self.sparseness * self.sites as f64).round() as usize;
        let touched = touched.clamp(1, self.sites);
        let mut patterns = vec![0.0; self.sites * self.fields];
        for pattern in 0..self.fields {
            let order = permutation(self.sites, generator);
            let entries = normals(self.sites, generator);
            let chosen = &order[..touched];
            let squares: f64 = chosen.iter().map(|&site| entries[site].powi(2)).sum();
            let scale = self.strength / (squares / touched as f64).sqrt();
            for &site in chosen {
                patterns[site * self.fields + pattern] = scale * entries[site];
            }
        }
        patterns
    }

    /// The model of this `shape` whose biases are `scatter` and a common number that gives
    /// the rate: Newton's steps, and bisections where they lead out of the bracket.
    fn with_rate(
        &self,
        scatter: &[f64],
        shape: impl Fn(Vec<f64>) -> Result<fields::GeneralisedHopfield, FieldsError>,
    ) -> Result<fields::GeneralisedHopfield, FieldsError> {
        let shifted = |common: f64| scatter.iter().map(|x| x + common).collect();
        let still = shape(shifted(0.0))?;
        let (mut low, mut high) = (-BIAS_LIMIT, BIAS_LIMIT);
        let mut common = 0.5 * (self.rate / (1.0 - self.rate)).ln();
        for _ in 0..STEPS {
            let (rate, slope) = rate(&still, common);
            if rate < self.rate {
                low = common;
            } else {
                high = common;
            }
            let step = (self.rate - rate) / slope;
            let next = common + step;
            let next = if next > low && next < high {
                next
            } else {
                f64::midpoint(low, high)
            };
            if (next - common).abs() < 1e-14 * (1.0 + common.abs()) {
                break;
            }
            common = next;
        }
        shape(shifted(common))
    }
}

/// The mean probability of a site to be up if all biases grow by `common`, and its
/// derivative.
fn rate(model: &fields::GeneralisedHopfield, common: f64) -> (f64, f64) {
    let (mut rate, mut slope) = (0.0, 0.0);
    let nodes = model.nodes().chunks_exact(model.fields());
    for (node, weight) in nodes.zip(model.weights()) {
        let (mut up, mut change) = (0.0, 0.0);
        for half_logit in model.half_logits_at(node) {
            let probability = 1.0 / (1.0 + (-2.0 * (half_logit + common)).exp());
            up += probability;
            change += 2.0 * probability * (1.0 - probability);
        }
        rate += weight * up;
        slope += weight * change;
    }
    let sites = model.sites() as f64;
    (rate / sites, slope / sites)
}

fn normals(count: usize, generator: &mut Generator) -> Vec<f64> {
    (0..count)
        .map(|_| StandardNormal.sample(generator))
        .collect()
}

/// The numbers below `count` in a random order (Fisher and Yates).
fn permutation(count: usize, generator: &mut Generator) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let other = (uniform(generator) * (last + 1) as f64) as usize;
        order.swap(last, other);
    }
    order
}

/// The values of a field of `fields` components on a lattice, and their weights.
fn lattice(law: FieldLaw, fields: usize) -> (Vec<f64>, Vec<f64>) {
    let points = POINTS[fields - 1];
    let states = simplex(fields);
    let (low, high) = reach(law, fields);
    let step = (high - low) / (points - 1) as f64;
    let mut nodes = Vec::new();
    let mut logs = Vec::new();
    for number in 0..points.pow(fields as u32) {
        let places = (0..fields as u32).map(|axis| number / points.pow(axis) % points);
        let node: Vec<f64> = places.map(|place| low + step * place as f64).collect();
        logs.push(log_density(law, &node, &states));
        nodes.push(node);
    }
    let peak = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - peak).exp()).collect();
    let (nodes, weights): (Vec<Vec<f64>>, Vec<f64>) = nodes
        .into_iter()
        .zip(weights)
        .filter(|(_, weight)| *weight > LIGHTEST)
        .unzip();
    (standardised(&nodes, &weights), weights)
}

/// Where the lattice begins and ends in each direction. With fewer points it ends sooner:
/// steps must stay short beside the width of what is on it.
fn reach(law: FieldLaw, fields: usize) -> (f64, f64) {
    match (law, fields) {
        (FieldLaw::Normal, 1) => (-6.0, 6.0),
        (FieldLaw::Normal, 2) => (-5.0, 5.0),
        (FieldLaw::Normal, _) => (-4.2, 4.2),
        (FieldLaw::Skewed, 1) => (-3.0, 15.0),
        (FieldLaw::Skewed, 2) => (-2.8, 11.6),
        (FieldLaw::Skewed, _) => (-2.6, 9.0),
        (FieldLaw::States, _) => {
            let reach = state_distance(fields) + 4.0 * STATE_WIDTH;
            (-reach, reach)
        }
    }
}

/// Distance of each state from the middle: with it the covariance is 1.
fn state_distance(fields: usize) -> f64 {
    (fields as f64 * (1.0 - STATE_WIDTH * STATE_WIDTH)).sqrt()
}

/// `ln` of the density at one point of the lattice, up to a constant.
fn log_density(law: FieldLaw, node: &[f64], states: &[Vec<f64>]) -> f64 {
    match law {
        FieldLaw::Normal => node.iter().map(|h| -0.5 * h * h).sum(),
        FieldLaw::Skewed => node.iter().map(|h| -h - (-h).exp()).sum(),
        FieldLaw::States => {
            let distance = state_distance(node.len());
            let weights = states.iter().map(|state| {
                let apart = node.iter().zip(state);
                let square: f64 = apart.map(|(h, x)| (h - distance * x).powi(2)).sum();
                (-0.5 * square / STATE_WIDTH.powi(2)).exp()
            });
            weights.sum::<f64>().ln()
        }
    }
}

/// The corners of a regular simplex at distance 1 from the middle, one more than
/// dimensions.
fn simplex(dimensions: usize) -> Vec<Vec<f64>> {
    if dimensions == 1 {
        return vec![vec![1.0], vec![-1.0]];
    }
    let height = -1.0 / dimensions as f64;
    let radius = (1.0 - height * height).sqrt();
    let mut corners = vec![vec![0.0; dimensions]];
    corners[0][0] = 1.0;
    for corner in simplex(dimensions - 1) {
        let base = corner.into_iter().map(|x| radius * x);
        corners.push(std::iter::once(height).chain(base).collect());
    }
    corners
}

/// The nodes, moved and sheared to mean 0 and covariance 1: `L^-1 (h - <h>)` with the
/// Cholesky factor `L` of the covariance.
fn standardised(nodes: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let fields = nodes[0].len();
    let total: f64 = weights.iter().sum();
    let average = |value: &dyn Fn(&[f64]) -> f64| {
        let terms = nodes.iter().zip(weights);
        terms.map(|(node, w)| w * value(node)).sum::<f64>() / total
    };
    let mean: Vec<f64> = (0..fields).map(|a| average(&|node| node[a])).collect();
    let mut factor = vec![vec![0.0; fields]; fields];
    for a in 0..fields {
        for b in 0..=a {
            let covariance = average(&|node| (node[a] - mean[a]) * (node[b] - mean[b]));
            let done: f64 = (0..b).map(|c| factor[a][c] * factor[b][c]).sum();
            factor[a][b] = if a == b {
                (covariance - done).sqrt()
            } else {
                (covariance - done) / factor[b][b]
            };
        }
    }
    let mut standard = Vec::with_capacity(nodes.len() * fields);
    for node in nodes {
        let first = standard.len();
        for a in 0..fields {
            let done: f64 = (0..a).map(|c| factor[a][c] * standard[first + c]).sum();
            standard.push((node[a] - mean[a] - done) / factor[a][a]);
        }
    }
    standard
}
