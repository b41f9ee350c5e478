//! Sweeps, counted by hand.

use super::*;

fn swept(sweep: &str) -> Sources {
    sources(&format!("{MODEL}[sweep]\n{sweep}\n"))
}

/// The values of all axes of all points, as text.
fn rows(sweep: &str) -> Vec<String> {
    let manifest = good(&swept(sweep));
    let row = |point: &Point| {
        let values = point.coordinates.iter().map(|(_, value)| value.to_string());
        values.collect::<Vec<_>>().join(" ")
    };
    manifest.points.iter().map(row).collect()
}

#[test]
fn without_a_sweep_there_is_a_point_a_replicate() {
    let manifest = good(&with_sets(MODEL, &["experiment.replicates=3"]));
    assert!(manifest.axes.is_empty());
    let found: Vec<(usize, u32)> = manifest
        .points
        .iter()
        .map(|p| (p.index, p.replicate))
        .collect();
    assert_eq!(found, [(0, 0), (1, 1), (2, 2)]);
    assert!(manifest.points.iter().all(|point| point.seed == 7));
}

#[test]
fn axes_are_crossed_in_file_order_the_last_fastest() {
    // Tables that come apart in the file keep their order: temperature, latent, sites.
    let sweep = "model.temperature = [2, 1]\nvae.latent = [5, 4]\nmodel.sites = [6, 7]";
    let expected = [
        "2 5 6", "2 5 7", "2 4 6", "2 4 7", "1 5 6", "1 5 7", "1 4 6", "1 4 7",
    ];
    assert_eq!(rows(sweep), expected);
}

#[test]
fn replicates_vary_fastest() {
    let mut sources = swept("vae.latent = [1, 2]");
    sources.sets = vec!["experiment.replicates=2".to_owned()];
    let manifest = good(&sources);
    let found: Vec<(usize, u32)> = manifest
        .points
        .iter()
        .map(|p| (p.vae.latent, p.replicate))
        .collect();
    assert_eq!(found, [(1, 0), (1, 1), (2, 0), (2, 1)]);
}

#[test]
fn points_carry_the_swept_values_in_their_sections() {
    let manifest = good(&swept(
        "vae.hidden = [[8], [16, 16], []]\nvae.training.epochs = [3, 9]",
    ));
    assert_eq!(manifest.points.len(), 6);
    let point = &manifest.points[3];
    assert_eq!(point.vae.hidden, [16, 16]);
    assert_eq!(point.vae.encoder_hidden, [16, 16], "follows `hidden`");
    assert_eq!(point.vae.training.epochs, 9);
    assert_eq!(
        point.coordinates,
        [
            ("hidden".to_owned(), Scalar::Text("16x16".to_owned())),
            ("epochs".to_owned(), Scalar::Integer(9)),
        ]
    );
}

#[test]
fn ranges_include_their_stop_and_print_short() {
    let values = |range: &str| rows(&format!("model.temperature = {range}")).join(" ");
    assert_eq!(
        values("{ start = 0.4, stop = 1.5, step = 0.1 }"),
        "0.4 0.5 0.6 0.7 0.8 0.9 1 1.1 1.2 1.3 1.4 1.5"
    );
    assert_eq!(
        values("{ start = 0.4, stop = 0.65, step = 0.1 }"),
        "0.4 0.5 0.6"
    );
    assert_eq!(
        values("{ start = 1.0, stop = 0.5, step = -0.25 }"),
        "1 0.75 0.5"
    );
    assert_eq!(
        values("{ start = 1, stop = 2, count = 5 }"),
        "1 1.25 1.5 1.75 2"
    );
    assert_eq!(
        values("{ start = 0.1, stop = 0.3, count = 3 }"),
        "0.1 0.2 0.3"
    );
    assert_eq!(
        values("{ start = 0.01, stop = 100, count = 5, scale = \"log\" }"),
        "0.01 0.1 1 10 100"
    );
}

#[test]
fn integers_stay_integers_and_real_keys_take_real_values() {
    let scalars = |sweep: &str| good(&swept(sweep)).axes[0].values.clone();
    assert_eq!(
        scalars("model.sites = { start = 6, stop = 10, step = 2 }"),
        [6, 8, 10].map(Scalar::Integer)
    );
    assert_eq!(
        scalars("model.sites = { start = 6, stop = 10, count = 3 }"),
        [6, 8, 10].map(Scalar::Integer)
    );
    assert_eq!(
        scalars("model.temperature = [1, 2.0]"),
        [1.0, 2.0].map(Scalar::Number)
    );
    let problems = bad(&swept("model.sites = { start = 6, stop = 7, count = 3 }"));
    assert!(problems.iter().all(|problem| problem.key == "model.sites"));
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    for range in [
        "{ start = 1, stop = 2 }",
        "{ start = 1, step = 1 }",
        "{ stop = 1, step = 1 }",
        "{ start = 1, stop = 2, step = 0 }",
        "{ start = 1, stop = 2, step = -1 }",
        "{ start = 1, stop = 2, step = nan }",
        "{ start = 1, stop = 2, step = \"a\" }",
        "{ start = 1, stop = inf, step = 1 }",
        "{ start = 1, stop = 1e300, step = 1e-300 }",
        "{ start = 1, stop = 1_000_000, step = 1 }",
        "{ start = 1, stop = 2, count = 1 }",
        "{ start = 1, stop = 2, count = 4_000_000_000 }",
        "{ start = 1, stop = 2, step = 1, count = 2 }",
        "{ start = 1, stop = 2, step = 1, scale = \"log\" }",
        "{ start = 0, stop = 2, count = 2, scale = \"log\" }",
        "{ start = 1, stop = 2, steps = 1 }",
        "[]",
        "0.5",
        "[0.5, 0.5]",
        "[1, 1.0]",
    ] {
        let problems = bad(&swept(&format!("model.temperature = {range}")));
        let here = problems
            .iter()
            .all(|it| it.key.starts_with("sweep.model.temperature"));
        assert!(here, "{range}: {problems:#?}");
    }
}

#[test]
fn a_bad_value_of_an_axis_is_marked_itself() {
    let problems = bad(&swept("model.temperature = [\n  0.4,\n  0,\n  \"x\",\n]"));
    let found: Vec<(&str, usize)> = problems.iter().map(|it| (it.code, line(it))).collect();
    assert_eq!(
        found,
        [("manifest::out_of_range", 20), ("manifest::wrong_type", 21)]
    );
}

#[test]
fn a_value_that_a_sweep_replaces_is_checked_too() {
    let text = MODEL.replace("temperature = 0.9", "temperature = \"cold\"");
    let problem = only(&sources(&format!(
        "{text}[sweep]\nmodel.temperature = [1, 2]\n"
    )));
    assert_eq!((problem.code, line(&problem)), ("manifest::wrong_type", 10));
}

#[test]
fn a_required_key_may_stand_in_the_sweep_only() {
    let text = MODEL.replace("temperature = 0.9\n", "");
    assert_eq!(only(&sources(&text)).code, "manifest::missing_key");
    let manifest = good(&sources(&format!(
        "{text}[sweep]\nmodel.temperature = [1, 2]\n"
    )));
    assert_eq!(manifest.points.len(), 2);
}

#[test]
fn only_parameters_are_swept() {
    for (sweep, code) in [
        ("experiment.seed = [1, 2]", "manifest::not_sweepable"),
        (
            "analysis.likelihood.importance_samples = [1]",
            "manifest::not_sweepable",
        ),
        ("temperature = [1, 2]", "manifest::not_sweepable"),
        ("model.temprature = [1, 2]", "manifest::unknown_key"),
        ("vae.training.epoch = [1, 2]", "manifest::unknown_key"),
    ] {
        assert_eq!(only(&swept(sweep)).code, code, "{sweep}");
    }
    let problem = only(&swept("model.temprature = [1, 2]"));
    assert_eq!(
        problem.help.as_deref(),
        Some("did you mean `sweep.model.temperature`?")
    );
}

#[test]
fn zipped_axes_advance_together() {
    let sweep = "model.sites = [6, 7]\nvae.latent = [1, 2]\nsampling.samples = [100, 200]\n\
                 zip = [[\"model.sites\", \"sampling.samples\"]]";
    assert_eq!(rows(sweep), ["6 1 100", "6 2 100", "7 1 200", "7 2 200"]);
}

#[test]
fn zips_that_make_no_sense_are_refused() {
    let axes = "model.sites = [6, 7]\nvae.latent = [1, 2, 3]\nsampling.samples = [100, 200]\n";
    for (zip, code) in [
        ("[[\"model.sites\", \"vae.latent\"]]", "manifest::conflict"),
        ("[[\"model.sites\"]]", "manifest::out_of_range"),
        (
            "[[\"model.sites\", \"model.sites\"]]",
            "manifest::duplicate",
        ),
        (
            "[[\"model.sites\", \"vae.hidden\"]]",
            "manifest::unknown_word",
        ),
        ("[[\"model.sites\", 3]]", "manifest::wrong_type"),
        (
            "[[\"model.sites\", \"sampling.samples\"], [\"sampling.samples\", \"model.sites\"]]",
            "manifest::conflict",
        ),
    ] {
        let problems = bad(&swept(&format!("{axes}zip = {zip}")));
        assert!(
            problems.iter().all(|problem| problem.code == code),
            "{zip}: {problems:#?}"
        );
    }
}

#[test]
fn exclusions_leave_out_what_matches_all_their_keys() {
    let axes =
        "model.sites = [6, 7]\nmodel.temperature = { start = 0.5, stop = 0.7, step = 0.1 }\n";
    let quoted = "exclude = [{ \"model.sites\" = 6, \"model.temperature\" = 0.6 }]";
    let expected = ["6 0.5", "6 0.7", "7 0.5", "7 0.6", "7 0.7"];
    assert_eq!(rows(&format!("{axes}{quoted}")), expected);
    let dotted = "exclude = [{ model.sites = 6, model.temperature = 0.6 }]";
    assert_eq!(rows(&format!("{axes}{dotted}")), expected);
    let manifest = good(&swept(&format!(
        "{axes}exclude = [{{ \"model.sites\" = 6 }}]"
    )));
    assert_eq!(manifest.points.len(), 3);
    assert_eq!(
        manifest.axes[0].values,
        [Scalar::Integer(7)],
        "values that occur"
    );
    let indices: Vec<usize> = manifest.points.iter().map(|point| point.index).collect();
    assert_eq!(indices, [0, 1, 2]);
}

#[test]
fn exclusions_that_make_no_sense_are_refused() {
    let axes = "model.sites = [6, 7]\nvae.latent = [1, 2]\n\
                zip = [[\"model.sites\", \"vae.latent\"]]\n";
    for rule in [
        "{ \"model.sites\" = 8 }",
        "{ \"model.temperature\" = 1 }",
        "{ \"model.sites\" = 6, \"vae.latent\" = 2 }",
        "{}",
        "3",
        "{ \"model.sites\" = 6 }, { \"model.sites\" = 7 }",
        "{ \"model.sites\" = 6 }, { \"vae.latent\" = 1 }",
    ] {
        only(&swept(&format!("{axes}exclude = [{rule}]")));
    }
}

#[test]
fn too_many_points_are_refused_with_their_number() {
    let range = |last: u32| format!("{{ start = 100, stop = {last}, step = 1 }}");
    let sweep = |a: u32, b: u32| {
        format!(
            "sampling.samples = {}\nsampling.test_samples = {}",
            range(a),
            range(b)
        )
    };
    // 250 x 400 values are just allowed; one more of the first is not.
    assert_eq!(good(&swept(&sweep(349, 499))).points.len(), 100_000);
    let problem = only(&swept(&sweep(350, 499)));
    assert_eq!(problem.code, "manifest::too_many_points");
    assert!(problem.found.contains("251 x 400"), "{problem}");
    let huge = "sampling.samples = { start = 100, stop = 99_000, step = 1 }\n\
                sampling.test_samples = { start = 100, stop = 99_000, step = 1 }";
    assert_eq!(only(&swept(huge)).code, "manifest::too_many_points");
}

#[test]
fn clashing_names_become_full_paths() {
    let names = |sources: &Sources| -> Vec<String> {
        good(sources)
            .axes
            .into_iter()
            .map(|axis| axis.name)
            .collect()
    };
    let sweep = "vae.latent = [1, 2]\nmodel.sites = [6, 7]";
    assert_eq!(names(&swept(sweep)), ["latent", "sites"]);
    let sources = swept("model.patterns = [1, 2]\nvae.latent = [1, 2]");
    let columns: Catalogue<'_> = &[("verdict", &["patterns"])];
    let axes = load(&sources, columns).unwrap().axes;
    assert_eq!(
        axes[0].name, "model.patterns",
        "a table has a column `patterns`"
    );
    assert_eq!(axes[1].name, "latent");
}

#[test]
fn given_patterns_follow_swept_sites_or_are_refused() {
    let text = MODEL.replace("patterns = 2", "patterns = [[1, 1, -1, -1, 1, 1]]");
    let problem = only(&sources(&format!("{text}[sweep]\nmodel.sites = [6, 7]\n")));
    assert_eq!(problem.key, "model.patterns[0]");
    assert!(problem.expected.contains('7'), "{problem}");
}

#[test]
fn numbers_of_cells_and_parts_of_a_movie_are_swept_as_texts() {
    let text = format!(
        "{RECORDING}[sweep]\nrecording.sites = [\"random:10\", \"random:20\", [3, 1]]\n\
         recording.bins = [\"0:476\", \"476:953\"]\n"
    );
    let manifest = good(&sources(&text));
    let names: Vec<&str> = manifest.axes.iter().map(|axis| &*axis.name).collect();
    assert_eq!(names, ["sites", "bins"]);
    let coordinates: Vec<String> = manifest
        .points
        .iter()
        .map(|point| format!("{} {}", point.coordinates[0].1, point.coordinates[1].1))
        .collect();
    let expected = [
        "random:10 0:476",
        "random:10 476:953",
        "random:20 0:476",
        "random:20 476:953",
        "3x1 0:476",
        "3x1 476:953",
    ];
    assert_eq!(coordinates, expected);
    let counts: Vec<Option<usize>> = manifest
        .points
        .iter()
        .map(|point| point.system.known_sites())
        .collect();
    assert_eq!(counts, [10, 10, 20, 20, 2, 2].map(Some));
}

#[test]
fn keys_of_an_inline_table_are_swept_by_name() {
    let text = format!("{RECORDING}[sweep]\nrecording.split.offset = [0, 1, 2]\n");
    let manifest = good(&sources(&text));
    let offsets: Vec<usize> = manifest
        .points
        .iter()
        .map(|point| match &point.system {
            System::Recording(recording) => recording.split.offset,
            System::Model { .. } => panic!("a recording"),
        })
        .collect();
    assert_eq!(offsets, [0, 1, 2]);
}
