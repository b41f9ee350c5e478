//! Problems are found all at once, where they are, with a way out.

use super::*;

#[test]
fn five_mistakes_give_five_problems_on_their_lines() {
    let text = r#"[experiment]
name = "five"
replicates = 0

[model]
kind = "hopfield"
sites = 100
patterns = 3
temprature = 0.9

[vae]
hidden = [64, "wide"]
activation = "than"

[sweep]
model.temperature = [0.4, -1.0]
"#;
    let problems = bad(&sources(text));
    let found: Vec<(&str, &str, usize)> = problems
        .iter()
        .map(|problem| (problem.code, &*problem.key, line(problem)))
        .collect();
    assert_eq!(
        found,
        [
            ("manifest::out_of_range", "experiment.replicates", 3),
            ("manifest::unknown_key", "model.temprature", 9),
            ("manifest::wrong_type", "vae.hidden[1]", 12),
            ("manifest::unknown_word", "vae.activation", 13),
            ("manifest::out_of_range", "model.temperature", 16),
        ]
    );
    assert_eq!(
        problems[1].help.as_deref(),
        Some("did you mean `temperature`?")
    );
    assert_eq!(problems[3].help.as_deref(), Some("did you mean `tanh`?"));
    for problem in &problems {
        let Origin::File { span, .. } = &problem.origin else {
            panic!("{problem:?}");
        };
        let marked = &text[span.clone()];
        assert!(
            ["0", "temprature", "\"wide\"", "\"than\"", "-1.0"].contains(&marked),
            "{marked}"
        );
    }
}

#[test]
fn a_problem_is_one_readable_line() {
    let text = MODEL.replace("latent = 3", "latent = 300");
    assert_eq!(
        only(&sources(&text)).to_string(),
        "runs/exp.toml:16:10: `vae.latent`: found `300`, expected an integer from 1 to 64"
    );
    assert_eq!(
        only(&with_sets(MODEL, &["vae.prior=normall"])).to_string(),
        "--set `vae.prior=normall`: `vae.prior`: found `\"normall\"`, \
         expected `normal` or `mixture`; did you mean `normal`?"
    );
}

#[test]
fn columns_count_characters_and_spans_count_bytes() {
    let text = "experiment = { title = \"Tkačik\", name = 3 }\n";
    let problems = bad(&sources(text));
    let Origin::File {
        line, column, span, ..
    } = &problems[0].origin
    else {
        panic!("{problems:?}");
    };
    let name = problems
        .iter()
        .find(|problem| problem.key == "experiment.name");
    let Some(Origin::File {
        column: at,
        span: bytes,
        ..
    }) = name.map(|it| &it.origin)
    else {
        panic!("{line}:{column} {span:?}");
    };
    assert_eq!(text.chars().nth(at - 1), Some('3'));
    assert_eq!(&text[bytes.clone()], "3");
}

#[test]
fn syntax_errors_have_a_line_each() {
    let problems = bad(&sources("[experiment]\nname = = \"x\"\nseed = [1, 2\n"));
    assert!(
        problems
            .iter()
            .all(|problem| problem.code == "manifest::syntax")
    );
    let lines: Vec<usize> = problems.iter().map(line).collect();
    assert!(lines.contains(&2) && lines.contains(&3), "{lines:?}");
    let twice = only(&sources(&format!("{MODEL}latent = 4\n")));
    assert_eq!((twice.code, line(&twice)), ("manifest::syntax", 17));
}

#[test]
fn a_misplaced_key_is_told_where_it_belongs() {
    for (key, help) in [
        ("epochs = 3", "`epochs` belongs to `[vae.training]`"),
        ("samples = 300", "`samples` belongs to `[sampling]`"),
        ("latnet = 2", "did you mean `latent`?"),
    ] {
        let problem = only(&sources(&format!("{MODEL}{key}\n")));
        assert_eq!(problem.code, "manifest::unknown_key");
        assert_eq!(problem.help.as_deref(), Some(help));
        assert_eq!(line(&problem), 17);
    }
}

#[test]
fn missing_keys_point_at_the_line_of_their_table() {
    let text = MODEL
        .replace("sites = 6\n", "")
        .replace("temperature = 0.9\n", "");
    let problems = bad(&sources(&text));
    let found: Vec<(&str, usize)> = problems.iter().map(|it| (&*it.key, line(it))).collect();
    assert_eq!(found, [("model.sites", 6), ("model.temperature", 6)]);
}

#[test]
fn kinds_of_model_that_do_not_exist_are_refused_and_the_rest_is_checked() {
    let text = MODEL
        .replace("\"hopfield\"", "\"hopfeild\"")
        .replace("sites = 6", "sites = 0");
    let problems = bad(&sources(&text));
    let keys: Vec<&str> = problems.iter().map(|problem| &*problem.key).collect();
    assert_eq!(keys, ["model.kind", "model.sites"]);
    let problem = only(&with_sets(MODEL, &["model.kind=potts"]));
    assert!(problem.expected.contains("hopfield"), "{problem}");
}

#[test]
fn devices_that_are_not_built_in_are_known_by_name() {
    let devices = [
        ("cuda", cfg!(feature = "cuda")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("libtorch", cfg!(feature = "libtorch")),
    ];
    for (name, _) in devices.iter().filter(|(_, built_in)| !built_in) {
        let known = only(&with_sets(MODEL, &[&format!("vae.training.device={name}")]));
        assert_eq!(known.code, "manifest::not_built_in");
        let way_out = format!("build it in: `cargo run --release --features {name} -- run …`");
        assert_eq!(known.help, Some(way_out));
    }
    let unknown = only(&with_sets(MODEL, &["vae.training.device=tpu"]));
    assert_eq!(unknown.code, "manifest::unknown_word");
}

#[test]
fn each_wrong_element_of_a_pattern_is_named_up_to_ten() {
    let two = MODEL.replace("patterns = 2", "patterns = [[1, 2, 1, 1, 0, 1]]");
    let keys: Vec<String> = bad(&sources(&two)).into_iter().map(|it| it.key).collect();
    assert_eq!(keys, ["model.patterns[0][1]", "model.patterns[0][4]"]);
    let zeros = vec!["0"; 50].join(", ");
    let fifty = MODEL
        .replace("sites = 6", "sites = 50")
        .replace("patterns = 2", &format!("patterns = [[{zeros}]]"));
    assert_eq!(bad(&sources(&fifty)).len(), 10);
}

#[test]
fn dates_and_huge_integers_are_refused_in_place() {
    let date = only(&sources(&MODEL.replace("seed = 7", "seed = 2026-11-23")));
    assert_eq!((date.code, line(&date)), ("manifest::wrong_type", 4));
    let huge = only(&sources(
        &MODEL.replace("seed = 7", "seed = 92233720368547758080"),
    ));
    assert_eq!(huge.key, "experiment.seed");
}

#[test]
fn a_flood_of_problems_is_cut_short_and_says_so() {
    let values = vec!["-1"; 3000]
        .iter()
        .enumerate()
        .map(|(index, _)| format!("-{index}.5"))
        .collect::<Vec<_>>()
        .join(", ");
    let problems = bad(&sources(&format!(
        "{MODEL}[sweep]\nmodel.temperature = [{values}]\n"
    )));
    assert_eq!(problems.len(), 501);
    assert_eq!(problems[500].code, "manifest::too_many_problems");
}
