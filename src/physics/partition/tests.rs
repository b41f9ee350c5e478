use super::*;
use crate::configurations::Configurations;
use crate::physics::{Spins, draw_correlated_patterns, draw_patterns, fields_along};
use crate::random::{Generator, stream};
use std::ops::ControlFlow;

fn named(name: &str) -> Generator {
    stream("partition tests", &[name])
}

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn model(count: usize, sites: usize, temperature: f64) -> Hopfield {
    Hopfield::new(
        draw_patterns(count, sites, &mut named("patterns")),
        temperature,
    )
    .unwrap()
}

fn assert_agrees(model: &Hopfield, found: LogPartition) {
    let exact = ExactSolution::new(&SiteClasses::new(model))
        .unwrap()
        .log_partition;
    let pull = (found.value - exact) / found.standard_error;
    let temperature = model.temperature();
    assert!(found.standard_error < 0.05, "T = {temperature}: {found:?}");
    assert!(
        pull.abs() < 4.0,
        "T = {temperature}: {found:?}, exact {exact}, pull {pull}"
    );
}

#[test]
fn the_estimate_agrees_with_the_sum_over_classes() {
    for (count, sites, temperature) in [
        (3, 100, 0.4),
        (3, 100, 0.8),
        (3, 100, 1.0),
        (3, 100, 1.5),
        (2, 300, 0.5),
    ] {
        let model = model(count, sites, temperature);
        let field = SpinField::new(&model);
        let found = estimate_log_partition(&field, model.beta(), &named, &go_on).unwrap();
        assert_agrees(&model, found);
    }
}

#[test]
fn the_estimate_agrees_at_full_load_with_correlated_patterns_and_in_fields() {
    // As many patterns as sites: two states a class, 2^18 in all at most.
    let loaded = model(18, 18, 0.6);
    let correlated = draw_correlated_patterns(4, 60, 0.3, &mut named("correlated")).unwrap();
    let fields = fields_along(&correlated, 2, 0.1);
    let correlated = Hopfield::with_fields(correlated, fields, 0.5).unwrap();
    for model in [loaded, correlated] {
        let field = SpinField::new(&model);
        let found = estimate_log_partition(&field, model.beta(), &named, &go_on).unwrap();
        assert_agrees(&model, found);
    }
}

/// The same spins without their jump: replica exchange has to do all the work.
struct WithoutJumps(SpinField);

impl MeanField for WithoutJumps {
    type Sites = Spins;
    type Record = Vec<u64>;

    fn sites(&self) -> usize {
        self.0.sites()
    }

    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn log_measure(&self) -> f64 {
        self.0.log_measure()
    }

    fn ordering_beta(&self) -> f64 {
        self.0.ordering_beta()
    }

    fn blank(&self) -> Spins {
        self.0.blank()
    }

    fn draw_sites(
        &self,
        beta: f64,
        field: &[f32],
        sites: &mut Spins,
        total: &mut [f64],
        generator: &mut Generator,
    ) {
        self.0.draw_sites(beta, field, sites, total, generator);
    }

    fn record(&self, sites: &Spins) -> Vec<u64> {
        self.0.record(sites)
    }

    fn collect(&self, records: Vec<Vec<u64>>) -> Configurations {
        self.0.collect(records)
    }
}

#[test]
fn replica_exchange_without_jumps_gives_the_same_log_partition() {
    let model = model(3, 60, 0.6);
    let field = WithoutJumps(SpinField::new(&model));
    let found = estimate_log_partition(&field, model.beta(), &named, &go_on).unwrap();
    assert_agrees(&model, found);
}

#[test]
fn classes_are_preferred_where_they_are_affordable() {
    let found = log_partition(&model(3, 100, 0.5), &named, &go_on).unwrap();
    assert_eq!(found.method, LogPartitionMethod::SiteClasses);
    assert!(found.standard_error == 0.0);
}

#[test]
fn one_free_spin_needs_no_luck() {
    // N = P = 1: the energy is -1/2 always, so ln Z = ln 2 + β/2 without error.
    let model = model(1, 1, 0.5);
    let field = SpinField::new(&model);
    let found = estimate_log_partition(&field, model.beta(), &named, &go_on).unwrap();
    assert!(
        (found.value - (2.0_f64.ln() + 1.0)).abs() < 1e-9,
        "{found:?}"
    );
    assert!(found.standard_error < 1e-9, "{found:?}");
}

#[test]
fn a_break_ends_the_estimate() {
    let stop = |_: f64| ControlFlow::Break(());
    let error = log_partition(&model(8, 300, 0.6), &named, &stop).unwrap_err();
    assert_eq!(error, PhysicsError::Cancelled);
}

#[test]
fn the_root_is_found_where_newton_alone_would_leave_the_interval() {
    // A logistic step far from the middle: Newton from there overshoots.
    let steep = |x: f64| Balance {
        excess: 0.5 - 1.0 / (1.0 + (-8.0 * (x - 9.7)).exp()),
        slope: (8.0 * (-8.0 * (x - 9.7)).exp() / (1.0 + (-8.0 * (x - 9.7)).exp()).powi(2))
            .max(1e-300),
    };
    let root = falling_root(steep, 0.0, 10.0);
    assert!((root - 9.7).abs() < 1e-9, "{root}");
}
