use std::ops::ControlFlow;

use super::*;
use crate::information::PartitionRule;
use crate::physics::{CurieWeiss, Ensemble};
use crate::random::stream;

mod curie_weiss;
mod directors;
mod generalised_hopfield;
mod hopfield;
mod ising;

fn halves(sites: usize) -> Partition {
    cut(&PartitionRule::Halves, sites)
}

/// The first partition of a rule.
fn cut(rule: &PartitionRule, sites: usize) -> Partition {
    let mut generator = stream("partition", &["random"]);
    rule.partitions(sites, None, &mut generator)
        .unwrap()
        .remove(0)
}

/// The same with `A` and `B` exchanged.
fn exchanged(partition: &Partition) -> Partition {
    Partition::new("exchanged", partition.sites(), partition.second()).unwrap()
}

/// `ln Σ exp(x)`, with the largest taken out.
fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let peak = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if peak == f64::NEG_INFINITY {
        return peak;
    }
    peak + values.map(|x| (x - peak).exp()).sum::<f64>().ln()
}

/// An exact mutual information, which needs no samples.
fn information(model: &dyn ExactInformation, partition: &Partition) -> f64 {
    let found = model.mutual_information(partition, None).unwrap().unwrap();
    assert!(found.standard_error <= 0.0, "exact: {found:?}");
    found.nats
}

fn rate(model: &dyn ExactInformation) -> f64 {
    model.field_rate(None).unwrap().unwrap().nats
}

/// Equilibrium samples by the automatic method.
fn ensemble(model: &dyn System, samples: usize) -> Ensemble {
    let streams = |name: &str| stream("samples", &[name]);
    let proceed = |_| ControlFlow::Continue(());
    model
        .sample(model.automatic(), samples, &streams, &proceed)
        .unwrap()
}

fn sampled(ensemble: &Ensemble) -> EquilibriumSamples<'_> {
    EquilibriumSamples {
        configurations: &ensemble.samples,
        effective: ensemble.effective_samples,
        log_partition: None,
    }
}

#[test]
fn a_control_of_known_mean_takes_out_what_it_explains() {
    let ensemble = ensemble(&CurieWeiss::new(4, 2.0, 0.0).unwrap(), 2000);
    let samples = sampled(&ensemble);
    let mut generator = stream("control", &[]);
    let control: Vec<f64> = (0..2000)
        .map(|_| crate::random::uniform(&mut generator))
        .collect();
    let mut values: Vec<f64> = control.iter().map(|x| 3.0 - 2.0 * x).collect();
    remove_control(&mut values, &control, 0.5);
    let (mean, error) = samples.mean(&values);
    // All is explained: what is left is rounding.
    assert!(
        (mean - 2.0).abs() < 1e-12 && error < 1e-12,
        "{mean} {error}"
    );
}

#[test]
fn samples_and_partitions_of_another_model_are_refused() {
    let model = CurieWeiss::new(10, 1.0, 0.0).unwrap();
    let other = model.mutual_information(&halves(8), None).unwrap_err();
    assert!(
        other.to_string().contains("of 8 sites for a model of 10"),
        "{other}"
    );
    let planar = crate::physics::PlanarNematic::new(10, 0.6).unwrap();
    let spins = ensemble(&model, 20);
    let error = |samples| {
        planar
            .mutual_information(&halves(10), Some(&samples))
            .unwrap_err()
    };
    let unit = error(sampled(&spins));
    assert!(
        unit.to_string().contains("20 samples of 10 sites (spin)"),
        "{unit}"
    );
    let directors = ensemble(&planar, 20);
    let none = error(EquilibriumSamples {
        effective: 0.0,
        ..sampled(&directors)
    });
    assert!(
        none.to_string()
            .contains("effective number of samples of 0"),
        "{none}"
    );
}
