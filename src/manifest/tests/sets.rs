//! `--set`: types, lists as axes, and which of several wins.

use super::*;

/// Paths and values of the axes.
fn axes(text: &str, sets: &[&str]) -> Vec<(String, Vec<String>)> {
    let manifest = good(&with_sets(text, sets));
    let axis = |axis: Axis| {
        let values = axis.values.iter().map(ToString::to_string).collect();
        (axis.path, values)
    };
    manifest.axes.into_iter().map(axis).collect()
}

#[track_caller]
fn one_axis(text: &str, set: &str, path: &str, values: &[&str]) {
    let expected = (
        path.to_owned(),
        values.iter().map(ToString::to_string).collect(),
    );
    assert_eq!(axes(text, &[set]), [expected], "{set}");
}

#[test]
fn a_list_for_a_key_that_takes_none_is_an_axis() {
    let path = "model.temperature";
    one_axis(MODEL, "model.temperature=[0.4, 0.5]", path, &["0.4", "0.5"]);
    one_axis(MODEL, "model.temperature=[0.4]", path, &["0.4"]);
    let range = "model.temperature={ start = 1, stop = 2, step = 0.5 }";
    one_axis(MODEL, range, path, &["1", "1.5", "2"]);
    let words = "vae.activation=[\"tanh\", \"relu\"]";
    one_axis(MODEL, words, "vae.activation", &["tanh", "relu"]);
    // The same as the long form.
    let long = with_sets(MODEL, &["sweep.model.temperature=[0.4, 0.5]"]);
    let short = with_sets(MODEL, &["model.temperature=[0.4, 0.5]"]);
    assert_eq!(good(&long).points, good(&short).points);
}

#[test]
fn a_key_that_takes_a_list_takes_one_and_a_list_of_lists_is_an_axis() {
    assert!(axes(MODEL, &["vae.hidden=[8, 8]"]).is_empty());
    assert!(axes(MODEL, &["vae.hidden=[]"]).is_empty());
    let hidden = good(&with_sets(MODEL, &["vae.hidden=[8, 9]"])).points[0].clone();
    assert_eq!(hidden.vae.hidden, [8, 9]);
    one_axis(
        MODEL,
        "vae.hidden=[[8], [8, 9]]",
        "vae.hidden",
        &["8", "8x9"],
    );
    let path = "vae.encoder_hidden";
    one_axis(MODEL, "vae.encoder_hidden=[[8], []]", path, &["8", ""]);

    // Patterns are a number, signs in two levels, or a file.
    assert!(axes(MODEL, &["model.patterns=[[1, 1, 1, -1, -1, -1]]"]).is_empty());
    one_axis(
        MODEL,
        "model.patterns=[1, 3]",
        "model.patterns",
        &["1", "3"],
    );
    let mixed = "model.patterns=[1, [[1, 1, 1, -1, -1, -1]]]";
    one_axis(MODEL, mixed, "model.patterns", &["1", "1x1x1x-1x-1x-1"]);

    assert!(axes(RECORDING, &["recording.sites=[3, 1]"]).is_empty());
    let drawn = "recording.sites=[\"first:2\", \"random:3\"]";
    one_axis(
        RECORDING,
        drawn,
        "recording.sites",
        &["first:2", "random:3"],
    );
    assert!(axes(RECORDING, &["recording.axes=[\"cell\", \"bin\"]"]).is_empty());
}

#[test]
fn the_catalogue_knows_every_key_that_takes_a_list() {
    // A key takes a list if the manual says that it is an array, and no other does.
    let manual = include_str!("../../../docs/manifest.md");
    let mut table = "";
    let mut arrays = Vec::new();
    for line in manual.lines() {
        if let Some(title) = line.strip_prefix("## `[") {
            table = title.trim_end_matches("]`");
        }
        let mut cells = line.split('|').map(str::trim).skip(1);
        if let (Some(key), Some(kind)) = (cells.next(), cells.next())
            && kind.contains("array")
            && table != "sweep"
        {
            arrays.push(format!("{table}.{}", key.trim_matches('`')));
        }
    }
    arrays.retain(|path| catalogue::sweepable_paths().contains(path));
    arrays.sort();
    let known = catalogue::sweepable_paths().into_iter();
    let mut known: Vec<String> = known
        .filter(|it| catalogue::list_form(it).is_some())
        .collect();
    known.sort();
    assert_eq!(known, arrays);
}

#[test]
fn a_wrong_type_names_the_text_and_what_was_expected() {
    for (set, key, expected) in [
        ("vae.latent=two", "vae.latent", "an integer from 1 to 64"),
        (
            "vae.hidden=64",
            "vae.hidden",
            "an array of at most 32 integers",
        ),
        (
            "vae.hidden=[64, \"a\"]",
            "vae.hidden[1]",
            "an integer from 1 to 4096",
        ),
        (
            "model.temperature=warm",
            "model.temperature",
            "a finite number above 0",
        ),
        (
            "model.temperature=[1, \"warm\"]",
            "model.temperature",
            "a finite number above 0",
        ),
        (
            "vae.training.fresh_samples=1",
            "vae.training.fresh_samples",
            "true or false",
        ),
        (
            "experiment.seed=[1, 2]",
            "experiment.seed",
            "an integer, at least 0",
        ),
        ("analysis=3", "analysis", "a table"),
    ] {
        let problem = only(&with_sets(MODEL, &[set]));
        assert_eq!(problem.origin, Origin::Set(set.to_owned()));
        assert_eq!((&*problem.key, &*problem.expected), (key, expected));
    }
}

#[test]
fn the_last_set_of_a_key_wins_be_it_an_axis_or_not() {
    let scalar = "model.temperature=0.7";
    let list = "model.temperature=[0.4, 0.5]";
    assert_eq!(axes(MODEL, &[scalar, list])[0].1, ["0.4", "0.5"]);
    assert!(axes(MODEL, &[list, scalar]).is_empty());
    // Over a sweep of the manifest a single value stays a problem, and the way out works.
    let swept = format!("{MODEL}[sweep]\nmodel.temperature = [1, 2]\n");
    assert_eq!(axes(&swept, &[list])[0].1, ["0.4", "0.5"]);
    let problem = only(&with_sets(&swept, &[list, scalar]));
    assert_eq!(problem.code, "manifest::swept_key_set");
    let help = problem.help.unwrap();
    assert!(help.contains("--set model.temperature=[0.7]"), "{help}");
    assert_eq!(axes(&swept, &["model.temperature=[0.7]"])[0].1, ["0.7"]);
}

#[test]
fn several_lists_are_crossed_in_the_order_given() {
    let sets = ["vae.latent=[1, 2]", "model.temperature=[3, 4]"];
    let found: Vec<String> = good(&with_sets(MODEL, &sets))
        .points
        .iter()
        .map(|point| format!("{} {}", point.coordinates[0].1, point.coordinates[1].1))
        .collect();
    assert_eq!(found, ["1 3", "1 4", "2 3", "2 4"]);
}

#[test]
fn an_axis_that_a_union_has_is_not_set_beside_it() {
    let text = format!("{MODEL}[[sweep.union]]\nvae.latent = [1, 2]\n");
    let problem = only(&with_sets(&text, &["vae.latent=[4, 5]"]));
    assert_eq!(problem.code, "manifest::conflict");
    assert!(
        problem.expected.contains("sweep.union[0].vae.latent"),
        "{problem}"
    );
    // Every point takes its value from the union: a single value would be of no effect.
    let problem = only(&with_sets(&text, &["vae.latent=4"]));
    assert_eq!(problem.code, "manifest::swept_key_set");
    // Here it is the value of the points of the other member.
    let text = format!("{text}[[sweep.union]]\nmodel.temperature = [2]\n");
    let manifest = good(&with_sets(&text, &["vae.latent=4"]));
    let latents: Vec<usize> = manifest
        .points
        .iter()
        .map(|point| point.vae.latent)
        .collect();
    assert_eq!(latents, [1, 2, 4]);
}

#[test]
fn a_list_from_the_environment_is_a_value() {
    let mut sources = sources(MODEL);
    let name = "LATENTFIELD_MODEL__TEMPERATURE".to_owned();
    sources.environment = vec![(name.clone(), "[0.4, 0.5]".to_owned())];
    let problem = only(&sources);
    assert_eq!(problem.origin, Origin::Environment(name));
    assert_eq!(problem.code, "manifest::wrong_type");
}

#[test]
fn what_a_file_says_of_itself_is_not_set_from_outside() {
    for set in ["extend=base.toml", "required-version=>=0.1"] {
        let problem = only(&with_sets(MODEL, &[set]));
        assert_eq!(problem.expected, "it in a manifest only", "{set}");
    }
}
