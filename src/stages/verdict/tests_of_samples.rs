//! Tests of the data against samples of the network.

use crate::configurations::{Configurations, Unit};
use crate::engine::{StageError, TaskContext};
use crate::inference::{
    self, Estimate, KolmogorovTest, MeansTest, Moments, RankTest, divergence_bound, means_test,
    rank_test, two_sample_test,
};
use crate::physics::System;
use crate::random::{Generator, uniform};
use crate::tables::{Table, schema};
use crate::vae::{ClassifierSettings, discriminate};

/// Pairs of sites whose correlations are compared.
const PAIRS: usize = 1000;

/// What is compared.
pub(super) struct SampleSets<'a> {
    /// Data that count as independent of each other.
    pub(super) data: &'a Configurations,
    pub(super) samples: &'a Configurations,
    /// The model, for its energy and its order parameters.
    pub(super) system: Option<&'a dyn System>,
}

/// One test and its result.
struct Test {
    name: String,
    statistic: f64,
    p_value: f64,
}

/// All tests.
pub(super) struct SampleTests {
    tests: Vec<Test>,
    corrected: Vec<f64>,
    pub(super) classifier: RankTest,
    /// A lower bound of the gap, from the classifier.
    pub(super) divergence: Estimate,
}

impl SampleTests {
    /// Runs all of them.
    pub(super) fn run(task: &TaskContext<'_>, sets: &SampleSets<'_>) -> Result<Self, StageError> {
        let mut tests = numbers(sets)?;
        let pairs = pairs(sets.samples.sites(), &mut task.stream("pairs"));
        let MeansTest { largest, p_value } = compare_pairs(sets, &pairs)?;
        tests.push(Test {
            name: "pair_correlations".to_owned(),
            statistic: largest,
            p_value,
        });
        task.check_cancelled()?;
        let settings = ClassifierSettings {
            hidden: vec![64],
            epochs: 12,
            batch: 128,
            learning_rate: 2e-3,
        };
        let streams = |name: &str| task.stream(&format!("classifier {name}"));
        let scores = discriminate(sets.data, sets.samples, &settings, &streams);
        let classifier = rank_test(&scores.first, &scores.second)?;
        tests.push(Test {
            name: "classifier".to_owned(),
            statistic: classifier.area,
            p_value: classifier.p_value,
        });
        let p_values: Vec<f64> = tests.iter().map(|test| test.p_value).collect();
        Ok(Self {
            corrected: inference::corrected(&p_values),
            tests,
            classifier,
            divergence: divergence_bound(&scores.first, &scores.second)?,
        })
    }

    /// The smallest corrected probability.
    pub(super) fn smallest_p_value(&self) -> f64 {
        self.corrected.iter().copied().fold(1.0, f64::min)
    }

    /// The table `two_sample_tests`.
    pub(super) fn table(&self) -> Result<Table, StageError> {
        let mut table = Table::new(&schema::TWO_SAMPLE_TESTS);
        for (test, &corrected) in self.tests.iter().zip(&self.corrected) {
            table.push([
                test.name.as_str().into(),
                test.statistic.into(),
                test.p_value.into(),
                corrected.into(),
            ])?;
        }
        Ok(table)
    }
}

/// Tests of single numbers: energy and sizes of the order parameters of a model, the
/// number of active cells of a recording.
fn numbers(sets: &SampleSets<'_>) -> Result<Vec<Test>, StageError> {
    let data = sets.data;
    let mut tests = Vec::new();
    let mut compare = |name: &str, value: &dyn Fn(&Configurations, usize) -> f64| {
        let of = |set: &Configurations| -> Vec<f64> {
            (0..set.rows()).map(|row| value(set, row)).collect()
        };
        let KolmogorovTest { distance, p_value } = two_sample_test(&of(data), &of(sets.samples))?;
        tests.push(Test {
            name: name.to_owned(),
            statistic: distance,
            p_value,
        });
        Ok::<(), StageError>(())
    };
    if let Some(system) = sets.system {
        compare("energy", &|set, row| system.energy(set, row))?;
        for (index, name) in system.order_parameters().iter().enumerate() {
            compare(name, &|set, row| system.order_values(set, row)[index])?;
        }
    } else if data.unit() == Unit::Spin {
        compare("active_count", &|set, row| match set {
            Configurations::Spins(bits) => bits.count_ones(row) as f64,
            Configurations::Directors(_) => 0.0,
        })?;
    }
    Ok(tests)
}

/// Pairs of different sites, all of them if they are few.
fn pairs(sites: usize, generator: &mut Generator) -> Vec<[usize; 2]> {
    let all = || (0..sites).flat_map(|i| (0..i).map(move |j| [i, j]));
    if sites * (sites - 1) / 2 <= PAIRS {
        return all().collect();
    }
    let mut site = || ((uniform(generator) * sites as f64) as usize).min(sites - 1);
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < PAIRS {
        let (i, j) = (site(), site());
        if i != j {
            chosen.insert([i.max(j), i.min(j)]);
        }
    }
    chosen.into_iter().collect()
}

/// Compares `<y_i · y_j>` of the pairs.
fn compare_pairs(sets: &SampleSets<'_>, pairs: &[[usize; 2]]) -> Result<MeansTest, StageError> {
    let moments = |set: &Configurations| {
        let mut moments = Moments::new(pairs.len());
        let mut products = vec![0.0; pairs.len()];
        for row in 0..set.rows() {
            for (product, &[i, j]) in products.iter_mut().zip(pairs) {
                *product = alignment(set, row, i, j);
            }
            moments.add(&products);
        }
        moments
    };
    Ok(means_test(&moments(sets.data), &moments(sets.samples))?)
}

/// `y_i · y_j` of one configuration.
fn alignment(set: &Configurations, row: usize, i: usize, j: usize) -> f64 {
    match set {
        Configurations::Spins(bits) if bits.get(row, i) == bits.get(row, j) => 1.0,
        Configurations::Spins(_) => -1.0,
        Configurations::Directors(directors) => {
            let width = set.unit().width();
            let features = directors.row(row);
            let site = |site: usize| &features[site * width..(site + 1) * width];
            let products = site(i).iter().zip(site(j));
            products.map(|(a, b)| f64::from(a * b)).sum()
        }
    }
}
