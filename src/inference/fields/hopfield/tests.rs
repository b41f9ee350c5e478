//! Hopfield's model against the sum over all configurations.

use super::*;
use crate::bits::BitMatrix;
use crate::random::stream;

const SITES: usize = 8;
const OPTIONS: HopfieldOptions = HopfieldOptions {
    random_starts: 1,
    most_iterations: 600,
};

/// Lets a fit go on.
fn on() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// `exp(b·s + ½|ξᵀs|²) / Z` of all words of 8 sites.
fn probabilities(biases: &[f64], patterns: &[f64]) -> Vec<f64> {
    let fields = patterns.len() / SITES;
    let weights: Vec<f64> = (0..1_usize << SITES)
        .map(|word| {
            let spins: Vec<f64> = (0..SITES).map(|site| spin(word, site)).collect();
            let mut energy = dot(biases, &spins);
            for mu in 0..fields {
                let u: f64 = (0..SITES)
                    .map(|i| patterns[i * fields + mu] * spins[i])
                    .sum();
                energy += 0.5 * u * u;
            }
            energy.exp()
        })
        .collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

fn spin(word: usize, site: usize) -> f64 {
    if word >> site & 1 == 1 { 1.0 } else { -1.0 }
}

fn moments(probabilities: &[f64]) -> SpinMoments {
    let mean = |f: &dyn Fn(usize) -> f64| -> f64 {
        probabilities
            .iter()
            .enumerate()
            .map(|(word, p)| p * f(word))
            .sum()
    };
    let means = (0..SITES).map(|i| mean(&|word| spin(word, i))).collect();
    let pairs = (0..SITES * SITES).map(|k| (k / SITES, k % SITES));
    let products = pairs.map(|(i, j)| mean(&|word| spin(word, i) * spin(word, j)));
    SpinMoments::new(means, products.collect()).unwrap()
}

fn truth(fields: usize) -> (Vec<f64>, Vec<f64>) {
    let biases = (0..SITES).map(|i| -0.6 + 0.13 * i as f64).collect();
    let entry = |k: usize| 0.6 * (1.0 + 1.7 * k as f64 * (k as f64 + 0.3)).sin();
    (biases, (0..SITES * fields).map(entry).collect())
}

#[test]
fn exact_moments_give_back_the_model_that_they_are_of() {
    for fields in 1..=3 {
        let (biases, patterns) = truth(fields);
        let exact = probabilities(&biases, &patterns);
        let mut generator = stream("1", &["hopfield"]);
        let fit =
            hopfield_maximum_likelihood(&moments(&exact), fields, OPTIONS, &mut generator, &on)
                .unwrap();
        assert!(fit.converged, "{fields}: {}", fit.gradient_norm);
        // The largest likelihood is minus the entropy. The prior costs 1e-8 |θ|².
        let entropy: f64 = exact.iter().map(|p| -p * p.ln()).sum();
        assert!((fit.log_likelihood + entropy).abs() < 1e-7, "{fields}");
        let all = BitMatrix::from_words(256, SITES, (0..256).collect()).unwrap();
        let potential = fit.model.potential();
        for (word, p) in exact.iter().enumerate() {
            // Divergences below 1e-7 leave differences of 1e-3.5 of a probability at most,
            // and a converged gradient less.
            let found = potential.log_probability(&all, word).exp();
            assert!((found / p - 1.0).abs() < 1e-3, "{fields} {word}");
        }
    }
}

#[test]
fn the_lattice_model_has_the_probabilities_of_hopfield() {
    let (biases, patterns) = truth(2);
    let data = moments(&probabilities(&biases, &patterns));
    let mut generator = stream("2", &["hopfield"]);
    // One pattern for two: the fit is not the truth, but still a Hopfield model.
    let fit = hopfield_maximum_likelihood(&data, 1, OPTIONS, &mut generator, &on).unwrap();
    let expected = probabilities(fit.model.biases(), fit.model.patterns());
    let all = BitMatrix::from_words(256, SITES, (0..256).collect()).unwrap();
    let potential = fit.model.potential();
    for (word, p) in expected.iter().enumerate() {
        let found = potential.log_probability(&all, word).exp();
        assert!((found / p - 1.0).abs() < 1e-9, "{word}: {found} {p}");
    }
    // At the maximum the moments that the parameters couple to are those of the data.
    let model = moments(&expected);
    for i in 0..SITES {
        assert!((model.means()[i] - data.means()[i]).abs() < 1e-6);
        let side = |m: &SpinMoments| {
            dot(
                &m.products()[i * SITES..(i + 1) * SITES],
                fit.model.patterns(),
            )
        };
        assert!((side(&model) - side(&data)).abs() < 1e-6);
    }
    let likelihood = |m: &SpinMoments| dot(fit.model.biases(), m.means());
    let square: f64 = (0..SITES * SITES)
        .map(|k| {
            data.products()[k] * fit.model.patterns()[k / SITES] * fit.model.patterns()[k % SITES]
        })
        .sum();
    let direct = likelihood(&data) + 0.5 * square - fit.log_partition;
    assert!((direct - fit.log_likelihood).abs() < 1e-12);
}

#[test]
fn a_silent_cell_stays_finite() {
    let (biases, patterns) = truth(1);
    let exact = moments(&probabilities(&biases, &patterns));
    let mut means = exact.means().to_vec();
    let mut products = exact.products().to_vec();
    means[3] = -1.0;
    for i in (0..SITES).filter(|&i| i != 3) {
        products[i * SITES + 3] = -means[i];
        products[3 * SITES + i] = -means[i];
    }
    let silent = SpinMoments::new(means, products).unwrap();
    let fit = hopfield_maximum_likelihood(&silent, 1, OPTIONS, &mut stream("3", &[]), &on).unwrap();
    let rest = probabilities(fit.model.biases(), fit.model.patterns());
    let rate: f64 = (0..256)
        .filter(|word| word >> 3 & 1 == 1)
        .map(|word| rest[word])
        .sum();
    assert!(rate < 1e-4, "{rate}");
    for i in (0..SITES).filter(|&i| i != 3) {
        assert!((moments(&rest).means()[i] - silent.means()[i]).abs() < 1e-4);
    }
}

#[test]
fn equal_starts_give_equal_fits_in_any_number_of_threads() {
    let (biases, patterns) = truth(2);
    let data = moments(&probabilities(&biases, &patterns));
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            hopfield_maximum_likelihood(&data, 2, OPTIONS, &mut stream("4", &[]), &on).unwrap()
        })
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn what_no_model_has_is_refused() {
    let data = moments(&probabilities(&truth(1).0, &truth(1).1));
    for patterns in [0, 4] {
        let fit = hopfield_maximum_likelihood(&data, patterns, OPTIONS, &mut stream("5", &[]), &on);
        assert!(matches!(
            fit,
            Err(InferenceError::Components { available: 3, .. })
        ));
    }
    assert!(SpinMoments::new(vec![0.0], vec![0.5]).is_err());
    assert!(SpinMoments::new(vec![1.5], vec![1.0]).is_err());
    assert!(SpinMoments::new(vec![0.0; 2], vec![1.0; 3]).is_err());
}
