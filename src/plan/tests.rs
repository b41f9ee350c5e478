//! Sharing, keys, names and selectors, on small plans counted by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

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

fn code(parts: &[(&str, &str)]) -> CodeDigests {
    let parts = parts.iter();
    let parts = parts.map(|&(module, digest)| (module.to_owned(), digest.to_owned()));
    CodeDigests::from(parts.collect::<BTreeMap<String, String>>())
}

fn parts() -> KeyParts {
    let key = |digit: &str| Key::parse(&digit.repeat(64)).unwrap();
    KeyParts {
        format: FORMAT,
        stage: "train".to_owned(),
        stage_version: 1,
        code: code(&[("bits", "aa"), ("vae", "bb")]),
        parameters: json!({"latent": 2, "rate": 0.5}),
        needs: [("a".to_owned(), key("1")), ("b".to_owned(), key("2"))].into(),
    }
}

/// Changes one part, and names what it changed.
type Change = (&'static str, fn(&mut KeyParts));

#[test]
fn every_part_of_a_key_decides_it() {
    // Without `..`: a new part does not compile here until it has its line below.
    let KeyParts {
        format: _,
        stage: _,
        stage_version: _,
        code: _,
        parameters: _,
        needs: _,
    } = parts();
    let changes: [Change; 13] = [
        ("format", |p| p.format += 1),
        ("stage", |p| p.stage = "trains".to_owned()),
        ("version", |p| p.stage_version = 2),
        ("code", |p| p.code = code(&[("bits", "aa"), ("vae", "cc")])),
        ("code of another module", |p| {
            p.code = code(&[("bits", "aa"), ("plots", "bb")]);
        }),
        ("swapped code", |p| {
            p.code = code(&[("bits", "bb"), ("vae", "aa")]);
        }),
        ("no code", |p| p.code = code(&[])),
        ("value", |p| p.parameters["latent"] = json!(3)),
        ("type", |p| p.parameters["latent"] = json!("2")),
        ("more", |p| p.parameters["new"] = Value::Null),
        ("small", |p| {
            p.parameters["rate"] = json!(0.5 + f64::EPSILON);
        }),
        ("role", |p| {
            let key = p.needs.remove("a").unwrap();
            p.needs.insert("c".to_owned(), key);
        }),
        ("swapped roles", |p| {
            let (a, b) = (p.needs["a"].clone(), p.needs["b"].clone());
            p.needs = [("a".to_owned(), b), ("b".to_owned(), a)].into();
        }),
    ];
    let mut keys = vec![("nothing", parts().key())];
    for (what, change) in changes {
        let mut changed = parts();
        change(&mut changed);
        assert!(!differences(&parts(), &changed).is_empty(), "{what}");
        keys.push((what, changed.key()));
    }
    for (i, (what, key)) in keys.iter().enumerate() {
        for (other, other_key) in &keys[..i] {
            assert_ne!(key, other_key, "{what} and {other}");
        }
    }
}

/// Texts that would run into each other if parts were joined without a frame.
fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[ab,:\"\\\\\\[{1.]{0,3}", Just("a,b".to_owned())]
}

/// Small values that look alike: `1`, `1.0`, `"1"`, `["a,b"]`, `["a", "b"]`, …
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..2_i64).prop_map(Value::from),
        (0..2_u8).prop_map(|x| Value::from(f64::from(x))),
        (0..2_u8).prop_map(|x| Value::from(x.to_string())),
        word().prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 6, 3, |inner| {
        let members = proptest::collection::btree_map(word(), inner.clone(), 0..3);
        prop_oneof![
            proptest::collection::vec(inner, 0..3).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_parts() -> impl Strategy<Value = KeyParts> {
    let keys = proptest::collection::btree_map(word(), 0..2_u8, 0..3);
    let code = proptest::collection::btree_map(word(), word(), 0..3);
    let stage = (word(), 1..3_u32);
    (stage, code, value(), keys).prop_map(|((stage, stage_version), code, parameters, keys)| {
        let key = |digit: u8| Key::parse(&digit.to_string().repeat(64)).unwrap();
        KeyParts {
            format: FORMAT,
            stage,
            stage_version,
            code: code.into(),
            parameters,
            needs: keys.into_iter().map(|(role, k)| (role, key(k))).collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Equality of the parts is that of `serde_json`, which knows nothing of keys.
    #[test]
    fn two_keys_agree_if_and_only_if_all_parts_do(a in any_parts(), b in any_parts()) {
        let same_but_parameters = |parameters: &Value| KeyParts {
            parameters: parameters.clone(),
            ..a.clone()
        };
        let close = same_but_parameters(&b.parameters);
        for (x, y) in [(&a, &b), (&a, &close), (&close, &b)] {
            prop_assert_eq!(x == y, x.key() == y.key(), "{:?}\n{:?}", x, y);
            prop_assert_eq!(x == y, differences(x, y).is_empty(), "{:?}\n{:?}", x, y);
        }
    }

    /// What the roles exchange is exchanged in the key as well.
    #[test]
    fn exchanged_roles_are_another_key(parts in any_parts(), a in 0..2_u8, b in 0..2_u8) {
        let key = |digit: u8| Key::parse(&digit.to_string().repeat(64)).unwrap();
        let mut parts = parts;
        parts.needs = [("a".to_owned(), key(a)), ("b".to_owned(), key(b))].into();
        let mut exchanged = parts.clone();
        exchanged.needs = [("a".to_owned(), key(b)), ("b".to_owned(), key(a))].into();
        prop_assert_eq!(a == b, parts.key() == exchanged.key());
    }
}

#[test]
fn values_that_look_alike_are_told_apart() {
    let alike = [
        json!(1),
        json!(1.0),
        json!("1"),
        json!([1]),
        json!({"1": null}),
        json!(["a,b"]),
        json!(["a", "b"]),
        json!(["a\",\"b"]),
        json!([["a"], "b"]),
        json!([]),
        json!({}),
        json!(""),
        json!(null),
        json!("null"),
        json!(false),
    ];
    let keys: Vec<Key> = alike
        .iter()
        .map(|value| {
            let mut parts = parts();
            parts.parameters["latent"] = value.clone();
            parts.key()
        })
        .collect();
    for (i, key) in keys.iter().enumerate() {
        assert!(!keys[..i].contains(key), "{}", alike[i]);
    }
}

/// A stage with code.
struct Coded(Toy, Code);

impl StageDefinition for Coded {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> u32 {
        self.0.version()
    }

    fn code(&self) -> Code {
        self.1
    }

    fn request(&self, point: &Point) -> Option<Request> {
        self.0.request(point)
    }

    fn tables(&self) -> &'static [&'static str] {
        self.0.tables()
    }
}

#[test]
fn changed_code_changes_the_keys_of_its_stage_and_of_all_that_follows() {
    let plan = |train: Code, by_version: bool| {
        let coded = toys().into_iter().map(|toy| {
            let code = if toy.name == "train" { train } else { &[] };
            Coded(toy, code)
        });
        let coded: Vec<Coded> = coded.collect();
        let known: Vec<&dyn StageDefinition> = coded.iter().map(|stage| stage as _).collect();
        let versions: Vec<ByVersion<'_>> = known.iter().map(|&stage| ByVersion(stage)).collect();
        let versions: Vec<&dyn StageDefinition> = versions.iter().map(|stage| stage as _).collect();
        let stages = if by_version { versions } else { known };
        build(&points(&[0.4, 0.5], &[2, 3], 1), &stages, &[figure()]).unwrap()
    };
    let (old, new) = (plan(&[("vae", "aa")], false), plan(&[("vae", "bb")], false));
    for (old, new) in old.tasks.iter().zip(&new.tasks) {
        assert_eq!(old.key == new.key, old.stage == "sample", "{}", old.label);
        // The same random numbers: what differs is the code's doing.
        if !old.points.is_empty() {
            assert_eq!(old.stream, new.stream, "{}", old.label);
        }
    }
    // By version alone, keys are those of stages without code.
    let none = plan(&[], false);
    let streams: BTreeSet<&str> = none.tasks.iter().map(|task| task.stream.as_str()).collect();
    assert_eq!(
        streams.len(),
        none.tasks.len(),
        "each task has streams of its own"
    );
    assert_eq!(plan(&[("vae", "bb")], true).tasks, none.tasks);
    assert_ne!(old.tasks, none.tasks);
}

#[test]
fn what_means_the_same_has_the_same_key() {
    let forms = [
        r#"{"latent": 2, "rate": 0.5, "zero": 0.0, "in": {"x": 1, "y": [1, 2]}}"#,
        r#"{"in": {"y": [1,2], "x": 1}, "zero": -0.0, "rate": 5e-1, "latent": 2}"#,
    ];
    let keys = forms.map(|form| {
        let mut same = parts();
        same.parameters = serde_json::from_str(form).unwrap();
        same.key()
    });
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn canonical_json_is_sorted_and_short() {
    let value = json!({"b": [1, 1.0, -0.0, 0.1, 1e300], "a": {"ü": "x\"y", "Z": null}});
    assert_eq!(
        canonical_json(&value),
        r#"{"a":{"Z":null,"ü":"x\"y"},"b":[1,1.0,0.0,0.1,1e+300]}"#
    );
}

#[test]
fn the_text_of_key_parts_is_their_canonical_json() {
    let mut odd = parts();
    odd.stage = "a \"quoted\" \\ name\n".to_owned();
    odd.parameters = json!({"ü\t": ["\u{1}", -0.0, 1e300], "a": {"\u{7f}/": false}});
    odd.needs.insert("ro\"le".to_owned(), parts().key());
    for parts in [parts(), odd] {
        let text = parts.text();
        let mut expected = json!(parts);
        if let Some(digest) = parts.code.digest() {
            // Of the code the text holds the digest over all modules alone.
            expected["code"] = json!(digest);
        }
        assert_eq!(text, canonical_json(&expected));
        assert_eq!(
            blake3::hash(text.as_bytes()).to_hex().as_str(),
            parts.key().as_str()
        );
    }
}

#[test]
fn a_key_is_64_lower_case_hexadecimal_digits_also_in_json() {
    let key = parts().key();
    let text = serde_json::to_string(&key).unwrap();
    assert_eq!(text, format!("\"{key}\""));
    assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), key);
    assert_eq!(key.short(), &key.as_str()[..8]);
    for wrong in [
        "",
        "0123",
        &"A".repeat(64),
        &"0".repeat(65),
        &"é".repeat(32),
    ] {
        assert_eq!(Key::parse(wrong), None);
        assert!(
            serde_json::from_value::<Key>(json!(wrong)).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn key_parts_survive_their_json() {
    let mut parts = parts();
    parts.parameters = json!({"x": 0.1 + 0.2, "y": 1.0, "big": u64::MAX});
    let text = serde_json::to_string(&parts).unwrap();
    let again: KeyParts = serde_json::from_str(&text).unwrap();
    assert_eq!(again.key(), parts.key());
}

#[test]
fn a_stage_version_changes_the_keys_of_all_that_follows_and_of_nothing_else() {
    let before = four_points();
    let mut toys = toys();
    toys[1].version = 2;
    let after = plan_of(&points(&[0.4, 0.5], &[2, 3], 1), &toys);
    for (old, new) in before.tasks.iter().zip(&after.tasks) {
        assert_eq!(old.key == new.key, old.stage == "sample", "{}", old.label);
    }
}

#[test]
fn places_are_handed_on_but_are_no_part_of_the_key() {
    let points = points(&[0.4], &[2], 1);
    let at = |path: &'static str| {
        let ask = move |_: &Point| {
            let request = Request::new(json!({"digest": "00"}));
            Some(request.with_places(json!({ "path": path })))
        };
        let toys = [Toy::new("recording", ask)];
        build(&points, &definitions(&toys), &[])
            .unwrap()
            .tasks
            .remove(0)
    };
    let (here, there) = (at("here"), at("there"));
    assert_eq!(here.key, there.key);
    assert_eq!(there.places, json!({"path": "there"}));
}

fn selected(text: &str) -> Result<Vec<String>, PlanError> {
    let plan = four_points();
    let tasks = select(&plan, &Selector::parse_list(text)?)?;
    Ok(tasks
        .into_iter()
        .map(|id| plan.tasks[id].label.clone())
        .collect())
}

#[test]
fn selectors_mean_tasks_by_stage_and_coordinate() {
    assert_eq!(selected("train").unwrap().len(), 4);
    assert_eq!(
        selected("train[ temperature = 0.40, latent=2 ]").unwrap(),
        ["train[temperature=0.4, latent=2]"]
    );
    assert_eq!(
        selected("[temperature=0.4]").unwrap().len(),
        5,
        "a table gathers all temperatures and does not match one"
    );
    assert_eq!(
        selected("sample[latent=3]").unwrap().len(),
        2,
        "a shared task matches by any of its points"
    );
    assert_eq!(
        selected("figure; table[name=likelihood]").unwrap(),
        ["table[name=likelihood]", "figure[name=gap]"]
    );
    assert_eq!(selected("[replicate=0]").unwrap().len(), 10);
}

#[test]
fn a_selector_that_means_nothing_says_what_it_could_mean() {
    let cases = [
        (
            "trian",
            "selector `trian` names stage `trian`, expected one of: sample, train, likelihood, table, figure; did you mean `train`",
        ),
        (
            "train[temprature=0.4]",
            "selector `train[temprature=0.4]` names coordinate `temprature`, expected one of: temperature, latent, replicate, name; did you mean `temperature`",
        ),
        (
            "train[temperature=0.6]",
            "selector `train[temperature=0.6]` matches no task, expected values such as: train[temperature=0.4, latent=2]; train[temperature=0.4, latent=3]; train[temperature=0.5, latent=2]",
        ),
        (
            "zzzz",
            "selector `zzzz` names stage `zzzz`, expected one of: sample, train, likelihood, table, figure",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(selected(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_selector_of_another_form_is_refused() {
    for text in [
        "",
        "train;",
        "train[",
        "train[x]",
        "x=1",
        "train]",
        "train[a=1] b",
    ] {
        let found = Selector::parse_list(text);
        assert!(
            matches!(found, Err(PlanError::SelectorSyntax { .. })),
            "{text}: {found:?}"
        );
    }
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
