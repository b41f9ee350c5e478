//! What decides a key, and what does not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::world::{Toy, definitions, figure, points, toys};
use super::super::*;
use super::{four_points, plan_of};
use crate::manifest::Point;

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
