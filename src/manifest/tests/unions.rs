//! Unions of grids and conditional axes.

use std::time::{Duration, Instant};

use super::grids::{assert_round_trip, rows, swept};
use super::*;

const UNION: &str = "model.temperature = [1, 2]\n\
                     [[sweep.union]]\nvae.latent = [4, 5]\n\
                     [[sweep.union]]\nvae.hidden = [[8], [9]]\nvae.latent = [6, 7]\n\
                     zip = [[\"vae.hidden\", \"vae.latent\"]]\n";

#[test]
fn members_come_one_after_the_other_within_each_outer_combination() {
    let expected = [
        "1 4 64x64",
        "1 5 64x64",
        "1 6 8",
        "1 7 9",
        "2 4 64x64",
        "2 5 64x64",
        "2 6 8",
        "2 7 9",
    ];
    assert_eq!(rows(&swept(UNION)), expected);
    let manifest = good(&swept(UNION));
    let names: Vec<&str> = manifest.axes.iter().map(|axis| &*axis.name).collect();
    assert_eq!(names, ["temperature", "latent", "hidden"]);
    let hidden: Vec<String> = manifest.axes[2]
        .values
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hidden, ["8", "9", "64x64"], "the default comes last");
    assert_eq!(
        manifest.points[2].vae.encoder_hidden,
        [8],
        "follows `hidden`"
    );
    assert_round_trip(&swept(UNION));
}

#[test]
fn an_axis_that_a_member_lacks_has_the_value_of_its_own_table() {
    // `latent = 3` stands in [vae]; the second member has it as a value too: one point.
    let union = "[[sweep.union]]\nmodel.temperature = [1, 2]\n\
                 [[sweep.union]]\nmodel.temperature = [2, 3]\nvae.latent = [3, 4]\n";
    assert_eq!(rows(&swept(union)), ["1 3", "2 3", "2 4", "3 3", "3 4"]);
    assert_round_trip(&swept(union));
    // A default equals a value of the sweep: 30 epochs.
    let union = "[[sweep.union]]\nvae.latent = [1]\n\
                 [[sweep.union]]\nvae.training.epochs = [30, 31]\nvae.latent = [1]\n";
    assert_eq!(rows(&swept(union)), ["1 30", "1 31"]);
    assert_round_trip(&swept(union));
}

#[test]
fn kinds_of_models_are_swept_with_keys_of_their_own() {
    let text = "[experiment]\nname = \"kinds\"\n[model]\ntemperature = 0.9\nsites = 6\n\
                [[sweep.union]]\nmodel.kind = [\"hopfield\"]\nmodel.patterns = [1, 2]\n\
                [[sweep.union]]\nmodel.kind = [\"curie_weiss\"]\nmodel.field = [0.5]\n";
    let expected = ["hopfield 1 0", "hopfield 2 0", "curie_weiss none 0.5"];
    assert_eq!(rows(&sources(text)), expected);
    assert_round_trip(&sources(text));
    let patterns = &good(&sources(text)).axes[1].values;
    let expected = [Scalar::Number(1.0), Scalar::Number(2.0), Scalar::Missing];
    assert_eq!(
        *patterns, expected,
        "a column of numbers, where one is missing"
    );
    // What a member needs and nobody gives is told.
    let text = text.replace("model.patterns = [1, 2]\n", "").replace(
        "model.field = [0.5]",
        "model.field = [0.5]\n[[sweep.union]]\n\
                  model.kind = [\"hopfield\"]\nmodel.patterns = [2]",
    );
    let problem = only(&sources(&text));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::missing_key", "model.patterns")
    );
}

#[test]
fn an_axis_exists_where_its_condition_holds() {
    let sweep = "vae.prior = [\"normal\", \"mixture\"]\nvae.latent = [1, 2]\n\
                 when = [{ if = { \"vae.prior\" = \"mixture\" }, \"vae.components\" = [2, 4] }]\n";
    let problem = only(&swept(sweep));
    assert_eq!(
        problem.code, "manifest::not_sweepable",
        "axes are nested: {problem}"
    );
    let sweep = sweep.replace("\"vae.components\"", "vae.components");
    let expected = [
        "normal 1 none",
        "normal 2 none",
        "mixture 1 2",
        "mixture 1 4",
        "mixture 2 2",
        "mixture 2 4",
    ];
    assert_eq!(rows(&swept(&sweep)), expected);
    assert_round_trip(&swept(&sweep));
    let columns: Vec<Scalar> = good(&swept(&sweep)).axes[2].values.clone();
    assert_eq!(
        columns,
        [Scalar::Number(2.0), Scalar::Number(4.0), Scalar::Missing]
    );
}

#[test]
fn conditions_name_fixed_keys_and_several_values() {
    let sweep = |value: &str| {
        swept(&format!(
            "vae.latent = [1, 2, 4]\n[[sweep.when]]\n\
             if = {{ \"vae.latent\" = [1, 4], \"model.kind\" = \"{value}\" }}\n\
             vae.training.epochs = [7, 8]\n"
        ))
    };
    assert_eq!(
        rows(&sweep("hopfield")),
        ["1 7", "1 8", "2 30", "4 7", "4 8"]
    );
    assert_eq!(rows(&sweep("curie_weiss")), ["1 30", "2 30", "4 30"]);
    assert_round_trip(&sweep("hopfield"));
    assert_round_trip(&sweep("curie_weiss"));
    // A rule may rest on the axes of a rule before it.
    let chained = "vae.decoder = [\"mlp\", \"bottleneck\"]\n\
                   [[sweep.when]]\nif = { \"vae.decoder\" = \"bottleneck\" }\nvae.fields = [1, 5]\n\
                   [[sweep.when]]\nif = { \"vae.fields\" = 5 }\nvae.latent = [3, 6]\n";
    let expected = [
        "mlp none 3",
        "bottleneck 1 3",
        "bottleneck 5 3",
        "bottleneck 5 6",
    ];
    assert_eq!(rows(&swept(chained)), expected);
    assert_round_trip(&swept(chained));
}

#[test]
fn unions_whens_and_exclusions_that_make_no_sense_are_refused() {
    let when = |condition: &str| {
        format!(
            "vae.latent = [1, 2]\n[[sweep.when]]\nif = {condition}\nvae.training.epochs = [7]\n"
        )
    };
    for (sweep, code) in [
        (
            when("{ \"vae.latent\" = 3 }").replace("latent = [1", "fields = [1"),
            "manifest::conflict",
        ),
        (when("{ \"vae.latent\" = 9 }"), "manifest::bad_when"),
        (when("{ \"vae.latnet\" = 1 }"), "manifest::bad_when"),
        (when("{ \"vae.batch\" = 1 }"), "manifest::bad_when"),
        (
            when("{ \"vae.training.patience\" = 0 }"),
            "manifest::bad_when",
        ),
        (
            when("{ \"model.sites\" = \"six\" }"),
            "manifest::wrong_type",
        ),
        (when("{}"), "manifest::wrong_type"),
        (when("3"), "manifest::wrong_type"),
        (when("{ \"vae.latent\" = [] }"), "manifest::wrong_type"),
        (
            "vae.latent = [1, 2]\n[[sweep.when]]\nvae.training.epochs = [7]\n".to_owned(),
            "manifest::missing_key",
        ),
        (
            format!("{}vae.latent = [3]\n", when("{ \"vae.latent\" = 1 }")),
            "manifest::conflict",
        ),
        (
            format!(
                "{0}[[sweep.when]]\nif = {{ \"vae.latent\" = 1 }}\nvae.training.epochs = [8]\n",
                when("{ \"vae.latent\" = 1 }")
            ),
            "manifest::conflict",
        ),
        (
            "vae.latent = [1]\n[[sweep.union]]\nvae.latent = [2]\n".to_owned(),
            "manifest::conflict",
        ),
        ("union = []\n".to_owned(), "manifest::out_of_range"),
        ("union = 3\n".to_owned(), "manifest::wrong_type"),
        ("union = [3]\n".to_owned(), "manifest::wrong_type"),
        (
            "[[sweep.union]]\nvae.latent = [1, 1]\n".to_owned(),
            "manifest::duplicate",
        ),
        (
            "[[sweep.union]]\n[[sweep.union.union]]\nvae.latent = [1]\n".to_owned(),
            "manifest::not_sweepable",
        ),
        (
            "[[sweep.unoin]]\nvae.latent = [1]\n".to_owned(),
            "manifest::not_sweepable",
        ),
        (
            "model.temperature = [1, 2]\n[[sweep.union]]\nvae.latent = [1, 2]\n\
          exclude = [{ \"model.temperature\" = 1 }]\n"
                .to_owned(),
            "manifest::unknown_word",
        ),
        (
            "model.temperature = [1, 2]\n[[sweep.union]]\nvae.latent = [1, 2]\n\
          [[sweep.union.when]]\nif = { \"model.temperature\" = 1 }\nvae.training.epochs = [7]\n"
                .to_owned(),
            "manifest::bad_when",
        ),
        // Only the other member has the value.
        (
            "[[sweep.union]]\nvae.latent = [1, 2]\nexclude = [{ \"vae.latent\" = 4 }]\n\
          [[sweep.union]]\nvae.latent = [4]\n"
                .to_owned(),
            "manifest::bad_exclude",
        ),
    ] {
        let problems = bad(&swept(&sweep));
        assert!(
            problems.iter().all(|it| it.code == code),
            "{sweep}\n{problems:#?}"
        );
    }
    let problems = bad(&swept(&when("3").replace("if = ", "iff = ")));
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["manifest::missing_key", "manifest::not_sweepable"]);
    let problem = only(&swept("[[sweep.unoin]]\nvae.latent = [1]\n"));
    assert_eq!(problem.help.as_deref(), Some("did you mean `union`?"));
}

#[test]
fn values_are_marked_in_their_member() {
    let sweep = "[[sweep.union]]\nvae.latent = [1, 0]\n[[sweep.union]]\nvae.latnet = [1]\n";
    let problems = bad(&swept(sweep));
    let found: Vec<(&str, usize)> = problems.iter().map(|it| (&*it.key, line(it))).collect();
    assert_eq!(
        found,
        [("vae.latent", 19), ("sweep.union[1].vae.latnet", 21)]
    );
}

#[test]
fn rules_of_the_sweep_see_the_axes_of_the_members() {
    let sweep = "model.temperature = [1, 2]\n\
                 exclude = [{ \"vae.latent\" = [4, 3], \"model.temperature\" = 2 }]\n\
                 [[sweep.union]]\nvae.latent = [4, 5]\n[[sweep.union]]\nvae.training.epochs = [7]\n";
    // The second member takes `latent = 3` from [vae].
    assert_eq!(rows(&swept(sweep)), ["1 4 30", "1 5 30", "1 3 7", "2 5 30"]);
    assert_round_trip(&swept(sweep));
}

#[test]
fn plots_may_name_the_axes_of_members() {
    let plot = "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"hidden\"\ny = \"overlap\"\n";
    assert_eq!(good(&swept(&format!("{UNION}{plot}"))).plots[0].x, "hidden");
}

#[test]
fn too_many_points_are_refused_before_they_are_made() {
    let start = Instant::now();
    let range = "{ start = 100, stop = 100_099, step = 1 }";
    let member = format!("[[sweep.union]]\nsampling.samples = {range}\n");
    for sweep in [
        // 100,000 points are allowed, one more is not.
        format!("{member}[[sweep.union]]\nvae.latent = [5]\n"),
        format!(
            "sampling.samples = {range}\n[[sweep.when]]\nif = {{ \"model.kind\" = \"hopfield\" }}\n\
                 sampling.test_samples = {range}\n"
        ),
        format!(
            "[[sweep.union]]\nsampling.samples = {range}\n[[sweep.union.when]]\n\
                 if = {{ \"model.kind\" = \"hopfield\" }}\nsampling.test_samples = [10, 11]\n"
        ),
        // Ranges are short to write and long to read.
        member.repeat(10_000),
    ] {
        let problems = bad(&swept(&sweep));
        let here = problems
            .iter()
            .all(|it| it.code == "manifest::too_many_points");
        assert!(here, "{problems:#?}");
    }
    // Equal points count once, but only after they are made.
    let problem = only(&swept(&format!("{member}{member}")));
    assert!(
        problem.found.starts_with("200000 x 1 replicates"),
        "{problem}"
    );
    assert!(
        start.elapsed() < Duration::from_mins(1),
        "{:?}",
        start.elapsed()
    );
}
