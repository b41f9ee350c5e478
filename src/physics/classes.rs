//! Site classes: sites that neither the patterns nor the fields tell apart.

use std::collections::BTreeMap;

use statrs::function::factorial::ln_binomial;

use super::{Hopfield, PhysicsError};

/// Most joint counts that are enumerated: 2^23.
///
/// The exact sampler keeps 8 bytes a state, 64 MiB at the limit; a pass over
/// the states takes well below a second.
pub const ENUMERATION_LIMIT: usize = 1 << 23;

/// The sites of a Hopfield model, grouped by their column of the patterns and their
/// external field.
///
/// Flipping a site, `s_i -> ξ_i^1 s_i` and `h_i -> ξ_i^1 h_i`, makes the first pattern
/// all +1, so there are at most `2^(P-1)` classes for each value of the flipped field,
/// and no more than those where the field lies along a pattern. The energy
/// depends on a configuration only
/// through the number `k_c` of flipped-frame spins that are up in each class; all
/// `Π_c C(n_c, k_c)` configurations with the same counts are equally likely. The
/// `Π_c (n_c + 1)` joint counts, called states here, replace `2^N` configurations.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteClasses {
    beta: f64,
    sites: usize,
    patterns: usize,
    classes: Vec<SiteClass>,
}

/// One class of sites.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SiteClass {
    /// The sites, with whether the first pattern is down there.
    pub(super) members: Vec<(usize, bool)>,
    /// Value of every pattern on these sites in the flipped frame, ±1.
    pub(super) signs: Vec<f64>,
    /// The external field on these sites in the flipped frame, in units of `J`.
    pub(super) field: f64,
    /// `ln C(n, k)` for `k = 0..=n`.
    log_multiplicity: Vec<f64>,
}

impl SiteClass {
    fn new(column: &[bool], field: f64, members: Vec<(usize, bool)>) -> Self {
        let size = members.len() as u64;
        Self {
            members,
            signs: column
                .iter()
                .map(|&up| if up { 1.0 } else { -1.0 })
                .collect(),
            field,
            log_multiplicity: (0..=size).map(|up| ln_binomial(size, up)).collect(),
        }
    }

    /// Number of values that the class count takes.
    pub(super) fn counts(&self) -> usize {
        self.members.len() + 1
    }
}

/// What the sites of a class share: column of the patterns and bits of the field.
type ClassKey = (Vec<bool>, u64);

/// One state as the enumeration shows it.
pub(super) struct State<'a> {
    /// `Σ_c ln C(n_c, k_c) - βH`, in nats.
    pub(super) log_weight: f64,
    /// `H`, in units of `J`.
    pub(super) energy: f64,
    /// `ξ^μ·s` for every pattern.
    pub(super) sums: &'a [f64],
}

impl SiteClasses {
    /// Groups the sites of `model`.
    #[must_use]
    pub fn new(model: &Hopfield) -> Self {
        let patterns = model.patterns();
        let mut groups: BTreeMap<ClassKey, Vec<(usize, bool)>> = BTreeMap::new();
        for site in 0..model.sites() {
            let flipped = !patterns.get(0, site);
            let column = (0..patterns.rows()).map(|p| patterns.get(p, site) ^ flipped);
            let field = model.field(site) * if flipped { -1.0 } else { 1.0 };
            // Adding zero makes -0 a 0, so that equal fields have equal bits.
            let key = (column.collect(), (field + 0.0).to_bits());
            groups.entry(key).or_default().push((site, flipped));
        }
        let classes = groups.into_iter();
        Self {
            beta: model.beta(),
            sites: model.sites(),
            patterns: patterns.rows(),
            classes: classes
                .map(|((column, field), members)| {
                    SiteClass::new(&column, f64::from_bits(field), members)
                })
                .collect(),
        }
    }

    /// Number of classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no class; never true of a model, which has a site.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Number of states, `Π_c (n_c + 1)`; infinite beyond the range of a double.
    #[must_use]
    pub fn states(&self) -> f64 {
        self.classes
            .iter()
            .map(|class| class.counts() as f64)
            .product()
    }

    /// Whether the states are few enough to enumerate ([`ENUMERATION_LIMIT`]).
    #[must_use]
    pub fn affordable(&self) -> bool {
        self.states() <= ENUMERATION_LIMIT as f64
    }

    /// Says no if the states are too many to enumerate.
    pub(super) fn require_affordable(&self) -> Result<(), PhysicsError> {
        if self.affordable() {
            return Ok(());
        }
        Err(PhysicsError::EnumerationTooLarge {
            states: self.states(),
            limit: ENUMERATION_LIMIT,
        })
    }

    pub(super) fn classes(&self) -> &[SiteClass] {
        &self.classes
    }

    pub(super) fn beta(&self) -> f64 {
        self.beta
    }

    pub(super) fn sites(&self) -> usize {
        self.sites
    }

    pub(super) fn patterns(&self) -> usize {
        self.patterns
    }

    /// Shows every state to `visit`, the count of the first class fastest.
    pub(super) fn visit(&self, mut visit: impl FnMut(&State<'_>)) {
        let Some((first, others)) = self.classes.split_first() else {
            return;
        };
        let mut counts = vec![0; others.len()];
        loop {
            let (outer_weight, outer_external, outer_sums) = self.outer_state(&counts);
            let mut sums = outer_sums.clone();
            for (up, log_multiplicity) in first.log_multiplicity.iter().enumerate() {
                let magnetisation = 2.0 * up as f64 - first.members.len() as f64;
                let pairs = outer_sums.iter().zip(&first.signs);
                for (sum, (outer, sign)) in sums.iter_mut().zip(pairs) {
                    *sum = outer + sign * magnetisation;
                }
                let squares: f64 = sums.iter().map(|x| x * x).sum();
                let external = outer_external - first.field * magnetisation;
                let energy = external - squares / (2.0 * self.sites as f64);
                visit(&State {
                    log_weight: outer_weight + log_multiplicity - self.beta * energy,
                    energy,
                    sums: &sums,
                });
            }
            if !advance(&mut counts, others) {
                return;
            }
        }
    }

    /// Log multiplicity, external energy and pattern sums of all classes but the first.
    fn outer_state(&self, counts: &[usize]) -> (f64, f64, Vec<f64>) {
        let mut log_weight = 0.0;
        let mut external = 0.0;
        let mut sums = vec![0.0; self.patterns];
        for (class, &up) in self.classes[1..].iter().zip(counts) {
            log_weight += class.log_multiplicity[up];
            let magnetisation = 2.0 * up as f64 - class.members.len() as f64;
            external -= class.field * magnetisation;
            for (sum, sign) in sums.iter_mut().zip(&class.signs) {
                *sum += sign * magnetisation;
            }
        }
        (log_weight, external, sums)
    }

    /// Writes `ξ^μ·s` for every pattern in state number `index`.
    pub(super) fn sums_of(&self, index: usize, sums: &mut [f64]) {
        sums.fill(0.0);
        for (class, up) in self.classes.iter().zip(self.counts_of(index)) {
            let magnetisation = 2.0 * up as f64 - class.members.len() as f64;
            for (sum, sign) in sums.iter_mut().zip(&class.signs) {
                *sum += sign * magnetisation;
            }
        }
    }

    /// The counts of state number `index`, in the order of [`Self::visit`].
    fn counts_of(&self, mut index: usize) -> impl Iterator<Item = usize> + '_ {
        self.classes.iter().map(move |class| {
            let count = index % class.counts();
            index /= class.counts();
            count
        })
    }
}

/// Moves on to the next joint count; false after the last.
fn advance(counts: &mut [usize], classes: &[SiteClass]) -> bool {
    for (count, class) in counts.iter_mut().zip(classes) {
        *count += 1;
        if *count < class.counts() {
            return true;
        }
        *count = 0;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::physics::draw_patterns;
    use crate::random::stream;

    #[test]
    fn classes_partition_the_sites_and_states_are_counted() {
        let patterns = draw_patterns(4, 50, &mut stream("patterns", &[]));
        let classes = SiteClasses::new(&Hopfield::new(patterns, 0.5).unwrap());
        assert!(classes.len() <= 8);
        let members = classes.classes().iter().flat_map(|class| &class.members);
        let mut sites: Vec<usize> = members.map(|&(site, _)| site).collect();
        sites.sort_unstable();
        assert_eq!(sites, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn every_state_is_visited_once_in_the_order_of_its_number() {
        let patterns = draw_patterns(3, 12, &mut stream("patterns", &[]));
        let classes = SiteClasses::new(&Hopfield::new(patterns, 0.5).unwrap());
        let mut index = 0;
        let mut configurations = 0.0;
        classes.visit(|state| {
            let first_pattern: f64 = classes
                .counts_of(index)
                .zip(classes.classes())
                .map(|(up, class)| 2.0 * up as f64 - class.members.len() as f64)
                .sum();
            assert!((first_pattern - state.sums[0]).abs() < 1e-12);
            configurations += (state.log_weight + classes.beta() * state.energy).exp();
            index += 1;
        });
        assert!((index as f64 - classes.states()).abs() < 0.5);
        assert!((configurations / 4096.0 - 1.0).abs() < 1e-12, "2^12 in all");
    }

    #[test]
    fn too_many_states_are_refused_with_the_way_out() {
        let patterns = draw_patterns(8, 300, &mut stream("patterns", &[]));
        let classes = SiteClasses::new(&Hopfield::new(patterns, 0.6).unwrap());
        let message = classes.require_affordable().unwrap_err().to_string();
        assert!(message.contains("expected at most 8388608"), "{message}");
        assert!(
            message.contains("use method `gibbs` or `tempering`"),
            "{message}"
        );
    }

    #[test]
    fn one_pattern_is_one_class() {
        let model = Hopfield::new(BitMatrix::zeros(1, 30), 1.0).unwrap();
        let classes = SiteClasses::new(&model);
        assert_eq!(classes.len(), 1);
        assert!((classes.states() - 31.0).abs() < 1e-12);
    }
}
