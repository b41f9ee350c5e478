//! Which layer wins, and how its place is named.

use super::*;

fn latent(sources: &Sources) -> usize {
    good(sources).points[0].vae.latent
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn later_layers_win() {
    let mut sources = sources(&MODEL.replace("latent = 3\n", ""));
    assert_eq!(latent(&sources), 2, "the default");
    sources.text = MODEL.to_owned();
    assert_eq!(latent(&sources), 3, "the manifest");
    sources.environment = vec![variable("LATENTFIELD_VAE__LATENT", "4")];
    assert_eq!(latent(&sources), 4, "the environment");
    sources.sets = vec!["vae.latent=5".to_owned()];
    assert_eq!(latent(&sources), 5, "--set");
    sources.sets.push("vae.latent=6".to_owned());
    assert_eq!(latent(&sources), 6, "the last --set");
}

#[test]
fn machine_keys_come_from_the_user_file_and_above() {
    let mut sources = sources(MODEL);
    assert_eq!(good(&sources).machine, Machine::default());
    let user = "threads = 4\n[store]\npath = \"store\"\n";
    sources.user_file = Some(("/etc/user/latentfield.toml".into(), user.to_owned()));
    let machine = good(&sources).machine;
    assert_eq!(machine.threads, Some(4));
    assert_eq!(machine.store_path, Some("/etc/user/store".into()));

    sources.environment = vec![variable("LATENTFIELD_THREADS", "2")];
    sources.sets = vec!["store.path=here".to_owned()];
    let machine = good(&sources).machine;
    assert_eq!(machine.threads, Some(2));
    assert_eq!(machine.store_path, Some("/home/someone/here".into()));
}

#[test]
fn whether_code_counts_is_said_by_the_machine() {
    let mut sources = sources(MODEL);
    assert_eq!(good(&sources).machine.code, CodeInKeys::Digest);
    let user = "[store]\ncode = \"version\"\n";
    sources.user_file = Some(("user.toml".into(), user.to_owned()));
    assert_eq!(good(&sources).machine.code, CodeInKeys::Version);
    sources.environment = vec![variable("LATENTFIELD_STORE__CODE", "digest")];
    assert_eq!(good(&sources).machine.code, CodeInKeys::Digest);
    sources.sets = vec!["store.code=versions".to_owned()];
    let problem = only(&sources);
    assert_eq!(problem.key, "store.code");
    assert!(problem.to_string().contains("`digest`"), "{problem}");
    (sources.sets, sources.environment) = (Vec::new(), Vec::new());
    sources.text = format!("{MODEL}\n[store]\ncode = \"version\"\n");
    let problems = bad(&sources);
    let found: Vec<(&str, &str)> = problems.iter().map(|it| (it.code, &*it.key)).collect();
    assert_eq!(found, [("manifest::misplaced_key", "store.code")]);
}

#[test]
fn machine_keys_are_refused_in_a_manifest_and_others_in_the_user_file() {
    let text = format!("threads = 3\n{MODEL}\n[store]\npath = \"x\"\n");
    let problems = bad(&sources(&text));
    let found: Vec<(&str, &str)> = problems.iter().map(|it| (it.code, &*it.key)).collect();
    let code = "manifest::misplaced_key";
    assert_eq!(found, [(code, "threads"), (code, "store.path")]);

    let mut sources = sources(MODEL);
    let user = "threads = 3\n\n[vae]\nlatent = 9\n";
    sources.user_file = Some(("user.toml".into(), user.to_owned()));
    let problem = only(&sources);
    assert_eq!((problem.code, &*problem.key), (code, "vae"));
    assert!(problem.to_string().starts_with("user.toml:3:"), "{problem}");
}

#[test]
fn problems_of_the_user_file_point_into_it() {
    let mut sources = sources(MODEL);
    sources.user_file = Some(("user.toml".into(), "\nthreads = 0\n".to_owned()));
    let problem = only(&sources);
    assert!(
        problem.to_string().starts_with("user.toml:2:11: `threads`"),
        "{problem}"
    );
}

#[test]
fn a_value_from_outside_is_named_as_such() {
    let mut sources = sources(MODEL);
    sources.environment = vec![
        variable("LATENTFIELD_VAE__LATENT", "0"),
        variable("HOME", "/home/someone"),
        variable("LATENTFIELD_VAE__HIDEN", "[3]"),
    ];
    sources.sets = vec!["model.sites = none".to_owned()];
    let problems = bad(&sources);
    let origins: Vec<(&str, &Origin)> = problems.iter().map(|it| (&*it.key, &it.origin)).collect();
    let environment = |name: &str| Origin::Environment(name.to_owned());
    assert_eq!(
        origins,
        [
            ("model.sites", &Origin::Set("model.sites = none".to_owned())),
            ("vae.hiden", &environment("LATENTFIELD_VAE__HIDEN")),
            ("vae.latent", &environment("LATENTFIELD_VAE__LATENT")),
        ]
    );
}

#[test]
fn malformed_overrides_are_problems() {
    for set in ["vae.latent", "=3", "vae..latent=3", ".=1", "vae.hidden=[3"] {
        let problem = only(&with_sets(MODEL, &[set]));
        assert_eq!(problem.origin, Origin::Set(set.to_owned()));
    }
    let mut sources = sources(MODEL);
    sources.environment = vec![variable("LATENTFIELD_", "3")];
    assert_eq!(only(&sources).code, "manifest::bad_override");
}

#[test]
fn a_bare_word_and_a_date_are_texts() {
    let title = |set: &str| good(&with_sets(MODEL, &[set])).experiment.title;
    assert_eq!(title("experiment.title=two words"), "two words");
    assert_eq!(title("experiment.title=2026-11-23"), "2026-11-23");
    assert_eq!(title("experiment.title=\"quoted\""), "quoted");
}

#[test]
fn a_table_given_whole_replaces_the_one_below() {
    let text = format!("{MODEL}[analysis]\nlikelihood = {{ importance_samples = 16 }}\n");
    let samples = |sets: &[&str]| {
        let point = good(&with_sets(&text, sets)).points[0].clone();
        point.analysis.likelihood.unwrap().importance_samples
    };
    assert_eq!(samples(&[]), 16);
    assert_eq!(samples(&["analysis.likelihood.quadrature_samples=5"]), 16);
    assert_eq!(samples(&["analysis.likelihood={}"]), 256);
}

#[test]
fn a_swept_key_is_not_set_beside_its_sweep() {
    let text = format!("{MODEL}[sweep]\nmodel.temperature = [0.4, 0.5]\n");
    good(&sources(&text));
    let problem = only(&with_sets(&text, &["model.temperature=0.9"]));
    assert_eq!(problem.code, "manifest::swept_key_set");
    let help = problem.help.unwrap();
    assert!(help.contains("sweep.model.temperature=[0.9]"), "{help}");

    let set = "sweep.model.temperature=[0.8, 0.9, 1]";
    let manifest = good(&with_sets(&text, &[set]));
    let values: Vec<String> = manifest.axes[0]
        .values
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(values, ["0.8", "0.9", "1"]);
    let range = "sweep.model.temperature={ start = 1, stop = 3, count = 3 }";
    assert_eq!(good(&with_sets(&text, &[range])).points.len(), 3);
}

#[test]
fn quoted_keys_with_dots_are_keys_and_not_paths() {
    let problem = only(&sources(&format!("\"vae.latent\" = 3\n{MODEL}")));
    assert_eq!((problem.code, line(&problem)), ("manifest::unknown_key", 1));
}
