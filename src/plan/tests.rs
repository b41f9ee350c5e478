//! Sharing, names and drawings of small plans, counted by hand.

mod keys;
mod selectors;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::manifest::Point;

use super::world::{Toy, definitions, figure, points, toys};
use super::*;

fn plan_of(points: &[Point], toys: &[Toy]) -> Plan {
    build(points, &definitions(toys), &[figure()]).unwrap()
}

/// Two temperatures, two latents, one replicate.
fn four_points() -> Plan {
    plan_of(&points(&[0.4, 0.5], &[2, 3], 1), &toys())
}

fn labels(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.label.as_str()).collect()
}

#[test]
fn points_share_what_they_agree_on_and_tasks_come_after_their_needs() {
    let plan = four_points();
    assert_eq!(
        labels(&plan),
        [
            "sample[temperature=0.4]",
            "train[temperature=0.4, latent=2]",
            "likelihood[temperature=0.4, latent=2]",
            "train[temperature=0.4, latent=3]",
            "likelihood[temperature=0.4, latent=3]",
            "sample[temperature=0.5]",
            "train[temperature=0.5, latent=2]",
            "likelihood[temperature=0.5, latent=2]",
            "train[temperature=0.5, latent=3]",
            "likelihood[temperature=0.5, latent=3]",
            "table[name=likelihood]",
            "figure[name=gap]",
        ]
    );
    assert_eq!(plan.tasks[0].points, [0, 1]);
    for task in &plan.tasks {
        assert_eq!(task.key, task.key_parts().key());
        assert!(task.needs.iter().all(|input| input.task < task.id));
        for input in &task.needs {
            let key = &plan.tasks[input.task].key;
            assert_eq!(task.key_parts().needs.get(&input.role), Some(key));
        }
    }
    assert_eq!(plan.dependants()[0], [1, 2, 3, 4]);
}

#[test]
fn the_replicate_is_named_if_there_are_several() {
    let plan = plan_of(&points(&[1.0], &[2], 2), &toys());
    assert_eq!(
        plan.tasks[3].label,
        "sample[temperature=1, latent=2, replicate=1]"
    );
}

#[test]
fn a_table_knows_the_rows_of_each_point() {
    let plan = four_points();
    let table = &plan.tasks[10];
    let parameters: TableParameters = serde_json::from_value(table.parameters()).unwrap();
    assert_eq!(parameters.table, "likelihood");
    assert_eq!(parameters.rows.len(), 4);
    let row = &parameters.rows[2];
    assert_eq!((row.point, row.replicate, row.seed), (2, 0, 7));
    assert_eq!(
        row.coordinates,
        [
            ("temperature".to_owned(), json!(0.5)),
            ("latent".to_owned(), json!(2))
        ]
    );
    let source = table
        .needs
        .iter()
        .find(|input| input.role == row.source)
        .unwrap();
    assert_eq!(
        plan.tasks[source.task].label,
        "likelihood[temperature=0.5, latent=2]"
    );
}

#[test]
fn points_that_share_a_fragment_each_have_their_row() {
    let mut toys = toys();
    toys[0] = toys[0].clone().with_tables(&["thermodynamics"]);
    let plan = plan_of(&points(&[0.4], &[2, 3, 4], 1), &toys);
    let table = plan
        .tasks
        .iter()
        .find(|t| t.label == "table[name=thermodynamics]")
        .unwrap();
    let parameters: TableParameters = serde_json::from_value(table.parameters()).unwrap();
    assert_eq!(table.needs.len(), 1);
    assert_eq!(parameters.rows.len(), 3);
}

#[test]
fn a_figure_without_its_table_and_a_table_without_rows_are_left_out() {
    let mut toys = toys();
    toys[2] = Toy::new("likelihood", |_| None).with_tables(&["likelihood"]);
    let plan = plan_of(&points(&[0.4], &[2], 1), &toys);
    assert_eq!(plan.tasks.len(), 2);
}

#[test]
fn a_need_that_is_not_asked_for_is_an_error_with_both_names() {
    let points = points(&[0.4], &[2], 1);
    let mut toys = toys();
    toys.swap(0, 1);
    let error = build(&points, &definitions(&toys), &[]).unwrap_err();
    assert_eq!(
        error,
        PlanError::NeedNotRequested {
            stage: "train".to_owned(),
            need: "sample".to_owned(),
            point: 0,
            known: String::new(),
        }
    );
}

#[test]
fn names_must_differ() {
    let points = points(&[0.4], &[2], 1);
    let mut twice = toys();
    twice.push(twice[0].clone());
    assert!(matches!(
        build(&points, &definitions(&twice), &[]),
        Err(PlanError::DuplicateStage { stage }) if stage == "sample"
    ));
    let toys = toys();
    assert!(matches!(
        build(&points, &definitions(&toys), &[figure(), figure()]),
        Err(PlanError::DuplicateFigure { figure }) if figure == "gap"
    ));
    assert!(matches!(
        build(&points, &definitions(&toys[..3]), &[]),
        Err(PlanError::NoGatherer { stage: TABLE_STAGE })
    ));
    let two_roles = Toy::new("train", |_| {
        Some(
            Request::new(json!({}))
                .needing("x", "sample")
                .needing("x", "sample"),
        )
    });
    let stages = [toys[0].clone(), two_roles];
    assert!(matches!(
        build(&points, &definitions(&stages), &[]),
        Err(PlanError::DuplicateRole { role, .. }) if role == "x"
    ));
}

#[test]
fn the_graph_has_a_box_a_task_and_an_arrow_an_input() {
    let plan = four_points();
    let dot = plan.to_dot();
    assert_eq!(
        dot.matches("[label = ").count() - dot.matches(" -> ").count(),
        12
    );
    // 4 of train, 8 of likelihood, 4 of the table, 1 of the figure.
    assert_eq!(dot.matches(" -> ").count(), 17);
    assert!(dot.contains("t0 -> t1 [label = \"samples\"];"));
}

#[test]
fn a_plan_has_a_json_form() {
    let value = serde_json::to_value(four_points()).unwrap();
    assert_eq!(value["tasks"].as_array().unwrap().len(), 12);
    assert_eq!(
        value["tasks"][1]["needs"],
        json!([{"role": "samples", "task": 0}])
    );
    assert_eq!(
        value["points"][3]["coordinates"][0],
        json!(["temperature", "0.5"])
    );
}

proptest! {
    /// Which point of a sweep stands where decides no key but those of what gathers.
    #[test]
    fn adding_and_removing_points_touches_no_other_key(
        all in prop::sample::subsequence((1..40i64).collect::<Vec<_>>(), 1..12).prop_shuffle(),
        latents in prop::sample::subsequence(vec![2, 3, 4], 1..=3),
        new in 40..60i64,
        place in any::<prop::sample::Index>(),
    ) {
        let temperatures = |tenths: &[i64]| -> Vec<f64> {
            tenths.iter().map(|&tenth| tenth as f64 / 10.0).collect()
        };
        let mut more = all.clone();
        more.insert(place.index(all.len() + 1), new);
        let toys = toys();
        let keys = |tenths: &[i64]| {
            let plan = plan_of(&points(&temperatures(tenths), &latents, 2), &toys);
            let own = plan.tasks.iter().filter(|task| !task.points.is_empty());
            own.map(|task| (task.label.clone(), task.key.clone())).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (keys(&all), keys(&more));
        let coordinate = format!("temperature={}", new as f64 / 10.0);
        let added = after.keys().filter(|label| !before.contains_key(*label));
        // Two replicates of a sample; a training and a likelihood for each latent.
        let own = |label: &&String| label.contains(&coordinate);
        prop_assert_eq!(after.keys().filter(own).count(), 2 * (1 + 2 * latents.len()));
        if all.len() > 1 {
            prop_assert!(added.into_iter().all(|label| label.contains(&coordinate)));
            for (label, key) in &before {
                prop_assert_eq!(after.get(label), Some(key));
            }
        } else {
            // Alone, a point is not named by its temperature; its keys are the same.
            let known: BTreeSet<_> = after.values().collect();
            prop_assert!(before.values().all(|key| known.contains(key)));
        }
    }
}
