//! Distributions of configurations as mixtures of independent spins: lists of fields.
//!
//! The Gaussian field of a Hopfield model makes its spins independent, with one
//! probability for all sites of a class. The integral over the field can be replaced by
//! a sum over a grid that gives every configuration its probability to the precision
//! of a double, so that a configuration is an entry of a list and coins after that.

use rand::Rng;

use super::SiteClasses;
use super::bernoulli::{SpinFields, SpinGroups, Tosses, binary_digits};
use super::curie_weiss::log_two_cosh;
use super::discrete::DiscreteTable;
use super::exact::state_probabilities;
use crate::random::Generator;

/// Distance of the fields in each direction, in standard deviations of the Gaussian.
const STEP: f64 = 0.7;
/// Fields beyond the last mean by this many standard deviations are left out: a
/// weight of `1e-18`.
const TAIL: f64 = 9.0;
/// Most fields that are weighed.
const MAX_FIELDS: f64 = (1 << 20) as f64;
/// Logarithm of the weight, of the heaviest field's, below which a field is left out:
/// all of them together weigh below `1e-15` of that field.
const LIGHTEST: f64 = -49.0;
/// Logarithm of the weight, of the heaviest field's, above which a field is heavy: a few
/// thousand, which stay in the cache and are drawn all but once in a thousand times.
const HEAVY: f64 = -10.0;
/// Binary places that probabilities on a grid of their own may take.
const PLACES: std::ops::RangeInclusive<i32> = 4..=12;
/// Most sites for which such a grid is looked for.
const MAX_SITES: usize = 2048;
/// Total variation distance to the model that such a grid may have: fewer than 10^24
/// configurations do not tell it from none.
const MAX_DISTANCE: f64 = 1e-12;

/// A list of fields with their weights.
pub(super) struct Mixture {
    /// The heavy fields, which come first, and all others together as one more entry.
    heavy: DiscreteTable,
    heavy_fields: usize,
    /// The other fields.
    light: Option<DiscreteTable>,
    groups: SpinGroups,
    /// The digits of all classes as [`SpinGroups::join`] has them: the first words of
    /// all fields, then the second ones and so on.
    joined: Vec<u64>,
    classes: usize,
    /// For each field and class where its probability lies in `digits`.
    places: Vec<u32>,
    /// Probabilities as [`binary_digits`].
    digits: Vec<u64>,
}

impl Mixture {
    /// The mixture that is the distribution of `classes`; nothing if it would take too
    /// many fields.
    pub(super) fn new(classes: &SiteClasses, groups: &SpinGroups) -> Option<Self> {
        Self::of_short_probabilities(classes, groups).or_else(|| Self::of_grid(classes, groups))
    }

    /// Fields on a grid of step `δ` in each direction.
    ///
    /// The Gaussian identity of the field also holds for its sum over a grid: by
    /// Poisson summation
    ///
    /// ```text
    /// δ/√(2π) Σ_j exp(-z_j²/2 + a z_j) = exp(a²/2) [1 + 2 Σ_k exp(-2π²k²/δ²) cos(2πka/δ)],   z_j = jδ
    /// ```
    ///
    /// With `δ = 0.7` the bracket is 1 to `6e-18` for every `a = √(β/N) ξ^μ·s`, so spins in a
    /// field from the grid, drawn with its weight `exp(-z²/2) Π_c (2 cosh φ_c)^(n_c)`,
    /// have the probability of every configuration to the precision of a double.
    fn of_grid(classes: &SiteClasses, groups: &SpinGroups) -> Option<Self> {
        let grid = Grid::new(classes)?;
        let mut peak = f64::NEG_INFINITY;
        grid.visit(|_, log_weights| peak = log_weights.iter().copied().fold(peak, f64::max));
        let mut heavy = Fields::default();
        let mut light = Fields::default();
        grid.visit(|starts, log_weights| {
            for (along, log_weight) in log_weights.iter().enumerate() {
                let log_weight = log_weight - peak;
                if log_weight > LIGHTEST {
                    let side = if log_weight > HEAVY {
                        &mut heavy
                    } else {
                        &mut light
                    };
                    side.weights.push(log_weight.exp());
                    let places = starts.iter().map(|start| (start + along) as u32);
                    side.places.extend(places);
                }
            }
        });
        Some(Self::joined(groups.clone(), heavy, light, grid.digits))
    }

    /// Fields in which a spin is up with a probability of a few binary places, for sites of
    /// a single class; nothing if no such fields do.
    ///
    /// The integral over the field becomes one over the probability `p` with
    /// `dφ = dp / 2p(1 - p)`, and its sum over `p = j/2^k` converges as fast as that
    /// over an even grid of fields. The fewest places are taken for which the counts of
    /// spins up have their distribution to a total variation distance of `1e-12`.
    fn of_short_probabilities(classes: &SiteClasses, groups: &SpinGroups) -> Option<Self> {
        let [class] = classes.classes() else {
            return None;
        };
        if classes.sites() > MAX_SITES {
            return None;
        }
        let counts = state_probabilities(classes);
        let external = classes.beta() * class.field;
        let places = PLACES.into_iter().find(|&places| {
            let distance = distance(classes, external, places, &counts);
            distance < MAX_DISTANCE
        })?;
        let sites = classes.sites() as f64;
        let log_weights: Vec<f64> = short_fields(places)
            .map(|(field, width)| {
                let deviation = field - external;
                let gaussian = deviation * deviation / (2.0 * classes.beta());
                sites * (log_two_cosh(field) - gaussian) + width.ln()
            })
            .collect();
        let peak = log_weights
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let weights = log_weights.iter().map(|weight| (weight - peak).exp());
        let fields = Fields {
            weights: weights.collect(),
            places: (0..log_weights.len() as u32).collect(),
        };
        let digits = (1..1 << places).map(|j: u64| j << (64 - places)).collect();
        let groups = groups.clone().with_places(places as usize);
        Some(Self::joined(groups, fields, Fields::default(), digits))
    }

    fn joined(groups: SpinGroups, mut heavy: Fields, light: Fields, digits: Vec<u64>) -> Self {
        let (heavy_fields, light_fields) = (heavy.weights.len(), light.weights.len());
        let fields = heavy_fields + light_fields;
        if light_fields > 0 {
            heavy.weights.push(light.weights.iter().sum());
        }
        let places = [heavy.places, light.places].concat();
        let classes = places.len() / fields;
        let mut joined = vec![0; fields * groups.words_of_digits()];
        let mut of_classes = vec![0; classes];
        for (field, places) in places.chunks_exact(classes).enumerate() {
            let here = of_classes.iter_mut().zip(places);
            here.for_each(|(of_class, &place)| *of_class = digits[place as usize]);
            let words = joined[field..].iter_mut().step_by(fields);
            words
                .zip(groups.join(&of_classes))
                .for_each(|(to, from)| *to = from);
        }
        Self {
            heavy: DiscreteTable::new(heavy.weights),
            heavy_fields,
            light: (light_fields > 0).then(|| DiscreteTable::new(light.weights)),
            groups,
            joined,
            classes,
            places,
            digits,
        }
    }

    /// Draws the numbers of fields.
    fn draw_fields(&self, numbers: &mut [u64], tosses: &mut Tosses, generator: &mut Generator) {
        tosses.fill(numbers);
        for number in numbers.iter_mut() {
            *number = self.heavy.entry(*number) as u64;
        }
        let Some(light) = &self.light else { return };
        for number in numbers {
            if *number == self.heavy_fields as u64 {
                *number += light.draw(generator) as u64;
            }
        }
    }

    /// The number of fields.
    fn fields(&self) -> usize {
        self.places.len() / self.classes
    }

    /// The groups, with as many places as the probabilities have.
    pub(super) fn groups(&self) -> &SpinGroups {
        &self.groups
    }

    /// A source of fields for [`SpinGroups::draw`].
    pub(super) fn source<'a>(&'a self, generator: &'a mut Generator) -> MixtureFields<'a> {
        MixtureFields {
            mixture: self,
            drawn: Vec::new(),
            generator,
        }
    }
}

/// Fields with their weights and the places of their probabilities.
#[derive(Default)]
struct Fields {
    weights: Vec<f64>,
    places: Vec<u32>,
}

/// Draws fields of a mixture.
pub(super) struct MixtureFields<'a> {
    mixture: &'a Mixture,
    /// Numbers of the fields of the rows that were drawn last.
    drawn: Vec<u64>,
    generator: &'a mut Generator,
}

impl SpinFields for MixtureFields<'_> {
    fn draw(&mut self, joined: &mut [u64], tosses: &mut Tosses) {
        let mixture = self.mixture;
        let rows = joined.len() / mixture.groups.words_of_digits();
        self.drawn.resize(rows, 0);
        mixture.draw_fields(&mut self.drawn, tosses, self.generator);
        let of_fields = mixture.joined.chunks_exact(mixture.fields());
        for (joined, of_fields) in joined.chunks_exact_mut(rows).zip(of_fields) {
            for (joined, &field) in joined.iter_mut().zip(&self.drawn) {
                *joined = of_fields[field as usize];
            }
        }
    }

    fn digits(&self, row: usize, group: usize) -> u64 {
        let Mixture { classes, .. } = self.mixture;
        let place = self.mixture.places[self.drawn[row] as usize * classes + group];
        self.mixture.digits[place as usize]
    }

    fn word(&mut self) -> u64 {
        self.generator.next_u64()
    }
}

/// An even grid of fields in as many directions as there are patterns.
///
/// What a class feels depends on `j_c = Σ_μ ξ_c^μ j_μ` alone: `φ_c = √(β/N) δ j_c + βh_c`.
struct Grid<'a> {
    classes: &'a SiteClasses,
    /// The grid reaches from `-last` to `last` in each direction.
    last: i64,
    /// `-z²/2` in one direction.
    gaussian: Vec<f64>,
    /// `n_c ln 2cosh φ_c` for each class and `j_c`.
    log_weights: Vec<f64>,
    /// Probabilities of being up for each class and `j_c`, as [`binary_digits`].
    digits: Vec<u64>,
}

impl<'a> Grid<'a> {
    fn new(classes: &'a SiteClasses) -> Option<Self> {
        let (sites, beta) = (classes.sites() as f64, classes.beta());
        // Means of the field given the spins lie within ±√(βN) in each direction.
        let last = (((beta * sites).sqrt() + TAIL) / STEP).ceil();
        if (2.0 * last + 1.0).powi(classes.patterns() as i32) > MAX_FIELDS {
            return None;
        }
        let last = last as i64;
        let reach = last * classes.patterns() as i64;
        let scale = (beta / sites).sqrt() * STEP;
        let (mut log_weights, mut digits) = (Vec::new(), Vec::new());
        for class in classes.classes() {
            for place in -reach..=reach {
                let half_logit = scale * place as f64 + beta * class.field;
                log_weights.push(class.members.len() as f64 * log_two_cosh(half_logit));
                digits.push(binary_digits(1.0 / (1.0 + (-2.0 * half_logit).exp())));
            }
        }
        let gaussian = |place: i64| -0.5 * (STEP * place as f64).powi(2);
        Some(Self {
            classes,
            last,
            gaussian: (-last..=last).map(gaussian).collect(),
            log_weights,
            digits,
        })
    }

    /// Shows every line of fields along the first pattern: for each class the place of its
    /// first probability in `digits`, from where they follow each other, and the
    /// log weights.
    fn visit(&self, mut visit: impl FnMut(&[usize], &[f64])) {
        let patterns = self.classes.patterns();
        let reach = self.last * patterns as i64;
        let mut others = vec![-self.last; patterns - 1];
        let mut starts = vec![0; self.classes.len()];
        let mut line = vec![0.0; self.gaussian.len()];
        loop {
            let apart = others.iter().map(|j| (j + self.last) as usize);
            let outer: f64 = apart.map(|place| self.gaussian[place]).sum();
            let along = line.iter_mut().zip(&self.gaussian);
            along.for_each(|(weight, gaussian)| *weight = outer + gaussian);
            let classes = self.classes.classes().iter().enumerate();
            for ((index, class), start) in classes.zip(&mut starts) {
                let signs = class.signs[1..].iter().zip(&others);
                // The first pattern is +1 in every class.
                let shift: i64 = signs.map(|(&sign, j)| sign as i64 * j).sum();
                let first = (reach - self.last + shift) as usize;
                *start = index * (2 * reach as usize + 1) + first;
                let of_class = &self.log_weights[*start..*start + line.len()];
                let along = line.iter_mut().zip(of_class);
                along.for_each(|(weight, of_class)| *weight += of_class);
            }
            visit(&starts, &line);
            if !self.advance(&mut others) {
                return;
            }
        }
    }

    /// Moves on to the next line; false after the last.
    fn advance(&self, others: &mut [i64]) -> bool {
        for j in others {
            *j += 1;
            if *j <= self.last {
                return true;
            }
            *j = -self.last;
        }
        false
    }
}

/// Fields in which a spin is up with probability `p = j/2^places`, and `dφ/dp` there.
fn short_fields(places: i32) -> impl Iterator<Item = (f64, f64)> {
    let all = f64::from(1 << places);
    (1..1 << places).map(move |j| {
        let (up, down) = (f64::from(j) / all, (all - f64::from(j)) / all);
        (0.5 * (up / down).ln(), 0.5 / (up * down))
    })
}

/// The total variation distance between the counts of spins up in fields of
/// [`short_fields`] and `counts`.
///
/// In those fields the configurations with magnetisation `M` have, of their
/// weight `exp(βM²/2N + βhM)`, the part
///
/// ```text
/// 2^-k Σ_j dφ_j/dp √(N/2πβ) exp{-N(φ_j - βM/N - βh)²/2β}
/// ```
fn distance(classes: &SiteClasses, external: f64, places: i32, counts: &[f64]) -> f64 {
    let (sites, beta) = (classes.sites() as f64, classes.beta());
    let precision = sites / beta;
    let scale = (precision / (2.0 * std::f64::consts::PI)).sqrt() / f64::from(1 << places);
    let fields: Vec<(f64, f64)> = short_fields(places).collect();
    let apart = counts.iter().enumerate().map(|(up, probability)| {
        let mean = (2.0 * up as f64 - sites) / precision + external;
        let parts = fields.iter().map(|(field, width)| {
            let deviation = field - mean;
            width * (-0.5 * precision * deviation * deviation).exp()
        });
        probability * (scale * parts.sum::<f64>() - 1.0).abs()
    });
    0.5 * apart.sum::<f64>()
}

#[cfg(test)]
mod tests;
