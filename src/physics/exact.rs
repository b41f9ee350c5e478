//! Exact results and independent samples by enumeration of the site classes.

use std::collections::BTreeMap;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::bernoulli::{SpinFields, SpinGroups, Tosses, binary_digits};
use super::discrete::DiscreteTable;
use super::mixture::Mixture;
use super::{IndependentSampler, PhysicsError, Progress, SiteClasses, report};
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::random::Generator;

/// Samples between two calls of the progress callback.
const SAMPLES_PER_REPORT: usize = 8192;

/// Exact thermodynamics of a finite system.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactSolution {
    /// `ln Z`, in nats.
    pub log_partition: f64,
    /// Mean energy `<H>` of the whole system, in units of `J`.
    pub mean_energy: f64,
    /// Variance of the energy, in units of `J²`; the heat capacity is `β²` times it.
    pub energy_variance: f64,
    /// Entropy `ln Z + β<H>` of the whole system, in nats.
    pub entropy: f64,
    /// Mean squared overlap `<(m^μ)²>` of every pattern.
    pub squared_overlaps: Vec<f64>,
    /// Mean overlap `<m^μ>` of every pattern; 0 without an external field.
    pub mean_overlaps: Vec<f64>,
    /// Mean size `<|m^μ|>` of every overlap.
    pub absolute_overlaps: Vec<f64>,
    /// Mean fourth power `<(m^μ)⁴>` of every overlap.
    pub fourth_overlaps: Vec<f64>,
}

/// Sums of `m`, `|m|`, `m²` and `m⁴` over weighted states.
type Moments = [f64; 4];

impl ExactSolution {
    /// Sums over all states of `classes`.
    ///
    /// The largest log weight is found in a first pass and taken out of the
    /// second, so nothing overflows; sums run in the order of the states.
    ///
    /// # Errors
    ///
    /// [`PhysicsError::EnumerationTooLarge`] if there are more states than
    /// [`super::ENUMERATION_LIMIT`].
    pub fn new(classes: &SiteClasses) -> Result<Self, PhysicsError> {
        classes.require_affordable()?;
        let (peak, reference) = heaviest(classes);
        let mut total = 0.0;
        let (mut first, mut second) = (0.0, 0.0);
        let mut moments: Vec<Moments> = vec![[0.0; 4]; classes.patterns()];
        let sites = classes.sites() as f64;
        classes.visit(|state| {
            let weight = (state.log_weight - peak).exp();
            // Measured from the heaviest state, so that the variance keeps its digits.
            let energy = state.energy - reference;
            total += weight;
            first += weight * energy;
            second += weight * energy * energy;
            for (moments, sum) in moments.iter_mut().zip(state.sums) {
                let (overlap, square) = (sum / sites, (sum / sites).powi(2));
                let powers = [overlap, overlap.abs(), square, square * square];
                for (moment, power) in moments.iter_mut().zip(powers) {
                    *moment += weight * power;
                }
            }
        });
        let log_partition = peak + total.ln();
        let mean_energy = reference + first / total;
        let moment = |index: usize| moments.iter().map(|m| m[index] / total).collect();
        Ok(Self {
            log_partition,
            mean_energy,
            energy_variance: second / total - (first / total).powi(2),
            entropy: log_partition + classes.beta() * mean_energy,
            mean_overlaps: moment(0),
            absolute_overlaps: moment(1),
            squared_overlaps: moment(2),
            fourth_overlaps: moment(3),
        })
    }

    /// `βN(<m²> - <|m|>²)` of the first overlap, in units of `1/J`.
    #[must_use]
    pub fn susceptibility(&self, sites: usize, beta: f64) -> f64 {
        let variance = self.squared_overlaps[0] - self.absolute_overlaps[0].powi(2);
        beta * sites as f64 * variance
    }

    /// `1 - <m⁴> / 3<m²>²` of the first overlap: 0 for a Gaussian, 2/3 for `±m`.
    #[must_use]
    pub fn binder_cumulant(&self) -> f64 {
        1.0 - self.fourth_overlaps[0] / (3.0 * self.squared_overlaps[0].powi(2))
    }

    /// All of it by the keys of [`super::System::exact`]; `names` are those of the
    /// order parameters.
    ///
    /// Susceptibility and Binder cumulant are given where there is one order
    /// parameter.
    pub(super) fn by_name(
        &self,
        sites: usize,
        beta: f64,
        names: &[String],
    ) -> BTreeMap<String, f64> {
        let per_site = |value: f64| value / sites as f64;
        let variance = per_site(self.energy_variance);
        let mut exact = BTreeMap::from([
            ("log_partition".to_owned(), self.log_partition),
            ("energy_per_site".to_owned(), per_site(self.mean_energy)),
            ("energy_variance_per_site".to_owned(), variance),
            ("specific_heat".to_owned(), beta.powi(2) * variance),
            ("entropy_per_site".to_owned(), per_site(self.entropy)),
        ]);
        let means = self.absolute_overlaps.iter().zip(&self.squared_overlaps);
        for (name, (size, square)) in names.iter().zip(means) {
            exact.insert(format!("abs_{name}"), *size);
            exact.insert(format!("squared_{name}"), *square);
        }
        if names.len() == 1 {
            let susceptibility = self.susceptibility(sites, beta);
            exact.insert("susceptibility".to_owned(), susceptibility);
            exact.insert("binder_cumulant".to_owned(), self.binder_cumulant());
        }
        exact
    }
}

/// Log weight and energy of the heaviest state.
fn heaviest(classes: &SiteClasses) -> (f64, f64) {
    let mut heaviest = (f64::NEG_INFINITY, 0.0);
    classes.visit(|state| {
        if state.log_weight > heaviest.0 {
            heaviest = (state.log_weight, state.energy);
        }
    });
    heaviest
}

/// Draws independent configurations through a field that makes the spins independent.
///
/// Where a list of fields has the distribution of the model, a field comes from there.
/// Else a state comes from the table of all weights, with the overlaps of its
/// configurations. Given them the field is Gaussian, and given the field the spins
/// are independent, with one probability for all sites of a class: a Gibbs sweep
/// that starts in equilibrium and so ends in it.
pub(super) struct ExactSampler {
    sites: usize,
    source: Source,
}

/// Where fields come from.
enum Source {
    Mixture(Mixture),
    States(States),
}

impl ExactSampler {
    /// Weighs the fields, or all states of `classes`.
    pub(super) fn new(classes: SiteClasses) -> Result<Self, PhysicsError> {
        classes.require_affordable()?;
        let members = classes
            .classes()
            .iter()
            .map(|class| class.members.as_slice());
        let groups = SpinGroups::new(classes.sites(), members);
        Ok(Self {
            sites: classes.sites(),
            source: match Mixture::new(&classes, &groups) {
                Some(mixture) => Source::Mixture(mixture),
                None => Source::States(States::new(classes, groups)),
            },
        })
    }

    /// Draws as many `rows` and adds their words to `words`.
    fn draw_rows(
        &self,
        rows: usize,
        words: &mut Vec<u64>,
        tosses: &mut Tosses,
        generator: &mut Generator,
    ) {
        match &self.source {
            Source::Mixture(mixture) => {
                let mut fields = mixture.source(generator);
                mixture.groups().draw(rows, words, tosses, &mut fields);
            }
            Source::States(states) => {
                let mut fields = states.source(generator);
                states.groups.draw(rows, words, tosses, &mut fields);
            }
        }
    }

    /// Draws `samples` configurations; `proceed` hears how many are done.
    fn draw_all(
        &self,
        samples: usize,
        generator: &mut Generator,
        proceed: impl Fn(usize) -> Result<(), PhysicsError>,
    ) -> Result<BitMatrix, PhysicsError> {
        let mut words = Vec::with_capacity(samples * self.sites.div_ceil(64));
        let mut tosses = Tosses::new(generator);
        for from in (0..samples).step_by(SAMPLES_PER_REPORT) {
            proceed(from)?;
            let rows = SAMPLES_PER_REPORT.min(samples - from);
            self.draw_rows(rows, &mut words, &mut tosses, generator);
        }
        proceed(samples)?;
        Ok(BitMatrix::from_cut_words(samples, self.sites, words))
    }
}

impl IndependentSampler for ExactSampler {
    fn draw(&self, samples: usize, generator: &mut Generator) -> Configurations {
        let mut words = Vec::with_capacity(samples * self.sites.div_ceil(64));
        let mut tosses = Tosses::new(generator);
        self.draw_rows(samples, &mut words, &mut tosses, generator);
        BitMatrix::from_cut_words(samples, self.sites, words).into()
    }
}

/// The table of all states.
struct States {
    classes: SiteClasses,
    table: DiscreteTable,
    groups: SpinGroups,
}

impl States {
    /// Adds up the weights of all states of `classes`.
    fn new(classes: SiteClasses, groups: SpinGroups) -> Self {
        Self {
            table: DiscreteTable::new(state_probabilities(&classes)),
            groups,
            classes,
        }
    }

    fn source<'a>(&'a self, generator: &'a mut Generator) -> StateFields<'a> {
        StateFields {
            states: self,
            sums: vec![0.0; self.classes.patterns()],
            digits: Vec::new(),
            generator,
        }
    }
}

/// Draws states, and fields given them.
struct StateFields<'a> {
    states: &'a States,
    /// Pattern sums, then the field.
    sums: Vec<f64>,
    /// The digits of all groups in the rows that were drawn last.
    digits: Vec<u64>,
    generator: &'a mut Generator,
}

impl SpinFields for StateFields<'_> {
    fn draw(&mut self, joined: &mut [u64], _: &mut Tosses) {
        let States {
            classes,
            table,
            groups,
        } = self.states;
        let rows = joined.len() / groups.words_of_digits();
        self.digits.resize(rows * classes.len(), 0);
        for (row, digits) in self.digits.chunks_exact_mut(classes.len()).enumerate() {
            classes.sums_of(table.draw(self.generator), &mut self.sums);
            draw_probabilities(classes, &mut self.sums, self.generator, digits);
            let places = joined[row..].iter_mut().step_by(rows);
            places
                .zip(groups.join(digits))
                .for_each(|(to, from)| *to = from);
        }
    }

    fn digits(&self, row: usize, group: usize) -> u64 {
        self.digits[row * self.states.classes.len() + group]
    }

    fn word(&mut self) -> u64 {
        self.generator.next_u64()
    }
}

/// Turns pattern sums into a field, and the field into probabilities of being up.
fn draw_probabilities(
    classes: &SiteClasses,
    sums: &mut [f64],
    generator: &mut Generator,
    digits: &mut [u64],
) {
    let beta = classes.beta();
    let coupling = beta / classes.sites() as f64;
    for field in sums.iter_mut() {
        let noise: f64 = StandardNormal.sample(generator);
        *field = coupling * *field + coupling.sqrt() * noise;
    }
    for (digits, class) in digits.iter_mut().zip(classes.classes()) {
        let parts = class.signs.iter().zip(sums.iter());
        let half_logit = beta * class.field + parts.map(|(xi, h)| xi * h).sum::<f64>();
        *digits = binary_digits(1.0 / (1.0 + (-2.0 * half_logit).exp()));
    }
}

/// Draws `samples` independent configurations.
pub(super) fn draw_exact(
    classes: &SiteClasses,
    samples: usize,
    generator: &mut Generator,
    progress: Progress<'_>,
) -> Result<BitMatrix, PhysicsError> {
    report(progress, 0.0)?;
    let sampler = ExactSampler::new(classes.clone())?;
    sampler.draw_all(samples, generator, |done: usize| {
        report(progress, done as f64 / samples as f64)
    })
}

/// The probability of every state, in the order of [`SiteClasses::visit`].
pub(super) fn state_probabilities(classes: &SiteClasses) -> Vec<f64> {
    let (peak, _) = heaviest(classes);
    let mut weights = Vec::with_capacity(classes.states() as usize);
    classes.visit(|state| weights.push((state.log_weight - peak).exp()));
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

#[cfg(test)]
mod tests;
