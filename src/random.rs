//! Random streams, derived from names.
//!
//! Every stream is a [`Generator`] seeded by BLAKE3 over a seed and a list of
//! names, each framed by its length. Nothing depends on the order in which
//! streams are made or on the thread that makes them, so parallelism never
//! decides a number. This is the only place that makes a generator; the lanes of a
//! vectorised sampler are seeded from one.

use rand::SeedableRng;

/// The generator behind every random number: xoshiro256++, named and portable.
pub type Generator = rand_xoshiro::Xoshiro256PlusPlus;

/// Makes the stream that belongs to `seed` and `names`.
///
/// Two lists of names give the same stream only if they are equal name by name
/// (`["ab", "c"]` and `["a", "bc"]` differ).
#[must_use]
pub fn stream(seed: &str, names: &[&str]) -> Generator {
    let mut hasher = blake3::Hasher::new();
    for name in std::iter::once(&seed).chain(names) {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    Generator::from_seed(*hasher.finalize().as_bytes())
}

/// Draws a number from `[0, 1)` with 53 random bits.
#[must_use]
pub fn uniform(generator: &mut Generator) -> f64 {
    use rand::Rng;
    const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
    (generator.next_u64() >> 11) as f64 * UNIT
}

/// Draws `count` different numbers below `total`, all choices alike: the first
/// places of a shuffle, so that from equal generators a smaller draw is the
/// beginning of a larger one.
///
/// # Panics
///
/// Panics if `count` is above `total`.
#[must_use]
pub fn distinct(count: usize, total: usize, generator: &mut Generator) -> Vec<usize> {
    use rand::Rng;
    assert!(count <= total, "{count} different numbers below {total}");
    let mut order: Vec<usize> = (0..total).collect();
    for place in 0..count {
        // A multiple of the range is kept, so that all numbers are equally likely.
        let range = (total - place) as u64;
        let limit = u64::MAX - u64::MAX % range;
        let word = loop {
            let word = generator.next_u64();
            if word < limit {
                break word;
            }
        };
        order.swap(place, place + (word % range) as usize);
    }
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn names_are_framed_by_their_length() {
        let mut a = stream("7", &["ab", "c"]);
        let mut b = stream("7", &["a", "bc"]);
        assert_ne!(a.next_u64(), b.next_u64());
    }

    #[test]
    fn equal_names_give_equal_streams() {
        let draw = || {
            let mut generator = stream("7", &["chain", "3"]);
            [generator.next_u64(), generator.next_u64()]
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn all_choices_are_drawn_alike_and_a_smaller_draw_begins_a_larger_one() {
        let mut generator = stream("2", &[]);
        let draws = 6000;
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..draws {
            let mut drawn = distinct(2, 4, &mut generator);
            drawn.sort_unstable();
            assert!(drawn[0] < drawn[1] && drawn[1] < 4, "{drawn:?}");
            *counts.entry(drawn).or_insert(0) += 1;
        }
        // Six pairs, each expected 1000 times; binomial standard error
        // sqrt(6000 / 6 * 5 / 6) = 28.9; four of them.
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|&n: &i32| (n - 1000).abs() < 116),
            "{counts:?}"
        );
        let draw = |count| distinct(count, 50, &mut stream("3", &[]));
        assert_eq!(draw(10), draw(30)[..10]);
        let mut all = draw(50);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..50));
    }

    #[test]
    fn uniform_has_the_moments_of_the_unit_interval() {
        let mut generator = stream("1", &[]);
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| uniform(&mut generator)).collect();
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        // Standard error of the mean: 1 / sqrt(12 n); four of them.
        let tolerance = 4.0 / (12.0 * f64::from(n)).sqrt();
        assert!((mean - 0.5).abs() < tolerance, "mean {mean}");
    }
}
