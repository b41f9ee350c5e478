use super::*;
use crate::physics::{Hopfield, draw_patterns, fields_along};
use crate::random::stream;

fn classes(patterns: usize, sites: usize, temperature: f64, strength: f64) -> SiteClasses {
    let stored = draw_patterns(patterns, sites, &mut stream("patterns", &[]));
    let fields = fields_along(&stored, 0, strength);
    SiteClasses::new(&Hopfield::with_fields(stored, fields, temperature).unwrap())
}

fn mixture(classes: &SiteClasses) -> Option<Mixture> {
    let members = classes.classes().iter();
    let members = members.map(|class| class.members.as_slice());
    Mixture::new(classes, &SpinGroups::new(classes.sites(), members))
}

/// The probability of every state, in the order of [`SiteClasses::visit`], as the fields and
/// the binary digits of their probabilities have it.
fn mixed_probabilities(mixture: &Mixture, classes: &SiteClasses) -> Vec<f64> {
    const UNIT: f64 = 1.0 / 18_446_744_073_709_551_616.0;
    let mut found = vec![0.0; classes.states() as usize];
    let mut fields = mixture.heavy.probabilities();
    if let Some(light) = &mixture.light {
        let all_light = fields.pop().unwrap();
        fields.extend(light.probabilities().iter().map(|p| all_light * p));
    }
    assert_eq!(fields.len(), mixture.fields());
    let places = mixture.places.chunks(mixture.classes);
    for (field, (weight, places)) in fields.into_iter().zip(places).enumerate() {
        let digits: Vec<u64> = places.iter().map(|&p| mixture.digits[p as usize]).collect();
        let joined = mixture.joined[field..].iter().step_by(mixture.fields());
        assert!(
            joined.copied().eq(mixture.groups.join(&digits)),
            "field {field}"
        );
        let mut joint = vec![weight];
        for (class, digits) in classes.classes().iter().zip(digits) {
            let counts = binomial(class.members.len(), digits as f64 * UNIT);
            let products = counts.iter().map(|p| joint.iter().map(move |q| p * q));
            joint = products.flatten().collect();
        }
        found.iter_mut().zip(joint).for_each(|(sum, p)| *sum += p);
    }
    found
}

fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// The probability of each count among `size` spins that are up with probability `up`.
fn binomial(size: usize, up: f64) -> Vec<f64> {
    let mut counts = vec![1.0];
    for _ in 0..size {
        let mut next = vec![0.0; counts.len() + 1];
        for (count, p) in counts.iter().enumerate() {
            next[count] += p * (1.0 - up);
            next[count + 1] += p * up;
        }
        counts = next;
    }
    counts
}

#[test]
fn fields_of_short_probabilities_have_the_counts_of_a_single_class() {
    for (sites, temperature, strength, most_places) in [
        (100, 1.0, 0.0, 6),
        (100, 0.5, 0.0, 12),
        (100, 2.0, -0.1, 6),
        (64, 0.8, 0.02, 8),
        (3, 0.4, 0.2, 12),
        (1000, 1.0, 0.0, 10),
    ] {
        let classes = classes(1, sites, temperature, strength);
        let mixture = mixture(&classes).unwrap();
        let found = mixed_probabilities(&mixture, &classes);
        let distance = total_variation(&found, &state_probabilities(&classes));
        // What is promised, and the rounding of a thousand sites here.
        assert!(
            distance < MAX_DISTANCE + 1e-12,
            "N = {sites}, T = {temperature}: {distance}"
        );
        let places = mixture.groups.places();
        assert!(
            places <= most_places,
            "N = {sites}, T = {temperature}: {places}"
        );
    }
}

#[test]
fn fields_on_a_grid_have_the_joint_counts_of_all_classes() {
    for (patterns, sites, temperature, strength) in [
        (2, 30, 0.5, 0.0),
        (2, 30, 0.8, 0.1),
        (3, 10, 0.6, 0.0),
        (3, 12, 1.0, -0.05),
    ] {
        let classes = classes(patterns, sites, temperature, strength);
        let mixture = mixture(&classes).unwrap();
        let found = mixed_probabilities(&mixture, &classes);
        let distance = total_variation(&found, &state_probabilities(&classes));
        // Fields that are left out weigh below 1e-15; the rest is rounding.
        assert!(
            distance < 1e-12,
            "P = {patterns}, T = {temperature}: {distance}"
        );
    }
}

#[test]
fn a_grid_of_too_many_fields_is_not_made() {
    assert!(mixture(&classes(4, 24, 0.5, 0.0)).is_none());
    assert!(mixture(&classes(3, 100, 0.05, 0.0)).is_none());
}
