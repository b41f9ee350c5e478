//! Several files that make one manifest, and folders that results may not leave.

use std::collections::BTreeMap;

use latentfield::tables::{self, Column, Table};

use crate::support::{Experiment, POINT};

/// The labels of the planned tasks of one stage.
fn labels(experiment: &Experiment, stage: &str) -> Vec<String> {
    let tasks = experiment.plan(&[]).into_iter();
    tasks
        .filter(|task| task["stage"] == stage)
        .map(|task| task["label"].as_str().expect("a label").to_owned())
        .collect()
}

#[test]
fn a_problem_of_an_extended_file_shows_its_own_line() {
    let experiment = Experiment::new("extend = \"base.toml\"\n[vae]\nlatent = 0\n");
    experiment.write(
        "base.toml",
        POINT.replace("sites = 24", "sites = -24").as_bytes(),
    );
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&[
        "manifest.toml:3:10: `vae.latent`: ",
        "base.toml:8:9: `model.sites`: ",
        // The snippets are those of the two files.
        "latent = 0",
        "sites = -24",
        "2 problems",
    ]);
}

#[test]
fn what_is_named_and_not_there_is_a_problem_of_the_line_that_names_it() {
    let experiment = Experiment::new(&format!("extend = \"gone.toml\"\n{POINT}"));
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&["manifest.toml:1:10: `extend`: ", "No such file"]);
    let experiment = Experiment::new(&format!("{POINT}[sweep]\ntable = \"gone.csv\"\n"));
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&["`sweep.table`: ", "No such file", "table = \"gone.csv\""]);
}

#[test]
fn tables_of_points_are_planned_from_text_and_from_parquet() {
    let table = |name: &str| format!("{POINT}[sweep]\ntable = \"{name}\"\n");
    let experiment = Experiment::new(&table("trials.csv"));
    experiment.write(
        "trials.csv",
        b"model.temperature,vae.hidden\n0.6,\"[8, 8]\"\n1.2,[16]\n",
    );
    let expected = [
        "train[temperature=0.6, hidden=8x8]",
        "train[temperature=1.2, hidden=16]",
    ];
    assert_eq!(labels(&experiment, "train"), expected);
    experiment.write(
        "trials.csv",
        b"model.temperature,vae.hidden\n0.6,[8]\n-1,[16]\n",
    );
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&["trials.csv:3:1: `model.temperature`: ", "-1,[16]"]);

    let experiment = Experiment::new(&table("trials.parquet"));
    let hidden = ["[8, 8]", "[16]"].map(str::to_owned);
    let columns = vec![
        (
            "model.temperature".to_owned(),
            Column::Number(vec![Some(0.6), Some(1.2)]),
        ),
        // Texts are read as the cells of a CSV file are.
        ("vae.hidden".to_owned(), Column::Text(hidden.to_vec())),
    ];
    let trials = Table::from_columns("trials", columns).unwrap();
    let bytes = tables::to_bytes(&trials, &BTreeMap::new()).unwrap();
    experiment.write("trials.parquet", &bytes);
    assert_eq!(labels(&experiment, "train"), expected);
    // A column that is no parameter, in a file that has no lines.
    let columns = vec![("vae.latnet".to_owned(), Column::Integer(vec![1]))];
    let trials = Table::from_columns("trials", columns).unwrap();
    let bytes = tables::to_bytes(&trials, &BTreeMap::new()).unwrap();
    experiment.write("trials.parquet", &bytes);
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&["trials.parquet: header: ", "did you mean `vae.latent`?"]);
    experiment.write("trials.parquet", b"PAR1 no more");
    let ended = experiment.call(&["check", "manifest.toml"]).with_code(2);
    ended.saying(&["`sweep.table`: ", "trials.parquet"]);
}

#[test]
fn a_run_from_several_files_keeps_one_manifest_that_stands_alone() {
    let text = "extend = \"base.toml\"\nrequired-version = \">=0.1\"\n[sweep]\n\
                table = \"trials.csv\"\n";
    let experiment = Experiment::new(text);
    experiment.write("base.toml", POINT.as_bytes());
    experiment.write("trials.csv", b"vae.latent\n1\n2\n");
    experiment.run(&["--only", "sample"]).with_code(0);
    let expanded = experiment.path("results/trial/manifest.toml");
    let expanded = std::fs::read_to_string(expanded).unwrap();
    let alone = Experiment::new(&expanded);
    assert_eq!(labels(&alone, "train"), labels(&experiment, "train"));
    // Tables have a column `latent`, so that the axis goes by its full path.
    let expected = ["train[vae.latent=1]", "train[vae.latent=2]"];
    assert_eq!(labels(&alone, "train"), expected);
}

#[test]
fn a_column_is_empty_where_a_combination_has_no_such_parameter() {
    let text = format!(
        "{POINT}[sweep]\nvae.prior = [\"normal\", \"mixture\"]\n[[sweep.when]]\n\
         if = {{ \"vae.prior\" = \"mixture\" }}\nvae.components = [2, 3]\n"
    );
    let experiment = Experiment::new(&text);
    experiment.run(&[]).with_code(0);
    let table = experiment.table("likelihood");
    let components = table.numbers("components").unwrap();
    let priors = table.texts("prior").unwrap();
    let found: Vec<(&str, Option<f64>)> = priors
        .iter()
        .map(String::as_str)
        .zip(components.iter().copied())
        .collect();
    let expected = [
        ("normal", None),
        ("mixture", Some(2.0)),
        ("mixture", Some(3.0)),
    ];
    assert_eq!(found, expected);
    // A task is named, and chosen, by what it has not.
    let only = ["--only", "train[components=none]", "--expect-cached"];
    experiment.run(&only).with_code(0);
}

#[test]
fn names_that_would_leave_the_results_are_refused() {
    let experiment = Experiment::new(POINT);
    for name in [
        "../out",
        "/tmp/out",
        "a/b",
        "..",
        ".",
        ".store",
        "",
        "reference",
        "Reference",
    ] {
        let set = format!("experiment.name=\"{name}\"");
        let ended = experiment.run(&["--set", &set]).with_code(2);
        ended.saying(&["`experiment.name`: "]);
        let plot = format!(
            "plot=[{{ name = \"{name}\", table = \"patterns\", x = \"point\", y = \"overlap\" }}]"
        );
        let reserved = name.eq_ignore_ascii_case("reference");
        let ended = experiment.call(&["check", "manifest.toml", "--set", &plot]);
        let ended = ended.with_code(if reserved { 0 } else { 2 });
        if !reserved {
            ended.saying(&["`plot[0].name`: "]);
        }
    }
    assert!(!experiment.path("results").exists());
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_results_is_refused_and_a_link_to_them_is_not() {
    let experiment = Experiment::new(POINT);
    let elsewhere = experiment.path("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::create_dir_all(experiment.path("results")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, experiment.path("results/trial")).unwrap();
    let ended = experiment.run(&["--only", "sample"]).with_code(3);
    ended.saying(&["results/trial", "elsewhere", "remove the link"]);
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);

    // A folder inside the experiment's leads out just as well.
    std::fs::remove_file(experiment.path("results/trial")).unwrap();
    std::fs::create_dir_all(experiment.path("results/trial")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, experiment.path("results/trial/tables")).unwrap();
    experiment
        .run(&["--only", "sample"])
        .with_code(3)
        .saying(&["tables"]);
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);

    // The results as a whole may lie on another disk.
    std::os::unix::fs::symlink(&elsewhere, experiment.path("linked")).unwrap();
    let options = ["--only", "sample", "--results", "linked"];
    experiment.run(&options).with_code(0);
    assert!(elsewhere.join("trial/run.json").is_file());
}
