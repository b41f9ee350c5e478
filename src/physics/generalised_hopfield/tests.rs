//! Against sums over all configurations, closed forms and each other.

use std::ops::ControlFlow;

use super::*;
use crate::random::stream;

/// Eight sites in a field of two components with four values, all of different weight.
fn small() -> GeneralisedHopfield {
    let model = fields::GeneralisedHopfield::new(
        vec![-0.6, 0.1, -1.1, 0.0, 0.4, -0.3, 0.8, -0.2],
        vec![
            0.5, 0.0, -0.9, 0.3, 0.0, 0.7, 1.2, 0.0, 0.4, -0.6, 0.0, 0.0, 0.2, 0.9, -0.5, 0.1,
        ],
        vec![0.0, 0.0, 1.2, -0.4, -0.8, 1.5, 2.0, 1.0],
        vec![0.4, 0.3, 0.2, 0.1],
        2,
    );
    GeneralisedHopfield::new(model.unwrap()).unwrap()
}

fn recipe(fields: usize, law: FieldLaw) -> ModelRecipe {
    ModelRecipe {
        sites: 40,
        fields,
        rate: 0.1,
        strength: 0.7,
        law,
        sparseness: 0.5,
    }
}

fn drawn(recipe: &ModelRecipe) -> fields::GeneralisedHopfield {
    recipe.draw(&mut stream("recipe", &[])).unwrap()
}

fn sampled(model: &GeneralisedHopfield, samples: usize) -> Ensemble {
    let streams = |name: &str| stream("generalised hopfield", &[name]);
    let proceed = |_| ControlFlow::Continue(());
    model
        .sample(SamplingMethod::Exact, samples, &streams, &proceed)
        .unwrap()
}

#[test]
fn configurations_are_drawn_as_often_as_they_are_probable() {
    let model = small();
    let samples = 400_000;
    let ensemble = sampled(&model, samples);
    let mut counts = [0.0; 256];
    let drawn = spins(&ensemble.samples);
    (0..samples).for_each(|row| counts[drawn.row(row)[0] as usize] += 1.0);
    let all = model.all_configurations().unwrap();
    let mut chi_square = 0.0;
    for (row, count) in counts.iter().enumerate() {
        let expected = samples as f64 * (-model.energy(&all, row)).exp();
        // Every cell must be filled well enough for the chi-square law.
        assert!(expected > 5.0, "{row}: {expected}");
        chi_square += (count - expected).powi(2) / expected;
    }
    // Mean 255 and standard deviation sqrt(2 * 255); four of them.
    let pull = (chi_square - 255.0) / (2.0 * 255.0_f64).sqrt();
    assert!(pull.abs() < 4.0, "{chi_square}");
    // The mean energy is an entropy; its standard error is the ensemble's own.
    let entropy = model.exact().unwrap()["entropy_per_site"] * 8.0;
    let pull = (ensemble.mean_energy - entropy) / ensemble.mean_energy_error;
    assert!(pull.abs() < 4.0, "{pull}");
}

#[test]
fn sites_beyond_the_first_word_and_rows_of_a_batch_are_drawn_alike() {
    // 130 sites in a field of two values: each site has two probabilities, far apart.
    let sites = 130;
    let biases: Vec<f64> = (0..sites).map(|i| 0.02 * f64::from(i) - 1.5).collect();
    let patterns: Vec<f64> = (0..sites).map(|i| 0.5 - 0.01 * f64::from(i)).collect();
    let weights = [0.3, 0.7];
    let values = vec![1.4, -0.6];
    let model =
        fields::GeneralisedHopfield::new(biases, patterns, values.clone(), weights.to_vec(), 1)
            .unwrap();
    let samples = 20_000;
    let sampler = FieldSampler::new(&model);
    let drawn = sampler.draw(samples, &mut stream("sites", &[]));
    let drawn = spins(&drawn);
    let up =
        |site: usize, field: f64| 1.0 / (1.0 + (-2.0 * model.half_logit(site, &[field])).exp());
    let mean = |value: &dyn Fn(f64) -> f64| -> f64 {
        values.iter().zip(weights).map(|(h, w)| w * value(*h)).sum()
    };
    // Sites of the three words, with their neighbours and across words.
    for (site, other) in (0..129)
        .map(|site| (site, site + 1))
        .chain([(0, 64), (1, 129), (60, 128)])
    {
        let single = mean(&|h| up(site, h));
        let both = mean(&|h| up(site, h) * up(other, h));
        let count = |wanted: &dyn Fn(usize) -> bool| {
            (0..samples).filter(|&row| wanted(row)).count() as f64 / samples as f64
        };
        let found = count(&|row| drawn.get(row, site));
        let found_both = count(&|row| drawn.get(row, site) && drawn.get(row, other));
        for (found, expected) in [(found, single), (found_both, both)] {
            let error = (expected * (1.0 - expected) / samples as f64).sqrt();
            // The largest of 264: 4.5 standard errors.
            let pull = (found - expected) / error;
            assert!(pull.abs() < 4.5, "{site}, {other}: {pull}");
        }
    }
}

#[test]
fn certain_spins_are_certain() {
    let model = fields::GeneralisedHopfield::new(
        vec![40.0, -40.0, 0.0],
        vec![0.0; 3],
        vec![0.0],
        vec![1.0],
        1,
    );
    let drawn = FieldSampler::new(&model.unwrap()).draw(5000, &mut stream("certain", &[]));
    let drawn = spins(&drawn);
    assert!((0..5000).all(|row| drawn.get(row, 0) && !drawn.get(row, 1)));
}

#[test]
fn sums_over_the_field_are_sums_over_all_configurations() {
    let model = small();
    let by_field = exact::of_field(&model);
    let by_all = model.exact().unwrap();
    assert_eq!(by_field.len(), 3);
    for (name, value) in by_field {
        let expected = by_all[&name];
        assert!(
            (value - expected).abs() < 1e-13,
            "{name}: {value}, {expected}"
        );
    }
}

#[test]
fn exact_means_are_those_of_the_samples() {
    let model = GeneralisedHopfield::new(drawn(&recipe(2, FieldLaw::Skewed))).unwrap();
    let ensemble = sampled(&model, 40_000);
    let exact = model.exact().unwrap();
    assert!(
        !exact.contains_key("abs_collective_1"),
        "unknown for 40 sites"
    );
    let values: Vec<Vec<f64>> = (0..40_000)
        .map(|row| model.order_values(&ensemble.samples, row))
        .collect();
    for component in 0..2 {
        let squares: Vec<f64> = values.iter().map(|v| v[component].powi(2)).collect();
        let mean = squares.iter().sum::<f64>() / 40_000.0;
        let spread = squares.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let error = spread.sqrt() / 40_000.0;
        let expected = exact[&format!("squared_collective_{}", component + 1)];
        // Four standard errors.
        assert!((mean - expected).abs() < 4.0 * error, "{mean}, {expected}");
    }
}

#[test]
fn a_quadratic_potential_is_hopfields_model() {
    // Hubbard and Stratonovich: a normal field with the weight Π 2cosh gives
    // p ∝ exp((ξ·s)² / 2N), T = 1, and the trapezoidal rule is exact to 1e-15 or so.
    let patterns = super::super::draw_patterns(1, 10, &mut stream("patterns", &[]));
    let hopfield = super::super::Hopfield::new(patterns.clone(), 1.0).unwrap();
    let sign = |site| if patterns.get(0, site) { 1.0 } else { -1.0 };
    let nodes: Vec<f64> = (-60..=60).map(|j| 0.25 * f64::from(j)).collect();
    let scale = 10.0_f64.sqrt().recip();
    let two_cosh = |z: f64| (2.0 * (scale * z).cosh()).powi(10);
    let weights = nodes.iter().map(|z| (-0.5 * z * z).exp() * two_cosh(*z));
    let model = fields::GeneralisedHopfield::new(
        vec![0.0; 10],
        (0..10).map(|site| scale * sign(site)).collect(),
        nodes.clone(),
        weights.collect(),
        1,
    );
    let model = GeneralisedHopfield::new(model.unwrap()).unwrap();
    let all = model.all_configurations().unwrap();
    let streams = |name: &str| stream("unused", &[name]);
    let log_partition = hopfield
        .log_partition(&streams, &|_| ControlFlow::Continue(()))
        .unwrap()
        .unwrap();
    for row in 0..1024 {
        let expected = System::log_probability(&hopfield, &all, row, &log_partition);
        let found = -model.energy(&all, row);
        assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
    }
    let (found, expected) = (model.exact().unwrap(), hopfield.exact().unwrap());
    let entropy = "entropy_per_site";
    assert!((found[entropy] - expected[entropy]).abs() < 1e-12);
    // u / N is the overlap times the scale of the patterns.
    let square = found["squared_collective_1"] * 10.0;
    assert!((square - expected["squared_overlap_1"]).abs() < 1e-12);
    assert!((found["binder_cumulant"] - expected["binder_cumulant"]).abs() < 1e-12);
}

#[test]
fn a_drawn_model_has_what_its_recipe_says() {
    for law in [FieldLaw::Normal, FieldLaw::Skewed, FieldLaw::States] {
        for fields in 1..=3 {
            let recipe = recipe(fields, law);
            let model = drawn(&recipe);
            assert_eq!((model.sites(), model.fields()), (40, fields));
            let nodes = model.nodes().chunks_exact(fields);
            let mean = |value: &dyn Fn(&[f64]) -> f64| -> f64 {
                let terms = nodes.clone().zip(model.weights());
                terms.map(|(node, w)| w * value(node)).sum()
            };
            for a in 0..fields {
                let first = mean(&|h| h[a]);
                assert!(first.abs() < 1e-12, "{law:?} {fields}: {first}");
                for b in 0..fields {
                    let second = mean(&|h| h[a] * h[b]) - f64::from(u8::from(a == b));
                    assert!(second.abs() < 1e-12, "{law:?} {fields}: {second}");
                }
                let entries = model.patterns().iter().skip(a).step_by(fields);
                let touched: Vec<&f64> = entries.filter(|entry| **entry != 0.0).collect();
                assert_eq!(touched.len(), 20, "half of the sites");
                let square = touched.iter().map(|x| **x * **x).sum::<f64>() / 20.0;
                assert!((square - 0.49).abs() < 1e-12, "{square}");
            }
            let rate = mean(&|h| {
                let up = model
                    .half_logits_at(h)
                    .map(|phi| 1.0 / (1.0 + (-2.0 * phi).exp()));
                up.sum::<f64>() / 40.0
            });
            assert!((rate - 0.1).abs() < 1e-12, "{law:?} {fields}: {rate}");
        }
    }
}

#[test]
fn laws_of_the_field_have_their_shape() {
    let moment = |law, fields: usize, power: i32| -> f64 {
        let model = drawn(&recipe(fields, law));
        let first = model.nodes().iter().step_by(fields);
        let terms = first.zip(model.weights());
        terms.map(|(h, w)| w * h.powi(power)).sum()
    };
    // Gumbel: 12 √6 ζ(3) / π³; its cut tail takes away 3e-3 of it in one dimension and
    // less than 0.1 in three.
    let skewness = 12.0 * 6.0_f64.sqrt() * 1.202_056_903_159_594 / std::f64::consts::PI.powi(3);
    assert!((moment(FieldLaw::Skewed, 1, 3) - skewness).abs() < 3e-3);
    assert!((moment(FieldLaw::Skewed, 3, 3) - skewness).abs() < 0.1);
    // Normal: 3; cut beyond 6 and beyond 4.2 standard deviations.
    assert!((moment(FieldLaw::Normal, 1, 4) - 3.0).abs() < 1e-4);
    assert!((moment(FieldLaw::Normal, 3, 4) - 3.0).abs() < 0.05);
    // Two narrow states at ±√0.91, of variance 0.09: 0.91² + 6·0.91·0.09 + 3·0.09².
    let fourth = 0.91_f64.powi(2) + 6.0 * 0.91 * 0.09 + 3.0 * 0.09_f64.powi(2);
    // They are cut at four standard deviations.
    assert!((moment(FieldLaw::States, 1, 4) - fourth).abs() < 1e-3);
}

#[test]
fn rate_strength_law_and_sparseness_change_one_and_the_same_model() {
    let plain = recipe(2, FieldLaw::Normal);
    let stronger = drawn(&ModelRecipe {
        strength: 1.4,
        rate: 0.3,
        law: FieldLaw::States,
        ..plain
    });
    let plain_model = drawn(&plain);
    for (a, b) in plain_model.patterns().iter().zip(stronger.patterns()) {
        assert!((2.0 * a - b).abs() < 1e-14, "{a}, {b}");
    }
    let shift = stronger.biases()[0] - plain_model.biases()[0];
    for (a, b) in plain_model.biases().iter().zip(stronger.biases()) {
        assert!((b - a - shift).abs() < 1e-12, "one shift for all");
    }
    let sparser = drawn(&ModelRecipe {
        sparseness: 0.2,
        ..plain
    });
    for (entry, sparse) in plain_model.patterns().iter().zip(sparser.patterns()) {
        assert!(
            *sparse == 0.0 || *entry != 0.0,
            "touches fewer of the sites"
        );
    }
}

#[test]
fn what_cannot_be_drawn_or_held_is_refused() {
    let plain = recipe(2, FieldLaw::Normal);
    let wrong = [
        ModelRecipe { sites: 0, ..plain },
        ModelRecipe { fields: 4, ..plain },
        ModelRecipe { rate: 1.0, ..plain },
        ModelRecipe {
            strength: f64::NAN,
            ..plain
        },
        ModelRecipe {
            sparseness: 0.0,
            ..plain
        },
    ];
    for recipe in wrong {
        let found = recipe.draw(&mut stream("recipe", &[]));
        assert!(
            matches!(found, Err(PhysicsError::Recipe { .. })),
            "{recipe:?}: {found:?}"
        );
    }
    let (sites, values) = (1 << 14, (1 << 13) + 1);
    let large = fields::GeneralisedHopfield::new(
        vec![0.0; sites],
        vec![0.0; sites],
        vec![0.0; values],
        vec![1.0; values],
        1,
    );
    let refused = GeneralisedHopfield::new(large.unwrap()).unwrap_err();
    assert!(matches!(refused, PhysicsError::FieldSize { .. }));
    let streams = |name: &str| stream("unused", &[name]);
    let gibbs = small().sample(SamplingMethod::Gibbs, 10, &streams, &|_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(gibbs, Err(PhysicsError::MethodMissing { .. })));
}
