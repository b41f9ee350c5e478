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
